//! Sure and wrong, the worst that can be said of a figure; and what the comparison with facts did not look at.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::document::analysis::{Figure, FigureKind};
use crate::document::tables::Table;

/// Confidence from which a reader takes a figure without looking.
const SURE: f32 = 0.9;

/// Whether a reader would take a figure of this confidence without looking.
pub(super) fn sure(confidence: f32) -> bool {
    confidence >= SURE
}

/// Figures with a confidence of at least 0.9 at the place of a fact.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Surety {
    /// All of them.
    pub sure: usize,
    /// Those that state something wrong.
    pub wrong: usize,
    /// Wrong ones by what is wrong: `digits`, `scale`, `sign`, `type`, `currency`, `period`. One figure may count in
    /// several. What a figure leaves out is not wrong.
    pub by_attribute: BTreeMap<&'static str, usize>,
    /// `wrong / sure`.
    pub share_of_sure: f64,
    /// `wrong` over the facts.
    pub share_of_facts: f64,
    /// Sure figures in a table between facts where there is no fact; they are not among the `wrong`.
    pub without_fact: usize,
}

impl Surety {
    /// A figure at a fact: what is wrong with its value, and its attributes as name, stated, right.
    pub(super) fn add(
        &mut self,
        confidence: f32,
        value: Option<&'static str>,
        attributes: &[(&'static str, bool, bool)],
    ) {
        if !sure(confidence) {
            return;
        }
        self.sure += 1;
        let others = attributes
            .iter()
            .filter(|(name, stated, right)| {
                *stated && !right && ["type", "currency", "period"].contains(name)
            })
            .map(|(name, ..)| *name);
        let wrong: Vec<&'static str> = value.into_iter().chain(others).collect();
        self.wrong += usize::from(!wrong.is_empty());
        for name in wrong {
            *self.by_attribute.entry(name).or_default() += 1;
        }
    }

    pub(super) fn of_facts(mut self, facts: usize) -> Self {
        self.share_of_sure = self.wrong as f64 / self.sure.max(1) as f64;
        self.share_of_facts = self.wrong as f64 / facts.max(1) as f64;
        self
    }
}

/// Figures with a value that stand neither at a fact nor in a table between facts: no measure above says whether they
/// are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct NotCompared {
    /// All of them.
    pub figures: usize,
    /// Those with a confidence of at least 0.9.
    pub sure: usize,
    /// Those read in cells.
    pub in_cells: usize,
    /// Those read in sentences.
    pub in_prose: usize,
    /// Those that look like a year and are stated as an amount, a quantity or a number.
    pub years_as_amounts: usize,
    /// Cells of all tables that hold two numbers and nothing else: read as one number or as none, which is always wrong
    /// unless spaces group thousands.
    pub cells_with_two_numbers: usize,
}

impl NotCompared {
    pub(super) fn add(&mut self, figure: &Figure) {
        if figure.value.is_none() {
            return;
        }
        self.figures += 1;
        self.sure += usize::from(sure(figure.confidence));
        if figure.cell.is_some() {
            self.in_cells += 1;
        } else {
            self.in_prose += 1;
        }
        self.years_as_amounts += usize::from(is_year_as_amount(figure));
    }

    pub(super) fn add_cells(&mut self, tables: &[Table]) {
        let cells = tables.iter().flat_map(|table| &table.cells);
        self.cells_with_two_numbers +=
            cells.filter(|cell| !cell.header && holds_two_numbers(&cell.text)).count();
    }
}

fn is_year_as_amount(figure: &Figure) -> bool {
    let digits = figure.text.trim_matches(|c: char| !c.is_ascii_digit());
    digits.len() == 4
        && digits.parse::<u16>().is_ok_and(|year| (1950..2060).contains(&year))
        && !matches!(figure.kind, FigureKind::Date | FigureKind::Period | FigureKind::Percent)
        // `$2,024` has a separator and `$ 2024.5` a point: only the plain digits are a year.
        && figure.text.chars().filter(char::is_ascii_digit).count() == 4
}

/// `29 118` and `$ 523 304%`, but not `4 1/2`, `(12 )` or `1 to 3 years`.
fn holds_two_numbers(text: &str) -> bool {
    let numbers = text.split_whitespace().filter(|token| token.contains(|c: char| c.is_ascii_digit()));
    numbers.count() == 2 && !text.contains('/') && !text.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::figure;
    use super::*;

    #[test]
    fn only_what_is_stated_by_a_sure_figure_is_sure_and_wrong() {
        let mut surety = Surety::default();
        surety.add(0.89, Some("scale"), &[("period", true, false)]);
        surety.add(0.9, None, &[("scale", true, false), ("period", false, false), ("type", true, true)]);
        surety.add(0.95, Some("sign"), &[("currency", true, false)]);
        let surety = surety.of_facts(4);
        assert_eq!((surety.sure, surety.wrong, surety.share_of_sure), (2, 1, 0.5));
        assert_eq!(surety.by_attribute, BTreeMap::from([("sign", 1), ("currency", 1)]));
        assert_eq!(surety.share_of_facts, 0.25);
    }

    #[test]
    fn blind_spots_are_counted() {
        let mut spots = NotCompared::default();
        for text in ["2024", "2,024", "$2024", "1,204"] {
            spots.add(&figure(text, 1.0, 0, 0.0));
        }
        spots.add(&Figure { value: None, ..figure("2024", 1.0, 0, 0.0) });
        assert_eq!((spots.figures, spots.sure, spots.in_prose, spots.years_as_amounts), (4, 4, 4, 2));
        for text in ["29 118", "$ 523 304%", "(1) (2)"] {
            assert!(holds_two_numbers(text), "{text}");
        }
        for text in ["4 1/2", "(12 )", "1 to 3 years", "$ 12"] {
            assert!(!holds_two_numbers(text), "{text}");
        }
    }
}
