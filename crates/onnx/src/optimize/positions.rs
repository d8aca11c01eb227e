//! Relative positions looked up instead of computed.
//!
//! T5 (Raffel et al. 2020) and the models after it, LayoutLMv3 among them, add to the attention scores a learned number
//! for the distance of two tokens: distances fall into buckets, fine near zero and logarithmic further away, and all
//! beyond some distance into the last one. As exported that is a dozen operators on every pair of tokens. It is a
//! function of one integer, so its values are computed once here, by the runtime itself, and stored as a table with one
//! row per distance.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use docproc_error::Result;

use super::Context;
use super::constants::evaluate;
use crate::file::{ElementType, GraphProto, Model, NodeProto, TensorProto, float_tensor, raw_tensor};
use crate::graph::{GraphView, Names, remove_dead};
use crate::types::element_types;

/// Distances tried one by one on either side of zero.
const TRIED: i64 = 1 << 14;

/// The longest distance with a row of its own. Known models have 128 and 256.
const LONGEST: i64 = 1 << 12;

/// Distances far away are tried at powers of two up to this one. What is larger is no distance of tokens or boxes.
const FARTHEST: u32 = 30;

/// First operator set in which `Clip` takes integers.
const MIN_OPSET: i64 = 12;

/// Operators that work element by element.
const ELEMENTWISE: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Clip",
    "Div",
    "Equal",
    "Floor",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Round",
    "Sign",
    "Sub",
    "Where",
    "Xor",
];

/// A row of a table looked up by a function of a distance.
struct Lookup {
    /// Position of the `Gather`.
    gather: usize,
    /// Position of the `Sub` that makes the distances.
    distance: usize,
    /// Positions of the nodes between, ascending, and of the `Gather`.
    nodes: Vec<usize>,
    /// Type of the distances, 32 or 64 bits wide.
    element: ElementType,
    /// Whether the distances are of rows and columns, so that each of them is stored once until they are subtracted.
    pairwise: bool,
}

/// Replaces every lookup by one in a table with a row per distance.
pub fn tabulate(model: &mut Model, context: &Context<'_>) -> Result<usize> {
    let found = lookups(model);
    if found.is_empty() || model.opset() < MIN_OPSET {
        return Ok(0);
    }
    let mut names = Names::of(model.graph());
    let mut narrowed = HashMap::new();
    let mut placed: BTreeMap<usize, Vec<NodeProto>> = BTreeMap::new();
    for lookup in &found {
        if let Some(rows) = rows(model, lookup, context)? {
            placed.insert(lookup.gather, replacement(model, lookup, &rows, &mut names, &mut narrowed));
        }
    }
    let count = placed.len();
    let nodes = std::mem::take(&mut model.graph_mut().node);
    for (index, node) in nodes.into_iter().enumerate() {
        match placed.remove(&index) {
            Some(replacement) => model.graph_mut().node.extend(replacement),
            None => model.graph_mut().node.push(node),
        }
    }
    remove_dead(model.graph_mut());
    Ok(count)
}

fn lookups(model: &Model) -> Vec<Lookup> {
    let graph = model.graph();
    let view = GraphView::new(graph);
    let types = element_types(graph);
    let mut found = Vec::new();
    for (gather, node) in graph.node.iter().enumerate() {
        let table = view.constant(node.input_name(0));
        let of_rows = table
            .is_some_and(|table| table.dims.len() == 2 && table.element_type() == Some(ElementType::Float));
        let Some(indices) = row_indices(&view, node).filter(|_| of_rows) else { continue };
        let mut cone = Cone { view: &view, graph, nodes: BTreeSet::new(), distance: None };
        let Some(distance) = cone.grow(indices).and(cone.distance) else { continue };
        // A table with a row per distance is looked up by the distance itself, within bounds.
        let computed =
            cone.nodes.iter().any(|index| !matches!(graph.node[*index].op_type(), "Clip" | "Cast"));
        let subtraction = &graph.node[distance];
        let element = types.get(subtraction.output_name(0)).copied();
        if let Some(element @ (ElementType::Int64 | ElementType::Int32)) = element.filter(|_| computed) {
            let last =
                [view.producer_index(node.input_name(1)).filter(|_| node.is("GatherND")), Some(gather)];
            let nodes = cone.nodes.into_iter().chain(last.into_iter().flatten()).collect();
            let unsqueezed = |input: &String| view.producer(input).is_some_and(|node| node.is("Unsqueeze"));
            let pairwise = subtraction.input.iter().all(unsqueezed);
            found.push(Lookup { gather, distance, nodes, element, pairwise });
        }
    }
    found
}

