//! Dates and periods of columns.

use std::borrow::Cow;

use crate::document::analysis::Cell;
use crate::structure::numbers::{Locale, Period, PeriodParts};

/// Lines above a table whose words may belong to one statement.
const LINES_JOINED: usize = 3;

/// What is known about the dates of a table before its rows are read.
pub(super) struct Statements<'a> {
    /// The table's cells.
    pub cells: &'a [Cell],
    /// Rows of column headers.
    pub header_rows: u32,
    /// Text of each column's header.
    pub headers: &'a [String],
    /// Lines above the table, the nearest first.
    pub above: &'a [String],
    pub locale: Locale,
}

/// The dates of a table's columns.
pub(super) struct ColumnDates {
    /// What each column's header states, with what the stub's header, the headers beside it and the lines above say for
    /// all columns.
    pub columns: Vec<PeriodParts>,
    /// What holds for all columns of a table of which none has a date.
    pub table: Option<PeriodParts>,
    /// Whether the columns are years in which something falls due.
    pub falls_due: bool,
}

impl ColumnDates {
    /// Whether all columns that have a date have the same one.
    pub fn is_single(&self, locale: Locale) -> bool {
        let periods = self.periods(locale);
        let mut dated = periods.iter().skip(1).flatten();
        dated.next().is_none_or(|first| dated.all(|period| period == first))
    }

    /// The period of every column.
    ///
    /// A month that heads a column of amounts is the time from its first to its last day.
    pub fn periods(&self, locale: Locale) -> Vec<Option<Period>> {
        self.columns.iter().map(|parts| parts.period(locale).map(Period::spanned)).collect()
    }
}

/// Reads the dates of the columns. A column's own header comes first, then the stub's ("years ended June 30"), then headers
/// that stand beside a gap over the column, then the lines above.
pub(super) fn column_dates(statements: &Statements<'_>) -> ColumnDates {
    let Statements { cells, header_rows, headers, above, locale } = *statements;
    let own: Vec<PeriodParts> = headers.iter().map(|header| PeriodParts::of(header, locale)).collect();
    let stub = own.first().copied().unwrap_or_default();
    let above = stated_above(above, locale);
    let falls_due = headers.iter().skip(1).any(|header| is_later(header));
    let dated = own.iter().skip(1).any(PeriodParts::has_year) && !falls_due;
    let mut rows: Vec<Vec<&Cell>> = vec![Vec::new(); header_rows as usize];
    for cell in cells.iter().filter(|cell| cell.column > 0 && cell.row < header_rows) {
        rows[cell.row as usize].push(cell);
    }
    let centers = column_centers(cells, headers.len());
    let years: Vec<i32> = own
        .iter()
        .filter_map(|parts| parts.period(locale).or_else(|| parts.year()).map(Period::year))
        .collect();
    let mut columns = own.clone();
    for (column, parts) in columns.iter_mut().enumerate() {
        if falls_due && column > 0 {
            // "2025 | 2026 | Thereafter" is when something falls due.
            *parts = PeriodParts::default();
            continue;
        }
        if column == 0 || parts.is_empty() && dated && !stub.has_year() {
            continue;
        }
        parts.complete(&stub);
        if parts.has_year() {
            complete_beside(parts, &rows, column, &centers, locale);
        }
        if parts.has_year() || parts.is_phrase() {
            parts.complete(&above.phrase(&years));
        }
    }
    // "As at 30 June 2025 | 2024": the phrase that stands over the first of two years holds for the next, too.
    for column in 2..columns.len() {
        let left = own[..column].iter().rposition(|parts| !parts.is_year()).unwrap_or(0);
        let said = own[left];
        let apart = said.year().is_some_and(|year| columns[column].year().is_some_and(|other| other != year));
        if left > 0 && columns[column].is_year() && said.is_day_or_year_ended() && said.is_pure() && apart {
            columns[column].complete(&said.without_year());
        }
    }
    let table = (!columns.iter().skip(1).any(|parts| parts.has_year()))
        .then(|| if stub.period(locale).is_some() { Some(stub) } else { above.whole(locale) })
        .flatten();
    ColumnDates { columns, table, falls_due }
}

/// Whether a header or label stands for all the years after those before it.
pub(super) fn is_later(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["thereafter", "later years", "beyond", "after 5 years", "after five years"]
        .iter()
        .any(|words| lower.contains(words))
}

/// Completes a date by the nearest header in a row of headers that has none over this column: "June 30," over the first of
/// two columns of years.
pub(super) fn complete_beside(
    parts: &mut PeriodParts,
    rows: &[Vec<&Cell>],
    column: usize,
    centers: &[f32],
    locale: Locale,
) {
    let at = column as u32;
    for row in rows {
        if row.iter().any(|cell| cell.column <= at && at < cell.column + cell.column_span) {
            continue;
        }
        let distance = |cell: &Cell| {
            let columns =
                if cell.column > at { cell.column - at } else { at + 1 - (cell.column + cell.column_span) };
            (centers[column].is_finite().then(|| (cell.bbox.center_x() - centers[column]).abs()), columns)
        };
        let nearest = row
            .iter()
            .map(|cell| (distance(cell), PeriodParts::of(&cell.text, locale)))
            .filter(|(_, stated)| stated.is_phrase() && stated.is_pure())
            .min_by(|((a, x), _), ((b, y), _)| a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0)).then(x.cmp(y)));
        if let Some((_, stated)) = nearest {
            parts.complete(&stated);
        }
    }
}

