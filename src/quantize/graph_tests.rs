//! The engine on small graphs made here, run by ONNX Runtime.

use std::path::Path;

use docproc_onnx::file::{
    ElementType, GraphProto, Model, NodeProto, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto,
    float_tensor, integer_tensor, scalar_tensor, write,
};
use docproc_onnx::{Mode, ModelLoader, QuantizeOptions, QuantizeReport, Tensor, TensorValues, Tensors};

use super::reftest::{loader, options, run_on};

fn value(name: &str, element: ElementType) -> ValueInfoProto {
    let tensor = TensorTypeProto { elem_type: Some(element.number()), shape: None };
    let kind = TypeProto { value: Some(TypeValue::Tensor(tensor)), denotation: None };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(kind), ..Default::default() }
}

fn model(graph: GraphProto) -> Model {
    let mut model = Model { proto: Default::default(), folder: Default::default() };
    *model.graph_mut() = graph;
    model.require_domain("", 17);
    model.proto.ir_version = Some(8);
    model
}

/// Buckets as T5 makes them: 8 in all, sign apart, single distances below 2, logarithmic up to 16.
fn buckets() -> Model {
    let whole = |name: &str, value: i64| integer_tensor(name, Vec::new(), &[value]);
    let axis = |name: &str, value: i64| integer_tensor(name, vec![1], &[value]);
    model(GraphProto {
        name: Some("buckets".to_owned()),
        input: vec![value("p", ElementType::Int64)],
        output: vec![value("y", ElementType::Float)],
        initializer: vec![
            axis("rows", -1),
            axis("columns", -2),
            whole("zero", 0),
            whole("half", 4),
            whole("exact", 2),
            whole("last", 3),
            scalar_tensor("start", 2.0),
            scalar_tensor("range", 8f32.ln()),
            float_tensor("table", vec![8, 2], &(0..16).map(|x| x as f32).collect::<Vec<_>>()),
        ],
        node: vec![
            NodeProto::call("Unsqueeze", "u", &["p", "rows"], &["u"]),
            NodeProto::call("Unsqueeze", "v", &["p", "columns"], &["v"]),
            NodeProto::call("Sub", "d", &["u", "v"], &["d"]),
            NodeProto::call("Greater", "positive", &["d", "zero"], &["positive"]),
            NodeProto::call("Cast", "sign", &["positive"], &["sign"]).with_int("to", 7),
            NodeProto::call("Mul", "offset", &["sign", "half"], &["offset"]),
            NodeProto::call("Abs", "n", &["d"], &["n"]),
            NodeProto::call("Less", "near", &["n", "exact"], &["near"]),
            NodeProto::call("Cast", "f", &["n"], &["f"]).with_int("to", 1),
            NodeProto::call("Div", "g", &["f", "start"], &["g"]),
            NodeProto::call("Log", "l", &["g"], &["l"]),
            NodeProto::call("Div", "m", &["l", "range"], &["m"]),
            NodeProto::call("Mul", "o", &["m", "start"], &["o"]),
            NodeProto::call("Cast", "i", &["o"], &["i"]).with_int("to", 7),
            NodeProto::call("Add", "j", &["i", "exact"], &["j"]),
            NodeProto::call("Shape", "shape", &["j"], &["shape"]),
            NodeProto::call("Min", "k", &["j", "last"], &["k"]),
            NodeProto::call("Where", "w", &["near", "n", "k"], &["w"]),
            NodeProto::call("Add", "bucket", &["offset", "w"], &["bucket"]),
            NodeProto::call("Gather", "y", &["table", "bucket"], &["y"]),
        ],
        ..Default::default()
    })
}

fn positions(values: &[i64]) -> Tensors {
    let tensor = Tensor { shape: vec![1, values.len()], values: TensorValues::I64(values.to_vec()) };
    Tensors::from([("p".to_owned(), tensor)])
}

fn buckets_of(model: &Path, inputs: &Tensors) -> Tensor {
    loader().load(model).unwrap().run(inputs).unwrap().remove("y").unwrap()
}

/// In how many places relative positions became a table, and whether it stayed.
fn tables_made(report: &QuantizeReport) -> (usize, bool) {
    let rewrite =
        report.rewrites.iter().find(|rewrite| rewrite.rewrite == "look up relative positions").unwrap();
    (rewrite.places, rewrite.kept)
}

