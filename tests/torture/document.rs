//! One document from a seed: a house style, its units and marks, tables and prose on one to four pages.

use super::chance::Chance;
use super::draw::{Ink, Pen};
use super::paper::{Paper, Truth};
use super::prose::Prose;
use super::sheets::{self, Entry, Sheet, What};
use super::spell::Amount;
use super::styles::{Habit, Language, Negative, STYLES, Style, Unit};
use super::tables::{Look, Rule, draw as draw_table, mark};

pub struct Document {
    pub style: &'static str,
    pub bytes: Vec<u8>,
    pub truths: Vec<Truth>,
    /// What was changed, so that a sum does not hold: [`CHANGED`] or [`MOVED`], and where.
    pub changed: Option<(&'static str, Ink)>,
}

/// Where the scale is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A title at the beginning governs everything.
    DocumentTitle,
    RunningHead,
    RunningFoot,
    Title,
    UnderTitle,
    RightAbove,
    LeadIn,
    PageBefore,
    Corner,
    ColumnHeader,
    Labels,
    /// Amounts in full, each with its currency.
    None,
}

const PLACES: [(Place, &str); 12] = [
    (Place::DocumentTitle, "unit in the document's title"),
    (Place::RunningHead, "unit in the running head"),
    (Place::RunningFoot, "unit in the running foot"),
    (Place::Title, "unit in the title"),
    (Place::UnderTitle, "unit under the title"),
    (Place::RightAbove, "unit at the right above"),
    (Place::LeadIn, "unit in the lead-in"),
    (Place::PageBefore, "unit on the page before"),
    (Place::Corner, "unit in the corner"),
    (Place::ColumnHeader, "unit in the column headers"),
    (Place::Labels, "unit in the labels"),
    (Place::None, "amounts in full"),
];

impl Place {
    fn governs(self) -> bool {
        matches!(self, Self::DocumentTitle | Self::RunningHead | Self::RunningFoot)
    }

    /// Stated in full at each table.
    fn beside(self) -> bool {
        matches!(self, Self::Title | Self::UnderTitle | Self::RightAbove | Self::PageBefore)
    }

    fn tag(self) -> &'static str {
        PLACES.iter().find(|(place, _)| *place == self).unwrap().1
    }
}

/// What all tables of a document share.
struct House {
    style: &'static Style,
    unit: &'static Unit,
    group: &'static str,
    negative: Negative,
    nil: &'static str,
    rule: Rule,
    size: f64,
    decimals: u32,
    place: Place,
}

impl House {
    fn draw(chance: &mut Chance, style: &'static Style) -> Self {
        let odd = chance.of(20);
        let mut place = chance.pick(&PLACES).0;
        let unit = chance.pick(style.units);
        // The short form without the currency's name says too little in a corner.
        if place == Place::None && style.language != Language::English {
            place = Place::UnderTitle;
        }
        Self {
            style,
            unit,
            group: *chance.pick(style.groups),
            negative: if odd { chance.pick(&Negative::ALL).0 } else { *chance.pick(style.negatives) },
            nil: *chance.pick(style.nils),
            rule: *chance.pick(&[Rule::None, Rule::Totals, Rule::Totals, Rule::Grid]),
            size: *chance.pick(&[7.5, 8.5, 9.5]),
            decimals: if style.units[0].power >= 6 && chance.of(30) && unit.power >= 6 { 1 } else { 0 },
            place,
        }
    }

    /// `In millions, except per share data`
    fn statement(&self, chance: &mut Chance, sheet: &Sheet) -> String {
        if sheet.shares_in_thousands {
            let exception =
                "except number of shares, which are reflected in thousands, and per-share amounts";
            return format!("{}, {exception}", self.unit.title);
        }
        if sheet.per_share && self.style.language == Language::English {
            let words = *chance.pick(&[
                ", except per share data",
                ", except per share amounts",
                ", unless otherwise stated",
            ]);
            format!("{}{words}", self.unit.title)
        } else {
            self.unit.title.to_owned()
        }
    }

