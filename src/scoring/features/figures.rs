//! What speaks for and against a figure that was read: its print, where its scale and its period come from, its table, and
//! the document's other tables. For the probability that nothing that it states is wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Feature, FeatureSet};
use crate::document::analysis::{Cell, CellValue, Figure, FigureKind, Table, UnitSource};
use crate::structure::numbers::{Date, Period};
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
const OWN: [(&str, &str, (f32, f32)); 30] = [
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
    ("period_day", "whether its period is a day", SHARE),
    ("period_span", "whether its period has a first and a last day", SHARE),
    ("period_years", "length of its period over 365 days", (0.0, 10.0)),
    (
        "period_distance",
        "years between the end of its period and the latest that is usual in the document",
        (-50.0, 50.0),
    ),
    ("needs_review", "whether its reading was marked as doubtful", SHARE),
    ("direction", "whether a triangle or an arrow stands with it", SHARE),
    ("spaces", "whether spaces stand between its digits", SHARE),
    ("heading", "whether it stands in a heading", SHARE),
    (
        "relative_size",
        "log10 of its value over the median of the document's numbers of its kind",
        (-40.0, 40.0),
    ),
    ("sentence_periods", "different periods that its sentence states", (0.0, 100.0)),
    ("sentence_amounts", "figures of its kind in its sentence", (0.0, 1000.0)),
    (
        "sentence_gap",
        "figures between it and the nearest statement of its period in its sentence",
        (0.0, 1000.0),
    ),
    ("period_follows", "whether that statement stands behind it", SHARE),
];

/// Where a table's scale comes from.
const SOURCES: [(UnitSource, &str); 6] = [
    (UnitSource::Table, "table"),
    (UnitSource::Heading, "heading"),
    (UnitSource::Page, "page"),
    (UnitSource::Part, "part"),
    (UnitSource::Document, "document"),
    (UnitSource::OtherTables, "other_tables"),
];

/// Features of its table and the document; absent outside of cells.
const TABLE: [(&str, &str, (f32, f32)); 35] = [
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
    ("own_scale", "whether its scale is not the table's", SHARE),
    ("usual_currency", "whether its currency is that of most amounts of the document's tables", SHARE),
    ("column_period", "whether its column's header states a period", SHARE),
    ("as_column", "whether its period is that of its column's header", SHARE),
    ("column_review", "share of its column's numbers that are marked as doubtful", SHARE),
    ("column_header", "whether its column has a header", SHARE),
    ("row_label", "whether its row has a label", SHARE),
    ("column_numbers", "ln(1 + numbers of its column)", (0.0, 12.0)),
    ("column_small", "share of its column's numbers that are whole and below 100", SHARE),
    ("column_texts", "share of its column's cells that are no number", SHARE),
    ("column_size", "log10 of the printed number over the median of its column", (-40.0, 40.0)),
    ("row_size", "log10 of the printed number over the median of its row", (-40.0, 40.0)),
    ("confirmed", "ln(1 + telling amounts of its table that other tables have, too)", (0.0, 12.0)),
    (
        "contradicted",
        "ln(1 + telling amounts of its table that other tables have with another scale)",
        (0.0, 12.0),
    ),
    ("unread", "share of the table's cells with digits that are read as no number", SHARE),
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
    let sources = SOURCES.map(|(_, name)| {
        (format!("scale_from_{name}"), format!("whether the table's scale comes from: {name}"), SHARE)
    });
    let features = kinds
        .into_iter()
        .chain(others)
        .chain(sources)
        .map(|(name, meaning, range)| Feature { name, meaning, range })
        .collect();
    FeatureSet { id: FeatureSetId { name: "figures".to_owned(), version: 2 }, subject: "figure", features }
}

