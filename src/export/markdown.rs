//! The document as Markdown: what a person reads, and what is fed to language models.
//!
//! Reading order, headings at their level, lists, tables, footnotes, and an anchor where each page begins. Whatever a
//! document says is escaped, so that it stays text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::json;

use super::columns::{counted, place, word};
use super::tables::{Grid, Placement, unit_in_words};
use crate::document::Tone;
use crate::document::analysis::{Analysis, Block, Cell, Status};

/// Deepest heading that Markdown has.
const LEVEL_MAX: usize = 6;

/// The whole document.
pub fn document(analysis: &Analysis, front_matter: bool) -> String {
    let mut out = String::new();
    if front_matter {
        self::front_matter(&mut out, analysis);
    }
    if analysis.status == Status::Failed {
        line(&mut out, &format!("*{} was not analyzed.*\n", escaped(&analysis.document.path)));
    }
    for problem in &analysis.errors {
        let page = problem.page.map_or(String::new(), |page| format!("Page {page}: "));
        line(&mut out, &format!("> {page}{} (`{}`)\n", escaped(&problem.message), problem.code.as_str()));
    }
    let body = Body::new(analysis);
    let mut blocks = analysis.blocks.iter().peekable();
    for page in &analysis.pages {
        line(&mut out, &format!("<a id=\"p{}\"></a>\n", page.number));
        while let Some(block) = blocks.next_if(|block| block.page <= page.number) {
            body.block(&mut out, block);
        }
    }
    for block in blocks {
        body.block(&mut out, block);
    }
    body.tables.loose.iter().for_each(|table| body.table(&mut out, *table));
    // Between list items there is no empty line; what follows the list has one.
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// What is looked up while the blocks are written.
struct Body<'a> {
    analysis: &'a Analysis,
    /// Level and title of the section that a block heads.
    headings: BTreeMap<u32, (u32, &'a str)>,
    tables: Placement,
    /// Running heads and feet, as [`without_digits`] gives them.
    running: BTreeSet<String>,
    /// Footnotes by page and mark, and the block of each.
    notes: BTreeMap<(u32, String), u32>,
}

impl<'a> Body<'a> {
    fn new(analysis: &'a Analysis) -> Self {
        let headings = analysis
            .sections
            .iter()
            .filter(|section| !section.title.is_empty())
            .filter_map(|section| {
                Some((*section.blocks.first()?, (section.level.max(1), section.title.as_str())))
            })
            .collect();
        let mut pages_of: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        for block in analysis.blocks.iter().filter(|block| is_furniture(block)) {
            pages_of.entry(without_digits(&block.text)).or_default().insert(block.page);
        }
        let running = pages_of
            .into_iter()
            .filter(|(text, pages)| pages.len() > 1 || !text.chars().any(char::is_alphabetic))
            .map(|(text, _)| text)
            .collect();
        let wanted: BTreeSet<(u32, &str)> = analysis
            .tables
            .iter()
            .flat_map(|table| &table.cells)
            .flat_map(|cell| cell.notes.iter().map(|mark| (cell.page, bare(mark))))
            .collect();
        let mut notes = BTreeMap::new();
        for block in analysis.blocks.iter().filter(|block| block.label == "Footnote") {
            if let Some((mark, _)) = footnote(&block.text)
                && wanted.contains(&(block.page, mark))
            {
                notes.entry((block.page, mark.to_owned())).or_insert(block.id);
            }
        }
        Self { analysis, headings, tables: Placement::of(analysis), running, notes }
    }

    fn block(&self, out: &mut String, block: &Block) {
        if let Some(tables) = self.tables.at(block.id) {
            return tables.iter().for_each(|table| self.table(out, *table));
        }
        if is_furniture(block) && self.running.contains(&without_digits(&block.text)) {
            return;
        }
        let text = escaped(&block.text);
        if let Some((level, title)) = self.headings.get(&block.id) {
            let level = (*level as usize).min(LEVEL_MAX);
            return paragraph(out, &format!("{} {}", "#".repeat(level), escaped(title)));
        }
        match block.label.as_str() {
            "Title" | "Section-header" => paragraph(out, &format!("{} {text}", "#".repeat(LEVEL_MAX))),
            "List-item" => list_item(out, &block.text),
            "Picture" if block.text.is_empty() => paragraph(out, "*\\[picture\\]*"),
            "Picture" => paragraph(out, &format!("*\\[picture\\]* {text}")),
            "Footnote" => match footnote(&block.text) {
                Some((mark, rest)) if self.notes.get(&(block.page, mark.to_owned())) == Some(&block.id) => {
                    paragraph(out, &format!("{}: {}", reference(block.page, mark), escaped(rest)));
                }
                _ => paragraph(out, &unlike_markup(&text)),
            },
            _ => paragraph(out, &unlike_markup(&text)),
        }
    }

    /// Where it stands and in what its numbers are, then the rows.
    fn table(&self, out: &mut String, index: usize) {
        let table = &self.analysis.tables[index];
        let grid = Grid::new(table);
        let unit = unit_in_words(table);
        let unit = if unit.is_empty() { String::new() } else { format!(", {}", escaped(&unit)) };
        paragraph(out, &format!("*Table {} (page {}{unit})*", table.id, table.page));
        let columns = table.columns.max(1);
        let labels: Vec<String> = (0..columns).map(|column| escaped(&grid.column_label(column))).collect();
        end_list(out);
        line(out, &format!("| {} |", labels.join(" | ")));
        let rules: Vec<&str> = (0..columns)
            .map(|column| {
                let numbers = |cell: &&Cell| cell.column == column && cell.value.is_some();
                if table.cells.iter().any(|cell| numbers(&cell)) { "---:" } else { "---" }
            })
            .collect();
        line(out, &format!("|{}|", rules.join("|")));
        for row in table.header_rows..table.rows {
            let cells: Vec<String> = (0..columns)
                .map(|column| grid.at(row, column).map_or_else(String::new, |cell| self.cell(cell)))
                .collect();
            line(out, &format!("| {} |", cells.join(" | ")));
        }
        out.push('\n');
    }

    fn cell(&self, cell: &Cell) -> String {
        let mut text = escaped(&cell.text);
        for mark in &cell.notes {
            let known = self.notes.contains_key(&(cell.page, bare(mark).to_owned()));
            if known {
                text.push_str(&reference(cell.page, bare(mark)));
            } else {
                text.push(' ');
                text.push_str(&escaped(mark));
            }
        }
        text
    }
}

/// Facts and findings as YAML. Its texts are JSON strings, which YAML reads as they are.
fn front_matter(out: &mut String, analysis: &Analysis) {
    let document = &analysis.document;
    let text = |text: &str| json!(text).to_string();
    line(out, "---");
    line(out, &format!("document: {}", text(&document.path)));
    line(out, &format!("sha256: {}", text(&document.sha256)));
    if let Some(title) = document.metadata.get("title") {
        line(out, &format!("title: {}", text(title)));
    }
    line(out, &format!("status: {}", word(&analysis.status)));
    line(out, &format!("pages: {}", analysis.summary.pages));
    if let Some(sentiment) = &analysis.summary.sentiment {
        line(out, "sentences:");
        line(out, &format!("  all: {}", sentiment.sentences));
        line(out, &format!("  positive: {}", counted(sentiment, Tone::Positive)));
        line(out, &format!("  negative: {}", counted(sentiment, Tone::Negative)));
    }
    let audit = analysis.summary.audit;
    line(
        out,
        &format!("sums: {{checked: {}, hold: {}, broken: {}}}", audit.checked, audit.hold, audit.broken),
    );
    if analysis.anomalies.is_empty() {
        line(out, "findings: []");
    } else {
        line(out, "findings:");
    }
    for finding in &analysis.anomalies {
        line(out, &format!("  - severity: {}", word(&finding.severity)));
        line(out, &format!("    kind: {}", text(&finding.kind)));
        if let Some((page, _, _)) = place(finding) {
            line(out, &format!("    page: {page}"));
        }
        line(out, &format!("    message: {}", text(&finding.message)));
        if let Some(explanation) = &finding.explanation {
            line(out, &format!("    explanation: {}", text(explanation)));
        }
    }
    line(out, "---\n");
}

fn is_furniture(block: &Block) -> bool {
    matches!(block.label.as_str(), "Page-header" | "Page-footer")
}

/// Running heads differ by their page number.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_numeric() && !c.is_whitespace()).collect()
}

