//! One run of `docproc analyze` over fixtures/reports, as `make run` makes it, for all tests that look at what comes out.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use serde_json::Value;

use super::cli::{docproc, files, read_json, reports};

/// The fixtures. Pages of those whose names begin with `scanned` are read by OCR.
pub const FIXTURES: [&str; 10] = [
    "accident-report-ntsb-2007.pdf",
    "agency-report-nara-2022.pdf",
    "annual-report-10k-excerpt-apple-2024.pdf",
    "earnings-release-8k-buckle-2024.pdf",
    "quarterly-report-10q-excerpt-exxonmobil-2025.pdf",
    "rotated-page.pdf",
    "scanned-page.pdf",
    "scanned-two-frames.tif",
    "study-excerpt-head-start.pdf",
    "two-columns-faa-handbook.pdf",
];

/// What the run gave.
pub struct Run {
    pub code: Option<i32>,
    pub stderr: String,
    /// Analyses by the names of their documents.
    pub analyses: BTreeMap<String, Value>,
    pub manifest: Value,
}

/// The run; made once.
pub static RUN: LazyLock<Run> = LazyLock::new(|| {
    let out = tempfile::tempdir().unwrap();
    let makefile = fs::read_to_string("Makefile").unwrap();
    let line = makefile.lines().find_map(|line| line.strip_prefix("\ttarget/quick/docproc analyze "));
    let arguments =
        line.expect("`make run` analyzes").replace(" out ", &format!(" {} ", out.path().display()));
    let output = docproc().arg("analyze").args(arguments.split(' ')).output().unwrap();
    let analyses = files(out.path()).into_iter().map(|(path, bytes)| {
        let name = path.to_str().unwrap().trim_end_matches(".json").to_owned();
        (name, serde_json::from_slice(&bytes).unwrap())
    });
    Run {
        code: output.status.code(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        analyses: analyses.collect(),
        manifest: read_json(&out.path().join("manifest.json")),
    }
});

#[test]
fn no_fixture_is_left_out() {
    let mut found: Vec<String> = fs::read_dir(reports())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".md") && !name.ends_with(".py"))
        .collect();
    found.sort();
    assert_eq!(found, FIXTURES);
}

/// The block of README.md that shows what `make run` prints, and the end of what it does print.
fn shown_and_printed() -> (Vec<String>, Vec<String>) {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, after) = readme.split_once("What `make run` prints at its end").expect("README shows it");
    let lines = after.lines().skip_while(|line| !line.starts_with("    "));
    let shown: Vec<String> = lines.map_while(|line| line.strip_prefix("    ")).map(str::to_owned).collect();
    // The time and the folder are the run's own.
    let printed = RUN.stderr.lines().map(|line| match line.split_once(" pages in ") {
        Some((before, _)) => format!("{before} pages"),
        None => line.to_owned(),
    });
    let printed: Vec<String> = printed.collect();
    let end = printed.len().saturating_sub(shown.len());
    assert!(shown.len() > 20, "{shown:?}");
    (shown, printed[end..].to_vec())
}

/// The line of a document and those below it.
fn part<'a>(lines: &'a [String], document: &str) -> Vec<&'a str> {
    let at = lines.iter().position(|line| line.contains(document));
    let at = at.unwrap_or_else(|| panic!("{document} is missing in {lines:#?}"));
    let below = lines[at + 1..].iter().take_while(|line| line.starts_with("    "));
    std::iter::once(&lines[at]).chain(below).map(String::as_str).collect()
}

#[test]
fn readme_shows_what_make_run_prints() {
    let (shown, printed) = shown_and_printed();
    for name in FIXTURES {
        assert_eq!(part(&shown, name), part(&printed, name), "README.md shows something else");
    }
    assert_eq!(shown, printed, "README.md shows something else");
}
