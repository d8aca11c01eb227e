//! Totals that no column confirms: off in every column because rows stand in the wrong place, or off in the only
//! column by what one slip explains.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::super::relation::Check;
use super::super::sheet::{Class, Entry, Sheet};
use super::cues::{Cue, names_block, says_total};
use super::hypothesis::MOST_TERMS;
use super::{Item, check, is_of_other_kind, is_unlabelled};

/// Bits from which rows in the wrong place explain a total that is off in every column.
const MISPLACED_BITS: f64 = 9.0;
/// Bits from which two exchanged rows explain it, for rows that say that they are totals and for other results.
const EXCHANGED_TOTAL_BITS: f64 = 11.0;
const EXCHANGED_RESULT_BITS: f64 = 16.0;
/// For rows that say nothing.
const EXCHANGED_BITS: f64 = 26.0;
/// Smallest total, in units of its last digit, for which a slip is no coincidence.
const SLIP_UNITS: f64 = 1_000.0;
/// The same for totals that name their block.
const SLIP_UNITS_NAMED: f64 = 200.0;
/// Most bits that one column can contribute.
const COLUMN_BITS: f64 = 18.0;
/// Rows above and below a sum among which those are looked for that belong in it: what changes places stands in one
/// statement. Without an end a table that is joined over many pages costs each of its totals all of its rows.
const NEAR: usize = 200;
/// Longest block whose total may have slipped: long lists of holdings have one total, too.
const MOST_IN_BLOCK: usize = 300;

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
    if !(3..=MOST_TERMS).contains(&parts.len()) {
        return None;
    }
    let all = |_: usize| true;
    let (checks, bits) = explained_by_rows(sheet, &parts, row, &all)
        .or_else(|| explained_by_rows(sheet, &parts, row, &|column| !sheet.rates[column]))?;
    if is_shorter_sum(sheet, &parts, row) {
        return None;
    }
    (bits >= MISPLACED_BITS).then_some((from, checks))
}

/// Whether the row adds up the last of these rows in every column: what stands above them belongs to another sum, however
/// small the numbers are.
fn is_shorter_sum(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize) -> bool {
    (1..parts.len()).any(|from| {
        let mut telling = false;
        let holds = (0..sheet.columns())
            .filter(|&column| sheet.rows[row].entries[column].number().is_some())
            .all(|column| {
                let check = check(sheet, &parts[from..], row, column);
                telling |= check.as_ref().is_some_and(|check| check.printed != 0.0);
                check.is_some_and(|check| check.holds())
            });
        holds && telling
    })
}

/// A row that says "total", in the only column of numbers that it has, which a single slip keeps from being the sum of
/// its whole block: of all rows below the heading, or of those below the last of the `results`.
pub(super) fn slipped(
    sheet: &Sheet<'_>,
    stack: &[Item],
    results: &BTreeSet<usize>,
    row: usize,
) -> Option<(usize, (usize, Check))> {
    let own = &sheet.rows[row];
    let heading = stack.iter().rposition(|item| matches!(item, Item::Heading(_)));
    let named = heading.is_some_and(|heading| names_block(sheet, stack[heading], row));
    let whole_block = heading.is_none() || named || own.ruled();
    let numbers = own.entries.iter().filter(|entry| entry.number().is_some()).count();
    if !own.key.starts_with("total") || !whole_block || numbers != 1 {
        return None;
    }
    let from = heading.map_or(0, |heading| heading + 1);
    let last = stack.iter().rposition(|item| matches!(item, Item::Row(row) if results.contains(row)));
    let starts = [Some(from), last.map(|last| last + 1).filter(|start| *start > from)];
    starts.into_iter().flatten().find_map(|from| {
        let parts: Vec<(usize, i8)> = stack[from..]
            .iter()
            .filter_map(|item| if let Item::Row(part) = item { Some((*part, 1)) } else { None })
            .take(MOST_IN_BLOCK + 1)
            .collect();
        if parts.len() > MOST_IN_BLOCK {
            return None;
        }
        let (column, found) = (0..sheet.columns())
            .filter_map(|column| Some((column, check(sheet, &parts, row, column)?)))
            .find(|(_, check)| check.printed != 0.0)?;
        let all_read = parts.len() >= 2 && found.terms.len() == parts.len() + 1;
        let large = found.printed.abs() >= found.unit() * if named { SLIP_UNITS_NAMED } else { SLIP_UNITS };
        let explained =
            all_read && large && !found.holds() && found.clone().into_anomaly().explanation.is_some();
        (explained && !is_shorter_sum(sheet, &parts, row)).then_some((from, (column, found)))
    })
}

