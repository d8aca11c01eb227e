//! Relations between columns that hold in every row: totals, differences, changes in percent, shares of a total.

use std::collections::BTreeSet;

use super::evidence::{is_average, is_slip};
use super::relation::{Check, sum_check, term};
use super::sheet::{Class, Entry, Number, Sheet, is_finer};
use crate::error::Result;
use crate::limit::Limit;

/// Rows in which a relation between columns must hold before it is believed.
const MIN_ROWS: usize = 3;
/// Bits of evidence from which it is believed.
const MIN_BITS: f64 = 30.0;
/// Of this many rows at most one may break a relation that is still believed.
const ROWS_PER_BREAK: usize = 5;
/// Rows in which a relation must hold that no header announces before a row that breaks it is a finding.
const ROWS_WITHOUT_CUE: usize = 10;
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

    /// Whether the header of the result says that it is one.
    fn is_announced(&self, sheet: &Sheet<'_>) -> bool {
        let header = |column: usize| sheet.headers[column].to_lowercase();
        let says = |column: usize, words: &[&str]| words.iter().any(|word| header(column).contains(word));
        match self {
            Self::Sum { result, parts } if parts.iter().all(|part| part.1 > 0) => {
                says(*result, &["total", "consolidated", "sum", "combined", "net", "balance", "carrying"])
            }
            Self::Sum { result, .. } => {
                says(*result, &["change", "increase", "decrease", "difference", "variance", "net", "$"])
            }
            Self::Change { result, .. } => {
                says(*result, &["change", "%", "percent", "increase", "growth", "variance"])
            }
            Self::Share { result, .. } => says(*result, &["%", "percent"]),
        }
    }

    /// What the relation says in one row; `None` where it says nothing.
    fn judge(&self, sheet: &Sheet<'_>, row: usize) -> Option<Verdict> {
        let number = |column: usize| sheet.rows[row].entries[column].number();
        match self {
            Self::Sum { result, parts } => {
                let total = number(*result)?;
                if total.class == Class::PerShare && parts.len() > 2 {
                    return None; // each quarter divides by its own number of shares
                }
                let mut verdict = Verdict::of(total);
                for &(column, factor) in parts {
                    match &sheet.rows[row].entries[column] {
                        Entry::Blank if parts.len() > 2 => {}
                        // A price among counts: a sum is never printed with fewer decimals than a term.
                        Entry::Number(number) if is_finer(number, total) => return None,
                        Entry::Number(number) if number.class.adds_to(total.class) => {
                            verdict.expected += f64::from(factor) * number.value;
                            verdict.tolerance += number.half_unit;
                            verdict.filled += usize::from(number.value != 0.0);
                        }
                        _ => return None,
                    }
                }
                Some(verdict)
            }
            Self::Change { result, now, before } => {
                let (printed, now, before) = (number(*result)?, number(*now)?, number(*before)?);
                let (a, b) = (now.value, before.value);
                if printed.class != Class::Percent || a <= 0.0 || b <= 0.0 || now.class != before.class {
                    return None; // a change from or to a loss has no agreed percentage
                }
                let slope = 100.0 * (now.half_unit / b + a * before.half_unit / (b * b));
                Some(Verdict::of(printed).percent(100.0 * (a - b) / b, slope))
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
                let share = 100.0 * part_number.value / base.value;
                let slope = (100.0 * part_number.half_unit + share.abs() * base.half_unit) / base.value;
                Some(Verdict::of(printed).percent(share, slope))
            }
        }
    }

    fn check(&self, sheet: &Sheet<'_>, row: usize) -> Option<Check> {
        let verdict = self.judge(sheet, row)?;
        let number = |column: usize| sheet.rows[row].entries[column].number();
        match self {
            Self::Sum { result, parts } => {
                let terms: Vec<(String, &Number, i8)> = parts
                    .iter()
                    .filter_map(|&(column, factor)| {
                        Some((column_name(sheet, row, column), number(column)?, factor))
                    })
                    .collect();
                let named = (column_name(sheet, row, *result), number(*result)?);
                let relation = Some((sheet.table.id, sheet.table.rows + *result as u32));
                (!terms.is_empty())
                    .then(|| Check { relation, ..sum_check(sheet, "cross_footing", &terms, named) })
            }
            Self::Change { result, now, before } => Some(ratio_check(
                sheet,
                "year_over_year",
                [
                    (column_name(sheet, row, *now), number(*now)?),
                    (column_name(sheet, row, *before), number(*before)?),
                ],
                (column_name(sheet, row, *result), number(*result)?),
                &verdict,
                |now, before| format!("100 * ({now} - {before}) / {before}"),
            )),
            Self::Share { result, part, base_row } => Some(ratio_check(
                sheet,
                "percent_of_total",
                [
                    (sheet.name(row), number(*part)?),
                    (sheet.name(*base_row), sheet.rows[*base_row].entries[*part].number()?),
                ],
                (format!("{} in percent", sheet.name(row)), number(*result)?),
                &verdict,
                |part, base| format!("100 * {part} / {base}"),
            )),
        }
    }
}

