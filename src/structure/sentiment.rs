//! Sentiment of sentences, sections and documents.

use std::collections::BTreeMap;

use super::sections::SectionDraft;
use crate::document::Tone;
use crate::document::analysis::{AggregateSentiment, Rounded, Sentence, Sentiment};

/// Most sentences that are named as the most positive or the most negative ones.
const STRONGEST: usize = 5;

/// The sentiment of one sentence from its probabilities, in the order of `labels`. `None` when the two differ in
/// length or are empty.
#[must_use]
pub fn sentence_sentiment(
    labels: &[String],
    probabilities: &[f32],
    review_threshold: f32,
) -> Option<Sentiment> {
    if labels.is_empty() || labels.len() != probabilities.len() {
        return None;
    }
    let best = index_of_largest(probabilities);
    Some(Sentiment {
        label: labels[best].clone(),
        confidence: probabilities[best],
        probabilities: labels.iter().cloned().zip(probabilities.iter().copied().map(Rounded)).collect(),
        needs_review: probabilities[best] < review_threshold,
    })
}

/// Identifiers of the sentences of this tone, most probable first, at most [`STRONGEST`].
pub(super) fn strongest(sentences: &[Sentence], tone: Tone) -> Vec<u32> {
    let mut found: Vec<(f32, u32)> = sentences
        .iter()
        .filter_map(|sentence| {
            let sentiment = sentence.sentiment.as_ref()?;
            let alike = Tone::of(&sentiment.label) == Some(tone);
            alike.then(|| (sentiment.probability_of(tone), sentence.id))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.into_iter().take(STRONGEST).map(|(_, id)| id).collect()
}

/// Running mean of sentence probabilities, weighted by words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentimentSum {
    /// Sum of weight times probability, per label.
    weighted: Vec<f64>,
    weight: f64,
    sentences: u32,
    /// Sentences per label, by the most probable label.
    counts: Vec<u32>,
}

impl SentimentSum {
    /// Adds a sentence of `words` words; one of none counts as one.
    pub fn add(&mut self, probabilities: &[f32], words: usize) {
        let weight = words.max(1) as f64;
        self.weighted.resize(self.weighted.len().max(probabilities.len()), 0.0);
        for (sum, probability) in self.weighted.iter_mut().zip(probabilities) {
            *sum += weight * f64::from(*probability);
        }
        self.weight += weight;
        self.sentences += 1;
        self.counts.resize(self.weighted.len(), 0);
        if let Some(count) = self.counts.get_mut(index_of_largest(probabilities)) {
            *count += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.weighted.resize(self.weighted.len().max(other.weighted.len()), 0.0);
        for (sum, more) in self.weighted.iter_mut().zip(&other.weighted) {
            *sum += more;
        }
        self.weight += other.weight;
        self.sentences += other.sentences;
        self.counts.resize(self.weighted.len(), 0);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// The aggregate, or `None` of no sentences.
    #[must_use]
    pub fn aggregate(&self, labels: &[String]) -> Option<AggregateSentiment> {
        if self.sentences == 0 || labels.len() != self.weighted.len() || labels.is_empty() {
            return None;
        }
        let mean: Vec<f32> = self.weighted.iter().map(|sum| (sum / self.weight) as f32).collect();
        // Several labels may have one tone (`4 stars`, `5 stars`).
        let of = |tone: Tone| {
            let alike = labels.iter().zip(&mean).filter(|(label, _)| Tone::of(label) == Some(tone));
            alike.map(|(_, mean)| *mean).reduce(|sum, mean| sum + mean)
        };
        let balance = match (of(Tone::Positive), of(Tone::Negative)) {
            (Some(positive), Some(negative)) => positive - negative,
            _ => 0.0,
        };
        let probabilities: BTreeMap<String, Rounded> =
            labels.iter().cloned().zip(mean.iter().copied().map(Rounded)).collect();
        Some(AggregateSentiment {
            label: labels[index_of_largest(&mean)].clone(),
            probabilities,
            balance,
            sentences: self.sentences,
            counts: labels.iter().cloned().zip(self.counts.iter().copied()).collect(),
        })
    }
}

/// Sums per section over its own sentences and those of its subsections, and the sum over the document.
///
/// `sentences` gives section, number of words and probabilities of each.
pub fn sum_by_section<'p>(
    sections: &[SectionDraft],
    sentences: impl IntoIterator<Item = (usize, usize, &'p [f32])>,
) -> (Vec<SentimentSum>, SentimentSum) {
    let mut sums = vec![SentimentSum::default(); sections.len()];
    let mut document = SentimentSum::default();
    for (section, words, probabilities) in sentences {
        if let Some(sum) = sums.get_mut(section) {
            sum.add(probabilities, words);
        }
        document.add(probabilities, words);
    }
    // Children come after their parents, so that going backwards every child is complete before it is added.
    for index in (0..sections.len()).rev() {
        if let Some(parent) = sections[index].parent.filter(|parent| *parent < index) {
            let own = sums[index].clone();
            sums[parent].merge(&own);
        }
    }
    (sums, document)
}

fn index_of_largest(values: &[f32]) -> usize {
    (0..values.len()).rev().max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["positive", "negative", "neutral"].map(str::to_owned).to_vec()
    }

    #[test]
    fn longer_sentences_weigh_more_and_subsections_count() {
        let section = |parent| SectionDraft { title: String::new(), level: 1, parent, blocks: Vec::new() };
        let sections = [section(None), section(Some(0)), section(None)];
        let good = [0.75f32, 0.0, 0.25];
        let bad = [0.0f32, 1.0, 0.0];
        let (sums, document) = sum_by_section(&sections, [(0, 30, &good[..]), (1, 10, &bad[..])]);
        let parent = sums[0].aggregate(&labels()).expect("two sentences");
        assert_eq!((parent.sentences, parent.label.as_str()), (2, "positive"));
        assert!((parent.balance - (0.5625 - 0.25)).abs() < 1e-6);
        assert_eq!(sums[1].aggregate(&labels()).expect("one").label, "negative");
        assert_eq!(sums[2].aggregate(&labels()), None);
        assert_eq!(document.aggregate(&labels()), Some(parent));
    }

    #[test]
    fn sentences_are_counted_by_label_and_the_strongest_named() {
        let mut sum = SentimentSum::default();
        let all = [[0.7f32, 0.1, 0.2], [0.1, 0.8, 0.1], [0.05, 0.9, 0.05], [0.3, 0.3, 0.4]];
        let place = crate::document::BBox::new(0.0, 0.0, 1.0, 1.0);
        let sentences: Vec<Sentence> = all
            .iter()
            .zip(0..)
            .map(|(probabilities, id)| {
                sum.add(probabilities, 5);
                Sentence {
                    id,
                    section: 0,
                    block: 0,
                    page: 1,
                    boxes: vec![place],
                    continues: Vec::new(),
                    text: String::new(),
                    sentiment: sentence_sentiment(&labels(), probabilities, 0.0),
                }
            })
            .collect();
        let counts = sum.aggregate(&labels()).expect("four sentences").counts;
        let counts: Vec<(&str, u32)> = counts.iter().map(|(label, count)| (label.as_str(), *count)).collect();
        assert_eq!(counts, [("negative", 2), ("neutral", 1), ("positive", 1)]);
        assert_eq!(strongest(&sentences, Tone::Negative), [2, 1]);
        assert_eq!(strongest(&sentences, Tone::Positive), [0]);
    }

    #[test]
    fn labels_of_known_meaning_have_a_balance() {
        let of = |labels: &[&str], probabilities: &[f32]| {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            let mut sum = SentimentSum::default();
            sum.add(probabilities, 5);
            sum.aggregate(&labels).expect("one sentence")
        };
        let aggregate = of(&["Bullish", "Bearish", "Neutral"], &[0.75, 0.125, 0.125]);
        assert_eq!((aggregate.balance, aggregate.label.as_str()), (0.625, "Bullish"));
        let stars = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"];
        assert_eq!(of(&stars, &[0.25, 0.25, 0.0, 0.125, 0.375]).balance, 0.0);
        assert_eq!(of(&stars, &[0.0, 0.125, 0.125, 0.25, 0.5]).balance, 0.625);
    }

    #[test]
    fn other_label_sets_have_no_balance() {
        let labels = ["hawkish".to_owned(), "dovish".to_owned()];
        let mut sum = SentimentSum::default();
        sum.add(&[0.9, 0.1], 5);
        let aggregate = sum.aggregate(&labels).expect("one sentence");
        assert_eq!((aggregate.balance, aggregate.label.as_str()), (0.0, "hawkish"));
        assert!(sentence_sentiment(&labels, &[1.0], 0.5).is_none());
        assert!(
            sentence_sentiment(&labels, &[0.45, 0.55], 0.6).is_some_and(|sentiment| sentiment.needs_review)
        );
    }
}
