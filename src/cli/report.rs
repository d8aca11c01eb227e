//! `docproc report`, and the report that `docproc analyze --report` makes at its end.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::analyze::passwords;
use super::args::{PagePictures, ReportArgs};
use super::log::{self, Level};
use super::terminal::shown;
use super::{Verbosity, summary};
use crate::config::{Analyze, Config, NativeLibrary, native_library};
use crate::input::{WorkerOptions, WorkerPool};
use crate::output::OutputFolder;
use crate::report::{Made, Options, PictureSize, Sources, report};

/// Makes the report of a folder of analyses.
pub fn run(args: &ReportArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref(), |config| {
        if let Some(jobs) = args.jobs {
            config.analyze.jobs = jobs;
        }
    })?;
    let folder = OutputFolder::open_existing(&args.output)?;
    let wanted = Wanted {
        pictures: args.page_pictures,
        documents: args.documents.as_deref(),
        passwords: passwords(args.password_file.as_deref())?,
        force: args.force,
    };
    make(&folder, &config, wanted, verbosity, &|| false)?;
    Ok(ExitCode::SUCCESS)
}

/// What the flags ask for.
pub(super) struct Wanted<'a> {
    pub pictures: PagePictures,
    pub documents: Option<&'a Path>,
    pub passwords: Vec<Vec<u8>>,
    pub force: bool,
}

/// Makes the report in a folder whose lock is held, and says what was made.
pub(super) fn make(
    folder: &OutputFolder,
    config: &Config,
    wanted: Wanted<'_>,
    verbosity: Verbosity,
    stopped: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    let pictures = match wanted.pictures {
        PagePictures::None => PictureSize::None,
        PagePictures::Low => PictureSize::Low,
        PagePictures::High => PictureSize::High,
    };
    let pool = (pictures != PictureSize::None)
        .then(|| {
            WorkerPool::start(&WorkerOptions {
                workers: config.analyze.jobs,
                pdfium: native_library(NativeLibrary::Pdfium)?,
                sandbox: config.analyze.sandbox,
                ..WorkerOptions::default()
            })
        })
        .transpose()?;
    let last = Mutex::new(ProgressBar::hidden());
    if verbosity == Verbosity::Normal && !log::is_json() {
        let bar =
            ProgressBar::new_spinner().with_style(ProgressStyle::with_template("report: {pos} documents")?);
        *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = bar;
    }
    let options = Options {
        pictures,
        sources: Sources {
            folder: wanted.documents.map(Path::to_owned),
            // The pages to draw are those of the analysis, however many it has.
            limits: Analyze { max_pages: u32::MAX, ..config.analyze.clone() },
            passwords: wanted.passwords,
        },
        pool: pool.as_ref(),
        jobs: config.analyze.jobs,
        force: wanted.force,
        stopped,
        done: &|path| {
            if verbosity == Verbosity::Verbose {
                log::say(Level::Info, "report", &format!("report of {path}"), &json!({"file": path}));
            }
            last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).inc(1);
        },
    };
    let made = report(folder, &options);
    last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).finish_and_clear();
    let made = made?;
    if verbosity > Verbosity::Quiet {
        say(folder, made, started.elapsed().as_secs_f64());
    }
    Ok(())
}

fn say(folder: &OutputFolder, made: Made, seconds: f64) {
    let index = shown(&folder.root().join("index.html").to_string_lossy()).into_owned();
    let mut text = format!("report: {}", summary::count(made.documents as u64, "document"));
    if made.current > 0 {
        text.push_str(&format!(" ({} current)", made.current));
    }
    let rate = if seconds > 0.0 { made.pages as f64 / seconds } else { 0.0 };
    text.push_str(&format!(
        "; {} written with {} in {seconds:.1} s ({rate:.0} pages/s); open {index}",
        summary::count(made.pages as u64, "page"),
        summary::count(made.pictures as u64, "picture"),
    ));
    if made.without_pictures > 0 {
        text.push_str(&format!(
            "\n{} without page pictures, because the document is gone or has changed; its page says which. \
             `docproc report --documents DIR` looks elsewhere",
            summary::count(made.without_pictures as u64, "document")
        ));
    }
    let fields = json!({
        "documents": made.documents,
        "current": made.current,
        "pages": made.pages,
        "pictures": made.pictures,
        "without_pictures": made.without_pictures,
        "seconds": seconds,
        "index": index,
    });
    if log::is_json() {
        log::say(Level::Info, "report", "the report is made", &fields);
    } else {
        log::write(&format!("{text}\n"));
    }
}
