//! pdfium itself, its documents and their pages.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::path::Path;
use std::ptr;
use std::time::Instant;

use pdfium_render::prelude::{
    FPDF_DOCUMENT, FPDF_LIBRARY_CONFIG, FPDF_PAGE, FPDF_PAGEOBJECT, FS_RECTF, Pdfium, PdfiumLibraryBindings,
};

use super::annotations::{self, Filled};
use super::geometry::Frame;
use super::hidden::WordObjects;
use super::{fonts, graphics, hidden, render, text};
use crate::config::OcrPolicy;
use crate::document::{BBox, Page, PageImage, Picture, PictureText, Word};
use crate::error::{Error, ErrorCode, Result};
use crate::input::decide::{self, Decision, Evidence, Reading};
use crate::input::pictures;
use crate::input::protocol::{DocumentInfo, MAX_PAGES, PageRequest, PictureStyle};
use crate::input::segment::{OcrImage, OcrPurpose, PageContent, Timings};

pub(super) type Bindings = dyn PdfiumLibraryBindings;

unsafe extern "C" {
    /// Reads the time zone from the environment (POSIX).
    fn tzset();
}

/// pdfium, loaded and initialised. There is one per process.
pub(crate) struct Library(Box<Bindings>);

impl Library {
    /// Loads the shared library.
    ///
    /// pdfium gets no fonts of the system: what it draws for fonts that are not embedded then depends on the document
    /// alone, and a sandboxed worker has no font files to open.
    ///
    /// # Errors
    /// `library.not_found` or `library.version`.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        if !path.is_file() {
            return Err(Error::new(ErrorCode::LibraryNotFound, "there is no pdfium library here")
                .file(path)
                .help("run `make native`, or set DOCPROC_PDFIUM to libpdfium.so"));
        }
        let bindings = Pdfium::bind_to_library(path).map_err(|error| {
            Error::new(ErrorCode::LibraryVersion, format!("cannot load pdfium: {error:?}"))
                .file(path)
                .help("use the libpdfium.so of the pypdfium2 wheel that requirements name")
        })?;
        let mut no_fonts: [*const c_char; 1] = [ptr::null()];
        let config = FPDF_LIBRARY_CONFIG {
            m_pUserFontPaths: no_fonts.as_mut_ptr(),
            // SAFETY: a plain C struct of integers and pointers, for which all zeros mean "default".
            ..unsafe { std::mem::zeroed() }
        };
        let config = FPDF_LIBRARY_CONFIG { version: 2, ..config };
        // SAFETY: called once, before any other function of the library; pdfium copies the font paths.
        unsafe { bindings.FPDF_InitLibraryWithConfig(&raw const config) };
        fonts::stand_in(&*bindings)?;
        // pdfium asks for the local time when it meets a document of some producers. The C library then looks for the
        // time zone's file, unless it has done so before: the sandbox would take that for an attack.
        // SAFETY: no other thread runs yet that could change the environment.
        unsafe { tzset() };
        Ok(Self(bindings))
    }

    /// Opens a document in memory, trying no password and then each of those given.
    ///
    /// # Errors
    /// `pdf.malformed`, `pdf.password_required`, `pdf.unsupported_security` or `pdf.no_pages`.
    pub(crate) fn open<'a>(&'a self, bytes: &'a [u8], passwords: &[Vec<u8>]) -> Result<Document<'a>> {
        const ERROR_PASSWORD: c_ulong = 4;
        const ERROR_SECURITY: c_ulong = 5;
        // pdfium wants bytes up to a NUL, the crate UTF-8: others cannot be a password of a PDF it opens.
        let passwords = passwords
            .iter()
            .filter_map(|bytes| std::str::from_utf8(bytes).ok())
            .filter(|password| !password.contains('\0'));
        let mut last_error = 0;
        for password in std::iter::once(None).chain(passwords.map(Some)) {
            // SAFETY: `bytes` outlives the document handle by the lifetime of `Document`.
            let handle = unsafe { self.0.FPDF_LoadMemDocument64(bytes, password) };
            if !handle.is_null() {
                let document = Document { library: &*self.0, handle, bytes };
                return if document.page_count() == 0 {
                    Err(Error::new(ErrorCode::PdfNoPages, "the document has no pages"))
                } else {
                    Ok(document)
                };
            }
            // SAFETY: no precondition.
            last_error = unsafe { self.0.FPDF_GetLastError() };
            if last_error != ERROR_PASSWORD {
                break;
            }
        }
        Err(match last_error {
            ERROR_PASSWORD => Error::new(
                ErrorCode::PdfPasswordRequired,
                "the document is encrypted and none of the given passwords opens it",
            )
            .help("list its password in a file and pass --password-file"),
            ERROR_SECURITY => {
                Error::new(ErrorCode::PdfUnsupportedSecurity, "the document uses an unknown security handler")
                    .help("remove the protection with the program that made it")
            }
            _ => Error::new(ErrorCode::PdfMalformed, "the PDF is damaged beyond repair"),
        })
    }
}

