//! The page segment: one page in shared memory, written once by a worker, read in place by the encoder.
//!
//! Little-endian, no padding between the parts:
//!
//! ```text
//! header   HEADER bytes: magic, total length, page number, size, rotation, source, timings, image for OCR,
//!          number of words, rulings, images, fonts, bytes of the string heap and pictures, label and reason, control
//!          characters left out
//! words    WORD bytes each: text (offset and length in the heap), box, font size, font, direction, colour,
//!          style bits, confidence (-1: none)
//! rulings  17 bytes each: box, 1 if horizontal
//! images   16 bytes each: box
//! pictures 18 bytes each: box, kind, what became of its text
//! fonts    8 bytes each: name (offset and length in the heap)
//! heap     UTF-8 without control characters
//! image    224 x 224 x 3 bytes RGB, rows from the top
//! ```
//!
//! Nothing of it is trusted: [`PageSegment::open`] checks every length, offset, number and text once; the views
//! read afterwards without checks that could fail.

use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::shm::{MapError, SealedMap};
use super::wire::{Cursor, Put, WireError};
use crate::document::{
    BBox, Page, PageImage, Picture, PictureKind, PictureText, Ruling, TextSource, Word, WordStyle,
};
use crate::error::Error;

const MAGIC: [u8; 8] = *b"DPPAGE02";
const HEADER: usize = 116;
const WORD: usize = 44;
const RULING: usize = 17;
const IMAGE: usize = 16;
const PICTURE: usize = 18;
const FONT: usize = 8;

/// Words that one page may have.
pub const MAX_WORDS: usize = 200_000;
/// Characters that the text layer of one page may have.
pub const MAX_CHARACTERS: usize = 2_000_000;
/// Rulings kept of one page; a page with more is a drawing, not a table.
pub const MAX_RULINGS: usize = 20_000;
/// Image boxes kept of one page.
pub const MAX_IMAGES: usize = 10_000;
/// Pictures kept of one page.
pub const MAX_PICTURES: usize = 2_000;
const MAX_FONTS: usize = 4_000;
const MAX_HEAP: usize = 32 << 20;

/// Bytes of the largest segment.
pub(crate) const MAX_SEGMENT: u64 = (HEADER
    + WORD * MAX_WORDS
    + RULING * MAX_RULINGS
    + IMAGE * MAX_IMAGES
    + PICTURE * MAX_PICTURES
    + FONT * MAX_FONTS
    + MAX_HEAP
    + PageImage::BYTES) as u64;

/// Time that one page took in its worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Opening the page and reading words, rulings and images.
    pub text: Duration,
    /// Rendering or decoding.
    pub render: Duration,
    /// OCR, in the main process.
    pub ocr: Duration,
}

/// What the words that OCR reads on a page are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OcrPurpose {
    /// They are the words of the page.
    #[default]
    Replace,
    /// They stand beside the words of the text layer: where a picture holds unread text, and in place of garbled words.
    Add,
    /// They tell whether the text layer of a scan has the words that the scan shows; otherwise the page is read anew.
    Check,
    /// They are compared with those of the page in the anomalies.
    Compare,
}

impl OcrPurpose {
    const ALL: [Self; 4] = [Self::Replace, Self::Add, Self::Check, Self::Compare];

    fn to_byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

const KINDS: [PictureKind; 5] =
    [PictureKind::Photograph, PictureKind::Chart, PictureKind::Drawing, PictureKind::Logo, PictureKind::Text];
const TEXTS: [PictureText; 5] =
    [PictureText::None, PictureText::Layer, PictureText::Unread, PictureText::Read, PictureText::Corrected];

/// Size and place of the image that the worker sent for OCR.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct OcrImage {
    /// Width in pixels; 0 if there is no image.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// What its words are for.
    pub(crate) purpose: OcrPurpose,
    /// The part of the page that it shows, in points; the whole page where there is none.
    pub(crate) place: Option<BBox>,
}

