//! OCR by the tesseract program, with programs that stand in for it: its results differ between versions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use docproc::config::{OcrPolicy, SandboxMode};
use docproc::document::TextSource;
use docproc::error::ErrorCode;
use docproc::input::{OcrOptions, ReadRequest, WorkerOptions, WorkerPool, tesseract_version};
use tempfile::TempDir;

use super::pdf::{document, page};
use super::{Outcome, options, read, report, source};

/// A program that does what the shell script says. It starts no other program: OCR programs may not.
fn program(script: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tesseract");
    fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path)
}

fn recognised(name: &str, script: &str, ocr: OcrPolicy) -> Outcome {
    recognised_in(SandboxMode::Auto, name, script, ocr)
}

fn recognised_in(sandbox: SandboxMode, name: &str, script: &str, ocr: OcrPolicy) -> Outcome {
    let (_folder, path) = program(script);
    let mut options = options(1);
    options.sandbox = sandbox;
    options.ocr =
        OcrOptions { program: path.into(), timeout: Duration::from_secs(2), ..OcrOptions::default() };
    let pool = WorkerPool::start(&options).unwrap();
    read(&pool, &report(name), ReadRequest::with_ocr(ocr))
}

/// Prints one word whose text is the header of the picture it is given.
const HEADER_AS_WORD: &str = r#"read -r header; printf 'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n'
printf '5\t1\t1\t1\t1\t1\t300\t600\t400\t50\t90\t%s\n' "$header""#;

#[test]
fn image_frames_become_pages_with_recognised_words() {
    let outcome = recognised("scanned-two-frames.tif", HEADER_AS_WORD, OcrPolicy::Auto);
    assert_eq!((outcome.numbers(), &outcome.errors), (vec![1, 2], &vec![]));
    for page in &outcome.pages {
        assert_eq!((page.text_source, page.words[0].text.as_str()), (TextSource::Ocr, "P5"));
        assert_eq!(page.words[0].confidence, Some(0.9));
        assert!(page.width > 400.0 && page.height > 600.0, "{} x {}", page.width, page.height);
    }
}

#[test]
fn scanned_pages_are_recognised_and_others_not() {
    let scan = recognised("scanned-page.pdf", HEADER_AS_WORD, OcrPolicy::Auto);
    assert_eq!(scan.pages[0].text_source, TextSource::Ocr, "{}", scan.pages[0].text_source_reason);
    // 300 pixels at 300 dpi are 72 points.
    assert!((scan.pages[0].words[0].bbox.x0 - 72.0).abs() < 1.0);
    let off = recognised("scanned-page.pdf", HEADER_AS_WORD, OcrPolicy::Never);
    assert_eq!((off.pages[0].text_source, off.errors.len()), (TextSource::None, 0));
    let text = recognised("rotated-page.pdf", HEADER_AS_WORD, OcrPolicy::Auto);
    assert_eq!(text.pages[0].text_source, TextSource::TextLayer);
    let always = recognised("rotated-page.pdf", HEADER_AS_WORD, OcrPolicy::Always);
    assert_eq!(always.pages[0].words.len(), 1);
}

#[test]
fn failures_keep_the_page_and_say_why() {
    let cases = [
        ("echo no such language >&2; exit 1", ErrorCode::OcrFailed, "no such language"),
        ("exec sleep 60", ErrorCode::OcrTimeout, "too long"),
        ("echo header; echo garbage", ErrorCode::OcrFailed, "row 2"),
    ];
    for (script, code, message) in cases {
        let outcome = recognised("scanned-page.pdf", script, OcrPolicy::Auto);
        assert_eq!((outcome.numbers(), &outcome.errors), (vec![1], &vec![(Some(1), code)]));
        assert!(outcome.messages[0].contains(message), "{outcome:?}");
    }
}

#[test]
fn a_missing_program_is_reported_with_how_to_install_it() {
    let mut options = options(1);
    options.ocr.program = "no-such-tesseract".into();
    let pool = WorkerPool::start(&options).unwrap();
    let outcome = read(&pool, &report("scanned-page.pdf"), ReadRequest::default());
    assert_eq!(outcome.errors, [(Some(1), ErrorCode::OcrUnavailable)]);
    assert!(outcome.messages[0].contains("apt-get install tesseract-ocr"));
    assert_eq!(outcome.numbers(), [1]);
}

