//! Which files beside an ONNX graph hold its weights.
//!
//! The graph is walked on disk as protocol buffers, without a message in memory: a file may be gigabytes. Only the
//! places where inference finds tensors are entered; <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto> has the
//! numbers of the fields.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};

/// Nesting of messages at which protocol buffers stop reading, and ONNX Runtime with them.
const MAX_DEPTH: usize = 100;
/// Longest key or location that is read, in bytes: Linux takes no longer path.
const MAX_TEXT: u64 = 4096;
/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: u64 = 1;

/// Messages that a tensor may lie in.
#[derive(Clone, Copy, PartialEq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    Sparse,
    Tensor,
    Entry,
}

impl Message {
    /// The message in this field, if there is one to enter.
    fn child(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::Sparse, 1 | 2) => Self::Tensor,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::Sparse,
            (Self::Tensor, 13) => Self::Entry,
            _ => return None,
        })
    }
}

/// The data files of a graph: their locations as the graph writes them, sorted, and where they lie.
///
/// # Errors
/// `model.not_found` if a file cannot be found or read; `model.invalid` if the graph cannot be parsed, or if a location
/// leads out of the model's folder or to what is no file: ONNX Runtime refuses that, too.
pub(super) fn files(model: &Path) -> Result<Vec<(String, PathBuf)>> {
    let found = File::open(model).and_then(|file| locations(file.metadata()?.len(), file));
    let found = found.map_err(|error| {
        let code = match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => ErrorCode::ModelInvalid,
            _ => ErrorCode::ModelNotFound,
        };
        Error::new(code, "the file cannot be read as an ONNX model").file(model).because(error)
    })?;
    found.into_iter().map(|location| resolve(model, &location).map(|path| (location, path))).collect()
}

/// Where a location of the graph leads.
fn resolve(model: &Path, location: &str) -> Result<PathBuf> {
    let refused = |why: &str| {
        Error::new(ErrorCode::ModelInvalid, format!("its data file {location:?} {why}")).file(model)
    };
    let folder = match model.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if location.is_empty() || Path::new(location).is_absolute() {
        return Err(refused("is not named relative to the model's folder"));
    }
    let path = folder.join(location);
    let unreadable = |error| {
        Error::new(ErrorCode::ModelNotFound, "a file with weights of the model cannot be read")
            .file(&path)
            .because(error)
            .help("keep the data file beside the graph")
    };
    let real = path.canonicalize().map_err(unreadable)?;
    // In Hugging Face's cache graph and data are links to files that lie together elsewhere.
    let links_to = model.canonicalize().map_err(unreadable)?;
    let inside = |folder: &Path| real.starts_with(folder);
    if !inside(&folder.canonicalize().map_err(unreadable)?) && !links_to.parent().is_some_and(inside) {
        return Err(refused("leads out of the model's folder"));
    }
    if !real.is_file() {
        return Err(refused("is no file"));
    }
    Ok(path)
}

/// The locations in a graph of so many bytes.
fn locations(bytes: u64, graph: impl Read + Seek) -> io::Result<BTreeSet<String>> {
    let mut walk = Walk { reader: BufReader::new(graph), at: 0, found: BTreeSet::new() };
    walk.message(Message::Model, bytes, 0)?;
    Ok(walk.found)
}

struct Walk<R> {
    reader: BufReader<R>,
    at: u64,
    found: BTreeSet<String>,
}