/// An open document.
pub(crate) struct Document<'a> {
    library: &'a Bindings,
    handle: FPDF_DOCUMENT,
    bytes: &'a [u8],
}

const XFA: &str =
    "this is an XFA form, whose content a viewer makes out of XML; only its placeholder pages were read";
const PORTFOLIO: &str = "this is a portfolio, of which only the cover was read; it carries";

impl Drop for Document<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and every `LoadedPage` borrows the document.
        unsafe { self.library.FPDF_CloseDocument(self.handle) };
    }
}

/// Text that pdfium writes as UTF-16LE into a buffer given by the caller; `fill` gets a buffer and its length
/// in bytes and gives back the length needed, in bytes, with the terminator. With `lines`, line breaks stay.
pub(super) fn utf16_text(
    max_characters: usize,
    lines: bool,
    fill: impl Fn(*mut c_void, c_ulong) -> c_ulong,
) -> String {
    let needed = usize::try_from(fill(ptr::null_mut(), 0)).unwrap_or(0);
    // Strings come from the file: a claimed length may be anything.
    if needed <= 2 || needed > 1 << 20 {
        return String::new();
    }
    let mut buffer = vec![0u16; needed.div_ceil(2)];
    fill(buffer.as_mut_ptr().cast(), (buffer.len() * 2) as c_ulong);
    let end = buffer.iter().position(|unit| *unit == 0).unwrap_or(buffer.len());
    let text: String = char::decode_utf16(buffer[..end].iter().map(|unit| u16::from_le(*unit)))
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .filter(|character| !character.is_control() || lines && matches!(character, '\n' | '\r'))
        .collect();
    match text.trim().char_indices().nth(max_characters) {
        Some((end, _)) => format!("{}…", &text.trim()[..end]),
        None => text.trim().to_owned(),
    }
}

