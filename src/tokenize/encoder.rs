//! Encoding of page words and of running text.

use std::collections::BTreeMap;
use std::ops::Range;

use tokenizers::tokenizer::{Encoding, PostProcessor, Token};
use tokenizers::{Tokenizer, TokenizerImpl, TruncationDirection};

use super::load::{TokenizerSource, for_words};
use super::windows::{Sequence, SpecialTokens, Window, WindowLimits, cut};
use crate::document::without_raised;
use crate::error::{Error, ErrorCode, Result};

/// A tokenizer ready for page words and for running text.
#[derive(Debug)]
pub struct Encoder {
    text: Tokenizer,
    /// The same with a space before each word, where the pre-tokenizer needs telling.
    words: Option<Tokenizer>,
    special: SpecialTokens,
    pad: u32,
    name: String,
}

/// The windows of one page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedPage {
    /// Windows in reading order; empty for a page without words.
    pub windows: Vec<Window>,
    /// Number of words given.
    pub words: usize,
    /// Words that the tokenizer turns into no token at all (control characters, for instance), in order. No window
    /// answers for them.
    pub without_tokens: Vec<u32>,
}

/// The windows of one text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedText {
    /// Windows in text order; at least one.
    pub windows: Vec<Window>,
    /// Byte range of each word, in text order and without white space; the windows' word indices point in here. A
    /// word is one piece of the tokenizer's pre-tokenizer: for BERT a run of letters and digits, or one punctuation
    /// mark.
    pub words: Vec<Range<usize>>,
}

impl EncodedText {
    /// Tokens over all windows, special tokens included and overlaps counted twice.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.windows.iter().map(Window::len).sum()
    }
}

impl Encoder {
    /// Loads the tokenizer. [`super::TokenizerManager::load`] shares the result.
    ///
    /// # Errors
    /// `tokenizer.invalid` if a file cannot be read or parsed.
    pub fn new(source: &TokenizerSource) -> Result<Self> {
        let text = source.build()?;
        let words = for_words(&text);
        let special = special_tokens(&text).map_err(|error| {
            Error::new(ErrorCode::TokenizerInvalid, "its post-processor cannot be used")
                .file(source.path())
                .because(error)
        })?;
        let pad = ["[PAD]", "<pad>", "<|endoftext|>"].iter().find_map(|token| text.token_to_id(token));
        Ok(Self { text, words, special, pad: pad.unwrap_or(0), name: source.path().display().to_string() })
    }

    /// Id of the padding token, 0 if the vocabulary has none.
    #[must_use]
    pub fn pad_id(&self) -> u32 {
        self.pad
    }

