//! One loaded model that can be run, behind a trait so that tests can put another in its place.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::path::Path;
use std::ptr::{self, NonNull};

use docproc_onnx::SEVEN_BIT_WEIGHTS;
use ort::AsPointer;
use ort::memory::MemoryInfo;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

use super::buffers::{BufferPool, OutputTensor};
use super::device::{AcceleratorOptions, Provider};
use super::environment::Environment;
use super::graph_cache::{DATA, GraphCache, Reserved};
use super::providers;
use super::weights::SharedWeights;
use crate::error::{Error, ErrorCode, Result};

/// On x86 processors without VNNI, ONNX Runtime's kernel for u8 x s8 adds pairs of products in 16 bits, where they
/// saturate: 64 times 255 x 127 comes out at half its value. This setting takes a kernel that does not, so that an
/// 8-bit model says the same on every processor. It costs half of the speed on processors with VNNI, whose sums are
/// exact without it: there it is not set. docs/quantization.md has the figures.
pub(super) const EXACT_SUMS: (&str, &str) = ("session.x64quantprecision", "1");

/// Sends constants of 1 KiB and more of an optimised graph to a file of this name beside it. Without it they keep the name
/// of the source's data file, which is not there; the smaller ones go into the graph, where shape inference wants them.
const DATA_FILE_NAME: &str = "session.optimized_model_external_initializers_file_name";

/// Whether sums of products of this model's weights can saturate 16 bits on this processor: not if they have seven bits,
/// and not where one instruction adds four products in 32 bits (VNNI).
pub(super) fn may_saturate(model: &Path) -> bool {
    !adds_in_32_bits() && !docproc_hash::begins_with(model, SEVEN_BIT_WEIGHTS.as_bytes())
}

/// Whether ONNX Runtime's 8-bit kernels use VNNI here, by the processor features that it asks for.
fn adds_in_32_bits() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    return true;
}

/// Element type of a tensor, as far as we exchange it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// 32-bit floating point.
    F32,
    /// Anything else, by ONNX Runtime's name.
    Other(String),
}

/// An input or output as the model declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name in the graph.
    pub name: String,
    /// Element type.
    pub element: ElementType,
    /// Size per axis; `None` where it is dynamic.
    pub shape: Vec<Option<usize>>,
}

/// Elements of an input tensor, row-major.
#[derive(Clone, Copy, Debug)]
pub enum TensorData<'a> {
    /// Ids, masks and boxes. A model that declares 32-bit integers is given those.
    I64(&'a [i64]),
    /// Pixel values.
    F32(&'a [f32]),
}

/// An input tensor.
#[derive(Clone, Debug)]
pub struct InputTensor<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// Size per axis.
    pub shape: Vec<usize>,
    /// Elements.
    pub data: TensorData<'a>,
}

/// A model that can be run by one thread at a time.
pub trait InferenceSession: Send {
    /// Inputs in the graph's order.
    fn inputs(&self) -> &[TensorSpec];
    /// Outputs in the graph's order.
    fn outputs(&self) -> &[TensorSpec];
    /// The value of a key of the model's own metadata.
    fn metadata(&self, _key: &str) -> Option<String> {
        None
    }
    /// Runs the model; its outputs are in memory of `buffers`.
    ///
    /// # Errors
    /// `model.run` if it fails, naming the tensor where one is to blame.
    fn run(&mut self, inputs: &[InputTensor<'_>], buffers: &BufferPool) -> Result<Vec<OutputTensor>>;
}

/// Graph optimisation, ONNX Runtime's levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptimizationLevel {
    /// The graph as it is.
    Disabled,
    /// Redundant nodes removed, constants folded.
    Basic,
    /// Also operator fusions.
    Extended,
    /// Also memory layouts: everything there is.
    #[default]
    All,
}

impl OptimizationLevel {
    /// The level with this number: 0 to 3, or 99 for all.
    ///
    /// # Errors
    /// `config.invalid` for other numbers.
    pub fn from_number(level: u32) -> Result<Self> {
        match level {
            0 => Ok(Self::Disabled),
            1 => Ok(Self::Basic),
            2 => Ok(Self::Extended),
            3 | 99 => Ok(Self::All),
            _ => Err(Error::new(ErrorCode::ConfigInvalid, format!("{level} is no graph optimization level"))
                .help("use 0, 1, 2, 3 or 99")),
        }
    }

