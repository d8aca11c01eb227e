//! Which cells become formulas: the results of sums that hold, as long as no cell would depend on itself.

use std::collections::{BTreeMap, BTreeSet};

use rust_xlsxwriter::utility::row_col_to_cell;

use super::table;
use crate::document::analysis::{Analysis, CellReference, FigureKind, Relation, Table};
use crate::document::findings::RelationTerm;
use crate::document::round::round_to;

/// Digits behind the point of a sum of decimals that binary numbers do not represent.
const SLACK: f64 = 1e-9;

/// The formulas of a workbook, and the values of the cells that they read.
pub struct Formulas<'a> {
    /// The relation that a cell is the result of.
    by_cell: BTreeMap<CellReference, &'a Relation>,
    /// The reading of a cell that its relations hold with.
    readings: BTreeMap<CellReference, f64>,
    tables: BTreeMap<u32, &'a Table>,
}

impl<'a> Formulas<'a> {
    pub fn of(analysis: &'a Analysis) -> Self {
        let tables: BTreeMap<u32, &Table> = analysis.tables.iter().map(|table| (table.id, table)).collect();
        let mut readings = BTreeMap::new();
        for term in analysis.relations.iter().flat_map(|relation| &relation.terms) {
            if let Some(cell) = term.cell {
                readings.entry(cell).or_insert(term.value);
            }
        }
        let mut formulas = Self { by_cell: BTreeMap::new(), readings, tables };
        let mut needs: BTreeMap<CellReference, Vec<CellReference>> = BTreeMap::new();
        for relation in &analysis.relations {
            let Some((result, parts)) = formulas.sum(relation) else { continue };
            if formulas.is_percent(result) && !formulas.holds_along_row(analysis, relation, result) {
                continue;
            }
            if formulas.by_cell.contains_key(&result) || reaches(&needs, &parts, result) {
                continue;
            }
            needs.insert(result, parts);
            formulas.by_cell.insert(result, relation);
        }
        formulas
    }

    /// Result and parts of a relation that is a sum of cells of one table, in the values that the sheet has.
    fn sum(&self, relation: &Relation) -> Option<(CellReference, Vec<CellReference>)> {
        let (result, parts) = relation.terms.split_last()?;
        let result = result.cell?;
        let cells: Vec<CellReference> = parts
            .iter()
            .map(|term| term.cell.filter(|cell| cell.table == result.table))
            .collect::<Option<_>>()?;
        let alike = |cell: &CellReference| self.is_percent(*cell) == self.is_percent(result);
        let read = |term: &RelationTerm| {
            term.cell.is_some_and(|cell| close(self.reading(cell).unwrap_or(f64::NAN), term.value))
        };
        (is_sum(relation) && !cells.is_empty() && !cells.contains(&result))
            .then_some(())
            .filter(|()| cells.iter().all(alike) && relation.terms.iter().all(read))
            .map(|()| (result, cells))
    }

    /// Whether every percentage of the result's row is the sum of the same rows. Growth rates are no sums, and one column of
    /// them may come out by chance.
    fn holds_along_row(&self, analysis: &Analysis, relation: &Relation, result: CellReference) -> bool {
        let rows = |relation: &Relation| -> Vec<Option<u32>> {
            relation.terms.iter().map(|term| term.cell.map(|cell| cell.row)).collect()
        };
        let wanted = rows(relation);
        let Some(table) = self.tables.get(&result.table) else { return false };
        let percentages = table.cells.iter().filter(|cell| {
            cell.row == result.row
                && cell.value.as_ref().is_some_and(|value| value.kind == FigureKind::Percent)
        });
        percentages.map(|cell| CellReference { column: cell.column, ..result }).all(|cell| {
            let of_cell = |other: &&Relation| other.terms.last().and_then(|term| term.cell) == Some(cell);
            analysis.relations.iter().filter(of_cell).any(|other| rows(other) == wanted)
        })
    }

    /// The formula of a cell, as the sheet of its table has it, and what it gives.
    pub fn at(&self, cell: CellReference) -> Option<(String, f64)> {
        let relation = self.by_cell.get(&cell)?;
        let parts = &relation.terms[..relation.terms.len() - 1];
        let result: f64 = parts.iter().map(|term| f64::from(term.factor) * term.value).sum();
        Some((format!("={}", self.of_parts(parts, None)?), self.in_sheet(cell, result)))
    }

    /// A sum over cells of any sheets; terms without a cell are numbers in it.
    pub fn across(&self, terms: &[RelationTerm]) -> Option<String> {
        Some(format!("={}", self.of_parts(terms, Some(()))?))
    }

    fn of_parts(&self, parts: &[RelationTerm], across: Option<()>) -> Option<String> {
        if let Some(range) = self.range(parts, across) {
            return Some(range);
        }
        let mut formula = String::new();
        for term in parts {
            match (term.factor < 0, formula.is_empty()) {
                (true, _) => formula.push('-'),
                (false, true) => {}
                (false, false) => formula.push('+'),
            }
            match term.cell {
                Some(cell) => formula.push_str(&self.name(cell, across)?),
                None if term.value < 0.0 => formula.push_str(&format!("({})", term.value)),
                None => formula.push_str(&term.value.to_string()),
            }
        }
        Some(formula)
    }

