//! Plain data: pages, words, geometry with units in types, and the analysis that is the JSON contract.
//!
//! Nothing in here does I/O or knows another room except [`crate::error`].

pub mod analysis;
pub mod findings;
pub(crate) mod geometry;
pub(crate) mod page;
pub(crate) mod predictions;
pub(crate) mod raised;
pub(crate) mod round;
pub(crate) mod tables;
mod tone;

pub use geometry::BBox;
pub use page::{
    PAGE_IMAGE_SIZE, Page, PageImage, Picture, PictureKind, PictureText, Ruling, TextSource, Word, WordStyle,
};
pub use predictions::{EntitySpan, SpanEvidence, TextPrediction, WordPredictions};
pub use raised::{plain_of_raised, raised, without_raised};
pub use tone::Tone;
