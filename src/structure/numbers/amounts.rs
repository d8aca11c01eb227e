//! Amounts in prose: digits with their sign, currency, scale and unit, and ranges of two of them.

use super::digits::{Locale, Reading, readings, with_fraction};
use super::lexer::Tokens;
use super::parse::{basis_points_at, fraction_after, group_follows, per_share_at, percent_at};
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
    /// Behind "a loss of": printed without a sign, but an outflow all the same.
    Loss,
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
    /// A letter follows that may stand for anything: "35m".
    Unknown,
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
            } else if !minus && (self.is_minus(at) || at == start && self.is_minus_word(at)) {
                minus = true;
                at += 1;
            } else {
                break;
            }
        }
        let lone_fraction = currency.is_none().then(|| tokens.fraction(at)).flatten();
        if lone_fraction.is_none() && !tokens.is_number(at) {
            return None;
        }
        let fraction =
            lone_fraction.map(|fraction| (fraction, at + 1)).or_else(|| fraction_after(tokens, at + 1));
        if currency.is_none() && fraction.is_none() && is_not_a_figure(tokens, at) {
            return None;
        }
        let mut digits = tokens.text_at(at).to_owned();
        let mut end = at + 1;
        while fraction.is_none() && tokens.is_number(end) && self.joins_group(&digits, end) {
            digits.push(' ');
            digits.push_str(tokens.text_at(end));
            end += 1;
        }
        let readings = match fraction {
            Some((fraction, next)) => {
                let whole = if lone_fraction.is_some() { "" } else { digits.as_str() };
                // A date or a page of pages where no unit follows: "4 1/2".
                let unit = percent_at(tokens, next).is_some() || tokens.word(next) == "percentage";
                if tokens.fraction(next - 1).is_none() && !unit {
                    return None;
                }
                end = next;
                with_fraction(whole, fraction).into_iter().collect()
            }
            None => readings(&digits, self.locale),
        };
        if readings.is_empty() {
            return None;
        }
        let mut amount = Amount {
            start,
            digits_end: end,
            end,
            readings,
            sign: if minus {
                Sign::Negative
            } else if self.is_loss(start) {
                Sign::Loss
            } else {
                Sign::Positive
            },
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
            let listed = self.is_listed(amount.start, amount.end);
            amount.sign = if currency_inside && !listed { Sign::Aside } else { Sign::Negative };
        }
        Some(amount)
    }

    /// "negative $12.7 million", "minus 0.5%"; "negative 5 years" is no minus.
    fn is_minus_word(&self, at: usize) -> bool {
        matches!(self.tokens.word(at).as_str(), "negative" | "minus") && self.amount_follows(at + 1)
    }

    /// Whether an amount of money or a percentage stands at `at`.
    fn amount_follows(&self, at: usize) -> bool {
        let tokens = self.tokens;
        let (money, number) = currency::before(tokens, at).map_or((false, at), |(_, next)| (true, next));
        tokens.is_number(number)
            && (money
                || percent_at(tokens, number + 1).is_some()
                || scale::after(tokens, number + 1, false).is_some()
                || currency::after(tokens, number + 1).is_some())
    }

    /// "a net loss of $45 million", "cash outflow of": what follows is negative, though it is printed without a sign.
    fn is_loss(&self, start: usize) -> bool {
        start >= 2
            && self.tokens.word(start - 1) == "of"
            && matches!(
                self.tokens.word(start - 2).as_str(),
                "loss" | "losses" | "deficit" | "outflow" | "outflows"
            )
    }

    /// Whether a bracketed amount is one of a list, "($59), $22 and ($15)", rather than an aside behind another one.
    fn is_listed(&self, start: usize, end: usize) -> bool {
        let tokens = self.tokens;
        let joins = |at: usize| tokens.is_symbol(at, ',') || tokens.word(at) == "and";
        let amount_at = |at: usize| {
            let at = if tokens.is_symbol(at, '(') { at + 1 } else { at };
            currency::before(tokens, at).is_some_and(|(_, next)| tokens.is_number(next))
        };
        let next =
            if tokens.is_symbol(end, ',') && tokens.word(end + 1) == "and" { end + 2 } else { end + 1 };
        let before_another = joins(end) && amount_at(next);
        let ends_number = |at: usize| tokens.is_number(at) || tokens.is_symbol(at, ')');
        let behind_another = start >= 2
            && joins(start - 1)
            && (ends_number(start - 2) || start >= 3 && joins(start - 2) && ends_number(start - 3));
        let aside = start >= 1 && ends_number(start - 1);
        !aside && (before_another || behind_another)
    }

    /// A hyphen is a minus sign where nothing is joined to its left and a number or currency to its right.
    fn is_minus(&self, at: usize) -> bool {
        let tokens = self.tokens;
        if !tokens.is_symbol(at, '-') {
            return false;
        }
        let number_joined = |index: usize| tokens.is_number(index) && !tokens.spaced(index);
        let right = number_joined(at + 1)
            || currency::before(tokens, at + 1)
                .is_some_and(|(_, next)| !tokens.spaced(at + 1) && tokens.is_number(next));
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
        let narrow = gap.chars().count() == 1
            && gap.contains([
                '\u{a0}', '\u{202f}', '\u{2007}', '\u{2008}', '\u{2009}', '\u{200a}', '\u{2005}', '\u{2006}',
            ]);
        let comma = self.locale.decimal_mark == Some(super::digits::DecimalMark::Comma);
        let plain = gap == " " && (comma || self.locale.spaces_group);
        (narrow || plain) && group_follows(digits, self.tokens.text_at(at))
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
        if amount.currency.is_none()
            && let Some((power, code, next)) = scale::with_currency(tokens, amount.end)
        {
            amount.scale = Some(power);
            amount.currency = Some(code);
            amount.end = next;
            return;
        }
        let found = scale::after(tokens, amount.end, amount.currency.is_some());
        // Without a currency, what a letter counts must follow: "35m customers", but neither a pipe of 35m nor a 401k.
        let letter = tokens.text_at(amount.end).len() == 1
            && !(amount.readings[0].decimals > 0 && tokens.text_at(amount.end) == "M");
        let counts = |next: usize| {
            currency::after(tokens, next).is_some() || counted::unit_after(tokens, next, true).is_some()
        };
        if let Some((power, next)) =
            found.filter(|(_, next)| !letter || amount.currency.is_some() || counts(*next))
        {
            amount.scale = Some(power);
            amount.end = next;
        } else if letter && found.is_some() {
            amount.unit = AmountUnit::Unknown;
            return;
        }
        if amount.currency.is_none() {
            // "millions d’euros", "millones de euros", "millions of dollars".
            let joined = match tokens.word(amount.end).as_str() {
                "de" | "di" | "of" | "van" => amount.end + 1,
                "d" => amount.end + 2,
                _ => amount.end,
            };
            let thousand = tokens.word(amount.end) == "miles" && tokens.word(amount.end + 1) == "de";
            let joined = if thousand { amount.end + 2 } else { joined };
            let named = currency::after(tokens, joined)
                .filter(|_| joined == amount.end || thousand || amount.scale.is_some());
            if let Some((code, next)) = named {
                if thousand {
                    amount.scale = Some(3);
                }
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
