//! Tensors of any shape, in memory of our own.

/// Elements of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorValues {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Truth values.
    Bool(Vec<bool>),
}

/// A tensor of any shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length per axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// Elements; as many as the product of `shape`.
    pub values: TensorValues,
}

impl Tensor {
    /// The elements, if they are float32.
    #[must_use]
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            TensorValues::F32(values) => Some(values),
            _ => None,
        }
    }
}
