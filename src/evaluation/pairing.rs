//! Which figure stands at the place of which fact.

use std::collections::BTreeMap;

use super::facts::{Fact, FactPlace};
use crate::document::BBox;
use crate::document::analysis::Figure;

/// Share of a fact's width that a figure at its place covers.
const COVERS: f32 = 0.5;

/// The figure at each fact's place: the one that covers most of it, of several the smallest; each figure at most once,
/// at the fact that it covers most.
pub(super) fn pair(facts: &[&Fact], figures: &[&Figure]) -> Vec<Option<usize>> {
    let mut by_page: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, figure) in figures.iter().enumerate() {
        by_page.entry(figure.page).or_default().push(index);
    }
    // Share covered in hundredths (a figure that covers all is no better for covering more), then small boxes first.
    let mut candidates: Vec<(u32, f32, usize, usize)> = Vec::new();
    for (at, fact) in facts.iter().enumerate() {
        for &index in by_page.get(&fact.page).into_iter().flatten() {
            let figure = &figures[index].bbox;
            let middle = fact.bbox.center_y();
            let width = fact.bbox.width().max(0.1);
            let covered = (figure.x1.min(fact.bbox.x1) - figure.x0.max(fact.bbox.x0)) / width;
            if figure.y0 <= middle && middle <= figure.y1 && covered >= COVERS {
                let area = figure.width() * figure.height();
                candidates.push(((covered.min(1.0) * 20.0).round() as u32, area, at, index));
            }
        }
    }
    candidates
        .sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3)));
    let mut pairs = vec![None; facts.len()];
    let mut taken = vec![false; figures.len()];
    for (_, _, fact, figure) in candidates {
        if pairs[fact].is_none() && !taken[figure] {
            pairs[fact] = Some(figure);
            taken[figure] = true;
        }
    }
    pairs
}

/// The kind of table in which a figure without a fact stands between facts; `None` for prose, titles and labels, and
/// for dashes and zeros, which need no tag.
pub(super) fn without_fact(figure: &Figure, facts: &[&Fact]) -> Option<FactPlace> {
    if !figure.text.contains(|c: char| c.is_ascii_digit()) || figure.value == Some(0.0) {
        return None;
    }
    let mut regions: BTreeMap<(FactPlace, u32), BBox> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.page == figure.page && fact.place != FactPlace::Prose) {
        let Some(table) = fact.table else { continue };
        let region = regions.entry((fact.place, table)).or_insert(fact.bbox);
        *region = region.union(&fact.bbox);
    }
    let (x, y) = (figure.bbox.center_x(), figure.bbox.center_y());
    regions.into_iter().find(|(_, region)| region.contains_point(x, y)).map(|((place, _), _)| place)
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::{fact, figure};
    use super::*;

    #[test]
    fn facts_meet_the_figures_at_their_place() {
        let facts = [fact("1", 1e6, 6, 100.0), fact("2", 2e6, 6, 200.0), fact("3", 3e6, 6, 300.0)];
        let figures = [figure("2", 2e6, 6, 200.0), figure("1", 1e6, 6, 101.0), figure("9", 9e6, 6, 240.0)];
        let facts: Vec<&Fact> = facts.iter().collect();
        assert_eq!(pair(&facts, &figures.iter().collect::<Vec<_>>()), [Some(1), Some(0), None]);
        assert_eq!(without_fact(&figures[2], &facts), Some(FactPlace::Statement));
        assert_eq!(without_fact(&figure("—", 0.0, 6, 240.0), &facts), None);
        assert_eq!(without_fact(&figure("9", 9e6, 6, 400.0), &facts), None);
    }
}
