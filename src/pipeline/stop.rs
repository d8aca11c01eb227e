//! Ending a run early: first documents in work may finish, then they are cut.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::output::StopReason;

/// Asks a run to stop, from any thread.
#[derive(Debug)]
pub struct Stop {
    state: Mutex<State>,
    changed: Condvar,
    /// No further document is begun.
    requested: AtomicBool,
    /// Documents in work are given up.
    cut: Arc<AtomicBool>,
    /// Time between the two.
    patience: Duration,
}

#[derive(Debug, Default)]
struct State {
    reason: Option<StopReason>,
    since: Option<Instant>,
    finished: bool,
}

impl Stop {
    /// Nothing is asked for yet. Once it is, documents in work have `patience` to finish.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            requested: AtomicBool::new(false),
            cut: Arc::default(),
            patience,
        }
    }

    /// Asks the run to stop; the first reason stays.
    pub fn request(&self, reason: StopReason) {
        let mut state = self.lock();
        state.reason.get_or_insert(reason);
        state.since.get_or_insert_with(Instant::now);
        self.requested.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Why the run was asked to stop, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        self.lock().reason
    }

    /// How long documents in work may go on after a request.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Whether no further document shall be begun.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Whether documents in work shall be given up.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// The flag behind [`Self::is_cut`], for whoever may not know this room.
    #[must_use]
    pub fn cut_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cut)
    }

    /// Keeps time until the guard of [`Self::finish_on_drop`] is dropped: asks for the stop at `deadline` (`time_up`
    /// hears of it), and calls `cut` when documents in work have had their time after a request.
    pub(super) fn watch(&self, deadline: Option<Instant>, time_up: impl Fn(), cut: impl FnOnce()) {
        let mut state = self.lock();
        while !state.finished {
            let until = match state.since {
                Some(since) => since.checked_add(self.patience),
                None => deadline,
            };
            let Some(until) = until else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            } else if state.since.is_some() {
                self.cut.store(true, Ordering::Relaxed);
                drop(state);
                return cut();
            } else {
                drop(state);
                self.request(StopReason::MaxRuntime);
                time_up();
                state = self.lock();
            }
        }
    }

    /// The run is over; the returned guard says so to [`Self::watch`] when it is dropped, panic or not.
    pub(super) fn finish_on_drop(&self) -> impl Drop + '_ {
        struct Finish<'a>(&'a Stop);
        impl Drop for Finish<'_> {
            fn drop(&mut self) {
                self.0.lock().finished = true;
                self.0.changed.notify_all();
            }
        }
        Finish(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn time_up_asks_first_and_cuts_after_patience() {
        let stop = Stop::new(Duration::from_millis(20));
        let (asked, cut) = (AtomicU32::new(0), AtomicU32::new(0));
        stop.watch(
            Some(Instant::now()),
            || {
                asked.fetch_add(1, Ordering::Relaxed);
                assert!(stop.is_requested() && !stop.is_cut());
            },
            || {
                cut.fetch_add(1, Ordering::Relaxed);
            },
        );
        assert_eq!((asked.into_inner(), cut.into_inner()), (1, 1));
        assert!(stop.is_cut());
        assert_eq!(stop.reason(), Some(StopReason::MaxRuntime));
    }

    #[test]
    fn a_finished_run_is_not_watched_any_longer() {
        let stop = Stop::new(Duration::from_secs(3600));
        std::thread::scope(|scope| {
            scope.spawn(|| stop.watch(None, || panic!("no deadline"), || panic!("nothing to cut")));
            drop(stop.finish_on_drop());
        });
        stop.request(StopReason::Signal);
        stop.request(StopReason::MaxRuntime);
        assert_eq!(stop.reason(), Some(StopReason::Signal));
    }
}
