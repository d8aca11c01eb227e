//! Lines on standard error: for people, or for programs one JSON object each (`--log-format json`).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::SystemTime;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::paint;
use super::terminal::{Color, harmless, shown};
use crate::error::send_warnings_to;

/// How standard error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line: time, level, event, message and the event's own fields
    Json,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What happens.
    Info,
    /// What the user should know.
    Note,
    /// What went wrong and does not end the run.
    Warning,
    /// What ends the run.
    Error,
}

/// Writes text to standard error. That its reader has gone is no reason to end the work.
pub fn write(text: &str) {
    let _ = io::stderr().write_all(harmless(text).as_bytes());
}

/// [`write()`] of one line with the arguments of `format!`.
macro_rules! tell {
    ($($arguments:tt)*) => {
        $crate::cli::log::write(&format!("{}\n", $crate::cli::terminal::shown(&format!($($arguments)*))))
    };
}
pub(super) use tell;

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Sets the format for the life of the process; the first call decides. Warnings and panics, which may quote a document,
/// are written in it, too.
pub fn start(format: LogFormat) {
    let _ = FORMAT.set(format);
    send_warnings_to(|text| say(Level::Warning, "warning", text, &Value::Null));
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let mut message = panic.payload_as_str().unwrap_or("a fault of docproc").to_owned();
        if let (Some(place), false) = (&place, is_json()) {
            message = format!("panicked at {place}: {message}");
        }
        let fields = Map::from_iter([("place".to_owned(), Value::from(place))]);
        say(Level::Error, "panic", &message, &Value::Object(fields));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured && !is_json() {
            write(&trace.to_string());
        }
    }));
}

/// Whether lines are JSON objects.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// Whether arguments that could not be parsed ask for JSON, or the environment does.
pub fn is_asked_for(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let flag = |pair: &[OsString]| pair[0] == "--log-format" && pair[1] == "json";
    arguments.iter().any(|argument| argument == "--log-format=json")
        || arguments.windows(2).any(flag)
        || std::env::var_os("DOCPROC_LOG_FORMAT").is_some_and(|value| value == "json")
}

/// Writes one line: `message` with its level for people, everything for programs. `fields` is an object, or null.
pub fn say(level: Level, event: &str, message: &str, fields: &Value) {
    if !is_json() {
        let prefix = match level {
            Level::Info => String::new(),
            Level::Note => format!("{}: ", paint("note", Color::Yellow)),
            Level::Warning => format!("{}: ", paint("warning", Color::Yellow)),
            Level::Error => format!("{}: ", paint("error", Color::Red)),
        };
        write(&format!("{prefix}{}\n", shown(message)));
        return;
    }
    let level = match level {
        Level::Info | Level::Note => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let mut line = Map::from_iter([
        ("time".to_owned(), Value::from(rfc3339(SystemTime::now()))),
        ("level".to_owned(), Value::from(level)),
        ("event".to_owned(), Value::from(event)),
        ("message".to_owned(), Value::from(message)),
    ]);
    if let Value::Object(fields) = fields {
        line.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    write(&format!("{}\n", shown(&Value::Object(line).to_string())));
}

/// A time in UTC to the second.
pub fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised_in_arguments_that_cannot_be_parsed() {
        let asked = |arguments: &[&str]| is_asked_for(arguments.iter().map(OsString::from));
        assert!(asked(&["docproc", "analyze", "--log-format", "json", "--nonsense"]));
        assert!(asked(&["docproc", "--log-format=json"]));
        assert!(!asked(&["docproc", "json", "--log-format"]));
    }
}