/// Everything that a worker knows about a page.
pub(crate) struct PageContent {
    /// Words and geometry.
    pub(crate) page: Page,
    /// 224 x 224 RGB.
    pub(crate) image: PageImage,
    /// How long it took.
    pub(crate) timings: Timings,
    /// The image for OCR, if the page needs it.
    pub(crate) ocr: OcrImage,
}

/// A page is larger than a segment may be.
#[derive(Debug, thiserror::Error)]
#[error("the page has {count} {what}, more than {limit}")]
pub(crate) struct PageTooLarge {
    what: &'static str,
    count: usize,
    limit: usize,
}

fn check(what: &'static str, count: usize, limit: usize) -> Result<(), PageTooLarge> {
    if count > limit { Err(PageTooLarge { what, count, limit }) } else { Ok(()) }
}

#[derive(Default)]
struct Heap {
    text: String,
    /// Control characters that were left out: no text needs them, and terminals obey them.
    controls: u32,
}

impl Heap {
    fn put(&mut self, text: &str, out: &mut Vec<u8>) {
        let start = self.text.len();
        self.text.extend(text.chars().filter(|character| !character.is_control()));
        self.controls += text.chars().filter(|character| character.is_control()).count() as u32;
        out.put_u32(start as u32);
        out.put_u32((self.text.len() - start) as u32);
    }
}

/// Whether nothing of the word is left without its control characters.
fn is_control_only(word: &Word) -> bool {
    !word.text.is_empty() && word.text.chars().all(char::is_control)
}

fn put_box(out: &mut Vec<u8>, bbox: &BBox) {
    [bbox.x0, bbox.y0, bbox.x1, bbox.y1].into_iter().for_each(|value| out.put_f32(value));
}

fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// The bytes of a segment.
pub(crate) fn encode(content: &PageContent) -> Result<Vec<u8>, PageTooLarge> {
    let page = &content.page;
    check("words", page.words.len(), MAX_WORDS)?;
    check("fonts", page.fonts.len(), MAX_FONTS)?;
    let rulings = &page.rulings[..page.rulings.len().min(MAX_RULINGS)];
    let images = &page.images[..page.images.len().min(MAX_IMAGES)];
    let pictures = &page.pictures[..page.pictures.len().min(MAX_PICTURES)];
    let mut heap = Heap::default();
    let mut strings = Vec::with_capacity(16);
    heap.put(page.label.as_deref().unwrap_or(""), &mut strings);
    heap.put(&page.text_source_reason, &mut strings);
    let mut body = Vec::with_capacity(page.words.len() * WORD + rulings.len() * RULING + PageImage::BYTES);
    let (mut words, mut starts_line) = (0, false);
    for word in &page.words {
        starts_line |= word.style.starts_line;
        if is_control_only(word) {
            heap.controls += word.text.chars().count() as u32;
            continue;
        }
        words += 1;
        heap.put(&word.text, &mut body);
        put_box(&mut body, &word.bbox);
        body.put_f32(word.font_size);
        body.put_u16(word.font);
        body.put_u16(word.direction);
        body.put(&word.color);
        body.put_u32(style_bits(WordStyle { starts_line: std::mem::take(&mut starts_line), ..word.style }));
        body.put_f32(word.confidence.unwrap_or(-1.0));
    }
    for ruling in rulings {
        put_box(&mut body, &ruling.bbox);
        body.put_u8(ruling.horizontal.into());
    }
    images.iter().for_each(|bbox| put_box(&mut body, bbox));
    for picture in pictures {
        put_box(&mut body, &picture.bbox);
        let index = |found: Option<usize>| found.unwrap_or_default() as u8;
        body.put_u8(index(KINDS.iter().position(|kind| *kind == picture.kind)));
        body.put_u8(index(TEXTS.iter().position(|text| *text == picture.text)));
    }
    page.fonts.iter().for_each(|name| heap.put(name, &mut body));
    check("bytes of text", heap.text.len(), MAX_HEAP)?;

    let total = HEADER + body.len() + heap.text.len() + PageImage::BYTES;
    let mut out = Vec::with_capacity(total);
    out.put(&MAGIC);
    out.put_u64(total as u64);
    out.put_u32(page.number);
    out.put_f32(page.width);
    out.put_f32(page.height);
    out.put_u16(page.rotation);
    out.put_u8(match page.text_source {
        TextSource::TextLayer => 1,
        TextSource::Ocr => 2,
        TextSource::None => 0,
    });
    out.put_u8(page.label.is_some().into());
    out.put_u32(microseconds(content.timings.text));
    out.put_u32(microseconds(content.timings.render));
    out.put_u32(microseconds(content.timings.ocr));
    out.put_u32(content.ocr.width);
    out.put_u32(content.ocr.height);
    out.put_u8(content.ocr.purpose.to_byte());
    put_box(&mut out, &content.ocr.place.unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0)));
    for count in [words, rulings.len(), images.len(), page.fonts.len(), heap.text.len(), pictures.len()] {
        out.put_u32(count as u32);
    }
    out.put(&strings);
    out.put_u32(page.controls.saturating_add(heap.controls));
    out.resize(HEADER, 0);
    out.append(&mut body);
    out.put(heap.text.as_bytes());
    out.put(content.image.rgb());
    Ok(out)
}

