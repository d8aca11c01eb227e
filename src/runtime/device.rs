//! Which device models run on: what the user asks for, and what there is.

use std::fmt;
use std::str::FromStr;

use super::environment::Environment;
use crate::error::{Error, ErrorCode, Result};

/// A device as asked for: `auto`, `cpu`, `cuda`, `cuda:1`, `tensorrt`, `tensorrt:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// CUDA where it works, else the CPU with a notice.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// NVIDIA GPU with this index through CUDA.
    Cuda(u32),
    /// NVIDIA GPU with this index through TensorRT, with CUDA for what TensorRT cannot run.
    TensorRt(u32),
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorCode::ConfigInvalid, format!("`{text}` is not a device"))
                .help("use auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N")
        };
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, Some(index.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (name.to_ascii_lowercase().as_str(), index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            ("tensorrt", index) => Ok(Self::TensorRt(index.unwrap_or(0))),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::TensorRt(index) => write!(f, "tensorrt:{index}"),
        }
    }
}

/// How an accelerator is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AcceleratorOptions {
    /// Share of the device's memory that one session's arena may take, above 0 and at most 1.
    pub memory_fraction: f64,
    /// TensorRT may compute in half precision (from compute capability 7.0 on).
    pub half_precision: bool,
    /// TensorRT may compute in 8-bit integers (from compute capability 7.5 on): for models quantised to them.
    pub int8: bool,
}

impl Default for AcceleratorOptions {
    fn default() -> Self {
        Self { memory_fraction: 0.5, half_precision: false, int8: false }
    }
}

/// An NVIDIA GPU as its driver describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Index of the device.
    pub index: u32,
    /// Compute capability: major, minor.
    pub compute_capability: (u32, u32),
    /// Memory in bytes.
    pub memory: u64,
}

impl Gpu {
    /// Bytes of the memory arena for a share of the device's memory.
    #[must_use]
    pub fn memory_limit(&self, fraction: f64) -> usize {
        (self.memory as f64 * fraction.clamp(0.0, 1.0)) as usize
    }

    /// Whether TensorRT computes in half precision here: tensor cores came with compute capability 7.0 (Volta).
    #[must_use]
    pub fn has_half_precision(&self) -> bool {
        self.compute_capability >= (7, 0)
    }

    /// Whether TensorRT computes in 8-bit integers here: integer tensor cores came with 7.5 (Turing).
    #[must_use]
    pub fn has_int8(&self) -> bool {
        self.compute_capability >= (7, 5)
    }
}

/// The execution provider that sessions are created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// ONNX Runtime's CPU kernels.
    Cpu,
    /// CUDA kernels.
    Cuda(Gpu),
    /// TensorRT engines, with CUDA kernels for the rest.
    TensorRt(Gpu),
}

impl Provider {
    /// Whether this is the CPU.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        matches!(self, Self::Cpu)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(gpu) => write!(f, "cuda:{}", gpu.index),
            Self::TensorRt(gpu) => write!(f, "tensorrt:{}", gpu.index),
        }
    }
}

/// A provider that is there, and what the user should be told about the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedDevice {
    /// What sessions will use.
    pub provider: Provider,
    /// Why `auto` did not take an accelerator; to be shown once.
    pub notice: Option<String>,
}

impl Device {
    /// Finds the provider for this device.
    ///
    /// `auto` takes TensorRT if `prefer_tensorrt` and it is there, then CUDA, then the CPU with a notice; where this
    /// build has no accelerator at all it takes the CPU silently.
    ///
    /// # Errors
    /// `device.unavailable`, naming what is missing, if an accelerator is asked for by name and is not there.
    pub fn resolve(self, environment: &Environment, prefer_tensorrt: bool) -> Result<ResolvedDevice> {
        let ready = |provider| ResolvedDevice { provider, notice: None };
        match self {
            Self::Cpu => Ok(ready(Provider::Cpu)),
            Self::Cuda(index) => probe(environment, index, false).map(Provider::Cuda).map(ready),
            Self::TensorRt(index) => probe(environment, index, true).map(Provider::TensorRt).map(ready),
            Self::Auto => {
                if !cfg!(feature = "cuda") {
                    return Ok(ready(Provider::Cpu));
                }
                if prefer_tensorrt && let Ok(gpu) = probe(environment, 0, true) {
                    return Ok(ready(Provider::TensorRt(gpu)));
                }
                Ok(match probe(environment, 0, false) {
                    Ok(gpu) => ready(Provider::Cuda(gpu)),
                    Err(error) => ResolvedDevice {
                        provider: Provider::Cpu,
                        notice: Some(format!("running on the CPU: {}", error.explanation())),
                    },
                })
            }
        }
    }
}

