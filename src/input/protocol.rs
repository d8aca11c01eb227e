//! Messages between the main process and a page worker.
//!
//! Both sides talk over a `SOCK_SEQPACKET` socket pair: one message is one packet of at most [`MAX_MESSAGE`]
//! bytes, little-endian: `u32` length of the whole packet, `u8` kind, body. File descriptors of sealed memory
//! travel beside the packet (SCM_RIGHTS). The main process distrusts every byte that a worker sends.

use std::collections::BTreeMap;

use super::wire::{Cursor, Put, WireError};
use crate::config::{OcrPolicy, SandboxMode};
use crate::error::{Error, ErrorCode};

/// Bytes of the largest message; a packet must fit the kernel's default socket buffer.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;

/// Most pages that a document may claim; pdfium's own limit is higher than any real report.
pub(crate) const MAX_PAGES: u32 = 1_000_000;

const MAX_TEXT: usize = 4 * 1024;
const MAX_PASSWORDS: usize = 48 * 1024;

/// First message to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// Path of the pdfium library, as bytes of an `OsStr`.
    pub(crate) pdfium: Vec<u8>,
    /// Limit of the address space in bytes.
    pub(crate) memory_limit: u64,
    /// Limit of processor time over the worker's life, in seconds.
    pub(crate) cpu_seconds: u32,
    /// How much of the sandbox to set up.
    pub(crate) sandbox: SandboxMode,
    /// A fault to inject in tests; refused by release builds.
    pub(crate) fault: Option<InjectedFault>,
}

/// A fault that a test asks the worker to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InjectedFault {
    /// What happens.
    pub fault: Fault,
    /// On which page, counted from 1.
    pub page: u32,
    /// For how many attempts at that page.
    pub attempts: u32,
}

macro_rules! byte_enum {
    ($name:ident { $($variant:ident = $byte:literal),+ $(,)? }) => {
        impl $name {
            fn to_byte(self) -> u8 {
                match self { $(Self::$variant => $byte),+ }
            }

            fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

/// Ways for a worker to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `abort(3)`.
    Abort,
    /// A write to an address that is not mapped.
    Segfault,
    /// Never answers.
    EndlessLoop,
    /// Allocates until the limit.
    AllocationBomb,
    /// Sends bytes that are not a message.
    Garbage,
    /// Sends a page whose offsets point outside.
    BadSegment,
    /// Sends memory that is not sealed.
    UnsealedSegment,
    /// Exits after it has answered.
    ExitAfterPage,
    /// Opens a file.
    OpenFile,
    /// Opens a socket.
    OpenSocket,
    /// Connects the socket that it has to another place.
    Connect,
    /// Runs a program.
    Execute,
    /// Starts a process.
    Fork,
    /// Looks into another process.
    Trace,
    /// Runs on a kernel that knows neither system call filters nor Landlock.
    OldKernel,
}

byte_enum!(Fault {
    Abort = 1,
    Segfault = 2,
    EndlessLoop = 3,
    AllocationBomb = 4,
    Garbage = 5,
    BadSegment = 6,
    UnsealedSegment = 7,
    ExitAfterPage = 8,
    OpenFile = 9,
    OpenSocket = 10,
    Execute = 11,
    Connect = 12,
    Fork = 13,
    Trace = 14,
    OldKernel = 15,
});
byte_enum!(SandboxMode { Auto = 0, Require = 1, Off = 2 });

/// Opens a document, whose bytes come beside the message, in place of the one that was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// Whether the bytes are a PDF (otherwise an image).
    pub(crate) pdf: bool,
    /// Largest image in pixels.
    pub(crate) max_pixels: u64,
    /// Passwords to try, in order, after none.
    pub(crate) passwords: Vec<Vec<u8>>,
}

/// Asks for one page of the open document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// Page number, counted from 1.
    pub(crate) number: u32,
    /// How many times this page was tried before.
    pub(crate) attempt: u32,
    /// When to send an image for OCR.
    pub(crate) ocr: OcrPolicy,
    /// Send one also where the text layer is used, to compare it with what is drawn.
    pub(crate) compare: bool,
    /// The text layer was found to have other words than the scan shows: send an image of the page.
    pub(crate) distrust: bool,
}

