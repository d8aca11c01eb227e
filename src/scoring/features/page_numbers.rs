//! The numbers of a page, each with how far its print deviates from that of its column, its row and the page.

use std::collections::BTreeMap;

use crate::document::{Page, Word};

/// Deviations of a number, each 0 (as the others) to 1.
pub(super) const DEVIATIONS: [(&str, &str); 18] = [
    ("column_font", "another font than most of its column"),
    ("row_font", "another font than most numbers of its row"),
    ("column_size", "|ln(size / median size of its column)|, times 5"),
    ("row_size", "|ln(size / median size of its row)|, times 5"),
    ("column_color", "another colour than most of its column"),
    ("column_bold", "another weight than most of its column, while its row has that"),
    ("column_edge", "right edge against the column's in font sizes"),
    ("row_top", "top against the median of its row in font sizes, times 2"),
    ("row_bottom", "bottom against the median of its row in font sizes, times 2"),
    ("column_height", "|ln(height / median height of its column)|, times 5"),
    ("column_pitch", "|ln(width per character / median of its column)|, times 3"),
    ("page_pitch", "|ln(width per character and size / median of the page's numbers)|, times 3"),
    ("decimals", "other decimals than most of its column"),
    ("grouping", "no thousands separator where its column has them, or the reverse"),
    ("rare_font", "one over the page's words in its font"),
    ("crowded", "share of its box that other words cover"),
    ("edge_alone", "right edge off a column whose others are flush, in points over 2"),
    ("top_alone", "top off a row whose other numbers are level, in points over 2"),
];

/// Numbers with their deviations, in the order of the page's words.
pub(super) struct Numbers {
    /// Index of each number's word.
    pub words: Vec<usize>,
    /// Deviations of each.
    pub deviations: Vec<[f32; DEVIATIONS.len()]>,
    in_column: usize,
}

