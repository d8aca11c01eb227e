//! Checks and measurements that need models too large to keep, run by hand:
//!
//! ```text
//! python fixtures/reference/models/make.py --full DIR
//! DOCPROC_FULL_MODELS=DIR cargo test --lib full_size -- --ignored --nocapture --test-threads 1
//! ```

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{ImageView, InferenceOptions, LayoutModel, PageInput, PageWords, TextModel};
use crate::runtime::environment::for_tests;
use crate::runtime::{
    BatchBudget, BundleOptions, InferenceCache, ManagerSettings, ModelBundle, ModelManager, Precision,
};
use crate::tokenize::TokenizerManager;

fn folder() -> PathBuf {
    std::env::var_os("DOCPROC_FULL_MODELS").expect("DOCPROC_FULL_MODELS names the folder").into()
}

fn bundle(name: &str, precision: Precision) -> ModelBundle {
    let options = BundleOptions { precision: Some(precision), ..BundleOptions::default() };
    ModelBundle::open(&folder().join(name), &options).unwrap()
}

fn resident_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// User and system time of the process; steadier than the clock on a machine with other work.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Fields 14 and 15 of proc(5), of which the first two are cut off; 100 ticks a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn best(times: usize, mut work: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .min()
        .unwrap()
}

struct Words(Vec<(String, [i64; 4])>);

impl PageWords for Words {
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_> {
        Box::new(self.0.iter().map(|(text, bbox)| (text.as_str(), *bbox)))
    }
}

