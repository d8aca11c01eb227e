//! Which output of a text model is which head.

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::runtime::{Head, LoadedModel, TensorSpec};

/// An output with its labels.
#[derive(Clone, Debug)]
pub(super) struct LabelledOutput {
    pub output: String,
    pub labels: Arc<[String]>,
    pub temperature: f32,
}

/// The heads that a text model has.
#[derive(Clone, Debug, Default)]
pub(super) struct TextHeads {
    pub sentiment: Option<LabelledOutput>,
    pub entity: Option<LabelledOutput>,
    pub section: Option<LabelledOutput>,
    pub embedding: Option<String>,
}

impl TextHeads {
    /// Recognises heads by name and rank: `entity_logits` (or `logits` of rank 3) tags tokens, `logits` of rank 2 is
    /// the sentiment, `section_logits` the kind of a section, `sentence_embedding` (or `pooler_output`) an
    /// embedding. A model with one output of another name is taken by its rank.
    ///
    /// # Errors
    /// `model.invalid` if there is no head, or labels and outputs do not fit together.
    pub(super) fn recognise(model: &LoadedModel) -> Result<Self> {
        let config = &model.bundle.config;
        let find = |name: &str, rank: usize| {
            model.outputs.iter().find(|spec| spec.name == name && spec.shape.len() == rank)
        };
        let only = |rank: usize| match model.outputs.as_slice() {
            [spec] if spec.shape.len() == rank => Some(spec),
            _ => None,
        };
        let mut heads = Self::default();
        if let Some(spec) = find("logits", 2).or_else(|| only(2)) {
            heads.sentiment = Some(labelled(model, spec, Head::Sentiment, config.labels(Head::Sentiment))?);
        }
        if let Some(spec) = find("entity_logits", 3) {
            heads.entity = Some(labelled(model, spec, Head::Entity, config.labels(Head::Entity))?);
        } else if let Some(spec) = find("logits", 3).or_else(|| only(3)) {
            heads.entity = Some(labelled(model, spec, Head::Entity, config.only_labels())?);
        }
        if let Some(spec) = find("section_logits", 2) {
            heads.section = Some(labelled(model, spec, Head::Section, config.labels(Head::Section))?);
        }
        heads.embedding =
            find("sentence_embedding", 2).or_else(|| find("pooler_output", 2)).map(|spec| spec.name.clone());
        if heads.sentiment.is_none() && heads.entity.is_none() && heads.section.is_none() {
            let names: Vec<&str> = model.outputs.iter().map(|spec| spec.name.as_str()).collect();
            return Err(Error::new(
                ErrorCode::ModelInvalid,
                format!("none of its outputs ({}) is a head for texts", names.join(", ")),
            )
            .file(&model.bundle.model)
            .help("a text model has `logits` of rank 2 or 3, `entity_logits` or `section_logits`"));
        }
        Ok(heads)
    }
}

/// Checks labels against the size of the output's last axis; a model without labels gets `LABEL_0`, `LABEL_1`, ...,
/// as Hugging Face names them.
pub(super) fn labelled(
    model: &LoadedModel,
    spec: &TensorSpec,
    head: Head,
    labels: Arc<[String]>,
) -> Result<LabelledOutput> {
    let size = spec.shape.last().copied().flatten();
    let labels = match size {
        Some(size) if labels.is_empty() => (0..size).map(|index| format!("LABEL_{index}")).collect(),
        _ => labels,
    };
    if labels.is_empty() || size.is_some_and(|size| size != labels.len()) {
        let size = size.map_or_else(|| "an unknown number of".to_owned(), |size| size.to_string());
        return Err(Error::new(
            ErrorCode::ModelInvalid,
            format!(
                "output `{}` has {size} classes, config.json has {} labels for it",
                spec.name,
                labels.len()
            ),
        )
        .file(&model.bundle.model)
        .help("correct id2label (entity_id2label, section_id2label) in the bundle's config.json"));
    }
    let temperature = model.bundle.config.temperature(head);
    Ok(LabelledOutput { output: spec.name.clone(), labels, temperature })
}