/// What a hijacked OCR program would try, and what came of it as the words of the page.
const BREAK_OUT: &str = r#"
{ read -r line < /etc/passwd; } 2>/dev/null && file=read || file=kept
{ : > "${0%/*}/new"; } 2>/dev/null && write=written || write=refused
{ : <> /dev/tcp/127.0.0.1/PORT; } 2>/dev/null && net=connected || net=offline
{ kill -0 $PPID; } 2>/dev/null && parent=reached || parent=hidden
set -- /usr/share/*; [ "$1" = "/usr/share/*" ] && folder=closed || folder=open
{ cd /usr/lib; } 2>/dev/null && rare=allowed || rare=unknown
printf 'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n'
printf '5\t1\t1\t1\t1\t1\t300\t600\t400\t50\t90\t%s\n' "$file $write $net $parent $folder $rare""#;

#[test]
fn the_ocr_program_is_locked_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let script = BREAK_OUT.replace("PORT", &listener.local_addr().unwrap().port().to_string());
    let tried = |sandbox| -> Vec<String> {
        let outcome = recognised_in(sandbox, "scanned-page.pdf", &script, OcrPolicy::Auto);
        assert!(outcome.errors.is_empty(), "{outcome:?}");
        outcome.pages[0].words.iter().map(|word| word.text.clone()).collect()
    };
    assert_eq!(tried(SandboxMode::Auto), ["kept", "refused", "offline", "hidden", "closed", "unknown"]);
    assert_eq!(tried(SandboxMode::Off), ["read", "written", "connected", "reached", "open", "allowed"]);
}

/// The jail allows what tesseract does: the real one reads a scan in the whole of it and finds its language data.
#[test]
fn tesseract_itself_works_in_the_jail() {
    if tesseract_version().is_none() {
        eprintln!("not run: tesseract is not installed");
        return;
    }
    let mut options = options(1);
    // Where the kernel has every layer, all of them.
    let whole =
        WorkerPool::start(&options).unwrap().sandbox().is_some_and(|sandbox| sandbox.missing.is_empty());
    options.sandbox = if whole { SandboxMode::Require } else { SandboxMode::Auto };
    let pool = WorkerPool::start(&options).unwrap();
    let outcome = read(&pool, &report("scanned-page.pdf"), ReadRequest::default());
    assert_eq!((&outcome.errors, outcome.pages[0].text_source), (&vec![], TextSource::Ocr));
    assert!(outcome.pages[0].words.len() > 50, "{:?}", outcome.pages[0].words);
}

#[test]
fn the_ocr_program_may_start_no_other() {
    let script = "/bin/true || exit 1\nexit 7";
    let outcome = recognised("scanned-page.pdf", script, OcrPolicy::Auto);
    assert_eq!(outcome.errors, [(Some(1), ErrorCode::OcrFailed)]);
    assert!(outcome.messages[0].contains("fork"), "{outcome:?}");
    let outcome = recognised_in(SandboxMode::Off, "scanned-page.pdf", script, OcrPolicy::Auto);
    assert!(outcome.messages[0].contains("exit status: 7"), "{outcome:?}");
}

#[test]
fn the_ocr_programs_memory_is_limited() {
    let outcome = recognised("scanned-page.pdf", "ulimit -v >&2; exit 1", OcrPolicy::Auto);
    // In KiB: three quarters of what its page worker may have.
    let limit = (WorkerOptions::default().memory_limit / 4 * 3) >> 10;
    assert!(outcome.messages[0].contains(&limit.to_string()), "{outcome:?}");
}

/// What the text layer held is not forgotten where OCR reads the page.
#[test]
fn words_that_ocr_replaces_are_kept_beside_its_own() {
    let (_folder, path) = program(HEADER_AS_WORD);
    let mut options = options(1);
    options.ocr = OcrOptions { program: path.into(), ..OcrOptions::default() };
    let pool = WorkerPool::start(&options).unwrap();
    let bytes = document(&[page("BT 3 Tr /F1 12 Tf 80 150 Td (Restated loss) Tj ET")], "");
    let mut segment = pool.open(source(&bytes), ReadRequest::default()).next().unwrap().unwrap();
    assert_eq!(segment.words().map(|word| word.text.to_owned()).collect::<Vec<_>>(), ["P5"]);
    assert_eq!(segment.word_count(), 3);
    let replaced: Vec<String> = segment.take_replaced().into_iter().map(|word| word.text).collect();
    assert_eq!(replaced, ["Restated", "loss"]);
}
