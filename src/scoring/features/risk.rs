//! Risk features of a section: what its language says, counted.
//!
//! Version 1, 128 features, from sentences and, where a text model ran, their sentiment. Counts are per 100 words,
//! so that sections of different length compare; those of word families are square roots, which evens out the
//! spread of counts.

use std::collections::HashMap;

use super::lexicon::{FAMILIES, matches};
use super::text::{Token, sentences, tokens};
use super::{Behind, Document, Feature, FeatureSet, Row};
use crate::document::Tone;
use crate::document::analysis::{Sentence, Sentiment};
use crate::document::findings::ScoreTarget;
use crate::limit::Limit;
use docproc_networks::spec::FeatureSetId;

/// Fewest words for which the features say something.
pub const MIN_WORDS: usize = 25;

/// Families for which the share of sentences is a feature too: what a reader would call a risk by name.
const KEY_FAMILIES: [&str; 14] = [
    "adverse",
    "material_adverse",
    "going_concern",
    "insolvency",
    "default",
    "impairment",
    "material_weakness",
    "fraud",
    "litigation",
    "investigation",
    "failure",
    "loss",
    "uncertainty",
    "risk",
];

const PER_HUNDRED: (f32, f32) = (0.0, 100.0);
const SHARE: (f32, f32) = (0.0, 1.0);

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let mut features: Vec<Feature> = FAMILIES
        .iter()
        .map(|family| Feature {
            name: format!("words_{}", family.name),
            meaning: format!("square root of words of the family \"{}\" per 100 words", family.name),
            range: (0.0, 10.0),
        })
        .collect();
    for family in KEY_FAMILIES {
        features.push(Feature {
            name: format!("sentences_{family}"),
            meaning: format!("share of sentences with a word of the family \"{family}\""),
            range: SHARE,
        });
    }
    for (name, meaning, range) in REST {
        features.push(Feature { name: name.to_owned(), meaning: meaning.to_owned(), range });
    }
    FeatureSet { id: FeatureSetId { name: "risk".to_owned(), version: 1 }, subject: "section", features }
}

/// What follows the word families, in the order in which [`Counter::finish`] computes it.
const REST: [(&str, &str, (f32, f32)); 38] = [
    ("adverse_words", "words of any adverse family per 100 words", PER_HUNDRED),
    ("adverse_families", "share of the adverse families that occur", SHARE),
    ("sentences_several_adverse", "share of sentences with words of two or more adverse families", SHARE),
    (
        "densest_sentence",
        "most adverse words in one sentence, per 100 words of sentences with 8 words or more",
        PER_HUNDRED,
    ),
    (
        "sentiment_negative",
        "mean probability of negative, weighted by words; absent without a text model",
        SHARE,
    ),
    (
        "sentiment_neutral",
        "mean probability of neutral, weighted by words; absent without a text model",
        SHARE,
    ),
    (
        "sentiment_positive",
        "mean probability of positive, weighted by words; absent without a text model",
        SHARE,
    ),
    (
        "sentiment_balance",
        "mean of positive minus negative, weighted by words; absent without a text model",
        (-1.0, 1.0),
    ),
    ("sentiment_most_negative", "highest probability of negative; absent without a text model", SHARE),
    ("sentiment_spread", "standard deviation of positive minus negative; absent without a text model", SHARE),
    ("sentiment_share_negative", "share of sentences labelled negative; absent without a text model", SHARE),
    ("sentiment_share_positive", "share of sentences labelled positive; absent without a text model", SHARE),
    ("numbers", "numbers per 100 words", PER_HUNDRED),
    ("percentages", "percent signs per 100 words", (0.0, 1000.0)),
    ("money", "currency signs per 100 words", (0.0, 1000.0)),
    ("years", "numbers from 1900 to 2099 without separators per 100 words", PER_HUNDRED),
    ("sentences_with_numbers", "share of sentences with a number", SHARE),
    ("parenthesised_numbers", "opening parentheses followed by a digit per 100 words", (0.0, 1000.0)),
    ("sentence_length", "mean words per sentence", (0.0, 10_000.0)),
    ("sentence_length_spread", "standard deviation of words per sentence", (0.0, 10_000.0)),
    ("sentence_length_longest", "natural logarithm of 1 + words of the longest sentence", (0.0, 20.0)),
    ("word_length", "mean characters per word", (0.0, 1000.0)),
    ("long_words", "share of words with 8 letters or more", SHARE),
    ("syllables", "mean vowel groups per word", (0.0, 1000.0)),
    (
        "reading_ease",
        "206.835 - 1.015 words per sentence - 84.6 vowel groups per word (after Flesch 1948), over 100",
        (-1000.0, 3.0),
    ),
    ("vocabulary", "different words over the square root of words", (0.0, 1000.0)),
    ("capitalised_words", "share of words that start with a capital letter", SHARE),
    ("upper_case_words", "share of words of two letters or more in capitals only", SHARE),
    ("commas", "commas per 100 words", (0.0, 1000.0)),
    ("semicolons", "semicolons per 100 words", (0.0, 1000.0)),
    ("parentheses", "opening parentheses per 100 words", (0.0, 1000.0)),
    ("quotes", "quotation marks per 100 words", (0.0, 1000.0)),
    ("colons", "colons per 100 words", (0.0, 1000.0)),
    ("bullets", "share of sentences that start with a bullet or dash", SHARE),
    (
        "conditional_openings",
        "share of sentences that start with if, although, while, any or there can be",
        SHARE,
    ),
    ("first_person_openings", "share of sentences that start with we or our", SHARE),
    ("section_words", "natural logarithm of 1 + words", (0.0, 20.0)),
    ("section_sentences", "natural logarithm of 1 + sentences", (0.0, 20.0)),
];

