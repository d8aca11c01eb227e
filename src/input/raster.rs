//! Decoded pictures, and the checks before one is decoded.

use crate::error::{Error, ErrorCode, Result};

/// RGB, rows from the top, with its resolution in pixels per inch across and down.
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rgb: Vec<u8>,
    pub(crate) dpi: (f32, f32),
}

/// An image cannot be decoded.
pub(crate) fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorCode::ImageMalformed, "the image cannot be decoded").because(error)
}

/// The header of a binary PGM picture with 8 bits a pixel.
pub(crate) fn pgm_header(width: u32, height: u32) -> Vec<u8> {
    format!("P5\n{width} {height}\n255\n").into_bytes()
}

/// Checks a size before anything is allocated for it.
pub(crate) fn check_size(width: u32, height: u32, max_pixels: u64) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(malformed("it has no pixels"));
    }
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Error::new(
            ErrorCode::ImageTooLarge,
            format!("the image has {width} x {height} pixels, more than {max_pixels} in all"),
        )
        .help("raise --max-pixels to read it"));
    }
    Ok(())
}

/// A colour with this opacity on white.
pub(crate) fn over_white(color: [u8; 3], alpha: u8) -> [u8; 3] {
    color.map(|value| {
        let sum = u32::from(value) * u32::from(alpha) + 255 * u32::from(255 - alpha);
        ((sum + 127) / 255) as u8
    })
}
