//! Training: seeded, on logits, with early stopping; the same seed gives the same bytes whatever the thread count.

use rayon::prelude::*;

use super::dataset::Dataset;
use super::gated::softmax;
use super::gradient::{Masks, Parameters};
use super::network::{Network, Scaling};
pub use super::optimizer::Optimizer;
use super::optimizer::State;
use super::random::Random;
use super::spec::{NetworkSpec, Output};
use docproc_error::{Error, ErrorCode, Result};

/// Rows whose gradient is computed together. Chunks are fixed and their gradients added in order, so that the number
/// of threads does not change a bit of the result.
const CHUNK: usize = 64;

/// Settings of a training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// How weights are changed.
    pub optimizer: Optimizer,
    /// Most passes over the data.
    pub epochs: usize,
    /// Stop after this many epochs without a better validation loss; the best epoch's weights are kept.
    pub patience: usize,
    /// Share of hidden outputs that is dropped at random while training, 0 to below 1.
    pub dropout: f64,
    /// Give classes weights that make them count alike.
    pub balance_classes: bool,
    /// Standardise inputs (and targets of plain values) by the training rows.
    pub standardize: bool,
    /// Seed of initial weights, order and dropout.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 1e-2, batch: 64 },
            epochs: 100,
            patience: 15,
            dropout: 0.0,
            balance_classes: false,
            standardize: true,
            seed: 1,
        }
    }
}

/// Losses after one epoch; the training loss is the mean over the epoch's steps, with dropout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Number, counted from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub training: f64,
    /// Mean validation loss.
    pub validation: f64,
}

/// A trained network and how it got there.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The network with the weights of the best epoch.
    pub network: Network,
    /// Learning curve.
    pub curve: Vec<Epoch>,
    /// The epoch whose weights were kept.
    pub best_epoch: usize,
}

/// Trains a network.
///
/// The loss is binary cross-entropy on the logit for [`Output::Probability`], softmax cross-entropy on the logits for
/// [`Output::Classes`] and mean squared error for [`Output::Values`].
///
/// # Errors
/// `data.invalid` when the data do not fit the description or the loss is not a number; `network.invalid` when the
/// description breaks a limit.
pub fn train(
    spec: &NetworkSpec,
    data: &Dataset,
    validation: &Dataset,
    settings: &Training,
    progress: &mut dyn FnMut(&Epoch),
) -> Result<Trained> {
    let fail = |what: &str| Error::new(ErrorCode::DataInvalid, what).part(&spec.name);
    for part in [data, validation] {
        if part.rows() == 0 || part.width != spec.inputs || part.outputs != spec.outputs() {
            return Err(fail("the data are empty or do not have the network's inputs and outputs"));
        }
    }
    let mut spec = spec.clone();
    spec.seed = settings.seed;
    spec.class_weights =
        if settings.balance_classes { balanced_weights(data, &spec.output) } else { Vec::new() };
    let scaling = settings.standardize.then(|| data.standardization());
    let targets = (settings.standardize && spec.output == Output::Values).then(|| target_scaling(data));
    let start = Network::random(spec.clone(), settings.seed)?;
    let mut parameters = Parameters::of(&start);
    let (rows, held_out) = (Rows::new(data, &scaling, &targets), Rows::new(validation, &scaling, &targets));

    let mut state = State::new(settings.optimizer, &parameters);
    let mut random = Random::new(settings.seed ^ 0x5EED);
    let (batch, mut order) = match settings.optimizer {
        Optimizer::AdamW { batch, .. } => (batch.max(1), (0..data.rows()).collect::<Vec<_>>()),
        Optimizer::IRpropMinus => (data.rows(), (0..data.rows()).collect()),
    };
    let learner = Learner { spec: &spec, dropout: settings.dropout };
    let mut best = (f64::INFINITY, 0, parameters.clone());
    let mut curve = Vec::new();
    for epoch in 1..=settings.epochs.max(1) {
        if batch < data.rows() {
            random.shuffle(&mut order);
        }
        let progressed = (epoch - 1) as f64 / settings.epochs as f64;
        let pace = 0.5 * (1.0 + (std::f64::consts::PI * progressed).cos());
        let mut total = 0.0;
        for batch in order.chunks(batch) {
            let (loss, gradient) = learner.gradient(&parameters, &rows, batch, random.bits());
            total += loss * batch.len() as f64;
            state.step(&mut parameters, &gradient, pace);
        }
        let report = Epoch {
            epoch,
            training: total / data.rows() as f64,
            validation: learner.loss(&parameters, &held_out),
        };
        if !report.training.is_finite() || !report.validation.is_finite() {
            return Err(
                fail("the loss is no longer a number").help("lower the learning rate or check the features")
            );
        }
        progress(&report);
        curve.push(report);
        if report.validation < best.0 {
            best = (report.validation, epoch, parameters.clone());
        } else if epoch - best.1 >= settings.patience {
            break;
        }
    }
    let network = Network::new(spec, scaling, best.2.narrow(), targets)?;
    Ok(Trained { network, curve, best_epoch: best.1 })
}

