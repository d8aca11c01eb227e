//! What is made from finished analyses and can be made again: exports. The journal vouches for it as it does for analyses.

use std::fs;
use std::path::{Path, PathBuf};

use super::atomic::{at_place, foreign, unwritable};
use super::folder::{OutputFolder, name};
use super::journal::{Key, Record};
use crate::error::Result;

/// Status of a record whose files were taken away again.
const REMOVED: &str = "removed";

/// Files that were made together: the name that the journal knows them by, what they were made from, and their size.
#[derive(Clone, Debug)]
pub struct Derived {
    /// Name in the journal; not the path of an analysis.
    pub name: PathBuf,
    /// What they were made from.
    pub key: Key,
    /// Their sizes together.
    pub bytes: u64,
}

impl OutputFolder {
    /// Whether `files` are all there as they were written under `name`, from what `key` states.
    #[must_use]
    pub fn has_derived(&self, name_of: &Path, key: &Key, files: &[PathBuf]) -> bool {
        let Some(record) = self.journal.finished(&name(name_of)) else { return false };
        let mut bytes = 0;
        for file in files {
            match fs::symlink_metadata(self.root().join(file)) {
                Ok(there) if there.is_file() => bytes += there.len(),
                _ => return false,
            }
        }
        record.key == *key && record.status != REMOVED && record.bytes == bytes
    }

    /// Refuses to write over files that docproc did not make under `name`.
    ///
    /// # Errors
    /// `output.foreign` naming the first.
    pub fn refuse_foreign_derived(&self, name_of: &Path, files: &[PathBuf]) -> Result<()> {
        let known = self.journal.finished(&name(name_of)).is_some_and(|record| record.status != REMOVED);
        for file in files {
            let path = self.root().join(file);
            if at_place(&path)?.is_some() && !known {
                return Err(foreign(&path, "file"));
            }
        }
        Ok(())
    }

    /// Puts what was written on the disk, then says so in the journal.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn record_derived(&self, made: &[Derived]) -> Result<()> {
        if made.is_empty() {
            return Ok(());
        }
        self.settle()?;
        // A folder that was replaced in between holds the files, but not the journal that would vouch for them.
        self.check_in_place()?;
        let record = |made: &Derived| Record {
            output: name(&made.name),
            key: made.key.clone(),
            bytes: made.bytes,
            status: "ok".to_owned(),
            pages: 0,
            retry: false,
            tables: None,
        };
        self.journal.append_all(&made.iter().map(record).collect::<Vec<_>>())
    }

    /// Names below `folder` that the journal vouches for; those that are not UTF-8 are not told.
    #[must_use]
    pub fn derived_below(&self, folder: &Path) -> Vec<PathBuf> {
        self.journal
            .records()
            .filter(|record| record.status != REMOVED && Path::new(&record.output).starts_with(folder))
            .map(|record| PathBuf::from(&record.output))
            .collect()
    }

    /// Removes files that were made under `name`, and what the journal says of them.
    ///
    /// # Errors
    /// `output.unwritable`, `output.foreign`.
    pub fn remove_derived(&self, name_of: &Path, files: &[PathBuf]) -> Result<()> {
        for file in files {
            let path = self.root().join(file);
            if at_place(&path)?.is_some() {
                fs::remove_file(&path).map_err(|error| unwritable(&path, error))?;
            }
        }
        let Some(record) = self.journal.finished(&name(name_of)) else { return Ok(()) };
        self.journal.append_all(&[Record { status: REMOVED.to_owned(), bytes: 0, ..record.clone() }])
    }
}
