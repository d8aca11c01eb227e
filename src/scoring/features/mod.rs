//! Feature vectors: fixed length, named, versioned, with documented ranges. Absent values are not-a-number; networks
//! replace them by their training mean.

mod alike;
pub(crate) mod entities;
pub(crate) mod figures;
mod lexicon;
pub(crate) mod lines;
pub(crate) mod page;
mod page_numbers;
pub(crate) mod patterns;
pub(crate) mod ratios;
pub(crate) mod review;
pub(crate) mod risk;
mod text;

use crate::document::Page;
use crate::document::analysis::{
    Analysis, Anomaly, AuditSummary, Block, CellReference, PageInfo, Place, Rounded, Score, Section,
    Sentence, Table,
};
use crate::document::findings::ScoreTarget;
use crate::limit::Limit;
use docproc_networks::spec::FeatureSetId;

/// The parts of a document that feature sets look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Document<'a> {
    /// Words as the page reader saw them; empty when only an analysis is at hand.
    pub words: &'a [Page],
    /// Pages of the analysis.
    pub pages: &'a [PageInfo],
    /// Blocks in reading order.
    pub blocks: &'a [Block],
    /// Sections in reading order.
    pub sections: &'a [Section],
    /// Sentences in reading order.
    pub sentences: &'a [Sentence],
    /// Mean embedding of the sentences, as the summary of an analysis has it; empty where there is none.
    pub embedding: &'a [Rounded],
    /// Tables.
    pub tables: &'a [Table],
    /// Findings of the audit and others.
    pub anomalies: &'a [Anomaly],
    /// Counts of the arithmetic audit.
    pub audit: AuditSummary,
    /// What networks said before.
    pub scores: &'a [Score],
}

impl<'a> Document<'a> {
    /// What a finished analysis holds.
    #[must_use]
    pub fn of(analysis: &'a Analysis) -> Self {
        Self {
            pages: &analysis.pages,
            blocks: &analysis.blocks,
            sections: &analysis.sections,
            sentences: &analysis.sentences,
            tables: &analysis.tables,
            embedding: &analysis.summary.embedding,
            anomalies: &analysis.anomalies,
            audit: analysis.summary.audit,
            scores: &analysis.scores,
            ..Self::default()
        }
    }
}

/// One thing's features.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What they describe.
    pub target: ScoreTarget,
    /// One value per feature of the set; absent ones are not-a-number.
    pub values: Vec<f32>,
    /// Where they come from.
    pub behind: Behind,
}

/// Where a row's features come from, for the evidence behind a score.
#[derive(Clone, Debug, PartialEq)]
pub enum Behind {
    /// The thing itself is the place.
    Target,
    /// The sentences of this section.
    Sentences(u32),
    /// Cells per feature.
    Cells(Vec<Vec<CellReference>>),
    /// Places, strongest first, whatever the feature.
    Places(Vec<Place>),
    /// Places and sentences that were found before, strongest first.
    Findings {
        /// Places.
        places: Vec<Place>,
        /// Sentences by identifier.
        sentences: Vec<u32>,
    },
}

/// One feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Unique name within its set.
    pub name: String,
    /// What it measures, in one line.
    pub meaning: String,
    /// Smallest and largest value that it can take.
    pub range: (f32, f32),
}

/// A documented feature set.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSet {
    /// Name and version.
    pub id: FeatureSetId,
    /// What the vector describes: a section, a page, a document, ...
    pub subject: &'static str,
    /// The features in order.
    pub features: Vec<Feature>,
}

impl FeatureSet {
    /// Number of features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether the set has no features.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Names in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name.clone()).collect()
    }
}

/// Every feature set of this version.
#[must_use]
pub fn all() -> Vec<FeatureSet> {
    vec![
        risk::set(),
        lines::set(),
        ratios::set(),
        patterns::set(),
        page::set(),
        figures::set(),
        entities::set(),
        review::set(),
    ]
}

/// The feature set with this name, if there is one.
#[must_use]
pub fn named(name: &str) -> Option<FeatureSet> {
    all().into_iter().find(|set| set.id.name == name)
}

/// The function that computes a set from plain text alone, if there is one.
#[must_use]
pub fn from_text(set: &str) -> Option<fn(&str) -> Vec<f32>> {
    (set == "risk").then_some(risk::from_text as fn(&str) -> Vec<f32>)
}

/// Whether a set reads what other networks said.
#[must_use]
pub fn reads_scores(set: &str) -> bool {
    set == "review"
}

/// Rows of a set over a document, in document order, as far as the limit lets them come; `None` for sets that are not
/// computed from documents.
#[must_use]
pub fn rows(set: &str, document: &Document<'_>, limit: &Limit) -> Option<Vec<Row>> {
    match set {
        "risk" => Some(risk::rows(document, limit)),
        "ratios" => Some(ratios::rows(document)),
        "patterns" => Some(patterns::rows(document, limit)),
        "page" => Some(page::rows(document, limit)),
        "review" => Some(review::rows(document)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sets_are_documented_and_names_unique() {
        let mut sets = BTreeSet::new();
        for set in all() {
            assert!(sets.insert(set.id.name.clone()));
            let names: BTreeSet<&str> = set.features.iter().map(|feature| feature.name.as_str()).collect();
            assert_eq!(names.len(), set.len(), "{}: names are unique", set.id.name);
            for feature in &set.features {
                assert!(!feature.meaning.is_empty() && feature.range.0 < feature.range.1, "{feature:?}");
            }
        }
    }
}
