//! Proof by injection: one error at a time in correct documents, and whether the audit cites it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::claims::{claims_in_print, claims_of_file};
use super::inject::{Change, Claim, Injection, plan};
use super::report::bootstrap_interval;
use crate::document::findings::Anomaly;
use crate::error::{Error, Result};
use crate::input::Input;
use crate::limit::Limit;
use crate::pipeline::{Engine, Reading, Request};
use crate::scoring::audit::audit;
use crate::structure::locale_of;
use crate::structure::tables::find_tables;
use crate::structure::units::Scopes;

/// Ending of the file of claims beside a document: `report.pdf` has `report.claims.jsonl`.
const CLAIMS: &str = "claims.jsonl";

/// How much is injected.
#[derive(Clone, Copy, Debug)]
pub struct InjectionOptions {
    /// Decides which numbers are changed, and how.
    pub seed: u64,
    /// Most errors of each kind per document.
    pub per_kind: usize,
}

/// Figures over all documents.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InjectionReport {
    /// Share of the injected errors that a new finding cites.
    pub recall: f64,
    /// 95% interval of the recall by bootstrap over documents.
    pub recall_interval: [f64; 2],
    /// The same by kind of error.
    pub recall_by_kind: BTreeMap<String, f64>,
    /// Findings per 100 tables of the unchanged documents.
    pub false_alarms_per_100_tables: f64,
    /// 95% interval of the false alarms by bootstrap over documents.
    pub false_alarms_per_100_tables_interval: [f64; 2],
    /// Tables of the unchanged documents.
    pub tables: usize,
    /// Errors injected.
    pub injections: usize,
    /// Findings in the unchanged documents.
    pub false_alarms: usize,
    /// Relations that the audit checked in the unchanged documents.
    pub relations: usize,
    /// Errors injected and found, by kind.
    pub counts: BTreeMap<String, Found>,
    /// The same by document.
    pub documents: Vec<DocumentReport>,
}

/// Errors injected and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Errors injected.
    pub injected: usize,
    /// Those that a new finding cites.
    pub found: usize,
}

/// Figures of one document.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentReport {
    /// Path as given.
    pub document: PathBuf,
    /// Where its claimed totals come from.
    pub claims_from: ClaimSource,
    /// Claimed totals.
    pub claims: usize,
    /// Claims of the file with a number that is not where the file says.
    pub claims_not_found: usize,
    /// Tables of the unchanged document.
    pub tables: usize,
    /// Relations that the audit checked in it.
    pub relations: usize,
    /// Findings in it.
    pub false_alarms: Vec<Alarm>,
    /// Errors injected and found, by kind.
    pub counts: BTreeMap<String, Found>,
    /// Errors that no new finding cites.
    pub missed: Vec<Missed>,
    /// What could not be read.
    pub errors: Vec<String>,
    /// Whether nothing of it could be read; `errors` says why.
    pub not_read: bool,
}

impl DocumentReport {
    fn unread(path: &Path, error: &Error) -> Self {
        Self {
            document: path.to_owned(),
            claims_from: ClaimSource::Print,
            claims: 0,
            claims_not_found: 0,
            tables: 0,
            relations: 0,
            false_alarms: Vec::new(),
            counts: BTreeMap::new(),
            missed: Vec::new(),
            errors: vec![error.to_string()],
            not_read: true,
        }
    }
}

/// Where the claimed totals of a document come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimSource {
    /// The file beside it.
    File,
    /// Its printed lines, because there is no such file.
    Print,
}

/// A finding in an unchanged document.
#[derive(Clone, Debug, Serialize)]
pub struct Alarm {
    /// Kind of relation.
    pub kind: String,
    /// Page of its result.
    pub page: Option<u32>,
    /// What it says.
    pub message: String,
}

/// An error that was not found.
#[derive(Clone, Debug, Serialize)]
pub struct Missed {
    /// Kind of error.
    pub kind: Injection,
    /// Page.
    pub page: u32,
    /// What was changed.
    pub change: String,
    /// The total that it breaks.
    pub claim: String,
}

/// Reads the documents, injects errors one at a time, and counts what the audit finds.
///
/// A document or a file of claims that cannot be read is in the report and counts for nothing.
///
/// # Errors
/// That of the first document when none can be read.
pub fn injections(
    engine: &Engine,
    inputs: &[Input],
    request: &Request,
    options: InjectionOptions,
) -> Result<InjectionReport> {
    let mut documents = Vec::with_capacity(inputs.len());
    let mut first_error = None;
    for input in inputs {
        documents.push(injections_of(engine, input, request, options).unwrap_or_else(|error| {
            let report = DocumentReport::unread(&input.path, &error);
            first_error.get_or_insert(error);
            report
        }));
    }
    match first_error {
        Some(error) if documents.iter().all(|document| document.not_read) => Err(error),
        _ => Ok(InjectionReport::of(documents)),
    }
}

fn injections_of(
    engine: &Engine,
    input: &Input,
    request: &Request,
    options: InjectionOptions,
) -> Result<DocumentReport> {
    let reading = engine.read(input, request)?;
    let beside = input.path.with_extension(CLAIMS);
    let (claims, lost, source) = if beside.is_file() {
        let (claims, lost) = claims_of_file(&beside, &reading.pages)?;
        (claims, lost, ClaimSource::File)
    } else {
        (claims_in_print(&reading.pages), 0, ClaimSource::Print)
    };
    let mut report = inject_into(&input.path, &reading, &claims, options)?;
    report.claims_from = source;
    report.claims_not_found = lost;
    Ok(report)
}

