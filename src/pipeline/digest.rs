//! The few facts of an analysis that a run's summary shows.

use crate::document::analysis::{Analysis, AuditSummary, Severity, Status};
use crate::error::ErrorCode;

/// One document in a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// Path as given or found.
    pub path: String,
    /// Outcome.
    pub status: Status,
    /// Codes of its errors, each once.
    pub codes: Vec<ErrorCode>,
    /// First error in words.
    pub first_error: Option<String>,
    /// Pages analyzed.
    pub pages: u32,
    /// Sections found.
    pub sections: u32,
    /// Sentences found.
    pub sentences: u32,
    /// Label and balance of the document's sentiment.
    pub sentiment: Option<(String, f32)>,
    /// Figures found.
    pub figures: u32,
    /// Tables found.
    pub tables: u32,
    /// Relations checked by the audit.
    pub audit: AuditSummary,
    /// Messages of the anomalies, worst first, with their pages.
    pub findings: Vec<(Severity, String, Option<u32>)>,
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
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.0));
        let summary = &analysis.summary;
        Self {
            path: analysis.document.path.clone(),
            status: analysis.status,
            codes,
            first_error: analysis.errors.first().map(|error| error.message.clone()),
            pages: summary.pages,
            sections: summary.sections,
            sentences: summary.sentences,
            sentiment: summary
                .sentiment
                .as_ref()
                .map(|sentiment| (sentiment.label.clone(), sentiment.balance)),
            figures: summary.figures,
            tables: summary.tables,
            audit: summary.audit,
            findings,
        }
    }
}
