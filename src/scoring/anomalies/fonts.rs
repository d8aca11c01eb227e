//! Numbers in another typeface than their column: what an edited PDF often shows.

use std::collections::BTreeMap;

use super::{MOST_WORDS, evidence, finding};
use crate::document::Page;
use crate::document::analysis::{Cell, Table};
use crate::document::findings::{Anomaly, Severity};

/// Numbers that a column must have.
const FEWEST: usize = 6;
/// Of so many numbers one may stand out.
const SHARE: usize = 6;

/// One finding per number that differs from nearly all of its column, unless its row differs as a whole.
pub(super) fn odd_fonts<'t>(pages: &[Page], tables: impl IntoIterator<Item = &'t Table>) -> Vec<Anomaly> {
    let by_number: BTreeMap<u32, &Page> =
        pages.iter().filter(|page| page.words.len() <= MOST_WORDS).map(|page| (page.number, page)).collect();
    tables.into_iter().flat_map(|table| odd_in(table, &by_number)).collect()
}

fn odd_in(table: &Table, pages: &BTreeMap<u32, &Page>) -> Vec<Anomaly> {
    // Typeface of every cell; rows are compared over all their cells, columns over their numbers.
    let faces: Vec<(&Cell, String)> =
        table.cells.iter().filter_map(|cell| Some((cell, face_of(cell, pages.get(&cell.page)?)?))).collect();
    let mut columns: BTreeMap<u32, Vec<&(&Cell, String)>> = BTreeMap::new();
    let mut rows: BTreeMap<u32, Vec<&(&Cell, String)>> = BTreeMap::new();
    for entry in &faces {
        rows.entry(entry.0.row).or_default().push(entry);
        if entry.0.value.as_ref().is_some_and(|value| !value.nil) && !entry.0.header {
            columns.entry(entry.0.column).or_default().push(entry);
        }
    }
    let mut found = Vec::new();
    for numbers in columns.values().filter(|numbers| numbers.len() >= FEWEST) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, face) in numbers.iter().copied() {
            *counts.entry(face).or_default() += 1;
        }
        let Some((usual, most)) = counts.iter().max_by_key(|(_, count)| **count) else { continue };
        let odd = numbers.len() - most;
        if odd == 0 || odd * SHARE > numbers.len() {
            continue;
        }
        for (cell, face) in numbers.iter().copied().filter(|(_, face)| face != usual) {
            let row_has_it = rows[&cell.row]
                .iter()
                .any(|(other, other_face)| other.column != cell.column && other_face == face);
            if !row_has_it {
                let message = format!(
                    "`{}` is set in {face}, the other {most} numbers of its column in {usual}",
                    cell.text
                );
                let place = evidence(cell.page, cell.bbox, cell.text.as_str());
                found.push(finding("font_mismatch", Severity::Warning, message, vec![place]));
            }
        }
    }
    found
}

/// The typeface of the cell's digits, without weight and slant; `None` where there is none or several, or where the
/// font's name says nothing.
fn face_of(cell: &Cell, page: &Page) -> Option<String> {
    let inside = page.words.iter().filter(|word| {
        cell.bbox.contains_point(word.bbox.center_x(), word.bbox.center_y())
            && word.text.contains(|c: char| c.is_alphanumeric())
    });
    let mut fonts = inside.map(|word| word.font);
    let first = fonts.next()?;
    if fonts.any(|font| font != first) {
        return None;
    }
    family(page.fonts.get(usize::from(first))?)
}

/// `TimesNewRomanPS-BoldMT` is `timesnewroman`; names of no meaning ("F3", "TT2A1o00") are nothing.
fn family(name: &str) -> Option<String> {
    const STYLES: &[&str] = &[
        "bold",
        "italic",
        "oblique",
        "regular",
        "roman",
        "medium",
        "light",
        "semi",
        "demi",
        "extra",
        "ultra",
        "heavy",
        "black",
        "book",
        "thin",
        "cond",
        "condensed",
        "narrow",
        "std",
        "pro",
        "mt",
        "ps",
        "lt",
        "it",
        "bd",
        "ms",
    ];
    let name = name.to_ascii_lowercase();
    // Subsets made by some producers: "CIDFont+F1".
    let name = name.rsplit('+').next().unwrap_or(&name);
    let stem = name.split(['-', ',', '_']).next().unwrap_or(name);
    let mut family: String = stem.chars().filter(|character| !character.is_whitespace()).collect();
    if family.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    while let Some(rest) = STYLES.iter().find_map(|style| family.strip_suffix(style)).map(str::to_owned) {
        // "timesnewroman" keeps its Roman.
        if rest.len() < 4 || rest.ends_with("new") {
            break;
        }
        family = rest;
    }
    (family.len() >= 4).then_some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_font_names() {
        for (name, expected) in [
            ("TimesNewRomanPS-BoldMT", Some("timesnewroman")),
            ("TimesNewRomanPSMT", Some("timesnewroman")),
            ("ArialMT", Some("arial")),
            ("Arial-BoldItalicMT", Some("arial")),
            ("Arial,Bold", Some("arial")),
            ("HelveticaNeueLTStd-Roman", Some("helveticaneue")),
            ("F3", None),
            ("CIDFont+F12", None),
            ("TT2A1o00", None),
        ] {
            assert_eq!(family(name).as_deref(), expected, "{name}");
        }
    }
}
