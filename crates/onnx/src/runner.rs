//! The seam to inference: whatever loads a model file and runs it on named tensors.

use std::collections::BTreeMap;
use std::path::Path;

use docproc_error::Result;

use super::tensor::Tensor;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

/// A loaded model.
pub trait ModelRunner {
    /// Runs the model on these inputs; inputs that it does not have are ignored.
    ///
    /// # Errors
    /// `model.run`.
    fn run(&mut self, inputs: &Tensors) -> Result<Tensors>;
}

/// Loads model files.
pub trait ModelLoader {
    /// Loads the model at `path`.
    ///
    /// # Errors
    /// `model.invalid` if the runtime refuses it.
    fn load(&self, path: &Path) -> Result<Box<dyn ModelRunner>>;
}