/// The middle of each column's numbers; not a number where it has none.
pub(super) fn column_centers(cells: &[Cell], columns: usize) -> Vec<f32> {
    let mut sums = vec![(0.0f32, 0usize); columns];
    for cell in cells.iter().filter(|cell| cell.value.is_some()) {
        if let Some((sum, count)) = sums.get_mut(cell.column as usize) {
            *sum += cell.bbox.center_x();
            *count += 1;
        }
    }
    sums.into_iter().map(|(sum, count)| if count > 0 { sum / count as f32 } else { f32::NAN }).collect()
}

/// What the lines above a table state.
#[derive(Clone, Copy, Debug, Default)]
struct Above {
    parts: PeriodParts,
}

impl Above {
    /// What it says for columns that have years of their own: "years ended December 31, 2024 and 2023". A day that is
    /// named in passing says nothing about them.
    fn phrase(&self, years: &[i32]) -> PeriodParts {
        // "Fiscal 2024" may end in February of 2025: a date of another year is not the column's.
        let of_column = self.parts.year().is_none_or(|year| years.is_empty() || years.contains(&year.year()));
        let says = of_column && (self.parts.has_extent() || self.parts.is_instant() || self.parts.is_pure());
        if says { self.parts.without_year() } else { PeriodParts::default() }
    }

    /// What it says for a table without dates: one day, one year or one measured time, not a month in which something
    /// happened.
    fn whole(&self, locale: Locale) -> Option<PeriodParts> {
        match self.parts.period(locale)? {
            Period::Day(_) | Period::Year(_) | Period::Span(..) => Some(self.parts),
            Period::Month(_) => None,
        }
    }
}

/// The statement nearest to the table; it may be wrapped: "as of December 31," over "2024 consist of the following:".
fn stated_above(above: &[String], locale: Locale) -> Above {
    let joined = |from: usize, until: usize| -> Cow<'_, str> {
        let lines: Vec<&str> = above[from..until].iter().rev().map(String::as_str).collect();
        if let [only] = lines[..] { Cow::Borrowed(only) } else { Cow::Owned(lines.join(" ")) }
    };
    for line in 0..above.len() {
        let nearest = PeriodParts::of(&above[line], locale);
        if nearest.is_empty() {
            continue;
        }
        let mut best = nearest;
        for until in line + 2..=(line + LINES_JOINED).min(above.len()) {
            let ends = above[until - 1].trim_end();
            if ends.ends_with(['.', ':', ';']) {
                break;
            }
            // What stands in the line before belongs to the date only if it goes on over the line's end.
            let tail: Vec<&str> = ends.split(' ').rev().take(5).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            let text = format!("{} {}", tail.join(" "), joined(line, until - 1));
            let longer = PeriodParts::of(&text, locale);
            if !longer.is_several() && longer.states_more(&best) {
                best = longer;
            }
            if until > line + 1 && !PeriodParts::of(&tail.join(" "), locale).is_empty() {
                break;
            }
        }
        return Above { parts: best };
    }
    Above::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn periods(headers: &[&str], above: &[&str]) -> Vec<String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (headers, above) = (owned(headers), owned(above));
        let locale = Locale::default();
        let dates = column_dates(&Statements {
            cells: &[],
            header_rows: 1,
            headers: &headers,
            above: &above,
            locale,
        });
        let text = |period: Option<Period>| period.map(|period| period.to_string()).unwrap_or_default();
        dates.periods(locale).into_iter().map(text).collect()
    }

    #[test]
    fn years_are_completed_by_the_phrase_for_all_columns() {
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
        assert_eq!(
            periods(&["", "As at 30 June 2025", "2024", "Change"], &[]),
            ["", "2025-06-30", "2024-06-30", ""]
        );
        assert_eq!(
            periods(&["", "Three months ended 31 March 2025", "2024"], &[]),
            ["", "2025-01-01/2025-03-31", "2024"],
            "a year beside a quarter may be a whole one"
        );
        // Which of the two lengths is meant is not known.
        let above = ["For the three and six months ended June 30, 2024 and 2023"];
        assert_eq!(periods(&["", "2024", "2023"], &above), ["", "", ""]);
        // A day named in passing says nothing about columns of years.
        assert_eq!(periods(&["", "2024"], &["Cash of $5 was paid by March 31, 2024"]), ["", "2024"]);
    }

    #[test]
    fn years_in_which_something_falls_due_are_no_periods() {
        assert_eq!(periods(&["", "2025", "2026", "Thereafter"], &[]), ["", "", "", ""]);
    }

    #[test]
    fn a_statement_above_may_be_wrapped() {
        let above: Vec<String> =
            ["2024 consist of the following:", "The balances as of December 31,"].map(str::to_owned).to_vec();
        let headers: Vec<String> = ["", "Level 1", "Level 2"].map(str::to_owned).to_vec();
        let locale = Locale::default();
        let dates = column_dates(&Statements {
            cells: &[],
            header_rows: 1,
            headers: &headers,
            above: &above,
            locale,
        });
        let period = dates.table.and_then(|parts| parts.period(locale)).map(|period| period.to_string());
        assert_eq!(period.as_deref(), Some("2024-12-31"));
    }
}
