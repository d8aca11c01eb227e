//! From labelled rows to a network worth shipping: cross-validated by group, calibrated, with a threshold, and
//! compared with logistic regression on the same features. What does not beat the simple model beyond chance is not
//! kept.

use super::dataset::Dataset;
use super::evaluate::Evaluator;
use super::file;
use super::logistic;
use super::metrics::{self, Flagging, Interval};
use super::network::Network;
use super::spec::{Calibration, LayerSpec, NetworkSpec, Output, TrainingData};
use super::train::{Epoch, Optimizer, Training, train};
use super::{curve, features};
use crate::error::{Error, ErrorCode, Result};

const RESAMPLES: usize = 500;
const CALIBRATION_BINS: usize = 15;

/// How a network is made and judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The network.
    pub spec: NetworkSpec,
    /// How it is trained.
    pub training: Training,
    /// Parts into which the groups are dealt: in turn one is the test, the next the validation, the rest train.
    pub folds: usize,
    /// Penalties that logistic regression may choose from.
    pub penalties: Vec<f64>,
}

/// What happens while an experiment runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Fold in work, counted from 1; the last one past `folds` is the final training.
    pub fold: usize,
    /// Number of folds.
    pub folds: usize,
    /// The epoch that was finished.
    pub epoch: Epoch,
}

/// Held-out figures of one model, over the test parts of all folds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Area under the curve; for several classes the mean over classes of one against the rest. Interval by resampling
    /// groups.
    pub auc: Interval,
    /// Share of rows whose most probable class is the true one.
    pub accuracy: f64,
    /// Expected calibration error of the positive class, or of the most probable class for several, 15 bins.
    pub calibration_error: f64,
    /// Mean squared error of that probability.
    pub brier: f64,
    /// Mean negative log probability of the true class.
    pub log_loss: f64,
}

/// Outcome of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What to ship: the network, or logistic regression where it is as good.
    pub network: Network,
    /// The network of the recipe where logistic regression is shipped: for who asks for its shape.
    pub alternative: Option<Network>,
    /// Whether what is shipped is the network of the recipe.
    pub network_won: bool,
    /// Held-out figures of the network.
    pub evaluation: Evaluation,
    /// Held-out figures of logistic regression.
    pub baseline: Evaluation,
    /// AUC of the network minus that of logistic regression, on the same resamples.
    pub difference: Interval,
    /// Log loss of the network minus that of logistic regression, on the same resamples; below 0 is better. The
    /// network wins when the whole interval is.
    pub loss_difference: Interval,
    /// What the shipped threshold does on the held-out predictions; for two classes only.
    pub flagging: Option<Flagging>,
    /// Learning curve of the final training.
    pub curve: Vec<Epoch>,
    /// Its best epoch.
    pub best_epoch: usize,
    /// AUC of what is shipped and of logistic regression by part of the data, with the number of rows, where parts are named.
    pub parts: Vec<(String, usize, [Interval; 2])>,
    /// Held-out probabilities of the shipped kind of model per row of the data, `[rows][classes]`.
    pub held_out: Vec<Vec<f64>>,
}

struct Prediction {
    group: String,
    part: String,
    class: usize,
    /// Of the network and of the baseline.
    probabilities: [Vec<f64>; 2],
}

