//! Starts one worker to see whether it can.

use std::fmt;
use std::path::{Path, PathBuf};

use super::child::Worker;
use super::pool::WorkerOptions;
use super::protocol::SandboxReport;
use crate::error::Result;

/// A worker that started: what it uses and how well it is locked up.
#[derive(Clone, Debug)]
pub struct WorkerState {
    /// The pdfium library it loaded.
    pub pdfium: PathBuf,
    /// Its sandbox.
    pub sandbox: SandboxReport,
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on: bool| if on { "on" } else { "off" };
        let SandboxReport { seccomp, landlock, missing } = &self.sandbox;
        let library = self.pdfium.display();
        write!(f, "{library}; sandbox: seccomp {}, landlock {}", on(*seccomp), on(*landlock))?;
        if missing.is_empty() { Ok(()) } else { write!(f, " ({missing})") }
    }
}

/// Starts a page worker with this pdfium, and ends it.
///
/// # Errors
/// `library.*` or `worker.*`.
pub fn probe_worker(pdfium: &Path) -> Result<WorkerState> {
    let options = WorkerOptions { pdfium: pdfium.to_owned(), ..WorkerOptions::default() };
    let (_worker, sandbox) = Worker::start(&options)?;
    Ok(WorkerState { pdfium: options.pdfium, sandbox })
}
