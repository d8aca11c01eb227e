//! Figures in prose: amounts, percentages, quantities, dates and periods with their normalized values.

use std::ops::Range;

use super::amounts::{self, Amount, AmountUnit, Sign};
use super::calendar::Period;
use super::digits::{Locale, scale_by};
use super::lexer::{TokenKind, Tokens};
use super::parse::{per_share_at, percent_at};
use super::periods::{Pattern, PeriodAt, period_at, small_number, year_at};
use super::validate::is_not_a_figure;
use super::{counted, currency, scale};
use crate::document::analysis::FigureKind;

/// A figure found in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundFigure {
    /// Byte range in the text, unit and currency included.
    pub range: Range<usize>,
    /// What it is.
    pub kind: FigureKind,
    /// Value with sign and scale applied; `None` for dates.
    pub value: Option<f64>,
    /// Other readings, with the same scale applied.
    pub alternatives: Vec<f64>,
    /// Unit of a quantity.
    pub unit: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<&'static str>,
    /// Power of ten applied.
    pub scale: Option<i32>,
    /// The date or period it states, of dates and periods only.
    pub period: Option<Period>,
    /// Other days that an ambiguous date can mean; `period` is then the month-first reading.
    pub alternative_periods: Vec<Period>,
    /// Decimals printed.
    pub decimals: u32,
}

/// Finds all figures of a text, in text order and not overlapping. Bare small integers ("two of its 3 segments"),
/// references ("Note 12"), identifiers and telephone numbers are no figures.
#[must_use]
pub fn find_figures(text: &str, locale: Locale) -> Vec<FoundFigure> {
    let tokens = Tokens::new(text);
    let scanner = Scanner { tokens: &tokens, locale };
    let mut found: Vec<Amount> = Vec::new();
    let mut figures = Vec::new();
    let mut at = 0;
    while at < tokens.list.len() {
        if let Some(end) = scanner.dates(at, &mut figures) {
            at = end;
        } else if let Some(amount) = amounts::amount_at(scanner.tokens, at, locale) {
            at = amount.end;
            found.push(amount);
        } else {
            at += 1;
        }
    }
    amounts::complete_ranges(scanner.tokens, &mut found);
    figures.extend(found.into_iter().filter_map(|amount| scanner.figure(amount)));
    figures.sort_by_key(|figure| (figure.range.start, figure.range.end));
    figures
}

struct Scanner<'t, 'a> {
    tokens: &'t Tokens<'a>,
    locale: Locale,
}

impl Scanner<'_, '_> {
    /// Reads a date or period at `at`, with the further years of an enumeration; gives the token after it.
    fn dates(&self, at: usize, figures: &mut Vec<FoundFigure>) -> Option<usize> {
        // "Three and six months ended June 30, 2025" are two periods.
        if let Some((count, and)) = small_number(self.tokens, at)
            && self.tokens.word(and) == "and"
            && let Some(longer) = period_at(self.tokens, and + 1, self.locale)
            && let Pattern::Ended { length, .. } = longer.pattern
            && let Some(period) = longer.period.end().and_then(|end| length.of(count).ended(end))
        {
            let shorter = PeriodAt { period, alternatives: Vec::new(), ..longer };
            figures.push(self.date(at..and, &shorter));
            return Some(and + 1);
        }
        let first = period_at(self.tokens, at, self.locale)?;
        if !self.date_may_stand(at, &first) {
            return None;
        }
        let pattern = first.pattern;
        let mut end = first.end;
        figures.push(self.date(at..end, &first));
        if pattern == Pattern::Fixed {
            return Some(end);
        }
        // "December 31, 2024 and 2023", "fiscal 2024, 2023 and 2022", "2024-2023"
        loop {
            let mut next = end;
            while self.tokens.is_symbol(next, ',')
                || self.tokens.is_symbol(next, '-')
                || matches!(
                    self.tokens.word(next).as_str(),
                    "and" | "to" | "through" | "or" | "versus" | "vs"
                )
            {
                next += 1;
            }
            let Some(year) = year_at(self.tokens, next).filter(|_| next > end) else { break };
            let Some(period) = pattern.in_year(year) else { break };
            if is_not_a_figure(self.tokens, next) || counted::is_counted(self.tokens, next + 1) {
                break;
            }
            let following = PeriodAt { period, alternatives: Vec::new(), end: next + 1, ..first.clone() };
            figures.push(self.date(next..next + 1, &following));
            end = next + 1;
        }
        Some(end)
    }

    fn date(&self, tokens: Range<usize>, found: &PeriodAt) -> FoundFigure {
        FoundFigure {
            range: self.bytes(&tokens),
            kind: found.kind,
            value: None,
            alternatives: Vec::new(),
            unit: None,
            currency: None,
            scale: None,
            period: Some(found.period),
            alternative_periods: found.alternatives.clone(),
            decimals: 0,
        }
    }

