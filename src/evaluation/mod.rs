//! Labelled data to figures: what `docproc eval` reports and the quantisation gate decides by.

mod adjacency;
mod audit;
mod claims;
mod data;
mod figures;
mod icdar;
mod inject;
mod pairing;
mod reliability;
mod report;
mod rows;
mod spans;
mod tables;
mod tasks;

pub use audit::{
    Alarm, ClaimSource, DocumentReport, Found, InjectionOptions, InjectionReport, Missed, inject_into,
    injections,
};
pub use claims::{LabelledClaim, LabelledNumber, claims_in_print, claims_of_file};
pub use data::{LabelledPage, LabelledSection, LabelledText, LabelledWords, read_lines};
pub use figures::{
    Attribute, Fact, FactKind, FactPlace, FigureReport, FigureScores, LabelledDocument, Miss, figures,
    figures_of_analyses,
};
pub use reliability::{FigureOutcome, NameOutcome, Reliability};
pub use report::{ClassificationReport, Judged, LabelFigures};
pub use rows::{feature_row, features_in, read_analysis};
pub use tables::{AdjacencyFigures, DocumentFigures, TableReport, tables};
pub use tasks::{
    SpanFigures, SpanReport, entities, entities_alone, layout, layout_alone, layout_batches, line_rows,
    sections, sentiment, spread_over,
};
