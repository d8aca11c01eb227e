//! Sentences of the running text, joined over block and page breaks.
//!
//! Own rules, not a crate: `unicode-segmentation`'s sentence bounds (UAX 29) break after every full stop before a
//! capital ("Apple Inc. Annual", "No. 5", "J. Smith"), and SRX engines need a rule file and `regex` look-around over
//! text that has lost its words; here the units are words that keep their place on the page.

use super::abbreviations::{Stop, begins_sentence, stop_of};
use super::blocks::marks_item;
use super::sections::Outline;
use super::text::{HyphenatedWords, RunningText};
use super::{PageBlock, SentenceDraft};
use crate::document::{Page, plain_of_raised};
use crate::error::Result;
use crate::limit::Limit;

/// A sentence longer than this is a list without full stops; it is cut at the next semicolon or line.
const LONGEST: usize = 250;

/// Sentences of text, list items, footnotes and captions in reading order. Tables, headings, page headers and footers
/// have none.
///
/// # Errors
/// Only those of the limit.
pub fn sentences(
    pages: &[Page],
    blocks: &[PageBlock],
    outline: &Outline,
    hyphens: &HyphenatedWords,
    limit: &Limit,
) -> Result<Vec<SentenceDraft>> {
    let mut writer = Writer { pages, hyphens, done: Vec::new() };
    // The sentence of the running text that the last block left unfinished.
    let mut unfinished: Option<Unfinished> = None;
    for (index, block) in blocks.iter().enumerate() {
        limit.check()?;
        let section = outline.section_of_block.get(index).copied().unwrap_or(0);
        match block.label.as_str() {
            "Text" | "List-item" => {
                let words = block_words(block);
                if words.is_empty() {
                    continue;
                }
                let start = unfinished.take().and_then(|open| {
                    if open.continues_in(pages, &blocks[open.block], block, &words) {
                        Some(open.sentence)
                    } else {
                        writer.finish(open.sentence);
                        None
                    }
                });
                let sentence = start.unwrap_or_else(|| Sentence::new(index, section));
                unfinished = writer
                    .split(&words, sentence, index, section)
                    .map(|sentence| Unfinished { sentence, block: index });
            }
            "Footnote" | "Caption" => {
                let words = block_words(block);
                if let Some(rest) = writer.split(&words, Sentence::new(index, section), index, section) {
                    writer.finish(rest);
                }
            }
            // A heading ends what was said before it, unless it stands on another page and the sentence is cut off
            // in its middle; page furniture, tables and pictures do not interrupt.
            "Title" | "Section-header" => {
                if let Some(open) = unfinished.take() {
                    writer.finish(open.sentence);
                }
            }
            _ => {}
        }
    }
    if let Some(open) = unfinished {
        writer.finish(open.sentence);
    }
    // By the place where they start: a sentence that runs on is finished after the footnotes that interrupt it.
    writer.done.sort_by_key(|draft| draft.block);
    Ok(writer.done)
}

/// The words of a heading as one draft, for the figures that it states.
pub(super) fn heading_draft(
    pages: &[Page],
    blocks: &[PageBlock],
    outline: &Outline,
    hyphens: &HyphenatedWords,
    block: usize,
) -> SentenceDraft {
    let section = outline.section_of_block.get(block).copied().unwrap_or(0);
    let mut running = RunningText::default();
    for (page_index, word) in block_words(&blocks[block]) {
        running.push(pages, page_index, word, hyphens);
    }
    SentenceDraft { text: running.text, words: running.words, block, section }
}

type Place = (usize, usize);

fn block_words(block: &PageBlock) -> Vec<Place> {
    block.lines.iter().flatten().map(|word| (block.page_index, *word)).collect()
}

#[derive(Default)]
struct Sentence {
    running: RunningText,
    block: usize,
    section: usize,
}

impl Sentence {
    fn new(block: usize, section: usize) -> Self {
        Self { running: RunningText::default(), block, section }
    }
}

struct Unfinished {
    sentence: Sentence,
    /// The block its last word stands in.
    block: usize,
}

impl Unfinished {
    /// Whether the sentence goes on in `next`.
    fn continues_in(&self, pages: &[Page], last: &PageBlock, next: &PageBlock, words: &[Place]) -> bool {
        let text = &self.sentence.running.text;
        let (page, word) = words[0];
        let first = pages[page].words[word].text.as_str();
        if marks_item(first) && words.len() > 1 || text.ends_with([':', ';']) || ends_with_stop(text) {
            return false;
        }
        if pages[last.page_index].words[last_word(last)].style.hyphenated {
            return true;
        }
        let low = first.trim_start_matches(['(', '"', '“', '$', '€']).starts_with(char::is_lowercase);
        if low && last.label == next.label {
            return true;
        }
        // Cut off by the end of a column or page: its last line runs to the right edge.
        let elsewhere =
            last.page_index != next.page_index || next.bbox.x0 > last.bbox.x1 || next.bbox.y1 < last.bbox.y0;
        let page = &pages[last.page_index];
        let full_line = last.lines.len() > 1
            && page.words[last_word(last)].bbox.x1 >= last.bbox.x1 - 0.15 * last.bbox.width();
        elsewhere && last.label == next.label && (full_line || low)
    }
}

