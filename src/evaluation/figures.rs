//! Figures against truth: what docproc reads from a printed document, compared with what its inline XBRL tags state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::data::read_lines;
use super::pairing::{pair, without_fact};
use super::reliability::{FigureOutcome, Reliability, read_in, reliability};
use super::report::bootstrap_interval;
use super::rows::read_analysis;
use crate::document::BBox;
use crate::document::analysis::{Analysis, Figure, FigureKind, Problem};
use crate::error::{Error, ErrorCode, Result};
use crate::pipeline::{Engine, PageSelection, Request};
use crate::scoring::features;
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

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct FigureReport {
    /// Documents read.
    pub documents: usize,
    /// Facts compared.
    pub facts: usize,
    /// Figures by place: `statement`, `table`, `prose` and `all`.
    pub parts: BTreeMap<&'static str, FigureScores>,
    /// Confidence of the figures at facts against how often they are right, by where docproc read them: `cell`,
    /// `sentence` and `all`.
    pub confidence: BTreeMap<&'static str, Reliability>,
    /// The figures behind that.
    #[serde(skip)]
    pub outcomes: Vec<FigureOutcome>,
    /// Facts that were not read rightly and figures without a fact, in document order.
    pub misses: Vec<Miss>,
    /// What could not be read, by document; facts on such pages count as not found.
    pub errors: BTreeMap<String, Vec<Problem>>,
}

/// Scores over the facts of one place.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FigureScores {
    /// Facts.
    pub facts: usize,
    /// Facts with a figure at their place.
    pub found: usize,
    /// Facts whose value, scale and sign are right.
    pub right: usize,
    /// Figures that docproc states at facts, or between the facts of a table; dashes and zeros without a fact do not count.
    pub predicted: usize,
    /// `right / facts`.
    pub recall: f64,
    /// 95% interval by bootstrap over groups.
    pub recall_interval: [f64; 2],
    /// `right / predicted`.
    pub precision: f64,
    /// 95% interval by bootstrap over groups.
    pub precision_interval: [f64; 2],
    /// Right ones among the facts that were found, for each attribute.
    pub attributes: BTreeMap<&'static str, Attribute>,
}

/// One attribute over the facts that were found and have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Attribute {
    /// Facts found that have the attribute.
    pub n: usize,
    /// Figures that state it.
    pub stated: usize,
    /// Stated rightly.
    pub right: usize,
    /// `right / n`.
    pub recall: f64,
    /// `right / stated`.
    pub precision: f64,
}

/// One fact that was not read rightly, or a figure where there is no fact.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    /// Document.
    pub document: String,
    /// Page.
    pub page: u32,
    /// Place of the fact.
    pub place: FactPlace,
    /// `not_found`, `digits`, `scale`, `sign`, or `no_fact` for a figure without one.
    pub what: &'static str,
    /// Name of the fact, or the figure's text.
    pub concept: String,
    /// Digits as printed.
    pub text: String,
    /// The fact's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<f64>,
    /// What docproc reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<f64>,
}