fn unavailable(device: &str, why: impl Into<String>, help: &str) -> Error {
    Error::new(ErrorCode::DeviceUnavailable, why).part(device).help(help.to_owned())
}

#[cfg(not(feature = "cuda"))]
fn probe(_: &Environment, index: u32, tensorrt: bool) -> Result<Gpu> {
    let (device, feature) =
        if tensorrt { (Device::TensorRt(index), "tensorrt") } else { (Device::Cuda(index), "cuda") };
    Err(unavailable(
        &device.to_string(),
        format!("this docproc was built without the `{feature}` feature"),
        &format!("build with `cargo build --release --features {feature}`, or use --device cpu"),
    ))
}

/// Checks, in the order in which they can be repaired: the build, the library, its provider, the driver.
#[cfg(feature = "cuda")]
fn probe(environment: &Environment, index: u32, tensorrt: bool) -> Result<Gpu> {
    use ort::ep::ExecutionProvider;

    let device = if tensorrt { Device::TensorRt(index).to_string() } else { Device::Cuda(index).to_string() };
    if tensorrt && !cfg!(feature = "tensorrt") {
        return Err(unavailable(
            &device,
            "this docproc was built without the `tensorrt` feature",
            "build with `cargo build --release --features tensorrt`, or use --device cuda",
        ));
    }
    let in_library = ort::ep::CUDA::is_available().unwrap_or(false);
    #[cfg(feature = "tensorrt")]
    let in_library = if tensorrt { ort::ep::TensorRT::is_available().unwrap_or(false) } else { in_library };
    if !in_library {
        return Err(unavailable(
            &device,
            format!("{} is a build without this provider", environment.library().display()),
            "point DOCPROC_ONNXRUNTIME at the library of the `onnxruntime-gpu` wheel",
        ));
    }
    let file = environment.library().with_file_name(if tensorrt {
        "libonnxruntime_providers_tensorrt.so"
    } else {
        "libonnxruntime_providers_cuda.so"
    });
    if !file.is_file() {
        return Err(unavailable(
            &device,
            format!("{} is missing", file.display()),
            "keep all libraries of the `onnxruntime-gpu` wheel in one folder",
        ));
    }
    super::gpu::query(index).map_err(|why| {
        unavailable(&device, why, "check the NVIDIA driver with nvidia-smi, or use --device cpu")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_print() {
        for (text, device) in [
            ("auto", Device::Auto),
            ("CPU", Device::Cpu),
            ("cuda", Device::Cuda(0)),
            ("cuda:3", Device::Cuda(3)),
            ("tensorrt:1", Device::TensorRt(1)),
        ] {
            assert_eq!(text.parse::<Device>().unwrap(), device);
            assert_eq!(device.to_string().parse::<Device>().unwrap(), device);
        }
        for text in ["", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "auto:1"] {
            assert_eq!(text.parse::<Device>().unwrap_err().code(), ErrorCode::ConfigInvalid, "{text}");
        }
    }

    #[test]
    fn precision_follows_compute_capability() {
        let gpu = |major, minor| Gpu { index: 0, compute_capability: (major, minor), memory: 1000 };
        assert!(!gpu(6, 1).has_half_precision() && !gpu(7, 2).has_int8());
        assert!(gpu(7, 0).has_half_precision() && gpu(7, 5).has_int8() && gpu(9, 0).has_int8());
        assert_eq!(gpu(8, 0).memory_limit(0.25), 250);
        assert_eq!(gpu(8, 0).memory_limit(7.0), 1000);
    }
}
