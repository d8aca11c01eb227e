//! The arithmetic audit: does what is printed add up?
//!
//! Tables become sheets of numbers; relations that a statement claims are found by what its labels, rulings and
//! indentation say and by the relation holding in other columns or rows; each is checked within the rounding that
//! the printed digits allow. Pure.

mod crossfoot;
mod evidence;
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
use crate::document::findings::{Anomaly, AuditSummary, AuditVerdict, Relation};
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
    /// Relations that hold, in the same order.
    pub relations: Vec<Relation>,
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
    let mut left_out = 0;
    let mut audit = report(all_checks(pages, tables, sentences, locale, limit, &mut left_out)?);
    audit.summary.left_out = left_out;
    let numbers = tables.iter().flat_map(|table| &table.cells).filter(|cell| cell.value.is_some());
    audit.summary.numbers = u32::try_from(numbers.count()).unwrap_or(u32::MAX);
    audit.summary.verdict = match audit.summary {
        AuditSummary { checked: 0, .. } => AuditVerdict::NothingChecked,
        AuditSummary { broken: 0, .. } => AuditVerdict::AllHold,
        _ => AuditVerdict::SomeBroken,
    };
    Ok(audit)
}

/// Every relation that is claimed, with how it fares; counts the numbers that took no part.
fn all_checks(
    pages: &[Page],
    tables: &[Table],
    sentences: &[Sentence],
    locale: Locale,
    limit: &Limit,
    left_out: &mut u32,
) -> Result<Vec<Check>> {
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
    *left_out = sheets.iter().map(|sheet| sheet.left_out).sum();
    Ok(checks)
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
fn tighten(checks: &mut Vec<Check>) {
    let held = holding(checks);
    let before: Vec<bool> = checks.iter().map(Check::holds).collect();
    let sums = || {
        checks.iter().filter(|check| check.sum && !check.converted && check.holds() && check.terms.len() > 2)
    };
    let (all, exact) = (sums().count(), sums().filter(|check| check.exact()).count());
    if all >= EXACT_SUMS && (all - exact) * EXACT_SHARE <= all {
        for check in checks.iter_mut().filter(|check| check.sum && !check.converted) {
            check.tolerance = check.tolerance.min(check.unit());
        }
    } else if all >= EXACT_SUMS && (all - exact) * ROUNDED_SHARE > all {
        for check in checks.iter_mut() {
            check.tolerance *= 2.0;
        }
    }
    // What came out by rounding only, and now nowhere, was a coincidence. What is off by rounding in several places is
    // rounded there, whatever the rest of the document does.
    let holds_now = holding(checks);
    let mut rounded: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (check, before) in checks.iter().zip(&before) {
        if let Some(relation) = check.relation.filter(|_| *before && !check.holds()) {
            *rounded.entry(relation).or_default() += 1;
        }
    }
    let mut index = 0;
    checks.retain(|check| {
        let before = before[index];
        index += 1;
        check.holds()
            || check.relation.is_none_or(|relation| {
                (!held.contains(&relation) || holds_now.contains(&relation))
                    && !(before && rounded.get(&relation).is_some_and(|count| *count >= 2))
            })
    });
}

/// Relations that hold in some column or row.
fn holding(checks: &[Check]) -> BTreeSet<(u32, u32)> {
    checks.iter().filter(|check| check.holds()).filter_map(|check| check.relation).collect()
}

fn report(checks: Vec<Check>) -> Audit {
    let mut audit = Audit::default();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut covered: BTreeSet<(u32, u32, u32)> = BTreeSet::new();
    for check in checks {
        // The same relation can be found over rows and over columns.
        let places: Vec<_> = check.terms.iter().map(|term| (term.cell, term.sentence, term.factor)).collect();
        if !seen.insert(format!("{} {places:?}", check.kind)) {
            continue;
        }
        let counts = audit.by_kind.entry(check.kind).or_default();
        counts[0] += 1;
        covered.extend(
            check.terms.iter().filter_map(|term| term.cell).map(|cell| (cell.table, cell.row, cell.column)),
        );
        audit.summary.checked += 1;
        if check.holds() {
            audit.summary.hold += 1;
            audit.relations.push(check.into_relation());
        } else {
            counts[1] += 1;
            audit.summary.broken += 1;
            audit.anomalies.push(check.into_anomaly());
        }
    }
    audit.summary.covered = u32::try_from(covered.len()).unwrap_or(u32::MAX);
    audit
}
