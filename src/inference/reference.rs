//! Whole models against PyTorch: the tiny random-weight models of `fixtures/reference/models`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::probabilities::softmax;
use super::{ImageView, InferenceOptions, LayoutModel, PageInput, PageWords, TextModel};
use crate::error::ErrorCode;
use crate::runtime::environment::for_tests;
use crate::runtime::{
    BatchBudget, BundleOptions, Device, InferenceCache, ManagerSettings, Manifest, ModelBundle, ModelManager,
    OptimizationLevel, Precision,
};
use crate::tokenize::TokenizerManager;

const TOLERANCE: f32 = 1e-4;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/models")
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(models().join(name)).expect(name)).expect(name)
}

fn bundle(name: &str) -> ModelBundle {
    ModelBundle::open(&models().join(name), &BundleOptions::default()).unwrap()
}

fn manager() -> ModelManager {
    ModelManager::new(for_tests(), ManagerSettings::cpu(2))
}

fn text_model(name: &str, options: InferenceOptions) -> TextModel {
    TextModel::open(&manager(), &TokenizerManager::new(), &bundle(name), options).unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < TOLERANCE, "{what}: {found} instead of {expected}");
    }
}

#[derive(Deserialize)]
struct Texts {
    texts: Vec<String>,
    sentiment: Vec<Vec<f32>>,
    entities: Vec<Vec<Vec<f32>>>,
    many_heads: Vec<Heads>,
}

#[derive(Deserialize)]
struct Heads {
    sentiment: Vec<f32>,
    entity: Vec<Vec<f32>>,
    embedding: Vec<f32>,
    section: Vec<f32>,
}

