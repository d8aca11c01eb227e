//! Signs that are told apart by the company that they keep: points and commas in numbers, the dollar and the S.

use crate::words::Word;

/// How much likelier a mark is that stands where the page's numbers have it.
const USUAL: f32 = 20.0;
/// Numbers that must show how the page writes them, and how many times more often than the other way.
const EVIDENCE: (u32, u32) = (3, 5);
/// Probability from which a mark is evidence.
const SURE: f32 = 0.9;

/// A point or a comma that might be the other one, or an S that might be a dollar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    /// Its place in the word, in characters.
    pub(crate) at: usize,
    /// Its probability.
    pub(crate) probability: f32,
    /// The probability of the other one.
    pub(crate) other: f32,
}

/// What a mark is for, by what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Thousands,
    Decimals,
}

/// Corrects points and commas that stand where this page's numbers have the other one and that the recogniser was not
/// sure of. `words` are those of the page.
pub fn settle_marks(words: &mut [Word]) {
    words.iter_mut().for_each(settle_dollar);
    let (mut english, mut continental) = (0, 0);
    for (word, mark) in words.iter().flat_map(|word| word.marks.iter().map(move |mark| (word, mark))) {
        let characters: Vec<char> = word.text.chars().collect();
        match (role(&characters, mark.at), characters.get(mark.at)) {
            _ if mark.probability < SURE => {}
            (Some(Role::Thousands), Some(',')) | (Some(Role::Decimals), Some('.')) => english += 1,
            (Some(Role::Thousands), Some('.')) | (Some(Role::Decimals), Some(',')) => continental += 1,
            _ => {}
        }
    }
    let clear = |one: u32, other: u32| one >= EVIDENCE.0 && one >= EVIDENCE.1 * other;
    let thousands = match (clear(english, continental), clear(continental, english)) {
        (true, false) => ',',
        (false, true) => '.',
        _ => return,
    };
    for word in words {
        for mark in std::mem::take(&mut word.marks) {
            let mut characters: Vec<char> = word.text.chars().collect();
            let Some(role) = role(&characters, mark.at) else { continue };
            if !matches!(characters[mark.at], '.' | ',') {
                continue;
            }
            let usual = if (role == Role::Thousands) == (thousands == ',') { ',' } else { '.' };
            let weight = mark.other * USUAL;
            if characters[mark.at] == usual || weight <= mark.probability || mark.probability <= 0.0 {
                continue;
            }
            characters[mark.at] = usual;
            word.text = characters.into_iter().collect();
            word.probability *= weight / (weight + mark.probability) / mark.probability;
        }
    }
}

/// An S that stands alone or before digits is a dollar if it may be one.
fn settle_dollar(word: &mut Word) {
    let Some(mark) = word.marks.first().copied().filter(|mark| mark.at == 0) else { return };
    let rest = word.text.strip_prefix(['S', 's']);
    let amount = rest.is_some_and(|rest| rest.chars().next().is_none_or(|c| c.is_ascii_digit() || c == '('));
    let weight = mark.other * USUAL;
    if let Some(rest) = rest.filter(|_| amount && weight > mark.probability && mark.probability > 0.0) {
        word.text = format!("${rest}");
        word.probability *= weight / (weight + mark.probability) / mark.probability;
    }
}

/// What a mark between digits is for; none where it may be either.
fn role(characters: &[char], at: usize) -> Option<Role> {
    let digits = |characters: &mut dyn Iterator<Item = &char>| {
        characters.take_while(|character| character.is_ascii_digit()).count()
    };
    let before = digits(&mut characters.get(..at)?.iter().rev());
    let after = digits(&mut characters.get(at + 1..)?.iter());
    let leads_with_zero = characters[at - before..at].first() == Some(&'0');
    let next = characters.get(at + 1 + after);
    match (before, after) {
        (1..=3, 3) if !leads_with_zero && next != Some(&'%') => Some(Role::Thousands),
        (1.., 1..=2) if !matches!(next, Some('.' | ',' | '/' | '-')) => Some(Role::Decimals),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, probability: f32, other: f32) -> Word {
        let marks = text.chars().enumerate().filter(|(_, c)| matches!(c, '.' | ',' | 'S'));
        Word {
            text: text.into(),
            bbox: [0.0; 4],
            font_size: 10.0,
            probability,
            contrast: 255.0,
            direction: 0,
            starts_line: false,
            hyphenated: false,
            marks: marks.map(|(at, _)| Mark { at, probability, other }).collect(),
        }
    }

    fn settled(words: &[(&str, f32, f32)]) -> Vec<String> {
        let mut words: Vec<Word> = words.iter().map(|&(text, p, other)| word(text, p, other)).collect();
        settle_marks(&mut words);
        assert!(words.iter().all(|word| (0.0..=1.0).contains(&word.probability)), "{words:?}");
        words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn doubtful_marks_follow_the_sure_ones_of_the_page() {
        let sure = [("1,234", 0.99, 0.0), ("5.5%", 0.99, 0.0), ("(3,001)", 0.99, 0.0)];
        let doubtful = [("4.050", 0.6, 0.35), ("7,5", 0.5, 0.4), ("0.125", 0.6, 0.3), ("1.125%", 0.6, 0.3)];
        let found = settled(&[&sure[..], &doubtful].concat());
        assert_eq!(found[3..], ["4,050", "7.5", "0.125", "1.125%"]);
        let sure = [("1.234", 0.99, 0.0), ("5,5", 0.99, 0.0), ("3.001", 0.99, 0.0), ("4,050", 0.6, 0.35)];
        assert_eq!(settled(&sure)[3], "4.050");
    }

    #[test]
    fn a_dollar_that_reads_as_an_s_is_one_before_a_number_and_alone() {
        let found = settled(&[("S", 0.5, 0.3), ("S1,204", 0.5, 0.3), ("Sum", 0.5, 0.3), ("S", 0.9, 0.01)]);
        assert_eq!(found, ["$", "$1,204", "Sum", "S"]);
    }

    #[test]
    fn what_was_surely_read_and_what_no_page_explains_stays() {
        let sure = [("1,234", 0.99, 0.0), ("9,876", 0.99, 0.0), ("(3,001)", 0.99, 0.0)];
        assert_eq!(settled(&[&sure[..], &[("4.050", 0.97, 0.01)]].concat())[3], "4.050");
        assert_eq!(settled(&[("1,234", 0.99, 0.0), ("4.050", 0.6, 0.35)])[1], "4.050");
        assert_eq!(settled(&[("31.12.2024", 0.5, 0.5)])[0], "31.12.2024");
    }
}
