//! Raised characters: words keep the marks that are printed raised ("8,123¹") as the characters that stand for such.

use std::borrow::Cow;

/// Plain and raised characters.
const PAIRS: [(char, char); 37] = [
    ('0', '⁰'),
    ('1', '¹'),
    ('2', '²'),
    ('3', '³'),
    ('4', '⁴'),
    ('5', '⁵'),
    ('6', '⁶'),
    ('7', '⁷'),
    ('8', '⁸'),
    ('9', '⁹'),
    ('(', '⁽'),
    (')', '⁾'),
    ('a', 'ᵃ'),
    ('b', 'ᵇ'),
    ('c', 'ᶜ'),
    ('d', 'ᵈ'),
    ('e', 'ᵉ'),
    ('f', 'ᶠ'),
    ('g', 'ᵍ'),
    ('h', 'ʰ'),
    ('i', 'ⁱ'),
    ('j', 'ʲ'),
    ('k', 'ᵏ'),
    ('l', 'ˡ'),
    ('m', 'ᵐ'),
    ('n', 'ⁿ'),
    ('o', 'ᵒ'),
    ('p', 'ᵖ'),
    ('r', 'ʳ'),
    ('s', 'ˢ'),
    ('t', 'ᵗ'),
    ('u', 'ᵘ'),
    ('v', 'ᵛ'),
    ('w', 'ʷ'),
    ('x', 'ˣ'),
    ('y', 'ʸ'),
    ('z', 'ᶻ'),
];

/// The raised form of a digit, bracket or small letter; other characters as they are.
#[must_use]
pub fn raised(plain: char) -> char {
    PAIRS.iter().find(|(from, _)| *from == plain).map_or(plain, |(_, to)| *to)
}

/// The plain form of a raised character, if it is one.
#[must_use]
pub fn plain_of_raised(character: char) -> Option<char> {
    if character.is_ascii() {
        return None;
    }
    PAIRS.iter().find(|(_, raised)| *raised == character).map(|(plain, _)| *plain)
}

/// The text with plain characters for the raised ones.
#[must_use]
pub fn without_raised(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|character| plain_of_raised(character).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|character| plain_of_raised(character).unwrap_or(character)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raised_and_plain_are_inverse() {
        for (plain, high) in PAIRS {
            assert_eq!(
                (raised(plain), plain_of_raised(high), plain_of_raised(plain)),
                (high, Some(plain), None)
            );
        }
        assert_eq!(without_raised("8,123¹ ⁽ᵃ⁾ €"), "8,123¹ ⁽ᵃ⁾ €".replace('¹', "1").replace("⁽ᵃ⁾", "(a)"));
        assert_eq!(raised('€'), '€');
    }
}
