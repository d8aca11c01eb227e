//! Proof by injection: one error at a time is put into the words of a correct document.
//!
//! Which numbers take part in which totals is said by [`Claim`]s that come from elsewhere (inline XBRL, a person),
//! never from the audit. Errors are made in the words of pages, so that tables are read anew from the changed page.
//! Every change breaks at least one claimed total by more than rounding.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::document::{Page, Word};

/// Distance in points up to which two words stand on one line, and two right edges in one column.
const ALIGNED: f32 = 4.0;
/// Distance in points up to which two rows can belong to one table.
const NEAR: f32 = 250.0;
/// Tries at making a wrong total.
const TRIES: usize = 8;

/// What is done to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Injection {
    /// Two different digits of a number change places.
    DigitSwap,
    /// Parentheses or a minus are added or taken away.
    Sign,
    /// Three zeros are added, or a group of three digits is lost.
    Scale,
    /// A total becomes a different number.
    WrongTotal,
    /// A number is replaced by that of the next column in the same row.
    StaleFigure,
    /// The numbers of two rows change places.
    MovedRow,
}

impl Injection {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::DigitSwap, Self::Sign, Self::Scale, Self::WrongTotal, Self::StaleFigure, Self::MovedRow];

    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DigitSwap => "digit_swap",
            Self::Sign => "sign",
            Self::Scale => "scale",
            Self::WrongTotal => "wrong_total",
            Self::StaleFigure => "stale_figure",
            Self::MovedRow => "moved_row",
        }
    }
}

/// A number of a claimed total, by the word that it is printed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClaimedNumber {
    /// Index of the page in the document's list of pages.
    pub page: usize,
    /// Index of the word on that page.
    pub word: usize,
    /// 1 if it is added, -1 if it is taken off.
    pub factor: i8,
    /// Printed value with its sign, before scale.
    pub value: f64,
    /// Unit of its last printed digit.
    pub unit: f64,
}

/// A total that a statement claims: terms, then the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What is added up.
    pub terms: Vec<ClaimedNumber>,
    /// The printed total.
    pub result: ClaimedNumber,
}

impl Claim {
    /// All its numbers, the result last.
    pub fn numbers(&self) -> impl Iterator<Item = &ClaimedNumber> {
        self.terms.iter().chain([&self.result])
    }

    /// Whether it fails by more than rounding when some of its numbers have these new values.
    #[must_use]
    pub fn is_broken(&self, changed: &BTreeMap<(usize, usize), f64>) -> bool {
        let now = |number: &ClaimedNumber| *changed.get(&(number.page, number.word)).unwrap_or(&number.value);
        let sum: f64 = self.terms.iter().map(|term| f64::from(term.factor) * now(term)).sum();
        let tolerance: f64 = self.numbers().map(|number| 0.5 * number.unit).sum();
        (sum - now(&self.result)).abs() > tolerance * (1.0 + 1e-9)
    }
}

/// New texts for words of one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Index of the page.
    pub page: usize,
    /// Word and its new text.
    pub words: Vec<(usize, String)>,
    /// What was changed, for a reader.
    pub description: String,
}

impl Change {
    /// Makes the change and gives back the old texts.
    pub fn apply(&self, page: &mut Page) -> Vec<(usize, String)> {
        let replace = |(word, text): &(usize, String)| {
            (*word, std::mem::replace(&mut page.words[*word].text, text.clone()))
        };
        self.words.iter().map(replace).collect()
    }
}

/// Plans up to `per_kind` errors of each kind; `seed` decides which. Each breaks a claim.
#[must_use]
pub fn plan(pages: &[Page], claims: &[Claim], seed: u64, per_kind: usize) -> Vec<(Injection, Change)> {
    let mut random = Random(seed);
    let mut planned = Vec::new();
    let mut all: BTreeMap<(usize, usize), ClaimedNumber> = BTreeMap::new();
    for number in claims.iter().flat_map(Claim::numbers) {
        all.insert((number.page, number.word), *number);
    }
    let mut results: Vec<ClaimedNumber> = claims.iter().map(|claim| claim.result).collect();
    results.sort_by_key(|number| (number.page, number.word));
    results.dedup_by_key(|number| (number.page, number.word));
    for kind in Injection::ALL {
        let mut places: Vec<ClaimedNumber> =
            if kind == Injection::WrongTotal { results.clone() } else { all.values().copied().collect() };
        random.shuffle(&mut places);
        let mut done = 0;
        for place in places {
            if done == per_kind {
                break;
            }
            let Some(change) = change(pages, &all, place, kind, &mut random) else { continue };
            let values: BTreeMap<(usize, usize), f64> = change
                .words
                .iter()
                .filter_map(|(word, text)| Some(((change.page, *word), value_of(text)?)))
                .collect();
            if claims.iter().any(|claim| claim.is_broken(&values)) {
                planned.push((kind, change));
                done += 1;
            }
        }
    }
    planned
}

