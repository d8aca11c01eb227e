//! A run over many documents.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::digest::Digest;
use super::document::{self, Request};
use super::engine::Engine;
use super::setup::Setup;
use super::stop::Stop;
use crate::document::analysis::{Analysis, Problem, Status};
use crate::error::{Error, ErrorCode, Result};
use crate::input::{Input, InputSource, Source};
use crate::output::{DocumentEntry, LineSlot, LinesWriter, Outcome, OutputFolder, RunCounts, StopReason};

/// One document to analyze and where its analysis goes, below the output folder.
#[derive(Clone, Debug)]
pub struct Job {
    /// The document.
    pub input: Input,
    /// Its analysis.
    pub output: PathBuf,
}

/// Where analyses go.
pub struct Sink<'a> {
    /// One file per document.
    pub folder: Option<&'a OutputFolder>,
    /// One line per document.
    pub lines: Option<&'a LinesWriter>,
}

/// What is the same for every document of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// How documents are read.
    pub request: Request,
    /// Documents in work at the same time.
    pub jobs: usize,
    /// Analyze again what is current.
    pub force: bool,
    /// Write the tables as CSV files, too.
    pub tables: bool,
    /// Time after which the run stops by itself, from its start.
    pub max_runtime: Option<Duration>,
}

/// Hears what happens while a run goes on; called from many threads.
pub trait Observer: Sync {
    /// Something the user should know once.
    fn notice(&self, text: &str);
    /// So many more pages went through the layout model.
    fn pages_done(&self, pages: u64);
    /// The run stops early: `cut` is false when it begins no further documents, true when it gives up those in work.
    fn stopping(&self, reason: Option<StopReason>, cut: bool);
    /// A document was finished, skipped, cut or not reached.
    fn document_done(&self, entry: &DocumentEntry);
}

/// What a run did.
#[derive(Debug, Default)]
pub struct RunReport {
    /// Why it could not go on, if so: results cannot be written, or what loading the models says.
    pub error: Option<Error>,
    /// Every document in input order.
    pub entries: Vec<DocumentEntry>,
    /// The analyzed ones in input order.
    pub digests: Vec<Digest>,
    /// Totals.
    pub counts: RunCounts,
}

/// Hears nothing.
pub(super) struct Silence;

impl Observer for Silence {
    fn notice(&self, _: &str) {}
    fn pages_done(&self, _: u64) {}
    fn stopping(&self, _: Option<StopReason>, _: bool) {}
    fn document_done(&self, _: &DocumentEntry) {}
}

impl Engine {
    /// Analyzes one file, as a run would; whatever goes wrong is in the analysis.
    #[must_use]
    pub fn analyze(&self, path: &Path, request: &Request) -> Analysis {
        let input = Input { path: path.to_owned(), relative: path.to_owned(), source: InputSource::File };
        analyze_document(self, &input, request)
    }
}

/// Failures that may be the machine's and not the document's: a re-run tries them again.
const TRANSIENT: &[ErrorCode] = &[
    ErrorCode::InputNotFound,
    ErrorCode::InputUnreadable,
    ErrorCode::PdfPasswordRequired,
    ErrorCode::DocumentTooLarge,
    ErrorCode::DocumentTimeout,
    ErrorCode::PageTimeout,
    ErrorCode::WorkerCrashed,
    ErrorCode::WorkerMemory,
    ErrorCode::WorkerProtocol,
    ErrorCode::WorkerStart,
    ErrorCode::OcrUnavailable,
    ErrorCode::OcrFailed,
    ErrorCode::OcrTimeout,
    ErrorCode::ModelRun,
    ErrorCode::RunInterrupted,
    ErrorCode::Internal,
];

