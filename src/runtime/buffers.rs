//! Memory for input and output tensors, used again instead of being allocated for every batch.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Number of size classes: powers of two up to 2^47 elements, more than any machine holds.
const CLASSES: usize = 48;

/// Element types that the pool holds.
pub trait Element: Copy + Default + Send + 'static {
    #[doc(hidden)]
    fn shelf(pool: &Shelves) -> &Shelf<Self>;
}

/// Free buffers of one element type: a list per power of two.
#[derive(Debug)]
pub struct Shelf<T>(Mutex<Vec<Vec<Vec<T>>>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new((0..CLASSES).map(|_| Vec::new()).collect()))
    }
}

/// The shelves of a pool.
#[derive(Debug, Default)]
pub struct Shelves {
    i64: Shelf<i64>,
    f32: Shelf<f32>,
    kept: AtomicUsize,
    lent: AtomicUsize,
    peak: AtomicUsize,
    reused: AtomicU64,
    allocated: AtomicU64,
    allocated_bytes: AtomicU64,
    released: AtomicU64,
}

impl Element for i64 {
    fn shelf(pool: &Shelves) -> &Shelf<Self> {
        &pool.i64
    }
}

impl Element for f32 {
    fn shelf(pool: &Shelves) -> &Shelf<Self> {
        &pool.f32
    }
}

/// A pool of buffers in power-of-two size classes. Clones share it.
///
/// At most `capacity` bytes are kept for later use (`memory_pool_size`); what comes back beyond that is freed. The
/// pool never refuses memory: how much is in use at a time is bounded by the number of sessions and the batch
/// budget.
#[derive(Clone, Debug)]
pub struct BufferPool {
    shelves: Arc<Shelves>,
    capacity: usize,
}

/// What a pool has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferStatistics {
    /// Buffers that were taken from the pool.
    pub reused: u64,
    /// Buffers that had to be allocated.
    pub allocated: u64,
    /// Bytes of those.
    pub allocated_bytes: u64,
    /// Buffers freed because the pool was full.
    pub released: u64,
    /// Bytes waiting in the pool now.
    pub kept_bytes: usize,
    /// Most bytes that were in use at the same time.
    pub peak_bytes: usize,
}

impl BufferPool {
    /// An empty pool that keeps at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { shelves: Arc::default(), capacity }
    }

    /// A buffer of `length` elements, all zero.
    #[must_use]
    pub fn zeroed<T: Element>(&self, length: usize) -> Pooled<T> {
        let mut buffer = self.stale(length);
        buffer.fill(T::default());
        buffer
    }

    /// A buffer of `length` elements that hold zero or what its last user left: for those who write every one.
    #[must_use]
    pub fn stale<T: Element>(&self, length: usize) -> Pooled<T> {
        let class = length.next_power_of_two();
        let index = class.trailing_zeros() as usize;
        let bytes = class * mem::size_of::<T>();
        let shelves = &*self.shelves;
        let free = T::shelf(shelves)
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(index)
            .and_then(Vec::pop);
        let values = if let Some(values) = free {
            shelves.kept.fetch_sub(bytes, Ordering::Relaxed);
            shelves.reused.fetch_add(1, Ordering::Relaxed);
            values
        } else {
            shelves.allocated.fetch_add(1, Ordering::Relaxed);
            shelves.allocated_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            vec![T::default(); class]
        };
        let lent = shelves.lent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        shelves.peak.fetch_max(lent, Ordering::Relaxed);
        Pooled { values, length, pool: Some(self.clone()) }
    }

    /// What the pool has done so far.
    #[must_use]
    pub fn statistics(&self) -> BufferStatistics {
        BufferStatistics {
            reused: self.shelves.reused.load(Ordering::Relaxed),
            allocated: self.shelves.allocated.load(Ordering::Relaxed),
            allocated_bytes: self.shelves.allocated_bytes.load(Ordering::Relaxed),
            released: self.shelves.released.load(Ordering::Relaxed),
            kept_bytes: self.shelves.kept.load(Ordering::Relaxed),
            peak_bytes: self.shelves.peak.load(Ordering::Relaxed),
        }
    }

    /// Whether `bytes` more may be kept; counts them if so.
    fn claim(&self, bytes: usize) -> bool {
        self.shelves
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
                kept.checked_add(bytes).filter(|&total| total <= self.capacity)
            })
            .is_ok()
    }
}

