//! Sentiment models with other label names, and what `docproc eval` says about single items.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::{Value, json};

use crate::cli::{docproc, read_json};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")
}

/// A configuration with the fixture's model under these label names; `None` leaves them out.
fn configured(folder: &Path, labels: Option<[&str; 3]>) -> PathBuf {
    let bundle = folder.join("bundle");
    fs::create_dir_all(&bundle).unwrap();
    for name in ["model.onnx", "vocab.txt"] {
        fs::copy(cases().join("k25-bullish-labels").join(name), bundle.join(name)).unwrap();
    }
    let mut config = read_json(&cases().join("k25-bullish-labels/config.json"));
    match labels {
        Some([positive, negative, neutral]) => {
            config["id2label"] = json!({"0": positive, "1": negative, "2": neutral});
        }
        None => drop(config.as_object_mut().unwrap().remove("id2label")),
    }
    fs::write(bundle.join("config.json"), config.to_string()).unwrap();
    let path = folder.join("config.yaml");
    fs::write(&path, format!("models:\n  finbert:\n    path: \"{}\"\n", bundle.display())).unwrap();
    path
}

/// The document's sentiment and what standard error says.
fn analyzed(labels: Option<[&str; 3]>) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = docproc()
        .args(["analyze", "--jsonl", "-", "--config"])
        .arg(configured(folder.path(), labels))
        .arg(cases().join("k05-three-good-sentences.pdf"))
        .assert()
        .success();
    let analysis: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    (
        analysis["summary"]["sentiment"].clone(),
        String::from_utf8_lossy(&output.get_output().stderr).into_owned(),
    )
}

#[test]
fn labels_of_known_meaning_count_and_others_are_reported() {
    let (plain, said) = analyzed(Some(["positive", "negative", "neutral"]));
    assert!(plain["balance"].as_f64().unwrap() > 0.9 && !said.contains("label"), "{plain} {said}");
    for labels in [["Bullish", "Bearish", "Neutral"], ["POS", "NEG", "NEU"], ["5 stars", "1 star", "3 stars"]]
    {
        let (sentiment, said) = analyzed(Some(labels));
        assert_eq!((&sentiment["balance"], &sentiment["label"]), (&plain["balance"], &json!(labels[0])));
        let meant = format!("{} counts as positive", labels[0]);
        assert!(said.matches(&meant).count() == 1 && !said.contains("id2label"), "{said}");
    }
    for (labels, named) in [
        (None, "LABEL_0, LABEL_1, LABEL_2"),
        (Some(["hawkish", "dovish", "neutral"]), "hawkish, dovish mean"),
    ] {
        let (sentiment, said) = analyzed(labels);
        assert_eq!(sentiment["balance"], 0.0);
        assert_eq!((said.matches(named).count(), said.matches("id2label").count()), (1, 1), "{said}");
    }
}

fn eval(folder: &Path, task: &str, lines: &[Value]) -> std::process::Command {
    let data = folder.join("data.jsonl");
    fs::write(&data, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let mut command = docproc();
    command.args(["eval", task, "--data"]).arg(data);
    command
}

fn errors(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn wrong_sentiments_are_written_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("errors.jsonl");
    // The data says what the model calls otherwise.
    let lines = [
        json!({"text": "profit rose", "label": "positive"}),
        json!({"text": "loss widened", "label": "Bearish"}),
        json!({"text": "the loss widened", "label": "positive"}),
    ];
    let run = || {
        let mut command = eval(folder.path(), "sentiment", &lines);
        command.arg("--config").arg(configured(folder.path(), Some(["Bullish", "Bearish", "Neutral"])));
        command.arg("--errors").arg(&file);
        command
    };
    run().assert().success().stdout(predicate::str::contains("accuracy           0.6667"));
    let found = errors(&file);
    assert_eq!(found.len(), 1);
    let expected = json!([3, "the loss widened", "Bullish", "Bearish"]);
    assert_eq!(json!(["line", "text", "true", "predicted"].map(|key| &found[0][key])), expected);
    let probabilities = found[0]["probabilities"].as_object().unwrap();
    assert!(
        probabilities["Bearish"].as_f64() > probabilities["Bullish"].as_f64() && probabilities.len() == 3
    );
    run().assert().code(2).stderr(predicate::str::contains("does not overwrite it"));
    assert_eq!(errors(&file), found);
}

#[test]
fn wrong_names_are_written_on_request_with_a_confusion_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("errors.jsonl");
    let tokens = ["Apple", "Inc.", "was", "founded", "in", "California", "."];
    let lines = [
        json!({"tokens": tokens, "tags": ["O", "O", "O", "O", "O", "B-PER", "O"]}),
        json!({"tokens": tokens, "tags": ["B-ORG", "I-ORG", "O", "O", "O", "B-LOC", "O"]}),
    ];
    let output = eval(folder.path(), "entities", &lines).arg("--errors").arg(&file).assert().success();
    let said = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let table = said.split("true type").nth(1).expect("a confusion table");
    assert!(table.contains("none") && table.contains("PER") && table.contains("LOC 1"), "{said}");
    let found = errors(&file);
    assert_eq!((found.len(), &found[0]["line"]), (1, &json!(1)), "{found:?}");
    assert_eq!(found[0]["true"], json!([{"type": "PER", "tokens": [5, 6], "text": "California"}]));
    let marked = found[0]["predicted"].as_array().unwrap();
    assert_eq!(marked.len(), found[0]["probabilities"].as_array().unwrap().len());
    assert!(marked.contains(&json!({"type": "LOC", "tokens": [5, 6], "text": "California"})), "{marked:?}");
}

#[test]
fn nothing_marked_is_zero_and_not_negative_zero() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [json!({"tokens": ["the", "table", "is", "below"], "tags": ["O", "O", "O", "O"]})];
    for more in [&[][..], &["--json"]] {
        eval(folder.path(), "entities", &lines)
            .args(more)
            .assert()
            .success()
            .stdout(predicate::str::contains("-0.0").not().and(predicate::str::contains("0")));
    }
}

#[test]
fn errors_go_with_tasks_that_have_items() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [json!({"text": "x", "label": "positive"})];
    for (task, more, message) in [
        ("sentiment", &["--errors"][..], "give --errors a file"),
        ("audit", &["--errors", "x.jsonl"], "--errors goes with"),
    ] {
        eval(folder.path(), task, &lines)
            .args(more)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(message));
    }
}
