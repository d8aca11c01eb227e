//! Half precision: weights and compute in float16, inputs and outputs in float32.
//!
//! Some nodes stay in float32: operators that have no half form or lose by it, everything with a subgraph or an
//! unknown type, nodes excluded by pattern, the arithmetic of indices (a bucket computed in half precision is
//! another bucket), and what needs numbers that halves do not have ([`super::range`]). One `Cast` per value crosses
//! each border, none is left over.

use std::collections::{BTreeMap, HashMap, HashSet};

use docproc_error::Result;

use super::file::{
    ElementType, GraphProto, Model, NodeProto, TensorProto, TypeValue, raw_tensor, scalar_tensor,
};
use super::graph::{GraphView, Names, for_each_use, has_subgraph, remove_dead, rename_uses};
use super::half;
use super::options::QuantizeOptions;
use super::range::{self, Misfits};
use super::report::{LayerChoice, LayerPrecision};
use super::types::element_types;

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

/// Converts the main graph and returns the decision about each constant with at least two axes, and about those that
/// half precision cannot hold. `seen` has the ranges of computed values that are beyond it, where that was measured; with
/// `strict` masks that are beyond it stay in float32, too.
///
/// # Errors
/// `onnx.invalid` or `input.unreadable` for unreadable weights.
pub fn convert(
    model: &mut Model,
    options: &QuantizeOptions,
    seen: &BTreeMap<String, (f32, f32)>,
    strict: bool,
) -> Result<Vec<LayerChoice>> {
    let types = element_types(model.graph());
    let misfits = Misfits::find(model, seen, strict)?;
    let blocked = blocked_nodes(model.graph(), &types, options, &misfits);
    let mut plan = Plan::new(model, &types, &blocked, &misfits);
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
    graph.initializer.extend(plan.bounds.into_iter().flat_map(|bounds| bounds.1));
    for value in &mut graph.value_info {
        if plan.halves.contains(value.name())
            && !plan.outputs.contains(value.name())
            && let Some(TypeValue::Tensor(tensor)) =
                value.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        {
            tensor.elem_type = Some(ElementType::Float16.number());
        }
    }
    let mut layers = convert_constants(model, &plan.constants)?;
    let kept = |name: &str| plan.constants_kept.contains(name) && misfits.get(name).is_some();
    layers.extend(model.graph().initializer.iter().filter(|tensor| kept(tensor.name())).map(|tensor| {
        LayerChoice {
            node: tensor.name().to_owned(),
            weight: tensor.name().to_owned(),
            shape: tensor.dims.clone(),
            precision: LayerPrecision::Float32,
            reason: Some("beyond the range of half precision, and so is what is computed with it".to_owned()),
            cosine: None,
        }
    }));
    remove_dead(model.graph_mut());
    Ok(layers)
}

fn blocked_nodes(
    graph: &GraphProto,
    types: &HashMap<String, ElementType>,
    options: &QuantizeOptions,
    misfits: &Misfits,
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
                || misfits.forbid(&view, node)
                // Mean and deviation are float32 whatever the values are.
                || (node.is("LayerNormalization") && node.output.len() > 1)
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
    /// Values that a node now makes in half precision, by the names that the file gave them. All others have their
    /// float form under that name.
    halves: HashSet<String>,
    /// Half form of a value by the name that the file gave it, where it is another.
    half_names: HashMap<String, String>,
    /// Float form of a value made in half precision, where a node needs it.
    float_names: HashMap<String, String>,
    /// Values in float32 that may be beyond the range of halves: their casts saturate.
    wide: HashSet<String>,
    /// Lowest and highest half as constants, by name, once they are needed.
    bounds: Option<([String; 2], [TensorProto; 2])>,
    opset: i64,
    casts: HashMap<String, Vec<NodeProto>>,
    casts_of_inputs: Vec<NodeProto>,
}

