//! What models say, as plain data: the seam between inference and structure.

use std::ops::Range;
use std::sync::Arc;

/// Label probabilities for every word of one page.
#[derive(Clone, Debug, PartialEq)]
pub struct WordPredictions {
    /// Label names; index = class.
    pub labels: Arc<[String]>,
    /// Calibrated probabilities, row-major `[words, labels]`, each row adding up to 1.
    pub probabilities: Vec<f32>,
}

impl WordPredictions {
    /// Probabilities of one word over all labels.
    ///
    /// # Panics
    /// If there is no such word.
    #[must_use]
    pub fn word(&self, index: usize) -> &[f32] {
        &self.probabilities[index * self.labels.len()..][..self.labels.len()]
    }

    /// The predictions of the words that are marked `true`.
    #[must_use]
    pub fn only(&self, kept: &[bool]) -> Self {
        let words = (0..self.len()).zip(kept).filter(|(_, kept)| **kept);
        let probabilities = words.flat_map(|(word, _)| self.word(word)).copied().collect();
        Self { labels: Arc::clone(&self.labels), probabilities }
    }

    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.labels.is_empty() { 0 } else { self.probabilities.len() / self.labels.len() }
    }

    /// Whether there are no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the text encoder says about one text. Heads that the model lacks are absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextPrediction {
    /// Calibrated sentiment probabilities in the model's label order.
    pub sentiment: Option<Vec<f32>>,
    /// Entity spans in text order, not overlapping.
    pub entities: Vec<EntitySpan>,
    /// Calibrated section-kind probabilities in the model's label order.
    pub section_kind: Option<Vec<f32>>,
    /// Sentence embedding.
    pub embedding: Option<Vec<f32>>,
}

/// A span that the entity head found.
#[derive(Clone, Debug, PartialEq)]
pub struct EntitySpan {
    /// Byte range in the text.
    pub range: Range<usize>,
    /// Entity type without the B-/I- prefix.
    pub label: String,
    /// Calibrated probability: the mean over the span's words of the probability of the type, or what a network says
    /// that has learned from right and wrong spans.
    pub confidence: f32,
    /// Further probabilities behind it.
    pub evidence: SpanEvidence,
}

/// How sure a model is of the words of a span and of those around it; probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpanEvidence {
    /// Of the type, at the span's least certain word.
    pub least: f32,
    /// Of the tag at its first word.
    pub first: f32,
    /// That the words next to it are no entity, the smaller of both; 1 where there are none.
    pub outside: f32,
}
