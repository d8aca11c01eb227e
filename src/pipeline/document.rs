//! One document's way through the stages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::memory::Admitted;
use super::pages::PageSelection;
use super::run::{Observer, Silence};
use crate::config::OcrPolicy;
use crate::document::analysis::{Analysis, DocumentInfo, Problem, SCHEMA_VERSION, Status, Summary, Tool};
use crate::document::{BBox, PAGE_IMAGE_SIZE, Page, Points, TextPrediction, TextSource, Word};
use crate::error::{Error, ErrorCode, Result};
use crate::inference::{ImageView, PageInput, PageWords};
use crate::input::{
    DocumentReader, Input, MediaType, PageSegment, PageWork, ReadRequest, Source, WorkObserver,
};
use crate::scoring::anomalies::{find_anomalies, without_hidden};
use crate::scoring::audit::audit;
use crate::scoring::networks::Document as ScoredParts;
use crate::structure::tables::find_tables;
use crate::structure::{DocumentStructure, PageBlock, TextResults, assemble, layout_page};

/// Pages that go through the layout model together. A constant, so that batches depend on the document alone.
const GROUP: usize = 8;

/// Media type of what is neither a PDF nor an image that we read.
const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// How the documents of a run are read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which pages.
    pub pages: PageSelection,
    /// Passwords to try on encrypted documents.
    pub passwords: Vec<Vec<u8>>,
    /// When to read pages by OCR.
    pub ocr: OcrPolicy,
    /// Pages per document whose text layer is compared with what OCR reads on them.
    pub compare_text: u32,
    /// Time limit per document.
    pub timeout: Duration,
    /// Pages per document.
    pub max_pages: u32,
    /// Pixels per image.
    pub max_pixels: u64,
    /// Bytes per document.
    pub max_bytes: u64,
}

impl Request {
    fn read_request(&self, observer: Option<WorkObserver>) -> ReadRequest {
        let pages = (!self.pages.is_all()).then(|| {
            let selection = self.pages.clone();
            Arc::new(move |number| selection.contains(number)) as _
        });
        ReadRequest {
            pages,
            passwords: self.passwords.clone(),
            ocr: self.ocr,
            compare: self.compare_text,
            timeout: self.timeout,
            page_timeout: self.timeout.min(ReadRequest::default().page_timeout),
            max_pages: self.max_pages,
            max_pixels: self.max_pixels,
            observer,
        }
    }
}

/// Takes the page workers' times into the profile, if there is one.
fn work_observer(engine: &Engine, document: &str) -> Option<WorkObserver> {
    let profiler = engine.models.profiler.clone();
    profiler.is_enabled().then(|| {
        let document: Arc<str> = document.into();
        Arc::new(move |work: &PageWork| {
            let stage = if work.page.is_some() { "read page" } else { "open document" };
            profiler.record(stage, (work.begun, work.ended), &document, || match (work.page, work.timings) {
                (Some(page), Some(times)) => format!(
                    "page {page}: text {:.1} ms, image {:.1} ms, OCR {:.1} ms",
                    times.text.as_secs_f64() * 1e3,
                    times.render.as_secs_f64() * 1e3,
                    times.ocr.as_secs_f64() * 1e3
                ),
                (Some(page), None) => format!("page {page}"),
                (None, _) => String::new(),
            });
        }) as WorkObserver
    })
}

