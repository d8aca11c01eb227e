//! Forward and backward passes in double precision: what the trainer learns from and what explains a score.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::gated;
use super::network::{LayerParameters, Network};
use super::spec::{LayerFunction, LayerSpec, Output};

/// The parameters of a network's layers, or their gradients, in f64.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) layers: Vec<LayerValues>,
}

/// One layer of [`Parameters`], shaped as [`LayerParameters`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LayerValues {
    pub(super) weights: Vec<f64>,
    pub(super) biases: Vec<f64>,
    pub(super) thresholds: Vec<f64>,
}

/// What a forward pass computed, kept for the backward pass.
pub(super) struct Trace {
    /// Weighted sums per layer, `[rows, sums]`.
    sums: Vec<Vec<f64>>,
    /// Outputs per layer, `[rows, size]`, after dropout if there is any.
    outputs: Vec<Vec<f64>>,
}

impl Trace {
    /// Outputs of the last layer, `[rows, outputs]`.
    pub(super) fn outputs(&self) -> &[f64] {
        self.outputs.last().map_or(&[], Vec::as_slice)
    }
}

/// Factors by which a layer's outputs are multiplied, `[rows, size]`, per hidden layer; empty for none.
pub(super) type Masks = Vec<Vec<f64>>;

impl Parameters {
    pub(super) fn of(network: &Network) -> Self {
        let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
        let layers = network.layers().iter().map(|layer| LayerValues {
            weights: wide(&layer.weights),
            biases: wide(&layer.biases),
            thresholds: wide(&layer.thresholds),
        });
        Self { layers: layers.collect() }
    }

    pub(super) fn narrow(&self) -> Vec<LayerParameters> {
        let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        let layers = self.layers.iter().map(|layer| LayerParameters {
            weights: narrow(&layer.weights),
            biases: narrow(&layer.biases),
            thresholds: narrow(&layer.thresholds),
        });
        layers.collect()
    }

    pub(super) fn zeros_like(&self) -> Self {
        let mut zeros = self.clone();
        for slice in zeros.slices_mut() {
            slice.fill(0.0);
        }
        zeros
    }

