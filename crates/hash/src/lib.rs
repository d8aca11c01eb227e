//! SHA-256 of files and values, in lower-case hexadecimal.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use docproc_error::{Error, ErrorCode, Result};
use sha2::{Digest, Sha256};

/// Bytes as lower-case hexadecimal characters, two each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's bytes.
///
/// # Errors
/// `model.not_found` if it cannot be read.
pub fn file_sha256(path: &Path) -> Result<String> {
    file_sha256_and_size(path).map(|(digest, _)| digest)
}

/// SHA-256 and size of a file's bytes.
///
/// # Errors
/// `model.not_found` if it cannot be read.
pub fn file_sha256_and_size(path: &Path) -> Result<(String, u64)> {
    scan(path, &[]).map(|(digest, bytes, _)| (digest, bytes))
}

/// Whether `needle` stands in the first 64 KiB of a file; no for a file that cannot be read.
#[must_use]
pub fn begins_with(path: &Path, needle: &[u8]) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64 << 10).read_to_end(&mut head));
    read.is_ok() && contains(&head, needle)
}

/// SHA-256 and size of a file's bytes, and whether `needle` stands among them.
///
/// # Errors
/// `model.not_found` if it cannot be read.
pub fn scan(path: &Path, needle: &[u8]) -> Result<(String, u64, bool)> {
    let unreadable =
        |error| Error::new(ErrorCode::ModelNotFound, "the file cannot be read").file(path).because(error);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = Sha256::new();
    // The end of each piece stays in front of the next, so that a needle across the border is seen.
    let keep = needle.len().saturating_sub(1);
    let mut buffer = vec![0; keep + (1 << 20)];
    let (mut bytes, mut found, mut kept) = (0, false, 0);
    loop {
        let read = file.read(&mut buffer[kept..]).map_err(unreadable)?;
        if read == 0 {
            return Ok((hex(&hasher.finalize()), bytes, found));
        }
        hasher.update(&buffer[kept..kept + read]);
        bytes += read as u64;
        let end = kept + read;
        found = found || contains(&buffer[..end], needle);
        kept = keep.min(end);
        buffer.copy_within(end - kept..end, 0);
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return false };
    let mut remaining = haystack;
    while let Some(at) = remaining.iter().position(|byte| byte == first) {
        remaining = &remaining[at + 1..];
        if remaining.starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_needle_is_found_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for at in [0, 5, (1 << 20) - 3, (1 << 20) + 1, (2 << 20) - 2] {
            let mut bytes = vec![b'n'; 2 << 20];
            bytes.splice(at..at, *b"needle");
            std::fs::write(&path, &bytes).unwrap();
            let (digest, size, found) = scan(&path, b"needle").unwrap();
            assert!(found && size == bytes.len() as u64, "{at}");
            assert_eq!(digest, sha256(&bytes));
            assert!(!scan(&path, b"needles").unwrap().2 && !scan(&path, b"").unwrap().2);
        }
    }
}
