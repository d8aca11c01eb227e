//! Models with weights in data files: what the cache of optimised graphs makes of them.

use std::fs;
use std::path::Path;

use docproc_onnx::file::{Model, write_with};

use crate::inference::{InferenceOptions, TextModel};
use crate::runtime::environment::for_tests;
use crate::runtime::{BundleOptions, ManagerSettings, ModelBundle, ModelManager};
use crate::tokenize::TokenizerManager;

/// A bundle with data files in `folder`: of a few small tensors, which the cached graph takes in, or of large ones.
fn bundle(folder: &Path, name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/models").join(name);
    for file in ["config.json", "model.onnx", "model.onnx_data", "vocab.txt"] {
        if source.join(file).is_file() {
            fs::copy(source.join(file), folder.join(file)).unwrap();
        }
    }
    if !source.join("model.onnx_data").is_file() {
        let mut model = Model::read(&source.join("model.onnx")).unwrap();
        assert_eq!(write_with(&mut model, &folder.join("model.onnx"), true).unwrap().len(), 2);
    }
}

#[test]
fn a_cached_graph_serves_until_the_data_files_change() {
    for (name, weights_apart) in [("external-weights", false), ("sentiment", true)] {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        bundle(folder.path(), name);
        let run = |graph_cache: Option<&Path>| {
            let graph_cache = graph_cache.map(Path::to_owned);
            let manager =
                ModelManager::new(for_tests(), ManagerSettings { graph_cache, ..ManagerSettings::cpu(2) });
            let bundle = ModelBundle::open(folder.path(), &BundleOptions::default()).unwrap();
            let model =
                TextModel::open(&manager, &TokenizerManager::new(), &bundle, InferenceOptions::default());
            model.unwrap().predict(&["Profit rose."]).unwrap()[0].sentiment.clone().unwrap()
        };
        // What is in the cache, and when it was written.
        let cached = || {
            let mut graphs: Vec<_> = fs::read_dir(cache.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|place| (fs::metadata(place.join("model.onnx")).unwrap().modified().unwrap(), place))
                .collect();
            graphs.sort();
            graphs
        };
        let expected = run(None);
        assert_eq!(run(Some(cache.path())), expected);
        let first = cached();
        assert_eq!(first.len(), 1, "{first:?}");
        assert_eq!(first[0].1.join("optimised.weights").is_file(), weights_apart, "{name}");
        assert_eq!((run(Some(cache.path())), cached()), (expected.clone(), first.clone()), "taken as it is");

        let data = folder.path().join("model.onnx_data");
        let original = fs::read(&data).unwrap();
        // What is tiny as a float may be an integer.
        let other = |number: f32| if number.abs() > 1e-20 { number / 2.0 } else { number };
        let numbers = original.as_chunks::<4>().0.iter();
        let retrained: Vec<u8> =
            numbers.flat_map(|number| other(f32::from_le_bytes(*number)).to_le_bytes()).collect();
        fs::write(&data, &retrained).unwrap();
        assert_ne!(run(Some(cache.path())), expected);
        assert_eq!(cached().len(), 2, "other weights, another graph");

        fs::write(&data, &original).unwrap();
        fs::write(first[0].1.join("model.onnx"), b"damaged").unwrap();
        assert_eq!(run(Some(cache.path())), expected);
        assert_eq!(cached().len(), 2);
        assert_ne!(fs::read(first[0].1.join("model.onnx")).unwrap(), b"damaged", "made again");
    }
}
