//! Dates and periods in words: "December 31, 2024", "three months ended March 31, 2025", "Q3 2024", "fiscal 2024".

use super::calendar::{Date, Period};
use super::digits::Locale;
use super::lexer::Tokens;
use crate::document::analysis::FigureKind;

/// Months with their English, German, French and Spanish names and their abbreviations.
const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "janvier", "enero"],
    &["february", "feb", "februar", "février", "febrero"],
    &["march", "mar", "märz", "mars", "marzo"],
    &["april", "apr", "avril", "abril"],
    &["may", "mai", "mayo"],
    &["june", "jun", "juni", "juin", "junio"],
    &["july", "jul", "juli", "juillet", "julio"],
    &["august", "aug", "août", "agosto"],
    &["september", "sept", "sep", "septembre", "septiembre"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dezember", "dez", "décembre", "diciembre"],
];

/// Month of a word in small letters, 1 to 12.
pub(super) fn month_of(word: &str) -> Option<u32> {
    let index = MONTHS.iter().position(|names| names.contains(&word))?;
    u32::try_from(index + 1).ok()
}

/// Whether a word names a month: "March", "Sept."
pub(in crate::structure) fn is_month(word: &str) -> bool {
    month_of(&word.trim_end_matches('.').to_lowercase()).is_some()
}

/// Whole numbers in words, as period phrases use them.
pub(super) fn small_number(tokens: &Tokens<'_>, at: usize) -> Option<(u32, usize)> {
    const NAMES: &[(&str, u32)] = &[
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
        ("six", 6),
        ("seven", 7),
        ("eight", 8),
        ("nine", 9),
        ("ten", 10),
        ("eleven", 11),
        ("twelve", 12),
        ("thirteen", 13),
        ("fourteen", 14),
        ("fifteen", 15),
        ("sixteen", 16),
        ("eighteen", 18),
        ("twenty", 20),
        ("thirty", 30),
        ("forty", 40),
        ("fifty", 50),
    ];
    if let Some(number) = tokens.whole(at) {
        return u32::try_from(number)
            .ok()
            .filter(|number| (1..=530).contains(number))
            .map(|number| (number, at + 1));
    }
    let value = |index: usize| {
        let word = tokens.word(index);
        NAMES.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
    };
    let first = value(at)?;
    let hyphen = usize::from(tokens.is_symbol(at + 1, '-'));
    match value(at + 1 + hyphen) {
        // "fifty-two", "twenty six"
        Some(unit) if first >= 20 && unit < 10 => Some((first + unit, at + 2 + hyphen)),
        _ => Some((first, at + 1)),
    }
}

pub(super) fn ordinal(word: &str) -> Option<u32> {
    ["first", "second", "third", "fourth"].iter().position(|name| *name == word).map(|index| index as u32 + 1)
}

/// A year with four digits, standing alone.
pub(super) fn year_at(tokens: &Tokens<'_>, at: usize) -> Option<i32> {
    let year = tokens.whole(at)?;
    (tokens.text_at(at).len() == 4 && (1900..=2099).contains(&year)).then_some(year)
}

/// A year of two calendar years, `2023/24`, `2023/2024` or `2023-24`: that in which it ends.
fn split_year_at(tokens: &Tokens<'_>, at: usize) -> Option<(i32, usize)> {
    let first = year_at(tokens, at)?;
    let slash = tokens.is_symbol(at + 1, '/');
    let joined = (slash || tokens.is_symbol(at + 1, '-')) && !tokens.spaced(at + 1) && !tokens.spaced(at + 2);
    let second = tokens.whole(at + 2).filter(|_| joined)?;
    let fits = match tokens.text_at(at + 2).len() {
        2 => second == (first + 1) % 100,
        4 => slash && second == first + 1,
        _ => false,
    };
    fits.then_some((first + 1, at + 3))
}

