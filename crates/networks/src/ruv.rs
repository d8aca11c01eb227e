//! ruv-fann's networks: import and export of its serde JSON form.
//!
//! Of ruv-fann 0.2.1 only what is sound is used: `Network`, `NetworkBuilder` and serde. Its `run` treats 14 of its
//! 21 activation functions as the identity; a file that names one of those is refused, because what its author
//! meant and what ruv-fann computes differ.

use ruv_fann::{ActivationFunction, NetworkBuilder};

use super::activation::Activation;
use super::network::{LayerParameters, Network};
use super::spec::{LayerFunction, LayerSpec, NetworkSpec, NeuronRun, Output};
use docproc_error::{Error, ErrorCode, Result};

/// ruv-fann's network in single precision.
pub type RuvNetwork = ruv_fann::Network<f32>;

/// Reads a network from the JSON that serde makes of `ruv_fann::Network<f32>`.
///
/// # Errors
/// `network.invalid` when it is not such JSON or [`from_ruv`] refuses it.
pub fn read(name: &str, json: &[u8]) -> Result<Network> {
    let network: RuvNetwork = serde_json::from_slice(json).map_err(|source| {
        Error::new(ErrorCode::NetworkInvalid, "not a network in ruv-fann's JSON form")
            .part(name)
            .because(source)
    })?;
    from_ruv(name, &network)
}

/// Writes a network as the JSON that `ruv_fann::Network<f32>` reads.
///
/// # Errors
/// As [`to_ruv`].
pub fn write(network: &Network) -> Result<Vec<u8>> {
    serde_json::to_vec(&to_ruv(network)?).map_err(|source| {
        Error::new(ErrorCode::NetworkInvalid, "cannot write JSON").part(&network.spec().name).because(source)
    })
}

/// Takes over a network that `ruv_fann` holds. Outputs equal those of its `run`.
///
/// # Errors
/// `network.invalid` when it has no layers, breaks a limit, or uses an activation that ruv-fann does not compute.
pub fn from_ruv(name: &str, network: &RuvNetwork) -> Result<Network> {
    let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(name);
    let Some((first, rest)) = network.layers.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Err(fail("a network needs an input and an output layer".to_owned()));
    };
    let mut layers = Vec::with_capacity(rest.len());
    for (index, layer) in rest.iter().enumerate() {
        let mut runs: Vec<NeuronRun> = Vec::new();
        for neuron in layer.neurons.iter().filter(|neuron| !neuron.is_bias) {
            let activation = activation_from(neuron.activation_function).ok_or_else(|| {
                fail(format!(
                    "layer {} uses {}, which ruv-fann 0.2.1 evaluates as the identity",
                    index + 1,
                    neuron.activation_function.name()
                ))
                .help("train the network with `docproc train`, or use one of its seven working activations")
            })?;
            let run = NeuronRun { count: 1, activation, steepness: neuron.activation_steepness, limit: None };
            match runs.last_mut() {
                Some(last) if (last.activation, last.steepness) == (activation, run.steepness) => {
                    last.count += 1
                }
                _ => runs.push(run),
            }
        }
        let size = runs.iter().map(|run| run.count).sum();
        layers.push(LayerSpec { size, function: LayerFunction::Neurons(runs) });
    }
    let spec = NetworkSpec::new(name, first.num_regular_neurons(), layers, Output::Values);
    spec.parameters()?; // limits, before anything dense is allocated

    let mut parameters = Vec::with_capacity(rest.len());
    // Where each neuron of the layer before ends up: a column of our inputs, or a constant.
    let mut sources: Vec<Source> = first
        .neurons
        .iter()
        .enumerate()
        .map(
            |(index, neuron)| {
                if neuron.is_bias { Source::Constant(neuron.value) } else { Source::Value(index) }
            },
        )
        .collect();
    for (layer, spec) in rest.iter().zip(&spec.layers) {
        let inputs =
            parameters.last().map_or(first.num_regular_neurons(), |last: &LayerParameters| last.biases.len());
        let mut weights = vec![0.0; inputs * spec.size];
        let mut biases = vec![0.0; spec.size];
        let mut next = Vec::with_capacity(layer.neurons.len());
        let mut column = 0;
        for neuron in &layer.neurons {
            if neuron.is_bias {
                next.push(Source::Constant(neuron.value));
                continue;
            }
            for connection in &neuron.connections {
                match sources.get(connection.from_neuron) {
                    Some(Source::Value(row)) => weights[row * spec.size + column] += connection.weight,
                    Some(Source::Constant(value)) => biases[column] += value * connection.weight,
                    None => {} // `run` skips connections from nowhere
                }
            }
            next.push(Source::Value(column));
            column += 1;
        }
        parameters.push(LayerParameters { weights, biases, thresholds: Vec::new() });
        sources = next;
    }
    Network::new(spec, None, parameters, None)
}

