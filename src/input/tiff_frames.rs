//! TIFF files: every frame is a page. 1, 2, 4, 8 and 16 bits, gray, palette, RGB, CMYK and YCbCr; strips, tiles and
//! planes; none, LZW, Deflate, PackBits, JPEG and fax compression. Pages are turned as their tag of orientation says.

use std::io::{Cursor, Read, Seek, SeekFrom};

use hayro_ccitt::EncodingMode;
use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, RgbImage};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::raster::{Raster, check_size, malformed, over_white, unsupported, upright};
use super::resolution::{DEFAULT_DPI, plausible};
use super::tiff_fax::Fax;
use crate::error::{Error, Result};

/// Tags that the decoder's crate does not name.
const T4_OPTIONS: u16 = 292;
const JPEG_INTERCHANGE_FORMAT: u16 = 513;

/// Frames looked for: directories may be chained in a circle.
const MAX_FRAMES: u32 = 10_000;

/// The decoder of one file.
pub(crate) struct Frames<'a>(Decoder<Patched<'a>>);

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
        Decoder::new(Patched { cursor: Cursor::new(bytes), patch: None }).map(Self).map_err(from_tiff)
    }

    /// Decodes the frame with this index.
    pub(crate) fn read(mut self, index: u32, max_pixels: u64) -> Result<Raster> {
        self.0.seek_to_image(index as usize).map_err(from_tiff)?;
        let (width, height) = self.0.dimensions().map_err(from_tiff)?;
        check_size(width, height, max_pixels)?;
        let mut limits = Limits::default();
        let bytes = usize::try_from(max_pixels.saturating_mul(10)).unwrap_or(usize::MAX);
        limits.decoding_buffer_size = bytes;
        limits.intermediate_buffer_size = bytes;
        self.0 = self.0.with_limits(limits);
        let dpi = self.resolution();
        let orientation = self.number(Tag::Orientation).and_then(|tag| Orientation::from_exif(tag as u8));
        let rgb = match self.number(Tag::Compression).unwrap_or(1) {
            2..=4 => self.fax((width, height))?,
            6 => self.old_jpeg((width, height))?,
            _ => self.pixels((width, height), index)?,
        };
        let image = RgbImage::from_raw(width, height, rgb)
            .ok_or_else(|| malformed("the pixels do not fit the size"))?;
        Ok(upright(image.into(), dpi, orientation.unwrap_or(Orientation::NoTransforms)))
    }

    fn number(&mut self, tag: Tag) -> Option<u32> {
        self.0.find_tag_unsigned::<u32>(tag).ok().flatten()
    }

    /// What the decoder's crate reads.
    fn pixels(&mut self, (width, height): (u32, u32), index: u32) -> Result<Vec<u8>> {
        const PALETTE: u32 = 3;
        let mut palette = Vec::new();
        if self.number(Tag::PhotometricInterpretation) == Some(PALETTE) {
            palette = self.0.get_tag_u16_vec(Tag::ColorMap).map_err(from_tiff)?;
            self.take_for_gray(index)?;
        }
        let color = match self.0.colortype().map_err(from_tiff)? {
            ColorType::Gray(bits) if !palette.is_empty() => ColorType::Palette(bits),
            color => color,
        };
        let mut decoded = DecodingResult::U8(Vec::new());
        let layout = self.0.read_image_to_buffer(&mut decoded).map_err(from_tiff)?;
        let (width, height) = (width as usize, height as usize);
        let samples = match layout.plane_stride {
            // Each channel by itself.
            Some(stride) if layout.planes > 1 => {
                let size = width * height;
                let bytes = stride.get() * layout.planes;
                let all =
                    samples(decoded, ColorType::Gray(color.bit_depth()), width, height * layout.planes)?;
                if bytes < layout.complete_len || all.len() < size * layout.planes {
                    return Err(malformed("planes of the image are missing"));
                }
                (0..size)
                    .flat_map(|at| (0..layout.planes).map(move |plane| plane * size + at))
                    .map(|at| all[at])
                    .collect()
            }
            _ => samples(decoded, color, width, height)?,
        };
        to_rgb(&samples, color, &palette)
    }

    /// Has the decoder read indices into a palette, which it refuses, as tones of gray: the field of this frame that says
    /// how to interpret them is read as another value.
    fn take_for_gray(&mut self, index: u32) -> Result<()> {
        const PHOTOMETRIC: u16 = 262;
        let start = self.0.ifd_pointer().map_or(0, |pointer| pointer.0);
        let bytes = *self.0.inner().cursor.get_ref();
        let little = bytes.starts_with(b"II");
        let big_tiff = matches!(bytes.get(2..4), Some([43, 0] | [0, 43]));
        let number = |at: u64, size: usize| -> Option<u64> {
            let at = usize::try_from(at).ok()?;
            let field = bytes.get(at..at.checked_add(size)?)?;
            let append = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
            Some(if little { field.iter().rev().fold(0, append) } else { field.iter().fold(0, append) })
        };
        let (count_size, entry_size) = if big_tiff { (8, 20) } else { (2, 12) };
        let find = || {
            let count = number(start, count_size)?.min(10_000);
            let entries = start.checked_add(count_size as u64)?;
            let entry = |index: u64| entries.checked_add(index * entry_size);
            let found = (0..count)
                .find(|index| entry(*index).and_then(|at| number(at, 2)) == Some(u64::from(PHOTOMETRIC)))?;
            entry(found)?.checked_add(if big_tiff { 12 } else { 8 })
        };
        let at = find().ok_or_else(|| malformed("the colours are not described"))?;
        self.0.inner().patch = Some((at, if little { [1, 0] } else { [0, 1] }));
        self.0.seek_to_image(index as usize).map_err(from_tiff)
    }

    fn fax(&mut self, (width, height): (u32, u32)) -> Result<Vec<u8>> {
        let options = self.number(Tag::Unknown(T4_OPTIONS)).unwrap_or(0);
        let compression = self.number(Tag::Compression);
        let fax = Fax {
            encoding: match compression {
                Some(4) => EncodingMode::Group4,
                Some(3) if options & 1 == 1 => EncodingMode::Group3_2D,
                _ => EncodingMode::Group3_1D,
            },
            rows_alone: compression == Some(2),
            low_bit_first: self.number(Tag::FillOrder) == Some(2),
            white_is_zero: self.number(Tag::PhotometricInterpretation) != Some(1),
        };
        let rows_per_strip = self.number(Tag::RowsPerStrip).unwrap_or(height).clamp(1, height);
        let (strips, _) = self.strips()?;
        let pixels = width as usize * height as usize;
        let mut gray = Vec::with_capacity(pixels);
        for (index, strip) in strips.iter().enumerate().take(height.div_ceil(rows_per_strip) as usize) {
            let rows = rows_per_strip.min(height - index as u32 * rows_per_strip);
            fax.strip(strip, (width, rows), &mut gray)?;
        }
        if gray.len() != pixels {
            return Err(malformed("strips of the image are missing"));
        }
        Ok(gray.iter().flat_map(|value| [*value; 3]).collect())
    }

    /// A JPEG file within the TIFF file (TIFF 6.0, section 22), as most programs wrote it: at the place that its own tag
    /// names, or as the only strip.
    fn old_jpeg(&mut self, (width, height): (u32, u32)) -> Result<Vec<u8>> {
        let place = self.number(Tag::Unknown(JPEG_INTERCHANGE_FORMAT));
        let (strips, bytes) = self.strips()?;
        let stream = match place {
            Some(at) => bytes.get(at as usize..),
            None => strips.first().filter(|_| strips.len() == 1).copied(),
        };
        let stream = stream
            .filter(|stream| stream.starts_with(&[0xff, 0xd8]))
            .ok_or_else(|| unsupported("JPEG compression of the old kind, in pieces"))?;
        let decoder = JpegDecoder::new(Cursor::new(stream)).map_err(malformed)?;
        if decoder.dimensions() != (width, height) {
            return Err(malformed("the JPEG stream has another size than the image"));
        }
        Ok(DynamicImage::from_decoder(decoder).map_err(malformed)?.into_rgb8().into_raw())
    }

    /// The bytes of each strip, and of the whole file.
    fn strips(&mut self) -> Result<(Vec<&'a [u8]>, &'a [u8])> {
        let offsets = self.0.get_tag_u64_vec(Tag::StripOffsets).map_err(from_tiff)?;
        let lengths = self.0.get_tag_u64_vec(Tag::StripByteCounts).map_err(from_tiff)?;
        let bytes = *self.0.inner().cursor.get_ref();
        let strip = |(offset, length): (&u64, &u64)| -> &'a [u8] {
            let start = usize::try_from(*offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(usize::try_from(*length).unwrap_or(usize::MAX)).min(bytes.len());
            &bytes[start..end]
        };
        Ok((offsets.iter().zip(&lengths).map(strip).collect(), bytes))
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

/// A file of which two bytes may be read as others.
struct Patched<'a> {
    cursor: Cursor<&'a [u8]>,
    patch: Option<(u64, [u8; 2])>,
}

