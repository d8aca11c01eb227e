//! Hard anomalies: what can be proved from the page itself, apart from arithmetic.
//!
//! Hidden text, page numbers, fonts, dates and first digits. Each finding has its evidence on the page; each kind is
//! described, with its limits, in docs/anomalies.md. Pure.

mod benford;
mod controls;
mod fonts;
mod hidden;
mod page_numbers;
mod periods;
#[cfg(test)]
mod testing;
mod text_layer;
mod unread;

use std::collections::BTreeMap;

pub use hidden::without_hidden;

use crate::document::analysis::{Place, Table};
use crate::document::findings::{Anomaly, Evidence, Severity};
use crate::document::{BBox, Page, Word};
use crate::error::Result;
use crate::limit::Limit;

/// Words of a page beyond which it is a drawing, and not compared word by word.
const MOST_WORDS: usize = 20_000;
/// Places listed with one finding; the message says how many there are.
const LISTED: usize = 20;

/// Finds the hard anomalies of one document, kind by kind. `hidden` are the pages from which hidden words were taken out,
/// as they were before, and `readings` the words that OCR reads on some of the pages where the text layers are to be
/// compared with them; both by the index of the page.
///
/// # Errors
/// Only those of the limit.
pub fn find_anomalies(
    pages: &[Page],
    hidden: &BTreeMap<usize, Page>,
    tables: &[Table],
    readings: &[(usize, Vec<Word>)],
    limit: &Limit,
) -> Result<Vec<Anomaly>> {
    let as_read = pages.iter().enumerate().map(|(index, page)| hidden.get(&index).unwrap_or(page));
    let mut found = hidden::hidden_text(limit.within(as_read));
    let compared = limit.within(readings);
    found.extend(compared.filter_map(|(page, words)| text_layer::compare(pages.get(*page)?, words)));
    found.extend(unread::unread(limit.within(pages.iter().enumerate()), hidden));
    found.extend(controls::control_characters(pages));
    found.extend(page_numbers::page_numbers(pages, limit));
    found.extend(periods::impossible_dates(limit.within(pages)));
    found.extend(periods::misfits(limit.within(tables)));
    found.extend(fonts::odd_fonts(pages, limit.within(tables)));
    found.extend(benford::first_digits(tables));
    limit.check()?;
    Ok(found)
}

/// A finding without a formula. All places are counted in the message by the caller; the first are listed.
fn finding(kind: &str, severity: Severity, message: String, mut evidence: Vec<Evidence>) -> Anomaly {
    evidence.truncate(LISTED);
    Anomaly {
        kind: kind.to_owned(),
        severity,
        message,
        formula: None,
        terms: Vec::new(),
        expected: None,
        printed: None,
        difference: None,
        tolerance: None,
        explanation: None,
        evidence,
        statistics: std::collections::BTreeMap::new(),
    }
}

fn evidence(page: u32, bbox: BBox, text: impl Into<String>) -> Evidence {
    Evidence { place: Place { page, bbox }, text: text.into() }
}

/// "1 word", "3 words".
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
