//! The one integration binary.

mod batch;
mod cli;
mod eval_audit;
mod input;
mod rooms;
mod train;
