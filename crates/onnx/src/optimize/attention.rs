//! Attention as exporters write it, replaced by one `MultiHeadAttention` of ONNX Runtime.
//!
//! Recognised is `softmax(scale q k^T + biases) v` with heads split by `Reshape` and `Transpose`, wherever the scale
//! is applied (to q, to k, to both, to the product, by multiplication or division), with any number of additive
//! terms (masks, relative positions), with the softmax of CogView (LayoutLMv3: scores divided by a constant, less
//! their maximum, times the constant; mathematically the plain one) and with the `Where(IsNaN)` that PyTorch's
//! scaled_dot_product_attention leaves. The sum of the additive terms becomes the attention bias. As nodes it is
//! made once and shared if equal in all layers.

use std::collections::BTreeMap;

use docproc_error::Result;

use super::Context;
use crate::file::{ElementType, GraphProto, Model, NodeProto, TensorProto, integer_tensor};
use crate::graph::{GraphView, Names, remove_dead};

const MICROSOFT: &str = "com.microsoft";

/// One attention found in the graph.
struct Attention {
    /// Position of the node that makes `output`.
    last: usize,
    /// `[batch, length, heads x size]`.
    query: String,
    key: String,
    value: String,
    /// Factor of the product of queries and keys.
    scale: f64,
    heads: i64,
    /// Additive terms in the order of the file, each broadcast to `[batch, heads, length, length]`.
    biases: Vec<String>,
    /// Whether one of them has both lengths by itself.
    pairwise: bool,
    /// `[batch, heads, length, length]`: what the softmax takes; gives the bias its shape.
    output: String,
}

/// Replaces every attention that matches.
pub fn fuse(model: &mut Model, _: &Context<'_>) -> Result<usize> {
    let found: Vec<Attention> = {
        let matcher = Matcher { model, view: GraphView::new(model.graph()) };
        let graph = model.graph();
        graph
            .node
            .iter()
            .filter(|node| node.is("Softmax"))
            .filter_map(|node| matcher.attention(node))
            .collect()
    };
    if found.is_empty() {
        return Ok(0);
    }
    let count = found.len();
    let mut names = Names::of(model.graph());
    let mut placed: BTreeMap<usize, Vec<NodeProto>> = BTreeMap::new();
    let mut shared = SharedBiases::default();
    for attention in found {
        let nodes = replacement(model.graph_mut(), &attention, &mut names, &mut shared);
        placed.insert(attention.last, nodes);
    }
    let nodes = std::mem::take(&mut model.graph_mut().node);
    for (index, node) in nodes.into_iter().enumerate() {
        match placed.remove(&index) {
            Some(replacement) => model.graph_mut().node.extend(replacement),
            None => model.graph_mut().node.push(node),
        }
    }
    model.require_domain(MICROSOFT, 1);
    remove_dead(model.graph_mut());
    Ok(count)
}

/// Biases made so far, by their terms.
#[derive(Default)]
struct SharedBiases(BTreeMap<Vec<String>, String>);

fn replacement(
    graph: &mut GraphProto,
    attention: &Attention,
    names: &mut Names,
    shared: &mut SharedBiases,
) -> Vec<NodeProto> {
    let mut nodes = Vec::new();
    let bias = match attention.biases.as_slice() {
        [] => String::new(),
        terms => match shared.0.get(terms) {
            Some(bias) => bias.clone(),
            None => {
                let bias = full_bias(graph, attention, names, &mut nodes);
                shared.0.insert(terms.to_vec(), bias.clone());
                bias
            }
        },
    };
    let name = names.fresh(&format!("{}_MultiHeadAttention", attention.output));
    let mut inputs = vec![attention.query.as_str(), &attention.key, &attention.value];
    if !bias.is_empty() {
        // Bias of the projections and key padding mask are not used.
        inputs.extend(["", "", &bias]);
    }
    nodes.push(
        NodeProto::call("MultiHeadAttention", &name, &inputs, &[&attention.output])
            .in_domain(MICROSOFT)
            .with_int("num_heads", attention.heads)
            .with_float("scale", attention.scale as f32),
    );
    nodes
}

