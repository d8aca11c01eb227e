//! `docproc doctor`.

use std::process::ExitCode;

use super::args::SettingArgs;
use super::terminal::{Color, shown, shown_error};
use super::{EXIT_USAGE, paint, print};
use crate::config::{NativeLibrary, OcrEngine, native_library};
use crate::error::{Error, Result};
use crate::pipeline::{load_networks, open_bundle, pending_variant, picture_reader};
use crate::runtime::{Device, Environment, Manifest};

/// Checks libraries, models, device, OCR and sandbox, one line each, and says how to repair what is wrong.
pub fn run(args: &SettingArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report { broken: 0 };
    let config = report.take("configuration", args.load(|_| ()), |config| {
        config.file.as_ref().map_or("defaults".to_owned(), |file| file.display().to_string())
    });
    let environment = report.take(
        "ONNX Runtime",
        native_library(NativeLibrary::OnnxRuntime).and_then(|path| Environment::load(&path)),
        |environment| format!("{} at {}", environment.version(), environment.library().display()),
    );
    if let (Some(environment), Some(config)) = (&environment, &config) {
        let device = config
            .analyze
            .device
            .parse::<Device>()
            .and_then(|device| device.resolve(environment, config.optimization.enable_tensorrt));
        report.take("device", device, |device| match &device.notice {
            Some(notice) => format!("{} ({notice})", device.provider),
            None => device.provider.to_string(),
        });
    }
    report.take(
        "pdfium",
        native_library(NativeLibrary::Pdfium).and_then(|path| crate::input::probe_worker(&path)),
        |found| found.to_string(),
    );
    if let Some(config) = &config {
        let manifest = report.take("manifest", Manifest::read(&config.models_folder), |manifest| {
            let files = manifest.as_ref().map_or(0, |manifest| manifest.files().len());
            format!("{files} files in {}", config.models_folder.display())
        });
        let manifest = manifest.flatten();
        let models = &config.models;
        let entities = models.entities.as_ref().map(|model| ("entity model", model));
        let others = [("layout model", &models.layoutlmv3), ("text model", &models.finbert)];
        for (role, model) in others.into_iter().chain(entities) {
            if let Ok(Some(pending)) = pending_variant(model, manifest.as_ref()) {
                let (name, wanted) = (shown(&pending.source.name), pending.precision.as_str());
                report.line(
                    true,
                    role,
                    &format!("{name}; `docproc analyze` will quantise it to {wanted} at first use"),
                );
                continue;
            }
            report.take(role, open_bundle(model, manifest.as_ref()), |bundle| {
                format!("{} ({}) at {}", bundle.name, bundle.precision.as_str(), bundle.model.display())
            });
        }
        let mut notices = String::new();
        let networks =
            load_networks(config, manifest.as_ref(), &mut |text| notices.push_str(&format!("; {text}")));
        report.take("networks", networks, |networks| {
            let names: Vec<String> = networks.models().into_iter().map(|model| model.role).collect();
            format!("{}{notices}", names.join(", "))
        });
    }
    if let Some(config) = &config {
        match config.analyze.ocr_engine {
            OcrEngine::BuiltIn => {
                let reader = picture_reader(config);
                report.take("OCR", reader, |reader| match reader {
                    Some(_) => format!("built-in, {}", config.models_folder.join(config.analyze.ocr_model.folder()).display()),
                    None => "off".to_owned(),
                });
            }
            OcrEngine::Tesseract => match crate::input::tesseract_version() {
                Some(version) => report.line(true, "OCR", &shown(&version)),
                None => report.line(
                    true,
                    "OCR",
                    "tesseract is not installed; scanned pages will be reported as ocr.unavailable (apt-get install \
                     tesseract-ocr, or --ocr-engine built-in)",
                ),
            },
        }
    }
    Ok(if report.broken == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) })
}

/// Lines on standard output, and the number of things that must be repaired.
struct Report {
    broken: usize,
}

impl Report {
    fn take<T>(&mut self, what: &str, result: Result<T>, describe: impl FnOnce(&T) -> String) -> Option<T> {
        match result {
            Ok(value) => {
                self.line(true, what, &shown(&describe(&value)));
                Some(value)
            }
            Err(error) => {
                self.broken += 1;
                self.line(false, what, &explain(&error));
                None
            }
        }
    }

    fn line(&self, fine: bool, what: &str, detail: &str) {
        let mark = if fine { paint("ok", Color::Green) } else { paint("broken", Color::Red) };
        // Whoever stopped reading knows enough; the exit code still says the rest.
        let _ = print(&format!("{what:<15} {mark}: {detail}\n"));
    }
}

fn explain(error: &Error) -> String {
    format!("[{}]: {}", error.code(), shown_error(Some(error), &error.to_string()))
}
