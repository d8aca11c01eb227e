//! The section tree, from the blocks that the layout model calls titles and section headers.
//!
//! A heading's depth is found by comparing it with the headings that are open above it: numbering decides where both
//! are numbered ("PART I" over "Item 7", "1.2" over "1.2.1"), otherwise size, weight, capitals and slant do. "1.2.1" goes
//! below "1.2" and beside "1.2.0" whatever stands open between them.

use std::collections::BTreeMap;

use super::PageBlock;
use super::headings::{Numbering, decimal_path, numbering};
use super::text::{HyphenatedWords, block_text};
use crate::document::Page;
use crate::error::Result;
use crate::limit::Limit;

/// A section before it is written into the analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct SectionDraft {
    /// Heading; empty for what comes before the first heading.
    pub title: String,
    /// Depth, 0 for text before the first heading.
    pub level: u32,
    /// Index of the section that contains it.
    pub parent: Option<usize>,
    /// Indices of its own blocks, heading included.
    pub blocks: Vec<usize>,
}

/// The sections of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// Sections in reading order; a parent comes before its children.
    pub sections: Vec<SectionDraft>,
    /// For every block the section it stands in.
    pub section_of_block: Vec<usize>,
}

/// How a heading looks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Style {
    size: f32,
    bold: bool,
    capitals: bool,
    italic: bool,
}

impl Style {
    /// Weight of headings of the same size: capitals and bold stand above plain, italic below.
    fn weight(self) -> i32 {
        2 * i32::from(self.bold) + i32::from(self.capitals) - i32::from(self.italic)
    }

    fn is_larger(self, other: Self) -> bool {
        self.size > other.size * 1.07
    }

    fn outranks(self, other: Self) -> bool {
        self.is_larger(other) || !other.is_larger(self) && self.weight() > other.weight()
    }
}

#[derive(Clone, Debug)]
struct Heading {
    text: String,
    style: Style,
    numbering: Option<Numbering>,
    /// As of [`decimal_path`].
    path: Vec<u16>,
    /// The document's own title, on its first pages.
    is_document_title: bool,
}

/// Below this calibrated probability a heading opens no section: of 52 such headings, drawn from the 246 of 70 real
/// reports, three in four were labels in drawings, running heads, entries of contents and single words.
const LEAST_CONFIDENCE: f32 = 0.4;

/// Builds the section tree over the document's blocks, given in reading order.
///
/// # Errors
/// Only those of the limit.
pub fn outline(
    pages: &[Page],
    blocks: &[PageBlock],
    hyphens: &HyphenatedWords,
    limit: &Limit,
) -> Result<Outline> {
    let running = running_heads(pages, blocks, hyphens);
    let mut sections: Vec<SectionDraft> = Vec::new();
    let mut section_of_block = Vec::with_capacity(blocks.len());
    // Open sections from the outermost to the innermost, with their headings.
    let mut open: Vec<(usize, Heading)> = Vec::new();
    let mut last_heading_block: Option<usize> = None;
    // Pictures without words at the very beginning belong to the section that follows, which is the first.
    let mut pictures: Vec<usize> = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        limit.check()?;
        let heading = if running[index] { None } else { heading(pages, block, hyphens) };
        let Some(heading) = heading else {
            if sections.is_empty() && block.lines.is_empty() && block.picture.is_some() {
                pictures.push(index);
                section_of_block.push(0);
                continue;
            }
            if sections.is_empty() {
                sections.push(untitled(std::mem::take(&mut pictures)));
            }
            let current = open.last().map_or(0, |(section, _)| *section);
            sections[current].blocks.push(index);
            section_of_block.push(current);
            continue;
        };
        // A heading of two lines or of number and words apart: "Item 7." beside "Management's Discussion".
        if let (Some(previous), Some((section, open_heading))) = (last_heading_block, open.last_mut())
            && previous + 1 == index
            && completes(&blocks[previous], block, open_heading, &heading)
        {
            let draft = &mut sections[*section];
            draft.title = format!("{} {}", draft.title, heading.text);
            draft.blocks.push(index);
            open_heading.text = draft.title.clone();
            open_heading.path = decimal_path(&draft.title);
            section_of_block.push(*section);
            last_heading_block = Some(index);
            continue;
        }
        last_heading_block = Some(index);
        // "Note 12 (continued)" goes on with the section that is open.
        if let Some(position) = continued(&open, &heading) {
            open.truncate(position + 1);
            let section = open[position].0;
            sections[section].blocks.push(index);
            section_of_block.push(section);
            continue;
        }
        if let Some(kept) = open_by_number(&open, &heading.path) {
            open.truncate(kept);
        } else {
            while open.last().is_some_and(|(_, above)| !contains(above, &heading)) {
                open.pop();
            }
        }
        let parent = open.last().map(|(section, _)| *section);
        let level = parent.map_or(1, |parent| sections[parent].level + 1);
        open.push((sections.len(), heading.clone()));
        section_of_block.push(sections.len());
        let mut blocks = std::mem::take(&mut pictures);
        blocks.push(index);
        sections.push(SectionDraft { title: heading.text, level, parent, blocks });
    }
    if !pictures.is_empty() {
        sections.push(untitled(pictures));
    }
    Ok(Outline { sections, section_of_block })
}

