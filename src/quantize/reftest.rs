//! The engine against Python's tools, on models made by `fixtures/reference/quantize/make.py` and run by ONNX Runtime.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use docproc_onnx::agreement::{Comparison, compare};
use docproc_onnx::file::{self, ElementType, Model, TensorProto};
use docproc_onnx::{
    CalibrationMethod, GateOptions, LayerPrecision, Mode, ModelLoader, ModelRunner, QuantizeHooks,
    QuantizeOptions, QuantizeReport, TaskMetric, Tensor, TensorValues, Tensors,
};
use serde::Deserialize;

use super::{OrtLoader, quantize};
use crate::error::{ErrorCode, Result};
use crate::runtime::environment::for_tests;

#[derive(Deserialize)]
struct Case {
    inputs: BTreeMap<String, PlainTensor>,
    outputs: BTreeMap<String, PlainTensor>,
}

#[derive(Deserialize)]
struct PlainTensor {
    r#type: String,
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl PlainTensor {
    fn tensor(&self) -> Tensor {
        let values = match self.r#type.as_str() {
            "float32" => TensorValues::F32(self.data.iter().map(|value| *value as f32).collect()),
            "int64" => TensorValues::I64(self.data.iter().map(|value| *value as i64).collect()),
            other => panic!("fixtures hold no {other}"),
        };
        Tensor { shape: self.shape.clone(), values }
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/quantize").join(name)
}

fn cases(name: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(fixture(&format!("{name}.cases.json"))).expect("fixture");
    serde_json::from_str(&text).expect("fixture")
}

fn plain(tensors: &BTreeMap<String, PlainTensor>) -> Tensors {
    tensors.iter().map(|(name, tensor)| (name.clone(), tensor.tensor())).collect()
}

fn samples(name: &str) -> Vec<Tensors> {
    cases(name).iter().map(|case| plain(&case.inputs)).collect()
}

pub(super) fn loader() -> OrtLoader {
    OrtLoader { environment: for_tests(), threads: 1 }
}

fn run(input: &str, folder: &Path, options: &QuantizeOptions) -> (QuantizeReport, PathBuf) {
    let output = folder.join(format!("{input}.{}.onnx", options.mode.as_str()));
    let report =
        run_on(&fixture(&format!("{input}.onnx")), &output, options, &samples(input)).expect("quantises");
    (report, output)
}

pub(super) fn run_on(
    input: &Path,
    output: &Path,
    options: &QuantizeOptions,
    samples: &[Tensors],
) -> Result<QuantizeReport> {
    let hooks = QuantizeHooks { loader: &loader(), samples, origin: None, evaluate: None, progress: &|_| {} };
    quantize(input, output, options, hooks)
}

/// No timing and no gate: the tests judge for themselves.
pub(super) fn options(mode: Mode) -> QuantizeOptions {
    QuantizeOptions { speed_pairs: 0, force: true, ..QuantizeOptions::new(mode) }
}

fn agreement_of(model: &Path, name: &str) -> Comparison {
    let loader = loader();
    let mut original = loader.load(&fixture(&format!("{name}.onnx"))).unwrap();
    compare(&outputs(&mut *original, name), &mut *loader.load(model).unwrap(), &samples(name)).unwrap()
}

fn outputs(model: &mut dyn ModelRunner, name: &str) -> Vec<Tensors> {
    samples(name).iter().map(|inputs| model.run(inputs).unwrap()).collect()
}

fn byte_constants(model: &Model) -> BTreeMap<&str, &TensorProto> {
    model
        .graph()
        .initializer
        .iter()
        .filter(|tensor| {
            tensor.element_type() == Some(ElementType::Int8) && tensor.name().ends_with("_quantized")
        })
        .map(|tensor| (tensor.name(), tensor))
        .collect()
}

/// Every 8-bit weight of Python's result is in ours, byte for byte, with the same scales, and no other.
fn assert_same_weights(ours: &Path, theirs: &Path) {
    let (ours, theirs) = (Model::read(ours).unwrap(), Model::read(theirs).unwrap());
    let (our_weights, their_weights) = (byte_constants(&ours), byte_constants(&theirs));
    assert!(their_weights.len() >= 12);
    assert_eq!(
        our_weights.keys().collect::<Vec<_>>(),
        their_weights.keys().collect::<Vec<_>>(),
        "the same weights are quantised"
    );
    for (name, weight) in &their_weights {
        assert_eq!(our_weights[name].dims, weight.dims, "{name}");
        assert!(ours.bytes(our_weights[name]).unwrap() == theirs.bytes(weight).unwrap(), "{name}: values");
        let scale = name.replace("_quantized", "_scale");
        let find = |model: &Model| {
            let tensor = model.graph().initializer.iter().find(|tensor| tensor.name() == scale).unwrap();
            model.floats(tensor).unwrap()
        };
        assert!(find(&ours) == find(&theirs), "{name}: scales");
    }
}

fn size(path: &Path) -> f64 {
    path.metadata().unwrap().len() as f64
}

#[test]
fn dynamic_weights_are_those_of_python() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bert", "layoutlmv3"] {
        let (report, output) = run(name, folder.path(), &options(Mode::Dynamic));
        let python = fixture(&format!("{name}.dynamic.python.onnx"));
        assert_same_weights(&output, &python);
        assert_eq!(report.files, [PathBuf::from(output.file_name().unwrap())]);
        assert!(size(&output) <= 1.03 * size(&python), "{name}: {} against {}", size(&output), size(&python));
        let (ours, theirs) = (agreement_of(&output, name), agreement_of(&python, name));
        assert!(ours.worst_cosine() >= theirs.worst_cosine() - 1e-6, "{name}");
        assert!(ours.worst_cosine() > 0.99, "{name}: {:?}", ours.agreement());
    }
}

