//! Half precision: weights and compute in float16, inputs and outputs in float32.
//!
//! Some nodes stay in float32: operators that have no half form or lose by it, everything with a subgraph or an
//! unknown type, nodes excluded by pattern, and the arithmetic of indices (a bucket computed in half precision is
//! another bucket). One `Cast` per value crosses each border, none is left over.

use std::collections::{HashMap, HashSet};

use super::graph::{GraphView, Names, has_subgraph, remove_dead, rename_uses};
use super::half;
use super::onnx::{ElementType, GraphProto, Model, NodeProto, TypeValue, raw_tensor};
use super::options::QuantizeOptions;
use super::report::{LayerChoice, LayerPrecision};
use super::types::element_types;
use crate::error::Result;

/// Operators that stay in float32: no half kernel by definition, sums over long axes, or selection of indices.
const BLOCKED: &[&str] = &[
    "Range",
    "CumSum",
    "Min",
    "Max",
    "TopK",
    "NonMaxSuppression",
    "RoiAlign",
    "Resize",
    "Upsample",
    "GridSample",
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "EyeLike",
    "Multinomial",
    "Bernoulli",
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "Constant",
];

/// Operators through which the arithmetic of an index is followed back.
const ELEMENTWISE: &[&str] = &[
    "Abs",
    "Add",
    "Cast",
    "Ceil",
    "Clip",
    "Div",
    "Exp",
    "Floor",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "Round",
    "Sqrt",
    "Sub",
    "Unsqueeze",
    "Squeeze",
    "Reshape",
    "Where",
];

/// Converts the main graph and returns the decision about each constant with at least two axes.
///
/// # Errors
/// `onnx.invalid` or `input.unreadable` for unreadable weights.
pub fn convert(model: &mut Model, options: &QuantizeOptions) -> Result<Vec<LayerChoice>> {
    let types = element_types(model.graph());
    let blocked = blocked_nodes(model.graph(), &types, options);
    let mut plan = Plan::new(model.graph(), &types, &blocked);
    let mut nodes = std::mem::take(&mut model.graph_mut().node);
    for (node, blocked) in nodes.iter_mut().zip(&blocked) {
        if *blocked { plan.keep(node) } else { plan.convert(node) }
    }
    let graph = model.graph_mut();
    // Casts are placed where their source appears: those of graph inputs first, the others after their producer.
    let mut placed = plan.casts_of_inputs;
    for node in nodes {
        let made = node.output.clone();
        placed.push(node);
        for name in &made {
            placed.extend(plan.casts.remove(name).unwrap_or_default());
        }
    }
    graph.node = placed;
    for value in &mut graph.value_info {
        if plan.halves.contains(value.name())
            && let Some(TypeValue::Tensor(tensor)) =
                value.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        {
            tensor.elem_type = Some(ElementType::Float16.number());
        }
    }
    let layers = convert_constants(model, &plan.constants)?;
    remove_dead(model.graph_mut());
    Ok(layers)
}

fn blocked_nodes(
    graph: &GraphProto,
    types: &HashMap<String, ElementType>,
    options: &QuantizeOptions,
) -> Vec<bool> {
    let view = GraphView::new(graph);
    let mut blocked: Vec<bool> = graph
        .node
        .iter()
        .map(|node| {
            let weight = node.input.iter().find(|name| view.constant(name).is_some());
            BLOCKED.contains(&node.op_type())
                || !matches!(node.domain(), "" | "ai.onnx" | "com.microsoft")
                || has_subgraph(node)
                || node
                    .input
                    .iter()
                    .chain(&node.output)
                    .any(|name| !name.is_empty() && !types.contains_key(name))
                || !options.selects(node.label(), weight.map_or("", String::as_str))
        })
        .collect();
    let is_float = |name: &str| types.get(name) == Some(&ElementType::Float);
    let mut pending: Vec<&str> = graph
        .node
        .iter()
        .filter(|node| node.is("Cast") && node.int("to") != Some(ElementType::Float.number().into()))
        .map(|node| node.input_name(0))
        .filter(|name| is_float(name))
        .collect();
    while let Some(name) = pending.pop() {
        let Some(index) = view.producer_index(name) else { continue };
        let node = &graph.node[index];
        if !ELEMENTWISE.contains(&node.op_type()) || std::mem::replace(&mut blocked[index], true) {
            continue;
        }
        pending.extend(node.input.iter().map(String::as_str).filter(|name| is_float(name)));
    }
    blocked
}

