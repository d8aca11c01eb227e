//! Results of earlier inferences, kept on disk between runs.
//!
//! One file per result, named by its key, in a fixed number of folders. A file is written beside its place and
//! renamed, and states its own checksum, so that `kill -9`, several processes at once, a full disk or a cleaner that
//! removes files under us cost a result and nothing else: what cannot be read is computed. Each folder is held to its
//! share of the limit by removing what was not used for longest.

use std::fs::{self, DirBuilder, File, FileTimes};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use docproc_hash::hex;
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::buffers::OutputTensor;
use super::cache::{CacheKey, CachedOutputs};
use crate::error::warn;

/// What every file begins with; raised whenever its content changes its meaning.
const MAGIC: &[u8; 8] = b"dpcache1";
/// Number of folders; each has an equal share of the limit.
const FOLDERS: usize = 64;
/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 64 << 20;
/// Space that a file takes is a multiple of this, in bytes.
const BLOCK: u64 = 4096;
/// Results that may wait to be written; further ones are not kept.
const QUEUE: usize = 256;
/// The time of last use is as exact as this: writing it on every use would cost more than it is worth.
const USED_STEP: Duration = Duration::from_secs(3600);
/// Age at which a file on its way is a leftover of a killed process.
const LEFTOVER: Duration = Duration::from_secs(3600);
/// Most dimensions of a tensor that is read back.
const RANK_MAX: usize = 8;

/// What a cache on disk has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskStatistics {
    /// Results written.
    pub written: u64,
    /// Results removed to keep within the limit.
    pub evicted: u64,
}

/// A cache folder of at most a number of bytes. Other processes may use it at the same time.
#[derive(Debug)]
pub struct DiskCache {
    root: PathBuf,
    counters: Arc<Counters>,
    queue: Option<SyncSender<Job>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    damaged: AtomicBool,
}

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    evicted: AtomicU64,
}

enum Job {
    Keep(CacheKey, CachedOutputs),
    Flush(Sender<()>),
}

impl DiskCache {
    /// A cache in the folder `root`, which is made when there is something to keep, of at most `limit` bytes. Limit 0
    /// keeps nothing.
    #[must_use]
    pub fn new(root: &Path, limit: u64) -> Self {
        let counters: Arc<Counters> = Arc::default();
        let (queue, jobs) = sync_channel(QUEUE);
        let writer = Writer {
            root: root.to_owned(),
            share: limit / FOLDERS as u64,
            since_sweep: [None; FOLDERS],
            counters: Arc::clone(&counters),
            failed: false,
        };
        let thread =
            std::thread::Builder::new().name("disk-cache".to_owned()).spawn(move || writer.run(&jobs));
        // Without the thread nothing is kept, which only costs time.
        let (queue, writer) = thread.map_or((None, None), |thread| (Some(queue), Some(thread)));
        Self {
            root: root.to_owned(),
            counters,
            queue,
            writer: Mutex::new(writer),
            damaged: AtomicBool::new(false),
        }
    }

    /// The result under this key, if it is there and whole.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<CachedOutputs> {
        let path = place(&self.root, key);
        // A pipe in the file's place would keep us here for ever.
        let waitless = OFlags::NONBLOCK.bits().cast_signed();
        let mut file = File::options().read(true).custom_flags(waitless).open(&path).ok()?;
        let outputs = read(&mut file, key);
        if outputs.is_none() {
            // Removed, so that it is written anew and complained of once.
            let _ = fs::remove_file(&path);
            if !self.damaged.swap(true, Ordering::Relaxed) {
                warn(&format!("the inference cache has a damaged file, computed again: {}", path.display()));
            }
        }
        let now = SystemTime::now();
        let used = file.metadata().and_then(|data| data.modified()).unwrap_or(now);
        if now.duration_since(used).is_ok_and(|age| age > USED_STEP) {
            // A time that cannot be set makes the file look older than it is, no more.
            let _ = File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_times(FileTimes::new().set_modified(now)));
        }
        outputs.map(Arc::new)
    }

    /// Keeps a result, soon and in the background.
    pub fn insert(&self, key: CacheKey, outputs: CachedOutputs) {
        if let Some(queue) = &self.queue {
            // A full queue means a disk slower than the models: the result is computed again some day.
            let _ = queue.try_send(Job::Keep(key, outputs));
        }
    }

    /// Waits until everything handed in is written.
    pub fn flush(&self) {
        if let Some(queue) = &self.queue {
            let (done, flushed) = channel();
            // A writer that is gone has nothing left to write.
            let _ = queue.send(Job::Flush(done)).map(|()| flushed.recv());
        }
    }

    /// What the cache has done so far, everything handed in until now included.
    #[must_use]
    pub fn statistics(&self) -> DiskStatistics {
        self.flush();
        DiskStatistics {
            written: self.counters.written.load(Ordering::Relaxed),
            evicted: self.counters.evicted.load(Ordering::Relaxed),
        }
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that panicked has lost results, nothing else.
            let _ = writer.join();
        }
    }
}

