//! How the shipped networks are made.

use super::experiment::Recipe;
use super::features;
use super::spec::{LayerSpec, NetworkSpec, Output};
use super::train::{Optimizer, Training};
use crate::structure::typography::LABELS;

/// The recipe of a shipped network, for `docproc train`.
#[must_use]
pub fn named(name: &str) -> Option<Recipe> {
    match name {
        "risk_scorer" => Some(risk_scorer()),
        "line_labels" => Some(line_labels()),
        _ => None,
    }
}

/// Names of all recipes.
pub const NAMES: [&str; 2] = ["risk_scorer", "line_labels"];

/// Features of plain text, for the recipes whose data may hold text instead of features.
#[must_use]
pub fn text_features(name: &str) -> Option<fn(&str) -> Vec<f32>> {
    (name == "risk_scorer").then_some(features::risk::from_text)
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
        penalties: vec![1e-4, 1e-3, 1e-2, 1e-1],
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
}
