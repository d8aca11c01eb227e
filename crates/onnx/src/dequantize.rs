//! From eight bits back to a float graph, so that a model of which only a quantised form is left can be quantised
//! in another way, or run where integers are slow.
//!
//! Weights become `(q - zero_point) scale`; what rounding lost stays lost. Understood are the forms of
//! `onnxruntime.quantization` and of this engine: `DynamicQuantizeLinear` with `MatMulInteger`, ONNX Runtime's
//! `DynamicQuantizeMatMul`, `QuantizeLinear` with `DequantizeLinear`, and embedding tables behind a `Gather`.

use std::collections::{BTreeMap, HashMap};

use docproc_error::Result;

use super::file::{ElementType, Model, NodeProto, TensorProto, float_tensor};
use super::graph::{GraphView, Names, remove_dead, rename_uses};
use super::report::{LayerChoice, LayerPrecision};

/// What becomes of a node.
enum Change {
    /// A product of `input` with an 8-bit constant, and perhaps a bias.
    Product { input: String, weight: Weight, bias: Option<String> },
    /// Rows of a table.
    Rows { weight: Weight, indices: String },
    /// The value is this constant.
    Constant(Weight),
    /// The value is another one.
    Same(String),
}

/// An 8-bit constant with its scales, by the names of the three.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    values: String,
    scale: String,
    zero_point: Option<String>,
    /// Axis that scales run along; `None` for the last.
    axis: Option<usize>,
}

/// Replaces 8-bit products and tables by float ones; empty if the model has none. What it does not understand stays.
///
/// # Errors
/// `onnx.invalid` for constants that cannot be read.
pub fn dequantize(model: &mut Model) -> Result<Vec<LayerChoice>> {
    let changes = changes(model);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut work = Work { names: Names::of(model.graph()), floats: BTreeMap::new(), choices: Vec::new() };
    let mut renamed: HashMap<String, String> = HashMap::new();
    let nodes = std::mem::take(&mut model.graph_mut().node);
    let mut rewritten = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.into_iter().enumerate() {
        let output = node.output_name(0).to_owned();
        match changes.get(&index) {
            None => rewritten.push(node),
            Some(Change::Product { input, weight, bias }) => {
                let constant = work.float(model, weight, node.label())?;
                let product = match bias {
                    Some(_) => work.names.fresh(&format!("{output}_product")),
                    None => output.clone(),
                };
                let name = work.names.fresh(&format!("{}_float", node.label()));
                rewritten.push(NodeProto::call("MatMul", &name, &[input, &constant], &[&product]));
                if let Some(bias) = bias {
                    let name = work.names.fresh(&format!("{}_bias", node.label()));
                    rewritten.push(NodeProto::call("Add", &name, &[&product, bias], &[&output]));
                }
            }
            Some(Change::Rows { weight, indices }) => {
                let constant = work.float(model, weight, node.label())?;
                let name = work.names.fresh(&format!("{}_float", node.label()));
                rewritten.push(NodeProto::call("Gather", &name, &[&constant, indices], &[&output]));
            }
            Some(Change::Constant(weight)) => {
                let constant = work.float(model, weight, node.label())?;
                renamed.insert(output, constant);
            }
            Some(Change::Same(other)) => {
                let other = renamed.get(other).unwrap_or(other).clone();
                renamed.insert(output, other);
            }
        }
    }
    let outputs: Vec<String> = model.graph().output.iter().map(|value| value.name().to_owned()).collect();
    for node in &mut rewritten {
        rename_uses(node, &renamed);
    }
    for name in outputs {
        if let Some(source) = renamed.get(&name) {
            rewritten.push(NodeProto::call("Identity", &work.names.fresh(&name), &[source], &[&name]));
        }
    }
    model.graph_mut().node = rewritten;
    remove_dead(model.graph_mut());
    Ok(work.choices)
}

fn changes(model: &Model) -> BTreeMap<usize, Change> {
    let graph = model.graph();
    let view = GraphView::new(graph);
    let mut changes = BTreeMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        let found = if node.is("MatMulInteger") {
            product(model, &view, node)
        } else if node.op_type() == "DynamicQuantizeMatMul" && node.domain() == "com.microsoft" {
            fused(model, &view, node).map(|change| (index, change))
        } else if node.is("DequantizeLinear") {
            value(model, &view, node).map(|change| (index, change))
        } else {
            None
        };
        changes.extend(found);
    }
    changes
}

/// `DynamicQuantizeLinear`, `MatMulInteger`, `Cast`, `Mul` by the product of both scales: the last becomes the product.
fn product(model: &Model, view: &GraphView<'_>, node: &NodeProto) -> Option<(usize, Change)> {
    let only_user = |name: &str| match view.consumers(name) {
        [user] if !view.is_output(name) => Some((*user, &model.graph().node[*user])),
        _ => None,
    };
    let activation = view.producer(node.input_name(0)).filter(|made| made.is("DynamicQuantizeLinear"))?;
    if activation.output_name(0) != node.input_name(0) || activation.output_name(2) != node.input_name(2) {
        return None;
    }
    let cast = only_user(node.output_name(0))?.1;
    let (last, mul) = cast.is("Cast").then(|| only_user(cast.output_name(0)))??;
    let scales = other_input(mul, cast.output_name(0)).and_then(|name| view.producer(name))?;
    let scale = other_input(scales, activation.output_name(1))?;
    let weight = weight(view, node.input_name(1), scale, node.input_name(3), None)?;
    let input = activation.input_name(0).to_owned();
    (mul.is("Mul") && scales.is("Mul")).then_some((last, Change::Product { input, weight, bias: None }))
}

