//! Powers of ten in words: "million", "Mrd.", "crore", and what a caption says about a whole table.

use super::currency;
use super::lexer::Tokens;

/// Scale words with their power of ten, in small letters. Abbreviations that are single letters stand in
/// [`letter`].
const WORDS: &[(&str, i32)] = &[
    ("billion", 9),
    ("billions", 9),
    ("bilhões", 9),
    ("bn", 9),
    ("bln", 9),
    ("crore", 7),
    ("crores", 7),
    ("hundreds", 2),
    ("lac", 5),
    ("lacs", 5),
    ("lakh", 5),
    ("lakhs", 5),
    ("miliardi", 9),
    ("milhões", 6),
    ("miljard", 9),
    ("miljoen", 6),
    ("milioni", 6),
    ("milliard", 9),
    ("milliarden", 9),
    ("milliards", 9),
    ("million", 6),
    ("millionen", 6),
    ("millones", 6),
    ("millions", 6),
    ("mio", 6),
    ("mld", 9),
    ("mln", 6),
    ("mm", 6),
    ("mn", 6),
    ("mrd", 9),
    ("tausend", 3),
    ("thousand", 3),
    ("thousands", 3),
    ("tn", 12),
    ("trillion", 12),
    ("trillions", 12),
    ("trn", 12),
    ("tsd", 3),
    ("milliers", 3),
    ("miles", 3),
];

fn word_scale(word: &str) -> Option<i32> {
    WORDS.iter().find(|(name, _)| *name == word).map(|(_, scale)| *scale)
}

fn letter(word: &str) -> Option<i32> {
    Some(match word {
        "k" | "K" => 3,
        "m" | "M" => 6,
        "b" | "B" => 9,
        _ => return None,
    })
}

/// The scale written after a number at token `at`, and the token after it. `money` says that a currency stands
/// with the number: only then is a single letter ("$5 M") or "Cr" a scale.
pub(super) fn after(tokens: &Tokens<'_>, at: usize, money: bool) -> Option<(i32, usize)> {
    // "in" that joins a hyphenated scale: "$2-billion".
    let start =
        if tokens.is_symbol(at, '-') && !tokens.spaced(at) && !tokens.spaced(at + 1) { at + 1 } else { at };
    let word = tokens.word(start);
    if word == "miles" {
        return None; // a length after a number; thousands (Spanish) only in captions
    }
    if word == "mil" && tokens.word(start + 1) == "millones" {
        return Some((9, start + 2));
    }
    if let Some(scale) = word_scale(&word) {
        let abbreviated = matches!(word.as_str(), "mio" | "mrd" | "tsd" | "mld" | "mln" | "bn" | "mn");
        let mut end = start + 1;
        if abbreviated {
            end = tokens.skip_point(end);
        }
        // "lakh crore", "thousand million".
        if let Some(more) =
            word_scale(&tokens.word(end)).filter(|_| matches!(word.as_str(), "lakh" | "thousand"))
        {
            return Some((scale + more, end + 1));
        }
        return Some((scale, end));
    }
    if at != start {
        return None;
    }
    if word == "cr" && money {
        return Some((7, tokens.skip_point(at + 1)));
    }
    let attached = !tokens.spaced(at);
    let scale = letter(tokens.text_at(at))?;
    (money || attached && tokens.text_at(at) != "b").then_some((scale, at + 1))
}

/// What a number is about where a caption makes an exception for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScaleSubject {
    /// Amounts per share, per unit or per depositary share.
    PerShare,
    /// Numbers of shares.
    Shares,
    /// Percentages and rates.
    Percent,
    /// Ratios and multiples.
    Ratio,
    /// Numbers of employees, stores, customers and the like.
    Count,
}

/// What a caption says about the numbers under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleStatement {
    /// Power of ten for all numbers without an exception.
    pub scale: Option<i32>,
    /// ISO 4217 code.
    pub currency: Option<&'static str>,
    /// Powers of ten that hold instead; sorted by subject, each subject once.
    pub exceptions: Vec<(ScaleSubject, i32)>,
}

