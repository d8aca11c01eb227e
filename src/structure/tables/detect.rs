//! Table regions that no layout block names: aligned numbers, and boxes of rulings.

use super::columns::{find_columns, is_rest_of_date};
use super::lines::{Line, Region};
use super::rows::{Rule, horizontal_rules};
use crate::document::{BBox, Page};

/// Words from which a chunk counts as running text.
const PROSE_WORDS: usize = 9;
/// Gap, in em, that separates cells rather than words.
const CELL_GAP: f32 = 0.9;
/// Distance between line middles, in em, that ends a table.
const BREAK: f32 = 4.2;
/// Lines without numbers in a row that end a table.
const PAUSE: usize = 4;
/// Lines above the first numbers that can be column headers.
const HEADER_LINES: usize = 7;
/// Largest distance, in em, between rulings of one box with vertical rulings, and of one without.
const WALLED_BAND: f32 = 40.0;
const OPEN_BAND: f32 = 10.0;
/// Rows of numbers from which there is a table.
const MIN_ROWS: usize = 2;

/// A region with the words in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub words: Vec<usize>,
    pub bbox: BBox,
    /// Whether parallel rulings surround it.
    pub boxed: bool,
}

/// Finds regions of one page, from top to bottom; `taken` are word indices that already belong to a table.
pub(super) fn find_regions(page: &Page, taken: &[bool]) -> Vec<Found> {
    let visible: Vec<usize> = (0..page.words.len())
        .filter(|&word| !taken[word] && !page.words[word].text.trim().is_empty())
        .collect();
    let mut found: Vec<Found> = Vec::new();
    // Boxes first: columns of text inside them must not be taken for columns of the page.
    let mut boxed = vec![false; page.words.len()];
    if let Some(bbox) = around(page, &visible) {
        let region = Region::of_words(page, &visible, &bbox);
        for words in boxed_regions(page, &region) {
            if words.iter().any(|&word| boxed[word]) {
                continue;
            }
            words.iter().for_each(|&word| boxed[word] = true);
            found.extend(around(page, &words).map(|bbox| Found { words, bbox, boxed: true }));
        }
    }
    let rest: Vec<usize> = visible.into_iter().filter(|&word| !boxed[word]).collect();
    for words in strips(page, &rest) {
        let Some(bbox) = around(page, &words) else { continue };
        let region = Region::of_words(page, &words, &bbox);
        for (first, last) in number_runs(&region, &horizontal_rules(&region)) {
            let words: Vec<usize> = region.lines[first..=last]
                .iter()
                .flat_map(|line| &line.chunks)
                .flat_map(|chunk| &chunk.pieces)
                .map(|&piece| region.pieces[piece].word)
                .collect();
            found.extend(around(page, &words).map(|bbox| Found { words, bbox, boxed: false }));
        }
    }
    join_neighbours(page, &mut found, &visible_lines(page));
    found.sort_by(|a, b| a.bbox.y0.total_cmp(&b.bbox.y0).then(a.bbox.x0.total_cmp(&b.bbox.x0)));
    found
}

/// Middles of the page's words, to see what stands between two regions.
fn visible_lines(page: &Page) -> Vec<(f32, f32)> {
    page.words.iter().map(|word| (word.bbox.center_x(), word.bbox.center_y())).collect()
}

/// Joins regions directly above each other with nothing between them, of which rulings box only one part.
fn join_neighbours(page: &Page, found: &mut Vec<Found>, middles: &[(f32, f32)]) {
    let mut index = 0;
    while index < found.len() {
        let near = (0..found.len())
            .find(|&other| other != index && touches(page, &found[index], &found[other], middles));
        if let Some(other) = near {
            let taken = found.remove(other);
            let kept = if other < index { index - 1 } else { index };
            found[kept].words.extend(taken.words);
            found[kept].words.sort_unstable();
            found[kept].words.dedup();
            found[kept].bbox = found[kept].bbox.union(&taken.bbox);
            index = 0;
        } else {
            index += 1;
        }
    }
}

