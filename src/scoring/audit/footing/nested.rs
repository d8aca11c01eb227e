//! Subtotals too small to be believed by themselves: "Net other comprehensive income" between two balances; and rows printed
//! above their parts: "Deferred tax", of which recognised in income and not. Whether a total takes them or their parts is
//! decided by which of both adds up.

use super::super::sheet::{Class, Sheet};
use super::cues::says_total;
use super::hypothesis::{MOST_TERMS, judge};
use super::{Item, Stack, check};

/// Most rows of a nested sum.
const MOST_PARTS: usize = 8;
/// Bits from which a row may be the sum of the rows below it: little, because the total must then hold, too.
const PARENT_BITS: f64 = 1.5;
/// The same where it is so within rounding only.
const ROUNDED_PARENT_BITS: f64 = 10.0;

/// A row that is exactly the sum of the rows directly above it, in every column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nested {
    /// Its place on the stack,
    pub at: usize,
    /// and how many things below it are its parts.
    parts: usize,
}

impl Nested {
    /// The shortest sum of rows on top of the stack that this row is, which comes onto the stack next.
    pub(super) fn find(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<Self> {
        let above: Vec<usize> = stack
            .iter()
            .rev()
            .map_while(|item| if let Item::Row(row) = item { Some(*row) } else { None })
            .take(MOST_PARTS)
            .collect();
        // A block of one row has a total, too: it repeats the row.
        let key = sheet.rows[row].key.as_str();
        let fewest = if key.is_empty() || says_total(key) { 1 } else { 2 };
        (fewest..=above.len()).find_map(|count| {
            let parts: Vec<(usize, i8)> = above[..count].iter().rev().map(|&part| (part, 1)).collect();
            let mut telling = false;
            for column in
                (0..sheet.columns()).filter(|&column| sheet.rows[row].entries[column].number().is_some())
            {
                let check = check(sheet, &parts, row, column).filter(|check| check.exact())?;
                telling |= check.printed != 0.0;
            }
            telling.then_some(Self { at: stack.len(), parts: count })
        })
    }
}

/// How many rows on top of the stack are the parts of the row below them.
pub(super) fn parts_below(sheet: &Sheet<'_>, stack: &[Item]) -> Option<usize> {
    let mut parts: Vec<(usize, i8)> = Vec::new();
    for (count, item) in stack.iter().rev().enumerate() {
        match item {
            Item::Row(parent) if parts.len() >= 2 => {
                let mut bits = 0.0;
                let (mut whole, mut exact, mut columns) = (true, true, 0);
                for column in (0..sheet.columns()).filter(|&column| !sheet.rates[column]) {
                    let number = sheet.rows[*parent].entries[column].number();
                    if number.is_some_and(|number| number.class.adds_to(Class::Amount)) {
                        let verdict = judge(sheet, &parts, *parent, column);
                        whole &= verdict.is_some_and(|verdict| verdict.holds);
                        exact &= verdict.is_some_and(|verdict| verdict.exact);
                        columns += 1;
                        bits += verdict.map_or(0.0, |verdict| verdict.bits);
                    }
                }
                let needed = if exact { PARENT_BITS } else { ROUNDED_PARENT_BITS };
                if whole && columns >= 2 && bits >= needed {
                    return Some(count);
                }
                parts.push((*parent, 1));
            }
            Item::Row(row) => parts.push((*row, 1)),
            // "thereof:"
            Item::Heading(_) if parts.len() >= 2 => {}
            Item::Heading(_) => return None,
        }
        if parts.len() > MOST_PARTS {
            return None;
        }
    }
    None
}

/// The top of the stack without the parts of nested subtotals that stand on it, and where on it what is left stood; `None`
/// if that changes nothing. No more rows than a relation can have terms, and the one below them, which tells a whole block.
pub(super) fn without_nested(stack: &Stack) -> Option<(Vec<Item>, Vec<usize>)> {
    let (floor, top) = stack.top();
    let mut sums = stack.nested.iter().rev().peekable();
    // From the top down the parts of the subtotals passed so far reach to here.
    let mut reach = usize::MAX;
    let (mut left, mut rows, mut changes) = (Vec::new(), 0, false);
    for (position, item) in top.iter().enumerate().rev() {
        while let Some(sum) = sums.next_if(|sum| sum.at > floor + position) {
            reach = reach.min(sum.at - sum.parts);
        }
        if floor + position >= reach || stack.below.contains(&(floor + position)) {
            changes = true;
            continue;
        }
        left.push((*item, position));
        rows += usize::from(matches!(item, Item::Row(_)));
        if rows > MOST_TERMS {
            break;
        }
    }
    left.reverse();
    changes.then(|| left.into_iter().unzip())
}
