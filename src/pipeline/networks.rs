//! The scoring networks of a run: files to networks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Manifest;
use crate::scoring::networks::{NetworkSource, ScoringNetworks};

/// Folder of the shipped networks in the models folder.
pub(super) const FOLDER: &str = "networks";
/// The shipped network that labels lines; it is part of the layout, not a score.
pub(super) const LINE_LABELS: &str = "line_labels";
/// The shipped network that says how probable it is that a figure is right; it is part of the figure, not a score.
pub(super) const CONFIDENCE: &str = "confidence_estimator";
/// The shipped network that says how probable it is that a name is right; it is part of the entity, not a score.
pub(super) const NAMES: &str = "name_confidence";
/// Networks of the folder that are no scores.
const BUILT_IN: [&str; 3] = [LINE_LABELS, CONFIDENCE, NAMES];
/// The network that a bundle ships.
const MAIN_FILE: &str = "network.dpnn";
/// Largest network file that is read.
const MAX_BYTES: u64 = 64 << 20;

/// Loads the shipped networks and those of the configuration. One of the configuration takes the place of a shipped one
/// with its name; an empty list switches all off. A network that is named and has no file anywhere scores nothing;
/// `notice` hears of it.
///
/// # Errors
/// `network.invalid`, `model.checksum`.
pub fn load(
    config: &Config,
    manifest: Option<&Manifest>,
    notice: &mut dyn FnMut(&str),
) -> Result<ScoringNetworks> {
    let folder = config.models_folder.join(FOLDER);
    let sections = config.models.custom_networks.as_deref();
    let mut sources = Vec::new();
    if sections.is_none_or(|sections| !sections.is_empty()) {
        for name in names(&folder)? {
            if sections.unwrap_or_default().iter().all(|section| section.name != name) {
                let files = bundle(&folder.join(&name), manifest)?;
                sources.push(NetworkSource { name, files, ..NetworkSource::default() });
            }
        }
    }
    for section in sections.unwrap_or_default() {
        let files = match &section.file {
            // A bundle that `docproc train` wrote may hold the network in several shapes.
            Some(file) if file.file_name() == Some(MAIN_FILE.as_ref()) && file.is_file() => {
                bundle(file.parent().unwrap_or(Path::new("")), manifest)?
            }
            Some(file) => vec![read(file, manifest)?],
            None => bundle(&folder.join(&section.name), manifest)?,
        };
        if files.is_empty() {
            notice(&format!(
                "the network `{}` scores nothing: no trained one is shipped under that name; name your own with `file`",
                section.name
            ));
            continue;
        }
        sources.push(NetworkSource {
            name: section.name.clone(),
            files,
            layers: section.layers.clone(),
            activation: section.activation.clone(),
            features: section.features.clone(),
        });
    }
    ScoringNetworks::load(&sources, config.optimization.enable_simd)
}

/// Names of the shipped scoring networks, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let unreadable =
        |error| Error::new(ErrorCode::NetworkInvalid, "cannot read the folder").file(folder).because(error);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !BUILT_IN.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The network files of a bundle folder: `network.dpnn` first, then its other shapes by name.
pub(super) fn bundle(folder: &Path, manifest: Option<&Manifest>) -> Result<Vec<(String, Vec<u8>)>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "dpnn"))
        .collect();
    paths.sort_by_key(|path| (path.file_name() != Some(MAIN_FILE.as_ref()), path.clone()));
    paths.iter().map(|path| read(path, manifest)).collect()
}

fn read(path: &Path, manifest: Option<&Manifest>) -> Result<(String, Vec<u8>)> {
    let invalid = |message: &str| Error::new(ErrorCode::NetworkInvalid, message).file(path);
    if let Some(manifest) = manifest {
        manifest.verify_file(path)?;
    }
    let size = fs::metadata(path).map_err(|error| invalid("cannot read the network").because(error))?.len();
    if size > MAX_BYTES {
        return Err(invalid("the file is too large for a network"));
    }
    let bytes = fs::read(path).map_err(|error| invalid("cannot read the network").because(error))?;
    Ok((path.display().to_string(), bytes))
}