/// The mark without its brackets.
fn bare(mark: &str) -> &str {
    mark.trim_matches(['(', ')', '[', ']', ' '])
}

/// Mark and text of a footnote: `(1) Services include ...`, `* restated`.
fn footnote(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = if text.starts_with('(') {
        text.find(')')? + 1
    } else {
        text.find(|c: char| !(c.is_ascii_digit() || "*†‡§".contains(c)))?
    };
    let mark = bare(&text[..end]);
    let plausible = !mark.is_empty() && mark.chars().count() <= 3;
    plausible.then(|| (mark, text[end..].trim_start()))
}

/// `[^p3-1]`; a mark may be anything, so that what is no letter or digit is written as its number.
fn reference(page: u32, mark: &str) -> String {
    let mut name = format!("[^p{page}-");
    for c in mark.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else {
            let _ = write!(name, "u{:x}", u32::from(c));
        }
    }
    name + "]"
}

/// An item of a list: with its number where it has one, its bullet replaced.
fn list_item(out: &mut String, text: &str) {
    let (marker, rest) = marker(text);
    let rest = unlike_markup(&escaped(rest));
    let marker = if marker.is_empty() { "-" } else { marker };
    line(out, &format!("{marker} {rest}"));
}

/// The number of a list item (`2.`) and its text; a bullet is no number and left out.
pub fn marker(text: &str) -> (&str, &str) {
    let text = text.trim();
    let bullet = |c: char| "•◦▪■●○–—-*·‣⁃∙o".contains(c) || ('\u{e000}'..='\u{f8ff}').contains(&c);
    let Some((first, rest)) = text.split_once(' ') else { return ("", text) };
    if first.chars().count() == 1 && first.chars().all(bullet) {
        return ("", rest.trim_start());
    }
    let number = first.strip_suffix('.').unwrap_or_default();
    if (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return (first, rest.trim_start());
    }
    ("", text)
}

