//! ONNX Runtime: sessions, execution providers, model bundles, batch planning, buffers, caches and profiling.
//!
//! The only room that names `ort`. Other rooms see [`InferenceSession`], tensors as slices, and typed errors.

pub mod buffers;
pub mod bundle;
pub mod cache;
pub mod device;
pub mod environment;
#[cfg(feature = "cuda")]
mod gpu;
mod graph_cache;
mod hash;
pub mod manager;
pub mod manifest;
pub mod planner;
pub mod pool;
pub mod profiler;
mod providers;
pub mod session;
pub mod tensor_session;

pub use buffers::{BufferPool, BufferStatistics, Pooled};
pub use bundle::{BundleConfig, BundleOptions, Head, ModelBundle, Precision, PreprocessorConfig};
pub use cache::{CacheKey, CacheStatistics, InferenceCache};
pub use device::{AcceleratorOptions, Device, Provider, ResolvedDevice};
pub use environment::Environment;
pub use hash::sha256_of_file;
pub use manager::{LoadedModel, ManagerSettings, ModelManager};
pub use manifest::Manifest;
pub use planner::{BatchBudget, LENGTH_STEP, Unique, plan, plan_in_steps, unique};
pub use pool::SessionPool;
pub use profiler::{Profiler, StageTime};
pub use session::{
    InferenceSession, InputTensor, OptimizationLevel, OutputTensor, SEVEN_BIT_WEIGHTS, TensorData, TensorSpec,
};
pub use tensor_session::{Tensor, TensorSession, TensorValues};
