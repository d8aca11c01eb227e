//! Totals of columns: which rows a row claims to add up, and whether it does.
//!
//! Rows are read from top to bottom onto a stack. A row that is the sum of the top of the stack, in all columns or
//! in most of them, takes the place of what it sums, so that subtotals add up to totals. A relation is only believed
//! on evidence: how improbable it is that it holds by chance in the columns in which it holds (in bits), with a
//! threshold that depends on what the label, the rulings and the indentation say.

mod cues;
mod hypothesis;
mod misplaced;
mod nested;
mod siblings;

use std::collections::BTreeSet;

use super::evidence::{Record, alike, is_average, is_copied, is_slip};
use super::relation::{Check, sum_check};
use super::sheet::{Class, Entry, Number, Sheet, is_finer};
use crate::error::Result;
use crate::limit::Limit;
use cues::{Cue, names_block};
use hypothesis::best_hypothesis;
use misplaced::{Exchange, misplaced, slipped};
use nested::{Nested, parts_below, without_nested};
pub(super) use siblings::Known;

/// Columns in which every sum of at least this many fails are of another kind.
const ALWAYS_FAILING: usize = 3;
/// Exchanges of two rows that are tried for one table: each reads the whole table again.
const MOST_EXCHANGES: usize = 12;
/// What a row is compared with from the top of the stack down. Relations are much shorter than this; without an end a
/// table that is joined over many pages costs each row all rows before it.
const REACH: usize = 1_024;

/// Something on the stack.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// A heading without numbers, by row.
    Heading(usize),
    /// A row of numbers.
    Row(usize),
}

/// What was read and is not summed up yet.
#[derive(Debug, Default)]
struct Stack {
    items: Vec<Item>,
    /// Subtotals on the stack, by their place on it.
    nested: Vec<Nested>,
    /// Places on it of rows that are parts of a row above them.
    below: BTreeSet<usize>,
}

impl Stack {
    /// What is on top, and how much lies below.
    fn top(&self) -> (usize, &[Item]) {
        let floor = self.items.len().saturating_sub(REACH);
        (floor, &self.items[floor..])
    }

    fn truncate(&mut self, length: usize) {
        self.items.truncate(length);
        self.below.split_off(&length);
        while self.nested.last().is_some_and(|sum| sum.at >= length) {
            self.nested.pop();
        }
    }

    fn push_row(&mut self, sheet: &Sheet<'_>, row: usize) {
        self.items.push(Item::Row(row));
        if let Some(count) = parts_below(sheet, self.top().1) {
            self.below.extend(self.items.len() - count..self.items.len());
        }
    }

    /// Of headings without rows between them only the last heads anything.
    fn push_heading(&mut self, row: usize) {
        if let Some(Item::Heading(last)) = self.items.last_mut() {
            *last = row;
        } else {
            self.items.push(Item::Heading(row));
        }
    }
}

/// A relation between rows, and how it fares in each column.
#[derive(Clone, Debug)]
struct Hypothesis {
    /// Position on the stack of the first term.
    from: usize,
    /// Rows and their factors.
    parts: Vec<(usize, i8)>,
    holding: Vec<usize>,
    failing: Vec<usize>,
    /// Columns in which it comes out without any rounding.
    exact: usize,
    bits: f64,
    /// Whether it plainly adds up a whole block, as totals mostly do.
    natural: bool,
    /// Whether another table of the document has it.
    known: bool,
}

/// All checks of column totals of one sheet. `known` are the relations that hold in other tables; those that hold
/// here are added to `learned`.
pub(super) fn footing(
    sheet: &Sheet<'_>,
    known: &Known,
    learned: &mut Known,
    limit: &Limit,
) -> Result<Vec<Check>> {
    let mut exchanges = Vec::new();
    let mut checks = read_down(sheet, known, learned, Some(&mut exchanges), limit)?;
    for exchange in exchanges.into_iter().take(MOST_EXCHANGES) {
        if is_repair(sheet, known, &checks, &exchange, limit)? {
            checks.extend(exchange.checks);
            break;
        }
    }
    Ok(checks.into_iter().map(|(_, check)| check).collect())
}

/// Whether sums come out that did not, and none is lost, when two rows change places.
fn is_repair(
    sheet: &Sheet<'_>,
    known: &Known,
    checks: &[(usize, Check)],
    exchange: &Exchange,
    limit: &Limit,
) -> Result<bool> {
    let mut repaired = sheet.clone();
    let (first, second) = exchange.rows;
    for &column in &exchange.columns {
        let (a, b) = (sheet.rows[first].entries[column].clone(), sheet.rows[second].entries[column].clone());
        repaired.rows[first].entries[column] = b;
        repaired.rows[second].entries[column] = a;
    }
    let after = read_down(&repaired, known, &mut Known::default(), None, limit)?;
    // Results by their cells: those of the two rows have changed places, too.
    let results = |checks: &[(usize, Check)], holds: bool| -> BTreeSet<(u32, u32)> {
        let own = checks.iter().filter(|(_, check)| check.holds() == holds);
        own.filter_map(|(_, check)| check.terms.last()?.cell).map(|cell| (cell.row, cell.column)).collect()
    };
    let (held, holds) = (results(checks, true), results(&after, true));
    let gained = holds.difference(&held).count();
    let needed = exchange.columns.len() * if exchange.needs_another_sum { 2 } else { 1 };
    Ok(held.is_subset(&holds)
        && gained >= needed
        && results(&after, false).len() <= results(checks, false).len())
}

