//! A page worker as the main process sees it: start, ask, kill, and say what it died of.

use std::fs::File;
use std::io::Read;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, pipe_with};

use super::channel::{Channel, Received};
use super::pool::WorkerOptions;
use super::protocol::{Reply, Request, SandboxReport, Start};
use super::worker;
use crate::error::{Error, ErrorCode, Result};

/// How long a worker may take to load its libraries.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a wait looks whether it has been cancelled.
const TICK: Duration = Duration::from_millis(50);
/// Bytes kept of what a dying worker printed.
const EVIDENCE: u64 = 4096;

/// A running worker; killed and reaped on drop.
pub(super) struct Worker {
    child: Child,
    channel: Channel,
    /// What it prints on standard error.
    messages: File,
    memory_limit: u64,
    /// Largest address space seen, in bytes.
    peak_memory: u64,
    /// Pages it has read.
    pub(super) pages: u32,
}

/// How a request to a worker ended without a reply.
#[derive(Debug)]
pub(super) enum Ended {
    /// The worker is dead; the error says of what.
    Died(Error),
    /// Time ran out.
    Timeout,
    /// Nobody wants the reply any more.
    Cancelled,
}

impl Worker {
    /// Starts a worker and waits until it is ready.
    pub(super) fn start(options: &WorkerOptions) -> Result<(Self, SandboxReport)> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorCode::WorkerStart, "cannot start a page worker").because(error)
        };
        let (channel, theirs) = Channel::pair().map_err(failed)?;
        let mut command = Command::new(&options.executable);
        // With a time zone that needs no file, the C library opens none when pdfium asks for the time.
        command.arg(worker::ARGUMENT).env_clear().env("TZ", "UTC0");
        // The loader may need it to find what pdfium links to; nothing else of the environment is the worker's.
        if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", path);
        }
        // Full, it makes the worker's printing fail, not wait: nobody reads it before the worker is dead.
        let (messages, printed) =
            pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::from(printed));
        let child = command.spawn().map_err(failed)?;
        // The command holds the worker's ends: while they are open here, its death does not show.
        drop(command);
        let messages = File::from(messages);
        let mut worker =
            Self { child, messages, channel, memory_limit: options.memory_limit, peak_memory: 0, pages: 0 };
        let start = Start {
            pdfium: options.pdfium.as_os_str().as_bytes().to_vec(),
            memory_limit: options.memory_limit,
            cpu_seconds: options.cpu_seconds,
            sandbox: options.sandbox,
            fault: options.fault,
        };
        let deadline = Some(Instant::now() + START_TIMEOUT);
        match worker.ask(&Request::Start(start), &[], deadline, &|| false) {
            Ok((Reply::Ready(report), _)) => Ok((worker, report)),
            Ok((Reply::Failed(failure), _)) => Err(failure.into()),
            Ok(_) => Err(protocol_error("an unexpected reply")),
            Err(Ended::Died(error)) => Err(Error::new(
                ErrorCode::WorkerStart,
                format!("a page worker died while starting: {}", error.message()),
            )),
            Err(_) => Err(Error::new(ErrorCode::WorkerStart, "a page worker did not start in time")),
        }
    }

    /// Sends a request and waits for its reply. After an error the worker is dead.
    pub(super) fn ask(
        &mut self,
        request: &Request,
        descriptors: &[BorrowedFd<'_>],
        deadline: Option<Instant>,
        cancelled: &dyn Fn() -> bool,
    ) -> std::result::Result<(Reply, Vec<OwnedFd>), Ended> {
        if self.channel.send(&request.encode(), descriptors).is_err() {
            return Err(Ended::Died(self.autopsy()));
        }
        loop {
            let tick = Instant::now() + TICK;
            let until = deadline.map_or(tick, |deadline| deadline.min(tick));
            match self.channel.receive(Some(until)) {
                Ok(Received::Packet(packet)) => {
                    return Reply::parse(&packet.bytes).map(|reply| (reply, packet.descriptors)).map_err(
                        |error| {
                            self.kill();
                            Ended::Died(protocol_error(error))
                        },
                    );
                }
                Ok(Received::Nothing) if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    self.kill();
                    return Err(Ended::Timeout);
                }
                Ok(Received::Nothing) if cancelled() => {
                    self.kill();
                    return Err(Ended::Cancelled);
                }
                // A dead worker's memory is gone: whether it was too much is only to be seen before.
                Ok(Received::Nothing) => self.peak_memory = self.peak_memory.max(self.read_peak_memory()),
                Ok(Received::TooLarge) => {
                    self.kill();
                    return Err(Ended::Died(protocol_error("a message is too large")));
                }
                Ok(Received::Closed) | Err(_) => return Err(Ended::Died(self.autopsy())),
            }
        }
    }

    fn kill(&mut self) {
        // Both fail only if the worker is dead and reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Reaps a worker that closed its socket, and names the cause of death.
    fn autopsy(&mut self) -> Error {
        // It closes its socket only by dying, but may take a moment to write a report.
        let mut status = None;
        let deadline = Instant::now() + Duration::from_secs(2);
        while status.is_none() && Instant::now() < deadline {
            status = self.child.try_wait().ok().flatten();
            if status.is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.kill();
        let mut printed = Vec::new();
        // Ends where the pipe is empty, with or without an error that says so.
        let _ = (&self.messages).take(EVIDENCE).read_to_end(&mut printed);
        let printed = String::from_utf8_lossy(&printed);
        cause_of_death(status, printed.trim(), self.peak_memory, self.memory_limit)
    }

    /// Peak of the address space in bytes, while the kernel still knows it.
    fn read_peak_memory(&self) -> u64 {
        self.read_memory("VmPeak:")
    }

    /// Bytes that it holds in memory.
    pub(super) fn resident_memory(&self) -> u64 {
        self.read_memory("VmRSS:")
    }

    fn read_memory(&self, what: &str) -> u64 {
        std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .ok()
            .and_then(|status| {
                let line = status.lines().find_map(|line| line.strip_prefix(what))?;
                line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
            })
            .map_or(0, |kilobytes| kilobytes * 1024)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The worker sent what is not the protocol.
pub(super) fn protocol_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorCode::WorkerProtocol, "a page worker sent bytes that are not the protocol")
        .because(error)
        .help("the document may have taken the worker over; do not open it elsewhere")
}

fn cause_of_death(status: Option<ExitStatus>, printed: &str, peak: u64, limit: u64) -> Error {
    let signal = status.and_then(|status| status.signal());
    // pdfium ends itself by one of these signals when an allocation fails, without a word; its last one may be
    // large, so that the peak is seen well below the limit.
    let ended_itself = matches!(signal, Some(SIGILL | SIGTRAP | SIGABRT));
    let near_limit = peak > limit / 10 * 9 || (ended_itself && peak > limit / 2);
    let out_of_memory = printed.contains("memory allocation of") || near_limit;
    let how = match (signal, status.and_then(|status| status.code())) {
        (Some(signal), _) => signal_name(signal),
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => "no exit status".into(),
    };
    let evidence = match printed.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => format!(" ({})", line.trim()),
        None => String::new(),
    };
    if out_of_memory {
        return Error::new(
            ErrorCode::WorkerMemory,
            format!("the page worker went over its memory limit of {} MiB{evidence}", limit >> 20),
        )
        .help("raise --mem-limit if the document can be trusted");
    }
    if signal == Some(SIGSYS) {
        return Error::new(
            ErrorCode::WorkerSandbox,
            "the page worker tried a system call that its sandbox forbids and was killed (SIGSYS)",
        )
        .help("the document may be an attack; do not open it elsewhere");
    }
    let error = Error::new(ErrorCode::WorkerCrashed, format!("the page worker died: {how}{evidence}"));
    match signal {
        Some(SIGKILL) => {
            error.help("it was killed from outside, perhaps for lack of memory: see the kernel's log")
        }
        Some(SIGXCPU) => error.help("it used up the processor time of its life: the document may be hostile"),
        _ => error.help("the document may be damaged or hostile; its other pages are analyzed"),
    }
}

