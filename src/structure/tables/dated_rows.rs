//! Dates and periods of single cells: their column's, their row's, or those of a heading in the table's body.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::dates::{ColumnDates, Statements, column_centers, column_dates, complete_beside, is_later};
use super::lines::joined_text;
use crate::document::analysis::{Cell, Table};
use crate::structure::numbers::{Date, Locale, Period, PeriodParts};

/// Rows of years from which they can be those in which something falls due.
const FEWEST_DUE: usize = 3;
/// Longest time, in days, between two balances that the rows between them explain.
const LONGEST_CHANGE: i64 = 400;

/// Gives every number of a table its period; the periods of the columns, as their headers state them.
///
/// `report` is the day of the document's balance sheet: amounts that fall due in later years are stated as of it. The result
/// says whether there are such amounts.
pub(super) fn date_table(
    table: &mut Table,
    headers: &[String],
    above: &[String],
    locale: Locale,
    report: Option<Date>,
) -> bool {
    let (header_rows, rows) = (table.header_rows as usize, table.rows as usize);
    let cells = &mut table.cells;
    let mut dates =
        column_dates(&Statements { cells, header_rows: table.header_rows, headers, above, locale });
    let body = Body::of(cells, (header_rows, rows), &dates, locale, report);
    let due = body.falls_due || dates.falls_due;
    if due && dates.table.is_none() {
        dates.table = report.map(PeriodParts::of_day);
    }
    let companions = companions(&dates, headers, locale);
    let periods: Vec<Option<Period>> = cells
        .iter()
        .map(|cell| {
            let column = companions[cell.column as usize];
            cell.value.as_ref().and_then(|_| body.period(cell.row as usize, column, &dates))
        })
        .collect();
    for (cell, period) in cells.iter_mut().zip(periods) {
        if let Some(value) = &mut cell.value {
            value.period = period.map(|period| period.spanned().to_string());
        }
    }
    table.column_periods =
        dates.periods(locale).into_iter().map(|period| period.map(|period| period.to_string())).collect();
    due
}