fn change(
    pages: &[Page],
    all: &BTreeMap<(usize, usize), ClaimedNumber>,
    place: ClaimedNumber,
    kind: Injection,
    random: &mut Random,
) -> Option<Change> {
    let page = pages.get(place.page)?;
    let word = page.words.get(place.word)?;
    let text = word.text.as_str();
    let one = |new: String| {
        (new != text).then(|| Change {
            page: place.page,
            description: format!("{text} becomes {new}"),
            words: vec![(place.word, new)],
        })
    };
    let on_page = || all.range((place.page, 0)..(place.page + 1, 0)).map(|(_, number)| number);
    match kind {
        Injection::DigitSwap => one(swapped(text, random)?),
        Injection::Sign => one(negated(page, place.word)?),
        Injection::Scale => one(rescaled(text)),
        Injection::WrongTotal => one(changed_total(text, random)?),
        Injection::StaleFigure => {
            let other = on_page()
                .filter(|other| other.word != place.word && other.unit == place.unit)
                .filter(|other| (other.value - place.value).abs() > 2.0 * place.unit)
                .map(|other| &page.words[other.word])
                .filter(|other| same_line(other, word))
                .min_by(|a, b| distance(a, word).total_cmp(&distance(b, word)))?;
            one(with_digits_of(text, &other.text)?)
        }
        Injection::MovedRow => moved_row(page, place, on_page().copied().collect(), random),
    }
}

fn same_line(a: &Word, b: &Word) -> bool {
    (a.bbox.center_y() - b.bbox.center_y()).abs() < ALIGNED
}

fn distance(a: &Word, b: &Word) -> f32 {
    (a.bbox.center_x() - b.bbox.center_x()).abs()
}

/// Printed value of a word, without scale.
#[must_use]
pub fn value_of(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let value: f64 = digits.trim_end_matches('.').parse().ok()?;
    let negative = text.contains('(') || text.trim_start_matches(['$', ' ']).starts_with(['-', '−', '–']);
    Some(if negative { -value } else { value })
}

/// Byte range from the first to the last character of a number: digits, grouping, parentheses, minus.
fn core(text: &str) -> Option<std::ops::Range<usize>> {
    let is_core = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '(' | ')' | '-' | '−' | '–');
    let start = text.find(is_core)?;
    let end = text.rfind(is_core)? + text[text.rfind(is_core)?..].chars().next()?.len_utf8();
    text[start..end].chars().all(is_core).then_some(start..end)
}

/// `text` with the number of `other` in place of its own: a currency sign stays where it is.
fn with_digits_of(text: &str, other: &str) -> Option<String> {
    let (own, new) = (core(text)?, core(other)?);
    Some(format!("{}{}{}", &text[..own.start], &other[new], &text[own.end..]))
}

fn swapped(text: &str, random: &mut Random) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let digits: Vec<usize> = (0..bytes.len()).filter(|&index| bytes[index].is_ascii_digit()).collect();
    let mut pairs: Vec<(usize, usize)> = digits
        .windows(2)
        .map(|pair| (pair[0], pair[1]))
        .filter(|&(a, b)| bytes[a] != bytes[b] && !(a == digits[0] && bytes[b] == b'0'))
        .collect();
    random.shuffle(&mut pairs);
    let (a, b) = *pairs.first()?;
    bytes.swap(a, b);
    String::from_utf8(bytes).ok()
}

/// Brackets taken away or added; `None` where they stand in words of their own.
fn negated(page: &Page, word: usize) -> Option<String> {
    let text = page.words[word].text.as_str();
    let apart = |index: Option<usize>| {
        let other = index.and_then(|index| page.words.get(index));
        other.is_some_and(|other| {
            same_line(other, &page.words[word])
                && matches!(other.text.as_str(), "(" | ")" | "$(" | ")%" | "-" | "−")
                && distance(other, &page.words[word]) < 0.5 * page.words[word].bbox.width() + 12.0
        })
    };
    let own = core(text)?;
    let number = &text[own.clone()];
    let bare = number.trim_matches(['(', ')', '-', '–', '−']);
    if bare.len() < number.len() {
        let whole = !number.contains('(') || number.contains(')');
        return (whole && !apart(word.checked_sub(1)))
            .then(|| format!("{}{bare}{}", &text[..own.start], &text[own.end..]));
    }
    (!apart(word.checked_sub(1)) && !apart(Some(word + 1)))
        .then(|| format!("{}({number}){}", &text[..own.start], &text[own.end..]))
}

