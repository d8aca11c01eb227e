//! What the statements of a report say, by concept: total assets, sales, net profit, ... each with the cells that it
//! was read from. A lexicon over row labels finds them; nothing is guessed that no row says.

use std::collections::BTreeMap;

use crate::document::analysis::{CellReference, FigureKind, Table};

mod lexicon;

pub use lexicon::Concept;
use lexicon::{Kind, LEXICON, matches};

/// A quantity with the cells behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// Value in units of the currency, per year for what flows.
    pub value: f64,
    /// Where it was read.
    pub cells: Vec<CellReference>,
}

/// A labelled row with its numbers by column.
struct Row {
    label: String,
    numbers: BTreeMap<u32, (f64, CellReference)>,
}

/// Reads the statements of a document.
#[must_use]
pub fn read(tables: &[Table]) -> BTreeMap<Concept, Amount> {
    let mut known = BTreeMap::new();
    for kind in [Kind::Balance, Kind::Income, Kind::CashFlow] {
        let candidates = tables.iter().map(|table| (table, rows(table)));
        // The fullest table is the statement; of equals that with the fewest columns (others add shares or changes), then
        // the first.
        let mut best: Option<((usize, i64), &Table, Vec<Row>)> = None;
        for (table, rows) in candidates {
            if !is_statement(kind, &rows) {
                continue;
            }
            let count =
                LEXICON.iter().filter(|entry| entry.1 == kind && find(&rows, entry.2).is_some()).count();
            let rank = (count, -i64::from(table.columns));
            if best.as_ref().is_none_or(|(highest, _, _)| rank > *highest) {
                best = Some((rank, table, rows));
            }
        }
        if let Some((_, table, rows)) = best {
            take(kind, table, &rows, &mut known);
        }
    }
    derive(&mut known);
    known
}

fn rows(table: &Table) -> Vec<Row> {
    let mut found: BTreeMap<u32, Row> = BTreeMap::new();
    for cell in table.cells.iter().filter(|cell| cell.row >= table.header_rows) {
        let row =
            found.entry(cell.row).or_insert_with(|| Row { label: String::new(), numbers: BTreeMap::new() });
        match &cell.value {
            Some(value) if !matches!(value.kind, FigureKind::Percent | FigureKind::PerShare) => {
                let place = CellReference { table: table.id, row: cell.row, column: cell.column };
                row.numbers.insert(cell.column, (value.value, place));
            }
            None if row.numbers.is_empty() => {
                row.label.push(' ');
                row.label.push_str(&cell.text);
            }
            _ => {}
        }
    }
    found
        .into_values()
        .map(|row| {
            let lower = row.label.to_lowercase().replace('’', "'");
            let words: Vec<&str> = lower.split_whitespace().collect();
            let label = words.join(" ").trim_end_matches([':', '.', '$', ' ', '—', '–', '-']).to_owned();
            Row { label, ..row }
        })
        .filter(|row| !row.numbers.is_empty())
        .collect()
}

fn find<'r>(rows: &'r [Row], patterns: &[&str]) -> Option<&'r Row> {
    patterns.iter().find_map(|pattern| rows.iter().find(|row| matches(&row.label, pattern)))
}

fn has(rows: &[Row], concept: Concept) -> bool {
    LEXICON.iter().any(|entry| entry.0 == concept && find(rows, entry.2).is_some())
}

fn is_statement(kind: Kind, rows: &[Row]) -> bool {
    match kind {
        Kind::Balance => {
            has(rows, Concept::TotalAssets)
                && (has(rows, Concept::Equity)
                    || has(rows, Concept::TotalLiabilities)
                    || has(rows, Concept::CurrentLiabilities))
        }
        Kind::Income => {
            has(rows, Concept::Sales)
                && has(rows, Concept::NetProfit)
                && (has(rows, Concept::PretaxProfit) || has(rows, Concept::OperatingProfit))
        }
        Kind::CashFlow => {
            rows.iter().any(|row| row.label.contains("operating activities"))
                && has(rows, Concept::Depreciation)
        }
    }
}

/// A column of numbers with the end of its period, where that is known, and its months.
struct Column {
    index: u32,
    end: Option<String>,
    months: f64,
}

/// Columns with numbers in most rows, newest first; of the same end the longest period up to a year first; left to right
/// where no period is stated.
fn columns(table: &Table, rows: &[Row]) -> Vec<Column> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for column in rows.iter().flat_map(|row| row.numbers.keys()) {
        *counts.entry(*column).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let mut found: Vec<Column> = counts
        .into_iter()
        .filter(|(_, count)| 2 * count >= most)
        .map(|(index, _)| {
            let period = table.column_periods.get(index as usize).cloned().flatten();
            let header: String = table
                .cells
                .iter()
                .filter(|cell| {
                    cell.row < table.header_rows
                        && cell.column <= index
                        && index < cell.column + cell.column_span
                })
                .map(|cell| cell.text.to_lowercase() + " ")
                .collect();
            let stated = period.as_deref().and_then(|period| {
                let (start, end) = period.split_once('/')?;
                Some((month(end)? - month(start)? + 1).clamp(1, 12))
            });
            let months = worded(&header).or(stated).unwrap_or(12);
            let end = period.map(|period| period.rsplit('/').next().unwrap_or_default().to_owned());
            Column { index, end, months: f64::from(months) }
        })
        .collect();
    if found.iter().all(|column| column.end.is_some()) {
        found.sort_by(|a, b| {
            b.end.cmp(&a.end).then(b.months.total_cmp(&a.months)).then(a.index.cmp(&b.index))
        });
    }
    found
}

