//! `manifest.json` of a models folder: checksum and size of every file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use docproc_hash::file_sha256_and_size;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};

/// Name of the manifest in a models folder.
pub const MANIFEST: &str = "manifest.json";

/// What a manifest says about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    files: BTreeMap<String, ManifestEntry>,
}

/// A models folder's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    root: PathBuf,
    files: BTreeMap<String, ManifestEntry>,
}

impl Manifest {
    /// Reads the manifest of the folder `root`; `None` if it has none.
    ///
    /// # Errors
    /// `model.invalid` if it cannot be read or parsed.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let path = root.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Error::new(ErrorCode::ModelInvalid, "the manifest cannot be read")
                    .file(path)
                    .because(error));
            }
        };
        let contents: Contents = serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(ErrorCode::ModelInvalid, "the manifest cannot be parsed").file(path).because(error)
        })?;
        Ok(Some(Self { root: root.to_owned(), files: contents.files }))
    }

    /// The manifest of the models folder that a file lies in, if it lies in one: the nearer of the two folders above
    /// the file's own that has a manifest. A `manifest.json` of something else is none.
    #[must_use]
    pub fn around(file: &Path) -> Option<Self> {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        file.ancestors().skip(2).take(2).find_map(|folder| Self::read(folder).ok().flatten())
    }

    /// Enters a file as it is now.
    ///
    /// # Errors
    /// `model.not_found` if it cannot be read.
    pub fn record(&mut self, path: &Path) -> Result<()> {
        let (sha256, bytes) = file_sha256_and_size(path)?;
        if let Some(key) = key(&self.root, path) {
            self.files.insert(key, ManifestEntry { sha256, bytes });
        }
        Ok(())
    }

    /// Makes the manifest of the files that lie in the folders of `root` (not of files in `root` itself): what
    /// `model` folders hold, hidden files and the folders named in `skip` left out.
    ///
    /// # Errors
    /// `model.not_found` if a file or folder cannot be read.
    pub fn of_folder(root: &Path, skip: &[&str]) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let unreadable = |error| {
                Error::new(ErrorCode::ModelNotFound, "the folder cannot be read").file(&folder).because(error)
            };
            for entry in fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if name.starts_with('.') || (folder == root && skip.contains(&name.as_str())) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if folder != root {
                    let (sha256, bytes) = file_sha256_and_size(&path)?;
                    if let Some(key) = key(root, &path) {
                        files.insert(key, ManifestEntry { sha256, bytes });
                    }
                }
            }
        }
        Ok(Self { root: root.to_owned(), files })
    }

    /// The files by their path in the folder, with `/` between the parts.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, ManifestEntry> {
        &self.files
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes the manifest into its folder, through a temporary file.
    ///
    /// # Errors
    /// `output.unwritable` if that fails.
    pub fn write(&self) -> Result<()> {
        let path = self.root.join(MANIFEST);
        let unwritable = |error: std::io::Error| {
            Error::new(ErrorCode::OutputUnwritable, "the manifest cannot be written")
                .file(&path)
                .because(error)
        };
        let contents = Contents { files: self.files.clone() };
        let mut text = serde_json::to_vec_pretty(&contents).map_err(|error| unwritable(error.into()))?;
        text.push(b'\n');
        let permissions = std::fs::Permissions::from_mode(0o666);
        let mut file =
            tempfile::Builder::new().permissions(permissions).tempfile_in(&self.root).map_err(unwritable)?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(unwritable)?;
        file.persist(&path).map_err(|error| unwritable(error.error))?;
        Ok(())
    }

    /// Checks one file against a digest that was computed already. Files that the manifest does not name are the
    /// user's own and pass.
    ///
    /// # Errors
    /// `model.checksum` if they differ.
    pub fn check(&self, path: &Path, sha256: &str) -> Result<()> {
        match key(&self.root, path).and_then(|key| self.files.get(&key)) {
            Some(entry) if entry.sha256 != sha256 => Err(mismatch(path, &entry.sha256, sha256)),
            _ => Ok(()),
        }
    }

    /// Reads a file and checks it, if the manifest names it.
    ///
    /// # Errors
    /// `model.checksum` if it differs, `model.not_found` if it cannot be read.
    pub fn verify_file(&self, path: &Path) -> Result<()> {
        if self.names(path) {
            self.check(path, &file_sha256_and_size(path)?.0)?;
        }
        Ok(())
    }

    /// Whether a file stands in it, there or not.
    pub(super) fn names(&self, path: &Path) -> bool {
        key(&self.root, path).is_some_and(|key| self.files.contains_key(&key))
    }

    /// Checks every file of the manifest and gives the failures, by path. None: all is well.
    #[must_use]
    pub fn verify(&self) -> Vec<Error> {
        self.files.keys().filter_map(|name| self.verify_file(&self.root.join(name)).err()).collect()
    }
}

fn mismatch(path: &Path, expected: &str, found: &str) -> Error {
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    Error::new(
        ErrorCode::ModelChecksum,
        format!(
            "the file is not the one in the manifest (sha256 {}..., expected {}...)",
            short(found),
            short(expected)
        ),
    )
    .file(path)
    .help("restore the file, or run `docproc models verify --update` if the change is meant")
}

/// Path of a file inside the root as the manifest writes it; `None` outside.
fn key(root: &Path, path: &Path) -> Option<String> {
    let (root, path) = (std::path::absolute(root).ok()?, std::path::absolute(path).ok()?);
    let parts: Option<Vec<&str>> = path
        .strip_prefix(root)
        .ok()?
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_finds_what_changed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("finbert");
        fs::create_dir(&folder).unwrap();
        fs::create_dir(root.path().join("training")).unwrap();
        fs::write(folder.join("model.onnx"), b"abc").unwrap();
        fs::write(folder.join("config.json"), b"{}").unwrap();
        fs::write(root.path().join("README.md"), b"not a model").unwrap();
        fs::write(root.path().join("training/x.py"), b"not a model").unwrap();

        assert_eq!(Manifest::read(root.path()).unwrap(), None);
        let manifest = Manifest::of_folder(root.path(), &["training"]).unwrap();
        assert_eq!(
            manifest.files().keys().collect::<Vec<_>>(),
            ["finbert/config.json", "finbert/model.onnx"]
        );
        // sha256 of "abc", FIPS 180-2 appendix B.1.
        assert_eq!(
            manifest.files()["finbert/model.onnx"].sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        manifest.write().unwrap();
        let manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert!(manifest.verify().is_empty());

        fs::write(folder.join("model.onnx"), b"abd").unwrap();
        fs::remove_file(folder.join("config.json")).unwrap();
        let errors = manifest.verify();
        assert_eq!(
            errors.iter().map(Error::code).collect::<Vec<_>>(),
            [ErrorCode::ModelNotFound, ErrorCode::ModelChecksum]
        );
        let mut manifest = Manifest::around(&folder.join("new.onnx")).unwrap();
        manifest.record(&folder.join("model.onnx")).unwrap();
        assert_eq!(manifest.verify().len(), 1);
        fs::write(folder.join("own.onnx"), b"xyz").unwrap();
        manifest.verify_file(&folder.join("own.onnx")).unwrap();
        manifest.check(Path::new("/elsewhere/model.onnx"), "00").unwrap();
    }
}
