//! The limit: how fast ONNX Runtime multiplies matrices on this machine.
//!
//! A model of a few large matrix products, written by our own ONNX writer, is timed in float32 and in the fast
//! 8-bit form (activations u8, weights s8). No model made of matrix products can be faster; how near one comes is
//! its share of the limit.

use std::path::Path;
use std::time::Instant;

use docproc_onnx::file::{
    Dimension, DimensionValue, ElementType, GraphProto, Model, ModelProto, NodeProto, OperatorSetIdProto,
    TensorShapeProto, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto, float_tensor, integer_tensor,
    raw_tensor, write,
};
use docproc_onnx::{Tensor, TensorValues};
use serde::{Deserialize, Serialize};

use super::flops::Operations;
use super::workload::{Size, Workload};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::{Environment, TensorSession};

/// Edge of the square matrices. 1,024 is large enough that packing and launching do not count.
const EDGE: usize = 1024;
/// Products per run, each with weights of its own; they share the quantised activations.
const PRODUCTS: usize = 4;

/// Operations per second at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Threads that worked.
    pub threads: usize,
    /// float32, operations a second.
    pub float: f64,
    /// u8 by s8, operations a second.
    pub int8: f64,
}

impl Limit {
    /// Seconds that these operations take at least.
    #[must_use]
    pub fn seconds(&self, operations: Operations) -> f64 {
        operations.float / self.float + operations.int8 / self.int8
    }

    /// Measures, in the best of a few runs: a limit is what can be reached, not what is usual.
    ///
    /// # Errors
    /// `model.*`, `output.unwritable`.
    pub fn measure(environment: &Environment, threads: usize, runs: usize) -> Result<Self> {
        let best = |int8: bool| -> Result<f64> {
            let mut gemm = Gemm::new(environment, threads, int8)?;
            let mut fastest = f64::INFINITY;
            for _ in 0..runs {
                let started = Instant::now();
                gemm.run()?;
                fastest = fastest.min(started.elapsed().as_secs_f64());
            }
            Ok(gemm.operations().total() / fastest)
        };
        Ok(Self { threads, float: best(false)?, int8: best(true)? })
    }
}

/// Matrix products, nothing else.
pub struct Gemm {
    session: TensorSession,
    activations: Tensor,
    threads: usize,
    int8: bool,
}

impl Gemm {
    /// Loads the model.
    ///
    /// # Errors
    /// `output.unwritable`, `model.invalid`.
    pub fn new(environment: &Environment, threads: usize, int8: bool) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot make a temporary folder").because(error)
        })?;
        let path = folder.path().join("gemm.onnx");
        write_model(&path, int8)?;
        let session = TensorSession::load(environment, &path, threads)?;
        let values: Vec<f32> = (0..EDGE * EDGE).map(|i| (i % 251) as f32 / 251.0).collect();
        let activations = Tensor { shape: vec![EDGE, EDGE], values: TensorValues::F32(values) };
        Ok(Self { session, activations, threads, int8 })
    }

    fn operations(&self) -> Operations {
        let operations = 2.0 * (EDGE as f64).powi(3) * PRODUCTS as f64;
        match self.int8 {
            true => Operations { float: 0.0, int8: operations },
            false => Operations { float: operations, int8: 0.0 },
        }
    }
}

impl Workload for Gemm {
    fn run(&mut self) -> Result<()> {
        self.session.run(&[("a", &self.activations)]).map(drop)
    }

    fn size(&self) -> Size {
        Size {
            items: PRODUCTS as f64,
            operations: Some(self.operations()),
            threads: self.threads,
            ..Size::default()
        }
    }
}

/// `a` (rows, EDGE) times constants of (EDGE, EDGE). Of every product one row leaves the graph, so that copying does
/// not count; the number of rows is not in the graph, so that nothing is computed beforehand.
fn write_model(path: &Path, int8: bool) -> Result<()> {
    let edge = EDGE as i64;
    let dimension = |value| Dimension { value: Some(value), ..Dimension::default() };
    let input = ValueInfoProto {
        name: Some("a".to_owned()),
        r#type: Some(TypeProto {
            value: Some(TypeValue::Tensor(TensorTypeProto {
                elem_type: Some(ElementType::Float.number()),
                shape: Some(TensorShapeProto {
                    dim: vec![
                        dimension(DimensionValue::Parameter("rows".to_owned())),
                        dimension(DimensionValue::Value(edge)),
                    ],
                }),
            })),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    };
    let mut graph = GraphProto {
        name: Some("gemm".to_owned()),
        input: vec![input],
        initializer: vec![integer_tensor("first", vec![1], &[0])],
        ..GraphProto::default()
    };
    if int8 {
        graph.node.push(NodeProto::call(
            "DynamicQuantizeLinear",
            "quantize",
            &["a"],
            &["u8", "scale", "zero"],
        ));
    }
    for product in 0..PRODUCTS {
        let [weight, result, row] = ["b", "y", "row"].map(|name| format!("{name}{product}"));
        if int8 {
            let values: Vec<u8> = (0..EDGE * EDGE).map(|i| ((i * 31 + product) % 127) as u8).collect();
            graph.initializer.push(raw_tensor(&weight, ElementType::Int8, vec![edge, edge], values));
            let inputs = ["u8", weight.as_str(), "zero"];
            graph.node.push(NodeProto::call("MatMulInteger", &result, &inputs, &[&result]));
        } else {
            let values: Vec<f32> =
                (0..EDGE * EDGE).map(|i| ((i * 31 + product) % 127) as f32 / 127.0).collect();
            graph.initializer.push(float_tensor(&weight, vec![edge, edge], &values));
            graph.node.push(NodeProto::call("MatMul", &result, &["a", &weight], &[&result]));
        }
        graph.node.push(NodeProto::call("Gather", &row, &[&result, "first"], &[&row]));
        graph.output.push(ValueInfoProto { name: Some(row), ..ValueInfoProto::default() });
    }
    let proto = ModelProto {
        ir_version: Some(8),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(17) }],
        ..ModelProto::default()
    };
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    write(&mut Model { proto, folder }, path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_a_plausible_rate() {
        let limit = Limit::measure(&crate::runtime::environment::for_tests(), 1, 1).unwrap();
        // A core does at most some 1,000 billion operations a second; how few, if others are at work, is anybody's
        // guess.
        assert!((1e7..1e12).contains(&limit.float), "{limit:?}");
        assert!((1e7..1e13).contains(&limit.int8), "{limit:?}");
        let both = Operations { float: limit.float, int8: 2.0 * limit.int8 };
        assert!((limit.seconds(both) - 3.0).abs() < 1e-9);
    }
}
