//! Rewrites matrix products to eight bits: s8 weights, u8 activations.
//!
//! The signs are a matter of speed, not of taste: on AVX-512 VNNI ONNX Runtime multiplies u8 by s8 at 1,240 GOP/s,
//! u8 by u8 at 320 and s8 by s8 at 57 (float32: 310 GFLOP/s), because `vpdpbusd` takes exactly this pair.
//!
//! Nothing but standard operators is written. ONNX Runtime fuses `DynamicQuantizeLinear`, `MatMulInteger`, `Cast`
//! and `Mul` to `DynamicQuantizeMatMul`, and `DequantizeLinear` pairs before `MatMul` to `MatMulIntegerToFloat`.

use std::collections::BTreeMap;

use docproc_error::{Error, ErrorCode, Result};

use super::file::{ElementType, Model, NodeProto, float_tensor, raw_tensor};
use super::graph::{Names, remove_dead};
use super::options::QuantizeOptions;
use super::report::{LayerChoice, LayerPrecision};
use super::select::{Candidate, Table};
use super::weights::{Quantized, quantize_matrix, transpose};

/// Scale and zero point of an activation: `x = scale (q - zero_point)`, `q` from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationScale {
    /// Step, positive.
    pub scale: f32,
    /// What stands for zero.
    pub zero_point: u8,
}

/// Where activations get their scale from.
pub enum Activations<'a> {
    /// Computed at run time for the whole tensor.
    Dynamic,
    /// Fixed, by name of the value. A product whose input has none stays in float.
    Static(&'a BTreeMap<String, ActivationScale>),
}

impl Activations<'_> {
    /// Operator set in which everything written here exists.
    fn min_opset(&self) -> i64 {
        match self {
            Self::Dynamic => 11,
            Self::Static(_) => 13,
        }
    }
}

/// Names of a weight's three constants.
#[derive(Clone)]
struct WeightNames {
    values: String,
    scale: String,
    zero_point: String,
}

/// Quantises the products of `candidates` in place and returns the decision about each.
///
/// # Errors
/// `onnx.invalid` for unreadable weights or an operator set before 11 (dynamic) or 13 (static).
pub fn quantize_products(
    model: &mut Model,
    candidates: &[Candidate],
    options: &QuantizeOptions,
    activations: &Activations<'_>,
) -> Result<Vec<LayerChoice>> {
    if !candidates.is_empty() && model.opset() < activations.min_opset() {
        return Err(Error::new(
            ErrorCode::OnnxInvalid,
            format!(
                "the model uses operator set {}; this mode needs {}",
                model.opset(),
                activations.min_opset()
            ),
        )
        .help("export the model again with opset 17"));
    }
    let mut work =
        Work { names: Names::of(model.graph()), weights: BTreeMap::new(), inputs: BTreeMap::new() };
    let mut users: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for candidate in candidates {
        *users.entry((candidate.weight.as_str(), candidate.transposed)).or_default() += 1;
    }
    let by_node: BTreeMap<usize, &Candidate> =
        candidates.iter().map(|candidate| (candidate.node, candidate)).collect();
    let mut choices = Vec::with_capacity(candidates.len());
    let nodes = std::mem::take(&mut model.graph_mut().node);
    let mut rewritten = Vec::with_capacity(nodes.len() + 4 * candidates.len());
    for (index, node) in nodes.into_iter().enumerate() {
        let Some(candidate) = by_node.get(&index) else {
            rewritten.push(node);
            continue;
        };
        // On processors without VNNI ONNX Runtime makes an unsigned copy of each product's weight, under one name, so
        // that a graph in which two products share it does not load. It leaves alone what cannot saturate: seven bits.
        let shared = users[&(candidate.weight.as_str(), candidate.transposed)] > 1;
        let refusal = match activations {
            Activations::Static(scales) if !scales.contains_key(node.input_name(0)) => {
                Some("its input was not seen in calibration")
            }
            _ => work.weight(model, candidate, options.per_channel, options.reduce_range || shared)?,
        };
        choices.push(choice(model, candidate, refusal, shared && !options.reduce_range));
        if refusal.is_some() {
            rewritten.push(node);
            continue;
        }
        match activations {
            Activations::Dynamic => work.dynamic(&mut rewritten, node, candidate),
            Activations::Static(scales) => work.fixed(model, &mut rewritten, node, candidate, scales),
        }
    }
    model.graph_mut().node = rewritten;
    remove_dead(model.graph_mut());
    Ok(choices)
}

struct Work {
    names: Names,
    /// By name and orientation: several products may share a constant.
    weights: BTreeMap<(String, bool), WeightNames>,
    /// Quantised form of an activation by its name: values, scale, zero point; or the dequantised value.
    inputs: BTreeMap<String, [String; 3]>,
}

