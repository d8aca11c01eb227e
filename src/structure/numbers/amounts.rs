//! Amounts in prose: digits with their sign, currency, scale and unit, and ranges of two of them.

use super::digits::{Locale, Reading, readings};
use super::lexer::Tokens;
use super::parse::{basis_points_at, group_follows, per_share_at, percent_at};
use super::validate::is_not_a_figure;
use super::{counted, currency, scale};

/// A number with what belongs to it, by tokens.
#[derive(Clone, Debug)]
pub(super) struct Amount {
    pub start: usize,
    /// Token after the digits.
    pub digits_end: usize,
    pub end: usize,
    pub readings: Vec<Reading>,
    pub sign: Sign,
    pub currency: Option<&'static str>,
    pub scale: Option<i32>,
    pub unit: AmountUnit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sign {
    Positive,
    Negative,
    /// In parentheses together with its unit, as prose sets things apart: "(12%)" after "$5 million".
    Aside,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum AmountUnit {
    None,
    Percent,
    PercentagePoints,
    BasisPoints,
    PerShare,
    Times,
    Named(String),
}

/// The amount that starts at token `start`: number, sign, currency, scale and unit.
pub(super) fn amount_at(tokens: &Tokens<'_>, start: usize, locale: Locale) -> Option<Amount> {
    Scanner { tokens, locale }.amount(start)
}

struct Scanner<'t, 'a> {
    tokens: &'t Tokens<'a>,
    locale: Locale,
}

impl Scanner<'_, '_> {
    fn amount(&self, start: usize) -> Option<Amount> {
        let tokens = self.tokens;
        let mut at = start;
        let mut currency = None;
        let mut open_before_currency = false;
        let mut open_after_currency = false;
        let mut minus = false;
        loop {
            if currency.is_none()
                && let Some((code, next)) = currency::before(tokens, at)
            {
                currency = Some(code);
                at = next;
            } else if tokens.is_symbol(at, '(') && !open_before_currency && !open_after_currency {
                if currency.is_some() {
                    open_after_currency = true
                } else {
                    open_before_currency = true
                }
                at += 1;
            } else if !minus && tokens.is_symbol(at, '-') && self.is_minus(at) {
                minus = true;
                at += 1;
            } else {
                break;
            }
        }
        if !tokens.is_number(at) || (currency.is_none() && is_not_a_figure(tokens, at)) {
            return None;
        }
        let mut digits = tokens.text_at(at).to_owned();
        let mut end = at + 1;
        while tokens.is_number(end) && self.joins_group(&digits, end) {
            digits.push(' ');
            digits.push_str(tokens.text_at(end));
            end += 1;
        }
        let readings = readings(&digits, self.locale);
        if readings.is_empty() {
            return None;
        }
        let mut amount = Amount {
            start,
            digits_end: end,
            end,
            readings,
            sign: if minus { Sign::Negative } else { Sign::Positive },
            currency,
            scale: None,
            unit: AmountUnit::None,
        };
        let open = open_before_currency || open_after_currency;
        let closes_at_digits = open && tokens.is_symbol(end, ')');
        if closes_at_digits {
            amount.end += 1;
        }
        self.what_follows(&mut amount);
        if open && !closes_at_digits {
            if tokens.is_symbol(amount.end, ')') {
                // "$(1.2 billion)" is negative, "(12%)" and "($4.5 million)" are asides.
                amount.sign = if open_after_currency { Sign::Negative } else { Sign::Aside };
                amount.end += 1;
            } else {
                // A longer remark in parentheses begins here: leave the parenthesis out.
                if open_after_currency {
                    return None;
                }
                amount.start += 1;
            }
        } else if closes_at_digits {
            let plain =
                amount.currency.is_none() && amount.unit == AmountUnit::None && amount.scale.is_none();
            let first = amount.readings[0];
            let is_mark = plain && !first.grouped && first.decimals == 0;
            if is_mark {
                return None; // "(1)" enumerates
            }
            let currency_inside = open_before_currency && currency.is_some();
            amount.sign = if currency_inside { Sign::Aside } else { Sign::Negative };
        }
        Some(amount)
    }

    /// A hyphen is a minus sign where nothing is joined to its left and a number or currency to its right.
    fn is_minus(&self, at: usize) -> bool {
        let tokens = self.tokens;
        let number_joined = |index: usize| tokens.is_number(index) && !tokens.spaced(index);
        let right = number_joined(at + 1)
            || currency::before(tokens, at + 1)
                .is_some_and(|(_, next)| !tokens.spaced(at + 1) && number_joined(next));
        right
            && (at == 0
                || tokens.spaced(at)
                || tokens.is_symbol(at - 1, '(')
                || currency::before(tokens, at - 1).is_some())
    }

    /// Whether the number at `at` is a further group of digits: after a no-break or thin space always, after a plain
    /// space only where commas mark decimals.
    fn joins_group(&self, digits: &str, at: usize) -> bool {
        let gap = &self.tokens.text[self.tokens.list[at - 1].range.end..self.tokens.list[at].range.start];
        let narrow = matches!(gap, "\u{a0}" | "\u{202f}" | "\u{2009}");
        let comma = gap == " " && self.locale.decimal_mark == Some(super::digits::DecimalMark::Comma);
        (narrow || comma) && group_follows(digits, self.tokens.text_at(at))
    }

    /// Percent sign, scale, currency and unit after the digits.
    fn what_follows(&self, amount: &mut Amount) {
        let tokens = self.tokens;
        if amount.currency.is_none() {
            if let Some(next) = percent_at(tokens, amount.end) {
                let points = matches!(tokens.word(next).as_str(), "point" | "points");
                amount.unit = if points { AmountUnit::PercentagePoints } else { AmountUnit::Percent };
                amount.end = next + usize::from(points);
                return;
            }
            if tokens.word(amount.end) == "percentage"
                && matches!(tokens.word(amount.end + 1).as_str(), "point" | "points")
            {
                amount.unit = AmountUnit::PercentagePoints;
                amount.end += 2;
                return;
            }
            if let Some(next) = basis_points_at(tokens, amount.end) {
                amount.unit = AmountUnit::BasisPoints;
                amount.end = next;
                return;
            }
        }
        let scaled = |money: bool, end: usize| scale::after(tokens, end, money);
        if let Some((power, next)) = scaled(amount.currency.is_some(), amount.end) {
            amount.scale = Some(power);
            amount.end = next;
        }
        if amount.currency.is_none() {
            if let Some((code, next)) = currency::after(tokens, amount.end) {
                amount.currency = Some(code);
                amount.end = next;
            } else if matches!(tokens.word(amount.end).as_str(), "cents" | "cent")
                || tokens.is_symbol(amount.end, '¢')
            {
                amount.currency = Some("USD");
                amount.scale = Some(-2);
                amount.end += 1;
            } else if tokens.word(amount.end) == "pence" {
                amount.currency = Some("GBP");
                amount.scale = Some(-2);
                amount.end += 1;
            }
        }
        if amount.currency.is_some() {
            if let Some(next) = per_share_at(tokens, amount.end) {
                amount.unit = AmountUnit::PerShare;
                amount.end = next;
            }
            return;
        }
        if matches!(tokens.text_at(amount.end), "x" | "×") && !tokens.spaced(amount.end) {
            amount.unit = AmountUnit::Times;
            amount.end += 1;
            return;
        }
        let large = amount.scale.is_some() || amount.readings[0].grouped;
        if let Some((unit, next)) = counted::unit_after(tokens, amount.end, large) {
            amount.unit = AmountUnit::Named(unit);
            amount.end = next;
        }
    }
}

/// "$1.2 to $1.5 billion", "10 to 15%": the first number takes scale, unit and currency of the second.
pub(super) fn complete_ranges(tokens: &Tokens<'_>, amounts: &mut [Amount]) {
    for index in (1..amounts.len()).rev() {
        let (before, after) = amounts.split_at_mut(index);
        let (first, second) = (&mut before[index - 1], &after[0]);
        let joined = second.start == first.end + 1
            && (tokens.is_symbol(first.end, '-')
                || matches!(tokens.word(first.end).as_str(), "to" | "and" | "or"));
        if !joined || first.end != first.digits_end {
            continue;
        }
        let both_money =
            first.currency.is_some() && (second.currency == first.currency || second.currency.is_none());
        let between = tokens.word(first.end) != "and"
            || first.start.checked_sub(1).is_some_and(|before| {
                matches!(tokens.word(before).as_str(), "between" | "from" | "approximately")
            });
        // "$5 and $3 million" may be two amounts of different size; "between" and "to" make a range.
        if first.scale.is_none()
            && second.scale.is_some()
            && between
            && (both_money || first.currency.is_none())
        {
            first.scale = second.scale;
        }
        if first.unit == AmountUnit::None && first.currency.is_none() {
            first.unit = second.unit.clone();
            first.currency = second.currency;
        }
    }
    // "$10-15 million": the second takes the currency of the first.
    for index in 1..amounts.len() {
        let (before, after) = amounts.split_at_mut(index);
        let (first, second) = (&before[index - 1], &mut after[0]);
        let joined = second.start == first.end + 1
            && (tokens.is_symbol(first.end, '-') || tokens.word(first.end) == "to");
        if joined && second.currency.is_none() && second.unit == AmountUnit::None {
            second.currency = first.currency;
        }
    }
}
