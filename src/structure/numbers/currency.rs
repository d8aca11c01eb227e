//! Currencies by symbol, code or name.

use super::lexer::{TokenKind, Tokens};

/// ISO 4217 codes that reports use, apart from those that are common English words.
const CODES: &[&str] = &[
    "AED", "ARS", "AUD", "BDT", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP",
    "EUR", "GBP", "GHS", "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KES", "KRW", "KWD", "KZT", "LKR", "MAD",
    "MXN", "MYR", "NGN", "NOK", "NZD", "OMR", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RUB", "SAR", "SEK",
    "SGD", "THB", "TND", "TRY", "TWD", "UAH", "USD", "VND", "XAF", "XOF", "ZAR",
];

/// Letters before a dollar sign.
const DOLLARS: &[(&str, &str)] = &[
    ("US", "USD"),
    ("A", "AUD"),
    ("AU", "AUD"),
    ("C", "CAD"),
    ("CA", "CAD"),
    ("Cdn", "CAD"),
    ("CDN", "CAD"),
    ("HK", "HKD"),
    ("NZ", "NZD"),
    ("S", "SGD"),
    ("SG", "SGD"),
    ("R", "BRL"),
    ("NT", "TWD"),
    ("MX", "MXN"),
];

/// Names after a number, singular.
const NAMES: &[(&[&str], &str)] = &[
    (&["dollar"], "USD"),
    (&["us", "dollar"], "USD"),
    (&["canadian", "dollar"], "CAD"),
    (&["australian", "dollar"], "AUD"),
    (&["hong", "kong", "dollar"], "HKD"),
    (&["singapore", "dollar"], "SGD"),
    (&["new", "zealand", "dollar"], "NZD"),
    (&["euro"], "EUR"),
    (&["brazilian", "reais"], "BRL"),
    (&["reais"], "BRL"),
    (&["swedish", "kronor"], "SEK"),
    (&["danish", "kroner"], "DKK"),
    (&["norwegian", "kroner"], "NOK"),
    (&["south", "african", "rand"], "ZAR"),
    (&["pound", "sterling"], "GBP"),
    (&["british", "pound"], "GBP"),
    (&["swiss", "franc"], "CHF"),
    (&["japanese", "yen"], "JPY"),
    (&["yen"], "JPY"),
    (&["yuan"], "CNY"),
    (&["renminbi"], "CNY"),
    (&["rupee"], "INR"),
    (&["indian", "rupee"], "INR"),
];

/// Full name of every code, for checks elsewhere.
pub(super) fn is_code(text: &str) -> bool {
    CODES.binary_search(&text).is_ok()
}

/// The code itself, if it is one.
pub(crate) fn code(text: &str) -> Option<&'static str> {
    CODES.binary_search(&text).ok().map(|index| CODES[index])
}

fn symbol(character: char) -> Option<&'static str> {
    Some(match character {
        '$' => "USD", // of the dollars by far the most frequent; a document's own statement overrides it
        '€' => "EUR",
        '£' => "GBP",
        '¥' => "JPY",
        '₹' => "INR",
        '₩' => "KRW",
        '₽' => "RUB",
        '₪' => "ILS",
        '₺' => "TRY",
        '฿' => "THB",
        '₫' => "VND",
        '₦' => "NGN",
        '₱' => "PHP",
        '₴' => "UAH",
        _ => return None,
    })
}

fn code_or_short_name(text: &str) -> Option<&'static str> {
    match text {
        "Rs" | "RS" => Some("INR"),
        "RMB" => Some("CNY"),
        "TL" => Some("TRY"),
        "zł" => Some("PLN"),
        "Kč" => Some("CZK"),
        "Ft" => Some("HUF"),
        _ => CODES.binary_search(&text).ok().map(|index| CODES[index]),
    }
}