/// The indices with which a node takes rows of a table: those of `Gather`, or of `GatherND` with an axis of one behind
/// them, as PyTorch's newer exporter writes it.
fn row_indices<'a>(view: &GraphView<'a>, node: &'a NodeProto) -> Option<&'a str> {
    if node.is("Gather") && node.int("axis").unwrap_or(0) == 0 {
        return Some(node.input_name(1));
    }
    let added = view.producer(node.input_name(1)).filter(|made| made.is("Unsqueeze"))?;
    let axes = view.constant(added.input_name(1)).and_then(|axes| axes.inline_bytes().ok()?);
    let behind = axes.is_some_and(|axes| axes[..] == (-1i64).to_le_bytes());
    (node.is("GatherND") && node.int("batch_dims").unwrap_or(0) == 0 && behind).then(|| added.input_name(0))
}

/// Everything between the indices of a lookup and the distances they are made of.
struct Cone<'a> {
    view: &'a GraphView<'a>,
    graph: &'a GraphProto,
    nodes: BTreeSet<usize>,
    distance: Option<usize>,
}

impl Cone<'_> {
    /// Adds what makes this value; `None` if it is not element by element a function of one distance.
    fn grow(&mut self, name: &str) -> Option<()> {
        if name.is_empty() {
            return Some(());
        }
        if let Some(tensor) = self.view.constant(name) {
            return (tensor.element_count().ok()? == 1).then_some(());
        }
        let index = self.view.producer_index(name)?;
        let node = &self.graph.node[index];
        if self.nodes.contains(&index) || self.distance == Some(index) {
            return Some(());
        }
        if node.is("Sub") && node.input.iter().all(|input| self.view.constant(input).is_none()) {
            return self.distance.replace(index).is_none().then_some(());
        }
        // One value in the shape of another.
        let filled = match node.op_type() {
            "ConstantOfShape" => self.view.producer_index(node.input_name(0)),
            "Expand" => self.grow(node.input_name(0)).and(self.view.producer_index(node.input_name(1))),
            _ => None,
        };
        if let Some(shape) = filled.filter(|shape| self.graph.node[*shape].is("Shape")) {
            self.nodes.extend([index, shape]);
            return self.grow(self.graph.node[shape].input_name(0));
        }
        if !ELEMENTWISE.contains(&node.op_type()) || !matches!(node.domain(), "" | "ai.onnx") {
            return None;
        }
        self.nodes.insert(index);
        node.input.iter().try_for_each(|input| self.grow(input))
    }
}

/// A table's rows for the distances from 0 to `longest`, then from `-longest` to -1: a negative index counts from the
/// end. Every longer distance has the row of the longest.
struct Rows {
    longest: i64,
    width: usize,
    values: Vec<f32>,
}

/// Runs the lookup on every distance. `None` if far distances do not all have the same row, one for either sign.
fn rows(model: &Model, lookup: &Lookup, context: &Context<'_>) -> Result<Option<Rows>> {
    let distance = model.graph().node[lookup.distance].output_name(0);
    let gathered = model.graph().node[lookup.gather].output_name(0);
    let mut tried: Vec<i64> = (-TRIED..=TRIED).collect();
    tried.extend(
        (0..=FARTHEST).map(|power| 1 << power).filter(|far| *far > TRIED).flat_map(|far| [far, -far]),
    );
    let count = tried.len();
    let given = integers(distance, lookup.element, vec![count as i64], &tried);
    let wanted = BTreeSet::from([gathered.to_owned()]);
    let values = evaluate(model, &lookup.nodes, &wanted, Some(given), context)?;
    let Some(all) = values.get(gathered).and_then(|tensor| tensor.floats()) else { return Ok(None) };
    let width = all.len() / count;
    let row = |index: usize| &all[index * width..(index + 1) * width];
    let at = |distance: i64| row((distance + TRIED) as usize);
    let same_far = |end: i64| {
        (2 * TRIED as usize + 1..count)
            .filter(|index| (tried[*index] < 0) == (end < 0))
            .all(|index| row(index) == at(end))
    };
    if !same_far(TRIED) || !same_far(-TRIED) {
        return Ok(None);
    }
    // The longest distance whose row is not that of all longer ones, and one more, which stands for those.
    let differs = |longest: &i64| at(*longest) != at(TRIED) || at(-longest) != at(-TRIED);
    let longest = (0..=TRIED).rev().find(differs).map_or(1, |last| last + 1);
    if longest > LONGEST {
        return Ok(None);
    }
    let order = (0..=longest).chain(-longest..0);
    Ok(Some(Rows { longest, width, values: order.flat_map(|distance| at(distance).to_vec()).collect() }))
}

