//! PDF documents through pdfium: the only place that names it.
//!
//! pdfium is one big global state without locks, so a process has one [`Library`], used by one thread; page
//! workers are processes.

mod bindings;
mod fonts;
mod geometry;
mod graphics;
mod hidden;
mod library;
mod render;
mod text;

pub(crate) use library::{Document, Library};
