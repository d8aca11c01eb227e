//! `docproc quantize`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use docproc_onnx::{
    CalibrationMethod, GateOptions, LayerPrecision, Mode, QuantizeHooks, QuantizeOptions, QuantizeReport,
    TaskMetric,
};

use super::log::{self, tell};
use super::quantize_args::{GateTask, QuantizeArgs, QuantizeMode};
use super::terminal::{Color, shown};
use super::{EXIT_DOCUMENTS, Verbosity, paint, print};
use crate::config::{NativeLibrary, native_library};
use crate::error::Result;
use crate::quantize::{
    Inputs, OrtLoader, Reading, Subject, Task, builtin, gather, is_tensors, quantize, tensors,
};
use crate::runtime::{BundleOptions, Environment, Manifest, ModelBundle, Precision};

/// Quantises a model, checks the result against the original and writes it with its report.
pub fn run(args: &QuantizeArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let options = options(args);
    options.validate()?;
    if options.mode == Mode::Int8 && args.calibration.is_none() {
        anyhow::bail!(
            "static int8 needs inputs to calibrate with: give --calibration, or use --mode dynamic"
        );
    }
    if let (true, Some(flag)) = (options.mode != Mode::Int8, calibration_flag(args)) {
        anyhow::bail!("{flag} goes with --mode int8: the other modes have no ranges to choose");
    }
    if args.calibration_limit == 0 {
        anyhow::bail!("--calibration-limit must be at least 1");
    }
    std::fs::metadata(&args.model).with_context(|| format!("cannot read {}", args.model.display()))?;
    let say = |text: &str| {
        if verbosity > Verbosity::Quiet {
            tell!("{text}");
        }
    };
    let environment = Environment::load(&native_library(NativeLibrary::OnnxRuntime)?)?;
    // Configuration, labels and tokenizer are needed to read texts and documents and to evaluate, not for tensors.
    let bundle = || {
        ModelBundle::open(
            &args.model,
            &BundleOptions { tokenizer: args.tokenizer.as_deref(), ..BundleOptions::default() },
        )
    };
    let inputs = inputs(args, &environment, &bundle, &say)?;
    let mut evaluate = match (args.gate, &args.data) {
        (Some(task), Some(data)) => {
            let (bundle, environment) = (bundle()?, environment.clone());
            Some(move |path: &Path| judge(&bundle, &environment, task, data, path, options.mode))
        }
        _ => None,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let hooks = QuantizeHooks {
        loader: &OrtLoader { environment: environment.clone(), threads },
        samples: &inputs.samples,
        origin: Some(inputs.origin.as_str()).filter(|origin| !origin.is_empty()),
        evaluate: evaluate.as_mut().map(|judge| judge as _),
        progress: &say,
    };
    let report = quantize(&args.model, &args.output, &options, hooks)?;
    let manifest = record(&report, &args.output)?;
    if args.json {
        print(&format!("{}\n", shown(&serde_json::to_string(&report)?)))?;
    } else {
        print(&table(&report, &args.output, manifest.as_deref(), verbosity)?)?;
    }
    match report.refusal() {
        Some(error) => {
            let (mark, message) = (paint("error", Color::Red), error.to_string());
            log::write(&format!("{mark} [{}]: {}\n", error.code(), shown(&message)));
            Ok(ExitCode::from(EXIT_DOCUMENTS))
        }
        None => {
            if !report.objections.is_empty() {
                let reasons = report.objections.join("; ");
                let mark = paint("warning", Color::Yellow);
                log::write(&format!("{mark}: written although the gate refuses: {}\n", shown(&reasons)));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn calibration_flag(args: &QuantizeArgs) -> Option<&'static str> {
    match args.percentile {
        Some(_) => Some("--percentile"),
        None => args.entropy.then_some("--entropy"),
    }
}

fn options(args: &QuantizeArgs) -> QuantizeOptions {
    let mode = match args.mode {
        QuantizeMode::Dynamic => Mode::Dynamic,
        QuantizeMode::Int8 => Mode::Int8,
        QuantizeMode::Fp16 => Mode::Fp16,
        QuantizeMode::Qat => Mode::Qat,
        QuantizeMode::Float => Mode::Float,
    };
    let defaults = GateOptions::new(mode);
    QuantizeOptions {
        per_channel: !args.per_tensor,
        reduce_range: args.reduce_range,
        embeddings: args.embeddings,
        optimize: args.optimize,
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        calibration: args.percentile.map_or(
            if args.entropy { CalibrationMethod::Entropy } else { CalibrationMethod::MinMax },
            CalibrationMethod::Percentile,
        ),
        budget_cosine: args.budget_cosine,
        gate: GateOptions {
            min_cosine: args.min_cosine,
            min_argmax_agreement: args.min_agreement,
            max_difference: args.max_difference.unwrap_or(defaults.max_difference),
            max_norm_change: args.max_norm_change,
            max_drop: args.max_drop,
        },
        force: args.force,
        ..QuantizeOptions::new(mode)
    }
}

/// The inputs of `--calibration`; without it those of the gate's data, which then serve agreement, speed and blame, and
/// without both the built-in ones, if the model has what it takes to read them.
fn inputs(
    args: &QuantizeArgs,
    environment: &Environment,
    bundle: &dyn Fn() -> Result<ModelBundle>,
    say: &dyn Fn(&str),
) -> anyhow::Result<Inputs> {
    let limit = args.calibration_limit as usize;
    let Some(path) = args.calibration.as_ref().or(args.data.as_ref()) else {
        return Ok(match bundle().and_then(|bundle| Subject::open(environment, &bundle)) {
            Ok(subject) => builtin(&subject)?,
            Err(error) => {
                say(&format!("note: no built-in inputs for this model: {}", error.explanation()));
                Inputs::default()
            }
        });
    };
    if is_tensors(path) {
        return Ok(tensors(path, limit)?);
    }
    say("reading the inputs");
    let subject = Subject::open(environment, &bundle()?)?;
    Ok(gather(
        &subject,
        path,
        &Reading { config: &|| args.config.load(), limit, notice: &|text| say(&format!("note: {text}")) },
    )?)
}

/// The metric of the original (whose path is the bundle's own) or of the result.
fn judge(
    bundle: &ModelBundle,
    environment: &Environment,
    task: GateTask,
    data: &Path,
    path: &Path,
    mode: Mode,
) -> Result<TaskMetric> {
    let task = match task {
        GateTask::Sentiment => Task::Sentiment,
        GateTask::Entities => Task::Entities,
        GateTask::Sections => Task::Sections,
        GateTask::Layout => Task::Layout,
    };
    let precision = match mode {
        _ if path == bundle.model => bundle.precision,
        Mode::Dynamic | Mode::Int8 | Mode::Qat => Precision::Int8,
        Mode::Fp16 => Precision::Fp16,
        Mode::Float => Precision::Fp32,
    };
    Subject::open(environment, &bundle.with_graph(path, precision)?)?.evaluate(task, data)
}

/// Enters what was written into the manifest of the models folder, if the output lies in one. Returns its path.
fn record(report: &QuantizeReport, output: &Path) -> Result<Option<PathBuf>> {
    let Some(mut manifest) = Manifest::around(output).filter(|_| !report.files.is_empty()) else {
        return Ok(None);
    };
    for file in &report.files {
        manifest.record(&output.with_file_name(file))?;
    }
    manifest.record(&QuantizeReport::path_beside(output))?;
    manifest.write()?;
    Ok(Some(manifest.root().join("manifest.json")))
}

fn table(
    report: &QuantizeReport,
    output: &Path,
    manifest: Option<&Path>,
    verbosity: Verbosity,
) -> anyhow::Result<String> {
    let mut text = String::new();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let ratio = report.original_bytes as f64 / report.quantized_bytes.max(1) as f64;
    let change =
        if ratio < 1.0 { format!("{:.2}x larger", 1.0 / ratio) } else { format!("{ratio:.2}x smaller") };
    writeln!(
        text,
        "size       {:.1} MB to {:.1} MB ({change})",
        megabytes(report.original_bytes),
        megabytes(report.quantized_bytes),
    )?;
    if let Some(inputs) = &report.inputs {
        writeln!(text, "inputs     {}", shown(inputs))?;
    }
    if let Some(speed) = &report.speed {
        let [low, high] = speed.ratio_quartiles;
        writeln!(
            text,
            "speed      {:.2}x the original ({:.1} ms to {:.1} ms; median of {} interleaved pairs, quartiles {low:.2} to {high:.2})",
            speed.ratio, speed.original_ms, speed.quantized_ms, speed.pairs
        )?;
    }
    for (name, agreement) in &report.agreement {
        writeln!(
            text,
            "agreement  {}: cosine {:.5}, same class {:.4} of {}, largest difference {:.5} ({:.4} of the largest value), {:.4} times as large",
            shown(name),
            agreement.cosine_mean,
            agreement.argmax_agreement,
            agreement.rows,
            agreement.max_difference,
            agreement.relative_difference,
            agreement.norm_ratio
        )?;
    }
    if let Some([before, after]) = &report.metric {
        for (what, metric) in [("original", before), ("result", after)] {
            let [low, high] = metric.interval;
            writeln!(
                text,
                "metric     {} of the {what}: {:.2} (95%: {low:.2} to {high:.2}; {} items)",
                metric.name, metric.value, metric.items
            )?;
        }
    }
    for rewrite in report.rewrites.iter().filter(|rewrite| rewrite.places > 0) {
        let fate = match &rewrite.reason {
            Some(reason) => format!("not kept: {reason}"),
            None => "kept".to_owned(),
        };
        writeln!(text, "rewrite    {} in {} places: {fate}", rewrite.rewrite, rewrite.places)?;
    }
    write!(text, "{}", layers(report, verbosity)?)?;
    if !report.gated {
        writeln!(text, "gate       nothing to judge by: give --calibration, or --gate with --data")?;
    }
    for objection in &report.objections {
        writeln!(text, "gate       {}", shown(objection))?;
    }
    for file in &report.files {
        writeln!(text, "written    {}", shown(&output.with_file_name(file).to_string_lossy()))?;
    }
    if let Some(manifest) = manifest {
        writeln!(text, "manifest   {} updated", shown(&manifest.to_string_lossy()))?;
    }
    Ok(text)
}

/// How many layers have which number format, and those left in float with the reason; every layer with `--verbose`.
fn layers(report: &QuantizeReport, verbosity: Verbosity) -> anyhow::Result<String> {
    let mut text = String::new();
    let count = |precision| report.layers.iter().filter(|layer| layer.precision == precision).count();
    let (eight, half, float) =
        (count(LayerPrecision::Int8), count(LayerPrecision::Fp16), count(LayerPrecision::Float32));
    if !report.layers.is_empty() {
        writeln!(text, "layers     {eight} int8, {half} fp16, {float} float32")?;
    }
    for layer in &report.layers {
        let left = layer.precision == LayerPrecision::Float32 && eight + half > 0;
        if left || verbosity == Verbosity::Verbose {
            let precision = match layer.precision {
                LayerPrecision::Int8 => "int8",
                LayerPrecision::Fp16 => "fp16",
                LayerPrecision::Float32 => "float32",
            };
            let cosine = layer.cosine.map_or(String::new(), |cosine| format!(", cosine {cosine:.4}"));
            let reason = layer.reason.as_ref().map_or(String::new(), |reason| format!(": {}", shown(reason)));
            writeln!(text, "           {precision} {}{cosine}{reason}", shown(&layer.node))?;
        }
    }
    Ok(text)
}