/// A year that may be shortened to two digits: `2024`, `'24`, `24`, `2023/24`.
fn short_year_at(tokens: &Tokens<'_>, at: usize) -> Option<(i32, usize)> {
    if let Some(found) = split_year_at(tokens, at) {
        return Some(found);
    }
    let at = if ['\'', '\u{2019}', '\u{2018}'].iter().any(|mark| tokens.is_symbol(at, *mark)) {
        at + 1
    } else {
        at
    };
    if let Some(year) = year_at(tokens, at) {
        return Some((year, at + 1));
    }
    let year = tokens.whole(at)?;
    (tokens.text_at(at).len() == 2).then_some((full_year(year), at + 1))
}

/// The year that two digits stand for.
fn full_year(year: i32) -> i32 {
    if year < 70 { 2000 + year } else { 1900 + year }
}

/// A date or period found at a token.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PeriodAt {
    pub period: Period,
    /// Other days that an ambiguous date can mean.
    pub alternatives: Vec<Period>,
    /// DATE for days, months, quarters and years, PERIOD for spans that the text measures.
    pub kind: FigureKind,
    /// Token after it.
    pub end: usize,
    /// How later years in an enumeration ("2024, 2023 and 2022") repeat it.
    pub pattern: Pattern,
}

/// What of a period stays the same when only another year follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pattern {
    Day {
        month: u32,
        day: u32,
    },
    Month {
        month: u32,
    },
    Ended {
        length: Length,
        month: u32,
        day: u32,
    },
    /// Months of a year that ends with this month; the year is that in which it ends.
    Part {
        first: u32,
        count: u32,
        year_end: u32,
    },
    Year,
    Fixed,
}

impl Pattern {
    pub(super) fn in_year(self, year: i32) -> Option<Period> {
        match self {
            Self::Day { month, day } => Date::new(year, month, day).map(Period::Day),
            Self::Month { month } => Date::new(year, month, 1).map(Period::Month),
            Self::Ended { length, month, day } => length.ended(Date::new(year, month, day)?),
            Self::Part { first, count, year_end } => Period::fiscal_months(year, year_end, first, count),
            Self::Year => Some(Period::Year(year)),
            Self::Fixed => None,
        }
    }

    fn kind(self) -> FigureKind {
        if matches!(self, Self::Ended { .. }) { FigureKind::Period } else { FigureKind::Date }
    }
}

/// Length of a period that the text measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    Months(u32),
    Weeks(u32),
    Days(u32),
}

impl Length {
    /// Whether it is a year, in months or in weeks.
    pub(super) fn is_year(self) -> bool {
        matches!(self, Self::Months(12) | Self::Weeks(52 | 53))
    }

    /// So many of the same measure.
    pub(super) fn of(self, count: u32) -> Self {
        match self {
            Self::Months(_) => Self::Months(count),
            Self::Weeks(_) => Self::Weeks(count),
            Self::Days(_) => Self::Days(count),
        }
    }

    /// The span of this length up to a day.
    pub(super) fn ended(self, end: Date) -> Option<Period> {
        match self {
            Self::Months(months) => Period::months_ended(months, end),
            Self::Weeks(weeks) => Period::weeks_ended(weeks, end),
            Self::Days(days) => Some(Period::Span(end.plus_days(1 - i64::from(days))?, end)),
        }
    }
}

/// Reads the longest date or period that starts at token `at`.
pub(super) fn period_at(tokens: &Tokens<'_>, at: usize, locale: Locale) -> Option<PeriodAt> {
    ended_at(tokens, at, locale)
        .or_else(|| partial_year_at(tokens, at, locale))
        .or_else(|| day_at(tokens, at, locale))
        .or_else(|| month_at(tokens, at))
        .or_else(|| fiscal_at(tokens, at))
}

fn found(pattern: Pattern, year: i32, end: usize) -> Option<PeriodAt> {
    let period = pattern.in_year(year)?;
    Some(PeriodAt { period, alternatives: Vec::new(), kind: pattern.kind(), end, pattern })
}

