//! The scoring networks of a run: loaded from bytes, checked against configuration, applied to a document.

use sha2::{Digest, Sha256};

use super::features::{self, Behind, Row, risk};
use crate::document::analysis::{CellReference, ModelInfo, Score};
use crate::document::findings::Contribution;
use crate::error::{Error, ErrorCode, Result};
use crate::limit::Limit;
use docproc_networks::evaluate::{Evaluator, Scratch};
use docproc_networks::gradient::Explainer;
use docproc_networks::network::Network;
use docproc_networks::spec::{LayerSpec, Output, shape_text};
use docproc_networks::{file, libfann, ruv};

pub use super::features::Document;

/// Features shown per score.
const SHOWN_FEATURES: usize = 5;
/// Sentences shown per score.
const SHOWN_SENTENCES: usize = 3;
/// Places shown per score.
const SHOWN_PLACES: usize = 3;

/// One network to load, as configuration and the file system give it.
#[derive(Clone, Debug, Default)]
pub struct NetworkSource {
    /// Name in configuration and results.
    pub name: String,
    /// Candidate files, name and content, best first: a bundle may hold the same network in several shapes.
    pub files: Vec<(String, Vec<u8>)>,
    /// `layers` of the configuration, inputs first.
    pub layers: Option<Vec<usize>>,
    /// `activation` of the configuration: that of the hidden layers.
    pub activation: Option<String>,
    /// `features` of the configuration: `name` or `name/version`.
    pub features: Option<String>,
}

/// Networks ready to score documents; shared by threads.
#[derive(Debug)]
pub struct ScoringNetworks {
    networks: Vec<LoadedNetwork>,
}

#[derive(Debug)]
struct LoadedNetwork {
    name: String,
    sha256: String,
    evaluator: Evaluator,
    explainer: Explainer,
    features: Vec<String>,
    set: String,
}

impl ScoringNetworks {
    /// Loads networks; formats are told apart by content: ours, libfann's `FANN_FLO_2.1`, ruv-fann's JSON.
    ///
    /// # Errors
    /// `network.invalid` when a file is damaged or is not what the configuration says; both are named.
    pub fn load(sources: &[NetworkSource], enable_simd: bool) -> Result<Self> {
        let mut networks: Vec<LoadedNetwork> =
            sources.iter().map(|source| load(source, enable_simd)).collect::<Result<_>>()?;
        networks.sort_by_key(|network| features::reads_scores(&network.set));
        Ok(Self { networks })
    }

    /// Names, hashes and precision, in order, for the analysis.
    #[must_use]
    pub fn models(&self) -> Vec<ModelInfo> {
        self.networks
            .iter()
            .map(|network| ModelInfo {
                role: network.name.clone(),
                name: network.evaluator.spec().name.clone(),
                sha256: network.sha256.clone(),
                precision: "fp32".to_owned(),
            })
            .collect()
    }

    /// Scores a document: networks in order, and for each its subjects in document order. Networks that read other
    /// networks' scores come last.
    ///
    /// # Errors
    /// `internal`, and those of the limit.
    pub fn score(&self, document: &Document<'_>, limit: &Limit) -> Result<Vec<Score>> {
        let mut scores = Vec::new();
        for network in &self.networks {
            let so_far = Document { scores: &scores, ..*document };
            let rows = features::rows(&network.set, &so_far, limit).unwrap_or_default();
            limit.check()?;
            let more = network.score(&so_far, &rows, &mut network.evaluator.scratch(), limit)?;
            scores.extend(more);
        }
        Ok(scores)
    }
}

/// Reads a network of any of the three formats.
///
/// # Errors
/// `network.invalid`.
pub fn read(name: &str, bytes: &[u8]) -> Result<Network> {
    if file::is_network_file(bytes) {
        file::read(bytes)
    } else if libfann::is_libfann_file(bytes) {
        libfann::read(name, bytes)
    } else if bytes.trim_ascii_start().starts_with(b"{") {
        ruv::read(name, bytes)
    } else {
        Err(Error::new(
            ErrorCode::NetworkInvalid,
            "neither a docproc network, a libfann file nor ruv-fann's JSON",
        )
        .part(name))
    }
}

