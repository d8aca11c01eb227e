//! What annotations show: contents of form fields, notes and stamps that are drawn on the page.
//!
//! Those that have an appearance are drawn into the page, whose text layer then has their words. A field that has a value
//! and no appearance is filled in by the viewer; here its words are set into its box, as a viewer would set them.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr;

use pdfium_render::prelude::{
    FPDF_ANNOTATION, FPDF_DOCUMENT, FPDF_FORMFILLINFO, FPDF_FORMHANDLE, FPDF_PAGE, FS_RECTF,
};

use super::Bindings;
use super::geometry::Frame;
use super::hidden::WordObjects;
use super::library::utf16_text;
use crate::document::{BBox, Word, WordStyle};

const FREE_TEXT: c_int = 3;
const STAMP: c_int = 13;
const WIDGET: c_int = 20;
/// Annotations of a page that are looked at.
const MOST: c_int = 10_000;
/// Characters of one value that are read.
const MOST_CHARACTERS: usize = 10_000;
/// Width of a character and height of a line of set values, in em, and the size where the field leaves it open.
const WIDTH: f32 = 0.5;
const LEADING: f32 = 1.2;
const SIZE: f32 = 12.0;

/// Text that a viewer shows in a box although the file has no drawing of it.
pub(super) struct Filled {
    /// In user space.
    rect: FS_RECTF,
    text: String,
    /// Size of the font in points; 0 where the viewer chooses it.
    size: f32,
    align: Align,
}

#[derive(Clone, Copy, PartialEq)]
enum Align {
    Left,
    Middle,
    Right,
}

/// What the annotations of a page ask for.
#[derive(Default)]
pub(super) struct Annotations {
    /// Some have to be drawn into the page.
    pub(super) drawn: bool,
    /// Values of fields and texts, drawn or not.
    pub(super) filled: Vec<Filled>,
}

/// Whether a page has a form field.
pub(super) fn has_field(library: &Bindings, page: FPDF_PAGE) -> bool {
    let mut found = false;
    each(library, page, |annotation| found |= kind(library, annotation) == WIDGET);
    found
}

/// Looks at the annotations of an open page.
pub(super) fn of(library: &Bindings, document: FPDF_DOCUMENT, page: FPDF_PAGE) -> Annotations {
    let mut found = Annotations::default();
    let mut fields = false;
    each(library, page, |annotation| {
        let kind = kind(library, annotation);
        fields |= kind == WIDGET;
        found.drawn |= matches!(kind, FREE_TEXT | STAMP | WIDGET);
        if kind == FREE_TEXT && is_shown(library, annotation) && !has_appearance(library, annotation) {
            let text = text_of(|buffer, len| {
                // SAFETY: the annotation is open; the buffer holds as many bytes as stated.
                unsafe { library.FPDFAnnot_GetStringValue(annotation, "Contents", buffer.cast(), len) }
            });
            found.filled.extend(filled(library, annotation, text, 0.0));
        }
    });
    if fields {
        with_form(library, document, |form| {
            each(library, page, |annotation| {
                if kind(library, annotation) == WIDGET && is_shown(library, annotation) {
                    found.filled.extend(field(library, form, annotation));
                }
            });
        });
    }
    found
}

/// Hands every annotation to `look`.
fn each(library: &Bindings, page: FPDF_PAGE, mut look: impl FnMut(FPDF_ANNOTATION)) {
    // SAFETY: the page is open; each annotation is closed after its use.
    unsafe {
        for index in 0..library.FPDFPage_GetAnnotCount(page).clamp(0, MOST) {
            let annotation = library.FPDFPage_GetAnnot(page, index);
            if !annotation.is_null() {
                look(annotation);
                library.FPDFPage_CloseAnnot(annotation);
            }
        }
    }
}

fn kind(library: &Bindings, annotation: FPDF_ANNOTATION) -> c_int {
    // SAFETY: the annotation is open.
    unsafe { library.FPDFAnnot_GetSubtype(annotation) }
}

fn is_shown(library: &Bindings, annotation: FPDF_ANNOTATION) -> bool {
    const INVISIBLE: c_int = 1;
    const HIDDEN: c_int = 1 << 1;
    const NO_VIEW: c_int = 1 << 5;
    // SAFETY: the annotation is open.
    let flags = unsafe { library.FPDFAnnot_GetFlags(annotation) };
    flags & (INVISIBLE | HIDDEN | NO_VIEW) == 0
}

