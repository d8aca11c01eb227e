//! Dashes that stand alone: the zeros of statements. Detectors are trained on letters and pass them over, so they are found
//! by their shape, their place in a row of words and the empty paper around them.

use crate::picture::Picture;
use crate::words::Word;

/// Width of a dash (from a hyphen to an em dash), and its greatest height, in font sizes.
const WIDTH: std::ops::RangeInclusive<f32> = 0.2..=1.15;
const HEIGHT: f32 = 0.16;
/// Least ratio of width to height, and least share of the box that is ink.
const SLENDER: f32 = 2.2;
const FILLED: f32 = 0.65;
/// Empty paper to the sides, above and below, in font sizes.
const AROUND: (f32, f32) = (0.35, 0.4);
/// Where in the height of its row a dash may lie, from the top.
const MIDDLE: std::ops::RangeInclusive<f32> = 0.35..=0.8;
/// From these widths on it is an em dash, and an en dash.
const EM_DASH: f32 = 0.7;
const EN_DASH: f32 = 0.4;
/// Share of those found that are dashes.
const PROBABILITY: f32 = 0.95;
/// Pixels that a font size has, at least, where dashes are looked for.
const LEAST_SIZE: f32 = 16.0;

/// Dashes beside the words of a picture whose lines have this angle, in radians.
#[must_use]
pub fn dashes(picture: &Picture<'_>, words: &[Word], skew: f32) -> Vec<Word> {
    let mut sizes: Vec<f32> = words.iter().map(|word| word.font_size).collect();
    sizes.sort_by(f32::total_cmp);
    let Some(&size) = sizes.get(sizes.len() / 2) else { return Vec::new() };
    let (ink, width, scale) = picture.ink(size / LEAST_SIZE);
    let height = ink.len() / width;
    let size = size / scale;
    let mut found = Vec::new();
    let mut seen = vec![false; ink.len()];
    let mut stack = Vec::new();
    for start in 0..ink.len() {
        if seen[start] || !ink[start] {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        let (mut left, mut right, mut top, mut bottom, mut count) = (width, 0, height, 0, 0usize);
        while let Some(at) = stack.pop() {
            let (x, y) = (at % width, at / width);
            (left, right, top, bottom) = (left.min(x), right.max(x), top.min(y), bottom.max(y));
            count += 1;
            for row in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for next in row * width + x.saturating_sub(1)..=row * width + (x + 1).min(width - 1) {
                    if ink[next] && !seen[next] {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        let (w, h) = ((right - left + 1) as f32, (bottom - top + 1) as f32);
        // A crooked dash is as much higher as it rises.
        let level = (h - w * skew.abs()).max(1.0);
        let is_bar = WIDTH.contains(&(w / size)) && level <= (HEIGHT * size).max(3.0) && w >= SLENDER * level;
        if !is_bar || (count as f32) < FILLED * w * level {
            continue;
        }
        let (dx, dy) = ((AROUND.0 * size) as usize, (AROUND.1 * size) as usize);
        let around = (top.saturating_sub(dy)..(bottom + dy + 1).min(height)).map(|y| {
            let row = &ink[y * width..(y + 1) * width];
            row[left.saturating_sub(dx)..(right + dx + 1).min(width)].iter().filter(|ink| **ink).count()
        });
        if around.sum::<usize>() > count {
            continue;
        }
        let bbox =
            [left as f32, top as f32, right as f32 + 1.0, bottom as f32 + 1.0].map(|side| side * scale);
        found.extend(dash(bbox, words, skew));
    }
    found
}

/// The dash with this box, if it stands in a row of words and in none of them.
fn dash(bbox: [f32; 4], words: &[Word], skew: f32) -> Option<Word> {
    let (x, y) = ((bbox[0] + bbox[2]) / 2.0, (bbox[1] + bbox[3]) / 2.0);
    let inside = |word: &Word| word.bbox[0] < x && x < word.bbox[2] && word.bbox[1] < y && y < word.bbox[3];
    if words.iter().any(inside) {
        return None;
    }
    let distance = |word: &Word| (word.bbox[0] - x).max(x - word.bbox[2]);
    let row = words.iter().filter(|word| {
        let [left, top, right, bottom] = word.bbox;
        // Where the dash would be if the line were level at the word.
        let y = y + ((left + right) / 2.0 - x) * skew.tan();
        word.direction == 0
            && word.text.chars().any(char::is_alphanumeric)
            && MIDDLE.contains(&((y - top) / (bottom - top)))
    });
    let nearest = row.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let size = nearest.font_size;
    let text = match (bbox[2] - bbox[0]) / size {
        width if width >= EM_DASH => "—",
        width if width >= EN_DASH => "–",
        _ => "-",
    };
    let rise = (x - (nearest.bbox[0] + nearest.bbox[2]) / 2.0) * skew.tan();
    Some(Word {
        text: text.to_owned(),
        bbox: [bbox[0], nearest.bbox[1] + rise, bbox[2], nearest.bbox[3] + rise],
        font_size: size,
        probability: PROBABILITY,
        contrast: 255.0,
        direction: 0,
        starts_line: true,
        hyphenated: false,
        marks: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, bbox: [f32; 4]) -> Word {
        Word {
            text: text.into(),
            bbox,
            font_size: 40.0,
            probability: 0.9,
            contrast: 255.0,
            direction: 0,
            starts_line: true,
            hyphenated: false,
            marks: Vec::new(),
        }
    }

    /// 600 x 300 pixels of paper with these boxes of ink.
    fn picture(boxes: &[[usize; 4]]) -> Picture<'static> {
        let mut pixels = vec![255; 600 * 300];
        for &[left, top, right, bottom] in boxes {
            (top..bottom).for_each(|y| pixels[y * 600 + left..y * 600 + right].fill(0));
        }
        Picture::new(600, 300, pixels).unwrap()
    }

    #[test]
    fn a_bar_in_a_row_of_words_is_a_dash() {
        let words =
            [word("Goodwill", [20.0, 100.0, 160.0, 138.0]), word("1,204", [300.0, 100.0, 380.0, 138.0])];
        let found = dashes(&picture(&[[500, 118, 540, 121]]), &words, 0.0);
        assert_eq!(found.len(), 1);
        let dash = &found[0];
        assert_eq!((dash.text.as_str(), dash.font_size), ("—", 40.0));
        assert!(
            (dash.bbox[0] - 500.0).abs() < 3.0 && dash.bbox[1] == 100.0 && dash.bbox[3] == 138.0,
            "{dash:?}"
        );
        assert_eq!(dashes(&picture(&[[500, 118, 512, 121]]), &words, 0.0)[0].text, "-");
    }

    #[test]
    fn rulings_parts_of_words_and_bars_between_rows_are_none() {
        let words = [word("Goodwill", [20.0, 100.0, 160.0, 138.0])];
        for ink in [
            // A ruling, a bar under the row, one inside a word, a block, and one beside other ink.
            vec![[300, 118, 500, 121]],
            vec![[300, 140, 340, 143]],
            vec![[60, 118, 100, 121]],
            vec![[300, 110, 340, 130]],
            vec![[300, 118, 340, 121], [345, 105, 360, 135]],
        ] {
            assert_eq!(dashes(&picture(&ink), &words, 0.0), [], "{ink:?}");
        }
        assert_eq!(dashes(&picture(&[[500, 118, 540, 121]]), &[], 0.0), []);
    }
}