/// SHA-256 of a network file in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn load(source: &NetworkSource, enable_simd: bool) -> Result<LoadedNetwork> {
    let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(&source.name);
    let mut refused = None;
    for (file, bytes) in &source.files {
        let network = read(&source.name, bytes).map_err(|error| error.file(file))?;
        match check(source, file, &network) {
            Ok(()) => return ready(source, network, bytes, enable_simd),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| {
        fail("no network file".to_owned())
            .help(format!("name one with `file`, or make one with `docproc train {}`", source.name))
    }))
}

/// Whether a network is what the configuration says.
fn check(source: &NetworkSource, file: &str, network: &Network) -> Result<()> {
    let spec = network.spec();
    let fail = |what: String| Err(Error::new(ErrorCode::NetworkInvalid, what).part(&source.name).file(file));
    if let Some(layers) = &source.layers
        && *layers != spec.shape()
    {
        return fail(format!(
            "the configuration says layers {}, the file has {}",
            shape_text(layers),
            spec.shape_text()
        ));
    }
    if let Some(activation) = &source.activation {
        let declared = LayerSpec::named(1, activation).ok_or_else(|| {
            Error::new(ErrorCode::NetworkInvalid, format!("unknown activation {activation:?}"))
                .part(&source.name)
        })?;
        let hidden = &spec.layers[..spec.layers.len() - 1];
        if let Some(other) = hidden.iter().find(|layer| layer.function_name() != declared.function_name()) {
            return fail(format!(
                "the configuration says activation {activation}, the file has {}",
                other.function_name()
            ));
        }
    }
    Ok(())
}

fn ready(source: &NetworkSource, network: Network, bytes: &[u8], enable_simd: bool) -> Result<LoadedNetwork> {
    let fail = |what: String| Error::new(ErrorCode::NetworkInvalid, what).part(&source.name);
    let own = network.spec().features.as_ref();
    let wanted = match &source.features {
        Some(text) => {
            let (name, version) = text.split_once('/').unwrap_or((text, ""));
            (name.to_owned(), version.parse::<u32>().ok())
        }
        None => own.map(|id| (id.name.clone(), Some(id.version))).ok_or_else(|| {
            fail("the file does not say which features the network reads".to_owned())
                .help("name the feature set with `features`")
        })?,
    };
    let set = features::named(&wanted.0).ok_or_else(|| {
        let known: Vec<String> = features::all().into_iter().map(|set| set.id.name).collect();
        fail(format!("unknown feature set {:?}", wanted.0)).help(format!("there are: {}", known.join(", ")))
    })?;
    for version in wanted.1.into_iter().chain(own.filter(|id| id.name == set.id.name).map(|id| id.version)) {
        if version != set.id.version {
            return Err(fail(format!(
                "the network reads version {version} of feature set {}; this program computes version {}",
                set.id.name, set.id.version
            ))
            .help("train it again"));
        }
    }
    if set.len() != network.spec().inputs {
        return Err(fail(format!(
            "the network has {} inputs, feature set {} has {}",
            network.spec().inputs,
            set.id.name,
            set.len()
        )));
    }
    if features::rows(&set.id.name, &Document::default(), &Limit::default()).is_none() {
        return Err(fail(format!("nothing computes features of a {} in an analysis", set.subject)));
    }
    Ok(LoadedNetwork {
        name: source.name.clone(),
        sha256: sha256(bytes),
        evaluator: Evaluator::with_simd(&network, enable_simd),
        explainer: Explainer::new(&network),
        features: set.names(),
        set: set.id.name,
    })
}