/// Data in the form that training needs: scaled, f64.
struct Rows {
    width: usize,
    outputs: usize,
    inputs: Vec<f64>,
    targets: Vec<f64>,
}

impl Rows {
    fn new(data: &Dataset, scaling: &Option<Scaling>, targets: &Option<Scaling>) -> Self {
        let scaled = |(index, value): (usize, &f32)| {
            let (column, value) = (index % data.width, f64::from(*value));
            let scaled = scaling.as_ref().map_or(value, |scaling| {
                (value - f64::from(scaling.offsets[column])) * f64::from(scaling.factors[column])
            });
            if scaled.is_finite() { scaled } else { 0.0 }
        };
        let target = |(index, value): (usize, &f32)| {
            let (column, value) = (index % data.outputs, f64::from(*value));
            targets.as_ref().map_or(value, |scaling| {
                (value - f64::from(scaling.offsets[column])) / f64::from(scaling.factors[column])
            })
        };
        Self {
            width: data.width,
            outputs: data.outputs,
            inputs: data.inputs.iter().enumerate().map(scaled).collect(),
            targets: data.targets.iter().enumerate().map(target).collect(),
        }
    }
}

struct Learner<'a> {
    spec: &'a NetworkSpec,
    dropout: f64,
}

impl Learner<'_> {
    /// Mean loss over some rows, and its gradient by the parameters.
    fn gradient(
        &self,
        parameters: &Parameters,
        rows: &Rows,
        batch: &[usize],
        seed: u64,
    ) -> (f64, Parameters) {
        let parts: Vec<(f64, Parameters)> = batch
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(index, chunk)| {
                let inputs: Vec<f64> = chunk
                    .iter()
                    .flat_map(|row| &rows.inputs[row * rows.width..][..rows.width])
                    .copied()
                    .collect();
                let masks = self.masks(chunk.len(), seed.wrapping_add(index as u64));
                let trace = parameters.forward(&self.spec.layers, &inputs, chunk.len(), &masks);
                let mut by_outputs = trace.outputs().to_vec();
                let mut loss = 0.0;
                for (logits, row) in by_outputs.chunks_exact_mut(rows.outputs).zip(chunk) {
                    loss += self.row_loss(logits, &rows.targets[row * rows.outputs..][..rows.outputs]);
                }
                let mut gradient = parameters.zeros_like();
                parameters.backward(
                    &self.spec.layers,
                    &inputs,
                    &trace,
                    &masks,
                    by_outputs,
                    Some(&mut gradient),
                );
                (loss, gradient)
            })
            .collect();
        let share = 1.0 / batch.len() as f64;
        let mut total = parameters.zeros_like();
        let mut loss = 0.0;
        for (part_loss, part) in &parts {
            loss += part_loss * share;
            for (total, part) in total.slices_mut().zip(part.slices()) {
                for (total, part) in total.iter_mut().zip(part) {
                    *total += part * share;
                }
            }
        }
        (loss, total)
    }

    /// Mean loss without dropout.
    fn loss(&self, parameters: &Parameters, rows: &Rows) -> f64 {
        let count = rows.targets.len() / rows.outputs;
        let trace = parameters.forward(&self.spec.layers, &rows.inputs, count, &Masks::new());
        let mut logits = trace.outputs().to_vec();
        let pairs = logits.chunks_exact_mut(rows.outputs).zip(rows.targets.chunks_exact(rows.outputs));
        pairs.map(|(logits, targets)| self.row_loss(logits, targets)).sum::<f64>() / count as f64
    }

    /// Loss of one row; replaces the logits by the gradient.
    fn row_loss(&self, logits: &mut [f64], targets: &[f64]) -> f64 {
        let weight = |class: usize| self.spec.class_weights.get(class).map_or(1.0, |w| f64::from(*w));
        match self.spec.output {
            Output::Probability(_) => {
                let (z, t) = (logits[0], targets[0]);
                let weight = weight(usize::from(t > 0.5));
                let probability = 1.0 / (1.0 + (-z).exp());
                logits[0] = weight * (probability - t);
                weight * (z.max(0.0) - z * t + (-z.abs()).exp().ln_1p())
            }
            Output::Classes(_) => {
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let normalizer = largest + logits.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
                let weight: f64 = targets.iter().enumerate().map(|(class, t)| weight(class) * t).sum();
                let loss: f64 = logits.iter().zip(targets).map(|(z, t)| t * (normalizer - z)).sum();
                softmax(logits);
                for (value, target) in logits.iter_mut().zip(targets) {
                    *value = weight * (*value - target);
                }
                weight * loss
            }
            Output::Values => {
                let count = logits.len() as f64;
                let mut loss = 0.0;
                for (value, target) in logits.iter_mut().zip(targets) {
                    let difference = *value - target;
                    loss += difference * difference / count;
                    *value = 2.0 * difference / count;
                }
                loss
            }
        }
    }

    /// Dropout: a kept output is divided by the share that is kept.
    fn masks(&self, rows: usize, seed: u64) -> Masks {
        if self.dropout <= 0.0 {
            return Masks::new();
        }
        let mut random = Random::new(seed);
        let keep = 1.0 - self.dropout;
        let hidden = &self.spec.layers[..self.spec.layers.len() - 1];
        hidden
            .iter()
            .map(|layer| {
                (0..rows * layer.size)
                    .map(|_| if random.uniform() < keep { 1.0 / keep } else { 0.0 })
                    .collect()
            })
            .collect()
    }
}

