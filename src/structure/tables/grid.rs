//! The grid of one region: rows and columns put together into cells.

use super::columns::{Columns, cut_chunks, find_columns, separate_numbers};
use super::header::header_cells;
use super::lines::{Region, is_numeric, joined_text};
use super::rows::{body_rows, full_rules, header_lines, horizontal_rules};
use crate::document::{BBox, Page};

/// Distance, in em, from which two left edges of the stub are different indentation levels.
const INDENT_STEP: f32 = 0.4;

/// A cell with content, in page coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct GridCell {
    /// First row, counted from 0.
    pub row: usize,
    /// First column, counted from 0.
    pub column: usize,
    /// Rows covered.
    pub row_span: usize,
    /// Columns covered.
    pub column_span: usize,
    /// Whether it heads columns or a row.
    pub header: bool,
    /// Indentation level of a stub cell.
    pub indent: usize,
    /// Words in reading order, as indices into the page's words.
    pub words: Vec<usize>,
    /// Extent.
    pub bbox: BBox,
    /// Words separated by single spaces.
    pub text: String,
}

/// The cells of one region of one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Rows of column headers at the top.
    pub header_rows: usize,
    /// Left and right edge of each column in table coordinates, for stitching pages.
    pub extents: Vec<(f32, f32)>,
    /// Cells in row, then column order.
    pub cells: Vec<GridCell>,
}

/// Reads the grid of the words inside `bbox`; `None` where they do not form at least two columns.
#[must_use]
pub fn find_grid(page: &Page, bbox: &BBox) -> Option<Grid> {
    grid_of(page, Region::new(page, bbox))
}

pub(super) fn grid_of(page: &Page, mut region: Region<'_>) -> Option<Grid> {
    separate_numbers(&mut region);
    let columns = find_columns(&region)?;
    cut_chunks(&mut region, &columns);
    let rules = horizontal_rules(&region);
    let full = full_rules(&region, &rules);
    let head = header_lines(&region, &columns, &full);
    let (header, header_rows) = header_cells(&region, &columns, head, &rules);
    let rows = body_rows(&region, &columns, head, &full);
    let mut cells: Vec<GridCell> = header
        .into_iter()
        .map(|cell| GridCell {
            row: cell.level,
            column: cell.span.0,
            row_span: cell.row_span,
            column_span: cell.span.1 - cell.span.0 + 1,
            header: true,
            indent: 0,
            text: joined_text(cell.pieces.iter().map(|&piece| region.pieces[piece].text)),
            bbox: page_box(page, &region, &cell.pieces),
            words: cell.pieces.iter().map(|&piece| region.pieces[piece].word).collect(),
        })
        .collect();
    let indents = indent_levels(&region, &columns, &rows);
    for (index, row) in rows.iter().enumerate() {
        cells.extend(row_cells(page, &region, &columns, header_rows + index, row, &indents));
    }
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Some(Grid {
        rows: header_rows + rows.len(),
        columns: columns.len(),
        header_rows,
        extents: columns.extents,
        cells,
    })
}

fn page_box(page: &Page, region: &Region<'_>, pieces: &[usize]) -> BBox {
    let boxes = pieces.iter().map(|&piece| &page.words[region.pieces[piece].word].bbox);
    BBox::around(boxes).unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0))
}

fn row_cells(
    page: &Page,
    region: &Region<'_>,
    columns: &Columns,
    row: usize,
    lines: &[usize],
    indents: &[f32],
) -> Vec<GridCell> {
    let mut by_column: Vec<Vec<usize>> = vec![Vec::new(); columns.len()];
    let mut reach: Vec<usize> = (0..columns.len()).collect();
    for &line in lines {
        for chunk in &region.lines[line].chunks {
            let (first, last) = columns.span(chunk.core.x0, chunk.core.x1, 0.3 * region.em);
            by_column[first].extend(&chunk.pieces);
            reach[first] = reach[first].max(last);
        }
    }
    let (top, bottom) = lines
        .iter()
        .map(|&line| &region.lines[line].bbox)
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(top, bottom), bbox| {
            (top.min(bbox.y0), bottom.max(bbox.y1))
        });
    let mut cells = Vec::new();
    for column in 0..columns.len() {
        let pieces = &by_column[column];
        if pieces.is_empty() {
            continue;
        }
        let text = joined_text(pieces.iter().map(|&piece| region.pieces[piece].text));
        let open = if is_numeric(&text) { column } else { columns.open_until(column, top, bottom) };
        let reach = reach[column].max(open);
        let free = (column + 1..=reach).take_while(|&next| by_column[next].is_empty()).count();
        let left = pieces.iter().map(|&piece| region.pieces[piece].bbox.x0).fold(f32::INFINITY, f32::min);
        let indent = indents.partition_point(|&level| level <= left + 0.1).saturating_sub(1);
        cells.push(GridCell {
            row,
            column,
            row_span: 1,
            column_span: 1 + free,
            header: column == 0,
            indent: if column == 0 { indent } else { 0 },
            text,
            bbox: page_box(page, region, pieces),
            words: pieces.iter().map(|&piece| region.pieces[piece].word).collect(),
        });
    }
    cells
}

/// Left edges of the stub's indentation levels, ascending.
fn indent_levels(region: &Region<'_>, columns: &Columns, rows: &[Vec<usize>]) -> Vec<f32> {
    let mut edges: Vec<f32> = rows
        .iter()
        .filter_map(|row| {
            row.iter()
                .flat_map(|&line| &region.lines[line].chunks)
                .filter(|chunk| columns.at(chunk.bbox.x0 + 0.3 * region.em) == 0)
                .map(|chunk| chunk.bbox.x0)
                .reduce(f32::min)
        })
        .collect();
    edges.sort_by(f32::total_cmp);
    let mut levels: Vec<f32> = Vec::new();
    for edge in edges {
        if levels.last().is_none_or(|&level| edge - level > INDENT_STEP * region.em) {
            levels.push(edge);
        }
    }
    levels
}
