//! `docproc eval figures`.

use std::fmt::Write;
use std::path::Path;

use super::args::EvalArgs;
use super::eval::{write_errors, write_rows};
use super::log::tell;
use super::terminal::shown;
use crate::config::Config;
use crate::evaluation::{self, FigureOutcome, FigureReport};
use crate::pipeline::{Engine, Request};

/// Runs the whole pipeline over the documents of the data.
pub fn run(args: &EvalArgs, data: &Path, config: &Config) -> anyhow::Result<(String, String)> {
    let mut report = if let Some(folder) = &args.analyses {
        evaluation::figures_of_analyses(folder, data)?
    } else {
        let engine = Engine::load(config, &mut |text| tell!("note: {text}"))?;
        let request = Request::new(config, None, Vec::new());
        evaluation::figures(&engine, &request, data, |document| tell!("read {document}"))?
    };
    write_rows(args.rows.as_deref(), report.outcomes.iter().map(FigureOutcome::row))?;
    write_errors(args, &report.misses)?;
    if args.errors != Some(None) {
        report.misses.clear();
    }
    Ok((serde_json::to_string(&report)? + "\n", table(&report)?))
}

fn table(report: &FigureReport) -> anyhow::Result<String> {
    let mut table = String::new();
    let [low, high] = ["recall (95%)", "precision (95%)"];
    writeln!(table, "{} documents, {} facts\n", report.documents, report.facts)?;
    writeln!(
        table,
        "{:<10} {:>6} {:>6} {:>6} {:>9}  {low:<25}{high}",
        "place", "facts", "found", "right", "predicted"
    )?;
    let share = |value: f64, [low, high]: [f64; 2]| format!("{value:.4} ({low:.4} to {high:.4})");
    for (name, part) in &report.parts {
        writeln!(
            table,
            "{name:<10} {:>6} {:>6} {:>6} {:>9}  {:<25}{}",
            part.facts,
            part.found,
            part.right,
            part.predicted,
            share(part.recall, part.recall_interval),
            share(part.precision, part.precision_interval),
        )?;
    }
    writeln!(
        table,
        "\n{:<10} {:<10} {:>7} {:>7} {:>7} {:>8} {:>9}",
        "place", "attribute", "facts", "stated", "right", "recall", "precision"
    )?;
    for (name, part) in &report.parts {
        for (attribute, counts) in &part.attributes {
            writeln!(
                table,
                "{name:<10} {attribute:<10} {:>7} {:>7} {:>7} {:>8.4} {:>9.4}",
                counts.n, counts.stated, counts.right, counts.recall, counts.precision
            )?;
        }
    }
    writeln!(
        table,
        "\n{:<10} {:>7} {:>7} {:>11} {:>12} {:>7} {:>9}",
        "read in", "figures", "right", "confidence", "calibration", "Brier", "log loss"
    )?;
    for (name, part) in &report.confidence {
        writeln!(
            table,
            "{name:<10} {:>7} {:>7.4} {:>11.4} {:>12.4} {:>7.4} {:>9.4}",
            part.n, part.right, part.confidence, part.calibration_error, part.brier, part.log_loss
        )?;
    }
    sure_and_wrong(&mut table, report)?;
    for (path, problems) in &report.errors {
        for problem in problems {
            let page = problem.page.map_or_else(String::new, |page| format!(":{page}"));
            writeln!(table, "{}{page}  [{}]: {}", shown(path), problem.code, shown(&problem.message))?;
        }
    }
    for miss in &report.misses {
        let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        writeln!(
            table,
            "{}:{} {:?} {} `{}` is {}, read {} {}",
            shown(&miss.document),
            miss.page,
            miss.place,
            shown(miss.what),
            shown(&miss.text),
            value(miss.truth),
            value(miss.read),
            shown(&miss.concept)
        )?;
    }
    Ok(table)
}

fn sure_and_wrong(table: &mut String, report: &FigureReport) -> anyhow::Result<()> {
    let sure = &report.sure;
    writeln!(
        table,
        "\nsure and wrong (confidence at least 0.9): {} of {} sure figures ({:.4}), {:.4} of all facts",
        sure.wrong, sure.sure, sure.share_of_sure, sure.share_of_facts
    )?;
    if !sure.by_attribute.is_empty() {
        let counts: Vec<String> =
            sure.by_attribute.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(table, "    wrong: {}", counts.join(", "))?;
    }
    writeln!(
        table,
        "    sure figures between the facts of a table where there is no fact: {}",
        sure.without_fact
    )?;
    let not = report.not_compared;
    writeln!(
        table,
        "not compared: {} figures ({} sure), {} in cells outside of the facts' tables, {} in prose without a fact;\n    \
         {} years stated as amounts; {} cells with two numbers in all tables",
        not.figures, not.sure, not.in_cells, not.in_prose, not.years_as_amounts, not.cells_with_two_numbers
    )?;
    Ok(())
}
