//! The analysis of one document: the JSON contract, written as `<path>.<ext>.json`.
//!
//! `docproc schema` derives the published JSON Schema from these types. Boxes are in PDF points, origin top left,
//! after page rotation. Nothing in here depends on time, machine or order of work: the same bytes, models and
//! configuration give the same analysis.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::geometry::BBox;
use super::page::{PictureKind, TextSource};
use super::round;
use crate::error::{Error, ErrorCode};

pub use super::findings::{Anomaly, AuditSummary, AuditVerdict, Relation, Score, Severity};
pub use super::tables::{Cell, CellValue, Table, TablePart, UnitSource};

/// Version of the JSON contract (semantic versioning: a major step may break readers, a minor step adds).
pub const SCHEMA_VERSION: &str = "1.4.0";

/// Everything docproc says about one document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "docproc analysis")]
pub struct Analysis {
    /// Version of this contract.
    pub schema_version: String,
    /// The program that wrote it.
    pub tool: Tool,
    /// The input.
    pub document: DocumentInfo,
    /// Whether all, some or none of the document was analyzed.
    pub status: Status,
    /// What went wrong, in page order; empty when `status` is `ok`.
    pub errors: Vec<Problem>,
    /// The models whose predictions are in here.
    pub models: Vec<ModelInfo>,
    /// Pages that were read, in order.
    pub pages: Vec<PageInfo>,
    /// Layout blocks in reading order.
    pub blocks: Vec<Block>,
    /// Sections in reading order; a section's parent comes before it.
    pub sections: Vec<Section>,
    /// Sentences in reading order, with their sentiment.
    pub sentences: Vec<Sentence>,
    /// Named things in the text.
    pub entities: Vec<Entity>,
    /// Amounts, percentages, dates and quantities with their normalized values.
    pub figures: Vec<Figure>,
    /// Tables with their cells.
    pub tables: Vec<Table>,
    /// What the scoring networks say, with the evidence behind each score.
    pub scores: Vec<Score>,
    /// Findings: arithmetic that does not hold, hidden text, and the like.
    pub anomalies: Vec<Anomaly>,
    /// Relations that the arithmetic audit checked and that hold, in the order of the tables.
    #[serde(default)]
    pub relations: Vec<Relation>,
    /// Totals over the document.
    pub summary: Summary,
}

/// The program and its version.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Always `docproc`.
    pub name: String,
    /// Package version.
    pub version: String,
}

/// The input document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentInfo {
    /// Path as given on the command line, or found below a folder that was given; `-` is standard input.
    pub path: String,
    /// SHA-256 of the bytes in hexadecimal; empty when the file could not be read.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Media type by content, `application/octet-stream` when unknown.
    pub media_type: String,
    /// Pages in the document, analyzed or not.
    pub page_count: u32,
    /// PDF metadata that is present: title, author, subject, keywords, creator, producer, creation date,
    /// modification date.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Outcome for the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every page that was asked for was analyzed.
    #[default]
    Ok,
    /// Some pages are missing; `errors` says which and why.
    Partial,
    /// Nothing was analyzed; `errors` says why.
    Failed,
}

/// One error in the analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Stable code.
    pub code: ErrorCode,
    /// What happened and what to do about it.
    pub message: String,
    /// Page number, counted from 1, when the problem is one page's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub page: Option<u32>,
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self { code: error.code(), message: error.explanation(), page: error.culprit().page }
    }
}

/// A model that took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    /// What it is used for: `layout`, `text` or the name of a scoring network.
    pub role: String,
    /// Name of its bundle.
    pub name: String,
    /// SHA-256 of the model file in hexadecimal; where its weights lie in data files beside it, of the list of all of
    /// these files as `sha256sum` prints it.
    pub sha256: String,
    /// Number format of its weights: `fp32`, `fp16` or `int8`.
    pub precision: String,
}

