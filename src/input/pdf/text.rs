//! Words from the characters of a page's text layer.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{c_int, c_ulong};
use std::ptr;
use std::sync::Arc;

use super::bindings::{Bindings, FPDF_PAGEOBJECT, FPDF_TEXTPAGE, FS_MATRIX, FS_RECTF};
use super::geometry::{Frame, Matrix};
use super::hidden::WordObjects;
use super::library::LoadedPage;
use crate::document::{BBox, Word, WordStyle};
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

/// Properties that all characters of one text object share.
#[derive(Clone, Copy)]
struct ObjectStyle {
    font: u16,
    bold: bool,
    italic: bool,
    invisible: bool,
    color: [u8; 4],
    /// Size before transformations.
    font_size: f32,
}

struct Glyph {
    character: char,
    /// Ink, widened to the font's ascent and descent across the baseline.
    bbox: BBox,
    /// From the character's origin to that of the next one, as the font has it.
    advance: BBox,
    font_size: f32,
    direction: u16,
    style: ObjectStyle,
    object: FPDF_PAGEOBJECT,
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
            '\r' | '\n' | '\u{2028}' | '\u{2029}' | '\u{0B}' | '\u{0C}' => words.end_line(),
            character if character.is_whitespace() => words.end_word(),
            // pdfium marks a hyphen at a line's end with U+0002 and leaves the line break out.
            '\u{2}' | '\u{FFFE}' => {
                if let Some(glyph) = glyph(library, &text, page.frame, index, '-', &mut styles) {
                    words.push(&glyph);
                }
                words.hyphenate();
            }
            '\0' => {}
            character => {
                if let Some(glyph) = glyph(library, &text, page.frame, index, character, &mut styles) {
                    words.statistics.characters += 1;
                    // SAFETY: the index is one of the text page's characters.
                    let unmapped = unsafe { library.FPDFText_HasUnicodeMapError(handle, index) } == 1;
                    words.statistics.garbage += usize::from(unmapped || is_garbage(character));
                    words.push(&glyph);
                    if character == '\u{AD}' {
                        words.soft_hyphen();
                    }
                }
            }
        }
        if words.words.len() > MAX_WORDS {
            return Err(Error::new(
                ErrorCode::PageTooLarge,
                format!("the page has more than {MAX_WORDS} words"),
            ));
        }
    }
    words.end_line();
    let WordBuilder { words, objects, statistics, .. } = words;
    Ok(PageText { words, objects, fonts: styles.fonts.names, statistics })
}