/// Months of an ISO date since year 0.
fn month(date: &str) -> Option<i32> {
    let mut parts = date.split('-');
    let year: i32 = parts.next()?.parse().ok()?;
    let month: i32 = parts.next()?.parse().ok()?;
    Some(12 * year + month)
}

/// Months that a header states in words.
fn worded(header: &str) -> Option<i32> {
    [
        ("three months", 3),
        ("13 weeks", 3),
        ("thirteen weeks", 3),
        ("quarter", 3),
        ("six months", 6),
        ("26 weeks", 6),
        ("nine months", 9),
        ("39 weeks", 9),
        ("twelve months", 12),
        ("year", 12),
    ]
    .into_iter()
    .find_map(|(words, months)| header.contains(words).then_some(months))
}

fn take(kind: Kind, table: &Table, rows: &[Row], known: &mut BTreeMap<Concept, Amount>) {
    let columns = columns(table, rows);
    let Some(newest) = columns.first() else { return };
    let factor = |column: &Column| if kind == Kind::Balance { 1.0 } else { 12.0 / column.months };
    let read = |row: &Row, column: &Column| {
        let (value, cell) = row.numbers.get(&column.index)?;
        // "Net loss 512" says what "Net income (512)" says.
        let lost = ["net loss", "loss from", "operating loss", "loss before"]
            .iter()
            .any(|start| row.label.starts_with(start));
        let value = if lost && *value > 0.0 { -value } else { *value };
        Some(Amount { value: value * factor(column), cells: vec![*cell] })
    };
    for (concept, _, patterns) in LEXICON.iter().filter(|entry| entry.1 == kind) {
        let Some(row) = find(rows, patterns) else { continue };
        let Some(mut amount) = read(row, newest) else { continue };
        if matches!(concept, Concept::InterestExpense | Concept::Depreciation | Concept::OperatingExpenses) {
            amount.value = amount.value.abs();
        }
        // Columns of the same length, a year apart.
        let years: Vec<&Column> = columns
            .iter()
            .filter(|other| {
                (other.months - newest.months).abs() < 0.5
                    && match (&other.end, &newest.end) {
                        (Some(a), Some(b)) => {
                            let apart = month(b).zip(month(a)).map_or(0, |(b, a)| b - a);
                            apart % 12 == 0
                        }
                        _ => true,
                    }
            })
            .collect();
        if *concept == Concept::Sales
            && let Some(before) = years.get(1).and_then(|column| read(row, column))
        {
            known.insert(Concept::SalesBefore, before);
        }
        if *concept == Concept::PretaxProfit
            && newest.months > 11.5
            && let [a, b, c] =
                years.iter().filter_map(|column| read(row, column)).collect::<Vec<_>>().as_slice()
        {
            let cells = [a, b, c].iter().flat_map(|amount| amount.cells.clone()).collect();
            known.insert(
                Concept::PretaxProfitThreeYears,
                Amount { value: a.value + b.value + c.value, cells },
            );
        }
        known.insert(*concept, amount);
    }
}

