//! The quantiser's way to inference.

use std::path::Path;

use docproc_onnx::{ModelLoader, ModelRunner, Tensor, Tensors};

use crate::error::Result;
use crate::runtime::{Environment, TensorSession};

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
