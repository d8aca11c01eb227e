//! `docproc export`: what is written of the fixtures, and who reads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::prelude::*;
use serde_json::{Value, json};

use super::cli::{docproc, files};
use super::fixtures::{FIXTURES, RUN};

/// Texts that a spreadsheet, a browser or a Markdown reader would run.
const HOSTILE: [&str; 3] = [
    "=cmd|' /C calc'!A0 <script>alert(1)</script>",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1 [x](javascript:y) `z` | # - \"\n",
];

/// A folder with the analyses of the shared run, as a run leaves it.
pub fn analyzed() -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    fs::create_dir(out.path().join(".docproc")).unwrap();
    for (name, analysis) in &RUN.analyses {
        write(&out.path().join(format!("{name}.json")), analysis);
    }
    out
}

fn write(path: &Path, analysis: &Value) {
    fs::write(path, serde_json::to_vec_pretty(analysis).unwrap()).unwrap();
}

fn exported(out: &Path, to: &str) -> String {
    let output = docproc().arg("export").arg(out).args(["--to", to]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    stderr
}

const ALL: &str = "csv,docling,md,parquet,xlsx";

#[test]
fn exports_are_the_same_bytes_wherever_they_are_made_and_only_what_is_missing_is_made_again() {
    let (one, two) = (analyzed(), analyzed());
    let told = exported(one.path(), ALL);
    assert!(told.contains("10 analyses: 50 exports written"), "{told}");
    exported(two.path(), ALL);
    let whole = files(one.path());
    assert_eq!(
        whole.len(),
        10 * (1 + 3 + 2 * 10),
        "an analysis, three files and ten of each kind of long table"
    );
    assert!(whole == files(two.path()), "the bytes differ");

    fs::remove_file(one.path().join("rotated-page.pdf.xlsx")).unwrap();
    let missing = whole.iter().map(|(path, _)| path).find(|path| path.starts_with("parquet/cells")).unwrap();
    fs::remove_file(one.path().join(missing)).unwrap();
    let told = exported(one.path(), ALL);
    assert!(told.contains("2 exports written, 48 current and skipped"), "{told}");
    assert!(whole == files(one.path()), "the bytes differ");

    // Its rows would be counted for ever.
    fs::remove_file(one.path().join("rotated-page.pdf.json")).unwrap();
    let told = exported(one.path(), "parquet");
    assert!(told.contains("9 current and skipped, 1 removed"), "{told}");
    assert!(
        !files(one.path()).iter().any(|(path, _)| path.starts_with("parquet") && is_of(path, "rotated-page"))
    );
    assert!(one.path().join("rotated-page.pdf.md").exists(), "Markdown was not asked for");
}

fn is_of(path: &Path, document: &str) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with(document)
}

