//! Text on its way to a terminal. What documents, file names and arguments hold cannot steer it: characters that would
//! are printed as JSON writes them (`\u001b`), so that the same form is right in a line of JSON.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::error::{Error, ErrorCode};

/// Colours of standard error.
#[derive(Clone, Copy)]
pub enum Color {
    Red,
    Yellow,
    Green,
    Bold,
    Dim,
}

/// Noncharacters that stand for colours until [`harmless`] turns them into the terminal's codes: no other text has them
/// behind [`shown`]. The last one ends a colour.
const MARKS: [(char, &str); 6] = [
    ('\u{FDD0}', "\x1b[1;31m"),
    ('\u{FDD1}', "\x1b[33m"),
    ('\u{FDD2}', "\x1b[32m"),
    ('\u{FDD3}', "\x1b[1m"),
    ('\u{FDD4}', "\x1b[2m"),
    ('\u{FDD5}', "\x1b[0m"),
];

/// The text in a colour.
pub fn painted(text: &str, color: Color) -> String {
    format!("{}{text}{}", MARKS[color as usize].0, MARKS[5].0)
}

/// Whether a terminal obeys the character instead of showing it, or shows the text around it otherwise than it is:
/// controls (ECMA-48, C0 and C1), marks that turn the direction of writing (Unicode's UAX 9), line separators, and
/// characters without a width. Joiners within words stay.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61C}'
                | '\u{200B}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// A name, a message or a piece of a document within other text: one line, whatever is in it.
pub fn shown(text: &str) -> Cow<'_, str> {
    replaced(text, &|_| None)
}

/// A part of an error's text, ready to be printed: one line, but for a wrong configuration, which is quoted line by line.
pub fn shown_error(error: Option<&Error>, text: &str) -> String {
    let Some(wrong) = error.filter(|error| error.code() == ErrorCode::ConfigInvalid) else {
        return shown(text).into_owned();
    };
    let name = wrong.culprit().file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    let text = text.replacen(&name, &shown(&name), 1);
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// A whole text, ready to be printed: its lines stay, its colours become the terminal's.
pub fn harmless(text: &str) -> Cow<'_, str> {
    replaced(text, &|character| match character {
        '\n' => Some("\n"),
        '\t' => Some("\t"),
        _ => MARKS.iter().find(|mark| mark.0 == character).map(|mark| mark.1),
    })
}

fn replaced<'a>(text: &'a str, known: &dyn Fn(char) -> Option<&'static str>) -> Cow<'a, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match (known(character), character) {
            (Some(known), _) => out.push_str(known),
            (None, '\n') => out.push_str("\\n"),
            (None, '\r') => out.push_str("\\r"),
            (None, '\t') => out.push_str("\\t"),
            (None, character) if steers(character) => {
                let units = character.encode_utf16(&mut [0; 2]).to_vec();
                out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
            (None, character) => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// Lines of JSON on their way to standard output, each made harmless as it ends.
pub struct JsonLines<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }
}

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        for part in buffer.split_inclusive(|byte| *byte == b'\n') {
            let line = part.strip_suffix(b"\n");
            self.line.extend_from_slice(line.unwrap_or(part));
            if line.is_some() {
                self.out.write_all(shown(&String::from_utf8_lossy(&self.line)).as_bytes())?;
                self.out.write_all(b"\n")?;
                self.line.clear();
            }
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\x1b]0;owned\x07\u{9b}31m\x7f\r\n\u{202e}fdp.exe\u{2066}\u{200b}\u{fdd0}\u{e0041}ü";

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        let expected = "a\\u001b]0;owned\\u0007\\u009b31m\\u007f\\r\\n\\u202efdp.exe\\u2066\\u200b\\ufdd0\
                        \\udb40\\udc41ü";
        assert_eq!(shown(HOSTILE), expected);
        assert_eq!(harmless("one\n\ttwo\r\x1b[0m\u{9b}"), "one\n\ttwo\\r\\u001b[0m\\u009b");
        assert!(matches!(shown("Überschuß (1,234) \u{200d}"), Cow::Borrowed(_)));
        assert_eq!(harmless(&painted("ok", Color::Green)), "\x1b[32mok\x1b[0m");
        assert_eq!(
            harmless(&painted(&shown(&painted("ok", Color::Red)), Color::Dim)).matches('\x1b').count(),
            2
        );
    }

    #[test]
    fn json_stays_what_it_says() {
        let json = serde_json::to_string(HOSTILE).unwrap();
        let mut lines = JsonLines::new(Vec::new());
        let bytes = format!("{json}\n{json}\n");
        // Cut within a character, as a full buffer may.
        let cut = bytes.find('\u{202e}').unwrap() + 1;
        lines.write_all(&bytes.as_bytes()[..cut]).unwrap();
        lines.write_all(&bytes.as_bytes()[cut..]).unwrap();
        let printed = String::from_utf8(lines.out).unwrap();
        assert!(!printed.contains(|character| steers(character) && character != '\n'), "{printed}");
        assert_eq!(printed.lines().count(), 2);
        for line in printed.lines() {
            assert_eq!(serde_json::from_str::<String>(line).unwrap(), HOSTILE);
        }
    }
}
