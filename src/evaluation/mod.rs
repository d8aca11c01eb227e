//! Labelled data to figures: what `docproc eval` reports and the quantisation gate decides by.

mod data;
mod report;
mod tables;
mod tasks;

pub use data::{LabelledPage, LabelledSection, LabelledText, LabelledWords, read_lines};
pub use report::{ClassificationReport, Judged, LabelFigures};
pub use tables::{AdjacencyFigures, DocumentFigures, TableReport, tables};
pub use tasks::{
    SpanFigures, SpanReport, entities, layout, layout_alone, layout_batches, line_rows, sections, sentiment,
    spread_over,
};
