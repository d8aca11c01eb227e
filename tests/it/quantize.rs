//! `docproc quantize` and quantisation at first use, as a user meets them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assert_cmd::prelude::*;
use predicates::prelude::*;
use serde_json::{Value, json};

use crate::batch::signal;
use crate::cli::{docproc, read_json, reports};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/models").join(name)
}

/// The fixtures' texts, each labelled with what the float model says in PyTorch.
fn labelled(folder: &Path) -> PathBuf {
    let texts = read_json(&reference("texts.json"));
    let labels = ["positive", "negative", "neutral"];
    let lines: String = texts["texts"]
        .as_array()
        .unwrap()
        .iter()
        .zip(texts["sentiment"].as_array().unwrap())
        .map(|(text, logits)| {
            let logits: Vec<f64> = logits.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            let best = (0..3).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
            format!("{}\n", json!({"text": text, "label": labels[best]}))
        })
        .collect();
    let path = folder.join("labelled.jsonl");
    fs::write(&path, lines).unwrap();
    path
}

/// A models folder with a manifest and a copy of a fixture bundle without its quantised variant.
fn models(folder: &Path, name: &str) -> PathBuf {
    let bundle = folder.join("models").join(name);
    fs::create_dir_all(&bundle).unwrap();
    for entry in fs::read_dir(reference(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "model.int8.onnx" {
            fs::copy(&path, bundle.join(path.file_name().unwrap())).unwrap();
        }
    }
    bundle
}

#[test]
fn the_gate_evaluates_both_models_and_the_manifest_follows() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, data) = (models(folder.path(), "sentiment"), labelled(folder.path()));
    let root = folder.path().join("models");
    docproc().args(["models", "verify", "--update", "--models-dir"]).arg(&root).assert().success();
    let output = bundle.join("model.int8.onnx");
    docproc()
        .arg("quantize")
        .arg(bundle.join("model.onnx"))
        .arg("-o")
        .arg(&output)
        .args(["--gate", "sentiment", "--max-drop", "100", "--data"])
        .arg(&data)
        .assert()
        .success()
        .stdout(
            predicate::str::contains("metric     sentiment macro-F1 of the original: 100.00")
                .and(predicate::str::contains("speed "))
                .and(predicate::str::contains("manifest.json updated")),
        );
    let report = read_json(&bundle.join("model.int8.onnx.report.json"));
    assert_eq!(report["metric"][0]["items"], 8);
    assert_eq!(report["metric"][0]["interval"].as_array().unwrap().len(), 2);
    assert_eq!(report["files"], json!(["model.int8.onnx"]));
    assert_eq!(report["inputs"], "8 texts");
    assert!(report["layers"].as_array().unwrap().iter().all(|layer| layer["precision"] == "int8"));
    // The manifest knows the new file, so it is held against its checksum like the others.
    let manifest = read_json(&root.join("manifest.json"));
    assert!(manifest["files"]["sentiment/model.int8.onnx"]["sha256"].is_string());
    docproc().args(["models", "verify", "--models-dir"]).arg(&root).assert().success();
}

#[test]
fn a_refused_model_is_not_written_unless_forced_and_layers_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (data, output) = (labelled(folder.path()), folder.path().join("x.int8.onnx"));
    let quantize = || {
        let mut command = docproc();
        command.arg("quantize").arg(reference("sentiment/model.onnx")).arg("-o").arg(&output);
        command.args(["--min-cosine", "1", "--calibration"]).arg(&data);
        command
    };
    quantize()
        .assert()
        .code(1)
        .stderr(predicate::str::contains("[quantize.gate]").and(predicate::str::contains("/layer.")));
    assert!(!output.exists());
    let forced = quantize().args(["--force", "--json"]).assert().success();
    let report: Value = serde_json::from_slice(&forced.get_output().stdout).unwrap();
    assert!(!report["objections"].as_array().unwrap().is_empty());
    assert!(String::from_utf8_lossy(&forced.get_output().stderr).contains("written although"));
    assert!(output.exists());
}

#[test]
fn documents_calibrate_a_layout_model() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("x.int8.onnx");
    docproc()
        .arg("quantize")
        .arg(reference("layoutlmv3/model.onnx"))
        .arg("-o")
        .arg(&output)
        .args(["--mode", "int8", "--calibration-limit", "1", "--force", "--calibration"])
        .arg(reports().join("earnings-release-8k-buckle-2024.pdf"))
        .assert()
        .success();
    let report = read_json(&folder.path().join("x.int8.onnx.report.json"));
    assert_eq!(report["inputs"], "1 of 5 pages of documents");
    assert!(report["agreement"]["logits"]["rows"].as_u64().unwrap() > 100);
}

#[test]
fn wrong_wishes_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let data = labelled(folder.path());
    let data = data.to_str().unwrap();
    for (arguments, message) in [
        (&["--mode", "int8"][..], "--calibration"),
        (&["--gate", "sentiment"], "--data"),
        (&["--gate", "layout", "--data", data], "no layout labels"),
        (&["--calibration", "gone"], "input.not_found"),
        (&["--max-drop=-1"], "config.invalid"),
        (&["--percentile", "99.9"], "--percentile goes with --mode int8"),
        (&["--include", "zzz*"], "no layer and no weight is named `zzz*`"),
    ] {
        docproc()
            .arg("quantize")
            .arg(reference("sentiment/model.onnx"))
            .arg("-o")
            .arg(folder.path().join("x.onnx"))
            .args(arguments)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(message));
    }
    assert!(!folder.path().join("x.onnx").exists());
}

