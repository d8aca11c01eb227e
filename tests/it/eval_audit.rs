//! `docproc eval audit`: errors injected into a document of the fixtures.

use std::fs;

use serde_json::Value;

use super::cli::{docproc, reports};

#[test]
fn errors_are_injected_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.pdf");
    fs::copy(reports().join("earnings-release-8k-buckle-2024.pdf"), &report).unwrap();
    let eval = || {
        let output = docproc()
            .args(["eval", "audit", "--json", "--per-kind", "1", "--data"])
            .arg(folder.path())
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{message}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let figures = eval();
    let injections = figures["injections"].as_u64().unwrap();
    assert!((4..=6).contains(&injections), "one of each kind: {injections}");
    let by_kind = figures["recall_by_kind"].as_object().unwrap();
    assert!(by_kind.contains_key("digit_swap") && by_kind.contains_key("wrong_total"), "{by_kind:?}");
    let recall = figures["recall"].as_f64().unwrap();
    assert!(recall > 0.0 && recall <= 1.0);
    assert!(figures["tables"].as_u64().unwrap() > 0);
    assert!(figures["false_alarms_per_100_tables"].is_number());
    assert_eq!(figures["documents"][0]["claims_from"], "print");

    // A file that cannot be read is listed and does not end the run.
    let broken = folder.path().join("broken.pdf");
    fs::write(&broken, "no PDF").unwrap();
    let with_broken = eval();
    assert_eq!(with_broken["injections"], figures["injections"]);
    assert_eq!(with_broken["documents"][0]["not_read"], true, "{with_broken}");
    fs::remove_file(broken).unwrap();

    // A file of claims beside the document is what counts; a claim that is not printed there is said to be lost.
    let number = r#"{"page": 1, "box": [0, 0, 1, 1], "text": "12,345", "value": 12345}"#;
    fs::write(
        report.with_extension("claims.jsonl"),
        format!(r#"{{"terms": [{number}, {number}], "result": {number}}}"#),
    )
    .unwrap();
    let figures = eval();
    assert_eq!(figures["documents"][0]["claims_from"], "file");
    assert_eq!(
        (&figures["documents"][0]["claims_not_found"], &figures["injections"]),
        (&1.into(), &0.into())
    );
}
