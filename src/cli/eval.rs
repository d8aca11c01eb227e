//! `docproc eval`.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use super::args::{EvalArgs, EvalTask};
use super::print;
use crate::config::Config;
use crate::evaluation::{self, ClassificationReport, SpanReport};
use crate::pipeline::Models;

/// Runs the configured models on labelled data and prints figures.
pub fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config.overrides())?;
    let models = Models::load(&config, &mut |text| eprintln!("note: {text}"))?;
    let data: &Path = &args.data;
    let text = &models.text;
    let (json, table) = match args.task {
        EvalTask::Sentiment => classification(&evaluation::sentiment(text, data)?)?,
        EvalTask::Sections => classification(&evaluation::sections(text, data)?)?,
        EvalTask::Layout => classification(&evaluation::layout(&models, data)?)?,
        EvalTask::Entities => {
            let tagger = models.entities.as_ref().unwrap_or(text);
            spans(&evaluation::entities(tagger, data)?)?
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
    if !report.left_out.is_empty() {
        let names: Vec<&str> = report.left_out.iter().map(String::as_str).collect();
        writeln!(table, "left out, because the data does not label them: {}", names.join(", "))?;
    }
    Ok((serde_json::to_string(report)? + "\n", table))
}
