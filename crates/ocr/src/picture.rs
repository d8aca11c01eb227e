//! A gray picture with its reductions.

use std::borrow::Cow;

/// Reductions are made down to this many pixels on the shorter side.
const SMALLEST_SIDE: usize = 64;
/// Share of the pixels that are darker than what counts as full ink: text covers a few percent of a page.
const INK_SHARE: f64 = 0.005;
/// Share of the pixels that are darker than what counts as paper.
const PAPER_SHARE: f64 = 0.7;
/// Ink and paper that are less apart than this are stretched to black and white.
const LOW_CONTRAST: u8 = 170;
/// Ink and paper that are less apart than this are one: an empty page is not stretched to noise.
const NO_CONTRAST: u8 = 24;

/// One byte a pixel, rows from the top, 0 is black.
#[derive(Clone, Debug)]
struct Level<'a> {
    width: usize,
    height: usize,
    pixels: Cow<'a, [u8]>,
}

/// A gray picture, and itself at half its size, a quarter, and so on.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    levels: Vec<Level<'a>>,
}

impl<'a> Picture<'a> {
    /// A picture of `width` by `height` pixels; `None` if it has none or there are not as many bytes. Where ink and paper
    /// are close to each other, they are stretched apart.
    #[must_use]
    pub fn new(width: usize, height: usize, pixels: impl Into<Cow<'a, [u8]>>) -> Option<Self> {
        let pixels = pixels.into();
        if width == 0 || height == 0 || width.checked_mul(height) != Some(pixels.len()) {
            return None;
        }
        let mut level = Level { width, height, pixels };
        if let Some(table) = stretch(&level.pixels) {
            level.pixels = level.pixels.iter().map(|&value| table[usize::from(value)]).collect();
        }
        Some(Self::of(level))
    }

    fn of(first: Level<'a>) -> Self {
        let mut levels = vec![first];
        while let Some(half) = levels.last().and_then(Level::half) {
            levels.push(half);
        }
        Self { levels }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.levels[0].width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.levels[0].height
    }

    /// The picture turned clockwise by so many quarters.
    #[must_use]
    pub fn turned(&self, quarters: u8) -> Picture<'static> {
        let Level { width, height, pixels } = &self.levels[0];
        let (w, h) = (*width, *height);
        let pixels: Vec<u8> = match quarters % 4 {
            0 => pixels.to_vec(),
            2 => pixels.iter().rev().copied().collect(),
            // A row of the turned picture is a column of this one: from the bottom up when turned clockwise.
            1 => (0..w).flat_map(|x| (0..h).rev().map(move |y| pixels[y * w + x])).collect(),
            _ => (0..w).rev().flat_map(|x| (0..h).map(move |y| pixels[y * w + x])).collect(),
        };
        let (width, height) = if quarters.is_multiple_of(2) { (w, h) } else { (h, w) };
        Picture::of(Level { width, height, pixels: pixels.into() })
    }

    /// Writes the picture at another size to `out`, which has `width * height` elements, each value through `table`.
    pub fn resize(&self, width: usize, height: usize, table: &[f32; 256], out: &mut [f32]) {
        let factor = (self.width() as f32 / width as f32).min(self.height() as f32 / height as f32);
        let level = self.level(factor);
        let (across, down) = (level.width as f32 / width as f32, level.height as f32 / height as f32);
        let columns: Vec<(usize, usize, f32)> =
            (0..width).map(|x| neighbours((x as f32 + 0.5) * across - 0.5, level.width)).collect();
        for (y, row) in out.chunks_exact_mut(width).take(height).enumerate() {
            let (above, below, v) = neighbours((y as f32 + 0.5) * down - 0.5, level.height);
            let above = &level.pixels[above * level.width..][..level.width];
            let below = &level.pixels[below * level.width..][..level.width];
            for (value, &(left, right, u)) in row.iter_mut().zip(&columns) {
                let blend = |row: &[u8]| {
                    let (a, b) = (table[usize::from(row[left])], table[usize::from(row[right])]);
                    a + (b - a) * u
                };
                let (a, b) = (blend(above), blend(below));
                *value = a + (b - a) * v;
            }
        }
    }

    /// The reduction to sample where neighbouring samples are `step` pixels of the picture apart.
    fn level(&self, step: f32) -> &Level<'a> {
        let halvings = step.max(1.0).log2().floor() as usize;
        &self.levels[halvings.min(self.levels.len() - 1)]
    }

    /// Which pixels are ink where samples are at most `step` pixels apart: darker than somewhat below the paper. Gives the
    /// width, too, and how many pixels of the picture one of them covers.
    pub(crate) fn ink(&self, step: f32) -> (Vec<bool>, usize, f32) {
        let level = self.level(step);
        let (ink, paper) = tones(&level.pixels).unwrap_or((0, 255));
        let limit = f32::from(paper) - 0.4 * f32::from(paper.saturating_sub(ink));
        let pixels = level.pixels.iter().map(|&value| f32::from(value) < limit).collect();
        (pixels, level.width, self.width() as f32 / level.width as f32)
    }

    /// A row of samples, 0 to 255, `step` apart from `start` on; white outside the picture.
    pub(crate) fn sample_row(&self, start: (f32, f32), step: (f32, f32), pitch: f32, out: &mut [u8]) {
        let level = self.level(pitch);
        let (across, down) =
            (level.width as f32 / self.width() as f32, level.height as f32 / self.height() as f32);
        let (dx, dy) = (step.0 * across, step.1 * down);
        let (x0, y0) = (start.0 * across - 0.5, start.1 * down - 0.5);
        for (at, value) in out.iter_mut().enumerate() {
            *value = level.sample(x0 + dx * at as f32, y0 + dy * at as f32);
        }
    }
}

