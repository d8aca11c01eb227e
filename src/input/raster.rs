//! Decoded pictures, and the checks before one is decoded.

use image::DynamicImage;
use image::metadata::Orientation;

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

/// An image is of a kind that is not read.
pub(crate) fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorCode::ImageUnsupported,
        format!("the image is of a kind that docproc does not read: {what}"),
    )
    .help("save it as PNG, or as TIFF with LZW compression")
}

/// An image as it is meant to be seen: turned, over white paper, with its resolution across and down.
pub(crate) fn upright(
    mut image: DynamicImage,
    (across, down): (f32, f32),
    orientation: Orientation,
) -> Raster {
    image.apply_orientation(orientation);
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    Raster {
        width: image.width(),
        height: image.height(),
        dpi: if turned { (down, across) } else { (across, down) },
        rgb: on_white(image),
    }
}

/// 8-bit RGB; what is transparent shows white paper.
fn on_white(image: DynamicImage) -> Vec<u8> {
    if !image.color().has_alpha() {
        return image.into_rgb8().into_raw();
    }
    image
        .into_rgba8()
        .into_raw()
        .chunks_exact(4)
        .flat_map(|pixel| over_white([pixel[0], pixel[1], pixel[2]], pixel[3]))
        .collect()
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