impl Document<'_> {
    fn page_count(&self) -> u32 {
        // SAFETY: the document is open.
        unsafe { self.library.FPDF_GetPageCount(self.handle) }.clamp(0, MAX_PAGES as c_int) as u32
    }

    /// Number of pages and metadata.
    pub(crate) fn info(&self) -> DocumentInfo {
        const KEYS: [(&str, &str); 8] = [
            ("title", "Title"),
            ("author", "Author"),
            ("subject", "Subject"),
            ("keywords", "Keywords"),
            ("creator", "Creator"),
            ("producer", "Producer"),
            ("creation_date", "CreationDate"),
            ("modification_date", "ModDate"),
        ];
        let mut metadata = BTreeMap::new();
        for (name, tag) in KEYS {
            // SAFETY: the document is open; the buffer holds as many bytes as stated.
            let text = utf16_text(1000, false, |buffer, len| unsafe {
                self.library.FPDF_GetMetaText(self.handle, tag, buffer, len)
            });
            if !text.is_empty() {
                metadata.insert(name.to_owned(), text);
            }
        }
        let embedded = self.embedded();
        let mut elsewhere = Vec::new();
        if self.is_xfa() {
            elsewhere.push((ErrorCode::PdfXfa, XFA.to_owned()));
        }
        if !embedded.is_empty() {
            let names = embedded.join(", ");
            if self.is_portfolio(&embedded) {
                elsewhere.push((ErrorCode::PdfPortfolio, format!("{PORTFOLIO}: {names}")));
            }
            metadata.insert("embedded_files".to_owned(), names.chars().take(1000).collect());
        }
        DocumentInfo { page_count: self.page_count(), metadata, elsewhere }
    }

    /// Whether the document is a form of the XML kind (XFA) whose pages are made by the viewer: what the file has for pages
    /// then says no more than that.
    fn is_xfa(&self) -> bool {
        const DYNAMIC: c_int = 2;
        const STATIC: c_int = 3;
        /// Pages looked at for fields.
        const PAGES: c_int = 20;
        // SAFETY: the document is open.
        match unsafe { self.library.FPDF_GetFormType(self.handle) } {
            DYNAMIC => true,
            // Its pages hold the same fields in the ordinary way, unless they are only a placeholder.
            STATIC => !(0..PAGES.min(self.page_count() as c_int)).any(|index| {
                LoadedPage::open(self, index)
                    .is_ok_and(|page| annotations::has_field(self.library, page.handle))
            }),
            _ => false,
        }
    }

    /// Names of the files that the document carries.
    fn embedded(&self) -> Vec<String> {
        const MOST: c_int = 100;
        // SAFETY: the document is open; the buffer holds as many bytes as stated.
        unsafe {
            let count = self.library.FPDFDoc_GetAttachmentCount(self.handle).clamp(0, MOST);
            (0..count)
                .map(|index| {
                    let file = self.library.FPDFDoc_GetAttachment(self.handle, index);
                    if file.is_null() {
                        return String::new();
                    }
                    utf16_text(200, false, |buffer, len| {
                        self.library.FPDFAttachment_GetName(file, buffer.cast(), len)
                    })
                })
                .map(|name| if name.is_empty() { "a file without a name".to_owned() } else { name })
                .collect()
        }
    }

    /// Whether the document is a cover for the files that it carries: it says so, or is one page around other documents.
    /// pdfium does not tell; the catalog may be compressed.
    fn is_portfolio(&self, embedded: &[String]) -> bool {
        let is_pdf = |name: &String| name.to_ascii_lowercase().ends_with(".pdf");
        let says_so = self.bytes.windows(11).any(|bytes| bytes == b"/Collection");
        says_so || self.page_count() == 1 && embedded.iter().any(is_pdf)
    }

    fn label(&self, index: c_int) -> Option<String> {
        // SAFETY: the document is open; the buffer holds as many bytes as stated.
        let label = utf16_text(100, false, |buffer, len| unsafe {
            self.library.FPDF_GetPageLabel(self.handle, index, buffer, len)
        });
        (!label.is_empty()).then_some(label)
    }

    fn index(&self, number: u32) -> Result<c_int> {
        number
            .checked_sub(1)
            .filter(|_| number <= self.page_count())
            .and_then(|index| c_int::try_from(index).ok())
            .ok_or_else(|| Error::new(ErrorCode::PageMalformed, "there is no such page"))
    }

    /// Draws a page as JPEG, in the frame that its words and boxes have.
    ///
    /// # Errors
    /// `page.malformed`.
    pub(crate) fn draw(&self, number: u32, style: PictureStyle) -> Result<Vec<u8>> {
        render::jpeg(self.library, &LoadedPage::load(self, self.index(number)?)?, style)
    }

    /// Draws without some of the page's objects.
    fn without<T>(&self, objects: Vec<FPDF_PAGEOBJECT>, draw: impl FnOnce() -> T) -> T {
        let activate = |active: c_int| {
            for object in &objects {
                // SAFETY: the object belongs to the open page, whose text has been read.
                unsafe { self.library.FPDFPageObj_SetIsActive(*object, active) };
            }
        };
        activate(0);
        let drawn = draw();
        activate(1);
        drawn
    }

    /// Reads a page: words, rulings, images and its picture; with a PGM picture for OCR
    /// where `ocr` and the page ask for one, or where its text layer is to be compared with what is drawn.
    ///
    /// # Errors
    /// `page.malformed` or `page.too_large`.
    pub(crate) fn read(&self, request: PageRequest) -> Result<(PageContent, Option<Vec<u8>>)> {
        let PageRequest { number, ocr, .. } = request;
        let started = Instant::now();
        let index = self.index(number)?;
        let page = LoadedPage::load(self, index)?;
        let frame = page.frame;
        let text::PageText { mut words, objects, fonts, statistics } = text::words(self.library, &page)?;
        let graphics = graphics::collect(self.library, &page);
        let (width, height) = frame.size();
        let text_time = started.elapsed();
        let picture = render::draw(self.library, &page)?;
        let painting = (&graphics.text_order, graphics.covers.as_slice());
        hidden::mark(self.library, &page, &mut words, &objects, painting, &picture)?;
        hidden::mark_pictured(&page, &mut words, &graphics.images, &picture);
        let objects = annotations::fill_in(&page.filled, frame, &mut words, objects);
        let (mut pictures, outlines) = look(&picture, &words, &graphics.images, frame);
        let vector = pictures::drawings(&graphics.shapes, &graphics.areas, &words, frame.page_box());
        let apart = |drawing: &Picture| {
            !pictures.iter().any(|picture| drawing.bbox.share_inside(&picture.bbox) > 0.5)
        };
        let drawings: Vec<Picture> = vector.into_iter().filter(apart).collect();
        pictures.extend(drawings);
        let mut decision = decide::pdf_page(
            ocr,
            &Evidence {
                text: statistics,
                words: &words,
                images: &graphics.images,
                pictures: &pictures,
                page: frame.page_box(),
                outlines,
            },
        );
        if request.distrust {
            decision.reading = Reading::Whole;
            decision.reason = "the page is a scan; its own text layer has other words than it shows".into();
            for picture in pictures.iter_mut().filter(|picture| picture.text == PictureText::Layer) {
                picture.text = PictureText::Corrected;
            }
        }
        let image = picture.page_image()?;
        let compare = request.compare && ocr != OcrPolicy::Never && !words.is_empty();
        let part = for_ocr(&decision, compare, &words, &pictures, frame.page_box());
        let (ocr, gray) = match part {
            Some((purpose, place)) => {
                let kept = (purpose == OcrPurpose::Add).then(|| kept(&words, &objects)).flatten();
                let gray = self.without(kept.unwrap_or_default(), || {
                    render::gray_for_ocr(self.library, &page, &place)
                })?;
                let (width, height) = (gray.width, gray.height);
                (OcrImage { width, height, purpose, place: Some(place) }, Some(gray.pgm))
            }
            None => (OcrImage::default(), None),
        };
        let page = Page {
            number,
            width,
            height,
            rotation: u16::from(frame.turns) * 90,
            label: self.label(index),
            text_source: decision.source,
            text_source_reason: decision.reason,
            words,
            rulings: graphics.rulings,
            images: graphics.images,
            pictures,
            fonts,
            controls: 0,
        };
        let timings =
            Timings { text: text_time, render: started.elapsed() - text_time, ..Timings::default() };
        Ok((PageContent { page, image, timings, ocr }, gray))
    }
}

