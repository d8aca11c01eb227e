//! Logs, summaries, and what must not be in them.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::Value;

use super::super::cli::{docproc, read_json, reports};
use super::{empty_cache, text, with_cache};

/// The lines of a JSON log, checked.
pub fn log(output: &Output) -> Vec<Value> {
    let lines: Vec<Value> = text(&output.stderr)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        for key in ["time", "level", "event", "message"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
    lines
}

/// The first event of a name.
pub fn event<'a>(lines: &'a [Value], name: &str) -> &'a Value {
    lines.iter().find(|line| line["event"] == name).unwrap_or_else(|| panic!("no {name} in {lines:#?}"))
}

#[test]
fn a_log_that_nobody_reads_costs_nothing() {
    for format in ["text", "json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let out = tempfile::tempdir().unwrap();
        let mut command = docproc();
        command.args([
            "analyze",
            "fixtures/reports/rotated-page.pdf",
            "gone.pdf",
            "--log-format",
            format,
            "-o",
        ]);
        let status = command.arg(out.path()).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(1), "{format}");
        assert_eq!(read_json(&out.path().join("fixtures/reports/rotated-page.pdf.json"))["status"], "ok");
        assert_eq!(read_json(&out.path().join("manifest.json"))["problems"][0]["code"], "input.not_found");
    }
}

#[test]
fn every_line_of_a_json_log_is_an_object() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(reports().join("rotated-page.pdf"), folder.path().join("good.pdf")).unwrap();
    fs::write(folder.path().join("broken.pdf"), "%PDF-1.7\nthis is not one").unwrap();
    let out = tempfile::tempdir().unwrap();
    let analyze = |more: &[&str]| {
        let mut command = docproc();
        command.arg("analyze").arg(folder.path()).arg("gone.pdf").arg("-o").arg(out.path());
        command.args(["--log-format", "json", "--ocr", "never"]).args(more).output().unwrap()
    };
    let output = analyze(&["--profile"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let lines = log(&output);
    assert_eq!(event(&lines, "input")["code"], "input.not_found");
    let documents: Vec<&Value> = lines.iter().filter(|line| line["event"] == "document").collect();
    assert_eq!(documents.len(), 2);
    assert!(documents.iter().any(|line| line["codes"][0] == "pdf.malformed" && line["level"] == "warning"));
    let summary = event(&lines, "summary");
    assert_eq!((&summary["counts"]["ok"], &summary["counts"]["failed"]), (&1.into(), &1.into()));
    let buffers = &event(&lines, "profile")["buffers"];
    let number = |key: &str| buffers[key].as_u64().unwrap_or_else(|| panic!("{buffers}"));
    assert!(number("reused") > 0 && number("taken") > number("reused"), "{buffers}");
    assert!(number("peak_bytes") > 0 && number("kept_bytes") > 0, "{buffers}");

    // The manifest says the same and more.
    let manifest = read_json(&out.path().join("manifest.json"));
    for key in [
        "tool",
        "version",
        "started",
        "ended",
        "seconds",
        "libraries",
        "models",
        "counts",
        "cache",
        "workers",
    ] {
        assert!(!manifest[key].is_null(), "{key} is missing in {manifest}");
    }
    assert_eq!(manifest["documents"].as_array().unwrap().len(), 2);
    for document in manifest["documents"].as_array().unwrap() {
        for key in ["path", "output", "outcome", "status", "codes", "pages", "seconds"] {
            assert!(!document[key].is_null(), "{key} is missing in {document}");
        }
    }

    // What ends a run is a line of the log, too: wrong usage, wrong configuration, a refused folder.
    for arguments in
        [&["--nonsense"][..], &["--config", "gone.yaml"], &["--summary", "text"], &["-o", "/proc/x"]]
    {
        let mut command = docproc();
        command.args(["analyze", "--log-format=json", "fixtures/reports"]).args(arguments);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let lines = log(&output);
        assert_eq!((lines.len(), event(&lines, "error")["level"].as_str()), (1, Some("error")), "{lines:?}");
    }
}

#[test]
fn the_summary_is_text_json_or_nothing() {
    let out = tempfile::tempdir().unwrap();
    let analyze = |more: &[&str]| {
        let mut command = docproc();
        command
            .args(["analyze", "fixtures/reports/rotated-page.pdf", "--ocr", "never", "-o"])
            .arg(out.path());
        command.args(more).output().unwrap()
    };
    let json = analyze(&["--summary", "json"]);
    let summary: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&summary["counts"]["ok"], &summary["counts"]["pages"]), (&1.into(), &1.into()));
    assert!(json.stderr.is_empty(), "{}", text(&json.stderr));
    assert!(text(&analyze(&["--summary", "text"]).stderr).contains("1 document"));
    let none = analyze(&["--summary", "none"]);
    assert!(none.stdout.is_empty() && none.stderr.is_empty());
    assert_eq!(analyze(&["--summary", "json", "--jsonl", "-"]).status.code(), Some(2));
}

/// Every file below a folder, hidden ones included.
fn all_bytes(root: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(&path).unwrap() });
    }
    bytes
}

/// What the blocks of an analysis say.
fn text_of(analysis: &serde_json::Value) -> String {
    let blocks = analysis["blocks"].as_array().unwrap().iter();
    blocks.map(|block| block["text"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn passwords_are_nowhere_in_what_a_run_writes() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), empty_cache());
    let passwords = folder.path().join("passwords");
    // The second one opens the document (fixtures/input/README.md); the first is tried in vain.
    fs::write(&passwords, "kolibri-1729\nsecret\n").unwrap();
    let mut seen = Vec::new();
    for (number, more) in
        [&["-v"][..], &["--log-format", "json", "--jsonl", "-"], &["--summary", "json", "--profile"]]
            .iter()
            .enumerate()
    {
        let out = folder.path().join(format!("out-{number}"));
        let mut command = docproc();
        command.args(["analyze", "fixtures/input/encrypted.pdf", "--ocr", "never", "-o"]).arg(&out);
        command.arg("--password-file").arg(&passwords).args(*more);
        with_cache(&mut command, cache.path());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let analysis = read_json(&out.join("fixtures/input/encrypted.pdf.json"));
        assert_eq!(analysis["status"], "ok");
        assert!(text_of(&analysis).contains("secret figures"), "the document was opened: {analysis}");
        let written = [all_bytes(&out), all_bytes(&cache.path().join("inference"))];
        seen.extend([output.stdout, output.stderr, written.concat()].concat());
    }
    // The page says "secret figures"; any other place that has the word has the password.
    let seen = text(&seen).replace("secret figures", "");
    for password in ["kolibri-1729", "secret"] {
        assert!(!seen.contains(password), "{password} got out");
    }
    // And none can be given where other users would see it.
    docproc().args(["analyze", "--help"]).assert().stdout(predicate::str::contains("--password ").not());
}