/// The currency written before a number at token `at`, and the token after it.
pub(super) fn before(tokens: &Tokens<'_>, at: usize) -> Option<(&'static str, usize)> {
    let token = tokens.list.get(at)?;
    match token.kind {
        TokenKind::Symbol(character) => symbol(character).map(|code| (code, at + 1)),
        TokenKind::Number | TokenKind::Fraction(..) => None,
        TokenKind::Word => {
            if tokens.text_at(at) == "U" && tokens.is_symbol(at + 1, '.') && tokens.text_at(at + 2) == "S" {
                let next = tokens.skip_point(at + 3);
                return tokens.is_symbol(next, '$').then_some(("USD", next + 1));
            }
            if tokens.is_symbol(at + 1, '$') && !tokens.spaced(at + 1) {
                let (_, code) = DOLLARS.iter().find(|(letters, _)| *letters == tokens.text_at(at))?;
                return Some((code, at + 2));
            }
            let code = code_or_short_name(tokens.text_at(at))?;
            let mut next = tokens.skip_point(at + 1);
            if tokens
                .list
                .get(next)
                .is_some_and(|token| matches!(token.kind, TokenKind::Symbol(mark) if symbol(mark).is_some()))
            {
                next += 1; // "CAD $5"
            }
            Some((code, next))
        }
    }
}

/// The currency written after a number at token `at`, and the token after it.
pub(super) fn after(tokens: &Tokens<'_>, at: usize) -> Option<(&'static str, usize)> {
    let token = tokens.list.get(at)?;
    match token.kind {
        // A symbol with a number behind it belongs to that number: "10 $5 bills".
        TokenKind::Symbol(character) => {
            let code = symbol(character)?;
            (!tokens.is_number(at + 1) || tokens.spaced(at + 1)).then_some((code, at + 1))
        }
        TokenKind::Number | TokenKind::Fraction(..) => None,
        TokenKind::Word => {
            if let Some(code) = code_or_short_name(tokens.text_at(at)) {
                return Some((code, at + 1));
            }
            // "millions d'euros", "miljoner de euro"
            let elided =
                tokens.text_at(at) == "d" && ['\'', '’'].iter().any(|mark| tokens.is_symbol(at + 1, *mark));
            let at = match tokens.word(at).as_str() {
                "d" if elided => at + 2,
                "de" | "di" if tokens.word(at + 1).starts_with("euro") => at + 1,
                _ => at,
            };
            let at = if tokens.text_at(at) == "U"
                && tokens.is_symbol(at + 1, '.')
                && tokens.text_at(at + 2) == "S"
            {
                tokens.skip_point(at + 3)
            } else {
                at
            };
            NAMES
                .iter()
                .filter_map(|(name, code)| {
                    let (last, first) = name.split_last()?;
                    let end = at + first.len();
                    let word = tokens.word(end);
                    let fits =
                        first.iter().enumerate().all(|(offset, part)| tokens.word(at + offset) == *part)
                            && (word == *last || word.strip_suffix('s') == Some(*last));
                    fits.then_some((*code, end + 1))
                })
                .next()
        }
    }
}

/// The currency that a heading or caption names ("in millions of euros", "US$ in thousands").
pub(super) fn mentioned(tokens: &Tokens<'_>) -> Option<&'static str> {
    (0..tokens.list.len()).find_map(|at| {
        let code = before(tokens, at).or_else(|| after(tokens, at)).map(|(code, _)| code);
        let word = tokens.text_at(at);
        // "TEUR", "MEUR", "EURm": a scale letter joined to the code.
        let joined = || {
            let inner = word.strip_prefix(['T', 'M', 'k']).filter(|rest| is_code(rest));
            let outer = word.strip_suffix(['m', 'k']).filter(|rest| is_code(rest));
            inner.or(outer).and_then(code_or_short_name)
        };
        code.or_else(joined)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_for_the_search() {
        assert!(CODES.is_sorted());
    }

    #[test]
    fn symbols_codes_and_names() {
        let front = |text| before(&Tokens::new(text), 0).map(|(code, _)| code);
        assert_eq!(front("US$5"), Some("USD"));
        assert_eq!(front("U.S. $5"), Some("USD"));
        assert_eq!(front("HK$5"), Some("HKD"));
        assert_eq!(front("Rs. 5"), Some("INR"));
        assert_eq!(front("EUR 5"), Some("EUR"));
        assert_eq!(front("eur 5"), None);
        let back = |text| after(&Tokens::new(text), 0).map(|(code, _)| code);
        assert_eq!(back("Hong Kong dollars"), Some("HKD"));
        assert_eq!(back("U.S. dollars"), Some("USD"));
        assert_eq!(back("€."), Some("EUR"));
        assert_eq!(back("d’euros"), Some("EUR"));
        assert_eq!(back("de euros"), Some("EUR"));
        assert_eq!(back("de la"), None);
        assert_eq!(back("$5"), None);
        assert_eq!(mentioned(&Tokens::new("in TEUR")), Some("EUR"));
    }
}
