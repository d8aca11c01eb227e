//! Tables as houses set them: periods in headers, headers at a right angle, captions, and tables over several pages.

use std::path::Path;

use assert_cmd::prelude::*;
use serde_json::Value;

use crate::cli::docproc;

/// A document of `fixtures/cases`, the header of a column of its first table, and the period of that column.
const PERIODS: &[(&str, &str, &str)] = &[
    ("k22-periods.pdf", "9M 2024", "2024-01-01/2024-09-30"),
    ("k22-periods.pdf", "CY24", "2024"),
    ("k22-periods.pdf", "Dec-24", "2024-12-01/2024-12-31"),
    ("k22-periods.pdf", "Q1'24", "2024-01-01/2024-03-31"),
];

fn tables(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases").join(file);
    let output = docproc().args(["analyze", "--jsonl", "-"]).arg(path).assert().success();
    let analysis: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    analysis["tables"].as_array().unwrap().clone()
}

/// The cell of a row and a column, which are named by their label and header.
fn cell<'a>(table: &'a Value, label: &str, header: &str) -> &'a Value {
    let cells = table["cells"].as_array().unwrap();
    let headers = table["header_rows"].as_u64();
    let row = &cells.iter().find(|cell| cell["column"] == 0 && cell["text"] == label).unwrap()["row"];
    let heads = |cell: &&Value| cell["row"].as_u64() < headers && cell["text"] == header;
    let column = &cells.iter().find(heads).unwrap()["column"];
    cells.iter().find(|cell| cell["row"] == *row && cell["column"] == *column).unwrap()
}

#[test]
fn headers_state_the_periods_of_columns() {
    let tables = tables("k22-periods.pdf");
    for (file, header, period) in PERIODS {
        let column = cell(&tables[0], "Revenue", header)["column"].as_u64().unwrap() as usize;
        assert_eq!(tables[0]["column_periods"][column], *period, "{file}: {header}");
    }
}

#[test]
fn a_table_whose_title_stands_again_on_the_next_page_is_one_table() {
    let tables = tables("k19-continued-with-title.pdf");
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0]["rows"], 57);
    assert_eq!(tables[0]["continued"][0]["repeated_header_rows"], 1);
}

#[test]
fn headers_at_a_right_angle_head_their_columns() {
    let tables = tables("k20-rotated-headers.pdf");
    assert_eq!(cell(&tables[0], "A. Keller", "Fees ($000)")["value"]["value"], 120_000.0);
    assert_eq!(cell(&tables[0], "B. Osei", "Risk committee")["text"], "5");
}

#[test]
fn the_caption_is_the_title_and_not_the_end_of_a_paragraph() {
    assert_eq!(tables("k28-caption.pdf")[0]["caption"], "Revenue by region (in millions)");
}