impl Read for Patched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let start = self.cursor.position();
        let count = self.cursor.read(buffer)?;
        if let Some((at, bytes)) = self.patch {
            for (place, byte) in (at..).zip(bytes) {
                let index = place.checked_sub(start).and_then(|index| usize::try_from(index).ok());
                if let Some(read) = index.and_then(|index| buffer[..count].get_mut(index)) {
                    *read = byte;
                }
            }
        }
        Ok(count)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.cursor.seek(to)
    }
}

fn from_tiff(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(error) => unsupported(error.to_string()),
        error => malformed(error),
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
        _ => Err(unsupported(format!("samples of {bits} bits"))),
    }
}

fn to_rgb(samples: &[u8], color: ColorType, palette: &[u16]) -> Result<Vec<u8>> {
    let pixels = |count: usize| samples.chunks_exact(count);
    Ok(match color {
        ColorType::Gray(_) => samples.iter().flat_map(|value| [*value; 3]).collect(),
        ColorType::GrayA(_) => pixels(2).flat_map(|p| over_white([p[0]; 3], p[1])).collect(),
        ColorType::RGB(_) => samples.to_vec(),
        ColorType::YCbCr(_) => pixels(3).flat_map(ycbcr).collect(),
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

/// ITU-R BT.601, full range (TIFF 6.0, section 21, defaults).
fn ycbcr(pixel: &[u8]) -> [u8; 3] {
    let [y, cb, cr] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|value| value.round() as u8)
}

/// Without a profile, ink takes away light.
pub(super) fn cmyk(pixel: &[u8]) -> [u8; 3] {
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
