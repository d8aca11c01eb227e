//! What the NVIDIA driver knows about a device, asked through its C interface (CUDA Driver API, `cuda.h`).
#![allow(unsafe_code)]

use std::ffi::c_int;

use libloading::{Library, Symbol};

use super::device::Gpu;

const CUDA_SUCCESS: c_int = 0;
const COMPUTE_CAPABILITY_MAJOR: c_int = 75;
const COMPUTE_CAPABILITY_MINOR: c_int = 76;

/// The GPU with this index, or in one sentence why there is none.
pub(super) fn query(index: u32) -> Result<Gpu, String> {
    // SAFETY: libcuda.so.1 is the NVIDIA driver's own library; its initialisers run in every CUDA program.
    let library = unsafe { Library::new("libcuda.so.1") }
        .map_err(|error| format!("the NVIDIA driver's library cannot be loaded ({error})"))?;
    let symbol = |error: libloading::Error| format!("the NVIDIA driver is not usable ({error})");
    // SAFETY: names and signatures are those of cuda.h since CUDA 3.2: CUresult and CUdevice are C ints, sizes are
    // size_t. The symbols do not outlive `library`.
    let (init, count, get, attribute, memory) = unsafe {
        let init: Symbol<unsafe extern "C" fn(u32) -> c_int> = library.get(b"cuInit").map_err(symbol)?;
        let count: Symbol<unsafe extern "C" fn(*mut c_int) -> c_int> =
            library.get(b"cuDeviceGetCount").map_err(symbol)?;
        let get: Symbol<unsafe extern "C" fn(*mut c_int, c_int) -> c_int> =
            library.get(b"cuDeviceGet").map_err(symbol)?;
        let attribute: Symbol<unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int> =
            library.get(b"cuDeviceGetAttribute").map_err(symbol)?;
        let memory: Symbol<unsafe extern "C" fn(*mut usize, c_int) -> c_int> =
            library.get(b"cuDeviceTotalMem_v2").map_err(symbol)?;
        (init, count, get, attribute, memory)
    };
    let check = |what: &str, code: c_int| {
        if code == CUDA_SUCCESS { Ok(()) } else { Err(format!("{what} failed with CUDA error {code}")) }
    };
    let (mut devices, mut device, mut major, mut minor, mut bytes) = (0, 0, 0, 0, 0usize);
    // SAFETY: cuInit comes first, as the interface demands, and every pointer is to a live local of the right type.
    unsafe {
        check("cuInit", init(0))?;
        check("cuDeviceGetCount", count(&raw mut devices))?;
        let ordinal = c_int::try_from(index).unwrap_or(c_int::MAX);
        if ordinal >= devices {
            return Err(format!("there is no device {index}, the driver sees {devices}"));
        }
        check("cuDeviceGet", get(&raw mut device, ordinal))?;
        check("cuDeviceGetAttribute", attribute(&raw mut major, COMPUTE_CAPABILITY_MAJOR, device))?;
        check("cuDeviceGetAttribute", attribute(&raw mut minor, COMPUTE_CAPABILITY_MINOR, device))?;
        check("cuDeviceTotalMem", memory(&raw mut bytes, device))?;
    }
    // The driver stays loaded: unloading it while ONNX Runtime uses it is undefined.
    std::mem::forget(library);
    let positive = |value: c_int| u32::try_from(value).unwrap_or(0);
    Ok(Gpu { index, compute_capability: (positive(major), positive(minor)), memory: bytes as u64 })
}
