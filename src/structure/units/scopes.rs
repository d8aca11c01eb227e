//! Statements of unit outside of tables, with the pages and places that they cover.

use std::collections::BTreeMap;

use crate::document::Page;
use crate::document::analysis::{Figure, FigureKind};
use crate::structure::PageBlock;
use crate::structure::numbers::{ScaleStatement, UnitLine, UnitLineKind, scale_by, unit_line};

/// Pages on which the same line must stand at the same height to be a running head or foot.
const RUNNING_PAGES: usize = 3;
/// Distance, in points, up to which heights are the same.
const SAME_HEIGHT: f32 = 4.0;
/// Words of a line that can state a unit.
const MOST_WORDS: usize = 40;

/// No report is about a larger amount; a number that would be was printed in full.
const LARGEST_AMOUNT: f64 = 1e14;
/// Whole amounts of running text that are at least so large are printed in full.
const PRINTED_IN_FULL: f64 = 1e6;
/// Confidence of an amount whose scale is that of a statement elsewhere.
const GOVERNED_CONFIDENCE: f32 = 0.85;

/// How far a statement reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The document: "all amounts in this report are in thousands of euros".
    Document,
    /// What follows, up to the next such statement: a title line that no table follows at once.
    Part,
    /// What follows under the same heading: the title line of a table.
    Heading,
    /// Its page: a running head or foot.
    Page,
}

/// A statement with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What it says.
    pub says: ScaleStatement,
    /// How far it reaches.
    pub reach: Reach,
    /// Whether it speaks of tables only.
    pub tables_only: bool,
    /// Whether it holds for all amounts that say nothing else: "unless otherwise stated".
    unless_stated: bool,
    page_index: usize,
    /// Upper edge on the page.
    y: f32,
    /// Number of headings before it.
    headings: usize,
}

/// The statements of a document.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    /// In reading order.
    statements: Vec<Placed>,
    /// Headings in reading order: page and upper edge.
    headings: Vec<(usize, f32)>,
    /// Code that a dollar sign without letters stands for, where the document says so.
    pub(crate) dollar: Option<&'static str>,
}

/// A line of a block.
struct Line {
    page_index: usize,
    y: f32,
    block: usize,
    text: String,
}

