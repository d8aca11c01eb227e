//! Runs that cannot go on: nobody is left waiting, and the manifest says what happened.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::cli::{docproc, read_json};
use super::super::input::pdf::{document, page};
use super::output::in_shell;
use super::text;

/// Runs the command to its end, which must come: gives exit code and standard error.
fn within_limit(command: &mut Command) -> (Option<i32>, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut child = command.stderr(log.reopen().unwrap()).spawn().unwrap();
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), text(&fs::read(log.path()).unwrap()));
        }
        if started.elapsed() > Duration::from_secs(240) {
            child.kill().unwrap();
            panic!("the run hangs: {}", text(&fs::read(log.path()).unwrap()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One document in `a`, and more than the lines that may wait in `b`.
fn documents() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("a")).unwrap();
    fs::create_dir_all(folder.path().join("b")).unwrap();
    let lines = (0..40)
        .map(|line| format!("(Net sales rose to {line},234 million in 2024.) Tj T* "))
        .collect::<String>();
    let first = document(&[page(&format!("BT /F1 6 Tf 7 TL 20 290 Td {lines} ET"))], "");
    fs::write(folder.path().join("a/first.pdf"), first).unwrap();
    for number in 0..24 {
        fs::write(folder.path().join(format!("b/{number:02}.pdf")), "no document").unwrap();
    }
    folder
}

fn analyze(folder: &Path, out: &Path) -> Command {
    let mut command = docproc();
    command.arg("analyze").arg(folder).args(["--ocr", "never", "-q", "-o"]).arg(out);
    command
}

fn outcomes(manifest: &Value, outcome: &str) -> usize {
    manifest["documents"].as_array().unwrap().iter().filter(|entry| entry["outcome"] == outcome).count()
}

#[test]
fn a_write_error_beside_lines_of_json_ends_the_run_and_is_in_the_manifest() {
    let folder = documents();
    let out = tempfile::tempdir().unwrap();
    for jobs in ["1", "2", "4"] {
        let mut command = analyze(folder.path(), out.path());
        command.args(["--force", "--jobs", jobs, "--jsonl", "-"]);
        // No file of this process may become as large as the first document's analysis; blocks have 512 bytes.
        let mut shell = in_shell(&command, "trap '' XFSZ; ulimit -S -f 32", false);
        let (code, said) = within_limit(shell.stdout(Stdio::null()));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("output.unwritable") && said.contains("first.pdf.json"), "{said}");
        let manifest = read_json(&out.path().join("manifest.json"));
        assert_eq!(manifest["stopped"], "error", "{manifest}");
        assert_eq!(manifest["error"]["code"], "output.unwritable", "{manifest}");
        let analyzed = outcomes(&manifest, "analyzed");
        assert_eq!(outcomes(&manifest, "cut"), 1, "{manifest}");
        assert_eq!(manifest["counts"]["not_reached"], 25 - analyzed);
        assert_eq!(manifest["documents"].as_array().unwrap().len(), 25);
    }
}

#[test]
fn lines_that_cannot_be_written_end_the_run() {
    let folder = documents();
    let out = tempfile::tempdir().unwrap();
    for (full, code) in [(true, 2), (false, 0)] {
        let mut command = analyze(folder.path(), out.path());
        command.args(["--force", "--jobs", "2", "--jsonl", "-"]);
        if full {
            command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        } else {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            command.stdout(writer);
        }
        let (ended, said) = within_limit(&mut command);
        assert_eq!(ended, Some(code), "{said}");
        let manifest = read_json(&out.path().join("manifest.json"));
        assert_eq!(manifest["error"]["code"], "output.unwritable", "{manifest}");
        assert!(manifest["counts"]["not_reached"].as_u64().unwrap() > 0, "{manifest}");
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_no_manifest_of_an_earlier_one() {
    let folder = documents();
    let out = tempfile::tempdir().unwrap();
    let manifest = || read_json(&out.path().join("manifest.json"));
    let fail = |change: &dyn Fn(&mut Command)| {
        let mut command = analyze(folder.path(), out.path());
        command.args(["--include", "first.pdf"]);
        assert_eq!(command.status().unwrap().code(), Some(0));
        assert_eq!((&manifest()["counts"]["ok"], manifest().get("error")), (&1.into(), None));
        command.arg("--force");
        change(&mut command);
        let (code, said) = within_limit(&mut command);
        assert_eq!(code, Some(2), "{said}");
        let manifest = manifest();
        let code = manifest["error"]["code"].as_str().unwrap().to_owned();
        assert!(said.contains(&code), "{said}: {manifest}");
        assert_eq!(manifest["stopped"], "error");
        assert_eq!((&manifest["counts"]["ok"], &manifest["counts"]["not_reached"]), (&0.into(), &1.into()));
        assert!(!manifest["error"]["message"].as_str().unwrap().is_empty());
        (code, manifest)
    };
    // No model where the configuration says, and page workers that cannot start.
    let config = folder.path().join("config.yaml");
    fs::write(&config, "models:\n  finbert:\n    path: gone\n").unwrap();
    let (code, manifest_without_model) = fail(&|command| _ = command.arg("--config").arg(&config));
    assert_eq!(code, "model.not_found");
    assert_eq!(manifest_without_model["documents"][0]["outcome"], "not_reached");
    let library = folder.path().join("libpdfium.so");
    fs::write(&library, "no library").unwrap();
    let (code, manifest_without_workers) = fail(&|command| _ = command.env("DOCPROC_PDFIUM", &library));
    assert!(["library.version", "worker.start"].contains(&code.as_str()), "{code}");
    assert!(!manifest_without_workers["models"].as_array().unwrap().is_empty());
    // An analysis that is not ours.
    fs::write(out.path().join("a/other.pdf.json"), "mine").unwrap();
    fs::copy(folder.path().join("a/first.pdf"), folder.path().join("a/other.pdf")).unwrap();
    let mut command = analyze(folder.path(), out.path());
    assert_eq!(command.args(["--include", "a/*"]).status().unwrap().code(), Some(2));
    assert_eq!(manifest()["error"]["code"], "output.foreign");
    assert!(manifest()["error"]["path"].as_str().unwrap().ends_with("other.pdf.json"));
}
