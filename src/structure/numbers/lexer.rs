//! Splits text into numbers, words and symbols, whatever characters a house uses for them.

use std::borrow::Cow;
use std::ops::Range;

use crate::document::plain_of_raised;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Digits with the separators between them: `1,234.5`, `2024`.
    Number,
    /// `½`, or a raised numerator and a lowered denominator: `¹⁄₂`.
    Fraction(u32, u32),
    /// Letters.
    Word,
    /// One character that is neither letter, digit nor white space.
    Symbol(char),
}

/// A token with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    /// Byte range in the text.
    pub range: Range<usize>,
    /// Whether white space stands before it.
    pub spaced: bool,
}

/// Text with its tokens.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    pub text: &'a str,
    pub list: Vec<Token>,
    /// The numbers that are written with other characters, by token.
    numbers: Vec<Option<Box<str>>>,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut list: Vec<Token> = Vec::new();
        let mut characters = text.char_indices().peekable();
        let mut spaced = false;
        while let Some((start, character)) = characters.next() {
            if character.is_whitespace() || is_ignored(character) {
                spaced |= character.is_whitespace();
                continue;
            }
            let mut end = start + character.len_utf8();
            let behind_number =
                || list.last().is_some_and(|last| last.kind == TokenKind::Number && last.range.end == start);
            let run = raised_run(&text[start..]);
            if !run.is_empty() && (!is_raised_letter(character) || behind_number()) {
                end = start + run.len();
                while characters.peek().is_some_and(|(at, _)| *at < end) {
                    characters.next();
                }
                if let Some((fraction, length)) = drawn_fraction(run, &text[end..]) {
                    end += length;
                    while characters.peek().is_some_and(|(at, _)| *at < end) {
                        characters.next();
                    }
                    list.push(Token { kind: fraction, range: start..end, spaced });
                    spaced = false;
                } else if !is_mark_of_number(text, &list, start, end) {
                    list.push(Token { kind: TokenKind::Symbol(character), range: start..end, spaced });
                    spaced = false;
                }
                continue;
            }
            let kind = if is_digit(character)
                || (matches!(character, '.' | ',' | '·') && !follows_word(&list, start)
                    && !text[..start].ends_with(['.', ',', '·']) // dot leaders: "....15"
                    && digit_at(text, end))
            {
                while let Some(&(at, next)) = characters.peek() {
                    let next_end = at + next.len_utf8();
                    let separates =
                        is_separator(next) && digit_at(text, next_end) && text[..at].ends_with(is_digit);
                    if !is_digit(next) && !separates {
                        break;
                    }
                    end = next_end;
                    characters.next();
                }
                TokenKind::Number
            } else if character.is_alphabetic() {
                while let Some(&(at, next)) = characters.peek() {
                    if !next.is_alphabetic() {
                        break;
                    }
                    end = at + next.len_utf8();
                    characters.next();
                }
                TokenKind::Word
            } else if let Some((numerator, denominator)) = vulgar_fraction(character) {
                TokenKind::Fraction(numerator, denominator)
            } else {
                TokenKind::Symbol(plain(character))
            };
            list.push(Token { kind, range: start..end, spaced });
            spaced = false;
        }
        let numbers = list
            .iter()
            .map(|token| match (token.kind, plain_number(&text[token.range.clone()])) {
                (TokenKind::Number, Cow::Owned(plain)) => Some(plain.into_boxed_str()),
                _ => None,
            })
            .collect();
        Self { text, list, numbers }
    }

    /// Text of a token, a number's with ASCII digits and the separators `.`, `,`, `'` and `·`; empty past the end.
    pub fn text_at(&self, index: usize) -> &str {
        let Some(token) = self.list.get(index) else { return "" };
        self.numbers[index].as_deref().unwrap_or(&self.text[token.range.clone()])
    }

    pub fn fraction(&self, index: usize) -> Option<(u32, u32)> {
        match self.list.get(index)?.kind {
            TokenKind::Fraction(numerator, denominator) => Some((numerator, denominator)),
            _ => None,
        }
    }

    pub fn is_number(&self, index: usize) -> bool {
        self.list.get(index).is_some_and(|token| token.kind == TokenKind::Number)
    }

    pub fn is_symbol(&self, index: usize, symbol: char) -> bool {
        self.list.get(index).is_some_and(|token| token.kind == TokenKind::Symbol(symbol))
    }

    /// The token as a word in small letters; empty if it is none.
    pub fn word(&self, index: usize) -> String {
        match self.list.get(index) {
            Some(token) if token.kind == TokenKind::Word => self.text_at(index).to_lowercase(),
            _ => String::new(),
        }
    }

    /// Whether white space stands before the token; true past the end.
    pub fn spaced(&self, index: usize) -> bool {
        self.list.get(index).is_none_or(|token| token.spaced)
    }

    /// Whether the words from `index` on are these.
    pub fn words_are(&self, index: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| self.word(index + offset) == *word)
    }

    /// Skips a full stop that ends an abbreviation (no space before it).
    pub fn skip_point(&self, index: usize) -> usize {
        if self.is_symbol(index, '.') && !self.spaced(index) { index + 1 } else { index }
    }

    /// The number at `index` if it has only digits.
    pub fn whole(&self, index: usize) -> Option<i32> {
        let text = self.text_at(index);
        (self.is_number(index) && text.len() <= 9).then(|| text.parse().ok()).flatten()
    }
}

