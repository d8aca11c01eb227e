//! The one integration binary.

mod cli;
mod input;
mod quantize;
mod rooms;
