//! A model's folder in Hugging Face's ONNX layout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use docproc_hash::hex;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::parts::{self, Part, Weights, identity};
use crate::error::{Error, ErrorCode, Result};

/// Largest configuration file that is read.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Number format of a model's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point: `model.onnx`.
    Fp32,
    /// 8-bit integers: `model.int8.onnx`.
    Int8,
    /// 16-bit floating point: `model.fp16.onnx`.
    Fp16,
}

impl Precision {
    /// Its name in file names, configuration and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Int8 => "int8",
            Self::Fp16 => "fp16",
        }
    }

    /// File names that hold a model of this precision, ours first, then Optimum's and transformers.js'.
    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Fp32 => &["model.onnx"],
            Self::Int8 => &["model.int8.onnx", "model_quantized.onnx", "model_int8.onnx"],
            Self::Fp16 => &["model.fp16.onnx", "model_fp16.onnx"],
        }
    }
}

/// What the configuration says about a bundle beyond its place.
#[derive(Clone, Debug, Default)]
pub struct BundleOptions<'a> {
    /// Tokenizer file or folder, where it is not beside the model.
    pub tokenizer: Option<&'a Path>,
    /// Precision asked for; `None` takes the bundle's own choice.
    pub precision: Option<Precision>,
    /// Checksums to hold the files against.
    pub manifest: Option<&'a Manifest>,
}

/// A head of a model, as `config.json` names its calibration and labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Head {
    /// Word labels of a page.
    Layout,
    /// Sentiment of a text.
    Sentiment,
    /// Entity tags of tokens.
    Entity,
    /// Kind of a section.
    Section,
}

impl Head {
    /// Its key in `calibration` and `review_thresholds`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Layout => "layout",
            Self::Sentiment => "sentiment",
            Self::Entity => "entities",
            Self::Section => "section_kinds",
        }
    }
}

/// The parts of `config.json` that we read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BundleConfig {
    /// Architecture ("bert", "layoutlmv3").
    pub model_type: Option<String>,
    /// Labels by index.
    id2label: BTreeMap<String, String>,
    entity_id2label: BTreeMap<String, String>,
    section_id2label: BTreeMap<String, String>,
    /// Positions the model has embeddings for.
    pub max_position_embeddings: Option<usize>,
    /// Id of the padding token.
    pub pad_token_id: Option<u32>,
    /// Temperatures: per head a number or `{"temperature": t}`, or one `temperature` for all.
    calibration: BTreeMap<String, Value>,
    /// Probabilities below which a result deserves a second look, by [`Head::key`].
    pub review_thresholds: BTreeMap<String, f32>,
    /// Longest inputs in tokens, special tokens included, that the model was trained for.
    pub max_tokens: MaxTokens,
    /// Words after a section's title that the section head reads.
    pub section_words: Option<usize>,
    /// Precision that the bundle wants to be used in.
    docproc_precision: Option<Precision>,
    /// Tokens that windows of long inputs share; a quarter of the window if absent.
    pub window_overlap: Option<usize>,
}

impl BundleConfig {
    /// Labels of a head in the order of its outputs; empty if the configuration has none.
    #[must_use]
    pub fn labels(&self, head: Head) -> Arc<[String]> {
        let table = match head {
            Head::Layout | Head::Sentiment => &self.id2label,
            Head::Entity => &self.entity_id2label,
            Head::Section => &self.section_id2label,
        };
        let mut labels: Vec<(usize, &String)> =
            table.iter().filter_map(|(index, name)| Some((index.parse().ok()?, name))).collect();
        labels.sort_unstable();
        labels.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// `id2label` for a head that is the model's only one.
    #[must_use]
    pub fn only_labels(&self) -> Arc<[String]> {
        self.labels(Head::Sentiment)
    }

    /// Softmax temperature of a head, 1 if the bundle is not calibrated. Guo et al., "On Calibration of Modern
    /// Neural Networks", 2017.
    #[must_use]
    pub fn temperature(&self, head: Head) -> f32 {
        let number = |value: &Value| value.as_f64().or_else(|| value.get("temperature")?.as_f64());
        [head.key(), "temperature"]
            .into_iter()
            .find_map(|key| number(self.calibration.get(key)?))
            .filter(|temperature| temperature.is_finite() && *temperature > 0.0)
            .map_or(1.0, |temperature| temperature as f32)
    }

    /// Most tokens that one input may have: the positions there are, less the two that RoBERTa's numbering (also
    /// LayoutLMv3's) leaves unused.
    #[must_use]
    pub fn positions(&self) -> Option<usize> {
        let offset = match self.model_type.as_deref() {
            Some("layoutlmv3" | "roberta" | "xlm-roberta" | "camembert") => 2,
            _ => 0,
        };
        self.max_position_embeddings.map(|positions| positions.saturating_sub(offset))
    }
}

/// Lengths a model was trained for; windows are no longer than these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MaxTokens {
    /// Sentences.
    pub sentence: Option<usize>,
    /// Section titles with the beginning of their text.
    pub section: Option<usize>,
}

