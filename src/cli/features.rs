//! `docproc features`.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use super::args::FeaturesArgs;
use super::log::tell;
use super::terminal::JsonLines;
use crate::document::Page;
use crate::error::{Error, ErrorCode, Result};
use crate::evaluation;
use crate::limit::Limit;
use crate::pipeline::Models;
use crate::quantize::ensure_variants;
use crate::scoring::features;

/// Prints rows of features, one JSON object per line.
pub fn run(args: &FeaturesArgs) -> anyhow::Result<ExitCode> {
    let mut out = JsonLines::new(BufWriter::new(io::stdout().lock()));
    for name in &args.sets {
        if features::named(name).is_none() {
            let known: Vec<String> = features::all().into_iter().map(|set| set.id.name).collect();
            bail!("there is no feature set {name:?}; there are {}", known.join(", "));
        }
    }
    let wanted = |name: &str| args.sets.is_empty() || args.sets.iter().any(|set| set == name);
    if args.list {
        for set in features::all().into_iter().filter(|set| wanted(&set.id.name)) {
            writeln!(out, "{}/{}: {} features of a {}", set.id.name, set.id.version, set.len(), set.subject)?;
            for feature in set.features {
                let (low, high) = feature.range;
                writeln!(out, "  {:<32} {low} to {high}: {}", feature.name, feature.meaning)?;
            }
        }
    } else if let Some(data) = &args.data {
        let config = args.config.load()?;
        ensure_variants(&config, &|| false, &|text| tell!("note: {text}"))?;
        let models = Models::load(&config, &mut |text| tell!("note: {text}"))?;
        evaluation::line_rows(&models.layout, data, |row| print(&mut out, row))?;
    } else if let Some(path) = &args.pages {
        of_pages(path, &wanted, &mut out)?;
    } else {
        for path in &args.analyses {
            of_analysis(path, &wanted, &mut out)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn of_analysis(path: &Path, wanted: &dyn Fn(&str) -> bool, out: &mut impl Write) -> Result<()> {
    let analysis = evaluation::read_analysis(path)?;
    let document = features::Document::of(&analysis);
    for set in features::all().into_iter().filter(|set| wanted(&set.id.name)) {
        let names = set.names();
        for row in features::rows(&set.id.name, &document, &Limit::default()).unwrap_or_default() {
            print(out, &evaluation::feature_row(&set.id, &names, &analysis.document.path, &row))?;
        }
    }
    Ok(())
}

/// Rows of the sets that need nothing but the words of pages. A document ends where page numbers begin anew; those
/// after the first are named `FILE#2` and so on.
fn of_pages(path: &Path, wanted: &dyn Fn(&str) -> bool, out: &mut impl Write) -> Result<()> {
    let pages: Vec<Page> = evaluation::read_lines(path)?;
    let mut rows = 0;
    for (index, pages) in pages.chunk_by(|page, next| page.number < next.number).enumerate() {
        let name = match index {
            0 => path.display().to_string(),
            _ => format!("{}#{}", path.display(), index + 1),
        };
        let document = features::Document { words: pages, ..features::Document::default() };
        for set in features::all().into_iter().filter(|set| wanted(&set.id.name)) {
            let names = set.names();
            for row in features::rows(&set.id.name, &document, &Limit::default()).unwrap_or_default() {
                print(out, &evaluation::feature_row(&set.id, &names, &name, &row))?;
                rows += 1;
            }
        }
    }
    if rows == 0 {
        tell!("note: no rows: the sets asked for need more than words, or these pages have too few of them");
    }
    Ok(())
}

fn print(out: &mut impl Write, row: &str) -> Result<()> {
    let failed = |error: io::Error| Error::new(ErrorCode::OutputUnwritable, "cannot print").because(error);
    out.write_all(row.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(failed)
}
