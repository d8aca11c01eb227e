//! Execution providers with their options (original design, section 1.2).

use ort::ep::ExecutionProviderDispatch;

use super::device::{AcceleratorOptions, Provider};

/// The providers to register, most wanted first. The CPU needs none: ONNX Runtime always adds it last.
///
/// A provider that cannot be registered fails the session, it is never skipped: the device was asked for.
pub(super) fn dispatches(
    provider: &Provider,
    options: &AcceleratorOptions,
) -> Vec<ExecutionProviderDispatch> {
    #[cfg(not(feature = "cuda"))]
    let _ = options;
    match provider {
        Provider::Cpu => Vec::new(),
        #[cfg(feature = "cuda")]
        Provider::Cuda(gpu) => vec![cuda(gpu, options)],
        #[cfg(feature = "tensorrt")]
        Provider::TensorRt(gpu) => vec![tensorrt(gpu, options), cuda(gpu, options)],
        // `Device::resolve` gives no accelerator that is not built in.
        #[cfg(not(feature = "tensorrt"))]
        _ => Vec::new(),
    }
}

#[cfg(feature = "cuda")]
fn cuda(gpu: &super::device::Gpu, options: &AcceleratorOptions) -> ExecutionProviderDispatch {
    use ort::ep::cuda::ConvAlgorithmSearch;
    use ort::ep::{ArbitrarilyConfigurableExecutionProvider, ArenaExtendStrategy};

    ort::ep::CUDA::default()
        .with_device_id(i32::try_from(gpu.index).unwrap_or(i32::MAX))
        .with_memory_limit(gpu.memory_limit(options.memory_fraction))
        .with_arena_extend_strategy(ArenaExtendStrategy::NextPowerOfTwo)
        .with_conv_algorithm_search(ConvAlgorithmSearch::Exhaustive)
        // ort has no setter for this key of ONNX Runtime's CUDA provider options.
        .with_arbitrary_config("do_copy_in_default_stream", "1")
        .build()
        .error_on_failure()
}

#[cfg(feature = "tensorrt")]
fn tensorrt(gpu: &super::device::Gpu, options: &AcceleratorOptions) -> ExecutionProviderDispatch {
    ort::ep::TensorRT::default()
        .with_device_id(i32::try_from(gpu.index).unwrap_or(i32::MAX))
        .with_max_workspace_size(gpu.memory_limit(options.memory_fraction))
        .with_fp16(options.half_precision && gpu.has_half_precision())
        .with_int8(options.int8 && gpu.has_int8())
        .build()
        .error_on_failure()
}
