//! Everything that is loaded once for a run: page workers, models, networks.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::built_in::{FigureConfidence, LineLabels, NameConfidence};
use super::document::Request;
use super::memory::{DocumentBudget, MemoryPlan, own_memory, pool_size};
use super::ocr::BuiltInOcr;
use super::pages::PageSelection;
use super::setup::Setup;
use crate::config::{
    ByteSize, Config, Model, NativeLibrary, OcrEngine, OcrPolicy, SandboxMode, native_library,
};
use crate::document::analysis::{Figure, ModelInfo, Table};
use crate::document::{Page, TextPrediction, Tone, WordPredictions};
use crate::error::Result;
use crate::inference::{LayoutModel, TextModel};
use crate::input::{PoolStatistics, SandboxReport, WorkerOptions, WorkerPool, tesseract_version};
use crate::runtime::{Head, LoadedModel, ModelBundle, ModelManager, Profiler, Provider};
use crate::scoring::networks::ScoringNetworks;
use crate::structure::ReviewThresholds;
use crate::tokenize::TokenizerManager;

/// Page workers and models, ready to analyze.
pub struct Engine {
    pub(super) pool: WorkerPool,
    pub(super) models: Models,
    pub(super) batch_timeout: Duration,
    pub(super) documents: DocumentBudget,
    /// Becomes true when documents in work are given up.
    pub(super) cancelled: Arc<AtomicBool>,
    notices: Mutex<Vec<String>>,
}

/// The models of a configuration, loaded.
pub struct Models {
    /// Labels words of pages.
    pub layout: LayoutModel,
    /// Sentiment, section kinds and, unless `entities` is there, entities.
    pub text: TextModel,
    /// A separate entity model.
    pub entities: Option<TextModel>,
    pub(super) networks: Arc<ScoringNetworks>,
    pub(super) review: ReviewThresholds,
    pub(super) profiler: Profiler,
    line_labels: Option<Arc<LineLabels>>,
    confidence: Option<Arc<FigureConfidence>>,
    names: Option<Arc<NameConfidence>>,
    infos: Vec<ModelInfo>,
}

impl Models {
    /// Loads what the configuration names. `notice` hears what the user should know.
    ///
    /// # Errors
    /// `library.*`, `device.unavailable`, `model.*`, `tokenizer.invalid`, `network.invalid`.
    pub fn load(config: &Config, notice: &mut dyn FnMut(&str)) -> Result<Self> {
        let models = Self::of(&without_disk(&without_pages(config), notice)?)?;
        models.label_notice().iter().for_each(|text| notice(text));
        Ok(models)
    }

    /// Loads what was found.
    pub(super) fn of(setup: &Setup) -> Result<Self> {
        let config = &setup.config;
        let manager =
            |provider| ModelManager::new(setup.environment.clone(), setup.manager_settings(provider));
        let (accelerated, on_cpu) = (manager(setup.provider), manager(Provider::Cpu));
        let tokenizers = TokenizerManager::new();
        let manager_of = |model: &Model| if model.enable_gpu { &accelerated } else { &on_cpu };
        let open_text = |model: &Model, bundle: &ModelBundle| {
            TextModel::open(manager_of(model), &tokenizers, bundle, setup.inference_options(model))
        };
        let layoutlmv3 = &config.models.layoutlmv3;
        let layout = LayoutModel::open(
            manager_of(layoutlmv3),
            &tokenizers,
            &setup.layout,
            setup.inference_options(layoutlmv3),
        )?;
        let text = open_text(&config.models.finbert, &setup.text)?;
        let entities = match (&config.models.entities, &setup.entities) {
            (Some(model), Some(bundle)) => Some(open_text(model, bundle)?),
            _ => None,
        };
        let review =
            review_thresholds(layout.model(), entities.as_ref().unwrap_or(&text).model(), text.model());
        Ok(Self {
            entities,
            networks: Arc::clone(&setup.networks),
            review,
            profiler: setup.profiler.clone(),
            line_labels: setup.line_labels.clone(),
            confidence: setup.confidence.clone(),
            names: setup.names.clone(),
            layout,
            text,
            infos: setup.infos.clone(),
        })
    }