/// What follows from what is known.
fn derive(known: &mut BTreeMap<Concept, Amount>) {
    let less = |known: &mut BTreeMap<Concept, Amount>, result: Concept, whole: Concept, part: Concept| {
        if !known.contains_key(&result)
            && let (Some(whole), Some(part)) = (known.get(&whole), known.get(&part))
        {
            let cells = whole.cells.iter().chain(&part.cells).copied().collect();
            known.insert(result, Amount { value: whole.value - part.value, cells });
        }
    };
    // A scale that was missed in one of the statements would make nonsense of every ratio across them.
    let mismatch =
        known.get(&Concept::TotalAssets).zip(known.get(&Concept::Sales)).is_some_and(|(assets, sales)| {
            assets.value <= 0.0 || !(1e-4..100.0).contains(&(sales.value / assets.value).abs())
        });
    if mismatch {
        known.clear();
        return;
    }
    use Concept as C;
    less(known, C::TotalLiabilities, C::TotalAssets, C::Equity);
    less(known, C::Equity, C::TotalAssets, C::TotalLiabilities);
    less(known, C::FixedAssets, C::TotalAssets, C::CurrentAssets);
    less(known, C::LongTermLiabilities, C::TotalLiabilities, C::CurrentLiabilities);
    known.remove(&C::OperatingExpenses).into_iter().for_each(|stated| {
        if !known.contains_key(&C::OperatingProfit) {
            known.insert(C::OperatingExpenses, stated);
        }
    });
    less(known, C::OperatingProfit, C::Sales, C::OperatingExpenses);
    less(known, C::OperatingExpenses, C::Sales, C::OperatingProfit);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::document::BBox;
    use crate::document::analysis::{Cell, CellValue};

    /// A table with a header row and rows of a label and numbers.
    pub(in crate::scoring) fn table(
        id: u32,
        periods: &[Option<&str>],
        headers: &[&str],
        rows: &[(&str, &[f64])],
    ) -> Table {
        let cell = |row: usize, column: usize, text: &str, value: Option<f64>| Cell {
            row: row as u32,
            column: column as u32,
            row_span: 1,
            column_span: 1,
            header: row == 0 || column == 0,
            indent: 0,
            page: 1,
            bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
            text: text.to_owned(),
            notes: vec![],
            value: value.map(|value| CellValue {
                kind: FigureKind::Money,
                printed: value,
                value: value * 1e6,
                decimals: 0,
                scale: 6,
                currency: None,
                nil: false,
                alternatives: vec![],
                confidence: 0.9,
                needs_review: false,
                period: None,
            }),
        };
        let mut cells: Vec<Cell> =
            headers.iter().enumerate().map(|(column, text)| cell(0, column, text, None)).collect();
        for (row, (label, numbers)) in rows.iter().enumerate() {
            cells.push(cell(row + 1, 0, label, None));
            for (column, number) in numbers.iter().enumerate() {
                cells.push(cell(row + 1, column + 1, &number.to_string(), Some(*number)));
            }
        }
        Table {
            id,
            blocks: vec![],
            section: None,
            caption: None,
            page: 1,
            bbox: BBox::new(0.0, 0.0, 100.0, 100.0),
            continued: vec![],
            rows: rows.len() as u32 + 1,
            columns: headers.len() as u32,
            header_rows: 1,
            scale: Some(6),
            scale_from: None,
            currency: None,
            column_periods: periods.iter().map(|period| period.map(str::to_owned)).collect(),
            cells,
        }
    }

    pub(in crate::scoring) fn statements() -> Vec<Table> {
        let balance = table(
            0,
            &[None, Some("2023-12-31"), Some("2024-06-30")],
            &["", "December 31, 2023", "June 30, 2024"],
            &[
                ("Cash and cash equivalents", &[5.0, 10.0]),
                ("Accounts receivable, net of allowances", &[8.0, 20.0]),
                ("Inventories", &[9.0, 30.0]),
                ("Total current assets", &[40.0, 80.0]),
                ("Total assets", &[150.0, 200.0]),
                ("Total current liabilities", &[30.0, 40.0]),
                ("Common stock, $0.01 par value", &[1.0, 2.0]),
                ("Total stockholders’ equity", &[60.0, 80.0]),
            ],
        );
        let income = table(
            1,
            &[None, Some("2024-01-01/2024-06-30"), Some("2023-01-01/2023-06-30")],
            &["", "Six months ended June 30, 2024", "Six months ended June 30, 2023"],
            &[
                ("Total net sales", &[100.0, 80.0]),
                ("Operating income", &[12.0, 9.0]),
                ("Interest expense", &[-2.0, -3.0]),
                ("Income before income taxes", &[10.0, 6.0]),
                ("Net income per share", &[1.0, 0.5]),
                ("Net income", &[7.0, 4.0]),
            ],
        );
        vec![balance, income]
    }

    #[test]
    fn reads_the_newest_column_and_makes_years_of_half_years() {
        let known = read(&statements());
        let value = |concept| known[&concept].value / 1e6;
        assert_eq!(value(Concept::TotalAssets), 200.0);
        assert_eq!(value(Concept::FixedAssets), 120.0);
        assert_eq!(value(Concept::TotalLiabilities), 120.0);
        assert_eq!(value(Concept::LongTermLiabilities), 80.0);
        assert_eq!((value(Concept::Sales), value(Concept::SalesBefore)), (200.0, 160.0));
        assert_eq!((value(Concept::NetProfit), value(Concept::InterestExpense)), (14.0, 4.0));
        assert_eq!(value(Concept::OperatingExpenses), 176.0);
        assert!(
            !known.contains_key(&Concept::Depreciation)
                && !known.contains_key(&Concept::PretaxProfitThreeYears)
        );
        let cell = |row, column| CellReference { table: 0, row, column };
        assert_eq!(known[&Concept::FixedAssets].cells, [cell(5, 2), cell(4, 2)]);
    }

    #[test]
    fn a_loss_printed_without_a_sign_is_a_loss_and_odd_scales_are_not_believed() {
        let mut tables = statements();
        tables[1].cells.iter_mut().filter(|cell| cell.text == "Net income").for_each(|cell| {
            cell.text = "Net loss".to_owned();
        });
        assert_eq!(read(&tables)[&Concept::NetProfit].value, -14e6);
        for value in tables[1].cells.iter_mut().filter_map(|cell| cell.value.as_mut()) {
            value.value *= 1e6;
        }
        assert!(read(&tables).is_empty());
        assert!(read(&[]).is_empty());
    }
}
