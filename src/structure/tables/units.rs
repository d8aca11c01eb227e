//! Units that a column prints at its first number and its totals only, and columns of percentages without any sign,
//! which are known by what they are computed from.

use crate::document::analysis::{Cell, CellValue, FigureKind};
use crate::structure::numbers::{Locale, NumberUnit, parse_number};
use crate::structure::units::header_unit;

/// Percentages without a sign are smaller than this.
const LARGEST: f64 = 1_000.0;
/// Columns between a percentage and the amounts that it is computed from.
const REACH: usize = 3;
/// Rows in which a percentage must come out.
const MIN_ROWS: usize = 3;
/// Rows of 100 that are tried as the whole of a column of shares. A column has one, or one per block; with all of them a
/// table that is joined over many pages costs each row all rows.
const MOST_WHOLES: usize = 8;
/// Of this many rows one may not come out.
const ROWS_PER_MISS: usize = 5;
/// Bits of evidence from which a column is one of percentages, when its header says so and when it does not.
const ANNOUNCED_BITS: f64 = 10.0;
const SILENT_BITS: f64 = 24.0;
/// Confidence that a number without a sign is a percentage.
const CONFIDENCE: f32 = 0.9;

/// What a cell's own text says about its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Percent,
    Currency(&'static str),
    Other,
    Bare,
}

/// A number of a column.
#[derive(Clone, Copy, Debug)]
struct Entry {
    cell: usize,
    row: u32,
    value: f64,
    half_unit: f64,
    nil: bool,
    mark: Mark,
    /// Whether it can be a percentage: small and without groups of digits.
    small: bool,
}

/// Gives numbers without a sign the unit of their column. `headers` are the texts over each column.
pub(super) fn complete_units(cells: &mut [Cell], headers: &[String], locale: Locale) {
    let mut columns: Vec<Vec<Entry>> = vec![Vec::new(); headers.len()];
    for (index, cell) in cells.iter().enumerate() {
        if let (Some(entry), Some(column)) =
            (entry(index, cell, locale), columns.get_mut(cell.column as usize))
        {
            column.push(entry);
        }
    }
    for (column, header) in headers.iter().enumerate() {
        let mut percents = below_sign(&columns, column);
        let bare = |entry: &&Entry| entry.mark == Mark::Bare && is_amount(&cells[entry.cell]);
        // A column that names its currency holds amounts, whatever they look like beside the others.
        let unit = header_unit(header);
        let money = unit.currency.is_some() && unit.about.is_none();
        if percents.is_empty() && !money && columns[column].iter().filter(bare).count() >= MIN_ROWS {
            let computed = is_change(&columns, column, header) || is_share(&columns, column);
            if computed
                && columns[column].iter().all(|entry| entry.small && !matches!(entry.mark, Mark::Currency(_)))
            {
                percents = columns[column].iter().map(|entry| entry.cell).collect();
            }
        }
        for cell in percents {
            if let Some(value) = cells[cell].value.as_mut().filter(|value| value.kind != FigureKind::Percent)
            {
                make_percent(value);
            }
        }
    }
    inherit_currency(cells, &columns);
}

fn entry(index: usize, cell: &Cell, locale: Locale) -> Option<Entry> {
    let value = cell.value.as_ref().filter(|value| value.alternatives.is_empty())?;
    let number = parse_number(&cell.text, locale)?;
    let mark = match (number.unit, number.currency) {
        (NumberUnit::Percent, _) => Mark::Percent,
        (_, Some(code)) => Mark::Currency(code),
        (NumberUnit::None, None) if number.scale.is_none() => Mark::Bare,
        _ => Mark::Other,
    };
    Some(Entry {
        cell: index,
        row: cell.row,
        value: value.printed,
        half_unit: 0.5 * 0.1f64.powi(value.decimals.min(9) as i32),
        nil: value.nil,
        mark,
        small: !number.grouped && value.printed.abs() < LARGEST,
    })
}

fn is_amount(cell: &Cell) -> bool {
    cell.value.as_ref().is_some_and(|value| matches!(value.kind, FigureKind::Money | FigureKind::Number))
}

fn make_percent(value: &mut CellValue) {
    value.kind = FigureKind::Percent;
    value.scale = 0;
    value.value = value.printed;
    value.currency = None;
    value.confidence = value.confidence.min(CONFIDENCE);
}

/// Numbers without a sign below one with a percent sign: a column of percentages beside columns of amounts, or
/// percentages that add up to their last one.
fn below_sign(columns: &[Vec<Entry>], column: usize) -> Vec<usize> {
    let own = &columns[column];
    let mut found: Vec<usize> = Vec::new();
    let mut below = false;
    for entry in own {
        match entry.mark {
            Mark::Percent => below = true,
            Mark::Currency(_) | Mark::Other => below = false,
            Mark::Bare if below && !entry.small => return Vec::new(),
            Mark::Bare if below => found.push(entry.cell),
            Mark::Bare => {}
        }
    }
    let signed: Vec<&Entry> = own.iter().filter(|entry| entry.mark == Mark::Percent).collect();
    // The column's own sign stands beside amounts; that of a row stands in all its columns.
    let beside_amounts = |entry: &&&Entry| {
        columns.iter().enumerate().any(|(other, entries)| {
            other != column && entries.iter().any(|of| of.row == entry.row && of.mark != Mark::Percent)
        })
    };
    let of_column = signed.iter().filter(beside_amounts).count() * 2 >= signed.len();
    if of_column { found } else { adding_up(own) }
}

