//! The few facts of an analysis that a run's summary shows.

use std::cmp::Reverse;

use serde::Serialize;

use crate::document::Tone;
use crate::document::analysis::{Analysis, AuditSummary, Section, Sentence, Severity, Status};
use crate::document::findings::ScoreTarget;
use crate::error::ErrorCode;
use crate::report::what_it_is;

/// Probability from which a sentence counts as a passage that says something bad.
const SURE: f32 = 0.8;
/// Words of such a passage at least; shorter ones are captions and lines of tables.
const PASSAGE_WORDS: usize = 8;
/// Sentences from which the tone of a section can be told.
const SECTION_SENTENCES: u32 = 6;
/// Standard deviations by which a section's share of negative sentences stands above the document's.
const DEVIATIONS: f64 = 3.0;
/// Unusual sections that are named at most.
const SECTIONS: usize = 2;
/// Words that make a sentence say what may come, not what is.
const HYPOTHETICAL: [&str; 9] = ["could", "may", "might", "would", "if", "should", "can", "unless", "were"];

/// One document in a summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    /// Path as given or found.
    pub path: String,
    /// Outcome.
    pub status: Status,
    /// Codes of its errors, each once.
    pub codes: Vec<ErrorCode>,
    /// First error in words.
    pub first_error: Option<String>,
    /// What it is: company, kind, period; empty where nothing says it.
    pub what: String,
    /// Pages analyzed.
    pub pages: u32,
    /// Sections found.
    pub sections: u32,
    /// Sentences found.
    pub sentences: u32,
    /// Sentences by tone.
    pub tone: ToneCounts,
    /// The worst that it says has happened.
    pub passage: Option<Passage>,
    /// Sections whose tone is far worse than the document's.
    pub unusual: Vec<UnusualSection>,
    /// How urgent the network `fusion` finds it, 0 to 1.
    pub priority: Option<f32>,
    /// Figures found.
    pub figures: u32,
    /// Tables found.
    pub tables: u32,
    /// Relations checked by the audit.
    pub audit: AuditSummary,
    /// Messages of the anomalies, worst first, with their pages.
    pub findings: Vec<(Severity, String, Option<u32>)>,
}

/// Sentences by their most probable label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ToneCounts {
    /// Those with a sentiment.
    pub sentences: u32,
    /// Positive ones.
    pub positive: u32,
    /// Negative ones.
    pub negative: u32,
}

/// A sentence with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// What it says.
    pub text: String,
    /// Page number, counted from 1.
    pub page: u32,
}

/// A section whose sentences are negative far more often than the document's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusualSection {
    /// Its heading.
    pub title: String,
    /// Its first page.
    pub page: u32,
    /// Its negative sentences.
    pub negative: u32,
    /// All of its sentences.
    pub sentences: u32,
}

impl ToneCounts {
    /// Share of the negative sentences, 0 to 1; 0 of none.
    #[must_use]
    pub fn negative_share(self) -> f64 {
        f64::from(self.negative) / f64::from(self.sentences.max(1))
    }

    fn of(counts: &std::collections::BTreeMap<String, u32>) -> Self {
        let mut tone = Self::default();
        for (label, count) in counts {
            tone.sentences += count;
            match Tone::of(label) {
                Some(Tone::Positive) => tone.positive += count,
                Some(Tone::Negative) => tone.negative += count,
                _ => {}
            }
        }
        tone
    }
}

impl Digest {
    /// The digest of an analysis.
    #[must_use]
    pub fn of(analysis: &Analysis) -> Self {
        let mut codes: Vec<ErrorCode> = analysis.errors.iter().map(|error| error.code).collect();
        codes.dedup();
        let mut findings: Vec<(Severity, String, Option<u32>)> = analysis
            .anomalies
            .iter()
            .map(|anomaly| {
                let page = anomaly
                    .terms
                    .last()
                    .map(|term| term.page)
                    .or_else(|| anomaly.evidence.first().map(|evidence| evidence.place.page));
                (anomaly.severity, anomaly.message.clone(), page)
            })
            .collect();
        findings.sort_by_key(|finding| Reverse(finding.0));
        let summary = &analysis.summary;
        let tone = summary.sentiment.as_ref().map(|all| ToneCounts::of(&all.counts)).unwrap_or_default();
        let fusion = |score: &&crate::document::analysis::Score| {
            score.network == "fusion" && score.target == ScoreTarget::Document
        };
        Self {
            path: analysis.document.path.clone(),
            status: analysis.status,
            codes,
            first_error: analysis.errors.first().map(|error| error.message.clone()),
            what: what_it_is(analysis),
            pages: summary.pages,
            sections: summary.sections,
            sentences: summary.sentences,
            tone,
            passage: passage(analysis),
            unusual: unusual(&analysis.sections, tone),
            priority: analysis.scores.iter().find(fusion).map(|score| score.score),
            figures: summary.figures,
            tables: summary.tables,
            audit: summary.audit,
            findings,
        }
    }
}

