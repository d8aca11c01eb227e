//! Files to pages: discovery, page workers and their supervisor, pdfium, images, OCR, words.
//!
//! ```text
//! discover ─▶ Source (sealed memory) ─▶ WorkerPool::open ─▶ DocumentReader ─▶ PageSegment, in page order
//!                     │ descriptor              ▲ descriptor of a sealed page
//!                     ▼                         │
//!                  worker process: pdfium, image decoders, no files, no network
//!
//! A page without usable text ─▶ gray picture in sealed memory ─▶ PictureReader (or tesseract) ─▶ words
//! ```
//!
//! The only room besides `runtime` with `unsafe` code: pdfium's C interface, shared memory, processes.

mod built_in_ocr;
mod channel;
mod child;
mod coverage;
mod decide;
mod discover;
mod dump;
mod exit;
#[cfg(debug_assertions)]
mod faults;
pub(crate) mod image_file;
mod ink;
mod jail;
mod jpeg2000;
pub(crate) mod media;
mod merge;
mod ocr;
mod ocr_program;
mod pdf;
mod picture;
mod pictures;
mod pool;
mod probe;
pub(crate) mod protocol;
mod raster;
mod reader;
pub(crate) mod resize;
pub(crate) mod resolution;
mod sandbox;
pub(crate) mod segment;
mod shm;
mod source;
mod supervisor;
mod tiff_fax;
pub(crate) mod tiff_frames;
pub(crate) mod tsv;
mod turn;
mod wire;
mod worker;

pub use built_in_ocr::{GrayPicture, MayGoOn, PictureReader, PictureReading};
pub use discover::{DiscoverOptions, Discovered, Input, InputSource, discover, parse_file_list};
pub use dump::dump;
pub use exit::exit_at_once;
pub use media::MediaType;
pub use ocr::OcrOptions;
pub use ocr_program::{OcrIdentity, tesseract_version};
pub use picture::PagePicture;
pub use pool::{PoolStatistics, WorkerOptions, WorkerPool};
pub use probe::probe_worker;
pub use protocol::{Fault, InjectedFault, PictureStyle, SandboxReport};
pub use reader::{DocumentReader, PAGE_TIMEOUT, PageDrawings, PageWork, ReadRequest, WorkObserver};
pub use segment::PageSegment;
pub use source::Source;
pub use worker::{ARGUMENT as WORKER_ARGUMENT, main as worker_main};
