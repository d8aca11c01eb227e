//! Sealed anonymous memory: how documents reach the page workers and pages come back.
//!
//! A memory file is written once, then sealed against writing, growing and shrinking (`memfd_create(2)`,
//! `fcntl(2)` F_ADD_SEALS). After that nobody, the writer included, can change it, so the other side may map it
//! and read it in place without a copy and without races.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};

use memmap2::Mmap;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};

/// The seals that make a memory file immutable.
const IMMUTABLE: SealFlags =
    SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

/// A memory file that is still being written.
pub(crate) struct MemoryFile(File);

impl MemoryFile {
    /// A new, empty memory file; the name only shows in `/proc`.
    pub(crate) fn create(name: &str) -> io::Result<Self> {
        Ok(Self(File::from(memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?)))
    }

    /// Seals the file for good.
    pub(crate) fn seal(self) -> io::Result<OwnedFd> {
        fcntl_add_seals(&self.0, IMMUTABLE)?;
        Ok(self.0.into())
    }

    /// The file as it is, for a writer that needs no seals.
    pub(crate) fn into_file(self) -> File {
        self.0
    }
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A memory file with these bytes, sealed.
pub(crate) fn sealed(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = MemoryFile::create(name)?;
    file.write_all(bytes)?;
    file.seal()
}

/// Why a received memory file was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MapError {
    /// Not a memory file, or one that its writer could still change.
    #[error("the shared memory is not sealed")]
    NotSealed,
    /// Larger than the reader allows.
    #[error("the shared memory has {0} bytes, more than allowed")]
    TooLarge(u64),
    /// The kernel refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<rustix::io::Errno> for MapError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A sealed memory file, mapped for reading.
#[derive(Debug)]
pub(crate) struct SealedMap(Option<Mmap>);

impl SealedMap {
    /// Checks the seals and the size, then maps the whole file. The descriptor is not needed afterwards.
    pub(crate) fn map(fd: impl AsFd, max_bytes: u64) -> Result<Self, MapError> {
        let fd = fd.as_fd();
        // Anything but a memory file has no seals at all and fails here.
        if !fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(IMMUTABLE)) {
            return Err(MapError::NotSealed);
        }
        let bytes = u64::try_from(fstat(fd)?.st_size).unwrap_or(0);
        if bytes > max_bytes {
            return Err(MapError::TooLarge(bytes));
        }
        if bytes == 0 {
            return Ok(Self(None));
        }
        // SAFETY: the seals checked above forbid every later write and every change of size by anyone, so the
        // mapped bytes stay valid and constant for as long as the mapping lives.
        let map = unsafe { Mmap::map(&fd)? };
        Ok(Self(Some(map)))
    }
}

impl Deref for SealedMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_come_back_and_cannot_be_changed() {
        let fd = sealed("test", b"page").unwrap();
        assert_eq!(&*SealedMap::map(&fd, 4).unwrap(), b"page");
        assert!(matches!(SealedMap::map(&fd, 3), Err(MapError::TooLarge(4))));
        assert!(File::from(fd).write_all(b"x").is_err());
    }

    #[test]
    fn unsealed_memory_and_ordinary_files_are_refused() {
        let mut open = MemoryFile::create("test").unwrap();
        open.write_all(b"page").unwrap();
        assert!(matches!(SealedMap::map(&open.0, 100), Err(MapError::NotSealed)));
        let file = tempfile::tempfile().unwrap();
        assert!(matches!(SealedMap::map(&file, 100), Err(MapError::NotSealed)));
    }
}
