//! Analyses to files: one JSON per document, its tables as CSV, JSON Lines, the run manifest; atomic writes, lock, journal and resume.

mod atomic;
mod derived;
mod folder;
pub(crate) mod journal;
mod lines;
mod manifest;
mod paths;
mod tables;

/// Name of the trace beside the run manifest; it is written where profiling is on.
pub const TRACE_NAME: &str = "trace.json";

pub use atomic::write_atomic;
pub use derived::Derived;
pub use folder::{OutputFolder, analyses_in};
pub use journal::Key;
pub use lines::{LineSlot, LinesWriter};
pub use manifest::{
    CacheUse, DocumentEntry, Manifest, Outcome, RunCounts, RunProblem, StopReason, WorkerUse,
};
pub use paths::{derived_folder, output_paths};
pub use tables::harmless;
