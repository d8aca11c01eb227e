//! From a model file to a quantised one: read, rewrite, quantise, prove, write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use docproc_error::{Error, ErrorCode, Result};
use docproc_hash::file_sha256 as sha256;

use super::agreement::{compare, time};
use super::calibrate::{beyond_half, calibrate};
use super::dequantize::dequantize;
use super::eight_bit::{ActivationScale, Activations, quantize_products, quantize_tables};
use super::file::{self, Model, NodeProto};
use super::fp16;
use super::gate;
use super::optimize;
use super::options::{Mode, QuantizeOptions, names_something};
use super::prepare::normalize;
use super::qat;
use super::report::{LayerChoice, LayerPrecision, QuantizeReport, TaskMetric};
use super::runner::{ModelLoader, ModelRunner, Tensors};
use super::select::{Candidate, candidates, tables};
use super::sensitivity::layer_cosines;

/// Name of the model property that says that no 8-bit weight is larger than 64; [`QuantizeOptions::reduce_range`] writes
/// it at the head of the file.
pub const SEVEN_BIT_WEIGHTS: &str = "docproc.seven_bit_weights";

/// Judges a model file by a task's metric on labelled data.
pub type Evaluate<'a> = &'a mut dyn FnMut(&Path) -> Result<TaskMetric>;

/// What the engine needs from outside.
pub struct QuantizeHooks<'a> {
    /// Loads and runs models.
    pub loader: &'a dyn ModelLoader,
    /// Real inputs: for calibration, for comparing outputs and for timing. May be empty except for static mode.
    pub samples: &'a [Tensors],
    /// Where those inputs are from, in words, for the report.
    pub origin: Option<&'a str>,
    /// The task's metric, if there is labelled data; called for the original and for the result.
    pub evaluate: Option<Evaluate<'a>>,
    /// Told what happens next, for a progress line.
    pub progress: &'a dyn Fn(&str),
}

/// Quantises the model at `input` and writes the result to `output`. Nothing is written if the gate refuses (see
/// [`QuantizeReport::refusal`]) unless [`QuantizeOptions::force`] is set. Files appear complete or not at all.
///
/// # Errors
/// `config.invalid` for options that cannot be, `onnx.invalid`, `input.*`, `output.unwritable`, and `model.*` from
/// the runtime, also if it refuses to load the result.
pub fn quantize(
    input: &Path,
    output: &Path,
    options: &QuantizeOptions,
    mut hooks: QuantizeHooks<'_>,
) -> Result<QuantizeReport> {
    options.validate()?;
    if same_file(input, output) {
        return Err(
            Error::new(ErrorCode::ConfigInvalid, "the result would overwrite its source").file(output)
        );
    }
    (hooks.progress)("reading the model");
    let mut model = Model::read(input)?;
    let original_bytes = stored_bytes(&model, input)?;
    let folder = scratch_folder(output)?;
    normalize(model.graph_mut());
    model.set_property(SEVEN_BIT_WEIGHTS, None);
    // A model in 8 bits goes back to float first, so that every mode can start from it. Fake quantisation is what
    // `qat` looks for.
    let unfolded = if options.mode == Mode::Qat { Vec::new() } else { dequantize(&mut model)? };
    if options.mode != Mode::Qat && model.graph().node.iter().any(is_integer) {
        return Err(Error::new(
            ErrorCode::OnnxInvalid,
            "the model has 8-bit operators in a form unknown here",
        )
        .file(input)
        .help("start from the float model"));
    }

    for pattern in options.include.iter().chain(&options.exclude) {
        if !names_something(pattern, model.graph()) {
            return Err(Error::new(
                ErrorCode::ConfigInvalid,
                format!("no layer and no weight is named `{pattern}`"),
            )
            .file(input)
            .help("`--verbose` lists the layers; `*` stands for any run of characters"));
        }
    }

    let mut original = match hooks.samples {
        [] => None,
        _ => Some(hooks.loader.load(input)?),
    };
    let expected: Vec<Tensors> = match original.as_mut() {
        Some(original) => hooks.samples.iter().map(|inputs| original.run(inputs)).collect::<Result<_>>()?,
        None => Vec::new(),
    };
    // From here on the original is only timed.
    original = original.filter(|_| options.speed_pairs > 0);
    let mut rewrites = Vec::new();
    if options.optimize || options.mode == Mode::Float {
        (hooks.progress)("rewriting the graph");
        // A model that came from eight bits differs from them by more than a rewrite may: it is its own reference.
        let own = match unfolded.is_empty() {
            true => None,
            false => Some(outputs(&mut model, hooks.samples, hooks.loader, folder.path())?),
        };
        let reference = own.as_deref().unwrap_or(&expected);
        rewrites = optimize::optimize(&mut model, hooks.samples, reference, hooks.loader, folder.path());
    }
    let name = output.file_name().unwrap_or_default();
    let job = Job {
        model,
        options,
        loader: hooks.loader,
        samples: hooks.samples,
        expected: &expected,
        progress: hooks.progress,
        folder: folder.path(),
        target: folder.path().join(name),
        unfolded,
    };
    let mut outcome = job.produce()?;

    let mut agreement = BTreeMap::new();
    let mut speed = None;
    if !expected.is_empty() {
        (hooks.progress)("comparing outputs");
        agreement = compare(&expected, &mut *outcome.runner, hooks.samples)?.agreement();
    }
    if let (Some(original), Some(largest)) = (original.as_deref_mut(), largest(hooks.samples)) {
        (hooks.progress)("timing");
        speed = Some(time(original, &mut *outcome.runner, largest, options.speed_pairs)?);
    }
    let metric = match hooks.evaluate.as_mut() {
        Some(evaluate) => {
            (hooks.progress)("evaluating on labelled data");
            Some([evaluate(input)?, evaluate(&job.target)?])
        }
        None => None,
    };
    let mut objections = gate::objections(&options.gate, &agreement, metric.as_ref());
    if !objections.is_empty() && !hooks.samples.is_empty() {
        job.blame(&mut outcome)?;
    }
    if options.mode != Mode::Float {
        objections.extend(gate::nothing_changed(&outcome.layers));
    }
    let mut report = QuantizeReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        options: options.clone(),
        files: Vec::new(),
        original_sha256: sha256(input)?,
        inputs: hooks.origin.map(str::to_owned),
        original_bytes,
        quantized_bytes: total_size(&outcome.files)?,
        rewrites,
        layers: outcome.layers,
        gated: !agreement.is_empty() || metric.is_some(),
        agreement,
        metric,
        speed,
        objections,
    };
    if report.objections.is_empty() || options.force {
        let written = publish(&outcome.files, output)?;
        report.files = written.iter().filter_map(|file| file.file_name().map(PathBuf::from)).collect();
    }
    Ok(report)
}