impl LoadedNetwork {
    /// Scores of rows with the evidence behind each.
    fn score(
        &self,
        document: &Document<'_>,
        rows: &[Row],
        scratch: &mut Scratch,
        limit: &Limit,
    ) -> Result<Vec<Score>> {
        let spec = self.evaluator.spec();
        let inputs: Vec<f32> = rows.iter().flat_map(|row| row.values.iter().copied()).collect();
        let mut outputs = vec![0.0; rows.len() * spec.outputs()];
        self.evaluator.run(&inputs, &mut outputs, scratch)?;
        let by_section = risk::by_section(document.sentences);
        let mut scores = Vec::new();
        for (row, output) in rows.iter().zip(outputs.chunks_exact_mut(spec.outputs())) {
            limit.check()?;
            spec.calibrate(output);
            let (index, class) = self.answer(output);
            let score = output[index];
            let flagged = score >= spec.threshold;
            let contributions = self.explainer.contributions(&row.values, index);
            let mut found = Score {
                network: self.name.clone(),
                target: row.target,
                score,
                confidence: if flagged || class.is_some() { score } else { 1.0 - score },
                class,
                flagged,
                contributions: self.strongest(&row.values, &contributions),
                sentences: Vec::new(),
                cells: Vec::new(),
                places: Vec::new(),
            };
            match &row.behind {
                Behind::Target => {}
                Behind::Places(places) => found.places.extend(places.iter().take(SHOWN_PLACES)),
                Behind::Findings { places, sentences } => {
                    found.places.extend(places.iter().take(SHOWN_PLACES));
                    found.sentences.extend(sentences.iter().take(SHOWN_SENTENCES));
                }
                Behind::Cells(cells) => found.cells = strongest_cells(cells, &contributions),
                Behind::Sentences(section) => {
                    let sentences = by_section.get(section).into_iter().flatten().copied();
                    let mut behind = risk::sentence_contributions(sentences, &contributions);
                    behind.retain(|(_, contribution)| *contribution > 0.0);
                    behind.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                    found.sentences = behind.into_iter().take(SHOWN_SENTENCES).map(|(id, _)| id).collect();
                }
            }
            scores.push(found);
        }
        Ok(scores)
    }

    /// The output that is the score: the only one, the second of two, else the most probable with its class.
    fn answer(&self, probabilities: &[f32]) -> (usize, Option<String>) {
        match &self.evaluator.spec().output {
            Output::Classes(labels) if labels.len() == 2 => (1, None),
            Output::Classes(labels) => {
                let best = (0..labels.len())
                    .rev()
                    .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
                    .unwrap_or(0);
                (best, labels.get(best).cloned())
            }
            _ => (0, None),
        }
    }

    /// The features that moved a score most, strongest first.
    fn strongest(&self, input: &[f32], contributions: &[f32]) -> Vec<Contribution> {
        let mut order: Vec<usize> = (0..input.len()).filter(|i| contributions[*i] != 0.0).collect();
        order.sort_by(|a, b| contributions[*b].abs().total_cmp(&contributions[*a].abs()).then(a.cmp(b)));
        order
            .into_iter()
            .take(SHOWN_FEATURES)
            .map(|i| Contribution {
                feature: self.features[i].clone(),
                value: input[i],
                contribution: contributions[i],
            })
            .collect()
    }
}

