//! Bilinear resizing with a filter as wide as the reduction, bit for bit as Pillow's `Image.resize(BILINEAR)`,
//! which is what Hugging Face's image processors use.
//!
//! Two passes over 8-bit channels with 22-bit fixed-point weights, the horizontal one first; see
//! `src/libImaging/Resample.c` of Pillow for the arithmetic that is matched here.

const PRECISION_BITS: u32 = 32 - 8 - 2;

/// For one output position: the first input position and the weights from there on.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

fn taps(input: usize, output: usize) -> Vec<Taps> {
    let scale = input as f64 / output as f64;
    let support = scale.max(1.0);
    (0..output)
        .map(|position| {
            let center = (position as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let last = ((center + support + 0.5) as usize).min(input);
            let weights: Vec<f64> = (first..last)
                .map(|at| (1.0 - ((at as f64 - center + 0.5) / support).abs()).max(0.0))
                .collect();
            let sum: f64 = weights.iter().sum();
            let fixed = |weight: &f64| (weight / sum * f64::from(1 << PRECISION_BITS) + 0.5) as i32;
            Taps { first, weights: weights.iter().map(fixed).collect() }
        })
        .collect()
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Resizes interleaved pixels of `C` channels from `(width, height)` to `(width, height)`.
///
/// `pixels` must have `width * height * C` bytes.
pub(crate) fn resize_bilinear<const C: usize>(
    pixels: &[u8],
    (width, height): (usize, usize),
    (new_width, new_height): (usize, usize),
) -> Vec<u8> {
    assert_eq!(pixels.len(), width * height * C, "pixels do not fit their size");
    const ROUND: i32 = 1 << (PRECISION_BITS - 1);
    let columns = taps(width, new_width);
    let mut narrow = vec![0u8; new_width * height * C];
    for (row, out) in pixels.chunks_exact(width * C).zip(narrow.chunks_exact_mut(new_width * C)) {
        for (taps, out) in columns.iter().zip(out.chunks_exact_mut(C)) {
            let mut sums = [ROUND; C];
            let source = row[taps.first * C..].chunks_exact(C);
            for (pixel, weight) in source.zip(&taps.weights) {
                for channel in 0..C {
                    sums[channel] += i32::from(pixel[channel]) * weight;
                }
            }
            out.copy_from_slice(&sums.map(to_byte));
        }
    }
    let stride = new_width * C;
    let mut out = vec![0u8; new_height * stride];
    let mut sums = vec![0i32; stride];
    for (taps, out) in taps(height, new_height).iter().zip(out.chunks_exact_mut(stride)) {
        sums.fill(ROUND);
        for (row, weight) in narrow[taps.first * stride..].chunks_exact(stride).zip(&taps.weights) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value) * weight;
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = to_byte(*sum);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pillow 13: `Image.frombytes("L", (5, 4), bytes((i * 37) % 256 for i in range(20))).resize((3, 2), BILINEAR)`.
    const PILLOW_5X4_TO_3X2: [u8; 6] = [112, 84, 97, 110, 139, 127];
    const PILLOW_5X4_TO_7X6: [u8; 42] = [
        0, 21, 48, 74, 100, 127, 148, 93, 114, 104, 39, 65, 92, 113, 173, 194, 160, 34, 60, 69, 65, 126, 147,
        161, 157, 183, 118, 18, 79, 100, 127, 153, 179, 151, 99, 43, 64, 91, 117, 143, 170, 191,
    ];

    #[test]
    fn matches_pillow() {
        let pixels: Vec<u8> = (0..20u32).map(|i| (i * 37 % 256) as u8).collect();
        assert_eq!(resize_bilinear::<1>(&pixels, (5, 4), (3, 2)), PILLOW_5X4_TO_3X2);
        assert_eq!(resize_bilinear::<1>(&pixels, (5, 4), (7, 6)), PILLOW_5X4_TO_7X6);
    }
}
