//! From a map of probabilities to the lines of text on it.

/// Most regions that are looked at: no page has more lines.
const MOST_REGIONS: usize = 5_000;
/// Sides of a region that are shorter than this are specks, in pixels of the map.
const SMALLEST_SIDE: f32 = 2.5;
/// From this ratio of its sides a region's own angle is better than the page's.
const LONG: f32 = 6.0;
/// Angles that differ less from the page's are the page's, in radians.
const SAME_ANGLE: f32 = 0.03;
/// A region so many times higher than wide is a line that runs up or down.
const UPRIGHT: f32 = 1.6;

/// How a detector's map is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorOptions {
    /// Probability from which a pixel belongs to text.
    pub threshold: f32,
    /// Mean probability that the pixels of a region must have.
    pub region_threshold: f32,
    /// How far regions are grown, for the detector marks their cores: by area times this divided by circumference.
    pub growth: f32,
}

/// A line of text: a rectangle that may be turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Centre, x and y.
    pub center: (f32, f32),
    /// Half of its length along the line, and half of its height.
    pub half: (f32, f32),
    /// Direction of the line in radians, clockwise from left-to-right.
    pub angle: f32,
    /// Mean probability of its pixels.
    pub score: f32,
}

impl Region {
    /// Whether the line runs up or down rather than across.
    #[must_use]
    pub fn is_upright(&self) -> bool {
        self.angle.sin().abs() > self.angle.cos().abs()
    }

    /// The same, its coordinates multiplied: along x and y alike up to rounding.
    #[must_use]
    pub fn scaled(self, across: f32, down: f32) -> Self {
        let (sin, cos) = self.angle.sin_cos();
        let (x, y) = (cos * across, sin * down);
        let along = x.hypot(y);
        let over = (sin * across).hypot(cos * down);
        Self {
            center: (self.center.0 * across, self.center.1 * down),
            half: (self.half.0 * along, self.half.1 * over),
            angle: y.atan2(x),
            ..self
        }
    }

    /// The same line read from its other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { angle: self.angle + std::f32::consts::PI, ..self }
    }

    /// The point at this distance from the centre along the line and across it.
    #[must_use]
    pub fn point(&self, along: f32, over: f32) -> (f32, f32) {
        let (sin, cos) = self.angle.sin_cos();
        (self.center.0 + along * cos - over * sin, self.center.1 + along * sin + over * cos)
    }
}

/// A connected set of pixels, by the ends of its rows.
struct Component {
    /// Corners of the convex hull, counter-clockwise in a system whose y axis points up.
    hull: Vec<(f32, f32)>,
    score: f32,
}

/// The lines of text on a map of `width` by `height` probabilities, from top to bottom; none if the sizes do not fit.
#[must_use]
pub fn regions(map: &[f32], width: usize, height: usize, options: &DetectorOptions) -> Vec<Region> {
    if width == 0 || width.checked_mul(height) != Some(map.len()) {
        return Vec::new();
    }
    let components = components(map, width, height, options);
    let own: Vec<Region> = components.iter().map(smallest).collect();
    let skew = skew(&own);
    let mut found: Vec<Region> = own
        .into_iter()
        .zip(&components)
        .filter_map(|(own, component)| {
            let difference = (own.angle - skew).abs();
            let own_angle = own.half.0 > LONG * own.half.1 && difference > SAME_ANGLE;
            let mut region = if own_angle { own } else { around(component, skew) };
            if 2.0 * region.half.0.min(region.half.1) < SMALLEST_SIDE {
                return None;
            }
            let (a, b) = (2.0 * region.half.0, 2.0 * region.half.1);
            let distance = a * b * options.growth / (2.0 * (a + b));
            region.half = (region.half.0 + distance, region.half.1 + distance);
            Some(if region.half.1 > UPRIGHT * region.half.0 { upright(region) } else { region })
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |region: &Region| (region.center.1, region.center.0);
        key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1))
    });
    found
}

/// Angle of the page's lines in radians, from its long lines; 0 without any. Lines that run up or down are left out.
#[must_use]
pub fn page_skew(regions: &[Region]) -> f32 {
    let across: Vec<Region> = regions.iter().filter(|region| !region.is_upright()).copied().collect();
    skew(&across)
}

