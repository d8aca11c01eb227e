//! What was done, what it cost and what it gained.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::options::QuantizeOptions;

/// Number format of a layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerPrecision {
    /// 8-bit integers.
    Int8,
    /// Half precision.
    Fp16,
    /// Unchanged.
    Float32,
}

/// The decision about one layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerChoice {
    /// Name of the node, or of its output if it has none.
    pub node: String,
    /// Name of its constant.
    pub weight: String,
    /// Shape of the constant.
    pub shape: Vec<i64>,
    /// What it became.
    pub precision: LayerPrecision,
    /// Why it stayed in float, or got fewer bits, if it did.
    pub reason: Option<String>,
    /// Cosine similarity of this layer's own output with the float one, on the calibration inputs, if measured.
    pub cosine: Option<f64>,
}

/// Agreement of one output with the original's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputAgreement {
    /// Mean over inputs of the cosine similarity of the whole output.
    pub cosine_mean: f64,
    /// Smallest cosine similarity over inputs.
    pub cosine_min: f64,
    /// Share of rows (all axes but the last) with the same largest element, 0 to 1.
    pub argmax_agreement: f64,
    /// Number of rows compared.
    pub rows: u64,
    /// Largest absolute difference.
    pub max_difference: f64,
    /// Largest over inputs of the largest absolute difference relative to the largest magnitude for that input.
    pub relative_difference: f64,
    /// How long the outputs of all inputs together are (root of the sum of squares), relative to the original's.
    pub norm_ratio: f64,
}

/// A task's metric on labelled data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskMetric {
    /// Name (`sentiment macro-F1`).
    pub name: String,
    /// Value in points of 100.
    pub value: f64,
    /// 95 % interval in points, by bootstrap over groups.
    pub interval: [f64; 2],
    /// Labelled items.
    pub items: usize,
}

/// Time ratio measured in one process, original and result in turn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpeedComparison {
    /// Median milliseconds of the original.
    pub original_ms: f64,
    /// Median milliseconds of the result.
    pub quantized_ms: f64,
    /// Median of the ratios of neighbouring runs: how many times faster the result is.
    pub ratio: f64,
    /// Lower and upper quartile of those ratios: how noisy the machine was.
    pub ratio_quartiles: [f64; 2],
    /// Pairs of runs.
    pub pairs: u32,
}

/// A graph rewrite and its fate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RewriteOutcome {
    /// Which one.
    pub rewrite: String,
    /// How many places it changed.
    pub places: usize,
    /// Kept, because the outputs stayed within tolerance.
    pub kept: bool,
    /// Largest absolute difference of any output, relative to the output's largest absolute value.
    pub relative_difference: Option<f64>,
    /// Why it was not kept.
    pub reason: Option<String>,
}

/// The whole report; the JSON beside the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantizeReport {
    /// Version of docproc.
    pub version: String,
    /// The options used.
    pub options: QuantizeOptions,
    /// Names of the files written, in the folder of the report, the model first; empty if the gate refused.
    pub files: Vec<PathBuf>,
    /// SHA-256 of the original model file.
    pub original_sha256: String,
    /// Inputs that calibration, agreement and speed are from (`64 of 812 sentences of documents`).
    pub inputs: Option<String>,
    /// Bytes of the original, external data included.
    pub original_bytes: u64,
    /// Bytes of the result, external data included.
    pub quantized_bytes: u64,
    /// Rewrites tried.
    pub rewrites: Vec<RewriteOutcome>,
    /// Layers with constants, in graph order.
    pub layers: Vec<LayerChoice>,
    /// Agreement by output, if there were inputs to compare on.
    pub agreement: BTreeMap<String, OutputAgreement>,
    /// The original's metric and the result's, if there was labelled data.
    pub metric: Option<[TaskMetric; 2]>,
    /// Time ratio, if there were inputs to run.
    pub speed: Option<SpeedComparison>,
    /// Reasons why the gate refused; empty if it did not.
    pub objections: Vec<String>,
    /// Whether the gate had anything to judge by.
    pub gated: bool,
}
