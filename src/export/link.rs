//! Links from an export into the report of the same document, relative to the folder of the analysis.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::document::analysis::CellReference;
use crate::report::page_of;

/// What a link opens in the report.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A page by number.
    Page(u32),
    /// A cell on a page.
    Cell(u32, CellReference),
    /// A finding on a page, by its place among the anomalies.
    Finding(u32, usize),
    /// A sentence on a page.
    Sentence(u32, u32),
}

/// `a.pdf.report/doc.html#p12&c=3.4.1`, with the name's bytes escaped as addresses need it.
pub fn link(output: &Path, target: Target) -> String {
    let page = page_of(output);
    let beside = page.strip_prefix(output.parent().unwrap_or(Path::new(""))).unwrap_or(&page);
    address(beside, target)
}

/// The same from the output folder.
pub fn link_below(output: &Path, target: Target) -> String {
    address(&page_of(output), target)
}

fn address(page: &Path, target: Target) -> String {
    let mut link = String::new();
    for &byte in page.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    let place = match target {
        Target::Page(page) => format!("p{page}"),
        Target::Cell(page, cell) => format!("p{page}&c={}.{}.{}", cell.table, cell.row, cell.column),
        Target::Finding(page, finding) => format!("p{page}&f={finding}"),
        Target::Sentence(page, sentence) => format!("p{page}&q={sentence}"),
    };
    link + "#" + &place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_places_are_named() {
        let cell = CellReference { table: 3, row: 4, column: 1 };
        let link = |target| link(Path::new("deep/a b%#.pdf.json"), target);
        assert_eq!(link(Target::Cell(12, cell)), "a%20b%25%23.pdf.report/doc.html#p12&c=3.4.1");
        assert_eq!(link(Target::Finding(2, 0)), "a%20b%25%23.pdf.report/doc.html#p2&f=0");
    }
}
