//! Running workloads in turn.

use std::time::{Duration, Instant};

use super::workload::Workload;
use crate::error::Result;

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Time per workload without measuring; at least one run, unless it is zero.
    pub warm_up: Duration,
    /// Time per workload, between the numbers of runs below.
    pub time: Duration,
    /// Fewest runs.
    pub min_runs: usize,
    /// Most runs.
    pub max_runs: usize,
}

impl Effort {
    /// What a figure needs that shall be believed.
    pub const FULL: Self = Self {
        warm_up: Duration::from_millis(500),
        time: Duration::from_secs(5),
        min_runs: 5,
        max_runs: 400,
    };

    /// A glance.
    pub const QUICK: Self = Self {
        warm_up: Duration::from_millis(50),
        time: Duration::from_millis(500),
        min_runs: 3,
        max_runs: 100,
    };
}

/// Warms every workload up, then runs them in turn, forwards and backwards (A B, B A, ...), so that a machine that
/// gets slower or faster does so for all of them. Gives the seconds of every run, the same number per workload.
///
/// # Errors
/// What a workload says.
pub fn interleave(workloads: &mut [Box<dyn Workload + '_>], effort: Effort) -> Result<Vec<Vec<f64>>> {
    for workload in workloads.iter_mut() {
        let started = Instant::now();
        while started.elapsed() < effort.warm_up {
            workload.prepare()?;
            workload.run()?;
        }
    }
    let count = workloads.len();
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); count];
    let limit = effort.time * u32::try_from(count).unwrap_or(u32::MAX);
    let mut spent = Duration::ZERO;
    for round in 0..effort.max_runs {
        for place in 0..count {
            let at = if round % 2 == 0 { place } else { count - 1 - place };
            workloads[at].prepare()?;
            let started = Instant::now();
            workloads[at].run()?;
            let elapsed = started.elapsed();
            spent += elapsed;
            seconds[at].push(workloads[at].seconds().unwrap_or(elapsed.as_secs_f64()));
        }
        if round + 1 >= effort.min_runs && spent >= limit {
            break;
        }
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Noted(char, Arc<Mutex<String>>);

    impl Workload for Noted {
        fn run(&mut self) -> Result<()> {
            self.1.lock().unwrap().push(self.0);
            Ok(())
        }
    }

    #[test]
    fn workloads_take_turns_forwards_and_backwards() {
        let order: Arc<Mutex<String>> = Arc::default();
        let mut workloads: Vec<Box<dyn Workload>> =
            ['a', 'b', 'c'].map(|name| Box::new(Noted(name, Arc::clone(&order))) as _).into();
        let effort =
            Effort { warm_up: Duration::ZERO, time: Duration::from_secs(9), min_runs: 1, max_runs: 3 };
        let seconds = interleave(&mut workloads, effort).unwrap();
        assert_eq!(*order.lock().unwrap(), "abc cba abc".replace(' ', ""));
        assert!(seconds.iter().all(|runs| runs.len() == 3));
    }
}
