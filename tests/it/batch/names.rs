//! Names of inputs: those that collide, and those that are strange.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use assert_cmd::prelude::*;
use predicates::prelude::*;

use super::super::cli::{docproc, files, read_json, reports};
use super::text;

#[test]
fn two_inputs_for_one_output_are_refused_with_both_names_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for name in ["a/report.pdf", "b/report.pdf", "c/x.pdf", "c/x.pdf.json/y.pdf"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(reports().join("rotated-page.pdf"), path).unwrap();
    }
    let refused = |inputs: &[&str], names: [&str; 2]| {
        let mut command = docproc();
        command.arg("analyze").args(inputs.iter().map(|name| folder.path().join(name))).arg("-o").arg(&out);
        let both = predicate::str::contains(names[0]).and(predicate::str::contains(names[1]));
        command.assert().code(2).stderr(both.and(predicate::str::contains("input.collision")));
        assert!(!out.exists(), "nothing is made before there is work");
    };
    refused(&["a", "b"], ["a/report.pdf", "b/report.pdf"]);
    refused(&["c"], ["c/x.pdf", "c/x.pdf.json/y.pdf"]);
}

#[test]
fn strange_names_work_and_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let long = [vec![b'l'; 251], b".pdf".to_vec()].concat();
    let names: [&[u8]; 7] = [
        b"not-\xff-utf8.pdf",
        b"not-\xfe-utf8.pdf",
        b"a#b?c%20.pdf",
        b"two\nlines.pdf",
        b" .pdf",
        b"-o.pdf",
        &long,
    ];
    for name in names {
        let path = folder.path().join(OsString::from_vec(name.to_vec()));
        fs::copy(reports().join("rotated-page.pdf"), path).unwrap();
    }
    let run = || {
        let mut command = docproc();
        command.arg("analyze").arg(folder.path()).arg("-o").arg(out.path()).args(["--ocr", "never"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    assert!(run().contains("7 ok;"));
    let first = files(out.path());
    assert_eq!(first.len(), names.len());
    for name in &names[..6] {
        let output = OsString::from_vec([name, &b".json"[..]].concat());
        assert!(out.path().join(&output).is_file(), "{}", output.display());
    }
    assert!(first.iter().all(|(path, _)| path.as_os_str().len() <= 255));
    assert!(run().contains("7 ok, 7 current and skipped"));
    assert_eq!(first, files(out.path()));
    assert_eq!(read_json(&out.path().join("manifest.json"))["counts"]["skipped"], 7);
}
