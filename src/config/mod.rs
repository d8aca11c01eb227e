//! `neural-config.yaml`, environment and flags to one validated [`Config`].
//!
//! Precedence: flags, then environment (`DOCPROC_*`), then file, then defaults. Flags and environment arrive as
//! [`Overrides`]; the command line fills them.

mod file;
mod locate;
mod sandbox;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

pub use file::{File, ModelSection, NetworkKind, NetworkSection, QuantizationMode};
pub use locate::{NativeLibrary, cache_folder, models_folder, native_library};
pub use sandbox::SandboxMode;
pub use units::{ByteSize, parse_duration};

use crate::error::{Error, ErrorCode, Result};

/// Name of the configuration file that is read from the working directory when none is named.
pub const DEFAULT_FILE: &str = "neural-config.yaml";

/// The resolved configuration.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The file it was read from.
    pub file: Option<PathBuf>,
    /// Folder of the shipped model bundles.
    pub models_folder: PathBuf,
    /// Models.
    pub models: Models,
    /// Memory, parallelism and profiling.
    pub performance: Performance,
    /// Execution options.
    pub optimization: Optimization,
    /// Limits and policies of `docproc analyze`.
    pub analyze: Analyze,
}

/// Models by role.
#[derive(Clone, Debug, Serialize)]
pub struct Models {
    /// Layout model.
    pub layoutlmv3: Model,
    /// Text model.
    pub finbert: Model,
    /// Separate entity model.
    pub entities: Option<Model>,
    /// Scoring networks named in the file; `None` means the shipped ones.
    pub custom_networks: Option<Vec<NetworkSection>>,
}

/// One transformer model.
#[derive(Clone, Debug, Serialize)]
pub struct Model {
    /// Bundle folder or ONNX file.
    pub path: PathBuf,
    /// Tokenizer file, when it is not the bundle's own.
    pub tokenizer: Option<PathBuf>,
    /// Whether the model may use an accelerator.
    pub enable_gpu: bool,
    /// Largest number of sequences in one batch.
    pub batch_size: usize,
    /// Tokens per window, special tokens included; `None` takes the model's own limit.
    pub max_sequence_length: Option<usize>,
    /// The quantised variant that is asked for; `None` takes the bundle's default precision.
    pub quantization: Option<QuantizationMode>,
    /// Documents, texts or tensors that a variant made at first use is calibrated and judged by.
    pub calibration: Option<PathBuf>,
}

/// Memory, parallelism and profiling.
#[derive(Clone, Debug, Serialize)]
pub struct Performance {
    /// Upper limit of pooled tensor buffers.
    pub memory_pool_size: ByteSize,
    /// Upper limit of the in-memory inference cache.
    pub cache_size: ByteSize,
    /// Upper limit of the inference cache on disk; 0 for none.
    pub disk_cache_size: ByteSize,
    /// Sessions per model that run at the same time.
    pub parallel_inference: usize,
    /// Longest wait for further pages before a batch that is not full is run.
    pub batch_timeout_ms: u64,
    /// Report where the time goes.
    pub enable_profiling: bool,
}

/// Execution options.
#[derive(Clone, Debug, Serialize)]
pub struct Optimization {
    /// Vector instructions in the scoring networks.
    pub enable_simd: bool,
    /// With `device: auto`, try TensorRT before CUDA.
    pub enable_tensorrt: bool,
    /// Half precision on accelerators.
    pub mixed_precision: bool,
    /// ONNX Runtime graph optimisation level, 0 to 3.
    pub graph_optimization_level: u8,
}

/// Limits and policies of `docproc analyze`.
#[derive(Clone, Debug, Serialize)]
pub struct Analyze {
    /// Page workers and documents in work at the same time.
    pub jobs: usize,
    /// Device as written: `auto`, `cpu`, `cuda[:N]` or `tensorrt[:N]`.
    pub device: String,
    /// When to read pages by OCR.
    pub ocr: OcrPolicy,
    /// Pages per document whose text layer is compared with what OCR reads on them.
    pub compare_text: u32,
    /// Time limit per document.
    #[serde(rename = "timeout_seconds", serialize_with = "seconds")]
    pub timeout: Duration,
    /// Pages per document.
    pub max_pages: u32,
    /// Bytes per document.
    pub max_bytes: ByteSize,
    /// Pixels per image.
    pub max_pixels: u64,
    /// Memory of the process tree.
    pub mem_limit: Option<ByteSize>,
    /// Whether page workers and the OCR program are locked up.
    pub sandbox: SandboxMode,
    /// Which outcomes make the exit code 1.
    pub fail_on: FailOn,
    /// Time after which a run stops by itself.
    #[serde(rename = "max_runtime_seconds", serialize_with = "optional_seconds")]
    pub max_runtime: Option<Duration>,
    /// Time that documents in work have to finish when a run stops.
    #[serde(rename = "stop_timeout_seconds", serialize_with = "seconds")]
    pub stop_timeout: Duration,
}

