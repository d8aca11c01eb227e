//! What many measurements of the same thing say.

use serde::{Deserialize, Serialize};

use docproc_networks::metrics::interval;
use docproc_networks::random::Random;

/// Resamples behind a confidence interval.
const RESAMPLES: usize = 2000;

/// Times of one run of a workload, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 95 of 100 runs were no slower.
    pub p95: f64,
    /// Fastest.
    pub min: f64,
    /// Slowest.
    pub max: f64,
    /// Number of runs.
    pub runs: usize,
}

impl Latency {
    /// Of durations in seconds, at least one.
    #[must_use]
    pub fn of(seconds: &[f64]) -> Self {
        let mut sorted = seconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share| 1e3 * quantile(&sorted, share);
        Self { p50: at(0.5), p95: at(0.95), min: at(0.0), max: at(1.0), runs: seconds.len() }
    }
}

/// A ratio with its 95% confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Ratio {
    /// How many times faster `times` are than `reference`, measured in turn: the median of the ratios of pairs.
    /// Drift of the machine moves both times of a pair alike and cancels. The pairs are resampled.
    #[must_use]
    pub fn of_pairs(reference: &[f64], times: &[f64]) -> Option<Self> {
        let ratios: Vec<f64> = reference.iter().zip(times).map(|(a, b)| a / b).collect();
        let value = (!ratios.is_empty()).then(|| median(ratios.clone()))?;
        Self::resampled(value, |random| median(resample(&ratios, random)))
    }

    /// How many times slower `now` is than `before`, measured at different times: the ratio of the medians. Both
    /// are resampled by themselves.
    #[must_use]
    pub fn of_medians(now: &[f64], before: &[f64]) -> Option<Self> {
        if now.is_empty() || before.is_empty() {
            return None;
        }
        let value = median(now.to_vec()) / median(before.to_vec());
        Self::resampled(value, |random| median(resample(now, random)) / median(resample(before, random)))
    }

    fn resampled(value: f64, draw: impl Fn(&mut Random) -> f64) -> Option<Self> {
        let [low, high] = interval(RESAMPLES, 1, |random| Some(draw(random)))?;
        Some(Self { value, low, high })
    }
}

fn resample(values: &[f64], random: &mut Random) -> Vec<f64> {
    values.iter().map(|_| values[random.below(values.len())]).collect()
}

/// The median; 0 of nothing.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    if values.is_empty() { 0.0 } else { quantile(&values, 0.5) }
}

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan 1996).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_definition() {
        let latency = Latency::of(&[0.004, 0.001, 0.003, 0.002, 0.005]);
        assert_eq!((latency.p50, latency.min, latency.max, latency.runs), (3.0, 1.0, 5.0, 5));
        assert!((latency.p95 - 4.8).abs() < 1e-9, "{latency:?}");
    }

    #[test]
    fn drift_cancels_in_pairs_and_the_interval_holds_the_truth() {
        // The machine gets three times slower; the second is twice as fast, give or take 2%.
        let drift: Vec<f64> = (0..40).map(|i| 1.0 + f64::from(i) / 20.0).collect();
        let times: Vec<f64> =
            drift.iter().enumerate().map(|(i, d)| d / 2.0 * (1.0 + 0.02 * (i % 3) as f64 - 0.02)).collect();
        let ratio = Ratio::of_pairs(&drift, &times).unwrap();
        assert!((ratio.value - 2.0).abs() < 0.05, "{ratio:?}");
        assert!(ratio.low <= 2.0 && 2.0 <= ratio.high && ratio.high - ratio.low < 0.1, "{ratio:?}");
        // Unpaired, the drift makes the interval wide.
        let unpaired = Ratio::of_medians(&drift, &times).unwrap();
        assert!(unpaired.high - unpaired.low > 0.3, "{unpaired:?}");
        assert_eq!(Ratio::of_pairs(&[], &[]), None);
    }
}
