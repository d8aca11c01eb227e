//! Pictures of pages for people: JPEG, made in the page worker.

use std::ops::Deref;
use std::os::fd::AsFd;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::shm::{MapError, SealedMap};
use crate::error::{Error, ErrorCode, Result};

/// Bytes of the largest picture: far above what the largest longest side gives.
const MAX_PICTURE: u64 = 32 << 20;
/// How every JPEG file begins.
const JPEG_HEAD: &[u8] = &[0xFF, 0xD8, 0xFF];

/// A page as JPEG, in memory that its worker cannot change any more.
#[derive(Debug)]
pub struct PagePicture {
    number: u32,
    memory: SealedMap,
}

/// Why the picture that a worker sent was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum PictureError {
    #[error(transparent)]
    Memory(#[from] MapError),
    #[error("the picture is no JPEG")]
    NotJpeg,
}

impl PagePicture {
    /// Maps what a worker sent. Nothing is decoded here: it is a file for a browser, which trusts it no more than we do.
    pub(super) fn open(number: u32, memory: impl AsFd) -> Result<Self, PictureError> {
        let memory = SealedMap::map(memory, MAX_PICTURE)?;
        if memory.starts_with(JPEG_HEAD) { Ok(Self { number, memory }) } else { Err(PictureError::NotJpeg) }
    }

    /// Page number, counted from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl Deref for PagePicture {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory
    }
}

/// How pixels lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, unused.
    Bgrx,
}

/// Encodes pixels, rows from the top without padding. A page without colours, as most are, is written in gray: a third of the
/// work.
///
/// # Errors
/// `page.too_large` for more than 65,535 pixels in a row or column.
pub(super) fn jpeg(
    pixels: &[u8],
    layout: Pixels,
    (width, height): (u32, u32),
    quality: u8,
) -> Result<Vec<u8>> {
    let refused = |error| Error::new(ErrorCode::PageTooLarge, "the page cannot be drawn").because(error);
    let side = |side: u32| {
        u16::try_from(side)
            .map_err(|_| Error::new(ErrorCode::PageTooLarge, "the page is too long or too wide to be drawn"))
    };
    let (width, height) = (side(width)?, side(height)?);
    let step = if layout == Pixels::Rgb { 3 } else { 4 };
    let is_gray = pixels.chunks_exact(step).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let mut out = Vec::with_capacity(pixels.len() / 16);
    let mut encoder = Encoder::new(&mut out, quality);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    if is_gray {
        let gray: Vec<u8> = pixels.iter().step_by(step).copied().collect();
        encoder.encode(&gray, width, height, ColorType::Luma).map_err(refused)?;
    } else {
        let color = if layout == Pixels::Rgb { ColorType::Rgb } else { ColorType::Bgra };
        encoder.encode(pixels, width, height, color).map_err(refused)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::shm::sealed;

    #[test]
    fn pages_become_jpeg_in_colour_or_gray() {
        for (pixel, color) in
            [([10, 10, 10, 0], image::ColorType::L8), ([200, 20, 10, 0], image::ColorType::Rgb8)]
        {
            let bytes = jpeg(&pixel.repeat(24 * 16), Pixels::Bgrx, (24, 16), 90).unwrap();
            let read = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
            assert_eq!((read.width(), read.height(), read.color()), (24, 16, color));
            let [red, _, blue] = read.to_rgb8().get_pixel(3, 3).0;
            assert!(red.abs_diff(pixel[2]) < 8 && blue.abs_diff(pixel[0]) < 8, "{red} {blue}");
        }
        assert_eq!(jpeg(&[], Pixels::Rgb, (70_000, 1), 90).unwrap_err().code(), ErrorCode::PageTooLarge);
    }

    #[test]
    fn what_is_no_jpeg_is_refused() {
        let memory = |bytes: &[u8]| sealed("test", bytes).unwrap();
        assert!(PagePicture::open(1, memory(b"<svg xmlns='http://www.w3.org/2000/svg'/>")).is_err());
        assert_eq!(&*PagePicture::open(1, memory(b"\xff\xd8\xff\xe0")).unwrap(), b"\xff\xd8\xff\xe0");
    }
}
