//! ONNX Runtime: sessions, execution providers, model bundles, batch planning, buffers, caches and profiling.
//!
//! The only room that names `ort`. Other rooms see [`InferenceSession`], tensors as slices, and typed errors.

pub mod buffers;
pub mod bundle;
pub mod cache;
pub mod device;
pub mod disk_cache;
pub mod environment;
mod external_data;
#[cfg(feature = "cuda")]
mod gpu;
mod graph_cache;
mod hash;
pub mod manager;
pub mod manifest;
mod parts;
pub mod planner;
pub mod pool;
pub mod profiler;
mod providers;
pub mod session;
pub mod tensor;
pub mod tensor_session;
mod trace;

pub use buffers::{BufferPool, BufferStatistics, Pooled};
pub use bundle::{BundleConfig, BundleOptions, Head, ModelBundle, Precision, PreprocessorConfig};
pub use cache::{CacheInput, CacheKey, CacheStatistics, InferenceCache, Keep};
pub use device::{AcceleratorOptions, Device, Provider, ResolvedDevice};
pub use disk_cache::DiskCache;
pub use environment::Environment;
pub use hash::file_sha256;
pub use manager::{LoadedModel, ManagerSettings, ModelManager};
pub use manifest::Manifest;
pub use planner::{BatchBudget, LENGTH_STEP, Unique, plan, plan_by_content, plan_in_steps, unique};
pub use pool::SessionPool;
pub use profiler::{Profiler, StageTime};
pub use session::{
    InferenceSession, InputTensor, OptimizationLevel, OutputTensor, SEVEN_BIT_WEIGHTS, TensorData, TensorSpec,
};
pub use tensor::{Tensor, TensorValues};
pub use tensor_session::TensorSession;
pub use trace::DocumentGuard;
