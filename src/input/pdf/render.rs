//! Pixels of a page: the picture for layout models, and a gray one for OCR.

use std::ffi::c_int;

use pdfium_render::prelude::FPDF_BITMAP;

use super::{Bindings, LoadedPage};
use crate::document::{PAGE_IMAGE_SIZE, PageImage};
use crate::error::{Error, ErrorCode, Result};
use crate::input::ocr::pgm_header;
use crate::input::resize::resize_bilinear;

/// Longest side of the rendering that the page picture is reduced from, in pixels.
const LONGEST_SIDE: f32 = 800.0;
/// Resolution of the picture for OCR.
const OCR_DPI: f32 = 300.0;
/// Most pixels of a picture for OCR: a page of 17 by 22 inches at 300 dpi; larger ones get fewer dpi.
const OCR_PIXELS: f32 = 34.0e6;
/// Draw annotations, as a reader sees them.
const FLAG_ANNOTATIONS: c_int = 1;
const FORMAT_GRAY: c_int = 1;
const FORMAT_BGRX: c_int = 3;

/// Gray picture in PGM format.
pub(super) struct Gray {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pgm: Vec<u8>,
}

/// The whole visible page, squeezed to 224 x 224 as Hugging Face's LayoutLMv3 image processor does.
///
/// The page is drawn at up to 800 pixels and reduced with the processor's filter: drawn at 224 directly, text
/// becomes specks, for pdfium has no filter that wide.
pub(super) fn page_image(library: &Bindings, page: &LoadedPage<'_>) -> Result<PageImage> {
    let (width, height) = page.frame.size();
    let scale = LONGEST_SIDE / width.max(height);
    let [width, height] = [width, height].map(|side| (side * scale).round().max(1.0) as u32);
    let bgrx = render(library, page, width, height, FORMAT_BGRX)?;
    let rgb: Vec<u8> = bgrx.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    super::page_image(resize_bilinear::<3>(
        &rgb,
        (width as usize, height as usize),
        (PAGE_IMAGE_SIZE as usize, PAGE_IMAGE_SIZE as usize),
    ))
}

/// The page at 300 dpi, or as many as keep it within the limit.
pub(super) fn gray_for_ocr(library: &Bindings, page: &LoadedPage<'_>) -> Result<Gray> {
    let (width, height) = page.frame.size();
    let scale = (OCR_DPI / 72.0).min((OCR_PIXELS / (width * height)).sqrt());
    let [width, height] = [width, height].map(|side| (side * scale).round().clamp(1.0, 32_000.0) as u32);
    let mut pgm = pgm_header(width, height);
    pgm.extend_from_slice(&render(library, page, width, height, FORMAT_GRAY)?);
    Ok(Gray { width, height, pgm })
}

struct Bitmap<'a>(&'a Bindings, FPDF_BITMAP);

impl Drop for Bitmap<'_> {
    fn drop(&mut self) {
        // SAFETY: the bitmap is valid and not used any more; its pixels belong to the caller.
        unsafe { self.0.FPDFBitmap_Destroy(self.1) };
    }
}

/// Draws the page, white where nothing is, into rows without padding.
fn render(
    library: &Bindings,
    page: &LoadedPage<'_>,
    width: u32,
    height: u32,
    format: c_int,
) -> Result<Vec<u8>> {
    let stride = if format == FORMAT_GRAY { width } else { width * 4 };
    // Whatever is not drawn stays white.
    let mut pixels = vec![0xFF; stride as usize * height as usize];
    let (w, h) = (width as c_int, height as c_int);
    // SAFETY: the buffer has `stride * height` bytes and outlives the bitmap, which is dropped before it is read.
    let handle =
        unsafe { library.FPDFBitmap_CreateEx(w, h, format, pixels.as_mut_ptr().cast(), stride as c_int) };
    if handle.is_null() {
        return Err(Error::new(ErrorCode::PageMalformed, "the page cannot be drawn"));
    }
    let bitmap = Bitmap(library, handle);
    // SAFETY: bitmap and page are open.
    unsafe { library.FPDF_RenderPageBitmap(bitmap.1, page.handle, 0, 0, w, h, 0, FLAG_ANNOTATIONS) };
    drop(bitmap);
    Ok(pixels)
}