struct Writer {
    root: PathBuf,
    /// Bytes per folder.
    share: u64,
    /// Bytes written into each folder since it was looked through; `None` if it was not yet.
    since_sweep: [Option<u64>; FOLDERS],
    counters: Arc<Counters>,
    failed: bool,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                // Nobody waits any longer: nothing to do.
                Job::Flush(done) => _ = done.send(()),
                Job::Keep(key, outputs) if !self.failed => {
                    if let Err(error) = self.keep(&key, &outputs) {
                        self.failed = true;
                        warn(&format!(
                            "the inference cache {} cannot be written, results are not kept: {error}",
                            self.root.display()
                        ));
                    }
                }
                Job::Keep(..) => {}
            }
        }
    }

    fn keep(&mut self, key: &CacheKey, outputs: &[OutputTensor]) -> io::Result<()> {
        let bytes = encode(key, outputs);
        let size = blocks(bytes.len() as u64);
        if size > self.share || bytes.len() as u64 > FILE_MAX {
            return Ok(());
        }
        let path = place(&self.root, key);
        let folder = path.parent().unwrap_or(&self.root);
        // What is in the cache says little, but it is made from documents that may be confidential.
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&path).map_err(|error| error.error)?;
        self.counters.written.fetch_add(1, Ordering::Relaxed);
        let index = key.folder(FOLDERS);
        match &mut self.since_sweep[index] {
            Some(written) if *written + size <= self.share / 8 => *written += size,
            since => {
                *since = Some(0);
                self.sweep(folder);
            }
        }
        Ok(())
    }

    /// Holds a folder to its share. Files that other processes remove meanwhile are no error.
    fn sweep(&self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let now = SystemTime::now();
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in entries.flatten() {
            let Ok(data) = entry.metadata() else { continue };
            let used = data.modified().unwrap_or(now);
            if entry.file_name().to_string_lossy().starts_with(".new-") {
                if now.duration_since(used).is_ok_and(|age| age > LEFTOVER) {
                    let _ = fs::remove_file(entry.path());
                }
            } else {
                files.push((used, blocks(data.len()), entry.path()));
            }
        }
        // Room for what is written until the next look.
        let target = self.share - self.share / 8;
        let mut total: u64 = files.iter().map(|file| file.1).sum();
        files.sort();
        for (_, size, path) in files {
            if total <= target {
                return;
            }
            if fs::remove_file(path).is_ok() {
                self.counters.evicted.fetch_add(1, Ordering::Relaxed);
            }
            total -= size;
        }
    }
}

fn blocks(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK)
}

fn place(root: &Path, key: &CacheKey) -> PathBuf {
    root.join(format!("{:02x}", key.folder(FOLDERS))).join(hex(key.bytes()))
}

/// Magic, SHA-256 of key and body, body: number of tensors; for each the name with its length, the number of
/// dimensions, the dimensions, the values. Little-endian, counts as u32.
pub(crate) fn encode(key: &CacheKey, outputs: &[OutputTensor]) -> Vec<u8> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut body = count(outputs.len()).to_vec();
    for tensor in outputs {
        body.extend(count(tensor.name.len()));
        body.extend(tensor.name.as_bytes());
        body.extend(count(tensor.shape.len()));
        tensor.shape.iter().for_each(|size| body.extend(count(*size)));
        tensor.values.iter().for_each(|value| body.extend(value.to_le_bytes()));
    }
    sealed(key, &body)
}

/// A file with this body and its checksum.
pub(crate) fn sealed(key: &CacheKey, body: &[u8]) -> Vec<u8> {
    [MAGIC, checksum(key, body).as_slice(), body].concat()
}

fn checksum(key: &CacheKey, body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(key.bytes()).chain_update(body).finalize().into()
}

fn read(file: &mut File, key: &CacheKey) -> Option<Vec<OutputTensor>> {
    if file.metadata().ok()?.len() > FILE_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    decode(&bytes, key)
}