    fn as_ort(self) -> GraphOptimizationLevel {
        match self {
            Self::Disabled => GraphOptimizationLevel::Disable,
            Self::Basic => GraphOptimizationLevel::Level1,
            Self::Extended => GraphOptimizationLevel::Level2,
            Self::All => GraphOptimizationLevel::All,
        }
    }
}

/// Everything that decides how a session runs.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Where.
    pub provider: Provider,
    /// How an accelerator is used.
    pub accelerator: AcceleratorOptions,
    /// Graph optimisation.
    pub optimization: OptimizationLevel,
    /// Take kernels whose sums of 8-bit products cannot saturate, where that makes a difference.
    pub exact_sums: bool,
    /// Graph optimisers left out, by ONNX Runtime's names.
    pub disabled_optimizers: &'static [&'static str],
}

/// A session of ONNX Runtime.
pub(super) struct OrtSession {
    session: Session,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    /// For every output how its shape follows from the inputs; `None` where it does not, or did not when it was run.
    shapes: Vec<Option<ShapeRule>>,
    model: String,
}

/// How a shape follows from the inputs' shapes, axis by axis.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ShapeRule {
    axes: Vec<Axis>,
    /// Whether a run has shown it to be true.
    confirmed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Axis {
    Fixed(usize),
    /// As long as this axis of the input of this name.
    As(String, usize),
}

impl ShapeRule {
    /// The rule by the names of the axes: an axis called `batch` is as long as an input's of that name.
    fn find(output: &Outlet, inputs: &[Outlet]) -> Option<Self> {
        let ValueType::Tensor { ty: TensorElementType::Float32, shape, dimension_symbols } = output.dtype()
        else {
            return None;
        };
        let named = |symbol: &str| {
            inputs.iter().find_map(|input| match input.dtype() {
                ValueType::Tensor { dimension_symbols, .. } if !symbol.is_empty() => dimension_symbols
                    .iter()
                    .position(|name| name == symbol)
                    .map(|axis| Axis::As(input.name().to_owned(), axis)),
                _ => None,
            })
        };
        let axes = shape
            .iter()
            .zip(dimension_symbols.iter())
            .map(|(&size, symbol)| {
                usize::try_from(size).map_or_else(|_| named(symbol), |size| Some(Axis::Fixed(size)))
            })
            .collect::<Option<_>>()?;
        Some(Self { axes, confirmed: false })
    }

    fn shape(&self, inputs: &[InputTensor<'_>]) -> Option<Vec<usize>> {
        let size = |axis: &Axis| match axis {
            Axis::Fixed(size) => Some(*size),
            Axis::As(name, axis) => inputs.iter().find(|input| input.name == name)?.shape.get(*axis).copied(),
        };
        self.axes.iter().map(size).collect()
    }
}

impl OrtSession {
    /// Loads `model`, from the cache of optimised graphs where it holds this very model and settings.
    ///
    /// # Errors
    /// `model.invalid` if ONNX Runtime refuses the file, `device.unavailable` if the provider cannot be registered.
    pub(super) fn load(
        environment: &Environment,
        model: &Path,
        settings: &SessionSettings,
        weights: &SharedWeights,
        cache: Option<&GraphCache>,
    ) -> Result<Self> {
        if let Some(cache) = cache
            && let Some(optimised) = cache.lookup()
        {
            let stored = SessionSettings { optimization: OptimizationLevel::Disabled, ..settings.clone() };
            match create(environment, &optimised, &stored, Some(weights), None) {
                Ok(session) => return Self::new(session, model, settings),
                Err(error) => cache.discard(&optimised, &error),
            }
        }
        let target = cache.and_then(GraphCache::reserve);
        let session = create(environment, model, settings, None, target.as_ref())?;
        if let (Some(cache), Some(target)) = (cache, target) {
            cache.keep(&target);
        }
        Self::new(session, model, settings)
    }

