//! Reading a document: what to read, and its pages in order as they come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::picture::PagePicture;
use super::pool::{Answer, Shared};
use super::protocol::DocumentInfo;
use super::segment::{PageSegment, Timings};
use crate::config::{Analyze, OcrPolicy};
use crate::error::{Error, ErrorCode, Result};

/// Tells by its number whether a page is wanted.
pub type PageFilter = Arc<dyn Fn(u32) -> bool + Send + Sync>;

/// A piece of work that a page worker did.
#[derive(Clone, Copy, Debug)]
pub struct PageWork {
    /// The page; `None` for opening the document.
    pub page: Option<u32>,
    /// When the worker was asked.
    pub begun: Instant,
    /// When it had answered, OCR included.
    pub ended: Instant,
    /// Where the time went, for a page that was read.
    pub timings: Option<Timings>,
}

/// Hears of every piece of work on a document, on the thread that watches the worker.
pub type WorkObserver = Arc<dyn Fn(&PageWork) + Send + Sync>;

/// What to read of a document, and within which limits.
#[derive(Clone)]
pub struct ReadRequest {
    /// Which pages are wanted; `None` for all. Wanted pages that the document does not have are no error.
    pub pages: Option<PageFilter>,
    /// Passwords to try.
    pub passwords: Vec<Vec<u8>>,
    /// Limits and policies: OCR, comparison of text layers, the time of the document, pages, pixels.
    pub settings: Analyze,
    /// Time that a worker may spend on one page.
    pub page_timeout: Duration,
    /// Hears of the work, for profiling.
    pub observer: Option<WorkObserver>,
}

/// Time that a worker may spend on one page, unless the document has less.
pub const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

impl Default for ReadRequest {
    fn default() -> Self {
        Self {
            pages: None,
            passwords: Vec::new(),
            settings: Analyze::default(),
            page_timeout: PAGE_TIMEOUT,
            observer: None,
        }
    }
}

impl ReadRequest {
    /// Every page under the default limits, read by OCR as the policy says.
    #[must_use]
    pub fn with_ocr(ocr: OcrPolicy) -> Self {
        Self { settings: Analyze { ocr, ..Analyze::default() }, ..Self::default() }
    }

    fn is_wanted(&self, number: u32) -> bool {
        self.pages.as_ref().is_none_or(|wanted| wanted(number))
    }

    /// The numbers of the pages to read of a document with so many.
    pub(super) fn pages(&self, count: u32) -> Vec<u32> {
        (1..=count).filter(|number| self.is_wanted(*number)).take(self.settings.max_pages as usize).collect()
    }

    /// Whether the page at this index, of so many that are read, is among those compared. A function of the document
    /// alone: the same pages in every run.
    pub(super) fn is_compared(&self, index: usize, pages: usize) -> bool {
        let (samples, index, pages) = (u64::from(self.settings.compare_text), index as u64, pages as u64);
        // The sample number that falls on a page: floor((2 sample + 1) pages / (2 samples)).
        samples >= pages || (0..samples).any(|sample| (2 * sample + 1) * pages / (2 * samples) == index)
    }

    /// The error for wanted pages beyond the limit.
    pub(super) fn excess(&self, count: u32) -> Option<Error> {
        let wanted = (1..=count).filter(|number| self.is_wanted(*number)).count();
        let limit = self.settings.max_pages;
        (wanted > limit as usize).then(|| {
            Error::new(
                ErrorCode::DocumentTooManyPages,
                format!("only the first {limit} of {wanted} pages were read"),
            )
            .help("raise --max-pages to read them all")
        })
    }
}

/// A document whose pages are being read. Dropping it gives up what was not read yet.
pub struct DocumentReader {
    shared: Arc<Shared>,
    id: u64,
    finished: bool,
}