fn is_garbage(character: char) -> bool {
    matches!(character, char::REPLACEMENT_CHARACTER | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..)
        || character.is_control()
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
    // SAFETY: the index is one of the text page's characters, and all pointers are valid for writing.
    let (has_box, has_loose, _) = unsafe {
        (
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
    Some(Glyph { character, bbox, advance, font_size, direction, style, object: styles.object })
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

/// Distance between two characters' advances, in em, from which there may be a space between them. Justified lines
/// squeeze the space of common fonts, 0.25 to 0.28 em, down to this.
const NARROW_SPACE: f32 = 0.15;
/// Distance that most characters of a word must stay below for its wider ones to be spaces: letters may be spaced out.
const TIGHT: f32 = 0.06;

/// A character within the current word.
struct Member {
    character: char,
    bbox: BBox,
    /// Distance from the end of the last character's advance to the start of this one's, in em.
    gap: f32,
    /// What draws it.
    object: FPDF_PAGEOBJECT,
}

/// Collects characters into words.
struct WordBuilder {
    frame: Frame,
    words: Vec<Word>,
    current: Option<Word>,
    /// The characters of the current word.
    members: Vec<Member>,
    /// Box of the last character, to see jumps that the text layer has no space for.
    last: BBox,
    /// Its advance.
    last_advance: BBox,
    next_starts_line: bool,
    /// The last character is a soft hyphen.
    after_soft_hyphen: bool,
    statistics: TextStatistics,
    objects: WordObjects,
}

impl WordBuilder {
    fn new(frame: Frame) -> Self {
        Self {
            frame,
            words: Vec::new(),
            current: None,
            members: Vec::new(),
            last: BBox::new(0.0, 0.0, 0.0, 0.0),
            last_advance: BBox::new(0.0, 0.0, 0.0, 0.0),
            next_starts_line: true,
            after_soft_hyphen: false,
            statistics: TextStatistics::default(),
            objects: Vec::new(),
        }
    }

    fn push(&mut self, glyph: &Glyph) {
        if self.current.is_some() && self.jumps(glyph) {
            self.end_word();
        }
        self.after_soft_hyphen = false;
        let (last, next) = (&self.last_advance, &glyph.advance);
        let gap = match glyph.direction {
            0 => next.x0 - last.x1,
            180 => last.x0 - next.x1,
            90 => next.y0 - last.y1,
            _ => last.y0 - next.y1,
        };
        let gap = if self.current.is_some() { gap / glyph.font_size.max(1.0) } else { 0.0 };
        let Glyph { character, bbox, object, .. } = *glyph;
        self.members.push(Member { character, bbox, gap, object });
        self.last = glyph.bbox;
        self.last_advance = glyph.advance;
        if let Some(word) = &mut self.current {
            word.text.push(glyph.character);
            word.bbox = word.bbox.union(&glyph.bbox);
            word.style.invisible &= glyph.style.invisible;
            return;
        }
        self.current = Some(Word {
            text: glyph.character.to_string(),
            bbox: glyph.bbox,
            font_size: glyph.font_size,
            font: glyph.style.font,
            style: WordStyle {
                bold: glyph.style.bold,
                italic: glyph.style.italic,
                invisible: glyph.style.invisible,
                hyphenated: false,
                starts_line: std::mem::take(&mut self.next_starts_line),
                ..WordStyle::default()
            },
            color: glyph.style.color,
            direction: glyph.direction,
            confidence: None,
        });
    }

    /// Whether the next character is too far from the last one to belong to the same word.
    fn jumps(&mut self, glyph: &Glyph) -> bool {
        let Some(word) = &self.current else { return false };
        if word.direction != glyph.direction {
            return true;
        }
        let (last, next) = (&self.last, &glyph.bbox);
        let (gap, overlap, height) = match glyph.direction {
            0 => (next.x0 - last.x1, last.vertical_overlap(next), last.height().min(next.height())),
            180 => (last.x0 - next.x1, last.vertical_overlap(next), last.height().min(next.height())),
            90 => (next.y0 - last.y1, last.horizontal_overlap(next), last.width().min(next.width())),
            _ => (last.y0 - next.y1, last.horizontal_overlap(next), last.width().min(next.width())),
        };
        let size = word.font_size.max(glyph.font_size).max(1.0);
        if height > 0.0 && overlap <= 0.0 {
            // On another line, except for what sits high or low beside the word.
            let aside = gap.abs() < size * 0.5 && glyph.font_size < word.font_size;
            self.next_starts_line |= !aside;
            return !aside;
        }
        gap > size * 0.6 || gap < -2.0 * size.max(word.bbox.width().min(word.bbox.height()))
    }

    fn end_word(&mut self) {
        let Some(mut word) = self.current.take() else { return };
        if std::mem::take(&mut self.after_soft_hyphen) && self.next_starts_line {
            word.style.hyphenated = true;
        }
        // A reader sees nothing of what lies outside the page.
        if word.bbox.intersection(&self.frame.page_box()).is_none() {
            word.style.invisible = true;
        }
        let starts = word_starts(&self.members);
        let first = self.words.len();
        for (index, &start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(self.members.len());
            for member in &self.members[start..end] {
                let part = (first + index, member.object);
                if self.objects.last() != Some(&part) {
                    self.objects.push(part);
                }
            }
        }
        for (index, &start) in starts.iter().enumerate().filter(|_| starts.len() > 1) {
            let end = starts.get(index + 1).copied().unwrap_or(self.members.len());
            let part = &self.members[start..end];
            let mut own = word.clone();
            own.text = part.iter().map(|member| member.character).collect();
            own.bbox = BBox::around(part.iter().map(|member| &member.bbox)).unwrap_or(word.bbox);
            own.style.starts_line &= index == 0;
            own.style.hyphenated &= end == self.members.len();
            self.words.push(own);
        }
        if starts.len() == 1 {
            self.words.push(word);
        }
        self.members.clear();
    }

    fn end_line(&mut self) {
        self.next_starts_line = true;
        self.end_word();
    }

    /// The word so far ends its line with a hyphen.
    fn hyphenate(&mut self) {
        if let Some(word) = &mut self.current {
            word.style.hyphenated = true;
        }
        self.end_line();
    }

    fn soft_hyphen(&mut self) {
        self.after_soft_hyphen = true;
    }
}

/// Where words start in a run of characters that the text layer has no space in: at the first one, and behind gaps
/// that are as wide as a space where the run is otherwise tight.
fn word_starts(members: &[Member]) -> Vec<usize> {
    let mut starts = vec![0];
    let wide: Vec<usize> = (1..members.len()).filter(|&index| members[index].gap >= NARROW_SPACE).collect();
    let tight = members.iter().skip(1).filter(|member| member.gap.abs() < TIGHT).count();
    if tight < 2 * wide.len() {
        return starts;
    }
    starts.extend(wide.into_iter().filter(|&index| {
        let (before, after) = (members[index - 1].character, members[index].character);
        // Digits may be grouped by thin spaces; signs are often set apart from their number.
        let ends =
            before.is_alphanumeric() || matches!(before, ',' | '.' | ';' | ':' | ')' | '”' | '’' | '"');
        let begins = after.is_alphanumeric() || matches!(after, '(' | '“' | '‘');
        let letters = before.is_alphabetic() || after.is_alphabetic();
        ends && begins && letters
    }));
    starts
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

    fn glyphs(frame: Frame, glyphs: &[(char, f32, f32)]) -> Vec<Word> {
        let style = ObjectStyle {
            font: 0,
            bold: false,
            italic: false,
            invisible: false,
            color: [0, 0, 0, 255],
            font_size: 10.0,
        };
        let mut words = WordBuilder::new(frame);
        for (character, x, y) in glyphs {
            let bbox = BBox::new(*x, *y, x + 5.0, y + 10.0);
            words.push(&Glyph {
                character: *character,
                bbox,
                advance: bbox,
                font_size: 10.0,
                direction: 0,
                style,
                object: ptr::null_mut(),
            });
            if *character == '\u{AD}' {
                words.soft_hyphen();
            }
        }
        words.end_line();
        words.words
    }

    const FRAME: Frame = Frame { left: 0.0, bottom: 0.0, right: 600.0, top: 800.0, turns: 0 };

    #[test]
    fn gaps_and_line_breaks_end_words() {
        let words = glyphs(FRAME, &[('a', 0.0, 0.0), ('b', 5.0, 0.0), ('c', 60.0, 0.0), ('d', 0.0, 20.0)]);
        let texts: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.style.starts_line)).collect();
        assert_eq!(texts, [("ab", true), ("c", false), ("d", true)]);
    }

    #[test]
    fn a_soft_hyphen_at_a_line_end_marks_the_word() {
        let words = glyphs(FRAME, &[('a', 0.0, 0.0), ('\u{AD}', 5.0, 0.0), ('b', 0.0, 20.0)]);
        assert!(words[0].style.hyphenated && words[0].text == "a\u{AD}" && !words[1].style.hyphenated);
        let words = glyphs(FRAME, &[('a', 0.0, 0.0), ('\u{AD}', 5.0, 0.0), ('b', 10.0, 0.0)]);
        assert_eq!((words.len(), words[0].style.hyphenated), (1, false));
    }

    /// A line of characters 5 points wide with these gaps, in points, before each.
    fn spaced(text: &str, gaps: &[f32]) -> Vec<String> {
        let mut x = 0.0;
        let line: Vec<(char, f32, f32)> = text
            .chars()
            .enumerate()
            .map(|(index, character)| {
                x += gaps.get(index).copied().unwrap_or(0.0);
                let place = (character, x, 0.0);
                x += 5.0;
                place
            })
            .collect();
        glyphs(FRAME, &line).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn squeezed_spaces_part_words_and_spaced_letters_do_not() {
        assert_eq!(spaced("atleast", &[0.0, 0.0, 2.0]), ["at", "least"]);
        assert_eq!(spaced("at1,000", &[0.0, 0.0, 2.0]), ["at", "1,000"]);
        assert_eq!(spaced("year,and", &[0.0, 0.0, 0.0, 0.0, 0.0, 2.0]), ["year,", "and"]);
        // Letter spacing, grouped digits and a currency sign set apart.
        assert_eq!(spaced("TOTAL", &[0.0, 2.0, 2.0, 2.0, 2.0]), ["TOTAL"]);
        assert_eq!(spaced("10000", &[0.0, 0.0, 2.0]), ["10000"]);
        assert_eq!(spaced("$1234", &[0.0, 2.0]), ["$1234"]);
        assert_eq!(spaced("Wayne", &[0.0, -1.0]), ["Wayne"], "kerning");
    }

    #[test]
    fn words_outside_the_page_are_invisible() {
        let words = glyphs(FRAME, &[('a', -50.0, 0.0), ('b', 10.0, 0.0)]);
        assert_eq!(words.iter().map(|word| word.style.invisible).collect::<Vec<_>>(), [true, false]);
    }
}
