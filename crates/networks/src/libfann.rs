//! libfann's text format `FANN_FLO_2.1` (libfann 2.1 and 2.2, floating point).
//!
//! Lines of `key=value`: layer sizes (each with its bias neuron), per neuron the number of its connections, its
//! activation function and steepness, then per connection the neuron it comes from, counted over the whole network,
//! and its weight. Layered networks are read, sparse ones included; shortcut networks are refused. Training settings
//! are ignored. libfann's input and output scaling, which its callers apply around `fann_run`, becomes the network's
//! own. libfann limits steepness times sum to plus or minus 150 / steepness; networks read here do the same.

use std::fmt::Write as _;

use super::activation::Activation;
use super::network::{LayerParameters, Network, Scaling};
use super::spec::{LayerFunction, LayerSpec, MAX_LAYERS, MAX_WIDTH, NetworkSpec, NeuronRun, Output};
use docproc_error::{Error, ErrorCode, Result};

const SIGNATURE: &str = "FANN_FLO_2.1";
const NEURONS: &str = "neurons (num_inputs, activation_function, activation_steepness)";
const CONNECTIONS: &str = "connections (connected_to_neuron, weight)";

/// libfann's activation functions by number (`enum fann_activationfunc_enum`); 9, the stepwise Gaussian, is absent
/// because libfann itself returns 0 for it.
const FUNCTIONS: [Option<Activation>; 18] = [
    Some(Activation::Linear),
    Some(Activation::Threshold),
    Some(Activation::ThresholdSymmetric),
    Some(Activation::Sigmoid),
    Some(Activation::SigmoidStepwise),
    Some(Activation::SigmoidSymmetric),
    Some(Activation::SigmoidSymmetricStepwise),
    Some(Activation::Gaussian),
    Some(Activation::GaussianSymmetric),
    None,
    Some(Activation::Elliot),
    Some(Activation::ElliotSymmetric),
    Some(Activation::LinearPiece),
    Some(Activation::LinearPieceSymmetric),
    Some(Activation::SinSymmetric),
    Some(Activation::CosSymmetric),
    Some(Activation::Sin),
    Some(Activation::Cos),
];

/// Whether these bytes start like a libfann file.
#[must_use]
pub fn is_libfann_file(bytes: &[u8]) -> bool {
    bytes.starts_with(b"FANN_")
}

/// Reads a network that libfann wrote with `fann_save`. Its outputs equal those of `fann_run`.
///
/// # Errors
/// `network.invalid` when the text is not such a file, is damaged, asks for more than the limits in
/// [`super::spec`], or describes something that cannot be represented.
pub fn read(name: &str, text: &[u8]) -> Result<Network> {
    let file = File::parse(name, text)?;
    let sizes = &file.layer_sizes;
    let inputs = sizes[0] - 1;
    let mut layers = Vec::with_capacity(sizes.len() - 1);
    let mut start = sizes[0];
    for size in &sizes[1..] {
        let mut runs: Vec<NeuronRun> = Vec::new();
        for neuron in &file.neurons[start..start + size - 1] {
            let run = neuron.run(&file)?;
            match runs.last_mut() {
                Some(last) if NeuronRun { count: last.count, ..run } == *last => last.count += 1,
                _ => runs.push(run),
            }
        }
        layers.push(LayerSpec { size: size - 1, function: LayerFunction::Neurons(runs) });
        start += size;
    }
    let spec = NetworkSpec::new(name, inputs, layers, Output::Values);
    spec.parameters()?; // limits, before anything dense is allocated

    let mut parameters = Vec::with_capacity(sizes.len() - 1);
    let (mut before, mut start) = (0..sizes[0], sizes[0]);
    let mut connections = file.connections.iter();
    for size in &sizes[1..] {
        let columns = size - 1;
        let mut weights = vec![0.0; (before.len() - 1) * columns];
        let mut biases = vec![0.0; columns];
        for (column, neuron) in file.neurons[start..start + size].iter().enumerate() {
            for (from, weight) in connections.by_ref().take(neuron.connections) {
                if column == columns {
                    continue; // the bias neuron's connections, if a file has any, do nothing
                }
                if !before.contains(from) {
                    return Err(file.error(format!(
                        "neuron {} is connected to neuron {from} of another layer",
                        start + column
                    )));
                }
                let row = from - before.start;
                if row == before.len() - 1 {
                    biases[column] += weight;
                } else {
                    weights[row * columns + column] += weight;
                }
            }
        }
        parameters.push(LayerParameters { weights, biases, thresholds: Vec::new() });
        before = start..start + size;
        start += size;
    }
    Network::new(spec, file.input_scaling()?, parameters, file.output_scaling()?)
}

struct Neuron {
    connections: usize,
    function: usize,
    steepness: f32,
}

