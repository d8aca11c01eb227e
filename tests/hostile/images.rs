//! Image files that claim more than they hold, or hold more than they show.

use super::pdf::deflated;
use super::{Named, Scale};

/// All of them.
pub fn all(scale: Scale) -> Vec<Named> {
    let side = scale.pick(3_000, 10_000) as u32;
    let files = [
        ("large.png", png(side, side, &deflated(&[0], (side as usize + 1) * side as usize))),
        ("claims.png", png(i32::MAX as u32, i32::MAX as u32, &deflated(&[0], 1))),
        ("inflates.png", png(100, 100, &deflated(&[0], scale.pick(64 << 20, 1 << 30)))),
        ("text-inflates.png", png_text(scale.pick(64 << 20, 1 << 30))),
        ("length-too-long.png", wrong_length(u32::MAX)),
        ("length-zero.png", wrong_length(0)),
        ("header-long.png", [PNG, &u32::MAX.to_be_bytes(), b"IHDR", &[0; 40]].concat()),
        ("giant.tif", tiff(u32::MAX, u32::MAX, 1, 0)),
        ("giant-strips.tif", tiff(1_000_000, 1_000_000, 1, 0)),
        ("within-limit.tif", tiff(14_000, 14_000, 1, 0)),
        ("lzw-nothing.tif", tiff(10_000, 10_000, 5, 0)),
        ("circle.tif", tiff(8, 8, 1, 8)),
        ("many-frames.tif", frames(scale.pick(300, 60_000))),
        ("giant.jpg", jpeg(65_500, 65_500)),
        ("giant.bmp", bmp(i32::MAX, i32::MAX)),
        ("negative.bmp", bmp(i32::MIN, i32::MIN)),
        ("giant.webp", webp(16_383, 16_383)),
        ("head.webp", b"RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff/".to_vec()),
    ];
    files.into_iter().map(|(name, bytes)| (format!("bomb-{name}"), bytes)).collect()
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// CRC-32 as in PNG, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            },
        )
    })
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    [&(data.len() as u32).to_be_bytes(), body.as_slice(), &crc(&body).to_be_bytes()].concat()
}

fn header(width: u32, height: u32) -> Vec<u8> {
    let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // 8 bits, gray.
    chunk(b"IHDR", &[sizes.as_slice(), &[8, 0, 0, 0, 0]].concat())
}

fn png(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    [PNG, &header(width, height), &chunk(b"IDAT", pixels), &chunk(b"IEND", &[])].concat()
}

fn png_text(length: usize) -> Vec<u8> {
    let text = [b"Comment\0\0".as_slice(), &deflated(b"a", length)].concat();
    let pixels = deflated(&[0], 100);
    [PNG, &header(10, 9), &chunk(b"zTXt", &text), &chunk(b"IDAT", &pixels), &chunk(b"IEND", &[])].concat()
}

/// The chunk of pixels says that it has so many bytes.
fn wrong_length(length: u32) -> Vec<u8> {
    let mut bytes = png(100, 100, &deflated(&[0], 100 * 101));
    let at = bytes.windows(4).position(|window| window == b"IDAT").unwrap_or(8);
    bytes[at - 4..at].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// One directory at byte 8 and nothing else; `next` is where the next directory lies.
fn tiff(width: u32, height: u32, compression: u32, next: u32) -> Vec<u8> {
    let entries: [(u16, u32); 9] = [
        (256, width),
        (257, height),
        (258, 8),
        (259, compression),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, if width == 8 { 64 } else { u32::MAX }),
    ];
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(4u16.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes
}

/// So many frames of one pixel.
fn frames(count: usize) -> Vec<u8> {
    const SIZE: usize = 2 + 8 * 12 + 4;
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    for frame in 0..count {
        bytes.extend(8u16.to_le_bytes());
        for (tag, value) in
            [(256u16, 1u32), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (278, 1), (279, 1)]
        {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(4u16.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        let next = if frame + 1 < count { 8 + (frame + 1) * SIZE } else { 0 };
        bytes.extend((next as u32).to_le_bytes());
    }
    bytes
}

/// Baseline JPEG: frame header of this size, and a scan without data.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    bytes.extend([1; 64]);
    bytes.extend(b"\xff\xc0\0\x0b\x08");
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend(b"\x01\x01\x11\0\xff\xc4\0\x14\0\x01");
    bytes.extend([0; 15]);
    bytes.extend(b"\0\xff\xc4\0\x14\x10\x01");
    bytes.extend([0; 15]);
    bytes.extend(b"\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\0\xff\xd9");
    bytes
}

fn bmp(width: i32, height: i32) -> Vec<u8> {
    let mut bytes = b"BM\xff\xff\xff\x7f\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(b"\x01\0\x18\0");
    bytes.extend([0; 24]);
    bytes
}

/// Lossless WebP: signature, size, and no pixels.
fn webp(width: u32, height: u32) -> Vec<u8> {
    let size = ((width - 1) | (height - 1) << 14).to_le_bytes();
    let body = [b"\x2f".as_slice(), &size, &[0; 11]].concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((12 + body.len() as u32).to_le_bytes());
    bytes.extend(b"WEBPVP8L");
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}
