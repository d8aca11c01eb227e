//! The transformer models, each at every precision that its bundle has.

use std::sync::Arc;
use std::time::Instant;

use super::Context;
use super::corpus::Corpus;
use super::flops::{OperationCounter, Operations};
use super::workload::{Plan, Size, Workload};
use crate::config::Model;
use crate::error::{ErrorCode, Result};
use crate::inference::{InferenceOptions, LayoutModel, PageInput, TextModel};
use crate::pipeline::{manager_settings, open_bundle};
use crate::runtime::{
    BatchBudget, BufferPool, BundleOptions, InferenceCache, Manifest, ModelBundle, ModelManager, Precision,
    plan,
};
use crate::tokenize::{Encoder, TokenizerManager, TokenizerSource, WindowLimits};

/// Budgets in padded tokens per session that are tried on a CPU, and on an accelerator.
const CPU_BUDGETS: &[usize] = &[64, 128, 256, 512, 1024, 2048];
const ACCELERATOR_BUDGETS: &[usize] = &[1024, 4096, 16_384, 32_768];
/// Texts and pages that one run of a throughput workload takes.
const SENTENCES: usize = 256;
const PAGES: usize = 16;

/// What is asked of a model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Latency,
    Throughput,
}

/// Every model at every precision, twice; and the text model with and without its cache.
///
/// # Errors
/// Those of opening bundles.
pub fn plans<'a>(context: &'a Context<'a>) -> Result<Vec<Plan<'a>>> {
    let mut plans = Vec::new();
    let models = &context.config.models;
    let manifest = Manifest::read(&context.config.models_folder)?;
    let text = std::iter::once(&models.finbert).chain(&models.entities);
    let all = text.map(|model| (model, true)).chain([(&models.layoutlmv3, false)]);
    for (model, is_text) in all {
        let bundles = bundles(model, manifest.as_ref())?;
        for task in [Task::Latency, Task::Throughput] {
            for bundle in &bundles {
                let bundle = bundle.clone();
                let what = if task == Task::Latency { "latency" } else { "throughput" };
                plans.push(Plan {
                    name: format!("model/{}.{}/{what}", bundle.name, bundle.precision.as_str()),
                    group: format!("model/{}/{what}", bundle.name),
                    unit: if is_text { "sentences" } else { "pages" },
                    make: Box::new(move |setting| make(context, model, &bundle, is_text, task, setting)),
                });
            }
        }
        if let (true, Some(bundle)) = (is_text, bundles.into_iter().next()) {
            for warm in [false, true] {
                let bundle = bundle.clone();
                let name = if warm { "warm" } else { "cold" };
                plans.push(Plan {
                    name: format!("cache/{}/{name}", bundle.name),
                    group: format!("cache/{}", bundle.name),
                    unit: "sentences",
                    make: Box::new(move |_| Ok(Box::new(Cached::new(context, model, &bundle, warm)?))),
                });
            }
        }
    }
    Ok(plans)
}

/// The bundle at every precision that it has, the one that the pipeline takes by itself first: a variant made at first
/// use where the configuration asks for one.
fn bundles(model: &Model, manifest: Option<&Manifest>) -> Result<Vec<ModelBundle>> {
    let open = |precision| {
        let tokenizer = model.tokenizer.as_deref();
        ModelBundle::open(&model.path, &BundleOptions { tokenizer, precision, manifest })
    };
    let mut bundles = vec![open_bundle(model, manifest)?];
    if model.path.is_file() {
        let own = open(None)?;
        bundles.extend((own.model != bundles[0].model).then_some(own));
        return Ok(bundles);
    }
    for precision in [Precision::Fp32, Precision::Int8, Precision::Fp16] {
        match open(Some(precision)) {
            Ok(bundle) if bundle.precision != bundles[0].precision => bundles.push(bundle),
            Ok(_) => {}
            Err(error) if error.code() == ErrorCode::ModelNotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bundles)
}

fn options(context: &Context<'_>, model: &Model, budget: BatchBudget) -> InferenceOptions {
    InferenceOptions {
        max_sequence_length: model.max_sequence_length.unwrap_or(usize::MAX),
        budget,
        buffers: BufferPool::new(context.config.performance.memory_pool_size.as_usize()),
        ..InferenceOptions::default()
    }
}

/// A model with what it is run on.
enum Loaded {
    Text(TextModel, Vec<String>),
    Layout(LayoutModel, Arc<Corpus>, Vec<usize>),
}

impl Loaded {
    fn run(&self) -> Result<()> {
        match self {
            Self::Text(model, texts) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                model.predict(&texts).map(drop)
            }
            Self::Layout(model, corpus, pages) => {
                let pages: Vec<PageInput<'_>> = pages.iter().map(|&at| corpus.pages[at].input()).collect();
                model.predict(&pages).map(drop)
            }
        }
    }
}

