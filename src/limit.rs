//! Until when a document may be worked on: its time limit and the run's stop flag as one value, handed down to every
//! loop that a document can make long. Only here does code without I/O look at a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode, Result};

/// When work on a document must end; by default never. It decides whether there is a result, never what it says.
#[derive(Clone, Debug, Default)]
pub struct Limit {
    /// When the time is up, and how much there was.
    deadline: Option<(Instant, Duration)>,
    cut: Option<Arc<AtomicBool>>,
}

impl Limit {
    /// Work may go on for `timeout` from now, and until `cut` becomes true.
    #[must_use]
    pub fn new(timeout: Duration, cut: Arc<AtomicBool>) -> Self {
        let deadline = Instant::now().checked_add(timeout).map(|end| (end, timeout));
        Self { deadline, cut: Some(cut) }
    }

    /// Moves the end by time that is not counted.
    pub fn extend(&mut self, by: Duration) {
        self.deadline = self.deadline.and_then(|(end, timeout)| Some((end.checked_add(by)?, timeout)));
    }

    /// Called once per page, table, row, sentence: whatever is long enough to cost more than reading a clock.
    ///
    /// # Errors
    /// `run.interrupted`, `document.timeout`.
    pub fn check(&self) -> Result<()> {
        if self.cut.as_ref().is_some_and(|cut| cut.load(Ordering::Relaxed)) {
            let what = "the run was interrupted before this document was finished";
            return Err(Error::new(ErrorCode::RunInterrupted, what).help("run again to go on"));
        }
        match self.deadline {
            Some((end, timeout)) if Instant::now() >= end => Err(Error::new(
                ErrorCode::DocumentTimeout,
                format!("its structure, tables and audit took longer than {} s", timeout.as_secs_f32()),
            )
            .help("raise --timeout")),
            _ => Ok(()),
        }
    }

    /// The items until the limit is reached; whoever ends a stage asks [`Self::check`] whether it was.
    pub fn within<I: IntoIterator>(&self, items: I) -> impl Iterator<Item = I::Item> {
        items.into_iter().take_while(|_| self.check().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_by_flag_and_by_time_and_can_be_put_off() {
        assert!(Limit::default().check().is_ok());
        let cut = Arc::new(AtomicBool::new(false));
        let hour = Limit::new(Duration::from_secs(3600), Arc::clone(&cut));
        let mut over = Limit::new(Duration::ZERO, Arc::clone(&cut));
        assert!(hour.check().is_ok() && Limit::new(Duration::MAX, Arc::clone(&cut)).check().is_ok());
        assert_eq!(over.check().unwrap_err().code(), ErrorCode::DocumentTimeout);
        over.extend(Duration::from_secs(3600));
        assert!(over.check().is_ok());
        assert_eq!(Limit::new(Duration::ZERO, Arc::default()).within(0..9).count(), 0);
        assert_eq!(hour.within(0..9).count(), 9);
        cut.store(true, Ordering::Relaxed);
        assert_eq!(hour.check().unwrap_err().code(), ErrorCode::RunInterrupted);
    }
}
