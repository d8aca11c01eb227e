//! ONNX Runtime: the only room that names `ort`. Sessions, providers, model manager, planner, buffers, cache.
