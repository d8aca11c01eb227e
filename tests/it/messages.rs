//! What a user reads: exit code, standard output and standard error of runs that go well, partly well and wrong.
//!
//! `make golden` writes the snapshots anew.

use std::fs;

use super::batch::{empty_cache, with_cache};
use super::cli::{docproc, reports};
use super::input::pdf::{document, page, text_page};

/// A folder with documents of every kind of outcome.
fn documents() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["empty", "broken", "mixed"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::copy(reports().join("rotated-page.pdf"), at("good.pdf")).unwrap();
    fs::copy("fixtures/input/encrypted.pdf", at("locked.pdf")).unwrap();
    fs::write(at("broken/broken.pdf"), "%PDF-1.7\nthis is not one").unwrap();
    fs::write(at("broken/empty.pdf"), "").unwrap();
    fs::write(at("broken/text.pdf"), "A text that calls itself a PDF.").unwrap();
    fs::write(at("notes.txt"), "Nothing to analyze.").unwrap();
    let pages: Vec<_> = (1..=3).map(|number| text_page(&format!("Page {number}"))).collect();
    fs::write(at("three.pdf"), document(&pages, "")).unwrap();
    fs::copy(at("three.pdf"), at("mixed/three.pdf")).unwrap();
    fs::copy(at("broken/broken.pdf"), at("mixed/broken.pdf")).unwrap();
    let hidden = "BT 3 Tr /F1 9 Tf 40 150 Td (Net loss of 4,512 million was not disclosed) Tj ET";
    let prose =
        "BT /F1 9 Tf 40 260 Td (The company sells goods in many countries and reports every quarter.) Tj ET";
    fs::write(at("mixed/hidden.pdf"), document(&[page(&format!("{prose} {hidden}"))], "")).unwrap();
    for (name, text) in [
        ("unknown.yaml", "analyze:\n  colour: red\n"),
        ("broken.yaml", "models:\n  layoutlmv3: [1,\n"),
        ("wrong.yaml", "analyze:\n  timeout: soon\n"),
    ] {
        fs::write(at(name), text).unwrap();
    }
    folder
}

/// Runs `docproc` with each line of arguments in a folder of documents, and writes down what comes out. What differs
/// from run to run (times, cache, sums) is masked.
fn transcript(lines: &[&str]) -> String {
    let (folder, cache) = (documents(), empty_cache());
    let mut text = String::new();
    for line in lines {
        let mut command = docproc();
        // Not by the setting that other tests turn the cache off with: it would be in messages about usage.
        with_cache(&mut command, cache.path()).current_dir(folder.path()).args(line.split_whitespace());
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        text += &format!("$ docproc {line}\nexit code {code}\n");
        for (name, bytes) in [("standard output", output.stdout), ("standard error", output.stderr)] {
            let said = String::from_utf8(bytes).unwrap();
            if !said.is_empty() {
                let said: String =
                    said.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
                text += &format!("{name}:\n{said}");
            }
        }
        text.push('\n');
    }
    text
}

fn check(name: &str, lines: &[&str]) {
    let root = env!("CARGO_MANIFEST_DIR");
    insta::with_settings!({filters => vec![
        (r" in \d+\.\d s \(\d+\.\d pages/s\)", " in [time]"),
        (r"in \d+\.\d+ s\b", "in [time]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"),
        (r#""seconds":[0-9.e-]+"#, r#""seconds":"[time]""#),
        (r#""cache":\{[^}]*\}"#, r#""cache":"[numbers]""#),
        // Workers that were started depend on the processors.
        (r#""started":\d+"#, r#""started":"[number]""#),
        (r#""sha256":"[0-9a-f]{64}""#, r#""sha256":"[sha256]""#),
        (root, "[source folder]"),
    ]}, { insta::assert_snapshot!(name, transcript(lines)) });
}

#[test]
fn messages_of_summaries() {
    check(
        "messages_summaries",
        &[
            "analyze good.pdf --ocr never -o out",
            "analyze good.pdf --ocr never -o out",
            "analyze mixed --ocr never --max-pages 2 -o out-mixed",
            "analyze mixed --ocr never --max-pages 2 -o out-mixed --fail-on never",
            "analyze mixed --ocr never -o out-json --summary json",
            "analyze mixed --ocr never -o out-quiet -q",
            "analyze good.pdf --ocr never -o out-verbose --verbose",
            "analyze . --include *.pdf --exclude mixed --dry-run",
        ],
    );
}

#[test]
fn messages_of_documents_that_fail() {
    check(
        "messages_failed",
        &[
            "analyze broken -o out",
            "analyze broken/broken.pdf --jsonl -",
            "analyze broken/broken.pdf -o out-json --log-format json",
            "analyze locked.pdf -o out-locked",
            "analyze gone.pdf good.pdf --ocr never -o out-gone",
            "analyze good.pdf --pages 7 -o out-pages",
            "analyze three.pdf --max-bytes 100 -o out-large",
        ],
    );
}

#[test]
fn messages_of_wrong_usage() {
    check(
        "messages_usage",
        &[
            "",
            "analyse good.pdf",
            "analyze",
            "analyze good.pdf --colour red",
            "analyze good.pdf --pages 5-2",
            "analyze good.pdf --summary json --jsonl -",
            "analyze good.pdf --log-format json --nonsense",
            "analyze empty -o out",
            "analyze notes.txt -o out",
            "analyze gone.pdf -o out",
            "analyze good.pdf --include *.tif -o out",
            "analyze good.pdf -o good.pdf",
            "analyze good.pdf --config gone.yaml",
            "analyze good.pdf --config unknown.yaml",
            "analyze good.pdf --config broken.yaml",
            "analyze good.pdf --config wrong.yaml",
            "analyze good.pdf --models-dir gone",
            "analyze good.pdf --models-dir empty",
            "analyze good.pdf --device abacus",
            "eval sentiment --data gone.jsonl",
            "pages gone.pdf",
            "quantize gone.onnx -o x.onnx",
        ],
    );
}