    /// Number of ids, added tokens included.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.text.get_vocab_size(true)
    }

    /// Windows of a page's words with their LayoutLM boxes (`[x0, y0, x1, y1]`, clamped to 0..=1000).
    ///
    /// Every word is tokenized by itself, as Hugging Face's tokenizers do with pre-tokenized input. No words give
    /// no windows.
    ///
    /// # Errors
    /// `tokenizer.invalid` if the tokenizer refuses a word, `config.invalid` if the limits leave no room.
    pub fn encode_page<'w>(
        &self,
        words: impl Iterator<Item = (&'w str, [i64; 4])>,
        limits: WindowLimits,
    ) -> Result<EncodedPage> {
        let tokenizer = self.words.as_ref().unwrap_or(&self.text);
        // Pages repeat words; the ids of each are looked up once.
        let mut known: BTreeMap<&'w str, Range<usize>> = BTreeMap::new();
        let mut known_ids: Vec<u32> = Vec::new();
        let mut sequence = Sequence::default();
        let mut page = EncodedPage::default();
        for (index, (word, bbox)) in words.enumerate() {
            let index = u32::try_from(index).map_err(|_| {
                Error::new(ErrorCode::PageTooLarge, "a page has more words than can be counted")
            })?;
            let range = match known.get(word) {
                Some(range) => range.clone(),
                None => {
                    // Layout models know marks as the digits that text layers have for them.
                    let plain = without_raised(word);
                    let encoding =
                        tokenizer.encode_fast(plain.as_ref(), false).map_err(|error| self.refused(error))?;
                    let start = known_ids.len();
                    known_ids.extend_from_slice(encoding.get_ids());
                    known.insert(word, start..known_ids.len());
                    start..known_ids.len()
                }
            };
            if range.is_empty() {
                page.without_tokens.push(index);
            }
            // Clamped first, so the conversion cannot fail.
            let bbox = bbox.map(|value| u16::try_from(value.clamp(0, 1000)).unwrap_or(0));
            for id in &known_ids[range] {
                sequence.ids.push(*id);
                sequence.words.push(Some(index));
                sequence.boxes.push(bbox);
            }
            page.words += 1;
        }
        if !sequence.ids.is_empty() {
            page.windows = cut(&sequence, &self.special, limits)?;
        }
        Ok(page)
    }

    /// Windows of a text, with the byte range of every word. An empty text gives one window of special tokens.
    ///
    /// # Errors
    /// `tokenizer.invalid` if the tokenizer refuses the text, `config.invalid` if the limits leave no room.
    pub fn encode_text(&self, text: &str, limits: WindowLimits) -> Result<EncodedText> {
        let encoding = self.text.encode(text, false).map_err(|error| self.refused(error))?;
        let mut sequence = Sequence { ids: encoding.get_ids().to_vec(), ..Sequence::default() };
        let mut words: Vec<Range<usize>> = Vec::new();
        let mut current = None;
        for (&word, &(start, end)) in encoding.get_word_ids().iter().zip(encoding.get_offsets()) {
            // Byte-level and SentencePiece tokens may begin with the space before their word.
            let piece = text.get(start..end).unwrap_or_default();
            let start = end - piece.trim_start().len().min(end);
            if word.is_none() || start == end {
                sequence.words.push(None);
                continue;
            }
            match words.last_mut() {
                Some(range) if current == word => range.end = range.end.max(end),
                _ => words.push(start..end),
            }
            current = word;
            sequence.words.push(u32::try_from(words.len() - 1).ok());
        }
        Ok(EncodedText { windows: cut(&sequence, &self.special, limits)?, words })
    }

    /// One window of two texts, the second cut to fit `max_tokens`: the input of heads that judge the beginning of
    /// something under its title. No word is answered for.
    ///
    /// # Errors
    /// `tokenizer.invalid` if the tokenizer refuses a text.
    pub fn encode_pair(&self, first: &str, second: &str, max_tokens: usize) -> Result<Window> {
        let encode = |text: &str| self.text.encode(text, false).map_err(|error| self.refused(error));
        let (mut first, mut second) = (encode(first)?, encode(second)?);
        let special = self.special.before.len() + 2 * self.special.after.len();
        let room = max_tokens.saturating_sub(special);
        first.truncate(room, 0, TruncationDirection::Right);
        second.truncate(room - first.len(), 0, TruncationDirection::Right);
        // What was cut off is kept by the library as overflow; it is not wanted here.
        first.take_overflowing();
        second.take_overflowing();
        let joined =
            self.text.post_process(first, Some(second), true).map_err(|error| self.refused(error))?;
        let ids = joined.get_ids().to_vec();
        let second_segment =
            joined.get_type_ids().iter().position(|&segment| segment == 1).unwrap_or(ids.len());
        let mut window = Window::of_ids(ids);
        window.second_segment = second_segment;
        Ok(window)
    }

    /// Token ids of a text with their byte offsets, special tokens (offset 0..0) included and nothing cut.
    ///
    /// # Errors
    /// `tokenizer.invalid` if the tokenizer refuses the text.
    #[cfg(test)]
    pub(super) fn ids_and_offsets(&self, text: &str) -> Result<(Vec<u32>, Vec<tokenizers::Offsets>)> {
        let encoding = self.text.encode(text, true).map_err(|error| self.refused(error))?;
        Ok((encoding.get_ids().to_vec(), encoding.get_offsets().to_vec()))
    }

    fn refused(&self, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
        Error::new(ErrorCode::TokenizerInvalid, "cannot tokenize this text")
            .part(self.name.clone())
            .because(error)
    }
}

/// Special tokens that the post-processor puts around a sequence, found by processing a sequence of one token.
fn special_tokens(tokenizer: &Tokenizer) -> tokenizers::Result<SpecialTokens> {
    let marker = Encoding::from_tokens(vec![Token::new(u32::MAX, "x".into(), (0, 1))], 0);
    let processed = match tokenizer.get_post_processor() {
        Some(processor) => processor.process(marker, None, true)?,
        None => TokenizerImpl::post_process(tokenizer, marker, None, true)?,
    };
    let ids = processed.get_ids();
    let at = ids.iter().position(|&id| id == u32::MAX).unwrap_or(ids.len());
    Ok(SpecialTokens {
        before: ids[..at].to_vec(),
        after: ids.get(at + 1..).map(<[u32]>::to_vec).unwrap_or_default(),
    })
}
