//! Checks the protobuf wire format of an ONNX file against the schema before it is decoded.
//!
//! Decoding multiplies: two bytes of file can become a node structure of several hundred. The walk computes what
//! the decoded model will occupy beyond the file's own buffer and stops at a limit, knows the byte offset of
//! whatever is wrong, and finds fields that [`super::proto`] does not declare and would lose.

use std::mem::size_of;

use docproc_error::{Error, ErrorCode, Result};

use super::proto::*;

/// Nesting of messages that is accepted; subgraphs cost three levels each. prost itself stops at 100.
const MAX_DEPTH: usize = 90;

/// Decoded size that is always accepted, in bytes; a graph of 100,000 nodes with attributes stays well below.
const FREE_FOOTPRINT: u64 = 256 << 20;

#[derive(Clone, Copy)]
enum Field {
    Varint,
    Fixed32,
    /// Text or bytes whose heap copy costs at most its own length plus this header.
    Text(usize),
    /// Bytes that stay in the file's buffer, with the size of the handle.
    Slice(usize),
    Message(&'static Schema),
    /// Repeated numbers, packed or one by one; the width decoded.
    Varints(usize),
    Floats,
    Doubles,
}

struct Schema {
    name: &'static str,
    size: usize,
    fields: &'static [(u32, Field)],
}

const STRING: Field = Field::Text(0);
const STRINGS: Field = Field::Text(size_of::<String>());
const BYTES: Field = Field::Slice(0);
const BYTES_LIST: Field = Field::Slice(size_of::<prost::bytes::Bytes>());
const INTS: Field = Field::Varints(8);

macro_rules! schema {
    ($($id:ident = $type:ty { $($tag:literal: $field:expr),* $(,)? })+) => {
        $(static $id: Schema = Schema {
            name: stringify!($type),
            size: size_of::<$type>(),
            fields: &[$(($tag, $field)),*],
        };)+
    };
}

schema! {
    ATTRIBUTE = AttributeProto {
        1: STRING, 2: Field::Fixed32, 3: Field::Varint, 4: BYTES, 5: Field::Message(&TENSOR),
        6: Field::Message(&GRAPH), 7: Field::Floats, 8: INTS, 9: BYTES_LIST, 10: Field::Message(&TENSOR),
        11: Field::Message(&GRAPH), 13: STRING, 14: Field::Message(&TYPE), 15: Field::Message(&TYPE),
        20: Field::Varint, 21: STRING, 22: Field::Message(&SPARSE), 23: Field::Message(&SPARSE),
    }
    VALUE_INFO = ValueInfoProto {
        1: STRING, 2: Field::Message(&TYPE), 3: STRING, 4: Field::Message(&ENTRY),
    }
    NODE = NodeProto {
        1: STRINGS, 2: STRINGS, 3: STRING, 4: STRING, 5: Field::Message(&ATTRIBUTE), 6: STRING, 7: STRING,
        8: STRING, 9: Field::Message(&ENTRY), 10: Field::Message(&NODE_DEVICE),
    }
    INT_LIST = IntIntListEntryProto { 1: Field::Varint, 2: INTS }
    NODE_DEVICE = NodeDeviceConfigurationProto {
        1: STRING, 2: Field::Message(&SHARDING), 3: Field::Varint,
    }
    SHARDING = ShardingSpecProto {
        1: STRING, 2: INTS, 3: Field::Message(&INT_LIST), 4: Field::Message(&SHARDED_DIM),
    }
    SHARDED_DIM = ShardedDimProto { 1: Field::Varint, 2: Field::Message(&SIMPLE_SHARDED_DIM) }
    SIMPLE_SHARDED_DIM = SimpleShardedDimProto { 1: Field::Varint, 2: STRING, 3: Field::Varint }
    TRAINING = TrainingInfoProto {
        1: Field::Message(&GRAPH), 2: Field::Message(&GRAPH), 3: Field::Message(&ENTRY),
        4: Field::Message(&ENTRY),
    }
    MODEL = ModelProto {
        1: Field::Varint, 2: STRING, 3: STRING, 4: STRING, 5: Field::Varint, 6: STRING,
        7: Field::Message(&GRAPH), 8: Field::Message(&OPSET), 14: Field::Message(&ENTRY),
        20: Field::Message(&TRAINING), 25: Field::Message(&FUNCTION), 26: Field::Message(&DEVICE),
    }
    DEVICE = DeviceConfigurationProto { 1: STRING, 2: Field::Varint, 3: STRINGS }
    ENTRY = StringStringEntryProto { 1: STRING, 2: STRING }
    ANNOTATION = TensorAnnotation { 1: STRING, 2: Field::Message(&ENTRY) }
    GRAPH = GraphProto {
        1: Field::Message(&NODE), 2: STRING, 5: Field::Message(&TENSOR), 10: STRING,
        11: Field::Message(&VALUE_INFO), 12: Field::Message(&VALUE_INFO), 13: Field::Message(&VALUE_INFO),
        14: Field::Message(&ANNOTATION), 15: Field::Message(&SPARSE), 16: Field::Message(&ENTRY),
    }
    TENSOR = TensorProto {
        1: INTS, 2: Field::Varint, 3: Field::Message(&SEGMENT), 4: Field::Floats, 5: Field::Varints(4),
        6: BYTES_LIST, 7: INTS, 8: STRING, 9: BYTES, 10: Field::Doubles, 11: INTS, 12: STRING,
        13: Field::Message(&ENTRY), 14: Field::Varint, 16: Field::Message(&ENTRY),
    }
    SEGMENT = Segment { 1: Field::Varint, 2: Field::Varint }
    SPARSE = SparseTensorProto { 1: Field::Message(&TENSOR), 2: Field::Message(&TENSOR), 3: INTS }
    SHAPE = TensorShapeProto { 1: Field::Message(&DIMENSION) }
    DIMENSION = Dimension { 1: Field::Varint, 2: STRING, 3: STRING }
    TYPE = TypeProto {
        1: Field::Message(&TENSOR_TYPE), 4: Field::Message(&ELEMENT_TYPE), 5: Field::Message(&MAP_TYPE),
        6: STRING, 7: Field::Message(&OPAQUE_TYPE), 8: Field::Message(&TENSOR_TYPE),
        9: Field::Message(&ELEMENT_TYPE),
    }
    TENSOR_TYPE = TensorTypeProto { 1: Field::Varint, 2: Field::Message(&SHAPE) }
    ELEMENT_TYPE = ElementTypeProto { 1: Field::Message(&TYPE) }
    MAP_TYPE = MapTypeProto { 1: Field::Varint, 2: Field::Message(&TYPE) }
    OPAQUE_TYPE = OpaqueTypeProto { 1: STRING, 2: STRING }
    OPSET = OperatorSetIdProto { 1: STRING, 2: Field::Varint }
    FUNCTION = FunctionProto {
        1: STRING, 4: STRINGS, 5: STRINGS, 6: STRINGS, 7: Field::Message(&NODE), 8: STRING,
        9: Field::Message(&OPSET), 10: STRING, 11: Field::Message(&ATTRIBUTE),
        12: Field::Message(&VALUE_INFO), 13: STRING, 14: Field::Message(&ENTRY),
    }
}

/// Walks a whole `ModelProto`. Returns the bytes that decoding will allocate beyond the file's own buffer.
///
/// # Errors
/// `onnx.invalid` with the byte offset: truncated or oversized fields, wrong wire types, fields outside the
/// schema, text that is not UTF-8, nesting beyond [`MAX_DEPTH`], or a decoded size beyond what a file of this
/// length may ask for.
pub fn check(bytes: &[u8]) -> Result<u64> {
    let limit = FREE_FOOTPRINT.saturating_add(4 * bytes.len() as u64);
    let mut walk = Walk { bytes, at: 0, footprint: 0, limit };
    walk.message(&MODEL, bytes.len(), 0)?;
    Ok(walk.footprint)
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    footprint: u64,
    limit: u64,
}

impl Walk<'_> {
    fn message(&mut self, schema: &Schema, end: usize, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(invalid(self.at, format!("messages nest deeper than {MAX_DEPTH} levels")));
        }
        while self.at < end {
            let start = self.at;
            let key = self.varint(end)?;
            let (number, wire_type) = (key >> 3, (key & 7) as u8);
            let field = u32::try_from(number)
                .ok()
                .and_then(|number| schema.fields.iter().find(|(tag, _)| *tag == number))
                .map(|(_, field)| *field)
                .ok_or_else(|| {
                    invalid(start, format!("field {number} of {} is not part of ONNX IR 14", schema.name))
                        .help("the file is damaged or newer than this build; rewriting it would lose data")
                })?;
            self.field(schema, field, wire_type, start, end, depth)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        schema: &Schema,
        field: Field,
        wire_type: u8,
        start: usize,
        end: usize,
        depth: usize,
    ) -> Result<()> {
        match (field, wire_type) {
            (Field::Varint, 0) => self.varint(end).map(drop),
            (Field::Fixed32, 5) => self.skip(4, end),
            (Field::Varints(width), 0) => {
                self.varint(end)?;
                self.grow(start, width)
            }
            (Field::Floats, 5) => {
                self.skip(4, end)?;
                self.grow(start, 4)
            }
            (Field::Doubles, 1) => {
                self.skip(8, end)?;
                self.grow(start, 8)
            }
            (_, 2) => {
                let length = self.length(end)?;
                let stop = self.at + length;
                match field {
                    Field::Text(header) => {
                        if std::str::from_utf8(&self.bytes[self.at..stop]).is_err() {
                            return Err(invalid(self.at, format!("text in {} is not UTF-8", schema.name)));
                        }
                        self.grow(start, header + length)?;
                    }
                    Field::Slice(header) => self.grow(start, header)?,
                    Field::Message(inner) => {
                        self.grow(start, inner.size)?;
                        return self.message(inner, stop, depth + 1);
                    }
                    Field::Varints(width) => {
                        while self.at < stop {
                            self.varint(stop)?;
                            self.grow(start, width)?;
                        }
                    }
                    Field::Floats if length.is_multiple_of(4) => self.grow(start, length)?,
                    Field::Doubles if length.is_multiple_of(8) => self.grow(start, length)?,
                    _ => return Err(wrong_type(start, schema, wire_type)),
                }
                self.at = stop;
                Ok(())
            }
            _ => Err(wrong_type(start, schema, wire_type)),
        }
    }