    /// `SUM(B5:B8)` for three or more cells side by side that are all added.
    fn range(&self, parts: &[RelationTerm], across: Option<()>) -> Option<String> {
        let cells: Vec<CellReference> =
            parts.iter().map(|term| term.cell.filter(|_| term.factor == 1)).collect::<Option<_>>()?;
        let (first, last) = (*cells.first()?, *cells.last()?);
        let step = |rows: u32, columns: u32| {
            cells.windows(2).all(|pair| {
                pair[1].table == pair[0].table
                    && pair[0].row + rows == pair[1].row
                    && pair[0].column + columns == pair[1].column
            })
        };
        if cells.len() < 3 || !(step(1, 0) || step(0, 1)) {
            return None;
        }
        let end = self.name(last, None)?;
        Some(format!("SUM({}:{end})", self.name(first, across)?))
    }

    /// `B5`, or `'T3 p12'!B5` in another sheet.
    fn name(&self, cell: CellReference, across: Option<()>) -> Option<String> {
        let (row, column) = table::place(cell.row, cell.column)?;
        let name = row_col_to_cell(row, column);
        match across {
            Some(()) => Some(format!("'{}'!{name}", table::name(self.tables.get(&cell.table)?))),
            None => Some(name),
        }
    }

    /// The number in a cell, before scale.
    pub fn reading(&self, cell: CellReference) -> Option<f64> {
        self.readings.get(&cell).copied().or_else(|| self.value(cell).map(|value| value.printed))
    }

    fn value(&self, cell: CellReference) -> Option<&'a crate::document::analysis::CellValue> {
        let cells = &self.tables.get(&cell.table)?.cells;
        cells.iter().find(|other| (other.row, other.column) == (cell.row, cell.column))?.value.as_ref()
    }

    fn is_percent(&self, cell: CellReference) -> bool {
        self.value(cell).is_some_and(|value| value.kind == FigureKind::Percent)
    }

    /// A number of a cell as the sheet has it: percentages are hundredths there.
    pub fn in_sheet(&self, cell: CellReference, number: f64) -> f64 {
        if self.is_percent(cell) { hundredth(number) } else { number }
    }

    /// Whether a relation's terms in a sheet are in hundredths: what is expected and printed must be, too.
    pub fn of_percent(&self, relation: &[RelationTerm]) -> bool {
        let mut cells = relation.iter().filter_map(|term| term.cell).peekable();
        cells.peek().is_some() && cells.all(|cell| self.is_percent(cell))
    }
}

/// A percentage as the number that it is, without what binary numbers add: 0.241 for 24.1.
pub fn hundredth(percent: f64) -> f64 {
    round_to(percent / 100.0, 12)
}

/// Whether the result is the signed sum of the terms before it.
pub fn is_sum(relation: &Relation) -> bool {
    let Some((result, parts)) = relation.terms.split_last() else { return false };
    let sum: f64 = parts.iter().map(|term| f64::from(term.factor) * term.value).sum();
    result.factor == 1
        && parts.len() > 1
        && parts.iter().all(|term| term.factor.abs() == 1)
        && close(sum, relation.expected)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= SLACK * a.abs().max(b.abs()).max(1.0)
}

/// Whether one of the cells depends on this one, or is it.
fn reaches(
    needs: &BTreeMap<CellReference, Vec<CellReference>>,
    from: &[CellReference],
    target: CellReference,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = from.to_vec();
    while let Some(cell) = open.pop() {
        if cell == target {
            return true;
        }
        if seen.insert(cell) {
            open.extend(needs.get(&cell).into_iter().flatten().copied());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(result: u32, parts: &[u32]) -> Relation {
        let cell = |row| CellReference { table: 0, row, column: 1 };
        let value = |row: u32| f64::from(row);
        let term =
            |row: u32| RelationTerm { factor: 1, value: value(row), cell: Some(cell(row)), place: None };
        let sum = parts.iter().map(|row| value(*row)).sum();
        Relation {
            kind: "footing".to_owned(),
            formula: String::new(),
            terms: parts.iter().chain([&result]).map(|row| term(*row)).collect(),
            expected: sum,
            printed: value(result),
            tolerance: 0.0,
        }
    }

    #[test]
    fn only_signed_sums_of_two_and_more_are_sums() {
        assert!(is_sum(&relation(3, &[1, 2])));
        assert!(!is_sum(&relation(3, &[3])));
        let ratio = Relation { expected: 0.5, ..relation(3, &[1, 2]) };
        assert!(!is_sum(&ratio));
    }

    #[test]
    fn no_cell_depends_on_itself() {
        let cell = |row| CellReference { table: 0, row, column: 1 };
        let needs = BTreeMap::from([(cell(3), vec![cell(1), cell(2)]), (cell(2), vec![cell(5)])]);
        assert!(reaches(&needs, &[cell(3)], cell(5)));
        assert!(reaches(&needs, &[cell(4), cell(1)], cell(1)));
        assert!(!reaches(&needs, &[cell(3)], cell(4)));
    }

    #[test]
    fn percentages_are_hundredths_without_binary_dust() {
        assert_eq!(hundredth(24.1).to_string(), "0.241");
    }
}
