//! Where the native libraries and the model bundles are.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};

/// A native library that docproc loads at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeLibrary {
    /// ONNX Runtime.
    OnnxRuntime,
    /// pdfium.
    Pdfium,
}

impl NativeLibrary {
    /// Name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "ONNX Runtime",
            Self::Pdfium => "pdfium",
        }
    }

    /// Environment variable that names the file.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "DOCPROC_ONNXRUNTIME",
            Self::Pdfium => "DOCPROC_PDFIUM",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "libonnxruntime.so",
            Self::Pdfium => "libpdfium.so",
        }
    }
}

/// Finds a native library: the environment variable, `../lib/docproc` beside the executable, `native/` in the
/// working directory or beside a build's `target/`, then the system's library folders.
///
/// # Errors
/// `library.not_found`, saying where it was looked for.
pub fn native_library(library: NativeLibrary) -> Result<PathBuf> {
    let variable = library.variable();
    if let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) {
        let path = PathBuf::from(value);
        return if path.is_file() {
            Ok(absolute(path))
        } else {
            Err(Error::new(
                ErrorCode::LibraryNotFound,
                format!("{variable} names a file that does not exist"),
            )
            .file(path)
            .help(format!("correct or unset {variable}")))
        };
    }
    let file = library.file_name();
    let mut candidates = Vec::new();
    if let Some(folder) = executable_folder() {
        candidates.push(folder.join("../lib/docproc").join(file));
    }
    candidates.push(Path::new("native").join(file));
    candidates.extend(executable_ancestors().map(|folder| folder.join("native").join(file)));
    for folder in [
        "/usr/local/lib",
        "/usr/lib",
        "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ] {
        candidates.push(Path::new(folder).join(file));
    }
    candidates.iter().find(|path| path.is_file()).cloned().map(absolute).ok_or_else(|| {
        Error::new(
            ErrorCode::LibraryNotFound,
            format!(
                "{} ({file}) is not in ../lib/docproc beside the executable, native/ or the system",
                library.name()
            ),
        )
        .help(format!("run `make native` in the source folder, or set {variable} to the library's path"))
    })
}

/// Finds the folder of model bundles: `flag` if given, `../share/docproc/models` beside the executable, `models/`
/// in the working directory, or beside a build's `target/`.
///
/// # Errors
/// `model.not_found`, saying where it was looked for.
pub fn models_folder(flag: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = flag {
        return if folder.is_dir() {
            Ok(folder.to_owned())
        } else {
            Err(Error::new(ErrorCode::ModelNotFound, "the models folder does not exist")
                .file(folder)
                .help("correct --models-dir (or DOCPROC_MODELS_DIR)"))
        };
    }
    let mut candidates = Vec::new();
    if let Some(folder) = executable_folder() {
        candidates.push(folder.join("../share/docproc/models"));
    }
    candidates.push(PathBuf::from("models"));
    candidates.extend(executable_ancestors().map(|folder| folder.join("models")));
    candidates.into_iter().find(|folder| folder.join("manifest.json").is_file()).ok_or_else(|| {
        Error::new(
            ErrorCode::ModelNotFound,
            "no models folder with a manifest.json in ../share/docproc beside the executable or in the working directory",
        )
        .help("name it with --models-dir (or DOCPROC_MODELS_DIR)")
    })
}

/// Folder for what docproc can make again (optimised graphs, models quantised at first use): `DOCPROC_CACHE_DIR`, else
/// `docproc` in the user's cache folder (XDG Base Directory Specification); `None` where there is neither, as for some
/// daemons.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("DOCPROC_CACHE_DIR")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("docproc")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/docproc")))
}

fn executable_folder() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.to_owned())
}

/// Folders above the executable that look like docproc's source tree, for a binary run out of `target/`.
fn executable_ancestors() -> impl Iterator<Item = PathBuf> {
    let executable = env::current_exe().unwrap_or_default();
    let ancestors: Vec<PathBuf> = executable.ancestors().skip(1).take(5).map(Path::to_owned).collect();
    ancestors
        .into_iter()
        .filter(|folder| folder.join("Cargo.toml").is_file() && folder.join("models").is_dir())
}

fn absolute(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}
