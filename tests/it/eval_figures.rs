//! `docproc eval figures`.

use std::fs;

use serde_json::{Value, json};

use super::cli::{docproc, reports};

#[test]
fn figures_are_compared_and_a_bad_file_counts_as_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let name = "earnings-release-8k-buckle-2024.pdf";
    fs::copy(reports().join(name), folder.path().join(name)).unwrap();
    fs::write(folder.path().join("broken.pdf"), "no PDF").unwrap();
    let analysis = docproc().args(["analyze", "--jsonl", "-"]).arg(reports().join(name)).output().unwrap();
    let analysis: Value = serde_json::from_slice(&analysis.stdout).unwrap();
    let is_amount = |figure: &&Value| figure["type"] == "MONEY" && figure["value"].as_f64().unwrap() > 1e6;
    let figure = analysis["figures"].as_array().unwrap().iter().find(is_amount).unwrap();
    // A thousand times what is read: the scale is wrong.
    let fact = json!({
        "text": figure["text"], "value": figure["value"].as_f64().unwrap() * 1000.0,
        "scale": figure["scale"].as_i64().unwrap_or(0) + 3, "type": "MONEY", "unit": "USD",
        "page": figure["page"], "box": figure["box"], "place": "prose",
    });
    let lines =
        [name, "broken.pdf"].map(|document| json!({"document": document, "facts": [fact]}).to_string());
    let data = folder.path().join("data.jsonl");
    fs::write(&data, lines.join("\n")).unwrap();
    let eval = |json: &[&str]| {
        let output = docproc().args(["eval", "figures", "--data"]).arg(&data).args(json).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let report: Value = serde_json::from_str(&eval(&["--json"])).unwrap();
    let all = &report["parts"]["all"];
    assert_eq!((&all["facts"], &all["found"], &all["right"]), (&2.into(), &1.into(), &0.into()), "{report}");
    assert_eq!(report["errors"]["broken.pdf"][0]["code"], "input.unsupported", "{report}");
    let sure = usize::from(figure["confidence"].as_f64().unwrap() >= 0.9);
    assert_eq!((&report["sure"]["sure"], &report["sure"]["wrong"]), (&sure.into(), &sure.into()), "{report}");
    assert!(report["not_compared"]["figures"].as_u64().unwrap() > 10, "{report}");
    let table = eval(&[]);
    assert!(table.contains("sure and wrong") && table.contains("not compared"), "{table}");
}