/// Runs the whole experiment.
///
/// # Errors
/// `data.invalid` when there are too few groups or classes, or the network predicts plain values; those of
/// [`train`].
pub fn run(
    recipe: &Recipe,
    data: &Dataset,
    fingerprint: &TrainingData,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome> {
    let fail = |what: String| Error::new(ErrorCode::DataInvalid, what).part(&recipe.spec.name);
    if recipe.spec.output == Output::Values {
        return Err(fail("a network of plain values has no classes to judge it by".to_owned()));
    }
    let folds = recipe.folds.max(3);
    if fingerprint.groups < folds {
        return Err(fail(format!(
            "{} groups (companies, documents); cross-validation needs {folds}",
            fingerprint.groups
        ))
        .help("give every row its group, and more of them"));
    }
    let fold_of = data.folds(folds, recipe.training.seed);
    let mut predictions: Vec<Option<Prediction>> = (0..data.rows()).map(|_| None).collect();
    let mut penalties = Vec::new();
    for fold in 0..folds {
        let held = (fold + 1) % folds;
        let training = data.filter(|row| fold_of[row] != fold && fold_of[row] != held);
        let validation = data.filter(|row| fold_of[row] == held);
        let mut report = |epoch: &Epoch| progress(Progress { fold: fold + 1, folds, epoch: *epoch });
        let trained = train(&recipe.spec, &training, &validation, &recipe.training, &mut report)?;
        let network = calibrated(trained.network, &validation)?;
        let (baseline, penalty) = baseline(recipe, &training, &validation)?;
        penalties.push(penalty);
        let both = [probabilities(&network, data)?, probabilities(&baseline, data)?];
        for row in (0..data.rows()).filter(|row| fold_of[*row] == fold) {
            predictions[row] = Some(Prediction {
                group: data.groups[row].clone(),
                part: data.parts[row].clone(),
                class: data.class(row),
                probabilities: [both[0][row].clone(), both[1][row].clone()],
            });
        }
    }
    let predictions: Vec<Prediction> = predictions.into_iter().flatten().collect();
    let few = || fail("too few groups with every class to judge the network".to_owned());
    let evaluation = evaluate(&predictions, 0).ok_or_else(few)?;
    let baseline_evaluation = evaluate(&predictions, 1).ok_or_else(few)?;
    let difference = |sample: &[&Prediction]| Some(auc(sample, 0)? - auc(sample, 1)?);
    let difference =
        metrics::bootstrap(&predictions, |p| &p.group, difference, RESAMPLES, 1).ok_or_else(few)?;
    let loss_difference = metrics::bootstrap(
        &predictions,
        |p| &p.group,
        |sample| Some(log_loss(sample.iter().copied(), 0) - log_loss(sample.iter().copied(), 1)),
        RESAMPLES,
        1,
    )
    .ok_or_else(few)?;
    let network_won = loss_difference.high < 0.0;

    let validation = data.filter(|row| fold_of[row] == 0);
    let training = data.filter(|row| fold_of[row] != 0);
    let mut report = |epoch: &Epoch| progress(Progress { fold: folds + 1, folds, epoch: *epoch });
    let trained = train(&recipe.spec, &training, &validation, &recipe.training, &mut report)?;
    let full = calibrated(trained.network, &validation)?;
    let (network, alternative) = if network_won {
        (full, None)
    } else {
        penalties.sort_by(f64::total_cmp);
        let single = Recipe { penalties: vec![penalties[penalties.len() / 2]], ..recipe.clone() };
        (baseline(&single, &training, &validation)?.0, Some(full))
    };
    let shown = usize::from(!network_won);
    let flagging = |model: usize| {
        let scored = |p: &Prediction| (p.probabilities[model][1], p.class == 1);
        (classes(&recipe.spec) == 2)
            .then(|| metrics::best_threshold(&predictions.iter().map(scored).collect::<Vec<_>>()))
    };
    let finish = |network: Network, model: usize| {
        let kept = [evaluation, baseline_evaluation][model];
        network.with_spec(|spec| {
            spec.training_data = Some(fingerprint.clone());
            spec.seed = recipe.training.seed;
            if let Some(flagging) = flagging(model) {
                spec.threshold = flagging.threshold as f32;
            }
            spec.metrics = [
                ("auc", kept.auc.estimate),
                ("auc_low", kept.auc.low),
                ("auc_high", kept.auc.high),
                ("accuracy", kept.accuracy),
                ("calibration_error", kept.calibration_error),
                ("log_loss", kept.log_loss),
                ("baseline_auc", baseline_evaluation.auc.estimate),
                ("baseline_log_loss", baseline_evaluation.log_loss),
            ]
            .map(|(name, value)| (name.to_owned(), (value * 1e4).round() / 1e4))
            .into_iter()
            .collect();
        })
    };
    let network = finish(network, shown)?;
    let alternative = alternative.map(|network| finish(network, 0)).transpose()?;
    let flagging = flagging(shown);
    let parts = by_part(&predictions, shown);
    Ok(Outcome {
        network,
        alternative,
        network_won,
        evaluation,
        baseline: baseline_evaluation,
        difference,
        loss_difference,
        flagging,
        curve: trained.curve,
        best_epoch: trained.best_epoch,
        parts,
        held_out: predictions
            .into_iter()
            .map(|p| {
                let [a, b] = p.probabilities;
                if shown == 0 { a } else { b }
            })
            .collect(),
    })
}

fn classes(spec: &NetworkSpec) -> usize {
    if let Output::Classes(labels) = &spec.output { labels.len() } else { 2 }
}

/// Sets the network's calibration from its logits on rows that it was not trained on.
fn calibrated(network: Network, validation: &Dataset) -> Result<Network> {
    let evaluator = Evaluator::new(&network);
    let outputs = network.spec().outputs();
    let mut logits = vec![0.0; validation.rows() * outputs];
    evaluator.run(&validation.inputs, &mut logits, &mut evaluator.scratch())?;
    let calibration: Calibration = if outputs == 1 {
        let pairs: Vec<(f64, bool)> =
            logits.iter().enumerate().map(|(row, z)| (f64::from(*z), validation.class(row) == 1)).collect();
        logistic::platt(&pairs)
    } else {
        let classes: Vec<usize> = (0..validation.rows()).map(|row| validation.class(row)).collect();
        logistic::temperature(&logits, &classes, outputs)
    };
    network.with_spec(|spec| spec.calibration = calibration)
}

/// Logistic (or softmax) regression with the penalty that does best on the validation rows, calibrated.
fn baseline(recipe: &Recipe, training: &Dataset, validation: &Dataset) -> Result<(Network, f64)> {
    let mut best: Option<(f64, Network, f64)> = None;
    for penalty in &recipe.penalties {
        let network = if let Output::Probability(_) = recipe.spec.output {
            logistic::fit(&recipe.spec, training, *penalty, recipe.training.balance_classes)?
        } else {
            let mut spec = recipe.spec.clone();
            spec.layers = vec![LayerSpec::uniform(spec.outputs(), super::activation::Activation::Linear)];
            let optimizer = Optimizer::AdamW { learning_rate: 1e-2, weight_decay: *penalty, batch: 64 };
            let settings = Training { optimizer, dropout: 0.0, ..recipe.training.clone() };
            train(&spec, training, validation, &settings, &mut |_| {})?.network
        };
        let network = calibrated(network, validation)?;
        let probabilities = probabilities(&network, validation)?;
        let loss =
            (0..validation.rows()).map(|row| -probabilities[row][validation.class(row)].max(1e-7).ln()).sum();
        if best.as_ref().is_none_or(|(lowest, ..)| loss < *lowest) {
            best = Some((loss, network, *penalty));
        }
    }
    best.map(|(_, network, penalty)| (network, penalty))
        .ok_or_else(|| Error::new(ErrorCode::Internal, "a recipe without penalties").part(&recipe.spec.name))
}

/// Calibrated class probabilities per row; two for a single output.
fn probabilities(network: &Network, data: &Dataset) -> Result<Vec<Vec<f64>>> {
    let evaluator = Evaluator::new(network);
    let outputs = network.spec().outputs();
    let mut values = vec![0.0; data.rows() * outputs];
    evaluator.run(&data.inputs, &mut values, &mut evaluator.scratch())?;
    let rows = values.chunks_exact_mut(outputs).map(|row| {
        network.spec().calibrate(row);
        match row {
            [single] => vec![1.0 - f64::from(*single), f64::from(*single)],
            several => several.iter().map(|p| f64::from(*p)).collect(),
        }
    });
    Ok(rows.collect())
}

fn auc(sample: &[&Prediction], model: usize) -> Option<f64> {
    let width = sample.first()?.probabilities[model].len();
    let of_class = |class: usize| {
        metrics::auc(
            &sample.iter().map(|p| (p.probabilities[model][class], p.class == class)).collect::<Vec<_>>(),
        )
    };
    if width == 2 {
        return of_class(1);
    }
    let each: Vec<f64> = (0..width).filter_map(of_class).collect();
    (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
}

/// Figures of each named part of the data; parts without every class are left out.
fn by_part(predictions: &[Prediction], shown: usize) -> Vec<(String, usize, [Interval; 2])> {
    let mut names: Vec<&str> =
        predictions.iter().map(|p| p.part.as_str()).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let rows: Vec<&Prediction> = predictions.iter().filter(|p| p.part == name).collect();
            let of = |model: usize| {
                let figure =
                    |sample: &[&&Prediction]| auc(&sample.iter().map(|p| **p).collect::<Vec<_>>(), model);
                metrics::bootstrap(&rows, |p| &p.group, figure, RESAMPLES, 1)
            };
            Some((name.to_owned(), rows.len(), [of(shown)?, of(1)?]))
        })
        .collect()
}

