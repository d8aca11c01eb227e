//! Logits to probabilities.

/// softmax(logits / temperature). Not-a-number logits give equal probabilities: a broken model is visible as one
/// that knows nothing, not as a crash further on.
pub(super) fn softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut values: Vec<f32> = logits.iter().map(|&logit| ((logit - largest) / temperature).exp()).collect();
    let total: f32 = values.iter().sum();
    if total.is_finite() && total > 0.0 {
        values.iter_mut().for_each(|value| *value /= total);
    } else {
        values.fill(1.0 / logits.len().max(1) as f32);
    }
    values
}

/// Index of the largest value, the first of equals; 0 of nothing.
pub(super) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_is_stable_and_tempered() {
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(&softmax(&[1000.0, 1000.0], 1.0), &[0.5, 0.5]));
        // e^(ln 3 / 2) = sqrt 3.
        let root = 3f32.sqrt();
        assert!(close(&softmax(&[3f32.ln(), 0.0], 2.0), &[root / (1.0 + root), 1.0 / (1.0 + root)]));
        assert!(close(&softmax(&[f32::NAN, 0.0], 1.0), &[0.5, 0.5]));
        assert_eq!(softmax(&[], 1.0), [0.0; 0]);
        assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
    }
}
