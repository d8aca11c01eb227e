//! Graphs that quantisers trip over, made by `fixtures/reference/quantize/make_cases.py`.

use std::path::{Path, PathBuf};

use assert_cmd::prelude::*;
use docproc::config::{NativeLibrary, native_library};
use docproc::quantize::{Inputs, OrtLoader, quantize, tensors};
use docproc::runtime::Environment;
use docproc_onnx::file::{ElementType, Model, TensorProto};
use docproc_onnx::{Mode, ModelLoader, QuantizeHooks, QuantizeOptions, QuantizeReport, Tensors};
use predicates::prelude::*;

use crate::cli::docproc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/quantize")
}

fn case(name: &str) -> PathBuf {
    folder().join(format!("case_{name}.onnx"))
}

fn loader() -> OrtLoader {
    let library = native_library(NativeLibrary::OnnxRuntime).expect("`make native` gets ONNX Runtime");
    OrtLoader { environment: Environment::load(&library).expect("ONNX Runtime loads"), threads: 1 }
}

fn run(name: &str, options: &QuantizeOptions, output: &Path) -> QuantizeReport {
    let Inputs { samples, .. } = tensors(&folder().join("case_inputs"), 64).unwrap();
    let hooks = QuantizeHooks {
        loader: &loader(),
        samples: &samples,
        origin: None,
        evaluate: None,
        progress: &|_| {},
    };
    quantize(&case(name), output, options, hooks).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn options(mode: Mode) -> QuantizeOptions {
    QuantizeOptions { speed_pairs: 0, ..QuantizeOptions::new(mode) }
}

/// Largest difference of any output relative to its largest value, input by input; computed here, not by the gate.
fn difference(original: &Path, result: &Path) -> f32 {
    let loader = loader();
    let mut models = [original, result].map(|path| loader.load(path).unwrap());
    let mut largest = 0f32;
    for inputs in &tensors(&folder().join("case_inputs"), 64).unwrap().samples {
        let [expected, actual]: [Tensors; 2] = models.each_mut().map(|model| model.run(inputs).unwrap());
        for (name, expected) in &expected {
            let (expected, actual) = (expected.floats().unwrap(), actual[name].floats().unwrap());
            let size = expected.iter().fold(0f32, |size, value| size.max(value.abs()));
            for (left, right) in expected.iter().zip(actual) {
                assert!(left.is_finite() && right.is_finite(), "{name}: {left} {right}");
                largest = largest.max((left - right).abs() / size);
            }
        }
    }
    largest
}

fn constants(model: &Model, kind: ElementType) -> impl Iterator<Item = &TensorProto> {
    model.graph().initializer.iter().filter(move |tensor| tensor.element_type() == Some(kind))
}

#[test]
fn half_precision_stays_close_whatever_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "shared_weight",
        "shared_roles",
        "half_then_float",
        "float_then_half",
        "outer_values_in_if",
        "outer_values_in_loop",
        "large_constant",
        "large_values",
        "large_through_shapes",
        "small_constant",
        "large_result",
        "masks",
        "filler_comes_out",
        "mean_and_deviation",
    ] {
        let output = folder.path().join(format!("{name}.onnx"));
        let report = run(name, &options(Mode::Fp16), &output);
        if name == "large_result" {
            // All of it but the first product is beyond half precision.
            assert_eq!(report.layers.iter().filter(|layer| layer.weight == "w").count(), 1);
        }
        assert!(report.objections.is_empty(), "{name}: {:?}", report.objections);
        let difference = difference(&case(name), &output);
        assert!(difference < 0.01, "{name}: {difference}");
        let model = Model::read(&output).unwrap();
        assert!(constants(&model, ElementType::Float16).count() > 0, "{name}: nothing is in half precision");
    }
}

#[test]
fn masks_stay_in_half_precision_and_large_constants_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("x.onnx");
    let names = |kind| -> Vec<String> {
        let model = Model::read(&output).unwrap();
        constants(&model, kind).map(|tensor| tensor.name().to_owned()).collect()
    };
    let report = run("large_constant", &options(Mode::Fp16), &output);
    assert_eq!(names(ElementType::Float16), ["w", "v"]);
    for name in ["million", "ten_millions"] {
        assert!(names(ElementType::Float).contains(&name.to_owned()));
        let layer = report.layers.iter().find(|layer| layer.weight == name).expect("reported");
        assert!(layer.reason.as_ref().unwrap().contains("half precision"), "{layer:?}");
    }
    run("masks", &options(Mode::Fp16), &output);
    let model = Model::read(&output).unwrap();
    let halves: Vec<&str> = constants(&model, ElementType::Float16).map(TensorProto::name).collect();
    assert!(halves.contains(&"lowest_float16"), "chosen from in half precision: {halves:?}");
    let filler = constants(&model, ElementType::Float16).find(|tensor| tensor.name() == "lowest_float16");
    let bytes = model.bytes(filler.unwrap()).unwrap();
    assert_eq!(u16::from_le_bytes([bytes[0], bytes[1]]), 0xfbff, "-65504");
}

#[test]
fn shared_weights_are_stored_once_and_load_on_every_processor() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["shared_weight", "shared_roles"] {
        for mode in [Mode::Dynamic, Mode::Int8] {
            let output = folder.path().join("x.onnx");
            let options = QuantizeOptions { embeddings: true, ..options(mode) };
            let report = run(name, &options, &output);
            assert!(report.objections.is_empty(), "{name}: {:?}", report.objections);
            assert!(difference(&case(name), &output) < 0.05, "{name} {mode:?}");
            let model = Model::read(&output).unwrap();
            let weights: Vec<&TensorProto> =
                constants(&model, ElementType::Int8).filter(|tensor| tensor.dims.len() == 2).collect();
            let users = |name: &str| {
                model.graph().node.iter().flat_map(|node| &node.input).filter(|input| *input == name).count()
            };
            let mut shared = 0;
            for weight in weights {
                // What ONNX Runtime would copy under one name on a processor without VNNI: weights of eight bits.
                let bytes = model.bytes(weight).unwrap();
                if users(weight.name()) > 1 {
                    shared += 1;
                    assert!(bytes.iter().all(|byte| (*byte as i8).unsigned_abs() <= 64), "{}", weight.name());
                } else {
                    assert!(bytes.iter().any(|byte| (*byte as i8).unsigned_abs() > 64), "{}", weight.name());
                }
            }
            assert_eq!(shared, 1, "{name}");
            let seven = report.layers.iter().filter(|layer| layer.reason.is_some()).count();
            assert_eq!(seven, if name == "shared_weight" { 3 } else { 2 }, "{:?}", report.layers);
        }
    }
}

#[test]
fn nothing_to_quantise_is_said_and_written_on_request_only() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("x.onnx");
    for (name, more, message) in [
        ("nothing", &[][..], "nothing to quantise"),
        ("nothing", &["--mode", "fp16"], "nothing to quantise"),
        ("shared_weight", &["--exclude", "*"], "excluded by pattern"),
    ] {
        let quantize = || {
            let mut command = docproc();
            command.arg("quantize").arg(case(name)).arg("-o").arg(&output).args(more);
            command
        };
        quantize()
            .assert()
            .code(1)
            .stderr(predicate::str::contains("[quantize.gate]").and(predicate::str::contains(message)));
        assert!(!output.exists());
        quantize().arg("--force").assert().success().stderr(predicate::str::contains(message));
        std::fs::remove_file(&output).unwrap();
    }
}
