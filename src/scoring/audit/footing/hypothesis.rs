//! Which rows above a row it adds up, judged by how improbable the sums are as coincidences.

use super::super::sheet::{Class, Entry, Number, Sheet, is_finer};
use super::cues::{Cue, says_total};
use super::{Hypothesis, Item, check, is_of_other_kind, numbers};

/// Most rows that are tried as terms of one total.
pub(super) const MOST_TERMS: usize = 60;
/// Most terms for which every choice of signs is tried.
const FREE_SIGNS: usize = 4;
/// Most terms for which every single deduction is tried.
const SINGLE_SIGNS: usize = 8;
/// Most terms for which deductions are tried.
const MOST_DEDUCTIONS: usize = 16;
/// Bits that the most usual relation costs; any other costs the logarithm of how many were tried.
const NATURAL_COST: f64 = 1.5;
/// Bits that a single slip as explanation is worth: few differences have one.
const SLIP_BITS: f64 = 3.0;
/// Most bits that one column can contribute.
const COLUMN_BITS: f64 = 18.0;

/// How a relation fares in one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// Within rounding.
    pub holds: bool,
    pub exact: bool,
    /// Bits of evidence, if it holds.
    pub bits: f64,
}

/// [`Verdict`] of one column, without building the finding.
pub(super) fn judge(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> Option<Verdict> {
    let (terms, result) = numbers(sheet, parts, row, column)?;
    let sum: f64 = terms.iter().map(|(_, number, factor)| f64::from(*factor) * number.value).sum();
    let half_units: f64 = terms.iter().map(|(_, number, _)| number.half_unit).sum();
    let filled = terms.iter().filter(|(_, number, _)| number.value != 0.0).count();
    verdict(sum, half_units, (terms.len(), filled), result)
}

/// Sums of one column over the rows tried so far, from the nearest upwards.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    plus: f64,
    /// With deductions (by their labels) taken off.
    by_label: f64,
    half_units: f64,
    terms: usize,
    filled: usize,
    /// The value added last, and its factor by label.
    last: (f64, f64),
    unreadable: bool,
}

impl Running {
    fn add(&mut self, entry: &Entry, result: &Number, deduction: bool) {
        self.last = (0.0, 1.0);
        match entry {
            Entry::Blank => {}
            Entry::Number(number) if is_finer(number, result) => self.unreadable = true,
            Entry::Number(number) if number.class.adds_to(result.class) => {
                let factor = if deduction { -1.0 } else { 1.0 };
                self.plus += number.value;
                self.by_label += factor * number.value;
                self.half_units += number.half_unit;
                self.terms += 1;
                self.filled += usize::from(number.value != 0.0);
                self.last = (number.value, factor);
            }
            _ => self.unreadable = true,
        }
    }
}

/// The long patterns of signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Plus,
    MinusRest,
    ByLabel,
}