    /// Whether what reads as a date is one: a bare year must not count anything, be an amount or part of a name.
    fn date_may_stand(&self, at: usize, found: &PeriodAt) -> bool {
        let bare_year = found.pattern == Pattern::Year && self.tokens.is_number(at);
        if !self.tokens.is_number(at) {
            // Words joined to what stands before ("mid-March 2025" is fine, "XQ3 2024" is not).
            return self.tokens.spaced(at)
                || !matches!(at.checked_sub(1).map(|i| self.tokens.list[i].kind), Some(TokenKind::Number));
        }
        if !bare_year {
            return at == 0 || self.tokens.spaced(at) || self.tokens.is_symbol(at - 1, '(');
        }
        if is_not_a_figure(self.tokens, at) {
            return false;
        }
        // "Securities Exchange Act of 1934", "Tax Cuts and Jobs Act of 2017": part of a name.
        if at >= 2
            && self.tokens.word(at - 1) == "of"
            && matches!(self.tokens.text_at(at - 2), "Act" | "Code" | "Law" | "Plan" | "Directive")
        {
            return false;
        }
        let before = at.checked_sub(1);
        let after_currency = before.is_some_and(|before| {
            (before.saturating_sub(1)..=before)
                .any(|start| currency::before(self.tokens, start).is_some_and(|(_, end)| end == at))
        });
        let after_sign =
            before.is_some_and(|before| self.tokens.is_symbol(before, '-') && !self.tokens.spaced(at));
        let end = at + 1;
        !after_currency
            && !after_sign
            && percent_at(self.tokens, end).is_none()
            && scale::after(self.tokens, end, false).is_none()
            && currency::after(self.tokens, end).is_none()
            && !counted::is_counted(self.tokens, end)
    }

    /// The figure of an amount, or `None` when it says too little to be one.
    fn figure(&self, amount: Amount) -> Option<FoundFigure> {
        let first = *amount.readings.first()?;
        let digits = self.tokens.text_at(amount.digits_end - 1).to_owned();
        let mut unit = None;
        let kind = match amount.unit {
            AmountUnit::Percent => FigureKind::Percent,
            AmountUnit::PercentagePoints => {
                unit = Some("percentage points".to_owned());
                FigureKind::Percent
            }
            AmountUnit::BasisPoints => {
                unit = Some("basis points".to_owned());
                FigureKind::Quantity
            }
            AmountUnit::Times => {
                unit = Some("times".to_owned());
                FigureKind::Quantity
            }
            AmountUnit::PerShare => FigureKind::PerShare,
            AmountUnit::Unknown => return None,
            AmountUnit::Named(name) => {
                unit = Some(name);
                FigureKind::Quantity
            }
            AmountUnit::None if amount.currency.is_some() => {
                let small = amount.scale.is_none() && first.value < 1_000.0 && first.decimals > 0;
                if small && self.speaks_of_shares(amount.start) {
                    FigureKind::PerShare
                } else {
                    FigureKind::Money
                }
            }
            // A bare number: with decimals, groups or a scale it measures something, without it mostly counts
            // or refers.
            AmountUnit::None => {
                let measures = amount.scale.is_some() || first.grouped || first.decimals > 0;
                if !measures {
                    return None;
                }
                FigureKind::Number
            }
        };
        // Identifiers: a leading zero or a long run of digits without groups.
        let leading_zero = !first.grouped
            && digits.len() > 1
            && digits.starts_with('0')
            && !digits.starts_with("0.")
            && !digits.starts_with("0,");
        let run = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() > 6;
        if leading_zero || (run && kind == FigureKind::Quantity) {
            return None;
        }
        let sign = if amount.sign == Sign::Negative { -1.0 } else { 1.0 };
        let power = amount.scale.unwrap_or(0);
        let scaled = |value: f64| scale_by(if value == 0.0 { 0.0 } else { sign * value }, power);
        let mut alternatives: Vec<f64> =
            amount.readings[1..].iter().map(|reading| scaled(reading.value)).collect();
        if matches!(amount.sign, Sign::Aside | Sign::Loss) && first.value != 0.0 {
            alternatives.push(-scaled(first.value));
        }
        Some(FoundFigure {
            range: self.bytes(&(amount.start..amount.end)),
            kind,
            value: Some(scaled(first.value)),
            alternatives,
            unit,
            currency: amount.currency,
            scale: amount.scale,
            period: None,
            alternative_periods: Vec::new(),
            decimals: first.decimals,
        })
    }

    /// Whether the words before say that an amount is one per share: "earnings per share of $1.23".
    fn speaks_of_shares(&self, start: usize) -> bool {
        (start.saturating_sub(12)..start).rev().take_while(|at| !self.tokens.is_symbol(*at, ';')).any(|at| {
            self.tokens.text_at(at) == "EPS" || per_share_at(self.tokens, at).is_some_and(|end| end <= start)
        })
    }

    fn bytes(&self, tokens: &Range<usize>) -> Range<usize> {
        let mut end = self.tokens.list[tokens.end - 1].range.end;
        let start = self.tokens.list[tokens.start].range.start;
        if end < start {
            end = start;
        }
        start..end
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
