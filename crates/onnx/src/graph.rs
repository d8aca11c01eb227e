//! A typed view of a graph: who makes a value, who uses it, what is constant; and small builders.

use std::collections::{HashMap, HashSet};

use super::file::{AttributeProto, GraphProto, NodeProto, TensorProto, attribute_type};

/// Indices into one graph. Built once, stale as soon as the graph changes.
pub struct GraphView<'a> {
    graph: &'a GraphProto,
    producers: HashMap<&'a str, usize>,
    consumers: HashMap<&'a str, Vec<usize>>,
    initializers: HashMap<&'a str, usize>,
    outputs: HashSet<&'a str>,
}

impl<'a> GraphView<'a> {
    /// Indexes `graph`. A node whose subgraph uses a value counts as a user of it.
    #[must_use]
    pub fn new(graph: &'a GraphProto) -> Self {
        let mut view = Self {
            graph,
            producers: HashMap::new(),
            consumers: HashMap::new(),
            initializers: HashMap::new(),
            outputs: graph.output.iter().map(|value| value.name()).collect(),
        };
        for (index, tensor) in graph.initializer.iter().enumerate() {
            view.initializers.insert(tensor.name(), index);
        }
        for (index, node) in graph.node.iter().enumerate() {
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                view.producers.insert(output, index);
            }
            for_each_use(node, &mut |name| view.consumers.entry(name).or_default().push(index));
        }
        view
    }

    /// The constant with this name. Names that are also graph inputs are defaults, not constants.
    #[must_use]
    pub fn constant(&self, name: &str) -> Option<&'a TensorProto> {
        let index = *self.initializers.get(name)?;
        let overridable = self.graph.input.iter().any(|input| input.name() == name);
        (!overridable).then(|| &self.graph.initializer[index])
    }

    /// The node that makes this value.
    #[must_use]
    pub fn producer(&self, name: &str) -> Option<&'a NodeProto> {
        self.producer_index(name).map(|index| &self.graph.node[index])
    }

    /// Position of the node that makes this value.
    #[must_use]
    pub fn producer_index(&self, name: &str) -> Option<usize> {
        self.producers.get(name).copied()
    }

    /// Positions of the nodes that use this value, once per use, ascending.
    #[must_use]
    pub fn consumers(&self, name: &str) -> &[usize] {
        self.consumers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The nodes that use this value, once per use; none for a value that leaves the graph.
    pub fn users(&self, name: &str) -> impl Iterator<Item = &'a NodeProto> + Clone {
        let users = if self.is_output(name) { &[] } else { self.consumers(name) };
        users.iter().map(|index| &self.graph.node[*index])
    }

    /// Whether the value leaves the graph.
    #[must_use]
    pub fn is_output(&self, name: &str) -> bool {
        self.outputs.contains(name)
    }
}

/// Calls `visit` with every value that a node uses, those captured by its subgraphs included.
pub fn for_each_use<'a>(node: &'a NodeProto, visit: &mut dyn FnMut(&'a str)) {
    for name in node.input.iter().filter(|name| !name.is_empty()) {
        visit(name);
    }
    for graph in subgraphs(node) {
        for_each_capture(graph, visit);
    }
}

/// Calls `visit` with every value that a subgraph takes from outside.
fn for_each_capture<'a>(graph: &'a GraphProto, visit: &mut dyn FnMut(&'a str)) {
    let local: HashSet<&str> = graph
        .input
        .iter()
        .map(|value| value.name())
        .chain(graph.initializer.iter().map(|tensor| tensor.name()))
        .chain(graph.node.iter().flat_map(|node| node.output.iter().map(String::as_str)))
        .collect();
    for node in &graph.node {
        for_each_use(node, &mut |name| {
            if !local.contains(name) {
                visit(name);
            }
        });
    }
    for output in &graph.output {
        if !local.contains(output.name()) {
            visit(output.name());
        }
    }
}

/// The graphs in a node's attributes.
pub fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute
        .iter()
        .flat_map(|attribute| attribute.g.iter().map(|graph| &**graph).chain(&attribute.graphs))
}

/// Whether a node holds graphs (If, Loop, Scan).
#[must_use]
pub fn has_subgraph(node: &NodeProto) -> bool {
    subgraphs(node).next().is_some()
}

impl NodeProto {
    /// A call of an operator of the default domain.
    #[must_use]
    pub fn call(op_type: &str, name: &str, input: &[&str], output: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            op_type: Some(op_type.to_owned()),
            name: Some(name.to_owned()),
            input: owned(input),
            output: owned(output),
            ..Self::default()
        }
    }

    /// The same in another domain.
    #[must_use]
    pub fn in_domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.to_owned());
        self
    }

    /// Sets an integer attribute.
    #[must_use]
    pub fn with_int(mut self, name: &str, value: i64) -> Self {
        self.set_attribute(AttributeProto {
            name: Some(name.to_owned()),
            r#type: Some(attribute_type::INT),
            i: Some(value),
            ..AttributeProto::default()
        });
        self
    }

    /// Sets a float attribute.
    #[must_use]
    pub fn with_float(mut self, name: &str, value: f32) -> Self {
        self.set_attribute(AttributeProto {
            name: Some(name.to_owned()),
            r#type: Some(attribute_type::FLOAT),
            f: Some(value),
            ..AttributeProto::default()
        });
        self
    }

    fn set_attribute(&mut self, attribute: AttributeProto) {
        self.attribute.retain(|other| other.name() != attribute.name());
        self.attribute.push(attribute);
    }

    /// The attribute with this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name() == name)
    }

    /// An integer attribute.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name).and_then(|attribute| attribute.i)
    }

    /// A float attribute.
    #[must_use]
    pub fn float(&self, name: &str) -> Option<f32> {
        self.attribute(name).and_then(|attribute| attribute.f)
    }

    /// An attribute that is a list of integers.
    #[must_use]
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// Whether this is `op_type` of the default domain.
    #[must_use]
    pub fn is(&self, op_type: &str) -> bool {
        self.op_type() == op_type && matches!(self.domain(), "" | "ai.onnx")
    }

    /// The input at `index`; empty if it is omitted.
    #[must_use]
    pub fn input_name(&self, index: usize) -> &str {
        self.input.get(index).map_or("", String::as_str)
    }

    /// The output at `index`; empty if it is omitted.
    #[must_use]
    pub fn output_name(&self, index: usize) -> &str {
        self.output.get(index).map_or("", String::as_str)
    }

    /// What to call this node in a report: its name, or its first output if it has none.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.name().is_empty() { self.output_name(0) } else { self.name() }
    }
}

