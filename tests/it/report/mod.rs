//! `docproc report`: the files, and what a reader sees in a browser.

#[allow(dead_code, reason = "`make torture` takes the rest")]
#[path = "../../torture/draw.rs"]
mod draw;

mod browser;
mod files;
mod papers;
mod reading;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::cli::docproc;
use super::generator::pdf;
use draw::Ink;
use papers::{Paper, annual_report};

/// Twenty annual reports, one of them with a wrong sum, analyzed and reported.
pub struct Twenty {
    _folder: tempfile::TempDir,
    pub out: PathBuf,
    /// The document with the wrong sum.
    pub wrong: String,
    /// Where it stands.
    pub planted: Ink,
}

/// Where the planted one comes in the alphabet says nothing.
const WRONG: usize = 12;

const COMPANIES: [&str; 20] = [
    "Aldgate Textiles",
    "Bellweather Foods",
    "Carrow Shipping",
    "Dunmore Paper",
    "Eastfield Motors",
    "Farnley Glass",
    "Garrick Tools",
    "Harwood Estates",
    "Inverkeith Water",
    "Jessop Dairy",
    "Kelder Forestry",
    "Larkspur Media",
    "Meridian Ceramics",
    "Northgate Rail",
    "Oakhurst Hotels",
    "Penrose Energy",
    "Quayside Ports",
    "Redmire Steel",
    "Sandford Retail",
    "Thornbury Optics",
];

pub static TWENTY: LazyLock<Twenty> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let (documents, out) = (folder.path().join("reports"), folder.path().join("out"));
    fs::create_dir(&documents).unwrap();
    let mut found = None;
    for (at, company) in COMPANIES.iter().enumerate() {
        let name = format!("{}-2024.pdf", company.to_lowercase().replace(' ', "-"));
        let company = format!("{company} plc");
        let paper = Paper {
            company: &company,
            factor: 3 + at as i64,
            wrong: at == WRONG,
            hostile: "",
            more_pages: 0,
        };
        let (bytes, planted) = annual_report(&paper);
        fs::write(documents.join(&name), bytes).unwrap();
        found = planted.map(|planted| (name, planted)).or(found);
    }
    let (wrong, planted) = found.unwrap();
    let output = docproc()
        .current_dir(folder.path())
        .args(["analyze", "reports", "-o", "out", "--report"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Twenty { _folder: folder, out, wrong, planted }
});

/// Analyzes one paper and makes its report.
pub fn reported(folder: &Path, name: &str, paper: &Paper<'_>) -> PathBuf {
    let document = folder.join(name);
    fs::write(&document, annual_report(paper).0).unwrap();
    let out = folder.join("out");
    let output =
        docproc().arg("analyze").arg(&document).arg("-o").arg(&out).arg("--report").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}
