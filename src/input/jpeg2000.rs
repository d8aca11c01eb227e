//! JPEG 2000 files (ISO/IEC 15444-1): with the boxes of JP2 around the codestream, or without.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};
use image::metadata::Orientation;
use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};

use super::raster::{Raster, check_size, malformed, unsupported, upright};
use super::resolution::DEFAULT_DPI;
use crate::error::Result;

/// Reads the header and checks the size.
///
/// # Errors
/// `image.malformed` or `image.too_large`.
pub(super) fn check(bytes: &[u8], max_pixels: u64) -> Result<()> {
    open(bytes, max_pixels).map(|_| ())
}

fn open(bytes: &[u8], max_pixels: u64) -> Result<Image<'_>> {
    let image = Image::new(bytes, &DecodeSettings::default()).map_err(malformed)?;
    check_size(image.width(), image.height(), max_pixels)?;
    Ok(image)
}

/// Decodes the picture.
///
/// # Errors
/// `image.malformed`, `image.too_large` or `image.unsupported`.
pub(super) fn read(bytes: &[u8], max_pixels: u64) -> Result<Raster> {
    let image = open(bytes, max_pixels)?;
    let (width, height) = (image.width(), image.height());
    let mut context = DecoderContext::default();
    let data = image.decode(&mut context).map_err(malformed)?.data_u8();
    let channels = image.color_space().num_channels();
    let decoded: Option<DynamicImage> = match (image.color_space(), channels, image.has_alpha()) {
        (ColorSpace::CMYK, 4, false) => {
            let rgb = data.chunks_exact(4).flat_map(super::tiff_frames::cmyk).collect();
            RgbImage::from_raw(width, height, rgb).map(Into::into)
        }
        (_, 1, false) => GrayImage::from_raw(width, height, data).map(Into::into),
        (_, 1, true) => GrayAlphaImage::from_raw(width, height, data).map(Into::into),
        (_, 3, false) => RgbImage::from_raw(width, height, data).map(Into::into),
        (_, 3, true) => RgbaImage::from_raw(width, height, data).map(Into::into),
        _ => return Err(unsupported(format!("{channels} channels of colour"))),
    };
    let decoded = decoded.ok_or_else(|| malformed("the pixels do not fit the size"))?;
    Ok(upright(decoded, (DEFAULT_DPI, DEFAULT_DPI), Orientation::NoTransforms))
}
