//! Which file of a bundle is run: its own, or a quantised variant that was made at first use and lies in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{Model, QuantizationMode, cache_folder};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::kept::note_use;
use crate::runtime::{BundleOptions, Manifest, ModelBundle, Precision};

/// A variant that the configuration asks for and the bundle does not have.
#[derive(Clone, Debug)]
pub struct PendingVariant {
    /// The bundle with its float graph.
    pub source: ModelBundle,
    /// The mode asked for.
    pub mode: QuantizationMode,
    /// Its number format.
    pub precision: Precision,
    /// Where the variant belongs, and is once it has been made.
    pub file: PathBuf,
}

/// Opens the bundle that the configuration names, in the precision it asks for: the bundle's own file, or the variant
/// in the cache.
///
/// # Errors
/// Those of [`ModelBundle::open`]; `model.not_found` if the variant was not made yet.
pub fn open_bundle(model: &Model, manifest: Option<&Manifest>) -> Result<ModelBundle> {
    let Some(mode) = model.quantization() else { return open(model, None, manifest) };
    match look(model, mode, manifest)? {
        Found::Own(bundle) => Ok(*bundle),
        Found::Elsewhere(pending) if pending.file.is_file() => {
            note_use(&pending.file);
            pending.source.with_graph(&pending.file, pending.precision)
        }
        Found::Elsewhere(pending) => Err(Error::new(
            ErrorCode::ModelNotFound,
            format!("the model has no {} variant yet", pending.precision.as_str()),
        )
        .file(&pending.source.model)
        .help("`docproc analyze` makes it at first use; or make it with `docproc quantize`")),
    }
}

/// The variant that must be made before [`open_bundle`] can open it; `None` if all is there.
///
/// # Errors
/// Those of [`ModelBundle::open`]; `model.not_found` without a cache folder.
pub fn pending_variant(model: &Model, manifest: Option<&Manifest>) -> Result<Option<PendingVariant>> {
    let Some(mode) = model.quantization() else { return Ok(None) };
    Ok(match look(model, mode, manifest)? {
        Found::Elsewhere(pending) if !pending.file.is_file() => Some(*pending),
        _ => None,
    })
}

enum Found {
    Own(Box<ModelBundle>),
    Elsewhere(Box<PendingVariant>),
}

fn look(model: &Model, mode: QuantizationMode, manifest: Option<&Manifest>) -> Result<Found> {
    let precision = match mode {
        QuantizationMode::Dynamic | QuantizationMode::Int8 | QuantizationMode::Qat => Precision::Int8,
        QuantizationMode::Fp16 => Precision::Fp16,
    };
    let missing = match open(model, Some(precision), manifest) {
        // A path that names a file opens that file, whatever its precision.
        Ok(bundle) if bundle.precision == precision => return Ok(Found::Own(Box::new(bundle))),
        Ok(bundle) => {
            return Ok(Found::Elsewhere(Box::new(place(model, bundle, mode, precision)?)));
        }
        Err(error) if error.code() == ErrorCode::ModelNotFound => error,
        Err(error) => return Err(error),
    };
    match open(model, Some(Precision::Fp32), manifest) {
        Ok(bundle) => Ok(Found::Elsewhere(Box::new(place(model, bundle, mode, precision)?))),
        // Without a float graph there is nothing to make the variant of: the first error says what is missing.
        Err(error) if error.code() == ErrorCode::ModelNotFound => Err(missing),
        Err(error) => Err(error),
    }
}

fn open(model: &Model, precision: Option<Precision>, manifest: Option<&Manifest>) -> Result<ModelBundle> {
    let options = BundleOptions { tokenizer: model.tokenizer.as_deref(), precision, manifest };
    ModelBundle::open(&model.path, &options)
}

/// The variant's place: everything that it depends on is in the folder's name.
fn place(
    model: &Model,
    source: ModelBundle,
    mode: QuantizationMode,
    precision: Precision,
) -> Result<PendingVariant> {
    let cache = cache_folder().ok_or_else(|| {
        Error::new(ErrorCode::ModelNotFound, "there is no folder to keep the quantised model in")
            .file(&source.model)
            .help("set DOCPROC_CACHE_DIR, or make the variant with `docproc quantize`")
    })?;
    let mut hasher = Sha256::new();
    let mut add = |part: &[u8]| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    // The whole identity: tokenizer and configuration decide on what the variant is calibrated and judged.
    add(source.identity.as_bytes());
    add(format!("{mode:?}").as_bytes());
    if let Some(calibration) = &model.calibration {
        contents(calibration, &mut add)?;
    }
    let name = docproc_hash::hex(&hasher.finalize()[..16]);
    let file = cache.join("quantized").join(name).join(format!("model.{}.onnx", precision.as_str()));
    Ok(PendingVariant { source, mode, precision, file })
}

/// Names, sizes and times of the files below a path: enough to notice that calibration data were exchanged, and quick
/// where they are many documents.
fn contents(path: &Path, add: &mut impl FnMut(&[u8])) -> Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let unreadable = |error| {
        Error::new(ErrorCode::InputUnreadable, "the calibration data cannot be read")
            .file(path)
            .because(error)
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let modified = metadata.modified().map_err(unreadable)?;
    add(path.as_os_str().as_bytes());
    if metadata.is_dir() {
        let entries = fs::read_dir(path).map_err(unreadable)?;
        let mut inside = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(unreadable)?;
        inside.sort();
        for path in inside {
            contents(&path, add)?;
        }
    } else {
        add(format!("{} {modified:?}", metadata.len()).as_bytes());
    }
    Ok(())
}
