//! From the characters of a strip to words with boxes on the picture.

use crate::glyphs::Glyph;
use crate::marks::Mark;
use crate::strips::{STRIP_HEIGHT, Strip};

/// A gap without ink between two characters that parts words though no space was read, in font sizes.
const WIDE_GAP: f32 = 0.75;
/// The same between an amount and a currency, which begins the next one.
const CURRENCY_GAP: f32 = 0.15;
/// Pixels of ink in a row without a gap that are a ruling below or through a line, and their share of a shorter strip: the
/// feet of typewriter letters nearly touch.
const RULING: (usize, f32) = (120, 0.85);
/// Share of a column that is ink in a ruling beside a word, and the width in pixels that such a ruling has at most.
const UPRIGHT_RULING: (f32, usize) = (0.85, 5);
/// Ink pixels from which a row or a column is not empty.
const LEAST_INK: usize = 2;
/// Height of capitals and digits, of letters like x, and depth of letters like g, in font sizes.
const CAPITALS: f32 = 0.70;
const LOW_LETTERS: f32 = 0.50;
const DESCENT: f32 = 0.21;
/// A font size of a strip whose ink says nothing, as a share of its height.
const USUAL_SIZE: f32 = 0.72;
/// Ink that is lower than this many pixels of a strip is not the line.
const LOWEST_BAND: usize = 12;

/// A word that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The characters.
    pub text: String,
    /// Box around its ink on the picture: left, top, right, bottom.
    pub bbox: [f32; 4],
    /// Font size in pixels of the picture.
    pub font_size: f32,
    /// Product of the probabilities of its characters.
    pub probability: f32,
    /// How far its ink and the line's paper are apart, 0 to 255.
    pub contrast: f32,
    /// Direction of writing in degrees clockwise from left-to-right: 0, 90, 180 or 270.
    pub direction: u16,
    /// First word of its line.
    pub starts_line: bool,
    /// Ends its line with a hyphen after a letter.
    pub hyphenated: bool,
    /// Its points and commas, and what may be dollars.
    pub(crate) marks: Vec<Mark>,
}

/// The words of a strip. `columns` are the recogniser's for the strip padded to `padded` pixels.
#[must_use]
pub fn words(strip: &Strip, glyphs: &[Glyph], columns: usize, padded: usize) -> Vec<Word> {
    let ink = Ink::of(strip);
    let scale = padded as f32 / columns.max(1) as f32;
    let place = |glyph: &Glyph| (glyph.column * scale).min(strip.width() as f32 - 1.0).max(0.0);
    let lines: String = glyphs.iter().map(|glyph| glyph.character).collect();
    let (top, bottom) = ink.band();
    let size = font_size(&lines, (bottom - top) as f32);
    let runs = runs(glyphs, |left, right| {
        let (from, to) = ink.gap(place(left) as usize, place(right) as usize);
        let ends_amount = left.character.is_ascii_digit() || matches!(left.character, ')' | '%' | '—' | '-');
        let begins_amount = matches!(right.character, '$' | '€' | '£');
        let widest = if ends_amount && begins_amount { CURRENCY_GAP } else { WIDE_GAP };
        (to - from) as f32 > widest * size
    });
    let baseline = if has_descent(&lines) { bottom as f32 - DESCENT * size } else { bottom as f32 };
    let rows = ((baseline - CAPITALS * size).min(top as f32), (baseline + DESCENT * size).max(bottom as f32));
    let mut found: Vec<Word> = Vec::with_capacity(runs.len());
    for (at, run) in runs.iter().enumerate() {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let before =
            at.checked_sub(1).and_then(|before| runs[before].last()).map_or(0, |glyph| place(glyph) as usize);
        let after =
            runs.get(at + 1).and_then(|run| run.first()).map_or(strip.width(), |glyph| place(glyph) as usize);
        let reach = (size * WIDE_GAP) as usize;
        let left = ink.left_end(place(first) as usize, before, reach);
        let right = ink.right_end(place(last) as usize, after, reach);
        found.push(Word {
            text: run.iter().map(|glyph| glyph.character).collect(),
            bbox: strip.on_picture((left as f32, rows.0), (right as f32, rows.1)),
            font_size: size * 2.0 * strip.region.half.1 / STRIP_HEIGHT as f32,
            probability: run.iter().map(|glyph| glyph.probability).product(),
            contrast: strip.contrast_between(left, right),
            direction: direction(strip.region.angle),
            starts_line: at == 0,
            hyphenated: false,
            marks: marks(run),
        });
    }
    if let Some(last) = found.last_mut() {
        last.hyphenated = ends_with_hyphen(&last.text);
    }
    found
}

fn marks(run: &[Glyph]) -> Vec<Mark> {
    let marks = run.iter().enumerate().filter(|(_, glyph)| matches!(glyph.character, '.' | ',' | 'S' | 's'));
    marks.map(|(at, glyph)| Mark { at, probability: glyph.probability, other: glyph.other_mark }).collect()
}

