//! Constant factors on sums of table rows, multiplied into the tables: LayoutLMv3 divides the sum of its three tables of
//! relative positions by the root of the head size, for every head and every pair of tokens.

use std::collections::{BTreeSet, HashMap};

use docproc_error::Result;

use super::Context;
use crate::file::{ElementType, Model, float_tensor};
use crate::graph::{GraphView, Names, remove_dead, rename_uses};

/// A product or quotient with a constant, and the tables whose rows it scales.
struct Scaling {
    /// Position of the node.
    node: usize,
    factor: f64,
    /// The scaled value, which takes the node's place.
    sum: String,
    /// Positions of the `Gather` nodes.
    lookups: BTreeSet<usize>,
}

/// Multiplies factors into tables.
pub fn fold(model: &mut Model, _: &Context<'_>) -> Result<usize> {
    let found = scalings(model)?;
    let mut names = Names::of(model.graph());
    let mut renamed = HashMap::new();
    for scaling in &found {
        for lookup in &scaling.lookups {
            let table = model.graph().node[*lookup].input_name(0).to_owned();
            let constants = &model.graph().initializer;
            let Some(tensor) = constants.iter().find(|tensor| tensor.name() == table) else { continue };
            let scale = |value: &f32| (f64::from(*value) * scaling.factor) as f32;
            let values: Vec<f32> = model.floats(tensor)?.iter().map(scale).collect();
            let name = names.fresh(&format!("{table}_scaled"));
            let scaled = float_tensor(&name, tensor.dims.clone(), &values);
            model.graph_mut().initializer.push(scaled);
            model.graph_mut().node[*lookup].input[0] = name;
        }
        renamed.insert(model.graph().node[scaling.node].output_name(0).to_owned(), scaling.sum.clone());
    }
    for node in &mut model.graph_mut().node {
        rename_uses(node, &renamed);
    }
    remove_dead(model.graph_mut());
    Ok(found.len())
}

fn scalings(model: &Model) -> Result<Vec<Scaling>> {
    let graph = model.graph();
    let view = GraphView::new(graph);
    let scalar = |name: &str| -> Result<Option<f64>> {
        let one = view.constant(name).filter(|tensor| {
            tensor.element_type() == Some(ElementType::Float)
                && tensor.element_count().is_ok_and(|count| count == 1)
        });
        Ok(match one {
            Some(tensor) => model.floats(tensor)?.first().map(|value| f64::from(*value)),
            None => None,
        })
    };
    let mut found = Vec::new();
    for (index, node) in graph.node.iter().enumerate() {
        let (factor, sum) = match (node.is("Mul"), node.is("Div")) {
            (true, _) => match (scalar(node.input_name(0))?, scalar(node.input_name(1))?) {
                (Some(factor), None) => (factor, node.input_name(1)),
                (None, Some(factor)) => (factor, node.input_name(0)),
                _ => continue,
            },
            (_, true) => match scalar(node.input_name(1))? {
                Some(divisor) => (1.0 / divisor, node.input_name(0)),
                None => continue,
            },
            _ => continue,
        };
        let mut lookups = BTreeSet::new();
        if factor.is_finite() && !view.is_output(node.output_name(0)) && sums_rows(&view, sum, &mut lookups) {
            found.push(Scaling { node: index, factor, sum: sum.to_owned(), lookups });
        }
    }
    Ok(found)
}

/// Whether a value, used once, is made of rows of constant tables by addition and by moving axes only.
fn sums_rows(view: &GraphView<'_>, name: &str, lookups: &mut BTreeSet<usize>) -> bool {
    let [_] = view.consumers(name) else { return false };
    let (Some(index), Some(node)) = (view.producer_index(name), view.producer(name)) else { return false };
    if view.is_output(name) {
        return false;
    }
    if node.is("Add") {
        return node.input.iter().all(|input| sums_rows(view, input, lookups));
    }
    if ["Transpose", "Unsqueeze", "Identity"].iter().any(|operator| node.is(operator)) {
        return sums_rows(view, node.input_name(0), lookups);
    }
    let table = view.constant(node.input_name(0));
    let floats = table.is_some_and(|table| table.element_type() == Some(ElementType::Float));
    // A table that somebody else uses, too, would be stored twice.
    let own = view.consumers(node.input_name(0)).len() == 1;
    node.is("Gather") && floats && own && lookups.insert(index)
}
