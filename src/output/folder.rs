//! The output folder: lock, journal and analyses.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::atomic::{at_place, foreign, open_at_place, unwritable, write_through, write_through_with};
use super::journal::{Journal, Key, Record};
use super::manifest::{FILE_NAME as MANIFEST, Manifest};
use super::tables::{present, table_folder, write_tables};
use crate::document::analysis::Analysis;
use crate::error::{Error, ErrorCode, Result};

/// Folder inside the output folder for what docproc keeps for itself.
pub(super) const STATE: &str = ".docproc";
const LOCK: &str = "lock";
const JOURNAL: &str = "journal.jsonl";
/// Files on their way into place; whoever holds the lock clears it.
const TEMPORARY: &str = "tmp";
/// How every analysis begins.
const ANALYSIS_HEAD: &[u8] = b"{\n  \"schema_version\"";

/// An output folder that this process holds the lock of.
#[derive(Debug)]
pub struct OutputFolder {
    root: PathBuf,
    temporary: PathBuf,
    pub(super) journal: Journal,
    /// The lock is the kernel's and ends with the process, however it ends.
    lock: File,
}

impl OutputFolder {
    /// Makes the folder if need be, takes its lock, clears what a killed run left half written and opens the journal.
    ///
    /// # Errors
    /// `output.locked` naming the process that works there, `output.foreign` if a `manifest.json` lies there that is
    /// not a run's, or something that is no file where docproc keeps one, `output.unwritable`.
    pub fn open(root: &Path) -> Result<Self> {
        let state = root.join(STATE);
        let manifest = root.join(MANIFEST);
        if at_place(&manifest)?.is_some() && !state.exists() {
            return Err(foreign(&manifest, "file"));
        }
        for own in [LOCK, JOURNAL] {
            at_place(&state.join(own))?;
        }
        let temporary = state.join(TEMPORARY);
        let unmakeable = |error: io::Error| {
            Error::new(ErrorCode::OutputUnwritable, "cannot make the output folder")
                .file(root)
                .because(error)
                .help("choose another folder with -o")
        };
        fs::create_dir_all(&state).map_err(unmakeable)?;
        let lock = lock(root, &state.join(LOCK))?;
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unmakeable(error)),
            _ => fs::create_dir(&temporary).map_err(unmakeable)?,
        }
        let journal = Journal::open(&state.join(JOURNAL), &temporary)?;
        Ok(Self { root: root.to_owned(), temporary, journal, lock })
    }

    /// Takes the lock of a folder that a run has written analyses to.
    ///
    /// # Errors
    /// `input.not_found` where no run has; otherwise as [`Self::open`].
    pub fn open_existing(root: &Path) -> Result<Self> {
        refuse_other(root)?;
        Self::open(root)
    }

    /// Every analysis in the folder, by its path below it, sorted. Links are not followed.
    ///
    /// # Errors
    /// `output.unwritable` where a folder cannot be read.
    pub fn analyses(&self) -> Result<Vec<PathBuf>> {
        analyses_in(&self.root)
    }

    /// Writes a file that is made from analyses and can be made again; [`Self::settle`] puts it on the disk.
    ///
    /// # Errors
    /// `output.unwritable`, `output.foreign`.
    pub fn put_derived(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.in_place(|| {
            self.make_folders(path.parent().unwrap_or(Path::new("")))?;
            write_through_with(&self.temporary, &self.root.join(path), false, |out| out.write_all(bytes))
        })
    }

    /// Puts everything that was written on the disk.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn settle(&self) -> Result<()> {
        rustix::fs::syncfs(&self.lock).map_err(|error| unwritable(&self.root, error.into()))
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Refuses to write over files that are not docproc's: each of `outputs` (below the folder) is absent, or a file
    /// that is known to the journal or begins as an analysis does.
    ///
    /// # Errors
    /// `output.foreign` naming the first that is none of these.
    pub fn refuse_foreign<'a>(&self, outputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
        for output in outputs {
            let path = self.root.join(output);
            present(&self.root.join(table_folder(output)))?;
            if at_place(&path)?.is_none() || self.journal.finished(&name(output)).is_some() {
                continue;
            }
            if !begins_as_analysis(&path) {
                return Err(foreign(&path, "file"));
            }
        }
        Ok(())
    }

    /// The record of an analysis that is there, with its table files if `tables` asks for them, and was made from
    /// what `key` states, and need not be tried again.
    #[must_use]
    pub fn current(&self, output: &Path, key: &Key, tables: bool) -> Option<&Record> {
        let record = self.journal.finished(&name(output))?;
        let there = fs::symlink_metadata(self.root.join(output))
            .is_ok_and(|file| file.is_file() && file.len() == record.bytes)
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
        let listed = if tables { &analysis.tables[..] } else { &[] };
        let folder = table_folder(output);
        let files = self.in_place(|| {
            if !listed.is_empty() {
                self.make_folders(&folder)?;
            }
            write_tables(&self.temporary, &self.root.join(&folder), listed)
        })?;
        let mut bytes = 0;
        self.put(output, |out| {
            let mut out = Counting { inner: out, bytes: 0 };
            serde_json::to_writer_pretty(&mut out, analysis)?;
            out.write_all(b"\n")?;
            bytes = out.bytes;
            Ok(())
        })?;
        // A folder that was replaced in between holds the file, but not the journal that would vouch for it.
        self.check_in_place()?;
        self.journal.append(&Record {
            output: name(output),
            key,
            bytes,
            status: Record::status_text(analysis.status).to_owned(),
            pages: u32::try_from(analysis.pages.len()).unwrap_or(u32::MAX),
            retry,
            tables: tables.then_some(files),
        })
    }

    /// Writes `manifest.json`.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        self.put(Path::new(MANIFEST), |out| {
            serde_json::to_writer_pretty(&mut *out, manifest)?;
            out.write_all(b"\n")
        })
    }

    fn put(&self, output: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        self.in_place(|| {
            self.make_folders(output.parent().unwrap_or(Path::new("")))?;
            write_through(&self.temporary, &self.root.join(output), write)
        })
    }

    /// Makes the folders of `below` inside the output folder, never that folder itself: were it removed under way, it
    /// would come back without lock and journal.
    fn make_folders(&self, below: &Path) -> Result<()> {
        let mut folder = self.root.clone();
        for part in below {
            folder.push(part);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(unwritable(&folder, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes something into the folder if it is still in place. If it was taken away in the middle of that, this is
    /// the reason that is given, not the failure that followed from it.
    fn in_place<T>(&self, write: impl FnOnce() -> Result<T>) -> Result<T> {
        self.check_in_place()?;
        write().or_else(|error| self.check_in_place().and(Err(error)))
    }

    /// Whether the folder is still the one that this process has locked. A folder that was removed or replaced under
    /// way must not be filled without lock and journal.
    pub(super) fn check_in_place(&self) -> Result<()> {
        let path = self.root.join(STATE).join(LOCK);
        let identity = |data: fs::Metadata| (data.dev(), data.ino());
        let same = match (fs::metadata(&path), self.lock.metadata()) {
            (Ok(there), Ok(held)) => identity(there) == identity(held),
            _ => false,
        };
        if same {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::OutputUnwritable,
            "the output folder was removed or replaced during the run",
        )
        .file(&self.root)
        .help("run again; what was removed is made anew"))
    }
}

/// Refuses a folder that no run has written analyses to.
fn refuse_other(root: &Path) -> Result<()> {
    if root.join(STATE).is_dir() {
        return Ok(());
    }
    Err(Error::new(ErrorCode::InputNotFound, "there are no analyses of docproc here")
        .file(root)
        .help("name the folder that `docproc analyze -o FOLDER` has written to"))
}

/// Every analysis in an output folder, by its path below it, sorted. Links are not followed. For those who only read: a run
/// may be writing there.
///
/// # Errors
/// `input.not_found` where no run has written analyses, `output.unwritable` where a folder cannot be read.
pub fn analyses_in(root: &Path) -> Result<Vec<PathBuf>> {
    refuse_other(root)?;
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error: io::Error| unwritable(&root.join(&folder), error);
        for entry in fs::read_dir(root.join(&folder)).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (kind, path) = (entry.file_type().map_err(unreadable)?, folder.join(entry.file_name()));
            if kind.is_dir() && path != Path::new(STATE) {
                folders.push(path);
            } else if kind.is_file()
                && path.extension().is_some_and(|extension| extension == "json")
                && begins_as_analysis(&entry.path())
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn begins_as_analysis(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = open_at_place(File::options().read(true), path)
        .and_then(|file| file.take(ANALYSIS_HEAD.len() as u64).read_to_end(&mut head));
    read.is_ok() && head == ANALYSIS_HEAD
}

/// Takes the lock of the folder and writes this process's number into it.
fn lock(root: &Path, path: &Path) -> Result<File> {
    let unlockable = |error: io::Error| {
        Error::new(ErrorCode::OutputUnwritable, "cannot lock the output folder").file(root).because(error)
    };
    let mut options = File::options();
    let mut file = open_at_place(options.create(true).truncate(false).read(true).write(true), path)
        .map_err(unlockable)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(unlockable)?;
            write!(file, "{}", std::process::id()).map_err(unlockable)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.take(20).read_to_string(&mut holder).map_err(unlockable)?;
            // Between taking the lock and writing its number a holder has none.
            let holder =
                if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
            Err(Error::new(ErrorCode::OutputLocked, format!("{holder} is writing to this folder"))
                .file(root)
                .help("wait for it, or choose another folder with -o"))
        }
        Err(TryLockError::Error(error)) => Err(unlockable(error)),
    }
}

/// An output path as text for the journal: itself, or its bytes in hexadecimal after a NUL where it is not UTF-8.
pub(super) fn name(output: &Path) -> String {
    output
        .to_str()
        .map_or_else(|| format!("\0{}", docproc_hash::hex(output.as_os_str().as_bytes())), str::to_owned)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_a_killed_run_are_cleared_and_foreign_files_kept() {
        let root = tempfile::tempdir().unwrap();
        drop(OutputFolder::open(root.path()).unwrap());
        let leftover = root.path().join(STATE).join(TEMPORARY).join(".docproc-x.tmp");
        fs::write(&leftover, "half").unwrap();
        let folder = OutputFolder::open(root.path()).unwrap();
        assert!(!leftover.exists());

        let output = Path::new("a.pdf.json");
        fs::write(root.path().join(output), "{\"mine\": 1}").unwrap();
        assert_eq!(folder.refuse_foreign([output]).unwrap_err().code(), ErrorCode::OutputForeign);
        fs::write(root.path().join(output), "{\n  \"schema_version\": \"1").unwrap();
        folder.refuse_foreign([output, Path::new("gone.json")]).unwrap();

        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join(MANIFEST), "{}").unwrap();
        assert_eq!(OutputFolder::open(other.path()).unwrap_err().code(), ErrorCode::OutputForeign);
        assert!(!other.path().join(STATE).exists());
    }

    #[test]
    fn a_folder_taken_away_in_the_middle_of_writing_is_named_as_the_reason_and_not_made_again() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("out");
        let folder = OutputFolder::open(&root).unwrap();
        let error = folder
            .put(Path::new("sub/a.json"), |_| {
                fs::rename(&root, place.path().join("away"))?;
                Err(io::Error::from(io::ErrorKind::NotFound))
            })
            .unwrap_err();
        assert!(error.to_string().contains("removed or replaced"), "{error}");
        let error = folder.make_folders(Path::new("sub/deeper")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutputUnwritable);
        assert!(!root.exists());
    }

    #[test]
    fn the_lock_names_its_holder_and_ends_with_it() {
        let root = tempfile::tempdir().unwrap();
        let held = OutputFolder::open(root.path()).unwrap();
        let error = OutputFolder::open(root.path()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutputLocked);
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        OutputFolder::open(root.path()).unwrap();
    }
}
