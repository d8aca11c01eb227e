//! The pool of page workers and the queue of documents they work on.
//!
//! Every worker has a supervisor thread in this process, which starts it, asks it for one page at a time, watches
//! the clock, and replaces it when it dies. Earlier documents go first; the pages of a long document are spread
//! over all workers, and short documents are read side by side. How far a document is read ahead of its reader
//! is bounded, so memory does not grow with its length.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::built_in_ocr::PictureReader;
use super::ocr::OcrOptions;
use super::picture::PagePicture;
use super::protocol::{DocumentInfo, InjectedFault, PictureStyle, SandboxReport, passwords_fit};
use super::reader::{DocumentReader, PageDrawings, ReadRequest};
use super::segment::PageSegment;
use super::source::Source;
use super::supervisor;
use crate::config::SandboxMode;
use crate::error::{Error, ErrorCode, Result};

/// How page workers are started and limited.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Number of workers, at least 1.
    pub workers: usize,
    /// The executable to start; it must call [`super::worker_main`] when its first argument is
    /// [`super::WORKER_ARGUMENT`].
    pub executable: PathBuf,
    /// The pdfium library.
    pub pdfium: PathBuf,
    /// Address space of one worker in bytes.
    pub memory_limit: u64,
    /// Processor time of one worker over its life, in seconds: a last resort beside the time limits.
    pub cpu_seconds: u32,
    /// Whether workers and the OCR program give up files, network and other processes.
    pub sandbox: SandboxMode,
    /// Pages after which a worker is replaced, so that what a library leaks does not add up.
    pub recycle_after_pages: u32,
    /// What reads pictures inside this process; without it, the OCR program does.
    pub reader: Option<Arc<dyn PictureReader>>,
    /// The OCR program.
    pub ocr: OcrOptions,
    /// A fault to inject, for tests; workers of release builds refuse it.
    pub fault: Option<InjectedFault>,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            // Unlike the path of the executable, this is the same program even after an update replaced the file.
            executable: PathBuf::from("/proc/self/exe"),
            pdfium: PathBuf::from("libpdfium.so"),
            memory_limit: 2 << 30,
            cpu_seconds: 3600,
            sandbox: SandboxMode::Auto,
            recycle_after_pages: 2000,
            reader: None,
            ocr: OcrOptions::default(),
            fault: None,
        }
    }
}

/// Pages that only remain of a document are not worth opening it in another worker as well.
const PAGES_WORTH_JOINING: usize = 3;

/// What happened to the workers so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatistics {
    /// Workers started.
    pub started: u64,
    /// Workers that died while they worked, or were killed for it.
    pub lost: u64,
}

/// Time that a document's pages were worked on, by any number of workers at once.
#[derive(Debug, Default)]
struct Clock {
    spent: Duration,
    since: Option<Instant>,
    in_flight: usize,
}

impl Clock {
    fn spent(&self) -> Duration {
        self.spent + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn start(&mut self) {
        self.in_flight += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    fn stop(&mut self) {
        self.in_flight -= 1;
        if self.in_flight == 0 {
            self.spent += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        }
    }
}

/// A document in work.
pub(super) struct Queued {
    pub(super) source: Arc<Source>,
    pub(super) request: Arc<ReadRequest>,
    /// Its pages are drawn so, in place of being read.
    pictures: Option<PictureStyle>,
    /// Whether a worker opens it or has opened it.
    opening: bool,
    /// Outcome of opening it; the reader takes an error out.
    pub(super) info: Option<Result<DocumentInfo>>,
    /// Page numbers to read, in order; known once it is open.
    pub(super) pages: Vec<u32>,
    /// Index of the next page to hand out.
    next: usize,
    /// Index of the next page that the reader gets.
    pub(super) delivered: usize,
    /// Pages read and not delivered, by index.
    pub(super) done: BTreeMap<usize, Result<Answer>>,
    /// Workers that have it open.
    holders: usize,
    clock: Clock,
    /// Why no more pages are read.
    pub(super) ended: Option<Error>,
    has_ended: bool,
    /// To be reported after the last page.
    pub(super) afterwards: Option<Error>,
}

impl Queued {
    fn has_page(&self, window: usize) -> bool {
        !self.has_ended && self.next < self.pages.len() && self.next < self.delivered + window
    }

    /// Whether pages are still on their way.
    pub(super) fn is_busy(&self) -> bool {
        self.clock.in_flight > 0
    }

    /// Ends the document early; pages in work are given up.
    fn end(&mut self, error: Error) {
        if !self.has_ended {
            self.has_ended = true;
            self.ended = Some(error);
        }
    }

    /// Whether it ended early.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) documents: BTreeMap<u64, Queued>,
    next_id: u64,
    pub(super) shutdown: bool,
    statistics: PoolStatistics,
    sandbox: Option<SandboxReport>,
}

pub(super) struct Shared {
    pub(super) options: WorkerOptions,
    state: Mutex<State>,
    changed: Condvar,
}

/// What a supervisor shall do next.
pub(super) enum Work {
    /// Open the document and tell its reader what it is.
    Open,
    /// Read the page with this index in the document's list, and this number; compare its text layer with OCR or not.
    Page { index: usize, number: u32, compare: bool },
    /// Draw that page.
    Draw { index: usize, number: u32, style: PictureStyle },
}

/// What a worker gives for a page.
#[allow(
    clippy::large_enum_variant,
    reason = "a pool reads or draws; few are held, and they are read far more often"
)]
pub(super) enum Answer {
    Read(PageSegment),
    Drawn(PagePicture),
}

