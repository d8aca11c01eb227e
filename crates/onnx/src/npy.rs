//! Calibration tensors in NumPy's `.npy` format.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3.

use std::path::Path;

use docproc_error::{Error, ErrorCode, Result};

use super::runner::Tensors;
use crate::tensor::{Tensor, TensorValues};

/// Headers are short dictionaries; a longer one is not a header.
const MAX_HEADER: usize = 64 << 10;

/// Reads a folder of samples: one folder per sample, in the order of names, with one `<input name>.npy` per input;
/// or the folder itself is the only sample.
///
/// # Errors
/// `input.unreadable`; `data.invalid` for files that are not float32, int64, int32 or bool arrays in C order, and
/// for folders without any.
pub fn read_samples(folder: &Path) -> Result<Vec<Tensors>> {
    let own = read_sample(folder)?;
    if !own.is_empty() {
        return Ok(vec![own]);
    }
    let mut samples = Vec::new();
    for path in sorted(folder)? {
        if path.is_dir() {
            let sample = read_sample(&path)?;
            if !sample.is_empty() {
                samples.push(sample);
            }
        }
    }
    if samples.is_empty() {
        return Err(Error::new(ErrorCode::DataInvalid, "no .npy files here").file(folder));
    }
    Ok(samples)
}

fn read_sample(folder: &Path) -> Result<Tensors> {
    let mut sample = Tensors::new();
    for path in sorted(folder)? {
        if path.extension().is_some_and(|extension| extension == "npy") {
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
            let tensor = parse(&bytes).map_err(|error| error.file(&path))?;
            sample.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), tensor);
        }
    }
    Ok(sample)
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(|error| unreadable(folder, error)))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorCode::InputUnreadable, "cannot read").file(path).because(error)
}

/// Decodes one array. Nothing is allocated that the bytes do not hold.
pub fn parse(bytes: &[u8]) -> Result<Tensor> {
    let invalid = |message: &str| Error::new(ErrorCode::DataInvalid, message);
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| invalid("not a .npy file"))?;
    let (length, start) = match *rest {
        [1, _, low, high, ..] => (usize::from(u16::from_le_bytes([low, high])), 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 6),
        _ => return Err(invalid("unknown .npy version")),
    };
    let header = rest
        .get(start..)
        .filter(|_| length <= MAX_HEADER)
        .and_then(|rest| rest.get(..length))
        .and_then(|header| std::str::from_utf8(header).ok())
        .ok_or_else(|| invalid("the header is damaged"))?;
    let data = &rest[start + length..];
    let field = |key: &str| -> Option<&str> {
        let (_, after) = header.split_once(&format!("'{key}'"))?;
        Some(after.trim_start().strip_prefix(':')?.trim_start())
    };
    if !field("fortran_order").is_some_and(|text| text.starts_with("False")) {
        return Err(invalid("the array is not in C order").help("save it with numpy.ascontiguousarray"));
    }
    let shape = field("shape")
        .and_then(|text| text.strip_prefix('('))
        .and_then(|text| text.split_once(')'))
        .map(|(inside, _)| inside.split(',').map(str::trim).filter(|part| !part.is_empty()))
        .and_then(|parts| parts.map(|part| part.parse::<usize>().ok()).collect::<Option<Vec<_>>>())
        .ok_or_else(|| invalid("the shape is damaged"))?;
    let count = shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length));
    let element = field("descr").and_then(|text| text.get(1..4)).unwrap_or_default();
    let width = match element {
        "<f4" | "<i4" => 4,
        "<i8" => 8,
        "|b1" => 1,
        _ => return Err(invalid("only float32, int64, int32 and bool arrays can be read")),
    };
    if count.and_then(|count| count.checked_mul(width)) != Some(data.len()) {
        return Err(invalid("the data do not fit the shape"));
    }
    let values = match element {
        "<f4" => {
            TensorValues::F32(data.as_chunks().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
        }
        "<i4" => {
            TensorValues::I32(data.as_chunks().0.iter().map(|chunk| i32::from_le_bytes(*chunk)).collect())
        }
        "<i8" => {
            TensorValues::I64(data.as_chunks().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect())
        }
        _ => TensorValues::Bool(data.iter().map(|byte| *byte != 0).collect()),
    };
    Ok(Tensor { shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `numpy.save` writes for version 1.0.
    fn file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn arrays_are_read() {
        let data: Vec<u8> = [1i64, -2, 3].iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = parse(&file("<i8", "(1, 3)", &data)).unwrap();
        assert_eq!(tensor, Tensor { shape: vec![1, 3], values: TensorValues::I64(vec![1, -2, 3]) });
        let scalar = parse(&file("<f4", "()", &1.5f32.to_le_bytes())).unwrap();
        assert_eq!(scalar.shape, Vec::<usize>::new());
        assert!(parse(&file("<i8", "(2, 3)", &data)).is_err());
        assert!(parse(&file("<i8", "(4294967296, 4294967296, 2)", &data)).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut file = b"\x93NUMPY\x01\x00".to_vec();
            file.extend(&bytes);
            let _ = parse(&file);
            let _ = parse(&bytes);
        }
    }
}