/// Analyzes the documents, `options.jobs` at a time. When `stop` is requested or the time is up, or when the run cannot
/// go on, no further documents are begun; those in work are finished, or cut when they take longer than `stop` has
/// patience for. What was written stays.
pub fn run(
    setup: &Setup,
    jobs: &[Job],
    sink: &Sink<'_>,
    options: &RunOptions,
    observer: &dyn Observer,
    stop: &Stop,
) -> RunReport {
    let deadline = options.max_runtime.and_then(|limit| Instant::now().checked_add(limit));
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, DocumentEntry, Option<Digest>)>> = Mutex::default();
    let fatal: Mutex<Option<Error>> = Mutex::default();
    let fail = |error| {
        stop.request(StopReason::Error);
        fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    };
    std::thread::scope(|watch| {
        watch.spawn(|| {
            let time_up = || observer.stopping(stop.reason(), false);
            let cut = || {
                observer.stopping(stop.reason(), true);
                if let Some(engine) = setup.started() {
                    engine.pool.cancel();
                }
            };
            stop.watch(deadline, time_up, cut);
        });
        let _finish = stop.finish_on_drop();
        std::thread::scope(|scope| {
            for _ in 0..options.jobs.clamp(1, jobs.len().max(1)) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(index) else { return };
                        // Dropped with whatever becomes of the document, so that no other line waits for this one.
                        let slot = sink.lines.map(|lines| lines.slot(index));
                        let started = Instant::now();
                        let finished = if stop.is_requested() {
                            Finished::without_analysis(Outcome::NotReached)
                        } else {
                            catch_unwind(AssertUnwindSafe(|| one(setup, job, sink, options, observer, stop)))
                                .unwrap_or_else(|panic| Err(fault(&*panic).file(&job.input.path)))
                                .unwrap_or_else(|error| {
                                    fail(error);
                                    Finished::without_analysis(Outcome::Cut)
                                })
                        };
                        if let (Some(slot), Some(analysis)) = (slot, &finished.analysis)
                            && let Err(error) = write_line(slot, analysis)
                        {
                            fail(error);
                        }
                        let entry = finished.entry(job, sink, started.elapsed().as_secs_f64());
                        observer.document_done(&entry);
                        let digest = finished.analysis.as_ref().map(Digest::of);
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, entry, digest));
                    }
                });
            }
        });
    });
    if let Some(Err(error)) = sink.lines.map(LinesWriter::check) {
        fail(unwritable_lines(error));
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, ..)| *index);
    let mut report = RunReport::default();
    for (_, entry, digest) in done {
        report.counts.add(&entry);
        report.entries.push(entry);
        report.digests.extend(digest);
    }
    report.error = fatal.into_inner().unwrap_or_else(PoisonError::into_inner);
    report
}

impl RunReport {
    /// That of a run which could not even begin.
    #[must_use]
    pub fn not_begun(jobs: &[Job], sink: &Sink<'_>, error: Error) -> Self {
        let mut report = Self { error: Some(error), ..Self::default() };
        for job in jobs {
            let entry = Finished::without_analysis(Outcome::NotReached).entry(job, sink, 0.0);
            report.counts.add(&entry);
            report.entries.push(entry);
        }
        report
    }
}

/// Analyzes one document by itself, without writing anything. Whatever goes wrong is in the analysis.
#[must_use]
pub fn analyze_document(engine: &Engine, input: &Input, request: &Request) -> Analysis {
    match Source::read(input, request.settings.max_bytes.0) {
        Ok(source) => {
            let admitted = engine.documents.admit(source.bytes());
            document::analyze(engine, input, source, request, &admitted, &Silence)
        }
        Err(error) => document::failed(input, &error),
    }
}

/// A document at the end of its way.
struct Finished {
    outcome: Outcome,
    analysis: Option<Analysis>,
    /// Status and pages of an analysis that was left alone.
    skipped: Option<(Status, u32)>,
}

impl Finished {
    fn without_analysis(outcome: Outcome) -> Self {
        Self { outcome, analysis: None, skipped: None }
    }

    fn entry(&self, job: &Job, sink: &Sink<'_>, seconds: f64) -> DocumentEntry {
        let mut codes: Vec<ErrorCode> = self
            .analysis
            .iter()
            .flat_map(|analysis| analysis.errors.iter().map(|error| error.code))
            .collect();
        codes.dedup();
        DocumentEntry {
            path: job.input.display(),
            output: sink.folder.map(|_| job.output.to_string_lossy().into_owned()),
            outcome: self.outcome,
            status: self
                .analysis
                .as_ref()
                .map(|analysis| analysis.status)
                .or(self.skipped.map(|skipped| skipped.0)),
            codes,
            pages: match (&self.analysis, self.skipped) {
                (Some(analysis), _) => u32::try_from(analysis.pages.len()).unwrap_or(u32::MAX),
                (None, Some((_, pages))) => pages,
                (None, None) => 0,
            },
            seconds: (seconds * 1e3).round() / 1e3,
        }
    }
}