impl Scopes {
    /// Finds the statements in the lines of all blocks that are no tables; `blocks` are in reading order.
    #[must_use]
    pub fn of(pages: &[Page], blocks: &[PageBlock]) -> Self {
        let is = |block: &PageBlock, labels: &[&str]| labels.contains(&block.label.as_str());
        let is_heading = |block: &PageBlock| is(block, &["Title", "Section-header"]);
        let is_furniture = |block: &PageBlock| is(block, &["Page-header", "Page-footer"]);
        let headings: Vec<(usize, f32)> = blocks
            .iter()
            .filter(|block| is_heading(block))
            .map(|block| (block.page_index, block.bbox.y0))
            .collect();
        let lines = lines_of(pages, blocks);
        let running = running_lines(&lines);
        let mut statements: Vec<Placed> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let Some((found, last)) = statement_at(&lines, at) else { continue };
            let block = &blocks[line.block];
            let furniture = is_furniture(block) || running[at];
            // What comes next: a table makes it that table's title line.
            let ends_block = lines.get(last + 1).is_none_or(|next| next.block != line.block);
            let next = blocks[line.block + 1..].iter().find(|block| !is_furniture(block));
            let before_table = ends_block && next.is_some_and(|next| next.label == "Table");
            let of_notes = lines[at.saturating_sub(2)..=at].iter().any(|line| speaks_of_notes(&line.text));
            let reach = match found.kind {
                _ if furniture => Reach::Page,
                UnitLineKind::Sentence => Reach::Document,
                UnitLineKind::LeadIn => continue,
                UnitLineKind::Whole | UnitLineKind::Title if before_table && !of_notes => Reach::Heading,
                UnitLineKind::Whole | UnitLineKind::Title => Reach::Part,
            };
            statements.push(Placed {
                says: found.says,
                reach,
                tables_only: found.tables_only,
                unless_stated: lines[at..=last].iter().any(|line| line.text.contains("otherwise")),
                page_index: line.page_index,
                y: line.y,
                headings: before(&headings, (line.page_index, line.y + SAME_HEIGHT)),
            });
        }
        let dollar = dollar(&lines, &statements);
        Self { statements, headings, dollar }
    }

    /// The statements that cover a place, those that reach the least far first. Of each reach the nearest one before
    /// the place counts.
    pub(crate) fn covering(&self, page_index: usize, y: f32) -> Vec<&Placed> {
        let place = (page_index, y);
        let headings = before(&self.headings, (page_index, y));
        let nearest = |reach: Reach| {
            let mut of_reach = self.statements.iter().filter(|placed| placed.reach == reach);
            match reach {
                Reach::Page => of_reach.find(|placed| placed.page_index == page_index),
                Reach::Heading => of_reach.rfind(|placed| {
                    (placed.page_index, placed.y) <= place
                        && placed.headings == headings
                        && page_index - placed.page_index <= 1
                }),
                Reach::Part => of_reach.rfind(|placed| (placed.page_index, placed.y) <= place),
                Reach::Document => of_reach.next(),
            }
        };
        [Reach::Page, Reach::Heading, Reach::Part, Reach::Document].into_iter().filter_map(nearest).collect()
    }

    /// Gives the amounts of running text that print no scale that of the statement that governs them, and `$` the dollar
    /// of the document.
    ///
    /// A statement governs prose where it says "unless otherwise stated", or where most of its prose leaves scales out: a
    /// report that writes "$5 million" means five dollars by "$5". Either way the other reading is kept and the figure marked for review.
    pub(crate) fn scale_prose(&self, pages: &[Page], figures: &mut [Figure]) {
        let page_index: BTreeMap<u32, usize> =
            pages.iter().enumerate().map(|(index, page)| (page.number, index)).collect();
        let governed: Vec<Option<(usize, i32, bool)>> = figures
            .iter()
            .map(|figure| {
                let page_index = page_index.get(&figure.page).filter(|_| figure.kind == FigureKind::Money)?;
                let (rank, placed) = self.of_prose(*page_index, figure.bbox.y0)?;
                Some((rank, placed.says.scale?, placed.unless_stated))
            })
            .collect();
        let mut counts: BTreeMap<usize, [usize; 2]> = BTreeMap::new();
        for (figure, governed) in figures.iter().zip(&governed) {
            if let Some((rank, ..)) = governed {
                counts.entry(*rank).or_default()[usize::from(figure.scale.is_some())] += 1;
            }
        }
        for (figure, governed) in figures.iter_mut().zip(&governed) {
            if let (Some(dollar), Some("USD")) = (self.dollar, figure.currency.as_deref())
                && !figure.text.contains(['U', 'u'])
            {
                figure.currency = Some(dollar.to_owned());
            }
            let (Some((rank, scale, unless_stated)), Some(value), None) =
                (governed, figure.value, figure.scale)
            else {
                continue;
            };
            let [bare, scaled] = counts[rank];
            let scaled_value = scale_by(value, *scale);
            // "C$9,071,820" under "in millions" was printed in full.
            let in_full = value.fract() == 0.0 && value.abs() >= PRINTED_IN_FULL;
            if scaled_value.abs() > LARGEST_AMOUNT || in_full {
                continue;
            }
            figure.needs_review = true;
            figure.confidence = figure.confidence.min(GOVERNED_CONFIDENCE);
            if scaled > bare && !unless_stated {
                figure.alternatives.push(scaled_value);
                continue;
            }
            figure.alternatives.push(value);
            figure.value = Some(scaled_value);
            figure.scale = Some(*scale);
        }
    }

    /// The statement that governs the amounts of running text at a place, with its rank among all statements.
    fn of_prose(&self, page_index: usize, y: f32) -> Option<(usize, &Placed)> {
        let covering = self.covering(page_index, y);
        let placed = covering.into_iter().find(|placed| {
            matches!(placed.reach, Reach::Page | Reach::Part) && placed.says.scale.is_some()
        })?;
        let rank = self.statements.iter().position(|other| std::ptr::eq(other, placed))?;
        (!placed.tables_only).then_some((rank, placed))
    }
}

/// How many of the places come before this one; `places` are in reading order of their pages.
fn before(places: &[(usize, f32)], place: (usize, f32)) -> usize {
    places.iter().filter(|other| **other <= place).count()
}

