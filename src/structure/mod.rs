//! Predictions to structure: lines, blocks, reading order, sections, sentences, entities, figures and tables.
//!
//! Pure functions over pages and predictions; nothing in here does I/O or knows a model.

mod abbreviations;
mod assemble;
mod blocks;
mod conventions;
mod entities;
mod frame;
mod headings;
mod labels;
mod lines;
pub mod numbers;
mod order;
mod periods;
mod pictures;
mod places;
mod sections;
mod sentences;
mod sentiment;
pub mod tables;
#[cfg(test)]
pub(crate) mod testing;
mod text;
pub(crate) mod typography;
pub mod units;

use std::ops::Range;

use crate::document::{BBox, PictureKind};

pub use assemble::{AnalysisParts, DocumentStructure, ReviewThresholds, TextResults, assemble};
pub use blocks::layout_page;
pub use conventions::locale_of;
pub use sections::{Outline, outline};
pub use sentences::sentences;
pub use text::{HyphenatedWords, block_text};
/// A layout block on one page, before it is written into the analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct PageBlock {
    /// Index of the page in the document's list of pages (not its number).
    pub page_index: usize,
    /// Label name.
    pub label: String,
    /// Calibrated probability of the label.
    pub confidence: f32,
    /// Extent.
    pub bbox: BBox,
    /// Word indices of the page, line by line from top to bottom, each line in reading direction.
    pub lines: Vec<Vec<usize>>,
    /// What it shows, where it is a picture.
    pub picture: Option<PictureKind>,
}

/// A sentence with the words it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct SentenceDraft {
    /// Text: words separated by one space, words split at line ends joined.
    pub text: String,
    /// Where each byte range of the text comes from, in text order.
    pub words: Vec<WordSpan>,
    /// Index of the block it starts in, in the document's reading order.
    pub block: usize,
    /// Index of its section.
    pub section: usize,
}

/// One word's part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordSpan {
    /// Byte range in the sentence's text.
    pub range: Range<usize>,
    /// Index of the page in the document's list of pages.
    pub page_index: usize,
    /// Index of the word on that page.
    pub word: usize,
}
