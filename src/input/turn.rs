//! Pages that stand on their side or on their head, turned upright.

use crate::document::{BBox, PAGE_IMAGE_SIZE, Page, PageImage, Ruling, Word};

/// Turns a box on a page of this size clockwise by so many quarters.
pub(super) fn turn_box(bbox: &BBox, (width, height): (f32, f32), quarters: u8) -> BBox {
    let BBox { x0, y0, x1, y1 } = *bbox;
    match quarters % 4 {
        0 => *bbox,
        1 => BBox::new(height - y1, x0, height - y0, x1),
        2 => BBox::new(width - x1, height - y1, width - x0, height - y0),
        _ => BBox::new(y0, width - x1, y1, width - x0),
    }
}

/// Turns words of a page of this size clockwise.
pub(super) fn turn_words(words: &mut [Word], size: (f32, f32), quarters: u8) {
    for word in words {
        word.bbox = turn_box(&word.bbox, size, quarters);
        word.direction = (word.direction + 90 * u16::from(quarters % 4)) % 360;
    }
}

/// Moves words of a page of this size to where they stand when the page is turned back by this angle, in degrees clockwise,
/// around its centre. Their boxes lose what the angle added to their heights.
pub(super) fn straighten(words: &mut [Word], (width, height): (f32, f32), degrees: f32) {
    let (sin, cos) = (-degrees).to_radians().sin_cos();
    let (middle_x, middle_y) = (width / 2.0, height / 2.0);
    for word in words {
        let BBox { x0, y0, x1, y1 } = word.bbox;
        let (x, y) = ((x0 + x1) / 2.0 - middle_x, (y0 + y1) / 2.0 - middle_y);
        let (w, h) = (x1 - x0, y1 - y0);
        let (w, h) = if word.direction % 180 == 0 {
            (w, (h - w * sin.abs()).max(h / 2.0))
        } else {
            ((w - h * sin.abs()).max(w / 2.0), h)
        };
        let (x, y) = (x * cos - y * sin + middle_x, x * sin + y * cos + middle_y);
        word.bbox = BBox::new(x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0);
    }
}

/// Turns everything on a page clockwise but its words.
pub(super) fn turn_page(page: &mut Page, quarters: u8) {
    let size = (page.width, page.height);
    if quarters % 2 == 1 {
        (page.width, page.height) = (page.height, page.width);
    }
    page.rotation = (page.rotation + 90 * u16::from(quarters % 4)) % 360;
    for Ruling { bbox, horizontal } in &mut page.rulings {
        *bbox = turn_box(bbox, size, quarters);
        *horizontal ^= quarters % 2 == 1;
    }
    let pictures = page.pictures.iter_mut().map(|picture| &mut picture.bbox);
    page.images.iter_mut().chain(pictures).for_each(|bbox| *bbox = turn_box(bbox, size, quarters));
}

/// The picture for layout models, turned clockwise.
pub(super) fn turn_image(rgb: &[u8], quarters: u8) -> Result<PageImage, Vec<u8>> {
    let side = PAGE_IMAGE_SIZE as usize;
    let last = side - 1;
    let mut turned = Vec::with_capacity(rgb.len());
    for y in 0..side {
        for x in 0..side {
            let (column, row) = match quarters % 4 {
                0 => (x, y),
                1 => (y, last - x),
                2 => (last - x, last - y),
                _ => (last - y, x),
            };
            let at = 3 * (row * side + column);
            turned.extend_from_slice(rgb.get(at..at + 3).unwrap_or(&[255; 3]));
        }
    }
    PageImage::new(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_turn_with_the_page_and_come_back() {
        let bbox = BBox::new(10.0, 20.0, 40.0, 30.0);
        let (width, height) = (100.0, 200.0);
        assert_eq!(turn_box(&bbox, (width, height), 1), BBox::new(170.0, 10.0, 180.0, 40.0));
        let half = turn_box(&bbox, (width, height), 2);
        assert_eq!(half, BBox::new(60.0, 170.0, 90.0, 180.0));
        assert_eq!(turn_box(&half, (width, height), 2), bbox);
        let side = turn_box(&bbox, (width, height), 3);
        assert_eq!(turn_box(&side, (height, width), 1), bbox);
    }

    #[test]
    fn a_crooked_line_becomes_level() {
        let word = |x: f32| {
            let y = 400.0 + (x - 300.0) * 4.0f32.to_radians().tan();
            crate::document::Word {
                text: "word".into(),
                bbox: BBox::new(x - 20.0, y - 6.4, x + 20.0, y + 6.4),
                font_size: 10.0,
                font: u16::MAX,
                style: crate::document::WordStyle::default(),
                color: [0, 0, 0, 255],
                direction: 0,
                confidence: None,
            }
        };
        let mut words = [word(60.0), word(300.0), word(540.0)];
        straighten(&mut words, (600.0, 800.0), 4.0);
        for word in &words {
            assert!((word.bbox.center_y() - 400.0).abs() < 0.1, "{word:?}");
            assert!((word.bbox.height() - 10.0).abs() < 0.1 && (word.bbox.width() - 40.0).abs() < 0.1);
        }
    }

    #[test]
    fn the_picture_turns_like_the_boxes() {
        let side = PAGE_IMAGE_SIZE as usize;
        let mut rgb = vec![255; PageImage::BYTES];
        // A pixel near the left end of the top row.
        rgb[3 * 5..3 * 6].fill(0);
        let dark = |quarters| {
            let image = turn_image(&rgb, quarters).unwrap();
            let at = image.rgb().chunks_exact(3).position(|pixel| pixel == [0; 3]).unwrap();
            (at % side, at / side)
        };
        assert_eq!([dark(0), dark(1), dark(2), dark(3)], [(5, 0), (223, 5), (218, 223), (0, 218)]);
    }
}