fn has_appearance(library: &Bindings, annotation: FPDF_ANNOTATION) -> bool {
    const NORMAL: c_int = 0;
    // SAFETY: the annotation is open; without a buffer only the length is asked for.
    let bytes = unsafe { library.FPDFAnnot_GetAP(annotation, NORMAL, ptr::null_mut(), 0) };
    // The terminator alone takes two.
    bytes > 2
}

fn text_of(fill: impl Fn(*mut c_void, c_ulong) -> c_ulong) -> String {
    utf16_text(MOST_CHARACTERS, true, fill)
}

/// A field's text as a viewer shows it: of a choice the names of what is chosen.
fn field(library: &Bindings, form: FPDF_FORMHANDLE, annotation: FPDF_ANNOTATION) -> Option<Filled> {
    const COMBO_BOX: c_int = 4;
    const LIST_BOX: c_int = 5;
    const TEXT_FIELD: c_int = 6;
    const PASSWORD: c_int = 1 << 13;
    // SAFETY: form and annotation are open; the pointer is valid for writing.
    let (kind, flags, size) = unsafe {
        let mut size = 0.0;
        library.FPDFAnnot_GetFontSize(form, annotation, &raw mut size);
        (
            library.FPDFAnnot_GetFormFieldType(form, annotation),
            library.FPDFAnnot_GetFormFieldFlags(form, annotation),
            size,
        )
    };
    let value = || {
        text_of(|buffer, len| {
            // SAFETY: form and annotation are open; the buffer holds as many bytes as stated.
            unsafe { library.FPDFAnnot_GetFormFieldValue(form, annotation, buffer.cast(), len) }
        })
    };
    let text = match kind {
        TEXT_FIELD if flags & PASSWORD == 0 => value(),
        COMBO_BOX | LIST_BOX => {
            let chosen = chosen(library, form, annotation);
            if chosen.is_empty() { value() } else { chosen.join("\n") }
        }
        _ => return None,
    };
    filled(library, annotation, text, size)
}

fn chosen(library: &Bindings, form: FPDF_FORMHANDLE, annotation: FPDF_ANNOTATION) -> Vec<String> {
    // SAFETY: form and annotation are open; the index is one of the options, the buffer holds as many bytes as stated.
    unsafe {
        let count = library.FPDFAnnot_GetOptionCount(form, annotation).clamp(0, MOST);
        (0..count)
            .filter(|index| library.FPDFAnnot_IsOptionSelected(form, annotation, *index) != 0)
            .map(|index| {
                text_of(|buffer, len| {
                    library.FPDFAnnot_GetOptionLabel(form, annotation, index, buffer.cast(), len)
                })
            })
            .collect()
    }
}

