//! Columns of a region: vertical corridors that no body line crosses, and vertical rulings.

use super::lines::{Chunk, Line, MARK_SIZE, Region, is_currency_sign, is_numeric, is_year, line_of_chunks};
use crate::document::BBox;
use crate::structure::numbers::is_month;

/// Share of the body lines that may cross a corridor between columns.
const CROSSING_SHARE: f32 = 0.04;
/// Narrowest corridor, in em.
const MIN_CORRIDOR: f32 = 0.18;
/// Gap, in em, at which a chunk that crosses a known column boundary is cut there.
const CUT_GAP: f32 = 0.3;

/// Columns from left to right: the x positions that separate them, one fewer than columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    pub separators: Vec<f32>,
    /// The empty corridor around each separator.
    corridors: Vec<(f32, f32)>,
    /// Extents of what stands in each column's body.
    pub extents: Vec<(f32, f32)>,
    /// Vertical rulings at each separator, as heights from top to bottom; empty where there are none.
    walls: Vec<Vec<(f32, f32)>>,
}

impl Columns {
    pub fn len(&self) -> usize {
        self.separators.len() + 1
    }

    /// The column at an x position.
    pub fn at(&self, x: f32) -> usize {
        self.separators.partition_point(|&separator| separator <= x)
    }

    /// The last column that the cell of `first` reaches to where vertical rulings part the columns, but not between
    /// these two heights; `first` itself if they are not parted by rulings.
    pub fn open_until(&self, first: usize, top: f32, bottom: f32) -> usize {
        let stands = |walls: &[(f32, f32)]| {
            walls.iter().any(|&(y0, y1)| y1.min(bottom) - y0.max(top) > 0.5 * (bottom - top))
        };
        let open = self.walls[first..].iter().take_while(|walls| !walls.is_empty() && !stands(walls));
        first + open.count()
    }

    /// First and last column that a horizontal extent covers by more than `slack`.
    pub fn span(&self, x0: f32, x1: f32, slack: f32) -> (usize, usize) {
        let middle = self.at(f32::midpoint(x0, x1));
        let (mut first, mut last) = (self.at(x0 + slack), self.at(x1 - slack));
        if first > last {
            (first, last) = (middle, middle);
        }
        // A chunk reaches into a column only if it overlaps what stands there, not merely its margin.
        while first < last && self.extents[first].1 <= x0 + slack {
            first += 1;
        }
        while last > first && self.extents[last].0 >= x1 - slack {
            last -= 1;
        }
        (first, last)
    }
}

/// Whether a chunk is a date of digits in a header, or the rest of one that is wrapped there: "31.12.2022", a year,
/// "30, 2023", or "31" under "March".
pub(super) fn is_rest_of_date(region: &Region<'_>, line: usize, chunk: &Chunk) -> bool {
    let text = region.text_without_marks(chunk);
    let is_day = |text: &str| text.len() <= 2 && text.parse().is_ok_and(|day: u32| (1..=31).contains(&day));
    // "31.12.2022"
    let parts: Vec<&str> = text.split('.').collect();
    let dotted = matches!(parts[..], [day, month, year]
        if is_day(day) && is_day(month) && (is_year(year) || year.len() == 2 && year.parse::<u32>().is_ok()));
    if is_year(&text) || dotted {
        return true;
    }
    match text.split_once(", ") {
        Some((day, year)) => is_day(day) && is_year(year),
        None => {
            is_day(&text)
                && line > 0
                && region.lines[line - 1].chunks.iter().any(|above| {
                    above.bbox.x0 < chunk.bbox.x1
                        && above.bbox.x1 > chunk.bbox.x0
                        && region.text(above).rsplit(' ').next().is_some_and(is_month)
                })
        }
    }
}

/// Index of the first line that holds data: a number that is no part of a date right of the first chunk.
pub(super) fn first_data_line(region: &Region<'_>) -> Option<usize> {
    let left = region.lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min);
    // A raised mark at a header is no number.
    let is_mark =
        |chunk: &Chunk| chunk.pieces.iter().all(|&piece| region.pieces[piece].size < MARK_SIZE * region.em);
    region.lines.iter().enumerate().position(|(at, line)| {
        line.chunks.iter().enumerate().any(|(index, chunk)| {
            chunk.numeric
                && !is_mark(chunk)
                && (index > 0 || chunk.bbox.x0 > left + 6.0 * region.em)
                && !is_rest_of_date(region, at, chunk)
        }) && {
            let right = &line.chunks[usize::from(line.chunks.len() > 1)..];
            2 * right.iter().filter(|chunk| chunk.numeric).count() >= right.len()
        } && !numbers_columns(region, line)
    })
}

