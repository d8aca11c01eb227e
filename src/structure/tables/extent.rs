//! Extent of a table region: a layout block may hold the caption and the notes, and lack the stub.

use super::lines::{Chunk, Line, Region, is_year};
use super::rows::{full_rules, horizontal_rules};

/// Words from which a single text in a line is running text.
const PROSE_WORDS: usize = 9;
/// Share of the region's width from which it is.
const PROSE_WIDTH: f32 = 0.6;
/// Lines of a table that must be left.
const LEAST_LINES: usize = 3;
/// Share of a block's lines that must have words beside the block for these to belong to the table.
const BESIDE: f32 = 0.6;
/// Share of them that may be running text.
const BESIDE_PROSE: f32 = 0.3;
/// What a caption begins with, before its number.
const CAPTIONS: &[&str] = &["table", "exhibit", "figure", "chart", "schedule", "annex", "appendix", "box"];
/// Words of a note behind its mark.
const NOTE_WORDS: usize = 4;
/// Further lines of a caption.
const CAPTION_LINES: usize = 3;
/// What notes below a table begin with.
const NOTES: &[&str] = &["source", "sources", "note", "notes", "nota", "quelle", "fonte"];

/// First and one past the last line of the table itself: captions, titles and running text above it, notes and
/// running text below it are left out.
pub(super) fn table_lines(region: &Region<'_>) -> (usize, usize) {
    let lines = &region.lines;
    let left = lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min);
    let right = lines.iter().map(|line| line.bbox.x1).fold(f32::NEG_INFINITY, f32::max);
    let view = View { region, left, right };
    let rules = horizontal_rules(region);
    let full = full_rules(region, &rules);
    let below = |line: usize| full.partition_point(|&y| y < lines[line].center);
    let mut first = 0;
    while lines.len() - first > LEAST_LINES {
        let line = &lines[first];
        if view.is_caption(line) {
            // The caption goes on to the first ruling, if there is one soon.
            let rest = lines[first + 1..].iter().take(CAPTION_LINES);
            let end = rest.take_while(|next| next.chunks.len() == 1 && !next.chunks[0].numeric).count();
            let ruled = (first + 1..=first + 1 + end).find(|&next| below(next) > below(first));
            first = ruled.unwrap_or(first + 1);
            continue;
        }
        let heads_columns = rules.iter().any(|rule| {
            line.center < rule.y
                && rule.y < line.center + 1.6 * region.em
                && rule.x1 - rule.x0 < 0.9 * (right - left)
        });
        let above = view.is_prose(line)
            || (view.is_title(line) && !heads_columns)
            || view.is_left_title(line, &lines[first + 1]);
        if line.chunks.len() != 1 || !above {
            break;
        }
        first += 1;
    }
    let no_numbers = |line: &Line| line.chunks.iter().all(|chunk| !chunk.numeric);
    let texts = lines.iter().rev().take_while(|line| no_numbers(line)).count();
    let note = (lines.len() - texts..lines.len()).find(|&line| view.is_named_note(&lines[line]));
    let mut last = note.filter(|&note| note >= first + LEAST_LINES).unwrap_or(lines.len());
    for index in (first + LEAST_LINES..last).rev() {
        let line = &lines[index];
        if view.is_marked_note(line) {
            last = index;
            continue;
        }
        if line.chunks.len() != 1 || line.chunks[0].numeric {
            break;
        }
        let under_the_end = full.len() > 1 && below(index) == full.len() && below(index - 1) < full.len();
        if view.is_note(line) || view.is_prose(line) || under_the_end {
            last = index;
        }
    }
    (first, last)
}

struct View<'a, 'p> {
    region: &'a Region<'p>,
    left: f32,
    right: f32,
}

impl View<'_, '_> {
    fn words(&self, line: &Line) -> Vec<String> {
        let text = line.chunks.first().map(|chunk| self.region.text(chunk)).unwrap_or_default();
        text.split(' ').map(str::to_lowercase).collect()
    }

    /// "Table 3.", "Exhibit A-1:"; what follows may be set apart from it.
    fn is_caption(&self, line: &Line) -> bool {
        let words = self.words(line);
        if line.chunks.len() > 2 || line.chunks.iter().any(|chunk| chunk.numeric) {
            return false;
        }
        let numbered = words.get(1).is_some_and(|word| {
            let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
            word.starts_with(|c: char| c.is_ascii_digit())
                || inner.len() == 1
                || inner.contains(|c: char| c.is_ascii_digit())
                || inner.bytes().all(|byte| b"ivx".contains(&byte))
        });
        numbered && CAPTIONS.contains(&words[0].as_str())
    }

