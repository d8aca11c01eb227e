//! The page worker: a child process of the same executable that owns pdfium and the image decoders.
//!
//! It gets documents as sealed memory, answers with pages in sealed memory, and knows no paths. It serves one
//! request at a time on its main thread until the main process closes the socket or dies.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::channel::{Channel, Packet, Received};
#[cfg(debug_assertions)]
use super::faults;
use super::image_file::ImageDocument;
use super::pdf::{Document, Library};
use super::protocol::{Failure, InjectedFault, Open, PageRequest, PictureStyle, Reply, Request, Start};
use super::sandbox;
use super::segment::{self, MAX_SEGMENT, PageContent};
use super::shm::{MapError, SealedMap, sealed};
use crate::error::{Error, ErrorCode, Result};

/// First argument that makes the executable a page worker.
pub const ARGUMENT: &str = "__page-worker";

/// Largest document in bytes that a worker maps; `--max-bytes` is checked before.
const MAX_DOCUMENT: u64 = 1 << 40;

/// Runs the worker on the socket that is standard input, until the main process is gone.
///
/// Returns the exit status.
#[must_use]
pub fn main() -> ExitCode {
    // The main process must never leave workers behind, not even when it is killed.
    if set_parent_process_death_signal(Some(Signal::KILL)).is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(socket) = std::io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::FAILURE };
    match serve(&Channel::from_descriptor(socket)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "page worker: {}", error.explanation());
            ExitCode::FAILURE
        }
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorCode::WorkerProtocol, "the main process cannot be understood").because(error)
}

/// The next request; `None` when the main process is gone.
fn next(channel: &Channel) -> Result<Option<(Request, Vec<OwnedFd>)>> {
    match channel.receive(None).map_err(broken)? {
        Received::Packet(Packet { bytes, descriptors }) => {
            Ok(Some((Request::parse(&bytes).map_err(broken)?, descriptors)))
        }
        Received::Closed => Ok(None),
        Received::Nothing | Received::TooLarge => Err(broken("a packet is too large")),
    }
}

fn serve(channel: &Channel) -> Result<()> {
    let Some((Request::Start(start), _)) = next(channel)? else {
        return Err(broken("the first message is not a start"));
    };
    let library = match set_up(&start) {
        Ok((library, report)) => {
            channel.send(&Reply::Ready(report).encode(), &[]).map_err(broken)?;
            library
        }
        Err(error) => return fail(channel, &error),
    };
    let mut pending = next(channel)?;
    while let Some((request, descriptors)) = pending {
        pending = match (request, descriptors.into_iter().next()) {
            (Request::Open(open), Some(memory)) => {
                with_document(channel, &library, &open, memory, start.fault)?
            }
            _ => return Err(broken("a page is asked for before a document")),
        };
    }
    Ok(())
}

fn set_up(start: &Start) -> Result<(Library, super::protocol::SandboxReport)> {
    if cfg!(not(debug_assertions)) && start.fault.is_some() {
        return Err(Error::new(ErrorCode::WorkerStart, "faults can only be injected into debug builds"));
    }
    let limit = |resource, value: u64| {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit)
            .map_err(|error| Error::new(ErrorCode::WorkerStart, "cannot limit the worker").because(error))
    };
    limit(Resource::Core, 0)?;
    // Memory files do not count as address space: so many, each so large, are all it can hold.
    limit(Resource::Nofile, 16)?;
    limit(Resource::Fsize, MAX_SEGMENT)?;
    limit(Resource::Cpu, u64::from(start.cpu_seconds))?;
    let library = Library::load(Path::new(std::ffi::OsStr::from_bytes(&start.pdfium)))?;
    // After the library is loaded: what it needs is not the document's doing.
    limit(Resource::As, start.memory_limit)?;
    #[cfg(debug_assertions)]
    faults::before_the_sandbox(start.fault)?;
    let report = sandbox::enter(start.sandbox)?;
    Ok((library, report))
}

fn fail(channel: &Channel, error: &Error) -> Result<()> {
    let failure = Failure {
        code: error.code(),
        message: match std::error::Error::source(error) {
            Some(cause) => format!("{}: {cause}", error.message()),
            None => error.message().to_owned(),
        },
        help: error.remedy().unwrap_or_default().to_owned(),
    };
    channel.send(&Reply::Failed(failure).encode(), &[]).map_err(broken)
}

