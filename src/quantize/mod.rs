//! ONNX graphs: reading, quantising, rewriting and writing, and the gate that proves no harm.
