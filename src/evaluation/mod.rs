//! Labelled data to figures: what `docproc eval` reports and the quantisation gate decides by.

mod adjacency;
mod audit;
mod claims;
mod data;
mod facts;
mod figures;
mod icdar;
mod inject;
mod pairing;
mod reliability;
mod report;
mod rows;
mod spans;
mod surety;
mod tables;
mod tasks;

pub use audit::{ClaimSource, InjectionOptions, InjectionReport, injections};
pub use data::read_lines;
pub use figures::{FigureReport, figures, figures_of_analyses};
pub use reliability::{FigureOutcome, NameOutcome};
pub use report::{ClassificationReport, LabelFigures};
pub use rows::{feature_row, features_in, read_analysis};
pub use tables::{TableReport, tables};
pub use tasks::{
    SpanReport, entities, entities_alone, layout, layout_alone, layout_batches, line_rows, sections,
    sentiment, spread_over,
};
