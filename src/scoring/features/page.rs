//! Typography, numbers and layout of a page, for the detection of tampering: each number is compared with its column,
//! its row and the page, each word with its line, and the page with the other pages of the document.

use std::collections::{BTreeMap, BTreeSet};

use super::alike::alike;
use super::page_numbers::{DEVIATIONS, Numbers};
use super::{Behind, Document, Feature, FeatureSet, Row};
use crate::document::analysis::Place;
use crate::document::findings::ScoreTarget;
use crate::document::{Page, Word};
use crate::limit::Limit;
use docproc_networks::spec::FeatureSetId;

/// Number of features.
pub const LENGTH: usize = 256;
/// Fewest words that a page must have.
pub const MIN_WORDS: usize = 10;
/// Fewest numbers that a page must have: with fewer there is nothing that they could deviate from.
pub const MIN_NUMBERS: usize = 8;
/// Numbers that are described one by one: those that deviate most.
const SHOWN: usize = 5;
/// Deviation above which a number counts as deviating.
const NOTABLE: f32 = 0.25;

const SHARE: (f32, f32) = (0.0, 1.0);

/// Deviations of a word of text from its line.
const LINE_DEVIATIONS: [(&str, &str); 6] = [
    ("font", "another font than both neighbours"),
    ("size", "|ln(size / size of the line)|, at most 1"),
    ("color", "another colour than both neighbours"),
    ("bold", "another weight than both neighbours"),
    ("top", "top against the line's top in font sizes, at most 1"),
    ("bottom", "bottom against the line's bottom in font sizes, at most 1"),
];

/// Features of the whole page: name, meaning, range.
const WHOLE: [(&str, &str, (f32, f32)); 36] = [
    ("words", "ln(1 + words)", (0.0, 12.0)),
    ("numbers", "ln(1 + numbers)", (0.0, 12.0)),
    ("numbers_share", "share of numbers among the words", SHARE),
    ("column_numbers_share", "share of numbers that stand in a column of three or more", SHARE),
    ("fonts", "ln(1 + fonts in use)", (0.0, 12.0)),
    ("rare_fonts", "ln(1 + fonts with three words or fewer)", (0.0, 12.0)),
    ("single_font_words", "ln(1 + words that are alone in their font)", (0.0, 12.0)),
    ("number_fonts", "ln(1 + fonts of numbers)", (0.0, 12.0)),
    ("number_fonts_rare", "ln(1 + fonts with one or two numbers)", (0.0, 12.0)),
    (
        "number_fonts_only_numbers",
        "ln(1 + fonts that only numbers use, with one or two of them)",
        (0.0, 12.0),
    ),
    ("sizes", "ln(1 + sizes in use, by tenths of a point)", (0.0, 12.0)),
    ("rare_sizes", "ln(1 + sizes with three words or fewer)", (0.0, 12.0)),
    ("colors", "ln(1 + colours in use)", (0.0, 12.0)),
    ("rare_colors", "ln(1 + colours with three words or fewer)", (0.0, 12.0)),
    ("invisible", "ln(1 + words that are drawn invisibly)", (0.0, 12.0)),
    ("invisible_share", "share of them", SHARE),
    ("invisible_numbers", "ln(1 + numbers among them)", (0.0, 12.0)),
    ("white", "ln(1 + words in almost white)", (0.0, 12.0)),
    ("white_numbers", "ln(1 + numbers among them)", (0.0, 12.0)),
    ("tiny", "ln(1 + words below 3 points)", (0.0, 12.0)),
    ("outside", "ln(1 + words that lie outside the page)", (0.0, 12.0)),
    ("overlapped", "ln(1 + words that another word covers by more than a third)", (0.0, 12.0)),
    ("overlapped_numbers", "ln(1 + numbers among them)", (0.0, 12.0)),
    ("under_images", "ln(1 + words inside images)", (0.0, 12.0)),
    ("rulings", "ln(1 + rulings)", (0.0, 12.0)),
    ("images", "ln(1 + images)", (0.0, 12.0)),
    ("font_size", "median font size", (0.0, 200.0)),
    ("bold_share", "share of bold words", SHARE),
    ("italic_share", "share of italic words", SHARE),
    ("rotated_share", "share of words that are not written left to right", SHARE),
    ("width", "page width in thousand points", (0.0, 100.0)),
    ("height", "page height in thousand points", (0.0, 100.0)),
    ("same_words", "largest share of words that another page has too (Jaccard)", SHARE),
    ("same_numbers", "largest share of numbers that another page has too (Jaccard)", SHARE),
    ("same_places", "largest share of words that another page has at the same place", SHARE),
    (
        "same_pages",
        "ln(1 + pages with more than nine tenths of the same words at the same place)",
        (0.0, 12.0),
    ),
];

