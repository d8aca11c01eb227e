//! `docproc train` and `docproc features`: users' own networks, from features and from analyses.

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::{Value, json};

fn docproc(folder: &Path) -> Command {
    let mut command = super::cli::docproc();
    command.current_dir(folder);
    command
}

fn configuration(folder: &Path, layers: &str, features: &str) {
    let text = format!(
        "models:\n  custom_networks:\n    - name: needs_review\n      type: fann\n      layers: {layers}\n      \
         activation: gelu\n      features: {features}\n      file: mine/network.dpnn\n"
    );
    fs::write(folder.join("neural-config.yaml"), text).unwrap();
}

/// An analysis with one section of this text.
fn analysis(text: &str) -> Value {
    json!({
        "schema_version": "1.0.0",
        "tool": {"name": "docproc", "version": "0"},
        "document": {"path": "a.pdf", "sha256": "", "bytes": 1, "media_type": "application/pdf", "page_count": 1},
        "status": "ok", "errors": [], "models": [], "pages": [], "blocks": [],
        "sections": [{"id": 0, "title": "", "level": 0, "pages": [1, 1], "blocks": []}],
        "sentences": [{"id": 0, "section": 0, "block": 0, "page": 1, "boxes": [], "text": text}],
        "entities": [], "figures": [], "tables": [], "scores": [], "anomalies": [],
        "summary": {"pages": 1, "words": 1, "blocks": {}, "sections": 1, "sentences": 1, "entities": {}, "figures": 0,
            "tables": 0, "audit": {"checked": 0, "hold": 0, "broken": 0}, "needs_review": 0},
    })
}

#[test]
fn trains_a_users_network_on_analyses_and_on_their_features() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    configuration(folder, "[128, 4, 1]", "risk/1");
    let calm = "The company sells tools to dealers in many towns and pays its staff on time each month of the year. ";
    let dire = "Plaintiffs filed a lawsuit in court and the defendants appealed the complaint about fraud and default. ";
    let mut rows = String::new();
    for number in 0..12 {
        let (text, label) = if number % 2 == 0 { (calm, 0) } else { (dire, 1) };
        let text = format!("{}{}", text.repeat(2 + number % 3), "It rained. ".repeat(number));
        let file = format!("{number}.json");
        fs::write(folder.join(&file), analysis(&text).to_string()).unwrap();
        if number < 10 {
            let row = json!({"analysis": file, "target": {"section": 0}, "label": label});
            rows.push_str(&format!("{row}\n"));
        } else {
            // What `docproc features` prints is training data once it has a label.
            let printed = docproc(folder).args(["features", &file, "--set", "risk"]).output().unwrap();
            let mut row: Value = serde_json::from_slice(&printed.stdout).unwrap();
            assert_eq!((row["set"].as_str(), row["target"]["section"].as_u64()), (Some("risk/1"), Some(0)));
            assert_eq!(row["features"]["words_litigation"].as_f64().unwrap() > 1.0, label == 1);
            row["label"] = json!(label);
            row["group"] = json!(format!("g{number}"));
            rows.push_str(&format!("{row}\n"));
        }
    }
    fs::write(folder.join("rows.jsonl"), &rows).unwrap();
    docproc(folder)
        .args(["train", "needs_review", "--data", "rows.jsonl", "-o", "mine"])
        .assert()
        .success()
        .stdout(predicate::str::contains("logistic regression"));
    for name in ["network.dpnn", "CARD.md", "curve.csv", "curve.svg"] {
        assert!(folder.join("mine").join(name).is_file(), "{name}");
    }
    let card = fs::read_to_string(folder.join("mine/CARD.md")).unwrap();
    assert!(card.contains("Threshold") && card.contains("feature set `risk`"), "{card}");
    // Logistic regression ships; who asks for the network's layers gets the network.
    assert!(folder.join("mine/network-128-4-1.dpnn").is_file());
    docproc(folder).arg("doctor").assert().success().stdout(predicate::str::contains("needs_review"));
    configuration(folder, "[128, 5, 1]", "risk/1");
    docproc(folder).arg("doctor").assert().code(2).stdout(predicate::str::contains("says layers 128-5-1"));
}

