//! Files to pages: discovery, page workers and their supervisor, pdfium, images, OCR, words.
//!
//! ```text
//! discover ─▶ Source (sealed memory) ─▶ WorkerPool::open ─▶ DocumentReader ─▶ PageSegment, in page order
//!                     │ descriptor              ▲ descriptor of a sealed page
//!                     ▼                         │
//!                  worker process: pdfium, image decoders, no files, no network
//! ```
//!
//! The only room besides `runtime` with `unsafe` code: pdfium's C interface, shared memory, processes.
#![allow(unsafe_code, reason = "pdfium, shared memory and processes; each block states its reason")]

mod channel;
mod child;
mod coverage;
mod decide;
mod discover;
mod dump;
mod exit;
#[cfg(debug_assertions)]
mod faults;
mod image_file;
mod jail;
pub(crate) mod media;
mod ocr;
mod pdf;
mod pool;
mod probe;
pub(crate) mod protocol;
mod raster;
mod reader;
mod resize;
pub(crate) mod resolution;
mod sandbox;
pub(crate) mod segment;
mod shm;
mod source;
mod supervisor;
pub(crate) mod tiff_frames;
pub(crate) mod tsv;
mod wire;
mod words;
mod worker;

pub use crate::config::{OcrPolicy as OcrMode, SandboxMode};
pub use discover::{DiscoverOptions, Discovered, Input, InputSource, discover, parse_file_list};
pub use dump::dump;
pub use exit::exit_at_once;
pub use media::MediaType;
pub use ocr::{OcrOptions, tesseract_version};
pub use pool::{PoolStatistics, WorkerOptions, WorkerPool};
pub use probe::{WorkerState, probe_worker};
pub use protocol::{DocumentInfo, Fault, InjectedFault, SandboxReport};
pub use reader::{DocumentReader, PageFilter, PageWork, ReadRequest, WorkObserver};
pub use segment::{MAX_CHARACTERS, MAX_RULINGS, MAX_WORDS, PageSegment, Timings, WordView};
pub use source::Source;
pub use words::normalize;
pub use worker::{ARGUMENT as WORKER_ARGUMENT, main as worker_main};