fn style_bits(style: WordStyle) -> u32 {
    [
        style.bold,
        style.italic,
        style.invisible,
        style.hyphenated,
        style.starts_line,
        style.blank,
        style.covered,
        style.pictured,
        style.garbled,
    ]
    .into_iter()
    .enumerate()
    .fold(0, |bits, (at, set)| bits | u32::from(set) << at)
}

#[derive(Debug)]
enum Memory {
    Shared(SealedMap),
    Owned(Vec<u8>),
}

/// Where the parts of a checked segment lie.
#[derive(Debug)]
struct Layout {
    number: u32,
    width: f32,
    height: f32,
    rotation: u16,
    source: TextSource,
    timings: Timings,
    ocr: OcrImage,
    label: Option<Range<usize>>,
    reason: Range<usize>,
    words: Range<usize>,
    rulings: Range<usize>,
    images: Range<usize>,
    pictures: Range<usize>,
    fonts: Range<usize>,
    heap: usize,
    image: Range<usize>,
    controls: u32,
}

/// One page of a document, read in place from shared memory.
#[derive(Debug)]
pub struct PageSegment {
    memory: Memory,
    layout: Layout,
    problem: Option<Error>,
    reading: Option<Vec<Word>>,
    replaced: Vec<Word>,
}

/// A word of a [`PageSegment`]; its text lies in the segment. The fields are those of [`Word`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "documented at `Word`, field by field")]
pub struct WordView<'a> {
    pub text: &'a str,
    pub bbox: BBox,
    pub font_size: f32,
    pub font: u16,
    pub style: WordStyle,
    pub color: [u8; 4],
    pub direction: u16,
    pub confidence: Option<f32>,
}

fn read_box(input: &mut Cursor<'_>) -> Result<BBox, WireError> {
    let at = input.error("a box has its corners in the wrong order");
    let (x0, y0, x1, y1) = (input.f32()?, input.f32()?, input.f32()?, input.f32()?);
    if x0 > x1 || y0 > y1 { Err(at) } else { Ok(BBox::new(x0, y0, x1, y1)) }
}

fn read_picture(input: &mut Cursor<'_>) -> Result<Picture, WireError> {
    let bbox = read_box(input)?;
    let (kind, text) = (usize::from(input.u8()?), usize::from(input.u8()?));
    match (KINDS.get(kind), TEXTS.get(text)) {
        (Some(kind), Some(text)) => Ok(Picture { bbox, kind: *kind, text: *text }),
        _ => Err(input.error("unknown kind of picture")),
    }
}

fn read_right_angle(input: &mut Cursor<'_>) -> Result<u16, WireError> {
    match input.u16()? {
        angle @ (0 | 90 | 180 | 270) => Ok(angle),
        _ => Err(input.error("an angle is not a right angle")),
    }
}

