//! Feature vectors: fixed length, named, versioned, with documented ranges. Absent values are not-a-number; networks
//! replace them by their training mean.

mod lexicon;
pub mod lines;
pub mod risk;
mod text;

use super::spec::FeatureSetId;

/// One feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Unique name within its set.
    pub name: String,
    /// What it measures, in one line.
    pub meaning: String,
    /// Smallest and largest value that it can take.
    pub range: (f32, f32),
}

/// A documented feature set.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSet {
    /// Name and version.
    pub id: FeatureSetId,
    /// What the vector describes: a section, a page, a document, ...
    pub subject: &'static str,
    /// The features in order.
    pub features: Vec<Feature>,
}

impl FeatureSet {
    /// Number of features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether the set has no features.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Names in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name.clone()).collect()
    }
}

/// Every feature set of this version.
#[must_use]
pub fn all() -> Vec<FeatureSet> {
    vec![risk::set(), lines::set()]
}

/// The feature set with this name, if there is one.
#[must_use]
pub fn named(name: &str) -> Option<FeatureSet> {
    all().into_iter().find(|set| set.id.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sets_are_documented_and_names_unique() {
        let mut sets = BTreeSet::new();
        for set in all() {
            assert!(sets.insert(set.id.name.clone()));
            let names: BTreeSet<&str> = set.features.iter().map(|feature| feature.name.as_str()).collect();
            assert_eq!(names.len(), set.len(), "{}: names are unique", set.id.name);
            for feature in &set.features {
                assert!(!feature.meaning.is_empty() && feature.range.0 < feature.range.1, "{feature:?}");
            }
        }
    }
}
