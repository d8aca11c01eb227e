//! Tensor bytes in files beside the model.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use docproc_error::{Error, ErrorCode, Result};

use super::proto::TensorProto;

/// Where the bytes of an external tensor are, checked against the file there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalSlice {
    /// The file.
    pub path: PathBuf,
    /// First byte.
    pub offset: u64,
    /// Number of bytes; equals what the tensor's shape and type need.
    pub length: usize,
}

impl ExternalSlice {
    /// Reads the `external_data` entries of a tensor of a model in `folder`.
    ///
    /// # Errors
    /// `onnx.invalid` if the location is absolute or leaves the folder, an entry is missing or not a number,
    /// the length contradicts the shape, or the file is too short.
    pub fn resolve(tensor: &TensorProto, folder: &Path) -> Result<Self> {
        let entry = |key: &str| {
            tensor.external_data.iter().find(|entry| entry.key() == key).map(|entry| entry.value().to_owned())
        };
        let number = |key: &str| -> Result<Option<u64>> {
            entry(key)
                .map(|text| {
                    text.trim().parse().map_err(|_| tensor.invalid(format!("external data: {key} {text:?}")))
                })
                .transpose()
        };
        let location = entry("location").ok_or_else(|| tensor.invalid("external data without a location"))?;
        let relative = Path::new(&location);
        let inside =
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside || location.is_empty() {
            return Err(tensor.invalid(format!("external data outside of the model's folder: {location:?}")));
        }
        let length = tensor.byte_length()?;
        if number("length")?.is_some_and(|stated| stated != length as u64) {
            return Err(
                tensor.invalid(format!("external data is not the {length} bytes that its shape needs"))
            );
        }
        let offset = number("offset")?.unwrap_or(0);
        let path = folder.join(relative);
        let size = path.metadata().map_err(|error| unreadable(&path, tensor).because(error))?.len();
        if offset.checked_add(length as u64).is_none_or(|end| end > size) {
            return Err(tensor
                .invalid(format!("external data ends at {offset} + {length} bytes in a file of {size}"))
                .file(path));
        }
        Ok(Self { path, offset, length })
    }

    /// A reader of exactly these bytes.
    ///
    /// # Errors
    /// `input.unreadable`.
    pub fn open(&self) -> Result<std::io::Take<File>> {
        let failed =
            |error| Error::new(ErrorCode::InputUnreadable, "cannot read").file(&self.path).because(error);
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        Ok(file.take(self.length as u64))
    }

    /// The bytes.
    ///
    /// # Errors
    /// `input.unreadable`, also if the file shrank since it was checked.
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.length);
        let read = self.open()?.read_to_end(&mut bytes);
        match read {
            Ok(count) if count == self.length => Ok(bytes),
            Ok(_) => Err(Error::new(ErrorCode::InputUnreadable, "the file shrank").file(&self.path)),
            Err(error) => {
                Err(Error::new(ErrorCode::InputUnreadable, "cannot read").file(&self.path).because(error))
            }
        }
    }
}

fn unreadable(path: &Path, tensor: &TensorProto) -> Error {
    Error::new(ErrorCode::InputUnreadable, "external data of the model cannot be read")
        .file(path)
        .part(format!("tensor {}", tensor.name()))
        .help("keep the data file beside the model")
}
