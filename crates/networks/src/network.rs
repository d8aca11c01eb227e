//! A network: its description and its parameters.

use super::activation::Activation;
use super::random::Random;
use super::spec::{LayerFunction, NetworkSpec};
use docproc_error::{Error, ErrorCode, Result};

/// A network that can be stored, evaluated and explained. Its parts always fit together.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    spec: NetworkSpec,
    input_scaling: Option<Scaling>,
    layers: Vec<LayerParameters>,
    output_scaling: Option<Scaling>,
}

/// An offset and a factor per value: inputs become `(x - offset) * factor`, outputs `y * factor + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// Offsets; for inputs the training mean, which also stands in for absent values.
    pub offsets: Vec<f32>,
    /// Factors; for inputs one over the standard deviation.
    pub factors: Vec<f32>,
}

/// Parameters of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerParameters {
    /// Weights, row-major `[inputs, sums]`.
    pub weights: Vec<f32>,
    /// Biases `[sums]`.
    pub biases: Vec<f32>,
    /// Learned thresholds of adaptive ReLU `[size]`, else empty.
    pub thresholds: Vec<f32>,
}

impl Network {
    /// Puts a network together.
    ///
    /// # Errors
    /// `network.invalid` when description and parameters do not fit or a parameter is not finite.
    pub fn new(
        mut spec: NetworkSpec,
        input_scaling: Option<Scaling>,
        layers: Vec<LayerParameters>,
        output_scaling: Option<Scaling>,
    ) -> Result<Self> {
        spec.scaled_inputs = input_scaling.is_some();
        spec.scaled_outputs = output_scaling.is_some();
        spec.parameters()?;
        let fail = |what: String| Err(Error::new(ErrorCode::NetworkInvalid, what).part(&spec.name));
        if layers.len() != spec.layers.len() {
            return fail(format!("{} layers described, parameters for {}", spec.layers.len(), layers.len()));
        }
        let mut before = spec.inputs;
        for (index, (layer, parameters)) in spec.layers.iter().zip(&layers).enumerate() {
            let expected = (before * layer.sums(), layer.sums(), layer.thresholds());
            let found = (parameters.weights.len(), parameters.biases.len(), parameters.thresholds.len());
            if expected != found {
                return fail(format!(
                    "layer {} needs {expected:?} weights, biases and thresholds and has {found:?}",
                    index + 1
                ));
            }
            before = layer.size;
        }
        for (scaling, size, what) in
            [(&input_scaling, spec.inputs, "input"), (&output_scaling, spec.outputs(), "output")]
        {
            if let Some(scaling) = scaling
                && (scaling.offsets.len() != size || scaling.factors.len() != size)
            {
                return fail(format!("{what} scaling does not have {size} offsets and factors"));
            }
        }
        let network = Self { spec, input_scaling, layers, output_scaling };
        if network.slices().into_iter().flatten().any(|value| !value.is_finite()) {
            return Err(Error::new(ErrorCode::NetworkInvalid, "a parameter is not a finite number")
                .part(&network.spec.name)
                .help("the file is damaged or its training diverged; train it again"));
        }
        Ok(network)
    }

    /// A network with random weights: He's initialisation before ReLU-like layers, Glorot's before others; biases 0.
    ///
    /// # Errors
    /// `network.invalid` when the description breaks a limit.
    pub fn random(spec: NetworkSpec, seed: u64) -> Result<Self> {
        spec.parameters()?;
        let mut random = Random::new(seed);
        let mut before = spec.inputs;
        let mut layers = Vec::with_capacity(spec.layers.len());
        for layer in &spec.layers {
            let rectified = matches!(layer.function_name(), "relu" | "relu_leaky" | "gelu" | "adaptive_relu");
            let spread =
                if rectified { 2.0 / before as f64 } else { 2.0 / (before + layer.size) as f64 }.sqrt();
            let weights = (0..before * layer.sums()).map(|_| (random.normal() * spread) as f32).collect();
            let (biases, thresholds) = (vec![0.0; layer.sums()], vec![0.0; layer.thresholds()]);
            layers.push(LayerParameters { weights, biases, thresholds });
            before = layer.size;
        }
        Self::new(spec, None, layers, None)
    }

    /// The description.
    #[must_use]
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// Changes what the description says beyond the shape: name, features, threshold, calibration, metrics, ...
    ///
    /// # Errors
    /// `network.invalid` when the result does not fit the parameters.
    pub fn with_spec(self, change: impl FnOnce(&mut NetworkSpec)) -> Result<Self> {
        let mut spec = self.spec;
        change(&mut spec);
        Self::new(spec, self.input_scaling, self.layers, self.output_scaling)
    }