struct Job<'a> {
    /// The float model, normalised and rewritten.
    model: Model,
    options: &'a QuantizeOptions,
    loader: &'a dyn ModelLoader,
    samples: &'a [Tensors],
    /// The original's outputs on `samples`.
    expected: &'a [Tensors],
    progress: &'a dyn Fn(&str),
    folder: &'a Path,
    target: PathBuf,
    /// Constants that were in 8 bits.
    unfolded: Vec<LayerChoice>,
}

/// A written and loaded result.
struct Outcome {
    files: Vec<PathBuf>,
    runner: Box<dyn ModelRunner>,
    layers: Vec<LayerChoice>,
    /// What layers were chosen from, and with which scales; empty for the modes without products to choose.
    candidates: Vec<Candidate>,
    scales: Option<BTreeMap<String, ActivationScale>>,
}

impl Job<'_> {
    fn produce(&self) -> Result<Outcome> {
        let options = self.options;
        match options.mode {
            Mode::Float => self.finish(self.model.clone(), self.unfolded.clone()),
            Mode::Fp16 => {
                (self.progress)("converting to half precision");
                self.half()
            }
            Mode::Qat => {
                (self.progress)("folding fake quantisation");
                let mut model = self.model.clone();
                let layers = qat::fold(&mut model, options)?;
                self.finish(model, layers)
            }
            Mode::Dynamic | Mode::Int8 => {
                let (chosen, kept) = candidates(self.model.graph(), options);
                let scales = match options.mode {
                    Mode::Int8 => {
                        (self.progress)("calibrating");
                        let method = options.calibration;
                        Some(calibrate(&self.model, &chosen, method, self.samples, self.loader, self.folder)?)
                    }
                    _ => None,
                };
                self.eight_bit(chosen, kept, scales)
            }
        }
    }

    /// Half precision. Where the gate would refuse it, what makes and uses values beyond the range of halves stays in
    /// float32: first all but masks, then masks as well.
    fn half(&self) -> Result<Outcome> {
        let convert = |seen: &BTreeMap<String, (f32, f32)>, strict| {
            let mut model = self.model.clone();
            let layers = fp16::convert(&mut model, self.options, seen, strict)?;
            self.finish(model, layers)
        };
        let agrees = |outcome: &mut Outcome| -> Result<bool> {
            let agreement = compare(self.expected, &mut *outcome.runner, self.samples)?.agreement();
            Ok(gate::objections(&self.options.gate, &agreement, None).is_empty())
        };
        let mut outcome = convert(&BTreeMap::new(), false)?;
        if agrees(&mut outcome)? {
            return Ok(outcome);
        }
        (self.progress)("looking for values beyond half precision");
        let seen = beyond_half(&self.model, self.samples, self.loader, self.folder)?;
        for strict in [false, true] {
            if seen.is_empty() {
                break;
            }
            outcome = convert(&seen, strict)?;
            if agrees(&mut outcome)? {
                break;
            }
        }
        Ok(outcome)
    }

    /// Quantises all candidates, then takes the most damaging ones back until the budget is met.
    fn eight_bit(
        &self,
        chosen: Vec<Candidate>,
        kept: Vec<LayerChoice>,
        scales: Option<BTreeMap<String, ActivationScale>>,
    ) -> Result<Outcome> {
        (self.progress)("quantising");
        let activations = scales.as_ref().map_or(Activations::Dynamic, Activations::Static);
        let build = |excluded: &BTreeSet<&str>| -> Result<Outcome> {
            let mut model = self.model.clone();
            // Products first: candidates are positions of nodes in the graph as it is now.
            let rest: Vec<Candidate> = chosen
                .iter()
                .filter(|candidate| !excluded.contains(candidate.label.as_str()))
                .cloned()
                .collect();
            let mut layers = quantize_products(&mut model, &rest, self.options, &activations)?;
            if self.options.embeddings {
                let found = tables(model.graph(), self.options);
                layers.extend(quantize_tables(&mut model, &found, self.options)?);
            }
            layers.extend(kept.iter().cloned());
            if self.options.reduce_range {
                model.set_property(SEVEN_BIT_WEIGHTS, Some("1"));
            }
            for candidate in chosen.iter().filter(|candidate| excluded.contains(candidate.label.as_str())) {
                layers.push(self.float_choice(candidate));
            }
            self.finish(model, layers)
        };
        let mut outcome = build(&BTreeSet::new())?;
        if let Some(budget) = self.options.budget_cosine.filter(|_| !self.samples.is_empty()) {
            (self.progress)("measuring the sensitivity of layers");
            let cosines = layer_cosines(
                &self.model,
                &chosen,
                self.options,
                &activations,
                self.samples,
                self.loader,
                self.folder,
            )?;
            let mut order: Vec<&str> = chosen.iter().map(|candidate| candidate.label.as_str()).collect();
            order.sort_by(|left, right| cosines[*left].total_cmp(&cosines[*right]));
            outcome = self.meet(budget, outcome, &order, &build)?;
            annotate(&mut outcome.layers, &cosines);
        }
        outcome.candidates = chosen.clone();
        outcome.scales = scales.clone();
        Ok(outcome)
    }

    /// The result with the fewest layers of `order`, from its front, left in float that meets the budget; all of
    /// them if none does.
    fn meet<'o>(
        &self,
        budget: f64,
        full: Outcome,
        order: &[&'o str],
        build: &dyn Fn(&BTreeSet<&'o str>) -> Result<Outcome>,
    ) -> Result<Outcome> {
        let meets = |outcome: &mut Outcome| -> Result<bool> {
            let comparison = compare(self.expected, &mut *outcome.runner, self.samples)?;
            Ok(comparison.worst_cosine() >= budget)
        };
        let mut full = full;
        if meets(&mut full)? {
            return Ok(full);
        }
        drop(full);
        // Agreement grows with the number of float layers, so doubling and then bisecting finds the edge.
        let with = |count: usize| build(&order[..count].iter().copied().collect());
        let (mut low, mut high) = (0, 1.min(order.len()));
        while high < order.len() && !meets(&mut with(high)?)? {
            low = high;
            high = (2 * high).min(order.len());
        }
        while high - low > 1 {
            let middle = (low + high) / 2;
            if meets(&mut with(middle)?)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        with(high)
    }

    fn float_choice(&self, candidate: &Candidate) -> LayerChoice {
        LayerChoice {
            node: candidate.label.clone(),
            weight: candidate.weight.clone(),
            shape: vec![candidate.rows as i64, candidate.columns as i64],
            precision: LayerPrecision::Float32,
            reason: Some("sensitive: left in float to meet the budget".to_owned()),
            cosine: None,
        }
    }

    fn finish(&self, mut model: Model, layers: Vec<LayerChoice>) -> Result<Outcome> {
        let files = file::write(&mut model, &self.target)?;
        drop(model);
        let runner = self.loader.load(&self.target)?;
        Ok(Outcome { files, runner, layers, candidates: Vec::new(), scales: None })
    }

    /// Measures the layers of a refused result, unless that was done for the budget.
    fn blame(&self, outcome: &mut Outcome) -> Result<()> {
        if outcome.candidates.is_empty() || outcome.layers.iter().any(|layer| layer.cosine.is_some()) {
            return Ok(());
        }
        (self.progress)("looking for the layers to blame");
        let activations = outcome.scales.as_ref().map_or(Activations::Dynamic, Activations::Static);
        let cosines = layer_cosines(
            &self.model,
            &outcome.candidates,
            self.options,
            &activations,
            self.samples,
            self.loader,
            self.folder,
        )?;
        annotate(&mut outcome.layers, &cosines);
        Ok(())
    }
}

/// What a model gives for the samples.
fn outputs(
    model: &mut Model,
    samples: &[Tensors],
    loader: &dyn ModelLoader,
    folder: &Path,
) -> Result<Vec<Tensors>> {
    if samples.is_empty() {
        return Ok(Vec::new());
    }
    let path = folder.join("float.onnx");
    file::write(model, &path)?;
    let mut runner = loader.load(&path)?;
    samples.iter().map(|inputs| runner.run(inputs)).collect()
}

fn annotate(layers: &mut [LayerChoice], cosines: &BTreeMap<String, f64>) {
    for layer in layers {
        layer.cosine = cosines.get(&layer.node).copied();
    }
}

/// The sample with the most elements.
fn largest(samples: &[Tensors]) -> Option<&Tensors> {
    samples.iter().max_by_key(|inputs| {
        inputs.values().map(|tensor| tensor.shape.iter().product::<usize>()).sum::<usize>()
    })
}

/// Operators of 8-bit products that nothing here reads.
fn is_integer(node: &NodeProto) -> bool {
    ["MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QAttention", "QGemm"]
        .contains(&node.op_type())
}

fn same_file(left: &Path, right: &Path) -> bool {
    match (left.canonicalize(), right.canonicalize()) {
        (Ok(left), Ok(right)) => left == right,
        _ => left == right,
    }
}

/// Start of the name of a folder for files on their way; the number of its process follows.
const SCRATCH: &str = ".docproc-quantize-";

/// How long a folder of a process that is not there is left alone: it may be another machine's.
const SCRATCH_KEPT: Duration = Duration::from_secs(3600);

/// A folder beside the output, so that finished files can be renamed into place. Those that killed processes left are
/// removed, for a model may be gigabytes.
fn scratch_folder(output: &Path) -> Result<tempfile::TempDir> {
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if is_left_behind(&entry) {
            // What cannot be removed costs space, not this model.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let prefix = format!("{SCRATCH}{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(|error| {
        Error::new(ErrorCode::OutputUnwritable, "cannot write beside the output").file(parent).because(error)
    })
}