#[test]
fn a_sentiment_export_runs_by_configuration_alone() {
    let reference: Texts = json("texts.json");
    let model = text_model("sentiment", InferenceOptions::default());
    assert_eq!(**model.sentiment_labels().unwrap(), ["positive", "negative", "neutral"]);
    let texts: Vec<&str> = reference.texts.iter().map(String::as_str).collect();
    let predictions = model.predict(&texts).unwrap();
    for ((prediction, logits), text) in predictions.iter().zip(&reference.sentiment).zip(&texts) {
        assert_close(prediction.sentiment.as_ref().unwrap(), &softmax(logits, 1.0), text);
        assert!(prediction.entities.is_empty() && prediction.embedding.is_none());
    }
    // The last text is longer than a window; its probabilities are a mean of theirs.
    let long = predictions.last().unwrap().sentiment.as_ref().unwrap();
    assert!((long.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    assert!(model.predict(&[]).unwrap().is_empty());
}

#[test]
fn an_entity_export_runs_by_configuration_alone() {
    let reference: Texts = json("texts.json");
    let model = text_model("entities", InferenceOptions::default());
    assert!(model.sentiment_labels().is_none() && model.finds_entities());
    let texts: Vec<&str> =
        reference.texts.iter().take(reference.entities.len()).map(String::as_str).collect();
    let labels = ["O", "ORG", "ORG", "MONEY", "MONEY"];
    let mut spans = 0;
    for ((prediction, logits), text) in
        model.predict(&texts).unwrap().iter().zip(&reference.entities).zip(&texts)
    {
        // A word's tag is that of its first token, so every span begins at one of PyTorch's tags of that type.
        let tags: Vec<&str> = logits
            .iter()
            .map(|row| labels[row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0])
            .collect();
        for span in &prediction.entities {
            spans += 1;
            assert!(tags.contains(&span.label.as_str()), "{text}");
            assert!(span.confidence > 0.2 && span.confidence <= 1.0 + 1e-6);
            assert_eq!(text[span.range.clone()].trim(), &text[span.range.clone()]);
        }
        assert!(prediction.entities.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
    }
    assert!(spans > 5);
}

#[test]
fn several_heads_come_from_one_pass() {
    let reference: Texts = json("texts.json");
    let model = text_model("many-heads", InferenceOptions::default());
    let texts: Vec<&str> = reference.texts.iter().map(String::as_str).collect();
    let predictions = model.predict(&texts).unwrap();
    for ((prediction, heads), text) in predictions.iter().zip(&reference.many_heads).zip(&texts) {
        assert_close(prediction.sentiment.as_ref().unwrap(), &softmax(&heads.sentiment, 1.5), text);
        assert_close(prediction.embedding.as_ref().unwrap(), &heads.embedding, text);
        assert!(heads.entity.len() >= 2);
    }
    assert_eq!(model.section_labels().unwrap().len(), reference.many_heads[0].section.len());
    let kinds = model
        .predict_sections(&[
            ("Risk Factors", "We may lose money."),
            ("Outlook", ""),
            ("Risk Factors", "We may lose money."),
        ])
        .unwrap()
        .unwrap();
    assert_eq!(kinds[0], kinds[2]);
    assert!(kinds.iter().all(|row| row.len() == 3 && (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
}

/// The results for a text must not depend on its neighbours, bit for bit, where it is cached by itself.
#[test]
fn float_results_are_the_same_in_any_company_and_from_the_cache() {
    let reference: Texts = json("texts.json");
    let texts: Vec<&str> = reference.texts.iter().map(String::as_str).collect();
    let cache = || Some(Arc::new(InferenceCache::new(1 << 20, None)));
    for name in ["many-heads", "sentiment", "entities"] {
        let one = text_model(name, InferenceOptions { cache: cache(), ..InferenceOptions::default() });
        assert!(one.per_window);
        let together = one.predict(&texts).unwrap();
        let shared = cache();
        let other =
            text_model(name, InferenceOptions { cache: shared.clone(), ..InferenceOptions::default() });
        for (text, expected) in texts.iter().zip(&together).rev() {
            assert_eq!(&other.predict(&[text]).unwrap()[0], expected, "{name}: {text}");
        }
        let before = shared.as_ref().unwrap().statistics();
        assert_eq!(other.predict(&texts).unwrap(), together);
        let after = shared.unwrap().statistics();
        assert!(after.hits > before.hits && after.misses == before.misses);
        // Without a cache texts are padded to the longest of their batch, which moves nothing that is printed.
        for (plain, expected) in
            text_model(name, InferenceOptions::default()).predict(&texts).unwrap().iter().zip(&together)
        {
            if let (Some(plain), Some(expected)) = (&plain.sentiment, &expected.sentiment) {
                assert_close(plain, expected, name);
            }
        }
    }
}

#[test]
fn dynamic_int8_is_cached_by_whole_batch() {
    let reference: Texts = json("texts.json");
    let texts: Vec<&str> = reference.texts.iter().map(String::as_str).collect();
    let options = BundleOptions { precision: Some(Precision::Int8), ..BundleOptions::default() };
    let bundle = ModelBundle::open(&models().join("sentiment"), &options).unwrap();
    let cache = Arc::new(InferenceCache::new(1 << 20, None));
    let open = |cache: Option<Arc<InferenceCache>>| {
        let options = InferenceOptions { cache, ..InferenceOptions::default() };
        TextModel::open(&manager(), &TokenizerManager::new(), &bundle, options).unwrap()
    };
    let (plain, cached) = (open(None), open(Some(Arc::clone(&cache))));
    assert!(!plain.model().batch_invariant && !cached.per_window);
    let expected = plain.predict(&texts).unwrap();
    // Warm the cache with other company; the document's own result must not change by that.
    cached.predict(&texts[..3]).unwrap();
    assert_eq!(cached.predict(&texts).unwrap(), expected);
    let before = cache.statistics().hits;
    assert_eq!(cached.predict(&texts).unwrap(), expected);
    assert!(cache.statistics().hits > before);
    // Close to float32, as int8 should be.
    let float = text_model("sentiment", InferenceOptions::default()).predict(&texts).unwrap();
    for (int8, float) in expected.iter().zip(&float) {
        for (a, b) in int8.sentiment.iter().flatten().zip(float.sentiment.iter().flatten()) {
            assert!((a - b).abs() < 0.2);
        }
    }
}

#[derive(Clone, Deserialize)]
struct PageCase {
    words: Vec<String>,
    boxes: Vec<[i64; 4]>,
    #[serde(default)]
    image: String,
    logits: Vec<Option<Vec<f32>>>,
}

#[derive(Deserialize)]
struct Pages {
    layoutlmv3: Vec<PageCase>,
    layoutlm: PageCase,
}

impl PageWords for PageCase {
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_> {
        Box::new(self.words.iter().map(String::as_str).zip(self.boxes.iter().copied()))
    }
}

fn layout_model(name: &str, options: InferenceOptions) -> LayoutModel {
    LayoutModel::open(&manager(), &TokenizerManager::new(), &bundle(name), options).unwrap()
}

fn image_of(page: &PageCase) -> image::RgbImage {
    let folder = models().parent().unwrap().join("tokenizers");
    image::open(folder.join(&page.image)).unwrap().to_rgb8()
}

fn view(image: &image::RgbImage) -> ImageView<'_> {
    ImageView { width: image.width() as usize, height: image.height() as usize, rgb: image.as_raw() }
}

#[test]
fn layoutlmv3_matches_pytorch_page_by_page_and_in_batches() {
    let reference: Pages = json("pages.json");
    let images: Vec<image::RgbImage> = reference.layoutlmv3.iter().map(image_of).collect();
    let pages: Vec<PageInput<'_>> = reference
        .layoutlmv3
        .iter()
        .zip(&images)
        .map(|(words, image)| PageInput { words, image: Some(view(image)) })
        .collect();
    for budget in [BatchBudget::CPU, BatchBudget { padded_tokens: 100_000, inputs: 4 }] {
        let model = layout_model("layoutlmv3", InferenceOptions { budget, ..InferenceOptions::default() });
        assert_eq!(model.labels().len(), 11);
        let predictions = model.predict(&pages).unwrap();
        for (page, prediction) in reference.layoutlmv3.iter().zip(&predictions) {
            assert_eq!(prediction.len(), page.words.len());
            for (word, logits) in page.logits.iter().enumerate() {
                let expected = softmax(logits.as_ref().unwrap(), 1.0);
                assert_close(prediction.word(word), &expected, &page.words[word]);
            }
        }
    }
    let model = layout_model("layoutlmv3", InferenceOptions::default());
    let without = PageInput { words: &reference.layoutlmv3[0], image: None };
    assert_eq!(model.predict(&[without]).unwrap_err().code(), ErrorCode::ImageMalformed);
    assert!(model.predict(&[]).unwrap().is_empty());
}

#[test]
fn pages_without_words_and_long_pages_work() {
    let reference: Pages = json("pages.json");
    let image = image_of(&reference.layoutlmv3[0]);
    let empty = PageCase { words: vec![], boxes: vec![], image: String::new(), logits: vec![] };
    let words: Vec<String> = (0..2000).map(|word| format!("word{word}")).collect();
    let boxes = (0..2000).map(|at| [at % 900, at / 2, at % 900 + 40, at / 2 + 1]).collect();
    let long = PageCase { words, boxes, ..empty.clone() };
    let pages = [&empty, &long].map(|words| PageInput { words, image: Some(view(&image)) });
    let predictions = layout_model("layoutlmv3", InferenceOptions::default()).predict(&pages).unwrap();
    assert!(predictions[0].is_empty());
    assert_eq!(predictions[1].len(), 2000);
    for word in 0..2000 {
        assert!((predictions[1].word(word).iter().sum::<f32>() - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_layout_model_without_pixels_runs() {
    let reference: Pages = json("pages.json");
    let page = &reference.layoutlm;
    let predictions = layout_model("layoutlm", InferenceOptions::default())
        .predict(&[PageInput { words: page, image: None }])
        .unwrap();
    for (word, logits) in page.logits.iter().enumerate() {
        if let Some(logits) = logits {
            assert_close(predictions[0].word(word), &softmax(logits, 1.0), &page.words[word]);
        }
    }
}

#[test]
fn sessions_share_a_graph_cache_and_a_damaged_one_is_made_again() {
    let reference: Texts = json("texts.json");
    let texts: Vec<&str> = reference.texts.iter().map(String::as_str).collect();
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let settings =
            ManagerSettings { graph_cache: Some(folder.path().to_owned()), ..ManagerSettings::cpu(2) };
        let models = ModelManager::new(for_tests(), settings);
        let model = TextModel::open(
            &models,
            &TokenizerManager::new(),
            &bundle("many-heads"),
            InferenceOptions::default(),
        );
        model.unwrap().predict(&texts).unwrap()
    };
    let files = || {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let expected = text_model("many-heads", InferenceOptions::default()).predict(&texts).unwrap();
    assert_eq!(run(), expected);
    let cached = files();
    assert_eq!(cached.len(), 1, "{cached:?}");
    let stored = fs::read(&cached[0]).unwrap();
    assert_eq!(run(), expected);
    fs::write(&cached[0], b"damaged").unwrap();
    assert_eq!(run(), expected);
    assert_eq!(files(), cached);
    assert_eq!(fs::read(&cached[0]).unwrap(), stored);
}

#[test]
fn wrong_bundles_say_what_is_wrong() {
    let code = |result: crate::error::Result<ModelBundle>| result.unwrap_err().code();
    let none = BundleOptions::default();
    assert_eq!(code(ModelBundle::open(&models().join("nothing"), &none)), ErrorCode::ModelNotFound);
    assert_eq!(code(ModelBundle::open(&models(), &none)), ErrorCode::ModelNotFound);
    let fp16 = BundleOptions { precision: Some(Precision::Fp16), ..BundleOptions::default() };
    assert_eq!(code(ModelBundle::open(&models().join("sentiment"), &fp16)), ErrorCode::ModelNotFound);

    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("broken");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("model.onnx"), b"not a graph").unwrap();
    fs::copy(models().join("sentiment/vocab.txt"), folder.join("vocab.txt")).unwrap();
    assert_eq!(code(ModelBundle::open(&folder, &none)), ErrorCode::ModelInvalid);
    // Field 1 of a model, the version of the format, and no graph.
    fs::write(folder.join("model.onnx"), [8, 8]).unwrap();
    let broken = ModelBundle::open(&folder, &none).unwrap();
    let open = |bundle: &ModelBundle| {
        TextModel::open(&manager(), &TokenizerManager::new(), bundle, InferenceOptions::default())
            .map(drop)
            .unwrap_err()
            .code()
    };
    assert_eq!(open(&broken), ErrorCode::ModelInvalid);

    // The manifest is held against every file of the bundle.
    Manifest::of_folder(root.path(), &[]).unwrap().write().unwrap();
    let manifest = Manifest::read(root.path()).unwrap().unwrap();
    let checked = BundleOptions { manifest: Some(&manifest), ..BundleOptions::default() };
    ModelBundle::open(&folder, &checked).unwrap();
    fs::write(folder.join("vocab.txt"), b"[PAD]\n").unwrap();
    assert_eq!(code(ModelBundle::open(&folder, &checked)), ErrorCode::ModelChecksum);
    fs::write(folder.join("model.onnx"), [8, 9]).unwrap();
    assert_eq!(code(ModelBundle::open(&folder, &checked)), ErrorCode::ModelChecksum);

    // A layout model is no text model, and the other way round.
    let error = LayoutModel::open(
        &manager(),
        &TokenizerManager::new(),
        &bundle("sentiment"),
        InferenceOptions::default(),
    );
    assert_eq!(error.map(drop).unwrap_err().code(), ErrorCode::ModelInvalid);
    // Labels that do not fit the output.
    let mut wrong = bundle("many-heads");
    wrong.config = bundle("layoutlm").config;
    assert_eq!(open(&wrong), ErrorCode::ModelInvalid);
}

#[test]
fn bundles_open_by_file_and_by_the_example_configurations_paths() {
    let by_file =
        ModelBundle::open(&models().join("sentiment/model.int8.onnx"), &BundleOptions::default()).unwrap();
    assert_eq!((by_file.name.as_str(), by_file.precision), ("sentiment", Precision::Int8));
    // `models/finbert.onnx` beside a folder `models/finbert`.
    let missing = ModelBundle::open(&models().join("sentiment.onnx"), &BundleOptions::default()).unwrap();
    assert_eq!((missing.name.as_str(), missing.precision), ("sentiment", Precision::Fp32));
    let root = tempfile::tempdir().unwrap();
    fs::copy(models().join("sentiment/model.onnx"), root.path().join("finbert.onnx")).unwrap();
    let tokenizer = models().join("sentiment/vocab.txt");
    let options = BundleOptions { tokenizer: Some(&tokenizer), ..BundleOptions::default() };
    let flat = ModelBundle::open(&root.path().join("finbert.onnx"), &options).unwrap();
    assert_eq!(flat.name, "finbert");
    assert_eq!(flat.config.only_labels().len(), 3, "config.json is found beside the tokenizer");
    let model =
        TextModel::open(&manager(), &TokenizerManager::new(), &flat, InferenceOptions::default()).unwrap();
    assert!(model.predict(&["Net loss widened."]).unwrap()[0].sentiment.is_some());
}

#[test]
fn devices_that_are_not_there_are_named() {
    let environment = for_tests();
    assert!(Device::Cpu.resolve(&environment, false).unwrap().notice.is_none());
    for device in [Device::Cuda(0), Device::TensorRt(1)] {
        // The test library is the CPU build, so no machine has these.
        let error = device.resolve(&environment, false).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DeviceUnavailable);
        assert_eq!(error.culprit().part.as_deref(), Some(device.to_string().as_str()));
        assert!(error.remedy().is_some());
    }
    let auto = Device::Auto.resolve(&environment, true).unwrap();
    assert!(auto.provider.is_cpu());
    assert_eq!(auto.notice.is_some(), cfg!(feature = "cuda"));
}

#[test]
fn every_optimisation_level_gives_the_same_numbers() {
    let reference: Texts = json("texts.json");
    let texts: Vec<&str> = reference.texts.iter().take(3).map(String::as_str).collect();
    for level in [0, 1, 2, 3, 99] {
        let settings = ManagerSettings {
            optimization: OptimizationLevel::from_number(level).unwrap(),
            ..ManagerSettings::cpu(1)
        };
        let models = ModelManager::new(for_tests(), settings);
        let model = TextModel::open(
            &models,
            &TokenizerManager::new(),
            &bundle("sentiment"),
            InferenceOptions::default(),
        );
        for (prediction, logits) in model.unwrap().predict(&texts).unwrap().iter().zip(&reference.sentiment) {
            assert_close(
                prediction.sentiment.as_ref().unwrap(),
                &softmax(logits, 1.0),
                &format!("level {level}"),
            );
        }
    }
    assert_eq!(OptimizationLevel::from_number(4).unwrap_err().code(), ErrorCode::ConfigInvalid);
}