/// One page.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PageInfo {
    /// Page number, counted from 1.
    pub number: u32,
    /// The page's own label ("iv"), where the file has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub label: Option<String>,
    /// Width in points after rotation.
    #[serde(serialize_with = "round::two")]
    pub width: f32,
    /// Height in points after rotation.
    #[serde(serialize_with = "round::two")]
    pub height: f32,
    /// Clockwise rotation applied, in degrees.
    pub rotation: u16,
    /// Where the words come from.
    pub text_source: TextSource,
    /// Why that source was chosen.
    pub text_source_reason: String,
    /// Number of words.
    pub words: u32,
}

/// A layout block: consecutive words that belong together under one label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// Identifier within the document, counted from 0 in reading order.
    pub id: u32,
    /// Page number, counted from 1.
    pub page: u32,
    /// Layout label; the default model has DocLayNet's eleven.
    pub label: String,
    /// Calibrated probability of the label, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub confidence: f32,
    /// Whether the confidence is below the model's review threshold.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(default)]
    pub needs_review: bool,
    /// Extent.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Text with words separated by one space; words split at line ends are joined.
    pub text: String,
    /// Position in the reading order of its page, counted from 0.
    pub order: u32,
    /// What a picture shows: `photograph`, `chart`, `drawing`, `logo` or `text`, as far as its tones and shapes tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub kind: Option<PictureKind>,
    /// Where its words come from, where that is not where those of most of the page come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub text_source: Option<TextSource>,
}

/// A section: a heading and what stands below it until the next heading of the same or a higher level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// Identifier within the document, counted from 0.
    pub id: u32,
    /// Heading; empty for what comes before the first heading.
    pub title: String,
    /// Depth: 0 for text before the first heading, 1 for the document's title and top-level headings, and so on.
    pub level: u32,
    /// The section that contains this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub parent: Option<u32>,
    /// What kind of section it is (risk_factors, mda, balance_sheet, ...), where the text model says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub kind: Option<SectionKind>,
    /// First and last page.
    pub pages: [u32; 2],
    /// Identifiers of its own blocks (heading included), without those of its subsections.
    pub blocks: Vec<u32>,
    /// Sentiment over its own sentences and those of its subsections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub sentiment: Option<AggregateSentiment>,
}

/// Predicted kind of a section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionKind {
    /// Name of the kind.
    pub label: String,
    /// Calibrated probability, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub confidence: f32,
}

/// One sentence with its place and sentiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentence {
    /// Identifier within the document, counted from 0 in reading order.
    pub id: u32,
    /// The section it stands in.
    pub section: u32,
    /// The block it starts in.
    pub block: u32,
    /// The page it starts on.
    pub page: u32,
    /// One box per line on that page.
    pub boxes: Vec<BBox>,
    /// The rest of a sentence that runs over to another page.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub continues: Vec<Place>,
    /// Text.
    pub text: String,
    /// Sentiment; absent when no text model is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub sentiment: Option<Sentiment>,
}

/// A box on a page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Page number, counted from 1.
    pub page: u32,
    /// Extent.
    #[serde(rename = "box")]
    pub bbox: BBox,
}

/// Sentiment of one sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentiment {
    /// The most probable label.
    pub label: String,
    /// Its calibrated probability, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub confidence: f32,
    /// Calibrated probability of every label; they add up to 1 before rounding.
    pub probabilities: BTreeMap<String, Rounded>,
    /// Whether the confidence is below the model's review threshold.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(default)]
    pub needs_review: bool,
}

/// A number written with 4 decimals.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Rounded(#[serde(serialize_with = "round::four")] pub f32);

/// Sentiment of a section or a document: the mean of its sentences' probabilities, each sentence weighted by
/// its number of words, and the balance of that mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AggregateSentiment {
    /// The label with the highest mean probability.
    pub label: String,
    /// Mean probability per label, weighted by words.
    pub probabilities: BTreeMap<String, Rounded>,
    /// Mean probability of the labels that mean something positive minus that of the negative ones, -1 to 1; 0 for
    /// label sets without both.
    #[serde(serialize_with = "round::four")]
    pub balance: f32,
    /// Number of sentences behind it.
    pub sentences: u32,
    /// Sentences per label, by the most probable label of each.
    #[serde(default)]
    pub counts: BTreeMap<String, u32>,
}

