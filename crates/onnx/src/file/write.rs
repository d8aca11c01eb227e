//! Writing models as a stream: one tensor in memory at a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use docproc_error::{Error, ErrorCode, Result};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use super::external::ExternalSlice;
use super::proto::{GraphProto, LOCATION_EXTERNAL, StringStringEntryProto, TensorProto};
use super::read::Model;

/// A file may hold this much; above it the weights go to external data. Protocol buffers end at 2 GiB.
const MAX_INLINE: u64 = (1 << 31) - (64 << 20);

/// Tensors below this size stay in the model file, as the reference library does.
const MIN_EXTERNAL: usize = 1024;

/// Tensors in external data start at multiples of this.
const ALIGNMENT: u64 = 64;

const MODEL_GRAPH: u32 = 7;
const GRAPH_INITIALIZER: u32 = 5;
const TENSOR_RAW_DATA: u32 = 9;

/// Writes `model` to `path`; weights go to `<path>_data` beside it if they exceed 2 GiB together. Returns the
/// files written, the model first. External data of the source is copied, never loaded whole.
///
/// The model is only borrowed mutably to take its parts in turn; it is unchanged afterwards.
///
/// # Errors
/// `output.unwritable`, `input.unreadable`, `onnx.invalid`.
pub fn write(model: &mut Model, path: &Path) -> Result<Vec<PathBuf>> {
    let total = total_bytes(model)?;
    write_with(model, path, total > MAX_INLINE)
}

/// As [`write()`], with external data or without it whatever the size.
///
/// # Errors
/// As [`write()`].
pub fn write_with(model: &mut Model, path: &Path, external: bool) -> Result<Vec<PathBuf>> {
    let folder = model.folder.clone();
    let mut graph = model.proto.graph.take().unwrap_or_default();
    let initializers = std::mem::take(&mut graph.initializer);
    let written = stream(model, &graph, &initializers, &folder, path, external);
    graph.initializer = initializers;
    model.proto.graph = Some(graph);
    written
}

fn stream(
    model: &Model,
    graph: &GraphProto,
    initializers: &[TensorProto],
    folder: &Path,
    path: &Path,
    external: bool,
) -> Result<Vec<PathBuf>> {
    let mut files = vec![path.to_owned()];
    let placed: Vec<Placed> = if external {
        let data = data_path(path)?;
        let placed = write_data(initializers, folder, &data)?;
        files.push(data);
        placed
    } else {
        initializers.iter().map(|tensor| inline(tensor, folder)).collect::<Result<_>>()?
    };
    let failed = |error| unwritable(path, error);
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    out.write_all(&model.proto.encode_to_vec()).map_err(failed)?;

    let rest = graph.encode_to_vec();
    let framed = |length: u64, key: u32| length + encoded_len_varint(length) as u64 + key_length(key);
    let length = rest.len() as u64
        + placed.iter().map(|tensor| framed(tensor.encoded_length(), GRAPH_INITIALIZER)).sum::<u64>();
    let mut head = Vec::new();
    frame(&mut head, MODEL_GRAPH, length);
    out.write_all(&head).map_err(failed)?;
    out.write_all(&rest).map_err(failed)?;
    for tensor in &placed {
        head.clear();
        frame(&mut head, GRAPH_INITIALIZER, tensor.encoded_length());
        head.extend_from_slice(&tensor.header);
        if let Some(bytes) = &tensor.raw {
            frame(&mut head, TENSOR_RAW_DATA, bytes.length());
        }
        out.write_all(&head).map_err(failed)?;
        match &tensor.raw {
            Some(Raw::Memory(bytes)) => out.write_all(bytes).map_err(failed)?,
            Some(Raw::File(slice)) => copy(slice, &mut out, path)?,
            None => {}
        }
    }
    out.flush().map_err(failed)?;
    Ok(files)
}

/// A tensor as it will be encoded: its message without raw data, and the raw data.
struct Placed {
    header: Vec<u8>,
    raw: Option<Raw>,
}

enum Raw {
    Memory(prost::bytes::Bytes),
    File(ExternalSlice),
}

impl Raw {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(slice) => slice.length as u64,
        }
    }
}