/// The pictures of a page; and where it has neither words nor images, whether something is drawn that looks like text.
fn look(drawn: &render::Picture, words: &[Word], images: &[BBox], frame: Frame) -> (Vec<Picture>, bool) {
    if images.is_empty() && !words.is_empty() {
        return (Vec::new(), false);
    }
    let seen = |word: &&Word| word.style.pictured || !(word.style.invisible || word.style.covered);
    let tones = drawn.tones(frame.size(), words.iter().filter(seen).map(|word| &word.bbox));
    if images.is_empty() {
        return (Vec::new(), pictures::text(&tones.look(&frame.page_box())) == PictureText::Unread);
    }
    (pictures::find(images, frame.page_box(), &tones), false)
}

/// Which part of the page OCR gets to see, and what for.
fn for_ocr(
    decision: &Decision,
    compare: bool,
    words: &[Word],
    pictures: &[Picture],
    page: BBox,
) -> Option<(OcrPurpose, BBox)> {
    match decision.reading {
        Reading::Whole => Some((OcrPurpose::Replace, page)),
        Reading::Parts => {
            // A garbled word is read with its line, and its line with those around it.
            let garbled = words.iter().any(|word| word.style.garbled);
            let unread = pictures.iter().filter(|picture| picture.text == PictureText::Unread);
            let place =
                BBox::around(unread.map(|picture| &picture.bbox)).filter(|_| !garbled).unwrap_or(page);
            Some((OcrPurpose::Add, with_margin(place, page)))
        }
        Reading::Nothing | Reading::Check if compare => Some((OcrPurpose::Compare, page)),
        Reading::Check => Some((OcrPurpose::Check, with_margin(band(words, page), page))),
        Reading::Nothing => None,
    }
}

/// A part with some paper around it, as far as there is some.
fn with_margin(part: BBox, page: BBox) -> BBox {
    const MARGIN: f32 = 6.0;
    let wide = BBox::new(part.x0 - MARGIN, part.y0 - MARGIN, part.x1 + MARGIN, part.y1 + MARGIN);
    wide.intersection(&page).unwrap_or(page)
}

/// The eighth of the page, across its whole width, in which most words stand; the upper one of equals.
fn band(words: &[Word], page: BBox) -> BBox {
    const BANDS: usize = 16;
    let mut counts = [0usize; BANDS + 1];
    for word in words {
        let at = (word.bbox.center_y() - page.y0) / page.height() * BANDS as f32;
        counts[(at.max(0.0) as usize).min(BANDS - 1)] += 1;
    }
    let best = (0..BANDS).rev().max_by_key(|at| counts[*at] + counts[*at + 1]).unwrap_or(0);
    let step = page.height() / BANDS as f32;
    let top = page.y0 + best as f32 * step;
    BBox::new(page.x0, top, page.x1, (top + 2.0 * step).min(page.y1))
}