/// The sum of the terms, expanded to `[batch or 1, heads or 1, length, length]` unless one of them has that shape: the
/// operator broadcasts the first two axes only, and masks come as `[batch, 1, 1, length]`.
fn full_bias(
    graph: &mut GraphProto,
    attention: &Attention,
    names: &mut Names,
    nodes: &mut Vec<NodeProto>,
) -> String {
    let mut sum = attention.biases[0].clone();
    for term in &attention.biases[1..] {
        let next = names.fresh(&format!("{}_bias_sum", attention.output));
        nodes.push(NodeProto::call("Add", &names.fresh(&format!("{next}_Add")), &[&sum, term], &[&next]));
        sum = next;
    }
    if attention.pairwise {
        return sum;
    }
    let mut constant = |names: &mut Names, name: &str, values: &[i64]| {
        let name = names.fresh(&format!("{}_{name}", attention.output));
        graph.initializer.push(integer_tensor(&name, vec![values.len() as i64], values));
        name
    };
    let one = constant(names, "one", &[1]);
    let (queries, keys) = (constant(names, "axis_1", &[1]), constant(names, "axis_1", &[1]));
    let mut length = |names: &mut Names, of: &str, axis: &str| {
        let shape = names.fresh(&format!("{of}_shape"));
        let length = names.fresh(&format!("{of}_length"));
        nodes.push(NodeProto::call("Shape", &names.fresh(&format!("{shape}_Shape")), &[of], &[&shape]));
        nodes.push(NodeProto::call(
            "Gather",
            &names.fresh(&format!("{length}_Gather")),
            &[&shape, axis],
            &[&length],
        ));
        length
    };
    let rows = length(names, &attention.query, &queries);
    let columns = length(names, &attention.key, &keys);
    let shape = names.fresh(&format!("{}_bias_shape", attention.output));
    let bias = names.fresh(&format!("{}_bias", attention.output));
    nodes.push(
        NodeProto::call(
            "Concat",
            &names.fresh(&format!("{shape}_Concat")),
            &[&one, &one, &rows, &columns],
            &[&shape],
        )
        .with_int("axis", 0),
    );
    nodes.push(NodeProto::call("Expand", &names.fresh(&format!("{bias}_Expand")), &[&sum, &shape], &[&bias]));
    bias
}

struct Matcher<'a> {
    model: &'a Model,
    view: GraphView<'a>,
}

impl<'a> Matcher<'a> {
    fn attention(&self, softmax: &'a NodeProto) -> Option<Attention> {
        if !matches!(softmax.int("axis"), None | Some(-1 | 3)) {
            return None;
        }
        let mut scores = softmax.input_name(0).to_owned();
        if let Some(plain) = self.cogview(&scores) {
            scores = plain;
        }
        let (product, outer, biases) = self.scores(&scores)?;
        let (query, query_scale, heads) = self.split_heads(product.input_name(0), false)?;
        let (key, key_scale, key_heads) = self.split_heads(product.input_name(1), true)?;
        let weights = self.after_softmax(softmax)?;
        let [user] = self.view.consumers(&weights) else { return None };
        let graph = self.model.graph();
        let weighted = &graph.node[*user];
        if !weighted.is("MatMul") || weighted.input_name(0) != weights {
            return None;
        }
        let (value, value_scale, value_heads) = self.split_heads(weighted.input_name(1), false)?;
        if heads != key_heads || heads != value_heads || value_scale != 1.0 {
            return None;
        }
        let (last, output) = self.merged_heads(weighted.output_name(0))?;
        let scale = outer * query_scale * key_scale;
        let pairwise = biases.iter().any(|term| self.is_pairwise(term));
        Some(Attention { last, query, key, value, scale, heads, biases, pairwise, output })
    }

    /// Whether a term is a table of relative positions looked up for every pair of tokens, heads moved before the pair;
    /// or a sum with one.
    fn is_pairwise(&self, term: &str) -> bool {
        let Some(node) = self.view.producer(term) else { return false };
        if ["Add", "Mul", "Div"].iter().any(|operator| node.is(operator)) {
            return node.input.iter().any(|input| self.is_pairwise(input));
        }
        let lookup = self.view.producer(node.input_name(0)).filter(|lookup| lookup.is("Gather"));
        let table = lookup.and_then(|lookup| self.view.constant(lookup.input_name(0)));
        let moved = node.is("Transpose") && node.ints("perm").is_some_and(|axes| axes == [0, 3, 1, 2]);
        moved && table.is_some_and(|table| table.dims.len() == 2)
    }

