//! What `docproc eval` measures: the shipped models, run by docproc's own code, on labelled data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::data::{LabelledPage, LabelledSection, LabelledText, LabelledWords, read_lines};
use super::reliability::{NameOutcome, Reliability};
use super::report::{ClassificationReport, Judged, LabelFigures, bootstrap_interval};
use super::spans::{Span, kind, pairs, spans, wrong_item};
use crate::document::analysis::Rounded;
use crate::document::{EntitySpan, PAGE_IMAGE_SIZE, Page, TextPrediction, Tone, WordPredictions};
use crate::error::{Error, ErrorCode, Result};
use crate::inference::{Batch, ImageView, LayoutModel, PageInput, TextModel};
use crate::pipeline::Models;
use crate::scoring::features::entities;
use crate::structure::typography::{LABELS, line_features};

/// Items that go through a model together.
const GROUP: usize = 8;

/// Sentiment of sentences.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn sentiment(model: &TextModel, path: &Path) -> Result<ClassificationReport> {
    let items: Vec<LabelledText> = read_lines(path)?;
    let labels = model.sentiment_labels().ok_or_else(|| lacks(path, "sentiment"))?;
    let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
    let mut groups = Groups::default();
    let mut wrong = Vec::new();
    let judged = items
        .iter()
        .zip(model.predict(&texts)?)
        .enumerate()
        .map(|(line, (item, prediction))| {
            let probabilities = prediction.sentiment.unwrap_or_default();
            let truth = own_label(labels, &item.label);
            let judged = judge(path, labels, truth, &probabilities, groups.of(item.group.as_deref(), line))?;
            if judged.truth != judged.predicted {
                let named: BTreeMap<&String, Rounded> =
                    labels.iter().zip(probabilities.into_iter().map(Rounded)).collect();
                wrong.push(json!({
                    "line": line + 1,
                    "text": item.text,
                    "true": truth,
                    "predicted": labels[judged.predicted],
                    "probabilities": named,
                }));
            }
            Ok(judged)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(ClassificationReport { wrong, ..ClassificationReport::new(labels, &judged) })
}

/// The model's label for what the data calls `name`: that very label, else the only one of the same tone.
fn own_label<'l>(labels: &'l [String], name: &'l str) -> &'l str {
    let tone = Tone::of(name);
    let mut alike = labels.iter().filter(|label| tone.is_some() && Tone::of(label) == tone);
    match (labels.iter().any(|label| label == name), alike.next(), alike.next()) {
        (false, Some(label), None) => label,
        _ => name,
    }
}

/// Kinds of sections.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn sections(model: &TextModel, path: &Path) -> Result<ClassificationReport> {
    let items: Vec<LabelledSection> = read_lines(path)?;
    let labels = model.section_labels().ok_or_else(|| lacks(path, "section"))?;
    let inputs: Vec<(&str, &str)> =
        items.iter().map(|item| (item.title.as_str(), item.text.as_str())).collect();
    let kinds = model.predict_sections(&inputs)?.unwrap_or_default();
    let mut groups = Groups::default();
    let judged = items
        .iter()
        .zip(kinds)
        .enumerate()
        .map(|(line, (item, kind))| {
            judge(path, labels, &item.label, &kind, groups.of(item.group.as_deref(), line))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(ClassificationReport::new(labels, &judged))
}

/// Figures of an entity tagger over whole spans: type, start and end must be right (CoNLL-2003).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanReport {
    /// Spans in the data.
    pub n: usize,
    /// Share of the predicted spans that are right.
    pub precision: f64,
    /// Share of the spans that were found.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// 95% interval of the F1 by bootstrap over groups.
    pub f1_interval: [f64; 2],
    /// The same per type that the data has.
    pub per_label: BTreeMap<String, LabelFigures>,
    /// Types that the model predicts and the data does not have; those spans are left out of the figures.
    pub left_out: BTreeSet<String>,
    /// Counts: true type, then the type marked at the same words, `TYPE (other words)` where only some are the same, and
    /// `none`; the row `none` has what was marked where there is nothing.
    pub confusion: BTreeMap<String, BTreeMap<String, usize>>,
    /// Confidence against truth over the names that the model marked.
    pub confidence: Reliability,
    /// These names.
    #[serde(skip)]
    pub names: Vec<NameOutcome>,
    /// Items in which not every span is right: line, text, spans, confidences.
    #[serde(skip)]
    pub wrong: Vec<Value>,
}

/// Entities of sentences, with the confidence that the analysis would have.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn entities(models: &Models, path: &Path) -> Result<SpanReport> {
    let tagger = models.entities.as_ref().unwrap_or(&models.text);
    marked(tagger, path, |texts, predictions| models.rate_names(texts, predictions))
}

