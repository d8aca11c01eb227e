//! The run manifest: what a run did, with the times and machine facts that analyses must not hold.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::atomic::write_atomic;
use crate::document::analysis::{ModelInfo, Status};
use crate::error::{ErrorCode, Result};

/// Name of the manifest in the output folder.
pub(super) const FILE_NAME: &str = "manifest.json";

/// One run of `docproc analyze`.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// Package version.
    pub version: String,
    /// Start in seconds since 1970-01-01 UTC.
    pub started_unix: u64,
    /// End in seconds since 1970-01-01 UTC.
    pub ended_unix: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Versions of the native libraries.
    pub libraries: BTreeMap<String, String>,
    /// Models used.
    pub models: Vec<ModelInfo>,
    /// Totals.
    pub counts: RunCounts,
    /// Every document, in input order.
    pub documents: Vec<DocumentEntry>,
}

/// Totals of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunCounts {
    /// Documents analyzed whole, now or earlier.
    pub ok: u32,
    /// Documents with missing pages.
    pub partial: u32,
    /// Documents of which nothing was analyzed.
    pub failed: u32,
    /// Documents whose analysis was current and was left alone; they are counted above, too.
    pub skipped: u32,
    /// Documents not reached before the run was stopped.
    pub not_reached: u32,
    /// Pages analyzed in this run.
    pub pages: u64,
}

/// What the run did with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Analyzed in this run.
    Analyzed,
    /// Its analysis was current.
    Skipped,
    /// Not reached.
    NotReached,
}

/// One document of a run.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentEntry {
    /// Path as given or found.
    pub path: String,
    /// Analysis file below the output folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What the run did.
    pub outcome: Outcome,
    /// Status of its analysis, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Codes of its errors.
    pub codes: Vec<ErrorCode>,
    /// Pages analyzed.
    pub pages: u32,
    /// Seconds from its start to its end; documents overlap.
    pub seconds: f64,
}

impl Manifest {
    /// Writes `manifest.json` into the output folder.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write_atomic(&folder.join(FILE_NAME), |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
    }
}
