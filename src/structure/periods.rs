//! The periods of figures in a sentence.

use std::ops::Range;

use super::SentenceDraft;
use super::numbers::{FoundFigure, Period};
use crate::document::analysis::Figure;

/// The period of each figure: its own, or the one its sentence states for it.
///
/// A sentence states the period of all its amounts when it names exactly one. Of several, an amount of an enumeration has
/// the one of its rank in an enumeration of as many dates ("$2, $1 and $3 in 2022, 2023 and 2024, and $9, $8 and $7 in ..."),
/// and otherwise the one that stands with it where amounts and dates alternate, or the one of its rank where there are as
/// many of both, or several times as many amounts, and the sentence enumerates them or says "respectively". Days on which something falls due, and years in
/// names ("2025 Notes"), say nothing about amounts.
pub(super) fn periods_of(text: &str, found: &[FoundFigure]) -> Vec<Option<Period>> {
    let dates: Vec<(&Range<usize>, Period)> = found
        .iter()
        .filter(|figure| figure.alternative_periods.is_empty())
        .filter(|figure| !speaks_of_due(text, figure) && !is_in_name(text, figure))
        .filter_map(|figure| Some((&figure.range, figure.period?)))
        .collect();
    let mut distinct: Vec<Period> = dates.iter().map(|(_, period)| *period).collect();
    distinct.sort_unstable();
    distinct.dedup();
    found
        .iter()
        .map(|figure| {
            if figure.period.is_some() {
                return figure.period.filter(|_| figure.alternative_periods.is_empty());
            }
            if let [only] = distinct[..] {
                return Some(only);
            }
            let amounts: Vec<&Range<usize>> = found
                .iter()
                .filter(|other| other.period.is_none() && other.kind == figure.kind)
                .map(|other| &other.range)
                .collect();
            let rank = amounts.iter().position(|range| **range == figure.range)?;
            let ranges: Vec<&Range<usize>> = dates.iter().map(|(range, _)| *range).collect();
            if let Some(date) = of_enumeration(text, &amounts, rank, &ranges) {
                return Some(dates[date].1);
            }
            if dates.len() != distinct.len() || dates.is_empty() {
                return None;
            }
            let one_each = amounts.len() == ranges.len();
            let in_turn = one_each && (alternate(&amounts, &ranges) || alternate(&ranges, &amounts));
            let listed = one_each && is_list(text, &amounts) && is_list(text, &ranges);
            let ranked = amounts.len().is_multiple_of(ranges.len()) && text.contains("respectively");
            (in_turn || listed || ranked).then(|| dates[rank % dates.len()].1)
        })
        .collect()
}

/// The period of a sentence that leads in a list: "During the three months ended June 27, 2025, the following items were
/// recorded:". It is that of the items' amounts, where an item states none.
#[derive(Debug, Default)]
pub(super) struct LeadIn {
    section: usize,
    period: Option<String>,
}

impl LeadIn {
    /// Takes in the next sentence of the document, with its figures and the label of its block.
    pub fn govern(&mut self, draft: &SentenceDraft, label: &str, figures: &mut [Figure]) {
        let stated: Vec<&str> = figures
            .iter()
            .filter(|figure| figure.value.is_none())
            .filter_map(|figure| figure.period.as_deref())
            .collect();
        if draft.text.trim_end().ends_with(':') {
            let only = stated.first().filter(|first| stated.iter().all(|period| period == *first));
            (self.section, self.period) = (draft.section, only.map(|period| (*period).to_owned()));
            return;
        }
        let is_item = label == "List-item" || draft.text.starts_with(['•', '●', '▪', '■', '–', '—']);
        if !is_item || self.section != draft.section {
            self.period = None;
        }
        if stated.is_empty()
            && let Some(period) = &self.period
        {
            let amounts = figures.iter_mut().filter(|figure| figure.value.is_some());
            amounts.for_each(|figure| figure.period = Some(period.clone()));
        }
    }
}

fn speaks_of_due(text: &str, figure: &FoundFigure) -> bool {
    let before = text[..figure.range.start].trim_end();
    let last = before
        .rsplit(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_empty() && *word != "in" && *word != "on");
    last.is_some_and(|word| {
        let low = word.to_lowercase();
        matches!(low.as_str(), "due" | "since" | "through" | "until" | "before" | "after")
            || low.starts_with("matur")
            || low.starts_with("expir")
    })
}

/// Whether a bare year begins a name: "2025 Notes", "2021 Stock Plan", "the 2025 notes".
fn is_in_name(text: &str, figure: &FoundFigure) -> bool {
    let bare = text[figure.range.clone()].bytes().all(|byte| byte.is_ascii_digit());
    let after = text[figure.range.end..].strip_prefix(' ').unwrap_or("");
    let next = after.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    let named =
        matches!(next, "notes" | "bonds" | "debentures" | "plan" | "program" | "programme" | "facility");
    bare && (named || after.starts_with(char::is_uppercase))
}

/// Whether each of the first stands before the one of the same rank of the others, and behind the one before that.
fn alternate(first: &[&Range<usize>], second: &[&Range<usize>]) -> bool {
    let pairs = first.iter().zip(second);
    pairs.clone().all(|(first, second)| first.end <= second.start)
        && second.iter().zip(&first[1..]).all(|(second, next)| second.end <= next.start)
}