impl ScaleStatement {
    /// The power of ten for numbers about this, if the caption states any.
    #[must_use]
    pub fn scale_of(&self, subject: ScaleSubject) -> Option<i32> {
        let exception = self.exceptions.iter().find(|(about, _)| *about == subject);
        exception.map(|(_, scale)| *scale).or(self.scale)
    }
}

/// Reads statements such as "(in millions, except per share data)", "Dollars in thousands", "$'000", "in Mio. EUR",
/// "(Rs. in crores)", "(In millions, except number of shares, which are reflected in thousands, and per-share
/// amounts)". `None` when the text states neither a scale nor a currency.
#[must_use]
pub fn scale_from_caption(text: &str) -> Option<ScaleStatement> {
    let tokens = Tokens::new(text);
    let mut statement = ScaleStatement { currency: currency::mentioned(&tokens), ..Default::default() };
    let mut exceptions: Vec<(ScaleSubject, i32)> = Vec::new();
    let mut in_exception = false;
    // Subjects of the clause being read; a clause ends at a comma, a semicolon, "and" or the text's end.
    let mut subjects: Vec<ScaleSubject> = Vec::new();
    let mut previous: Vec<ScaleSubject> = Vec::new();
    let mut clause_scale: Option<i32> = None;
    for at in 0..=tokens.list.len() {
        let word = tokens.word(at);
        let excepts =
            matches!(word.as_str(), "except" | "excluding") || tokens.words_are(at, &["other", "than"]);
        let ends = at == tokens.list.len()
            || [',', ';', ')'].iter().any(|mark| tokens.is_symbol(at, *mark))
            || word == "and"
            || word == "unless"
            || excepts;
        if ends {
            match clause_scale.take() {
                Some(scale) if !subjects.is_empty() => {
                    exceptions.extend(subjects.iter().map(|subject| (*subject, scale)));
                }
                // "..., which are reflected in thousands"
                Some(scale) if in_exception => {
                    exceptions.extend(previous.iter().map(|subject| (*subject, scale)));
                }
                Some(scale) => statement.scale = statement.scale.or(Some(scale)),
                None if in_exception => exceptions.extend(subjects.iter().map(|subject| (*subject, 0))),
                None => {}
            }
            if !subjects.is_empty() {
                previous = std::mem::take(&mut subjects);
            }
            in_exception |= excepts;
            continue;
        }
        if let Some(scale) = caption_scale(&tokens, at) {
            clause_scale = clause_scale.or(Some(scale));
        }
        if let Some(subject) = subject_at(&tokens, at) {
            subjects.push(subject);
        }
    }
    // The last statement about a subject is the more precise one.
    for (subject, scale) in exceptions {
        match statement.exceptions.iter_mut().find(|(about, _)| *about == subject) {
            Some(known) => known.1 = scale,
            None => statement.exceptions.push((subject, scale)),
        }
    }
    statement.exceptions.sort_unstable();
    (statement.scale.is_some() || statement.currency.is_some() || !statement.exceptions.is_empty())
        .then_some(statement)
}

fn subject_at(tokens: &Tokens<'_>, at: usize) -> Option<ScaleSubject> {
    let word = tokens.word(at);
    let is_share = |word: &str| matches!(word, "share" | "shares" | "unit" | "units" | "ads" | "adss");
    let after_per = at >= 1 && tokens.word(at - 1) == "per"
        || at >= 2 && tokens.is_symbol(at - 1, '-') && tokens.word(at - 2) == "per"
        || at >= 2 && tokens.word(at - 2) == "per";
    match word.as_str() {
        word if is_share(word) && after_per => Some(ScaleSubject::PerShare),
        "share" | "shares" => Some(ScaleSubject::Shares),
        "percent" | "percentage" | "percentages" | "rates" => Some(ScaleSubject::Percent),
        "ratio" | "ratios" | "multiples" => Some(ScaleSubject::Ratio),
        "employee" | "employees" | "headcount" | "stores" | "store" | "customers" => {
            Some(ScaleSubject::Count)
        }
        _ if tokens.is_symbol(at, '%') => Some(ScaleSubject::Percent),
        _ => None,
    }
}