/// A relation in one row.
struct Verdict {
    expected: f64,
    printed: f64,
    tolerance: f64,
    /// Terms that are not zero.
    filled: usize,
    /// Smallest unit of the printed result.
    unit: f64,
}

impl Verdict {
    fn of(result: &Number) -> Self {
        Self {
            expected: 0.0,
            printed: result.value,
            tolerance: result.half_unit,
            filled: 0,
            unit: 2.0 * result.half_unit,
        }
    }

    /// `slope` is what rounding of the two numbers can do to the percentage.
    fn percent(self, expected: f64, slope: f64) -> Self {
        // Percentages are often adjusted by one unit so that they add up to 100, and amounts so that they add up to
        // their total; the percentage comes from the unadjusted ones.
        Self { expected, tolerance: 2.0 * (self.tolerance + slope), filled: 2, ..self }
    }

    fn holds(&self) -> bool {
        (self.expected - self.printed).abs()
            <= self.tolerance + 1e-9 * self.expected.abs().max(self.printed.abs()).max(1.0)
    }

    fn bits(&self) -> f64 {
        let width = 2.0 * self.tolerance.max(0.5 * self.unit) / self.unit + 1.0;
        (self.printed.abs() / self.unit / width).max(1.0).log2().min(ROW_BITS)
    }
}

/// The finding for a percentage computed from two numbers.
fn ratio_check(
    sheet: &Sheet<'_>,
    kind: &'static str,
    parts: [(String, &Number); 2],
    result: (String, &Number),
    verdict: &Verdict,
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
        expected: verdict.expected,
        printed: verdict.printed,
        tolerance: verdict.tolerance,
        remark: None,
        sum: false,
        converted: false,
        relation: None,
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
    holding: usize,
    failing: usize,
    bits: f64,
}

/// All checks of relations between columns of one sheet.
pub(super) fn cross_footing(sheet: &Sheet<'_>, limit: &Limit) -> Result<Vec<Check>> {
    let columns = sheet.columns();
    if !(2..=MOST_COLUMNS).contains(&columns) || sheet.rows.len() < MIN_ROWS {
        return Ok(Vec::new());
    }
    let mut tried = 0usize;
    let mut fates: Vec<Fate> = Vec::new();
    for relation in candidates(sheet) {
        limit.check()?;
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
        let few = fate.failing == 1 || fate.failing * ROWS_WITHOUT_CUE <= fate.holding;
        let told = fate.relation.is_announced(sheet) || fate.holding >= ROWS_WITHOUT_CUE;
        let own = (0..sheet.rows.len()).filter_map(|row| fate.relation.check(sheet, row));
        checks.extend(own.filter(|check| {
            check.holds()
                || told
                    && !is_average(check)
                    && (few && (!check.sum || check.filled() >= 2) || check.sum && is_slip(check))
        }));
    }
    Ok(checks)
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
        for later in 0..columns {
            for before in
                (0..columns).filter(|&before| before != later && before != result && later != result)
            {
                if later.abs_diff(before) <= 3 && result.abs_diff(later) <= 4 {
                    candidates.push(Relation::Sum { result, parts: vec![(later, 1), (before, -1)] });
                    candidates.push(Relation::Change { result, now: later, before });
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
    let mut fate = Fate { relation, holding: 0, failing: 0, bits: 0.0 };
    for row in 0..sheet.rows.len() {
        let Some(verdict) = fate.relation.judge(sheet, row) else { continue };
        if verdict.holds() {
            if verdict.filled >= 2 {
                fate.holding += 1;
                fate.bits += verdict.bits();
            }
        } else {
            fate.failing += 1;
            if fate.failing > 2 + sheet.rows.len() / ROWS_PER_BREAK {
                return None;
            }
        }
    }
    (fate.holding >= MIN_ROWS && fate.failing * ROWS_PER_BREAK <= fate.holding).then_some(fate)
}