/// Reads the rows from top to bottom and checks what each claims. Exchanges that would repair a sum go to `exchanges`.
fn read_down(
    sheet: &Sheet<'_>,
    known: &Known,
    learned: &mut Known,
    mut exchanges: Option<&mut Vec<Exchange>>,
    limit: &Limit,
) -> Result<Vec<(usize, Check)>> {
    let mut checks: Vec<(usize, Check)> = Vec::new();
    let mut stack = Stack::default();
    let mut results: BTreeSet<usize> = BTreeSet::new();
    for row in 0..sheet.rows.len() {
        limit.check()?;
        if !sheet.rows[row].has_numbers() {
            if !sheet.rows[row].key.is_empty() {
                stack.push_heading(row);
            }
            continue;
        }
        let (floor, top) = stack.top();
        let hypothesis = claimed(sheet, &stack, row).or_else(|| known.hypothesis(sheet, top, row));
        if let Some(mut hypothesis) = hypothesis {
            keep_what_evidence_bears(sheet, &mut hypothesis, row);
            learned.add(sheet, &hypothesis, row);
            results.insert(row);
            let columns = hypothesis.holding.iter().chain(&hypothesis.failing);
            checks.extend(
                columns.filter_map(|&column| Some((column, check(sheet, &hypothesis.parts, row, column)?))),
            );
            stack.truncate(floor + hypothesis.from);
        } else if let Some((from, found)) = misplaced(sheet, top, row) {
            checks.extend(found);
            stack.truncate(floor + from);
        } else if let Some((from, found)) = slipped(sheet, top, &results, row) {
            checks.push(found);
            stack.truncate(floor + from);
        } else {
            if let Some(exchanges) = exchanges.as_mut().filter(|found| found.len() < MOST_EXCHANGES) {
                exchanges.extend(misplaced::exchanges(sheet, top, row));
            }
            if Cue::of(&sheet.rows[row]) == Cue::Total
                && let Some(heading) = top.iter().rposition(|item| matches!(item, Item::Heading(_)))
                && names_block(sheet, top[heading], row)
            {
                // What it sums is clear even if the sum is not: upper totals take this row and not its parts.
                stack.truncate(floor + heading + 1);
            } else if let Some(sum) = Nested::find(sheet, &stack.items, row) {
                stack.nested.push(sum);
            }
        }
        stack.push_row(sheet, row);
    }
    let other_kind: Vec<usize> = (0..sheet.columns())
        .filter(|&column| {
            let own = || checks.iter().filter(|(of, _)| *of == column);
            !own().any(|(_, check)| check.holds()) && (sheet.rates[column] || own().count() >= ALWAYS_FAILING)
        })
        .collect();
    checks.retain(|(column, _)| !other_kind.contains(column));
    Ok(checks)
}

/// The relation that this row claims; where the rows above do not give one that holds everywhere, that which leaves out
/// the parts of nested subtotals.
fn claimed(sheet: &Sheet<'_>, stack: &Stack, row: usize) -> Option<Hypothesis> {
    let plain = best_hypothesis(sheet, stack.top().1, row);
    if plain.as_ref().is_some_and(|plain| plain.failing.is_empty()) {
        return plain;
    }
    let other = without_nested(stack).and_then(|(above, positions)| {
        let other = best_hypothesis(sheet, &above, row)?;
        (plain.is_none() || other.failing.is_empty())
            .then(|| Hypothesis { from: positions[other.from], ..other })
    });
    let mut found = other.or(plain)?;
    if is_split(sheet, &found, row) {
        found.failing.clear();
    }
    found.failing.retain(|&column| !is_carried(sheet, &found.parts, row, column));
    Some(found)
}

