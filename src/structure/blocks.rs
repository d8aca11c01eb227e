//! Lines and word labels to the blocks of a page.
//!
//! Geometry says which lines may belong together, the model's evidence says which do: a line's label is the one with
//! the highest sum of log probabilities over its words, and two lines become one block when they stand in one column
//! at the leading of their text and agree on the label, or one of them is unsure and the other can decide for it.

use super::PageBlock;
use super::frame::Frame;
use super::headings::starts_numbering;
use super::lines::{Groups, Line, lines};
use super::order::{Item, Role, reading_order};
use super::pictures::{PICTURE, Pictures};
use crate::document::{BBox, Page, WordPredictions};

/// Label of tables: their cells stay together whatever their gaps.
const TABLE: &str = "Table";
/// Largest difference of font size within a block of running text.
const SIZE_RATIO: f32 = 1.12;
/// A line whose label leads the neighbour's label by less than this mean probability takes the neighbour's.
const UNSURE: f32 = 0.3;
/// Widest gap between rows of one table, in line heights.
const TABLE_GAP: f32 = 2.5;

/// Blocks of one page in reading order. Every word is in exactly one block.
///
/// `predictions` holds one row per word of the page; a page whose predictions have another length gives no blocks.
#[must_use]
pub fn layout_page(page: &Page, page_index: usize, predictions: &WordPredictions) -> Vec<PageBlock> {
    if predictions.len() != page.words.len() {
        return Vec::new();
    }
    let lines = lines(page);
    let evidence: Vec<Evidence> = lines.iter().map(|line| Evidence::of(&line.words, predictions)).collect();
    let mut labels: Vec<usize> = evidence.iter().map(Evidence::best).collect();
    let mut groups = Groups::new(lines.len());
    let index_of = |name: &str| predictions.labels.iter().position(|label| label == name);
    let pictures = Pictures::claim(page, &lines, &mut labels, index_of(PICTURE), &mut groups);
    if let Some(table) = index_of(TABLE) {
        part_prose(page, &lines, &mut labels, table, predictions);
        join_tables(&lines, &mut labels, table, &mut groups, &pictures);
    }
    join_text(page, &lines, &evidence, &labels, predictions, &mut groups);

    let mut blocks: Vec<(PageBlock, Item)> = groups
        .collect()
        .into_iter()
        .map(|members| {
            let (mut block, mut item) = block(page, page_index, &lines, &members, &labels, predictions);
            if let Some(picture) = pictures.of(&members) {
                block.label = PICTURE.to_owned();
                block.confidence = 1.0;
                block.bbox = block.bbox.union(&picture.bbox);
                block.picture = Some(picture.kind);
                item.role = Role::of(PICTURE);
                item.bbox = Frame::of_majority(page).turn(&block.bbox);
            }
            (block, item)
        })
        .chain(pictures.silent(page, page_index))
        .collect();
    let items: Vec<Item> = blocks.iter().map(|(_, item)| *item).collect();
    let order = reading_order(&items);
    let mut slots: Vec<Option<PageBlock>> = blocks.drain(..).map(|(block, _)| Some(block)).collect();
    order.into_iter().filter_map(|index| slots[index].take()).collect()
}

/// What the words of a line say together.
struct Evidence {
    /// Sum of log probabilities per label.
    log: Vec<f32>,
    /// Mean probability per label.
    mean: Vec<f32>,
}

impl Evidence {
    fn of(words: &[usize], predictions: &WordPredictions) -> Self {
        const LOWEST: f32 = 1e-4; // one word that is sure of something else must not decide for a whole line
        let count = predictions.labels.len();
        let (mut log, mut mean) = (vec![0.0; count], vec![0.0; count]);
        for word in words {
            for (label, probability) in predictions.word(*word).iter().enumerate() {
                log[label] += probability.max(LOWEST).ln();
                mean[label] += probability / words.len() as f32;
            }
        }
        Self { log, mean }
    }

    /// The label with the most evidence; the first of equals.
    fn best(&self) -> usize {
        (0..self.log.len()).rev().max_by(|a, b| self.log[*a].total_cmp(&self.log[*b])).unwrap_or(0)
    }

    /// Whether label `own` barely leads `other`.
    fn is_unsure(&self, own: usize, other: usize) -> bool {
        self.mean[own] - self.mean[other] < UNSURE
    }
}

