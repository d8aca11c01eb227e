//! The files of a report: whole, the same, ours.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::super::cli::{docproc, files};
use super::papers::{Paper, annual_report};
use super::{TWENTY, reported};

fn report(out: &Path, arguments: &[&str]) -> Output {
    docproc().arg("report").arg(out).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn plain() -> Paper<'static> {
    Paper { company: "Plain Company plc", factor: 2, wrong: false, hostile: "", more_pages: 0 }
}

/// Numbers of the files of a folder: a file that is written anew has another.
fn inodes(folder: &Path) -> BTreeMap<PathBuf, u64> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.path(), entry.metadata().unwrap().ino()))
        .collect()
}

#[test]
fn the_same_analyses_give_the_same_bytes_and_what_is_current_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = reported(folder.path(), "a.pdf", &plain());
    let report_folder = walk(&out);
    let (first, numbers) = (files(&out), inodes(&report_folder));
    assert!(
        first.iter().any(|(path, _)| path.ends_with("p2.jpg")),
        "{:?}",
        first.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );

    let again = report(&out, &[]);
    assert!(stderr(&again).contains("1 current"), "{}", stderr(&again));
    assert_eq!(inodes(&report_folder), numbers, "written again");
    let forced = report(&out, &["--force", "--jobs", "1"]);
    assert!(stderr(&forced).contains("2 pages written with 2 pictures"), "{}", stderr(&forced));
    assert!(files(&out) == first, "other bytes");
    assert_ne!(inodes(&report_folder), numbers);

    // A file that is missing, or cut, is made again; so is everything where the settings are others.
    fs::write(report_folder.join("p1.js"), "").unwrap();
    fs::remove_file(report_folder.join("p2.jpg")).unwrap();
    assert!(report(&out, &[]).status.success());
    assert!(files(&out) == first, "other bytes");
    let none = report(&out, &["--page-pictures", "none"]);
    assert!(stderr(&none).contains("2 pages written with 0 pictures"), "{}", stderr(&none));
    assert!(!report_folder.join("p1.jpg").exists(), "the pictures of the report before are left");
    let high = report(&out, &["--page-pictures", "high"]);
    assert!(high.status.success());
    let low = first.iter().find(|(path, _)| path.ends_with("p2.jpg")).unwrap().1.len() as u64;
    assert!(fs::metadata(report_folder.join("p2.jpg")).unwrap().len() > low);
}

fn walk(folder: &Path) -> PathBuf {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != ".docproc") {
            return if path.extension().is_some_and(|end| end == "report") { path } else { walk(&path) };
        }
    }
    panic!("no report below {}", folder.display())
}

#[test]
fn a_document_that_has_changed_or_is_gone_has_no_pictures_and_its_page_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let out = reported(folder.path(), "a.pdf", &plain());
    let (document, page) = (folder.path().join("a.pdf"), walk(&out).join("doc.html"));
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(&document, elsewhere.path().join("a.pdf")).unwrap();

    fs::write(&document, annual_report(&Paper { factor: 9, ..plain() }).0).unwrap();
    let changed = report(&out, &[]);
    assert!(
        changed.status.success() && stderr(&changed).contains("1 document without page pictures"),
        "{}",
        stderr(&changed)
    );
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("the document has changed since it was analyzed"), "{text}");
    assert!(!page.with_file_name("p1.jpg").exists(), "a picture of another document");

    fs::remove_file(&document).unwrap();
    assert!(report(&out, &[]).status.success());
    assert!(fs::read_to_string(&page).unwrap().contains("is not where it was"));
    let found = report(&out, &["--documents", elsewhere.path().to_str().unwrap()]);
    assert!(stderr(&found).contains("2 pictures"), "{}", stderr(&found));
    assert!(page.with_file_name("p1.jpg").exists());
}

