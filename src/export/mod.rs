//! Finished analyses to the files that people and programs open elsewhere: Markdown, workbooks, long tables, DoclingDocument.
//!
//! ```text
//! OUT/a.pdf.json                      the analysis that everything is made from
//! OUT/a.pdf.md                        reading text
//! OUT/a.pdf.xlsx                      workbook
//! OUT/a.pdf.docling.json              DoclingDocument
//! OUT/parquet/figures/a.pdf-ID.parquet   one file per document and table: a folder is one table
//! OUT/csv/figures/a.pdf-ID.csv           the same
//! ```
//!
//! No model and no document is needed. The same analysis gives the same bytes. A record in the journal says what a file was
//! made from, so that a run makes what is missing or outdated only.

mod columns;
mod csv;
mod docling;
mod link;
mod markdown;
mod parquet;
mod tables;
mod workbook;

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::document::analysis::Analysis;
use crate::error::{Error, ErrorCode, Result};
use crate::output::{Derived, Key, OutputFolder, derived_folder};

/// Documents between two records of what was made: what a killed run makes again at most.
const BATCH: usize = 64;
/// Largest analysis that is read, in bytes.
const ANALYSIS_MAX: u64 = 1 << 30;
/// Digits of the hash that keeps the files of equally named documents apart in one folder.
const ID_DIGITS: usize = 12;

/// What an analysis is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Long tables, comma-separated.
    Csv,
    /// DoclingDocument JSON.
    Docling,
    /// Markdown.
    Markdown,
    /// Long tables, Apache Parquet.
    Parquet,
    /// Workbook, Office Open XML.
    Workbook,
}

/// What to make.
pub struct Options<'a> {
    /// As what.
    pub formats: &'a [Format],
    /// Whether Markdown begins with the document's facts and findings as YAML.
    pub front_matter: bool,
    /// Make again what is current, too.
    pub force: bool,
    /// Says whether the work shall end.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
}

/// What was made.
#[derive(Debug, Default)]
pub struct Made {
    /// Analyses in the folder.
    pub documents: usize,
    /// Exports written, one per document and format.
    pub written: usize,
    /// Exports that were current.
    pub current: usize,
    /// Exports removed because their analysis is gone.
    pub removed: usize,
    /// Analyses that could not be read.
    pub problems: Vec<Error>,
}

/// One document's way into the export.
#[derive(Default)]
struct Done {
    made: Vec<Derived>,
    current: usize,
    problem: Option<Error>,
}

impl Format {
    /// Its name on the command line, and of the folder of its long tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Docling => "docling",
            Self::Markdown => "md",
            Self::Parquet => "parquet",
            Self::Workbook => "xlsx",
        }
    }

    /// The files that it makes of the analysis at `output`, below the output folder.
    fn files(self, output: &Path) -> Vec<PathBuf> {
        match self {
            Self::Csv | Self::Parquet => {
                columns::TABLES.iter().map(|table| self.part(table.name, output)).collect()
            }
            Self::Docling => vec![derived_folder(output, ".docling.json")],
            Self::Markdown => vec![derived_folder(output, ".md")],
            Self::Workbook => vec![derived_folder(output, ".xlsx")],
        }
    }

    /// The document's file of a long table. The files of a table lie in one folder without folders below, as readers of
    /// many files as one table want them.
    fn part(self, table: &str, output: &Path) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let id = &docproc_hash::sha256(output.as_os_str().as_bytes())[..ID_DIGITS];
        let name = output.file_name().unwrap_or_default();
        derived_folder(&Path::new(self.name()).join(table).join(name), &format!("-{id}.{}", self.name()))
    }

    /// The name under which the journal knows the export of the analysis at `output`.
    fn record(self, output: &Path) -> PathBuf {
        Path::new("export").join(self.name()).join(output)
    }

    /// The content of [`Self::files`], in their order.
    fn contents(self, analysis: &Analysis, output: &Path, options: &Options<'_>) -> Result<Vec<Vec<u8>>> {
        match self {
            Self::Csv => columns::TABLES.iter().map(|table| csv::file(table, analysis, output)).collect(),
            Self::Parquet => {
                columns::TABLES.iter().map(|table| parquet::file(table, analysis, output)).collect()
            }
            Self::Docling => Ok(vec![docling::document(analysis, output)]),
            Self::Markdown => Ok(vec![markdown::document(analysis, options.front_matter).into_bytes()]),
            Self::Workbook => Ok(vec![workbook::file(analysis, output)?]),
        }
    }
}

