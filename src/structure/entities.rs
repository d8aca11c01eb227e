//! Model spans and figures found by rules to the entities and figures of the analysis.

use std::ops::Range;

use super::SentenceDraft;
use super::numbers::{FoundFigure, Locale, Period, find_figures};
use super::periods::periods_of;
use super::places::{place_of_range, words_in};
use crate::document::analysis::{CellReference, Entity, Figure, FigureKind};
use crate::document::tables::Table;
use crate::document::{EntitySpan, Page};

/// Entities and figures of one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentenceFindings {
    /// Named things in text order.
    pub entities: Vec<Entity>,
    /// Figures in text order.
    pub figures: Vec<Figure>,
}

/// Reads the figures of a sentence and keeps those of the model's spans that can be what they are called and that no
/// figure contradicts. `index` is the sentence's identifier.
#[must_use]
pub fn findings_of_sentence(
    draft: &SentenceDraft,
    index: u32,
    spans: &[EntitySpan],
    pages: &[Page],
    locale: Locale,
    review_threshold: f32,
) -> SentenceFindings {
    let found = find_figures(&draft.text, locale);
    let periods = periods_of(&draft.text, &found);
    let entities = spans
        .iter()
        .filter_map(|span| {
            let range = valid_span(&draft.text, span)?;
            let overlaps =
                |figure: &FoundFigure| figure.range.start < range.end && range.start < figure.range.end;
            if found.iter().any(overlaps) {
                return None;
            }
            let place = place_of_range(draft, &range, pages)?;
            Some(Entity {
                kind: span.label.clone(),
                text: draft.text[range].to_owned(),
                sentence: index,
                page: place.page,
                bbox: place.bbox,
                confidence: span.confidence,
                needs_review: span.confidence < review_threshold,
            })
        })
        .collect();
    let figures = figures_of(draft, &found, &periods, pages);
    let figures = figures.into_iter().map(|figure| Figure { sentence: Some(index), ..figure }).collect();
    SentenceFindings { entities, figures }
}

/// The figures of a heading with values; a year in a heading is no finding.
#[must_use]
pub fn figures_of_heading(draft: &SentenceDraft, block: u32, pages: &[Page], locale: Locale) -> Vec<Figure> {
    let found = find_figures(&draft.text, locale);
    let periods = periods_of(&draft.text, &found);
    // A bare number in a heading numbers it: "3.1 Basis".
    let says_something = |figure: &Figure| {
        figure.value.is_some() && (figure.kind != FigureKind::Number || figure.scale.is_some())
    };
    figures_of(draft, &found, &periods, pages)
        .into_iter()
        .filter(says_something)
        .map(|figure| Figure { heading: Some(block), ..figure })
        .collect()
}

fn figures_of(
    draft: &SentenceDraft,
    found: &[FoundFigure],
    periods: &[Option<Period>],
    pages: &[Page],
) -> Vec<Figure> {
    let figure = |(figure, period): (&FoundFigure, &Option<Period>)| {
        let place = place_of_range(draft, &figure.range, pages)?;
        Some(Figure {
            kind: figure.kind,
            text: draft.text[figure.range.clone()].to_owned(),
            value: figure.value,
            alternatives: figure.alternatives.clone(),
            unit: figure.unit.clone(),
            currency: figure.currency.map(str::to_owned),
            scale: figure.scale,
            // An amount of a month is one of the time from its first to its last day, as in tables.
            period: period.map(|period| match figure.value {
                Some(_) => period.spanned().to_string(),
                None => period.to_string(),
            }),
            sentence: None,
            heading: None,
            cell: None,
            page: place.page,
            bbox: place.bbox,
            confidence: confidence(figure) * recognition(draft, &figure.range, pages),
            needs_review: false,
        })
    };
    found.iter().zip(periods).filter_map(figure).collect()
}

/// Figures of a table's cells, row by row.
#[must_use]
pub fn figures_of_table(table: &Table) -> Vec<Figure> {
    let figure = |cell: &crate::document::tables::Cell| {
        let value = cell.value.as_ref()?;
        Some(Figure {
            kind: value.kind,
            text: cell.text.clone(),
            value: Some(value.value),
            alternatives: value
                .alternatives
                .iter()
                .map(|printed| super::numbers::scale_by(*printed, value.scale))
                .collect(),
            unit: None,
            currency: value.currency.clone(),
            scale: (value.scale != 0).then_some(value.scale),
            period: value.period.clone(),
            sentence: None,
            heading: None,
            cell: Some(CellReference { table: table.id, row: cell.row, column: cell.column }),
            page: cell.page,
            bbox: cell.bbox,
            confidence: value.confidence,
            needs_review: value.needs_review,
        })
    };
    table.cells.iter().filter(|cell| !cell.header).filter_map(figure).collect()
}

