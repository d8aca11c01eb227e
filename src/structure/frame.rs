//! Reading coordinates of a writing direction: text runs to the right, lines follow downward.

use crate::document::{BBox, Page};

/// Turns boxes of a page so that text of one direction reads from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    direction: u16,
    width: f32,
    height: f32,
}

impl Frame {
    pub fn new(page: &Page, direction: u16) -> Self {
        Self { direction, width: page.width, height: page.height }
    }

    /// The frame of the direction that most words of the page have; ties go to the smaller angle.
    pub fn of_majority(page: &Page) -> Self {
        let mut counts = [0usize; 4];
        for word in &page.words {
            counts[usize::from(word.direction / 90) % 4] += 1;
        }
        let most = (0..4).rev().max_by_key(|index| counts[*index]).unwrap_or(0);
        Self::new(page, most as u16 * 90)
    }

    /// The box in reading coordinates.
    pub fn turn(self, bbox: &BBox) -> BBox {
        let (w, h) = (self.width, self.height);
        match self.direction {
            90 => BBox::new(bbox.y0, w - bbox.x1, bbox.y1, w - bbox.x0),
            180 => BBox::new(w - bbox.x1, h - bbox.y1, w - bbox.x0, h - bbox.y0),
            270 => BBox::new(h - bbox.y1, bbox.x0, h - bbox.y0, bbox.x1),
            _ => *bbox,
        }
    }
}
