//! Figures in prose: amounts, percentages, quantities, dates and periods with their normalized values.

use std::ops::Range;

use super::calendar::Period;
use super::currency;
use super::digits::{Locale, Reading, readings, scale_by};
use super::lexer::{TokenKind, Tokens};
use super::parse::{basis_points_at, group_follows, per_share_at, percent_at};
use super::periods::{Pattern, PeriodAt, month_of, period_at, year_at};
use super::scale;
use super::validate::is_not_a_figure;
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
        } else if let Some(amount) = scanner.amount(at) {
            at = amount.end;
            found.push(amount);
        } else {
            at += 1;
        }
    }
    scanner.complete_ranges(&mut found);
    figures.extend(found.into_iter().filter_map(|amount| scanner.figure(amount)));
    figures.sort_by_key(|figure| (figure.range.start, figure.range.end));
    figures
}

struct Scanner<'t, 'a> {
    tokens: &'t Tokens<'a>,
    locale: Locale,
}

/// A number with what belongs to it, by tokens.
#[derive(Clone, Debug)]
struct Amount {
    start: usize,
    /// Token after the digits.
    digits_end: usize,
    end: usize,
    readings: Vec<Reading>,
    sign: Sign,
    currency: Option<&'static str>,
    scale: Option<i32>,
    unit: AmountUnit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Positive,
    Negative,
    /// In parentheses together with its unit, as prose sets things apart: "(12%)" after "$5 million".
    Aside,
}

#[derive(Clone, Debug, PartialEq)]
enum AmountUnit {
    None,
    Percent,
    PercentagePoints,
    BasisPoints,
    PerShare,
    Times,
    Named(String),
}

impl Scanner<'_, '_> {
    /// Reads a date or period at `at`, with the further years of an enumeration; gives the token after it.
    fn dates(&self, at: usize, figures: &mut Vec<FoundFigure>) -> Option<usize> {
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
            if is_not_a_figure(self.tokens, next) || self.counts_something(next + 1) {
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
            && !self.counts_something(end)
    }

    /// Whether the words from `at` name a unit ("2,024 employees").
    fn counts_something(&self, at: usize) -> bool {
        self.unit_after(at, false).is_some() && !matches!(self.tokens.word(at).as_str(), "annual" | "common")
    }

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
        if let Some((unit, next)) = self.unit_after(amount.end, large) {
            amount.unit = AmountUnit::Named(unit);
            amount.end = next;
        }
    }

    /// The thing counted, within three words: "employees", "full-time employees", "shares of common stock",
    /// "12-month". With `any_plural`, any word in the plural will do.
    fn unit_after(&self, at: usize, any_plural: bool) -> Option<(String, usize)> {
        const GAP: usize = 3;
        let tokens = self.tokens;
        let mut next = at;
        if tokens.is_symbol(next, '-') && !tokens.spaced(next) && !tokens.spaced(next + 1) {
            next += 1; // "12-month"
        }
        for step in 0..=GAP {
            let word = tokens.word(next);
            if word.is_empty() || FUNCTION_WORDS.contains(&word.as_str()) || month_of(&word).is_some() {
                return None;
            }
            if word == "square"
                && matches!(tokens.word(next + 1).as_str(), "feet" | "foot" | "meters" | "metres")
            {
                return Some((format!("square {}", tokens.word(next + 1)), next + 2));
            }
            let plural = UNITS
                .iter()
                .find(|(singular, plural)| *singular == word || *plural == word)
                .map(|(_, plural)| *plural);
            if let Some(unit) = plural {
                return Some((unit.to_owned(), next + 1));
            }
            if any_plural
                && word.len() > 3
                && word.ends_with('s')
                && !word.ends_with("ss")
                && !word.ends_with("ous")
            {
                return Some((word, next + 1));
            }
            // Words between number and unit are in small letters.
            if step == GAP || tokens.text_at(next).starts_with(char::is_uppercase) {
                return None;
            }
            next += 1;
            if tokens.is_symbol(next, '-') && !tokens.spaced(next) {
                next += 1;
            }
        }
        None
    }

