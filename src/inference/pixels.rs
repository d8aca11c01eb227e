//! A page image as `pixel_values`: resize, rescale, normalise.

use std::borrow::Cow;

use crate::error::{Error, ErrorCode, Result};
use crate::input::resize::resize_bilinear;
use crate::runtime::PreprocessorConfig;

/// An RGB image: row by row from the top, 3 bytes a pixel.
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Height, width, channel (red, green, blue); 0 to 255.
    pub rgb: &'a [u8],
}

impl ImageView<'_> {
    /// Whether there are as many bytes as the size says.
    ///
    /// # Errors
    /// `image.malformed` if the number of bytes is not width by height by 3, or is 0.
    pub fn check(&self) -> Result<()> {
        let expected = self.width.checked_mul(self.height).and_then(|pixels| pixels.checked_mul(3));
        if expected != Some(self.rgb.len()) || self.rgb.is_empty() {
            return Err(Error::new(
                ErrorCode::ImageMalformed,
                format!("{} bytes are not an RGB image of {} x {}", self.rgb.len(), self.width, self.height),
            ));
        }
        Ok(())
    }
}

/// Writes an image's pixel values into `values`: (3, height, width) in the size that the model takes,
/// `(value * rescale - mean) / std` per channel, red first. An image of that size is read once, where it lies.
///
/// An image of another size is resized with Pillow's bilinear filter, to the byte, as Hugging Face's LayoutLMv3
/// image processor does.
///
/// # Errors
/// As [`ImageView::check`].
pub fn preprocess_image(image: ImageView<'_>, config: &PreprocessorConfig, values: &mut [f32]) -> Result<()> {
    image.check()?;
    let (width, height) = (config.size.width.max(1) as usize, config.size.height.max(1) as usize);
    let (from, to) = ((image.width, image.height), (width, height));
    let pixels = if from == to {
        Cow::Borrowed(image.rgb)
    } else {
        Cow::Owned(resize_bilinear::<3>(image.rgb, from, to))
    };
    let rescale = if config.do_rescale { config.rescale_factor } else { 1.0 };
    for (channel, plane) in values.chunks_exact_mut(width * height).enumerate() {
        let (mean, deviation) = if config.do_normalize {
            (config.image_mean[channel], config.image_std[channel])
        } else {
            (0.0, 1.0)
        };
        // 256 possible values, computed once.
        let table: Vec<f32> =
            (0..=255u8).map(|level| ((f64::from(level) * rescale - mean) / deviation) as f32).collect();
        for (value, &level) in plane.iter_mut().zip(pixels.iter().skip(channel).step_by(3)) {
            *value = table[usize::from(level)];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        image: Option<String>,
        levels_sha256: Option<String>,
        pixel_sample: Option<Vec<f32>>,
    }

    #[test]
    fn pixel_values_match_the_processor() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/tokenizers");
        let cases: Vec<Case> =
            serde_json::from_slice(&fs::read(folder.join("layoutlmv3_pages.json")).unwrap()).unwrap();
        let mut checked = 0;
        for case in &cases {
            let (Some(name), Some(sha256), Some(sample)) =
                (&case.image, &case.levels_sha256, &case.pixel_sample)
            else {
                continue;
            };
            let image = image::open(folder.join(name)).unwrap().to_rgb8();
            let view = ImageView {
                width: image.width() as usize,
                height: image.height() as usize,
                rgb: image.as_raw(),
            };
            let mut values = vec![f32::NAN; 3 * 224 * 224];
            preprocess_image(view, &PreprocessorConfig::default(), &mut values).unwrap();
            for (value, expected) in values.iter().step_by(97).zip(sample) {
                assert!((value - expected).abs() < 1e-5, "{name}");
            }
            // The checksum covers every pixel: equal bytes, which is stricter than 1/255.
            let levels: Vec<u8> =
                values.iter().map(|value| ((value * 0.5 + 0.5) * 255.0).round() as u8).collect();
            assert_eq!(&docproc_hash::sha256(&levels), sha256, "{name}");
            checked += 1;
        }
        assert!(checked >= 20);
    }

    #[test]
    fn a_wrong_number_of_bytes_is_an_error() {
        for (width, height, bytes) in [(2, 2, 11), (0, 0, 0), (usize::MAX, 2, 3)] {
            let rgb = vec![0; bytes];
            let view = ImageView { width, height, rgb: &rgb };
            let error = preprocess_image(view, &PreprocessorConfig::default(), &mut []);
            assert_eq!(error.unwrap_err().code(), ErrorCode::ImageMalformed);
        }
    }
}
