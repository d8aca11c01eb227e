use std::sync::Arc;

use super::*;
use crate::document::{EntitySpan, SpanEvidence, WordPredictions};
use crate::structure::layout_page;
use crate::structure::testing::{page_of, text_line};

/// A page of printed lines with the label that the model gives to all words of each.
fn page(lines: &[(&str, &str, f32, f32)]) -> (Page, WordPredictions) {
    let labels: Arc<[String]> =
        ["Text", "Section-header", "Table", "Page-footer", "List-item", "Title"].map(str::to_owned).into();
    let (mut words, mut probabilities) = (Vec::new(), Vec::new());
    for (label, text, y, size) in lines {
        let line = text_line(text, 60.0, *y, *size);
        for _ in &line {
            probabilities.extend(labels.iter().map(|name| if name == label { 0.9 } else { 0.02 }));
        }
        words.extend(line);
    }
    (page_of(words), WordPredictions { labels, probabilities })
}

fn analyzed() -> (Vec<Page>, DocumentStructure) {
    let (first, first_labels) = page(&[
        ("Title", "Annual Report 2024", 60.0, 24.0),
        ("Section-header", "Item 7. Discussion", 120.0, 14.0),
        ("Section-header", "Revenue", 150.0, 11.0),
        ("Text", "Acme Inc. earned $5 million in 2024. Profit rose", 170.0, 10.0),
        ("Text", "by 12% because of the strong demand we saw all", 182.0, 10.0),
        ("Page-footer", "Page 1", 760.0, 8.0),
    ]);
    let (mut second, second_labels) = page(&[
        ("Text", "over the world.", 60.0, 10.0),
        ("Section-header", "Item 8. Statements", 100.0, 14.0),
        ("Table", "Cash 1 2", 130.0, 10.0),
        ("Table", "Debt 3 4", 145.0, 10.0),
    ]);
    second.number = 2;
    let mut blocks = layout_page(&first, 0, &first_labels);
    blocks.extend(layout_page(&second, 1, &second_labels));
    let pages = vec![first, second];
    let structure = DocumentStructure::new(&pages, blocks, &Limit::default()).unwrap();
    (pages, structure)
}

#[test]
fn a_small_document_from_words_to_analysis() {
    let (pages, structure) = analyzed();
    let texts: Vec<&str> = structure.sentences.iter().map(|draft| draft.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Acme Inc. earned $5 million in 2024.",
            "Profit rose by 12% because of the strong demand we saw all over the world."
        ]
    );
    let predictions = [
        TextPrediction {
            sentiment: Some(vec![0.2, 0.1, 0.7]),
            entities: vec![EntitySpan {
                range: 0..9,
                label: "ORG".to_owned(),
                confidence: 0.8,
                evidence: SpanEvidence::default(),
            }],
            ..TextPrediction::default()
        },
        TextPrediction { sentiment: Some(vec![0.9, 0.05, 0.05]), ..TextPrediction::default() },
    ];
    let labels = ["positive", "negative", "neutral"].map(str::to_owned);
    let text = TextResults { sentiment_labels: &labels, sentences: &predictions, ..TextResults::default() };
    let review = ReviewThresholds { layout: 0.5, sentiment: 0.75, entities: 0.5 };
    let parts = assemble(&pages, &structure, text, Vec::new(), review, &Limit::default()).unwrap();

    let tree: Vec<(u32, &str, [u32; 2])> =
        parts.sections.iter().map(|section| (section.level, section.title.as_str(), section.pages)).collect();
    assert_eq!(
        tree,
        [
            (1, "Annual Report 2024", [1, 1]),
            (1, "Item 7. Discussion", [1, 2]),
            (2, "Revenue", [1, 2]),
            (1, "Item 8. Statements", [2, 2])
        ]
    );
    assert_eq!(parts.sections[1].sentiment.as_ref().map(|sum| sum.sentences), Some(2));
    assert_eq!(parts.sections[3].sentiment, None);
    assert_eq!(parts.sentences[1].continues.len(), 1);
    assert_eq!(parts.entities[0].text, "Acme Inc.");
    let values: Vec<Option<f64>> = parts.figures.iter().map(|figure| figure.value).collect();
    assert_eq!(values, [Some(5_000_000.0), None, Some(12.0)]);
    assert_eq!(parts.summary.blocks["Table"], 1);
    assert_eq!(parts.summary.needs_review, 1);
    let orders: Vec<(u32, u32)> = parts.blocks.iter().map(|block| (block.page, block.order)).collect();
    assert_eq!(orders, [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 0), (2, 1), (2, 2)]);
    assert_eq!(structure.section_opening(&pages, 1, 4), "Revenue Acme Inc. earned");
}

#[test]
fn without_models_there_is_still_structure() {
    let (pages, structure) = analyzed();
    let parts = assemble(
        &pages,
        &structure,
        TextResults::default(),
        Vec::new(),
        ReviewThresholds::default(),
        &Limit::default(),
    )
    .unwrap();
    assert!(parts.sentences.iter().all(|sentence| sentence.sentiment.is_none()));
    assert!(parts.summary.sentiment.is_none() && parts.entities.is_empty());
    assert_eq!(parts.figures.len(), 3);
}

#[test]
fn notes_lie_below_their_title_also_behind_the_companys_name() {
    let (page, labels) = page(&[
        ("Section-header", "Acme, Inc. Notes to Unaudited Consolidated Financial Statements", 60.0, 10.0),
        ("Section-header", "1. Organization", 90.0, 10.0),
        ("Section-header", "2. Revenues", 120.0, 10.0),
    ]);
    let blocks = layout_page(&page, 0, &labels);
    let structure = DocumentStructure::new(&[page], blocks, &Limit::default()).unwrap();
    let levels: Vec<u32> = structure.outline.sections.iter().map(|section| section.level).collect();
    assert_eq!(levels, [1, 2, 2]);
}

#[test]
fn decimal_numbers_decide_depth_before_the_type_does() {
    let (page, labels) = page(&[
        ("Section-header", "1. Climate", 60.0, 16.0),
        ("Section-header", "1.1. Emissions", 90.0, 12.0),
        ("Section-header", "Strategy 1.1.1. Sources", 120.0, 10.0),
        ("Section-header", "Indicators", 150.0, 11.0),
        ("Section-header", "Strategy 1.1.2. Partners", 180.0, 13.0),
        ("Section-header", "1.2. Resilience", 210.0, 12.0),
        ("Section-header", "Outlook", 240.0, 18.0),
    ]);
    let blocks = layout_page(&page, 0, &labels);
    let structure = DocumentStructure::new(&[page], blocks, &Limit::default()).unwrap();
    let tree: Vec<(&str, u32)> =
        structure.outline.sections.iter().map(|section| (section.title.as_str(), section.level)).collect();
    assert_eq!(
        tree,
        [
            ("1. Climate", 1),
            ("1.1. Emissions", 2),
            ("Strategy 1.1.1. Sources", 3),
            ("Indicators", 3),
            ("Strategy 1.1.2. Partners", 3),
            ("1.2. Resilience", 2),
            ("Outlook", 1),
        ]
    );
}
