//! Pixels of a page: the picture for layout models, and a gray one for OCR.
#![allow(unsafe_code)]

use std::ffi::c_int;

use pdfium_render::prelude::FPDF_BITMAP;

use super::{Bindings, LoadedPage};
use crate::document::{BBox, PAGE_IMAGE_SIZE, PageImage};
use crate::error::{Error, ErrorCode, Result};
use crate::input::ink::Tones;
use crate::input::picture::{self, Pixels};
use crate::input::protocol::PictureStyle;
use crate::input::raster::pgm_header;
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

/// The whole visible page in BGRX, as a reader sees it.
pub(super) struct Picture {
    width: u32,
    height: u32,
    bgrx: Vec<u8>,
}

/// Draws the page at up to 800 pixels: at 224 directly text becomes specks, for pdfium has no filter that wide.
pub(super) fn draw(library: &Bindings, page: &LoadedPage<'_>) -> Result<Picture> {
    draw_at(library, page, LONGEST_SIDE)
}

/// The page as JPEG for people.
pub(super) fn jpeg(library: &Bindings, page: &LoadedPage<'_>, style: PictureStyle) -> Result<Vec<u8>> {
    let picture = draw_at(library, page, f32::from(style.longest_side))?;
    picture::jpeg(&picture.bgrx, Pixels::Bgrx, (picture.width, picture.height), style.quality)
}

fn draw_at(library: &Bindings, page: &LoadedPage<'_>, longest_side: f32) -> Result<Picture> {
    let (width, height) = page.frame.size();
    let scale = longest_side / width.max(height);
    let [width, height] = [width, height].map(|side| (side * scale).round().max(1.0) as u32);
    let whole = Canvas { left: 0, top: 0, width: width as c_int, height: height as c_int };
    Ok(Picture { width, height, bgrx: render(library, page, width, height, FORMAT_BGRX, whole)? })
}

impl Picture {
    /// The page squeezed to 224 x 224 as Hugging Face's LayoutLMv3 image processor does it.
    pub(super) fn page_image(&self) -> Result<PageImage> {
        let rgb: Vec<u8> =
            self.bgrx.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        super::page_image(resize_bilinear::<3>(
            &rgb,
            (self.width as usize, self.height as usize),
            (PAGE_IMAGE_SIZE as usize, PAGE_IMAGE_SIZE as usize),
        ))
    }

    /// Its brightness (ITU-R BT.601 luma) and what these words cover of it, on a page of this size in points.
    pub(super) fn tones<'w>(&self, page: (f32, f32), words: impl Iterator<Item = &'w BBox>) -> Tones {
        let luma = self.bgrx.chunks_exact(4).map(|pixel| {
            let [blue, green, red] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            ((red * 299 + green * 587 + blue * 114 + 500) / 1000) as u8
        });
        Tones::new((self.width, self.height), luma.collect(), page, words)
    }

    /// Whether a box of a page of this size, in points, is at least a pixel high and wide.
    pub(super) fn resolves(&self, (width, height): (f32, f32), bbox: &BBox) -> bool {
        let pixels = |side: u32, points: f32, length: f32| length * side as f32 / points;
        pixels(self.width, width, bbox.width()).min(pixels(self.height, height, bbox.height())) >= 1.0
    }

    /// Pixels (blue, green, red, unused) that a box of a page of this size, in points, touches.
    pub(super) fn pixels(
        &self,
        (width, height): (f32, f32),
        bbox: &BBox,
    ) -> impl Iterator<Item = [u8; 4]> + '_ {
        let range = |low: f32, high: f32, side: f32, pixels: u32| {
            let scale = pixels as f32 / side;
            let first = (low * scale).floor().max(0.0) as usize;
            first..((high * scale).ceil().max(0.0) as usize).min(pixels as usize)
        };
        let columns = range(bbox.x0, bbox.x1, width, self.width);
        let stride = self.width as usize;
        range(bbox.y0, bbox.y1, height, self.height).flat_map(move |row| {
            columns.clone().filter_map(move |column| {
                let at = (row * stride + column) * 4;
                self.bgrx.get(at..at + 4).and_then(|pixel| pixel.try_into().ok())
            })
        })
    }
}

/// A part of the page at 300 dpi, or as many as keep it within the limit.
pub(super) fn gray_for_ocr(library: &Bindings, page: &LoadedPage<'_>, place: &BBox) -> Result<Gray> {
    let scale = (OCR_DPI / 72.0).min((OCR_PIXELS / (place.width() * place.height())).sqrt());
    let pixels = |length: f32| (length * scale).round().clamp(1.0, 32_000.0) as u32;
    let (width, height) = (pixels(place.width()), pixels(place.height()));
    let (page_width, page_height) = page.frame.size();
    // The whole page is drawn so that the part falls on the picture.
    let whole = Canvas {
        left: -(place.x0 * scale).round() as c_int,
        top: -(place.y0 * scale).round() as c_int,
        width: (page_width * scale).round().clamp(1.0, 1e9) as c_int,
        height: (page_height * scale).round().clamp(1.0, 1e9) as c_int,
    };
    let mut pgm = pgm_header(width, height);
    pgm.extend_from_slice(&render(library, page, width, height, FORMAT_GRAY, whole)?);
    Ok(Gray { width, height, pgm })
}

/// Where a page is drawn, in pixels of the bitmap.
struct Canvas {
    left: c_int,
    top: c_int,
    width: c_int,
    height: c_int,
}

struct Bitmap<'a>(&'a Bindings, FPDF_BITMAP);

impl Drop for Bitmap<'_> {
    fn drop(&mut self) {
        // SAFETY: the bitmap is valid and not used any more; its pixels belong to the caller.
        unsafe { self.0.FPDFBitmap_Destroy(self.1) };
    }
}

/// Draws the page on a bitmap, white where nothing is, in rows without padding.
fn render(
    library: &Bindings,
    page: &LoadedPage<'_>,
    width: u32,
    height: u32,
    format: c_int,
    whole: Canvas,
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
    unsafe {
        library.FPDF_RenderPageBitmap(
            bitmap.1,
            page.handle,
            whole.left,
            whole.top,
            whole.width,
            whole.height,
            0,
            FLAG_ANNOTATIONS,
        );
    }
    drop(bitmap);
    Ok(pixels)
}
