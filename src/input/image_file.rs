//! Image files as documents: decoding in the worker, with limits checked before anything is allocated.
//!
//! Every frame of a TIFF is a page; the other formats have one. A page's size in points follows from the
//! resolution that the file states, if it lies between 50 and 2,400 dpi; otherwise 96 dpi are assumed.

use std::io::Cursor;
use std::time::Instant;

use image::codecs::{bmp::BmpDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, ImageError};

use super::decide::{self, Reading};
use super::jpeg2000;
use super::media::MediaType;
use super::picture::{self, Pixels};
use super::protocol::{DocumentInfo, PictureStyle};
use super::raster::{Raster, check_size, malformed, pgm_header, unsupported, upright};
use super::resize::resize_bilinear;
use super::resolution;
use super::segment::{OcrImage, PageContent, Timings};
use super::tiff_frames::{self, Frames};
use crate::config::OcrPolicy;
use crate::document::{BBox, PAGE_IMAGE_SIZE, Page, PageImage};
use crate::error::{Error, ErrorCode, Result};

/// Pixels of a picture for OCR; larger ones are reduced.
const OCR_PIXELS: f64 = 34.0e6;

/// An image file.
pub(crate) struct ImageDocument<'a> {
    bytes: &'a [u8],
    kind: MediaType,
    max_pixels: u64,
    frames: u32,
}

fn from_image(error: ImageError) -> Error {
    match error {
        ImageError::Limits(error) => {
            Error::new(ErrorCode::ImageTooLarge, "the image needs more memory than allowed").because(error)
        }
        ImageError::Unsupported(error) => unsupported(error),
        error => malformed(error),
    }
}

impl<'a> ImageDocument<'a> {
    /// Looks at the header and checks the size of the first frame.
    ///
    /// # Errors
    /// `input.unsupported`, `image.malformed` or `image.too_large`.
    pub(crate) fn open(bytes: &'a [u8], max_pixels: u64) -> Result<Self> {
        let kind = MediaType::of(bytes)
            .filter(|kind| *kind != MediaType::Pdf)
            .ok_or_else(|| Error::new(ErrorCode::InputUnsupported, "the content is no image"))?;
        let frames = match kind {
            MediaType::Tiff => tiff_frames::count(bytes)?,
            MediaType::Jpeg2000 => {
                jpeg2000::check(bytes, max_pixels)?;
                1
            }
            _ => {
                let (width, height) = decoder(bytes, kind)?.dimensions();
                check_size(width, height, max_pixels)?;
                1
            }
        };
        Ok(Self { bytes, kind, max_pixels, frames })
    }

    /// Number of pages.
    pub(crate) fn info(&self) -> DocumentInfo {
        DocumentInfo { page_count: self.frames, ..DocumentInfo::default() }
    }

    /// Decodes a frame, with a PGM picture for OCR where `ocr` asks for one.
    ///
    /// # Errors
    /// `image.malformed`, `image.too_large` or `page.malformed`.
    pub(crate) fn read(&self, number: u32, ocr: OcrPolicy) -> Result<(PageContent, Option<Vec<u8>>)> {
        let started = Instant::now();
        let raster = self.raster(number)?;
        let decision = decide::image_page(ocr);
        let size = (raster.width as usize, raster.height as usize);
        let side = PAGE_IMAGE_SIZE as usize;
        let image = PageImage::new(resize_bilinear::<3>(&raster.rgb, size, (side, side)))
            .map_err(|_| Error::new(ErrorCode::Internal, "a page image has the wrong size"))?;
        let (ocr, picture) =
            if decision.reading == Reading::Whole { picture(&raster) } else { (OcrImage::default(), None) };
        let (width, height) =
            (raster.width as f32 * 72.0 / raster.dpi.0, raster.height as f32 * 72.0 / raster.dpi.1);
        let page = Page {
            number,
            width,
            height,
            rotation: 0,
            label: None,
            text_source: decision.source,
            text_source_reason: decision.reason,
            words: Vec::new(),
            rulings: Vec::new(),
            images: vec![BBox::new(0.0, 0.0, width, height)],
            pictures: Vec::new(),
            fonts: Vec::new(),
            controls: 0,
        };
        let timings = Timings { render: started.elapsed(), ..Timings::default() };
        Ok((PageContent { page, image, timings, ocr }, picture))
    }

