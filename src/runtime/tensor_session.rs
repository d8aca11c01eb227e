//! Running any model on any tensors: what quantisation needs to compare models, to calibrate and to fold constants.
//!
//! [`super::session`] is for the pipeline and knows only ids and pixels; this one takes and gives every numeric
//! type, runs on the CPU only, and is not tuned for throughput.

use std::borrow::Cow;
use std::path::Path;

use docproc_onnx::{Tensor, TensorValues};
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor as OrtTensor, TensorElementType};

use super::environment::Environment;
use super::session::{EXACT_SUMS, may_saturate};
use crate::error::{Error, ErrorCode, Result};

/// A model loaded for whole-tensor runs on the CPU.
pub struct TensorSession {
    session: Session,
    model: String,
}

impl TensorSession {
    /// Loads a model with all graph optimisations, as the pipeline does.
    ///
    /// # Errors
    /// `model.invalid` with ONNX Runtime's reason.
    pub fn load(environment: &Environment, model: &Path, threads: usize) -> Result<Self> {
        let invalid = |reason: String| {
            Error::new(ErrorCode::ModelInvalid, "ONNX Runtime cannot load this model")
                .file(model)
                .because(std::io::Error::other(reason))
        };
        let mut builder = Session::builder(&environment.inner)
            .map_err(|error| invalid(error.to_string()))?
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(|error| invalid(error.to_string()))?
            .with_intra_threads(threads)
            .map_err(|error| invalid(error.to_string()))?;
        if threads > 1 {
            // Threads that spin between operators take the cores from everybody else.
            builder = builder.with_intra_op_spinning(false).map_err(|error| invalid(error.to_string()))?;
        }
        if may_saturate(model) {
            builder = builder
                .with_config_entry(EXACT_SUMS.0, EXACT_SUMS.1)
                .map_err(|error| invalid(error.to_string()))?;
        }
        let session = builder.commit_from_file(model).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { session, model: model.display().to_string() })
    }

    /// Names of the inputs that the model requires.
    #[must_use]
    pub fn inputs(&self) -> Vec<String> {
        self.session.inputs().iter().map(|input| input.name().to_owned()).collect()
    }

    /// Runs the model. Outputs come in the graph's order; those of types that [`TensorValues`] does not know are
    /// left out.
    ///
    /// # Errors
    /// `model.run`, naming the tensor where one is to blame.
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<(String, Tensor)>> {
        let model = self.model.clone();
        let failed = |part: &str, error: ort::Error| {
            let part = if part.is_empty() { model.clone() } else { format!("{model}: {part}") };
            Error::new(ErrorCode::ModelRun, "running the model failed").part(part).because(error)
        };
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let value = to_value(tensor).map_err(|error| failed(name, error))?;
            values.push((Cow::Borrowed(*name), value.into()));
        }
        let outputs = self.session.run(values).map_err(|error| failed("", error))?;
        let mut tensors = Vec::with_capacity(outputs.len());
        for (name, value) in &outputs {
            if let Some(tensor) = from_value(&value).map_err(|error| failed(name, error))? {
                tensors.push((name.to_owned(), tensor));
            }
        }
        Ok(tensors)
    }
}

fn to_value(tensor: &Tensor) -> ort::Result<DynValue> {
    let shape = tensor.shape.clone();
    Ok(match &tensor.values {
        TensorValues::F32(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        TensorValues::I64(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        TensorValues::I32(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        TensorValues::Bool(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
    })
}

fn from_value(value: &DynValue) -> ort::Result<Option<Tensor>> {
    let lengths = |shape: &[i64]| shape.iter().map(|length| usize::try_from(*length).unwrap_or(0)).collect();
    macro_rules! extract {
        ($type:ty, $variant:ident) => {{
            let (shape, data) = value.try_extract_tensor::<$type>()?;
            Some(Tensor { shape: lengths(shape), values: TensorValues::$variant(data.to_vec()) })
        }};
    }
    Ok(match value.dtype().tensor_type() {
        Some(TensorElementType::Float32) => extract!(f32, F32),
        Some(TensorElementType::Int64) => extract!(i64, I64),
        Some(TensorElementType::Int32) => extract!(i32, I32),
        Some(TensorElementType::Bool) => extract!(bool, Bool),
        _ => None,
    })
}
