//! The audit over small tables written as text.

use super::audit;
use crate::document::BBox;
use crate::document::analysis::{Cell, FigureKind, Sentence, Table};
use crate::document::findings::Anomaly;
use crate::structure::numbers::{Locale, parse_number};

/// A table of lines `label | number | number`; the first line heads the columns.
fn table(id: u32, lines: &[&str]) -> Table {
    let mut cells = Vec::new();
    let mut columns = 0;
    for (row, line) in lines.iter().enumerate() {
        for (column, text) in line.split('|').map(str::trim).enumerate() {
            columns = columns.max(column + 1);
            if text.is_empty() {
                continue;
            }
            let header = row == 0 || column == 0;
            let number = if header { None } else { parse_number(text, Locale::UNITED_STATES) };
            let (x, y) = (60.0 * column as f32, 12.0 * row as f32);
            cells.push(Cell {
                row: row as u32,
                column: column as u32,
                row_span: 1,
                column_span: 1,
                header,
                indent: 0,
                page: id + 1,
                bbox: BBox::new(x, y, x + 50.0, y + 10.0),
                text: text.to_owned(),
                notes: Vec::new(),
                value: number.map(|number| crate::document::analysis::CellValue {
                    kind: number.kind(),
                    printed: number.value,
                    value: number.value,
                    decimals: number.decimals,
                    scale: 0,
                    currency: None,
                    nil: number.nil,
                    alternatives: number.alternatives,
                    confidence: 1.0,
                }),
            });
        }
    }
    Table {
        id,
        blocks: Vec::new(),
        section: None,
        caption: None,
        page: id + 1,
        bbox: BBox::new(0.0, 0.0, 600.0, 800.0),
        continued: Vec::new(),
        rows: lines.len() as u32,
        columns: columns as u32,
        header_rows: 1,
        scale: None,
        currency: None,
        column_periods: vec![None; columns],
        cells,
    }
}

fn found(tables: &[Table]) -> Vec<Anomaly> {
    audit(&[], tables, &[]).anomalies
}

/// Printed texts of the terms, the result last.
fn texts(anomaly: &Anomaly) -> Vec<&str> {
    anomaly.terms.iter().map(|term| term.text.as_str()).collect()
}

const ASSETS: &[&str] = &[
    " | 2024 | 2023",
    "Cash | 12,248 | 10,707",
    "Receivables | 4,168 | 3,569",
    "Inventories | 5,082 | 4,728",
    "Total current assets | 21,498 | 19,004",
];

#[test]
fn a_total_that_holds_is_counted_and_one_that_does_not_is_shown_with_its_terms() {
    let audit = audit(&[], &[table(0, ASSETS)], &[]);
    assert_eq!((audit.summary.checked, audit.summary.hold), (2, 2));

    let mut lines = ASSETS.to_vec();
    lines[2] = "Receivables | 4,168 | 3,659";
    let anomalies = found(&[table(0, &lines)]);
    let [anomaly] = anomalies.as_slice() else { panic!("one finding, not {anomalies:?}") };
    assert_eq!(anomaly.kind, "footing");
    assert_eq!(texts(anomaly), ["10,707", "3,659", "4,728", "19,004"]);
    assert_eq!(
        (anomaly.expected, anomaly.printed, anomaly.difference),
        (Some(19094.0), Some(19004.0), Some(-90.0))
    );
    assert_eq!(anomaly.explanation.as_deref(), Some("two digits of 3,659 swapped"));
    assert_eq!(anomaly.terms[1].page, 1);
}

#[test]
fn honest_rounding_is_no_finding() {
    let lines = [
        " | 2024 | 2023",
        "Americas | 10.4 | 9.3",
        "Europe | 20.4 | 18.3",
        "Asia | 30.4 | 28.3",
        "Total revenue | 61.3 | 55.8",
    ];
    assert_eq!(found(&[table(0, &lines)]), []);
}

