//! Caches of whole models on disk (optimised graphs, quantised variants), held to a size.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most bytes of one such cache.
pub const KEPT_BYTES: u64 = 4 << 30;
/// What was used more recently stays, whatever its size: a run that goes on may want it again.
const IN_USE: Duration = Duration::from_secs(24 * 3600);

/// Notes that a file of the cache is used, as its time of access: many systems do not note it themselves.
pub fn note_use(file: &Path) {
    // Where the time cannot be set, the file looks older than it is.
    let _ =
        File::open(file).and_then(|file| file.set_times(FileTimes::new().set_accessed(SystemTime::now())));
}

/// Removes what was not used for longest until the folder has at most `limit` bytes, but nothing that was used within a
/// day. A failure costs space, and other processes may do the same at the same time.
pub fn hold_to(folder: &Path, limit: u64) {
    let now = SystemTime::now();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = entries
        .filter_map(|entry| {
            let (used, bytes) = use_and_size(&entry.path()).ok()?;
            Some((used, bytes, entry.path()))
        })
        .collect();
    kept.sort();
    let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    for (used, bytes, path) in kept {
        if total <= limit || now.duration_since(used).is_ok_and(|age| age < IN_USE) {
            return;
        }
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        total -= bytes;
    }
}

/// The latest use of a file, or of those in a folder, and their bytes.
fn use_and_size(path: &Path) -> io::Result<(SystemTime, u64)> {
    let data = fs::symlink_metadata(path)?;
    if !data.is_dir() {
        return Ok((data.accessed()?, data.len()));
    }
    fs::read_dir(path)?.try_fold((SystemTime::UNIX_EPOCH, 0), |(used, bytes), entry| {
        let (other, more) = use_and_size(&entry?.path())?;
        Ok((used.max(other), bytes + more))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |name: &str, hours: u64| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, [0; 1000]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(3600 * hours);
            File::open(&path).unwrap().set_times(FileTimes::new().set_accessed(used)).unwrap();
            path
        };
        let (oldest, old) = (keep("a.onnx", 500), keep("b/model.onnx", 400));
        let (older_use, today) = (keep("c.onnx", 300), keep("d/model.onnx", 1));
        note_use(&oldest);
        hold_to(folder.path(), 2500);
        assert!(oldest.exists() && today.exists(), "both are in use");
        assert!(!old.parent().unwrap().exists() && !older_use.exists(), "until the size is reached");
        hold_to(folder.path(), 0);
        assert!(oldest.exists() && today.exists(), "in use whatever their size");
    }
}
