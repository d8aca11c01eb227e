//! What a network is, apart from its weights: layers, meaning of its outputs, and where it comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::activation::Activation;
use super::gated::softmax;
use docproc_error::{Error, ErrorCode, Result};

/// Most layers of a network.
pub const MAX_LAYERS: usize = 64;
/// Most neurons, weighted sums or inputs of a layer.
pub const MAX_WIDTH: usize = 1 << 16;
/// Most parameters of a network (256 MiB of f32).
pub const MAX_PARAMETERS: usize = 1 << 26;

/// Description of a network; the header of its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Name: `risk_scorer`, `anomaly_detector`, ...
    pub name: String,
    /// Number of inputs.
    pub inputs: usize,
    /// Layers after the inputs, in order of evaluation; the last one is the output.
    pub layers: Vec<LayerSpec>,
    /// The feature set that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureSetId>,
    /// Whether its parameters hold an offset and a factor per input.
    #[serde(default)]
    pub scaled_inputs: bool,
    /// Whether its parameters hold an offset and a factor per output.
    #[serde(default)]
    pub scaled_outputs: bool,
    /// What the outputs mean.
    pub output: Output,
    /// Score at or above which a thing is flagged, 0 to 1.
    #[serde(default = "half")]
    pub threshold: f32,
    /// From logits to calibrated logits.
    #[serde(default)]
    pub calibration: Calibration,
    /// Weight of each class in the loss; empty when all count alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_weights: Vec<f32>,
    /// Seed of its training.
    #[serde(default)]
    pub seed: u64,
    /// The data it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_data: Option<TrainingData>,
    /// Figures measured on data that was not trained on, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

fn half() -> f32 {
    0.5
}

/// A feature set by name and version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSetId {
    /// Name of the set.
    pub name: String,
    /// Its version: vectors of different versions cannot be mixed.
    pub version: u32,
}

/// Fingerprint of training data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingData {
    /// SHA-256 of the data file in hexadecimal.
    pub sha256: String,
    /// Rows in it.
    pub rows: usize,
    /// Groups in it (companies, documents) that were kept together when it was split.
    pub groups: usize,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSpec {
    /// Number of outputs.
    pub size: usize,
    /// From weighted sums to outputs.
    pub function: LayerFunction,
}

/// How a layer makes its outputs from weighted sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerFunction {
    /// One sum per output; runs of neurons with the same function, in order, together `size` neurons.
    Neurons(Vec<NeuronRun>),
    /// [`super::gated::document_glu`]: two sums per output.
    DocumentGlu,
    /// [`super::gated::adaptive_relu`]: one sum and one learned threshold per output.
    AdaptiveRelu,
    /// [`super::gated::mixture_of_experts`]: one sum per output and expert, and one gate per expert.
    MixtureOfExperts {
        /// Number of experts.
        experts: usize,
    },
}

/// Consecutive neurons with the same function.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeuronRun {
    /// Number of neurons.
    pub count: usize,
    /// Their function.
    pub activation: Activation,
    /// Its steepness.
    #[serde(default = "one")]
    pub steepness: f32,
    /// The weighted sum is limited to plus or minus this much (libfann does that).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f32>,
}

fn one() -> f32 {
    1.0
}

/// Meaning of the outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// One logit of the probability of this class.
    Probability(String),
    /// One logit per class, in this order; probabilities by softmax.
    Classes(Vec<String>),
    /// Values as they are.
    Values,
}

/// Calibrated logit = `slope * logit + intercept`: Platt's for one logit, a temperature `1 / slope` for several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Factor.
    pub slope: f32,
    /// Added to every logit.
    pub intercept: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { slope: 1.0, intercept: 0.0 }
    }
}

impl LayerSpec {
    /// A layer whose neurons all have the same function, with steepness 1.
    #[must_use]
    pub fn uniform(size: usize, activation: Activation) -> Self {
        let run = NeuronRun { count: size, activation, steepness: 1.0, limit: None };
        Self { size, function: LayerFunction::Neurons(vec![run]) }
    }