struct ModelWorkload {
    loaded: Loaded,
    size: Size,
}

impl Workload for ModelWorkload {
    fn run(&mut self) -> Result<()> {
        self.loaded.run()
    }

    fn size(&self) -> Size {
        self.size.clone()
    }
}

fn make<'a>(
    context: &'a Context<'a>,
    model: &'a Model,
    bundle: &ModelBundle,
    is_text: bool,
    task: Task,
    setting: Option<usize>,
) -> Result<Box<dyn Workload + 'a>> {
    let corpus = context.corpus()?;
    let provider = if model.enable_gpu { context.provider } else { crate::runtime::Provider::Cpu };
    let settings = manager_settings(context.config, provider);
    let threads = if task == Task::Latency { 1 } else { context.cores };
    let manager = ModelManager::new(context.environment.clone(), settings);
    let tokenizers = TokenizerManager::new();
    let load = |budget: BatchBudget| -> Result<Loaded> {
        let options = options(context, model, budget);
        if is_text {
            let texts = match task {
                Task::Latency => vec![corpus.typical_sentence().to_owned()],
                Task::Throughput => corpus.sentences.iter().take(SENTENCES).cloned().collect(),
            };
            return Ok(Loaded::Text(TextModel::open(&manager, &tokenizers, bundle, options)?, texts));
        }
        let pages = match task {
            Task::Latency => vec![corpus.typical_page()],
            Task::Throughput => (0..corpus.pages.len().min(PAGES)).collect(),
        };
        let model = LayoutModel::open(&manager, &tokenizers, bundle, options)?;
        Ok(Loaded::Layout(model, Arc::clone(&corpus), pages))
    };
    let budget = |tokens| BatchBudget { padded_tokens: tokens, inputs: 1024 };
    let candidates = if provider.is_cpu() { CPU_BUDGETS } else { ACCELERATOR_BUDGETS };
    let chosen = match (task, setting) {
        (Task::Latency, _) => candidates[0],
        (Task::Throughput, Some(setting)) => setting,
        (Task::Throughput, None) => best(candidates, |tokens| load(budget(tokens)))?,
    };
    let loaded = load(budget(chosen))?;
    let encoder = tokenizers.load(&TokenizerSource::find(&bundle.tokenizer)?)?;
    let lengths = lengths(&loaded, &encoder, model, bundle)?;
    let image = bundle.preprocessor.size;
    let image = [image.height as usize, image.width as usize];
    let operations = match (provider.is_cpu(), context.counts) {
        (true, true) => Some(count(context, bundle, &lengths, budget(chosen), !is_text, image)?),
        _ => None,
    };
    let items = match &loaded {
        Loaded::Text(_, texts) => texts.len(),
        Loaded::Layout(_, _, pages) => pages.len(),
    };
    let size = Size {
        items: items as f64,
        tokens: Some(lengths.iter().sum::<usize>() as f64),
        operations,
        threads,
        setting: (task == Task::Throughput).then_some(chosen),
    };
    Ok(Box::new(ModelWorkload { loaded, size }))
}

/// The budget with the shortest time, each tried twice, forwards and backwards.
fn best(candidates: &[usize], load: impl Fn(usize) -> Result<Loaded>) -> Result<usize> {
    let loaded: Vec<(usize, Loaded)> =
        candidates.iter().map(|&tokens| Ok((tokens, load(tokens)?))).collect::<Result<_>>()?;
    let mut fastest = vec![f64::INFINITY; loaded.len()];
    if let Some((_, first)) = loaded.first() {
        first.run()?;
    }
    for at in (0..loaded.len()).chain((0..loaded.len()).rev()) {
        let started = Instant::now();
        loaded[at].1.run()?;
        fastest[at] = fastest[at].min(started.elapsed().as_secs_f64());
    }
    let best = (0..loaded.len()).min_by(|&a, &b| fastest[a].total_cmp(&fastest[b])).unwrap_or(0);
    Ok(loaded[best].0)
}

