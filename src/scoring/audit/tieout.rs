//! The same line in different tables: where two tables give the same line for the same periods and agree in most of
//! them, they must agree in all.

use std::collections::BTreeMap;

use super::evidence::is_slip;
use super::relation::{Check, is_within, term};
use super::sheet::{Class, Number, Sheet};
use crate::error::Result;
use crate::limit::Limit;

/// Shortest label that names a concept of its own ("Other" does not).
const SHORTEST_KEY: usize = 9;
/// Smallest number, in units of its last digit, whose agreement is evidence.
const SMALLEST: f64 = 500.0;
/// Earlier tables with the same line that a line is compared with, the nearest ones. A report has a line in a handful of
/// tables; a form that is repeated on every page has it in as many as it has pages.
const MOST_EARLIER: usize = 100;

/// A line that occurs once in its table, with its numbers by period.
struct Entry<'s, 't> {
    sheet: &'s Sheet<'t>,
    row: usize,
    by_period: BTreeMap<&'s str, &'s Number>,
}

/// Compares all pairs of tables.
pub(super) fn tie_out(sheets: &[Sheet<'_>], limit: &Limit) -> Result<Vec<Check>> {
    let mut by_key: BTreeMap<&str, Vec<Entry<'_, '_>>> = BTreeMap::new();
    for sheet in sheets {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for row in sheet.rows.iter().filter(|row| row.has_numbers()) {
            *seen.entry(row.key.as_str()).or_default() += 1;
        }
        let periods = unique_periods(sheet);
        for (index, row) in sheet.rows.iter().enumerate() {
            let key = row.key.as_str();
            if key.len() < SHORTEST_KEY || seen.get(key) != Some(&1) {
                continue;
            }
            let by_period: BTreeMap<&str, &Number> = periods
                .iter()
                .filter_map(|(&period, &column)| Some((period, row.entries[column].number()?)))
                .filter(|(_, number)| matches!(number.class, Class::Amount | Class::Quantity) && !number.nil)
                .collect();
            if by_period.len() >= 2 {
                by_key.entry(key).or_default().push(Entry { sheet, row: index, by_period });
            }
        }
    }
    let mut found_all: Vec<Compared> = Vec::new();
    for entries in by_key.values() {
        for (index, second) in entries.iter().enumerate().skip(1) {
            limit.check()?;
            // Each line is compared with the first earlier one that it agrees with, so that a slip counts once.
            let earlier = &entries[index.saturating_sub(MOST_EARLIER)..index];
            let agreed = earlier.iter().find_map(|first| Some((first, agreeing(first, second)?)));
            if let Some((first, pairs)) = agreed {
                found_all.extend(pairs.iter().map(|pair| compared(first, second, pair)));
            }
        }
    }
    // Two tables that differ in several lines of one period are made on different bases (a restatement, a part of
    // the business left out), and not a slip.
    let mut failing: BTreeMap<(u32, u32, String), [usize; 2]> = BTreeMap::new();
    for compared in &found_all {
        failing.entry(compared.basis()).or_default()[usize::from(!compared.check.holds())] += 1;
    }
    Ok(found_all
        .into_iter()
        .filter(|compared| {
            let [holding, broken] = failing[&compared.basis()];
            // A line of the same name may be defined otherwise (before or after the share of associates): one slip must
            // explain the difference.
            compared.check.holds() || (broken < 2 || broken * 2 <= holding) && is_slip(&compared.check)
        })
        .map(|compared| compared.check)
        .collect())
}

/// One line in two tables for one period.
struct Compared {
    check: Check,
    tables: (u32, u32),
    period: String,
}

impl Compared {
    fn basis(&self) -> (u32, u32, String) {
        (self.tables.0, self.tables.1, self.period.clone())
    }
}

/// Periods that head exactly one column.
fn unique_periods<'s>(sheet: &'s Sheet<'_>) -> BTreeMap<&'s str, usize> {
    let mut columns: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (column, period) in sheet.periods.iter().enumerate() {
        if let Some(period) = period {
            columns.entry(period.as_str()).or_default().push(column);
        }
    }
    columns
        .into_iter()
        .filter_map(|(period, columns)| (columns.len() == 1).then(|| (period, columns[0])))
        .collect()
}

/// A number of two lines for one period, in the unit of the second.
struct Pair<'s> {
    period: &'s str,
    first: &'s Number,
    second: &'s Number,
    expected: f64,
    first_half_unit: f64,
    same_scale: bool,
}

impl Pair<'_> {
    fn tolerance(&self) -> f64 {
        self.second.half_unit + if self.same_scale { 0.0 } else { self.first_half_unit }
    }
}

/// The periods that both lines have, where they agree in most of them.
fn agreeing<'s>(first: &Entry<'s, '_>, second: &Entry<'s, '_>) -> Option<Vec<Pair<'s>>> {
    let factor = |entry: &Entry<'_, '_>, number: &Number| {
        10f64.powi(entry.sheet.cell(number).value.as_ref().map_or(0, |value| value.scale))
    };
    let mut pairs = Vec::new();
    let (mut evidence, mut holding) = (0, 0);
    for (&period, &number) in &second.by_period {
        let Some(&other) = first.by_period.get(period) else { continue };
        if other.class != number.class {
            return None;
        }
        let (scale, other_scale) = (factor(second, number), factor(first, other));
        let pair = Pair {
            period,
            first: other,
            second: number,
            expected: other.value.abs() * other_scale / scale,
            first_half_unit: other.half_unit * other_scale / scale,
            same_scale: scale == other_scale,
        };
        if is_within(pair.expected, number.value.abs(), pair.tolerance()) {
            holding += 1;
            evidence += usize::from(number.value.abs() / (2.0 * number.half_unit) >= SMALLEST);
        }
        pairs.push(pair);
    }
    (evidence >= 1 && holding * 2 >= pairs.len()).then_some(pairs)
}

fn compared(first: &Entry<'_, '_>, second: &Entry<'_, '_>, pair: &Pair<'_>) -> Compared {
    let name = |entry: &Entry<'_, '_>, number: &Number| {
        format!(
            "{}, {} (table {}, page {})",
            entry.sheet.name(entry.row),
            pair.period,
            entry.sheet.table.id,
            entry.sheet.cell(number).page
        )
    };
    let terms = vec![
        term(first.sheet, name(first, pair.first), pair.first, 1),
        term(second.sheet, name(second, pair.second), pair.second, 1),
    ];
    let check = Check {
        kind: "tie_out",
        formula: format!("{} = {}", terms[1].name, terms[0].name),
        half_units: vec![pair.first_half_unit, pair.second.half_unit],
        terms,
        expected: pair.expected,
        printed: pair.second.value.abs(),
        tolerance: pair.tolerance(),
        remark: None,
        sum: pair.same_scale,
        converted: false,
        relation: None,
    };
    Compared { check, tables: (first.sheet.table.id, second.sheet.table.id), period: pair.period.to_owned() }
}
