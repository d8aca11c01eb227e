//! Changes that a sentence states twice: "increased 12% to $4.2 billion from $3.75 billion".

use crate::document::analysis::{FigureKind, Sentence};
use crate::document::findings::Term;
use crate::structure::numbers::{FoundFigure, Locale, find_figures};

use super::relation::Check;

/// Words that say that the percentage is a change.
const CHANGES: &[&str] = &[
    "increase",
    "increased",
    "increases",
    "grew",
    "rose",
    "growth",
    "decrease",
    "decreased",
    "decreases",
    "declined",
    "decline",
    "fell",
    "up",
    "down",
    "higher",
    "lower",
];
/// Words between a verb of change and its percentage.
const LINKS: &[&str] = &["of", "by", "or", "approximately", "about", "a"];

/// Checks the sentences that state two amounts and the change between them in percent.
pub(super) fn stated_changes(sentences: &[Sentence], locale: Locale) -> Vec<Check> {
    sentences.iter().filter_map(|sentence| stated_change(sentence, locale)).collect()
}

fn stated_change(sentence: &Sentence, locale: Locale) -> Option<Check> {
    if !sentence.text.contains('%') && !sentence.text.contains("percent") {
        return None;
    }
    let figures = find_figures(&sentence.text, locale);
    let of_kind = |kind: FigureKind| figures.iter().filter(|figure| figure.kind == kind).collect::<Vec<_>>();
    let (amounts, percents) = (of_kind(FigureKind::Money), of_kind(FigureKind::Percent));
    let (&[first, second], &[percent]) = (amounts.as_slice(), percents.as_slice()) else { return None };
    if !is_change(&sentence.text, percent) || first.currency != second.currency {
        return None;
    }
    let (now, before) = match (is_earlier(&sentence.text, first), is_earlier(&sentence.text, second)) {
        (false, true) => (first, second),
        (true, false) => (second, first),
        _ => return None,
    };
    let (a, b, printed) = (now.value?, before.value?, percent.value?);
    if a <= 0.0 || b <= 0.0 || [now, before, percent].iter().any(|figure| !figure.alternatives.is_empty()) {
        return None;
    }
    let half_unit =
        |figure: &FoundFigure| 0.5 * 10f64.powi(figure.scale.unwrap_or(0) - figure.decimals as i32);
    let expected = 100.0 * (a - b).abs() / b;
    let slope = 100.0 * (half_unit(now) / b + a * half_unit(before) / (b * b));
    let term = |figure: &FoundFigure, name: &str, factor: i8| -> Option<Term> {
        Some(Term {
            name: name.to_owned(),
            factor,
            text: sentence.text[figure.range.clone()].to_owned(),
            value: figure.value?,
            page: sentence.page,
            bbox: *sentence.boxes.first()?,
            cell: None,
            sentence: Some(sentence.id),
        })
    };
    Some(Check {
        kind: "year_over_year",
        formula: "stated change = 100 * |later - earlier| / earlier".to_owned(),
        terms: vec![term(now, "later", 1)?, term(before, "earlier", -1)?, term(percent, "stated change", 1)?],
        half_units: vec![half_unit(now), half_unit(before), half_unit(percent)],
        expected,
        printed: printed.abs(),
        tolerance: half_unit(percent) + slope,
        remark: None,
        sum: false,
        converted: false,
        relation: None,
    })
}

fn words_before<'t>(text: &'t str, figure: &FoundFigure, count: usize) -> Vec<&'t str> {
    text[..figure.range.start]
        .split_whitespace()
        .rev()
        .take(count)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .collect()
}

/// Whether "from", "compared to" or the like stands directly before the amount.
fn is_earlier(text: &str, figure: &FoundFigure) -> bool {
    let words: Vec<String> = words_before(text, figure, 2).iter().map(|word| word.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(words.as_slice(), ["from" | "versus" | "vs", ..] | ["to" | "with", "compared"])
}

/// Whether a word of change governs the percentage.
fn is_change(text: &str, percent: &FoundFigure) -> bool {
    let after = text[percent.range.end..].split_whitespace().next().unwrap_or("").to_lowercase();
    if CHANGES.contains(&after.trim_matches(|c: char| !c.is_alphanumeric())) {
        return true;
    }
    words_before(text, percent, 3)
        .iter()
        .map(|word| word.to_lowercase())
        .find(|word| !LINKS.contains(&word.as_str()))
        .is_some_and(|word| CHANGES.contains(&word.as_str()))
}
