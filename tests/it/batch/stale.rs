//! What is current: whatever an analysis depends on, a change of it alone makes the analysis anew, once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::cli::{docproc, read_json};
use super::{empty_cache, text, with_cache};

/// A copy of the models that a run takes, and a document.
struct Place {
    root: TempDir,
    cache: TempDir,
}

impl Place {
    fn new() -> Self {
        let (root, cache) = (tempfile::tempdir().unwrap(), empty_cache());
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, source) in
            [("text", "fixtures/reference/models/external-weights"), ("layout", "models/layoutlmv3")]
        {
            fs::create_dir(root.path().join(name)).unwrap();
            for entry in fs::read_dir(project.join(source)).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, root.path().join(name).join(path.file_name().unwrap())).unwrap();
            }
        }
        let at = |name| root.path().join(name).display().to_string();
        let config = format!(
            "models:\n  layoutlmv3:\n    path: {}\n  finbert:\n    path: {}\n",
            at("layout"),
            at("text")
        );
        fs::write(root.path().join("config.yaml"), config).unwrap();
        Self { root, cache }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = read_json(&self.path(name));
        change(&mut value);
        fs::write(self.path(name), value.to_string()).unwrap();
    }

    /// What a run did with the document, and what the analysis says of its sentiment.
    fn run(&self) -> (String, Value) {
        let (mut command, out) = (docproc(), self.path("out"));
        with_cache(&mut command, self.cache.path());
        command.arg("analyze").arg(self.path("text/three-good-sentences.pdf")).arg("--config");
        command.arg(self.path("config.yaml")).arg("-o").arg(&out);
        let programs = std::env::join_paths(
            [self.path("bin")].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let output = command.env("PATH", programs.unwrap()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("is made again"), "{}", text(&output.stderr));
        let manifest = read_json(&out.join("manifest.json"));
        let outcome = manifest["documents"][0]["outcome"].as_str().unwrap().to_owned();
        let analysis = read_json(&out.join(manifest["documents"][0]["output"].as_str().unwrap()));
        (outcome, analysis["summary"]["sentiment"].clone())
    }

    /// Runs twice: the first must analyze, the second skip. Gives the sentiment.
    fn changed(&self, what: &str) -> Value {
        let (outcome, sentiment) = self.run();
        assert_eq!(outcome, "analyzed", "{what}");
        assert_eq!(self.run(), ("skipped".to_owned(), sentiment.clone()), "{what}");
        sentiment
    }
}

#[test]
fn every_part_of_a_model_makes_analyses_anew() {
    let place = Place::new();
    let positive = place.changed("the first run");
    assert_eq!(positive["label"], "positive");
    let data = place.path("text/model.onnx_data");
    fs::copy(place.path("text/model.onnx_data.retrained"), &data).unwrap();
    assert_eq!(place.changed("external data")["label"], "negative");
    place.edit("text/config.json", |config| {
        config["id2label"] = json!({"0": "negative", "1": "positive", "2": "neutral"})
    });
    let swapped = place.changed("labels");
    assert_eq!(swapped["label"], "positive");
    place.edit("text/config.json", |config| config["calibration"] = json!({"temperature": 3.0}));
    assert_ne!(place.changed("temperature"), swapped);
    let vocabulary = fs::read_to_string(place.path("text/vocab.txt")).unwrap();
    let (profit, loss) = (vocabulary.replace("\nprofit\n", "\n@\n"), "\nloss\n");
    let vocabulary = profit.replace(loss, "\nprofit\n").replace("\n@\n", loss);
    fs::write(place.path("text/vocab.txt"), vocabulary).unwrap();
    place.changed("vocabulary");
    fs::write(place.path("text/tokenizer_config.json"), r#"{"do_lower_case": false}"#).unwrap();
    place.changed("tokenizer settings");
    fs::write(place.path("text/special_tokens_map.json"), "{}").unwrap();
    place.changed("special tokens");
    place.edit("layout/preprocessor_config.json", |config| config["image_mean"] = json!([0.4, 0.5, 0.5]));
    place.changed("preprocessor");
    let tokenizer = fs::read_to_string(place.path("layout/tokenizer.json")).unwrap();
    fs::write(place.path("layout/tokenizer.json"), tokenizer + "\n").unwrap();
    place.changed("tokenizer");
}

#[test]
fn the_ocr_program_and_its_language_data_make_analyses_anew() {
    let place = Place::new();
    for folder in ["bin", "data/configs"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    let program = |version: &str| {
        let data = place.path("data");
        let script = format!(
            "#!/bin/bash\ncase $1 in\n--version) echo 'tesseract {version}'; echo ' Found AVX2';;\n\
             --list-langs) echo 'List of available languages in \"{}/\" (1):'; echo eng;;\nesac\n",
            data.display()
        );
        fs::write(place.path("bin/tesseract"), script).unwrap();
        fs::set_permissions(place.path("bin/tesseract"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let config = fs::read_to_string(place.path("config.yaml")).unwrap();
    fs::write(place.path("config.yaml"), config + "analyze:\n  ocr_engine: tesseract\n").unwrap();
    program("9.0");
    fs::write(place.path("data/eng.traineddata"), "letters").unwrap();
    place.changed("the first run");
    let manifest = read_json(&place.path("out/manifest.json"));
    assert_eq!(manifest["libraries"]["tesseract"], "tesseract 9.0");
    fs::write(place.path("data/eng.traineddata"), "better letters").unwrap();
    place.changed("language data");
    fs::write(place.path("data/configs/tsv"), "tessedit_create_tsv 1\n").unwrap();
    place.changed("its settings");
    program("9.1");
    place.changed("another version");
    // Another language's data is not read.
    fs::write(place.path("data/deu.traineddata"), "Buchstaben").unwrap();
    assert_eq!(place.run().0, "skipped");
}
