//! Tables as rows of whole cells: what every export that writes tables starts from.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::analysis::{Analysis, Cell, Table};

/// The cells of a table by row and column; what a span covers leads to its cell.
pub struct Grid<'a> {
    /// The table.
    pub table: &'a Table,
    /// Index into the table's cells by row and column.
    places: BTreeMap<(u32, u32), usize>,
}

impl<'a> Grid<'a> {
    /// The grid of a table. A cell that claims more than the table has is cut to it.
    pub fn new(table: &'a Table) -> Self {
        let mut places = BTreeMap::new();
        for (index, cell) in table.cells.iter().enumerate() {
            let rows = cell.row..cell.row.saturating_add(cell.row_span.max(1)).min(table.rows);
            for row in rows {
                let columns =
                    cell.column..cell.column.saturating_add(cell.column_span.max(1)).min(table.columns);
                for column in columns {
                    places.entry((row, column)).or_insert(index);
                }
            }
        }
        Self { table, places }
    }

    /// The cell that covers this place.
    pub fn covering(&self, row: u32, column: u32) -> Option<&'a Cell> {
        self.places.get(&(row, column)).map(|index| &self.table.cells[*index])
    }

    /// The cell that begins at this place.
    pub fn at(&self, row: u32, column: u32) -> Option<&'a Cell> {
        self.covering(row, column).filter(|cell| (cell.row, cell.column) == (row, column))
    }

    /// What the headers above a column say, from top to bottom, each once.
    pub fn column_label(&self, column: u32) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for row in 0..self.table.header_rows.min(self.table.rows) {
            if let Some(cell) = self.covering(row, column)
                && parts.last() != Some(&cell.text.as_str())
            {
                parts.push(&cell.text);
            }
        }
        parts.join(" ")
    }

    /// The label of a row: its first header cell, or its first cell without a number.
    pub fn row_label(&self, row: u32) -> &'a str {
        let cells = || (0..self.table.columns).filter_map(|column| self.covering(row, column));
        cells()
            .find(|cell| cell.header)
            .or_else(|| cells().next().filter(|cell| cell.value.is_none()))
            .map_or("", |cell| &cell.text)
    }
}

/// Where the tables stand among the blocks. Two that were read apart may share a block.
pub struct Placement {
    /// Tables, by their place in the analysis, to be written in place of a block: their first.
    at: BTreeMap<u32, Vec<usize>>,
    covered: BTreeSet<u32>,
    /// Tables without blocks.
    pub loose: Vec<usize>,
}

impl Placement {
    /// Of all tables of the analysis.
    pub fn of(analysis: &Analysis) -> Self {
        let mut placement = Self { at: BTreeMap::new(), covered: BTreeSet::new(), loose: Vec::new() };
        let there: BTreeSet<u32> = analysis.blocks.iter().map(|block| block.id).collect();
        for (index, table) in analysis.tables.iter().enumerate() {
            let own = || table.blocks.iter().copied().filter(|block| there.contains(block));
            match own().min() {
                Some(first) => placement.at.entry(first).or_default().push(index),
                None => placement.loose.push(index),
            }
            placement.covered.extend(own());
        }
        placement
    }

    /// The tables to be written here, if the block is part of any; they may be none.
    pub fn at(&self, block: u32) -> Option<&[usize]> {
        self.covered.contains(&block).then(|| self.at.get(&block).map_or(&[][..], Vec::as_slice))
    }
}

/// The scale of a table in words: "in millions"; nothing for one.
pub fn scale_in_words(scale: i32) -> String {
    match scale {
        0 => String::new(),
        2 => "in hundreds".to_owned(),
        3 => "in thousands".to_owned(),
        4 => "in ten thousands".to_owned(),
        5 => "in hundred thousands".to_owned(),
        6 => "in millions".to_owned(),
        8 => "in hundred millions".to_owned(),
        9 => "in billions".to_owned(),
        12 => "in trillions".to_owned(),
        other => format!("times 10 to the power of {other}"),
    }
}

/// Unit and scale of a table's numbers in words: "USD, in millions".
pub fn unit_in_words(table: &Table) -> String {
    let scale = table.scale.map(scale_in_words).filter(|words| !words.is_empty());
    let mut currencies: Vec<&str> =
        table.cells.iter().filter_map(|cell| cell.value.as_ref()?.currency.as_deref()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    // Where the table states none, the one that all of its amounts have.
    let only = if let [only] = currencies.as_slice() { Some(*only) } else { None };
    let parts: Vec<&str> = table.currency.as_deref().or(only).into_iter().chain(scale.as_deref()).collect();
    parts.join(", ")
}

/// Figures by the cell that they stand in: table, row, column. A cell with several figures gives the first.
pub fn periods_by_cell(analysis: &Analysis) -> BTreeMap<(u32, u32, u32), &str> {
    let mut periods = BTreeMap::new();
    for figure in &analysis.figures {
        if let (Some(cell), Some(period)) = (figure.cell, figure.period.as_deref()) {
            periods.entry((cell.table, cell.row, cell.column)).or_insert(period);
        }
    }
    periods
}
