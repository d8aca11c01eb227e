//! A few hostile documents in every test run; `make soak` reads thousands.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::reports;
use crate::generator::{Named, Random, Report, Run, Scale, bombs, many_cores, mutations};

/// Damaged copies that are read.
const MUTATIONS: usize = 100;

fn originals() -> Vec<Named> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pdf" || extension == "tif"));
    files.sort();
    files
        .iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect()
}

fn analyze(files: impl Iterator<Item = Named>, arguments: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let files = files
        .map(|(name, bytes)| {
            fs::write(folder.path().join(&name), bytes).unwrap();
            PathBuf::from(name)
        })
        .collect();
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Run { files, folder: folder.path(), arguments, limit: Duration::from_secs(1800), cores: None }.check()
}

#[test]
fn damaged_documents_have_an_analysis_each() {
    let originals = originals();
    let report =
        analyze(mutations(&originals, MUTATIONS, 7), &["--ocr", "never", "--pages", "1", "--timeout", "60"]);
    println!("{}", report.summary("damaged"));
    // The damage is real, and not everything is lost by it.
    assert!(report.codes.contains_key("pdf.malformed"), "{report:?}");
    assert!(report.statuses["ok"] > MUTATIONS as u32 / 4, "{report:?}");
}

#[test]
fn bombs_cost_only_themselves() {
    let report = analyze(
        bombs(Scale::Quick).into_iter(),
        &["--ocr", "never", "--max-pages", "3", "--timeout", "12", "--jobs", "2"],
    );
    println!("{}", report.summary("bombs"));
    let codes = |name: &str| report.by_file[Path::new(name)].join(" ");
    // Time and memory end this one, a fast machine is out of memory first.
    let code = codes("bomb-forms-multiply.pdf");
    assert!(["document.timeout", "worker.memory"].contains(&code.as_str()), "{code}");
    // A busy machine may give up before it has found out.
    for (name, code) in [
        ("bomb-characters.pdf", "page.too_large"),
        ("bomb-many-pages.pdf", "document.too_many_pages"),
        ("bomb-giant.tif", "image.too_large"),
        ("bomb-claims.png", "image.too_large"),
        ("bomb-length-too-long.png", "image.malformed"),
    ] {
        assert!([code, "document.timeout"].contains(&codes(name).as_str()), "{name}: {}", codes(name));
    }
    assert!(report.lost > 0, "{report:?}");
}

#[test]
fn many_cores_keep_within_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..20)
        .map(|number| {
            let name = ["rotated-page.pdf", "study-excerpt-head-start.pdf"][number % 2];
            let copy = PathBuf::from(format!("{number:02}-{name}"));
            fs::copy(reports().join(name), folder.path().join(&copy)).unwrap();
            copy
        })
        .collect();
    many_cores(folder.path(), &files, 2_000_000_000, &["--ocr", "never", "--pages", "1"]);
}

#[test]
fn the_generator_gives_the_same_files_everywhere() {
    assert_eq!(Random::new(1).next(), 0x910a_2dec_8902_5cc1);
    let original: Vec<Named> = vec![("a".to_owned(), (0..=255).collect()), ("b".to_owned(), vec![7; 99])];
    let first: Vec<Named> = mutations(&original, 20, 3).collect();
    assert_eq!(first, mutations(&original, 20, 3).collect::<Vec<_>>());
    assert_ne!(first, mutations(&original, 20, 4).collect::<Vec<_>>());
}