fn is_digit(character: char) -> bool {
    digit(character).is_some()
}

/// The value of a decimal digit: ASCII, full-width, Arabic-Indic, Persian, Devanagari, Bengali or Thai.
fn digit(character: char) -> Option<u32> {
    let zero = match character {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        '\u{966}'..='\u{96f}' => '\u{966}',
        '\u{9e6}'..='\u{9ef}' => '\u{9e6}',
        '\u{e50}'..='\u{e59}' => '\u{e50}',
        _ => return None,
    };
    Some(character as u32 - zero as u32)
}

fn digit_at(text: &str, index: usize) -> bool {
    text[index..].starts_with(is_digit)
}

fn follows_word(list: &[Token], start: usize) -> bool {
    list.last().is_some_and(|token| token.range.end == start && !matches!(token.kind, TokenKind::Symbol(_)))
}

/// Marks that stand between digits of one number.
pub(super) fn is_separator(character: char) -> bool {
    matches!(separator(character), '.' | ',' | '\'' | '·')
}

/// One character for all its typographic variants: point, comma, apostrophe, or a middle dot, which marks decimals.
fn separator(character: char) -> char {
    match character {
        '\u{ff0e}' | '\u{2024}' => '.',
        '\u{ff0c}' | '\u{66c}' | '\u{201a}' => ',',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bb}' | '\u{2bc}' | '\u{2b9}' | '\u{2032}' | '\u{b4}'
        | '`' | '\u{ff07}' | '\u{2c8}' => '\'',
        '\u{b7}' | '\u{2219}' | '\u{22c5}' | '\u{2027}' | '\u{30fb}' | '\u{66b}' => '·',
        other => other,
    }
}

/// A number with ASCII digits and separators.
fn plain_number(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '·');
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let plain = |c: char| digit(c).and_then(|value| char::from_digit(value, 10)).unwrap_or(separator(c));
    Cow::Owned(text.chars().map(plain).collect())
}

/// The digit that is printed raised.
fn raised_digit(character: char) -> Option<u32> {
    plain_of_raised(character)?.to_digit(10)
}

fn lowered_digit(character: char) -> Option<u32> {
    ('₀'..='₉').contains(&character).then(|| character as u32 - '₀' as u32)
}

/// The raised characters at the start, with the commas between them.
fn raised_run(text: &str) -> &str {
    let mut end = 0;
    for (at, character) in text.char_indices() {
        let joins = matches!(character, ',' | '˒' | '⁻')
            && text[at + character.len_utf8()..].starts_with(|c: char| raised_digit(c).is_some());
        if plain_of_raised(character).is_none() && !joins {
            break;
        }
        end = at + character.len_utf8();
    }
    &text[..end]
}

fn is_raised_letter(character: char) -> bool {
    plain_of_raised(character).is_some_and(|plain| plain.is_ascii_lowercase())
}

/// A raised numerator, a slash and a lowered or plain denominator: `¹⁄₂`, `³/4`; with the length behind the numerator.
fn drawn_fraction(numerator: &str, rest: &str) -> Option<(TokenKind, usize)> {
    let after = rest.strip_prefix(['\u{2044}', '\u{2215}', '/'])?;
    let read = |text: &str, of: fn(char) -> Option<u32>| -> Option<u32> {
        text.chars().try_fold(0u32, |value, c| value.checked_mul(10)?.checked_add(of(c)?))
    };
    let lowered = |c: char| lowered_digit(c).is_some();
    let is_denominator = |c: char| if after.starts_with(lowered) { lowered(c) } else { c.is_ascii_digit() };
    let denominator = &after[..after.find(|c| !is_denominator(c)).unwrap_or(after.len())];
    let of = |c: char| lowered_digit(c).or_else(|| c.to_digit(10));
    let (above, below) = (read(numerator, raised_digit)?, read(denominator, of)?);
    (is_fraction(above, below))
        .then(|| (TokenKind::Fraction(above, below), rest.len() - after.len() + denominator.len()))
}

