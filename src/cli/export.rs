//! `docproc export`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::log::{self, Level};
use super::summary::count;
use super::terminal::shown;
use super::{EXIT_DOCUMENTS, Verbosity};
use crate::export::{Format, Made, Options, export};
use crate::output::OutputFolder;

/// `docproc export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder that `docproc analyze` has written to
    #[arg(value_name = "OUT")]
    pub folder: PathBuf,

    /// As what, one or several with commas between them
    #[arg(long, value_name = "FORMATS", value_enum, value_delimiter = ',', required = true)]
    pub to: Vec<ExportFormat>,

    /// Begin Markdown with the document's facts and findings, as YAML
    #[arg(long)]
    pub front_matter: bool,

    /// Make again what is current, too
    #[arg(long)]
    pub force: bool,
}

/// What an analysis can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Long tables, comma-separated: OUT/csv/TABLE/
    Csv,
    /// DoclingDocument JSON: DOCUMENT.docling.json
    Docling,
    /// Markdown: DOCUMENT.md
    Md,
    /// Long tables, Apache Parquet: OUT/parquet/TABLE/
    Parquet,
    /// Workbook: DOCUMENT.xlsx
    Xlsx,
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Docling => Self::Docling,
            ExportFormat::Md => Self::Markdown,
            ExportFormat::Parquet => Self::Parquet,
            ExportFormat::Xlsx => Self::Workbook,
        }
    }
}

/// The formats that were named, each once.
pub fn formats(named: &[ExportFormat]) -> Vec<Format> {
    let mut formats: Vec<Format> = named.iter().copied().map(Format::from).collect();
    formats.sort();
    formats.dedup();
    formats
}

/// Exports and gives the exit code.
pub fn run(args: &ExportArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopped);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))
        .context("cannot listen for interrupts")?;
    let folder = OutputFolder::open_existing(&args.folder)?;
    let made = export(
        &folder,
        &Options {
            formats: &formats(&args.to),
            front_matter: args.front_matter,
            force: args.force,
            stopped: &|| stopped.load(Ordering::Relaxed),
        },
    )?;
    tell(&made, verbosity);
    Ok(if made.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DOCUMENTS) })
}

/// Says what was made, and what could not be.
pub fn tell(made: &Made, verbosity: Verbosity) {
    for problem in &made.problems {
        let message = format!("[{}]: {problem}", problem.code());
        let fields = json!({"code": problem.code(), "file": problem.culprit().file});
        log::say(Level::Warning, "export", &shown(&message), &fields);
    }
    if verbosity == Verbosity::Quiet {
        return;
    }
    let mut parts = vec![format!("{} written", count(made.written as u64, "export"))];
    for (count, what) in
        [(made.current, "current and skipped"), (made.removed, "removed: their analysis is gone")]
    {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let message = format!(
        "{}: {}",
        count(made.documents as u64, "analysis").replace("analysiss", "analyses"),
        parts.join(", ")
    );
    let fields = json!({
        "documents": made.documents,
        "written": made.written,
        "current": made.current,
        "removed": made.removed,
    });
    log::say(Level::Info, "export", &message, &fields);
}
