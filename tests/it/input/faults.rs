//! Workers that crash, hang, eat memory, lie or break out.

use std::time::{Duration, Instant};

use docproc::config::{SandboxMode, TimeSpan};
use docproc::error::ErrorCode;
use docproc::input::{Fault, InjectedFault, ReadRequest, WorkerOptions, WorkerPool};

use super::pdf::{document, text_page};
use super::{Outcome, options, read, source};

fn five_pages() -> std::sync::Arc<docproc::input::Source> {
    let pages: Vec<_> = (1..=5).map(|number| text_page(&number.to_string())).collect();
    source(&document(&pages, ""))
}

/// Reads five pages with a fault on the third.
fn with_fault(
    fault: Fault,
    attempts: u32,
    change: impl FnOnce(&mut WorkerOptions, &mut ReadRequest),
) -> Outcome {
    let mut options = options(2);
    options.fault = Some(InjectedFault { fault, page: 3, attempts });
    let mut request = ReadRequest::default();
    change(&mut options, &mut request);
    let pool = WorkerPool::start(&options).unwrap();
    read(&pool, &five_pages(), request)
}

fn third_page_lost(outcome: &Outcome, code: ErrorCode) {
    assert_eq!(outcome.numbers(), [1, 2, 4, 5], "{outcome:?}");
    assert_eq!(outcome.errors, [(Some(3), code)], "{outcome:?}");
}

#[test]
fn a_crash_costs_one_page_and_names_the_signal() {
    let outcome = with_fault(Fault::Abort, 9, |_, _| ());
    third_page_lost(&outcome, ErrorCode::WorkerCrashed);
    assert!(outcome.messages[0].contains("SIGABRT"), "{outcome:?}");
    let outcome = with_fault(Fault::Segfault, 9, |_, _| ());
    third_page_lost(&outcome, ErrorCode::WorkerCrashed);
    assert!(outcome.messages[0].contains("SIGSEGV"), "{outcome:?}");
}

#[test]
fn a_crash_that_does_not_repeat_costs_nothing() {
    let outcome = with_fault(Fault::Abort, 1, |_, _| ());
    assert_eq!((outcome.numbers(), outcome.errors), (vec![1, 2, 3, 4, 5], vec![]));
}