/// Whether a line gives the columns numbers, "(1) (2) (3)" or "1 2 3 4": it is a header. Without brackets only at least
/// four numbers from 1 on are taken for that. "Note" may stand before them.
pub(super) fn numbers_columns(region: &Region<'_>, line: &Line) -> bool {
    let texts = line.chunks.iter().map(|chunk| region.text(chunk));
    let texts: Vec<String> =
        texts.skip_while(|text| text.chars().all(|c| c.is_alphabetic() || c == '.')).collect();
    let inner = |text: &str| -> Option<u32> {
        let bare = [('(', ')'), ('[', ']')]
            .iter()
            .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))?;
        (bare.len() <= 2).then(|| bare.parse().ok()).flatten()
    };
    let bracketed: Option<Vec<u32>> = texts.iter().map(|text| inner(text)).collect();
    let plain: Option<Vec<u32>> = texts.iter().map(|text| text.parse().ok()).collect();
    let runs = |numbers: &[u32]| numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    bracketed.is_some_and(|numbers| numbers.len() >= 2 && runs(&numbers))
        || plain.is_some_and(|numbers| numbers.len() >= 4 && numbers[0] == 1 && runs(&numbers))
}

/// Whether the body of the region is made of numbers.
pub(super) fn is_numeric_region(region: &Region<'_>) -> bool {
    let (mut numbers, mut texts) = (0, 0);
    for line in &region.lines {
        for chunk in line.chunks.iter().skip(1) {
            if chunk.numeric { numbers += 1 } else { texts += 1 }
        }
    }
    numbers > 2 && numbers * 3 > texts
}

/// Finds the columns; `None` if there is only one.
pub(super) fn find_columns(region: &Region<'_>) -> Option<Columns> {
    let body_start = if is_numeric_region(region) { first_data_line(region).unwrap_or(0) } else { 0 };
    let mut body: Vec<&Line> =
        region.lines[body_start..].iter().filter(|line| line.chunks.len() >= 2).collect();
    if is_numeric_region(region) {
        // Headers that stand again further down say less about the columns than the numbers do.
        let has_numbers = |line: &&&Line| {
            let right = &line.chunks[1..];
            2 * right.iter().filter(|chunk| chunk.numeric).count() >= right.len()
        };
        let numbers: Vec<&Line> = body.iter().filter(has_numbers).copied().collect();
        if 2 * numbers.len() > body.len() {
            body = numbers;
        }
    }
    // One line of several numbers says more about the columns than the headers over it.
    let one_row = body.len() == 1 && body[0].chunks.iter().skip(1).filter(|chunk| chunk.numeric).count() >= 2;
    if body.len() < 2 && !one_row {
        body = region.lines.iter().filter(|line| line.chunks.len() >= 2).collect();
    }
    let walls = vertical_walls(region);
    if body.is_empty() && walls.is_empty() {
        return None;
    }
    let allowed = (body.len() as f32 * CROSSING_SHARE).floor() as i32;
    let found = corridors(&body, allowed, MIN_CORRIDOR * region.em);
    let mut separators: Vec<f32> = found.iter().map(|&(from, to)| f32::midpoint(from, to)).collect();
    let walled: Vec<&Line> = if body.is_empty() { region.lines.iter().collect() } else { body.clone() };
    add_walls(&mut separators, &walls, &walled);
    if separators.is_empty() {
        return None;
    }
    let corridors: Vec<(f32, f32)> = separators
        .iter()
        .map(|&at| found.iter().copied().find(|&(from, to)| from <= at && at <= to).unwrap_or((at, at)))
        .collect();
    let walls = walls_at(region, &separators, &corridors);
    let extents_of = vec![(0.0, 0.0); separators.len() + 1];
    let mut columns = Columns { extents: extents_of, separators, corridors, walls };
    columns.extents = extents(&columns, &body, &region.lines);
    Some(columns)
}

