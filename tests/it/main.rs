//! The one integration binary.

mod cli;
mod input;
mod rooms;
mod train;
