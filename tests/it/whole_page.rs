//! What a person sees on a page is read, or it is said that it was not: scans under stamps, pictures, form fields, notes.

use std::path::{Path, PathBuf};

use assert_cmd::prelude::*;
use serde_json::Value;

use crate::cli::docproc;

/// A document and words that its blocks have, without OCR.
const TEXTS: &[(&str, &str)] = &[
    ("cases/k15-field-without-appearance.pdf", "98,765.43"),
    ("cases/k15-freetext-annotation.pdf", "Restated: net revenue $1,150 million"),
    ("input/crop-outside.pdf", "Statement of the fund"),
    ("input/form-fields.pdf", "54,321.00"),
    ("input/form-fields.pdf", "United States dollars"),
    ("input/notes-and-stamps.pdf", "RECEIVED 14 March 2024"),
    ("input/notes-and-stamps.pdf", "Restated: net revenue $1,150 million"),
    ("input/scan-with-good-layer.pdf", "Operating costs fell to"),
];

/// A document and words that its blocks have, with OCR.
const READ: &[(&str, &str)] = &[
    ("cases/k01-scan-with-court-stamp.pdf", "Case 2:24-cv-00417-JLR Document 118-3"),
    ("cases/k01-scan-with-court-stamp.pdf", "Operating costs fell to"),
    ("cases/k14-tiff-orientation-6.tif", "Operating costs fell to"),
    ("cases/k16-table-as-picture.pdf", "Operating costs fell to"),
    ("cases/k16-table-as-picture.pdf", "The exhibit should be read together with the notes."),
    ("cases/k26-palette.tif", "Operating costs fell to"),
    ("input/scan-with-bad-layer.pdf", "Operating costs fell to"),
];

/// A document, a row and a column of a table on it that OCR reads, and the value there.
const CELLS: &[(&str, &str, &str, f64)] = &[
    ("cases/k13-digits-without-meaning.pdf", "Gross profit", "2023", 310.0),
    ("cases/k13-digits-without-meaning.pdf", "Revenue", "2024", 1204.0),
    ("cases/k16-table-as-picture.pdf", "Revenue", "2024", 1204e6),
];

/// A document, and what is said of it without OCR: the code of an error or the kind of an anomaly.
const SAID: &[(&str, &str)] = &[
    ("cases/k01-scan-with-court-stamp.pdf", "unread_picture"),
    ("cases/k13-digits-without-meaning.pdf", "garbled_text"),
    ("cases/k16-table-as-picture.pdf", "unread_picture"),
    ("cases/k23-xfa-placeholder.pdf", "pdf.xfa"),
    ("input/off-page.pdf", "hidden_text"),
    ("input/portfolio.pdf", "pdf.portfolio"),
];

fn analyses<'a>(files: impl IntoIterator<Item = &'a str>, arguments: &[&str]) -> Vec<(String, Value)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files: Vec<&str> = files.into_iter().collect();
    files.sort_unstable();
    files.dedup();
    let paths: Vec<PathBuf> = files.iter().map(|file| fixtures.join(file)).collect();
    let mut command = docproc();
    command.args(["analyze", "--jsonl", "-", "--fail-on", "never"]).args(arguments).args(&paths);
    let output = command.assert().success();
    let lines = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let found: Vec<(String, Value)> = lines
        .lines()
        .map(|line| {
            let analysis: Value = serde_json::from_str(line).unwrap();
            let path = PathBuf::from(analysis["document"]["path"].as_str().unwrap());
            (path.strip_prefix(&fixtures).unwrap().to_str().unwrap().to_owned(), analysis)
        })
        .collect();
    assert_eq!(found.len(), files.len());
    found
}

fn of<'a>(analyses: &'a [(String, Value)], file: &str) -> &'a Value {
    &analyses.iter().find(|(name, _)| name == file).unwrap().1
}

fn text(analysis: &Value) -> String {
    let blocks = analysis["blocks"].as_array().unwrap();
    blocks.iter().map(|block| block["text"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

fn value(analysis: &Value, label: &str, header: &str) -> Option<f64> {
    let table = analysis["tables"].as_array()?.first()?;
    let cells = table["cells"].as_array()?;
    let row = &cells.iter().find(|cell| cell["column"] == 0 && cell["text"] == label)?["row"];
    let column = &cells.iter().find(|cell| cell["row"] == 0 && cell["text"] == header)?["column"];
    cells.iter().find(|cell| cell["row"] == *row && cell["column"] == *column)?["value"]["value"].as_f64()
}

fn said(analysis: &Value) -> Vec<&str> {
    let of = |list: &str, key: &str| -> Vec<&str> {
        analysis[list].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap()).collect()
    };
    [of("errors", "code"), of("anomalies", "kind")].concat()
}

#[test]
fn text_beside_the_text_layer_is_read() {
    let found = analyses(TEXTS.iter().map(|case| case.0), &["--ocr", "never"]);
    for (file, words) in TEXTS {
        let text = text(of(&found, file));
        assert!(text.contains(words), "{file}: {words} in {text}");
    }
    assert!(!text(of(&found, "input/form-fields.pdf")).contains("HIDDENVALUE"), "no reader sees that field");
}

#[test]
fn what_is_not_read_is_said() {
    let found = analyses(SAID.iter().map(|case| case.0), &["--ocr", "never"]);
    for (file, what) in SAID {
        let said = said(of(&found, file));
        assert!(said.contains(what), "{file}: {said:?}");
    }
    let picture = of(&found, "cases/k16-table-as-picture.pdf");
    let finding =
        picture["anomalies"].as_array().unwrap().iter().find(|a| a["kind"] == "unread_picture").unwrap();
    assert!(finding["message"].as_str().unwrap().contains("points on page 1"), "{finding}");
    let kinds: Vec<_> = picture["blocks"].as_array().unwrap().iter().map(|block| &block["kind"]).collect();
    assert!(kinds.contains(&&Value::from("text")), "an unread picture is a block: {kinds:?}");
    let off = of(&found, "input/off-page.pdf");
    assert!(!text(off).contains("Hidden profit") && !off["sentences"].to_string().contains("Hidden profit"));
}

#[test]
fn pictures_and_scans_under_stamps_are_read_with_tesseract() {
    let files = READ.iter().map(|case| case.0).chain(CELLS.iter().map(|case| case.0));
    let found = analyses(files, &[]);
    for (file, words) in READ {
        let text = text(of(&found, file));
        assert!(text.contains(words), "{file}: {words} in {text}");
    }
    for (file, label, header, expected) in CELLS {
        assert_eq!(value(of(&found, file), label, header), Some(*expected), "{file}: {label}, {header}");
    }
    // It is said where OCR stands in for the text layer, and the words of a picture say where they come from.
    assert!(said(of(&found, "cases/k13-digits-without-meaning.pdf")).contains(&"garbled_text"));
    assert!(said(of(&found, "input/scan-with-bad-layer.pdf")).contains(&"text_layer"));
    let picture = of(&found, "cases/k16-table-as-picture.pdf");
    let sources: Vec<_> = picture["blocks"].as_array().unwrap().iter().map(|b| &b["text_source"]).collect();
    assert_eq!(picture["pages"][0]["text_source"], "ocr", "most of its words");
    assert!(sources.contains(&&Value::from("text_layer")), "{sources:?}");
}
