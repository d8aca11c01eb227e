//! Text that is drawn and cannot be seen: in the colour of what is behind it, or under something drawn later.
//!
//! Suspects are cheap to find in the picture that is drawn anyway. Whether one can be seen is then measured: the page is
//! drawn once more without the suspects, and where nothing changes nothing was to be seen. That judges fills, patterns,
//! masks, clips and blending as the renderer does, without knowing about them.
//!
//! And text that is not to be seen because an image shows it: the text layer of a scan, made by OCR.
#![allow(unsafe_code)]

use std::collections::HashMap;

use pdfium_render::prelude::FPDF_PAGEOBJECT;

use super::graphics::Cover;
use super::render::{Picture, draw};
use super::{Bindings, LoadedPage};
use crate::document::{BBox, Word};
use crate::error::Result;
use crate::input::coverage::Coverage;

/// Smallest difference of a colour channel, 0 to 255, that a reader can be expected to see.
const VISIBLE: u8 = 10;
/// Largest difference between a word's colour and the mean colour of its place that makes it a suspect.
const NEAR: f32 = 24.0;
/// Share of a word that images must cover to show it: its box reaches from ascent to descent, and may reach over an edge.
const PICTURED: f32 = 0.75;
/// Share of the page that images cover when it is a scan: only there do words lie under the image.
const SCAN: f32 = 0.5;

/// Text objects of the words: index of the word, then an object that it is drawn by.
pub(super) type WordObjects = Vec<(usize, FPDF_PAGEOBJECT)>;

/// Marks the words that nobody sees: `style.blank` where the colour is that of the background, `style.covered` where
/// something is drawn over them.
pub(super) fn mark(
    library: &Bindings,
    page: &LoadedPage<'_>,
    words: &mut [Word],
    objects: &WordObjects,
    (order, covers): (&HashMap<FPDF_PAGEOBJECT, usize>, &[Cover]),
    picture: &Picture,
) -> Result<()> {
    let mut suspects: Vec<(usize, FPDF_PAGEOBJECT, bool)> = Vec::new();
    for &(index, object) in objects {
        let word = &words[index];
        // What is smaller than a pixel of this picture a reader sees who comes closer.
        if word.style.invisible || !picture.resolves(page.frame.size(), &word.bbox) {
            continue;
        }
        let covered = order.get(&object).is_some_and(|at| {
            let (x, y) = (word.bbox.center_x(), word.bbox.center_y());
            covers.iter().any(|cover| cover.order > *at && cover.bbox.contains_point(x, y))
        });
        if covered || looks_empty(picture, page, word) {
            suspects.push((index, object, covered));
        }
    }
    // pdfium has no system fonts: what it cannot draw of a font that is not in the file, another viewer may show.
    suspects.retain(|(index, object, _)| words[*index].text.is_ascii() || is_embedded(library, *object));
    if suspects.is_empty() {
        return Ok(());
    }
    for (_, object, _) in &suspects {
        // SAFETY: the object belongs to the open page, whose text has been read.
        unsafe { library.FPDFPageObj_SetIsActive(*object, 0) };
    }
    let without = draw(library, page);
    for (_, object, _) in &suspects {
        // SAFETY: as above.
        unsafe { library.FPDFPageObj_SetIsActive(*object, 1) };
    }
    let without = without?;
    // Suspects come in the order of the words; a word is hidden when all its parts are suspects and leave no trace.
    let mut parts: HashMap<usize, usize> = HashMap::new();
    for (index, _) in objects {
        *parts.entry(*index).or_default() += 1;
    }
    for group in suspects.chunk_by(|a, b| a.0 == b.0) {
        let index = group[0].0;
        let whole = parts.get(&index) == Some(&group.len());
        if whole && !changes(picture, &without, page, &words[index].bbox) {
            let covered = group.iter().any(|(_, _, covered)| *covered);
            words[index].style.blank = !covered;
            words[index].style.covered = covered;
        }
    }
    Ok(())
}

fn is_embedded(library: &Bindings, object: FPDF_PAGEOBJECT) -> bool {
    // SAFETY: the object is a text object of the open page, its font lives as long.
    unsafe {
        let font = library.FPDFTextObj_GetFont(object);
        !font.is_null() && library.FPDFFont_GetIsEmbedded(font) == 1
    }
}

/// Marks the words that images show: the picture has something in their place, and images cover it. Above an image such
/// words are drawn invisibly; below one they lie only on a scan, and elsewhere the image hides them.
pub(super) fn mark_pictured(page: &LoadedPage<'_>, words: &mut [Word], images: &[BBox], picture: &Picture) {
    let mut coverage = None;
    for word in words.iter_mut().filter(|word| word.style.invisible || word.style.covered) {
        let coverage = coverage.get_or_insert_with(|| {
            let coverage = Coverage::new(images, page.frame.page_box());
            let scan = coverage.share(&page.frame.page_box()) >= SCAN;
            (coverage, scan)
        });
        word.style.pictured = (word.style.invisible || coverage.1)
            && coverage.0.share(&word.bbox) >= PICTURED
            && Tones::of(picture, page, word).is_some_and(|tones| !tones.uniform);
    }
}

/// What the picture shows in a word's place.
struct Tones {
    /// Next to nothing: one colour.
    uniform: bool,
    /// The mean of red, green and blue.
    mean: [f32; 3],
}

impl Tones {
    /// `None` outside the page.
    fn of(picture: &Picture, page: &LoadedPage<'_>, word: &Word) -> Option<Self> {
        let (mut low, mut high, mut sum, mut count) = ([255u8; 3], [0u8; 3], [0f32; 3], 0f32);
        for [blue, green, red, _] in picture.pixels(page.frame.size(), &word.bbox) {
            for (channel, value) in [red, green, blue].into_iter().enumerate() {
                low[channel] = low[channel].min(value);
                high[channel] = high[channel].max(value);
                sum[channel] += f32::from(value);
            }
            count += 1.0;
        }
        let uniform = (0..3).all(|channel| high[channel].saturating_sub(low[channel]) < VISIBLE);
        (count > 0.0).then(|| Self { uniform, mean: sum.map(|sum| sum / count) })
    }
}

/// Whether the picture shows next to nothing at the word's place, or mostly the word's own colour.
fn looks_empty(picture: &Picture, page: &LoadedPage<'_>, word: &Word) -> bool {
    Tones::of(picture, page, word).is_some_and(|tones| {
        let near = |channel: usize| (tones.mean[channel] - f32::from(word.color[channel])).abs() < NEAR;
        tones.uniform || (0..3).all(near)
    })
}

fn changes(with: &Picture, without: &Picture, page: &LoadedPage<'_>, bbox: &BBox) -> bool {
    let size = page.frame.size();
    with.pixels(size, bbox)
        .zip(without.pixels(size, bbox))
        .any(|(a, b)| (0..3).any(|channel| a[channel].abs_diff(b[channel]) >= VISIBLE))
}