fn filled(library: &Bindings, annotation: FPDF_ANNOTATION, text: String, size: f32) -> Option<Filled> {
    let mut rect = FS_RECTF { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
    let mut quadding = 0.0;
    // SAFETY: the annotation is open; the pointers are valid for writing.
    let found = unsafe {
        library.FPDFAnnot_GetNumberValue(annotation, "Q", &raw mut quadding);
        library.FPDFAnnot_GetRect(annotation, &raw mut rect)
    };
    let align = match quadding as i32 {
        1 => Align::Middle,
        2 => Align::Right,
        _ => Align::Left,
    };
    (found != 0 && !text.is_empty()).then_some(Filled { rect, text, size, align })
}

/// Runs with the document's forms opened.
fn with_form(library: &Bindings, document: FPDF_DOCUMENT, work: impl FnOnce(FPDF_FORMHANDLE)) {
    // SAFETY: a plain C struct of integers and pointers to functions that pdfium only calls where they are there.
    let mut info: FPDF_FORMFILLINFO = unsafe { std::mem::zeroed() };
    info.version = 2;
    // SAFETY: the document is open; `info` outlives the form, which is closed before this function ends.
    unsafe {
        let form = library.FPDFDOC_InitFormFillEnvironment(document, &raw mut info);
        if !form.is_null() {
            work(form);
            library.FPDFDOC_ExitFormFillEnvironment(form);
        }
    }
}

/// Adds the words of the boxes that have none, each behind the word to its left.
/// Gives the objects that draw the words, by the words' new places.
pub(super) fn fill_in(
    filled: &[Filled],
    frame: Frame,
    words: &mut Vec<Word>,
    mut objects: WordObjects,
) -> WordObjects {
    /// Words that are looked at for all fields together.
    const MOST_COMPARED: usize = 50_000_000;
    let most = MOST_COMPARED / words.len().max(1);
    for filled in filled.iter().take(most) {
        let FS_RECTF { left, bottom, right, top } = filled.rect;
        let bbox = frame.rect(left, bottom, right, top);
        if bbox.intersection(&frame.page_box()).is_none() {
            continue;
        }
        if words.iter().any(|word| bbox.contains_point(word.bbox.center_x(), word.bbox.center_y())) {
            continue;
        }
        let mut own = set(&filled.text, filled.size, filled.align, &bbox);
        let label = (0..words.len())
            .filter(|index| {
                let label = &words[*index].bbox;
                let overlap = label.vertical_overlap(&bbox);
                label.center_x() < bbox.x0 && overlap > 0.5 * label.height().min(bbox.height())
            })
            .max_by(|a, b| words[*a].bbox.x1.total_cmp(&words[*b].bbox.x1).then(a.cmp(b)));
        let at = label.map_or(words.len(), |label| label + 1);
        if let (Some(first), Some(_)) = (own.first_mut(), label) {
            first.style.starts_line = false;
        }
        for (index, _) in objects.iter_mut().filter(|(index, _)| *index >= at) {
            *index += own.len();
        }
        words.splice(at..at, own);
    }
    objects
}

/// Sets a text into a box: from its top, or in the middle of its height where it is one line.
fn set(text: &str, size: f32, align: Align, bbox: &BBox) -> Vec<Word> {
    let size = if size > 0.0 { size } else { SIZE.min(0.7 * bbox.height()) }.clamp(1.0, 144.0);
    let width = |text: &str| WIDTH * size * text.chars().count() as f32;
    let mut lines: Vec<Vec<&str>> = Vec::new();
    for paragraph in text.split(['\n', '\r']) {
        let mut line: Vec<&str> = Vec::new();
        let mut length = 0.0;
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && length + width(word) > bbox.width() {
                lines.push(std::mem::take(&mut line));
                length = 0.0;
            }
            length += width(word) + WIDTH * size;
            line.push(word);
        }
        lines.push(line);
    }
    lines.retain(|line| !line.is_empty());
    let top = if lines.len() == 1 { bbox.center_y() - 0.5 * size } else { bbox.y0 };
    let mut words = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        let length: f32 = line.iter().map(|word| width(word) + WIDTH * size).sum::<f32>() - WIDTH * size;
        let free = (bbox.width() - length).max(0.0);
        let mut x = bbox.x0
            + match align {
                Align::Left => 0.0,
                Align::Middle => 0.5 * free,
                Align::Right => free,
            };
        let y = top + LEADING * size * row as f32;
        for (index, word) in line.iter().enumerate() {
            words.push(Word {
                text: (*word).to_owned(),
                bbox: BBox::new(x, y, x + width(word), y + size),
                font_size: size,
                font: u16::MAX,
                style: WordStyle { starts_line: index == 0, ..WordStyle::default() },
                color: [0, 0, 0, 255],
                direction: 0,
                confidence: None,
            });
            x += width(word) + WIDTH * size;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { left: 0.0, bottom: 0.0, right: 600.0, top: 800.0, turns: 0 };

    fn field(text: &str, align: Align) -> Filled {
        let rect = FS_RECTF { left: 200.0, bottom: 700.0, right: 300.0, top: 720.0 };
        Filled { rect, text: text.into(), size: 10.0, align }
    }

    #[test]
    fn values_stand_in_their_box_behind_the_label() {
        let label = set("Total assets", 10.0, Align::Left, &BBox::new(50.0, 80.0, 190.0, 100.0));
        let below = set("below", 10.0, Align::Left, &BBox::new(50.0, 200.0, 190.0, 220.0));
        let mut words = [label, below].concat();
        fill_in(&[field("98,765.43", Align::Right)], FRAME, &mut words, Vec::new());
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Total", "assets", "98,765.43", "below"]);
        assert_eq!((words[2].bbox.x1, words[2].style.starts_line), (300.0, false));
        fill_in(&[field("again", Align::Left)], FRAME, &mut words, Vec::new());
        assert_eq!(words.len(), 4, "the box has its word");
    }

    #[test]
    fn long_values_are_broken_and_boxes_off_the_page_left_out() {
        let words = set("one two three four five six", 10.0, Align::Left, &BBox::new(0.0, 0.0, 60.0, 50.0));
        assert!(words.iter().all(|word| word.bbox.x1 <= 60.0));
        assert_eq!(words.iter().filter(|word| word.style.starts_line).count(), 3);
        let mut none = Vec::new();
        let rect = FS_RECTF { left: 700.0, bottom: 700.0, right: 800.0, top: 720.0 };
        fill_in(&[Filled { rect, ..field("x", Align::Left) }], FRAME, &mut none, Vec::new());
        assert!(none.is_empty());
    }
}