/// A string's range in the heap, with its place in the whole segment.
fn read_string(input: &mut Cursor<'_>, heap: &[u8], heap_at: usize) -> Result<Range<usize>, WireError> {
    let (offset, len) = (input.u32()? as usize, input.u32()? as usize);
    let bytes = offset
        .checked_add(len)
        .and_then(|end| heap.get(offset..end))
        .ok_or(input.error("a string lies outside the heap"))?;
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(input.error("a string is not UTF-8")) };
    if text.contains(char::is_control) {
        return Err(input.error("a string has control characters"));
    }
    Ok(heap_at + offset..heap_at + offset + len)
}

fn parse_word<'a>(
    input: &mut Cursor<'_>,
    bytes: &'a [u8],
    heap_at: usize,
) -> Result<WordView<'a>, WireError> {
    let heap = bytes.get(heap_at..).unwrap_or(&[]);
    let range = read_string(input, heap, heap_at)?;
    let bbox = read_box(input)?;
    let (font_size, font) = (input.f32()?, input.u16()?);
    let direction = read_right_angle(input)?;
    let color = input.array()?;
    let bits = input.u32()?;
    if bits >= 1 << 9 {
        return Err(input.error("unknown style bits"));
    }
    let bit = |at: u32| bits >> at & 1 == 1;
    let style = WordStyle {
        bold: bit(0),
        italic: bit(1),
        invisible: bit(2),
        hyphenated: bit(3),
        starts_line: bit(4),
        blank: bit(5),
        covered: bit(6),
        pictured: bit(7),
        garbled: bit(8),
    };
    let confidence = match input.f32()? {
        -1.0 => None,
        value if (0.0..=1.0).contains(&value) => Some(value),
        _ => return Err(input.error("a confidence is outside 0 to 1")),
    };
    let text = std::str::from_utf8(&bytes[range]).unwrap_or_default();
    Ok(WordView { text, bbox, font_size, font, style, color, direction, confidence })
}

/// Reads the header and checks every record, so that later reads cannot fail.
fn parse(bytes: &[u8]) -> Result<Layout, WireError> {
    let mut input = Cursor::new(bytes);
    if input.array()? != MAGIC {
        return Err(WireError { what: "not a page segment", offset: 0 });
    }
    if input.u64()? != bytes.len() as u64 {
        return Err(input.error("the length of the segment is wrong"));
    }
    let number = input.u32()?;
    let (width, height) = (input.f32()?, input.f32()?);
    if number == 0 || width < 0.0 || height < 0.0 {
        return Err(input.error("a page number or size cannot be"));
    }
    let rotation = read_right_angle(&mut input)?;
    let source = match input.u8()? {
        0 => TextSource::None,
        1 => TextSource::TextLayer,
        2 => TextSource::Ocr,
        _ => return Err(input.error("unknown text source")),
    };
    let has_label = input.bool()?;
    let mut time = || input.u32().map(|value| Duration::from_micros(value.into()));
    let timings = Timings { text: time()?, render: time()?, ocr: time()? };
    let (ocr_width, ocr_height) = (input.u32()?, input.u32()?);
    let purpose = OcrPurpose::from_byte(input.u8()?).ok_or(input.error("unknown purpose of OCR"))?;
    let place = read_box(&mut input)?;
    let place = (place.area() > 0.0).then_some(place);
    let ocr = OcrImage { width: ocr_width, height: ocr_height, purpose, place };
    let mut counts = [0; 6];
    let limits = [MAX_WORDS, MAX_RULINGS, MAX_IMAGES, MAX_FONTS, MAX_HEAP, MAX_PICTURES];
    for (count, limit) in counts.iter_mut().zip(limits) {
        *count = input.u32()? as usize;
        if *count > limit {
            return Err(input.error("a count is larger than allowed"));
        }
    }
    // No overflow: each count is bounded by its limit.
    let words = HEADER..HEADER + counts[0] * WORD;
    let rulings = words.end..words.end + counts[1] * RULING;
    let images = rulings.end..rulings.end + counts[2] * IMAGE;
    let pictures = images.end..images.end + counts[5] * PICTURE;
    let fonts = pictures.end..pictures.end + counts[3] * FONT;
    let heap_at = fonts.end;
    let image = heap_at + counts[4]..heap_at + counts[4] + PageImage::BYTES;
    if image.end != bytes.len() {
        return Err(input.error("the parts do not fill the segment"));
    }
    let heap = &bytes[heap_at..image.start];
    let label = read_string(&mut input, heap, heap_at)?;
    let reason = read_string(&mut input, heap, heap_at)?;
    let controls = input.u32()?;

    // Strings are checked against the heap alone, not against the image behind it.
    let text = &bytes[..image.start];
    let mut input = Cursor::at(text, words.start);
    for _ in 0..counts[0] {
        let word = parse_word(&mut input, text, heap_at)?;
        if word.font != u16::MAX && usize::from(word.font) >= counts[3] {
            return Err(input.error("a word names a font that is not there"));
        }
    }
    for _ in 0..counts[1] {
        read_box(&mut input)?;
        input.bool()?;
    }
    for _ in 0..counts[2] {
        read_box(&mut input)?;
    }
    for _ in 0..counts[5] {
        read_picture(&mut input)?;
    }
    for _ in 0..counts[3] {
        read_string(&mut input, heap, heap_at)?;
    }
    let label = has_label.then_some(label);
    Ok(Layout {
        number,
        width,
        height,
        rotation,
        source,
        timings,
        ocr,
        label,
        reason,
        words,
        rulings,
        images,
        pictures,
        fonts,
        heap: heap_at,
        image,
        controls,
    })
}

