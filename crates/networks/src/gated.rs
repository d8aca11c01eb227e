//! Layers whose outputs combine several weighted sums: document GLU, adaptive ReLU and mixture of experts.
//!
//! Each function maps the layer's sums (and learned thresholds) to its outputs, and each has a gradient function
//! that turns the loss gradient by the outputs into the loss gradient by the sums.

use super::activation::Real;

/// Half the width of the window in which [`adaptive_relu_gradient`] teaches thresholds.
pub const THRESHOLD_WINDOW: f64 = 0.5;

#[inline(always)]
fn sigmoid<T: Real>(x: T) -> T {
    T::of(1.0) / (T::of(1.0) + (-x).exp())
}

/// Gated linear unit (Dauphin et al. 2017, arXiv 1612.08083): `x * sigmoid(gate)`, in place.
///
/// `sums` is `[x_0 .. x_n-1, gate_0 .. gate_n-1]`; the outputs replace the first `n`.
#[inline(always)]
pub fn document_glu<T: Real>(sums: &mut [T]) {
    let (x, gate) = sums.split_at_mut(sums.len() / 2);
    for (x, gate) in x.iter_mut().zip(gate) {
        *x = *x * sigmoid(*gate);
    }
}

/// Gradient of [`document_glu`]: by x `sigmoid(gate)`, by the gate `x sigmoid(gate) (1 - sigmoid(gate))`.
///
/// `sums` as the forward pass saw them, `upstream` of length `n`; writes `by_sums` of length `2 n`.
pub fn document_glu_gradient<T: Real>(sums: &[T], upstream: &[T], by_sums: &mut [T]) {
    let n = upstream.len();
    for i in 0..n {
        let g = sigmoid(sums[n + i]);
        by_sums[i] = upstream[i] * g;
        by_sums[n + i] = upstream[i] * sums[i] * g * (T::of(1.0) - g);
    }
}

/// Adaptive ReLU: `x` where it is above the neuron's learned threshold, else 0, in place.
#[inline(always)]
pub fn adaptive_relu<T: Real>(sums: &mut [T], thresholds: &[T]) {
    for (x, threshold) in sums.iter_mut().zip(thresholds) {
        *x = if *x > *threshold { *x } else { T::of(0.0) };
    }
}

/// Gradient of [`adaptive_relu`].
///
/// By `x` it is exact: 1 above the threshold, else 0. By the threshold the true derivative is 0 wherever it
/// exists (the function jumps), so nothing could be learned from it; instead the step is replaced by a ramp of
/// width `2 THRESHOLD_WINDOW` around the threshold, whose derivative `-x / (2 THRESHOLD_WINDOW)` inside the window
/// is used (a rectangular kernel estimate, as for JumpReLU in Rajamanoharan et al. 2024, arXiv 2407.14435).
pub fn adaptive_relu_gradient<T: Real>(
    sums: &[T],
    thresholds: &[T],
    upstream: &[T],
    by_sums: &mut [T],
    by_thresholds: &mut [T],
) {
    let window = T::of(THRESHOLD_WINDOW);
    for i in 0..upstream.len() {
        let (x, threshold) = (sums[i], thresholds[i]);
        by_sums[i] = if x > threshold { upstream[i] } else { T::of(0.0) };
        let distance = x - threshold;
        if distance > -window && distance < window {
            by_thresholds[i] = by_thresholds[i] - upstream[i] * x / (window + window);
        }
    }
}

/// Mixture of linear experts (Jacobs et al. 1991): `sum_e softmax(gates)_e * expert_e`, in place.
///
/// `sums` is `[expert_0 (n values), expert_1, ..., gate_0 .. gate_E-1]`; the outputs replace the first `n`.
///
/// # Panics
/// If the length is not `experts * (n + 1)` for some `n`.
#[inline(always)]
pub fn mixture_of_experts<T: Real>(sums: &mut [T], experts: usize) {
    let (blocks, gates) = sums.split_at_mut(sums.len() - experts);
    let n = blocks.len() / experts;
    assert_eq!(blocks.len(), n * experts, "sums of {experts} experts");
    softmax(gates);
    for i in 0..n {
        let mut total = T::of(0.0);
        for (expert, gate) in gates.iter().enumerate() {
            total = total + *gate * blocks[expert * n + i];
        }
        blocks[i] = total;
    }
}

/// Gradient of [`mixture_of_experts`]: by an expert's output `g_e u`, by a gate `g_e (u . expert_e - u . output)`.
///
/// `sums` as the forward pass saw them, `upstream` of length `n`; writes `by_sums` of the length of `sums`.
pub fn mixture_of_experts_gradient<T: Real>(sums: &[T], upstream: &[T], experts: usize, by_sums: &mut [T]) {
    let n = upstream.len();
    let mut gates: Vec<T> = sums[n * experts..].to_vec();
    softmax(&mut gates);
    let mut agreement: Vec<T> = Vec::with_capacity(experts);
    let mut mean = T::of(0.0);
    for (expert, gate) in gates.iter().enumerate() {
        let mut dot = T::of(0.0);
        for i in 0..n {
            dot = dot + upstream[i] * sums[expert * n + i];
            by_sums[expert * n + i] = *gate * upstream[i];
        }
        agreement.push(dot);
        mean = mean + *gate * dot;
    }
    for expert in 0..experts {
        by_sums[n * experts + expert] = gates[expert] * (agreement[expert] - mean);
    }
}