#[test]
fn folders_of_killed_runs_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let left = |name: &str, hours: u64| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(3600 * hours);
        std::fs::File::open(&path).unwrap().set_modified(time).unwrap();
        path
    };
    // Linux numbers processes below 2^22.
    let old = left(".docproc-quantize-9000000-x", 2);
    let recent = left(".docproc-quantize-9000001-x", 0);
    let alive = left(&format!(".docproc-quantize-{}-x", std::process::id()), 2);
    run("bert", folder.path(), &options(Mode::Dynamic));
    assert!(!old.exists() && recent.exists() && alive.exists());
}

#[test]
fn reduced_range_per_tensor_is_that_of_python() {
    let folder = tempfile::tempdir().unwrap();
    let options = QuantizeOptions { per_channel: false, reduce_range: true, ..options(Mode::Dynamic) };
    let (_, output) = run("bert", folder.path(), &options);
    assert_same_weights(&output, &fixture("bert.reduced.python.onnx"));
}

#[test]
fn half_precision_is_as_small_and_as_close_as_python() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bert", "layoutlmv3"] {
        let (_, output) = run(name, folder.path(), &options(Mode::Fp16));
        let python = fixture(&format!("{name}.fp16.python.onnx"));
        assert!(size(&output) <= 1.03 * size(&python), "{name}: {} against {}", size(&output), size(&python));
        let (ours, theirs) = (agreement_of(&output, name), agreement_of(&python, name));
        assert!(ours.relative_difference() <= 1.5 * theirs.relative_difference(), "{name}");
        assert!(ours.worst_cosine() > 0.9999, "{name}");
        let model = Model::read(&output).unwrap();
        let cast = |name: &str| {
            model.graph().node.iter().find(|node| node.is("Cast") && node.output_name(0) == name)
        };
        for node in model.graph().node.iter().filter(|node| node.is("Cast")) {
            let back = cast(node.input_name(0))
                .is_some_and(|before| [before.int("to"), node.int("to")] == [Some(1), Some(10)]);
            assert!(!back, "{name}: {} undoes the cast before it", node.label());
        }
    }
}

#[test]
fn every_exporter_and_mode_gives_a_model_that_agrees() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bert", "bert_sdpa", "layoutlmv3", "layoutlmv3_dynamo"] {
        for mode in [Mode::Dynamic, Mode::Int8, Mode::Fp16, Mode::Float] {
            let options = QuantizeOptions { optimize: true, embeddings: true, ..options(mode) };
            let (report, output) = run(name, folder.path(), &options);
            let agreement = &report.agreement["logits"];
            assert!(agreement.cosine_mean > 0.985, "{name} {mode:?}: {agreement:?}");
            let fused = report.rewrites.iter().find(|rewrite| rewrite.rewrite == "fuse attention").unwrap();
            assert_eq!((fused.places, fused.kept), (2, true), "{name}: {fused:?}");
            let looked_up =
                report.rewrites.iter().find(|one| one.rewrite == "look up relative positions").unwrap();
            let tables = if name.starts_with("layoutlmv3") { 3 } else { 0 };
            assert_eq!((looked_up.places, looked_up.kept), (tables, tables > 0), "{name}: {looked_up:?}");
            assert!(output.exists());
        }
    }
}