/// Width of a character in digits.
fn width_of(character: char) -> f32 {
    match character {
        '0'..='9' | '$' | '€' | '£' => 1.0,
        '%' => 1.6,
        '(' | ')' | '-' => 0.6,
        '—' => 2.0,
        _ => 0.5,
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 1
        && text.chars().all(|c| c.is_ascii_digit() || ".,()$%-–—€£".contains(c))
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

fn decimals(text: &str) -> usize {
    text.rsplit_once('.').map_or(0, |(_, after)| digits(after))
}

/// Right edge of the last digit: what follows hangs out of the column.
fn right_edge(word: &Word) -> f32 {
    let hanging: f32 = word.text.chars().rev().take_while(|c| !c.is_ascii_digit()).map(width_of).sum();
    let units: f32 = word.text.chars().map(width_of).sum();
    word.bbox.x1 - word.bbox.width() * hanging / units.max(0.1)
}

fn pitch(word: &Word) -> f32 {
    word.bbox.width() / word.text.chars().map(width_of).sum::<f32>().max(0.1)
}

fn median(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The most frequent value; of equals the smallest.
fn most<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}

fn flag(value: bool) -> f32 {
    f32::from(u8::from(value))
}

fn logarithm(value: f32, usual: f32, factor: f32) -> f32 {
    if value > 0.0 && usual > 0.0 { (factor * (value / usual).ln().abs()).min(1.0) } else { 0.0 }
}

impl Numbers {
    pub(super) fn of(page: &Page) -> Self {
        let words: Vec<usize> =
            (0..page.words.len()).filter(|word| is_number(&page.words[*word].text)).collect();
        let word = |number: usize| &page.words[words[number]];
        let columns = groups(
            words.len(),
            |number| right_edge(word(number)),
            |a, b| 0.7 * word(a).font_size.min(word(b).font_size).max(1.0),
        );
        let rows = groups(
            words.len(),
            |number| word(number).bbox.center_y(),
            |a, b| 0.4 * word(a).font_size.min(word(b).font_size).max(1.0),
        );
        let mut fonts: BTreeMap<u16, usize> = BTreeMap::new();
        for word in &page.words {
            *fonts.entry(word.font).or_default() += 1;
        }
        let page_pitch = median(
            (0..words.len()).map(|number| pitch(word(number)) / word(number).font_size.max(0.1)).collect(),
        );
        let mut deviations = vec![[0.0; DEVIATIONS.len()]; words.len()];
        let mut in_column = 0;
        for (number, found) in deviations.iter_mut().enumerate() {
            found[11] = logarithm(pitch(word(number)) / word(number).font_size.max(0.1), page_pitch, 3.0);
            found[14] = 1.0 / fonts.get(&word(number).font).copied().unwrap_or(1).max(1) as f32;
            found[15] = crowded(page, words[number]);
        }
        let mut typical_bold = vec![None; words.len()];
        for row in rows.iter().filter(|row| row.len() >= 2) {
            let others =
                |of: &dyn Fn(&Word) -> f32| median(row.iter().map(|number| of(word(*number))).collect());
            for (number, off) in alone(row, |number| level(word(number))) {
                deviations[number][17] = off;
            }
            let font = most(row.iter().map(|number| word(*number).font));
            let bold = most(row.iter().map(|number| word(*number).style.bold));
            let size = others(&|word| word.font_size);
            // Parentheses and commas reach lower and higher than digits.
            let top = others(&|word| word.bbox.y0);
            let bottom = others(&|word| word.bbox.y1);
            for number in row {
                let (found, word) = (&mut deviations[*number], word(*number));
                typical_bold[*number] = bold;
                found[1] = flag(font != Some(word.font));
                found[3] = logarithm(word.font_size, size, 5.0);
                found[7] = (2.0 * (word.bbox.y0 - top).abs() / word.font_size.max(1.0)).min(1.0);
                found[8] = (2.0 * (word.bbox.y1 - bottom).abs() / word.font_size.max(1.0)).min(1.0);
            }
        }
        for column in columns.iter().filter(|column| column.len() >= 3) {
            in_column += column.len();
            let others =
                |of: &dyn Fn(&Word) -> f32| median(column.iter().map(|number| of(word(*number))).collect());
            let font = most(column.iter().map(|number| word(*number).font));
            let color = most(column.iter().map(|number| word(*number).color));
            let bold = most(column.iter().map(|number| word(*number).style.bold));
            for (number, off) in alone(column, |number| flush(word(number))) {
                deviations[number][16] = off;
            }
            let places = most(column.iter().map(|number| decimals(&word(*number).text)));
            let long = || {
                column
                    .iter()
                    .filter(|number| digits(&word(**number).text) >= 4 + decimals(&word(**number).text))
            };
            let grouped = most(long().map(|number| word(*number).text.contains(',')));
            let several = long().count() >= 3;
            let (size, edge) = (others(&|word| word.font_size), others(&right_edge));
            let (height, usual_pitch) = (others(&|word| word.bbox.height()), others(&pitch));
            for number in column {
                let (found, word) = (&mut deviations[*number], word(*number));
                found[0] = flag(font != Some(word.font));
                found[2] = logarithm(word.font_size, size, 5.0);
                found[4] = flag(color != Some(word.color));
                found[5] = flag(
                    bold != Some(word.style.bold)
                        && typical_bold[*number].is_some_and(|row| Some(row) != Some(word.style.bold)),
                );
                found[6] = ((right_edge(word) - edge).abs() / word.font_size.max(1.0)).min(1.0);
                found[9] = logarithm(word.bbox.height(), height, 5.0);
                found[10] = logarithm(pitch(word), usual_pitch, 3.0);
                found[12] = flag(places != Some(decimals(&word.text)));
                found[13] = flag(
                    several
                        && digits(&word.text) >= 4 + decimals(&word.text)
                        && grouped != Some(word.text.contains(',')),
                );
            }
        }
        Self { words, deviations, in_column }
    }

    /// Numbers by the sum of their deviations, largest first.
    pub(super) fn order(&self) -> Vec<usize> {
        let sum = |number: usize| self.deviations[number].iter().sum::<f32>();
        let mut order: Vec<usize> = (0..self.words.len()).collect();
        order.sort_by(|a, b| sum(*b).total_cmp(&sum(*a)).then(a.cmp(b)));
        order
    }

    /// Share of the numbers that stand in a column of three or more.
    pub(super) fn in_columns(&self) -> f32 {
        self.in_column as f32 / self.words.len().max(1) as f32
    }
}

/// Right edge of a number that ends with a digit; what hangs out of a column can only be estimated.
fn flush(word: &Word) -> Option<f32> {
    word.text.ends_with(|c: char| c.is_ascii_digit()).then_some(word.bbox.x1)
}

/// Top of a number of digits and separators; parentheses and signs reach higher.
fn level(word: &Word) -> Option<f32> {
    word.text.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.').then_some(word.bbox.y0)
}

/// Items that are off where at least two others, and three quarters of them, are within a fifth of a point of each
/// other: by how much, in points over 2, at most 1.
fn alone(group: &[usize], position: impl Fn(usize) -> Option<f32>) -> Vec<(usize, f32)> {
    let placed: Vec<(usize, f32)> = group.iter().filter_map(|item| Some((*item, position(*item)?))).collect();
    let usual = median(placed.iter().map(|(_, at)| *at).collect());
    let off = |at: f32| (at - usual).abs();
    let astray: Vec<(usize, f32)> =
        placed.iter().filter(|(_, at)| off(*at) > 0.2).map(|(item, at)| (*item, off(*at))).collect();
    let together = placed.len() - astray.len();
    if together < 2 || together < 3 * astray.len() {
        return Vec::new();
    }
    astray.into_iter().filter(|(_, off)| *off > 0.4).map(|(item, off)| (item, (off / 2.0).min(1.0))).collect()
}

/// Groups of items whose positions follow each other within a distance.
fn groups(
    count: usize,
    position: impl Fn(usize) -> f32,
    near: impl Fn(usize, usize) -> f32,
) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| position(*a).total_cmp(&position(*b)).then(a.cmp(b)));
    let mut found: Vec<Vec<usize>> = Vec::new();
    for item in order {
        match found.last_mut() {
            Some(group)
                if group.last().is_some_and(|last| position(item) - position(*last) <= near(item, *last)) =>
            {
                group.push(item);
            }
            _ => found.push(vec![item]),
        }
    }
    found
}

/// Share of a word's box that other words cover, the most by one of them.
fn crowded(page: &Page, word: usize) -> f32 {
    let bbox = &page.words[word].bbox;
    page.words
        .iter()
        .enumerate()
        .filter(|(other, candidate)| *other != word && candidate.bbox.vertical_overlap(bbox) > 0.0)
        .map(|(_, candidate)| bbox.share_inside(&candidate.bbox))
        .fold(0.0, f32::max)
        .min(1.0)
}