/// What comes before the first heading.
fn untitled(blocks: Vec<usize>) -> SectionDraft {
    SectionDraft { title: String::new(), level: 0, parent: None, blocks }
}

fn heading(pages: &[Page], block: &PageBlock, hyphens: &HyphenatedWords) -> Option<Heading> {
    if !matches!(block.label.as_str(), "Title" | "Section-header") || block.confidence < LEAST_CONFIDENCE {
        return None;
    }
    let text = block_text(pages, block, hyphens);
    // Dot leaders: an entry of a table of contents. No letters: a page number or a rule.
    let is_entry = text.contains("....") || text.contains(". . .");
    if is_entry || !text.chars().any(char::is_alphabetic) {
        return None;
    }
    let page = &pages[block.page_index];
    let words: Vec<&crate::document::Word> =
        block.lines.iter().flatten().map(|word| &page.words[*word]).collect();
    let mut sizes: Vec<f32> = words.iter().map(|word| word.font_size).collect();
    sizes.sort_by(f32::total_cmp);
    let most = |test: &dyn Fn(&crate::document::Word) -> bool| {
        2 * words.iter().filter(|word| test(word)).count() > words.len()
    };
    let letters = || text.chars().filter(|character| character.is_alphabetic());
    let style = Style {
        size: sizes[sizes.len() / 2],
        bold: most(&|word| word.style.bold),
        italic: most(&|word| word.style.italic),
        capitals: letters().count() > 1 && letters().all(|letter| !letter.is_lowercase()),
    };
    let is_document_title = block.label == "Title" && block.page_index < 2;
    let numbering = numbering(&text).map(|(kind, _)| kind);
    Some(Heading { numbering, path: decimal_path(&text), text, style, is_document_title })
}

/// How many of the open sections stay open above a heading with this decimal number: down to the one whose number it
/// continues, else those above the one that it follows. `None` where no open section has such a number.
fn open_by_number(open: &[(usize, Heading)], path: &[u16]) -> Option<usize> {
    let (_, before) = path.split_last().filter(|(_, before)| !before.is_empty())?;
    let continues = |(_, above): &(usize, Heading)| !above.path.is_empty() && before.starts_with(&above.path);
    let follows =
        |(_, above): &(usize, Heading)| above.path.len() == path.len() && above.path.starts_with(before);
    open.iter().position(follows).or_else(|| open.iter().rposition(continues).map(|position| position + 1))
}

/// Whether a section with heading `above` contains one with heading `below`.
fn contains(above: &Heading, below: &Heading) -> bool {
    use Numbering::{Decimal, Item, Note, Part};
    if above.is_document_title {
        return false;
    }
    let rank = |kind: Numbering| match kind {
        Part => 0,
        Item => 1,
        Note => 2,
        Decimal(_) => 3,
        Numbering::Roman | Numbering::Letter => 4,
        Numbering::Parentheses => 5,
    };
    match (above.numbering, below.numbering) {
        (Some(Decimal(a)), Some(Decimal(b))) => a < b,
        (Some(a), Some(b)) if a == b => false,
        (Some(a @ (Part | Item)), Some(b)) => rank(a) < rank(b),
        (Some(_), Some(Part | Item)) => false,
        // Notes in the auditor's or the statements' own style stand level with larger headings.
        (Some(a), Some(b)) if above.style.size == below.style.size => rank(a) < rank(b),
        (Some(Part | Item), None) => true,
        (None, Some(Part | Item)) => false,
        (None, Some(Note | Decimal(1))) if is_notes_title(&above.text) => true,
        // A numbered heading contains what looks no stronger than itself.
        (Some(_), None) => !below.style.outranks(above.style),
        (None, Some(_) | None) | (Some(_), Some(_)) => above.style.outranks(below.style),
    }
}