    /// "$1.2 to $1.5 billion", "10 to 15%": the first number takes scale, unit and currency of the second.
    fn complete_ranges(&self, amounts: &mut [Amount]) {
        for index in (1..amounts.len()).rev() {
            let (before, after) = amounts.split_at_mut(index);
            let (first, second) = (&mut before[index - 1], &after[0]);
            let joined = second.start == first.end + 1
                && (self.tokens.is_symbol(first.end, '-')
                    || matches!(self.tokens.word(first.end).as_str(), "to" | "and" | "or"));
            if !joined || first.end != first.digits_end {
                continue;
            }
            let both_money =
                first.currency.is_some() && (second.currency == first.currency || second.currency.is_none());
            let between = self.tokens.word(first.end) != "and"
                || first.start.checked_sub(1).is_some_and(|before| {
                    matches!(self.tokens.word(before).as_str(), "between" | "from" | "approximately")
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
                && (self.tokens.is_symbol(first.end, '-') || self.tokens.word(first.end) == "to");
            if joined && second.currency.is_none() && second.unit == AmountUnit::None {
                second.currency = first.currency;
            }
        }
    }

    /// The figure of an amount, or `None` when it says too little to be one.
    fn figure(&self, amount: Amount) -> Option<FoundFigure> {
        let first = *amount.readings.first()?;
        let digits = self.tokens.text_at(amount.digits_end - 1);
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
        let leading_zero = digits.len() > 1
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
        if amount.sign == Sign::Aside && first.value != 0.0 {
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

/// Units with their plural.
const UNITS: &[(&str, &str)] = &[
    ("acre", "acres"),
    ("account", "accounts"),
    ("aircraft", "aircraft"),
    ("associate", "associates"),
    ("barrel", "barrels"),
    ("basis", "bases"),
    ("branch", "branches"),
    ("bushel", "bushels"),
    ("client", "clients"),
    ("company", "companies"),
    ("country", "countries"),
    ("customer", "customers"),
    ("day", "days"),
    ("dealer", "dealers"),
    ("director", "directors"),
    ("employee", "employees"),
    ("facility", "facilities"),
    ("foot", "feet"),
    ("gallon", "gallons"),
    ("gigawatt", "gigawatts"),
    ("gwh", "gwh"),
    ("hectare", "hectares"),
    ("holder", "holders"),
    ("home", "homes"),
    ("hour", "hours"),
    ("household", "households"),
    ("kilogram", "kilograms"),
    ("kilometer", "kilometers"),
    ("kilometre", "kilometres"),
    ("location", "locations"),
    ("loan", "loans"),
    ("megawatt", "megawatts"),
    ("member", "members"),
    ("mile", "miles"),
    ("minute", "minutes"),
    ("month", "months"),
    ("mw", "mw"),
    ("mwh", "mwh"),
    ("office", "offices"),
    ("option", "options"),
    ("ounce", "ounces"),
    ("patent", "patents"),
    ("people", "people"),
    ("person", "persons"),
    ("plant", "plants"),
    ("point", "points"),
    ("pound", "pounds"),
    ("property", "properties"),
    ("quarter", "quarters"),
    ("record", "records"),
    ("restaurant", "restaurants"),
    ("rsu", "rsus"),
    ("segment", "segments"),
    ("share", "shares"),
    ("site", "sites"),
    ("state", "states"),
    ("stockholder", "stockholders"),
    ("shareholder", "shareholders"),
    ("store", "stores"),
    ("student", "students"),
    ("subscriber", "subscribers"),
    ("subsidiary", "subsidiaries"),
    ("supplier", "suppliers"),
    ("teu", "teu"),
    ("ton", "tons"),
    ("tonne", "tonnes"),
    ("transaction", "transactions"),
    ("trillion", "trillion"),
    ("unit", "units"),
    ("user", "users"),
    ("vehicle", "vehicles"),
    ("vessel", "vessels"),
    ("warrant", "warrants"),
    ("week", "weeks"),
    ("well", "wells"),
    ("worker", "workers"),
    ("year", "years"),
];

/// Words that end the search for a unit.
const FUNCTION_WORDS: &[&str] = &[
    "a",
    "after",
    "also",
    "among",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "between",
    "but",
    "by",
    "compared",
    "due",
    "during",
    "except",
    "excluding",
    "for",
    "from",
    "had",
    "has",
    "have",
    "if",
    "in",
    "includes",
    "including",
    "into",
    "is",
    "it",
    "its",
    "less",
    "may",
    "more",
    "nor",
    "not",
    "of",
    "on",
    "or",
    "other",
    "our",
    "over",
    "plus",
    "respectively",
    "since",
    "so",
    "such",
    "than",
    "that",
    "the",
    "their",
    "these",
    "this",
    "those",
    "through",
    "to",
    "under",
    "unless",
    "until",
    "up",
    "upon",
    "versus",
    "vs",
    "was",
    "we",
    "were",
    "when",
    "where",
    "which",
    "while",
    "who",
    "will",
    "with",
    "within",
    "without",
    "would",
];

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
