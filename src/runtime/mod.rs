//! ONNX Runtime: sessions, execution providers, model bundles, batch planning, buffers, caches and profiling.
//!
//! The only room that names `ort`. Other rooms see [`InferenceSession`], tensors as slices, and typed errors.

pub(crate) mod buffers;
pub(crate) mod bundle;
pub(crate) mod cache;
pub(crate) mod device;
pub(crate) mod disk_cache;
pub(crate) mod environment;
mod external_data;
#[cfg(feature = "cuda")]
mod gpu;
mod graph_cache;
pub(crate) mod kept;
pub(crate) mod manager;
pub(crate) mod manifest;
mod parts;
pub(crate) mod planner;
pub(crate) mod pool;
pub(crate) mod profiler;
mod providers;
pub(crate) mod session;
pub(crate) mod tensor_session;
mod trace;
mod weights;

pub use buffers::{BufferPool, BufferStatistics, OutputTensor};
pub use bundle::{BundleOptions, Head, ModelBundle, Precision, PreprocessorConfig};
pub use cache::{CacheInput, CacheKey, InferenceCache, Keep};
pub use device::{AcceleratorOptions, Device, Provider};
pub use disk_cache::DiskCache;
pub use environment::Environment;
pub use manager::{LoadedModel, ManagerSettings, ModelManager};
pub use manifest::Manifest;
pub use planner::{BatchBudget, LENGTH_STEP, plan, plan_by_content, plan_in_steps, unique};
pub use profiler::{Profiler, StageTime};
pub use session::{InferenceSession, InputTensor, OptimizationLevel, TensorData, TensorSpec};
pub use tensor_session::TensorSession;
