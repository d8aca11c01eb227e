//! `docproc models`.

use std::fmt::Write;
use std::process::ExitCode;

use super::args::{ConfigArgs, VerifyArgs};
use super::log::tell;
use super::terminal::shown;
use super::{EXIT_DOCUMENTS, EXIT_USAGE, print};
use crate::config::Model;
use crate::pipeline::open_bundle;
use crate::runtime::Manifest;

/// Lists the configured models: role, name, precision, size, checksum.
pub fn list(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let config = args.load()?;
    let manifest = Manifest::read(&config.models_folder)?;
    let mut text = String::new();
    let mut broken = false;
    let roles: [(&str, Option<&Model>); 3] = [
        ("layout", Some(&config.models.layoutlmv3)),
        ("text", Some(&config.models.finbert)),
        ("entities", config.models.entities.as_ref()),
    ];
    for (role, model) in roles {
        let Some(model) = model else { continue };
        match open_bundle(model, manifest.as_ref()) {
            Ok(bundle) => {
                let bytes = std::fs::metadata(&bundle.model).map_or(0, |file| file.len());
                writeln!(
                    text,
                    "{role:<10} {:<14} {:<5} {:>6.1} MB  sha256 {}  {}",
                    shown(&bundle.name),
                    bundle.precision.as_str(),
                    bytes as f64 / 1e6,
                    bundle.sha256.get(..16).unwrap_or(&bundle.sha256),
                    shown(&bundle.model.to_string_lossy())
                )?;
            }
            Err(error) => {
                broken = true;
                writeln!(text, "{role:<10} [{}]: {}", error.code(), shown(&error.to_string()))?;
            }
        }
    }
    print(&text)?;
    Ok(if broken { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS })
}

/// Checks every file of the models folder against the manifest, or rewrites the manifest.
pub fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let config = args.config.load()?;
    let folder = &config.models_folder;
    if args.update {
        let manifest = Manifest::of_folder(folder, &["training", "fetched"])?;
        manifest.write()?;
        return print(&format!(
            "{} files written to {}\n",
            manifest.files().len(),
            shown(&folder.join("manifest.json").to_string_lossy())
        ));
    }
    let Some(manifest) = Manifest::read(folder)? else {
        anyhow::bail!(
            "{} has no manifest.json; make one with `docproc models verify --update`",
            folder.display()
        );
    };
    let wrong = manifest.verify();
    for error in &wrong {
        tell!("[{}]: {error}", error.code());
    }
    print(&format!(
        "{} of {} files are as the manifest states\n",
        manifest.files().len() - wrong.len(),
        manifest.files().len()
    ))?;
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DOCUMENTS) })
}
