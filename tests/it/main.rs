//! The one integration binary.

mod anomalies;
mod batch;
mod cli;
mod eval_audit;
mod input;
mod quantize;
mod rooms;
mod train;
