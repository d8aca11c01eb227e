//! Optical character recognition without its models: from a gray picture to the tensors that a detector and a
//! recogniser want, and from what they say back to words with boxes.
//!
//! ```text
//! Picture ─▶ detector's input … map of text ─▶ regions ─▶ strips … probabilities per column ─▶ glyphs ─▶ words
//! ```
//!
//! The models are those of PP-OCR: a detector that gives every pixel the probability of lying inside a line of text
//! (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020), and a recogniser that gives
//! for every few columns of a line the probability of each character or none (Graves et al., "Connectionist Temporal
//! Classification", 2006). Nothing here runs a model, reads a file or can fail: sizes are checked where data comes in.
//!
//! Coordinates are pixels, x to the right and y down; a pixel covers the square from its index to the next.

mod dashes;
mod glyphs;
mod marks;
mod picture;
mod regions;
mod strips;
mod words;

pub use dashes::dashes;
pub use glyphs::{Alphabet, Glyph};
pub use marks::settle_marks;
pub use picture::Picture;
pub use regions::{DetectorOptions, Region, page_skew, regions};
pub use strips::{STRIP_HEIGHT, Strip};
pub use words::{Word, ends_with_hyphen, words};
