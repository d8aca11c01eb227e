//! Where the time goes: a timer per stage, cheap enough to be always on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Adds up the time that threads spend in named stages. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Profiler {
    stages: Option<Arc<Stages>>,
}

type Stages = RwLock<BTreeMap<&'static str, Arc<Counter>>>;

#[derive(Debug, Default)]
struct Counter {
    nanoseconds: AtomicU64,
    calls: AtomicU64,
}

/// Time spent in one stage by all threads together.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// The stage's name.
    pub name: &'static str,
    /// How often it ran.
    pub calls: u64,
    /// Time of all threads together.
    pub busy: Duration,
    /// Part of the time of all stages, 0 to 1. Stages that contain others count twice.
    pub share: f64,
}

impl Profiler {
    /// A profiler that measures, or one whose spans do nothing.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self { stages: enabled.then(Arc::default) }
    }

    /// Measures until the span is dropped.
    #[must_use]
    pub fn span(&self, stage: &'static str) -> Span {
        Span { running: self.stages.as_ref().map(|stages| (counter(stages, stage), Instant::now())) }
    }

    /// The stages by name.
    #[must_use]
    pub fn snapshot(&self) -> Vec<StageTime> {
        let Some(stages) = &self.stages else { return Vec::new() };
        let stages = stages.read().unwrap_or_else(PoisonError::into_inner);
        let mut times: Vec<StageTime> = stages
            .iter()
            .map(|(&name, counter)| StageTime {
                name,
                calls: counter.calls.load(Ordering::Relaxed),
                busy: Duration::from_nanos(counter.nanoseconds.load(Ordering::Relaxed)),
                share: 0.0,
            })
            .collect();
        let total: f64 = times.iter().map(|time| time.busy.as_secs_f64()).sum();
        for time in &mut times {
            time.share = if total > 0.0 { time.busy.as_secs_f64() / total } else { 0.0 };
        }
        times
    }
}

fn counter(stages: &Stages, stage: &'static str) -> Arc<Counter> {
    if let Some(counter) = stages.read().unwrap_or_else(PoisonError::into_inner).get(stage) {
        return Arc::clone(counter);
    }
    Arc::clone(stages.write().unwrap_or_else(PoisonError::into_inner).entry(stage).or_default())
}

/// A running measurement.
#[derive(Debug)]
pub struct Span {
    running: Option<(Arc<Counter>, Instant)>,
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some((counter, begun)) = self.running.take() {
            let elapsed = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            counter.nanoseconds.fetch_add(elapsed, Ordering::Relaxed);
            counter.calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_up_over_threads() {
        let profiler = Profiler::new(true);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let _span = profiler.span("infer");
                    std::thread::sleep(Duration::from_millis(5));
                });
            }
        });
        drop(profiler.span("encode"));
        let times = profiler.snapshot();
        assert_eq!(
            times.iter().map(|time| (time.name, time.calls)).collect::<Vec<_>>(),
            [("encode", 1), ("infer", 2)]
        );
        assert!(times[1].busy >= Duration::from_millis(10) && times[1].share > 0.9);
        assert!((times[0].share + times[1].share - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_disabled_profiler_has_nothing_to_say() {
        let profiler = Profiler::new(false);
        drop(profiler.span("encode"));
        assert!(profiler.snapshot().is_empty());
    }
}
