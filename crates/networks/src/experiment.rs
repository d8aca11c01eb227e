//! From labelled rows to a network worth shipping: cross-validated by group, calibrated, with a threshold, and
//! compared with logistic regression on the same features. What does not beat the simple model beyond chance is not
//! kept.

use super::dataset::Dataset;
use super::evaluate::Evaluator;
use super::file;
use super::judging::{Judgement, Prediction};
use super::logistic;
use super::metrics::{self, Flagging};
use super::network::Network;
use super::spec::{Calibration, LayerSpec, NetworkSpec, Output, TrainingData};
use super::train::{Epoch, Optimizer, Training, train};
use super::{card, curve};
use docproc_error::{Error, ErrorCode, Result};

/// How a network is made and judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The network.
    pub spec: NetworkSpec,
    /// How it is trained.
    pub training: Training,
    /// Parts into which the groups are dealt: in turn one is the test, the next the validation, the rest train.
    pub folds: usize,
    /// Share of the held-out rows of the other class that the threshold may flag, for what is rare outside of the data;
    /// without it the threshold is that of the best F1.
    pub most_false_alarms: Option<f64>,
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

/// Outcome of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What to ship: the network, or logistic regression where it is as good.
    pub network: Network,
    /// The network of the recipe where logistic regression is shipped: for who asks for its shape.
    pub alternative: Option<Network>,
    /// Whether what is shipped is the network of the recipe.
    pub network_won: bool,
    /// Held-out figures of both. The network wins when the whole interval of the loss difference is below 0.
    pub judgement: Judgement,
    /// What the shipped threshold does on the held-out predictions; for two classes only.
    pub flagging: Option<Flagging>,
    /// Figures on the test rows, where there are any.
    pub test: Option<Test>,
    /// Learning curve of the final training.
    pub curve: Vec<Epoch>,
    /// Its best epoch.
    pub best_epoch: usize,
    /// Held-out probabilities of the shipped kind of model per row of the data, `[rows][classes]`.
    pub held_out: Vec<Vec<f64>>,
}

/// Rows that take no part in training or choice.
#[derive(Clone, Copy, Debug)]
pub struct TestRows<'a> {
    /// The rows.
    pub data: &'a Dataset,
    /// SHA-256 of their file in hexadecimal.
    pub sha256: &'a str,
}

/// What the final models do on [`TestRows`].
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Figures of both models.
    pub judgement: Judgement,
    /// What the shipped threshold does; for two classes only.
    pub flagging: Option<Flagging>,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Runs the whole experiment. `calibration` takes the place of a fold in fitting the calibration of what ships: rows
/// from elsewhere, for features that look better on the training rows than they are (a model's answers on what it learned from).
///
/// # Errors
/// `data.invalid` when there are too few groups or classes, or the network predicts plain values; those of
/// [`train`].
pub fn run(
    recipe: &Recipe,
    data: &Dataset,
    fingerprint: &TrainingData,
    calibration: Option<&Dataset>,
    test: Option<TestRows<'_>>,
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
    let judgement = Judgement::of(&predictions)
        .ok_or_else(|| fail("too few groups with every class to judge the network".to_owned()))?;
    let network_won = judgement.loss_difference.high < 0.0;

    let validation = data.filter(|row| fold_of[row] == 0);
    let training = data.filter(|row| fold_of[row] != 0);
    let mut report = |epoch: &Epoch| progress(Progress { fold: folds + 1, folds, epoch: *epoch });
    let trained = train(&recipe.spec, &training, &validation, &recipe.training, &mut report)?;
    penalties.sort_by(f64::total_cmp);
    let single = Recipe { penalties: vec![penalties[penalties.len() / 2]], ..recipe.clone() };
    let fitted = calibration.unwrap_or(&validation);
    let both = [trained.network, baseline(&single, &training, &validation)?.0];
    let [full, simple] = both.map(|network| calibrated(network, fitted));
    let both = [full?, simple?];
    let flagging = |model: usize| {
        let scored = |p: &Prediction| (p.probabilities[model][1], p.class == 1);
        (classes(&recipe.spec) == 2).then(|| {
            let scored: Vec<(f64, bool)> = predictions.iter().map(scored).collect();
            match recipe.most_false_alarms {
                Some(share) => metrics::threshold_of_false_alarms(&scored, share),
                None => metrics::best_threshold(&scored),
            }
        })
    };
    let shown = usize::from(!network_won);
    let test = test.map(|test| tested(&both, test, shown, flagging(shown))).transpose()?;
    let finish = |network: Network, model: usize| {
        let kept = [judgement.network, judgement.baseline][model];
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
                ("baseline_auc", judgement.baseline.auc.estimate),
                ("baseline_log_loss", judgement.baseline.log_loss),
            ]
            .map(|(name, value)| (name.to_owned(), (value * 1e4).round() / 1e4))
            .into_iter()
            .collect();
        })
    };
    let [full, simple] = both;
    let full = finish(full, 0)?;
    let (network, alternative) = if network_won { (full, None) } else { (finish(simple, 1)?, Some(full)) };
    Ok(Outcome {
        network,
        alternative,
        network_won,
        judgement,
        flagging: flagging(shown),
        test,
        curve: trained.curve,
        best_epoch: trained.best_epoch,
        held_out: predictions
            .into_iter()
            .map(|p| {
                let [a, b] = p.probabilities;
                if shown == 0 { a } else { b }
            })
            .collect(),
    })
}

