//! Progress of a run on a terminal, and notices that do not break it.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::Verbosity;
use super::log::{self, Level};
use super::summary::count;
use crate::document::analysis::Status;
use crate::output::{DocumentEntry, Outcome, StopReason};
use crate::pipeline::Observer;

/// Shows documents, pages, pages per second and time left while a run goes on.
pub struct Progress {
    bar: ProgressBar,
    verbosity: Verbosity,
    pages: AtomicU64,
}

impl Progress {
    /// A bar over `documents` documents; drawn only on a terminal, and not when `hidden`.
    pub fn new(documents: usize, verbosity: Verbosity, hidden: bool) -> Self {
        let wanted =
            !hidden && !log::is_json() && verbosity > Verbosity::Quiet && std::io::stderr().is_terminal();
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(documents as u64), target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} documents, {msg}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message("0 pages");
        if wanted {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        Self { bar, verbosity, pages: AtomicU64::new(0) }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, level: Level, event: &str, message: &str, fields: &Value) {
        self.bar.suspend(|| log::say(level, event, message, fields));
    }
}

impl Observer for Progress {
    fn notice(&self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.say(Level::Note, "notice", text, &Value::Null);
        }
    }

    fn pages_done(&self, pages: u64) {
        let pages = self.pages.fetch_add(pages, Ordering::Relaxed) + pages;
        let seconds = self.bar.elapsed().as_secs_f64().max(1e-3);
        self.bar.set_message(format!("{}, {:.1} pages/s", count(pages, "page"), pages as f64 / seconds));
    }

    fn stopping(&self, reason: Option<StopReason>, cut: bool) {
        let message = match (reason, cut) {
            (Some(StopReason::MaxRuntime), false) => "the time is up: stopping after the documents in work",
            (_, false) => "stopping after the documents in work",
            (_, true) => "documents in work took too long to finish and are given up; the next run does them",
        };
        if self.verbosity >= Verbosity::Normal {
            let event = if cut { "cutting" } else { "stopping" };
            self.say(Level::Note, event, message, &json!({"reason": reason}));
        }
    }

    fn document_done(&self, entry: &DocumentEntry) {
        self.bar.inc(1);
        let bad = matches!(entry.status, Some(Status::Failed | Status::Partial))
            && entry.outcome == Outcome::Analyzed;
        // A log for programs has every document; people ask for it, and otherwise hear of failures in the summary.
        if log::is_json() && (bad || self.verbosity >= Verbosity::Normal) {
            let level = if bad { Level::Warning } else { Level::Info };
            let message = format!("{}: {}", entry.path, entry.outcome.as_str());
            self.say(level, "document", &message, &json!(entry));
        } else if bad && self.verbosity == Verbosity::Quiet {
            let status = if entry.status == Some(Status::Failed) { "failed" } else { "is partial" };
            let codes: String = entry.codes.iter().map(|code| format!(" [{code}]")).collect();
            self.say(Level::Warning, "document", &format!("{} {status}{codes}", entry.path), &Value::Null);
        } else if self.verbosity == Verbosity::Verbose {
            let what = match entry.outcome {
                Outcome::Analyzed => format!("{} in {:.2} s", count(entry.pages, "page"), entry.seconds),
                Outcome::Skipped => "current, skipped".to_owned(),
                Outcome::NotReached => "not reached".to_owned(),
                Outcome::Cut => "cut".to_owned(),
            };
            let codes: String = entry.codes.iter().map(|code| format!(" [{code}]")).collect();
            self.say(Level::Info, "document", &format!("{}: {what}{codes}", entry.path), &Value::Null);
        }
    }
}
