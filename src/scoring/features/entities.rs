//! What speaks for and against a name that the text model marked: how sure it is of every word and of the words around
//! the name, and how the name is written. For the probability that its words and its type are right.

use super::{Feature, FeatureSet};
use crate::document::EntitySpan;
use docproc_networks::spec::FeatureSetId;

const SHARE: (f32, f32) = (0.0, 1.0);
/// Log odds of probabilities between 0.0001 and 0.9999.
const ODDS: (f32, f32) = (-9.3, 9.3);

/// Types of entities that are names. Of others the rules for figures know more than the model.
const NAMES: [(&str, &str); 3] = [
    ("ORG", "whether it is called an organisation"),
    ("PER", "whether it is called a person"),
    ("LOC", "whether it is called a place"),
];

/// Features after the type: name, meaning, range.
const OWN: [(&str, &str, (f32, f32)); 11] = [
    ("mean", "log odds of the mean over its words of the probability of its type", ODDS),
    ("least", "log odds of the smallest of these probabilities", ODDS),
    ("first", "log odds of the tag of its first word", ODDS),
    ("outside", "log odds that the words before and after it are no entity, the smaller of both", ODDS),
    ("words", "ln of its number of words", (0.0, 8.0)),
    ("opens", "whether it opens the sentence", SHARE),
    ("capitals", "share of its words that begin with a capital", SHARE),
    ("acronym", "whether a word of it is all capitals", SHARE),
    ("digits", "whether it has digits", SHARE),
    ("sentence_words", "ln of the number of words of the sentence", (0.0, 12.0)),
    ("others", "ln(1 + other entities of the sentence)", (0.0, 8.0)),
];

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let types = NAMES.map(|(name, meaning)| (format!("type_{}", name.to_lowercase()), meaning, SHARE));
    let own = OWN.map(|(name, meaning, range)| (name.to_owned(), meaning, range));
    let features = types
        .into_iter()
        .chain(own)
        .map(|(name, meaning, range)| Feature { name, meaning: meaning.to_owned(), range })
        .collect();
    FeatureSet { id: FeatureSetId { name: "entities".to_owned(), version: 1 }, subject: "entity", features }
}

/// The features of every name among the spans of a sentence; `None` for other types.
#[must_use]
pub fn of(sentence: &str, spans: &[EntitySpan]) -> Vec<Option<Vec<f32>>> {
    let flag = |value: bool| f32::from(u8::from(value));
    spans
        .iter()
        .map(|span| {
            let text = sentence.get(span.range.clone())?;
            NAMES.iter().find(|(name, _)| *name == span.label)?;
            let words: Vec<&str> = text.split_whitespace().collect();
            let count = words.len().max(1) as f32;
            let capitals = words.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
            let acronym = |word: &&str| {
                word.chars().count() > 1 && word.chars().all(|c| c.is_uppercase() || !c.is_alphabetic())
            };
            let mut values: Vec<f32> = NAMES.iter().map(|(name, _)| flag(*name == span.label)).collect();
            values.extend([
                log_odds(span.confidence),
                log_odds(span.evidence.least),
                log_odds(span.evidence.first),
                log_odds(span.evidence.outside),
                count.ln(),
                flag(sentence[..span.range.start].trim().is_empty()),
                capitals as f32 / count,
                flag(words.iter().any(acronym)),
                flag(text.bytes().any(|byte| byte.is_ascii_digit())),
                (sentence.split_whitespace().count().max(1) as f32).ln(),
                (spans.len() as f32 - 1.0).ln_1p(),
            ]);
            Some(values)
        })
        .collect()
}

fn log_odds(probability: f32) -> f32 {
    let p = probability.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::SpanEvidence;

    #[test]
    fn describes_names_by_the_models_doubts_and_their_writing() {
        let sentence = "IBM Corp. hired Ada Lovelace for $5 million.";
        let span = |range: std::ops::Range<usize>, label: &str, confidence| EntitySpan {
            range,
            label: label.to_owned(),
            confidence,
            evidence: SpanEvidence { least: confidence - 0.2, first: 0.9, outside: 1.0 },
        };
        let found =
            of(sentence, &[span(0..9, "ORG", 0.9), span(16..28, "PER", 0.7), span(33..43, "MONEY", 0.9)]);
        assert!(found[2].is_none());
        let set = set();
        let value = |row: usize, name: &str| {
            found[row].as_ref().unwrap()[set.names().iter().position(|other| other == name).unwrap()]
        };
        assert_eq!((value(0, "type_org"), value(1, "type_org"), value(1, "type_per")), (1.0, 0.0, 1.0));
        assert_eq!(
            (value(0, "opens"), value(1, "opens"), value(0, "acronym"), value(1, "acronym")),
            (1.0, 0.0, 1.0, 0.0)
        );
        assert!((value(0, "mean") - 9f32.ln()).abs() < 1e-4 && value(0, "least") < value(0, "mean"));
        for row in found.iter().flatten() {
            assert_eq!(row.len(), set.len());
            for (value, feature) in row.iter().zip(&set.features) {
                assert!((feature.range.0..=feature.range.1).contains(value), "{} {value}", feature.name);
            }
        }
    }
}