    fn new(session: Session, model: &Path, settings: &SessionSettings) -> Result<Self> {
        let specs = |outlets: &[Outlet]| outlets.iter().map(spec).collect::<Vec<_>>();
        let (inputs, outputs) = (specs(session.inputs()), specs(session.outputs()));
        // What accelerators compute is copied from their memory in any case, and comes as they give it.
        let rule =
            |output| settings.provider.is_cpu().then(|| ShapeRule::find(output, session.inputs())).flatten();
        let shapes = session.outputs().iter().map(rule).collect();
        let model = model.display().to_string();
        if let Some(output) = outputs.iter().find(|output| output.element == ElementType::Other("f16".into()))
        {
            return Err(Error::new(
                ErrorCode::ModelInvalid,
                format!("output `{}` is half precision", output.name),
            )
            .part(model)
            .help("convert the model with `docproc quantize --mode fp16`, which keeps inputs and outputs float32"));
        }
        Ok(Self { session, inputs, outputs, shapes, model })
    }
}

fn spec(outlet: &Outlet) -> TensorSpec {
    let element = match outlet.dtype().tensor_type() {
        Some(TensorElementType::Int64) => ElementType::I64,
        Some(TensorElementType::Int32) => ElementType::I32,
        Some(TensorElementType::Float32) => ElementType::F32,
        Some(other) => ElementType::Other(other.to_string()),
        None => ElementType::Other(outlet.dtype().to_string()),
    };
    let shape = match outlet.dtype() {
        ValueType::Tensor { shape, .. } => shape.iter().map(|&size| usize::try_from(size).ok()).collect(),
        _ => Vec::new(),
    };
    TensorSpec { name: outlet.name().to_owned(), element, shape }
}

fn create(
    environment: &Environment,
    model: &Path,
    settings: &SessionSettings,
    weights: Option<&SharedWeights>,
    optimised: Option<&Reserved>,
) -> Result<Session> {
    let invalid = |error: ort::Error| {
        Error::new(ErrorCode::ModelInvalid, "ONNX Runtime cannot load this model").file(model).because(error)
    };
    let plain = |error: ort::Error<_>| invalid(ort::Error::new(error.message().to_owned()));
    let mut builder = Session::builder(&environment.inner)
        .map_err(invalid)?
        .with_optimization_level(settings.optimization.as_ort())
        .map_err(plain)?
        // The calling thread does all work: sessions run side by side on rayon's threads, and ONNX Runtime has none.
        .with_intra_threads(1)
        .map_err(plain)?
        // Shapes change from batch to batch, so a pattern of one run is of no use to the next.
        .with_memory_pattern(false)
        .map_err(plain)?;
    if let Some(weights) = weights {
        builder = weights.lend(model, builder).map_err(invalid)?;
    }
    if settings.exact_sums {
        builder = builder.with_config_entry(EXACT_SUMS.0, EXACT_SUMS.1).map_err(plain)?;
    }
    if !settings.disabled_optimizers.is_empty() {
        builder = builder.with_disabled_optimizers(settings.disabled_optimizers.join(";")).map_err(plain)?;
    }
    if let Some(target) = optimised {
        builder = builder.with_optimized_model_path(target.graph()).map_err(plain)?;
        if target.has_data_files {
            builder = builder.with_config_entry(DATA_FILE_NAME, DATA).map_err(plain)?;
        }
    }
    let providers = providers::dispatches(&settings.provider, &settings.accelerator);
    builder = builder.with_execution_providers(providers).map_err(|error| {
        Error::new(ErrorCode::DeviceUnavailable, "the device refuses a session")
            .part(settings.provider.to_string())
            .because(ort::Error::<()>::new(error.message().to_owned()))
            .help("check the CUDA, cuDNN and TensorRT libraries, or use --device cpu")
    })?;
    builder.commit_from_file(model).map_err(invalid)
}

impl InferenceSession for OrtSession {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    fn run(&mut self, inputs: &[InputTensor<'_>], buffers: &BufferPool) -> Result<Vec<OutputTensor>> {
        let failed = |tensor: Option<&str>, error: ort::Error| {
            let part = tensor.map_or_else(|| self.model.clone(), |name| format!("{}: {name}", self.model));
            Error::new(ErrorCode::ModelRun, "running the model failed").part(part).because(error)
        };
        let wants_i32 =
            |name: &str| self.inputs.iter().any(|spec| spec.name == name && spec.element == ElementType::I32);
        let narrowed: Vec<Option<Vec<i32>>> = inputs
            .iter()
            .map(|input| match input.data {
                // Ids, masks and boxes are far below 2^31.
                TensorData::I64(values) if wants_i32(input.name) => {
                    Some(values.iter().map(|&value| i32::try_from(value).unwrap_or(i32::MAX)).collect())
                }
                _ => None,
            })
            .collect();
        let mut values: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (input, narrow) in inputs.iter().zip(&narrowed) {
            let shape = input.shape.as_slice();
            let value: SessionInputValue<'_> = match (input.data, narrow) {
                (_, Some(data)) => TensorRef::from_array_view((shape, data.as_slice())).map(Into::into),
                (TensorData::I64(data), None) => TensorRef::from_array_view((shape, data)).map(Into::into),
                (TensorData::F32(data), None) => TensorRef::from_array_view((shape, data)).map(Into::into),
            }
            .map_err(|error| failed(Some(input.name), error))?;
            values.push((Cow::Borrowed(input.name), value));
        }
        let model = self.model.clone();
        let failed = |error: ort::Error| {
            Error::new(ErrorCode::ModelRun, "running the model failed").part(model.clone()).because(error)
        };
        let mut tensors: Vec<Option<OutputTensor>> = Vec::with_capacity(self.outputs.len());
        let mut selector = OutputSelector::default();
        for (spec, rule) in self.outputs.iter().zip(&self.shapes) {
            let shape = rule.as_ref().filter(|rule| rule.confirmed).and_then(|rule| rule.shape(inputs));
            let tensor = shape.map(|shape| {
                let values = buffers.stale::<f32>(shape.iter().product());
                OutputTensor { name: spec.name.clone(), shape, values }
            });
            tensors.push(tensor);
        }
        for tensor in tensors.iter_mut().flatten() {
            // SAFETY: `selector`, `options` and `outputs`, which hold the value, are gone before `tensors` is used
            // again or left.
            let value = unsafe { tensor_over(&mut tensor.values, &tensor.shape, &self.session) };
            selector = selector.preallocate(&tensor.name, value.map_err(failed)?);
        }
        let options = RunOptions::new().map_err(failed)?.with_outputs(selector);
        let outputs = self.session.run_with_options(values, &options).map_err(failed)?;
        for (index, (name, value)) in outputs.iter().enumerate() {
            // Integer outputs carry nothing that we read.
            if tensors[index].is_some() || value.dtype().tensor_type() != Some(TensorElementType::Float32) {
                continue;
            }
            let (shape, data) = value.try_extract_tensor::<f32>().map_err(failed)?;
            let shape: Vec<usize> = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
            self.shapes[index] = self.shapes[index].take().and_then(|rule| {
                (rule.shape(inputs).as_ref() == Some(&shape)).then_some(ShapeRule { confirmed: true, ..rule })
            });
            let mut values = buffers.stale::<f32>(data.len());
            values.copy_from_slice(data);
            tensors[index] = Some(OutputTensor { name: name.to_owned(), shape, values });
        }
        drop(outputs);
        drop(options);
        Ok(tensors.into_iter().flatten().collect())
    }
}

/// A value of ONNX Runtime whose elements are `memory`.
///
/// # Safety
/// The value and everything made of it must be dropped before `memory` is used again or freed.
unsafe fn tensor_over(memory: &mut [f32], shape: &[usize], session: &Session) -> ort::Result<DynValue> {
    let shape: Vec<i64> = shape.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect();
    let place = MemoryInfo::default();
    let mut value = ptr::null_mut();
    // SAFETY: every pointer is valid for the call, lengths are those of the slices, and ONNX Runtime checks that the
    // shape's product fits the number of bytes. The result is a null pointer or a new value, which is ours.
    unsafe {
        ort::Error::result_from_status((ort::api().CreateTensorWithDataAsOrtValue)(
            place.ptr(),
            memory.as_mut_ptr().cast(),
            size_of_val(memory),
            shape.as_ptr(),
            shape.len(),
            ort::sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
            &raw mut value,
        ))?;
        let value = NonNull::new(value).ok_or_else(|| ort::Error::new("no tensor was made"))?;
        Ok(DynValue::from_ptr(value, Some(session.allocator())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::environment::for_tests;

    fn session() -> OrtSession {
        let model =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/models/many-heads/model.onnx");
        let settings = SessionSettings {
            provider: Provider::Cpu,
            accelerator: AcceleratorOptions::default(),
            optimization: OptimizationLevel::All,
            exact_sums: false,
            disabled_optimizers: &[],
        };
        OrtSession::load(&for_tests(), &model, &settings, &SharedWeights::default(), None).unwrap()
    }

    fn run(session: &mut OrtSession, rows: usize, tokens: usize, buffers: &BufferPool) -> Vec<OutputTensor> {
        let ids: Vec<i64> = (0..rows * tokens).map(|at| (at * 7 % 50) as i64).collect();
        let ones = vec![1; ids.len()];
        let names: Vec<String> = session.inputs.iter().map(|spec| spec.name.clone()).collect();
        let inputs: Vec<InputTensor<'_>> = names
            .iter()
            .map(|name| {
                let data = if name == "input_ids" { &ids } else { &ones };
                InputTensor { name, shape: vec![rows, tokens], data: TensorData::I64(data) }
            })
            .collect();
        session.run(&inputs, buffers).unwrap()
    }

    #[test]
    fn outputs_are_written_where_the_shape_rule_says_once_a_run_has_shown_it() {
        let buffers = BufferPool::new(1 << 20);
        let mut used = session();
        assert!(used.shapes.iter().all(|rule| rule.as_ref().is_some_and(|rule| !rule.confirmed)));
        for (rows, tokens) in [(2, 5), (3, 7), (1, 4), (2, 5)] {
            let found = run(&mut used, rows, tokens, &buffers);
            assert!(used.shapes.iter().all(|rule| rule.as_ref().is_some_and(|rule| rule.confirmed)));
            assert_eq!(found, run(&mut session(), rows, tokens, &BufferPool::new(0)), "{rows} x {tokens}");
        }
        assert!(buffers.statistics().reused > 0);
    }

    #[test]
    fn a_shape_that_does_not_follow_is_taken_as_it_comes() {
        let buffers = BufferPool::new(1 << 20);
        let mut misled = session();
        let rule =
            ShapeRule { axes: vec![Axis::Fixed(9), Axis::As("input_ids".into(), 1)], confirmed: false };
        misled.shapes[0] = Some(rule);
        let expected = run(&mut session(), 2, 5, &buffers);
        for _ in 0..2 {
            assert_eq!(run(&mut misled, 2, 5, &buffers), expected);
            assert_eq!(misled.shapes[0], None);
        }
    }
}