/// The relation that this row claims, if the evidence for one is strong enough.
pub(super) fn best_hypothesis(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<Hypothesis> {
    let class = sheet.rows[row].entries.iter().find_map(Entry::number)?.class;
    let key = sheet.rows[row].key.as_str();
    if ["average", "median"].iter().any(|word| key.contains(word)) && !says_total(key) {
        return None;
    }
    if class == Class::PerShare {
        return None; // amounts per share of different lines add up only in a few layouts
    }
    let cue = Cue::of(&sheet.rows[row]);
    let mut best: Option<Hypothesis> = None;
    let mut rows: Vec<usize> = Vec::new(); // the nearest first
    let mut running = vec![Running::default(); sheet.columns()];
    let mut tried = 0usize;
    for (position, item) in stack.iter().enumerate().rev() {
        let Item::Row(part) = *item else { continue };
        if is_of_other_kind(sheet, part, row) {
            continue;
        }
        rows.push(part);
        if rows.len() > MOST_TERMS {
            break;
        }
        let deduction = sheet.rows[part].deduction;
        for (column, (running, entry)) in running.iter_mut().zip(&sheet.rows[part].entries).enumerate() {
            if let Some(result) = sheet.rows[row].entries[column].number() {
                running.add(entry, result, deduction);
            }
        }
        if rows.len() < 2 {
            continue;
        }
        // The whole block below a heading, or everything since the last subtotal, is what a total usually means.
        let natural = position == 0 || matches!(stack[position - 1], Item::Heading(_));
        let mut consider = |signs: &dyn Fn() -> Vec<i8>,
                            judged: &mut dyn Iterator<Item = (usize, Option<Verdict>)>,
                            plain: bool| {
            tried += 1;
            let (mut holding, mut failing, mut bits) = (Vec::new(), Vec::new(), 0.0);
            let (mut telling, mut exact) = (0, 0);
            for (column, verdict) in judged {
                match verdict {
                    Some(verdict) if verdict.holds => {
                        holding.push(column);
                        telling += usize::from(verdict.bits > 0.0);
                        exact += usize::from(verdict.exact);
                        bits += verdict.bits;
                    }
                    Some(_) => failing.push(column),
                    None => {}
                }
            }
            // Columns of zeros do not speak for a sum that fails elsewhere.
            if holding.is_empty() || telling.max(usize::from(failing.is_empty())) < failing.len().max(1) {
                return;
            }
            bits -= if plain && natural { NATURAL_COST } else { (1.0 + tried as f64).log2() };
            let parts = rows.iter().rev().copied().zip(signs()).collect();
            let natural = plain && natural;
            let hypothesis =
                Hypothesis { from: position, parts, holding, failing, exact, bits, natural, known: false };
            let score = |hypothesis: &Hypothesis| {
                (hypothesis.holding.len() as i64 - hypothesis.failing.len() as i64, hypothesis.exact)
            };
            let better = best.as_ref().is_none_or(|best| {
                (
                    score(&hypothesis),
                    hypothesis.bits - best.bits > 3.0 || same_but_zeros(sheet, best, &hypothesis),
                ) > (score(best), false)
            });
            if better {
                best = Some(hypothesis);
            }
        };
        let length = rows.len();
        if length <= FREE_SIGNS {
            // The signs that the labels suggest come first: of equals the first is taken.
            let by_label = rows
                .iter()
                .rev()
                .skip(1)
                .enumerate()
                .fold(0u32, |mask, (index, &row)| mask | u32::from(sheet.rows[row].deduction) << index);
            let others = (0..1u32 << (length - 1)).filter(|&mask| mask != by_label);
            for mask in std::iter::once(by_label).chain(others) {
                let minus = |index: usize| index > 0 && mask >> (index - 1) & 1 == 1;
                if (1..length).any(|index| minus(index) && is_negative(sheet, rows[length - 1 - index])) {
                    continue;
                }
                let signs = || -> Vec<i8> {
                    (0..length)
                        .map(|index| if index > 0 && mask >> (index - 1) & 1 == 1 { -1 } else { 1 })
                        .collect()
                };
                let parts: Vec<(usize, i8)> = rows.iter().rev().copied().zip(signs()).collect();
                let mut judged =
                    (0..sheet.columns()).map(|column| (column, judge(sheet, &parts, row, column)));
                consider(&signs, &mut judged, mask == 0 || mask == by_label);
            }
            continue;
        }
        for pattern in [Pattern::Plus, Pattern::MinusRest, Pattern::ByLabel] {
            let deductions: Vec<i8> = rows
                .iter()
                .rev()
                .enumerate()
                .map(|(index, &row)| match pattern {
                    Pattern::MinusRest if index > 0 => -1,
                    Pattern::ByLabel if index > 0 && sheet.rows[row].deduction => -1,
                    _ => 1,
                })
                .collect();
            if pattern != Pattern::Plus && (length > MOST_DEDUCTIONS || !deductions.contains(&-1)) {
                continue;
            }
            let mut judged = (0..sheet.columns())
                .map(|column| (column, judge_running(sheet, &running[column], pattern, row, column)));
            consider(&|| deductions.clone(), &mut judged, pattern != Pattern::MinusRest);
        }
        if length <= SINGLE_SIGNS {
            for minus in (1..length).filter(|&minus| !is_negative(sheet, rows[length - 1 - minus])) {
                let signs =
                    || -> Vec<i8> { (0..length).map(|index| if index == minus { -1 } else { 1 }).collect() };
                let parts: Vec<(usize, i8)> = rows.iter().rev().copied().zip(signs()).collect();
                let mut judged =
                    (0..sheet.columns()).map(|column| (column, judge(sheet, &parts, row, column)));
                consider(&signs, &mut judged, false);
            }
        }
    }
    best.filter(|best| {
        // A rule above a row whose block adds up to it says "total" as clearly as the word.
        let cue = if best.natural && sheet.rows[row].ruled() { Cue::Total } else { cue };
        let needed = if best.failing.is_empty() { cue.believed() } else { cue.accused() };
        best.bits + slip_bonus(sheet, best, row) >= needed
    })
}

/// Whether a row prints its numbers as negative already: nobody takes those off once more, unless the label says so.
fn is_negative(sheet: &Sheet<'_>, row: usize) -> bool {
    let numbers = || sheet.rows[row].entries.iter().filter_map(Entry::number);
    numbers().any(|number| number.value < 0.0)
        && numbers().all(|number| number.value <= 0.0)
        && !sheet.rows[row].deduction
}

/// Evidence that a column fails because of a slip: one changed sign, scale or digit would make it hold.
fn slip_bonus(sheet: &Sheet<'_>, hypothesis: &Hypothesis, row: usize) -> f64 {
    let explained = |column: usize| {
        check(sheet, &hypothesis.parts, row, column)
            .is_some_and(|check| check.into_anomaly().explanation.is_some())
    };
    if !hypothesis.failing.is_empty() && hypothesis.failing.iter().all(|&column| explained(column)) {
        SLIP_BITS
    } else {
        0.0
    }
}

/// [`judge`] from running sums.
fn judge_running(
    sheet: &Sheet<'_>,
    running: &Running,
    pattern: Pattern,
    row: usize,
    column: usize,
) -> Option<Verdict> {
    let result = sheet.rows[row].entries[column].number().filter(|_| sheet.additive[column])?;
    if running.unreadable || running.terms == 0 {
        return None;
    }
    let sum = match pattern {
        Pattern::Plus => running.plus,
        Pattern::MinusRest => 2.0 * running.last.0 - running.plus,
        // The first term is never a deduction.
        Pattern::ByLabel => running.by_label + (1.0 - running.last.1) * running.last.0,
    };
    verdict(sum, running.half_units, (running.terms, running.filled), result)
}

/// How a sum of so many terms, of which so many are not zero, compares with the result; `None` where that says nothing.
fn verdict(sum: f64, half_units: f64, (terms, filled): (usize, usize), result: &Number) -> Option<Verdict> {
    let difference = (sum - result.value).abs();
    let unit = 2.0 * result.half_unit;
    let epsilon = 1e-9 * sum.abs().max(1.0);
    let holds = difference <= half_units + result.half_unit + epsilon;
    // Percentages are shares, which add up to 100, or changes, rates and margins, which do not add up at all.
    if result.class == Class::Percent && (result.value - 100.0).abs() > 1e-9 && difference > unit + epsilon {
        return None;
    }
    let width = 2.0 * difference.max(0.5 * unit) / unit + 1.0;
    let bits =
        if filled < 2 { 0.0 } else { (result.value.abs() / unit / width).max(1.0).log2().min(COLUMN_BITS) };
    // A single term that is not the result claims nothing.
    (holds || terms > 1).then_some(Verdict { holds, exact: difference <= epsilon, bits })
}

/// Whether the longer relation only adds rows of zeros of the same block.
fn same_but_zeros(sheet: &Sheet<'_>, short: &Hypothesis, long: &Hypothesis) -> bool {
    let added = &long.parts[..long.parts.len().saturating_sub(short.parts.len())];
    !added.is_empty()
        && long.parts.ends_with(&short.parts)
        && added.iter().all(|&(row, _)| {
            sheet.rows[row].entries.iter().filter_map(Entry::number).all(|number| number.value == 0.0)
                && sheet.rows[row].indent == sheet.rows[short.parts[0].0].indent
        })
}
