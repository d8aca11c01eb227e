//! A table as rows of numbers with the cues that auditors read: labels, indentation, rulings.

use std::collections::BTreeMap;

use crate::document::analysis::{Cell, CellValue, FigureKind, Table};
use crate::document::{BBox, Page};

/// A number that takes part in relations.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// Index of its cell in the table.
    pub cell: usize,
    /// Printed value before scale.
    pub value: f64,
    /// Half a unit of the last printed digit.
    pub half_unit: f64,
    pub class: Class,
    pub nil: bool,
    /// Whether a ruling runs directly above it.
    pub ruled: bool,
}

/// Numbers of different classes are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Amount,
    PerShare,
    Percent,
    Quantity,
}

impl Class {
    /// Whether numbers of both classes may be terms of one sum: a count is not always recognised as one.
    pub fn adds_to(self, other: Self) -> bool {
        let counted = |class| matches!(class, Self::Amount | Self::Quantity);
        self == other || counted(self) && counted(other)
    }
}

/// What stands at a row and column.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Blank,
    /// Text.
    Unreadable,
    /// A number that can be read in two ways or is cut off.
    LeftOut,
    Number(Number),
}

impl Entry {
    pub fn number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub label: String,
    /// The label in lower case with single spaces, without punctuation at its ends.
    pub key: String,
    /// Whether its label says that a positive amount is taken off.
    pub deduction: bool,
    pub indent: u32,
    /// One entry per column of the sheet.
    pub entries: Vec<Entry>,
}

impl Row {
    pub fn has_numbers(&self) -> bool {
        self.entries.iter().any(|entry| entry.number().is_some())
    }

    pub fn ruled(&self) -> bool {
        let mut numbers = self.entries.iter().filter_map(Entry::number).peekable();
        numbers.peek().is_some() && numbers.all(|number| number.ruled || number.nil)
    }
}

/// Which reading of numbers like `12.345` takes part: twelve thousand, or twelve and some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubtful {
    /// The one named first.
    First,
    /// The other one.
    Second,
    /// None: such numbers are left out.
    LeftOut,
}

/// A table for the audit.
#[derive(Clone, Debug)]
pub(super) struct Sheet<'t> {
    pub table: &'t Table,
    pub rows: Vec<Row>,
    /// Header text of each column of the sheet.
    pub headers: Vec<String>,
    /// Period of each column of the sheet.
    pub periods: Vec<Option<String>>,
    /// Whether the numbers of each column may be added up, as far as its header says.
    pub additive: Vec<bool>,
    /// Numbers that take no part, because they can be read in two ways or are cut off.
    pub left_out: u32,
}

impl<'t> Sheet<'t> {
    /// Whether the marks of a number in the table can be read in two ways.
    pub fn is_doubtful(table: &Table) -> bool {
        table.cells.iter().filter_map(|cell| cell.value.as_ref()).any(|value| other_mark(value).is_some())
    }

    pub fn new(table: &'t Table, pages: &BTreeMap<u32, &Page>, doubtful: Doubtful) -> Self {
        let rows = table.rows as usize;
        let mut cells: Vec<Vec<Option<usize>>> = vec![vec![None; table.columns as usize]; rows];
        for (index, cell) in table.cells.iter().enumerate() {
            let place = cells.get_mut(cell.row as usize).and_then(|row| row.get_mut(cell.column as usize));
            if let Some(place) = place {
                *place = Some(index);
            }
        }
        let body = table.header_rows as usize..rows;
        let columns: Vec<usize> = (0..table.columns as usize)
            .filter(|&column| {
                body.clone()
                    .any(|row| cells[row][column].is_some_and(|cell| table.cells[cell].value.is_some()))
            })
            .collect();
        let units: Vec<f64> = columns.iter().map(|&column| usual_half_unit(table, column as u32)).collect();
        let label_columns = columns.first().copied().unwrap_or(0).max(1);
        let rows = body
            .map(|row| {
                let label: Vec<&str> = (0..label_columns)
                    .filter_map(|column| cells[row].get(column).copied().flatten())
                    .filter(|&cell| table.cells[cell].value.is_none())
                    .map(|cell| table.cells[cell].text.as_str())
                    .collect();
                let label = label.join(" ");
                let entries = columns
                    .iter()
                    .zip(&units)
                    .map(|(&column, &unit)| match cells[row][column] {
                        None => Entry::Blank,
                        Some(cell) => entry(table, cell, unit, pages, doubtful),
                    })
                    .collect();
                let indent = cells[row][0].map_or(0, |cell| table.cells[cell].indent);
                let key = key_of(&label);
                Row { deduction: is_deduction(&key), key, label, indent, entries }
            })
            .collect();
        let mut rows: Vec<Row> = rows;
        // Rulings under every row separate rows; they do not announce totals.
        let with_numbers = rows.iter().filter(|row| row.has_numbers()).count();
        if rows.iter().filter(|row| row.ruled()).count() * 5 > with_numbers * 2 {
            rows.iter_mut().flat_map(|row| &mut row.entries).for_each(|entry| {
                if let Entry::Number(number) = entry {
                    number.ruled = false;
                }
            });
        }
        let headers: Vec<String> = columns.iter().map(|&column| header_of(table, column as u32)).collect();
        let additive = headers.iter().map(|header: &String| is_additive(header)).collect();
        let periods =
            columns.iter().map(|&column| table.column_periods.get(column).cloned().flatten()).collect();
        let entries =
            rows.iter().flat_map(|row| &row.entries).filter(|entry| matches!(entry, Entry::LeftOut));
        let left_out = u32::try_from(entries.count()).unwrap_or(u32::MAX);
        Self { table, rows, headers, periods, additive, left_out }
    }

