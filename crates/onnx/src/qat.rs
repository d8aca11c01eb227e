//! Folds models trained with fake quantisation: learned scales stay, weights become real bytes.
//!
//! Understood are pairs of `QuantizeLinear` and `DequantizeLinear` with or without a `Clip` between, as PyTorch
//! exports its FakeQuantize modules, and the `Quant` operator of QONNX (Brevitas). Weights become s8 constants in
//! the orientation in which they are multiplied; signed activations become unsigned, the same values 128 higher,
//! because u8 by s8 is the fast product (see [`super::eight_bit`]).

use std::collections::{BTreeMap, HashMap};

use docproc_error::{Error, ErrorCode, Result};

use super::file::{ElementType, Model, NodeProto, TensorProto, float_tensor, raw_tensor};
use super::graph::{GraphView, Names, remove_dead};
use super::options::QuantizeOptions;
use super::qonnx;
use super::report::{LayerChoice, LayerPrecision};
use super::weights::transpose;

/// Folds the main graph in place and returns the decision about each weight.
///
/// # Errors
/// `onnx.invalid` if the model holds no fake quantisation, or parameters that are unreadable or not 8 bits.
pub fn fold(model: &mut Model, options: &QuantizeOptions) -> Result<Vec<LayerChoice>> {
    qonnx::expand(model)?;
    if !model.graph().node.iter().any(|node| node.is("QuantizeLinear")) {
        return Err(Error::new(ErrorCode::OnnxInvalid, "the model holds no fake quantisation")
            .help("this mode is for models trained with it; use --mode dynamic or int8 for others"));
    }
    let weights = find_weights(model, options)?;
    let layers = place_weights(model, weights)?;
    shift_activations(model)?;
    remove_dead(model.graph_mut());
    Ok(layers)
}

/// A weight behind fake quantisation, in the orientation of the file.
struct FakeWeight {
    /// Position of the `DequantizeLinear`.
    node: usize,
    source: String,
    dims: Vec<i64>,
    /// Quantised values, signed, with the zero points subtracted as far as signs go.
    values: Vec<i8>,
    scales: Vec<f32>,
    zero_points: Vec<i8>,
    axis: usize,
}

/// `QuantizeLinear` (then `Clip`) then `DequantizeLinear` of a constant.
fn find_weights(model: &Model, options: &QuantizeOptions) -> Result<Vec<FakeWeight>> {
    let view = GraphView::new(model.graph());
    let mut found = Vec::new();
    for (index, node) in model.graph().node.iter().enumerate() {
        if !node.is("DequantizeLinear") {
            continue;
        }
        let Some(mut before) = view.producer(node.input_name(0)) else { continue };
        let mut limits = None;
        if before.is("Clip") {
            limits = Some(clip_limits(model, &view, before)?);
            let Some(quantizer) = view.producer(before.input_name(0)) else { continue };
            before = quantizer;
        }
        let Some(source) = view.constant(before.input_name(0)) else { continue };
        if !before.is("QuantizeLinear")
            || source.element_type() != Some(ElementType::Float)
            || !options.selects(node.label(), source.name())
        {
            continue;
        }
        let (scales, zero_points, unsigned) = parameters(model, &view, before)?;
        let axis = usize::try_from(axis_of(before, source.dims.len())).unwrap_or(0);
        let (low, high) = limits.unwrap_or(if unsigned { (0, 255) } else { (-128, 127) });
        let values = model.floats(source)?;
        let inner: usize = source.dims.iter().skip(axis + 1).map(|dim| *dim as usize).product();
        let channels = scales.len();
        if channels > 1 && source.dims.get(axis).copied() != Some(channels as i64) {
            return Err(
                source.invalid(format!("{channels} scales do not fit axis {axis} of {:?}", source.dims))
            );
        }
        let shift = if unsigned { 128 } else { 0 };
        let quantized = values
            .iter()
            .enumerate()
            .map(|(position, value)| {
                let channel = if channels == 1 { 0 } else { position / inner.max(1) % channels };
                let steps = (value / scales[channel]).round_ties_even() as i32;
                (steps.saturating_add(zero_points[channel]).clamp(low, high) - shift) as i8
            })
            .collect();
        found.push(FakeWeight {
            node: index,
            source: source.name().to_owned(),
            dims: source.dims.clone(),
            values: quantized,
            scales,
            zero_points: zero_points.iter().map(|zero| (zero - shift) as i8).collect(),
            axis,
        });
    }
    Ok(found)
}

