//! Loading the ONNX Runtime library, once per process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::logging::LogLevel;

use crate::error::{Error, ErrorCode, Result};

/// The oldest ONNX Runtime that this build can use (the `ort` crate's API feature in Cargo.toml).
const OLDEST: u32 = ort::MINOR_VERSION;

static LOADED: Mutex<Option<Environment>> = Mutex::new(None);

/// ONNX Runtime, loaded and ready to create sessions. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Environment {
    pub(super) inner: ort::environment::Environment,
    library: PathBuf,
}

impl Environment {
    /// Loads the library at `path` and starts its logging at a level that leaves messages to our errors.
    ///
    /// A process holds one ONNX Runtime; a second call with the same path gives the same one.
    ///
    /// # Errors
    /// `library.not_found` if there is no such file or it cannot be loaded, `library.version` if it is too old, is
    /// not ONNX Runtime, or another one is already loaded.
    pub fn load(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = &*loaded {
            if environment.library == path {
                return Ok(environment.clone());
            }
            return Err(Error::new(
                ErrorCode::LibraryVersion,
                format!("this process already uses {}", environment.library.display()),
            )
            .file(path));
        }
        if !path.is_file() {
            return Err(Error::new(ErrorCode::LibraryNotFound, "there is no ONNX Runtime library here")
                .file(path)
                .help("run `make native`, or point DOCPROC_ONNXRUNTIME at libonnxruntime.so"));
        }
        let builder = ort::init_from(&path).map_err(|error| load_error(&path, error))?;
        let inner = builder.with_name("docproc").with_telemetry(false).build().map_err(|error| {
            Error::new(ErrorCode::LibraryVersion, "ONNX Runtime cannot be started").file(&path).because(error)
        })?;
        // Every failure reaches us as a status; ONNX Runtime's own copy on stderr would only repeat it.
        inner.set_log_level(LogLevel::Fatal);
        let environment = Self { inner, library: path };
        *loaded = Some(environment.clone());
        Ok(environment)
    }

    /// The library's path.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// What the library says about itself: branch, commit and compiler flags.
    #[must_use]
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    /// Its version ("1.32.0") where the build names its release branch, else its whole build information.
    #[must_use]
    pub fn version(&self) -> &'static str {
        let info = self.build_info();
        info.split_once("git-branch=rel-")
            .and_then(|(_, rest)| rest.split([',', ' ']).next())
            .filter(|version| !version.is_empty())
            .unwrap_or(info)
    }
}

fn load_error(path: &Path, error: LoadDynamicError) -> Error {
    match &error {
        LoadDynamicError::Dlopen { .. } => {
            Error::new(ErrorCode::LibraryNotFound, "the ONNX Runtime library cannot be loaded")
                .help("install the missing dependencies, or take the library of the `onnxruntime` wheel")
        }
        LoadDynamicError::BadVersion { version_str, .. } => Error::new(
            ErrorCode::LibraryVersion,
            format!("ONNX Runtime {version_str} is too old, 1.{OLDEST} or newer is needed"),
        )
        .help("run `make native` to fetch the version this was tested with"),
        LoadDynamicError::MissingApi { .. } | LoadDynamicError::InvalidVersionString => {
            Error::new(ErrorCode::LibraryVersion, "this is not an ONNX Runtime library")
        }
    }
    .file(path)
    .because(error)
}

/// The ONNX Runtime that tests run with: `DOCPROC_ONNXRUNTIME`, or `native/` in the package (`make native`).
///
/// # Panics
/// If there is none; tests that need it must not pass without it.
#[cfg(test)]
pub(crate) fn for_tests() -> Environment {
    let path = std::env::var_os("DOCPROC_ONNXRUNTIME").map(PathBuf::from).or_else(|| {
        let native = Path::new(env!("CARGO_MANIFEST_DIR")).join("native");
        let entries = std::fs::read_dir(native).ok()?;
        let mut found: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                name.starts_with("libonnxruntime.so") || name == "libonnxruntime.dylib"
            })
            .collect();
        found.sort();
        found.pop()
    });
    let path = path.expect("ONNX Runtime is needed: run `make native`, or set DOCPROC_ONNXRUNTIME");
    Environment::load(&path).expect("ONNX Runtime loads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_wrong_libraries_are_errors_and_one_is_shared() {
        let environment = for_tests();
        assert!(environment.version().starts_with("1."), "{}", environment.version());
        let again = Environment::load(environment.library()).unwrap();
        assert_eq!(again.library(), environment.library());
        // A second library is refused before it is opened, whatever it is.
        let error = Environment::load(Path::new("elsewhere/libonnxruntime.so")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::LibraryVersion);
    }
}