/// Rows above a total that are tried as its terms.
const MOST_PARTS: usize = 24;

/// Numbers of one row in the columns that are compared.
type Vector = Vec<f64>;

/// Two rows whose numbers may have changed places, and the sum that would then come out.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub rows: (usize, usize),
    /// Columns in which the sum fails.
    pub columns: Vec<usize>,
    /// Whether the sum alone does not tell: another must come out, too.
    pub needs_another_sum: bool,
    pub checks: Vec<(usize, Check)>,
}

/// Runs of rows above a result that add up to it in no column, but would in every column if two rows had not changed
/// places. Whether they have is for the rest of the table to say.
pub(super) fn exchanges(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Vec<Exchange> {
    let Some(seeker) = Seeker::new(sheet, row) else { return Vec::new() };
    let mut parts: Vec<(usize, i8)> = Vec::new();
    let mut found = Vec::new();
    let mut tried = 0usize;
    for item in stack.iter().rev() {
        let Item::Row(part) = *item else { continue };
        if is_of_other_kind(sheet, part, row) {
            continue;
        }
        parts.insert(0, (part, 1));
        if parts.len() > MOST_PARTS {
            break;
        }
        if parts.len() < 2 || is_unlabelled(sheet, &parts, row) {
            continue;
        }
        let by_label: Vec<(usize, i8)> = parts
            .iter()
            .enumerate()
            .map(|(at, &(row, _))| (row, if at > 0 && sheet.rows[row].deduction { -1 } else { 1 }))
            .collect();
        let patterns = [Some(&parts), (by_label != parts).then_some(&by_label)];
        for signed in patterns.into_iter().flatten() {
            found.extend(seeker.exchange(signed, &mut tried));
        }
    }
    found
}

/// Looks for the row that would repair a sum.
struct Seeker<'s, 't> {
    sheet: &'s Sheet<'t>,
    row: usize,
    columns: Vec<usize>,
    units: Vector,
    result: Vector,
    /// Rows near by with numbers, in order.
    others: Vec<(usize, Vector)>,
    /// Their indices by the number in each column, sorted when first asked for.
    by_column: Vec<OnceCell<Vec<usize>>>,
    needed: f64,
}

/// A sum that fails in these of the seeker's columns.
struct Failing<'p> {
    columns: &'p [usize],
    parts: &'p [(usize, i8)],
    /// What rounding can make, in units.
    slack: f64,
}

impl<'s, 't> Seeker<'s, 't> {
    fn new(sheet: &'s Sheet<'t>, row: usize) -> Option<Self> {
        let own = &sheet.rows[row];
        let needed = match (Cue::of(own), own.ruled()) {
            (Cue::Total, _) | (_, true) => EXCHANGED_TOTAL_BITS,
            (Cue::Result, _) => EXCHANGED_RESULT_BITS,
            (Cue::None, _) => EXCHANGED_BITS,
        };
        let exact = |column: &usize| {
            let number = own.entries[*column].number().filter(|_| sheet.additive[*column]);
            number.is_some_and(|number| !number.converted)
        };
        let all: Vec<usize> = (0..sheet.columns()).filter(exact).collect();
        // Shares of a total add up, too, but less sharply than amounts, and changes in percent do not.
        let amount = |&column: &usize| {
            let number = own.entries[column].number();
            !sheet.rates[column] && number.is_some_and(|number| number.class.adds_to(Class::Amount))
        };
        let amounts: Vec<usize> = all.iter().copied().filter(amount).collect();
        let columns = if amounts.len() < 2 { all } else { amounts };
        if columns.len() < 2 {
            return None;
        }
        // What is left empty is nothing.
        let vector = |row: usize| -> Option<Vector> {
            let value = |&column: &usize| match &sheet.rows[row].entries[column] {
                Entry::Blank => Some(0.0),
                entry => entry.number().map(|number| number.value),
            };
            let values: Vector = columns.iter().map(value).collect::<Option<_>>()?;
            values.iter().any(|value| *value != 0.0).then_some(values)
        };
        let unit =
            |&column: &usize| own.entries[column].number().map_or(1.0, |number| 2.0 * number.half_unit);
        let units: Vector = columns.iter().map(unit).collect();
        let result = vector(row)?;
        let others: Vec<(usize, Vector)> = near(sheet, row, row)
            .filter(|&other| other != row)
            .filter_map(|other| Some((other, vector(other)?)))
            .collect();
        let by_column = vec![OnceCell::new(); columns.len()];
        Some(Self { sheet, row, columns, units, result, others, by_column, needed })
    }

