//! What must speak for a claim before a number that breaks it is a finding.
//!
//! A reader forgives a slip that is not found, but not a finding that is none. A relation that holds in one column says
//! little of a column of another kind, or of rows that were put together by trying; there one slip must explain the
//! difference, or more columns must confirm the relation.

use super::relation::Check;
use super::sheet::Sheet;

/// Difference, in units of the last digit, from which a slip as explanation is no coincidence: below a hundred, one
/// difference in four is that of a changed digit.
const TELLING_UNITS: f64 = 100.0;
/// Terms of which the largest is at most this many times the smallest may be averaged.
const ALIKE: f64 = 3.0;

/// Whether a result that is not the sum of its terms never was meant to be: it lies among terms of its own size, as
/// averages and balances do.
pub(super) fn is_average(check: &Check) -> bool {
    let Some((result, terms)) = check.terms.split_last() else { return false };
    let signed: Vec<f64> = terms.iter().map(|term| term.value).filter(|value| *value != 0.0).collect();
    let (low, high) = bounds(&signed);
    signed.len() >= 2
        && terms.iter().all(|term| term.factor > 0)
        && low * high > 0.0
        && high.abs().max(low.abs()) <= ALIKE * high.abs().min(low.abs())
        && (low..=high).contains(&result.value)
}

fn bounds(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)))
}

/// Whether one slip explains the difference, and the difference is too large for that to be a coincidence.
pub(super) fn is_slip(check: &Check) -> bool {
    check.difference().abs() >= TELLING_UNITS * check.unit() && check.slip().is_some()
}

/// Whether exactly one number repeats the one in another column of its row, and another would do in its place.
pub(super) fn is_copied(sheet: &Sheet<'_>, check: &Check) -> bool {
    let least = TELLING_UNITS * check.unit();
    let result = check.terms.len().saturating_sub(1);
    let repeats = |index: usize| {
        let term = &check.terms[index];
        let Some(cell) = term.cell else { return false };
        let Some(row) = cell.row.checked_sub(sheet.table.header_rows) else { return false };
        let needed = if index == result {
            check.expected
        } else {
            term.value + check.difference() * f64::from(term.factor)
        };
        let mut beside = sheet.rows[row as usize].entries.iter().filter_map(|entry| entry.number());
        needed * term.value > 0.0
            && term.value.abs() >= least
            && beside.any(|number| number.value == term.value && sheet.cell(number).column != cell.column)
    };
    check.difference().abs() >= least && (0..check.terms.len()).filter(|&index| repeats(index)).count() == 1
}

/// How often a relation holds, tellingly and exactly, and fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub telling: usize,
    pub exact: usize,
    pub failing: usize,
}

impl Record {
    /// Whether it is confirmed so often that what breaks it needs no explanation. `plain`: the terms are a whole block
    /// with signs that it prints, and the row says that it totals them.
    pub fn confirms(self, plain: bool, alike: bool) -> bool {
        let Self { telling, exact, failing } = self;
        if plain && alike {
            failing <= telling && (failing == 1 || exact > 0)
        } else if plain {
            failing == 1 && telling >= 2 || telling >= 2 * failing && exact >= 2
        } else {
            telling >= 2 * failing && exact >= 2
        }
    }
}

/// Whether columns are of one kind: headed by dates or years and otherwise by the same words.
pub(super) fn alike(sheet: &Sheet<'_>, columns: impl Iterator<Item = usize>) -> bool {
    let mut kinds = columns.map(|column| kind_of(&sheet.headers[column]));
    let Some(first) = kinds.next() else { return true };
    kinds.all(|kind| kind == first)
}

/// The words of a header without those that make a period.
fn kind_of(header: &str) -> Vec<String> {
    const PERIOD: &[&str] = &[
        "ended",
        "ending",
        "months",
        "month",
        "weeks",
        "week",
        "year",
        "years",
        "fiscal",
        "quarter",
        "at",
        "as",
        "of",
        "the",
        "and",
        "three",
        "six",
        "nine",
        "twelve",
        "first",
        "second",
        "third",
        "fourth",
        "fy",
        "restated",
        "note",
        "notes",
        "audited",
        "unaudited",
    ];
    const MONTHS: &[&str] =
        &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    header
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit()))
        .filter(|word| !PERIOD.contains(word) && !MONTHS.iter().any(|month| word.starts_with(month)))
        .map(str::to_owned)
        .collect()
}