impl Placed {
    fn encoded_length(&self) -> u64 {
        let raw = self.raw.as_ref().map_or(0, |raw| {
            raw.length() + encoded_len_varint(raw.length()) as u64 + key_length(TENSOR_RAW_DATA)
        });
        self.header.len() as u64 + raw
    }
}

/// Everything but the weights' bytes.
fn without_bytes(tensor: &TensorProto) -> TensorProto {
    TensorProto {
        dims: tensor.dims.clone(),
        data_type: tensor.data_type,
        segment: tensor.segment,
        name: tensor.name.clone(),
        data_location: tensor.data_location.filter(|location| *location != LOCATION_EXTERNAL),
        doc_string: tensor.doc_string.clone(),
        metadata_props: tensor.metadata_props.clone(),
        ..TensorProto::default()
    }
}

fn inline(tensor: &TensorProto, folder: &Path) -> Result<Placed> {
    if tensor.is_external() {
        let slice = ExternalSlice::resolve(tensor, folder)?;
        return Ok(Placed { header: without_bytes(tensor).encode_to_vec(), raw: Some(Raw::File(slice)) });
    }
    match &tensor.raw_data {
        Some(raw) => {
            Ok(Placed { header: without_bytes(tensor).encode_to_vec(), raw: Some(Raw::Memory(raw.clone())) })
        }
        None => Ok(Placed { header: tensor.encode_to_vec(), raw: None }),
    }
}

fn write_data(initializers: &[TensorProto], folder: &Path, data: &Path) -> Result<Vec<Placed>> {
    let failed = |error| unwritable(data, error);
    let location = data.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut out = BufWriter::new(File::create(data).map_err(failed)?);
    let mut offset = 0u64;
    let mut placed = Vec::with_capacity(initializers.len());
    for tensor in initializers {
        // Strings have no raw form; everything else that is large moves out.
        if tensor.byte_length().map_or(true, |length| length < MIN_EXTERNAL) {
            placed.push(inline(tensor, folder)?);
            continue;
        }
        let padding = offset.next_multiple_of(ALIGNMENT) - offset;
        out.write_all(&[0; ALIGNMENT as usize][..padding as usize]).map_err(failed)?;
        offset += padding;
        let length = match tensor.inline_bytes()? {
            Some(bytes) => {
                out.write_all(&bytes).map_err(failed)?;
                bytes.len()
            }
            None => {
                let slice = ExternalSlice::resolve(tensor, folder)?;
                copy(&slice, &mut out, data)?;
                slice.length
            }
        };
        let entry = |key: &str, value: String| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value),
        };
        let mut message = without_bytes(tensor);
        message.data_location = Some(LOCATION_EXTERNAL);
        message.external_data = vec![
            entry("location", location.clone()),
            entry("offset", offset.to_string()),
            entry("length", length.to_string()),
        ];
        placed.push(Placed { header: message.encode_to_vec(), raw: None });
        offset += length as u64;
    }
    out.flush().map_err(failed)?;
    Ok(placed)
}

fn copy(slice: &ExternalSlice, out: &mut impl Write, target: &Path) -> Result<()> {
    let copied = std::io::copy(&mut slice.open()?, out).map_err(|error| unwritable(target, error))?;
    if copied == slice.length as u64 {
        Ok(())
    } else {
        Err(Error::new(ErrorCode::InputUnreadable, "the file shrank").file(&slice.path))
    }
}

fn total_bytes(model: &Model) -> Result<u64> {
    let mut total = 0u64;
    for tensor in &model.graph().initializer {
        total += match tensor.is_external() {
            true => ExternalSlice::resolve(tensor, &model.folder)?.length as u64,
            false => tensor.encoded_len() as u64,
        };
    }
    Ok(total)
}

fn data_path(path: &Path) -> Result<PathBuf> {
    let mut name = path
        .file_name()
        .ok_or_else(|| Error::new(ErrorCode::OutputUnwritable, "not a file name").file(path))?
        .to_os_string();
    name.push("_data");
    Ok(path.with_file_name(name))
}

fn frame(out: &mut Vec<u8>, tag: u32, length: u64) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(length, out);
}

fn key_length(tag: u32) -> u64 {
    encoded_len_varint(u64::from(tag) << 3) as u64
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorCode::OutputUnwritable, "cannot write the model").file(path).because(error)
}