fn touches(page: &Page, upper: &Found, lower: &Found, middles: &[(f32, f32)]) -> bool {
    let (a, b) = (&upper.bbox, &lower.bbox);
    let common = a.x1.min(b.x1) - a.x0.max(b.x0);
    let em = page.words[lower.words[0]].font_size.max(4.0);
    let gap = b.y0 - a.y1;
    let overlapping = a.intersection(b).is_some();
    let boxed = upper.boxed || lower.boxed;
    boxed
        && common > 0.7 * a.width().min(b.width())
        && (overlapping || (gap > 0.0 && gap < 1.6 * em))
        && !middles.iter().any(|&(x, y)| y > a.y1 && y < b.y0 && x > a.x0 && x < a.x1)
}

pub(super) fn around(page: &Page, words: &[usize]) -> Option<BBox> {
    BBox::around(words.iter().map(|&word| &page.words[word].bbox))
}

fn is_prose(region: &Region<'_>, line: &Line, chunk: usize) -> bool {
    let chunk = &line.chunks[chunk];
    let letters = chunk
        .pieces
        .iter()
        .filter(|&&piece| region.pieces[piece].text.chars().any(char::is_alphabetic))
        .count();
    letters >= 5
}

/// Words of the page in groups that are read separately: the columns of running text, and what spans them.
fn strips(page: &Page, words: &[usize]) -> Vec<Vec<usize>> {
    let Some(bbox) = around(page, words) else { return Vec::new() };
    let region = Region::of_words(page, words, &bbox);
    let Some(gutter) = gutter(&region) else { return vec![words.to_vec()] };
    let crosses = |line: &Line| {
        line.chunks.iter().any(|chunk| chunk.bbox.x0 < gutter - 2.0 && chunk.bbox.x1 > gutter + 2.0)
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut whole: Vec<usize> = Vec::new();
    let mut start = 0;
    while start < region.lines.len() {
        let crossing = crosses(&region.lines[start]);
        let end = start + region.lines[start..].iter().take_while(|line| crosses(line) == crossing).count();
        let run = &region.lines[start..end];
        let prose = run
            .iter()
            .filter(|line| (0..line.chunks.len()).any(|chunk| is_prose(&region, line, chunk)))
            .count();
        let members = |line: &Line| -> Vec<usize> {
            line.chunks
                .iter()
                .flat_map(|chunk| &chunk.pieces)
                .map(|&piece| region.pieces[piece].word)
                .collect()
        };
        if !crossing && prose >= 3 && prose * 2 > run.len() {
            groups.extend((!whole.is_empty()).then(|| std::mem::take(&mut whole)));
            let (left, right): (Vec<usize>, Vec<usize>) =
                run.iter().flat_map(members).partition(|&word| page.words[word].bbox.center_x() < gutter);
            groups.extend([left, right].into_iter().filter(|side| !side.is_empty()));
        } else {
            whole.extend(run.iter().flat_map(members));
        }
        start = end;
    }
    groups.extend((!whole.is_empty()).then_some(whole));
    groups
}

/// The x position between two columns of running text.
fn gutter(region: &Region<'_>) -> Option<f32> {
    let mut middles: Vec<f32> = Vec::new();
    for line in &region.lines {
        for index in 1..line.chunks.len() {
            if is_prose(region, line, index - 1) && is_prose(region, line, index) {
                middles.push(f32::midpoint(line.chunks[index - 1].bbox.x1, line.chunks[index].bbox.x0));
            }
        }
    }
    middles.sort_by(f32::total_cmp);
    let middle = *middles.get(middles.len() / 2)?;
    let near = middles.iter().filter(|&&x| (x - middle).abs() < 2.0 * region.em).count();
    (near >= 8).then_some(middle)
}

/// What a line looks like to the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Numbers in cells.
    Numbers,
    /// Several cells without numbers, or years.
    Cells,
    /// One short text.
    Label,
    /// Running text.
    Prose,
}

