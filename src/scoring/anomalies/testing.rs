//! Pages for the tests.

use crate::document::{BBox, Page, TextSource, Word, WordStyle};

/// A word of 10 points.
pub(super) fn word(text: &str, x: f32, y: f32) -> Word {
    Word {
        text: text.into(),
        bbox: BBox::new(x, y, x + 6.0 * text.len() as f32, y + 12.0),
        font_size: 10.0,
        font: 0,
        style: WordStyle::default(),
        color: [0, 0, 0, 255],
        direction: 0,
        confidence: None,
    }
}

/// A letter page.
pub(super) fn page(number: u32, words: Vec<Word>) -> Page {
    Page {
        number,
        width: 612.0,
        height: 792.0,
        rotation: 0,
        label: None,
        text_source: TextSource::TextLayer,
        text_source_reason: String::new(),
        words,
        rulings: Vec::new(),
        images: Vec::new(),
        pictures: Vec::new(),
        fonts: vec!["Arial".into()],
        controls: 0,
    }
}
