//! How the shipped networks are made.

use super::features;
use crate::error::{Error, ErrorCode, Result};
use crate::structure::typography::LABELS;
use docproc_networks::activation::Activation;
use docproc_networks::experiment::Recipe;
use docproc_networks::spec::{LayerSpec, NetworkSpec, Output};
use docproc_networks::train::{Optimizer, Training};

/// The recipe of a shipped network, for `docproc train`.
#[must_use]
pub fn named(name: &str) -> Option<Recipe> {
    match name {
        "risk_scorer" => Some(risk_scorer()),
        "line_labels" => Some(line_labels()),
        "distress" => Some(distress()),
        "pattern_detector" => Some(pattern_detector()),
        "anomaly_detector" => Some(anomaly_detector()),
        "confidence_estimator" => Some(confidence_estimator()),
        "name_confidence" => Some(name_confidence()),
        "fusion" => Some(fusion()),
        _ => None,
    }
}

/// Names of all recipes.
pub const NAMES: [&str; 8] = [
    "risk_scorer",
    "line_labels",
    "distress",
    "pattern_detector",
    "anomaly_detector",
    "confidence_estimator",
    "name_confidence",
    "fusion",
];

/// Kinds of tables that `pattern_detector` tells apart.
pub const TABLE_KINDS: [&str; 7] =
    ["balance_sheet", "income_statement", "cash_flow", "equity", "notes", "mdna", "other"];

/// The recipe of a network that the user defines: its layers (inputs first), the activation of the hidden ones, the
/// feature set by name, and the classes of the data where there are several outputs.
///
/// # Errors
/// `network.invalid` when layers, features and classes do not fit each other; it says both.
pub fn defined(
    name: &str,
    layers: &[usize],
    activation: &str,
    set: &str,
    classes: &[String],
) -> Result<Recipe> {
    let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(name);
    let known = || features::all().into_iter().map(|set| set.id.name).collect::<Vec<_>>().join(", ");
    let (set, version) = set.split_once('/').unwrap_or((set, ""));
    let set = features::named(set).ok_or_else(|| {
        fail(format!("unknown feature set {set:?}")).help(format!("there are: {}", known()))
    })?;
    if version.parse::<u32>().is_ok_and(|version| version != set.id.version) {
        return Err(fail(format!(
            "feature set {} has version {}, not {version}",
            set.id.name, set.id.version
        )));
    }
    let [inputs, hidden @ .., outputs] = layers else {
        return Err(fail("`layers` needs at least the inputs and the output".to_owned()));
    };
    if *inputs != set.len() {
        return Err(fail(format!(
            "the configuration says {inputs} inputs, feature set {} has {}",
            set.id.name,
            set.len()
        )));
    }
    let output = if *outputs == 1 {
        Output::Probability(name.to_owned())
    } else if *outputs == classes.len() {
        Output::Classes(classes.to_vec())
    } else {
        return Err(fail(format!(
            "the configuration says {outputs} outputs, the labels of the data have {} classes ({})",
            classes.len(),
            classes.join(", ")
        )));
    };
    let mut all = Vec::new();
    for size in hidden {
        let layer = LayerSpec::named(*size, activation)
            .ok_or_else(|| fail(format!("unknown activation {activation:?}")))?;
        all.push(layer);
    }
    all.push(LayerSpec::uniform(*outputs, Activation::Linear));
    let mut spec = NetworkSpec::new(name, *inputs, all, output);
    spec.features = Some(set.id);
    Ok(Recipe {
        spec,
        training: Training { dropout: 0.1, seed: 1, ..Training::default() },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-4, 1e-3, 1e-2, 1e-1],
    })
}

/// Adverse-risk language of a section, 128-64-32-1 with ReLU.
fn risk_scorer() -> Recipe {
    let layers = [(64, "relu"), (32, "relu"), (1, "linear")];
    Recipe {
        spec: spec("risk_scorer", "risk", &layers, Output::Probability("adverse_risk".to_owned())),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 5.0, batch: 64 },
            epochs: 60,
            patience: 10,
            dropout: 0.2,
            seed: 20,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-4, 1e-3, 1e-2, 1e-1],
    }
}

/// Financial distress of a company from the ratios of its statements, 64-32-16-1 with ReLU.
fn distress() -> Recipe {
    let layers = [(32, "relu"), (16, "relu"), (1, "linear")];
    Recipe {
        spec: spec("distress", "ratios", &layers, Output::Probability("distress".to_owned())),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 0.1, batch: 128 },
            epochs: 40,
            patience: 8,
            dropout: 0.2,
            seed: 5,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-4, 1e-3, 1e-2, 1e-1],
    }
}

/// Kind of statement that a table is, from layout and number patterns, 44-48-24-7 with ReLU.
fn pattern_detector() -> Recipe {
    let layers = [(48, "relu"), (24, "relu"), (TABLE_KINDS.len(), "linear")];
    let classes = TABLE_KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    Recipe {
        spec: spec("pattern_detector", "patterns", &layers, Output::Classes(classes)),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 0.1, batch: 64 },
            epochs: 60,
            patience: 10,
            dropout: 0.2,
            seed: 7,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-3, 1e-2, 1e-1],
    }
}

