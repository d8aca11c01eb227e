//! Dates that do not exist, and years that do not fit their table.

use std::collections::BTreeSet;

use super::{evidence, finding};
use crate::document::analysis::{Cell, Table};
use crate::document::findings::{Anomaly, Severity};
use crate::document::{Page, Word};
use crate::structure::numbers::{MONTHS, Period, days_in_month};

/// "September 31, 2024", "February 29, 2023": one finding per place.
pub(super) fn impossible_dates<'p>(pages: impl IntoIterator<Item = &'p Page>) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for page in pages {
        for (at, pair) in page.words.windows(2).enumerate() {
            let [month, day] = pair else { continue };
            // Headers of several lines: below "February" of one column the day of another may come next.
            if (month.bbox.center_y() - day.bbox.center_y()).abs() > 0.5 * month.bbox.height() {
                continue;
            }
            let Some(last) = day_beyond(month, day, page.words.get(at + 2)) else { continue };
            let message = format!(
                "{} {} does not exist: the month has {last} days",
                month.text,
                day.text.trim_end_matches(',')
            );
            let text = format!("{} {}", month.text, day.text);
            let place = evidence(page.number, month.bbox.union(&day.bbox), text);
            found.push(finding("impossible_date", Severity::Warning, message, vec![place]));
        }
    }
    found
}

/// Days of the month, where the day is beyond them. The day must be marked as one by a comma or by a year after it.
fn day_beyond(month: &Word, day: &Word, next: Option<&Word>) -> Option<u32> {
    let name = month.text.trim_start_matches(['(', '"', '“']);
    let number = 1 + MONTHS.iter().position(|known| *known == name || known.to_uppercase() == name)? as u32;
    let digits = day.text.trim_end_matches(',');
    if digits.is_empty() || digits.len() > 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u32 = digits.parse().ok()?;
    let year: Option<i32> = next
        .map(|word| word.text.trim_end_matches(|c: char| !c.is_ascii_digit()))
        .filter(|year| year.len() == 4)
        .and_then(|year| year.parse().ok())
        .filter(|year| (1900..2100).contains(year));
    if year.is_none() && !day.text.ends_with(',') {
        return None;
    }
    // Without a year February may have 29 days.
    let last = days_in_month(year.unwrap_or(2024), number);
    (value > last && value <= 39).then_some(last)
}

/// Columns whose year breaks the order of the others, and years that the caption does not name.
pub(super) fn misfits<'t>(tables: impl IntoIterator<Item = &'t Table>) -> Vec<Anomaly> {
    tables.into_iter().flat_map(|table| odd_year(table).into_iter().chain(not_in_caption(table))).collect()
}

/// Years of columns that run by one year, but for one that a single wrong digit explains.
fn odd_year(table: &Table) -> Option<Anomaly> {
    let years: Vec<(usize, i32)> = columns_with_years(table);
    if years.len() < 3 {
        return None;
    }
    let values: Vec<i32> = years.iter().map(|(_, year)| *year).collect();
    // A column without numbers may well have the year that seems to be missing.
    let headed = |year: i32| {
        table.cells.iter().any(|cell| cell.row < table.header_rows && years_of(&cell.text).contains(&year))
    };
    let runs = |values: &[i32], step: i32| values.windows(2).all(|pair| pair[1] - pair[0] == step);
    if runs(&values, 1) || runs(&values, -1) {
        return None;
    }
    for (odd, (column, year)) in years.iter().enumerate() {
        for step in [1, -1] {
            let neighbour = if odd == 0 { 1 } else { odd - 1 };
            let expected = values[neighbour] + step * (odd as i32 - neighbour as i32);
            let mut corrected = values.clone();
            corrected[odd] = expected;
            if runs(&corrected, step) && is_slip(*year, expected) && !headed(expected) {
                let cell = header_cell(table, *column, *year)?;
                let message =
                    format!("the columns run {}; {year} stands where {expected} is due", list(&corrected));
                let place = evidence(cell.page, cell.bbox, cell.text.as_str());
                let mut anomaly = finding("period_misfit", Severity::Warning, message, vec![place]);
                anomaly.expected = Some(f64::from(expected));
                anomaly.printed = Some(f64::from(*year));
                return Some(anomaly);
            }
        }
    }
    None
}

/// A caption that names as many years as the columns have, all but one of them the same.
fn not_in_caption(table: &Table) -> Option<Anomaly> {
    let caption = table.caption.as_deref()?;
    let named: BTreeSet<i32> = years_of(caption);
    let columns = columns_with_years(table);
    let printed: BTreeSet<i32> = columns.iter().map(|(_, year)| *year).collect();
    let (missing, extra): (Vec<i32>, Vec<i32>) =
        (named.difference(&printed).copied().collect(), printed.difference(&named).copied().collect());
    let ([due], [year]) = (&missing[..], &extra[..]) else { return None };
    // Columns that run year by year are right, and the caption is about something else.
    let run = printed.iter().zip(printed.iter().skip(1)).all(|(a, b)| b - a == 1);
    if named.len() < 2 || named.len() != printed.len() || run || !is_slip(*year, *due) {
        return None;
    }
    let (column, _) = columns.iter().find(|(_, of)| of == year)?;
    let cell = header_cell(table, *column, *year)?;
    let message = format!("the caption names {due}, no column does; a column is headed {year}");
    let mut anomaly = finding(
        "period_misfit",
        Severity::Warning,
        message,
        vec![evidence(cell.page, cell.bbox, cell.text.as_str())],
    );
    anomaly.explanation = Some(caption.to_owned());
    Some(anomaly)
}

