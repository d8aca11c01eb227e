//! Figures in the row labels of tables: "net of allowances of $830", "$0.01 par value; 4,000 shares authorized".

use std::collections::BTreeMap;

use super::numbers::{
    FoundFigure, Locale, ScaleStatement, ScaleSubject, find_figures, scale_by, scale_from_caption,
};
use crate::document::analysis::{Cell, CellReference, Figure, FigureKind, Table};
use crate::document::{BBox, Page};

/// Distance above a table, in points, within which its statement of scale may stand.
const ABOVE: f32 = 90.0;
/// No company has so many shares: a larger number was printed in full.
const MOST_SHARES: f64 = 1e13;
/// Words of a page beyond which it is a drawing; each label looks at all of them.
const MOST_WORDS: usize = 20_000;
/// Probability that value, scale and sign are right; a label says less about its numbers than a column. Measured by
/// `docproc eval figures` on 349 figures in labels of tagged filings.
const CONFIDENCE: f32 = 0.945;

/// Amounts, percentages and quantities in the labels of a table's rows, row by row. The table's scale holds for amounts
/// and shares that are printed without one of their own, but for what its statement excepts. `pages` are by number.
#[must_use]
pub fn figures_of_labels(table: &Table, pages: &BTreeMap<u32, &Page>, locale: Locale) -> Vec<Figure> {
    let page_of = |number: u32| pages.get(&number).copied().filter(|page| page.words.len() <= MOST_WORDS);
    let labels =
        table.cells.iter().filter(|cell| cell.header && cell.column == 0 && cell.row >= table.header_rows);
    let mut statement = None;
    let mut found = Vec::new();
    for cell in labels.filter(|cell| cell.text.contains(|c: char| c.is_ascii_digit())) {
        let Some(page) = page_of(cell.page) else { continue };
        let statement = statement.get_or_insert_with(|| statement_of(table, page_of(table.page)));
        let (text, places) = words_of(cell, page);
        let figures: Vec<Figure> = find_figures(&text, locale)
            .iter()
            .filter_map(|figure| figure_of(&text, figure, &places, statement))
            .collect();
        let periods = periods_of(table, cell.row);
        for (index, figure) in figures.iter().enumerate() {
            // "Net of allowances of $830 and $790" over two dates says one for each.
            let of_kind = |other: &&Figure| other.kind == figure.kind;
            let each = figures.iter().filter(of_kind).count() == periods.len();
            let latest = || periods.iter().enumerate().max_by_key(|(_, period)| period.rsplit('/').next());
            let rank = if each {
                figures[..index].iter().filter(of_kind).count()
            } else {
                latest().map_or(0, |(rank, _)| rank)
            };
            found.push(Figure {
                cell: Some(CellReference { table: table.id, row: cell.row, column: cell.column }),
                page: cell.page,
                period: periods.get(rank).map(|period| (*period).to_owned()),
                ..figure.clone()
            });
        }
    }
    found
}

/// The different periods of a row's numbers from left to right; those of the columns where the row has none.
fn periods_of(table: &Table, row: u32) -> Vec<&str> {
    let values = table.cells.iter().filter(|cell| cell.row == row).filter_map(|cell| cell.value.as_ref());
    let own: Vec<&str> = values.filter_map(|value| value.period.as_deref()).collect();
    let all = if own.is_empty() {
        table.column_periods.iter().flatten().map(String::as_str).collect()
    } else {
        own
    };
    let mut different: Vec<&str> = Vec::new();
    for period in all {
        if !different.contains(&period) {
            different.push(period);
        }
    }
    different
}

/// The words inside the cell joined by spaces, with the byte offset and the box of each.
fn words_of(cell: &Cell, page: &Page) -> (String, Vec<(usize, BBox)>) {
    let mut text = String::new();
    let mut places = Vec::new();
    for word in &page.words {
        if cell.bbox.contains_point(word.bbox.center_x(), word.bbox.center_y()) {
            if !text.is_empty() {
                text.push(' ');
            }
            places.push((text.len(), word.bbox));
            text.push_str(&word.text);
        }
    }
    (text, places)
}

fn figure_of(
    text: &str,
    found: &FoundFigure,
    places: &[(usize, BBox)],
    statement: &ScaleStatement,
) -> Option<Figure> {
    let value = found.value?;
    let subject = subject(text, found);
    let own = found.scale.unwrap_or(0);
    let stated = match (subject, found.scale) {
        (_, Some(_)) | (Some(ScaleSubject::Percent), _) => 0,
        (Some(about @ (ScaleSubject::PerShare | ScaleSubject::Ratio)), _) => {
            statement.exceptions.iter().find(|(of, _)| *of == about).map_or(0, |(_, scale)| *scale)
        }
        (Some(ScaleSubject::Shares), _) => {
            let scale = statement.scale_of(ScaleSubject::Shares).unwrap_or(0);
            if scale_by(value.abs(), scale) > MOST_SHARES { 0 } else { scale }
        }
        (Some(ScaleSubject::Count), _) => 0,
        (None, _) if found.kind == FigureKind::Money => statement.scale.unwrap_or(0),
        (None, _) => return None,
    };
    let kind = if subject == Some(ScaleSubject::PerShare) { FigureKind::PerShare } else { found.kind };
    // The words that the figure's text lies in; those of its first line.
    let first = places.partition_point(|(offset, _)| *offset <= found.range.start).checked_sub(1)?;
    let end = places.partition_point(|(offset, _)| *offset < found.range.end);
    let line = places[first].1;
    let bbox = places[first..end]
        .iter()
        .filter(|(_, bbox)| bbox.vertical_overlap(&line) > 0.0)
        .fold(line, |all, (_, bbox)| all.union(bbox));
    Some(Figure {
        kind,
        text: text[found.range.clone()].to_owned(),
        value: Some(scale_by(value, stated)),
        alternatives: found.alternatives.iter().map(|other| scale_by(*other, stated)).collect(),
        unit: found.unit.clone(),
        currency: found.currency.map(str::to_owned),
        scale: Some(own + stated).filter(|scale| *scale != 0),
        period: None,
        sentence: None,
        heading: None,
        cell: None,
        page: 0,
        bbox,
        confidence: CONFIDENCE,
        needs_review: false,
    })
}

