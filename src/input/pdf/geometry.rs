//! From PDF user space to reading coordinates, and affine transformations.

use crate::document::BBox;

/// An affine transformation `x' = a x + c y + e`, `y' = b x + d y + f` (PDF 32000-1, 8.3.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) c: f32,
    pub(super) d: f32,
    pub(super) e: f32,
    pub(super) f: f32,
}

impl Matrix {
    /// Leaves every point where it is.
    pub(super) const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// The point after the transformation.
    pub(super) fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// This transformation, then `next`.
    pub(super) fn then(&self, next: &Self) -> Self {
        let (e, f) = next.apply(self.e, self.f);
        Self {
            a: self.a * next.a + self.b * next.c,
            b: self.a * next.b + self.b * next.d,
            c: self.c * next.a + self.d * next.c,
            d: self.c * next.b + self.d * next.d,
            e,
            f,
        }
    }

    /// How much longer the vertical unit becomes: what turns a nominal font size into the size drawn.
    pub(super) fn vertical_scale(&self) -> f32 {
        self.c.hypot(self.d)
    }

    /// Mean scale, for stroke widths.
    pub(super) fn scale(&self) -> f32 {
        (self.a * self.d - self.b * self.c).abs().sqrt()
    }
}

/// The visible part of a page and its rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// Edges of the visible box in user space.
    pub(super) left: f32,
    pub(super) bottom: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    /// Clockwise quarter turns, 0 to 3.
    pub(super) turns: u8,
}

impl Frame {
    /// Width and height as a reader sees them, in points.
    pub(super) fn size(&self) -> (f32, f32) {
        let (width, height) = (self.right - self.left, self.top - self.bottom);
        if self.turns.is_multiple_of(2) { (width, height) } else { (height, width) }
    }

    /// A point of user space in reading coordinates.
    pub(super) fn point(&self, x: f32, y: f32) -> (f32, f32) {
        match self.turns {
            0 => (x - self.left, self.top - y),
            1 => (y - self.bottom, x - self.left),
            2 => (self.right - x, y - self.bottom),
            _ => (self.top - y, self.right - x),
        }
    }

    /// A rectangle of user space in reading coordinates.
    pub(super) fn rect(&self, left: f32, bottom: f32, right: f32, top: f32) -> BBox {
        let (x0, y0) = self.point(left, bottom);
        let (x1, y1) = self.point(right, top);
        BBox::new(x0, y0, x1, y1)
    }

    /// Direction of a text whose baseline runs along `(a, b)` in user space: degrees clockwise from
    /// left-to-right as a reader sees it, to the nearest right angle.
    pub(super) fn direction(&self, a: f32, b: f32) -> u16 {
        let counterclockwise = b.atan2(a).to_degrees();
        let quarters = (-counterclockwise / 90.0).round() as i32 + i32::from(self.turns);
        (quarters.rem_euclid(4) * 90) as u16
    }

    /// The whole visible page in reading coordinates.
    pub(super) fn page_box(&self) -> BBox {
        let (width, height) = self.size();
        BBox::new(0.0, 0.0, width, height)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_frame() -> impl Strategy<Value = Frame> {
        (-200.0f32..200.0, -200.0f32..200.0, 1.0f32..900.0, 1.0f32..900.0, 0u8..4).prop_map(
            |(left, bottom, width, height, turns)| Frame {
                left,
                bottom,
                right: left + width,
                top: bottom + height,
                turns,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_inside_stays_inside(frame in any_frame(), u in 0.0f32..1.0, v in 0.0f32..1.0) {
            let x = frame.left + u * (frame.right - frame.left);
            let y = frame.bottom + v * (frame.top - frame.bottom);
            let (x, y) = frame.point(x, y);
            let (width, height) = frame.size();
            prop_assert!(x > -0.01 && x < width + 0.01 && y > -0.01 && y < height + 0.01);
        }

        #[test]
        fn a_quarter_turn_is_clockwise(frame in any_frame(), u in 0.0f32..1.0, v in 0.0f32..1.0) {
            let turned = Frame { turns: (frame.turns + 1) % 4, ..frame };
            let x = frame.left + u * (frame.right - frame.left);
            let y = frame.bottom + v * (frame.top - frame.bottom);
            let ((x0, y0), (x1, y1)) = (frame.point(x, y), turned.point(x, y));
            // Clockwise: what was at height y from the top is now that far from the right edge.
            prop_assert!((y1 - x0).abs() < 0.01 && (turned.size().0 - x1 - y0).abs() < 0.01);
        }

        #[test]
        fn applying_one_after_the_other_is_the_product(
            m in prop::array::uniform6(-3.0f32..3.0), n in prop::array::uniform6(-3.0f32..3.0),
            x in -50.0f32..50.0, y in -50.0f32..50.0,
        ) {
            let [m, n] = [m, n].map(|[a, b, c, d, e, f]| Matrix { a, b, c, d, e, f });
            let (x1, y1) = m.apply(x, y);
            let (two, one) = (n.apply(x1, y1), m.then(&n).apply(x, y));
            prop_assert!((two.0 - one.0).abs() < 0.05 && (two.1 - one.1).abs() < 0.05);
        }
    }

    #[test]
    fn upright_text_on_a_turned_page_reads_left_to_right() {
        let frame = Frame { left: 0.0, bottom: 0.0, right: 612.0, top: 792.0, turns: 1 };
        assert_eq!(frame.direction(0.0, 1.0), 0);
        assert_eq!(frame.direction(1.0, 0.0), 90);
        assert_eq!(Frame { turns: 0, ..frame }.direction(0.0, 1.0), 270);
        assert_eq!(Frame { turns: 0, ..frame }.direction(-1.0, 0.0), 180);
    }
}
