//! How much arithmetic a model does, counted from its graph.
//!
//! The graph is asked, not guessed: every matrix product and convolution gets `Shape` nodes at its inputs and its
//! output, these become the model's outputs, and ONNX Runtime computes them for an input of the wanted shape.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::path::Path;

use docproc_onnx::file::{Model, NodeProto, ValueInfoProto, write};
use docproc_onnx::{Tensor, TensorValues};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::runtime::{Environment, TensorSession};

/// Multiplications and additions, each counted by itself, of matrix products and convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Operations {
    /// In floating point.
    pub float: f64,
    /// In 8-bit integers.
    pub int8: f64,
}

impl Operations {
    /// Both together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.float + self.int8
    }
}

impl AddAssign for Operations {
    fn add_assign(&mut self, other: Self) {
        self.float += other.float;
        self.int8 += other.int8;
    }
}

/// A counted node: how its operations follow from the shapes of two inputs and the output.
struct Counted {
    kind: Kind,
    int8: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Output elements times the inner length, which is an axis of the first input counted from the last.
    Product { from_last: usize },
    /// Output elements times what one filter holds.
    Convolution,
    /// Scores and weighted sums of attention over queries and keys.
    Attention,
    /// The same with the projections of its input.
    ProjectedAttention,
}

/// Counts the operations of one model.
pub struct OperationCounter {
    session: TensorSession,
    nodes: Vec<Counted>,
    inputs: HashMap<String, i32>,
    _folder: tempfile::TempDir,
}

impl OperationCounter {
    /// Prepares the model at `path`.
    ///
    /// # Errors
    /// Those of reading and writing models; `model.invalid` if ONNX Runtime refuses it.
    pub fn open(environment: &Environment, path: &Path) -> Result<Self> {
        let mut model = Model::read(path)?;
        let quantized: std::collections::HashSet<String> = model
            .graph()
            .node
            .iter()
            .filter(|node| node.op_type() == "DequantizeLinear")
            .flat_map(|node| node.output.clone())
            .collect();
        let (mut nodes, mut shapes, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for node in &model.graph().node {
            let Some((counted, second)) = counted(node, &quantized) else { continue };
            let names = [node.input[0].as_str(), node.input[second].as_str(), node.output[0].as_str()];
            for (part, name) in names.iter().enumerate() {
                let shape = format!("docproc_shape_{}_{part}", nodes.len());
                shapes.push(NodeProto::call("Shape", &shape, &[name], &[&shape]));
                outputs.push(ValueInfoProto { name: Some(shape), ..ValueInfoProto::default() });
            }
            nodes.push(counted);
        }
        let graph = model.graph_mut();
        graph.node.extend(shapes);
        graph.output = outputs;
        let inputs = graph
            .input
            .iter()
            .map(|input| {
                let element = docproc_onnx::declared(input).map_or(0, |element| element.number());
                (input.name().to_owned(), element)
            })
            .collect();
        let folder = tempfile::tempdir().map_err(|error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot make a temporary folder").because(error)
        })?;
        let copy = folder.path().join("shapes.onnx");
        write(&mut model, &copy)?;
        let session = TensorSession::load(environment, &copy, 1)?;
        Ok(Self { session, nodes, inputs, _folder: folder })
    }

