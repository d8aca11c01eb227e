//! `docproc eval audit`.

use anyhow::bail;
use std::fmt::Write;

use super::args::EvalArgs;
use super::log::tell;
use super::terminal::shown;
use crate::config::Config;
use crate::evaluation::{ClaimSource, InjectionOptions, InjectionReport, injections};
use crate::input::{DiscoverOptions, discover};
use crate::pipeline::{Engine, Request};

/// Injects errors into the documents and gives what the audit finds, as JSON and as text.
pub fn run(args: &EvalArgs, config: &Config) -> anyhow::Result<(String, String)> {
    let found = discover(&args.data, &DiscoverOptions::default())?;
    if let Some(problem) = found.problems.into_iter().next() {
        return Err(problem.into());
    }
    if found.inputs.is_empty() {
        bail!("no PDF or image found in the data");
    }
    let engine = Engine::load(config, &mut |text| tell!("note: {text}"))?;
    let request = Request::new(config, None, Vec::new());
    let options = InjectionOptions { seed: args.seed.unwrap_or(1), per_kind: args.per_kind.unwrap_or(20) };
    let report = injections(&engine, &found.inputs, &request, options)?;
    Ok((serde_json::to_string(&report)? + "\n", table(&report)?))
}

fn table(report: &InjectionReport) -> anyhow::Result<String> {
    let mut table = String::new();
    let interval = |[low, high]: [f64; 2]| format!("{low:.3} to {high:.3}");
    writeln!(
        table,
        "recall             {:.4}  (95%: {}), {} errors injected",
        report.recall,
        interval(report.recall_interval),
        report.injections
    )?;
    writeln!(
        table,
        "false alarms       {:.2} per 100 tables  (95%: {}), {} in {} tables, {} relations checked",
        report.false_alarms_per_100_tables,
        interval(report.false_alarms_per_100_tables_interval),
        report.false_alarms,
        report.tables,
        report.relations
    )?;
    writeln!(table, "\n{:<16} {:>8} {:>8} {:>8}", "error", "injected", "found", "recall")?;
    for (kind, count) in &report.counts {
        let recall = report.recall_by_kind.get(kind).copied().unwrap_or_default();
        writeln!(table, "{kind:<16} {:>8} {:>8} {recall:>8.4}", count.injected, count.found)?;
    }
    writeln!(
        table,
        "\n{:>6} {:>6} {:>8} {:>6} {:>6}  document",
        "claims", "tables", "injected", "found", "alarms"
    )?;
    for document in &report.documents {
        let (injected, found) = document
            .counts
            .values()
            .fold((0, 0), |(injected, found), count| (injected + count.injected, found + count.found));
        let source = match document.claims_from {
            ClaimSource::File => String::new(),
            ClaimSource::Print => " (claims from print)".to_owned(),
        };
        writeln!(
            table,
            "{:>6} {:>6} {injected:>8} {found:>6} {:>6}  {}{source}",
            document.claims,
            document.tables,
            document.false_alarms.len(),
            shown(&document.document.to_string_lossy())
        )?;
        for error in &document.errors {
            writeln!(table, "    not read: {}", shown(&error.to_string()))?;
        }
    }
    Ok(table)
}