/// Asks for a picture of one page of the open document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DrawRequest {
    /// Page number, counted from 1.
    pub(crate) number: u32,
    /// How large and how good.
    pub(crate) style: PictureStyle,
}

/// How the picture of a page is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureStyle {
    /// Pixels of its longest side, at least 1.
    pub longest_side: u16,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
}

/// Messages to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Set up.
    Start(Start),
    /// Open a document.
    Open(Open),
    /// Read a page.
    Page(PageRequest),
    /// Draw a page.
    Draw(DrawRequest),
}

/// What is known about a document once it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentInfo {
    /// Pages in the document.
    pub page_count: u32,
    /// PDF metadata that is present: `title`, `author`, `subject`, `keywords`, `creator`, `producer`,
    /// `creation_date`, `modification_date`. Values longer than 1,000 characters end in an ellipsis.
    pub metadata: BTreeMap<String, String>,
    /// Why the pages do not have the document's content, where it lies elsewhere in the file.
    pub elsewhere: Vec<(ErrorCode, String)>,
}

/// What became of the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxReport {
    /// The system call filter is in force.
    pub seccomp: bool,
    /// Access to the file system was given up.
    pub landlock: bool,
    /// Why something is not in force; empty if all is.
    pub missing: String,
}

/// A failure in the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Stable code.
    pub(crate) code: ErrorCode,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do; may be empty.
    pub(crate) help: String,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.code, failure.message);
        if failure.help.is_empty() { error } else { error.help(failure.help) }
    }
}

/// Messages from a worker. A page's segment comes beside its message, and its image for OCR as second file; a picture
/// comes beside its message as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Set up.
    Ready(SandboxReport),
    /// The document is open.
    Info(DocumentInfo),
    /// The page is read.
    Page,
    /// The page is drawn.
    Picture,
    /// The last request failed; the worker goes on.
    Failed(Failure),
}

fn packet(kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, kind];
    body(&mut bytes);
    let length = (bytes.len() as u32).to_le_bytes();
    bytes[..4].copy_from_slice(&length);
    bytes
}

fn open_packet(bytes: &[u8]) -> Result<(u8, Cursor<'_>), WireError> {
    let mut cursor = Cursor::new(bytes);
    if cursor.u32()? as usize != bytes.len() || bytes.len() > MAX_MESSAGE {
        return Err(cursor.error("the length of a message is wrong"));
    }
    Ok((cursor.u8()?, cursor))
}

/// `text` cut to what a message may hold, at a character's border.
fn short(text: &str) -> &[u8] {
    &text.as_bytes()[..text.floor_char_boundary(MAX_TEXT)]
}