/// The outputs in a file's bytes; `None` if anything is wrong with them. Sizes are checked against the bytes there are.
pub(crate) fn decode(bytes: &[u8], key: &CacheKey) -> Option<Vec<OutputTensor>> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len())?;
    let (sum, mut body) = rest.split_at_checked(32)?;
    if magic != MAGIC || sum != checksum(key, body) {
        return None;
    }
    let mut take = |length: usize| -> Option<&[u8]> {
        let (head, tail) = body.split_at_checked(length)?;
        body = tail;
        Some(head)
    };
    let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize);
    let count = number(take(4)?)?;
    let mut outputs = Vec::new();
    for _ in 0..count {
        let length = number(take(4)?)?;
        let name = str::from_utf8(take(length)?).ok()?.to_owned();
        let rank = number(take(4)?).filter(|rank| *rank <= RANK_MAX)?;
        let shape: Vec<usize> = (0..rank).map(|_| number(take(4)?)).collect::<Option<_>>()?;
        let elements = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
        let values = take(elements.checked_mul(4)?)?
            .chunks_exact(4)
            .map(|value| Some(f32::from_le_bytes(value.try_into().ok()?)))
            .collect::<Option<Vec<f32>>>()?;
        outputs.push(OutputTensor { name, shape, values: values.into() });
    }
    body.is_empty().then_some(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::cache::CacheInput;

    fn key(id: u32) -> CacheKey {
        CacheKey::new(
            "model",
            "cpu",
            [CacheInput { ids: &[id], second_segment: 1, ..CacheInput::default() }],
            8,
        )
    }

    fn outputs(value: f32, count: usize) -> CachedOutputs {
        let tensor =
            OutputTensor { name: "logits".into(), shape: vec![1, count], values: vec![value; count].into() };
        Arc::new(vec![
            tensor.clone(),
            OutputTensor { name: "more".into(), shape: vec![], values: vec![-0.0].into() },
        ])
    }

    fn files(root: &Path) -> Vec<PathBuf> {
        let folders = fs::read_dir(root).unwrap().flatten();
        folders
            .flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten().map(|file| file.path()))
            .collect()
    }

    #[test]
    fn results_outlive_the_cache_and_two_share_a_folder() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (DiskCache::new(root.path(), 1 << 30), DiskCache::new(root.path(), 1 << 30));
        one.insert(key(1), outputs(0.1, 100));
        two.insert(key(2), outputs(f32::NAN, 3));
        assert_eq!((one.statistics().written, two.statistics().written), (1, 1));
        assert_eq!(*two.get(&key(1)).unwrap(), *outputs(0.1, 100));
        let bits = |outputs: &CachedOutputs| outputs[0].values[0].to_bits();
        assert_eq!(bits(&one.get(&key(2)).unwrap()), bits(&outputs(f32::NAN, 1)));
        drop((one, two));
        assert!(DiskCache::new(root.path(), 1 << 30).get(&key(1)).is_some());
        assert!(DiskCache::new(root.path(), 1 << 30).get(&key(3)).is_none());
    }

    #[test]
    fn damage_and_removal_cost_a_result() {
        let root = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(root.path(), 1 << 30);
        for id in 0..20 {
            cache.insert(key(id), outputs(1.0, 50));
        }
        cache.flush();
        let all = files(root.path());
        let whole = fs::read(&all[0]).unwrap();
        fs::write(&all[0], &whole[..whole.len() / 2]).unwrap();
        fs::write(&all[1], b"").unwrap();
        fs::remove_file(&all[2]).unwrap();
        // A file under another's name is not taken for it.
        fs::copy(&all[4], &all[3]).unwrap();
        let found = (0..20).filter(|id| cache.get(&key(*id)).is_some()).count();
        assert_eq!(found, 16);
        fs::remove_dir_all(root.path()).unwrap();
        cache.insert(key(1), outputs(1.0, 50));
        cache.flush();
        assert!(cache.get(&key(1)).is_some(), "a folder that vanished is made again");
    }

    #[test]
    fn the_limit_holds_and_the_longest_unused_goes_first() {
        let root = tempfile::tempdir().unwrap();
        let share = 16 * BLOCK;
        let cache = DiskCache::new(root.path(), share * FOLDERS as u64);
        let id = |folder: usize, count: usize| {
            (0..).filter(move |id| key(*id).folder(FOLDERS) == folder).take(count).collect::<Vec<u32>>()
        };
        let ids = id(5, 60);
        for (age, id) in ids.iter().enumerate() {
            cache.insert(key(*id), outputs(1.0, 10));
            cache.flush();
            let used = SystemTime::now() - Duration::from_secs(10_000 - 100 * age as u64);
            if let Ok(file) = File::options().append(true).open(place(root.path(), &key(*id))) {
                file.set_times(FileTimes::new().set_modified(used)).unwrap();
            }
        }
        let kept: Vec<bool> = ids.iter().map(|id| place(root.path(), &key(*id)).exists()).collect();
        let count = kept.iter().filter(|kept| **kept).count();
        assert!((12..=16).contains(&count), "{count} files of a block are kept in 16 blocks");
        assert!(kept[60 - count..].iter().all(|kept| *kept), "the newest are kept: {kept:?}");
        assert_eq!(cache.statistics().evicted as usize, 60 - count);
        cache.insert(key(ids[0]), outputs(1.0, 17 * 1024));
        cache.flush();
        assert!(cache.get(&key(ids[0])).is_none(), "larger than its share");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let cache = DiskCache::new(&file.join("below"), 1 << 30);
        cache.insert(key(1), outputs(1.0, 10));
        assert_eq!(cache.statistics().written, 0);
        assert!(cache.get(&key(1)).is_none());
    }
}