fn caption_scale(tokens: &Tokens<'_>, at: usize) -> Option<i32> {
    let text = tokens.text_at(at);
    if tokens.is_number(at) {
        // "$000", "000s", "'000", "000,000"
        return match text {
            "000" => Some(3),
            "000,000" | "000'000" => Some(6),
            "1,000" if preceded_by_in_or_currency(tokens, at) => Some(3),
            "1,000,000" if preceded_by_in_or_currency(tokens, at) => Some(6),
            _ => None,
        };
    }
    let word = text.to_lowercase();
    let number_before = at > 0 && tokens.is_number(at - 1);
    if let Some(scale) = word_scale(&word).filter(|_| !number_before) {
        // "thousand of millions" and "$ thousand million" are rare; "millions" alone is the rule.
        return Some(scale);
    }
    // "$m", "€bn", "EURm", "TEUR", "k€", "M€"
    let currency_before = at > 0 && currency::before(tokens, at - 1).is_some_and(|(_, end)| end == at);
    let currency_after = tokens.list.get(at + 1).is_some_and(|token| !token.spaced)
        && currency::after(tokens, at + 1).is_some();
    if currency_before || currency_after {
        let in_thousands = text == "T" && currency_after;
        return if in_thousands { Some(3) } else { letter(text) };
    }
    for (prefix, scale) in [("T", 3), ("k", 3), ("M", 6)] {
        if text.strip_prefix(prefix).is_some_and(currency::is_code) {
            return Some(scale);
        }
    }
    for (suffix, scale) in [("m", 6), ("k", 3), ("bn", 9)] {
        if text.strip_suffix(suffix).is_some_and(currency::is_code) {
            return Some(scale);
        }
    }
    None
}

fn preceded_by_in_or_currency(tokens: &Tokens<'_>, at: usize) -> bool {
    at > 0 && (tokens.word(at - 1) == "in" || currency::before(tokens, at - 1).is_some())
}

#[cfg(test)]
mod tests {
    use super::ScaleSubject::{Count, PerShare, Shares};
    use super::*;

    #[test]
    fn captions_of_real_statements() {
        let read = |text| {
            let statement = scale_from_caption(text).expect("a statement");
            (statement.scale, statement.currency, statement.exceptions)
        };
        assert_eq!(read("(in millions, except per share data)"), (Some(6), None, vec![(PerShare, 0)]));
        assert_eq!(
            read(
                "(In millions, except number of shares, which are reflected in thousands, and per-share amounts)"
            ),
            (Some(6), None, vec![(PerShare, 0), (Shares, 3)])
        );
        assert_eq!(
            read("(Dollars in thousands, except share and per share amounts)"),
            (Some(3), Some("USD"), vec![(PerShare, 0), (Shares, 0)])
        );
        assert_eq!(
            read("(Dollars in millions, shares in thousands)"),
            (Some(6), Some("USD"), vec![(Shares, 3)])
        );
        assert_eq!(
            read("($ in 000s, except per diluted share)"),
            (Some(3), Some("USD"), vec![(PerShare, 0)])
        );
        assert_eq!(read("£'000"), (Some(3), Some("GBP"), vec![]));
        assert_eq!(read("in Mio. EUR"), (Some(6), Some("EUR"), vec![]));
        assert_eq!(read("TEUR"), (Some(3), Some("EUR"), vec![]));
        assert_eq!(read("M€"), (Some(6), Some("EUR"), vec![]));
        assert_eq!(read("US$m"), (Some(6), Some("USD"), vec![]));
        assert_eq!(read("(Rs. in crores)"), (Some(7), Some("INR"), vec![]));
        assert_eq!(read("en millions d'euros"), (Some(6), Some("EUR"), vec![]));
        assert_eq!(read("(millions of dollars)"), (Some(6), Some("USD"), vec![]));
        assert_eq!(read("(in thousands, except employees)"), (Some(3), None, vec![(Count, 0)]));
        assert_eq!(scale_from_caption("Consolidated Balance Sheets"), None);
        assert_eq!(scale_from_caption("Number of shares"), None);
    }
}
