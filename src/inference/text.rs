//! Sentiment, entities, section kinds and embeddings of texts, all from one pass.

use std::sync::Arc;

use rayon::prelude::*;

use super::batch::{Batch, Runner, WindowInput, WindowOutputs};
use super::bio::Tags;
use super::heads::{LabelledOutput, TextHeads};
use super::layout::limits;
use super::options::InferenceOptions;
use super::probabilities::softmax;
use crate::document::{EntitySpan, TextPrediction};
use crate::error::Result;
use crate::runtime::{LoadedModel, ModelBundle, ModelManager, unique};
use crate::tokenize::{EncodedText, Encoder, TokenizerManager, TokenizerSource, Window, WindowLimits};

/// Longest section input and words read of a section, where the bundle does not say.
const SECTION_TOKENS: usize = 112;
const SECTION_WORDS: usize = 60;

/// A BERT-family model for texts, with one head or several.
#[derive(Debug)]
pub struct TextModel {
    model: Arc<LoadedModel>,
    encoder: Arc<Encoder>,
    heads: TextHeads,
    tags: Option<Tags>,
    limits: WindowLimits,
    options: InferenceOptions,
    /// Whether results are cached text by text; if not, by whole batches.
    pub(super) per_window: bool,
}

impl TextModel {
    /// Loads the bundle's model and tokenizer and recognises its heads by output name and rank.
    ///
    /// # Errors
    /// `model.invalid` if it has no head for texts or its labels do not fit, or what loading says.
    pub fn open(
        models: &ModelManager,
        tokenizers: &TokenizerManager,
        bundle: &ModelBundle,
        options: InferenceOptions,
    ) -> Result<Self> {
        let model = models.load(bundle)?;
        model.check_takes_ids()?;
        let encoder = tokenizers.load(&TokenizerSource::find(&bundle.tokenizer)?)?;
        let heads = TextHeads::recognise(&model)?;
        let tags = heads.entity.as_ref().map(|head| Tags::new(&head.labels));
        let limits = limits(bundle, options.max_sequence_length, bundle.config.max_tokens.sentence);
        let mut model = Self { model, encoder, heads, tags, limits, options, per_window: false };
        if model.options.cache.is_some() && model.model.batch_invariant {
            let vocabulary = model.encoder.vocabulary_size();
            model.per_window = !model.runner("infer text").results_depend_on_company(vocabulary)?;
        }
        Ok(model)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &LoadedModel {
        &self.model
    }

    /// Sentiment labels in the order of the probabilities; `None` if the model has no such head.
    #[must_use]
    pub fn sentiment_labels(&self) -> Option<&Arc<[String]>> {
        self.heads.sentiment.as_ref().map(|head| &head.labels)
    }

    /// Section kinds in the order of the probabilities; `None` if the model has no such head.
    #[must_use]
    pub fn section_labels(&self) -> Option<&Arc<[String]>> {
        self.heads.section.as_ref().map(|head| &head.labels)
    }

    /// Whether the model finds entities.
    #[must_use]
    pub fn finds_entities(&self) -> bool {
        self.heads.entity.is_some()
    }

    /// What the model says about every text, in order. Equal texts are computed once.
    ///
    /// A text longer than a window is cut into overlapping ones: its sentiment is the mean of the windows'
    /// probabilities weighted by their number of content tokens, its embedding the mean of theirs weighted the same
    /// way and scaled back to unit length, and an entity tag is read in the window where its word stands farthest
    /// from a cut. Section kinds need a title and are left to [`Self::predict_sections`].
    ///
    /// # Errors
    /// `model.run` if the model fails, `tokenizer.invalid` if a text cannot be tokenized.
    pub fn predict(&self, texts: &[&str]) -> Result<Vec<TextPrediction>> {
        let distinct = unique(texts.iter().copied());
        let encoded = self.encode(texts, &distinct.representatives)?;
        let inputs = windows(&encoded);
        let mut outputs = self.runner("infer text").run(&inputs)?.into_iter();
        let predictions: Vec<TextPrediction> = encoded
            .iter()
            .map(|text| {
                let windows: Vec<WindowOutputs> = outputs.by_ref().take(text.windows.len()).collect();
                self.prediction(text, &windows)
            })
            .collect::<Result<_>>()?;
        Ok(distinct.group.iter().map(|&group| predictions[group].clone()).collect())
    }

    /// The inputs that [`Self::predict`] would give the model for these texts, batch by batch.
    ///
    /// # Errors
    /// As [`Self::predict`]; `model.invalid` if the model wants an input that docproc cannot give.
    pub fn batches(&self, texts: &[&str]) -> Result<Vec<Batch>> {
        let distinct = unique(texts.iter().copied());
        let encoded = self.encode(texts, &distinct.representatives)?;
        self.runner("infer text").batches(&windows(&encoded))
    }

    fn encode(&self, texts: &[&str], wanted: &[usize]) -> Result<Vec<EncodedText>> {
        let _span = self.options.profiler.span("encode text");
        wanted.par_iter().map(|&index| self.encoder.encode_text(texts[index], self.limits)).collect()
    }

    /// How many words of a section's text the model reads: what it was trained on.
    #[must_use]
    pub fn section_words(&self) -> usize {
        self.model.bundle.config.section_words.unwrap_or(SECTION_WORDS)
    }

    /// Calibrated kinds of sections, each given by its title and the beginning of its text, in the order of
    /// [`Self::section_labels`]; `None` if the model has no such head. The model reads the first
    /// [`Self::section_words`] of the text only.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn predict_sections(&self, sections: &[(&str, &str)]) -> Result<Option<Vec<Vec<f32>>>> {
        let Some(head) = &self.heads.section else { return Ok(None) };
        let config = &self.model.bundle.config;
        let words = self.section_words();
        let tokens = limits(
            &self.model.bundle,
            self.options.max_sequence_length,
            Some(config.max_tokens.section.unwrap_or(SECTION_TOKENS)),
        )
        .max_tokens;
        let windows: Vec<Window> = sections
            .par_iter()
            .map(|(title, text)| {
                let beginning = text.split_whitespace().take(words).collect::<Vec<_>>().join(" ");
                self.encoder.encode_pair(title, &beginning, tokens)
            })
            .collect::<Result<_>>()?;
        let distinct = unique(&windows);
        let inputs: Vec<WindowInput<'_>> = distinct
            .representatives
            .iter()
            .map(|&index| WindowInput { window: &windows[index], image: None })
            .collect();
        let outputs = self.runner("infer sections").run(&inputs)?;
        let kinds: Vec<Vec<f32>> =
            outputs.iter().map(|outputs| self.probabilities(outputs, head)).collect::<Result<_>>()?;
        Ok(Some(distinct.group.iter().map(|&group| kinds[group].clone()).collect()))
    }

