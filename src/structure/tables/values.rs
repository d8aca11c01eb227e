//! Grids to tables: numbers, scale, currency and the periods of columns.

use std::collections::BTreeSet;

use super::dates::column_periods;
use super::find::Part;
use super::grid::GridCell;
use super::lines::joined_text;
use super::notes::{drop_columns, mark_cells, split_notes};
use super::units::complete_units;
use crate::document::Page;
use crate::document::analysis::{Cell, CellValue, FigureKind, Table, TablePart};
use crate::structure::numbers::{
    Locale, ScaleStatement, ScaleSubject, parse_number, scale_by, scale_from_caption,
};

/// Longest caption in words.
const CAPTION_WORDS: usize = 25;

/// What holds for the whole document.
pub(super) struct Context {
    pub locale: Locale,
}

/// Puts the parts of one table together. `origin` is the table whose headers and scale hold for one that has none.
pub(super) fn table_of(id: u32, parts: &[Part<'_>], origin: Option<&Part<'_>>, context: &Context) -> Table {
    let first = &parts[0];
    let statement = scale_statement(first).or_else(|| scale_statement(origin?));
    let header_rows = first.grid.header_rows;
    let mut cells: Vec<Cell> = Vec::new();
    let mut rows = 0;
    let mut continued = Vec::new();
    let (mut mark_columns, mut mark_rows) = (BTreeSet::new(), BTreeSet::new());
    for (index, part) in parts.iter().enumerate() {
        // A repeated header is left out.
        let skipped = if index == 0 { 0 } else { part.grid.header_rows };
        if index > 0 {
            continued.push(TablePart {
                page: part.page.number,
                bbox: part.bbox,
                first_row: rows as u32,
                repeated_header_rows: skipped as u32,
            });
        }
        let marks = mark_cells(part);
        for (at, cell) in part.grid.cells.iter().enumerate().filter(|(_, cell)| cell.row >= skipped) {
            match cells.last_mut().filter(|_| marks.beside.contains(&at)) {
                Some(marked) => {
                    marked.notes.push(cell.text.clone());
                    mark_columns.insert(cell.column);
                }
                None => {
                    let plain = plain_cell(part.page, cell, (rows + cell.row - skipped) as u32);
                    if marks.raised.contains(&at) {
                        mark_rows.insert(plain.row);
                    }
                    cells.push(plain);
                }
            }
        }
        rows += part.grid.rows - skipped;
    }
    let columns = drop_columns(&mut cells, &mark_columns, first.grid.columns);
    let headers: Vec<String> =
        (0..columns).map(|column| column_header(&cells, header_rows as u32, column as u32)).collect();
    let headers = match origin {
        Some(origin) if header_rows == 0 && origin.grid.columns == columns => headers_of(origin),
        _ => headers,
    };
    let labels = row_labels(&cells, header_rows, rows);
    let statement = statement.unwrap_or_default();
    let locale = context.locale.of_table(cells.iter().map(|cell| cell.text.as_str()));
    let is_number = |cell: &&mut Cell| !cell.header && !mark_rows.contains(&cell.row);
    for cell in cells.iter_mut().filter(is_number) {
        let label = &labels[cell.row as usize];
        let header = &headers[cell.column as usize];
        cell.value = value_of(&cell.text, label, header, &statement, locale);
    }
    complete_units(&mut cells, &headers, locale);
    Table {
        id,
        blocks: parts.iter().flat_map(|part| part.blocks.iter().copied()).collect(),
        section: None,
        caption: caption(&first.above),
        page: first.page.number,
        bbox: first.bbox,
        continued,
        rows: rows as u32,
        columns: columns as u32,
        header_rows: header_rows as u32,
        scale: statement.scale,
        currency: statement.currency.map(str::to_owned),
        column_periods: column_periods(&headers, &first.above, context.locale),
        cells,
    }
}

/// The column headers of another table.
fn headers_of(part: &Part<'_>) -> Vec<String> {
    let cells: Vec<Cell> =
        part.grid.cells.iter().map(|cell| plain_cell(part.page, cell, cell.row as u32)).collect();
    let headers = part.grid.header_rows as u32;
    (0..part.grid.columns).map(|column| column_header(&cells, headers, column as u32)).collect()
}

/// The statement of scale and currency nearest to the table's numbers.
fn scale_statement(part: &Part<'_>) -> Option<ScaleStatement> {
    let headers = part
        .grid
        .cells
        .iter()
        .filter(|cell| cell.row <= part.grid.header_rows)
        .map(|cell| cell.text.as_str());
    let mut found: Option<ScaleStatement> = None;
    for text in headers.chain(part.above.iter().map(String::as_str)) {
        let Some(next) = scale_from_caption(text) else { continue };
        match &mut found {
            None => found = Some(next),
            Some(known) => {
                if known.scale.is_none() {
                    known.scale = next.scale;
                }
                for (subject, scale) in next.exceptions {
                    if known.exceptions.iter().all(|(of, _)| *of != subject) {
                        known.exceptions.push((subject, scale));
                    }
                }
                known.currency = known.currency.or(next.currency);
            }
        }
    }
    found
}

/// The nearest line above that is a title rather than a statement of units in parentheses.
fn caption(above: &[String]) -> Option<String> {
    above
        .iter()
        .find(|line| {
            !(line.starts_with('(') && line.ends_with(')'))
                && line.chars().any(char::is_alphabetic)
                && line.split(' ').count() <= CAPTION_WORDS
                && !(scale_from_caption(line).is_some() && line.split(' ').count() < 6)
        })
        .cloned()
}

fn plain_cell(page: &Page, cell: &GridCell, row: u32) -> Cell {
    let (text, notes) = split_notes(page, cell);
    Cell {
        row,
        column: cell.column as u32,
        row_span: cell.row_span as u32,
        column_span: cell.column_span as u32,
        header: cell.header,
        indent: cell.indent as u32,
        page: page.number,
        bbox: cell.bbox,
        text,
        notes,
        value: None,
    }
}

/// Texts of all header cells over a column, from top to bottom.
pub(super) fn column_header(cells: &[Cell], header_rows: u32, column: u32) -> String {
    let over = cells.iter().filter(|cell| {
        cell.row < header_rows && cell.column <= column && column < cell.column + cell.column_span
    });
    joined_text(over.map(|cell| cell.text.as_str()))
}

/// Text of each row's stub cell behind the heading that it is indented under; empty where there is none.
fn row_labels(cells: &[Cell], header_rows: usize, rows: usize) -> Vec<String> {
    let mut labels = vec![String::new(); rows];
    let mut numbers = vec![false; rows];
    let mut indents = vec![0; rows];
    for cell in cells {
        if cell.header && cell.column == 0 {
            labels[cell.row as usize].clone_from(&cell.text);
            indents[cell.row as usize] = cell.indent;
        } else {
            numbers[cell.row as usize] = true;
        }
    }
    let mut heading: Option<usize> = None;
    let mut full = labels.clone();
    for row in header_rows..rows {
        if !numbers[row] {
            heading = (!labels[row].is_empty()).then_some(row);
        } else if let Some(above) = heading {
            if indents[row] > indents[above] {
                full[row] = format!("{} {}", labels[above], labels[row]);
            } else {
                heading = None;
            }
        }
    }
    full
}

fn value_of(
    text: &str,
    label: &str,
    header: &str,
    statement: &ScaleStatement,
    locale: Locale,
) -> Option<CellValue> {
    let number = parse_number(text, locale).or_else(|| {
        let inner = text.strip_suffix('x').filter(|inner| inner.ends_with(|c: char| c.is_ascii_digit()));
        inner.and_then(|inner| parse_number(inner, locale))
    })?;
    let about = subject(label, header, number.kind());
    let kind = match (about, number.kind()) {
        (Some(ScaleSubject::Percent), _) => FigureKind::Percent,
        (Some(ScaleSubject::PerShare), _) => FigureKind::PerShare,
        (Some(ScaleSubject::Shares | ScaleSubject::Count), _) => FigureKind::Quantity,
        (_, FigureKind::Number) if statement.currency.is_some() => FigureKind::Money,
        (_, kind) => kind,
    };
    let stated = match about {
        Some(subject @ (ScaleSubject::Percent | ScaleSubject::PerShare | ScaleSubject::Ratio)) => {
            statement.exceptions.iter().find(|(of, _)| *of == subject).map(|&(_, scale)| scale).unwrap_or(0)
        }
        Some(subject) => statement.scale_of(subject).or(statement.scale).unwrap_or(0),
        None => statement.scale.unwrap_or(0),
    };
    // A column may state a scale of its own: "Shares (thousands)".
    let plain = !matches!(about, Some(ScaleSubject::Percent | ScaleSubject::PerShare | ScaleSubject::Ratio));
    let of_column = scale_from_caption(header)
        .and_then(|own| about.map_or(own.scale, |subject| own.scale_of(subject)))
        .filter(|_| plain);
    let scale = number.scale.or(of_column).unwrap_or(stated);
    let currency = matches!(kind, FigureKind::Money | FigureKind::PerShare)
        .then(|| number.currency.or(statement.currency).map(str::to_owned))
        .flatten();
    // (right + 1) / (all + 2) of 14,000 cells of tagged filings, training and validation companies, as
    // `docproc eval figures` found them. Amounts and quantities are mostly wrong by the scale of the table.
    let confidence = match kind {
        _ if number.nil => 0.998,
        _ if !number.alternatives.is_empty() => 0.875,
        FigureKind::Percent => 0.997,
        FigureKind::PerShare => 0.935,
        FigureKind::Quantity => 0.772,
        FigureKind::Money => 0.877,
        _ => 0.907,
    };
    Some(CellValue {
        kind,
        printed: number.value,
        value: scale_by(number.value, scale),
        decimals: number.decimals,
        scale,
        currency,
        nil: number.nil,
        alternatives: number.alternatives,
        confidence,
    })
}

/// A header without what its scale leaves out: "(in millions, except per share data)" heads more than shares.
fn without_exceptions(header: &str) -> String {
    let Some((before, rest)) = header.split_once("except") else { return header.to_owned() };
    format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after))
}

