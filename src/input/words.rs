//! Text as it is compared, beside text as the file has it.

use unicode_normalization::UnicodeNormalization;

/// The form of a text that searches and models compare: compatibility composition (NFKC, so that a ligature `ﬁ` is
/// `fi`), without soft hyphens and other marks that only guide line breaks.
#[must_use]
pub fn normalize(text: &str) -> String {
    text.nfkc()
        .filter(|character| !matches!(character, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_and_soft_hyphens() {
        assert_eq!(normalize("ﬁnan\u{AD}cial ²"), "financial 2");
        assert_eq!(normalize("A\u{308}"), "Ä");
    }
}