fn fused(model: &Model, view: &GraphView<'_>, node: &NodeProto) -> Option<Change> {
    let weight = weight(view, node.input_name(1), node.input_name(2), node.input_name(3), None)?;
    // Constants of the graph only: a bias that is computed would still be one.
    let bias = Some(node.input_name(4)).filter(|name| !name.is_empty()).map(str::to_owned);
    let matrix = model.graph().initializer.iter().find(|tensor| tensor.name() == weight.values)?;
    (matrix.dims.len() == 2).then(|| Change::Product { input: node.input_name(0).to_owned(), weight, bias })
}

fn value(model: &Model, view: &GraphView<'_>, node: &NodeProto) -> Option<Change> {
    let axis = node.int("axis").unwrap_or(1);
    let [source, scale, zero_point] = [0, 1, 2].map(|index| node.input_name(index));
    if let Some(constant) = view.constant(source) {
        let rank = i64::try_from(constant.dims.len()).ok()?;
        let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok();
        return weight(view, source, scale, zero_point, axis).map(Change::Constant);
    }
    let made = view.producer(source)?;
    if made.is("QuantizeLinear") {
        let same = [1, 2].iter().all(|index| made.input_name(*index) == node.input_name(*index));
        return same.then(|| Change::Same(made.input_name(0).to_owned()));
    }
    let rows = made.is("Gather") && made.int("axis").unwrap_or(0) == 0;
    let table = rows.then(|| weight(view, made.input_name(0), scale, zero_point, None)).flatten()?;
    let one = |name: &str| {
        let tensor = model.graph().initializer.iter().find(|tensor| tensor.name() == name);
        tensor.is_some_and(|tensor| tensor.element_count().is_ok_and(|count| count == 1))
    };
    let indices = made.input_name(1).to_owned();
    (axis == -1 || one(scale)).then_some(Change::Rows { weight: table, indices })
}

/// The constant, if all of it is constant and has 8 bits.
fn weight(
    view: &GraphView<'_>,
    values: &str,
    scale: &str,
    zero_point: &str,
    axis: Option<usize>,
) -> Option<Weight> {
    let eight =
        |tensor: &TensorProto| matches!(tensor.element_type(), Some(ElementType::Int8 | ElementType::Uint8));
    view.constant(values).filter(|tensor| eight(tensor))?;
    view.constant(scale).filter(|tensor| tensor.element_type() == Some(ElementType::Float))?;
    let zero_point = match zero_point {
        "" => None,
        name => Some(view.constant(name).filter(|tensor| eight(tensor))?.name().to_owned()),
    };
    Some(Weight { values: values.to_owned(), scale: scale.to_owned(), zero_point, axis })
}

/// The other of two inputs.
fn other_input<'n>(node: &'n NodeProto, one: &str) -> Option<&'n str> {
    match (node.input_name(0), node.input_name(1)) {
        (first, second) if first == one => Some(second),
        (first, second) if second == one => Some(first),
        _ => None,
    }
}

struct Work {
    names: Names,
    /// Float constants made so far.
    floats: BTreeMap<Weight, String>,
    choices: Vec<LayerChoice>,
}

impl Work {
    /// Name of the float form of a constant, made once.
    fn float(&mut self, model: &mut Model, weight: &Weight, label: &str) -> Result<String> {
        if let Some(name) = self.floats.get(weight) {
            return Ok(name.clone());
        }
        let find = |name: &str| {
            let found = model.graph().initializer.iter().find(|tensor| tensor.name() == name);
            found.unwrap_or_else(|| unreachable!("`weight` found it"))
        };
        let values = find(&weight.values);
        let dims = values.dims.clone();
        let bytes = integers(model, values)?;
        let scales = model.floats(find(&weight.scale))?;
        let zero_points =
            weight.zero_point.as_ref().map_or(Ok(vec![0]), |name| integers(model, find(name)))?;
        let axis = weight.axis.unwrap_or(dims.len().saturating_sub(1));
        let channels = dims.get(axis).map_or(1, |length| usize::try_from(*length).unwrap_or(0));
        let fits = |count: usize| count == 1 || count == channels;
        if !fits(scales.len()) || !fits(zero_points.len()) {
            return Err(values.invalid("its scales do not fit its shape"));
        }
        let inner: usize =
            dims.iter().skip(axis + 1).map(|length| usize::try_from(*length).unwrap_or(0)).product();
        let of = |index: usize| index / inner.max(1) % channels.max(1);
        let floats: Vec<f32> = bytes
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let scale = scales[if scales.len() == 1 { 0 } else { of(index) }];
                let zero = zero_points[if zero_points.len() == 1 { 0 } else { of(index) }];
                (value - zero) as f32 * scale
            })
            .collect();
        let name =
            self.names.fresh(weight.values.strip_suffix("_quantized").unwrap_or(weight.values.as_str()));
        model.graph_mut().initializer.push(float_tensor(&name, dims.clone(), &floats));
        self.choices.push(LayerChoice {
            node: label.to_owned(),
            weight: name.clone(),
            shape: dims,
            precision: LayerPrecision::Float32,
            reason: Some("was in 8 bits".to_owned()),
            cosine: None,
        });
        self.floats.insert(weight.clone(), name.clone());
        Ok(name)
    }
}

fn integers(model: &Model, tensor: &TensorProto) -> Result<Vec<i32>> {
    let bytes = model.bytes(tensor)?;
    let signed = tensor.element_type() == Some(ElementType::Int8);
    Ok(bytes.iter().map(|byte| if signed { i32::from(*byte as i8) } else { i32::from(*byte) }).collect())
}