fn kind_of(region: &Region<'_>, at: usize, width: f32) -> Kind {
    let line = &region.lines[at];
    let wide_gap = |index: usize| {
        index > 0 && line.chunks[index].bbox.x0 - line.chunks[index - 1].bbox.x1 > CELL_GAP * region.em
    };
    let number = |index: usize| {
        let chunk = &line.chunks[index];
        chunk.numeric
            && !is_rest_of_date(region, at, chunk)
            && (wide_gap(index) || chunk.bbox.x0 > region_left(region) + 0.35 * width)
    };
    let words: usize = line.chunks.iter().map(|chunk| chunk.pieces.len()).sum();
    if (0..line.chunks.len()).any(number) {
        return Kind::Numbers;
    }
    if line.chunks.len() >= 2 && (1..line.chunks.len()).any(wide_gap) {
        return Kind::Cells;
    }
    if words > PROSE_WORDS || line.bbox.width() > 0.7 * width { Kind::Prose } else { Kind::Label }
}

fn region_left(region: &Region<'_>) -> f32 {
    region.lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min)
}

/// Runs of lines with numbers whose edges are aligned, with their headers: first and last line.
fn number_runs(region: &Region<'_>, rules: &[Rule]) -> Vec<(usize, usize)> {
    let lines = &region.lines;
    let left = region_left(region);
    let width = lines.iter().map(|line| line.bbox.x1).fold(0.0, f32::max) - left;
    let kinds: Vec<Kind> = (0..lines.len()).map(|line| kind_of(region, line, width)).collect();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        if kinds[index] != Kind::Numbers {
            index += 1;
            continue;
        }
        let first = index;
        let mut last = index;
        let mut edges: Vec<Edges> = number_edges(region, &lines[index]);
        let mut rows = 1;
        let mut next = index + 1;
        while next < lines.len() && next - last <= PAUSE {
            let distance = lines[next].center - lines[next - 1].center;
            if distance > BREAK * region.em || (kinds[next] == Kind::Prose && !wraps(lines, &kinds, next)) {
                break;
            }
            if kinds[next] == Kind::Numbers {
                let own = number_edges(region, &lines[next]);
                let aligned = own
                    .iter()
                    .filter(|edge| edges.iter().any(|other| same_column(edge, other, region.em)))
                    .count();
                if aligned == 0 {
                    break;
                }
                edges.extend(own);
                last = next;
                rows += 1;
            }
            next += 1;
        }
        if rows >= MIN_ROWS && is_table(region, &lines[first..=last], rows) {
            let floor = runs.last().map_or(0, |run| run.1 + 1);
            let top = header_start(region, &kinds, first, floor, &edges, rules);
            runs.push((top, last));
        }
        index = last + 1;
    }
    runs
}

/// A long label whose numbers stand in the next line.
fn wraps(lines: &[Line], kinds: &[Kind], index: usize) -> bool {
    lines[index].chunks.len() == 1
        && kinds.get(index + 1) == Some(&Kind::Numbers)
        && lines[index + 1].chunks.len() > 1
        && (lines[index + 1].chunks[0].bbox.x0 - lines[index].bbox.x0).abs() < 40.0
        && lines[index + 1].bbox.x1 > lines[index].bbox.x1
}

/// Left edge, middle and right edge of a number: columns are aligned by one of them.
type Edges = [f32; 3];

/// Edges of the numbers of a line.
fn number_edges(region: &Region<'_>, line: &Line) -> Vec<Edges> {
    line.chunks
        .iter()
        .filter(|chunk| chunk.numeric)
        .map(|chunk| {
            let hangs = if region.text(chunk).ends_with(')') { 0.3 * region.em } else { 0.0 };
            [chunk.core.x0, chunk.core.center_x(), chunk.core.x1 - hangs]
        })
        .collect()
}