    /// The layer that configuration means by `activation`: an activation's name, `document_glu`, `adaptive_relu` or
    /// `mixture_of_experts` (four experts).
    #[must_use]
    pub fn named(size: usize, activation: &str) -> Option<Self> {
        let function = match activation {
            "document_glu" => LayerFunction::DocumentGlu,
            "adaptive_relu" => LayerFunction::AdaptiveRelu,
            "mixture_of_experts" => LayerFunction::MixtureOfExperts { experts: 4 },
            name => return Activation::parse(name).map(|activation| Self::uniform(size, activation)),
        };
        Some(Self { size, function })
    }

    /// Number of weighted sums.
    #[must_use]
    pub fn sums(&self) -> usize {
        match &self.function {
            LayerFunction::Neurons(_) | LayerFunction::AdaptiveRelu => self.size,
            LayerFunction::DocumentGlu => self.size.saturating_mul(2),
            LayerFunction::MixtureOfExperts { experts } => {
                self.size.saturating_mul(*experts).saturating_add(*experts)
            }
        }
    }

    /// Number of learned thresholds.
    #[must_use]
    pub fn thresholds(&self) -> usize {
        if self.function == LayerFunction::AdaptiveRelu { self.size } else { 0 }
    }

    /// The function's name; `mixed` where neurons differ.
    #[must_use]
    pub fn function_name(&self) -> &'static str {
        match &self.function {
            LayerFunction::Neurons(runs) => match runs.as_slice() {
                [first, rest @ ..] if rest.iter().all(|run| run.activation == first.activation) => {
                    first.activation.name()
                }
                _ => "mixed",
            },
            LayerFunction::DocumentGlu => "document_glu",
            LayerFunction::AdaptiveRelu => "adaptive_relu",
            LayerFunction::MixtureOfExperts { .. } => "mixture_of_experts",
        }
    }
}

impl NetworkSpec {
    /// A network description with nothing known beyond its shape.
    #[must_use]
    pub fn new(name: impl Into<String>, inputs: usize, layers: Vec<LayerSpec>, output: Output) -> Self {
        Self {
            name: name.into(),
            inputs,
            layers,
            features: None,
            scaled_inputs: false,
            scaled_outputs: false,
            output,
            threshold: 0.5,
            calibration: Calibration::default(),
            class_weights: Vec::new(),
            seed: 0,
            training_data: None,
            metrics: BTreeMap::new(),
        }
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.size)
    }

    /// Sizes of the inputs and of every layer: `[128, 64, 32, 1]`.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        std::iter::once(self.inputs).chain(self.layers.iter().map(|layer| layer.size)).collect()
    }

    /// [`Self::shape`] as text: `128-64-32-1`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        shape_text(&self.shape())
    }

    /// Number of parameters in a file: scaling of inputs and outputs, weights, biases, thresholds.
    ///
    /// # Errors
    /// `network.invalid` when the description breaks a limit or contradicts itself.
    pub fn parameters(&self) -> Result<usize> {
        let fail = |what: String| Err(Error::new(ErrorCode::NetworkInvalid, what).part(&self.name));
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            return fail(format!("{} layers; there must be 1 to {MAX_LAYERS}", self.layers.len()));
        }
        if self.inputs == 0 || self.inputs > MAX_WIDTH {
            return fail(format!("{} inputs; there must be 1 to {MAX_WIDTH}", self.inputs));
        }
        let mut total = if self.scaled_inputs { 2 * self.inputs } else { 0 };
        let mut before = self.inputs;
        for (index, layer) in self.layers.iter().enumerate() {
            let (number, sums) = (index + 1, layer.sums());
            if layer.size == 0 || sums == 0 || sums > MAX_WIDTH {
                return fail(format!(
                    "layer {number} has {} neurons and {sums} weighted sums; there must be 1 to {MAX_WIDTH}",
                    layer.size
                ));
            }
            if let LayerFunction::Neurons(runs) = &layer.function {
                let counted = runs.iter().fold(0usize, |sum, run| sum.saturating_add(run.count));
                if counted != layer.size {
                    return fail(format!(
                        "layer {number} has {} neurons and functions for {counted}",
                        layer.size
                    ));
                }
                if runs
                    .iter()
                    .any(|run| !run.steepness.is_finite() || run.limit.is_some_and(|l| l.is_nan() || l < 0.0))
                {
                    return fail(format!("layer {number} has a steepness or limit that is not a number"));
                }
            }
            total += before * sums + sums + layer.thresholds(); // at most 2^32 + 2^17 a layer: no overflow
            if total > MAX_PARAMETERS {
                return fail(format!(
                    "more than {MAX_PARAMETERS} parameters in layers {}",
                    self.shape_text()
                ));
            }
            before = layer.size;
        }
        let outputs = self.outputs();
        let meant = match &self.output {
            Output::Probability(_) => 1,
            Output::Classes(labels) => labels.len(),
            Output::Values => outputs,
        };
        if meant != outputs {
            return fail(format!("{outputs} outputs, but a meaning for {meant}"));
        }
        if !self.threshold.is_finite()
            || !self.calibration.slope.is_finite()
            || !self.calibration.intercept.is_finite()
        {
            return fail("threshold or calibration is not a number".to_owned());
        }
        Ok(total + if self.scaled_outputs { 2 * outputs } else { 0 })
    }

    /// Turns raw outputs into calibrated probabilities in place; [`Output::Values`] are limited to 0..1.
    pub fn calibrate(&self, outputs: &mut [f32]) {
        let logit = |value: f32| self.calibration.slope * value + self.calibration.intercept;
        match &self.output {
            Output::Probability(_) => {
                for value in outputs {
                    *value = Activation::Sigmoid.apply(logit(*value), 1.0);
                }
            }
            Output::Classes(_) => {
                for value in outputs.iter_mut() {
                    *value = logit(*value);
                }
                softmax(outputs);
            }
            Output::Values => {
                for value in outputs {
                    *value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
                }
            }
        }
    }
}

