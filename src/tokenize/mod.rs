//! Words and sentences to token windows that a model can read.
//!
//! Tokenizers come from `tokenizer.json` (byte-level BPE, WordPiece, Unigram), from a bare `vocab.txt` (WordPiece)
//! or from `vocab.json` and `merges.txt` (byte-level BPE). Token ids, offsets and boxes equal those of the Hugging
//! Face implementations; `fixtures/reference/tokenizers` holds the references and the script that made them.
//!
//! Nothing is truncated: what is longer than a model's sequence becomes several overlapping [`Window`]s, and every
//! word is answered by exactly one of them (see [`windows`]).

mod encoder;
mod load;
mod manager;
#[cfg(test)]
mod parity;
pub(crate) mod windows;

pub use encoder::{EncodedPage, EncodedText, Encoder};
pub use load::TokenizerSource;
pub use manager::TokenizerManager;
pub use windows::{Window, WindowLimits};
