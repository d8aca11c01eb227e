//! The OCR program: where it is, and what its readings depend on.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::ocr::OcrOptions;

/// What readings of the OCR program depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcrIdentity {
    /// First line of what it says of its version.
    pub version: String,
    /// Checksum of the program's file, the versions that it states (its own and its libraries'), and the data of the
    /// language.
    pub sha256: String,
    /// Whether the data of the language was found.
    pub has_language_data: bool,
}

impl OcrIdentity {
    /// Asks the program; `None` if it is not installed.
    ///
    /// Files are taken by their bytes: the language data is 4 to 15 MB, and a copy of it is the same data. The
    /// program's shared libraries are taken by the versions that it states.
    #[must_use]
    pub fn of(options: &OcrOptions) -> Option<Self> {
        let program = find(&options.program)?;
        let said = ask(&program, "--version")?;
        // What the processor can do is stated, too; it is no part of the program.
        let versions: Vec<&str> =
            said.lines().map(str::trim).filter(|line| !line.starts_with("Found ")).collect();
        let mut hasher = Sha256::new();
        hasher.update(versions.join("\n"));
        let mut has_language_data = false;
        for folder in data_folders(&program) {
            for file in options.language.split('+').map(|language| format!("{language}.traineddata")) {
                has_language_data |= add(&mut hasher, &folder.join(file));
            }
            // How the program is told what to print.
            add(&mut hasher, &folder.join("configs/tsv"));
        }
        add(&mut hasher, &program);
        let sha256 = docproc_hash::hex(&hasher.finalize());
        let version = versions.first().copied().unwrap_or_default().to_owned();
        Some(Self { version, sha256, has_language_data })
    }
}

/// First line of `tesseract --version`, or `None` if it is not installed.
#[must_use]
pub fn tesseract_version() -> Option<String> {
    let said = ask(&find(&OcrOptions::default().program)?, "--version")?;
    said.lines().next().map(|line| line.trim().to_owned())
}

/// The program's full path, or `None` if it is not installed.
pub(super) fn find(program: &OsString) -> Option<PathBuf> {
    let path = PathBuf::from(program);
    if path.components().count() > 1 {
        return path.is_file().then_some(path);
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// What the program prints for one argument.
fn ask(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    // Old versions print it on standard error.
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Where the language data lies: the folder that the program names (since version 5), else every one where older versions
/// look.
fn data_folders(program: &Path) -> Vec<PathBuf> {
    let said = ask(program, "--list-langs").unwrap_or_default();
    if let Some((from, to)) = said.find('"').zip(said.rfind('"')).filter(|(from, to)| from < to) {
        return vec![PathBuf::from(&said[from + 1..to])];
    }
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let share = program.parent().and_then(Path::parent).unwrap_or(Path::new("/usr")).join("share");
    let versions = fs::read_dir(share.join("tesseract-ocr")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path()).chain([share]).collect();
    folders.sort();
    let named = std::env::var_os("TESSDATA_PREFIX").map(PathBuf::from);
    named
        .clone()
        .into_iter()
        .chain(named.into_iter().chain(folders).map(|folder| folder.join("tessdata")))
        .collect()
}

/// Adds a file to a checksum; false if it is not there.
fn add(hasher: &mut Sha256, path: &Path) -> bool {
    let content = if path.is_file() { digest(path).ok() } else { None };
    hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
    hasher.update(content.as_deref().unwrap_or_default());
    hasher.update([0, u8::from(content.is_some())]);
    content.is_some()
}

fn digest(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finalize().to_vec()),
            count => hasher.update(&piece[..count]),
        }
    }
}
