//! Classification figures with their uncertainty.

use std::collections::BTreeMap;

use docproc_networks::metrics::interval;
use docproc_networks::random::Random;
use serde::Serialize;
use serde_json::Value;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 1_000;
const SEED: u64 = 0x5eed;
/// Bins of the calibration error.
const BINS: usize = 15;

/// One judged item: its true label, the predicted one, the confidence in it, and the group (document, company) that
/// the bootstrap resamples as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Index of the true label.
    pub truth: usize,
    /// Index of the predicted label.
    pub predicted: usize,
    /// Calibrated probability of the predicted label, 0 to 1.
    pub confidence: f32,
    /// Items of one group are not independent.
    pub group: usize,
}

/// Accuracy, F1 and calibration of a classifier on labelled data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationReport {
    /// Items judged.
    pub n: usize,
    /// Share of items with the right label.
    pub accuracy: f64,
    /// 95% interval of the accuracy by bootstrap over groups.
    pub accuracy_interval: [f64; 2],
    /// Mean F1 over the labels that occur in the truth.
    pub macro_f1: f64,
    /// 95% interval of the macro-F1 by bootstrap over groups.
    pub macro_f1_interval: [f64; 2],
    /// Precision, recall, F1 and support per label.
    pub per_label: BTreeMap<String, LabelFigures>,
    /// Counts: true label, then predicted label.
    pub confusion: BTreeMap<String, BTreeMap<String, usize>>,
    /// Expected calibration error over 15 bins of equal width (Guo et al. 2017).
    pub calibration_error: f64,
    /// Items with a wrong label: line, text, both labels, probabilities. For sentiment only.
    #[serde(skip)]
    pub wrong: Vec<Value>,
}

/// Figures of one label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelFigures {
    /// Share of the items predicted so that are so; 0 when none was predicted.
    pub precision: f64,
    /// Share of the items that are so and were found.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Items with this true label.
    pub support: usize,
}

impl ClassificationReport {
    /// Judges `items` over these label names. The bootstrap is seeded: the same items give the same intervals.
    #[must_use]
    pub fn new(labels: &[String], items: &[Judged]) -> Self {
        let counts = confusion(labels.len(), items.iter());
        let mut groups: BTreeMap<usize, Vec<&Judged>> = BTreeMap::new();
        for item in items {
            groups.entry(item.group).or_default().push(item);
        }
        let groups: Vec<Counts> =
            groups.into_values().map(|items| confusion(labels.len(), items.into_iter())).collect();
        let interval = |figure: fn(&Counts) -> f64| {
            bootstrap_interval(&groups, |sample| figure(&sum(labels.len(), sample)))
        };
        let (accuracy_interval, macro_f1_interval) = (interval(accuracy), interval(macro_f1));
        let (accuracy, macro_f1) = (accuracy(&counts), macro_f1(&counts));
        let per_label = labels
            .iter()
            .enumerate()
            .filter(|(label, _)| {
                counts[*label].iter().sum::<usize>() + counts.iter().map(|row| row[*label]).sum::<usize>() > 0
            })
            .map(|(label, name)| (name.clone(), figures(&counts, label)))
            .collect();
        let confusion = labels
            .iter()
            .enumerate()
            .filter(|(truth, _)| counts[*truth].iter().any(|count| *count > 0))
            .map(|(truth, name)| {
                let row = labels.iter().zip(&counts[truth]).filter(|(_, count)| **count > 0);
                (name.clone(), row.map(|(name, count)| (name.clone(), *count)).collect())
            })
            .collect();
        Self {
            n: items.len(),
            accuracy,
            accuracy_interval,
            macro_f1,
            macro_f1_interval,
            per_label,
            confusion,
            calibration_error: calibration_error(items),
            wrong: Vec::new(),
        }
    }
}

type Counts = Vec<Vec<usize>>;

fn confusion<'a>(labels: usize, items: impl Iterator<Item = &'a Judged>) -> Counts {
    let mut counts = vec![vec![0; labels]; labels];
    for item in items {
        counts[item.truth][item.predicted] += 1;
    }
    counts
}

