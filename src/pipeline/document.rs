//! One document's way through the stages: read and lay out → structure → texts → tables → parts → judge → analysis.
//!
//! Each stage is a function from what the ones before it made to a named value. [`super::read`] has the first two,
//! [`super::judge`] the audit, the anomalies and the scores; [`mod@super::run`] writes what comes out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::engine::Engine;
use super::judge::{Judgement, judge};
use super::memory::Admitted;
use super::pages::PageSelection;
use super::read::{Read, read_all, work_observer};
use super::run::{Observer, Silence};
use crate::config::Analyze;
use crate::document::analysis::{
    Analysis, DocumentInfo, Problem, SCHEMA_VERSION, Status, Summary, Table, Tool,
};
use crate::document::{Page, TextPrediction};
use crate::error::{Error, ErrorCode, Result};
use crate::input::{Input, MediaType, Source};
use crate::limit::Limit;
use crate::structure::tables::find_tables;
use crate::structure::{AnalysisParts, DocumentStructure, PageBlock, TextResults, assemble};

/// Media type of what is neither a PDF nor an image that we read.
const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// How the documents of a run are read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which pages.
    pub pages: PageSelection,
    /// Passwords to try on encrypted documents.
    pub passwords: Vec<Vec<u8>>,
    /// Limits and policies.
    pub settings: Analyze,
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
    let mut elsewhere = Vec::new();
    let work_observer = work_observer(engine, &info.path);
    let mut reader = engine.pool.open(Arc::clone(&source), request.read_request(work_observer));
    match reader.info() {
        Ok(opened) => {
            info.page_count = opened.page_count;
            info.metadata = opened.metadata;
            elsewhere.extend(opened.elsewhere.into_iter().map(|(code, message)| {
                let help = match code {
                    ErrorCode::PdfPortfolio => "save its files from a viewer, and analyze those",
                    _ => "open it in a viewer, print it to a PDF, and analyze that",
                };
                Error::new(code, message).help(help)
            }));
        }
        Err(error) => return unread(info, &error),
    }
    let read = read_all(engine, &mut reader, admitted, observer);
    drop(reader);
    let finished = read.and_then(|(read, mut errors)| {
        errors.splice(0..0, elsewhere);
        if read.pages.is_empty() && errors.is_empty() && !request.pages.is_all() {
            let what = format!("--pages asks for none of the pages that there are: 1 to {}", info.page_count);
            errors.push(
                Error::new(ErrorCode::DocumentNoSuchPage, what).help("ask for others, or leave --pages out"),
            );
        }
        let limit = Limit::new(request.settings.time_for(read.pages.len()), Arc::clone(&engine.cancelled));
        understand(engine, info.clone(), read, errors, limit)
    });
    match finished {
        Ok(analysis) => analysis,
        Err(error) => unread(info, &error),
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
    let blocks = DocumentStructure::new(&pages, blocks, &Limit::default())?.blocks;
    Ok((pages, blocks, errors))
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
    unread(info, error)
}

/// The stages after reading, in order; each takes what the ones before it made.
///
/// # Errors
/// `model.run`, `document.timeout`, `run.interrupted`.
fn understand(
    engine: &Engine,
    info: DocumentInfo,
    mut read: Read,
    mut errors: Vec<Error>,
    mut limit: Limit,
) -> Result<Analysis> {
    let structure = structure(engine, &mut read, &limit)?;
    let before_models = Instant::now();
    let texts = texts(engine, &read.pages, &structure)?;
    // How long models take depends on what else is in work.
    limit.extend(before_models.elapsed());
    let tables = tables(engine, &read.pages, &structure, &limit)?;
    let parts = parts(engine, &read.pages, &structure, &texts, tables, &limit)?;
    let judgement = judge(
        &engine.models.networks,
        &engine.models.profiler,
        &read,
        &parts,
        structure.locale,
        &limit,
        &mut errors,
    )?;
    Ok(analysis(engine, info, parts, judgement, &errors))
}

/// Blocks in reading order, the outline of sections and their sentences.
fn structure(engine: &Engine, read: &mut Read, limit: &Limit) -> Result<DocumentStructure> {
    let _span = engine.models.profiler.span("structure");
    DocumentStructure::new(&read.pages, std::mem::take(&mut read.blocks), limit)
}

/// What the text models say.
struct Texts {
    /// Of each sentence.
    sentences: Vec<TextPrediction>,
    /// Of each section; none if the model has no head for them.
    sections: Vec<TextPrediction>,
}

/// Sentiment and names of the sentences, kinds of the sections.
fn texts(engine: &Engine, pages: &[Page], structure: &DocumentStructure) -> Result<Texts> {
    let _span = engine.models.profiler.span("text");
    let texts: Vec<&str> = structure.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let mut sentences = engine.models.text.predict(&texts)?;
    if let Some(entities) = &engine.models.entities {
        for (prediction, other) in sentences.iter_mut().zip(entities.predict(&texts)?) {
            prediction.entities = other.entities;
        }
    }
    engine.models.rate_names(&texts, &mut sentences)?;
    Ok(Texts { sentences, sections: section_kinds(engine, pages, structure)? })
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
        .map(|section| structure.section_opening(pages, section, engine.models.text.section_words()))
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

/// Tables with their cells.
fn tables(
    engine: &Engine,
    pages: &[Page],
    structure: &DocumentStructure,
    limit: &Limit,
) -> Result<Vec<Table>> {
    let _span = engine.models.profiler.span("tables");
    find_tables(pages, &structure.blocks, &structure.units, structure.locale, limit)
}

/// The parts of the analysis, with the confidence of figures.
fn parts(
    engine: &Engine,
    pages: &[Page],
    structure: &DocumentStructure,
    texts: &Texts,
    tables: Vec<Table>,
    limit: &Limit,
) -> Result<AnalysisParts> {
    let _span = engine.models.profiler.span("structure");
    let labels = |labels: Option<&Arc<[String]>>| labels.map_or_else(|| Arc::from([]), Arc::clone);
    let text = &engine.models.text;
    let results = TextResults {
        sentiment_labels: &labels(text.sentiment_labels()),
        section_labels: &labels(text.section_labels()),
        sentences: &texts.sentences,
        sections: &texts.sections,
    };
    let mut parts = assemble(pages, structure, results, tables, engine.models.review, limit)?;
    let _span = engine.models.profiler.span("scores");
    engine.models.rate(pages, &mut parts.figures, &mut parts.tables)?;
    Ok(parts)
}

/// Everything together, with the status that the errors give.
fn analysis(
    engine: &Engine,
    info: DocumentInfo,
    parts: AnalysisParts,
    judged: Judgement,
    errors: &[Error],
) -> Analysis {
    let missing = errors.iter().any(|error| error.code() != ErrorCode::PageEmpty);
    let status = match (missing, parts.pages.is_empty()) {
        (false, _) => Status::Ok,
        (true, false) => Status::Partial,
        (true, true) => Status::Failed,
    };
    Analysis {
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
        scores: judged.scores,
        anomalies: judged.anomalies,
        relations: judged.relations,
        summary: Summary { audit: judged.audit, ..parts.summary },
    }
}

/// The analysis of what could not be read at all.
fn unread(info: DocumentInfo, error: &Error) -> Analysis {
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
        relations: Vec::new(),
        summary: Summary::default(),
    }
}

fn tool() -> Tool {
    Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
