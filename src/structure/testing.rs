//! Pages made by hand, for tests.

use crate::document::{BBox, Page, TextSource, Word, WordStyle};

/// A word of `height` points whose box starts at (`x0`, `y0`) and ends at `x1`.
pub(crate) fn word(text: &str, x0: f32, y0: f32, x1: f32, height: f32) -> Word {
    Word {
        text: text.to_owned(),
        bbox: BBox::new(x0, y0, x1, y0 + height),
        font_size: height,
        font: 0,
        style: WordStyle::default(),
        color: [0, 0, 0, 255],
        direction: 0,
        confidence: None,
    }
}

/// A page of Letter size with these words.
pub(crate) fn page_of(words: Vec<Word>) -> Page {
    Page {
        number: 1,
        width: 612.0,
        height: 792.0,
        rotation: 0,
        label: None,
        text_source: TextSource::TextLayer,
        text_source_reason: "made by a test".to_owned(),
        words,
        rulings: Vec::new(),
        images: Vec::new(),
        pictures: Vec::new(),
        fonts: Vec::new(),
        controls: 0,
    }
}

/// Words of one printed line: 6 points a character, one space between words.
pub(crate) fn text_line(text: &str, x: f32, y: f32, size: f32) -> Vec<Word> {
    let step = size * 0.5;
    let mut left = x;
    text.split(' ')
        .map(|part| {
            let right = left + step * part.chars().count() as f32;
            let made = word(part, left, y, right, size);
            left = right + step;
            made
        })
        .collect()
}
