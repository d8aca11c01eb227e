//! The caption of a table: its title, or the sentence that leads to it.

use crate::structure::numbers::{Locale, PeriodParts, is_of_unit_words};

/// Longest title in words.
const TITLE_WORDS: usize = 25;
/// Longest sentence in words.
const SENTENCE_WORDS: usize = 60;

/// The caption among the lines above a table, the nearest first, or among those at the end of the page before where the
/// table begins its page: the nearest title, or the sentence with a colon that leads to the table. Statements of unit and of
/// the period alone are passed over; the end of a paragraph is no caption.
pub(super) fn caption(above: &[String], before: &[String], locale: Locale) -> Option<String> {
    let passed_over = |line: &str| {
        let bracketed = line.starts_with('(') && line.ends_with(')');
        let lower = line.to_lowercase();
        bracketed
            || !line.contains(char::is_alphabetic)
            || is_of_unit_words(line)
            || matches!(lower.as_str(), "table of contents" | "unaudited")
    };
    let says = |lines: &[String]| lines.iter().position(|line| !passed_over(line));
    let own = says(above).map(|at| (above, at));
    let (lines, mut at) = own.or_else(|| {
        let at = says(before)?;
        before[at].trim_end().ends_with(':').then_some((before, at))
    })?;
    // "June 30, 2024 and 2023" stands below a title; alone it is better than nothing.
    let dates = |line: &str| PeriodParts::of(line, locale).is_pure();
    if dates(&lines[at])
        && let Some(next) = lines.get(at + 1).filter(|next| is_title(next) && !passed_over(next))
    {
        at = lines.iter().position(|line| line == next)?;
    }
    let line = lines[at].trim();
    if line.ends_with(':') {
        return Some(sentence(&lines[at..]));
    }
    if ends_sentence(line) {
        // "The following table summarizes the assets acquired."
        let text = sentence(&lines[at..]);
        let lower = text.to_lowercase();
        let leads = ["following table", "table below", "tables below", "as follows", "set out below"];
        if leads.iter().any(|words| lower.contains(words)) {
            return Some(text);
        }
    }
    if starts_low(line) {
        // The rest of a title that is wrapped.
        let text = sentence(&lines[at..]);
        return (!ends_sentence(line) && is_title(&text)).then_some(text);
    }
    is_title(line).then(|| line.to_owned())
}

fn starts_low(line: &str) -> bool {
    line.starts_with(char::is_lowercase)
}

fn ends_sentence(line: &str) -> bool {
    line.trim_end().ends_with(['.', ';'])
}

/// Whether a line stands for itself: it begins like a title, and is neither a sentence nor a note.
fn is_title(line: &str) -> bool {
    let note = |mark: &str| line.starts_with(mark);
    let numbered = line.strip_prefix('(').and_then(|rest| rest.split_once(')')).is_some_and(|(inner, _)| {
        inner.len() <= 2 && inner.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
    });
    // A line of running text goes on after these.
    let goes_on = [
        "is", "are", "was", "were", "that", "which", "the", "of", "and", "to", "a", "in", "by", "for", "with",
    ];
    let last = line.rsplit(' ').next().unwrap_or_default();
    // "Table 3." and "Ltd." end with a stop, too.
    let sentence = ends_sentence(line) && line.split(' ').count() > 6;
    line.contains(char::is_alphabetic)
        && line.split(' ').count() <= TITLE_WORDS
        && !starts_low(line)
        && !sentence
        && !goes_on.contains(&last)
        && !line.trim_end().ends_with(',')
        && !numbered
        && !["*", "†", "‡", "Source", "Note:", "Notes:"].iter().any(|mark| note(mark))
}

/// The sentence that ends with the first of these lines, which go upwards.
fn sentence(lines: &[String]) -> String {
    let mut text = lines[0].trim().to_owned();
    for line in &lines[1..] {
        if ends_sentence(line) || line.trim_end().ends_with(':') || text.split(' ').count() > SENTENCE_WORDS {
            break;
        }
        // A title above the sentence is not its beginning.
        if !starts_low(&text) && line.split(' ').count() < 8 {
            break;
        }
        text = format!("{} {text}", line.trim());
    }
    let start = text
        .match_indices(". ")
        .map(|(at, _)| at + 2)
        .filter(|&at| text[at..].starts_with(char::is_uppercase))
        .last()
        .unwrap_or(0);
    text[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(above: &[&str]) -> String {
        let above: Vec<String> = above.iter().map(|line| (*line).to_owned()).collect();
        caption(&above, &[], Locale::default()).unwrap_or_default()
    }

    #[test]
    fn titles_come_before_units_dates_and_paragraphs() {
        assert_eq!(
            of(&[
                "Revenue by region (in millions)",
                "were reclassified.",
                "Net sales; certain prior amounts"
            ]),
            "Revenue by region (in millions)"
        );
        assert_eq!(of(&["(in millions)", "Consolidated Balance Sheets"]), "Consolidated Balance Sheets");
        assert_eq!(of(&["June 30, 2024 and 2023", "Balance Sheets"]), "Balance Sheets");
        assert_eq!(of(&["earnings", "Consolidated statements of"]), "Consolidated statements of earnings");
        assert_eq!(of(&["were reclassified.", "Net sales by region; certain prior amounts"]), "");
        assert_eq!(of(&["(1) General corporate includes cash."]), "");
        assert_eq!(of(&["The wing type that is"]), "");
    }

    #[test]
    fn a_sentence_with_a_colon_is_read_from_its_start() {
        assert_eq!(
            of(&[
                "2024 are shown in the table below:",
                "This is another sentence. The fair values of financial instruments as of December 31,",
            ]),
            "The fair values of financial instruments as of December 31, 2024 are shown in the table below:"
        );
        let lead_in = "The following table summarizes the assets acquired.";
        assert_eq!(of(&[lead_in, "We paid $5."]), lead_in);
    }
}
