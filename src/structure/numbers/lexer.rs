//! Splits text into numbers, words and symbols.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Digits with the separators between them: `1,234.5`, `2024`.
    Number,
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
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut list = Vec::new();
        let mut characters = text.char_indices().peekable();
        let mut spaced = false;
        while let Some((start, character)) = characters.next() {
            if character.is_whitespace() || is_ignored(character) {
                spaced |= character.is_whitespace();
                continue;
            }
            let mut end = start + character.len_utf8();
            let kind = if character.is_ascii_digit()
                || (matches!(character, '.' | ',') && !follows_word(&list, start) && digit_at(text, end))
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
            } else {
                TokenKind::Symbol(plain(character))
            };
            list.push(Token { kind, range: start..end, spaced });
            spaced = false;
        }
        Self { text, list }
    }

    /// Text of a token; empty past the end.
    pub fn text_at(&self, index: usize) -> &'a str {
        self.list.get(index).map_or("", |token| &self.text[token.range.clone()])
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
    character.is_ascii_digit()
}

fn digit_at(text: &str, index: usize) -> bool {
    text[index..].starts_with(is_digit)
}

fn follows_word(list: &[Token], start: usize) -> bool {
    list.last().is_some_and(|token| token.range.end == start && !matches!(token.kind, TokenKind::Symbol(_)))
}

/// Marks that stand between digits of one number.
pub(super) fn is_separator(character: char) -> bool {
    matches!(character, '.' | ',' | '\'' | '\u{2019}')
}

/// Zero-width and soft characters that say nothing.
fn is_ignored(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// One character for all its typographic variants.
fn plain(character: char) -> char {
    match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{ff05}' | '\u{fe6a}' => '%',
        '\u{ff08}' => '(',
        '\u{ff09}' => ')',
        '\u{ff04}' | '\u{fe69}' => '$',
        '\u{ffe5}' => '¥',
        '\u{ffe1}' => '£',
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
        assert_eq!(texts("1.,2"), ["1", ".", ",2"]);
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