/// A constant that is needed in half precision.
struct HalfConstant {
    source: String,
    /// Its name in half precision; the same as `source` unless somebody needs the float form too.
    name: String,
}

struct Plan<'a> {
    types: &'a HashMap<String, ElementType>,
    names: Names,
    inputs: HashSet<String>,
    outputs: HashSet<String>,
    constants_float: HashSet<String>,
    /// Constants that a node kept in float32 uses.
    constants_kept: HashSet<String>,
    constants: Vec<HalfConstant>,
    /// Values that now are half precision, by their own names.
    halves: HashSet<String>,
    /// Half form of a value by the name that the file gave it.
    half_names: HashMap<String, String>,
    /// Float form of a half value.
    float_names: HashMap<String, String>,
    casts: HashMap<String, Vec<NodeProto>>,
    casts_of_inputs: Vec<NodeProto>,
}

impl<'a> Plan<'a> {
    fn new(graph: &GraphProto, types: &'a HashMap<String, ElementType>, blocked: &[bool]) -> Self {
        let float = |name: &&str| types.get(*name) == Some(&ElementType::Float);
        let inputs: HashSet<String> = graph.input.iter().map(|value| value.name().to_owned()).collect();
        let constants_float: HashSet<String> = graph
            .initializer
            .iter()
            .map(|tensor| tensor.name())
            .filter(float)
            .filter(|name| !inputs.contains(*name))
            .map(str::to_owned)
            .collect();
        let mut constants_kept = HashSet::new();
        for (node, blocked) in graph.node.iter().zip(blocked) {
            if *blocked {
                super::graph::for_each_use(node, &mut |name| {
                    constants_kept.insert(name.to_owned());
                });
            }
        }
        constants_kept.extend(graph.output.iter().map(|value| value.name().to_owned()));
        constants_kept.retain(|name| constants_float.contains(name));
        Self {
            types,
            names: Names::of(graph),
            inputs,
            outputs: graph.output.iter().map(|value| value.name().to_owned()).collect(),
            constants_float,
            constants_kept,
            constants: Vec::new(),
            halves: HashSet::new(),
            half_names: HashMap::new(),
            float_names: HashMap::new(),
            casts: HashMap::new(),
            casts_of_inputs: Vec::new(),
        }
    }

    fn is_float(&self, name: &str) -> bool {
        self.types.get(name) == Some(&ElementType::Float)
    }

    /// A node that stays in float32: what it uses of half values comes through casts.
    fn keep(&mut self, node: &mut NodeProto) {
        let mut used = Vec::new();
        super::graph::for_each_use(node, &mut |name| used.push(name.to_owned()));
        let mut renamed = HashMap::new();
        for name in used {
            let half = self.half_names.get(&name).cloned().unwrap_or_else(|| name.clone());
            // A graph output that is made in half precision has its float form under its own name.
            if self.halves.contains(&half) && !self.outputs.contains(&name) {
                let float = self.cast(&half, ElementType::Float, "float32");
                renamed.insert(name, float);
            }
        }
        rename_uses(node, &renamed);
    }

    fn convert(&mut self, node: &mut NodeProto) {
        for position in 0..node.input.len() {
            let name = node.input[position].clone();
            if self.is_float(&name) {
                node.input[position] = self.half_of(&name);
            }
        }
        let float = i64::from(ElementType::Float.number());
        if node.is("Cast") && node.int("to") == Some(float) {
            *node = node.clone().with_int("to", ElementType::Float16.number().into());
        }
        if node.is("ConstantOfShape") && self.is_float(node.output_name(0)) {
            halve_fill(node);
        }
        for output in &mut node.output {
            if self.types.get(output.as_str()) != Some(&ElementType::Float) {
                continue;
            }
            if self.outputs.contains(output.as_str()) {
                let half = self.names.fresh(&format!("{output}_float16"));
                let name = self.names.fresh(&format!("{output}_to_float32"));
                let cast = NodeProto::call("Cast", &name, &[&half], &[output])
                    .with_int("to", ElementType::Float.number().into());
                self.casts.entry(half.clone()).or_default().push(cast);
                self.half_names.insert(output.clone(), half.clone());
                *output = half;
            }
            self.halves.insert(output.clone());
        }
    }

