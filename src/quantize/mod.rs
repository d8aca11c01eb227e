//! `docproc_onnx` with the models of a run: what a model is calibrated and judged on, and variants made at first use.
//!
//! [`Subject`] is a model with its tokenizer and labels: it turns texts and documents into inputs ([`gather`]) and is
//! evaluated on labelled data. [`ensure_variants`] quantises at first use what `neural-config.yaml` asks for.

use std::path::Path;

use docproc_onnx::{QuantizeHooks, QuantizeOptions, QuantizeReport};

use crate::error::Result;
use crate::output::write_atomic;

mod builtin;
#[cfg(test)]
mod data_files;
mod first_use;
#[cfg(test)]
mod graph_tests;
mod inputs;
mod loader;
#[cfg(test)]
mod reftest;
mod subject;

pub use builtin::builtin;
pub use first_use::ensure_variants;
pub use inputs::{Inputs, Reading, gather, is_tensors, tensors};
pub use loader::OrtLoader;
pub use subject::{Subject, Task};

/// As [`docproc_onnx::quantize`], with the report as `<output>.report.json` beside what was written.
///
/// # Errors
/// Those; `output.unwritable`.
pub fn quantize(
    input: &Path,
    output: &Path,
    options: &QuantizeOptions,
    hooks: QuantizeHooks<'_>,
) -> Result<QuantizeReport> {
    let report = docproc_onnx::quantize(input, output, options, hooks)?;
    if !report.files.is_empty() {
        write_atomic(&QuantizeReport::path_beside(output), |out| {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            out.write_all(b"\n")
        })?;
    }
    Ok(report)
}
