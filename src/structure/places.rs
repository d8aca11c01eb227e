//! From words back to the page: boxes of sentences and of parts of them.

use std::ops::Range;

use super::{SentenceDraft, WordSpan};
use crate::document::analysis::Place;
use crate::document::{BBox, Page};

/// Where a sentence stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SentencePlace {
    /// Page number of its start, counted from 1.
    pub page: u32,
    /// One box per line on that page.
    pub boxes: Vec<BBox>,
    /// One box per line on further pages.
    pub continues: Vec<Place>,
}

/// The boxes of a sentence, line by line.
#[must_use]
pub fn place_of_sentence(draft: &SentenceDraft, pages: &[Page]) -> SentencePlace {
    let all = line_boxes(pages, draft.words.iter());
    let first = all.first().map_or(0, |(page, _)| *page);
    SentencePlace {
        page: pages.get(first).map_or(0, |page| page.number),
        boxes: all.iter().filter(|(page, _)| *page == first).map(|(_, bbox)| *bbox).collect(),
        continues: all
            .iter()
            .filter(|(page, _)| *page != first)
            .map(|(page, bbox)| Place { page: pages[*page].number, bbox: *bbox })
            .collect(),
    }
}

/// Page number and box of the first line of a byte range in a sentence; `None` when no word lies in it.
#[must_use]
pub fn place_of_range(draft: &SentenceDraft, range: &Range<usize>, pages: &[Page]) -> Option<Place> {
    let boxes = line_boxes(pages, words_in(draft, range));
    boxes.first().map(|(page, bbox)| Place { page: pages[*page].number, bbox: *bbox })
}

/// The words of a sentence that a byte range touches.
pub(super) fn words_in<'d>(
    draft: &'d SentenceDraft,
    range: &Range<usize>,
) -> impl Iterator<Item = &'d WordSpan> {
    let range = range.clone();
    draft.words.iter().filter(move |span| span.range.start < range.end && range.start < span.range.end)
}

/// Boxes of words in reading order, one per line, with the index of their page.
fn line_boxes<'w>(pages: &[Page], words: impl Iterator<Item = &'w WordSpan>) -> Vec<(usize, BBox)> {
    let mut boxes: Vec<(usize, BBox)> = Vec::new();
    let mut direction = 0;
    for span in words {
        let word = &pages[span.page_index].words[span.word];
        let same_line = |bbox: &BBox| {
            let (common, lower, ahead) = match word.direction {
                90 | 270 => {
                    let forward =
                        if word.direction == 90 { word.bbox.y1 - bbox.y1 } else { bbox.y0 - word.bbox.y0 };
                    (bbox.horizontal_overlap(&word.bbox), bbox.width().min(word.bbox.width()), forward)
                }
                180 => (
                    bbox.vertical_overlap(&word.bbox),
                    bbox.height().min(word.bbox.height()),
                    bbox.x0 - word.bbox.x0,
                ),
                _ => (
                    bbox.vertical_overlap(&word.bbox),
                    bbox.height().min(word.bbox.height()),
                    word.bbox.x1 - bbox.x1,
                ),
            };
            common >= 0.4 * lower && ahead >= -0.5 * lower
        };
        match boxes.last_mut() {
            Some((page, bbox))
                if *page == span.page_index && direction == word.direction && same_line(bbox) =>
            {
                *bbox = bbox.union(&word.bbox);
            }
            _ => boxes.push((span.page_index, word.bbox)),
        }
        direction = word.direction;
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::testing::{page_of, word};

    #[test]
    fn one_box_per_line_and_page() {
        let first = page_of(vec![
            word("one", 50.0, 100.0, 80.0, 10.0),
            word("two", 85.0, 100.0, 110.0, 10.0),
            word("three", 50.0, 112.0, 90.0, 10.0),
        ]);
        let mut second = page_of(vec![word("four", 50.0, 50.0, 80.0, 10.0)]);
        second.number = 2;
        let span = |start: usize, end, page_index, word| WordSpan { range: start..end, page_index, word };
        let draft = SentenceDraft {
            text: "one two three four".to_owned(),
            words: vec![span(0, 3, 0, 0), span(4, 7, 0, 1), span(8, 13, 0, 2), span(14, 18, 1, 0)],
            block: 0,
            section: 0,
        };
        let pages = [first, second];
        let place = place_of_sentence(&draft, &pages);
        assert_eq!(place.page, 1);
        assert_eq!(place.boxes, [BBox::new(50.0, 100.0, 110.0, 110.0), BBox::new(50.0, 112.0, 90.0, 122.0)]);
        assert_eq!(place.continues, [Place { page: 2, bbox: BBox::new(50.0, 50.0, 80.0, 60.0) }]);
        let part = place_of_range(&draft, &(5..12), &pages).expect("a place");
        assert_eq!(part.bbox, BBox::new(85.0, 100.0, 110.0, 110.0));
        assert_eq!(place_of_range(&draft, &(3..4), &pages), None);
    }
}
