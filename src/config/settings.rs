//! What can be set: one type for the file, the flags, the environment and `docproc config show`.
//!
//! serde reads and writes the file; clap updates the same values from flags and environment; the defaults stand in
//! the `Default` implementations and nowhere else.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::units::{ByteSize, TimeSpan};

/// Models by role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    /// Layout model: token classification over words, boxes and the page image.
    pub layoutlmv3: Model,
    /// Text model: sentence sentiment, and entities where the model has that head.
    pub finbert: Model,
    /// A separate entity model; without it the text model's entity head is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<Model>,
    /// Scoring networks named in the file; `None` means the shipped ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_networks: Option<Vec<NetworkSection>>,
}

/// One transformer model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Bundle folder or ONNX file; empty in the file for the shipped bundle of the role.
    pub path: PathBuf,
    /// `tokenizer.json` or `vocab.txt`, when it is not the bundle's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// Whether the model may use the accelerator that the device setting finds.
    pub enable_gpu: bool,
    /// Largest number of sequences in one batch.
    pub batch_size: usize,
    /// Tokens per window, special tokens included; `None` takes the model's own limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sequence_length: Option<usize>,
    /// Whether a quantised variant of the model is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_quantization: Option<bool>,
    /// Which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization_mode: Option<QuantizationMode>,
    /// Documents, a `.jsonl` file of texts, or a folder of `.npy` tensors that a variant made at first use is
    /// calibrated and judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<PathBuf>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            tokenizer: None,
            enable_gpu: true,
            batch_size: 32,
            max_sequence_length: None,
            enable_quantization: None,
            quantization_mode: None,
            calibration: None,
        }
    }
}

impl Model {
    /// The quantised variant that is asked for; `None` takes the bundle's default precision.
    #[must_use]
    pub fn quantization(&self) -> Option<QuantizationMode> {
        (self.enable_quantization == Some(true))
            .then(|| self.quantization_mode.unwrap_or(QuantizationMode::Dynamic))
    }

    /// What is wrong with the values, as key and message.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        let least = |key, value: usize, least| {
            (value < least).then(|| (key, format!("must be at least {least}, not {value}")))
        };
        let idle = |key, set: bool| {
            set.then(|| (key, "has no effect without `enable_quantization: true`".to_owned()))
        };
        least("batch_size", self.batch_size, 1)
            .or_else(|| least("max_sequence_length", self.max_sequence_length.unwrap_or(usize::MAX), 8))
            .or_else(|| {
                let unsaid = self.enable_quantization.is_none();
                idle("quantization_mode", unsaid && self.quantization_mode.is_some())
            })
            .or_else(|| idle("calibration", self.quantization().is_none() && self.calibration.is_some()))
    }
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
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// Name; one of the shipped networks, or a new one with `file`.
    pub name: String,
    /// Kind of network: `fann`.
    #[serde(rename = "type")]
    pub kind: NetworkKind,
    /// Neurons per layer, inputs first. A check: the network file must have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// Activation of the hidden layers. A check: the network file must have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<String>,
    /// Name and version of the feature set the network reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// Network file; default: the shipped one with that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// Kinds of scoring networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    /// A feed-forward network in the manner of FANN.
    Fann,
}

/// Memory, parallelism and profiling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
pub struct Performance {
    /// Upper limit of pooled tensor buffers.
    #[arg(skip)]
    pub memory_pool_size: ByteSize,
    /// Upper limit of the in-memory inference cache.
    #[arg(skip)]
    pub cache_size: ByteSize,
    /// Inference results kept on disk between runs, for example 500MB; 0 for none [default: 1GB]
    #[arg(long, value_name = "SIZE", env = "DOCPROC_DISK_CACHE_SIZE", help_heading = "Limits")]
    pub disk_cache_size: ByteSize,
    /// Sessions per model that run at the same time.
    #[arg(skip)]
    pub parallel_inference: usize,
    /// Longest wait for further pages before a batch that is not full is run.
    #[arg(skip)]
    pub batch_timeout_ms: u64,
    /// Report where the time goes.
    #[arg(skip)]
    pub enable_profiling: bool,
}

