//! Labels for the words of pages.

use std::sync::Arc;

use rayon::prelude::*;

use super::batch::{Batch, Runner, WindowInput};
use super::heads::{LabelledOutput, labelled};
use super::options::InferenceOptions;
use super::pixels::ImageView;
use super::probabilities::softmax;
use crate::document::{Page, WordPredictions};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::{Head, LoadedModel, ModelBundle, ModelManager};
use crate::tokenize::{EncodedPage, Encoder, TokenizerManager, TokenizerSource, WindowLimits};

/// Edge length of LayoutLMv3's image patches. Only the batch budget depends on it, so that a model with another
/// patch size merely gets batches of another size.
const PATCH: usize = 16;

/// Words of a page, read where they lie (a [`Page`], or a worker's shared memory).
pub trait PageWords: Sync {
    /// The words in order, each with its LayoutLM box: thousandths of the page, 0 to 1000.
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_>;
}

impl PageWords for Page {
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_> {
        let (width, height) = (self.width, self.height);
        Box::new(self.words.iter().map(move |word| (word.text.as_str(), word.bbox.normalize(width, height))))
    }
}

/// What a layout model sees of a page.
#[derive(Clone, Copy)]
pub struct PageInput<'a> {
    /// Its words.
    pub words: &'a dyn PageWords,
    /// Its picture; needed by models with an input `pixel_values`.
    pub image: Option<ImageView<'a>>,
}

/// A page's windows and its picture, if the model wants it.
type Encoded<'a> = (EncodedPage, Option<ImageView<'a>>);

