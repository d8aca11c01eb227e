//! Words from the characters of a page's text layer.
#![allow(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{c_int, c_ulong};
use std::ptr;
use std::sync::Arc;

use pdfium_render::prelude::{FPDF_PAGEOBJECT, FPDF_TEXTPAGE, FS_MATRIX, FS_RECTF};

use super::geometry::{Frame, Matrix};
use super::hidden::WordObjects;
use super::words::{Glyph, ObjectStyle, WordBuilder};
use super::{Bindings, LoadedPage};
use crate::document::{BBox, Word};
use crate::error::{Error, ErrorCode, Result};
use crate::input::decide::TextStatistics;
use crate::input::segment::{MAX_CHARACTERS, MAX_WORDS};

struct TextPage<'a> {
    library: &'a Bindings,
    handle: FPDF_TEXTPAGE,
}

impl Drop for TextPage<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open.
        unsafe { self.library.FPDFText_ClosePage(self.handle) };
    }
}

/// The text layer of a page.
pub(super) struct PageText {
    /// Words in the order of the layer.
    pub(super) words: Vec<Word>,
    /// The text objects that draw each word.
    pub(super) objects: WordObjects,
    /// Names of the fonts that the words use.
    pub(super) fonts: Vec<Arc<str>>,
    /// What the layer is like.
    pub(super) statistics: TextStatistics,
}

/// Reads the text layer.
pub(super) fn words(library: &Bindings, page: &LoadedPage<'_>) -> Result<PageText> {
    // SAFETY: the page is open and outlives the text page, which is dropped at the end of this function.
    let handle = unsafe { library.FPDFText_LoadPage(page.handle) };
    if handle.is_null() {
        return Err(Error::new(ErrorCode::PageMalformed, "the text of the page cannot be read"));
    }
    let text = TextPage { library, handle };
    // SAFETY: the text page is open.
    let count = unsafe { library.FPDFText_CountChars(handle) }.max(0);
    if count as usize > MAX_CHARACTERS {
        return Err(Error::new(
            ErrorCode::PageTooLarge,
            format!("the page has {count} characters, more than {MAX_CHARACTERS}"),
        ));
    }
    let mut styles = Styles { text: &text, fonts: Fonts::default(), object: ptr::null_mut(), style: None };
    let mut words = WordBuilder::new(page.frame);
    let mut statistics = TextStatistics::default();
    let mut pending_surrogate = None;
    for index in 0..count {
        // SAFETY: the index is one of the text page's characters.
        let unit = unsafe { library.FPDFText_GetUnicode(handle, index) };
        // Characters beyond the basic plane may come as two UTF-16 units.
        let character = match (pending_surrogate.take(), unit) {
            (_, 0xD800..0xDC00) => {
                pending_surrogate = Some(unit);
                continue;
            }
            (Some(high), 0xDC00..0xE000) => {
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00))
            }
            _ => char::from_u32(unit),
        }
        .unwrap_or(char::REPLACEMENT_CHARACTER);
        match character {
            '\r' | '\n' | '\u{2028}' | '\u{2029}' | '\u{0B}' | '\u{0C}' => {
                // SAFETY: the index is one of the text page's characters.
                let generated = unsafe { library.FPDFText_IsGenerated(handle, index) } == 1;
                // Where pdfium takes a page for one of vertical text, it breaks the line behind every text object.
                // One that is written down at least ends a word.
                if !generated {
                    words.end_word();
                }
                words.may_end_line();
            }
            character if character.is_whitespace() => words.end_word(),
            // pdfium marks a hyphen at a line's end with U+0002 and leaves the line break out.
            '\u{2}' | '\u{FFFE}' => {
                if let Some(glyph) = glyph(library, &text, page.frame, index, '-', &mut styles) {
                    words.push(&glyph);
                }
                words.hyphenate();
            }
            // A character that the font maps to nothing; without ink it is a space.
            '\0' => {
                match glyph(library, &text, page.frame, index, char::REPLACEMENT_CHARACTER, &mut styles) {
                    Some(mut glyph) if glyph.has_ink => {
                        statistics.characters += 1;
                        statistics.garbage += 1;
                        glyph.garbled = true;
                        words.push(&glyph);
                    }
                    _ => words.end_word(),
                }
            }
            character => {
                if let Some(mut glyph) = glyph(library, &text, page.frame, index, character, &mut styles) {
                    statistics.characters += 1;
                    // SAFETY: the index is one of the text page's characters.
                    let unmapped = unsafe { library.FPDFText_HasUnicodeMapError(handle, index) } == 1;
                    glyph.garbled = unmapped || is_garbage(character);
                    statistics.garbage += usize::from(glyph.garbled);
                    words.push(&glyph);
                }
            }
        }
        if words.count() > MAX_WORDS {
            return Err(Error::new(
                ErrorCode::PageTooLarge,
                format!("the page has more than {MAX_WORDS} words"),
            ));
        }
    }
    let (mut words, objects) = words.finish();
    leave_symbols(&mut words);
    Ok(PageText { words, objects, fonts: styles.fonts.names, statistics })
}