impl Work {
    /// Adds the quantised constant of a candidate, once. Returns why it cannot be quantised, if so.
    fn weight(
        &mut self,
        model: &mut Model,
        candidate: &Candidate,
        per_channel: bool,
        reduce_range: bool,
    ) -> Result<Option<&'static str>> {
        let key = (candidate.weight.clone(), candidate.transposed);
        if self.weights.contains_key(&key) {
            return Ok(None);
        }
        let Some(tensor) = model.graph().initializer.iter().find(|tensor| tensor.name() == candidate.weight)
        else {
            return Ok(Some("weight is not a constant"));
        };
        let mut values = model.floats(tensor)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Ok(Some("weight has values that are not finite"));
        }
        if candidate.transposed {
            values = transpose(&values, candidate.columns, candidate.rows);
        }
        let quantized = quantize_matrix(&values, candidate.columns, per_channel, reduce_range);
        let base = match candidate.transposed {
            true => format!("{}_Transposed", candidate.weight),
            false => candidate.weight.clone(),
        };
        let dims = vec![candidate.rows as i64, candidate.columns as i64];
        let names = self.store(model, &base, dims, quantized);
        self.weights.insert(key, names);
        Ok(None)
    }

    fn store(&mut self, model: &mut Model, base: &str, dims: Vec<i64>, quantized: Quantized) -> WeightNames {
        let names = WeightNames {
            values: self.names.fresh(&format!("{base}_quantized")),
            scale: self.names.fresh(&format!("{base}_scale")),
            zero_point: self.names.fresh(&format!("{base}_zero_point")),
        };
        let channels = quantized.scales.len();
        // A single scale is a scalar; one per channel is a vector.
        let scale_dims = if channels == 1 { Vec::new() } else { vec![channels as i64] };
        let values: Vec<u8> = quantized.values.into_iter().map(|value| value as u8).collect();
        model.graph_mut().initializer.extend([
            float_tensor(&names.scale, scale_dims.clone(), &quantized.scales),
            raw_tensor(&names.zero_point, ElementType::Int8, scale_dims, vec![0u8; channels]),
            raw_tensor(&names.values, ElementType::Int8, dims, values),
        ]);
        names
    }

    fn dynamic(&mut self, nodes: &mut Vec<NodeProto>, node: NodeProto, candidate: &Candidate) {
        let weight = self.weights[&(candidate.weight.clone(), candidate.transposed)].clone();
        let input = node.input_name(0).to_owned();
        if !self.inputs.contains_key(&input) {
            let made =
                ["quantized", "scale", "zero_point"].map(|part| self.names.fresh(&format!("{input}_{part}")));
            let name = self.names.fresh(&format!("{input}_QuantizeLinear"));
            let [values, scale, zero_point] = &made;
            nodes.push(NodeProto::call(
                "DynamicQuantizeLinear",
                &name,
                &[&input],
                &[values, scale, zero_point],
            ));
            self.inputs.insert(input.clone(), made);
        }
        let [values, scale, zero_point] = self.inputs[&input].clone();
        let label = candidate.label.as_str();
        let mut name = |part: &str| self.names.fresh(&format!("{label}_{part}"));
        let (sum, float, scales) = (name("quant_sum"), name("quant_float"), name("quant_scales"));
        let (sum_node, cast_node) = (name("quant"), name("quant_cast"));
        let (scales_node, mul_node) = (name("quant_scales_mul"), name("quant_output_scale_mul"));
        let result = self.product_output(&node);
        nodes.extend([
            NodeProto::call(
                "MatMulInteger",
                &sum_node,
                &[&values, &weight.values, &zero_point, &weight.zero_point],
                &[&sum],
            ),
            NodeProto::call("Cast", &cast_node, &[&sum], &[&float])
                .with_int("to", ElementType::Float.number().into()),
            NodeProto::call("Mul", &scales_node, &[&scale, &weight.scale], &[&scales]),
            NodeProto::call("Mul", &mul_node, &[&float, &scales], &[&result]),
        ]);
        self.add_bias(nodes, &node, &result);
    }

    fn fixed(
        &mut self,
        model: &mut Model,
        nodes: &mut Vec<NodeProto>,
        node: NodeProto,
        candidate: &Candidate,
        scales: &BTreeMap<String, ActivationScale>,
    ) {
        let weight = self.weights[&(candidate.weight.clone(), candidate.transposed)].clone();
        let input = node.input_name(0).to_owned();
        if !self.inputs.contains_key(&input) {
            let ActivationScale { scale, zero_point } = scales[&input];
            let made = ["scale", "zero_point", "dequantized"]
                .map(|part| self.names.fresh(&format!("{input}_{part}")));
            let [scale_name, zero_name, back] = &made;
            model.graph_mut().initializer.extend([
                float_tensor(scale_name, Vec::new(), &[scale]),
                raw_tensor(zero_name, ElementType::Uint8, Vec::new(), vec![zero_point]),
            ]);
            let values = self.names.fresh(&format!("{input}_quantized"));
            let to = self.names.fresh(&format!("{input}_QuantizeLinear"));
            let from = self.names.fresh(&format!("{input}_DequantizeLinear"));
            nodes.extend([
                NodeProto::call("QuantizeLinear", &to, &[&input, scale_name, zero_name], &[&values]),
                NodeProto::call("DequantizeLinear", &from, &[&values, scale_name, zero_name], &[back]),
            ]);
            self.inputs.insert(input.clone(), made);
        }
        let back = self.inputs[&input][2].clone();
        let label = candidate.label.as_str();
        let float = self.names.fresh(&format!("{label}_weight_dequantized"));
        let dequantize = self.names.fresh(&format!("{label}_weight_DequantizeLinear"));
        let product = self.names.fresh(&format!("{label}_quant"));
        let result = self.product_output(&node);
        nodes.extend([
            NodeProto::call(
                "DequantizeLinear",
                &dequantize,
                &[&weight.values, &weight.scale, &weight.zero_point],
                &[&float],
            )
            .with_int("axis", 1),
            NodeProto::call("MatMul", &product, &[&back, &float], &[&result]),
        ]);
        self.add_bias(nodes, &node, &result);
    }

    /// Where the bare product goes: the node's output, or a value before the bias is added.
    fn product_output(&mut self, node: &NodeProto) -> String {
        match node.input_name(2) {
            "" => node.output_name(0).to_owned(),
            _ => self.names.fresh(&format!("{}_MatMul", node.output_name(0))),
        }
    }

    fn add_bias(&mut self, nodes: &mut Vec<NodeProto>, node: &NodeProto, product: &str) {
        let bias = node.input_name(2);
        if !bias.is_empty() {
            let name = self.names.fresh(&format!("{}_Add", node.label()));
            nodes.push(NodeProto::call("Add", &name, &[product, bias], &[node.output_name(0)]));
        }
    }
}

