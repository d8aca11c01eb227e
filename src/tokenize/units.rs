//! Words of running text: the pieces that entity labels are given to.

use std::ops::Range;

/// Byte ranges of the words of a text: runs without white space, with quotes, brackets and sentence punctuation at
/// their ends cut off as words of their own, and a possessive ending split off. A period stays with its word where
/// the word has another one before it or is an abbreviation by shape ("U.S.", "Inc." before more text).
///
/// The ranges are in text order, do not overlap, and cover everything that is not white space.
pub(super) fn units(text: &str) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices() {
        match (character.is_whitespace(), start) {
            (true, Some(from)) => {
                push(text, from..at, &mut units);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    if let Some(from) = start {
        push(text, from..text.len(), &mut units);
    }
    units
}

fn opens(character: char) -> bool {
    matches!(character, '(' | '[' | '{' | '"' | '\'' | '“' | '‘' | '«' | '„' | '—' | '–' | '-' | '•' | '*')
}

fn closes(character: char) -> bool {
    matches!(
        character,
        ')' | ']' | '}' | '"' | '\'' | '”' | '’' | '»' | ',' | ';' | ':' | '!' | '?' | '—' | '–' | '…' | '*'
    )
}

fn push(text: &str, range: Range<usize>, units: &mut Vec<Range<usize>>) {
    let Range { mut start, mut end } = range;
    while let Some(first) = text[start..end].chars().next() {
        if !opens(first) || first.len_utf8() == end - start {
            break;
        }
        units.push(start..start + first.len_utf8());
        start += first.len_utf8();
    }
    let mut tail = Vec::new();
    while let Some(last) = text[start..end].chars().next_back() {
        let size = last.len_utf8();
        let word = &text[start..end - size];
        let period = last == '.' && !word.contains('.') && (end == text.len() || !tail.is_empty());
        if word.is_empty() || !(closes(last) || period) {
            break;
        }
        tail.push(end - size..end);
        end -= size;
    }
    for ending in ["'s", "’s"] {
        if text[start..end].len() > ending.len() && text[start..end].ends_with(ending) {
            tail.push(end - ending.len()..end);
            end -= ending.len();
            break;
        }
    }
    units.push(start..end);
    units.extend(tail.into_iter().rev());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::units;

    fn words(text: &str) -> Vec<&str> {
        units(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn punctuation_at_the_ends_is_cut_off() {
        assert_eq!(
            words("“Acme Corp.’s” loss (net) was $(4.5) million, up 3%."),
            [
                "“", "Acme", "Corp.", "’s", "”", "loss", "(", "net", ")", "was", "$(4.5", ")", "million",
                ",", "up", "3%", "."
            ]
        );
        assert_eq!(
            words("the U.S. and Apple's iPhone."),
            ["the", "U.S.", "and", "Apple", "'s", "iPhone", "."]
        );
        assert_eq!(words(" - "), ["-"]);
        assert_eq!(words(""), [""; 0]);
        assert_eq!(words("(...)"), ["(", "...", ")"]);
    }

    proptest! {
        #[test]
        fn everything_but_white_space_is_covered_once(text in "[a-z .,'’()“”$\n—]{0,60}") {
            let mut covered = vec![0u8; text.len()];
            let mut last = 0;
            for range in units(&text) {
                prop_assert!(range.start >= last && range.start < range.end);
                last = range.end;
                covered[range].iter_mut().for_each(|count| *count += 1);
            }
            for (at, character) in text.char_indices() {
                let expected = u8::from(!character.is_whitespace());
                prop_assert!(covered[at..at + character.len_utf8()].iter().all(|&count| count == expected));
            }
        }
    }
}