/// "Notes to Consolidated Financial Statements", "Acme, Inc. Notes to Unaudited Consolidated Financial Statements"; not
/// "See notes to ...".
fn is_notes_title(text: &str) -> bool {
    let low = text.to_lowercase();
    let Some((before, after)) = low.split_once("notes to ") else { return false };
    before.is_empty()
        || after.contains("statements") && !before.contains("see ") && !before.contains("accompanying")
}

/// Whether two heading blocks are one heading.
fn completes(first: &PageBlock, second: &PageBlock, open: &Heading, next: &Heading) -> bool {
    if first.page_index != second.page_index || first.label != second.label || next.numbering.is_some() {
        return false;
    }
    let same_style = !open.style.is_larger(next.style)
        && !next.style.is_larger(open.style)
        && open.style.bold == next.style.bold;
    let line_height = next.style.size.max(1.0);
    let same_row =
        first.bbox.vertical_overlap(&second.bbox) > 0.5 * first.bbox.height().min(second.bbox.height());
    let gap = second.bbox.y0 - first.bbox.y1;
    let only_number = numbering(&open.text).is_some_and(|(_, rest)| open.text[rest..].trim().is_empty());
    // "PART I" alone on its line stands for itself; "Item 7." and "Note 3" wait for their words.
    let waits = only_number && open.numbering != Some(Numbering::Part);
    if same_row {
        return only_number && second.bbox.x0 > first.bbox.x0;
    }
    if waits {
        return (0.0..1.2 * line_height).contains(&gap) && same_style;
    }
    let ends_open = open.text.ends_with([',', '-', '–', '—', '&']) || {
        let last = open.text.rsplit(' ').next().unwrap_or("").to_lowercase();
        matches!(last.as_str(), "and" | "of" | "the" | "for" | "in" | "to" | "on" | "by" | "or" | "with")
    };
    let starts_low = next.text.starts_with(char::is_lowercase);
    same_style && (-1.0..0.9 * line_height).contains(&gap) && (ends_open || starts_low)
}

/// Position in `open` of the section that a heading marked "(continued)" goes on with.
fn continued(open: &[(usize, Heading)], heading: &Heading) -> Option<usize> {
    let plain = |text: &str| {
        let mut low = text.to_lowercase();
        for mark in [
            "(continued)",
            "(cont'd)",
            "(cont’d)",
            "(cont.)",
            "- continued",
            "— continued",
            "– continued",
            ", continued",
        ] {
            low = low.replace(mark, "");
        }
        low.trim().trim_end_matches(['.', ':', '-', '–', '—', ' ']).to_owned()
    };
    let wanted = plain(&heading.text);
    if wanted.len() == heading.text.to_lowercase().trim().trim_end_matches(['.', ':', ' ']).len() {
        return None; // nothing says that it continues
    }
    open.iter().rposition(|(_, above)| plain(&above.text) == wanted)
}

/// Which blocks are running heads or feet: the same words (numbers aside) at the same height of three or more pages.
fn running_heads(pages: &[Page], blocks: &[PageBlock], hyphens: &HyphenatedWords) -> Vec<bool> {
    /// Share of the page's height, at the top and at the bottom, where running heads stand.
    const MARGIN: f32 = 0.12;
    /// Heights are compared in steps of this share of the page.
    const STEP: f32 = 0.02;
    let mut keys: Vec<Option<(String, i32)>> = Vec::with_capacity(blocks.len());
    let mut seen: BTreeMap<(String, i32), Vec<usize>> = BTreeMap::new();
    for block in blocks {
        let page = &pages[block.page_index];
        let place = if page.height > 0.0 { block.bbox.center_y() / page.height } else { 0.5 };
        let heading = matches!(block.label.as_str(), "Title" | "Section-header");
        let key = (heading && !(MARGIN..=1.0 - MARGIN).contains(&place)).then(|| {
            let words: String = block_text(pages, block, hyphens)
                .to_lowercase()
                .chars()
                .filter(|character| character.is_alphabetic())
                .collect();
            (words, (place / STEP).round() as i32)
        });
        if let Some(key) = &key {
            let pages = seen.entry(key.clone()).or_default();
            if pages.last() != Some(&block.page_index) {
                pages.push(block.page_index);
            }
        }
        keys.push(key);
    }
    // Rounding can put the same height into two neighbouring steps.
    let pages_with = |(words, step): &(String, i32)| -> usize {
        (-1..=1).map(|shift| seen.get(&(words.clone(), step + shift)).map_or(0, Vec::len)).sum()
    };
    keys.iter().map(|key| key.as_ref().is_some_and(|key| pages_with(key) >= 3)).collect()
}
