//! Tables in the analysis.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analysis::FigureKind;
use super::geometry::BBox;
use super::round;

/// A table; one that continues on further pages is a single table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Identifier within the document, counted from 0.
    pub id: u32,
    /// The blocks it was read from.
    pub blocks: Vec<u32>,
    /// The section it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub section: Option<u32>,
    /// Caption or the heading directly above.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub caption: Option<String>,
    /// Page of its first row.
    pub page: u32,
    /// Extent on that page.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Its parts on further pages, in order, where it continues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub continued: Vec<TablePart>,
    /// Number of rows.
    pub rows: u32,
    /// Number of columns.
    pub columns: u32,
    /// Rows of column headers at the top.
    pub header_rows: u32,
    /// Power of ten stated for the table ("in millions"): 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub scale: Option<i32>,
    /// Where the scale is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub scale_from: Option<UnitSource>,
    /// ISO 4217 code stated for the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub currency: Option<String>,
    /// Date or period of each column, ISO 8601, where its header states one.
    pub column_periods: Vec<Option<String>>,
    /// Cells with content, row by row.
    pub cells: Vec<Cell>,
}

/// Where the scale of a table's numbers is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitSource {
    /// In the table, or in the lines above it.
    Table,
    /// In a running head or foot of its page.
    Page,
    /// Under the same heading.
    Heading,
    /// In a title line further up that governs what follows, such as that of the notes.
    Part,
    /// In a sentence about the whole document.
    Document,
    /// Nowhere: most other tables have it, and the table's numbers do not speak against it.
    OtherTables,
}

/// The part of a table on one further page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TablePart {
    /// Page number, counted from 1.
    pub page: u32,
    /// Extent on that page, a repeated header included.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// The table's first row on that page.
    pub first_row: u32,
    /// Header rows that the page repeats; they are left out of the cells.
    pub repeated_header_rows: u32,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Row, counted from 0.
    pub row: u32,
    /// Column, counted from 0.
    pub column: u32,
    /// Rows it spans.
    pub row_span: u32,
    /// Columns it spans.
    pub column_span: u32,
    /// Whether it is a header of columns or of rows (the stub).
    pub header: bool,
    /// Indentation level of a stub cell, counted from 0.
    #[serde(skip_serializing_if = "is_zero")]
    #[serde(default)]
    pub indent: u32,
    /// Page number, counted from 1.
    pub page: u32,
    /// Extent.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Text as printed, lines joined by one space, footnote marks left out.
    pub text: String,
    /// Footnote marks that were split off ("(1)", "*").
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub notes: Vec<String>,
    /// The number in it, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub value: Option<CellValue>,
}

/// The number in a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellValue {
    /// MONEY, PER_SHARE, PERCENT, QUANTITY or NUMBER.
    #[serde(rename = "type")]
    pub kind: FigureKind,
    /// The printed number with its sign, before the table's scale.
    pub printed: f64,
    /// Value with scale applied.
    pub value: f64,
    /// Decimals printed.
    pub decimals: u32,
    /// Power of ten applied.
    pub scale: i32,
    /// ISO 4217 currency code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub currency: Option<String>,
    /// Whether it is a dash that stands for zero or nil.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(default)]
    pub nil: bool,
    /// Other readings of an ambiguous number, before scale.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub alternatives: Vec<f64>,
    /// Probability that value, scale and sign are right, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub confidence: f32,
    /// Whether its scale or its reading is in doubt.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[serde(default)]
    pub needs_review: bool,
    /// Date or period of the number, ISO 8601; its figure states it in the output.
    #[serde(skip)]
    pub period: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(value: &u32) -> bool {
    *value == 0
}
