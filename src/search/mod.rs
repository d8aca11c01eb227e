//! Sentences of finished analyses, found by meaning and by words.
//!
//! Meaning is the text model's embedding of a sentence. Embeddings are computed once per document and kept in the inference
//! cache on disk, under its limit, by the model's weights and the exact sentences. All of them lie in memory for a search,
//! which looks at each.

mod index;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};
use crate::inference::TextModel;
use crate::runtime::{CacheInput, CacheKey, InferenceCache, Keep, OutputTensor};
pub use index::{Hit, Index};

/// Sentences whose embeddings lie in one file of the cache: 768 kB with 384 numbers each.
const PART: usize = 512;
/// Raised whenever what is kept changes its meaning.
const KEPT_AS: &str = "sentence embeddings 1";
/// Largest analysis that is read, in bytes.
const ANALYSIS_MAX: u64 = 1 << 30;

/// What a search needs of an analysis.
#[derive(Debug, Deserialize)]
struct Searched {
    document: Document,
    sections: Vec<Section>,
    sentences: Vec<Sentence>,
}

#[derive(Debug, Deserialize)]
struct Document {
    path: String,
}

#[derive(Debug, Deserialize)]
struct Section {
    title: String,
    #[serde(default)]
    parent: Option<u32>,
    #[serde(default)]
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    label: String,
}

#[derive(Debug, Deserialize)]
struct Sentence {
    id: u32,
    section: u32,
    page: u32,
    text: String,
}

/// One sentence with its place.
#[derive(Debug)]
pub struct Found<'a> {
    /// Why it was found.
    pub hit: Hit,
    /// Path of the document as it was given.
    pub document: &'a str,
    /// Its analysis below the output folder.
    pub output: &'a Path,
    /// Page number, counted from 1.
    pub page: u32,
    /// Identifier of the sentence within the document.
    pub sentence: u32,
    /// Heading of its section.
    pub section: &'a str,
    /// What kind of section that is, or the nearest around it whose kind is known.
    pub kind: Option<&'a str>,
    /// What it says.
    pub text: &'a str,
}

/// What was done to have the embeddings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Documents that are searched.
    pub documents: usize,
    /// Their sentences.
    pub sentences: usize,
    /// Sentences whose embeddings were kept from before.
    pub hits: usize,
    /// Sentences whose embeddings were computed now.
    pub misses: usize,
    /// Bytes of all embeddings.
    pub bytes: usize,
}

/// All sentences of a folder.
pub struct Library {
    analyses: Vec<(PathBuf, Searched)>,
    index: Index,
    /// Analysis and sentence by place in the index.
    places: Vec<(u32, u32)>,
    /// What was done to have the embeddings.
    pub statistics: Statistics,
    /// Analyses that could not be read.
    pub problems: Vec<Error>,
}

impl Library {
    /// Reads the analyses at `outputs` below `root`, and has the embeddings of their sentences. A model without an output
    /// for embeddings leaves the words.
    ///
    /// # Errors
    /// `model.run`, `tokenizer.invalid`, `run.interrupted`. An analysis that cannot be read is in [`Library::problems`].
    pub fn open(
        root: &Path,
        outputs: &[PathBuf],
        model: &TextModel,
        cache: Option<&InferenceCache>,
    ) -> Result<Self> {
        let read: Vec<Result<Searched>> = outputs.par_iter().map(|output| read(&root.join(output))).collect();
        let mut library = Self {
            analyses: Vec::new(),
            index: Index::default(),
            places: Vec::new(),
            statistics: Statistics::default(),
            problems: Vec::new(),
        };
        for (output, searched) in outputs.iter().zip(read) {
            match searched {
                Ok(searched) => library.analyses.push((output.clone(), searched)),
                Err(error) => library.problems.push(error),
            }
        }
        let dimensions = embed_query(model, "dimensions")?.len();
        library.index = Index::new(dimensions);
        let statistics = &mut library.statistics;
        for ((_, searched), analysis) in library.analyses.iter().zip(0..) {
            let texts: Vec<&str> = searched.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
            let embeddings = if dimensions == 0 {
                Vec::new()
            } else {
                embeddings(&texts, dimensions, model, cache, statistics)?
            };
            for ((sentence, text), place) in texts.iter().enumerate().zip(0..) {
                let range = sentence * dimensions..(sentence + 1) * dimensions;
                library.index.add(text, embeddings.get(range).unwrap_or_default());
                library.places.push((analysis, place));
            }
        }
        statistics.documents = library.analyses.len();
        statistics.sentences = library.index.len();
        statistics.bytes = library.index.embedding_bytes();
        Ok(library)
    }

