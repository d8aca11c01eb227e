//! Everything together: pages, blocks, text predictions and tables to the parts of the analysis.

use std::collections::BTreeMap;

use super::conventions::locale_of;
use super::entities::{figures_of_heading, figures_of_table, findings_of_sentence};
use super::labels::figures_of_labels;
use super::numbers::Locale;
use super::periods::LeadIn;
use super::places::place_of_sentence;
use super::sentences::heading_draft;
use super::sentiment::{sentence_sentiment, strongest, sum_by_section};
use super::units::Scopes;
use super::{HyphenatedWords, Outline, PageBlock, SentenceDraft, block_text, outline, sentences};
use crate::document::analysis::{
    Block, Entity, Figure, PageInfo, Rounded, Section, SectionKind, Sentence, Summary, Table,
};
use crate::document::{BBox, Page, TextPrediction, TextSource, Tone};
use crate::error::Result;
use crate::limit::Limit;

/// A document's structure before any text model has looked at it.
#[derive(Debug)]
pub struct DocumentStructure {
    /// Blocks in reading order, page after page; a block's identifier is its index.
    pub blocks: Vec<PageBlock>,
    /// Sections; a section's identifier is its index.
    pub outline: Outline,
    /// Sentences; a sentence's identifier is its index.
    pub sentences: Vec<SentenceDraft>,
    /// Conventions of the document's numbers and dates.
    pub locale: Locale,
    /// Statements of unit and what they cover.
    pub units: Scopes,
    hyphens: HyphenatedWords,
}

impl DocumentStructure {
    /// Builds sections and sentences over the blocks of all pages, given page after page in reading order.
    ///
    /// # Errors
    /// Only those of the limit.
    pub fn new(pages: &[Page], blocks: Vec<PageBlock>, limit: &Limit) -> Result<Self> {
        let hyphens = HyphenatedWords::of(pages);
        let outline = outline(pages, &blocks, &hyphens, limit)?;
        let sentences = sentences(pages, &blocks, &outline, &hyphens, limit)?;
        let units = Scopes::of(pages, &blocks);
        Ok(Self { locale: locale_of(pages), units, blocks, outline, sentences, hyphens })
    }

    /// Text of a block.
    #[must_use]
    pub fn block_text(&self, pages: &[Page], block: usize) -> String {
        self.blocks.get(block).map_or_else(String::new, |block| block_text(pages, block, &self.hyphens))
    }

    /// The first `words` words after a section's heading, those of its subsections included: what the section-kind
    /// model reads beside the title.
    #[must_use]
    pub fn section_opening(&self, pages: &[Page], section: usize, words: usize) -> String {
        let Some(draft) = self.outline.sections.get(section) else { return String::new() };
        let Some(first) = draft.blocks.first() else { return String::new() };
        let mut opening = Vec::new();
        for (index, block) in self.blocks.iter().enumerate().skip(*first) {
            let own = self.outline.section_of_block[index];
            if own != section && !self.is_inside(own, section) {
                break;
            }
            let furniture = matches!(block.label.as_str(), "Page-header" | "Page-footer");
            let own_heading = own == section && matches!(block.label.as_str(), "Title" | "Section-header");
            if furniture || own_heading && !draft.title.is_empty() {
                continue;
            }
            opening.extend(block_text(pages, block, &self.hyphens).split_whitespace().map(str::to_owned));
            if opening.len() >= words {
                break;
            }
        }
        opening.truncate(words);
        opening.join(" ")
    }

    fn is_inside(&self, mut section: usize, ancestor: usize) -> bool {
        while let Some(parent) = self.outline.sections[section].parent {
            if parent == ancestor {
                return true;
            }
            section = parent;
        }
        false
    }
}

/// What the text model says about a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextResults<'a> {
    /// Sentiment labels in the model's order.
    pub sentiment_labels: &'a [String],
    /// Section-kind labels in the model's order.
    pub section_labels: &'a [String],
    /// One prediction per sentence, or none at all.
    pub sentences: &'a [TextPrediction],
    /// One prediction per section, or none at all.
    pub sections: &'a [TextPrediction],
}

/// Confidences below which an item is marked for review.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReviewThresholds {
    /// Layout labels of blocks.
    pub layout: f32,
    /// Sentiment of sentences.
    pub sentiment: f32,
    /// Entities.
    pub entities: f32,
}

/// The structural parts of an analysis.
#[derive(Clone, Debug, Default)]
pub struct AnalysisParts {
    /// Pages that were read.
    pub pages: Vec<PageInfo>,
    /// Blocks in reading order.
    pub blocks: Vec<Block>,
    /// Sections in reading order.
    pub sections: Vec<Section>,
    /// Sentences in reading order.
    pub sentences: Vec<Sentence>,
    /// Entities in sentence order.
    pub entities: Vec<Entity>,
    /// Figures of the sentences, then those of the tables.
    pub figures: Vec<Figure>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Totals; its audit is left at its default.
    pub summary: Summary,
}