    /// Weights, biases and thresholds of each layer in turn.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[f64]> {
        self.layers.iter().flat_map(|layer| [&layer.weights[..], &layer.biases[..], &layer.thresholds[..]])
    }

    /// As [`Self::slices`], to be changed.
    pub(super) fn slices_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        self.layers
            .iter_mut()
            .flat_map(|layer| [&mut layer.weights[..], &mut layer.biases[..], &mut layer.thresholds[..]])
    }

    /// Runs `rows` samples, `input` row-major `[rows, inputs]`, already scaled.
    pub(super) fn forward(&self, specs: &[LayerSpec], input: &[f64], rows: usize, masks: &Masks) -> Trace {
        let mut trace =
            Trace { sums: Vec::with_capacity(specs.len()), outputs: Vec::with_capacity(specs.len()) };
        for (index, (spec, layer)) in specs.iter().zip(&self.layers).enumerate() {
            let before = if index == 0 { input } else { &trace.outputs[index - 1] };
            let (width, count) = (before.len() / rows, spec.sums());
            let mut sums = Vec::with_capacity(rows * count);
            for _ in 0..rows {
                sums.extend_from_slice(&layer.biases);
            }
            multiply(
                before,
                (rows, width),
                false,
                &layer.weights,
                (width, count),
                false,
                &mut sums,
                (rows, count),
            );
            let mut outputs = vec![0.0; rows * spec.size];
            let mut row = vec![0.0; count];
            for (from, to) in sums.chunks_exact(count).zip(outputs.chunks_exact_mut(spec.size)) {
                row.copy_from_slice(from);
                activate(spec, &layer.thresholds, &mut row);
                to.copy_from_slice(&row[..spec.size]);
            }
            if let Some(mask) = masks.get(index) {
                for (output, factor) in outputs.iter_mut().zip(mask) {
                    *output *= factor;
                }
            }
            trace.sums.push(sums);
            trace.outputs.push(outputs);
        }
        trace
    }

    /// Turns the loss gradient by the outputs, `[rows, outputs]`, into that by the inputs, `[rows, inputs]`, and adds
    /// that by the parameters to `gradient`.
    pub(super) fn backward(
        &self,
        specs: &[LayerSpec],
        input: &[f64],
        trace: &Trace,
        masks: &Masks,
        by_outputs: Vec<f64>,
        mut gradient: Option<&mut Self>,
    ) -> Vec<f64> {
        let rows = by_outputs.len() / specs.last().map_or(1, |spec| spec.size);
        let mut upstream = by_outputs;
        for (index, (spec, layer)) in specs.iter().zip(&self.layers).enumerate().rev() {
            if let Some(mask) = masks.get(index) {
                for (value, factor) in upstream.iter_mut().zip(mask) {
                    *value *= factor;
                }
            }
            let before = if index == 0 { input } else { &trace.outputs[index - 1] };
            let (width, count) = (before.len() / rows, spec.sums());
            let mut by_sums = vec![0.0; rows * count];
            let mut by_thresholds = vec![0.0; layer.thresholds.len()];
            for ((sums, upstream), by_sums) in trace.sums[index]
                .chunks_exact(count)
                .zip(upstream.chunks_exact(spec.size))
                .zip(by_sums.chunks_exact_mut(count))
            {
                activate_backward(spec, &layer.thresholds, sums, upstream, by_sums, &mut by_thresholds);
            }
            if let Some(gradient) = gradient.as_deref_mut() {
                let target = &mut gradient.layers[index];
                let shape = (width, count);
                multiply(
                    before,
                    (rows, width),
                    true,
                    &by_sums,
                    (rows, count),
                    false,
                    &mut target.weights,
                    shape,
                );
                for row in by_sums.chunks_exact(count) {
                    for (total, value) in target.biases.iter_mut().zip(row) {
                        *total += value;
                    }
                }
                for (total, value) in target.thresholds.iter_mut().zip(&by_thresholds) {
                    *total += value;
                }
            }
            let mut by_inputs = vec![0.0; rows * width];
            multiply(
                &by_sums,
                (rows, count),
                false,
                &layer.weights,
                (width, count),
                true,
                &mut by_inputs,
                (rows, width),
            );
            upstream = by_inputs;
        }
        upstream
    }
}

/// `output += op(a) * op(b)`, all row-major, op transposing where asked.
#[allow(clippy::too_many_arguments)] // a matrix product has two operands with shape and transposition
fn multiply(
    a: &[f64],
    a_shape: (usize, usize),
    a_transposed: bool,
    b: &[f64],
    b_shape: (usize, usize),
    b_transposed: bool,
    output: &mut [f64],
    output_shape: (usize, usize),
) {
    let views = (
        ArrayView2::from_shape(a_shape, a),
        ArrayView2::from_shape(b_shape, b),
        ArrayViewMut2::from_shape(output_shape, output),
    );
    let (Ok(a), Ok(b), Ok(mut output)) = views else {
        unreachable!("network parts always fit together");
    };
    let a = if a_transposed { a.reversed_axes() } else { a };
    let b = if b_transposed { b.reversed_axes() } else { b };
    general_mat_mul(1.0, &a, &b, 1.0, &mut output);
}

fn activate(spec: &LayerSpec, thresholds: &[f64], row: &mut [f64]) {
    match &spec.function {
        LayerFunction::Neurons(runs) => {
            let mut neurons = row.iter_mut();
            for run in runs {
                let (limit, steepness) =
                    (run.limit.map_or(f64::INFINITY, f64::from), f64::from(run.steepness));
                for sum in neurons.by_ref().take(run.count) {
                    *sum = run.activation.apply(sum.clamp(-limit, limit), steepness);
                }
            }
        }
        LayerFunction::DocumentGlu => gated::document_glu(row),
        LayerFunction::AdaptiveRelu => gated::adaptive_relu(row, thresholds),
        LayerFunction::MixtureOfExperts { experts } => gated::mixture_of_experts(row, *experts),
    }
}