/// Columns that fail are findings only where something independent speaks for the claim: the columns that hold are of
/// their kind and outnumber them, or one slip explains each.
fn keep_what_evidence_bears(sheet: &Sheet<'_>, found: &mut Hypothesis, row: usize) {
    let failing: Vec<(usize, Check)> = found
        .failing
        .iter()
        .filter_map(|&column| Some((column, check(sheet, &found.parts, row, column)?)))
        .collect();
    if failing.is_empty() {
        return;
    }
    let holding: Vec<Check> =
        found.holding.iter().filter_map(|&column| check(sheet, &found.parts, row, column)).collect();
    let telling = holding.iter().filter(|check| check.filled() >= 2);
    let record = Record {
        telling: telling.clone().count(),
        exact: telling.filter(|check| check.exact()).count(),
        failing: failing.len(),
    };
    let cue = Cue::of(&sheet.rows[row]);
    let plain = found.natural
        && cue != Cue::None
        && !repeats_labels(sheet, &found.parts)
        && !is_unlabelled(sheet, &found.parts, row);
    let same_kind = alike(sheet, found.holding.iter().chain(&found.failing).copied());
    let told = found.known && (cue == Cue::Total || record.telling >= record.failing);
    let confirmed = told || record.confirms(plain, same_kind);
    // A slip that explains a sum of guessed signs, which most columns confirm within rounding only, is a coincidence.
    let claimed = found.natural || found.known || record.telling > 0 && 2 * record.exact >= record.telling;
    let borne = |check: &Check| {
        let explained = || claimed && (is_slip(check) || is_copied(sheet, check));
        !is_average(check) && (confirmed && check.filled() >= 2 || explained())
    };
    found.failing = failing.into_iter().filter(|(_, check)| borne(check)).map(|(column, _)| column).collect();
}

/// Whether neither result nor terms say what they are: then an empty label is no sign of a total.
fn is_unlabelled(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize) -> bool {
    sheet.rows[row].key.is_empty() && parts.iter().any(|&(part, _)| sheet.rows[part].key.is_empty())
}

/// Whether terms have the same labels, as rows that alternate between years have.
fn repeats_labels(sheet: &Sheet<'_>, parts: &[(usize, i8)]) -> bool {
    let mut labels: Vec<&str> = parts.iter().map(|&(part, _)| sheet.rows[part].key.as_str()).collect();
    labels.retain(|label| !label.is_empty());
    labels.sort_unstable();
    labels.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether the result is printed in two rows, of which the second is empty in all columns but those that fail: "cash of
/// continuing operations" and "cash of discontinued operations".
fn is_split(sheet: &Sheet<'_>, found: &Hypothesis, row: usize) -> bool {
    let Some(next) = sheet.rows.get(row + 1) else { return false };
    let rest = |column: usize| next.entries[column].number().map_or(0.0, |number| number.value);
    !found.failing.is_empty()
        && found.holding.iter().all(|&column| rest(column) == 0.0)
        && found.failing.iter().all(|&column| {
            check(sheet, &found.parts, row, column)
                .is_some_and(|check| (check.difference() + rest(column)).abs() <= 0.5 * check.unit())
        })
}

/// Whether the result repeats its last term although others stand above it: what remains at the end of each month is not
/// added up.
fn is_carried(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> bool {
    let value = |row: usize| sheet.rows[row].entries[column].number().map(|number| number.value);
    let (Some(result), Some((&(last, _), others))) = (value(row), parts.split_last()) else { return false };
    value(last) == Some(result)
        && others.iter().any(|&(part, _)| value(part).is_some_and(|value| value != 0.0))
}

/// The numbers of a relation in one column; `None` where it says nothing.
fn numbers<'s>(
    sheet: &'s Sheet<'_>,
    parts: &[(usize, i8)],
    row: usize,
    column: usize,
) -> Option<(Vec<(usize, &'s Number, i8)>, &'s Number)> {
    let result = sheet.rows[row].entries[column].number().filter(|_| sheet.additive[column])?;
    let mut terms = Vec::with_capacity(parts.len());
    for &(part, factor) in parts {
        match &sheet.rows[part].entries[column] {
            Entry::Blank => {}
            Entry::Unreadable | Entry::LeftOut => return None,
            Entry::Number(number) if is_finer(number, result) => return None,
            Entry::Number(number) if number.class.adds_to(result.class) => terms.push((part, number, factor)),
            Entry::Number(_) => return None,
        }
    }
    (!terms.is_empty()).then_some((terms, result))
}

/// Whether a row has nothing that could be added to this result: percentages below amounts ("% of revenue").
fn is_of_other_kind(sheet: &Sheet<'_>, part: usize, row: usize) -> bool {
    let mut pairs = sheet.rows[part]
        .entries
        .iter()
        .zip(&sheet.rows[row].entries)
        .filter_map(|(part, result)| Some((part.number()?.class, result.number()?.class)))
        .peekable();
    pairs.peek().is_some() && pairs.all(|(part, result)| part == Class::Percent && !part.adds_to(result))
}

fn check(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> Option<Check> {
    let (terms, result) = numbers(sheet, parts, row, column)?;
    let named: Vec<(String, &Number, i8)> =
        terms.into_iter().map(|(part, number, factor)| (sheet.name(part), number, factor)).collect();
    Some(sum_check(sheet, "footing", &named, (sheet.name(row), result)))
}
