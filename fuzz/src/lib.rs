//! The parsers of untrusted bytes, compiled from the program's own files, each in its room.
#![allow(dead_code, unused_imports, unsafe_code, missing_docs, clippy::all)]

pub mod entry;

pub use docproc_error as error;

#[path = "../../src/document/mod.rs"]
pub mod document;

#[path = "../../src/config/mod.rs"]
pub mod config;

#[path = "../../src/input"]
pub mod input {
    pub mod coverage;
    pub mod decide;
    pub mod image_file;
    pub mod jpeg2000;
    pub mod media;
    pub mod picture;
    pub mod protocol;
    pub mod raster;
    pub mod resize;
    pub mod resolution;
    pub mod segment;
    pub mod shm;
    pub mod tiff_fax;
    pub mod tiff_frames;
    pub mod tsv;
    pub mod wire;
}

#[path = "../../src/runtime"]
pub mod runtime {
    pub mod buffers;
    pub mod cache;
    pub mod disk_cache;
}

#[path = "../../src/output/mod.rs"]
pub mod output;
