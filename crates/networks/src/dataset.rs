//! Labelled feature vectors, kept together by group so that no company or document is on both sides of a split.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::network::Scaling;
use super::random::Random;
use super::spec::{Output, TrainingData};
use docproc_error::{Error, ErrorCode, Result};

/// Rows of features with targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Features per row.
    pub width: usize,
    /// Targets per row.
    pub outputs: usize,
    /// Features, row-major `[rows, width]`; absent values are not-a-number.
    pub inputs: Vec<f32>,
    /// Targets, row-major `[rows, outputs]`: 0 or 1 per class, or values.
    pub targets: Vec<f32>,
    /// Group of each row: company, document, ...
    pub groups: Vec<String>,
    /// Part of the data that each row belongs to, for figures by part; empty where none is named.
    pub parts: Vec<String>,
}

/// How features of rows are found that do not hold them.
#[derive(Clone, Copy, Default)]
pub struct Sources<'a> {
    /// Features of plain text.
    pub text: Option<&'a dyn Fn(&str) -> Vec<f32>>,
    /// Features of a thing in a finished analysis; the line's `target`, as written, says which thing.
    pub analysis: Option<&'a dyn Fn(&Path, Option<serde_json::Value>) -> Result<Vec<f32>>>,
}

/// One line of a data file, as the user writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    features: Option<Features>,
    text: Option<String>,
    analysis: Option<PathBuf>,
    label: Label,
    group: Option<String>,
    part: Option<String>,
    /// What `docproc features` writes beside the features.
    set: Option<String>,
    document: Option<String>,
    target: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Features {
    Vector(Vec<Option<f32>>),
    Named(BTreeMap<String, Option<f32>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Truth(bool),
    Number(f32),
    Class(String),
    Values(Vec<f32>),
}

impl Dataset {
    /// Reads JSON Lines: `{"features": [..] or {"name": value}, "label": .., "group": ".."}`, absent features `null`
    /// or left out; in place of `features` a `text`, for feature sets that can be computed from it, or the path of an
    /// `analysis` with the `target` in it. `part` names a part of the data for figures of its own. A row without `group`
    /// takes its `document` as group. `set` is the name and version of the feature set that the network reads.
    ///
    /// `label` is 0 or 1 (or a boolean) for [`Output::Probability`], a class name for [`Output::Classes`], a list of
    /// numbers for [`Output::Values`]. A row without `group` is a group of its own.
    ///
    /// # Errors
    /// `data.invalid` with the line number.
    pub fn from_json_lines(
        bytes: &[u8],
        names: &[String],
        output: &Output,
        outputs: usize,
        set: &str,
        sources: &Sources<'_>,
    ) -> Result<Self> {
        let mut data = Self::empty(names.len(), outputs);
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let fail =
                |what: String| Error::new(ErrorCode::DataInvalid, format!("line {}: {what}", index + 1));
            let row: Line = serde_json::from_slice(line)
                .map_err(|source| fail("not a row of training data".to_owned()).because(source))?;
            if let Some(other) = row.set.as_deref().filter(|other| *other != set) {
                return Err(fail(format!("features of the set {other}; the network reads {set}")));
            }
            let features = match (row.features, row.text, row.analysis.as_deref()) {
                (Some(Features::Vector(values)), None, None) if values.len() == names.len() => {
                    values.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect()
                }
                (Some(Features::Vector(values)), None, None) => {
                    return Err(fail(format!(
                        "{} features; the feature set has {}",
                        values.len(),
                        names.len()
                    )));
                }
                (Some(Features::Named(mut values)), None, None) => {
                    let row =
                        names.iter().map(|name| values.remove(name).flatten().unwrap_or(f32::NAN)).collect();
                    if let Some(unknown) = values.keys().next() {
                        return Err(fail(format!("the feature set has no feature {unknown:?}")));
                    }
                    row
                }
                (None, None, Some(path)) => match sources.analysis {
                    Some(features) => features(path, row.target)
                        .map_err(|error| fail("its analysis cannot be used".to_owned()).because(error))?,
                    None => {
                        return Err(fail("this feature set cannot be computed from an analysis".to_owned()));
                    }
                },
                (None, Some(text), None) => match sources.text {
                    Some(from_text) => from_text(&text),
                    None => {
                        return Err(fail("this feature set cannot be computed from text alone".to_owned()));
                    }
                },
                _ => return Err(fail("a row needs either features, text or analysis".to_owned())),
            };
            let targets = targets(row.label, output, outputs).map_err(fail)?;
            if features.len() != names.len() {
                return Err(fail(format!(
                    "{} features; the feature set has {}",
                    features.len(),
                    names.len()
                )));
            }
            let group = row
                .group
                .or(row.document)
                .or_else(|| row.analysis.map(|path| path.display().to_string()))
                .unwrap_or_else(|| format!("line {}", index + 1));
            data.push(&features, &targets, group);
            if let (Some(part), Some(last)) = (row.part, data.parts.last_mut()) {
                *last = part;
            }
        }
        if data.rows() == 0 {
            return Err(Error::new(ErrorCode::DataInvalid, "no rows"));
        }
        Ok(data)
    }

    /// A set without rows.
    #[must_use]
    pub fn empty(width: usize, outputs: usize) -> Self {
        Self {
            width,
            outputs,
            inputs: Vec::new(),
            targets: Vec::new(),
            groups: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the row has another width than the set.
    pub fn push(&mut self, inputs: &[f32], targets: &[f32], group: String) {
        assert!(inputs.len() == self.width && targets.len() == self.outputs, "a row of another data set");
        self.inputs.extend_from_slice(inputs);
        self.targets.extend_from_slice(targets);
        self.groups.push(group);
        self.parts.push(String::new());
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.groups.len()
    }

    /// Features of a row.
    #[must_use]
    pub fn input(&self, row: usize) -> &[f32] {
        &self.inputs[row * self.width..][..self.width]
    }

    /// Targets of a row.
    #[must_use]
    pub fn target(&self, row: usize) -> &[f32] {
        &self.targets[row * self.outputs..][..self.outputs]
    }

    /// Class of a row: the largest target, or for a single target whether it is above one half.
    #[must_use]
    pub fn class(&self, row: usize) -> usize {
        let target = self.target(row);
        if let [value] = target {
            return usize::from(*value > 0.5);
        }
        (1..target.len()).fold(0, |best, i| if target[i] > target[best] { i } else { best })
    }

    /// The rows for which `keep` says so.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut part = Self::empty(self.width, self.outputs);
        for row in (0..self.rows()).filter(|row| keep(*row)) {
            part.push(self.input(row), self.target(row), self.groups[row].clone());
            if let Some(last) = part.parts.last_mut() {
                last.clone_from(&self.parts[row]);
            }
        }
        part
    }

    /// A fold per row, 0 to `folds - 1`; a group is in one fold. Groups are dealt in seeded random order, each to
    /// the fold with the fewest rows so far.
    #[must_use]
    pub fn folds(&self, folds: usize, seed: u64) -> Vec<usize> {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for group in &self.groups {
            *sizes.entry(group).or_default() += 1;
        }
        let mut order: Vec<&str> = sizes.keys().copied().collect();
        Random::new(seed).shuffle(&mut order);
        let mut filled = vec![0; folds];
        let mut fold_of: BTreeMap<&str, usize> = BTreeMap::new();
        for group in order {
            let fold = (0..folds).min_by_key(|fold| filled[*fold]).unwrap_or(0);
            filled[fold] += sizes[group];
            fold_of.insert(group, fold);
        }
        self.groups.iter().map(|group| fold_of[group.as_str()]).collect()
    }

    /// Mean and one over the standard deviation of every feature over its present values; factor 0, so that the
    /// feature counts for nothing, where it never varies.
    #[must_use]
    pub fn standardization(&self) -> Scaling {
        let mut scaling = Scaling { offsets: Vec::new(), factors: Vec::new() };
        for column in 0..self.width {
            let values =
                || (0..self.rows()).map(|row| f64::from(self.input(row)[column])).filter(|v| v.is_finite());
            let count = values().count().max(1) as f64;
            let mean = values().sum::<f64>() / count;
            let deviation = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
            let varies = deviation > 1e-9 * mean.abs().max(1e-3);
            scaling.offsets.push(mean as f32);
            scaling.factors.push(if varies { (1.0 / deviation) as f32 } else { 0.0 });
        }
        scaling
    }

    /// Rows, groups and the hash of the file that they came from.
    #[must_use]
    pub fn fingerprint(&self, file: &[u8]) -> TrainingData {
        let mut groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        groups.sort_unstable();
        groups.dedup();
        let sha256 = docproc_hash::sha256(file);
        TrainingData { sha256, rows: self.rows(), groups: groups.len() }
    }
}

/// The class names that the labels of a data file have, sorted.
#[must_use]
pub fn class_names(bytes: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Labelled {
        label: Label,
    }
    let names: BTreeSet<String> = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| match serde_json::from_slice::<Labelled>(line).ok()?.label {
            Label::Class(name) => Some(name),
            _ => None,
        })
        .collect();
    names.into_iter().collect()
}

