//! The `docproc` executable: parse, run, print the error chain, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A page worker is this same executable, started by the supervisor.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == docproc::input::WORKER_ARGUMENT) {
        return docproc::input::worker_main();
    }
    docproc::cli::main()
}
