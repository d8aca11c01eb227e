//! PDF documents through pdfium: the only place that names it.
//!
//! pdfium is one big global state without locks, so a process has one [`Library`], used by one thread; page
//! workers are processes. The raw bindings of the crate are used: its safe wrapper converts images slowly and
//! takes many calls per character.

mod annotations;
mod fonts;
mod geometry;
mod graphics;
mod hidden;
mod library;
mod render;
mod text;
mod words;

use library::{Bindings, LoadedPage, page_image};
pub(crate) use library::{Document, Library};