/// The place of a sentence in the report, below the output folder.
#[must_use]
pub fn sentence_link(output: &Path, page: u32, sentence: u32) -> String {
    link::link_below(output, link::Target::Sentence(page, sentence))
}

/// Exports every analysis in the folder.
///
/// # Errors
/// `output.*`, `run.interrupted`. An analysis that cannot be read is in [`Made::problems`] and costs itself only.
pub fn export(folder: &OutputFolder, options: &Options<'_>) -> Result<Made> {
    let analyses = folder.analyses()?;
    for output in &analyses {
        for format in options.formats {
            folder.refuse_foreign_derived(&format.record(output), &format.files(output))?;
        }
    }
    let program = docproc_hash::file_sha256(Path::new("/proc/self/exe")).unwrap_or_default();
    let mut made = Made { documents: analyses.len(), ..Made::default() };
    for batch in analyses.chunks(BATCH) {
        let all: Vec<Result<Done>> =
            batch.par_iter().map(|output| one(folder, output, &program, options)).collect();
        let mut failure = None;
        let mut records = Vec::new();
        for done in all {
            match done {
                Ok(done) => {
                    made.current += done.current;
                    made.problems.extend(done.problem);
                    records.extend(done.made);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        made.written += records.len();
        folder.record_derived(&records)?;
        if let Some(error) = failure {
            return Err(error);
        }
    }
    made.removed = remove_orphans(folder, &analyses, options.formats)?;
    Ok(made)
}

fn one(folder: &OutputFolder, output: &Path, program: &str, options: &Options<'_>) -> Result<Done> {
    if (options.stopped)() {
        return Err(
            Error::new(ErrorCode::RunInterrupted, "the export was interrupted").help("run again to go on")
        );
    }
    let mut done = Done::default();
    let bytes = match read(&folder.root().join(output)) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Done { problem: Some(error), ..done }),
    };
    let sha256 = docproc_hash::sha256(&bytes);
    let mut wanted = Vec::new();
    for &format in options.formats {
        let settings = format!("{} {}", format.name(), options.front_matter);
        let key = Key::of(&[program.as_bytes(), settings.as_bytes(), sha256.as_bytes()]);
        if !options.force && folder.has_derived(&format.record(output), &key, &format.files(output)) {
            done.current += 1;
        } else {
            wanted.push((format, key));
        }
    }
    if wanted.is_empty() {
        return Ok(done);
    }
    let analysis: Analysis = match serde_json::from_slice(&bytes) {
        Ok(analysis) => analysis,
        Err(error) => {
            let problem = Error::new(ErrorCode::DataInvalid, "not an analysis of this version")
                .file(folder.root().join(output))
                .because(error)
                .help("write it again with `docproc analyze`");
            return Ok(Done { problem: Some(problem), ..done });
        }
    };
    drop(bytes);
    for (format, key) in wanted {
        let mut size = 0;
        for (file, content) in format.files(output).iter().zip(format.contents(&analysis, output, options)?) {
            size += content.len() as u64;
            folder.put_derived(file, &content)?;
        }
        done.made.push(Derived { name: format.record(output), key, bytes: size });
    }
    Ok(done)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorCode::InputUnreadable, "cannot read the analysis").file(path).because(error)
    };
    if fs::metadata(path).map_err(unreadable)?.len() > ANALYSIS_MAX {
        return Err(Error::new(ErrorCode::InputTooLarge, "the file is too large for an analysis").file(path));
    }
    fs::read(path).map_err(unreadable)
}

/// Removes the exports of analyses that are gone: rows of a document that is no longer there would be counted. Only
/// where exports of that format are asked for.
fn remove_orphans(folder: &OutputFolder, analyses: &[PathBuf], formats: &[Format]) -> Result<usize> {
    let mut removed = 0;
    for format in formats {
        let below = format.record(Path::new(""));
        for record in folder.derived_below(&below) {
            let Ok(output) = record.strip_prefix(&below) else { continue };
            if analyses.binary_search_by(|analysis| analysis.as_path().cmp(output)).is_err() {
                folder.remove_derived(&record, &format.files(output))?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// The error of something that this room itself got wrong.
fn internal(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorCode::Internal, what).because(error)
}