fn windows<'a>(pages: &'a [Encoded<'a>]) -> Vec<WindowInput<'a>> {
    pages
        .iter()
        .flat_map(|(page, image)| page.windows.iter().map(|window| WindowInput { window, image: *image }))
        .collect()
}

/// A token classifier for pages: LayoutLMv3, or a relative without the image.
#[derive(Debug)]
pub struct LayoutModel {
    model: Arc<LoadedModel>,
    encoder: Arc<Encoder>,
    head: LabelledOutput,
    limits: WindowLimits,
    options: InferenceOptions,
    /// Tokens that the model makes of the image; 0 without one.
    image_tokens: usize,
}

impl LayoutModel {
    /// Loads the bundle's model and tokenizer.
    ///
    /// # Errors
    /// `model.invalid` if it is not a token classifier with boxes, or what loading says.
    pub fn open(
        models: &ModelManager,
        tokenizers: &TokenizerManager,
        bundle: &ModelBundle,
        options: InferenceOptions,
    ) -> Result<Self> {
        let model = models.load(bundle)?;
        model.check_takes_ids()?;
        let encoder = tokenizers.load(&TokenizerSource::find(&bundle.tokenizer)?)?;
        let wrong = |message: &str| {
            Error::new(ErrorCode::ModelInvalid, message)
                .file(&bundle.model)
                .help("use an ONNX export of LayoutLMv3ForTokenClassification or a relative")
        };
        if !model.takes("bbox") {
            return Err(wrong("the model has no input `bbox`, so it is no layout model"));
        }
        let spec = model
            .outputs
            .iter()
            .find(|spec| spec.name == "logits" && spec.shape.len() == 3)
            .or_else(|| model.outputs.iter().find(|spec| spec.shape.len() == 3))
            .ok_or_else(|| wrong("the model has no output of a row per token"))?;
        let head = labelled(&model, spec, Head::Layout, bundle.config.labels(Head::Layout))?;
        let size = bundle.preprocessor.size;
        let patches = (size.height as usize / PATCH) * (size.width as usize / PATCH) + 1;
        let image_tokens = if model.takes("pixel_values") { patches } else { 0 };
        let limits = limits(bundle, options.max_sequence_length, None);
        Ok(Self { model, encoder, head, limits, options, image_tokens })
    }

    /// Label names; index = class.
    #[must_use]
    pub fn labels(&self) -> &Arc<[String]> {
        &self.head.labels
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &LoadedModel {
        &self.model
    }

    /// Whether every window is a batch of its own, so that it does not matter which pages are given together: true on
    /// CPUs for models that see images, since two images alone go over the budget.
    #[must_use]
    pub fn pages_stand_alone(&self) -> bool {
        2 * self.image_tokens > self.options.budget.padded_tokens
    }

    /// Calibrated label probabilities for every word of every page, in order.
    ///
    /// A word's probabilities are softmax(logits / temperature) at its first token, in the window where it stands
    /// farthest from a cut. A word of which the tokenizer makes no token gets those of the word before it (after it,
    /// at the start of a page); on a page without any token every label is equally probable.
    ///
    /// # Errors
    /// `model.run` if the model fails, `image.malformed` if an image is missing or wrong, `tokenizer.invalid` if a
    /// word cannot be tokenized.
    pub fn predict(&self, pages: &[PageInput<'_>]) -> Result<Vec<WordPredictions>> {
        let encoded = self.encode_all(pages)?;
        let inputs = windows(&encoded);
        let mut outputs = self.runner().run(&inputs)?.into_iter();
        encoded
            .iter()
            .map(|(page, _)| {
                let mut rows: Vec<Option<Vec<f32>>> = vec![None; page.words];
                for (window, outputs) in page.windows.iter().zip(outputs.by_ref()) {
                    let logits = outputs.values(&self.head.output, &self.model)?;
                    let classes = self.head.labels.len();
                    for answer in window.answers() {
                        let logits = &logits[answer.token as usize * classes..][..classes];
                        rows[answer.word as usize] = Some(softmax(logits, self.head.temperature));
                    }
                }
                Ok(self.predictions(rows))
            })
            .collect()
    }

    /// The inputs that [`Self::predict`] would give the model for these pages, batch by batch.
    ///
    /// # Errors
    /// As [`Self::predict`]; `model.invalid` if the model wants an input that docproc cannot give.
    pub fn batches(&self, pages: &[PageInput<'_>]) -> Result<Vec<Batch>> {
        let encoded = self.encode_all(pages)?;
        self.runner().batches(&windows(&encoded))
    }

    fn runner(&self) -> Runner<'_> {
        let size = self.model.bundle.preprocessor.size;
        Runner {
            model: &self.model,
            options: &self.options,
            pad_id: self.model.bundle.config.pad_token_id.unwrap_or_else(|| self.encoder.pad_id()),
            image_tokens: self.image_tokens,
            image_size: [size.height as usize, size.width as usize],
            per_window: false,
            stage: "infer layout",
        }
    }

    fn encode_all<'a>(&self, pages: &[PageInput<'a>]) -> Result<Vec<Encoded<'a>>> {
        pages.par_iter().map(|page| self.encode(page)).collect()
    }

    fn encode<'a>(&self, page: &PageInput<'a>) -> Result<Encoded<'a>> {
        let _span = self.options.profiler.span("encode layout");
        let encoded = self.encoder.encode_page(page.words.words(), self.limits)?;
        if self.image_tokens == 0 || encoded.windows.is_empty() {
            return Ok((encoded, None));
        }
        let image = page.image.ok_or_else(|| {
            Error::new(ErrorCode::ImageMalformed, "the layout model needs a page image and there is none")
        })?;
        image.check()?;
        Ok((encoded, Some(image)))
    }

    /// Fills the rows of words that no window answered for.
    fn predictions(&self, rows: Vec<Option<Vec<f32>>>) -> WordPredictions {
        let classes = self.head.labels.len();
        let mut last =
            rows.iter().flatten().next().cloned().unwrap_or_else(|| vec![1.0 / classes as f32; classes]);
        let mut probabilities = Vec::with_capacity(rows.len() * classes);
        for row in rows {
            if let Some(row) = row {
                last = row;
            }
            probabilities.extend_from_slice(&last);
        }
        WordPredictions { labels: Arc::clone(&self.head.labels), probabilities }
    }
}

/// Window length: what the user allows, what the model has positions for, and what it was trained for.
pub(super) fn limits(bundle: &ModelBundle, wanted: usize, trained: Option<usize>) -> WindowLimits {
    let max_tokens = [bundle.config.positions(), trained].into_iter().flatten().fold(wanted, usize::min);
    let limits = WindowLimits::new(max_tokens);
    WindowLimits { overlap: bundle.config.window_overlap.unwrap_or(limits.overlap), ..limits }
}