fn optional_seconds<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|value| value.as_secs()).serialize(serializer)
}

fn seconds<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(value.as_secs())
}

/// When a page is read by OCR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OcrPolicy {
    /// Images, and pages without a usable text layer.
    #[default]
    Auto,
    /// Every page.
    Always,
    /// No page.
    Never,
}

impl FromStr for OcrPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("`{text}` is not one of auto, always, never")),
        }
    }
}

/// Which outcomes make the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Documents that failed.
    Failed,
    /// Documents that failed or are partial.
    #[default]
    Partial,
    /// None.
    Never,
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "failed" => Ok(Self::Failed),
            "partial" => Ok(Self::Partial),
            "never" => Ok(Self::Never),
            _ => Err(format!("`{text}` is not one of failed, partial, never")),
        }
    }
}

/// Settings from flags or environment; those that are `None` leave the file's or the default in force.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Configuration file.
    pub config: Option<PathBuf>,
    /// Folder of model bundles.
    pub models_folder: Option<PathBuf>,
    /// Page workers.
    pub jobs: Option<usize>,
    /// Device.
    pub device: Option<String>,
    /// OCR policy.
    pub ocr: Option<OcrPolicy>,
    /// Pages whose text layer is compared with OCR.
    pub compare_text: Option<u32>,
    /// Time limit per document.
    pub timeout: Option<Duration>,
    /// Pages per document.
    pub max_pages: Option<u32>,
    /// Bytes per document.
    pub max_bytes: Option<ByteSize>,
    /// Pixels per image.
    pub max_pixels: Option<u64>,
    /// Memory of the process tree.
    pub mem_limit: Option<ByteSize>,
    /// Whether page workers and the OCR program are locked up.
    pub sandbox: Option<SandboxMode>,
    /// Exit code policy.
    pub fail_on: Option<FailOn>,
    /// Time after which a run stops by itself.
    pub max_runtime: Option<Duration>,
    /// Time that documents in work have to finish when a run stops.
    pub stop_timeout: Option<Duration>,
    /// Inference cache on disk.
    pub disk_cache_size: Option<ByteSize>,
    /// Profiling.
    pub profile: bool,
}

