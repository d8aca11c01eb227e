//! `docproc eval`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use serde::Serialize;

use super::analyze::create_new;
use super::args::{EvalArgs, EvalTask};
use super::log::tell;
use super::terminal::shown;
use super::{eval_audit, eval_figures, print};
use crate::evaluation::{self, ClassificationReport, LabelFigures, NameOutcome, SpanReport, TableReport};
use crate::output::write_atomic;
use crate::pipeline::{Engine, Models, Request};
use crate::quantize::ensure_variants;

/// Runs the configured models on labelled data and prints figures.
pub fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    if args.analyses.is_some() && !matches!(args.task, EvalTask::Figures) {
        bail!("--analyses goes with `docproc eval figures`");
    }
    match (&args.errors, args.task) {
        (Some(Some(path)), EvalTask::Figures | EvalTask::Sentiment | EvalTask::Entities) => {
            // Now, and not after the models have run.
            if path.exists() {
                create_new(path)?;
            }
        }
        (Some(None), EvalTask::Sentiment | EvalTask::Entities) => bail!("give --errors a file to write"),
        (None, _) | (Some(None), EvalTask::Figures) => {}
        _ => bail!("--errors goes with `docproc eval figures`, `eval sentiment` and `eval entities`"),
    }
    let of_audit = [("--per-kind", args.per_kind.is_some()), ("--seed", args.seed.is_some())];
    if let Some((flag, _)) =
        of_audit.iter().find(|(_, given)| *given && !matches!(args.task, EvalTask::Audit))
    {
        bail!("{flag} goes with `docproc eval audit`");
    }
    if args.rows.is_some() && !matches!(args.task, EvalTask::Figures | EvalTask::Entities) {
        bail!("--rows goes with `docproc eval figures` and `docproc eval entities`");
    }
    let config = args.config.load()?;
    ensure_variants(&config, &|| false, &|text| tell!("note: {text}"))?;
    let note = &mut |text: &str| tell!("note: {text}");
    let mut models = || Models::load(&config, &mut *note);
    let data = || match args.data.as_slice() {
        [data] => Ok(data),
        _ => bail!("this task takes one path"),
    };
    let (json, table) = match args.task {
        EvalTask::Sentiment => {
            let report = evaluation::sentiment(&models()?.text, data()?)?;
            write_errors(args, &report.wrong)?;
            classification(&report)?
        }
        EvalTask::Sections => classification(&evaluation::sections(&models()?.text, data()?)?)?,
        EvalTask::Layout => classification(&evaluation::layout(&models()?, data()?)?)?,
        EvalTask::Entities => {
            let report = evaluation::entities(&models()?, data()?)?;
            write_rows(args.rows.as_deref(), report.names.iter().map(NameOutcome::row))?;
            write_errors(args, &report.wrong)?;
            spans(&report)?
        }
        EvalTask::Tables => {
            let engine = Engine::load(&config, note)?;
            tables(&evaluation::tables(&engine, &Request::new(&config, None, Vec::new()), data()?)?)?
        }
        EvalTask::Audit => eval_audit::run(args, &config)?,
        EvalTask::Figures => eval_figures::run(args, data()?, &config)?,
    };
    if args.json { print(&format!("{}\n", shown(json.trim_end()))) } else { print(&table) }
}

pub(super) fn write_rows(path: Option<&Path>, rows: impl Iterator<Item = String>) -> anyhow::Result<()> {
    if let Some(path) = path {
        let rows: String = rows.map(|row| row + "\n").collect();
        write_atomic(path, |out| out.write_all(rows.as_bytes()))?;
    }
    Ok(())
}

/// Writes the file that `--errors` names, one object a line.
pub(super) fn write_errors<T: Serialize>(args: &EvalArgs, items: &[T]) -> anyhow::Result<()> {
    if let Some(Some(path)) = &args.errors {
        let mut out = BufWriter::new(create_new(path)?);
        for item in items {
            writeln!(out, "{}", serde_json::to_string(item)?)?;
        }
        out.flush()?;
    }
    Ok(())
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
    table.push('\n');
    per_label(&mut table, "label", &report.per_label)?;
    confusion(&mut table, "true label", &report.confusion)?;
    Ok((serde_json::to_string(report)? + "\n", table))
}

/// Precision, recall, F1 and support of each label; `title` says what a label is.
fn per_label(table: &mut String, title: &str, labels: &BTreeMap<String, LabelFigures>) -> anyhow::Result<()> {
    writeln!(table, "{title:<24} {:>9} {:>9} {:>9} {:>9}", "precision", "recall", "F1", "support")?;
    for (name, label) in labels {
        writeln!(
            table,
            "{:<24} {:>9.4} {:>9.4} {:>9.4} {:>9}",
            shown(name),
            label.precision,
            label.recall,
            label.f1,
            label.support
        )?;
    }
    Ok(())
}

fn confusion(
    table: &mut String,
    title: &str,
    counts: &BTreeMap<String, BTreeMap<String, usize>>,
) -> anyhow::Result<()> {
    writeln!(table, "\n{title:<24} predicted")?;
    for (name, row) in counts {
        let cells: Vec<String> =
            row.iter().map(|(label, count)| format!("{} {count}", shown(label))).collect();
        writeln!(table, "{:<24} {}", shown(name), cells.join(", "))?;
    }
    Ok(())
}

fn spans(report: &SpanReport) -> anyhow::Result<(String, String)> {
    let mut table = String::new();
    per_label(&mut table, "type", &report.per_label)?;
    writeln!(
        table,
        "{:<24} {:>9.4} {:>9.4} {:>9.4} {:>9}",
        "all", report.precision, report.recall, report.f1, report.n
    )?;
    let [low, high] = report.f1_interval;
    writeln!(table, "F1 of all, 95%: {low:.4} to {high:.4}")?;
    let names = report.confidence;
    writeln!(
        table,
        "names marked: {}, right {:.4}, mean confidence {:.4}, calibration error {:.4}, Brier {:.4}, log loss {:.4}",
        names.n, names.right, names.confidence, names.calibration_error, names.brier, names.log_loss
    )?;
    if !report.left_out.is_empty() {
        let names: Vec<&str> = report.left_out.iter().map(String::as_str).collect();
        writeln!(table, "left out, because the data does not label them: {}", shown(&names.join(", ")))?;
    }
    confusion(&mut table, "true type", &report.confusion)?;
    Ok((serde_json::to_string(report)? + "\n", table))
}

fn tables(report: &TableReport) -> anyhow::Result<(String, String)> {
    let mut table = String::new();
    let interval = |[low, high]: [f64; 2]| format!("(95%: {low:.4} to {high:.4})");
    for (path, figures) in &report.by_document {
        let counts = &figures.end_to_end;
        writeln!(
            table,
            "{}  F1 {:.4} regions given, {:.4} end to end; {} of {} regions complete, {} of {} found pure",
            shown(path),
            figures.f1_given,
            figures.f1_end_to_end,
            counts.complete,
            counts.regions,
            counts.pure,
            counts.regions_found
        )?;
    }
    for path in &report.without_annotation {
        writeln!(table, "{}  no annotation, left out", shown(path))?;
    }
    for (path, problems) in &report.errors {
        for problem in problems {
            writeln!(table, "{}  [{}]: {}", shown(path), problem.code, shown(&problem.message))?;
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
