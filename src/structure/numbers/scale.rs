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

/// Words before a scale word that make it an amount and no statement.
const QUANTIFIERS: &[&str] = &[
    "a", "an", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve",
    "fifteen", "twenty", "thirty", "forty", "fifty", "hundred", "several", "few", "many", "some", "half",
    "per", "multi", "by", "point", "tens", "hundreds", "and",
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

/// A scale and a currency written as one word behind a number, and the token after it: "7.733,1 T€", "12 TEUR", "5 Mio€".
pub(super) fn with_currency(tokens: &Tokens<'_>, at: usize) -> Option<(i32, &'static str, usize)> {
    let text = tokens.text_at(at);
    let of = |prefix: &str| match prefix {
        "T" | "k" | "K" => Some(3),
        "M" | "m" | "Mio" => Some(6),
        "Mrd" | "Md" | "bn" => Some(9),
        _ => None,
    };
    if let Some(scale) = of(text) {
        let joined = tokens.list.get(at + 1).is_some_and(|token| !token.spaced);
        let (code, end) = currency::after(tokens, at + 1).filter(|_| joined)?;
        return Some((scale, code, end));
    }
    let (prefix, code) = text.split_at_checked(text.len().checked_sub(3)?)?;
    Some((of(prefix)?, currency::code(code)?, at + 1))
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
                Some(scale) if subjects.iter().any(|subject| comes_in(*subject, scale)) => {
                    let scaled = subjects.iter().filter(|subject| comes_in(**subject, scale));
                    exceptions.extend(scaled.map(|subject| (*subject, scale)));
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

/// Whether anybody states such numbers in such a scale: "earnings per share (in millions)" speaks of the earnings.
fn comes_in(subject: ScaleSubject, scale: i32) -> bool {
    scale < 3 || matches!(subject, ScaleSubject::Shares | ScaleSubject::Count)
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
        word if counted_nouns().contains(&word) => Some(ScaleSubject::Count),
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
    // "12 million", "several million", "a thousand" are amounts.
    // "2023 Miles de €" heads a column: its year counts nothing. "ZAR (2 634) million" is an amount like any other.
    let is_year = |text: &str| text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    let counted = at > 0
        && (tokens.is_number(at - 1) && !is_year(tokens.text_at(at - 1))
            || tokens.is_symbol(at - 1, ')') && at > 1 && tokens.is_number(at - 2)
            || QUANTIFIERS.contains(&tokens.word(at - 1).as_str())
            || tokens.is_symbol(at - 1, '-') && at > 1 && tokens.is_number(at - 2));
    if let Some(scale) = word_scale(&word).filter(|_| !counted) {
        // "thousand of millions" and "$ thousand million" are rare; "millions" alone is the rule.
        return Some(scale);
    }
    // "$m", "€bn", "EURm", "TEUR", "k€", "M€"
    let currency_before = at > 0 && currency::before(tokens, at - 1).is_some_and(|(_, end)| end == at);
    let currency_after = tokens.list.get(at + 1).is_some_and(|token| !token.spaced)
        && currency::after(tokens, at + 1).is_some();
    // "£'m" and "£’m": a mark of something left out, as in "£'000".
    let left_out = at > 1
        && ['\'', '’', '‘', '´'].iter().any(|mark| tokens.is_symbol(at - 1, *mark))
        && currency::before(tokens, at - 2).is_some_and(|(_, end)| end == at - 1);
    if left_out {
        return letter(text).filter(|_| text.len() <= 2);
    }
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

/// Kinds of lines that state a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitLineKind {
    /// Nothing else is in the line: "(Dollars in millions, except per share data)".
    Whole,
    /// A title with the statement behind it: "Notes to the financial statements (in thousands)".
    Title,
    /// A sentence about amounts in general: "All amounts are presented in thousands of euros."
    Sentence,
    /// A sentence about the table that follows: "The following table shows sales (in millions):".
    LeadIn,
}

/// What a line of text says about units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnitLine {
    /// Scale, currency, exceptions.
    pub says: ScaleStatement,
    /// What kind of line says so.
    pub kind: UnitLineKind,
    /// Whether it speaks of tables only.
    pub tables_only: bool,
}

/// Words of statements of unit, beside scales, currencies and what is counted.
const UNIT_WORDS: &[&str] = &[
    "all",
    "amount",
    "amounts",
    "and",
    "angaben",
    "are",
    "as",
    "au",
    "audited",
    "australian",
    "african",
    "beträge",
    "brazilian",
    "british",
    "canadian",
    "crore",
    "d",
    "danish",
    "data",
    "de",
    "dollar",
    "dollars",
    "en",
    "equivalent",
    "etc",
    "euro",
    "euros",
    "except",
    "excepting",
    "excluding",
    "expressed",
    "figures",
    "for",
    "franc",
    "francs",
    "hong",
    "if",
    "in",
    "indicated",
    "is",
    "japanese",
    "kong",
    "kroner",
    "kronor",
    "money",
    "montants",
    "new",
    "nearest",
    "note",
    "noted",
    "notes",
    "number",
    "numbers",
    "of",
    "or",
    "other",
    "otherwise",
    "par",
    "pence",
    "per",
    "pound",
    "pounds",
    "presented",
    "norwegian",
    "rand",
    "rate",
    "reais",
    "south",
    "swedish",
    "rates",
    "ratio",
    "ratios",
    "reflected",
    "reported",
    "rounded",
    "rupee",
    "rupees",
    "s",
    "sauf",
    "singapore",
    "specified",
    "stated",
    "sterling",
    "swiss",
    "table",
    "tables",
    "tabular",
    "than",
    "the",
    "to",
    "u",
    "unaudited",
    "unit",
    "units",
    "unless",
    "us",
    "values",
    "when",
    "where",
    "which",
    "won",
    "yen",
    "yuan",
    "zealand",
    "share",
    "shares",
    "percentage",
    "percentages",
    "percent",
    "statistical",
    "information",
    "million",
    "amts",
];

/// Reads a line of text that states in which unit amounts are given; `None` where it speaks of something else.
#[must_use]
pub(crate) fn unit_line(text: &str) -> Option<UnitLine> {
    let says = scale_from_caption(text).filter(|says| says.scale.is_some())?;
    let lower = text.to_lowercase();
    let tables_only = ["tabular", "tables", "in table"].iter().any(|word| lower.contains(word));
    let line = |kind| Some(UnitLine { says: says.clone(), kind, tables_only });
    if let Some((outside, inside)) = bracketed(text) {
        if is_of_unit_words(inside) {
            let says = scale_from_caption(inside)?;
            let says =
                ScaleStatement { currency: says.currency.or(scale_from_caption(text)?.currency), ..says };
            let words = outside.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count();
            let kind = match words {
                0 => UnitLineKind::Whole,
                1..=14 if !outside.trim_end().ends_with(['.', ':', ',']) => UnitLineKind::Title,
                _ => UnitLineKind::LeadIn,
            };
            return Some(UnitLine { says, kind, tables_only });
        }
    } else if is_of_unit_words(text) {
        let says_so =
            text.ends_with('.') && lower.split(' ').any(|word| matches!(word, "are" | "is" | "been"));
        return line(if says_so { UnitLineKind::Sentence } else { UnitLineKind::Whole });
    }
    let amounts =
        ["amounts", "figures", "values", "dollars", "numbers", "financial statements", "tables", "currency"];
    let stated = ["stated", "expressed", "presented", "reported", "shown", "given", "rounded", "are in"];
    let general =
        amounts.iter().any(|word| lower.contains(word)) && stated.iter().any(|word| lower.contains(word));
    let has_amounts = text
        .split_whitespace()
        .any(|word| word.contains(|c: char| c.is_ascii_digit()) && !is_scale_word(word));
    if general && !has_amounts && scale_is_introduced(text) {
        return line(UnitLineKind::Sentence);
    }
    None
}

/// "£'000", "$000".
fn is_scale_word(word: &str) -> bool {
    word.contains("000") && !word.contains(|c: char| ('1'..='9').contains(&c))
}

/// The text around the last pair of brackets that states a scale, and the text in them.
fn bracketed(text: &str) -> Option<(String, &str)> {
    let mut end = text.len();
    while let Some(open) = text[..end].rfind('(') {
        let rest = &text[open + 1..];
        let inside = &rest[..rest.rfind(')').unwrap_or(rest.len())];
        if scale_from_caption(inside).is_some_and(|says| says.scale.is_some()) {
            let after = rest.get(inside.len() + 1..).unwrap_or("");
            return Some((format!("{} {after}", &text[..open]), inside));
        }
        end = open;
    }
    None
}

/// Whether most words of the text are those that statements of unit are made of.
#[must_use]
pub(crate) fn is_of_unit_words(text: &str) -> bool {
    let tokens = Tokens::new(text);
    let (mut known, mut all) = (0, 0);
    for at in 0..tokens.list.len() {
        let word = tokens.word(at);
        if word.is_empty() {
            continue;
        }
        all += 1;
        let is_known = UNIT_WORDS.contains(&word.as_str())
            || word_scale(&word).is_some()
            || counted_nouns().contains(&word.as_str())
            || caption_scale(&tokens, at).is_some()
            || currency::before(&tokens, at).is_some()
            || currency::after(&tokens, at).is_some();
        known += usize::from(is_known);
    }
    known * 4 >= all * 3
}

/// "in thousands", "in US$ millions", "to the nearest thousand", "in €'000".
fn scale_is_introduced(text: &str) -> bool {
    let tokens = Tokens::new(text);
    (0..tokens.list.len()).any(|at| {
        caption_scale(&tokens, at).is_some()
            && (at.saturating_sub(6)..at)
                .any(|before| matches!(tokens.word(before).as_str(), "in" | "nearest" | "en"))
    })
}

/// What reports count: rows and columns of these keep their own scale under amounts of money.
pub(crate) fn counted_nouns() -> &'static [&'static str] {
    &[
        "aircraft",
        "anställda",
        "beschäftigte",
        "collaborateurs",
        "effectif",
        "empleados",
        "empregados",
        "employés",
        "filialen",
        "funcionários",
        "magasins",
        "medarbejdere",
        "medewerkers",
        "mitarbeiter",
        "salariés",
        "tiendas",
        "branches",
        "colleagues",
        "customers",
        "customer",
        "dwellings",
        "employees",
        "employee",
        "fte",
        "ftes",
        "headcount",
        "hectares",
        "homes",
        "hotels",
        "households",
        "locations",
        "members",
        "outlets",
        "passengers",
        "patients",
        "people",
        "persons",
        "restaurants",
        "rooms",
        "shops",
        "staff",
        "store",
        "stores",
        "students",
        "subscribers",
        "subscriptions",
        "tonnes",
        "tons",
        "users",
        "vehicles",
        "vessels",
        "wells",
        "workers",
    ]
}

fn preceded_by_in_or_currency(tokens: &Tokens<'_>, at: usize) -> bool {
    at > 0 && (tokens.word(at - 1) == "in" || currency::before(tokens, at - 1).is_some())
}

#[cfg(test)]
mod tests {
    use super::ScaleSubject::{Count, PerShare, Shares};
    use super::*;

    #[test]
    fn lines_that_state_units() {
        let kind = |text| unit_line(text).map(|line| line.kind);
        assert_eq!(kind("(Dollars in millions, except per share data)"), Some(UnitLineKind::Whole));
        assert_eq!(
            kind("All amounts in thousands of Canadian dollars unless otherwise stated"),
            Some(UnitLineKind::Whole)
        );
        assert_eq!(kind("€ million"), Some(UnitLineKind::Whole));
        assert_eq!(kind("Notes to the financial statements (in thousands)"), Some(UnitLineKind::Title));
        assert_eq!(
            kind("The following table shows sales by region (in millions):"),
            Some(UnitLineKind::LeadIn)
        );
        assert_eq!(
            kind(
                "Amounts in these financial statements are presented in thousands of euros, rounded to the nearest thousand."
            ),
            Some(UnitLineKind::Sentence)
        );
        assert_eq!(kind("Sales rose to several million dollars."), None);
        assert_eq!(kind("We sold 12 million units in thousands of shops."), None);
        assert_eq!(kind("Capital expenditures of $5 million are presented in Note 3."), None);
        assert!(unit_line("(tabular amounts in millions)").is_some_and(|line| line.tables_only));
    }

    #[test]
    fn nobody_states_amounts_per_share_in_millions() {
        let text = "The amounts used to compute earnings per common share from operations (in millions, except per share):";
        let says = scale_from_caption(text).unwrap();
        assert_eq!((says.scale, says.scale_of(PerShare)), (Some(6), Some(0)));
        let says = scale_from_caption("reconciliation of earnings per common share (in millions)").unwrap();
        assert_eq!((says.scale, says.exceptions), (Some(6), Vec::new()));
    }

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