    pub fn columns(&self) -> usize {
        self.headers.len()
    }

    pub fn cell(&self, number: &Number) -> &'t Cell {
        &self.table.cells[number.cell]
    }

    /// Name of a number for a reader: its row's label, else its column's header.
    pub fn name(&self, row: usize) -> String {
        let label = &self.rows[row].label;
        if label.is_empty() {
            format!("row {}", row + self.table.header_rows as usize + 1)
        } else {
            label.clone()
        }
    }
}

/// Lower case, single spaces, no punctuation at the ends.
pub(super) fn key_of(label: &str) -> String {
    let lower = label.to_lowercase().replace('’', "'");
    lower
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '(')
        .to_owned()
}

/// Whether a positive amount with this label is taken off. What stands in parentheses names the other sign: "Other
/// income (loss)" is no deduction.
fn is_deduction(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "less",
        "cost",
        "expense",
        "expenses",
        "provision",
        "tax",
        "taxes",
        "depreciation",
        "amortization",
        "allowance",
        "impairment",
        "loss",
        "losses",
        "noncontrolling",
        "charges",
        "administrative",
        "research",
        "marketing",
    ];
    let mut depth = 0u32;
    let outside: String = key
        .chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
        .collect();
    outside.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word))
}

fn header_of(table: &Table, column: u32) -> String {
    let over = table.cells.iter().filter(|cell| {
        cell.row < table.header_rows && cell.column <= column && column < cell.column + cell.column_span
    });
    over.map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Prices, rates and averages are not added up.
fn is_additive(header: &str) -> bool {
    let header = header.to_lowercase();
    let words: Vec<&str> = header.split(|c: char| !c.is_alphanumeric()).collect();
    !words.iter().any(|word| {
        matches!(
            *word,
            "per"
                | "price"
                | "prices"
                | "rate"
                | "rates"
                | "yield"
                | "weighted"
                | "average"
                | "intrinsic"
                | "ratio"
                | "note"
                | "notes"
        )
    })
}

/// Half a unit of the precision that most numbers of a column have.
fn usual_half_unit(table: &Table, column: u32) -> f64 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for cell in table.cells.iter().filter(|cell| cell.column == column) {
        if let Some(value) = cell.value.as_ref().filter(|value| !value.nil) {
            *counts.entry(value.decimals).or_default() += 1;
        }
    }
    let decimals = counts.iter().max_by_key(|(_, count)| **count).map_or(0, |(&decimals, _)| decimals);
    half_unit(decimals)
}

fn half_unit(decimals: u32) -> f64 {
    0.5 * 0.1f64.powi(decimals.min(9) as i32)
}

/// The other value of a number that has three digits behind its only mark, and its decimals, where nothing else is
/// doubtful about it.
fn other_mark(value: &CellValue) -> Option<(f64, u32)> {
    let [other] = value.alternatives[..] else { return None };
    let ratio = value.printed / other;
    let close = |expected: f64| (ratio / expected - 1.0).abs() < 1e-9;
    if close(1_000.0) {
        Some((other, 3))
    } else if close(0.001) {
        Some((other, 0))
    } else {
        None
    }
}

fn entry(table: &Table, index: usize, usual: f64, pages: &BTreeMap<u32, &Page>, doubtful: Doubtful) -> Entry {
    let cell = &table.cells[index];
    let Some(value) = &cell.value else {
        return if cell.text.is_empty() { Entry::Blank } else { Entry::Unreadable };
    };
    let page = pages.get(&cell.page);
    if is_cut(&cell.text) || !value.printed.is_finite() {
        return Entry::LeftOut;
    }
    let (printed, decimals) = if value.alternatives.is_empty() {
        (value.printed, value.decimals)
    } else {
        match (doubtful, other_mark(value)) {
            (Doubtful::First, Some(_)) => (value.printed, value.decimals),
            (Doubtful::Second, Some(other)) => other,
            _ => return Entry::LeftOut,
        }
    };
    let class = match value.kind {
        FigureKind::Percent => Class::Percent,
        FigureKind::PerShare => Class::PerShare,
        FigureKind::Quantity => Class::Quantity,
        _ => Class::Amount,
    };
    Entry::Number(Number {
        cell: index,
        value: printed,
        half_unit: if value.nil { usual } else { half_unit(decimals) },
        class,
        nil: value.nil,
        ruled: page.is_some_and(|page| ruled_above(page, &cell.bbox)),
    })
}

/// "(283,88" ends within a group of digits and lacks its parenthesis: the rest was cut off where it was printed.
fn is_cut(text: &str) -> bool {
    let group = text.rsplit_once(',').map_or("", |(_, group)| group);
    text.contains('(')
        && !text.contains(')')
        && matches!(group.len(), 1..=2)
        && group.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether a horizontal ruling runs between this box and the line above it.
fn ruled_above(page: &Page, bbox: &BBox) -> bool {
    let reach = 0.6 * bbox.height().max(4.0);
    page.rulings.iter().filter(|ruling| ruling.horizontal).any(|ruling| {
        let y = ruling.bbox.center_y();
        y > bbox.y0 - reach
            && y < bbox.y0 + 0.25 * reach
            && ruling.bbox.x1 > bbox.center_x()
            && ruling.bbox.x0 < bbox.x1
            && ruling.bbox.width() < 0.5 * page.width
    })
}