fn log_loss<'a>(predictions: impl ExactSizeIterator<Item = &'a Prediction>, model: usize) -> f64 {
    let rows = predictions.len() as f64;
    predictions.map(|p| -p.probabilities[model][p.class].max(1e-7).ln()).sum::<f64>() / rows
}

fn evaluate(predictions: &[Prediction], model: usize) -> Option<Evaluation> {
    let best = |p: &[f64]| (1..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best });
    let scored: Vec<(f64, bool)> = predictions
        .iter()
        .map(|p| {
            let probabilities = &p.probabilities[model];
            let class = if probabilities.len() == 2 { 1 } else { best(probabilities) };
            (probabilities[class], p.class == class)
        })
        .collect();
    let right = predictions.iter().filter(|p| best(&p.probabilities[model]) == p.class).count();
    let rows = predictions.len() as f64;
    Some(Evaluation {
        auc: metrics::bootstrap(predictions, |p| &p.group, |sample| auc(sample, model), RESAMPLES, 1)?,
        accuracy: right as f64 / rows,
        calibration_error: metrics::expected_calibration_error(&scored, CALIBRATION_BINS),
        brier: metrics::brier(&scored),
        log_loss: log_loss(predictions.iter(), model),
    })
}

/// The files of a bundle: `network.dpnn`, `CARD.md`, `curve.csv`, `curve.svg`, and `network-SHAPE.dpnn` of the recipe's
/// network where it did not win. `data_note` says in a paragraph where the training data come from.
///
/// # Errors
/// Those of [`file::write`].
pub fn bundle(recipe: &Recipe, outcome: &Outcome, data_note: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let name = &recipe.spec.name;
    let mut files = vec![
        ("network.dpnn".to_owned(), file::write(&outcome.network)?),
        ("CARD.md".to_owned(), card(recipe, outcome, data_note).into_bytes()),
        ("curve.csv".to_owned(), curve::csv(&outcome.curve).into_bytes()),
        ("curve.svg".to_owned(), curve::svg(name, &outcome.curve, outcome.best_epoch).into_bytes()),
    ];
    if let Some(alternative) = &outcome.alternative {
        files.push((format!("network-{}.dpnn", alternative.spec().shape_text()), file::write(alternative)?));
    }
    Ok(files)
}

