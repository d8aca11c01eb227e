//! Reading models.

use std::path::{Path, PathBuf};

use docproc_error::{Error, ErrorCode, Result};
use prost::Message;
use prost::bytes::Bytes;

use super::external::ExternalSlice;
use super::proto::{GraphProto, ModelProto, TensorProto};
use super::tensor::ElementType;
use super::wire;

/// Protocol buffers cannot hold more in one message; larger models keep their weights in external data.
const MAX_FILE: u64 = i32::MAX as u64;

/// A model and the folder that its external data is relative to.
#[derive(Clone, Debug)]
pub struct Model {
    /// The message; always has a graph.
    pub proto: ModelProto,
    /// Folder of the file it was read from.
    pub folder: PathBuf,
}

/// Decodes a `ModelProto`. Weights stay slices of `bytes`.
///
/// # Errors
/// `onnx.invalid` with the byte offset; see [`wire::check`]. Never allocates more than that check allows.
pub fn parse(bytes: Bytes) -> Result<ModelProto> {
    wire::check(&bytes)?;
    let proto = ModelProto::decode(bytes)
        .map_err(|error| Error::new(ErrorCode::OnnxInvalid, "not an ONNX model").because(error))?;
    if proto.graph.as_ref().is_none_or(|graph| graph.node.is_empty() && graph.output.is_empty()) {
        return Err(Error::new(ErrorCode::OnnxInvalid, "the file holds no graph"));
    }
    Ok(proto)
}

impl Model {
    /// Reads a model file; external data stays where it is.
    ///
    /// # Errors
    /// `input.not_found`, `input.unreadable`, `onnx.invalid`.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let code = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorCode::InputNotFound,
                _ => ErrorCode::InputUnreadable,
            };
            Error::new(code, "cannot read the model").file(path).because(error)
        };
        let size = path.metadata().map_err(failed)?.len();
        if size > MAX_FILE {
            return Err(Error::new(
                ErrorCode::OnnxInvalid,
                format!("{size} bytes; an ONNX file has at most 2 GiB"),
            )
            .file(path)
            .help("export the weights as external data"));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let proto = parse(bytes.into()).map_err(|error| error.file(path))?;
        let mut model = Self { proto, folder: path.parent().map(Path::to_path_buf).unwrap_or_default() };
        model.check_external().map_err(|error| error.file(path))?;
        Ok(model)
    }

    /// The main graph.
    #[must_use]
    pub fn graph(&self) -> &GraphProto {
        self.proto.graph.as_ref().unwrap_or_else(|| unreachable!("parse requires a graph"))
    }

    /// The main graph, to be changed.
    pub fn graph_mut(&mut self) -> &mut GraphProto {
        self.proto.graph.get_or_insert_default()
    }

    /// Version of the default operator set; 1 if the file names none.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.proto
            .opset_import
            .iter()
            .filter(|entry| matches!(entry.domain(), "" | "ai.onnx"))
            .map(|entry| entry.version())
            .max()
            .unwrap_or(1)
    }

    /// The elements of a constant in raw little-endian form, wherever they are.
    ///
    /// # Errors
    /// `onnx.invalid` or `input.unreadable`, naming the tensor.
    pub fn bytes(&self, tensor: &TensorProto) -> Result<Bytes> {
        match tensor.inline_bytes()? {
            Some(bytes) => Ok(bytes),
            None => Ok(ExternalSlice::resolve(tensor, &self.folder)?.read()?.into()),
        }
    }

    /// The elements of a float32 constant.
    ///
    /// # Errors
    /// As [`Self::bytes`]; `onnx.invalid` for another type.
    pub fn floats(&self, tensor: &TensorProto) -> Result<Vec<f32>> {
        if tensor.element_type() != Some(ElementType::Float) {
            return Err(tensor.invalid("expected float32"));
        }
        let bytes = self.bytes(tensor)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
    }

    /// The elements of an int64 or int32 constant.
    ///
    /// # Errors
    /// As [`Self::bytes`]; `onnx.invalid` for another type.
    pub fn integers(&self, tensor: &TensorProto) -> Result<Vec<i64>> {
        let bytes = self.bytes(tensor)?;
        match tensor.element_type() {
            Some(ElementType::Int64) => {
                Ok(bytes.as_chunks::<8>().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect())
            }
            Some(ElementType::Int32) => {
                Ok(bytes.as_chunks::<4>().0.iter().map(|chunk| i32::from_le_bytes(*chunk).into()).collect())
            }
            _ => Err(tensor.invalid("expected integers")),
        }
    }

    /// Sets a property of the model, or removes it.
    pub fn set_property(&mut self, key: &str, value: Option<&str>) {
        self.proto.metadata_props.retain(|entry| entry.key() != key);
        self.proto.metadata_props.extend(value.map(|value| super::proto::StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        }));
    }

    /// Declares an operator domain unless it is there.
    pub fn require_domain(&mut self, domain: &str, version: i64) {
        if !self.proto.opset_import.iter().any(|entry| entry.domain() == domain) {
            self.proto.opset_import.push(super::proto::OperatorSetIdProto {
                domain: Some(domain.to_owned()),
                version: Some(version),
            });
        }
    }

    /// External tensors of the main graph must resolve; those inside nodes are small and loaded now, so that
    /// only initialisers need care when writing.
    fn check_external(&mut self) -> Result<()> {
        let folder = self.folder.clone();
        for tensor in &self.graph().initializer {
            if tensor.is_external() {
                ExternalSlice::resolve(tensor, &folder)?;
            }
        }
        for graph in self
            .proto
            .training_info
            .iter_mut()
            .flat_map(|info| info.initialization.iter_mut().chain(&mut info.algorithm))
        {
            load_nested(graph, &folder)?;
        }
        load_nested(self.graph_mut(), &folder)
    }
}

fn load_nested(graph: &mut GraphProto, folder: &Path) -> Result<()> {
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        for tensor in attribute.t.iter_mut().map(|tensor| &mut **tensor).chain(&mut attribute.tensors) {
            load(tensor, folder)?;
        }
        for inner in attribute.g.iter_mut().map(|inner| &mut **inner).chain(&mut attribute.graphs) {
            for tensor in &mut inner.initializer {
                load(tensor, folder)?;
            }
            load_nested(inner, folder)?;
        }
    }
    Ok(())
}

fn load(tensor: &mut TensorProto, folder: &Path) -> Result<()> {
    if tensor.is_external() {
        tensor.raw_data = Some(ExternalSlice::resolve(tensor, folder)?.read()?.into());
        tensor.external_data.clear();
        tensor.data_location = None;
    }
    Ok(())
}
