//! Tables against the human annotation of the ICDAR 2013 table competition.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::adjacency::{TableCounts, TableFigures, compare_found, compare_given, summarize};
use super::icdar::{TruthRegion, parse_annotation};
use super::report::bootstrap_interval;
use crate::document::analysis::Problem;
use crate::error::{Error, ErrorCode, Result};
use crate::input::{DiscoverOptions, Input, Source, discover};
use crate::limit::Limit;
use crate::pipeline::{Engine, Request, read_layout};
use crate::structure::locale_of;
use crate::structure::tables::find_tables;
use crate::structure::units::Scopes;

/// Ends of the annotation files' names: regions, cells.
const REGIONS: &str = "-reg.xml";
const CELLS: &str = "-str.xml";

/// How well tables are read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableReport {
    /// Documents that have an annotation.
    pub documents: usize,
    /// Cells where the annotated regions are given.
    pub regions_given: AdjacencyFigures,
    /// Cells of the tables that docproc finds by itself, with the layout model.
    pub end_to_end: AdjacencyFigures,
    /// Share of the annotated regions whose words are all in one found table.
    pub completeness: f64,
    /// 95% interval of the completeness by bootstrap over documents.
    pub completeness_interval: [f64; 2],
    /// Share of the found tables that hold no word from outside the annotated region.
    pub purity: f64,
    /// 95% interval of the purity by bootstrap over documents.
    pub purity_interval: [f64; 2],
    /// Annotated regions.
    pub regions: u32,
    /// Tables found, one per page that a table runs over.
    pub regions_found: u32,
    /// The figures of each document, by path.
    pub by_document: BTreeMap<String, DocumentFigures>,
    /// Documents in the folder that have no annotation; they are not in the figures.
    pub without_annotation: Vec<String>,
    /// What went wrong while documents were read, by path. What is missing counts as not found; a document whose
    /// annotation cannot be read does not count.
    pub errors: BTreeMap<String, Vec<Problem>>,
}

/// Precision, recall and F1 of the adjacency relations between cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AdjacencyFigures {
    /// Correct relations per found relation, over all documents together.
    pub precision: f64,
    /// Correct relations per annotated relation, over all documents together.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// 95% interval of the F1 by bootstrap over documents.
    pub f1_interval: [f64; 2],
    /// Mean of the documents' precisions, each document weighing the same: the competition's ranking.
    pub document_precision: f64,
    /// Mean of the documents' recalls.
    pub document_recall: f64,
    /// Harmonic mean of the two means.
    pub document_f1: f64,
    /// 95% interval of the last by bootstrap over documents.
    pub document_f1_interval: [f64; 2],
}

impl AdjacencyFigures {
    fn of(documents: &[TableCounts]) -> Self {
        let all = summarize(documents);
        Self {
            precision: all.precision,
            recall: all.recall,
            f1: all.f1,
            f1_interval: over(documents, |figures| figures.f1),
            document_precision: all.document_precision,
            document_recall: all.document_recall,
            document_f1: all.document_f1,
            document_f1_interval: over(documents, |figures| figures.document_f1),
        }
    }
}

/// Counts of one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DocumentFigures {
    /// F1 with the regions given.
    pub f1_given: f64,
    /// F1 end to end.
    pub f1_end_to_end: f64,
    /// Relations with the regions given.
    pub regions_given: TableCounts,
    /// Relations and regions end to end.
    pub end_to_end: TableCounts,
}

fn over(documents: &[TableCounts], figure: impl Fn(&TableFigures) -> f64) -> [f64; 2] {
    bootstrap_interval(documents, |sample| figure(&summarize(sample.iter().copied())))
}

/// Reads every annotated document below `folder` with the page workers and the layout model, and compares.
///
/// `x-reg.xml` and `x-str.xml` belong to `x.pdf`. They lie beside it or in a folder beside its folder.
///
/// A document or an annotation that cannot be read is in the report's `errors` and does not end the comparison.
///
/// # Errors
/// `data.invalid` if no document has an annotation that can be read; `model.*`.
pub fn tables(engine: &Engine, request: &Request, folder: &Path) -> Result<TableReport> {
    let found = discover(&[folder.to_owned()], &DiscoverOptions::default())?;
    let mut without_annotation = Vec::new();
    let mut by_document = BTreeMap::new();
    let mut errors: BTreeMap<String, Vec<Problem>> = BTreeMap::new();
    for problem in &found.problems {
        let path = problem.culprit().file.as_deref().unwrap_or(folder);
        errors.entry(path.to_string_lossy().into_owned()).or_default().push(Problem::from(problem));
    }
    for input in &found.inputs {
        let Some([regions, cells]) = annotation_of(&input.path) else {
            without_annotation.push(input.display());
            continue;
        };
        let problems = match truth_of(&regions, &cells) {
            Ok(truth) => {
                let (figures, problems) = document(engine, request, input, &truth)?;
                by_document.insert(input.display(), figures);
                problems
            }
            // Nothing to compare with: the document is not in the figures.
            Err(error) => vec![error],
        };
        if !problems.is_empty() {
            errors.entry(input.display()).or_default().extend(problems.iter().map(Problem::from));
        }
    }
    if by_document.is_empty() {
        if let Some((path, problem)) = errors.iter().find_map(|(path, all)| Some((path, all.first()?))) {
            let message = format!("no document here can be compared; {path}: {}", problem.message);
            return Err(Error::new(ErrorCode::DataInvalid, message).file(folder));
        }
        return Err(Error::new(ErrorCode::DataInvalid, "no document here has an annotation").file(folder).help(
            "name a folder with x.pdf, and with x-reg.xml and x-str.xml beside it or in a folder beside its own",
        ));
    }
    Ok(report(by_document, without_annotation, errors))
}

