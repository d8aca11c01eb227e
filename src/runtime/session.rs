//! One loaded model that can be run, behind a trait so that tests can put another in its place.

use std::borrow::Cow;
use std::path::Path;

use ort::session::builder::{GraphOptimizationLevel, PrepackedWeights};
use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

use super::device::{AcceleratorOptions, Provider};
use super::environment::Environment;
use super::graph_cache::{DATA, GraphCache, Reserved};
use super::hash;
use super::providers;
use crate::error::{Error, ErrorCode, Result};

/// Name of the model property that says that no 8-bit weight is larger than 64; `docproc quantize --reduce-range`
/// writes it at the head of the file.
pub const SEVEN_BIT_WEIGHTS: &str = "docproc.seven_bit_weights";

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
    !adds_in_32_bits() && !hash::begins_with(model, SEVEN_BIT_WEIGHTS.as_bytes())
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

/// An output tensor of 32-bit floating point numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputTensor {
    /// Name in the graph.
    pub name: String,
    /// Size per axis.
    pub shape: Vec<usize>,
    /// Elements.
    pub values: Vec<f32>,
}

/// A model that can be run by one thread at a time.
pub trait InferenceSession: Send {
    /// Inputs in the graph's order.
    fn inputs(&self) -> &[TensorSpec];
    /// Outputs in the graph's order.
    fn outputs(&self) -> &[TensorSpec];
    /// Runs the model.
    ///
    /// # Errors
    /// `model.run` if it fails, naming the tensor where one is to blame.
    fn run(&mut self, inputs: &[InputTensor<'_>]) -> Result<Vec<OutputTensor>>;
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
    /// Threads inside one operator. With 1 the calling thread does all work.
    pub intra_threads: usize,
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
    model: String,
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
        weights: &PrepackedWeights,
        cache: Option<&GraphCache>,
    ) -> Result<Self> {
        if let Some(cache) = cache
            && let Some(optimised) = cache.lookup()
        {
            let stored = SessionSettings { optimization: OptimizationLevel::Disabled, ..settings.clone() };
            match create(environment, &optimised, &stored, weights, None) {
                Ok(session) => return Self::new(session, model),
                Err(error) => cache.discard(&optimised, &error),
            }
        }
        let target = cache.and_then(GraphCache::reserve);
        let session = create(environment, model, settings, weights, target.as_ref())?;
        if let (Some(cache), Some(target)) = (cache, target) {
            cache.keep(&target);
        }
        Self::new(session, model)
    }

    fn new(session: Session, model: &Path) -> Result<Self> {
        let specs = |outlets: &[Outlet]| outlets.iter().map(spec).collect::<Vec<_>>();
        let (inputs, outputs) = (specs(session.inputs()), specs(session.outputs()));
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
        Ok(Self { session, inputs, outputs, model })
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
    weights: &PrepackedWeights,
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
        .with_intra_threads(settings.intra_threads)
        .map_err(plain)?
        // Shapes change from batch to batch, so a pattern of one run is of no use to the next.
        .with_memory_pattern(false)
        .map_err(plain)?
        .with_prepacked_weights(weights)
        .map_err(plain)?;
    if settings.exact_sums {
        builder = builder.with_config_entry(EXACT_SUMS.0, EXACT_SUMS.1).map_err(plain)?;
    }
    if settings.intra_threads > 1 {
        // A spinning pool would take the cores from page workers and from other sessions between batches.
        builder = builder.with_intra_op_spinning(false).map_err(plain)?;
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

    fn run(&mut self, inputs: &[InputTensor<'_>]) -> Result<Vec<OutputTensor>> {
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
        let outputs = self.session.run(values).map_err(failed)?;
        let mut tensors = Vec::with_capacity(outputs.len());
        for (name, value) in &outputs {
            // Integer outputs carry nothing that we read.
            if value.dtype().tensor_type() != Some(TensorElementType::Float32) {
                continue;
            }
            let (shape, data) = value.try_extract_tensor::<f32>().map_err(failed)?;
            let shape = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
            tensors.push(OutputTensor { name: name.to_owned(), shape, values: data.to_vec() });
        }
        Ok(tensors)
    }
}