fn rescaled(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let end = text.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
    let (number, tail) = text.split_at(end);
    match number.rfind(',') {
        Some(comma) if digits >= 6 && number.len() - comma == 4 => format!("{}{tail}", &number[..comma]),
        _ if number.contains('.') => format!("{}{tail}", number.replacen('.', "", 1)),
        _ => format!("{number},000{tail}"),
    }
}

/// Two digits get other values: more than rounding, and no single slip explains it.
fn changed_total(text: &str, random: &mut Random) -> Option<String> {
    let digits: Vec<usize> = (0..text.len()).filter(|&at| text.as_bytes()[at].is_ascii_digit()).collect();
    if digits.len() < 2 {
        return None;
    }
    for _ in 0..TRIES {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..2 {
            let place = digits[random.below(digits.len() - 1)];
            let new = (bytes[place] - b'0' + 1 + random.below(8) as u8) % 10;
            bytes[place] = b'0' + if place == digits[0] && new == 0 { 9 } else { new };
        }
        if let Some(new) = String::from_utf8(bytes).ok().filter(|new| new != text) {
            return Some(new);
        }
    }
    None
}

/// All claimed numbers of this row change places with those of another row in the same columns.
fn moved_row(
    page: &Page,
    place: ClaimedNumber,
    on_page: Vec<ClaimedNumber>,
    random: &mut Random,
) -> Option<Change> {
    let row_of = |number: ClaimedNumber| -> Vec<ClaimedNumber> {
        let word = &page.words[number.word];
        on_page.iter().filter(|other| same_line(&page.words[other.word], word)).copied().collect()
    };
    let own = row_of(place);
    let own_word = &page.words[place.word];
    let in_columns = |row: &[ClaimedNumber]| {
        row.len() == own.len()
            && own.iter().all(|number| {
                let x1 = page.words[number.word].bbox.x1;
                row.iter().filter(|other| (page.words[other.word].bbox.x1 - x1).abs() < ALIGNED).count() == 1
            })
    };
    let mut others: Vec<Vec<ClaimedNumber>> = on_page
        .iter()
        .filter(|other| {
            let word = &page.words[other.word];
            (word.bbox.x1 - own_word.bbox.x1).abs() < ALIGNED
                && !same_line(word, own_word)
                && (word.bbox.center_y() - own_word.bbox.center_y()).abs() < NEAR
        })
        .map(|other| row_of(*other))
        .filter(|row| in_columns(row))
        .collect();
    random.shuffle(&mut others);
    let other = others.into_iter().next()?;
    let mut words = Vec::new();
    for a in &own {
        let x1 = page.words[a.word].bbox.x1;
        let b = other.iter().find(|other| (page.words[other.word].bbox.x1 - x1).abs() < ALIGNED)?;
        let (first, second) = (&page.words[a.word].text, &page.words[b.word].text);
        words.push((a.word, with_digits_of(first, second)?));
        words.push((b.word, with_digits_of(second, first)?));
    }
    let text = |row: &[ClaimedNumber]| {
        row.iter().map(|number| page.words[number.word].text.as_str()).collect::<Vec<_>>().join(" ")
    };
    Some(Change {
        page: place.page,
        description: format!("{} changes places with {}", text(&own), text(&other)),
        words,
    })
}

/// A small seeded generator (splitmix64, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_text() {
        let mut random = Random(7);
        assert_eq!(swapped("$12", &mut random).as_deref(), Some("$21"));
        assert_eq!(swapped("11", &mut random), None);
        assert_eq!(swapped("10", &mut random), None, "no number begins with a zero");
        assert_eq!(rescaled("1,234,567"), "1,234");
        assert_eq!(rescaled("(1,234)"), "(1,234,000)");
        assert_eq!(rescaled("12.34%"), "1234%");
        assert_eq!(with_digits_of("$1,234", "(56)").as_deref(), Some("$(56)"));
        assert_eq!(value_of("$(1,234.5)"), Some(-1234.5));
        let changed = changed_total("1,234", &mut random).expect("another number");
        assert!(changed != "1,234" && changed.len() == 5 && changed.ends_with('4'));
    }
}