enum Source {
    Value(usize),
    Constant(f32),
}

/// Gives a network to `ruv_fann`; input scaling is folded into the first layer. libfann's limit on sums is not
/// carried over: `ruv_fann` has none.
///
/// # Errors
/// `network.invalid` when a layer is gated or a function is not one of the seven that ruv-fann computes.
pub fn to_ruv(network: &Network) -> Result<RuvNetwork> {
    let spec = network.spec();
    let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(&spec.name);
    let mut builder = NetworkBuilder::<f32>::new().input_layer(spec.inputs);
    let mut functions = Vec::with_capacity(spec.layers.len());
    for (index, layer) in spec.layers.iter().enumerate() {
        let LayerFunction::Neurons(runs) = &layer.function else {
            return Err(fail(format!(
                "ruv-fann has no {} layers (layer {})",
                layer.function_name(),
                index + 1
            )));
        };
        let mut each = Vec::with_capacity(layer.size);
        for run in runs {
            let function = activation_to(run.activation)
                .ok_or_else(|| fail(format!("ruv-fann does not compute {}", run.activation.name())))?;
            each.extend(std::iter::repeat_n((function, run.steepness), run.count));
        }
        builder = builder.hidden_layer(layer.size);
        functions.push(each);
    }
    // The builder makes the last layer an output, without a bias neuron.
    let mut ruv = builder.build();
    for ((layer, each), parameters) in ruv.layers.iter_mut().skip(1).zip(&functions).zip(network.folded()?) {
        let size = each.len();
        for (column, (neuron, (function, steepness))) in layer.neurons.iter_mut().zip(each).enumerate() {
            neuron.activation_function = *function;
            neuron.activation_steepness = *steepness;
            let inputs = parameters.weights.len() / size;
            for connection in &mut neuron.connections {
                connection.weight = if connection.from_neuron < inputs {
                    parameters.weights[connection.from_neuron * size + column]
                } else {
                    parameters.biases[column]
                };
            }
        }
    }
    Ok(ruv)
}

fn activation_from(function: ActivationFunction) -> Option<Activation> {
    match function {
        ActivationFunction::Linear => Some(Activation::Linear),
        ActivationFunction::Sigmoid => Some(Activation::Sigmoid),
        ActivationFunction::SigmoidSymmetric | ActivationFunction::Tanh => Some(Activation::SigmoidSymmetric),
        ActivationFunction::ReLU => Some(Activation::Relu),
        ActivationFunction::ReLULeaky => Some(Activation::ReluLeaky),
        ActivationFunction::Gaussian => Some(Activation::Gaussian),
        _ => None,
    }
}

