//! Comparison with the human annotation of the ICDAR 2013 table competition.
//!
//! Method of Göbel, Hassan, Oro and Orsi, "A Methodology for Evaluating Algorithms for Table Understanding in PDF
//! Documents" (DocEng 2012): a table is the set of its adjacency relations, one between each cell with content and
//! the nearest cell with content to its right and below it, compared by the normalized texts and the direction. A
//! found region is complete if it has all words of the annotated one, and pure if it has no others.

use std::collections::BTreeMap;

use serde::Serialize;

use super::icdar::{TruthCell, TruthRegion};
use crate::document::analysis::Table;
use crate::document::{BBox, Page};
use crate::structure::tables::find_grid;

/// Direction from a cell to its neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Right,
    Below,
}

type Relations = BTreeMap<(String, String, Direction), u32>;

/// Counts over one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableCounts {
    /// Relations in the annotation.
    pub annotated: u32,
    /// Relations found.
    pub found: u32,
    /// Relations found that the annotation has.
    pub correct: u32,
    /// Annotated regions.
    pub regions: u32,
    /// Regions found.
    pub regions_found: u32,
    /// Annotated regions whose words are all in one found region.
    pub complete: u32,
    /// Found regions without a word from outside the annotated region.
    pub pure: u32,
}

/// Figures over several documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TableFigures {
    /// Documents compared.
    pub documents: u32,
    /// Correct relations per found relation, over all documents together.
    pub precision: f64,
    /// Correct relations per annotated relation, over all documents together.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Mean precision of the documents, each weighing the same (the competition's ranking).
    pub document_precision: f64,
    /// Mean recall of the documents.
    pub document_recall: f64,
    /// Harmonic mean of the two document means.
    pub document_f1: f64,
    /// Share of annotated regions found completely.
    pub completeness: f64,
    /// Share of found regions that are pure.
    pub purity: f64,
    /// Sums of all counts.
    pub counts: TableCounts,
}

/// Reads tables inside the annotated regions and compares their cells.
#[must_use]
pub fn compare_given(pages: &[Page], truth: &[TruthRegion]) -> TableCounts {
    let mut counts = TableCounts::default();
    for region in truth {
        let annotated = relations(&region.cells);
        let found = page_of(pages, region.page)
            .and_then(|page| find_grid(page, &region.on_page(page)))
            .map(|grid| {
                let cells: Vec<TruthCell> = grid
                    .cells
                    .iter()
                    .map(|cell| TruthCell {
                        row: cell.row,
                        column: cell.column,
                        row_span: cell.row_span,
                        column_span: cell.column_span,
                        text: cell.text.clone(),
                    })
                    .collect();
                relations(&cells)
            })
            .unwrap_or_default();
        counts.regions += 1;
        counts.add_relations(&annotated, &found);
    }
    counts
}

/// Compares the tables that were found with the annotated regions. A table that runs over several pages counts as
/// one region per page, as in the annotation.
#[must_use]
pub fn compare_found(pages: &[Page], tables: &[Table], truth: &[TruthRegion]) -> TableCounts {
    struct Part {
        page: u32,
        bbox: BBox,
        cells: Vec<TruthCell>,
    }
    let mut parts: Vec<Part> = Vec::new();
    for table in tables {
        let mut by_page: BTreeMap<u32, (Vec<BBox>, Vec<TruthCell>)> = BTreeMap::new();
        for cell in &table.cells {
            let entry = by_page.entry(cell.page).or_default();
            entry.0.push(cell.bbox);
            entry.1.push(TruthCell {
                row: cell.row as usize,
                column: cell.column as usize,
                row_span: cell.row_span as usize,
                column_span: cell.column_span as usize,
                text: format!("{}{}", cell.text, cell.notes.concat()),
            });
        }
        for (page, (boxes, cells)) in by_page {
            if let Some(bbox) = BBox::around(&boxes) {
                parts.push(Part { page, bbox, cells });
            }
        }
    }
    let mut counts = TableCounts { regions_found: parts.len() as u32, ..TableCounts::default() };
    let mut used = vec![false; parts.len()];
    for region in truth {
        counts.regions += 1;
        let annotated = relations(&region.cells);
        let Some(page) = page_of(pages, region.page) else {
            counts.add_relations(&annotated, &Relations::new());
            continue;
        };
        let area = region.on_page(page);
        let inside = |area: &BBox| -> Vec<bool> {
            page.words
                .iter()
                .map(|word| area.contains_point(word.bbox.center_x(), word.bbox.center_y()))
                .collect()
        };
        let wanted = inside(&area);
        let best = (0..parts.len())
            .filter(|&part| !used[part] && parts[part].page == region.page)
            .map(|part| (both(&inside(&parts[part].bbox), &wanted), part))
            .filter(|&(words, _)| words > 0)
            .max_by_key(|&(words, part)| (words, parts.len() - part));
        let Some((common, part)) = best else {
            counts.add_relations(&annotated, &Relations::new());
            continue;
        };
        used[part] = true;
        let has = inside(&parts[part].bbox);
        let is = |words: &[bool]| words.iter().filter(|&&word| word).count();
        counts.complete += u32::from(common == is(&wanted));
        counts.pure += u32::from(common == is(&has));
        counts.add_relations(&annotated, &relations(&parts[part].cells));
    }
    for (part, _) in parts.iter().zip(&used).filter(|(_, used)| !**used) {
        counts.add_relations(&Relations::new(), &relations(&part.cells));
    }
    counts
}

