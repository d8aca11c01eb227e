//! Dates of the Gregorian calendar and spans of them, written as ISO 8601.

use std::fmt;
use std::str::FromStr;

/// A day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i32,
    month: u32,
    day: u32,
}

/// Years that a financial document can plausibly speak of.
const YEARS: std::ops::RangeInclusive<i32> = 1800..=2199;

impl Date {
    /// The day, if it exists and its year lies between 1800 and 2199.
    #[must_use]
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let exists = YEARS.contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// Year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.year
    }

    /// Month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u32 {
        self.month
    }

    /// Day of the month, counted from 1.
    #[must_use]
    pub fn day(self) -> u32 {
        self.day
    }

    /// Whether it is the last day of its month.
    #[must_use]
    pub fn is_month_end(self) -> bool {
        self.day == days_in_month(self.year, self.month)
    }

    /// The day this many days later (earlier if negative), or `None` beyond the supported years.
    ///
    /// Counts days as "Low-Level Date Algorithms" (Howard Hinnant) does: in years that begin in March, so that
    /// the leap day is the last of its year, in eras of 400 years.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Option<Self> {
        let days = self.day_number() + days;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self::new(i32::try_from(year).ok()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
    }

    /// Days from `other` to this day, negative when `other` is later.
    #[must_use]
    pub fn days_since(self, other: Self) -> i64 {
        self.day_number() - other.day_number()
    }

    /// Days since 0000-03-01.
    fn day_number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
    }

    /// First day of the month this many months before.
    fn first_of_month_before(self, months: u32) -> Option<Self> {
        let index = self.year * 12 + self.month as i32 - 1 - months as i32;
        Self::new(index.div_euclid(12), index.rem_euclid(12) as u32 + 1, 1)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Months by their English names.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Number of days in a month; 0 for a month that does not exist.
#[must_use]
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// A date or a span of time, as precise as the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// A day: `2024-12-31`.
    Day(Date),
    /// A calendar month, given by its first day: `2024-12`.
    Month(Date),
    /// A calendar or fiscal year; where the fiscal year begins is not known from its number alone: `2024`.
    Year(i32),
    /// From the first to the last day, both included: `2024-01-01/2024-12-31`.
    Span(Date, Date),
}

impl Period {
    /// A part of a fiscal year: `count` months from its `first` on, counted from 1. `year` is the calendar year in
    /// which the fiscal year ends, `end` the last month of the fiscal year.
    #[must_use]
    pub fn fiscal_months(year: i32, end: u32, first: u32, count: u32) -> Option<Self> {
        let months = year * 12 + i32::try_from(end).ok()? - 12 + i32::try_from(first).ok()? - 1;
        let last = months + i32::try_from(count).ok()? - 1;
        let (start_month, end_month) = (months.rem_euclid(12) as u32 + 1, last.rem_euclid(12) as u32 + 1);
        let (start_year, end_year) = (months.div_euclid(12), last.div_euclid(12));
        let end = Date::new(end_year, end_month, days_in_month(end_year, end_month))?;
        Some(Self::Span(Date::new(start_year, start_month, 1)?, end))
    }

    /// The span of this many months that ends on `end`.
    ///
    /// When `end` is no month end, but within a week of one, the books are kept in weeks (52 or 53 a year): three
    /// months then are 13 weeks. A 53rd week cannot be told from the end alone.
    #[must_use]
    pub fn months_ended(months: u32, end: Date) -> Option<Self> {
        if !(1..=120).contains(&months) {
            return None;
        }
        let near_month_end = end.day() <= 7 || days_in_month(end.year(), end.month()) - end.day() <= 7;
        let start = if end.is_month_end() {
            end.first_of_month_before(months - 1)?
        } else if near_month_end && months.is_multiple_of(3) {
            return Self::weeks_ended(months / 3 * 13, end);
        } else {
            let month = end.first_of_month_before(months)?;
            let day = end.day().min(days_in_month(month.year(), month.month()));
            Date::new(month.year(), month.month(), day)?.plus_days(1)?
        };
        Some(Self::Span(start, end))
    }

