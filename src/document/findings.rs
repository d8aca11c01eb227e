//! Scores and anomalies in the analysis.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analysis::{CellReference, Place, Rounded};
use super::geometry::BBox;
use super::round;

/// What one scoring network says about one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Name of the network: `risk_scorer`, `anomaly_detector`, ...
    pub network: String,
    /// What was scored.
    pub target: ScoreTarget,
    /// Calibrated score, 0 to 1.
    #[serde(serialize_with = "round::four")]
    pub score: f32,
    /// The class that the score is the probability of, for networks that tell several apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub class: Option<String>,
    /// Whether it is at or above the network's threshold.
    pub flagged: bool,
    /// Calibrated probability that this is right, 0 to 1: the score where it is flagged or a class is named, else one
    /// minus the score.
    #[serde(serialize_with = "round::four")]
    #[serde(default)]
    pub confidence: f32,
    /// The features that moved the score most, strongest first, by gradient times (input minus baseline).
    pub contributions: Vec<Contribution>,
    /// Sentences behind the score, strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub sentences: Vec<u32>,
    /// Cells behind the score, strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub cells: Vec<CellReference>,
    /// Places behind the score, strongest first, where they are neither sentences nor cells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub places: Vec<Place>,
}

/// The thing that was scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreTarget {
    /// The whole document.
    Document,
    /// A section by identifier.
    Section(u32),
    /// A page by number.
    Page(u32),
    /// A table by identifier.
    Table(u32),
}

/// One feature's part in a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contribution {
    /// Name of the feature.
    pub feature: String,
    /// Its value.
    #[serde(serialize_with = "round::four")]
    pub value: f32,
    /// How far it moved the score, in logits; positive raises it.
    #[serde(serialize_with = "round::four")]
    pub contribution: f32,
}

/// A finding that a reader should look at, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Anomaly {
    /// What was found: `footing`, `cross_footing`, `balance`, `tie_out`, `hidden_text`, ...
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence that says what does not fit.
    pub message: String,
    /// The formula that was checked, in words: `Total assets = Current assets + Non-current assets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub formula: Option<String>,
    /// The terms of the formula in order; the last one is the printed result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub terms: Vec<Term>,
    /// What the result should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub expected: Option<f64>,
    /// What is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub printed: Option<f64>,
    /// Printed minus expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub difference: Option<f64>,
    /// Largest difference that honest rounding can make here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// A single change that would make it fit: `two digits of 1,432 swapped`, `sign of (512)`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub explanation: Option<String>,
    /// Where it is, when there are no terms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Statistics behind it (p-value, sample size), by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[serde(default)]
    pub statistics: BTreeMap<String, Rounded>,
}

/// Severity of an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be looked at.
    Warning,
    /// A claimed relation is broken.
    Error,
}

/// A place with the text that stands there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Page and box.
    #[serde(flatten)]
    pub place: Place,
    /// Text as printed.
    pub text: String,
}

/// One term of a checked formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// Row label or sentence it stands in.
    pub name: String,
    /// Factor in the sum: 1 or -1 (or the divisor's -1 exponent for ratios, as the formula says).
    pub factor: i8,
    /// Text as printed.
    pub text: String,
    /// Value before the table's scale.
    pub value: f64,
    /// Page number, counted from 1.
    pub page: u32,
    /// Extent.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// The cell, when it is in a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub cell: Option<CellReference>,
    /// The sentence, when it is in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub sentence: Option<u32>,
}

/// A relation that the document claims, that was checked and that holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relation {
    /// `footing`, `cross_footing`, `balance`, `tie_out`, ...: as the kinds of findings.
    pub kind: String,
    /// The formula that was checked, in words.
    pub formula: String,
    /// The terms of the formula in order; the last one is the printed result.
    pub terms: Vec<RelationTerm>,
    /// What the result should be.
    pub expected: f64,
    /// What is printed.
    pub printed: f64,
    /// Largest difference that honest rounding can make here.
    pub tolerance: f64,
}

/// One term of a relation that holds: where it stands says the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelationTerm {
    /// Factor in the sum: 1 or -1.
    pub factor: i8,
    /// Value before the table's scale.
    pub value: f64,
    /// The cell, when it is in a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub cell: Option<CellReference>,
    /// Page and box, when it is not in a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default)]
    pub place: Option<Place>,
}

/// What the arithmetic audit can say of a document as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditVerdict {
    /// No relation was found to check: nothing is known, and nothing has passed.
    #[default]
    NothingChecked,
    /// Every relation that was checked holds; `covered` of `numbers` says how much that is.
    AllHold,
    /// At least one does not.
    SomeBroken,
}

/// Counts of the arithmetic audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditSummary {
    /// What the counts amount to.
    #[serde(default)]
    pub verdict: AuditVerdict,
    /// Relations that the document claims and that were checked.
    pub checked: u32,
    /// Those that hold within rounding.
    pub hold: u32,
    /// Those that do not.
    pub broken: u32,
    /// Numbers of tables that were in none of them because they can be read in two ways or are cut off.
    #[serde(default)]
    pub left_out: u32,
    /// Numbers in cells of tables.
    #[serde(default)]
    pub numbers: u32,
    /// Those that are in at least one checked relation.
    #[serde(default)]
    pub covered: u32,
}