/// Numbers without a sign between two with a percent sign, where all but the last add up to it.
fn adding_up(entries: &[Entry]) -> Vec<usize> {
    let signed: Vec<usize> =
        (0..entries.len()).filter(|&index| entries[index].mark == Mark::Percent).collect();
    let mut found = Vec::new();
    for pair in signed.windows(2) {
        let (parts, last) = (&entries[pair[0]..pair[1]], &entries[pair[1]]);
        let (sum, slack) = parts.iter().fold((0.0, last.half_unit), |(sum, slack), part| {
            (sum + part.value, slack + if part.nil { 0.0 } else { part.half_unit })
        });
        // Shares of a whole are not below zero.
        let bare = parts[1..].iter().all(|part| part.mark == Mark::Bare && part.small && part.value >= 0.0);
        if bare && parts.len() >= MIN_ROWS && (sum - last.value).abs() <= slack + 1e-9 {
            found.extend(parts[1..].iter().map(|part| part.cell));
        }
    }
    found
}

/// The number of a row; `entries` are in the order of their rows.
fn at(entries: &[Entry], row: u32) -> Option<&Entry> {
    let from = entries.partition_point(|entry| entry.row < row);
    entries[from..].iter().take_while(|entry| entry.row == row).find(|entry| !entry.nil)
}

/// How often what is expected of a column is printed in it.
#[derive(Default)]
struct Tally {
    holds: usize,
    misses: usize,
    bits: f64,
}

impl Tally {
    /// `slope` is what rounding of the amounts can do to the percentage, `largest` the largest number of the column.
    fn add(&mut self, entry: &Entry, expected: f64, slope: f64, largest: f64) {
        let tolerance = 2.0 * entry.half_unit + slope;
        if (expected - entry.value).abs() <= tolerance + 1e-9 {
            self.holds += 1;
            self.bits += (largest / tolerance).max(1.0).log2();
        } else {
            self.misses += 1;
        }
    }

    fn is_believed(&self, needed: f64) -> bool {
        self.holds >= MIN_ROWS && self.misses * ROWS_PER_MISS <= self.holds && self.bits >= needed
    }
}

fn near(column: usize, columns: usize) -> impl Iterator<Item = usize> + Clone {
    (column.saturating_sub(REACH)..(column + REACH + 1).min(columns)).filter(move |other| *other != column)
}

fn largest(entries: &[Entry]) -> f64 {
    entries.iter().map(|entry| entry.value.abs()).fold(0.0, f64::max)
}

/// Whether the column is the change in percent between two others.
fn is_change(columns: &[Vec<Entry>], column: usize, header: &str) -> bool {
    let own = &columns[column];
    let header = header.to_lowercase();
    let announced = ["change", "growth", "increase", "decrease", "variance", "%"]
        .iter()
        .any(|word| header.contains(word));
    let most = largest(own);
    for later in near(column, columns.len()) {
        for before in near(column, columns.len()).filter(|before| *before != later) {
            let (mut change, mut difference) = (Tally::default(), Tally::default());
            for entry in own.iter().filter(|entry| !entry.nil) {
                let (Some(a), Some(b)) = (at(&columns[later], entry.row), at(&columns[before], entry.row))
                else {
                    continue;
                };
                difference.add(entry, a.value - b.value, a.half_unit + b.half_unit, most);
                if a.value > 0.0 && b.value > 0.0 {
                    let slope = 100.0 * (a.half_unit / b.value + a.value * b.half_unit / (b.value * b.value));
                    change.add(entry, 100.0 * (a.value - b.value) / b.value, slope, most);
                }
            }
            let needed = if announced { ANNOUNCED_BITS } else { SILENT_BITS };
            if change.is_believed(needed) && change.holds > difference.holds {
                return true;
            }
        }
    }
    false
}

/// Whether the column is the share of another column's numbers in the one beside which it says 100.
fn is_share(columns: &[Vec<Entry>], column: usize) -> bool {
    let own = &columns[column];
    own.iter().filter(|entry| (entry.value - 100.0).abs() < 1e-9).take(MOST_WHOLES).any(|base| {
        near(column, columns.len()).any(|part| {
            let Some(whole) = at(&columns[part], base.row).filter(|whole| whole.value > 0.0) else {
                return false;
            };
            let mut tally = Tally::default();
            for entry in own.iter().filter(|entry| !entry.nil && entry.row != base.row) {
                let Some(amount) = at(&columns[part], entry.row) else { continue };
                let share = 100.0 * amount.value / whole.value;
                let slope = (100.0 * amount.half_unit + share.abs() * whole.half_unit) / whole.value;
                tally.add(entry, share, slope, 100.0);
            }
            tally.is_believed(ANNOUNCED_BITS)
        })
    })
}