#[test]
fn a_variant_is_made_at_first_use_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, data) = (models(folder.path(), "sentiment"), labelled(folder.path()));
    let config = folder.path().join("neural-config.yaml");
    let write = |more: &str| {
        let text = format!(
            "models:\n  finbert:\n    path: {}\n    enable_quantization: true\n{more}",
            bundle.display()
        );
        fs::write(&config, text).unwrap();
    };
    let eval = || {
        let mut command = docproc();
        command.env("DOCPROC_CACHE_DIR", folder.path().join("cache"));
        command.args(["eval", "sentiment", "--json", "--config"]).arg(&config).arg("--data").arg(&data);
        command
    };
    write("    quantization_mode: fp16\n");
    let first = eval().assert().success().stderr(predicate::str::contains("quantising sentiment (fp16)"));
    let kept: Vec<PathBuf> = fs::read_dir(folder.path().join("cache/quantized"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("model.fp16.onnx"))
        .collect();
    assert!(kept.len() == 1 && kept[0].is_file());
    let made = fs::metadata(&kept[0]).unwrap().modified().unwrap();
    let second = eval().assert().success().stderr(predicate::str::contains("quantising").not());
    assert_eq!(first.get_output().stdout, second.get_output().stdout);
    assert_eq!(fs::metadata(&kept[0]).unwrap().modified().unwrap(), made);
    docproc()
        .env("DOCPROC_CACHE_DIR", folder.path().join("cache"))
        .args(["models", "list", "--config"])
        .arg(&config)
        .assert()
        .success()
        .stdout(predicate::str::contains("model.fp16.onnx"));
    // It is measured, too.
    docproc()
        .env("DOCPROC_CACHE_DIR", folder.path().join("cache"))
        .args(["bench", "--list", "--config"])
        .arg(&config)
        .assert()
        .success()
        .stdout(
            predicate::str::contains("model/sentiment.fp16/latency")
                .and(predicate::str::contains("model/sentiment.fp32/latency")),
        );
    // Static scales need data; a damaged graph is an error and leaves nothing behind.
    write("    quantization_mode: int8\n");
    eval().assert().code(2).stderr(predicate::str::contains("models.finbert.calibration"));
    write(&format!("    quantization_mode: int8\n    calibration: {}\n", data.display()));
    eval().assert().success().stderr(predicate::str::contains("(int8) at first use"));
}

/// A process whose messages are read while it runs.
struct Running {
    child: Child,
    messages: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let messages = BufReader::new(child.stderr.take().unwrap());
        Self { child, messages, said: String::new() }
    }

    fn wait_for(&mut self, message: &str) {
        while !self.said.contains(message) {
            assert_ne!(self.messages.read_line(&mut self.said).unwrap(), 0, "{}", self.said);
        }
    }

    /// Exit code, standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        self.messages.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), self.said)
    }
}

#[test]
fn of_several_processes_one_makes_a_variant() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, data) = (models(folder.path(), "sentiment"), labelled(folder.path()));
    let (config, cache) = (folder.path().join("neural-config.yaml"), folder.path().join("cache"));
    let text = format!(
        "models:\n  finbert:\n    path: {}\n    enable_quantization: true\n    quantization_mode: fp16\n",
        bundle.display()
    );
    fs::write(&config, text).unwrap();
    let eval = || {
        let mut command = docproc();
        command.env("DOCPROC_CACHE_DIR", &cache).args(["eval", "sentiment", "--json", "--config"]);
        command.arg(&config).arg("--data").arg(&data);
        Running::start(&mut command)
    };
    const MAKES: &str = "quantising sentiment (fp16) at first use";
    const WAITS: &str = "another process is quantising sentiment: waiting for it";

    let ends: Vec<_> = [eval(), eval(), eval()].map(Running::end).into_iter().collect();
    assert!(ends.iter().all(|end| end.0 == Some(0) && end.1 == ends[0].1), "{ends:?}");
    let makers = ends.iter().filter(|end| end.2.contains(MAKES)).count();
    assert_eq!(makers, 1, "{ends:?}");
    let variants: Vec<PathBuf> =
        fs::read_dir(cache.join("quantized")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(variants.len(), 1);
    let (variant, lock) = (variants[0].join("model.fp16.onnx"), variants[0].join(".lock"));
    let made = fs::read(&variant).unwrap();

    // While this process holds the lock, others wait, and take what they find then.
    fs::remove_file(&variant).unwrap();
    let held = File::options().append(true).open(&lock).unwrap();
    held.lock().unwrap();
    let mut waiting = eval();
    waiting.wait_for(WAITS);
    let out = folder.path().join("out");
    let mut command = docproc();
    command.env("DOCPROC_CACHE_DIR", &cache).arg("analyze").arg(reports().join("rotated-page.pdf"));
    let mut interrupted = Running::start(command.arg("--config").arg(&config).arg("-o").arg(&out));
    interrupted.wait_for(WAITS);
    signal(&interrupted.child, rustix::process::Signal::INT);
    let (code, _, said) = interrupted.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(waiting.child.try_wait().unwrap().is_none());
    fs::write(&variant, &made).unwrap();
    drop(held);
    let (code, stdout, said) = waiting.end();
    assert!(code == Some(0) && stdout == ends[0].1 && !said.contains(MAKES), "{said}");

    // A maker that is killed leaves nothing that blocks the next.
    fs::remove_file(&variant).unwrap();
    let mut killed = eval();
    killed.wait_for(MAKES);
    killed.child.kill().unwrap();
    killed.end();
    let (code, stdout, said) = eval().end();
    assert!(code == Some(0) && stdout == ends[0].1 && !said.contains(WAITS), "{said}");
    assert_eq!(fs::read(&variant).unwrap(), made);
}