/// The date of the same rank, where the amount is one of an enumeration and as many dates are enumerated behind it, or
/// before the first amount.
fn of_enumeration(
    text: &str,
    amounts: &[&Range<usize>],
    rank: usize,
    dates: &[&Range<usize>],
) -> Option<usize> {
    // "$5 million, $4 million" without an "and" is no enumeration.
    let closed = |ranges: &[&Range<usize>], list: &Range<usize>| {
        list.len() > 1 && is_list(text, &ranges[list.end - 2..list.end])
    };
    let lists = enumerations(text, amounts);
    let list = lists.iter().find(|list| list.contains(&rank)).filter(|list| closed(amounts, list))?;
    let of_dates: Vec<Range<usize>> = enumerations(text, dates)
        .into_iter()
        .filter(|of| of.len() == list.len() && closed(dates, of))
        .collect();
    let dates_lead = dates.first()?.start < amounts.first()?.start;
    let (first, last) = (amounts[list.start].start, amounts[list.end - 1].end);
    let found = if dates_lead {
        of_dates.iter().rfind(|of| dates[of.end - 1].end <= first)
    } else {
        of_dates.iter().find(|of| dates[of.start].start >= last)
    };
    Some(found?.start + rank - list.start)
}

/// The longest runs of neighbours that are lists, as indices.
fn enumerations(text: &str, ranges: &[&Range<usize>]) -> Vec<Range<usize>> {
    let gap =
        |at: usize| text.get(ranges[at].end..ranges[at + 1].start).map(|gap| gap.trim_matches([' ', ',']));
    let mut found = Vec::new();
    let mut start = 0;
    for at in 0..ranges.len() {
        let next = if at + 1 < ranges.len() { gap(at) } else { None };
        // An "and" comes before the last.
        if next != Some("") {
            let closed = next == Some("and") && (at + 2 == ranges.len() || gap(at + 1) != Some(""));
            if closed {
                continue;
            }
            found.push(start..at + 1);
            start = at + 1;
        }
    }
    found
}

/// Whether nothing but commas stands between them, and an "and" before the last.
fn is_list(text: &str, ranges: &[&Range<usize>]) -> bool {
    let between =
        |pair: &[&Range<usize>]| text.get(pair[0].end..pair[1].start).map(|gap| gap.trim_matches([' ', ',']));
    let (Some(last), before) = (ranges.windows(2).last(), ranges.len().saturating_sub(2)) else {
        return false;
    };
    between(last) == Some("and") && ranges.windows(2).take(before).all(|pair| between(pair) == Some(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::analysis::FigureKind;
    use crate::structure::numbers::{Locale, find_figures};

    fn periods(text: &str) -> Vec<String> {
        let found = find_figures(text, Locale::UNITED_STATES);
        periods_of(text, &found)
            .into_iter()
            .zip(&found)
            .filter(|(_, figure)| figure.kind == FigureKind::Money)
            .map(|(period, _)| period.map(|period| period.to_string()).unwrap_or_default())
            .collect()
    }

    #[test]
    fn periods_come_from_the_sentence_only_when_they_are_clear() {
        assert_eq!(periods("Sales were $5 million in 2024"), ["2024"]);
        assert_eq!(periods("Of $5 million, $4 million fell into 2024 and 2023"), ["", ""]);
        assert_eq!(
            periods("Cash was $5 million and $4 million at December 31, 2024 and 2023, respectively"),
            ["2024-12-31", "2023-12-31"]
        );
        assert_eq!(periods("We repaid $5 million of notes due 2029"), [""]);
        assert_eq!(periods("The 2025 Notes of $5 million were issued in May 2020"), ["2020-05"]);
        assert_eq!(periods("Of the 2025 notes $5 million were repaid in May 2020"), ["2020-05"]);
    }

    #[test]
    fn enumerations_of_amounts_go_with_enumerations_of_as_many_dates() {
        assert_eq!(
            periods(
                "Includes leases of $422 million, $525 million, and $616 million in 2022, 2023, and 2024, and other \
                 leases of $3 million, $2 million, and $1 million in 2022, 2023, and 2024"
            ),
            ["2022", "2023", "2024", "2022", "2023", "2024"]
        );
        assert_eq!(
            periods(
                "As of December 31, 2023 and 2024, receivables were $34 billion and $35 billion, and other receivables \
                 were $4 billion and $3 billion"
            ),
            ["2023-12-31", "2024-12-31", "2023-12-31", "2024-12-31"]
        );
        assert_eq!(
            periods(
                "During the three and six months ended June 27, 2025, expenses were $28 million and $39 million"
            ),
            ["2025-03-29/2025-06-27", "2024-12-28/2025-06-27"]
        );
    }

    #[test]
    fn amounts_and_dates_go_together_in_turn_or_by_rank() {
        assert_eq!(periods("Sales were $5 million in 2024 and $4 million in 2023"), ["2024", "2023"]);
        assert_eq!(
            periods(
                "Costs were $8 million for the three months ended June 30, 2025, $16 million for the six months ended \
                 June 30, 2025"
            ),
            ["2025-04-01/2025-06-30", "2025-01-01/2025-06-30"]
        );
        assert_eq!(
            periods("In 2022, 2023 and 2024, expense was $1 million, $2 million, and $3 million"),
            ["2022", "2023", "2024"]
        );
        assert_eq!(
            periods(
                "It was $7 million and $9 million in 2023 and 2024, of which $5 million and $6 million, respectively"
            ),
            ["2023", "2024", "2023", "2024"]
        );
    }
}