impl Default for Performance {
    fn default() -> Self {
        Self {
            memory_pool_size: ByteSize(1_000_000_000),
            cache_size: ByteSize(256_000_000),
            disk_cache_size: ByteSize(1_000_000_000),
            parallel_inference: cores(),
            batch_timeout_ms: 100,
            enable_profiling: false,
        }
    }
}

/// Execution options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimization {
    /// Vector instructions in the scoring networks.
    pub enable_simd: bool,
    /// With `device: auto`, try TensorRT before CUDA.
    pub enable_tensorrt: bool,
    /// Half precision on accelerators.
    pub mixed_precision: bool,
    /// Share of an accelerator's memory that a session may take.
    pub gpu_memory_fraction: f64,
    /// ONNX Runtime graph optimisation: 0 none, 1 basic, 2 extended, 3 all.
    pub graph_optimization_level: u8,
}

impl Default for Optimization {
    fn default() -> Self {
        Self {
            enable_simd: true,
            enable_tensorrt: false,
            mixed_precision: false,
            gpu_memory_fraction: 0.5,
            graph_optimization_level: 3,
        }
    }
}

/// Limits and policies of `docproc analyze`. What stands here as documentation is the help of the flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
pub struct Analyze {
    /// Which outcomes make the exit code 1 [default: partial]
    #[arg(long, value_name = "WHEN", env = "DOCPROC_FAIL_ON", help_heading = "Output")]
    pub fail_on: FailOn,

    /// Page workers, and documents in work at the same time [default: one per core]
    #[arg(short, long, value_name = "N", env = "DOCPROC_JOBS", help_heading = "Work")]
    pub jobs: usize,

    /// Device as written: `auto`, `cpu`, `cuda[:N]` or `tensorrt[:N]`.
    #[arg(skip)]
    pub device: String,

    /// When to read pages by OCR [default: auto]
    #[arg(long, value_name = "WHEN", env = "DOCPROC_OCR", help_heading = "Work")]
    pub ocr: OcrPolicy,

    /// What reads them: docproc itself, or the tesseract program [default: built-in]
    #[arg(long, value_name = "ENGINE", env = "DOCPROC_OCR_ENGINE", help_heading = "Work")]
    pub ocr_engine: OcrEngine,

    /// Models of the built-in OCR: tiny is fast, small is exact and fetched by `make ocr-small` [default: tiny]
    #[arg(long, value_name = "MODEL", env = "DOCPROC_OCR_MODEL", help_heading = "Work")]
    pub ocr_model: OcrModelSize,

    /// Compare the text layer of N pages per document with what OCR reads on them [default: 0]
    #[arg(long, value_name = "N", env = "DOCPROC_COMPARE_TEXT", help_heading = "Work")]
    pub compare_text: u32,

    /// Time that reading a document may take, in seconds or for example 10m, and as much for what follows without the
    /// models [default: 5m, and 10s more for every page]
    #[arg(long, value_name = "DURATION", env = "DOCPROC_TIMEOUT", help_heading = "Limits")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,

    /// Pages of a document that are analyzed; further ones are reported [default: 5000]
    #[arg(long, value_name = "N", env = "DOCPROC_MAX_PAGES", help_heading = "Limits")]
    pub max_pages: u32,

    /// Largest document, for example 500MB [default: 1GB]
    #[arg(long, value_name = "SIZE", env = "DOCPROC_MAX_BYTES", help_heading = "Limits")]
    pub max_bytes: ByteSize,

    /// Largest image in pixels [default: 200000000]
    #[arg(long, value_name = "N", env = "DOCPROC_MAX_PIXELS", help_heading = "Limits")]
    pub max_pixels: u64,

    /// Stop after this time, for example 90s, 15m, 6h or 1h30m; the next run goes on where this one stopped
    #[arg(long, value_name = "DURATION", env = "DOCPROC_MAX_RUNTIME", help_heading = "Limits")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<TimeSpan>,