/// Digits, shares and histograms that fill up the vector.
const REST: usize =
    LENGTH - SHOWN * (DEVIATIONS.len() + 1) - 3 * DEVIATIONS.len() - 3 * LINE_DEVIATIONS.len() - WHOLE.len();
const FIRST_DIGITS: usize = 9;
const LAST_DIGITS: usize = 10;
const SHARES: usize = 8;

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let mut features = Vec::new();
    let mut add =
        |name: String, meaning: String, range: (f32, f32)| features.push(Feature { name, meaning, range });
    for number in 1..=SHOWN {
        for (name, meaning) in DEVIATIONS {
            add(
                format!("number{number}_{name}"),
                format!("number {number} by deviation: {meaning}"),
                (0.0, 1.0),
            );
        }
        add(
            format!("number{number}_sum"),
            format!("number {number} by deviation: sum of its deviations"),
            (0.0, 20.0),
        );
    }
    for (name, meaning) in DEVIATIONS {
        add(format!("most_{name}"), format!("largest over the numbers: {meaning}"), SHARE);
        add(format!("mean_{name}"), format!("mean over the numbers: {meaning}"), SHARE);
        add(format!("notable_{name}"), format!("ln(1 + numbers above {NOTABLE}): {meaning}"), (0.0, 12.0));
    }
    for (name, meaning) in LINE_DEVIATIONS {
        add(format!("line_most_{name}"), format!("largest over the words: {meaning}"), SHARE);
        add(format!("line_mean_{name}"), format!("mean over the words: {meaning}"), SHARE);
        add(format!("line_notable_{name}"), format!("ln(1 + words above {NOTABLE}): {meaning}"), (0.0, 12.0));
    }
    for (name, meaning, range) in WHOLE {
        add(format!("page_{name}"), meaning.to_owned(), range);
    }
    for digit in 1..=FIRST_DIGITS {
        add(format!("first_digit_{digit}"), format!("share of numbers that start with {digit}"), SHARE);
    }
    for digit in 0..LAST_DIGITS {
        add(format!("last_digit_{digit}"), format!("share of numbers that end with {digit}"), SHARE);
    }
    for rank in 1..=SHARES {
        add(format!("font_share_{rank}"), format!("share of the words of the font with rank {rank}"), SHARE);
    }
    let bins = REST - FIRST_DIGITS - LAST_DIGITS - SHARES;
    for bin in 0..bins {
        add(
            format!("deviating_{bin}"),
            format!("share of numbers whose deviations add up to {:.2} or more", limit(bin)),
            SHARE,
        );
    }
    FeatureSet { id: FeatureSetId { name: "page".to_owned(), version: 2 }, subject: "page", features }
}

fn limit(bin: usize) -> f32 {
    0.1 * (bin + 1) as f32
}

/// Every page with at least [`MIN_WORDS`] words and [`MIN_NUMBERS`] numbers; needs the words as the page reader saw them.
pub(super) fn rows(document: &Document<'_>, limit: &Limit) -> Vec<Row> {
    let alike = alike(document.words, limit);
    limit
        .within(document.words.iter().zip(&alike))
        .filter(|(page, _)| page.words.len() >= MIN_WORDS)
        .filter_map(|(page, alike)| {
            let numbers = Numbers::of(page);
            (numbers.words.len() >= MIN_NUMBERS).then(|| {
                let (values, places) = of(page, &numbers, alike);
                Row { target: ScoreTarget::Page(page.number), values, behind: Behind::Places(places) }
            })
        })
        .collect()
}

