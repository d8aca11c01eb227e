//! `docproc pages`: what the page workers see, for people and for training.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{ImageFormat, RgbImage};
use rustix::fs::OFlags;
use serde::Serialize;

use super::built_in_ocr::PictureReader;
use super::discover::{DiscoverOptions, discover};
use super::pool::{WorkerOptions, WorkerPool};
use super::reader::ReadRequest;
use super::segment::PageSegment;
use super::source::Source;
use crate::config::{Analyze, OcrPolicy};
use crate::document::{PAGE_IMAGE_SIZE, Page};
use crate::error::{Error, ErrorCode, Result};

/// Bytes of a document that is dumped.
const MAX_BYTES: u64 = 1 << 30;
/// Documents in work at the same time.
const IN_WORK: usize = 16;

#[derive(Serialize)]
struct Line<'a> {
    /// Path as given or found.
    document: &'a str,
    sha256: &'a str,
    #[serde(flatten)]
    page: Page,
}

/// Writes one line of JSON per page of the documents behind `paths` (files or folders), in order: `document`,
/// `sha256` and the fields of [`Page`]. With `image_dir`, the 224 x 224 page images go there as PNG files named
/// by document checksum and page, `<first 16 of sha256>-<page>.png`.
///
/// Returns the errors of documents and pages.
///
/// # Errors
/// Those of starting the workers, of writing, and `input.not_found`.
pub fn dump(
    pdfium: &Path,
    reader: Option<Arc<dyn PictureReader>>,
    paths: &[PathBuf],
    ocr: OcrPolicy,
    image_dir: Option<&Path>,
    out: &mut dyn Write,
) -> Result<Vec<Error>> {
    let options = WorkerOptions { pdfium: pdfium.to_owned(), reader, ..WorkerOptions::default() };
    let pool = WorkerPool::start(&options)?;
    let found = discover(paths, &DiscoverOptions::default())?;
    let mut problems = found.problems;
    if let Some(folder) = image_dir {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    }
    let request = ReadRequest {
        settings: Analyze { ocr, max_pages: u32::MAX, ..Analyze::default() },
        ..ReadRequest::default()
    };
    for inputs in found.inputs.chunks(IN_WORK) {
        let opened: Vec<_> = inputs
            .iter()
            .map(|input| {
                let source = Arc::new(Source::read(input, MAX_BYTES)?);
                Ok((Arc::clone(&source), pool.open(source, request.clone())))
            })
            .collect();
        for (input, opened) in inputs.iter().zip(opened) {
            let (source, mut reader) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    problems.push(error);
                    continue;
                }
            };
            let document = input.display();
            while let Some(page) = reader.next() {
                let mut segment = match page {
                    Ok(segment) => segment,
                    Err(error) => {
                        problems.push(error.file(&input.path));
                        continue;
                    }
                };
                problems.extend(segment.take_problem().map(|error| error.file(&input.path)));
                if let Some(folder) = image_dir {
                    write_image(folder, source.sha256(), &segment)?;
                }
                let line = Line { document: &document, sha256: source.sha256(), page: segment.to_page() };
                serde_json::to_writer(&mut *out, &line)
                    .map_err(std::io::Error::from)
                    .and_then(|()| out.write_all(b"\n"))
                    .map_err(|error| unwritable(Path::new("-"), error))?;
            }
        }
    }
    Ok(problems)
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorCode::OutputUnwritable, "cannot write").file(path).because(error)
}

fn write_image(folder: &Path, sha256: &str, segment: &PageSegment) -> Result<()> {
    let path = folder.join(format!("{}-{}.png", &sha256[..16.min(sha256.len())], segment.number()));
    let image = RgbImage::from_raw(PAGE_IMAGE_SIZE, PAGE_IMAGE_SIZE, segment.image().to_vec())
        .ok_or_else(|| Error::new(ErrorCode::Internal, "a page image has the wrong size"))?;
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| Error::new(ErrorCode::Internal, "cannot encode a page image").because(error))?;
    // A pipe in the file's place would keep us here for ever, a link lead elsewhere.
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(flags)
        .open(&path)
        .and_then(|mut file| file.write_all(png.get_ref()))
        .map_err(|error| unwritable(&path, error))
}
