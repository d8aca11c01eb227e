//! ONNX model files: the messages, the check before decoding, reading and writing.
//!
//! Bytes are untrusted: [`parse`] walks the wire format with the schema first ([`wire`]) and decodes only what
//! passed, so that sizes, nesting and memory are known before anything is allocated. Weights stay slices of the
//! file's buffer, or on disk if they are external data, until somebody needs them.

mod external;
mod proto;
mod read;
mod tensor;
#[cfg(test)]
mod tests;
mod wire;
mod write;

pub use proto::*;
pub use read::{Model, parse};
pub use tensor::{ElementType, float_tensor, integer_tensor, raw_tensor, scalar_tensor};
pub use write::{write, write_with};
