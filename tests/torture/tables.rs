//! Draws a sheet as a table, and says what is in each of its cells.

use super::chance::Chance;
use super::draw::Ink;
use super::paper::{Paper, Want, Wanted};
use super::sheets::{Entry, ODD, Row, Sheet, What};
use super::spell::{full_width, superscript};
use super::styles::{Negative, Style};
use super::words::note_word;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    None,
    Totals,
    Grid,
}

/// Footnote marks of a table, and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    None,
    RaisedDigit,
    RaisedLetter,
    SuperscriptDigit,
    RaisedParentheses,
    Asterisk,
    OwnColumn,
    BeforeNumber,
    OnLabel,
    OnHeader,
}

const MARKS: [(Mark, &str); 9] = [
    (Mark::BeforeNumber, "mark raised before the number"),
    (Mark::RaisedDigit, "mark raised digit"),
    (Mark::RaisedLetter, "mark raised letter"),
    (Mark::SuperscriptDigit, "mark superscript digit"),
    (Mark::RaisedParentheses, "mark raised (1)"),
    (Mark::Asterisk, "mark asterisk"),
    (Mark::OwnColumn, "mark in a column of its own"),
    (Mark::OnLabel, "mark on the label"),
    (Mark::OnHeader, "mark on the header"),
];

/// How a table looks.
pub struct Look {
    pub style: &'static Style,
    pub size: f64,
    pub rule: Rule,
    pub group: &'static str,
    pub decimal: char,
    pub negative: Negative,
    pub nil: &'static str,
    /// Currency sign at the first row and at totals, as American statements have it.
    pub sign_at_totals: bool,
    /// Currency sign at every amount.
    pub sign_everywhere: bool,
    pub mark: Mark,
    pub rotated: bool,
    /// A row of column numbers under the header.
    pub column_numbers: bool,
    pub full_width: bool,
    pub unit_in_header: Option<&'static str>,
    pub corner: Option<String>,
    pub unit_in_labels: Option<&'static str>,
    /// Power of ten of the amounts.
    pub power: i32,
    /// May run over the end of a page; the header comes again.
    pub cut: bool,
    /// The title that comes again where the table goes on.
    pub continued: Option<String>,
    pub tags: Vec<&'static str>,
}

pub fn mark(chance: &mut Chance) -> Mark {
    if chance.of(55) { Mark::None } else { chance.pick(&MARKS).0 }
}

fn mark_tag(mark: Mark) -> &'static str {
    MARKS.iter().find(|(kind, _)| *kind == mark).map_or("", |(_, tag)| tag)
}

struct Grid {
    stub: f64,
    note: Option<f64>,
    gap: f64,
    /// Left and right edge of each column.
    columns: Vec<[f64; 2]>,
}

