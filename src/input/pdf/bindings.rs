//! The functions of pdfium that are used, under their own names: <https://pdfium.googlesource.com/pdfium/+/main/public/>
//! says what each does.
//!
//! Written out because the crate that binds all of them (`pdfium-render`) took a sixth of the whole build.
#![allow(unsafe_code, non_snake_case, non_camel_case_types, clippy::too_many_arguments)]

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
use std::path::Path;

use libloading::Library;

/// Types behind pdfium's handles, which nobody looks into.
macro_rules! handles {
    ($($handle:ident = $opaque:ident;)*) => {
        $(
            #[repr(C)]
            pub(super) struct $opaque([u8; 0]);
            pub(super) type $handle = *mut $opaque;
        )*
    };
}

handles! {
    FPDF_ANNOTATION = Annotation;
    FPDF_BITMAP = Bitmap;
    FPDF_DOCUMENT = Document;
    FPDF_FONT = Font;
    FPDF_PAGE = Page;
    FPDF_PAGEOBJECT = PageObject;
    FPDF_PATHSEGMENT = PathSegment;
    FPDF_TEXTPAGE = TextPage;
}

pub(super) type FPDF_ANNOTATION_SUBTYPE = c_int;
pub(super) type FPDF_BOOL = c_int;

#[repr(C)]
pub(super) struct FS_MATRIX {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) c: f32,
    pub(super) d: f32,
    pub(super) e: f32,
    pub(super) f: f32,
}

