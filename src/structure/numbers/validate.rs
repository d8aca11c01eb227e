//! What looks like a number in prose and is none: references, identifiers, telephone numbers, names.

use super::currency;
use super::lexer::{TokenKind, Tokens};

/// Words before a number that make it a reference or part of a name.
const REFERENCES: &[&str] = &[
    "act",
    "aicpa",
    "annex",
    "apartment",
    "apb",
    "appendix",
    "article",
    "articles",
    "asc",
    "asu",
    "attachment",
    "basel",
    "box",
    "building",
    "chapter",
    "chapters",
    "cik",
    "clause",
    "code",
    "cusip",
    "eitf",
    "exhibit",
    "exhibits",
    "extension",
    "fas",
    "fasb",
    "fax",
    "fig",
    "figure",
    "file",
    "fin",
    "floor",
    "fn",
    "footnote",
    "form",
    "forms",
    "fortune",
    "fsp",
    "gaap",
    "guide",
    "ias",
    "ifric",
    "ifrs",
    "isin",
    "iso",
    "item",
    "items",
    "level",
    "nasdaq",
    "no",
    "nos",
    "note",
    "notes",
    "number",
    "p",
    "page",
    "pages",
    "para",
    "paragraph",
    "paragraphs",
    "part",
    "parts",
    "phase",
    "phone",
    "pp",
    "principle",
    "proposal",
    "regulation",
    "release",
    "room",
    "rule",
    "rules",
    "russell",
    "sab",
    "schedule",
    "schedules",
    "section",
    "sections",
    "sec",
    "sfas",
    "ssap",
    "stage",
    "step",
    "subsection",
    "subtopic",
    "suite",
    "table",
    "tables",
    "tel",
    "telephone",
    "tier",
    "title",
    "topic",
    "topics",
    "version",
    "volume",
    "zip",
];

/// Whether the number at token `at` is a reference, an identifier or part of a name.
pub(super) fn is_not_a_figure(tokens: &Tokens<'_>, at: usize) -> bool {
    follows_reference(tokens, at)
        || is_part_of_code(tokens, at)
        || is_telephone(tokens, at)
        || is_clock(tokens, at)
}

/// "Item 7", "Notes 3 and 12", "pages 45-47", "No. 2016", "§ 13", "S&P 500", "#4".
fn follows_reference(tokens: &Tokens<'_>, at: usize) -> bool {
    let mut before = at;
    // Back over the other numbers of an enumeration: "Notes 3, 4 and 12", "Sections 13(a) or 15(d)".
    for _ in 0..12 {
        let Some(previous) = before.checked_sub(1) else { return false };
        let token = &tokens.list[previous];
        let short_number = || tokens.text_at(previous).len() <= 4 && !tokens.text_at(previous).contains(',');
        let joins = match token.kind {
            TokenKind::Number => short_number(),
            TokenKind::Fraction(..) => false,
            TokenKind::Symbol(mark) => matches!(mark, ',' | '.' | '-' | '(' | ')' | '&' | ':'),
            TokenKind::Word => {
                let word = tokens.word(previous);
                if REFERENCES.contains(&word.as_str()) {
                    // "of $5 million. Note 12": a currency sign never follows a reference word.
                    return !(word == "no"
                        && !tokens.is_symbol(previous + 1, '.')
                        && tokens.text_at(previous) == "no")
                        && !(word == "figure" || word == "number") | (previous + 1 == at);
                }
                let letter = tokens.text_at(previous).len() == 1;
                if letter && tokens.is_symbol(previous.wrapping_sub(1), '&') {
                    return true; // "S&P 500"
                }
                letter || matches!(word.as_str(), "and" | "or" | "to" | "through")
            }
        };
        if tokens.is_symbol(previous, '§') || tokens.is_symbol(previous, '#') {
            return true;
        }
        if !joins {
            return false;
        }
        // Joining words and signs count only between numbers of the enumeration.
        if before == at
            && matches!(token.kind, TokenKind::Word)
            && matches!(tokens.word(previous).as_str(), "to" | "through")
        {
            return reference_before_number(tokens, previous);
        }
        before = previous;
    }
    false
}

fn reference_before_number(tokens: &Tokens<'_>, end: usize) -> bool {
    end >= 2 && tokens.is_number(end - 1) && REFERENCES.contains(&tokens.word(end - 2).as_str())
}

