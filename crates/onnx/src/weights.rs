//! Eight-bit weights: scales and rounding, bit-identical to `onnxruntime.quantization` (QInt8, symmetric).

use rayon::prelude::*;

/// A quantised constant: signed bytes around zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// Row-major values in the shape of the source.
    pub values: Vec<i8>,
    /// One scale per channel of the last axis, or a single one.
    pub scales: Vec<f32>,
}

/// Quantises a row-major `[rows, columns]` matrix: `q = round_half_even(w / scale)` clamped to [-128, 127],
/// `scale = 2 absmax / 254`, computed in f64 and rounded to f32. With `per_channel` there is one scale per
/// column, else one in all. `reduce_range` uses 7 bits (`2 absmax / 128`): on x86 CPUs without VNNI the sum of
/// two u8 x s8 products saturates at 16 bits.
///
/// A channel whose scale would be below the smallest normal float gets the scale 1 and the values 0.
#[must_use]
pub fn quantize_matrix(weights: &[f32], columns: usize, per_channel: bool, reduce_range: bool) -> Quantized {
    let maxima = if per_channel { column_maxima(weights, columns) } else { vec![absmax(weights)] };
    let scales: Vec<f32> = maxima.iter().map(|maximum| symmetric_scale(*maximum, reduce_range)).collect();
    Quantized { values: with_scales(weights, columns, &scales), scales }
}

/// Quantises with given scales: one, or one per column.
#[must_use]
pub fn with_scales(weights: &[f32], columns: usize, scales: &[f32]) -> Vec<i8> {
    let mut values = vec![0i8; weights.len()];
    let columns = columns.max(1);
    values.par_chunks_mut(columns).zip(weights.par_chunks(columns)).for_each(|(out, row)| match scales {
        [scale] => out.iter_mut().zip(row).for_each(|(q, w)| *q = round(*w, *scale)),
        _ => out.iter_mut().zip(row).zip(scales).for_each(|((q, w), scale)| *q = round(*w, *scale)),
    });
    values
}

/// The scale that maps `[-absmax, absmax]` to the signed range.
#[must_use]
pub fn symmetric_scale(absmax: f32, reduce_range: bool) -> f32 {
    let steps = if reduce_range { 128.0 } else { 254.0 };
    let scale = 2.0 * f64::from(absmax) / steps;
    if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale as f32 }
}

fn round(weight: f32, scale: f32) -> i8 {
    // Float to integer conversion saturates, which is the clamp to [-128, 127].
    (weight / scale).round_ties_even() as i8
}

fn absmax(weights: &[f32]) -> f32 {
    weights.iter().fold(0.0, |maximum: f32, weight| maximum.max(weight.abs()))
}

fn column_maxima(weights: &[f32], columns: usize) -> Vec<f32> {
    let columns = columns.max(1);
    weights
        .par_chunks(columns * 64)
        .map(|rows| {
            let mut maxima = vec![0f32; columns];
            for row in rows.chunks_exact(columns) {
                maxima.iter_mut().zip(row).for_each(|(maximum, weight)| *maximum = maximum.max(weight.abs()));
            }
            maxima
        })
        .reduce(
            || vec![0f32; columns],
            |mut left, right| {
                left.iter_mut().zip(right).for_each(|(left, right)| *left = left.max(right));
                left
            },
        )
}

/// The transpose of a row-major `[rows, columns]` matrix.
#[must_use]
pub fn transpose<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| values[row * columns + column]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_to_even_and_zero_channels_stay_zero() {
        // The scale of the first column is exactly 1, so 0.5 and 1.5 are ties.
        let weights = [127.0, 0.0, 0.5, 0.0, 1.5, 0.0, -127.0, 0.0];
        let quantized = quantize_matrix(&weights, 2, true, false);
        assert_eq!(quantized.scales, [1.0, 1.0]);
        assert_eq!(quantized.values, [127, 0, 0, 0, 2, 0, -127, 0]);
    }

    #[test]
    fn transposing_moves_columns_to_rows() {
        assert_eq!(transpose(&[1, 2, 3, 4, 5, 6], 2, 3), [1, 4, 2, 5, 3, 6]);
    }

    proptest! {
        #[test]
        fn error_is_at_most_half_a_step(
            weights in proptest::collection::vec(-100f32..100.0, 1..40),
            reduce in any::<bool>(),
        ) {
            let columns = 1 + weights.len() % 3;
            let weights = &weights[..weights.len() / columns * columns];
            let quantized = quantize_matrix(weights, columns, true, reduce);
            for (index, weight) in weights.iter().enumerate() {
                let scale = quantized.scales[index % columns];
                let back = f32::from(quantized.values[index]) * scale;
                prop_assert!((back - weight).abs() <= scale * 0.5001);
                prop_assert!(!reduce || quantized.values[index].unsigned_abs() <= 64);
            }
        }
    }
}