/// The objects that draw the words that stay, where they can be left out of the picture for OCR: there is no garbled word
/// that is read with its neighbours.
fn kept(words: &[Word], objects: &WordObjects) -> Option<Vec<FPDF_PAGEOBJECT>> {
    let garbled = words.iter().any(|word| word.style.garbled);
    (!garbled).then(|| objects.iter().map(|(_, object)| *object).collect())
}

/// A page that is loaded, closed on drop.
pub(super) struct LoadedPage<'a> {
    library: &'a Bindings,
    pub(super) handle: FPDF_PAGE,
    pub(super) frame: Frame,
    /// What a viewer fills into fields that have no appearance.
    filled: Vec<Filled>,
}

impl Drop for LoadedPage<'_> {
    fn drop(&mut self) {
        // SAFETY: the page is open and nothing refers to it any more.
        unsafe { self.library.FPDF_ClosePage(self.handle) };
    }
}

impl<'a> LoadedPage<'a> {
    fn open(document: &'a Document<'_>, index: c_int) -> Result<Self> {
        let library = document.library;
        // SAFETY: the document is open and the index is one of its pages.
        let handle = unsafe { library.FPDF_LoadPage(document.handle, index) };
        if handle.is_null() {
            return Err(Error::new(ErrorCode::PageMalformed, "the page cannot be loaded"));
        }
        let frame = Frame { left: 0.0, bottom: 0.0, right: 0.0, top: 0.0, turns: 0 };
        Ok(Self { library, handle, frame, filled: Vec::new() })
    }

    /// Draws the contents of form fields, notes and stamps into the page: that is text that a reader sees, but not part
    /// of the text layer. Whether the page changed (in memory).
    fn merge_annotations(&self) -> bool {
        const NORMAL_DISPLAY: c_int = 0;
        const MERGED: c_int = 1;
        // SAFETY: the page is open.
        unsafe { self.library.FPDFPage_Flatten(self.handle, NORMAL_DISPLAY) == MERGED }
    }

    /// Makes the whole sheet visible where the part that should be lies outside of it. Whether the page changed.
    fn uncrop(&self) -> bool {
        let [mut left, mut bottom, mut right, mut top] = [0.0f32; 4];
        let mut visible = FS_RECTF { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
        // SAFETY: the page is open; the pointers are valid for writing.
        unsafe {
            let found = self.library.FPDF_GetPageBoundingBox(self.handle, &raw mut visible) != 0;
            if found && visible.right > visible.left && visible.top > visible.bottom {
                return false;
            }
            let library = self.library;
            // A page without a sheet of its own has that of the pages above it; pdfium falls back to a letter.
            let sheet = library.FPDFPage_GetMediaBox(
                self.handle,
                &raw mut left,
                &raw mut bottom,
                &raw mut right,
                &raw mut top,
            );
            if sheet == 0 || right <= left || top <= bottom {
                (left, bottom, right, top) = (0.0, 0.0, 612.0, 792.0);
            }
            library.FPDFPage_SetCropBox(self.handle, left, bottom, right, top);
        }
        true
    }

    fn load(document: &'a Document<'_>, index: c_int) -> Result<Self> {
        let library = document.library;
        let mut page = Self::open(document, index)?;
        let annotations = annotations::of(library, document.handle, page.handle);
        let uncropped = page.uncrop();
        if annotations.drawn && page.merge_annotations() || uncropped {
            // Only a page that is loaded afresh shows what was changed.
            drop(page);
            page = Self::open(document, index)?;
        }
        page.filled = annotations.filled;
        let mut rect = FS_RECTF { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
        // SAFETY: the page is open, `rect` is valid for writing.
        let (ok, turns) = unsafe {
            (
                library.FPDF_GetPageBoundingBox(page.handle, &raw mut rect),
                library.FPDFPage_GetRotation(page.handle),
            )
        };
        let frame = Frame {
            left: rect.left,
            bottom: rect.bottom,
            right: rect.right,
            top: rect.top,
            turns: turns.rem_euclid(4) as u8,
        };
        let (width, height) = frame.size();
        if ok == 0 || !(width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite()) {
            return Err(Error::new(ErrorCode::PageMalformed, "the page has no area"));
        }
        page.frame = frame;
        Ok(page)
    }
}

/// Makes a page image of pixels that are known to have the right number.
pub(super) fn page_image(rgb: Vec<u8>) -> Result<PageImage> {
    PageImage::new(rgb).map_err(|_| Error::new(ErrorCode::Internal, "a page image has the wrong size"))
}