#[test]
fn files_that_are_not_ours_are_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let out = reported(folder.path(), "a.pdf", &plain());
    let (report_folder, index) = (walk(&out), out.join("index.html"));

    fs::write(&index, "<!DOCTYPE html>mine").unwrap();
    let refused = report(&out, &["--force"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("output.foreign") && stderr(&refused).contains("index.html"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(fs::read(&index).unwrap(), b"<!DOCTYPE html>mine");
    fs::remove_file(&index).unwrap();

    fs::remove_dir_all(&report_folder).unwrap();
    fs::create_dir(&report_folder).unwrap();
    fs::write(report_folder.join("doc.html"), "mine").unwrap();
    let refused = report(&out, &[]);
    assert!(stderr(&refused).contains("output.foreign"), "{}", stderr(&refused));
    assert_eq!(fs::read(report_folder.join("doc.html")).unwrap(), b"mine");
    fs::remove_dir_all(&report_folder).unwrap();

    // A record that names other files does not make them ours.
    assert!(report(&out, &[]).status.success());
    let stamp = report_folder.join("report.json");
    let text = fs::read_to_string(&stamp).unwrap().replacen(
        "\"files\": {",
        "\"files\": {\n    \"../kept.txt\": 4,\n    \"notes.txt\": 4,",
        1,
    );
    fs::write(&stamp, text).unwrap();
    for kept in [report_folder.join("notes.txt"), report_folder.parent().unwrap().join("kept.txt")] {
        fs::write(kept, "mine").unwrap();
    }
    assert!(report(&out, &["--force"]).status.success());
    assert_eq!(fs::read(report_folder.join("notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(report_folder.parent().unwrap().join("kept.txt")).unwrap(), b"mine");

    let empty = tempfile::tempdir().unwrap();
    let refused = report(empty.path(), &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("no analyses"), "{}", stderr(&refused));
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn the_umask_decides_who_reads_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let out = reported(folder.path(), "a.pdf", &plain());
    let report_folder = walk(&out);
    fs::remove_dir_all(&report_folder).unwrap();
    let executable = docproc().get_program().to_owned();
    let status = Command::new("sh")
        .args(["-c", "umask 027; exec \"$0\" report -q \"$1\""])
        .args([executable.as_os_str(), out.as_os_str()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success());
    for name in ["doc.html", "p1.js", "p1.jpg", "report.json"] {
        let mode = fs::metadata(report_folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
    assert_eq!(fs::metadata(&report_folder).unwrap().permissions().mode() & 0o777, 0o750);
}

#[test]
fn failed_documents_say_what_to_do_and_hundred_pages_stay_small() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.pdf"), "%PDF-1.7\nnot a document").unwrap();
    let out = folder.path().join("out");
    let run = docproc()
        .arg("analyze")
        .arg(folder.path().join("broken.pdf"))
        .arg("-o")
        .arg(&out)
        .arg("--report")
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", stderr(&run));
    let index = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(
        index.contains("What could not be read, and what to do") && index.contains("pdf.malformed"),
        "{index}"
    );
    assert!(walk(&out).join("doc.html").exists());

    // 40 pages of the twenty are 6 MB at most: 15 MB for 100.
    let bytes: u64 = files(&TWENTY.out)
        .iter()
        .filter(|(path, _)| !path.to_string_lossy().ends_with(".json"))
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    assert!(bytes < 6_000_000, "{bytes}");
}

#[test]
fn pictures_have_the_shape_of_their_pages() {
    let folder = tempfile::tempdir().unwrap();
    let reports = super::super::cli::reports();
    let out = folder.path().join("out");
    let run = docproc()
        .args(["analyze", "--ocr", "never", "--report", "-o"])
        .args([out.as_path(), &reports.join("rotated-page.pdf"), &reports.join("scanned-two-frames.tif")])
        .output()
        .unwrap();
    assert!(stderr(&run).contains("3 pages written with 3 pictures"), "{}", stderr(&run));
    let mut pictures = 0;
    for (path, bytes) in files(&out) {
        let Some(number) =
            path.file_name().and_then(|name| name.to_str()?.strip_prefix('p')?.strip_suffix(".jpg"))
        else {
            continue;
        };
        let analysis = path.parent().unwrap().with_extension("json");
        let analysis = super::super::cli::read_json(&out.join(analysis));
        let page = &analysis["pages"][number.parse::<usize>().unwrap() - 1];
        let ratio = page["width"].as_f64().unwrap() / page["height"].as_f64().unwrap();
        let picture = image::load_from_memory(&bytes).unwrap();
        let drawn = f64::from(picture.width()) / f64::from(picture.height());
        assert!((drawn / ratio - 1.0).abs() < 0.01, "{}: {drawn} and not {ratio}", path.display());
        assert_eq!(picture.width().max(picture.height()), 1280);
        pictures += 1;
    }
    assert_eq!(pictures, 3);
}

#[test]
fn a_report_that_was_killed_is_made_whole_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let out = reported(folder.path(), "a.pdf", &Paper { more_pages: 6, ..plain() });
    let first = files(&out);
    for milliseconds in [5, 40, 120, 250, 500] {
        let mut child = docproc().arg("report").arg(&out).args(["--force", "-q"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let next = report(&out, &[]);
        assert!(next.status.success(), "{}", stderr(&next));
        assert!(files(&out) == first, "other files after a kill at {milliseconds} ms");
    }
}
