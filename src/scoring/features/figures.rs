//! What speaks for and against a figure that was read: its print, its table, and the document's other tables. For the
//! probability that value, scale and sign are right.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Feature, FeatureSet};
use crate::document::analysis::{Cell, CellValue, Figure, FigureKind, Table};
use docproc_networks::spec::FeatureSetId;

const SHARE: (f32, f32) = (0.0, 1.0);
const KINDS: [(FigureKind, &str); 5] = [
    (FigureKind::Money, "money"),
    (FigureKind::PerShare, "per_share"),
    (FigureKind::Percent, "percent"),
    (FigureKind::Quantity, "quantity"),
    (FigureKind::Number, "number"),
];

/// Features of the figure alone, after its kind: name, meaning, range.
const OWN: [(&str, &str, (f32, f32)); 17] = [
    ("in_cell", "whether it stands in a table", SHARE),
    ("in_label", "whether it is part of a label or a heading of a table", SHARE),
    ("ambiguous", "whether it has another reading", SHARE),
    ("nil", "whether it is a dash", SHARE),
    ("negative", "whether it is below zero", SHARE),
    ("parentheses", "whether it is printed in parentheses", SHARE),
    ("currency_sign", "whether a currency sign is printed with it", SHARE),
    ("percent_sign", "whether a percent sign is printed with it", SHARE),
    ("words", "whether words are part of it", SHARE),
    ("digits", "digits", (0.0, 100.0)),
    ("decimals", "digits after the last point", (0.0, 100.0)),
    ("separators", "whether thousands are separated", SHARE),
    ("year", "whether it could be a year", SHARE),
    ("magnitude", "log10(1 + printed number)", (0.0, 40.0)),
    ("scale", "power of ten applied, over 3", (-10.0, 10.0)),
    ("currency", "whether its currency is known", SHARE),
    ("period", "whether its period is known", SHARE),
];

/// Features of its table and the document; absent outside of cells.
const TABLE: [(&str, &str, (f32, f32)); 20] = [
    ("table_scale", "whether the table states a scale", SHARE),
    ("table_currency", "whether the table states a currency", SHARE),
    ("table_caption", "whether the table has a caption", SHARE),
    ("usual_scale", "scale of most numbers of the document's tables, over 3", (-10.0, 10.0)),
    ("usual_share", "share of the tables' numbers with that scale", SHARE),
    ("as_usual", "whether the figure has that scale", SHARE),
    ("unscaled_amount", "no scale here, in a document whose tables mostly have one, and no decimals", SHARE),
    ("same_scale", "share of the table's numbers with its scale", SHARE),
    ("same_kind", "share of the table's numbers of its kind", SHARE),
    ("column_kind", "share of its column's numbers of its kind", SHARE),
    ("row_kind", "share of its row's numbers of its kind", SHARE),
    ("column_decimals", "share of its column's numbers with its decimals", SHARE),
    ("table_money", "share of amounts among the table's numbers", SHARE),
    ("table_percent", "share of percentages among the table's numbers", SHARE),
    ("table_signs", "share of the table's numbers with a currency sign", SHARE),
    ("table_rows", "ln(1 + rows)", (0.0, 12.0)),
    ("table_columns", "ln(1 + columns)", (0.0, 12.0)),
    ("table_headers", "header rows", (0.0, 50.0)),
    ("table_periods", "share of columns with a period", SHARE),
    ("place", "row over the table's rows", SHARE),
];

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let kinds =
        KINDS.map(|(_, name)| (format!("kind_{name}"), format!("whether it is of the kind {name}"), SHARE));
    let others = OWN
        .iter()
        .chain(&TABLE)
        .map(|(name, meaning, range)| ((*name).to_owned(), (*meaning).to_owned(), *range));
    let features = kinds
        .into_iter()
        .chain(others)
        .map(|(name, meaning, range)| Feature { name, meaning, range })
        .collect();
    FeatureSet { id: FeatureSetId { name: "figures".to_owned(), version: 1 }, subject: "figure", features }
}

