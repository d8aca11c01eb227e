//! Memory for input tensors, used again instead of being allocated for every batch.

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
        let class = length.next_power_of_two();
        let index = class.trailing_zeros() as usize;
        let bytes = class * mem::size_of::<T>();
        let free = T::shelf(&self.shelves)
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(index)
            .and_then(Vec::pop);
        let mut values = if let Some(values) = free {
            self.shelves.kept.fetch_sub(bytes, Ordering::Relaxed);
            self.shelves.reused.fetch_add(1, Ordering::Relaxed);
            values
        } else {
            self.shelves.allocated.fetch_add(1, Ordering::Relaxed);
            self.shelves.allocated_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            Vec::with_capacity(class)
        };
        values.clear();
        values.resize(length, T::default());
        Pooled { values, class, pool: self.clone() }
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

/// A buffer from a pool; goes back when dropped.
#[derive(Debug)]
pub struct Pooled<T: Element> {
    values: Vec<T>,
    class: usize,
    pool: BufferPool,
}

impl<T: Element> Deref for Pooled<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T: Element> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

impl<T: Element> Drop for Pooled<T> {
    fn drop(&mut self) {
        let values = mem::take(&mut self.values);
        let index = self.class.trailing_zeros() as usize;
        if index < CLASSES && self.pool.claim(self.class * mem::size_of::<T>()) {
            T::shelf(&self.pool.shelves).0.lock().unwrap_or_else(PoisonError::into_inner)[index].push(values);
        } else {
            self.pool.shelves.released.fetch_add(1, Ordering::Relaxed);
        }
    }
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