/// Every section with at least [`MIN_WORDS`] words.
pub(super) fn rows(document: &Document<'_>, limit: &Limit) -> Vec<Row> {
    let by_section = by_section(document.sentences);
    let mut rows = Vec::new();
    for section in limit.within(document.sections) {
        let sentences = || by_section.get(&section.id).into_iter().flatten().copied();
        if words(sentences()) >= MIN_WORDS {
            let (target, behind) = (ScoreTarget::Section(section.id), Behind::Sentences(section.id));
            rows.push(Row { target, values: from_sentences(sentences()), behind });
        }
    }
    rows
}

/// Features of plain text; sentiment is absent.
#[must_use]
pub fn from_text(text: &str) -> Vec<f32> {
    let mut counter = Counter::default();
    for sentence in sentences(text) {
        counter.add(sentence, None);
    }
    counter.finish()
}

/// Features of sentences with their sentiment.
#[must_use]
pub fn from_sentences<'a>(sentences: impl IntoIterator<Item = &'a Sentence>) -> Vec<f32> {
    let mut counter = Counter::default();
    for sentence in sentences {
        counter.add(&sentence.text, sentence.sentiment.as_ref());
    }
    counter.finish()
}

/// Words of a section's sentences; below [`MIN_WORDS`] there is nothing to score.
#[must_use]
pub fn words<'a>(sentences: impl IntoIterator<Item = &'a Sentence>) -> usize {
    sentences.into_iter().map(|sentence| sentence.text.split_whitespace().count()).sum()
}

/// The sentences of each section itself, without those of its subsections, by its identifier.
pub(in crate::scoring) fn by_section(sentences: &[Sentence]) -> HashMap<u32, Vec<&Sentence>> {
    let mut sections: HashMap<u32, Vec<&Sentence>> = HashMap::new();
    for sentence in sentences {
        sections.entry(sentence.section).or_default().push(sentence);
    }
    sections
}