    /// The scores behind `((x / c) - max(x / c)) * c`.
    fn cogview(&self, name: &str) -> Option<String> {
        let (difference, factor) = self.scaled_by(name, "Mul")?;
        let subtraction = self.view.producer(&difference).filter(|node| node.is("Sub"))?;
        let divided = subtraction.input_name(0);
        let mut maximum = self.view.producer(subtraction.input_name(1))?;
        if maximum.is("Unsqueeze") {
            maximum = self.view.producer(maximum.input_name(0))?;
        }
        if !maximum.is("ReduceMax") || maximum.input_name(0) != divided {
            return None;
        }
        let (scores, divisor) = self.scaled_by(divided, "Div")?;
        (factor == divisor).then_some(scores)
    }

    /// Value and constant of a product or quotient with a scalar constant.
    fn scaled_by(&self, name: &str, op_type: &str) -> Option<(String, f64)> {
        let node = self.view.producer(name).filter(|node| node.is(op_type))?;
        if let Some(factor) = self.scalar(node.input_name(1)) {
            return Some((node.input_name(0).to_owned(), factor));
        }
        let factor = self.scalar(node.input_name(0)).filter(|_| op_type == "Mul")?;
        Some((node.input_name(1).to_owned(), factor))
    }

    /// One scaling off a value: what is scaled, and the factor.
    fn unscaled(&self, name: &str) -> Option<(String, f64)> {
        self.scaled_by(name, "Mul").or_else(|| {
            let (value, divisor) = self.scaled_by(name, "Div")?;
            Some((value, 1.0 / divisor))
        })
    }

    fn scalar(&self, name: &str) -> Option<f64> {
        let tensor: &TensorProto = self.view.constant(name)?;
        if tensor.element_type() != Some(ElementType::Float) || tensor.element_count().ok()? != 1 {
            return None;
        }
        self.model.floats(tensor).ok()?.first().map(|value| f64::from(*value))
    }

    /// The product of queries and keys, the factor on it, and the terms added to it.
    fn scores(&self, name: &str) -> Option<(&'a NodeProto, f64, Vec<String>)> {
        let node = self.view.producer(name)?;
        if node.is("MatMul") {
            return Some((node, 1.0, Vec::new()));
        }
        if node.is("Add") {
            // The product may be on either side; a term that is itself a sum stays one term.
            for (inner, term) in [(0, 1), (1, 0)] {
                if let Some((product, scale, mut biases)) = self.scores(node.input_name(inner)) {
                    biases.push(node.input_name(term).to_owned());
                    return Some((product, scale, biases));
                }
            }
            return None;
        }
        // A factor on scores that already have a bias would scale the bias too.
        let (inner, factor) = self.unscaled(name)?;
        let (product, scale, biases) = self.scores(&inner)?;
        biases.is_empty().then_some((product, scale * factor, biases))
    }

    /// `[batch, length, heads x size]` behind `[batch, heads, length, size]`, or behind its transpose for keys, with
    /// the factor on the way and the number of heads.
    fn split_heads(&self, name: &str, keys: bool) -> Option<(String, f64, i64)> {
        let (mut name, mut scale) = (name.to_owned(), 1.0);
        let mut flipped = false;
        // Factors and transpositions in any order; the bound is far beyond what exporters write.
        for _ in 0..8 {
            if let Some((inner, factor)) = self.unscaled(&name) {
                (name, scale) = (inner, scale * factor);
                continue;
            }
            if let Some(inner) = self.flipped_by_reshapes(&name) {
                (name, flipped) = (inner, !flipped);
                continue;
            }
            let node = self.view.producer(&name).filter(|node| node.is("Transpose"))?;
            match node.ints("perm")? {
                [0, 1, 3, 2] => {
                    (name, flipped) = (node.input_name(0).to_owned(), !flipped);
                    continue;
                }
                [0, 2, 3, 1] => flipped = !flipped,
                [0, 2, 1, 3] => {}
                _ => return None,
            }
            if flipped != keys {
                return None;
            }
            let reshape = self.view.producer(node.input_name(0)).filter(|node| node.is("Reshape"))?;
            return Some((reshape.input_name(0).to_owned(), scale, self.heads(reshape)?));
        }
        None
    }