/// The nodes of the new lookup. `narrowed` holds the distances made in 32 bits so far, by position of the subtraction.
fn replacement(
    model: &mut Model,
    lookup: &Lookup,
    rows: &Rows,
    names: &mut Names,
    narrowed: &mut HashMap<usize, String>,
) -> Vec<NodeProto> {
    let graph = model.graph_mut();
    let output = graph.node[lookup.gather].output_name(0).to_owned();
    let subtraction = graph.node[lookup.distance].clone();
    let mut nodes = Vec::new();
    let constants = &mut graph.initializer;
    let (distance, element) = match narrowed.get(&lookup.distance) {
        Some(name) => (name.clone(), ElementType::Int32),
        // Half the memory to go through for every pair; tokens themselves are few.
        None if lookup.pairwise && lookup.element == ElementType::Int64 => {
            let mut sides = Vec::new();
            for input in &subtraction.input {
                // The difference of two fits into 32 bits, and is as far as any distance tried.
                let ends = [-(1 << FARTHEST), (1 << FARTHEST) - 1];
                let bounded = clipped(input, lookup.element, ends, names, constants, &mut nodes);
                let side = names.fresh(&format!("{input}_narrow"));
                let name = names.fresh(&format!("{side}_Cast"));
                nodes.push(
                    NodeProto::call("Cast", &name, &[&bounded], &[&side])
                        .with_int("to", i64::from(ElementType::Int32.number())),
                );
                sides.push(side);
            }
            let name = names.fresh(&format!("{}_narrow", subtraction.output_name(0)));
            let inputs: Vec<&str> = sides.iter().map(String::as_str).collect();
            nodes.push(NodeProto::call("Sub", &names.fresh(&format!("{name}_Sub")), &inputs, &[&name]));
            narrowed.insert(lookup.distance, name.clone());
            (name, ElementType::Int32)
        }
        None => (subtraction.output_name(0).to_owned(), lookup.element),
    };
    let index = clipped(&distance, element, [-rows.longest, rows.longest], names, constants, &mut nodes);
    let table = names.fresh(&format!("{output}_rows"));
    constants.push(float_tensor(&table, vec![2 * rows.longest + 1, rows.width as i64], &rows.values));
    nodes.push(NodeProto::call(
        "Gather",
        &names.fresh(&format!("{output}_Gather")),
        &[&table, &index],
        &[&output],
    ));
    nodes
}

/// A value held within two ends.
fn clipped(
    value: &str,
    element: ElementType,
    ends: [i64; 2],
    names: &mut Names,
    constants: &mut Vec<TensorProto>,
    nodes: &mut Vec<NodeProto>,
) -> String {
    let ends = ends.map(|end| {
        let name = names.fresh(&format!("{value}_end"));
        constants.push(integers(&name, element, Vec::new(), &[end]));
        name
    });
    let bounded = names.fresh(&format!("{value}_bounded"));
    let name = names.fresh(&format!("{bounded}_Clip"));
    nodes.push(NodeProto::call("Clip", &name, &[value, &ends[0], &ends[1]], &[&bounded]));
    bounded
}

/// A constant of 32-bit or 64-bit integers.
fn integers(name: &str, element: ElementType, dims: Vec<i64>, values: &[i64]) -> TensorProto {
    let raw: Vec<u8> = match element {
        ElementType::Int32 => values.iter().flat_map(|value| (*value as i32).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    raw_tensor(name, element, dims, raw)
}
