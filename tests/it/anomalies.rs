//! Hard anomalies from PDF to JSON: seeded ones are found, honest documents are left in peace.

use std::fs;
use std::path::Path;

use assert_cmd::prelude::*;
use serde_json::Value;

use super::cli::{docproc, read_json, reports};
use super::input::pdf::{PageSource, document, page};

/// Kinds that this page of tests is about; those of the arithmetic audit have their own.
const KINDS: [&str; 7] = [
    "hidden_text",
    "text_layer",
    "page_number",
    "impossible_date",
    "period_misfit",
    "font_mismatch",
    "first_digits",
];

fn analyze(inputs: &Path, arguments: &[&str]) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    docproc().arg("analyze").arg(inputs).args(arguments).arg("-o").arg(out.path()).assert().code(0);
    out
}

fn anomalies(analysis: &Value) -> Vec<(String, String)> {
    let list = analysis["anomalies"].as_array().unwrap().iter();
    let text = |anomaly: &Value, key: &str| anomaly[key].as_str().unwrap().to_owned();
    list.map(|anomaly| (text(anomaly, "kind"), text(anomaly, "message")))
        .filter(|(kind, _)| KINDS.contains(&kind.as_str()))
        .collect()
}

/// A paragraph that makes the page one of text, and what comes with it.
fn prose(more: &str) -> PageSource {
    page(&format!(
        "BT /F1 9 Tf 12 TL 40 260 Td (The company sells goods in many countries and reports) Tj T* \
         (its results every quarter. Costs and revenue were as planned.) Tj ET {more}"
    ))
}

fn numbered(numbers: &[u32]) -> Vec<u8> {
    let pages: Vec<PageSource> =
        numbers.iter().map(|number| prose(&format!("BT /F1 8 Tf 200 12 Td ({number}) Tj ET"))).collect();
    document(&pages, "")
}

#[test]
fn seeded_anomalies_are_found() {
    let hidden = "(Net loss of 4,512 million was not disclosed) Tj ET";
    let one = |more: &str| document(&[prose(more)], "");
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("mode", one(&format!("BT 3 Tr /F1 9 Tf 40 150 Td {hidden}")), "hidden_text", "invisible mode"),
        (
            "white",
            one(&format!("BT 1 g /F1 9 Tf 40 150 Td {hidden}")),
            "hidden_text",
            "colour of the background",
        ),
        ("tiny", one(&format!("BT /F1 1 Tf 40 150 Td {hidden}")), "hidden_text", "smaller than 2 points"),
        (
            "outside",
            one(&format!("BT /F1 9 Tf 40 -150 Td {hidden}")),
            "hidden_text",
            "outside the visible page",
        ),
        (
            "blackened",
            one(&format!("BT /F1 9 Tf 40 150 Td {hidden} 30 140 300 30 re f")),
            "hidden_text",
            "painted over it",
        ),
        (
            "image",
            one(&format!(
                "BT /F1 9 Tf 40 150 Td {hidden} q 300 0 0 30 30 140 cm BI /W 1 /H 1 /CS /G /BPC 8 ID P EI Q"
            )),
            "hidden_text",
            "painted over it",
        ),
        ("missing", numbered(&[1, 2, 3, 5, 6, 7]), "page_number", "page number 4 is missing"),
        ("double", numbered(&[1, 2, 3, 3, 4, 5]), "page_number", "page number 3 occurs twice"),
        (
            "date",
            one("BT /F1 9 Tf 40 150 Td (The audit as of September 31, 2024 found nothing.) Tj ET"),
            "impossible_date",
            "September 31 does not exist",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, ..) in &cases {
        fs::write(folder.path().join(format!("{name}.pdf")), bytes).unwrap();
    }
    let out = analyze(folder.path(), &[]);
    for (name, _, kind, says) in &cases {
        let analysis = read_json(&out.path().join(format!("{name}.pdf.json")));
        let found = anomalies(&analysis);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].0 == *kind && found[0].1.contains(says), "{name}: {found:?}");
        let evidence = &analysis["anomalies"][0]["evidence"][0];
        assert!(evidence["page"].as_u64().unwrap() >= 1 && evidence["box"].is_array(), "{evidence}");
        if *kind == "hidden_text" {
            let lines = analysis["anomalies"][0]["evidence"].as_array().unwrap();
            let text: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
            assert_eq!(text.join(" "), "Net loss of 4,512 million was not disclosed", "{name}");
        }
    }
}