/// `preprocessor_config.json`: how a page image becomes pixel values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct PreprocessorConfig {
    /// Whether values are multiplied by `rescale_factor`.
    pub do_rescale: bool,
    /// Usually 1/255.
    pub rescale_factor: f64,
    /// Whether mean and standard deviation are applied.
    pub do_normalize: bool,
    /// Mean per channel: red, green, blue.
    pub image_mean: [f64; 3],
    /// Standard deviation per channel.
    pub image_std: [f64; 3],
    /// Edge lengths of the image.
    pub size: ImageSize,
}

/// Size of the image that a model takes, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ImageSize {
    /// Height.
    pub height: u32,
    /// Width.
    pub width: u32,
}

impl Default for PreprocessorConfig {
    /// LayoutLMv3's: 224 by 224, mean and standard deviation 0.5.
    fn default() -> Self {
        Self {
            do_rescale: true,
            rescale_factor: 1.0 / 255.0,
            do_normalize: true,
            image_mean: [0.5; 3],
            image_std: [0.5; 3],
            size: ImageSize { height: 224, width: 224 },
        }
    }
}

/// A model with everything that belongs to it, not loaded yet.
#[derive(Clone, Debug)]
pub struct ModelBundle {
    /// Name: that of the folder, or of the file where it lies among others.
    pub name: String,
    /// The graph.
    pub model: PathBuf,
    /// Its number format, by its file name.
    pub precision: Precision,
    /// Checksum of the weights: of the graph, or of the list of graph and data files where weights lie beside it.
    pub sha256: String,
    /// Checksum of everything that the model's answers depend on: weights, configuration, tokenizer.
    pub identity: String,
    /// Whether weights lie in data files beside the graph.
    pub has_data_files: bool,
    /// Whether the graph scales activations by the range of the whole batch. The operator's name stands in the file
    /// as it is; finding it elsewhere, in a comment, only makes caching more careful than it needs to be.
    pub scales_by_batch: bool,
    /// Where to look for the tokenizer.
    pub tokenizer: PathBuf,
    /// `config.json`, or defaults.
    pub config: BundleConfig,
    /// `preprocessor_config.json`, or LayoutLMv3's defaults.
    pub preprocessor: PreprocessorConfig,
    /// All of its files but those of the weights.
    others: Vec<Part>,
}

impl ModelBundle {
    /// Opens a bundle: a folder, or one `.onnx` file of it.
    ///
    /// Beside a file `models/x.onnx`, the folder `models/x` is looked into for configuration and tokenizer first;
    /// where the file does not exist but that folder does, the folder is the bundle. This makes the paths of the
    /// original design's example configuration work.
    ///
    /// # Errors
    /// `model.not_found` if there is no model (or none in the precision asked for), `model.invalid` if a
    /// configuration file cannot be parsed, `model.checksum` if a file is not the manifest's.
    pub fn open(path: &Path, options: &BundleOptions<'_>) -> Result<Self> {
        let stem_folder = (path.extension().is_some_and(|extension| extension == "onnx"))
            .then(|| path.with_extension(""))
            .filter(|folder| folder.is_dir());
        let mut folders: Vec<PathBuf> = Vec::new();
        let (model, precision, name) = if path.is_file() {
            let parent = match path.parent() {
                Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
                parent => parent.map(Path::to_owned).unwrap_or_default(),
            };
            let own_folder = Precision::Fp32.files().iter().any(|file| path.ends_with(file))
                || precision_of(path) != Precision::Fp32;
            let name = if own_folder { file_name(&parent) } else { file_stem(path) };
            folders.extend(stem_folder);
            folders.push(parent);
            (path.to_owned(), precision_of(path), name)
        } else {
            let folder = if path.is_dir() { Some(path.to_owned()) } else { stem_folder };
            let folder = folder.ok_or_else(|| {
                Error::new(ErrorCode::ModelNotFound, "there is no model here")
                    .file(path)
                    .help("give a folder with model.onnx, or the .onnx file; `docproc models list` shows what there is")
            })?;
            let wanted = match options.precision {
                Some(precision) => Some(precision),
                None => {
                    read_json::<BundleConfig>(std::slice::from_ref(&folder), "config.json", options.manifest)?
                        .0
                        .docproc_precision
                }
            };
            let (model, precision) = choose(&folder, wanted, options.precision.is_some())?;
            let name = file_name(&folder);
            folders.push(folder);
            (model, precision, name)
        };
        if let Some(tokenizer) = options.tokenizer {
            folders.extend(tokenizer.parent().map(Path::to_owned));
        }
        let weights = Weights::read(&model, options.manifest)?;
        let tokenizer = match options.tokenizer {
            Some(tokenizer) => tokenizer.to_owned(),
            None => folders
                .iter()
                .find(|folder| {
                    ["tokenizer.json", "vocab.txt", "vocab.json"]
                        .iter()
                        .any(|name| folder.join(name).is_file())
                })
                .unwrap_or(&folders[0])
                .clone(),
        };
        let (config, mut others) = read_json(&folders, "config.json", options.manifest)?;
        let (preprocessor, part) = read_json(&folders, "preprocessor_config.json", options.manifest)?;
        others.extend(part);
        others.extend(parts::tokenizer(&tokenizer, options.manifest)?);
        Ok(Self {
            name,
            model,
            precision,
            sha256: weights.sha256(),
            identity: identity(weights.parts.iter().chain(&others)),
            has_data_files: weights.are_external(),
            scales_by_batch: weights.scales_by_batch,
            tokenizer,
            config,
            preprocessor,
            others,
        })
    }

