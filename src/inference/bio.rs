//! Word tags to entity spans.

use std::ops::Range;

use super::probabilities::argmax;
use crate::document::{EntitySpan, SpanEvidence};

/// A tag set split into positions and types: "B-ORG" begins an ORG, "I-ORG" continues one, any other name without
/// a prefix is a type of its own (models without BIO tags), "O" is nothing.
#[derive(Clone, Debug)]
pub(super) struct Tags {
    types: Vec<String>,
    /// Per tag: begins a span, and the type; `None` for "O".
    tags: Vec<Option<(bool, usize)>>,
}

impl Tags {
    pub(super) fn new(labels: &[String]) -> Self {
        let mut types: Vec<String> = Vec::new();
        let tags = labels
            .iter()
            .map(|label| {
                let (begins, name) = match label.split_once('-') {
                    Some(("B" | "S" | "U", name)) => (true, name),
                    Some(("I" | "E" | "L" | "M", name)) => (false, name),
                    _ if label == "O" => return None,
                    _ => (false, label.as_str()),
                };
                let index = types.iter().position(|known| known == name).unwrap_or_else(|| {
                    types.push(name.to_owned());
                    types.len() - 1
                });
                Some((begins, index))
            })
            .collect();
        Self { types, tags }
    }

    /// Spans of words that carry the same type: a "B-" begins one, an "I-" of the same type continues it, an "I-"
    /// of another type (or after "O") begins one as well. The confidence is the mean over the span's words of the
    /// probability of its type, whatever the position.
    ///
    /// `words` are byte ranges in text order; `probabilities` has a row over all tags for each, or `None` where the
    /// model said nothing.
    pub(super) fn spans(
        &self,
        words: &[Range<usize>],
        probabilities: &[Option<Vec<f32>>],
    ) -> Vec<EntitySpan> {
        struct Open {
            kind: usize,
            range: Range<usize>,
            sum: f32,
            words: f32,
            evidence: SpanEvidence,
        }
        let outside = |place: Option<usize>| {
            let row = place.and_then(|place| probabilities.get(place)).and_then(Option::as_ref);
            let none = |row: &Vec<f32>| self.tags.iter().position(Option::is_none).map(|tag| row[tag]);
            row.and_then(none).unwrap_or(1.0)
        };
        let mut spans = Vec::new();
        let mut open: Option<Open> = None;
        let mut close = |open: Option<Open>, next: usize| {
            if let Some(Open { kind, range, sum, words, evidence }) = open {
                let outside = evidence.outside.min(outside(Some(next)));
                spans.push(EntitySpan {
                    range,
                    label: self.types[kind].clone(),
                    confidence: sum / words,
                    evidence: SpanEvidence { outside, ..evidence },
                });
            }
        };
        for (place, (word, row)) in words.iter().zip(probabilities).enumerate() {
            let tag = row.as_ref().and_then(|row| self.tags[argmax(row)]);
            let (Some((begins, kind)), Some(row)) = (tag, row) else {
                close(open.take(), place);
                continue;
            };
            let probability: f32 = self
                .tags
                .iter()
                .zip(row)
                .filter(|(tag, _)| tag.is_some_and(|(_, other)| other == kind))
                .map(|(_, probability)| probability)
                .sum();
            match &mut open {
                Some(span) if span.kind == kind && !begins => {
                    span.range.end = word.end;
                    span.sum += probability;
                    span.words += 1.0;
                    span.evidence.least = span.evidence.least.min(probability);
                }
                _ => {
                    let evidence = SpanEvidence {
                        least: probability,
                        first: row[argmax(row)],
                        outside: outside(place.checked_sub(1)),
                    };
                    let begun = Open { kind, range: word.clone(), sum: probability, words: 1.0, evidence };
                    close(open.replace(begun), place);
                }
            }
        }
        close(open, words.len());
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(labels: &[&str], tags: &[&str]) -> Vec<(Range<usize>, String, f32)> {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        let words: Vec<Range<usize>> = (0..tags.len()).map(|at| 10 * at..10 * at + 5).collect();
        let rows: Vec<Option<Vec<f32>>> = tags
            .iter()
            .map(|tag| {
                let at = labels.iter().position(|label| label == tag)?;
                let rest = 0.4 / (labels.len() - 1) as f32;
                Some((0..labels.len()).map(|index| if index == at { 0.6 } else { rest }).collect())
            })
            .collect();
        let spans = Tags::new(&labels).spans(&words, &rows);
        spans.into_iter().map(|span| (span.range, span.label, span.confidence)).collect()
    }

    #[test]
    fn bio_tags_make_spans() {
        let labels = ["O", "B-ORG", "I-ORG", "B-MONEY", "I-MONEY"];
        let found = spans(&labels, &["B-ORG", "I-ORG", "O", "B-ORG", "B-ORG", "I-MONEY", "I-MONEY"]);
        let places: Vec<_> = found.iter().map(|(range, label, _)| (range.clone(), label.as_str())).collect();
        assert_eq!(places, [(0..15, "ORG"), (30..35, "ORG"), (40..45, "ORG"), (50..65, "MONEY")]);
        // 0.6 for the tag itself and 0.1 for the other tag of its type.
        assert!(found.iter().all(|(_, _, confidence)| (confidence - 0.7).abs() < 1e-6));
    }

    #[test]
    fn unknown_words_and_stray_tags() {
        let labels = ["O", "B-ORG", "I-ORG"];
        assert_eq!(spans(&labels, &["I-ORG", "?", "I-ORG"]).len(), 2);
        assert_eq!(spans(&labels, &["O", "O"]), []);
        // Without prefixes neighbouring words of a type are one span.
        assert_eq!(spans(&["O", "company"], &["company", "company", "O"]).len(), 1);
    }
}