const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGSYS: i32 = 31;

fn signal_name(number: i32) -> String {
    let name = match number {
        SIGILL => "SIGILL",
        SIGTRAP => "SIGTRAP",
        SIGABRT => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        SIGKILL => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        SIGXCPU => "SIGXCPU",
        25 => "SIGXFSZ",
        SIGSYS => "SIGSYS",
        _ => return format!("signal {number}"),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_death_have_their_codes() {
        let code = |raw, printed, peak| {
            let error = cause_of_death(Some(ExitStatus::from_raw(raw)), printed, peak, 1000);
            (error.code(), error.message().to_owned())
        };
        assert_eq!(code(6, "memory allocation of 9 bytes failed", 0).0, ErrorCode::WorkerMemory);
        assert_eq!(code(11, "", 950).0, ErrorCode::WorkerMemory);
        assert_eq!(code(6, "", 600).0, ErrorCode::WorkerMemory);
        assert_eq!(code(11, "", 600).0, ErrorCode::WorkerCrashed);
        assert_eq!(code(31, "", 0).0, ErrorCode::WorkerSandbox);
        let (code, message) = code(11, "", 0);
        assert_eq!(code, ErrorCode::WorkerCrashed);
        assert!(message.contains("SIGSEGV"), "{message}");
    }
}