/// Words of a line from which it may be running text, and how many of them must be words in small letters.
const PROSE_WORDS: usize = 9;
const PROSE_SMALL_WORDS: usize = 5;
/// The same for a whole sentence with a number in one line.
const SENTENCE_WORDS: usize = 7;
const SENTENCE_SMALL_WORDS: usize = 4;
/// Share of the page's text width that a line of running text fills.
const PROSE_WIDTH: f32 = 0.6;

/// Takes running text and captions that the model took for lines of a table out of it: full lines of words that stand alone
/// in their row. Two tables with a paragraph or a caption between them are two tables.
fn part_prose(
    page: &Page,
    lines: &[Line],
    labels: &mut [usize],
    table: usize,
    predictions: &WordPredictions,
) {
    let index_of = |name: &str| predictions.labels.iter().position(|label| label == name);
    let (Some(text_label), Some(caption_label)) = (index_of("Text"), index_of("Caption")) else { return };
    let alone = |index: usize| {
        let line = &lines[index];
        !lines.iter().enumerate().any(|(other, next)| {
            other != index
                && next.direction == line.direction
                && next.bbox.vertical_overlap(&line.bbox) > 0.4 * line.bbox.height().min(next.bbox.height())
        })
    };
    let left = lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min);
    let right = lines.iter().map(|line| line.bbox.x1).fold(f32::NEG_INFINITY, f32::max);
    let texts =
        |line: &Line| line.words.iter().map(|word| page.words[*word].text.as_str()).collect::<Vec<&str>>();
    // A long label of a row stands left of the numbers; running text stands over or under them.
    let numbers: Vec<f32> = (0..lines.len())
        .filter(|index| labels[*index] == table && is_number(&texts(&lines[*index])))
        .map(|index| lines[index].bbox.center_x())
        .collect();
    let spans_numbers = |line: &Line| {
        let spanned = numbers.iter().filter(|x| line.bbox.x0 < **x && **x < line.bbox.x1).count();
        spanned * 5 >= numbers.len() * 3
    };
    let is_prose = |line: &Line| {
        let words = texts(line);
        let small =
            |word: &&&str| word.len() > 1 && word.chars().all(|c| c.is_lowercase() || ",.;:".contains(c));
        words.len() >= PROSE_WORDS
            && words.iter().filter(small).count() >= PROSE_SMALL_WORDS
            && line.bbox.width() >= PROSE_WIDTH * (right - left)
            && spans_numbers(line)
    };
    // "Revenue rose by 26.8% to €6,256.6 million in 2023." under a table is no label of a row.
    let is_sentence = |line: &Line| {
        let words = texts(line);
        let small = |word: &&&str| word.chars().all(char::is_lowercase);
        words.len() >= SENTENCE_WORDS
            && words.iter().filter(small).count() >= SENTENCE_SMALL_WORDS
            && words[0].starts_with(char::is_uppercase)
            && words[words.len() - 1].ends_with('.')
            && words.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()))
    };
    let mut before: Option<usize> = None;
    for index in 0..lines.len() {
        let line = &lines[index];
        if labels[index] != table || line.direction != 0 {
            continue;
        }
        // The last line of a paragraph is short.
        let ends_paragraph = before.is_some_and(|before| {
            let above = &lines[before];
            (above.bbox.x0 - line.bbox.x0).abs() < 2.0
                && line.bbox.y0 - above.bbox.y1 < 0.8 * line.font_size
                && !texts(above).last().is_some_and(|word| word.ends_with(['.', ':']))
        });
        before = None;
        if (is_prose(line) || is_sentence(line) || ends_paragraph) && alone(index) {
            labels[index] = text_label;
            before = Some(index);
        } else if names_table(&texts(line)) && alone(index) {
            labels[index] = caption_label;
        }
    }
}

/// Whether a segment of a line is nothing but a number, with its signs.
fn is_number(words: &[&str]) -> bool {
    words.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()))
        && words.iter().all(|word| !word.contains(char::is_alphabetic))
}

/// "Table 3.", "Note 12 – Borrowings", "Exhibit A-1:".
pub(super) fn names_table(words: &[&str]) -> bool {
    let [first, second, ..] = words else { return false };
    let first = first.to_lowercase();
    let numbered =
        second.trim_matches(|c: char| !c.is_alphanumeric()).chars().all(|c| c.is_ascii_digit() || c == '.')
            && second.contains(|c: char| c.is_ascii_digit());
    numbered
        && ["table", "note", "exhibit", "schedule", "tableau", "tabelle", "tabla", "tabela"]
            .contains(&first.as_str())
}

