//! `neural-config.yaml`, environment and flags to one validated [`Config`].
//!
//! Precedence: flags, then environment (`DOCPROC_*`), then file, then defaults. The file is read into the defaults,
//! flags and environment are laid over it, and the whole is resolved and checked once.

mod file;
mod locate;
mod settings;
mod units;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use locate::{NativeLibrary, cache_folder, native_library};
pub use settings::{
    Analyze, FailOn, Model, Models, OcrEngine, OcrModelSize, OcrPolicy, Optimization, Performance,
    QuantizationMode, SandboxMode,
};
pub use units::{ByteSize, TimeSpan};

use crate::error::{Error, ErrorCode, Result};

/// Name of the configuration file that is read from the working directory when none is named.
pub const DEFAULT_FILE: &str = "neural-config.yaml";

/// Most page workers, and most sessions of a model.
const MOST_PARALLEL: usize = 1024;

/// The configuration: what the file says, what `docproc config show` prints, what the stages receive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The file it was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// Folder of the shipped model bundles; empty in the file for the one that is found.
    #[serde(rename = "models_dir")]
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

impl Config {
    /// Reads `file` (or [`DEFAULT_FILE`] in the working directory, if it is there), lets `set` lay flags and
    /// environment over it, and resolves everything.
    ///
    /// # Errors
    /// `config.invalid` for a wrong file or value, `model.not_found` when there is no models folder.
    pub fn load(file: Option<&Path>, set: impl FnOnce(&mut Self)) -> Result<Self> {
        let file = file.or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|path| path.is_file()));
        let mut config = match file {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| {
                    Error::new(ErrorCode::ConfigInvalid, "cannot read the configuration file")
                        .file(path)
                        .because(error)
                })?;
                Self::parse(&text).map_err(|error| error.file(path))?
            }
            None => Self::default(),
        };
        config.file = file.map(Path::to_owned);
        if !config.models_folder.as_os_str().is_empty() {
            let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
            config.models_folder = base.join(&config.models_folder);
        }
        set(&mut config);
        config.resolve()
    }

    /// Finds the models folder, makes paths what they stand for, and checks every value.
    fn resolve(mut self) -> Result<Self> {
        let named = Some(self.models_folder.as_path()).filter(|folder| !folder.as_os_str().is_empty());
        self.models_folder = locate::models_folder(named)?;
        let file = self.file.clone();
        if let Some((key, message)) = self.problem() {
            let error = Error::new(ErrorCode::ConfigInvalid, message).part(key);
            return Err(match file {
                Some(path) => error.file(path),
                None => error,
            });
        }
        let base = file.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let models_folder = self.models_folder.clone();
        for (model, shipped) in
            [(&mut self.models.layoutlmv3, "layoutlmv3"), (&mut self.models.finbert, "finbert")]
        {
            if model.path.as_os_str().is_empty() {
                model.path = models_folder.join(shipped);
            }
        }
        self.model_paths().for_each(|path| *path = resolve_path(&base, &models_folder, path));
        Ok(self)
    }

    /// With paths that hold in every working directory, to be printed and read elsewhere.
    #[must_use]
    pub fn absolute(mut self) -> Self {
        let absolute = |path: &mut PathBuf| {
            if let Ok(whole) = std::path::absolute(&*path) {
                *path = whole;
            }
        };
        absolute(&mut self.models_folder);
        self.model_paths().for_each(absolute);
        self
    }

    fn model_paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Models { layoutlmv3, finbert, entities, custom_networks } = &mut self.models;
        let models = [layoutlmv3, finbert].into_iter().chain(entities);
        models
            .flat_map(|model| [Some(&mut model.path), model.tokenizer.as_mut(), model.calibration.as_mut()])
            .chain(custom_networks.iter_mut().flatten().map(|network| network.file.as_mut()))
            .flatten()
    }

    /// The first value that cannot be, as key and message.
    fn problem(&self) -> Option<(String, String)> {
        let models = &self.models;
        let of_models = [("layoutlmv3", Some(&models.layoutlmv3)), ("finbert", Some(&models.finbert))]
            .into_iter()
            .chain([("entities", models.entities.as_ref())])
            .find_map(|(role, model)| {
                let (key, message) = model?.problem()?;
                Some((format!("models.{role}.{key}"), message))
            });
        if of_models.is_some() {
            return of_models;
        }
        if models.entities.as_ref().is_some_and(|model| model.path.as_os_str().is_empty()) {
            return Some((
                "models.entities.path".to_owned(),
                "a separate entity model needs its path".to_owned(),
            ));
        }
        let Self { performance, optimization, analyze, .. } = self;
        let most = MOST_PARALLEL as u64;
        let counts = [
            ("performance.parallel_inference", performance.parallel_inference as u64, 1, most),
            ("optimization.graph_optimization_level", optimization.graph_optimization_level.into(), 0, 3),
            ("analyze.jobs", analyze.jobs as u64, 1, most),
            ("analyze.timeout", analyze.timeout.map_or(1, |time| time.0.as_secs()), 1, u64::MAX),
            ("analyze.max_pages", analyze.max_pages.into(), 1, u64::MAX),
            ("analyze.max_bytes", analyze.max_bytes.0, 1, u64::MAX),
            ("analyze.max_pixels", analyze.max_pixels, 1, u64::MAX),
        ];
        for (key, value, least, greatest) in counts {
            if !(least..=greatest).contains(&value) {
                let range = match greatest {
                    u64::MAX => format!("at least {least}"),
                    _ => format!("{least} to {greatest}"),
                };
                return Some((key.to_owned(), format!("must be {range}, not {value}")));
            }
        }
        let fraction = optimization.gpu_memory_fraction;
        (!(fraction > 0.0 && fraction <= 1.0)).then(|| {
            (
                "optimization.gpu_memory_fraction".to_owned(),
                format!("must be above 0 and at most 1, not {fraction}"),
            )
        })
    }
}

