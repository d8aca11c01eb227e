//! One workbook per document: summary, findings, checks, figures, sentences, and a sheet for each table.
//!
//! Numbers are numbers, as printed and in the printed scale, which each sheet states. A number leads to its place in the
//! report. Sums that the audit found to hold are formulas, with the printed value beside them.

mod formulas;
mod sheets;
mod table;

use std::path::Path;

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Url, Workbook, Worksheet,
    XlsxError,
};

use super::internal;
use super::link::{Target, link};
use crate::document::analysis::Analysis;
use crate::error::Result;
use formulas::Formulas;

/// Most characters that a cell holds.
const TEXT_MAX: usize = 32_767;
/// Most links that a sheet holds; the rest is without.
const LINKS_MAX: usize = 65_530;
/// Most rows that a sheet holds.
const ROWS_MAX: u32 = 1_048_576;
/// The time that stands in every workbook, since the same analysis gives the same bytes: the earliest that the archive knows.
const YEAR: u16 = 1980;

/// The workbook's bytes.
pub fn file(analysis: &Analysis, output: &Path) -> Result<Vec<u8>> {
    build(analysis, output).map_err(|error| internal("cannot write the workbook", error))
}

fn build(analysis: &Analysis, output: &Path) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let title = output.file_stem().unwrap_or_default().to_string_lossy();
    let properties = DocProperties::new()
        .set_title(title)
        .set_author("docproc")
        .set_creation_datetime(&ExcelDateTime::from_ymd(YEAR, 1, 1)?);
    workbook.set_properties(&properties);
    let formulas = Formulas::of(analysis);
    workbook.push_worksheet(sheets::summary(analysis, output)?);
    workbook.push_worksheet(sheets::findings(analysis, output)?);
    workbook.push_worksheet(sheets::checks(analysis, output, &formulas)?);
    workbook.push_worksheet(sheets::figures(analysis, output)?);
    workbook.push_worksheet(sheets::sentences(analysis, output)?);
    for table in &analysis.tables {
        workbook.push_worksheet(table::sheet(table, output, &formulas)?);
    }
    workbook.save_to_buffer()
}

/// A worksheet with what every sheet needs: texts that fit, and links as long as there is room for them.
struct Sheet<'a> {
    worksheet: Worksheet,
    output: &'a Path,
    links: usize,
}

impl<'a> Sheet<'a> {
    fn new(name: &str, output: &'a Path) -> Result<Self, XlsxError> {
        let mut worksheet = Worksheet::new();
        worksheet.set_name(name)?;
        Ok(Self { worksheet, output, links: 0 })
    }

    /// A text, never a formula, whatever it begins with.
    fn text(&mut self, row: u32, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
        self.worksheet.write_string_with_format(row, column, fitting(text), format)?;
        Ok(())
    }

    fn number(&mut self, row: u32, column: u16, number: f64, format: &Format) -> Result<(), XlsxError> {
        if number.is_finite() {
            self.worksheet.write_number_with_format(row, column, number, format)?;
        }
        Ok(())
    }

    /// Makes the cell lead into the report; what the cell says is written afterwards.
    fn link(&mut self, row: u32, column: u16, target: Target) -> Result<(), XlsxError> {
        if self.links < LINKS_MAX {
            self.links += 1;
            // The text is shared by all and written over.
            let url = Url::new(format!("file:///{}", link(self.output, target))).set_text("page");
            self.worksheet.write_url(row, column, url)?;
        }
        Ok(())
    }

    /// A page number that leads to the place.
    fn page(&mut self, row: u32, column: u16, page: u32, target: Target) -> Result<(), XlsxError> {
        self.link(row, column, target)?;
        self.number(row, column, f64::from(page), &linked())
    }

    /// Headers in bold, each with the width of its column, and the rows below them moving under them.
    fn headers(&mut self, row: u32, headers: &[(&str, f64)]) -> Result<(), XlsxError> {
        for ((header, width), column) in headers.iter().zip(0..) {
            self.text(row, column, header, &head())?;
            self.worksheet.set_column_width(column, *width)?;
        }
        self.worksheet.set_freeze_panes(row + 1, 0)?;
        Ok(())
    }
}

/// The text, cut where a cell holds no more, and saying so.
fn fitting(text: &str) -> String {
    let length: usize = text.chars().map(char::len_utf16).sum();
    if length <= TEXT_MAX {
        return text.to_owned();
    }
    let end = format!(" ... (cut; {} characters in the analysis)", text.chars().count());
    let mut kept = String::new();
    let mut room = TEXT_MAX - end.len();
    for c in text.chars() {
        match room.checked_sub(c.len_utf16()) {
            Some(left) => room = left,
            None => break,
        }
        kept.push(c);
    }
    kept + &end
}

fn plain() -> Format {
    Format::new()
}

fn wrapped() -> Format {
    Format::new().set_text_wrap().set_align(FormatAlign::Top)
}

fn head() -> Format {
    Format::new()
        .set_bold()
        .set_border_bottom(FormatBorder::Thin)
        .set_text_wrap()
        .set_align(FormatAlign::Bottom)
}

fn linked() -> Format {
    Format::new().set_font_color(Color::RGB(0x0563_C1))
}

/// Marks what is in doubt.
fn doubtful(format: Format) -> Format {
    format.set_background_color(Color::RGB(0xFF_F2CC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert_eq!(fitting("short"), "short");
        let cut = fitting(&"𝄞".repeat(20_000));
        assert!(cut.encode_utf16().count() <= TEXT_MAX);
        assert!(cut.ends_with("(cut; 20000 characters in the analysis)"), "{}", &cut[cut.len() - 60..]);
    }
}