/// A number without a sign below one of its column with a currency is an amount of that currency.
fn inherit_currency(cells: &mut [Cell], columns: &[Vec<Entry>]) {
    for entries in columns {
        let mut currency = None;
        for entry in entries {
            match entry.mark {
                Mark::Currency(code) => currency = Some(code),
                Mark::Bare => {}
                Mark::Percent | Mark::Other => continue,
            }
            if let (Some(value), Some(code)) = (cells[entry.cell].value.as_mut(), currency)
                && value.kind == FigureKind::Number
            {
                value.kind = FigureKind::Money;
                value.currency = Some(code.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BBox;

    /// Kinds of the numbers of a table of lines `label | number | number`, row by row.
    fn kinds(header: &[&str], lines: &[&str]) -> Vec<String> {
        let locale = Locale::UNITED_STATES;
        let mut cells = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            for (column, text) in
                line.split('|').map(str::trim).enumerate().filter(|(_, text)| !text.is_empty())
            {
                let number = parse_number(text, locale).filter(|_| column > 0);
                cells.push(Cell {
                    row: row as u32,
                    column: column as u32,
                    row_span: 1,
                    column_span: 1,
                    header: column == 0,
                    indent: 0,
                    page: 1,
                    bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
                    text: text.to_owned(),
                    notes: Vec::new(),
                    value: number.map(|number| CellValue {
                        kind: number.kind(),
                        printed: number.value,
                        value: number.value,
                        decimals: number.decimals,
                        scale: 0,
                        currency: number.currency.map(str::to_owned),
                        nil: number.nil,
                        alternatives: number.alternatives,
                        confidence: 1.0,
                        needs_review: false,
                        period: None,
                    }),
                });
            }
        }
        let headers: Vec<String> = header.iter().map(|text| (*text).to_owned()).collect();
        complete_units(&mut cells, &headers, locale);
        let letter = |cell: &Cell| match cell.value.as_ref().map(|value| value.kind) {
            Some(FigureKind::Percent) => "%",
            Some(FigureKind::Money) => "$",
            Some(_) => "n",
            None => "",
        };
        let row = |row: u32| cells.iter().filter(|cell| cell.row == row).map(letter).collect::<String>();
        (0..lines.len() as u32).map(row).collect()
    }

    #[test]
    fn signs_at_the_first_number_and_the_total_hold_for_those_between() {
        let lines = [
            "Grain | $ 964 | $ 901 | 7%",
            "Feed | 201 | 203 | (1)",
            "Coal | 469 | 339 | 38",
            "Total | $ 1,634 | $ 1,443 | 13%",
        ];
        assert_eq!(kinds(&["", "2025", "2024", "Change"], &lines), ["$$%", "$$%", "$$%", "$$%"]);
        let shares = ["Americas | 43% | 41%", "Europe | 31 | 30", "Asia | 26 | 29", "Total | 100% | 100%"];
        assert_eq!(kinds(&["", "2025", "2024"], &shares), ["%%", "%%", "%%", "%%"]);
        let mixed = [
            "Coupon of the notes | 4 1/2% | 6-3/4%",
            "Discount rate | 3.5 - 4.4% | 1.2% – 2.0%",
            "Intercompany balance | 1,234 CR | 845 DR",
            "Market value of the fund | 12·5 | 108·4",
            "Change in volumes | ▲ 4.5% | ▲ 12.0%",
            "Contingent liabilities | nil | Nil",
            "Fair value adjustments | minus 12 | (1,204)",
            "Change in prices | +4.5% | +0.8%",
        ];
        let found = kinds(&["", "FY20", "FY19"], &mixed);
        assert_eq!(found[3..], ["nn", "%%", "nn", "nn", "%%"], "{found:?}");
        let rows = ["Margin | 43% | 41%", "Stores | 531 | 530", "Tax rate | 21% | 22%", "Staff | 100 | 90"];
        assert_eq!(
            kinds(&["", "2025", "2024"], &rows),
            ["%%", "nn", "%%", "nn"],
            "signs of rows are theirs alone"
        );
    }

    #[test]
    fn columns_without_any_sign_are_known_by_what_they_are_computed_from() {
        let lines =
            ["A | 964 | 901 | 7.0", "B | 201 | 203 | (1.0)", "C | 469 | 339 | 38.3", "D | 300 | 310 | (3.2)"];
        assert_eq!(kinds(&["", "2025", "2024", "Change"], &lines), ["nn%"; 4]);
        let difference =
            ["A | 964 | 901 | 63", "B | 201 | 203 | (2)", "C | 469 | 339 | 130", "D | 300 | 310 | (10)"];
        assert_eq!(kinds(&["", "2025", "2024", "Change"], &difference), ["nnn"; 4]);
        let share = ["A | 964 | 59.0", "B | 201 | 12.3", "C | 469 | 28.7", "Total | 1,634 | 100.0"];
        assert_eq!(kinds(&["", "2025", "Share"], &share), ["n%"; 4]);
    }
}
