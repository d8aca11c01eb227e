//! How the time of everything after reading grows with the pages of a document: twice the pages may take at most 2.3
//! times the time. Documents of statements, as one joined table and as the same table on every page; medians of three.
//!
//!     cargo bench --bench growth
#![allow(missing_docs, reason = "a program")]

mod stages;
mod statements;

use stages::{STAGES, run};
use statements::{Kind, document};

/// Twice the pages may take so many times the time.
const BAR: f64 = 2.3;
const PAGES: [usize; 5] = [63, 125, 250, 500, 1_000];
const ROUNDS: usize = 3;

fn main() -> std::process::ExitCode {
    // Run by `cargo test --all-targets`, too: then nothing is measured.
    if !std::env::args().any(|argument| argument == "--bench") {
        return std::process::ExitCode::SUCCESS;
    }
    let mut kept = true;
    for kind in [Kind::Joined, Kind::Repeated] {
        println!("{kind:?}: seconds\n{:>6} {:>8} {:>6}  {}", "pages", "all", "ratio", STAGES.join("  "));
        let mut before = None;
        for pages in PAGES {
            let document = document(kind, pages);
            let mut rounds: Vec<[f64; STAGES.len()]> = (0..ROUNDS).map(|_| run(&document)).collect();
            rounds.sort_by(|a, b| a.iter().sum::<f64>().total_cmp(&b.iter().sum()));
            let stages = rounds[ROUNDS / 2];
            let all: f64 = stages.iter().sum();
            let ratio = before.map_or(1.0, |before: f64| all / before);
            kept &= ratio <= BAR;
            let each: Vec<String> = stages
                .iter()
                .zip(STAGES)
                .map(|(seconds, name)| format!("{seconds:>width$.3}", width = name.len()))
                .collect();
            println!("{pages:>6} {all:>8.3} {ratio:>6.2}  {}", each.join("  "));
            before = Some(all);
        }
    }
    println!("{}", if kept { "kept" } else { "broken: twice the pages took more than 2.3 times the time" });
    if kept { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