/// The features of every figure with a value; `None` for dates and periods.
#[must_use]
pub fn of(figures: &[Figure], tables: &[Table]) -> Vec<Option<Vec<f32>>> {
    let by_id: BTreeMap<u32, Neighbours<'_>> =
        tables.iter().map(|table| (table.id, Neighbours::of(table))).collect();
    let usual = usual_scale(tables);
    figures
        .iter()
        .map(|figure| {
            let table = figure.cell.and_then(|cell| Some((cell, by_id.get(&cell.table)?)));
            let in_label =
                table.is_some_and(|(cell, table)| !table.numbers.contains(&(cell.row, cell.column)));
            let mut values = own(figure, in_label)?;
            match table {
                Some((cell, table)) => values.extend(table.around(figure, (cell.row, cell.column), usual)),
                None => values.extend([f32::NAN; TABLE.len()]),
            }
            Some(values)
        })
        .collect()
}

fn flag(value: bool) -> f32 {
    f32::from(u8::from(value))
}

fn own(figure: &Figure, in_label: bool) -> Option<Vec<f32>> {
    let value = figure.value?;
    let text = figure.text.as_str();
    let scale = figure.scale.unwrap_or(0);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let decimals = decimals(text);
    let printed = (value.abs() / 10f64.powi(scale)).abs();
    let mut values: Vec<f32> = KINDS.iter().map(|(kind, _)| flag(figure.kind == *kind)).collect();
    values.extend([
        flag(figure.cell.is_some()),
        flag(in_label),
        flag(!figure.alternatives.is_empty()),
        flag(digits == 0),
        flag(value < 0.0),
        flag(text.contains('(')),
        flag(text.contains(['$', '€', '£', '¥'])),
        flag(text.contains('%')),
        flag(text.chars().filter(|c| c.is_alphabetic()).count() > 2),
        digits as f32,
        decimals as f32,
        flag(text.contains(',')),
        flag(decimals == 0 && !text.contains(',') && (1990.0..=2060.0).contains(&printed)),
        (1.0 + printed).log10() as f32,
        scale as f32 / 3.0,
        flag(figure.currency.is_some()),
        flag(figure.period.is_some()),
    ]);
    Some(values)
}

fn decimals(text: &str) -> usize {
    text.rsplit_once('.').map_or(0, |(_, after)| after.bytes().take_while(u8::is_ascii_digit).count())
}

