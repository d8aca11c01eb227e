//! The stages in order: discover, read, encode, infer, structure, score, write.
//!
//! [`run()`] takes documents from a queue on `--jobs` threads. Each document streams through `document::analyze`:
//! its pages come from the worker pool in page order with bounded prefetch, so that memory depends on the number
//! of jobs and not on the number or the length of documents.

mod built_in;
mod digest;
mod document;
mod engine;
mod judge;
mod memory;
mod networks;
mod ocr;
mod pages;
mod read;
mod reading;
mod run;
mod setup;
mod stop;
mod variants;

pub use digest::{Digest, Passage, ToneCounts, UnusualSection};
pub use document::{Request, read_layout};
pub use engine::{Engine, Models, without_pages};
pub use networks::load as load_networks;
pub use ocr::picture_reader;
pub use pages::PageSelection;
pub use reading::Reading;
pub use run::{Job, Observer, RunOptions, RunReport, Sink, analyze_document, run};
pub use setup::{Setup, manager_settings};
pub use stop::Stop;
pub use variants::{PendingVariant, open_bundle, pending_variant};
