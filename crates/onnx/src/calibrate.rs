//! Ranges of activations from sample inputs, for static quantisation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use docproc_error::{Error, ErrorCode, Result};

use super::eight_bit::ActivationScale;
use super::file::{self, ElementType, Model, TensorTypeProto, TypeProto, TypeValue, ValueInfoProto};
use super::half;
use super::histogram::Histogram;
use super::options::CalibrationMethod;
use super::range::finite_range;
use super::runner::{ModelLoader, Tensors};
use super::select::Candidate;
use super::types::element_types;

/// Bins between the smallest and the largest value seen.
const BINS: usize = 2048;

/// Values looked at in one run; bounds the memory for them.
const GROUP: usize = 64;

/// Runs the float model on `samples` and derives a scale for the input of every candidate. `folder` holds the
/// instrumented model while it runs.
///
/// # Errors
/// `config.invalid` without samples; `model.run` and `model.invalid` from the runtime.
pub fn calibrate(
    model: &Model,
    candidates: &[Candidate],
    method: CalibrationMethod,
    samples: &[Tensors],
    loader: &dyn ModelLoader,
    folder: &Path,
) -> Result<BTreeMap<String, ActivationScale>> {
    if samples.is_empty() {
        return Err(Error::new(ErrorCode::ConfigInvalid, "static quantisation needs calibration inputs")
            .help("give --calibration, or use --mode dynamic"));
    }
    let wanted: BTreeSet<&str> =
        candidates.iter().map(|candidate| model.graph().node[candidate.node].input_name(0)).collect();
    let mut instrumented = model.clone();
    expose(&mut instrumented, wanted.iter().copied());
    let path = folder.join("calibrate.onnx");
    file::write(&mut instrumented, &path)?;
    drop(instrumented);
    let mut runner = loader.load(&path)?;

    let mut ranges: BTreeMap<&str, (f32, f32)> = BTreeMap::new();
    let mut visit = |each: &mut dyn FnMut(&'_ str, &[f32])| -> Result<()> {
        for inputs in samples {
            let outputs = runner.run(inputs)?;
            for name in &wanted {
                let tensor = outputs.get(*name).or_else(|| inputs.get(*name));
                if let Some(values) = tensor.and_then(|tensor| tensor.floats()) {
                    each(name, values);
                }
            }
        }
        Ok(())
    };
    let names = &wanted;
    visit(&mut |name, values| {
        let key = names.get(name).copied().unwrap_or_default();
        let (low, high) = ranges.entry(key).or_insert((0.0, 0.0));
        for value in values.iter().filter(|value| value.is_finite()) {
            *low = low.min(*value);
            *high = high.max(*value);
        }
    })?;
    if method != CalibrationMethod::MinMax {
        let mut histograms: BTreeMap<&str, Histogram> =
            ranges.iter().map(|(name, (low, high))| (*name, Histogram::new(*low, *high, BINS))).collect();
        visit(&mut |name, values| {
            if let Some(histogram) = histograms.get_mut(name) {
                histogram.add(values);
            }
        })?;
        for (name, histogram) in &histograms {
            let range = match method {
                CalibrationMethod::Percentile(percent) => histogram.percentile(percent),
                _ => histogram.least_divergence(),
            };
            ranges.insert(name, range);
        }
    }
    Ok(ranges.into_iter().map(|(name, (low, high))| (name.to_owned(), scale_of(low, high))).collect())
}

/// Computed values of the main graph that `samples` take beyond the range of halves: smallest and largest, by name.
///
/// # Errors
/// As running and writing models.
pub fn beyond_half(
    model: &Model,
    samples: &[Tensors],
    loader: &dyn ModelLoader,
    folder: &Path,
) -> Result<BTreeMap<String, (f32, f32)>> {
    let types = element_types(model.graph());
    let outputs = model.graph().node.iter().flat_map(|node| &node.output);
    let values: Vec<&str> =
        outputs.filter(|name| types.get(*name) == Some(&ElementType::Float)).map(String::as_str).collect();
    let mut beyond: BTreeMap<String, (f32, f32)> = BTreeMap::new();
    for names in values.chunks(GROUP) {
        let mut probe = model.clone();
        expose(&mut probe, names.iter().copied());
        let path = folder.join("ranges.onnx");
        file::write(&mut probe, &path)?;
        drop(probe);
        let mut runner = loader.load(&path)?;
        for inputs in samples {
            let outputs = runner.run(inputs)?;
            for name in names {
                let Some(values) = outputs.get(*name).and_then(|tensor| tensor.floats()) else { continue };
                let (low, high) = finite_range(values);
                if low < -half::MAX || high > half::MAX {
                    let range = beyond.entry((*name).to_owned()).or_default();
                    *range = (range.0.min(low), range.1.max(high));
                }
            }
        }
    }
    Ok(beyond)
}

/// Adds graph outputs for these values, unless they leave or enter the graph already.
pub fn expose<'a>(model: &mut Model, names: impl Iterator<Item = &'a str>) {
    let graph = model.graph_mut();
    let known: BTreeSet<String> =
        graph.output.iter().chain(&graph.input).map(|value| value.name().to_owned()).collect();
    let float = TypeProto {
        value: Some(TypeValue::Tensor(TensorTypeProto {
            elem_type: Some(ElementType::Float.number()),
            shape: None,
        })),
        denotation: None,
    };
    graph.output.extend(names.filter(|name| !known.contains(*name)).map(|name| ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(float.clone()),
        ..ValueInfoProto::default()
    }));
}

/// Scale and zero point that map `[low, high]`, widened to contain 0, to 0..=255. An empty range gives scale 1.
fn scale_of(low: f32, high: f32) -> ActivationScale {
    let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
    let scale = (high - low) / 255.0;
    if scale < f64::from(f32::MIN_POSITIVE) {
        return ActivationScale { scale: 1.0, zero_point: 0 };
    }
    ActivationScale { scale: scale as f32, zero_point: (-low / scale).round_ties_even() as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_contain_zero() {
        let scale = scale_of(-1.0, 3.0);
        assert_eq!(scale.zero_point, 64);
        assert!((scale.scale - 4.0 / 255.0).abs() < 1e-9);
        assert_eq!(scale_of(2.0, 5.1).zero_point, 0);
        assert_eq!(scale_of(-2.0, -1.0).zero_point, 255);
        assert_eq!(scale_of(0.0, 0.0).scale, 1.0);
    }
}
