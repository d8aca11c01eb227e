//! The long tables: one definition of their columns for CSV, Parquet and the documentation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::tables::{Grid, periods_by_cell};
use crate::document::analysis::{AggregateSentiment, Analysis, Anomaly, Sentence, Severity};
use crate::document::findings::ScoreTarget;
use crate::document::round::round_to;
use crate::document::{BBox, Tone};

/// What a column holds. Any value may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit floating point.
    Number,
    /// True or false.
    Truth,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of [`Kind::Text`].
    Text(Cow<'a, str>),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Number`]; finite.
    Number(f64),
    /// Of [`Kind::Truth`].
    Truth(bool),
    /// Missing.
    None,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
}

/// What the rows are taken from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The analysis.
    pub analysis: &'a Analysis,
    /// Its path below the output folder.
    pub output: &'a str,
}

/// One long table.
pub struct LongTable {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub meaning: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// Hands each row of a document to `emit`, one value per column.
    pub rows: for<'a, 'b> fn(Source<'a>, &'b mut dyn FnMut(Vec<Value<'a>>)),
}

macro_rules! long_table {
    ($name:literal, $meaning:literal, |$source:ident, $row:pat_param| $rows:expr,
     $($column:literal $kind:ident $about:literal = $value:expr;)+) => {
        LongTable {
            name: $name,
            meaning: $meaning,
            columns: &[$(Column { name: $column, kind: Kind::$kind, meaning: $about }),+],
            rows: |$source, emit| {
                for $row in $rows {
                    emit(vec![$(Value::from($value)),+]);
                }
            },
        }
    };
}

/// All long tables, in the order of the documentation.
pub const TABLES: &[LongTable] = &[
    long_table!("documents", "one document", |source, analysis| [source.analysis],
        "document" Text "path as given on the command line or found below a folder that was given" = &analysis.document.path;
        "analysis" Text "the JSON that this comes from, below the output folder" = source.output;
        "sha256" Text "SHA-256 of the document in hexadecimal" = &analysis.document.sha256;
        "bytes" Integer "size of the document" = analysis.document.bytes;
        "media_type" Text "media type by content" = &analysis.document.media_type;
        "title" Text "title in the file's metadata" = analysis.document.metadata.get("title");
        "page_count" Integer "pages in the document, analyzed or not" = analysis.document.page_count;
        "status" Text "`ok`, `partial` or `failed`" = word(&analysis.status);
        "errors" Text "codes of its errors, with a space between them" = spaced(analysis.errors.iter().map(|error| error.code.as_str()));
        "pages" Integer "pages analyzed" = analysis.summary.pages;
        "words" Integer "words seen" = analysis.summary.words;
        "sections" Integer "sections found" = analysis.summary.sections;
        "sentences" Integer "sentences found" = analysis.summary.sentences;
        "figures" Integer "figures found" = analysis.summary.figures;
        "tables" Integer "tables found" = analysis.summary.tables;
        "entities" Integer "names found" = analysis.entities.len();
        "sentiment" Text "label with the highest mean probability" = analysis.summary.sentiment.as_ref().map(|sentiment| &sentiment.label);
        "sentiment_balance" Number "mean probability of positive minus negative, -1 to 1" = analysis.summary.sentiment.as_ref().map(|sentiment| four(sentiment.balance));
        "positive_sentences" Integer "sentences that are most probably positive" = analysis.summary.sentiment.as_ref().map(|sentiment| counted(sentiment, Tone::Positive));
        "negative_sentences" Integer "sentences that are most probably negative" = analysis.summary.sentiment.as_ref().map(|sentiment| counted(sentiment, Tone::Negative));
        "audit_verdict" Text "`nothing_checked`, `all_hold` or `some_broken`" = word(&analysis.summary.audit.verdict);
        "audit_checked" Integer "relations checked" = analysis.summary.audit.checked;
        "audit_hold" Integer "those that hold" = analysis.summary.audit.hold;
        "audit_broken" Integer "those that do not" = analysis.summary.audit.broken;
        "audit_numbers" Integer "numbers in tables" = analysis.summary.audit.numbers;
        "audit_covered" Integer "those in at least one checked relation" = analysis.summary.audit.covered;
        "audit_left_out" Integer "those in none because they can be read in two ways or are cut off" = analysis.summary.audit.left_out;
        "findings_error" Integer "findings of severity `error`" = of_severity(analysis, Severity::Error);
        "findings_warning" Integer "findings of severity `warning`" = of_severity(analysis, Severity::Warning);
        "findings_info" Integer "findings of severity `info`" = of_severity(analysis, Severity::Info);
        "needs_review" Integer "items whose confidence is below their review threshold" = analysis.summary.needs_review;
    ),
    long_table!("pages", "one page that was read", |source, page| &source.analysis.pages,
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "page" Integer "page number, from 1" = page.number;
        "label" Text "the page's own label (\"iv\")" = page.label.as_ref();
        "width_points" Number "width after rotation, in 1/72 inch" = two(page.width);
        "height_points" Number "height after rotation, in 1/72 inch" = two(page.height);
        "rotation_degrees" Integer "clockwise rotation applied" = page.rotation;
        "text_source" Text "where the words come from" = word(&page.text_source);
        "words" Integer "number of words" = page.words;
    ),
    long_table!("sections", "one section: a heading and what stands below it", |source, section| &source.analysis.sections,
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "section" Integer "identifier within the document" = section.id;
        "parent" Integer "the section that contains it" = section.parent;
        "level" Integer "depth; 0 for text before the first heading" = section.level;
        "title" Text "heading" = &section.title;
        "kind" Text "what kind of section it is" = section.kind.as_ref().map(|kind| &kind.label);
        "kind_confidence" Number "probability of the kind" = section.kind.as_ref().map(|kind| four(kind.confidence));
        "first_page" Integer "first page" = section.pages[0];
        "last_page" Integer "last page" = section.pages[1];
        "sentences" Integer "sentences with a sentiment, those of subsections included" = section.sentiment.as_ref().map(|sentiment| sentiment.sentences);
        "sentiment" Text "label with the highest mean probability" = section.sentiment.as_ref().map(|sentiment| &sentiment.label);
        "sentiment_balance" Number "mean probability of positive minus negative, -1 to 1" = section.sentiment.as_ref().map(|sentiment| four(sentiment.balance));
        "positive_sentences" Integer "sentences that are most probably positive" = section.sentiment.as_ref().map(|sentiment| counted(sentiment, Tone::Positive));
        "negative_sentences" Integer "sentences that are most probably negative" = section.sentiment.as_ref().map(|sentiment| counted(sentiment, Tone::Negative));
    ),
    long_table!("sentences", "one sentence", |source, sentence| &source.analysis.sentences,
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "sentence" Integer "identifier within the document, in reading order" = sentence.id;
        "section" Integer "the section it stands in" = sentence.section;
        "block" Integer "the block it starts in" = sentence.block;
        "page" Integer "the page it starts on" = sentence.page;
        "x0" Number "left edge on that page, in points" = BBox::around(&sentence.boxes).map(|bbox| two(bbox.x0));
        "y0" Number "top edge, from the top of the page" = BBox::around(&sentence.boxes).map(|bbox| two(bbox.y0));
        "x1" Number "right edge" = BBox::around(&sentence.boxes).map(|bbox| two(bbox.x1));
        "y1" Number "bottom edge" = BBox::around(&sentence.boxes).map(|bbox| two(bbox.y1));
        "text" Text "text" = &sentence.text;
        "sentiment" Text "most probable label" = sentence.sentiment.as_ref().map(|sentiment| &sentiment.label);
        "sentiment_confidence" Number "its probability" = sentence.sentiment.as_ref().map(|sentiment| four(sentiment.confidence));
        "positive" Number "probability of a positive label" = tone(sentence, Tone::Positive);
        "neutral" Number "probability of a neutral label" = tone(sentence, Tone::Neutral);
        "negative" Number "probability of a negative label" = tone(sentence, Tone::Negative);
        "needs_review" Truth "the confidence is below the review threshold" = sentence.sentiment.as_ref().map(|sentiment| sentiment.needs_review);
    ),
    long_table!("figures", "one amount, percentage, date, period or quantity", |source, (index, figure)| source.analysis.figures.iter().enumerate(),
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "figure" Integer "place among the document's figures, from 0" = index;
        "type" Text "MONEY, PER_SHARE, PERCENT, QUANTITY, NUMBER, DATE or PERIOD" = word(&figure.kind);
        "text" Text "as printed" = &figure.text;
        "value" Number "with sign and scale applied; missing for dates" = figure.value;
        "alternatives" Text "other readings of an ambiguous number, with a space between them" = spaced(figure.alternatives.iter().map(f64::to_string));
        "unit" Text "unit of a quantity" = figure.unit.as_ref();
        "currency" Text "ISO 4217" = figure.currency.as_ref();
        "scale" Integer "power of ten that was applied" = figure.scale;
        "period" Text "date or period, ISO 8601" = figure.period.as_ref();
        "sentence" Integer "the sentence it stands in" = figure.sentence;
        "heading_block" Integer "the heading it stands in, as a block" = figure.heading;
        "table" Integer "the table it stands in" = figure.cell.map(|cell| cell.table);
        "row" Integer "row of the table, from 0" = figure.cell.map(|cell| cell.row);
        "column" Integer "column of the table, from 0" = figure.cell.map(|cell| cell.column);
        "page" Integer "page number, from 1" = figure.page;
        "x0" Number "left edge, in points" = two(figure.bbox.x0);
        "y0" Number "top edge, from the top of the page" = two(figure.bbox.y0);
        "x1" Number "right edge" = two(figure.bbox.x1);
        "y1" Number "bottom edge" = two(figure.bbox.y1);
        "confidence" Number "probability that value, scale and sign are right" = four(figure.confidence);
        "needs_review" Truth "its scale or its reading is in doubt" = figure.needs_review;
    ),
    long_table!("entities", "one name", |source, (index, entity)| source.analysis.entities.iter().enumerate(),
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "entity" Integer "place among the document's names, from 0" = index;
        "type" Text "ORG, PER, LOC, METRIC, LAW, ... as the model's labels say" = &entity.kind;
        "text" Text "as printed" = &entity.text;
        "sentence" Integer "the sentence it stands in" = entity.sentence;
        "page" Integer "page number, from 1" = entity.page;
        "x0" Number "left edge of its first line, in points" = two(entity.bbox.x0);
        "y0" Number "top edge, from the top of the page" = two(entity.bbox.y0);
        "x1" Number "right edge" = two(entity.bbox.x1);
        "y1" Number "bottom edge" = two(entity.bbox.y1);
        "confidence" Number "probability" = four(entity.confidence);
        "needs_review" Truth "the confidence is below the review threshold" = entity.needs_review;
    ),
    long_table!("tables", "one table", |source, table| &source.analysis.tables,
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "table" Integer "identifier within the document" = table.id;
        "section" Integer "the section it stands in" = table.section;
        "caption" Text "caption, or the heading directly above" = table.caption.as_ref();
        "page" Integer "page of its first row" = table.page;
        "last_page" Integer "page of its last part" = table.continued.last().map_or(table.page, |part| part.page);
        "x0" Number "left edge on its first page, in points" = two(table.bbox.x0);
        "y0" Number "top edge, from the top of the page" = two(table.bbox.y0);
        "x1" Number "right edge" = two(table.bbox.x1);
        "y1" Number "bottom edge" = two(table.bbox.y1);
        "rows" Integer "number of rows" = table.rows;
        "columns" Integer "number of columns" = table.columns;
        "header_rows" Integer "rows of column headers at the top" = table.header_rows;
        "scale" Integer "power of ten stated for the table" = table.scale;
        "scale_from" Text "where the scale is stated" = table.scale_from.as_ref().map(word);
        "currency" Text "ISO 4217, stated for the table" = table.currency.as_ref();
    ),
    long_table!("cells", "one cell with content", |source, (grid, labels, periods, cell)| cells(source),
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "table" Integer "the table" = grid.table.id;
        "row" Integer "row, from 0" = cell.row;
        "column" Integer "column, from 0" = cell.column;
        "row_span" Integer "rows it spans" = cell.row_span;
        "column_span" Integer "columns it spans" = cell.column_span;
        "header" Truth "it heads a column or a row" = cell.header;
        "indent" Integer "indentation level of a row's label" = cell.indent;
        "row_label" Text "label of its row; missing for headers" = (!cell.header).then(|| grid.row_label(cell.row)).filter(|label| !label.is_empty());
        "column_label" Text "headers above its column; missing for headers" = (!cell.header).then(|| labels[cell.column as usize].clone()).filter(|label| !label.is_empty());
        "text" Text "as printed, footnote marks left out" = &cell.text;
        "notes" Text "footnote marks, with a space between them" = spaced(cell.notes.iter().map(String::as_str));
        "type" Text "MONEY, PER_SHARE, PERCENT, QUANTITY or NUMBER" = cell.value.as_ref().map(|value| word(&value.kind));
        "printed" Number "the printed number with its sign, before scale" = cell.value.as_ref().map(|value| value.printed);
        "value" Number "with scale applied" = cell.value.as_ref().map(|value| value.value);
        "decimals" Integer "decimals printed" = cell.value.as_ref().map(|value| value.decimals);
        "scale" Integer "power of ten that was applied" = cell.value.as_ref().map(|value| value.scale);
        "currency" Text "ISO 4217" = cell.value.as_ref().and_then(|value| value.currency.as_ref());
        "period" Text "date or period of the number, ISO 8601" = periods.get(&(grid.table.id, cell.row, cell.column)).copied();
        "nil" Truth "a dash that stands for zero or nil" = cell.value.as_ref().map(|value| value.nil);
        "alternatives" Text "other readings of an ambiguous number, before scale" = cell.value.as_ref().and_then(|value| spaced(value.alternatives.iter().map(f64::to_string)));
        "page" Integer "page number, from 1" = cell.page;
        "x0" Number "left edge, in points" = two(cell.bbox.x0);
        "y0" Number "top edge, from the top of the page" = two(cell.bbox.y0);
        "x1" Number "right edge" = two(cell.bbox.x1);
        "y1" Number "bottom edge" = two(cell.bbox.y1);
        "confidence" Number "probability that value, scale and sign are right" = cell.value.as_ref().map(|value| four(value.confidence));
        "needs_review" Truth "its scale or its reading is in doubt" = cell.value.as_ref().map(|value| value.needs_review);
    ),
    long_table!("findings", "one finding", |source, (index, finding)| source.analysis.anomalies.iter().enumerate(),
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "finding" Integer "place among the document's findings, from 0" = index;
        "kind" Text "`footing`, `balance`, `tie_out`, `hidden_text`, ..." = &finding.kind;
        "severity" Text "`error`, `warning` or `info`" = word(&finding.severity);
        "message" Text "what does not fit" = &finding.message;
        "formula" Text "the formula that was checked, in words" = finding.formula.as_ref();
        "expected" Number "what the result should be" = finding.expected;
        "printed" Number "what is printed" = finding.printed;
        "difference" Number "printed minus expected" = finding.difference;
        "tolerance" Number "largest difference that honest rounding can make" = finding.tolerance;
        "explanation" Text "a single change that would make it fit" = finding.explanation.as_ref();
        "page" Integer "page of the printed result, or of the first piece of evidence" = place(finding).map(|(page, _, _)| page);
        "x0" Number "left edge there, in points" = place(finding).map(|(_, bbox, _)| two(bbox.x0));
        "y0" Number "top edge, from the top of the page" = place(finding).map(|(_, bbox, _)| two(bbox.y0));
        "x1" Number "right edge" = place(finding).map(|(_, bbox, _)| two(bbox.x1));
        "y1" Number "bottom edge" = place(finding).map(|(_, bbox, _)| two(bbox.y1));
        "text" Text "what is printed there" = place(finding).map(|(_, _, text)| text);
    ),
    long_table!("scores", "what one network says of one thing", |source, score| &source.analysis.scores,
        "document" Text "path as in `documents`" = &source.analysis.document.path;
        "network" Text "`risk_scorer`, `anomaly_detector`, ..." = &score.network;
        "target" Text "`document`, `section`, `page` or `table`" = target(score.target).0;
        "target_id" Integer "section or table identifier, or page number" = target(score.target).1;
        "score" Number "calibrated score, 0 to 1" = four(score.score);
        "class" Text "the class that the score is the probability of" = score.class.as_ref();
        "flagged" Truth "it is at or above the network's threshold" = score.flagged;
        "confidence" Number "probability that this is right" = four(score.confidence);
        "contributions" Text "features that moved it most, strongest first: name=value (logits)" = contributions(score);
    ),
];

type CellRow<'a> = (
    std::rc::Rc<Grid<'a>>,
    std::rc::Rc<Vec<String>>,
    std::rc::Rc<BTreeMap<(u32, u32, u32), &'a str>>,
    &'a crate::document::analysis::Cell,
);

fn cells<'a>(source: Source<'a>) -> impl Iterator<Item = CellRow<'a>> {
    let periods = std::rc::Rc::new(periods_by_cell(source.analysis));
    source.analysis.tables.iter().flat_map(move |table| {
        let grid = std::rc::Rc::new(Grid::new(table));
        // A cell may claim to stand beyond the last column.
        let columns = table.cells.iter().map(|cell| cell.column + 1).max().unwrap_or(0);
        let labels =
            std::rc::Rc::new((0..columns).map(|column| grid.column_label(column)).collect::<Vec<_>>());
        let periods = std::rc::Rc::clone(&periods);
        table.cells.iter().map(move |cell| {
            (std::rc::Rc::clone(&grid), std::rc::Rc::clone(&labels), std::rc::Rc::clone(&periods), cell)
        })
    })
}

