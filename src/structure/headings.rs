//! Numbering of headings: "PART I", "Item 7A.", "Note 12", "1.2.3", "(a)".

/// How a heading is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// `PART II`, `Chapter 3`
    Part,
    /// `Item 7A.`, `Article 5`
    Item,
    /// `Note 12`, `12.` under notes
    Note,
    /// `1.2.3`, with the number of its parts.
    Decimal(u32),
    /// `A.`
    Letter,
    /// `IV.`
    Roman,
    /// `(a)`, `(iv)`, `(1)`
    Parentheses,
}

/// The numbering a heading starts with, and where its own words begin (byte offset).
pub(super) fn numbering(text: &str) -> Option<(Numbering, usize)> {
    let mut words = text.split_whitespace();
    let first = words.next()?;
    let after_first = offset_after(text, first);
    let second = words.next().unwrap_or("");
    let named = match first.trim_end_matches([':', '.', '—', '–', '-']).to_lowercase().as_str() {
        "part" | "chapter" | "teil" => Some(Numbering::Part),
        "item" | "article" => Some(Numbering::Item),
        "note" | "footnote" | "schedule" | "annex" | "appendix" | "exhibit" => Some(Numbering::Note),
        _ => None,
    };
    if let Some(kind) = named {
        let label = second.split(['—', '–', '-', ':', '.']).next().unwrap_or("");
        let is_label = is_number(label)
            || is_roman(label)
            || label.len() == 1 && label.starts_with(|c: char| c.is_ascii_uppercase());
        if !is_label {
            return None;
        }
        let after_second = after_first + offset_after(&text[after_first..], second);
        let rest = after_second - second.len() + label.len();
        let skipped = text[rest..]
            .trim_start_matches(|c: char| matches!(c, '.' | ':' | '—' | '–' | '-') || c.is_whitespace());
        return Some((kind, text.len() - skipped.len()));
    }
    let bare = first.trim_end_matches(['.', ')', ':']);
    let marked = bare.len() < first.len();
    let kind = if first.starts_with('(') && first.ends_with(')') && bare.len() <= 6 {
        Numbering::Parentheses
    } else if bare.contains('.') && bare.split('.').all(is_number) {
        Numbering::Decimal(bare.split('.').count() as u32)
    } else if is_number(bare) && bare.len() <= 2 && (marked || second.starts_with(char::is_uppercase)) {
        Numbering::Decimal(1)
    } else if marked && bare.len() > 1 && is_roman(bare) {
        Numbering::Roman
    } else if marked && bare.len() == 1 && bare.starts_with(|c: char| c.is_ascii_uppercase()) {
        // A single I, V or X is read as a letter; the level is the same.
        Numbering::Letter
    } else {
        return None;
    };
    Some((kind, after_first))
}

/// The decimal number of a heading, part by part, with or without a word for the kind of section before it: "1.2.3 Scope",
/// "Strategy 1.2.3. Resilience". Of one part only without such a word. Empty where there is none.
pub(super) fn decimal_path(text: &str) -> Vec<u16> {
    const CAPTIONS: [&str; 6] = ["table", "figure", "chart", "exhibit", "box", "graph"];
    let mut words = text.split_whitespace();
    let path = |word: &str| {
        let bare = word.trim_end_matches(['.', ')', ':']);
        let path: Option<Vec<u16>> = bare.split('.').map(|part| part.parse().ok()).collect();
        path.filter(|path| path.iter().all(|part| (1..1000).contains(part))).unwrap_or_default()
    };
    let Some(first) = words.next() else { return Vec::new() };
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        return path(first);
    }
    let is_kind = first.chars().all(char::is_alphabetic)
        && first.starts_with(char::is_uppercase)
        && !CAPTIONS.contains(&first.to_lowercase().as_str());
    Some(words.next().map(path).unwrap_or_default())
        .filter(|path| is_kind && path.len() > 1)
        .unwrap_or_default()
}

/// Whether a line starts a numbered heading of its own.
pub(super) fn starts_numbering(text: &str) -> bool {
    numbering(text).is_some()
}

fn offset_after(text: &str, word: &str) -> usize {
    text.find(word).map_or(0, |start| start + word.len())
}

fn is_number(text: &str) -> bool {
    // "7A" is a number of items.
    let digits = text.strip_suffix(|c: char| c.is_ascii_uppercase()).unwrap_or(text);
    !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_roman(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 5
        && text.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'i' | 'v' | 'x'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_part_by_part() {
        assert_eq!(decimal_path("1.2.3 Scope"), [1, 2, 3]);
        assert_eq!(decimal_path("2. Leases"), [2]);
        assert_eq!(decimal_path("Strategy 1.2.10. Resilience"), [1, 2, 10]);
        for text in [
            "Note 12 Leases",
            "Table 1.2 Sales",
            "Overview",
            "0.5 of sales",
            "Sales of 1.2",
            "",
            "1.2x leverage",
        ] {
            assert!(decimal_path(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn numbering_of_real_headings() {
        let read = |text: &'static str| numbering(text).map(|(kind, rest)| (kind, &text[rest..]));
        assert_eq!(read("PART I"), Some((Numbering::Part, "")));
        assert_eq!(
            read("Item 7A. Quantitative Disclosures"),
            Some((Numbering::Item, "Quantitative Disclosures"))
        );
        assert_eq!(read("ITEM 1: BUSINESS"), Some((Numbering::Item, "BUSINESS")));
        assert_eq!(read("Note 12 – Income Taxes"), Some((Numbering::Note, "Income Taxes")));
        assert_eq!(read("1.2.3 Scope"), Some((Numbering::Decimal(3), " Scope")));
        assert_eq!(read("12. Leases"), Some((Numbering::Decimal(1), " Leases")));
        assert_eq!(read("(a) Basis"), Some((Numbering::Parentheses, " Basis")));
        assert_eq!(read("A. Overview"), Some((Numbering::Letter, " Overview")));
        assert_eq!(read("IV. Results"), Some((Numbering::Roman, " Results")));
        for text in [
            "Items of note",
            "2024 Compared with 2023",
            "Overview",
            "Part of the plan",
            "",
            "I agree",
            "U.S. Sales",
        ] {
            assert_eq!(numbering(text), None, "{text}");
        }
    }
}
