//! Comparing outputs, and time, of two models on the same inputs.

use std::collections::BTreeMap;
use std::time::Instant;

use docproc_error::{Error, ErrorCode, Result};

use super::report::{OutputAgreement, SpeedComparison};
use super::runner::{ModelRunner, Tensors};
use crate::tensor::TensorValues;

/// Cosine similarity, accumulated in f64. Two zero vectors agree; a zero and a non-zero one do not. Anything that
/// is not finite gives 0.
#[must_use]
pub fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let mut sums = [0f64; 3];
    for (l, r) in left.iter().zip(right) {
        let (l, r) = (f64::from(*l), f64::from(*r));
        sums[0] += l * r;
        sums[1] += l * l;
        sums[2] += r * r;
    }
    let [product, left, right] = sums;
    if left == 0.0 && right == 0.0 {
        return 1.0;
    }
    let value = product / (left.sqrt() * right.sqrt());
    if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 }
}

/// Accumulates agreement over inputs.
#[derive(Default)]
pub struct Comparison(BTreeMap<String, Sums>);

#[derive(Default)]
struct Sums {
    cosines: Vec<f64>,
    rows: u64,
    same: u64,
    /// Largest difference and largest magnitude, input by input.
    largest: Vec<[f64; 2]>,
    /// Sums of squares: expected, actual.
    squares: [f64; 2],
}

impl Sums {
    fn max_difference(&self) -> f64 {
        self.largest.iter().map(|largest| largest[0]).fold(0.0, f64::max)
    }

    fn max_magnitude(&self) -> f64 {
        self.largest.iter().map(|largest| largest[1]).fold(0.0, f64::max)
    }

    /// Largest difference relative to the same input's largest magnitude. Where an input gives next to nothing, less
    /// than a thousandth of the others, it is measured by that.
    fn relative_difference(&self) -> f64 {
        let floor = (1e-3 * self.max_magnitude()).max(f64::MIN_POSITIVE);
        self.largest
            .iter()
            .map(|[difference, magnitude]| difference / magnitude.max(floor))
            .fold(0.0, f64::max)
    }

    /// Root of the ratio of squares; two zero outputs are as large as each other.
    fn norm_ratio(&self) -> f64 {
        let [expected, actual] = self.squares;
        if self.squares == [0.0; 2] { 1.0 } else { (actual / expected).sqrt() }
    }
}

impl Comparison {
    /// Adds the float32 outputs of one run. Rows are all axes but the last; those that `attention_mask` marks as
    /// padding do not count, because models are free to put anything there.
    ///
    /// # Errors
    /// `model.run` if an output is missing or has another shape.
    pub fn add(&mut self, inputs: &Tensors, expected: &Tensors, actual: &Tensors) -> Result<()> {
        for (name, left) in expected {
            let Some(left_values) = left.floats() else { continue };
            let right = actual
                .get(name)
                .filter(|right| right.shape == left.shape)
                .and_then(|right| right.floats())
                .ok_or_else(|| {
                    Error::new(
                        ErrorCode::ModelRun,
                        "the changed model lacks this output or changed its shape",
                    )
                    .part(name.clone())
                })?;
            let width = left.shape.last().copied().unwrap_or(1).max(1);
            let rows = left_values.len() / width;
            let kept = kept_rows(inputs, &left.shape, rows);
            let sums = self.0.entry(name.clone()).or_default();
            let (mut l, mut r) =
                (Vec::with_capacity(left_values.len()), Vec::with_capacity(left_values.len()));
            for row in (0..rows).filter(|row| kept.as_ref().is_none_or(|kept| kept[*row])) {
                let range = row * width..(row + 1) * width;
                l.extend_from_slice(&left_values[range.clone()]);
                r.extend_from_slice(&right[range.clone()]);
                sums.rows += 1;
                sums.same += u64::from(argmax(&left_values[range.clone()]) == argmax(&right[range]));
            }
            sums.cosines.push(cosine(&l, &r));
            let [mut largest, mut magnitude] = [0f64; 2];
            for (l, r) in l.iter().zip(&r) {
                let difference = f64::from((l - r).abs());
                // `max` would hide NaN.
                largest = if difference.is_nan() { f64::INFINITY } else { largest.max(difference) };
                magnitude = magnitude.max(f64::from(l.abs()));
                for (sum, value) in sums.squares.iter_mut().zip([l, r]) {
                    *sum += f64::from(*value).powi(2);
                }
            }
            sums.largest.push([largest, magnitude]);
        }
        Ok(())
    }

    /// The agreement by output.
    #[must_use]
    pub fn agreement(&self) -> BTreeMap<String, OutputAgreement> {
        self.0
            .iter()
            .map(|(name, sums)| {
                let agreement = OutputAgreement {
                    cosine_mean: sums.cosines.iter().sum::<f64>() / sums.cosines.len() as f64,
                    cosine_min: sums.cosines.iter().copied().fold(1.0, f64::min),
                    argmax_agreement: sums.same as f64 / (sums.rows.max(1)) as f64,
                    rows: sums.rows,
                    max_difference: sums.max_difference(),
                    relative_difference: sums.relative_difference(),
                    norm_ratio: sums.norm_ratio(),
                };
                (name.clone(), agreement)
            })
            .collect()
    }