impl<R: Read + Seek> Walk<R> {
    fn message(&mut self, message: Message, end: u64, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(invalid("messages nest too deep"));
        }
        let (mut external, mut location) = (false, None);
        while self.at < end {
            let key = self.varint(end)?;
            let field = key >> 3;
            match key & 7 {
                0 => {
                    let number = self.varint(end)?;
                    if message == Message::Tensor && field == 14 {
                        external = number == EXTERNAL;
                    }
                }
                1 => self.skip(8, end)?,
                5 => self.skip(4, end)?,
                2 => {
                    let stop = self.length(end)?;
                    match message.child(field) {
                        Some(Message::Entry) => location = self.entry(stop)?.or(location),
                        Some(child) => self.message(child, stop, depth + 1)?,
                        None => self.skip(stop - self.at, end)?,
                    }
                }
                _ => return Err(invalid("a field has no known type")),
            }
        }
        if external {
            self.found.extend(location);
        }
        Ok(())
    }

    /// The value of an entry of a tensor's external data, if its key is `location`.
    fn entry(&mut self, end: u64) -> io::Result<Option<String>> {
        let (mut key, mut value) = (String::new(), String::new());
        while self.at < end {
            let target = match self.varint(end)? {
                10 => &mut key,
                18 => &mut value,
                _ => return Err(invalid("external data has a field beside key and value")),
            };
            let length = self.length(end)? - self.at;
            if length > MAX_TEXT {
                return Err(invalid("the location of external data is too long for a path"));
            }
            let mut text = Vec::new();
            self.reader.by_ref().take(length).read_to_end(&mut text)?;
            self.at += length;
            *target =
                String::from_utf8(text).map_err(|_| invalid("external data has text that is not UTF-8"))?;
        }
        Ok((key == "location").then_some(value))
    }

    /// Where a field that begins with its length ends.
    fn length(&mut self, end: u64) -> io::Result<u64> {
        let length = self.varint(end)?;
        self.at.checked_add(length).filter(|stop| *stop <= end).ok_or_else(|| invalid("a field is too long"))
    }

    fn varint(&mut self, end: u64) -> io::Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            if self.at >= end {
                return Err(invalid("a field ends inside a number"));
            }
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid("a number is too long"))
    }

    fn skip(&mut self, count: u64, end: u64) -> io::Result<()> {
        if count > end - self.at {
            return Err(invalid("a field is cut off"));
        }
        self.at += count;
        // No file has more bytes than a signed number holds.
        self.reader.seek_relative(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Cursor;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    /// A field of bytes.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        assert!(content.len() < 1 << 14);
        let mut bytes = Vec::new();
        for mut value in [usize::from(number) << 3 | 2, content.len()] {
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
        }
        [bytes, content.to_vec()].concat()
    }

    fn entry(key: &str, value: &str) -> Vec<u8> {
        field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    }

    /// A tensor whose bytes lie at a location, or only say so.
    fn tensor(location: &str, external: u8) -> Vec<u8> {
        [field(9, b"raw"), entry("offset", "0"), entry("location", location), vec![14 << 3, external]]
            .concat()
    }

    fn found(model: &[u8]) -> io::Result<Vec<String>> {
        Ok(locations(model.len() as u64, Cursor::new(model))?.into_iter().collect())
    }

    #[test]
    fn tensors_are_found_wherever_inference_reads_them() {
        let node = |attribute: Vec<u8>| field(1, &field(5, &attribute));
        let inner = field(5, &tensor("subgraph", 1));
        let graph = [
            field(5, &tensor("initializer", 1)),
            field(5, &tensor("initializer", 1)),
            field(5, &tensor("inline", 0)),
            field(15, &field(1, &tensor("sparse", 1))),
            node(field(5, &tensor("attribute", 1))),
            node(field(10, &tensor("list", 1))),
            node(field(6, &inner)),
            node(field(11, &node(field(6, &field(5, &tensor("deep", 1)))))),
            vec![1 << 3, 150, 1, 2 << 3 | 5, 0, 0, 0, 0, 2 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        let function = field(25, &field(7, &field(5, &field(5, &tensor("function", 1)))));
        let model = [field(7, &graph.concat()), function.clone()].concat();
        let expected = ["attribute", "deep", "function", "initializer", "list", "sparse", "subgraph"];
        assert_eq!(found(&model).unwrap(), expected);
        let whole = [0, model.len() - function.len(), model.len()];
        for length in (0..model.len()).filter(|length| !whole.contains(length)) {
            assert!(found(&model[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let deep = (0..200).fold(Vec::new(), |inner, _| field(1, &field(5, &field(6, &inner))));
        for wrong in [&b"not a graph"[..], &[10, 200], &[0x80; 11], &field(7, &deep)] {
            assert_eq!(found(wrong).unwrap_err().kind(), ErrorKind::InvalidData, "{wrong:?}");
        }
        let long = field(7, &field(5, &tensor(&"x".repeat(5000), 1)));
        assert!(found(&long).is_err());
    }

    #[test]
    fn locations_stay_in_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("bundle");
        fs::create_dir_all(folder.join("deep")).unwrap();
        for file in ["outside", "bundle/data", "bundle/deep/data"] {
            fs::write(root.path().join(file), file).unwrap();
        }
        symlink("../outside", folder.join("link")).unwrap();
        let model = folder.join("model.onnx");
        let files = |location: &str| {
            fs::write(&model, field(7, &field(5, &tensor(location, 1)))).unwrap();
            files(&model)
        };
        for location in ["data", "./data", "deep/data", "deep/../data"] {
            assert_eq!(files(location).unwrap(), [(location.to_owned(), folder.join(location))]);
        }
        let absolute = root.path().join("bundle/data").display().to_string();
        for (location, code) in [
            ("../outside", ErrorCode::ModelInvalid),
            ("link", ErrorCode::ModelInvalid),
            (&absolute, ErrorCode::ModelInvalid),
            ("", ErrorCode::ModelInvalid),
            ("deep", ErrorCode::ModelInvalid),
            ("gone", ErrorCode::ModelNotFound),
        ] {
            assert_eq!(files(location).unwrap_err().code(), code, "{location}");
        }
        // As Hugging Face's cache has it: links in one folder to files in another.
        let snapshot = root.path().join("snapshot");
        fs::create_dir(&snapshot).unwrap();
        files("data").unwrap();
        symlink(&model, snapshot.join("model.onnx")).unwrap();
        symlink(folder.join("data"), snapshot.join("data")).unwrap();
        assert_eq!(super::files(&snapshot.join("model.onnx")).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = found(&bytes);
            let _ = found(&field(7, &field(5, &bytes)));
        }
    }
}
