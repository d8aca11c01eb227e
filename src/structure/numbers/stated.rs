//! What a header, a label or a caption states about a period, piece by piece: length, day and year may stand in different
//! lines and cells, and are put together where they meet.

use super::calendar::{Date, Period, days_in_month};
use super::digits::Locale;
use super::lexer::{TokenKind, Tokens};
use super::periods::{
    Length, Part, Pattern, length_at, month_of, part_at, part_of_year, period_at, small_number, year_at,
};

/// Longest text that is read.
const LONGEST: usize = 400;

/// One of the pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Stated<T> {
    /// Nothing is said.
    #[default]
    Nothing,
    /// This is.
    One(T),
    /// Several things, or one that can be read in two ways.
    Several,
}

impl<T: Copy + PartialEq> Stated<T> {
    fn add(&mut self, value: T) {
        *self = match *self {
            Self::Nothing => Self::One(value),
            Self::One(known) if known == value => *self,
            _ => Self::Several,
        };
    }

    /// The one thing stated.
    #[must_use]
    pub fn one(self) -> Option<T> {
        if let Self::One(value) = self { Some(value) } else { None }
    }

    /// Whether nothing is stated.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// A month with or without its day.
#[derive(Clone, Copy, Debug, PartialEq)]
struct MonthDay {
    month: u32,
    day: Option<u32>,
}

impl MonthDay {
    /// The day, the last of the month where none is stated.
    fn in_year(self, year: i32) -> Option<Date> {
        Date::new(year, self.month, self.day.unwrap_or_else(|| days_in_month(year, self.month)))
    }
}

/// How much time is spoken of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Extent {
    /// Up to a day.
    Ended(Length),
    /// Months of a year; whether of the calendar's.
    Part(Part, bool),
    /// From day to day of one year, or over its turn.
    Between(MonthDay, MonthDay),
    /// From day to day.
    Fixed(Date, Date),
}

/// What a text states about a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeriodParts {
    extent: Stated<Extent>,
    day: Stated<MonthDay>,
    year: Stated<i32>,
    /// Words that belong to no date.
    other_words: usize,
    /// "As of", "at" or "on" a date.
    instant: bool,
    /// The year is called one: "FY 2024", "fiscal 2024".
    named_year: bool,
    /// Its last words are a date.
    ends_with_date: bool,
}

impl PeriodParts {
    /// Reads a text, its lines joined by spaces: "Three Months Ended", "March 31,", "2025 (Unaudited)", "July 1 to July 21".
    #[must_use]
    pub fn of(text: &str, locale: Locale) -> Self {
        let mut parts = Self::default();
        if text.len() > LONGEST {
            return parts;
        }
        let text = without_parentheses(text);
        let tokens = Tokens::new(&text);
        let mut at = 0;
        while at < tokens.list.len() {
            let (from, words, pieces) = (at, parts.other_words, (parts.day, parts.year, parts.extent));
            at = parts.take(&tokens, at, locale);
            if tokens.is_number(from) || !tokens.word(from).is_empty() {
                let dated = pieces != (parts.day, parts.year, parts.extent) || at > from + 1;
                parts.ends_with_date = words == parts.other_words && dated;
            }
        }
        parts
    }

