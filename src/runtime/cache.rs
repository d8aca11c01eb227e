//! Results of earlier inferences, kept in memory and, behind that, on disk.
//!
//! A cache must not change results. Dynamically quantised models scale their activations by the range of the whole
//! batch, so what they say about a text depends on what shares its batch (up to 0.17 logit on bert-base). Their
//! results are kept under the whole batch: the same document again, or a copy of it, hits; a sentence in other
//! company does not. Other models on the CPU compute every row by itself, given the padded length and at least two
//! rows: their results are kept per text, so a sentence repeated in many filings is computed once. Whether a model
//! really does so to the last bit on this processor is tried when it is opened; if not, whole batches it is.
//!
//! Batches of texts are cut so that texts which did not change make batches which did not change (see
//! [`super::planner::plan_by_content`]). What was computed from page images is kept on disk only: within a run pages
//! hardly repeat.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::buffers::OutputTensor;
use super::disk_cache::DiskCache;

/// What a cached result was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

/// One model input as far as its result depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheInput<'a> {
    /// Token ids.
    pub ids: &'a [u32],
    /// Id of the tokens that it is padded with.
    pub pad_id: u32,
    /// Where the second segment begins.
    pub second_segment: usize,
    /// Boxes of the tokens, empty for texts.
    pub boxes: &'a [[u16; 4]],
    /// Bytes of the page image, hashed where they lie; empty for texts.
    pub image: &'a [u8],
}

impl CacheKey {
    /// The key of a model (the sha256 of its weights), how it is executed (provider, library, settings, processor), the exact inputs,
    /// and the length they are padded to.
    pub fn new<'a>(
        model: &str,
        execution: &str,
        inputs: impl IntoIterator<Item = CacheInput<'a>>,
        padded: usize,
    ) -> Self {
        let mut hasher = Sha256::new();
        let mut bytes = Vec::new();
        for text in [model, execution] {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend((padded as u64).to_le_bytes());
        for input in inputs {
            for number in [input.ids.len(), input.second_segment, input.boxes.len(), input.image.len()] {
                bytes.extend((number as u64).to_le_bytes());
            }
            bytes.extend(input.pad_id.to_le_bytes());
            input.ids.iter().for_each(|id| bytes.extend(id.to_le_bytes()));
            input.boxes.iter().flatten().for_each(|edge| bytes.extend(edge.to_le_bytes()));
            hasher.update(&bytes);
            bytes.clear();
            hasher.update(input.image);
        }
        hasher.update(&bytes);
        Self(hasher.finalize().into())
    }

    /// The key's bytes.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Which of so many folders (at most 256) the key belongs to.
    pub(super) fn folder(&self, folders: usize) -> usize {
        usize::from(self.0[0]) % folders
    }
}

/// The outputs of one input or batch.
pub type CachedOutputs = Arc<Vec<OutputTensor>>;

/// What a cache has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStatistics {
    /// Results found in memory.
    pub hits: u64,
    /// Results found on disk.
    pub disk_hits: u64,
    /// Results not found.
    pub misses: u64,
    /// Results dropped from memory to make room.
    pub evicted: u64,
    /// Results written to disk.
    pub disk_written: u64,
    /// Results removed from disk to make room.
    pub disk_evicted: u64,
    /// Results held in memory now.
    pub entries: usize,
    /// Bytes of those.
    pub bytes: usize,
}

/// Where a result is worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In memory and on disk.
    Both,
    /// On disk only: what hardly repeats within a run.
    Disk,
}

/// A cache of at most a number of bytes in memory (`cache_size`) that drops what was not used for longest, and one on
/// disk behind it.
#[derive(Debug)]
pub struct InferenceCache {
    capacity: usize,
    disk: Option<DiskCache>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<CacheKey, Entry>,
    /// Keys by the time of their last use.
    order: BTreeMap<u64, CacheKey>,
    clock: u64,
    statistics: CacheStatistics,
}

#[derive(Debug)]
struct Entry {
    outputs: CachedOutputs,
    bytes: usize,
    used: u64,
}

