//! The same line in different tables: where two tables give the same line for the same periods and agree in most of
//! them, they must agree in all.

use std::collections::BTreeMap;

use super::relation::{Check, term};
use super::sheet::{Class, Number, Sheet};

/// Shortest label that names a concept of its own ("Other" does not).
const SHORTEST_KEY: usize = 9;
/// Smallest number, in units of its last digit, whose agreement is evidence.
const SMALLEST: f64 = 500.0;

/// A line that occurs once in its table, with its numbers by period.
struct Entry<'s, 't> {
    sheet: &'s Sheet<'t>,
    row: usize,
    by_period: BTreeMap<&'s str, &'s Number>,
}

/// Compares all pairs of tables.
pub(super) fn tie_out(sheets: &[Sheet<'_>]) -> Vec<Check> {
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
    let mut checks = Vec::new();
    for entries in by_key.values() {
        for (index, second) in entries.iter().enumerate().skip(1) {
            // Each line is compared with the first earlier one that it agrees with, so that a slip counts once.
            if let Some(found) = entries[..index].iter().find_map(|first| compare(first, second)) {
                checks.extend(found);
            }
        }
    }
    checks
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

fn compare(first: &Entry<'_, '_>, second: &Entry<'_, '_>) -> Option<Vec<Check>> {
    let mut checks = Vec::new();
    let (mut evidence, mut holding) = (0, 0);
    for (period, &number) in &second.by_period {
        let Some(&other) = first.by_period.get(period) else { continue };
        if other.class != number.class {
            return None;
        }
        let factor = |entry: &Entry<'_, '_>, number: &Number| {
            10f64.powi(entry.sheet.cell(number).value.as_ref().map_or(0, |value| value.scale))
        };
        let (scale, other_scale) = (factor(second, number), factor(first, other));
        let expected = other.value.abs() * other_scale / scale;
        let tolerance = number.half_unit + other.half_unit * other_scale / scale;
        let name = |entry: &Entry<'_, '_>, number: &Number| {
            format!(
                "{}, {period} (table {}, page {})",
                entry.sheet.name(entry.row),
                entry.sheet.table.id,
                entry.sheet.cell(number).page
            )
        };
        let terms = vec![
            term(first.sheet, name(first, other), other, 1),
            term(second.sheet, name(second, number), number, 1),
        ];
        let check = Check {
            kind: "tie_out",
            formula: format!("{} = {}", terms[1].name, terms[0].name),
            half_units: vec![other.half_unit * other_scale / scale, number.half_unit],
            terms,
            expected,
            printed: number.value.abs(),
            tolerance: if scale == other_scale { number.half_unit } else { tolerance },
            remark: None,
            sum: scale == other_scale,
        };
        if check.holds() {
            holding += 1;
            evidence += usize::from(number.value.abs() / (2.0 * number.half_unit) >= SMALLEST);
        }
        checks.push(check);
    }
    (evidence >= 1 && holding * 2 >= checks.len()).then_some(checks)
}
