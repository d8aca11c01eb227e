//! Page words, page images and sentences to typed predictions: layout labels, sentiment, entities, section kinds.

mod batch;
mod bio;
#[cfg(test)]
mod full_size;
mod heads;
mod layout;
mod ocr;
#[cfg(test)]
mod ocr_reference;
mod options;
mod pixels;
mod probabilities;
#[cfg(test)]
mod reference;
mod text;

pub use batch::Batch;
pub use layout::{LayoutModel, PageInput, PageWords};
pub use ocr::{DETECTOR_BYTES, OcrModel, PictureText};
pub use options::InferenceOptions;
pub use pixels::ImageView;
pub use text::TextModel;