#[test]
fn reading_and_writing_changes_no_output() {
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["bert", "bert_sdpa", "layoutlmv3", "layoutlmv3_dynamo", "bert.dynamic.python", "bert.fp16.python"]
    {
        let source = fixture(&format!("{name}.onnx"));
        let family = name.split('.').next().unwrap();
        let mut model = Model::read(&source).unwrap();
        let output = folder.path().join("copy.onnx");
        file::write(&mut model, &output).unwrap();
        // Written twice it is the same, and it decodes to what was decoded.
        let first = std::fs::read(&output).unwrap();
        let again = Model::read(&output).unwrap();
        assert!(again.proto == model.proto, "{name}");
        file::write(&mut Model::read(&output).unwrap(), &output).unwrap();
        assert!(first == std::fs::read(&output).unwrap());
        let loader = loader();
        let mut original = loader.load(&source).unwrap();
        let expected = outputs(&mut *original, family);
        let comparison = compare(&expected, &mut *loader.load(&output).unwrap(), &samples(family)).unwrap();
        assert_eq!(comparison.relative_difference(), 0.0, "{name}");
    }
}

#[test]
fn fixtures_are_what_the_reference_computed() {
    let mut runner = loader().load(&fixture("bert.onnx")).unwrap();
    for case in cases("bert") {
        let (inputs, expected) = (plain(&case.inputs), plain(&case.outputs));
        let mut comparison = Comparison::default();
        comparison.add(&inputs, &expected, &runner.run(&inputs).unwrap()).unwrap();
        assert!(comparison.relative_difference() < 1e-5);
    }
}

#[test]
fn excluded_layers_stay_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = QuantizeOptions { exclude: vec!["*layer.0*".into()], ..options(Mode::Dynamic) };
    let (report, output) = run("bert", folder.path(), &options);
    let (left, changed): (Vec<_>, Vec<_>) =
        report.layers.iter().partition(|layer| layer.precision == LayerPrecision::Float32);
    assert_eq!(left.len(), 6);
    assert!(left.iter().all(|layer| layer.node.contains("layer.0") && layer.reason.is_some()));
    assert!(changed.iter().all(|layer| !layer.node.contains("layer.0")));
    assert_eq!(byte_constants(&Model::read(&output).unwrap()).len(), changed.len());
}

#[test]
fn a_budget_leaves_the_worst_layers_in_float() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run("bert", folder.path(), &options(Mode::Dynamic)).0.agreement["logits"].cosine_mean;
    let budget = 1.0 - (1.0 - plain) / 4.0;
    let options = QuantizeOptions { budget_cosine: Some(budget), ..options(Mode::Dynamic) };
    let (report, _) = run("bert", folder.path(), &options);
    assert!(report.agreement["logits"].cosine_mean >= budget);
    let float: Vec<f64> = report
        .layers
        .iter()
        .filter(|layer| layer.precision == LayerPrecision::Float32)
        .map(|layer| layer.cosine.expect("measured"))
        .collect();
    let eight: Vec<f64> = report
        .layers
        .iter()
        .filter(|layer| layer.precision == LayerPrecision::Int8)
        .map(|layer| layer.cosine.expect("measured"))
        .collect();
    assert!(!float.is_empty() && !eight.is_empty());
    let worst_quantised = eight.iter().copied().fold(1.0, f64::min);
    assert!(float.iter().all(|cosine| *cosine <= worst_quantised));
}

