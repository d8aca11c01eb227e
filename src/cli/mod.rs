//! The command line: arguments, one file per subcommand, progress and summary.

mod analyze;
mod args;
mod bench;
mod completions;
mod config;
mod doctor;
mod eval;
mod eval_audit;
mod eval_figures;
mod export;
mod features;
mod log;
mod models;
mod pages;
mod progress;
mod quantize;
mod quantize_args;
mod report;
mod schema;
mod search;
mod summary;
mod terminal;
mod train;
mod train_args;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::json;

use crate::error::{Error, ErrorCode};
use args::{Cli, Command, ConfigAction, ModelsAction};
use log::{Level, LogFormat};
use terminal::{Color, harmless, painted, shown, shown_error};

/// Exit code when some documents failed or are partial.
const EXIT_DOCUMENTS: u8 = 1;
/// Exit code for wrong usage, configuration or environment.
const EXIT_USAGE: u8 = 2;
/// Exit code when `--max-runtime` ended the run before it had reached every document.
const EXIT_TIME_UP: u8 = 3;
/// Exit code after SIGINT or SIGTERM.
const EXIT_INTERRUPTED: u8 = 130;

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verbosity {
    /// Only errors.
    Quiet,
    /// Notices and the summary, too.
    Normal,
    /// What happens to each document, too.
    Verbose,
}

/// Parses the arguments, runs the subcommand and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(EXIT_USAGE),
            };
            if code != ExitCode::SUCCESS && log::is_asked_for(std::env::args_os()) {
                log::start(LogFormat::Json);
                log::say(Level::Error, "error", error.to_string().trim_end(), &json!({"code": "usage"}));
                return code;
            }
            if code == ExitCode::SUCCESS {
                // A closed pipe is the reader's choice.
                let _ = error.print();
            } else {
                log::write(&quoting_harmless_arguments(error).to_string());
            }
            return code;
        }
    };
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    log::start(match &cli.command {
        Command::Analyze(args) => args.log_format,
        _ => LogFormat::Text,
    });
    let result = match cli.command {
        Command::Analyze(args) => analyze::run(&args, verbosity),
        Command::Export(args) => export::run(&args, verbosity),
        Command::Pages(args) => pages::run(&args),
        Command::Report(args) => report::run(&args, verbosity),
        Command::Search(args) => search::run(&args, verbosity),
        Command::Quantize(args) => quantize::run(&args, verbosity),
        Command::Eval(args) => eval::run(&args),
        Command::Bench(args) => bench::run(&args, verbosity),
        Command::Train(args) => train::run(&args),
        Command::Features(args) => features::run(&args),
        Command::Schema => schema::run(),
        Command::Doctor(args) => doctor::run(&args),
        Command::Config { action: ConfigAction::Show(args) } => config::show(&args),
        Command::Models { action: ModelsAction::List(args) } => models::list(&args),
        Command::Models { action: ModelsAction::Verify(args) } => models::verify(&args),
        Command::Completions { shell } => completions::run(shell),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            if log::is_json() {
                let text = chain(&error, &str::to_owned);
                let message = text.trim_start_matches(": ");
                log::say(Level::Error, "error", message, &json!({"code": code_of(&error)}));
            } else {
                let text = chain(&error, &|text| shown_error(error.downcast_ref(), text));
                let gap = if text.starts_with('[') { " " } else { "" };
                log::write(&format!("{}{gap}{text}\n", paint("error", Color::Red)));
            }
            let typed = error.downcast_ref::<Error>().map(Error::code);
            let interrupted = typed == Some(ErrorCode::RunInterrupted);
            ExitCode::from(if interrupted { EXIT_INTERRUPTED } else { EXIT_USAGE })
        }
    }
}

/// The error of wrong arguments with those that would steer the terminal written out: parsed again, they are wrong again.
fn quoting_harmless_arguments(error: clap::Error) -> clap::Error {
    let arguments = std::env::args_os().map(|argument| shown(&argument.to_string_lossy()).into_owned());
    Cli::try_parse_from(arguments).err().filter(clap::Error::use_stderr).unwrap_or(error)
}

fn code_of(error: &anyhow::Error) -> Option<ErrorCode> {
    error.downcast_ref::<Error>().map(Error::code)
}

/// The chain of an error in one line per cause, with the stable code in front where there is one; each cause goes through
/// `part`.
fn chain(error: &anyhow::Error, part: &dyn Fn(&str) -> String) -> String {
    let mut text = code_of(error).map_or_else(|| ": ".to_owned(), |code| format!("[{code}]: "));
    let mut last = error.to_string();
    text.push_str(&part(&last));
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !last.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(&part(&cause));
        }
        last = cause;
    }
    text.replacen(" : ", ": ", 1)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|error| error.io_error_kind() == Some(io::ErrorKind::BrokenPipe))
    })
}

/// Writes text to standard output; a closed pipe is not an error.
fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    out.write_all(harmless(text).as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// `text` in a colour, if standard error is a terminal and `NO_COLOR` is not set.
fn paint(text: &str, color: Color) -> String {
    let wanted = !log::is_json()
        && io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted { painted(text, color) } else { text.to_owned() }
}