impl Level<'_> {
    fn half(&self) -> Option<Level<'static>> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width.min(height) < SMALLEST_SIDE {
            return None;
        }
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let above = &self.pixels[2 * y * self.width..][..2 * width];
            let below = &self.pixels[(2 * y + 1) * self.width..][..2 * width];
            let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
            pixels.extend(pairs.map(|(a, b)| {
                ((u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]) + 2) / 4) as u8
            }));
        }
        Some(Level { width, height, pixels: pixels.into() })
    }

    /// The value at a place between pixel centres.
    fn sample(&self, x: f32, y: f32) -> u8 {
        if !(x > -1.0 && y > -1.0 && x < self.width as f32 && y < self.height as f32) {
            return 255;
        }
        let (left, right, u) = neighbours(x, self.width);
        let (above, below, v) = neighbours(y, self.height);
        let at = |x: usize, y: usize| f32::from(self.pixels[y * self.width + x]);
        let top = at(left, above) + (at(right, above) - at(left, above)) * u;
        let bottom = at(left, below) + (at(right, below) - at(left, below)) * u;
        (top + (bottom - top) * v + 0.5) as u8
    }
}

/// The two pixels around a place, and how far it lies towards the second.
fn neighbours(place: f32, size: usize) -> (usize, usize, f32) {
    let place = place.clamp(0.0, (size - 1) as f32);
    let first = place as usize;
    (first, (first + 1).min(size - 1), place - first as f32)
}

/// The gray of ink and of paper.
fn tones(pixels: &[u8]) -> Option<(u8, u8)> {
    let mut counts = [0u64; 256];
    pixels.iter().for_each(|&value| counts[usize::from(value)] += 1);
    let below = |share: f64| {
        let wanted = (share * pixels.len() as f64) as u64;
        let mut sum = 0;
        counts.iter().position(|count| {
            sum += count;
            sum > wanted
        })
    };
    Some((below(INK_SHARE)? as u8, below(PAPER_SHARE)? as u8))
}

/// What every value becomes where ink and paper are close to each other.
fn stretch(pixels: &[u8]) -> Option<[u8; 256]> {
    let (ink, paper) = tones(pixels)?;
    let span = paper.saturating_sub(ink);
    if !(NO_CONTRAST..LOW_CONTRAST).contains(&span) {
        return None;
    }
    let mut table = [0; 256];
    for (value, out) in table.iter_mut().enumerate() {
        let above = (value as f32 - f32::from(ink)) / f32::from(span);
        *out = (above * 255.0).round().clamp(0.0, 255.0) as u8;
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [f32; 256] = {
        let mut table = [0.0; 256];
        let mut at = 0;
        while at < 256 {
            table[at] = at as f32;
            at += 1;
        }
        table
    };

    #[test]
    fn sizes_are_checked() {
        assert!(Picture::new(2, 2, vec![0; 3]).is_none());
        assert!(Picture::new(0, 0, vec![]).is_none());
        assert!(Picture::new(usize::MAX, 2, vec![0; 3]).is_none());
        assert!(Picture::new(3, 1, vec![0; 3]).is_some());
    }

    #[test]
    fn four_quarters_are_a_whole_turn() {
        let picture = Picture::new(3, 2, vec![0, 50, 100, 150, 200, 250]).unwrap();
        let turned = picture.turned(1);
        assert_eq!((turned.width(), turned.height()), (2, 3));
        assert_eq!(&*turned.levels[0].pixels, [150, 0, 200, 50, 250, 100]);
        assert_eq!(picture.turned(3).levels[0].pixels, turned.turned(2).levels[0].pixels);
        assert_eq!(turned.turned(3).levels[0].pixels, picture.levels[0].pixels);
    }

    #[test]
    fn a_level_gray_stays_itself_at_every_size() {
        let picture = Picture::new(600, 400, vec![77; 240_000]).unwrap();
        for (width, height) in [(32, 32), (300, 200), (1000, 900)] {
            let mut out = vec![0.0; width * height];
            picture.resize(width, height, &PLAIN, &mut out);
            assert!(out.iter().all(|&value| (value - 77.0).abs() < 1e-3));
        }
    }

    #[test]
    fn faint_ink_becomes_black_on_white_and_empty_paper_stays_itself() {
        let mut pixels = vec![200; 10_000];
        pixels[..300].fill(120);
        let picture = Picture::new(100, 100, pixels).unwrap();
        assert_eq!((picture.levels[0].pixels[0], picture.levels[0].pixels[9_999]), (0, 255));
        let noise: Vec<u8> = (0..10_000).map(|at| 240 + (at % 7) as u8).collect();
        assert_eq!(&*Picture::new(100, 100, noise.clone()).unwrap().levels[0].pixels, noise);
    }
}
