//! Words to running text: ligatures and invisible characters resolved, words split at line ends joined.

use std::collections::HashMap;

use super::{PageBlock, WordSpan};
use crate::document::Page;

/// Which words split at line ends keep their hyphen.
///
/// `long-` + `term` is either a compound or a split word; the rest of the document decides: if it has the word
/// without the hyphen more often than with it, the hyphen goes. Without evidence it goes too, since most hyphens at
/// line ends split words.
#[derive(Debug, Default)]
pub struct HyphenatedWords(HashMap<String, Counts>); // only looked up, never iterated

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    joined: u32,
    hyphenated: u32,
}

impl HyphenatedWords {
    /// Counts how the document writes the words that are split at its line ends.
    #[must_use]
    pub fn of(pages: &[Page]) -> Self {
        let mut counts: HashMap<String, Counts> = HashMap::new();
        for page in pages {
            for pair in page.words.windows(2) {
                if pair[0].style.hyphenated {
                    counts
                        .entry(core(&(without_hyphen(&pair[0].text).to_owned() + &pair[1].text)))
                        .or_default();
                }
            }
        }
        if counts.is_empty() {
            return Self(counts);
        }
        for word in pages.iter().flat_map(|page| &page.words) {
            let whole = core(&word.text);
            let hyphenated = whole.contains('-');
            let key = if hyphenated { whole.replace('-', "") } else { whole };
            if let Some(count) = counts.get_mut(&key) {
                if hyphenated { count.hyphenated += 1 } else { count.joined += 1 }
            }
        }
        Self(counts)
    }

    fn keeps_hyphen(&self, first: &str, second: &str) -> bool {
        // "2024-", "year-over-", "non-U.S.": never a split word.
        let start = without_hyphen(first);
        if start.contains('-')
            || start.ends_with(|c: char| c.is_ascii_digit())
            || second.starts_with(|c: char| !c.is_lowercase())
        {
            return true;
        }
        let counts = self.0.get(&core(&(start.to_owned() + second))).copied().unwrap_or_default();
        counts.hyphenated > counts.joined
    }
}

/// Letters and inner hyphens of a word in small letters.
fn core(text: &str) -> String {
    text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

fn without_hyphen(text: &str) -> &str {
    text.strip_suffix(['-', '\u{2010}', '\u{ad}']).unwrap_or(text)
}

/// Running text under construction, with the place of every word.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RunningText {
    pub text: String,
    pub words: Vec<WordSpan>,
    /// Whether the last word is the first part of a split word.
    open: bool,
}

impl RunningText {
    /// Adds a word after a space, or joined to the first part of a split word.
    pub fn push(&mut self, pages: &[Page], page_index: usize, word: usize, hyphens: &HyphenatedWords) {
        let source = &pages[page_index].words[word];
        if self.open {
            self.open = false;
            if let Some(last) = self.words.last_mut() {
                let first = &self.text[last.range.clone()];
                if !hyphens.keeps_hyphen(first, &source.text) {
                    let shorter = without_hyphen(&self.text).len();
                    self.text.truncate(shorter);
                    last.range.end = shorter.max(last.range.start);
                }
            }
        } else if !self.text.is_empty() {
            self.text.push(' ');
        }
        let start = self.text.len();
        push_resolved(&mut self.text, &source.text);
        if self.text.len() == start {
            // Nothing readable in it: no trace, not even a double space.
            if self.text.ends_with(' ') {
                self.text.pop();
            }
            return;
        }
        self.words.push(WordSpan { range: start..self.text.len(), page_index, word });
        self.open = source.style.hyphenated;
    }
}

/// Adds text with ligatures written out (NFKC of U+FB00 to U+FB06) and soft hyphens and zero-width characters left
/// out. Other compatibility characters (™, ½) stay: their NFKC forms say something else to a reader.
fn push_resolved(target: &mut String, text: &str) {
    if text.is_ascii() {
        target.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '\u{fb00}' => target.push_str("ff"),
            '\u{fb01}' => target.push_str("fi"),
            '\u{fb02}' => target.push_str("fl"),
            '\u{fb03}' => target.push_str("ffi"),
            '\u{fb04}' => target.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => target.push_str("st"),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            '\u{a0}' | '\u{202f}' | '\u{2009}' => target.push(' '),
            other => target.push(other),
        }
    }
}

/// The text of a block, its words separated by one space and words split at line ends joined.
#[must_use]
pub fn block_text(pages: &[Page], block: &PageBlock, hyphens: &HyphenatedWords) -> String {
    let mut running = RunningText::default();
    for word in block.lines.iter().flatten() {
        running.push(pages, block.page_index, *word, hyphens);
    }
    running.text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::testing::{page_of, word};

    fn text_of(parts: &[(&str, bool)]) -> String {
        let words = parts
            .iter()
            .map(|(text, hyphenated)| {
                let mut made = word(text, 0.0, 0.0, 10.0, 10.0);
                made.style.hyphenated = *hyphenated;
                made
            })
            .collect();
        let pages = [page_of(words)];
        let hyphens = HyphenatedWords::of(&pages);
        let mut running = RunningText::default();
        for index in 0..pages[0].words.len() {
            running.push(&pages, 0, index, &hyphens);
        }
        for span in &running.words {
            assert!(running.text.get(span.range.clone()).is_some_and(|part| !part.is_empty()));
        }
        running.text
    }

    #[test]
    fn split_words_are_joined_as_the_document_writes_them() {
        assert_eq!(text_of(&[("manage-", true), ("ment", false)]), "management");
        assert_eq!(text_of(&[("long-", true), ("term", false), ("long-term", false)]), "long-term long-term");
        assert_eq!(text_of(&[("year-over-", true), ("year", false)]), "year-over-year");
        assert_eq!(text_of(&[("non-", true), ("U.S.", false)]), "non-U.S.");
        assert_eq!(text_of(&[("pre-", false), ("tax", false)]), "pre- tax");
    }

    #[test]
    fn ligatures_and_invisible_characters() {
        assert_eq!(
            text_of(&[("pro\u{fb01}t", false), ("\u{200b}", false), ("o\u{ad}f", false)]),
            "profit of"
        );
    }
}
