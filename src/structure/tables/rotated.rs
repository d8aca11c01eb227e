//! Column headers that stand upright on a table's columns: words that run up or down the page.

use super::grid::{Grid, GridCell};
use super::lines::joined_text;
use crate::document::{BBox, Page};

/// Distance, in em, between a table's first row and the headers on it.
const REACH: f32 = 3.0;
/// Largest distance, in em, between two words of one line.
const WORD_GAP: f32 = 1.2;
/// Largest distance, in em, between two lines of one header.
const LINE_GAP: f32 = 0.8;

/// Adds the rotated headers over the columns of an upright table; the words that they are made of.
pub(super) fn add_rotated_headers(page: &Page, grid: &mut Grid, em: f32) -> Vec<usize> {
    let body = grid.cells.iter().filter(|cell| cell.row >= grid.header_rows);
    let Some(top) = body.map(|cell| cell.bbox.y0).reduce(f32::min) else { return Vec::new() };
    let headers = headers_above(page, grid, top, em);
    // One alone is a note in the margin as likely as a header.
    if headers.len() < 2 {
        return Vec::new();
    }
    let free = |row: usize| {
        headers.iter().all(|(column, _)| {
            grid.cells.iter().all(|cell| {
                cell.row != row || cell.column > *column || cell.column + cell.column_span <= *column
            })
        })
    };
    let row = match grid.header_rows.checked_sub(1).filter(|&last| free(last)) {
        Some(last) => last,
        None => {
            let new = grid.header_rows;
            grid.cells.iter_mut().filter(|cell| cell.row >= new).for_each(|cell| cell.row += 1);
            grid.header_rows += 1;
            grid.rows += 1;
            new
        }
    };
    let mut used = Vec::new();
    for (column, words) in headers {
        let boxes = words.iter().map(|&word| &page.words[word].bbox);
        let Some(bbox) = BBox::around(boxes) else { continue };
        used.extend(&words);
        grid.cells.push(GridCell {
            row,
            column,
            row_span: 1,
            column_span: 1,
            header: true,
            indent: 0,
            text: joined_text(words.iter().map(|&word| page.words[word].text.as_str())),
            bbox,
            words,
        });
    }
    grid.cells.sort_by_key(|cell| (cell.row, cell.column));
    used
}

/// Columns with the words of the header on each, in reading order.
fn headers_above(page: &Page, grid: &Grid, top: f32, em: f32) -> Vec<(usize, Vec<usize>)> {
    let middles: Vec<f32> = grid.extents.iter().map(|(x0, x1)| f32::midpoint(*x0, *x1)).collect();
    let (Some(first), Some(last)) = (grid.extents.get(1), grid.extents.last()) else { return Vec::new() };
    let turned = |word: usize| matches!(page.words[word].direction % 360, 90 | 270);
    let over = |bbox: &BBox| {
        bbox.center_y() < top && bbox.center_x() > first.0 - em && bbox.center_x() < last.1 + em
    };
    let mut words: Vec<usize> =
        (0..page.words.len()).filter(|&word| turned(word) && over(&page.words[word].bbox)).collect();
    // From the table upwards: what touches the table, or what was found before, belongs to it.
    words.sort_by(|&a, &b| page.words[b].bbox.y1.total_cmp(&page.words[a].bbox.y1));
    let mut lines: Vec<(BBox, Vec<usize>)> = Vec::new();
    let mut band = top;
    for word in words {
        let bbox = page.words[word].bbox;
        let joined = lines.iter_mut().find(|(line, members)| {
            line.horizontal_overlap(&bbox) > 0.5 * bbox.width().min(line.width())
                && line.y0 - bbox.y1 < WORD_GAP * em
                && members
                    .first()
                    .is_some_and(|&first| page.words[first].direction == page.words[word].direction)
        });
        match joined {
            Some((line, members)) => {
                *line = line.union(&bbox);
                members.push(word);
            }
            // Headers of different length may be aligned at their upper ends.
            None if top - bbox.y1 < REACH * em || bbox.y1 > band + em => {
                band = band.min(bbox.y0);
                lines.push((bbox, vec![word]));
            }
            None => {}
        }
        if let Some((line, _)) = lines.iter().min_by(|a, b| a.0.y0.total_cmp(&b.0.y0)) {
            band = band.min(line.y0);
        }
    }
    let column_of = |bbox: &BBox| {
        let at = bbox.center_x();
        let near = |column: &usize| (middles[*column] - at).abs();
        (1..middles.len()).min_by(|a, b| near(a).total_cmp(&near(b))).unwrap_or(0)
    };
    lines.sort_by(|a, b| a.0.x0.total_cmp(&b.0.x0));
    let mut headers: Vec<(usize, f32, Vec<usize>)> = Vec::new();
    for (bbox, mut words) in lines {
        let up = page.words[words[0]].direction % 360 == 270;
        words.sort_by(|&a, &b| {
            let (a, b) = (page.words[a].bbox.y0, page.words[b].bbox.y0);
            if up { b.total_cmp(&a) } else { a.total_cmp(&b) }
        });
        let column = column_of(&bbox);
        match headers.last_mut() {
            // Lines that run up follow each other from left to right, lines that run down from right to left.
            Some((of, right, before)) if *of == column && bbox.x0 - *right < LINE_GAP * em => {
                if up {
                    before.extend(words);
                } else {
                    before.splice(0..0, words);
                }
                *right = bbox.x1;
            }
            // Two headers on one column: these are no headers of columns.
            Some((of, ..)) if *of == column => return Vec::new(),
            _ => headers.push((column, bbox.x1, words)),
        }
    }
    headers.into_iter().map(|(column, _, words)| (column, words)).collect()
}