/// Analyzes one document. Whatever goes wrong is in the analysis.
pub(super) fn analyze(
    engine: &Engine,
    input: &Input,
    source: Source,
    request: &Request,
    admitted: &Admitted<'_>,
    observer: &dyn Observer,
) -> Analysis {
    let source = Arc::new(source);
    let mut info = DocumentInfo {
        path: input.display(),
        sha256: source.sha256().to_owned(),
        bytes: source.bytes(),
        media_type: source.media_type().map_or(UNKNOWN_MEDIA_TYPE, MediaType::name).to_owned(),
        page_count: 0,
        metadata: BTreeMap::new(),
    };
    let work_observer = work_observer(engine, &info.path);
    let mut reader = engine.pool.open(Arc::clone(&source), request.read_request(work_observer));
    match reader.info() {
        Ok(opened) => {
            info.page_count = opened.page_count;
            info.metadata = opened.metadata;
        }
        Err(error) => return nothing(info, &error),
    }
    let read = read_all(engine, &mut reader, admitted, observer);
    drop(reader);
    let finished = read.and_then(|(read, mut errors)| {
        if read.pages.is_empty() && errors.is_empty() && !request.pages.is_all() {
            let what = format!("--pages asks for none of the pages that there are: 1 to {}", info.page_count);
            errors.push(
                Error::new(ErrorCode::DocumentNoSuchPage, what).help("ask for others, or leave --pages out"),
            );
        }
        finish(engine, info.clone(), read, &errors)
    });
    match finished {
        Ok(analysis) => analysis,
        Err(error) => nothing(info, &error),
    }
}

/// Pages and layout blocks in reading order, for what is measured on them, and what could not be read.
///
/// # Errors
/// `model.run`; what is wrong with the document is in the third part of the result.
pub fn read_layout(
    engine: &Engine,
    source: Source,
    request: &Request,
) -> Result<(Vec<Page>, Vec<PageBlock>, Vec<Error>)> {
    let admitted = engine.documents.admit(source.bytes());
    let mut reader = engine.pool.open(Arc::new(source), request.read_request(None));
    if let Err(error) = reader.info() {
        return Ok((Vec::new(), Vec::new(), vec![error]));
    }
    let (Read { pages, blocks, .. }, errors) = read_all(engine, &mut reader, &admitted, &Silence)?;
    let blocks = DocumentStructure::new(&pages, blocks).blocks;
    Ok((pages, blocks, errors))
}

/// Every page with its blocks, and the errors of those that could not be read.
fn read_all(
    engine: &Engine,
    reader: &mut DocumentReader,
    admitted: &Admitted<'_>,
    observer: &dyn Observer,
) -> Result<(Read, Vec<Error>)> {
    let mut errors: Vec<Error> = Vec::new();
    let mut read = Read::default();
    loop {
        let reported = read.pages.len();
        let (group, more) = next_group(engine, reader, &mut errors);
        if let Err(error) = admitted.add_words(group.iter().map(PageSegment::word_count).sum()) {
            errors.push(error);
            return Ok((read, errors));
        }
        read.add(engine, group)?;
        observer.pages_done((read.pages.len() - reported) as u64);
        if !more {
            return Ok((read, errors));
        }
    }
}

/// The analysis of a document that could not even be read.
pub(super) fn failed(input: &Input, error: &Error) -> Analysis {
    let info = DocumentInfo {
        path: input.display(),
        sha256: String::new(),
        bytes: std::fs::metadata(&input.path).map_or(0, |file| file.len()),
        media_type: UNKNOWN_MEDIA_TYPE.to_owned(),
        page_count: 0,
        metadata: BTreeMap::new(),
    };
    nothing(info, error)
}

/// The next pages in order, at most [`GROUP`], and whether there may be more.
fn next_group(
    engine: &Engine,
    reader: &mut DocumentReader,
    errors: &mut Vec<Error>,
) -> (Vec<PageSegment>, bool) {
    let _span = engine.models.profiler.span("wait for pages");
    let started = Instant::now();
    let mut group = Vec::with_capacity(GROUP);
    while group.len() < GROUP {
        match reader.next() {
            Some(Ok(mut segment)) => {
                errors.extend(segment.take_problem());
                group.push(segment);
            }
            Some(Err(error)) => errors.push(error),
            None => return (group, false),
        }
        // Where pages share batches, less than a full group would make the result depend on how fast they came.
        if engine.models.layout.pages_stand_alone() && started.elapsed() > engine.batch_timeout {
            break;
        }
    }
    (group, true)
}

