//! `docproc eval`.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use super::args::{EvalArgs, EvalTask};
use super::print;
use crate::config::Config;
use crate::evaluation::{self, ClassificationReport, SpanReport, TableReport};
use crate::pipeline::{Engine, Models};
use crate::quantize::ensure_variants;

/// Runs the configured models on labelled data and prints figures.
pub fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config.overrides())?;
    ensure_variants(&config, &|text| eprintln!("note: {text}"))?;
    let note = &mut |text: &str| eprintln!("note: {text}");
    let data: &Path = &args.data;
    let mut models = || Models::load(&config, &mut *note);
    let (json, table) = match args.task {
        EvalTask::Sentiment => classification(&evaluation::sentiment(&models()?.text, data)?)?,
        EvalTask::Sections => classification(&evaluation::sections(&models()?.text, data)?)?,
        EvalTask::Layout => classification(&evaluation::layout(&models()?, data)?)?,
        EvalTask::Entities => {
            let models = models()?;
            spans(&evaluation::entities(models.entities.as_ref().unwrap_or(&models.text), data)?)?
        }
        EvalTask::Tables => {
            let engine = Engine::start(&config, note)?;
            tables(&evaluation::tables(&engine, &engine.request(&config, None, Vec::new()), data)?)?
        }
    };
    print(if args.json { &json } else { &table })
}

fn classification(report: &ClassificationReport) -> anyhow::Result<(String, String)> {
    let mut table = String::new();
    let interval = |[low, high]: [f64; 2]| format!("{low:.4} to {high:.4}");
    writeln!(table, "items              {}", report.n)?;
    writeln!(
        table,
        "accuracy           {:.4}  (95%: {})",
        report.accuracy,
        interval(report.accuracy_interval)
    )?;
    writeln!(
        table,
        "macro-F1           {:.4}  (95%: {})",
        report.macro_f1,
        interval(report.macro_f1_interval)
    )?;
    writeln!(table, "calibration error  {:.4}", report.calibration_error)?;
    writeln!(table, "\n{:<24} {:>9} {:>9} {:>9} {:>9}", "label", "precision", "recall", "F1", "support")?;
    for (name, label) in &report.per_label {
        writeln!(
            table,
            "{name:<24} {:>9.4} {:>9.4} {:>9.4} {:>9}",
            label.precision, label.recall, label.f1, label.support
        )?;
    }
    writeln!(table, "\ntrue label               predicted")?;
    for (name, row) in &report.confusion {
        let cells: Vec<String> = row.iter().map(|(label, count)| format!("{label} {count}")).collect();
        writeln!(table, "{name:<24} {}", cells.join(", "))?;
    }
    Ok((serde_json::to_string(report)? + "\n", table))
}

fn spans(report: &SpanReport) -> anyhow::Result<(String, String)> {
    let mut table = String::new();
    writeln!(table, "{:<24} {:>9} {:>9} {:>9} {:>9}", "type", "precision", "recall", "F1", "support")?;
    for (name, label) in &report.per_label {
        writeln!(
            table,
            "{name:<24} {:>9.4} {:>9.4} {:>9.4} {:>9}",
            label.precision, label.recall, label.f1, label.support
        )?;
    }
    writeln!(
        table,
        "{:<24} {:>9.4} {:>9.4} {:>9.4} {:>9}",
        "all", report.precision, report.recall, report.f1, report.n
    )?;
    let [low, high] = report.f1_interval;
    writeln!(table, "F1 of all, 95%: {low:.4} to {high:.4}")?;
    if !report.left_out.is_empty() {
        let names: Vec<&str> = report.left_out.iter().map(String::as_str).collect();
        writeln!(table, "left out, because the data does not label them: {}", names.join(", "))?;
    }
    Ok((serde_json::to_string(report)? + "\n", table))
}

fn tables(report: &TableReport) -> anyhow::Result<(String, String)> {
    let mut table = String::new();
    let interval = |[low, high]: [f64; 2]| format!("(95%: {low:.4} to {high:.4})");
    for (path, figures) in &report.by_document {
        let counts = &figures.end_to_end;
        writeln!(
            table,
            "{path}  F1 {:.4} regions given, {:.4} end to end; {} of {} regions complete, {} of {} found pure",
            figures.f1_given,
            figures.f1_end_to_end,
            counts.complete,
            counts.regions,
            counts.pure,
            counts.regions_found
        )?;
    }
    for path in &report.without_annotation {
        writeln!(table, "{path}  no annotation, left out")?;
    }
    for (path, problems) in &report.errors {
        for problem in problems {
            writeln!(table, "{path}  [{}]: {}", problem.code, problem.message)?;
        }
    }
    writeln!(table, "\n{} documents, {} regions\n", report.documents, report.regions)?;
    writeln!(table, "{:<28} {:>9} {:>9} {:>9}", "adjacency of cells", "precision", "recall", "F1")?;
    for (name, figures) in [("regions given", &report.regions_given), ("end to end", &report.end_to_end)] {
        writeln!(
            table,
            "{name:<28} {:>9.4} {:>9.4} {:>9.4}  {}",
            figures.precision,
            figures.recall,
            figures.f1,
            interval(figures.f1_interval)
        )?;
        writeln!(
            table,
            "{:<28} {:>9.4} {:>9.4} {:>9.4}  {}",
            "  mean over documents",
            figures.document_precision,
            figures.document_recall,
            figures.document_f1,
            interval(figures.document_f1_interval)
        )?;
    }
    writeln!(
        table,
        "\ncompleteness  {:.4}  {}",
        report.completeness,
        interval(report.completeness_interval)
    )?;
    writeln!(table, "purity        {:.4}  {}", report.purity, interval(report.purity_interval))?;
    Ok((serde_json::to_string(report)? + "\n", table))
}
