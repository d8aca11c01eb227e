//! A model as the pipeline sees it: with its tokenizer, windows and labels. What the gate evaluates, and what turns
//! texts and pages into the inputs that the model really gets.

use std::path::Path;

use docproc_onnx::TaskMetric;
use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};
use crate::evaluation::{self, ClassificationReport};
use crate::inference::{InferenceOptions, LayoutModel, TextModel};
use crate::runtime::{Environment, ManagerSettings, ModelBundle, ModelManager};
use crate::tokenize::TokenizerManager;

/// What a model is judged by: the tasks of `docproc eval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Sentiment of sentences.
    Sentiment,
    /// Entities of sentences.
    Entities,
    /// Kinds of sections.
    Sections,
    /// Layout labels of words, by the model alone.
    Layout,
}

/// A model opened for its role.
pub enum Subject {
    /// A model for texts.
    Text(Box<TextModel>),
    /// A model for pages.
    Layout(Box<LayoutModel>),
}

impl Subject {
    /// Opens a bundle on the CPU; a model with an input `bbox` is a layout model.
    ///
    /// # Errors
    /// `model.*`, `tokenizer.invalid`.
    pub fn open(environment: &Environment, bundle: &ModelBundle) -> Result<Self> {
        let sessions = std::thread::available_parallelism().map_or(1, usize::from);
        let manager = ModelManager::new(environment.clone(), ManagerSettings::cpu(sessions));
        let tokenizers = TokenizerManager::new();
        let options = InferenceOptions { max_sequence_length: usize::MAX, ..InferenceOptions::default() };
        Ok(if manager.load(bundle)?.takes("bbox") {
            Self::Layout(Box::new(LayoutModel::open(&manager, &tokenizers, bundle, options)?))
        } else {
            Self::Text(Box::new(TextModel::open(&manager, &tokenizers, bundle, options)?))
        })
    }

    /// The task's metric on labelled data, by docproc's own evaluation.
    ///
    /// # Errors
    /// `config.invalid` if the task is not one for this kind of model; `data.invalid`, `model.*`.
    pub fn evaluate(&self, task: Task, data: &Path) -> Result<TaskMetric> {
        let macro_f1 = |name: &str, report: ClassificationReport| TaskMetric {
            name: name.to_owned(),
            value: 100.0 * report.macro_f1,
            interval: report.macro_f1_interval.map(|end| 100.0 * end),
            items: report.n,
        };
        match (task, self) {
            (Task::Sentiment, Self::Text(model)) => {
                Ok(macro_f1("sentiment macro-F1", evaluation::sentiment(model, data)?))
            }
            (Task::Sections, Self::Text(model)) => {
                Ok(macro_f1("section macro-F1", evaluation::sections(model, data)?))
            }
            (Task::Layout, Self::Layout(model)) => {
                Ok(macro_f1("layout macro-F1", evaluation::layout_alone(model, data)?))
            }
            (Task::Entities, Self::Text(model)) => {
                let report = evaluation::entities_alone(model, data)?;
                Ok(TaskMetric {
                    name: "entity F1".to_owned(),
                    value: 100.0 * report.f1,
                    interval: report.f1_interval.map(|end| 100.0 * end),
                    items: report.n,
                })
            }
            (Task::Layout, Self::Text(_)) => Err(wrong("a text model has no layout labels")),
            (_, Self::Layout(_)) => Err(wrong("a layout model is judged by the task `layout`")),
        }
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::ConfigInvalid, message).part("--gate")
}
