//! A table as rows of numbers with the cues that auditors read: labels, indentation, rulings.

use std::collections::BTreeMap;

use crate::document::analysis::{Cell, CellValue, FigureKind, Table};
use crate::document::{BBox, Page};

/// Rows from which on one rate between two columns is no coincidence,
const CONVERTED_ROWS: usize = 4;
/// if their numbers have this many half units.
const TELLING_UNITS: f64 = 200.0;

/// Rates and percentages are smaller than this,
const LARGEST_RATE: f64 = 1_000.0;
/// and this many times smaller than the largest amount beside them.
const RATE_SHARE: f64 = 10.0;

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
    /// Whether it is another number of its row at a fixed rate, and so rounded where that one is.
    pub converted: bool,
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
    /// Whether those of each column look like rates or percentages.
    pub rates: Vec<bool>,
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
        for row in &mut rows {
            if is_numbering(row, table) {
                row.entries.iter_mut().for_each(|entry| *entry = Entry::Blank);
            }
        }
        convert(&mut rows, columns.len(), table);
        let headers: Vec<String> = columns.iter().map(|&column| header_of(table, column as u32)).collect();
        let additive = headers.iter().map(|header: &String| is_additive(header)).collect();
        let periods =
            columns.iter().map(|&column| table.column_periods.get(column).cloned().flatten()).collect();
        let entries =
            rows.iter().flat_map(|row| &row.entries).filter(|entry| matches!(entry, Entry::LeftOut));
        let left_out = u32::try_from(entries.count()).unwrap_or(u32::MAX);
        let rates = rates(table, &rows, columns.len());
        Self { table, rows, headers, periods, additive, rates, left_out }
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

/// Gives numbers that are those of another column at a fixed rate (yen in dollars for convenience) the rounding that they
/// inherit: each is off by what its source is off by, times the rate.
fn convert(rows: &mut [Row], columns: usize, table: &Table) {
    for target in 0..columns {
        for source in (0..columns).filter(|&source| source != target) {
            let Some(rate) = fixed_rate(rows, source, target, table) else { continue };
            for row in rows.iter_mut() {
                let Some(inherited) = row.entries[source].number().map(|number| rate * number.half_unit)
                else {
                    continue;
                };
                if let Entry::Number(number) = &mut row.entries[target] {
                    number.half_unit += inherited;
                    number.converted = true;
                }
            }
            break;
        }
    }
}

/// How many units of `target` are one of `source`, if that is one number in every row that has both, and more than one.
fn fixed_rate(rows: &[Row], source: usize, target: usize, table: &Table) -> Option<f64> {
    // Two rows are enough where the columns are in two currencies.
    let currency =
        |number: &Number| table.cells[number.cell].value.as_ref().and_then(|value| value.currency.clone());
    let pairs = || {
        rows.iter().filter_map(|row| {
            let (from, to) = (row.entries[source].number()?, row.entries[target].number()?);
            (from.class == to.class && !from.converted && !(from.nil && to.nil)).then_some((from, to))
        })
    };
    let (from, to) = pairs().max_by(|a, b| a.0.value.abs().total_cmp(&b.0.value.abs()))?;
    let rate = to.value / from.value;
    if !rate.is_finite() || rate * from.half_unit <= to.half_unit {
        return None;
    }
    let slack = rate * from.half_unit / from.value.abs() + to.half_unit / from.value.abs();
    let in_two = currency(from).zip(currency(to)).is_some_and(|(from, to)| from != to);
    let needed = if in_two { CONVERTED_ROWS / 2 } else { CONVERTED_ROWS };
    let (mut telling, mut odd) = (0, 0);
    for (from, to) in pairs() {
        let off = (to.value - rate * from.value).abs();
        if off > rate * from.half_unit + to.half_unit + slack * from.value.abs() {
            odd += 1;
            continue;
        }
        telling += usize::from(from.value.abs() >= TELLING_UNITS * from.half_unit);
    }
    // One number may be wrong.
    (telling >= needed && odd * CONVERTED_ROWS <= telling && odd <= 1).then_some(rate)
}

/// Columns of small numbers without currency beside a column of large ones: percentages and rates whose header does
/// not say so.
fn rates(table: &Table, rows: &[Row], columns: usize) -> Vec<bool> {
    let largest: Vec<f64> = (0..columns)
        .map(|column| {
            let numbers = rows.iter().filter_map(|row| row.entries[column].number());
            numbers.map(|number| number.value.abs()).fold(0.0, f64::max)
        })
        .collect();
    let most = largest.iter().copied().fold(0.0, f64::max);
    (0..columns)
        .map(|column| {
            let numbers = rows.iter().filter_map(|row| row.entries[column].number());
            largest[column] < LARGEST_RATE
                && RATE_SHARE * largest[column] < most
                && !numbers.into_iter().any(|number| table.cells[number.cell].text.contains(['$', '€', '£']))
        })
        .collect()
}

/// Whether a row numbers the columns ("(5) (6) (7)") or names their years.
fn is_numbering(row: &Row, table: &Table) -> bool {
    let numbers: Vec<&Number> = row.entries.iter().filter_map(Entry::number).collect();
    let bare = |number: &Number| !table.cells[number.cell].text.contains([',', '.', '$', '%', '€', '£']);
    if numbers.len() < 2 || !row.key.is_empty() || !numbers.iter().all(|number| bare(number)) {
        return false;
    }
    let value = |number: &Number| number.value.abs();
    let counts = numbers.len() >= 3
        && value(numbers[0]) <= 9.0
        && numbers.windows(2).all(|pair| value(pair[1]) - value(pair[0]) == 1.0);
    counts || numbers.iter().all(|number| (1980.0..=2060.0).contains(&number.value))
}

/// Whether a term is printed with more decimals than the result: of another kind, such as a ratio among amounts.
pub(super) fn is_finer(term: &Number, result: &Number) -> bool {
    !term.nil
        && !result.nil
        && !term.converted
        && !result.converted
        && term.half_unit < 0.5 * result.half_unit
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
                | "code"
                | "codes"
                | "ref"
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
        converted: false,
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