/// Puts the parts together. Tables without a section get that of their first block.
///
/// # Errors
/// Only those of the limit.
pub fn assemble(
    pages: &[Page],
    structure: &DocumentStructure,
    text: TextResults<'_>,
    mut tables: Vec<Table>,
    review: ReviewThresholds,
    limit: &Limit,
) -> Result<AnalysisParts> {
    let sections_of_blocks = &structure.outline.section_of_block;
    for table in &mut tables {
        if table.section.is_none() {
            let first = table.blocks.first().and_then(|block| sections_of_blocks.get(*block as usize));
            table.section = first.map(|section| identifier(*section));
        }
    }
    let none = TextPrediction::default();
    let mut sentences = Vec::with_capacity(structure.sentences.len());
    let (mut entities, mut figures) = (Vec::new(), Vec::new());
    let mut lead_in = LeadIn::default();
    for (index, draft) in structure.sentences.iter().enumerate() {
        limit.check()?;
        let prediction = text.sentences.get(index).unwrap_or(&none);
        let place = place_of_sentence(draft, pages);
        let probabilities = prediction.sentiment.as_deref().unwrap_or(&[]);
        sentences.push(Sentence {
            id: identifier(index),
            section: identifier(draft.section),
            block: identifier(draft.block),
            page: place.page,
            boxes: place.boxes,
            continues: place.continues,
            text: draft.text.clone(),
            sentiment: sentence_sentiment(text.sentiment_labels, probabilities, review.sentiment),
        });
        let mut found = findings_of_sentence(
            draft,
            identifier(index),
            &prediction.entities,
            pages,
            structure.locale,
            review.entities,
        );
        lead_in.govern(draft, &structure.blocks[draft.block].label, &mut found.figures);
        entities.append(&mut found.entities);
        figures.append(&mut found.figures);
    }
    for (index, block) in structure.blocks.iter().enumerate() {
        if matches!(block.label.as_str(), "Title" | "Section-header") {
            let draft =
                heading_draft(pages, &structure.blocks, &structure.outline, &structure.hyphens, index);
            figures.append(&mut figures_of_heading(&draft, identifier(index), pages, structure.locale));
        }
    }
    structure.units.scale_prose(pages, &mut figures);
    let by_number: BTreeMap<u32, &Page> = pages.iter().map(|page| (page.number, page)).collect();
    for table in &tables {
        limit.check()?;
        figures.extend(figures_of_table(table));
        figures.extend(figures_of_labels(table, &by_number, structure.locale));
    }

    let probabilities = structure.sentences.iter().zip(text.sentences).filter_map(|(draft, prediction)| {
        let probabilities = prediction.sentiment.as_deref()?;
        Some((draft.section, draft.words.len(), probabilities))
    });
    let page_ranges = page_ranges(pages, structure);
    let (sums, document_sum) = sum_by_section(&structure.outline.sections, probabilities);
    let sections: Vec<Section> = structure
        .outline
        .sections
        .iter()
        .enumerate()
        .map(|(index, draft)| Section {
            id: identifier(index),
            title: draft.title.clone(),
            level: draft.level,
            parent: draft.parent.map(identifier),
            kind: text
                .sections
                .get(index)
                .and_then(|prediction| section_kind(text.section_labels, prediction)),
            pages: page_ranges[index].unwrap_or([1, 1]),
            blocks: draft.blocks.iter().copied().map(identifier).collect(),
            sentiment: sums[index].aggregate(text.sentiment_labels),
        })
        .collect();
    let blocks = blocks(pages, structure, review.layout);
    let mut summary = Summary {
        pages: identifier(pages.len()),
        words: pages.iter().map(|page| page.words.len() as u64).sum(),
        blocks: count(blocks.iter().map(|block| block.label.as_str())),
        sections: identifier(sections.len()),
        sentences: identifier(sentences.len()),
        sentiment: document_sum.aggregate(text.sentiment_labels),
        most_positive: strongest(&sentences, Tone::Positive),
        most_negative: strongest(&sentences, Tone::Negative),
        embedding: mean_embedding(&structure.sentences, text.sentences),
        entities: count(entities.iter().map(|entity| entity.kind.as_str())),
        figures: identifier(figures.len()),
        tables: identifier(tables.len()),
        ..Summary::default()
    };
    let unsure = blocks.iter().filter(|block| block.needs_review).count()
        + sentences
            .iter()
            .filter_map(|sentence| sentence.sentiment.as_ref())
            .filter(|sentiment| sentiment.needs_review)
            .count()
        + entities.iter().filter(|entity| entity.needs_review).count();
    summary.needs_review = identifier(unsure);
    Ok(AnalysisParts {
        pages: pages.iter().map(page_info).collect(),
        blocks,
        sections,
        sentences,
        entities,
        figures,
        tables,
        summary,
    })
}