/// Joins the lines of tables to regions, and gives those regions the lines that lie inside them.
fn join_tables(lines: &[Line], labels: &mut [usize], table: usize, groups: &mut Groups, pictures: &Pictures) {
    let is_table = |labels: &[usize], index: usize| labels[index] == table;
    let members: Vec<usize> = (0..lines.len()).filter(|index| is_table(labels, *index)).collect();
    for (position, a) in members.iter().enumerate() {
        for b in &members[position + 1..] {
            let (first, second) = (&lines[*a], &lines[*b]);
            if first.direction != second.direction {
                continue;
            }
            let height = first.font_size.max(second.font_size).max(1.0);
            let gap = second.bbox.y0.max(first.bbox.y0) - first.bbox.y1.min(second.bbox.y1);
            if gap > TABLE_GAP * height {
                continue;
            }
            let between = corridor(&first.bbox, &second.bbox);
            let interrupted = lines.iter().enumerate().any(|(index, line)| {
                !is_table(labels, index)
                    && line.direction == first.direction
                    && blocks_corridor(&between, &line.bbox)
            });
            if !interrupted {
                groups.join(*a, *b);
            }
        }
    }
    // A caption's "(in millions)" or a stray label amid the cells belongs to the table that encloses it.
    let mut regions: Vec<(usize, u16, BBox)> = Vec::new();
    for index in &members {
        let root = groups.root(*index);
        match regions.iter_mut().find(|(known, ..)| *known == root) {
            Some((_, _, bbox)) => *bbox = bbox.union(&lines[*index].bbox),
            None => regions.push((root, lines[*index].direction, lines[*index].bbox)),
        }
    }
    for (root, direction, bbox) in regions {
        for (index, line) in lines.iter().enumerate() {
            if !is_table(labels, index)
                && line.direction == direction
                && line.bbox.share_inside(&bbox) > 0.7
                && !pictures.have(index)
            {
                labels[index] = table;
                groups.join(root, index);
            }
        }
    }
}

/// The space between two boxes: between their facing edges, as wide as what they share.
fn corridor(a: &BBox, b: &BBox) -> BBox {
    let (top, bottom) = if a.y0 <= b.y0 { (a, b) } else { (b, a) };
    if top.y1 < bottom.y0 {
        let (x0, x1) = (top.x0.max(bottom.x0), top.x1.min(bottom.x1));
        // Boxes that share no width: all that lies between their outer edges.
        if x0 < x1 {
            BBox::new(x0, top.y1, x1, bottom.y0)
        } else {
            BBox::new(top.x0.min(bottom.x0), top.y1, top.x1.max(bottom.x1), bottom.y0)
        }
    } else {
        let (left, right) = if a.x0 <= b.x0 { (a, b) } else { (b, a) };
        BBox::new(left.x1.min(right.x0), top.y0.max(bottom.y0), right.x0.max(left.x1), top.y1.min(bottom.y1))
    }
}

fn blocks_corridor(corridor: &BBox, line: &BBox) -> bool {
    corridor.vertical_overlap(line) > 0.5 * line.height()
        && corridor.horizontal_overlap(line) > 0.5 * corridor.width().min(line.width())
}

/// Joins lines of text that follow one another in a column.
fn join_text(
    page: &Page,
    lines: &[Line],
    evidence: &[Evidence],
    labels: &[usize],
    predictions: &WordPredictions,
    groups: &mut Groups,
) {
    let is_table = |index: usize| predictions.labels[labels[index]] == TABLE;
    join_markers(page, lines, labels, groups, &is_table);
    let rows = Rows::new(lines, groups, &is_table);
    let neighbours = rows.neighbours();
    let leading = rows.typical_gaps(&neighbours);
    for (below, above) in neighbours {
        let (upper, lower) = (&rows.list[above], &rows.list[below]);
        let (first, last) = (upper.first, lower.first);
        let (a, b) = (labels[first], labels[last]);
        let (name, other) = (predictions.labels[a].as_str(), predictions.labels[b].as_str());
        let agrees = if a == b {
            true
        } else {
            // Only labels of running text are decided by the neighbour; headings and page furniture are not.
            let running = |name: &str| matches!(name, "Text" | "List-item" | "Footnote" | "Caption");
            running(name)
                && running(other)
                && (evidence[first].is_unsure(a, b) || evidence[last].is_unsure(b, a))
        };
        let spacing = Spacing { gap: lower.bbox.y0 - upper.bbox.y1, typical: leading.of(lower.font_size) };
        if agrees && follows(page, lines, upper, lower, name, &spacing) {
            groups.join(first, last);
        }
    }
}