/// Injects errors into one document that was read.
///
/// # Errors
/// None: there is no limit.
pub fn inject_into(
    path: &Path,
    reading: &Reading,
    claims: &[Claim],
    options: InjectionOptions,
) -> Result<DocumentReport> {
    let limit = Limit::default();
    let Reading { pages, blocks, sentences, errors } = reading;
    let locale = locale_of(pages);
    let tables = find_tables(pages, blocks, &Scopes::of(pages, blocks), locale, &limit)?;
    let clean = audit(pages, &tables, sentences, locale, &limit)?;
    let before: BTreeSet<String> = clean.anomalies.iter().map(terms_of).collect();
    let planned = plan(pages, claims, options.seed, options.per_kind);
    let verdicts = planned
        .par_iter()
        .map_init(
            || pages.clone(),
            |changed, (_, change)| {
                let old = change.apply(&mut changed[change.page]);
                let tables = find_tables(changed, blocks, &Scopes::of(changed, blocks), locale, &limit)?;
                let found = audit(changed, &tables, sentences, locale, &limit)?
                    .anomalies
                    .iter()
                    .any(|anomaly| !before.contains(&terms_of(anomaly)) && cites(anomaly, pages, change));
                for (word, text) in old {
                    changed[change.page].words[word].text = text;
                }
                Ok(found)
            },
        )
        .collect::<Result<Vec<bool>>>()?;
    let mut counts: BTreeMap<String, Found> = BTreeMap::new();
    let mut missed = Vec::new();
    for ((kind, change), found) in planned.iter().zip(verdicts) {
        let count = counts.entry(kind.name().to_owned()).or_default();
        count.injected += 1;
        count.found += usize::from(found);
        if !found {
            missed.push(Missed {
                kind: *kind,
                page: pages[change.page].number,
                change: change.description.clone(),
                claim: broken_claim(pages, claims, change),
            });
        }
    }
    Ok(DocumentReport {
        document: path.to_owned(),
        claims_from: ClaimSource::File,
        claims: claims.len(),
        claims_not_found: 0,
        tables: tables.len(),
        relations: clean.summary.checked as usize,
        false_alarms: clean
            .anomalies
            .iter()
            .map(|anomaly| Alarm {
                kind: anomaly.kind.clone(),
                page: anomaly.terms.last().map(|term| term.page),
                message: anomaly.message.clone(),
            })
            .collect(),
        counts,
        missed,
        errors: errors.iter().map(Error::to_string).collect(),
        not_read: false,
    })
}

/// What a finding is about, so that the same finding is recognised.
fn terms_of(anomaly: &Anomaly) -> String {
    let terms = anomaly.terms.iter().map(|term| format!("{} {:?} {}", term.page, term.bbox, term.text));
    format!("{} {}", anomaly.kind, terms.collect::<Vec<_>>().join("; "))
}

/// Whether one of the finding's terms is a changed number.
fn cites(anomaly: &Anomaly, pages: &[crate::document::Page], change: &Change) -> bool {
    let page = &pages[change.page];
    change.words.iter().any(|(word, _)| {
        let bbox = &page.words[*word].bbox;
        anomaly.terms.iter().any(|term| {
            term.page == page.number && term.bbox.contains_point(bbox.center_x(), bbox.center_y())
        })
    })
}

fn broken_claim(pages: &[crate::document::Page], claims: &[Claim], change: &Change) -> String {
    let is_changed = |claim: &&Claim| {
        claim.numbers().any(|number| {
            number.page == change.page && change.words.iter().any(|(word, _)| *word == number.word)
        })
    };
    let text = |number: &super::inject::ClaimedNumber| &pages[number.page].words[number.word].text;
    claims.iter().find(is_changed).map_or(String::new(), |claim| {
        let terms: Vec<String> = claim
            .terms
            .iter()
            .map(|term| format!("{} {}", if term.factor < 0 { '-' } else { '+' }, text(term)))
            .collect();
        format!("{} = {}", text(&claim.result), terms.join(" "))
    })
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl InjectionReport {
    fn of(documents: Vec<DocumentReport>) -> Self {
        let mut counts: BTreeMap<String, Found> = BTreeMap::new();
        for (kind, found) in documents.iter().flat_map(|document| &document.counts) {
            let count = counts.entry(kind.clone()).or_default();
            count.injected += found.injected;
            count.found += found.found;
        }
        // Injected, found, tables, false alarms of each document.
        let rows: Vec<[usize; 4]> = documents
            .iter()
            .map(|document| {
                let sum = |of: fn(&Found) -> usize| document.counts.values().map(of).sum();
                let (injected, found) = (sum(|found| found.injected), sum(|found| found.found));
                [injected, found, document.tables, document.false_alarms.len()]
            })
            .collect();
        let total = |rows: &[&[usize; 4]]| {
            rows.iter().fold([0; 4], |sum, row| std::array::from_fn(|index| sum[index] + row[index]))
        };
        let recall = |[injected, found, ..]: [usize; 4]| ratio(found, injected);
        let alarms = |[.., tables, alarms]: [usize; 4]| ratio(alarms, tables);
        let all = total(&rows.iter().collect::<Vec<_>>());
        let alarms_interval = bootstrap_interval(&rows, |sample| alarms(total(sample)));
        Self {
            recall: recall(all),
            recall_interval: bootstrap_interval(&rows, |sample| recall(total(sample))),
            recall_by_kind: counts
                .iter()
                .map(|(kind, count)| (kind.clone(), ratio(count.found, count.injected)))
                .collect(),
            false_alarms_per_100_tables: 100.0 * alarms(all),
            false_alarms_per_100_tables_interval: alarms_interval.map(|bound| 100.0 * bound),
            tables: all[2],
            injections: all[0],
            false_alarms: all[3],
            relations: documents.iter().map(|document| document.relations).sum(),
            counts,
            documents,
        }
    }
}