    /// Reads what stands at a token; gives the token after it.
    fn take(&mut self, tokens: &Tokens<'_>, at: usize, locale: Locale) -> usize {
        if let Some((extent, year, end)) = between_at(tokens, at) {
            // "Three months ended September 30: July 1 to July 21" is the shorter time.
            self.extent = Stated::One(extent);
            self.year = year.map_or(self.year, Stated::One);
            return end;
        }
        if let Some(found) = period_at(tokens, at, locale) {
            let year = found.period.year();
            let ambiguous = !found.alternatives.is_empty();
            match found.pattern {
                Pattern::Day { month, day } if !ambiguous => self.day.add(MonthDay { month, day: Some(day) }),
                Pattern::Month { month } => self.day.add(MonthDay { month, day: None }),
                Pattern::Ended { length, month, day } if !ambiguous => {
                    self.extent(Extent::Ended(length));
                    self.day.add(MonthDay { month, day: Some(day) });
                }
                Pattern::Part { .. } => {
                    if let Period::Span(first, last) = found.period {
                        self.extent(Extent::Fixed(first, last));
                    }
                    return found.end;
                }
                // "FY 2024" says what "2024" leaves open.
                Pattern::Year => self.named_year |= !tokens.is_number(at),
                _ => self.day = Stated::Several,
            }
            self.year.add(year);
            return found.end;
        }
        // "Three and six months ended": which of them is not known.
        if let Some((_, next)) = small_number(tokens, at)
            && tokens.word(next) == "and"
            && let Some((_, end)) = length_at(tokens, next + 1)
        {
            self.extent = Stated::Several;
            return end;
        }
        if let Some((length, next)) = length_at(tokens, at)
            && matches!(tokens.word(next).as_str(), "ended" | "ending" | "to")
            && (tokens.word(next) != "to" || month_day_at(tokens, next + 1).is_some())
        {
            self.extent(Extent::Ended(length));
            return next + 1;
        }
        if let Some((part, next, year)) = part_at(tokens, at) {
            let to_date = tokens.word(next) == "ytd";
            let part = if to_date { Part { first: 1, count: part.first + part.count - 1 } } else { part };
            let next = next + usize::from(to_date);
            self.extent(Extent::Part(part, false));
            if let Some(year) = year {
                self.year.add(year);
            }
            return next;
        }
        if let Some((day, next)) = month_day_at(tokens, at) {
            let capital = tokens.text_at(at).starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
            let exists = day.in_year(2024).is_some();
            if !exists {
                // A day that no month has.
                self.day = Stated::Several;
            } else if day.day.is_some() || capital {
                self.day.add(day);
            }
            return next;
        }
        let word = tokens.word(at);
        if !tokens.list[at].kind.eq(&TokenKind::Word) && !tokens.is_number(at) {
            return at + 1;
        }
        let leads_to_date = || {
            let next = at + 1 + usize::from(matches!(tokens.word(at + 1).as_str(), "of" | "at"));
            period_at(tokens, next, locale).is_some() || month_day_at(tokens, next).is_some()
        };
        match word.as_str() {
            "at" | "as" | "on" if leads_to_date() => self.instant = true,
            "the" | "for" | "in" | "and" | "of" | "at" | "as" | "on" | "restated" | "unaudited"
            | "audited" | "from" | "period" | "fiscal" | "year" | "years" => {}
            _ => self.other_words += 1,
        }
        at + 1
    }

    fn extent(&mut self, extent: Extent) {
        // The shorter time between two days stands.
        if !matches!(self.extent, Stated::One(Extent::Between(..) | Extent::Fixed(..)))
            || matches!(extent, Extent::Fixed(..))
        {
            self.extent.add(extent);
        }
    }

