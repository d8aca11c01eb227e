//! The built-in OCR: its models are found at once, and loaded when the first page needs them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::setup::{Setup, manager_settings};
use crate::config::{Config, OcrEngine, OcrModelSize, OcrPolicy};
use crate::document::{BBox, Word, WordStyle};
use crate::error::{Error, ErrorCode, Result};
use crate::inference::{DETECTOR_BYTES, InferenceOptions, OcrModel};
use crate::input::{GrayPicture, MayGoOn, PictureReader, PictureReading};
use crate::runtime::{
    BundleOptions, Device, Environment, ManagerSettings, Manifest, ModelBundle, ModelManager, Precision,
};

/// Sessions of the recogniser for each of the detector.
const DETECTOR_SHARE: usize = 4;

/// The models of the built-in OCR, found and not loaded.
#[derive(Clone, Debug)]
pub(super) struct OcrBundles {
    pub(super) size: OcrModelSize,
    pub(super) detector: ModelBundle,
    pub(super) recogniser: ModelBundle,
}

impl OcrBundles {
    /// The models that a configuration names; none where it reads no page with them.
    ///
    /// # Errors
    /// `model.not_found`, `model.checksum`.
    pub(super) fn find(config: &Config, manifest: Option<&Manifest>) -> Result<Option<Self>> {
        let analyze = &config.analyze;
        if analyze.ocr == OcrPolicy::Never || analyze.ocr_engine != OcrEngine::BuiltIn {
            return Ok(None);
        }
        let size = analyze.ocr_model;
        let folder = config.models_folder.join(size.folder());
        let open = |part: &str| {
            let options =
                BundleOptions { precision: Some(Precision::Fp32), manifest, ..BundleOptions::default() };
            ModelBundle::open(&folder.join(part), &options).map_err(|error| match (error.code(), size) {
                (ErrorCode::ModelNotFound, OcrModelSize::Small) => error.help(
                    "run `make ocr-small` in the source folder, or take the shipped model: --ocr-model tiny",
                ),
                (ErrorCode::ModelNotFound, OcrModelSize::Tiny) => error.help(
                    "copy the folder ocr of docproc's models into this models folder, or pass --ocr never or \
                     --ocr-engine tesseract",
                ),
                _ => error,
            })
        };
        Ok(Some(Self { size, detector: open("detector")?, recogniser: open("recogniser")? }))
    }
}

/// Sessions of the detector, of which each holds a lot of memory, beside so many of the recogniser, which takes most of
/// the time.
fn detectors(sessions: usize) -> usize {
    sessions.div_ceil(DETECTOR_SHARE)
}

/// Reads pictures with models that it loads for the first of them.
pub(super) struct BuiltInOcr {
    environment: Environment,
    settings: ManagerSettings,
    bundles: OcrBundles,
    options: InferenceOptions,
    /// What loading came to: tried once.
    model: OnceLock<std::result::Result<OcrModel, (ErrorCode, String)>>,
}

impl fmt::Debug for BuiltInOcr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuiltInOcr({:?})", self.bundles.size)
    }
}

impl BuiltInOcr {
    /// The reader of a setup; none if it does without.
    pub(super) fn of(setup: &Setup) -> Option<Arc<dyn PictureReader>> {
        Some(Arc::new(Self {
            environment: setup.environment.clone(),
            settings: setup.manager_settings(setup.provider),
            bundles: setup.ocr.clone()?,
            options: setup.shared.clone(),
            model: OnceLock::new(),
        }))
    }

    /// Bytes that reading pictures holds at its peak, beside what a session of each model is counted with.
    pub(super) fn memory(setup: &Setup) -> u64 {
        let sessions = detectors(setup.manager_settings(setup.provider).sessions) as u64;
        if setup.ocr.is_some() { DETECTOR_BYTES * sessions } else { 0 }
    }

    fn model(&self) -> Result<&OcrModel> {
        let load = || {
            let detecting =
                ManagerSettings { sessions: detectors(self.settings.sessions), ..self.settings.clone() };
            let detecting = ModelManager::new(self.environment.clone(), detecting);
            let recognising = ModelManager::new(self.environment.clone(), self.settings.clone());
            let OcrBundles { detector, recogniser, .. } = &self.bundles;
            let (detector, recogniser) = ((&detecting, detector), (&recognising, recogniser));
            OcrModel::open(detector, recogniser, self.options.clone())
        };
        let model = self.model.get_or_init(|| load().map_err(|error| (error.code(), error.to_string())));
        model.as_ref().map_err(|(code, message)| {
            Error::new(*code, format!("the models of the built-in OCR cannot be loaded: {message}"))
        })
    }
}

/// The built-in OCR of a configuration for what reads pages and loads no other model; none if the configuration does
/// without.
///
/// # Errors
/// `library.*`, `device.unavailable`, `model.not_found`, `model.checksum`.
pub fn picture_reader(config: &Config) -> Result<Option<Arc<dyn PictureReader>>> {
    let manifest = Manifest::read(&config.models_folder)?;
    let Some(bundles) = OcrBundles::find(config, manifest.as_ref())? else { return Ok(None) };
    let library = crate::config::native_library(crate::config::NativeLibrary::OnnxRuntime)?;
    let environment = Environment::load(&library)?;
    let device = config.analyze.device.parse::<Device>()?;
    let provider = device.resolve(&environment, config.optimization.enable_tensorrt)?.provider;
    Ok(Some(Arc::new(BuiltInOcr {
        settings: manager_settings(config, provider),
        environment,
        bundles,
        options: InferenceOptions::default(),
        model: OnceLock::new(),
    })))
}

impl PictureReader for BuiltInOcr {
    fn read(&self, picture: GrayPicture<'_>, turn: bool, may_go_on: MayGoOn<'_>) -> Result<PictureReading> {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let pixels = docproc_ocr::Picture::new(width, height, picture.pixels).ok_or_else(|| {
            Error::new(ErrorCode::ImageMalformed, "a picture for OCR has another size than it says")
        })?;
        let read = self.model()?.read(pixels, turn, may_go_on)?;
        Ok(PictureReading {
            words: read.words.into_iter().map(word).collect(),
            quarters: read.quarters,
            skew_degrees: read.skew_degrees,
            left_out: read.left_out,
        })
    }
}

/// A word as pages have it, in pixels.
fn word(read: docproc_ocr::Word) -> Word {
    let [x0, y0, x1, y1] = read.bbox;
    Word {
        text: read.text,
        bbox: BBox::new(x0, y0, x1, y1),
        font_size: read.font_size,
        font: u16::MAX,
        style: WordStyle {
            starts_line: read.starts_line,
            hyphenated: read.hyphenated,
            ..WordStyle::default()
        },
        color: [0, 0, 0, 255],
        direction: read.direction,
        confidence: Some(read.probability),
    }
}