    /// Kinds of sections that there are, with the number of sentences in each.
    pub fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for (analysis, sentence) in &self.places {
            let searched = &self.analyses[*analysis as usize].1;
            if let Some(kind) = searched.kind(&searched.sentences[*sentence as usize]) {
                *kinds.entry(kind).or_insert(0) += 1;
            }
        }
        kinds
    }

    /// The best sentences for a query, best first; a sentence that a document repeats is given once.
    ///
    /// # Errors
    /// Those of the model.
    pub fn search(
        &self,
        query: &str,
        model: &TextModel,
        kind: Option<&str>,
        top: usize,
    ) -> Result<Vec<Found<'_>>> {
        let embedding = embed_query(model, query)?;
        let wanted = |place: usize| {
            kind.is_none_or(|kind| {
                let (analysis, sentence) = self.places[place];
                let searched = &self.analyses[analysis as usize].1;
                searched.kind(&searched.sentences[sentence as usize]) == Some(kind)
            })
        };
        // Some more, for those that are repeated.
        let hits = self.index.search(query, &embedding, top.saturating_mul(3), wanted);
        let mut found: Vec<Found<'_>> = Vec::new();
        for hit in hits {
            let next = self.found(hit);
            if !found.iter().any(|other| other.output == next.output && other.text == next.text) {
                found.push(next);
            }
            if found.len() == top {
                break;
            }
        }
        Ok(found)
    }

    fn found(&self, hit: Hit) -> Found<'_> {
        let (analysis, place) = self.places[hit.sentence];
        let (output, searched) = &self.analyses[analysis as usize];
        let sentence = &searched.sentences[place as usize];
        Found {
            hit,
            document: &searched.document.path,
            output,
            page: sentence.page,
            sentence: sentence.id,
            section: searched.sections.get(sentence.section as usize).map_or("", |section| &section.title),
            kind: searched.kind(sentence),
            text: &sentence.text,
        }
    }
}

impl Searched {
    /// The kind of the innermost section around a sentence that has one. Parents come before their children.
    fn kind(&self, sentence: &Sentence) -> Option<&str> {
        let mut at = Some(sentence.section);
        while let Some(section) = at.and_then(|at| self.sections.get(at as usize)) {
            if let Some(kind) = &section.kind {
                return Some(&kind.label);
            }
            at = section.parent.filter(|parent| Some(*parent) < at);
        }
        None
    }
}

fn read(path: &Path) -> Result<Searched> {
    let unreadable = |error: std::io::Error| {
        Error::new(ErrorCode::InputUnreadable, "cannot read the analysis").file(path).because(error)
    };
    if fs::metadata(path).map_err(unreadable)?.len() > ANALYSIS_MAX {
        return Err(Error::new(ErrorCode::InputTooLarge, "the file is too large for an analysis").file(path));
    }
    serde_json::from_slice(&fs::read(path).map_err(unreadable)?).map_err(|error| {
        Error::new(ErrorCode::DataInvalid, "not an analysis of this version")
            .file(path)
            .because(error)
            .help("write it again with `docproc analyze`")
    })
}

/// The embedding of a query, empty where the model makes none.
fn embed_query(model: &TextModel, query: &str) -> Result<Vec<f32>> {
    let prediction = model.predict(&[query])?.pop();
    Ok(prediction.and_then(|prediction| prediction.embedding).unwrap_or_default())
}

/// The embeddings of a document's sentences, one behind the other: kept ones, or all computed and kept.
fn embeddings(
    texts: &[&str],
    dimensions: usize,
    model: &TextModel,
    cache: Option<&InferenceCache>,
    statistics: &mut Statistics,
) -> Result<Vec<f32>> {
    let weights = &model.model().bundle.sha256;
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    let cache = cache.filter(|cache| cache.keeps(Keep::Disk));
    let parts = texts.len().div_ceil(PART);
    let key =
        |part| CacheKey::new(weights, KEPT_AS, [CacheInput { image: &bytes, ..CacheInput::default() }], part);
    if let Some(cache) = cache
        && let Some(kept) = kept(cache, (0..parts).map(key), texts.len() * dimensions)
    {
        statistics.hits += texts.len();
        return Ok(kept);
    }
    statistics.misses += texts.len();
    let mut all = Vec::with_capacity(texts.len() * dimensions);
    for prediction in model.predict(texts)? {
        let embedding = prediction.embedding.filter(|embedding| embedding.len() == dimensions);
        // A model that embeds one text embeds every text.
        all.extend(embedding.unwrap_or_else(|| vec![0.0; dimensions]));
    }
    if let Some(cache) = cache {
        for (values, part) in all.chunks(PART * dimensions).zip(0..) {
            let shape = vec![values.len() / dimensions, dimensions];
            let tensor = OutputTensor { name: KEPT_AS.to_owned(), shape, values: values.to_vec().into() };
            cache.insert(key(part), Arc::new(vec![tensor]), Keep::Disk);
        }
    }
    Ok(all)
}

/// All parts, if all of them are there and have so many numbers together.
fn kept(cache: &InferenceCache, keys: impl Iterator<Item = CacheKey>, numbers: usize) -> Option<Vec<f32>> {
    let mut all = Vec::with_capacity(numbers);
    for key in keys {
        let outputs = cache.get(&key, Keep::Disk)?;
        all.extend_from_slice(&outputs.first()?.values);
    }
    (all.len() == numbers).then_some(all)
}
