//! The arithmetic audit: does what is printed add up?
//!
//! Tables become sheets of numbers; relations that a statement claims are found by what its labels, rulings and
//! indentation say and by the relation holding in other columns or rows; each is checked within the rounding that
//! the printed digits allow. Pure.

mod crossfoot;
mod explain;
mod footing;
mod identities;
mod prose;
mod relation;
mod sheet;
mod stated;
#[cfg(test)]
mod tests;
mod tieout;

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Page;
use crate::document::analysis::{Sentence, Table};
use crate::document::findings::{Anomaly, AuditSummary};
use crate::error::Result;
use crate::limit::Limit;
use crate::structure::numbers::Locale;
use footing::Known;
use relation::Check;
use sheet::{Doubtful, Sheet};

/// Sums that must have been checked before a document counts as one whose sums always come out exactly.
const EXACT_SUMS: usize = 20;
/// One in this many of them may be off by rounding.
const EXACT_SHARE: usize = 40;

/// From one in this many on, numbers are rounded more than once.
const ROUNDED_SHARE: usize = 20;

/// Findings and counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// Relations that do not hold, in the order of the tables.
    pub anomalies: Vec<Anomaly>,
    /// How many relations were checked, hold and do not.
    pub summary: AuditSummary,
    /// Relations checked and broken by kind of relation.
    pub by_kind: BTreeMap<&'static str, [u32; 2]>,
}

/// Checks tables and sentences of one document. `pages` give the rulings above totals, `locale` how the
/// document writes numbers.
///
/// # Errors
/// Only those of the limit.
pub fn audit(
    pages: &[Page],
    tables: &[Table],
    sentences: &[Sentence],
    locale: Locale,
    limit: &Limit,
) -> Result<Audit> {
    limit.check()?;
    let by_number: BTreeMap<u32, &Page> = pages.iter().map(|page| (page.number, page)).collect();
    let sheets: Vec<Sheet<'_>> =
        tables.iter().map(|table| sheet_of(table, &by_number, limit)).collect::<Result<_>>()?;
    let mut checks: Vec<Check> = Vec::new();
    let (mut known, mut relearned) = (Known::default(), Known::default());
    let mut footings: Vec<Vec<Check>> = sheets
        .iter()
        .map(|sheet| footing::footing(sheet, &Known::default(), &mut known, limit))
        .collect::<Result<_>>()?;
    if !known.is_empty() {
        // Once more, now that every table knows what holds in the others.
        for (sheet, checks) in sheets.iter().zip(&mut footings) {
            *checks = footing::footing(sheet, &known, &mut relearned, limit)?;
        }
    }
    for (sheet, footing) in sheets.iter().zip(footings) {
        checks.extend(footing);
        checks.extend(crossfoot::cross_footing(sheet, limit)?);
        checks.extend(identities::balance(sheet));
        checks.extend(identities::per_share(sheet));
    }
    checks.extend(tieout::tie_out(&sheets, limit)?);
    checks.extend(prose::stated_changes(sentences, locale));
    checks.extend(stated::stated_lines(&sheets, sentences, locale, limit)?);
    tighten(&mut checks);
    let mut audit = report(checks);
    audit.summary.left_out = sheets.iter().map(|sheet| sheet.left_out).sum();
    Ok(audit)
}

/// The table with the reading of its doubtful numbers that makes its sums hold; without them where none does.
fn sheet_of<'t>(table: &'t Table, pages: &BTreeMap<u32, &Page>, limit: &Limit) -> Result<Sheet<'t>> {
    if !Sheet::is_doubtful(table) {
        return Ok(Sheet::new(table, pages, Doubtful::LeftOut));
    }
    let mut best: Option<(usize, Sheet<'t>)> = None;
    for doubtful in [Doubtful::First, Doubtful::Second] {
        let sheet = Sheet::new(table, pages, doubtful);
        let mut checks = footing::footing(&sheet, &Known::default(), &mut Known::default(), limit)?;
        checks.extend(crossfoot::cross_footing(&sheet, limit)?);
        let hold = checks.iter().filter(|check| check.holds()).count();
        let margin = hold.saturating_sub(checks.len() - hold);
        if margin > best.as_ref().map_or(0, |(margin, _)| *margin) {
            best = Some((margin, sheet));
        }
    }
    Ok(best.map_or_else(|| Sheet::new(table, pages, Doubtful::LeftOut), |(_, sheet)| sheet))
}

/// In a document whose sums all come out exactly, numbers were made to add up; a sum that is off by more than one
/// unit is then no rounding, however many terms it has. In one whose sums are often off, numbers were rounded more
/// than once (from thousands to millions, or as differences of rounded ones): each may be off by a whole unit.
fn tighten(checks: &mut [Check]) {
    let sums = || checks.iter().filter(|check| check.sum && check.holds() && check.terms.len() > 2);
    let (all, exact) = (sums().count(), sums().filter(|check| check.exact()).count());
    if all >= EXACT_SUMS && (all - exact) * EXACT_SHARE <= all {
        for check in checks.iter_mut().filter(|check| check.sum) {
            check.tolerance = check.tolerance.min(check.unit());
        }
    } else if all >= EXACT_SUMS && (all - exact) * ROUNDED_SHARE > all {
        for check in checks.iter_mut() {
            check.tolerance *= 2.0;
        }
    }
}

fn report(checks: Vec<Check>) -> Audit {
    let mut audit = Audit::default();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for check in checks {
        // The same relation can be found over rows and over columns.
        let places: Vec<_> = check.terms.iter().map(|term| (term.cell, term.sentence, term.factor)).collect();
        if !seen.insert(format!("{} {places:?}", check.kind)) {
            continue;
        }
        let counts = audit.by_kind.entry(check.kind).or_default();
        counts[0] += 1;
        audit.summary.checked += 1;
        if check.holds() {
            audit.summary.hold += 1;
        } else {
            counts[1] += 1;
            audit.summary.broken += 1;
            audit.anomalies.push(check.into_anomaly());
        }
    }
    audit
}