    /// Whether anything is stated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.extent.is_nothing() && self.day.is_nothing() && self.year.is_nothing()
    }

    /// Whether the text is a date or period and nothing else.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        !self.is_empty() && self.other_words == 0
    }

    /// Whether it speaks of a day: "as of December 31, 2024".
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.instant && self.extent.is_nothing()
    }

    /// Whether the text ends with a day: "Goodwill – December 31, 2023".
    #[must_use]
    pub fn ends_with_day(&self) -> bool {
        self.ends_with_date
            && self.extent.is_nothing()
            && matches!(self.day, Stated::One(MonthDay { day: Some(_), .. }))
    }

    /// Whether a year is stated, alone or in a date.
    #[must_use]
    pub fn has_year(&self) -> bool {
        !self.year.is_nothing() || matches!(self.extent, Stated::One(Extent::Fixed(..)))
    }

    /// Whether it states how long the time is, which day it ends on, or both, without a year.
    #[must_use]
    pub fn is_phrase(&self) -> bool {
        !self.has_year() && !self.is_empty()
    }

    /// Whether it is a day, or a year up to a day, with its year.
    #[must_use]
    pub fn is_day_or_year_ended(&self) -> bool {
        let whole = match self.extent {
            Stated::Nothing => true,
            Stated::One(Extent::Ended(length)) => length.is_year(),
            _ => false,
        };
        whole && matches!(self.day, Stated::One(MonthDay { day: Some(_), .. })) && self.year.one().is_some()
    }

    /// Whether it states how long the time is.
    #[must_use]
    pub fn has_extent(&self) -> bool {
        !self.extent.is_nothing()
    }

    /// Whether it states nothing but one year.
    #[must_use]
    pub fn is_year(&self) -> bool {
        self.year.one().is_some() && self.extent.is_nothing() && self.day.is_nothing()
    }

    /// Whether it contains what can be read in two ways.
    #[must_use]
    pub fn is_several(&self) -> bool {
        matches!(self.extent, Stated::Several)
            || matches!(self.day, Stated::Several)
            || matches!(self.year, Stated::Several)
    }

    /// One year.
    #[must_use]
    pub fn of_year(year: i32) -> Self {
        Self { year: Stated::One(year), ..Self::default() }
    }

    /// The year that is stated, if it is one.
    #[must_use]
    pub fn year(&self) -> Option<Period> {
        self.year.one().map(Period::Year)
    }

    /// One day.
    #[must_use]
    pub fn of_day(day: Date) -> Self {
        let month_day = MonthDay { month: day.month(), day: Some(day.day()) };
        Self { day: Stated::One(month_day), ..Self::of_year(day.year()) }
    }

    /// The same without its year, and without what holds for that alone.
    #[must_use]
    pub fn without_year(&self) -> Self {
        let extent = match self.extent {
            Stated::One(Extent::Fixed(..)) => Stated::Nothing,
            extent => extent,
        };
        Self { extent, year: Stated::Nothing, ..*self }
    }

    /// Measures the time as the other does, where that is stated.
    pub fn replace_extent(&mut self, other: &Self) {
        if other.has_extent() && self.has_year() {
            self.extent = other.extent;
            if other.day.one().is_some() {
                self.day = other.day;
            }
        }
    }

    /// Whether it states a piece that the other leaves open.
    #[must_use]
    pub fn states_more(&self, other: &Self) -> bool {
        !self.extent.is_nothing() && other.extent.is_nothing()
            || !self.day.is_nothing() && other.day.is_nothing()
            || !self.year.is_nothing() && other.year.is_nothing()
    }

    /// Takes over what this text leaves open and the other states, where the two do not speak of different days.
    pub fn complete(&mut self, other: &Self) {
        if matches!(self.day, Stated::Several) || matches!(self.year, Stated::Several) {
            return;
        }
        let closed =
            matches!(self.extent, Stated::One(Extent::Part(..) | Extent::Between(..) | Extent::Fixed(..)));
        let same_day = match (self.day, other.day) {
            (Stated::One(own), Stated::One(other)) => {
                own.month == other.month && (own.day.is_none() || other.day.is_none() || own.day == other.day)
            }
            _ => true,
        };
        let dated = !self.day.is_nothing();
        if !closed && same_day {
            if self.day.is_nothing()
                && (!self.named_year || other.has_extent())
                && let Stated::One(_) = other.day
            {
                self.day = other.day;
                self.instant |= other.instant;
            }
            // "December 31, 2024" is a day unless something says that a time ended on it.
            let ends = matches!(other.extent, Stated::One(Extent::Ended(_)));
            match other.extent {
                Stated::One(_) if self.extent.one().is_none() && !self.instant && (!dated || ends) => {
                    self.extent = other.extent
                }
                // "Three and six months ended": one of them, and another text says which.
                Stated::Several if self.extent.is_nothing() && !dated => self.extent = Stated::Several,
                _ => {}
            }
        }
        if self.year.is_nothing() && !matches!(self.extent, Stated::One(Extent::Fixed(..))) {
            self.year = other.year.one().map_or(self.year, Stated::One);
        }
    }

    /// The period, if the pieces make exactly one.
    #[must_use]
    pub fn period(&self, locale: Locale) -> Option<Period> {
        if self.is_several() {
            return None;
        }
        if let Stated::One(Extent::Fixed(first, last)) = self.extent {
            let other_year = self.year.one().is_some_and(|year| year != last.year() && year != first.year());
            return (!other_year).then_some(Period::Span(first, last));
        }
        let year = self.year.one()?;
        match (self.extent.one(), self.day.one()) {
            (Some(Extent::Between(first, last)), _) => {
                let end = last.in_year(year)?;
                let start_year = if first.month > last.month { year - 1 } else { year };
                let first = Date::new(start_year, first.month, first.day.unwrap_or(1))?;
                Some(Period::Span(first, end))
            }
            (Some(Extent::Part(part, calendar)), _) => {
                part_of_year(part, year, calendar, 0, locale).map(|found| found.period)
            }
            (Some(Extent::Ended(length)), Some(day)) => length.ended(day.in_year(year)?),
            (Some(Extent::Ended(length)), None) => length.is_year().then_some(Period::Year(year)),
            (None, Some(MonthDay { month, day: None })) => Date::new(year, month, 1).map(Period::Month),
            (None, Some(day)) => day.in_year(year).map(Period::Day),
            (None, None) => Some(Period::Year(year)),
            (Some(Extent::Fixed(..)), _) => None,
        }
    }
}

