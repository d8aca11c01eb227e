//! What the script of a document's page gets for one page: short keys, nothing said twice, for there may be hundreds of pages.
//!
//! | key | what |
//! |---|---|
//! | `p` | page number |
//! | `blocks` | `i` identifier, `l` label, `c` confidence, `r` in review, `b` box, `o` place in the reading order, `x` text unless sentences or cells have it |
//! | `cells` | `t` table, `r` row, `k` column, `rs` `ks` spans, `h` header, `d` indentation, `b` box, `x` text, `n` footnote marks, `v` value where no figure has it |
//! | `figures` | `i` place in the list, `k` kind, `x` text, `v` value, `a` alternatives, `u` unit, `m` currency, `e` power of ten, `d` date or period, `q` sentence, `h` heading's block, `t` table, row, column, `b` box, `c` confidence, `r` in review; text and box not where they are the cell's |
//! | `sentences` | `i` identifier, `s` section, `b` boxes, `w` further places `[page, box]`, `x` text, `l` label, `c` confidence, `p` probabilities in the order of the document's `labels`, `r` in review |
//! | `names` | `i` place in the list, `k` type, `x` text, `q` sentence, `b` box, `c` confidence, `r` in review |
//! | `sections` | that begin here: `i` identifier, `x` title, `e` last page, `b` blocks, `k` kind and its confidence, `n` sentences, `w` mean probabilities |
//! | `scores` | of this page and of what begins here: `n` network, `on` what, `v` score, `k` class, `f` above the threshold, `w` feature, value, effect; `q` sentences `[page, identifier, text]` |
//! | `holds` | `i` place in the list, `k` kind, `f` formula, `e` expected, `v` printed, `o` tolerance, `z` terms: `f` factor, `v` value, `p` page, `b` box, `t` table, row, column |

use serde_json::{Map, Value, json};

use super::evidence::Evidence;
use super::{markup, words};
use crate::document::BBox;
use crate::document::analysis::{
    AggregateSentiment, Analysis, Block, Cell, Entity, Figure, Relation, Rounded, Section, Sentence,
};
use crate::document::findings::{Contribution, Score};
use crate::document::round::round_to;

/// Name of the file of a page.
pub(super) fn name(page: u32) -> String {
    format!("p{page}.js")
}

/// The script that hands the data of a page to the script of the document.
pub(super) fn script(analysis: &Analysis, evidence: &Evidence<'_>, page: u32) -> String {
    format!("docprocPage({});\n", markup::json(&data(analysis, evidence, page)))
}