/// How much each sentence is behind a score: the contribution of every word-count feature, shared out over the
/// sentences by how often they hold its words. Features that are not counts of words are left out.
#[must_use]
pub fn sentence_contributions<'a>(
    sentences: impl IntoIterator<Item = &'a Sentence>,
    contributions: &[f32],
) -> Vec<(u32, f32)> {
    let mut totals = vec![0u32; FAMILIES.len()];
    let mut each: Vec<(u32, Vec<u32>)> = Vec::new();
    for sentence in sentences {
        let mut counts = vec![0u32; FAMILIES.len()];
        matches(&tokens(&sentence.text), |family| counts[family] += 1);
        for (total, count) in totals.iter_mut().zip(&counts) {
            *total += count;
        }
        each.push((sentence.id, counts));
    }
    each.into_iter()
        .map(|(id, counts)| {
            let share = |family: usize| counts[family] as f32 / totals[family].max(1) as f32;
            (id, (0..FAMILIES.len()).map(|family| contributions[family] * share(family)).sum())
        })
        .collect()
}

#[derive(Default)]
struct Counter {
    families: Vec<u32>,
    sentences_with: Vec<u32>,
    lengths: Vec<f32>,
    sentiments: Vec<(f32, [f32; 3], bool, bool)>,
    words: u32,
    adverse: u32,
    several_adverse: u32,
    densest: f32,
    numbers: u32,
    years: u32,
    with_numbers: u32,
    letters: u32,
    long: u32,
    syllables: u32,
    capitalised: u32,
    upper: u32,
    vocabulary: std::collections::BTreeSet<String>,
    marks: [u32; 8],
    bullets: u32,
    conditional: u32,
    first_person: u32,
}

impl Counter {
    fn add(&mut self, sentence: &str, sentiment: Option<&Sentiment>) {
        let tokens = tokens(sentence);
        self.families.resize(FAMILIES.len(), 0);
        self.sentences_with.resize(FAMILIES.len(), 0);
        let mut counts = vec![0u32; FAMILIES.len()];
        matches(&tokens, |family| counts[family] += 1);
        let (mut adverse, mut kinds) = (0, 0);
        for (family, count) in counts.iter().enumerate() {
            self.families[family] += count;
            self.sentences_with[family] += u32::from(*count > 0);
            if FAMILIES[family].adverse {
                adverse += count;
                kinds += u32::from(*count > 0);
            }
        }
        self.adverse += adverse;
        self.several_adverse += u32::from(kinds >= 2);
        if tokens.len() >= 8 {
            self.densest = self.densest.max((100 * adverse) as f32 / tokens.len() as f32);
        }
        self.words += tokens.len() as u32;
        self.lengths.push(tokens.len() as f32);
        self.with_numbers += u32::from(tokens.iter().any(Token::is_number));
        tokens.iter().for_each(|token| self.add_word(token));
        self.add_marks(sentence);
        let first = tokens.first().map_or("", |token| token.lower.as_str());
        let second = tokens.get(1).map_or("", |token| token.lower.as_str());
        self.conditional += u32::from(
            matches!(first, "if" | "although" | "while" | "any") || (first, second) == ("there", "can"),
        );
        self.first_person += u32::from(matches!(first, "we" | "our"));
        if let Some(sentiment) = sentiment {
            let tone = Tone::of(&sentiment.label);
            self.sentiments.push((
                tokens.len() as f32,
                [Tone::Negative, Tone::Neutral, Tone::Positive].map(|tone| sentiment.probability_of(tone)),
                tone == Some(Tone::Negative),
                tone == Some(Tone::Positive),
            ));
        }
    }

    fn add_word(&mut self, token: &Token<'_>) {
        if token.is_number() {
            self.numbers += 1;
            let year = token.text.len() == 4
                && token.text.parse().is_ok_and(|year: u32| (1900..2100).contains(&year));
            self.years += u32::from(year);
        }
        let letters = token.text.chars().filter(|c| c.is_alphabetic()).count();
        self.letters += token.text.chars().count() as u32;
        self.long += u32::from(letters >= 8);
        self.syllables += vowel_groups(&token.lower);
        self.capitalised += u32::from(token.text.starts_with(char::is_uppercase));
        self.upper += u32::from(letters >= 2 && !token.text.contains(char::is_lowercase));
        self.vocabulary.insert(token.lower.clone());
    }

