//! What a run would use: found, checked and fingerprinted at once, loaded when the first document needs it.
//!
//! A re-run over an unchanged folder needs the fingerprint only, and is over before a model could be loaded.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use docproc_hash::file_sha256;

use super::built_in::{FigureConfidence, LineLabels, NameConfidence};
use super::document::Request;
use super::engine::{Engine, no_comparison};
use super::memory::{pool_size, sessions_within};
use super::networks;
use super::ocr::OcrBundles;
use super::variants::open_bundle;
use crate::config::{
    Config, Model, NativeLibrary, OcrEngine, OcrPolicy, Optimization, cache_folder, native_library,
};
use crate::document::analysis::{ModelInfo, SCHEMA_VERSION};
use crate::error::Result;
use crate::inference::InferenceOptions;
use crate::input::{Input, OcrIdentity, OcrOptions};
use crate::output::{CacheUse, Key};
use crate::runtime::{
    AcceleratorOptions, BatchBudget, BufferPool, BufferStatistics, Device, DiskCache, Environment,
    InferenceCache, ManagerSettings, Manifest, ModelBundle, OptimizationLevel, Profiler, Provider, StageTime,
};
use crate::scoring::networks::ScoringNetworks;

/// Models, networks and libraries of a configuration, found and not loaded yet.
pub struct Setup {
    pub(super) config: Config,
    pub(super) environment: Environment,
    pub(super) provider: Provider,
    pub(super) layout: ModelBundle,
    pub(super) text: ModelBundle,
    pub(super) entities: Option<ModelBundle>,
    pub(super) ocr: Option<OcrBundles>,
    pub(super) networks: Arc<ScoringNetworks>,
    pub(super) line_labels: Option<Arc<LineLabels>>,
    pub(super) confidence: Option<Arc<FigureConfidence>>,
    pub(super) names: Option<Arc<NameConfidence>>,
    pub(super) infos: Vec<ModelInfo>,
    pub(super) profiler: Profiler,
    pub(super) shared: InferenceOptions,
    libraries: BTreeMap<String, String>,
    /// Everything but the input that an analysis depends on.
    fingerprint: String,
    engine: OnceLock<Engine>,
    starting: Mutex<()>,
}

