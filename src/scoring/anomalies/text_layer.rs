//! The text layer against what OCR reads on the drawn page.
//!
//! A font whose character codes are mapped to other letters, or a layer that was exchanged, gives a program other text
//! than a reader sees. OCR errs, too: single words are not reported, numbers only where OCR is sure.

use super::{LISTED, MOST_WORDS, count, evidence, finding};
use crate::document::findings::{Anomaly, Evidence, Severity};
use crate::document::{Page, Word, without_raised};

/// Words that must have been read at their places.
const FEWEST: usize = 20;
/// Share of them that must agree.
const AGREE: f64 = 0.6;
/// Similarity (1 minus the Levenshtein distance over the longer length) from which two readings are the same word.
const SIMILAR: f64 = 0.6;
/// Text smaller than this, in points, is not read surely.
const SMALLEST: f32 = 6.0;
/// Digits that a number needs to be compared.
const DIGITS: usize = 3;
/// Confidence of OCR from which its digits count.
const SURE: f32 = 0.92;

/// A word of the layer with what OCR reads at its place.
struct Pair<'a> {
    word: &'a Word,
    read: String,
    confidence: f32,
}

/// At most one finding for the page as a whole; if the page agrees, one for its numbers that do not.
pub(super) fn compare(page: &Page, reading: &[Word]) -> Option<Anomaly> {
    if page.words.len().max(reading.len()) > MOST_WORDS {
        return None;
    }
    let pairs: Vec<Pair<'_>> = page.words.iter().filter_map(|word| pair(word, reading)).collect();
    if pairs.len() < FEWEST {
        return None;
    }
    let (same, other): (Vec<&Pair<'_>>, Vec<&Pair<'_>>) = pairs.iter().partition(|pair| agrees(pair));
    if (same.len() as f64) < AGREE * pairs.len() as f64 {
        let message = format!(
            "OCR reads {} of {} otherwise than the text layer of page {} has them",
            other.len(),
            count(pairs.len(), "word"),
            page.number
        );
        return Some(finding("text_layer", Severity::Warning, message, places(page, &other)));
    }
    let numbers: Vec<&Pair<'_>> = pairs.iter().filter(|pair| other_number(pair)).collect();
    if numbers.is_empty() {
        return None;
    }
    let message = format!(
        "OCR reads {} on page {} otherwise than the text layer has {}",
        count(numbers.len(), "number"),
        page.number,
        if numbers.len() == 1 { "it" } else { "them" }
    );
    Some(finding("text_layer", Severity::Warning, message, places(page, &numbers)))
}

fn places(page: &Page, pairs: &[&Pair<'_>]) -> Vec<Evidence> {
    let text = |pair: &Pair<'_>| format!("{} (drawn: {})", pair.word.text, pair.read);
    pairs.iter().take(LISTED).map(|pair| evidence(page.number, pair.word.bbox, text(pair))).collect()
}

/// What OCR reads where the word stands; `None` where it reads nothing or the word cannot be read.
fn pair<'a>(word: &'a Word, reading: &[Word]) -> Option<Pair<'a>> {
    let hidden = word.style.invisible || word.style.blank || word.style.covered;
    if hidden || word.direction != 0 || word.font_size < SMALLEST || plain(&word.text).chars().count() < 2 {
        return None;
    }
    let at_place = |other: &&Word| {
        let across = word.bbox.vertical_overlap(&other.bbox);
        let along = word.bbox.horizontal_overlap(&other.bbox);
        across > 0.5 * word.bbox.height().min(other.bbox.height())
            && along > 0.5 * word.bbox.width().min(other.bbox.width())
    };
    let mut read: Vec<&Word> = reading.iter().filter(at_place).collect();
    read.sort_by(|a, b| a.bbox.x0.total_cmp(&b.bbox.x0));
    let confidence = read.iter().filter_map(|word| word.confidence).fold(1.0, f32::min);
    let text: String = read.iter().map(|word| word.text.as_str()).collect();
    (!plain(&text).is_empty()).then_some(Pair { word, read: text, confidence })
}

/// Letters and digits alone, with those that OCR takes for each other made one.
fn plain(text: &str) -> String {
    let one = |character: char| match character {
        'O' | 'o' => '0',
        'l' | 'I' | 'i' | '|' | '!' => '1',
        'S' | 's' => '5',
        'B' => '8',
        character => character.to_ascii_lowercase(),
    };
    // OCR reads raised marks as plain digits.
    without_raised(text).chars().filter(|character| character.is_alphanumeric()).map(one).collect()
}

fn agrees(pair: &Pair<'_>) -> bool {
    let (word, read) = (plain(&pair.word.text), plain(&pair.read));
    // OCR joins neighbours and splits words.
    word.contains(&read) || read.contains(&word) || strsim::normalized_levenshtein(&word, &read) >= SIMILAR
}

/// Two numbers of the same length with different digits, read with certainty.
fn other_number(pair: &Pair<'_>) -> bool {
    let digits = |text: &str| -> Option<String> {
        let marks =
            |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '$' | '(' | ')' | '%' | '-' | '€' | '£');
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        (text.chars().all(marks) && digits.len() >= DIGITS).then_some(digits)
    };
    match (digits(&pair.word.text), digits(&pair.read)) {
        (Some(word), Some(read)) => word.len() == read.len() && word != read && pair.confidence >= SURE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{page, word};
    use super::*;

    fn compared(layer: &[&str], drawn: &[&str]) -> Option<Anomaly> {
        let place = |(at, text): (usize, &&str)| {
            word(text, 40.0 + 90.0 * (at % 5) as f32, 60.0 + 20.0 * (at / 5) as f32)
        };
        let reading: Vec<Word> =
            drawn.iter().enumerate().map(|at| Word { confidence: Some(0.95), ..place(at) }).collect();
        compare(&page(1, layer.iter().enumerate().map(place).collect()), &reading)
    }

    #[test]
    fn slips_of_ocr_are_no_finding_and_other_text_is_one() {
        let layer = ["Revenue", "of", "1,234", "million", "rose"].repeat(6);
        assert_eq!(compared(&layer, &layer), None);
        let slips = ["Revenuc", "of", "1,234", "mi1lion", "r0se"].repeat(6);
        assert_eq!(compared(&layer, &slips), None);
        let other = ["Losses", "at", "9,876", "dollars", "fell"].repeat(6);
        assert!(compared(&layer, &other).unwrap().message.contains("of 30 words"));
        let mut number = layer.clone();
        number[2] = "7,234";
        let finding = compared(&layer, &number).unwrap();
        assert_eq!(finding.evidence[0].text, "1,234 (drawn: 7,234)");
    }
}