fn is_left_behind(entry: &std::fs::DirEntry) -> bool {
    let name = entry.file_name();
    let process = name.to_str().and_then(|name| name.strip_prefix(SCRATCH)?.split('-').next());
    let Some(process) = process.and_then(|number| number.parse::<u32>().ok()) else { return false };
    let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > SCRATCH_KEPT) && !Path::new(&format!("/proc/{process}")).exists()
}

fn publish(files: &[PathBuf], output: &Path) -> Result<Vec<PathBuf>> {
    let mut published = Vec::with_capacity(files.len());
    // Data first: a model file that is there must find its weights.
    for file in files.iter().rev() {
        let target = output.with_file_name(file.file_name().unwrap_or_default());
        // On the disk before it has its name: a crash must not leave a file that only looks complete.
        let placed = File::open(file).and_then(|written| written.sync_all());
        placed.and_then(|()| std::fs::rename(file, &target)).map_err(|error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot put the model in place")
                .file(&target)
                .because(error)
        })?;
        published.insert(0, target);
    }
    Ok(published)
}

fn total_size(files: &[PathBuf]) -> Result<u64> {
    files.iter().try_fold(0, |sum, file| {
        let size = file.metadata().map_err(|error| {
            Error::new(ErrorCode::OutputUnwritable, "the written model is gone").file(file).because(error)
        })?;
        Ok(sum + size.len())
    })
}

fn stored_bytes(model: &Model, input: &Path) -> Result<u64> {
    let own = input.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    model
        .graph()
        .initializer
        .iter()
        .filter(|tensor| tensor.is_external())
        .try_fold(own, |sum, tensor| Ok(sum + tensor.byte_length()? as u64))
}
