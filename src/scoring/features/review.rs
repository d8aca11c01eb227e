//! What the rest of docproc found in a document, in one vector: for the network that says what to look at first.
//!
//! The text encoder's embedding of the whole document along fixed directions, sentiment, the scores of the other
//! networks, counts of the arithmetic audit and of the other findings.

use std::collections::BTreeSet;

use super::lexicon::{FAMILIES, matches};
use super::text::tokens;
use super::{Behind, Document, Feature, FeatureSet, Row};
use crate::document::Tone;
use crate::document::analysis::{Place, Rounded, Score, Sentence};
use crate::document::findings::{Anomaly, ScoreTarget, Severity};
use crate::scoring::recipes::TABLE_KINDS;
use docproc_networks::random::Random;
use docproc_networks::spec::FeatureSetId;

/// Directions along which the document's embedding is measured.
const DIRECTIONS: usize = 16;
/// Seed of their signs; part of the version of the set.
const SEED: u64 = 16;
/// Networks whose scores of sections or pages are summed up.
const SUMMED: [(&str, &str); 2] = [("risk_scorer", "sections"), ("anomaly_detector", "pages")];
/// Kinds of findings apart from arithmetic that are counted one by one.
const KINDS: [&str; 6] =
    ["hidden_text", "font_mismatch", "page_number", "impossible_date", "period_misfit", "text_layer"];

/// Families of words that name what a reader must not miss.
const ALARMS: [&str; 8] = [
    "going_concern",
    "insolvency",
    "default",
    "impairment",
    "material_weakness",
    "fraud",
    "litigation",
    "investigation",
];
/// Sentences in a row that are looked at together.
const PASSAGE: usize = 3;
/// Fewest words of a passage.
const PASSAGE_WORDS: usize = 25;

const SHARE: (f32, f32) = (0.0, 1.0);
const LOGARITHM: (f32, f32) = (0.0, 20.0);

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let mut features = Vec::new();
    let mut add = |name: String, meaning: String, range| features.push(Feature { name, meaning, range });
    for what in ["pages", "words", "sentences", "tables", "sections"] {
        add(what.to_owned(), format!("ln(1 + {what})"), LOGARITHM);
    }
    for (name, meaning) in [
        ("negative", "mean probability that a sentence is negative"),
        ("positive", "mean probability that a sentence is positive"),
        ("negative_share", "share of sentences labelled negative"),
        ("negative_most", "highest probability of negative"),
        ("negative_second", "second highest probability of negative"),
        ("unsure_blocks", "share of layout blocks below their review threshold"),
    ] {
        add(name.to_owned(), meaning.to_owned(), SHARE);
    }
    for (name, meaning, range) in [
        ("passage_adverse", "most adverse words per 100 in three sentences in a row", (0.0, 100.0)),
        ("passage_families", "most families of adverse words in three sentences in a row", (0.0, 100.0)),
        ("passage_negative", "highest mean probability of negative of three sentences in a row", SHARE),
        ("passage_alarm", "highest product of both: adverse words per 100 and negative", (0.0, 100.0)),
    ] {
        add(name.to_owned(), meaning.to_owned(), range);
    }
    for family in ALARMS {
        let meaning =
            format!("highest probability of negative of a sentence with a word of the family {family}");
        add(format!("alarm_{family}"), meaning + "; 0 without one", SHARE);
    }
    for (network, things) in SUMMED {
        add(format!("{network}_scored"), format!("ln(1 + {things} that {network} scored)"), LOGARITHM);
        for (name, meaning) in [
            ("most", "highest"),
            ("second", "second highest"),
            ("mean", "mean"),
            ("flagged", "share flagged"),
        ] {
            let of = if name == "flagged" { "of them" } else { "of its scores" };
            add(format!("{network}_{name}"), format!("{meaning} {of}; absent without any"), SHARE);
        }
    }
    add("distress".to_owned(), "score of `distress`; absent without one".to_owned(), SHARE);
    for kind in TABLE_KINDS {
        let meaning = format!("share of tables that pattern_detector takes for {kind}; absent without any");
        add(format!("tables_{kind}"), meaning, SHARE);
    }
    for (name, meaning) in
        [("checked", "relations checked"), ("hold", "that hold"), ("broken", "that do not")]
    {
        add(format!("audit_{name}"), format!("ln(1 + {meaning}) by the arithmetic audit"), LOGARITHM);
    }
    add("audit_broken_share".to_owned(), "share of checked relations that do not hold".to_owned(), SHARE);
    add("audit_any_broken".to_owned(), "whether any does not".to_owned(), SHARE);
    for kind in KINDS {
        add(format!("found_{kind}"), format!("ln(1 + findings of the kind {kind})"), LOGARITHM);
    }
    for severity in ["errors", "warnings"] {
        let meaning = format!("ln(1 + findings that are {severity}), those of the audit left out");
        add(format!("found_{severity}"), meaning, LOGARITHM);
    }
    for direction in 1..=DIRECTIONS {
        let meaning = format!("the document's mean embedding along fixed direction {direction}");
        add(format!("embedding_{direction}"), meaning, (-50.0, 50.0));
    }
    FeatureSet { id: FeatureSetId { name: "review".to_owned(), version: 1 }, subject: "document", features }
}

