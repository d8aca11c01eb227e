//! Figures against truth: what docproc reads from a printed document, compared with what its inline XBRL tags state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::data::read_lines;
use super::facts::{Fact, FactPlace, LabelledDocument, attributes_of, wrong};
use super::pairing::{pair, without_fact};
use super::reliability::{FigureOutcome, Reliability, read_in, reliability};
use super::report::bootstrap_interval;
use super::rows::read_analysis;
use super::surety::{NotCompared, Surety, sure};
use crate::document::analysis::{Figure, Problem};
use crate::document::tables::Table;
use crate::error::{Error, ErrorCode, Result};
use crate::pipeline::{Engine, PageSelection, Request};
use crate::scoring::features;

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
    /// Figures at facts that docproc is sure of, and how many of them are wrong.
    pub sure: Surety,
    /// Figures that no fact speaks for or against.
    pub not_compared: NotCompared,
    /// The figures behind the confidence.
    #[serde(skip)]
    pub outcomes: Vec<FigureOutcome>,
    /// Facts that were not read rightly and figures without a fact, in document order.
    pub misses: Vec<Miss>,
    /// What could not be read, by document; facts of such documents and pages count as not found.
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
/// `data.invalid`, also when no document can be read.
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
        tally.add(line, item, (&analysis.figures, &analysis.tables), |page| request.pages.contains(page));
        tally.read += usize::from(!analysis.pages.is_empty());
        tally.fail(item, analysis.errors);
        done(&item.document.to_string_lossy());
    }
    tally.report(items.len(), path)
}

/// The same for documents that were analyzed before: `folder` holds the analysis of each under the name of the document
/// with `.json` after it. Facts on pages that an analysis lacks do not count; facts of documents whose analysis cannot be
/// read count as not found.
///
/// # Errors
/// `data.invalid`, also when no analysis can be read.
pub fn figures_of_analyses(folder: &Path, path: &Path) -> Result<FigureReport> {
    let items: Vec<LabelledDocument> = read_lines(path)?;
    let mut tally = Tally::default();
    for (line, item) in items.iter().enumerate() {
        let mut name = item.document.file_name().unwrap_or_default().to_owned();
        name.push(".json");
        match read_analysis(&folder.join(name)) {
            Ok(analysis) => {
                let read: BTreeSet<u32> = analysis.pages.iter().map(|page| page.number).collect();
                tally.add(line, item, (&analysis.figures, &analysis.tables), |page| read.contains(&page));
                tally.read += 1;
            }
            Err(error) => {
                tally.add(line, item, (&[], &[]), |_| true);
                tally.fail(item, vec![Problem::from(&error)]);
            }
        }
    }
    tally.report(items.len(), path)
}

#[derive(Default)]
struct Tally {
    /// Per place and group: facts, right, predicted.
    counts: BTreeMap<FactPlace, BTreeMap<String, [usize; 3]>>,
    found: BTreeMap<FactPlace, usize>,
    attributes: BTreeMap<FactPlace, BTreeMap<&'static str, Attribute>>,
    outcomes: Vec<FigureOutcome>,
    sure: Surety,
    not_compared: NotCompared,
    misses: Vec<Miss>,
    /// Documents that could be read.
    read: usize,
    errors: BTreeMap<String, Vec<Problem>>,
}

impl Tally {
    fn fail(&mut self, item: &LabelledDocument, problems: Vec<Problem>) {
        if !problems.is_empty() {
            let document = item.document.to_string_lossy().into_owned();
            self.errors.entry(document).or_default().extend(problems);
        }
    }

    /// Compares; facts on pages that are not `counted` do not count.
    fn add(
        &mut self,
        line: usize,
        item: &LabelledDocument,
        (figures, tables): (&[Figure], &[Table]),
        counted: impl Fn(u32) -> bool,
    ) {
        let group = item.group.clone().unwrap_or_else(|| format!("\0{line}"));
        let document = item.document.to_string_lossy().into_owned();
        let facts: Vec<&Fact> = item.facts.iter().filter(|fact| counted(fact.page)).collect();
        let features = features::figures::of(figures, tables);
        let (figures, features): (Vec<&Figure>, Vec<Vec<f32>>) =
            figures.iter().zip(features).filter_map(|(figure, row)| Some((figure, row?))).unzip();
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
                let states_wrong = |(_, stated, right): &(_, bool, bool)| *stated && !right;
                self.outcomes.push(FigureOutcome {
                    document: document.clone(),
                    group: group.clone(),
                    read_in: read_in(figure),
                    features: features[*index].clone(),
                    confidence: figure.confidence,
                    right: what.is_none() && !attributes_of(fact, figure).iter().any(states_wrong),
                });
                *self.found.entry(fact.place).or_default() += 1;
                let attributes = self.attributes.entry(fact.place).or_default();
                let stated = attributes_of(fact, figure);
                self.sure.add(figure.confidence, what, &stated);
                for (name, stated, right) in stated {
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
            let Some(place) = without_fact(figure, &facts) else {
                self.not_compared.add(figure);
                continue;
            };
            self.sure.without_fact += usize::from(sure(figure.confidence));
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
        self.not_compared.add_cells(tables);
    }

    fn report(self, documents: usize, data: &Path) -> Result<FigureReport> {
        if self.read == 0 {
            let message = "none of its documents can be read";
            let first = self.errors.iter().find_map(|(path, problems)| Some((path, problems.first()?)));
            let message = first.map_or_else(
                || message.to_owned(),
                |(path, problem)| format!("{message}; {path}: {}", problem.message),
            );
            return Err(Error::new(ErrorCode::DataInvalid, message).file(data));
        }
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
        let facts = parts["all"].facts;
        Ok(FigureReport {
            documents,
            facts,
            parts,
            confidence: reliability(&self.outcomes),
            sure: self.sure.of_facts(facts),
            not_compared: self.not_compared,
            outcomes: self.outcomes,
            misses: self.misses,
            errors: self.errors,
        })
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