/// A bullet or number stands some way left of the text that it marks.
fn join_markers(
    page: &Page,
    lines: &[Line],
    labels: &[usize],
    groups: &mut Groups,
    is_table: &impl Fn(usize) -> bool,
) {
    /// Widest distance from the marker to its text, in font sizes.
    const WIDEST: f32 = 4.5;
    for (index, line) in lines.iter().enumerate() {
        if is_table(index) || !is_marker(page, line) {
            continue;
        }
        let text = lines
            .iter()
            .enumerate()
            .filter(|(other, next)| {
                *other != index
                    && !is_table(*other)
                    && next.direction == line.direction
                    && next.bbox.x0 >= line.bbox.x1
                    && next.bbox.x0 - line.bbox.x1 <= WIDEST * line.font_size.max(next.font_size)
                    && next.bbox.vertical_overlap(&line.bbox)
                        >= 0.4 * line.bbox.height().min(next.bbox.height())
            })
            .min_by(|a, b| a.1.bbox.x0.total_cmp(&b.1.bbox.x0));
        let furniture = |label: usize| labels[index] == label;
        if let Some((other, _)) = text.filter(|(other, _)| furniture(labels[*other]) || line.words.len() == 1)
        {
            groups.join(index, other);
        }
    }
}

/// Whether a line is nothing but a bullet, a number or a footnote mark.
fn is_marker(page: &Page, line: &Line) -> bool {
    match line.words[..] {
        [word] => marks_item(&page.words[word].text),
        _ => false,
    }
}

/// `•`, `–`, `o`, `1.`, `(a)`, `iv)`, `*`.
pub(super) fn marks_item(text: &str) -> bool {
    const BULLETS: &str = "•●○◦▪■□▶►➢➤✓✔·‣⁃–—-*§†‡\u{f0b7}\u{f0a7}\u{f0d8}";
    let inner = text.trim_matches(|mark| matches!(mark, '(' | ')' | '.' | ':' | '[' | ']'));
    let bracketed = inner.len() < text.len();
    let count = inner.chars().count();
    let all = |test: fn(char) -> bool| count > 0 && inner.chars().all(test);
    (count == 1 && inner.chars().all(|mark| BULLETS.contains(mark)))
        || text == "o"
        || bracketed && count <= 3 && all(|c| c.is_ascii_digit())
        || bracketed && count == 1 && all(char::is_alphabetic)
        || bracketed && count <= 5 && all(|c| matches!(c, 'i' | 'v' | 'x' | 'I' | 'V' | 'X'))
}

/// One printed row of a block: a line, or a marker with its text.
struct Row {
    /// The line that carries the row's text.
    first: usize,
    /// The line that it starts with.
    start: usize,
    bbox: BBox,
    direction: u16,
    font_size: f32,
    bold: bool,
}

struct Rows {
    list: Vec<Row>,
}

/// Typical distances between the lines of running text, per font size.
struct Leading(Vec<(f32, f32)>);

impl Leading {
    fn of(&self, font_size: f32) -> Option<f32> {
        self.0.iter().find(|(size, _)| (size - font_size).abs() < 0.26).map(|(_, gap)| *gap)
    }
}

impl Rows {
    fn new(lines: &[Line], groups: &mut Groups, is_table: &impl Fn(usize) -> bool) -> Self {
        let mut list: Vec<Row> = Vec::new();
        let mut of_root: Vec<Option<usize>> = vec![None; lines.len()];
        for (index, line) in lines.iter().enumerate() {
            if is_table(index) {
                continue;
            }
            let root = groups.root(index);
            if let Some(position) = of_root[root] {
                let row = &mut list[position];
                row.bbox = row.bbox.union(&line.bbox);
                if line.bbox.x0 < lines[row.start].bbox.x0 {
                    row.start = index;
                }
                if line.words.len() > lines[row.first].words.len() {
                    row.first = index;
                    row.font_size = line.font_size;
                    row.bold = line.bold;
                }
            } else {
                of_root[root] = Some(list.len());
                list.push(Row {
                    first: index,
                    start: index,
                    bbox: line.bbox,
                    direction: line.direction,
                    font_size: line.font_size,
                    bold: line.bold,
                });
            }
        }
        Self { list }
    }