    /// A frame as JPEG, never larger than it is. Its boxes refer to its whole extent, so it keeps that.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn draw(&self, number: u32, style: PictureStyle) -> Result<Vec<u8>> {
        let raster = self.raster(number)?;
        let size = (raster.width, raster.height);
        let longest = size.0.max(size.1);
        let scale = f64::from(u32::from(style.longest_side).min(longest)) / f64::from(longest);
        let [width, height] = [size.0, size.1].map(|side| ((f64::from(side) * scale).round() as u32).max(1));
        let rgb = if (width, height) == size {
            raster.rgb
        } else {
            let from = (size.0 as usize, size.1 as usize);
            resize_bilinear::<3>(&raster.rgb, from, (width as usize, height as usize))
        };
        picture::jpeg(&rgb, Pixels::Rgb, (width, height), style.quality)
    }

    fn raster(&self, number: u32) -> Result<Raster> {
        if number == 0 || number > self.frames {
            return Err(Error::new(ErrorCode::PageMalformed, "there is no such page"));
        }
        match self.kind {
            MediaType::Tiff => Frames::open(self.bytes)?.read(number - 1, self.max_pixels),
            MediaType::Jpeg2000 => jpeg2000::read(self.bytes, self.max_pixels),
            kind => self.decode(kind),
        }
    }

    fn decode(&self, kind: MediaType) -> Result<Raster> {
        let mut decoder = decoder(self.bytes, kind)?;
        let (width, height) = decoder.dimensions();
        check_size(width, height, self.max_pixels)?;
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(self.max_pixels.saturating_mul(8).saturating_add(64 << 20));
        decoder.set_limits(limits).map_err(from_image)?;
        let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let image = DynamicImage::from_decoder(decoder).map_err(from_image)?;
        Ok(upright(image, resolution::of(self.bytes, kind), orientation))
    }
}

fn decoder(bytes: &[u8], kind: MediaType) -> Result<Box<dyn ImageDecoder + '_>> {
    let bytes = Cursor::new(bytes);
    Ok(match kind {
        MediaType::Png => Box::new(PngDecoder::new(bytes).map_err(from_image)?),
        MediaType::Jpeg => Box::new(JpegDecoder::new(bytes).map_err(from_image)?),
        MediaType::WebP => Box::new(WebPDecoder::new(bytes).map_err(from_image)?),
        MediaType::Bmp => Box::new(BmpDecoder::new(bytes).map_err(from_image)?),
        MediaType::Pdf | MediaType::Tiff | MediaType::Jpeg2000 => {
            return Err(malformed("the format has another decoder"));
        }
    })
}

/// The gray picture for OCR (ITU-R BT.601 luma), as PGM.
fn picture(raster: &Raster) -> (OcrImage, Option<Vec<u8>>) {
    let gray: Vec<u8> = raster
        .rgb
        .chunks_exact(3)
        .map(|p| ((u32::from(p[0]) * 299 + u32::from(p[1]) * 587 + u32::from(p[2]) * 114 + 500) / 1000) as u8)
        .collect();
    let (width, height) = (raster.width, raster.height);
    let scale = (OCR_PIXELS / (f64::from(width) * f64::from(height))).sqrt().min(1.0);
    let [new_width, new_height] = [width, height].map(|side| ((f64::from(side) * scale) as u32).max(1));
    let gray = if (new_width, new_height) == (width, height) {
        gray
    } else {
        let to = (new_width as usize, new_height as usize);
        resize_bilinear::<1>(&gray, (width as usize, height as usize), to)
    };
    let mut pgm = pgm_header(new_width, new_height);
    pgm.extend_from_slice(&gray);
    (OcrImage { width: new_width, height: new_height, ..OcrImage::default() }, Some(pgm))
}

#[cfg(test)]
#[path = "image_kinds_tests.rs"]
mod kinds_tests;

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut image = RgbaImage::from_pixel(20, 10, Rgba([200, 0, 0, 255]));
        image.put_pixel(0, 0, Rgba([0, 0, 0, 0]));
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::from(image);
        let image = if format == ImageFormat::Jpeg { image.into_rgb8().into() } else { image };
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn formats_are_decoded_to_a_page() {
        for format in
            [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff]
        {
            let bytes = encoded(format);
            let document = ImageDocument::open(&bytes, 200).unwrap();
            let (content, picture) = document.read(1, OcrPolicy::Auto).unwrap();
            let page = &content.page;
            assert_eq!((document.info().page_count, content.ocr.width), (1, 20), "{format:?}");
            assert!((page.width / page.height - 2.0).abs() < 1e-5, "{format:?} {page:?}");
            let center = &content.image.rgb()[(112 * 224 + 112) * 3..][..3];
            assert!(center[0].abs_diff(200) < 4 && center[1] < 4 && center[2] < 4, "{format:?} {center:?}");
            assert_eq!(picture.unwrap().len(), 200 + "P5\n20 10\n255\n".len());
            assert!(document.read(2, OcrPolicy::Auto).is_err());
        }
    }

    #[test]
    fn sizes_are_checked_before_decoding() {
        for format in [ImageFormat::Png, ImageFormat::Bmp] {
            let bytes = encoded(format);
            let error = ImageDocument::open(&bytes, 199).map(|_| ()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ImageTooLarge);
        }
        let tiff = encoded(ImageFormat::Tiff);
        let document = ImageDocument::open(&tiff, 199).unwrap();
        let error = document.read(1, OcrPolicy::Never).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ImageTooLarge);
    }

    #[test]
    fn transparency_is_white_paper() {
        use super::super::raster::over_white;
        assert_eq!(over_white([0, 0, 0], 0), [255; 3]);
        assert_eq!(over_white([10, 20, 30], 255), [10, 20, 30]);
    }
}