/// Replaces the constants; a transposition between weight and product is done to the bytes, and a `Gemm` becomes
/// `MatMul` and `Add`, because ONNX Runtime fuses only a `DequantizeLinear` directly before the product.
fn place_weights(model: &mut Model, weights: Vec<FakeWeight>) -> Result<Vec<LayerChoice>> {
    let mut names = Names::of(model.graph());
    let mut layers = Vec::new();
    let mut before: BTreeMap<usize, Vec<NodeProto>> = BTreeMap::new();
    let mut replaced: HashMap<usize, Vec<NodeProto>> = HashMap::new();
    for weight in weights {
        let view = GraphView::new(model.graph());
        let node = &model.graph().node[weight.node];
        layers.push(LayerChoice {
            node: node.label().to_owned(),
            weight: weight.source.clone(),
            shape: weight.dims.clone(),
            precision: LayerPrecision::Int8,
            reason: None,
            cosine: None,
        });
        let output = node.output_name(0).to_owned();
        let users: Vec<usize> = view.consumers(&output).to_vec();
        let matrix = weight.dims.len() == 2 && !view.is_output(&output);
        let flips = matrix
            && !users.is_empty()
            && users.iter().all(|user| is_flip(&model.graph().node[*user], &output));
        let base = &weight.source;
        let scale_name = names.fresh(&format!("{base}_scale"));
        let zero_name = names.fresh(&format!("{base}_zero_point"));
        let value_name = names.fresh(&format!("{base}_quantized"));
        let channels = weight.scales.len();
        let parameter_dims = if channels == 1 { Vec::new() } else { vec![channels as i64] };
        let (mut dims, mut values, mut axis) = (weight.dims, weight.values, weight.axis as i64);
        let float = if flips {
            values = transpose(&values, dims[0] as usize, dims[1] as usize);
            dims.reverse();
            axis = 1 - axis;
            names.fresh(&format!("{output}_transposed"))
        } else {
            output.clone()
        };
        if flips {
            for user in &users {
                let user_node = &model.graph().node[*user];
                replaced.insert(*user, unflipped(user_node, &float, &mut names));
            }
        }
        let dequantize = NodeProto::call(
            "DequantizeLinear",
            &names.fresh(&format!("{base}_DequantizeLinear")),
            &[&value_name, &scale_name, &zero_name],
            &[&float],
        );
        let dequantize = if channels == 1 { dequantize } else { dequantize.with_int("axis", axis) };
        before.entry(weight.node).or_default().push(dequantize);
        let raw = |bytes: Vec<i8>| bytes.into_iter().map(|byte| byte as u8).collect::<Vec<u8>>();
        model.graph_mut().initializer.extend([
            float_tensor(&scale_name, parameter_dims.clone(), &weight.scales),
            raw_tensor(&zero_name, ElementType::Int8, parameter_dims, raw(weight.zero_points)),
            raw_tensor(&value_name, ElementType::Int8, dims, raw(values)),
        ]);
    }
    let nodes = std::mem::take(&mut model.graph_mut().node);
    for (index, node) in nodes.into_iter().enumerate() {
        match (before.remove(&index), replaced.remove(&index)) {
            (Some(dequantize), _) => model.graph_mut().node.extend(dequantize),
            (None, Some(others)) => model.graph_mut().node.extend(others),
            (None, None) => model.graph_mut().node.push(node),
        }
    }
    Ok(layers)
}

/// Whether this use of a matrix is its transposition.
fn is_flip(node: &NodeProto, value: &str) -> bool {
    if node.is("Transpose") {
        return node.ints("perm").is_none_or(|perm| perm == [1, 0]);
    }
    node.is("Gemm")
        && node.input_name(1) == value
        && node.input_name(0) != value
        && node.input_name(2) != value
        && node.int("transB").unwrap_or(0) != 0
        && node.int("transA").unwrap_or(0) == 0
        && node.float("alpha").unwrap_or(1.0) == 1.0
        && node.float("beta").unwrap_or(1.0) == 1.0
}

/// The same computation on the transposed matrix `float`.
fn unflipped(node: &NodeProto, float: &str, names: &mut Names) -> Vec<NodeProto> {
    if node.is("Transpose") {
        return vec![NodeProto::call("Identity", node.label(), &[float], &[node.output_name(0)])];
    }
    let bias = node.input_name(2);
    let product = match bias {
        "" => node.output_name(0).to_owned(),
        _ => names.fresh(&format!("{}_MatMul", node.output_name(0))),
    };
    let mut nodes = vec![NodeProto::call("MatMul", node.label(), &[node.input_name(0), float], &[&product])];
    if !bias.is_empty() {
        let name = names.fresh(&format!("{}_Add", node.label()));
        nodes.push(NodeProto::call("Add", &name, &[&product, bias], &[node.output_name(0)]));
    }
    nodes
}

