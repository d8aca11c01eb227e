//! Several sessions of one model, lent out one at a time.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::session::InferenceSession;
use crate::error::Result;

type Boxed = Box<dyn InferenceSession>;
type Make = Box<dyn Fn() -> Result<Boxed> + Send + Sync>;

/// A pool of sessions: created when first needed, at most `capacity` of them.
pub struct SessionPool {
    make: Make,
    capacity: usize,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Boxed>,
    created: usize,
}

impl SessionPool {
    /// A pool of at most `capacity` sessions (at least one), each created by `make` when all others are busy.
    pub fn new(
        capacity: usize,
        make: impl Fn() -> Result<Box<dyn InferenceSession>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Box::new(make),
            capacity: capacity.max(1),
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Most sessions that exist at the same time.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Sessions created so far.
    #[must_use]
    pub fn created(&self) -> usize {
        self.lock().created
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between statements, so a panic of another holder leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session for the caller alone; waits until one is free.
    ///
    /// # Errors
    /// What creating a session says, if one has to be created and cannot.
    pub fn checkout(&self) -> Result<PooledSession<'_>> {
        let mut state = self.lock();
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(PooledSession { pool: self, session: Some(session) });
            }
            if state.created < self.capacity {
                state.created += 1;
                drop(state);
                let reserved = Reservation { pool: self, kept: false };
                return (self.make)().map(|session| {
                    let mut reserved = reserved;
                    reserved.kept = true;
                    PooledSession { pool: self, session: Some(session) }
                });
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does `work` for every index below `count`, on as many sessions as there are, and gives the results in order
    /// of index. One piece of work runs on the calling thread.
    ///
    /// # Errors
    /// The error of the lowest index that failed; work that has not begun by then is left undone.
    pub fn map<T: Send>(
        &self,
        count: usize,
        work: impl Fn(&mut dyn InferenceSession, usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let results: Mutex<Vec<(usize, Result<T>)>> = Mutex::new(Vec::with_capacity(count));
        let run = || {
            while !failed.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                let result = self.checkout().and_then(|mut session| work(&mut **session, index));
                if result.is_err() {
                    failed.store(true, Ordering::Relaxed);
                }
                results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.capacity.min(count) {
                scope.spawn(run);
            }
            run();
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_unstable_by_key(|(index, _)| *index);
        // Indices are handed out in order, so all below the lowest failure have a result.
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl fmt::Debug for SessionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionPool({} of {})", self.created(), self.capacity)
    }
}

/// Gives the place in the pool back if creating the session fails or panics.
struct Reservation<'p> {
    pool: &'p SessionPool,
    kept: bool,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.pool.lock().created -= 1;
            self.pool.returned.notify_one();
        }
    }
}

/// A session on loan; goes back when dropped.
pub struct PooledSession<'p> {
    pool: &'p SessionPool,
    session: Option<Boxed>,
}

impl Deref for PooledSession<'_> {
    type Target = Boxed;

    fn deref(&self) -> &Boxed {
        self.session.as_ref().expect("present until drop")
    }
}

impl DerefMut for PooledSession<'_> {
    fn deref_mut(&mut self) -> &mut Boxed {
        self.session.as_mut().expect("present until drop")
    }
}

impl Drop for PooledSession<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.lock().idle.push(session);
            self.pool.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::error::{Error, ErrorCode};
    use crate::runtime::session::{InputTensor, TensorSpec};
    use crate::runtime::tensor::OutputTensor;

    struct Fake(Arc<AtomicUsize>);

    impl InferenceSession for Fake {
        fn inputs(&self) -> &[TensorSpec] {
            &[]
        }

        fn outputs(&self) -> &[TensorSpec] {
            &[]
        }

        fn run(&mut self, _: &[InputTensor<'_>]) -> Result<Vec<OutputTensor>> {
            let busy = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            std::thread::sleep(Duration::from_millis(2));
            self.0.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![OutputTensor { name: "busy".into(), shape: vec![], values: vec![busy as f32] }])
        }
    }

    fn pool(capacity: usize) -> SessionPool {
        let busy = Arc::new(AtomicUsize::new(0));
        SessionPool::new(capacity, move || Ok(Box::new(Fake(Arc::clone(&busy))) as Boxed))
    }

    #[test]
    fn results_come_in_order_and_no_more_sessions_run_than_allowed() {
        let pool = pool(2);
        let results = pool
            .map(20, |session, index| {
                let busy = session.run(&[])?[0].values[0];
                Ok((index, busy <= 2.0))
            })
            .unwrap();
        assert_eq!(results, (0..20).map(|index| (index, true)).collect::<Vec<_>>());
        assert!(pool.created() <= 2);
        assert_eq!(pool.map(0, |_, _| Ok(())).unwrap(), []);
    }

    #[test]
    fn the_lowest_failure_is_reported_and_sessions_return() {
        let pool = pool(3);
        let error = pool
            .map(10, |session, index| {
                session.run(&[])?;
                if index >= 4 { Err(Error::new(ErrorCode::ModelRun, format!("{index}"))) } else { Ok(()) }
            })
            .unwrap_err();
        assert_eq!(error.message(), "4");
        let idle = pool.lock().idle.len();
        assert_eq!(idle, pool.created());
    }

    #[test]
    fn a_failed_load_leaves_room_for_another_try() {
        let tries = AtomicUsize::new(0);
        let pool = SessionPool::new(1, move || {
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(Error::new(ErrorCode::ModelInvalid, "first"));
            }
            Ok(Box::new(Fake(Arc::default())) as Boxed)
        });
        assert!(pool.checkout().is_err());
        assert!(pool.checkout().is_ok());
    }
}
