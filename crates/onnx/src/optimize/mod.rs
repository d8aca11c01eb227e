//! Graph rewrites that keep the results: each is tried on a copy, run on real inputs, and kept only if the outputs
//! stay within [`TOLERANCE`].

mod attention;
mod common;
mod constants;
mod positions;
mod scales;

use std::path::Path;

use docproc_error::Result;

use super::agreement::compare;
use super::file::{self, Model};
use super::graph::remove_dead;
use super::report::RewriteOutcome;
use super::runner::{ModelLoader, ModelRunner, Tensors};

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

/// In this order: constants must be folded for scales and shapes to be recognised, equal parts merged before attention
/// is matched, so that one bias serves all layers, and tables made before a factor can be multiplied into them.
const REWRITES: &[(&str, Rewrite)] = &[
    ("remove what nobody uses", |model, _| Ok(remove_dead(model.graph_mut()))),
    ("fold constants", constants::fold),
    ("compute common parts once", common::merge),
    ("look up relative positions", positions::tabulate),
    ("multiply factors into tables", scales::fold),
    ("fuse attention", attention::fuse),
];

/// Applies all rewrites and compares with `reference`, the original's outputs on `samples`. Without samples nothing can
/// be verified, so nothing is changed, and the outcomes say so; the same if a rewrite fails or the runtime refuses it.
pub fn optimize(
    model: &mut Model,
    samples: &[Tensors],
    reference: &[Tensors],
    loader: &dyn ModelLoader,
    folder: &Path,
) -> Vec<RewriteOutcome> {
    let context = Context { loader, folder };
    let verified = (!samples.is_empty()).then_some((samples, reference));
    REWRITES.iter().map(|(name, rewrite)| attempt(model, name, rewrite, verified, &context)).collect()
}

/// Applies one rewrite to a copy and takes the copy over if it stands the comparison with what the model gave before.
fn attempt(
    model: &mut Model,
    name: &str,
    rewrite: &dyn Fn(&mut Model, &Context<'_>) -> Result<usize>,
    verified: Option<(&[Tensors], &[Tensors])>,
    context: &Context<'_>,
) -> RewriteOutcome {
    let mut outcome = RewriteOutcome {
        rewrite: name.to_owned(),
        places: 0,
        kept: false,
        relative_difference: None,
        reason: None,
    };
    let mut changed = model.clone();
    let tried = rewrite(&mut changed, context).and_then(|places| {
        outcome.places = places;
        let Some((samples, reference)) = verified.filter(|_| places > 0) else { return Ok(None) };
        let mut runner = load(&mut changed, context)?;
        Ok(Some(compare(reference, &mut *runner, samples)?.relative_difference()))
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
    outcome
}

fn load(model: &mut Model, context: &Context<'_>) -> Result<Box<dyn ModelRunner>> {
    let path = context.folder.join("rewrite.onnx");
    file::write(model, &path)?;
    context.loader.load(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{GraphProto, NodeProto, ValueInfoProto, scalar_tensor};
    use crate::tensor::{Tensor, TensorValues};

    /// Stands in for the runtime: the output is the constant "factor" of the model written last.
    struct Constant;

    impl ModelLoader for Constant {
        fn load(&self, path: &Path) -> Result<Box<dyn ModelRunner>> {
            let model = Model::read(path)?;
            let value = model.floats(&model.graph().initializer[0])?;
            Ok(Box::new(Output(value)))
        }
    }

    struct Output(Vec<f32>);

    impl ModelRunner for Output {
        fn run(&mut self, _: &Tensors) -> Result<Tensors> {
            let tensor = Tensor { shape: vec![1], values: TensorValues::F32(self.0.clone()) };
            Ok([("y".to_owned(), tensor)].into())
        }
    }

    fn attempt_scaling(by: f32, verify: bool) -> (f32, RewriteOutcome) {
        let folder = tempfile::tempdir().unwrap();
        let graph = GraphProto {
            initializer: vec![scalar_tensor("factor", 2.0)],
            node: vec![NodeProto::call("Identity", "n", &["factor"], &["y"])],
            output: vec![ValueInfoProto { name: Some("y".into()), ..Default::default() }],
            ..Default::default()
        };
        let mut model = Model { proto: Default::default(), folder: Default::default() };
        *model.graph_mut() = graph;
        let context = Context { loader: &Constant, folder: folder.path() };
        let (samples, reference) = ([Tensors::new()], [Output(vec![2.0]).run(&Tensors::new()).unwrap()]);
        let rewrite = |model: &mut Model, _: &Context<'_>| {
            model.graph_mut().initializer[0] = scalar_tensor("factor", 2.0 * by);
            Ok(1)
        };
        let verified: Option<(&[Tensors], &[Tensors])> = verify.then_some((&samples, &reference));
        let outcome = attempt(&mut model, "scale", &rewrite, verified, &context);
        (model.floats(&model.graph().initializer[0]).unwrap()[0], outcome)
    }

    #[test]
    fn rewrites_that_move_outputs_are_taken_back() {
        let (value, outcome) = attempt_scaling(1.001, true);
        assert_eq!((value, outcome.kept), (2.0, false));
        assert!(outcome.relative_difference.unwrap() > 9e-4 && outcome.reason.is_some());
        let (value, outcome) = attempt_scaling(1.000_01, true);
        assert!(value > 2.0 && outcome.kept);
    }

    #[test]
    fn nothing_is_kept_unverified() {
        let (value, outcome) = attempt_scaling(1.0, false);
        assert_eq!((value, outcome.kept, outcome.places), (2.0, false, 1));
    }
}