    /// Time that documents in work have to finish when the run is stopped [default: 30s]
    #[arg(long, value_name = "DURATION", env = "DOCPROC_STOP_TIMEOUT", help_heading = "Limits")]
    pub stop_timeout: TimeSpan,

    /// Memory of all processes together, for example 4GB; documents wait for one another below it [default: none]
    #[arg(long, value_name = "SIZE", env = "DOCPROC_MEM_LIMIT", help_heading = "Limits")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem_limit: Option<ByteSize>,

    /// Lock up what reads the documents: as far as the kernel can, fully or not at all [default: auto]
    #[arg(long, value_name = "WHEN", env = "DOCPROC_SANDBOX", help_heading = "Limits")]
    pub sandbox: SandboxMode,
}

impl Default for Analyze {
    fn default() -> Self {
        Self {
            fail_on: FailOn::Partial,
            jobs: cores(),
            device: "auto".to_owned(),
            ocr: OcrPolicy::Auto,
            ocr_engine: OcrEngine::BuiltIn,
            ocr_model: OcrModelSize::Tiny,
            compare_text: 0,
            timeout: None,
            max_pages: 5_000,
            max_bytes: ByteSize(1_000_000_000),
            max_pixels: 200_000_000,
            max_runtime: None,
            stop_timeout: TimeSpan(Duration::from_secs(30)),
            mem_limit: None,
            sandbox: SandboxMode::Auto,
        }
    }
}

impl Analyze {
    /// Time that a document of so many pages may take: exactly what was asked for; else what pages take that have to be
    /// read by OCR, and some.
    #[must_use]
    pub fn time_for(&self, pages: usize) -> Duration {
        const DOCUMENT: Duration = Duration::from_secs(300);
        const PAGE: Duration = Duration::from_secs(10);
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        self.timeout.map_or_else(|| DOCUMENT.saturating_add(PAGE.saturating_mul(pages)), |time| time.0)
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// When a page is read by OCR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OcrPolicy {
    /// Images, and pages without a usable text layer
    #[default]
    Auto,
    /// Every page
    Always,
    /// No page
    Never,
}

/// What reads pages by OCR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OcrEngine {
    /// docproc itself: the Latin script with its digits and signs
    #[default]
    BuiltIn,
    /// The tesseract program, which must be installed
    Tesseract,
}

/// Models of the built-in OCR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OcrModelSize {
    /// Shipped; about a second a page
    #[default]
    Tiny,
    /// Fetched by `make ocr-small`; fewer errors, several times the time
    Small,
}

impl OcrModelSize {
    /// Folder of its models in the models folder.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Tiny => "ocr/tiny",
            Self::Small => "fetched/ocr-small",
        }
    }
}

/// Which outcomes make the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Documents that failed
    Failed,
    /// Documents that failed or are partial
    Partial,
    /// None
    Never,
}

/// Whether page workers and the OCR program give up the file system, the network and other processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SandboxMode {
    /// As far as the kernel can
    #[default]
    Auto,
    /// With every layer, or nothing is read
    Require,
    /// Not at all
    Off,
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    /// Sets each flag to the default that its help states; nothing may change. Returns how many state one.
    fn stated_defaults<T: Args + Default + PartialEq + std::fmt::Debug>() -> usize {
        let command = || T::augment_args_for_update(Command::new("docproc"));
        let mut stated = 0;
        for argument in command().get_arguments() {
            let (help, flag) = (argument.get_help().unwrap().to_string(), argument.get_long().unwrap());
            let Some((_, value)) = help.trim_end_matches(']').split_once("[default: ") else { continue };
            if ["none", "one per core"].contains(&value) {
                continue;
            }
            let mut settings = T::default();
            let given = command().get_matches_from(["docproc", &format!("--{flag}"), value]);
            settings.update_from_arg_matches(&given).unwrap();
            assert_eq!(settings, T::default(), "--{flag}: {help}");
            stated += 1;
        }
        stated
    }

    #[test]
    fn defaults_in_the_help_are_those_in_force() {
        assert_eq!((stated_defaults::<Analyze>(), stated_defaults::<Performance>()), (11, 1));
    }
}
