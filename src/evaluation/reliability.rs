//! Whether confidences mean what they say: the confidence of figures and names against how often they are right.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::rows::named_values;
use crate::document::analysis::Figure;
use crate::scoring::features::{self, FeatureSet};
use docproc_networks::metrics;

const BINS: usize = 15;

/// One figure at the place of a fact.
#[derive(Clone, Debug)]
pub struct FigureOutcome {
    /// Document that it was read in.
    pub document: String,
    /// Group that is kept together.
    pub group: String,
    /// Where it was read: `cell` or `sentence`.
    pub read_in: &'static str,
    /// Features of the set `figures`.
    pub features: Vec<f32>,
    /// What docproc says the probability is that it is right.
    pub confidence: f32,
    /// Whether nothing that it states is wrong: value, scale, sign, kind, currency, period.
    pub right: bool,
}

impl FigureOutcome {
    /// A row of training data for `docproc train confidence_estimator`.
    #[must_use]
    pub fn row(&self) -> String {
        row(&features::figures::set(), &self.document, &self.group, self.read_in, self.right, &self.features)
    }
}

/// One name that the model marked, of a type that the data labels.
#[derive(Clone, Debug, PartialEq)]
pub struct NameOutcome {
    /// Group that is kept together.
    pub group: String,
    /// Its type.
    pub kind: String,
    /// Features of the set `entities`.
    pub features: Vec<f32>,
    /// What docproc says the probability is that it is right.
    pub confidence: f32,
    /// Whether its words and its type are right.
    pub right: bool,
}

impl NameOutcome {
    /// A row of training data for `docproc train name_confidence`.
    #[must_use]
    pub fn row(&self) -> String {
        row(&features::entities::set(), &self.group, &self.group, &self.kind, self.right, &self.features)
    }
}

fn row(set: &FeatureSet, document: &str, group: &str, part: &str, right: bool, features: &[f32]) -> String {
    json!({
        "set": format!("{}/{}", set.id.name, set.id.version),
        "document": document,
        "group": group,
        "part": part,
        "label": u8::from(right),
        "features": named_values(&set.names(), features),
    })
    .to_string()
}

pub(super) fn read_in(figure: &Figure) -> &'static str {
    if figure.cell.is_some() { "cell" } else { "sentence" }
}

/// Confidence against truth over some figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reliability {
    /// Figures at the place of a fact.
    pub n: usize,
    /// Share of right ones.
    pub right: f64,
    /// Mean confidence.
    pub confidence: f64,
    /// Expected calibration error, 15 bins.
    pub calibration_error: f64,
    /// Mean squared error.
    pub brier: f64,
    /// Mean negative log probability of what is the case.
    pub log_loss: f64,
}

impl Reliability {
    pub(super) fn of(scored: &[(f64, bool)]) -> Self {
        let n = scored.len();
        // The mean over nothing; sums of no numbers are -0.0.
        if n == 0 {
            return Self::default();
        }
        let mean = |of: &dyn Fn(&(f64, bool)) -> f64| scored.iter().map(of).sum::<f64>() / n as f64;
        Self {
            n,
            right: mean(&|(_, right)| f64::from(u8::from(*right))),
            confidence: mean(&|(confidence, _)| *confidence),
            calibration_error: metrics::expected_calibration_error(scored, BINS),
            brier: metrics::brier(scored),
            log_loss: metrics::log_loss(scored),
        }
    }
}

/// By where figures were read, and `all`.
pub(super) fn reliability(outcomes: &[FigureOutcome]) -> BTreeMap<&'static str, Reliability> {
    let mut parts: BTreeMap<&'static str, Vec<(f64, bool)>> = BTreeMap::new();
    for outcome in outcomes {
        for part in [outcome.read_in, "all"] {
            parts.entry(part).or_default().push((f64::from(outcome.confidence), outcome.right));
        }
    }
    parts.into_iter().map(|(part, scored)| (part, Reliability::of(&scored))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_confidence_with_what_is_right() {
        let outcome = |read_in, confidence, right| FigureOutcome {
            document: "a.pdf".into(),
            group: "a".into(),
            read_in,
            features: vec![f32::NAN; features::figures::set().len()],
            confidence,
            right,
        };
        let outcomes =
            [outcome("cell", 1.0, true), outcome("cell", 1.0, false), outcome("sentence", 0.5, true)];
        let found = reliability(&outcomes);
        assert_eq!((found["cell"].n, found["cell"].right, found["all"].n), (2, 0.5, 3));
        assert!((found["cell"].calibration_error - 0.5).abs() < 1e-12);
        let row: serde_json::Value = serde_json::from_str(&outcomes[1].row()).unwrap();
        assert_eq!((row["label"].as_u64(), row["part"].as_str()), (Some(0), Some("cell")));
        assert!(row["features"].as_object().unwrap().is_empty());
    }
}