/// Columns of numbers with the years of their headers; empty where the headers are not of one form: where they state
/// more than years, or where one of them stands over several columns.
fn columns_with_years(table: &Table) -> Vec<(usize, i32)> {
    let has_numbers = |column: usize| {
        table.cells.iter().any(|cell| !cell.header && cell.column as usize == column && cell.value.is_some())
    };
    let years: Vec<(usize, i32)> = table
        .column_periods
        .iter()
        .enumerate()
        .filter(|(column, _)| has_numbers(*column))
        .filter_map(|(column, period)| Some((column, period.as_deref()?.parse::<Period>().ok()?.year())))
        .collect();
    let forms: Option<BTreeSet<String>> = years
        .iter()
        .map(|&(column, year)| {
            header_cell(table, column, year).filter(|cell| cell.column_span == 1)?;
            let over = table.cells.iter().filter(|cell| is_over(cell, table, column));
            let text: Vec<&str> = over.map(|cell| cell.text.as_str()).collect();
            Some(text.join(" ").replace(&year.to_string(), "#"))
        })
        .collect();
    if forms.is_some_and(|forms| forms.len() == 1) { years } else { Vec::new() }
}

fn is_over(cell: &Cell, table: &Table, column: usize) -> bool {
    let column = column as u32;
    cell.row < table.header_rows && cell.column <= column && column < cell.column + cell.column_span
}

fn header_cell(table: &Table, column: usize, year: i32) -> Option<&Cell> {
    let over = table.cells.iter().filter(|cell| is_over(cell, table, column));
    over.into_iter().find(|cell| years_of(&cell.text).contains(&year))
}

fn years_of(text: &str) -> BTreeSet<i32> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    runs.filter(|run| run.len() == 4)
        .filter_map(|run| run.parse().ok())
        .filter(|year| (1900..2100).contains(year))
        .collect()
}

/// One digit replaced, or two neighbours swapped.
fn is_slip(printed: i32, expected: i32) -> bool {
    let (a, b) = (printed.to_string().into_bytes(), expected.to_string().into_bytes());
    let differ: Vec<usize> = (0..a.len().min(b.len())).filter(|&at| a[at] != b[at]).collect();
    a.len() == b.len()
        && match differ[..] {
            [_] => true,
            [first, second] => second == first + 1 && a[first] == b[second] && a[second] == b[first],
            _ => false,
        }
}

fn list(years: &[i32]) -> String {
    years.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{page, word};
    use super::*;

    fn dates(text: &str) -> usize {
        let words = text.split(' ').enumerate().map(|(at, text)| word(text, 20.0 + 40.0 * at as f32, 100.0));
        impossible_dates(&[page(1, words.collect())]).len()
    }

    #[test]
    fn only_days_that_no_month_has() {
        for text in ["September 31, 2024", "at February 29, 2023 and", "JUNE 31, 2024", "(February 30, 2024)"]
        {
            assert_eq!(dates(text), 1, "{text}");
        }
        for text in
            ["September 30, 2024", "February 29, 2024", "in June 45 stores", "May 2024", "March 99, 1"]
        {
            assert_eq!(dates(text), 0, "{text}");
        }
    }

    #[test]
    fn a_day_in_the_next_line_is_of_another_date() {
        let words = vec![word("February", 20.0, 100.0), word("30,", 20.0, 112.0), word("2020", 60.0, 112.0)];
        assert_eq!(impossible_dates(&[page(1, words)]).len(), 0);
    }

    /// A table with a header row of years over one row; `None` where the column has no number.
    fn years(columns: &[(i32, Option<f64>)]) -> Table {
        let cells: Vec<Value> = columns
            .iter()
            .enumerate()
            .flat_map(|(column, (year, value))| {
                let cell = |row: u32, text: String, value: Value| {
                    json!({
                        "row": row, "column": column, "row_span": 1, "column_span": 1, "header": row == 0, "page": 1,
                        "box": [50 * column, 20 * row, 50 * column + 40, 20 * row + 10], "text": text, "value": value,
                    })
                };
                let number = value.map(|value| {
                    json!({"type": "NUMBER", "printed": value, "value": value, "decimals": 0, "scale": 0, "confidence": 1.0})
                });
                [
                    cell(0, format!("FY {year}"), Value::Null),
                    cell(1, value.map_or("n/a".to_owned(), |value| value.to_string()), number.into()),
                ]
            })
            .collect();
        let periods: Vec<String> = columns.iter().map(|(year, _)| year.to_string()).collect();
        serde_json::from_value(json!({
            "id": 0, "blocks": [], "page": 1, "box": [0, 0, 300, 40], "rows": 2, "columns": columns.len(),
            "header_rows": 1, "column_periods": periods, "cells": cells,
        }))
        .unwrap()
    }

    #[test]
    fn a_year_out_of_order_is_a_slip_unless_another_column_has_the_one_that_is_due() {
        let slip = years(&[(2012, Some(1.0)), (2023, Some(2.0)), (2014, Some(3.0)), (2015, Some(4.0))]);
        let found = odd_year(&slip).expect("2023 for 2013");
        assert_eq!((found.printed, found.expected), (Some(2023.0), Some(2013.0)));
        let whole = years(&[(2012, Some(1.0)), (2013, None), (2014, Some(3.0)), (2015, Some(4.0))]);
        assert!(odd_year(&whole).is_none());
    }

    #[test]
    fn slips_of_a_digit() {
        assert!(is_slip(2032, 2023) && is_slip(2014, 2024) && is_slip(2034, 2024));
        assert!(!is_slip(2024, 2024) && !is_slip(1998, 2023));
    }
}