fn of(page: &Page, numbers: &Numbers, alike: &[f32; 4]) -> (Vec<f32>, Vec<Place>) {
    let deviations = &numbers.deviations;
    let mut values = Vec::with_capacity(LENGTH);
    let order = numbers.order();
    for rank in 0..SHOWN {
        match order.get(rank) {
            Some(number) => {
                values.extend_from_slice(&deviations[*number]);
                values.push(deviations[*number].iter().sum());
            }
            None => values.extend([0.0; DEVIATIONS.len() + 1]),
        }
    }
    for kind in 0..DEVIATIONS.len() {
        summarize(deviations.iter().map(|row| row[kind]), &mut values);
    }
    let lines = line_deviations(page);
    for kind in 0..LINE_DEVIATIONS.len() {
        summarize(lines.iter().map(|row| row[kind]), &mut values);
    }
    values.extend(whole(page, numbers, alike));
    let digits = |of: &dyn Fn(&str) -> Option<u32>, from: u32, count: usize, values: &mut Vec<f32>| {
        let found: Vec<u32> = numbers.words.iter().filter_map(|word| of(&page.words[*word].text)).collect();
        for digit in 0..count as u32 {
            values.push(share(found.iter().filter(|other| **other == digit + from).count(), found.len()));
        }
    };
    let is_digit = |text: &str| -> Vec<u32> { text.chars().filter_map(|c| c.to_digit(10)).collect() };
    digits(&|text| is_digit(text).into_iter().find(|digit| *digit > 0), 1, FIRST_DIGITS, &mut values);
    digits(&|text| is_digit(text).last().copied(), 0, LAST_DIGITS, &mut values);
    let mut fonts: Vec<usize> = counts(page.words.iter().map(|word| word.font)).into_values().collect();
    fonts.sort_unstable_by(|a, b| b.cmp(a));
    values.extend((0..SHARES).map(|rank| share(fonts.get(rank).copied().unwrap_or(0), page.words.len())));
    let sums: Vec<f32> = deviations.iter().map(|row| row.iter().sum()).collect();
    for bin in 0..LENGTH - values.len() {
        values.push(share(sums.iter().filter(|sum| **sum >= limit(bin)).count(), sums.len()));
    }
    let places = order
        .iter()
        .take(SHOWN)
        .filter(|number| deviations[**number].iter().sum::<f32>() >= NOTABLE)
        .map(|number| Place { page: page.number, bbox: page.words[numbers.words[*number]].bbox })
        .collect();
    (values, places)
}

fn summarize(values: impl Iterator<Item = f32>, into: &mut Vec<f32>) {
    let (mut count, mut sum, mut most, mut notable) = (0usize, 0.0, 0.0f32, 0usize);
    for value in values {
        count += 1;
        sum += value;
        most = most.max(value);
        notable += usize::from(value > NOTABLE);
    }
    into.extend([most, sum / count.max(1) as f32, (notable as f32).ln_1p()]);
}

fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole.max(1) as f32
}

fn counts<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// Words in lines as the text layer breaks them, each compared with the words beside it.
fn line_deviations(page: &Page) -> Vec<[f32; LINE_DEVIATIONS.len()]> {
    let mut rows = Vec::new();
    for (before, at, after) in (1..page.words.len().saturating_sub(1)).map(|at| (at - 1, at, at + 1)) {
        let [left, word, right] = [before, at, after].map(|index| &page.words[index]);
        let same_line =
            |other: &Word| (other.bbox.center_y() - word.bbox.center_y()).abs() < 0.6 * word.font_size;
        if !(same_line(left) && same_line(right)) || word.font_size <= 0.0 {
            continue;
        }
        let both = |differs: &dyn Fn(&Word) -> bool| f32::from(u8::from(differs(left) && differs(right)));
        let near = |of: &dyn Fn(&Word) -> f32| {
            ((of(word) - of(left)).abs().min((of(word) - of(right)).abs()) / word.font_size).min(1.0)
        };
        let size = |other: &Word| (word.font_size / other.font_size.max(0.1)).ln().abs();
        rows.push([
            both(&|other| other.font != word.font),
            size(left).min(size(right)).min(1.0),
            both(&|other| other.color != word.color),
            both(&|other| other.style.bold != word.style.bold),
            near(&|other| other.bbox.y0),
            near(&|other| other.bbox.y1),
        ]);
    }
    rows
}