impl Request {
    /// The packet.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Start(start) => packet(1, |out| {
                out.put_blob(&start.pdfium);
                out.put_u64(start.memory_limit);
                out.put_u32(start.cpu_seconds);
                out.put_u8(start.sandbox.to_byte());
                out.put_u8(start.fault.map_or(0, |injected| injected.fault.to_byte()));
                out.put_u32(start.fault.map_or(0, |injected| injected.page));
                out.put_u32(start.fault.map_or(0, |injected| injected.attempts));
            }),
            Self::Open(open) => packet(2, |out| {
                out.put_u8(open.pdf.into());
                out.put_u64(open.max_pixels);
                out.put_u32(open.passwords.len() as u32);
                open.passwords.iter().for_each(|password| out.put_blob(password));
            }),
            Self::Page(page) => packet(3, |out| {
                out.put_u32(page.number);
                out.put_u32(page.attempt);
                out.put_u8(match page.ocr {
                    OcrPolicy::Auto => 0,
                    OcrPolicy::Always => 1,
                    OcrPolicy::Never => 2,
                });
                out.put_u8(page.compare.into());
                out.put_u8(page.distrust.into());
            }),
            Self::Draw(draw) => packet(4, |out| {
                out.put_u32(draw.number);
                out.put_u16(draw.style.longest_side);
                out.put_u8(draw.style.quality);
            }),
        }
    }

    /// Reads a packet.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let (kind, mut input) = open_packet(bytes)?;
        let request = match kind {
            1 => {
                let pdfium = input.blob(MAX_TEXT)?.to_vec();
                let (memory_limit, cpu_seconds) = (input.u64()?, input.u32()?);
                let sandbox =
                    SandboxMode::from_byte(input.u8()?).ok_or(input.error("unknown sandbox mode"))?;
                let (fault, page, attempts) = (input.u8()?, input.u32()?, input.u32()?);
                let fault = match fault {
                    0 => None,
                    byte => Some(InjectedFault {
                        fault: Fault::from_byte(byte).ok_or(input.error("unknown fault"))?,
                        page,
                        attempts,
                    }),
                };
                Self::Start(Start { pdfium, memory_limit, cpu_seconds, sandbox, fault })
            }
            2 => {
                let (pdf, max_pixels, count) = (input.bool()?, input.u64()?, input.u32()?);
                let passwords = (0..count)
                    .map(|_| input.blob(MAX_PASSWORDS).map(<[u8]>::to_vec))
                    .collect::<Result<_, _>>()?;
                Self::Open(Open { pdf, max_pixels, passwords })
            }
            3 => Self::Page(PageRequest {
                number: input.u32()?,
                attempt: input.u32()?,
                ocr: match input.u8()? {
                    0 => OcrPolicy::Auto,
                    1 => OcrPolicy::Always,
                    2 => OcrPolicy::Never,
                    _ => return Err(input.error("unknown OCR policy")),
                },
                compare: input.bool()?,
                distrust: input.bool()?,
            }),
            4 => {
                let (number, longest_side, quality) = (input.u32()?, input.u16()?, input.u8()?);
                if longest_side == 0 || !(1..=100).contains(&quality) {
                    return Err(input.error("a picture cannot be drawn so"));
                }
                Self::Draw(DrawRequest { number, style: PictureStyle { longest_side, quality } })
            }
            _ => return Err(input.error("unknown request")),
        };
        input.end()?;
        Ok(request)
    }
}

/// Whether these passwords fit one message.
pub(crate) fn passwords_fit(passwords: &[Vec<u8>]) -> bool {
    passwords.iter().map(|password| password.len() + 4).sum::<usize>() <= MAX_PASSWORDS
}

