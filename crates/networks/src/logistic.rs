//! Logistic regression: the simple model that every shipped network has to beat, and Platt's calibration.

use super::activation::Activation;
use super::dataset::Dataset;
use super::network::{LayerParameters, Network};
use super::spec::{Calibration, LayerSpec, NetworkSpec};
use docproc_error::{Error, ErrorCode, Result};

/// Fits logistic regression with an L2 penalty `penalty / 2 |w|^2` on the standardised features (mean log-loss,
/// Newton's method) and returns it as a network with one linear neuron. With `balance`, both classes count alike.
///
/// # Errors
/// `data.invalid` when the data have several targets or only one class.
pub fn fit(spec: &NetworkSpec, data: &Dataset, penalty: f64, balance: bool) -> Result<Network> {
    let fail = |what: &str| Error::new(ErrorCode::DataInvalid, what).part(&spec.name);
    if data.outputs != 1 || data.width != spec.inputs {
        return Err(fail("logistic regression needs one target and the network's inputs"));
    }
    let positives = (0..data.rows()).filter(|row| data.class(*row) == 1).count();
    if positives == 0 || positives == data.rows() {
        return Err(fail("all rows have the same label"));
    }
    let scaling = data.standardization();
    let width = data.width + 1;
    let mut rows = Vec::with_capacity(data.rows() * width);
    for row in 0..data.rows() {
        for (column, value) in data.input(row).iter().enumerate() {
            let scaled = f64::from((value - scaling.offsets[column]) * scaling.factors[column]);
            rows.push(if scaled.is_finite() { scaled } else { 0.0 });
        }
        rows.push(1.0);
    }
    let total = data.rows() as f64;
    let class_weights = [total / (2.0 * (total - positives as f64)), total / (2.0 * positives as f64)];
    let targets: Vec<f64> = (0..data.rows()).map(|row| f64::from(data.target(row)[0])).collect();
    let weights: Vec<f64> =
        (0..data.rows()).map(|row| if balance { class_weights[data.class(row)] } else { 1.0 }).collect();
    let mut penalties = vec![penalty; width];
    penalties[width - 1] = 1e-9; // the bias is free
    let solution = newton(&rows, &targets, &weights, &penalties, 30);
    let mut spec = spec.clone();
    spec.layers = vec![LayerSpec::uniform(1, Activation::Linear)];
    spec.class_weights = if balance { class_weights.map(|w| w as f32).to_vec() } else { Vec::new() };
    let layer = LayerParameters {
        weights: solution[..width - 1].iter().map(|w| *w as f32).collect(),
        biases: vec![solution[width - 1] as f32],
        thresholds: Vec::new(),
    };
    Network::new(spec, Some(scaling), vec![layer], None)
}

/// Platt's scaling: the slope and intercept that make `sigmoid(slope * logit + intercept)` fit the truth best, with
/// his smoothed targets (Platt 1999; Lin, Lin and Weng 2007).
#[must_use]
pub fn platt(logits: &[(f64, bool)]) -> Calibration {
    let positives = logits.iter().filter(|(_, truth)| *truth).count() as f64;
    let negatives = logits.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return Calibration::default();
    }
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let rows: Vec<f64> = logits.iter().flat_map(|(logit, _)| [*logit, 1.0]).collect();
    let targets: Vec<f64> = logits.iter().map(|(_, truth)| if *truth { high } else { low }).collect();
    let solution = newton(&rows, &targets, &vec![1.0; logits.len()], &[1e-9, 1e-9], 100);
    // A slope that is not positive would turn the ranking around: then the logits say nothing about these data.
    if solution[0] <= 0.0 || !solution[0].is_finite() || !solution[1].is_finite() {
        return Calibration::default();
    }
    Calibration { slope: solution[0] as f32, intercept: solution[1] as f32 }
}

/// The temperature that makes the softmax of several logits fit the truth best (Guo et al. 2017), as a slope; by
/// golden-section search on log-loss over temperatures 0.05 to 20.
///
/// `logits` is row-major `[rows, classes]`.
#[must_use]
pub fn temperature(logits: &[f32], classes: &[usize], width: usize) -> Calibration {
    let loss = |log_slope: f64| {
        let slope = log_slope.exp();
        logits
            .chunks_exact(width)
            .zip(classes)
            .map(|(row, class)| {
                let z: Vec<f64> = row.iter().map(|value| slope * f64::from(*value)).collect();
                let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                largest + z.iter().map(|z| (z - largest).exp()).sum::<f64>().ln() - z[*class]
            })
            .sum::<f64>()
    };
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-(20f64.ln()), 20f64.ln());
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    Calibration { slope: f64::midpoint(low, high).exp() as f32, intercept: 0.0 }
}

