//! Element types of values, propagated through the graph where the file does not state them.

use std::collections::HashMap;

use super::file::{ElementType, GraphProto, NodeProto, TypeProto, TypeValue, ValueInfoProto};

/// Element type by name of value. Values of operators that this does not know, and of subgraphs, have none.
#[must_use]
pub fn element_types(graph: &GraphProto) -> HashMap<String, ElementType> {
    let mut types = HashMap::new();
    for value in graph.value_info.iter().chain(&graph.output).chain(&graph.input) {
        if let Some(element) = declared(value) {
            types.insert(value.name().to_owned(), element);
        }
    }
    for tensor in &graph.initializer {
        if let Some(element) = tensor.element_type() {
            types.insert(tensor.name().to_owned(), element);
        }
    }
    for node in &graph.node {
        for (index, output) in node.output.iter().enumerate() {
            if !output.is_empty()
                && !types.contains_key(output)
                && let Some(element) = result(node, index, &types)
            {
                types.insert(output.clone(), element);
            }
        }
    }
    types
}

/// The tensor element type that a value info states.
#[must_use]
pub fn declared(value: &ValueInfoProto) -> Option<ElementType> {
    match value.r#type.as_ref() {
        Some(TypeProto { value: Some(TypeValue::Tensor(tensor)), .. }) => {
            ElementType::from_number(tensor.elem_type())
        }
        _ => None,
    }
}

/// Type of one output, by the operator's definition; most give what they take first.
fn result(node: &NodeProto, index: usize, types: &HashMap<String, ElementType>) -> Option<ElementType> {
    use ElementType as T;
    let input = |position: usize| types.get(node.input_name(position)).copied();
    let attribute =
        |name: &str| node.int(name).and_then(|number| T::from_number(i32::try_from(number).ok()?));
    let constant =
        || node.attribute("value").and_then(|value| value.t.as_ref()).and_then(|t| t.element_type());
    match (node.op_type(), index) {
        ("Cast", _) => attribute("to"),
        ("CastLike", _) | ("Where", _) => input(1),
        ("OneHot", _) => input(2),
        ("Shape" | "Size" | "ArgMax" | "ArgMin" | "NonZero", _) | ("TopK" | "MaxPool" | "Unique", 1..) => {
            Some(T::Int64)
        }
        (
            "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" | "And" | "Or" | "Not" | "Xor"
            | "IsNaN" | "IsInf",
            _,
        )
        | ("Dropout", 1) => Some(T::Bool),
        ("Constant", _) => constant().or_else(|| {
            let given = node.attribute.first()?;
            match given.name() {
                "value_float" | "value_floats" => Some(T::Float),
                "value_int" | "value_ints" => Some(T::Int64),
                _ => None,
            }
        }),
        ("ConstantOfShape", _) => constant().or(Some(T::Float)),
        ("DynamicQuantizeLinear", 1) => Some(T::Float),
        ("DynamicQuantizeLinear", _) => Some(T::Uint8),
        ("QuantizeLinear", _) => input(2).or_else(|| attribute("output_dtype")).or(Some(T::Uint8)),
        ("DequantizeLinear", _) => input(1),
        ("MatMulInteger" | "ConvInteger", _) => Some(T::Int32),
        ("RandomNormal" | "RandomUniform", _) => attribute("dtype").or(Some(T::Float)),
        ("RandomNormalLike" | "RandomUniformLike" | "EyeLike", _) => attribute("dtype").or_else(|| input(0)),
        ("Multinomial", _) => attribute("dtype").or(Some(T::Int32)),
        (
            "If" | "Loop" | "Scan" | "SequenceAt" | "SplitToSequence" | "ConcatFromSequence" | "Optional",
            _,
        ) => None,
        _ if matches!(node.domain(), "" | "ai.onnx" | "com.microsoft") => input(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{integer_tensor, scalar_tensor};

    #[test]
    fn types_flow_through_operators() {
        let graph = GraphProto {
            initializer: vec![scalar_tensor("x", 1.0), integer_tensor("i", vec![1], &[0])],
            node: vec![
                NodeProto::call("Gather", "", &["x", "i"], &["g"]),
                NodeProto::call("Shape", "", &["g"], &["s"]),
                NodeProto::call("Greater", "", &["g", "x"], &["b"]),
                NodeProto::call("Where", "", &["b", "g", "x"], &["w"]),
                NodeProto::call("Cast", "", &["w"], &["c"]).with_int("to", 7),
                NodeProto::call("Custom", "", &["w"], &["u"]).in_domain("example"),
            ],
            ..Default::default()
        };
        let types = element_types(&graph);
        assert_eq!(types["g"], ElementType::Float);
        assert_eq!(types["s"], ElementType::Int64);
        assert_eq!(types["b"], ElementType::Bool);
        assert_eq!(types["w"], ElementType::Float);
        assert_eq!(types["c"], ElementType::Int64);
        assert!(!types.contains_key("u"));
    }
}
