//! The sheet of one table.

use rust_xlsxwriter::utility::{column_number_to_name, row_col_to_cell};
use rust_xlsxwriter::{Format, FormatAlign, Formula, Worksheet, XlsxError};
use std::collections::BTreeMap;
use std::path::Path;

use super::super::columns::word;
use super::super::link::Target;
use super::super::tables::{Grid, scale_in_words, unit_in_words};
use super::formulas::Formulas;
use super::{Sheet, doubtful, head, linked, plain};
use crate::document::analysis::{Cell, CellReference, CellValue, FigureKind, Table};

/// Rows above the table: caption, unit and place, an empty one, and what stands beside the table.
const ABOVE: u32 = 4;
/// Most columns of a sheet, those beside the table included.
const COLUMNS_MAX: u32 = 16_384;
/// Widths of a column of labels and of one of numbers, in characters.
const WIDTHS: [f64; 2] = [44.0, 15.0];
/// Most decimals that a number format shows.
const DECIMALS_MAX: u32 = 12;

/// Name of the table's sheet.
pub fn name(table: &Table) -> String {
    format!("T{} p{}", table.id, table.page)
}

/// Row and column in the sheet of a place in the table; `None` where a sheet has no such place.
pub fn place(row: u32, column: u32) -> Option<(u32, u16)> {
    let row = row.checked_add(ABOVE).filter(|row| *row < super::ROWS_MAX)?;
    Some((row, u16::try_from(column).ok().filter(|column| u32::from(*column) < COLUMNS_MAX)?))
}

/// The table as printed, its verified sums as formulas, what was printed there beside it.
pub fn sheet(table: &Table, output: &Path, formulas: &Formulas<'_>) -> Result<Worksheet, XlsxError> {
    let mut sheet = Sheet::new(&name(table), output)?;
    sheet.text(0, 0, table.caption.as_deref().unwrap_or("(without caption)"), &plain().set_bold())?;
    sheet.link(1, 0, Target::Page(table.page))?;
    sheet.text(1, 0, &stands(table), &linked())?;
    let grid = Grid::new(table);
    let columns = table.columns.min(COLUMNS_MAX / 4);
    let beside = u16::try_from(columns + 1).unwrap_or(u16::MAX);
    // Columns with formulas: each has two beside the table.
    let mut printed: BTreeMap<u32, u16> = BTreeMap::new();
    let mut notes: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for cell in table.cells.iter().filter(|cell| grid.at(cell.row, cell.column).is_some()) {
        let Some((row, column)) = place(cell.row, cell.column) else { continue };
        let reference = CellReference { table: table.id, row: cell.row, column: cell.column };
        sheet.link(row, column, Target::Cell(cell.page, reference))?;
        let Some(value) = cell.value.as_ref().filter(|value| value.printed.is_finite()) else {
            sheet.text(row, column, &with_notes(cell), &label(cell, table))?;
            continue;
        };
        if let Some(note) = note(table, cell, value) {
            notes.entry(cell.row).or_default().push(note);
        }
        let format = number_format(cell, value);
        let reading = formulas.in_sheet(reference, formulas.reading(reference).unwrap_or(value.printed));
        match formulas.at(reference) {
            Some((formula, result)) => {
                let next = beside + 1 + 2 * u16::try_from(printed.len()).unwrap_or(u16::MAX / 4);
                let beside = *printed.entry(cell.column).or_insert(next);
                sheet.worksheet.write_formula_with_format(
                    row,
                    column,
                    Formula::new(formula).set_result(result.to_string()),
                    &format,
                )?;
                sheet.number(row, beside, reading, &format.clone())?;
                let difference =
                    format!("={}-{}", row_col_to_cell(row, column), row_col_to_cell(row, beside));
                sheet.worksheet.write_formula_with_format(
                    row,
                    beside + 1,
                    Formula::new(difference).set_result((result - reading).to_string()),
                    &format,
                )?;
            }
            None => sheet.number(row, column, reading, &format)?,
        }
    }
    if !notes.is_empty() {
        sheet.text(ABOVE - 1, beside, "Notes", &head())?;
    }
    for (row, mut notes) in notes {
        notes.dedup();
        if let Some((row, _)) = place(row, 0) {
            sheet.text(row, beside, &notes.join("; "), &plain().set_italic())?;
        }
    }
    for (column, beside) in &printed {
        let letter = column_number_to_name(u16::try_from(*column).unwrap_or(u16::MAX));
        sheet.text(ABOVE - 1, *beside, &format!("{letter} as printed"), &head())?;
        sheet.text(ABOVE - 1, beside + 1, &format!("{letter} minus printed"), &head())?;
        for column in [*beside, beside + 1] {
            sheet.worksheet.set_column_width(column, WIDTHS[1])?;
        }
    }
    for column in 0..columns {
        let numbers = table.cells.iter().any(|cell| cell.column == column && cell.value.is_some());
        if let Some((_, place)) = place(0, column) {
            sheet.worksheet.set_column_width(place, WIDTHS[usize::from(numbers || column > 0)])?;
        }
    }
    sheet.worksheet.set_column_width(beside, WIDTHS[0])?;
    sheet.worksheet.set_freeze_panes(ABOVE + table.header_rows.min(8), 0)?;
    Ok(sheet.worksheet)
}