/// A path of the file: as it stands when absolute, relative to the file's folder, or, for `models/...`, inside the
/// models folder. An ONNX file that does not exist stands for the bundle folder of the same name:
/// `models/finbert.onnx` is `models/finbert/`.
fn resolve_path(base: &Path, models_folder: &Path, path: &Path) -> PathBuf {
    let mut candidates = vec![base.join(path)];
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

    fn load(text: &str, set: impl FnOnce(&mut Config)) -> Result<Config> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut config = Config::parse(text)?;
        config.file = Some(root.join("neural-config.yaml"));
        config.models_folder = root.join("models");
        set(&mut config);
        config.resolve()
    }

    #[test]
    fn flags_win_over_the_file() {
        let text = "analyze: {jobs: 3, ocr: never, max_bytes: 5MB}";
        let config = load(text, |config| config.analyze.jobs = 7).unwrap();
        assert_eq!((config.analyze.jobs, config.analyze.ocr), (7, OcrPolicy::Never));
        assert_eq!(config.analyze.max_bytes.0, 5_000_000);
    }

    #[test]
    fn the_designs_onnx_paths_name_the_bundle_folders() {
        let config = load("models: {finbert: {path: models/finbert.onnx}}", |_| ()).unwrap();
        assert!(config.models.finbert.path.ends_with("models/finbert"), "{:?}", config.models.finbert.path);
    }

    #[test]
    fn what_is_printed_is_what_is_read() {
        for text in [
            "",
            "models:
  finbert: {batch_size: 4, tokenizer: vocab.txt, enable_quantization: true, quantization_mode: fp16, calibration: x}
  entities: {path: models/finbert, enable_gpu: false, max_sequence_length: 64}
  custom_networks: [{name: risk_scorer, type: fann, layers: [3, 2, 1], activation: relu, file: a.json}]
performance: {memory_pool_size: 1.5GB, cache_size: 17, disk_cache_size: 0, batch_timeout_ms: 7, enable_profiling: true}
optimization: {enable_simd: false, enable_tensorrt: true, mixed_precision: true, gpu_memory_fraction: 0.25,
  graph_optimization_level: 1}
analyze: {jobs: 3, device: 'cuda:1', ocr: always, compare_text: 2, timeout: 90, max_pages: 7, max_bytes: 3KB,
  max_pixels: 12345, mem_limit: 4GiB, sandbox: require, fail_on: never, max_runtime: 1h30m, stop_timeout: 5s}",
        ] {
            let config = load(text, |_| ()).unwrap();
            let printed = serde_saphyr::to_string(&config).unwrap();
            let again = load(&printed, |_| ()).unwrap_or_else(|error| panic!("{error}\n{printed}"));
            assert_eq!(again, config, "{printed}");
        }
    }

    #[test]
    fn the_time_of_a_document_grows_with_its_pages_unless_it_is_given() {
        let default = Analyze::default();
        assert_eq!(default.time_for(1).as_secs(), 310);
        assert_eq!(default.time_for(180).as_secs(), 2100);
        let given = load("analyze: {timeout: 90}", |_| ()).unwrap().analyze;
        assert_eq!(given.time_for(180).as_secs(), 90);
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        for (text, key) in [
            ("optimization: {graph_optimization_level: 9}", "optimization.graph_optimization_level"),
            ("optimization: {gpu_memory_fraction: 0}", "optimization.gpu_memory_fraction"),
            ("performance: {parallel_inference: 0}", "performance.parallel_inference"),
            ("models: {finbert: {batch_size: 0}}", "models.finbert.batch_size"),
            ("models: {finbert: {quantization_mode: int8}}", "models.finbert.quantization_mode"),
            ("models: {finbert: {calibration: texts.jsonl}}", "models.finbert.calibration"),
            ("models: {entities: {batch_size: 2}}", "models.entities.path"),
            ("analyze: {jobs: 0}", "analyze.jobs"),
            ("analyze: {timeout: 0}", "analyze.timeout"),
            ("analyze: {max_pages: 0}", "analyze.max_pages"),
            ("analyze: {ocr: perhaps}", "perhaps"),
            ("analyze: {max_runtime: soon}", "soon"),
            ("analyze: {sandbox: maybe}", "maybe"),
        ] {
            let error = load(text, |_| ()).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