/// A segment that was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SegmentError {
    /// The memory.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Its content.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl PageSegment {
    /// Maps and checks a segment that a worker sent.
    pub(crate) fn open(descriptor: impl AsFd) -> Result<Self, SegmentError> {
        let map = SealedMap::map(descriptor, MAX_SEGMENT)?;
        let layout = parse(&map)?;
        Ok(Self { memory: Memory::Shared(map), layout, problem: None, reading: None, replaced: Vec::new() })
    }

    /// A segment in ordinary memory.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self, WireError> {
        let layout = parse(&bytes)?;
        Ok(Self { memory: Memory::Owned(bytes), layout, problem: None, reading: None, replaced: Vec::new() })
    }

    /// Says what is missing on this page.
    pub(crate) fn with_problem(mut self, problem: Error) -> Self {
        self.problem = Some(problem);
        self
    }

    /// Adds what OCR reads on the drawn page, beside its own words.
    pub(crate) fn with_reading(mut self, mut words: Vec<Word>) -> Self {
        words.retain(|word| !is_control_only(word));
        words.iter_mut().for_each(|word| word.text.retain(|character| !character.is_control()));
        self.reading = Some(words);
        self
    }

    /// Takes out what OCR reads on the drawn page, where that was asked for to compare it with the text layer.
    pub fn take_reading(&mut self) -> Option<Vec<Word>> {
        self.reading.take()
    }

    /// Keeps the words of the text layer in whose place those of OCR stand.
    pub(crate) fn with_replaced(mut self, words: Vec<Word>) -> Self {
        self.replaced = words;
        self
    }

    /// Takes out the words of the text layer in whose place those of OCR stand.
    pub fn take_replaced(&mut self) -> Vec<Word> {
        std::mem::take(&mut self.replaced)
    }

    /// Number of words, with those that OCR replaced.
    #[must_use]
    pub fn word_count(&self) -> usize {
        self.words().len() + self.replaced.len()
    }

    fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Shared(map) => map,
            Memory::Owned(bytes) => bytes,
        }
    }

    fn text_at(&self, range: &Range<usize>) -> &str {
        self.bytes().get(range.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Page number, counted from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.layout.number
    }

    /// Width in points after rotation.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.layout.width
    }

    /// Height in points after rotation.
    #[must_use]
    pub fn height(&self) -> f32 {
        self.layout.height
    }

    /// Time that the page took.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.layout.timings
    }

    /// What is missing on this page although it could be read: OCR that was needed and did not work.
    #[must_use]
    pub fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    /// Takes the problem out, to report it.
    pub fn take_problem(&mut self) -> Option<Error> {
        self.problem.take()
    }

    pub(crate) fn ocr_image(&self) -> Option<OcrImage> {
        (self.layout.ocr.width > 0).then_some(self.layout.ocr)
    }

    /// Words in the order of the text layer (or of the OCR program).
    pub fn words(&self) -> impl ExactSizeIterator<Item = WordView<'_>> {
        let text = &self.bytes()[..self.layout.image.start];
        let Range { start, end } = self.layout.words;
        (0..(end - start) / WORD).map(move |index| {
            parse_word(&mut Cursor::at(text, start + index * WORD), text, self.layout.heap).unwrap_or(
                WordView {
                    text: "",
                    bbox: BBox::new(0.0, 0.0, 0.0, 0.0),
                    font_size: 0.0,
                    font: u16::MAX,
                    style: WordStyle::default(),
                    color: [0; 4],
                    direction: 0,
                    confidence: None,
                },
            )
        })
    }

    /// The page image for layout models: `PAGE_IMAGE_SIZE` squared, RGB, rows from the top, 0 to 255.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.bytes()[self.layout.image.clone()]
    }

    /// Copies the page out of the segment.
    #[must_use]
    pub fn to_page(&self) -> Page {
        let layout = &self.layout;
        let bytes = self.bytes();
        let boxes = |range: &Range<usize>, size: usize| {
            bytes[range.clone()]
                .chunks_exact(size)
                .filter_map(move |record| Some((read_box(&mut Cursor::new(record)).ok()?, record)))
        };
        let fonts = bytes[layout.fonts.clone()].chunks_exact(FONT).map(|record| {
            let heap = &bytes[layout.heap..layout.image.start];
            let name = read_string(&mut Cursor::new(record), heap, layout.heap).unwrap_or_default();
            Arc::from(self.text_at(&name))
        });
        Page {
            number: layout.number,
            width: layout.width,
            height: layout.height,
            rotation: layout.rotation,
            label: layout.label.as_ref().map(|range| self.text_at(range).to_owned()),
            text_source: layout.source,
            text_source_reason: self.text_at(&layout.reason).to_owned(),
            words: self.words().map(|word| word.to_word()).collect(),
            rulings: boxes(&layout.rulings, RULING)
                .map(|(bbox, record)| Ruling { bbox, horizontal: record[RULING - 1] == 1 })
                .collect(),
            images: boxes(&layout.images, IMAGE).map(|(bbox, _)| bbox).collect(),
            pictures: bytes[layout.pictures.clone()]
                .chunks_exact(PICTURE)
                .filter_map(|record| read_picture(&mut Cursor::new(record)).ok())
                .collect(),
            fonts: fonts.collect(),
            controls: layout.controls,
        }
    }
}

