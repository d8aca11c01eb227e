//! Page workers from outside: what they read, and what happens when they go wrong.

mod built_in_ocr;
mod faults;
mod hidden;
mod ocr;
pub mod pdf;
mod reading;

use std::path::PathBuf;
use std::sync::Arc;

use docproc::document::Page;
use docproc::error::ErrorCode;
use docproc::input::{ReadRequest, Source, WorkerOptions, WorkerPool};

/// The pdfium library that tests use.
fn pdfium() -> PathBuf {
    let path = std::env::var_os("DOCPROC_PDFIUM").map_or_else(|| "native/libpdfium.so".into(), PathBuf::from);
    assert!(path.is_file(), "run `make native` or set DOCPROC_PDFIUM: there is no {}", path.display());
    path
}

/// Workers that are this package's executable.
fn options(workers: usize) -> WorkerOptions {
    WorkerOptions {
        workers,
        executable: env!("CARGO_BIN_EXE_docproc").into(),
        pdfium: pdfium(),
        ..WorkerOptions::default()
    }
}

fn pool(workers: usize) -> WorkerPool {
    WorkerPool::start(&options(workers)).unwrap()
}

fn source(bytes: &[u8]) -> Arc<Source> {
    Arc::new(Source::read_from(bytes, 1 << 30).unwrap())
}

fn report(name: &str) -> Arc<Source> {
    source(&std::fs::read(format!("fixtures/reports/{name}")).unwrap())
}

/// What became of a document: its pages by number, and its errors by page and code.
#[derive(Debug, PartialEq)]
struct Outcome {
    pages: Vec<Page>,
    errors: Vec<(Option<u32>, ErrorCode)>,
    messages: Vec<String>,
}

impl Outcome {
    fn numbers(&self) -> Vec<u32> {
        self.pages.iter().map(|page| page.number).collect()
    }
}

fn read(pool: &WorkerPool, source: &Arc<Source>, request: ReadRequest) -> Outcome {
    let mut reader = pool.open(Arc::clone(source), request);
    let mut outcome = Outcome { pages: Vec::new(), errors: Vec::new(), messages: Vec::new() };
    let note = |error: &docproc::error::Error, outcome: &mut Outcome| {
        outcome.errors.push((error.culprit().page, error.code()));
        outcome.messages.push(error.explanation());
    };
    while let Some(page) = reader.next() {
        match page {
            Ok(segment) => {
                if let Some(problem) = segment.problem() {
                    note(problem, &mut outcome);
                }
                outcome.pages.push(segment.to_page());
            }
            Err(error) => note(&error, &mut outcome),
        }
    }
    assert!(reader.next().is_none());
    outcome
}
