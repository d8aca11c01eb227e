//! Where the things of an analysis are: by page, block, table.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::analysis::{Analysis, Cell, Figure};
use crate::document::findings::ScoreTarget;

/// Things by the page that shows them, as places in the analysis's lists.
#[derive(Default)]
pub(super) struct OnPage {
    pub blocks: Vec<usize>,
    pub sentences: Vec<usize>,
    pub entities: Vec<usize>,
    pub figures: Vec<usize>,
    /// Table and cell.
    pub cells: Vec<(usize, usize)>,
    /// By the page of the printed result.
    pub relations: Vec<usize>,
    /// Of the page, and of sections and tables that begin on it.
    pub scores: Vec<usize>,
    /// Things below their review threshold.
    pub in_review: u32,
}

/// Look-ups over an analysis.
pub(super) struct Evidence<'a> {
    pages: BTreeMap<u32, OnPage>,
    cells: BTreeMap<(u32, u32, u32), &'a Cell>,
    /// Blocks whose text is that of their sentences or cells.
    pub told: BTreeSet<u32>,
    nothing: OnPage,
}

impl<'a> Evidence<'a> {
    pub fn of(analysis: &'a Analysis) -> Self {
        let mut pages: BTreeMap<u32, OnPage> =
            analysis.pages.iter().map(|page| (page.number, OnPage::default())).collect();
        let mut on = |page: u32, review: bool, add: &dyn Fn(&mut OnPage)| {
            let page = pages.entry(page).or_default();
            page.in_review += u32::from(review);
            add(page);
        };
        for (at, block) in analysis.blocks.iter().enumerate() {
            on(block.page, block.needs_review, &|page| page.blocks.push(at));
        }
        for (at, sentence) in analysis.sentences.iter().enumerate() {
            let review = sentence.sentiment.as_ref().is_some_and(|sentiment| sentiment.needs_review);
            on(sentence.page, review, &|page| page.sentences.push(at));
        }
        for (at, entity) in analysis.entities.iter().enumerate() {
            on(entity.page, entity.needs_review, &|page| page.entities.push(at));
        }
        for (at, figure) in analysis.figures.iter().enumerate() {
            on(figure.page, figure.needs_review, &|page| page.figures.push(at));
        }
        let mut cells = BTreeMap::new();
        for (table_at, table) in analysis.tables.iter().enumerate() {
            for (at, cell) in table.cells.iter().enumerate() {
                cells.insert((table.id, cell.row, cell.column), cell);
                on(cell.page, false, &|page| page.cells.push((table_at, at)));
            }
        }
        for (at, relation) in analysis.relations.iter().enumerate() {
            let Some(result) = relation.terms.last() else { continue };
            let cell = result.cell.and_then(|cell| cells.get(&(cell.table, cell.row, cell.column)));
            let place = cell.map(|cell| cell.page).or(result.place.map(|place| place.page));
            if let Some(page) = place {
                on(page, false, &|page| page.relations.push(at));
            }
        }
        let pages_of_sections: BTreeMap<u32, u32> =
            analysis.sections.iter().map(|section| (section.id, section.pages[0])).collect();
        let pages_of_tables: BTreeMap<u32, u32> =
            analysis.tables.iter().map(|table| (table.id, table.page)).collect();
        for (at, score) in analysis.scores.iter().enumerate() {
            let page = match score.target {
                ScoreTarget::Document => None,
                ScoreTarget::Page(page) => Some(page),
                ScoreTarget::Section(id) => pages_of_sections.get(&id).copied(),
                ScoreTarget::Table(id) => pages_of_tables.get(&id).copied(),
            };
            if let Some(page) = page {
                on(page, false, &|page| page.scores.push(at));
            }
        }
        let tables = analysis.tables.iter().flat_map(|table| table.blocks.iter().copied());
        let told = analysis.sentences.iter().map(|sentence| sentence.block).chain(tables).collect();
        Self { pages, cells, told, nothing: OnPage::default() }
    }

    pub fn on(&self, page: u32) -> &OnPage {
        self.pages.get(&page).unwrap_or(&self.nothing)
    }

    pub fn cell(&self, table: u32, row: u32, column: u32) -> Option<&'a Cell> {
        self.cells.get(&(table, row, column)).copied()
    }

    /// The cell that a figure stands in.
    pub fn cell_of(&self, figure: &Figure) -> Option<&'a Cell> {
        figure.cell.and_then(|cell| self.cell(cell.table, cell.row, cell.column))
    }
}
