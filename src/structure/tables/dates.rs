//! Dates and periods of columns and of single cells.

use crate::document::analysis::{Cell, Table};
use crate::structure::numbers::{Locale, Period, period_from_header};

/// The period of every column: what its header states, with the phrase that the stub's header or a line above the table
/// has for all years ("as of December 31", "years ended June 30") where the column has only a year.
pub(super) fn column_periods(headers: &[String], above: &[String], locale: Locale) -> Vec<Option<String>> {
    let stub = headers.first().map(String::as_str);
    let phrases: Vec<&str> =
        stub.into_iter().chain(above.iter().map(String::as_str)).map(before_year).collect();
    let period = |(column, header): (usize, &String)| {
        let own = period_from_header(header, locale)?;
        let Period::Year(year) = own else { return Some(own.to_string()) };
        let completed = phrases.iter().filter(|_| column > 0).find_map(|phrase| {
            let period = period_from_header(&format!("{phrase} {year}"), locale)?;
            (period != own && period.year() == year).then_some(period)
        });
        Some(completed.unwrap_or(own).to_string())
    };
    headers.iter().enumerate().map(period).collect()
}

/// The text before its first year: "years ended December 31," of "years ended December 31, 2024, 2023 and 2022".
fn before_year(text: &str) -> &str {
    let bytes = text.as_bytes();
    let is_year = |at: usize| {
        let digits = &bytes[at..at + 4];
        let alone = (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
            && bytes.get(at + 4).is_none_or(|next| !next.is_ascii_alphanumeric());
        alone && digits.iter().all(u8::is_ascii_digit) && matches!(&digits[..2], b"19" | b"20")
    };
    let first = (0..bytes.len().saturating_sub(3)).find(|at| is_year(*at));
    first.map_or(text, |at| &text[..at])
}

/// The date or period of a cell's number in the row with this label: its column's, but that of the row where the row has one ("Balance at December
/// 31, 2022"), or is about the beginning or the end of the column's period.
#[must_use]
pub fn cell_period(table: &Table, cell: &Cell, label: &str, locale: Locale) -> Option<String> {
    let column = table.column_periods.get(cell.column as usize).cloned().flatten();
    let lower = label.to_lowercase();
    if let Some(Period::Span(first, last)) = column.as_deref().and_then(|period| period.parse().ok()) {
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if has(&["beginning of", "at beginning", "start of"]) {
            return first.plus_days(-1).map(|day| day.to_string());
        }
        if has(&[
            "end of year",
            "end of period",
            "end of the year",
            "end of the period",
            "end of quarter",
            "at end of",
        ]) {
            return Some(last.to_string());
        }
    }
    let balance = ["balance", "total equity", "total stockholders", "total shareholders"];
    if balance.iter().any(|word| lower.contains(word))
        && let Some(day @ Period::Day(_)) = period_from_header(label, locale)
    {
        return Some(day.to_string());
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_completed_by_the_phrase_for_all_columns() {
        let periods = |headers: &[&str], above: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let found = column_periods(&owned(headers), &owned(above), Locale::default());
            found.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        assert_eq!(
            periods(&["as of December 31 (in millions, except share data)", "2024", "2023"], &[]),
            ["", "2024-12-31", "2023-12-31"]
        );
        assert_eq!(
            periods(&["years ended December 31 (in millions)", "2024"], &[]),
            ["", "2024-01-01/2024-12-31"]
        );
        assert_eq!(periods(&["", "2024"], &["Consolidated Balance Sheets", "June 30,"]), ["", "2024-06-30"]);
        assert_eq!(
            periods(&["", "2024", "2023"], &["For the years ended June 30, 2024 and 2023"]),
            ["", "2023-07-01/2024-06-30", "2022-07-01/2023-06-30"]
        );
        assert_eq!(periods(&["", "2024", "Change"], &["For the years 2024 and 2023"]), ["", "2024", ""]);
    }
}
