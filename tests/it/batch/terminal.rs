//! Nothing that a document, a file name or an argument holds steers the terminal.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::cli::{docproc, read_json};
use super::super::input::pdf::{document_in, text_page};
use super::log::log;
use super::text;

/// Sets the title, colours, forges a line, goes back to its start, and turns the direction of writing.
const NAME: &str = "a\x1b]0;owned\x07\x1b[1m\u{9b}31m\nerror: forged\rb\u{202e}";
/// How it is printed.
const SHOWN: &str = "a\\u001b]0;owned\\u0007\\u001b[1m\\u009b31m\\nerror: forged\\rb\\u202e";

/// A document whose codes A, B and C mean ESC, BEL and the C1 control that begins a sequence.
fn hostile_pdf() -> Vec<u8> {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 4 0 R >>";
    let meaning = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def\n\
         1 begincodespacerange <00> <FF> endcodespacerange\n\
         3 beginbfchar <41> <001B> <42> <0007> <43> <009B> endbfchar\nendcmap end end";
    document_in(font, &[text_page("Net A]0;ownedB sales C31mred ABC rose")], meaning)
}

/// Runs the command; neither of its streams may hold a character that a terminal obeys, apart from ends of lines.
fn run(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap();
    let printed = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    for stream in &printed {
        let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!stream.contains(steers), "{:?}: {stream:?}", command.get_args().collect::<Vec<_>>());
        assert!(!stream.lines().any(|line| line.starts_with("error: forged")), "{stream}");
    }
    let [stdout, stderr] = printed;
    (stdout, stderr)
}

fn place(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn control_characters_of_a_document_are_left_out_and_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(folder.path(), "hostile.pdf", &hostile_pdf());
    let out = folder.path().join("out");
    let mut command = docproc();
    command.arg("analyze").arg(folder.path()).args(["--ocr", "never", "--tables", "csv", "-o"]).arg(&out);
    run(&mut command);
    let analysis = fs::read_to_string(out.join("hostile.pdf.json")).unwrap();
    for control in ["\\u001b", "\\u0007", "\u{9b}", "\\u009b"] {
        assert!(!analysis.contains(control), "{control:?} in {analysis}");
    }
    let analysis = read_json(&out.join("hostile.pdf.json"));
    let said: Vec<_> = analysis["anomalies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|anomaly| anomaly["kind"] == "control_characters")
        .map(|anomaly| anomaly["message"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["6 control characters in the text of 1 page left out"]);
    let (pages, _) = run(docproc().arg("pages").arg(&path).args(["--ocr", "never"]));
    let page: serde_json::Value = serde_json::from_str(&pages).unwrap();
    let words: Vec<_> =
        page["words"].as_array().unwrap().iter().map(|word| word["text"].as_str().unwrap()).collect();
    assert_eq!(words, ["Net", "]0;owned", "sales", "31mred", "rose"]);
}

#[test]
fn names_and_arguments_are_printed_harmless_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let name = |end: &str| format!("{NAME}{end}");
    let broken = place(folder.path(), &name(".pdf"), b"%PDF-1.7\nnot one");
    let model = place(folder.path(), &name(".onnx"), b"not one");
    let wrong = place(folder.path(), &name(".yaml"), format!("{NAME:?}: 1").as_bytes());
    let gone = folder.path().join(name(".gone"));
    let out = folder.path().join(name(".out"));
    let (broken, model, wrong, gone, out) =
        (broken.as_os_str(), model.as_os_str(), wrong.as_os_str(), gone.as_os_str(), out.as_os_str());
    let arguments = |list: &[&dyn AsRef<OsStr>]| -> Vec<std::ffi::OsString> {
        list.iter().map(|argument| argument.as_ref().to_owned()).collect()
    };
    let commands = [
        arguments(&[&"analyze", &broken, &"-o", &out]),
        arguments(&[&"analyze", &broken, &"-o", &out, &"--force", &"-v"]),
        arguments(&[&"analyze", &broken, &"-o", &out, &"--force", &"-q"]),
        arguments(&[&"analyze", &broken, &"-o", &out, &"--force", &"--log-format", &"json"]),
        arguments(&[&"analyze", &broken, &"-o", &out, &"--force", &"--summary", &"json"]),
        arguments(&[&"analyze", &broken, &"--jsonl", &"-"]),
        arguments(&[&"analyze", &broken, &"--dry-run"]),
        arguments(&[&"analyze", &gone]),
        arguments(&[&"analyze", &broken, &"-o", &broken]),
        arguments(&[&"analyze", &broken, &"--jsonl", &broken]),
        arguments(&[&"analyze", &broken, &"--pages", &NAME]),
        arguments(&[&"analyze", &broken, &"--log-format", &"json", &"--jobs", &NAME]),
        arguments(&[&"analyze", &format!("--{NAME}")]),
        arguments(&[&NAME]),
        arguments(&[&"pages", &broken, &gone]),
        arguments(&[&"eval", &"sentiment", &"--data", &gone]),
        arguments(&[&"eval", &"audit", &"--data", &gone]),
        arguments(&[&"bench", &"--quick", &"--only", &"pages/", &"--input", &gone]),
        arguments(&[&"bench", &"--baseline", &gone]),
        arguments(&[&"doctor", &"--config", &wrong]),
        arguments(&[&"doctor", &"--models-dir", &gone]),
        arguments(&[&"models", &"list", &"--config", &wrong]),
        arguments(&[&"models", &"list", &"--models-dir", &gone]),
        arguments(&[&"config", &"show", &"--config", &gone]),
        arguments(&[&"quantize", &model, &"-o", &gone]),
        arguments(&[&"train", &"risk_scorer", &"--data", &gone, &"-o", &out]),
        arguments(&[&"features", &"--pages", &gone]),
    ];
    for arguments in commands {
        let (stdout, stderr) = run(docproc().args(&arguments));
        assert!(format!("{stdout}{stderr}").contains("\\u"), "{arguments:?}: {stdout}{stderr}");
    }
    // What JSON says is what it is.
    let mut command = docproc();
    command.arg("analyze").arg(broken).args(["--log-format", "json", "--force", "-o"]).arg(out);
    let lines = log(&command.output().unwrap());
    let entry = lines.iter().find(|line| line["event"] == "document").unwrap();
    assert!(entry["path"].as_str().unwrap().ends_with(&name(".pdf")), "{entry}");
    let summary = text(&docproc().arg("analyze").arg(broken).arg("-o").arg(out).output().unwrap().stderr);
    assert!(summary.contains(SHOWN), "{summary}");
}