/// The features of every figure with a value; `None` for dates and periods.
#[must_use]
pub fn of(figures: &[Figure], tables: &[Table]) -> Vec<Option<Vec<f32>>> {
    let evidence = Evidence::of(tables);
    let by_id: BTreeMap<u32, Neighbours<'_>> =
        tables.iter().map(|table| (table.id, Neighbours::of(table, &evidence))).collect();
    let document = Document::of(figures, tables);
    let sentences = Sentences::of(figures);
    figures
        .iter()
        .enumerate()
        .map(|(index, figure)| {
            let table = figure.cell.and_then(|cell| Some((cell, by_id.get(&cell.table)?)));
            let in_label =
                table.is_some_and(|(cell, table)| !table.numbers.contains(&(cell.row, cell.column)));
            let mut values = own(figure, in_label, &document)?;
            values.extend(sentences.around(index, figure));
            match table {
                Some((cell, table)) => {
                    values.extend(table.around(figure, (cell.row, cell.column), &document));
                }
                None => values.extend([f32::NAN; TABLE.len() + SOURCES.len()]),
            }
            Some(values)
        })
        .collect()
}

fn flag(value: bool) -> f32 {
    f32::from(u8::from(value))
}

fn own(figure: &Figure, in_label: bool, document: &Document) -> Option<Vec<f32>> {
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
    let period: Option<Period> = figure.period.as_deref().and_then(|period| period.parse().ok());
    let end = period.map(|period| period.end().map_or(period.year() as f32, years));
    let length = match period {
        Some(Period::Span(first, last)) => (last.days_since(first) + 1) as f32 / 365.0,
        Some(Period::Day(_)) => 0.0,
        Some(_) => 1.0,
        None => f32::NAN,
    };
    let spaced = text
        .as_bytes()
        .windows(3)
        .any(|three| three[0].is_ascii_digit() && three[1] == b' ' && three[2].is_ascii_digit());
    values.extend([
        flag(matches!(period, Some(Period::Day(_)))),
        flag(matches!(period, Some(Period::Span(..)))),
        length.clamp(0.0, 10.0),
        end.zip(document.latest).map_or(f32::NAN, |(end, latest)| (end - latest).clamp(-50.0, 50.0)),
        flag(figure.needs_review),
        flag(text.contains(['△', '▲', '▵', '▼', '▽', '↑', '↓'])),
        flag(spaced),
        flag(figure.heading.is_some()),
        relative(value, document.medians.get(&figure.kind).copied()),
    ]);
    Some(values)
}

fn years(day: Date) -> f32 {
    day.year() as f32 + (day.month() as f32 - 12.0) / 12.0
}

/// Log10 of a number over another; not a number where one of them is zero or unknown.
fn relative(value: f64, median: Option<f64>) -> f32 {
    match median {
        Some(median) if median != 0.0 && value != 0.0 => {
            (value.abs() / median.abs()).log10().clamp(-40.0, 40.0) as f32
        }
        _ => f32::NAN,
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| *value != 0.0);
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What holds for all figures of a document.
struct Document {
    /// Scale of most numbers of its tables, and their share.
    usual: Option<(i32, f32)>,
    /// Currency of most amounts of its tables.
    currency: Option<String>,
    /// Median size of its numbers by kind.
    medians: BTreeMap<FigureKind, f64>,
    /// End of the latest usual period, in years.
    latest: Option<f32>,
}

impl Document {
    fn of(figures: &[Figure], tables: &[Table]) -> Self {
        let cells = || tables.iter().flat_map(|table| &table.cells).filter_map(|cell| cell.value.as_ref());
        let mut currencies: BTreeMap<&str, usize> = BTreeMap::new();
        for currency in cells().filter_map(|value| value.currency.as_deref()) {
            *currencies.entry(currency).or_default() += 1;
        }
        let mut sizes: BTreeMap<FigureKind, Vec<f64>> = BTreeMap::new();
        let mut ends: BTreeMap<Period, usize> = BTreeMap::new();
        for figure in figures {
            if let Some(value) = figure.value {
                sizes.entry(figure.kind).or_default().push(value.abs());
                if let Some(period) = figure.period.as_deref().and_then(|period| period.parse().ok()) {
                    *ends.entry(period).or_default() += 1;
                }
            }
        }
        let most = ends.values().copied().max().unwrap_or(0);
        let usual = ends.iter().filter(|(_, count)| 4 * **count >= most).map(|(period, _)| *period);
        let latest = usual.map(|period| period.end().map_or(period.year() as f32, years)).reduce(f32::max);
        Self {
            usual: usual_scale(tables),
            currency: currencies.iter().max_by_key(|(_, count)| **count).map(|(code, _)| (*code).to_owned()),
            medians: sizes.into_iter().filter_map(|(kind, sizes)| Some((kind, median(sizes)?))).collect(),
            latest,
        }
    }
}

/// Figures by their sentence, as indices.
struct Sentences<'a> {
    figures: &'a [Figure],
    members: HashMap<u32, Vec<usize>>,
}

