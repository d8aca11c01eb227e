//! Pictures as blocks of their page: which lines belong to a picture, and a block for each.

use super::PageBlock;
use super::frame::Frame;
use super::lines::{Groups, Line};
use super::order::{Item, Role};
use crate::document::{BBox, Page, Picture, PictureKind};

/// Label of pictures.
pub(super) const PICTURE: &str = "Picture";
/// Share of the page from which a picture is its background or a scan of it, whose words are the page's own.
const BACKGROUND: f32 = 0.5;
/// Words of a line from which it is running text.
const PROSE_WORDS: usize = 9;
/// Share of a line that must lie inside a picture to belong to it.
const INSIDE: f32 = 0.7;

/// The pictures of a page that are blocks, each with the lines that belong to it: the labels of a chart, what OCR reads on
/// a photograph. What a picture of text says is text.
pub(super) struct Pictures {
    list: Vec<(Picture, Vec<usize>)>,
}

impl Pictures {
    /// Finds them, labels their lines and joins them.
    pub(super) fn claim(
        page: &Page,
        lines: &[Line],
        labels: &mut [usize],
        picture: Option<usize>,
        groups: &mut Groups,
    ) -> Self {
        let sheet = page.width * page.height;
        let mut list = Vec::new();
        for found in page.pictures.iter().filter(|found| found.bbox.area() < BACKGROUND * sheet) {
            let here = |index: &usize| lines[*index].bbox.share_inside(&found.bbox) > INSIDE;
            let by_ocr =
                |index: &usize| lines[*index].words.iter().all(|word| page.words[*word].confidence.is_some());
            let inside: Vec<usize> = (0..lines.len()).filter(here).collect();
            let own: Vec<usize> = match found.kind {
                PictureKind::Text if !inside.is_empty() => continue,
                PictureKind::Text => Vec::new(),
                PictureKind::Photograph => inside
                    .into_iter()
                    .filter(|index| Some(labels[*index]) == picture || by_ocr(index))
                    .collect(),
                // A paragraph over a drawing is none of its labels.
                PictureKind::Chart | PictureKind::Drawing | PictureKind::Logo => {
                    inside.into_iter().filter(|index| lines[*index].words.len() < PROSE_WORDS).collect()
                }
            };
            if let Some(picture) = picture {
                for index in &own {
                    labels[*index] = picture;
                    groups.join(own[0], *index);
                }
            }
            list.push((*found, if picture.is_some() { own } else { Vec::new() }));
        }
        Self { list }
    }

    /// Whether a line belongs to a picture.
    pub(super) fn have(&self, line: usize) -> bool {
        self.list.iter().any(|(_, own)| own.contains(&line))
    }

    /// The picture whose lines begin with one of these.
    pub(super) fn of(&self, members: &[usize]) -> Option<&Picture> {
        self.list
            .iter()
            .find(|(_, own)| own.first().is_some_and(|line| members.contains(line)))
            .map(|(picture, _)| picture)
    }

    /// Blocks of the pictures that have no lines.
    pub(super) fn silent<'a>(
        &'a self,
        page: &'a Page,
        page_index: usize,
    ) -> impl Iterator<Item = (PageBlock, Item)> + 'a {
        self.list.iter().filter(|(_, own)| own.is_empty()).map(move |(picture, _)| {
            let block = PageBlock {
                page_index,
                label: PICTURE.to_owned(),
                confidence: 1.0,
                bbox: picture.bbox,
                lines: Vec::new(),
                picture: Some(picture.kind),
            };
            (block, item(page, &picture.bbox))
        })
    }
}

/// As the reading order sees a picture.
fn item(page: &Page, bbox: &BBox) -> Item {
    const LINE_HEIGHT: f32 = 10.0;
    Item { bbox: Frame::of_majority(page).turn(bbox), role: Role::of(PICTURE), line_height: LINE_HEIGHT }
}

#[cfg(test)]
mod tests {
    use super::super::layout_page;
    use super::super::testing::{page_of, text_line};
    use super::*;
    use crate::document::{PictureText, WordPredictions};

    /// A page with a line above, one inside and one below a picture of this kind; every word looks like a table.
    fn blocks(kind: PictureKind) -> Vec<(String, String, Option<PictureKind>)> {
        let words = [
            text_line("Figure one below", 60.0, 100.0, 10.0),
            text_line("2023 2024", 120.0, 200.0, 10.0),
            text_line("Text after the figure", 60.0, 400.0, 10.0),
        ]
        .concat();
        let mut page = page_of(words);
        let bbox = BBox::new(60.0, 150.0, 400.0, 350.0);
        page.pictures = vec![Picture { bbox, kind, text: PictureText::Layer }];
        let labels: std::sync::Arc<[String]> = ["Table".to_owned(), PICTURE.to_owned()].into();
        let probabilities = [0.9, 0.1].repeat(page.words.len());
        let predictions = WordPredictions { labels, probabilities };
        layout_page(&page, 0, &predictions)
            .into_iter()
            .map(|block| {
                let words = block.lines.iter().flatten().map(|word| page.words[*word].text.as_str());
                (block.label, words.collect::<Vec<_>>().join(" "), block.picture)
            })
            .collect()
    }

    #[test]
    fn the_labels_of_a_chart_are_part_of_it_and_no_table() {
        let blocks = blocks(PictureKind::Chart);
        let chart = blocks.iter().find(|(label, ..)| label == PICTURE).unwrap();
        assert_eq!((chart.1.as_str(), chart.2), ("2023 2024", Some(PictureKind::Chart)));
        assert!(
            blocks.iter().all(|(label, text, _)| label == PICTURE || !text.contains("2023")),
            "{blocks:?}"
        );
    }

    #[test]
    fn text_over_a_photograph_stays_and_the_photograph_is_a_block() {
        let blocks = blocks(PictureKind::Photograph);
        assert!(blocks.iter().any(|block| block.1.is_empty() && block.2 == Some(PictureKind::Photograph)));
        assert!(
            blocks.iter().any(|(label, text, _)| label == "Table" && text.contains("2023")),
            "{blocks:?}"
        );
    }

    #[test]
    fn a_picture_of_text_is_its_text() {
        assert!(blocks(PictureKind::Text).iter().all(|(_, text, kind)| kind.is_none() && !text.is_empty()));
    }

    #[test]
    fn a_page_without_words_has_its_pictures() {
        let mut page = page_of(Vec::new());
        let bbox = BBox::new(60.0, 150.0, 400.0, 350.0);
        page.pictures = vec![Picture { bbox, kind: PictureKind::Drawing, text: PictureText::None }];
        let predictions = WordPredictions { labels: Vec::new().into(), probabilities: Vec::new() };
        let blocks = layout_page(&page, 0, &predictions);
        assert_eq!((blocks.len(), blocks[0].bbox), (1, bbox));
    }
}
