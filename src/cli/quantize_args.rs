//! Arguments of `docproc quantize`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::ConfigArgs;

/// How `docproc quantize` changes a model.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum QuantizeMode {
    /// 8-bit weights, activations quantised at run time
    Dynamic,
    /// 8-bit weights and activations with scales from --calibration
    Int8,
    /// Half precision; inputs and outputs stay float32
    Fp16,
    /// Fold a model trained with fake quantisation to 8-bit weights
    Qat,
    /// A float32 graph: 8-bit parts brought back to float, and the graph rewritten
    Float,
}

/// What `--gate` judges models by: the tasks of `docproc eval` that one model answers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GateTask {
    /// Sentiment of sentences
    Sentiment,
    /// Entities of sentences
    Entities,
    /// Kinds of sections
    Sections,
    /// Layout labels of words, by the layout model alone
    Layout,
}

/// `docproc quantize`.
#[derive(Debug, Args)]
pub struct QuantizeArgs {
    /// The ONNX model
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,

    /// The result; its report is written beside it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// What to do
    #[arg(long, value_enum, default_value_t = QuantizeMode::Dynamic)]
    pub mode: QuantizeMode,

    /// Rewrite the graph first: attention fused, constants folded; each rewrite is checked on real inputs
    #[arg(long)]
    pub optimize: bool,

    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,

    /// Real inputs: documents, a .jsonl file of texts (or of labelled pages), or a folder with a folder per sample that
    /// holds one .npy file per input
    #[arg(long, value_name = "PATH", help_heading = "Inputs")]
    pub calibration: Option<PathBuf>,

    /// Most pages or texts that are used, taken at even distances
    #[arg(long, value_name = "N", default_value_t = 64, help_heading = "Inputs")]
    pub calibration_limit: u32,

    /// Tokenizer file or folder, where it is not beside the model
    #[arg(long, value_name = "PATH", help_heading = "Inputs")]
    pub tokenizer: Option<PathBuf>,

    /// Judge both models by this task on --data
    #[arg(long, value_enum, value_name = "TASK", requires = "data", help_heading = "Gate")]
    pub gate: Option<GateTask>,

    /// Labelled data for --gate, JSON Lines; docs/evaluation.md has the formats
    #[arg(long, value_name = "FILE", requires = "gate", help_heading = "Gate")]
    pub data: Option<PathBuf>,

    /// Largest loss of the task's metric, in points of 100
    #[arg(long, value_name = "POINTS", default_value_t = 0.5, help_heading = "Gate")]
    pub max_drop: f64,

    /// Without --gate: lowest mean cosine similarity of outputs
    #[arg(long, value_name = "COSINE", default_value_t = 0.99, help_heading = "Gate")]
    pub min_cosine: f64,

    /// Without --gate: lowest share of equal decisions (largest outputs), 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.97, help_heading = "Gate")]
    pub min_agreement: f64,

    /// Without --gate: largest difference of an output, as a share of its largest value on the same input [default: 0.05
    /// for fp16, else 0.5]
    #[arg(long, value_name = "SHARE", help_heading = "Gate")]
    pub max_difference: Option<f64>,

    /// Without --gate: how much larger or smaller outputs may be altogether, as a share
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, help_heading = "Gate")]
    pub max_norm_change: f64,

    /// Write the result even if the gate refuses it, or if there was nothing to quantise
    #[arg(long, help_heading = "Gate")]
    pub force: bool,

    /// Only layers whose name matches this pattern (may be given several times)
    #[arg(long, value_name = "PATTERN", help_heading = "Layers")]
    pub include: Vec<String>,

    /// No layers whose name matches this pattern (may be given several times)
    #[arg(long, value_name = "PATTERN", help_heading = "Layers")]
    pub exclude: Vec<String>,

    /// Leave the most harmful layers in float until the outputs reach this mean cosine
    #[arg(long = "budget-metric", value_name = "COSINE", help_heading = "Layers")]
    pub budget_cosine: Option<f64>,

    /// Quantise embedding tables, too
    #[arg(long, help_heading = "Numbers")]
    pub embeddings: bool,

    /// One scale per matrix instead of one per output channel
    #[arg(long, help_heading = "Numbers")]
    pub per_tensor: bool,

    /// Seven-bit weights: faster on x86 processors without VNNI, where sums of larger products need a slower kernel
    #[arg(long, help_heading = "Numbers")]
    pub reduce_range: bool,

    /// int8: ranges that hold this share of the values, in percent
    #[arg(long, value_name = "PERCENT", conflicts_with = "entropy", help_heading = "Numbers")]
    pub percentile: Option<f64>,

    /// int8: ranges whose distribution diverges least
    #[arg(long, help_heading = "Numbers")]
    pub entropy: bool,

    /// Configuration and models that read documents
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}
