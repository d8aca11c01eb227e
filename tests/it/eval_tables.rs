//! `docproc eval tables` on a folder annotated here.

use std::fs;

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::Value;

use super::cli::{docproc, read_json, reports};

#[test]
fn table_figures_of_an_annotated_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["docs", "truth"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let pdf = "study-excerpt-head-start.pdf";
    fs::copy(reports().join(pdf), folder.path().join("docs").join(pdf)).unwrap();
    fs::copy(reports().join("rotated-page.pdf"), folder.path().join("docs/rotated-page.pdf")).unwrap();
    let out = folder.path().join("out");
    docproc().arg("analyze").arg(folder.path().join("docs")).arg("-o").arg(&out).assert().success();
    // What docproc itself finds, written as an annotation: it must agree with itself.
    let analysis = read_json(&out.join(format!("{pdf}.json")));
    let (mut regions, mut cells) = (String::new(), String::new());
    assert_eq!(analysis["tables"].as_array().unwrap().len(), 2);
    for table in analysis["tables"].as_array().unwrap() {
        let page = table["page"].as_u64().unwrap();
        let height = analysis["pages"][page as usize - 1]["height"].as_f64().unwrap();
        let corner = |index: usize| table["box"][index].as_f64().unwrap();
        regions += &format!(
            "<region page='{page}'><bounding-box x1='{:.0}' y1='{:.0}' x2='{:.0}' y2='{:.0}'/></region>",
            corner(0),
            height - corner(3),
            corner(2),
            height - corner(1)
        );
        cells += &format!("<region page='{page}'>");
        for cell in table["cells"].as_array().unwrap() {
            let at = |name: &str| cell[name].as_u64().unwrap();
            let notes: String =
                cell["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let text = format!("{}{notes}", cell["text"].as_str().unwrap());
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            cells += &format!(
                "<cell start-row='{}' end-row='{}' start-col='{}' end-col='{}'><content>{text}</content></cell>",
                at("row"),
                at("row") + at("row_span") - 1,
                at("column"),
                at("column") + at("column_span") - 1
            );
        }
        cells += "</region>";
    }
    let stem = pdf.trim_end_matches(".pdf");
    fs::write(folder.path().join(format!("truth/{stem}-reg.xml")), regions).unwrap();
    fs::write(folder.path().join(format!("truth/{stem}-str.xml")), cells).unwrap();
    fs::remove_dir_all(&out).unwrap();
    let output = docproc()
        .args(["eval", "tables", "--json", "--data"])
        .arg(folder.path().join("docs"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["documents"], 1);
    assert_eq!(report["end_to_end"]["f1"], 1.0, "{report}");
    assert_eq!((&report["completeness"], &report["purity"]), (&1.0.into(), &1.0.into()));
    assert!(report["regions_given"]["f1"].as_f64().unwrap() > 0.9, "{report}");
    assert_eq!(report["without_annotation"].as_array().unwrap().len(), 1);

    // Neither a bad document nor a bad annotation ends the comparison.
    fs::write(folder.path().join("docs/broken.pdf"), "no PDF").unwrap();
    let truth = folder.path().join("truth");
    for (name, cells) in [("broken", format!("{stem}-str.xml")), ("unclear", "lost-str.xml".to_owned())] {
        fs::copy(truth.join(format!("{stem}-reg.xml")), truth.join(format!("{name}-reg.xml"))).unwrap();
        let cells = fs::read(truth.join(cells)).unwrap_or_default();
        fs::write(truth.join(format!("{name}-str.xml")), cells).unwrap();
    }
    fs::copy(folder.path().join("docs").join(pdf), folder.path().join("docs/unclear.pdf")).unwrap();
    let output = docproc()
        .args(["eval", "tables", "--json", "--data"])
        .arg(folder.path().join("docs"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["documents"], &report["completeness"]), (&2.into(), &0.5.into()), "{report}");
    let errors = report["errors"].as_object().unwrap();
    let named = |name: &str| errors.keys().any(|path| path.ends_with(name));
    assert!(errors.len() == 2 && named("broken.pdf") && named("unclear.pdf"), "{report}");
    let empty = tempfile::tempdir().unwrap();
    docproc()
        .args(["eval", "tables", "--data"])
        .arg(empty.path())
        .assert()
        .code(2)
        .stderr(predicate::str::contains("data.invalid"));
}
