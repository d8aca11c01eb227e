//! Relations between columns that hold in every row: totals, differences, changes in percent, shares of a total.

use std::collections::BTreeSet;

use super::relation::{Check, sum_check, term};
use super::sheet::{Class, Entry, Number, Sheet};

/// Rows in which a relation between columns must hold before it is believed.
const MIN_ROWS: usize = 3;
/// Bits of evidence from which it is believed.
const MIN_BITS: f64 = 30.0;
/// Of this many rows at most one may break a relation that is still believed.
const ROWS_PER_BREAK: usize = 5;
/// Most columns for which relations are tried.
const MOST_COLUMNS: usize = 16;
/// Most bits that one row can contribute.
const ROW_BITS: f64 = 16.0;

/// A relation between columns: the result and its terms.
#[derive(Clone, Debug, PartialEq)]
enum Relation {
    Sum { result: usize, parts: Vec<(usize, i8)> },
    Change { result: usize, now: usize, before: usize },
    Share { result: usize, part: usize, base_row: usize },
}

impl Relation {
    /// Columns that take part; the same set is believed only once.
    fn columns(&self) -> BTreeSet<usize> {
        match self {
            Self::Sum { result, parts } => parts.iter().map(|part| part.0).chain([*result]).collect(),
            Self::Change { result, now, before } => [*result, *now, *before].into(),
            Self::Share { result, part, .. } => [*result, *part].into(),
        }
    }

    fn check(&self, sheet: &Sheet<'_>, row: usize) -> Option<Check> {
        let number = |column: usize| sheet.rows[row].entries[column].number();
        match self {
            Self::Sum { result, parts } => {
                let total = number(*result)?;
                let mut terms: Vec<(String, &Number, i8)> = Vec::new();
                for &(column, factor) in parts {
                    match &sheet.rows[row].entries[column] {
                        Entry::Blank if parts.len() > 2 => {}
                        Entry::Number(number) if number.class == total.class => {
                            terms.push((column_name(sheet, row, column), number, factor));
                        }
                        _ => return None,
                    }
                }
                (!terms.is_empty()).then(|| {
                    sum_check(sheet, "cross_footing", &terms, (column_name(sheet, row, *result), total))
                })
            }
            Self::Change { result, now, before } => {
                let (printed, now_number, before_number) =
                    (number(*result)?, number(*now)?, number(*before)?);
                let (a, b) = (now_number.value, before_number.value);
                if printed.class != Class::Percent
                    || a <= 0.0
                    || b <= 0.0
                    || now_number.class != before_number.class
                {
                    return None; // a change from or to a loss has no agreed percentage
                }
                let slope = 100.0 * (now_number.half_unit / b + a * before_number.half_unit / (b * b));
                Some(ratio_check(
                    sheet,
                    "year_over_year",
                    [
                        (column_name(sheet, row, *now), now_number),
                        (column_name(sheet, row, *before), before_number),
                    ],
                    (column_name(sheet, row, *result), printed),
                    100.0 * (a - b) / b,
                    slope,
                    |now, before| format!("100 * ({now} - {before}) / {before}"),
                ))
            }
            Self::Share { result, part, base_row } => {
                let (printed, part_number) = (number(*result)?, number(*part)?);
                let base = sheet.rows[*base_row].entries[*part].number()?;
                if printed.class != Class::Percent
                    || part_number.class != base.class
                    || base.value <= 0.0
                    || row == *base_row
                {
                    return None;
                }
                let slope = 100.0
                    * (part_number.half_unit / base.value
                        + part_number.value.abs() * base.half_unit / (base.value * base.value));
                Some(ratio_check(
                    sheet,
                    "percent_of_total",
                    [(sheet.name(row), part_number), (sheet.name(*base_row), base)],
                    (format!("{} in percent", sheet.name(row)), printed),
                    100.0 * part_number.value / base.value,
                    slope,
                    |part, base| format!("100 * {part} / {base}"),
                ))
            }
        }
    }
}

/// A check of a percentage computed from two numbers; `slope` is what rounding of the two can do to it.
fn ratio_check(
    sheet: &Sheet<'_>,
    kind: &'static str,
    parts: [(String, &Number); 2],
    result: (String, &Number),
    expected: f64,
    slope: f64,
    formula: impl Fn(&str, &str) -> String,
) -> Check {
    let [(first_name, first), (second_name, second)] = parts;
    let terms = vec![
        term(sheet, first_name.clone(), first, 1),
        term(sheet, second_name.clone(), second, -1),
        term(sheet, result.0.clone(), result.1, 1),
    ];
    Check {
        kind,
        formula: format!("{} = {}", result.0, formula(&first_name, &second_name)),
        terms,
        half_units: vec![first.half_unit, second.half_unit, result.1.half_unit],
        expected,
        printed: result.1.value,
        tolerance: result.1.half_unit + slope,
        remark: None,
        sum: false,
    }
}