impl DocumentReader {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self { shared, id, finished: false }
    }

    /// Waits until the document is open and tells what it is. An error is given once.
    ///
    /// # Errors
    /// `pdf.*`, `image.*`, `input.empty`, `input.unsupported`, `worker.*`, `document.timeout`.
    pub fn info(&mut self) -> Result<DocumentInfo> {
        let mut state = self.shared.lock();
        loop {
            let shutdown = state.shutdown;
            let Some(document) = state.documents.get_mut(&self.id) else { return Err(interrupted()) };
            if let Some(Ok(info)) = &document.info {
                return Ok(info.clone());
            }
            let error = match document.info.take() {
                Some(Err(error)) => Some(error),
                _ => document.ended.take(),
            };
            if error.is_some() || shutdown || document.has_ended() || self.finished {
                self.finished = true;
                return Err(error.unwrap_or_else(interrupted));
            }
            state = self.shared.wait(state);
        }
    }

    /// Waits for the next page, in page order. A page that cannot be read is an error with its number; the pages
    /// after it follow. An error without a page number concerns the document and is the last.
    #[allow(clippy::should_implement_trait, reason = "an Iterator would invite collecting all pages")]
    pub fn next(&mut self) -> Option<Result<PageSegment>> {
        Some(self.next_answer()?.and_then(|answer| match answer {
            Answer::Read(page) => Ok(page),
            Answer::Drawn(_) => Err(Error::new(ErrorCode::Internal, "a page was drawn and not read")),
        }))
    }

    fn next_answer(&mut self) -> Option<Result<Answer>> {
        if self.finished {
            return None;
        }
        if let Err(error) = self.info() {
            return Some(Err(error));
        }
        let mut state = self.shared.lock();
        loop {
            let shutdown = state.shutdown;
            let Some(document) = state.documents.get_mut(&self.id) else {
                self.finished = true;
                return Some(Err(interrupted()));
            };
            if document.has_ended() && !document.is_busy() {
                // Pages that were finished before the end count; those missing do not.
                let Some((index, page)) = document.done.pop_first() else {
                    self.finished = true;
                    return document.ended.take().map(Err);
                };
                document.delivered = index + 1;
                return Some(page);
            }
            let at = document.delivered;
            if let Some(page) = document.done.remove(&at) {
                document.delivered += 1;
                drop(state);
                // The reading ahead may go on.
                self.shared.notify();
                return Some(page);
            }
            if at == document.pages.len() {
                self.finished = true;
                return document.afterwards.take().map(Err);
            }
            if shutdown {
                self.finished = true;
                return Some(Err(interrupted()));
            }
            state = self.shared.wait(state);
        }
    }
}

/// A document whose pages are being drawn. Dropping it gives up what was not drawn yet.
pub struct PageDrawings(DocumentReader);

impl PageDrawings {
    pub(super) fn new(reader: DocumentReader) -> Self {
        Self(reader)
    }

    /// Waits for the next picture, in page order; errors as [`DocumentReader::next`] gives them.
    #[allow(clippy::should_implement_trait, reason = "an Iterator would invite collecting all pictures")]
    pub fn next(&mut self) -> Option<Result<PagePicture>> {
        Some(self.0.next_answer()?.and_then(|answer| match answer {
            Answer::Drawn(picture) => Ok(picture),
            Answer::Read(_) => Err(Error::new(ErrorCode::Internal, "a page was read and not drawn")),
        }))
    }
}

fn interrupted() -> Error {
    Error::new(ErrorCode::RunInterrupted, "the run was interrupted before this document was finished")
        .help("run again to go on")
}

impl Drop for DocumentReader {
    fn drop(&mut self) {
        self.shared.lock().documents.remove(&self.id);
        self.shared.notify();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_chosen_and_limited() {
        let odd: PageFilter = Arc::new(|number| number % 2 == 1);
        let request = ReadRequest {
            pages: Some(odd),
            settings: Analyze { max_pages: 2, ..Analyze::default() },
            ..ReadRequest::default()
        };
        assert_eq!(request.pages(9), [1, 3]);
        assert!(request.excess(9).unwrap().to_string().contains("first 2 of 5 pages"));
        assert_eq!(request.pages(2), [1]);
        assert!(request.excess(3).is_none());
    }

    #[test]
    fn compared_pages_are_spread_over_the_document() {
        let sample = |compare, pages| -> Vec<usize> {
            let request = ReadRequest {
                settings: Analyze { compare_text: compare, ..Analyze::default() },
                ..ReadRequest::default()
            };
            (0..pages).filter(|index| request.is_compared(*index, pages)).collect()
        };
        assert_eq!(sample(0, 9), [0usize; 0]);
        assert_eq!(sample(1, 9), [4]);
        assert_eq!(sample(3, 9), [1, 4, 7]);
        assert_eq!(sample(5, 2), [0, 1]);
        assert_eq!(sample(1, 1), [0]);
    }
}