fn lines_of(pages: &[Page], blocks: &[PageBlock]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let Some(page) = pages.get(block.page_index) else { continue };
        if block.label == "Table" && !is_title_of_table(page, block) {
            continue;
        }
        for words in &block.lines {
            let words: Vec<_> = words.iter().filter_map(|word| page.words.get(*word)).collect();
            let Some(first) = words.first() else { continue };
            let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            lines.push(Line { page_index: block.page_index, y: first.bbox.y0, block: index, text });
        }
    }
    lines
}

/// Whether a block that was taken for a table has a line or two without digits: a title that the page's end parts from
/// its table.
fn is_title_of_table(page: &Page, block: &PageBlock) -> bool {
    let words = || block.lines.iter().flatten().filter_map(|word| page.words.get(*word));
    block.lines.len() <= 2 && !words().any(|word| word.text.contains(|c: char| ('1'..='9').contains(&c)))
}

/// Which lines repeat at one height on several pages.
fn running_lines(lines: &[Line]) -> Vec<bool> {
    let mut places: BTreeMap<String, Vec<(usize, f32)>> = BTreeMap::new();
    let key = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    for line in lines.iter().filter(|line| line.text.len() < 200) {
        places.entry(key(&line.text)).or_default().push((line.page_index, line.y));
    }
    lines
        .iter()
        .map(|line| {
            let Some(places) = places.get(&key(&line.text)) else { return false };
            let mut pages: Vec<usize> = places
                .iter()
                .filter(|(_, y)| (y - line.y).abs() < SAME_HEIGHT)
                .map(|(page, _)| *page)
                .collect();
            pages.dedup();
            pages.len() >= RUNNING_PAGES
        })
        .collect()
}

/// The statement that begins in this line, and the last line that it takes.
fn statement_at(lines: &[Line], at: usize) -> Option<(UnitLine, usize)> {
    let line = &lines[at];
    if line.text.split(' ').count() > MOST_WORDS {
        return None;
    }
    let next = lines.get(at + 1).filter(|next| next.block == line.block);
    let open = |text: &str| text.matches('(').count() > text.matches(')').count();
    match next {
        // A parenthesis or a sentence that goes on in the next line.
        Some(next) if open(&line.text) || !line.text.ends_with(['.', ')', ':']) => {
            let both = format!("{} {}", line.text, next.text);
            let alone = unit_line(&line.text);
            match (unit_line(&both), alone) {
                (Some(both), Some(alone)) if both.says == alone.says => Some((alone, at)),
                (Some(both), None) if unit_line(&next.text).is_none() => Some((both, at + 1)),
                (Some(both), Some(_)) if open(&line.text) => Some((both, at + 1)),
                (_, alone) => alone.map(|found| (found, at)),
            }
        }
        _ => unit_line(&line.text).map(|found| (found, at)),
    }
}

fn speaks_of_notes(text: &str) -> bool {
    let text = text.to_lowercase();
    ["notes to", "notes on the", "note disclosures"].iter().any(|words| text.contains(words))
}

/// Dollars of other countries, as reports call them.
const DOLLARS: [(&str, &[&str]); 7] = [
    ("AUD", &["australian dollar", "aud", "a$"]),
    ("CAD", &["canadian dollar", "cad", "c$", "cdn$"]),
    ("NZD", &["new zealand dollar", "nzd", "nz$"]),
    ("HKD", &["hong kong dollar", "hkd", "hk$"]),
    ("SGD", &["singapore dollar", "sgd", "s$"]),
    ("TWD", &["new taiwan dollar", "nt$"]),
    ("USD", &["u.s. dollar", "us dollar", "united states dollar", "usd", "us$"]),
];