    /// Bytes of weights that each inference session holds for itself.
    fn weights_per_session(&self) -> u64 {
        let texts = [Some(&self.text), self.entities.as_ref()].into_iter().flatten().map(TextModel::model);
        texts.chain([self.layout.model()]).map(|model| model.weights_per_session).sum()
    }

    /// Predictions of the layout model with the line network's opinion, where that is loaded and knows the labels.
    ///
    /// # Errors
    /// Only `internal`.
    pub fn refine(&self, page: &Page, predictions: &WordPredictions) -> Result<Option<WordPredictions>> {
        self.line_labels.as_ref().map_or(Ok(None), |network| network.refine(page, predictions))
    }

    /// Sets the confidence of names by the network for it, where that is loaded.
    ///
    /// # Errors
    /// Only `internal`.
    pub fn rate_names(&self, texts: &[&str], predictions: &mut [TextPrediction]) -> Result<()> {
        self.names.as_ref().map_or(Ok(()), |network| network.set(texts, predictions))
    }

    /// What the user should know about the labels of the sentiment head.
    fn label_notice(&self) -> Option<String> {
        Tone::notice(self.text.sentiment_labels()?)
    }

    /// Sets the confidence of figures by the network for it, where that is loaded.
    pub(super) fn rate(&self, pages: &[Page], figures: &mut [Figure], tables: &mut [Table]) -> Result<()> {
        self.confidence.as_ref().map_or(Ok(()), |network| network.set(pages, figures, tables))
    }
}

impl Setup {
    /// The text model alone, with the caches of the run.
    ///
    /// # Errors
    /// `model.invalid`, `tokenizer.invalid`, `device.unavailable`.
    pub fn text_model(&self) -> Result<TextModel> {
        let model = &self.config.models.finbert;
        let provider = if model.enable_gpu { self.provider } else { Provider::Cpu };
        let manager = ModelManager::new(self.environment.clone(), self.manager_settings(provider));
        TextModel::open(&manager, &TokenizerManager::new(), &self.text, self.inference_options(model))
    }
}

/// What a configuration names, without the cache on disk. Only `docproc analyze` has that: figures and training must
/// come from the models as they are.
fn without_disk(config: &Config, notice: &mut dyn FnMut(&str)) -> Result<Setup> {
    let mut config = config.clone();
    config.performance.disk_cache_size = ByteSize(0);
    Setup::find(&config, Arc::default(), notice)
}

/// A configuration for what reads no page: it needs no OCR.
#[must_use]
pub fn without_pages(config: &Config) -> Config {
    let mut config = config.clone();
    config.analyze.ocr = OcrPolicy::Never;
    config
}

impl Engine {
    /// Loads what the configuration names and starts the page workers. `notice` hears what the user should know.
    ///
    /// # Errors
    /// Those of [`Models::load`], `worker.start`.
    pub fn load(config: &Config, notice: &mut dyn FnMut(&str)) -> Result<Self> {
        let engine = Self::start(&without_disk(config, notice)?)?;
        engine.take_notices().iter().for_each(|text| notice(text));
        Ok(engine)
    }

