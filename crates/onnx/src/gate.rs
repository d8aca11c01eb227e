//! The judgement: is the result good enough to be written?

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use docproc_error::{Error, ErrorCode};

use super::options::GateOptions;
use super::report::{LayerChoice, LayerPrecision, OutputAgreement, QuantizeReport, TaskMetric};

/// Layers named in a refusal.
const BLAMED: usize = 5;

/// Every reason against the result. The task's metric decides where there is one: agreement of outputs is a
/// stand-in for it.
#[must_use]
pub fn objections(
    options: &GateOptions,
    agreement: &BTreeMap<String, OutputAgreement>,
    metric: Option<&[TaskMetric; 2]>,
) -> Vec<String> {
    if let Some([before, after]) = metric {
        let drop = before.value - after.value;
        // Written so that a metric that is not a number is refused.
        return match drop <= options.max_drop {
            true => Vec::new(),
            false => vec![format!(
                "{} fell from {:.2} to {:.2} points; --max-drop allows {}",
                before.name, before.value, after.value, options.max_drop
            )],
        };
    }
    let mut found = Vec::new();
    for (name, output) in agreement {
        if output.cosine_mean < options.min_cosine {
            found.push(format!(
                "output {name}: cosine similarity {:.5} is below {}",
                output.cosine_mean, options.min_cosine
            ));
        }
        // Of few rows one may always differ more: 31 of 32 are 97 %, as far as 32 rows can tell.
        let same = output.argmax_agreement * output.rows as f64;
        if decides(name) && same + 0.5 < (options.min_argmax_agreement * output.rows as f64).floor() {
            found.push(format!(
                "output {name}: {:.2} % of {} rows have the same largest element, {:.2} % are needed",
                100.0 * output.argmax_agreement,
                output.rows,
                100.0 * options.min_argmax_agreement
            ));
        }
        if !output.max_difference.is_finite() {
            found.push(format!("output {name}: values that are not finite"));
            continue;
        }
        if output.relative_difference > options.max_difference {
            found.push(format!(
                "output {name}: the largest difference is {:.4} of the largest value; --max-difference allows {}",
                output.relative_difference, options.max_difference
            ));
        }
        // Written so that a ratio that is not a number is refused.
        let within = |ratio: f64| (ratio - 1.0).abs() <= options.max_norm_change;
        if !within(output.norm_ratio) {
            found.push(format!(
                "output {name}: values are {:.4} times as large; --max-norm-change allows {}",
                output.norm_ratio, options.max_norm_change
            ));
        }
    }
    found
}

/// The objection to a result in which every layer is as before.
#[must_use]
pub fn nothing_changed(layers: &[LayerChoice]) -> Option<String> {
    if layers.is_empty() {
        return Some("there is nothing to quantise: no constant that this mode changes".to_owned());
    }
    let reasons: BTreeSet<&str> = layers.iter().filter_map(|layer| layer.reason.as_deref()).collect();
    let reasons = Vec::from_iter(reasons).join("; ");
    let float = layers.iter().all(|layer| layer.precision == LayerPrecision::Float32);
    float.then(|| format!("nothing was quantised: all {} layers stay in float ({reasons})", layers.len()))
}

/// Whether the largest element of an output decides something; that of a hidden state or a sentence's vector does not.
fn decides(output: &str) -> bool {
    !["hidden", "embedding", "pooler", "pooled"].iter().any(|vector| output.contains(vector))
}

impl QuantizeReport {
    /// The error of a result that was not written: `quantize.gate` with the reasons and the layers to blame.
    #[must_use]
    pub fn refusal(&self) -> Option<Error> {
        if self.objections.is_empty() || !self.files.is_empty() {
            return None;
        }
        let mut message = self.objections.join("; ");
        let worst = self.worst_layers();
        if !worst.is_empty() {
            message.push_str("; most affected layers: ");
            message.push_str(&worst.join(", "));
        }
        let changed = self.layers.iter().any(|layer| layer.precision != LayerPrecision::Float32);
        Some(Error::new(ErrorCode::QuantizeGate, message).help(match changed {
            true => "leave them out with --exclude, set --budget-metric, or write anyway with --force",
            false => "use the model as it is, or write it anyway with --force",
        }))
    }

