//! The files that a model's answers depend on, and the checksums that stand for them.
//!
//! Two checksums, for two questions. [`Weights::sha256`] stands for what decides a model's raw outputs: the graph and
//! the data files that it names. Optimised graphs and cached outputs are kept under it, so that another label or
//! temperature does not cost them; what the tokenizer and the picture's preparation make of a document is in the key
//! of a cached output anyway. [`identity`] of all parts stands for what decides the model's answers: analyses and
//! quantised variants are kept under it.

use std::path::{Path, PathBuf};

use docproc_hash::{file_sha256_and_size, hex, scan};
use sha2::{Digest, Sha256};

use super::external_data;
use super::manifest::Manifest;
use crate::error::Result;

/// What stands in a graph that scales activations by the range of the whole batch.
const BATCH_SCALED: &[u8] = b"DynamicQuantize";

/// Files that a tokenizer may consist of. All that are there count, whichever of them this version reads.
const TOKENIZER: [&str; 7] = [
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
];

/// A file that a model's answers depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name in the bundle, so that a bundle that moves stays what it is.
    pub(super) name: String,
    /// Checksum of its bytes.
    pub(super) sha256: String,
}

impl Part {
    /// A file with these bytes' checksum, which must be the manifest's if that names the file.
    ///
    /// # Errors
    /// `model.checksum`.
    pub(super) fn new(path: &Path, sha256: String, manifest: Option<&Manifest>) -> Result<Self> {
        if let Some(manifest) = manifest {
            manifest.check(path, &sha256)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, sha256 })
    }
}

/// The checksum that stands for several files: that of the list of them as `sha256sum` prints it.
pub(super) fn identity<'a>(parts: impl IntoIterator<Item = &'a Part>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(format!("{}  {}\n", part.sha256, part.name.escape_debug()));
    }
    hex(&hasher.finalize())
}

/// A graph and the data files that it names.
pub(super) struct Weights {
    /// The graph first.
    pub(super) parts: Vec<Part>,
    /// Whether the graph scales activations by the range of the whole batch.
    pub(super) scales_by_batch: bool,
}

impl Weights {
    /// Reads all of the files.
    ///
    /// # Errors
    /// `model.not_found`, `model.invalid` (see [`external_data::files`]), `model.checksum`.
    pub(super) fn read(model: &Path, manifest: Option<&Manifest>) -> Result<Self> {
        let (sha256, _, scales_by_batch) = scan(model, BATCH_SCALED)?;
        let mut parts = vec![Part::new(model, sha256, manifest)?];
        for (location, path) in external_data::files(model)? {
            let part = Part::new(&path, file_sha256_and_size(&path)?.0, manifest)?;
            parts.push(Part { name: location, ..part });
        }
        Ok(Self { parts, scales_by_batch })
    }

    /// Whether weights lie in data files.
    pub(super) fn are_external(&self) -> bool {
        self.parts.len() > 1
    }

    /// The checksum of the graph where it holds all weights, else the [`identity`] of graph and data files.
    pub(super) fn sha256(&self) -> String {
        match self.parts.as_slice() {
            [graph] => graph.sha256.clone(),
            parts => identity(parts),
        }
    }
}

