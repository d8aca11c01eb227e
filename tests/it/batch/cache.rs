//! The inference cache on disk between processes.

use std::fs;

use super::super::cli::{docproc, read_json, reports};
use super::{LAB, empty_cache, text, with_cache};

#[test]
fn processes_share_the_cache_at_the_same_time() {
    let cache = empty_cache();
    let outs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let children: Vec<_> = outs
        .iter()
        .map(|out| with_cache(&mut LAB.analyze(out.path()), cache.path()).spawn().unwrap())
        .collect();
    for (child, out) in children.into_iter().zip(&outs) {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success() && !text(&output.stderr).contains("warning"),
            "{}",
            text(&output.stderr)
        );
        LAB.check_whole(out.path());
    }
}

#[test]
fn a_cache_that_cannot_be_used_is_a_warning() {
    let cache = empty_cache();
    fs::write(cache.path().join("inference"), "a file where the folder should be").unwrap();
    let out = tempfile::tempdir().unwrap();
    let output = with_cache(&mut LAB.analyze(out.path()), cache.path()).output().unwrap();
    LAB.check_whole(out.path());
    assert!(text(&output.stderr).contains("warning: the inference cache"), "{}", text(&output.stderr));
}

#[test]
fn unchanged_pages_of_a_changed_document_are_found() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), empty_cache());
    let run = |pages: &str, out: &str| {
        let mut command = docproc();
        with_cache(&mut command, cache.path())
            .arg("analyze")
            .arg(reports().join("study-excerpt-head-start.pdf"))
            .args(["--pages", pages, "--ocr", "never", "-o"]);
        let output = command.arg(folder.path().join(out)).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        read_json(&folder.path().join(out).join("manifest.json"))["cache"].clone()
    };
    let count = |cache: &serde_json::Value, what: &str| cache[what].as_u64().unwrap();
    let first = run("1-2", "one");
    assert_eq!(count(&first, "disk_hits"), 0);
    let second = run("1-3", "two");
    // The two pages at least, and batches of sentences that the third page did not touch.
    assert!(count(&second, "disk_hits") >= 2, "{second}");
    assert!(count(&second, "misses") > 0, "{second}");
}
