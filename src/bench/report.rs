//! Figures, as JSON and as a table.

use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::flops::Operations;
use super::machine::Machine;
use super::roofline::Limit;
use super::stats::{Latency, Ratio};
use crate::error::{Error, ErrorCode, Result};

/// Version of the JSON.
pub const REPORT_VERSION: u32 = 1;

/// Everything that one `docproc bench` measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Where.
    pub machine: Machine,
    /// On how much.
    pub documents: Documents,
    /// Measured limits of the machine, by number of threads.
    pub limits: Vec<Limit>,
    /// In the order of measuring.
    pub results: Vec<Measurement>,
}

/// What the documents gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Documents {
    /// Where they came from; empty where none were needed.
    pub path: String,
    /// Pages that models were measured on.
    pub pages: usize,
    /// Sentences that models were measured on.
    pub sentences: usize,
}

/// One workload's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The workload.
    pub name: String,
    /// Those it was run in turn with.
    pub group: String,
    /// What throughput counts.
    pub unit: String,
    /// Items per run.
    pub items: f64,
    /// Milliseconds per run.
    pub latency_ms: Latency,
    /// Items a second, by the median run.
    pub throughput: f64,
    /// Tokens a second, by the median run; padding is no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Peak memory of a fresh process that does only this, its children included, in megabytes (10^6 bytes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<f64>,
    /// Operations of one run, padding included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Operations>,
    /// Time that the machine's limit allows for those operations, as a share of the median run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_of_limit: Option<f64>,
    /// Padded tokens of a batch that proved fastest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_tokens: Option<usize>,
    /// How many times faster than the first of its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speedup: Option<Ratio>,
    /// Every run in seconds.
    pub seconds: Vec<f64>,
}

impl Report {
    /// Reads what `docproc bench --json` printed.
    ///
    /// # Errors
    /// `data.invalid`.
    pub fn read(path: &Path) -> Result<Self> {
        let invalid = |message: &str| Error::new(ErrorCode::DataInvalid, message).file(path);
        let bytes =
            std::fs::read(path).map_err(|error| invalid("cannot read the baseline").because(error))?;
        let report: Self = serde_json::from_slice(&bytes).map_err(|error| {
            invalid("not the output of `docproc bench --json`")
                .because(error)
                .help("make one with `docproc bench --json > baseline.json`")
        })?;
        if report.version == REPORT_VERSION {
            Ok(report)
        } else {
            Err(invalid("the baseline is of another version; measure it again"))
        }
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = self.machine.describe();
        if !self.documents.path.is_empty() {
            let Documents { path, pages, sentences } = &self.documents;
            line(&mut text, &format!("documents: {path}, models on {pages} pages, {sentences} sentences"));
        }
        for limit in &self.limits {
            let (float, int8) = (limit.float / 1e9, limit.int8 / 1e9);
            let plural = if limit.threads == 1 { "" } else { "s" };
            line(
                &mut text,
                &format!(
                    "limit, {} thread{plural}: fp32 {float:.0} GFLOP/s, int8 (u8 x s8) {int8:.0} GOP/s",
                    limit.threads
                ),
            );
        }
        let width = self.results.iter().map(|result| result.name.len()).max().unwrap_or(0).max(5);
        line(&mut text, "");
        line(
            &mut text,
            &format!(
                "{:width$}  {:>37}  {:>20}  {:>10}  {:>9}  {:>8}  {:>5}",
                "", "Latency (ms)", "Throughput", "", "Memory", "of", "best"
            ),
        );
        line(
            &mut text,
            &format!(
                "{:width$}  {:>9}{:>9}{:>9}{:>10}  {:>20}  {:>10}  {:>9}  {:>8}  {:>5}  times the first of its group",
                "Model", "p50", "p95", "min", "max", "a second", "tokens/s", "(MB)", "limit", "batch"
            ),
        );
        let mut group = "";
        for result in &self.results {
            if group != result.group
                && !group.is_empty()
                && result.group.split('/').next() != group.split('/').next()
            {
                line(&mut text, "");
            }
            group = &result.group;
            line(&mut text, &result.row(width));
        }
        text
    }
}

impl Measurement {
    fn row(&self, width: usize) -> String {
        let latency = &self.latency_ms;
        let optional = |value: Option<f64>, digits: usize, unit: &str| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}{unit}"))
        };
        let batch = self.batch_tokens.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string());
        let speedup = self.speedup.map_or_else(String::new, |ratio| {
            format!("{:.2} [{:.2}, {:.2}]", ratio.value, ratio.low, ratio.high)
        });
        let digits = if self.throughput < 1000.0 { 1 } else { 0 };
        let throughput = format!("{:.digits$} {}", self.throughput, self.unit);
        let row = format!(
            "{:width$}  {:>9.2}{:>9.2}{:>9.2}{:>10.2}  {throughput:>20}  {:>10}  {:>9}  {:>8}  {batch:>5}  {speedup}",
            self.name,
            latency.p50,
            latency.p95,
            latency.min,
            latency.max,
            optional(self.tokens_per_second, 0, ""),
            optional(self.memory_mb, 0, ""),
            optional(self.share_of_limit.map(|share| share * 100.0), 0, "%"),
        );
        row.trim_end().to_owned()
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", line.trim_end());
}
