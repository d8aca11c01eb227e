//! Tables of a document: regions from layout blocks and from alignment, stitched over page ends.

use super::dated_rows::{date_table, report_day};
use super::detect::{Found, around, find_regions};
use super::extent::{table_lines, with_stub};
use super::grid::{Grid, grid_of};
use super::lines::{Region, is_year, upright};
use super::rotated::add_rotated_headers;
use super::stacked::stacked_tables;
use super::values::{Context, Unit, headers_of_table, scale_statement, table_of};
use crate::document::analysis::{Table, UnitSource};
use crate::document::{BBox, Page};
use crate::error::Result;
use crate::limit::Limit;
use crate::structure::PageBlock;
use crate::structure::blocks::names_table;
use crate::structure::numbers::{Locale, ScaleStatement, scale_from_caption, unit_line};
use crate::structure::units::{Evidence, Resolved, Scopes, names_measure};

/// Share of a found region's words that must lie in a block for the block to take the region over.
const TAKEN_OVER: f32 = 0.5;
/// Distance, in em, up to which columns on two pages are the same.
const SAME_COLUMN: f32 = 1.5;
/// Lines of running text below or above a table that keep it from continuing over a page end (page numbers and
/// running heads are fewer).
const TEXT_BETWEEN: usize = 4;
/// Lines above a table that are searched for its caption and its scale.
const CONTEXT_LINES: usize = 5;
/// Words that a line of a title may have.
const TITLE_WORDS: usize = 20;
/// Lines of a running head above a table that begins its page.
const RUNNING_HEAD: usize = 2;
/// Words that the texts of a list have on average.
const LIST_WORDS: usize = 8;
/// Words of a running foot, and the distance, in em, at which it stands.
const FOOT_WORDS: usize = 14;
const FOOT_GAP: f32 = 1.3;
/// Largest distance, in em, between such lines.
const CONTEXT_GAP: f32 = 3.0;

/// Words of a paragraph, and the share of a table's width that it fills, from which it parts two tables.
const PARAGRAPH_WORDS: usize = 12;
const PARAGRAPH_WIDTH: f32 = 0.8;

/// Lines of a table that may be column headers.
const MOST_HEADERS: usize = 3;

/// A table on one page.
pub(super) struct Part<'p> {
    pub page: &'p Page,
    pub page_index: usize,
    pub blocks: Vec<u32>,
    pub bbox: BBox,
    pub grid: Grid,
    /// Lines directly above it, the nearest first; those at the end of the page before where it has none of its own.
    pub above: Vec<String>,
    /// Lines at the end of the page before a table that begins its page, the lowest first.
    pub before: Vec<String>,
    /// Lines above and below it on its page that are not part of a table.
    text_above: usize,
    text_below: usize,
    em: f32,
}

