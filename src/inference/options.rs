//! What models share: memory, caches, timers and limits.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::runtime::{BatchBudget, BufferPool, InferenceCache, Profiler};

/// How predictions are computed.
#[derive(Clone, Debug)]
pub struct InferenceOptions {
    /// Most tokens of one window (`max_sequence_length`); less where a model has fewer positions.
    pub max_sequence_length: usize,
    /// What one batch may hold.
    pub budget: BatchBudget,
    /// Memory for input tensors.
    pub buffers: BufferPool,
    /// Results of earlier texts; `None` computes everything.
    pub cache: Option<Arc<InferenceCache>>,
    /// Timers `encode` and `infer` of the models.
    pub profiler: Profiler,
    /// Becomes true when results are not wanted any more: batches that have not begun fail with `run.interrupted`.
    pub cancelled: Arc<AtomicBool>,
}

impl Default for InferenceOptions {
    /// 512 tokens, the CPU's budget, 64 MB of buffers, no cache, no timers.
    fn default() -> Self {
        Self {
            max_sequence_length: 512,
            budget: BatchBudget::CPU,
            buffers: BufferPool::new(64 << 20),
            cache: None,
            profiler: Profiler::default(),
            cancelled: Arc::default(),
        }
    }
}
