//! What half precision cannot hold: constants and values beyond its range, and the nodes that stay in float32 for it.

use std::collections::{BTreeMap, HashMap, HashSet};

use docproc_error::Result;

use super::file::{ElementType, Model, NodeProto, TensorProto};
use super::graph::GraphView;
use super::half;

/// Below this the steps of halves, 2^-24, are more than 0.8 % of a number: 2^-18.
const SMALL: f32 = 3.814_697_3e-6;

/// How values fail to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Some are above 65504.
    Large,
    /// Some are below -65504 and none above 65504: what masks are filled with.
    Filler,
    /// All are nearer to zero than [`SMALL`].
    Small,
}

impl Misfit {
    /// How finite values between these two fail, if they do.
    #[must_use]
    pub fn of(low: f32, high: f32) -> Option<Self> {
        let magnitude = high.max(-low);
        match (high > half::MAX, low < -half::MAX) {
            (true, _) => Some(Self::Large),
            (false, true) => Some(Self::Filler),
            _ => (magnitude > 0.0 && magnitude < SMALL).then_some(Self::Small),
        }
    }
}

/// Smallest and largest finite value, 0 among them.
#[must_use]
pub fn finite_range(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().filter(|value| value.is_finite());
    finite.fold((0.0, 0.0), |(low, high), value| (value.min(low), value.max(high)))
}

/// Operators that pass values on as they are: what does not fit before does not fit after.
const MOVES: [&str; 13] = [
    "Concat",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Pad",
    "Reshape",
    "Slice",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Constants and values that do not fit, by name.
pub struct Misfits {
    found: HashMap<String, Misfit>,
    strict: bool,
}

impl Misfits {
    /// Looks at every constant, and at what `seen` says about computed values: smallest and largest. `strict` keeps all
    /// that masks' fillers touch in float32.
    ///
    /// # Errors
    /// `onnx.invalid` or `input.unreadable` for unreadable constants.
    pub fn find(model: &Model, seen: &BTreeMap<String, (f32, f32)>, strict: bool) -> Result<Self> {
        let graph = model.graph();
        let mut found = HashMap::new();
        let floats = |tensor: &&TensorProto| tensor.element_type() == Some(ElementType::Float);
        for tensor in graph.initializer.iter().filter(floats) {
            let (low, high) = finite_range(&model.floats(tensor)?);
            found.extend(Misfit::of(low, high).map(|misfit| (tensor.name().to_owned(), misfit)));
        }
        found.extend(
            seen.iter().filter_map(|(name, (low, high))| Some((name.clone(), Misfit::of(*low, *high)?))),
        );
        for node in &graph.node {
            let of = |position: usize| found.get(node.input_name(position)).copied();
            let fill = match node.op_type() {
                "ConstantOfShape" => fill(node).and_then(|value| Misfit::of(value.min(0.0), value.max(0.0))),
                "Where" => [of(1), of(2)].into_iter().flatten().find(|misfit| *misfit == Misfit::Large),
                "Concat" => (0..node.input.len()).filter_map(of).find(|misfit| *misfit != Misfit::Small),
                operator if MOVES.contains(&operator) => of(0),
                _ => None,
            };
            found.extend(fill.map(|misfit| (node.output_name(0).to_owned(), misfit)));
        }
        Ok(Self { found, strict })
    }

    /// How this value fails to fit, if it does.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Misfit> {
        self.found.get(name).copied()
    }

    /// Whether half precision would change what this node means. Where a mask's filler is only chosen or compared, the
    /// lowest half serves as well as -3.4e38, and so does the largest as a bound of what cannot be larger.
    #[must_use]
    pub fn forbid(&self, view: &GraphView<'_>, node: &NodeProto) -> bool {
        let before_softmax = || {
            let users = view.users(node.output_name(0));
            users.clone().next().is_some() && users.clone().all(|user| user.is("Softmax"))
        };
        let chooses = match node.op_type() {
            "Where" | "Softmax" | "LogSoftmax" | "ReduceMax" | "ArgMax" => true,
            "Add" => before_softmax(),
            _ => false,
        };
        let multiplies = ["Mul", "Div", "MatMul", "Gemm"].contains(&node.op_type());
        let bound = |position: usize| node.is("Clip") && position > 0;
        let changes = |misfit: Option<Misfit>| match misfit {
            None => false,
            Some(Misfit::Large) => true,
            Some(Misfit::Filler) => self.strict || !chooses,
            Some(Misfit::Small) => multiplies,
        };
        node.input.iter().enumerate().any(|(position, name)| !bound(position) && changes(self.get(name)))
            || node.output.iter().any(|name| changes(self.get(name)))
    }

    /// Values that float32 nodes make and that may be beyond the range of halves.
    #[must_use]
    pub fn wide(&self, nodes: &[NodeProto], kept: &[bool]) -> HashSet<String> {
        let mut wide: HashSet<String> = HashSet::new();
        for (node, _) in nodes.iter().zip(kept).filter(|(_, kept)| **kept) {
            let beyond = |name: &String| wide.contains(name) || self.get(name).is_some();
            if node.input.iter().chain(&node.output).any(beyond) {
                wide.extend(node.output.iter().cloned());
            }
        }
        wide
    }
}

/// The value that a float `ConstantOfShape` fills with; absent, it is 0.
pub fn fill(node: &NodeProto) -> Option<f32> {
    let tensor = node.attribute("value")?.t.as_ref()?;
    let bytes = tensor.inline_bytes().ok().flatten()?;
    let value = bytes.first_chunk::<4>().map(|chunk| f32::from_le_bytes(*chunk));
    value.filter(|value| tensor.element_type() == Some(ElementType::Float) && value.is_finite())
}