/// One row, or none for a document without pages.
pub(super) fn rows(document: &Document<'_>) -> Vec<Row> {
    if document.pages.is_empty() {
        return Vec::new();
    }
    vec![Row { target: ScoreTarget::Document, values: of(document), behind: behind(document) }]
}

fn ln(count: usize) -> f32 {
    (count as f32).ln_1p()
}

fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { f32::NAN } else { part as f32 / whole as f32 }
}

fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { f32::NAN } else { values.iter().sum::<f32>() / values.len() as f32 }
}

fn is_arithmetic(anomaly: &Anomaly) -> bool {
    anomaly.formula.is_some()
}

fn of(document: &Document<'_>) -> Vec<f32> {
    let words: usize = document.pages.iter().map(|page| page.words as usize).sum();
    let mut values = vec![
        ln(document.pages.len()),
        ln(words),
        ln(document.sentences.len()),
        ln(document.tables.len()),
        ln(document.sections.len()),
    ];

    let sentiments: Vec<_> =
        document.sentences.iter().filter_map(|sentence| sentence.sentiment.as_ref()).collect();
    let probability_of = |tone: Tone| -> Vec<f32> {
        sentiments.iter().map(|sentiment| sentiment.probability_of(tone)).collect()
    };
    let mut negative = probability_of(Tone::Negative);
    values.extend([mean(&negative), mean(&probability_of(Tone::Positive))]);
    let labelled =
        sentiments.iter().filter(|sentiment| Tone::of(&sentiment.label) == Some(Tone::Negative)).count();
    values.push(share(labelled, sentiments.len()));
    negative.sort_by(|a, b| b.total_cmp(a));
    values.extend((0..2).map(|rank| negative.get(rank).copied().unwrap_or(f32::NAN)));
    let unsure = document.blocks.iter().filter(|block| block.needs_review).count();
    values.push(share(unsure, document.blocks.len()));

    values.extend(passages(document.sentences));

    let of_network =
        |name: &str| document.scores.iter().filter(|score| score.network == name).collect::<Vec<&Score>>();
    for (network, _) in SUMMED {
        let found = of_network(network);
        let mut scores: Vec<f32> = found.iter().map(|score| score.score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        values.push(ln(scores.len()));
        values.extend((0..2).map(|rank| scores.get(rank).copied().unwrap_or(f32::NAN)));
        values.push(mean(&scores));
        values.push(share(found.iter().filter(|score| score.flagged).count(), found.len()));
    }
    values.push(of_network("distress").first().map_or(f32::NAN, |score| score.score));
    let tables = of_network("pattern_detector");
    for kind in TABLE_KINDS {
        let alike = tables.iter().filter(|score| score.class.as_deref() == Some(kind)).count();
        values.push(share(alike, tables.len()));
    }

    let audit = document.audit;
    values.extend([audit.checked, audit.hold, audit.broken].map(|count| ln(count as usize)));
    values.push(share(audit.broken as usize, audit.checked as usize));
    values.push(f32::from(u8::from(audit.broken > 0)));
    let count = |test: &dyn Fn(&Anomaly) -> bool| {
        ln(document.anomalies.iter().filter(|anomaly| !is_arithmetic(anomaly) && test(anomaly)).count())
    };
    values.extend(KINDS.map(|kind| count(&|anomaly| anomaly.kind == kind)));
    values.extend([Severity::Error, Severity::Warning].map(|level| count(&|a| a.severity == level)));
    values.extend(along_directions(document.embedding));
    values
}

/// What the worst passages say: four figures of three sentences in a row, then one per family of [`ALARMS`].
fn passages(sentences: &[Sentence]) -> Vec<f32> {
    struct Read {
        section: u32,
        words: usize,
        adverse: u32,
        families: BTreeSet<usize>,
        negative: f32,
    }
    let read: Vec<Read> = sentences
        .iter()
        .map(|sentence| {
            let tokens = tokens(&sentence.text);
            let (mut adverse, mut families) = (0, BTreeSet::new());
            matches(&tokens, |family| {
                if FAMILIES[family].adverse {
                    adverse += 1;
                    families.insert(family);
                }
            });
            let sentiment = sentence.sentiment.as_ref();
            let negative = sentiment.map_or(0.0, |sentiment| sentiment.probability_of(Tone::Negative));
            Read { section: sentence.section, words: tokens.len(), adverse, families, negative }
        })
        .collect();
    let mut worst = [0.0f32; 4];
    for passage in read.windows(PASSAGE) {
        let words: usize = passage.iter().map(|sentence| sentence.words).sum();
        if words < PASSAGE_WORDS || passage.iter().any(|sentence| sentence.section != passage[0].section) {
            continue;
        }
        let adverse = 100.0 * passage.iter().map(|s| s.adverse).sum::<u32>() as f32 / words as f32;
        let families: BTreeSet<usize> = passage.iter().flat_map(|s| s.families.iter().copied()).collect();
        let negative = passage.iter().map(|s| s.negative).sum::<f32>() / PASSAGE as f32;
        for (worst, value) in
            worst.iter_mut().zip([adverse, families.len() as f32, negative, adverse * negative])
        {
            *worst = worst.max(value);
        }
    }
    let alarm = |name: &str| {
        let family = FAMILIES.iter().position(|family| family.name == name);
        let with = read.iter().filter(|sentence| family.is_some_and(|f| sentence.families.contains(&f)));
        with.map(|sentence| sentence.negative).fold(0.0, f32::max)
    };
    worst.into_iter().chain(ALARMS.map(alarm)).collect()
}

/// A vector along fixed directions of random signs (as Johnson and Lindenstrauss reduce dimensions): the same ones for
/// every vector of a length. Absent for an empty vector.
fn along_directions(vector: &[Rounded]) -> [f32; DIRECTIONS] {
    if vector.is_empty() {
        return [f32::NAN; DIRECTIONS];
    }
    let mut random = Random::new(SEED);
    let mut sums = [0.0; DIRECTIONS];
    for value in vector {
        for sum in &mut sums {
            *sum += if random.below(2) == 0 { value.0 } else { -value.0 };
        }
    }
    sums
}

/// What a reader should look at: findings by severity, then flagged pages; and sentences of flagged sections.
fn behind(document: &Document<'_>) -> Behind {
    let mut anomalies: Vec<&Anomaly> = document.anomalies.iter().collect();
    anomalies.sort_by_key(|anomaly| std::cmp::Reverse(anomaly.severity));
    let mut places: Vec<Place> = anomalies
        .iter()
        .filter(|anomaly| anomaly.severity > Severity::Info)
        .filter_map(|anomaly| match anomaly.terms.last() {
            Some(term) => Some(Place { page: term.page, bbox: term.bbox }),
            None => anomaly.evidence.first().map(|evidence| evidence.place),
        })
        .collect();
    let mut flagged: Vec<&Score> = document.scores.iter().filter(|score| score.flagged).collect();
    flagged.sort_by(|a, b| b.score.total_cmp(&a.score));
    places.extend(flagged.iter().filter_map(|score| score.places.first().copied()));
    let sentences = flagged.iter().filter_map(|score| score.sentences.first().copied()).collect();
    Behind::Findings { places, sentences }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::TextSource;
    use crate::document::analysis::{AuditSummary, PageInfo};

    fn score(network: &str, target: ScoreTarget, score: f32, sentence: u32) -> Score {
        Score {
            network: network.to_owned(),
            target,
            score,
            class: None,
            flagged: score > 0.5,
            confidence: score,
            contributions: vec![],
            sentences: vec![sentence],
            cells: vec![],
            places: vec![],
        }
    }

    #[test]
    fn every_alarm_is_a_family_of_adverse_words() {
        for name in ALARMS {
            assert!(FAMILIES.iter().any(|family| family.name == name && family.adverse), "{name}");
        }
    }

    #[test]
    fn sums_up_what_others_found() {
        let pages = [PageInfo {
            number: 1,
            label: None,
            width: 612.0,
            height: 792.0,
            rotation: 0,
            text_source: TextSource::TextLayer,
            text_source_reason: String::new(),
            words: 99,
        }];
        let scores = [
            score("risk_scorer", ScoreTarget::Section(0), 0.2, 4),
            score("risk_scorer", ScoreTarget::Section(1), 0.9, 7),
        ];
        let embedding: Vec<Rounded> = (0..384).map(|i| Rounded((i as f32 * 0.7).sin() / 13.9)).collect();
        let document = Document {
            pages: &pages,
            scores: &scores,
            audit: AuditSummary { checked: 4, hold: 3, broken: 1, ..AuditSummary::default() },
            embedding: &embedding,
            ..Document::default()
        };
        let found = rows(&document);
        let [row] = found.as_slice() else { panic!("one row") };
        assert_eq!(row.values.len(), set().len());
        let value = |name: &str| row.values[set().names().iter().position(|other| other == name).unwrap()];
        assert_eq!(value("words"), 99f32.ln_1p());
        assert_eq!((value("risk_scorer_most"), value("risk_scorer_flagged")), (0.9, 0.5));
        assert_eq!((value("audit_broken_share"), value("audit_any_broken")), (0.25, 1.0));
        assert!(value("anomaly_detector_most").is_nan() && value("negative").is_nan());
        assert!(value("embedding_1") != value("embedding_2"));
        for (value, feature) in row.values.iter().zip(set().features) {
            assert!(
                value.is_nan() || (feature.range.0..=feature.range.1).contains(value),
                "{}",
                feature.name
            );
        }
        let Behind::Findings { sentences, .. } = &row.behind else { panic!("findings") };
        assert_eq!(*sentences, [7]);
        assert!(rows(&Document::default()).is_empty());
    }
}