fn is_garbage(character: char) -> bool {
    matches!(character, char::REPLACEMENT_CHARACTER | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..)
        || character.is_control()
}

/// Bullets, check marks and other signs of a font of signs have no meaning that text could have: only words of a font that
/// spells with such characters are garbled.
fn leave_symbols(words: &mut [Word]) {
    const SPELLS: usize = 2;
    let mut spelt: BTreeMap<u16, BTreeSet<char>> = BTreeMap::new();
    for word in words.iter().filter(|word| word.style.garbled && word.text.chars().count() > 1) {
        let characters = spelt.entry(word.font).or_default();
        characters.extend(word.text.chars().filter(|character| is_garbage(*character)));
    }
    for word in words.iter_mut().filter(|word| word.style.garbled) {
        let spells = |characters: &BTreeSet<char>| {
            characters.contains(&char::REPLACEMENT_CHARACTER) || characters.len() >= SPELLS
        };
        word.style.garbled = spelt.get(&word.font).is_some_and(spells);
    }
}

/// Reads one character; `None` if it has no place on the page.
fn glyph(
    library: &Bindings,
    text: &TextPage<'_>,
    frame: Frame,
    index: c_int,
    character: char,
    styles: &mut Styles<'_>,
) -> Option<Glyph> {
    let handle = text.handle;
    let (mut left, mut right, mut bottom, mut top) = (0.0f64, 0.0, 0.0, 0.0);
    let mut loose = FS_RECTF { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
    let mut matrix = FS_MATRIX { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };
    let (mut x, mut y) = (0.0f64, 0.0);
    // SAFETY: the index is one of the text page's characters, and all pointers are valid for writing.
    let (has_origin, has_box, has_loose, _) = unsafe {
        (
            library.FPDFText_GetCharOrigin(handle, index, &raw mut x, &raw mut y),
            library.FPDFText_GetCharBox(
                handle,
                index,
                &raw mut left,
                &raw mut right,
                &raw mut bottom,
                &raw mut top,
            ),
            library.FPDFText_GetLooseCharBox(handle, index, &raw mut loose),
            library.FPDFText_GetMatrix(handle, index, &raw mut matrix),
        )
    };
    let style = styles.of(index)?;
    let transform = Matrix { a: matrix.a, b: matrix.b, c: matrix.c, d: matrix.d, e: 0.0, f: 0.0 };
    let font_size = (style.font_size * transform.vertical_scale()).abs();
    let direction = frame.direction(transform.a, transform.b);
    let ink = frame.rect(left as f32, bottom as f32, right as f32, top as f32);
    let loose = frame.rect(loose.left, loose.bottom, loose.right, loose.top);
    let bbox = match (has_box != 0, has_loose != 0) {
        (true, true) => widen(ink, loose, direction, font_size),
        (true, false) => ink,
        (false, true) => loose,
        (false, false) => return None,
    };
    let advance = if has_loose != 0 { loose } else { ink };
    let (x, y) = if has_origin != 0 { frame.point(x as f32, y as f32) } else { (bbox.x0, bbox.y1) };
    let rise = match direction {
        0 => -y,
        90 => x,
        180 => y,
        _ => -x,
    };
    let has_ink = has_box != 0 && ink.area() > 0.0;
    let object = styles.object;
    Some(Glyph {
        character,
        bbox,
        advance,
        font_size,
        rise,
        direction,
        style,
        object,
        has_ink,
        garbled: false,
    })
}

/// The ink, widened across the baseline to the font's ascent and descent, so that the words of a line have one
/// height. Fonts may claim any ascent: an extent that does not fit the font size is not used.
fn widen(ink: BBox, loose: BBox, direction: u16, font_size: f32) -> BBox {
    let upright = direction.is_multiple_of(180);
    let (height, across) =
        if upright { (loose.height(), ink.height()) } else { (loose.width(), ink.width()) };
    let ink_along = if upright { ink.width() } else { ink.height() };
    // A character without ink (a space glyph used as a letter) has only its advance.
    if ink_along <= 0.0 || across <= 0.0 {
        return loose;
    }
    if !(font_size * 0.5..=font_size * 1.8).contains(&height) {
        return ink;
    }
    if upright {
        BBox::new(ink.x0, loose.y0.min(ink.y0), ink.x1, loose.y1.max(ink.y1))
    } else {
        BBox::new(loose.x0.min(ink.x0), ink.y0, loose.x1.max(ink.x1), ink.y1)
    }
}

#[derive(Default)]
struct Fonts {
    names: Vec<Arc<str>>,
    by_name: BTreeMap<String, u16>,
}

impl Fonts {
    fn index(&mut self, name: &str) -> u16 {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        // A page with more fonts than that is not made for reading; the rest have no name.
        if self.names.len() >= 4_000 {
            return u16::MAX;
        }
        let index = self.names.len() as u16;
        self.names.push(Arc::from(name));
        self.by_name.insert(name.to_owned(), index);
        index
    }
}

/// Style of the text object that a character belongs to, read once per object.
struct Styles<'a> {
    text: &'a TextPage<'a>,
    fonts: Fonts,
    object: FPDF_PAGEOBJECT,
    style: Option<ObjectStyle>,
}

