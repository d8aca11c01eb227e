//! Prints of other countries' houses: one test per cause of wrong figures that `make torture` showed.

use super::*;
use crate::document::analysis::FigureKind;

fn value_at(table: &Table, row: u32, column: u32) -> Option<f64> {
    let cell = table.cells.iter().find(|cell| (cell.row, cell.column) == (row, column))?;
    cell.value.as_ref().map(|value| value.value)
}

#[test]
fn a_unit_flush_with_the_right_edge_is_that_of_the_table() {
    let page = page(&[
        &[("DKK million", Right(500.0))],
        &[("9M 2025", Right(300.0)), ("9M 2024", Right(400.0)), ("Change", Right(500.0))],
        &[
            ("Products", Left(60.0)),
            ("46,485", Right(300.0)),
            ("42,828", Right(400.0)),
            ("8.5%", Right(500.0)),
        ],
        &[
            ("Services", Left(60.0)),
            ("21,389", Right(300.0)),
            ("18,629", Right(400.0)),
            ("14.8%", Right(500.0)),
        ],
        &[("Total", Left(60.0)), ("67,874", Right(300.0)), ("61,457", Right(400.0)), ("10.4%", Right(500.0))],
    ]);
    let table = only(find_tables(&[page], &[]));
    assert_eq!((table.scale, table.currency.as_deref()), (Some(6), Some("DKK")));
    let last = table.cells.iter().rfind(|cell| cell.column == 1).unwrap();
    assert_eq!(last.value.as_ref().unwrap().value, 67_874e6);
}

#[test]
fn amounts_with_the_code_of_their_currency_are_numbers() {
    let page = page(&[
        &[("Three months ended 31 March", Middle(350.0))],
        &[("2023", Right(300.0)), ("2022", Right(430.0))],
        &[("Products", Left(60.0)), ("ZAR 82,976", Right(300.0)), ("ZAR 74,058", Right(430.0))],
        &[("Cost of sales", Left(60.0)), ("ZAR (2,577)", Right(300.0)), ("ZAR (2,884)", Right(430.0))],
        &[("Finance costs", Left(60.0)), ("ZAR (7)", Right(300.0)), ("ZAR (3)", Right(430.0))],
    ]);
    let table = only(find_tables(&[page], &[]));
    assert_eq!(table.header_rows, 2);
    assert_eq!(table.column_periods[1].as_deref(), Some("2023-01-01/2023-03-31"));
    assert_eq!((value_at(&table, 2, 1), value_at(&table, 4, 1)), (Some(82_976.0), Some(-7.0)));
}

#[test]
fn a_year_with_a_raised_mark_and_numbers_of_columns_behind_a_word_are_headers() {
    let mut marked = page(&[
        &[("December 31,", Middle(350.0))],
        &[("2024 1", Right(310.0)), ("2023 1", Right(440.0))],
        &[("Goodwill", Left(60.0)), ("2,306", Right(300.0)), ("1,623", Right(430.0))],
        &[("Inventories", Left(60.0)), ("443", Right(300.0)), ("527", Right(430.0))],
        &[("Total assets", Left(60.0)), ("2,749", Right(300.0)), ("2,150", Right(430.0))],
    ]);
    for word in marked.words.iter_mut().filter(|word| word.text == "1") {
        word.font_size = 6.0;
    }
    let table = only(find_tables(&[marked], &[]));
    assert_eq!(table.column_periods[1].as_deref(), Some("2024-12-31"));
    let numbered = page(&[
        &[("2024", Right(300.0)), ("2023", Right(430.0))],
        &[("Note", Middle(200.0)), ("(1)", Right(300.0)), ("(2)", Right(430.0))],
        &[("Goodwill", Left(60.0)), ("19", Middle(200.0)), ("2,306", Right(300.0)), ("1,623", Right(430.0))],
        &[("Inventories", Left(60.0)), ("7", Middle(200.0)), ("443", Right(300.0)), ("527", Right(430.0))],
        &[("Total assets", Left(60.0)), ("2,749", Right(300.0)), ("2,150", Right(430.0))],
    ]);
    let table = only(find_tables(&[numbered], &[]));
    assert_eq!(table.header_rows, 2);
    assert_eq!((value_at(&table, 2, 1), value_at(&table, 2, 2)), (None, Some(2306.0)), "a note is no amount");
}

#[test]
fn a_raised_mark_before_a_number_is_no_digit_of_it() {
    let mut page = page(&[
        &[("2024", Right(300.0)), ("2023", Right(430.0))],
        &[("Goodwill", Left(60.0)), ("1 4,890", Right(300.0)), ("4,325", Right(430.0))],
        &[("Inventories", Left(60.0)), ("5,340", Right(300.0)), ("4,500", Right(430.0))],
        &[("Total assets", Left(60.0)), ("10,230", Right(300.0)), ("8,825", Right(430.0))],
    ]);
    for word in page.words.iter_mut().filter(|word| word.text == "1") {
        word.font_size = 6.0;
    }
    let table = only(find_tables(&[page], &[]));
    assert_eq!((text_at(&table, 1, 1), value_at(&table, 1, 1)), ("4,890", Some(4890.0)));
}