    /// This bundle with another graph: a variant that lies elsewhere.
    ///
    /// # Errors
    /// `model.not_found` or `model.invalid` if it cannot be read.
    pub fn with_graph(&self, model: &Path, precision: Precision) -> Result<Self> {
        let weights = Weights::read(model, None)?;
        Ok(Self {
            model: model.to_owned(),
            precision,
            sha256: weights.sha256(),
            identity: identity(weights.parts.iter().chain(&self.others)),
            has_data_files: weights.are_external(),
            scales_by_batch: weights.scales_by_batch,
            ..self.clone()
        })
    }
}

fn file_name(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn file_stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn precision_of(path: &Path) -> Precision {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    if name.contains("int8") || name.contains("quantized") {
        Precision::Int8
    } else if name.contains("fp16") {
        Precision::Fp16
    } else {
        Precision::Fp32
    }
}

/// The model file for a precision: exactly that one where the user asked for it, else the first there is.
fn choose(folder: &Path, wanted: Option<Precision>, strict: bool) -> Result<(PathBuf, Precision)> {
    let find = |precision: Precision| {
        precision
            .files()
            .iter()
            .map(|name| folder.join(name))
            .find(|file| file.is_file())
            .map(|file| (file, precision))
    };
    if let Some(precision) = wanted {
        if let Some(found) = find(precision) {
            return Ok(found);
        }
        if strict {
            return Err(Error::new(
                ErrorCode::ModelNotFound,
                format!("the model has no {} variant", precision.as_str()),
            )
            .file(folder)
            .help(format!(
                "make {} with `docproc quantize`, or turn quantization off",
                precision.files()[0]
            )));
        }
    }
    [Precision::Fp32, Precision::Int8, Precision::Fp16].into_iter().find_map(find).ok_or_else(|| {
        Error::new(ErrorCode::ModelNotFound, "there is no model.onnx in this folder")
            .file(folder)
            .help("a bundle holds model.onnx, or a variant such as model.int8.onnx")
    })
}

/// Parses the file of this name from the first folder that has it; defaults where none has.
fn read_json<T: for<'de> Deserialize<'de> + Default>(
    folders: &[PathBuf],
    name: &str,
    manifest: Option<&Manifest>,
) -> Result<(T, Vec<Part>)> {
    let Some(path) = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()) else {
        return Ok(Default::default());
    };
    let invalid = |message: &str| Error::new(ErrorCode::ModelInvalid, message).file(&path);
    let size = fs::metadata(&path).map_err(|error| invalid("the file cannot be read").because(error))?.len();
    if size > MAX_CONFIG_BYTES {
        return Err(invalid("the file is too large for a configuration"));
    }
    let bytes = fs::read(&path).map_err(|error| invalid("the file cannot be read").because(error))?;
    let part = Part::new(&path, hex(&Sha256::digest(&bytes)), manifest)?;
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| invalid("the file cannot be parsed").because(error))?;
    Ok((value, vec![part]))
}