#[test]
#[ignore = "needs 1 GB of models; see the head of this file"]
fn full_size_exports_load_and_run() {
    for precision in [Precision::Fp32, Precision::Int8] {
        let begun = Instant::now();
        let models = ModelManager::new(for_tests(), ManagerSettings::cpu(2));
        let bundle = bundle("bert-base", precision);
        let model =
            TextModel::open(&models, &TokenizerManager::new(), &bundle, InferenceOptions::default()).unwrap();
        println!("bert-base {}: loaded in {:?}", precision.as_str(), begun.elapsed());
        let text = "revenue rose in the second quarter of the year ".repeat(14);
        let texts: Vec<String> = (0..8).map(|at| format!("{at} {text}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let predictions = model.predict(&texts).unwrap();
        assert!(predictions.iter().all(|text| {
            text.sentiment
                .as_ref()
                .is_some_and(|row| row.len() == 3 && (row.iter().sum::<f32>() - 1.0).abs() < 1e-4)
        }));
        let time = best(3, || drop(model.predict(&texts).unwrap()));
        println!("bert-base {}: 8 texts of 128 tokens in {time:?}", precision.as_str());
    }

    let begun = Instant::now();
    let models = ModelManager::new(for_tests(), ManagerSettings::cpu(2));
    let bundle = bundle("layoutlmv3-base", Precision::Fp32);
    let model =
        LayoutModel::open(&models, &TokenizerManager::new(), &bundle, InferenceOptions::default()).unwrap();
    println!("layoutlmv3-base fp32: loaded in {:?}", begun.elapsed());
    let page = |count: i64| {
        Words((0..count).map(|at| (format!("word{at}"), [at % 900, at, at % 900 + 50, at + 10])).collect())
    };
    let pixels = vec![200; 224 * 224 * 3];
    let image = Some(ImageView { width: 224, height: 224, rgb: &pixels });
    for count in [50, 150, 400] {
        let words = page(count);
        let input = [PageInput { words: &words, image }];
        let prediction = model.predict(&input).unwrap();
        assert_eq!((prediction[0].len(), prediction[0].labels.len()), (usize::try_from(count).unwrap(), 11));
        let time = best(2, || drop(model.predict(&input).unwrap()));
        println!("layoutlmv3-base fp32: a page of {count} words in {time:?}");
    }
}

#[test]
#[ignore = "a measurement; see the head of this file"]
fn full_size_sessions_and_their_memory() {
    for precision in [Precision::Fp32, Precision::Int8] {
        let before = resident_megabytes();
        let models = ModelManager::new(for_tests(), ManagerSettings::cpu(2));
        let loaded = models.load(&bundle("bert-base", precision)).unwrap();
        let one = resident_megabytes();
        let first = loaded.pool.checkout().unwrap();
        let second = loaded.pool.checkout().unwrap();
        println!(
            "bert-base {}: one session {} MB, the second {} MB more",
            precision.as_str(),
            one - before,
            resident_megabytes() - one
        );
        drop((first, second));
    }
}

/// Sentences of the fixture texts, 20 bytes and longer.
fn sentences(text: &str) -> Vec<&str> {
    text.split(['.', '\n']).map(str::trim).filter(|sentence| sentence.len() > 20).take(192).collect()
}

fn fixture_text() -> String {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/tokenizers/rten");
    ["Metal_umlaut.txt", "Rust_(programming_language).txt"]
        .iter()
        .map(|name| fs::read_to_string(fixtures.join(name)).unwrap())
        .collect()
}

/// The bundle that measurements take: `DOCPROC_MEASURE` names a folder inside `DOCPROC_FULL_MODELS`.
fn measured() -> String {
    std::env::var("DOCPROC_MEASURE").unwrap_or_else(|_| "bert-base".into())
}

/// The cache relies on this; `reference.rs` has the same for tiny models in every test run.
#[test]
#[ignore = "needs models; see the head of this file"]
fn full_size_float_results_do_not_depend_on_company() {
    let models = ModelManager::new(for_tests(), ManagerSettings::cpu(2));
    let bundle = bundle(&measured(), Precision::Fp32);
    let cache = Some(Arc::new(InferenceCache::new(64 << 20, None)));
    let open = |cache| {
        let options = InferenceOptions { cache, ..InferenceOptions::default() };
        TextModel::open(&models, &TokenizerManager::new(), &bundle, options).unwrap()
    };
    let (mut model, cached) = (open(None), open(cache));
    assert!(cached.per_window, "the probe finds the model independent of company");
    model.per_window = true;
    let text = fixture_text();
    let sentences = sentences(&text);
    let together = model.predict(&sentences).unwrap();
    for (sentence, expected) in sentences.iter().zip(&together).step_by(5) {
        assert_eq!(&model.predict(&[sentence]).unwrap()[0], expected, "{sentence}");
        assert_eq!(&cached.predict(&[sentence]).unwrap()[0], expected, "{sentence}");
    }
}

/// Sentences per second of the planner against simpler ways, on sentences of the fixture texts.
#[test]
#[ignore = "a measurement; see the head of this file"]
fn full_size_planner_against_naive_batching() {
    let name = measured();
    let text = fixture_text();
    let sentences = sentences(&text);
    let huge = BatchBudget { padded_tokens: usize::MAX, inputs: 32 };
    let tokens = |padded_tokens| BatchBudget { padded_tokens, inputs: 64 };
    for precision in [Precision::Fp32, Precision::Int8] {
        let bundle = bundle(&name, precision);
        let measure = |label: &str, sessions: usize, budget: BatchBudget, chunk: usize, stepped: bool| {
            let models = ModelManager::new(for_tests(), ManagerSettings::cpu(sessions));
            let options = InferenceOptions { budget, ..InferenceOptions::default() };
            let mut model = TextModel::open(&models, &TokenizerManager::new(), &bundle, options).unwrap();
            model.per_window = stepped;
            let mut processor = f64::INFINITY;
            let time = best(3, || {
                let before = processor_seconds();
                for chunk in sentences.chunks(chunk) {
                    drop(model.predict(chunk).unwrap());
                }
                processor = processor.min(processor_seconds() - before);
            });
            println!(
                "{} {label}: {:.1} sentences/s, {:.1} per processor second",
                precision.as_str(),
                sentences.len() as f64 / time.as_secs_f64(),
                sentences.len() as f64 / processor
            );
        };
        measure("batches of 32 as they come, 1 session", 1, huge, 32, false);
        measure("one by one, 1 session", 1, BatchBudget { inputs: 1, ..huge }, usize::MAX, false);
        measure("sorted in 32s, 1 session", 1, huge, usize::MAX, false);
        measure("512 tokens, 1 session", 1, tokens(512), usize::MAX, false);
        measure("256 tokens, 2 sessions", 2, tokens(256), usize::MAX, false);
        measure("256 tokens in steps of 8, 2 sessions", 2, tokens(256), usize::MAX, true);
        measure("512 tokens in steps of 8, 2 sessions", 2, tokens(512), usize::MAX, true);
        measure("128 tokens in steps of 8, 2 sessions", 2, tokens(128), usize::MAX, true);
    }
}