/// "three months ended March 31, 2025", "52 weeks ended ...", "fiscal year ended ...", "quarter ending ...".
fn ended_at(tokens: &Tokens<'_>, at: usize, locale: Locale) -> Option<PeriodAt> {
    let (length, next) = length_at(tokens, at)?;
    if !matches!(tokens.word(next).as_str(), "ended" | "ending" | "to") {
        return None;
    }
    let mut next = next + 1;
    if tokens.word(next) == "on" {
        next += 1;
    }
    let day = day_at(tokens, next, locale)?;
    let Period::Day(end) = day.period else { return None };
    let pattern = Pattern::Ended { length, month: end.month(), day: end.day() };
    Some(PeriodAt {
        period: length.ended(end)?,
        alternatives: day.alternatives.iter().filter_map(|other| length.ended(other.end()?)).collect(),
        kind: FigureKind::Period,
        end: day.end,
        pattern,
    })
}

/// "three months", "52 weeks", "twelve-month period", "fiscal year", "fiscal second quarter", "half-year", and the token
/// after.
pub(super) fn length_at(tokens: &Tokens<'_>, at: usize) -> Option<(Length, usize)> {
    let (count, mut next) = small_number(tokens, at).map_or((None, at), |(count, next)| (Some(count), next));
    if count.is_some() && tokens.is_symbol(next, '-') {
        next += 1;
    }
    while matches!(tokens.word(next).as_str(), "fiscal" | "financial" | "full" | "calendar" | "consecutive") {
        next += 1;
    }
    // Which quarter it is does not matter where its end is stated.
    if count.is_none() && ordinal(&tokens.word(next)).is_some() {
        next += 1;
    }
    let half = tokens.word(next) == "half";
    if half {
        next += 1 + usize::from(tokens.is_symbol(next + 1, '-'));
    }
    let count = count.unwrap_or(1);
    let length = match tokens.word(next).as_str() {
        "month" | "months" => Length::Months(count),
        "week" | "weeks" => Length::Weeks(count),
        "day" | "days" => Length::Days(count),
        "quarter" | "quarters" => Length::Months(3 * count),
        "year" | "years" if half => Length::Months(6),
        "year" | "years" => Length::Months(12 * count),
        _ if half => {
            return Some((Length::Months(6), next));
        }
        _ => return None,
    };
    next += 1;
    // "39-week fiscal period ended", "13-week fiscal quarter ended": the first measure is the exact one.
    while matches!(
        tokens.word(next).as_str(),
        "fiscal" | "period" | "periods" | "quarter" | "quarters" | "then" | "year" | "years"
    ) {
        next += 1;
    }
    Some((length, next))
}

/// A part of a year: its months counted from the first of the year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    pub first: u32,
    pub count: u32,
}

/// "Q3", "3Q", "H1", "9M", "third quarter", "first half", the token after it, and the digits of a year
/// that an apostrophe joins to it (`Q1'24`).
pub(super) fn part_at(tokens: &Tokens<'_>, at: usize) -> Option<(Part, usize, Option<i32>)> {
    let attached = |index: usize| !tokens.spaced(index);
    let part = |letter: &str, number: i32| {
        let number = u32::try_from(number).ok()?;
        let of = |count: u32| Part { first: (number - 1) * count + 1, count };
        match letter {
            "Q" | "q" if (1..=4).contains(&number) => Some(of(3)),
            "H" | "h" if (1..=2).contains(&number) => Some(of(6)),
            // "9m" is an amount, and 3M a company.
            "M" if matches!(number, 6 | 9 | 12) => Some(Part { first: 1, count: number }),
            _ => None,
        }
    };
    if tokens.is_number(at + 1) && attached(at + 1) {
        let digits = tokens.text_at(at + 1);
        if let Some((number, year)) = digits.split_once(['\'', '\u{2019}'])
            && year.len() == 2
        {
            return Some((
                part(tokens.text_at(at), number.parse().ok()?)?,
                at + 2,
                Some(full_year(year.parse().ok()?)),
            ));
        }
        return Some((part(tokens.text_at(at), tokens.whole(at + 1)?)?, at + 2, None));
    }
    if tokens.is_number(at) && attached(at + 1) {
        return Some((part(tokens.text_at(at + 1), tokens.whole(at)?)?, at + 2, None));
    }
    if let Some(number) = ordinal(&tokens.word(at)) {
        let part = match tokens.word(at + 1).as_str() {
            "quarter" => Part { first: 3 * number - 2, count: 3 },
            "half" if number <= 2 => Part { first: 6 * number - 5, count: 6 },
            _ => return None,
        };
        return Some((part, at + 2, None));
    }
    None
}

