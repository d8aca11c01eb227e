//! Column headers: stacked lines of one header joined, spanning headers found.

use super::columns::{Columns, is_numeric_region, numbers_columns};
use super::lines::{Chunk, Region};
use super::rows::Rule;
use crate::document::BBox;
use crate::structure::numbers::{Locale, PeriodParts, UnitLineKind, unit_line};

/// A header cell before it has rows.
#[derive(Clone, Debug)]
pub(super) struct HeaderCell {
    pub pieces: Vec<usize>,
    pub bbox: BBox,
    /// First and last column.
    pub span: (usize, usize),
    /// First row.
    pub level: usize,
    pub row_span: usize,
}

/// Cells of the first `lines` lines, and the number of rows they make.
pub(super) fn header_cells(
    region: &Region<'_>,
    columns: &Columns,
    lines: usize,
    rules: &[Rule],
) -> (Vec<HeaderCell>, usize) {
    let mut cells: Vec<HeaderCell> = Vec::new();
    for line in 0..lines {
        let numbers = numbers_columns(region, &region.lines[line]);
        let shared = shared_spans(region, columns, line, lines);
        for (index, chunk) in region.lines[line].chunks.iter().enumerate() {
            let span = match shared.as_ref().and_then(|spans| spans[index]) {
                _ if line == 0 && states_unit_of_table(region, columns, chunk) => (0, 0),
                Some(span) => span,
                None => span_of(region, columns, line, lines, chunk, rules),
            };
            let above = cells
                .iter_mut()
                .filter(|cell| cell.span.0 <= span.1 && span.0 <= cell.span.1)
                .max_by(|a, b| a.bbox.y1.total_cmp(&b.bbox.y1));
            match above {
                Some(cell) if !numbers && cell.span == span && stacks(region, cell, chunk, rules) => {
                    cell.pieces.extend(&chunk.pieces);
                    cell.bbox = cell.bbox.union(&chunk.bbox);
                }
                _ => cells.push(HeaderCell {
                    pieces: chunk.pieces.clone(),
                    bbox: chunk.bbox,
                    span,
                    level: 0,
                    row_span: 1,
                }),
            }
        }
    }
    let rows = assign_rows(&mut cells);
    (cells, rows)
}

/// Whether the first line is nothing but the unit of the table, set flush with its right edge: "DKK million" over "Change".
/// It is no header of the last column; it belongs where other tables state their unit, over the labels.
fn states_unit_of_table(region: &Region<'_>, columns: &Columns, chunk: &Chunk) -> bool {
    let alone = region.lines[0].chunks.len() == 1;
    let stated = || unit_line(&region.text(chunk)).filter(|line| line.kind == UnitLineKind::Whole);
    alone && columns.len() > 2 && stated().is_some_and(|line| line.says.currency.is_some())
}

/// Whether the chunk is the next line of the cell above it.
fn stacks(region: &Region<'_>, cell: &HeaderCell, chunk: &Chunk, rules: &[Rule]) -> bool {
    let gap = chunk.bbox.center_y() - cell.bbox.y1;
    let ruled = rules.iter().any(|rule| {
        rule.y > cell.bbox.center_y()
            && rule.y < chunk.bbox.center_y()
            && rule.x0 < chunk.bbox.x1.max(cell.bbox.x1)
            && rule.x1 > chunk.bbox.x0.min(cell.bbox.x0)
    });
    !ruled && gap < 1.6 * region.em
}