/// Turns a panic, a fault of ours, into an error that the main process hears of.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        Err(Error::new(ErrorCode::Internal, format!("a page worker panicked: {message}"))
            .help("please report this with the document"))
    })
}

enum Opened<'a> {
    Pdf(Document<'a>),
    Image(ImageDocument<'a>),
}

impl Opened<'_> {
    fn read(&self, request: PageRequest) -> Result<(PageContent, Option<Vec<u8>>)> {
        match self {
            Self::Pdf(document) => document.read(request),
            Self::Image(document) => document.read(request.number, request.ocr),
        }
    }

    /// The page as JPEG.
    fn draw(&self, number: u32, style: PictureStyle) -> Result<Vec<u8>> {
        match self {
            Self::Pdf(document) => document.draw(number, style),
            Self::Image(document) => document.draw(number, style),
        }
    }
}

/// Opens a document and serves its pages; gives back the request that ends it.
fn with_document(
    channel: &Channel,
    library: &Library,
    open: &Open,
    memory: OwnedFd,
    fault: Option<InjectedFault>,
) -> Result<Option<(Request, Vec<OwnedFd>)>> {
    let bytes = match SealedMap::map(&memory, MAX_DOCUMENT) {
        Ok(bytes) => bytes,
        Err(MapError::Io(error)) if error.raw_os_error() == Some(libc::ENOMEM) => {
            let error =
                Error::new(ErrorCode::WorkerMemory, "the file does not fit a page worker's memory limit")
                    .help("raise --mem-limit, or lower --jobs");
            fail(channel, &error)?;
            return next(channel);
        }
        Err(error) => return Err(broken(error)),
    };
    drop(memory);
    let opened = guarded(|| {
        if open.pdf {
            library.open(&bytes, &open.passwords).map(Opened::Pdf)
        } else {
            ImageDocument::open(&bytes, open.max_pixels).map(Opened::Image)
        }
    });
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            fail(channel, &error)?;
            return next(channel);
        }
    };
    let info = guarded(|| {
        Ok(match &opened {
            Opened::Pdf(document) => document.info(),
            Opened::Image(document) => document.info(),
        })
    });
    match info {
        Ok(info) => channel.send(&Reply::Info(info).encode(), &[]).map_err(broken)?,
        Err(error) => fail(channel, &error)?,
    }
    loop {
        match next(channel)? {
            Some((Request::Page(request), _)) => serve_page(channel, &opened, request, fault)?,
            Some((Request::Draw(request), _)) => {
                match guarded(|| share("docproc-picture", &opened.draw(request.number, request.style)?)) {
                    Ok(picture) => {
                        channel.send(&Reply::Picture.encode(), &[picture.as_fd()]).map_err(broken)?;
                    }
                    Err(error) => fail(channel, &error)?,
                }
            }
            other => return Ok(other),
        }
    }
}

fn share(name: &str, bytes: &[u8]) -> Result<OwnedFd> {
    sealed(name, bytes).map_err(|error| Error::new(ErrorCode::Internal, "cannot share a page").because(error))
}

fn serve_page(
    channel: &Channel,
    opened: &Opened<'_>,
    request: PageRequest,
    fault: Option<InjectedFault>,
) -> Result<()> {
    // Start messages with a fault are refused by release builds, which have none to commit.
    #[cfg(not(debug_assertions))]
    let _ = fault;
    #[cfg(debug_assertions)]
    let fault = fault.filter(|fault| fault.page == request.number && request.attempt < fault.attempts);
    #[cfg(debug_assertions)]
    if let Some(fault) = fault
        && faults::commit(fault.fault, channel)
    {
        return Ok(());
    }
    let read = guarded(|| {
        let (content, gray) = opened.read(request)?;
        let bytes = segment::encode(&content)
            .map_err(|error| Error::new(ErrorCode::PageTooLarge, error.to_string()))?;
        let mut descriptors = vec![share("docproc-page", &bytes)?];
        if let Some(gray) = gray {
            descriptors.push(share("docproc-ocr", &gray)?);
        }
        Ok(descriptors)
    });
    match read {
        Ok(descriptors) => {
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            channel.send(&Reply::Page.encode(), &descriptors).map_err(broken)?;
        }
        Err(error) => fail(channel, &error)?,
    }
    #[cfg(debug_assertions)]
    if let Some(fault) = fault {
        faults::afterwards(fault.fault);
    }
    Ok(())
}