    /// Pairs (lower, upper) of rows where each is the other's only neighbour in that direction.
    fn neighbours(&self) -> Vec<(usize, usize)> {
        let shares_column = |a: &Row, b: &Row| {
            a.direction == b.direction
                && a.bbox.horizontal_overlap(&b.bbox) > 0.3 * a.bbox.width().min(b.bbox.width())
        };
        let mut by_height: Vec<usize> = (0..self.list.len()).collect();
        by_height.sort_by(|a, b| self.list[*a].bbox.center_y().total_cmp(&self.list[*b].bbox.center_y()));
        let tallest = self.list.iter().map(|row| row.bbox.height()).fold(0.0, f32::max);
        // Rows by distance: nearest above, unless two stand side by side there.
        let nearest = |row: usize, above: bool| -> Option<usize> {
            let own = &self.list[row];
            let distance = |other: &Row| {
                if above {
                    own.bbox.center_y() - other.bbox.center_y()
                } else {
                    other.bbox.center_y() - own.bbox.center_y()
                }
            };
            let center = own.bbox.center_y();
            let from =
                by_height.partition_point(|index| self.list[*index].bbox.center_y() < center - 4.0 * tallest);
            let candidates: Vec<usize> = by_height[from..]
                .iter()
                .copied()
                .take_while(|index| self.list[*index].bbox.center_y() <= center + 4.0 * tallest)
                .filter(|index| {
                    let other = &self.list[*index];
                    *index != row
                        && distance(other) > 0.3 * own.bbox.height().min(other.bbox.height())
                        && distance(other) < 4.0 * own.bbox.height().max(other.bbox.height())
                        && shares_column(own, other)
                })
                .collect();
            let best = candidates.iter().copied().min_by(|a, b| {
                distance(&self.list[*a]).total_cmp(&distance(&self.list[*b])).then(a.cmp(b))
            })?;
            let beside = candidates.iter().any(|other| {
                let (one, two) = (&self.list[*other].bbox, &self.list[best].bbox);
                *other != best
                    && one.vertical_overlap(two) > 0.5 * one.height().min(two.height())
                    && one.horizontal_overlap(two) <= 0.0
            });
            (!beside).then_some(best)
        };
        let below: Vec<Option<usize>> = (0..self.list.len()).map(|row| nearest(row, false)).collect();
        (0..self.list.len())
            .filter_map(|row| {
                nearest(row, true).filter(|above| below[*above] == Some(row)).map(|above| (row, above))
            })
            .collect()
    }

    /// Median gap between neighbouring rows of the same font size, for every size.
    fn typical_gaps(&self, neighbours: &[(usize, usize)]) -> Leading {
        let mut gaps: Vec<(f32, f32)> = neighbours
            .iter()
            .filter_map(|(below, above)| {
                let (lower, upper) = (&self.list[*below], &self.list[*above]);
                let same = (lower.font_size - upper.font_size).abs() < 0.26;
                let gap = lower.bbox.y0 - upper.bbox.y1;
                (same && gap < lower.font_size).then_some((lower.font_size, gap))
            })
            .collect();
        gaps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut typical = Vec::new();
        let mut start = 0;
        while start < gaps.len() {
            let size = gaps[start].0;
            let end = start + gaps[start..].iter().take_while(|(other, _)| other - size < 0.26).count();
            // The lower third: lines within paragraphs are closer than paragraphs.
            typical.push((size, gaps[start + (end - start) / 3].1));
            start = end;
        }
        Leading(typical)
    }
}

struct Spacing {
    gap: f32,
    typical: Option<f32>,
}