/// Letters, signs and further digits joined to the number: "10-K", "10b-5", "333-12345", "401(k)", "COVID-19",
/// "US0378331005", "10.1*". Signs and suffixes of amounts are no part of a code.
fn is_part_of_code(tokens: &Tokens<'_>, at: usize) -> bool {
    let text = tokens.text_at(at);
    let joined = |index: usize| tokens.list.get(index).is_some_and(|token| !token.spaced);
    if at > 0 && joined(at) {
        let previous = at - 1;
        match tokens.list[previous].kind {
            // "EUR5" and "Rs5" are amounts.
            TokenKind::Word => {
                if currency::before(tokens, previous).is_none() {
                    return true;
                }
            }
            TokenKind::Number | TokenKind::Fraction(..) => return true,
            TokenKind::Symbol('-' | '/' | '_' | '@' | '\\' | '=') if at >= 2 && joined(previous) => {
                // "2022-2024", "10-15%" are ranges; "COVID-19", "94-2404110" are codes.
                let other = at - 2;
                match tokens.list[other].kind {
                    TokenKind::Word => return true,
                    TokenKind::Number => return !is_range(tokens.text_at(other), text),
                    TokenKind::Symbol(_) | TokenKind::Fraction(..) => {}
                }
            }
            TokenKind::Symbol(_) => {}
        }
    }
    let next = at + 1;
    if !joined(next) {
        return false;
    }
    match tokens.list[next].kind {
        TokenKind::Word => {
            let suffix = tokens.text_at(next);
            !matches!(
                suffix.to_lowercase().as_str(),
                "m" | "mm" | "mn" | "bn" | "b" | "k" | "x" | "bps" | "bp" | "tn" | "pct" | "s"
            ) && !currency::is_code(suffix)
        }
        TokenKind::Symbol('-' | '/') if joined(next + 1) => match tokens.list[next + 1].kind {
            // "10-K" is a form, "12-month" and "5-year" measure, "5-for-1" splits.
            TokenKind::Word => {
                let word = tokens.text_at(next + 1);
                word.len() == 1 || word.chars().all(char::is_uppercase)
            }
            TokenKind::Number => !is_range(text, tokens.text_at(next + 1)),
            TokenKind::Symbol(_) | TokenKind::Fraction(..) => false,
        },
        // "401(k)", "13(d)"
        TokenKind::Symbol('(') => tokens.text_at(next + 1).len() == 1 && tokens.is_symbol(next + 2, ')'),
        TokenKind::Symbol('@' | '_' | '=' | '*') => true,
        _ => false,
    }
}

/// Whether two joined numbers are a range ("10-15", "2022-24") and not an identifier ("94-2404110", "2016-13").
fn is_range(first: &str, second: &str) -> bool {
    let is_year = |text: &str| text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    let plain = |text: &str| !text.contains([',', '.', '\'']);
    if is_year(first) && plain(first) {
        // "2016-13" is an accounting standards update, "2022-23" two years in a row.
        let next = |year: &str| year.parse::<u32>().is_ok_and(|year| Some(year + 1) == second.parse().ok());
        return is_year(second) || second.len() == 2 && next(&first[2..]);
    }
    let value = |text: &str| text.replace(',', "").parse::<f64>().ok();
    let zeros = |text: &str| text.len() > 1 && text.starts_with('0') && plain(text);
    match (value(first), value(second)) {
        (Some(low), Some(high)) => {
            low < high
                && !zeros(first)
                && !zeros(second)
                && (plain(second) && second.len() <= 4 || !plain(second))
        }
        _ => false,
    }
}

/// "(408) 996-1010", "408-996-1010", "+1 408 996 1010".
fn is_telephone(tokens: &Tokens<'_>, at: usize) -> bool {
    let digits = |index: usize| if tokens.is_number(index) { tokens.text_at(index).len() } else { 0 };
    let area_in_parentheses = |open: usize| {
        tokens.is_symbol(open, '(')
            && digits(open + 1) == 3
            && tokens.is_symbol(open + 2, ')')
            && digits(open + 3) == 3
            && tokens.is_symbol(open + 4, '-')
            && digits(open + 5) == 4
    };
    let with_hyphens = |start: usize| {
        digits(start) == 3
            && tokens.is_symbol(start + 1, '-')
            && digits(start + 2) == 3
            && tokens.is_symbol(start + 3, '-')
            && digits(start + 4) == 4
    };
    let plus = (1..=7).any(|back| {
        at >= back
            && tokens.is_symbol(at - back, '+')
            && !tokens.spaced(at - back + 1)
            && (at - back + 1..at).all(|index| {
                tokens.is_number(index) || tokens.is_symbol(index, '(') || tokens.is_symbol(index, ')')
            })
            && (digits(at + 1) > 0 || back > 1)
    });
    plus || (0..=5).any(|back| at >= back && area_in_parentheses(at - back))
        || (0..=4).any(|back| at >= back && with_hyphens(at - back))
}

/// "9:30", "16:00"
fn is_clock(tokens: &Tokens<'_>, at: usize) -> bool {
    let colon_number = |colon: usize, number: usize| {
        tokens.is_symbol(colon, ':') && tokens.is_number(number) && !tokens.spaced(colon.max(number))
    };
    colon_number(at + 1, at + 2) && !tokens.spaced(at + 1)
        || at >= 2 && colon_number(at - 1, at - 2) && !tokens.spaced(at)
}