    /// A sheet whose currency and scale are stated where this house states them: odd spellings bear no sign and their rows no
    /// unit.
    fn sheet(&self, chance: &mut Chance, number: usize) -> Sheet {
        loop {
            let exceptions = self.place.beside();
            let sheet = sheets::draw(chance, self.style, number, self.decimals, exceptions);
            let unstated =
                matches!(self.place, Place::None | Place::Labels) || self.style.habit == Habit::UsGaap;
            if sheet.kind != "spellings" || !unstated {
                return sheet;
            }
        }
    }

    fn look(&self, chance: &mut Chance, sheet: &Sheet) -> Look {
        let power = if self.place == Place::None { 0 } else { self.unit.power };
        let american = self.style.habit == Habit::UsGaap;
        let rotated = chance.of(6) && sheet.spans.is_empty();
        let full_width = self.style.asian() && chance.of(15);
        let mark = mark(chance);
        let cut = chance.of(10) && sheet.rows.len() > 5;
        let mut tags = vec![self.place.tag()];
        tags.push(match self.rule {
            Rule::None => "borderless",
            Rule::Totals => "ruled totals",
            Rule::Grid => "grid",
        });
        tags.push(match self.group {
            "," => "thousands comma",
            "." => "thousands point",
            " " => "thousands space",
            "\u{a0}" => "thousands no-break space",
            "\u{202f}" | "\u{2009}" => "thousands narrow space",
            _ => "thousands apostrophe",
        });
        tags.push(match sheet.kind {
            "income" => "table income",
            "balance" => "table balance",
            "regions" => "table regions",
            "key figures" => "table key figures",
            "measures" => "table measures",
            "spellings" => "table spellings",
            "maturity columns" => "table maturity columns",
            _ => "table maturities",
        });
        if rotated {
            tags.push("header rotated");
        }
        if full_width {
            tags.push("full-width digits");
        }
        if cut {
            tags.push("cut by the page's end");
        }
        tags.extend(sheet.tags.iter().filter(|tag| !tag.starts_with("header")));
        Look {
            style: self.style,
            size: self.size,
            rule: self.rule,
            group: self.group,
            decimal: self.style.decimal,
            negative: self.negative,
            nil: self.nil,
            sign_at_totals: american && self.place != Place::None,
            sign_everywhere: self.place == Place::None,
            mark,
            column_numbers: chance.of(6) && !rotated,
            rotated,
            full_width,
            unit_in_header: (self.place == Place::ColumnHeader).then_some(self.unit.short),
            corner: (self.place == Place::Corner).then(|| format!("({})", self.unit.title)),
            unit_in_labels: (self.place == Place::Labels).then_some(self.unit.short),
            power,
            cut,
            continued: (cut && chance.of(50)).then(|| format!("{} (continued)", sheet.title)),
            tags,
        }
    }
}