impl Reply {
    /// The packet.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ready(report) => packet(1, |out| {
                out.put_u8(report.seccomp.into());
                out.put_u8(report.landlock.into());
                out.put_blob(short(&report.missing));
            }),
            Self::Info(info) => packet(2, |out| {
                out.put_u32(info.page_count);
                out.put_u32(info.metadata.len() as u32);
                for (key, value) in &info.metadata {
                    out.put_blob(short(key));
                    out.put_blob(short(value));
                }
                out.put_u32(info.elsewhere.len() as u32);
                for (code, message) in &info.elsewhere {
                    out.put_blob(code.as_str().as_bytes());
                    out.put_blob(short(message));
                }
            }),
            Self::Page => packet(3, |_| ()),
            Self::Picture => packet(5, |_| ()),
            Self::Failed(failure) => packet(4, |out| {
                out.put_blob(failure.code.as_str().as_bytes());
                out.put_blob(short(&failure.message));
                out.put_blob(short(&failure.help));
            }),
        }
    }

    /// Reads a packet.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let (kind, mut input) = open_packet(bytes)?;
        let reply = match kind {
            1 => Self::Ready(SandboxReport {
                seccomp: input.bool()?,
                landlock: input.bool()?,
                missing: input.text(MAX_TEXT)?.to_owned(),
            }),
            2 => {
                let (page_count, entries) = (input.u32()?, input.u32()?);
                if page_count > MAX_PAGES {
                    return Err(input.error("a document has more pages than any"));
                }
                let mut metadata = BTreeMap::new();
                for _ in 0..entries {
                    metadata.insert(input.text(MAX_TEXT)?.to_owned(), input.text(MAX_TEXT)?.to_owned());
                }
                let mut elsewhere = Vec::new();
                for _ in 0..input.u32()? {
                    let code =
                        ErrorCode::parse(input.text(MAX_TEXT)?).ok_or(input.error("unknown error code"))?;
                    elsewhere.push((code, input.text(MAX_TEXT)?.to_owned()));
                }
                Self::Info(DocumentInfo { page_count, metadata, elsewhere })
            }
            3 => Self::Page,
            4 => Self::Failed(Failure {
                code: ErrorCode::parse(input.text(MAX_TEXT)?).ok_or(input.error("unknown error code"))?,
                message: input.text(MAX_TEXT)?.to_owned(),
                help: input.text(MAX_TEXT)?.to_owned(),
            }),
            5 => Self::Picture,
            _ => return Err(input.error("unknown reply")),
        };
        input.end()?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn examples() -> (Vec<Request>, Vec<Reply>) {
        let fault = InjectedFault { fault: Fault::Garbage, page: 3, attempts: 1 };
        let start = Start {
            pdfium: b"/lib/p\xff.so".to_vec(),
            memory_limit: 1 << 31,
            cpu_seconds: 60,
            sandbox: SandboxMode::Require,
            fault: Some(fault),
        };
        let requests = vec![
            Request::Start(start.clone()),
            Request::Start(Start { fault: None, ..start }),
            Request::Open(Open { pdf: true, max_pixels: 9, passwords: vec![b"a".to_vec(), vec![]] }),
            Request::Page(PageRequest {
                number: 7,
                attempt: 1,
                ocr: OcrPolicy::Never,
                compare: true,
                distrust: false,
            }),
            Request::Draw(DrawRequest { number: 7, style: PictureStyle { longest_side: 1100, quality: 70 } }),
        ];
        let replies = vec![
            Reply::Ready(SandboxReport { seccomp: true, landlock: false, missing: "no landlock".into() }),
            Reply::Info(DocumentInfo {
                page_count: 2,
                metadata: BTreeMap::from([("title".into(), "Größe".into())]),
                elsewhere: vec![(ErrorCode::PdfXfa, "a form".into())],
            }),
            Reply::Page,
            Reply::Picture,
            Reply::Failed(Failure {
                code: ErrorCode::PdfMalformed,
                message: "é".repeat(3),
                help: String::new(),
            }),
        ];
        (requests, replies)
    }

    #[test]
    fn messages_round_trip() {
        let (requests, replies) = examples();
        for request in requests {
            assert_eq!(Request::parse(&request.encode()), Ok(request));
        }
        for reply in replies {
            assert_eq!(Reply::parse(&reply.encode()), Ok(reply));
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let failure = Failure { code: ErrorCode::Internal, message: "é".repeat(5000), help: "a".into() };
        let Ok(Reply::Failed(read)) = Reply::parse(&Reply::Failed(failure).encode()) else { panic!() };
        assert_eq!(read.message.chars().count(), MAX_TEXT / 2);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (Request::parse(&bytes), Reply::parse(&bytes));
        }

        #[test]
        fn damaged_messages_are_refused_or_read(which in 0usize..5, at in 0usize..60, to in any::<u8>()) {
            let (requests, replies) = examples();
            for mut bytes in [requests[which].encode(), replies[which].encode()] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = to;
                }
                let cut = &bytes[..bytes.len() - 1];
                prop_assert!(Request::parse(cut).is_err() && Reply::parse(cut).is_err());
                let _ = (Request::parse(&bytes), Reply::parse(&bytes));
            }
        }
    }
}