/// Weights that give every class the same total: rows / (classes * rows of the class).
fn balanced_weights(data: &Dataset, output: &Output) -> Vec<f32> {
    let classes = match output {
        Output::Probability(_) => 2,
        Output::Classes(labels) => labels.len(),
        Output::Values => return Vec::new(),
    };
    let mut counts = vec![0usize; classes];
    for row in 0..data.rows() {
        counts[data.class(row)] += 1;
    }
    counts.iter().map(|count| data.rows() as f32 / (classes * (*count).max(1)) as f32).collect()
}

fn target_scaling(data: &Dataset) -> Scaling {
    let targets = Dataset {
        width: data.outputs,
        outputs: 0,
        inputs: data.targets.clone(),
        targets: Vec::new(),
        groups: data.groups.clone(),
        parts: data.parts.clone(),
    };
    let standard = targets.standardization();
    let factors =
        standard.factors.iter().map(|factor| if *factor > 0.0 { 1.0 / factor } else { 1.0 }).collect();
    Scaling { offsets: standard.offsets, factors }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Evaluator;
    use crate::file;
    use crate::spec::LayerSpec;

    fn spec(inputs: usize, layers: &[(usize, &str)], output: Output) -> NetworkSpec {
        let layers = layers.iter().map(|(size, kind)| LayerSpec::named(*size, kind).unwrap()).collect();
        NetworkSpec::new("test", inputs, layers, output)
    }

    fn xor() -> Dataset {
        let mut data = Dataset::empty(2, 1);
        for (a, b) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
            data.push(&[a, b], &[f32::from(u8::from(a != b))], String::new());
        }
        data
    }

    fn rings(rows: usize, seed: u64) -> Dataset {
        let mut random = Random::new(seed);
        let mut data = Dataset::empty(3, 2);
        for row in 0..rows {
            let inner = row % 3 == 0;
            let radius = if inner { 0.5 } else { 1.5 } + 0.1 * random.normal();
            let angle = std::f64::consts::TAU * random.uniform();
            let noise = if row % 7 == 0 { f32::NAN } else { random.normal() as f32 };
            let target = [f32::from(u8::from(inner)), f32::from(u8::from(!inner))];
            data.push(
                &[(radius * angle.cos()) as f32, (radius * angle.sin()) as f32, noise],
                &target,
                String::new(),
            );
        }
        data
    }

    #[test]
    fn learns_xor_with_both_optimizers() {
        let adam = Optimizer::AdamW { learning_rate: 0.05, weight_decay: 0.0, batch: 4 };
        for optimizer in [Optimizer::IRpropMinus, adam] {
            let settings = Training { optimizer, epochs: 300, patience: 300, seed: 2, ..Training::default() };
            let spec = spec(2, &[(4, "tanh"), (1, "linear")], Output::Probability("odd".into()));
            let trained = train(&spec, &xor(), &xor(), &settings, &mut |_| {}).unwrap();
            let evaluator = Evaluator::new(&trained.network);
            for row in 0..4 {
                let logit = evaluator.run_one(xor().input(row)).unwrap()[0];
                assert_eq!(logit > 0.0, xor().class(row) == 1, "{optimizer:?}");
            }
        }
    }

    #[test]
    fn gated_layers_learn_two_rings() {
        for kind in ["document_glu", "adaptive_relu", "mixture_of_experts", "gelu"] {
            let output = Output::Classes(vec!["inner".into(), "outer".into()]);
            let spec = spec(3, &[(12, kind), (8, "relu"), (2, "linear")], output);
            let settings = Training {
                optimizer: Optimizer::AdamW { learning_rate: 0.01, weight_decay: 1e-3, batch: 32 },
                epochs: 60,
                patience: 60,
                dropout: 0.05,
                balance_classes: true,
                ..Training::default()
            };
            let trained = train(&spec, &rings(400, 1), &rings(150, 2), &settings, &mut |_| {}).unwrap();
            let evaluator = Evaluator::new(&trained.network);
            let test = rings(200, 3);
            let right = (0..200)
                .filter(|row| {
                    let logits = evaluator.run_one(test.input(*row)).unwrap();
                    usize::from(logits[1] > logits[0]) == test.class(*row)
                })
                .count();
            assert!(right >= 190, "{kind}: {right} of 200");
            assert!(trained.network.spec().class_weights[0] > 1.0, "the rarer class counts more");
        }
    }

    #[test]
    fn learns_values_in_their_own_units() {
        let mut data = Dataset::empty(1, 1);
        for i in 0..100 {
            let x = i as f32 * 0.06 - 3.0;
            data.push(&[x], &[1000.0 + 200.0 * x.sin()], String::new());
        }
        let spec = spec(1, &[(8, "tanh"), (1, "linear")], Output::Values);
        let settings =
            Training { optimizer: Optimizer::IRpropMinus, epochs: 400, patience: 400, ..Training::default() };
        let trained = train(&spec, &data, &data, &settings, &mut |_| {}).unwrap();
        let found = Evaluator::new(&trained.network).run_one(&[1.0]).unwrap()[0];
        assert!((found - (1000.0 + 200.0 * 1f32.sin())).abs() < 20.0, "{found}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_whatever_the_thread_count() {
        let output = Output::Classes(vec!["inner".into(), "outer".into()]);
        let spec = spec(3, &[(8, "relu"), (2, "linear")], output);
        let settings = |seed| Training {
            optimizer: Optimizer::AdamW { learning_rate: 0.01, weight_decay: 0.0, batch: 200 },
            epochs: 4,
            dropout: 0.2,
            seed,
            ..Training::default()
        };
        let bytes = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let trained =
                pool.install(|| train(&spec, &rings(400, 1), &rings(50, 2), &settings(seed), &mut |_| {}));
            file::write(&trained.unwrap().network).unwrap()
        };
        assert_eq!(bytes(1, 7), bytes(4, 7));
        assert_ne!(bytes(1, 7), bytes(1, 8));
    }

    #[test]
    fn stops_early_and_keeps_the_best_epoch() {
        let mut noise = Dataset::empty(5, 1);
        let mut random = Random::new(1);
        for row in 0..40 {
            let inputs: Vec<f32> = (0..5).map(|_| random.normal() as f32).collect();
            noise.push(&inputs, &[(row % 2) as f32], String::new());
        }
        let held_out = noise.filter(|row| row >= 20);
        let settings = Training { epochs: 500, patience: 5, ..Training::default() };
        let spec = spec(5, &[(16, "relu"), (1, "linear")], Output::Probability("x".into()));
        let mut seen = 0;
        let trained =
            train(&spec, &noise.filter(|row| row < 20), &held_out, &settings, &mut |_| seen += 1).unwrap();
        assert!(trained.curve.len() < 500 && trained.curve.len() == seen);
        let best = trained.curve.iter().map(|e| e.validation).fold(f64::INFINITY, f64::min);
        assert_eq!(trained.curve[trained.best_epoch - 1].validation, best);
        let empty = Dataset::empty(5, 1);
        assert!(train(&spec, &empty, &held_out, &settings, &mut |_| {}).is_err());
    }
}