/// Finds the tables of a document.
///
/// `blocks` are the layout blocks in reading order; those with the label `Table` are read as tables (the index in
/// the slice becomes the block's identifier), and regions with aligned numbers or parallel rulings that no such block
/// covers are added. Without any blocks, tables are found by alignment alone. `locale` is the document's
/// ([`super::super::locale_of`]). `section` of the result is left empty.
///
/// # Errors
/// Only those of the limit.
pub fn find_tables(
    pages: &[Page],
    blocks: &[PageBlock],
    scopes: &Scopes,
    locale: Locale,
    limit: &Limit,
) -> Result<Vec<Table>> {
    let mut by_page: Vec<Vec<(u32, &PageBlock)>> = vec![Vec::new(); pages.len()];
    for (id, block) in (0u32..).zip(blocks) {
        if let Some(own) = by_page.get_mut(block.page_index) {
            own.push((id, block));
        }
    }
    let mut tables: Vec<Vec<Part<'_>>> = Vec::new();
    let mut foot = Foot::default();
    for (page_index, page) in pages.iter().enumerate() {
        limit.check()?;
        let (parts, next_foot) = page_parts(page, page_index, &by_page[page_index]);
        let foot = std::mem::replace(&mut foot, next_foot);
        for (on_page, mut part) in parts.into_iter().enumerate() {
            let last = tables.last().and_then(|parts| parts.last());
            let first_on_page = last.is_none_or(|last| last.page_index < page_index);
            match tables.last_mut() {
                Some(parts) if first_on_page && continues(parts, &part, &foot) => {
                    parts.push(part);
                }
                // One row is a table only where it ends another page's.
                _ if part.grid.rows < 2 => {}
                _ => {
                    // Title and statement of scale stay behind where a page ends between them and the table.
                    let stated = part.above.iter().any(|line| scale_from_caption(line).is_some());
                    if on_page == 0 && part.text_above <= RUNNING_HEAD {
                        if foot.title && !stated {
                            part.above.extend(foot.lines.iter().cloned());
                        } else {
                            part.before.clone_from(&foot.lines);
                        }
                    }
                    tables.push(vec![part]);
                }
            }
        }
    }
    let context = Context::new(locale, scopes);
    let origins: Vec<Option<&Part<'_>>> = (0..tables.len()).map(|id| origin_of(&tables, id)).collect();
    let page_index = |id: usize| tables[id][0].page_index;
    // First the tables that state their scale; what they say is evidence for the others.
    let mut evidence = Evidence::default();
    let mut found: Vec<Table> = Vec::with_capacity(tables.len());
    for (id, parts) in tables.iter().enumerate() {
        limit.check()?;
        let statement =
            scale_statement(&parts[0]).or_else(|| scale_statement(origins[id]?)).unwrap_or_default();
        let source = statement.scale.map(|_| UnitSource::Table);
        let unit = Unit { statement, source, doubtful: false };
        found.push(table_of(id as u32, parts, origins[id], &unit, &context));
        evidence.add(&found[id], page_index(id));
    }
    let currency = evidence.currency();
    for (id, parts) in tables.iter().enumerate() {
        limit.check()?;
        let own = scale_statement(&parts[0]).or_else(|| scale_statement(origins[id]?)).unwrap_or_default();
        let unit = if found[id].scale.is_some() {
            let doubtful = evidence.contradicts(&found[id]).is_some();
            Unit { statement: own, source: Some(UnitSource::Table), doubtful }
        } else {
            let Resolved { statement, source, doubtful } =
                evidence.resolve(&found[id], page_index(id), scopes, parts[0].bbox.y0);
            let statement = ScaleStatement {
                scale: statement.scale,
                currency: own.currency.or(statement.currency),
                exceptions: if own.exceptions.is_empty() { statement.exceptions } else { own.exceptions },
            };
            Unit { statement, source, doubtful }
        };
        // Amounts with a scale are money; which, the other tables say where they agree.
        let mut unit = unit;
        let measured = || unit_lines(&parts[0]).any(names_measure);
        if unit.statement.scale.is_some() && unit.statement.currency.is_none() && !measured() {
            unit.statement.currency = currency;
        }
        if unit.doubtful || found[id].scale != unit.statement.scale || found[id].currency.is_none() {
            found[id] = table_of(id as u32, parts, origins[id], &unit, &context);
        }
    }
    date_tables(&mut found, &tables, &origins, locale, limit)?;
    Ok(found)
}