    /// Punctuation: comma, semicolon, parenthesis, quote, colon, percent, currency, parenthesis before a digit.
    fn add_marks(&mut self, sentence: &str) {
        let mut characters = sentence.chars().peekable();
        self.bullets += u32::from(
            sentence
                .trim_start()
                .starts_with(['\u{2022}', '\u{25cf}', '\u{25aa}', '-', '\u{2013}', '*', '\u{b7}']),
        );
        while let Some(character) = characters.next() {
            let mark = match character {
                ',' => 0,
                ';' => 1,
                '(' => {
                    let digit = characters.peek().is_some_and(|next| next.is_ascii_digit() || *next == '$');
                    self.marks[7] += u32::from(digit);
                    2
                }
                '"' | '\u{201c}' | '\u{201d}' => 3,
                ':' => 4,
                '%' => 5,
                '$' | '\u{20ac}' | '\u{a3}' | '\u{a5}' => 6,
                _ => continue,
            };
            self.marks[mark] += 1;
        }
    }

    fn finish(self) -> Vec<f32> {
        let count = self.lengths.len() as f32;
        let (words, sentences) = (self.words.max(1) as f32, count.max(1.0));
        let hundred = |value: u32| 100.0 * value as f32 / words;
        let share = |value: u32| value as f32 / sentences;
        let word_share = |value: u32| value as f32 / words;
        let empty = vec![0; FAMILIES.len()];
        let families = if self.families.is_empty() { &empty } else { &self.families };
        let with = if self.sentences_with.is_empty() { &empty } else { &self.sentences_with };
        let mut values: Vec<f32> = families.iter().map(|total| hundred(*total).sqrt()).collect();
        for name in KEY_FAMILIES {
            let family = FAMILIES.iter().position(|family| family.name == name);
            values.push(family.map_or(f32::NAN, |family| share(with[family])));
        }
        let adverse_families = FAMILIES.iter().filter(|family| family.adverse).count() as f32;
        let present =
            FAMILIES.iter().zip(families).filter(|(family, total)| family.adverse && **total > 0).count();
        values.extend([
            hundred(self.adverse).min(100.0),
            present as f32 / adverse_families,
            share(self.several_adverse),
            self.densest.min(100.0),
        ]);
        values.extend(self.sentiment());
        values.extend([
            hundred(self.numbers),
            hundred(self.marks[5]),
            hundred(self.marks[6]),
            hundred(self.years),
            share(self.with_numbers),
            hundred(self.marks[7]),
        ]);
        let mean = self.lengths.iter().sum::<f32>() / sentences;
        let variance = self.lengths.iter().map(|length| (length - mean).powi(2)).sum::<f32>() / sentences;
        let longest = self.lengths.iter().copied().fold(0.0, f32::max);
        let syllables = word_share(self.syllables);
        values.extend([
            mean,
            variance.sqrt(),
            longest.ln_1p(),
            word_share(self.letters),
            word_share(self.long),
            syllables,
            (206.835 - 1.015 * mean - 84.6 * syllables) / 100.0,
            self.vocabulary.len() as f32 / words.sqrt(),
            word_share(self.capitalised),
            word_share(self.upper),
            hundred(self.marks[0]),
            hundred(self.marks[1]),
            hundred(self.marks[2]),
            hundred(self.marks[3]),
            hundred(self.marks[4]),
            share(self.bullets),
            share(self.conditional),
            share(self.first_person),
            (self.words as f32).ln_1p(),
            count.ln_1p(),
        ]);
        values
    }