/// The labels of sentiment, in the order in which pages give their probabilities.
pub(super) fn labels(analysis: &Analysis) -> Vec<&str> {
    let mut labels: Vec<&str> = analysis
        .sentences
        .iter()
        .filter_map(|sentence| sentence.sentiment.as_ref())
        .flat_map(|sentiment| sentiment.probabilities.keys().map(String::as_str))
        .collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

fn data(analysis: &Analysis, evidence: &Evidence<'_>, page: u32) -> Value {
    let on = evidence.on(page);
    let labels = labels(analysis);
    let list = |values: Vec<Value>| Value::Array(values);
    json!({
        "p": page,
        "blocks": list(on.blocks.iter().map(|at| block(&analysis.blocks[*at], evidence)).collect()),
        "cells": list(on.cells.iter().map(|(table, at)| {
            let table = &analysis.tables[*table];
            cell(table.id, &table.cells[*at])
        }).collect()),
        "figures": list(on.figures.iter().map(|at| figure(*at, &analysis.figures[*at], evidence)).collect()),
        "sentences": list(on.sentences.iter().map(|at| sentence(&analysis.sentences[*at], &labels)).collect()),
        "names": list(on.entities.iter().map(|at| entity(*at, &analysis.entities[*at])).collect()),
        "sections": list(analysis.sections.iter().filter(|section| section.pages[0] == page).map(section).collect()),
        "scores": list(on.scores.iter().map(|at| score(&analysis.scores[*at], analysis)).collect()),
        "holds": list(on.relations.iter().map(|at| relation(*at, &analysis.relations[*at], evidence)).collect()),
    })
}

/// A tenth of a point is a seventh of a pixel.
pub(super) fn bbox(bbox: &BBox) -> Value {
    json!([bbox.x0, bbox.y0, bbox.x1, bbox.y1].map(|value| short(f64::from(value), 1)))
}

fn short(value: f64, decimals: i32) -> Value {
    let value = round_to(value, decimals);
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

fn probability(value: f32) -> Value {
    short(f64::from(value), 3)
}

/// An object of the entries that say something.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let says = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
    Value::Object(
        entries
            .into_iter()
            .filter(|(_, value)| says(value))
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn unless<T: PartialEq + Into<Value>>(value: T, usual: T) -> Value {
    if value == usual { Value::Null } else { value.into() }
}

fn block(block: &Block, evidence: &Evidence<'_>) -> Value {
    let told = evidence.told.contains(&block.id);
    object([
        ("i", json!(block.id)),
        ("l", json!(block.label)),
        ("c", probability(block.confidence)),
        ("r", json!(block.needs_review)),
        ("b", bbox(&block.bbox)),
        ("o", json!(block.order)),
        ("x", if told { Value::Null } else { json!(block.text) }),
    ])
}

fn cell(table: u32, cell: &Cell) -> Value {
    object([
        ("t", json!(table)),
        ("r", json!(cell.row)),
        ("k", json!(cell.column)),
        ("rs", unless(cell.row_span, 1)),
        ("ks", unless(cell.column_span, 1)),
        ("h", json!(cell.header)),
        ("d", unless(cell.indent, 0)),
        ("b", bbox(&cell.bbox)),
        ("x", json!(cell.text)),
        ("n", if cell.notes.is_empty() { Value::Null } else { json!(cell.notes.join(" ")) }),
        ("v", cell.value.as_ref().map_or(Value::Null, |value| short(value.value, 6))),
    ])
}

fn figure(at: usize, figure: &Figure, evidence: &Evidence<'_>) -> Value {
    let cell = evidence.cell_of(figure);
    let same_text = cell.is_some_and(|cell| cell.text == figure.text);
    let same_box = cell.is_some_and(|cell| cell.bbox == figure.bbox);
    let alternatives = figure.alternatives.iter().map(|value| short(*value, 6)).collect::<Vec<_>>();
    object([
        ("i", json!(at)),
        ("k", json!(words::figure_kind(figure.kind))),
        ("x", if same_text { Value::Null } else { json!(figure.text) }),
        ("v", figure.value.map_or(Value::Null, |value| short(value, 6))),
        ("a", if alternatives.is_empty() { Value::Null } else { json!(alternatives) }),
        ("u", json!(figure.unit)),
        ("m", json!(figure.currency)),
        ("e", json!(figure.scale)),
        ("d", json!(figure.period)),
        ("q", json!(figure.sentence)),
        ("h", json!(figure.heading)),
        ("t", figure.cell.map_or(Value::Null, |cell| json!([cell.table, cell.row, cell.column]))),
        ("b", if same_box { Value::Null } else { bbox(&figure.bbox) }),
        ("c", probability(figure.confidence)),
        ("r", json!(figure.needs_review)),
    ])
}

fn sentence(sentence: &Sentence, labels: &[&str]) -> Value {
    let sentiment = sentence.sentiment.as_ref();
    let further: Vec<Value> =
        sentence.continues.iter().map(|place| json!([place.page, bbox(&place.bbox)])).collect();
    object([
        ("i", json!(sentence.id)),
        ("s", json!(sentence.section)),
        ("b", json!(sentence.boxes.iter().map(bbox).collect::<Vec<_>>())),
        ("w", if further.is_empty() { Value::Null } else { json!(further) }),
        ("x", json!(sentence.text)),
        ("l", sentiment.map_or(Value::Null, |sentiment| json!(sentiment.label))),
        ("c", sentiment.map_or(Value::Null, |sentiment| probability(sentiment.confidence))),
        (
            "p",
            sentiment.map_or(Value::Null, |sentiment| {
                let of = |label: &&str| {
                    sentiment.probabilities.get(*label).map_or(Value::Null, |value| probability(value.0))
                };
                json!(labels.iter().map(of).collect::<Vec<_>>())
            }),
        ),
        ("r", json!(sentiment.is_some_and(|sentiment| sentiment.needs_review))),
    ])
}

fn entity(at: usize, entity: &Entity) -> Value {
    object([
        ("i", json!(at)),
        ("k", json!(entity.kind)),
        ("x", json!(entity.text)),
        ("q", json!(entity.sentence)),
        ("b", bbox(&entity.bbox)),
        ("c", probability(entity.confidence)),
        ("r", json!(entity.needs_review)),
    ])
}

fn section(section: &Section) -> Value {
    let sentiment = section.sentiment.as_ref();
    let tone = |sentiment: &AggregateSentiment| {
        let of = |(label, value): (&String, &Rounded)| (label.clone(), probability(value.0));
        Value::Object(sentiment.probabilities.iter().map(of).collect())
    };
    object([
        ("i", json!(section.id)),
        ("x", json!(section.title)),
        ("e", unless(section.pages[1], section.pages[0])),
        ("b", json!(section.blocks)),
        (
            "k",
            section.kind.as_ref().map_or(Value::Null, |kind| {
                json!([words::section_kind(&kind.label), probability(kind.confidence)])
            }),
        ),
        ("n", sentiment.map_or(Value::Null, |sentiment| json!(sentiment.sentences))),
        ("w", sentiment.map_or(Value::Null, tone)),
    ])
}

fn score(score: &Score, analysis: &Analysis) -> Value {
    let sentence = |id: &u32| {
        let found = analysis.sentences.get(*id as usize).filter(|sentence| sentence.id == *id);
        found.map(|sentence| json!([sentence.page, id, super::short(&sentence.text)]))
    };
    let sentences: Vec<Value> = score.sentences.iter().filter_map(sentence).collect();
    let why = |part: &Contribution| {
        json!([
            words::feature(&part.feature),
            short(f64::from(part.value), 4),
            short(f64::from(part.contribution), 4)
        ])
    };
    object([
        ("n", json!(words::network(&score.network))),
        ("on", json!(score.target)),
        ("v", probability(score.score)),
        ("k", score.class.as_deref().map_or(Value::Null, |class| json!(words::section_kind(class)))),
        ("f", json!(score.flagged)),
        ("w", json!(score.contributions.iter().map(why).collect::<Vec<_>>())),
        ("q", if sentences.is_empty() { Value::Null } else { json!(sentences) }),
    ])
}

fn relation(at: usize, relation: &Relation, evidence: &Evidence<'_>) -> Value {
    let terms: Vec<Value> = relation
        .terms
        .iter()
        .map(|term| {
            let cell = term.cell.and_then(|cell| evidence.cell(cell.table, cell.row, cell.column));
            let place =
                cell.map(|cell| (cell.page, cell.bbox)).or(term.place.map(|place| (place.page, place.bbox)));
            object([
                ("f", json!(term.factor)),
                ("v", short(term.value, 6)),
                ("p", place.map_or(Value::Null, |(page, _)| json!(page))),
                ("b", place.map_or(Value::Null, |(_, place)| bbox(&place))),
                ("t", term.cell.map_or(Value::Null, |cell| json!([cell.table, cell.row, cell.column]))),
            ])
        })
        .collect();
    object([
        ("i", json!(at)),
        ("k", json!(words::finding(&relation.kind))),
        ("f", json!(relation.formula)),
        ("e", short(relation.expected, 6)),
        ("v", short(relation.printed, 6)),
        ("o", short(relation.tolerance, 6)),
        ("z", json!(terms)),
    ])
}
