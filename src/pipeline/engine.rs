//! Everything that is loaded once for a run: page workers, models, networks.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use super::document::Request;
use super::networks::{self, LineLabels};
use super::pages::PageSelection;
use super::variants::open_bundle;
use crate::config::{Config, Model, NativeLibrary, cache_folder, native_library};
use crate::document::analysis::{ModelInfo, SCHEMA_VERSION};
use crate::document::{Page, WordPredictions};
use crate::error::Result;
use crate::inference::{InferenceOptions, LayoutModel, TextModel};
use crate::input::{Input, WorkerOptions, WorkerPool};
use crate::output::Key;
use crate::runtime::{
    AcceleratorOptions, BatchBudget, BufferPool, Device, Environment, Head, InferenceCache, LoadedModel,
    ManagerSettings, Manifest, ModelManager, OptimizationLevel, Profiler, Provider, StageTime,
};
use crate::scoring::networks::ScoringNetworks;
use crate::structure::ReviewThresholds;
use crate::tokenize::TokenizerManager;

/// Words of a section that the section-kind head reads, where its bundle does not say.
const SECTION_WORDS: usize = 60;

/// Page workers and models, ready to analyze.
pub struct Engine {
    pub(super) pool: WorkerPool,
    pub(super) models: Models,
    pub(super) batch_timeout: Duration,
    /// Everything but the input that an analysis depends on.
    fingerprint: String,
}

/// The models of a configuration, loaded.
pub struct Models {
    /// Labels words of pages.
    pub layout: LayoutModel,
    /// Sentiment, section kinds and, unless `entities` is there, entities.
    pub text: TextModel,
    /// A separate entity model.
    pub entities: Option<TextModel>,
    pub(super) networks: ScoringNetworks,
    pub(super) review: ReviewThresholds,
    /// Words after a section's title that the section-kind head reads.
    pub(super) section_words: usize,
    pub(super) profiler: Profiler,
    line_labels: Option<LineLabels>,
    infos: Vec<ModelInfo>,
    environment: Environment,
}

impl Models {
    /// Loads what the configuration names. `notice` hears what the user should know.
    ///
    /// # Errors
    /// `library.*`, `device.unavailable`, `model.*`, `tokenizer.invalid`, `network.invalid`.
    pub fn load(config: &Config, notice: &mut dyn FnMut(&str)) -> Result<Self> {
        let environment = Environment::load(&native_library(NativeLibrary::OnnxRuntime)?)?;
        let device = config
            .analyze
            .device
            .parse::<Device>()?
            .resolve(&environment, config.optimization.enable_tensorrt)?;
        if let Some(text) = &device.notice {
            notice(text);
        }
        let manifest = Manifest::read(&config.models_folder)?;
        let manager = |provider| ModelManager::new(environment.clone(), manager_settings(config, provider));
        let (accelerated, on_cpu) = (manager(device.provider), manager(Provider::Cpu));
        let tokenizers = TokenizerManager::new();
        let profiler = Profiler::new(config.performance.enable_profiling);
        let shared = InferenceOptions {
            max_sequence_length: usize::MAX,
            budget: if device.provider.is_cpu() { BatchBudget::CPU } else { BatchBudget::GPU },
            buffers: BufferPool::new(config.performance.memory_pool_size.as_usize()),
            cache: Some(Arc::new(InferenceCache::new(config.performance.cache_size.as_usize()))),
            profiler: profiler.clone(),
        };
        let options = |model: &Model| InferenceOptions {
            max_sequence_length: model.max_sequence_length.unwrap_or(usize::MAX),
            budget: shared.budget.with_inputs(model.batch_size),
            ..shared.clone()
        };
        let manager_of = |model: &Model| if model.enable_gpu { &accelerated } else { &on_cpu };
        let open_text = |model: &Model| -> Result<TextModel> {
            let bundle = open_bundle(model, manifest.as_ref())?;
            TextModel::open(manager_of(model), &tokenizers, &bundle, options(model))
        };
        let setup = &config.models.layoutlmv3;
        let bundle = open_bundle(setup, manifest.as_ref())?;
        let layout = LayoutModel::open(manager_of(setup), &tokenizers, &bundle, options(setup))?;
        let text = open_text(&config.models.finbert)?;
        let entities = config.models.entities.as_ref().map(open_text).transpose()?;
        let mut models = vec![model_info("layout", layout.model()), model_info("text", text.model())];
        models.extend(entities.as_ref().map(|entities| model_info("entities", entities.model())));
        let line_labels = LineLabels::load(config, manifest.as_ref())?;
        models.extend(line_labels.as_ref().map(|network| network.info.clone()));
        let networks = networks::load(config, manifest.as_ref(), notice)?;
        models.extend(networks.models());
        let review =
            review_thresholds(layout.model(), entities.as_ref().unwrap_or(&text).model(), text.model());
        Ok(Self {
            entities,
            networks,
            review,
            section_words: text.model().bundle.config.section_words.unwrap_or(SECTION_WORDS),
            profiler,
            line_labels,
            layout,
            text,
            infos: models,
            environment,
        })
    }

