//! `docproc bench`: figures that can be trusted, of models, tokenizers, page workers, networks and the pipeline.
//!
//! A [`workload::Plan`] makes a workload; workloads of one group run in turn ([`measure`]), so that drift of the
//! machine cancels in their ratios; every workload's peak memory is taken in a fresh process ([`memory`]). The
//! arithmetic of models is counted from their graphs ([`flops`]) and held against the machine's measured limit
//! ([`roofline`]).

pub(crate) mod baseline;
pub(crate) mod corpus;
pub(crate) mod flops;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod memory;
mod models;
mod pages;
mod pipeline;
pub(crate) mod report;
pub(crate) mod roofline;
mod small;
pub(crate) mod stats;
pub(crate) mod workload;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub use baseline::Comparison;
pub use report::{Measurement, Report};

use crate::config::{Config, NativeLibrary, native_library};
use crate::error::{Error, ErrorCode, Result};
use crate::input::Input;
use crate::runtime::{Device, Environment, Provider};
use corpus::Corpus;
use machine::Machine;
use measure::{Effort, interleave};
use report::{Documents, REPORT_VERSION};
use roofline::{Gemm, Limit};
use stats::{Latency, Ratio, median};
use workload::{Plan, Size, Workload};

/// Pages that models are measured on.
const PAGES: usize = 40;
const QUICK_PAGES: usize = 8;
/// Time that a process runs a workload while its memory is watched; at least one run.
const MEMORY_TIME: Duration = Duration::from_secs(1);

/// What to measure and how.
#[derive(Clone, Debug, Default)]
pub struct BenchOptions {
    /// Documents; the fixtures' reports if not named.
    pub input: Option<PathBuf>,
    /// Only workloads whose name holds one of these; all if empty.
    pub only: Vec<String>,
    /// A glance instead of figures.
    pub quick: bool,
    /// Whether memory is measured.
    pub memory: bool,
}

/// What all workloads share.
pub struct Context<'a> {
    config: &'a Config,
    environment: Environment,
    provider: Provider,
    cores: usize,
    quick: bool,
    /// Whether operations are counted; not where only memory is of interest.
    counts: bool,
    input: Option<PathBuf>,
    kept: Option<PathBuf>,
    documents: OnceLock<(PathBuf, Vec<Input>)>,
    corpus: OnceLock<Arc<Corpus>>,
}

impl<'a> Context<'a> {
    fn new(config: &'a Config, options: &BenchOptions) -> Result<Self> {
        let environment = Environment::load(&native_library(NativeLibrary::OnnxRuntime)?)?;
        let device = config.analyze.device.parse::<Device>()?;
        let provider = device.resolve(&environment, config.optimization.enable_tensorrt)?.provider;
        Ok(Self {
            config,
            environment,
            provider,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            quick: options.quick,
            counts: true,
            input: options.input.clone(),
            kept: None,
            documents: OnceLock::new(),
            corpus: OnceLock::new(),
        })
    }

    fn found(&self) -> Result<&(PathBuf, Vec<Input>)> {
        if self.documents.get().is_none() {
            let found = corpus::documents(self.input.as_deref())?;
            return Ok(self.documents.get_or_init(|| found));
        }
        Ok(self.documents.get_or_init(|| unreachable!("set before")))
    }

    fn input(&self) -> Result<&Path> {
        self.found().map(|(path, _)| path.as_path())
    }

    fn documents(&self) -> Result<&[Input]> {
        self.found().map(|(_, inputs)| inputs.as_slice())
    }

    fn corpus(&self) -> Result<Arc<Corpus>> {
        if let Some(corpus) = self.corpus.get() {
            return Ok(Arc::clone(corpus));
        }
        let corpus = match &self.kept {
            Some(path) => Corpus::load(path)?,
            None => {
                let most = if self.quick { QUICK_PAGES } else { PAGES };
                Corpus::read(self.config, self.documents()?, most)?
            }
        };
        Ok(Arc::clone(self.corpus.get_or_init(|| Arc::new(corpus))))
    }