/// Draws at the paper's place; gives the ink of each entry by row and column.
pub fn draw(
    chance: &mut Chance,
    paper: &mut Paper,
    sheet: &Sheet,
    look: &Look,
    [x0, x1]: [f64; 2],
) -> Vec<Vec<Option<Ink>>> {
    let has_notes = sheet.rows.iter().any(|row| row.note.is_some());
    let count = sheet.columns.len();
    let share = if count > 3 { 0.34 } else { 0.44 };
    let stub = x0 + (x1 - x0) * share;
    let first = if has_notes { stub + 34.0 } else { stub };
    let gap = if look.mark == Mark::OwnColumn { 26.0 } else { 8.0 };
    let step = (x1 - first) / count as f64;
    let columns: Vec<[f64; 2]> = (0..count)
        .map(|at| [first + step * at as f64 + gap / 2.0, first + step * (at + 1) as f64 - gap / 2.0])
        .collect();
    let grid = Grid { stub, note: has_notes.then_some(stub + 17.0), gap, columns };
    let row_height = look.size * 1.45;
    let mut part_top = paper.y;
    header(paper, sheet, look, &grid, x0);
    let mut inks = Vec::new();
    for (at, row) in sheet.rows.iter().enumerate() {
        let indent = f64::from(row.indent) * 9.0;
        let mut label = row.label.clone();
        let money = row.entries.iter().any(|entry| matches!(entry, Entry::Figure(_, What::Money)));
        if let (Some(unit), true) = (look.unit_in_labels, money) {
            label = format!("{label} ({unit})");
        }
        let lines = paper.wrap(&label, look.size, grid.stub - x0 - indent - 6.0);
        let height = row_height * lines.len() as f64;
        let half = at == sheet.rows.len() / 2 && look.cut && at > 1;
        if half || paper.y + height > paper.bottom {
            frame(paper, look, &grid, x0, x1, part_top);
            paper.new_page();
            if let Some(title) = &look.continued {
                paper.heading(10.5, true, title);
                paper.y += 6.0;
            }
            part_top = paper.y;
            header(paper, sheet, look, &grid, x0);
        }
        if look.rule == Rule::Grid {
            paper.pen.line(x0, paper.y + 3.0, x1, paper.y + 3.0);
        }
        for line in &lines {
            paper.y += row_height;
            let ink = paper.pen.text(x0 + 2.0 + indent, paper.y, look.size, row.total, line);
            if row.year {
                paper.truth(ink, line, "stub", Want::Nothing, with(&look.tags, &["year in the stub"]));
            }
            if look.mark == Mark::OnLabel && chance.of(20) && line == lines.last().unwrap() {
                raised(chance, paper, look, ink, "2");
            }
        }
        if look.rule == Rule::Totals && row.total {
            for [left, right] in &grid.columns {
                paper.pen.line(*left + 8.0, paper.y - look.size, *right, paper.y - look.size);
            }
        }
        if let (Some(note), Some(x)) = (&row.note, grid.note) {
            let ink =
                paper.pen.text(x - paper.pen.measure(note, look.size) / 2.0, paper.y, look.size, false, note);
            let label = format!("{} | note", row.label);
            paper.truth(ink, note, &label, Want::Nothing, with(&look.tags, &["note column"]));
        }
        let drawn = row
            .entries
            .iter()
            .enumerate()
            .map(|(column, entry)| cell(chance, paper, sheet, look, &grid, (at, column), *entry));
        inks.push(drawn.collect());
    }
    frame(paper, look, &grid, x0, x1, part_top);
    paper.y += row_height;
    inks
}

fn with(tags: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    tags.iter().chain(more).copied().filter(|tag| !tag.is_empty()).collect()
}

fn frame(paper: &mut Paper, look: &Look, grid: &Grid, x0: f64, x1: f64, top: f64) {
    if look.rule != Rule::Grid {
        return;
    }
    let bottom = paper.y + 3.0;
    paper.pen.line(x0, bottom, x1, bottom);
    let mut edges = vec![x0, x1];
    edges.extend(grid.note.map(|_| grid.stub));
    edges.extend(grid.columns.iter().map(|[left, _]| left - grid.gap / 2.0));
    for x in edges {
        paper.pen.line(x, top, x, bottom);
    }
}

fn raised(chance: &mut Chance, paper: &mut Paper, look: &Look, ink: Ink, text: &str) {
    let size = look.size * 0.62;
    let y = paper.y - look.size * 0.36;
    let gap = chance.range(0, 1) as f64 * 0.5;
    paper.pen.text(ink.bbox[2] + gap, y, size, false, text);
}

