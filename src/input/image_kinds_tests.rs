//! Image files of many kinds, all of one drawing: a dark bar at (12, 6), one at (41, 20), paper at (30, 3) and (10, 20).

use std::path::Path;

use super::{ImageDocument, Raster};
use crate::error::{ErrorCode, Result};

const SIZE: (usize, usize) = (61, 37);
const POINTS: [((usize, usize), bool); 4] =
    [((12, 6), true), ((41, 20), true), ((30, 3), false), ((10, 20), false)];

fn read(name: &str) -> Result<Raster> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/input/images");
    let bytes = std::fs::read(folder.join(name)).unwrap();
    ImageDocument::open(&bytes, 100_000).and_then(|document| document.raster(1))
}

/// Checks the drawing, every point of it where `place` says, at so many pixels a pixel.
fn check(name: &str, size: (usize, usize), scale: usize, place: impl Fn(usize, usize) -> (usize, usize)) {
    let raster = read(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((raster.width as usize, raster.height as usize), (size.0 * scale, size.1 * scale), "{name}");
    for ((x, y), dark) in POINTS {
        let (x, y) = place(x, y);
        let at = (y * scale + scale / 2) * raster.width as usize + x * scale + scale / 2;
        let pixel = &raster.rgb[3 * at..3 * at + 3];
        assert_eq!(pixel.iter().all(|value| *value < 80), dark, "{name}: {pixel:?} at {x}, {y}");
        assert_eq!(pixel.iter().all(|value| *value > 180), !dark, "{name}: {pixel:?} at {x}, {y}");
    }
}

#[test]
fn every_kind_shows_the_same_drawing() {
    for name in [
        "bilevel-ccitt.tif",
        "bilevel-group3-2d.tif",
        "bilevel-group3.tif",
        "bilevel-group4-fill2.tif",
        "bilevel-group4-strips.tif",
        "bilevel-group4.tif",
        "bilevel-lzw.tif",
        "cmyk.tif",
        "gray.jp2",
        "gray16.tif",
        "j2k.j2k",
        "jp2.jp2",
        "old-jpeg.tif",
        "palette-lzw.tif",
        "palette4-big-endian.tif",
        "planar.tif",
        "rgb-jpeg.tif",
        "rgb-lzw.tif",
        "tiled.tif",
    ] {
        check(name, SIZE, 1, |x, y| (x, y));
    }
    let red = read("rgb-jpeg.tif").unwrap();
    let pixel = &red.rgb[3 * (25 * 61 + 52)..][..3];
    assert!(pixel[0] > 150 && pixel[1] < 80 && pixel[2] < 80, "{pixel:?}: luma and chroma are turned to RGB");
}

#[test]
fn pages_stand_as_their_tag_of_orientation_says() {
    let (right, bottom) = (SIZE.0 - 1, SIZE.1 - 1);
    let turned = (SIZE.1, SIZE.0);
    let all: [(&str, (usize, usize), &dyn Fn(usize, usize) -> (usize, usize)); 8] = [
        ("1", SIZE, &|x, y| (x, y)),
        ("2", SIZE, &|x, y| (right - x, y)),
        ("3", SIZE, &|x, y| (right - x, bottom - y)),
        ("4", SIZE, &|x, y| (x, bottom - y)),
        ("5", turned, &|x, y| (y, x)),
        ("6", turned, &|x, y| (bottom - y, x)),
        ("7", turned, &|x, y| (bottom - y, right - x)),
        ("8", turned, &|x, y| (y, right - x)),
    ];
    for (tag, size, place) in all {
        check(&format!("orientation-{tag}.tif"), size, 1, place);
        if ["3", "6", "7"].contains(&tag) {
            check(&format!("exif-{tag}.jpg"), size, 2, place);
        }
    }
}

#[test]
fn what_is_not_read_says_so() {
    let error = read("unsupported.tif").map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ImageUnsupported, "{error}");
}
