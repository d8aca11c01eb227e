//! Which layers cause the damage: every product is computed twice on the same float inputs, in float and in eight
//! bits, in one run of one model.

use std::collections::BTreeMap;
use std::path::Path;

use docproc_error::Result;

use super::agreement::cosine;
use super::calibrate::expose;
use super::eight_bit::{Activations, quantize_products};
use super::file::{self, Model};
use super::graph::Names;
use super::options::QuantizeOptions;
use super::runner::{ModelLoader, Tensors};
use super::select::Candidate;

/// Products probed in one model; bounds the memory for their outputs.
const GROUP: usize = 24;

/// Mean cosine similarity over `samples` of each candidate's own output with the float one, by label.
///
/// # Errors
/// As running and writing models.
pub fn layer_cosines(
    model: &Model,
    candidates: &[Candidate],
    options: &QuantizeOptions,
    activations: &Activations<'_>,
    samples: &[Tensors],
    loader: &dyn ModelLoader,
    folder: &Path,
) -> Result<BTreeMap<String, f64>> {
    let mut cosines = BTreeMap::new();
    for (group, members) in candidates.chunks(GROUP).enumerate() {
        let mut probe = model.clone();
        let pairs = add_probes(&mut probe, members, options, activations)?;
        expose(&mut probe, pairs.iter().flat_map(|(_, float, eight)| [float.as_str(), eight.as_str()]));
        let path = folder.join(format!("probe-{group}.onnx"));
        file::write(&mut probe, &path)?;
        drop(probe);
        let mut runner = loader.load(&path)?;
        let mut sums = vec![0f64; pairs.len()];
        for inputs in samples {
            let outputs = runner.run(inputs)?;
            for (sum, (_, float, eight)) in sums.iter_mut().zip(&pairs) {
                let values = |name: &str| outputs.get(name).and_then(|tensor| tensor.floats());
                if let (Some(float), Some(eight)) = (values(float), values(eight)) {
                    *sum += cosine(float, eight);
                }
            }
        }
        for (sum, (label, ..)) in sums.iter().zip(pairs) {
            cosines.insert(label, sum / samples.len().max(1) as f64);
        }
    }
    Ok(cosines)
}

/// Copies each candidate's node, quantises the copies and returns label, float output and 8-bit output of each.
fn add_probes(
    model: &mut Model,
    members: &[Candidate],
    options: &QuantizeOptions,
    activations: &Activations<'_>,
) -> Result<Vec<(String, String, String)>> {
    let mut names = Names::of(model.graph());
    let (mut copies, mut pairs) = (Vec::new(), Vec::new());
    let graph = model.graph_mut();
    for candidate in members {
        let mut node = graph.node[candidate.node].clone();
        let float = node.output_name(0).to_owned();
        let eight = names.fresh(&format!("{float}_probe"));
        node.output = vec![eight.clone()];
        node.name = Some(names.fresh(&format!("{}_probe", candidate.label)));
        copies.push(Candidate { node: graph.node.len(), label: node.name().to_owned(), ..candidate.clone() });
        graph.node.push(node);
        pairs.push((candidate.label.clone(), float, eight));
    }
    // Dead code is removed after quantising, so the copies must be outputs before.
    expose(model, pairs.iter().map(|(_, _, eight)| eight.as_str()));
    quantize_products(model, &copies, options, activations)?;
    Ok(pairs)
}
