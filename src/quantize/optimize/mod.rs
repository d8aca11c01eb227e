//! Graph rewrites that keep the results: each is tried on a copy, run on real inputs, and kept only if the outputs
//! stay within [`TOLERANCE`].

mod attention;
mod common;
mod constants;

use std::path::Path;

use super::agreement::Comparison;
use super::graph::remove_dead;
use super::onnx::{self, Model};
use super::report::RewriteOutcome;
use super::runner::{ModelLoader, ModelRunner, Tensors};
use crate::error::Result;

/// Largest accepted difference of an output, relative to its largest magnitude. Other orders of float32 sums
/// stay well below; a wrong bucket or mask does not.
pub const TOLERANCE: f64 = 1e-4;

/// What a rewrite may use besides the graph.
struct Context<'a> {
    loader: &'a dyn ModelLoader,
    folder: &'a Path,
}

/// A rewrite: changes the model and returns in how many places.
type Rewrite = fn(&mut Model, &Context<'_>) -> Result<usize>;

/// In this order: constants must be folded for scales and shapes to be recognised, and equal parts merged before
/// attention is matched, so that one bias serves all layers.
const REWRITES: &[(&str, Rewrite)] = &[
    ("fold constants", constants::fold),
    ("compute common parts once", common::merge),
    ("fuse attention", attention::fuse),
    ("remove what nobody uses", |model, _| Ok(remove_dead(model.graph_mut()))),
];

/// Applies all rewrites. Without samples nothing can be verified, so nothing is changed, and the outcomes say so.
///
/// # Errors
/// As reading, writing and running models. A rewrite that fails or that the runtime refuses is not an error but an
/// outcome.
pub fn optimize(
    model: &mut Model,
    samples: &[Tensors],
    loader: &dyn ModelLoader,
    folder: &Path,
) -> Result<Vec<RewriteOutcome>> {
    let context = Context { loader, folder };
    let reference = match samples {
        [] => Vec::new(),
        _ => {
            let mut runner = load(model, &context)?;
            samples.iter().map(|inputs| runner.run(inputs)).collect::<Result<Vec<_>>>()?
        }
    };
    let mut outcomes = Vec::new();
    for (name, rewrite) in REWRITES {
        let mut outcome = RewriteOutcome {
            rewrite: (*name).to_owned(),
            places: 0,
            kept: false,
            relative_difference: None,
            reason: None,
        };
        let mut changed = model.clone();
        let tried = rewrite(&mut changed, &context).and_then(|places| {
            outcome.places = places;
            if places == 0 || samples.is_empty() {
                return Ok(None);
            }
            let mut runner = load(&mut changed, &context)?;
            let mut comparison = Comparison::default();
            for (inputs, expected) in samples.iter().zip(&reference) {
                comparison.add(inputs, expected, &runner.run(inputs)?)?;
            }
            Ok(Some(comparison.relative_difference()))
        });
        match tried {
            Ok(Some(difference)) => {
                outcome.relative_difference = Some(difference);
                outcome.kept = difference <= TOLERANCE;
                if !outcome.kept {
                    outcome.reason = Some(format!("outputs moved by more than {TOLERANCE}"));
                }
            }
            Ok(None) if outcome.places == 0 => outcome.reason = Some("nothing to rewrite".to_owned()),
            Ok(None) => outcome.reason = Some("no inputs to verify it with".to_owned()),
            Err(error) => outcome.reason = Some(error.explanation()),
        }
        if outcome.kept {
            *model = changed;
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn load(model: &mut Model, context: &Context<'_>) -> Result<Box<dyn ModelRunner>> {
    let path = context.folder.join("rewrite.onnx");
    onnx::write(model, &path)?;
    context.loader.load(&path)
}
