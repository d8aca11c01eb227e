//! Common subexpressions: equal nodes on equal inputs become one, and so do equal small constants.

use std::collections::HashMap;

use docproc_error::Result;
use prost::Message;

use super::Context;
use crate::file::{GraphProto, Model, NodeProto};
use crate::graph::{has_subgraph, remove_dead, rename_uses};

/// Constants up to this size are compared by value.
const MAX_CONSTANT: usize = 1024;

/// Merges equal constants and nodes. Identities disappear too. Returns the number of nodes that became others.
pub fn merge(model: &mut Model, _: &Context<'_>) -> Result<usize> {
    let mut renamed = equal_constants(model)?;
    let graph = model.graph_mut();
    let outputs: Vec<String> = graph.output.iter().map(|value| value.name().to_owned()).collect();
    let mut seen: HashMap<Vec<u8>, Vec<String>> = HashMap::new();
    let mut merged = 0;
    for node in &mut graph.node {
        rename_uses(node, &renamed);
        let leaves = node.output.iter().any(|name| outputs.contains(name));
        if leaves || has_subgraph(node) || is_random(node) {
            continue;
        }
        if node.is("Identity") {
            renamed.insert(node.output_name(0).to_owned(), node.input_name(0).to_owned());
            merged += 1;
            continue;
        }
        let key = identity(node);
        match seen.get(&key) {
            Some(others) => {
                renamed.extend(node.output.iter().cloned().zip(others.iter().cloned()));
                merged += 1;
            }
            None => {
                seen.insert(key, node.output.clone());
            }
        }
    }
    remove_dead(graph);
    Ok(merged)
}

/// What makes two nodes equal: operator, inputs, attributes and the number of outputs; not the names.
fn identity(node: &NodeProto) -> Vec<u8> {
    let mut key = NodeProto {
        input: node.input.clone(),
        op_type: node.op_type.clone(),
        domain: node.domain.clone().filter(|domain| !domain.is_empty()),
        overload: node.overload.clone(),
        attribute: node.attribute.clone(),
        output: node.output.iter().map(|name| if name.is_empty() { "" } else { "_" }.to_owned()).collect(),
        ..NodeProto::default()
    };
    key.attribute.sort_by(|left, right| left.name().cmp(right.name()));
    key.encode_to_vec()
}

fn is_random(node: &NodeProto) -> bool {
    node.op_type().starts_with("Random") || matches!(node.op_type(), "Multinomial" | "Bernoulli" | "Dropout")
}

/// New names for small constants that have an equal one before them.
fn equal_constants(model: &Model) -> Result<HashMap<String, String>> {
    let graph: &GraphProto = model.graph();
    let mut first: HashMap<(i32, Vec<i64>, Vec<u8>), &str> = HashMap::new();
    let mut renamed = HashMap::new();
    for tensor in &graph.initializer {
        let fixed = !graph.input.iter().chain(&graph.output).any(|value| value.name() == tensor.name());
        if fixed && tensor.byte_length().is_ok_and(|length| length <= MAX_CONSTANT) {
            let key = (tensor.data_type(), tensor.dims.clone(), model.bytes(tensor)?.to_vec());
            let kept = *first.entry(key).or_insert(tensor.name());
            if kept != tensor.name() {
                renamed.insert(tensor.name().to_owned(), kept.to_owned());
            }
        }
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{ValueInfoProto, scalar_tensor};

    #[test]
    fn equal_chains_become_one() {
        let mut model = Model { proto: Default::default(), folder: Default::default() };
        *model.graph_mut() = GraphProto {
            initializer: vec![scalar_tensor("a", 2.0), scalar_tensor("b", 2.0)],
            node: vec![
                NodeProto::call("Mul", "1", &["x", "a"], &["p"]),
                NodeProto::call("Mul", "2", &["x", "b"], &["q"]),
                NodeProto::call("Exp", "3", &["p"], &["r"]),
                NodeProto::call("Exp", "4", &["q"], &["s"]),
                NodeProto::call("Identity", "5", &["s"], &["t"]),
                NodeProto::call("Add", "6", &["r", "t"], &["y"]),
            ],
            output: vec![ValueInfoProto { name: Some("y".into()), ..Default::default() }],
            ..Default::default()
        };
        struct NoLoader;
        impl crate::runner::ModelLoader for NoLoader {
            fn load(&self, _: &std::path::Path) -> Result<Box<dyn crate::runner::ModelRunner>> {
                panic!("merging runs no model")
            }
        }
        let context = Context { loader: &NoLoader, folder: std::path::Path::new("") };
        assert_eq!(merge(&mut model, &context).unwrap(), 3);
        assert_eq!(model.graph().node.len(), 3);
        assert_eq!(model.graph().node[2].input, ["r", "r"]);
        assert_eq!(model.graph().initializer.len(), 1);
    }
}
