//! Optimised graphs on disk, so that a model is optimised once per machine and not once per run.
//!
//! The cache may vanish or be damaged at any time: it is then made again, and a message says so.

use std::fs;
use std::path::{Path, PathBuf};

use docproc_hash::hex;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::bundle::ModelBundle;
use super::environment::Environment;
use super::kept::{KEPT_BYTES, hold_to, note_use};
use super::session::SessionSettings;
use crate::error::{Error, warn};

/// Raised whenever what is stored changes its meaning.
const FORMAT: &str = "1";
/// Name of a graph in a folder of its own.
const GRAPH: &str = "model.onnx";
/// Its weights beside it, where the model has them in data files.
pub(super) const DATA: &str = "optimised.weights";

/// The place of one model's optimised graph: a file, or a folder where the weights are a file of their own. The names
/// that a graph has for data files mean nothing in another folder, and it may be too large for one file.
#[derive(Debug)]
pub(super) struct GraphCache {
    place: PathBuf,
    has_data_files: bool,
}

/// A place for ONNX Runtime to write an optimised graph to.
pub(super) struct Reserved {
    folder: TempDir,
    /// Whether the weights go to [`DATA`] beside the graph.
    pub(super) has_data_files: bool,
}

impl Reserved {
    /// The graph's file.
    pub(super) fn graph(&self) -> PathBuf {
        self.folder.path().join(GRAPH)
    }
}

impl GraphCache {
    /// The place for a model with these settings. Everything that the optimiser's output depends on is in the name:
    /// the model's weights, ONNX Runtime's build, level, optimisers left out, and the processor (layouts differ by its vector
    /// instructions).
    pub(super) fn new(
        folder: &Path,
        environment: &Environment,
        model: &ModelBundle,
        settings: &SessionSettings,
    ) -> Self {
        let mut hasher = Sha256::new();
        for part in [
            FORMAT,
            &model.sha256,
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
        let has_data_files = model.has_data_files;
        let ending = if has_data_files { "" } else { ".onnx" };
        Self { place: folder.join(format!("{}{ending}", &name[..32])), has_data_files }
    }

    /// The optimised graph, if there is one.
    pub(super) fn lookup(&self) -> Option<PathBuf> {
        let graph = if self.has_data_files { self.place.join(GRAPH) } else { self.place.clone() };
        graph.is_file().then(|| note_use(&graph))?;
        Some(graph)
    }

    /// A temporary folder for ONNX Runtime to write to; `None` where the cache cannot be written, which only costs
    /// time.
    pub(super) fn reserve(&self) -> Option<Reserved> {
        let parent = self.place.parent()?;
        fs::create_dir_all(parent).ok()?;
        let folder = tempfile::Builder::new().prefix(".optimising-").tempdir_in(parent).ok()?;
        Some(Reserved { folder, has_data_files: self.has_data_files })
    }

    /// Makes a written graph the cached one. Losing a race against another process is no loss: both wrote the same.
    pub(super) fn keep(&self, written: &Reserved) {
        let graph = written.graph();
        if fs::metadata(&graph).is_ok_and(|data| data.len() > 0) {
            let whole = if self.has_data_files { written.folder.path() } else { &graph };
            // A failed rename leaves what was there, or nothing, and the next run tries again.
            let _ = fs::rename(whole, &self.place);
            if let Some(folder) = self.place.parent() {
                hold_to(folder, KEPT_BYTES);
            }
        }
    }

    /// Removes a graph that cannot be loaded, with a warning.
    pub(super) fn discard(&self, file: &Path, error: &Error) {
        warn(&format!("cached graph {} is made again: {}", file.display(), error.explanation()));
        let _ = if self.has_data_files { fs::remove_dir_all(&self.place) } else { fs::remove_file(file) };
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
