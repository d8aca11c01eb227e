//! ONNX graphs: reading, quantising, rewriting and writing, and the gate that proves no harm.
//!
//! [`quantize`] is the whole way from file to file. It reads a model ([`mod@file`]), brings it back to float if it is in
//! eight bits already ([`dequantize`]), optionally rewrites the graph ([`optimize`]), changes its numbers
//! ([`eight_bit`], [`fp16`], [`qat`]), compares the result with the original ([`agreement`]) and puts it in place only
//! if the [`gate`] agrees. Inference comes in through [`ModelLoader`]: this crate runs nothing itself.

pub mod agreement;
pub mod file;
pub mod npy;

mod calibrate;
mod dequantize;
mod eight_bit;
mod engine;
mod fp16;
mod gate;
mod graph;
mod half;
mod histogram;
mod optimize;
mod options;
mod prepare;
mod qat;
mod qonnx;
mod range;
mod report;
mod runner;
mod select;
mod sensitivity;
mod tensor;
mod types;
mod weights;

pub use engine::{Evaluate, QuantizeHooks, SEVEN_BIT_WEIGHTS, quantize};
pub use options::{CalibrationMethod, GateOptions, Mode, QuantizeOptions};
pub use report::{
    LayerChoice, LayerPrecision, OutputAgreement, QuantizeReport, RewriteOutcome, SpeedComparison, TaskMetric,
};
pub use runner::{ModelLoader, ModelRunner, Tensors};
pub use tensor::{Tensor, TensorValues};
pub use types::declared;