impl<'a> Plan<'a> {
    fn new(
        model: &Model,
        types: &'a HashMap<String, ElementType>,
        blocked: &[bool],
        misfits: &Misfits,
    ) -> Self {
        let graph = model.graph();
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
                for_each_use(node, &mut |name| {
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
            wide: misfits.wide(&graph.node, blocked),
            bounds: None,
            opset: model.opset(),
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
        for_each_use(node, &mut |name| used.push(name.to_owned()));
        let mut renamed = HashMap::new();
        for name in used {
            // A graph output that is made in half precision has its float form under its own name.
            if self.halves.contains(&name) && !self.outputs.contains(&name) {
                renamed.insert(name.clone(), self.float_of(&name));
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
            self.halves.insert(output.clone());
            if self.outputs.contains(output.as_str()) {
                let half = self.names.fresh(&format!("{output}_float16"));
                let label = self.names.fresh(&format!("{output}_to_float32"));
                self.casts.entry(half.clone()).or_default().push(cast(
                    &label,
                    &half,
                    output,
                    ElementType::Float,
                ));
                self.half_names.insert(output.clone(), half.clone());
                *output = half;
            }
        }
    }

    /// The half form of a float value, made if need be.
    fn half_of(&mut self, name: &str) -> String {
        if let Some(half) = self.half_names.get(name) {
            return half.clone();
        }
        if self.halves.contains(name) {
            return name.to_owned();
        }
        let half = if self.constants_float.contains(name) {
            let half = match self.constants_kept.contains(name) {
                true => self.names.fresh(&format!("{name}_float16")),
                false => name.to_owned(),
            };
            self.constants.push(HalfConstant { source: name.to_owned(), name: half.clone() });
            half
        } else {
            let half = self.names.fresh(&format!("{name}_float16"));
            let label = self.names.fresh(&format!("{name}_to_float16"));
            let source = if self.wide.contains(name) { self.limited(name) } else { name.to_owned() };
            let node = cast(&label, &source, &half, ElementType::Float16);
            self.place(name, node);
            half
        };
        self.half_names.insert(name.to_owned(), half.clone());
        half
    }

    /// The float form of a value that a node makes in half precision.
    fn float_of(&mut self, name: &str) -> String {
        if let Some(float) = self.float_names.get(name) {
            return float.clone();
        }
        let float = self.names.fresh(&format!("{name}_float32"));
        let label = self.names.fresh(&format!("{name}_to_float32"));
        self.place(name, cast(&label, name, &float, ElementType::Float));
        self.float_names.insert(name.to_owned(), float.clone());
        float
    }

    /// The float value within the range of halves, so that the cast does not make infinities of it.
    fn limited(&mut self, name: &str) -> String {
        let limited = self.names.fresh(&format!("{name}_limited"));
        let label = self.names.fresh(&format!("{name}_limit"));
        let node = if self.opset < 11 {
            let node = NodeProto::call("Clip", &label, &[name], &[&limited]);
            node.with_float("min", -half::MAX).with_float("max", half::MAX)
        } else {
            let names = &mut self.names;
            let ([low, high], _) = self.bounds.get_or_insert_with(|| {
                let bounds = ["half_lowest", "half_highest"].map(|name| names.fresh(name));
                let tensors = [scalar_tensor(&bounds[0], -half::MAX), scalar_tensor(&bounds[1], half::MAX)];
                (bounds, tensors)
            });
            NodeProto::call("Clip", &label, &[name, low, high], &[&limited])
        };
        self.place(name, node);
        limited
    }

    /// Puts a node behind the one that makes `source`.
    fn place(&mut self, source: &str, node: NodeProto) {
        match self.inputs.contains(source) {
            true => self.casts_of_inputs.push(node),
            false => self.casts.entry(source.to_owned()).or_default().push(node),
        }
    }
}

fn cast(label: &str, from: &str, to: &str, element: ElementType) -> NodeProto {
    NodeProto::call("Cast", label, &[from], &[to]).with_int("to", element.number().into())
}

/// Makes the fill value of a `ConstantOfShape` half precision; it is float32, or absent, which means 0.
fn halve_fill(node: &mut NodeProto) {
    let bits = half::from_weight(range::fill(node).unwrap_or(0.0)).to_le_bytes().to_vec();
    node.attribute.retain(|attribute| attribute.name() != "value");
    node.attribute.push(super::file::AttributeProto {
        name: Some("value".to_owned()),
        r#type: Some(super::file::attribute_type::TENSOR),
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