    /// Every workload, in the order of measuring.
    fn plans(&'a self) -> Result<Vec<Plan<'a>>> {
        let mut plans = Vec::new();
        for threads in threads(self.cores) {
            for int8 in [false, true] {
                let plural = if threads == 1 { "thread" } else { "threads" };
                plans.push(Plan {
                    name: format!("limit/{threads} {plural}/{}", if int8 { "int8" } else { "fp32" }),
                    group: format!("limit/{threads} {plural}"),
                    unit: "products",
                    make: Box::new(move |_| Ok(Box::new(Gemm::new(&self.environment, threads, int8)?))),
                });
            }
        }
        plans.extend(models::plans(self)?);
        plans.extend(small::tokenizers(self)?);
        plans.extend(small::scoring(self)?);
        plans.extend(pages::plans(self));
        plans.extend(pipeline::plans(self));
        Ok(plans)
    }
}

/// One thread, and all.
fn threads(cores: usize) -> Vec<usize> {
    if cores > 1 { vec![1, cores] } else { vec![1] }
}

/// The workloads that `only` chooses: all, or those with one of the texts in their name.
fn some<'a, 'c>(plans: &'a [Plan<'c>], only: &[String]) -> Result<Vec<&'a Plan<'c>>> {
    let wanted =
        |plan: &&Plan<'_>| only.is_empty() || only.iter().any(|part| plan.name.contains(part.as_str()));
    let chosen: Vec<&Plan<'_>> = plans.iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Err(Error::new(ErrorCode::ConfigInvalid, "no workload has such a name")
            .help("`docproc bench --list` shows the names; --only takes parts of them"));
    }
    Ok(chosen)
}

/// Names of the workloads that `options` choose.
///
/// # Errors
/// `config.invalid` if no workload has such a name; those of loading libraries and opening bundles.
pub fn list(config: &Config, options: &BenchOptions) -> Result<Vec<String>> {
    let context = Context::new(config, options)?;
    let plans = context.plans()?;
    Ok(some(&plans, &options.only)?.into_iter().map(|plan| plan.name.clone()).collect())
}

/// Measures. `progress` hears what comes next.
///
/// # Errors
/// `config.invalid` if no workload has such a name, `input.not_found` if there are no documents, and what the
/// workloads say.
pub fn run(config: &Config, options: &BenchOptions, progress: &dyn Fn(&str)) -> Result<Report> {
    let context = Context::new(config, options)?;
    let plans = context.plans()?;
    let plans = some(&plans, &options.only)?;
    let mut machine = Machine::here();
    machine.device = context.provider.to_string();
    machine.versions.insert("onnxruntime".to_owned(), context.environment.version().to_owned());
    let needs_documents =
        |plan: &&&Plan<'_>| !["limit/", "network/"].iter().any(|part| plan.name.starts_with(part));
    let mut documents = Documents::default();
    let kept = tempfile::tempdir().map_err(|error| {
        Error::new(ErrorCode::OutputUnwritable, "cannot make a temporary folder").because(error)
    })?;
    let kept = kept.path().join("corpus.json");
    if plans.iter().any(|plan| needs_documents(&plan)) {
        progress("reading the documents");
        documents.path = context.input()?.display().to_string();
        let corpus = context.corpus()?;
        (documents.pages, documents.sentences) = (corpus.pages.len(), corpus.sentences.len());
        corpus.save(&kept)?;
    }
    let mut limits = Vec::new();
    if context.provider.is_cpu()
        && plans.iter().any(|plan| ["limit/", "model/"].iter().any(|part| plan.name.starts_with(part)))
    {
        progress("limit of the machine");
        let runs = if options.quick { 3 } else { 10 };
        for threads in threads(context.cores) {
            limits.push(Limit::measure(&context.environment, threads, runs)?);
        }
    }
    let mut results: Vec<Measurement> = Vec::new();
    for group in plans.chunk_by(|a, b| a.group == b.group) {
        progress(&group[0].group);
        let mut made: Vec<Box<dyn Workload + '_>> =
            group.iter().map(|plan| (plan.make)(None)).collect::<Result<_>>()?;
        let seconds = interleave(&mut made, effort(options.quick, &group[0].group))?;
        let sizes: Vec<Size> = made.iter().map(|workload| workload.size()).collect();
        // Page workers and sessions are gone before memory is watched.
        drop(made);
        for ((plan, size), times) in group.iter().zip(&sizes).zip(&seconds) {
            let memory = match options.memory {
                true => Some(memory_of(config, options, plan, size, &kept)?),
                false => None,
            };
            let reference = (times.as_ptr() != seconds[0].as_ptr()).then(|| &seconds[0]);
            results.push(measurement(plan, size, times, reference, memory, &limits));
        }
    }
    Ok(Report { version: REPORT_VERSION, machine, documents, limits, results })
}

