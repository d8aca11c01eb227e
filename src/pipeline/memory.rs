//! What a run may hold in memory: shares of `--mem-limit`, and the documents that fit into theirs.
//!
//! The limit is divided once, before the first document: a fixed part for what is loaded for the whole run, half of
//! the rest for the page workers, each of which the kernel keeps below its share, and half for documents. A document
//! is let in when its cost fits beside those in work; the earliest one in work never waits, so that there is always
//! progress, and is cut short only if it alone costs more than all documents may: the outcome depends on the
//! document and the limit, not on what else is in work.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::config::ByteSize;
use crate::error::{Error, ErrorCode, Result};

/// Bytes that one word costs until its document is written: the page's words and pixels, predictions, structure and
/// the analysis. Measured on reports of 40 to 360 pages, rounded up.
const WORD: u64 = 2048;
/// Bytes that a document costs before its first page: pages read ahead, their images, batches.
const DOCUMENT: u64 = 32 << 20;
/// Documents' share without a limit: two million words, more than any report has.
const UNLIMITED_DOCUMENT: u64 = 4 << 30;
/// Address space of a page worker that is not limited otherwise, in bytes.
const WORKER: u64 = 2 << 30;
/// Less does not read ordinary pages, or lets the OCR program fail on them.
const LEAST_WORKER: u64 = 384 << 20;
/// Inference holds so much per session (one of each model) beside the weights, at its peak.
const SESSION: u64 = 64 << 20;
/// The least limit that would do is looked for in steps of so many bytes.
const STEP: u64 = 1_000_000;
/// Share of the limit that sessions may have together.
const SESSIONS_SHARE: u64 = 4;
/// Share of the limit that pooled buffers and the inference cache may have each.
const POOL_SHARE: u64 = 16;

/// How the limit is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemoryPlan {
    /// Page workers that fit.
    pub(super) workers: usize,
    /// Address space of each in bytes.
    pub(super) worker: u64,
    /// Bytes for documents in work.
    pub(super) documents: u64,
}

impl MemoryPlan {
    /// Divides `limit`. `loaded` are the bytes that this process holds once the models are loaded, `pooled` those that
    /// buffers and caches may grow to, `wanted` the number of inference sessions without a limit and `weights` the bytes
    /// of weights that each of them holds for itself.
    ///
    /// # Errors
    /// `config.invalid` if not even one worker fits, with the least limit that would do.
    pub(super) fn new(
        limit: Option<ByteSize>,
        jobs: usize,
        loaded: u64,
        pooled: u64,
        wanted: usize,
        weights: u64,
    ) -> Result<Self> {
        let Some(ByteSize(limit)) = limit else {
            return Ok(Self { workers: jobs, worker: WORKER, documents: u64::MAX });
        };
        let inference = |limit| (SESSION + weights) * sessions_within(Some(ByteSize(limit)), wanted) as u64;
        let fixed = loaded + pooled + inference(limit);
        let half = limit.saturating_sub(fixed) / 2;
        if half < LEAST_WORKER {
            // Pools and sessions grow with the limit, so that their shares must be asked for again.
            let room =
                |limit: u64| limit.saturating_sub(loaded + 2 * (limit / POOL_SHARE) + inference(limit)) / 2;
            let mut least = limit.next_multiple_of(STEP);
            while room(least) < LEAST_WORKER {
                least += STEP;
            }
            return Err(Error::new(
                ErrorCode::ConfigInvalid,
                format!(
                    "a memory limit of {} MB is too small: models and inference take {} MB, and a page worker and \
                     a document at least {} MB each",
                    limit / 1_000_000,
                    fixed / 1_000_000,
                    LEAST_WORKER / 1_000_000
                ),
            )
            .part("analyze.mem_limit")
            .help(format!("give it {} MB or more, or lower performance.parallel_inference", least / STEP)));
        }
        let workers = jobs.min(usize::try_from(half / LEAST_WORKER).unwrap_or(usize::MAX));
        Ok(Self { workers, worker: (half / workers as u64).min(WORKER), documents: half })
    }
}

/// Inference sessions that fit into their share of a limit, of `wanted`. It is known before the models are, so that
/// none has to be given back.
pub(super) fn sessions_within(limit: Option<ByteSize>, wanted: usize) -> usize {
    let fit = limit.map_or(u64::MAX, |limit| limit.0 / SESSIONS_SHARE / SESSION);
    usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, wanted.max(1))
}

/// What a pool that is configured to this size may have under a limit.
pub(super) fn pool_size(configured: ByteSize, limit: Option<ByteSize>) -> usize {
    limit.map_or(configured, |limit| configured.min(ByteSize(limit.0 / POOL_SHARE))).as_usize()
}

/// Memory of this process in bytes, shared pages in proportion; 0 where the kernel does not say.
pub(super) fn own_memory() -> u64 {
    std::fs::read_to_string("/proc/self/smaps_rollup")
        .ok()
        .and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        })
        .map_or(0, |kilobytes| kilobytes * 1024)
}

/// The documents in work and what they cost.
pub(super) struct DocumentBudget {
    limit: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Bytes by document, in the order they were let in.
    held: BTreeMap<u64, u64>,
}