/// The day of the document's balance sheet: the latest of those that head columns most often.
pub(super) fn report_day(tables: &[Table]) -> Option<Date> {
    let mut counts: BTreeMap<Date, usize> = BTreeMap::new();
    for period in tables.iter().flat_map(|table| table.column_periods.iter().flatten()) {
        match period.parse() {
            Ok(Period::Day(day)) => *counts.entry(day).or_default() += 1,
            Ok(Period::Span(_, day)) => *counts.entry(day).or_default() += 1,
            _ => {}
        }
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().rev().find(|(_, count)| 2 * count >= most).map(|(day, _)| day)
}

/// The column whose period holds for each column: itself, or for a column of changes, shares or percentages without a date
/// the one that it speaks of.
fn companions(dates: &ColumnDates, headers: &[String], locale: Locale) -> Vec<usize> {
    let periods = dates.periods(locale);
    let all: Vec<usize> = (1..headers.len()).filter(|&column| periods[column].is_some()).collect();
    let of = |column: usize| {
        if let [only] = all[..]
            && column > 0
            && dates.columns[column].is_empty()
        {
            // "2024 | Level 1 | Level 2": the date over the first of several columns.
            return only;
        }
        let undated = column > 0 && dates.columns[column].is_empty() && !dates.falls_due;
        let header = headers[column].to_lowercase();
        let compares = ["change", "growth", "increase", "decrease", "variance"];
        let compares = compares.iter().any(|word| header.contains(word));
        // Percentages beside amounts often have no header at all.
        let shares = ["%", "percent", "margin"].iter().any(|word| header.contains(word))
            || undated && header.is_empty() && all.len() > 1;
        // Rates and principal amounts beside balances are those of the latest of them.
        if undated && !compares && !shares && all.len() > 1 {
            let instants = all.iter().all(|&column| matches!(periods[column], Some(Period::Day(_))));
            let latest = all.iter().copied().max_by_key(|&column| periods[column].and_then(Period::end));
            return latest.filter(|_| instants).unwrap_or(column);
        }
        if column < 2
            || periods[column].is_some()
            || dates.columns[column].has_year()
            || !(compares || shares)
        {
            return column;
        }
        let dated: Vec<usize> = (1..column).rev().take_while(|&left| periods[left].is_some()).collect();
        // A change is that of the later time; shares stand right of their amounts.
        let later = |left: &&usize| match periods[**left] {
            Some(Period::Day(_)) | None => None,
            Some(period) => Some(period.year()),
        };
        match (compares && dated.len() > 1, dated.first()) {
            (true, _) => dated.iter().filter(|left| later(left).is_some()).max_by_key(later).copied(),
            (false, Some(nearest)) => Some(*nearest),
            (false, None) => None,
        }
        .unwrap_or(column)
    };
    (0..headers.len()).map(of).collect()
}

/// What the rows of a table's body say about dates.
struct Body {
    rows: Vec<Row>,
    /// Whether years in the labels are those in which something falls due.
    falls_due: bool,
    /// Whether all columns with a date have the same.
    single: bool,
    locale: Locale,
}

#[derive(Clone, Debug, Default)]
struct Row {
    /// The label's, where it is a date or a balance at one.
    own: Option<PeriodParts>,
    /// That of the heading above, or of a row of dates in the body, by column (the first for all).
    heading: Option<PeriodParts>,
    /// New dates of the columns from a row of the body on.
    columns: Option<Rc<Vec<PeriodParts>>>,
    /// Balance at a day, and what changed between two.
    balance: bool,
    between: Option<Period>,
    /// The row lies between the opening and the closing balance of the column's year.
    flows: bool,
    opening: bool,
    closing: bool,
}

impl Body {
    fn of(
        cells: &[Cell],
        (header_rows, rows): (usize, usize),
        dates: &ColumnDates,
        locale: Locale,
        report: Option<Date>,
    ) -> Self {
        let mut labels = vec![""; rows];
        let mut numbers = vec![false; rows];
        let mut texts: Vec<Vec<&Cell>> = vec![Vec::new(); rows];
        for cell in cells {
            let row = cell.row as usize;
            if cell.column == 0 {
                labels[row] = cell.text.as_str();
            } else if cell.value.is_some() {
                numbers[row] = true;
            } else {
                texts[row].push(cell);
            }
        }
        let falls_due = falls_due(&labels[header_rows.min(rows)..], dates, locale, report);
        let centers = column_centers(cells, dates.columns.len());
        let mut found = vec![Row::default(); rows];
        let (mut heading, mut columns) = (None, None);
        let mut head_until = header_rows;
        for row in header_rows..rows {
            let parts = PeriodParts::of(labels[row], locale);
            if !numbers[row] && row >= head_until {
                head_until = (row..rows).find(|&next| numbers[next]).unwrap_or(rows);
                let block = row..head_until;
                let label = block.clone().rev().map(|row| PeriodParts::of(labels[row], locale));
                let titled = block.clone().any(|row| !texts[row].is_empty());
                // "Millions, as of December 31, 2024" at the left of headers speaks of their columns.
                let label = label.into_iter().find(|parts| {
                    parts.is_pure() || titled && parts.has_year() && parts.period(locale).is_some()
                });
                let stated: Vec<PeriodParts> = block
                    .clone()
                    .flat_map(|row| &texts[row])
                    .map(|cell| PeriodParts::of(&cell.text, locale))
                    .filter(|parts| !parts.is_empty())
                    .collect();
                match (&stated[..], label) {
                    ([], None) => {}
                    ([], Some(label)) => heading = Some(label),
                    ([only], label) => {
                        let mut only = *only;
                        only.complete(&label.unwrap_or_default());
                        heading = Some(only);
                        // "Six months ended" below columns of three.
                        if only.is_phrase() {
                            let mut next = dates.columns.clone();
                            next.iter_mut().for_each(|column| column.replace_extent(&only));
                            columns = Some(Rc::new(next));
                        }
                    }
                    _ => {
                        let over = |column: usize| {
                            let mut parts = block_header(&texts[block.clone()], column, locale);
                            parts.complete(&label.unwrap_or_default());
                            if parts.has_year() {
                                complete_beside(&mut parts, &texts[block.clone()], column, &centers, locale);
                                parts.complete(&heading.unwrap_or_default());
                                // "2025 2024" again stands under what the headers say, but not where it is a day.
                                if dates.columns[column].year() == parts.year() {
                                    parts.complete(&dates.columns[column].without_year());
                                }
                                parts
                            } else {
                                // Columns without a date of their own here keep what their header says.
                                dates.columns[column]
                            }
                        };
                        columns = Some(Rc::new((0..dates.columns.len()).map(over).collect()));
                        heading = None;
                    }
                }
            }
            let lower = labels[row].to_lowercase();
            let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
            let balance =
                !parts.is_empty() && !parts.is_several() && !parts.is_year() && is_balance(&lower, &parts);
            let due = falls_due && parts.has_year() && !parts.is_instant();
            let pure = parts.is_pure() && !due;
            found[row] = Row {
                own: (numbers[row] && (pure || balance)).then_some(parts),
                heading,
                columns: columns.clone(),
                balance: numbers[row] && balance,
                between: None,
                flows: false,
                opening: has(&[
                    "beginning of",
                    "at beginning",
                    "start of",
                    "beginning balance",
                    "opening balance",
                ]),
                closing: has(&[
                    "end of year",
                    "end of period",
                    "end of the year",
                    "end of the period",
                    "end of quarter",
                    "at end of",
                    "ending balance",
                    "closing balance",
                ]),
            };
        }
        let mut body = Self { rows: found, falls_due, single: dates.is_single(locale), locale };
        body.connect(&numbers);
        body
    }

    /// Rows between the balances of two days are what changed between them.
    fn connect(&mut self, numbers: &[bool]) {
        let day =
            |row: &Row| match row.own.filter(|_| row.balance || row.own.is_some())?.period(self.locale)? {
                Period::Day(day) => Some(day),
                _ => None,
            };
        let days: Vec<Option<Date>> = self.rows.iter().map(day).collect();
        let bounds = |row: &Row| row.balance || row.opening || row.closing;
        let mut last: Option<usize> = None;
        for row in 0..self.rows.len() {
            if !bounds(&self.rows[row]) && days[row].is_none() {
                continue;
            }
            if let Some(from) = last {
                let between = match (days[from], days[row]) {
                    (Some(first), Some(second)) => opening_day(first).and_then(|first| {
                        let start = first.plus_days(1)?;
                        let length = second.days_since(first);
                        (length > 0 && length <= LONGEST_CHANGE).then_some(Period::Span(start, second))
                    }),
                    _ => None,
                };
                let undated = days[from].is_none() && days[row].is_none();
                for inner in (from + 1..row).filter(|&inner| numbers[inner]) {
                    let inner = &mut self.rows[inner];
                    if inner.own.is_none() {
                        inner.between = between;
                        inner.flows = undated;
                    }
                }
            }
            last = Some(row);
        }
    }

    /// The period of the number in this row and column.
    fn period(&self, row: usize, column: usize, dates: &ColumnDates) -> Option<Period> {
        let at = &self.rows[row];
        let mut parts = match &at.columns {
            Some(columns) => columns[column],
            None => dates.columns[column],
        };
        // A dated heading in the body counts more than one date for the whole table.
        if self.single && at.heading.is_some_and(|heading| heading.period(self.locale).is_some()) {
            parts = PeriodParts::default();
        }
        let own = at.own.unwrap_or_default();
        let of_row = own.period(self.locale);
        if parts.has_year() {
            // "2024" under "Three months ended June 30,".
            parts.complete(&at.heading.unwrap_or_default().without_year());
            let period = parts.period(self.locale)?;
            return Some(match of_row {
                Some(Period::Day(day)) if at.balance => opened(day, at.balance).map_or(period, Period::Day),
                Some(_) => period,
                None if at.balance => {
                    let mut day = own;
                    day.complete(&PeriodParts::of_year(period.year()));
                    match day.period(self.locale) {
                        Some(Period::Day(day)) => opened(day, true).map_or(period, Period::Day),
                        _ => period,
                    }
                }
                None if !own.is_empty() => {
                    let mut both = own;
                    both.complete(&parts);
                    both.period(self.locale).unwrap_or(period)
                }
                None => self.within(at, period),
            });
        }
        if at.heading.is_some() || !own.is_empty() {
            let mut both = own;
            both.complete(&parts);
            both.complete(&at.heading.unwrap_or_default());
            if let Some(period) = both.period(self.locale) {
                return Some(match period {
                    Period::Day(day) if !own.is_empty() => {
                        opened(day, at.balance).map_or(period, Period::Day)
                    }
                    _ => at.between.unwrap_or(period),
                });
            }
        }
        if at.between.is_some() {
            return at.between;
        }
        let mut table = parts;
        table.complete(&dates.table?);
        Some(self.within(at, table.period(self.locale)?))
    }

    /// The column's period, its first or its last day, as the row is about one of them.
    fn within(&self, at: &Row, period: Period) -> Period {
        let year_end = |year: i32| {
            let month = self.locale.fiscal_year_end?;
            Date::new(year, month, crate::structure::numbers::days_in_month(year, month))
        };
        let found = match period {
            Period::Span(first, _) if at.opening => first.plus_days(-1).map(Period::Day),
            Period::Span(_, last) if at.closing => Some(Period::Day(last)),
            Period::Year(year) if at.opening => year_end(year - 1).map(Period::Day),
            // The date of a balance over the changes that led to it, since the end of the fiscal year before.
            Period::Day(day) if at.flows || at.opening => {
                let this = year_end(day.year());
                let ends_year = this.is_some_and(|end| end.days_since(day).abs() <= 7);
                let before = this.filter(|end| !ends_year && *end < day).or_else(|| year_end(day.year() - 1));
                match before {
                    Some(before) if at.opening => Some(Period::Day(before)),
                    Some(_) if ends_year => Some(Period::Year(day.year())),
                    Some(before) => before.plus_days(1).map(|first| Period::Span(first, day)),
                    None => None,
                }
            }
            _ => None,
        };
        found.unwrap_or(period)
    }
}

/// What the texts of a block of header rows in the body state over a column.
fn block_header(rows: &[Vec<&Cell>], column: usize, locale: Locale) -> PeriodParts {
    let column = column as u32;
    let over = rows
        .iter()
        .flatten()
        .filter(|cell| cell.column <= column && column < cell.column + cell.column_span)
        .map(|cell| cell.text.as_str());
    PeriodParts::of(&joined_text(over), locale)
}

/// "Balance at December 31, 2023", "Outstanding, January 1, 2023", "Goodwill at June 29, 2025", "– January 1".
fn is_balance(label: &str, parts: &PeriodParts) -> bool {
    let words = [
        "balance",
        "total equity",
        "total stockholders",
        "total shareholders",
        "outstanding",
        "nonvested",
        "non-vested",
        "unvested",
        "exercisable",
        "vested and expected",
        "carrying amount",
        "net book",
    ];
    let not = ["due", "matur", "expir", "through", "issued", "until", "since"];
    !parts.has_extent()
        && (parts.is_instant()
            || words.iter().any(|word| label.contains(word))
            || parts.ends_with_day() && !not.iter().any(|word| label.contains(word)))
}

/// A balance on the first day of a month is that of the day before.
fn opened(day: Date, balance: bool) -> Option<Date> {
    if balance { opening_day(day) } else { Some(day) }
}

fn opening_day(day: Date) -> Option<Date> {
    if day.day() == 1 { day.plus_days(-1) } else { Some(day) }
}

/// Whether the years in the labels are those in which something falls due.
fn falls_due(labels: &[&str], dates: &ColumnDates, locale: Locale, report: Option<Date>) -> bool {
    if labels.iter().any(|label| is_later(label)) {
        return true;
    }
    let years: Vec<i32> = labels
        .iter()
        .map(|label| PeriodParts::of(label, locale))
        .filter(|parts| parts.is_year() && parts.is_pure())
        .filter_map(|parts| Some(parts.period(locale)?.year()))
        .collect();
    let ascending = years.len() >= FEWEST_DUE && years.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let stated = dates.table.and_then(|parts| parts.period(locale)).map(Period::year);
    let report = report.map(Date::year).or(stated);
    ascending && report.is_none_or(|year| year <= years[0])
}

#[cfg(test)]
#[path = "dated_rows_tests.rs"]
mod tests;
