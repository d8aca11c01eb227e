//! Finished analyses to pages for a browser: an index of all documents, and a folder per document with its pages, findings
//! and evidence. They open from the disk, without a server and without the network.
//!
//! ```text
//! OUT/index.html                 all documents; everything it needs is in it
//! OUT/<document>.report/
//!     doc.html                   findings, sections, scores; style and script are in it
//!     p12.js                     what is on page 12; loaded when the page comes near
//!     p12.jpg                    its picture, drawn by a page worker
//!     report.json                what it was made from, and the document's row of the index
//! ```
//!
//! What a document or a file name says reaches a page in two ways only: as text that `maud` escapes, and as JSON in which
//! `<` is written `\u003c`. The scripts make elements and set their text; they never parse markup. A content security policy
//! in each page allows the page's own script by its hash and nothing else.

mod document;
mod evidence;
mod identity;
mod index;
mod markup;
mod page_data;
mod pictures;
mod row;
mod store;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::document::analysis::Analysis;
use crate::error::{Error, ErrorCode, Result};
use crate::input::WorkerPool;
use crate::output::{OutputFolder, derived_folder};
use pictures::Pictures;
pub use pictures::{PictureSize, Sources};
use row::Row;
use store::Store;

/// How the folder of a document's report ends.
const FOLDER: &str = ".report";
/// The page of a document in its folder.
const PAGE: &str = "doc.html";

/// What to make.
pub struct Options<'a> {
    /// Pictures of the pages.
    pub pictures: PictureSize,
    /// Where the documents are found.
    pub sources: Sources,
    /// Draws the pictures; `None` where none are wanted.
    pub pool: Option<&'a WorkerPool>,
    /// Documents in work at the same time, at least 1.
    pub jobs: usize,
    /// Make again what is current, too.
    pub force: bool,
    /// Says whether the work shall end.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// Hears of each document that is done.
    pub done: &'a (dyn Fn(&str) + Sync),
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Documents in the index.
    pub documents: usize,
    /// Those whose report was current.
    pub current: usize,
    /// Pages written.
    pub pages: usize,
    /// Pictures drawn.
    pub pictures: usize,
    /// Documents without pictures because the source is gone or has changed, or could not be drawn.
    pub without_pictures: usize,
}

/// The page of a document's report below the output folder, with `/` between folders; for links from elsewhere. `#p12` opens
/// page 12, `#p12&c=3.4.1` row 4, column 1 of table 3, `#p12&f=0` the first finding, `#p12&q=7` sentence 7.
#[must_use]
pub fn page_of(output: &Path) -> PathBuf {
    derived_folder(output, FOLDER).join(PAGE)
}

/// What a document is, in a line: company, kind and period, as far as it says them.
#[must_use]
pub fn what_it_is(analysis: &Analysis) -> String {
    identity::Identity::of(analysis).line()
}

/// Makes the report of every analysis in the folder, then the index.
///
/// # Errors
/// `output.*`, `run.interrupted`, `worker.*`. A document whose pictures cannot be drawn is no error: its page says so.
pub fn report(folder: &OutputFolder, options: &Options<'_>) -> Result<Made> {
    let index = Path::new(index::NAME);
    store::refuse_foreign_page(folder, index)?;
    let analyses = folder.analyses()?;
    let rows: Mutex<Vec<Option<(Row, Made)>>> = Mutex::new(analyses.iter().map(|_| None).collect());
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(output) = analyses.get(at) else { return };
            let made = if (options.stopped)() { Err(interrupted()) } else { one(folder, output, options) };
            match made {
                Ok(made) => {
                    (options.done)(&made.0.path);
                    rows.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(made);
                }
                Err(error) => {
                    next.store(analyses.len(), Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, analyses.len().max(1)) {
            scope.spawn(work);
        }
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut total = Made::default();
    let rows: Vec<Row> = rows
        .into_iter()
        .flatten()
        .map(|(row, made)| {
            total.documents += 1;
            total.current += made.current;
            total.pages += made.pages;
            total.pictures += made.pictures;
            total.without_pictures += made.without_pictures;
            row
        })
        .collect();
    let run = index::Run::read(folder.root());
    folder.put_derived(index, index::page(&rows, &run).as_bytes())?;
    folder.settle()?;
    Ok(total)
}

/// The beginning of a text, for lists.
fn short(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn interrupted() -> Error {
    Error::new(ErrorCode::RunInterrupted, "the report was interrupted").help("run again to go on")
}

/// The report of one document, unless it is current.
fn one(folder: &OutputFolder, output: &Path, options: &Options<'_>) -> Result<(Row, Made)> {
    let path = folder.root().join(output);
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorCode::InputUnreadable, "cannot read the analysis").file(&path).because(error)
    };
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    let malformed = |error: serde_json::Error| {
        Error::new(ErrorCode::InputUnreadable, "this is not a whole analysis")
            .file(&path)
            .because(error)
            .help("run `docproc analyze --force` on its document, or move the file away")
    };
    let head: store::Head = serde_json::from_slice(&bytes).map_err(malformed)?;
    let (source, note) = pictures::source(&head.document, head.status, options);
    let store = Store::open(folder, derived_folder(output, FOLDER))?;
    let key = store::key(&bytes, options.pictures, &note);
    if !options.force
        && let Some(row) = store.current(&key)
    {
        let without_pictures = usize::from(note.is_some());
        return Ok((row, Made { current: 1, without_pictures, ..Made::default() }));
    }
    let analysis: Analysis = serde_json::from_slice(&bytes).map_err(malformed)?;
    drop(bytes);
    let mut writing = store.begin()?;
    let mut made = Made { pages: analysis.pages.len(), ..Made::default() };
    let evidence = evidence::Evidence::of(&analysis);
    let mut pages = analysis.pages.iter();
    let mut next_page = |writing: &mut store::Writing<'_>| -> Result<bool> {
        let Some(page) = pages.next() else { return Ok(false) };
        let script = page_data::script(&analysis, &evidence, page.number);
        writing.put(&page_data::name(page.number), script.as_bytes())?;
        Ok(true)
    };
    let drawn: Pictures = pictures::draw(source, note, &analysis, options, &mut |name, picture| {
        made.pictures += 1;
        writing.put(name, picture)?;
        // While the workers draw, this thread has time for the rest of a page.
        next_page(&mut writing).map(|_| ())
    })?;
    made.without_pictures = usize::from(drawn.note.is_some());
    while next_page(&mut writing)? {}
    let row = Row::of(&analysis, output);
    writing.put(PAGE, document::page(&analysis, &evidence, &row, output, &drawn).as_bytes())?;
    writing.finish(&key, &row)?;
    Ok((row, made))
}