#[test]
fn prose_above_a_table_states_no_unit() {
    let scale = |line: &str| {
        let page = page(&[
            &[(line, Left(60.0))],
            &[("2023", Right(300.0)), ("2022", Right(430.0))],
            &[("Products", Left(60.0)), ("51,398", Right(300.0)), ("52,082", Right(430.0))],
            &[("Services", Left(60.0)), ("57,862", Right(300.0)), ("62,888", Right(430.0))],
            &[("Total", Left(60.0)), ("109,260", Right(300.0)), ("114,970", Right(430.0))],
        ]);
        only(find_tables(&[page], &[])).scale
    };
    assert_eq!(scale("million compared with ¥814.0 million in the previous year."), None);
    assert_eq!(scale("million after the repayment of bonds."), None);
    assert_eq!(scale("The following table shows the amounts in millions of ZAR."), Some(6));
    assert_eq!(scale("Millions of yen"), Some(6));
}

#[test]
fn a_title_and_headers_below_a_gap_begin_a_table() {
    let mut lines: Vec<&[(&str, At)]> = vec![
        &[("2027", Right(300.0)), ("2028", Right(430.0))],
        &[("Leases", Left(60.0)), ("1,456", Right(300.0)), ("1,558", Right(430.0))],
        &[("Interest", Left(60.0)), ("541", Right(300.0)), ("427", Right(430.0))],
        &[],
        &[("Income statement", Left(60.0))],
        &[("2019", Right(300.0)), ("2018", Right(430.0))],
        &[("Europe", Left(60.0)), ("5,695", Right(300.0)), ("6,864", Right(430.0))],
        &[("Total", Left(60.0)), ("5,917", Right(300.0)), ("7,146", Right(430.0))],
    ];
    assert_eq!(find_tables(&[page(&lines)], &[]).len(), 2);
    // A heading of rows with a gap before it is none.
    lines.remove(5);
    assert_eq!(find_tables(&[page(&lines)], &[]).len(), 1);
}

#[test]
fn brackets_under_a_unit_are_amounts_and_years_of_something_are_none() {
    let page = page(&[
        &[
            ("First invested", Right(200.0)),
            ("1 April 2021", Right(300.0)),
            ("Paid out", Right(400.0)),
            ("31 March 2022", Right(500.0)),
        ],
        &[("year", Right(200.0)), ("£’m", Right(300.0)), ("£’m", Right(400.0)), ("£’m", Right(500.0))],
        &[
            ("Venture", Left(60.0)),
            ("2014", Right(200.0)),
            ("600", Right(300.0)),
            ("(80)", Right(400.0)),
            ("520", Right(500.0)),
        ],
        &[
            ("Equity", Left(60.0)),
            ("n/a", Right(200.0)),
            ("54", Right(300.0)),
            ("(4)", Right(400.0)),
            ("50", Right(500.0)),
        ],
        &[
            ("Debt", Left(60.0)),
            ("2017", Right(200.0)),
            ("110", Right(300.0)),
            ("(3)", Right(400.0)),
            ("107", Right(500.0)),
        ],
    ]);
    let table = only(find_tables(&[page], &[]));
    let last = table.rows - 1;
    assert_eq!(value_at(&table, last, 1), None);
    assert_eq!((value_at(&table, last, 2), value_at(&table, last, 3)), (Some(110e6), Some(-3e6)));
}

#[test]
fn a_column_of_numbers_beside_one_of_money_keeps_its_own_scale() {
    let page = page(&[
        &[("31 March 2022", Middle(350.0))],
        &[("Number", Right(300.0)), ("£’000", Right(430.0))],
        &[("Ordinary shares", Left(60.0)), ("440,109,707", Right(300.0)), ("4", Right(430.0))],
        &[("Deferred shares", Left(60.0)), ("1,230,211", Right(300.0)), ("12", Right(430.0))],
        &[("Employee shares", Left(60.0)), ("8,200,500", Right(300.0)), ("82", Right(430.0))],
    ]);
    let table = only(find_tables(&[page], &[]));
    let kind = |column| {
        let cell = table.cells.iter().rfind(|cell| cell.column == column).unwrap();
        let value = cell.value.as_ref().unwrap();
        (value.kind, value.value)
    };
    assert_eq!((kind(1), kind(2)), ((FigureKind::Quantity, 8_200_500.0), (FigureKind::Money, 82e3)));
}