/// Whether a word at a line's end looks split: a letter, then a hyphen.
#[must_use]
pub fn ends_with_hyphen(text: &str) -> bool {
    let mut characters = text.chars().rev();
    matches!(characters.next(), Some('-' | '\u{2010}' | '\u{AD}'))
        && characters.next().is_some_and(char::is_alphabetic)
}

/// The characters between spaces and wide gaps.
fn runs(glyphs: &[Glyph], is_wide: impl Fn(&Glyph, &Glyph) -> bool) -> Vec<Vec<Glyph>> {
    let mut runs: Vec<Vec<Glyph>> = Vec::new();
    let mut open = false;
    for glyph in glyphs {
        if glyph.character.is_whitespace() {
            open = false;
            continue;
        }
        match runs.last_mut() {
            Some(run) if open && !run.last().is_some_and(|last| is_wide(last, glyph)) => run.push(*glyph),
            _ => runs.push(vec![*glyph]),
        }
        open = true;
    }
    runs
}

/// Font size by the height of the ink and by what stands there.
fn font_size(text: &str, height: f32) -> f32 {
    let low = |character: char| matches!(character, 'a' | 'c' | 'e' | 'g' | 'i' | 'j' | 'm'..='s' | 'u'..='z' | '.' | ',' | '-' | '–' | '—' | ':' | ';' | ' ');
    let above = if text.chars().all(low) { LOW_LETTERS } else { CAPITALS };
    let below = if has_descent(text) { DESCENT } else { 0.0 };
    if !text.chars().any(char::is_alphanumeric) {
        USUAL_SIZE * STRIP_HEIGHT as f32
    } else {
        height / (above + below)
    }
}

fn has_descent(text: &str) -> bool {
    text.contains(['g', 'j', 'p', 'q', 'y', 'Q', '(', ')', '[', ']', '{', '}', '|', '$', ';', ','])
}

fn direction(angle: f32) -> u16 {
    let quarters = (angle / std::f32::consts::FRAC_PI_2).round() as i32;
    quarters.rem_euclid(4) as u16 * 90
}

/// Where a strip is inked, rulings left out.
struct Ink {
    columns: Vec<bool>,
    rows: Vec<usize>,
}

impl Ink {
    fn of(strip: &Strip) -> Self {
        let (width, mut ink) = (strip.width(), strip.ink());
        let longest = (width as f32 * RULING.1) as usize;
        let rulings = ink.chunks_exact_mut(width).flat_map(|row| row.chunk_by_mut(|a, b| a == b));
        rulings.filter(|run| run.len() > RULING.0.min(longest)).for_each(|run| run.fill(false));
        let rows = ink.chunks_exact(width).map(|row| row.iter().filter(|ink| **ink).count()).collect();
        let mut counts = vec![0usize; width];
        for row in ink.chunks_exact(width) {
            for (count, ink) in counts.iter_mut().zip(row) {
                *count += usize::from(*ink);
            }
        }
        let columns = counts.iter().map(|count| *count >= LEAST_INK).collect();
        let mut ink = Self { columns, rows };
        let (share, most) = UPRIGHT_RULING;
        let full = |count: usize| count as f32 > share * STRIP_HEIGHT as f32;
        let mut x = 0;
        while x < width {
            let run = counts[x..].iter().take_while(|count| full(**count)).count();
            if (1..=most).contains(&run) {
                let from = x.saturating_sub(1);
                ink.columns[from..(x + run + 1).min(width)].fill(false);
            }
            x += run.max(1);
        }
        ink
    }

    /// First and last row (exclusive) of the ink around the densest row.
    fn band(&self) -> (usize, usize) {
        let densest = (0..STRIP_HEIGHT).max_by_key(|&y| (self.rows[y], STRIP_HEIGHT - y)).unwrap_or(0);
        let empty = |y: &usize| self.rows[*y] < LEAST_INK;
        let top = (0..=densest).rev().find(empty).map_or(0, |y| y + 1);
        let bottom = (densest..STRIP_HEIGHT).find(empty).unwrap_or(STRIP_HEIGHT);
        if bottom.saturating_sub(top) < LOWEST_BAND {
            let margin = ((1.0 - CAPITALS) / 2.0 * STRIP_HEIGHT as f32) as usize;
            return (margin, STRIP_HEIGHT - margin);
        }
        (top, bottom)
    }

    /// The widest run without ink between two columns.
    fn gap(&self, from: usize, to: usize) -> (usize, usize) {
        let mut widest = (from, from);
        let mut start = from;
        for x in from..to.min(self.columns.len()) {
            if self.columns[x] {
                start = x + 1;
            } else if x + 1 - start > widest.1 - widest.0 {
                widest = (start, x + 1);
            }
        }
        widest
    }