    /// Running text from the left edge of the table.
    fn is_prose(&self, line: &Line) -> bool {
        let letters = |word: &String| word.chars().any(char::is_alphabetic);
        line.bbox.x0 < self.left + 3.0 * self.region.em
            && line.bbox.width() > PROSE_WIDTH * (self.right - self.left)
            && self.words(line).iter().filter(|word| letters(word)).count() >= PROSE_WORDS
    }

    /// Centred over the whole table, the stub included.
    fn is_title(&self, line: &Line) -> bool {
        (line.bbox.center_x() - f32::midpoint(self.left, self.right)).abs() < 1.5 * self.region.em
            && line.bbox.x0 > self.left + 2.0 * self.region.em
    }

    /// From the left edge over the first of the columns, whose headers stand below it and leave the stub free.
    fn is_left_title(&self, line: &Line, next: &Line) -> bool {
        let (Some(title), Some(header)) = (line.chunks.first(), next.chunks.first()) else { return false };
        let amounts = next.chunks.iter().any(|chunk| chunk.numeric && !is_year(&self.region.text(chunk)));
        line.chunks.len() == 1
            && !title.numeric
            && title.bbox.x0 < self.left + self.region.em
            && header.bbox.x0 > self.left + 6.0 * self.region.em
            && title.bbox.x1 > header.bbox.x0
            && !amounts
    }

    /// "Source: ...", whatever gaps the text has.
    fn is_named_note(&self, line: &Line) -> bool {
        let words = self.words(line);
        words.len() > 2 && words[0].strip_suffix(':').is_some_and(|word| NOTES.contains(&word))
    }

    /// A mark, and set apart from it what it says: "* Trading as ...".
    fn is_marked_note(&self, line: &Line) -> bool {
        let [mark, text] = &line.chunks[..] else { return false };
        let is_mark = |text: &str| {
            let inner = text.trim_matches(['(', ')', '.']);
            !inner.is_empty() && inner.chars().all(|c| matches!(c, '*' | '†' | '‡' | '§'))
                || inner.len() == 1 && inner.chars().all(|c| c.is_ascii_alphanumeric())
        };
        is_mark(&self.region.text(mark)) && !text.numeric && text.pieces.len() >= NOTE_WORDS
    }

    fn is_note(&self, line: &Line) -> bool {
        let words = self.words(line);
        let word = words[0].trim_end_matches([':', '.']);
        NOTES.contains(&word) || words[0].starts_with(['*', '†', '‡']) && words.len() > 2
    }
}

/// Words of the page that stand in the lines of a block beside it and belong to its table, the block's own included:
/// most of its lines have such words, few of them are running text, and no other table has them. `own` and `others`
/// say for each word of the page whether it is in the block, and in another table.
pub(super) fn with_stub(page: &Region<'_>, own: &[bool], others: &[bool]) -> Option<Vec<usize>> {
    let word = |piece: &usize| page.pieces[*piece].word;
    let has = |chunk: &Chunk, mask: &[bool]| chunk.pieces.iter().any(|piece| mask[word(piece)]);
    let holds = |line: &&Line| line.chunks.iter().any(|chunk| has(chunk, own));
    let first = page.lines.iter().position(|line| holds(&line))?;
    let last = page.lines.iter().rposition(|line| holds(&line))?;
    let lines = &page.lines[first..=last];
    let block: Vec<&Line> = lines.iter().filter(holds).collect();
    let outside = || block.iter().filter(|line| line.chunks.iter().any(|chunk| !has(chunk, own)));
    let prose = outside()
        .filter(|line| {
            let long = |chunk: &&Chunk| !has(chunk, own) && chunk.pieces.len() >= PROSE_WORDS;
            line.chunks.iter().any(|chunk| long(&chunk))
        })
        .count() as f32;
    let beside = outside().count() as f32;
    let taken = lines.iter().flat_map(|line| &line.chunks).any(|chunk| has(chunk, others));
    if block.len() < LEAST_LINES
        || beside < BESIDE * block.len() as f32
        || prose > BESIDE_PROSE * beside
        || taken
    {
        return None;
    }
    Some(lines.iter().flat_map(|line| &line.chunks).flat_map(|chunk| &chunk.pieces).map(word).collect())
}
