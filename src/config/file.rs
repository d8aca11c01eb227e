//! `neural-config.yaml` as written: every key optional, unknown keys refused with a suggestion.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::units::ByteSize;
use crate::error::{Error, ErrorCode, Result};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Models by role.
    #[serde(default)]
    pub models: ModelsSection,
    /// Memory, parallelism and profiling.
    #[serde(default)]
    pub performance: PerformanceSection,
    /// Execution options.
    #[serde(default)]
    pub optimization: OptimizationSection,
    /// Defaults for the flags of `docproc analyze`.
    #[serde(default)]
    pub analyze: AnalyzeSection,
}

/// `models:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsSection {
    /// Layout model: token classification over words, boxes and the page image.
    pub layoutlmv3: Option<ModelSection>,
    /// Text model: sentence sentiment, and entities where the model has that head.
    pub finbert: Option<ModelSection>,
    /// A separate entity model; without it the text model's entity head is used.
    pub entities: Option<ModelSection>,
    /// Feed-forward scoring networks.
    pub custom_networks: Option<Vec<NetworkSection>>,
}

/// One transformer model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// Bundle folder or ONNX file.
    pub path: Option<PathBuf>,
    /// `tokenizer.json` or `vocab.txt`; default: the one in the bundle.
    pub tokenizer: Option<PathBuf>,
    /// Whether this model may use the accelerator that the device setting finds.
    pub enable_gpu: Option<bool>,
    /// Largest number of sequences in one batch.
    pub batch_size: Option<usize>,
    /// Tokens per window, special tokens included.
    pub max_sequence_length: Option<usize>,
    /// Prefer a quantised variant of the model.
    pub enable_quantization: Option<bool>,
    /// Which one.
    pub quantization_mode: Option<QuantizationMode>,
    /// Documents, a `.jsonl` file of texts, or a folder of `.npy` tensors for a variant made at first use.
    pub calibration: Option<PathBuf>,
}

/// Kinds of quantised models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuantizationMode {
    /// 8-bit weights, activations quantised at run time.
    Dynamic,
    /// 8-bit weights and activations with calibrated scales.
    Int8,
    /// Half precision.
    Fp16,
    /// Scales learned in training.
    Qat,
}

/// One scoring network.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// Name; one of the shipped networks, or a new one with `file`.
    pub name: String,
    /// Kind of network: `fann`.
    #[serde(rename = "type")]
    pub kind: NetworkKind,
    /// Neurons per layer, inputs first. A check: the network file must have the same.
    pub layers: Option<Vec<usize>>,
    /// Activation of the hidden layers. A check: the network file must have the same.
    pub activation: Option<String>,
    /// Name and version of the feature set the network reads.
    pub features: Option<String>,
    /// Network file; default: the shipped one with that name.
    pub file: Option<PathBuf>,
}

/// Kinds of scoring networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    /// A feed-forward network in the manner of FANN.
    Fann,
}

/// `performance:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerformanceSection {
    /// Upper limit of pooled tensor buffers.
    pub memory_pool_size: Option<ByteSize>,
    /// Upper limit of the in-memory inference cache.
    pub cache_size: Option<ByteSize>,
    /// Upper limit of the inference cache on disk; 0 for none.
    pub disk_cache_size: Option<ByteSize>,
    /// Sessions per model that run at the same time.
    pub parallel_inference: Option<usize>,
    /// Longest wait for further pages before a batch that is not full is run.
    pub batch_timeout_ms: Option<u64>,
    /// Report where the time goes.
    pub enable_profiling: Option<bool>,
}

/// `optimization:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizationSection {
    /// Vector instructions in the scoring networks.
    pub enable_simd: Option<bool>,
    /// With `device: auto`, try TensorRT before CUDA.
    pub enable_tensorrt: Option<bool>,
    /// Half precision on accelerators.
    pub mixed_precision: Option<bool>,
    /// ONNX Runtime graph optimisation: 0 none, 1 basic, 2 extended, 3 all.
    pub graph_optimization_level: Option<u8>,
}