/// Softmax in place, shifted by the largest value so that nothing overflows.
#[inline(always)]
pub fn softmax<T: Real>(values: &mut [T]) {
    let Some(mut largest) = values.first().copied() else { return };
    for value in values.iter() {
        if *value > largest {
            largest = *value;
        }
    }
    let mut total = T::of(0.0);
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        total = total + *value;
    }
    for value in values.iter_mut() {
        *value = *value / total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Compares `gradient` with central differences of `upstream . forward(sums)`.
    fn check(sums: &[f64], upstream: &[f64], forward: impl Fn(&mut [f64]), gradient: &[f64]) {
        let loss = |sums: &[f64]| {
            let mut out = sums.to_vec();
            forward(&mut out);
            out.iter().zip(upstream).map(|(a, b)| a * b).sum::<f64>()
        };
        for i in 0..sums.len() {
            let h = 1e-6;
            let (mut up, mut down) = (sums.to_vec(), sums.to_vec());
            up[i] += h;
            down[i] -= h;
            let numeric = (loss(&up) - loss(&down)) / (2.0 * h);
            assert!((numeric - gradient[i]).abs() < 1e-6, "sum {i}: {} but {numeric}", gradient[i]);
        }
    }

    fn values(random: &mut Random, count: usize) -> Vec<f64> {
        (0..count).map(|_| random.normal() * 1.5).collect()
    }

    #[test]
    fn glu_gradient_is_exact() {
        let mut random = Random::new(1);
        for _ in 0..50 {
            let (sums, upstream) = (values(&mut random, 10), values(&mut random, 5));
            let mut by_sums = vec![0.0; 10];
            document_glu_gradient(&sums, &upstream, &mut by_sums);
            check(&sums, &upstream, document_glu, &by_sums);
        }
        let mut sums = [2.0f64, 0.0];
        document_glu(&mut sums);
        assert_eq!(sums[0], 1.0, "2 sigmoid(0)");
    }

    #[test]
    fn adaptive_relu_gradient_is_exact_by_sums_and_the_ramps_by_thresholds() {
        let mut random = Random::new(2);
        let (mut inside, mut outside) = (0, 0);
        for _ in 0..200 {
            let (sums, thresholds) = (values(&mut random, 4), values(&mut random, 4));
            let distances: Vec<f64> = sums.iter().zip(&thresholds).map(|(x, t)| (x - t).abs()).collect();
            if distances.iter().any(|d| *d < 1e-4 || (*d - THRESHOLD_WINDOW).abs() < 1e-4) {
                continue;
            }
            let upstream = values(&mut random, 4);
            let (mut by_sums, mut by_thresholds) = (vec![0.0; 4], vec![0.0; 4]);
            adaptive_relu_gradient(&sums, &thresholds, &upstream, &mut by_sums, &mut by_thresholds);
            check(&sums, &upstream, |s| adaptive_relu(s, &thresholds), &by_sums);
            let ramp = |t: f64, i: usize| {
                let open = ((sums[i] - t) / (2.0 * THRESHOLD_WINDOW) + 0.5).clamp(0.0, 1.0);
                upstream[i] * sums[i] * open
            };
            for i in 0..4 {
                let numeric = (ramp(thresholds[i] + 1e-6, i) - ramp(thresholds[i] - 1e-6, i)) / 2e-6;
                assert!((numeric - by_thresholds[i]).abs() < 1e-6, "{numeric} {}", by_thresholds[i]);
                *(if by_thresholds[i] == 0.0 { &mut outside } else { &mut inside }) += 1;
            }
        }
        assert!(inside > 50 && outside > 50, "both sides of the window were met");
    }

    #[test]
    fn mixture_gradient_is_exact() {
        let mut random = Random::new(3);
        for experts in 1..5 {
            let n = 3;
            let (sums, upstream) = (values(&mut random, experts * (n + 1)), values(&mut random, n));
            let mut by_sums = vec![0.0; sums.len()];
            mixture_of_experts_gradient(&sums, &upstream, experts, &mut by_sums);
            let forward = |s: &mut [f64]| {
                mixture_of_experts(s, experts);
                s[n..].fill(0.0);
            };
            check(&sums, &upstream, forward, &by_sums);
        }
        let mut sums = [1.0f64, 3.0, 0.0, 0.0];
        mixture_of_experts(&mut sums, 2);
        assert_eq!(sums[0], 2.0, "two equal gates average");
    }
}