/// Analyzes every document of the data and compares its figures with the facts. `done` hears of each document.
///
/// # Errors
/// `data.invalid`, and the error of a document that cannot be analyzed at all.
pub fn figures(
    engine: &Engine,
    request: &Request,
    path: &Path,
    mut done: impl FnMut(&str),
) -> Result<FigureReport> {
    let items: Vec<LabelledDocument> = read_lines(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut tally = Tally::default();
    for (line, item) in items.iter().enumerate() {
        let invalid = |message: String| {
            Error::new(ErrorCode::DataInvalid, format!("line {}: {message}", line + 1)).file(path)
        };
        let pages: Option<PageSelection> =
            item.pages.as_deref().map(str::parse).transpose().map_err(&invalid)?;
        let request = Request { pages: pages.unwrap_or_default(), ..request.clone() };
        let analysis = engine.analyze(&folder.join(&item.document), &request);
        if analysis.pages.is_empty() {
            let message = analysis.errors.first().map_or("it has no pages", |error| error.message.as_str());
            return Err(invalid(format!("{}: {message}", item.document.display())));
        }
        tally.add(line, item, &analysis, &request.pages);
        if !analysis.errors.is_empty() {
            tally
                .errors
                .entry(item.document.to_string_lossy().into_owned())
                .or_default()
                .extend(analysis.errors);
        }
        done(&item.document.to_string_lossy());
    }
    Ok(tally.report(items.len()))
}

/// The same for documents that were analyzed before: `folder` holds the analysis of each under the name of the document
/// with `.json` after it. Facts on pages that an analysis lacks do not count.
///
/// # Errors
/// `data.invalid`.
pub fn figures_of_analyses(folder: &Path, path: &Path) -> Result<FigureReport> {
    let items: Vec<LabelledDocument> = read_lines(path)?;
    let mut tally = Tally::default();
    for (line, item) in items.iter().enumerate() {
        let mut name = item.document.file_name().unwrap_or_default().to_owned();
        name.push(".json");
        let analysis = read_analysis(&folder.join(name))?;
        tally.add(line, item, &analysis, &PageSelection::default());
    }
    Ok(tally.report(items.len()))
}

#[derive(Default)]
struct Tally {
    /// Per place and group: facts, right, predicted.
    counts: BTreeMap<FactPlace, BTreeMap<String, [usize; 3]>>,
    found: BTreeMap<FactPlace, usize>,
    attributes: BTreeMap<FactPlace, BTreeMap<&'static str, Attribute>>,
    outcomes: Vec<FigureOutcome>,
    misses: Vec<Miss>,
    errors: BTreeMap<String, Vec<Problem>>,
}

impl Tally {
    fn add(&mut self, line: usize, item: &LabelledDocument, analysis: &Analysis, pages: &PageSelection) {
        let group = item.group.clone().unwrap_or_else(|| format!("\0{line}"));
        let document = item.document.to_string_lossy().into_owned();
        let read: BTreeSet<u32> = analysis.pages.iter().map(|page| page.number).collect();
        let on_page = |fact: &&Fact| pages.contains(fact.page) && read.contains(&fact.page);
        let facts: Vec<&Fact> = item.facts.iter().filter(on_page).collect();
        let features = features::figures::of(&analysis.figures, &analysis.tables);
        let (figures, features): (Vec<&Figure>, Vec<Vec<f32>>) =
            analysis.figures.iter().zip(features).filter_map(|(figure, row)| Some((figure, row?))).unzip();
        let pairs = pair(&facts, &figures);
        let mut used = vec![false; figures.len()];
        for (fact, paired) in facts.iter().zip(&pairs) {
            let counts = self.counts.entry(fact.place).or_default().entry(group.clone()).or_default();
            counts[0] += 1;
            let figure = paired.map(|index| {
                used[index] = true;
                counts[2] += 1;
                figures[index]
            });
            let what = figure.map_or(Some("not_found"), |figure| wrong(fact, figure));
            counts[1] += usize::from(what.is_none());
            if let (Some(figure), Some(index)) = (figure, paired) {
                self.outcomes.push(FigureOutcome {
                    document: document.clone(),
                    group: group.clone(),
                    read_in: read_in(figure),
                    features: features[*index].clone(),
                    confidence: figure.confidence,
                    right: what.is_none(),
                });
                *self.found.entry(fact.place).or_default() += 1;
                let attributes = self.attributes.entry(fact.place).or_default();
                for (name, stated, right) in attributes_of(fact, figure) {
                    let attribute = attributes.entry(name).or_default();
                    attribute.n += 1;
                    attribute.stated += usize::from(stated);
                    attribute.right += usize::from(stated && right);
                }
            }
            if let Some(what) = what {
                self.misses.push(Miss {
                    document: document.clone(),
                    page: fact.page,
                    place: fact.place,
                    what,
                    concept: fact.concept.clone(),
                    text: fact.text.clone(),
                    truth: Some(fact.value),
                    read: figure.and_then(|figure| figure.value),
                });
            }
        }
        for (figure, _) in figures.iter().zip(&used).filter(|(_, used)| !**used) {
            let Some(place) = without_fact(figure, &facts) else { continue };
            self.counts.entry(place).or_default().entry(group.clone()).or_default()[2] += 1;
            self.misses.push(Miss {
                document: document.clone(),
                page: figure.page,
                place,
                what: "no_fact",
                concept: String::new(),
                text: figure.text.clone(),
                truth: None,
                read: figure.value,
            });
        }
    }

    fn report(self, documents: usize) -> FigureReport {
        let mut parts = BTreeMap::new();
        let mut all_groups: BTreeMap<String, [usize; 3]> = BTreeMap::new();
        let mut all_attributes: BTreeMap<&'static str, Attribute> = BTreeMap::new();
        for (place, groups) in &self.counts {
            let name = match place {
                FactPlace::Statement => "statement",
                FactPlace::Table => "table",
                FactPlace::Prose => "prose",
            };
            for (group, counts) in groups {
                let sum = all_groups.entry(group.clone()).or_default();
                *sum = std::array::from_fn(|at| sum[at] + counts[at]);
            }
            let attributes = self.attributes.get(place).cloned().unwrap_or_default();
            for (name, attribute) in &attributes {
                let sum = all_attributes.entry(name).or_default();
                sum.n += attribute.n;
                sum.stated += attribute.stated;
                sum.right += attribute.right;
            }
            let found = self.found.get(place).copied().unwrap_or(0);
            parts.insert(name, scores(groups, found, attributes));
        }
        parts.insert("all", scores(&all_groups, self.found.values().sum(), all_attributes));
        FigureReport {
            documents,
            facts: parts["all"].facts,
            parts,
            confidence: reliability(&self.outcomes),
            outcomes: self.outcomes,
            misses: self.misses,
            errors: self.errors,
        }
    }
}

fn scores(
    groups: &BTreeMap<String, [usize; 3]>,
    found: usize,
    mut attributes: BTreeMap<&'static str, Attribute>,
) -> FigureScores {
    let ratio = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    for attribute in attributes.values_mut() {
        attribute.recall = ratio(attribute.right, attribute.n);
        attribute.precision = ratio(attribute.right, attribute.stated);
    }
    let [facts, right, predicted] = groups
        .values()
        .fold([0; 3], |sum: [usize; 3], counts| std::array::from_fn(|at| sum[at] + counts[at]));
    let groups: Vec<[usize; 3]> = groups.values().copied().collect();
    let interval = |whole: usize| {
        bootstrap_interval(&groups, |sample| {
            let sum = |at: usize| sample.iter().map(|counts| counts[at]).sum::<usize>();
            ratio(sum(1), sum(whole))
        })
    };
    FigureScores {
        facts,
        found,
        right,
        predicted,
        recall: ratio(right, facts),
        recall_interval: interval(0),
        precision: ratio(right, predicted),
        precision_interval: interval(2),
        attributes,
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * a.abs().max(b.abs()).max(1e-9)
}

fn scale_of(fact: &Fact) -> i32 {
    if fact.kind == FactKind::Percent { 0 } else { fact.scale }
}

/// The first thing that is wrong with the value; `None` when value, scale and sign are right.
fn wrong(fact: &Fact, figure: &Figure) -> Option<&'static str> {
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
fn attributes_of(fact: &Fact, figure: &Figure) -> Vec<(&'static str, bool, bool)> {
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
            confidence: 1.0, needs_review: false,
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