impl Setup {
    /// Finds what the configuration names and takes its checksums. When `cancelled` becomes true, inference fails with
    /// `run.interrupted`. `notice` hears what the user should know.
    ///
    /// # Errors
    /// `library.*`, `device.unavailable`, `model.not_found`, `model.checksum`, `network.invalid`.
    pub fn find(config: &Config, cancelled: Arc<AtomicBool>, notice: &mut dyn FnMut(&str)) -> Result<Self> {
        let onnxruntime = native_library(NativeLibrary::OnnxRuntime)?;
        let pdfium = native_library(NativeLibrary::Pdfium)?;
        let environment = Environment::load(&onnxruntime)?;
        let device = config
            .analyze
            .device
            .parse::<Device>()?
            .resolve(&environment, config.optimization.enable_tensorrt)?;
        if let Some(text) = &device.notice {
            notice(text);
        }
        if let Some(reason) = no_comparison(config) {
            notice(&format!("text layers are not compared with the drawn pages: {reason}"));
        }
        for setting in idle_settings(config, device.provider) {
            notice(&setting);
        }
        let manifest = Manifest::read(&config.models_folder)?;
        let open = |model: &Model| open_bundle(model, manifest.as_ref());
        // Taking checksums is all the time that a run without work spends here.
        let ((layout, text), (entities, libraries)) = rayon::join(
            || rayon::join(|| open(&config.models.layoutlmv3), || open(&config.models.finbert)),
            || {
                rayon::join(
                    || config.models.entities.as_ref().map(open).transpose(),
                    || {
                        let natives = || rayon::join(|| file_sha256(&onnxruntime), || file_sha256(&pdfium));
                        let ocr = || OcrBundles::find(config, manifest.as_ref());
                        let program = || rayon::join(|| ocr_identity(config), ocr);
                        rayon::join(natives, || rayon::join(own_sha256, program))
                    },
                )
            },
        );
        let (layout, text, entities) = (layout?, text?, entities?);
        let (libraries, (own, (program, ocr))) = libraries;
        let ocr = ocr?;
        let mut libraries = BTreeMap::from([
            ("onnxruntime".to_owned(), environment.version().to_owned()),
            ("onnxruntime_sha256".to_owned(), libraries.0?),
            ("pdfium_sha256".to_owned(), libraries.1?),
        ]);
        if let Some(bundles) = &ocr {
            libraries.extend([
                ("ocr_detector_sha256".to_owned(), bundles.detector.identity.clone()),
                ("ocr_recogniser_sha256".to_owned(), bundles.recogniser.identity.clone()),
            ]);
        }
        if let Some(program) = program {
            if !program.has_language_data {
                notice(
                    "tesseract's language data was not found: a change of it alone will not make analyses anew",
                );
            }
            libraries.extend([
                ("tesseract".to_owned(), program.version),
                ("tesseract_sha256".to_owned(), program.sha256),
            ]);
        }
        let line_labels = LineLabels::load(config, manifest.as_ref())?.map(Arc::new);
        let confidence = FigureConfidence::load(config, manifest.as_ref())?.map(Arc::new);
        let names = NameConfidence::load(config, manifest.as_ref())?.map(Arc::new);
        let networks = Arc::new(networks::load(config, manifest.as_ref(), notice)?);
        let mut infos = vec![model_info("layout", &layout), model_info("text", &text)];
        infos.extend(entities.as_ref().map(|bundle| model_info("entities", bundle)));
        infos.extend(line_labels.as_ref().map(|network| network.info.clone()));
        infos.extend(confidence.as_ref().map(|network| network.info.clone()));
        infos.extend(names.as_ref().map(|network| network.info.clone()));
        infos.extend(networks.models());
        let identities: Vec<&str> =
            [&layout, &text].into_iter().chain(&entities).map(|bundle| bundle.identity.as_str()).collect();
        let fingerprint = format!(
            "{} {own} {SCHEMA_VERSION} {identities:?} {:?} {:?} {:?} {} {:?}",
            env!("CARGO_PKG_VERSION"),
            infos,
            config.models,
            config.optimization,
            device.provider,
            libraries,
        );
        let profiler =
            if config.performance.enable_profiling { Profiler::tracing() } else { Profiler::default() };
        let shared = InferenceOptions {
            max_sequence_length: usize::MAX,
            budget: if device.provider.is_cpu() { BatchBudget::CPU } else { BatchBudget::GPU },
            buffers: BufferPool::new(pool_size(
                config.performance.memory_pool_size,
                config.analyze.mem_limit,
            )),
            cache: Some(Arc::new(inference_cache(config))),
            profiler: profiler.clone(),
            cancelled,
        };
        Ok(Self {
            config: config.clone(),
            environment,
            provider: device.provider,
            layout,
            text,
            entities,
            ocr,
            networks,
            line_labels,
            confidence,
            names,
            infos,
            profiler,
            shared,
            libraries,
            fingerprint,
            engine: OnceLock::new(),
            starting: Mutex::new(()),
        })
    }

    /// Models and page workers; the first caller loads them, others wait.
    ///
    /// # Errors
    /// `model.invalid`, `tokenizer.invalid`, `device.unavailable`, `worker.start`.
    pub fn engine(&self) -> Result<&Engine> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Engine::start(self)?;
        Ok(self.engine.get_or_init(|| engine))
    }

    /// Models and page workers, if a document needed them so far.
    #[must_use]
    pub fn started(&self) -> Option<&Engine> {
        self.engine.get()
    }

    /// The models that take part in every analysis.
    #[must_use]
    pub fn models(&self) -> &[ModelInfo] {
        &self.infos
    }

    /// Versions and checksums of the native libraries, and of what reads pages by OCR unless that is off.
    #[must_use]
    pub fn libraries(&self) -> &BTreeMap<String, String> {
        &self.libraries
    }

    /// Results of earlier inferences.
    #[must_use]
    pub fn cache(&self) -> Option<&InferenceCache> {
        self.shared.cache.as_deref()
    }

    /// What the inference cache did so far.
    #[must_use]
    pub fn cache_use(&self) -> CacheUse {
        self.shared.cache.as_ref().map_or_else(CacheUse::default, |cache| {
            let statistics = cache.statistics();
            CacheUse {
                memory_hits: statistics.hits,
                disk_hits: statistics.disk_hits,
                misses: statistics.misses,
                memory_evicted: statistics.evicted,
                memory_bytes: statistics.bytes as u64,
                disk_written: statistics.disk_written,
                disk_evicted: statistics.disk_evicted,
            }
        })
    }

    /// What the pool of tensor buffers did so far.
    #[must_use]
    pub fn buffers(&self) -> BufferStatistics {
        self.shared.buffers.statistics()
    }

    /// Where the time went so far.
    #[must_use]
    pub fn profile(&self) -> Vec<StageTime> {
        self.profiler.snapshot()
    }

    /// Writes every span so far in Chrome's trace event format.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_trace(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        self.profiler.write_trace(out)
    }

    /// The hash that says whether an analysis is current: tool, libraries, models, configuration, request, path and
    /// bytes. The digest is empty for an input that could not be read.
    #[must_use]
    pub fn key(&self, input: &Input, sha256: &str, request: &Request) -> Key {
        use std::os::unix::ffi::OsStrExt;
        let read = &request.settings;
        let settings = format!(
            "{:?} {:?} {:?} {} {} {}",
            request.pages, read.ocr, read.ocr_engine, read.compare_text, read.max_pages, read.max_pixels
        );
        Key::of(&[
            self.fingerprint.as_bytes(),
            settings.as_bytes(),
            input.path.as_os_str().as_bytes(),
            sha256.as_bytes(),
        ])
    }

    pub(super) fn inference_options(&self, model: &Model) -> InferenceOptions {
        InferenceOptions {
            max_sequence_length: model.max_sequence_length.unwrap_or(usize::MAX),
            budget: self.shared.budget.with_inputs(model.batch_size),
            ..self.shared.clone()
        }
    }

    pub(super) fn manager_settings(&self, provider: Provider) -> ManagerSettings {
        manager_settings(&self.config, provider)
    }
}