/// The files of the tokenizer at `path`, a file or a folder. One that the manifest names must be there.
///
/// # Errors
/// `model.checksum`, `model.not_found` if one cannot be read.
pub(super) fn tokenizer(path: &Path, manifest: Option<&Manifest>) -> Result<Vec<Part>> {
    let (own, folder) =
        if path.is_dir() { (None, path) } else { (Some(path), path.parent().unwrap_or(path)) };
    let beside = TOKENIZER.iter().map(|name| folder.join(name)).filter(|file| Some(file.as_path()) != own);
    own.map(Path::to_owned)
        .into_iter()
        .chain(beside)
        .filter(|file| file.is_file() || manifest.is_some_and(|manifest| manifest.names(file)))
        .map(|file: PathBuf| Part::new(&file, file_sha256_and_size(&file)?.0, manifest))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::runtime::{BundleOptions, ModelBundle, Precision};

    fn fixture() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/models/external-weights");
        for name in ["config.json", "model.onnx", "model.onnx_data", "vocab.txt"] {
            fs::copy(source.join(name), folder.path().join(name)).unwrap();
        }
        folder
    }

    fn open(folder: &Path) -> ModelBundle {
        ModelBundle::open(folder, &BundleOptions::default()).unwrap()
    }

    #[test]
    fn every_part_counts_and_only_weights_move_the_weights() {
        let folder = fixture();
        let path = |name: &str| folder.path().join(name);
        let mut before = open(folder.path());
        assert!(before.has_data_files);
        for (name, append) in [
            ("model.onnx_data", "more"),
            // Field 2 of a model: the producer's name.
            ("model.onnx", "\x12\x01x"),
            ("config.json", " "),
            ("preprocessor_config.json", r#"{"size": {"height": 32, "width": 32}}"#),
            ("vocab.txt", "debt\n"),
            ("tokenizer_config.json", r#"{"do_lower_case": false}"#),
            ("special_tokens_map.json", "{}"),
            ("added_tokens.json", "{}"),
            ("vocab.json", "{}"),
            ("merges.txt", "#version: 0.2\n"),
            ("tokenizer.json", "{}"),
        ] {
            let mut bytes = fs::read(path(name)).unwrap_or_default();
            bytes.extend(append.as_bytes());
            fs::write(path(name), bytes).unwrap();
            let after = open(folder.path());
            assert_ne!(after.identity, before.identity, "{name}");
            assert_eq!(after.sha256 != before.sha256, name.starts_with("model"), "{name}");
            before = after;
        }
        // What is no part changes nothing, nor does another place.
        fs::write(path("MODEL_CARD.md"), "a card").unwrap();
        fs::write(path("model.onnx_data.retrained"), "other weights").unwrap();
        assert_eq!(open(folder.path()).identity, before.identity);
        let moved = folder.path().with_extension("moved");
        fs::rename(folder.path(), &moved).unwrap();
        assert_eq!(open(&moved).identity, before.identity);
        fs::rename(&moved, folder.path()).unwrap();
    }

    #[test]
    fn the_checksum_is_that_of_the_files_list() {
        let folder = fixture();
        let line =
            |name: &str| format!("{}  {name}\n", file_sha256_and_size(&folder.path().join(name)).unwrap().0);
        let weights = line("model.onnx") + &line("model.onnx_data");
        let bundle = open(folder.path());
        assert_eq!(bundle.sha256, hex(&Sha256::digest(&weights)));
        let all = weights + &line("config.json") + &line("vocab.txt");
        assert_eq!(bundle.identity, hex(&Sha256::digest(all)));
        // A graph that holds its weights has its own checksum.
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/models/sentiment");
        let graph = models.join("model.onnx");
        let alone = bundle.with_graph(&graph, Precision::Fp32).unwrap();
        assert_eq!(alone.sha256, file_sha256_and_size(&graph).unwrap().0);
        assert_ne!(alone.identity, open(&models).identity, "the other files are still the first bundle's");
    }

    #[test]
    fn a_tokenizer_elsewhere_counts_with_what_lies_beside_it() {
        let (folder, elsewhere) = (fixture(), fixture());
        let vocabulary = elsewhere.path().join("own-vocab.txt");
        fs::rename(elsewhere.path().join("vocab.txt"), &vocabulary).unwrap();
        let identity = || {
            let options = BundleOptions { tokenizer: Some(&vocabulary), ..BundleOptions::default() };
            ModelBundle::open(folder.path(), &options).unwrap().identity
        };
        let first = identity();
        fs::write(elsewhere.path().join("tokenizer_config.json"), r#"{"do_lower_case": false}"#).unwrap();
        let second = identity();
        fs::write(&vocabulary, "[PAD]\n").unwrap();
        assert!(first != second && second != identity());
    }
}
