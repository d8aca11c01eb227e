//! Progress of a run on a terminal, and notices that do not break it.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Color, Verbosity, paint};
use crate::output::{DocumentEntry, Outcome};
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
        let wanted = !hidden && verbosity > Verbosity::Quiet && std::io::stderr().is_terminal();
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

    fn line(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }
}

impl Observer for Progress {
    fn notice(&self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.line(&format!("{}: {text}", paint("note", Color::Yellow)));
        }
    }

    fn pages_done(&self, pages: u64) {
        let pages = self.pages.fetch_add(pages, Ordering::Relaxed) + pages;
        let seconds = self.bar.elapsed().as_secs_f64().max(1e-3);
        self.bar.set_message(format!("{pages} pages, {:.1} pages/s", pages as f64 / seconds));
    }

    fn document_done(&self, entry: &DocumentEntry) {
        self.bar.inc(1);
        if self.verbosity == Verbosity::Verbose {
            let what = match entry.outcome {
                Outcome::Analyzed => format!("{} pages in {:.2} s", entry.pages, entry.seconds),
                Outcome::Skipped => "current, skipped".to_owned(),
                Outcome::NotReached => "not reached".to_owned(),
            };
            let codes: String = entry.codes.iter().map(|code| format!(" [{code}]")).collect();
            self.line(&format!("{}: {what}{codes}", entry.path));
        }
    }
}
