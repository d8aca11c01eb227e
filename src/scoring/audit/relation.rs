//! One claimed relation in one place: what was added up, what should come out, what is printed.

use super::explain::{Candidate, explain};
use super::sheet::{Number, Sheet};
use crate::document::analysis::{CellReference, Place};
use crate::document::findings::{Anomaly, Relation, RelationTerm, Severity, Term};
use crate::document::round::round_to;

/// A difference this many times what rounding can make is explained by a slip although the sum is rounded, too.
const ROUNDING_SHARE: f64 = 200.0;

/// A relation that was checked.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub kind: &'static str,
    pub formula: String,
    /// Terms in order; the last one is the printed result with factor 1.
    pub terms: Vec<Term>,
    /// Half a unit of the last printed digit of each term.
    pub half_units: Vec<f64>,
    pub expected: f64,
    pub printed: f64,
    /// Largest difference that honest rounding can make.
    pub tolerance: f64,
    /// What the finding should say instead of a single changed number.
    pub remark: Option<String>,
    /// Whether the difference is of the kind that only a footing tolerance can judge (a sum of printed terms).
    pub sum: bool,
    /// Whether its numbers are rounded where another column is.
    pub converted: bool,
    /// The relation in this table that this is one column or row of.
    pub relation: Option<(u32, u32)>,
}

impl Check {
    pub fn difference(&self) -> f64 {
        self.printed - self.expected
    }

    pub fn holds(&self) -> bool {
        is_within(self.expected, self.printed, self.tolerance)
    }

    pub fn exact(&self) -> bool {
        is_within(self.expected, self.printed, 0.0)
    }

    /// Terms that are not zero.
    pub fn filled(&self) -> usize {
        self.terms.iter().rev().skip(1).filter(|term| term.value != 0.0).count()
    }

    /// Smallest unit of a sum's terms.
    pub fn unit(&self) -> f64 {
        2.0 * self.half_units.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The single slip that explains the difference of a sum: exactly, or within the rounding of the other numbers where
    /// that is small beside the difference.
    pub fn slip(&self) -> Option<String> {
        self.slip_within(0.0).or_else(|| {
            let small = self.difference().abs() >= ROUNDING_SHARE * self.tolerance;
            small.then(|| self.slip_within(self.tolerance))?
        })
    }

    fn slip_within(&self, slack: f64) -> Option<String> {
        let candidates: Vec<Candidate<'_>> = self
            .terms
            .iter()
            .zip(&self.half_units)
            .enumerate()
            .map(|(index, (term, &half_unit))| {
                // The value that this one number must have for the sum to come out.
                let needed = if index + 1 == self.terms.len() {
                    self.expected
                } else {
                    term.value + self.difference() * f64::from(term.factor)
                };
                Candidate { text: &term.text, value: term.value, needed, half_unit, slack }
            })
            .collect();
        explain(&candidates)
    }

    /// What is kept of a relation that holds.
    pub fn into_relation(self) -> Relation {
        let decimals = decimals_of(self.unit()).max(4);
        let term = |term: Term| RelationTerm {
            factor: term.factor,
            value: term.value,
            cell: term.cell,
            place: term.cell.is_none().then_some(Place { page: term.page, bbox: term.bbox }),
        };
        Relation {
            kind: self.kind.to_owned(),
            formula: self.formula,
            terms: self.terms.into_iter().map(term).collect(),
            expected: round_to(self.expected, decimals),
            printed: self.printed,
            tolerance: round_to(self.tolerance, decimals),
        }
    }

    /// The finding for a relation that does not hold.
    pub fn into_anomaly(self) -> Anomaly {
        let decimals = decimals_of(self.unit());
        let explanation = self.remark.clone().or_else(|| self.sum.then(|| self.slip()).flatten());
        let result = self.terms.last().map_or("", |term| term.name.as_str());
        Anomaly {
            kind: self.kind.to_owned(),
            severity: Severity::Error,
            message: format!(
                "{result} is printed as {}, but {} gives {}",
                plain(self.printed, decimals),
                self.formula.split_once(" = ").map_or(self.formula.as_str(), |(_, right)| right),
                plain(self.expected, decimals),
            ),
            formula: Some(self.formula),
            terms: self.terms,
            expected: Some(round_to(self.expected, decimals.max(4))),
            printed: Some(self.printed),
            difference: Some(round_to(self.printed - self.expected, decimals.max(4))),
            tolerance: Some(round_to(self.tolerance, decimals.max(4))),
            explanation,
            evidence: Vec::new(),
            statistics: std::collections::BTreeMap::new(),
        }
    }
}

/// Whether two numbers differ by no more than this, with slack for the binary representation of decimals.
pub(super) fn is_within(expected: f64, printed: f64, tolerance: f64) -> bool {
    (printed - expected).abs() <= tolerance + 1e-9 * expected.abs().max(printed.abs()).max(1.0)
}

fn decimals_of(unit: f64) -> i32 {
    (-unit.log10()).round().clamp(0.0, 9.0) as i32
}

/// A number with grouped thousands.
pub(super) fn plain(value: f64, decimals: i32) -> String {
    let text = format!("{:.*}", decimals.max(0) as usize, value.abs());
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    fraction.map_or(format!("{sign}{grouped}"), |fraction| format!("{sign}{grouped}.{fraction}"))
}

/// The term for a number of a sheet.
pub(super) fn term(sheet: &Sheet<'_>, name: String, number: &Number, factor: i8) -> Term {
    let cell = sheet.cell(number);
    Term {
        name,
        factor,
        text: cell.text.clone(),
        value: number.value,
        page: cell.page,
        bbox: cell.bbox,
        cell: Some(CellReference { table: sheet.table.id, row: cell.row, column: cell.column }),
        sentence: None,
    }
}

/// `Total = a + b - c`
pub(super) fn formula_of(terms: &[Term]) -> String {
    let Some((result, parts)) = terms.split_last() else { return String::new() };
    let mut formula = format!("{} =", result.name);
    for (index, part) in parts.iter().enumerate() {
        let sign = match (index, part.factor < 0) {
            (0, false) => " ",
            (_, false) => " + ",
            (0, true) => " -",
            (_, true) => " - ",
        };
        formula.push_str(sign);
        formula.push_str(&part.name);
    }
    formula
}

/// The check that a signed sum of numbers is the printed result.
pub(super) fn sum_check(
    sheet: &Sheet<'_>,
    kind: &'static str,
    parts: &[(String, &Number, i8)],
    result: (String, &Number),
) -> Check {
    let mut terms: Vec<Term> =
        parts.iter().map(|(name, number, factor)| term(sheet, name.clone(), number, *factor)).collect();
    terms.push(term(sheet, result.0, result.1, 1));
    let mut half_units: Vec<f64> = parts.iter().map(|(_, number, _)| number.half_unit).collect();
    half_units.push(result.1.half_unit);
    Check {
        kind,
        formula: formula_of(&terms),
        expected: parts.iter().map(|(_, number, factor)| f64::from(*factor) * number.value).sum(),
        printed: result.1.value,
        tolerance: rounding_tolerance(&half_units),
        terms,
        half_units,
        remark: None,
        sum: true,
        converted: parts.iter().any(|(_, number, _)| number.converted) || result.1.converted,
        relation: Some((sheet.table.id, sheet.cell(result.1).row)),
    }
}

/// Every printed number may be off by half a unit of its last digit; so may their sum and the printed result. A sum
/// of two whole numbers that are not rounded can still be off by one when both are.
pub(super) fn rounding_tolerance(half_units: &[f64]) -> f64 {
    half_units.iter().sum()
}