/// Tampering with a page, 256-128-64-2 with GELU.
fn anomaly_detector() -> Recipe {
    let layers = [(128, "gelu"), (64, "gelu"), (2, "linear")];
    let classes = vec!["regular".to_owned(), "tampered".to_owned()];
    Recipe {
        spec: spec("anomaly_detector", "page", &layers, Output::Classes(classes)),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 1e-3, weight_decay: 0.5, batch: 64 },
            epochs: 40,
            patience: 8,
            dropout: 0.3,
            seed: 9,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: Some(0.02),
        penalties: vec![1e-3, 1e-2, 1e-1],
    }
}

/// Whether nothing that a figure states is wrong, from its print, its table and the other tables, 76-32-16-1 with ReLU.
fn confidence_estimator() -> Recipe {
    let layers = [(32, "relu"), (16, "relu"), (1, "linear")];
    Recipe {
        spec: spec("confidence_estimator", "figures", &layers, Output::Probability("right".to_owned())),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 0.1, batch: 64 },
            epochs: 40,
            patience: 8,
            dropout: 0.2,
            seed: 15,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-4, 1e-3, 1e-2, 1e-1],
    }
}

/// Whether a name was marked rightly, from the model's own doubts and how it is written, with one ReLU layer.
fn name_confidence() -> Recipe {
    let layers = [(8, "relu"), (1, "linear")];
    Recipe {
        spec: spec("name_confidence", "entities", &layers, Output::Probability("right".to_owned())),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 0.5, batch: 32 },
            epochs: 80,
            patience: 15,
            dropout: 0.2,
            seed: 17,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-3, 1e-2, 1e-1, 1.0],
    }
}

/// Whether a document is worth reviewing first, from what everything else found in it, with one GELU layer.
fn fusion() -> Recipe {
    let layers = [(16, "gelu"), (1, "linear")];
    Recipe {
        spec: spec("fusion", "review", &layers, Output::Probability("review".to_owned())),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 0.5, batch: 32 },
            epochs: 80,
            patience: 15,
            dropout: 0.3,
            seed: 13,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: Some(0.1),
        penalties: vec![1e-3, 1e-2, 1e-1, 1.0],
    }
}

/// Layout label of a line, from what the layout model says and from typography, 78-48-24-11 with ReLU.
fn line_labels() -> Recipe {
    let layers = [(48, "relu"), (24, "relu"), (LABELS.len(), "linear")];
    let classes = LABELS.iter().map(|label| (*label).to_owned()).collect();
    Recipe {
        spec: spec("line_labels", "lines", &layers, Output::Classes(classes)),
        training: Training {
            optimizer: Optimizer::AdamW { learning_rate: 2e-3, weight_decay: 1e-2, batch: 64 },
            epochs: 30,
            patience: 5,
            dropout: 0.1,
            seed: 11,
            ..Training::default()
        },
        folds: 5,
        most_false_alarms: None,
        penalties: vec![1e-4, 1e-3],
    }
}

fn spec(name: &str, set: &str, layers: &[(usize, &str)], output: Output) -> NetworkSpec {
    let set = features::named(set).map(|set| (set.len(), set.id));
    let (inputs, id) = set.map_or((0, None), |(length, id)| (length, Some(id)));
    let layers = layers.iter().filter_map(|(size, kind)| LayerSpec::named(*size, kind)).collect();
    let mut spec = NetworkSpec::new(name, inputs, layers, output);
    spec.features = id;
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_whole() {
        for name in NAMES {
            let recipe = named(name).unwrap();
            assert_eq!(recipe.spec.name, name);
            assert!(recipe.spec.parameters().is_ok(), "{name}");
            assert!(recipe.spec.features.is_some() && !recipe.penalties.is_empty());
        }
        assert_eq!(named("risk_scorer").unwrap().spec.shape(), [128, 64, 32, 1]);
        assert!(named("unknown").is_none());
    }

    #[test]
    fn a_users_network_must_fit_its_features_and_labels() {
        let recipe = defined("needs_review", &[64, 8, 1], "gelu", "ratios/1", &[]).unwrap();
        assert_eq!((recipe.spec.shape(), recipe.spec.layers[0].function_name()), (vec![64, 8, 1], "gelu"));
        let error = |layers: &[usize], set: &str, classes: &[&str]| {
            let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
            defined("n", layers, "relu", set, &classes).unwrap_err().to_string()
        };
        assert!(error(&[63, 1], "ratios", &[]).contains("says 63 inputs, feature set ratios has 64"));
        assert!(
            error(&[64, 3], "ratios", &["a", "b"]).contains("says 3 outputs, the labels of the data have 2")
        );
        assert!(error(&[64, 1], "moon", &[]).contains("unknown feature set"));
        assert!(error(&[64], "ratios", &[]).contains("at least"));
    }
}