/// Entities of sentences, by the model alone.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn entities_alone(model: &TextModel, path: &Path) -> Result<SpanReport> {
    marked(model, path, |_, _| Ok(()))
}

fn marked(
    model: &TextModel,
    path: &Path,
    rate: impl Fn(&[&str], &mut [TextPrediction]) -> Result<()>,
) -> Result<SpanReport> {
    let items: Vec<LabelledWords> = read_lines(path)?;
    if !model.finds_entities() {
        return Err(lacks(path, "entity"));
    }
    let mut texts = Vec::new();
    let mut starts: Vec<Vec<usize>> = Vec::new();
    for (line, item) in items.iter().enumerate() {
        if item.tokens.len() != item.tags.len() {
            return Err(Error::new(
                ErrorCode::DataInvalid,
                format!("line {}: not one tag per token", line + 1),
            )
            .file(path));
        }
        let (mut text, mut offsets) = (String::new(), Vec::new());
        for token in &item.tokens {
            if !text.is_empty() {
                text.push(' ');
            }
            offsets.push(text.len());
            text.push_str(token);
        }
        texts.push(text);
        starts.push(offsets);
    }
    let views: Vec<&str> = texts.iter().map(String::as_str).collect();
    let known: BTreeSet<String> =
        items.iter().flat_map(|item| &item.tags).filter_map(|tag| kind(tag)).collect();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut by_group: BTreeMap<usize, [usize; 3]> = BTreeMap::new();
    let mut groups = Groups::default();
    let mut left_out = BTreeSet::new();
    let mut predictions = model.predict(&views)?;
    let features: Vec<_> =
        views.iter().zip(&predictions).map(|(text, found)| entities::of(text, &found.entities)).collect();
    rate(&views, &mut predictions)?;
    let (mut names, mut wrong) = (Vec::new(), Vec::new());
    let mut confusion: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (line, (((item, offsets), prediction), features)) in
        items.iter().zip(&starts).zip(predictions).zip(features).enumerate()
    {
        let own = by_group.entry(groups.of(item.group.as_deref(), line)).or_default();
        let truth = spans(&item.tags);
        let place = |entity: &EntitySpan| {
            let first = offsets.partition_point(|offset| *offset <= entity.range.start).saturating_sub(1);
            let end = offsets.partition_point(|offset| *offset < entity.range.end);
            (first, end, entity.label.clone())
        };
        for (entity, features) in prediction.entities.iter().zip(features) {
            let Some(features) = features.filter(|_| known.contains(&entity.label)) else { continue };
            names.push(NameOutcome {
                group: item.group.clone().unwrap_or_else(|| format!("{}:{}", path.display(), line + 1)),
                kind: entity.label.clone(),
                features,
                confidence: entity.confidence,
                right: truth.contains(&place(entity)),
            });
        }
        let mut marked: BTreeMap<Span, f32> =
            prediction.entities.iter().map(|entity| (place(entity), entity.confidence)).collect();
        left_out.extend(marked.keys().map(|span| &span.2).filter(|kind| !known.contains(*kind)).cloned());
        marked.retain(|span, _| known.contains(&span.2));
        for (truth, mark) in pairs(&truth, &marked) {
            *confusion.entry(truth).or_default().entry(mark).or_default() += 1;
        }
        wrong.extend(wrong_item(line, item, &truth, &marked));
        for span in marked.keys() {
            for count in [counts.entry(span.2.clone()).or_default(), &mut *own] {
                count[1] += 1;
                count[0] += usize::from(truth.contains(span));
            }
        }
        for span in &truth {
            counts.entry(span.2.clone()).or_default()[2] += 1;
            own[2] += 1;
        }
    }
    let figures = |[right, predicted, support]: [usize; 3]| {
        let ratio = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        LabelFigures {
            precision: ratio(right, predicted),
            recall: ratio(right, support),
            f1: ratio(2 * right, predicted + support),
            support,
        }
    };
    let sum = |counts: &mut dyn Iterator<Item = &[usize; 3]>| {
        counts.fold([0; 3], |total, count| std::array::from_fn(|at| total[at] + count[at]))
    };
    let total = sum(&mut counts.values());
    let all = figures(total);
    let by_group: Vec<[usize; 3]> = by_group.into_values().collect();
    let f1_interval = bootstrap_interval(&by_group, |drawn| figures(sum(&mut drawn.iter().copied())).f1);
    Ok(SpanReport {
        n: total[2],
        precision: all.precision,
        recall: all.recall,
        f1: all.f1,
        f1_interval,
        per_label: counts.into_iter().map(|(name, count)| (name, figures(count))).collect(),
        left_out,
        confidence: Reliability::of(
            &names.iter().map(|name| (f64::from(name.confidence), name.right)).collect::<Vec<_>>(),
        ),
        names,
        confusion,
        wrong,
    })
}