impl InferenceCache {
    /// A cache with nothing in memory. Capacity 0 holds nothing there; without `disk` nothing outlives the cache.
    #[must_use]
    pub fn new(capacity: usize, disk: Option<DiskCache>) -> Self {
        Self { capacity, disk, state: Mutex::default() }
    }

    /// The result under this key, from memory or disk.
    #[must_use]
    pub fn get(&self, key: &CacheKey, keep: Keep) -> Option<CachedOutputs> {
        let found = match keep {
            Keep::Both => self.recall(key),
            Keep::Disk => None,
        };
        if found.is_some() {
            return found;
        }
        let found = self.disk.as_ref().and_then(|disk| disk.get(key));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(_) => state.statistics.disk_hits += 1,
            // Without a disk, what only the disk would keep is not looked for.
            None if keep == Keep::Both || self.disk.is_some() => state.statistics.misses += 1,
            None => {}
        }
        drop(state);
        if let (Some(outputs), Keep::Both) = (&found, keep) {
            self.remember(*key, Arc::clone(outputs));
        }
        found
    }

    /// Keeps a result.
    pub fn insert(&self, key: CacheKey, outputs: CachedOutputs, keep: Keep) {
        if let Some(disk) = &self.disk {
            disk.insert(key, Arc::clone(&outputs));
        }
        if keep == Keep::Both {
            self.remember(key, outputs);
        }
    }

    /// Whether results of this kind are kept at all.
    #[must_use]
    pub fn keeps(&self, keep: Keep) -> bool {
        keep == Keep::Both || self.disk.is_some()
    }

    fn recall(&self, key: &CacheKey) -> Option<CachedOutputs> {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = state.entries.get_mut(key)?;
        state.statistics.hits += 1;
        state.clock += 1;
        state.order.remove(&entry.used);
        entry.used = state.clock;
        state.order.insert(state.clock, *key);
        Some(Arc::clone(&entry.outputs))
    }

    /// Keeps a result in memory; one larger than the whole cache is not kept.
    fn remember(&self, key: CacheKey, outputs: CachedOutputs) {
        let bytes = size(&outputs);
        if bytes > self.capacity {
            return;
        }
        // Buffers go back to their pool: what stays takes memory of its own, and no more than it needs.
        let lent = outputs.iter().any(|tensor| tensor.values.is_lent());
        let outputs = if lent { Arc::new(outputs.to_vec()) } else { outputs };
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let used = state.clock;
        if let Some(old) = state.entries.insert(key, Entry { outputs, bytes, used }) {
            state.order.remove(&old.used);
            state.statistics.bytes -= old.bytes;
        }
        state.order.insert(used, key);
        state.statistics.bytes += bytes;
        while state.statistics.bytes > self.capacity {
            let Some((_, oldest)) = state.order.pop_first() else { break };
            if let Some(entry) = state.entries.remove(&oldest) {
                state.statistics.bytes -= entry.bytes;
                state.statistics.evicted += 1;
            }
        }
    }

    /// What the cache has done so far.
    #[must_use]
    pub fn statistics(&self) -> CacheStatistics {
        let disk = self.disk.as_ref().map(DiskCache::statistics).unwrap_or_default();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        CacheStatistics {
            entries: state.entries.len(),
            disk_written: disk.written,
            disk_evicted: disk.evicted,
            ..state.statistics
        }
    }
}

