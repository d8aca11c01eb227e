//! Constant folding: whatever depends on constants only is run once, by the runtime itself.

use std::collections::{BTreeSet, HashMap, HashSet};

use docproc_error::Result;

use super::Context;
use crate::file::{
    self, ElementType, Model, NodeProto, TensorProto, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto,
    float_tensor, integer_tensor, raw_tensor,
};
use crate::graph::{GraphView, for_each_use, has_subgraph, remove_dead};
use crate::runner::Tensors;
use crate::tensor::{Tensor, TensorValues};
use crate::types::element_types;

/// A folded value may be this much larger than the constants it is made of: an expanded mask is cheaper computed
/// than stored.
const MAX_GROWTH: usize = 64 << 10;

/// Operators whose folding changes what they mean (random numbers) or undoes a quantisation.
const EXCLUDED: &[&str] = &[
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
];

/// Replaces every value that depends on constants only, and that somebody else uses, by its value.
pub fn fold(model: &mut Model, context: &Context<'_>) -> Result<usize> {
    let (nodes, frontier) = constant_part(model);
    if frontier.is_empty() {
        return Ok(0);
    }
    let values = evaluate(model, &nodes, &frontier, None, context)?;
    let limit = MAX_GROWTH + source_bytes(model, &nodes);
    let mut folded = HashSet::new();
    for name in frontier {
        let Some(tensor) = values.get(&name) else { continue };
        if tensor.shape.iter().product::<usize>() * 4 <= limit {
            model.graph_mut().initializer.push(constant(&name, tensor));
            folded.insert(name);
        }
    }
    // The nodes that made them must go: a value has one source.
    model.graph_mut().node.retain(|node| !node.output.iter().any(|name| folded.contains(name)));
    remove_dead(model.graph_mut());
    Ok(folded.len())
}

/// Positions of the nodes that depend on constants only, and their values that other nodes use.
fn constant_part(model: &Model) -> (Vec<usize>, BTreeSet<String>) {
    let graph = model.graph();
    let view = GraphView::new(graph);
    let types = element_types(graph);
    let mut known: HashSet<&str> = HashSet::new();
    let mut nodes = Vec::new();
    for (index, node) in graph.node.iter().enumerate() {
        let constant =
            |name: &String| name.is_empty() || known.contains(name.as_str()) || view.constant(name).is_some();
        // Only single results: a node is removed when its value is stored.
        if node.output.len() == 1
            && matches!(node.domain(), "" | "ai.onnx")
            && !EXCLUDED.contains(&node.op_type())
            && !has_subgraph(node)
            && !view.is_output(node.output_name(0))
            && node.input.iter().all(constant)
        {
            known.insert(node.output_name(0));
            nodes.push(index);
        }
    }
    let inside: HashSet<usize> = nodes.iter().copied().collect();
    let frontier = nodes
        .iter()
        .map(|index| graph.node[*index].output_name(0))
        .filter(|name| view.consumers(name).iter().any(|user| !inside.contains(user)))
        .filter(|name| {
            matches!(
                types.get(*name),
                Some(ElementType::Float | ElementType::Int64 | ElementType::Int32 | ElementType::Bool)
            )
        })
        .map(str::to_owned)
        .collect();
    (nodes, frontier)
}

/// Runs some nodes, given by position, on the graph's constants and on `given`, and returns the values `wanted`.
pub fn evaluate(
    model: &Model,
    nodes: &[usize],
    wanted: &BTreeSet<String>,
    given: Option<TensorProto>,
    context: &Context<'_>,
) -> Result<Tensors> {
    let types = element_types(model.graph());
    let mut part = model.clone();
    let graph = part.graph_mut();
    let chosen: Vec<NodeProto> = nodes.iter().map(|index| graph.node[*index].clone()).collect();
    graph.node = chosen;
    graph.initializer.extend(given);
    graph.input.clear();
    graph.value_info.clear();
    graph.output = wanted
        .iter()
        .map(|name| ValueInfoProto {
            name: Some(name.clone()),
            r#type: Some(TypeProto {
                value: Some(TypeValue::Tensor(TensorTypeProto {
                    elem_type: types.get(name).map(|element| element.number()),
                    shape: None,
                })),
                denotation: None,
            }),
            ..ValueInfoProto::default()
        })
        .collect();
    remove_dead(graph);
    let path = context.folder.join("constants.onnx");
    file::write(&mut part, &path)?;
    context.loader.load(&path)?.run(&Tensors::new())
}

/// Bytes of the constants that these nodes use.
fn source_bytes(model: &Model, nodes: &[usize]) -> usize {
    let sizes: HashMap<&str, usize> = model
        .graph()
        .initializer
        .iter()
        .map(|tensor| (tensor.name(), tensor.byte_length().unwrap_or(0)))
        .collect();
    let mut used = HashSet::new();
    for index in nodes {
        for_each_use(&model.graph().node[*index], &mut |name| {
            used.insert(name);
        });
    }
    used.iter().filter_map(|name| sizes.get(name)).sum()
}

fn constant(name: &str, tensor: &Tensor) -> TensorProto {
    let dims = tensor.shape.iter().map(|length| *length as i64).collect();
    match &tensor.values {
        TensorValues::F32(values) => float_tensor(name, dims, values),
        TensorValues::I64(values) => integer_tensor(name, dims, values),
        TensorValues::I32(values) => {
            let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            raw_tensor(name, ElementType::Int32, dims, raw)
        }
        TensorValues::Bool(values) => {
            let raw: Vec<u8> = values.iter().map(|value| u8::from(*value)).collect();
            raw_tensor(name, ElementType::Bool, dims, raw)
        }
    }
}
