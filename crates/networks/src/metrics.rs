//! How good scores are: ranking, calibration, thresholds, with uncertainty.

use std::collections::BTreeMap;

use super::random::Random;

/// A score with the truth and the group (company, document) that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Probability, 0 to 1.
    pub score: f64,
    /// Whether the thing is what the score says.
    pub truth: bool,
    /// Group, resampled as a whole.
    pub group: String,
}

/// An estimate with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// On all data.
    pub estimate: f64,
    /// 2.5% quantile of the resamples.
    pub low: f64,
    /// 97.5% quantile of the resamples.
    pub high: f64,
}

/// Area under the receiver operating characteristic: the chance that a true one scores above a false one, ties half
/// (Mann-Whitney). `None` without both kinds.
#[must_use]
pub fn auc(scored: &[(f64, bool)]) -> Option<f64> {
    let mut sorted: Vec<(f64, bool)> = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|(_, truth)| *truth).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < sorted.len() {
        let end = start + sorted[start..].iter().take_while(|item| item.0 == sorted[start].0).count();
        let rank = (start + 1 + end) as f64 / 2.0;
        rank_sum += rank * sorted[start..end].iter().filter(|(_, truth)| *truth).count() as f64;
        start = end;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// A statistic with a 95% percentile bootstrap interval, resampling whole groups with this seed. Resamples for which
/// the statistic does not exist are drawn again, at most `resamples` times.
#[must_use]
pub fn bootstrap<T>(
    items: &[T],
    group: impl Fn(&T) -> &str,
    statistic: impl Fn(&[&T]) -> Option<f64>,
    resamples: usize,
    seed: u64,
) -> Option<Interval> {
    let mut groups: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for item in items {
        groups.entry(group(item)).or_default().push(item);
    }
    let groups: Vec<Vec<&T>> = groups.into_values().collect();
    let estimate = statistic(&items.iter().collect::<Vec<_>>())?;
    let [low, high] = interval(resamples, seed, |random| {
        let drawn = (0..groups.len()).flat_map(|_| groups[random.below(groups.len())].iter().copied());
        statistic(&drawn.collect::<Vec<&T>>())
    })?;
    Some(Interval { estimate, low, high })
}

/// The middle 95% of a statistic over resamples (percentile bootstrap, Efron 1979), always the same for the same seed.
/// What `draw` cannot say is drawn again, at most `resamples` times.
#[must_use]
pub fn interval(
    resamples: usize,
    seed: u64,
    mut draw: impl FnMut(&mut Random) -> Option<f64>,
) -> Option<[f64; 2]> {
    let mut random = Random::new(seed);
    let mut values: Vec<f64> = (0..2 * resamples).filter_map(|_| draw(&mut random)).take(resamples).collect();
    values.sort_by(f64::total_cmp);
    let quantile =
        |share: f64| values.get((share * values.len().saturating_sub(1) as f64).round() as usize).copied();
    Some([quantile(0.025)?, quantile(0.975)?])
}

/// Expected calibration error (Naeini et al. 2015) over `bins` bins of equal width: the mean difference between
/// score and share of true ones, weighted by bin size.
#[must_use]
pub fn expected_calibration_error(scored: &[(f64, bool)], bins: usize) -> f64 {
    let mut totals = vec![(0usize, 0.0, 0.0); bins];
    for (score, truth) in scored {
        let bin = ((score * bins as f64) as usize).min(bins - 1);
        totals[bin].0 += 1;
        totals[bin].1 += score;
        totals[bin].2 += f64::from(u8::from(*truth));
    }
    totals.iter().map(|(_, score, truth)| (score - truth).abs()).sum::<f64>() / scored.len().max(1) as f64
}

/// Mean squared difference of score and truth (Brier 1950).
#[must_use]
pub fn brier(scored: &[(f64, bool)]) -> f64 {
    let error = |(score, truth): &(f64, bool)| (score - f64::from(u8::from(*truth))).powi(2);
    scored.iter().map(error).sum::<f64>() / scored.len().max(1) as f64
}

/// Mean negative logarithm of the probability given to the truth, scores limited to 1e-7 .. 1 - 1e-7.
#[must_use]
pub fn log_loss(scored: &[(f64, bool)]) -> f64 {
    let loss = |(score, truth): &(f64, bool)| {
        let p = score.clamp(1e-7, 1.0 - 1e-7);
        -if *truth { p } else { 1.0 - p }.ln()
    };
    scored.iter().map(loss).sum::<f64>() / scored.len().max(1) as f64
}

/// Precision, recall and their harmonic mean when scores at or above a threshold are flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flagging {
    /// The threshold.
    pub threshold: f64,
    /// Share of flagged ones that are true; 1 when nothing is flagged.
    pub precision: f64,
    /// Share of true ones that are flagged; 0 without true ones.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// What a threshold does on these scores.
#[must_use]
pub fn flagging(scored: &[(f64, bool)], threshold: f64) -> Flagging {
    let count = |keep: &dyn Fn(bool, bool) -> bool| {
        scored.iter().filter(|(score, truth)| keep(*score >= threshold, *truth)).count() as f64
    };
    let hits = count(&|flagged, truth| flagged && truth);
    let (flagged, truths) = (count(&|flagged, _| flagged), count(&|_, truth| truth));
    let precision = if flagged > 0.0 { hits / flagged } else { 1.0 };
    let recall = if truths > 0.0 { hits / truths } else { 0.0 };
    let f1 = if hits > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    Flagging { threshold, precision, recall, f1 }
}

/// The threshold with the best F1, halfway between two neighbouring scores; the highest one among equals.
#[must_use]
pub fn best_threshold(scored: &[(f64, bool)]) -> Flagging {
    let mut scores: Vec<f64> = scored.iter().map(|(score, _)| *score).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let between = scores.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    between
        .chain(scores.first().copied())
        .map(|threshold| flagging(scored, threshold))
        .max_by(|a, b| a.f1.total_cmp(&b.f1).then(a.threshold.total_cmp(&b.threshold)))
        .unwrap_or(Flagging { threshold: 0.5, precision: 1.0, recall: 0.0, f1: 0.0 })
}

/// The lowest threshold, halfway between two neighbouring scores, that flags at most this share of the false ones.
#[must_use]
pub fn threshold_of_false_alarms(scored: &[(f64, bool)], share: f64) -> Flagging {
    let mut wrong: Vec<f64> = scored.iter().filter(|(_, truth)| !truth).map(|(score, _)| *score).collect();
    wrong.sort_by(|a, b| b.total_cmp(a));
    let allowed = (share * wrong.len() as f64) as usize;
    let threshold = match wrong.get(allowed) {
        Some(spared) => {
            let above = scored.iter().map(|(score, _)| *score).filter(|score| score > spared);
            f64::midpoint(*spared, above.fold(1.0, f64::min))
        }
        None => 0.0,
    };
    flagging(scored, threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_pairs_and_halves_ties() {
        assert_eq!(auc(&[(0.1, false), (0.9, true)]), Some(1.0));
        assert_eq!(auc(&[(0.5, false), (0.5, true)]), Some(0.5));
        let scored = [(0.1, false), (0.4, true), (0.35, false), (0.8, true), (0.4, false)];
        // pairs: 0.4 beats 0.1 and 0.35 and ties 0.4; 0.8 beats all three
        assert_eq!(auc(&scored), Some(5.5 / 6.0));
        assert_eq!(auc(&[(0.5, true)]), None);
    }

    #[test]
    fn calibration_measures() {
        let perfect: Vec<(f64, bool)> = (0..10).map(|i| (0.7, i < 7)).collect();
        assert!(expected_calibration_error(&perfect, 15) < 1e-12);
        assert!((expected_calibration_error(&[(0.9, false), (0.9, true)], 10) - 0.4).abs() < 1e-12);
        assert!((brier(&[(0.8, true), (0.3, false)]) - (0.04 + 0.09) / 2.0).abs() < 1e-12);
        assert!((log_loss(&[(0.5, true)]) - 2f64.ln()).abs() < 1e-12);
        assert!(log_loss(&[(0.0, true)]).is_finite());
    }

    #[test]
    fn threshold_with_the_best_f1() {
        let scored = [(0.1, false), (0.3, false), (0.5, true), (0.6, false), (0.8, true), (0.9, true)];
        let best = best_threshold(&scored);
        assert!((best.threshold - 0.4).abs() < 1e-12);
        assert!((best.f1 - 6.0 / 7.0).abs() < 1e-12 && best.recall == 1.0);
        assert_eq!(best_threshold(&[]).threshold, 0.5);
    }

    #[test]
    fn threshold_that_spares_the_false_ones() {
        let scored = [(0.1, false), (0.3, false), (0.5, true), (0.6, false), (0.8, true), (0.9, true)];
        let none = threshold_of_false_alarms(&scored, 0.0);
        assert!((none.threshold - 0.7).abs() < 1e-12 && none.precision == 1.0);
        let one = threshold_of_false_alarms(&scored, 0.34);
        assert!((one.threshold - 0.4).abs() < 1e-12 && one.recall == 1.0);
        assert_eq!(threshold_of_false_alarms(&[], 0.1).threshold, 0.0);
    }

    #[test]
    fn bootstrap_interval_covers_and_widens_with_few_groups() {
        let mut random = Random::new(3);
        let make = |groups: usize, random: &mut Random| -> Vec<Scored> {
            (0..300)
                .map(|i| {
                    let truth = i % 2 == 0;
                    let shift = 0.4 * ((i % groups) as f64 / groups as f64 - 0.5);
                    let score = (0.5 + if truth { 0.1 } else { -0.1 } + shift + 0.15 * random.normal())
                        .clamp(0.0, 1.0);
                    Scored { score, truth, group: (i % groups).to_string() }
                })
                .collect()
        };
        let interval = |items: &[Scored]| {
            let statistic =
                |sample: &[&Scored]| auc(&sample.iter().map(|s| (s.score, s.truth)).collect::<Vec<_>>());
            bootstrap(items, |s| &s.group, statistic, 200, 1).unwrap()
        };
        let many = interval(&make(300, &mut random));
        let few = interval(&make(5, &mut random));
        for found in [many, few] {
            assert!(found.low < found.estimate && found.estimate < found.high, "{found:?}");
        }
        assert!(many.high - many.low < 0.2, "{many:?}");
    }
}