/// Tokens of every window that one run computes.
fn lengths(loaded: &Loaded, encoder: &Encoder, model: &Model, bundle: &ModelBundle) -> Result<Vec<usize>> {
    let is_text = matches!(loaded, Loaded::Text(..));
    let trained = if is_text { bundle.config.max_tokens.sentence } else { None };
    let wanted = model.max_sequence_length.unwrap_or(usize::MAX);
    let most = [bundle.config.positions(), trained].into_iter().flatten().fold(wanted, usize::min);
    let limits = WindowLimits::new(most);
    let limits = WindowLimits { overlap: bundle.config.window_overlap.unwrap_or(limits.overlap), ..limits };
    let mut lengths = Vec::new();
    match loaded {
        Loaded::Text(_, texts) => {
            let distinct = crate::runtime::unique(texts);
            for &index in &distinct.representatives {
                let encoded = encoder.encode_text(&texts[index], limits)?;
                lengths.extend(encoded.windows.iter().map(crate::tokenize::Window::len));
            }
        }
        Loaded::Layout(_, corpus, pages) => {
            for &page in pages {
                let encoded = encoder.encode_page(corpus.pages[page].input().words.words(), limits)?;
                lengths.extend(encoded.windows.iter().map(crate::tokenize::Window::len));
            }
        }
    }
    Ok(lengths)
}

/// Operations of one run, padding included: it is computed, too.
fn count(
    context: &Context<'_>,
    bundle: &ModelBundle,
    lengths: &[usize],
    budget: BatchBudget,
    sees_image: bool,
    image: [usize; 2],
) -> Result<Operations> {
    /// Edge of LayoutLMv3's patches.
    const PATCH: usize = 16;
    let extra = if sees_image { (image[0] / PATCH) * (image[1] / PATCH) + 1 } else { 0 };
    let with_image: Vec<usize> = lengths.iter().map(|length| length + extra).collect();
    let mut counter = OperationCounter::open(&context.environment, &bundle.model)?;
    let mut known = std::collections::BTreeMap::new();
    let mut total = Operations::default();
    for batch in plan(&with_image, budget) {
        let longest = batch.iter().map(|&at| lengths[at]).max().unwrap_or(0);
        let shape = (batch.len(), longest);
        let operations = match known.get(&shape) {
            Some(operations) => *operations,
            None => {
                let operations = counter.count(shape.0, shape.1, image)?;
                known.insert(shape, operations);
                operations
            }
        };
        total += operations;
    }
    Ok(total)
}

/// The text model with its inference cache: empty, or with everything in it.
struct Cached<'a> {
    context: &'a Context<'a>,
    model: &'a Model,
    bundle: ModelBundle,
    manager: ModelManager,
    tokenizers: TokenizerManager,
    texts: Vec<String>,
    warm: bool,
    loaded: TextModel,
}

impl<'a> Cached<'a> {
    fn new(context: &'a Context<'a>, model: &'a Model, bundle: &ModelBundle, warm: bool) -> Result<Self> {
        let texts = context.corpus()?.sentences.iter().take(SENTENCES).cloned().collect();
        let settings = manager_settings(context.config, context.provider);
        let manager = ModelManager::new(context.environment.clone(), settings);
        let tokenizers = TokenizerManager::new();
        let loaded = Self::open(context, model, bundle, &manager, &tokenizers)?;
        Ok(Self { context, model, bundle: bundle.clone(), manager, tokenizers, texts, warm, loaded })
    }

    /// The model with an empty cache; sessions and tokenizer are shared.
    fn open(
        context: &Context<'_>,
        model: &Model,
        bundle: &ModelBundle,
        manager: &ModelManager,
        tokenizers: &TokenizerManager,
    ) -> Result<TextModel> {
        let cache = InferenceCache::new(context.config.performance.cache_size.as_usize(), None);
        let options = InferenceOptions {
            cache: Some(Arc::new(cache)),
            ..options(context, model, BatchBudget::CPU.with_inputs(model.batch_size))
        };
        TextModel::open(manager, tokenizers, bundle, options)
    }
}

impl Workload for Cached<'_> {
    fn prepare(&mut self) -> Result<()> {
        if !self.warm {
            self.loaded =
                Self::open(self.context, self.model, &self.bundle, &self.manager, &self.tokenizers)?;
        }
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
        self.loaded.predict(&texts).map(drop)
    }

    fn size(&self) -> Size {
        Size { items: self.texts.len() as f64, threads: self.context.cores, ..Size::default() }
    }
}