fn whole(page: &Page, numbers: &Numbers, alike: &[f32; 4]) -> [f32; WHOLE.len()] {
    let words = &page.words;
    let count = words.len();
    let is_number: BTreeSet<usize> = numbers.words.iter().copied().collect();
    let of_words = |test: &dyn Fn(&Word) -> bool| words.iter().filter(|word| test(word)).count();
    let of_numbers =
        |test: &dyn Fn(&Word) -> bool| numbers.words.iter().filter(|word| test(&words[**word])).count();
    let fonts = counts(words.iter().map(|word| word.font));
    let number_fonts = counts(numbers.words.iter().map(|word| words[*word].font));
    let sizes = counts(words.iter().map(|word| (word.font_size * 10.0).round() as i64));
    let colors = counts(words.iter().map(|word| word.color));
    let rare = |counts: &mut dyn Iterator<Item = usize>| counts.filter(|count| *count <= 3).count();
    let invisible = |word: &Word| word.style.invisible;
    let white = |word: &Word| word.color[..3].iter().all(|part| *part > 240);
    let overlapped = overlapped(page);
    let outside = |word: &Word| {
        let bbox = &word.bbox;
        bbox.x1 < 0.0 || bbox.y1 < 0.0 || bbox.x0 > page.width || bbox.y0 > page.height
    };
    let ln = |count: usize| (count as f32).ln_1p();
    [
        ln(count),
        ln(numbers.words.len()),
        share(numbers.words.len(), count),
        numbers.in_columns(),
        ln(fonts.len()),
        ln(rare(&mut fonts.values().copied())),
        ln(fonts.values().filter(|count| **count == 1).count()),
        ln(number_fonts.len()),
        ln(number_fonts.values().filter(|count| **count <= 2).count()),
        ln(number_fonts
            .iter()
            .filter(|(font, count)| **count <= 2 && fonts.get(font) == Some(count))
            .count()),
        ln(sizes.len()),
        ln(rare(&mut sizes.values().copied())),
        ln(colors.len()),
        ln(rare(&mut colors.values().copied())),
        ln(of_words(&invisible)),
        share(of_words(&invisible), count),
        ln(of_numbers(&invisible)),
        ln(of_words(&white)),
        ln(of_numbers(&white)),
        ln(of_words(&|word| word.font_size < 3.0)),
        ln(of_words(&outside)),
        ln(overlapped.len()),
        ln(overlapped.iter().filter(|word| is_number.contains(word)).count()),
        ln(of_words(&|word| page.images.iter().any(|image| word.bbox.share_inside(image) > 0.5))),
        ln(page.rulings.len()),
        ln(page.images.len()),
        page.median_font_size(),
        share(of_words(&|word| word.style.bold), count),
        share(of_words(&|word| word.style.italic), count),
        share(of_words(&|word| word.direction != 0), count),
        page.width / 1000.0,
        page.height / 1000.0,
        alike[0],
        alike[1],
        alike[2],
        alike[3].ln_1p(),
    ]
}

