//! The journal of finished documents, which makes a re-run skip what is current.
//!
//! JSON Lines, one record per finished document, appended and synced after its analysis is in place. A torn last
//! line (power cut, `kill -9`) is dropped; a later record of the same output replaces an earlier one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::atomic::{open_at_place, write_through};
use super::tables::TableFiles;
use crate::document::analysis::Status;
use crate::error::{Error, ErrorCode, Result};

/// Longest record that is read back, in bytes; paths are at most 4,096.
const RECORD_MAX: usize = 64 * 1024;

/// Hash of everything that an analysis depends on: input path and bytes, models, configuration, tool version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Hashes the parts; each is length-prefixed, so that no two lists of parts give the same bytes.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(docproc_hash::hex(&hash.finalize()))
    }
}

/// One finished document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Output path below the folder, as hexadecimal bytes where it is not UTF-8.
    pub output: String,
    /// What the analysis was made from.
    pub key: Key,
    /// Size of the analysis file in bytes.
    pub bytes: u64,
    /// Outcome: `ok`, `partial` or `failed`.
    pub status: String,
    /// Pages analyzed.
    pub pages: u32,
    /// Whether a re-run should try again: the failure may have been the machine's, not the document's.
    #[serde(default)]
    pub retry: bool,
    /// Its table files, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<TableFiles>,
}

impl Record {
    /// The outcome, `None` if the record was written by a version with other outcomes.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self.status.as_str() {
            "ok" => Some(Status::Ok),
            "partial" => Some(Status::Partial),
            "failed" => Some(Status::Failed),
            _ => None,
        }
    }

    /// The text of an outcome in a record.
    #[must_use]
    pub fn status_text(status: Status) -> &'static str {
        match status {
            Status::Ok => "ok",
            Status::Partial => "partial",
            Status::Failed => "failed",
        }
    }
}

/// The journal of one output folder.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    finished: BTreeMap<String, Record>,
}

impl Journal {
    /// Opens or makes the journal, drops a torn tail and records that later ones replace; `temporary` is a folder for
    /// files on the way.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn open(path: &Path, temporary: &Path) -> Result<Self> {
        let unwritable = |error: io::Error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot open the journal").file(path).because(error)
        };
        let (finished, clean) = match open_at_place(File::options().read(true), path) {
            Ok(file) => read(BufReader::new(file)).map_err(unwritable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (BTreeMap::new(), true),
            Err(error) => return Err(unwritable(error)),
        };
        if !clean {
            write_through(temporary, path, |out| {
                for record in finished.values() {
                    write_record(out, record)?;
                }
                Ok(())
            })?;
        }
        let file = open_at_place(File::options().create(true).append(true), path).map_err(unwritable)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), finished })
    }

    /// The record of an output as it was when the journal was opened.
    #[must_use]
    pub fn finished(&self, output: &str) -> Option<&Record> {
        self.finished.get(output)
    }

    /// All records as they were when the journal was opened.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.finished.values()
    }

    /// Appends a record and waits until it is on disk.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn append(&self, record: &Record) -> Result<()> {
        self.append_all(std::slice::from_ref(record))
    }

    /// Appends records and waits once until all are on disk.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn append_all(&self, records: &[Record]) -> Result<()> {
        let mut lines = Vec::new();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        records
            .iter()
            .try_for_each(|record| write_record(&mut lines, record))
            .and_then(|()| file.write_all(&lines))
            .and_then(|()| file.sync_data())
            .map_err(|error| {
                Error::new(ErrorCode::OutputUnwritable, "cannot write the journal")
                    .file(&self.path)
                    .because(error)
            })
    }
}

fn write_record(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}

/// Records by output, and whether the file holds just these: one whole line each.
fn read(mut reader: impl BufRead) -> io::Result<(BTreeMap<String, Record>, bool)> {
    let mut finished = BTreeMap::new();
    let mut clean = true;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok((finished, clean));
        }
        let whole = line.ends_with(b"\n") && line.len() <= RECORD_MAX;
        match serde_json::from_slice::<Record>(&line) {
            Ok(record) if whole => clean &= finished.insert(record.output.clone(), record).is_none(),
            _ => clean = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(output: &str, key: &[u8]) -> Record {
        Record {
            output: output.to_owned(),
            key: Key::of(&[key]),
            bytes: 3,
            status: "ok".to_owned(),
            pages: 1,
            retry: false,
            tables: None,
        }
    }

    #[test]
    fn a_torn_tail_is_dropped_and_the_rest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let journal = Journal::open(&path, folder.path()).unwrap();
        journal.append(&record("a.pdf.json", b"1")).unwrap();
        journal.append(&record("a.pdf.json", b"2")).unwrap();
        journal.append(&record("b.pdf.json", b"3")).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let journal = Journal::open(&path, folder.path()).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(journal.finished("a.pdf.json").is_some(), lines >= 1, "cut at {cut}");
            assert_eq!(journal.finished("b.pdf.json").is_some(), lines >= 3, "cut at {cut}");
            if lines >= 2 {
                assert_eq!(journal.finished("a.pdf.json").unwrap().key, Key::of(&[b"2"]));
            }
            journal.append(&record("c.pdf.json", b"4")).unwrap();
            assert!(
                Journal::open(&path, folder.path()).unwrap().finished("c.pdf.json").is_some(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn keys_separate_their_parts() {
        assert_ne!(Key::of(&[b"ab", b"c"]), Key::of(&[b"a", b"bc"]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            read(&bytes[..]).unwrap();
        }
    }
}