/// A label without what it says in parentheses about amounts of its own: "dividends declared ($0.60 per share)" heads
/// no amounts per share.
fn without_stated_amounts(label: &str) -> String {
    let mut kept = String::with_capacity(label.len());
    let mut rest = label;
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')') else { break };
        let (aside, after) = rest[open..].split_at(close + 1);
        kept.push_str(&rest[..open]);
        if !aside.contains(|c: char| c.is_ascii_digit()) {
            kept.push_str(aside);
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// "% change", "Change (%)" and "% of sales", but not "2.5% notes".
fn has_percent_sign(header: &str) -> bool {
    header.match_indices('%').any(|(at, _)| !header[..at].trim_end().ends_with(|c: char| c.is_ascii_digit()))
}

/// "Weighted average exercise price", "weighted-average grant-date fair value": amounts of one share or option.
fn is_average_price(text: &str) -> bool {
    text.contains("average") && (text.contains("price") || text.contains("fair value"))
}

/// What a number counts, by its own unit, its row and its column.
fn subject(label: &str, header: &str, kind: FigureKind) -> Option<ScaleSubject> {
    let label = without_stated_amounts(&label.to_lowercase());
    let header = without_exceptions(&header.to_lowercase());
    let says = |words: &[&str]| words.iter().any(|word| label.contains(word));
    let percent =
        has_percent_sign(&header) || header.contains("percent") || says(&["percentage", "(%)", "% of"]);
    if kind == FigureKind::Percent || percent && kind != FigureKind::Money {
        return Some(ScaleSubject::Percent);
    }
    let counts_shares = says(&[
        "weighted-average",
        "weighted average",
        "shares used",
        "shares outstanding",
        "number of shares",
        "average shares",
    ]);
    if counts_shares && matches!(kind, FigureKind::Number) {
        return Some(ScaleSubject::Shares);
    }
    let per_share =
        ["per share", "per common share", "per ordinary share", "per ads", "per diluted", "per basic"];
    if kind == FigureKind::PerShare
        || says(&per_share)
        || header.contains("per share")
        || is_average_price(&header)
        || is_average_price(&label)
    {
        return Some(ScaleSubject::PerShare);
    }
    let amount = says(&["repurchase", "issuance", "proceeds", "$"]);
    if kind == FigureKind::Number && (says(&["shares"]) || header.contains("shares")) && !amount {
        return Some(ScaleSubject::Shares);
    }
    // Whole words: "operations" holds "ratio".
    let ratio = label.split(|c: char| !c.is_alphabetic()).any(|word| matches!(word, "ratio" | "ratios"));
    (ratio && kind == FigureKind::Number).then_some(ScaleSubject::Ratio)
}
