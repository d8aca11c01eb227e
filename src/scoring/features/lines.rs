//! Features of a printed line: what the layout model says about it and the lines around it, and its typography. They
//! are computed by [`crate::structure::typography`].

use super::{Feature, FeatureSet};
use crate::structure::typography::{LABELS, TYPOGRAPHY, line_feature_names};
use docproc_networks::spec::FeatureSetId;

/// The set, version 1.
#[must_use]
pub fn set() -> FeatureSet {
    let meanings = ["of its words", "of the words of the line above", "of the words of the line below"]
        .iter()
        .flat_map(|whose| {
            LABELS.iter().map(move |label| (format!("mean probability {whose} to be {label}"), (0.0, 1.0)))
        });
    let typography = TYPOGRAPHY.iter().map(|(_, meaning, low, high)| ((*meaning).to_owned(), (*low, *high)));
    FeatureSet {
        id: FeatureSetId { name: "lines".to_owned(), version: 1 },
        subject: "line",
        features: line_feature_names()
            .into_iter()
            .zip(meanings.chain(typography))
            .map(|(name, (meaning, range))| Feature { name, meaning, range })
            .collect(),
    }
}