/// A buffer from a pool, which goes back when dropped; or memory of its own, made from a vector or by cloning.
#[derive(Debug)]
pub struct Pooled<T: Element> {
    /// As long as its size class where it is a pool's.
    values: Vec<T>,
    length: usize,
    pool: Option<BufferPool>,
}

impl<T: Element> Pooled<T> {
    /// Whether the memory is a pool's.
    pub(super) fn is_lent(&self) -> bool {
        self.pool.is_some()
    }
}

impl<T: Element> From<Vec<T>> for Pooled<T> {
    fn from(values: Vec<T>) -> Self {
        Self { length: values.len(), values, pool: None }
    }
}

impl<T: Element> Clone for Pooled<T> {
    fn clone(&self) -> Self {
        self.to_vec().into()
    }
}

impl<T: Element + PartialEq> PartialEq for Pooled<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Element> Deref for Pooled<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[..self.length]
    }
}

impl<T: Element> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.length]
    }
}

impl<T: Element> Drop for Pooled<T> {
    fn drop(&mut self) {
        let Some(pool) = &self.pool else { return };
        let values = mem::take(&mut self.values);
        let bytes = mem::size_of_val(values.as_slice());
        let index = values.len().trailing_zeros() as usize;
        pool.shelves.lent.fetch_sub(bytes, Ordering::Relaxed);
        if index < CLASSES && pool.claim(bytes) {
            T::shelf(&pool.shelves).0.lock().unwrap_or_else(PoisonError::into_inner)[index].push(values);
        } else {
            pool.shelves.released.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An output tensor of 32-bit floating point numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputTensor {
    /// Name in the graph.
    pub name: String,
    /// Size per axis.
    pub shape: Vec<usize>,
    /// Elements.
    pub values: Pooled<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_a_class_are_used_again_and_come_back_zeroed() {
        let pool = BufferPool::new(1 << 20);
        let mut first = pool.zeroed::<i64>(100);
        first.fill(7);
        drop(first);
        assert_eq!(pool.statistics().kept_bytes, 128 * 8);
        let second = pool.zeroed::<i64>(128);
        assert!(second.len() == 128 && second.iter().all(|&value| value == 0));
        let other = pool.zeroed::<f32>(100);
        assert_eq!(other.len(), 100);
        let statistics = pool.statistics();
        assert_eq!((statistics.reused, statistics.allocated, statistics.kept_bytes), (1, 2, 0));
        assert_eq!(statistics.allocated_bytes, 128 * 8 + 128 * 4);
        assert_eq!(statistics.peak_bytes, 128 * 8 + 128 * 4);
    }

    #[test]
    fn a_stale_buffer_keeps_what_was_in_it_and_a_copy_is_nobodys() {
        let pool = BufferPool::new(1 << 20);
        let mut first = pool.zeroed::<f32>(3);
        first.fill(7.0);
        let copy = first.clone();
        drop(first);
        let again = pool.stale::<f32>(4);
        assert_eq!((&*again, &*copy), (&[7.0, 7.0, 7.0, 0.0][..], &[7.0; 3][..]));
        drop(copy);
        assert_eq!(pool.statistics().kept_bytes, 0);
        assert_eq!(Pooled::from(vec![1.0f32; 3]), Pooled::from(vec![1.0f32; 3]));
    }

    #[test]
    fn no_more_is_kept_than_the_capacity() {
        let pool = BufferPool::new(3000);
        let buffers: Vec<_> = (0..5).map(|_| pool.zeroed::<f32>(256)).collect();
        drop(buffers);
        let statistics = pool.statistics();
        assert_eq!((statistics.kept_bytes, statistics.released), (2048, 3));
        assert_eq!(pool.zeroed::<f32>(0).len(), 0);
    }
}
