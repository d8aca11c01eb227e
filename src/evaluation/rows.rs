//! Feature rows of finished analyses: what `docproc features` prints and `docproc train` reads.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::document::analysis::Analysis;
use crate::document::findings::ScoreTarget;
use crate::document::round::round_to;
use crate::error::{Error, ErrorCode, Result};
use crate::limit::Limit;
use crate::scoring::features::{self, Document, Row};
use docproc_networks::spec::FeatureSetId;

/// Largest analysis that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Reads a finished analysis.
///
/// # Errors
/// `data.invalid` when it cannot be read or is none.
pub fn read_analysis(path: &Path) -> Result<Analysis> {
    let invalid = |message: &str| Error::new(ErrorCode::DataInvalid, message).file(path);
    let size = fs::metadata(path).map_err(|error| invalid("cannot read the analysis").because(error))?.len();
    if size > MAX_BYTES {
        return Err(invalid("the file is too large for an analysis"));
    }
    let bytes = fs::read(path).map_err(|error| invalid("cannot read the analysis").because(error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        invalid("not an analysis of this version")
            .because(error)
            .help("write it again with `docproc analyze`")
    })
}

/// A row as JSON: set, document, target and the features that are present, by name.
#[must_use]
pub fn feature_row(set: &FeatureSetId, names: &[String], document: &str, row: &Row) -> String {
    let values = named_values(names, &row.values);
    json!({
        "set": format!("{}/{}", set.name, set.version),
        "document": document,
        "target": row.target,
        "features": values,
    })
    .to_string()
}

/// The values that are present, by name.
pub(super) fn named_values<'a>(names: &'a [String], values: &[f32]) -> BTreeMap<&'a str, f64> {
    names
        .iter()
        .zip(values)
        .filter(|(_, value)| value.is_finite())
        .map(|(name, value)| (name.as_str(), round_to(f64::from(*value), 6)))
        .collect()
}

/// The features of one thing in a finished analysis; without a target that of the only row.
///
/// # Errors
/// `data.invalid` when the analysis cannot be read or has no such row.
pub fn features_in(path: &Path, set: &str, target: Option<ScoreTarget>) -> Result<Vec<f32>> {
    let analysis = read_analysis(path)?;
    let rows = features::rows(set, &Document::of(&analysis), &Limit::default()).unwrap_or_default();
    let found = rows.len();
    let mut fitting = rows.into_iter().filter(|row| target.is_none_or(|target| row.target == target));
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => Ok(row.values),
        (Some(_), Some(_)) => Err(Error::new(
            ErrorCode::DataInvalid,
            format!("the analysis has {found} rows of the set {set}; a `target` must say which"),
        )
        .file(path)),
        (None, _) => Err(Error::new(
            ErrorCode::DataInvalid,
            format!("the analysis has no row of the set {set} for this target"),
        )
        .file(path)
        .help("`docproc features` prints the rows that there are")),
    }
}