fn header(paper: &mut Paper, sheet: &Sheet, look: &Look, grid: &Grid, x0: f64) {
    let height = look.size * 1.3;
    let top = paper.y;
    if look.rule == Rule::Grid {
        paper.pen.line(x0, top, grid.columns.last().unwrap()[1] + grid.gap / 2.0, top);
    }
    let texts: Vec<Vec<String>> = sheet
        .columns
        .iter()
        .zip(&grid.columns)
        .map(|(column, [left, right])| {
            let mut lines: Vec<String> = Vec::new();
            for line in &column.head.lines {
                lines.extend(paper.wrap(line, look.size, right - left + 4.0));
            }
            if let (Some(unit), None) = (look.unit_in_header, column.own) {
                lines.push(unit.to_owned());
            }
            lines
        })
        .collect();
    if look.rotated {
        let joined: Vec<String> = texts.iter().map(|lines| lines.join(" ")).collect();
        let tallest = joined.iter().map(|text| paper.pen.measure(text, look.size)).fold(0.0, f64::max);
        paper.y += tallest + 8.0;
        for (text, [_, right]) in joined.iter().zip(&grid.columns) {
            paper.pen.text_upwards(*right - 4.0, paper.y, look.size, text);
        }
    } else {
        for (text, from, to) in &sheet.spans {
            let (left, right) = (grid.columns[*from][0], grid.columns[*to][1]);
            let width = paper.pen.measure(text, look.size);
            let x = ((left + right - width) / 2.0).max(left.min(right - width));
            paper.pen.text(x, paper.y + height, look.size, false, text);
            if look.rule != Rule::None {
                paper.pen.line(left, paper.y + height + 3.0, right, paper.y + height + 3.0);
            }
        }
        if !sheet.spans.is_empty() {
            paper.y += height + 2.0;
        }
        let most = texts.iter().map(Vec::len).max().unwrap_or(1);
        for ((lines, [_, right]), column) in texts.iter().zip(&grid.columns).zip(&sheet.columns) {
            for (at, line) in lines.iter().enumerate() {
                let y = paper.y + height * (most - lines.len() + at + 1) as f64;
                let x = right - paper.pen.measure(line, look.size);
                let ink = paper.pen.text(x, y, look.size, true, line);
                if line.len() == 4 && line.parse::<u32>().is_ok() {
                    paper.truth(
                        ink,
                        line,
                        "header",
                        Want::Nothing,
                        with(&look.tags, &["year in the header"]),
                    );
                    if look.mark == Mark::OnHeader && !column.head.periods.is_empty() {
                        let size = look.size * 0.62;
                        paper.pen.text(ink.bbox[2], y - look.size * 0.36, size, false, "1");
                    }
                }
            }
        }
        paper.y += height * most as f64;
    }
    if look.column_numbers {
        paper.y += height;
        for (at, [_, right]) in grid.columns.iter().enumerate() {
            let text = format!("({})", at + 1);
            let x = right - paper.pen.measure(&text, look.size);
            let ink = paper.pen.text(x, paper.y, look.size, false, &text);
            paper.truth(ink, &text, "column number", Want::Nothing, with(&look.tags, &["column numbers"]));
        }
    }
    if let Some(x) = grid.note {
        let word = note_word(look.style);
        let x = x - paper.pen.measure(word, look.size) / 2.0;
        paper.pen.text(x, paper.y, look.size, true, word);
    }
    if let Some(corner) = &look.corner {
        paper.pen.text(x0 + 2.0, paper.y, look.size, false, corner);
    }
    paper.y += 3.0;
    if look.rule == Rule::Totals {
        paper.pen.line(x0, paper.y, grid.columns.last().unwrap()[1], paper.y);
    }
}

/// Draws a spelling that only some houses have.
fn odd(
    paper: &mut Paper,
    look: &Look,
    row: &Row,
    (label, periods): (&str, &[String]),
    right: f64,
    index: usize,
) -> Ink {
    let odd = &ODD[index];
    let x = right - paper.pen.measure(odd.text, look.size) - 2.0;
    let ink = paper.pen.text(x, paper.y, look.size, row.total, odd.text);
    let power = if odd.kind == "MONEY" { look.power } else { 0 };
    let values: Vec<f64> = odd.values.iter().map(|value| value * 10f64.powi(power)).collect();
    let want = match values.first() {
        None => Want::Nil,
        Some(_) => Want::Figure(Wanted {
            printed: odd.values[0].abs(),
            values,
            unit: None,
            kinds: if odd.kind == "MONEY" { &["MONEY"] } else { &["PERCENT"] },
            currency: (odd.kind == "MONEY").then_some(look.style.currency),
            periods: periods.to_vec(),
        }),
    };
    let mut tags = with(&look.tags, &[odd.tag]);
    tags.retain(|tag| !tag.starts_with("negative"));
    paper.truth(ink, odd.text, label, want, tags);
    ink
}