impl DocumentBudget {
    /// A budget of so many bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No invariant spans a panic point.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a document with a file of so many bytes fits beside the others, or there are none.
    pub(super) fn admit(&self, file: u64) -> Admitted<'_> {
        let cost = file.saturating_add(DOCUMENT);
        let mut state = self.lock();
        while !state.held.is_empty() && state.sum().saturating_add(cost) > self.limit {
            state = self.wait(state);
        }
        let id = state.next;
        state.next += 1;
        state.held.insert(id, cost);
        Admitted { budget: self, id }
    }
}

impl State {
    fn sum(&self) -> u64 {
        self.held.values().fold(0, |sum, cost| sum.saturating_add(*cost))
    }
}

/// A document that was let in; it gives back what it holds on drop.
pub(super) struct Admitted<'a> {
    budget: &'a DocumentBudget,
    id: u64,
}

impl Admitted<'_> {
    /// Adds the cost of further words, waiting for earlier documents if they must end first.
    ///
    /// # Errors
    /// `document.too_large` if this document alone is over the limit.
    pub(super) fn add_words(&self, words: usize) -> Result<()> {
        let mut state = self.budget.lock();
        let cost = state.held.get(&self.id).copied().unwrap_or(0).saturating_add(words as u64 * WORD);
        state.held.insert(self.id, cost);
        let own_limit = self.budget.limit.min(UNLIMITED_DOCUMENT);
        if cost > own_limit {
            return Err(Error::new(
                ErrorCode::DocumentTooLarge,
                format!("the document needs more memory than the {} MiB it may have", own_limit >> 20),
            )
            .help("its further pages were not analyzed: raise --mem-limit, or choose fewer with --pages"));
        }
        while state.sum() > self.budget.limit && state.held.keys().next() != Some(&self.id) {
            state = self.budget.wait(state);
        }
        Ok(())
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.budget.lock().held.remove(&self.id);
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_limit_is_divided_and_never_exceeded() {
        for limit in [1500, 2000, 4000, 16_000, 64_000] {
            for cores in [1, 2, 8, 64] {
                let bytes = Some(ByteSize(limit * MIB));
                let pooled = 2 * pool_size(ByteSize(1_000_000_000), bytes) as u64;
                let sessions = sessions_within(bytes, cores);
                assert!((1..=cores).contains(&sessions), "{limit} {cores} {sessions}");
                let plan = MemoryPlan::new(bytes, cores, 200 * MIB, pooled, cores, 0).unwrap();
                assert!((1..=cores).contains(&plan.workers) && plan.worker >= LEAST_WORKER, "{plan:?}");
                let all = 200 * MIB
                    + pooled
                    + sessions as u64 * SESSION
                    + plan.workers as u64 * plan.worker
                    + plan.documents;
                assert!(all <= limit * MIB, "{limit} {cores} {plan:?}");
            }
        }
        let plan = MemoryPlan::new(None, 3, 300 * MIB, 0, 2, 0).unwrap();
        assert_eq!((plan.workers, plan.worker), (3, WORKER));
        // Weights that sessions do not share count for each.
        let documents =
            |weights| MemoryPlan::new(Some(ByteSize(4000 * MIB)), 2, 0, 0, 8, weights).unwrap().documents;
        assert_eq!(documents(0) - documents(10 * MIB), 40 * MIB);
    }

    #[test]
    fn too_small_a_limit_names_the_least_that_works() {
        let pooled = |limit: u64| 2 * (limit / POOL_SHARE);
        for (cores, weights) in [(2, 0), (64, 0), (64, 500 * MIB)] {
            let plan =
                |limit| MemoryPlan::new(Some(ByteSize(limit)), 2, 300 * MIB, pooled(limit), cores, weights);
            let error = plan(500 * MIB).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ConfigInvalid);
            let least: u64 = error.remedy().unwrap().split(' ').nth(2).unwrap().parse().unwrap();
            assert!(plan(least * 1_000_000).is_ok(), "{cores} {error}");
            assert!(plan((least - 1) * 1_000_000).is_err(), "{cores} {error}");
        }
    }

    #[test]
    fn a_document_alone_over_the_limit_is_cut_short() {
        let budget = DocumentBudget::new(100 * MIB);
        let document = budget.admit(MIB);
        assert!(document.add_words(10_000).is_ok());
        let error = document.add_words(60_000).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DocumentTooLarge);
        // Without a limit for the run, a document has one all the same.
        let budget = DocumentBudget::new(u64::MAX);
        assert!(budget.admit(MIB).add_words(3_000_000).is_err());
        assert!(budget.admit(MIB).add_words(1_000_000).is_ok());
    }

    #[test]
    fn later_documents_wait_for_earlier_ones() {
        let budget = DocumentBudget::new(100 * MIB);
        let (first, second) = (budget.admit(MIB), budget.admit(MIB));
        let (grown, third) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let (budget, grown, third) = (&budget, &grown, &third);
            scope.spawn(move || {
                second.add_words(30_000).unwrap();
                grown.store(true, Ordering::SeqCst);
            });
            scope.spawn(move || {
                drop(budget.admit(20 * MIB));
                third.store(true, Ordering::SeqCst);
            });
            std::thread::sleep(Duration::from_millis(100));
            assert!(!grown.load(Ordering::SeqCst) && !third.load(Ordering::SeqCst));
            // The earliest never waits.
            first.add_words(1_000).unwrap();
            drop(first);
        });
        assert!(grown.load(Ordering::SeqCst));
        assert!(third.load(Ordering::SeqCst));
    }
}
