//! TIFF files: every frame is a page. 1, 2, 4, 8 and 16 bits, gray, palette, RGB, CMYK and YCbCr.

use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::raster::{Raster, check_size, malformed, over_white};
use super::resolution::{DEFAULT_DPI, plausible};
use crate::error::Result;

/// Frames looked for: directories may be chained in a circle.
const MAX_FRAMES: u32 = 10_000;

/// The decoder of one file.
pub(crate) struct Frames<'a>(Decoder<Cursor<&'a [u8]>>);

/// Number of frames.
pub(crate) fn count(bytes: &[u8]) -> Result<u32> {
    let mut frames = Frames::open(bytes)?;
    let mut count = 1;
    while count < MAX_FRAMES && frames.0.more_images() && frames.0.next_image().is_ok() {
        count += 1;
    }
    Ok(count)
}

impl<'a> Frames<'a> {
    /// Reads the header.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        Decoder::new(Cursor::new(bytes)).map(Self).map_err(malformed)
    }

    /// Decodes the frame with this index.
    pub(crate) fn read(mut self, index: u32, max_pixels: u64) -> Result<Raster> {
        self.0.seek_to_image(index as usize).map_err(malformed)?;
        let (width, height) = self.0.dimensions().map_err(malformed)?;
        check_size(width, height, max_pixels)?;
        let mut limits = Limits::default();
        let bytes = usize::try_from(max_pixels.saturating_mul(10)).unwrap_or(usize::MAX);
        limits.decoding_buffer_size = bytes;
        limits.intermediate_buffer_size = bytes;
        self.0 = self.0.with_limits(limits);
        let color = self.0.colortype().map_err(malformed)?;
        let dpi = self.resolution();
        let palette = match color {
            ColorType::Palette(_) => self.0.get_tag_u16_vec(Tag::ColorMap).map_err(malformed)?,
            _ => Vec::new(),
        };
        let decoded = self.0.read_image().map_err(malformed)?;
        let pixels = width as usize * height as usize;
        let samples = samples(decoded, color, width as usize, height as usize)?;
        let rgb = to_rgb(&samples, color, &palette)?;
        if rgb.len() != pixels * 3 {
            return Err(malformed("the pixels do not fit the size"));
        }
        Ok(Raster { width, height, rgb, dpi })
    }

    fn resolution(&mut self) -> (f32, f32) {
        let unit = self.0.find_tag_unsigned::<u16>(Tag::ResolutionUnit).ok().flatten();
        let factor = match unit.unwrap_or(2) {
            2 => 1.0,
            3 => 2.54,
            _ => return (DEFAULT_DPI, DEFAULT_DPI),
        };
        let mut of = |tag| self.0.get_tag_f64(tag).map_or(0.0, |value| value as f32 * factor);
        let (across, down) = (of(Tag::XResolution), of(Tag::YResolution));
        plausible(across, down)
    }
}

fn channels(color: ColorType) -> usize {
    match color {
        ColorType::Gray(_) | ColorType::Palette(_) => 1,
        ColorType::GrayA(_) => 2,
        ColorType::RGB(_) | ColorType::YCbCr(_) | ColorType::Lab(_) => 3,
        ColorType::RGBA(_) | ColorType::CMYK(_) => 4,
        ColorType::CMYKA(_) => 5,
        ColorType::Multiband { num_samples, .. } => usize::from(num_samples),
        _ => 0,
    }
}

/// One byte per sample: packed bits spread (scaled to 0..255 unless they index a palette), 16 bits reduced.
fn samples(decoded: DecodingResult, color: ColorType, width: usize, height: usize) -> Result<Vec<u8>> {
    let bits = usize::from(color.bit_depth());
    match decoded {
        DecodingResult::U8(bytes) if bits == 8 => Ok(bytes),
        DecodingResult::U8(bytes) if matches!(bits, 1 | 2 | 4) => {
            let row_samples = width * channels(color);
            let row_bytes = (row_samples * bits).div_ceil(8);
            let most = (1u8 << bits) - 1;
            let scale = if matches!(color, ColorType::Palette(_)) { 1 } else { 255 / most };
            let mut out = Vec::with_capacity(row_samples * height);
            for row in bytes.chunks_exact(row_bytes.max(1)).take(height) {
                out.extend((0..row_samples).map(|sample| {
                    let bit = sample * bits;
                    let shift = 8 - bits - bit % 8;
                    (row[bit / 8] >> shift & most) * scale
                }));
            }
            Ok(out)
        }
        DecodingResult::U16(words) => Ok(words.iter().map(|word| (word >> 8) as u8).collect()),
        DecodingResult::F32(values) => Ok(values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0) as u8).collect()),
        _ => Err(malformed(format!("samples of {bits} bits are not supported"))),
    }
}

fn to_rgb(samples: &[u8], color: ColorType, palette: &[u16]) -> Result<Vec<u8>> {
    let pixels = |count: usize| samples.chunks_exact(count);
    Ok(match color {
        ColorType::Gray(_) => samples.iter().flat_map(|value| [*value; 3]).collect(),
        ColorType::GrayA(_) => pixels(2).flat_map(|p| over_white([p[0]; 3], p[1])).collect(),
        // The decoder converts YCbCr.
        ColorType::RGB(_) | ColorType::YCbCr(_) => samples.to_vec(),
        ColorType::RGBA(_) => pixels(4).flat_map(|p| over_white([p[0], p[1], p[2]], p[3])).collect(),
        ColorType::CMYK(_) => pixels(4).flat_map(cmyk).collect(),
        ColorType::CMYKA(_) => pixels(5).flat_map(|p| over_white(cmyk(p), p[4])).collect(),
        ColorType::Palette(_) => {
            let size = palette.len() / 3;
            let channel =
                |index: usize, of: usize| palette.get(of * size + index).map_or(0, |v| (v >> 8) as u8);
            let entry = |index: usize| [channel(index, 0), channel(index, 1), channel(index, 2)];
            samples.iter().flat_map(|index| entry(usize::from(*index))).collect()
        }
        other => return Err(malformed(format!("colours of the kind {other:?} are not supported"))),
    })
}

/// Without a profile, ink takes away light.
fn cmyk(pixel: &[u8]) -> [u8; 3] {
    let key = 255 - u32::from(pixel[3]);
    [pixel[0], pixel[1], pixel[2]].map(|ink| ((255 - u32::from(ink)) * key / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_bits_are_spread_row_by_row() {
        let decoded = DecodingResult::U8(vec![0b1010_0000, 0b0100_0000]);
        let spread = samples(decoded, ColorType::Gray(1), 3, 2).unwrap();
        assert_eq!(spread, [255, 0, 255, 0, 255, 0]);
        let decoded = DecodingResult::U8(vec![0x1f]);
        assert_eq!(samples(decoded, ColorType::Palette(4), 2, 1).unwrap(), [1, 15]);
    }

    #[test]
    fn colours_become_rgb() {
        assert_eq!(to_rgb(&[0, 0, 0, 255], ColorType::CMYK(8), &[]).unwrap(), [0, 0, 0]);
        assert_eq!(to_rgb(&[0, 0, 0, 0], ColorType::CMYK(8), &[]).unwrap(), [255, 255, 255]);
        let palette = [0, 0xffff, 0, 0x8000, 0, 0];
        assert_eq!(to_rgb(&[1, 0], ColorType::Palette(8), &palette).unwrap(), [255, 128, 0, 0, 0, 0]);
    }
}
