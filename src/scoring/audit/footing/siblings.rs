//! Relations known from other tables of the document: the same rows under the same labels, for another period, another
//! segment or further down the page, add up in the same way.

use std::collections::{BTreeMap, BTreeSet};

use super::super::sheet::{Entry, Sheet};
use super::hypothesis::{MOST_TERMS, judge};
use super::{Hypothesis, Item};

/// Bits of evidence from which a relation is carried over to other tables.
const LEARNED_BITS: f64 = 8.0;
/// Terms from which a relation is recognised although further rows stand above them.
const TERMS_BELOW_OTHERS: usize = 3;
/// Relations that are kept of one result below one last term. Statements have a few; a document of many pages with
/// other terms on each would cost every row all of them.
const MOST_KNOWN: usize = 64;

/// Labels of the terms of a relation with their signs.
type Terms = Vec<(String, i8)>;

/// Relations by the labels of their result and of their last term.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Known(BTreeMap<String, BTreeMap<String, BTreeSet<Terms>>>);

impl Known {
    /// Keeps a relation that holds wherever it says something.
    pub(super) fn add(&mut self, sheet: &Sheet<'_>, hypothesis: &Hypothesis, row: usize) {
        let terms: Terms =
            hypothesis.parts.iter().map(|&(part, factor)| (sheet.rows[part].key.clone(), factor)).collect();
        let labelled = terms.iter().filter(|(key, _)| !key.is_empty()).count();
        let key = &sheet.rows[row].key;
        if hypothesis.failing.is_empty()
            && hypothesis.bits >= LEARNED_BITS
            && labelled >= 2
            && !key.is_empty()
            && let Some((last, _)) = terms.last()
        {
            let known = self.0.entry(key.clone()).or_default().entry(last.clone()).or_default();
            if known.len() < MOST_KNOWN {
                known.insert(terms);
            }
        }
    }

    /// Whether nothing is known.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A known relation whose terms stand directly above this row.
    pub(super) fn hypothesis(&self, sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<Hypothesis> {
        let by_last = self.0.get(&sheet.rows[row].key)?;
        let mut rows: Vec<(usize, usize)> = stack
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(position, item)| match item {
                Item::Row(row) => Some((position, *row)),
                Item::Heading(_) => None,
            })
            .take(MOST_TERMS)
            .collect();
        rows.reverse();
        let all = by_last.get(&sheet.rows[rows.last()?.1].key)?;
        let fits = all.iter().filter_map(|terms| {
            let above = &rows[rows.len().checked_sub(terms.len())?..];
            let whole = above[0].0 == 0 || matches!(stack[above[0].0 - 1], Item::Heading(_));
            let same = above.iter().zip(terms).all(|((_, part), (key, _))| sheet.rows[*part].key == *key);
            if !same || !whole && terms.len() < TERMS_BELOW_OTHERS {
                return None;
            }
            let parts = above.iter().zip(terms).map(|((_, part), (_, factor))| (*part, *factor)).collect();
            fare(sheet, above[0].0, parts, row)
        });
        fits.filter(|found| !found.holding.is_empty() || !found.failing.is_empty())
            .max_by_key(|found| (found.holding.len(), found.parts.len()))
    }
}

/// How a known relation fares here; `None` where it is refuted.
fn fare(sheet: &Sheet<'_>, from: usize, parts: Vec<(usize, i8)>, row: usize) -> Option<Hypothesis> {
    let (holding, failing) = (Vec::new(), Vec::new());
    let mut found =
        Hypothesis { from, parts, holding, failing, exact: 0, bits: 0.0, natural: true, known: true };
    for column in 0..sheet.columns() {
        match judge(sheet, &found.parts, row, column) {
            Some(verdict) if verdict.holds => found.holding.push(column),
            // A gap may be a number that was not read.
            Some(_)
                if found
                    .parts
                    .iter()
                    .all(|&(part, _)| matches!(sheet.rows[part].entries[column], Entry::Number(_))) =>
            {
                found.failing.push(column);
            }
            _ => {}
        }
    }
    // One number is wrong more often than a row: what breaks in several columns and holds in fewer is no sum here, such as
    // averages and changes in percent under the labels of amounts, or a sum of rows that have changed places.
    if found.failing.len() > found.holding.len().max(1) {
        return None;
    }
    if found.holding.is_empty() && signed_otherwise(sheet, &found, row) {
        found.failing.clear();
    }
    Some(found)
}

/// Whether the relation holds in every column that fails when deductions are added as printed: statements differ in
/// whether they print them in parentheses.
fn signed_otherwise(sheet: &Sheet<'_>, found: &Hypothesis, row: usize) -> bool {
    let plain: Vec<(usize, i8)> = found.parts.iter().map(|&(part, _)| (part, 1)).collect();
    found.failing.iter().all(|&column| judge(sheet, &plain, row, column).is_some_and(|verdict| verdict.holds))
}
