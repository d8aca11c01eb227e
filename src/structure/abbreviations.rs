//! Words whose full stop does not, or need not, end a sentence.

/// What the full stop of a word says about the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It ends one.
    Ends,
    /// It never ends one: something belongs after it ("Mr.", "approx.").
    Goes,
    /// It ends one only if a number does not follow ("No. 5", "Dec. 31", "Item 1.").
    BeforeNumber,
    /// It may end one; the next word decides ("Inc.", "U.S.").
    Either,
}

/// Needs a word after it.
const ALWAYS_GO: &[&str] = &[
    "approx", "asst", "ave", "blvd", "ca", "cf", "dr", "e.g", "est", "gen", "gov", "hon", "i.e", "incl",
    "lt", "messrs", "mr", "mrs", "ms", "mt", "prof", "resp", "rev", "sen", "st", "viz", "vs", "v", "excl",
    "dept", "div", "univ", "mfg",
];
/// Stands before a number.
const BEFORE_NUMBERS: &[&str] = &[
    "apr", "art", "aug", "ch", "dec", "feb", "fig", "jan", "jul", "jun", "mar", "no", "nos", "nov", "oct",
    "p", "para", "pp", "rs", "sec", "sep", "sept", "tel", "vol", "item", "note", "part", "exh", "cl", "reg",
];
/// Ends a name or phrase.
const MAY_END: &[&str] = &[
    "a.m", "ag", "assn", "bancorp", "bros", "co", "corp", "cos", "d.c", "etc", "e.v", "inc", "int'l", "intl",
    "jr", "l.l.c", "l.l.p", "l.p", "llc", "llp", "lp", "ltd", "mio", "mln", "mrd", "bn", "mn", "n.a", "n.v",
    "p.m", "ph.d", "plc", "p.l.c", "pty", "s.a", "s.p.a", "sr", "tsd", "u.k", "u.s", "u.s.a", "u.n", "e.u",
    "n.y", "s.e", "b.v", "a.g", "cr", "dr", "oz", "lb", "lbs", "sq", "ft", "yr", "yrs", "avg", "max", "min",
    "hr", "hrs",
];
/// Words that begin a sentence far more often than they follow an abbreviation within one.
const STARTERS: &[&str] = &[
    "a",
    "accordingly",
    "additionally",
    "after",
    "all",
    "although",
    "amounts",
    "an",
    "any",
    "as",
    "at",
    "because",
    "before",
    "beginning",
    "both",
    "but",
    "by",
    "certain",
    "consequently",
    "despite",
    "during",
    "each",
    "effective",
    "every",
    "except",
    "excluding",
    "finally",
    "first",
    "following",
    "for",
    "from",
    "further",
    "furthermore",
    "had",
    "has",
    "he",
    "her",
    "his",
    "how",
    "however",
    "if",
    "in",
    "including",
    "instead",
    "it",
    "its",
    "likewise",
    "many",
    "management",
    "moreover",
    "most",
    "my",
    "neither",
    "nevertheless",
    "no",
    "none",
    "nor",
    "not",
    "nothing",
    "notwithstanding",
    "of",
    "on",
    "once",
    "one",
    "only",
    "other",
    "otherwise",
    "our",
    "overall",
    "over",
    "she",
    "similarly",
    "since",
    "some",
    "subsequently",
    "such",
    "that",
    "the",
    "their",
    "then",
    "there",
    "therefore",
    "these",
    "they",
    "this",
    "those",
    "through",
    "thus",
    "to",
    "under",
    "unless",
    "until",
    "upon",
    "we",
    "what",
    "when",
    "where",
    "while",
    "who",
    "with",
    "within",
    "without",
    "you",
    "your",
];

/// What the full stop at the end of `word` (without it: `word` ends before the stop) says.
pub(super) fn stop_of(word: &str) -> Stop {
    let bare = word.trim_start_matches(['(', '"', '“', '‘', '\'', '[']);
    let low = bare.to_lowercase();
    if ALWAYS_GO.contains(&low.as_str()) {
        Stop::Goes
    } else if BEFORE_NUMBERS.contains(&low.as_str()) {
        Stop::BeforeNumber
    } else if MAY_END.contains(&low.as_str()) || is_initials(bare) {
        Stop::Either
    } else {
        Stop::Ends
    }
}

/// `J`, `J.P`, `U.S.S.R`: single letters with stops between them.
fn is_initials(word: &str) -> bool {
    word.split('.').all(|part| {
        let mut letters = part.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.next().is_none()
    })
}

/// Whether a word is likely to begin a sentence after an abbreviation.
pub(super) fn begins_sentence(word: &str) -> bool {
    let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
    bare.starts_with(char::is_uppercase) && STARTERS.contains(&bare.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops() {
        assert_eq!(stop_of("approx"), Stop::Goes);
        assert_eq!(stop_of("No"), Stop::BeforeNumber);
        assert_eq!(stop_of("Inc"), Stop::Either);
        assert_eq!(stop_of("U.S"), Stop::Either);
        assert_eq!(stop_of("(J"), Stop::Either);
        assert_eq!(stop_of("sales"), Stop::Ends);
        assert!(begins_sentence("The") && begins_sentence("(The") && !begins_sentence("the"));
        assert!(!begins_sentence("Apple"));
    }
}
