//! One document in the index.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::{index, words};
use crate::document::Tone;
use crate::document::analysis::{Analysis, Anomaly, AuditSummary, Problem, Severity, Status};
use crate::document::findings::{Score, ScoreTarget};

/// Findings that the index names per document; the rest is counted.
const NAMED: usize = 20;
/// Reasons for the priority of a document.
const REASONS: usize = 4;

/// What the index says of a document. Kept in the record of its report, so that the index needs no analysis read again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    /// As in the analysis.
    pub path: String,
    /// Analysis below the output folder, `/` between folders.
    pub output: String,
    /// The way to its report from the output folder, as an address has it.
    pub page: String,
    pub identity: Identity,
    pub status: Status,
    pub pages: u32,
    pub page_count: u32,
    pub tables: u32,
    pub errors: Vec<Problem>,
    pub findings: [u32; 3],
    /// The worst first.
    pub named: Vec<Named>,
    pub audit: AuditSummary,
    /// Sentences that are negative, neutral, positive.
    pub tone: [u32; 3],
    pub needs_review: u32,
    pub priority: Option<Priority>,
    /// Headings, for the search.
    pub headings: Vec<String>,
}

/// A finding in the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Named {
    /// Its place among the findings of the document, counted from 0.
    pub index: usize,
    pub severity: Severity,
    pub kind: String,
    pub message: String,
    pub page: Option<u32>,
}

/// How soon a person should look at the document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Priority {
    pub score: f32,
    pub flagged: bool,
    /// What raised it, strongest first.
    pub reasons: Vec<String>,
}

/// The page that a finding is shown on: that of the result of a formula, or of the first evidence.
pub(super) fn page_of(finding: &Anomaly) -> Option<u32> {
    let result = finding.terms.last().map(|term| term.page);
    result.or_else(|| finding.evidence.first().map(|evidence| evidence.place.page))
}

/// Places of the findings in the order in which a reader should see them.
pub(super) fn worst_first(findings: &[Anomaly]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| {
        let finding = &findings[*at];
        (std::cmp::Reverse(finding.severity), page_of(finding), *at)
    });
    order
}

/// A path with `/` between folders. What is not UTF-8 cannot be named in a page; it is shown with a mark in its place.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Row {
    pub fn of(analysis: &Analysis, output: &Path) -> Self {
        let mut findings = [0; 3];
        for finding in &analysis.anomalies {
            findings[severity_index(finding.severity)] += 1;
        }
        let named = worst_first(&analysis.anomalies)
            .into_iter()
            .take(NAMED)
            .map(|index| {
                let finding = &analysis.anomalies[index];
                Named {
                    index,
                    severity: finding.severity,
                    kind: finding.kind.clone(),
                    message: finding.message.clone(),
                    page: page_of(finding),
                }
            })
            .collect();
        let mut tone = [0; 3];
        for sentiment in analysis.sentences.iter().filter_map(|sentence| sentence.sentiment.as_ref()) {
            tone[match Tone::of(&sentiment.label) {
                Some(Tone::Negative) => 0,
                Some(Tone::Positive) => 2,
                _ => 1,
            }] += 1;
        }
        let fusion = analysis.scores.iter().find(|score| score.network == "fusion");
        Self {
            path: analysis.document.path.clone(),
            output: shown(output),
            page: index::href(&super::page_of(output)),
            identity: Identity::of(analysis),
            status: analysis.status,
            pages: analysis.summary.pages,
            page_count: analysis.document.page_count,
            tables: analysis.summary.tables,
            errors: analysis.errors.clone(),
            findings,
            named,
            audit: analysis.summary.audit,
            tone,
            needs_review: analysis.summary.needs_review,
            priority: fusion.map(priority),
            headings: analysis
                .sections
                .iter()
                .map(|section| section.title.clone())
                .filter(|title| !title.is_empty())
                .collect(),
        }
    }

    /// The name of the document's file.
    pub fn name(&self) -> &str {
        match self.path.as_str() {
            "-" => "standard input",
            path => path.rsplit('/').next().unwrap_or(path),
        }
    }
}

/// 0 for an error, 1 for a warning, 2 for information.
pub(super) fn severity_index(severity: Severity) -> usize {
    match severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}

fn priority(score: &Score) -> Priority {
    debug_assert_eq!(score.target, ScoreTarget::Document);
    let raising = score.contributions.iter().filter(|part| part.contribution > 0.0);
    Priority {
        score: score.score,
        flagged: score.flagged,
        reasons: raising.take(REASONS).map(|part| words::feature(&part.feature)).collect(),
    }
}