/// Layout labels of words, by the layout model alone or together with the line network.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn layout(models: &Models, path: &Path) -> Result<ClassificationReport> {
    words(&models.layout, path, |page, predictions| models.refine(page, predictions))
}

/// Layout labels of words, by the layout model alone.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn layout_alone(model: &LayoutModel, path: &Path) -> Result<ClassificationReport> {
    words(model, path, |_, _| Ok(None))
}

fn words(
    model: &LayoutModel,
    path: &Path,
    refine: impl Fn(&Page, &WordPredictions) -> Result<Option<WordPredictions>>,
) -> Result<ClassificationReport> {
    let labels = model.labels();
    let mut judged = Vec::new();
    let mut groups = Groups::default();
    each_page(model, path, |line, item, page, predictions| {
        let refined = refine(page, predictions)?;
        let predictions = refined.as_ref().unwrap_or(predictions);
        let group = groups.of(item.group.as_deref(), line);
        for (word, label) in item.labels.iter().enumerate() {
            if let Some(label) = label {
                judged.push(judge(path, labels, label, predictions.word(word), group)?);
            }
        }
        Ok(())
    })?;
    Ok(ClassificationReport::new(labels, &judged))
}

/// Rows of training data for the line network: features of every line whose words agree on a label.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn line_rows(model: &LayoutModel, path: &Path, mut row: impl FnMut(&str) -> Result<()>) -> Result<()> {
    each_page(model, path, |line, item, page, predictions| {
        let group = item.group.clone().unwrap_or_else(|| format!("line {line}"));
        for features in line_features(page, predictions).ok_or_else(|| lacks(path, "DocLayNet"))? {
            let mut votes = [0usize; LABELS.len()];
            for word in &features.words {
                let label = item.labels[*word].as_deref();
                if let Some(label) = LABELS.iter().position(|name| Some(*name) == label) {
                    votes[label] += 1;
                }
            }
            let Some(best) = (0..LABELS.len()).max_by_key(|label| (votes[*label], usize::MAX - label)) else {
                continue;
            };
            if 2 * votes[best] > features.words.len() {
                let values: Vec<f64> = features
                    .values
                    .iter()
                    .map(|value| crate::document::round::round_to(f64::from(*value), 5))
                    .collect();
                row(&serde_json::json!({"features": values, "label": LABELS[best], "group": group})
                    .to_string())?;
            }
        }
        Ok(())
    })
}