/// "Q3 2024", "3Q24", "Q1'24", "9M 2024", "third quarter of 2024", "first half of 2024", "H1 2024".
fn partial_year_at(tokens: &Tokens<'_>, at: usize, locale: Locale) -> Option<PeriodAt> {
    let (part, mut next, year) = part_at(tokens, at).or_else(|| {
        // "Nine months 2024"; without a year it is any length.
        let (count, next) = small_number(tokens, at)?;
        let months = matches!(count, 3 | 6 | 9 | 12) && tokens.word(next) == "months";
        months.then_some((Part { first: 1, count }, next + 1, None))
    })?;
    if let Some(year) = year {
        return part_of_year(part, year, false, next, locale);
    }
    if tokens.word(next) == "of" || [',', '-', '/'].iter().any(|mark| tokens.is_symbol(next, *mark)) {
        next += 1;
    }
    let calendar = matches!(tokens.word(next).as_str(), "calendar" | "cy");
    while matches!(tokens.word(next).as_str(), "calendar" | "fiscal" | "financial" | "year" | "fy" | "cy") {
        next += 1;
    }
    let (year, end) = short_year_at(tokens, next)?;
    part_of_year(part, year, calendar, end, locale)
}

/// A part of a year.
///
/// Where the document states when its fiscal year ends, the quarter is that of the fiscal year, and the calendar's is
/// kept as another reading; where it does not, the calendar's quarter comes first and those of fiscal years that end
/// with the other quarters are kept.
pub(super) fn part_of_year(
    Part { first, count }: Part,
    year: i32,
    calendar: bool,
    end: usize,
    locale: Locale,
) -> Option<PeriodAt> {
    let stated = if calendar { Some(12) } else { locale.fiscal_year_end };
    let pattern = Pattern::Part { first, count, year_end: stated.unwrap_or(12) };
    let mut found = match stated {
        // Retailers name the year that ends in January or February by the calendar year before.
        Some(month @ 1..=2) => {
            let later = PeriodAt { period: pattern.in_year(year + 1)?, ..found(pattern, year, end)? };
            PeriodAt { alternatives: vec![Period::fiscal_months(year, month, first, count)?], ..later }
        }
        _ => found(pattern, year, end)?,
    };
    let others: &[u32] = match stated {
        Some(12) => &[],
        Some(_) => &[12],
        None => &[3, 6, 9],
    };
    let others = others.iter().filter_map(|&month| Period::fiscal_months(year, month, first, count));
    found.alternatives.extend(others);
    Some(found)
}

/// "December 31, 2024", "31 December 2024", "31. Dezember 2024", "2024-12-31", "12/31/2024", "31.12.2024".
fn day_at(tokens: &Tokens<'_>, at: usize, locale: Locale) -> Option<PeriodAt> {
    let day_pattern =
        |month: u32, day: u32, year: i32, end: usize| found(Pattern::Day { month, day }, year, end);
    let day_number =
        |index: usize| u32::try_from(tokens.whole(index)?).ok().filter(|day| (1..=31).contains(day));
    if let Some(month) = month_of(&tokens.word(at)) {
        let next = tokens.skip_point(at + 1);
        let day = day_number(next)?;
        let next = skip_ordinal_ending(tokens, next + 1);
        let next = next + usize::from(tokens.is_symbol(next, ','));
        return day_pattern(month, day, year_at(tokens, next)?, next + 1);
    }
    if !tokens.is_number(at) {
        return None;
    }
    if let Some(dotted) = dotted_day(tokens.text_at(at)) {
        return day_pattern(dotted.month(), dotted.day(), dotted.year(), at + 1);
    }
    let month_after = tokens.skip_point(skip_ordinal_ending(tokens, at + 1));
    let month_after = month_after + usize::from(tokens.word(month_after) == "of");
    if let Some(month) = month_of(&tokens.word(month_after)) {
        let next = tokens.skip_point(month_after + 1);
        let next = next + usize::from(tokens.is_symbol(next, ','));
        return day_pattern(month, day_number(at)?, year_at(tokens, next)?, next + 1);
    }
    let mark = if tokens.is_symbol(at + 1, '-') { '-' } else { '/' };
    let joined = tokens.is_symbol(at + 1, mark)
        && tokens.is_symbol(at + 3, mark)
        && (at + 1..=at + 4).all(|index| !tokens.spaced(index));
    if !joined {
        return None;
    }
    if let Some(year) = year_at(tokens, at) {
        let (month, day) = (day_number(at + 2)?, day_number(at + 4)?);
        return day_pattern(month, day, year, at + 5);
    }
    let (first, second) = (day_number(at)?, day_number(at + 2)?);
    let (year, end) =
        if mark == '/' { short_year_at(tokens, at + 4)? } else { (year_at(tokens, at + 4)?, at + 5) };
    let month_first = day_pattern(first, second, year, end);
    let day_first = day_pattern(second, first, year, end);
    match (month_first, day_first, locale.day_first) {
        (Some(one), None, _)
        | (None, Some(one), _)
        | (_, Some(one), Some(true))
        | (Some(one), _, Some(false)) => Some(one),
        (Some(mut one), Some(other), None) => {
            if one.period != other.period {
                one.alternatives.push(other.period);
            }
            Some(one)
        }
        (None, None, _) => None,
    }
}

