//! The seam to inference: whatever loads a model file and runs it on named tensors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::runtime::{Environment, Tensor, TensorSession};

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

/// ONNX Runtime on the CPU.
pub struct OrtLoader {
    /// The loaded library.
    pub environment: Environment,
    /// Threads inside one operator.
    pub threads: usize,
}

impl ModelLoader for OrtLoader {
    fn load(&self, path: &Path) -> Result<Box<dyn ModelRunner>> {
        let session = TensorSession::load(&self.environment, path, self.threads)?;
        let names = session.inputs();
        Ok(Box::new(OrtRunner { session, names }))
    }
}

struct OrtRunner {
    session: TensorSession,
    names: Vec<String>,
}

impl ModelRunner for OrtRunner {
    fn run(&mut self, inputs: &Tensors) -> Result<Tensors> {
        let given: Vec<(&str, &Tensor)> = self
            .names
            .iter()
            .filter_map(|name| inputs.get(name).map(|tensor| (name.as_str(), tensor)))
            .collect();
        Ok(self.session.run(&given)?.into_iter().collect())
    }
}
