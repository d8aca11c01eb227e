//! The folder of one document's report: what is current, what is ours, what is left of an earlier one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document;
use super::markup::MARK;
use super::pictures::PictureSize;
use super::row::Row;
use crate::document::analysis::{DocumentInfo, Status};
use crate::error::{Error, ErrorCode, Result};
use crate::output::OutputFolder;

/// The record in each folder.
const STAMP: &str = "report.json";

/// The beginning of an analysis: enough to find its document.
#[derive(Deserialize)]
pub(super) struct Head {
    pub document: DocumentInfo,
    pub status: Status,
}

/// What a report was made from, and which files it has. It is written without a key before the first file and with it after
/// the last: a folder whose record has no key was left by a run that did not end.
#[derive(Serialize, Deserialize)]
struct Stamp {
    tool: String,
    /// Of the analysis, the settings and the program; empty while the files are being written.
    key: String,
    /// Size in bytes by name.
    files: BTreeMap<String, u64>,
    row: Option<Row>,
}

/// The folder of a document's report.
pub(super) struct Store<'a> {
    output: &'a OutputFolder,
    /// Below the output folder.
    folder: PathBuf,
    stamp: Option<Stamp>,
}

/// A hash of everything that the report of an analysis depends on.
pub(super) fn key(analysis: &[u8], pictures: PictureSize, note: &Option<String>) -> String {
    let parts = [
        docproc_hash::sha256(analysis),
        docproc_hash::sha256(document::assets().as_bytes()),
        env!("CARGO_PKG_VERSION").to_owned(),
        format!("{pictures:?} {note:?}"),
    ];
    docproc_hash::sha256(parts.join("\n").as_bytes())
}

fn foreign(path: &Path) -> Error {
    Error::new(ErrorCode::OutputForeign, "docproc did not write this and does not write over it")
        .file(path)
        .help("move it away, then make the report again")
}

/// Refuses to write over a page that docproc did not write.
pub(super) fn refuse_foreign_page(folder: &OutputFolder, page: &Path) -> Result<()> {
    let path = folder.root().join(page);
    match fs::symlink_metadata(&path) {
        Err(_) => Ok(()),
        Ok(there) if there.is_file() && docproc_hash::begins_with(&path, MARK.as_bytes()) => Ok(()),
        Ok(_) => Err(foreign(&path)),
    }
}

impl<'a> Store<'a> {
    /// Looks at what is there.
    ///
    /// # Errors
    /// `output.foreign` for a folder with files and without a record of ours.
    pub fn open(output: &'a OutputFolder, folder: PathBuf) -> Result<Self> {
        let path = output.root().join(&folder);
        let there = match fs::symlink_metadata(&path) {
            Err(_) => return Ok(Self { output, folder, stamp: None }),
            Ok(there) => there,
        };
        if !there.is_dir() {
            return Err(foreign(&path));
        }
        let stamp_path = path.join(STAMP);
        let regular = fs::symlink_metadata(&stamp_path).is_ok_and(|stamp| stamp.is_file());
        let stamp = regular.then(|| fs::read(&stamp_path).ok()).flatten();
        let stamp: Option<Stamp> = stamp.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_empty = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
        match stamp {
            Some(stamp) if stamp.tool == env!("CARGO_PKG_NAME") => {
                Ok(Self { output, folder, stamp: Some(stamp) })
            }
            _ if is_empty => Ok(Self { output, folder, stamp: None }),
            _ => Err(foreign(&path)),
        }
    }

    /// The row of the index, if the report was made from what `key` states and its files are there.
    pub fn current(&self, key: &str) -> Option<Row> {
        let stamp = self.stamp.as_ref().filter(|stamp| stamp.key == key)?;
        let folder = self.output.root().join(&self.folder);
        let is_there = |(name, bytes): (&String, &u64)| {
            fs::symlink_metadata(folder.join(name)).is_ok_and(|file| file.is_file() && file.len() == *bytes)
        };
        stamp.files.iter().all(is_there).then(|| stamp.row.clone())?
    }

    /// Begins to write it anew.
    pub fn begin(self) -> Result<Writing<'a>> {
        let old = self.stamp.map(|stamp| stamp.files.into_keys().collect()).unwrap_or_default();
        let writing = Writing { output: self.output, folder: self.folder, files: BTreeMap::new(), old };
        writing.stamp("", None)?;
        Ok(writing)
    }
}

/// A report that is being written.
pub(super) struct Writing<'a> {
    output: &'a OutputFolder,
    folder: PathBuf,
    files: BTreeMap<String, u64>,
    /// Files of the report before.
    old: Vec<String>,
}

impl Writing<'_> {
    /// Writes a file.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.output.put_derived(&self.folder.join(name), bytes)?;
        self.files.insert(name.to_owned(), bytes.len() as u64);
        Ok(())
    }

    /// Removes what an earlier report left, and records that this one is whole.
    pub fn finish(mut self, key: &str, row: &Row) -> Result<()> {
        for name in self.old.iter().filter(|name| is_own_name(name) && !self.files.contains_key(*name)) {
            let path = self.output.root().join(&self.folder).join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::new(
                        ErrorCode::OutputUnwritable,
                        "cannot remove the file of an earlier report",
                    )
                    .file(path)
                    .because(error));
                }
                _ => {}
            }
        }
        self.old.clear();
        // The record vouches for files that are on the disk.
        self.output.settle()?;
        self.stamp(key, Some(row.clone()))
    }

    fn stamp(&self, key: &str, row: Option<Row>) -> Result<()> {
        let mut files = self.files.clone();
        // What is still there of the report before is ours to remove, whenever this run ends.
        for name in &self.old {
            files.entry(name.clone()).or_default();
        }
        let stamp = Stamp { tool: env!("CARGO_PKG_NAME").to_owned(), key: key.to_owned(), files, row };
        let bytes = serde_json::to_vec_pretty(&stamp)
            .map_err(|error| Error::new(ErrorCode::Internal, "cannot write the record").because(error))?;
        self.output.put_derived(&self.folder.join(STAMP), &bytes)
    }
}

/// Whether a report has files of this name: a record that somebody changed must not make us remove others.
fn is_own_name(name: &str) -> bool {
    let page = |end: &str| {
        name.strip_prefix('p')
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name == super::PAGE || page(".js") || page(".jpg")
}