/// Whether two numbers stand in one column.
fn same_column(a: &Edges, b: &Edges, em: f32) -> bool {
    // Digits are half an em wide: left edges and middles of what is not aligned by them agree more often by chance.
    (a[2] - b[2]).abs() < em || (a[1] - b[1]).abs() < 0.4 * em || (a[0] - b[0]).abs() < 0.3 * em
}

/// Whether lines with aligned numbers are a table rather than a list, a table of contents or running text.
fn is_table(region: &Region<'_>, lines: &[Line], rows: usize) -> bool {
    let chunks = || lines.iter().flat_map(|line| &line.chunks);
    let numbers = chunks().filter(|chunk| chunk.numeric).count();
    let prose = lines
        .iter()
        .filter(|line| (0..line.chunks.len()).any(|chunk| line.chunks[chunk].pieces.len() > 14))
        .count();
    let most =
        lines.iter().map(|line| line.chunks.iter().filter(|chunk| chunk.numeric).count()).max().unwrap_or(0);
    let contents = most == 1 && {
        let pages: Vec<f64> = chunks()
            .filter(|chunk| chunk.numeric)
            .filter_map(|chunk| region.text(chunk).parse().ok())
            .collect();
        pages.len() == numbers
            && pages.windows(2).all(|pair| pair[0] <= pair[1])
            && pages.iter().all(|&page| page < 1000.0)
    };
    numbers >= 3
        && !contents
        && prose * 3 < lines.len()
        && (most >= 2 || rows >= 3)
        && rows * 4 >= lines.len()
}

/// First line of the column headers above the line `first`.
fn header_start(
    region: &Region<'_>,
    kinds: &[Kind],
    first: usize,
    floor: usize,
    edges: &[Edges],
    rules: &[Rule],
) -> usize {
    let lines = &region.lines;
    let numbers_left = lines[first]
        .chunks
        .iter()
        .filter(|chunk| chunk.numeric)
        .map(|chunk| chunk.bbox.x0)
        .fold(f32::INFINITY, f32::min);
    let numbers_right =
        edges.iter().map(|edges| edges[2]).fold(f32::NEG_INFINITY, f32::max) + 2.0 * region.em;
    let mut top = first;
    let mut candidate = first;
    while candidate > floor && first - candidate < HEADER_LINES {
        let line = &lines[candidate - 1];
        let distance = lines[candidate].center - line.center;
        let limit = if top == first { 3.2 } else { 2.4 };
        if distance > limit * region.em || kinds[candidate - 1] == Kind::Prose {
            break;
        }
        candidate -= 1;
        let over_numbers = line.chunks.iter().all(|chunk| chunk.bbox.x1 <= numbers_right)
            && line.chunks.last().is_some_and(|chunk| {
                chunk.bbox.x1 > numbers_left && chunk.bbox.x0 > region_left(region) + 6.0 * region.em
            });
        let centered_title = line.chunks.len() == 1 && {
            let all_left = lines[first].bbox.x0;
            let middle = f32::midpoint(all_left, numbers_right);
            let above_rule =
                rules.iter().any(|rule| line.center < rule.y && rule.y < line.center + 1.6 * region.em);
            (line.bbox.center_x() - middle).abs() < 2.5 * region.em && !above_rule
        };
        if (kinds[candidate] == Kind::Cells || kinds[candidate] == Kind::Label)
            && over_numbers
            && !centered_title
        {
            top = candidate;
        }
    }
    // Labels between the headers and the first numbers head rows; a label directly above belongs too if it ends
    // with a colon.
    if top == first {
        while top > floor
            && kinds[top - 1] == Kind::Label
            && region.text(&lines[top - 1].chunks[0]).ends_with(':')
            && lines[top].center - lines[top - 1].center < 2.2 * region.em
        {
            top -= 1;
        }
    }
    top
}