    /// The span of this many weeks that ends on `end`.
    #[must_use]
    pub fn weeks_ended(weeks: u32, end: Date) -> Option<Self> {
        if !(1..=530).contains(&weeks) {
            return None;
        }
        Some(Self::Span(end.plus_days(1 - 7 * i64::from(weeks))?, end))
    }

    /// A month as the span of its days; every other period as it is.
    #[must_use]
    pub fn spanned(self) -> Self {
        match self {
            Self::Month(first) => self.end().map_or(self, |last| Self::Span(first, last)),
            other => other,
        }
    }

    /// Last day, where the period has a definite one.
    #[must_use]
    pub fn end(self) -> Option<Date> {
        match self {
            Self::Day(day) | Self::Span(_, day) => Some(day),
            Self::Month(first) => Date::new(first.year, first.month, days_in_month(first.year, first.month)),
            Self::Year(_) => None,
        }
    }

    /// Year of its last day.
    #[must_use]
    pub fn year(self) -> i32 {
        match self {
            Self::Day(day) | Self::Month(day) | Self::Span(_, day) => day.year,
            Self::Year(year) => year,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Month(first) => write!(f, "{:04}-{:02}", first.year, first.month),
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Span(first, last) => write!(f, "{first}/{last}"),
        }
    }
}

impl FromStr for Date {
    type Err = ();

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok()).ok_or(());
        let (year, month, day) = (next()?, next()?, next()?);
        Self::new(i32::try_from(year).map_err(|_| ())?, month, day).ok_or(())
    }
}

impl FromStr for Period {
    type Err = ();

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((first, last)) = text.split_once('/') {
            return Ok(Self::Span(first.parse()?, last.parse()?));
        }
        match text.len() {
            4 => text.parse().ok().filter(|year| YEARS.contains(year)).map(Self::Year).ok_or(()),
            7 => format!("{text}-01").parse().map(Self::Month),
            _ => text.parse().map(Self::Day),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(year: i32, month: u32, day: u32) -> Date {
        Date::new(year, month, day).expect("exists")
    }

    #[test]
    fn only_days_that_exist() {
        assert!(Date::new(2024, 2, 29).is_some());
        assert!(Date::new(2023, 2, 29).is_none() && Date::new(1900, 2, 29).is_none());
        assert!(Date::new(2024, 13, 1).is_none() && Date::new(2024, 4, 31).is_none());
        assert!(Date::new(2024, 0, 1).is_none() && Date::new(2024, 1, 0).is_none());
    }

    #[test]
    fn spans_follow_months_or_weeks() {
        let text = |period: Option<Period>| period.expect("a period").to_string();
        assert_eq!(text(Period::months_ended(12, date(2024, 12, 31))), "2024-01-01/2024-12-31");
        assert_eq!(text(Period::months_ended(3, date(2025, 2, 28))), "2024-12-01/2025-02-28");
        // Apple's fiscal years 2024 and third quarter of 2025, as its filings state them.
        assert_eq!(text(Period::months_ended(12, date(2024, 9, 28))), "2023-10-01/2024-09-28");
        assert_eq!(text(Period::months_ended(3, date(2025, 6, 28))), "2025-03-30/2025-06-28");
        assert_eq!(text(Period::fiscal_months(2024, 12, 4, 3)), "2024-04-01/2024-06-30");
        assert_eq!(text(Period::fiscal_months(2024, 9, 1, 3)), "2023-10-01/2023-12-31");
        assert_eq!(text(Period::fiscal_months(2025, 1, 10, 3)), "2024-11-01/2025-01-31");
    }

    #[test]
    fn periods_come_back_from_their_text() {
        for text in ["2024", "2024-12", "2024-12-31", "2024-01-01/2024-12-31"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in ["", "24", "2024-13", "2024-02-30", "2024-12-31/", "next year", "2024-01-01/2024"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_add_and_subtract(year in 1801i32..2198, month in 1u32..=12, day in 1u32..=31, days in -300i64..300) {
            if let Some(start) = Date::new(year, month, day) {
                let moved = start.plus_days(days).expect("within the years");
                prop_assert_eq!(moved.plus_days(-days), Some(start));
                prop_assert_eq!(moved.cmp(&start), days.cmp(&0));
            }
        }
    }
}
