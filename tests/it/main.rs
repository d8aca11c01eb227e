//! The one integration binary.

mod batch;
mod cli;
mod input;
mod rooms;