/// Gives columns and numbers their dates and periods.
fn date_tables(
    found: &mut [Table],
    parts: &[Vec<Part<'_>>],
    origins: &[Option<&Part<'_>>],
    locale: Locale,
    limit: &Limit,
) -> Result<()> {
    let mut due = vec![false; found.len()];
    let date = |table: &mut Table, id: usize, report| {
        let headers = headers_of_table(table, origins[id]);
        let first = &parts[id][0];
        let above: Vec<String> = first.above.iter().chain(&first.before).cloned().collect();
        date_table(table, &headers, &above, locale, report)
    };
    for (id, table) in found.iter_mut().enumerate() {
        limit.check()?;
        due[id] = date(table, id, None);
    }
    let Some(report) = report_day(found) else { return Ok(()) };
    for (id, table) in found.iter_mut().enumerate().filter(|(id, _)| due[*id]) {
        limit.check()?;
        date(table, id, Some(report));
    }
    Ok(())
}

/// The lines that may say in which unit a table's numbers are.
fn unit_lines<'p>(part: &'p Part<'_>) -> impl Iterator<Item = &'p str> {
    let headers = part.grid.cells.iter().filter(|cell| cell.row <= part.grid.header_rows);
    headers
        .map(|cell| cell.text.as_str())
        .chain(part.above.iter().map(String::as_str))
        .filter(|text| scale_from_caption(text).is_some_and(|found| found.scale.is_some()))
}

/// The table whose headers and statement hold for one that has none: the same statement, parted by a heading.
fn origin_of<'t, 'p>(tables: &'t [Vec<Part<'p>>], id: usize) -> Option<&'t Part<'p>> {
    let before = (0..id).rev().map(|earlier| &tables[earlier]).take_while(|_| is_rest(&tables[id][0]));
    let origin =
        before.take_while(|parts| same_statement(parts, &tables[id])).find(|parts| !is_rest(&parts[0]));
    origin.map(|parts| &parts[0])
}

/// Whether a table has neither headers nor a statement of scale of its own.
fn is_rest(part: &Part<'_>) -> bool {
    part.grid.header_rows == 0 && !part.above.iter().any(|line| scale_from_caption(line).is_some())
}

/// Whether the table on the same page or the one before has the same columns: one statement that a heading parts.
fn same_statement(before: &[Part<'_>], rest: &[Part<'_>]) -> bool {
    let (Some(before), Some(rest)) = (before.last(), rest.first()) else { return false };
    let near = rest.page_index - before.page_index <= 1;
    let edges = before.grid.extents.iter().zip(&rest.grid.extents).skip(1);
    near && before.grid.columns == rest.grid.columns
        && edges.into_iter().all(|(a, b)| (a.1 - b.1).abs() < SAME_COLUMN * before.em)
}

/// The tables of a page, and the lines at its end that belong to a table on the next one.
fn page_parts<'p>(page: &'p Page, page_index: usize, blocks: &[(u32, &PageBlock)]) -> (Vec<Part<'p>>, Foot) {
    let regions = regions(page, blocks);
    let mut in_table = vec![false; page.words.len()];
    for word in regions.iter().flat_map(|(_, found)| &found.words) {
        in_table[*word] = true;
    }
    let rest: Vec<usize> = (0..page.words.len()).filter(|&word| !in_table[word]).collect();
    let rest_region = around(page, &rest).map(|bbox| Region::of_words(page, &rest, &bbox));
    let mut parts: Vec<Part<'p>> = Vec::new();
    for (ids, found) in regions {
        let region = Region::of_words(page, &found.words, &found.bbox);
        let (em, direction) = (region.em, region.direction);
        let Some(mut grid) = grid_of(page, region) else { continue };
        if is_list(&grid) {
            continue;
        }
        let mut found = found;
        let body = found.bbox;
        if direction == 0 {
            let headers = add_rotated_headers(page, &mut grid, em);
            if let Some(bbox) = around(page, &headers) {
                found.bbox = found.bbox.union(&bbox);
            }
        }
        let (mut above, mut text_above, mut text_below) = (Vec::new(), 0, 0);
        if let Some(rest) = rest_region.as_ref().filter(|rest| rest.direction == direction) {
            let bbox = upright(&found.bbox, direction);
            above = lines_above(rest, &bbox, em);
            // The unit may stand beside headers at a right angle, over the labels.
            if body.y0 > found.bbox.y0 {
                let beside = lines_above(rest, &upright(&body, direction), em);
                above.splice(0..0, beside.into_iter().filter(|line| unit_line(line).is_some()));
            }
            text_above = rest.lines.iter().filter(|line| line.center < bbox.y0).count();
            text_below = rest.lines.iter().filter(|line| line.center > bbox.y1).count();
        }
        parts.push(Part {
            page,
            page_index,
            blocks: ids,
            bbox: found.bbox,
            grid,
            above,
            before: Vec::new(),
            text_above,
            text_below,
            em,
        });
    }
    let last = parts.iter().map(|part| part.bbox.y1).fold(0.0, f32::max);
    let foot = rest_region.as_ref().map_or_else(Foot::default, |rest| Foot::of(rest, last));
    (parts, foot)
}

/// Lines at the end of a page, below its last table, the lowest first and without page number and running foot: what
/// they say may be about a table that begins the next page.
#[derive(Default)]
struct Foot {
    lines: Vec<String>,
    /// Whether they are short, close to each other and state a scale, as the title of a table does.
    title: bool,
}

