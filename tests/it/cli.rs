//! The command line as a user meets it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::Value;

use super::fixtures::{FIXTURES, RUN};

/// The executable, with a configuration that does not depend on the caller's environment.
pub fn docproc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docproc"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let library = ["DOCPROC_ONNXRUNTIME", "DOCPROC_PDFIUM"].contains(&name.as_str());
        if name.starts_with("DOCPROC_") && !library {
            command.env_remove(name);
        }
    }
    // What a run computes must not come from one before; tests of the cache turn it on.
    command.env("DOCPROC_DISK_CACHE_SIZE", "0");
    command
}

pub fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports")
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .unwrap()
}

/// Every file below a folder with its bytes, without docproc's own state and times.
pub fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            if path.is_dir() {
                if name != ".docproc" {
                    folders.push(path);
                }
            } else if name != "manifest.json" {
                found.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn help_is_what_the_documentation_shows() {
    let help = |arguments: &[&str]| {
        let output = docproc().args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help_analyze", help(&["analyze", "--help"]));
}

#[test]
fn wrong_usage_exits_2_and_says_what_is_wrong() {
    for (arguments, message) in [
        (&["analyze"][..], "required"),
        (&["analyze", "--no-such-flag", "x"], "unexpected argument"),
        (&["analyze", "fixtures/reports", "--pages", "5-2"], "error: --pages: `5-2` is not a page"),
        (&["analyze", "fixtures/reports", "--max-bytes", "many"], "is not a size"),
        (&["analyze", "fixtures/reports", "--timeout", "0"], "analyze.timeout"),
        (&["analyze", "fixtures/reports", "--include", "*.xyz"], "--include and --exclude leave"),
        (
            &["analyze", "fixtures/reports", "--jsonl", "gone/lines.jsonl"],
            "gone/lines.jsonl: cannot make the file\n",
        ),
        (&["eval", "sentiment", "--data", "x.jsonl", "--seed", "2"], "goes with `docproc eval audit`"),
        (&["models", "list", "--config", "fixtures/config/gone.yaml"], "config.invalid"),
        (&["analyze", "fixtures/reports", "--device", "abacus"], "is not a device"),
        (&["analyze", "fixtures/reports", "--config", "gone.yaml"], "config.invalid"),
        (&["analyze", "fixtures/reports", "--models-dir", "gone"], "model.not_found"),
        (&["config", "show", "--config", "Cargo.toml"], "config.invalid"),
    ] {
        let out = tempfile::tempdir().unwrap();
        let mut command = docproc();
        command.args(arguments);
        if arguments.len() > 2 && arguments[0] == "analyze" {
            command.arg("-o").arg(out.path());
        }
        command.assert().code(2).stderr(predicate::str::contains(message));
    }
}

#[test]
fn an_accelerator_that_is_not_there_is_an_error() {
    let out = tempfile::tempdir().unwrap();
    docproc()
        .args(["analyze", "fixtures/reports", "--device", "cuda:0", "-o"])
        .arg(out.path())
        .assert()
        .code(2)
        .stderr(predicate::str::contains("device.unavailable"));
}

#[test]
fn an_empty_folder_is_an_error_that_names_it() {
    let empty = tempfile::tempdir().unwrap();
    docproc()
        .arg("analyze")
        .arg(empty.path())
        .args(["-o", "unused"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(empty.path().to_str().unwrap()));
    assert!(
        !Path::new(env!("CARGO_MANIFEST_DIR")).join("unused").exists(),
        "nothing is made before there is work"
    );
}

#[test]
fn every_fixture_has_an_analysis_that_fits_the_schema() {
    let schema = docproc().arg("schema").output().unwrap();
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let names: Vec<&str> = RUN.analyses.keys().map(String::as_str).collect();
    assert_eq!((names, RUN.code), (FIXTURES.to_vec(), Some(0)), "{}", RUN.stderr);
    let (mut pages, mut tables, mut relations) = (0, 0, 0);
    for (name, analysis) in &RUN.analyses {
        let errors: Vec<String> = validator.iter_errors(analysis).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        check_citations(Path::new(name), analysis);
        let summary = &analysis["summary"];
        let read = analysis["pages"].as_array().unwrap().len() as u64;
        assert_eq!(
            (&summary["pages"], &analysis["document"]["page_count"]),
            (&read.into(), &read.into()),
            "{name}: every page is there"
        );
        pages += read;
        tables += analysis["tables"].as_array().unwrap().len();
        relations += summary["audit"]["checked"].as_u64().unwrap();
        if !name.starts_with("scanned") {
            check_whole(name, analysis);
        }
    }
    assert_eq!(pages, 53);
    assert!(tables >= 25 && relations >= 150, "{tables} tables, {relations} relations checked");
    let documents = RUN.manifest["documents"].as_array().unwrap();
    assert_eq!(documents.len(), FIXTURES.len());
    assert_eq!(RUN.manifest["counts"]["pages"], 53);
}

#[test]
fn scans_are_analyzed() {
    for name in FIXTURES.iter().filter(|name| name.starts_with("scanned")) {
        check_whole(name, &RUN.analyses[*name]);
        assert!(
            RUN.analyses[*name]["pages"].as_array().unwrap().iter().all(|page| page["text_source"] == "ocr")
        );
    }
}

/// Nothing is missing, and there is something in it.
fn check_whole(name: &str, analysis: &Value) {
    assert_eq!((&analysis["status"], &analysis["errors"]), (&"ok".into(), &Value::Array(vec![])), "{name}");
    for list in ["pages", "blocks", "sections", "sentences", "scores"] {
        assert!(!analysis[list].as_array().unwrap().is_empty(), "{name} has no {list}");
    }
    assert!(analysis["summary"]["words"].as_u64() > Some(100), "{name}");
}

/// Every statement lies on a page that was read, inside it, and points to things that exist.
fn check_citations(path: &Path, analysis: &Value) {
    let pages: std::collections::BTreeMap<u64, (f64, f64)> = analysis["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| {
            (
                page["number"].as_u64().unwrap(),
                (page["width"].as_f64().unwrap(), page["height"].as_f64().unwrap()),
            )
        })
        .collect();
    let inside = |item: &Value, bbox: &Value| {
        let page = item["page"].as_u64().unwrap();
        let (width, height) =
            pages.get(&page).unwrap_or_else(|| panic!("{}: {item} is on no page", path.display()));
        let corner = |index: usize| bbox[index].as_f64().unwrap();
        // Glyphs may hang over the edge of a page by a little.
        assert!(
            corner(0) >= -20.0
                && corner(1) >= -20.0
                && corner(2) <= width + 20.0
                && corner(3) <= height + 20.0,
            "{}: {item} lies outside of its page",
            path.display()
        );
        assert!(corner(0) <= corner(2) && corner(1) <= corner(3));
    };
    let blocks = analysis["blocks"].as_array().unwrap();
    let sections = analysis["sections"].as_array().unwrap();
    for list in ["blocks", "entities", "figures"] {
        for item in analysis[list].as_array().unwrap() {
            inside(item, &item["box"]);
            assert!((0.0..=1.0).contains(&item["confidence"].as_f64().unwrap()), "{item}");
        }
    }
    for sentence in analysis["sentences"].as_array().unwrap() {
        for bbox in sentence["boxes"].as_array().unwrap() {
            inside(sentence, bbox);
        }
        assert!(!sentence["text"].as_str().unwrap().is_empty());
        assert!((sentence["section"].as_u64().unwrap() as usize) < sections.len());
        assert!((sentence["block"].as_u64().unwrap() as usize) < blocks.len());
        let probabilities = sentence["sentiment"]["probabilities"].as_object().unwrap();
        let total: f64 = probabilities.values().map(|value| value.as_f64().unwrap()).sum();
        assert!((total - 1.0).abs() < 0.001, "{sentence}");
    }
    let mut covered: Vec<u64> = sections
        .iter()
        .flat_map(|section| section["blocks"].as_array().unwrap())
        .map(|id| id.as_u64().unwrap())
        .collect();
    covered.sort_unstable();
    assert_eq!(
        covered,
        (0..blocks.len() as u64).collect::<Vec<_>>(),
        "{}: blocks in sections",
        path.display()
    );
}

#[test]
fn a_rerun_skips_what_is_current_and_force_does_not() {
    let out = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let mut command = docproc();
        command.args(["analyze", "fixtures/reports", "--include", "rotated*", "--include", "study*", "-o"]);
        let output = command.arg(out.path()).args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&[]).contains("2 ok;"));
    let first = files(out.path());
    assert!(run(&[]).contains("2 current and skipped"));
    assert!(!run(&["--force"]).contains("skipped"));
    assert_eq!(first, files(out.path()));
    // Another selection of pages is other work.
    assert!(!run(&["--pages", "1"]).contains("skipped"));
    // A damaged analysis is made again.
    assert!(!run(&[]).contains("skipped"));
    fs::write(out.path().join("rotated-page.pdf.json"), "{").unwrap();
    assert!(run(&[]).contains("1 current and skipped"));
    assert_eq!(first, files(out.path()));
}

