//! The pictures of a page: which images belong together, what they show, and whether they hold text to be read.

use super::coverage::Coverage;
use super::ink::{Ink, Tones};
use super::segment::MAX_PICTURES;
use crate::document::{BBox, Picture, PictureKind, PictureText, Word};

/// Smallest side of a picture, in points; what is smaller is an ornament.
const SMALLEST_SIDE: f32 = 18.0;
/// Blobs without a word from which a picture holds text that nobody has read: two short words.
const FEWEST_LETTERS: usize = 8;
/// Share of the page below which a picture is small, and the blobs that it must have: icons have a few by chance.
const SMALL: f32 = 0.01;
const FEWEST_LETTERS_OF_SMALL: usize = 20;
/// Share of the page's height at its top and bottom where logos stand, and their height at most.
const MARGIN: f32 = 0.1;
/// Share of the box around images that touch that they must fill to be one picture.
const FILLED: f32 = 0.9;
/// Blobs that a photograph must have: leaves, windows and seals have many by chance.
const FEWEST_LETTERS_OF_PHOTOGRAPH: usize = 40;
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
    let coverage = Coverage::new(images, page);
    let mut found = Vec::new();
    for region in coverage.regions(images) {
        if coverage.share(&region) >= FILLED {
            found.push(region);
        } else {
            // Pictures that only touch: the box around them holds what is none of them.
            found.extend(images.iter().filter(|image| image.share_inside(&region) > 0.99));
        }
    }
    found.truncate(MAX_PICTURES);
    found
        .into_iter()
        .filter(|bbox| bbox.width().min(bbox.height()) >= SMALLEST_SIDE)
        .map(|bbox| {
            let ink = tones.look(&bbox);
            let kind = kind(&ink, &bbox, page);
            Picture { bbox, kind, text: text_of(&ink, kind, &bbox, page) }
        })
        .collect()
}

/// Finds the charts and drawings among the shapes (what is drawn with curves and slanting lines) and areas (filled
/// rectangles) of a page: many that stand together and have little text among them. Frames around text, shaded rows and
/// signs are none.
pub(super) fn drawings(shapes: &[BBox], areas: &[BBox], words: &[Word], page: BBox) -> Vec<Picture> {
    /// Distance of shapes that belong together, in points.
    const NEAR: f32 = 8.0;
    /// Smallest side of a drawing, in points, and the shapes that it has at least.
    const SIDE: f32 = 60.0;
    const FEWEST: usize = 6;
    /// Share of the page that it covers at most, and share of it that words cover at most.
    const LARGEST: f32 = 0.5;
    const WORDS: f32 = 0.2;
    /// Comparisons of shapes and words.
    const MOST_COMPARED: usize = 30_000_000;
    /// Words from which it has labels.
    const LABELS: usize = 3;
    // What has words on it is their background.
    let is_bare = |shape: &&BBox| {
        !words.iter().any(|word| word.bbox.area() > 0.0 && word.bbox.share_inside(shape) > 0.9)
    };
    let is_small = |shape: &&BBox| shape.area() < LARGEST * page.area();
    // Each is compared with each: a page with more is a map.
    let shapes: Vec<BBox> = shapes.iter().chain(&bars(areas)).copied().collect();
    if shapes.len() < FEWEST || shapes.len().saturating_mul(shapes.len() + words.len()) > MOST_COMPARED {
        return Vec::new();
    }
    let wide: Vec<BBox> = shapes
        .iter()
        .filter(is_small)
        .filter(is_bare)
        .map(|shape| BBox::new(shape.x0 - NEAR, shape.y0 - NEAR, shape.x1 + NEAR, shape.y1 + NEAR))
        .collect();
    Coverage::new(&wide, page)
        .regions(&wide)
        .into_iter()
        .filter_map(|region| {
            let bbox = BBox::new(region.x0 + NEAR, region.y0 + NEAR, region.x1 - NEAR, region.y1 - NEAR);
            let own = wide.iter().filter(|shape| shape.share_inside(&region) > 0.99).count();
            let inside: Vec<&Word> =
                words.iter().filter(|word| word.bbox.share_inside(&bbox) > 0.5).collect();
            let covered: f32 = inside.iter().map(|word| word.bbox.area()).sum();
            let is_drawing = bbox.width().min(bbox.height()) >= SIDE
                && bbox.area() < LARGEST * page.area()
                && own >= FEWEST
                && covered < WORDS * bbox.area();
            let (kind, text) = match inside.len() {
                0 => (PictureKind::Drawing, PictureText::None),
                labels if labels < LABELS => (PictureKind::Drawing, PictureText::Layer),
                _ => (PictureKind::Chart, PictureText::Layer),
            };
            is_drawing.then_some(Picture { bbox, kind, text })
        })
        .collect()
}

