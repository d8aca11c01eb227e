//! Histograms of activations and the ranges that follow from them.

/// Levels of an 8-bit activation.
const LEVELS: usize = 256;

/// Shares of the full range that [`Histogram::least_divergence`] tries.
const STEPS: usize = 64;

/// Counts in equal bins from `low` to `high`.
#[derive(Clone, Debug)]
pub struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// No counts yet. `low < high`, unless all values are the same.
    #[must_use]
    pub fn new(low: f32, high: f32, bins: usize) -> Self {
        Self { low, high, counts: vec![0; bins.max(1)] }
    }

    /// Counts values; those outside fall into the outermost bins, those that are not finite nowhere.
    pub fn add(&mut self, values: &[f32]) {
        let last = self.counts.len() - 1;
        let per_unit = self.counts.len() as f32 / (self.high - self.low).max(f32::MIN_POSITIVE);
        for value in values.iter().filter(|value| value.is_finite()) {
            let bin = ((value - self.low) * per_unit) as usize;
            self.counts[bin.min(last)] += 1;
        }
    }

    /// The range that holds `percent` of the values, half of the rest on either side.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> (f32, f32) {
        let total: u64 = self.counts.iter().sum();
        let tail = total as f64 * (1.0 - percent / 100.0) / 2.0;
        let skipped = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut seen = 0u64;
            counts
                .take_while(|count| {
                    seen += **count;
                    (seen as f64) <= tail
                })
                .count()
        };
        let below = skipped(&mut self.counts.iter());
        let above = skipped(&mut self.counts.iter().rev());
        if below + above >= self.counts.len() {
            return (self.low, self.high);
        }
        (self.edge(below), self.edge(self.counts.len() - above))
    }

    /// The clipped range whose 256-level distribution has the least Kullback-Leibler divergence from the one
    /// counted, where clipped values are counted at the edges. The method is TensorRT's (Migacz, "8-bit Inference
    /// with TensorRT", 2017), here for ranges that are not symmetric: magnitudes above a threshold are clipped.
    #[must_use]
    pub fn least_divergence(&self) -> (f32, f32) {
        let largest = self.high.abs().max(self.low.abs());
        let mut best = (f64::INFINITY, (self.low, self.high));
        for step in (STEPS / 4..=STEPS).rev() {
            let threshold = largest * step as f32 / STEPS as f32;
            let range = (self.low.max(-threshold), self.high.min(threshold));
            if let Some(divergence) = self.divergence(range)
                && divergence < best.0
            {
                best = (divergence, range);
            }
        }
        best.1
    }

    /// Divergence of the clipped and quantised distribution; `None` if the range has fewer bins than levels.
    fn divergence(&self, (low, high): (f32, f32)) -> Option<f64> {
        let first = self.bin_of(low);
        let last = self.bin_of(high).max(first + 1).min(self.counts.len());
        let inside = &self.counts[first..last];
        if inside.len() < LEVELS {
            return None;
        }
        let mut reference: Vec<f64> = inside.iter().map(|count| *count as f64).collect();
        reference[0] += self.counts[..first].iter().sum::<u64>() as f64;
        if let Some(edge) = reference.last_mut() {
            *edge += self.counts[last..].iter().sum::<u64>() as f64;
        }
        // Each level spreads the values that were really inside evenly over its occupied bins.
        let mut approximate = vec![0f64; inside.len()];
        for level in 0..LEVELS {
            let (from, to) = (level * inside.len() / LEVELS, (level + 1) * inside.len() / LEVELS);
            let sum: u64 = inside[from..to].iter().sum();
            let occupied = inside[from..to].iter().filter(|count| **count > 0).count().max(1);
            for bin in (from..to).filter(|bin| inside[*bin] > 0) {
                approximate[bin] = sum as f64 / occupied as f64;
            }
        }
        let (reference_sum, approximate_sum) =
            (reference.iter().sum::<f64>(), approximate.iter().sum::<f64>());
        if reference_sum == 0.0 || approximate_sum == 0.0 {
            return None;
        }
        // Clipped mass in a bin that no inside value occupies would be infinite; a small floor keeps it large.
        let floor = 1e-6;
        let terms = reference.iter().zip(&approximate).filter(|(p, _)| **p > 0.0);
        Some(
            terms
                .map(|(p, q)| {
                    let (p, q) = (p / reference_sum, (q / approximate_sum).max(floor));
                    p * (p / q).ln()
                })
                .sum(),
        )
    }

    fn bin_of(&self, value: f32) -> usize {
        let share = (value - self.low) / (self.high - self.low).max(f32::MIN_POSITIVE);
        (share * self.counts.len() as f32).round() as usize
    }

    fn edge(&self, bin: usize) -> f32 {
        self.low + (self.high - self.low) * bin as f32 / self.counts.len() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dense bell between -1 and 1 with one far outlier.
    fn with_outlier() -> Histogram {
        let mut histogram = Histogram::new(-1.0, 50.0, 2048);
        let values: Vec<f32> = (0..200_000)
            .map(|i| ((i as f32 * 0.618_034).fract() + (i as f32 * 0.414_2).fract()) - 1.0)
            .collect();
        histogram.add(&values);
        histogram.add(&[50.0]);
        histogram
    }

    #[test]
    fn percentile_cuts_the_outlier_off() {
        let (low, high) = with_outlier().percentile(99.9);
        assert!((-1.0..-0.9).contains(&low), "{low}");
        assert!((0.9..1.1).contains(&high), "{high}");
    }

    #[test]
    fn everything_is_the_hundredth_percentile() {
        let (low, high) = with_outlier().percentile(100.0);
        assert_eq!((low, high), (-1.0, 50.0));
    }

    #[test]
    fn entropy_clips_outliers_but_not_an_even_spread() {
        let (_, high) = with_outlier().least_divergence();
        assert!(high < 25.0, "{high}");
        let mut even = Histogram::new(0.0, 1.0, 2048);
        let values: Vec<f32> = (0..100_000).map(|i| i as f32 / 100_000.0).collect();
        even.add(&values);
        let (_, high) = even.least_divergence();
        assert!(high > 0.95, "{high}");
    }
}