/// The columns of every chunk of a line of dates that share out all columns with headers of their own below: each chunk
/// stands over the middle of its columns. `None` where the line is no such line; the stub's chunk has no span here.
fn shared_spans(
    region: &Region<'_>,
    columns: &Columns,
    line: usize,
    lines: usize,
) -> Option<Vec<Option<(usize, usize)>>> {
    let chunks = &region.lines[line].chunks;
    let is_stub = |chunk: &Chunk| columns.at(chunk.bbox.center_x()) == 0;
    let first = chunks.iter().position(|chunk| !is_stub(chunk))?;
    let dates = &chunks[first..];
    let is_date = |chunk: &Chunk| PeriodParts::of(&region.text(chunk), Locale::default()).is_pure();
    let below = |column: usize| {
        region.lines[line + 1..lines].iter().flat_map(|line| &line.chunks).any(|chunk| {
            let (from, to) = columns.span(chunk.bbox.x0, chunk.bbox.x1, 0.3 * region.em);
            from <= column && column <= to && from > 0
        })
    };
    let count = columns.len() - 1;
    if dates.len() >= count || !dates.iter().all(is_date) || !(1..=count).all(below) {
        return None;
    }
    // Columns of numbers are narrower than their headers, which are centred over the whole: half a column is near.
    let pitch = (columns.extents[count].1 - columns.extents[1].0) / count as f32;
    let distance = |from: usize, to: usize, chunk: &Chunk| {
        let extent = (columns.extents[from].0, columns.extents[to].1);
        (f32::midpoint(extent.0, extent.1) - chunk.bbox.center_x()).abs()
    };
    // Equal shares, if they fit.
    let share = count / dates.len();
    let start = |index: usize| index * share + 1;
    let fits = |(index, chunk): (usize, &Chunk)| {
        distance(start(index), start(index) + share - 1, chunk) < 0.75 * pitch
    };
    if count.is_multiple_of(dates.len()) && dates.iter().enumerate().all(fits) {
        let spans = (0..dates.len()).map(|index| Some((start(index), start(index) + share - 1)));
        return Some(vec![None; first].into_iter().chain(spans).collect());
    }
    // best[k][last]: least sum of distances of the first k chunks over the columns up to `last`, with the start of the
    // last chunk's columns.
    let mut best = vec![vec![(f32::INFINITY, 0usize); count + 1]; dates.len() + 1];
    best[0][0].0 = 0.0;
    for (index, chunk) in dates.iter().enumerate() {
        for to in index + 1..=count {
            for from in index + 1..=to {
                let own = distance(from, to, chunk);
                let sum = best[index][from - 1].0 + own;
                if own < 0.5 * pitch && sum < best[index + 1][to].0 {
                    best[index + 1][to] = (sum, from);
                }
            }
        }
    }
    let mut spans = vec![None; chunks.len()];
    let mut to = count;
    for index in (0..dates.len()).rev() {
        let (sum, from) = best[index + 1][to];
        if !sum.is_finite() {
            return None;
        }
        spans[first + index] = Some((from, to));
        to = from - 1;
    }
    Some(spans)
}

fn span_of(
    region: &Region<'_>,
    columns: &Columns,
    line: usize,
    lines: usize,
    chunk: &Chunk,
    rules: &[Rule],
) -> (usize, usize) {
    let own = columns.span(chunk.bbox.x0, chunk.bbox.x1, 0.3 * region.em);
    if let Some(span) = ruled_span(region, columns, line, chunk, own, rules) {
        return span;
    }
    centered_span(region, columns, line, lines, chunk, own)
}

/// The columns over a ruling directly below the chunk, if the chunk is alone above it.
fn ruled_span(
    region: &Region<'_>,
    columns: &Columns,
    line: usize,
    chunk: &Chunk,
    own: (usize, usize),
    rules: &[Rule],
) -> Option<(usize, usize)> {
    let center = chunk.bbox.center_x();
    let rule = rules.iter().find(|rule| {
        rule.y > region.lines[line].center + 0.2 * region.em
            && rule.y < region.lines[line].center + 1.5 * region.em
            && rule.x0 <= center
            && center <= rule.x1
    })?;
    let between = |x0: f32, x1: f32| {
        region.lines[line]
            .chunks
            .iter()
            .filter(|other| x0 < other.bbox.center_x() && other.bbox.center_x() < x1)
            .count()
    };
    let covered_by = |rule: &Rule, column: usize| {
        let (x0, x1) = columns.extents[column];
        (rule.x1.min(x1) - rule.x0.max(x0)).max(0.0) >= 0.6 * (x1 - x0)
    };
    if between(rule.x0, rule.x1) != 1 {
        return None;
    }
    let first = (0..columns.len()).find(|&column| covered_by(rule, column))?;
    let last = (first..columns.len()).take_while(|&column| covered_by(rule, column)).last()?;
    // A ruling under the whole table says nothing about this chunk.
    if !(first <= own.0 && own.1 <= last) || (first == 0 && last + 1 == columns.len()) {
        return None;
    }
    // Rulings under each column of a spanning header, with gaps between them: take those on both sides for as long
    // as nothing else stands above them, if the chunk is in their middle.
    let same_height: Vec<&Rule> = rules.iter().filter(|other| (other.y - rule.y).abs() < 1.2).collect();
    let covered = |column: usize| same_height.iter().any(|other| covered_by(other, column));
    let from = (1..=first).rev().take_while(|&column| covered(column)).last().unwrap_or(first);
    let to = (last..columns.len()).take_while(|&column| covered(column)).last().unwrap_or(last);
    let wide = (columns.extents[from].0, columns.extents[to].1);
    let tolerance = 1.5 * region.em;
    if (from, to) != (first, last)
        && between(wide.0 - tolerance, wide.1 + tolerance) == 1
        && (f32::midpoint(wide.0, wide.1) - center).abs() <= tolerance
    {
        return Some((from, to));
    }
    Some((first, last))
}

