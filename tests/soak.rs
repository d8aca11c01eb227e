//! Thousands of hostile files and long runs: `make soak`. Nothing here runs in `make test`.
//!
//! Variables: `DOCPROC_SOAK_CORPORA` (a folder of further documents), `DOCPROC_SOAK_MUTATIONS` (default 5,000),
//! `DOCPROC_SOAK_SEED` (default 1), `DOCPROC_SOAK_DOCUMENTS` (of the memory test, default 2,000),
//! `DOCPROC_SOAK_COPIES` (of every fixture in the test of many cores, default 16),
//! `DOCPROC_SOAK_CURVE` (a folder where the memory curve is written as CSV and SVG).

mod hostile;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hostile::{Named, Random, Report, Run, Scale, bombs, many_cores, mutations};

/// Files of one run: so many lie in the temporary folder at once.
const BATCH: usize = 250;
/// The limit that every run is given and must keep.
const MEMORY: u64 = 3_000_000_000;

fn variable(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

fn seed() -> u64 {
    variable("DOCPROC_SOAK_SEED", 1) as u64
}

fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports")
}

fn documents_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() {
            found.extend(documents_of(&path));
        } else if ["pdf", "tif", "tiff", "png", "jpg", "jpeg", "bmp", "webp"]
            .contains(&extension.to_ascii_lowercase().as_str())
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn arguments(more: &[&str]) -> Vec<String> {
    let limit = MEMORY.to_string();
    ["--mem-limit", &limit].iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// Reads generated files in batches.
fn read(files: impl Iterator<Item = Named>, more: &[&str]) -> Report {
    let mut files = files.peekable();
    let mut report = Report::default();
    while files.peek().is_some() {
        let folder = tempfile::tempdir().unwrap();
        let names = files
            .by_ref()
            .take(BATCH)
            .map(|(name, bytes)| {
                fs::write(folder.path().join(&name), bytes).unwrap();
                PathBuf::from(name)
            })
            .collect();
        let run = Run {
            files: names,
            folder: folder.path(),
            arguments: arguments(more),
            limit: Duration::from_secs(2 * 3600),
            cores: None,
        };
        report.merge(run.check());
        eprintln!("{} files read", report.by_file.len());
    }
    report
}

fn end(what: &str, report: &Report) {
    println!("{}", report.summary(what));
    assert!(report.peak <= MEMORY, "{} bytes, more than the limit of {MEMORY}", report.peak);
}

#[test]
#[ignore = "run by `make soak`"]
fn corpora() {
    let Some(folder) = std::env::var_os("DOCPROC_SOAK_CORPORA").map(PathBuf::from) else {
        println!("corpora: left out; DOCPROC_SOAK_CORPORA names no folder");
        return;
    };
    let files: Vec<PathBuf> = documents_of(&folder)
        .into_iter()
        .map(|path| path.strip_prefix(&folder).unwrap().to_owned())
        .collect();
    assert!(!files.is_empty(), "{} has no documents", folder.display());
    let run = Run {
        files,
        folder: &folder,
        arguments: arguments(&["--ocr", "never", "--timeout", "120"]),
        limit: Duration::from_secs(2 * 3600),
        cores: None,
    };
    end("corpora", &run.check());
}

#[test]
#[ignore = "run by `make soak`"]
fn damaged_documents() {
    let originals: Vec<Named> = documents_of(&reports())
        .iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    let count = variable("DOCPROC_SOAK_MUTATIONS", 5_000);
    let files = mutations(&originals, count, seed());
    let report = read(files, &["--ocr", "never", "--pages", "1-2", "--timeout", "60"]);
    assert_eq!(report.by_file.len(), count);
    end("damaged documents", &report);
}

#[test]
#[ignore = "run by `make soak`"]
fn bombs_of_full_size() {
    let more = ["--ocr", "never", "--timeout", "60", "--max-pages", "300", "--max-pixels", "110000000"];
    let report = read(bombs(Scale::Full).into_iter(), &more);
    for (file, codes) in &report.by_file {
        let codes: BTreeSet<&String> = codes.iter().collect();
        let codes: Vec<&str> = codes.into_iter().map(String::as_str).collect();
        println!(
            "{:<36} {}",
            file.display(),
            if codes.is_empty() { "ok".to_owned() } else { codes.join(" ") }
        );
    }
    end("bombs", &report);
}

#[test]
#[ignore = "run by `make soak`"]
fn memory_stays_flat() {
    let count = variable("DOCPROC_SOAK_DOCUMENTS", 2_000);
    let originals: Vec<(String, Vec<u8>)> = documents_of(&reports())
        .into_iter()
        .filter(|path| fs::metadata(path).unwrap().len() < 130_000)
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(seed());
    let files = (0..count)
        .map(|number| {
            let (name, bytes) = &originals[random.below(originals.len())];
            let name = format!("{number:05}-{name}");
            fs::write(folder.path().join(&name), bytes).unwrap();
            PathBuf::from(name)
        })
        .collect();
    let run = Run {
        files,
        folder: folder.path(),
        arguments: arguments(&["--ocr", "never", "--pages", "1", "--jobs", "2"]),
        limit: Duration::from_secs(4 * 3600),
        cores: None,
    };
    let report = run.check();
    end("memory", &report);
    if let Some(folder) = std::env::var_os("DOCPROC_SOAK_CURVE").map(PathBuf::from) {
        write_curve(&report, &folder);
    }
    // Means over a twentieth of the run: single samples catch a page or a batch more or less.
    let around = |document: usize| {
        let half = count / 40;
        let near: Vec<u64> = report
            .samples
            .iter()
            .filter(|(_, done, _)| done.abs_diff(document) <= half)
            .map(|(_, _, bytes)| *bytes)
            .collect();
        assert!(!near.is_empty(), "no sample near document {document}");
        near.iter().sum::<u64>() as f64 / near.len() as f64
    };
    let (early, late) = (around(count / 10), around(count - count / 40));
    println!(
        "memory at document {}: {:.0} MB, at the end: {:.0} MB ({:+.1}%)",
        count / 10,
        early / 1e6,
        late / 1e6,
        100.0 * (late / early - 1.0)
    );
    assert!(late < early * 1.1, "memory grows: {early} to {late} bytes");
}

/// What two cores and 64 jobs can show of a machine with 64 cores.
#[test]
#[ignore = "run by `make soak`"]
fn sixty_four_cores_keep_within_little_memory() {
    let copies = variable("DOCPROC_SOAK_COPIES", 16);
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for number in 0..copies {
        for path in documents_of(&reports()) {
            let name = format!("{number:03}-{}", path.file_name().unwrap().to_str().unwrap());
            fs::copy(&path, folder.path().join(&name)).unwrap();
            files.push(PathBuf::from(name));
        }
    }
    let report = many_cores(folder.path(), &files, MEMORY, &["--ocr", "never", "--pages", "1-3"]);
    println!("{}{} threads", report.summary("64 jobs"), report.threads);
}

/// Memory over finished documents, at most 200 points.
fn write_curve(report: &Report, folder: &Path) {
    let step = report.samples.len().div_ceil(200).max(1);
    let points: Vec<(usize, f64)> = report
        .samples
        .chunks(step)
        .map(|chunk| {
            let mean = chunk.iter().map(|(_, _, bytes)| *bytes as f64).sum::<f64>() / chunk.len() as f64;
            (chunk[chunk.len() / 2].1, mean / 1e6)
        })
        .collect();
    let mut csv = String::from("documents,megabytes\n");
    for (documents, memory) in &points {
        writeln!(csv, "{documents},{memory:.1}").unwrap();
    }
    fs::write(folder.join("memory-curve.csv"), csv).unwrap();
    let last = points.last().map_or(1, |(documents, _)| (*documents).max(1)) as f64;
    let top = points.iter().map(|(_, memory)| *memory).fold(0.0, f64::max) * 1.1;
    let place = |documents: f64, memory: f64| (50.0 + documents / last * 530.0, 210.0 - memory / top * 190.0);
    let line: String = points
        .iter()
        .map(|(documents, memory)| {
            let (x, y) = place(*documents as f64, *memory);
            format!("{x:.1},{y:.1} ")
        })
        .collect();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 250\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"600\" height=\"250\" fill=\"white\"/>\n\
         <path d=\"M50 20V210H580\" fill=\"none\" stroke=\"black\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>\n\
         <text x=\"46\" y=\"24\" text-anchor=\"end\">{top:.0}</text><text x=\"46\" y=\"213\" text-anchor=\"end\">0</text>\n\
         <text x=\"50\" y=\"226\">0</text><text x=\"580\" y=\"226\" text-anchor=\"end\">{last:.0}</text>\n\
         <text x=\"315\" y=\"242\" text-anchor=\"middle\">documents finished</text>\n\
         <text x=\"56\" y=\"14\">memory of the process tree (PSS), MB</text>\n</svg>\n",
        line.trim_end()
    );
    fs::write(folder.join("memory-curve.svg"), svg).unwrap();
}