impl Styles<'_> {
    fn of(&mut self, index: c_int) -> Option<ObjectStyle> {
        // SAFETY: the index is one of the text page's characters.
        let object = unsafe { self.text.library.FPDFText_GetTextObject(self.text.handle, index) };
        if object.is_null() {
            // A generated character belongs to none and looks like the one before it.
            return self.style;
        }
        if object != self.object {
            self.object = object;
            self.style = Some(self.read(object, index));
        }
        self.style
    }

    fn read(&mut self, object: FPDF_PAGEOBJECT, index: c_int) -> ObjectStyle {
        const INVISIBLE: c_int = 3;
        const CLIP: c_int = 7;
        const FILL_AND_STROKE: c_int = 2;
        const FLAG_ITALIC: c_int = 1 << 6;
        const FLAG_FORCE_BOLD: c_int = 1 << 18;
        let library = self.text.library;
        let (mut red, mut green, mut blue, mut alpha) = (0, 0, 0, 255);
        let mut font_name = [0u8; 256];
        // SAFETY: object and font belong to the open page; buffers and pointers are valid for writing.
        let (mode, size, weight, flags, name_len) = unsafe {
            library.FPDFPageObj_GetFillColor(
                object,
                &raw mut red,
                &raw mut green,
                &raw mut blue,
                &raw mut alpha,
            );
            let font = library.FPDFTextObj_GetFont(object);
            let (weight, flags, len) = if font.is_null() {
                (0, 0, 0)
            } else {
                (
                    library.FPDFFont_GetWeight(font),
                    library.FPDFFont_GetFlags(font),
                    library.FPDFFont_GetBaseFontName(font, font_name.as_mut_ptr().cast(), font_name.len()),
                )
            };
            let size = library.FPDFText_GetFontSize(self.text.handle, index);
            (library.FPDFTextObj_GetTextRenderMode(object), size as f32, weight, flags, len)
        };
        let len = usize::try_from(name_len as c_ulong).unwrap_or(0);
        let name = font_name.get(..len).unwrap_or(&[]);
        let name = String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or(&[]));
        let name = without_subset_tag(&name);
        let (bold_name, italic_name) = style_of_name(name);
        ObjectStyle {
            font: if name.is_empty() { u16::MAX } else { self.fonts.index(name) },
            bold: bold_name.unwrap_or(weight >= 700 || flags & FLAG_FORCE_BOLD != 0)
                || mode == FILL_AND_STROKE,
            italic: italic_name || flags & FLAG_ITALIC != 0,
            invisible: mode == INVISIBLE || mode == CLIP || alpha == 0,
            color: [red, green, blue, alpha].map(|value: u32| value.min(255) as u8),
            font_size: size.abs(),
        }
    }
}

/// `ABCDEF+Times-Roman` without its subset tag (PDF 32000-1, 9.6.4).
fn without_subset_tag(name: &str) -> &str {
    match name.split_once('+') {
        Some((tag, rest)) if tag.len() == 6 && tag.bytes().all(|byte| byte.is_ascii_uppercase()) => rest,
        _ => name,
    }
}

/// Bold (where the name says so or says otherwise) and italic, by a font's name.
fn style_of_name(name: &str) -> (Option<bool>, bool) {
    let name = name.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let bold = if has(&["bold", "black", "heavy", "demi"]) {
        Some(true)
    } else if has(&["regular", "roman", "light", "book", "medium", "thin"]) {
        Some(false)
    } else {
        None
    };
    (bold, has(&["italic", "oblique"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn font_names_tell_their_style() {
        assert_eq!(without_subset_tag("ABCDEF+Times-Bold"), "Times-Bold");
        assert_eq!(without_subset_tag("C+Times"), "C+Times");
        assert_eq!(style_of_name("Arial-BoldItalicMT"), (Some(true), true));
        assert_eq!(style_of_name("TimesNewRoman"), (Some(false), false));
        assert_eq!(style_of_name("ArialMT"), (None, false));
    }
}