/// Moves signed activations up by 128: zero points of 8-bit pairs that are not of weights.
fn shift_activations(model: &mut Model) -> Result<()> {
    let view = GraphView::new(model.graph());
    let mut signed: BTreeMap<String, Vec<i8>> = BTreeMap::new();
    let mut moves: Vec<usize> = Vec::new();
    for (index, node) in model.graph().node.iter().enumerate() {
        if !node.is("QuantizeLinear") {
            continue;
        }
        let users = view.consumers(node.output_name(0));
        let pairs = users.iter().all(|user| model.graph().node[*user].is("DequantizeLinear"));
        let Some(zero) = view.constant(node.input_name(2)) else { continue };
        if !pairs || users.is_empty() || view.is_output(node.output_name(0)) {
            continue;
        }
        if zero.element_type() == Some(ElementType::Int8) {
            let bytes = model.bytes(zero)?;
            signed.insert(zero.name().to_owned(), bytes.iter().map(|byte| *byte as i8).collect());
            moves.push(index);
            moves.extend(users);
        }
    }
    drop(view);
    let mut names = Names::of(model.graph());
    let mut renamed = HashMap::new();
    for (name, values) in signed {
        let Some(source) = model.graph().initializer.iter().find(|tensor| tensor.name() == name) else {
            continue;
        };
        let dims = source.dims.clone();
        let moved = names.fresh(&format!("{name}_unsigned"));
        let raw: Vec<u8> = values.iter().map(|zero| (i16::from(*zero) + 128) as u8).collect();
        model.graph_mut().initializer.push(raw_tensor(&moved, ElementType::Uint8, dims, raw));
        renamed.insert(name, moved);
    }
    for index in moves {
        let node = &mut model.graph_mut().node[index];
        if let Some(moved) = node.input.get(2).and_then(|name| renamed.get(name)) {
            node.input[2].clone_from(moved);
        }
        node.attribute.retain(|attribute| attribute.name() != "output_dtype");
    }
    Ok(())
}

/// Scales, zero points and whether they are unsigned.
fn parameters(model: &Model, view: &GraphView<'_>, node: &NodeProto) -> Result<(Vec<f32>, Vec<i32>, bool)> {
    let missing = || {
        Error::new(ErrorCode::OnnxInvalid, "quantisation parameters are not constant")
            .part(format!("node {}", node.label()))
    };
    let scales = model.floats(view.constant(node.input_name(1)).ok_or_else(missing)?)?;
    if scales.is_empty() || scales.iter().any(|scale| !scale.is_finite() || *scale <= 0.0) {
        return Err(Error::new(ErrorCode::OnnxInvalid, "a scale is not a positive number")
            .part(format!("node {}", node.label())));
    }
    let (zero_points, unsigned) = match node.input_name(2) {
        "" => (vec![0; scales.len()], true),
        name => zero_points(model, view.constant(name).ok_or_else(missing)?)?,
    };
    if zero_points.len() != scales.len() {
        return Err(Error::new(ErrorCode::OnnxInvalid, "scales and zero points differ in number")
            .part(format!("node {}", node.label())));
    }
    Ok((scales, zero_points, unsigned))
}

fn zero_points(model: &Model, tensor: &TensorProto) -> Result<(Vec<i32>, bool)> {
    let bytes = model.bytes(tensor)?;
    match tensor.element_type() {
        Some(ElementType::Int8) => Ok((bytes.iter().map(|byte| i32::from(*byte as i8)).collect(), false)),
        Some(ElementType::Uint8) => Ok((bytes.iter().map(|byte| i32::from(*byte)).collect(), true)),
        _ => Err(tensor.invalid("only 8-bit fake quantisation can be folded")),
    }
}

fn clip_limits(model: &Model, view: &GraphView<'_>, node: &NodeProto) -> Result<(i32, i32)> {
    let limit = |position: usize| -> Result<i32> {
        let tensor = view.constant(node.input_name(position)).ok_or_else(|| {
            Error::new(ErrorCode::OnnxInvalid, "clip limits are not constant")
                .part(format!("node {}", node.label()))
        })?;
        zero_points(model, tensor)?.0.first().copied().ok_or_else(|| tensor.invalid("no value"))
    };
    Ok((limit(1)?, limit(2)?))
}

fn axis_of(node: &NodeProto, rank: usize) -> i64 {
    let axis = node.int("axis").unwrap_or(1);
    if axis < 0 { axis + rank as i64 } else { axis }
}