/// The areas that are bars of a chart: some that begin at one line and end at many. The shaded cells of a table end at one,
/// too.
fn bars(areas: &[BBox]) -> Vec<BBox> {
    const FEWEST: usize = 4;
    /// Edges and lengths that are nearer than this are the same, in points.
    const SAME: f32 = 1.0;
    let edges: [(fn(&BBox) -> f32, fn(&BBox) -> f32); 4] = [
        (|area| area.x0, BBox::width),
        (|area| area.x1, BBox::width),
        (|area| area.y0, BBox::height),
        (|area| area.y1, BBox::height),
    ];
    let mut found = vec![false; areas.len()];
    for (edge, length) in edges {
        let mut order: Vec<usize> = (0..areas.len()).collect();
        order.sort_by(|a, b| edge(&areas[*a]).total_cmp(&edge(&areas[*b])).then(a.cmp(b)));
        for group in order.chunk_by(|a, b| edge(&areas[*b]) - edge(&areas[*a]) < SAME) {
            let mut lengths: Vec<f32> = group.iter().map(|index| length(&areas[*index])).collect();
            lengths.sort_by(f32::total_cmp);
            let different = 1 + lengths.windows(2).filter(|pair| pair[1] - pair[0] >= SAME).count();
            if different >= FEWEST && 2 * different > group.len() {
                group.iter().for_each(|index| found[*index] = true);
            }
        }
    }
    areas.iter().zip(found).filter(|(_, found)| *found).map(|(area, _)| *area).collect()
}

/// What became of the text on a picture. What a logo in the margin spells says nothing of the page.
fn text_of(ink: &Ink, kind: PictureKind, bbox: &BBox, page: BBox) -> PictureText {
    let small = bbox.area() < SMALL * page.area() && ink.letters < FEWEST_LETTERS_OF_SMALL;
    let by_chance = kind == PictureKind::Photograph && ink.letters < FEWEST_LETTERS_OF_PHOTOGRAPH;
    match text(ink) {
        PictureText::Unread if small || by_chance || is_letterhead(bbox, page) => PictureText::None,
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
    fn bars_and_curves_that_stand_together_are_a_chart_and_shaded_rows_are_not() {
        let word = |x: f32, y: f32| Word {
            bbox: BBox::new(x, y, x + 20.0, y + 8.0),
            ..crate::input::segment::tests::sample().page.words[0].clone()
        };
        let bar = |at: u8| {
            let x = 100.0 + 20.0 * f32::from(at);
            BBox::new(x, 200.0 + 7.0 * f32::from(at), x + 12.0, 300.0)
        };
        let bars: Vec<BBox> = (0..8).map(bar).collect();
        let labels: Vec<Word> = (0..4).map(|at| word(100.0 + 40.0 * at as f32, 185.0)).collect();
        let found = drawings(&[], &bars, &labels, PAGE);
        assert_eq!((found.len(), found[0].kind), (1, PictureKind::Drawing), "its labels stand around it");
        assert_eq!(found[0].bbox, BBox::new(100.0, 200.0, 252.0, 300.0));
        let labels: Vec<Word> = (0..4).map(|at| word(107.0 + 40.0 * at as f32, 260.0)).collect();
        assert_eq!(drawings(&[], &bars, &labels, PAGE)[0].kind, PictureKind::Chart);
        let rows: Vec<BBox> = (0..8)
            .map(|at| BBox::new(100.0, 200.0 + 12.0 * at as f32, 400.0, 212.0 + 12.0 * at as f32))
            .collect();
        let cells: Vec<Word> = (0..8).map(|at| word(110.0, 202.0 + 12.0 * at as f32)).collect();
        assert_eq!(drawings(&[], &rows, &cells, PAGE), []);
        assert_eq!(drawings(&[], &rows, &[], PAGE), [], "nor are empty ones");
        assert_eq!(drawings(&bars, &[], &[], PAGE).len(), 1, "curves need not begin at one line");
    }

    #[test]
    fn logos_in_the_margin_and_icons_are_not_read() {
        let ink = |letters| Ink { letters, uncovered: letters, paper: 0.8, textual: 0.9, ..Ink::default() };
        let head = BBox::new(300.0, 30.0, 540.0, 55.0);
        let text_of = |ink: &Ink, bbox: &BBox, page| super::text_of(ink, PictureKind::Text, bbox, page);
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
