//! The tables of an analysis as CSV files, in a folder beside it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::{at_place, write_through};
use super::paths::derived_folder;
use crate::document::analysis::{Cell, CellValue, FigureKind, Table};
use crate::error::{Error, ErrorCode, Result};

/// End of the folder's name; the rest is the document's.
const FOLDER: &str = ".tables";
/// The files of one document's tables, as the journal remembers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFiles {
    /// Number of files.
    pub files: u32,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// The folder of the tables of the analysis at `output`: `a.pdf.tables` for `a.pdf.json`.
pub(super) fn table_folder(output: &Path) -> PathBuf {
    derived_folder(output, FOLDER)
}

/// Writes one file per table into `folder`, which must exist if there are any, each atomically through the folder
/// `temporary`, and removes those of an earlier analysis.
///
/// # Errors
/// `output.unwritable`.
pub(super) fn write_tables(temporary: &Path, folder: &Path, tables: &[Table]) -> Result<TableFiles> {
    let mut written = TableFiles::default();
    let mut names = BTreeSet::new();
    for table in tables {
        let name = format!("{:02}-p{}.csv", table.id, table.page);
        let path = folder.join(&name);
        write_through(temporary, &path, |out| write_csv(table, out))?;
        written.files += 1;
        written.bytes += fs::metadata(&path).map_err(|error| unwritable(&path, error))?.len();
        names.insert(name);
    }
    for (name, _) in table_files(folder)? {
        if !names.contains(&name) {
            fs::remove_file(folder.join(&name)).map_err(|error| unwritable(&folder.join(&name), error))?;
        }
    }
    if names.is_empty() {
        remove_if_empty(folder);
    }
    Ok(written)
}

/// What is there now.
///
/// # Errors
/// `output.unwritable` if the folder cannot be read, `output.foreign` if something other than a file has such a name.
pub(super) fn present(folder: &Path) -> Result<TableFiles> {
    let files = table_files(folder)?;
    Ok(TableFiles { files: files.len() as u32, bytes: files.iter().map(|(_, bytes)| bytes).sum() })
}

/// Files of the folder that have the name of a table file, with their sizes. Others are not ours.
fn table_files(folder: &Path) -> Result<Vec<(String, u64)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unwritable(folder, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| unwritable(folder, error))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_table_file(&name) {
            let bytes = at_place(&entry.path())?.map_or(0, |file| file.len());
            files.push((name, bytes));
        }
    }
    files.sort();
    Ok(files)
}

fn is_table_file(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_suffix(".csv")
        .and_then(|name| name.split_once("-p"))
        .is_some_and(|(id, page)| id.len() >= 2 && number(id) && number(page))
}

/// A folder that still holds something, another document's analysis for example, stays.
fn remove_if_empty(folder: &Path) {
    let _ = fs::remove_dir(folder);
}

fn unwritable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorCode::OutputUnwritable, "cannot write the tables")
        .file(path)
        .because(error)
        .help("check space and permissions of the output folder")
}

/// The table as RFC 4180 text: every row with every column, a spanning cell in its first place.
fn write_csv(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let columns = (table.columns as usize).max(1);
    let mut cells: Vec<&Cell> = table.cells.iter().collect();
    cells.sort_by_key(|cell| (cell.row, cell.column));
    let mut cells = cells.into_iter().peekable();
    for row in 0..table.rows {
        let mut fields: Vec<Cow<'_, str>> = vec![Cow::Borrowed(""); columns];
        while let Some(cell) = cells.next_if(|cell| cell.row <= row) {
            if let Some(place) = fields.get_mut(cell.column as usize) {
                *place = field(cell);
            }
        }
        writer.write_record(fields.iter().map(|field| field.as_bytes()))?;
    }
    writer.flush()
}

/// A number that is read without doubt as a plain number, anything else as printed.
fn field(cell: &Cell) -> Cow<'_, str> {
    match cell.value.as_ref().and_then(plain_number) {
        Some(number) => Cow::Owned(number),
        None => harmless(&cell.text),
    }
}

/// `-1234.5` for `(1,234.5)`, `12.5%` for `12.5 %`; before the table's scale, with the printed decimals. `None` for
/// dashes and for numbers that can be read in several ways.
fn plain_number(value: &CellValue) -> Option<String> {
    if value.nil || !value.alternatives.is_empty() || !value.printed.is_finite() {
        return None;
    }
    let number = format!("{:.*}", value.decimals.min(17) as usize, value.printed);
    let percent = if value.kind == FigureKind::Percent { "%" } else { "" };
    Some(number + percent)
}

