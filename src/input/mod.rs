//! Files to pages: discovery, page workers and their supervisor, pdfium, images, OCR, words.

mod discover;
mod media;

pub use discover::{DiscoverOptions, Discovered, Input, InputSource, discover, parse_file_list};
pub use media::MediaType;