fn last_word(block: &PageBlock) -> usize {
    block.lines.iter().rev().find_map(|line| line.last().copied()).unwrap_or(0)
}

fn ends_with_stop(text: &str) -> bool {
    without_raised_mark(text).trim_end_matches(CLOSING).ends_with(['.', '?', '!'])
}

const CLOSING: &[char] = &['"', '”', '’', '\'', ')', ']', '»'];

struct Writer<'a> {
    pages: &'a [Page],
    hyphens: &'a HyphenatedWords,
    done: Vec<SentenceDraft>,
}

impl Writer<'_> {
    /// Adds words to `sentence`, finishing it and beginning others where sentences end; gives back the last one if
    /// it is unfinished.
    fn split(
        &mut self,
        words: &[Place],
        mut sentence: Sentence,
        block: usize,
        section: usize,
    ) -> Option<Sentence> {
        for (position, (page, word)) in words.iter().enumerate() {
            let own = self.pages[*page].words[*word].text.as_str();
            sentence.running.push(self.pages, *page, *word, self.hyphens);
            let next =
                words.get(position + 1).map(|(page, word)| self.pages[*page].words[*word].text.as_str());
            let is_first = sentence.running.words.len() == 1;
            let before = position.checked_sub(1).map_or("", |before| {
                let (page, word) = words[before];
                self.pages[page].words[word].text.as_str()
            });
            let too_long = sentence.running.words.len() >= LONGEST && own.ends_with([';', ',', ':']);
            if too_long || ends_sentence(own, next, before, is_first) {
                self.finish(std::mem::replace(&mut sentence, Sentence::new(block, section)));
            }
        }
        (!sentence.running.words.is_empty()).then_some(sentence)
    }

    /// Keeps a sentence that says something.
    fn finish(&mut self, sentence: Sentence) {
        let RunningText { text, words, .. } = sentence.running;
        if text.chars().any(char::is_alphabetic) {
            self.done.push(SentenceDraft { text, words, block: sentence.block, section: sentence.section });
        }
    }
}

/// Whether a sentence ends after `word`; `next` is the word after it in the same block, `before` the one before.
fn ends_sentence(word: &str, next: Option<&str>, before: &str, is_first: bool) -> bool {
    let inner = without_note_mark(word).trim_end_matches(CLOSING);
    if inner.ends_with(['?', '!']) {
        return next.is_none_or(|next| !next.starts_with(char::is_lowercase));
    }
    let Some(stem) = inner.strip_suffix('.') else { return false };
    if stem.ends_with('.') {
        // An ellipsis ends a sentence before a capital; dot leaders never do.
        return stem.len() <= 3 + 12
            && stem.contains(char::is_alphabetic)
            && next.is_none_or(begins_with_capital);
    }
    // "1.", "(a).", "Item 1.", "Note 12." at the front number what follows.
    let numbers_what_follows = stem.chars().all(|c| c.is_ascii_digit()) && !stem.is_empty();
    if is_first && marks_item(word) {
        return false;
    }
    let label = before.to_lowercase();
    if numbers_what_follows
        && matches!(label.as_str(), "item" | "note" | "part" | "no." | "exhibit" | "section" | "article")
    {
        return next.is_none_or(begins_sentence);
    }
    let Some(next) = next else {
        // At the end of a block the next block decides, unless the stop is an abbreviation's.
        return !matches!(stop_of(stem), Stop::Goes | Stop::BeforeNumber);
    };
    let number_next = next.trim_start_matches(['(', '#', '$']).starts_with(|c: char| c.is_ascii_digit());
    match stop_of(stem) {
        Stop::Goes => false,
        Stop::BeforeNumber => !number_next && begins_sentence(next),
        Stop::Either => begins_sentence(next),
        Stop::Ends => !next.starts_with(char::is_lowercase) || next.starts_with(|c: char| "•●▪■".contains(c)),
    }
}

/// The word without raised marks at its end.
fn without_raised_mark(word: &str) -> &str {
    word.trim_end_matches(|c: char| plain_of_raised(c).is_some())
}

/// The word without the number of a footnote after its full stop: "income.1", "income.(1)", "2010.⁸".
fn without_note_mark(word: &str) -> &str {
    let word = without_raised_mark(word);
    let digits = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '(' | ')' | '*' | '†'));
    let mark = word.len() - digits.len();
    let letters_before = digits.strip_suffix('.').is_some_and(|stem| stem.ends_with(char::is_alphabetic));
    if mark > 0 && mark <= 4 && letters_before { digits } else { word }
}

fn begins_with_capital(word: &str) -> bool {
    word.trim_start_matches(['"', '“', '(', '‘']).starts_with(char::is_uppercase)
}

#[cfg(test)]
#[path = "sentences_tests.rs"]
mod tests;
