//! Real inputs for calibration and for comparing outputs: documents through docproc's own preprocessing, texts, or
//! tensors.

use std::path::Path;
use std::sync::Arc;

use docproc_onnx::Tensors;
use docproc_onnx::npy::read_samples;
use serde::Deserialize;

use super::subject::Subject;
use crate::config::{Config, NativeLibrary, native_library};
use crate::error::{Error, ErrorCode, Result};
use crate::evaluation::{layout_batches, read_lines, spread_over};
use crate::inference::{ImageView, LayoutModel, PageInput};
use crate::input::{self, DiscoverOptions, Input, ReadRequest, Source, WorkerOptions, WorkerPool};
use crate::pipeline::{Engine, Request, analyze_document};

/// Inputs, and where they came from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// One per run of the model, in docproc's batches.
    pub samples: Vec<Tensors>,
    /// In words: `64 of 812 sentences`.
    pub origin: String,
}

/// What reading documents needs.
pub struct Reading<'a> {
    /// Page workers, limits, and the models that find the sentences of documents; asked for documents only.
    pub config: &'a dyn Fn() -> Result<Config>,
    /// Most pages or texts; they are taken at even distances from all there are.
    pub limit: usize,
    /// Hears what the user should know.
    pub notice: &'a dyn Fn(&str),
}

/// Whether a path is a folder of tensors (`.npy` files, or folders with some), which need no tokenizer.
#[must_use]
pub fn is_tensors(path: &Path) -> bool {
    let holds = |folder: &Path, wanted: &dyn Fn(&Path) -> bool| {
        std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| wanted(&entry.path())))
    };
    let array = |path: &Path| path.extension().is_some_and(|extension| extension == "npy");
    holds(path, &array) || holds(path, &|inner| inner.is_dir() && holds(inner, &array))
}

/// Reads a folder of tensors, at most `limit` samples.
///
/// # Errors
/// `input.unreadable`, `data.invalid`.
pub fn tensors(path: &Path, limit: usize) -> Result<Inputs> {
    let all = read_samples(path)?;
    let samples: Vec<Tensors> = spread_over(all.len(), limit).map(|index| all[index].clone()).collect();
    let origin = counted(samples.len(), all.len(), "samples");
    Ok(Inputs { samples, origin })
}

/// Inputs for a model from JSON Lines (texts, or labelled pages for a layout model) or from documents.
///
/// # Errors
/// `data.invalid` if there is nothing that the model can take; what reading documents and tokenizing say.
pub fn gather(subject: &Subject, path: &Path, reading: &Reading<'_>) -> Result<Inputs> {
    if path.is_file() && path.extension().is_some_and(|extension| extension == "jsonl") {
        return match subject {
            Subject::Text(model) => {
                let all = texts(path)?;
                let texts: Vec<&str> =
                    spread_over(all.len(), reading.limit).map(|index| all[index].as_str()).collect();
                let origin = counted(texts.len(), all.len(), "texts");
                Ok(Inputs { samples: model.batches(&texts)?, origin })
            }
            Subject::Layout(model) => {
                let samples = layout_batches(model, path, reading.limit)?;
                Ok(Inputs { samples, origin: format!("labelled pages, at most {}", reading.limit) })
            }
        };
    }
    let found = input::discover(&[path.to_owned()], &DiscoverOptions::default())?;
    if let Some(problem) = found.problems.into_iter().next() {
        return Err(problem);
    }
    match subject {
        Subject::Text(model) => {
            let all = sentences(&found.inputs, reading)?;
            let texts: Vec<&str> =
                spread_over(all.len(), reading.limit).map(|index| all[index].as_str()).collect();
            if texts.is_empty() {
                return Err(nothing(path, "sentence"));
            }
            let origin = counted(texts.len(), all.len(), "sentences of documents");
            Ok(Inputs { samples: model.batches(&texts)?, origin })
        }
        Subject::Layout(model) => {
            let inputs = pages(model, &found.inputs, reading)?;
            if inputs.samples.is_empty() {
                return Err(nothing(path, "page with words"));
            }
            Ok(inputs)
        }
    }
}

