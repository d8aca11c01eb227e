//! Weights of a model that all its sessions use, instead of a copy each.
//!
//! ONNX Runtime gives every session its own copy of the weights, in the order that its kernels read them. What is
//! handed to it as a value of ours it uses in place, and keeps the kernels' order of it once for all sessions. That
//! works by name, so it needs a graph whose weights stay what they are: an optimised one, which is loaded as it is.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use docproc_onnx::file::{ElementType, TensorProto, parse};
use ort::session::builder::{PrepackedWeights, SessionBuilder};
use ort::value::{DynValue, Tensor};

/// Smaller ones are not worth a value of their own, in bytes.
const SMALLEST: usize = 1024;

/// As a value of ONNX Runtime; `None` for small ones, types that weights do not have, and what is stored otherwise.
fn value(weight: &TensorProto) -> Option<(String, Arc<DynValue>)> {
    let bytes = weight.raw_data.as_deref().filter(|bytes| bytes.len() >= SMALLEST)?;
    let dims = weight.dims.clone();
    let value = match weight.element_type()? {
        ElementType::Float => {
            tensor::<f32>(dims, bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        ElementType::Uint8 => tensor::<u8>(dims, bytes.to_vec()),
        ElementType::Int8 => tensor::<i8>(dims, bytes.iter().map(|byte| byte.cast_signed()).collect()),
        _ => None,
    };
    Some((weight.name().to_owned(), Arc::new(value?)))
}

/// A tensor, unless its shape does not fit its elements.
fn tensor<T>(dims: Vec<i64>, values: Vec<T>) -> Option<DynValue>
where
    T: ort::value::PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static,
{
    let count = dims.iter().try_fold(1usize, |count, &size| count.checked_mul(usize::try_from(size).ok()?));
    if count != Some(values.len()) {
        return None;
    }
    Some(Tensor::from_array((dims, values)).ok()?.into_dyn())
}

/// The weights of one model.
#[derive(Default)]
pub(super) struct SharedWeights {
    prepacked: OnceLock<PrepackedWeights>,
    values: OnceLock<Vec<(String, Arc<DynValue>)>>,
}

impl SharedWeights {
    /// Makes a session that loads the optimised graph in `file` use the shared weights. They are read from the first
    /// file that can be; loading the others says what is wrong with them.
    pub(super) fn lend(&self, file: &Path, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        let plain = |error: ort::Error<_>| ort::Error::new(error.message().to_owned());
        if self.values.get().is_none()
            && let Some(values) = read(file)
        {
            // Another thread may have been faster, with the same weights.
            let _ = self.values.set(values);
        }
        let prepacked = self.prepacked.get_or_init(PrepackedWeights::new);
        let mut builder = builder.with_prepacked_weights(prepacked).map_err(plain)?;
        for (name, value) in self.values.get().into_iter().flatten() {
            builder = builder.with_initializer(name, Arc::clone(value)).map_err(plain)?;
        }
        Ok(builder)
    }
}

fn read(file: &Path) -> Option<Vec<(String, Arc<DynValue>)>> {
    let model = parse(fs::read(file).ok()?.into()).ok()?;
    Some(model.graph?.initializer.iter().filter_map(value).collect())
}
