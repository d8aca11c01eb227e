//! Boxes on pages, in PDF points (1/72 inch).
//!
//! All boxes have their origin at the top left of the page as a reader sees it (after page rotation), x to the
//! right and y down, with `x0 <= x1` and `y0 <= y1`.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::round::round_to;

/// An axis-aligned box.
#[derive(Clone, Copy, PartialEq)]
pub struct BBox {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl BBox {
    /// The box between two corners, in any order. Coordinates that are not finite become 0.
    #[must_use]
    pub fn new(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        let (x0, y0, x1, y1) = (finite(x0), finite(y0), finite(x1), finite(y1));
        Self { x0: x0.min(x1), y0: y0.min(y1), x1: x0.max(x1), y1: y0.max(y1) }
    }

    /// Width, at least 0.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    /// Height, at least 0.
    #[must_use]
    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }

    /// Area in square units.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Horizontal middle.
    #[must_use]
    pub fn center_x(&self) -> f32 {
        f32::midpoint(self.x0, self.x1)
    }

    /// Vertical middle.
    #[must_use]
    pub fn center_y(&self) -> f32 {
        f32::midpoint(self.y0, self.y1)
    }

    /// Smallest box around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// Smallest box around all of them, or `None` of nothing.
    pub fn around<'a>(boxes: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        boxes.into_iter().copied().reduce(|all, next| all.union(&next))
    }

    /// Common part, or `None` if they do not touch.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (x0, y0) = (self.x0.max(other.x0), self.y0.max(other.y0));
        let (x1, y1) = (self.x1.min(other.x1), self.y1.min(other.y1));
        (x0 <= x1 && y0 <= y1).then_some(Self { x0, y0, x1, y1 })
    }

    /// Share of this box's area that lies inside `other`, 0 to 1; a box without area counts by its middle.
    #[must_use]
    pub fn share_inside(&self, other: &Self) -> f32 {
        if self.area() > 0.0 {
            self.intersection(other).map_or(0.0, |part| part.area()) / self.area()
        } else {
            f32::from(u8::from(other.contains_point(self.center_x(), self.center_y())))
        }
    }

    /// Length of the common part of the vertical extents, at least 0.
    #[must_use]
    pub fn vertical_overlap(&self, other: &Self) -> f32 {
        (self.y1.min(other.y1) - self.y0.max(other.y0)).max(0.0)
    }

    /// Length of the common part of the horizontal extents, at least 0.
    #[must_use]
    pub fn horizontal_overlap(&self, other: &Self) -> f32 {
        (self.x1.min(other.x1) - self.x0.max(other.x0)).max(0.0)
    }

    /// Whether the point lies inside or on the edge.
    #[must_use]
    pub fn contains_point(&self, x: f32, y: f32) -> bool {
        x >= self.x0 && x <= self.x1 && y >= self.y0 && y <= self.y1
    }

    /// LayoutLM coordinates: thousandths of the page, truncated to whole numbers and clamped to 0..=1000, as the
    /// reference implementation's `normalize_box` does (Hugging Face transformers, LayoutLMv3 documentation).
    #[must_use]
    pub fn normalize(&self, page_width: f32, page_height: f32) -> [i64; 4] {
        let scale = |value: f32, size: f32| {
            if size > 0.0 { ((1000.0 * (value / size)) as i64).clamp(0, 1000) } else { 0 }
        };
        [
            scale(self.x0, page_width),
            scale(self.y0, page_height),
            scale(self.x1, page_width),
            scale(self.y1, page_height),
        ]
    }
}

impl fmt::Debug for BBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}, {}]", self.x0, self.y0, self.x1, self.y1)
    }
}

/// Written as `[x0, y0, x1, y1]`, rounded to 2 decimals.
impl Serialize for BBox {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.x0, self.y0, self.x1, self.y1].map(|value| round_to(f64::from(value), 2)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BBox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [x0, y0, x1, y1] = <[f32; 4]>::deserialize(deserializer)?;
        Ok(Self::new(x0, y0, x1, y1))
    }
}

impl JsonSchema for BBox {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Box".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "description": "[x0, y0, x1, y1] in PDF points, origin top left, after page rotation",
            "items": { "type": "number" },
            "minItems": 4,
            "maxItems": 4,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_box() -> impl Strategy<Value = BBox> {
        [-50.0f32..900.0, -50.0f32..900.0, -50.0f32..900.0, -50.0f32..900.0]
            .prop_map(|[a, b, c, d]| BBox::new(a, b, c, d))
    }

    proptest! {
        #[test]
        fn union_contains_both_and_intersection_is_inside(a in any_box(), b in any_box()) {
            let all = a.union(&b);
            prop_assert!(a.share_inside(&all) > 0.999 && b.share_inside(&all) > 0.999);
            if let Some(part) = a.intersection(&b) {
                prop_assert!(part.share_inside(&a) > 0.99 && part.share_inside(&b) > 0.99);
            }
        }

        #[test]
        fn normalized_boxes_stay_in_range(a in any_box(), width in 0.0f32..2000.0, height in 0.0f32..2000.0) {
            let [x0, y0, x1, y1] = a.normalize(width, height);
            prop_assert!(0 <= x0 && x0 <= x1 && x1 <= 1000 && 0 <= y0 && y0 <= y1 && y1 <= 1000);
        }
    }

    #[test]
    fn corners_in_any_order_and_no_nan() {
        let bbox = BBox::new(5.0, f32::NAN, 1.0, 2.0);
        assert_eq!((bbox.x0, bbox.y0, bbox.x1, bbox.y1), (1.0, 0.0, 5.0, 2.0));
        assert_eq!(serde_json::to_string(&BBox::new(1.0, 2.005, 3.1, 4.0)).unwrap(), "[1.0,2.01,3.1,4.0]");
    }
}
