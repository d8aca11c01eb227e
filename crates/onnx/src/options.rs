//! What to quantise and how.

use docproc_error::{Error, ErrorCode, Result};
use serde::Serialize;

use super::file::{GraphProto, NodeProto, TensorProto};

/// The precision asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Weights in 8 bits, activations quantised at run time with one scale per tensor and batch. No calibration.
    Dynamic,
    /// Weights and activations in 8 bits with scales from calibration. A result does not depend on what else is
    /// in the batch.
    Int8,
    /// Weights and compute in half precision; inputs and outputs stay float32.
    Fp16,
    /// Folds a model that was trained with fake quantisation to 8-bit weights with its learned scales.
    Qat,
    /// Rewrites the graph only; weights stay as they are.
    Float,
}

impl Mode {
    /// The mode's name on the command line and in file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dynamic => "dynamic",
            Self::Int8 => "int8",
            Self::Fp16 => "fp16",
            Self::Qat => "qat",
            Self::Float => "float",
        }
    }
}

/// How the range of an activation follows from what calibration saw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationMethod {
    /// Smallest and largest value.
    MinMax,
    /// The range that holds this share of the values, in percent (99.99).
    Percentile(f64),
    /// The range whose 8-bit distribution diverges least from the one seen (Kullback-Leibler, as TensorRT).
    Entropy,
}

/// When a result is good enough to be written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GateOptions {
    /// Lowest mean cosine similarity of outputs with those of the original.
    pub min_cosine: f64,
    /// Lowest share of rows whose largest output is the same class, 0 to 1.
    pub min_argmax_agreement: f64,
    /// Largest difference of an output, relative to its largest magnitude on the same input.
    pub max_difference: f64,
    /// How far the length of an output may be from the original's, as a share of it.
    pub max_norm_change: f64,
    /// Largest loss of the task's metric, in points of 100.
    pub max_drop: f64,
}

impl GateOptions {
    /// The defaults of a mode. A cosine does not see size. Half precision keeps three digits, so that a twentieth is
    /// already wrong; eight bits move single numbers by more, but not the whole.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        let max_difference = if matches!(mode, Mode::Fp16) { 0.05 } else { 0.5 };
        Self {
            min_cosine: 0.99,
            min_argmax_agreement: 0.97,
            max_difference,
            max_norm_change: 0.1,
            max_drop: 0.5,
        }
    }
}

/// Everything that decides the result. The same options and model give the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantizeOptions {
    /// Precision.
    pub mode: Mode,
    /// One weight scale per output column instead of one per matrix: half the error, no cost in speed.
    pub per_channel: bool,
    /// Seven-bit weights: on x86 processors without VNNI sums of larger products saturate, or need a slower kernel.
    pub reduce_range: bool,
    /// Quantise embedding tables too: smaller files, no speed.
    pub embeddings: bool,
    /// Rewrite the graph first (attention fused, constants folded, common parts computed once).
    pub optimize: bool,
    /// If not empty, only nodes whose name or weight matches one of these patterns are changed.
    pub include: Vec<String>,
    /// Nodes whose name or weight matches one of these patterns stay in float.
    pub exclude: Vec<String>,
    /// Static mode: how ranges are chosen.
    pub calibration: CalibrationMethod,
    /// Layers that hurt most stay in float until the mean cosine of the outputs reaches this budget.
    pub budget_cosine: Option<f64>,
    /// What the result must hold.
    pub gate: GateOptions,
    /// Pairs of timed runs, original and result in turn; 0 measures no time.
    pub speed_pairs: u32,
    /// Write even if the gate refuses; the report says so.
    pub force: bool,
}

impl QuantizeOptions {
    /// The defaults of a mode.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            per_channel: true,
            reduce_range: false,
            embeddings: false,
            optimize: false,
            include: Vec::new(),
            exclude: Vec::new(),
            calibration: CalibrationMethod::MinMax,
            budget_cosine: None,
            gate: GateOptions::new(mode),
            speed_pairs: 9,
            force: false,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// `config.invalid`, naming the option.
    pub fn validate(&self) -> Result<()> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(Error::new(ErrorCode::ConfigInvalid, format!("{value} is not within {low} and {high}"))
                    .part(name.to_owned()))
            }
        };
        if let CalibrationMethod::Percentile(percentile) = self.calibration {
            within("percentile", percentile, 50.0, 100.0)?;
        }
        if let Some(budget) = self.budget_cosine {
            within("budget-metric", budget, 0.0, 1.0)?;
        }
        within("min-cosine", self.gate.min_cosine, -1.0, 1.0)?;
        within("min-argmax-agreement", self.gate.min_argmax_agreement, 0.0, 1.0)?;
        within("max-difference", self.gate.max_difference, 0.0, f64::MAX)?;
        within("max-norm-change", self.gate.max_norm_change, 0.0, f64::MAX)?;
        within("max-drop", self.gate.max_drop, 0.0, 100.0)
    }

    /// Whether the patterns let a node with this name and weight be changed.
    #[must_use]
    pub fn selects(&self, node: &str, weight: &str) -> bool {
        let any = |patterns: &[String]| {
            patterns.iter().any(|pattern| matches_pattern(pattern, node) || matches_pattern(pattern, weight))
        };
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

/// Whether a node or a weight of the graph has a name that matches.
#[must_use]
pub fn names_something(pattern: &str, graph: &GraphProto) -> bool {
    let nodes = graph.node.iter().map(NodeProto::label);
    let weights = graph.initializer.iter().map(TensorProto::name);
    nodes.chain(weights).any(|name| matches_pattern(pattern, name))
}

/// Matches a whole name; `*` stands for any run of characters, `?` for one.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to resume after the last star: one character further in the name each time.
    let mut resume: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            resume = Some((p + 1, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((after, from)) = resume {
            resume = Some((after, from + 1));
            (p, n) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches_pattern("*/layer.?/*MatMul", "/bert/layer.3/attention/MatMul"));
        assert!(!matches_pattern("*/layer.?/*MatMul", "/bert/layer.13/attention/MatMul"));
        assert!(!matches_pattern("classifier", "/classifier/MatMul"));
        assert!(matches_pattern("**", ""));
    }

    #[test]
    fn exclusion_wins() {
        let mut options = QuantizeOptions::new(Mode::Dynamic);
        options.include = vec!["*layer*".into()];
        options.exclude = vec!["*layer.0*".into()];
        assert!(options.selects("/layer.1/MatMul", "w"));
        assert!(!options.selects("/layer.0/MatMul", "w"));
        assert!(!options.selects("/pooler/MatMul", "w"));
    }

    #[test]
    fn numbers_are_checked() {
        let mut options = QuantizeOptions::new(Mode::Int8);
        options.calibration = CalibrationMethod::Percentile(101.0);
        assert_eq!(options.validate().unwrap_err().code(), ErrorCode::ConfigInvalid);
    }
}
