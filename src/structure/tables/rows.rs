//! Rows of a region: which text lines are rows of their own and which continue the row before.

use super::columns::{Columns, first_data_line, is_numeric_region};
use super::lines::{Line, Region, joined_text};

/// Share of the table's width from which a horizontal ruling separates rows.
const FULL_WIDTH: f32 = 0.75;
/// Lines above the first numbers beyond which these are not the data under column headers.
const MOST_HEADERS: usize = 12;
/// A label that ends with one of these words goes on in the next line.
const CONNECTORS: &[&str] = &[
    "a", "an", "and", "at", "by", "for", "from", "in", "into", "of", "on", "or", "other", "per", "than",
    "the", "to", "with", "net", "–", "-", "—",
];

/// A horizontal line made of touching rulings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    pub y: f32,
    pub x0: f32,
    pub x1: f32,
}

/// Horizontal rulings of the same height that touch, or have nothing but a vertical ruling between them, joined; from
/// top to bottom.
pub(super) fn horizontal_rules(region: &Region<'_>) -> Vec<Rule> {
    let crossed = |x0: f32, x1: f32, y: f32| {
        region.rulings.iter().any(|ruling| {
            let bbox = &ruling.bbox;
            !ruling.horizontal
                && bbox.x0 < x0 + 1.5
                && bbox.x1 > x1 - 1.5
                && bbox.y0 < y + 3.0
                && bbox.y1 > y - 3.0
        })
    };
    let mut parts: Vec<Rule> = region
        .rulings
        .iter()
        .filter(|ruling| ruling.horizontal)
        .map(|ruling| Rule { y: ruling.bbox.center_y(), x0: ruling.bbox.x0, x1: ruling.bbox.x1 })
        .collect();
    parts.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x0.total_cmp(&b.x0)));
    let mut rules: Vec<Rule> = Vec::new();
    let mut start = 0;
    while start < parts.len() {
        let end = start + parts[start..].partition_point(|part| part.y <= parts[start].y + 1.2);
        let group = &mut parts[start..end];
        group.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let mut current = group[0];
        for part in &group[1..] {
            if part.x0 <= current.x1 + 1.5
                || (part.x0 <= current.x1 + 6.0 && crossed(current.x1, part.x0, part.y))
            {
                current.x1 = current.x1.max(part.x1);
            } else {
                rules.push(current);
                current = *part;
            }
        }
        rules.push(current);
        start = end;
    }
    rules
}

/// Heights at which rulings cross most of the region.
pub(super) fn full_rules(region: &Region<'_>, rules: &[Rule]) -> Vec<f32> {
    let left = region.lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min);
    let right = region.lines.iter().map(|line| line.bbox.x1).fold(f32::NEG_INFINITY, f32::max);
    let mut heights = Vec::new();
    let mut start = 0;
    while start < rules.len() {
        let end = start + rules[start..].partition_point(|rule| rule.y <= rules[start].y + 1.5);
        let covered: f32 =
            rules[start..end].iter().map(|rule| (rule.x1.min(right) - rule.x0.max(left)).max(0.0)).sum();
        if covered >= FULL_WIDTH * (right - left) {
            heights.push(rules[start].y);
        }
        start = end;
    }
    heights
}

/// What a line has in each column.
#[derive(Clone, Debug)]
struct Filling {
    filled: Vec<bool>,
    numeric: Vec<bool>,
}

impl Filling {
    fn of(line: &Line, columns: &Columns, em: f32) -> Self {
        let mut filling = Self { filled: vec![false; columns.len()], numeric: vec![false; columns.len()] };
        for chunk in &line.chunks {
            let (first, _) = columns.span(chunk.core.x0, chunk.core.x1, 0.3 * em);
            filling.filled[first] = true;
            filling.numeric[first] |= chunk.numeric && first > 0;
        }
        filling
    }

    fn any_numeric(&self) -> bool {
        self.numeric.contains(&true)
    }

    fn only_stub(&self) -> bool {
        self.filled[0] && !self.filled[1..].contains(&true)
    }

    fn absorb(&mut self, other: &Self) {
        for column in 0..self.filled.len() {
            self.filled[column] |= other.filled[column];
            self.numeric[column] |= other.numeric[column];
        }
    }
}

