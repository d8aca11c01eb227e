//! Which matrix products and embedding tables can be quantised, and why the others cannot.

use super::file::{ElementType, GraphProto, NodeProto, TensorProto};
use super::graph::GraphView;
use super::options::QuantizeOptions;
use super::report::{LayerChoice, LayerPrecision};

/// Tables smaller than this are not worth eight bits: relative-position biases are, besides, sensitive.
const MIN_TABLE: usize = 4096;

/// A product with a constant right side that can be quantised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Position of the node.
    pub node: usize,
    /// The node's name in reports.
    pub label: String,
    /// Name of the constant, in the form in which it is stored.
    pub weight: String,
    /// The product uses the constant's transpose.
    pub transposed: bool,
    /// Rows of the matrix as the product uses it (the length that is summed over).
    pub rows: usize,
    /// Columns of the matrix as the product uses it (output channels).
    pub columns: usize,
}

/// The candidates in the order of nodes, and the products with constants that stay in float, with the reason.
pub fn candidates(graph: &GraphProto, options: &QuantizeOptions) -> (Vec<Candidate>, Vec<LayerChoice>) {
    let view = GraphView::new(graph);
    let (mut chosen, mut kept) = (Vec::new(), Vec::new());
    for (index, node) in graph.node.iter().enumerate() {
        if !(node.is("MatMul") || node.is("Gemm")) {
            continue;
        }
        let Some((tensor, flipped)) = matrix(&view, node.input_name(1)) else { continue };
        let transposed = flipped != (node.is("Gemm") && node.int("transB").unwrap_or(0) != 0);
        let refusal = if !options.selects(node.label(), tensor.name()) {
            Some("excluded by pattern")
        } else {
            obstacle(node, tensor)
        };
        let dims: Vec<usize> = tensor.dims.iter().map(|dim| usize::try_from(*dim).unwrap_or(0)).collect();
        match (refusal, dims.as_slice()) {
            (None, &[first, second]) => {
                let (rows, columns) = if transposed { (second, first) } else { (first, second) };
                chosen.push(Candidate {
                    node: index,
                    label: node.label().to_owned(),
                    weight: tensor.name().to_owned(),
                    transposed,
                    rows,
                    columns,
                });
            }
            (refusal, _) => kept.push(LayerChoice {
                node: node.label().to_owned(),
                weight: tensor.name().to_owned(),
                shape: tensor.dims.clone(),
                precision: LayerPrecision::Float32,
                reason: Some(refusal.unwrap_or("not a matrix").to_owned()),
                cosine: None,
            }),
        }
    }
    (chosen, kept)
}

/// The constant behind a value, through transposition; the flag says whether it is transposed.
fn matrix<'a>(view: &GraphView<'a>, name: &str) -> Option<(&'a TensorProto, bool)> {
    let (mut name, mut flipped) = (name.to_owned(), false);
    // Exporters chain at most a few of these; the bound keeps a cyclic (invalid) graph from looping.
    for _ in 0..8 {
        if let Some(tensor) = view.constant(&name) {
            return Some((tensor, flipped));
        }
        let node = view.producer(&name)?;
        if node.is("Transpose") {
            // Without the attribute all axes are reversed, which for a matrix is the same.
            if node.ints("perm").is_some_and(|perm| perm != [1, 0]) {
                return None;
            }
            flipped = !flipped;
        } else if !node.is("Identity") {
            return None;
        }
        name = node.input_name(0).to_owned();
    }
    None
}

fn obstacle(node: &NodeProto, weight: &TensorProto) -> Option<&'static str> {
    if weight.element_type() != Some(ElementType::Float) {
        return Some("weight is not float32");
    }
    if weight.dims.len() != 2 {
        return Some("weight is not a matrix");
    }
    let plain = node.int("transA").unwrap_or(0) == 0
        && node.float("alpha").unwrap_or(1.0) == 1.0
        && node.float("beta").unwrap_or(1.0) == 1.0;
    (!plain).then_some("Gemm with a scaled or transposed left side")
}

/// An embedding table: a constant whose only users gather rows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Name of the constant.
    pub weight: String,
    /// Positions of the Gather nodes.
    pub nodes: Vec<usize>,
    /// Length of a row.
    pub columns: usize,
}

/// The embedding tables worth quantising, in the order of constants.
pub fn tables(graph: &GraphProto, options: &QuantizeOptions) -> Vec<Table> {
    let view = GraphView::new(graph);
    let mut tables = Vec::new();
    for tensor in &graph.initializer {
        let nodes = view.consumers(tensor.name());
        let gathers = |index: &usize| {
            let node = &graph.node[*index];
            node.is("Gather") && node.int("axis").unwrap_or(0) == 0 && node.input_name(0) == tensor.name()
        };
        let [_, columns] = tensor.dims[..] else { continue };
        if tensor.element_type() == Some(ElementType::Float)
            && tensor.element_count().is_ok_and(|count| count >= MIN_TABLE)
            && view.constant(tensor.name()).is_some()
            && !view.is_output(tensor.name())
            && !nodes.is_empty()
            && nodes.iter().all(gathers)
            && nodes.iter().all(|index| options.selects(graph.node[*index].label(), tensor.name()))
        {
            tables.push(Table {
                weight: tensor.name().to_owned(),
                nodes: nodes.to_vec(),
                columns: usize::try_from(columns).unwrap_or(1),
            });
        }
    }
    tables
}
