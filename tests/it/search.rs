//! `docproc search`: sentences of the fixtures by meaning and by words.

use std::path::Path;

use assert_cmd::prelude::*;
use serde_json::Value;

use super::cli::docproc;
use super::exports::analyzed;
use super::fixtures::RUN;

/// A search with a cache of its own.
fn search(out: &Path, cache: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = docproc();
    command.env("DOCPROC_CACHE_DIR", cache).env("DOCPROC_DISK_CACHE_SIZE", "1GB");
    let output = command.arg("search").arg(out).args(arguments).output().unwrap();
    let (told, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stderr}");
    (told, stderr)
}

#[test]
fn embeddings_are_computed_once_and_searches_find_words_and_meaning() {
    let (out, cache) = (analyzed(), tempfile::tempdir().unwrap());
    let sentences: usize =
        RUN.analyses.values().map(|analysis| analysis["sentences"].as_array().unwrap().len()).sum();
    let (_, told) = search(out.path(), cache.path(), &["--build"]);
    assert!(told.contains(&format!("{sentences} sentences of 10 documents")), "{told}");
    assert!(told.contains(&format!("0 kept from before, {sentences} computed now")), "{told}");
    let (_, told) = search(out.path(), cache.path(), &["--build"]);
    assert!(told.contains(&format!("{sentences} kept from before, 0 computed now")), "{told}");

    // None of these words is in the sentence that is meant.
    let (found, _) =
        search(out.path(), cache.path(), &["aviator mistakes before plane wreck", "--json", "--top", "5"]);
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 5);
    let accident = |found: &&Value| found["document"].as_str().unwrap().contains("accident-report");
    assert!(found.iter().filter(accident).count() >= 3, "{found:#?}");

    let query = ["net sales of wearables decreased", "--top", "3"];
    let (text, _) = search(out.path(), cache.path(), &query);
    let first: Vec<&str> = text.lines().take(3).collect();
    assert!(first[0].starts_with("  1. Wearables, Home and Accessories net sales decreased"), "{text}");
    assert!(first[1].contains("apple-2024.pdf, page 3, Wearables, Home and Accessories"), "{text}");
    assert!(
        first[2].trim_start().starts_with("annual-report-10k-excerpt-apple-2024.pdf.report/doc.html#p3&q="),
        "{text}"
    );
    assert_eq!(text, search(out.path(), cache.path(), &query).0, "the same search finds the same");
}

#[test]
fn a_kind_of_section_narrows_the_search_and_an_unknown_one_is_answered_with_those_that_there_are() {
    let (out, cache) = (analyzed(), tempfile::tempdir().unwrap());
    let mut command = docproc();
    command.env("DOCPROC_CACHE_DIR", cache.path()).env("DOCPROC_DISK_CACHE_SIZE", "1GB");
    let failed = command.arg("search").arg(out.path()).args(["sales", "--in", "poetry"]).assert().code(2);
    let told = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(told.contains("no section is of kind poetry") && told.contains("mdna ("), "{told}");
    let (found, _) = search(out.path(), cache.path(), &["sales", "--in", "mdna", "--json", "--top", "50"]);
    assert!(found.lines().count() > 5, "{found}");
    for line in found.lines() {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["kind"], "mdna", "{line}");
    }
}