    /// Loads what was found and starts the page workers.
    pub(super) fn start(setup: &Setup) -> Result<Self> {
        let models = Models::of(setup)?;
        let config = &setup.config;
        let sessions = setup.manager_settings(Provider::Cpu).sessions;
        let memory = memory_plan(config, models.weights_per_session(), BuiltInOcr::memory(setup))?;
        let mut notices: Vec<String> = models.label_notice().into_iter().collect();
        if memory.workers < config.analyze.jobs {
            notices.push(format!(
                "the memory limit allows {} of {} page workers; raise --mem-limit for more",
                memory.workers, config.analyze.jobs
            ));
        }
        if sessions < config.performance.parallel_inference {
            notices.push(format!(
                "the memory limit allows {sessions} of {} inference sessions; raise --mem-limit for more",
                config.performance.parallel_inference
            ));
        }
        let pool = WorkerPool::start(&WorkerOptions {
            workers: memory.workers,
            pdfium: native_library(NativeLibrary::Pdfium)?,
            sandbox: config.analyze.sandbox,
            memory_limit: memory.worker,
            reader: BuiltInOcr::of(setup),
            ..WorkerOptions::default()
        })?;
        notices.extend(pool.sandbox().and_then(|report| sandbox_notice(config.analyze.sandbox, &report)));
        let batch_timeout = Duration::from_millis(config.performance.batch_timeout_ms);
        let documents = DocumentBudget::new(memory.documents);
        let cancelled = Arc::clone(&setup.shared.cancelled);
        Ok(Self { pool, models, batch_timeout, documents, cancelled, notices: Mutex::new(notices) })
    }

    /// What the user should know about how models and page workers run; each is given once.
    pub(super) fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What happened to the page workers so far.
    #[must_use]
    pub fn workers(&self) -> PoolStatistics {
        self.pool.statistics()
    }

    /// The models that take part in every analysis.
    #[must_use]
    pub fn models(&self) -> &[ModelInfo] {
        &self.models.infos
    }
}

/// Why no text layer is compared with its page though the configuration asks for it.
pub(super) fn no_comparison(config: &Config) -> Option<&'static str> {
    match config.analyze.compare_text {
        0 => None,
        _ if config.analyze.ocr == OcrPolicy::Never => Some("OCR is off"),
        _ if config.analyze.ocr_engine == OcrEngine::Tesseract && tesseract_version().is_none() => {
            Some("tesseract is not installed")
        }
        _ => None,
    }
}

impl Request {
    /// How documents are read under a configuration.
    #[must_use]
    pub fn new(config: &Config, pages: Option<PageSelection>, passwords: Vec<Vec<u8>>) -> Self {
        let mut settings = config.analyze.clone();
        if no_comparison(config).is_some() {
            settings.compare_text = 0;
        }
        Self { pages: pages.unwrap_or_default(), passwords, settings }
    }
}

/// Divides the memory limit, now that the models are loaded but those of the OCR, which take so many bytes.
fn memory_plan(config: &Config, weights: u64, ocr: u64) -> Result<MemoryPlan> {
    let limit = config.analyze.mem_limit;
    let pooled = pool_size(config.performance.memory_pool_size, limit)
        + pool_size(config.performance.cache_size, limit);
    let sessions = config.performance.parallel_inference;
    MemoryPlan::new(limit, config.analyze.jobs, own_memory() + ocr, pooled as u64, sessions, weights)
}

/// What the user should know about the sandbox: only what was wanted and is not there.
fn sandbox_notice(mode: SandboxMode, report: &SandboxReport) -> Option<String> {
    (mode == SandboxMode::Auto && !report.missing.is_empty()).then(|| {
        format!(
            "page workers are not fully locked up on this kernel ({}); with --sandbox require nothing is read then",
            report.missing
        )
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_with_holes_is_said_once_where_it_is_wanted() {
        let report = |missing: &str| SandboxReport { missing: missing.into(), ..SandboxReport::default() };
        let text =
            sandbox_notice(SandboxMode::Auto, &report("Landlock: this kernel does not have it")).unwrap();
        assert!(text.contains("Landlock") && text.contains("--sandbox require"), "{text}");
        assert_eq!(sandbox_notice(SandboxMode::Auto, &report("")), None);
        assert_eq!(sandbox_notice(SandboxMode::Off, &report("the sandbox is off")), None);
    }
}