/// Pages that were read, with their blocks.
#[derive(Default)]
struct Read {
    pages: Vec<Page>,
    blocks: Vec<PageBlock>,
    /// Pages from which hidden words were taken out, as they were read, by their index.
    hidden: BTreeMap<usize, Page>,
    /// What OCR reads on pages whose text layer is compared with it, by the page's index.
    readings: Vec<(usize, Vec<Word>)>,
}

impl Read {
    /// Runs the layout model over a group of pages, reading words and pixels where the worker wrote them.
    fn add(&mut self, engine: &Engine, mut group: Vec<PageSegment>) -> Result<()> {
        let side = PAGE_IMAGE_SIZE as usize;
        let readings = group.iter_mut().enumerate();
        let readings = readings.filter_map(|(at, page)| Some((self.pages.len() + at, page.take_reading()?)));
        self.readings.extend(readings.collect::<Vec<_>>());
        let replaced: Vec<Vec<Word>> = group.iter_mut().map(PageSegment::take_replaced).collect();
        let views: Vec<SegmentWords<'_>> = group.iter().map(SegmentWords).collect();
        let inputs: Vec<PageInput<'_>> = views
            .iter()
            .map(|view| PageInput {
                words: view,
                image: Some(ImageView { rgb: view.0.image(), width: side, height: side }),
            })
            .collect();
        let predictions = {
            let _span = engine.models.profiler.span_of("layout", || {
                let numbers: Vec<String> = group.iter().map(|page| page.number().to_string()).collect();
                format!("pages {}", numbers.join(", "))
            });
            engine.models.layout.predict(&inputs)?
        };
        let _span = engine.models.profiler.span("structure");
        for ((segment, predictions), replaced) in group.iter().zip(&predictions).zip(replaced) {
            let page = segment.to_page();
            let refined = engine.models.refine(&page, predictions)?;
            let predictions = refined.as_ref().unwrap_or(predictions);
            let index = self.pages.len();
            // What a reader does not see is for the anomalies, not for tables, sentences and sections. Beside what OCR
            // reads, that is the text layer that was there.
            if !replaced.is_empty() {
                let words = [replaced, page.words.clone()].concat();
                self.hidden.insert(index, Page { words, text_source: TextSource::TextLayer, ..page.clone() });
            }
            let page = if let Some((seen, visible)) = without_hidden(&page) {
                self.blocks.extend(layout_page(&visible, index, &predictions.only(&seen)));
                self.hidden.insert(index, page);
                visible
            } else {
                self.blocks.extend(layout_page(&page, index, predictions));
                page
            };
            self.pages.push(page);
        }
        Ok(())
    }
}

/// A page's words in shared memory.
struct SegmentWords<'a>(&'a PageSegment);

impl PageWords for SegmentWords<'_> {
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_> {
        let (width, height) = (self.0.width(), self.0.height());
        Box::new(self.0.words().map(move |word| {
            let bbox: BBox<Points> = word.bbox;
            (word.text, bbox.normalize(width, height))
        }))
    }
}