/// Ends a list, which has no empty line behind its last item.
fn end_list(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
}

fn paragraph(out: &mut String, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    end_list(out);
    out.push_str(text);
    out.push_str("\n\n");
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// The text on one line with everything escaped that Markdown, with tables and HTML, would take for markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_whitespace() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped.trim().to_owned()
}

/// An escaped text whose beginning is not taken for a heading, a list, a rule or a table.
fn unlike_markup(escaped: &str) -> String {
    let digits = escaped.len() - escaped.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if escaped.starts_with(['#', '+', '-', '=', ':']) {
        return format!("\\{escaped}");
    }
    if digits > 0 && escaped[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &escaped[..digits], &escaped[digits..]);
    }
    escaped.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_says_is_no_markup() {
        for (text, written) in [
            ("a*b_c`d", "a\\*b\\_c\\`d"),
            ("<script>x</script> & [y](z)", "&lt;script&gt;x&lt;/script&gt; &amp; \\[y\\](z)"),
            ("a | b\nc", "a \\| b c"),
        ] {
            assert_eq!(escaped(text), written);
        }
        for (text, written) in [
            ("# one", "\\# one"),
            ("- of which", "\\- of which"),
            ("12. Taxes", "12\\. Taxes"),
            ("=====", "\\====="),
            ("2024 was", "2024 was"),
        ] {
            assert_eq!(unlike_markup(&escaped(text)), written);
        }
    }

    #[test]
    fn lists_keep_their_numbers_and_lose_their_bullets() {
        let mut out = String::new();
        for text in ["• iPad Air;", "2. Second", "(a) first", "- minus", "o ring"] {
            list_item(&mut out, text);
        }
        paragraph(&mut out, "next");
        assert_eq!(out, "- iPad Air;\n2. Second\n- (a) first\n- minus\n- ring\n\nnext\n\n");
    }

    #[test]
    fn footnotes_have_a_mark() {
        assert_eq!(footnote("(1) Services include"), Some(("1", "Services include")));
        assert_eq!(footnote("* restated"), Some(("*", "restated")));
        assert_eq!(footnote("2Adjusted"), Some(("2", "Adjusted")));
        assert_eq!(footnote("Source: us"), None);
        assert_eq!(footnote("(see above) x"), None);
        assert_eq!(reference(3, "*"), "[^p3-u2a]");
    }
}
