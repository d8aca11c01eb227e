//! What is measured, one by one.

use super::flops::Operations;
use crate::error::Result;

/// Something that can be done again and again.
pub trait Workload {
    /// What must be done before a run and does not count.
    ///
    /// # Errors
    /// What it uses says.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// Once more.
    ///
    /// # Errors
    /// What it uses says.
    fn run(&mut self) -> Result<()>;

    /// Seconds of the last run, where that is not all the time that passed.
    fn seconds(&self) -> Option<f64> {
        None
    }

    /// How much one run does.
    fn size(&self) -> Size {
        Size::default()
    }
}

/// How much one run of a workload does.
#[derive(Clone, Debug, Default)]
pub struct Size {
    /// Number of items (sentences, pages, samples).
    pub items: f64,
    /// Tokens in them, special tokens included and padding not, where there are any.
    pub tokens: Option<f64>,
    /// Multiplications and additions in matrix products, where they are counted.
    pub operations: Option<Operations>,
    /// Threads that work on it, as far as the limit of the machine is concerned.
    pub threads: usize,
    /// The setting that was chosen by trying.
    pub setting: Option<usize>,
}

/// A workload that can be made.
pub struct Plan<'a> {
    /// Its name, unique.
    pub name: String,
    /// Workloads of a group run in turn and are compared with the first.
    pub group: String,
    /// What throughput counts.
    pub unit: &'static str,
    /// Makes it; takes the setting of an earlier trial, if there was one.
    pub make: Box<dyn Fn(Option<usize>) -> Result<Box<dyn Workload + 'a>> + 'a>,
}

/// A workload that is one function.
pub struct Function<'a> {
    /// The function.
    pub call: Box<dyn FnMut() -> Result<()> + 'a>,
    /// What a call does.
    pub size: Size,
}

impl Workload for Function<'_> {
    fn run(&mut self) -> Result<()> {
        (self.call)()
    }

    fn size(&self) -> Size {
        self.size.clone()
    }
}
