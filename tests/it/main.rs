//! The one integration binary.

mod anomalies;
mod batch;
mod bench;
mod cli;
mod eval_audit;
#[path = "../hostile/mod.rs"]
#[allow(dead_code, reason = "`make soak` takes the rest")]
mod generator;
mod growth;
mod hostile;
mod input;
mod quantize;
mod rooms;
#[path = "../../benches/growth/stages.rs"]
mod stages;
#[path = "../../benches/growth/statements.rs"]
mod statements;
mod train;