fn targets(label: Label, output: &Output, outputs: usize) -> Result<Vec<f32>, String> {
    match (label, output) {
        (Label::Truth(truth), Output::Probability(_)) => Ok(vec![f32::from(u8::from(truth))]),
        (Label::Number(value), Output::Probability(_)) if value == 0.0 || value == 1.0 => Ok(vec![value]),
        (Label::Class(class), Output::Classes(labels)) => {
            match labels.iter().position(|label| *label == class) {
                Some(index) => Ok((0..outputs).map(|i| f32::from(u8::from(i == index))).collect()),
                None => Err(format!("unknown class {class:?}; the network has {}", labels.join(", "))),
            }
        }
        (Label::Number(value), Output::Values) if outputs == 1 && value.is_finite() => Ok(vec![value]),
        (Label::Values(values), Output::Values)
            if values.len() == outputs && values.iter().all(|value| value.is_finite()) =>
        {
            Ok(values)
        }
        (_, Output::Probability(_)) => Err("the label must be 0 or 1".to_owned()),
        (_, Output::Classes(_)) => Err("the label must be the name of a class".to_owned()),
        (_, Output::Values) => Err(format!("the label must be a list of {outputs} numbers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["a".to_owned(), "b".to_owned()]
    }

    #[test]
    fn reads_vectors_names_and_text() {
        let text = br#"{"features": [1, null], "label": 1, "group": "x"}

{"features": {"b": 2}, "label": false}
{"text": "hello", "label": 0}"#;
        let lengths = |text: &str| vec![text.len() as f32, 0.0];
        let yes = Output::Probability("yes".into());
        let data = Dataset::from_json_lines(
            text,
            &names(),
            &yes,
            1,
            "s/1",
            &Sources { text: Some(&lengths), analysis: None },
        )
        .unwrap();
        assert_eq!(data.rows(), 3);
        assert!(data.input(0)[1].is_nan() && data.input(1)[0].is_nan());
        assert_eq!((data.input(1)[1], data.input(2)[0]), (2.0, 5.0));
        assert_eq!((data.class(0), data.class(1)), (1, 0));
        assert_eq!(data.groups, ["x", "line 3", "line 4"]);
        let fingerprint = data.fingerprint(text);
        assert_eq!((fingerprint.rows, fingerprint.groups, fingerprint.sha256.len()), (3, 3, 64));
    }

    #[test]
    fn bad_rows_name_their_line() {
        let error = |text: &str, output: &Output, outputs| {
            Dataset::from_json_lines(text.as_bytes(), &names(), output, outputs, "s/1", &Sources::default())
                .unwrap_err()
                .to_string()
        };
        let yes = Output::Probability("yes".into());
        let classes = Output::Classes(vec!["u".into(), "v".into()]);
        assert!(error("\n{", &yes, 1).contains("line 2"));
        assert!(
            error(r#"{"features":[1],"label":1}"#, &yes, 1).contains("1 features; the feature set has 2")
        );
        assert!(error(r#"{"features":{"c":1},"label":1}"#, &yes, 1).contains("no feature \"c\""));
        assert!(error(r#"{"features":[1,2],"label":0.5}"#, &yes, 1).contains("must be 0 or 1"));
        assert!(error(r#"{"features":[1,2],"label":"w"}"#, &classes, 2).contains("unknown class"));
        assert!(error(r#"{"text":"t","label":1}"#, &yes, 1).contains("text alone"));
        assert!(error("", &yes, 1).contains("no rows"));
    }

    #[test]
    fn folds_keep_groups_together_and_balance() {
        let mut data = Dataset::empty(1, 1);
        for row in 0..300 {
            data.push(&[row as f32], &[0.0], format!("g{}", row / 7));
        }
        let folds = data.folds(5, 1);
        for row in 1..300 {
            assert!(data.groups[row] != data.groups[row - 1] || folds[row] == folds[row - 1]);
        }
        for fold in 0..5 {
            let size = folds.iter().filter(|f| **f == fold).count();
            assert!((45..=75).contains(&size), "{size}");
        }
        assert_ne!(folds, data.folds(5, 2));
    }

    #[test]
    fn constant_and_absent_features_count_for_nothing() {
        let mut data = Dataset::empty(3, 1);
        for value in [1.0, 3.0] {
            data.push(&[value, 7.0, f32::NAN], &[0.0], String::new());
        }
        let scaling = data.standardization();
        assert_eq!(scaling.offsets, [2.0, 7.0, 0.0]);
        assert_eq!(scaling.factors, [1.0, 0.0, 0.0]);
    }
}