/// Number of lines that make up the column headers.
pub(super) fn header_lines(region: &Region<'_>, columns: &Columns, full: &[f32]) -> usize {
    let lines = &region.lines;
    let first = if is_numeric_region(region) { first_data_line(region) } else { None };
    if is_numeric_region(region) && first.is_none() {
        return 0;
    }
    // Numbers that begin late are in a table of texts.
    if let Some(first) = first.filter(|&first| first <= MOST_HEADERS) {
        // Lines of the stub alone directly above the first numbers are headings of rows.
        let mut end = first;
        while end > 0 {
            let filling = Filling::of(&lines[end - 1], columns, region.em);
            let above_rule = full.iter().any(|&y| lines[end - 1].center < y && y < lines[end].center);
            if !filling.only_stub() || above_rule {
                break;
            }
            end -= 1;
        }
        if let Some(whole) = whole_band(lines, columns, region.em, full, first) {
            return whole;
        }
        return if end == 0 && lines[..first].iter().any(|line| line.chunks.len() > 1) { first } else { end };
    }
    // Text tables: what stands above the first full ruling below the first line, else bold lines, else one line.
    let limit = lines.len().div_ceil(2);
    for &y in full {
        let above = lines.iter().take_while(|line| line.center < y).count();
        if above > 0 && above <= limit {
            return above;
        }
    }
    let bold = |line: &Line| {
        line.chunks.iter().flat_map(|chunk| &chunk.pieces).all(|&piece| region.pieces[piece].bold)
    };
    let bold_lines = lines.iter().take_while(|line| bold(line)).count();
    if bold_lines > 0 && bold_lines <= limit { bold_lines } else { 1.min(lines.len()) }
}

/// End of the headers in a table of ruled rows, if what looks like the first line of data stands in the same row as
/// headers above it: a digit in a header ("1st grade") is no data.
fn whole_band(lines: &[Line], columns: &Columns, em: f32, full: &[f32], first: usize) -> Option<usize> {
    let fillings: Vec<Filling> = lines.iter().map(|line| Filling::of(line, columns, em)).collect();
    let band = |line: usize| full.partition_point(|&y| y < lines[line].center);
    let has_cells = |line: usize| fillings[line].filled[1..].contains(&true);
    let shared = (0..first).any(|line| band(line) == band(first) && has_cells(line));
    let end = (first..lines.len()).find(|&line| band(line) != band(first))?;
    (shared && ruled_rows(lines, &fillings, end, full).is_some()).then_some(end)
}

/// Groups the lines from `first` on into rows.
pub(super) fn body_rows(
    region: &Region<'_>,
    columns: &Columns,
    first: usize,
    full: &[f32],
) -> Vec<Vec<usize>> {
    let lines = &region.lines;
    if first >= lines.len() {
        return Vec::new();
    }
    let fillings: Vec<Filling> = lines.iter().map(|line| Filling::of(line, columns, region.em)).collect();
    if let Some(rows) = ruled_rows(lines, &fillings, first, full) {
        return rows;
    }
    let numeric = is_numeric_region(region);
    let mut pitch = Pitch::of(lines, &fillings, first, numeric);
    pitch.lines_are_rows = !numeric && lines_are_rows(region, &fillings, first, &pitch);
    let mut rows: Vec<Vec<usize>> = vec![vec![first]];
    let mut state = fillings[first].clone();
    for index in first + 1..lines.len() {
        let row = rows.last_mut().expect("starts with one row");
        let ruled = full.iter().any(|&y| lines[index - 1].center < y && y < lines[index].center);
        let distance = lines[index].center - lines[index - 1].center;
        let next = &fillings[index];
        let clash = (0..columns.len()).any(|column| state.numeric[column] && next.numeric[column]);
        let joined = !ruled && !clash && {
            let context = Context { region, row, state: &state, index, next };
            if numeric {
                context.numeric_continues(distance, &pitch)
            } else {
                context.text_continues(distance, &pitch)
            }
        };
        if joined {
            row.push(index);
            state.absorb(next);
        } else {
            rows.push(vec![index]);
            state = next.clone();
        }
    }
    rows
}

/// Rows between full rulings, if the rulings separate rows at all.
fn ruled_rows(lines: &[Line], fillings: &[Filling], first: usize, full: &[f32]) -> Option<Vec<Vec<usize>>> {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut band = usize::MAX;
    for (index, line) in lines.iter().enumerate().skip(first) {
        let own = full.partition_point(|&y| y < line.center);
        if own == band {
            rows.last_mut()?.push(index);
        } else {
            rows.push(vec![index]);
            band = own;
        }
    }
    let clashes = |row: &[usize]| {
        (0..fillings[first].numeric.len())
            .any(|column| row.iter().filter(|&&line| fillings[line].numeric[column]).count() > 1)
    };
    let broken = rows.iter().filter(|row| clashes(row)).count();
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    (rows.len() >= 3 && broken == 0 && longest <= (lines.len() - first).div_ceil(2)).then_some(rows)
}

/// Distances between lines.
struct Pitch {
    /// Typical distance of neighbouring rows of numbers.
    rows: f32,
    /// Below this distance two lines belong together, where the region has two distances.
    tight: Option<f32>,
    /// Lines that are close together are rows all the same: the wider distances part groups of rows.
    lines_are_rows: bool,
}