/// A named thing in the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Type: ORG, PER, LOC, METRIC, LAW, ... as the model's labels say.
    #[serde(rename = "type")]
    pub kind: String,
    /// Text as printed.
    pub text: String,
    /// The sentence it stands in.
    pub sentence: u32,
    /// Page number, counted from 1.
    pub page: u32,
    /// Extent of its first line.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Calibrated probability, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub confidence: f32,
    /// Whether the confidence is below the model's review threshold.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(default)]
    pub needs_review: bool,
}

/// An amount, percentage, date, period or quantity, parsed from text by rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// MONEY, PERCENT, QUANTITY, DATE, PERIOD, PER_SHARE or NUMBER.
    #[serde(rename = "type")]
    pub kind: FigureKind,
    /// Text as printed.
    pub text: String,
    /// Value with sign and scale applied: `$(1.2) billion` is -1200000000; absent for dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub value: Option<f64>,
    /// Other readings of an ambiguous number ("1.234"), with the same scale applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub alternatives: Vec<f64>,
    /// Unit of a quantity: shares, employees, barrels, years, basis points, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub unit: Option<String>,
    /// ISO 4217 currency code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub currency: Option<String>,
    /// Power of ten by which the printed number was multiplied: 6 for "million".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub scale: Option<i32>,
    /// The date or period, ISO 8601: `2024-12-31` or `2024-01-01/2024-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub period: Option<String>,
    /// The sentence it stands in; absent for table cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub sentence: Option<u32>,
    /// The heading it stands in, as a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub heading: Option<u32>,
    /// The table it stands in, with row and column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub cell: Option<CellReference>,
    /// Page number, counted from 1.
    pub page: u32,
    /// Extent of its first line.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Probability that value, scale and sign are right, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub confidence: f32,
    /// Whether its scale or its reading is in doubt.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(default)]
    pub needs_review: bool,
}

/// Kinds of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FigureKind {
    /// An amount of a currency.
    Money,
    /// An amount of a currency per share.
    PerShare,
    /// A percentage; `value` is in percent.
    Percent,
    /// A number of something.
    Quantity,
    /// A bare number.
    Number,
    /// A day, month, quarter or year.
    Date,
    /// A span of time.
    Period,
}

/// A cell of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CellReference {
    /// Table identifier.
    pub table: u32,
    /// Row, counted from 0.
    pub row: u32,
    /// Column, counted from 0.
    pub column: u32,
}

/// Totals over the document.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Pages analyzed.
    pub pages: u32,
    /// Words seen.
    pub words: u64,
    /// Blocks per label.
    pub blocks: BTreeMap<String, u32>,
    /// Sections found.
    pub sections: u32,
    /// Sentences found.
    pub sentences: u32,
    /// Sentiment of the whole document.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub sentiment: Option<AggregateSentiment>,
    /// The sentences that are most probably positive, by identifier, strongest first; at most five, and only such whose
    /// most probable label is a positive one.
    #[serde(default)]
    pub most_positive: Vec<u32>,
    /// The sentences that are most probably negative, likewise.
    #[serde(default)]
    pub most_negative: Vec<u32>,
    /// Mean of the sentences' embeddings, weighted by words, of length 1; absent where the text model makes none. Only
    /// embeddings of the same text model compare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub embedding: Vec<Rounded>,
    /// Entities per type.
    pub entities: BTreeMap<String, u32>,
    /// Figures found.
    pub figures: u32,
    /// Tables found.
    pub tables: u32,
    /// What the arithmetic audit did.
    pub audit: AuditSummary,
    /// Items whose confidence is below their review threshold.
    pub needs_review: u32,
}