#[test]
fn a_refused_result_is_not_written_and_names_layers() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let strict = QuantizeOptions {
        gate: GateOptions { min_cosine: 1.0, ..GateOptions::new(Mode::Dynamic) },
        force: false,
        ..options(Mode::Dynamic)
    };
    let report = run_on(&fixture("bert.onnx"), &output, &strict, &samples("bert")).unwrap();
    let refusal = report.refusal().expect("refused");
    assert_eq!(refusal.code(), ErrorCode::QuantizeGate);
    assert!(refusal.to_string().contains("/layer."), "{refusal}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    let forced = QuantizeOptions { force: true, ..strict };
    let report = run_on(&fixture("bert.onnx"), &output, &forced, &samples("bert")).unwrap();
    assert!(report.refusal().is_none() && !report.objections.is_empty());
    assert!(output.exists() && folder.path().join("out.onnx.report.json").exists());
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let options = QuantizeOptions { optimize: true, embeddings: true, ..options(Mode::Int8) };
    let (_, output) = run("layoutlmv3", folder.path(), &options);
    let first = std::fs::read(&output).unwrap();
    let (_, output) = run("layoutlmv3", folder.path(), &options);
    assert!(first == std::fs::read(&output).unwrap());
}

#[test]
fn the_metric_decides_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.onnx");
    let mut calls = Vec::new();
    let mut evaluate = |path: &Path| {
        calls.push(path.to_owned());
        let value = if calls.len() == 1 { 90.0 } else { 89.0 };
        Ok(TaskMetric { name: "macro_f1".into(), value, interval: [value - 1.0, value + 1.0], items: 10 })
    };
    let hooks = QuantizeHooks {
        loader: &loader(),
        samples: &[],
        origin: None,
        evaluate: Some(&mut evaluate),
        progress: &|_| {},
    };
    let options = QuantizeOptions { force: false, ..options(Mode::Dynamic) };
    let report = quantize(&fixture("bert.onnx"), &output, &options, hooks).unwrap();
    assert!(report.refusal().unwrap().to_string().contains("macro_f1 fell from 90.00 to 89.00"));
    assert_eq!(calls[0], fixture("bert.onnx"));
    assert!(!output.exists());
}

#[test]
fn fake_quantisation_becomes_bytes_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["qat", "qat_qonnx"] {
        let output = folder.path().join(format!("{name}.onnx"));
        // The QONNX form cannot be run before it is folded, so it is not compared by the engine.
        let samples = if name == "qat" { samples("qat") } else { Vec::new() };
        let report =
            run_on(&fixture(&format!("{name}.onnx")), &output, &options(Mode::Qat), &samples).unwrap();
        assert!(2 * report.quantized_bytes < report.original_bytes);
        assert_eq!(report.layers.len(), 3);
        assert!(agreement_of(&output, "qat").relative_difference() < 1e-6, "{name}");
        let model = Model::read(&output).unwrap();
        let matrices = |element| {
            model
                .graph()
                .initializer
                .iter()
                .filter(|tensor| tensor.element_type() == Some(element) && tensor.dims.len() == 2)
                .count()
        };
        assert_eq!((matrices(ElementType::Int8), matrices(ElementType::Float)), (3, 0));
        // Activations are unsigned, also where training had signed ones.
        for node in model.graph().node.iter().filter(|node| node.is("QuantizeLinear")) {
            let zero =
                model.graph().initializer.iter().find(|tensor| tensor.name() == node.input_name(2)).unwrap();
            assert_eq!(zero.element_type(), Some(ElementType::Uint8), "{}", node.label());
        }
    }
    let plain = run_on(&fixture("bert.onnx"), &folder.path().join("x.onnx"), &options(Mode::Qat), &[]);
    assert_eq!(plain.unwrap_err().code(), ErrorCode::OnnxInvalid);
}

