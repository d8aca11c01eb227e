//! Models loaded on first use, each once, with a pool of sessions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::bundle::{ModelBundle, Precision};
use super::device::{AcceleratorOptions, Provider};
use super::environment::Environment;
use super::graph_cache::GraphCache;
use super::pool::SessionPool;
use super::session::{
    InferenceSession, OptimizationLevel, OrtSession, SessionSettings, TensorSpec, may_saturate,
};
use super::weights::SharedWeights;
use crate::error::{Error, ErrorCode, Result};

/// ONNX Runtime's CPU kernel for skip connection and layer normalisation together is slower than the two apart in
/// int8 graphs (measured on bert-base: 1,255 ms against 1,195 for 32 x 128 tokens).
const SLOW_FOR_INT8: &[&str] = &["SkipLayerNormFusion", "BiasSkipLayerNormFusion"];

/// Where PP-OCR's recognisers have their alphabet: a key of the model's metadata.
const CHARACTERS: &str = "character";

/// How models are run.
#[derive(Clone, Debug)]
pub struct ManagerSettings {
    /// Where.
    pub provider: Provider,
    /// How an accelerator is used.
    pub accelerator: AcceleratorOptions,
    /// Most sessions per model (`parallel_inference`), each of one thread. One per core is fastest on a CPU.
    pub sessions: usize,
    /// Graph optimisation (`graph_optimization_level`).
    pub optimization: OptimizationLevel,
    /// Folder for optimised graphs; `None` optimises at every start.
    pub graph_cache: Option<PathBuf>,
}

impl ManagerSettings {
    /// The CPU with `sessions` sessions, everything optimised, nothing cached on disk.
    #[must_use]
    pub fn cpu(sessions: usize) -> Self {
        Self {
            provider: Provider::Cpu,
            accelerator: AcceleratorOptions::default(),
            sessions,
            optimization: OptimizationLevel::default(),
            graph_cache: None,
        }
    }
}

/// A model that has been loaded.
#[derive(Debug)]
pub struct LoadedModel {
    /// Where it came from.
    pub bundle: ModelBundle,
    /// Its sessions.
    pub pool: SessionPool,
    /// Inputs in the graph's order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs in the graph's order.
    pub outputs: Vec<TensorSpec>,
    /// The characters that a recogniser of text knows, one a line, where the file has them in its metadata.
    pub characters: Option<String>,
    /// What it runs on.
    pub provider: Provider,
    /// Everything besides the model and its inputs that results depend on to the last bit: provider, library, settings,
    /// processor.
    pub execution: String,
    /// Whether the result for an input does not depend on what else is in its batch, given the padded length:
    /// true on the CPU unless the graph scales activations by the range of the whole batch
    /// (`DynamicQuantizeLinear`). On GPUs kernels are chosen by shape, so never there.
    pub batch_invariant: bool,
    /// Bytes of weights that every further session holds for itself: 0 where sessions share them.
    pub weights_per_session: u64,
}

impl LoadedModel {
    /// Whether the model has an input of this name.
    #[must_use]
    pub fn takes(&self, input: &str) -> bool {
        self.inputs.iter().any(|spec| spec.name == input)
    }

    /// Refuses a model that takes no token ids.
    ///
    /// # Errors
    /// `model.invalid`.
    pub fn check_takes_ids(&self) -> Result<()> {
        if self.takes("input_ids") {
            return Ok(());
        }
        let names: Vec<&str> = self.inputs.iter().map(|spec| spec.name.as_str()).collect();
        Err(Error::new(
            ErrorCode::ModelInvalid,
            format!("the model has no input `input_ids`, only {}", names.join(", ")),
        )
        .file(&self.bundle.model)
        .help("export it with Hugging Face Optimum, which keeps the standard names"))
    }
}

type Slot = Arc<Mutex<Option<Arc<LoadedModel>>>>;

/// Loads models on first use and shares them.
#[derive(Debug)]
pub struct ModelManager {
    environment: Environment,
    settings: ManagerSettings,
    models: Mutex<BTreeMap<PathBuf, Slot>>,
}

impl ModelManager {
    /// A manager that has loaded nothing yet.
    #[must_use]
    pub fn new(environment: Environment, settings: ManagerSettings) -> Self {
        Self { environment, settings, models: Mutex::default() }
    }

    /// The loaded model of a bundle. The first caller loads it, others asking for the same one wait.
    ///
    /// # Errors
    /// `model.invalid` if ONNX Runtime refuses it, `device.unavailable` if the device does; a later call tries
    /// again.
    pub fn load(&self, bundle: &ModelBundle) -> Result<Arc<LoadedModel>> {
        let slot = {
            let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(models.entry(bundle.model.clone()).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*slot {
            return Ok(Arc::clone(model));
        }
        let model = Arc::new(self.create(bundle)?);
        *slot = Some(Arc::clone(&model));
        Ok(model)
    }

    fn create(&self, bundle: &ModelBundle) -> Result<LoadedModel> {
        let settings = SessionSettings {
            provider: self.settings.provider,
            accelerator: AcceleratorOptions {
                int8: bundle.precision == Precision::Int8,
                ..self.settings.accelerator
            },
            optimization: self.settings.optimization,
            exact_sums: may_saturate(&bundle.model),
            disabled_optimizers: if bundle.precision == Precision::Int8 { SLOW_FOR_INT8 } else { &[] },
        };
        // Optimised graphs for accelerators hold compiled nodes that cannot be stored.
        let cache = self
            .settings
            .graph_cache
            .as_ref()
            .filter(|_| settings.provider.is_cpu())
            .map(|folder| Arc::new(GraphCache::new(folder, &self.environment, bundle, &settings)));
        let (environment, model) = (self.environment.clone(), bundle.model.clone());
        let weights = SharedWeights::default();
        let (provider, capacity) = (settings.provider, self.settings.sessions);
        let execution = format!(
            "{settings:?} {:?} {} {}",
            bundle.preprocessor,
            self.environment.build_info(),
            super::graph_cache::processor()
        );
        let optimised = cache.clone();
        let pool = SessionPool::new(capacity, move || {
            OrtSession::load(&environment, &model, &settings, &weights, cache.as_deref())
                .map(|session| Box::new(session) as Box<dyn InferenceSession>)
        });
        let (inputs, outputs, characters) = {
            let session = pool.checkout()?;
            (session.inputs().to_vec(), session.outputs().to_vec(), session.metadata(CHARACTERS))
        };
        let shared = optimised.is_some_and(|cache| cache.lookup().is_some());
        let weights_per_session =
            if shared { 0 } else { std::fs::metadata(&bundle.model).map_or(0, |data| data.len()) };
        let batch_invariant = provider.is_cpu() && !bundle.scales_by_batch;
        Ok(LoadedModel {
            bundle: bundle.clone(),
            pool,
            inputs,
            outputs,
            characters,
            provider,
            execution,
            batch_invariant,
            weights_per_session,
        })
    }
}
