//! Patterns of a table's layout and numbers. Words are counted, never read: where the text of a page is poor, these
//! still say what kind of statement a table is.

use std::collections::BTreeMap;

use super::{Behind, Document, Feature, FeatureSet, Row};
use crate::document::analysis::{FigureKind, PageInfo, Table};
use crate::document::findings::ScoreTarget;
use crate::limit::Limit;
use docproc_networks::spec::FeatureSetId;

/// Fewest numbers that a table must hold.
pub const MIN_NUMBERS: usize = 4;

const SHARE: (f32, f32) = (0.0, 1.0);

/// Name, meaning, range; in the order in which [`of`] computes them.
const FEATURES: [(&str, &str, (f32, f32)); 44] = [
    ("rows", "ln(1 + rows)", (0.0, 12.0)),
    ("columns", "ln(1 + columns)", (0.0, 12.0)),
    ("number_columns", "columns in which most rows with numbers have one", (0.0, 50.0)),
    ("header_rows", "header rows", (0.0, 20.0)),
    ("numbers", "ln(1 + numbers)", (0.0, 14.0)),
    ("numbers_per_row", "numbers per row", (0.0, 50.0)),
    ("rows_without_numbers", "share of rows without a number", SHARE),
    ("filled", "share of the places of rows and columns with a cell", (0.0, 2.0)),
    ("label_length", "mean characters of a row's label, in tens", (0.0, 30.0)),
    ("label_length_spread", "standard deviation of that, in tens", (0.0, 30.0)),
    ("indented", "share of labels that are indented", SHARE),
    ("indent_levels", "deepest indentation", (0.0, 20.0)),
    ("negative", "share of numbers below zero", SHARE),
    ("negative_top", "the same in the first third of the rows", SHARE),
    ("negative_middle", "the same in the second third", SHARE),
    ("negative_bottom", "the same in the last third", SHARE),
    ("parentheses", "share of numbers in parentheses", SHARE),
    ("nil", "share of numbers that are dashes", SHARE),
    ("currency_signs", "share of numbers printed with a currency sign", SHARE),
    ("percent", "share of percentages", SHARE),
    ("per_share", "share of amounts per share", SHARE),
    ("decimals", "mean decimals", (0.0, 10.0)),
    ("small_decimals_bottom", "share of numbers below 100 with two decimals in the last third", SHARE),
    ("years", "share of whole numbers from 1990 to 2060 without separators", SHARE),
    ("magnitude", "mean of log10(1 + |number|)", (0.0, 20.0)),
    ("magnitude_spread", "standard deviation of that", (0.0, 20.0)),
    ("magnitude_largest", "largest of that", (0.0, 20.0)),
    ("largest_place", "where the largest number of the first number column stands, 0 top to 1 bottom", SHARE),
    ("largest_twice", "whether another row repeats it", SHARE),
    ("largest_apart", "rows between both over all rows", SHARE),
    ("repeats", "share of the first column's numbers that occur again in it", SHARE),
    ("sums", "share of the first column's numbers that are the sum of 2 to 30 numbers directly above", SHARE),
    ("sums_bottom", "the same in the last third", SHARE),
    ("chained", "share of numbers of the last row that occur in the first row of the same table", SHARE),
    ("column_change", "median of |ln(first / second column)| over rows with both, at most 3", (0.0, 3.0)),
    ("column_signs", "share of rows whose sign differs between the first two number columns", SHARE),
    ("columns_in_step", "share of rows whose first two numbers differ by less than a tenth", SHARE),
    ("last_column_total", "share of rows whose last number is the sum of the others", SHARE),
    ("width", "width over the page's", (0.0, 2.0)),
    ("height", "height on its first page over the page's", (0.0, 2.0)),
    ("top", "top over the page's height", (0.0, 2.0)),
    ("pages", "pages that it runs over", (0.0, 100.0)),
    ("place", "page over the document's pages", SHARE),
    ("document_pages", "ln(1 + pages of the document)", (0.0, 12.0)),
];

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let features = FEATURES
        .iter()
        .map(|(name, meaning, range)| Feature {
            name: (*name).to_owned(),
            meaning: (*meaning).to_owned(),
            range: *range,
        })
        .collect();
    FeatureSet { id: FeatureSetId { name: "patterns".to_owned(), version: 1 }, subject: "table", features }
}