/// What a bare dollar sign stands for: the dollars that a statement of unit or of the presentation currency names.
fn dollar(lines: &[Line], statements: &[Placed]) -> Option<&'static str> {
    let named = |text: &str| {
        let mut found = DOLLARS.iter().filter(|(_, names)| {
            names.iter().any(|name| {
                text.match_indices(name).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric()))
            })
        });
        let first = found.next().map(|(code, _)| *code);
        if found.next().is_some() { None } else { first }
    };
    let says = |text: &str| {
        let presents =
            ["presentation currency", "presented in", "expressed in", "reporting currency", "stated in"]
                .iter()
                .any(|words| text.contains(words));
        if presents { named(text) } else { None }
    };
    let mut votes: BTreeMap<&'static str, usize> = BTreeMap::new();
    for pair in lines.windows(2) {
        let mentions = |line: &Line| {
            line.text.contains("dollar") || line.text.contains("Dollar") || line.text.contains('$')
        };
        if !pair.iter().any(mentions) {
            continue;
        }
        let both = format!("{} {}", pair[0].text, pair[1].text).to_lowercase();
        if let Some(code) = says(&both) {
            *votes.entry(code).or_default() += 1;
        }
    }
    for placed in statements {
        if let Some((code, _)) = DOLLARS.iter().find(|(code, _)| Some(*code) == placed.says.currency)
            && *code != "USD"
        {
            *votes.entry(code).or_default() += 1;
        }
    }
    let most = votes.iter().max_by_key(|(_, count)| **count)?;
    let all: usize = votes.values().sum();
    (*most.1 * 2 > all).then_some(*most.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BBox;
    use crate::structure::testing::{page_of, text_line};

    fn document(pages: &[&[(&str, &str)]]) -> (Vec<Page>, Vec<PageBlock>) {
        let mut made = Vec::new();
        let mut blocks = Vec::new();
        for (page_index, lines) in pages.iter().enumerate() {
            let mut words = Vec::new();
            for (row, (label, text)) in lines.iter().enumerate() {
                let y = 60.0 + 40.0 * row as f32;
                let first = words.len();
                words.extend(text_line(text, 60.0, y, 10.0));
                blocks.push(PageBlock {
                    page_index,
                    label: (*label).to_owned(),
                    confidence: 0.9,
                    bbox: BBox::new(60.0, y, 500.0, y + 10.0),
                    lines: vec![(first..words.len()).collect()],
                    picture: None,
                });
            }
            made.push(page_of(words));
        }
        (made, blocks)
    }

    fn scale_at(scopes: &Scopes, page_index: usize, y: f32) -> Option<i32> {
        scopes.covering(page_index, y).into_iter().find_map(|placed| placed.says.scale)
    }

    #[test]
    fn a_title_line_governs_what_follows_and_prose_with_it() {
        let (pages, blocks) = document(&[
            &[("Text", "Sales of 12 stores rose."), ("Section-header", "Notes to the financial statements")],
            &[
                ("Text", "(Dollars in millions, except otherwise stated)"),
                ("Section-header", "Note 1"),
                ("Text", "Sales were $ 12."),
            ],
            &[("Table", "Sales 12")],
        ]);
        let scopes = Scopes::of(&pages, &blocks);
        assert_eq!(scale_at(&scopes, 0, 60.0), None);
        assert_eq!(scale_at(&scopes, 2, 60.0), Some(6));
        assert!(scopes.of_prose(2, 60.0).is_some());
    }

    #[test]
    fn a_table_title_ends_at_the_next_heading() {
        let (pages, blocks) = document(&[&[
            ("Caption", "Sales by region (in thousands)"),
            ("Table", "Europe 12"),
            ("Table", "Asia 12"),
            ("Section-header", "People"),
            ("Table", "Employees 12"),
        ]]);
        let scopes = Scopes::of(&pages, &blocks);
        assert_eq!(scale_at(&scopes, 0, 145.0), Some(3));
        assert_eq!(scale_at(&scopes, 0, 225.0), None);
        assert!(scopes.of_prose(0, 145.0).is_none());
    }

    #[test]
    fn a_running_foot_covers_its_pages() {
        let page: &[(&str, &str)] = &[("Table", "Sales 12"), ("Text", "In millions of euros")];
        let (pages, blocks) = document(&[page, page, page, &[("Table", "Sales 12")]]);
        let scopes = Scopes::of(&pages, &blocks);
        assert_eq!(scale_at(&scopes, 1, 60.0), Some(6));
        assert_eq!(scale_at(&scopes, 3, 60.0), None);
    }

    #[test]
    fn a_sentence_governs_tables_but_no_prose() {
        let (pages, blocks) = document(&[
            &[(
                "Text",
                "All amounts are presented in thousands of Australian dollars unless otherwise stated.",
            )],
            &[("Table", "Sales 12")],
        ]);
        let scopes = Scopes::of(&pages, &blocks);
        assert_eq!(scale_at(&scopes, 1, 60.0), Some(3));
        assert!(scopes.of_prose(1, 60.0).is_none());
        assert_eq!(scopes.dollar, Some("AUD"));
    }
}