/// Mean of the sentences' embeddings, weighted by words, of length 1; empty where there are none.
fn mean_embedding(drafts: &[SentenceDraft], predictions: &[TextPrediction]) -> Vec<Rounded> {
    let mut sum: Vec<f64> = Vec::new();
    for (draft, prediction) in drafts.iter().zip(predictions) {
        let Some(embedding) = &prediction.embedding else { continue };
        sum.resize(embedding.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(embedding) {
            *sum += draft.words.len() as f64 * f64::from(*value);
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 { sum.iter().map(|value| Rounded((value / length) as f32)).collect() } else { Vec::new() }
}

/// Indices are identifiers; a document has far fewer than 2^32 of anything.
fn identifier(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn count<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    counts
}

fn page_info(page: &Page) -> PageInfo {
    PageInfo {
        number: page.number,
        label: page.label.clone(),
        width: page.width,
        height: page.height,
        rotation: page.rotation,
        text_source: page.text_source,
        text_source_reason: page.text_source_reason.clone(),
        words: identifier(page.words.len()),
    }
}

fn blocks(pages: &[Page], structure: &DocumentStructure, review_threshold: f32) -> Vec<Block> {
    let (mut order, mut last_page) = (0, usize::MAX);
    structure
        .blocks
        .iter()
        .enumerate()
        .map(|(index, block)| {
            order = if block.page_index == last_page { order + 1 } else { 0 };
            last_page = block.page_index;
            Block {
                id: identifier(index),
                page: pages[block.page_index].number,
                label: block.label.clone(),
                confidence: block.confidence,
                needs_review: block.confidence < review_threshold,
                bbox: with_strokes(&block.bbox, &pages[block.page_index]),
                text: structure.block_text(pages, index),
                order,
                kind: block.picture,
                text_source: source_of(block, &pages[block.page_index]),
            }
        })
        .collect()
}

/// The box of a block with room for the edges of its letters: words have the boxes of their outlines, and strokes are drawn
/// half a pixel around those.
fn with_strokes(bbox: &BBox, page: &Page) -> BBox {
    const ROOM: f32 = 1.0;
    let wide = BBox::new(bbox.x0 - ROOM, bbox.y0 - ROOM, bbox.x1 + ROOM, bbox.y1 + ROOM);
    wide.intersection(&BBox::new(0.0, 0.0, page.width, page.height)).unwrap_or(*bbox)
}

/// Where the words of a block come from, unless it is where those of its page come from.
fn source_of(block: &PageBlock, page: &Page) -> Option<TextSource> {
    let words = || block.lines.iter().flatten().filter_map(|word| page.words.get(*word));
    let by_ocr = words().filter(|word| word.confidence.is_some()).count();
    let source = if 2 * by_ocr > words().count() { TextSource::Ocr } else { TextSource::TextLayer };
    (words().next().is_some() && source != page.text_source).then_some(source)
}

/// First and last page of each section, subsections included; `None` where it has no blocks.
fn page_ranges(pages: &[Page], structure: &DocumentStructure) -> Vec<Option<[u32; 2]>> {
    let sections = &structure.outline.sections;
    let widen = |range: Option<[u32; 2]>, [from, to]: [u32; 2]| {
        Some(range.map_or([from, to], |[first, last]| [first.min(from), last.max(to)]))
    };
    let number = |block: &usize| pages[structure.blocks[*block].page_index].number;
    let own = |blocks: &[usize]| blocks.iter().map(number).fold(None, |range, at| widen(range, [at, at]));
    let mut ranges: Vec<Option<[u32; 2]>> = sections.iter().map(|section| own(&section.blocks)).collect();
    // Children come after their parents.
    for index in (0..sections.len()).rev() {
        if let (Some(parent), Some(range)) = (sections[index].parent, ranges[index]) {
            ranges[parent] = widen(ranges[parent], range);
        }
    }
    ranges
}

fn section_kind(labels: &[String], prediction: &TextPrediction) -> Option<SectionKind> {
    let probabilities = prediction.section_kind.as_deref().filter(|values| values.len() == labels.len())?;
    let best = (0..labels.len()).rev().max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))?;
    Some(SectionKind { label: labels[best].clone(), confidence: probabilities[best] })
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
