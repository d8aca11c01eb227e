//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::{Error, ErrorCode, Result};

/// Writes a file so that a reader, a crash or `kill -9` sees either the old content or the whole new one: a
/// temporary file in the same folder, fsync, rename, fsync of the folder. Missing folders are made.
///
/// # Errors
/// `output.unwritable` with the path and the system's reason.
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
    let attempt = || -> io::Result<()> {
        let temporary = tempfile::Builder::new().prefix(".docproc-").suffix(".tmp").tempfile_in(through)?;
        let mut writer = BufWriter::with_capacity(1 << 16, temporary.as_file());
        write(&mut writer)?;
        writer.flush()?;
        drop(writer);
        make_readable(temporary.as_file())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        File::open(parent(path))?.sync_all()
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

/// Gives the temporary file, which only its owner may read, the permissions that other new files get.
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // There is no way to ask for the umask without setting it; 0o022 is what every common system has.
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
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
}
