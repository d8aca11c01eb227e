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

/// Words that end the name of a company.
const LEGAL_FORMS: [&str; 32] = [
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "company",
    "co",
    "plc",
    "ltd",
    "limited",
    "llc",
    "lp",
    "llp",
    "ag",
    "se",
    "gmbh",
    "kgaa",
    "sa",
    "s.a",
    "n.v",
    "nv",
    "b.v",
    "bv",
    "spa",
    "s.p.a",
    "ab",
    "asa",
    "a/s",
    "oyj",
    "holdings",
    "group",
    "bancorp",
    "trust",
];
/// Words of a name at most.
const LONGEST_NAME: usize = 6;

/// The company whose name with its legal form the first pages state most often, of equals the first; otherwise the
/// organisation that the text model finds most often. One that is named once is nobody's document.
fn company(analysis: &Analysis, first: u32) -> Option<String> {
    let mut named: Vec<(String, usize)> = Vec::new();
    for block in analysis.blocks.iter().filter(|block| block.page < first + FRONT) {
        for name in names_with_form(&block.text) {
            match named.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, count)) => *count += 1,
                None => named.push((name, 1)),
            }
        }
    }
    let most = named.iter().map(|(_, count)| *count).max();
    let stated = named.into_iter().find(|(_, count)| Some(*count) == most && *count >= 2);
    stated.map(|(name, _)| name).or_else(|| organisation(analysis, first))
}

/// Capitalised words that end in a legal form: `Meridian Ceramics plc`.
fn names_with_form(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_name = |word: &&&str| {
        word.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit())
            && !word.ends_with(['.', ',', ';', ':', ')'])
            || **word == "&"
    };
    let mut names = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
        let bare = bare.strip_suffix("’s").or_else(|| bare.strip_suffix("'s")).unwrap_or(bare);
        let is_form = LEGAL_FORMS.contains(&bare.to_lowercase().as_str());
        if !is_form || (bare.starts_with(char::is_lowercase) && bare != "plc") {
            continue;
        }
        // "Apple, Inc." has a comma in front of the form.
        let before = words[..at].iter().rev().take(LONGEST_NAME);
        let mut name: Vec<&str> = before
            .enumerate()
            .map_while(|(back, word)| {
                let plain = if back == 0 { word.trim_end_matches(',') } else { word };
                is_name(&&plain).then_some(plain)
            })
            .collect();
        name.reverse();
        // "The Company" and "The Group" are names of nobody.
        while name.first().is_some_and(|word| {
            matches!(word.to_lowercase().as_str(), "the" | "our" | "this" | "of" | "and" | "&")
        }) {
            name.remove(0);
        }
        if !name.is_empty() {
            name.push(bare);
            names.push(name.join(" "));
        }
    }
    names
}

/// The organisation that is named most; names on the first page count more.
fn organisation(analysis: &Analysis, first: u32) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_in_a_legal_form_and_begin_with_capitals() {
        for (text, names) in [
            ("Meridian Ceramics plc had a good year", &["Meridian Ceramics plc"][..]),
            (
                "the shares of Apple, Inc. and The Coca-Cola Company’s brands",
                &["Apple Inc", "Coca-Cola Company"],
            ),
            ("The Company and the Group expect Siemens Energy AG, Munich", &["Siemens Energy AG"]),
            ("JOHNSON & JOHNSON INC", &["JOHNSON & JOHNSON INC"]),
            ("a limited company in trust; the Head Start group", &[]),
        ] {
            assert_eq!(names_with_form(text), names, "{text}");
        }
    }
}