/// A number with four decimals, as model numbers have them.
pub fn four(value: f32) -> f64 {
    round_to(f64::from(value), 4)
}

/// A length with two decimals.
fn two(value: f32) -> f64 {
    round_to(f64::from(value), 2)
}

/// The name of an enumerated value in the JSON contract.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("an enumerated value is a word, not {other:?}"),
    }
}

/// Words with a space between them; `None` of none.
fn spaced<T: AsRef<str>>(words: impl Iterator<Item = T>) -> Option<String> {
    let words: Vec<T> = words.collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Sentences of this tone.
pub fn counted(sentiment: &AggregateSentiment, tone: Tone) -> u32 {
    let alike = sentiment.counts.iter().filter(|(label, _)| Tone::of(label) == Some(tone));
    alike.map(|(_, count)| count).sum()
}

fn tone(sentence: &Sentence, tone: Tone) -> Option<f64> {
    sentence.sentiment.as_ref().map(|sentiment| four(sentiment.probability_of(tone)))
}

fn of_severity(analysis: &Analysis, severity: Severity) -> usize {
    analysis.anomalies.iter().filter(|anomaly| anomaly.severity == severity).count()
}

/// Page, box and text of a finding: of the printed result, or of the first piece of evidence.
pub fn place(finding: &Anomaly) -> Option<(u32, BBox, &str)> {
    let term = finding.terms.last().map(|term| (term.page, term.bbox, term.text.as_str()));
    term.or_else(|| {
        let first = finding.evidence.first()?;
        Some((first.place.page, first.place.bbox, first.text.as_str()))
    })
}

fn target(target: ScoreTarget) -> (&'static str, Option<u32>) {
    match target {
        ScoreTarget::Document => ("document", None),
        ScoreTarget::Section(id) => ("section", Some(id)),
        ScoreTarget::Page(number) => ("page", Some(number)),
        ScoreTarget::Table(id) => ("table", Some(id)),
    }
}

fn contributions(score: &crate::document::analysis::Score) -> Option<String> {
    let parts = score
        .contributions
        .iter()
        .map(|part| format!("{}={} ({:+})", part.feature, four(part.value), four(part.contribution)));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::None }
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

macro_rules! integers {
    ($($integer:ty)+) => {
        $(impl From<$integer> for Value<'_> {
            fn from(number: $integer) -> Self {
                Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
            }
        })+
    };
}

integers!(u16 u32 i32 u64 usize);

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// The columns of all long tables as Markdown.
    fn documentation() -> String {
        let mut text = String::new();
        for table in TABLES {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "### `{}`: {}\n\n| column | type | meaning |\n|---|---|---|\n",
                table.name, table.meaning
            );
            for column in table.columns {
                let kind = match column.kind {
                    Kind::Text => "text",
                    Kind::Integer => "integer",
                    Kind::Number => "number",
                    Kind::Truth => "truth",
                };
                let _ = writeln!(text, "| `{}` | {kind} | {} |", column.name, column.meaning);
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_documentation_has_the_columns() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exports.md");
        let text = std::fs::read_to_string(path).unwrap();
        let documentation = documentation();
        assert!(text.contains(documentation.trim_end()), "docs/exports.md must contain:\n{documentation}");
    }

    #[test]
    fn values_that_are_no_number_are_missing() {
        assert_eq!(Value::from(f64::NAN), Value::None);
        assert_eq!(Value::from(Some(u64::MAX)), Value::Integer(i64::MAX));
        assert_eq!(spaced(std::iter::empty::<&str>()), None);
    }
}