/// Draws the document of a seed.
pub fn draw(seed: u64) -> Document {
    let style = &STYLES[(seed % STYLES.len() as u64) as usize];
    let mut chance = Chance::new(seed);
    let chance = &mut chance;
    let house = House::draw(chance, style);
    let (width, height) = if style.letter { (612.0, 792.0) } else { (595.0, 842.0) };
    let pen = Pen::new(width, height, style.serif);
    let company =
        *chance.pick(&["Alder Holdings", "Birch Industries", "Cedar Group", "Elm & Ash", "Juniper Systems"]);
    let plain = format!("{company} – Annual report");
    let stated = format!("{company} ({})", house.unit.title);
    let head = match house.place {
        Place::RunningHead => Some(stated.clone()),
        _ => chance.of(50).then(|| plain.clone()),
    };
    let foot = (house.place == Place::RunningFoot).then(|| stated.clone());
    let mut paper = Paper::new(pen, head, foot);
    // One in four documents has a number that does not fit.
    let mut change = chance.of(25);
    let mut changed = None;
    let mut number = chance.range(3, 20) as usize;
    match (style.language, house.place) {
        (Language::English, Place::DocumentTitle) => {
            paper.heading(13.0, true, "Notes to the consolidated financial statements");
            let title = format!("({}, unless otherwise stated)", house.unit.title);
            paper.heading(9.0, false, &title);
        }
        (_, Place::DocumentTitle) => {
            paper.heading(13.0, true, company);
            paper.heading(9.0, false, &format!("({})", house.unit.title));
        }
        _ => paper.heading(14.0, true, company),
    }
    let prose = |chance: &mut Chance, paper: &mut Paper, sentences: i64, kind: u8| {
        let governs =
            house.place.governs() && style.habit != Habit::Local && house.place == Place::DocumentTitle;
        let mut prose = Prose { chance, style, unit: house.unit, group: house.group, governs };
        match kind {
            0 => prose.headline(paper),
            1 => prose.tiles(paper),
            _ => prose.paragraph(paper, sentences),
        }
    };
    if style.language == Language::English && chance.of(35) {
        let kind = chance.range(0, 1) as u8;
        prose(chance, &mut paper, 0, kind);
    }
    let sentences = chance.range(2, 4);
    prose(chance, &mut paper, sentences, 2);
    let tables = chance.range(1, 3);
    for at in 0..tables {
        number += 1;
        let beside = chance.of(8)
            && !matches!(house.place, Place::PageBefore | Place::LeadIn | Place::Title | Place::None);
        let stacked = at > 0 && chance.of(40);
        let mut pair: Vec<Sheet> = vec![house.sheet(chance, number)];
        if beside {
            pair.retain(|sheet| sheet.columns.len() == 2);
            if let Some(first) = pair.first_mut() {
                first.rows.iter_mut().for_each(|row| row.note = None);
                let mut second = house.sheet(chance, number + 1);
                second.rows.iter_mut().for_each(|row| row.note = None);
                if second.columns.len() == 2 {
                    pair.push(second);
                }
            } else {
                pair.push(house.sheet(chance, number));
            }
        }
        if change && let Some(place) = alter(chance, &mut pair[0]) {
            change = false;
            changed = Some((at, place));
        }
        if !stacked && at > 0 {
            let sentences = chance.range(1, 3);
            prose(chance, &mut paper, sentences, 2);
        }
        let inks = place_tables(chance, &mut paper, &house, &pair, stacked);
        if let Some((table, (kind, row, column))) = changed
            && table == at
        {
            changed_ink(&mut paper, &inks[0], (row, column), kind);
        }
    }
    if chance.of(60) {
        prose(chance, &mut paper, 2, 2);
    }
    let changed = paper.truths.iter().find_map(|truth| {
        let kind = [CHANGED, MOVED].into_iter().find(|kind| truth.tags.contains(kind))?;
        Some((kind, truth.ink))
    });
    Document { style: style.name, bytes: paper.pen.finish(), truths: paper.truths, changed }
}

const CHANGED: &str = "changed number";
const MOVED: &str = "moved rows";

fn changed_ink(
    paper: &mut Paper,
    inks: &[Vec<Option<Ink>>],
    (row, column): (usize, usize),
    kind: &'static str,
) {
    if let Some(ink) = inks[row][column]
        && let Some(truth) = paper.truths.iter_mut().find(|truth| truth.ink == ink)
    {
        truth.tags.push(kind);
    }
}

/// Changes one digit of one term of a sum, or exchanges the numbers of that row and one outside of the sum.
fn alter(chance: &mut Chance, sheet: &mut Sheet) -> Option<(&'static str, usize, usize)> {
    if sheet.claims.is_empty() {
        return None;
    }
    let claim = chance.pick(&sheet.claims).clone();
    let (row, column) = (*chance.pick(&claim.terms), *chance.pick(&claim.columns));
    let Entry::Figure(amount, What::Money) = sheet.rows[row].entries[column] else { return None };
    if chance.of(35) {
        let is_other = |at: &usize| {
            let money = |entry: &Entry| matches!(entry, Entry::Figure(_, What::Money));
            let entries = &sheet.rows[*at].entries;
            *at != claim.result
                && !claim.terms.contains(at)
                && entries.len() == sheet.rows[row].entries.len()
                && money(&entries[column])
                && entries[column] != sheet.rows[row].entries[column]
        };
        let others: Vec<usize> = (0..sheet.rows.len()).filter(is_other).collect();
        if others.is_empty() {
            return None;
        }
        let other = *chance.pick(&others);
        let entries = std::mem::take(&mut sheet.rows[row].entries);
        sheet.rows[row].entries = std::mem::replace(&mut sheet.rows[other].entries, entries);
        return Some((MOVED, row, column));
    }
    // Not the last digit: that could be rounding.
    let digits = amount.mantissa.unsigned_abs().to_string().len() as u32;
    if digits < 3 {
        return None;
    }
    let place = 10i64.pow(chance.range(1, i64::from(digits) - 1) as u32);
    let digit = amount.mantissa.abs() / place % 10;
    let other = if digit == 9 { 4 } else { digit + 1 + chance.range(0, 8 - digit) };
    let mantissa = amount.mantissa.abs() + (other - digit) * place;
    let mantissa = if amount.mantissa < 0 { -mantissa } else { mantissa };
    sheet.rows[row].entries[column] = Entry::Figure(Amount::new(mantissa, amount.decimals), What::Money);
    Some((CHANGED, row, column))
}