    /// The row that is none of the parts and has these numbers in the columns that fail, and what its being off by
    /// rounding costs in bits.
    fn place_of(&self, due: &[f64], failing: &Failing<'_>) -> Option<(usize, f64)> {
        let first = failing.columns[0];
        let reach = failing.slack * self.units[first];
        let value = |other: usize| self.others[other].1[first];
        let order = self.by_column[first].get_or_init(|| {
            let mut order: Vec<usize> = (0..self.others.len()).collect();
            order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
            order
        });
        let from = order.partition_point(|&other| value(other) < due[first] - reach);
        order[from..]
            .iter()
            .take_while(|&&other| value(other) <= due[first] + reach)
            .map(|&other| &self.others[other])
            .filter(|(row, _)| failing.parts.iter().all(|(part, _)| part != row))
            .filter_map(|(row, own)| Some((*row, self.cost(own, due, failing)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
    }

    /// Bits that it costs that numbers are equal within rounding only; `None` where they are not.
    fn cost(&self, a: &[f64], b: &[f64], failing: &Failing<'_>) -> Option<f64> {
        failing.columns.iter().try_fold(0.0, |cost, &at| {
            let off = (a[at] - b[at]).abs() / self.units[at];
            (off <= failing.slack).then(|| cost + if off < 0.5 { 0.0 } else { (2.0 * off + 1.0).log2() })
        })
    }

    fn exchange(&self, parts: &[(usize, i8)], tried: &mut usize) -> Option<Exchange> {
        let difference = differences(self.sheet, parts, self.row, &self.columns)?;
        // Each number is rounded, and so is their sum.
        let slack = 0.5 * (parts.len() + 1) as f64;
        let off = |at: &usize| difference[*at].abs() > slack * self.units[*at];
        let columns: Vec<usize> = (0..self.columns.len()).filter(off).collect();
        let come_out = (0..self.columns.len()).filter(|at| !off(at) && self.result[*at] != 0.0).count();
        // Where columns come out, the rows are in their places.
        if columns.len() < 2 || come_out >= columns.len() {
            return None;
        }
        let failing = Failing { columns: &columns, parts, slack };
        // What a difference says by its digits, but no more than the result does by its own.
        let digits: f64 = columns
            .iter()
            .map(|&at| {
                let units = self.result[at].abs().max(difference[at].abs()) / self.units[at];
                units.max(1.0).log2().min(COLUMN_BITS)
            })
            .sum();
        let values_of = |row: usize| {
            self.others.binary_search_by_key(&row, |other| other.0).ok().map(|at| &self.others[at].1)
        };
        let outside = self.others.len() - parts.iter().filter(|part| values_of(part.0).is_some()).count();
        let says_total = self.sheet.rows[self.row].key.starts_with("total");
        let mut pair: Option<(usize, usize, f64)> = None;
        for (at, &(part, factor)) in parts.iter().enumerate() {
            let Some(values) = values_of(part) else { continue };
            *tried += outside + 1;
            // A subtotal of the rows above it: the sum takes it or its parts, and begins with a row further up.
            let others =
                |index: usize| self.result[index] - difference[index] - f64::from(factor) * values[index];
            if columns.iter().all(|&index| (others(index) - values[index]).abs() <= slack * self.units[index])
            {
                continue;
            }
            // With the numbers of a row outside in place of this one's it comes out.
            let due: Vector =
                values.iter().zip(&difference).map(|(value, d)| value + f64::from(factor) * d).collect();
            if pair.is_none() {
                pair = self.place_of(&due, &failing).map(|(other, cost)| (part, other, cost));
            }
            // The result and a term: "Net = last - others" is a way of writing it down, "Total = third - others" is not.
            let twice: Vector =
                self.result.iter().zip(values).map(|(result, value)| 2.0 * (result - value)).collect();
            let written_so = !says_total && (at == 0 || at + 1 == parts.len());
            if pair.is_none() && factor > 0 && !written_so {
                pair = self.cost(&twice, &difference, &failing).map(|cost| (part, self.row, cost));
            }
        }
        // The sum stands in another row.
        let sum: Vector = self.result.iter().zip(&difference).map(|(result, d)| result - d).collect();
        *tried += outside;
        if pair.is_none() {
            pair = self.place_of(&sum, &failing).map(|(other, cost)| (self.row, other, cost));
        }
        let (first, second, cost) = pair?;
        if digits - cost - (1.0 + *tried as f64).log2() < self.needed {
            return None;
        }
        let [a, b] = [first, second].map(|row| self.sheet.name(row));
        let remark = format!("the rows \"{a}\" and \"{b}\" have changed places");
        let check = |&column: &usize| {
            Some((
                column,
                Check { remark: Some(remark.clone()), ..check(self.sheet, parts, self.row, column)? },
            ))
        };
        Some(Exchange {
            rows: (first, second),
            columns: columns.iter().map(|&at| self.columns[at]).collect(),
            // The result may be one of the two; and a sum that begins with a row further up, beyond rows that are none of
            // its terms, is no sum with rows in wrong places: net income and, below its parts, other comprehensive income.
            needs_another_sum: first == self.row
                || second == self.row
                || parts.first().is_some_and(|top| second < top.0),
            checks: columns.iter().map(|&at| &self.columns[at]).filter_map(check).collect(),
        })
    }
}

/// Rows near those from `first` to `last`.
fn near(sheet: &Sheet<'_>, first: usize, last: usize) -> std::ops::Range<usize> {
    first.saturating_sub(NEAR)..(last + 1 + NEAR).min(sheet.rows.len())
}

/// Result minus sum in each column; `None` where something cannot be read.
fn differences(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, columns: &[usize]) -> Option<Vector> {
    let difference = |&column: &usize| {
        let result = sheet.rows[row].entries[column].number()?;
        parts.iter().try_fold(result.value, |difference, &(part, factor)| {
            match &sheet.rows[part].entries[column] {
                Entry::Blank => Some(difference),
                Entry::Number(number) if number.class.adds_to(result.class) => {
                    Some(difference - f64::from(factor) * number.value)
                }
                _ => None,
            }
        })
    };
    columns.iter().map(difference).collect()
}

/// The checks of a relation that fails in every column, with the rows that explain it and the bits of evidence.
fn explained_by_rows(
    sheet: &Sheet<'_>,
    parts: &[(usize, i8)],
    row: usize,
    compared: &dyn Fn(usize) -> bool,
) -> Option<(Vec<(usize, Check)>, f64)> {
    let checks: Vec<(usize, Check)> = (0..sheet.columns())
        .filter(|&column| compared(column))
        .filter_map(|column| Some((column, check(sheet, parts, row, column)?)))
        .filter(|(_, check)| !check.converted)
        .collect();
    if checks.len() < 2 || checks.iter().any(|(_, check)| check.holds() || check.printed == 0.0) {
        return None;
    }
    let value =
        |row: usize, column: usize| sheet.rows[row].entries[column].number().map(|number| number.value);
    // What a row adds to the sum in each column, if the row has numbers there.
    let vector =
        |row: usize| -> Option<Vec<f64>> { checks.iter().map(|(column, _)| value(row, *column)).collect() };
    let outside: Vec<(usize, Vec<f64>)> = near(sheet, parts.first()?.0, row)
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
    let tried = outside.len() * (inside.len() + 2) + 2 * inside.len();
    for (other, added) in &outside {
        if fits(&|index| added[index]) {
            remark = Some(format!("the row \"{}\" is missing from this sum", sheet.name(*other)));
        }
    }
    for (position, (part, own, factor)) in inside.iter().enumerate() {
        // Without its first row it is simply a shorter sum.
        if position > 0 && fits(&|index| -factor * own[index]) {
            remark = Some(format!("the row \"{}\" does not belong in this sum", sheet.name(*part)));
        }
        for (other, added) in outside.iter() {
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