fn activate_backward(
    spec: &LayerSpec,
    thresholds: &[f64],
    sums: &[f64],
    upstream: &[f64],
    by_sums: &mut [f64],
    by_thresholds: &mut [f64],
) {
    match &spec.function {
        LayerFunction::Neurons(runs) => {
            let mut index = 0;
            for run in runs {
                let (limit, steepness) =
                    (run.limit.map_or(f64::INFINITY, f64::from), f64::from(run.steepness));
                for i in index..index + run.count {
                    let inside = sums[i].abs() <= limit;
                    let slope = if inside { run.activation.derivative(sums[i], steepness) } else { 0.0 };
                    by_sums[i] = upstream[i] * slope;
                }
                index += run.count;
            }
        }
        LayerFunction::DocumentGlu => gated::document_glu_gradient(sums, upstream, by_sums),
        LayerFunction::AdaptiveRelu => {
            gated::adaptive_relu_gradient(sums, thresholds, upstream, by_sums, by_thresholds);
        }
        LayerFunction::MixtureOfExperts { experts } => {
            gated::mixture_of_experts_gradient(sums, upstream, *experts, by_sums);
        }
    }
}

/// Explains scores of one network by gradient times input minus baseline.
#[derive(Debug)]
pub struct Explainer {
    network: Network,
    parameters: Parameters,
}

