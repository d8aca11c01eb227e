//! The one integration binary.

mod anomalies;
mod batch;
mod bench;
mod cli;
mod eval_audit;
#[path = "../hostile/mod.rs"]
#[allow(dead_code, reason = "`make soak` takes the rest")]
mod generator;
mod hostile;
mod input;
mod labels;
mod quantize;
mod quantize_cases;
mod rooms;
mod train;