/// Words that the findings call hidden.
fn hidden_words(analysis: &Value) -> usize {
    let hidden = anomalies(analysis).into_iter().filter(|(kind, _)| kind == "hidden_text");
    hidden.map(|(_, message)| message.split(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

/// Two sentences that everybody sees, and ten of nine words each that nobody does.
#[test]
fn hidden_text_stays_hidden_as_the_majority() {
    let seen = "BT /F1 9 Tf 12 TL 40 270 Td (The company sells goods in many countries and reports its results every) \
                Tj T* (quarter, with figures for each of the regions in which it has offices and) Tj T* \
                (warehouses of its own. Costs and revenue were as planned in all of them, and) Tj T* \
                (the board of directors expects no change of the dividend in the coming year.) Tj ET ";
    let lines = |how: &str| -> String {
        let line = |at: u32| {
            let y = 210 - 15 * at;
            format!("BT {how} /F1 9 Tf 40 {y} Td (Losses rose sharply and the outlook {at} is bleak.) Tj ET ")
        };
        (0..10).map(line).collect()
    };
    let scan = "q 400 0 0 300 0 0 cm BI /W 64 /H 1 /CS /G /BPC 1 ID UUUUUUUU EI Q ";
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("plain", seen.to_owned()),
        ("invisible", seen.to_owned() + &lines("3 Tr")),
        ("white", seen.to_owned() + &lines("1 g")),
        ("alone", lines("3 Tr")),
        ("scan", scan.to_owned() + &lines("3 Tr")),
    ] {
        fs::write(folder.path().join(format!("{name}.pdf")), document(&[page(&content)], "")).unwrap();
    }
    let out = analyze(folder.path(), &["--ocr", "never"]);
    let of = |name: &str| read_json(&out.path().join(format!("{name}.pdf.json")));
    let plain = of("plain");
    assert_eq!((plain["sentences"].as_array().unwrap().len(), hidden_words(&plain)), (2, 0));
    for name in ["invisible", "white"] {
        let analysis = of(name);
        assert_eq!(analysis["summary"]["words"], plain["summary"]["words"], "{name}");
        assert_eq!(hidden_words(&analysis), 90, "{name}");
        assert!(!analysis["sentences"].to_string().contains("Losses"), "{name}: {}", analysis["sentences"]);
    }
    assert_eq!(of("invisible")["sentences"], plain["sentences"]);
    let is_empty = |analysis: &Value| {
        let nothing = analysis["blocks"].as_array().unwrap().is_empty();
        nothing && analysis["pages"][0]["text_source"] == "none" && hidden_words(analysis) == 90
    };
    assert!(is_empty(&of("alone")), "a page that is nothing but hidden text: {}", of("alone"));
    let scan = of("scan");
    assert_eq!(
        (&scan["summary"]["words"], hidden_words(&scan)),
        (&Value::from(90), 0),
        "a scan's text layer"
    );
    // What OCR reads instead does not make the hidden text vanish from the findings.
    let out = analyze(folder.path(), &["--include", "alone.pdf"]);
    let alone = read_json(&out.path().join("alone.pdf.json"));
    assert!(is_empty(&alone), "{alone}");
}

#[test]
fn honest_documents_have_no_hard_anomalies() {
    let out = analyze(&reports(), &["--ocr", "never", "--fail-on", "never"]);
    let (mut looked_at, mut pages) = (0, 0);
    for report in fs::read_dir(out.path()).unwrap() {
        let path = report.unwrap().path();
        if path.file_name().is_some_and(|name| name != "manifest.json") && path.is_file() {
            let excerpt = path.to_string_lossy().contains("excerpt");
            let analysis = read_json(&path);
            assert_eq!(analysis["status"], "ok", "{}", path.display());
            pages += analysis["pages"].as_array().unwrap().len();
            let mut found = anomalies(&analysis);
            // An excerpt does lack pages.
            found.retain(|(kind, _)| !(excerpt && kind == "page_number"));
            // This one has machine identifiers of 1 point beside its sections: hidden text indeed, told once.
            if path.to_string_lossy().contains("nara-2022") {
                assert_eq!(found.len(), 1, "{found:?}");
                assert!(found[0].1.contains("smaller than 2 points"), "{found:?}");
                found.clear();
            }
            assert_eq!(found, [], "{}", path.display());
            looked_at += 1;
        }
    }
    assert_eq!((looked_at, pages), (10, 53));
}