#[test]
fn tables_become_csv_files_that_are_kept_current() {
    let input = tempfile::tempdir().unwrap();
    let document = input.path().join("report.pdf");
    fs::copy(reports().join("study-excerpt-head-start.pdf"), &document).unwrap();
    let out = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let mut command = docproc();
        command.arg("analyze").arg(input.path()).args(more).arg("-o").arg(out.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    run(&[]);
    let folder = out.path().join("report.pdf.tables");
    assert!(!folder.exists());
    // Files that were not asked for before are made.
    assert!(!run(&["--tables", "csv"]).contains("skipped"));
    let first = files(out.path());
    let analysis = read_json(&out.path().join("report.pdf.json"));
    let tables = analysis["tables"].as_array().unwrap();
    assert!(!tables.is_empty());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), tables.len());
    let mut numbers = 0;
    for table in tables {
        let name = format!("{:02}-p{}.csv", table["id"].as_u64().unwrap(), table["page"]);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(folder.join(name)).unwrap();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len() as u64, table["rows"].as_u64().unwrap());
        for cell in table["cells"].as_array().unwrap() {
            let (row, column) = (cell["row"].as_u64().unwrap(), cell["column"].as_u64().unwrap());
            let field = &records[row as usize][column as usize];
            assert_eq!(records[row as usize].len() as u64, table["columns"].as_u64().unwrap());
            match cell["value"]["printed"].as_f64().filter(|_| cell["value"]["alternatives"].is_null()) {
                Some(number) if cell["value"]["nil"].is_null() => {
                    assert_eq!(field.trim_end_matches('%').parse::<f64>().unwrap(), number, "{cell}");
                    numbers += 1;
                }
                _ => assert_eq!(field.trim_start_matches('\''), cell["text"].as_str().unwrap()),
            }
        }
    }
    assert!(numbers >= 20, "{numbers} numbers compared");
    assert!(run(&["--tables", "csv"]).contains("1 current and skipped"));
    // A file that has gone is made again, one that is no longer true is removed.
    let gone = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(gone).unwrap();
    assert!(!run(&["--tables", "csv"]).contains("skipped"));
    assert_eq!(first, files(out.path()));
    fs::copy(reports().join("two-columns-faa-handbook.pdf"), &document).unwrap();
    run(&[]);
    assert!(!folder.exists());
}

