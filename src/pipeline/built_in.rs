//! Networks that are part of the analysis, not scores: they are loaded where the models folder has them.

use std::collections::HashMap;

use super::networks::{CONFIDENCE, FOLDER, LINE_LABELS, NAMES, bundle};
use crate::config::Config;
use crate::document::analysis::{Figure, ModelInfo, Table};
use crate::document::{BBox, Page, TextPrediction, TextSource, WordPredictions};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Manifest;
use crate::scoring::features::{self, FeatureSet};
use crate::scoring::networks;
use crate::structure::typography::{LABELS, LineFeatures, line_features, spread};
use docproc_networks::evaluate::Evaluator;

/// The shipped network of this name, which must read this feature set.
fn load(
    config: &Config,
    manifest: Option<&Manifest>,
    name: &str,
    set: &FeatureSet,
    outputs: usize,
) -> Result<Option<(Evaluator, ModelInfo)>> {
    let files = bundle(&config.models_folder.join(FOLDER).join(name), manifest)?;
    let Some((file, bytes)) = files.first() else { return Ok(None) };
    let network = networks::read(name, bytes).map_err(|error| error.file(file))?;
    let spec = network.spec();
    if spec.inputs != set.len() || spec.outputs() != outputs || spec.features.as_ref() != Some(&set.id) {
        return Err(Error::new(
            ErrorCode::NetworkInvalid,
            format!("not a network of {} features of {} version {}", set.len(), set.id.name, set.id.version),
        )
        .file(file)
        .help(format!("train it again with `docproc train {name}`")));
    }
    let info = ModelInfo {
        role: name.to_owned(),
        name: spec.name.clone(),
        sha256: networks::sha256(bytes),
        precision: "fp32".to_owned(),
    };
    Ok(Some((Evaluator::with_simd(&network, config.optimization.enable_simd), info)))
}

/// Says how probable it is that nothing that a figure states is wrong.
pub(super) struct FigureConfidence {
    evaluator: Evaluator,
    /// For the analysis.
    pub(super) info: ModelInfo,
}

impl FigureConfidence {
    /// Loads the shipped network, if the models folder has it.
    ///
    /// # Errors
    /// `network.invalid`, `model.checksum`.
    pub(super) fn load(config: &Config, manifest: Option<&Manifest>) -> Result<Option<Self>> {
        let found = load(config, manifest, CONFIDENCE, &features::figures::set(), 1)?;
        Ok(found.map(|(evaluator, info)| Self { evaluator, info }))
    }

    /// Sets the confidence of every figure with a value on pages with a text layer; where OCR read the digits, its own
    /// doubts count, which the network does not know. Cells get that of their figure.
    ///
    /// # Errors
    /// Only `internal`.
    pub(super) fn set(&self, pages: &[Page], figures: &mut [Figure], tables: &mut [Table]) -> Result<()> {
        let sources: HashMap<u32, TextSource> =
            pages.iter().map(|page| (page.number, page.text_source)).collect();
        let words = |page: &Page| -> Vec<BBox> {
            page.words.iter().filter(|word| word.confidence.is_some()).map(|word| word.bbox).collect()
        };
        let by_ocr: HashMap<u32, Vec<BBox>> = pages
            .iter()
            .map(|page| (page.number, words(page)))
            .filter(|(page, words)| !words.is_empty() && sources.get(page) == Some(&TextSource::TextLayer))
            .collect();
        let known: Vec<(usize, Vec<f32>)> = features::figures::of(figures, tables)
            .into_iter()
            .enumerate()
            .filter(|(index, _)| sources.get(&figures[*index].page) == Some(&TextSource::TextLayer))
            .filter(|(index, _)| !is_by_ocr(&by_ocr, &figures[*index]))
            .filter_map(|(index, row)| Some((index, row?)))
            .collect();
        let inputs: Vec<f32> = known.iter().flat_map(|(_, row)| row.iter().copied()).collect();
        let mut outputs = vec![0.0; known.len()];
        self.evaluator.run(&inputs, &mut outputs, &mut self.evaluator.scratch())?;
        let mut of_cells: HashMap<(u32, u32, u32), f32> = HashMap::new();
        for ((index, _), output) in known.iter().zip(outputs.chunks_exact_mut(1)) {
            self.evaluator.spec().calibrate(output);
            figures[*index].confidence = output[0];
            if let Some(cell) = figures[*index].cell {
                of_cells.insert((cell.table, cell.row, cell.column), output[0]);
            }
        }
        for table in tables {
            for cell in &mut table.cells {
                let confidence = of_cells.get(&(table.id, cell.row, cell.column));
                if let (Some(value), Some(confidence)) = (&mut cell.value, confidence) {
                    value.confidence = *confidence;
                }
            }
        }
        Ok(())
    }
}

