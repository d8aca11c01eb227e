//! Unattended runs: lock, signals, time limit.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::prelude::*;
use predicates::prelude::*;
use rustix::process::Signal;

use super::super::cli::{docproc, files, read_json};
use super::log::{event, log};
use super::{LAB, signal, text, wait_until};

#[test]
fn a_second_run_is_refused_with_the_number_of_the_first_and_a_dead_one_is_no_obstacle() {
    let out = tempfile::tempdir().unwrap();
    let mut first = LAB.analyze(out.path()).spawn().unwrap();
    let lock = out.path().join(".docproc/lock");
    wait_until("the lock has a number", || fs::read(&lock).is_ok_and(|bytes| !bytes.is_empty()));
    let holder = format!("process {}", first.id());
    LAB.analyze(out.path())
        .assert()
        .code(2)
        .stderr(predicate::str::contains("output.locked").and(predicate::str::contains(holder)));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(fs::read_to_string(&lock).unwrap(), first.id().to_string(), "a stale lock lies there");
    LAB.finish(out.path());
}

#[test]
fn the_first_signal_lets_documents_finish_and_the_next_run_goes_on() {
    for which in [Signal::TERM, Signal::INT] {
        let out = tempfile::tempdir().unwrap();
        let child = LAB.analyze(out.path()).args(["--log-format", "json", "--jobs", "2"]).spawn().unwrap();
        wait_until("there is an analysis", || !files(out.path()).is_empty());
        signal(&child, which);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
        let lines = log(&output);
        assert_eq!(event(&lines, "stopping")["reason"], "signal");
        let manifest = read_json(&out.path().join("manifest.json"));
        assert_eq!(manifest["stopped"], "signal");
        let counts = &manifest["counts"];
        let (ok, not_reached) = (counts["ok"].as_u64().unwrap(), counts["not_reached"].as_u64().unwrap());
        assert!(not_reached > 0 && ok + not_reached == 12, "{counts}");
        assert_eq!(LAB.check_so_far(out.path()), ok as usize);
        LAB.finish(out.path());
        assert_eq!(read_json(&out.path().join("manifest.json"))["counts"]["skipped"], ok);
    }
}

#[test]
fn the_second_signal_ends_the_run_at_once() {
    let out = tempfile::tempdir().unwrap();
    let child = LAB.analyze(out.path()).spawn().unwrap();
    wait_until("there is an analysis", || !files(out.path()).is_empty());
    signal(&child, Signal::TERM);
    std::thread::sleep(Duration::from_millis(30));
    // It may have ended meanwhile, as the first signal asked.
    let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM);
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(started.elapsed() < Duration::from_secs(60));
    LAB.check_so_far(out.path());
    LAB.finish(out.path());
}

#[test]
fn documents_that_take_too_long_to_finish_are_cut() {
    let out = tempfile::tempdir().unwrap();
    let mut command = docproc();
    command.args(["analyze", "fixtures/reports", "--include", "quarterly*", "--include", "annual*", "-o"]);
    command.arg(out.path()).args(["--log-format", "json", "--stop-timeout", "0s", "--max-runtime"]);
    // Models are loaded and pages read for longer than this.
    let started = Instant::now();
    let output = command.arg("1s").output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(120));
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let lines = log(&output);
    assert_eq!(event(&lines, "stopping")["reason"], "max_runtime");
    event(&lines, "cutting");
    let manifest = read_json(&out.path().join("manifest.json"));
    assert_eq!(manifest["stopped"], "max_runtime");
    assert_eq!(manifest["documents"].as_array().unwrap().len(), 2);
    for document in manifest["documents"].as_array().unwrap() {
        assert!(["cut", "not_reached"].contains(&document["outcome"].as_str().unwrap()), "{document}");
    }
    assert!(files(out.path()).is_empty());
}

#[test]
fn standard_input_that_does_not_end_is_given_up() {
    let out = tempfile::tempdir().unwrap();
    let mut command = docproc();
    command.args(["analyze", "-", "--max-runtime", "1s", "--stop-timeout", "0s", "-o"]).arg(out.path());
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Kept open until the end.
    let stdin = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    drop(stdin);
    assert_eq!(read_json(&out.path().join("manifest.json"))["documents"][0]["outcome"], "cut");
}

#[test]
fn a_run_whose_time_is_up_goes_on_next_time() {
    let out = tempfile::tempdir().unwrap();
    let nothing = LAB.analyze(out.path()).args(["--max-runtime", "0"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(3), "{}", text(&nothing.stderr));
    assert!(text(&nothing.stderr).contains("the time is up"), "{}", text(&nothing.stderr));
    let mut runs = 0;
    loop {
        let output = LAB.analyze(out.path()).args(["--max-runtime", "2s"]).output().unwrap();
        LAB.check_so_far(out.path());
        runs += 1;
        match output.status.code() {
            Some(0) => break,
            Some(3) => assert!(runs < 60, "no progress: {}", text(&output.stderr)),
            code => panic!("{code:?}: {}", text(&output.stderr)),
        }
    }
    LAB.check_whole(out.path());
}
