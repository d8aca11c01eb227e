//! Documents with numbers in the spellings of many houses: what each cell and sentence says.

use std::path::Path;

use assert_cmd::prelude::*;
use serde_json::Value;

use crate::cli::docproc;

/// A document of `fixtures/cases`, the label of a row and the header of a column, and the value there.
const CELLS: &[(&str, &str, &str, f64)] = &[
    ("k02-nbsp-thousands.pdf", "Cost of goods sold", "2023", -8_640_000_000.0),
    ("k02-nbsp-thousands.pdf", "Net sales", "2024", 12_345_000_000.0),
    ("k03-superscript-digit.pdf", "Europe", "2023", 7_990_000_000.0),
    ("k03-superscript-digit.pdf", "Europe", "2024", 8_123_000_000.0),
    ("k03-superscript-digit.pdf", "Other", "2023", 502_000_000.0),
    ("k04-soft-hyphen-minus.pdf", "Corporate", "2023", -1_201_000_000.0),
    ("k04-soft-hyphen-minus.pdf", "Services", "2024", -310_000_000.0),
    ("k04-soft-hyphen-minus.pdf", "Wholesale", "2023", -92_000_000.0),
    ("k17-number-spellings.pdf", "Energy", "2023", -92.0),
    ("k17-number-spellings.pdf", "Energy", "2024", 12.5),
    ("k17-number-spellings.pdf", "Retail", "2023", 1_100_000.0),
    ("k17-number-spellings.pdf", "Retail", "2024", 1_204_310.0),
    ("k17-number-spellings.pdf", "Services", "2023", 502.0),
    ("k17-number-spellings.pdf", "Services", "2024", 8_123.0),
    ("k17-number-spellings.pdf", "Wholesale", "2023", -790.0),
    ("k17-number-spellings.pdf", "Wholesale", "2024", -845.0),
    ("k18-points-group-only.pdf", "Result", "2023", 3_771_000.0),
    ("k18-points-group-only.pdf", "Revenue", "2024", 12_345_000.0),
];

/// A document and the value of a figure in its sentences, which it has or not.
const FIGURES: &[(&str, f64, bool)] = &[
    ("k02-nbsp-thousands.pdf", 12_345_000_000.0, true),
    ("k03-superscript-prose.pdf", 1_204_000_000.0, true),
    ("k03-superscript-prose.pdf", 500_000_000.0, true),
    ("k11-sign-words.pdf", -12_700_000.0, true),
    ("k11-sign-words.pdf", -4_500_000.0, true),
    ("k12-fractions.pdf", 2.0, false),
    ("k12-fractions.pdf", 4.5, true),
    ("k12-fractions.pdf", 5.625, true),
    ("k12-fractions.pdf", 6.75, true),
];

fn analysis(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases").join(file);
    let output = docproc().args(["analyze", "--jsonl", "-"]).arg(path).assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

/// The value in the cell of a row and a column.
fn value(analysis: &Value, label: &str, header: &str) -> Option<f64> {
    analysis["tables"].as_array()?.iter().find_map(|table| {
        let cells = table["cells"].as_array()?;
        let is = |cell: &&Value, text: &str| cell["text"] == text;
        let row = &cells.iter().find(|cell| cell["column"] == 0 && is(cell, label))?["row"];
        let headers = table["header_rows"].as_u64()?;
        let column =
            &cells.iter().find(|cell| cell["row"].as_u64() < Some(headers) && is(cell, header))?["column"];
        let found = cells.iter().find(|cell| cell["row"] == *row && cell["column"] == *column)?;
        found["value"]["value"].as_f64()
    })
}

#[test]
fn every_spelling_is_read() {
    let mut files: Vec<&str> =
        CELLS.iter().map(|cell| cell.0).chain(FIGURES.iter().map(|figure| figure.0)).collect();
    files.sort_unstable();
    files.dedup();
    for file in files {
        let analysis = analysis(file);
        for (_, label, header, expected) in CELLS.iter().filter(|cell| cell.0 == file) {
            assert_eq!(value(&analysis, label, header), Some(*expected), "{file}: {label}, {header}");
        }
        let figures = analysis["figures"].as_array().unwrap();
        for (_, expected, there) in FIGURES.iter().filter(|figure| figure.0 == file) {
            let found = figures
                .iter()
                .any(|figure| figure["sentence"].is_number() && figure["value"].as_f64() == Some(*expected));
            assert_eq!(found, *there, "{file}: {expected} in {figures:?}");
        }
        if file.starts_with("k02") {
            assert_eq!(analysis["tables"][0]["columns"], 3, "spaces within numbers part no columns");
        }
        if file.starts_with("k03-superscript-digit") {
            let cells = analysis["tables"][0]["cells"].as_array().unwrap();
            let marked = cells.iter().find(|cell| cell["text"] == "8,123").unwrap();
            assert_eq!(marked["notes"], serde_json::json!(["1"]), "the mark is a note of its cell");
        }
    }
}