/// The same rectangle as a line that runs downwards.
fn upright(region: Region) -> Region {
    let angle = region.angle + std::f32::consts::FRAC_PI_2;
    Region { half: (region.half.1, region.half.0), angle, ..region }
}

/// Median of the angles, weighted by length. Long lines only: short ones have any angle.
fn skew(regions: &[Region]) -> f32 {
    let mut angles: Vec<(f32, f32)> = regions
        .iter()
        .filter(|region| region.half.0 > LONG * region.half.1)
        .map(|region| (region.angle, region.half.0))
        .collect();
    angles.sort_by(|a, b| a.0.total_cmp(&b.0));
    let middle = angles.iter().map(|angle| angle.1).sum::<f32>() / 2.0;
    let mut sum = 0.0;
    let median = angles.iter().find(|angle| {
        sum += angle.1;
        sum >= middle
    });
    median.map_or(0.0, |angle| angle.0)
}

/// Connected pixels above the threshold whose mean is above the other one.
fn components(map: &[f32], width: usize, height: usize, options: &DetectorOptions) -> Vec<Component> {
    let mut seen = vec![false; map.len()];
    let mut found = Vec::new();
    let mut stack: Vec<usize> = Vec::new();
    // Leftmost and rightmost pixel of each row of the component in work.
    let mut ends: Vec<(usize, usize)> = vec![(usize::MAX, 0); height];
    for start in 0..map.len() {
        if seen[start] || map[start] <= options.threshold {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let (mut sum, mut count) = (0.0f64, 0u64);
        let (mut top, mut bottom) = (height, 0);
        while let Some(at) = stack.pop() {
            let (x, y) = (at % width, at / width);
            sum += f64::from(map[at]);
            count += 1;
            (top, bottom) = (top.min(y), bottom.max(y));
            ends[y] = (ends[y].0.min(x), ends[y].1.max(x));
            for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for next in row * width + x.saturating_sub(1)..=row * width + (x + 1).min(width - 1) {
                    if !seen[next] && map[next] > options.threshold {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        let mut corners = Vec::with_capacity(4 * (bottom - top + 1));
        for (y, ends) in ends.iter_mut().enumerate().take(bottom + 1).skip(top) {
            let (first, last) = std::mem::replace(ends, (usize::MAX, 0));
            for x in [first as f32, last as f32 + 1.0] {
                corners.extend([(x, y as f32), (x, y as f32 + 1.0)]);
            }
        }
        let score = (sum / count as f64) as f32;
        if score >= options.region_threshold {
            found.push(Component { hull: hull(corners), score });
            if found.len() == MOST_REGIONS {
                break;
            }
        }
    }
    found
}

/// Convex hull (Andrew's monotone chain).
fn hull(mut points: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    let mut chain: Vec<(f32, f32)> = Vec::with_capacity(points.len());
    let mut half = |points: &mut dyn Iterator<Item = (f32, f32)>| {
        let start = chain.len();
        for point in points {
            while chain.len() >= start + 2 {
                let (a, b) = (chain[chain.len() - 2], chain[chain.len() - 1]);
                if (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(point);
        }
        // The last point begins the other half.
        chain.pop();
    };
    half(&mut points.iter().copied());
    half(&mut points.iter().rev().copied());
    chain
}

/// The rectangle around a component whose sides have this angle.
fn around(component: &Component, angle: f32) -> Region {
    let (sin, cos) = angle.sin_cos();
    let mut along = (f32::INFINITY, f32::NEG_INFINITY);
    let mut over = along;
    for &(x, y) in &component.hull {
        let (a, o) = (x * cos + y * sin, y * cos - x * sin);
        along = (along.0.min(a), along.1.max(a));
        over = (over.0.min(o), over.1.max(o));
    }
    let (a, o) = ((along.0 + along.1) / 2.0, (over.0 + over.1) / 2.0);
    Region {
        center: (a * cos - o * sin, a * sin + o * cos),
        half: ((along.1 - along.0) / 2.0, (over.1 - over.0) / 2.0),
        angle,
        score: component.score,
    }
}

/// The smallest rectangle around a component. One of its sides lies on a side of the hull (Freeman and Shapira, 1975). Its
/// angle is between -45 and 45 degrees.
fn smallest(component: &Component) -> Region {
    let hull = &component.hull;
    let sides = hull.iter().zip(hull.iter().cycle().skip(1));
    sides
        .map(|(a, b)| {
            let quarter = std::f32::consts::FRAC_PI_2;
            let angle = (b.1 - a.1).atan2(b.0 - a.0);
            around(component, angle - (angle / quarter).round() * quarter)
        })
        .min_by(|a, b| (a.half.0 * a.half.1).total_cmp(&(b.half.0 * b.half.1)))
        .unwrap_or_else(|| around(component, 0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPTIONS: DetectorOptions = DetectorOptions { threshold: 0.3, region_threshold: 0.5, growth: 0.0 };

    /// A map with a bar of these half sides at this angle, each in the middle of 200 x 200.
    fn bar(half: (f32, f32), angle: f32) -> Vec<f32> {
        let (sin, cos) = angle.sin_cos();
        (0..40_000)
            .map(|at| {
                let (x, y) = ((at % 200) as f32 + 0.5 - 100.0, (at / 200) as f32 + 0.5 - 100.0);
                let (along, over) = (x * cos + y * sin, y * cos - x * sin);
                if along.abs() <= half.0 && over.abs() <= half.1 { 0.9 } else { 0.1 }
            })
            .collect()
    }

    #[test]
    fn turned_bars_are_found_with_their_angle() {
        for degrees in [-30.0f32, -4.0, -0.6, 0.0, 2.0, 40.0] {
            let found = regions(&bar((60.0, 6.0), degrees.to_radians()), 200, 200, &OPTIONS);
            assert_eq!(found.len(), 1);
            let region = found[0];
            assert!((region.angle.to_degrees() - degrees).abs() < 0.8, "{degrees} {region:?}");
            assert!((region.half.0 - 60.0).abs() < 1.5 && (region.half.1 - 6.0).abs() < 1.5, "{region:?}");
            assert!((region.center.0 - 100.0).abs() < 1.0 && (region.center.1 - 100.0).abs() < 1.0);
            assert!((page_skew(&found).to_degrees() - degrees).abs() < 0.8);
        }
    }

    #[test]
    fn bars_that_stand_upright_run_down() {
        let found = regions(&bar((6.0, 60.0), 0.0), 200, 200, &OPTIONS);
        assert!(found[0].is_upright() && found[0].half.0 > 50.0, "{found:?}");
        assert_eq!(page_skew(&found), 0.0);
        let (x, y) = found[0].point(10.0, 0.0);
        assert!((x - 100.0).abs() < 0.1 && (y - 110.0).abs() < 0.1);
    }

    #[test]
    fn faint_regions_and_specks_are_none() {
        let faint: Vec<f32> =
            bar((60.0, 6.0), 0.0).iter().map(|&value| if value > 0.5 { 0.4 } else { 0.0 }).collect();
        assert_eq!(regions(&faint, 200, 200, &OPTIONS), []);
        assert_eq!(regions(&bar((0.6, 0.6), 0.0), 200, 200, &OPTIONS), []);
        assert_eq!(regions(&[0.9; 12], 200, 200, &OPTIONS), []);
    }

    #[test]
    fn growth_follows_area_and_circumference() {
        let grown = DetectorOptions { growth: 1.5, ..OPTIONS };
        let found = regions(&bar((60.0, 6.0), 0.0), 200, 200, &grown)[0];
        // 120 x 12: 1440 * 1.5 / 264.
        assert!((found.half.0 - 60.0 - 8.18).abs() < 0.1 && (found.half.1 - 6.0 - 8.18).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn any_map_gives_finite_regions(map in prop::collection::vec(0.0f32..1.0, 30 * 20)) {
            for region in regions(&map, 30, 20, &OPTIONS) {
                prop_assert!(region.half.0.is_finite() && region.half.1 > 0.0 && region.angle.is_finite());
                prop_assert!((0.0..=30.0).contains(&region.center.0) && (0.0..=20.0).contains(&region.center.1));
            }
        }
    }
}
