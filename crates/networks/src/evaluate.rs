//! Running a network: immutable, shared by threads, in batches, without allocating.

use pulp::Arch;

use super::kernel::{Aligned, LayerPass, PackedLayer};
use super::network::{Network, Scaling};
use super::spec::NetworkSpec;
use docproc_error::{Error, ErrorCode, Result};

/// Samples that pass through all layers together; their values stay in the first-level cache.
const BLOCK: usize = 64;

/// A network ready to run. Threads share one evaluator, each with a [`Scratch`] of its own.
#[derive(Debug)]
pub struct Evaluator {
    spec: NetworkSpec,
    input_scaling: Option<Scaling>,
    output_scaling: Option<Scaling>,
    layers: Vec<PackedLayer>,
    stride: usize,
    arch: Arch,
}

/// Working memory of one thread for one evaluator.
#[derive(Clone, Debug)]
pub struct Scratch {
    input: Aligned,
    output: Aligned,
}

impl Evaluator {
    /// Packs the weights of a network, to be run with the widest vector instructions that the processor has.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self::with_simd(network, true)
    }

    /// Packs the weights of a network, to be run with vector instructions or, without `simd`, plain ones; the results
    /// may differ in the last bits.
    #[must_use]
    pub fn with_simd(network: &Network, simd: bool) -> Self {
        let spec = network.spec().clone();
        let mut before = spec.inputs;
        let mut layers = Vec::with_capacity(spec.layers.len());
        for (layer, parameters) in spec.layers.iter().zip(network.layers()) {
            layers.push(PackedLayer::new(
                layer,
                before,
                &parameters.weights,
                &parameters.biases,
                &parameters.thresholds,
            ));
            before = layer.size;
        }
        let stride = layers.iter().map(|layer| layer.stride).chain([spec.inputs]).max().unwrap_or(0);
        Self {
            input_scaling: network.input_scaling().cloned(),
            output_scaling: network.output_scaling().cloned(),
            spec,
            layers,
            stride,
            arch: if simd { Arch::new() } else { Arch::Scalar },
        }
    }

    /// The network's description.
    #[must_use]
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Working memory for any batch size.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch { input: Aligned::zeros(BLOCK * self.stride), output: Aligned::zeros(BLOCK * self.stride) }
    }

    /// Runs samples through the network.
    ///
    /// `inputs` is row-major `[samples, inputs]`, `outputs` `[samples, outputs]`. Inputs that are not finite count as
    /// absent: they take the value that the input scaling maps to 0 (the training mean), or 0 without scaling. The
    /// outputs are those of the last layer; [`NetworkSpec::calibrate`] makes probabilities of them. Nothing is
    /// allocated. A sample's outputs do not depend on the others in the batch.
    ///
    /// # Errors
    /// `internal` when the lengths do not fit or the scratch is another evaluator's.
    pub fn run(&self, inputs: &[f32], outputs: &mut [f32], scratch: &mut Scratch) -> Result<()> {
        let (width, results) = (self.spec.inputs, self.spec.outputs());
        let samples = inputs.len() / width;
        if inputs.len() != samples * width
            || outputs.len() != samples * results
            || scratch.input.as_slice().len() != BLOCK * self.stride
        {
            return Err(Error::new(
                ErrorCode::Internal,
                format!(
                    "{} inputs and {} outputs do not make samples of {width} and {results}, or foreign scratch",
                    inputs.len(),
                    outputs.len()
                ),
            )
            .part(&self.spec.name));
        }
        for (inputs, outputs) in inputs.chunks(BLOCK * width).zip(outputs.chunks_mut(BLOCK * results)) {
            self.run_block(inputs, outputs, scratch);
        }
        Ok(())
    }

    /// Runs one sample and returns its outputs.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_one(&self, input: &[f32]) -> Result<Vec<f32>> {
        let mut outputs = vec![0.0; self.spec.outputs()];
        self.run(input, &mut outputs, &mut self.scratch())?;
        Ok(outputs)
    }

    /// At most [`BLOCK`] samples.
    fn run_block(&self, inputs: &[f32], outputs: &mut [f32], scratch: &mut Scratch) {
        let width = self.spec.inputs;
        let rows = inputs.len() / width;
        for (from, to) in inputs.chunks_exact(width).zip(scratch.input.as_mut_slice().chunks_exact_mut(width))
        {
            scale_inputs(from, self.input_scaling.as_ref(), to);
        }
        let mut stride = width;
        for layer in &self.layers {
            self.arch.dispatch(LayerPass {
                layer,
                rows,
                input: scratch.input.as_slice(),
                input_stride: stride,
                output: scratch.output.as_mut_slice(),
            });
            std::mem::swap(&mut scratch.input, &mut scratch.output);
            stride = layer.stride;
        }
        let results = self.spec.outputs();
        for (from, to) in scratch.input.as_slice().chunks_exact(stride).zip(outputs.chunks_exact_mut(results))
        {
            to.copy_from_slice(&from[..results]);
            if let Some(scaling) = &self.output_scaling {
                for (i, value) in to.iter_mut().enumerate() {
                    *value = *value * scaling.factors[i] + scaling.offsets[i];
                }
            }
        }
    }
}