/// Whether the lower row goes on with the block of the upper one.
fn follows(page: &Page, lines: &[Line], upper: &Row, lower: &Row, label: &str, spacing: &Spacing) -> bool {
    let size = upper.font_size.max(lower.font_size).max(1.0);
    let ratio = size / upper.font_size.min(lower.font_size).max(1.0);
    let heading = matches!(label, "Title" | "Section-header");
    if ratio > if heading { 1.05 } else { SIZE_RATIO } {
        return false;
    }
    // Text set solid has gaps near 0, well-leaded text up to its own size.
    let widest = spacing.typical.map_or(0.8 * size, |typical| (typical + 0.35 * size).min(1.2 * size));
    if spacing.gap > widest {
        return false;
    }
    let first_word = lines[lower.start].words.first().map_or("", |word| page.words[*word].text.as_str());
    let begins_item = marks_item(first_word);
    match label {
        "Title" | "Section-header" => {
            let text: Vec<&str> =
                lines[lower.first].words.iter().map(|word| page.words[*word].text.as_str()).collect();
            upper.bold == lower.bold && !starts_numbering(&text.join(" "))
        }
        "List-item" | "Footnote" => !begins_item,
        "Text" => !begins_item && !ends_paragraph(page, lines, upper, lower),
        _ => true,
    }
}

/// Whether the upper row ends a paragraph that no gap ends: a full stop well before the right edge.
fn ends_paragraph(page: &Page, lines: &[Line], upper: &Row, lower: &Row) -> bool {
    let last = lines[upper.first].words.last().map_or("", |word| page.words[*word].text.as_str());
    let next = lines[lower.start].words.first().map_or("", |word| page.words[*word].text.as_str());
    let stops = last.trim_end_matches(['"', '”', ')', '’']).ends_with(['.', '?', '!', ':']);
    let starts = next
        .trim_start_matches(['"', '“', '('])
        .starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit());
    let short = upper.bbox.x1 < lower.bbox.x1 - 0.15 * lower.bbox.width();
    let indented = lower.bbox.x0 > upper.bbox.x0 + 0.8 * lower.font_size;
    stops && starts && (short || indented)
}

fn block(
    page: &Page,
    page_index: usize,
    lines: &[Line],
    members: &[usize],
    labels: &[usize],
    predictions: &WordPredictions,
) -> (PageBlock, Item) {
    let words: Vec<usize> = members.iter().flat_map(|member| lines[*member].words.iter().copied()).collect();
    let evidence = Evidence::of(&words, predictions);
    // A table keeps its label whatever its enclosed words say; other blocks take what all their words say together.
    let label = match labels[members[0]] {
        label if predictions.labels[label] == TABLE => label,
        // What was taken out of a table is none.
        own => Some(evidence.best()).filter(|best| predictions.labels[*best] != TABLE).unwrap_or(own),
    };
    let rows = rows_of(lines, members);
    let direction = lines[members[0]].direction;
    let bbox = BBox::around(words.iter().map(|word| &page.words[*word].bbox))
        .unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0));
    let mut heights: Vec<f32> = members.iter().map(|member| lines[*member].bbox.height()).collect();
    heights.sort_by(f32::total_cmp);
    let item = Item {
        bbox: Frame::of_majority(page).turn(&bbox),
        role: Role::of(&predictions.labels[label]),
        line_height: heights[heights.len() / 2].max(1.0),
    };
    debug_assert!(members.iter().all(|member| lines[*member].direction == direction));
    let block = PageBlock {
        page_index,
        label: predictions.labels[label].clone(),
        confidence: evidence.mean[label].clamp(0.0, 1.0),
        bbox,
        lines: rows,
        picture: None,
    };
    (block, item)
}

/// Words row by row: lines at the same height make one row, left to right.
fn rows_of(lines: &[Line], members: &[usize]) -> Vec<Vec<usize>> {
    let mut sorted = members.to_vec();
    sorted.sort_by(|a, b| lines[*a].bbox.center_y().total_cmp(&lines[*b].bbox.center_y()).then(a.cmp(b)));
    let mut rows: Vec<(BBox, Vec<usize>)> = Vec::new();
    for member in sorted {
        let bbox = lines[member].bbox;
        match rows.last_mut() {
            Some((row, list)) if row.vertical_overlap(&bbox) > 0.5 * row.height().min(bbox.height()) => {
                *row = row.union(&bbox);
                list.push(member);
            }
            _ => rows.push((bbox, vec![member])),
        }
    }
    rows.into_iter()
        .map(|(_, mut list)| {
            list.sort_by(|a, b| lines[*a].bbox.x0.total_cmp(&lines[*b].bbox.x0).then(a.cmp(b)));
            list.into_iter().flat_map(|member| lines[member].words.iter().copied()).collect()
        })
        .collect()
}
