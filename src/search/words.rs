//! Words of a text as they are searched: lower case, without the ending of the plural.

/// The words of a text, in order.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| singular(word.to_lowercase()))
}

/// `covenants` and `covenant`, `liabilities` and `liability` are one word.
fn singular(mut word: String) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 3
        && word.ends_with('s')
        && !word.ends_with("ss")
        && !word.ends_with("us")
        && !word.ends_with("is")
    {
        word.truncate(word.len() - 1);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_their_singular_and_nothing_else_is_cut() {
        let found: Vec<String> =
            words("Covenants, liabilities (net) of U.S. business: 2024 losses — gas").collect();
        assert_eq!(
            found,
            ["covenant", "liability", "net", "of", "u", "s", "business", "2024", "losse", "gas"]
                .map(str::to_owned)
        );
        assert_eq!(words("loss").next().as_deref(), Some("loss"));
    }
}