/// Layer sizes as text: `128-64-32-1`.
#[must_use]
pub fn shape_text(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_parameters_and_refuses_contradictions() {
        let layers = |last| {
            vec![LayerSpec::uniform(3, Activation::Relu), LayerSpec::uniform(last, Activation::Linear)]
        };
        let mut spec = NetworkSpec::new("n", 2, layers(1), Output::Probability("yes".into()));
        assert_eq!(spec.parameters().unwrap(), 2 * 3 + 3 + 3 + 1);
        assert_eq!(spec.shape_text(), "2-3-1");
        spec.scaled_inputs = true;
        assert_eq!(spec.parameters().unwrap(), 13 + 4);
        spec.layers = layers(2);
        assert!(spec.parameters().unwrap_err().message().contains("2 outputs, but a meaning for 1"));
        spec.layers = vec![
            LayerSpec::uniform(MAX_WIDTH, Activation::Relu),
            LayerSpec::uniform(MAX_WIDTH, Activation::Relu),
        ];
        assert!(spec.parameters().unwrap_err().message().contains("parameters"));
        spec.layers = vec![LayerSpec {
            size: usize::MAX,
            function: LayerFunction::MixtureOfExperts { experts: usize::MAX },
        }];
        assert!(spec.parameters().is_err());
        spec.layers = vec![LayerSpec { size: 2, function: LayerFunction::Neurons(vec![]) }];
        assert!(spec.parameters().unwrap_err().message().contains("functions for 0"));
    }

    #[test]
    fn gated_layers_have_their_extra_sums() {
        assert_eq!(LayerSpec::named(5, "document_glu").unwrap().sums(), 10);
        assert_eq!(LayerSpec::named(5, "mixture_of_experts").unwrap().sums(), 24);
        assert_eq!(LayerSpec::named(5, "adaptive_relu").unwrap().thresholds(), 5);
        assert_eq!(LayerSpec::named(5, "tanh").unwrap().function_name(), "sigmoid_symmetric");
        assert!(LayerSpec::named(5, "swish").is_none());
    }
}
