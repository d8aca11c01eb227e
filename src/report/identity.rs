//! What a document is: kind, company and period, as far as its first pages and its tables say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words;
use crate::document::analysis::Analysis;

/// Pages at the front that name a document.
const FRONT: u32 = 3;
/// Probability from which a name counts.
const SURE: f32 = 0.7;

/// Kinds by the words that name them on the first pages; the first that is found counts.
const KINDS: [(&str, &str); 20] = [
    ("form 10-k", "Annual report (Form 10-K)"),
    ("form 10-q", "Quarterly report (Form 10-Q)"),
    ("form 20-f", "Annual report (Form 20-F)"),
    ("form 40-f", "Annual report (Form 40-F)"),
    ("form 8-k", "Current report (Form 8-K)"),
    ("form 6-k", "Report of a foreign issuer (Form 6-K)"),
    ("schedule 14a", "Proxy statement"),
    ("annual report on form 10-k", "Annual report (Form 10-K)"),
    ("annual report", "Annual report"),
    ("geschäftsbericht", "Annual report"),
    ("rapport annuel", "Annual report"),
    ("half-year report", "Half-year report"),
    ("interim report", "Interim report"),
    ("quarterly report", "Quarterly report"),
    ("earnings release", "Earnings release"),
    ("reports fourth quarter", "Earnings release"),
    ("reports third quarter", "Earnings release"),
    ("reports second quarter", "Earnings release"),
    ("reports first quarter", "Earnings release"),
    ("news release", "News release"),
];

/// What a document is. Each is absent where nothing says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Title that the file states.
    pub title: Option<String>,
    pub kind: Option<String>,
    pub company: Option<String>,
    /// As people write it.
    pub period: Option<String>,
}

impl Identity {
    pub fn of(analysis: &Analysis) -> Self {
        let first = analysis.pages.first().map_or(1, |page| page.number);
        let front: String = analysis
            .blocks
            .iter()
            .filter(|block| block.page < first + FRONT)
            .map(|block| block.text.to_lowercase() + "\n")
            .collect();
        let kind = KINDS.iter().find(|(words, _)| front.contains(words)).map(|(_, kind)| (*kind).to_owned());
        let title = analysis.document.metadata.get("title").cloned();
        Self { title, kind, company: company(analysis, first), period: period(analysis) }
    }

    /// What there is, in a line.
    pub fn line(&self) -> String {
        let parts = [&self.company, &self.kind, &self.period];
        let parts: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
        parts.join(" · ")
    }
}

/// The organisation that is named most; names on the first page count more. One that is named once is nobody's document.
fn company(analysis: &Analysis, first: u32) -> Option<String> {
    let mut named: BTreeMap<&str, u32> = BTreeMap::new();
    for entity in analysis.entities.iter().filter(|entity| entity.kind == "ORG" && entity.confidence >= SURE)
    {
        *named.entry(entity.text.as_str()).or_default() += if entity.page == first { 3 } else { 1 };
    }
    let (name, count) =
        named.into_iter().max_by_key(|(name, count)| (*count, std::cmp::Reverse(name.len())))?;
    (count >= 4).then(|| name.to_owned())
}

/// The span that columns of tables state most often, of equals the latest; without spans the latest such day.
fn period(analysis: &Analysis) -> Option<String> {
    let mut columns: BTreeMap<&str, u32> = BTreeMap::new();
    for period in analysis.tables.iter().flat_map(|table| &table.column_periods).flatten() {
        *columns.entry(period).or_default() += 1;
    }
    let most = |spans: bool| {
        let of_kind =
            columns.iter().filter(|(period, _)| period.contains('/') == spans && period.contains('-'));
        of_kind.max_by_key(|(period, count)| (**count, period.rsplit('/').next())).map(|(period, _)| *period)
    };
    most(true).or_else(|| most(false)).map(words::period)
}
