//! Files that are there whole or not at all.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::{Error, ErrorCode, Result};

/// Writes a file so that a reader, a crash or `kill -9` sees either the old content or the whole new one: a
/// temporary file in the same folder, fsync, rename, fsync of the folder. Missing folders are made.
///
/// The file's permissions are those that the umask leaves, and never wider than those of the file that it replaces.
///
/// # Errors
/// `output.unwritable` with the path and the system's reason, `output.foreign` where something other than a file lies at
/// its place.
pub fn write_atomic(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let folder = parent(path);
    std::fs::create_dir_all(folder).map_err(|error| unwritable(path, error))?;
    write_through(folder, path, write)
}

/// As [`write_atomic`], with the temporary file in the folder `through`, which must be on the same file system: what
/// a killed process leaves there is found by whoever clears that folder, and never lies among the results. The
/// folder of `path` must exist.
///
/// # Errors
/// As [`write_atomic`].
pub(super) fn write_through(
    through: &Path,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    write_through_with(through, path, true, write)
}

/// As [`write_through`]; with `synced` false the disk may have it only after the next sync of the file system. For files
/// that can be made again and that a record vouches for which is written after that sync.
///
/// # Errors
/// As [`write_atomic`].
pub(super) fn write_through_with(
    through: &Path,
    path: &Path,
    synced: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let replaced = at_place(path)?;
    let attempt = || -> io::Result<()> {
        // The kernel takes the umask away from these, as it does for every tool's new files.
        let temporary = tempfile::Builder::new()
            .prefix(".docproc-")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(through)?;
        let mode = temporary.as_file().metadata()?.permissions().mode();
        // Somebody closed the old file to others: the new one is no more open.
        if let Some(old) = replaced.map(|old| old.permissions().mode()).filter(|old| mode & !old != 0) {
            temporary.as_file().set_permissions(Permissions::from_mode(mode & old))?;
        }
        let mut writer = BufWriter::with_capacity(1 << 16, temporary.as_file());
        write(&mut writer)?;
        writer.flush()?;
        drop(writer);
        if synced {
            temporary.as_file().sync_all()?;
        }
        temporary.persist(path).map_err(|error| error.error)?;
        if synced { File::open(parent(path))?.sync_all() } else { Ok(()) }
    };
    attempt().map_err(|error| unwritable(path, error))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The error of a file that cannot be written.
pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorCode::OutputUnwritable, "cannot write the file")
        .file(path)
        .because(error)
        .help("check space and permissions of the output folder")
}

/// The error of a place where something lies that docproc did not put there.
pub(super) fn foreign(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorCode::OutputForeign,
        format!("docproc did not write this {what} and does not write over it"),
    )
    .file(path)
    .help("choose another folder with -o, or move it away")
}

/// The file at an output's place, if there is one. What is no file would be waited for (a pipe), followed (a link) or
/// replaced.
///
/// # Errors
/// `output.foreign`.
pub(super) fn at_place(path: &Path) -> Result<Option<Metadata>> {
    let Ok(there) = std::fs::symlink_metadata(path) else { return Ok(None) };
    let kind = there.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(Some(there)),
        () if kind.is_dir() => "folder",
        () if kind.is_symlink() => "symbolic link",
        () if kind.is_fifo() => "pipe",
        () if kind.is_socket() => "socket",
        () => "device",
    };
    Err(foreign(path, what))
}

/// Opens a file at an output's place, never waiting for a pipe and never following a link. Callers asked [`at_place`]
/// before; this holds where something else was put there since.
pub(super) fn open_at_place(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file = options.custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("this is not a file")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file.json");
        write_atomic(&path, |out| out.write_all(b"old")).unwrap();
        let error =
            write_atomic(&path, |_| Err(io::Error::new(io::ErrorKind::StorageFull, "no space"))).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutputUnwritable);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "temporary file left behind"
        );
    }

    #[test]
    fn what_is_no_file_is_refused_at_once_and_left_alone() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, place("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let _socket = UnixListener::bind(place("socket")).unwrap();
        std::fs::create_dir(place("folder")).unwrap();
        symlink("nowhere", place("symbolic link")).unwrap();
        for what in ["pipe", "socket", "folder", "symbolic link"] {
            let error = write_atomic(&place(what), |out| out.write_all(b"new")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::OutputForeign, "{error}");
            assert!(error.to_string().contains(what), "{error}");
            assert!(
                open_at_place(File::options().read(true).write(true).create(true), &place(what)).is_err()
            );
        }
        assert_eq!(at_place(Path::new("/dev/null")).unwrap_err().code(), ErrorCode::OutputForeign);
        assert!(!place("nowhere").exists());
    }

    #[test]
    fn a_file_that_was_closed_to_others_stays_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, |out| out.write_all(b"old")).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        write_atomic(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