    fn sentiment(&self) -> [f32; 8] {
        let count = self.sentiments.len() as f32;
        let weight: f32 = self.sentiments.iter().map(|(words, ..)| words).sum();
        if weight <= 0.0 {
            return [f32::NAN; 8];
        }
        let mean = |class: usize| {
            self.sentiments.iter().map(|(words, p, ..)| words * p[class]).sum::<f32>() / weight
        };
        let balances: Vec<f32> = self.sentiments.iter().map(|(_, p, ..)| p[2] - p[0]).collect();
        let center = balances.iter().sum::<f32>() / count;
        let spread = (balances.iter().map(|b| (b - center).powi(2)).sum::<f32>() / count).sqrt();
        [
            mean(0),
            mean(1),
            mean(2),
            mean(2) - mean(0),
            self.sentiments.iter().map(|(_, p, ..)| p[0]).fold(0.0, f32::max),
            spread,
            self.sentiments.iter().filter(|(_, _, negative, _)| *negative).count() as f32 / count,
            self.sentiments.iter().filter(|(.., positive)| *positive).count() as f32 / count,
        ]
    }
}

/// Groups of neighbouring vowels: a rough count of syllables, at least 1 for words with letters.
fn vowel_groups(lower: &str) -> u32 {
    let mut groups = 0;
    let mut inside = false;
    for character in lower.chars() {
        let vowel = matches!(character, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
        groups += u32::from(vowel && !inside);
        inside = vowel;
    }
    groups.max(u32::from(lower.chars().any(char::is_alphabetic)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::document::analysis::Rounded;

    fn value(values: &[f32], name: &str) -> f32 {
        values[set().features.iter().position(|feature| feature.name == name).unwrap()]
    }

    fn sentence(id: u32, text: &str, probabilities: [f32; 3]) -> Sentence {
        let labels = ["negative", "neutral", "positive"];
        let best = (0..3).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap();
        Sentence {
            id,
            section: 0,
            block: 0,
            page: 1,
            boxes: vec![],
            continues: vec![],
            text: text.to_owned(),
            sentiment: Some(Sentiment {
                label: labels[best].to_owned(),
                confidence: probabilities[best],
                probabilities: BTreeMap::from_iter(
                    labels.iter().zip(probabilities).map(|(label, p)| ((*label).to_owned(), Rounded(p))),
                ),
                needs_review: false,
            }),
        }
    }

    #[test]
    fn there_are_128() {
        assert_eq!(set().len(), 128);
        assert_eq!(from_text("").len(), 128);
        assert_eq!(FAMILIES.len() + KEY_FAMILIES.len() + REST.len(), 128);
    }

    #[test]
    fn counts_what_the_text_says() {
        let values = from_text(
            "There is substantial doubt about our ability to continue as a going concern. We lost $5 million (10%) in 2023.",
        );
        assert_eq!(value(&values, "words_going_concern"), (100.0 * 3.0 / 20.0f32).sqrt());
        assert_eq!(value(&values, "sentences_going_concern"), 0.5);
        assert_eq!(value(&values, "words_loss"), 5f32.sqrt());
        assert_eq!(value(&values, "years"), 100.0 / 20.0);
        assert_eq!(value(&values, "first_person_openings"), 0.5);
        assert!(value(&values, "sentiment_negative").is_nan());
    }

    #[test]
    fn sentiment_is_weighted_by_words_and_sentences_share_contributions() {
        let sentences = [
            sentence(4, "Litigation may harm us badly and often", [0.8, 0.1, 0.1]),
            sentence(9, "All well", [0.0, 0.2, 0.8]),
        ];
        let values = from_sentences(&sentences);
        assert!((value(&values, "sentiment_negative") - 0.8 * 7.0 / 9.0).abs() < 1e-6);
        assert_eq!(value(&values, "sentiment_share_negative"), 0.5);
        let mut contributions = vec![0.0; 128];
        contributions[FAMILIES.iter().position(|family| family.name == "litigation").unwrap()] = 2.0;
        assert_eq!(sentence_contributions(&sentences, &contributions), [(4, 2.0), (9, 0.0)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn values_stay_in_their_ranges(text in "([a-zA-Z0-9,.;:()$% ]{0,30}|loss|not|we|\\. If ){0,20}") {
            for (value, feature) in from_text(&text).iter().zip(set().features) {
                let inside = *value >= feature.range.0 && *value <= feature.range.1;
                prop_assert!(value.is_nan() || inside, "{} = {value}", feature.name);
            }
        }
    }
}