    /// Predictions of the layout model with the line network's opinion, where that is loaded and knows the labels.
    ///
    /// # Errors
    /// Only `internal`.
    pub fn refine(&self, page: &Page, predictions: &WordPredictions) -> Result<Option<WordPredictions>> {
        self.line_labels.as_ref().map_or(Ok(None), |network| network.refine(page, predictions))
    }
}

impl Engine {
    /// Loads what the configuration names and starts the page workers. `notice` hears what the user should know.
    ///
    /// # Errors
    /// Those of [`Models::load`], `worker.start`.
    pub fn start(config: &Config, notice: &mut dyn FnMut(&str)) -> Result<Self> {
        let models = Models::load(config, notice)?;
        let pool = WorkerPool::start(&WorkerOptions {
            workers: config.analyze.jobs,
            pdfium: native_library(NativeLibrary::Pdfium)?,
            ..WorkerOptions::default()
        })?;
        let fingerprint = format!(
            "{} {SCHEMA_VERSION} {:?} {:?} {:?}",
            env!("CARGO_PKG_VERSION"),
            models.infos,
            config.models,
            config.optimization
        );
        let batch_timeout = Duration::from_millis(config.performance.batch_timeout_ms);
        Ok(Self { pool, models, batch_timeout, fingerprint })
    }

    /// How documents are read under this configuration.
    #[must_use]
    pub fn request(&self, config: &Config, pages: Option<PageSelection>, passwords: Vec<Vec<u8>>) -> Request {
        Request {
            pages: pages.unwrap_or_default(),
            passwords,
            ocr: config.analyze.ocr,
            timeout: config.analyze.timeout,
            max_pages: config.analyze.max_pages,
            max_pixels: config.analyze.max_pixels,
            max_bytes: config.analyze.max_bytes.0,
        }
    }

    /// The models that take part in every analysis.
    #[must_use]
    pub fn models(&self) -> &[ModelInfo] {
        &self.models.infos
    }

    /// Version of the loaded ONNX Runtime.
    #[must_use]
    pub fn runtime_version(&self) -> &str {
        self.models.environment.version()
    }

    /// Where the time went so far.
    #[must_use]
    pub fn profile(&self) -> Vec<StageTime> {
        self.models.profiler.snapshot()
    }

    /// The hash that says whether an analysis is current: tool, models, configuration, request, path and bytes. The
    /// digest is empty for an input that could not be read.
    #[must_use]
    pub fn key(&self, input: &Input, sha256: &str, request: &Request) -> Key {
        use std::os::unix::ffi::OsStrExt;
        let settings =
            format!("{:?} {:?} {} {}", request.pages, request.ocr, request.max_pages, request.max_pixels);
        Key::of(&[
            self.fingerprint.as_bytes(),
            settings.as_bytes(),
            input.path.as_os_str().as_bytes(),
            sha256.as_bytes(),
        ])
    }
}

fn model_info(role: &str, loaded: &LoadedModel) -> ModelInfo {
    ModelInfo {
        role: role.to_owned(),
        name: loaded.bundle.name.clone(),
        sha256: loaded.bundle.sha256.clone(),
        precision: loaded.bundle.precision.as_str().to_owned(),
    }
}

/// The review thresholds that the models' configurations state.
fn review_thresholds(layout: &LoadedModel, entities: &LoadedModel, text: &LoadedModel) -> ReviewThresholds {
    let threshold = |model: &LoadedModel, head: Head| {
        model.bundle.config.review_thresholds.get(head.key()).copied().unwrap_or(0.0)
    };
    ReviewThresholds {
        layout: threshold(layout, Head::Layout),
        sentiment: threshold(text, Head::Sentiment),
        entities: threshold(entities, Head::Entity),
    }
}

fn manager_settings(config: &Config, provider: Provider) -> ManagerSettings {
    let cores = available_parallelism().map_or(1, usize::from);
    let sessions = if provider.is_cpu() { config.performance.parallel_inference } else { 1 };
    ManagerSettings {
        provider,
        accelerator: AcceleratorOptions {
            half_precision: config.optimization.mixed_precision,
            ..AcceleratorOptions::default()
        },
        sessions,
        intra_threads: (cores / sessions).max(1),
        optimization: OptimizationLevel::from_number(u32::from(config.optimization.graph_optimization_level))
            .unwrap_or_default(),
        graph_cache: cache_folder().map(|folder| folder.join("graphs")),
    }
}
