//! Ink on a drawn page that looks like text: what a text layer would have words for.
//!
//! A page is drawn at about a pixel a point. There letters are blobs a few pixels high that stand beside others of their
//! height, on paper of one tone. Photographs have no such paper, drawings no such neighbours.

use crate::document::BBox;

/// Distance from the tone of the paper, 0 to 255, from which a pixel is ink.
const INK: u8 = 48;
/// Distance within which a pixel has the tone of the paper: scans are noisy.
const PAPER: u8 = 28;
/// Share of a picture that must have the tone of the paper; photographs have less.
const LEAST_PAPER: f32 = 0.35;
/// Height of a letter or of letters that touch, in pixels.
const LETTER_HEIGHT: std::ops::RangeInclusive<usize> = 3..=30;
/// Widest run of letters that touch, in pixels.
const WORD_WIDTH: usize = 300;
/// Blobs of a picture that are looked at; one with more is made of dots.
const MOST_BLOBS: usize = 40_000;
/// Rows that share a bucket in the search for neighbours.
const BUCKET: usize = 8;

/// The brightness of a drawn page, 0 to 255, row by row from the top, with what words of its text layer cover.
pub(crate) struct Tones {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    covered: Vec<bool>,
    /// Pixels per point, across and down.
    scale: (f32, f32),
}

/// What a part of a page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ink {
    /// Blobs that look like text and lie on paper.
    pub(crate) letters: usize,
    /// Those among them that no word covers.
    pub(crate) uncovered: usize,
    /// Share of the pixels that have the tone of the paper, the most frequent one.
    pub(crate) paper: f32,
    /// Share of the pixels that are ink.
    pub(crate) ink: f32,
    /// Share of the ink that looks like text or like ruling lines.
    pub(crate) textual: f32,
}

/// Pixels that touch one another.
#[derive(Clone, Copy)]
struct Blob {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    pixels: usize,
    covered: usize,
}

impl Blob {
    fn width(&self) -> usize {
        self.right - self.left + 1
    }

    fn height(&self) -> usize {
        self.bottom - self.top + 1
    }

    fn is_letter(&self) -> bool {
        LETTER_HEIGHT.contains(&self.height())
            && self.width() <= WORD_WIDTH
            && self.width() < 40 * self.height()
            && self.pixels >= 5
            && self.pixels * 10 >= self.width() * self.height()
    }

    /// A ruling line, across or down.
    fn is_line(&self) -> bool {
        let (short, long) = (self.width().min(self.height()), self.width().max(self.height()));
        short <= 3 && long >= 12
    }

    /// Whether the other stands beside this one in a line of text.
    fn is_beside(&self, other: &Self) -> bool {
        let (low, high) = (self.height().min(other.height()), self.height().max(other.height()));
        let overlap = (self.bottom.min(other.bottom) + 1).saturating_sub(self.top.max(other.top));
        let gap = other.left.max(self.left).saturating_sub(self.right.min(other.right));
        2 * overlap >= low && high <= 3 * low && 2 * gap <= 5 * high
    }
}

