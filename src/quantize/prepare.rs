//! Brings graphs of different exporters to one form before anything looks for patterns.

use super::graph::Names;
use super::onnx::GraphProto;

/// Turns `Constant` nodes that hold a tensor into initialisers and names every nameless node, so that weights are
/// found in one place and every layer can be named by patterns and in reports.
pub fn normalize(graph: &mut GraphProto) {
    let mut names = Names::of(graph);
    let mut constants = Vec::new();
    graph.node.retain_mut(|node| {
        if node.is("Constant")
            && let Some(value) = node.attribute.iter_mut().find(|attribute| attribute.name() == "value")
            && let Some(mut tensor) = value.t.take()
        {
            tensor.name = node.output.first().cloned();
            constants.push(*tensor);
            return false;
        }
        true
    });
    graph.initializer.extend(constants);
    for node in graph.node.iter_mut().filter(|node| node.name().is_empty()) {
        node.name = Some(names.fresh(&format!("{}_{}", node.op_type(), node.output_name(0))));
    }
}