    /// Operations for `rows` inputs of `tokens` tokens each, with an image of this height and width where the model
    /// takes one.
    ///
    /// # Errors
    /// `model.run`; `model.invalid` for inputs with other names than a transformer's.
    pub fn count(&mut self, rows: usize, tokens: usize, image: [usize; 2]) -> Result<Operations> {
        const INT32: i32 = 6;
        let mut tensors = Vec::new();
        for name in self.session.inputs() {
            let integers = |shape: Vec<usize>, value: i64| {
                let count = shape.iter().product();
                let values = match self.inputs.get(&name) {
                    Some(&INT32) => TensorValues::I32(vec![i32::try_from(value).unwrap_or(0); count]),
                    _ => TensorValues::I64(vec![value; count]),
                };
                Tensor { shape, values }
            };
            let tensor = match name.as_str() {
                "input_ids" | "attention_mask" => integers(vec![rows, tokens], 1),
                "token_type_ids" => integers(vec![rows, tokens], 0),
                "bbox" => integers(vec![rows, tokens, 4], 0),
                "pixel_values" => {
                    let shape = vec![rows, 3, image[0], image[1]];
                    let values = TensorValues::F32(vec![0.0; shape.iter().product()]);
                    Tensor { shape, values }
                }
                other => {
                    return Err(Error::new(
                        ErrorCode::ModelInvalid,
                        format!("cannot count: the model wants an input `{other}`"),
                    ));
                }
            };
            tensors.push((name, tensor));
        }
        let given: Vec<(&str, &Tensor)> =
            tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let shapes: Vec<Vec<f64>> = self
            .session
            .run(&given)?
            .into_iter()
            .map(|(_, tensor)| match tensor.values {
                TensorValues::I64(lengths) => lengths.into_iter().map(|length| length as f64).collect(),
                _ => Vec::new(),
            })
            .collect();
        let mut total = Operations::default();
        for (node, shapes) in self.nodes.iter().zip(shapes.chunks_exact(3)) {
            let operations = node.operations(&shapes[0], &shapes[1], &shapes[2]);
            total += match node.int8 {
                true => Operations { float: 0.0, int8: operations },
                false => Operations { float: operations, int8: 0.0 },
            };
        }
        Ok(total)
    }
}

/// How a node is counted and which of its inputs is the second operand; `None` for nodes that are not.
fn counted(node: &NodeProto, quantized: &std::collections::HashSet<String>) -> Option<(Counted, usize)> {
    let int8 = |index: usize| node.input.get(index).is_some_and(|name| quantized.contains(name));
    let transposed = |name: &str| usize::from(node.int(name).unwrap_or(0) != 0);
    let (kind, second, whole) = match node.op_type() {
        "MatMul" => (Kind::Product { from_last: 0 }, 1, int8(0) && int8(1)),
        "MatMulInteger" | "MatMulIntegerToFloat" | "DynamicQuantizeMatMul" => {
            (Kind::Product { from_last: 0 }, 1, true)
        }
        "QLinearMatMul" => (Kind::Product { from_last: 0 }, 3, true),
        "Gemm" | "FusedGemm" => (Kind::Product { from_last: transposed("transA") }, 1, int8(0) && int8(1)),
        "FusedMatMul" => (Kind::Product { from_last: transposed("transA") }, 1, false),
        "Conv" | "FusedConv" => (Kind::Convolution, 1, int8(0) && int8(1)),
        "ConvInteger" => (Kind::Convolution, 1, true),
        "QLinearConv" => (Kind::Convolution, 3, true),
        "MultiHeadAttention" => (Kind::Attention, 1, false),
        "Attention" if node.domain() == "com.microsoft" => (Kind::ProjectedAttention, 1, false),
        "QAttention" => (Kind::ProjectedAttention, 1, true),
        _ => return None,
    };
    let there = |list: &[String], index: usize| list.get(index).is_some_and(|name| !name.is_empty());
    (there(&node.input, 0) && there(&node.input, second) && there(&node.output, 0))
        .then_some((Counted { kind, int8: whole }, second))
}