/// Boxes of at least three parallel rulings of the same extent with several columns between them: their words.
fn boxed_regions(page: &Page, region: &Region<'_>) -> Vec<Vec<usize>> {
    let rules = horizontal_rules(region);
    let mut groups: Vec<(f32, f32, Vec<f32>)> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.x1 - rule.x0 > 10.0 * region.em) {
        match groups.iter_mut().find(|(x0, x1, _)| (rule.x0 - *x0).abs() < 3.0 && (rule.x1 - *x1).abs() < 3.0)
        {
            Some(group) => group.2.push(rule.y),
            None => groups.push((rule.x0, rule.x1, vec![rule.y])),
        }
    }
    let mut found: Vec<Vec<usize>> = Vec::new();
    for (x0, x1, heights) in groups {
        let verticals: Vec<&BBox> = region
            .rulings
            .iter()
            .filter(|ruling| !ruling.horizontal)
            .map(|ruling| &ruling.bbox)
            .filter(|bbox| bbox.center_x() > x0 - 3.0 && bbox.center_x() < x1 + 3.0)
            .collect();
        let walled = |top: f32, bottom: f32| {
            let overlap = |bbox: &BBox| (bbox.y1.min(bottom) - bbox.y0.max(top)).max(0.0);
            // The walls at both sides may be made of one piece per row.
            let side = |x: f32| -> f32 {
                verticals
                    .iter()
                    .filter(|bbox| (bbox.center_x() - x).abs() < 4.0)
                    .map(|bbox| overlap(bbox))
                    .sum()
            };
            let half = 0.5 * (bottom - top);
            verticals.iter().any(|bbox| overlap(bbox) > half) || (side(x0) > half && side(x1) > half)
        };
        let mut start = 0;
        while start < heights.len() {
            let near = |pair: &&[f32]| {
                pair[1] - pair[0] < if walled(pair[0], pair[1]) { WALLED_BAND } else { OPEN_BAND } * region.em
            };
            let end = start + 1 + heights[start..].windows(2).take_while(near).count();
            let mut group = heights[start..end].to_vec();
            // The last row may have walls and no ruling below it.
            if let Some(&bottom) = group.last() {
                let reach = verticals
                    .iter()
                    .filter(|bbox| bbox.y0 < bottom + 4.0 && bbox.y1 > bottom + region.em)
                    .map(|bbox| bbox.y1)
                    .filter(|y1| y1 - bottom < WALLED_BAND * region.em)
                    .fold(bottom, f32::max);
                let next = heights.get(end).copied().unwrap_or(f32::INFINITY);
                if reach > bottom && reach < next {
                    group.push(reach);
                }
            }
            found.extend(boxed_words(page, region, (x0, x1), &group));
            start = end;
        }
    }
    found
}

/// The words between these rulings, if most bands have more than one column.
fn boxed_words(
    page: &Page,
    region: &Region<'_>,
    (x0, x1): (f32, f32),
    heights: &[f32],
) -> Option<Vec<usize>> {
    let (&top, &bottom) = (heights.first()?, heights.last()?);
    if heights.len() < 3 {
        return None;
    }
    let words: Vec<usize> = region
        .pieces
        .iter()
        .filter(|piece| {
            let (x, y) = (piece.bbox.center_x(), piece.bbox.center_y());
            x > x0 - region.em && x < x1 + region.em && y > top && y < bottom
        })
        .map(|piece| piece.word)
        .collect();
    let inner = Region::of_words(page, &words, &around(page, &words)?);
    let columns = find_columns(&inner)?;
    let bands: Vec<bool> = heights
        .windows(2)
        .filter_map(|band| {
            let mut filled: Vec<usize> = inner
                .lines
                .iter()
                .filter(|line| line.center > band[0] && line.center < band[1])
                .flat_map(|line| &line.chunks)
                .map(|chunk| columns.at(chunk.bbox.center_x()))
                .collect();
            filled.sort_unstable();
            filled.dedup();
            (!filled.is_empty()).then_some(filled.len() > 1)
        })
        .collect();
    let several = bands.iter().filter(|&&several| several).count();
    (several >= 2 && several * 10 >= bands.len() * 6).then_some(words)
}