#[test]
fn a_hang_is_killed_at_the_page_limit() {
    let started = Instant::now();
    let outcome = with_fault(Fault::EndlessLoop, 9, |_, request| {
        request.page_timeout = Duration::from_secs(4);
    });
    // A busy machine may take as long for an ordinary page.
    assert!(outcome.errors.contains(&(Some(3), ErrorCode::PageTimeout)), "{outcome:?}");
    assert!(outcome.errors.iter().all(|(_, code)| *code == ErrorCode::PageTimeout), "{outcome:?}");
    assert_eq!(outcome.numbers().len() + outcome.errors.len(), 5, "{outcome:?}");
    assert!(outcome.messages[0].contains("4 s"), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_hang_is_killed_at_the_document_limit() {
    let outcome = with_fault(Fault::EndlessLoop, 9, |_, request| {
        request.settings.timeout = Some(TimeSpan(Duration::from_secs(2)))
    });
    assert_eq!(outcome.errors, [(None, ErrorCode::DocumentTimeout)], "{outcome:?}");
    assert!(!outcome.numbers().contains(&3));
}

#[test]
fn an_allocation_bomb_ends_at_the_memory_limit() {
    let outcome = with_fault(Fault::AllocationBomb, 9, |options, _| options.memory_limit = 600 << 20);
    third_page_lost(&outcome, ErrorCode::WorkerMemory);
    assert!(outcome.messages[0].contains("600 MiB"), "{outcome:?}");
}

#[test]
fn lies_are_protocol_errors() {
    for fault in [Fault::Garbage, Fault::BadSegment, Fault::UnsealedSegment] {
        third_page_lost(&with_fault(fault, 9, |_, _| ()), ErrorCode::WorkerProtocol);
    }
}

#[test]
fn death_between_pages_costs_nothing() {
    let outcome = with_fault(Fault::ExitAfterPage, 9, |_, _| ());
    assert_eq!((outcome.numbers(), outcome.errors), (vec![1, 2, 3, 4, 5], vec![]));
}

#[test]
fn what_the_sandbox_forbids_kills_the_worker() {
    for fault in
        [Fault::OpenFile, Fault::OpenSocket, Fault::Connect, Fault::Execute, Fault::Fork, Fault::Trace]
    {
        let outcome = with_fault(fault, 9, |options, _| options.sandbox = SandboxMode::Auto);
        third_page_lost(&outcome, ErrorCode::WorkerSandbox);
        assert!(outcome.messages[0].contains("SIGSYS"), "{outcome:?}");
        if fault == Fault::Execute {
            // Without the sandbox it turns into another program: there is nothing left to compare with.
            continue;
        }
        // The fault is real: without the sandbox the same worker gets away with it.
        let outcome = with_fault(fault, 9, |options, _| options.sandbox = SandboxMode::Off);
        assert_eq!((outcome.numbers(), outcome.errors), (vec![1, 2, 3, 4, 5], vec![]), "{fault:?}");
    }
}

#[test]
fn a_kernel_without_sandbox_is_said_or_refused() {
    let mut options = options(1);
    options.fault = Some(InjectedFault { fault: Fault::OldKernel, page: 0, attempts: 0 });
    let pool = WorkerPool::start(&options).unwrap();
    let report = pool.sandbox().unwrap();
    assert!(!report.seccomp && !report.landlock, "{report:?}");
    assert!(report.missing.contains("seccomp") && report.missing.contains("Landlock"), "{report:?}");
    assert_eq!(read(&pool, &five_pages(), ReadRequest::default()).numbers(), [1, 2, 3, 4, 5]);
    options.sandbox = SandboxMode::Require;
    let error = WorkerPool::start(&options).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::WorkerSandbox);
    assert!(error.to_string().contains("--sandbox auto"), "{error}");
}

#[test]
fn workers_are_recycled_reaped_and_leave_nothing_open() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mut options = options(1);
    options.recycle_after_pages = 2;
    let document = five_pages();
    let before = open();
    let mut started = 0;
    for _ in 0..3 {
        let pool = WorkerPool::start(&options).unwrap();
        assert_eq!(read(&pool, &document, ReadRequest::default()).numbers().len(), 5);
        // A reader that is dropped early must not keep anything alive.
        drop(pool.open(std::sync::Arc::clone(&document), ReadRequest::default()));
        started += pool.statistics().started;
    }
    assert!(started >= 9, "{started}");
    // Other tests of this process open files at the same time.
    let mut leaked = true;
    for _ in 0..100 {
        leaked = open() > before + 2;
        if !leaked {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(!leaked, "{before} descriptors before, {} after", open());
}

#[test]
fn a_pool_that_is_dropped_ends_its_readers() {
    let mut options = options(1);
    options.fault = Some(InjectedFault { fault: Fault::EndlessLoop, page: 1, attempts: 9 });
    let pool = WorkerPool::start(&options).unwrap();
    let mut reader = pool.open(five_pages(), ReadRequest::default());
    reader.info().unwrap();
    let started = Instant::now();
    drop(pool);
    assert_eq!(reader.next().unwrap().unwrap_err().code(), ErrorCode::RunInterrupted);
    assert!(reader.next().is_none() && started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_missing_library_is_named() {
    let mut options = options(1);
    options.pdfium = "no/such/libpdfium.so".into();
    assert_eq!(WorkerPool::start(&options).map(|_| ()).unwrap_err().code(), ErrorCode::LibraryNotFound);
    // A file that is no library is found out by the worker.
    options.pdfium = "Cargo.toml".into();
    assert_eq!(WorkerPool::start(&options).map(|_| ()).unwrap_err().code(), ErrorCode::LibraryVersion);
}