#[repr(C)]
pub(super) struct FS_RECTF {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

/// The configuration of version 2. What later versions added comes behind it, and is not read of this one.
#[repr(C)]
pub(super) struct FPDF_LIBRARY_CONFIG {
    pub(super) version: c_int,
    pub(super) m_pUserFontPaths: *mut *const c_char,
    pub(super) m_pIsolate: *mut c_void,
    pub(super) m_v8EmbedderSlot: c_uint,
}

/// Fonts of the system, as pdfium asks for them.
#[repr(C)]
pub(super) struct FPDF_SYSFONTINFO {
    pub(super) version: c_int,
    pub(super) Release: Option<unsafe extern "C" fn(*mut Self)>,
    pub(super) EnumFonts: Option<unsafe extern "C" fn(*mut Self, *mut c_void)>,
    #[expect(clippy::type_complexity, reason = "pdfium's")]
    pub(super) MapFont: Option<
        unsafe extern "C" fn(
            *mut Self,
            c_int,
            FPDF_BOOL,
            c_int,
            c_int,
            *const c_char,
            *mut FPDF_BOOL,
        ) -> *mut c_void,
    >,
    pub(super) GetFont: Option<unsafe extern "C" fn(*mut Self, *const c_char) -> *mut c_void>,
    pub(super) GetFontData:
        Option<unsafe extern "C" fn(*mut Self, *mut c_void, c_uint, *mut c_uchar, c_ulong) -> c_ulong>,
    pub(super) GetFaceName:
        Option<unsafe extern "C" fn(*mut Self, *mut c_void, *mut c_char, c_ulong) -> c_ulong>,
    pub(super) GetFontCharset: Option<unsafe extern "C" fn(*mut Self, *mut c_void) -> c_int>,
    pub(super) DeleteFont: Option<unsafe extern "C" fn(*mut Self, *mut c_void)>,
}

macro_rules! functions {
    ($($function:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// pdfium, loaded: a pointer per function, and the library that they point into.
        pub(super) struct Bindings {
            $($function: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
            _library: Library,
        }

        impl Bindings {
            /// Loads the library at `path` and looks all functions up.
            pub(super) fn load(path: &Path) -> Result<Self, libloading::Error> {
                // SAFETY: the user trusts the library, whose start-up code runs here. The functions have these types in
                // every version of pdfium that has them all, and the pointers live beside the library.
                unsafe {
                    let library = Library::new(path)?;
                    Ok(Self {
                        $($function: *library.get(concat!(stringify!($function), "\0").as_bytes())?,)*
                        _library: library,
                    })
                }
            }

            $(
                pub(super) unsafe fn $function(&self, $($argument: $type),*) $(-> $result)? {
                    // SAFETY: the caller keeps what pdfium's header asks for.
                    unsafe { (self.$function)($($argument),*) }
                }
            )*
        }
    };
}

functions! {
    FPDFAnnot_GetSubtype(annot: FPDF_ANNOTATION) -> FPDF_ANNOTATION_SUBTYPE;
    FPDFBitmap_CreateEx(width: c_int, height: c_int, format: c_int, first_scan: *mut c_void, stride: c_int) -> FPDF_BITMAP;
    FPDFBitmap_Destroy(bitmap: FPDF_BITMAP);
    FPDFFont_Close(font: FPDF_FONT);
    FPDFFont_GetBaseFontName(font: FPDF_FONT, buffer: *mut c_char, length: usize) -> usize;
    FPDFFont_GetFlags(font: FPDF_FONT) -> c_int;
    FPDFFont_GetFontData(font: FPDF_FONT, buffer: *mut u8, size: usize, needed: *mut usize) -> FPDF_BOOL;
    FPDFFont_GetIsEmbedded(font: FPDF_FONT) -> c_int;
    FPDFFont_GetWeight(font: FPDF_FONT) -> c_int;
    FPDFFormObj_CountObjects(form_object: FPDF_PAGEOBJECT) -> c_int;
    FPDFFormObj_GetObject(form_object: FPDF_PAGEOBJECT, index: c_ulong) -> FPDF_PAGEOBJECT;
    FPDFPageObj_GetFillColor(page_object: FPDF_PAGEOBJECT, r: *mut c_uint, g: *mut c_uint, b: *mut c_uint, a: *mut c_uint) -> FPDF_BOOL;
    FPDFPageObj_GetMatrix(page_object: FPDF_PAGEOBJECT, matrix: *mut FS_MATRIX) -> FPDF_BOOL;
    FPDFPageObj_GetStrokeColor(page_object: FPDF_PAGEOBJECT, r: *mut c_uint, g: *mut c_uint, b: *mut c_uint, a: *mut c_uint) -> FPDF_BOOL;
    FPDFPageObj_GetStrokeWidth(page_object: FPDF_PAGEOBJECT, width: *mut f32) -> FPDF_BOOL;
    FPDFPageObj_GetType(page_object: FPDF_PAGEOBJECT) -> c_int;
    FPDFPageObj_HasTransparency(page_object: FPDF_PAGEOBJECT) -> FPDF_BOOL;
    FPDFPageObj_SetIsActive(page_object: FPDF_PAGEOBJECT, active: FPDF_BOOL) -> FPDF_BOOL;
    FPDFPage_CloseAnnot(annot: FPDF_ANNOTATION);
    FPDFPage_CountObjects(page: FPDF_PAGE) -> c_int;
    FPDFPage_Flatten(page: FPDF_PAGE, flag: c_int) -> c_int;
    FPDFPage_GetAnnot(page: FPDF_PAGE, index: c_int) -> FPDF_ANNOTATION;
    FPDFPage_GetAnnotCount(page: FPDF_PAGE) -> c_int;
    FPDFPage_GetObject(page: FPDF_PAGE, index: c_int) -> FPDF_PAGEOBJECT;
    FPDFPage_GetRotation(page: FPDF_PAGE) -> c_int;
    FPDFPathSegment_GetClose(segment: FPDF_PATHSEGMENT) -> FPDF_BOOL;
    FPDFPathSegment_GetPoint(segment: FPDF_PATHSEGMENT, x: *mut f32, y: *mut f32) -> FPDF_BOOL;
    FPDFPathSegment_GetType(segment: FPDF_PATHSEGMENT) -> c_int;
    FPDFPath_CountSegments(path: FPDF_PAGEOBJECT) -> c_int;
    FPDFPath_GetDrawMode(path: FPDF_PAGEOBJECT, fillmode: *mut c_int, stroke: *mut FPDF_BOOL) -> FPDF_BOOL;
    FPDFPath_GetPathSegment(path: FPDF_PAGEOBJECT, index: c_int) -> FPDF_PATHSEGMENT;
    FPDFTextObj_GetFont(text: FPDF_PAGEOBJECT) -> FPDF_FONT;
    FPDFTextObj_GetTextRenderMode(text: FPDF_PAGEOBJECT) -> c_int;
    FPDFText_ClosePage(text_page: FPDF_TEXTPAGE);
    FPDFText_CountChars(text_page: FPDF_TEXTPAGE) -> c_int;
    FPDFText_GetCharBox(text_page: FPDF_TEXTPAGE, index: c_int, left: *mut f64, right: *mut f64, bottom: *mut f64, top: *mut f64) -> FPDF_BOOL;
    FPDFText_GetFontSize(text_page: FPDF_TEXTPAGE, index: c_int) -> f64;
    FPDFText_GetLooseCharBox(text_page: FPDF_TEXTPAGE, index: c_int, rect: *mut FS_RECTF) -> FPDF_BOOL;
    FPDFText_GetMatrix(text_page: FPDF_TEXTPAGE, index: c_int, matrix: *mut FS_MATRIX) -> FPDF_BOOL;
    FPDFText_GetTextObject(text_page: FPDF_TEXTPAGE, index: c_int) -> FPDF_PAGEOBJECT;
    FPDFText_GetUnicode(text_page: FPDF_TEXTPAGE, index: c_int) -> c_uint;
    FPDFText_HasUnicodeMapError(text_page: FPDF_TEXTPAGE, index: c_int) -> c_int;
    FPDFText_LoadPage(page: FPDF_PAGE) -> FPDF_TEXTPAGE;
    FPDFText_LoadStandardFont(document: FPDF_DOCUMENT, font: *const c_char) -> FPDF_FONT;
    FPDF_CloseDocument(document: FPDF_DOCUMENT);
    FPDF_ClosePage(page: FPDF_PAGE);
    FPDF_CreateNewDocument() -> FPDF_DOCUMENT;
    FPDF_GetLastError() -> c_ulong;
    FPDF_GetMetaText(document: FPDF_DOCUMENT, tag: *const c_char, buffer: *mut c_void, size: c_ulong) -> c_ulong;
    FPDF_GetPageBoundingBox(page: FPDF_PAGE, rect: *mut FS_RECTF) -> FPDF_BOOL;
    FPDF_GetPageCount(document: FPDF_DOCUMENT) -> c_int;
    FPDF_GetPageLabel(document: FPDF_DOCUMENT, page_index: c_int, buffer: *mut c_void, size: c_ulong) -> c_ulong;
    FPDF_InitLibraryWithConfig(config: *const FPDF_LIBRARY_CONFIG);
    FPDF_LoadMemDocument64(bytes: *const c_void, size: usize, password: *const c_char) -> FPDF_DOCUMENT;
    FPDF_LoadPage(document: FPDF_DOCUMENT, page_index: c_int) -> FPDF_PAGE;
    FPDF_RenderPageBitmap(bitmap: FPDF_BITMAP, page: FPDF_PAGE, start_x: c_int, start_y: c_int, size_x: c_int, size_y: c_int, rotate: c_int, flags: c_int);
    FPDF_SetSystemFontInfo(font_info: *mut FPDF_SYSFONTINFO);
}
