//! Several sessions of one model, lent out one at a time.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::session::InferenceSession;
use crate::error::Result;

type Boxed = Box<dyn InferenceSession>;
type Make = Box<dyn Fn() -> Result<Boxed> + Send + Sync>;

/// How soon one of rayon's threads looks again for a session.
const RETRY: Duration = Duration::from_millis(1);

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
            state = if rayon::current_thread_index().is_none() {
                self.returned.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                // Sessions may be waiting for this very thread, in work that is queued.
                drop(state);
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::thread::sleep(RETRY);
                }
                self.lock()
            };
        }
    }

    /// Does `work` for every index below `count`, on as many sessions as there are, and gives the results in order
    /// of index. The work runs on rayon's threads, one per core, however many callers there are; the calling thread
    /// hands out sessions and waits.
    ///
    /// # Errors
    /// The error of the lowest index that failed; work that has not begun by then is left undone.
    pub fn map<T: Send>(
        &self,
        count: usize,
        work: impl Fn(&mut dyn InferenceSession, usize) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let failed = AtomicBool::new(false);
        let results: Mutex<Vec<(usize, Result<T>)>> = Mutex::new(Vec::with_capacity(count));
        let keep = |index, result: Result<T>| {
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        };
        rayon::in_place_scope(|scope| {
            for index in 0..count {
                if failed.load(Ordering::Relaxed) {
                    break;
                }
                match self.checkout() {
                    Ok(mut session) => {
                        let (keep, work) = (&keep, &work);
                        scope.spawn(move |_| keep(index, work(&mut **session, index)));
                    }
                    Err(error) => keep(index, Err(error)),
                }
            }
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
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::error::{Error, ErrorCode};
    use crate::runtime::buffers::BufferPool;
    use crate::runtime::buffers::OutputTensor;
    use crate::runtime::session::{InputTensor, TensorSpec};

    struct Fake(Arc<AtomicUsize>);

    impl InferenceSession for Fake {
        fn inputs(&self) -> &[TensorSpec] {
            &[]
        }

        fn outputs(&self) -> &[TensorSpec] {
            &[]
        }

        fn run(&mut self, _: &[InputTensor<'_>], _: &BufferPool) -> Result<Vec<OutputTensor>> {
            let busy = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            std::thread::sleep(Duration::from_millis(2));
            self.0.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![OutputTensor { name: "busy".into(), shape: vec![], values: vec![busy as f32].into() }])
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
                let busy = session.run(&[], &BufferPool::new(0))?[0].values[0];
                Ok((index, busy <= 2.0))
            })
            .unwrap();
        assert_eq!(results, (0..20).map(|index| (index, true)).collect::<Vec<_>>());
        assert!(pool.created() <= 2);
        assert_eq!(pool.map(0, |_, _| Ok(())).unwrap(), []);
    }

    #[test]
    fn callers_share_the_threads_and_may_be_of_them() {
        let pool = pool(2);
        let threads = Mutex::new(std::collections::HashSet::new());
        let work = || {
            let work = |session: &mut dyn InferenceSession, index| {
                session.run(&[], &BufferPool::new(0))?;
                threads.lock().unwrap().insert(std::thread::current().id());
                Ok(index)
            };
            assert_eq!(pool.map(6, work).unwrap(), [0, 1, 2, 3, 4, 5]);
        };
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(work))));
        assert!(threads.lock().unwrap().len() <= rayon::current_num_threads());
        // Every thread is a caller, and so is one outside: were they all to wait for sessions, none would come back.
        std::thread::scope(|scope| {
            scope.spawn(work);
            rayon::scope(|scope| (0..4 * rayon::current_num_threads()).for_each(|_| scope.spawn(|_| work())));
        });
    }

    #[test]
    fn the_lowest_failure_is_reported_and_sessions_return() {
        let pool = pool(3);
        let error = pool
            .map(10, |session, index| {
                session.run(&[], &BufferPool::new(0))?;
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