#[test]
fn what_does_not_fit_is_an_error_that_says_both() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("rows.jsonl"), "{\"features\": [1], \"label\": 1}\n").unwrap();
    let train = |layers: &str, features: &str| {
        configuration(folder, layers, features);
        let output = docproc(folder)
            .args(["train", "needs_review", "--data", "rows.jsonl", "-o", "mine"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(train("[100, 1]", "risk").contains("says 100 inputs, feature set risk has 128"));
    assert!(train("[128, 3]", "risk").contains("says 3 outputs"));
    assert!(train("[128, 1]", "moon").contains("unknown feature set"));
    assert!(train("[128, 1]", "risk").contains("1 features; the feature set has 128"));
    docproc(folder)
        .args(["train", "moon", "--data", "rows.jsonl", "-o", "mine"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("custom_networks"));
}

#[test]
fn lists_every_feature_with_its_meaning() {
    let folder = tempfile::tempdir().unwrap();
    docproc(folder.path())
        .args(["features", "--list"])
        .assert()
        .success()
        .stdout(predicate::str::contains("ratios/1: 64 features of a document"))
        .stdout(predicate::str::contains("page/2: 256 features of a page"))
        .stdout(predicate::str::contains("current assets / current liabilities"));
}

#[test]
fn trains_fusion_on_a_users_judgement_and_tests_it_on_rows_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut rows = [String::new(), String::new()];
    for number in 0..30 {
        let label = number % 2;
        let mut analysis = analysis(if label == 1 { "Plaintiffs allege fraud." } else { "Sales rose." });
        analysis["pages"] = json!([{"number": 1, "width": 612.0, "height": 792.0, "rotation": 0,
            "text_source": "text_layer", "text_source_reason": "", "words": 100 + number}]);
        analysis["summary"]["audit"] = json!({"checked": 9, "hold": 9 - 2 * label, "broken": 2 * label});
        let file = format!("{number}.json");
        fs::write(folder.join(&file), analysis.to_string()).unwrap();
        let row = json!({"analysis": file, "label": label, "group": format!("company {}", number / 2)});
        rows[usize::from(number >= 24)].push_str(&format!("{row}\n"));
    }
    fs::write(folder.join("rows.jsonl"), &rows[0]).unwrap();
    fs::write(folder.join("test.jsonl"), &rows[1]).unwrap();
    let train = |test: &str| {
        docproc(folder)
            .args(["train", "fusion", "--data", "rows.jsonl", "--test", test, "-o", "mine"])
            .assert()
    };
    train("test.jsonl").success().stdout(predicate::str::contains("test figures of"));
    let card = fs::read_to_string(folder.join("mine/CARD.md")).unwrap();
    assert!(card.contains("feature set `review`") && card.contains("6 rows in 3 groups"), "{card}");
    train("rows.jsonl").code(2).stderr(predicate::str::contains("is in the training rows and in rows.jsonl"));
}

#[test]
fn a_users_network_for_names_sets_their_confidence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let models = folder.join("models");
    fs::create_dir_all(models.join("networks")).unwrap();
    for name in ["finbert", "layoutlmv3"] {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
        std::os::unix::fs::symlink(shipped, models.join(name)).unwrap();
    }
    // Every other document's annotator has marked nothing but one place: the rest of what the model marks is wrong.
    let companies = ["Apple Inc.", "Microsoft Corporation", "Exxon Mobil Corporation", "Oracle Corporation"];
    let mut data = String::new();
    for document in 0..24 {
        let company = companies[document % 4];
        let before = ["Analysts", "say", "that"];
        let after = ["opened", "an", "office", "in", "London", "."];
        let named: Vec<&str> = company.split(' ').collect();
        let tokens: Vec<&str> = before.iter().chain(&named).chain(&after).copied().collect();
        let marked = document / 4 % 2 == 0;
        let tags: Vec<&str> = (0..tokens.len())
            .map(|place| match place.checked_sub(before.len()) {
                Some(0) if marked => "B-ORG",
                Some(within) if marked && within < named.len() => "I-ORG",
                Some(within) if within == named.len() + 4 => "B-LOC",
                _ if place == 0 && document == 23 => "B-PER",
                _ => "O",
            })
            .collect();
        let row = json!({"tokens": tokens, "tags": tags, "group": format!("document {document}")});
        data.push_str(&format!("{row}\n"));
    }
    fs::write(folder.join("marked.jsonl"), data).unwrap();
    let eval = |arguments: &[&str]| {
        let output = docproc(folder)
            .args(["eval", "entities", "--json", "--data", "marked.jsonl", "--models-dir", "models"])
            .args(arguments)
            .assert()
            .success();
        let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        let figure = |name: &str| report["confidence"][name].as_f64().unwrap();
        (figure("n"), figure("right"), figure("confidence"), figure("calibration_error"))
    };
    let (names, right, before, error_before) = eval(&["--rows", "rows.jsonl"]);
    assert_eq!(fs::read_to_string(folder.join("rows.jsonl")).unwrap().lines().count() as f64, names);
    assert!(names >= 40.0 && right < 0.85 && before > right, "{names} {right} {before}");
    docproc(folder)
        .args(["train", "name_confidence", "--data", "rows.jsonl", "-o", "models/networks/name_confidence"])
        .assert()
        .success();
    let (_, _, after, error_after) = eval(&[]);
    assert!((after - right).abs() < 0.1 && error_after < error_before, "{right}: {before} to {after}");
}