fn activation_to(activation: Activation) -> Option<ActivationFunction> {
    match activation {
        Activation::Linear => Some(ActivationFunction::Linear),
        Activation::Sigmoid => Some(ActivationFunction::Sigmoid),
        Activation::SigmoidSymmetric => Some(ActivationFunction::SigmoidSymmetric),
        Activation::Relu => Some(ActivationFunction::ReLU),
        Activation::ReluLeaky => Some(ActivationFunction::ReLULeaky),
        Activation::Gaussian => Some(ActivationFunction::Gaussian),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::Evaluator;
    use crate::random::Random;

    const WORKING: [ActivationFunction; 7] = [
        ActivationFunction::Linear,
        ActivationFunction::Sigmoid,
        ActivationFunction::Tanh,
        ActivationFunction::SigmoidSymmetric,
        ActivationFunction::ReLU,
        ActivationFunction::ReLULeaky,
        ActivationFunction::Gaussian,
    ];

    /// A network as wild as the crate can hold: every neuron with its own function and steepness, sparse,
    /// duplicate and dangling connections, layers with and without bias neurons, a bias neuron in the middle.
    fn wild(seed: u64) -> RuvNetwork {
        let mut random = Random::new(seed);
        let depth = 2 + random.below(3);
        let mut builder = NetworkBuilder::<f32>::new().input_layer(1 + random.below(20));
        for _ in 0..depth {
            builder = builder.hidden_layer(1 + random.below(20));
        }
        let rate = [1.0, 0.6][random.below(2)];
        let mut network = builder.connection_rate(rate).build();
        for index in 0..network.layers.len() {
            let before = if index == 0 { 1 } else { network.layers[index - 1].neurons.len() };
            let layer = &mut network.layers[index];
            for neuron in layer.neurons.iter_mut().filter(|neuron| !neuron.is_bias) {
                neuron.activation_function = WORKING[random.below(WORKING.len())];
                neuron.activation_steepness = (0.2 + random.uniform()) as f32;
                for connection in &mut neuron.connections {
                    connection.weight = (random.normal() / (before as f64).sqrt()) as f32;
                }
                if index > 0 && random.below(4) == 0 {
                    neuron.add_connection(random.below(before + 2), 0.25);
                }
            }
            if random.below(4) == 0 && layer.neurons.len() > 2 {
                let middle = random.below(layer.neurons.len() - 1);
                layer.neurons[middle].is_bias = true;
                layer.neurons[middle].value = 0.5;
            }
            if random.below(4) == 0 && layer.has_bias() && layer.neurons.len() > 2 {
                layer.neurons.pop();
            }
        }
        network
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn outputs_equal_those_of_run(seed in any::<u64>()) {
            let mut ruv = wild(seed);
            let mut random = Random::new(seed ^ 1);
            let samples: Vec<Vec<f32>> = (0..9)
                .map(|_| (0..ruv.num_inputs()).map(|_| random.normal() as f32).collect())
                .collect();
            let Ok(ours) = from_ruv("wild", &ruv) else {
                // Only a network without real neurons in some layer may be refused.
                prop_assert!(ruv.layers.iter().any(|l| l.num_regular_neurons() == 0 || l.neurons.iter().all(|n| n.is_bias)));
                return Ok(());
            };
            let evaluator = Evaluator::new(&ours);
            let mut outputs = vec![0.0; samples.len() * ours.spec().outputs()];
            evaluator.run(&samples.concat(), &mut outputs, &mut evaluator.scratch()).unwrap();
            for (sample, found) in samples.iter().zip(outputs.chunks(ours.spec().outputs())) {
                let expected = ruv.run(sample).unwrap();
                prop_assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    prop_assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{found} {expected}");
                }
            }
        }

        #[test]
        fn json_round_trips_through_ruv_fann(seed in any::<u64>()) {
            let Ok(ours) = from_ruv("wild", &wild(seed)) else { return Ok(()) };
            let again = read("wild", &write(&ours).unwrap()).unwrap();
            prop_assert_eq!(again, ours);
        }
    }

    #[test]
    fn activations_that_run_ignores_are_refused() {
        let mut network = RuvNetwork::new(&[2, 2, 1]);
        network.set_activation_function_hidden(ActivationFunction::Gelu);
        let error = from_ruv("n", &network).unwrap_err().to_string();
        assert!(error.contains("Gelu") && error.contains("identity"), "{error}");
        assert!(read("n", b"{}").is_err());
        assert!(read("n", br#"{"layers":[],"connection_rate":1.0}"#).is_err());
    }

    #[test]
    fn scaling_is_folded_on_export() {
        use crate::network::Scaling;
        let spec = NetworkSpec::new(
            "scaled",
            3,
            vec![LayerSpec::uniform(4, Activation::Relu), LayerSpec::uniform(2, Activation::Linear)],
            Output::Values,
        );
        let random = Network::random(spec, 9).unwrap();
        let inputs = Scaling { offsets: vec![1.0, -2.0, 3.0], factors: vec![0.5, 2.0, 0.1] };
        let outputs = Scaling { offsets: vec![10.0, -1.0], factors: vec![3.0, 0.2] };
        let network =
            Network::new(random.spec().clone(), Some(inputs), random.layers().to_vec(), Some(outputs))
                .unwrap();
        let expected = Evaluator::new(&network).run_one(&[0.3, 1.5, -2.0]).unwrap();
        let found = to_ruv(&network).unwrap().run(&[0.3, 1.5, -2.0]).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        let gated =
            NetworkSpec::new("g", 2, vec![LayerSpec::named(1, "document_glu").unwrap()], Output::Values);
        assert!(to_ruv(&Network::random(gated, 0).unwrap()).unwrap_err().message().contains("document_glu"));
    }
}