impl Config {
    /// Reads the file that `overrides` names (or [`DEFAULT_FILE`] in the working directory, if it is there) and
    /// resolves everything.
    ///
    /// # Errors
    /// `config.invalid` for a wrong file or value, `model.not_found` when there is no models folder.
    pub fn load(overrides: &Overrides) -> Result<Self> {
        let path = match &overrides.config {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.is_file()),
        };
        let file = match &path {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| {
                    Error::new(ErrorCode::ConfigInvalid, "cannot read the configuration file")
                        .file(path)
                        .because(error)
                })?;
                File::parse(&text).map_err(|error| error.file(path))?
            }
            None => File::default(),
        };
        Self::resolve(file, path, overrides)
    }

    /// Resolves a parsed file; `path` is where it was read from.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn resolve(file: File, path: Option<PathBuf>, overrides: &Overrides) -> Result<Self> {
        let invalid = |key: &str, message: String| {
            let error = Error::new(ErrorCode::ConfigInvalid, message).part(key);
            match &path {
                Some(path) => error.file(path),
                None => error,
            }
        };
        let models_folder = models_folder(overrides.models_folder.as_deref())?;
        let base = path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let place = |path: PathBuf| resolve_path(&base, &models_folder, path);
        let model = |key: &str, section: Option<ModelSection>, default: &str| -> Result<Model> {
            let section = section.unwrap_or_default();
            let positive = |name: &str, value: Option<usize>, least: usize| match value {
                Some(value) if value < least => Err(invalid(
                    &format!("models.{key}.{name}"),
                    format!("must be at least {least}, not {value}"),
                )),
                value => Ok(value),
            };
            let quantization = match (section.enable_quantization, section.quantization_mode) {
                (Some(true), mode) => Some(mode.unwrap_or(QuantizationMode::Dynamic)),
                (None, None) | (Some(false), _) => None,
                (None, Some(_)) => {
                    return Err(invalid(
                        &format!("models.{key}.quantization_mode"),
                        "has no effect without `enable_quantization: true`".to_owned(),
                    ));
                }
            };
            if section.calibration.is_some() && quantization.is_none() {
                return Err(invalid(
                    &format!("models.{key}.calibration"),
                    "has no effect without `enable_quantization: true`".to_owned(),
                ));
            }
            Ok(Model {
                path: section.path.map_or_else(|| models_folder.join(default), &place),
                tokenizer: section.tokenizer.map(&place),
                enable_gpu: section.enable_gpu.unwrap_or(true),
                batch_size: positive("batch_size", section.batch_size, 1)?.unwrap_or(32),
                max_sequence_length: positive("max_sequence_length", section.max_sequence_length, 8)?,
                quantization,
                calibration: section.calibration.map(&place),
            })
        };
        let entities = match file.models.entities {
            Some(section) if section.path.is_none() => {
                return Err(invalid(
                    "models.entities.path",
                    "a separate entity model needs its path".to_owned(),
                ));
            }
            Some(section) => Some(model("entities", Some(section), "")?),
            None => None,
        };
        let models = Models {
            layoutlmv3: model("layoutlmv3", file.models.layoutlmv3, "layoutlmv3")?,
            finbert: model("finbert", file.models.finbert, "finbert")?,
            entities,
            custom_networks: file.models.custom_networks.map(|networks| {
                networks
                    .into_iter()
                    .map(|network| NetworkSection { file: network.file.map(&place), ..network })
                    .collect()
            }),
        };
        let duration = |key: &str, text: &Option<String>| -> Result<Option<Duration>> {
            text.as_deref()
                .map(parse_duration)
                .transpose()
                .map_err(|text| invalid(&format!("analyze.{key}"), text))
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = overrides.jobs.or(file.analyze.jobs).unwrap_or(cores);
        if jobs == 0 || jobs > 1024 {
            return Err(invalid("analyze.jobs", format!("must be 1 to 1024, not {jobs}")));
        }
        let compare_text = overrides.compare_text.or(file.analyze.compare_text).unwrap_or(0);
        let timeout = overrides
            .timeout
            .or(file.analyze.timeout.map(Duration::from_secs))
            .unwrap_or(Duration::from_secs(300));
        let max_pages = overrides.max_pages.or(file.analyze.max_pages).unwrap_or(5_000);
        let max_bytes = overrides.max_bytes.or(file.analyze.max_bytes).unwrap_or(ByteSize(1_000_000_000));
        let max_pixels = overrides.max_pixels.or(file.analyze.max_pixels).unwrap_or(200_000_000);
        for (key, nothing) in [
            ("timeout", timeout.is_zero()),
            ("max_pages", max_pages == 0),
            ("max_bytes", max_bytes.0 == 0),
            ("max_pixels", max_pixels == 0),
        ] {
            if nothing {
                return Err(invalid(&format!("analyze.{key}"), "must be at least 1, not 0".to_owned()));
            }
        }
        let level = file.optimization.graph_optimization_level.unwrap_or(3);
        if level > 3 {
            return Err(invalid(
                "optimization.graph_optimization_level",
                format!("must be 0 to 3, not {level}"),
            ));
        }
        let parallel = file.performance.parallel_inference.unwrap_or(cores);
        if parallel == 0 || parallel > 1024 {
            return Err(invalid(
                "performance.parallel_inference",
                format!("must be 1 to 1024, not {parallel}"),
            ));
        }
        Ok(Self {
            models,
            performance: Performance {
                memory_pool_size: file.performance.memory_pool_size.unwrap_or(ByteSize(1_000_000_000)),
                cache_size: file.performance.cache_size.unwrap_or(ByteSize(256_000_000)),
                disk_cache_size: overrides
                    .disk_cache_size
                    .or(file.performance.disk_cache_size)
                    .unwrap_or(ByteSize(1_000_000_000)),
                parallel_inference: parallel,
                batch_timeout_ms: file.performance.batch_timeout_ms.unwrap_or(100),
                enable_profiling: overrides.profile || file.performance.enable_profiling.unwrap_or(false),
            },
            optimization: Optimization {
                enable_simd: file.optimization.enable_simd.unwrap_or(true),
                enable_tensorrt: file.optimization.enable_tensorrt.unwrap_or(false),
                mixed_precision: file.optimization.mixed_precision.unwrap_or(false),
                graph_optimization_level: level,
            },
            analyze: Analyze {
                jobs,
                device: overrides.device.clone().or(file.analyze.device).unwrap_or_else(|| "auto".to_owned()),
                ocr: parsed(overrides.ocr, file.analyze.ocr.as_deref())
                    .map_err(|text| invalid("analyze.ocr", text))?,
                compare_text,
                timeout,
                max_pages,
                max_bytes,
                max_pixels,
                mem_limit: overrides.mem_limit.or(file.analyze.mem_limit),
                sandbox: parsed(overrides.sandbox, file.analyze.sandbox.as_deref())
                    .map_err(|text| invalid("analyze.sandbox", text))?,
                fail_on: parsed(overrides.fail_on, file.analyze.fail_on.as_deref())
                    .map_err(|text| invalid("analyze.fail_on", text))?,
                max_runtime: overrides.max_runtime.or(duration("max_runtime", &file.analyze.max_runtime)?),
                stop_timeout: overrides
                    .stop_timeout
                    .or(duration("stop_timeout", &file.analyze.stop_timeout)?)
                    .unwrap_or(Duration::from_secs(30)),
            },
            file: path,
            models_folder,
        })
    }
}