/// From pages and blocks to the analysis.
fn finish(engine: &Engine, info: DocumentInfo, read: Read, errors: &[Error]) -> Result<Analysis> {
    let Read { pages, blocks, hidden, readings } = read;
    let structure = {
        let _span = engine.models.profiler.span("structure");
        DocumentStructure::new(&pages, blocks)
    };
    let texts: Vec<&str> = structure.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let (sentences, sections) = {
        let _span = engine.models.profiler.span("text");
        let mut sentences = engine.models.text.predict(&texts)?;
        if let Some(entities) = &engine.models.entities {
            for (prediction, other) in sentences.iter_mut().zip(entities.predict(&texts)?) {
                prediction.entities = other.entities;
            }
        }
        engine.models.rate_names(&texts, &mut sentences)?;
        (sentences, section_kinds(engine, &pages, &structure)?)
    };
    let tables = {
        let _span = engine.models.profiler.span("tables");
        find_tables(&pages, &structure.blocks)
    };
    let _span = engine.models.profiler.span("structure");
    let labels = |labels: Option<&Arc<[String]>>| labels.map_or_else(|| Arc::from([]), Arc::clone);
    let (sentiment_labels, section_labels) =
        (labels(engine.models.text.sentiment_labels()), labels(engine.models.text.section_labels()));
    let mut parts = assemble(
        &pages,
        &structure,
        TextResults {
            sentiment_labels: &sentiment_labels,
            section_labels: &section_labels,
            sentences: &sentences,
            sections: &sections,
        },
        tables,
        engine.models.review,
    );
    {
        let _span = engine.models.profiler.span("scores");
        engine.models.rate(&pages, &mut parts.figures, &mut parts.tables)?;
    }
    let audit = {
        let _span = engine.models.profiler.span("audit");
        audit(&pages, &parts.tables, &parts.sentences)
    };
    let mut anomalies = audit.anomalies;
    {
        let _span = engine.models.profiler.span("anomalies");
        anomalies.extend(find_anomalies(&pages, &hidden, &parts.tables, &readings));
    }
    let scores = {
        let _span = engine.models.profiler.span("scores");
        engine.models.networks.score(&ScoredParts {
            words: &pages,
            pages: &parts.pages,
            blocks: &parts.blocks,
            sections: &parts.sections,
            sentences: &parts.sentences,
            embedding: &parts.summary.embedding,
            tables: &parts.tables,
            anomalies: &anomalies,
            audit: audit.summary,
            scores: &[],
        })?
    };
    let missing = errors.iter().any(|error| error.code() != ErrorCode::PageEmpty);
    let status = match (missing, pages.is_empty()) {
        (false, _) => Status::Ok,
        (true, false) => Status::Partial,
        (true, true) => Status::Failed,
    };
    Ok(Analysis {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: tool(),
        document: info,
        status,
        errors: errors.iter().map(Problem::from).collect(),
        models: engine.models().to_vec(),
        pages: parts.pages,
        blocks: parts.blocks,
        sections: parts.sections,
        sentences: parts.sentences,
        entities: parts.entities,
        figures: parts.figures,
        tables: parts.tables,
        scores,
        anomalies,
        summary: Summary { audit: audit.summary, ..parts.summary },
    })
}

/// One prediction per section, if the text model has a head for it.
fn section_kinds(
    engine: &Engine,
    pages: &[Page],
    structure: &DocumentStructure,
) -> Result<Vec<TextPrediction>> {
    if engine.models.text.section_labels().is_none() {
        return Ok(Vec::new());
    }
    let openings: Vec<String> = (0..structure.outline.sections.len())
        .map(|section| structure.section_opening(pages, section, engine.models.section_words))
        .collect();
    let inputs: Vec<(&str, &str)> = structure
        .outline
        .sections
        .iter()
        .zip(&openings)
        .map(|(section, opening)| (section.title.as_str(), opening.as_str()))
        .collect();
    let kinds = engine.models.text.predict_sections(&inputs)?.unwrap_or_default();
    Ok(kinds
        .into_iter()
        .map(|kind| TextPrediction { section_kind: Some(kind), ..TextPrediction::default() })
        .collect())
}

fn nothing(info: DocumentInfo, error: &Error) -> Analysis {
    Analysis {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: tool(),
        document: info,
        status: Status::Failed,
        errors: vec![Problem::from(error)],
        models: Vec::new(),
        pages: Vec::new(),
        blocks: Vec::new(),
        sections: Vec::new(),
        sentences: Vec::new(),
        entities: Vec::new(),
        figures: Vec::new(),
        tables: Vec::new(),
        scores: Vec::new(),
        anomalies: Vec::new(),
        summary: Summary::default(),
    }
}

fn tool() -> Tool {
    Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