fn report(
    by_document: BTreeMap<String, DocumentFigures>,
    without_annotation: Vec<String>,
    errors: BTreeMap<String, Vec<Problem>>,
) -> TableReport {
    let given: Vec<TableCounts> = by_document.values().map(|figures| figures.regions_given).collect();
    let found: Vec<TableCounts> = by_document.values().map(|figures| figures.end_to_end).collect();
    let all = summarize(&found);
    TableReport {
        documents: by_document.len(),
        regions_given: AdjacencyFigures::of(&given),
        end_to_end: AdjacencyFigures::of(&found),
        completeness: all.completeness,
        completeness_interval: over(&found, |figures| figures.completeness),
        purity: all.purity,
        purity_interval: over(&found, |figures| figures.purity),
        regions: all.counts.regions,
        regions_found: all.counts.regions_found,
        by_document,
        without_annotation,
        errors,
    }
}

/// One document, compared in both ways; what went wrong is in the second part.
fn document(
    engine: &Engine,
    request: &Request,
    input: &Input,
    truth: &[TruthRegion],
) -> Result<(DocumentFigures, Vec<Error>)> {
    let (pages, blocks, errors) = match Source::read(input, request.settings.max_bytes.0) {
        Ok(source) => read_layout(engine, source, request)?,
        Err(error) => (Vec::new(), Vec::new(), vec![error]),
    };
    let scopes = Scopes::of(&pages, &blocks);
    let tables = find_tables(&pages, &blocks, &scopes, locale_of(&pages), &Limit::default())?;
    let regions_given = compare_given(&pages, truth);
    let end_to_end = compare_found(&pages, &tables, truth);
    let f1 = |counts: &TableCounts| summarize([counts]).f1;
    let figures = DocumentFigures {
        f1_given: f1(&regions_given),
        f1_end_to_end: f1(&end_to_end),
        regions_given,
        end_to_end,
    };
    Ok((figures, errors))
}

fn truth_of(regions: &Path, cells: &Path) -> Result<Vec<TruthRegion>> {
    parse_annotation(&read(regions)?, &read(cells)?)
        .map_err(|error| Error::new(ErrorCode::DataInvalid, error.to_string()).file(cells))
}

/// The two annotation files of a document: beside it, else in the first folder beside its own that has both.
fn annotation_of(document: &Path) -> Option<[PathBuf; 2]> {
    let stem = document.file_stem()?.to_str()?;
    let own = document.parent()?;
    let own = if own.as_os_str().is_empty() { Path::new(".") } else { own };
    let mut folders = vec![own.to_owned()];
    if let Some(siblings) = own.canonicalize().ok().and_then(|own| own.parent()?.read_dir().ok()) {
        let mut siblings: Vec<PathBuf> = siblings.flatten().map(|entry| entry.path()).collect();
        siblings.sort();
        folders.extend(siblings.into_iter().filter(|path| path.is_dir()));
    }
    folders
        .iter()
        .map(|folder| [REGIONS, CELLS].map(|end| folder.join(format!("{stem}{end}"))))
        .find(|files| files.iter().all(|file| file.is_file()))
}

/// A small text file; annotations are at most a few hundred kilobytes.
fn read(path: &Path) -> Result<String> {
    const MOST: u64 = 64 << 20;
    let invalid = |error: std::io::Error| {
        Error::new(ErrorCode::DataInvalid, "cannot read the annotation").file(path).because(error)
    };
    if std::fs::metadata(path).map_err(invalid)?.len() > MOST {
        return Err(Error::new(ErrorCode::DataInvalid, "the annotation is larger than 64 MB").file(path));
    }
    // The text is only compared; bytes that are not UTF-8 make their own cells wrong, no others.
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_lie_beside_or_in_a_folder_beside() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["docs", "gt", "other"] {
            std::fs::create_dir(path(folder)).unwrap();
        }
        for file in ["gt/a-reg.xml", "gt/a-str.xml", "docs/b-reg.xml", "docs/b-str.xml", "gt/c-reg.xml"] {
            std::fs::write(path(file), "").unwrap();
        }
        let of = |name: &str| annotation_of(&path("docs").join(name)).map(|[regions, _]| regions);
        assert_eq!(of("a.pdf").unwrap(), path("gt").canonicalize().unwrap().join("a-reg.xml"));
        assert_eq!(of("b.pdf").unwrap(), path("docs/b-reg.xml"));
        assert_eq!(of("c.pdf"), None, "only one of the two files");
    }

    #[test]
    fn the_report_has_the_intervals_of_its_documents() {
        let counts = |found, correct| TableCounts {
            annotated: 10,
            found,
            correct,
            regions: 1,
            regions_found: 1,
            complete: u32::from(correct == 10),
            pure: 1,
        };
        let documents = (0..10).map(|index| {
            let end_to_end = if index < 5 { counts(10, 10) } else { counts(5, 5) };
            (index.to_string(), DocumentFigures { end_to_end, ..DocumentFigures::default() })
        });
        let report = report(documents.collect(), Vec::new(), BTreeMap::new());
        assert_eq!((report.documents, report.regions, report.regions_found), (10, 10, 10));
        assert_eq!((report.end_to_end.precision, report.end_to_end.recall), (1.0, 0.75));
        assert_eq!((report.completeness, report.purity), (0.5, 1.0));
        let [low, high] = report.end_to_end.f1_interval;
        assert!(low < report.end_to_end.f1 && report.end_to_end.f1 < high);
        assert_eq!(report.purity_interval, [1.0, 1.0]);
    }
}
