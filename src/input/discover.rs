//! Which documents there are: files, folders, lists and standard input.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};

use super::media::MediaType;
use crate::error::{Error, ErrorCode, Result};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// Prefix of the lock files that office programs leave beside open documents.
const OFFICE_LOCK: &[u8] = b"~$";

/// One document to analyze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Path as given, or as found below a folder that was given; `-` is standard input.
    pub path: PathBuf,
    /// Path that the output mirrors: below the folder that was given, or, for a file given by itself, its own path
    /// without root and `..`. `stdin` for standard input.
    pub relative: PathBuf,
    /// Where the bytes are.
    pub source: InputSource,
}

/// Where a document's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// In the file at [`Input::path`].
    File,
    /// On standard input.
    Stdin,
}

impl Input {
    /// The path as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn display(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }
}

/// Which files of a folder are wanted, as globs in the manner of ignore files.
#[derive(Clone, Debug, Default)]
pub struct DiscoverOptions {
    /// Only files that match one of these, also those that an ignore file would leave out; all if there are none.
    pub include: Vec<String>,
    /// No files or folders that match one of these.
    pub exclude: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Discovered {
    /// Documents, sorted by the bytes of their paths, each once.
    pub inputs: Vec<Input>,
    /// Paths that do not exist and folders that cannot be read.
    pub problems: Vec<Error>,
}

/// Finds the documents of `paths`, in any order and number.
///
/// A folder gives the files in it, at any depth, whose content is a PDF or an image we read, and those that are named
/// so (`report.pdf`), whose analysis then says that they are not; ignore files are respected, hidden files and office
/// lock files (`~$x`) left out, symbolic links followed without running in circles. A file that is given by itself is
/// always a document: if it cannot be analyzed, its analysis says so. The globs apply to both.
///
/// # Errors
/// `config.invalid` for a wrong glob.
pub fn discover(paths: &[PathBuf], options: &DiscoverOptions) -> Result<Discovered> {
    let mut found = Discovered::default();
    for path in paths {
        if path == Path::new(STANDARD_INPUT) {
            found.inputs.push(Input {
                path: path.clone(),
                relative: PathBuf::from("stdin"),
                source: InputSource::Stdin,
            });
        } else if path.is_dir() {
            walk(path, options, &mut found)?;
        } else if path.exists() {
            let wanted = overrides(path.parent().unwrap_or(Path::new("")), options)?;
            if !wanted.matched(path, false).is_ignore() {
                found.inputs.push(file(path.clone(), own_relative(path)));
            }
        } else {
            found.problems.push(
                Error::new(ErrorCode::InputNotFound, "there is no such file or folder")
                    .file(path)
                    .help("check the path"),
            );
        }
    }
    found.inputs.sort_by(|a, b| a.path.as_os_str().as_bytes().cmp(b.path.as_os_str().as_bytes()));
    let mut seen = BTreeSet::new();
    found.inputs.retain(|input| match input.source {
        InputSource::Stdin => seen.insert(PathBuf::from(STANDARD_INPUT)),
        InputSource::File => seen.insert(input.path.canonicalize().unwrap_or_else(|_| input.path.clone())),
    });
    Ok(found)
}

/// Paths in the bytes of a list: separated by NUL if there is one, else one per line; empty ones are left out.
#[must_use]
pub fn parse_file_list(bytes: &[u8]) -> Vec<PathBuf> {
    let separator = if bytes.contains(&0) { 0 } else { b'\n' };
    bytes
        .split(|byte| *byte == separator)
        .map(|path| if separator == b'\n' { path.strip_suffix(b"\r").unwrap_or(path) } else { path })
        .filter(|path| !path.is_empty())
        .map(|path| PathBuf::from(OsString::from_vec(path.to_vec())))
        .collect()
}

fn file(path: PathBuf, relative: PathBuf) -> Input {
    Input { path, relative, source: InputSource::File }
}

/// The normal components of a path, so that it can be put below an output folder.
fn own_relative(path: &Path) -> PathBuf {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect()
}

fn walk(root: &Path, options: &DiscoverOptions, found: &mut Discovered) -> Result<()> {
    let walker = WalkBuilder::new(root)
        .overrides(overrides(root, options)?)
        .follow_links(true)
        .require_git(false)
        // Only what lies in the folder decides what is read there, not the machine's or the user's settings.
        .git_global(false)
        .git_exclude(false)
        .parents(false)
        .build();
    for entry in walker {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if is_loop(&error) => continue,
            Err(error) => {
                let place = place(&error).unwrap_or(root).to_owned();
                let what = match error.io_error() {
                    Some(cause) => format!("part of the folder cannot be read: {cause}"),
                    None => format!("part of the folder cannot be read: {error}"),
                };
                let error = Error::new(ErrorCode::InputUnreadable, what).file(place);
                found.problems.push(error.help("make it readable, or leave it out with --exclude"));
                continue;
            }
        };
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if !is_file || entry.file_name().as_bytes().starts_with(OFFICE_LOCK) {
            continue;
        }
        let path = entry.into_path();
        // A file that cannot be opened may well be a document: it becomes an input, and its analysis says why.
        if MediaType::is_claimed_by(&path) || media_type(&path).is_none_or(|kind| kind.is_some()) {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
            found.inputs.push(file(path, relative));
        }
    }
    Ok(())
}

fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithPath { err, .. } => is_loop(err),
        _ => false,
    }
}

/// What a problem of the walk is about.
fn place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place(err),
        ignore::Error::Partial(errors) => errors.iter().find_map(place),
        _ => None,
    }
}

/// The media type of a file by its first bytes; `None` if it cannot be read.
fn media_type(path: &Path) -> Option<Option<MediaType>> {
    let mut head = Vec::with_capacity(MediaType::HEAD_BYTES);
    File::open(path).ok()?.take(MediaType::HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    Some(MediaType::of(&head))
}

fn overrides(root: &Path, options: &DiscoverOptions) -> Result<Override> {
    let mut builder = OverrideBuilder::new(root);
    let exclude: Vec<String> = options.exclude.iter().map(|glob| format!("!{glob}")).collect();
    for glob in options.include.iter().chain(&exclude) {
        builder.add(glob).map_err(|error| {
            Error::new(ErrorCode::ConfigInvalid, format!("`{glob}` is not a glob")).because(error)
        })?;
    }
    builder
        .build()
        .map_err(|error| Error::new(ErrorCode::ConfigInvalid, "the globs cannot be used").because(error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(found: &Discovered) -> Vec<String> {
        found.inputs.iter().map(|input| input.relative.display().to_string()).collect()
    }

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("b.pdf", "%PDF-1.7 x"),
            ("deep/a.bin", "%PDF-1.4 by content"),
            ("deep/empty.pdf", ""),
            ("deep/notes.txt", "no document"),
            ("deep/.hidden.pdf", "%PDF-1.4"),
            ("~$b.pdf", "%PDF-1.4"),
            ("ignored.pdf", "%PDF-1.4"),
            (".ignore", "ignored.pdf\n"),
            ("scan.png", "\u{89}PNG"),
        ] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        fs::write(root.path().join("scan.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        root
    }

    #[test]
    fn a_folder_gives_documents_by_content_or_by_their_claim() {
        let root = tree();
        let found = discover(&[root.path().to_owned()], &DiscoverOptions::default()).unwrap();
        assert_eq!(names(&found), ["b.pdf", "deep/a.bin", "deep/empty.pdf", "scan.png"]);
        assert!(found.problems.is_empty());
    }

    #[test]
    fn globs_choose_and_wrong_ones_are_refused() {
        let root = tree();
        let options =
            DiscoverOptions { include: vec!["*.pdf".into(), "*.bin".into()], exclude: vec!["deep".into()] };
        assert_eq!(
            names(&discover(&[root.path().to_owned()], &options).unwrap()),
            ["b.pdf", "ignored.pdf"],
            "a file that is asked for by a glob is not left out by an ignore file"
        );
        let wrong = DiscoverOptions { include: vec!["a{".into()], exclude: Vec::new() };
        assert_eq!(discover(&[root.path().to_owned()], &wrong).unwrap_err().code(), ErrorCode::ConfigInvalid);
    }

    #[test]
    fn loops_duplicates_and_missing_paths() {
        let root = tree();
        std::os::unix::fs::symlink(root.path(), root.path().join("deep/loop")).unwrap();
        let paths = [root.path().to_owned(), root.path().join("b.pdf"), root.path().join("gone.pdf")];
        let found = discover(&paths, &DiscoverOptions::default()).unwrap();
        assert_eq!(found.inputs.len(), 4, "{:?}", found.inputs);
        assert_eq!(found.problems[0].code(), ErrorCode::InputNotFound);
    }

    #[test]
    fn what_cannot_be_read_in_a_folder_is_named() {
        let root = tree();
        std::os::unix::fs::symlink("gone.pdf", root.path().join("deep/dangling.pdf")).unwrap();
        let found = discover(&[root.path().to_owned()], &DiscoverOptions::default()).unwrap();
        let [problem] = found.problems.as_slice() else { panic!("{:?}", found.problems) };
        assert_eq!(problem.culprit().file, Some(root.path().join("deep/dangling.pdf")));
        assert!(problem.to_string().contains("No such file"), "{problem}");
    }

    #[test]
    fn files_given_by_themselves_keep_their_path_without_the_root() {
        let root = tree();
        let path = root.path().join("deep/notes.txt");
        let found = discover(std::slice::from_ref(&path), &DiscoverOptions::default()).unwrap();
        assert_eq!(found.inputs[0].relative, path.strip_prefix("/").unwrap());
    }

    #[test]
    fn lists_are_separated_by_nul_or_lines() {
        let paths = |bytes: &[u8]| parse_file_list(bytes).len();
        assert_eq!((paths(b"a\nb\r\n\nc"), paths(b"a\0b\nc\0"), paths(b"")), (3, 2, 0));
    }
}