fn effort(quick: bool, group: &str) -> Effort {
    let effort = if quick { Effort::QUICK } else { Effort::FULL };
    if group == "pipeline" {
        // Made with a run; each takes as long as all of another workload.
        let min_runs = if quick { 1 } else { 3 };
        return Effort { warm_up: Duration::ZERO, min_runs, max_runs: 5, ..effort };
    }
    effort
}

fn measurement(
    plan: &Plan<'_>,
    size: &Size,
    seconds: &[f64],
    reference: Option<&Vec<f64>>,
    memory: Option<u64>,
    limits: &[Limit],
) -> Measurement {
    let typical = median(seconds.to_vec());
    let limit = limits.iter().find(|limit| limit.threads == size.threads);
    Measurement {
        name: plan.name.clone(),
        group: plan.group.clone(),
        unit: plan.unit.to_owned(),
        items: size.items,
        latency_ms: Latency::of(seconds),
        throughput: size.items / typical,
        tokens_per_second: size.tokens.map(|tokens| tokens / typical),
        memory_mb: memory.map(|bytes| bytes as f64 / 1e6),
        operations: size.operations,
        share_of_limit: size.operations.zip(limit).map(|(work, limit)| limit.seconds(work) / typical),
        batch_tokens: size.setting,
        speedup: reference.and_then(|reference| Ratio::of_pairs(reference, seconds)),
        seconds: seconds.to_vec(),
    }
}

/// Runs one workload in a fresh process of this executable (`docproc bench --memory-of NAME`, hidden from the help)
/// and watches the memory of that process and its children.
fn memory_of(
    config: &Config,
    options: &BenchOptions,
    plan: &Plan<'_>,
    size: &Size,
    kept: &Path,
) -> Result<u64> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorCode::Internal, "cannot measure memory").part(&plan.name).because(error)
    };
    let mut command = std::process::Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["bench", "--memory-of", &plan.name, "--device", &config.analyze.device]);
    command.arg("--models-dir").arg(&config.models_folder);
    if let Some(file) = &config.file {
        command.arg("--config").arg(file);
    }
    if let Some(input) = &options.input {
        command.arg("--input").arg(input);
    }
    if options.quick {
        command.arg("--quick");
    }
    if kept.exists() {
        command.arg("--kept").arg(kept);
    }
    if let Some(setting) = size.setting {
        command.args(["--setting", &setting.to_string()]);
    }
    let mut child = command.stdin(std::process::Stdio::null()).spawn().map_err(failed)?;
    let (peak, status) = memory::watch(&mut child).map_err(failed)?;
    match status.success() {
        true => Ok(peak),
        false => Err(failed(std::io::Error::other(format!("the process ended with {status}")))),
    }
}

/// What the process of [`memory_of`] does: makes the workload and runs it for a second.
///
/// # Errors
/// What the workload says.
pub fn run_for_memory(
    config: &Config,
    options: &BenchOptions,
    name: &str,
    kept: Option<PathBuf>,
    setting: Option<usize>,
) -> Result<()> {
    let context = Context { kept, counts: false, ..Context::new(config, options)? };
    let plans = context.plans()?;
    let plan = plans
        .iter()
        .find(|plan| plan.name == name)
        .ok_or_else(|| Error::new(ErrorCode::ConfigInvalid, "no workload has this name").part(name))?;
    let mut workload = (plan.make)(setting)?;
    let started = Instant::now();
    loop {
        workload.prepare()?;
        workload.run()?;
        if started.elapsed() > MEMORY_TIME {
            return Ok(());
        }
    }
}
