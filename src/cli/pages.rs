//! `docproc pages`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use super::EXIT_DOCUMENTS;
use super::args::PagesArgs;
use super::log::tell;
use super::terminal::JsonLines;
use crate::config::{NativeLibrary, OcrPolicy, native_library};
use crate::input;
use crate::pipeline::picture_reader;

/// Prints each page of the documents as a JSON object on a line of its own.
pub fn run(args: &PagesArgs) -> anyhow::Result<ExitCode> {
    let pdfium = native_library(NativeLibrary::Pdfium)?;
    let mut reader = None;
    if args.ocr != OcrPolicy::Never {
        reader = picture_reader(&args.load()?)?;
    }
    let mut out = JsonLines::new(BufWriter::new(io::stdout().lock()));
    let failures = input::dump(&pdfium, reader, &args.files, args.ocr, args.image_dir.as_deref(), &mut out)?;
    out.flush()?;
    for error in &failures {
        tell!("[{}]: {error}", error.code());
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DOCUMENTS) })
}
