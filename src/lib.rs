//! docproc analyzes folders of financial documents: layout, sections, sentiment, entities, figures, tables and
//! scores, each with page, box, text, model and confidence.
//!
//! The command line in `cli` is the product; the library is split into rooms, each of which may import only the
//! rooms listed above it. ARCHITECTURE.md has the map.

// Both end the process when the reader has gone.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub use docproc_error as error;

pub mod limit;

pub mod document;

pub mod config;

pub mod input;

mod tokenize;

pub mod runtime;

pub mod inference;

pub mod structure;

pub mod scoring;

mod output;

mod report;

mod export;

pub mod pipeline;

pub mod search;

mod evaluation;

pub mod quantize;

mod bench;

pub mod cli;

// The fuzz targets' entry points, run by every `cargo test`.
#[cfg(test)]
#[path = "../fuzz/src/entry.rs"]
mod entry;
#[cfg(test)]
#[path = "../fuzz/src/properties.rs"]
mod properties;
