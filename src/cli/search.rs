//! `docproc search`.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::args::ConfigArgs;
use super::log::{self, Level, tell};
use super::terminal::shown;
use super::{EXIT_DOCUMENTS, Verbosity, print};
use crate::document::round::round_to;
use crate::export::sentence_link;
use crate::output::analyses_in;
use crate::pipeline::{Setup, without_pages};
use crate::search::{Found, Library, Statistics};

/// `docproc search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Folder that `docproc analyze` has written to
    #[arg(value_name = "OUT")]
    pub folder: PathBuf,

    /// What to look for, in words
    #[arg(value_name = "QUERY", required_unless_present = "build")]
    pub query: Option<String>,

    /// Only sections of this kind, for example `risk_factors`
    #[arg(long = "in", value_name = "KIND")]
    pub kind: Option<String>,

    /// Sentences to show at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,

    /// Compute the embeddings that are missing, so that searches need not; say how many there are
    #[arg(long)]
    pub build: bool,

    /// Print one JSON object per sentence
    #[arg(long)]
    pub json: bool,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}

/// Searches and gives the exit code.
pub fn run(args: &SearchArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let config = without_pages(&args.config.load()?);
    let outputs = analyses_in(&args.folder)?;
    if outputs.is_empty() {
        bail!("there is no analysis in {}; make some with `docproc analyze`", args.folder.display());
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopped);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))
        .context("cannot listen for interrupts")?;
    let setup = Setup::find(&config, stopped, &mut |text| tell!("note: {text}"))?;
    let model = setup.text_model()?;
    let library = Library::open(&args.folder, &outputs, &model, setup.cache())?;
    for problem in &library.problems {
        let message = format!("[{}]: {problem}", problem.code());
        let fields = json!({"code": problem.code(), "file": problem.culprit().file});
        log::say(Level::Warning, "search", &shown(&message), &fields);
    }
    if library.statistics.bytes == 0 && library.statistics.sentences > 0 {
        tell!("note: the text model makes no embeddings: sentences are found by their words only");
    }
    if args.build && verbosity > Verbosity::Quiet || verbosity == Verbosity::Verbose {
        told(library.statistics, &setup);
    }
    if let Some(kind) = &args.kind
        && !library.kinds().contains_key(kind.as_str())
    {
        let kinds: Vec<String> =
            library.kinds().iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
        bail!("no section is of kind {kind}; kinds and their sentences: {}", kinds.join(", "));
    }
    let mut text = String::new();
    if let Some(query) = &args.query {
        let found = library.search(query, &model, args.kind.as_deref(), args.top)?;
        for (found, rank) in found.iter().zip(1..) {
            if args.json {
                writeln!(text, "{}", object(found))?;
            } else {
                lines(&mut text, found, rank)?;
            }
        }
        if found.is_empty() {
            tell!("note: nothing was found");
        }
    }
    print(&text)?;
    Ok(if library.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DOCUMENTS) })
}

/// What was done to have the embeddings.
fn told(statistics: Statistics, setup: &Setup) {
    let message = format!(
        "{} sentences of {} documents; embeddings: {} kept from before, {} computed now; {:.1} MB",
        statistics.sentences,
        statistics.documents,
        statistics.hits,
        statistics.misses,
        statistics.bytes as f64 / 1e6
    );
    let fields = json!({
        "documents": statistics.documents,
        "sentences": statistics.sentences,
        "hits": statistics.hits,
        "misses": statistics.misses,
        "bytes": statistics.bytes,
        "cache": setup.cache_use(),
    });
    log::say(Level::Info, "embeddings", &message, &fields);
}

fn lines(text: &mut String, found: &Found<'_>, rank: usize) -> std::fmt::Result {
    let kind = found.kind.map_or(String::new(), |kind| format!(" [{kind}]"));
    let section =
        if found.section.is_empty() { String::new() } else { format!(", {}", shown(found.section)) };
    let meaning = found.hit.meaning.map_or("-".to_owned(), |meaning| format!("{meaning:.2}"));
    writeln!(text, "{rank:>3}. {}", shown(found.text))?;
    writeln!(
        text,
        "     {}, page {}{section}{}  (meaning {meaning}, words {:.1})",
        shown(found.document),
        found.page,
        shown(&kind),
        found.hit.words
    )?;
    writeln!(text, "     {}", shown(&sentence_link(found.output, found.page, found.sentence)))
}

fn object(found: &Found<'_>) -> serde_json::Value {
    json!({
        "document": found.document,
        "analysis": found.output.to_string_lossy(),
        "page": found.page,
        "sentence": found.sentence,
        "section": found.section,
        "kind": found.kind,
        "text": found.text,
        "link": sentence_link(found.output, found.page, found.sentence),
        "meaning": found.hit.meaning.map(|meaning| round_to(f64::from(meaning), 4)),
        "words": round_to(f64::from(found.hit.words), 4),
        "score": round_to(f64::from(found.hit.score), 6),
    })
}