#[test]
fn deductions_and_roll_forwards_are_sums_with_signs() {
    let lines = [
        " | 2024 | 2023",
        "Net sales | 47,061 | 45,754",
        "Cost of goods sold | 18,324 | 18,520",
        "Gross profit | 28,737 | 27,234",
        "Selling expenses | 14,582 | 13,972",
        "Other income (loss) | 1,992 | (570)",
        "Interest expense | 1,656 | 1,527",
        "Income before taxes | 14,491 | 11,165",
    ];
    let clean = audit(&[], &[table(0, &lines)], &[]);
    assert_eq!((clean.summary.checked, clean.summary.broken), (4, 0), "{:?}", clean.anomalies);
    let mut wrong = lines;
    wrong[6] = "Interest expense | 1,656 | (1,527)";
    let anomalies = found(&[table(0, &wrong)]);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(anomalies[0].explanation.as_deref(), Some("sign of (1,527)"));
}

#[test]
fn a_single_column_is_judged_by_the_same_rows_of_another_table() {
    let june = [" | Amount", "Concentrate | 2,268", "Finished product | 2,667", "Net | 4,935", "Other | 7"];
    let march = [" | Amount", "Concentrate | 2,278", "Finished product | 2,462", "Net | 4,470", "Other | 9"];
    assert_eq!(found(&[table(0, &march)]), [], "nothing says that it is a sum");
    let mut told = ASSETS.to_vec();
    told[0] = " | June 2024 | June 2023";
    let mut single: Vec<&str> = ASSETS.iter().map(|line| line.rsplit_once('|').expect("columns").0).collect();
    single[4] = "Total current assets | 25,000";
    let anomalies = found(&[table(0, &told), table(1, &single)]);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(texts(&anomalies[0]), ["12,248", "4,168", "5,082", "25,000"]);
    assert_eq!(found(&[table(0, &june)]), []);
}

#[test]
fn a_single_column_is_accused_only_of_a_slip() {
    let lines =
        [" | Amount", "Within 1 year | 4,406", "Later | 11,365", "After 10 years | 1,177", "Total | 16,498"];
    let anomalies = found(&[table(0, &lines)]);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    let explanation = anomalies[0].explanation.as_deref().expect("a slip");
    assert!(explanation.contains("swapped"), "{explanation}");
    let other =
        [" | Amount", "Within 1 year | 4,406", "Later | 11,365", "After 10 years | 1,177", "Total | 21,387"];
    assert_eq!(found(&[table(0, &other)]), []);
}

#[test]
fn rows_in_the_wrong_place_are_named() {
    let mut lines = ASSETS.to_vec();
    lines.push("Goodwill | 18,663 | 18,139");
    lines[2] = "Receivables | 18,663 | 18,139";
    lines[5] = "Goodwill | 4,168 | 3,569";
    let anomalies = found(&[table(0, &lines)]);
    assert_eq!(anomalies.len(), 2, "{anomalies:?}");
    let explanation = anomalies[0].explanation.as_deref().unwrap_or_default();
    assert_eq!(explanation, "the rows \"Receivables\" and \"Goodwill\" have changed places");
}

#[test]
fn sentences_that_state_a_change_twice() {
    let sentence = |text: &str| Sentence {
        id: 3,
        section: 0,
        block: 0,
        page: 7,
        boxes: vec![BBox::new(0.0, 0.0, 100.0, 10.0)],
        continues: Vec::new(),
        text: text.to_owned(),
        sentiment: None,
    };
    let right = sentence("Revenue increased 12% to $4.2 billion from $3.75 billion.");
    let audited = audit(&[], &[], &[right]);
    assert_eq!((audited.summary.checked, audited.summary.hold), (1, 1));
    let wrong = sentence("Revenue increased 21% to $4.2 billion from $3.75 billion.");
    let anomalies = audit(&[], &[], &[wrong]).anomalies;
    assert_eq!(anomalies[0].kind, "year_over_year");
    assert_eq!(anomalies[0].terms[2].sentence, Some(3));
}

#[test]
fn numbers_of_different_kinds_are_not_added_up() {
    let mut lines = ASSETS.to_vec();
    lines[3] = "Margin | 5.1% | 4.7%";
    let tables = [table(0, &lines)];
    assert!(
        tables[0]
            .cells
            .iter()
            .any(|cell| { cell.value.as_ref().is_some_and(|value| value.kind == FigureKind::Percent) })
    );
    assert_eq!(found(&tables), []);
}