/// The x intervals that at most `allowed` lines cross.
fn corridors(body: &[&Line], allowed: i32, narrowest: f32) -> Vec<(f32, f32)> {
    let mut events: Vec<(f32, i32)> = Vec::new();
    for chunk in body.iter().flat_map(|line| &line.chunks) {
        events.push((chunk.core.x0, 1));
        events.push((chunk.core.x1, -1));
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut found = Vec::new();
    let mut depth = 0;
    let mut entered = false; // whether a column has been seen since the last corridor
    let mut free_from: Option<f32> = None;
    for (x, step) in events {
        let before = depth;
        depth += step;
        if before > allowed && depth <= allowed {
            free_from = Some(x);
            entered = true;
        } else if before <= allowed && depth > allowed {
            if let Some(from) = free_from
                && entered
                && x - from >= narrowest
            {
                found.push((from, x));
            }
            free_from = None;
        }
    }
    found
}

/// X positions of vertical rulings that run along most of the region's lines.
fn vertical_walls(region: &Region<'_>) -> Vec<f32> {
    let mut parts: Vec<(f32, f32, f32)> = region
        .rulings
        .iter()
        .filter(|ruling| !ruling.horizontal)
        .map(|ruling| (ruling.bbox.center_x(), ruling.bbox.y0, ruling.bbox.y1))
        .collect();
    parts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut walls = Vec::new();
    let mut start = 0;
    while start < parts.len() {
        let end = start + parts[start..].partition_point(|part| part.0 <= parts[start].0 + 2.0);
        let x = f32::midpoint(parts[start].0, parts[end - 1].0);
        let along = region
            .lines
            .iter()
            .filter(|line| {
                parts[start..end].iter().any(|part| part.1 <= line.center && line.center <= part.2)
            })
            .count();
        if along * 10 >= region.lines.len() * 6 {
            walls.push(x);
        }
        start = end;
    }
    walls
}

/// Vertical rulings within the corridor of each separator.
fn walls_at(region: &Region<'_>, separators: &[f32], corridors: &[(f32, f32)]) -> Vec<Vec<(f32, f32)>> {
    separators
        .iter()
        .zip(corridors)
        .map(|(&at, &(from, to))| {
            let near = |x: f32| x > from.min(at) - 2.0 && x < to.max(at) + 2.0;
            region
                .rulings
                .iter()
                .filter(|ruling| !ruling.horizontal && near(ruling.bbox.center_x()))
                .map(|ruling| (ruling.bbox.y0, ruling.bbox.y1))
                .collect()
        })
        .collect()
}

/// Adds walls that have text on both sides and no separator of their own yet.
fn add_walls(separators: &mut Vec<f32>, walls: &[f32], lines: &[&Line]) {
    let chunks = || lines.iter().flat_map(|line| &line.chunks);
    for &wall in walls {
        let crossing =
            chunks().filter(|chunk| chunk.core.x0 < wall - 1.0 && chunk.core.x1 > wall + 1.0).count();
        if crossing * 5 > lines.len() {
            continue;
        }
        let position = separators.partition_point(|&separator| separator < wall);
        let left = position.checked_sub(1).map_or(f32::NEG_INFINITY, |index| separators[index]);
        let right = separators.get(position).copied().unwrap_or(f32::INFINITY);
        let between = |from: f32, to: f32| {
            chunks().any(|chunk| chunk.core.center_x() > from && chunk.core.center_x() < to)
        };
        match (between(left, wall), between(wall, right)) {
            (true, true) => separators.insert(position, wall),
            // The wall stands in a corridor that was found already: it is the more exact boundary.
            (false, true) if position > 0 => separators[position - 1] = wall,
            (true, false) if position < separators.len() => separators[position] = wall,
            _ => {}
        }
    }
}

fn extents(columns: &Columns, body: &[&Line], lines: &[Line]) -> Vec<(f32, f32)> {
    let mut extents = vec![(f32::INFINITY, f32::NEG_INFINITY); columns.len()];
    let mut take = |chunk: &Chunk| {
        let (first, last) = (columns.at(chunk.core.x0 + 0.5), columns.at(chunk.core.x1 - 0.5));
        if first == last {
            let extent = &mut extents[first];
            *extent = (extent.0.min(chunk.core.x0), extent.1.max(chunk.core.x1));
        }
    };
    body.iter().flat_map(|line| &line.chunks).for_each(&mut take);
    lines.iter().filter(|line| line.chunks.len() >= 2).flat_map(|line| &line.chunks).for_each(&mut take);
    for (index, extent) in extents.iter_mut().enumerate() {
        if extent.0 > extent.1 {
            let left = index.checked_sub(1).map_or(columns.separators[0], |left| columns.separators[left]);
            let right = columns.separators.get(index).copied().unwrap_or(left);
            *extent = (left.min(right), left.max(right));
        }
    }
    extents
}

/// Parts numbers that stand so near to each other that they were taken for one: "1,375,700,602 1,375,700,602".
pub(super) fn separate_numbers(region: &mut Region<'_>) {
    let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    // A mark within: what follows a space is no further group of digits.
    let is_whole = |text: &str| {
        let inner = text.trim_matches(|c: char| !c.is_ascii_digit());
        has_digit(text) && inner.contains([',', '.']) && is_numeric(text)
    };
    let parted = |before: &str, after: &str| {
        let sign = is_currency_sign(after) && after.contains(['$', '£', '¥']);
        let ended = before.ends_with([')', '%']) && has_digit(before);
        is_whole(before) && is_whole(after)
            || has_digit(before) && is_numeric(before) && (sign || after.starts_with('(') && has_digit(after))
            || ended && has_digit(after) && is_numeric(after)
    };
    for index in 0..region.lines.len() {
        let mut chunks: Vec<Chunk> = Vec::new();
        for chunk in &region.lines[index].chunks {
            let mut parts: Vec<Vec<usize>> = Vec::new();
            for &piece in &chunk.pieces {
                let text = region.pieces[piece].text;
                match parts.last_mut() {
                    Some(part)
                        if !chunk.numeric || !parted(region.pieces[part[part.len() - 1]].text, text) =>
                    {
                        part.push(piece);
                    }
                    _ => parts.push(vec![piece]),
                }
            }
            chunks.extend(parts.into_iter().map(|part| Chunk::new(&region.pieces, part)));
        }
        if chunks.len() != region.lines[index].chunks.len() {
            region.lines[index] = line_of_chunks(&region.pieces, chunks);
        }
    }
}

/// Cuts chunks at column boundaries that fall into one of their gaps.
pub(super) fn cut_chunks(region: &mut Region<'_>, columns: &Columns) {
    for index in 0..region.lines.len() {
        let mut cut = Vec::new();
        for chunk in &region.lines[index].chunks {
            cut.extend(cut_chunk(region, chunk, columns));
        }
        if cut.len() != region.lines[index].chunks.len() {
            region.lines[index] = line_of_chunks(&region.pieces, cut);
        }
    }
}

fn cut_chunk(region: &Region<'_>, chunk: &Chunk, columns: &Columns) -> Vec<Chunk> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut extent = chunk.bbox;
    for &index in &chunk.pieces {
        let bbox: BBox = region.pieces[index].bbox;
        let at_boundary = || {
            columns.corridors.iter().zip(&columns.separators).any(|(&(from, to), &separator)| {
                extent.x1 <= to + 0.5
                    && from <= bbox.x0 + 0.5
                    && extent.center_x() < separator
                    && separator < bbox.center_x()
            })
        };
        let least = CUT_GAP.max(1.25 * region.space);
        let wide = || bbox.x0 - extent.x1 >= least * region.em.min(1.3 * region.pieces[index].size);
        // "2025 December 31, 2024": the year of one column and the date of the next.
        let new_date = || {
            let before = parts.last().and_then(|part| part.last()).map(|&last| region.pieces[last].text);
            before.is_some_and(is_year)
                && is_month(region.pieces[index].text)
                && columns
                    .separators
                    .iter()
                    .any(|&at| extent.center_x() < at && at < bbox.center_x() + bbox.width())
        };
        // "31 December", "December 2023": a date is not cut, however wide the space behind its digits looks.
        let within_date = || {
            let before = parts.last().and_then(|part| part.last()).map(|&last| region.pieces[last].text);
            let text = region.pieces[index].text.trim_end_matches(',');
            let is_day =
                |text: &str| text.len() <= 2 && text.parse().is_ok_and(|day: u32| (1..=31).contains(&day));
            before.map(|before| before.trim_end_matches([',', '.'])).is_some_and(|before| {
                is_day(before) && is_month(text) || is_month(before) && (is_day(text) || is_year(text))
            })
        };
        let ends = new_date() || at_boundary() && wide() && !within_date();
        match parts.last_mut() {
            Some(part) if !ends => {
                part.push(index);
                extent = extent.union(&bbox);
            }
            _ => {
                parts.push(vec![index]);
                extent = bbox;
            }
        }
    }
    // A currency sign that stands on the other side of the boundary still belongs to its number.
    let mut index = 0;
    while index + 1 < parts.len() {
        if parts[index].iter().all(|&piece| is_currency_sign(region.pieces[piece].text)) {
            let signs = parts.remove(index);
            parts[index].splice(0..0, signs);
        } else {
            index += 1;
        }
    }
    parts.into_iter().map(|part| Chunk::new(&region.pieces, part)).collect()
}