    /// Where the ink of a word begins whose first character is around `x`: behind the widest gap after `before`, or after
    /// `reach` empty columns.
    fn left_end(&self, x: usize, before: usize, reach: usize) -> usize {
        let from = if before == 0 { 0 } else { self.gap(before, x).1 };
        let mut left = x;
        for at in (from..=x.min(self.columns.len() - 1)).rev() {
            if self.columns[at] {
                left = at;
            } else if left - at > reach {
                break;
            }
        }
        left
    }

    /// Where it ends.
    fn right_end(&self, x: usize, after: usize, reach: usize) -> usize {
        let to =
            if after >= self.columns.len() { self.columns.len() } else { self.gap(x, after).0.max(x + 1) };
        let mut right = x + 1;
        for at in x..to.min(self.columns.len()) {
            if self.columns[at] {
                right = at + 1;
            } else if at + 1 - right > reach {
                break;
            }
        }
        right
    }
}

impl Strip {
    /// The box on the picture around a rectangle of the strip.
    fn on_picture(&self, (left, top): (f32, f32), (right, bottom): (f32, f32)) -> [f32; 4] {
        let (half_along, half_over) = self.region.half;
        let along = |x: f32| x / self.width() as f32 * 2.0 * half_along - half_along;
        let over = |y: f32| y / STRIP_HEIGHT as f32 * 2.0 * half_over - half_over;
        // Its middle line and its height: a box around the corners of a long turned line would cover its neighbours.
        let middle = over((top + bottom) / 2.0);
        let (a, b) = (self.region.point(along(left), middle), self.region.point(along(right), middle));
        let half = over(bottom) - middle;
        let (sin, cos) = self.region.angle.sin_cos();
        let (dx, dy) = (half * sin.abs(), half * cos.abs());
        [a.0.min(b.0) - dx, a.1.min(b.1) - dy, a.0.max(b.0) + dx, a.1.max(b.1) + dy]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;
    use crate::regions::Region;

    /// A strip of 480 x 48 with blocks of ink at these columns, each 20 rows high.
    fn strip(blocks: &[(usize, usize)]) -> Strip {
        let mut pixels = vec![255; 480 * 48];
        for &(from, to) in blocks {
            for y in 14..34 {
                pixels[y * 480 + from..y * 480 + to].fill(0);
            }
        }
        let picture = Picture::new(480, 48, pixels).unwrap();
        let region = Region { center: (240.0, 24.0), half: (240.0, 24.0), angle: 0.0, score: 1.0 };
        Strip::cut(&picture, region)
    }

    fn glyphs(text: &[(char, f32)]) -> Vec<Glyph> {
        text.iter()
            .map(|&(character, column)| Glyph { character, column, probability: 0.9, other_mark: 0.0 })
            .collect()
    }

    #[test]
    fn words_end_at_spaces_and_at_wide_gaps_and_contain_their_ink() {
        let strip = strip(&[(20, 36), (40, 58), (75, 90), (300, 320)]);
        let glyphs = glyphs(&[('1', 3.5), ('2', 6.0), (' ', 8.5), ('A', 10.3), ('B', 38.7)]);
        let words = words(&strip, &glyphs, 60, 480);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["12", "A", "B"]);
        let spans: Vec<(f32, f32)> = words.iter().map(|word| (word.bbox[0], word.bbox[2])).collect();
        for (span, ink) in spans.iter().zip([(20.0, 58.0), (75.0, 90.0), (300.0, 320.0)]) {
            assert!((span.0 - ink.0).abs() <= 1.5 && (span.1 - ink.1).abs() <= 1.5, "{spans:?}");
        }
        assert!(words.iter().all(|word| word.bbox[1] <= 14.5 && word.bbox[3] >= 33.5), "{words:?}");
        // Digits of 20 pixels are of a font of 28.6.
        assert!((words[0].font_size - 28.6).abs() < 2.0, "{words:?}");
        assert_eq!(words.iter().map(|word| word.starts_line).collect::<Vec<_>>(), [true, false, false]);
        assert!((words[0].probability - 0.81).abs() < 1e-6);
    }

    #[test]
    fn rulings_are_no_ink() {
        let mut pixels = vec![255u8; 480 * 48];
        pixels[40 * 480..41 * 480].fill(0);
        (0..48).for_each(|y| pixels[y * 480 + 110..y * 480 + 112].fill(0));
        (14..34).for_each(|y| pixels[y * 480 + 40..y * 480 + 100].fill(0));
        let picture = Picture::new(480, 48, pixels).unwrap();
        let region = Region { center: (240.0, 24.0), half: (240.0, 24.0), angle: 0.0, score: 1.0 };
        let strip = Strip::cut(&picture, region);
        let words = words(&strip, &glyphs(&[('8', 8.0)]), 60, 480);
        assert!((words[0].bbox[2] - 100.0).abs() <= 2.0, "{words:?}");
    }

    #[test]
    fn hyphens_after_letters_split_words() {
        assert!(ends_with_hyphen("in-") && ends_with_hyphen("in\u{2010}"));
        assert!(!ends_with_hyphen("-") && !ends_with_hyphen("5-"));
    }
}