/// Titles, units and tables; two sheets stand side by side.
fn place_tables(
    chance: &mut Chance,
    paper: &mut Paper,
    house: &House,
    pair: &[Sheet],
    stacked: bool,
) -> Vec<Vec<Vec<Option<Ink>>>> {
    let first = &pair[0];
    let rows: usize = pair.iter().map(|sheet| sheet.rows.len()).max().unwrap_or(0);
    let height = house.size * 1.6 * (rows as f64 + 5.0) + 40.0;
    let statement = house.statement(chance, first);
    let mut look = house.look(chance, first);
    let before = house.place == Place::PageBefore;
    if pair.len() > 1 {
        look.cut = false;
        look.tags.retain(|tag| *tag != "cut by the page's end");
        look.continued = None;
        look.tags.push("side by side");
    } else if stacked {
        look.tags.push("stacked");
    }
    if !look.cut && !before && height < paper.bottom - paper.top {
        paper.need(height);
    }
    paper.y += if stacked { 2.0 } else { 8.0 };
    if before {
        paper.need(60.0);
        paper.y = paper.bottom - 50.0;
    }
    let (left, right) = (paper.left, paper.right);
    if pair.len() < 2 {
        if stacked && house.place.beside() && !before && !first.shares_in_thousands && chance.of(40) {
            // What was stated above the table before holds on.
            look.tags.push("second table under one title");
            paper.y += 8.0;
        } else {
            titles(paper, house, first, &statement);
        }
        if before {
            paper.new_page();
        }
        paper.y += 6.0;
        return vec![draw_table(chance, paper, first, &look, [left, right])];
    }
    let middle = (left + right) / 2.0;
    let y = paper.y;
    let mut low = y;
    let mut all = Vec::new();
    for (sheet, edges) in pair.iter().zip([[left, middle - 14.0], [middle + 14.0, right]]) {
        [paper.left, paper.right] = edges;
        paper.y = y;
        let statement = house.statement(chance, sheet);
        titles(paper, house, sheet, &statement);
        paper.y += 6.0;
        all.push(draw_table(chance, paper, sheet, &look, edges));
        low = low.max(paper.y);
    }
    [paper.left, paper.right] = [left, right];
    paper.y = low;
    all
}

/// What stands above a table.
fn titles(paper: &mut Paper, house: &House, sheet: &Sheet, statement: &str) {
    match house.place {
        Place::Title => paper.heading(10.5, true, &format!("{} ({statement})", sheet.title)),
        Place::LeadIn => {
            paper.heading(10.5, true, &sheet.title);
            let lead = format!("The following table shows the amounts {}.", lead_in(house));
            paper.heading(9.5, false, &lead);
        }
        _ => paper.heading(10.5, true, &sheet.title),
    }
    match house.place {
        Place::UnderTitle | Place::PageBefore => paper.heading(8.5, false, &format!("({statement})")),
        Place::RightAbove => {
            let x = paper.right - paper.pen.measure(statement, 8.0);
            paper.y += 12.0;
            paper.pen.text(x, paper.y, 8.0, false, statement);
        }
        _ => {}
    }
}

fn lead_in(house: &House) -> String {
    let title = house.unit.title;
    let mut letters = title.chars();
    match letters.next() {
        Some(first) if title.starts_with("In ") || title.starts_with("in ") => {
            format!("{}{}", first.to_lowercase(), letters.as_str())
        }
        _ => format!("({title})"),
    }
}