    /// Smallest over outputs of the mean cosine similarity; 1 without outputs.
    #[must_use]
    pub fn worst_cosine(&self) -> f64 {
        self.agreement().values().map(|agreement| agreement.cosine_mean).fold(1.0, f64::min)
    }

    /// Largest difference of any output relative to that output's largest magnitude.
    #[must_use]
    pub fn relative_difference(&self) -> f64 {
        self.0
            .values()
            .map(|sums| sums.max_difference() / sums.max_magnitude().max(f64::MIN_POSITIVE))
            .fold(0.0, f64::max)
    }
}

fn kept_rows(inputs: &Tensors, shape: &[usize], rows: usize) -> Option<Vec<bool>> {
    let mask = inputs.get("attention_mask")?;
    if shape.len() != 3 || mask.shape != shape[..2] || rows != mask.shape.iter().product::<usize>() {
        return None;
    }
    match &mask.values {
        TensorValues::I64(values) => Some(values.iter().map(|value| *value != 0).collect()),
        TensorValues::I32(values) => Some(values.iter().map(|value| *value != 0).collect()),
        _ => None,
    }
}

fn argmax(row: &[f32]) -> usize {
    row.iter().enumerate().fold(0, |best, (index, value)| if *value > row[best] { index } else { best })
}

/// Runs a model on every input and compares its outputs with those expected.
///
/// # Errors
/// `model.run`.
pub fn compare(
    expected: &[Tensors],
    changed: &mut dyn ModelRunner,
    samples: &[Tensors],
) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    for (inputs, expected) in samples.iter().zip(expected) {
        comparison.add(inputs, expected, &changed.run(inputs)?)?;
    }
    Ok(comparison)
}

/// Times both models in turn, so that drift of the machine cancels; which one goes first alternates. One
/// untimed run of each comes before.
///
/// # Errors
/// `model.run`.
pub fn time(
    original: &mut dyn ModelRunner,
    changed: &mut dyn ModelRunner,
    inputs: &Tensors,
    pairs: u32,
) -> Result<SpeedComparison> {
    let run = |model: &mut dyn ModelRunner| -> Result<f64> {
        let start = Instant::now();
        model.run(inputs)?;
        Ok(start.elapsed().as_secs_f64() * 1000.0)
    };
    run(original)?;
    run(changed)?;
    let (mut before, mut after, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..pairs.max(1) {
        let (first, second) = if pair % 2 == 0 {
            let first = run(original)?;
            (first, run(changed)?)
        } else {
            let second = run(changed)?;
            (run(original)?, second)
        };
        before.push(first);
        after.push(second);
        ratios.push(first / second);
    }
    Ok(SpeedComparison {
        original_ms: quantile(&mut before, 0.5),
        quantized_ms: quantile(&mut after, 0.5),
        ratio: quantile(&mut ratios, 0.5),
        ratio_quartiles: [quantile(&mut ratios, 0.25), quantile(&mut ratios, 0.75)],
        pairs: pairs.max(1),
    })
}

/// Quantile by linear interpolation of order statistics.
fn quantile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let position = at * (values.len() - 1) as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    values[low] + (values[high] - values[low]) * (position - low as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    fn tensors(entries: &[(&str, Vec<usize>, TensorValues)]) -> Tensors {
        entries
            .iter()
            .map(|(name, shape, values)| {
                ((*name).to_owned(), Tensor { shape: shape.clone(), values: values.clone() })
            })
            .collect()
    }

    #[test]
    fn padding_does_not_count() {
        let inputs = tensors(&[("attention_mask", vec![1, 2], TensorValues::I64(vec![1, 0]))]);
        let output = |values: Vec<f32>| tensors(&[("logits", vec![1, 2, 2], TensorValues::F32(values))]);
        let mut comparison = Comparison::default();
        comparison
            .add(&inputs, &output(vec![1.0, 0.0, 5.0, 0.0]), &output(vec![2.0, 0.0, 0.0, 9.0]))
            .unwrap();
        let agreement = &comparison.agreement()["logits"];
        assert_eq!(agreement.rows, 1);
        assert_eq!(agreement.argmax_agreement, 1.0);
        assert_eq!(agreement.max_difference, 1.0);
        assert!((agreement.cosine_mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nan_is_never_agreement() {
        let output = |value: f32| tensors(&[("y", vec![1, 2], TensorValues::F32(vec![1.0, value]))]);
        let mut comparison = Comparison::default();
        comparison.add(&Tensors::new(), &output(1.0), &output(f32::NAN)).unwrap();
        assert_eq!(comparison.worst_cosine(), 0.0);
        assert_eq!(comparison.relative_difference(), f64::INFINITY);
    }

    #[test]
    fn changed_shapes_are_errors() {
        let left = tensors(&[("y", vec![2], TensorValues::F32(vec![1.0, 2.0]))]);
        let right = tensors(&[("y", vec![1, 2], TensorValues::F32(vec![1.0, 2.0]))]);
        assert!(Comparison::default().add(&Tensors::new(), &left, &right).is_err());
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&mut [7.0], 0.25), 7.0);
    }
}
