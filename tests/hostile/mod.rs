//! Hostile documents from a seed, and what must hold when docproc reads them.
//!
//! The same files, whatever the machine: nothing here depends on a crate's random numbers or on time.

mod images;
mod mutate;
pub mod pdf;
mod pdf_bombs;
mod random;
mod run;

pub use mutate::mutations;
pub use random::Random;
pub use run::{Report, Run, many_cores};

/// How large the bombs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Seconds in a debug build.
    Quick,
    /// As large as a file from outside may be.
    Full,
}

impl Scale {
    /// One of two sizes.
    pub fn pick(self, quick: usize, full: usize) -> usize {
        if self == Self::Quick { quick } else { full }
    }
}

/// A file with its name.
pub type Named = (String, Vec<u8>);

/// Every bomb.
pub fn bombs(scale: Scale) -> Vec<Named> {
    let mut all = pdf_bombs::all(scale);
    all.extend(images::all(scale));
    all
}
