//! Brings graphs of different exporters to one form before anything looks for patterns.

use super::file::{GraphProto, TensorProto, float_tensor, scalar_tensor};
use super::graph::Names;

/// Turns `Constant` nodes that hold a tensor or floats into initialisers and names every nameless node, so that weights are
/// found in one place and every layer can be named by patterns and in reports.
pub fn normalize(graph: &mut GraphProto) {
    let mut names = Names::of(graph);
    let mut constants = Vec::new();
    graph.node.retain_mut(|node| {
        let before = constants.len();
        if node.is("Constant")
            && let Some(value) = node.attribute.first_mut()
        {
            let name = node.output.first().cloned().unwrap_or_default();
            let tensor = match value.name() {
                "value" => value.t.take().map(|tensor| *tensor),
                "value_float" => value.f.map(|number| scalar_tensor(&name, number)),
                "value_floats" => Some(float_tensor(&name, vec![value.floats.len() as i64], &value.floats)),
                _ => None,
            };
            constants.extend(tensor.map(|tensor| TensorProto { name: Some(name), ..tensor }));
            return constants.len() == before;
        }
        true
    });
    graph.initializer.extend(constants);
    for node in graph.node.iter_mut().filter(|node| node.name().is_empty()) {
        node.name = Some(names.fresh(&format!("{}_{}", node.op_type(), node.output_name(0))));
    }
}
