//! Labelled data files: JSON Lines, one item per line; docs/evaluation.md has the formats.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::document::{BBox, Page, Ruling, TextSource, Word, WordStyle};
use crate::error::{Error, ErrorCode, Result};

/// `{"text", "label"}`: a sentence with its sentiment.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledText {
    /// The sentence.
    pub text: String,
    /// Its label.
    pub label: String,
    /// Items of one group (a document, a company) are not independent.
    #[serde(default, alias = "document")]
    pub group: Option<String>,
}

/// `{"title", "text", "label"}`: a section with its kind.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledSection {
    /// Heading.
    pub title: String,
    /// Beginning of its text.
    pub text: String,
    /// Its kind.
    pub label: String,
    /// As for texts.
    #[serde(default, alias = "document")]
    pub group: Option<String>,
}

/// `{"tokens", "tags"}`: words with BIO tags.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledWords {
    /// Words.
    pub tokens: Vec<String>,
    /// `O`, `B-TYPE` or `I-TYPE` for each.
    pub tags: Vec<String>,
    /// As for texts.
    #[serde(default, alias = "document")]
    pub group: Option<String>,
}

/// A page with a layout label for every word.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledPage {
    /// Width in points.
    pub width: f32,
    /// Height in points.
    pub height: f32,
    /// Page number.
    #[serde(default = "one")]
    pub page: u32,
    words: Vec<PageWord>,
    #[serde(default)]
    rulings: Vec<PageRuling>,
    #[serde(default)]
    images: Vec<BBox>,
    /// Label of each word; `null` where it is unknown.
    pub labels: Vec<Option<String>>,
    /// The 224 x 224 page image as PNG, relative to the data file.
    pub image: Option<PathBuf>,
    /// As for texts.
    #[serde(default, alias = "document")]
    pub group: Option<String>,
}

fn one() -> u32 {
    1
}

#[derive(Clone, Debug, Deserialize)]
struct PageWord {
    text: String,
    #[serde(alias = "box")]
    bbox: BBox,
    #[serde(default)]
    font_size: Option<f32>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    italic: bool,
    #[serde(default)]
    color: Option<[u8; 4]>,
    #[serde(default)]
    direction: u16,
}

#[derive(Clone, Debug, Deserialize)]
struct PageRuling {
    #[serde(alias = "box")]
    bbox: BBox,
    horizontal: bool,
}

impl LabelledPage {
    /// The page as a worker would have read it. Words without a font size take the height of their box.
    #[must_use]
    pub fn to_page(&self) -> Page {
        let words = self.words.iter().map(|word| Word {
            text: word.text.clone(),
            bbox: word.bbox,
            font_size: word.font_size.unwrap_or_else(|| word.bbox.height()),
            font: u16::MAX,
            style: WordStyle { bold: word.bold, italic: word.italic, ..WordStyle::default() },
            color: word.color.unwrap_or([0, 0, 0, 255]),
            direction: word.direction,
            confidence: None,
        });
        Page {
            number: self.page,
            width: self.width,
            height: self.height,
            rotation: 0,
            label: None,
            text_source: TextSource::TextLayer,
            text_source_reason: "labelled data".to_owned(),
            words: words.collect(),
            rulings: self
                .rulings
                .iter()
                .map(|ruling| Ruling { bbox: ruling.bbox, horizontal: ruling.horizontal })
                .collect(),
            images: self.images.clone(),
            pictures: Vec::new(),
            fonts: Vec::new(),
            controls: 0,
        }
    }
}

/// Reads every line of a data file.
///
/// # Errors
/// `data.invalid` with the line that is wrong.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let invalid = |message: String| Error::new(ErrorCode::DataInvalid, message).file(path);
    let file = File::open(path).map_err(|error| invalid("cannot open the data".to_owned()).because(error))?;
    let mut items = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line =
            line.map_err(|error| invalid(format!("line {}: cannot be read", index + 1)).because(error))?;
        if !line.trim().is_empty() {
            items.push(serde_json::from_str(&line).map_err(|error| {
                invalid(format!("line {}: not what this task needs", index + 1))
                    .because(error)
                    .help("docs/evaluation.md has the formats")
            })?);
        }
    }
    if items.is_empty() {
        return Err(invalid("there is nothing in it".to_owned()));
    }
    Ok(items)
}