/// Spreadsheets run texts that begin with one of these characters as formulas (OWASP, "CSV Injection"): an apostrophe
/// in front keeps them texts. Numbers never come here.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '@', '\t', '\r'])
        || text.starts_with(['+', '-']) && text[1..].starts_with(|c: char| !c.is_whitespace() && c != '-');
    if formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BBox;

    fn cell(row: u32, column: u32, text: &str) -> Cell {
        Cell {
            row,
            column,
            row_span: 1,
            column_span: 1,
            header: false,
            indent: 0,
            page: 1,
            bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
            text: text.to_owned(),
            notes: Vec::new(),
            value: None,
        }
    }

    fn number(row: u32, column: u32, text: &str, printed: f64, decimals: u32) -> Cell {
        let value = CellValue {
            kind: FigureKind::Money,
            printed,
            value: printed * 1e6,
            decimals,
            scale: 6,
            currency: None,
            nil: false,
            alternatives: Vec::new(),
            confidence: 1.0,
            needs_review: false,
            period: None,
        };
        Cell { value: Some(value), ..cell(row, column, text) }
    }

    fn table(id: u32, rows: u32, columns: u32, cells: Vec<Cell>) -> Table {
        Table {
            id,
            blocks: Vec::new(),
            section: None,
            caption: None,
            page: 3,
            bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
            continued: Vec::new(),
            rows,
            columns,
            header_rows: 1,
            scale: Some(6),
            scale_from: None,
            currency: None,
            column_periods: vec![None; columns as usize],
            cells,
        }
    }

    fn text_of(table: &Table) -> String {
        let mut text = Vec::new();
        write_csv(table, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn rows_are_whole_spans_stand_in_their_first_place_and_numbers_are_plain() {
        let mut percent = number(2, 2, "12.5 %", 12.5, 1);
        percent.value.as_mut().unwrap().kind = FigureKind::Percent;
        let mut nil = number(3, 1, "—", 0.0, 0);
        nil.value.as_mut().unwrap().nil = true;
        let mut unsure = number(3, 2, "1.234", 1.234, 3);
        unsure.value.as_mut().unwrap().alternatives = vec![1234.0];
        let spanning = Cell { column_span: 2, ..cell(0, 1, "Years, \"audited\"") };
        let cells = vec![
            spanning,
            cell(1, 0, "Net sales"),
            number(1, 1, "$ (1,234.50)", -1234.5, 2),
            number(2, 1, "1,000,000", 1e6, 0),
            percent,
            nil,
            unsure,
        ];
        let expected =
            ",\"Years, \"\"audited\"\"\",\r\nNet sales,-1234.50,\r\n,1000000,12.5%\r\n,—,1.234\r\n";
        assert_eq!(text_of(&table(0, 4, 3, cells)), expected);
    }

    #[test]
    fn texts_that_spreadsheets_would_run_are_kept_texts_and_figures_stay_figures() {
        for (text, written) in [
            ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
            ("@SUM(1)", "'@SUM(1)"),
            ("+cmd|'/c calc'!A0", "'+cmd|'/c calc'!A0"),
            ("-2+3", "'-2+3"),
            ("-", "-"),
            ("—", "—"),
            ("- of which leased", "- of which leased"),
        ] {
            assert_eq!(harmless(text), written);
        }
        assert_eq!(field(&number(0, 0, "-5", -5.0, 0)), "-5");
    }

    #[test]
    fn outdated_files_are_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a.pdf.tables");
        let one = || vec![cell(0, 0, "a"), cell(0, 1, "b")];
        let both = [table(0, 1, 2, one()), table(1, 1, 2, one())];
        fs::create_dir(&folder).unwrap();
        let written = write_tables(root.path(), &folder, &both).unwrap();
        assert_eq!(written, TableFiles { files: 2, bytes: 10 });
        assert_eq!(present(&folder).unwrap(), written);
        fs::write(folder.join("x.pdf.json"), "another document's").unwrap();
        fs::write(folder.join("notes-p1.csv"), "the user's").unwrap();
        write_tables(root.path(), &folder, &both[..1]).unwrap();
        assert_eq!(present(&folder).unwrap(), TableFiles { files: 1, bytes: 5 });
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        fs::remove_file(folder.join("x.pdf.json")).unwrap();
        fs::remove_file(folder.join("notes-p1.csv")).unwrap();
        write_tables(root.path(), &folder, &[]).unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn the_folder_has_the_documents_name() {
        assert_eq!(table_folder(Path::new("x/a.pdf.json")), Path::new("x/a.pdf.tables"));
    }
}