impl WordView<'_> {
    /// Copies the word out of the segment.
    #[must_use]
    pub fn to_word(self) -> Word {
        Word {
            text: self.text.to_owned(),
            bbox: self.bbox,
            font_size: self.font_size,
            font: self.font,
            style: self.style,
            color: self.color,
            direction: self.direction,
            confidence: self.confidence,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn sample() -> PageContent {
        let word = |text: &str, x: f32| Word {
            text: text.into(),
            bbox: BBox::new(x, 10.0, x + 20.0, 22.0),
            font_size: 9.5,
            font: 0,
            style: WordStyle { bold: true, covered: true, garbled: true, ..WordStyle::default() },
            color: [1, 2, 3, 255],
            direction: 90,
            confidence: (x > 50.0).then_some(0.5),
        };
        let page = Page {
            number: 4,
            width: 612.0,
            height: 792.0,
            rotation: 270,
            label: Some("iv".into()),
            text_source: TextSource::TextLayer,
            text_source_reason: "the page has text".into(),
            words: vec![word("Überschuß", 5.0), word("1,234", 60.0)],
            rulings: vec![Ruling { bbox: BBox::new(0.0, 1.0, 100.0, 1.5), horizontal: true }],
            images: vec![BBox::new(1.0, 2.0, 3.0, 4.0)],
            pictures: vec![Picture {
                bbox: BBox::new(1.0, 2.0, 3.0, 4.0),
                kind: PictureKind::Text,
                text: PictureText::Unread,
            }],
            fonts: vec![Arc::from("Helvetica")],
            controls: 0,
        };
        let image = PageImage::new((0..PageImage::BYTES).map(|at| at as u8).collect()).unwrap();
        let timings = Timings { text: Duration::from_micros(7), ..Timings::default() };
        let place = Some(BBox::new(0.0, 10.0, 30.0, 40.0));
        let ocr = OcrImage { width: 3, height: 2, purpose: OcrPurpose::Add, place };
        PageContent { page, image, timings, ocr }
    }

    #[test]
    fn pages_come_back_as_they_were() {
        let content = sample();
        let bytes = encode(&content).unwrap();
        let shared = PageSegment::open(crate::input::shm::sealed("page", &bytes).unwrap()).unwrap();
        for segment in [shared, PageSegment::from_bytes(bytes).unwrap()] {
            assert_eq!(segment.to_page(), content.page);
            assert_eq!(segment.image(), content.image.rgb());
            assert_eq!(segment.timings(), content.timings);
            assert_eq!(segment.ocr_image(), Some(content.ocr));
        }
    }

    #[test]
    fn control_characters_are_left_out_and_counted_and_believed_of_no_worker() {
        let mut content = sample();
        let word = |text: &str, starts_line: bool| {
            let mut word = sample().page.words[0].clone();
            (word.text, word.style.starts_line) = (text.into(), starts_line);
            word
        };
        let hostile = "a\u{1b}]0;b\u{7}\u{9b}c";
        content.page.words = vec![word("\u{1b}\u{9d}", true), word(hostile, false), word("d", false)];
        content.page.fonts = vec![Arc::from("He\r\nlvetica")];
        let bytes = encode(&content).unwrap();
        let page = PageSegment::from_bytes(bytes.clone()).unwrap().to_page();
        let words: Vec<_> = page.words.iter().map(|word| (&*word.text, word.style.starts_line)).collect();
        assert_eq!(words, [("a]0;bc", true), ("d", false)]);
        assert_eq!((&*page.fonts[0], page.controls), ("Helvetica", 7));
        let reading = PageSegment::from_bytes(bytes.clone()).unwrap().with_reading(content.page.words);
        assert_eq!(reading.reading.unwrap().len(), 2);
        // A worker that was taken over may write what it likes.
        let at = bytes.windows(6).position(|text| text == b"a]0;bc").unwrap();
        let mut forged = bytes;
        forged[at] = 0x1b;
        assert_eq!(PageSegment::from_bytes(forged).unwrap_err().what, "a string has control characters");
    }

    #[test]
    fn too_many_words_are_an_error() {
        let mut content = sample();
        content.page.words = vec![content.page.words[0].clone(); MAX_WORDS + 1];
        assert!(encode(&content).unwrap_err().to_string().contains("200001 words"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn damaged_segments_never_panic(at in 0usize..400, to in any::<[u8; 4]>(), cut in 0usize..500) {
            let mut bytes = encode(&sample()).unwrap();
            bytes[at..at + 4].copy_from_slice(&to);
            if let Ok(segment) = PageSegment::from_bytes(bytes.clone()) {
                prop_assert_eq!(segment.to_page().words.len(), segment.words().len());
            }
            bytes.truncate(cut);
            prop_assert!(PageSegment::from_bytes(bytes).is_err());
        }

        #[test]
        fn no_bytes_are_a_segment_by_chance(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(PageSegment::from_bytes(bytes).is_err());
        }
    }
}