/// The cells of the features that raise the score most, each once.
fn strongest_cells(cells: &[Vec<CellReference>], contributions: &[f32]) -> Vec<CellReference> {
    let mut order: Vec<usize> = (0..cells.len()).filter(|i| contributions[*i] != 0.0).collect();
    order.sort_by(|a, b| contributions[*b].abs().total_cmp(&contributions[*a].abs()).then(a.cmp(b)));
    let mut shown: Vec<CellReference> = Vec::new();
    for cell in order.into_iter().take(SHOWN_FEATURES).flat_map(|feature| &cells[feature]) {
        if !shown.contains(cell) {
            shown.push(*cell);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::analysis::{Section, Sentence};
    use crate::document::findings::ScoreTarget;
    use docproc_networks::activation::Activation;
    use docproc_networks::network::{LayerParameters, Scaling};
    use docproc_networks::spec::NetworkSpec;

    /// A network of the risk features that counts only words of litigation.
    fn litigation() -> Network {
        let set = features::named("risk").unwrap();
        let mut spec = NetworkSpec::new(
            "litigation",
            set.len(),
            vec![LayerSpec::uniform(1, Activation::Linear)],
            Output::Probability("litigation".into()),
        );
        spec.features = Some(set.id.clone());
        let mut weights = vec![0.0; set.len()];
        weights[set.names().iter().position(|name| name == "words_litigation").unwrap()] = 3.0;
        let layer = LayerParameters { weights, biases: vec![-4.0], thresholds: vec![] };
        let scaling = Scaling { offsets: vec![0.0; set.len()], factors: vec![1.0; set.len()] };
        Network::new(spec, Some(scaling), vec![layer], None).unwrap()
    }

    fn source(layers: Option<Vec<usize>>, activation: Option<&str>) -> NetworkSource {
        NetworkSource {
            name: "court".to_owned(),
            files: vec![("network.dpnn".to_owned(), file::write(&litigation()).unwrap())],
            layers,
            activation: activation.map(str::to_owned),
            features: None,
        }
    }

    fn section(id: u32) -> Section {
        Section {
            id,
            title: String::new(),
            level: 1,
            parent: None,
            kind: None,
            pages: [1, 1],
            blocks: vec![],
            sentiment: None,
        }
    }

    fn sentence(id: u32, section: u32, text: &str) -> Sentence {
        Sentence {
            id,
            section,
            block: 0,
            page: 1,
            boxes: vec![],
            continues: vec![],
            text: text.to_owned(),
            sentiment: None,
        }
    }

    #[test]
    fn scores_sections_with_features_and_sentences_behind_them() {
        let networks = ScoringNetworks::load(&[source(None, None)], true).unwrap();
        let sections = [section(0), section(1), section(2)];
        let calm = "The company sells tools to dealers in many towns and pays its staff on time each month. "
            .repeat(2);
        let sentences = [
            sentence(0, 0, &calm),
            sentence(1, 1, &calm),
            sentence(2, 1, "Plaintiffs filed a lawsuit in court and the defendants appealed the complaint."),
            sentence(3, 2, "Too short to score."),
        ];
        let scores = networks
            .score(
                &Document { sections: &sections, sentences: &sentences, ..Document::default() },
                &Limit::default(),
            )
            .unwrap();
        assert_eq!(scores.len(), 2);
        assert_eq!((scores[0].target, scores[1].target), (ScoreTarget::Section(0), ScoreTarget::Section(1)));
        assert!(!scores[0].flagged && scores[1].flagged && scores[1].score > 0.9);
        assert_eq!(scores[1].sentences, [2]);
        assert_eq!(scores[1].contributions[0].feature, "words_litigation");
        assert_eq!(networks.models()[0].role, "court");
        let plain = ScoringNetworks::load(&[source(None, None)], false).unwrap();
        let again = plain
            .score(
                &Document { sections: &sections, sentences: &sentences, ..Document::default() },
                &Limit::default(),
            )
            .unwrap();
        assert!((again[1].score - scores[1].score).abs() < 1e-6);
    }

    #[test]
    fn a_file_that_is_not_what_the_configuration_says_is_an_error_that_says_both() {
        let error = |source: NetworkSource| ScoringNetworks::load(&[source], true).unwrap_err().to_string();
        let text = error(source(Some(vec![128, 64, 32, 1]), None));
        assert!(
            text.contains("says layers 128-64-32-1, the file has 128-1") && text.contains("court"),
            "{text}"
        );
        assert!(ScoringNetworks::load(&[source(Some(vec![128, 1]), Some("relu"))], true).is_ok());
        assert!(error(source(None, Some("swish"))).contains("unknown activation"));
        let none = NetworkSource { name: "x".to_owned(), ..NetworkSource::default() };
        assert!(error(none).contains("docproc train x"));
        let wrong = NetworkSource { features: Some("risk/7".to_owned()), ..source(None, None) };
        assert!(error(wrong).contains("version 7"));
        let unknown = NetworkSource { features: Some("moon".to_owned()), ..source(None, None) };
        assert!(error(unknown).contains("there are: risk"));
    }

    #[test]
    fn a_bundle_may_hold_several_shapes_and_foreign_formats() {
        let set = features::named("risk").unwrap();
        let layers =
            [LayerSpec::uniform(4, Activation::SigmoidSymmetric), LayerSpec::uniform(1, Activation::Sigmoid)];
        let spec = NetworkSpec::new("wide", set.len(), layers.to_vec(), Output::Values);
        let wide = Network::random(spec, 1).unwrap();
        let mut both = source(Some(vec![128, 4, 1]), Some("tanh"));
        both.features = Some("risk/1".to_owned());
        for bytes in [libfann::write(&wide).unwrap().into_bytes(), ruv::write(&wide).unwrap()] {
            both.files.truncate(1);
            both.files.push(("other".to_owned(), bytes));
            let networks = ScoringNetworks::load(std::slice::from_ref(&both), true).unwrap();
            assert_eq!(networks.networks[0].evaluator.spec().shape(), [128, 4, 1]);
        }
        both.activation = Some("relu".to_owned());
        both.files.remove(0);
        assert!(
            ScoringNetworks::load(&[both], true)
                .unwrap_err()
                .message()
                .contains("the file has sigmoid_symmetric")
        );
    }
}
