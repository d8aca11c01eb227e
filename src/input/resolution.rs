//! The resolution that an image file states.

use super::media::MediaType;
use super::wire::Cursor;

/// Assumed where a file states none, or an impossible one.
pub(super) const DEFAULT_DPI: f32 = 96.0;
const INCH_IN_METRES: f32 = 0.0254;

/// The resolution if it is possible for a page, the default otherwise.
pub(super) fn plausible(across: f32, down: f32) -> (f32, f32) {
    let possible = 50.0..=2400.0;
    if possible.contains(&across) && possible.contains(&down) {
        (across, down)
    } else {
        (DEFAULT_DPI, DEFAULT_DPI)
    }
}

/// Pixels per inch, across and down.
pub(crate) fn of(bytes: &[u8], kind: MediaType) -> (f32, f32) {
    let stated = match kind {
        MediaType::Png => png(bytes),
        MediaType::Jpeg => jpeg(bytes),
        MediaType::Bmp => bmp(bytes),
        _ => None,
    };
    stated.map_or((DEFAULT_DPI, DEFAULT_DPI), |(across, down)| plausible(across, down))
}

/// Chunk `pHYs` with unit 1 (metre), which stands before the pixels (PNG specification, 11.3.5.3).
fn png(bytes: &[u8]) -> Option<(f32, f32)> {
    let mut at = 8usize;
    loop {
        let header = bytes.get(at..at.checked_add(8)?)?;
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        match &header[4..] {
            b"pHYs" => {
                let data = bytes.get(at + 8..at + 17)?;
                let number =
                    |i: usize| u32::from_be_bytes([data[i], data[i + 1], data[i + 2], data[i + 3]]) as f32;
                return (data[8] == 1).then(|| (number(0) * INCH_IN_METRES, number(4) * INCH_IN_METRES));
            }
            b"IDAT" | b"IEND" => return None,
            _ => at = at.checked_add(12)?.checked_add(length)?,
        }
    }
}

/// Segment APP0 of JFIF: units 1 (inch) or 2 (centimetre), then two big-endian densities.
fn jpeg(bytes: &[u8]) -> Option<(f32, f32)> {
    let at = bytes.get(..4096.min(bytes.len()))?.windows(5).position(|window| window == b"JFIF\0")?;
    let data = bytes.get(at + 5..at + 12)?;
    let unit = match data[2] {
        1 => 1.0,
        2 => 2.54,
        _ => return None,
    };
    let number = |i: usize| f32::from(u16::from_be_bytes([data[i], data[i + 1]])) * unit;
    Some((number(3), number(5)))
}

/// Pixels per metre in a BITMAPINFOHEADER or later.
fn bmp(bytes: &[u8]) -> Option<(f32, f32)> {
    let size = Cursor::at(bytes, 14).u32().ok()?;
    let mut input = Cursor::at(bytes, 38);
    let (across, down) = (input.u32().ok()?, input.u32().ok()?);
    (size >= 40).then_some((across as f32 * INCH_IN_METRES, down as f32 * INCH_IN_METRES))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stated_resolutions_are_read() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([0; 17]);
        png.extend(b"\0\0\0\x09pHYs\0\0\x2e\x23\0\0\x2e\x23\x01crc.");
        let (across, down) = of(&png, MediaType::Png);
        assert!((across - 300.0).abs() < 0.1 && (down - 300.0).abs() < 0.1);
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\x01\0\xc8\0\x64\0\0";
        assert_eq!(of(jpeg, MediaType::Jpeg), (200.0, 100.0));
        assert_eq!(
            of(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\x01\0\x01\0\x01\0\0", MediaType::Jpeg),
            (96.0, 96.0)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_possible_resolution(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            for kind in [MediaType::Png, MediaType::Jpeg, MediaType::Bmp, MediaType::WebP] {
                prop_assert!(of(&bytes, kind).0 >= 50.0);
            }
        }
    }
}