/// What the number is about where that decides its scale.
fn subject(text: &str, found: &FoundFigure) -> Option<ScaleSubject> {
    const PER_SHARE: [&str; 4] = ["par value", "per share", "stated value", "no par"];
    let before = text[..found.range.start].trim_end().to_lowercase();
    let after = text[found.range.end..].trim_start().to_lowercase();
    let before = before.trim_end_matches(['-', '–', '—', ',', ':']).trim_end().trim_end_matches(" of");
    match found.kind {
        FigureKind::Percent => Some(ScaleSubject::Percent),
        FigureKind::PerShare => Some(ScaleSubject::PerShare),
        FigureKind::Money
            if PER_SHARE.iter().any(|words| after.starts_with(words) || before.ends_with(words)) =>
        {
            Some(ScaleSubject::PerShare)
        }
        FigureKind::Quantity if found.unit.as_deref() == Some("shares") => Some(ScaleSubject::Shares),
        FigureKind::Quantity => Some(ScaleSubject::Count),
        // "authorized 6,000,000,000; issued 5,000 and 4,900 shares"
        FigureKind::Number => {
            let words = |text: &str| {
                ["share", "authorized", "issued", "outstanding"].iter().any(|word| text.contains(word))
            };
            words(text.to_lowercase().as_str()).then_some(ScaleSubject::Shares)
        }
        _ => None,
    }
}

/// The statement of scale in the table's header or in the lines above it, the nearest first; else the table's own.
fn statement_of(table: &Table, page: Option<&Page>) -> ScaleStatement {
    let headers =
        table.cells.iter().filter(|cell| cell.row <= table.header_rows).map(|cell| cell.text.clone());
    let mut lines: Vec<(f32, String)> = Vec::new();
    if let Some(page) = page {
        for word in page.words.iter().filter(|word| {
            word.bbox.y1 <= table.bbox.y0 + 2.0
                && word.bbox.y1 > table.bbox.y0 - ABOVE
                && !word.style.invisible
        }) {
            match lines.iter_mut().find(|(y, _)| (*y - word.bbox.center_y()).abs() < 0.5 * word.bbox.height())
            {
                Some((_, line)) => {
                    line.push(' ');
                    line.push_str(&word.text);
                }
                None => lines.push((word.bbox.center_y(), word.text.clone())),
            }
        }
    }
    lines.sort_by(|a, b| b.0.total_cmp(&a.0));
    let stated = headers
        .chain(lines.into_iter().map(|(_, line)| line))
        .filter_map(|line| scale_from_caption(&line))
        .find(|statement| statement.scale.is_some() && statement.scale == table.scale);
    stated.unwrap_or(ScaleStatement { scale: table.scale, ..ScaleStatement::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, caption: &str) -> Vec<(FigureKind, f64)> {
        let statement = scale_from_caption(caption).unwrap_or_default();
        let places: Vec<(usize, BBox)> = vec![(0, BBox::new(10.0, 10.0, 300.0, 20.0))];
        find_figures(text, Locale::default())
            .iter()
            .filter_map(|found| figure_of(text, found, &places, &statement))
            .map(|figure| (figure.kind, figure.value.unwrap()))
            .collect()
    }

    #[test]
    fn labels_of_real_balance_sheets() {
        use FigureKind::{Money, PerShare, Quantity};
        let millions = "(in millions, except share data)";
        assert_eq!(
            read(
                "Common stock, $0.01 par value; 4,000,000,000 shares authorized, 1,831,594,494 shares issued",
                millions
            ),
            [(PerShare, 0.01), (Quantity, 4e9), (Quantity, 1_831_594_494.0)]
        );
        assert_eq!(
            read("Accounts receivable, net of allowances of $830 and $771", millions),
            [(Money, 830e6), (Money, 771e6)]
        );
        assert_eq!(
            read("Translation (net of tax expense (benefit) of $(39) in 2024)", millions),
            [(Money, -39e6)]
        );
        assert_eq!(
            read(
                "Common stock, $0.00001 par value: 50,400,000 shares authorized",
                "(In millions, except number of shares, which are reflected in thousands, and par value)"
            ),
            [(PerShare, 0.00001), (Quantity, 50_400_000_000.0)]
        );
        assert_eq!(read("Notes due in 2.5% tranches", millions).len(), 1);
    }
}
