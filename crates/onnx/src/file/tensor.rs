//! Constant tensors: element types, checked sizes, and construction.

use docproc_error::{Error, ErrorCode, Result};
use prost::bytes::Bytes;

use super::proto::{LOCATION_EXTERNAL, TensorProto};

macro_rules! element_types {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $bits:expr;)+) => {
        /// `TensorProto.DataType`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum ElementType { $($(#[$doc])* $variant = $number,)+ }

        impl ElementType {
            /// The type with this number in the specification.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// Bits per element; `None` for strings, which have no fixed width.
            #[must_use]
            pub const fn bits(self) -> Option<u64> {
                match self { $(Self::$variant => $bits,)+ }
            }
        }
    };
}

element_types! {
    Float = 1, Some(32);
    Uint8 = 2, Some(8);
    Int8 = 3, Some(8);
    Uint16 = 4, Some(16);
    Int16 = 5, Some(16);
    Int32 = 6, Some(32);
    Int64 = 7, Some(64);
    String = 8, None;
    Bool = 9, Some(8);
    Float16 = 10, Some(16);
    Double = 11, Some(64);
    Uint32 = 12, Some(32);
    Uint64 = 13, Some(64);
    Complex64 = 14, Some(64);
    Complex128 = 15, Some(128);
    Bfloat16 = 16, Some(16);
    Float8E4m3fn = 17, Some(8);
    Float8E4m3fnuz = 18, Some(8);
    Float8E5m2 = 19, Some(8);
    Float8E5m2fnuz = 20, Some(8);
    Uint4 = 21, Some(4);
    Int4 = 22, Some(4);
    Float4E2m1 = 23, Some(4);
    Float8E8m0 = 24, Some(8);
    Uint2 = 25, Some(2);
    Int2 = 26, Some(2);
}

impl ElementType {
    /// The number in the specification.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

impl TensorProto {
    /// The element type, if it is one that this build knows.
    #[must_use]
    pub fn element_type(&self) -> Option<ElementType> {
        ElementType::from_number(self.data_type())
    }

    /// Number of elements.
    ///
    /// # Errors
    /// `onnx.invalid` if a dimension is negative or the product overflows.
    pub fn element_count(&self) -> Result<usize> {
        self.dims
            .iter()
            .try_fold(1usize, |count, dim| count.checked_mul(usize::try_from(*dim).ok()?))
            .ok_or_else(|| self.invalid(format!("impossible shape {:?}", self.dims)))
    }

    /// Bytes of the elements in little-endian raw form.
    ///
    /// # Errors
    /// `onnx.invalid` for strings, unknown types and impossible shapes.
    pub fn byte_length(&self) -> Result<usize> {
        let bits = self
            .element_type()
            .and_then(ElementType::bits)
            .ok_or_else(|| self.invalid(format!("element type {} has no fixed size", self.data_type())))?;
        let count = self.element_count()? as u64;
        count
            .checked_mul(bits)
            .and_then(|total| usize::try_from(total.div_ceil(8)).ok())
            .ok_or_else(|| self.invalid(format!("impossible shape {:?}", self.dims)))
    }

    /// Whether the bytes are in another file.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.data_location() == LOCATION_EXTERNAL
    }

    /// The elements in raw form from inside the message; `None` if they are external.
    ///
    /// # Errors
    /// `onnx.invalid` if there are more or fewer of them than the shape says.
    pub fn inline_bytes(&self) -> Result<Option<Bytes>> {
        if self.is_external() {
            return Ok(None);
        }
        let expected = self.byte_length()?;
        let bytes = match &self.raw_data {
            Some(raw) => raw.clone(),
            None => self.typed_bytes(),
        };
        if bytes.len() == expected {
            Ok(Some(bytes))
        } else {
            Err(self.invalid(format!(
                "holds {} bytes where shape {:?} needs {expected}",
                bytes.len(),
                self.dims
            )))
        }
    }

    /// Raw form of the typed fields. `int32_data` carries every type of 32 bits and less, low bits first.
    fn typed_bytes(&self) -> Bytes {
        use ElementType as T;
        let narrow = |width: usize| -> Vec<u8> {
            self.int32_data.iter().flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect()
        };
        let bytes: Vec<u8> = match self.element_type() {
            Some(T::Float | T::Complex64) => {
                self.float_data.iter().flat_map(|value| value.to_le_bytes()).collect()
            }
            Some(T::Double | T::Complex128) => {
                self.double_data.iter().flat_map(|value| value.to_le_bytes()).collect()
            }
            Some(T::Int64) => self.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Some(T::Uint64) => self.uint64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Some(T::Uint32) => {
                self.uint64_data.iter().flat_map(|value| value.to_le_bytes().into_iter().take(4)).collect()
            }
            Some(T::Int32) => narrow(4),
            Some(T::Int16 | T::Uint16 | T::Float16 | T::Bfloat16) => narrow(2),
            _ => narrow(1),
        };
        bytes.into()
    }

    /// An error about this tensor.
    pub(crate) fn invalid(&self, message: impl Into<String>) -> Error {
        Error::new(ErrorCode::OnnxInvalid, message).part(format!("tensor {}", self.name()))
    }
}

/// A constant from raw little-endian bytes.
#[must_use]
pub fn raw_tensor(
    name: &str,
    element_type: ElementType,
    dims: Vec<i64>,
    raw: impl Into<Bytes>,
) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(element_type.number()),
        dims,
        raw_data: Some(raw.into()),
        ..TensorProto::default()
    }
}

/// A float32 constant.
#[must_use]
pub fn float_tensor(name: &str, dims: Vec<i64>, values: &[f32]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(name, ElementType::Float, dims, raw)
}

/// An int64 constant.
#[must_use]
pub fn integer_tensor(name: &str, dims: Vec<i64>, values: &[i64]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(name, ElementType::Int64, dims, raw)
}

/// A float32 constant without dimensions.
#[must_use]
pub fn scalar_tensor(name: &str, value: f32) -> TensorProto {
    float_tensor(name, Vec::new(), &[value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        let mut tensor = float_tensor("w", vec![2, 3], &[0.0; 6]);
        assert_eq!(tensor.byte_length().unwrap(), 24);
        tensor.dims = vec![i64::MAX, 3];
        assert_eq!(tensor.element_count().unwrap_err().code(), ErrorCode::OnnxInvalid);
        tensor.dims = vec![-1];
        assert!(tensor.inline_bytes().is_err());
        tensor.dims = vec![7];
        assert!(tensor.inline_bytes().unwrap_err().to_string().contains("24 bytes"));
    }

    #[test]
    fn typed_fields_become_raw() {
        let tensor = TensorProto {
            data_type: Some(ElementType::Int8.number()),
            dims: vec![3],
            int32_data: vec![-1, 2, 127],
            ..TensorProto::default()
        };
        assert_eq!(tensor.inline_bytes().unwrap().unwrap(), Bytes::from_static(&[255, 2, 127]));
    }
}