/// The sentence that most probably is negative, of those that say what is. Risk factors say what might be, in every report.
fn passage(analysis: &Analysis) -> Option<Passage> {
    let is_risk = |sentence: &Sentence| {
        let section = analysis.sections.get(sentence.section as usize);
        section.and_then(|section| section.kind.as_ref()).is_some_and(|kind| kind.label == "risk_factors")
    };
    let says_what_is = |text: &str| {
        let words = || text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let plain = words().filter(|word| word.chars().all(char::is_alphabetic)).count();
        let is_whole = text.starts_with(char::is_uppercase) && text.trim_end().ends_with(['.', '!', '?']);
        // Lines of tables are numbers and abbreviations.
        words().count() >= PASSAGE_WORDS
            && is_whole
            && 4 * plain >= 3 * words().count()
            && !words().any(|word| HYPOTHETICAL.contains(&word.to_lowercase().as_str()))
    };
    let negative = |sentence: &Sentence| {
        let sentiment = sentence.sentiment.as_ref()?;
        let sure = Tone::of(&sentiment.label) == Some(Tone::Negative) && sentiment.confidence >= SURE;
        sure.then(|| sentiment.probability_of(Tone::Negative))
    };
    analysis
        .sentences
        .iter()
        .filter(|sentence| !is_risk(sentence) && says_what_is(&sentence.text))
        .filter_map(|sentence| Some((negative(sentence)?, sentence)))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.id.cmp(&a.1.id)))
        .map(|(_, sentence)| Passage { text: sentence.text.clone(), page: sentence.page })
}

/// Sections whose sentences are negative more often than chance lets them be, given the document's share. Of a section and
/// those inside it, only the innermost.
fn unusual(sections: &[Section], document: ToneCounts) -> Vec<UnusualSection> {
    let share = document.negative_share();
    let deviations = |tone: ToneCounts| {
        let all = f64::from(tone.sentences);
        (f64::from(tone.negative) - all * share) / (all * share * (1.0 - share)).sqrt().max(1.0)
    };
    let mut found: Vec<(f64, &Section, ToneCounts)> = sections
        .iter()
        .filter(|section| !section.title.is_empty())
        .filter_map(|section| {
            let tone = ToneCounts::of(&section.sentiment.as_ref()?.counts);
            let stands_out = tone.sentences >= SECTION_SENTENCES && deviations(tone) >= DEVIATIONS;
            stands_out.then(|| (deviations(tone), section, tone))
        })
        .collect();
    let parents: Vec<u32> = found.iter().filter_map(|(_, section, _)| section.parent).collect();
    found.retain(|(_, section, _)| !parents.contains(&section.id));
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
    let named = found.into_iter().take(SECTIONS).map(|(_, section, tone)| UnusualSection {
        title: section.title.clone(),
        page: section.pages[0],
        negative: tone.negative,
        sentences: tone.sentences,
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::analysis::AggregateSentiment;

    fn section(id: u32, parent: Option<u32>, negative: u32, neutral: u32) -> Section {
        let counts = [("negative".to_owned(), negative), ("neutral".to_owned(), neutral)];
        Section {
            id,
            title: format!("Section {id}"),
            level: 1,
            parent,
            kind: None,
            pages: [id, id],
            blocks: Vec::new(),
            sentiment: Some(AggregateSentiment {
                label: "neutral".to_owned(),
                probabilities: Default::default(),
                balance: 0.0,
                sentences: negative + neutral,
                counts: counts.into(),
            }),
        }
    }

    #[test]
    fn sections_stand_out_by_more_than_chance_and_the_innermost_is_named() {
        let document = ToneCounts { sentences: 500, positive: 20, negative: 50 };
        let sections = [
            section(0, None, 12, 28),
            section(1, Some(0), 8, 4),
            section(2, None, 2, 3),
            section(3, None, 3, 17),
            section(4, None, 5, 1),
        ];
        let named: Vec<(u32, u32)> =
            unusual(&sections, document).iter().map(|section| (section.page, section.negative)).collect();
        assert_eq!(named, [(1, 8), (4, 5)]);
        assert_eq!(unusual(&sections, ToneCounts { negative: 400, ..document }), []);
    }
}