fn parsed<T: FromStr<Err = String> + Default>(flag: Option<T>, file: Option<&str>) -> Result<T, String> {
    match (flag, file) {
        (Some(value), _) => Ok(value),
        (None, Some(text)) => text.parse(),
        (None, None) => Ok(T::default()),
    }
}

/// A path of the file: as it stands when absolute, relative to the file's folder, or, for `models/...`, inside the
/// models folder. An ONNX file that does not exist stands for the bundle folder of the same name:
/// `models/finbert.onnx` is `models/finbert/`.
fn resolve_path(base: &Path, models_folder: &Path, path: PathBuf) -> PathBuf {
    let mut candidates = vec![base.join(&path)];
    if let Ok(inside) = path.strip_prefix("models") {
        candidates.push(models_folder.join(inside));
    }
    for candidate in &candidates {
        if candidate.exists() {
            return candidate.clone();
        }
        if candidate.extension().is_some_and(|extension| extension == "onnx") {
            let folder = candidate.with_extension("");
            if folder.is_dir() {
                return folder;
            }
        }
    }
    candidates.swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, overrides: &Overrides) -> Result<Config> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let overrides = Overrides { models_folder: Some(root.join("models")), ..overrides.clone() };
        Config::resolve(File::parse(text)?, Some(root.join("neural-config.yaml")), &overrides)
    }

    #[test]
    fn flags_win_over_the_file() {
        let text = "analyze: {jobs: 3, ocr: never, max_bytes: 5MB}";
        let config = load(text, &Overrides { jobs: Some(7), ..Overrides::default() }).unwrap();
        assert_eq!((config.analyze.jobs, config.analyze.ocr), (7, OcrPolicy::Never));
        assert_eq!(config.analyze.max_bytes.0, 5_000_000);
    }

    #[test]
    fn the_designs_onnx_paths_name_the_bundle_folders() {
        let config = load("models: {finbert: {path: models/finbert.onnx}}", &Overrides::default()).unwrap();
        assert!(config.models.finbert.path.ends_with("models/finbert"), "{:?}", config.models.finbert.path);
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        for (text, key) in [
            ("optimization: {graph_optimization_level: 9}", "optimization.graph_optimization_level"),
            ("performance: {parallel_inference: 0}", "performance.parallel_inference"),
            ("models: {finbert: {batch_size: 0}}", "models.finbert.batch_size"),
            ("models: {finbert: {quantization_mode: int8}}", "models.finbert.quantization_mode"),
            ("models: {finbert: {calibration: texts.jsonl}}", "models.finbert.calibration"),
            ("analyze: {ocr: perhaps}", "analyze.ocr"),
            ("analyze: {timeout: 0}", "analyze.timeout"),
            ("analyze: {max_pages: 0}", "analyze.max_pages"),
            ("analyze: {max_runtime: soon}", "analyze.max_runtime"),
            ("analyze: {sandbox: maybe}", "analyze.sandbox"),
        ] {
            let error = load(text, &Overrides::default()).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
