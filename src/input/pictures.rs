//! The pictures of a page: which images belong together, what they show, and whether they hold text to be read.

use super::coverage::Coverage;
use super::ink::{Ink, Tones};
use crate::document::{BBox, Picture, PictureKind, PictureText};

/// Smallest side of a picture, in points; what is smaller is an ornament.
const SMALLEST_SIDE: f32 = 18.0;
/// Blobs without a word from which a picture holds text that nobody has read: two short words.
const FEWEST_LETTERS: usize = 8;
/// Share of the page below which a picture is small, and the blobs that it must have: icons have a few by chance.
const SMALL: f32 = 0.01;
const FEWEST_LETTERS_OF_SMALL: usize = 20;
/// Share of the page's height at its top and bottom where logos stand, and their height at most.
const MARGIN: f32 = 0.1;
/// Share of a picture's text that words may leave uncovered: they do not cover every accent and full stop.
const UNCOVERED: f32 = 0.3;
/// Share of the page below which a picture may be a logo.
const LOGO: f32 = 0.03;
/// Share of the ink of a picture of text that looks like text or ruling lines.
const TEXTUAL: f32 = 0.55;
/// Share of a photograph that has its most frequent tone, at most.
const PHOTOGRAPH: f32 = 0.5;

/// Finds the pictures among the images of a page and looks at each.
pub(super) fn find(images: &[BBox], page: BBox, tones: &Tones) -> Vec<Picture> {
    Coverage::new(images, page)
        .regions(images)
        .into_iter()
        .filter(|bbox| bbox.width().min(bbox.height()) >= SMALLEST_SIDE)
        .map(|bbox| {
            let ink = tones.look(&bbox);
            Picture { bbox, kind: kind(&ink, &bbox, page), text: text_of(&ink, &bbox, page) }
        })
        .collect()
}

/// What became of the text on a picture. What a logo in the margin spells says nothing of the page.
fn text_of(ink: &Ink, bbox: &BBox, page: BBox) -> PictureText {
    let small = bbox.area() < SMALL * page.area() && ink.letters < FEWEST_LETTERS_OF_SMALL;
    match text(ink) {
        PictureText::Unread if small || is_letterhead(bbox, page) => PictureText::None,
        text => text,
    }
}

/// A strip at the top or the bottom of the page.
fn is_letterhead(bbox: &BBox, page: BBox) -> bool {
    let margin = MARGIN * page.height();
    bbox.area() < LOGO * page.area() && (bbox.y1 < page.y0 + margin || bbox.y0 > page.y1 - margin)
}

/// Whether text stands there that words do not cover.
pub(super) fn text(ink: &Ink) -> PictureText {
    if ink.uncovered >= FEWEST_LETTERS && ink.uncovered as f32 > UNCOVERED * ink.letters as f32 {
        PictureText::Unread
    } else if ink.letters >= FEWEST_LETTERS {
        PictureText::Layer
    } else {
        PictureText::None
    }
}

fn kind(ink: &Ink, bbox: &BBox, page: BBox) -> PictureKind {
    if is_letterhead(bbox, page) {
        PictureKind::Logo
    } else if ink.letters >= FEWEST_LETTERS && ink.textual >= TEXTUAL {
        PictureKind::Text
    } else if ink.paper < PHOTOGRAPH {
        PictureKind::Photograph
    } else if bbox.area() < LOGO * page.area() {
        PictureKind::Logo
    } else if ink.letters >= FEWEST_LETTERS {
        PictureKind::Chart
    } else {
        PictureKind::Drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: BBox = BBox { x0: 0.0, y0: 0.0, x1: 600.0, y1: 800.0 };

    #[test]
    fn a_picture_holds_unread_text_where_words_leave_it_uncovered() {
        let ink = |letters, uncovered| Ink { letters, uncovered, ..Ink::default() };
        assert_eq!(text(&ink(900, 850)), PictureText::Unread, "a stamp over a scan");
        assert_eq!(text(&ink(900, 90)), PictureText::Layer, "a scan with a text layer");
        assert_eq!(text(&ink(5, 5)), PictureText::None);
    }

    #[test]
    fn logos_in_the_margin_and_icons_are_not_read() {
        let ink = |letters| Ink { letters, uncovered: letters, paper: 0.8, textual: 0.9, ..Ink::default() };
        let head = BBox::new(300.0, 30.0, 540.0, 55.0);
        assert_eq!(text_of(&ink(18), &head, PAGE), PictureText::None);
        assert_eq!(kind(&ink(18), &head, PAGE), PictureKind::Logo);
        let icon = BBox::new(200.0, 300.0, 250.0, 350.0);
        assert_eq!(text_of(&ink(12), &icon, PAGE), PictureText::None);
        assert_eq!(text_of(&ink(30), &icon, PAGE), PictureText::Unread);
        let stamp = BBox::new(200.0, 300.0, 350.0, 360.0);
        assert_eq!(text_of(&ink(12), &stamp, PAGE), PictureText::Unread);
    }

    #[test]
    fn kinds_follow_from_paper_ink_and_size() {
        let large = BBox::new(100.0, 100.0, 500.0, 400.0);
        let of =
            |letters, textual, paper| kind(&Ink { letters, textual, paper, ..Ink::default() }, &large, PAGE);
        assert_eq!(of(100, 0.9, 0.9), PictureKind::Text);
        assert_eq!(of(20, 0.2, 0.7), PictureKind::Chart);
        assert_eq!(of(0, 0.1, 0.2), PictureKind::Photograph);
        assert_eq!(of(0, 0.1, 0.8), PictureKind::Drawing);
        let small = BBox::new(10.0, 10.0, 90.0, 50.0);
        let ink = Ink { paper: 0.8, ..Ink::default() };
        assert_eq!(kind(&ink, &small, PAGE), PictureKind::Logo);
    }
}
