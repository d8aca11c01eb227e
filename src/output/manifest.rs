//! The run manifest: what a run did, with the times and machine facts that analyses must not hold.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::document::analysis::{ModelInfo, Status};
use crate::error::{Error, ErrorCode};

/// Name of the manifest in the output folder.
pub(super) const FILE_NAME: &str = "manifest.json";

/// One run of `docproc analyze`.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// `docproc`.
    pub tool: String,
    /// Package version.
    pub version: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// End, RFC 3339 in UTC.
    pub ended: String,
    /// Seconds between them.
    pub seconds: f64,
    /// Why the run ended before it had reached every document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopReason>,
    /// What ended the run, where it could not go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RunProblem>,
    /// Versions and checksums of the native libraries.
    pub libraries: BTreeMap<String, String>,
    /// Models used.
    pub models: Vec<ModelInfo>,
    /// Totals.
    pub counts: RunCounts,
    /// What the inference cache did.
    pub cache: CacheUse,
    /// What became of the page workers.
    pub workers: WorkerUse,
    /// What was named and is not there, and folders of which a part cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RunProblem>,
    /// Every document, in input order.
    pub documents: Vec<DocumentEntry>,
}

/// What went wrong outside of any document: a path that gave none although one may be there, or what ended the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunProblem {
    /// The path, if it is about one; what is not UTF-8 in it is replaced.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Stable code.
    pub code: ErrorCode,
    /// What happened and what to do about it.
    pub message: String,
}

impl From<&Error> for RunProblem {
    fn from(error: &Error) -> Self {
        let path = error.culprit().file.as_deref().unwrap_or(Path::new("")).to_string_lossy().into_owned();
        Self { path, code: error.code(), message: error.explanation() }
    }
}

/// Why a run was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// SIGINT or SIGTERM.
    Signal,
    /// `--max-runtime`.
    MaxRuntime,
    /// The run could not go on; the manifest's `error` says why.
    Error,
}

/// Page workers of a run. Those recycled after their share of pages are started anew and not lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkerUse {
    /// Processes started.
    pub started: u64,
    /// Processes that died while they worked or were killed at a limit, and were replaced.
    pub lost: u64,
}

/// Results of models that were found instead of computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheUse {
    /// Found in memory.
    pub memory_hits: u64,
    /// Found on disk.
    pub disk_hits: u64,
    /// Found in neither.
    pub misses: u64,
    /// Entries dropped from memory to keep it within `cache_size`.
    pub memory_evicted: u64,
    /// Entries written to disk.
    pub disk_written: u64,
    /// Entries removed from disk to keep it within `disk_cache_size`.
    pub disk_evicted: u64,
    /// Bytes held in memory at the end.
    pub memory_bytes: u64,
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
    /// Documents not reached before the run was stopped, or cut then.
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
    /// Not reached before the run was stopped.
    NotReached,
    /// Begun and cut when the run was stopped; nothing was written.
    Cut,
}

impl Outcome {
    /// As in the manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analyzed => "analyzed",
            Self::Skipped => "skipped",
            Self::NotReached => "not_reached",
            Self::Cut => "cut",
        }
    }
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