impl Pitch {
    fn of(lines: &[Line], fillings: &[Filling], first: usize, numeric: bool) -> Self {
        let mut all: Vec<f32> =
            (first + 1..lines.len()).map(|i| lines[i].center - lines[i - 1].center).collect();
        let mut between: Vec<f32> = (first + 1..lines.len())
            .filter(|&i| fillings[i].any_numeric() && fillings[i - 1].any_numeric())
            .map(|i| lines[i].center - lines[i - 1].center)
            .collect();
        between.sort_by(f32::total_cmp);
        all.sort_by(f32::total_cmp);
        let rows =
            between.get(between.len() / 2).or(all.get(all.len() / 2)).copied().unwrap_or(f32::INFINITY);
        let tight = if numeric {
            between.get(between.len() / 8).map(|&low| 0.88 * low)
        } else {
            let jump =
                (1..all.len()).max_by(|&a, &b| (all[a] / all[a - 1]).total_cmp(&(all[b] / all[b - 1])));
            jump.filter(|&at| all[at] / all[at - 1] > 1.12).map(|at| f32::midpoint(all[at], all[at - 1]))
        };
        Self { rows, tight, lines_are_rows: false }
    }
}

/// Whether a line has all of its cells, each beginning like a text of its own.
fn is_fresh(region: &Region<'_>, line: &Line, filling: &Filling) -> bool {
    filling.filled[0]
        && line.chunks.len() > 1
        && line
            .chunks
            .iter()
            .all(|chunk| !region.text(chunk).starts_with(|c: char| c.is_lowercase() || c == '('))
}

/// Whether most lines of a text table that stand close to the line before begin a row of their own.
fn lines_are_rows(region: &Region<'_>, fillings: &[Filling], first: usize, pitch: &Pitch) -> bool {
    let lines = &region.lines;
    let Some(limit) = pitch.tight else { return false };
    let close: Vec<usize> =
        (first + 1..lines.len()).filter(|&i| lines[i].center - lines[i - 1].center < limit).collect();
    let fresh = close.iter().filter(|&&line| is_fresh(region, &lines[line], &fillings[line])).count();
    fresh >= 3 && fresh * 2 > close.len()
}

/// One decision: does line `index` continue `row`?
struct Context<'a, 'p> {
    region: &'a Region<'p>,
    row: &'a [usize],
    state: &'a Filling,
    index: usize,
    next: &'a Filling,
}

impl Context<'_, '_> {
    fn stub_text(&self, line: usize) -> String {
        self.region.lines[line].chunks.first().map(|chunk| self.region.text(chunk)).unwrap_or_default()
    }

    fn label(&self) -> String {
        let texts: Vec<String> = self
            .row
            .iter()
            .filter(|&&line| self.region.lines[line].chunks.first().is_some_and(|chunk| !chunk.numeric))
            .map(|&line| self.stub_text(line))
            .collect();
        joined_text(texts.iter().map(String::as_str))
    }

    fn starts_low(&self) -> bool {
        self.stub_text(self.index)
            .chars()
            .next()
            .is_some_and(|c| c.is_lowercase() || matches!(c, '(' | '&' | '/'))
    }

    fn label_is_open(&self) -> bool {
        let label = self.label();
        let last = label.rsplit(' ').next().unwrap_or("").to_lowercase();
        label.ends_with(',') || CONNECTORS.contains(&last.as_str()) || {
            label.matches('(').count() > label.matches(')').count()
        }
    }

    fn numeric_continues(&self, distance: f32, pitch: &Pitch) -> bool {
        let label = self.label();
        let heading = label.ends_with(':');
        let tight = pitch.tight.is_some_and(|limit| distance < limit);
        if distance > 1.6 * pitch.rows.min(3.0 * self.region.em) && !tight {
            return false;
        }
        match (self.state.any_numeric(), self.next.any_numeric()) {
            (true, true) => false,
            (true, false) => {
                (tight && !self.starts_heading()) || (self.next.only_stub() && self.starts_low() && !heading)
            }
            (false, true) => {
                !heading
                    && self.state.only_stub()
                    && (!self.next.filled[0] || tight || self.starts_low() || self.label_is_open())
            }
            (false, false) => {
                !heading && (tight || (self.next.only_stub() && (self.starts_low() || self.label_is_open())))
            }
        }
    }

    /// Whether the next line looks like a heading rather than the rest of a label.
    fn starts_heading(&self) -> bool {
        self.next.only_stub() && self.stub_text(self.index).ends_with(':')
    }

    fn text_continues(&self, distance: f32, pitch: &Pitch) -> bool {
        if let Some(limit) = pitch.tight {
            let fresh = pitch.lines_are_rows && {
                let heading = self.next.only_stub() && !self.starts_low() && !self.label_is_open();
                let after_heading = self.state.only_stub() && self.next.filled[1..].contains(&true);
                heading || after_heading || is_fresh(self.region, &self.region.lines[self.index], self.next)
            };
            return distance < limit && !fresh;
        }
        let filled = |filling: &Filling| filling.filled.iter().filter(|&&is| is).count();
        if filled(self.next) == self.next.filled.len() {
            return false;
        }
        (!self.next.filled[0] && self.state.filled[0])
            || (filled(self.next) < filled(self.state) && self.starts_low())
            || (self.state.only_stub() && self.label_is_open())
    }
}
