//! A document's bytes, read once into sealed memory, with checksum and media type.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::discover::{Input, InputSource};
use super::media::MediaType;
use super::shm::MemoryFile;
use crate::error::{Error, ErrorCode, Result};

/// A document's bytes in sealed memory: nobody can change them after the checksum was taken.
#[derive(Debug)]
pub struct Source {
    memory: OwnedFd,
    bytes: u64,
    sha256: String,
    media_type: Option<MediaType>,
}

impl Source {
    /// Reads an input to its end, at most `max_bytes`. Content that is no document is an error of opening it, not
    /// of reading it: its size and checksum are known.
    ///
    /// # Errors
    /// `input.not_found`, `input.unreadable` or `input.too_large`, naming the file.
    pub fn read(input: &Input, max_bytes: u64) -> Result<Self> {
        Self::read_unless(input, max_bytes, &|| false)
    }

    /// [`Self::read`] that ends when `given_up` says so, also while standard input keeps us waiting.
    ///
    /// # Errors
    /// As [`Self::read`], and `run.interrupted`.
    pub fn read_unless(input: &Input, max_bytes: u64, given_up: &dyn Fn() -> bool) -> Result<Self> {
        match input.source {
            InputSource::Stdin => Self::read_from(PatientStdin(given_up), max_bytes).map_err(|error| {
                if given_up() {
                    Error::new(ErrorCode::RunInterrupted, "the run ended before standard input did")
                } else {
                    error
                }
            }),
            InputSource::File => {
                open_file(&input.path, max_bytes).and_then(|file| Self::read_from(file, max_bytes))
            }
        }
        .map_err(|error| error.file(&input.path))
    }

    /// Reads a stream to its end, at most `max_bytes`.
    ///
    /// # Errors
    /// `input.unreadable` or `input.too_large`.
    pub fn read_from(mut stream: impl Read, max_bytes: u64) -> Result<Self> {
        let internal = |error: std::io::Error| {
            Error::new(ErrorCode::Internal, "cannot keep the document in memory").because(error)
        };
        let mut memory = MemoryFile::create("docproc-document").map_err(internal)?;
        let mut hash = Sha256::new();
        let mut head = Vec::with_capacity(MediaType::HEAD_BYTES);
        let mut buffer = vec![0; 256 * 1024];
        let mut bytes = 0u64;
        loop {
            let count = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Error::new(ErrorCode::InputUnreadable, "cannot read the file").because(error));
                }
            };
            bytes += count as u64;
            if bytes > max_bytes {
                return Err(too_large(max_bytes));
            }
            let chunk = &buffer[..count];
            head.extend_from_slice(&chunk[..count.min(MediaType::HEAD_BYTES - head.len())]);
            hash.update(chunk);
            memory.write_all(chunk).map_err(internal)?;
        }
        let sha256 = docproc_hash::hex(&hash.finalize());
        let memory = memory.seal().map_err(internal)?;
        Ok(Self { memory, bytes, sha256, media_type: MediaType::of(&head) })
    }

    /// Size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the bytes in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Kind of document by its content; `None` if it is neither a PDF nor an image that we read.
    #[must_use]
    pub fn media_type(&self) -> Option<MediaType> {
        self.media_type
    }

    /// The kind of document, or why it cannot be opened.
    pub(super) fn supported(&self) -> Result<MediaType> {
        self.media_type.ok_or_else(|| match self.bytes {
            0 => Error::new(ErrorCode::InputEmpty, "the file is empty"),
            _ => Error::new(ErrorCode::InputUnsupported, "the content is neither a PDF nor an image")
                .help("docproc reads PDF, PNG, JPEG, JPEG 2000, TIFF, WebP and BMP"),
        })
    }

    /// Descriptor of the sealed memory.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

/// Standard input, as long as nobody has given it up.
struct PatientStdin<'a>(&'a dyn Fn() -> bool);

impl Read for PatientStdin<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        const LOOK_UP: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let stdin = std::io::stdin();
        loop {
            if (self.0)() {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
            let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
            if poll(&mut ready, Some(&LOOK_UP))? > 0 {
                return Ok(rustix::io::read(&stdin, &mut *buffer)?);
            }
        }
    }
}

fn too_large(max_bytes: u64) -> Error {
    Error::new(ErrorCode::InputTooLarge, format!("the file has more than {max_bytes} bytes"))
        .help("raise --max-bytes to read it")
}

fn open_file(path: &Path, max_bytes: u64) -> Result<File> {
    let unreadable = |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorCode::InputNotFound,
            _ => ErrorCode::InputUnreadable,
        };
        Error::new(code, "cannot open the file").because(error)
    };
    // A pipe without a writer would keep us here for ever.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorCode::InputUnreadable,
            "this is a pipe, a socket or a device and not a file",
        )
        .help("give its bytes on standard input: docproc analyze - < FILE"));
    }
    if metadata.len() > max_bytes {
        return Err(too_large(max_bytes));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_limited_and_fingerprinted() {
        let source = Source::read_from(&b"%PDF-1.7"[..], 8).unwrap();
        assert_eq!((source.bytes(), source.media_type()), (8, Some(MediaType::Pdf)));
        // printf %PDF-1.7 | sha256sum
        let expected = "86edbaa24831badfa0a8b04bb410141e2ee4182b6d0014493fe262a7a331c20b";
        assert_eq!(source.sha256(), expected);
        assert_eq!(Source::read_from(&b"%PDF-1.7"[..], 7).unwrap_err().code(), ErrorCode::InputTooLarge);
    }

    #[test]
    fn a_pipe_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe.pdf");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let error = open_file(&path, 9).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InputUnreadable);
        assert!(error.to_string().contains("is a pipe"), "{error}");
    }

    #[test]
    fn refusals_have_their_codes() {
        let code = |bytes: &[u8]| Source::read_from(bytes, 9).unwrap().supported().unwrap_err().code();
        assert_eq!(code(b""), ErrorCode::InputEmpty);
        assert_eq!(code(b"plain"), ErrorCode::InputUnsupported);
    }
}