#[test]
fn a_changed_analysis_is_exported_again_and_a_broken_one_costs_itself() {
    let out = analyzed();
    exported(out.path(), "md");
    let path = out.path().join("rotated-page.pdf.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("rotated", "renamed", 1)).unwrap();
    let told = exported(out.path(), "md");
    assert!(told.contains("1 export written, 9 current and skipped"), "{told}");

    fs::write(&path, "{\n  \"schema_version\": \"9\"").unwrap();
    let failed = docproc().arg("export").arg(out.path()).args(["--to", "docling"]).assert().code(1);
    let told = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(told.contains("data.invalid") && told.contains("rotated-page.pdf.json"), "{told}");
    assert!(told.contains("9 exports written"), "{told}");
}

#[test]
fn files_of_others_are_left_alone_and_a_folder_without_analyses_is_named() {
    let out = analyzed();
    let note = out.path().join("rotated-page.pdf.md");
    fs::write(&note, "mine").unwrap();
    let failed = docproc().arg("export").arg(out.path()).args(["--to", "md"]).assert().code(2);
    let told = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(told.contains("output.foreign") && told.contains("rotated-page.pdf.md"), "{told}");
    assert_eq!(fs::read_to_string(&note).unwrap(), "mine");
    assert_eq!(files(out.path()).len(), 11, "nothing else was written");

    let empty = tempfile::tempdir().unwrap();
    let failed = docproc().arg("export").arg(empty.path()).args(["--to", "md"]).assert().code(2);
    let told = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(told.contains("input.not_found"), "{told}");
}

#[test]
fn markdown_reads_like_the_document() {
    let out = analyzed();
    exported(out.path(), "md");
    let text = fs::read_to_string(out.path().join("annual-report-10k-excerpt-apple-2024.pdf.md")).unwrap();
    let in_order = [
        "<a id=\"p1\"></a>\n\n# Item 7. Management",
        "### First Quarter 2024:\n\n- MacBook Pro 14-in.;\n- MacBook Pro 16-in.; and\n- iMac.\n\n###",
        "<a id=\"p2\"></a>\n\n",
        "*Table 0 (page 2, USD, in millions)*\n\n|  | 2024 | Change | 2023 | Change | 2022 |\n|---|---:|",
        "| Total net sales | $ 391,035 | 2 % |",
        "| Services[^p3-1] | 96,169 |",
        "[^p3-1]: Services net sales include amortization",
        "<a id=\"p10\"></a>",
    ];
    let mut rest = text.as_str();
    for part in in_order {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is missing in {rest}")).1;
    }
    assert!(!text.contains("2024 Form 10-K | 22"), "running feet are left out");
}

/// Every text of the analysis becomes a hostile one.
fn hostile(analysis: &mut Value) {
    let mut next = HOSTILE.iter().cycle();
    for key in ["blocks", "sections", "sentences", "figures", "entities"] {
        for item in analysis[key].as_array_mut().unwrap() {
            let field = if key == "sections" { "title" } else { "text" };
            item[field] = json!(next.next().unwrap());
        }
    }
    for table in analysis["tables"].as_array_mut().unwrap() {
        table["caption"] = json!(HOSTILE[0]);
        for cell in table["cells"].as_array_mut().unwrap() {
            cell["text"] = json!(next.next().unwrap());
        }
    }
    analysis["document"]["metadata"] = json!({"title": HOSTILE[0]});
}

#[test]
fn what_a_document_says_is_neither_formula_nor_markup() {
    let out = analyzed();
    let path = out.path().join("annual-report-10k-excerpt-apple-2024.pdf.json");
    let mut analysis = RUN.analyses["annual-report-10k-excerpt-apple-2024.pdf"].clone();
    hostile(&mut analysis);
    write(&path, &analysis);
    exported(out.path(), ALL);
    for (path, bytes) in files(out.path()) {
        if !is_of(&path, "annual-report") {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        match path.extension().and_then(|end| end.to_str()) {
            Some("csv") => {
                let mut rows = csv::Reader::from_reader(&bytes[..]);
                for row in rows.records() {
                    for field in row.unwrap().iter().filter(|field| field.parse::<f64>().is_err()) {
                        assert!(!field.starts_with(['=', '@', '+']), "{}: {field}", path.display());
                    }
                }
            }
            Some("md") => {
                assert!(
                    !text.contains("<script") && !text.contains("[x](") && text.contains("&lt;script&gt;")
                );
            }
            _ => {}
        }
    }
}

/// The packages of tests/python/requirements.txt.
fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/.venv/bin/python")
}

#[test]
fn readers_of_each_format_find_what_the_analyses_say_with_python_packages() {
    let out = analyzed();
    let path = out.path().join("rotated-page.pdf.json");
    let mut analysis = RUN.analyses["rotated-page.pdf"].clone();
    hostile(&mut analysis);
    write(&path, &analysis);
    let output =
        docproc().arg("export").arg(out.path()).args(["--to", ALL, "--front-matter"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/check_exports.py");
    let output = Command::new(python()).arg(script).arg(out.path()).output().expect("make python-packages");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout == b"fine\n", "{told}");
}

#[test]
fn a_spreadsheet_computes_the_sums_that_are_printed_with_soffice() {
    let out = analyzed();
    exported(out.path(), "xlsx");
    let book = out.path().join("earnings-release-8k-buckle-2024.pdf.xlsx");
    let home = format!("-env:UserInstallation=file://{}/home", out.path().display());
    let output = Command::new("soffice")
        .args([
            &home,
            "--headless",
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1",
        ])
        .arg("--outdir")
        .arg(out.path().join("sheets"))
        .arg(&book)
        .output()
        .expect("apt-get install libreoffice-calc-nogui");
    let told = String::from_utf8_lossy(&output.stderr);
    // Java is missing and not needed.
    let warned = told.lines().any(|line| line.to_lowercase().contains("warn") && !line.contains("javaldx"));
    assert!(output.status.success() && !warned, "{told}");
    let sheet = |name: &str| {
        let path = out.path().join(format!("sheets/earnings-release-8k-buckle-2024.pdf-{name}.csv"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let income = sheet("T0 p3");
    assert!(income.contains("Gross profit,140071,147215"), "{income}");
    let checks = sheet("Checks");
    assert_eq!(checks.lines().skip(1).filter(|line| line.ends_with(",TRUE")).count(), 43, "{checks}");
    assert!(!checks.contains("Err:") && !checks.contains("#REF"), "{checks}");
}

#[test]
fn all_fixtures_have_an_export() {
    let out = analyzed();
    exported(out.path(), "xlsx");
    for name in FIXTURES {
        assert!(out.path().join(format!("{name}.xlsx")).exists(), "{name}");
    }
}