impl Foot {
    fn of(rest: &Region<'_>, below: f32) -> Self {
        let mut foot = Self { lines: Vec::new(), title: true };
        let mut edge = f32::INFINITY;
        let mut lines = rest.lines.iter().rev().filter(|line| line.center > below).peekable();
        while let Some(line) = lines.next() {
            let texts: Vec<String> = line.chunks.iter().map(|chunk| rest.text(chunk)).collect();
            let text = texts.join(" ");
            if foot.lines.is_empty() {
                let number = text.chars().all(|c| c.is_ascii_digit() || "-–— ".contains(c));
                let apart = lines.peek().is_none_or(|next| line.bbox.y0 - next.bbox.y1 > FOOT_GAP * rest.em);
                let running = apart && text.split(' ').count() <= FOOT_WORDS && !text.ends_with([':', ',']);
                if number || running && edge.is_infinite() {
                    continue;
                }
            }
            let far = edge.is_finite() && edge - line.bbox.y1 > CONTEXT_GAP * rest.em;
            if far || foot.lines.len() == CONTEXT_LINES {
                break;
            }
            foot.title &= text.split(' ').count() <= TITLE_WORDS;
            foot.lines.push(text);
            edge = line.bbox.y0;
        }
        let states = |line: &String| scale_from_caption(line).is_some_and(|found| found.scale.is_some());
        foot.title &= foot.lines.iter().any(states);
        foot
    }

    /// Whether they introduce what follows: "... as of January 31, 2024 (in millions):"
    fn introduces(&self) -> bool {
        self.lines.first().is_some_and(|line| line.ends_with(':'))
    }
}

/// Regions of a page with the blocks they come from, from top to bottom.
fn regions(page: &Page, of_page: &[(u32, &PageBlock)]) -> Vec<(Vec<u32>, Found)> {
    let blocks: Vec<(u32, &PageBlock)> =
        of_page.iter().filter(|(_, block)| block.label == "Table").copied().collect();
    let blocks = blocks.as_slice();
    let found = find_regions(page, &vec![false; page.words.len()]);
    let mut member: Vec<Vec<bool>> = found.iter().map(|found| mask(page, &found.words)).collect();
    let mut ids: Vec<Vec<u32>> = vec![Vec::new(); found.len()];
    let all: Vec<usize> = (0..page.words.len()).collect();
    let whole =
        around(page, &all).filter(|_| !blocks.is_empty()).map(|bbox| Region::of_words(page, &all, &bbox));
    for &(id, block) in blocks {
        let mut words: Vec<usize> =
            block.lines.iter().flatten().copied().filter(|&word| word < page.words.len()).collect();
        words.extend((0..page.words.len()).filter(|&word| {
            let bbox = &page.words[word].bbox;
            block.bbox.contains_point(bbox.center_x(), bbox.center_y())
        }));
        let mut own = mask(page, &words);
        let others: Vec<usize> = blocks
            .iter()
            .filter(|(other, _)| *other != id)
            .flat_map(|(_, other)| other.lines.iter().flatten().copied())
            .filter(|&word| word < page.words.len() && !own[word])
            .collect();
        if let Some(wider) = whole.as_ref().and_then(|whole| with_stub(whole, &own, &mask(page, &others))) {
            wider.iter().for_each(|&word| own[word] = true);
        }
        // The block takes over what lies mostly in it, and what contains most of it.
        let size = count(&own);
        let mut ids_of_union = vec![id];
        let mut index = 0;
        while index < member.len() {
            let common = own.iter().zip(&member[index]).filter(|(a, b)| **a && **b).count() as f32;
            if common >= TAKEN_OVER * count(&member[index]) as f32
                || common >= TAKEN_OVER * size as f32 && size > 0
            {
                let mut other = member.remove(index);
                without_parted(page, of_page, block, &mut other);
                own.iter_mut().zip(&other).for_each(|(own, other)| *own |= *other);
                ids_of_union.extend(ids.remove(index));
            } else {
                index += 1;
            }
        }
        ids_of_union.sort_unstable();
        member.push(own);
        ids.push(ids_of_union);
    }
    let mut regions: Vec<(Vec<u32>, Found)> = ids
        .into_iter()
        .zip(member)
        .flat_map(|(ids, member)| {
            let words: Vec<usize> = (0..member.len()).filter(|&word| member[word]).collect();
            let words = without_surroundings(page, words).into_iter().flat_map(|words| stacked(page, words));
            words.map(|words| (ids.clone(), words)).collect::<Vec<_>>()
        })
        .filter_map(|(ids, words)| {
            around(page, &words).map(|bbox| (ids, Found { words, bbox, boxed: false }))
        })
        .collect();
    regions.sort_by(|a, b| a.1.bbox.y0.total_cmp(&b.1.bbox.y0).then(a.1.bbox.x0.total_cmp(&b.1.bbox.x0)));
    regions
}