/// Quantises embedding tables to 8 bits with one scale per column: rows are gathered as bytes and scaled after.
/// Per column because a few outlier dimensions, the same in every row, dominate the ranges of BERT-like tables.
///
/// # Errors
/// `onnx.invalid` for unreadable tables or an operator set before 13.
pub fn quantize_tables(
    model: &mut Model,
    tables: &[Table],
    options: &QuantizeOptions,
) -> Result<Vec<LayerChoice>> {
    if !tables.is_empty() && model.opset() < 13 {
        return Err(Error::new(ErrorCode::OnnxInvalid, "quantised embeddings need operator set 13")
            .help("export the model again with opset 17"));
    }
    let mut work =
        Work { names: Names::of(model.graph()), weights: BTreeMap::new(), inputs: BTreeMap::new() };
    let mut choices = Vec::new();
    let mut gathers: BTreeMap<usize, WeightNames> = BTreeMap::new();
    for table in tables {
        let Some(tensor) = model.graph().initializer.iter().find(|tensor| tensor.name() == table.weight)
        else {
            continue;
        };
        let (dims, values) = (tensor.dims.clone(), model.floats(tensor)?);
        let finite = values.iter().all(|value| value.is_finite());
        choices.push(LayerChoice {
            node: model.graph().node[table.nodes[0]].label().to_owned(),
            weight: table.weight.clone(),
            shape: dims.clone(),
            precision: if finite { LayerPrecision::Int8 } else { LayerPrecision::Float32 },
            reason: (!finite).then(|| "table has values that are not finite".to_owned()),
            cosine: None,
        });
        if finite {
            let quantized = quantize_matrix(&values, table.columns, options.per_channel, false);
            let names = work.store(model, &table.weight, dims, quantized);
            gathers.extend(table.nodes.iter().map(|index| (*index, names.clone())));
        }
    }
    let nodes = std::mem::take(&mut model.graph_mut().node);
    for (index, mut node) in nodes.into_iter().enumerate() {
        if let Some(names) = gathers.get(&index) {
            let rows = work.names.fresh(&format!("{}_quantized", node.output_name(0)));
            let name = work.names.fresh(&format!("{}_DequantizeLinear", node.label()));
            let scale = NodeProto::call(
                "DequantizeLinear",
                &name,
                &[&rows, &names.scale, &names.zero_point],
                &[node.output_name(0)],
            )
            .with_int("axis", -1);
            node.input[0] = names.values.clone();
            node.output[0] = rows;
            model.graph_mut().node.extend([node, scale]);
        } else {
            model.graph_mut().node.push(node);
        }
    }
    remove_dead(model.graph_mut());
    Ok(choices)
}

fn choice(model: &Model, candidate: &Candidate, refusal: Option<&str>, seven_bits: bool) -> LayerChoice {
    let shape = model
        .graph()
        .initializer
        .iter()
        .find(|tensor| tensor.name() == candidate.weight)
        .map(|tensor| tensor.dims.clone())
        .unwrap_or_default();
    LayerChoice {
        node: candidate.label.clone(),
        weight: candidate.weight.clone(),
        shape,
        precision: if refusal.is_some() { LayerPrecision::Float32 } else { LayerPrecision::Int8 },
        reason: refusal.or(seven_bits.then_some("seven bits: several products share it")).map(str::to_owned),
        cosine: None,
    }
}
