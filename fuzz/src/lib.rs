//! The parsers of untrusted bytes, compiled from the program's own files, each in its room.
#![allow(dead_code, unused_imports, unsafe_code, missing_docs, clippy::all)]

pub mod entry;

#[path = "../../src/error.rs"]
pub mod error;

#[path = "../../src/document/mod.rs"]
pub mod document;

#[path = "../../src/config/mod.rs"]
pub mod config;

pub mod input {
    #[path = "../../../src/input/media.rs"]
    pub mod media;
    #[path = "../../../src/input/protocol.rs"]
    pub mod protocol;
    #[path = "../../../src/input/raster.rs"]
    pub mod raster;
    #[path = "../../../src/input/resolution.rs"]
    pub mod resolution;
    #[path = "../../../src/input/segment.rs"]
    pub mod segment;
    #[path = "../../../src/input/shm.rs"]
    pub mod shm;
    #[path = "../../../src/input/tiff_frames.rs"]
    pub mod tiff_frames;
    #[path = "../../../src/input/tsv.rs"]
    pub mod tsv;
    #[path = "../../../src/input/wire.rs"]
    pub mod wire;
}

pub mod runtime {
    #[path = "../../../src/runtime/tensor.rs"]
    pub mod tensor;
    pub use tensor::{Tensor, TensorValues};
}

pub mod scoring {
    #[path = "../../../src/scoring/activation.rs"]
    pub mod activation;
    #[path = "../../../src/scoring/file.rs"]
    pub mod file;
    #[path = "../../../src/scoring/gated.rs"]
    pub mod gated;
    #[path = "../../../src/scoring/libfann.rs"]
    pub mod libfann;
    #[path = "../../../src/scoring/network.rs"]
    pub mod network;
    #[path = "../../../src/scoring/random.rs"]
    pub mod random;
    #[path = "../../../src/scoring/spec.rs"]
    pub mod spec;
}

pub mod output {
    #[path = "../../../src/output/atomic.rs"]
    pub mod atomic;
    #[path = "../../../src/output/journal.rs"]
    pub mod journal;
}

pub mod quantize {
    #[path = "../../../src/quantize/npy.rs"]
    pub mod npy;
    #[path = "../../../src/quantize/onnx/mod.rs"]
    pub mod onnx;

    pub mod runner {
        pub type Tensors = std::collections::BTreeMap<String, crate::runtime::Tensor>;
    }
}
