//! Figures that sentences state of a line of a table: "Net sales increased 4.5% to $159.5 billion from $152.7 billion".
//!
//! The subject of the sentence must be the label of a row, word for word. A sentence is one relation. It counts as
//! checked when all its figures are those of the row, or when one amount is off by a single slip while another figure of
//! the same sentence confirms the row; of all others nothing is known.

use std::collections::BTreeMap;

use super::explain::{Candidate, explain};
use super::relation::{Check, term};
use super::sheet::{Class, Number, Sheet, key_of};
use crate::document::analysis::{FigureKind, Sentence};
use crate::document::findings::Term;
use crate::error::Result;
use crate::limit::Limit;
use crate::structure::numbers::{FoundFigure, Locale, find_figures};

/// Verbs between a subject and its figures, and whether they say that it changed.
const VERBS: &[(&str, bool)] = &[
    ("was", false),
    ("were", false),
    ("is", false),
    ("totaled", false),
    ("totalled", false),
    ("amounted", false),
    ("increased", true),
    ("grew", true),
    ("rose", true),
    ("decreased", true),
    ("declined", true),
    ("fell", true),
];
/// Words that begin the reasons, behind which figures are about something else.
const REASONS: &[&str] = &[
    "driven",
    "primarily",
    "due",
    "reflecting",
    "which",
    "while",
    "because",
    "resulting",
    "including",
    "partially",
    "offset",
    "consisting",
    "attributable",
    "mainly",
    "excluding",
    "comprised",
];
/// Shortest subject that names a line of its own.
const SHORTEST_KEY: usize = 6;
/// Significant digits from which an amount that agrees is no coincidence.
const TELLING_DIGITS: usize = 3;
/// Rows of a label before and after a sentence that it may be about. More than any report has; a document of many
/// statements of one form would cost every sentence all of them.
const MOST_ROWS: usize = 100;

/// What a figure is of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Now,
    Before,
    Change,
    Difference,
}

struct Stated {
    role: Role,
    figure: FoundFigure,
}

impl Stated {
    /// Unit of the last printed digit, with scale.
    fn unit(&self) -> f64 {
        10f64.powi(self.figure.scale.unwrap_or(0) - self.figure.decimals as i32)
    }

    fn value(&self) -> f64 {
        self.figure.value.unwrap_or(0.0).abs()
    }

    fn is_telling(&self) -> bool {
        let digits = format!("{:.0}", (self.value() / self.unit()).round());
        matches!(self.role, Role::Now | Role::Before)
            && digits.trim_end_matches('0').len() >= TELLING_DIGITS.min(digits.len())
            && digits.len() >= TELLING_DIGITS
    }
}