/// Sums and means over documents.
#[must_use]
pub fn summarize<'a>(documents: impl IntoIterator<Item = &'a TableCounts>) -> TableFigures {
    let mut counts = TableCounts::default();
    let (mut precision, mut recall) = (0.0, 0.0);
    let mut compared = 0u32;
    for document in documents {
        compared += 1;
        counts.annotated += document.annotated;
        counts.found += document.found;
        counts.correct += document.correct;
        counts.regions += document.regions;
        counts.regions_found += document.regions_found;
        counts.complete += document.complete;
        counts.pure += document.pure;
        precision += ratio(document.correct, document.found);
        recall += ratio(document.correct, document.annotated);
    }
    let number = f64::from(compared.max(1));
    let harmonic = |a: f64, b: f64| if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 };
    let (all_precision, all_recall) =
        (ratio(counts.correct, counts.found), ratio(counts.correct, counts.annotated));
    TableFigures {
        documents: compared,
        precision: all_precision,
        recall: all_recall,
        f1: harmonic(all_precision, all_recall),
        document_precision: precision / number,
        document_recall: recall / number,
        document_f1: harmonic(precision / number, recall / number),
        completeness: ratio(counts.complete, counts.regions),
        purity: ratio(counts.pure, counts.regions_found),
        counts,
    }
}

impl TableCounts {
    fn add_relations(&mut self, annotated: &Relations, found: &Relations) {
        self.annotated += annotated.values().sum::<u32>();
        self.found += found.values().sum::<u32>();
        self.correct += found
            .iter()
            .map(|(relation, &times)| times.min(annotated.get(relation).copied().unwrap_or(0)))
            .sum::<u32>();
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

fn both(a: &[bool], b: &[bool]) -> usize {
    a.iter().zip(b).filter(|(a, b)| **a && **b).count()
}

fn page_of(pages: &[Page], number: u32) -> Option<&Page> {
    pages.iter().find(|page| page.number == number)
}

/// Letters in upper case, digits as they are, other characters as underscores; without white space and dot leaders.
fn normalized(text: &str) -> String {
    let mut out = String::new();
    let compact: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut index = 0;
    while index < compact.len() {
        let dots = compact[index..].iter().take_while(|&&c| c == '.' || c == '…').count();
        if dots >= 2 {
            index += dots;
        } else if compact[index].is_alphanumeric() {
            out.extend(compact[index].to_uppercase());
            index += 1;
        } else {
            out.push('_');
            index += 1;
        }
    }
    out
}

/// Adjacency relations of a table, each with how often it occurs.
fn relations(cells: &[TruthCell]) -> Relations {
    let cells: Vec<(&TruthCell, String)> = cells
        .iter()
        .map(|cell| (cell, normalized(&cell.text)))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let mut at: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let (mut rows, mut columns) = (0, 0);
    for (index, (cell, _)) in cells.iter().enumerate() {
        for row in cell.row..cell.row + cell.row_span {
            for column in cell.column..cell.column + cell.column_span {
                at.entry((row, column)).or_insert(index);
            }
        }
        rows = rows.max(cell.row + cell.row_span);
        columns = columns.max(cell.column + cell.column_span);
    }
    let mut pairs: Vec<(usize, usize, Direction)> = Vec::new();
    for (index, (cell, _)) in cells.iter().enumerate() {
        for row in cell.row..cell.row + cell.row_span {
            let next = (cell.column + cell.column_span..columns).find_map(|column| at.get(&(row, column)));
            pairs.extend(next.map(|&next| (index, next, Direction::Right)));
        }
        for column in cell.column..cell.column + cell.column_span {
            let next = (cell.row + cell.row_span..rows).find_map(|row| at.get(&(row, column)));
            pairs.extend(next.map(|&next| (index, next, Direction::Below)));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let mut relations = Relations::new();
    for (from, to, direction) in pairs {
        *relations.entry((cells[from].1.clone(), cells[to].1.clone(), direction)).or_insert(0) += 1;
    }
    relations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(row: usize, column: usize, column_span: usize, text: &str) -> TruthCell {
        TruthCell { row, column, row_span: 1, column_span, text: text.into() }
    }

    #[test]
    fn relations_skip_blank_cells_and_see_spans() {
        let cells = [
            cell(0, 1, 2, "2024"),
            cell(1, 0, 1, "a"),
            cell(1, 2, 1, "5"),
            cell(2, 0, 1, "b . . ."),
            cell(2, 1, 1, ""),
        ];
        let found = relations(&cells);
        let has = |from: &str, to: &str, direction| found.contains_key(&(from.into(), to.into(), direction));
        assert!(
            has("A", "5", Direction::Right)
                && has("A", "B", Direction::Below)
                && has("2024", "5", Direction::Below)
        );
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn figures_of_a_wrong_cell() {
        let truth =
            relations(&[cell(0, 0, 1, "a"), cell(0, 1, 1, "1"), cell(1, 0, 1, "b"), cell(1, 1, 1, "2")]);
        let found =
            relations(&[cell(0, 0, 1, "a"), cell(0, 1, 1, "1"), cell(1, 0, 1, "b"), cell(1, 1, 1, "3")]);
        let mut counts = TableCounts::default();
        counts.add_relations(&truth, &found);
        assert_eq!((counts.annotated, counts.found, counts.correct), (4, 4, 2));
        assert!((summarize(&[counts]).f1 - 0.5).abs() < 1e-9);
    }
}
