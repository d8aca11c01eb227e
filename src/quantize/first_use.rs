//! `enable_quantization`: variants that a bundle lacks are made before the models are loaded, and kept in the cache.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use docproc_onnx::{Mode, QuantizeHooks, QuantizeOptions};

use super::builtin::builtin;
use super::inputs::{Inputs, Reading, gather, is_tensors, tensors};
use super::loader::OrtLoader;
use super::quantize;
use super::subject::Subject;
use crate::config::{Config, Model, NativeLibrary, QuantizationMode, native_library};
use crate::error::{Error, ErrorCode, Result};
use crate::pipeline::{PendingVariant, pending_variant};
use crate::runtime::kept::{KEPT_BYTES, hold_to};
use crate::runtime::{Environment, Manifest};

/// Pages or texts that a variant is calibrated and judged by.
const LIMIT: usize = 64;
/// Time between two looks at a lock that another process holds.
const LOCK_STEP: Duration = Duration::from_millis(50);

/// Makes the quantised variants that the configuration asks for and nobody has made yet. They go through the same gate
/// as those of `docproc quantize`, by agreement of outputs on the model's `calibration` data or on built-in pages and
/// sentences. `notice` hears what is done. Of several processes that want the same variant one makes it and the others
/// wait, until `cancelled` says that nobody wants it any longer.
///
/// # Errors
/// `run.interrupted` if it was cancelled while it waited or before it began;
/// `quantize.gate` if a variant differs too much from its source: what was asked for cannot be had, and nothing else is
/// used in its place. `config.invalid` for static int8 without calibration data; `model.*`, `onnx.invalid`,
/// `output.unwritable`.
pub fn ensure_variants(config: &Config, cancelled: &dyn Fn() -> bool, notice: &dyn Fn(&str)) -> Result<()> {
    let manifest = Manifest::read(&config.models_folder)?;
    // The layout model first: reading documents for the others needs it.
    let models = [
        ("layoutlmv3", Some(&config.models.layoutlmv3)),
        ("finbert", Some(&config.models.finbert)),
        ("entities", config.models.entities.as_ref()),
    ];
    for (key, model) in models {
        let Some(model) = model else { continue };
        if let Some(pending) = pending_variant(model, manifest.as_ref())? {
            make(config, key, model, &pending, cancelled, notice)?;
        }
    }
    Ok(())
}

fn make(
    config: &Config,
    key: &str,
    model: &Model,
    pending: &PendingVariant,
    cancelled: &dyn Fn() -> bool,
    notice: &dyn Fn(&str),
) -> Result<()> {
    let mode = match pending.mode {
        QuantizationMode::Dynamic => Mode::Dynamic,
        QuantizationMode::Int8 => Mode::Int8,
        QuantizationMode::Fp16 => Mode::Fp16,
        QuantizationMode::Qat => Mode::Qat,
    };
    if mode == Mode::Int8 && model.calibration.is_none() {
        return Err(Error::new(ErrorCode::ConfigInvalid, "static int8 needs data to calibrate with")
            .part(format!("models.{key}.calibration"))
            .help("name documents or texts there, or use `quantization_mode: dynamic`"));
    }
    let folder = pending.file.parent().unwrap_or(Path::new("."));
    let _only_maker = claim(folder, &pending.source.name, cancelled, notice)?;
    if pending.file.is_file() {
        // Another process made it meanwhile.
        return Ok(());
    }
    notice(&format!("quantising {} ({}) at first use", pending.source.name, mode.as_str()));
    let environment = Environment::load(&native_library(NativeLibrary::OnnxRuntime)?)?;
    let inputs = inputs(config, model, pending, &environment, notice)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = QuantizeOptions { optimize: true, speed_pairs: 3, ..QuantizeOptions::new(mode) };
    let hooks = QuantizeHooks {
        loader: &OrtLoader { environment, threads },
        samples: &inputs.samples,
        origin: Some(&inputs.origin),
        evaluate: None,
        progress: &|_| {},
    };
    let report = quantize(&pending.source.model, &pending.file, &options, hooks)?;
    if let Some(refusal) = report.refusal() {
        return Err(Error::new(refusal.code(), refusal.message().to_owned()).file(&pending.source.model).help(
            format!(
                "set `models.{key}.enable_quantization: false`, or make the variant yourself with `docproc quantize`, \
                 which can leave layers in float"
            ),
        ));
    }
    if let Some(cache) = folder.parent() {
        hold_to(cache, KEPT_BYTES);
    }
    let speed = report.speed.as_ref().map_or(1.0, |speed| speed.ratio);
    notice(&format!(
        "{} is now {:.1} MB instead of {:.1} MB and {speed:.1}x as fast; kept in {}",
        pending.source.name,
        report.quantized_bytes as f64 / 1e6,
        report.original_bytes as f64 / 1e6,
        folder.display()
    ));
    Ok(())
}

/// Makes the folder of a variant and locks it, when no other process holds it any longer; the lock is the kernel's and
/// ends with the returned file or the process.
fn claim(folder: &Path, model: &str, cancelled: &dyn Fn() -> bool, notice: &dyn Fn(&str)) -> Result<File> {
    let unwritable = |error| {
        Error::new(ErrorCode::OutputUnwritable, "cannot lock the cache folder").file(folder).because(error)
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let file = File::options().create(true).append(true).open(folder.join(".lock")).map_err(unwritable)?;
    let mut said = false;
    loop {
        if cancelled() {
            return Err(Error::new(
                ErrorCode::RunInterrupted,
                "the run was stopped before its models were there",
            ));
        }
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                // Finished files are renamed into place, so two makers cost time only.
                notice(&format!(
                    "the cache folder has no locks ({error}): another process may quantise {model}, too"
                ));
                return Ok(file);
            }
            Err(TryLockError::WouldBlock) if !said => {
                notice(&format!("another process is quantising {model}: waiting for it"));
                said = true;
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_STEP),
        }
    }
}

fn inputs(
    config: &Config,
    model: &Model,
    pending: &PendingVariant,
    environment: &Environment,
    notice: &dyn Fn(&str),
) -> Result<Inputs> {
    if let Some(path) = model.calibration.as_deref().filter(|path| is_tensors(path)) {
        return tensors(path, LIMIT);
    }
    let subject = Subject::open(environment, &pending.source)?;
    if let Some(path) = &model.calibration {
        return gather(&subject, path, &Reading { config: &|| Ok(config.clone()), limit: LIMIT, notice });
    }
    builtin(&subject)
}