    /// What PyTorch's exporter makes of a transposition of the last two axes: three axes, swapped, four again.
    fn flipped_by_reshapes(&self, name: &str) -> Option<String> {
        let outer = self.view.producer(name).filter(|node| node.is("Reshape"))?;
        let swap = self.view.producer(outer.input_name(0)).filter(|node| node.is("Transpose"))?;
        if swap.ints("perm")? != [0, 2, 1] {
            return None;
        }
        let inner = self.view.producer(swap.input_name(0)).filter(|node| node.is("Reshape"))?;
        Some(inner.input_name(0).to_owned())
    }

    /// The number of heads from the target shape `[batch, length, heads, size]`, whose last two are constant, or one
    /// of them and `-1`, which the projection's width then tells.
    fn heads(&self, reshape: &NodeProto) -> Option<i64> {
        let target = self.last_two(reshape.input_name(1))?;
        match target {
            [heads, _] if heads > 0 => Some(heads),
            [-1, size] if size > 0 => {
                let width = self.width(reshape.input_name(0))?;
                (width % size == 0).then(|| width / size)
            }
            _ => None,
        }
    }

    /// The last two entries of a shape, unknown ones as -1.
    fn last_two(&self, name: &str) -> Option<[i64; 2]> {
        let entries: Vec<i64> = match self.view.constant(name) {
            Some(tensor) => self.model.integers(tensor).ok()?,
            None => {
                let node = self.view.producer(name).filter(|node| node.is("Concat"))?;
                let mut entries = Vec::new();
                for input in &node.input {
                    match self.view.constant(input) {
                        Some(tensor) => entries.extend(self.model.integers(tensor).ok()?),
                        // One computed entry per input; more would shift the count and fail below.
                        None => entries.push(-1),
                    }
                }
                entries
            }
        };
        match entries[..] {
            [_, _, heads, size] => Some([heads, size]),
            _ => None,
        }
    }

    /// Number of columns of a projection, from the bias added or the matrix multiplied.
    fn width(&self, name: &str) -> Option<i64> {
        let node = self.view.producer(name)?;
        let constant = node.input.iter().find_map(|input| self.view.constant(input))?;
        (node.is("Add") || node.is("MatMul")).then(|| constant.dims.last().copied())?
    }

    /// The attention weights: the softmax, or what replaces its NaN rows by zero.
    fn after_softmax(&self, softmax: &NodeProto) -> Option<String> {
        let weights = softmax.output_name(0);
        let users = self.view.consumers(weights);
        let graph = self.model.graph();
        match users {
            [_] => Some(weights.to_owned()),
            [_, _] => {
                let check = users.iter().map(|user| &graph.node[*user]).find(|node| node.is("IsNaN"))?;
                let choice = users.iter().map(|user| &graph.node[*user]).find(|node| node.is("Where"))?;
                (choice.input_name(0) == check.output_name(0) && choice.input_name(2) == weights)
                    .then(|| choice.output_name(0).to_owned())
            }
            _ => None,
        }
    }

    /// Position and output of the `Reshape` that joins the heads again.
    fn merged_heads(&self, name: &str) -> Option<(usize, String)> {
        let graph = self.model.graph();
        let [user] = self.view.consumers(name) else { return None };
        let transpose = &graph.node[*user];
        if !transpose.is("Transpose") || transpose.ints("perm")? != [0, 2, 1, 3] {
            return None;
        }
        // Its shape may be asked for as well, to build the target of the reshape.
        let users = self.view.consumers(transpose.output_name(0));
        let last = *users.iter().find(|user| graph.node[**user].is("Reshape"))?;
        let others = users.iter().all(|user| *user == last || graph.node[*user].is("Shape"));
        (others && self.joins(&graph.node[last])).then(|| (last, graph.node[last].output_name(0).to_owned()))
    }

    /// Whether the target shape has three entries: `[batch, length, heads x size]`.
    fn joins(&self, reshape: &NodeProto) -> bool {
        let target = reshape.input_name(1);
        match self.view.constant(target) {
            Some(tensor) => tensor.dims == [3],
            None => self.view.producer(target).is_some_and(|node| node.is("Concat") && node.input.len() <= 3),
        }
    }
}
