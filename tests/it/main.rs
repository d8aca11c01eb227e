//! The one integration binary.

mod anomalies;
mod batch;
mod bench;
mod cli;
mod dependencies;
mod eval_audit;
mod eval_figures;
mod eval_tables;
mod exports;
mod fixtures;
#[path = "../hostile/mod.rs"]
#[allow(dead_code, reason = "`make soak` takes the rest")]
mod generator;
mod golden;
mod growth;
mod hostile;
mod input;
mod labels;
mod messages;
mod quantize;
mod quantize_cases;
mod report;
mod rooms;
mod search;
mod spellings;
#[path = "../../benches/growth/stages.rs"]
mod stages;
#[path = "../../benches/growth/statements.rs"]
mod statements;
mod table_shapes;
mod train;
mod whole_page;