/// The scale of most numbers of the tables, and their share. Percentages and amounts per share have none to have.
fn usual_scale(tables: &[Table]) -> Option<(i32, f32)> {
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    let values = tables.iter().flat_map(|table| &table.cells).filter_map(|cell| cell.value.as_ref());
    for value in values.filter(|value| !matches!(value.kind, FigureKind::Percent | FigureKind::PerShare)) {
        *counts.entry(value.scale).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    let (scale, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some((scale, count as f32 / all as f32))
}

/// Counts by scale, kind and decimals.
#[derive(Default)]
struct Counts {
    all: usize,
    scales: BTreeMap<i32, usize>,
    kinds: BTreeMap<FigureKind, usize>,
    decimals: BTreeMap<u32, usize>,
}

impl Counts {
    fn add(&mut self, value: &CellValue) {
        self.all += 1;
        *self.scales.entry(value.scale).or_default() += 1;
        *self.kinds.entry(value.kind).or_default() += 1;
        *self.decimals.entry(value.decimals).or_default() += 1;
    }

    fn share<K: Ord>(&self, of: &BTreeMap<K, usize>, key: &K) -> f32 {
        if self.all == 0 { f32::NAN } else { of.get(key).copied().unwrap_or(0) as f32 / self.all as f32 }
    }
}

/// A table's numbers, counted as a whole and by row and column.
struct Neighbours<'a> {
    table: &'a Table,
    whole: Counts,
    numbers: HashSet<(u32, u32)>,
    rows: HashMap<u32, Counts>,
    columns: HashMap<u32, Counts>,
    signs: f32,
}

impl<'a> Neighbours<'a> {
    fn of(table: &'a Table) -> Self {
        let (mut whole, mut rows, mut columns) = (Counts::default(), HashMap::new(), HashMap::new());
        let numbers: Vec<(&Cell, &CellValue)> =
            table.cells.iter().filter_map(|cell| Some((cell, cell.value.as_ref()?))).collect();
        for (cell, value) in &numbers {
            whole.add(value);
            rows.entry(cell.row).or_insert_with(Counts::default).add(value);
            columns.entry(cell.column).or_insert_with(Counts::default).add(value);
        }
        let signed = numbers.iter().filter(|(cell, _)| cell.text.contains(['$', '€', '£', '¥'])).count();
        let signs = signed as f32 / whole.all.max(1) as f32;
        let numbers = numbers.iter().map(|(cell, _)| (cell.row, cell.column)).collect();
        Self { table, whole, numbers, rows, columns, signs }
    }

    fn around(
        &self,
        figure: &Figure,
        (row, column): (u32, u32),
        usual: Option<(i32, f32)>,
    ) -> [f32; TABLE.len()] {
        let (table, whole) = (self.table, &self.whole);
        let scale = figure.scale.unwrap_or(0);
        let kind_among = |counts: Option<&Counts>| {
            counts.map_or(f32::NAN, |counts| counts.share(&counts.kinds, &figure.kind))
        };
        let decimals = decimals(&figure.text) as u32;
        let plain = decimals == 0 && !matches!(figure.kind, FigureKind::Percent | FigureKind::PerShare);
        let periods = table.column_periods.iter().filter(|period| period.is_some()).count();
        [
            flag(table.scale.is_some()),
            flag(table.currency.is_some()),
            flag(table.caption.is_some()),
            usual.map_or(f32::NAN, |(usual, _)| usual as f32 / 3.0),
            usual.map_or(f32::NAN, |(_, share)| share),
            usual.map_or(f32::NAN, |(usual, _)| flag(usual == scale)),
            flag(plain && scale == 0 && usual.is_some_and(|(usual, _)| usual != 0)),
            whole.share(&whole.scales, &scale),
            whole.share(&whole.kinds, &figure.kind),
            kind_among(self.columns.get(&column)),
            kind_among(self.rows.get(&row)),
            self.columns.get(&column).map_or(f32::NAN, |counts| counts.share(&counts.decimals, &decimals)),
            whole.share(&whole.kinds, &FigureKind::Money),
            whole.share(&whole.kinds, &FigureKind::Percent),
            self.signs,
            (table.rows as f32).ln_1p(),
            (table.columns as f32).ln_1p(),
            table.header_rows as f32,
            periods as f32 / table.column_periods.len().max(1) as f32,
            row as f32 / table.rows.max(1) as f32,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BBox;
    use crate::document::analysis::CellReference;
    use crate::scoring::statements::tests::statements;

    #[test]
    fn describes_figures_by_their_print_and_their_table() {
        let tables = statements();
        let cell = tables[0].cells.iter().find(|cell| cell.value.is_some()).unwrap();
        let value = cell.value.as_ref().unwrap();
        let figure = Figure {
            kind: value.kind,
            text: cell.text.clone(),
            value: Some(value.value),
            alternatives: vec![],
            unit: None,
            currency: None,
            scale: None,
            period: None,
            sentence: None,
            heading: None,
            cell: Some(CellReference { table: tables[0].id, row: cell.row, column: cell.column }),
            page: 1,
            bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
            confidence: 0.9,
            needs_review: false,
        };
        let date = Figure { value: None, cell: None, ..figure.clone() };
        let prose = Figure { cell: None, sentence: Some(3), ..figure.clone() };
        let found = of(&[figure, date, prose], &tables);
        assert!(found[1].is_none());
        let names = set().names();
        let value = |row: usize, name: &str| {
            found[row].as_ref().unwrap()[names.iter().position(|other| other == name).unwrap()]
        };
        assert_eq!((value(0, "in_cell"), value(2, "in_cell"), value(2, "in_label")), (1.0, 0.0, 0.0));
        assert!(value(0, "same_kind") > 0.5 && value(2, "same_kind").is_nan());
        for (value, feature) in found[0].as_ref().unwrap().iter().zip(set().features) {
            assert!(
                value.is_nan() || (feature.range.0..=feature.range.1).contains(value),
                "{}",
                feature.name
            );
        }
        assert_eq!(found[0].as_ref().unwrap().len(), set().len());
    }
}
