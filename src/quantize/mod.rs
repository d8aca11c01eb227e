//! ONNX graphs: reading, quantising, rewriting and writing, and the gate that proves no harm.
//!
//! [`quantize`] is the whole way from file to file. It reads a model ([`onnx`]), brings it back to float if it is in
//! eight bits already ([`dequantize`]), optionally rewrites the graph ([`optimize`]), changes its numbers
//! ([`eight_bit`], [`fp16`], [`qat`]), compares the result with the original ([`agreement`]) and writes it only if the
//! [`gate`] agrees. Inference comes in through [`ModelLoader`].
//!
//! [`Subject`] is a model with its tokenizer and labels: it turns texts and documents into inputs ([`gather`]) and is
//! evaluated on labelled data. [`ensure_variants`] quantises at first use what `neural-config.yaml` asks for.

pub mod onnx;

mod agreement;
mod builtin;
mod calibrate;
#[cfg(test)]
mod data_files;
mod dequantize;
mod eight_bit;
mod engine;
mod first_use;
mod fp16;
mod gate;
mod graph;
mod half;
mod histogram;
mod inputs;
pub(crate) mod npy;
mod optimize;
mod options;
mod prepare;
mod qat;
mod qonnx;
mod range;
#[cfg(test)]
mod reftest;
mod report;
mod runner;
mod select;
mod sensitivity;
mod subject;
mod types;
mod weights;

pub use builtin::builtin;
pub use engine::{Evaluate, QuantizeHooks, quantize};
pub use first_use::ensure_variants;
pub use inputs::{Inputs, Reading, gather, is_tensors, tensors};
pub use options::{CalibrationMethod, GateOptions, Mode, QuantizeOptions};
pub use report::{
    LayerChoice, LayerPrecision, OutputAgreement, QuantizeReport, RewriteOutcome, SpeedComparison, TaskMetric,
};
pub use runner::{ModelLoader, ModelRunner, OrtLoader, Tensors};
pub use subject::{Subject, Task};
pub use types::declared;