/// Minimises mean weighted log-loss plus `sum penalty_i / 2 w_i^2` by Newton's method with step halving.
fn newton(rows: &[f64], targets: &[f64], weights: &[f64], penalties: &[f64], steps: usize) -> Vec<f64> {
    let width = penalties.len();
    let share = 1.0 / targets.len() as f64;
    let logits = |w: &[f64]| -> Vec<f64> {
        rows.chunks_exact(width).map(|row| row.iter().zip(w).map(|(x, w)| x * w).sum()).collect()
    };
    let loss = |w: &[f64]| {
        let penalty: f64 = w.iter().zip(penalties).map(|(w, p)| 0.5 * p * w * w).sum();
        let each = logits(w);
        let fit: f64 = each
            .iter()
            .zip(targets)
            .zip(weights)
            .map(|((z, t), weight)| weight * (z.max(0.0) - z * t + (-z.abs()).exp().ln_1p()))
            .sum();
        fit * share + penalty
    };
    let mut solution = vec![0.0; width];
    let mut current = loss(&solution);
    for _ in 0..steps {
        let mut gradient: Vec<f64> = solution.iter().zip(penalties).map(|(w, p)| w * p).collect();
        let mut hessian = vec![0.0; width * width];
        for (((row, z), target), weight) in
            rows.chunks_exact(width).zip(logits(&solution)).zip(targets).zip(weights)
        {
            let p = 1.0 / (1.0 + (-z).exp());
            let (slope, curvature) =
                (weight * share * (p - target), weight * share * (p * (1.0 - p)).max(1e-12));
            for i in 0..width {
                gradient[i] += slope * row[i];
                let scaled = curvature * row[i];
                for j in 0..=i {
                    hessian[i * width + j] += scaled * row[j];
                }
            }
        }
        for i in 0..width {
            hessian[i * width + i] += penalties[i] + 1e-10;
        }
        let direction = solve(&mut hessian, &gradient);
        let mut pace = 1.0;
        let improved = (0..30).any(|_| {
            let next: Vec<f64> = solution.iter().zip(&direction).map(|(w, d)| w - pace * d).collect();
            let value = loss(&next);
            if value < current {
                let gained = current - value;
                solution.copy_from_slice(&next);
                current = value;
                return gained > 1e-12;
            }
            pace *= 0.5;
            false
        });
        if !improved {
            break;
        }
    }
    solution
}

/// Solves `a x = b` for a symmetric positive definite matrix given by its lower triangle (Cholesky), which is
/// overwritten by its factor.
fn solve(a: &mut [f64], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - dot;
            a[i * n + j] = if i == j { rest.max(1e-300).sqrt() } else { rest / a[j * n + j] };
        }
    }
    let mut x = b.to_vec();
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i * n + k] * x[k]).sum();
        x[i] = (x[i] - dot) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k * n + i] * x[k]).sum();
        x[i] = (x[i] - dot) / a[i * n + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Evaluator;
    use crate::random::Random;
    use crate::spec::Output;

    #[test]
    fn recovers_the_coefficients_that_made_the_data() {
        let mut random = Random::new(5);
        let mut data = Dataset::empty(2, 1);
        for _ in 0..4000 {
            let x = [random.normal() as f32, (3.0 + 2.0 * random.normal()) as f32];
            let logit = 1.5 * f64::from(x[0]) - 0.5 * (f64::from(x[1]) - 3.0) + 0.4;
            let truth = random.uniform() < 1.0 / (1.0 + (-logit).exp());
            data.push(&x, &[f32::from(u8::from(truth))], String::new());
        }
        let spec = NetworkSpec::new(
            "lr",
            2,
            vec![LayerSpec::uniform(1, Activation::Linear)],
            Output::Probability("y".into()),
        );
        let evaluator = Evaluator::new(&fit(&spec, &data, 1e-6, false).unwrap());
        let logit = |x: [f32; 2]| evaluator.run_one(&x).unwrap()[0];
        let zero = logit([0.0, 3.0]);
        assert!((zero - 0.4).abs() < 0.15, "{zero}");
        assert!((logit([1.0, 3.0]) - zero - 1.5).abs() < 0.2 && (logit([0.0, 4.0]) - zero + 0.5).abs() < 0.1);
        let one_class = data.filter(|row| data.class(row) == 1);
        assert!(fit(&spec, &one_class, 0.1, false).is_err());
    }

    #[test]
    fn platt_undoes_overconfidence() {
        let mut random = Random::new(6);
        let logits: Vec<(f64, bool)> = (0..3000)
            .map(|_| {
                let honest = 1.5 * random.normal();
                (3.0 * honest + 1.0, random.uniform() < 1.0 / (1.0 + (-honest).exp()))
            })
            .collect();
        let calibration = platt(&logits);
        assert!((calibration.slope - 1.0 / 3.0).abs() < 0.04, "{calibration:?}");
        assert!((calibration.intercept + 1.0 / 3.0).abs() < 0.12, "{calibration:?}");
        assert_eq!(platt(&[(1.0, true)]), Calibration::default());
    }

    #[test]
    fn temperature_undoes_overconfidence() {
        let mut random = Random::new(7);
        let (mut logits, mut classes) = (Vec::new(), Vec::new());
        for _ in 0..2000 {
            let honest: Vec<f64> = (0..3).map(|_| random.normal()).collect();
            let weights: Vec<f64> = honest.iter().map(|z| z.exp()).collect();
            let mut draw = random.uniform() * weights.iter().sum::<f64>();
            let class = weights
                .iter()
                .position(|w| {
                    draw -= w;
                    draw < 0.0
                })
                .unwrap_or(2);
            logits.extend(honest.iter().map(|z| 4.0 * *z as f32));
            classes.push(class);
        }
        let slope = temperature(&logits, &classes, 3).slope;
        assert!((slope - 0.25).abs() < 0.03, "{slope}");
    }
}