/// Compares what sentences state with the rows that they name.
pub(super) fn stated_lines(
    sheets: &[Sheet<'_>],
    sentences: &[Sentence],
    locale: Locale,
    limit: &Limit,
) -> Result<Vec<Check>> {
    let mut lines: BTreeMap<&str, Vec<(&Sheet<'_>, usize)>> = BTreeMap::new();
    for sheet in sheets {
        for (index, row) in sheet.rows.iter().enumerate() {
            if row.has_numbers() && row.key.len() >= SHORTEST_KEY {
                lines.entry(row.key.as_str()).or_default().push((sheet, index));
            }
        }
    }
    let mut checks = Vec::new();
    for sentence in sentences {
        limit.check()?;
        checks.extend(stated_line(&lines, sentence, locale));
    }
    Ok(checks)
}

fn stated_line(
    lines: &BTreeMap<&str, Vec<(&Sheet<'_>, usize)>>,
    sentence: &Sentence,
    locale: Locale,
) -> Option<Check> {
    if sentence.text.len() > 1_000 || !sentence.text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (subject, changes, predicate) = parts_of(&sentence.text)?;
    let rows = lines.get(subject.as_str())?;
    let stated = figures_of(&sentence.text, predicate, changes, locale);
    if !stated.iter().any(Stated::is_telling) {
        return None;
    }
    let here = rows.partition_point(|(sheet, _)| sheet.table.page < sentence.page);
    let near = &rows[here.saturating_sub(MOST_ROWS)..(here + MOST_ROWS).min(rows.len())];
    let mut nearest: Option<Check> = None;
    for &(sheet, row) in near {
        for later in 0..sheet.columns() {
            for before in (0..sheet.columns()).filter(|&before| before != later) {
                match compare(sheet, row, [later, before], &stated, sentence) {
                    Some(Agreement::All(check)) => return Some(check),
                    Some(Agreement::ButOne(check)) => nearest = nearest.or(Some(check)),
                    None => {}
                }
            }
        }
    }
    nearest
}

/// The subject as the key of a row, whether the verb says that it changed, and the byte range of what is said.
fn parts_of(text: &str) -> Option<(String, bool, std::ops::Range<usize>)> {
    let mut at = 0;
    let mut words: Vec<(usize, usize)> = Vec::new();
    for word in text.split(' ') {
        words.push((at, at + word.len()));
        at += word.len() + 1;
    }
    let bare = |&(from, to): &(usize, usize)| {
        text[from..to].trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
    };
    let (verb, changes) = words.iter().enumerate().find_map(|(index, word)| {
        let word = bare(word);
        VERBS.iter().find(|(verb, _)| *verb == word).map(|(_, changes)| (index, *changes))
    })?;
    let from = words.get(verb + 1)?.0;
    let to = words[verb + 1..]
        .iter()
        .find(|word| REASONS.contains(&bare(word).as_str()) || text[word.0..word.1].ends_with(';'))
        .map_or(text.len(), |word| word.0);
    Some((subject_of(text[..words[verb].0].trim_end()), changes, from..to))
}

/// "In fiscal 2024, our net sales for the quarter" is "net sales".
fn subject_of(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut subject = lower.as_str();
    const PERIOD_WORDS: [&str; 6] = ["in ", "for ", "during ", "as of ", "at ", "as a result"];
    if PERIOD_WORDS.iter().any(|word| subject.starts_with(word))
        && let Some((_, rest)) = subject.rsplit_once(", ")
    {
        subject = rest;
    }
    for word in ["our ", "the company's ", "the company’s ", "the "] {
        subject = subject.strip_prefix(word).unwrap_or(subject);
    }
    let end = [" for ", " in ", " during ", " as of ", " at ", ", "]
        .iter()
        .filter_map(|word| subject.find(word))
        .min()
        .unwrap_or(subject.len());
    key_of(&subject[..end])
}

/// The figures that are about the line, with what they are of it.
fn figures_of(text: &str, range: std::ops::Range<usize>, changes: bool, locale: Locale) -> Vec<Stated> {
    let found = find_figures(text, locale);
    let inside = found.into_iter().filter(|figure| {
        range.contains(&figure.range.start) && figure.value.is_some() && figure.alternatives.is_empty()
    });
    let mut stated: Vec<Stated> = Vec::new();
    for figure in inside {
        let before = text[range.start..figure.range.start].to_lowercase();
        let mut last =
            before.split_whitespace().rev().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        let word = last.find(|word| !matches!(*word, "approximately" | "about" | "nearly")).unwrap_or("");
        let previous = last.next().unwrap_or("");
        let amount = matches!(figure.kind, FigureKind::Money | FigureKind::PerShare);
        let role = match (word, figure.kind) {
            ("to", _) if amount && previous != "compared" => Role::Now,
            ("to" | "with" | "from" | "versus", _) if amount => Role::Before,
            ("by" | "or" | "of", _) if amount && changes => Role::Difference,
            ("", _) if amount && changes => Role::Difference,
            ("" | "to", _) if amount => Role::Now,
            ("by" | "or" | "", FigureKind::Percent) if changes => Role::Change,
            _ => continue,
        };
        if stated.iter().all(|other| other.role != role) {
            stated.push(Stated { role, figure });
        }
    }
    stated
}

enum Agreement {
    All(Check),
    ButOne(Check),
}

/// How the figures fare against two columns of a row; `None` where they are about something else.
fn compare(
    sheet: &Sheet<'_>,
    row: usize,
    [now, before]: [usize; 2],
    stated: &[Stated],
    sentence: &Sentence,
) -> Option<Agreement> {
    let number = |column: usize| {
        sheet.rows[row].entries[column]
            .number()
            .filter(|number| number.class != Class::Percent && !number.nil)
    };
    let scaled = |number: &Number| {
        let scale = sheet.cell(number).value.as_ref().map_or(0, |value| value.scale);
        (number.value.abs() * 10f64.powi(scale), number.half_unit * 10f64.powi(scale))
    };
    let (first, second) = (number(now)?, number(before));
    let mut odd: Option<(&Stated, &Number)> = None;
    let mut confirmed = false;
    for figure in stated {
        let (expected, slack, of) = match (figure.role, second) {
            (Role::Now, _) => {
                let (value, half_unit) = scaled(first);
                (value, half_unit, first)
            }
            (Role::Before, Some(second)) => {
                let (value, half_unit) = scaled(second);
                (value, half_unit, second)
            }
            (Role::Difference, Some(second)) => {
                let ((a, slack_a), (b, slack_b)) = (scaled(first), scaled(second));
                ((a - b).abs(), slack_a + slack_b, first)
            }
            (Role::Change, Some(second)) => {
                let ((a, slack_a), (b, slack_b)) = (scaled(first), scaled(second));
                if b == 0.0 {
                    return None;
                }
                (100.0 * (a - b).abs() / b, 100.0 * (slack_a / b + a * slack_b / (b * b)), first)
            }
            (_, None) => return None,
        };
        let holds =
            (figure.value() - expected).abs() <= 0.5 * figure.unit() + slack + 1e-9 * expected.max(1.0);
        if holds {
            confirmed |= figure.is_telling();
        } else if odd.is_none() && matches!(figure.role, Role::Now | Role::Before) {
            odd = Some((figure, of));
        } else {
            return None;
        }
    }
    if !confirmed {
        return None;
    }
    match odd {
        None => {
            let figure = stated.iter().find(|figure| figure.is_telling())?;
            let of = if figure.role == Role::Before { second? } else { first };
            Some(Agreement::All(check(sheet, row, of, figure, sentence)?))
        }
        Some((figure, of)) => {
            let needed = (scaled(of).0 / figure.unit()).round() * figure.unit();
            let text = &sentence.text[figure.figure.range.clone()];
            let slip =
                Candidate { text, value: figure.value(), needed, half_unit: 0.5 * figure.unit(), slack: 0.0 };
            let remark = explain(&[slip])?;
            let check = check(sheet, row, of, figure, sentence)?;
            Some(Agreement::ButOne(Check { remark: Some(remark), ..check }))
        }
    }
}

/// The check that a figure of a sentence is the number of a cell.
fn check(
    sheet: &Sheet<'_>,
    row: usize,
    number: &Number,
    figure: &Stated,
    sentence: &Sentence,
) -> Option<Check> {
    let power = 10f64.powi(sheet.cell(number).value.as_ref().map_or(0, |value| value.scale));
    let cell = sheet.cell(number);
    let name = format!("{} (table {}, page {})", sheet.name(row), sheet.table.id, cell.page);
    let mut of_table = term(sheet, name, number, 1);
    of_table.value = number.value * power;
    let text = sentence.text[figure.figure.range.clone()].to_owned();
    let of_sentence = Term {
        name: format!("{} as stated on page {}", sheet.name(row), sentence.page),
        factor: 1,
        text,
        value: figure.value(),
        page: sentence.page,
        bbox: *sentence.boxes.first()?,
        cell: None,
        sentence: Some(sentence.id),
    };
    Some(Check {
        kind: "stated",
        formula: format!("{} = {}", of_sentence.name, of_table.name),
        half_units: vec![number.half_unit * power, 0.5 * figure.unit()],
        expected: of_table.value.abs(),
        printed: figure.value(),
        tolerance: 0.5 * figure.unit() + number.half_unit * power,
        terms: vec![of_table, of_sentence],
        remark: None,
        sum: false,
        converted: false,
        relation: None,
    })
}