    /// The half form of a float value, made if need be.
    fn half_of(&mut self, name: &str) -> String {
        if self.halves.contains(name) {
            return name.to_owned();
        }
        if let Some(half) = self.half_names.get(name) {
            return half.clone();
        }
        if self.constants_float.contains(name) {
            let half = match self.constants_kept.contains(name) {
                true => self.names.fresh(&format!("{name}_float16")),
                false => name.to_owned(),
            };
            self.constants.push(HalfConstant { source: name.to_owned(), name: half.clone() });
            self.half_names.insert(name.to_owned(), half.clone());
            return half;
        }
        let half = self.cast(name, ElementType::Float16, "float16");
        self.half_names.insert(name.to_owned(), half.clone());
        self.halves.insert(half.clone());
        half
    }

    fn cast(&mut self, name: &str, to: ElementType, suffix: &str) -> String {
        if to == ElementType::Float
            && let Some(float) = self.float_names.get(name)
        {
            return float.clone();
        }
        let target = self.names.fresh(&format!("{name}_{suffix}"));
        let label = self.names.fresh(&format!("{name}_to_{suffix}"));
        let node = NodeProto::call("Cast", &label, &[name], &[&target]).with_int("to", to.number().into());
        if to == ElementType::Float {
            self.float_names.insert(name.to_owned(), target.clone());
        }
        match self.inputs.contains(name) {
            true => self.casts_of_inputs.push(node),
            false => self.casts.entry(name.to_owned()).or_default().push(node),
        }
        target
    }
}

/// Makes the fill value of a `ConstantOfShape` half precision; it is float32, or absent, which means 0.
fn halve_fill(node: &mut NodeProto) {
    let value = node
        .attribute("value")
        .and_then(|value| value.t.as_ref())
        .and_then(|tensor| tensor.inline_bytes().ok().flatten())
        .and_then(|bytes| bytes.first_chunk::<4>().map(|chunk| f32::from_le_bytes(*chunk)))
        .unwrap_or(0.0);
    let bits = half::from_weight(value).to_le_bytes().to_vec();
    node.attribute.retain(|attribute| attribute.name() != "value");
    node.attribute.push(super::onnx::AttributeProto {
        name: Some("value".to_owned()),
        r#type: Some(super::onnx::attribute_type::TENSOR),
        t: Some(Box::new(raw_tensor("", ElementType::Float16, vec![1], bits))),
        ..Default::default()
    });
}

fn convert_constants(model: &mut Model, constants: &[HalfConstant]) -> Result<Vec<LayerChoice>> {
    let positions: HashMap<String, usize> = model
        .graph()
        .initializer
        .iter()
        .enumerate()
        .map(|(index, tensor)| (tensor.name().to_owned(), index))
        .collect();
    let mut layers = Vec::new();
    for constant in constants {
        let Some(&position) = positions.get(&constant.source) else { continue };
        let source = &model.graph().initializer[position];
        let dims = source.dims.clone();
        let raw: Vec<u8> =
            model.floats(source)?.iter().flat_map(|value| half::from_weight(*value).to_le_bytes()).collect();
        let converted = raw_tensor(&constant.name, ElementType::Float16, dims.clone(), raw);
        if dims.len() >= 2 {
            layers.push(LayerChoice {
                node: constant.source.clone(),
                weight: constant.source.clone(),
                shape: dims,
                precision: LayerPrecision::Fp16,
                reason: None,
                cosine: None,
            });
        }
        if constant.name == constant.source {
            model.graph_mut().initializer[position] = converted;
        } else {
            model.graph_mut().initializer.push(converted);
        }
    }
    Ok(layers)
}
