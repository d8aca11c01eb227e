//! Summary, findings, checks, figures and sentences.

use std::collections::BTreeMap;
use std::path::Path;

use rust_xlsxwriter::utility::row_col_to_cell;
use rust_xlsxwriter::{Formula, Url, Worksheet, XlsxError};

use super::super::columns::{counted, four, place, word};
use super::super::link::Target;
use super::super::tables::unit_in_words;
use super::formulas::{Formulas, hundredth, is_sum};
use super::{ROWS_MAX, Sheet, doubtful, plain, table, wrapped};
use crate::document::Tone;
use crate::document::analysis::{Analysis, Relation, Section};
use crate::document::findings::RelationTerm;

/// Facts of the document, then its tables.
pub fn summary(analysis: &Analysis, output: &Path) -> Result<Worksheet, XlsxError> {
    let mut sheet = Sheet::new("Summary", output)?;
    let document = &analysis.document;
    let summary = &analysis.summary;
    let mut row = 0;
    let mut texts = vec![
        ("Document", document.path.clone()),
        ("SHA-256", document.sha256.clone()),
        ("Status", word(&analysis.status)),
        ("Analyzed by", format!("{} {}", analysis.tool.name, analysis.tool.version)),
    ];
    texts.extend(document.metadata.get("title").map(|title| ("Title in the file", title.clone())));
    texts.extend(analysis.errors.iter().map(|error| {
        let page = error.page.map_or(String::new(), |page| format!("page {page}: "));
        ("Error", format!("{page}{} ({})", error.message, error.code.as_str()))
    }));
    for (name, text) in texts {
        sheet.text(row, 0, name, &plain().set_bold())?;
        sheet.text(row, 1, &text, &plain())?;
        row += 1;
    }
    let mut numbers = vec![("Pages", summary.pages), ("Sentences", summary.sentences)];
    if let Some(sentiment) = &summary.sentiment {
        numbers.push(("Positive sentences", counted(sentiment, Tone::Positive)));
        numbers.push(("Negative sentences", counted(sentiment, Tone::Negative)));
    }
    let audit = summary.audit;
    let findings = u32::try_from(analysis.anomalies.len()).unwrap_or(u32::MAX);
    numbers.extend([
        ("Findings", findings),
        ("Relations checked", audit.checked),
        ("Relations that hold", audit.hold),
        ("Relations that do not", audit.broken),
        ("Numbers in tables", audit.numbers),
        ("Numbers in a checked relation", audit.covered),
        ("Numbers left out", audit.left_out),
        ("Items to review", summary.needs_review),
    ]);
    for (name, number) in numbers {
        sheet.text(row, 0, name, &plain().set_bold())?;
        sheet.number(row, 1, f64::from(number), &plain().set_num_format("#,##0"))?;
        row += 1;
    }
    row += 1;
    sheet.headers(
        row,
        &[("Table", 30.0), ("Caption", 70.0), ("Unit", 24.0), ("Page", 8.0), ("Rows", 8.0), ("Columns", 9.0)],
    )?;
    sheet.worksheet.set_freeze_panes(0, 0)?;
    for table in &analysis.tables {
        row += 1;
        let name = table::name(table);
        sheet.worksheet.write_url(
            row,
            0,
            Url::new(format!("internal:'{name}'!A1")).set_text(name.as_str()),
        )?;
        sheet.text(row, 1, table.caption.as_deref().unwrap_or(""), &plain())?;
        sheet.text(row, 2, &unit_in_words(table), &plain())?;
        sheet.page(row, 3, table.page, Target::Page(table.page))?;
        sheet.number(row, 4, f64::from(table.rows), &plain())?;
        sheet.number(row, 5, f64::from(table.columns), &plain())?;
    }
    Ok(sheet.worksheet)
}

