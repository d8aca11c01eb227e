//! The output folder: lock, journal and analyses.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::atomic::write_atomic;
use super::journal::{Journal, Key, Record};
use super::tables::{present, table_folder, write_tables};
use crate::document::analysis::Analysis;
use crate::error::{Error, ErrorCode, Result};

/// Folder inside the output folder for what docproc keeps for itself.
pub(super) const STATE: &str = ".docproc";

/// An output folder that this process holds the lock of.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
    journal: Journal,
    /// The lock is the kernel's and ends with the process, however it ends.
    _lock: File,
}

impl OutputFolder {
    /// Makes the folder if need be, takes its lock and opens its journal.
    ///
    /// # Errors
    /// `output.locked` naming the process that works there, `output.unwritable`.
    pub fn open(root: &Path) -> Result<Self> {
        let state = root.join(STATE);
        fs::create_dir_all(&state).map_err(|error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot make the output folder")
                .file(root)
                .because(error)
                .help("choose another folder with -o")
        })?;
        let lock = lock(root, &state.join("lock"))?;
        let journal = Journal::open(&state.join("journal.jsonl"))?;
        Ok(Self { root: root.to_owned(), journal, _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The record of an analysis that is there, with its table files if `tables` asks for them, and was made from
    /// what `key` states, and need not be tried again.
    #[must_use]
    pub fn current(&self, output: &Path, key: &Key, tables: bool) -> Option<&Record> {
        let record = self.journal.finished(&name(output))?;
        let there = fs::metadata(self.root.join(output)).is_ok_and(|file| file.len() == record.bytes)
            && (!tables || present(&self.root.join(table_folder(output))).ok() == record.tables);
        (there && record.key == *key && !record.retry && record.status().is_some()).then_some(record)
    }

    /// Writes an analysis in place, and its tables if `tables` asks for them, then records it. Table files of an
    /// earlier analysis are removed.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn write(
        &self,
        output: &Path,
        key: Key,
        analysis: &Analysis,
        retry: bool,
        tables: bool,
    ) -> Result<()> {
        let path = self.root.join(output);
        let listed = if tables { &analysis.tables[..] } else { &[] };
        let files = write_tables(&self.root.join(table_folder(output)), listed)?;
        let mut counter = 0;
        write_atomic(&path, |out| {
            let mut out = Counting { inner: out, bytes: 0 };
            serde_json::to_writer_pretty(&mut out, analysis)?;
            out.write_all(b"\n")?;
            counter = out.bytes;
            Ok(())
        })?;
        self.journal.append(&Record {
            output: name(output),
            key,
            bytes: counter,
            status: Record::status_text(analysis.status).to_owned(),
            pages: u32::try_from(analysis.pages.len()).unwrap_or(u32::MAX),
            retry,
            tables: tables.then_some(files),
        })
    }
}

/// Takes the lock of the folder and writes this process's number into it.
fn lock(root: &Path, path: &Path) -> Result<File> {
    let unwritable = |error: io::Error| {
        Error::new(ErrorCode::OutputUnwritable, "cannot lock the output folder").file(root).because(error)
    };
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(unwritable)?;
            write!(file, "{}", std::process::id()).map_err(unwritable)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.take(20).read_to_string(&mut holder).map_err(unwritable)?;
            Err(Error::new(ErrorCode::OutputLocked, format!("process {holder} is writing to this folder"))
                .file(root)
                .help("wait for it, or choose another folder with -o"))
        }
        Err(TryLockError::Error(error)) => Err(unwritable(error)),
    }
}

/// An output path as text for the journal: itself, or its bytes in hexadecimal after a NUL where it is not UTF-8.
fn name(output: &Path) -> String {
    output.to_str().map_or_else(
        || {
            let bytes = output.as_os_str().as_bytes();
            std::iter::once("\0".to_owned()).chain(bytes.iter().map(|byte| format!("{byte:02x}"))).collect()
        },
        str::to_owned,
    )
}

/// Counts the bytes that pass through.
struct Counting<'a> {
    inner: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
