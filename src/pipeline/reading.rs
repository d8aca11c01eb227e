//! A document as far as its tables and sentences need it: pages, layout blocks, sentences.

use super::document::{Request, read_layout};
use super::engine::Engine;
use crate::document::Page;
use crate::document::analysis::Sentence;
use crate::error::{Error, Result};
use crate::input::{Input, Source};
use crate::limit::Limit;
use crate::structure::{DocumentStructure, PageBlock, TextResults, assemble};

/// What the page workers and the layout model say about a document.
#[derive(Debug)]
pub struct Reading {
    /// Pages that could be read, in order.
    pub pages: Vec<Page>,
    /// Layout blocks in reading order.
    pub blocks: Vec<PageBlock>,
    /// Sentences without sentiment.
    pub sentences: Vec<Sentence>,
    /// What went wrong on single pages.
    pub errors: Vec<Error>,
}

impl Engine {
    /// Reads a document and runs the layout model over it, as `analyze` does, without the text models.
    ///
    /// # Errors
    /// When no page can be read, or the layout model fails.
    pub fn read(&self, input: &Input, request: &Request) -> Result<Reading> {
        let (pages, blocks, mut errors) =
            read_layout(self, Source::read(input, request.settings.max_bytes.0)?, request)?;
        if pages.is_empty() && !errors.is_empty() {
            return Err(errors.swap_remove(0));
        }
        let limit = Limit::default();
        let structure = DocumentStructure::new(&pages, blocks, &limit)?;
        let text = TextResults { sentiment_labels: &[], section_labels: &[], sentences: &[], sections: &[] };
        let parts = assemble(&pages, &structure, text, Vec::new(), self.models.review, &limit)?;
        let DocumentStructure { blocks, .. } = structure;
        Ok(Reading { pages, blocks, sentences: parts.sentences, errors })
    }
}