/// One finding a row, worst first.
pub fn findings(analysis: &Analysis, output: &Path) -> Result<Worksheet, XlsxError> {
    let mut sheet = Sheet::new("Findings", output)?;
    sheet.headers(
        0,
        &[
            ("Severity", 10.0),
            ("Page", 8.0),
            ("Kind", 16.0),
            ("What does not fit", 70.0),
            ("Expected", 16.0),
            ("Printed", 16.0),
            ("Difference", 14.0),
            ("Rounding allows", 14.0),
            ("A change that would make it fit", 36.0),
            ("Formula", 60.0),
            ("Text there", 40.0),
        ],
    )?;
    let mut ordered: Vec<_> = analysis.anomalies.iter().enumerate().collect();
    ordered.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    for ((index, finding), row) in ordered.into_iter().zip(1..ROWS_MAX) {
        sheet.text(row, 0, &word(&finding.severity), &wrapped())?;
        if let Some((page, _, text)) = place(finding) {
            sheet.page(row, 1, page, Target::Finding(page, index))?;
            sheet.text(row, 10, text, &wrapped())?;
        }
        sheet.text(row, 2, &finding.kind, &wrapped())?;
        sheet.text(row, 3, &finding.message, &wrapped())?;
        let numbers = [finding.expected, finding.printed, finding.difference, finding.tolerance];
        for (number, column) in numbers.into_iter().zip(4..) {
            sheet.number(row, column, number.unwrap_or(f64::NAN), &plain().set_num_format("#,##0.####"))?;
        }
        sheet.text(row, 8, finding.explanation.as_deref().unwrap_or(""), &wrapped())?;
        sheet.text(row, 9, finding.formula.as_deref().unwrap_or(""), &wrapped())?;
    }
    Ok(sheet.worksheet)
}

/// Every relation that the audit checked: broken ones first, each computed again by the workbook from the tables' sheets.
pub fn checks(analysis: &Analysis, output: &Path, formulas: &Formulas<'_>) -> Result<Worksheet, XlsxError> {
    let mut sheet = Sheet::new("Checks", output)?;
    sheet.headers(
        0,
        &[
            ("Page", 8.0),
            ("Kind", 16.0),
            ("Formula", 80.0),
            ("Computed", 18.0),
            ("Printed", 18.0),
            ("Printed minus computed", 16.0),
            ("Rounding allows", 14.0),
            ("Holds", 8.0),
        ],
    )?;
    let broken = analysis.anomalies.iter().filter_map(relation_of);
    let pages: BTreeMap<_, u32> = analysis
        .tables
        .iter()
        .flat_map(|table| table.cells.iter().map(move |cell| ((table.id, cell.row, cell.column), cell.page)))
        .collect();
    for (relation, row) in broken.chain(analysis.relations.iter().cloned()).zip(1..ROWS_MAX) {
        let Some((result, parts)) = relation.terms.split_last() else { continue };
        let page = match (result.cell, result.place) {
            (Some(cell), _) => {
                pages.get(&(cell.table, cell.row, cell.column)).map(|page| (*page, Target::Cell(*page, cell)))
            }
            (None, place) => place.map(|place| (place.page, Target::Page(place.page))),
        };
        if let Some((page, target)) = page {
            sheet.page(row, 0, page, target)?;
        }
        sheet.text(row, 1, &relation.kind, &wrapped())?;
        sheet.text(row, 2, &relation.formula, &wrapped())?;
        let percent = formulas.of_percent(&relation.terms);
        let in_sheet = |number: f64| if percent { hundredth(number) } else { number };
        let format = plain().set_num_format(if percent { "0.00##%" } else { "#,##0.####" });
        let expected = in_sheet(relation.expected);
        let all_alike =
            percent || !relation.terms.iter().any(|term| formulas.of_percent(std::slice::from_ref(term)));
        match formulas.across(parts).filter(|_| is_sum(&relation) && all_alike) {
            Some(formula) => {
                let formula = Formula::new(formula).set_result(expected.to_string());
                sheet.worksheet.write_formula_with_format(row, 3, formula, &format)?;
            }
            None => sheet.number(row, 3, expected, &format)?,
        }
        let (printed, tolerance) = (in_sheet(relation.printed), in_sheet(relation.tolerance));
        sheet.number(row, 4, printed, &format)?;
        let at = |column| row_col_to_cell(row, column);
        let difference =
            Formula::new(format!("={}-{}", at(4), at(3))).set_result((printed - expected).to_string());
        sheet.worksheet.write_formula_with_format(row, 5, difference, &format)?;
        sheet.number(row, 6, tolerance, &format)?;
        // Decimals have no exact binary form.
        let holds = (printed - expected).abs() <= tolerance + 1e-6;
        let formula = Formula::new(format!("=ABS({})<={}+0.000001", at(5), at(6)));
        sheet.worksheet.write_formula(row, 7, formula.set_result(if holds { "TRUE" } else { "FALSE" }))?;
    }
    Ok(sheet.worksheet)
}

/// A finding of the audit as the relation that it is.
fn relation_of(finding: &crate::document::analysis::Anomaly) -> Option<Relation> {
    let terms: Vec<RelationTerm> = finding
        .terms
        .iter()
        .map(|term| RelationTerm { factor: term.factor, value: term.value, cell: term.cell, place: None })
        .collect();
    Some(Relation {
        kind: finding.kind.clone(),
        formula: finding.formula.clone()?,
        expected: finding.expected?,
        printed: finding.printed?,
        tolerance: finding.tolerance.unwrap_or(0.0),
        terms,
    })
}

