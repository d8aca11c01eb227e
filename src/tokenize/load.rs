//! Building a tokenizer from the files that models come with.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::models::bpe::BPE;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::error::{Error, ErrorCode, Result};

/// Largest tokenizer file that is read, in bytes; multilingual Unigram files are about 17 MB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The file, or pair of files, a tokenizer is built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenizerSource {
    /// A Hugging Face `tokenizer.json`.
    Json(PathBuf),
    /// A WordPiece vocabulary, one token per line.
    VocabTxt(PathBuf),
    /// A byte-level BPE vocabulary (`vocab.json`); `merges.txt` lies beside it.
    VocabJson(PathBuf),
}

impl TokenizerSource {
    /// The tokenizer at `path`: a file, or a folder that holds `tokenizer.json`, `vocab.txt`, or `vocab.json` with
    /// `merges.txt` (looked for in this order).
    ///
    /// # Errors
    /// `tokenizer.invalid` if there is none.
    pub fn find(path: &Path) -> Result<Self> {
        let by_name = |file: PathBuf| {
            let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase())?;
            if name.ends_with("vocab.json") {
                Some(Self::VocabJson(file))
            } else if name.ends_with(".json") {
                Some(Self::Json(file))
            } else if name.ends_with(".txt") {
                Some(Self::VocabTxt(file))
            } else {
                None
            }
        };
        let found = if path.is_dir() {
            ["tokenizer.json", "vocab.txt", "vocab.json"]
                .into_iter()
                .map(|name| path.join(name))
                .find(|file| file.is_file())
                .and_then(by_name)
        } else if path.is_file() {
            by_name(path.to_owned())
        } else {
            None
        };
        found.ok_or_else(|| {
            Error::new(
                ErrorCode::TokenizerInvalid,
                "there is no tokenizer.json, vocab.txt or vocab.json here",
            )
            .file(path)
            .help("put the tokenizer of the model beside it, or name it with the key `tokenizer`")
        })
    }

    /// The main file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Json(path) | Self::VocabTxt(path) | Self::VocabJson(path) => path,
        }
    }

    /// Builds the tokenizer, without truncation or padding.
    ///
    /// # Errors
    /// `tokenizer.invalid` if a file cannot be read or parsed.
    pub(super) fn build(&self) -> Result<Tokenizer> {
        let mut tokenizer = match self {
            Self::Json(path) => Tokenizer::from_bytes(read(path)?)
                .map_err(|error| invalid(path, "cannot be parsed", error))?,
            Self::VocabTxt(path) => word_piece(path)?,
            Self::VocabJson(path) => byte_level_bpe(path)?,
        };
        tokenizer
            .with_truncation(None)
            .map_err(|error| invalid(self.path(), "cannot be used without truncation", error))?;
        tokenizer.with_padding(None);
        Ok(tokenizer)
    }
}

/// The keys of `tokenizer_config.json` that change how a bare vocabulary is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct VocabularyConfig {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    add_prefix_space: Option<bool>,
}

impl VocabularyConfig {
    /// Reads `tokenizer_config.json` beside a vocabulary; no file means defaults.
    fn beside(path: &Path) -> Result<Self> {
        let file = path.with_file_name("tokenizer_config.json");
        if !file.is_file() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&read(&file)?).map_err(|error| invalid(&file, "cannot be parsed", error))
    }
}

/// WordPiece with BERT's normaliser and pre-tokenizer, as transformers' `BertTokenizerFast` builds it; lower-cased
/// unless `tokenizer_config.json` says otherwise.
fn word_piece(path: &Path) -> Result<Tokenizer> {
    let settings = VocabularyConfig::beside(path)?;
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| invalid(path, "is not UTF-8", error))?;
    let mut vocabulary = tokenizers::models::wordpiece::WordPiece::read_bytes(b"")
        .map_err(|error| invalid(path, "cannot be used", error))?;
    for (index, line) in text.lines().enumerate() {
        let id = u32::try_from(index).map_err(|error| invalid(path, "has too many lines", error))?;
        vocabulary.insert(line.to_owned(), id);
    }
    for token in ["[UNK]", "[CLS]", "[SEP]", "[PAD]"] {
        if !vocabulary.contains_key(token) {
            return Err(Error::new(ErrorCode::TokenizerInvalid, format!("the vocabulary has no {token}"))
                .file(path)
                .help("a bare vocabulary must be a BERT one; for others give tokenizer.json"));
        }
    }
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token("[UNK]".into())
        .build()
        .map_err(|error| invalid(path, "is not a WordPiece vocabulary", error))?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer
        .with_normalizer(Some(BertNormalizer::new(
            true,
            settings.tokenize_chinese_chars.unwrap_or(true),
            settings.strip_accents,
            settings.do_lower_case.unwrap_or(true),
        )))
        .map_err(|error| invalid(path, "cannot be normalised", error))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    add_special_tokens(&mut tokenizer, path, &["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"])?;
    let (sep, cls) = (special(&tokenizer, "[SEP]", path)?, special(&tokenizer, "[CLS]", path)?);
    tokenizer.with_post_processor(Some(BertProcessing::new(sep, cls)));
    Ok(tokenizer)
}