/// The range of a span without blanks and punctuation around it, or `None` if it cannot be what it is called.
fn valid_span(text: &str, span: &EntitySpan) -> Option<Range<usize>> {
    const LONGEST: usize = 160;
    let part = text.get(span.range.clone())?;
    let blank = |character: char| {
        character.is_whitespace()
            || matches!(character, ',' | ';' | ':' | '"' | '“' | '”' | '\'' | '’' | '‘' | '–' | '—')
    };
    let trimmed = part
        .trim_start_matches(|c| blank(c) || matches!(c, '.' | ')'))
        .trim_end_matches(|c| blank(c) || c == '(');
    let named = matches!(span.label.as_str(), "ORG" | "PER" | "LOC" | "LAW");
    let trimmed = if named || span.label == "METRIC" { without_function_words(trimmed) } else { trimmed };
    // A full stop ends the sentence unless it ends an abbreviation ("Inc.", "U.S.").
    let ends_sentence = trimmed.strip_suffix('.').is_some_and(|stem| {
        let last = stem.rsplit(' ').next().unwrap_or(stem);
        super::abbreviations::stop_of(last) == super::abbreviations::Stop::Ends
    });
    let trimmed = if ends_sentence { &trimmed[..trimmed.len() - 1] } else { trimmed };
    // Brackets in pairs: "Apple Inc. (AAPL" takes its closing one along, "Apple)" loses it.
    let opened = trimmed.matches('(').count();
    let closed = trimmed.matches(')').count();
    let trimmed = if closed > opened { trimmed.trim_end_matches(')') } else { trimmed };
    let start = span.range.start + part.find(trimmed)?;
    let mut end = start + trimmed.len();
    if opened > closed && text[end..].starts_with(')') {
        end += 1;
    }
    let letters = trimmed.chars().filter(|character| character.is_alphabetic()).count();
    let needs_letters = !matches!(span.label.as_str(), "MONEY" | "PERCENT" | "DATE" | "QUANTITY" | "NUMBER");
    let says_something = if needs_letters {
        letters >= 2
            || letters == 1 && trimmed.chars().count() > 1 && trimmed.chars().any(|c| c == '&' || c == '.')
    } else {
        trimmed.chars().any(char::is_alphanumeric)
    };
    // Names of people, places and organisations have a capital or a sign of their own somewhere.
    let has_capital = trimmed.chars().any(|character| character.is_uppercase() || !character.is_ascii());
    // A dateline ("KEARNEY, NE -- (BUSINESS WIRE) --") joins names that are not one.
    let one_name = !named || !trimmed.contains("--");
    // "the dollar" is no amount.
    let counts = !matches!(span.label.as_str(), "MONEY" | "PERCENT") || states_a_number(trimmed);
    (says_something && trimmed.len() <= LONGEST && (!named || has_capital) && one_name && counts)
        .then_some(start..end)
}

/// A name or a metric without the words that only lead to it or away from it ("net income for", "of Europe").
/// A capital at the start belongs to the name ("The Coca-Cola Company").
fn without_function_words(text: &str) -> &str {
    const WORDS: [&str; 30] = [
        "a", "an", "and", "are", "as", "at", "but", "by", "for", "from", "had", "has", "have", "in", "into",
        "is", "its", "of", "on", "or", "our", "than", "that", "the", "their", "to", "was", "were", "which",
        "with",
    ];
    let blank = |character: char| character.is_whitespace() || matches!(character, ',' | ';' | ':');
    let mut rest = text;
    loop {
        let first = rest.split(blank).next().unwrap_or("");
        let last = rest.rsplit(blank).next().unwrap_or("");
        if !first.is_empty() && WORDS.contains(&first) {
            rest = rest[first.len()..].trim_start_matches(blank);
        } else if !last.is_empty() && WORDS.contains(&last.to_lowercase().as_str()) {
            rest = rest[..rest.len() - last.len()].trim_end_matches(blank);
        } else {
            return rest;
        }
    }
}

