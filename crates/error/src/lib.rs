//! The library's error: a stable code, a message, the culprit and what to do.
//!
//! Every failure that a user, a script or an analysis file can see carries an [`ErrorCode`]. Codes are part of
//! the output contract: they are added, never renamed.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Result of every fallible function of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)+) => {
        /// Stable, machine-readable reason of a failure, written as `room.reason`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)+ }

        impl ErrorCode {
            /// Every code, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code as it appears in JSON, logs and messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The code with this text, if there is one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

error_codes! {
    /// A path given by the user does not exist.
    InputNotFound = "input.not_found",
    /// A file exists but cannot be read (permission, I/O error, changed under us).
    InputUnreadable = "input.unreadable",
    /// The file has no bytes.
    InputEmpty = "input.empty",
    /// The content is neither a PDF nor an image format we read.
    InputUnsupported = "input.unsupported",
    /// The file is larger than `--max-bytes`.
    InputTooLarge = "input.too_large",
    /// Two inputs would be written to the same output file.
    InputCollision = "input.collision",
    /// The PDF needs a password and none of the given ones opens it.
    PdfPasswordRequired = "pdf.password_required",
    /// pdfium cannot parse the file.
    PdfMalformed = "pdf.malformed",
    /// The PDF uses a security handler that pdfium does not know.
    PdfUnsupportedSecurity = "pdf.unsupported_security",
    /// The document opens but has no pages.
    PdfNoPages = "pdf.no_pages",
    /// The pages of an XFA form are only a placeholder: a viewer makes its content out of XML.
    PdfXfa = "pdf.xfa",
    /// The document is the cover of a portfolio; the files that it carries were not read.
    PdfPortfolio = "pdf.portfolio",
    /// The document has more pages than `--max-pages`; those beyond were not analyzed.
    DocumentTooManyPages = "document.too_many_pages",
    /// The document needs more memory than one may have; pages beyond were not analyzed.
    DocumentTooLarge = "document.too_large",
    /// The document has none of the pages that `--pages` asks for.
    DocumentNoSuchPage = "document.no_such_page",
    /// The time limit of the document ran out.
    DocumentTimeout = "document.timeout",
    /// An image cannot be decoded.
    ImageMalformed = "image.malformed",
    /// An image has more pixels than `--max-pixels`.
    ImageTooLarge = "image.too_large",
    /// The image uses a compression or a colour model that is not read.
    ImageUnsupported = "image.unsupported",
    /// A page cannot be loaded.
    PageMalformed = "page.malformed",
    /// A page took longer than the time limit; its worker was killed.
    PageTimeout = "page.timeout",
    /// A page has more words than one analysis may hold.
    PageTooLarge = "page.too_large",
    /// A page has neither text nor anything drawn that OCR could read. Not an error of the document.
    PageEmpty = "page.empty",
    /// A worker process died while it held a page.
    WorkerCrashed = "worker.crashed",
    /// A worker process went over its memory limit.
    WorkerMemory = "worker.memory",
    /// A worker process sent bytes that are not the protocol.
    WorkerProtocol = "worker.protocol",
    /// A worker process could not be started.
    WorkerStart = "worker.start",
    /// The sandbox asked for cannot be set up on this kernel.
    WorkerSandbox = "worker.sandbox",
    /// The page needs OCR and the tesseract program is not installed.
    OcrUnavailable = "ocr.unavailable",
    /// The tesseract program failed on this page.
    OcrFailed = "ocr.failed",
    /// The tesseract program went over its time limit.
    OcrTimeout = "ocr.timeout",
    /// A native library (ONNX Runtime, pdfium) was not found.
    LibraryNotFound = "library.not_found",
    /// A native library has a version that this build cannot use.
    LibraryVersion = "library.version",
    /// No model bundle at the configured place.
    ModelNotFound = "model.not_found",
    /// A model file does not have the checksum that its manifest states.
    ModelChecksum = "model.checksum",
    /// A model file cannot be loaded or is not what its role needs.
    ModelInvalid = "model.invalid",
    /// Running a model failed.
    ModelRun = "model.run",
    /// A tokenizer file cannot be loaded or does not fit its model.
    TokenizerInvalid = "tokenizer.invalid",
    /// The accelerator asked for is not there or cannot be used.
    DeviceUnavailable = "device.unavailable",
    /// A network file is damaged or is not what the configuration says.
    NetworkInvalid = "network.invalid",
    /// The configuration file, a flag or an environment variable is wrong.
    ConfigInvalid = "config.invalid",
    /// Labelled data or features given by the user cannot be used.
    DataInvalid = "data.invalid",
    /// An ONNX file cannot be parsed or written.
    OnnxInvalid = "onnx.invalid",
    /// A quantised model lost more than the gate allows.
    QuantizeGate = "quantize.gate",
    /// An output file or folder cannot be written.
    OutputUnwritable = "output.unwritable",
    /// Another process holds the lock of the output folder.
    OutputLocked = "output.locked",
    /// A file that docproc did not write lies where an output would go.
    OutputForeign = "output.foreign",
    /// The run was interrupted before this document was finished.
    RunInterrupted = "run.interrupted",
    /// A fault of docproc itself.
    Internal = "internal",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let code = Self::ALL.iter().find(|code| code.as_str() == text);
        code.copied().ok_or_else(|| serde::de::Error::custom(format!("unknown error code {text:?}")))
    }
}

impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let codes: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        schemars::json_schema!({
            "type": "string",
            "description": "Stable reason of a failure. New codes may be added by minor versions.",
            "examples": codes,
        })
    }
}

/// What an error is about, as precisely as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Culprit {
    /// File or folder.
    pub file: Option<PathBuf>,
    /// Page number, counted from 1.
    pub page: Option<u32>,
    /// Model, tensor, tokenizer or network by name.
    pub part: Option<String>,
    /// Byte offset in the file.
    pub offset: Option<u64>,
}

/// A failure with its code, culprit and remedy.
///
/// `Display` prints one line: culprit, message and what to do; the code is printed by whoever reports it.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: ErrorCode,
    message: String,
    help: Option<String>,
    culprit: Culprit,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure with this code; `message` says what is wrong, in the user's words, without the culprit's name.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            help: None,
            culprit: Culprit::default(),
            source: None,
        }))
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Names the file.
    #[must_use]
    pub fn file(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.culprit.file = Some(file.into());
        self
    }

    /// Names the page, counted from 1.
    #[must_use]
    pub fn page(mut self, page: u32) -> Self {
        self.0.culprit.page = Some(page);
        self
    }

    /// Names the model, tensor, tokenizer or network.
    #[must_use]
    pub fn part(mut self, part: impl Into<String>) -> Self {
        self.0.culprit.part = Some(part.into());
        self
    }

    /// States the byte offset in the file.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.0.culprit.offset = Some(offset);
        self
    }

    /// Keeps the error underneath; its text is part of the chain that the command line prints.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The message without culprit and remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What it is about.
    #[must_use]
    pub fn culprit(&self) -> &Culprit {
        &self.0.culprit
    }

    /// What to do, if that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Message, causes and remedy in one line, without the file: the form kept in an analysis, whose document
    /// is known.
    #[must_use]
    pub fn explanation(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let detail = error.to_string();
            if !text.contains(&detail) {
                text.push_str(": ");
                text.push_str(&detail);
            }
            cause = error.source();
        }
        if let Some(help) = &self.0.help {
            text.push_str("; ");
            text.push_str(help);
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let culprit = &self.0.culprit;
        if let Some(file) = &culprit.file {
            write!(f, "{}: ", file.display())?;
        }
        if let Some(page) = culprit.page {
            write!(f, "page {page}: ")?;
        }
        if let Some(part) = &culprit.part {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(offset) = culprit.offset {
            write!(f, " (at byte {offset})")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

static WARNINGS: OnceLock<fn(&str)> = OnceLock::new();

/// Where [`warn`] sends its messages from now on; the first call decides.
pub fn send_warnings_to(listener: fn(&str)) {
    // A second listener would be a mistake of ours, not the user's.
    let _ = WARNINGS.set(listener);
}

/// Tells the user about something that went wrong, cost only time and is in no result, such as a damaged cache.
pub fn warn(message: &str) {
    match WARNINGS.get() {
        Some(listener) => listener(message),
        None => {
            let _ = writeln!(std::io::stderr(), "warning: {message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_are_unique() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
        let mut names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn display_names_culprit_and_remedy() {
        let error = Error::new(ErrorCode::PdfMalformed, "not a PDF inside")
            .file("a.pdf")
            .page(3)
            .offset(17)
            .help("repair it")
            .because(std::io::Error::other("bad xref"));
        assert_eq!(error.to_string(), "a.pdf: page 3: not a PDF inside (at byte 17); repair it");
        assert_eq!(error.explanation(), "not a PDF inside: bad xref; repair it");
    }
}
