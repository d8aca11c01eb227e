//! Footnote marks: at the end of a cell's text, and in cells of their own beside a number.

use std::collections::BTreeSet;

use super::find::Part;
use super::grid::GridCell;
use super::lines::{is_currency_sign, is_numeric, joined_text};
use crate::document::analysis::Cell;
use crate::document::{Page, plain_of_raised, without_raised};

/// Share of the line's font size below which a word at the end of a cell is a footnote mark.
const MARK_SIZE: f32 = 0.82;

/// The text without the footnote marks at its end, and the marks.
pub(super) fn split_notes(page: &Page, cell: &GridCell) -> (String, Vec<String>) {
    let size = size_of(page, cell);
    let mut end = cell.words.len();
    let mut notes = Vec::new();
    while end > 1 {
        let word = &page.words[cell.words[end - 1]];
        let small = word.font_size < MARK_SIZE * size && word.text.chars().count() <= 6;
        if !(is_mark(&word.text) && (small || is_plain_mark(&word.text) || letter_in_brackets(&word.text))) {
            break;
        }
        // "$ (3)" and "ZAR (7)" are amounts.
        let says_nothing = |&word: &usize| {
            let text = page.words[word].text.as_str();
            !text.contains(char::is_alphanumeric) || is_currency_sign(text)
        };
        if !small && cell.words[..end - 1].iter().all(says_nothing) {
            break;
        }
        notes.insert(0, word.text.clone());
        end -= 1;
    }
    // "¹ 4,890": a raised mark in small type before a number.
    let mut start = 0;
    while start + 1 < end && is_mark(&page.words[cell.words[start]].text) {
        let word = &page.words[cell.words[start]];
        if word.font_size >= MARK_SIZE * size || !is_numeric(&page.words[cell.words[end - 1]].text) {
            break;
        }
        notes.insert(start, word.text.clone());
        start += 1;
    }
    let words = &cell.words[start..end];
    let mut text = joined_text(words.iter().map(|&word| leaderless(&page.words[word].text)));
    if notes.is_empty()
        && let Some((number, mark)) = attached_mark(&text)
    {
        notes.push(mark.to_owned());
        text = number.to_owned();
    }
    while let Some((rest, mark)) = raised_mark(&text) {
        notes.insert(0, mark.to_owned());
        text = rest;
    }
    // A note is headed by the plain mark: `¹` is `1`.
    (text, notes.iter().map(|mark| without_raised(mark).into_owned()).collect())
}

/// Cells that hold nothing but a footnote mark in small type, by their index in the grid.
#[derive(Debug, Default)]
pub(super) struct MarkCells {
    /// Right of a cell of full size, which they belong to.
    pub beside: BTreeSet<usize>,
    /// In a row of marks, raised above the numbers that they belong to.
    pub raised: BTreeSet<usize>,
}

/// Finds the footnote marks that have cells of their own.
pub(super) fn mark_cells(part: &Part<'_>) -> MarkCells {
    let grid = &part.grid;
    let body = |cell: &GridCell| cell.row >= grid.header_rows && cell.column > 0;
    let mut sizes: Vec<f32> = grid
        .cells
        .iter()
        .filter(|cell| body(cell) && is_numeric(&cell.text))
        .map(|cell| size_of(part.page, cell))
        .collect();
    sizes.sort_by(f32::total_cmp);
    let Some(&usual) = sizes.get(sizes.len() / 2) else { return MarkCells::default() };
    let is_small = |cell: &GridCell| size_of(part.page, cell) < MARK_SIZE * usual;
    let is_mark_cell = |cell: &GridCell| {
        body(cell) && is_small(cell) && cell.words.iter().all(|&word| is_mark(&part.page.words[word].text))
    };
    let mut found = MarkCells::default();
    for (index, cell) in grid.cells.iter().enumerate().filter(|(_, cell)| is_mark_cell(cell)) {
        let left = index.checked_sub(1).map(|before| &grid.cells[before]).filter(|left| left.row == cell.row);
        if left.is_some_and(|left| !is_small(left)) {
            found.beside.insert(index);
        } else if grid.cells.iter().filter(|other| other.row == cell.row).all(is_mark_cell) {
            found.raised.insert(index);
        }
    }
    found
}