/// `analyze:`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeSection {
    /// Page workers.
    pub jobs: Option<usize>,
    /// `auto`, `cpu`, `cuda[:N]` or `tensorrt[:N]`.
    pub device: Option<String>,
    /// `auto`, `always` or `never`.
    pub ocr: Option<String>,
    /// Pages per document whose text layer is compared with OCR.
    pub compare_text: Option<u32>,
    /// Seconds per document.
    pub timeout: Option<u64>,
    /// Pages per document.
    pub max_pages: Option<u32>,
    /// Bytes per document.
    pub max_bytes: Option<ByteSize>,
    /// Pixels per image.
    pub max_pixels: Option<u64>,
    /// Bytes of memory for the process tree.
    pub mem_limit: Option<ByteSize>,
    /// `auto`, `require` or `off`.
    pub sandbox: Option<String>,
    /// `failed`, `partial` or `never`.
    pub fail_on: Option<String>,
    /// Time after which a run stops by itself, such as `6h`.
    pub max_runtime: Option<String>,
    /// Time that documents in work have to finish when a run stops, such as `30s`.
    pub stop_timeout: Option<String>,
}

impl File {
    /// Parses the YAML text of a configuration file.
    ///
    /// # Errors
    /// `config.invalid` with line, column and, for an unknown key, the nearest known one.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(text).map_err(|error| {
            let mut message = error.to_string().trim_start_matches("error: ").to_owned();
            for (program, person) in PLAIN_WORDS {
                message = message.replace(program, person);
            }
            let suggestion = suggest(&message);
            let error = Error::new(ErrorCode::ConfigInvalid, message);
            match suggestion {
                Some(known) => error.help(format!("did you mean `{known}`?")),
                None => error,
            }
        })
    }
}

/// What the parser says, and what it means to who wrote the file.
const PLAIN_WORDS: [(&str, &str); 6] = [
    ("invalid u64", "not a whole number"),
    ("invalid u32", "not a whole number"),
    ("invalid boolean", "neither true nor false"),
    ("expected mapping start", "keys and values are expected here"),
    ("expected string scalar", "one value is expected here"),
    (", set DuplicateKeyPolicy in Options if acceptable", ""),
];

/// The known key nearest to the unknown one, out of "unknown field `a`, expected one of b, c".
fn suggest(message: &str) -> Option<String> {
    let start = message.find("unknown field")?;
    let line = message[start..].lines().next()?;
    let (unknown, known) = line.split_once("expected")?;
    let unknown = unknown.split('`').nth(1)?;
    known
        .trim_start_matches(" one of")
        .split(',')
        .map(|known| known.trim().trim_matches('`'))
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().max(unknown.len()) / 2)
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_name_the_nearest() {
        let error = File::parse("performance:\n  cache_sise: 1GB\n").unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigInvalid);
        assert_eq!(error.remedy(), Some("did you mean `cache_size`?"), "{error}");
        assert!(error.to_string().contains("cache_sise"), "{error}");
    }

    #[test]
    fn wrong_values_say_what_is_expected() {
        let error = File::parse("performance:\n  cache_size: lots\n").unwrap_err();
        assert!(error.to_string().contains("not a size"), "{error}");
        assert!(File::parse("models:\n  finbert:\n    quantization_mode: magic\n").is_err());
    }

    #[test]
    fn messages_are_for_who_wrote_the_file() {
        for (text, said) in [
            ("analyze: {jobs: two}", "not a whole number"),
            ("analyze: {max_pages: -1}", "not a whole number"),
            ("performance: {enable_profiling: maybe}", "neither true nor false"),
            ("analyze: 5", "keys and values are expected here"),
            ("analyze: {jobs: [2]}", "one value is expected here"),
        ] {
            let error = File::parse(text).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("u64"), "{error}");
        }
        let error = File::parse("analyze: {jobs: 2}\nanalyze: {jobs: 3}").unwrap_err().to_string();
        assert!(error.contains("duplicate") && !error.contains("Policy"), "{error}");
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert!(File::parse("\n").unwrap().models.finbert.is_none());
        assert!(File::parse("# only a comment\n").is_ok());
    }
}