impl Counted {
    fn operations(&self, first: &[f64], second: &[f64], output: &[f64]) -> f64 {
        let elements: f64 = output.iter().product();
        let axis = |shape: &[f64], from_last: usize| {
            shape.len().checked_sub(1 + from_last).map_or(1.0, |at| shape[at])
        };
        // (batch, queries or keys, hidden)
        let attention = |keys: f64| 4.0 * axis(first, 2) * axis(first, 1) * keys * axis(output, 0);
        match self.kind {
            Kind::Product { from_last } => 2.0 * elements * axis(first, from_last),
            Kind::Convolution => 2.0 * elements * second.iter().skip(1).product::<f64>(),
            Kind::Attention => attention(axis(second, 1)),
            Kind::ProjectedAttention => {
                let projections = 2.0 * axis(first, 2) * axis(first, 1) * second.iter().product::<f64>();
                projections + attention(axis(first, 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use docproc_onnx::file::{
        Dimension, DimensionValue, ElementType, GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto,
        TensorTypeProto, TypeProto, TypeValue, float_tensor,
    };

    #[test]
    fn products_are_counted_from_their_shapes() {
        let counted =
            |kind, a: &[f64], b: &[f64], y: &[f64]| Counted { kind, int8: false }.operations(a, b, y);
        let product = Kind::Product { from_last: 0 };
        assert_eq!(counted(product, &[2.0, 3.0, 4.0], &[4.0, 5.0], &[2.0, 3.0, 5.0]), 240.0);
        // 8 filters of 3 x 16 x 16 over 14 x 14 places.
        let image = [1.0, 3.0, 224.0, 224.0];
        let places = counted(Kind::Convolution, &image, &[8.0, 3.0, 16.0, 16.0], &[1.0, 8.0, 14.0, 14.0]);
        assert_eq!(places, 2.0 * 8.0 * 14.0 * 14.0 * 768.0);
        // Scores 2·10·10·64 and sums the same.
        assert_eq!(
            counted(Kind::Attention, &[1.0, 10.0, 64.0], &[1.0, 10.0, 64.0], &[1.0, 10.0, 64.0]),
            25_600.0
        );
    }

    #[test]
    fn a_whole_model_is_counted_by_running_it() {
        let dimension = |name: &str| Dimension {
            value: Some(DimensionValue::Parameter(name.to_owned())),
            ..Dimension::default()
        };
        let ids = ValueInfoProto {
            name: Some("input_ids".into()),
            r#type: Some(TypeProto {
                value: Some(TypeValue::Tensor(TensorTypeProto {
                    elem_type: Some(ElementType::Int64.number()),
                    shape: Some(TensorShapeProto { dim: vec![dimension("rows"), dimension("tokens")] }),
                })),
                ..TypeProto::default()
            }),
            ..ValueInfoProto::default()
        };
        let graph = GraphProto {
            name: Some("g".into()),
            input: vec![ids],
            initializer: vec![
                float_tensor("table", vec![4, 6], &[0.5; 24]),
                float_tensor("weight", vec![6, 3], &[0.5; 18]),
            ],
            node: vec![
                NodeProto::call("Gather", "embed", &["table", "input_ids"], &["hidden"]),
                NodeProto::call("MatMul", "dense", &["hidden", "weight"], &["logits"]),
                NodeProto::call("DynamicQuantizeLinear", "q", &["hidden"], &["u8", "scale", "zero"]),
                NodeProto::call("MatMulInteger", "int", &["u8", "u8w"], &["sums"]),
            ],
            output: vec![ValueInfoProto { name: Some("logits".into()), ..ValueInfoProto::default() }],
            ..GraphProto::default()
        };
        let mut graph = graph;
        graph.initializer.push(docproc_onnx::file::raw_tensor(
            "u8w",
            ElementType::Int8,
            vec![6, 5],
            vec![1u8; 30],
        ));
        let proto = ModelProto {
            ir_version: Some(8),
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(17) }],
            ..ModelProto::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        write(&mut Model { proto, folder: folder.path().to_owned() }, &path).unwrap();
        let environment = crate::runtime::environment::for_tests();
        let mut counter = OperationCounter::open(&environment, &path).unwrap();
        let operations = counter.count(2, 7, [0, 0]).unwrap();
        assert_eq!(operations, Operations { float: 2.0 * 14.0 * 6.0 * 3.0, int8: 2.0 * 14.0 * 6.0 * 5.0 });
    }
}
