//! Results of earlier inferences, kept in memory.
//!
//! A cache must not change results. Dynamically quantised models scale their activations by the range of the whole
//! batch, so what they say about a text depends on what shares its batch (up to 0.17 logit on bert-base). Their
//! results are therefore cached under the whole batch: the same document again, or a copy of it, hits; a sentence in
//! another company does not. Models that compute every row by itself (float32, float16 and statically quantised ones
//! on the CPU) are cached per input under its token ids and padded length, so a sentence repeated in many filings is
//! computed once. The caller decides by [`super::LoadedModel::batch_invariant`].

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::session::OutputTensor;

/// What a cached result was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The key of a model (its sha256 and execution provider) and the exact inputs: for each its token ids and where
    /// its second segment begins, and the length they are padded to.
    pub fn new<'a>(
        model: &str,
        provider: &str,
        inputs: impl IntoIterator<Item = (&'a [u32], usize)>,
        padded: usize,
    ) -> Self {
        let mut hasher = Sha256::new();
        for text in [model, provider] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        hasher.update((padded as u64).to_le_bytes());
        for (ids, second_segment) in inputs {
            hasher.update((ids.len() as u64).to_le_bytes());
            hasher.update((second_segment as u64).to_le_bytes());
            for id in ids {
                hasher.update(id.to_le_bytes());
            }
        }
        Self(hasher.finalize().into())
    }
}

/// The outputs of one input or batch.
pub type CachedOutputs = Arc<Vec<OutputTensor>>;

/// What a cache has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStatistics {
    /// Results found.
    pub hits: u64,
    /// Results not found.
    pub misses: u64,
    /// Results dropped to make room.
    pub evicted: u64,
    /// Results held now.
    pub entries: usize,
    /// Bytes of those.
    pub bytes: usize,
}

/// A cache of at most a number of bytes (`cache_size`) that drops what was not used for longest.
#[derive(Debug)]
pub struct InferenceCache {
    capacity: usize,
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
    /// An empty cache. Capacity 0 holds nothing.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// The result under this key.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<CachedOutputs> {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = state.entries.get_mut(key) else {
            state.statistics.misses += 1;
            return None;
        };
        state.statistics.hits += 1;
        state.clock += 1;
        state.order.remove(&entry.used);
        entry.used = state.clock;
        state.order.insert(state.clock, *key);
        Some(Arc::clone(&entry.outputs))
    }

    /// Keeps a result; one larger than the whole cache is not kept.
    pub fn insert(&self, key: CacheKey, outputs: CachedOutputs) {
        let bytes = size(&outputs);
        if bytes > self.capacity {
            return;
        }
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
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        CacheStatistics { entries: state.entries.len(), ..state.statistics }
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
                + mem::size_of_val(tensor.values.as_slice())
        })
        .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(value: f32, count: usize) -> CachedOutputs {
        Arc::new(vec![OutputTensor { name: "logits".into(), shape: vec![count], values: vec![value; count] }])
    }

    fn key(id: u32) -> CacheKey {
        CacheKey::new("model", "cpu", [([id].as_slice(), 1)], 8)
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let one = size(&outputs(0.0, 100));
        let cache = InferenceCache::new(2 * one);
        cache.insert(key(1), outputs(1.0, 100));
        cache.insert(key(2), outputs(2.0, 100));
        assert_eq!(cache.get(&key(1)).unwrap()[0].values[0], 1.0);
        cache.insert(key(3), outputs(3.0, 100));
        assert!(cache.get(&key(2)).is_none() && cache.get(&key(1)).is_some() && cache.get(&key(3)).is_some());
        cache.insert(key(4), outputs(4.0, 10_000));
        let statistics = cache.statistics();
        assert_eq!((statistics.hits, statistics.misses, statistics.evicted), (3, 1, 1));
        assert_eq!((statistics.entries, statistics.bytes), (2, 2 * one));
    }

    #[test]
    fn replacing_keeps_the_count_of_bytes() {
        let cache = InferenceCache::new(1 << 20);
        cache.insert(key(1), outputs(1.0, 10));
        cache.insert(key(1), outputs(2.0, 10));
        assert_eq!(cache.statistics().bytes, size(&outputs(0.0, 10)));
        assert_eq!(cache.get(&key(1)).unwrap()[0].values[0], 2.0);
    }

    #[test]
    fn keys_tell_models_paddings_and_batches_apart() {
        let ids: [(&[u32], usize); 2] = [(&[1, 2], 2), (&[3], 1)];
        let base = CacheKey::new("m", "cpu", ids, 8);
        assert_eq!(base, CacheKey::new("m", "cpu", ids, 8));
        for other in [
            CacheKey::new("mc", "pu", ids, 8),
            CacheKey::new("m", "cuda:0", ids, 8),
            CacheKey::new("m", "cpu", ids, 16),
            CacheKey::new("m", "cpu", [([1, 2, 3].as_slice(), 3)], 8),
            CacheKey::new("m", "cpu", [([1].as_slice(), 1), (&[2, 3], 2)], 8),
            CacheKey::new("m", "cpu", [([1, 2].as_slice(), 1), (&[3], 1)], 8),
        ] {
            assert_ne!(base, other);
        }
    }
}