/// One document: read, skipped if current, else analyzed and written.
fn one(
    setup: &Setup,
    job: &Job,
    sink: &Sink<'_>,
    options: &RunOptions,
    observer: &dyn Observer,
    stop: &Stop,
) -> Result<Finished> {
    let profiler = &setup.profiler;
    let _document = profiler.enter(profiler.is_enabled().then(|| job.input.display().into()));
    let source = {
        let _span = profiler.span("read input");
        Source::read_unless(&job.input, options.request.settings.max_bytes.0, &|| stop.is_cut())
    };
    let sha256 = source.as_ref().map_or("", Source::sha256);
    let key = setup.key(&job.input, sha256, &options.request);
    if let (Some(folder), false, None) = (sink.folder, options.force, sink.lines)
        && let Some(record) = folder.current(&job.output, &key, options.tables)
    {
        let status = record.status().unwrap_or(Status::Failed);
        return Ok(Finished {
            outcome: Outcome::Skipped,
            analysis: None,
            skipped: Some((status, record.pages)),
        });
    }
    let engine = setup.engine()?;
    engine.take_notices().iter().for_each(|text| observer.notice(text));
    let admitted = engine.documents.admit(source.as_ref().map_or(0, Source::bytes));
    if stop.is_cut() {
        return Ok(Finished::without_analysis(Outcome::Cut));
    }
    // A fault of ours in one document must not cost the batch: it is reported as that document's failure.
    let analysis = catch_unwind(AssertUnwindSafe(|| match source {
        Ok(source) => document::analyze(engine, &job.input, source, &options.request, &admitted, observer),
        Err(error) => document::failed(&job.input, &error),
    }))
    .unwrap_or_else(|panic| document::failed(&job.input, &fault(&*panic)));
    let interrupted = |error: &Problem| error.code == ErrorCode::RunInterrupted;
    if stop.is_cut() && analysis.errors.iter().any(interrupted) {
        return Ok(Finished::without_analysis(Outcome::Cut));
    }
    if let Some(folder) = sink.folder {
        let retry = analysis.errors.iter().any(|error| TRANSIENT.contains(&error.code));
        let _span = setup.profiler.span("write");
        folder.write(&job.output, key, &analysis, retry, options.tables)?;
    }
    Ok(Finished { outcome: Outcome::Analyzed, analysis: Some(analysis), skipped: None })
}

/// The error of a panic while a document was in work.
fn fault(panic: &(dyn Any + Send)) -> Error {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Error::new(ErrorCode::Internal, format!("docproc failed on this document: {what}"))
        .help("please report it together with the document")
}

fn write_line(slot: LineSlot<'_>, analysis: &Analysis) -> Result<()> {
    let line = serde_json::to_vec(analysis).map_err(io::Error::from);
    line.and_then(|line| slot.write(line)).map_err(unwritable_lines)
}

fn unwritable_lines(error: io::Error) -> Error {
    let broken = error.kind() == io::ErrorKind::BrokenPipe;
    let message =
        if broken { "the reader of the JSON lines has gone" } else { "cannot write the JSON lines" };
    Error::new(ErrorCode::OutputUnwritable, message).because(error)
}

impl RunCounts {
    fn add(&mut self, entry: &DocumentEntry) {
        match entry.status {
            Some(Status::Ok) => self.ok += 1,
            Some(Status::Partial) => self.partial += 1,
            Some(Status::Failed) => self.failed += 1,
            None => {}
        }
        match entry.outcome {
            Outcome::Analyzed => self.pages += u64::from(entry.pages),
            Outcome::Skipped => self.skipped += 1,
            Outcome::NotReached | Outcome::Cut => self.not_reached += 1,
        }
    }
}
