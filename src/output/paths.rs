//! Where an input's analysis goes: the input tree mirrored, with `.json` added to the whole name so that `a.pdf`
//! and `a.png` never collide.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};

/// Longest file name on the file systems in use, in bytes.
const NAME_MAX: usize = 255;
/// Bytes of the hash that keeps a shortened name unique, in hexadecimal.
const HASH_DIGITS: usize = 16;

/// Path of an analysis below the output folder. A name that would be longer than 255 bytes is cut and ends in
/// `~<hash of the whole name>.json`.
#[must_use]
pub fn relative_output(relative_input: &Path) -> PathBuf {
    let name = relative_input.file_name().unwrap_or(OsStr::new("stdin"));
    relative_input.with_file_name(fitting_name(name, ".json"))
}

/// The folder of what is made from the analysis at `output`: with `.report`, `a.pdf.report` for `a.pdf.json`.
#[must_use]
pub fn derived_folder(output: &Path, end: &str) -> PathBuf {
    output.with_file_name(fitting_name(output.file_stem().unwrap_or_default(), end))
}

/// The name with `end` behind it; cut, with a hash of the whole name, where that is longer than a name may be.
pub(super) fn fitting_name(name: &OsStr, end: &str) -> OsString {
    let name = name.as_bytes();
    let name = if name.len() + end.len() <= NAME_MAX {
        [name, end.as_bytes()].concat()
    } else {
        let hash = docproc_hash::sha256(name);
        let keep = NAME_MAX - end.len() - 1 - HASH_DIGITS;
        let keep = char_boundary(name, keep);
        [&name[..keep], b"~", &hash.as_bytes()[..HASH_DIGITS], end.as_bytes()].concat()
    };
    OsString::from_vec(name)
}

/// Largest cut at or below `at` that does not split a UTF-8 character.
fn char_boundary(name: &[u8], at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|&cut| name.get(cut).is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000))
        .unwrap_or(at)
}

/// Output paths of all inputs, in their order.
///
/// # Errors
/// `input.collision` when two inputs would be written to the same file, or one's file would be another's folder.
pub fn output_paths<'a>(inputs: impl IntoIterator<Item = (&'a Path, &'a Path)>) -> Result<Vec<PathBuf>> {
    let mut owners: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    let mut outputs = Vec::new();
    for (path, relative) in inputs {
        let output = relative_output(relative);
        if let Some(other) = owners.insert(output.clone(), path) {
            return Err(Error::new(
                ErrorCode::InputCollision,
                format!(
                    "{} and {} would both be written to {}",
                    other.display(),
                    path.display(),
                    output.display()
                ),
            )
            .help(
                "analyze them in two runs with different output folders, or name their common folder instead",
            ));
        }
        outputs.push(output);
    }
    for (output, path) in &owners {
        let own = [super::manifest::FILE_NAME, super::TRACE_NAME];
        if output.starts_with(super::folder::STATE) || own.iter().any(|name| output == Path::new(name)) {
            return Err(Error::new(
                ErrorCode::InputCollision,
                format!(
                    "the analysis of {} would lie where docproc keeps its own {}",
                    path.display(),
                    output.display()
                ),
            )
            .help("rename the input"));
        }
        for folder in output.ancestors().skip(1) {
            if let Some(other) = owners.get(folder) {
                return Err(Error::new(
                    ErrorCode::InputCollision,
                    format!(
                        "the analysis of {} would lie where that of {} is written",
                        path.display(),
                        other.display()
                    ),
                )
                .help("rename one of them, or analyze them in two runs with different output folders"));
            }
        }
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_mirrored_and_the_extension_kept() {
        assert_eq!(relative_output(Path::new("a/b.pdf")), Path::new("a/b.pdf.json"));
        assert_ne!(relative_output(Path::new("a.pdf")), relative_output(Path::new("a.png")));
    }

    #[test]
    fn long_and_strange_names_fit() {
        let name = |length: usize| {
            PathBuf::from("x/".to_owned() + &"ä".repeat(length / 2) + &"b".repeat(length % 2))
        };
        let long = relative_output(&name(255));
        assert!(long.file_name().unwrap().len() <= NAME_MAX);
        assert!(long.to_str().is_some(), "cut inside a character");
        assert_ne!(long, relative_output(&name(254)));
        let strange = PathBuf::from(std::ffi::OsString::from_vec(b"a\xff\n#.pdf".to_vec()));
        assert_eq!(relative_output(&strange).as_os_str().as_bytes(), b"a\xff\n#.pdf.json");
    }

    #[test]
    fn collisions_are_refused_before_any_work() {
        let pair = |a: &'static str, b: &'static str| {
            output_paths([(Path::new(a), Path::new(a)), (Path::new("other"), Path::new(b))])
        };
        assert_eq!(pair("a.pdf", "a.pdf").unwrap_err().code(), ErrorCode::InputCollision);
        assert_eq!(pair("a.pdf", "a.pdf.json/b.pdf").unwrap_err().code(), ErrorCode::InputCollision);
        assert_eq!(pair("a.pdf", "manifest").unwrap_err().code(), ErrorCode::InputCollision);
        assert_eq!(pair("a.pdf", "trace").unwrap_err().code(), ErrorCode::InputCollision);
        assert!(pair("a.pdf", "b.pdf").is_ok());
    }
}