/// "July 1 to July 21", "January 1, 2023 through July 21, 2023", "1 January – 30 June 2024", "01.01.2024 - 30.06.2024",
/// "January to June 2024"; the year where it is not in both days, and the token after.
fn between_at(tokens: &Tokens<'_>, at: usize) -> Option<(Extent, Option<i32>, usize)> {
    let dated = |at: usize| {
        if let Some(found) = period_at(tokens, at, Locale::default())
            && let (Pattern::Day { .. } | Pattern::Month { .. }, true) =
                (found.pattern, found.alternatives.is_empty())
        {
            let (month, day) = match found.pattern {
                Pattern::Day { month, day } => (month, Some(day)),
                Pattern::Month { month } => (month, None),
                _ => return None,
            };
            return Some((MonthDay { month, day }, Some(found.period.year()), found.end));
        }
        month_day_at(tokens, at).map(|(day, next)| (day, None, next))
    };
    let (first, first_year, next) = dated(at)?;
    let next = next + usize::from(tokens.is_symbol(next, ',') && first_year.is_none());
    let joined = matches!(tokens.word(next).as_str(), "to" | "through" | "until" | "bis" | "au")
        || tokens.is_symbol(next, '-');
    let (last, last_year, end) = joined.then(|| dated(next + 1)).flatten()?;
    if first.day.is_none() != last.day.is_none() {
        return None;
    }
    match (first_year, last_year) {
        (Some(from), Some(until)) => {
            let first = Date::new(from, first.month, first.day.unwrap_or(1))?;
            let last = last.in_year(until)?;
            (first < last).then_some((Extent::Fixed(first, last), None, end))
        }
        (None, year) => Some((Extent::Between(first, last), year, end)),
        (Some(_), None) => None,
    }
}

/// "March 31,", "31 March", "31. März", or "March" alone, and the token after.
fn month_day_at(tokens: &Tokens<'_>, at: usize) -> Option<(MonthDay, usize)> {
    let number = |at: usize| {
        let day = u32::try_from(tokens.whole(at)?).ok()?;
        (tokens.text_at(at).len() <= 2).then_some(day)
    };
    if let Some(month) = month_of(&tokens.word(at)) {
        let next = tokens.skip_point(at + 1);
        return Some(match number(next).filter(|_| year_at(tokens, next).is_none()) {
            Some(day) => (MonthDay { month, day: Some(day) }, next + 1),
            None => (MonthDay { month, day: None }, next),
        });
    }
    let day = number(at)?;
    let next = tokens.skip_point(at + 1);
    let ending = !tokens.spaced(next) && matches!(tokens.word(next).as_str(), "st" | "nd" | "rd" | "th");
    let next = next + usize::from(ending);
    let month = month_of(&tokens.word(next))?;
    Some((MonthDay { month, day: Some(day) }, tokens.skip_point(next + 1)))
}

/// The date or period that the header of a column states, with the header's lines joined by spaces:
/// "Three Months Ended March 31, 2025 (Unaudited)", "As of September 28, 2024", "Year Ended December 31, (1) 2023",
/// "FY24", "2024". Year and phrase may stand apart, as they do in headers of several rows. `None` when the header
/// states no date, or more than one.
#[must_use]
pub fn period_from_header(text: &str, locale: Locale) -> Option<Period> {
    PeriodParts::of(text, locale).period(locale)
}

/// The text without what stands in parentheses: "(unaudited)", "(1)", "(as restated)".
fn without_parentheses(text: &str) -> String {
    let mut depth = 0u32;
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
#[path = "stated_tests.rs"]
mod tests;