/// Where the table stands, in what its numbers are, and where that is stated.
fn stands(table: &Table) -> String {
    let last = table.continued.last().map_or(table.page, |part| part.page);
    let pages = if last > table.page {
        format!("Pages {} to {last}", table.page)
    } else {
        format!("Page {}", table.page)
    };
    let unit = unit_in_words(table);
    let unit = if unit.is_empty() { "no unit stated".to_owned() } else { unit };
    let from = table
        .scale_from
        .map_or(String::new(), |from| format!(" (scale stated: {})", word(&from).replace('_', " ")));
    format!("{pages}; {unit}{from}; numbers are as printed, before scale")
}

fn with_notes(cell: &Cell) -> String {
    [cell.text.as_str()]
        .into_iter()
        .chain(cell.notes.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ")
}

fn label(cell: &Cell, table: &Table) -> Format {
    if cell.row < table.header_rows {
        return head();
    }
    let indent = u8::try_from(cell.indent.min(15)).unwrap_or(15);
    Format::new().set_text_wrap().set_align(FormatAlign::Top).set_indent(indent)
}

/// What a number's own cell does not show: another scale than the table's, other readings, marks.
fn note(table: &Table, cell: &Cell, value: &CellValue) -> Option<String> {
    let mut parts = Vec::new();
    let scale = table.scale.unwrap_or(0);
    if value.kind == FigureKind::PerShare {
        parts.push("per share".to_owned());
    } else if value.kind != FigureKind::Percent && !value.nil && value.scale != scale {
        let own = scale_in_words(value.scale);
        parts.push(if own.is_empty() { "not scaled".to_owned() } else { own });
    }
    if let Some(currency) =
        value.currency.as_ref().filter(|own| table.currency.as_ref().is_some_and(|table| table != *own))
    {
        parts.push(currency.clone());
    }
    let letter = column_number_to_name(u16::try_from(cell.column).unwrap_or(u16::MAX));
    if !value.alternatives.is_empty() {
        let others: Vec<String> = value.alternatives.iter().map(f64::to_string).collect();
        parts.push(format!("{letter} may be {}", others.join(" or ")));
    }
    if !cell.notes.is_empty() {
        parts.push(format!("{letter} has {}", cell.notes.join(" ")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Decimals, grouping, brackets and dash as printed.
fn number_format(cell: &Cell, value: &CellValue) -> Format {
    let decimals = value.decimals.min(DECIMALS_MAX) as usize;
    let longest = cell.text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let whole = if longest > 3 && value.printed.abs() >= 1000.0 && decimals == 0 { "0" } else { "#,##0" };
    let point = if decimals > 0 { "." } else { "" };
    let percent = if value.kind == FigureKind::Percent { "%" } else { "" };
    let number = format!("{whole}{point}{}{percent}", "0".repeat(decimals));
    let negative = if cell.text.contains('(') { format!("({number})") } else { format!("-{number}") };
    let zero = if value.nil { "\"—\"".to_owned() } else { number.clone() };
    let format = Format::new().set_num_format(format!("{number};{negative};{zero}"));
    if value.needs_review || !value.alternatives.is_empty() { doubtful(format) } else { format }
}