impl Explainer {
    /// Prepares a network.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self { network: network.clone(), parameters: Parameters::of(network) }
    }

    /// How far each input moved the score of output `output`, in calibrated logits: gradient times (input minus
    /// baseline), the baseline being the training mean (0 without input scaling), for which a linear network's
    /// contributions add up to the whole difference (Shrikumar et al. 2017, arXiv 1704.02685, "gradient x input").
    ///
    /// For several classes the score is the log-odds of the class against the others together; for plain values it
    /// is the value. Absent inputs contribute 0.
    ///
    /// # Panics
    /// If there is no such output or `input` has the wrong length.
    #[must_use]
    pub fn contributions(&self, input: &[f32], output: usize) -> Vec<f32> {
        let spec = self.network.spec();
        assert!(input.len() == spec.inputs && output < spec.outputs(), "input or output of another network");
        let scaled: Vec<f64> = match self.network.input_scaling() {
            Some(scaling) => input
                .iter()
                .zip(scaling.offsets.iter().zip(&scaling.factors))
                .map(|(x, (offset, factor))| (f64::from(*x) - f64::from(*offset)) * f64::from(*factor))
                .collect(),
            None => input.iter().map(|x| f64::from(*x)).collect(),
        };
        let scaled: Vec<f64> = scaled.into_iter().map(|x| if x.is_finite() { x } else { 0.0 }).collect();
        let trace = self.parameters.forward(&spec.layers, &scaled, 1, &Masks::new());
        let slope = f64::from(spec.calibration.slope);
        let mut upstream = vec![0.0; spec.outputs()];
        if let Output::Classes(_) = spec.output {
            upstream.copy_from_slice(trace.outputs());
            for value in &mut upstream {
                *value *= slope;
            }
            upstream[output] = f64::NEG_INFINITY;
            gated::softmax(&mut upstream);
            for value in &mut upstream {
                *value *= -slope;
            }
        }
        upstream[output] = match (&spec.output, self.network.output_scaling()) {
            (Output::Values, Some(scaling)) => f64::from(scaling.factors[output]),
            (Output::Values, None) => 1.0,
            _ => slope,
        };
        let gradient = self.parameters.backward(&spec.layers, &scaled, &trace, &Masks::new(), upstream, None);
        gradient.iter().zip(&scaled).map(|(gradient, x)| (gradient * x) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Activation;
    use crate::random::Random;
    use crate::spec::NetworkSpec;

    fn mixed() -> Vec<LayerSpec> {
        vec![
            LayerSpec::named(5, "document_glu").unwrap(),
            LayerSpec::named(4, "mixture_of_experts").unwrap(),
            LayerSpec::named(4, "adaptive_relu").unwrap(),
            LayerSpec::named(6, "gelu").unwrap(),
            LayerSpec::uniform(2, Activation::Linear),
        ]
    }

    #[test]
    fn whole_network_gradients_match_central_differences() {
        let spec = NetworkSpec::new("n", 3, mixed(), Output::Values);
        let mut random = Random::new(4);
        let mut parameters = Parameters::of(&Network::random(spec.clone(), 1).unwrap());
        let input: Vec<f64> = (0..3 * 4).map(|_| random.normal()).collect();
        let masks: Masks = spec.layers[..4]
            .iter()
            .map(|l| (0..4 * l.size).map(|i| f64::from(i as u8 % 3)).collect())
            .collect();
        let weights: Vec<f64> = (0..8).map(|_| random.normal()).collect();
        let loss = |parameters: &Parameters, input: &[f64]| {
            let trace = parameters.forward(&spec.layers, input, 4, &masks);
            trace.outputs().iter().zip(&weights).map(|(a, b)| a * b).sum::<f64>()
        };
        let trace = parameters.forward(&spec.layers, &input, 4, &masks);
        let mut gradient = parameters.zeros_like();
        let by_input =
            parameters.backward(&spec.layers, &input, &trace, &masks, weights.clone(), Some(&mut gradient));
        let h = 1e-6;
        for i in 0..input.len() {
            let (mut up, mut down) = (input.clone(), input.clone());
            up[i] += h;
            down[i] -= h;
            let numeric = (loss(&parameters, &up) - loss(&parameters, &down)) / (2.0 * h);
            assert!((numeric - by_input[i]).abs() < 1e-6, "input {i}: {} but {numeric}", by_input[i]);
        }
        for layer in 0..spec.layers.len() {
            for index in 0..parameters.layers[layer].weights.len() + parameters.layers[layer].biases.len() {
                let mut moved = |delta: f64| {
                    let values = &mut parameters.layers[layer];
                    let count = values.weights.len();
                    *if index < count {
                        &mut values.weights[index]
                    } else {
                        &mut values.biases[index - count]
                    } += delta;
                    let result = loss(&parameters, &input);
                    let values = &mut parameters.layers[layer];
                    *if index < count {
                        &mut values.weights[index]
                    } else {
                        &mut values.biases[index - count]
                    } -= delta;
                    result
                };
                let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                let values = &gradient.layers[layer];
                let exact = values.weights.iter().chain(&values.biases).nth(index).unwrap();
                assert!(
                    (numeric - exact).abs() < 1e-6,
                    "layer {layer} parameter {index}: {exact} but {numeric}"
                );
            }
        }
    }

    #[test]
    fn contributions_of_a_linear_network_add_up_to_its_logit() {
        use crate::evaluate::Evaluator;
        use crate::network::Scaling;
        let spec = NetworkSpec::new(
            "n",
            4,
            vec![LayerSpec::uniform(1, Activation::Linear)],
            Output::Probability("x".into()),
        );
        let network = Network::random(spec, 2).unwrap();
        let scaling = Scaling { offsets: vec![1.0, 2.0, 3.0, 4.0], factors: vec![0.5; 4] };
        let network =
            Network::new(network.spec().clone(), Some(scaling), network.layers().to_vec(), None).unwrap();
        let (evaluator, explainer) = (Evaluator::new(&network), Explainer::new(&network));
        let input = [2.0, f32::NAN, -1.0, 0.0];
        let parts = explainer.contributions(&input, 0);
        let baseline = evaluator.run_one(&[1.0, 2.0, 3.0, 4.0]).unwrap()[0];
        let logit = evaluator.run_one(&input).unwrap()[0];
        assert!((parts.iter().sum::<f32>() - (logit - baseline)).abs() < 1e-5);
        assert_eq!(parts[1], 0.0);
    }
}
