//! Lines of text cut out of a picture, as the recogniser wants them: level and of one height.

use crate::picture::Picture;
use crate::regions::Region;

/// Height of a strip in pixels.
pub const STRIP_HEIGHT: usize = 48;
/// Strips are padded to multiples of this width, so that how a line is padded depends on the line alone.
const WIDTH_STEP: usize = 32;
/// Width of the widest strip: a line of 10 points over 24 inches has half of it. Longer ones are squeezed.
const MOST_WIDTH: usize = 16_384;

/// A line of text, level, 48 pixels high, one byte a pixel.
#[derive(Clone, Debug)]
pub struct Strip {
    /// Where it was cut out.
    pub region: Region,
    width: usize,
    pixels: Vec<u8>,
}

/// Share of a word's pixels that are as dark as its ink, at least.
const DARKEST_SHARE: f32 = 0.03;

/// The gray of ink and of what it stands on.
struct Tones {
    ink: f32,
    paper: f32,
}

impl Strip {
    /// Cuts a line out of the picture.
    #[must_use]
    pub fn cut(picture: &Picture<'_>, region: Region) -> Self {
        let width = Self::width_of(&region);
        let mut pixels = vec![255; width * STRIP_HEIGHT];
        let pitch = (2.0 * region.half.0 / width as f32, 2.0 * region.half.1 / STRIP_HEIGHT as f32);
        let (sin, cos) = region.angle.sin_cos();
        for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
            let over = (y as f32 + 0.5) * pitch.1 - region.half.1;
            let start = region.point(0.5 * pitch.0 - region.half.0, over);
            picture.sample_row(start, (pitch.0 * cos, pitch.0 * sin), pitch.0.min(pitch.1), row);
        }
        Self { region, width, pixels }
    }

    /// The strip as it is seen from the other side of the paper.
    #[must_use]
    pub fn mirrored(mut self) -> Self {
        self.pixels.chunks_exact_mut(self.width).for_each(<[u8]>::reverse);
        self
    }

    /// Width in pixels of the strip that a region gives.
    #[must_use]
    pub fn width_of(region: &Region) -> usize {
        let width = (STRIP_HEIGHT as f32 * region.half.0 / region.half.1).ceil();
        (width as usize).clamp(1, MOST_WIDTH)
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Width that strips of this width are padded to.
    #[must_use]
    pub fn padded(width: usize) -> usize {
        width.next_multiple_of(WIDTH_STEP)
    }

    /// Writes the strip as three equal channels (channel, row, column) with values from -1 to 1 to `out`, which has
    /// `3 * STRIP_HEIGHT * padded` elements; 0 beyond its width.
    pub fn write(&self, padded: usize, out: &mut [f32]) {
        out.fill(0.0);
        for channel in out.chunks_exact_mut(STRIP_HEIGHT * padded) {
            for (row, out) in self.pixels.chunks_exact(self.width).zip(channel.chunks_exact_mut(padded)) {
                for (value, out) in row.iter().zip(out) {
                    *out = f32::from(*value) / 127.5 - 1.0;
                }
            }
        }
    }

    /// How far ink and paper are apart, 0 to 255.
    #[must_use]
    pub fn contrast(&self) -> f32 {
        let Tones { ink, paper } = self.tones();
        (ink - paper).abs()
    }

    /// How far the ink between two columns and the strip's paper are apart.
    pub(crate) fn contrast_between(&self, left: usize, right: usize) -> f32 {
        let Tones { ink, paper } = self.tones();
        let columns = left.min(self.width - 1)..right.clamp(left + 1, self.width.max(left + 1));
        let rows = self.pixels.chunks_exact(self.width);
        let mut distances: Vec<f32> = rows
            .flat_map(|row| row.get(columns.clone()).unwrap_or_default())
            .map(|&value| if ink > paper { f32::from(value) - paper } else { paper - f32::from(value) })
            .collect();
        let last = distances.len().saturating_sub(1) as f32;
        let at = (last * DARKEST_SHARE) as usize;
        if distances.is_empty() {
            0.0
        } else {
            distances.select_nth_unstable_by(at, |a, b| b.total_cmp(a)).1.max(0.0)
        }
    }

    fn tones(&self) -> Tones {
        let mut counts = [0usize; 256];
        self.pixels.iter().for_each(|&value| counts[usize::from(value)] += 1);
        let at = |share: f32| {
            let mut left = ((self.pixels.len() - 1) as f32 * share) as usize;
            let value = counts.iter().position(|&count| {
                let is_here = left < count;
                left = left.saturating_sub(count);
                is_here
            });
            value.unwrap_or(255) as f32
        };
        let (dark, middle, light) = (at(0.02), at(0.5), at(0.98));
        if middle - dark < light - middle {
            Tones { ink: light, paper: at(0.3) }
        } else {
            Tones { ink: dark, paper: at(0.7) }
        }
    }

    /// Which pixels are ink, row by row: darker than the middle between the darkest and the paper, or lighter where the
    /// line is light on dark.
    pub(crate) fn ink(&self) -> Vec<bool> {
        let Tones { ink, paper } = self.tones();
        let (limit, light_on_dark) = (paper + 0.45 * (ink - paper), ink > paper);
        let is_ink = |value: u8| {
            if light_on_dark { f32::from(value) > limit } else { f32::from(value) < limit }
        };
        self.pixels.iter().map(|&value| is_ink(value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_line_comes_out_level() {
        let (width, height) = (400usize, 300usize);
        let angle = 10.0f32.to_radians();
        let (sin, cos) = angle.sin_cos();
        // A black bar of 200 x 10 pixels around the centre.
        let pixels: Vec<u8> = (0..width * height)
            .map(|at| {
                let (x, y) = ((at % width) as f32 - 199.5, (at / width) as f32 - 149.5);
                let inside = (x * cos + y * sin).abs() < 100.0 && (y * cos - x * sin).abs() < 5.0;
                if inside { 0 } else { 255 }
            })
            .collect();
        let picture = Picture::new(width, height, pixels).unwrap();
        let region = Region { center: (200.0, 150.0), half: (120.0, 12.0), angle, score: 1.0 };
        let strip = Strip::cut(&picture, region);
        assert_eq!(strip.width(), 480);
        let ink = strip.ink();
        let rows: Vec<usize> =
            (0..STRIP_HEIGHT).filter(|y| ink[y * 480..][..480].iter().any(|ink| *ink)).collect();
        // 10 of 24 pixels in the middle.
        assert!((13..=15).contains(&rows[0]) && (32..=34).contains(rows.last().unwrap()), "{rows:?}");
        let mut tensor = vec![9.0; 3 * STRIP_HEIGHT * 512];
        strip.write(512, &mut tensor);
        assert_eq!((tensor[500], tensor[24 * 512 + 240]), (0.0, -1.0));
        assert_eq!(tensor[24 * 512 + 240], tensor[(48 + 24) * 512 + 240]);
    }

    #[test]
    fn light_letters_on_dark_are_the_ink() {
        let mut pixels = vec![30; 96 * 48];
        (18..26).for_each(|y| pixels[y * 96 + 40..y * 96 + 60].fill(240));
        let picture = Picture::new(96, 48, pixels).unwrap();
        let region = Region { center: (48.0, 24.0), half: (48.0, 24.0), angle: 0.0, score: 1.0 };
        let strip = Strip::cut(&picture, region);
        let ink = strip.ink();
        assert!(ink[20 * 96 + 50] && !ink[10 * 96 + 50]);
    }
}
