//! The same input gives the same bytes, whatever the number of jobs, the order of arrival and the state of the cache.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::cli::{docproc, files, read_json, reports};
use super::{Analyses, Random, empty_cache, text, with_cache};

/// Analyses of the fixtures that `include` matches (all if it is empty), in the order of a list.
struct Runs {
    list: Vec<PathBuf>,
    more: Vec<&'static str>,
}

impl Runs {
    fn new(names: &[&str], more: &[&'static str]) -> Self {
        let mut list: Vec<PathBuf> = fs::read_dir(reports())
            .unwrap()
            .map(|entry| PathBuf::from("fixtures/reports").join(entry.unwrap().file_name()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "pdf" || extension == "tif"))
            .filter(|path| names.is_empty() || names.iter().any(|name| path.to_string_lossy().contains(name)))
            .collect();
        list.sort();
        assert!(list.len() >= names.len().max(1));
        Self { list, more: more.to_vec() }
    }

    /// Analyzes the documents in this order; gives the analyses and the cache's part of the manifest.
    fn run(&self, order: &[PathBuf], cache: &Path, arguments: &[&str]) -> (Analyses, serde_json::Value) {
        let out = tempfile::tempdir().unwrap();
        let list = out.path().join("list");
        let lines: Vec<String> = order.iter().map(|path| path.display().to_string()).collect();
        fs::write(&list, lines.join("\n")).unwrap();
        let mut command = docproc();
        with_cache(&mut command, cache).arg("analyze").arg("--files-from").arg(&list);
        command.args(&self.more).args(arguments).arg("-o").arg(out.path().join("analyses"));
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output.stderr));
        let analyses = files(&out.path().join("analyses"));
        assert_eq!(analyses.len(), self.list.len(), "{}", text(&output.stderr));
        (analyses, read_json(&out.path().join("analyses/manifest.json"))["cache"].clone())
    }

    /// Every way of running must give the same bytes.
    fn check(&self) {
        let cache = empty_cache();
        let same = |expected: &Analyses, found: &Analyses, how: &str| {
            for ((path, expected), (other, bytes)) in expected.iter().zip(found) {
                assert!(path == other && expected == bytes, "{} differs {how}", path.display());
            }
        };
        let cold = ["--disk-cache-size", "0"];
        let (expected, _) = self.run(&self.list, cache.path(), &[&cold[..], &["--jobs", "1"]].concat());
        let mut random = Random(7);
        for jobs in ["2", "8"] {
            let mut order = self.list.clone();
            for at in (1..order.len()).rev() {
                order.swap(at, (random.next() % (at as u64 + 1)) as usize);
            }
            let arguments = [&cold[..], &["--jobs", jobs]].concat();
            same(&expected, &self.run(&order, cache.path(), &arguments).0, &format!("with --jobs {jobs}"));
        }
        let (found, filled) = self.run(&self.list, cache.path(), &["--jobs", "2"]);
        same(&expected, &found, "with a cache on disk that is filled");
        assert!(filled["disk_written"].as_u64().unwrap() > 0, "{filled}");
        let (found, warm) = self.run(&self.list, cache.path(), &["--jobs", "2"]);
        same(&expected, &found, "with a warm cache on disk");
        assert!(warm["disk_hits"].as_u64().unwrap() > 0 && warm["misses"] == 0, "{warm}");
        // Half of the cache is gone or damaged.
        for (index, file) in cache_files(cache.path()).into_iter().enumerate() {
            match index % 4 {
                0 => fs::remove_file(file).unwrap(),
                1 => fs::write(file, "damaged").unwrap(),
                _ => {}
            }
        }
        let (found, half) = self.run(&self.list, cache.path(), &["--jobs", "2"]);
        same(&expected, &found, "with a damaged cache on disk");
        assert!(half["disk_hits"].as_u64().unwrap() > 0 && half["misses"].as_u64().unwrap() > 0, "{half}");
    }
}

fn cache_files(cache: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(cache.join("inference")).unwrap();
    folders
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect()
}

#[test]
fn some_fixtures_give_the_same_bytes_however_they_are_run() {
    Runs::new(&["rotated", "study", "two-columns"], &["--pages", "1", "--ocr", "never"]).check();
}

#[test]
#[ignore = "minutes; `make soak-kill`"]
fn all_fixtures_give_the_same_bytes_however_they_are_run() {
    Runs::new(&[], &[]).check();
}

/// The fixtures, and what lies in the folder that DOCPROC_SOAK_CORPORA names.
#[test]
#[ignore = "minutes with a folder; `make soak-kill`"]
fn documents_of_every_kind_give_the_same_bytes_in_either_order() {
    let corpora = std::env::var_os("DOCPROC_SOAK_CORPORA").map(PathBuf::from);
    let mut list = Vec::new();
    for folder in [Some(reports()), corpora].into_iter().flatten() {
        let more = docproc::input::discover(&[folder], &docproc::input::DiscoverOptions::default()).unwrap();
        list.extend(more.inputs.into_iter().map(|input| input.path));
    }
    let runs = Runs { list, more: vec!["--ocr", "never", "--disk-cache-size", "0"] };
    let cache = empty_cache();
    let (forwards, _) = runs.run(&runs.list, cache.path(), &["--jobs", "1"]);
    let backwards: Vec<PathBuf> = runs.list.iter().rev().cloned().collect();
    let (backwards, _) = runs.run(&backwards, cache.path(), &["--jobs", "2"]);
    for ((path, bytes), (other, others)) in forwards.iter().zip(&backwards) {
        assert!(path == other && bytes == others, "{} differs", path.display());
    }
    println!("{} documents, the same bytes in either order", forwards.len());
}

/// `batch_size` is part of the configuration. Pages are batches of their own on a CPU, so that it does not change what
/// the layout model says; int8 models scale by the whole batch, so that it may change what they say about texts.
#[test]
fn the_batch_size_does_not_change_layout() {
    let run = |batch_size: u32| {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("neural-config.yaml");
        fs::write(&config, format!("models: {{layoutlmv3: {{batch_size: {batch_size}}}}}\n")).unwrap();
        let mut command = docproc();
        command.args([
            "analyze",
            "fixtures/reports/study-excerpt-head-start.pdf",
            "--ocr",
            "never",
            "--config",
        ]);
        command.arg(&config).arg("-o").arg(folder.path().join("out"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        files(&folder.path().join("out"))
    };
    let one = run(1);
    assert_eq!(one.len(), 1);
    assert!(one == run(8));
}