/// A piece of work on a document.
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) source: Arc<Source>,
    pub(super) request: Arc<ReadRequest>,
    pub(super) work: Work,
    /// Time that the document has.
    pub(super) time: Duration,
    /// When the document's time is up.
    pub(super) deadline: Instant,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another thread leaves the queue usable: no invariant spans a panic point.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    fn window(&self) -> usize {
        2 * self.options.workers + 2
    }

    /// Waits for work; `None` when the pool is shut down. `open` is the document that the worker has open.
    pub(super) fn next_job(&self, open: Option<u64>) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.shutdown {
                return None;
            }
            if let Some(id) = choose(&state.documents, open, self.window())
                && let Some(document) = state.documents.get_mut(&id)
            {
                let work = if document.opening {
                    let index = document.next;
                    document.next += 1;
                    let number = document.pages[index];
                    match document.pictures {
                        Some(style) => Work::Draw { index, number, style },
                        None => {
                            let compare = document.request.is_compared(index, document.pages.len());
                            Work::Page { index, number, compare }
                        }
                    }
                } else {
                    document.opening = true;
                    Work::Open
                };
                // Before it is open, it has no pages.
                let time = document.request.settings.time_for(document.pages.len());
                let left = time.saturating_sub(document.clock.spent());
                document.clock.start();
                return Some(Job {
                    id,
                    source: Arc::clone(&document.source),
                    request: Arc::clone(&document.request),
                    work,
                    time,
                    deadline: Instant::now() + left,
                });
            }
            state = self.wait(state);
        }
    }

    /// Whether nobody wants the outcome of work on this document any more.
    pub(super) fn is_cancelled(&self, id: u64) -> bool {
        let state = self.lock();
        state.shutdown || state.documents.get(&id).is_none_or(|document| document.has_ended)
    }

    /// Hands in the outcome of a piece of work.
    pub(super) fn finish(&self, id: u64, outcome: Outcome) {
        if let Some(document) = self.lock().documents.get_mut(&id) {
            document.clock.stop();
            match outcome {
                Outcome::Opened(info) => {
                    if let Ok(info) = &info {
                        document.pages = document.request.pages(info.page_count);
                        document.afterwards = document.request.excess(info.page_count);
                    }
                    document.info = Some(info);
                }
                // A page that comes after the end of its document is too late.
                Outcome::Page(index, page) if !document.has_ended => {
                    document.done.insert(index, *page);
                }
                Outcome::Page(..) | Outcome::Nothing => {}
                Outcome::Ended(error) => document.end(error),
            }
        }
        self.notify();
    }

    /// Counts the workers that have a document open.
    pub(super) fn hold(&self, id: u64, held: bool) {
        if let Some(document) = self.lock().documents.get_mut(&id) {
            document.holders = if held { document.holders + 1 } else { document.holders.saturating_sub(1) };
        }
    }

    pub(super) fn count_start(&self, report: SandboxReport) {
        let mut state = self.lock();
        state.statistics.started += 1;
        state.sandbox.get_or_insert(report);
    }

    pub(super) fn count_loss(&self) {
        self.lock().statistics.lost += 1;
    }
}

/// What came of a piece of work.
pub(super) enum Outcome {
    Opened(Result<DocumentInfo>),
    Page(usize, Box<Result<Answer>>),
    /// The document is over.
    Ended(Error),
    /// The work was cancelled.
    Nothing,
}

