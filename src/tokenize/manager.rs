//! One tokenizer per file, shared.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::encoder::Encoder;
use super::load::TokenizerSource;
use crate::error::Result;

type Slot = Arc<OnceLock<Arc<Encoder>>>;

/// Loads tokenizers on first use and shares them: one copy per file, however many models and threads use it.
#[derive(Debug, Default)]
pub struct TokenizerManager {
    loaded: Mutex<BTreeMap<TokenizerSource, Slot>>,
}

impl TokenizerManager {
    /// A manager that has loaded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tokenizer built from `source`, loaded now if nobody has asked for it before.
    ///
    /// # Errors
    /// `tokenizer.invalid` if it cannot be loaded; a later call tries again.
    pub fn load(&self, source: &TokenizerSource) -> Result<Arc<Encoder>> {
        let slot = {
            // A panic elsewhere leaves the map whole: slots are only ever added.
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(loaded.entry(source.clone()).or_default())
        };
        if let Some(encoder) = slot.get() {
            return Ok(Arc::clone(encoder));
        }
        // Two first callers may both build; one result is kept.
        let built = Arc::new(Encoder::new(source)?);
        Ok(Arc::clone(slot.get_or_init(|| built)))
    }
}
