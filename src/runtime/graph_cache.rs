//! Optimised graphs on disk, so that a model is optimised once per machine and not once per run.
//!
//! The cache may vanish or be damaged at any time: it is then made again, and a message says so.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempPath;

use super::environment::Environment;
use super::hash::hex;
use super::session::SessionSettings;
use crate::error::{Error, warn};

/// Raised whenever what is stored changes its meaning.
const FORMAT: &str = "1";

/// The place of one model's optimised graph.
#[derive(Debug)]
pub(super) struct GraphCache {
    file: PathBuf,
}

impl GraphCache {
    /// The place for a model with these settings. Everything that the optimiser's output depends on is in the name:
    /// the model, ONNX Runtime's build, level, optimisers left out, and the processor (layouts differ by its vector
    /// instructions).
    pub(super) fn new(
        folder: &Path,
        environment: &Environment,
        model_sha256: &str,
        settings: &SessionSettings,
    ) -> Self {
        let mut hasher = Sha256::new();
        for part in [
            FORMAT,
            model_sha256,
            environment.build_info(),
            &format!("{:?}", settings.optimization),
            &settings.disabled_optimizers.join(";"),
            &settings.provider.to_string(),
            if settings.exact_sums { "exact sums" } else { "" },
            &processor(),
        ] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let name = hex(&hasher.finalize());
        Self { file: folder.join(format!("{}.onnx", &name[..32])) }
    }

    /// The optimised graph, if there is one.
    pub(super) fn lookup(&self) -> Option<PathBuf> {
        self.file.is_file().then(|| self.file.clone())
    }

    /// A temporary file for ONNX Runtime to write to; `None` where the folder cannot be written, which only costs
    /// time.
    pub(super) fn reserve(&self) -> Option<TempPath> {
        let folder = self.file.parent()?;
        fs::create_dir_all(folder).ok()?;
        let file =
            tempfile::Builder::new().prefix(".optimising-").suffix(".onnx").tempfile_in(folder).ok()?;
        Some(file.into_temp_path())
    }

    /// Makes a written file the cached one. Losing a race against another process is no loss: both wrote the same.
    pub(super) fn keep(&self, written: TempPath) {
        if fs::metadata(&written).is_ok_and(|data| data.len() > 0) {
            // A failed rename leaves no file, and the next run tries again.
            let _ = written.persist(&self.file);
        }
    }

    /// Removes a graph that cannot be loaded, with a warning.
    pub(super) fn discard(&self, file: &Path, error: &Error) {
        warn(&format!("cached graph {} is made again: {}", file.display(), error.explanation()));
        let _ = fs::remove_file(file);
    }
}

/// The vector instructions that ONNX Runtime chooses kernels and layouts by.
pub(super) fn processor() -> String {
    let mut features = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! detect {
            ($($name:tt),*) => {$(
                if std::arch::is_x86_feature_detected!($name) { features.push($name); }
            )*};
        }
        detect!("sse4.1", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512vnni");
    }
    features.join(",")
}