#[test]
fn every_distance_keeps_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    write(&mut buckets(), &place("plain.onnx")).unwrap();
    let near = positions(&(0..40).chain([100, 1000, 1 << 20, (1 << 29) + 5]).collect::<Vec<_>>());
    let rewrite = |from: &str, to: &str| {
        let samples = std::slice::from_ref(&near);
        tables_made(&run_on(&place(from), &place(to), &options(Mode::Float), samples).unwrap())
    };
    assert_eq!(rewrite("plain.onnx", "table.onnx"), (1, true));
    let made = Model::read(&place("table.onnx")).unwrap();
    assert!(!made.graph().node.iter().any(|node| node.is("Log")), "what made the buckets is gone");
    let (expected, found) =
        (buckets_of(&place("plain.onnx"), &near), buckets_of(&place("table.onnx"), &near));
    assert_eq!(expected.shape, [1, 44, 44, 2]);
    assert_eq!(found, expected);
    assert_eq!(rewrite("table.onnx", "again.onnx").0, 0, "a table is not made into a table again");
}

#[test]
fn what_does_not_end_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let tables = |mut model: Model| {
        let (source, output) = (folder.path().join("model.onnx"), folder.path().join("out.onnx"));
        write(&mut model, &source).unwrap();
        let samples = [positions(&[0, 1, 2, 3])];
        tables_made(&run_on(&source, &output, &options(Mode::Float), &samples).unwrap()).0
    };
    let mut model = buckets();
    // The parity of a distance never becomes constant.
    let graph = model.graph_mut();
    graph.initializer.push(integer_tensor("minus two", Vec::new(), &[-2]));
    let at = graph.node.iter().position(|node| node.name() == "bucket").unwrap();
    graph.node.splice(
        at..=at,
        [
            NodeProto::call("Div", "pairs", &["n", "exact"], &["pairs"]),
            NodeProto::call("Mul", "even", &["pairs", "minus two"], &["even"]),
            NodeProto::call("Add", "bucket", &["n", "even"], &["bucket"]),
        ],
    );
    assert_eq!(tables(model), 0);
    // Nor is a value that depends on two distances a function of one.
    let mut model = buckets();
    let graph = model.graph_mut();
    graph.node.insert(3, NodeProto::call("Sub", "e", &["v", "u"], &["e"]));
    for node in graph.node.iter_mut().filter(|node| node.name() == "n") {
        node.input[0] = "e".to_owned();
    }
    assert_eq!(tables(model), 0);
}

/// Sixty-four products of 255 and 127 saturate the 16-bit sums of ONNX Runtime's default kernel on x86 processors without
/// VNNI; ours must come out right on every processor, in both modes, with eight bits and with seven.
#[test]
fn sums_of_large_products_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("ones.onnx");
    let mut ones = model(GraphProto {
        name: Some("ones".to_owned()),
        node: vec![NodeProto::call("MatMul", "product", &["x", "w"], &["y"])],
        initializer: vec![float_tensor("w", vec![64, 16], &[1.0; 64 * 16])],
        input: vec![value("x", ElementType::Float)],
        output: vec![value("y", ElementType::Float)],
        ..Default::default()
    });
    write(&mut ones, &source).unwrap();
    let x = Tensor { shape: vec![8, 64], values: TensorValues::F32(vec![255.0; 8 * 64]) };
    let sample = Tensors::from([("x".to_owned(), x)]);
    for (mode, reduce_range) in
        [(Mode::Dynamic, false), (Mode::Dynamic, true), (Mode::Int8, false), (Mode::Int8, true)]
    {
        let output = folder.path().join("out.onnx");
        let options = QuantizeOptions { reduce_range, ..options(mode) };
        run_on(&source, &output, &options, std::slice::from_ref(&sample)).unwrap();
        let sums = loader().load(&output).unwrap().run(&sample).unwrap();
        for sum in sums["y"].floats().unwrap() {
            assert!((sum - 255.0 * 64.0).abs() < 1.0, "{mode:?} {reduce_range}: {sum}");
        }
    }
}
