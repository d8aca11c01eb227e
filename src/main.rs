//! The `docproc` executable.
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == docproc::input::WORKER_ARGUMENT) {
        return docproc::input::worker_main();
    }
    ExitCode::SUCCESS
}
