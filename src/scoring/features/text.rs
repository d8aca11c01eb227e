//! Words, sentences and numbers of plain text, as simply as counting needs them.

/// A word or number.
pub(super) struct Token<'a> {
    /// As written, without surrounding punctuation.
    pub(super) text: &'a str,
    /// In lower case.
    pub(super) lower: String,
}

impl Token<'_> {
    /// Whether it holds a digit.
    pub(super) fn is_number(&self) -> bool {
        self.text.bytes().any(|byte| byte.is_ascii_digit())
    }
}

/// Words and numbers: runs of white space-free text with punctuation taken off both ends.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    text.split_whitespace()
        .flat_map(|word| word.split(['/', '\u{2014}']))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(|text| Token { text, lower: text.to_lowercase() })
        .collect()
}

/// Splits plain text into sentences: at a full stop, question or exclamation mark before white space and an upper
/// case letter or digit, unless the word before is one letter or a common abbreviation, and at line ends.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    const ABBREVIATIONS: [&str; 14] =
        ["inc", "corp", "co", "ltd", "no", "mr", "ms", "mrs", "dr", "st", "vs", "approx", "llc", "u.s"];
    let mut found = Vec::new();
    for line in text.lines() {
        let mut start = 0;
        for (at, mark) in line.char_indices().filter(|(_, c)| matches!(c, '.' | '?' | '!')) {
            let after = &line[at + mark.len_utf8()..];
            let next = after.trim_start_matches(['"', '\u{201d}', ')', '\'']);
            let opens = next.starts_with(char::is_whitespace)
                && next
                    .trim_start()
                    .chars()
                    .next()
                    .is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || c == '"');
            let before = line[start..at].rsplit(char::is_whitespace).next().unwrap_or("").to_lowercase();
            let word = before.trim_start_matches(|c: char| !c.is_alphanumeric());
            if opens && !(mark == '.' && (is_initial(word) || ABBREVIATIONS.contains(&word))) {
                let end = at + mark.len_utf8() + (after.len() - next.len());
                found.push(line[start..end].trim());
                start = end;
            }
        }
        found.push(line[start..].trim());
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// One letter, as in a person's name.
fn is_initial(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(char::is_alphabetic) && characters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_sentences_not_abbreviations() {
        let text = "Acme Inc. sold 3.5 million units. It paid J. Smith $2. \"Why?\" No. 4 is new!\nNext line";
        assert_eq!(
            sentences(text),
            [
                "Acme Inc. sold 3.5 million units.",
                "It paid J. Smith $2.",
                "\"Why?\"",
                "No. 4 is new!",
                "Next line"
            ]
        );
    }

    #[test]
    fn tokens_lose_their_punctuation() {
        let words: Vec<String> = tokens("(The) U.S. and/or \u{201c}write-down\u{201d}, $1.5;")
            .iter()
            .map(|t| t.lower.clone())
            .collect();
        assert_eq!(words, ["the", "u.s", "and", "or", "write-down", "1.5"]);
    }
}