/// `31.12.2024`: with dots the day always comes first.
fn dotted_day(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split('.').collect();
    let [day, month, year] = parts[..] else { return None };
    (day.len() <= 2 && month.len() <= 2 && year.len() == 4)
        .then(|| Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
        .flatten()
}

fn skip_ordinal_ending(tokens: &Tokens<'_>, at: usize) -> usize {
    let is_ending = !tokens.spaced(at) && matches!(tokens.word(at).as_str(), "st" | "nd" | "rd" | "th");
    at + usize::from(is_ending)
}

/// "March 2025", "Mar-25", "Mar '25"
fn month_at(tokens: &Tokens<'_>, at: usize) -> Option<PeriodAt> {
    let month = month_of(&tokens.word(at))?;
    let next = tokens.skip_point(at + 1);
    let apostrophe = ['\'', '\u{2019}', '\u{2018}'].iter().any(|mark| tokens.is_symbol(next, *mark));
    let hyphen = tokens.is_symbol(next, '-') && !tokens.spaced(next) && !tokens.spaced(next + 1);
    if apostrophe || hyphen {
        let (year, end) = short_year_at(tokens, next + usize::from(hyphen))?;
        return found(Pattern::Month { month }, year, end);
    }
    let next = next + usize::from(tokens.is_symbol(next, ',') || tokens.word(next) == "of");
    found(Pattern::Month { month }, year_at(tokens, next)?, next + 1)
}

/// "fiscal 2024", "fiscal year 2024", "FY24", "FY2023/24", "CY24", "2024", "2023/24".
fn fiscal_at(tokens: &Tokens<'_>, at: usize) -> Option<PeriodAt> {
    let split_or_plain =
        |at: usize| split_year_at(tokens, at).or_else(|| year_at(tokens, at).map(|year| (year, at + 1)));
    match tokens.word(at).as_str() {
        "fiscal" | "financial" | "calendar" => {
            let next = at + 1 + usize::from(matches!(tokens.word(at + 1).as_str(), "year" | "years"));
            let (year, end) = split_or_plain(next)?;
            found(Pattern::Year, year, end)
        }
        "year" | "years" => {
            let (year, end) = split_or_plain(at + 1)?;
            found(Pattern::Year, year, end)
        }
        "fy" | "cy" => {
            let (year, end) = short_year_at(tokens, at + 1)?;
            found(Pattern::Year, year, end)
        }
        _ => {
            let (year, end) = split_or_plain(at)?;
            // "2024E" and "2024A" are estimates and actuals; other letters or signs make it another thing.
            let end = end + usize::from(!tokens.spaced(end) && matches!(tokens.text_at(end), "A" | "E"));
            found(Pattern::Year, year, end)
        }
    }
}

#[cfg(test)]
#[path = "periods_tests.rs"]
mod tests;