fn size(outputs: &[OutputTensor]) -> usize {
    let own = mem::size_of::<CacheKey>() * 2 + mem::size_of::<Entry>();
    own + outputs
        .iter()
        .map(|tensor| {
            mem::size_of::<OutputTensor>()
                + tensor.name.len()
                + mem::size_of_val(tensor.shape.as_slice())
                + mem::size_of_val(&*tensor.values)
        })
        .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(value: f32, count: usize) -> CachedOutputs {
        Arc::new(vec![OutputTensor {
            name: "logits".into(),
            shape: vec![count],
            values: vec![value; count].into(),
        }])
    }

    fn input(ids: &[u32], second_segment: usize) -> CacheInput<'_> {
        CacheInput { ids, second_segment, ..CacheInput::default() }
    }

    fn key(id: u32) -> CacheKey {
        CacheKey::new("model", "cpu", [input(&[id], 1)], 8)
    }

    fn get(cache: &InferenceCache, id: u32) -> Option<CachedOutputs> {
        cache.get(&key(id), Keep::Both)
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let one = size(&outputs(0.0, 100));
        let cache = InferenceCache::new(2 * one, None);
        cache.insert(key(1), outputs(1.0, 100), Keep::Both);
        cache.insert(key(2), outputs(2.0, 100), Keep::Both);
        assert_eq!(get(&cache, 1).unwrap()[0].values[0], 1.0);
        cache.insert(key(3), outputs(3.0, 100), Keep::Both);
        assert!(get(&cache, 2).is_none() && get(&cache, 1).is_some() && get(&cache, 3).is_some());
        cache.insert(key(4), outputs(4.0, 10_000), Keep::Both);
        let statistics = cache.statistics();
        assert_eq!((statistics.hits, statistics.misses, statistics.evicted), (3, 1, 1));
        assert_eq!((statistics.entries, statistics.bytes), (2, 2 * one));
    }

    #[test]
    fn replacing_keeps_the_count_of_bytes() {
        let cache = InferenceCache::new(1 << 20, None);
        cache.insert(key(1), outputs(1.0, 10), Keep::Both);
        cache.insert(key(1), outputs(2.0, 10), Keep::Both);
        assert_eq!(cache.statistics().bytes, size(&outputs(0.0, 10)));
        assert_eq!(get(&cache, 1).unwrap()[0].values[0], 2.0);
    }

    #[test]
    fn what_the_disk_has_comes_back_to_memory_unless_it_hardly_repeats() {
        let root = tempfile::tempdir().unwrap();
        let open = || InferenceCache::new(1 << 20, Some(DiskCache::new(root.path(), 1 << 30)));
        let cache = open();
        cache.insert(key(1), outputs(1.0, 10), Keep::Both);
        cache.insert(key(2), outputs(2.0, 10), Keep::Disk);
        assert_eq!((cache.statistics().entries, cache.statistics().disk_written), (1, 2));
        drop(cache);
        let cache = open();
        for _ in 0..2 {
            assert_eq!(cache.get(&key(1), Keep::Both).unwrap()[0].values[0], 1.0);
            assert_eq!(cache.get(&key(2), Keep::Disk).unwrap()[0].values[0], 2.0);
        }
        assert!(cache.get(&key(3), Keep::Disk).is_none());
        let statistics = cache.statistics();
        assert_eq!((statistics.hits, statistics.disk_hits, statistics.misses), (1, 3, 1));
        assert_eq!(statistics.entries, 1);
    }

    #[test]
    fn keys_tell_models_paddings_batches_and_pages_apart() {
        let ids = [input(&[1, 2], 2), input(&[3], 1)];
        let base = CacheKey::new("m", "cpu", ids, 8);
        assert_eq!(base, CacheKey::new("m", "cpu", ids, 8));
        for other in [
            CacheKey::new("mc", "pu", ids, 8),
            CacheKey::new("m", "cuda:0", ids, 8),
            CacheKey::new("m", "cpu", ids, 16),
            CacheKey::new("m", "cpu", [input(&[1, 2, 3], 3)], 8),
            CacheKey::new("m", "cpu", [input(&[1], 1), input(&[2, 3], 2)], 8),
            CacheKey::new("m", "cpu", [input(&[1, 2], 1), input(&[3], 1)], 8),
            CacheKey::new("m", "cpu", [ids[0], CacheInput { pad_id: 1, ..ids[1] }], 8),
            CacheKey::new("m", "cpu", [ids[0], CacheInput { boxes: &[[0; 4]], ..ids[1] }], 8),
            CacheKey::new("m", "cpu", [ids[0], CacheInput { image: &[0], ..ids[1] }], 8),
            CacheKey::new("m", "cpu", [ids[0], CacheInput { image: &[1], ..ids[1] }], 8),
        ] {
            assert_ne!(base, other);
        }
    }
}
