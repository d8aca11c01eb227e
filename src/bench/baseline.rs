//! Now against an earlier run.

use std::fmt::Write;

use super::report::Report;
use super::stats::Ratio;

/// Memory that comes and goes with the moment of looking, in megabytes.
const MEMORY_NOISE: f64 = 10.0;

/// How a workload changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The workload.
    pub name: String,
    /// Median time per item, now over then.
    pub time: Ratio,
    /// Peak memory, now over then, where both are known.
    pub memory: Option<f64>,
    /// Whether it got slower or larger by more than is allowed.
    pub regressed: bool,
}

/// What two reports have in common, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Workloads that both have.
    pub changes: Vec<Change>,
    /// Whether both come from machines that are alike.
    pub same_machine: bool,
}

impl Comparison {
    /// `most` is the largest share that a workload may lose, for instance 0.1. A workload regressed if it is slower
    /// by more than that and the interval of the ratio leaves no doubt that it is slower, or if its memory grew by
    /// more than that.
    #[must_use]
    pub fn new(now: &Report, before: &Report, most: f64) -> Self {
        let changes = now
            .results
            .iter()
            .filter_map(|result| {
                let earlier = before.results.iter().find(|earlier| earlier.name == result.name)?;
                let per_item = |seconds: &[f64], items: f64| -> Vec<f64> {
                    seconds.iter().map(|seconds| seconds / items.max(1.0)).collect()
                };
                let time = Ratio::of_medians(
                    &per_item(&result.seconds, result.items),
                    &per_item(&earlier.seconds, earlier.items),
                )?;
                let slower = time.value > 1.0 + most && time.low > 1.0;
                let memory = result.memory_mb.zip(earlier.memory_mb);
                let larger =
                    memory.is_some_and(|(now, then)| now > then * (1.0 + most) && now > then + MEMORY_NOISE);
                Some(Change {
                    name: result.name.clone(),
                    time,
                    memory: memory.map(|(now, then)| now / then),
                    regressed: slower || larger,
                })
            })
            .collect();
        Self { changes, same_machine: now.machine.resembles(&before.machine) }
    }

    /// Whether anything regressed.
    #[must_use]
    pub fn regressed(&self) -> bool {
        self.changes.iter().any(|change| change.regressed)
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("\nagainst the baseline: time per item and memory, now over then\n");
        if !self.same_machine {
            text.push_str("the baseline is of another machine: these ratios say little about docproc\n");
        }
        let width = self.changes.iter().map(|change| change.name.len()).max().unwrap_or(0);
        for Change { name, time, memory, regressed } in &self.changes {
            let memory = memory.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
            let mark = if *regressed { "  REGRESSED" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{name:width$}  {:>5.2} [{:.2}, {:.2}]  {memory:>5}{mark}",
                time.value, time.low, time.high
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Machine;
    use crate::bench::report::{Documents, Measurement, REPORT_VERSION};
    use crate::bench::stats::Latency;

    fn report(milliseconds: f64, memory: f64) -> Report {
        let seconds: Vec<f64> = (0..20).map(|i| milliseconds * (1e-3 + 1e-5 * f64::from(i % 5))).collect();
        let result = Measurement {
            name: "a".to_owned(),
            group: "a".to_owned(),
            unit: "pages".to_owned(),
            items: 2.0,
            latency_ms: Latency::of(&seconds),
            throughput: 1.0,
            tokens_per_second: None,
            memory_mb: Some(memory),
            operations: None,
            share_of_limit: None,
            batch_tokens: None,
            speedup: None,
            seconds,
        };
        Report {
            version: REPORT_VERSION,
            machine: Machine::default(),
            documents: Documents::default(),
            limits: Vec::new(),
            results: vec![result],
        }
    }

    #[test]
    fn slower_and_larger_are_told_apart_from_noise() {
        let before = report(10.0, 100.0);
        let regressed = |now: &Report| Comparison::new(now, &before, 0.1).regressed();
        assert!(!regressed(&report(10.0, 100.0)) && !regressed(&report(10.5, 109.0)));
        assert!(!regressed(&report(7.0, 50.0)));
        assert!(regressed(&report(12.0, 100.0)));
        assert!(regressed(&report(10.0, 130.0)));
        // Workloads that only one of the two has say nothing.
        let mut other = report(99.0, 999.0);
        other.results[0].name = "b".to_owned();
        assert!(Comparison::new(&other, &before, 0.1).changes.is_empty());
    }

    #[test]
    fn a_report_survives_its_json() {
        let before = report(10.0, 100.0);
        let json = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), before);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baseline.json");
        std::fs::write(&path, json.replacen("\"version\":1", "\"version\":99", 1)).unwrap();
        assert!(Report::read(&path).unwrap_err().to_string().contains("another version"));
        std::fs::write(&path, "{}").unwrap();
        assert!(Report::read(&path).unwrap_err().to_string().contains("docproc bench --json"));
    }
}