/// Whether the rows are marks with running text behind them: numbered notes, or a list.
fn is_list(grid: &Grid) -> bool {
    let texts = |column: usize| grid.cells.iter().filter(move |cell| cell.column == column);
    let is_mark = |text: &str| {
        let inner = text.trim_matches(['(', ')', '.', '[', ']']);
        inner.chars().count() <= 3 && !inner.chars().any(|c| c.is_alphabetic() && inner.len() > 2)
    };
    let words: usize = texts(1).map(|cell| cell.words.len()).sum();
    grid.columns == 2
        && texts(0).count() > 0
        && texts(0).all(|cell| is_mark(&cell.text))
        && words >= LIST_WORDS * texts(1).count().max(1)
}

/// The words of each table of a region.
fn stacked(page: &Page, words: Vec<usize>) -> Vec<Vec<usize>> {
    let Some(bbox) = around(page, &words) else { return Vec::new() };
    let region = Region::of_words(page, &words, &bbox);
    let tables = stacked_tables(&region);
    if tables.len() == 1 {
        return vec![words];
    }
    let of = |range: std::ops::Range<usize>| {
        let chunks = region.lines[range].iter().flat_map(|line| &line.chunks);
        let mut words: Vec<usize> =
            chunks.flat_map(|chunk| &chunk.pieces).map(|&piece| region.pieces[piece].word).collect();
        words.sort_unstable();
        without_surroundings(page, words)
    };
    tables.into_iter().filter_map(of).collect()
}

/// Takes the words that a caption, the title of a note or a paragraph parts from the block out of a region. A heading
/// within a statement ("Current assets") parts nothing, but one over new headers of years or dates does.
fn without_parted(page: &Page, of_page: &[(u32, &PageBlock)], own: &PageBlock, member: &mut [bool]) {
    let text = |block: &PageBlock| -> Vec<&str> {
        let words = block.lines.iter().flatten().filter_map(|word| page.words.get(*word));
        words.map(|word| word.text.as_str()).collect()
    };
    let parts = |block: &PageBlock| match block.label.as_str() {
        "Caption" => true,
        "Section-header" | "Title" => names_table(&text(block)) || heads_dates(page, of_page, block),
        "Text" if text(block).len() > PARAGRAPH_WORDS => {
            block.bbox.width() > PARAGRAPH_WIDTH * own.bbox.width()
        }
        "Text" => heads_dates(page, of_page, block),
        _ => false,
    };
    for (_, block) in of_page.iter().filter(|(_, block)| parts(block)) {
        let above = block.bbox.y1 <= own.bbox.y0 + 1.0;
        let below = block.bbox.y0 >= own.bbox.y1 - 1.0;
        for (word, is_member) in member.iter_mut().enumerate() {
            let y = page.words[word].bbox.center_y();
            *is_member &= !(above && y < block.bbox.y1 || below && y > block.bbox.y0);
        }
    }
}

