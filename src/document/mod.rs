//! Plain data: pages, words, geometry with units in types, and the analysis that is the JSON contract.
//!
//! Nothing in here does I/O or knows another room except [`crate::error`].

pub mod analysis;
pub mod findings;
pub mod geometry;
pub mod page;
pub mod predictions;
pub mod round;
pub mod tables;
mod tone;

pub use geometry::{BBox, Normalized1000, Pixels, Points};
pub use page::{PAGE_IMAGE_SIZE, Page, PageImage, Ruling, TextSource, Word, WordStyle};
pub use predictions::{EntitySpan, SpanEvidence, TextPrediction, WordPredictions};
pub use tone::Tone;
