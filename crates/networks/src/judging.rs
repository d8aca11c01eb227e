//! How well two models predict the same rows: the network of a recipe and logistic regression.

use super::metrics::{self, Interval};

/// Resamples behind an interval.
pub const RESAMPLES: usize = 500;
const CALIBRATION_BINS: usize = 15;

/// Held-out figures of one model, over the test parts of all folds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Area under the curve; for several classes the mean over classes of one against the rest. Interval by resampling
    /// groups.
    pub auc: Interval,
    /// Share of rows whose most probable class is the true one.
    pub accuracy: f64,
    /// Expected calibration error of the positive class, or of the most probable class for several, 15 bins.
    pub calibration_error: f64,
    /// Mean squared error of that probability.
    pub brier: f64,
    /// Mean negative log probability of the true class.
    pub log_loss: f64,
}

/// What both models say about a row that neither has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Company or document; resampled as a whole.
    pub group: String,
    /// Part of the data, for figures of its own; may be empty.
    pub part: String,
    /// The true class.
    pub class: usize,
    /// Class probabilities of the network and of the baseline.
    pub probabilities: [Vec<f64>; 2],
}

/// Figures of both models on the same rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Rows judged.
    pub rows: usize,
    /// Groups that they belong to.
    pub groups: usize,
    /// Figures of the network.
    pub network: Evaluation,
    /// Figures of logistic regression.
    pub baseline: Evaluation,
    /// AUC of the network minus that of logistic regression, on the same resamples.
    pub difference: Interval,
    /// Log loss of the network minus that of logistic regression, on the same resamples; below 0 is better.
    pub loss_difference: Interval,
    /// AUC of the network and of logistic regression by part of the data, with the number of rows, where parts are
    /// named and hold every class.
    pub parts: Vec<(String, usize, [Interval; 2])>,
}

impl Judgement {
    /// `None` where the rows do not hold every class.
    #[must_use]
    pub fn of(predictions: &[Prediction]) -> Option<Self> {
        let over_groups = |figure: &dyn Fn(&[&Prediction]) -> Option<f64>| {
            metrics::bootstrap(predictions, |p| &p.group, figure, RESAMPLES, 1)
        };
        let mut groups: Vec<&str> = predictions.iter().map(|p| p.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        Some(Self {
            rows: predictions.len(),
            groups: groups.len(),
            network: evaluate(predictions, 0)?,
            baseline: evaluate(predictions, 1)?,
            difference: over_groups(&|sample| Some(auc(sample, 0)? - auc(sample, 1)?))?,
            loss_difference: over_groups(&|sample| {
                Some(log_loss(sample.iter().copied(), 0) - log_loss(sample.iter().copied(), 1))
            })?,
            parts: by_part(predictions),
        })
    }
}

fn auc(sample: &[&Prediction], model: usize) -> Option<f64> {
    let width = sample.first()?.probabilities[model].len();
    let of_class = |class: usize| {
        metrics::auc(
            &sample.iter().map(|p| (p.probabilities[model][class], p.class == class)).collect::<Vec<_>>(),
        )
    };
    if width == 2 {
        return of_class(1);
    }
    let each: Vec<f64> = (0..width).filter_map(of_class).collect();
    (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
}

/// Figures of each named part of the data; parts without every class are left out.
fn by_part(predictions: &[Prediction]) -> Vec<(String, usize, [Interval; 2])> {
    let mut names: Vec<&str> =
        predictions.iter().map(|p| p.part.as_str()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let rows: Vec<&Prediction> = predictions.iter().filter(|p| p.part == name).collect();
            let of = |model: usize| {
                let figure =
                    |sample: &[&&Prediction]| auc(&sample.iter().map(|p| **p).collect::<Vec<_>>(), model);
                metrics::bootstrap(&rows, |p| &p.group, figure, RESAMPLES, 1)
            };
            Some((name.to_owned(), rows.len(), [of(0)?, of(1)?]))
        })
        .collect()
}

fn log_loss<'a>(predictions: impl ExactSizeIterator<Item = &'a Prediction>, model: usize) -> f64 {
    let rows = predictions.len() as f64;
    predictions.map(|p| -p.probabilities[model][p.class].max(1e-7).ln()).sum::<f64>() / rows
}

fn evaluate(predictions: &[Prediction], model: usize) -> Option<Evaluation> {
    let best = |p: &[f64]| (1..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best });
    let scored: Vec<(f64, bool)> = predictions
        .iter()
        .map(|p| {
            let probabilities = &p.probabilities[model];
            let class = if probabilities.len() == 2 { 1 } else { best(probabilities) };
            (probabilities[class], p.class == class)
        })
        .collect();
    let right = predictions.iter().filter(|p| best(&p.probabilities[model]) == p.class).count();
    let rows = predictions.len() as f64;
    Some(Evaluation {
        auc: metrics::bootstrap(predictions, |p| &p.group, |sample| auc(sample, model), RESAMPLES, 1)?,
        accuracy: right as f64 / rows,
        calibration_error: metrics::expected_calibration_error(&scored, CALIBRATION_BINS),
        brier: metrics::brier(&scored),
        log_loss: log_loss(predictions.iter(), model),
    })
}
