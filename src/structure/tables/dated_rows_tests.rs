use super::*;
use crate::document::BBox;
use crate::document::analysis::{CellValue, FigureKind};

/// The periods of the numbers of a table of lines `label | number | number`, row by row; the first lines are headers.
fn periods(header_rows: u32, lines: &[&str], above: &[&str], report: Option<Date>) -> Vec<String> {
    let value = |text: &str| {
        // Rows of years have no values.
        let year = text.len() == 4 && text.starts_with("20");
        let number = text.contains(|c: char| c.is_ascii_digit()) && !year;
        (number && !text.contains(char::is_alphabetic)).then(|| CellValue {
            kind: FigureKind::Number,
            printed: 1.0,
            value: 1.0,
            decimals: 0,
            scale: 0,
            currency: None,
            nil: false,
            alternatives: Vec::new(),
            confidence: 1.0,
            needs_review: false,
            period: None,
        })
    };
    let mut cells = Vec::new();
    for (row, line) in (0u32..).zip(lines) {
        for (column, text) in
            (0u32..).zip(line.split('|').map(str::trim)).filter(|(_, text)| !text.is_empty())
        {
            cells.push(Cell {
                row,
                column,
                row_span: 1,
                column_span: 1,
                header: column == 0 || row < header_rows,
                indent: 0,
                page: 1,
                bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
                text: text.to_owned(),
                notes: Vec::new(),
                value: if column > 0 && row >= header_rows { value(text) } else { None },
            });
        }
    }
    let columns = lines[0].split('|').count() as u32;
    let mut table = Table {
        id: 0,
        blocks: Vec::new(),
        section: None,
        caption: None,
        page: 1,
        bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
        continued: Vec::new(),
        rows: lines.len() as u32,
        columns,
        header_rows,
        scale: None,
        scale_from: None,
        currency: None,
        column_periods: Vec::new(),
        cells,
    };
    let headers: Vec<String> = (0..columns)
        .map(|column| super::super::values::column_header(&table.cells, header_rows, column))
        .collect();
    let above: Vec<String> = above.iter().map(|line| (*line).to_owned()).collect();
    let locale = Locale { fiscal_year_end: Some(12), ..Locale::default() };
    date_table(&mut table, &headers, &above, locale, report);
    let values = table.cells.iter().filter_map(|cell| cell.value.as_ref());
    values.map(|value| value.period.clone().unwrap_or_default()).collect()
}

#[test]
fn rows_between_two_balances_are_what_changed_between_them() {
    let lines = [
        " | Common stock",
        "Balance at January 1, 2023 | 10",
        "Net income | 5",
        "Balance at December 31, 2023 | 15",
        "Net income | 6",
        "Balance at December 31, 2024 | 21",
    ];
    assert_eq!(
        periods(1, &lines, &[], None),
        ["2022-12-31", "2023-01-01/2023-12-31", "2023-12-31", "2024-01-01/2024-12-31", "2024-12-31"]
    );
    // Two dates one below the other are not a movement back in time.
    let lines = [" | Cash", "December 31, 2024 | 5", "Bonds | 2", "December 31, 2023 | 4"];
    assert_eq!(periods(1, &lines, &[], None), ["2024-12-31", "", "2023-12-31"]);
}

#[test]
fn headings_in_the_body_hold_for_the_rows_below() {
    let lines = [
        " | 2024 | 2023",
        "Three months ended June 30, |  | ",
        "Sales | 5 | 4",
        "Six months ended June 30, |  | ",
        "Sales | 9 | 8",
    ];
    assert_eq!(
        periods(1, &lines, &[], None),
        ["2024-04-01/2024-06-30", "2023-04-01/2023-06-30", "2024-01-01/2024-06-30", "2023-01-01/2023-06-30"]
    );
}

#[test]
fn a_row_of_years_in_the_body_heads_the_columns() {
    let lines = [
        "years ended December 31 | 2024 | 2023",
        "Sales | 5 | 4",
        "as of December 31 | 2024 | 2023",
        "Cash | 9 | 8",
    ];
    assert_eq!(
        periods(1, &lines, &[], None),
        ["2024-01-01/2024-12-31", "2023-01-01/2023-12-31", "2024-12-31", "2023-12-31"]
    );
}

#[test]
fn what_falls_due_is_stated_as_of_the_balance_sheet() {
    let lines = [" | Leases", "2025 | 5", "2026 | 4", "Thereafter | 3"];
    assert_eq!(periods(1, &lines, &[], Date::new(2024, 12, 31)), ["2024-12-31"; 3]);
    assert_eq!(periods(1, &lines, &[], None), [""; 3]);
    let history = [" | Sales", "2022 | 5", "2023 | 4", "2024 | 3"];
    assert_eq!(periods(1, &history, &[], Date::new(2024, 12, 31)), ["2022", "2023", "2024"]);
}

#[test]
fn opening_and_closing_rows_are_about_the_ends_of_the_time() {
    let lines = [
        " | Year ended December 31, 2024",
        "Cash at beginning of year | 5",
        "Change | 4",
        "Cash at end of year | 9",
    ];
    assert_eq!(periods(1, &lines, &[], None), ["2023-12-31", "2024-01-01/2024-12-31", "2024-12-31"]);
}

#[test]
fn changes_and_shares_follow_the_column_that_they_speak_of() {
    let lines =
        [" | Year to 31 March 2024 | % of sales | Year to 31 March 2023 | Change", "Sales | 5 | 1 | 4 | 1"];
    let (now, before) = ("2023-04-01/2024-03-31", "2022-04-01/2023-03-31");
    assert_eq!(periods(1, &lines, &[], None), [now, now, before, before]);
    let lines = [" | Q1 2024 | Q1 2023 | Change", "Sales | 5 | 4 | 25"];
    let (now, before) = ("2024-01-01/2024-03-31", "2023-01-01/2023-03-31");
    assert_eq!(periods(1, &lines, &[], None), [now, before, now]);
}