#[test]
fn results_do_not_depend_on_jobs() {
    let analyze = |jobs: &str| {
        let out = tempfile::tempdir().unwrap();
        docproc()
            .args(["analyze", "fixtures/reports", "--jobs", jobs, "--pages", "1-4", "--ocr", "never", "-o"])
            .arg(out.path())
            .assert()
            .success();
        files(out.path())
    };
    let one = analyze("1");
    assert_eq!(one.len(), 10);
    for (path, bytes) in &one {
        let analysis: Value = serde_json::from_slice(bytes).unwrap();
        assert!(analysis["status"] == "ok" && analysis["pages"][0]["number"] == 1, "{}", path.display());
    }
    for jobs in ["2", "8"] {
        let other = analyze(jobs);
        assert_eq!(one.len(), other.len());
        for ((path, expected), (name, found)) in one.iter().zip(&other) {
            assert!(path == name && expected == found, "{} differs with --jobs {jobs}", path.display());
        }
    }
}

#[test]
fn json_lines_come_in_input_order_and_a_closed_pipe_ends_quietly() {
    let mut command = docproc();
    command.args(["analyze", "fixtures/reports", "--pages", "1", "--ocr", "never", "--jsonl", "-"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let analyses: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let paths: Vec<&str> =
        analyses.iter().map(|analysis| analysis["document"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, FIXTURES.map(|name| format!("fixtures/reports/{name}")));
    assert!(analyses.iter().all(|analysis| analysis["status"] == "ok"));

    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("error"));
}

#[test]
fn standard_input_lists_and_dry_runs() {
    let out = tempfile::tempdir().unwrap();
    let document = fs::File::open(reports().join("rotated-page.pdf")).unwrap();
    docproc()
        .args(["analyze", "-", "-q", "-o"])
        .arg(out.path())
        .stdin(document)
        .assert()
        .success()
        .stderr("");
    assert_eq!(read_json(&out.path().join("stdin.json"))["document"]["path"], "-");

    let list = out.path().join("list");
    fs::write(&list, "fixtures/reports/rotated-page.pdf\0fixtures/reports/scanned-page.pdf\0").unwrap();
    docproc()
        .args(["analyze", "--dry-run", "--files-from"])
        .arg(&list)
        .assert()
        .success()
        .stdout("fixtures/reports/rotated-page.pdf\nfixtures/reports/scanned-page.pdf\n");
}

#[test]
fn pages_that_are_not_there_are_an_error_of_the_document() {
    let out = tempfile::tempdir().unwrap();
    docproc()
        .args(["analyze", "fixtures/reports/rotated-page.pdf", "--pages", "7", "-o"])
        .arg(out.path())
        .assert()
        .code(1)
        .stderr(predicate::str::contains("document.no_such_page"));
    let analysis = read_json(&out.path().join("fixtures/reports/rotated-page.pdf.json"));
    assert_eq!((&analysis["status"], &analysis["document"]["page_count"]), (&"failed".into(), &1.into()));
}

#[test]
fn broken_documents_are_reported_and_do_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(reports().join("rotated-page.pdf"), folder.path().join("good.pdf")).unwrap();
    fs::write(folder.path().join("broken.pdf"), "%PDF-1.7\nthis is not one").unwrap();
    let out = tempfile::tempdir().unwrap();
    let analyze = |fail_on: &str| {
        let mut command = docproc();
        command.arg("analyze").arg(folder.path()).args(["--fail-on", fail_on, "-o"]).arg(out.path());
        command.assert()
    };
    analyze("failed").code(1).stderr(predicate::str::contains("pdf.malformed"));
    analyze("never").code(0);
    assert_eq!(read_json(&out.path().join("good.pdf.json"))["status"], "ok");
    let broken = read_json(&out.path().join("broken.pdf.json"));
    assert_eq!(
        (&broken["status"], &broken["errors"][0]["code"]),
        (&"failed".into(), &"pdf.malformed".into())
    );
}

#[test]
fn the_designs_example_configuration_works_as_it_stands() {
    docproc()
        .args(["config", "show", "--config", "fixtures/config/original-design.yaml"])
        .assert()
        .success()
        .stdout(predicate::str::contains("risk_scorer"));
    let out = tempfile::tempdir().unwrap();
    let mut command = docproc();
    command.args(["analyze", "fixtures/reports/study-excerpt-head-start.pdf", "--ocr", "never", "--config"]);
    command.arg("fixtures/config/original-design.yaml").arg("-o").arg(out.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let analysis = read_json(&out.path().join("fixtures/reports/study-excerpt-head-start.pdf.json"));
    check_whole("the study", &analysis);
    assert_eq!(analysis["tables"].as_array().unwrap().len(), 2);
    assert!(analysis["summary"]["audit"]["checked"].as_u64() > Some(0));
    let models: Vec<&str> =
        analysis["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    for name in ["layoutlmv3", "finbert", "risk_scorer", "anomaly_detector"] {
        assert!(models.contains(&name), "{name} took no part: {models:?}");
    }
}

#[test]
fn the_environment_is_part_of_the_configuration() {
    let show = |jobs: &str| docproc().args(["config", "show"]).env("DOCPROC_JOBS", jobs).assert();
    show("3").success().stdout(predicate::str::contains("jobs: 3"));
    show("none").code(2).stderr(predicate::str::contains("--jobs"));
    docproc().arg("doctor").env("DOCPROC_OCR", "perhaps").assert().code(2);
}

#[test]
fn models_are_as_the_manifest_states() {
    docproc().args(["models", "verify"]).assert().success();
    docproc().args(["models", "list"]).assert().success().stdout(predicate::str::contains("layoutlmv3"));
}

#[test]
fn doctor_finds_everything_in_place() {
    docproc().arg("doctor").assert().success().stdout(predicate::str::contains("broken").not());
    let mut child = docproc().arg("doctor").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        docproc().args(["completions", shell]).assert().success().stdout(predicate::str::contains("analyze"));
    }
}