fn column_name(sheet: &Sheet<'_>, row: usize, column: usize) -> String {
    let header = sheet.headers[column].as_str();
    if header.is_empty() {
        format!("{}, column {}", sheet.name(row), column + 2)
    } else {
        format!("{}, {header}", sheet.name(row))
    }
}

/// How a relation fares over all rows.
struct Fate {
    relation: Relation,
    checks: Vec<Check>,
    holding: usize,
    failing: usize,
    bits: f64,
}

/// All checks of relations between columns of one sheet.
pub(super) fn cross_footing(sheet: &Sheet<'_>) -> Vec<Check> {
    let columns = sheet.columns();
    if !(2..=MOST_COLUMNS).contains(&columns) || sheet.rows.len() < MIN_ROWS {
        return Vec::new();
    }
    let mut tried = 0usize;
    let mut fates: Vec<Fate> = Vec::new();
    for relation in candidates(sheet) {
        tried += 1;
        if let Some(fate) = fate(sheet, relation) {
            fates.push(fate);
        }
    }
    let needed = MIN_BITS + (1.0 + tried as f64).log2();
    fates.retain(|fate| fate.bits >= needed);
    fates.sort_by(|a, b| {
        (b.holding as i64 - b.failing as i64, b.bits)
            .partial_cmp(&(a.holding as i64 - a.failing as i64, a.bits))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut seen: Vec<BTreeSet<usize>> = Vec::new();
    let mut checks = Vec::new();
    for fate in fates {
        let own = fate.relation.columns();
        if seen.iter().any(|other| other.is_subset(&own) || own.is_subset(other)) {
            continue;
        }
        seen.push(own);
        checks.extend(fate.checks);
    }
    checks
}

fn candidates(sheet: &Sheet<'_>) -> Vec<Relation> {
    let columns = sheet.columns();
    let mut candidates = Vec::new();
    for result in 0..columns {
        // Runs of neighbouring columns that end before the result or begin after it.
        for from in 0..result {
            for to in from + 1..result {
                if to + 1 == result || sheet.headers[result].to_lowercase().contains("total") {
                    candidates.push(Relation::Sum {
                        result,
                        parts: (from..=to).map(|column| (column, 1)).collect(),
                    });
                }
            }
        }
        for to in result + 2..columns {
            candidates
                .push(Relation::Sum { result, parts: (result + 1..=to).map(|column| (column, 1)).collect() });
        }
        for now in 0..columns {
            for before in (0..columns).filter(|&before| before != now && before != result && now != result) {
                if now.abs_diff(before) <= 3 && result.abs_diff(now) <= 4 {
                    candidates.push(Relation::Sum { result, parts: vec![(now, 1), (before, -1)] });
                    candidates.push(Relation::Change { result, now, before });
                }
            }
        }
        for base_row in base_rows(sheet, result) {
            for part in (0..columns).filter(|&part| part != result && part.abs_diff(result) <= 3) {
                candidates.push(Relation::Share { result, part, base_row });
            }
        }
    }
    candidates
}

/// Rows in which a column of percentages says 100.
fn base_rows(sheet: &Sheet<'_>, column: usize) -> Vec<usize> {
    (0..sheet.rows.len())
        .filter(|&row| {
            sheet.rows[row].entries[column]
                .number()
                .is_some_and(|number| number.class == Class::Percent && (number.value - 100.0).abs() < 1e-9)
        })
        .take(2)
        .collect()
}

fn fate(sheet: &Sheet<'_>, relation: Relation) -> Option<Fate> {
    let mut fate = Fate { relation, checks: Vec::new(), holding: 0, failing: 0, bits: 0.0 };
    for row in 0..sheet.rows.len() {
        let Some(check) = fate.relation.check(sheet, row) else { continue };
        let filled = check.terms[..check.terms.len() - 1].iter().filter(|term| term.value != 0.0).count();
        if check.holds() {
            if filled >= 2 {
                fate.holding += 1;
                let width = 2.0 * check.tolerance.max(check.unit() / 2.0) / check.unit() + 1.0;
                let places = check.printed.abs()
                    / check.unit().max(2.0 * check.half_units[check.half_units.len() - 1]);
                fate.bits += (places / width).max(1.0).log2().min(ROW_BITS);
            }
        } else {
            fate.failing += 1;
            if fate.failing > 2 + sheet.rows.len() / ROWS_PER_BREAK {
                return None;
            }
        }
        fate.checks.push(check);
    }
    (fate.holding >= MIN_ROWS && fate.failing * ROWS_PER_BREAK <= fate.holding).then_some(fate)
}