/// Words of which another one covers more than a third.
fn overlapped(page: &Page) -> Vec<usize> {
    let mut order: Vec<usize> = (0..page.words.len()).collect();
    order.sort_by(|a, b| page.words[*a].bbox.y0.total_cmp(&page.words[*b].bbox.y0));
    let mut found = BTreeSet::new();
    for (at, first) in order.iter().enumerate() {
        let bbox = &page.words[*first].bbox;
        for second in &order[at + 1..] {
            let other = &page.words[*second].bbox;
            if other.y0 >= bbox.y1 {
                break;
            }
            if bbox.share_inside(other) > 1.0 / 3.0 {
                found.insert(*first);
            }
            if other.share_inside(bbox) > 1.0 / 3.0 {
                found.insert(*second);
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::document::{BBox, TextSource, WordStyle};

    /// Two columns of ten numbers with labels, set alike.
    fn page(number: u32) -> Page {
        let word = |text: String, x1: f32, y0: f32| Word {
            bbox: BBox::new(x1 - 5.0 * text.len() as f32, y0, x1, y0 + 10.0),
            text,
            font_size: 10.0,
            font: 0,
            style: WordStyle::default(),
            color: [0, 0, 0, 255],
            direction: 0,
            confidence: None,
        };
        let mut words = Vec::new();
        for row in 0..10 {
            let y0 = 100.0 + 14.0 * row as f32;
            words.push(word(format!("label{row}"), 120.0, y0));
            words.push(word(format!("{}{number}{}", 1 + row, 10 + row), 300.0, y0));
            words.push(word(format!("{}{number}{}", 2 + row, 20 + row), 400.0, y0));
        }
        Page {
            number,
            width: 612.0,
            height: 792.0,
            rotation: 0,
            label: None,
            text_source: TextSource::TextLayer,
            text_source_reason: String::new(),
            words,
            rulings: vec![],
            images: vec![],
            pictures: Vec::new(),
            fonts: vec![Arc::from("A"), Arc::from("B")],
            controls: 0,
        }
    }

    fn value(row: &Row, name: &str) -> f32 {
        row.values[set().features.iter().position(|feature| feature.name == name).unwrap()]
    }

    fn rows_of(pages: &[Page]) -> Vec<Row> {
        rows(&Document { words: pages, ..Document::default() }, &Limit::default())
    }

    #[test]
    fn there_are_256_in_their_ranges() {
        assert_eq!(set().len(), LENGTH);
        for row in rows_of(&[page(3), page(4)]) {
            assert_eq!(row.values.len(), LENGTH);
            for (value, feature) in row.values.iter().zip(set().features) {
                assert!((feature.range.0..=feature.range.1).contains(value), "{}: {value}", feature.name);
            }
        }
    }

    #[test]
    fn a_number_in_another_font_stands_out_and_is_cited() {
        let clean = page(3);
        let mut other = clean.clone();
        other.words[13].font = 1;
        other.words[13].bbox = BBox::new(290.0, 156.0, 303.0, 166.0);
        let rows = [&rows_of(std::slice::from_ref(&clean))[0], &rows_of(std::slice::from_ref(&other))[0]]
            .map(Clone::clone);
        assert_eq!((value(&rows[0], "most_column_font"), value(&rows[1], "most_column_font")), (0.0, 1.0));
        assert!(value(&rows[1], "number1_sum") > value(&rows[0], "number1_sum") + 1.0);
        let Behind::Places(places) = &rows[1].behind else { panic!("places") };
        assert_eq!((places[0].page, places[0].bbox), (3, other.words[13].bbox));
    }

    #[test]
    fn copied_covered_and_hidden_content_shows() {
        let mut pages = [page(3), page(4), page(3)];
        pages[2].number = 5;
        pages[1].words[4].style.invisible = true;
        let mut over = pages[1].words[7].clone();
        over.text = "999".to_owned();
        pages[1].words.push(over);
        let rows = rows_of(&pages);
        assert_eq!(value(&rows[0], "page_same_pages"), 1f32.ln_1p());
        assert_eq!(value(&rows[1], "page_same_pages"), 0.0);
        assert_eq!(value(&rows[1], "page_invisible_numbers"), 1f32.ln_1p());
        assert_eq!(value(&rows[1], "page_overlapped_numbers"), 2f32.ln_1p());
    }
}
