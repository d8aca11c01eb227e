//! Which scale a table has that states none: what covers it, and what the document's other tables say.

use std::collections::{BTreeMap, HashSet};

use super::scopes::{Placed, Reach, Scopes};
use crate::document::analysis::{FigureKind, Table, UnitSource};
use crate::structure::numbers::{ScaleStatement, currency_code, scale_by};

/// Digits from which a number that stands in two tables is hardly there by chance.
const TELLING_DIGITS: usize = 4;
/// Numbers of a table that may be found elsewhere; more say nothing new.
const MOST_MATCHES: usize = 4;
/// Amounts this many times the largest one known contradict a scale.
const TOO_LARGE: f64 = 30.0;
/// Amounts of which one is as large as they come in the document; a table or two of small ones say nothing about that.
const FEWEST_AMOUNTS: usize = 60;
/// Weights of what speaks for a scale. A statement that covers the table outweighs the habit of the other tables; the
/// table's own numbers outweigh both.
const PAGE: f64 = 5.0;
const HEADING: f64 = 4.0;
const PART: f64 = 3.0;
const DOCUMENT: f64 = 2.0;
const HABIT: f64 = 3.0;
const NEIGHBOUR: f64 = 1.5;
const MATCH: f64 = 2.0;
const CONTRADICTION: f64 = 8.0;
/// Weight from which a scale is believed, and its lead over the next.
const BELIEVED: f64 = 2.5;
const LEAD: f64 = 1.5;

/// What the tables that state their scale say.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Amounts, by their leading digits and exponent. Only looked up.
    known: HashSet<String>,
    /// Number of tables by scale.
    scales: BTreeMap<i32, usize>,
    /// Page index and scale of each, in order.
    places: Vec<(usize, i32)>,
    /// Numbers of tables by the currency that they state.
    currencies: BTreeMap<String, usize>,
    largest: f64,
    /// Number of amounts.
    amounts: usize,
}

/// The unit of a table that states none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    /// What holds.
    pub statement: ScaleStatement,
    /// Where it comes from; `None` if no scale was found.
    pub source: Option<UnitSource>,
    /// Whether the numbers may as well have another scale.
    pub doubtful: bool,
}

impl Evidence {
    /// Takes in a table that was read by what it states itself. `page_index` is that of its first row.
    pub fn add(&mut self, table: &Table, page_index: usize) {
        for value in table.cells.iter().filter_map(|cell| cell.value.as_ref()) {
            if let Some(currency) = &value.currency {
                *self.currencies.entry(currency.clone()).or_default() += 1;
            }
        }
        let Some(scale) = table.scale else { return };
        *self.scales.entry(scale).or_default() += 1;
        self.places.push((page_index, scale));
        for value in table.cells.iter().filter_map(|cell| cell.value.as_ref()) {
            if matches!(value.kind, FigureKind::Money | FigureKind::Number) && value.alternatives.is_empty() {
                self.largest = self.largest.max(value.value.abs());
                self.amounts += 1;
                if is_telling(value.printed, value.decimals) {
                    self.known.insert(key(value.value));
                }
            }
        }
    }