/// The document that a worker shall turn to. `open` is the one it has open.
///
/// The earliest document with work goes first. A worker stays with its own document while the earliest is being
/// served by others, and does not join one for its last pages while there is something else to do: opening costs.
fn choose(documents: &BTreeMap<u64, Queued>, open: Option<u64>, window: usize) -> Option<u64> {
    let has_work =
        |document: &Queued| !document.has_ended && (!document.opening || document.has_page(window));
    let own = open.filter(|id| documents.get(id).is_some_and(has_work));
    let mut last_resort = None;
    for (id, document) in documents.iter().filter(|(_, document)| has_work(document)) {
        if own == Some(*id) {
            return own;
        }
        let served = document.is_busy() || !document.done.is_empty();
        if own.is_some() && served {
            continue;
        }
        let worth_joining =
            document.holders == 0 || document.pages.len() - document.next >= PAGES_WORTH_JOINING;
        if worth_joining {
            return Some(*id);
        }
        last_resort.get_or_insert(*id);
    }
    own.or(last_resort)
}

/// The page workers of a run. Dropping it kills them.
pub struct WorkerPool {
    shared: Arc<Shared>,
    supervisors: Vec<JoinHandle<()>>,
}

impl WorkerPool {
    /// Starts the supervisors and the first worker, so that what is wrong with every worker is known before there
    /// is work; the others are started when they are needed.
    ///
    /// # Errors
    /// `library.*` if there is no pdfium at the given path, `worker.start` if threads or processes cannot be
    /// started, `worker.sandbox` if it is required and this kernel cannot.
    pub fn start(options: &WorkerOptions) -> Result<Self> {
        if !options.pdfium.is_file() {
            return Err(Error::new(ErrorCode::LibraryNotFound, "there is no pdfium library here")
                .file(&options.pdfium)
                .help("run `make native`, or set DOCPROC_PDFIUM to libpdfium.so"));
        }
        let mut options = options.clone();
        options.workers = options.workers.max(1);
        let workers = options.workers;
        let shared =
            Arc::new(Shared { options, state: Mutex::new(State::default()), changed: Condvar::new() });
        let mut pool = Self { shared, supervisors: Vec::new() };
        let (first, started) = sync_channel(1);
        let mut first = Some(first);
        for number in 0..workers {
            let shared = Arc::clone(&pool.shared);
            // The kernel ends a worker together with the thread that started it: it must be the supervisor's.
            let first = first.take();
            let thread = std::thread::Builder::new()
                .name(format!("page-worker-{number}"))
                .spawn(move || supervisor::run(&shared, first))
                .map_err(|error| {
                    Error::new(ErrorCode::WorkerStart, "cannot start a thread").because(error)
                })?;
            pool.supervisors.push(thread);
        }
        match started.recv() {
            Ok(started) => started.map(|()| pool),
            Err(_) => Err(Error::new(ErrorCode::WorkerStart, "the first page worker's supervisor is gone")),
        }
    }

    /// Queues a document. Its pages are read in the background, a few ahead of the reader.
    #[must_use]
    pub fn open(&self, source: Arc<Source>, request: ReadRequest) -> DocumentReader {
        self.queue(source, request, None)
    }

    /// Queues a document for pictures of its pages.
    #[must_use]
    pub fn draw(&self, source: Arc<Source>, request: ReadRequest, style: PictureStyle) -> PageDrawings {
        PageDrawings::new(self.queue(source, request, Some(style)))
    }

    fn queue(
        &self,
        source: Arc<Source>,
        request: ReadRequest,
        pictures: Option<PictureStyle>,
    ) -> DocumentReader {
        // Found wrong before any worker sees it.
        let refused = source.supported().err().or_else(|| {
            (!passwords_fit(&request.passwords)).then(|| {
                Error::new(ErrorCode::ConfigInvalid, "there are too many passwords")
                    .help("keep the file below 40 kilobytes")
            })
        });
        let document = Queued {
            source,
            request: Arc::new(request),
            pictures,
            opening: refused.is_some(),
            info: refused.map(Err),
            pages: Vec::new(),
            next: 0,
            delivered: 0,
            done: BTreeMap::new(),
            holders: 0,
            clock: Clock::default(),
            ended: None,
            has_ended: false,
            afterwards: None,
        };
        let mut state = self.shared.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.documents.insert(id, document);
        drop(state);
        self.shared.notify();
        DocumentReader::new(Arc::clone(&self.shared), id)
    }

    /// Gives up every document in work: their readers end with `run.interrupted`, workers are killed. For good.
    pub fn cancel(&self) {
        self.shared.lock().shutdown = true;
        self.shared.notify();
    }

    /// What happened to the workers so far.
    #[must_use]
    pub fn statistics(&self) -> PoolStatistics {
        self.shared.lock().statistics
    }

    /// The state of the first worker's sandbox.
    #[must_use]
    pub fn sandbox(&self) -> Option<SandboxReport> {
        self.shared.lock().sandbox.clone()
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.shared.lock().shutdown = true;
        self.shared.notify();
        for thread in self.supervisors.drain(..) {
            // A supervisor that panicked has dropped, and thereby killed, its worker.
            let _ = thread.join();
        }
    }
}
