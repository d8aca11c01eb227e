//! ONNX graphs: reading, quantising, rewriting and writing, and the gate that proves no harm.
//!
//! [`quantize`] is the whole way from file to file. It reads a model ([`onnx`]), optionally rewrites the graph
//! ([`optimize`]), changes its numbers ([`eight_bit`], [`fp16`], [`qat`]), compares the result with the original
//! ([`agreement`]) and writes it only if the [`gate`] agrees. Inference comes in through [`ModelLoader`].

pub mod onnx;

mod agreement;
mod calibrate;
mod eight_bit;
mod engine;
mod fp16;
mod gate;
mod graph;
mod half;
mod histogram;
mod npy;
mod optimize;
mod options;
mod prepare;
mod qat;
mod qonnx;
#[cfg(test)]
mod reftest;
mod report;
mod runner;
mod select;
mod sensitivity;
mod types;
mod weights;

pub use engine::{Evaluate, QuantizeHooks, quantize};
pub use npy::read_samples;
pub use options::{CalibrationMethod, GateOptions, Mode, QuantizeOptions};
pub use report::{
    LayerChoice, LayerPrecision, OutputAgreement, QuantizeReport, RewriteOutcome, SpeedComparison, TaskMetric,
};
pub use runner::{ModelLoader, ModelRunner, OrtLoader, Tensors};
