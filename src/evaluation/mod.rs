//! Labelled data to figures: what `docproc eval` reports and the quantisation gate decides by.

mod report;

pub use report::{ClassificationReport, Judged, LabelFigures};
