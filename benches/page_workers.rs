//! Pages per second of the page workers: words, rulings and page images, one and two workers.
//!
//! `cargo bench --bench page_workers -- FILE.pdf...` (without files: the fixtures). Compare with
//! `python benches/python_reference/pages.py FILE.pdf...` on the same files in the same minute.
#![allow(missing_docs, reason = "a program")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use docproc::config::{NativeLibrary, OcrPolicy, SandboxMode, native_library};
use docproc::error::Result;
use docproc::input::{
    DiscoverOptions, ReadRequest, Source, WORKER_ARGUMENT, WorkerOptions, WorkerPool, discover, worker_main,
};

/// Documents in work at the same time.
const IN_WORK: usize = 8;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT) {
        return worker_main();
    }
    let mut paths: Vec<PathBuf> =
        std::env::args_os().skip(1).filter(|path| path != "--bench").map(PathBuf::from).collect();
    if paths.is_empty() {
        paths.push("fixtures/reports".into());
    }
    for (workers, sandbox) in [(1, SandboxMode::Auto), (2, SandboxMode::Auto), (2, SandboxMode::Off)] {
        if let Err(error) = measure(&paths, workers, sandbox) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(paths: &[PathBuf], workers: usize, sandbox: SandboxMode) -> Result<()> {
    let pdfium = native_library(NativeLibrary::Pdfium)?;
    let inputs = discover(paths, &DiscoverOptions::default())?.inputs;
    let request = ReadRequest::with_ocr(OcrPolicy::Never);
    let started = Instant::now();
    let pool = WorkerPool::start(&WorkerOptions { workers, pdfium, sandbox, ..WorkerOptions::default() })?;
    let (mut pages, mut words, mut checksum) = (0u32, 0, 0u64);
    for inputs in inputs.chunks(IN_WORK) {
        let sources: Vec<_> =
            inputs.iter().map(|input| Source::read(input, 1 << 30)).collect::<Result<_>>()?;
        let readers: Vec<_> =
            sources.into_iter().map(|source| pool.open(Arc::new(source), request.clone())).collect();
        for mut reader in readers {
            while let Some(page) = reader.next() {
                let page = page?;
                pages += 1;
                words += page.words().len();
                checksum += page.image().iter().map(|byte| u64::from(*byte)).sum::<u64>();
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let rate = f64::from(pages) / seconds;
    println!(
        "{workers} workers, sandbox {sandbox:?}: {pages} pages, {words} words, {seconds:.2} s, {rate:.1} pages/s \
         (checksum {checksum})"
    );
    Ok(())
}
