//! Where the time goes: a timer per stage, and on request every single span with its thread and document.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::trace::{self, DocumentGuard, Trace};

/// Adds up the time that threads spend in named stages. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Profiler {
    recorder: Option<Arc<Recorder>>,
}

#[derive(Debug, Default)]
struct Recorder {
    stages: Stages,
    trace: Option<Trace>,
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
    /// A profiler that measures and keeps every span for [`Self::write_trace`].
    #[must_use]
    pub fn tracing() -> Self {
        let recorder = Recorder { trace: Some(Trace::new()), ..Recorder::default() };
        Self { recorder: Some(Arc::new(recorder)) }
    }

    /// Measures until the span is dropped.
    #[must_use]
    pub fn span(&self, stage: &'static str) -> Span {
        Span { running: self.recorder.as_ref().map(|recorder| Running::new(recorder, stage, None)) }
    }

    /// The same with a detail for the trace, such as page numbers; it is made only where there is a trace.
    #[must_use]
    pub fn span_of(&self, stage: &'static str, detail: impl FnOnce() -> String) -> Span {
        let running = self.recorder.as_ref().map(|recorder| {
            let detail = recorder.trace.as_ref().map(|_| detail().into_boxed_str());
            Running::new(recorder, stage, detail)
        });
        Span { running }
    }

    /// Adds what was measured elsewhere: by a page worker, for instance.
    pub fn record(
        &self,
        stage: &'static str,
        span: (Instant, Instant),
        document: &Arc<str>,
        detail: impl FnOnce() -> String,
    ) {
        if let Some(recorder) = &self.recorder {
            counter(&recorder.stages, stage).add(span.1.saturating_duration_since(span.0));
            if let Some(trace) = &recorder.trace {
                let detail = detail().into_boxed_str();
                trace.record(stage, span.0, span.1, Some(Arc::clone(document)), Some(detail));
            }
        }
    }

    /// Whether spans measure anything.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.recorder.is_some()
    }

    /// The document that this thread works on, as [`Self::enter`] named it.
    #[must_use]
    pub fn document(&self) -> Option<Arc<str>> {
        self.recorder.as_ref().and_then(|_| trace::document())
    }

    /// Names the document that this thread works on until the guard is dropped; spans of the trace carry it.
    #[must_use]
    pub fn enter(&self, document: Option<Arc<str>>) -> Option<DocumentGuard> {
        self.recorder.as_ref().map(|_| DocumentGuard::new(document))
    }

    /// Writes the spans in Chrome's trace event format, which <https://ui.perfetto.dev> opens. Without tracing there
    /// are none.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_trace(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.recorder.as_ref().and_then(|recorder| recorder.trace.as_ref()) {
            Some(trace) => trace.write(out),
            None => Trace::new().write(out),
        }
    }

    /// The stages by name.
    #[must_use]
    pub fn snapshot(&self) -> Vec<StageTime> {
        let Some(recorder) = &self.recorder else { return Vec::new() };
        let stages = recorder.stages.read().unwrap_or_else(PoisonError::into_inner);
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

impl Counter {
    fn add(&self, elapsed: Duration) {
        let elapsed = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(elapsed, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// A running measurement.
#[derive(Debug)]
pub struct Span {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    recorder: Arc<Recorder>,
    stage: &'static str,
    detail: Option<Box<str>>,
    begun: Instant,
}

impl Running {
    fn new(recorder: &Arc<Recorder>, stage: &'static str, detail: Option<Box<str>>) -> Self {
        Self { recorder: Arc::clone(recorder), stage, detail, begun: Instant::now() }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(Running { recorder, stage, detail, begun }) = self.running.take() {
            let ended = Instant::now();
            counter(&recorder.stages, stage).add(ended.saturating_duration_since(begun));
            if let Some(trace) = &recorder.trace {
                trace.record(stage, begun, ended, trace::document(), detail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_up_over_threads() {
        let profiler = Profiler::tracing();
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
    fn a_trace_has_threads_documents_and_microseconds() {
        let profiler = Profiler::tracing();
        let name: Arc<str> = "a \"b\".pdf".into();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                std::thread::Builder::new()
                    .name("reader".to_owned())
                    .spawn_scoped(scope, || {
                        let _document = profiler.enter(Some(Arc::clone(&name)));
                        let _outer = profiler.span_of("layout", || "pages 1-8".to_owned());
                        std::thread::sleep(Duration::from_millis(5));
                        drop(profiler.span("infer"));
                    })
                    .unwrap();
            }
        });
        let begun = Instant::now();
        profiler
            .record("read page", (begun, begun + Duration::from_millis(3)), &name, || "page 7".to_owned());
        drop(profiler.span("write"));
        let mut bytes = Vec::new();
        profiler.write_trace(&mut bytes).unwrap();
        let trace: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let of = |name: &str| -> Vec<&serde_json::Value> {
            events.iter().filter(|event| event["name"] == name && event["ph"] == "X").collect()
        };
        assert_eq!((of("layout").len(), of("infer").len(), of("write").len()), (2, 2, 1));
        let (outer, inner) = (of("layout")[0], of("infer")[0]);
        assert!((5_000.0..5_000_000.0).contains(&outer["dur"].as_f64().unwrap()), "{outer}");
        assert!(outer["ts"].as_f64().unwrap() <= inner["ts"].as_f64().unwrap());
        assert_eq!(
            (&outer["args"]["document"], &outer["args"]["detail"]),
            (&"a \"b\".pdf".into(), &"pages 1-8".into())
        );
        assert_eq!(inner["args"]["document"], "a \"b\".pdf");
        assert_eq!(of("read page")[0]["dur"], 3000.0);
        assert!(of("write")[0]["args"]["document"].is_null());
        let named = |tid: &serde_json::Value| {
            events.iter().any(|event| event["name"] == "thread_name" && event["tid"] == *tid)
        };
        assert!(events.iter().filter(|event| event["ph"] == "X").all(|event| named(&event["tid"])));
        assert!(events.iter().any(|event| event["args"]["name"] == "reader"));
    }

    #[test]
    fn a_disabled_profiler_has_nothing_to_say() {
        let profiler = Profiler::default();
        drop(profiler.span("encode"));
        assert!(profiler.snapshot().is_empty() && profiler.document().is_none());
        assert!(profiler.enter(Some("a.pdf".into())).is_none() && profiler.document().is_none());
        let mut bytes = Vec::new();
        drop(profiler.span_of("encode", || unreachable!("nobody asks for details")));
        profiler.write_trace(&mut bytes).unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains("encode"));
    }
}