/// One figure a row.
pub fn figures(analysis: &Analysis, output: &Path) -> Result<Worksheet, XlsxError> {
    let mut sheet = Sheet::new("Figures", output)?;
    sheet.headers(
        0,
        &[
            ("Page", 8.0),
            ("As printed", 24.0),
            ("Value, scale applied", 22.0),
            ("Currency or unit", 16.0),
            ("Scale", 14.0),
            ("Period", 24.0),
            ("Type", 12.0),
            ("Stands in", 60.0),
            ("Confidence", 11.0),
            ("In doubt", 9.0),
        ],
    )?;
    let tables: BTreeMap<u32, _> = analysis.tables.iter().map(|table| (table.id, table)).collect();
    let labels: BTreeMap<(u32, u32), String> = analysis
        .tables
        .iter()
        .flat_map(|table| {
            let grid = super::super::tables::Grid::new(table);
            (0..table.rows)
                .map(move |row| ((table.id, row), grid.row_label(row).to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    for (figure, row) in analysis.figures.iter().zip(1..ROWS_MAX) {
        let target = figure.cell.map_or(Target::Page(figure.page), |cell| Target::Cell(figure.page, cell));
        sheet.page(row, 0, figure.page, target)?;
        let text = if figure.needs_review { doubtful(plain()) } else { plain() };
        sheet.text(row, 1, &figure.text, &text)?;
        if let Some(value) = figure.value {
            sheet.number(row, 2, value, &plain().set_num_format("#,##0.######"))?;
        }
        let unit = figure.currency.as_deref().or(figure.unit.as_deref()).unwrap_or("");
        sheet.text(row, 3, unit, &plain())?;
        let scale = figure.scale.map(super::super::tables::scale_in_words).unwrap_or_default();
        sheet.text(row, 4, &scale, &plain())?;
        sheet.text(row, 5, figure.period.as_deref().unwrap_or(""), &plain())?;
        sheet.text(row, 6, &word(&figure.kind), &plain())?;
        let stands = match (figure.cell, figure.sentence, figure.heading) {
            (Some(cell), ..) => {
                let sheet = tables.get(&cell.table).map_or_else(String::new, |table| table::name(table));
                let label = labels.get(&(cell.table, cell.row)).map_or("", String::as_str);
                format!("{sheet}: {label}")
            }
            (_, Some(sentence), _) => analysis
                .sentences
                .get(sentence as usize)
                .map_or_else(String::new, |sentence| sentence.text.clone()),
            (_, _, Some(block)) => {
                analysis.blocks.get(block as usize).map_or_else(String::new, |block| block.text.clone())
            }
            _ => String::new(),
        };
        sheet.text(row, 7, &stands, &plain())?;
        sheet.number(row, 8, four(figure.confidence), &plain().set_num_format("0.000"))?;
        if figure.needs_review {
            sheet.worksheet.write_boolean(row, 9, true)?;
        }
    }
    Ok(sheet.worksheet)
}

/// One sentence a row.
pub fn sentences(analysis: &Analysis, output: &Path) -> Result<Worksheet, XlsxError> {
    let mut sheet = Sheet::new("Sentences", output)?;
    sheet.headers(
        0,
        &[
            ("Page", 8.0),
            ("Section", 36.0),
            ("Sentence", 100.0),
            ("Sentiment", 12.0),
            ("Confidence", 11.0),
            ("Positive", 10.0),
            ("Negative", 10.0),
        ],
    )?;
    let sections: BTreeMap<u32, &Section> =
        analysis.sections.iter().map(|section| (section.id, section)).collect();
    for (sentence, row) in analysis.sentences.iter().zip(1..ROWS_MAX) {
        sheet.page(row, 0, sentence.page, Target::Sentence(sentence.page, sentence.id))?;
        let title = sections.get(&sentence.section).map_or("", |section| section.title.as_str());
        sheet.text(row, 1, title, &wrapped())?;
        sheet.text(row, 2, &sentence.text, &wrapped())?;
        let Some(sentiment) = &sentence.sentiment else { continue };
        let format = if sentiment.needs_review { doubtful(plain()) } else { plain() };
        sheet.text(row, 3, &sentiment.label, &format)?;
        let of = |tone| four(sentiment.probability_of(tone));
        let numbers = [four(sentiment.confidence), of(Tone::Positive), of(Tone::Negative)];
        for (number, column) in numbers.into_iter().zip(4..) {
            sheet.number(row, column, number, &plain().set_num_format("0.000"))?;
        }
    }
    Ok(sheet.worksheet)
}
