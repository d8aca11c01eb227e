//! The `Quant` operator of QONNX, rewritten to standard pairs.
//!
//! Definition: <https://github.com/fastmachinelearning/qonnx/blob/main/docs/qonnx-custom-ops/quant_op.md>. Inputs
//! are value, scale, zero point and bit width; with `narrow` the lowest signed value is left out.

use docproc_error::{Error, ErrorCode, Result};

use super::file::{ElementType, Model, NodeProto, TensorProto, raw_tensor};
use super::graph::{GraphView, Names};

/// Replaces each `Quant` by `QuantizeLinear`, `Clip` where the range is smaller than the type's, and
/// `DequantizeLinear`.
///
/// # Errors
/// `onnx.invalid` for parameters that are not constant, more than 8 bits, or another rounding than to even.
pub fn expand(model: &mut Model) -> Result<()> {
    let quant = |node: &NodeProto| node.op_type() == "Quant" && !matches!(node.domain(), "" | "ai.onnx");
    if !model.graph().node.iter().any(quant) {
        return Ok(());
    }
    let mut names = Names::of(model.graph());
    let nodes = std::mem::take(&mut model.graph_mut().node);
    let mut expanded = Vec::with_capacity(nodes.len());
    let mut constants = Vec::new();
    {
        let view = GraphView::new(model.graph());
        for node in nodes {
            if quant(&node) {
                replace(model, &view, &node, &mut names, &mut expanded, &mut constants)?;
            } else {
                expanded.push(node);
            }
        }
    }
    let graph = model.graph_mut();
    graph.node = expanded;
    graph.initializer.extend(constants);
    Ok(())
}

fn replace(
    model: &Model,
    view: &GraphView<'_>,
    node: &NodeProto,
    names: &mut Names,
    nodes: &mut Vec<NodeProto>,
    constants: &mut Vec<TensorProto>,
) -> Result<()> {
    let refuse =
        |reason: String| Error::new(ErrorCode::OnnxInvalid, reason).part(format!("node {}", node.label()));
    let floats = |position: usize| -> Result<(Vec<f32>, Vec<i64>)> {
        match view.constant(node.input_name(position)) {
            Some(tensor) => Ok((model.floats(tensor)?, tensor.dims.clone())),
            None => Err(refuse(format!("input {position} of Quant is not a constant"))),
        }
    };
    let (scales, shape) = floats(1)?;
    let (zeros, _) = floats(2)?;
    let (bits, _) = floats(3)?;
    let signed = node.int("signed").unwrap_or(1) != 0;
    let narrow = node.int("narrow").unwrap_or(0) != 0;
    let rounding = node.attribute("rounding_mode").and_then(|mode| mode.s.clone()).unwrap_or_default();
    if !rounding.is_empty() && !rounding.eq_ignore_ascii_case(b"ROUND") {
        return Err(refuse(format!(
            "rounding mode {:?} cannot be folded",
            String::from_utf8_lossy(&rounding)
        )));
    }
    let width = match bits.as_slice() {
        [width] if (2.0..=8.0).contains(width) && width.fract() == 0.0 => *width as i32,
        _ => return Err(refuse(format!("bit width {bits:?}; 2 to 8 can be folded"))),
    };
    let (low, high) = match signed {
        true => (-(1 << (width - 1)) + i32::from(narrow), (1 << (width - 1)) - 1),
        false => (0, (1 << width) - 1 - i32::from(narrow)),
    };
    // Scales come in a shape that broadcasts against the value; the long axis, if there is one, is the channel's.
    let axis = shape.iter().position(|length| *length > 1);
    let element = if signed { ElementType::Int8 } else { ElementType::Uint8 };
    let byte = |value: i32| if signed { value as i8 as u8 } else { value as u8 };
    let zero_points: Vec<u8> = (0..scales.len())
        .map(|channel| {
            byte(zeros.get(channel).or(zeros.first()).map_or(0, |zero| zero.round_ties_even() as i32))
        })
        .collect();
    let parameter_dims = if axis.is_some() { vec![scales.len() as i64] } else { Vec::new() };
    let label = node.label().to_owned();
    let mut name = |part: &str| names.fresh(&format!("{label}_{part}"));
    let (scale, zero) = (name("scale"), name("zero_point"));
    let raw: Vec<u8> = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
    constants.push(raw_tensor(&scale, ElementType::Float, parameter_dims.clone(), raw));
    constants.push(raw_tensor(&zero, element, parameter_dims, zero_points));
    let with_axis = |call: NodeProto| match axis {
        Some(axis) => call.with_int("axis", axis as i64),
        None => call,
    };
    let mut values = name("quantized");
    nodes.push(with_axis(NodeProto::call(
        "QuantizeLinear",
        &name("QuantizeLinear"),
        &[node.input_name(0), &scale, &zero],
        &[&values],
    )));
    let whole = if signed { (-128, 127) } else { (0, 255) };
    if (low, high) != whole {
        let (lowest, highest, clipped) = (name("lowest"), name("highest"), name("clipped"));
        constants.push(raw_tensor(&lowest, element, Vec::new(), vec![byte(low)]));
        constants.push(raw_tensor(&highest, element, Vec::new(), vec![byte(high)]));
        nodes.push(NodeProto::call("Clip", &name("Clip"), &[&values, &lowest, &highest], &[&clipped]));
        values = clipped;
    }
    nodes.push(with_axis(NodeProto::call(
        "DequantizeLinear",
        &name("DequantizeLinear"),
        &[&values, &scale, &zero],
        &[node.output_name(0)],
    )));
    Ok(())
}
