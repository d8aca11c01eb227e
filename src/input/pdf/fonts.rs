//! Fonts that stand in for those that a document names and does not bring.
//!
//! pdfium's own answer for all that are neither embedded nor standard is two stretchable fonts. Every document of the
//! process shares them, and they stay as the last text stretched them: what was read before would change a page. So they
//! are never used. Every font that is asked for is given here, from pdfium's own fonts of fixed widths; pdfium squeezes
//! its letters to the widths that the document states, and thickens and slants them as the document says.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
use std::ptr;
use std::sync::OnceLock;

use pdfium_render::prelude::{FPDF_BOOL, FPDF_SYSFONTINFO};

use super::Bindings;
use crate::error::{Error, ErrorCode, Result};

/// The standard fonts of ISO 32000-1, 9.6.2.2, without the two of symbols, which pdfium takes without asking.
const STANDARD_FONTS: [&str; 12] = [
    "Courier",
    "Courier-Bold",
    "Courier-BoldOblique",
    "Courier-Oblique",
    "Helvetica",
    "Helvetica-Bold",
    "Helvetica-BoldOblique",
    "Helvetica-Oblique",
    "Times-Roman",
    "Times-Bold",
    "Times-BoldItalic",
    "Times-Italic",
];
const COURIER: usize = 0;
const HELVETICA: usize = 4;
const TIMES: usize = 8;

/// The bytes of pdfium's fonts, in the order of [`STANDARD_FONTS`].
static STAND_INS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();

/// Takes the standard fonts out of pdfium and gives them back as the fonts of the system, of which there are no others.
///
/// # Errors
/// `library.version` if this pdfium does not have them.
pub(super) fn stand_in(library: &Bindings) -> Result<()> {
    let fonts = read(library).ok_or_else(|| {
        Error::new(ErrorCode::LibraryVersion, "this pdfium does not give its standard fonts")
            .help("use the libpdfium.so of the pypdfium2 wheel that requirements name")
    })?;
    STAND_INS.get_or_init(|| fonts);
    let interface = FPDF_SYSFONTINFO {
        version: 1,
        Release: None,
        EnumFonts: None,
        MapFont: Some(map_font),
        GetFont: None,
        GetFontData: Some(font_data),
        GetFaceName: Some(face_name),
        GetFontCharset: None,
        DeleteFont: Some(delete_font),
    };
    // SAFETY: the library is initialised; the interface lives as long as the process.
    unsafe { library.FPDF_SetSystemFontInfo(Box::leak(Box::new(interface))) };
    Ok(())
}

fn read(library: &Bindings) -> Option<Vec<Vec<u8>>> {
    // SAFETY: the library is initialised; the document, which is in memory only, is closed after its fonts.
    unsafe {
        let document = library.FPDF_CreateNewDocument();
        if document.is_null() {
            return None;
        }
        let fonts = STANDARD_FONTS
            .iter()
            .map(|name| {
                let font = library.FPDFText_LoadStandardFont(document, name);
                if font.is_null() {
                    return None;
                }
                let mut size = 0;
                library.FPDFFont_GetFontData(font, ptr::null_mut(), 0, &raw mut size);
                let mut bytes = vec![0; size];
                let found = library.FPDFFont_GetFontData(font, bytes.as_mut_ptr(), size, &raw mut size);
                library.FPDFFont_Close(font);
                (found != 0 && size > 0 && size == bytes.len()).then_some(bytes)
            })
            .collect();
        library.FPDF_CloseDocument(document);
        fonts
    }
}

/// Gives the standard font of that name; for all others the one of its kind: of fixed width, with serifs, or without.
unsafe extern "C" fn map_font(
    _interface: *mut FPDF_SYSFONTINFO,
    _weight: c_int,
    _italic: FPDF_BOOL,
    charset: c_int,
    pitch_family: c_int,
    face: *const c_char,
    _exact: *mut FPDF_BOOL,
) -> *mut c_void {
    const SYMBOLS: c_int = 2;
    const FIXED_WIDTH: c_int = 1;
    const SERIFS: c_int = 1 << 4;
    // pdfium then takes its own font of symbols, or asks again for a font of letters.
    if charset == SYMBOLS {
        return ptr::null_mut();
    }
    // SAFETY: pdfium passes the name of the font as a C string.
    let face = unsafe { CStr::from_ptr(face) }.to_bytes();
    let index = match STANDARD_FONTS.iter().position(|name| name.as_bytes() == face) {
        Some(index) => index,
        None if pitch_family & FIXED_WIDTH != 0 => COURIER,
        None if pitch_family & SERIFS != 0 => TIMES,
        None => HELVETICA,
    };
    // The handle is a number that pdfium hands back: never null, never read from.
    ptr::without_provenance_mut(index + 1)
}

fn index(font: *mut c_void) -> Option<usize> {
    font.addr().checked_sub(1).filter(|index| *index < STANDARD_FONTS.len())
}

/// Writes the font's bytes where they fit, and gives their number. `table` 0 is the whole file; others are asked for
/// to see what it is, and none of ours is a collection.
unsafe extern "C" fn font_data(
    _interface: *mut FPDF_SYSFONTINFO,
    font: *mut c_void,
    table: c_uint,
    buffer: *mut c_uchar,
    size: c_ulong,
) -> c_ulong {
    let bytes = index(font).zip(STAND_INS.get()).and_then(|(index, fonts)| fonts.get(index));
    let Some(bytes) = bytes.filter(|_| table == 0) else { return 0 };
    if !buffer.is_null() && size >= bytes.len() as c_ulong {
        // SAFETY: the buffer has `size` bytes, which is enough, and is pdfium's own.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, bytes.len()) };
    }
    bytes.len() as c_ulong
}

/// The name under which pdfium keeps the font, with a NUL, and the bytes that it takes: without it, pdfium would keep
/// it under the name that the document uses, and give another document with that name the same one.
unsafe extern "C" fn face_name(
    _interface: *mut FPDF_SYSFONTINFO,
    font: *mut c_void,
    buffer: *mut c_char,
    size: c_ulong,
) -> c_ulong {
    let Some(name) = index(font).map(|index| STANDARD_FONTS[index]) else { return 0 };
    let needed = name.len() as c_ulong + 1;
    if !buffer.is_null() && size >= needed {
        // SAFETY: the buffer has `size` bytes, which is enough for the name and a NUL, and is pdfium's own.
        unsafe {
            ptr::copy_nonoverlapping(name.as_ptr().cast(), buffer, name.len());
            buffer.add(name.len()).write(0);
        }
    }
    needed
}

/// Nothing to free: a handle is a number.
unsafe extern "C" fn delete_font(_interface: *mut FPDF_SYSFONTINFO, _font: *mut c_void) {}