impl<'a> Sentences<'a> {
    fn of(figures: &'a [Figure]) -> Self {
        let mut members: HashMap<u32, Vec<usize>> = HashMap::new();
        for (index, figure) in figures.iter().enumerate() {
            if let Some(sentence) = figure.sentence {
                members.entry(sentence).or_default().push(index);
            }
        }
        Self { figures, members }
    }

    fn around(&self, index: usize, figure: &Figure) -> [f32; 4] {
        let Some(members) = figure.sentence.and_then(|sentence| self.members.get(&sentence)) else {
            return [f32::NAN; 4];
        };
        let others = || members.iter().map(|&other| (other, &self.figures[other]));
        let periods: HashSet<&str> = others()
            .filter(|(_, other)| other.value.is_none())
            .filter_map(|(_, other)| other.period.as_deref())
            .collect();
        let amounts =
            others().filter(|(_, other)| other.value.is_some() && other.kind == figure.kind).count();
        // A month stated for an amount is the time from its first to its last day.
        let states = |other: &Figure| {
            let period = |text: &str| text.parse::<Period>().ok().map(Period::spanned);
            other.value.is_none()
                && figure.period.as_deref().and_then(period) == other.period.as_deref().and_then(period)
        };
        let nearest = figure.period.as_ref().and_then(|_| {
            others().filter(|(_, other)| states(other)).min_by_key(|(other, _)| other.abs_diff(index))
        });
        [
            periods.len().min(100) as f32,
            amounts.min(1000) as f32,
            nearest.map_or(f32::NAN, |(other, _)| other.abs_diff(index).min(1000) as f32),
            nearest.map_or(f32::NAN, |(other, _)| flag(other > index)),
        ]
    }
}

/// Amounts with enough digits to be known again, by value and by what is printed, with the tables that have them.
struct Evidence {
    values: HashMap<String, HashSet<u32>>,
    digits: HashMap<String, HashSet<u32>>,
}

impl Evidence {
    fn of(tables: &[Table]) -> Self {
        let mut evidence = Self { values: HashMap::new(), digits: HashMap::new() };
        for table in tables {
            for value in telling(table) {
                evidence.values.entry(value_key(value)).or_default().insert(table.id);
                evidence.digits.entry(digits_key(value)).or_default().insert(table.id);
            }
        }
        evidence
    }

    /// How many amounts of a table other tables have, too, and how many only with another scale.
    fn around(&self, table: &Table) -> (usize, usize) {
        let elsewhere = |tables: Option<&HashSet<u32>>| {
            tables.is_some_and(|tables| tables.iter().any(|id| *id != table.id))
        };
        let (mut confirmed, mut contradicted) = (0, 0);
        for value in telling(table) {
            if elsewhere(self.values.get(&value_key(value))) {
                confirmed += 1;
            } else if elsewhere(self.digits.get(&digits_key(value))) {
                contradicted += 1;
            }
        }
        (confirmed, contradicted)
    }
}

/// Amounts of at least four digits, apart from years.
fn telling(table: &Table) -> impl Iterator<Item = &CellValue> {
    table.cells.iter().filter_map(|cell| cell.value.as_ref()).filter(|value| {
        let digits = value.printed.abs() * 10f64.powi(value.decimals.min(9) as i32);
        let year = value.decimals == 0 && (1900.0..2100.0).contains(&value.printed.abs());
        matches!(value.kind, FigureKind::Money | FigureKind::Number) && digits >= 1000.0 && !year
    })
}

fn value_key(value: &CellValue) -> String {
    format!("{:.6e}", value.value.abs())
}

fn digits_key(value: &CellValue) -> String {
    format!("{:.6e}", value.printed.abs()).split('e').next().unwrap_or_default().to_owned()
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
    /// Printed numbers, without signs.
    printed: Vec<f64>,
    /// Whole numbers below 100, numbers that are marked as doubtful, and cells with digits that are no number.
    small: usize,
    doubtful: usize,
    texts: usize,
}