/// Whether the figure stands where OCR read words on a picture of a page with a text layer.
fn is_by_ocr(by_ocr: &HashMap<u32, Vec<BBox>>, figure: &Figure) -> bool {
    by_ocr
        .get(&figure.page)
        .is_some_and(|words| words.iter().any(|word| word.share_inside(&figure.bbox) > 0.5))
}

/// Says how probable it is that the words and the type of a name are right.
pub(super) struct NameConfidence {
    evaluator: Evaluator,
    /// For the analysis.
    pub(super) info: ModelInfo,
}

impl NameConfidence {
    /// Loads the shipped network, if the models folder has it. It has learned from the text model beside it, so there is
    /// none where the configuration names another model for entities.
    ///
    /// # Errors
    /// `network.invalid`, `model.checksum`.
    pub(super) fn load(config: &Config, manifest: Option<&Manifest>) -> Result<Option<Self>> {
        if config.models.entities.is_some() {
            return Ok(None);
        }
        let found = load(config, manifest, NAMES, &features::entities::set(), 1)?;
        Ok(found.map(|(evaluator, info)| Self { evaluator, info }))
    }

    /// Sets the confidence of every name.
    ///
    /// # Errors
    /// Only `internal`.
    pub(super) fn set(&self, texts: &[&str], predictions: &mut [TextPrediction]) -> Result<()> {
        let mut scratch = self.evaluator.scratch();
        for (text, prediction) in texts.iter().zip(predictions) {
            let rows = features::entities::of(text, &prediction.entities);
            for (span, row) in prediction.entities.iter_mut().zip(rows) {
                let Some(row) = row else { continue };
                let mut output = [0.0];
                self.evaluator.run(&row, &mut output, &mut scratch)?;
                self.evaluator.spec().calibrate(&mut output);
                span.confidence = output[0];
            }
        }
        Ok(())
    }
}

/// Labels lines by typography together with what the layout model says.
pub(super) struct LineLabels {
    evaluator: Evaluator,
    /// For the analysis.
    pub(super) info: ModelInfo,
}

impl LineLabels {
    /// Loads the shipped network, if the models folder has it.
    ///
    /// # Errors
    /// `network.invalid`, `model.checksum`.
    pub(super) fn load(config: &Config, manifest: Option<&Manifest>) -> Result<Option<Self>> {
        let found = load(config, manifest, LINE_LABELS, &features::lines::set(), LABELS.len())?;
        Ok(found.map(|(evaluator, info)| Self { evaluator, info }))
    }

    /// Predictions in which every word has the probabilities that the network gives its line. Those of a model with
    /// other labels stay as they are.
    ///
    /// # Errors
    /// Only `internal`.
    pub(super) fn refine(
        &self,
        page: &Page,
        predictions: &WordPredictions,
    ) -> Result<Option<WordPredictions>> {
        let Some(lines) = line_features(page, predictions) else { return Ok(None) };
        let inputs: Vec<f32> =
            lines.iter().flat_map(|line: &LineFeatures| line.values.iter().copied()).collect();
        let mut outputs = vec![0.0; lines.len() * LABELS.len()];
        self.evaluator.run(&inputs, &mut outputs, &mut self.evaluator.scratch())?;
        let rows: Vec<Vec<f32>> = outputs
            .chunks_exact_mut(LABELS.len())
            .map(|row| {
                self.evaluator.spec().calibrate(row);
                row.to_vec()
            })
            .collect();
        Ok(Some(spread(predictions, &lines, &rows)))
    }
}
