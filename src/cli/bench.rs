//! `docproc bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::args::ConfigArgs;
use super::log::{self, tell};
use super::terminal::shown;
use super::{EXIT_DOCUMENTS, Verbosity, print};
use crate::bench::{self, BenchOptions, Comparison, Report};
use crate::quantize::ensure_variants;

/// `docproc bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A document or a folder of documents to measure with [default: fixtures/reports]
    #[arg(long, value_name = "PATH")]
    pub input: Option<PathBuf>,

    /// Only workloads whose name holds TEXT (may be given several times)
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,

    /// Print the names of the workloads, and stop
    #[arg(long)]
    pub list: bool,

    /// Measure a tenth as long: a glance, no figures to quote
    #[arg(long)]
    pub quick: bool,

    /// Leave out peak memory, which takes a process for each workload
    #[arg(long)]
    pub no_memory: bool,

    /// Print one JSON object, every single time included
    #[arg(long)]
    pub json: bool,

    /// Compare with the output of an earlier `docproc bench --json`; exit code 1 if something regressed
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// How much slower or larger than the baseline a workload may be, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, requires = "baseline")]
    pub max_regression: f64,

    /// Run this workload for a second; `bench` starts itself so, and watches the process's memory
    #[arg(long, value_name = "NAME", hide = true)]
    pub memory_of: Option<String>,

    /// Pages and sentences that the starting process has read
    #[arg(long, value_name = "FILE", hide = true, requires = "memory_of")]
    pub kept: Option<PathBuf>,

    /// The batch size that the starting process found best
    #[arg(long, value_name = "TOKENS", hide = true, requires = "memory_of")]
    pub setting: Option<usize>,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}

/// Measures and prints; compares with the baseline.
pub fn run(args: &BenchArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let config = args.config.load()?;
    let options = BenchOptions {
        input: args.input.clone(),
        only: args.only.clone(),
        quick: args.quick,
        memory: !args.no_memory,
    };
    if let Some(name) = &args.memory_of {
        bench::run_for_memory(&config, &options, name, args.kept.clone(), args.setting)?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure_variants(&config, &|| false, &|text| tell!("note: {text}"))?;
    if args.list {
        let list: String = bench::list(&config, &options)?.iter().map(|name| format!("{name}\n")).collect();
        return print(&list);
    }
    if !(0.0..=1000.0).contains(&args.max_regression) {
        anyhow::bail!("--max-regression must be 0 to 1000 percent, not {}", args.max_regression);
    }
    // Read first: a wrong file shall not be found after minutes of measuring.
    let baseline = args.baseline.as_deref().map(Report::read).transpose()?;
    if cfg!(debug_assertions) && verbosity > Verbosity::Quiet {
        tell!(
            "this docproc was built without optimisation: build with `cargo build --release` for real figures"
        );
    }
    let mut report = bench::run(&config, &options, &|text| {
        if verbosity > Verbosity::Quiet {
            tell!("measuring: {text}");
        }
    })?;
    if args.json {
        print(&format!("{}\n", shown(&serde_json::to_string(&report)?)))?;
    } else {
        report.documents.path = shown(&report.documents.path).into_owned();
        print(&report.table())?;
    }
    let Some(baseline) = baseline else { return Ok(ExitCode::SUCCESS) };
    let comparison = Comparison::new(&report, &baseline, args.max_regression / 100.0);
    if comparison.changes.is_empty() {
        anyhow::bail!("the baseline has none of these workloads");
    }
    let table = comparison.table();
    if args.json {
        log::write(&table);
    } else {
        print(&table)?;
    }
    Ok(if comparison.regressed() { ExitCode::from(EXIT_DOCUMENTS) } else { ExitCode::SUCCESS })
}