    /// The currency of nearly all amounts of the tables, for amounts that state none.
    pub fn currency(&self) -> Option<&'static str> {
        let all: usize = self.currencies.values().sum();
        let (code, count) = self.currencies.iter().max_by_key(|(_, count)| **count)?;
        (*count * 20 >= all * 19).then(|| currency_code(code)).flatten()
    }

    /// The unit of a table that was read without one. `covering` are the statements that cover its place.
    pub fn resolve(&self, table: &Table, page_index: usize, scopes: &Scopes, y: f32) -> Resolved {
        let covering = scopes.covering(page_index, y);
        let amounts = amounts_of(table);
        let all: usize = self.scales.values().sum();
        let mut weights: BTreeMap<i32, f64> = BTreeMap::from([(0, 0.0)]);
        for placed in &covering {
            if let Some(scale) = placed.says.scale {
                *weights.entry(scale).or_default() += reach_weight(placed.reach);
            }
        }
        // One table says little about a document, three of one mind much.
        for (scale, count) in &self.scales {
            let share = *count as f64 / all as f64 * (all.min(3) as f64 / 3.0);
            *weights.entry(*scale).or_default() += HABIT * share;
        }
        let nearest = self.places.iter().min_by_key(|(page, _)| page.abs_diff(page_index));
        let neighbour = nearest.filter(|(page, _)| page.abs_diff(page_index) <= 1).map(|(_, scale)| *scale);
        if let Some(scale) = neighbour {
            *weights.entry(scale).or_default() += NEIGHBOUR;
        }
        let largest = amounts.iter().map(|(printed, _)| printed.abs()).fold(0.0, f64::max);
        let mut matched = 0;
        for (scale, weight) in &mut weights {
            let matches = self.matches(&amounts, *scale).min(MOST_MATCHES);
            matched = matched.max(matches);
            *weight += MATCH * matches as f64;
            if self.amounts >= FEWEST_AMOUNTS && scale_by(largest, *scale) > TOO_LARGE * self.largest {
                *weight -= CONTRADICTION;
            }
        }
        let mut ranked: Vec<(i32, f64)> = weights.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let (scale, weight) = ranked[0];
        let lead = weight - ranked.get(1).map_or(0.0, |(_, next)| next.max(0.0));
        let stated = covering.iter().find(|placed| placed.says.scale == Some(scale)).copied();
        let signs = Signs::of(table);
        // A sign at every number is how amounts in full are printed; tables in millions print it at the first and the last.
        let in_full = stated.is_none() && matched < 2 && signs.at_every_number;
        // Counts and tables without a sign of money are not governed by what tables elsewhere do.
        let near = neighbour == Some(scale) && self.scales.len() == 1;
        let governed = signs.any || matched >= 2 || stated.is_some() || near;
        let believed = weight >= BELIEVED && scale != 0 && governed && !in_full;
        let unsure = stated.is_none() && matched < 2 && !signs.any;
        let says = stated.map(|placed| placed.says.clone()).unwrap_or_default();
        let currency = says.currency.or_else(|| covering.iter().find_map(|placed| placed.says.currency));
        let exceptions = if stated.is_some() {
            says.exceptions
        } else {
            covering.first().map_or_else(Vec::new, |placed| placed.says.exceptions.clone())
        };
        if !believed {
            let doubtful = !amounts.is_empty() && (weight >= BELIEVED && scale != 0);
            return Resolved {
                statement: ScaleStatement { scale: None, currency, exceptions },
                source: None,
                doubtful,
            };
        }
        Resolved {
            statement: ScaleStatement { scale: Some(scale), currency, exceptions },
            source: Some(stated.map_or(UnitSource::OtherTables, source_of)),
            doubtful: lead < LEAD || unsure,
        }
    }

    /// How many different telling numbers stand in other tables if these have the scale.
    fn matches(&self, amounts: &[(f64, u32)], scale: i32) -> usize {
        let found: HashSet<String> = amounts
            .iter()
            .filter(|(printed, decimals)| is_telling(*printed, *decimals))
            .map(|(printed, _)| key(scale_by(*printed, scale)))
            .filter(|key| self.known.contains(key))
            .collect();
        found.len()
    }

    /// How many telling numbers of a table speak against its own scale, and for which other.
    pub fn contradicts(&self, table: &Table) -> Option<i32> {
        let own = table.scale?;
        let amounts = amounts_of(table);
        let others = [0, 3, 6, 9].into_iter().filter(|scale| *scale != own);
        others
            .max_by_key(|scale| self.matches(&amounts, *scale))
            .filter(|scale| self.matches(&amounts, *scale) >= 3)
    }
}

/// Printed numbers of a table that a scale can apply to, with their decimals.
fn amounts_of(table: &Table) -> Vec<(f64, u32)> {
    table
        .cells
        .iter()
        .filter_map(|cell| cell.value.as_ref())
        .filter(|value| !value.nil && matches!(value.kind, FigureKind::Money | FigureKind::Number))
        .map(|value| (value.printed, value.decimals))
        .collect()
}

/// Where a table prints signs of currencies.
struct Signs {
    any: bool,
    /// At nearly every number of at least four rows.
    at_every_number: bool,
}

impl Signs {
    fn of(table: &Table) -> Self {
        let numbers = table.cells.iter().filter(|cell| {
            cell.value.as_ref().is_some_and(|value| {
                !value.nil && matches!(value.kind, FigureKind::Money | FigureKind::Number)
            })
        });
        let (mut all, mut signed) = (0, 0);
        let mut rows = BTreeMap::new();
        for cell in numbers {
            all += 1;
            let value = cell.value.as_ref();
            let sign = cell.text.starts_with(|c: char| !c.is_ascii_digit() && !"(-–—−+[".contains(c))
                && value.is_some_and(|value| value.currency.is_some());
            signed += usize::from(sign);
            rows.insert(cell.row, ());
        }
        Self { any: signed > 0, at_every_number: rows.len() >= 4 && signed * 10 >= all * 9 }
    }
}

fn reach_weight(reach: Reach) -> f64 {
    match reach {
        Reach::Page => PAGE,
        Reach::Heading => HEADING,
        Reach::Part => PART,
        Reach::Document => DOCUMENT,
    }
}

fn source_of(placed: &Placed) -> UnitSource {
    match placed.reach {
        Reach::Page => UnitSource::Page,
        Reach::Heading => UnitSource::Heading,
        Reach::Part => UnitSource::Part,
        Reach::Document => UnitSource::Document,
    }
}

/// Enough digits, and no year.
fn is_telling(printed: f64, decimals: u32) -> bool {
    let printed = printed.abs();
    let digits = scale_by(printed, decimals.min(9) as i32);
    let year = decimals == 0 && (1900.0..2100.0).contains(&printed);
    digits >= 10f64.powi(TELLING_DIGITS as i32 - 1) && !year && digits % 1000.0 != 0.0
}

fn key(value: f64) -> String {
    format!("{:.9e}", value.abs())
}