impl Tones {
    /// The tones of a picture of a page of this size in points, and the boxes of words that a reader can see.
    pub(crate) fn new<'a>(
        (width, height): (u32, u32),
        luma: Vec<u8>,
        page: (f32, f32),
        words: impl Iterator<Item = &'a BBox>,
    ) -> Self {
        let (width, height) = (width as usize, height as usize);
        let scale = (width as f32 / page.0, height as f32 / page.1);
        let mut tones = Self { width, height, luma, covered: vec![false; width * height], scale };
        // Words that begin less words that end, added up along both sides: the time does not depend on how large they are.
        let stride = width + 1;
        let mut begins = vec![0i32; stride * (height + 1)];
        for word in words {
            let (columns, rows) = tones.pixels(word, 1.0);
            for (row, sign) in [(rows.start, 1), (rows.end, -1)] {
                begins[row * stride + columns.start] += sign;
                begins[row * stride + columns.end] -= sign;
            }
        }
        for row in 0..height {
            let mut here = 0;
            for column in 0..width {
                let at = row * stride + column;
                begins[at] += if row > 0 { begins[at - stride] } else { 0 };
                here += begins[at];
                tones.covered[row * width + column] = here > 0;
            }
        }
        tones
    }

    /// Columns and rows that a box touches, with so many pixels around it.
    fn pixels(&self, bbox: &BBox, around: f32) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let range = |low: f32, high: f32, scale: f32, length: usize| {
            let first = ((low * scale - around).floor().max(0.0) as usize).min(length);
            first..((high * scale + around).ceil().max(0.0) as usize).clamp(first, length)
        };
        (
            range(bbox.x0, bbox.x1, self.scale.0, self.width),
            range(bbox.y0, bbox.y1, self.scale.1, self.height),
        )
    }

    /// Looks at a part of the page.
    pub(crate) fn look(&self, bbox: &BBox) -> Ink {
        let (columns, rows) = self.pixels(bbox, 0.0);
        let size = (columns.len(), rows.len());
        if size.0 == 0 || size.1 == 0 {
            return Ink::default();
        }
        let mut counts = [0u32; 256];
        for row in rows.clone() {
            for value in &self.luma[row * self.width + columns.start..row * self.width + columns.end] {
                counts[usize::from(*value)] += 1;
            }
        }
        let all = (size.0 * size.1) as f32;
        let within = |tone: usize, distance: u8| -> u32 {
            let distance = usize::from(distance);
            counts[tone.saturating_sub(distance)..=(tone + distance).min(255)].iter().sum()
        };
        // The tone with the most pixels around it; the lighter of equals.
        let paper = (0..256).max_by_key(|tone| within(*tone, 6)).unwrap_or(255);
        let share = within(paper, PAPER) as f32 / all;
        let is_ink = |at: usize| usize::from(self.luma[at]).abs_diff(paper) > usize::from(INK);
        let mut ink = vec![false; size.0 * size.1];
        for (y, row) in rows.clone().enumerate() {
            for (x, column) in columns.clone().enumerate() {
                ink[y * size.0 + x] = is_ink(row * self.width + column);
            }
        }
        let pixels = ink.iter().filter(|ink| **ink).count();
        let mut result = Ink { paper: share, ink: pixels as f32 / all, ..Ink::default() };
        let Some(blobs) = self.blobs(ink, size, (columns.start, rows.start)) else { return result };
        let letters = lettering(&blobs);
        let textual: usize = letters.iter().map(|blob| blob.pixels).sum();
        let lines: usize = blobs.iter().filter(|blob| blob.is_line()).map(|blob| blob.pixels).sum();
        result.textual = (textual + lines) as f32 / pixels.max(1) as f32;
        if share >= LEAST_PAPER {
            result.letters = letters.len();
            result.uncovered = letters.iter().filter(|blob| 2 * blob.covered < blob.pixels).count();
        }
        result
    }

    /// Ink that touches; `None` where there is too much of it.
    fn blobs(
        &self,
        mut ink: Vec<bool>,
        (width, height): (usize, usize),
        from: (usize, usize),
    ) -> Option<Vec<Blob>> {
        let mut blobs = Vec::new();
        let mut open = Vec::new();
        for start in 0..ink.len() {
            if !ink[start] {
                continue;
            }
            if blobs.len() >= MOST_BLOBS {
                return None;
            }
            ink[start] = false;
            open.push(start);
            let (x, y) = (start % width, start / width);
            let mut blob = Blob { left: x, right: x, top: y, bottom: y, pixels: 0, covered: 0 };
            while let Some(at) = open.pop() {
                let (x, y) = (at % width, at / width);
                blob.left = blob.left.min(x);
                blob.right = blob.right.max(x);
                blob.top = blob.top.min(y);
                blob.bottom = blob.bottom.max(y);
                blob.pixels += 1;
                blob.covered += usize::from(self.covered[(from.1 + y) * self.width + from.0 + x]);
                for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                    for column in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                        let next = row * width + column;
                        if ink[next] {
                            ink[next] = false;
                            open.push(next);
                        }
                    }
                }
            }
            blobs.push(blob);
        }
        Some(blobs)
    }
}