fn counted(used: usize, all: usize, what: &str) -> String {
    if used == all { format!("{all} {what}") } else { format!("{used} of {all} {what}") }
}

fn nothing(path: &Path, what: &str) -> Error {
    Error::new(ErrorCode::DataInvalid, format!("there is no {what} in it"))
        .file(path)
        .help("give documents, a .jsonl file of texts, or a folder of .npy tensors")
}

/// A line of texts: that of any text task of `docproc eval`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Text { text: String },
    Words { tokens: Vec<String> },
}

fn texts(path: &Path) -> Result<Vec<String>> {
    let lines: Vec<Line> = read_lines(path)?;
    Ok(lines
        .into_iter()
        .map(|line| match line {
            Line::Text { text } => text,
            Line::Words { tokens } => tokens.join(" "),
        })
        .collect())
}

/// Every sentence of the documents, as `docproc analyze` finds them.
fn sentences(inputs: &[Input], reading: &Reading<'_>) -> Result<Vec<String>> {
    let config = (reading.config)()?;
    let engine = Engine::load(&config, &mut |text| (reading.notice)(text))?;
    let request = Request::new(&config, None, Vec::new());
    let mut sentences = Vec::new();
    for input in inputs {
        let analysis = analyze_document(&engine, input, &request);
        for problem in &analysis.errors {
            (reading.notice)(&format!("{}: [{}]: {}", input.display(), problem.code, problem.message));
        }
        sentences.extend(analysis.sentences.into_iter().map(|sentence| sentence.text));
    }
    Ok(sentences)
}

/// Pages of the documents, read by page workers.
fn pages(model: &LayoutModel, inputs: &[Input], reading: &Reading<'_>) -> Result<Inputs> {
    let analyze = (reading.config)()?.analyze;
    let pool = WorkerPool::start(&WorkerOptions {
        workers: analyze.jobs,
        pdfium: native_library(NativeLibrary::Pdfium)?,
        ..WorkerOptions::default()
    })?;
    let request = ReadRequest { settings: analyze.clone(), ..ReadRequest::default() };
    let complain = |input: &Input, error: &Error| {
        (reading.notice)(&format!("{}: [{}]: {error}", input.display(), error.code()));
    };
    // First only how many pages there are, so that those taken are spread over all of them.
    let mut places: Vec<(usize, u32)> = Vec::new();
    let mut sources: Vec<(usize, Arc<Source>)> = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let source = match Source::read(input, analyze.max_bytes.0) {
            Ok(source) => Arc::new(source),
            Err(error) => {
                complain(input, &error);
                continue;
            }
        };
        let none = ReadRequest { pages: Some(Arc::new(|_| false)), ..request.clone() };
        match pool.open(Arc::clone(&source), none).info() {
            Ok(info) => places.extend((1..=info.page_count.min(analyze.max_pages)).map(|page| (index, page))),
            Err(error) => complain(input, &error),
        }
        sources.push((index, source));
    }
    let chosen: Vec<(usize, u32)> =
        spread_over(places.len(), reading.limit).map(|index| places[index]).collect();
    let (mut samples, mut used) = (Vec::new(), 0);
    for (index, source) in sources {
        let wanted: Vec<u32> =
            chosen.iter().filter(|(document, _)| *document == index).map(|(_, page)| *page).collect();
        if wanted.is_empty() {
            continue;
        }
        let filter = Arc::new(move |page| wanted.contains(&page));
        let mut reader = pool.open(source, ReadRequest { pages: Some(filter), ..request.clone() });
        while let Some(page) = reader.next() {
            match page {
                Ok(segment) => {
                    let page = segment.to_page();
                    let side = crate::document::PAGE_IMAGE_SIZE as usize;
                    let image = ImageView { rgb: segment.image(), width: side, height: side };
                    let batches = model.batches(&[PageInput { words: &page, image: Some(image) }])?;
                    used += usize::from(!batches.is_empty());
                    samples.extend(batches);
                }
                Err(error) => complain(&inputs[index], &error),
            }
        }
    }
    Ok(Inputs { samples, origin: counted(used, places.len(), "pages of documents") })
}
