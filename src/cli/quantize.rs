//! `docproc quantize`.

use std::fmt::Write;
use std::process::ExitCode;

use super::args::{QuantizeArgs, QuantizeMode};
use super::{EXIT_DOCUMENTS, print};
use crate::config::{NativeLibrary, native_library};
use crate::error::ErrorCode;
use crate::quantize::{
    CalibrationMethod, Mode, OrtLoader, QuantizeHooks, QuantizeOptions, QuantizeReport, quantize,
    read_samples,
};
use crate::runtime::Environment;

/// Quantises a model, checks the result against the original and writes it with its report.
pub fn run(args: &QuantizeArgs) -> anyhow::Result<ExitCode> {
    if args.output == args.model {
        anyhow::bail!("the result would overwrite the model; choose another name with -o");
    }
    let environment = Environment::load(&native_library(NativeLibrary::OnnxRuntime)?)?;
    let samples = args.samples.as_deref().map(read_samples).transpose()?.unwrap_or_default();
    let mode = match args.mode {
        QuantizeMode::Dynamic => Mode::Dynamic,
        QuantizeMode::Int8 => Mode::Int8,
        QuantizeMode::Fp16 => Mode::Fp16,
        QuantizeMode::Qat => Mode::Qat,
        QuantizeMode::Float => Mode::Float,
    };
    let options = QuantizeOptions {
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
        force: args.force,
        ..QuantizeOptions::new(mode)
    };
    options.validate()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let hooks = QuantizeHooks {
        loader: &OrtLoader { environment, threads },
        samples: &samples,
        evaluate: None,
        progress: &|text| eprintln!("{text}"),
    };
    let report = quantize(&args.model, &args.output, &options, hooks)?;
    print(&table(&report)?)?;
    match report.refusal() {
        Some(error) if error.code() == ErrorCode::QuantizeGate => {
            eprintln!("[{}]: {error}", error.code());
            Ok(ExitCode::from(EXIT_DOCUMENTS))
        }
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn table(report: &QuantizeReport) -> anyhow::Result<String> {
    let mut text = String::new();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    writeln!(
        text,
        "size       {:.1} MB to {:.1} MB ({:.2}x smaller)",
        megabytes(report.original_bytes),
        megabytes(report.quantized_bytes),
        report.original_bytes as f64 / report.quantized_bytes.max(1) as f64
    )?;
    for (name, agreement) in &report.agreement {
        writeln!(
            text,
            "agreement  {name}: cosine {:.5}, same class {:.4}, largest difference {:.5}",
            agreement.cosine_mean, agreement.argmax_agreement, agreement.max_difference
        )?;
    }
    if let Some(speed) = &report.speed {
        writeln!(text, "speed      {:.2}x the original (median of interleaved pairs)", speed.ratio)?;
    }
    if !report.gated {
        writeln!(text, "gate       nothing to judge by: give inputs with --samples")?;
    }
    for objection in &report.objections {
        writeln!(text, "gate       {objection}")?;
    }
    for file in &report.files {
        writeln!(text, "written    {}", file.display())?;
    }
    Ok(text)
}