    fn runner(&self, stage: &'static str) -> Runner<'_> {
        Runner {
            model: &self.model,
            options: &self.options,
            pad_id: self.model.bundle.config.pad_token_id.unwrap_or_else(|| self.encoder.pad_id()),
            image_tokens: 0,
            image_size: [0, 0],
            per_window: self.per_window,
            stage,
        }
    }

    fn probabilities(&self, outputs: &WindowOutputs, head: &LabelledOutput) -> Result<Vec<f32>> {
        Ok(softmax(outputs.values(&head.output, &self.model)?, head.temperature))
    }

    fn prediction(&self, text: &EncodedText, outputs: &[WindowOutputs]) -> Result<TextPrediction> {
        // A window without content (an empty text) still counts, or there would be nothing to divide by.
        let weights: Vec<f32> = text.windows.iter().map(|window| window.content.max(1) as f32).collect();
        let sentiment = match &self.heads.sentiment {
            Some(head) => {
                let rows: Vec<Vec<f32>> =
                    outputs.iter().map(|outputs| self.probabilities(outputs, head)).collect::<Result<_>>()?;
                Some(weighted_mean(rows.iter().map(Vec::as_slice), &weights))
            }
            None => None,
        };
        let embedding = match &self.heads.embedding {
            Some(name) => {
                let rows: Vec<&[f32]> =
                    outputs.iter().map(|outputs| outputs.values(name, &self.model)).collect::<Result<_>>()?;
                Some(match rows.as_slice() {
                    [row] => row.to_vec(),
                    rows => unit_length(weighted_mean(rows.iter().copied(), &weights)),
                })
            }
            None => None,
        };
        let entities = match (&self.heads.entity, &self.tags) {
            (Some(head), Some(tags)) => self.entities(text, outputs, head, tags)?,
            _ => Vec::new(),
        };
        Ok(TextPrediction { sentiment, entities, section_kind: None, embedding })
    }

    fn entities(
        &self,
        text: &EncodedText,
        outputs: &[WindowOutputs],
        head: &LabelledOutput,
        tags: &Tags,
    ) -> Result<Vec<EntitySpan>> {
        let classes = head.labels.len();
        let mut rows: Vec<Option<Vec<f32>>> = vec![None; text.words.len()];
        for (window, outputs) in text.windows.iter().zip(outputs) {
            let logits = outputs.values(&head.output, &self.model)?;
            for answer in window.answers() {
                let logits = &logits[answer.token as usize * classes..][..classes];
                rows[answer.word as usize] = Some(softmax(logits, head.temperature));
            }
        }
        Ok(tags.spans(&text.words, &rows))
    }
}

fn windows(texts: &[EncodedText]) -> Vec<WindowInput<'_>> {
    texts
        .iter()
        .flat_map(|text| text.windows.iter().map(|window| WindowInput { window, image: None }))
        .collect()
}

fn weighted_mean<'r>(rows: impl Iterator<Item = &'r [f32]>, weights: &[f32]) -> Vec<f32> {
    let total: f32 = weights.iter().sum();
    let mut mean: Vec<f32> = Vec::new();
    for (row, weight) in rows.zip(weights) {
        mean.resize(row.len(), 0.0);
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += value * (weight / total);
        }
    }
    mean
}

fn unit_length(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}
