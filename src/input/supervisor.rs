//! One supervisor thread: takes work from the queue, has its worker do it, replaces the worker when it dies.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use super::child::{Ended, Worker, protocol_error};
use super::media::MediaType;
use super::merge::disagreement;
use super::ocr::Recogniser;
use super::picture::PagePicture;
use super::pool::{Answer, Job, Outcome, Shared, Work, WorkerOptions};
use super::protocol::{DocumentInfo, DrawRequest, Open, PageRequest, PictureStyle, Reply, Request};
use super::reader::PageWork;
use super::segment::{OcrPurpose, PageSegment};
use crate::document::Word;
use crate::error::{Error, ErrorCode, Result};

/// Times that a page, or the opening of a document, is tried: a worker that dies may have been worn out by pages
/// before, so the second attempt is alone on a fresh one.
const ATTEMPTS: u32 = 2;

/// Works until the pool is shut down. With `first`, its worker is started at once and `first` hears how that went.
pub(super) fn run(shared: &Arc<Shared>, first: Option<SyncSender<Result<()>>>) {
    let mut supervisor = Supervisor { shared, worker: None, open: None };
    if let Some(first) = first {
        // Nobody waits any more only if starting the other supervisors failed: then the pool is being dropped.
        let _ = first.send(supervisor.start());
    }
    while let Some(job) = shared.next_job(supervisor.open) {
        let begun = Instant::now();
        let outcome = supervisor.work(&job);
        if let Some(observer) = &job.request.observer {
            let timings = match &outcome {
                Outcome::Page(_, page) => match &**page {
                    Ok(Answer::Read(page)) => Some(page.timings()),
                    _ => None,
                },
                _ => None,
            };
            let page = match job.work {
                Work::Page { number, .. } | Work::Draw { number, .. } => Some(number),
                Work::Open => None,
            };
            observer(&PageWork { page, begun, ended: Instant::now(), timings });
        }
        shared.finish(job.id, outcome);
    }
}

struct Supervisor<'a> {
    shared: &'a Shared,
    worker: Option<Worker>,
    /// The document that the worker has open.
    open: Option<u64>,
}

/// Why work ended without a result.
enum Failed {
    /// The worker died or could not be started.
    Worker(Error),
    /// The worker says why it cannot.
    Refused(Error),
    /// The document's time is up.
    DocumentTimeout,
    /// The page's time is up.
    PageTimeout,
    /// Nobody wants it any more.
    Cancelled,
}

