//! Totals that no column confirms: off in every column because rows stand in the wrong place, or off in the only
//! column by what one slip explains.

use super::super::relation::Check;
use super::super::sheet::Sheet;
use super::cues::{names_block, says_total};
use super::{Item, check};

/// Bits from which rows in the wrong place explain a total that is off in every column.
const MISPLACED_BITS: f64 = 9.0;
/// Smallest total, in units of its last digit, for which a slip is no coincidence.
const SLIP_UNITS: f64 = 1_000.0;
/// Most bits that one column can contribute.
const COLUMN_BITS: f64 = 18.0;

/// A total that is off in every column, by exactly what one row, or two rows that changed places, would explain. Only
/// for rows that say what they total, and only for the whole block under a heading or at the top of the table.
pub(super) fn misplaced(
    sheet: &Sheet<'_>,
    stack: &[Item],
    row: usize,
) -> Option<(usize, Vec<(usize, Check)>)> {
    let heading = stack.iter().rposition(|item| matches!(item, Item::Heading(_)));
    let from = heading.map_or(0, |heading| heading + 1);
    if heading.is_some_and(|heading| !names_block(sheet, stack[heading], row))
        || !says_total(&sheet.rows[row].key)
    {
        return None;
    }
    let parts: Vec<(usize, i8)> = stack[from..]
        .iter()
        .filter_map(|item| if let Item::Row(part) = item { Some((*part, 1)) } else { None })
        .collect();
    if parts.len() < 3 {
        return None;
    }
    let (checks, bits) = explained_by_rows(sheet, &parts, row)?;
    (bits >= MISPLACED_BITS).then_some((from, checks))
}

/// A row that says "total", in the only column of numbers that it has, which a single slip keeps from being the sum of
/// its whole block.
pub(super) fn slipped(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<(usize, (usize, Check))> {
    let own = &sheet.rows[row];
    let heading = stack.iter().rposition(|item| matches!(item, Item::Heading(_)));
    let whole_block = heading.is_none_or(|heading| names_block(sheet, stack[heading], row) || own.ruled());
    if !own.key.starts_with("total") || !whole_block {
        return None;
    }
    let from = heading.map_or(0, |heading| heading + 1);
    let parts: Vec<(usize, i8)> = stack[from..]
        .iter()
        .filter_map(|item| if let Item::Row(part) = item { Some((*part, 1)) } else { None })
        .collect();
    let mut checks = (0..sheet.columns())
        .filter_map(|column| Some((column, check(sheet, &parts, row, column)?)))
        .filter(|(_, check)| check.printed != 0.0);
    let (column, found) = checks.next()?;
    let all_read = parts.len() >= 2
        && found.terms.len() == parts.len() + 1
        && own.entries.iter().filter(|entry| entry.number().is_some()).count() == 1
        && checks.next().is_none();
    let large = found.printed.abs() >= SLIP_UNITS * found.unit();
    let explained = all_read && large && !found.holds() && found.clone().into_anomaly().explanation.is_some();
    explained.then_some((from, (column, found)))
}

/// The checks of a relation that fails in every column, with the rows that explain it and the bits of evidence.
fn explained_by_rows(
    sheet: &Sheet<'_>,
    parts: &[(usize, i8)],
    row: usize,
) -> Option<(Vec<(usize, Check)>, f64)> {
    let checks: Vec<(usize, Check)> =
        (0..sheet.columns()).filter_map(|column| Some((column, check(sheet, parts, row, column)?))).collect();
    if checks.len() < 2 || checks.iter().any(|(_, check)| check.holds() || check.printed == 0.0) {
        return None;
    }
    let value =
        |row: usize, column: usize| sheet.rows[row].entries[column].number().map(|number| number.value);
    // What a row adds to the sum in each column, if the row has numbers there.
    let vector =
        |row: usize| -> Option<Vec<f64>> { checks.iter().map(|(column, _)| value(row, *column)).collect() };
    let outside: Vec<(usize, Vec<f64>)> = (0..sheet.rows.len())
        .filter(|other| *other != row && !parts.iter().any(|part| part.0 == *other))
        .filter_map(|other| Some((other, vector(other)?)))
        .collect();
    let inside: Vec<(usize, Vec<f64>, f64)> =
        parts.iter().filter_map(|&(part, factor)| Some((part, vector(part)?, f64::from(factor)))).collect();
    let differences: Vec<f64> = checks.iter().map(|(_, check)| check.difference()).collect();
    let fits = |change: &dyn Fn(usize) -> f64| {
        checks
            .iter()
            .enumerate()
            .all(|(index, (_, check))| (differences[index] - change(index)).abs() <= check.unit() / 2.0)
    };
    let mut remark = None;
    let mut tried = 0usize;
    for (other, added) in &outside {
        tried += 1;
        if fits(&|index| added[index]) {
            remark = Some(format!("the row \"{}\" is missing from this sum", sheet.name(*other)));
        }
    }
    for (position, (part, own, factor)) in inside.iter().enumerate() {
        tried += 1;
        // Without its first row it is simply a shorter sum.
        if position > 0 && fits(&|index| -factor * own[index]) {
            remark = Some(format!("the row \"{}\" does not belong in this sum", sheet.name(*part)));
        }
        for (other, added) in outside.iter() {
            tried += 1;
            if remark.is_none() && fits(&|index| factor * (added[index] - own[index])) {
                remark = Some(format!(
                    "the rows \"{}\" and \"{}\" have changed places",
                    sheet.name(*part),
                    sheet.name(*other)
                ));
            }
        }
    }
    // The result itself may have changed places with another row.
    let result = vector(row)?;
    for (other, added) in &outside {
        tried += 1;
        if remark.is_none() && fits(&|index| result[index] - added[index]) {
            remark = Some(format!(
                "the rows \"{}\" and \"{}\" have changed places",
                sheet.name(row),
                sheet.name(*other)
            ));
        }
    }
    // Or with one of its own terms.
    for (part, own, factor) in &inside {
        tried += 1;
        if remark.is_none() && *factor > 0.0 && fits(&|index| 2.0 * (result[index] - own[index])) {
            remark = Some(format!(
                "the rows \"{}\" and \"{}\" have changed places",
                sheet.name(row),
                sheet.name(*part)
            ));
        }
    }
    let remark = remark?;
    let bits: f64 = checks
        .iter()
        .map(|(_, check)| (check.difference().abs() / check.unit() / 2.0).max(1.0).log2().min(COLUMN_BITS))
        .sum::<f64>()
        - (1.0 + tried as f64).log2();
    let checks = checks
        .into_iter()
        .map(|(column, check)| (column, Check { remark: Some(remark.clone()), ..check }))
        .collect();
    Some((checks, bits))
}