impl Neuron {
    fn run(&self, file: &File) -> Result<NeuronRun> {
        let activation =
            FUNCTIONS.get(self.function).copied().flatten().ok_or_else(|| {
                file.error(format!("activation function {} is not supported", self.function))
            })?;
        let s = self.steepness;
        if !(0.0..=1e6).contains(&s) {
            return Err(file.error(format!("a steepness of {s} is not supported")));
        }
        let limit = 150.0 / s / s;
        let steepness = s * libfann_factor(activation);
        Ok(NeuronRun { count: 1, activation, steepness, limit: limit.is_finite().then_some(limit) })
    }
}

/// Our steepness divided by libfann's, for the same function.
fn libfann_factor(activation: Activation) -> f32 {
    if activation == Activation::Sigmoid { 2.0 } else { 1.0 }
}

/// A parsed file: every list has the length that the others promise.
struct File<'a> {
    name: &'a str,
    layer_sizes: Vec<usize>,
    neurons: Vec<Neuron>,
    connections: Vec<(usize, f32)>,
    scaling: Option<[Vec<f32>; 8]>,
}

impl<'a> File<'a> {
    fn parse(name: &'a str, bytes: &[u8]) -> Result<Self> {
        let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(name);
        let text = std::str::from_utf8(bytes).map_err(|_| fail("not a text file".to_owned()))?;
        let mut lines = text.lines();
        match lines.next().map(str::trim_end) {
            Some(SIGNATURE) => {}
            Some(other) if other.starts_with("FANN_FIX") => {
                return Err(fail("a fixed-point libfann network".to_owned())
                    .help("save it with fann_save, in floating point"));
            }
            Some(other) if other.starts_with("FANN_") => {
                return Err(fail(format!(
                    "libfann format {}; this program reads {SIGNATURE}",
                    other.chars().take(20).collect::<String>()
                )));
            }
            _ => return Err(fail("not a libfann network file".to_owned())),
        }
        let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
        // Neuron and connection lines hold "=" only once after their long key, so the first split is right except
        // for these two, whose keys hold no "=" either.
        let field = |key: &str| {
            fields
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, v)| v.trim())
                .ok_or_else(|| fail(format!("no {key} line")))
        };
        let layers: usize =
            field("num_layers")?.parse().map_err(|_| fail("num_layers is not a number".to_owned()))?;
        if !(2..=MAX_LAYERS + 1).contains(&layers) {
            return Err(fail(format!("{layers} layers; there must be 2 to {}", MAX_LAYERS + 1)));
        }
        if field("network_type")? != "0" {
            return Err(fail("a shortcut network; only layered networks are supported".to_owned())
                .help("create it with fann_create_standard or fann_create_sparse"));
        }
        let layer_sizes: Vec<usize> = numbers(field("layer_sizes")?, layers)
            .filter(|sizes: &Vec<usize>| {
                sizes.len() == layers && sizes.iter().all(|size| (2..=MAX_WIDTH + 1).contains(size))
            })
            .ok_or_else(|| {
                fail(format!("layer_sizes are not {layers} numbers from 2 to {}", MAX_WIDTH + 1))
            })?;
        let total: usize = layer_sizes.iter().sum();
        let neurons = tuples(field(NEURONS)?, total)
            .map(|tuple| {
                let [connections, function, steepness] = split::<3>(tuple?)?;
                Some(Neuron {
                    connections: connections.parse().ok()?,
                    function: function.parse().ok()?,
                    steepness: steepness.parse().ok()?,
                })
            })
            .collect::<Option<Vec<_>>>()
            .filter(|neurons| neurons.len() == total)
            .ok_or_else(|| fail(format!("the neurons line does not describe {total} neurons")))?;
        let promised = neurons.iter().fold(0usize, |sum, neuron| sum.saturating_add(neuron.connections));
        let connections = tuples(field(CONNECTIONS)?, promised)
            .map(|tuple| {
                let [from, weight] = split::<2>(tuple?)?;
                Some((from.parse().ok()?, weight.parse().ok()?))
            })
            .collect::<Option<Vec<(usize, f32)>>>()
            .filter(|connections| connections.len() == promised)
            .ok_or_else(|| {
                fail(format!("the connections line does not hold the {promised} connections of the neurons"))
            })?;
        if neurons[..layer_sizes[0]].iter().any(|neuron| neuron.connections != 0) {
            return Err(fail("an input neuron has connections".to_owned()));
        }
        let scaling = if field("scale_included")? == "0" {
            None
        } else {
            let list = |key: &str, count: usize| {
                numbers(field(key)?, count)
                    .filter(|values: &Vec<f32>| values.len() == count)
                    .ok_or_else(|| fail(format!("{key} does not hold {count} numbers")))
            };
            let (inputs, outputs) = (layer_sizes[0] - 1, layer_sizes[layers - 1] - 1);
            Some([
                list("scale_mean_in", inputs)?,
                list("scale_deviation_in", inputs)?,
                list("scale_new_min_in", inputs)?,
                list("scale_factor_in", inputs)?,
                list("scale_mean_out", outputs)?,
                list("scale_deviation_out", outputs)?,
                list("scale_new_min_out", outputs)?,
                list("scale_factor_out", outputs)?,
            ])
        };
        Ok(Self { name, layer_sizes, neurons, connections, scaling })
    }

    fn error(&self, what: String) -> Error {
        Error::new(ErrorCode::NetworkInvalid, what).part(self.name)
    }

    /// `fann_scale_input`: `((x - mean) / deviation + 1) * factor + new_min`, as `(x - offset) * slope`.
    fn input_scaling(&self) -> Result<Option<Scaling>> {
        let Some([mean, deviation, new_min, factor, ..]) = &self.scaling else { return Ok(None) };
        let mut scaling = Scaling { offsets: Vec::new(), factors: Vec::new() };
        for i in 0..mean.len() {
            let slope = factor[i] / deviation[i];
            if !slope.is_finite() || slope == 0.0 {
                return Err(self.error(format!("the scaling of input {i} has no inverse")));
            }
            scaling.factors.push(slope);
            scaling.offsets.push(mean[i] - deviation[i] * (1.0 + new_min[i] / factor[i]));
        }
        Ok(Some(scaling))
    }

    /// `fann_descale_output`: `((y - new_min) / factor - 1) * deviation + mean`, as `y * slope + offset`.
    fn output_scaling(&self) -> Result<Option<Scaling>> {
        let Some([.., mean, deviation, new_min, factor]) = &self.scaling else { return Ok(None) };
        let mut scaling = Scaling { offsets: Vec::new(), factors: Vec::new() };
        for i in 0..mean.len() {
            let slope = deviation[i] / factor[i];
            if !slope.is_finite() {
                return Err(self.error(format!("the scaling of output {i} is not a number")));
            }
            scaling.factors.push(slope);
            scaling.offsets.push(mean[i] - deviation[i] * (1.0 + new_min[i] / factor[i]));
        }
        Ok(Some(scaling))
    }
}