fn card(recipe: &Recipe, outcome: &Outcome, data_note: &str) -> String {
    let spec = outcome.network.spec();
    let interval = |i: Interval| format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high);
    let row = |name: &str, e: &Evaluation| {
        format!(
            "| {name} | {} | {:.3} | {:.3} | {:.3} | {:.3} |\n",
            interval(e.auc),
            e.accuracy,
            e.calibration_error,
            e.brier,
            e.log_loss
        )
    };
    let functions: Vec<&str> = spec.layers.iter().map(LayerSpec::function_name).collect();
    let output = match &spec.output {
        Output::Probability(class) => format!("probability of `{class}`"),
        Output::Classes(labels) => format!("probabilities of `{}`", labels.join("`, `")),
        Output::Values => "values".to_owned(),
    };
    let verdict = if outcome.network_won {
        "The network has the lower log loss, beyond chance, and is shipped."
    } else {
        "The network's log loss is not lower beyond chance; logistic regression is shipped in its place, as a network of \
         one layer. A configuration that asks for the network's layers gets the network, which is also here."
    };
    let mut text =
        format!("# {}\n\nLayers {} ({}), {output}.\n", spec.name, spec.shape_text(), functions.join(", "),);
    if let Some(id) = &spec.features {
        let subject = features::named(&id.name).map_or("thing", |set| set.subject);
        text.push_str(&format!(
            "Input: feature set `{}`, version {}, of a {subject}; `docproc features` prints it.\n",
            id.name, id.version
        ));
    }
    text.push_str(&format!("\n## Data\n\n{data_note}\n\n"));
    if let Some(data) = &spec.training_data {
        text.push_str(&format!(
            "{} rows in {} groups, SHA-256 of the data file `{}`. Seed {}.\n",
            data.rows, data.groups, data.sha256, spec.seed
        ));
    }
    text.push_str(&format!(
        "\n## Held-out figures\n\n{} folds by group: every row is predicted by models that saw no row of its group. \
         Intervals are 95%, resampling groups {RESAMPLES} times.\n\n\
         | model | AUC | accuracy | calibration error | Brier | log loss |\n|---|---|---|---|---|---|\n{}{}\n\
         AUC difference {}, log loss difference {}. {verdict}\n",
        recipe.folds.max(3),
        row(&format!("network {}", recipe.spec.shape_text()), &outcome.evaluation),
        row("logistic regression", &outcome.baseline),
        interval(outcome.difference),
        interval(outcome.loss_difference),
    ));
    if !outcome.parts.is_empty() {
        text.push_str("\nBy part of the data:\n\n| part | rows | AUC of what is shipped | logistic regression |\n|---|---|---|---|\n");
        for (name, rows, [ours, simple]) in &outcome.parts {
            text.push_str(&format!("| {name} | {rows} | {} | {} |\n", interval(*ours), interval(*simple)));
        }
    }
    if let Some(flagging) = outcome.flagging {
        text.push_str(&format!(
            "\nThreshold {:.3} (best F1 on the held-out predictions): precision {:.3}, recall {:.3}, F1 {:.3}.\n",
            flagging.threshold, flagging.precision, flagging.recall, flagging.f1
        ));
    }
    text.push_str(&format!(
        "\nCalibrated logit = {:.4} logit + {:.4}. Learning curve of the recipe's network: `curve.svg`.\n",
        spec.calibration.slope, spec.calibration.intercept
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::random::Random;

    /// Rows whose truth is a curved (`bent`) or straight function of two features, with a shift per group.
    fn rows(bent: bool, classes: usize) -> Dataset {
        let mut random = Random::new(3);
        let outputs = if classes == 2 { 1 } else { classes };
        let mut data = Dataset::empty(3, outputs);
        for group in 0..20 {
            for _ in 0..30 {
                let x: [f64; 2] = [random.normal(), random.normal()];
                let level = if bent { x[0] * x[1] } else { x[0] + x[1] } + 0.3 * random.normal();
                let class =
                    if classes == 2 { usize::from(level > 0.0) } else { ((level + 1.5) as usize).min(2) };
                let target: Vec<f32> = if classes == 2 {
                    vec![class as f32]
                } else {
                    (0..classes).map(|i| f32::from(u8::from(i == class))).collect()
                };
                data.push(&[x[0] as f32, x[1] as f32, random.normal() as f32], &target, format!("g{group}"));
            }
        }
        data
    }

    fn recipe(output: Output, outputs: usize) -> Recipe {
        let layers =
            [(12, "relu"), (outputs, "linear")].map(|(size, kind)| LayerSpec::named(size, kind).unwrap());
        let optimizer = Optimizer::AdamW { learning_rate: 0.01, weight_decay: 0.01, batch: 32 };
        Recipe {
            spec: NetworkSpec::new("test", 3, layers.to_vec(), output),
            training: Training { optimizer, epochs: 40, patience: 10, ..Training::default() },
            folds: 4,
            penalties: vec![0.01, 0.1],
        }
    }

    #[test]
    fn keeps_the_network_where_the_truth_is_curved_and_the_simple_model_where_it_is_straight() {
        for bent in [true, false] {
            let data = rows(bent, 2);
            let recipe = recipe(Output::Probability("yes".into()), 1);
            let mut steps = 0;
            let outcome = run(&recipe, &data, &data.fingerprint(b""), &mut |_| steps += 1).unwrap();
            assert!(steps > 20);
            if bent {
                assert!(
                    outcome.network_won && outcome.evaluation.auc.estimate > 0.85,
                    "{:?}",
                    outcome.evaluation
                );
                assert!(outcome.baseline.auc.estimate < 0.65 && outcome.difference.low > 0.1);
                assert_eq!(outcome.network.spec().shape(), [3, 12, 1]);
            } else {
                assert!(outcome.baseline.auc.estimate > 0.95 && outcome.difference.estimate < 0.02);
                assert!(outcome.network_won || outcome.network.spec().shape() == [3, 1]);
            }
            assert_eq!(outcome.held_out.len(), data.rows());
            assert!(outcome.evaluation.calibration_error < 0.12);
            let files = bundle(&recipe, &outcome, "Made up.").unwrap();
            let network = file::read(&files[0].1).unwrap();
            assert!(network.spec().metrics["auc"] > 0.8 && network.spec().threshold > 0.05);
            assert!(String::from_utf8(files[1].1.clone()).unwrap().contains("| logistic regression |"));
        }
    }

    #[test]
    fn judges_several_classes() {
        let data = rows(true, 3);
        let recipe = recipe(Output::Classes(vec!["a".into(), "b".into(), "c".into()]), 3);
        let outcome = run(&recipe, &data, &data.fingerprint(b""), &mut |_| {}).unwrap();
        assert!(outcome.network_won && outcome.evaluation.accuracy > outcome.baseline.accuracy + 0.1);
        assert!(outcome.flagging.is_none());
    }

    #[test]
    fn too_few_groups_are_an_error() {
        let data = rows(false, 2).filter(|row| row < 60);
        let recipe = recipe(Output::Probability("yes".into()), 1);
        let error = run(&recipe, &data, &data.fingerprint(b""), &mut |_| {}).unwrap_err();
        assert!(error.message().contains("2 groups"), "{error}");
    }
}