    /// Scaling of the inputs.
    #[must_use]
    pub fn input_scaling(&self) -> Option<&Scaling> {
        self.input_scaling.as_ref()
    }

    /// Scaling of the outputs.
    #[must_use]
    pub fn output_scaling(&self) -> Option<&Scaling> {
        self.output_scaling.as_ref()
    }

    /// Parameters per layer.
    #[must_use]
    pub fn layers(&self) -> &[LayerParameters] {
        &self.layers
    }

    /// Every parameter in file order: offsets and factors of inputs; weights, biases and thresholds per layer;
    /// offsets and factors of outputs.
    pub(super) fn slices(&self) -> Vec<&[f32]> {
        let mut slices: Vec<&[f32]> = Vec::new();
        if let Some(scaling) = &self.input_scaling {
            slices.extend([scaling.offsets.as_slice(), scaling.factors.as_slice()]);
        }
        for layer in &self.layers {
            slices.extend([layer.weights.as_slice(), layer.biases.as_slice(), layer.thresholds.as_slice()]);
        }
        if let Some(scaling) = &self.output_scaling {
            slices.extend([scaling.offsets.as_slice(), scaling.factors.as_slice()]);
        }
        slices
    }

    /// The network whose parameters are `values` in file order.
    pub(super) fn from_values(spec: NetworkSpec, values: &[f32]) -> Result<Self> {
        if spec.parameters()? != values.len() {
            return Err(Error::new(ErrorCode::NetworkInvalid, "wrong number of parameters").part(&spec.name));
        }
        let mut rest = values;
        let mut take = |count: usize| {
            let (head, tail) = rest.split_at(count);
            rest = tail;
            head.to_vec()
        };
        let inputs =
            spec.scaled_inputs.then(|| Scaling { offsets: take(spec.inputs), factors: take(spec.inputs) });
        let mut before = spec.inputs;
        let mut layers = Vec::with_capacity(spec.layers.len());
        for layer in &spec.layers {
            layers.push(LayerParameters {
                weights: take(before * layer.sums()),
                biases: take(layer.sums()),
                thresholds: take(layer.thresholds()),
            });
            before = layer.size;
        }
        let outputs = spec.outputs();
        let outputs = spec.scaled_outputs.then(|| Scaling { offsets: take(outputs), factors: take(outputs) });
        Self::new(spec, inputs, layers, outputs)
    }

    /// The layers' parameters with the scaling of inputs and outputs folded into weights and biases, for formats that
    /// know no scaling.
    ///
    /// # Errors
    /// `network.invalid` when outputs are scaled after another function than the linear one.
    pub(super) fn folded(&self) -> Result<Vec<LayerParameters>> {
        let mut layers = self.layers.clone();
        if let (Some(scaling), Some(first)) = (&self.input_scaling, layers.first_mut()) {
            let sums = first.biases.len();
            for (input, row) in first.weights.chunks_exact_mut(sums).enumerate() {
                for (weight, bias) in row.iter_mut().zip(&mut first.biases) {
                    *weight *= scaling.factors[input];
                    *bias -= *weight * scaling.offsets[input];
                }
            }
        }
        if let (Some(scaling), Some(last), Some(spec)) =
            (&self.output_scaling, layers.last_mut(), self.spec.layers.last())
        {
            let LayerFunction::Neurons(runs) = &spec.function else { return Err(self.not_foldable()) };
            let each: Vec<_> = runs.iter().flat_map(|run| std::iter::repeat_n(run, run.count)).collect();
            if each.iter().any(|run| run.activation != Activation::Linear || run.steepness == 0.0) {
                return Err(self.not_foldable());
            }
            for (index, run) in each.into_iter().enumerate() {
                for row in last.weights.chunks_exact_mut(spec.size) {
                    row[index] *= scaling.factors[index];
                }
                let bias = &mut last.biases[index];
                *bias = *bias * scaling.factors[index] + scaling.offsets[index] / run.steepness;
            }
        }
        Ok(layers)
    }

    fn not_foldable(&self) -> Error {
        Error::new(
            ErrorCode::NetworkInvalid,
            "scaled outputs of non-linear neurons cannot be written in this format",
        )
        .part(&self.spec.name)
    }

    /// Whether every layer is made of plain neurons, which is all that FANN's formats can hold.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.spec.layers.iter().all(|layer| matches!(layer.function, LayerFunction::Neurons(_)))
    }
}