/// The blobs that have the size of letters and stand beside others of their height.
fn lettering(blobs: &[Blob]) -> Vec<Blob> {
    let letters: Vec<Blob> = blobs.iter().filter(|blob| blob.is_letter()).copied().collect();
    let rows = letters.iter().map(|blob| blob.bottom / BUCKET + 1).max().unwrap_or(0);
    // Letters by the rows that they reach into, from left to right.
    let mut buckets: Vec<Vec<usize>> = vec![Vec::new(); rows];
    let mut order: Vec<usize> = (0..letters.len()).collect();
    order.sort_by_key(|index| (letters[*index].left, letters[*index].top));
    let mut beside = vec![false; letters.len()];
    for index in order {
        let own = &letters[index];
        for bucket in &mut buckets[own.top / BUCKET..=own.bottom / BUCKET] {
            // The nearest to the left come last; a few of them are enough.
            for other in bucket.iter().rev().take(6) {
                if letters[*other].is_beside(own) {
                    beside[*other] = true;
                    beside[index] = true;
                }
            }
            bucket.push(index);
        }
    }
    letters.into_iter().zip(beside).filter(|(_, beside)| *beside).map(|(blob, _)| blob).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A white page of 200 by 100 pixels and points with these black boxes.
    fn page(boxes: &[(usize, usize, usize, usize)], words: &[BBox]) -> Tones {
        let mut luma = vec![255; 200 * 100];
        for (x, y, width, height) in boxes {
            for row in *y..y + height {
                luma[row * 200 + x..row * 200 + x + width].fill(0);
            }
        }
        Tones::new((200, 100), luma, (200.0, 100.0), words.iter())
    }

    const ALL: BBox = BBox { x0: 0.0, y0: 0.0, x1: 200.0, y1: 100.0 };

    #[test]
    fn letters_stand_beside_others_and_are_covered_by_words() {
        let letters: Vec<_> = (0..10).map(|at| (20 + 7 * at, 40, 5, 8)).collect();
        let ink = page(&letters, &[]).look(&ALL);
        assert_eq!((ink.letters, ink.uncovered), (10, 10));
        assert!(ink.paper > 0.95 && ink.textual > 0.99, "{ink:?}");
        let ink = page(&letters, &[BBox::new(18.0, 38.0, 60.0, 50.0)]).look(&ALL);
        assert_eq!((ink.letters, ink.uncovered), (10, 4), "a word covers six of them");
    }

    #[test]
    fn lines_areas_and_scattered_specks_are_no_letters() {
        let drawing = [(10, 10, 150, 1), (10, 10, 1, 80), (60, 30, 60, 50), (150, 90, 4, 4), (20, 50, 4, 6)];
        let ink = page(&drawing, &[]).look(&ALL);
        assert_eq!(ink.letters, 0, "{ink:?}");
        assert!(ink.textual < 0.2, "{ink:?}");
    }

    #[test]
    fn photographs_have_no_paper() {
        let luma = (0..200 * 100).map(|at: usize| (at.wrapping_mul(2_654_435_761) >> 7) as u8).collect();
        let ink = Tones::new((200, 100), luma, (200.0, 100.0), std::iter::empty()).look(&ALL);
        assert!(ink.paper < LEAST_PAPER && ink.letters == 0, "{ink:?}");
        assert_eq!(page(&[], &[]).look(&BBox::new(300.0, 0.0, 310.0, 5.0)), Ink::default(), "off the page");
    }
}