/// Every table with at least [`MIN_NUMBERS`] numbers.
pub(super) fn rows(document: &Document<'_>, limit: &Limit) -> Vec<Row> {
    let pages: BTreeMap<u32, &PageInfo> = document.pages.iter().map(|page| (page.number, page)).collect();
    let last = document.pages.last().map_or(1, |page| page.number);
    limit
        .within(document.tables)
        .filter(|table| table.cells.iter().filter(|cell| cell.value.is_some()).count() >= MIN_NUMBERS)
        .map(|table| Row {
            target: ScoreTarget::Table(table.id),
            values: of(table, pages.get(&table.page).copied(), last),
            behind: Behind::Target,
        })
        .collect()
}

/// A number with what its print shows.
struct Number {
    row: u32,
    column: u32,
    value: f64,
    decimals: u32,
    kind: FigureKind,
    parentheses: bool,
    currency: bool,
    nil: bool,
    plain: bool,
}

fn of(table: &Table, page: Option<&PageInfo>, last_page: u32) -> Vec<f32> {
    let numbers: Vec<Number> = table
        .cells
        .iter()
        .filter(|cell| cell.row >= table.header_rows)
        .filter_map(|cell| {
            let value = cell.value.as_ref()?;
            Some(Number {
                row: cell.row,
                column: cell.column,
                value: value.printed,
                decimals: value.decimals,
                kind: value.kind,
                parentheses: cell.text.contains('('),
                currency: cell.text.contains(['$', '€', '£', '¥']),
                nil: value.nil,
                plain: cell.text.bytes().all(|byte| byte.is_ascii_digit()),
            })
        })
        .collect();
    let body = table.rows.saturating_sub(table.header_rows).max(1) as f32;
    let third =
        |number: &Number| (3.0 * number.row.saturating_sub(table.header_rows) as f32 / body).min(2.0) as u32;
    let share = |of: &dyn Fn(&Number) -> bool, within: &dyn Fn(&Number) -> bool| {
        let all = numbers.iter().filter(|number| within(number)).count();
        if all == 0 {
            f32::NAN
        } else {
            numbers.iter().filter(|n| within(n) && of(n)).count() as f32 / all as f32
        }
    };
    let of_all = |test: &dyn Fn(&Number) -> bool| share(test, &|_| true);
    let negative = |third_wanted: u32| share(&|n| n.value < 0.0, &|n| third(n) == third_wanted);

    let mut by_row: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
    for number in numbers.iter().filter(|number| number.kind != FigureKind::Percent) {
        by_row.entry(number.row).or_default().insert(number.column, number.value);
    }
    let mut by_column: BTreeMap<u32, usize> = BTreeMap::new();
    for column in by_row.values().flat_map(BTreeMap::keys) {
        *by_column.entry(*column).or_default() += 1;
    }
    let columns: Vec<u32> = by_column
        .iter()
        .filter(|(_, count)| 2 * **count >= by_row.len())
        .map(|(column, _)| *column)
        .collect();
    let first: Vec<(u32, f64)> = columns.first().map_or_else(Vec::new, |column| {
        by_row.iter().filter_map(|(row, values)| Some((*row, *values.get(column)?))).collect()
    });
    let labels: Vec<(f32, u32)> = table
        .cells
        .iter()
        .filter(|cell| cell.row >= table.header_rows && cell.column == 0 && cell.value.is_none())
        .map(|cell| (cell.text.chars().count() as f32 / 10.0, cell.indent))
        .collect();
    let lengths: Vec<f32> = labels.iter().map(|label| label.0).collect();
    let sizes: Vec<f32> = numbers.iter().map(|number| (1.0 + number.value.abs()).log10() as f32).collect();
    let rows_with_numbers = {
        let mut rows: Vec<u32> = numbers.iter().map(|number| number.row).collect();
        rows.dedup();
        rows.len() as f32
    };
    let (place, twice, apart) = largest(&first);
    let sums = sums(&first);
    let tail = first.len() * 2 / 3;
    let pairs: Vec<(f64, f64)> = match columns.as_slice() {
        [a, b, ..] => by_row.values().filter_map(|row| Some((*row.get(a)?, *row.get(b)?))).collect(),
        _ => Vec::new(),
    };
    let of_pairs =
        |test: &dyn Fn(f64, f64) -> bool| mean(pairs.iter().map(|(a, b)| f32::from(u8::from(test(*a, *b)))));
    let mut changes: Vec<f32> = pairs
        .iter()
        .filter(|(a, b)| *a != 0.0 && *b != 0.0)
        .map(|(a, b)| ((a / b).abs().ln().abs() as f32).min(3.0))
        .collect();
    changes.sort_by(f32::total_cmp);
    let totals = mean(by_row.values().filter(|row| row.len() >= 3).map(|row| {
        let values: Vec<f64> = row.values().copied().collect();
        let (total, parts) = values.split_last().unwrap_or((&0.0, &[]));
        f32::from(u8::from(same(parts.iter().sum(), *total)))
    }));
    let chained =
        by_row.values().next().zip(by_row.values().next_back()).map_or(f32::NAN, |(top, bottom)| {
            mean(
                bottom
                    .values()
                    .map(|value| f32::from(u8::from(top.values().any(|other| same(*other, *value))))),
            )
        });
    let (width, height) = page.map_or((612.0, 792.0), |page| (page.width.max(1.0), page.height.max(1.0)));
    let last_cell_page = table.cells.iter().map(|cell| cell.page).max().unwrap_or(table.page);
    vec![
        (table.rows as f32).ln_1p(),
        (table.columns as f32).ln_1p(),
        columns.len() as f32,
        table.header_rows as f32,
        (numbers.len() as f32).ln_1p(),
        numbers.len() as f32 / body,
        (1.0 - rows_with_numbers / body).clamp(0.0, 1.0),
        table.cells.len() as f32 / (table.rows * table.columns).max(1) as f32,
        mean(lengths.iter().copied()),
        spread(&lengths),
        mean(labels.iter().map(|label| f32::from(u8::from(label.1 > 0)))),
        labels.iter().map(|label| label.1).max().unwrap_or(0) as f32,
        of_all(&|n| n.value < 0.0),
        negative(0),
        negative(1),
        negative(2),
        of_all(&|n| n.parentheses),
        of_all(&|n| n.nil),
        of_all(&|n| n.currency),
        of_all(&|n| n.kind == FigureKind::Percent),
        of_all(&|n| n.kind == FigureKind::PerShare),
        mean(numbers.iter().map(|n| n.decimals as f32)),
        share(&|n| n.decimals == 2 && n.value.abs() < 100.0, &|n| third(n) == 2),
        of_all(&|n| n.plain && n.decimals == 0 && (1990.0..=2060.0).contains(&n.value)),
        mean(sizes.iter().copied()),
        spread(&sizes),
        sizes.iter().copied().fold(0.0, f32::max),
        place,
        twice,
        apart,
        repeats(first.iter().map(|(_, value)| *value).collect()),
        mean(sums.iter().map(|sum| f32::from(u8::from(*sum)))),
        mean(sums[tail..].iter().map(|sum| f32::from(u8::from(*sum)))),
        chained,
        changes.get(changes.len() / 2).copied().unwrap_or(f32::NAN),
        of_pairs(&|a, b| a * b < 0.0),
        of_pairs(&|a, b| (a - b).abs() < 0.1 * a.abs().max(b.abs())),
        totals,
        table.bbox.width() / width,
        table.bbox.height() / height,
        table.bbox.y0 / height,
        (last_cell_page + 1).saturating_sub(table.page) as f32,
        table.page as f32 / last_page.max(1) as f32,
        (last_page as f32).ln_1p(),
    ]
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 0.002 * a.abs().max(b.abs()) + 1e-9
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (count, sum) = values.fold((0usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { f32::NAN } else { sum / count as f32 }
}

fn spread(values: &[f32]) -> f32 {
    let middle = mean(values.iter().copied());
    mean(values.iter().map(|value| (value - middle).powi(2))).sqrt()
}

/// Share of the numbers, zeros apart, that have another one like them: if any, the next smaller or the next larger one.
fn repeats(mut values: Vec<f64>) -> f32 {
    values.sort_by(f64::total_cmp);
    mean((0..values.len()).map(|at| {
        let like = |other: Option<usize>| {
            other.and_then(|other| values.get(other)).is_some_and(|other| same(values[at], *other))
        };
        f32::from(u8::from(values[at] != 0.0 && (like(at.checked_sub(1)) || like(Some(at + 1)))))
    }))
}

/// Place of the largest number, whether another row repeats it, and how far apart both are.
fn largest(column: &[(u32, f64)]) -> (f32, f32, f32) {
    let Some((at, (_, value))) = column.iter().enumerate().max_by(|a, b| a.1.1.abs().total_cmp(&b.1.1.abs()))
    else {
        return (f32::NAN, f32::NAN, f32::NAN);
    };
    let rows = column.len().max(2) as f32 - 1.0;
    let other = column.iter().enumerate().rev().find(|(i, (_, other))| *i != at && same(*value, *other));
    let apart = other.map_or(0.0, |(other, _)| other.abs_diff(at) as f32 / rows);
    (at as f32 / rows, f32::from(u8::from(other.is_some())), apart)
}

/// Whether each number is the sum of 2 to 30 numbers directly above it.
fn sums(column: &[(u32, f64)]) -> Vec<bool> {
    (0..column.len())
        .map(|at| {
            let mut sum = 0.0;
            column[..at].iter().rev().take(30).enumerate().any(|(count, (_, value))| {
                sum += value;
                count >= 1
                    && column[at].1 != 0.0
                    && (sum - column[at].1).abs() < 0.6_f64.max(1e-9 * sum.abs())
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::statements::tests::{statements, table};

    fn value(values: &[f32], name: &str) -> f32 {
        values[FEATURES.iter().position(|feature| feature.0 == name).unwrap()]
    }

    #[test]
    fn says_what_numbers_and_layout_say_and_reads_no_word() {
        let mut tables = statements();
        let rows_of = |tables: &[crate::document::analysis::Table]| {
            rows(&Document { tables, ..Document::default() }, &Limit::default())
        };
        let found = rows_of(&tables);
        assert_eq!((found.len(), found[1].target), (2, ScoreTarget::Table(1)));
        for row in &found {
            assert_eq!(row.values.len(), FEATURES.len());
            for (value, (name, _, range)) in row.values.iter().zip(FEATURES) {
                assert!(value.is_nan() || (range.0..=range.1).contains(value), "{name}: {value}");
            }
        }
        assert_eq!(value(&found[0].values, "negative"), 0.0);
        assert_eq!(value(&found[1].values, "negative"), 2.0 / 12.0);
        assert_eq!(value(&found[0].values, "number_columns"), 2.0);
        for cell in tables.iter_mut().flat_map(|table| &mut table.cells).filter(|cell| cell.value.is_none()) {
            cell.text = cell.text.chars().map(|c| if c.is_alphabetic() { 'x' } else { c }).collect();
        }
        let again = rows_of(&tables);
        assert_eq!(format!("{:?}", again[0].values), format!("{:?}", found[0].values));
    }

    #[test]
    fn finds_sums_and_repeated_totals() {
        let numbers: [&[f64]; 5] = [&[10.0], &[20.0], &[30.0], &[12.0], &[30.0]];
        let rows: Vec<(&str, &[f64])> = numbers.iter().map(|row| ("a", *row)).collect();
        let table = table(0, &[None, None], &["", "b"], &rows);
        let values = of(&table, None, 1);
        assert_eq!(value(&values, "sums"), 0.2);
        assert_eq!((value(&values, "largest_twice"), value(&values, "largest_apart")), (1.0, 0.5));
    }
}