/// Fractions that rates and prices are quoted in.
pub(super) fn is_fraction(numerator: u32, denominator: u32) -> bool {
    0 < numerator && numerator < denominator && matches!(denominator, 2..=6 | 8 | 10 | 16 | 32 | 64)
}

/// Whether raised characters are a mark at a number, which says nothing about its value. Behind a bare 10 they are its
/// exponent, behind a letter they belong to a word or to a unit.
fn is_mark_of_number(text: &str, list: &[Token], start: usize, end: usize) -> bool {
    // "1ˢᵗ"
    if text[start..end].chars().count() > 1 && text[start..end].chars().all(is_raised_letter) {
        return false;
    }
    if let Some(last) = list.last().filter(|last| last.range.end == start) {
        return match last.kind {
            TokenKind::Number => &text[last.range.clone()] != "10",
            TokenKind::Symbol(mark) => matches!(mark, ')' | ']' | '>' | '%' | '$' | '€' | '£' | '-'),
            _ => false,
        };
    }
    let rest = &text[end..];
    let touches = rest.starts_with(is_digit) || rest.starts_with(['$', '€', '£', '(']);
    let stands_alone = rest.is_empty() || rest.starts_with(char::is_whitespace);
    let behind_number = || {
        list.last().is_some_and(|last| {
            matches!(last.kind, TokenKind::Number | TokenKind::Symbol(')' | ']' | '>' | '%' | '-'))
        })
    };
    touches || stands_alone && behind_number()
}

/// Zero-width and soft characters and marks of direction that say nothing.
fn is_ignored(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

fn vulgar_fraction(character: char) -> Option<(u32, u32)> {
    Some(match character {
        '¼' => (1, 4),
        '½' => (1, 2),
        '¾' => (3, 4),
        '⅐' => (1, 7),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}

/// One character for all its typographic variants.
fn plain(character: char) -> char {
    match character {
        '\u{2010}'..='\u{2015}'
        | '\u{2212}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}'
        | '\u{207b}'
        | '\u{208b}'
        | '\u{2d7}'
        | '\u{2796}' => '-',
        '\u{ff0b}' | '\u{207a}' => '+',
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' => '/',
        '\u{ff05}' | '\u{fe6a}' | '\u{66a}' => '%',
        '\u{ff08}' | '\u{fe59}' | '\u{207d}' => '(',
        '\u{ff09}' | '\u{fe5a}' | '\u{207e}' => ')',
        '\u{ff3b}' => '[',
        '\u{ff3d}' => ']',
        '\u{2039}' | '\u{2329}' | '\u{27e8}' | '\u{3008}' | '\u{ab}' | '\u{ff1c}' => '<',
        '\u{203a}' | '\u{232a}' | '\u{27e9}' | '\u{3009}' | '\u{bb}' | '\u{ff1e}' => '>',
        '\u{ff04}' | '\u{fe69}' => '$',
        '\u{ffe5}' => '¥',
        '\u{ffe1}' => '£',
        '\u{ffe0}' => '¢',
        '\u{ffe6}' => '₩',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_separators() {
        let texts = |text| {
            let tokens = Tokens::new(text);
            (0..tokens.list.len()).map(|index| tokens.text_at(index).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(texts("$1,234.5, 10-K (.5%)"), ["$", "1,234.5", ",", "10", "-", "K", "(", ".5", "%", ")"]);
        assert_eq!(texts("2024. Q3 5'000.-"), ["2024", ".", "Q", "3", "5'000", ".", "-"]);
        assert_eq!(texts("1.,2"), ["1", ".", ",", "2"]);
    }

    proptest! {
        #[test]
        fn tokens_are_in_order_and_apart(text in "\\PC{0,60}") {
            let tokens = Tokens::new(&text);
            let mut end = 0;
            for token in &tokens.list {
                prop_assert!(token.range.start >= end && token.range.end > token.range.start);
                prop_assert!(text.get(token.range.clone()).is_some());
                end = token.range.end;
            }
        }
    }
}