/// Whether digits or a word for a number are in the text.
fn states_a_number(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "hundred", "thousand",
        "million", "billion",
    ];
    text.chars().any(|character| character.is_ascii_digit())
        || text
            .split(|character: char| !character.is_alphabetic())
            .any(|word| WORDS.contains(&word.to_lowercase().as_str()))
}

/// Probability that value, scale and sign are right, by kind and ambiguity: (right + 1) / (all + 2) of the figures that
/// `docproc eval figures` found in sentences of tagged filings (training and validation companies: 1,236 amounts, 20 per
/// share, 176 percentages, 135 quantities, 28 numbers, 15 ambiguous ones). Dates and periods have no tags to measure by:
/// theirs are estimates.
fn confidence(figure: &FoundFigure) -> f32 {
    if !figure.alternative_periods.is_empty() {
        return 0.7;
    }
    if !figure.alternatives.is_empty() {
        return 0.94;
    }
    match figure.kind {
        FigureKind::Money => 0.996,
        FigureKind::PerShare => 0.955,
        FigureKind::Percent => 0.994,
        FigureKind::Quantity => 0.993,
        FigureKind::Number => 0.967,
        FigureKind::Date | FigureKind::Period => 0.98,
    }
}

/// Mean confidence of the OCR program over the words of a range; 1 for a text layer.
fn recognition(draft: &SentenceDraft, range: &Range<usize>, pages: &[Page]) -> f32 {
    let (mut sum, mut count) = (0.0, 0);
    for span in words_in(draft, range) {
        sum += pages[span.page_index].words[span.word].confidence.unwrap_or(1.0);
        count += 1;
    }
    if count == 0 { 1.0 } else { sum / count as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::SpanEvidence;
    use crate::structure::WordSpan;
    use crate::structure::testing::{page_of, text_line};

    fn findings(text: &str, spans: &[(&str, &str)]) -> SentenceFindings {
        let page = page_of(text_line(text, 50.0, 100.0, 10.0));
        let mut at = 0;
        let words = text
            .split(' ')
            .enumerate()
            .map(|(word, part)| {
                let range = at..at + part.len();
                at = range.end + 1;
                WordSpan { range, page_index: 0, word }
            })
            .collect();
        let draft = SentenceDraft { text: text.to_owned(), words, block: 0, section: 0 };
        let spans: Vec<EntitySpan> = spans
            .iter()
            .map(|(part, label)| {
                let start = text.find(part).expect("in the text");
                EntitySpan {
                    range: start..start + part.len(),
                    label: (*label).to_owned(),
                    confidence: 0.9,
                    evidence: SpanEvidence::default(),
                }
            })
            .collect();
        findings_of_sentence(&draft, 7, &spans, &[page], Locale::UNITED_STATES, 0.5)
    }

    #[test]
    fn rules_win_over_spans_and_spans_are_checked() {
        let text = "Apple Inc. (AAPL) sold $5 million to the SEC , in May 2024.";
        let found = findings(
            text,
            &[
                ("Apple Inc. (AAPL", "ORG"),
                ("$5 million", "MONEY"),
                ("SEC ,", "ORG"),
                ("the", "ORG"),
                (",", "LOC"),
                ("May 2024.", "ORG"),
            ],
        );
        let names: Vec<&str> = found.entities.iter().map(|entity| entity.text.as_str()).collect();
        assert_eq!(names, ["Apple Inc. (AAPL)", "SEC"]);
        assert_eq!(found.entities[0].sentence, 7);
        assert_eq!(found.figures.len(), 2);
        assert_eq!(found.figures[0].period.as_deref(), Some("2024-05-01/2024-05-31"));
        assert_eq!(found.figures[0].bbox.y0, 100.0);
    }

    #[test]
    fn spans_lose_the_words_around_a_name() {
        let text = "The Coca-Cola Company said net income for Europe and NE -- (WIRE) -- The rose against the dollar";
        let spans = [
            ("The Coca-Cola Company", "ORG"),
            ("net income for", "METRIC"),
            ("for Europe and", "LOC"),
            ("NE -- (WIRE) -- The", "ORG"),
            ("against the dollar", "MONEY"),
            ("the", "METRIC"),
        ];
        let found = findings(text, &spans);
        let names: Vec<&str> = found.entities.iter().map(|entity| entity.text.as_str()).collect();
        assert_eq!(names, ["The Coca-Cola Company", "net income", "Europe"]);
    }
}