/// Whether the table below a heading begins with headers of at least two years or dates and no amount.
fn heads_dates(page: &Page, of_page: &[(u32, &PageBlock)], heading: &PageBlock) -> bool {
    let below =
        of_page.iter().map(|(_, block)| *block).filter(|block| block.bbox.y0 >= heading.bbox.y1 - 1.0);
    let Some(next) = below.min_by(|a, b| a.bbox.y0.total_cmp(&b.bbox.y0)) else { return false };
    if next.label != "Table" {
        return false;
    }
    let mut years = 0;
    for line in next.lines.iter().take(MOST_HEADERS) {
        let words = line.iter().filter_map(|word| page.words.get(*word)).map(|word| word.text.as_str());
        let digits: Vec<&str> = words.filter(|word| word.contains(|c: char| c.is_ascii_digit())).collect();
        let is_bracket = |c: char| !c.is_alphanumeric();
        // A day, a number of weeks or months, or the number of a column.
        let is_day = |word: &str| word.trim_matches(is_bracket).parse().is_ok_and(|day: u32| day <= 53);
        if !digits.iter().all(|word| is_year(word) || is_day(word)) {
            break;
        }
        years += digits.iter().filter(|word| is_year(word)).count();
    }
    years >= 2
}

/// The words of a region without those of its caption and its notes.
fn without_surroundings(page: &Page, words: Vec<usize>) -> Option<Vec<usize>> {
    let region = Region::of_words(page, &words, &around(page, &words)?);
    let (first, last) = table_lines(&region);
    if (first, last) == (0, region.lines.len()) {
        return Some(words);
    }
    let pieces =
        region.lines[first..last].iter().flat_map(|line| &line.chunks).flat_map(|chunk| &chunk.pieces);
    let mut kept: Vec<usize> = pieces.map(|&piece| region.pieces[piece].word).collect();
    kept.sort_unstable();
    Some(kept)
}

fn mask(page: &Page, words: &[usize]) -> Vec<bool> {
    let mut mask = vec![false; page.words.len()];
    words.iter().for_each(|&word| mask[word] = true);
    mask
}

fn count(mask: &[bool]) -> usize {
    mask.iter().filter(|&&is| is).count()
}

/// Texts of the lines above a box that overlap it horizontally, the nearest first.
fn lines_above(rest: &Region<'_>, bbox: &BBox, em: f32) -> Vec<String> {
    let mut above = Vec::new();
    let mut edge = bbox.y0;
    for line in rest.lines.iter().rev().filter(|line| line.center < bbox.y0) {
        if edge - line.bbox.y1 > CONTEXT_GAP * em || above.len() == CONTEXT_LINES {
            break;
        }
        if line.bbox.x0 < bbox.x1 && line.bbox.x1 > bbox.x0 {
            let texts: Vec<String> = line.chunks.iter().map(|chunk| rest.text(chunk)).collect();
            above.push(texts.join(" "));
            edge = line.bbox.y0;
        }
    }
    above
}

/// Whether `next`, the first table of the page after that of `before`, is its continuation.
fn continues(parts: &[Part<'_>], next: &Part<'_>, foot: &Foot) -> bool {
    let (Some(first), Some(before)) = (parts.first(), parts.last()) else { return false };
    if before.page_index + 1 != next.page_index
        || before.grid.columns != next.grid.columns
        || before.text_below > TEXT_BETWEEN
        || next.text_above > TEXT_BETWEEN + next.above.len()
    {
        return false;
    }
    let tolerance = SAME_COLUMN * before.em;
    let same_columns = before
        .grid
        .extents
        .iter()
        .zip(&next.grid.extents)
        .skip(1)
        .all(|(a, b)| (a.1 - b.1).abs() < tolerance);
    if !same_columns {
        return false;
    }
    if next.grid.header_rows == 0 {
        return next.above.is_empty();
    }
    let said_so = next.above.iter().any(|line| line.to_lowercase().contains("continued"))
        || header_texts(&next.grid).iter().any(|text| text.to_lowercase().contains("continued"));
    header_texts(&before.grid) == header_texts(&next.grid)
        && (said_so || repeats_title(first, next) && !foot.introduces())
}

/// Whether nothing stands above the table but the title of the one before, repeated.
fn repeats_title(first: &Part<'_>, next: &Part<'_>) -> bool {
    next.above.len() <= first.above.len()
        && next.above.iter().zip(&first.above).all(|(next, first)| next.trim() == first.trim())
}

fn header_texts(grid: &Grid) -> Vec<&str> {
    grid.cells.iter().filter(|cell| cell.row < grid.header_rows).map(|cell| cell.text.as_str()).collect()
}