/// Hands out names that nothing in the graph has.
pub struct Names(HashSet<String>);

impl Names {
    /// Collects every value and node name, those of subgraphs included.
    #[must_use]
    pub fn of(graph: &GraphProto) -> Self {
        let mut names = HashSet::new();
        collect(graph, &mut names);
        Self(names)
    }

    /// `wanted`, or `wanted` with a number if that is taken.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut count = 1;
        while !self.0.insert(name.clone()) {
            name = format!("{wanted}_{count}");
            count += 1;
        }
        name
    }
}

fn collect(graph: &GraphProto, names: &mut HashSet<String>) {
    let values = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
    names.extend(values.map(|value| value.name().to_owned()));
    names.extend(graph.initializer.iter().map(|tensor| tensor.name().to_owned()));
    for node in &graph.node {
        names.insert(node.name().to_owned());
        names.extend(node.input.iter().chain(&node.output).cloned());
        for inner in subgraphs(node) {
            collect(inner, names);
        }
    }
}

/// Renames what a node uses, inside its subgraphs too. ONNX forbids subgraphs to redefine outer names.
pub fn rename_uses(node: &mut NodeProto, renamed: &HashMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    for name in &mut node.input {
        if let Some(other) = renamed.get(name) {
            name.clone_from(other);
        }
    }
    for attribute in &mut node.attribute {
        for graph in attribute.g.iter_mut().map(|graph| &mut **graph).chain(&mut attribute.graphs) {
            graph.node.iter_mut().for_each(|inner| rename_uses(inner, renamed));
            for output in &mut graph.output {
                if let Some(other) = renamed.get(output.name()) {
                    output.name = Some(other.clone());
                }
            }
        }
    }
}

/// Removes nodes whose results nobody uses, then constants and value infos that nothing refers to. Graph inputs
/// and outputs stay. Returns the number of nodes removed.
pub fn remove_dead(graph: &mut GraphProto) -> usize {
    let before = graph.node.len();
    let mut used: HashSet<String> = graph.output.iter().map(|value| value.name().to_owned()).collect();
    let mut live = vec![false; before];
    for (index, node) in graph.node.iter().enumerate().rev() {
        if node.output.is_empty() || node.output.iter().any(|name| used.contains(name)) {
            live[index] = true;
            for_each_use(node, &mut |name| {
                used.insert(name.to_owned());
            });
        }
    }
    let mut kept = live.iter();
    graph.node.retain(|_| *kept.next().unwrap_or(&true));
    graph.initializer.retain(|tensor| used.contains(tensor.name()));
    graph
        .sparse_initializer
        .retain(|sparse| sparse.values.as_ref().is_none_or(|values| used.contains(values.name())));
    let made: HashSet<&str> =
        graph.node.iter().flat_map(|node| node.output.iter().map(String::as_str)).collect();
    graph.value_info.retain(|value| made.contains(value.name()) || used.contains(value.name()));
    before - graph.node.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{ValueInfoProto, scalar_tensor};

    fn graph() -> GraphProto {
        GraphProto {
            node: vec![
                NodeProto::call("Relu", "a", &["x"], &["h"]),
                NodeProto::call("Mul", "b", &["h", "two"], &["y"]),
                NodeProto::call("Neg", "dead", &["h"], &["unused"]),
            ],
            initializer: vec![scalar_tensor("two", 2.0), scalar_tensor("orphan", 1.0)],
            output: vec![ValueInfoProto { name: Some("y".into()), ..Default::default() }],
            ..Default::default()
        }
    }

    #[test]
    fn dead_parts_go_and_live_ones_stay() {
        let mut graph = graph();
        assert_eq!(remove_dead(&mut graph), 1);
        assert_eq!(graph.node.len(), 2);
        assert_eq!(graph.initializer.len(), 1);
    }

    #[test]
    fn captured_values_count_as_used() {
        let mut graph = graph();
        let body = GraphProto {
            node: vec![NodeProto::call("Neg", "inner", &["unused"], &["z"])],
            output: vec![ValueInfoProto { name: Some("z".into()), ..Default::default() }],
            ..Default::default()
        };
        let mut branch = NodeProto::call("If", "if", &["y"], &["result"]);
        branch.attribute.push(AttributeProto {
            name: Some("then_branch".into()),
            r#type: Some(attribute_type::GRAPH),
            g: Some(Box::new(body)),
            ..Default::default()
        });
        graph.node.push(branch);
        graph.output[0].name = Some("result".into());
        assert_eq!(remove_dead(&mut graph), 0);
        let view = GraphView::new(&graph);
        assert_eq!(view.consumers("unused"), [3]);
    }

    #[test]
    fn names_never_collide() {
        let mut names = Names::of(&graph());
        assert_eq!(names.fresh("h"), "h_1");
        assert_eq!(names.fresh("h"), "h_2");
        assert_eq!(names.fresh("new"), "new");
    }
}
