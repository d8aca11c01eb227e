//! Subtotals too small to be believed by themselves: "Net other comprehensive income" between two balances. Whether a
//! total takes them or their parts is decided by which of both adds up.

use super::super::sheet::Sheet;
use super::cues::says_total;
use super::{Item, check};

/// Most rows of a nested sum.
const MOST_PARTS: usize = 8;

/// A row that is exactly the sum of the rows directly above it, in every column.
#[derive(Clone, Debug)]
pub(super) struct Nested {
    row: usize,
    parts: Vec<usize>,
}

impl Nested {
    /// The shortest sum of rows on top of the stack that this row is.
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
            telling.then(|| Self { row, parts: parts.iter().map(|part| part.0).collect() })
        })
    }
}

/// The stack without the parts of nested subtotals that stand on it, and where what is left stood; `None` if that
/// changes nothing.
pub(super) fn without_nested(stack: &[Item], nested: &[Nested]) -> Option<(Vec<Item>, Vec<usize>)> {
    let on_stack = |row: usize| stack.iter().any(|item| matches!(item, Item::Row(other) if *other == row));
    let hidden: Vec<usize> =
        nested.iter().filter(|sum| on_stack(sum.row)).flat_map(|sum| sum.parts.iter().copied()).collect();
    let left: Vec<(Item, usize)> = stack
        .iter()
        .enumerate()
        .filter(|(_, item)| !matches!(item, Item::Row(row) if hidden.contains(row)))
        .map(|(position, item)| (*item, position))
        .collect();
    (left.len() < stack.len()).then(|| left.into_iter().unzip())
}