impl Supervisor<'_> {
    fn work(&mut self, job: &Job) -> Outcome {
        if self.worker.as_ref().is_some_and(|worker| worker.pages >= self.shared.options.recycle_after_pages)
        {
            self.discard();
        }
        let mut attempt = 0;
        loop {
            let (failed, index) = match job.work {
                Work::Open => match self.open(job) {
                    Ok(info) => return Outcome::Opened(Ok(info)),
                    Err(failed) => (failed, None),
                },
                Work::Page { index, number, compare } => match self.page(job, number, compare, attempt) {
                    Ok(page) => return Outcome::Page(index, Box::new(Ok(Answer::Read(page)))),
                    Err(failed) => (failed, Some((index, number))),
                },
                Work::Draw { index, number, style } => match self.draw(job, number, style) {
                    Ok(picture) => return Outcome::Page(index, Box::new(Ok(Answer::Drawn(picture)))),
                    Err(failed) => (failed, Some((index, number))),
                },
            };
            attempt += 1;
            let error = match failed {
                Failed::Worker(error)
                    if attempt >= ATTEMPTS || error.code() == ErrorCode::LibraryNotFound =>
                {
                    error
                }
                Failed::Worker(_) => continue,
                Failed::Refused(error) => error,
                Failed::Cancelled => return Outcome::Nothing,
                Failed::PageTimeout => Error::new(
                    ErrorCode::PageTimeout,
                    format!("the page took longer than {} s", job.request.page_timeout.as_secs_f32()),
                ),
                Failed::DocumentTimeout => {
                    return Outcome::Ended(
                        Error::new(
                            ErrorCode::DocumentTimeout,
                            format!("the document took longer than {} s", job.time.as_secs_f32()),
                        )
                        .help("raise --timeout to read all its pages"),
                    );
                }
            };
            return match index {
                Some((index, number)) => Outcome::Page(index, Box::new(Err(error.page(number)))),
                None => Outcome::Opened(Err(error)),
            };
        }
    }

    /// Lets go of the worker.
    fn discard(&mut self) {
        self.worker = None;
        self.close();
    }

    fn close(&mut self) {
        if let Some(id) = self.open.take() {
            self.shared.hold(id, false);
        }
    }

    /// Makes sure that there is a worker.
    fn start(&mut self) -> Result<()> {
        if self.worker.is_none() {
            let (worker, report) = Worker::start(&self.shared.options)?;
            self.shared.count_start(report);
            self.worker = Some(worker);
        }
        Ok(())
    }

    fn ask(&mut self, job: &Job, request: &Request, limit: Instant) -> Result<(Reply, Vec<OwnedFd>), Failed> {
        self.start().map_err(Failed::Worker)?;
        let Some(worker) = &mut self.worker else { return Err(Failed::Cancelled) };
        let memory = [job.source.descriptor()];
        let descriptors: &[_] = if matches!(request, Request::Open(_)) { &memory } else { &[] };
        let deadline = job.deadline.min(limit);
        let reply = worker.ask(request, descriptors, Some(deadline), &|| self.shared.is_cancelled(job.id));
        let failed = match reply {
            Ok(reply) => return Ok(reply),
            Err(Ended::Died(error)) => Failed::Worker(error),
            Err(Ended::Timeout) if job.deadline <= limit => Failed::DocumentTimeout,
            Err(Ended::Timeout) => Failed::PageTimeout,
            Err(Ended::Cancelled) => Failed::Cancelled,
        };
        self.discard();
        if !matches!(failed, Failed::Cancelled) {
            self.shared.count_loss();
        }
        Err(failed)
    }

    fn refuse(&mut self, why: &'static str) -> Failed {
        self.discard();
        self.shared.count_loss();
        Failed::Worker(protocol_error(why))
    }

    /// Opens the job's document in the worker.
    fn open(&mut self, job: &Job) -> Result<DocumentInfo, Failed> {
        self.close();
        let request = Request::Open(Open {
            pdf: job.source.media_type() == Some(MediaType::Pdf),
            max_pixels: job.request.settings.max_pixels,
            passwords: job.request.passwords.clone(),
        });
        match self.ask(job, &request, job.deadline)? {
            (Reply::Info(info), _) => {
                self.open = Some(job.id);
                self.shared.hold(job.id, true);
                Ok(info)
            }
            (Reply::Failed(failure), _) => Err(Failed::Refused(failure.into())),
            _ => Err(self.refuse("a document is not answered with its description")),
        }
    }

    fn draw(&mut self, job: &Job, number: u32, style: PictureStyle) -> Result<PagePicture, Failed> {
        if self.worker.is_none() || self.open != Some(job.id) {
            self.open(job)?;
        }
        let limit = Instant::now() + job.request.page_timeout;
        let request = Request::Draw(DrawRequest { number, style });
        let descriptor = match self.ask(job, &request, limit)? {
            (Reply::Picture, descriptors) => descriptors.into_iter().next(),
            (Reply::Failed(failure), _) => return Err(Failed::Refused(failure.into())),
            _ => return Err(self.refuse("a picture is not answered with a picture")),
        };
        if let Some(worker) = &mut self.worker {
            worker.pages += 1;
        }
        match descriptor.map(|memory| PagePicture::open(number, &memory)) {
            Some(Ok(picture)) => Ok(picture),
            Some(Err(error)) => {
                self.refuse("");
                Err(Failed::Worker(protocol_error(error)))
            }
            None => Err(self.refuse("the picture is missing")),
        }
    }

    /// Reads a page; twice where the text layer of a scan turns out to have other words than the scan shows.
    fn page(&mut self, job: &Job, number: u32, compare: bool, attempt: u32) -> Result<PageSegment, Failed> {
        let ocr = job.request.settings.ocr;
        let request = PageRequest { number, attempt, ocr, compare, distrust: false };
        let mut segment = self.page_once(job, request)?;
        let checks = segment.ocr_image().filter(|image| image.purpose == OcrPurpose::Check);
        if let Some(image) = checks
            && let Some(reading) = segment.take_reading()
        {
            let here = |word: &Word| image.place.is_none_or(|place| place.intersection(&word.bbox).is_some());
            let layer: Vec<Word> = segment.to_page().words.into_iter().filter(here).collect();
            if disagreement(&layer, &reading).is_some() {
                return self.page_once(job, PageRequest { distrust: true, ..request });
            }
        }
        Ok(segment)
    }

    fn page_once(&mut self, job: &Job, request: PageRequest) -> Result<PageSegment, Failed> {
        if self.worker.is_none() || self.open != Some(job.id) {
            self.open(job)?;
        }
        // Starting a worker and opening the document in it is not the page's doing.
        let limit = Instant::now() + job.request.page_timeout;
        let number = request.number;
        let request = Request::Page(request);
        let descriptors = match self.ask(job, &request, limit)? {
            (Reply::Page, descriptors) => descriptors,
            (Reply::Failed(failure), _) => return Err(Failed::Refused(failure.into())),
            _ => return Err(self.refuse("a page is not answered with a page")),
        };
        if let Some(worker) = &mut self.worker {
            worker.pages += 1;
        }
        let mut descriptors = descriptors.into_iter();
        let segment = descriptors.next().map(PageSegment::open);
        let segment = match segment {
            Some(Ok(segment)) if segment.number() == number => segment,
            Some(Err(error)) => {
                self.refuse("");
                return Err(Failed::Worker(protocol_error(error)));
            }
            _ => return Err(self.refuse("a page is answered with another one")),
        };
        match (segment.ocr_image(), descriptors.next()) {
            (None, None) => Ok(segment),
            (Some(image), Some(memory)) => {
                let deadline = job.deadline.min(limit);
                let WorkerOptions { sandbox, memory_limit, .. } = self.shared.options;
                // The worker waits meanwhile: together they stay below what one worker may have.
                let idle = self.worker.as_ref().map_or(0, Worker::resident_memory);
                if idle > memory_limit / 4 {
                    self.discard();
                }
                let mut program = self.shared.options.ocr.clone();
                program.memory_limit = program.memory_limit.min(memory_limit / 4 * 3);
                let recogniser = Recogniser {
                    reader: self.shared.options.reader.as_deref(),
                    program,
                    sandbox,
                    deadline,
                    is_cancelled: &|| self.shared.is_cancelled(job.id),
                };
                recogniser.recognise(segment, image, &memory).map_err(|error| {
                    self.refuse("");
                    Failed::Worker(protocol_error(error))
                })
            }
            _ => Err(self.refuse("the image for OCR is missing")),
        }
    }
}