/// Takes out the columns that held nothing but marks and have no header of their own; gives the number of columns left.
pub(super) fn drop_columns(cells: &mut [Cell], marks: &BTreeSet<usize>, columns: usize) -> usize {
    let filled: BTreeSet<usize> =
        cells.iter().filter(|cell| cell.column_span == 1).map(|cell| cell.column as usize).collect();
    let mut dropped: BTreeSet<usize> = marks.difference(&filled).copied().collect();
    let covered = |cell: &Cell| cell.column as usize..(cell.column + cell.column_span) as usize;
    dropped.retain(|column| {
        cells
            .iter()
            .all(|cell| !covered(cell).contains(column) || covered(cell).any(|other| !marks.contains(&other)))
    });
    for cell in cells.iter_mut() {
        let covered = covered(cell);
        let before = dropped.range(..covered.start).count() as u32;
        cell.column_span -= dropped.range(covered).count() as u32;
        cell.column -= before;
    }
    columns - dropped.len()
}

fn size_of(page: &Page, cell: &GridCell) -> f32 {
    cell.words.iter().map(|&word| page.words[word].font_size).fold(0.0, f32::max)
}

fn leaderless(text: &str) -> &str {
    let bare = text.trim_end_matches(['.', '…', '_']);
    if text.len() >= bare.len() + 3 { bare } else { text }
}

/// `(1)`, `1`, `(a)`, `*`, `†`, `[2]`
fn is_mark(text: &str) -> bool {
    let inner = text.trim_matches(['(', ')', '[', ']', ',']);
    is_plain_mark(text)
        || (!inner.is_empty()
            && inner.chars().count() <= 2
            && (inner.bytes().all(|byte| byte.is_ascii_digit())
                || inner.bytes().all(|byte| byte.is_ascii_lowercase())))
}

fn is_plain_mark(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| matches!(c, '*' | '†' | '‡' | '§') || is_raised(c))
}

fn is_raised(c: char) -> bool {
    plain_of_raised(c).is_some()
}

fn letter_in_brackets(text: &str) -> bool {
    let within = |open, close| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let inner: Option<&str> = within('(', ')').or_else(|| within('[', ']'));
    inner.is_some_and(|inner| inner.chars().count() == 1 && inner.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Raised characters at the end of the text or at the start of a number: `8,123¹`, `²502`, `Revenue⁽¹⁾`. They are no mark
/// as the power of a unit or of ten.
fn raised_mark(text: &str) -> Option<(String, &str)> {
    let joins = |c: char| is_raised(c) || matches!(c, ',' | '˒');
    let rest = text.trim_end_matches(joins);
    let rest = &text[..rest.len() + text[rest.len()..].find(is_raised).unwrap_or(text.len() - rest.len())];
    let mark = &text[rest.len()..];
    let last = rest.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let is_power = matches!(last, "m" | "km" | "cm" | "mm" | "ft" | "in" | "yd" | "mi" | "M" | "10" | "R")
        && !rest.contains([',', '.']);
    if !mark.is_empty() && !rest.trim().is_empty() && !is_power {
        return Some((rest.trim_end().to_owned(), mark));
    }
    let behind = text.trim_start_matches(joins);
    let number = behind.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '€' | '£' | '('));
    (behind.len() < text.len() && number && !behind.starts_with('/'))
        .then(|| (behind.to_owned(), &text[..text.len() - behind.len()]))
}

/// A mark set directly behind a number: `1,234(1)`, `502[2]`, `12.5*`.
fn attached_mark(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    if !(first.is_ascii_digit() || "$€£¥(-–−△▲".contains(first)) {
        return None;
    }
    let cut = if text.ends_with([')', ']']) {
        let open = text.rfind(['(', '['])?;
        (open > 0
            && letter_in_brackets(&text[open..])
            && text[..open].ends_with(|c: char| c.is_ascii_digit() || c == '%' || c == ')'))
        .then_some(open)?
    } else {
        let bare = text.trim_end_matches(['*', '†', '‡']);
        (bare.len() < text.len()).then_some(bare.len())?
    };
    (cut > 0).then(|| (&text[..cut], &text[cut..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_split_off_numbers_and_labels() {
        assert_eq!(attached_mark("- 7 793*"), Some(("- 7 793", "*")));
        assert_eq!(attached_mark("502[2]"), Some(("502", "[2]")));
        assert_eq!(attached_mark("1,234(1)"), Some(("1,234", "(1)")));
        assert_eq!(attached_mark("[790]"), None);
        let raised = |text| raised_mark(text).map(|(rest, mark)| (rest, mark.to_owned()));
        let split = |rest: &str, mark: &str| Some((rest.to_owned(), mark.to_owned()));
        assert_eq!(raised("8,123¹,²"), split("8,123", "¹,²"));
        assert_eq!(raised("²8,123"), split("8,123", "²"));
        assert_eq!(raised("Revenue⁽¹⁾"), split("Revenue", "⁽¹⁾"));
        for text in ["Area in m²", "10⁶", "¹", "Revenue", "½"] {
            assert_eq!(raised(text), None, "{text}");
        }
    }
}