/// Byte-level BPE as transformers' `RobertaTokenizerFast` builds it from `vocab.json` and `merges.txt`.
fn byte_level_bpe(path: &Path) -> Result<Tokenizer> {
    let settings = VocabularyConfig::beside(path)?;
    let merges = path.with_file_name("merges.txt");
    let (vocabulary, merges) =
        BPE::read_file(&path.to_string_lossy(), &merges.to_string_lossy()).map_err(|error| {
            invalid(path, "and merges.txt beside it are not a byte-level BPE vocabulary", error)
        })?;
    let model = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .build()
        .map_err(|error| invalid(path, "is not a BPE vocabulary", error))?;
    let mut tokenizer = Tokenizer::new(model);
    let prefix = settings.add_prefix_space.unwrap_or(false);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::default().add_prefix_space(prefix)));
    if tokenizer.token_to_id("<s>").is_some() && tokenizer.token_to_id("</s>").is_some() {
        add_special_tokens(&mut tokenizer, path, &["<s>", "<pad>", "</s>", "<unk>", "<mask>"])?;
        let (sep, cls) = (special(&tokenizer, "</s>", path)?, special(&tokenizer, "<s>", path)?);
        tokenizer.with_post_processor(Some(RobertaProcessing::new(sep, cls).add_prefix_space(prefix)));
    }
    Ok(tokenizer)
}

/// Marks the special tokens that the vocabulary holds, so that they are not split.
fn add_special_tokens(tokenizer: &mut Tokenizer, path: &Path, tokens: &[&str]) -> Result<()> {
    let known: Vec<AddedToken> = tokens
        .iter()
        .filter(|token| tokenizer.token_to_id(token).is_some())
        .map(|token| AddedToken::from((*token).to_owned(), true))
        .collect();
    tokenizer
        .add_special_tokens(known)
        .map(drop)
        .map_err(|error| invalid(path, "has special tokens that cannot be used", error))
}

fn special(tokenizer: &Tokenizer, token: &str, path: &Path) -> Result<(String, u32)> {
    let id = tokenizer.token_to_id(token).ok_or_else(|| {
        Error::new(ErrorCode::TokenizerInvalid, format!("the vocabulary has no {token}")).file(path)
    })?;
    Ok((token.to_owned(), id))
}

/// A copy for words that stand alone: a byte-level pre-tokenizer puts a space before each, as transformers'
/// LayoutLMv3 tokenizer does. `None` if the tokenizer can be used for words as it is.
pub(super) fn for_words(tokenizer: &Tokenizer) -> Option<Tokenizer> {
    fn with_prefix(part: &PreTokenizerWrapper) -> Option<PreTokenizerWrapper> {
        match part {
            PreTokenizerWrapper::ByteLevel(byte_level) if !byte_level.add_prefix_space => {
                Some(PreTokenizerWrapper::ByteLevel(byte_level.add_prefix_space(true)))
            }
            PreTokenizerWrapper::Sequence(parts) => {
                let mut parts: Vec<PreTokenizerWrapper> = parts.as_ref().to_vec();
                let position =
                    parts.iter().position(|part| matches!(part, PreTokenizerWrapper::ByteLevel(_)))?;
                parts[position] = with_prefix(&parts[position])?;
                Some(PreTokenizerWrapper::Sequence(tokenizers::pre_tokenizers::sequence::Sequence::new(
                    parts,
                )))
            }
            _ => None,
        }
    }
    let changed = with_prefix(tokenizer.get_pre_tokenizer()?)?;
    let mut copy = tokenizer.clone();
    copy.with_pre_tokenizer(Some(changed));
    Some(copy)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(path).map_err(|error| invalid(path, "cannot be read", error))?.len();
    if size > MAX_FILE_BYTES {
        return Err(Error::new(
            ErrorCode::TokenizerInvalid,
            format!("{size} bytes are too many for a tokenizer"),
        )
        .file(path));
    }
    fs::read(path).map_err(|error| invalid(path, "cannot be read", error))
}

fn invalid(path: &Path, what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorCode::TokenizerInvalid, what).file(path).because(error)
}
