//! Spans of tagged words: where they are, and how marked ones compare with true ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::data::LabelledWords;
use crate::document::round::round_to;

/// First token, token after the last, and type.
pub(super) type Span = (usize, usize, String);

/// Type of a BIO tag.
pub(super) fn kind(tag: &str) -> Option<String> {
    tag.split_once('-').map(|(_, kind)| kind.to_owned())
}

/// Every span of BIO tags; a stray `I-` opens one.
pub(super) fn spans(tags: &[String]) -> BTreeSet<Span> {
    let mut found = BTreeSet::new();
    let mut open: Option<(usize, String)> = None;
    for (index, tag) in tags.iter().map(String::as_str).chain(["O"]).enumerate() {
        let kind = kind(tag);
        let goes_on = tag.starts_with("I-") && open.as_ref().map(|span| &span.1) == kind.as_ref();
        if !goes_on {
            if let Some((start, kind)) = open.take() {
                found.insert((start, index, kind));
            }
            open = kind.map(|kind| (index, kind));
        }
    }
    found
}

/// What a confusion table has for nothing.
const NONE: &str = "none";

/// The true and the marked type of every span: the mark at the same words, else one that shares some.
pub(super) fn pairs(truth: &BTreeSet<Span>, marked: &BTreeMap<Span, f32>) -> Vec<(String, String)> {
    let overlap = |a: &Span, b: &Span| a.0 < b.1 && b.0 < a.1;
    let mut pairs = Vec::new();
    for span in truth {
        let same = marked.keys().find(|mark| (mark.0, mark.1) == (span.0, span.1));
        let mark = match same.or_else(|| marked.keys().find(|mark| overlap(span, mark))) {
            None => NONE.to_owned(),
            Some(mark) if same.is_none() && mark.2 == span.2 => format!("{} (other words)", mark.2),
            Some(mark) => mark.2.clone(),
        };
        pairs.push((span.2.clone(), mark));
    }
    let alone = marked.keys().filter(|mark| !truth.iter().any(|span| overlap(span, mark)));
    pairs.extend(alone.map(|mark| (NONE.to_owned(), mark.2.clone())));
    pairs
}

/// The item with its true and its marked spans, unless they are the same; `probabilities` are the confidences of the
/// marked ones, in their order.
pub(super) fn wrong_item(
    line: usize,
    item: &LabelledWords,
    truth: &BTreeSet<Span>,
    marked: &BTreeMap<Span, f32>,
) -> Option<Value> {
    let list = |spans: &mut dyn Iterator<Item = &Span>| -> Vec<Value> {
        spans
            .map(|(first, end, kind)| {
                json!({"type": kind, "tokens": [first, end], "text": item.tokens[*first..*end].join(" ")})
            })
            .collect()
    };
    (!truth.iter().eq(marked.keys())).then(|| {
        json!({
            "line": line + 1,
            "text": item.tokens.join(" "),
            "true": list(&mut truth.iter()),
            "predicted": list(&mut marked.keys()),
            "probabilities": marked.values().map(|p| round_to(f64::from(*p), 4)).collect::<Vec<_>>(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(tags: [&str; 6]) -> LabelledWords {
        let tokens = ["Acme", "Corp.", "of", "Ann", "Lee", "Paris"].map(str::to_owned).into();
        LabelledWords { tokens, tags: tags.map(str::to_owned).into(), group: None }
    }

    #[test]
    fn spans_of_tags() {
        let tags = words(["B-ORG", "I-ORG", "O", "I-PER", "B-PER", "I-LOC"]).tags;
        let expected = [(0, 2, "ORG"), (3, 4, "PER"), (4, 5, "PER"), (5, 6, "LOC")];
        assert_eq!(spans(&tags), expected.map(|(start, end, kind)| (start, end, kind.to_owned())).into());
    }

    #[test]
    fn marks_are_paired_with_what_is_true_there() {
        let item = words(["B-ORG", "I-ORG", "O", "B-PER", "I-PER", "O"]);
        let truth = spans(&item.tags);
        let mark = |first, end, kind: &str| ((first, end, kind.to_owned()), 0.5f32);
        let marked = BTreeMap::from([mark(0, 1, "ORG"), mark(3, 5, "LOC"), mark(5, 6, "LOC")]);
        let pair = |truth: &str, marked: &str| (truth.to_owned(), marked.to_owned());
        assert_eq!(
            pairs(&truth, &marked),
            [pair("ORG", "ORG (other words)"), pair("PER", "LOC"), pair("none", "LOC")]
        );
        assert_eq!(pairs(&truth, &BTreeMap::new())[1], pair("PER", "none"));
        let wrong = wrong_item(6, &item, &truth, &marked).expect("wrong");
        assert_eq!((&wrong["line"], &wrong["true"][1]["text"]), (&json!(7), &json!("Ann Lee")));
        assert_eq!(wrong["probabilities"], json!([0.5, 0.5, 0.5]));
        let right = BTreeMap::from([mark(0, 2, "ORG"), mark(3, 5, "PER")]);
        assert_eq!(wrong_item(0, &item, &truth, &right), None);
    }
}