/// Columns that a chunk is centred over although it is narrower than they are.
fn centered_span(
    region: &Region<'_>,
    columns: &Columns,
    line: usize,
    lines: usize,
    chunk: &Chunk,
    own: (usize, usize),
) -> (usize, usize) {
    let center = chunk.bbox.center_x();
    let here = &region.lines[line].chunks;
    let left = here
        .iter()
        .map(|other| other.bbox.x1)
        .filter(|&x1| x1 <= chunk.bbox.x0)
        .fold(f32::NEG_INFINITY, f32::max);
    let right = here
        .iter()
        .map(|other| other.bbox.x0)
        .filter(|&x0| x0 >= chunk.bbox.x1)
        .fold(f32::INFINITY, f32::min);
    let has_header_below = |column: usize| {
        region.lines[line + 1..lines]
            .iter()
            .flat_map(|line| &line.chunks)
            .any(|below| columns.span(below.bbox.x0, below.bbox.x1, 0.3 * region.em) == (column, column))
    };
    let (x0, x1) = columns.extents[own.0];
    let aligned = (f32::midpoint(x0, x1) - center).abs() < 0.6 * region.em
        || (chunk.bbox.x0 - x0).abs() < 0.3 * region.em
        || (chunk.bbox.x1 - x1).abs() < 0.3 * region.em;
    if own.1 == 0 || (own.0 == own.1 && aligned) || !is_numeric_region(region) {
        return own;
    }
    let mut best = own;
    let mut best_offset = offset(columns, own, center);
    for first in (1..=own.0).rev() {
        if columns.extents[first].0 < left || (first < own.0 && !has_header_below(first)) {
            break;
        }
        for last in own.1..columns.len() {
            if columns.extents[last].1 > right || (last > own.1 && !has_header_below(last)) {
                break;
            }
            let candidate = (first, last);
            let width = columns.extents[last].1 - columns.extents[first].0;
            let candidate_offset = offset(columns, candidate, center);
            let wider = last - first > best.1 - best.0;
            if last > first
                && candidate_offset <= region.em.max(0.05 * width)
                && (wider || candidate_offset < best_offset)
            {
                (best, best_offset) = (candidate, candidate_offset);
            }
        }
    }
    if best != own && !(best.0..=best.1).all(has_header_below) { own } else { best }
}

/// Distance between the middle of these columns and an x position.
fn offset(columns: &Columns, span: (usize, usize), center: f32) -> f32 {
    (f32::midpoint(columns.extents[span.0].0, columns.extents[span.1].1) - center).abs()
}

/// Gives each cell its rows: below everything that stands above it, down to what stands below it.
fn assign_rows(cells: &mut [HeaderCell]) -> usize {
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by(|&a, &b| cells[a].bbox.y0.total_cmp(&cells[b].bbox.y0));
    let overlap = |a: &HeaderCell, b: &HeaderCell| a.span.0 <= b.span.1 && b.span.0 <= a.span.1;
    for position in 0..order.len() {
        let cell = order[position];
        cells[cell].level = order[..position]
            .iter()
            .filter(|&&other| overlap(&cells[other], &cells[cell]))
            .map(|&other| cells[other].level + 1)
            .max()
            .unwrap_or(0);
    }
    let rows = cells.iter().map(|cell| cell.level + 1).max().unwrap_or(0);
    for cell in 0..cells.len() {
        let below = (0..cells.len())
            .filter(|&other| cells[other].level > cells[cell].level && overlap(&cells[other], &cells[cell]))
            .map(|other| cells[other].level)
            .min()
            .unwrap_or(rows);
        cells[cell].row_span = (below - cells[cell].level).max(1);
    }
    rows
}