/// SHA-256 of the running program, so that another build of the same version does not take its analyses for current;
/// empty where the system does not show the file.
fn own_sha256() -> String {
    file_sha256(Path::new("/proc/self/exe")).unwrap_or_default()
}

/// What the configuration asks for and this run cannot use.
fn idle_settings(config: &Config, provider: Provider) -> Vec<String> {
    let idle = |key: &str, reason: &str| format!("optimization.{key} has no effect: {reason}");
    let optimization = &config.optimization;
    let mut notices = Vec::new();
    if optimization.enable_tensorrt && !matches!(provider, Provider::TensorRt(_)) {
        let reason = if !cfg!(feature = "tensorrt") {
            "this build has no TensorRT (cargo feature `tensorrt`)"
        } else if config.analyze.device != "auto" {
            "it belongs to `--device auto`, and another device is asked for"
        } else {
            "TensorRT does not work on this machine"
        };
        notices.push(idle("enable_tensorrt", reason));
    }
    if optimization.mixed_precision && !matches!(provider, Provider::TensorRt(_)) {
        notices.push(idle(
            "mixed_precision",
            "only TensorRT chooses the precision of a model that it runs; elsewhere take an fp16 model",
        ));
    }
    if optimization.gpu_memory_fraction != Optimization::default().gpu_memory_fraction && provider.is_cpu() {
        notices.push(idle("gpu_memory_fraction", "models run on the CPU"));
    }
    notices
}

/// The OCR program that documents may be read with.
fn ocr_identity(config: &Config) -> Option<OcrIdentity> {
    let analyze = &config.analyze;
    (analyze.ocr != OcrPolicy::Never && analyze.ocr_engine == OcrEngine::Tesseract)
        .then(|| OcrIdentity::of(&OcrOptions::default()))
        .flatten()
}

/// How models are run under a configuration.
#[must_use]
pub fn manager_settings(config: &Config, provider: Provider) -> ManagerSettings {
    let sessions = sessions_within(config.analyze.mem_limit, config.performance.parallel_inference);
    ManagerSettings {
        provider,
        accelerator: AcceleratorOptions {
            memory_fraction: config.optimization.gpu_memory_fraction,
            half_precision: config.optimization.mixed_precision,
            ..AcceleratorOptions::default()
        },
        sessions: if provider.is_cpu() { sessions } else { 1 },
        optimization: OptimizationLevel::from_number(u32::from(config.optimization.graph_optimization_level))
            .unwrap_or_default(),
        graph_cache: cache_folder().map(|folder| folder.join("graphs")),
    }
}

/// The cache in memory, with the one on disk behind it unless that is turned off or has no place.
fn inference_cache(config: &Config) -> InferenceCache {
    let limit = config.performance.disk_cache_size.0;
    let folder = cache_folder().filter(|_| limit > 0);
    let disk = folder.map(|folder| DiskCache::new(&folder.join("inference"), limit));
    InferenceCache::new(pool_size(config.performance.cache_size, config.analyze.mem_limit), disk)
}

fn model_info(role: &str, bundle: &ModelBundle) -> ModelInfo {
    ModelInfo {
        role: role.to_owned(),
        name: bundle.name.clone(),
        sha256: bundle.sha256.clone(),
        precision: bundle.precision.as_str().to_owned(),
    }
}