/// Scales one sample's inputs; values that are not finite become 0 after scaling.
fn scale_inputs(from: &[f32], scaling: Option<&Scaling>, to: &mut [f32]) {
    let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
    match scaling {
        Some(scaling) => {
            for (((to, from), offset), factor) in
                to.iter_mut().zip(from).zip(&scaling.offsets).zip(&scaling.factors)
            {
                *to = finite((*from - *offset) * *factor);
            }
        }
        None => {
            for (to, from) in to.iter_mut().zip(from) {
                *to = finite(*from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Activation;
    use crate::gated;
    use crate::random::Random;
    use crate::spec::{LayerFunction, LayerSpec, Output};

    /// The same network in plain f64 loops.
    fn reference(network: &Network, input: &[f32]) -> Vec<f64> {
        let mut values: Vec<f64> = input.iter().map(|v| f64::from(*v)).collect();
        if let Some(scaling) = network.input_scaling() {
            for (i, value) in values.iter_mut().enumerate() {
                let scaled = (*value - f64::from(scaling.offsets[i])) * f64::from(scaling.factors[i]);
                *value = if scaled.is_finite() { scaled } else { 0.0 };
            }
        }
        for (spec, layer) in network.spec().layers.iter().zip(network.layers()) {
            let sums = spec.sums();
            let mut next: Vec<f64> = layer.biases.iter().map(|b| f64::from(*b)).collect();
            for (i, value) in values.iter().enumerate() {
                for (j, sum) in next.iter_mut().enumerate() {
                    *sum += value * f64::from(layer.weights[i * sums + j]);
                }
            }
            match &spec.function {
                LayerFunction::Neurons(runs) => {
                    let each = runs.iter().flat_map(|run| std::iter::repeat_n(run, run.count));
                    for (sum, run) in next.iter_mut().zip(each) {
                        *sum = run.activation.apply(*sum, f64::from(run.steepness));
                    }
                }
                LayerFunction::DocumentGlu => gated::document_glu(&mut next),
                LayerFunction::AdaptiveRelu => {
                    let thresholds: Vec<f64> = layer.thresholds.iter().map(|t| f64::from(*t)).collect();
                    gated::adaptive_relu(&mut next, &thresholds);
                }
                LayerFunction::MixtureOfExperts { experts } => gated::mixture_of_experts(&mut next, *experts),
            }
            next.truncate(spec.size);
            values = next;
        }
        values
    }

    #[test]
    fn matches_plain_loops_for_every_kind_of_layer_and_batch_size() {
        let mut random = Random::new(11);
        let kinds =
            ["document_glu", "adaptive_relu", "mixture_of_experts", "gelu", "relu", "gaussian", "elliot"];
        for (round, kind) in kinds.iter().cycle().take(21).enumerate() {
            let inputs = 1 + random.below(70);
            let layers = vec![
                LayerSpec::named(1 + random.below(40), kind).unwrap(),
                LayerSpec::uniform(1 + random.below(20), Activation::SigmoidSymmetric),
                LayerSpec::uniform(1 + random.below(3), Activation::Linear),
            ];
            let spec = NetworkSpec::new("n", inputs, layers, Output::Values);
            let network = Network::random(spec, round as u64).unwrap();
            let scaling = Scaling { offsets: vec![0.1; inputs], factors: vec![0.8; inputs] };
            let network =
                Network::new(network.spec().clone(), Some(scaling), network.layers().to_vec(), None).unwrap();
            let evaluator = Evaluator::new(&network);
            let mut scratch = evaluator.scratch();
            for samples in [1, 3, 8, 64, 65, 131] {
                let mut batch: Vec<f32> = (0..samples * inputs).map(|_| random.normal() as f32).collect();
                batch[0] = f32::NAN;
                let results = network.spec().outputs();
                let mut outputs = vec![0.0; samples * results];
                evaluator.run(&batch, &mut outputs, &mut scratch).unwrap();
                for (sample, output) in batch.chunks(inputs).zip(outputs.chunks(results)) {
                    for (found, expected) in output.iter().zip(reference(&network, sample)) {
                        assert!(
                            (f64::from(*found) - expected).abs() < 2e-6 * expected.abs().max(1.0),
                            "{kind}"
                        );
                    }
                    assert_eq!(evaluator.run_one(sample).unwrap(), output, "independent of the batch");
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_and_foreign_scratch_are_errors() {
        let network = |inputs| {
            let spec =
                NetworkSpec::new("n", inputs, vec![LayerSpec::uniform(1, Activation::Relu)], Output::Values);
            Evaluator::new(&Network::random(spec, 0).unwrap())
        };
        let (small, large) = (network(3), network(30));
        assert!(small.run(&[0.0; 4], &mut [0.0], &mut small.scratch()).is_err());
        assert!(small.run(&[0.0; 3], &mut [0.0; 2], &mut small.scratch()).is_err());
        assert!(small.run(&[0.0; 3], &mut [0.0], &mut large.scratch()).is_err());
    }

    #[test]
    fn threads_share_one_evaluator() {
        let spec =
            NetworkSpec::new("n", 20, vec![LayerSpec::uniform(2, Activation::Sigmoid)], Output::Values);
        let evaluator = Evaluator::new(&Network::random(spec, 5).unwrap());
        let input: Vec<f32> = (0..20).map(|i| i as f32 * 0.1).collect();
        let expected = evaluator.run_one(&input).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(evaluator.run_one(&input).unwrap(), expected));
            }
        });
    }
}
