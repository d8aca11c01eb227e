//! The one integration binary.

mod cli;
mod eval_audit;
mod input;
mod rooms;
