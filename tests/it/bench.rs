//! `docproc bench` and profiling as a user meets them.

use std::fs;

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::Value;

use super::cli::{docproc, files, read_json, reports};

fn json(arguments: &[&str]) -> Value {
    let output = docproc().arg("bench").args(arguments).args(["--quick", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn workloads_are_listed_and_chosen_by_name() {
    let output = docproc().args(["bench", "--list"]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    for name in [
        "limit/1 thread/int8",
        "model/finbert.int8/latency",
        "model/layoutlmv3.int8/throughput",
        "cache/finbert/warm",
        "tokenizer/layoutlmv3",
        "network/risk_scorer/batches",
        "pages/text",
        "pipeline/cold",
    ] {
        assert!(list.lines().any(|line| line == name), "{name} is missing in {list}");
    }
    docproc()
        .args(["bench", "--only", "no such thing"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--list"));
}

#[test]
fn without_documents_it_says_how_to_name_some() {
    let elsewhere = tempfile::tempdir().unwrap();
    let root = env!("CARGO_MANIFEST_DIR");
    docproc()
        .current_dir(elsewhere.path())
        .env("DOCPROC_ONNXRUNTIME", format!("{root}/native/libonnxruntime.so"))
        .args(["bench", "--only", "tokenizer/", "--models-dir", &format!("{root}/models")])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--input"));
}

#[test]
fn figures_memory_and_comparison_with_a_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let report = json(&["--only", "network/128"]);
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "{results:?}");
    for result in results {
        let latency = &result["latency_ms"];
        let at = |name: &str| latency[name].as_f64().unwrap();
        assert!(
            0.0 < at("min") && at("min") <= at("p50") && at("p50") <= at("p95") && at("p95") <= at("max")
        );
        assert!(result["throughput"].as_f64().unwrap() > 0.0);
        // A process of its own, with the executable and ONNX Runtime in it.
        assert!((1.0..500.0).contains(&result["memory_mb"].as_f64().unwrap()), "{result}");
    }
    assert!(results[0].get("speedup").is_none());
    let ratio = &results[2]["speedup"];
    assert!(ratio["low"].as_f64().unwrap() <= ratio["value"].as_f64().unwrap(), "{ratio}");
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);

    // A machine a thousand times faster, then one a thousand times slower, as the baseline.
    for (factor, code) in [(1e-3, 1), (1e3, 0)] {
        let mut baseline = report.clone();
        for result in baseline["results"].as_array_mut().unwrap() {
            for seconds in result["seconds"].as_array_mut().unwrap() {
                *seconds = (seconds.as_f64().unwrap() * factor).into();
            }
        }
        let path = folder.path().join("baseline.json");
        fs::write(&path, baseline.to_string()).unwrap();
        let mut command = docproc();
        command.args(["bench", "--quick", "--no-memory", "--only", "network/128", "--baseline"]).arg(&path);
        let mark = predicate::str::contains("REGRESSED");
        let assert = command.assert().code(code);
        if code == 1 {
            assert.stdout(mark)
        } else {
            assert.stdout(mark.not())
        };
    }
}

#[test]
fn models_are_measured_on_the_documents_that_are_named() {
    let report = reports().join("two-columns-faa-handbook.pdf");
    let report =
        json(&["--no-memory", "--only", "layoutlmv3.int8", "--input", &report.display().to_string()]);
    assert_eq!(report["documents"]["pages"], 1);
    let limits = report["limits"].as_array().unwrap();
    let cores = report["machine"]["cores"].as_u64().unwrap();
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let threads = if result["name"].as_str().unwrap().ends_with("latency") { 1 } else { cores };
        let limit = limits.iter().find(|limit| limit["threads"] == threads).unwrap();
        let least = ["float", "int8"]
            .map(|kind| result["operations"][kind].as_f64().unwrap() / limit[kind].as_f64().unwrap())
            .iter()
            .sum::<f64>();
        let share = result["share_of_limit"].as_f64().unwrap();
        let median = result["latency_ms"]["p50"].as_f64().unwrap() / 1e3;
        assert!(share > 0.0 && (share - least / median).abs() < 1e-6 * share, "{result}");
        assert!(result["tokens_per_second"].as_f64().unwrap() > 0.0);
        // Four layers of 192, the image's 197 tokens beside the text's: below 10 billion operations.
        let work = &result["operations"];
        let (float, int8) = (work["float"].as_f64().unwrap(), work["int8"].as_f64().unwrap());
        assert!(float > 1e7 && int8 > 1e8 && float + int8 < 1e10, "{work}");
    }
}

#[test]
fn a_profile_is_a_trace_beside_the_manifest_and_not_in_the_analyses() {
    let folder = tempfile::tempdir().unwrap();
    let report = reports().join("two-columns-faa-handbook.pdf");
    let analyze = |out: &str, more: &[&str]| {
        let mut command = docproc();
        command.arg("analyze").arg(&report).arg("-o").arg(folder.path().join(out)).args(more);
        command.assert().success()
    };
    analyze("plain", &[]);
    analyze("profiled", &["--profile"]).stderr(predicate::str::contains("perfetto"));
    let trace = read_json(&folder.path().join("profiled/trace.json"));
    assert!(!folder.path().join("plain/trace.json").exists());
    let events = trace["traceEvents"].as_array().unwrap();
    for stage in
        ["read page", "layout", "infer layout", "infer text", "structure", "tables", "audit", "write"]
    {
        let event = events.iter().find(|event| event["ph"] == "X" && event["name"] == stage);
        let event = event.unwrap_or_else(|| panic!("no span of {stage}"));
        assert!(event["ts"].as_f64().unwrap() >= 0.0 && event["dur"].as_f64().unwrap() >= 0.0, "{event}");
        let document = event["args"]["document"].as_str().unwrap_or_else(|| panic!("{event}"));
        assert!(document.ends_with("two-columns-faa-handbook.pdf"));
        let thread = |other: &&Value| other["name"] == "thread_name" && other["tid"] == event["tid"];
        assert!(events.iter().any(|other| thread(&other)), "{event}");
    }
    let analyses = |out: &str| -> Vec<_> {
        let all = files(&folder.path().join(out));
        all.into_iter().filter(|(path, _)| !path.ends_with("trace.json")).collect()
    };
    assert_eq!(analyses("plain"), analyses("profiled"));

    let named = folder.path().join("named.json");
    analyze("named", &["--trace", named.to_str().unwrap()]);
    assert!(!read_json(&named)["traceEvents"].as_array().unwrap().is_empty());
    assert!(!folder.path().join("named/trace.json").exists());
    let mut again = docproc();
    again.arg("analyze").arg(&report).arg("-o").arg(folder.path().join("named")).arg("--trace").arg(&named);
    again.assert().code(2).stderr(predicate::str::contains("does not overwrite"));
}