impl Counts {
    fn add(&mut self, value: &CellValue) {
        self.all += 1;
        *self.scales.entry(value.scale).or_default() += 1;
        *self.kinds.entry(value.kind).or_default() += 1;
        *self.decimals.entry(value.decimals).or_default() += 1;
        self.printed.push(value.printed.abs());
        self.small += usize::from(value.decimals == 0 && value.printed.abs() < 100.0);
        self.doubtful += usize::from(value.needs_review);
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
    /// Amounts that other tables have, too, and those that they have with another scale.
    evidence: (usize, usize),
    unread: f32,
}

impl<'a> Neighbours<'a> {
    fn of(table: &'a Table, evidence: &Evidence) -> Self {
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
        let numbers: HashSet<(u32, u32)> = numbers.iter().map(|(cell, _)| (cell.row, cell.column)).collect();
        let has_digits = |cell: &&Cell| !cell.header && cell.text.contains(|c: char| c.is_ascii_digit());
        let (mut with_digits, mut unread) = (0, 0);
        for cell in table.cells.iter().filter(has_digits) {
            with_digits += 1;
            unread += usize::from(cell.value.is_none());
            if cell.value.is_none() {
                columns.entry(cell.column).or_insert_with(Counts::default).texts += 1;
            }
        }
        let unread = unread as f32 / with_digits.max(1) as f32;
        let evidence = evidence.around(table);
        Self { table, whole, numbers, rows, columns, signs, evidence, unread }
    }

    fn around(
        &self,
        figure: &Figure,
        (row, column): (u32, u32),
        document: &Document,
    ) -> [f32; TABLE.len() + SOURCES.len()] {
        let usual = document.usual;
        let (table, whole) = (self.table, &self.whole);
        let scale = figure.scale.unwrap_or(0);
        let kind_among = |counts: Option<&Counts>| {
            counts.map_or(f32::NAN, |counts| counts.share(&counts.kinds, &figure.kind))
        };
        let decimals = decimals(&figure.text) as u32;
        let plain = decimals == 0 && !matches!(figure.kind, FigureKind::Percent | FigureKind::PerShare);
        let periods = table.column_periods.iter().filter(|period| period.is_some()).count();
        let of_table = [
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
        ];
        let of_column = self.columns.get(&column);
        let column_period = table.column_periods.get(column as usize).and_then(Option::as_deref);
        let has = |is: &dyn Fn(&Cell) -> bool| flag(table.cells.iter().any(is));
        let printed = figure.value.unwrap_or(0.0) / 10f64.powi(scale);
        let size = |counts: Option<&Counts>| {
            relative(printed, counts.and_then(|counts| median(counts.printed.clone())))
        };
        let log = |count: usize| (count as f32).ln_1p();
        let around = [
            flag(scale != table.scale.unwrap_or(0)),
            figure.currency.as_ref().map_or(f32::NAN, |own| flag(document.currency.as_ref() == Some(own))),
            flag(column_period.is_some()),
            flag(column_period.is_some() && column_period == figure.period.as_deref()),
            of_column.map_or(f32::NAN, |counts| counts.doubtful as f32 / counts.all.max(1) as f32),
            has(&|cell| {
                cell.row < table.header_rows
                    && cell.column <= column
                    && column < cell.column + cell.column_span
            }),
            has(&|cell| cell.row == row && cell.column == 0 && cell.header),
            of_column.map_or(f32::NAN, |counts| log(counts.all)),
            of_column.map_or(f32::NAN, |counts| counts.small as f32 / counts.all.max(1) as f32),
            of_column
                .map_or(f32::NAN, |counts| counts.texts as f32 / (counts.all + counts.texts).max(1) as f32),
            size(of_column),
            size(self.rows.get(&row)),
            log(self.evidence.0),
            log(self.evidence.1),
            self.unread,
        ];
        let sources = SOURCES.map(|(source, _)| flag(table.scale_from == Some(source)));
        let mut all = [0.0; TABLE.len() + SOURCES.len()];
        let values = of_table.into_iter().chain(around).chain(sources);
        all.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        all
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