/// Both final models on rows that took no part in anything, at the threshold of the one that ships.
fn tested(
    both: &[Network; 2],
    test: TestRows<'_>,
    shown: usize,
    threshold: Option<Flagging>,
) -> Result<Test> {
    let [network, simple] = both;
    let each = probabilities(network, test.data)?.into_iter().zip(probabilities(simple, test.data)?);
    let predictions: Vec<Prediction> = each
        .enumerate()
        .map(|(row, (network, simple))| Prediction {
            group: test.data.groups[row].clone(),
            part: test.data.parts[row].clone(),
            class: test.data.class(row),
            probabilities: [network, simple],
        })
        .collect();
    let judgement = Judgement::of(&predictions).ok_or_else(|| {
        Error::new(ErrorCode::DataInvalid, "the test rows do not hold every class in enough groups")
    })?;
    let flagging = threshold.map(|chosen| {
        let scored: Vec<(f64, bool)> =
            predictions.iter().map(|p| (p.probabilities[shown][1], p.class == 1)).collect();
        metrics::flagging(&scored, chosen.threshold)
    });
    Ok(Test { judgement, flagging, sha256: test.sha256.to_owned() })
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

/// The files of a bundle: `network.dpnn`, `CARD.md`, `curve.csv`, `curve.svg`, and `network-SHAPE.dpnn` of the recipe's
/// network where it did not win. `data_note` says in a paragraph where the training data come from.
///
/// # Errors
/// Those of [`file::write`].
pub fn bundle(
    recipe: &Recipe,
    outcome: &Outcome,
    data_note: &str,
    subject: &str,
) -> Result<Vec<(String, Vec<u8>)>> {
    let name = &recipe.spec.name;
    let mut files = vec![
        ("network.dpnn".to_owned(), file::write(&outcome.network)?),
        ("CARD.md".to_owned(), card::card(recipe, outcome, data_note, subject).into_bytes()),
        ("curve.csv".to_owned(), curve::csv(&outcome.curve).into_bytes()),
        ("curve.svg".to_owned(), curve::svg(name, &outcome.curve, outcome.best_epoch).into_bytes()),
    ];
    if let Some(alternative) = &outcome.alternative {
        files.push((format!("network-{}.dpnn", alternative.spec().shape_text()), file::write(alternative)?));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

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
            most_false_alarms: None,
            penalties: vec![0.01, 0.1],
        }
    }

    #[test]
    fn keeps_the_network_where_the_truth_is_curved_and_the_simple_model_where_it_is_straight() {
        for bent in [true, false] {
            let data = rows(bent, 2);
            let recipe = recipe(Output::Probability("yes".into()), 1);
            let mut steps = 0;
            let test = TestRows { data: &data, sha256: "of the file" };
            let outcome =
                run(&recipe, &data, &data.fingerprint(b""), None, Some(test), &mut |_| steps += 1).unwrap();
            assert!(steps > 20);
            if bent {
                assert!(
                    outcome.network_won && outcome.judgement.network.auc.estimate > 0.85,
                    "{:?}",
                    outcome.judgement.network
                );
                assert!(
                    outcome.judgement.baseline.auc.estimate < 0.65 && outcome.judgement.difference.low > 0.1
                );
                assert_eq!(outcome.network.spec().shape(), [3, 12, 1]);
            } else {
                assert!(
                    outcome.judgement.baseline.auc.estimate > 0.95
                        && outcome.judgement.difference.estimate < 0.02
                );
                assert!(outcome.network_won || outcome.network.spec().shape() == [3, 1]);
            }
            assert_eq!(outcome.held_out.len(), data.rows());
            assert!(outcome.judgement.network.calibration_error < 0.12);
            let test = outcome.test.as_ref().unwrap();
            assert_eq!((test.judgement.rows, test.judgement.groups), (600, 20));
            assert_eq!(test.flagging.unwrap().threshold, outcome.flagging.unwrap().threshold);
            let files = bundle(&recipe, &outcome, "Made up.", "thing").unwrap();
            assert!(String::from_utf8_lossy(&files[1].1).contains("SHA-256 of the file `of the file`"));
            let network = file::read(&files[0].1).unwrap();
            assert!(network.spec().metrics["auc"] > 0.8 && network.spec().threshold > 0.05);
            assert!(String::from_utf8(files[1].1.clone()).unwrap().contains("| logistic regression |"));
        }
    }

    #[test]
    fn judges_several_classes() {
        let data = rows(true, 3);
        let recipe = recipe(Output::Classes(vec!["a".into(), "b".into(), "c".into()]), 3);
        let outcome = run(&recipe, &data, &data.fingerprint(b""), None, None, &mut |_| {}).unwrap();
        assert!(
            outcome.network_won
                && outcome.judgement.network.accuracy > outcome.judgement.baseline.accuracy + 0.1
        );
        assert!(outcome.flagging.is_none());
    }

    #[test]
    fn too_few_groups_are_an_error() {
        let data = rows(false, 2).filter(|row| row < 60);
        let recipe = recipe(Output::Probability("yes".into()), 1);
        let error = run(&recipe, &data, &data.fingerprint(b""), None, None, &mut |_| {}).unwrap_err();
        assert!(error.message().contains("2 groups"), "{error}");
    }
}
