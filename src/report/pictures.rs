//! Pictures of pages: where the document is, whether it is still the one that was analyzed, and its pages drawn by workers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Options;
use crate::config::Analyze;
use crate::document::analysis::{Analysis, DocumentInfo, Status};
use crate::error::Result;
use crate::input::{Input, InputSource, PictureStyle, ReadRequest, Source};

/// How large and how good the pictures of pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSize {
    /// None.
    None,
    /// To read at a glance: a page of text has some 70 kB.
    Low,
    /// To read closely, and to print.
    High,
}

impl PictureSize {
    fn style(self) -> Option<PictureStyle> {
        match self {
            Self::None => None,
            Self::Low => Some(PictureStyle { longest_side: 1280, quality: 50 }),
            Self::High => Some(PictureStyle { longest_side: 2200, quality: 70 }),
        }
    }
}

/// Where documents are found that are named by a path which need not hold from here.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A folder that has them: by the path that was given, the path below the folder that was given, or the name.
    pub folder: Option<PathBuf>,
    /// Largest document in bytes, and the other limits of reading.
    pub limits: Analyze,
    /// Passwords to try.
    pub passwords: Vec<Vec<u8>>,
}

/// Pages that have a picture, and what to say where some have none.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    pub pages: BTreeSet<u32>,
    pub note: Option<String>,
}

/// Name of a page's picture.
pub(super) fn name(page: u32) -> String {
    format!("p{page}.jpg")
}

/// The document behind an analysis if it is there and has not changed; otherwise what the reader should know. Neither where
/// no pictures are wanted, or nothing of the document could be read.
pub(super) fn source(
    document: &DocumentInfo,
    status: Status,
    options: &Options<'_>,
) -> (Option<Source>, Option<String>) {
    if options.pictures == PictureSize::None || options.pool.is_none() || status == Status::Failed {
        return (None, None);
    }
    if document.path == "-" {
        let note = "There are no page pictures: the document came from standard input and was not kept.";
        return (None, Some(note.to_owned()));
    }
    let mut changed = false;
    for path in places(&document.path, options.sources.folder.as_deref()) {
        if !path.is_file() {
            continue;
        }
        let relative = path.clone();
        let input = Input { path, relative, source: InputSource::File };
        match Source::read_unless(&input, options.sources.limits.max_bytes.0, options.stopped) {
            Ok(source) if source.sha256() == document.sha256 => return (Some(source), None),
            Ok(_) => changed = true,
            Err(_) => {}
        }
    }
    let note = if changed {
        "There are no page pictures: the document has changed since it was analyzed. Analyze it again, then make the \
         report again."
    } else {
        "There are no page pictures: the document is not where it was when it was analyzed. Make the report again from \
         the folder that the analysis was started in, or name the folder of the documents with --documents."
    };
    (None, Some(note.to_owned()))
}

/// Places to look at, the likeliest first.
fn places(path: &str, folder: Option<&Path>) -> Vec<PathBuf> {
    let path = Path::new(path);
    let Some(folder) = folder else { return vec![path.to_owned()] };
    let parts: Vec<_> =
        path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
    (0..parts.len()).map(|skipped| folder.join(parts[skipped..].iter().collect::<PathBuf>())).collect()
}

/// Draws the pages that were analyzed and hands each picture to `put`.
///
/// # Errors
/// Those of `put`, and `run.interrupted`. What cannot be drawn is told in the note.
pub(super) fn draw(
    source: Option<Source>,
    note: Option<String>,
    analysis: &Analysis,
    options: &Options<'_>,
    put: &mut dyn FnMut(&str, &[u8]) -> Result<()>,
) -> Result<Pictures> {
    let mut pictures = Pictures { note, ..Pictures::default() };
    let (Some(source), Some(pool), Some(style)) = (source, options.pool, options.pictures.style()) else {
        return Ok(pictures);
    };
    let wanted: BTreeSet<u32> = analysis.pages.iter().map(|page| page.number).collect();
    let request = ReadRequest {
        pages: Some(Arc::new(move |page| wanted.contains(&page))),
        passwords: options.sources.passwords.clone(),
        settings: options.sources.limits.clone(),
        ..ReadRequest::default()
    };
    let mut reader = pool.draw(Arc::new(source), request, style);
    let mut failed = Vec::new();
    while let Some(picture) = reader.next() {
        if (options.stopped)() {
            return Err(super::interrupted());
        }
        match picture {
            Ok(picture) => {
                put(&name(picture.number()), &picture)?;
                pictures.pages.insert(picture.number());
            }
            Err(error) if error.code() == crate::error::ErrorCode::RunInterrupted => return Err(error),
            Err(error) => failed.push(error),
        }
    }
    if let Some(error) = failed.first() {
        let page = error.culprit().page.map_or(String::new(), |page| format!(" on page {page}"));
        pictures.note = Some(format!(
            "{} of {} pages have no picture. The first reason{page}: [{}] {}",
            analysis.pages.len().saturating_sub(pictures.pages.len()),
            analysis.pages.len(),
            error.code(),
            error.explanation()
        ));
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_looked_for_by_ever_shorter_paths_below_a_folder() {
        assert_eq!(places("../a/b.pdf", None), [Path::new("../a/b.pdf")]);
        let folder = Some(Path::new("docs"));
        assert_eq!(
            places("/x/a/b.pdf", folder),
            ["docs/x/a/b.pdf", "docs/a/b.pdf", "docs/b.pdf"].map(PathBuf::from)
        );
        assert_eq!(places("../../b.pdf", folder), [Path::new("docs/b.pdf")]);
    }
}