    /// Names and cosine similarity of the quantised layers that changed most, worst first.
    fn worst_layers(&self) -> Vec<String> {
        let mut layers: Vec<(f64, &str)> =
            self.layers.iter().filter_map(|layer| Some((layer.cosine?, layer.node.as_str()))).collect();
        layers.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(right.1)));
        layers.iter().take(BLAMED).map(|(cosine, name)| format!("{name} ({cosine:.4})")).collect()
    }

    /// Where the report of a model lies: `<output>.report.json`.
    #[must_use]
    pub fn path_beside(output: &Path) -> PathBuf {
        let mut name = output.file_name().unwrap_or_default().to_os_string();
        name.push(".report.json");
        output.with_file_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Mode;

    fn agreement(cosine: f64, argmax: f64) -> BTreeMap<String, OutputAgreement> {
        let output = OutputAgreement {
            cosine_mean: cosine,
            cosine_min: cosine,
            argmax_agreement: argmax,
            rows: 10,
            max_difference: 0.1,
            relative_difference: 0.02,
            norm_ratio: 1.01,
        };
        BTreeMap::from([("logits".to_owned(), output)])
    }

    fn metric(value: f64) -> TaskMetric {
        TaskMetric { name: "macro_f1".into(), value, interval: [value - 1.0, value + 1.0], items: 100 }
    }

    #[test]
    fn agreement_decides_without_a_metric() {
        let options = GateOptions::new(Mode::Fp16);
        assert!(objections(&options, &agreement(0.999, 1.0), None).is_empty());
        assert_eq!(objections(&options, &agreement(0.5, 0.5), None).len(), 2);
    }

    #[test]
    fn size_counts_where_the_direction_is_right() {
        let judge = |mode, relative_difference, norm_ratio| {
            let output =
                OutputAgreement { relative_difference, norm_ratio, ..agreement(1.0, 1.0)["logits"].clone() };
            objections(&GateOptions::new(mode), &BTreeMap::from([("logits".to_owned(), output)]), None).len()
        };
        assert_eq!(judge(Mode::Fp16, 59.0, 60.0), 2);
        assert_eq!((judge(Mode::Fp16, 0.06, 1.0), judge(Mode::Dynamic, 0.06, 1.0)), (1, 0));
        assert_eq!((judge(Mode::Dynamic, 0.3, 0.85), judge(Mode::Dynamic, 0.3, f64::NAN)), (1, 1));
    }

    #[test]
    fn vectors_decide_nothing_and_few_rows_may_hold_one_other_decision() {
        let options = GateOptions::new(Mode::Fp16);
        let with = |name: &str, argmax: f64, rows: u64| {
            let output = OutputAgreement { rows, ..agreement(0.999, argmax)["logits"].clone() };
            objections(&options, &BTreeMap::from([(name.to_owned(), output)]), None).len()
        };
        assert_eq!(with("sentence_embedding", 0.75, 32), 0);
        assert_eq!(with("logits", 31.0 / 32.0, 32), 0);
        assert_eq!(with("logits", 30.0 / 32.0, 32), 1);
        assert_eq!(with("logits", 0.969, 1000), 1);
    }

    #[test]
    fn a_metric_overrules_agreement_and_nan_is_refused() {
        let options = GateOptions::new(Mode::Fp16);
        let judge = |after| objections(&options, &agreement(0.5, 0.5), Some(&[metric(80.0), metric(after)]));
        assert!(judge(79.6).is_empty());
        assert_eq!(judge(79.4).len(), 1);
        assert_eq!(judge(f64::NAN).len(), 1);
    }
}
