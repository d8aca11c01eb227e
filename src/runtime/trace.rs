//! Spans of all threads in Chrome's trace event format, which Perfetto and chrome://tracing show.
//!
//! Format: "Trace Event Format", <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>:
//! complete events (`ph: X`) with `ts` and `dur` in microseconds, and `thread_name` metadata.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

/// Events that are kept; about 100 bytes each. Later ones are counted, and the trace says how many there were.
const MOST: usize = 2_000_000;

/// Spans recorded so far.
#[derive(Debug)]
pub(super) struct Trace {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    dropped: u64,
    /// Names of threads by lane.
    threads: BTreeMap<u32, String>,
}

#[derive(Debug)]
struct Event {
    stage: &'static str,
    lane: u32,
    begin: Duration,
    length: Duration,
    document: Option<Arc<str>>,
    detail: Option<Box<str>>,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), state: Mutex::default() }
    }

    pub(super) fn record(
        &self,
        stage: &'static str,
        begin: Instant,
        end: Instant,
        document: Option<Arc<str>>,
        detail: Option<Box<str>>,
    ) {
        let lane = LANE.with(|lane| lane.number());
        let begin_offset = begin.saturating_duration_since(self.start);
        let length = end.saturating_duration_since(begin);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.threads.entry(lane).or_insert_with(|| {
            std::thread::current().name().map_or_else(|| format!("worker thread {lane}"), str::to_owned)
        });
        if state.events.len() < MOST {
            state.events.push(Event { stage, lane, begin: begin_offset, length, document, detail });
        } else {
            state.dropped += 1;
        }
    }

    /// The trace as JSON.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        write!(out, "{{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
        let other = json!({
            "tool": concat!("docproc ", env!("CARGO_PKG_VERSION")),
            "events_left_out": state.dropped,
        });
        serde_json::to_writer(&mut *out, &other)?;
        writeln!(out, ",\"traceEvents\":[")?;
        let name = json!({"ph": "M", "name": "process_name", "pid": process, "args": {"name": "docproc"}});
        serde_json::to_writer(&mut *out, &name)?;
        for (lane, name) in &state.threads {
            let name = json!({
                "ph": "M", "name": "thread_name", "pid": process, "tid": lane, "args": {"name": name},
            });
            out.write_all(b",\n")?;
            serde_json::to_writer(&mut *out, &name)?;
        }
        for event in &state.events {
            let mut arguments = serde_json::Map::new();
            if let Some(document) = &event.document {
                arguments.insert("document".to_owned(), json!(&**document));
            }
            if let Some(detail) = &event.detail {
                arguments.insert("detail".to_owned(), json!(detail));
            }
            let microseconds = |duration: Duration| duration.as_nanos() as f64 / 1e3;
            let event = json!({
                "ph": "X", "name": event.stage, "cat": "docproc", "pid": process, "tid": event.lane,
                "ts": microseconds(event.begin), "dur": microseconds(event.length), "args": arguments,
            });
            out.write_all(b",\n")?;
            serde_json::to_writer(&mut *out, &event)?;
        }
        out.write_all(b"\n]}\n")
    }
}

/// Lanes that threads which have ended left free: sessions run on short-lived threads, and a trace of a thousand
/// rows with one span each shows nothing.
static FREE: Mutex<(u32, Vec<u32>)> = Mutex::new((1, Vec::new()));

thread_local! {
    static LANE: Lane = const { Lane(Cell::new(0)) };
    static DOCUMENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// A thread's row in the trace; 0 until it has one.
struct Lane(Cell<u32>);

impl Lane {
    fn number(&self) -> u32 {
        if self.0.get() == 0 {
            let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
            let lane = free.1.pop().unwrap_or_else(|| {
                free.0 += 1;
                free.0 - 1
            });
            self.0.set(lane);
        }
        self.0.get()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.0.get() != 0 {
            FREE.lock().unwrap_or_else(PoisonError::into_inner).1.push(self.0.get());
        }
    }
}

/// The document that this thread works on.
pub(super) fn document() -> Option<Arc<str>> {
    DOCUMENT.with(|document| document.borrow().clone())
}

/// Sets the document that this thread works on until the guard is dropped.
#[derive(Debug)]
pub struct DocumentGuard {
    before: Option<Arc<str>>,
}

impl DocumentGuard {
    pub(super) fn new(document: Option<Arc<str>>) -> Self {
        Self { before: DOCUMENT.with(|current| current.replace(document)) }
    }
}

impl Drop for DocumentGuard {
    fn drop(&mut self) {
        DOCUMENT.with(|current| current.replace(self.before.take()));
    }
}