    fn varint(&mut self, end: usize) -> Result<u64> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            if self.at >= end {
                return Err(invalid(start, "the file ends inside a number"));
            }
            let byte = self.bytes[self.at];
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid(start, "a number is longer than 64 bits"))
    }

    fn length(&mut self, end: usize) -> Result<usize> {
        let start = self.at;
        let length = self.varint(end)?;
        usize::try_from(length).ok().filter(|length| *length <= end - self.at).ok_or_else(|| {
            invalid(start, format!("a field of {length} bytes does not fit into the {} left", end - self.at))
        })
    }

    fn skip(&mut self, count: usize, end: usize) -> Result<()> {
        if end - self.at < count {
            return Err(invalid(self.at, "the file ends inside a number"));
        }
        self.at += count;
        Ok(())
    }

    fn grow(&mut self, start: usize, bytes: usize) -> Result<()> {
        // Vectors grow by doubling, so what is pushed may hold twice its size.
        self.footprint += 2 * bytes as u64;
        if self.footprint > self.limit {
            return Err(invalid(
                start,
                format!("decoding would take more than {} MiB of memory", self.limit >> 20),
            ));
        }
        Ok(())
    }
}

fn wrong_type(at: usize, schema: &Schema, wire_type: u8) -> Error {
    invalid(at, format!("wire type {wire_type} does not fit the field of {}", schema.name))
}

fn invalid(at: usize, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::OnnxInvalid, message).offset(at as u64)
}