/// Numbers separated by spaces; reads at most one more than `count`, so that too many are noticed.
fn numbers<T: std::str::FromStr>(text: &str, count: usize) -> Option<Vec<T>> {
    text.split_ascii_whitespace().take(count + 1).map(|number| number.parse().ok()).collect()
}

/// The insides of "(...) (...) ...", at most one more than `count`; `None` for what is not a tuple.
fn tuples(text: &str, count: usize) -> impl Iterator<Item = Option<&str>> {
    text.split_inclusive(')')
        .filter(|part| !part.trim().is_empty())
        .take(count.saturating_add(1))
        .map(|part| part.trim().strip_prefix('(')?.strip_suffix(')'))
}

fn split<const N: usize>(tuple: &str) -> Option<[&str; N]> {
    let parts: Vec<&str> = tuple.split(',').map(str::trim).take(N + 1).collect();
    parts.try_into().ok()
}

/// Writes a network for libfann's `fann_create_from_file`. Scaling of inputs and outputs is folded into the weights.
/// libfann limits steepness times sum to plus or minus 150 / steepness, so linear outputs beyond 150 come out limited.
///
/// # Errors
/// `network.invalid` when a layer is gated or uses a function that libfann 2.2 lacks (ReLU, leaky ReLU, GELU).
pub fn write(network: &Network) -> Result<String> {
    let spec = network.spec();
    let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(&spec.name);
    let layers = network.folded()?;
    let (mut neurons, mut connections) = (String::new(), String::new());
    let put = |line: &mut String, text: std::fmt::Arguments<'_>| {
        line.write_fmt(text).map_err(|source| fail("cannot format".to_owned()).because(source))
    };
    for _ in 0..=spec.inputs {
        put(&mut neurons, format_args!("(0, 0, 0.0) "))?;
    }
    let (mut start, mut before) = (0, spec.inputs);
    for (layer, parameters) in spec.layers.iter().zip(&layers) {
        let LayerFunction::Neurons(runs) = &layer.function else {
            return Err(fail(format!("libfann has no {} layers", layer.function_name())));
        };
        for run in runs {
            let function = FUNCTIONS
                .iter()
                .position(|function| *function == Some(run.activation))
                .ok_or_else(|| fail(format!("libfann has no {} neurons", run.activation.name())))?;
            let steepness = run.steepness / libfann_factor(run.activation);
            for _ in 0..run.count {
                put(&mut neurons, format_args!("({}, {function}, {steepness:.9e}) ", before + 1))?;
            }
        }
        put(&mut neurons, format_args!("(0, 0, 0.0) "))?;
        for column in 0..layer.size {
            for row in 0..before {
                let weight = parameters.weights[row * layer.size + column];
                put(&mut connections, format_args!("({}, {weight:.9e}) ", start + row))?;
            }
            put(&mut connections, format_args!("({}, {:.9e}) ", start + before, parameters.biases[column]))?;
        }
        start += before + 1;
        before = layer.size;
    }
    let sizes: Vec<String> = spec.shape().iter().map(|size| (size + 1).to_string()).collect();
    // Training settings are libfann's defaults; its reader wants every line, in this order.
    Ok(format!(
        "{SIGNATURE}\nnum_layers={}\nlearning_rate=0.700000\nconnection_rate=1.000000\nnetwork_type=0\n\
         learning_momentum=0.000000\ntraining_algorithm=2\ntrain_error_function=1\ntrain_stop_function=0\n\
         cascade_output_change_fraction=0.010000\nquickprop_decay=-0.000100\nquickprop_mu=1.750000\n\
         rprop_increase_factor=1.200000\nrprop_decrease_factor=0.500000\nrprop_delta_min=0.000000\n\
         rprop_delta_max=50.000000\nrprop_delta_zero=0.100000\ncascade_output_stagnation_epochs=12\n\
         cascade_candidate_change_fraction=0.010000\ncascade_candidate_stagnation_epochs=12\n\
         cascade_max_out_epochs=150\ncascade_min_out_epochs=50\ncascade_max_cand_epochs=150\n\
         cascade_min_cand_epochs=50\ncascade_num_candidate_groups=2\nbit_fail_limit=3.5e-01\n\
         cascade_candidate_limit=1.0e+03\ncascade_weight_multiplier=4.0e-01\n\
         cascade_activation_functions_count=1\ncascade_activation_functions=5 \n\
         cascade_activation_steepnesses_count=1\ncascade_activation_steepnesses=5.0e-01 \n\
         layer_sizes={} \nscale_included=0\n{NEURONS}={neurons}\n{CONNECTIONS}={connections}\n",
        sizes.len(),
        sizes.join(" "),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::Evaluator;
    use crate::random::Random;

    fn sample(seed: u64) -> Network {
        let mut random = Random::new(seed);
        let mut layer = || {
            let runs = (0..1 + random.below(3))
                .map(|_| {
                    let writable: Vec<_> = FUNCTIONS.iter().flatten().collect();
                    NeuronRun {
                        count: 1 + random.below(4),
                        activation: *writable[random.below(writable.len())],
                        steepness: 0.25 + random.uniform() as f32,
                        limit: None,
                    }
                })
                .collect::<Vec<_>>();
            LayerSpec { size: runs.iter().map(|run| run.count).sum(), function: LayerFunction::Neurons(runs) }
        };
        Network::random(NetworkSpec::new("sample", 3, vec![layer(), layer()], Output::Values), seed).unwrap()
    }

    proptest! {
        #[test]
        fn written_networks_read_back(seed in 0u64..500) {
            let network = sample(seed);
            let again = read("sample", write(&network).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(again.spec().shape(), network.spec().shape());
            let input = [0.3, -0.7, 1.1];
            let (found, expected) = (Evaluator::new(&again).run_one(&input), Evaluator::new(&network).run_one(&input));
            for (found, expected) in found.unwrap().iter().zip(expected.unwrap()) {
                prop_assert!((found - expected).abs() < 1e-5);
            }
        }

        #[test]
        fn damaged_files_never_panic(seed in 0u64..20, at in 0usize..4000, byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = write(&sample(seed)).unwrap().into_bytes();
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let _ = read("damaged", &bytes);
        }
    }

    #[test]
    fn greedy_and_foreign_files_are_errors() {
        let text = write(&sample(1)).unwrap();
        let error = |text: &str| read("n", text.as_bytes()).unwrap_err().to_string();
        assert!(error("FANN_FIX_2.1\n").contains("fixed-point"));
        assert!(error("FANN_FLO_1.0\n").contains("FANN_FLO_1.0"));
        assert!(error(&text.replace("network_type=0", "network_type=1")).contains("shortcut"));
        assert!(error(&text.replace("num_layers=3", "num_layers=4000000000")).contains("layers"));
        let sizes = text.lines().find(|line| line.starts_with("layer_sizes")).unwrap();
        assert!(error(&text.replace(sizes, "layer_sizes=60000 60000 2")).contains("neurons"));
        assert!(error(&text.replace("(4, ", "(99999999999, ")).contains("connections"));
    }
}