fn sum(labels: usize, parts: &[&Counts]) -> Counts {
    let mut counts = vec![vec![0; labels]; labels];
    for part in parts {
        for (row, more) in counts.iter_mut().zip(*part) {
            row.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
    }
    counts
}

fn accuracy(counts: &Counts) -> f64 {
    let right: usize = (0..counts.len()).map(|label| counts[label][label]).sum();
    ratio(right, counts.iter().flatten().sum())
}

fn figures(counts: &Counts, label: usize) -> LabelFigures {
    let right = counts[label][label];
    let support = counts[label].iter().sum();
    let predicted = counts.iter().map(|row| row[label]).sum();
    LabelFigures {
        precision: ratio(right, predicted),
        recall: ratio(right, support),
        f1: ratio(2 * right, support + predicted),
        support,
    }
}

fn macro_f1(counts: &Counts) -> f64 {
    let scores: Vec<f64> = (0..counts.len())
        .filter(|label| counts[*label].iter().any(|count| *count > 0))
        .map(|label| figures(counts, label).f1)
        .collect();
    if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn calibration_error(items: &[Judged]) -> f64 {
    let mut bins = [(0usize, 0usize, 0f64); BINS];
    for item in items {
        let bin = ((f64::from(item.confidence) * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += 1;
        bins[bin].1 += usize::from(item.truth == item.predicted);
        bins[bin].2 += f64::from(item.confidence);
    }
    let gap: f64 = bins.iter().map(|(_, right, confidence)| (*right as f64 - confidence).abs()).sum();
    if items.is_empty() { 0.0 } else { gap / items.len() as f64 }
}

/// 95% interval of a figure over resamples of whole groups; `[0, 1]`, all that is known, of fewer than two.
pub(super) fn bootstrap_interval<T>(groups: &[T], figure: impl Fn(&[&T]) -> f64) -> [f64; 2] {
    let draw = |random: &mut Random| {
        let sample: Vec<&T> = groups.iter().map(|_| &groups[random.below(groups.len())]).collect();
        Some(figure(&sample))
    };
    let resamples = if groups.len() < 2 { 0 } else { RESAMPLES };
    interval(resamples, SEED, draw).unwrap_or([0.0, 1.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["a", "b", "c"].map(str::to_owned).to_vec()
    }

    fn item(truth: usize, predicted: usize, confidence: f32, group: usize) -> Judged {
        Judged { truth, predicted, confidence, group }
    }

    #[test]
    fn figures_match_a_hand_count() {
        // a: 2 right, 1 taken for b; b: 1 right; c does not occur and is predicted once.
        let items = [
            item(0, 0, 1.0, 0),
            item(0, 0, 1.0, 1),
            item(0, 1, 1.0, 2),
            item(1, 1, 1.0, 3),
            item(1, 2, 1.0, 4),
        ];
        let report = ClassificationReport::new(&labels(), &items);
        assert_eq!(report.accuracy, 0.6);
        assert_eq!(
            report.per_label["a"],
            LabelFigures { precision: 1.0, recall: 2.0 / 3.0, f1: 0.8, support: 3 }
        );
        assert_eq!(report.per_label["b"].f1, 0.5);
        assert!(
            (report.macro_f1 - 0.65).abs() < 1e-12,
            "labels without truth do not count: {}",
            report.macro_f1
        );
        assert_eq!(report.confusion["b"]["c"], 1);
        assert!((report.calibration_error - 0.4).abs() < 1e-9, "{}", report.calibration_error);
        let [low, high] = report.accuracy_interval;
        assert!(low < 0.6 && 0.6 < high);
    }

    #[test]
    fn a_calibrated_classifier_has_no_calibration_error() {
        let items: Vec<Judged> =
            (0..100).map(|index| item(0, usize::from(index >= 75), 0.75, index)).collect();
        assert!(ClassificationReport::new(&labels(), &items).calibration_error < 1e-6);
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_its_groups() {
        let mean = |sample: &[&f64]| sample.iter().copied().sum::<f64>() / sample.len() as f64;
        let values: Vec<f64> = (0..100).map(|index| f64::from(index % 2)).collect();
        let [low, high] = bootstrap_interval(&values, mean);
        // The standard error is 0.05.
        assert!((0.36..0.44).contains(&low) && (0.56..0.64).contains(&high), "{low} {high}");
        assert_eq!(bootstrap_interval(&values[..1], mean), [0.0, 1.0]);
    }

    #[test]
    fn groups_widen_the_interval() {
        let width = |group: fn(usize) -> usize| {
            let items: Vec<Judged> =
                (0..200).map(|index| item(0, usize::from(index % 20 < 6), 0.5, group(index))).collect();
            let [low, high] = ClassificationReport::new(&labels(), &items).accuracy_interval;
            high - low
        };
        assert!(width(|index| index % 20) > 1.5 * width(|index| index));
    }
}
