//! What models and page workers are measured on: pages and sentences of real documents.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::{Config, NativeLibrary, OcrPolicy, native_library};
use crate::document::PAGE_IMAGE_SIZE;
use crate::error::{Error, ErrorCode, Result};
use crate::inference::{ImageView, PageInput, PageWords};
use crate::input::{DiscoverOptions, Input, ReadRequest, Source, WorkerOptions, WorkerPool, discover};
use crate::limit::Limit;
use crate::pipeline::Models;
use crate::structure::{DocumentStructure, layout_page};

/// Where documents are taken from when nobody names a folder.
const DEFAULT_INPUT: &str = "fixtures/reports";

/// Pages and sentences, read once, so that every measurement sees the same.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Corpus {
    /// Pages that have words.
    pub pages: Vec<BenchPage>,
    /// Sentences of those pages in reading order.
    pub sentences: Vec<String>,
}

/// What the layout model sees of a page.
#[derive(Debug, Serialize, Deserialize)]
pub struct BenchPage {
    words: Vec<(String, [i64; 4])>,
    image: Vec<u8>,
}

impl PageWords for BenchPage {
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_> {
        Box::new(self.words.iter().map(|(text, bbox)| (text.as_str(), *bbox)))
    }
}

impl BenchPage {
    /// As the layout model takes it.
    #[must_use]
    pub fn input(&self) -> PageInput<'_> {
        let side = PAGE_IMAGE_SIZE as usize;
        PageInput { words: self, image: Some(ImageView { rgb: &self.image, width: side, height: side }) }
    }
}

/// The documents behind `path`, or the fixtures' reports.
///
/// # Errors
/// `input.not_found` if there are none.
pub fn documents(path: Option<&Path>) -> Result<(PathBuf, Vec<Input>)> {
    let folder = path.unwrap_or(Path::new(DEFAULT_INPUT));
    let none = || {
        Error::new(ErrorCode::InputNotFound, "there are no documents to measure with")
            .file(folder)
            .help("name a file or a folder of reports with --input")
    };
    if !folder.exists() {
        return Err(none());
    }
    let inputs = discover(&[folder.to_owned()], &DiscoverOptions::default())?.inputs;
    if inputs.is_empty() { Err(none()) } else { Ok((folder.to_owned(), inputs)) }
}

impl Corpus {
    /// Reads at most `most` pages of the documents, no page by OCR, and finds their sentences as `docproc analyze`
    /// does. Documents that cannot be read are passed over: their place is in `docproc analyze`.
    ///
    /// # Errors
    /// Those of loading models and starting workers; `input.not_found` if no page has words.
    pub fn read(config: &Config, inputs: &[Input], most: usize) -> Result<Self> {
        let models = Models::load(config, &mut |_| ())?;
        let pool = WorkerPool::start(&WorkerOptions {
            workers: config.analyze.jobs,
            pdfium: native_library(NativeLibrary::Pdfium)?,
            ..WorkerOptions::default()
        })?;
        let mut corpus = Self::default();
        for input in inputs {
            let Ok(source) = Source::read(input, config.analyze.max_bytes.0) else { continue };
            let request = ReadRequest::with_ocr(OcrPolicy::Never);
            let mut reader = pool.open(Arc::new(source), request);
            let (mut pages, mut blocks) = (Vec::new(), Vec::new());
            while corpus.pages.len() < most
                && let Some(next) = reader.next()
            {
                let Ok(segment) = next else { continue };
                let page = segment.to_page();
                if page.words.is_empty() {
                    continue;
                }
                let bench = BenchPage {
                    words: page
                        .words
                        .iter()
                        .map(|word| (word.text.clone(), word.bbox.normalize(page.width, page.height)))
                        .collect(),
                    image: segment.image().to_vec(),
                };
                let predictions = models.layout.predict(&[bench.input()])?.remove(0);
                let refined = models.refine(&page, &predictions)?.unwrap_or(predictions);
                blocks.extend(layout_page(&page, pages.len(), &refined));
                pages.push(page);
                corpus.pages.push(bench);
            }
            let structure = DocumentStructure::new(&pages, blocks, &Limit::default())?;
            corpus.sentences.extend(structure.sentences.into_iter().map(|sentence| sentence.text));
            if corpus.pages.len() >= most {
                break;
            }
        }
        if corpus.pages.is_empty() || corpus.sentences.is_empty() {
            return Err(Error::new(ErrorCode::InputNotFound, "no document has a page with sentences")
                .help("name a folder of reports with a text layer with --input"));
        }
        Ok(corpus)
    }

    /// Index of the page with the median number of words.
    #[must_use]
    pub fn typical_page(&self) -> usize {
        let mut order: Vec<usize> = (0..self.pages.len()).collect();
        order.sort_by_key(|&page| self.pages[page].words.len());
        order[order.len() / 2]
    }

    /// The sentence of median length.
    #[must_use]
    pub fn typical_sentence(&self) -> &str {
        let mut order: Vec<&String> = self.sentences.iter().collect();
        order.sort_by_key(|text| text.len());
        order[order.len() / 2]
    }

    /// Keeps it for the processes that measure memory.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot keep the documents").file(path).because(error)
        };
        let mut out = BufWriter::new(File::create(path).map_err(failed)?);
        serde_json::to_writer(&mut out, self).map_err(|error| failed(error.into()))?;
        out.flush().map_err(failed)
    }

    /// What [`Self::save`] kept.
    ///
    /// # Errors
    /// `data.invalid`.
    pub fn load(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::DataInvalid, "cannot read the kept documents").file(path).because(error)
        };
        let corpus: Self = serde_json::from_reader(BufReader::new(File::open(path).map_err(failed)?))
            .map_err(|error| failed(error.into()))?;
        let whole = corpus.pages.iter().all(|page| page.image.len() == crate::document::PageImage::BYTES);
        if whole && !corpus.pages.is_empty() && !corpus.sentences.is_empty() {
            Ok(corpus)
        } else {
            Err(failed(std::io::ErrorKind::InvalidData.into()))
        }
    }
}