/// The inputs that the layout model gets for the labelled pages of a file, at most `limit` of them at even distances.
///
/// # Errors
/// `data.invalid`, `model.*`.
pub fn layout_batches(model: &LayoutModel, path: &Path, limit: usize) -> Result<Vec<Batch>> {
    let items: Vec<LabelledPage> = read_lines(path)?;
    let chosen: Vec<(usize, &LabelledPage)> =
        spread_over(items.len(), limit).map(|index| (index, &items[index])).collect();
    with_pages(path, &chosen, |inputs, _| model.batches(inputs))
}

/// At most `limit` of the numbers below `count`, at even distances.
pub fn spread_over(count: usize, limit: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(limit);
    (0..taken).map(move |at| at * count / taken)
}

/// Runs the layout model over the labelled pages of a file, a few at a time.
fn each_page(
    model: &LayoutModel,
    path: &Path,
    mut with: impl FnMut(usize, &LabelledPage, &Page, &WordPredictions) -> Result<()>,
) -> Result<()> {
    let items: Vec<LabelledPage> = read_lines(path)?;
    let items: Vec<(usize, &LabelledPage)> = items.iter().enumerate().collect();
    for chunk in items.chunks(GROUP) {
        with_pages(path, chunk, |inputs, pages| {
            let predictions = model.predict(inputs)?;
            for (((line, item), page), predictions) in chunk.iter().zip(pages).zip(&predictions) {
                with(*line, item, page, predictions)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Calls `with` with labelled pages (and the lines they stand in, counted from 0) as the layout model takes them.
fn with_pages<T>(
    path: &Path,
    items: &[(usize, &LabelledPage)],
    with: impl FnOnce(&[PageInput<'_>], &[Page]) -> Result<T>,
) -> Result<T> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let side = PAGE_IMAGE_SIZE as usize;
    let invalid = |line: usize, message: &str| {
        Error::new(ErrorCode::DataInvalid, format!("line {}: {message}", line + 1)).file(path)
    };
    let pages: Vec<Page> = items.iter().map(|(_, item)| item.to_page()).collect();
    let mut images = Vec::new();
    for ((line, item), page) in items.iter().zip(&pages) {
        if item.labels.len() != page.words.len() {
            return Err(invalid(*line, "not one label per word"));
        }
        let name = item.image.as_ref().ok_or_else(|| invalid(*line, "no image"))?;
        let image = image::open(folder.join(name))
            .map_err(|error| invalid(*line, "its image cannot be read").because(error))?
            .into_rgb8();
        if image.dimensions() != (PAGE_IMAGE_SIZE, PAGE_IMAGE_SIZE) {
            return Err(invalid(*line, "its image is not 224 x 224 pixels"));
        }
        images.push(image);
    }
    let inputs: Vec<PageInput<'_>> = pages
        .iter()
        .zip(&images)
        .map(|(page, image)| PageInput {
            words: page,
            image: Some(ImageView { rgb: image.as_raw(), width: side, height: side }),
        })
        .collect();
    with(&inputs, &pages)
}

fn judge(path: &Path, labels: &[String], truth: &str, probabilities: &[f32], group: usize) -> Result<Judged> {
    let truth = labels.iter().position(|label| label == truth).ok_or_else(|| {
        Error::new(ErrorCode::DataInvalid, format!("the model has no label `{truth}`"))
            .file(path)
            .help(format!("its labels are {}", labels.join(", ")))
    })?;
    let predicted = (0..probabilities.len())
        .rev()
        .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
        .unwrap_or(0);
    let confidence = probabilities.get(predicted).copied().unwrap_or(0.0);
    Ok(Judged { truth, predicted, confidence, group })
}

fn lacks(path: &Path, head: &str) -> Error {
    Error::new(ErrorCode::ModelInvalid, format!("the model has no {head} labels")).file(path)
}

/// Numbers for group names; an item without one is a group of its own.
#[derive(Default)]
struct Groups(BTreeMap<String, usize>);

impl Groups {
    fn of(&mut self, name: Option<&str>, line: usize) -> usize {
        let next = self.0.len();
        *self.0.entry(name.map_or_else(|| format!("\0{line}"), str::to_owned)).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_lines_are_spread() {
        assert_eq!(spread_over(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(spread_over(3, 100).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread_over(0, 4).count(), 0);
    }
}
