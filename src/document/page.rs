//! What a page worker sees on a page: words, rulings and images, before any model has looked at them.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::geometry::BBox;
use super::round;

/// Edge length, in pixels, of the page image that layout models look at.
pub const PAGE_IMAGE_SIZE: u32 = 224;

/// One page of a document, in reading coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Page number, counted from 1.
    pub number: u32,
    /// Width in points after rotation.
    #[serde(serialize_with = "round::two")]
    pub width: f32,
    /// Height in points after rotation.
    #[serde(serialize_with = "round::two")]
    pub height: f32,
    /// Clockwise rotation that the file asks for, and that a scan's text needs to stand upright, in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// The page's own label ("iv", "A-3"), where the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where the words come from.
    pub text_source: TextSource,
    /// Why that source was chosen, in one sentence.
    pub text_source_reason: String,
    /// Words in the order of the text layer (or of the OCR program).
    pub words: Vec<Word>,
    /// Ruling lines and thin filled boxes.
    pub rulings: Vec<Ruling>,
    /// Where raster images are drawn.
    pub images: Vec<BBox>,
    /// Images that belong together, with what they show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
    /// Names of the fonts that [`Word::font`] points to.
    pub fonts: Vec<Arc<str>>,
    /// Control characters (C0, C1 and DEL) that were left out of the words and names.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub controls: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Origin of a page's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// The text layer of the PDF.
    TextLayer,
    /// Optical character recognition of the rendered page.
    Ocr,
    /// The page has no words.
    None,
}

/// A picture on a page: one image or several that touch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Visible extent.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// What it shows.
    pub kind: PictureKind,
    /// What became of the text on it.
    pub text: PictureText,
}

/// What a picture shows, as far as its tones and shapes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// Many tones.
    Photograph,
    /// Shapes with labels.
    Chart,
    /// Shapes.
    Drawing,
    /// Small, with hardly any text.
    Logo,
    /// Text or a table: a scan.
    Text,
}

/// What became of the text on a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureText {
    /// It shows none.
    None,
    /// The text layer of the file has words for it.
    Layer,
    /// Nobody has read it.
    Unread,
    /// OCR has read it.
    Read,
    /// OCR has read it, since the text layer of the file has other words than it shows.
    Corrected,
}

/// A run of characters without white space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The characters as the file gives them.
    pub text: String,
    /// Bounding box.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Nominal font size in points as drawn (after all transformations).
    #[serde(serialize_with = "round::two")]
    pub font_size: f32,
    /// Index into [`Page::fonts`]; `u16::MAX` where there is no font (OCR).
    pub font: u16,
    /// Style and visibility.
    pub style: WordStyle,
    /// Fill colour: red, green, blue, alpha.
    pub color: [u8; 4],
    /// Direction of writing in degrees clockwise from left-to-right: 0, 90, 180 or 270.
    pub direction: u16,
    /// Probability that OCR read the word right, 0 to 1 (of tesseract its own confidence); `None` for a text layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// Style and visibility bits of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordStyle {
    /// Bold by font weight, font name or stroke.
    pub bold: bool,
    /// Italic or oblique.
    pub italic: bool,
    /// Drawn in text render mode 3 or 7, or fully transparent: a parser sees it, a reader does not.
    pub invisible: bool,
    /// Drawn, but the page looks the same without it: it has the colour of what is behind it.
    #[serde(default)]
    pub blank: bool,
    /// Drawn, but under an image or an area that was painted later and hides it.
    #[serde(default)]
    pub covered: bool,
    /// Invisible or covered, and images show something in its place: a word of a scan's text layer.
    #[serde(default)]
    pub pictured: bool,
    /// The font does not say what characters of it mean: they map to nothing, to U+FFFD or to private use.
    #[serde(default)]
    pub garbled: bool,
    /// Ends a line with a hyphen that splits a longer word; the next word continues it.
    pub hyphenated: bool,
    /// First word of a line, as the text layer breaks lines.
    pub starts_line: bool,
}

/// A straight ruling line or thin filled rectangle, at most 3 points thick.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    /// Extent of the line including its thickness.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Horizontal (true) or vertical (false).
    pub horizontal: bool,
}

impl Page {
    /// Median font size of the words in points, or 0 without words.
    #[must_use]
    pub fn median_font_size(&self) -> f32 {
        let mut sizes: Vec<f32> = self.words.iter().map(|word| word.font_size).collect();
        if sizes.is_empty() {
            return 0.0;
        }
        let middle = sizes.len() / 2;
        *sizes.select_nth_unstable_by(middle, f32::total_cmp).1
    }
}

/// A page image for layout models: RGB, row by row from the top, `PAGE_IMAGE_SIZE` squared, 3 bytes a pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct PageImage(Box<[u8]>);

impl PageImage {
    /// Bytes of one image.
    pub const BYTES: usize = (PAGE_IMAGE_SIZE * PAGE_IMAGE_SIZE * 3) as usize;

    /// Takes the pixels, or gives them back if their number is wrong.
    ///
    /// # Errors
    /// The bytes themselves, when there are not exactly [`Self::BYTES`].
    pub fn new(rgb: Vec<u8>) -> Result<Self, Vec<u8>> {
        if rgb.len() == Self::BYTES { Ok(Self(rgb.into_boxed_slice())) } else { Err(rgb) }
    }

    /// Pixels: height, width, channel (red, green, blue); 0 to 255.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PageImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageImage(224 x 224 RGB)")
    }
}
