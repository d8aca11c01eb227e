//! What is known about the figures of a document, and whether a figure says the same.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::document::BBox;
use crate::document::analysis::{Figure, FigureKind};
use crate::structure::numbers::{Date, Period};

/// Relative difference below which two values are the same number.
const SAME: f64 = 1e-6;

/// One document and what is known about its figures: a line of the data file.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledDocument {
    /// The document, relative to the data file.
    pub document: PathBuf,
    /// Pages to read, as `--pages` has them; all when absent.
    #[serde(default)]
    pub pages: Option<String>,
    /// Documents of one group (a company) are resampled together.
    #[serde(default)]
    pub group: Option<String>,
    /// Figures that are known.
    pub facts: Vec<Fact>,
}

/// One known figure.
#[derive(Clone, Debug, Deserialize)]
pub struct Fact {
    /// Digits as printed, without currency, sign and scale words.
    pub text: String,
    /// Value with scale and printed sign; percentages in percent.
    pub value: f64,
    /// Power of ten between the printed number and the value.
    #[serde(default)]
    pub scale: i32,
    /// Kind.
    #[serde(rename = "type")]
    pub kind: FactKind,
    /// Measure: an ISO 4217 code for money, `USD/shares`, `shares`, ...
    #[serde(default)]
    pub unit: String,
    /// `2024-12-31` or `2024-01-01/2024-12-31`; empty when unknown.
    #[serde(default)]
    pub period: String,
    /// Page, counted from 1.
    pub page: u32,
    /// Extent of the digits in points, origin top left.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Where it stands.
    pub place: FactPlace,
    /// Tables of the document are told apart by this number.
    #[serde(default)]
    pub table: Option<u32>,
    /// Name of what it states, for the list of misses.
    #[serde(default)]
    pub concept: String,
}

/// What a known figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FactKind {
    /// An amount of a currency.
    Money,
    /// An amount per share.
    PerShare,
    /// A percentage.
    Percent,
    /// A number of shares or another thing.
    Quantity,
    /// A pure number.
    Number,
    /// A measure that docproc has no type for.
    Other,
}

/// Where a known figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FactPlace {
    /// In a table of a face statement.
    Statement,
    /// In another table.
    Table,
    /// In running text.
    Prose,
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * a.abs().max(b.abs()).max(1e-9)
}

fn scale_of(fact: &Fact) -> i32 {
    if fact.kind == FactKind::Percent { 0 } else { fact.scale }
}

/// The first thing that is wrong with the value; `None` when value, scale and sign are right.
pub(super) fn wrong(fact: &Fact, figure: &Figure) -> Option<&'static str> {
    let value = figure.value.unwrap_or(f64::NAN);
    if same(value, fact.value) {
        return None;
    }
    let printed = |value: f64, scale: i32| value.abs() / 10f64.powi(scale);
    if same(value.abs(), fact.value.abs()) {
        Some("sign")
    } else if same(printed(value, figure.scale.unwrap_or(0)), printed(fact.value, scale_of(fact))) {
        Some("scale")
    } else {
        Some("digits")
    }
}

/// Name, whether the figure states it, whether it is right.
pub(super) fn attributes_of(fact: &Fact, figure: &Figure) -> Vec<(&'static str, bool, bool)> {
    let what = wrong(fact, figure);
    let mut attributes = vec![("digits", true, what != Some("digits"))];
    if fact.value != 0.0 {
        let value = figure.value.unwrap_or(0.0);
        attributes.push(("scale", true, what.is_none() || what == Some("sign")));
        attributes.push(("sign", true, value.signum() == fact.value.signum()));
    }
    let kind = match fact.kind {
        FactKind::Money => Some(FigureKind::Money),
        FactKind::PerShare => Some(FigureKind::PerShare),
        FactKind::Percent => Some(FigureKind::Percent),
        FactKind::Quantity => Some(FigureKind::Quantity),
        FactKind::Number | FactKind::Other => None,
    };
    if let Some(kind) = kind {
        // A bare number says nothing about its kind.
        attributes.push(("type", figure.kind != FigureKind::Number, figure.kind == kind));
    }
    if matches!(fact.kind, FactKind::Money | FactKind::PerShare) {
        let currency = fact.unit.split('/').next().unwrap_or_default();
        attributes.push((
            "currency",
            figure.currency.is_some(),
            figure.currency.as_deref() == Some(currency),
        ));
    }
    if let Ok(truth) = fact.period.parse::<Period>() {
        let stated = figure.period.as_deref().and_then(|period| period.parse::<Period>().ok());
        attributes.push((
            "period",
            stated.is_some(),
            stated.is_some_and(|stated| period_matches(stated, truth)),
        ));
    }
    attributes
}

/// Whether a stated period is the one of the fact. Books kept in weeks may begin up to a week apart; a bare year is
/// right for the fiscal year that ends in it, or in the first two months of the next (as retailers count).
fn period_matches(stated: Period, truth: Period) -> bool {
    let in_year = |year: i32, end: Date| year == end.year() || end.month() <= 2 && year == end.year() - 1;
    match (stated, truth) {
        (Period::Year(year), Period::Day(day)) => in_year(year, day),
        (Period::Year(year), Period::Span(first, last)) => {
            (350..=380).contains(&last.days_since(first)) && in_year(year, last)
        }
        (stated, Period::Day(day)) => stated.end() == Some(day),
        (Period::Span(first, last), Period::Span(start, end)) => {
            last == end && first.days_since(start).abs() <= 7
        }
        _ => stated == truth,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::evaluation) fn fact(text: &str, value: f64, scale: i32, x: f32) -> Fact {
        Fact {
            text: text.into(),
            value,
            scale,
            kind: FactKind::Money,
            unit: "USD".into(),
            period: "2024-01-01/2024-12-31".into(),
            page: 1,
            bbox: BBox::new(x, 100.0, x + 30.0, 108.0),
            place: FactPlace::Statement,
            table: Some(0),
            concept: "Revenues".into(),
        }
    }

    pub(in crate::evaluation) fn figure(text: &str, value: f64, scale: i32, x: f32) -> Figure {
        Figure {
            kind: FigureKind::Money,
            text: text.into(),
            value: Some(value),
            alternatives: Vec::new(),
            unit: None,
            currency: Some("USD".into()),
            scale: Some(scale),
            period: Some("2024".into()),
            sentence: None,
            heading: None,
            cell: None,
            page: 1,
            bbox: BBox::new(x - 2.0, 98.0, x + 32.0, 110.0),
            confidence: 1.0,
            needs_review: false,
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let fact = fact("(1,234)", -1234e6, 6, 0.0);
        for (value, scale, what) in [
            (-1234e6, 6, None),
            (1234e6, 6, Some("sign")),
            (-1234e3, 3, Some("scale")),
            (-1243e6, 6, Some("digits")),
        ] {
            assert_eq!(wrong(&fact, &figure("", value, scale, 0.0)), what);
        }
    }

    #[test]
    fn periods_as_a_reader_would_take_them() {
        let matches =
            |stated: &str, truth: &str| period_matches(stated.parse().unwrap(), truth.parse().unwrap());
        assert!(matches("2024", "2023-10-01/2024-09-28") && matches("2024", "2024-02-01/2025-02-01"));
        assert!(
            matches("2024-09-28", "2024-09-28") && matches("2023-09-30/2024-09-28", "2023-10-01/2024-09-28")
        );
        assert!(!matches("2024", "2024-07-01/2024-09-30") && !matches("2024-12-31", "2024-01-01/2024-12-31"));
        assert!(!matches("2023-12-31", "2024-12-31"));
    }
}