/// Draws one entry and notes what it is.
fn cell(
    chance: &mut Chance,
    paper: &mut Paper,
    sheet: &Sheet,
    look: &Look,
    grid: &Grid,
    (row_at, column_at): (usize, usize),
    entry: Entry,
) -> Option<Ink> {
    let (row, column) = (&sheet.rows[row_at], &sheet.columns[column_at]);
    let [left, right] = grid.columns[column_at];
    let style = look.style;
    let label = format!("{} | {}", row.label, column.head.lines.join(" "));
    let (amount, what) = match entry {
        Entry::Empty => return None,
        Entry::Nil => {
            let x = right - paper.pen.measure(look.nil, look.size) - 2.0;
            let ink = paper.pen.text(x, paper.y, look.size, row.total, look.nil);
            let mut tags = with(&look.tags, &["nil"]);
            if look.mark == Mark::RaisedDigit && chance.of(25) {
                raised(chance, paper, look, ink, "4");
                tags.push("mark raised on a dash");
            }
            paper.truth(ink, look.nil, &label, Want::Nil, tags);
            return Some(ink);
        }
        Entry::Odd(index) => {
            return Some(odd(paper, look, row, (&label, &column.head.periods), right, index));
        }
        Entry::Figure(amount, what) => (amount, what),
    };
    let mut tags = with(&look.tags, &[row.tag.unwrap_or("")]);
    tags.extend(sheet.tags.iter().filter(|tag| tag.starts_with("header")));
    let (power, money) = match (what, column.own) {
        (What::Money, Some(own)) => (own.power, own.money),
        (What::Money, None) => (look.power, true),
        (What::Count(power), _) => (power, false),
        (What::PerShare, _) => (0, true),
        (What::Percent | What::Ratio, _) => (0, false),
    };
    let mut text = amount.spelled(style, look.group, look.decimal, look.negative);
    if amount.mantissa < 0 {
        tags.push(look.negative.tag());
    }
    if look.full_width {
        text = full_width(&text);
    }
    let in_percent = what == What::Percent
        && !row.label.contains('%')
        && !column.head.lines.iter().any(|line| line.contains('%'))
        || row.label == "% of total";
    let hang = if matches!(look.negative, Negative::Parentheses | Negative::Brackets | Negative::Chevrons)
        && amount.mantissa < 0
    {
        paper.pen.measure(")", look.size)
    } else {
        0.0
    };
    if what == What::Money && column.own.is_none() {
        let at_total = look.sign_at_totals && (row_at == 0 || row.total);
        if at_total {
            paper.pen.text(left + 2.0, paper.y, look.size, row.total, style.sign.trim());
        } else if look.sign_everywhere {
            text = format!("{}{text}", style.sign);
        }
    }
    let printed = text.clone();
    if in_percent {
        text += style.percent;
    }
    let superscripted = look.mark == Mark::SuperscriptDigit && chance.of(20);
    if superscripted {
        text.push(superscript(chance.range(1, 3) as u32));
        tags.push(mark_tag(look.mark));
    }
    let x = right - paper.pen.measure(&text, look.size) + hang - 2.0;
    let mut ink = paper.pen.text(x, paper.y, look.size, row.total, &text);
    // The mark and the percent sign do not belong to the number.
    ink.bbox[2] = x + paper.pen.measure(&printed, look.size);
    let end = Ink { bbox: [x, ink.bbox[1], x + paper.pen.measure(&text, look.size), ink.bbox[3]], ..ink };
    if chance.of(20) && !superscripted {
        let digit = *chance.pick(&["1", "2", "3"]);
        let marked = match look.mark {
            Mark::RaisedDigit => Some(digit),
            Mark::RaisedLetter => Some("a"),
            Mark::RaisedParentheses => Some("(1)"),
            _ => None,
        };
        if let Some(mark) = marked {
            raised(chance, paper, look, end, mark);
            tags.push(mark_tag(look.mark));
        } else if look.mark == Mark::BeforeNumber {
            let size = look.size * 0.62;
            let x = x - paper.pen.measure(digit, size);
            paper.pen.text(x, paper.y - look.size * 0.36, size, false, digit);
            tags.push(mark_tag(look.mark));
        } else if look.mark == Mark::Asterisk {
            paper.pen.text(end.bbox[2], paper.y, look.size, false, "*");
            tags.push(mark_tag(look.mark));
        } else if look.mark == Mark::OwnColumn {
            let mark = format!("({digit})");
            let ink = paper.pen.text(right + 1.0, paper.y, look.size * 0.9, false, &mark);
            paper.truth(
                ink,
                &mark,
                &format!("{label} | mark"),
                Want::Nothing,
                with(&look.tags, &[mark_tag(look.mark)]),
            );
        }
    }
    let kinds: &'static [&'static str] = match what {
        What::Money => &["MONEY"],
        What::PerShare => &["PER_SHARE"],
        What::Percent => &["PERCENT"],
        What::Count(_) | What::Ratio => &["QUANTITY", "NUMBER"],
    };
    let want = Wanted {
        values: vec![amount.value(power)],
        printed: amount.value(0).abs(),
        kinds,
        unit: None,
        currency: money.then_some(style.currency),
        periods: column.head.periods.clone(),
    };
    paper.truth(ink, &text, &label, Want::Figure(want), tags);
    Some(ink)
}