#[test]
fn every_calibration_method_gives_a_usable_model() {
    let folder = tempfile::tempdir().unwrap();
    for method in [CalibrationMethod::MinMax, CalibrationMethod::Percentile(99.9), CalibrationMethod::Entropy]
    {
        let options = QuantizeOptions { calibration: method, ..options(Mode::Int8) };
        let (report, _) = run("bert", folder.path(), &options);
        let agreement = &report.agreement["logits"];
        assert!(agreement.cosine_mean > 0.99, "{method:?}: {agreement:?}");
    }
    let error =
        run_on(&fixture("bert.onnx"), &folder.path().join("x.onnx"), &options(Mode::Int8), &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
}

#[test]
fn a_static_result_does_not_depend_on_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (_, output) = run("bert", folder.path(), &options(Mode::Int8));
    let loader = loader();
    let mut runner = loader.load(&output).unwrap();
    let batch = samples("bert").remove(0);
    let first_row = |tensors: &Tensors| -> Tensors {
        tensors
            .iter()
            .map(|(name, tensor)| {
                let TensorValues::I64(values) = &tensor.values else { panic!("BERT takes integers") };
                let row = tensor.shape[1];
                let values = TensorValues::I64(values[..row].to_vec());
                (name.clone(), Tensor { shape: vec![1, row], values })
            })
            .collect()
    };
    let together = runner.run(&batch).unwrap();
    let alone = runner.run(&first_row(&batch)).unwrap();
    let (together, alone) = (together["logits"].floats().unwrap(), alone["logits"].floats().unwrap());
    for (left, right) in together.iter().zip(alone) {
        assert!((left - right).abs() < 1e-5, "{left} {right}");
    }
}

#[test]
fn the_source_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::copy(fixture("bert.onnx"), &path).unwrap();
    let error = run_on(&path, &path, &options(Mode::Dynamic), &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    assert!(std::fs::read(&path).unwrap() == std::fs::read(fixture("bert.onnx")).unwrap());
}

/// Operators and constants of eight bits.
fn eight_bit_parts(model: &Model) -> usize {
    let nodes = model.graph().node.iter().filter(|node| {
        ["MatMulInteger", "DynamicQuantizeLinear", "QuantizeLinear", "DequantizeLinear"]
            .contains(&node.op_type())
    });
    let constants = model
        .graph()
        .initializer
        .iter()
        .filter(|tensor| matches!(tensor.element_type(), Some(ElementType::Int8 | ElementType::Uint8)));
    nodes.count() + constants.count()
}

#[test]
fn eight_bits_go_back_to_float_and_again_to_the_same_eight_bits() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bert", "layoutlmv3"] {
        let embedded = QuantizeOptions { embeddings: true, ..options(Mode::Dynamic) };
        let sources = [
            fixture(&format!("{name}.dynamic.python.onnx")),
            run(name, folder.path(), &embedded).1,
            run(name, folder.path(), &options(Mode::Int8)).1,
        ];
        for (index, source) in sources.iter().enumerate() {
            assert!(eight_bit_parts(&Model::read(source).unwrap()) > 20);
            let float = folder.path().join(format!("{name}.{index}.float.onnx"));
            let report = run_on(source, &float, &options(Mode::Float), &samples(name)).unwrap();
            assert_eq!(eight_bit_parts(&Model::read(&float).unwrap()), 0, "{name} {index}");
            assert!(report.agreement["logits"].cosine_mean > 0.99, "{:?}", report.agreement);
            assert!(report.layers.len() >= 12, "{name} {index}");
            if index == 0 {
                let again = folder.path().join("again.onnx");
                run_on(&float, &again, &options(Mode::Dynamic), &[]).unwrap();
                let (left, right) = (Model::read(source).unwrap(), Model::read(&again).unwrap());
                let (left_weights, right_weights) = (byte_constants(&left), byte_constants(&right));
                assert_eq!(left_weights.len(), right_weights.len());
                for (name, weight) in &left_weights {
                    let other = right_weights[name];
                    assert!(left.bytes(weight).unwrap() == right.bytes(other).unwrap(), "{name}");
                }
            }
        }
    }
}

#[test]
fn external_data_gives_the_same_results() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source").join("bert.onnx");
    std::fs::create_dir(folder.path().join("source")).unwrap();
    let mut model = Model::read(&fixture("bert.onnx")).unwrap();
    assert_eq!(file::write_with(&mut model, &source, true).unwrap().len(), 2);
    for mode in [Mode::Dynamic, Mode::Int8, Mode::Fp16, Mode::Float] {
        let options = QuantizeOptions { optimize: true, ..options(mode) };
        let output = folder.path().join("external.onnx");
        let report = run_on(&source, &output, &options, &samples("bert")).unwrap();
        let (inside, _) = run("bert", folder.path(), &options);
        assert_eq!(report.agreement, inside.agreement, "{mode:?}");
        // What is small goes into one file again.
        assert_eq!(report.files.len(), 1);
    }
}
