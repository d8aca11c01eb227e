//! What a number counts and in which unit, as its row's label and its column's header say.

use crate::document::analysis::FigureKind;
use crate::structure::numbers::{ScaleSubject, counted_nouns, is_of_unit_words, scale_from_caption};

/// Units in brackets behind a label that are no money: "(tonnes)", "(MW)". Numbers of them keep their own scale.
const MEASURES: &[&str] = &[
    "bbl", "boe", "boepd", "bpd", "days", "gj", "gw", "gwh", "ha", "hours", "kg", "km", "kt", "kw", "kwh",
    "lbs", "litres", "m2", "m²", "mcf", "mi", "miles", "mmbtu", "months", "mw", "mwh", "no.", "number", "#",
    "ounces", "oz", "sq", "sqm", "square", "t", "teu", "tj", "twh", "units", "weeks", "years", "yrs", "days",
    "acres", "feet", "metres", "meters",
];

/// Words that may stand before what is counted: "Total number of full-time employees at year end".
const BEFORE_COUNTED: &[&str] = &[
    "a",
    "active",
    "all",
    "and",
    "approximate",
    "average",
    "closed",
    "closing",
    "company",
    "comparable",
    "corporate",
    "domestic",
    "end",
    "ending",
    "franchise",
    "franchised",
    "full",
    "global",
    "gross",
    "group",
    "international",
    "leased",
    "licensed",
    "monthly",
    "daily",
    "net",
    "new",
    "no",
    "number",
    "of",
    "open",
    "opened",
    "operated",
    "opening",
    "other",
    "owned",
    "part",
    "paying",
    "period",
    "permanent",
    "registered",
    "retail",
    "temporary",
    "the",
    "time",
    "total",
    "unique",
    "weighted",
    "year",
    "s",
];

/// Words that may stand behind it.
const AFTER_COUNTED: &[&str] = &[
    "at",
    "as",
    "by",
    "end",
    "closed",
    "equivalent",
    "equivalents",
    "in",
    "number",
    "opened",
    "operated",
    "on",
    "open",
    "outstanding",
    "served",
    "total",
    "worldwide",
    "during",
    "added",
    "per",
    "average",
];

/// What a label or a header says about the numbers beside or below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::structure) struct LabelUnit {
    /// What they count; `None` for amounts.
    pub about: Option<ScaleSubject>,
    /// Power of ten that it states.
    pub scale: Option<i32>,
    /// Currency that it states.
    pub currency: Option<&'static str>,
    /// Whether it names a currency, or the unit of a count, and no scale: "Price ($)", "2024 $".
    pub plain: bool,
    /// Whether nothing but the word "shares" says that it counts: "Employee shares" under "2024 $" are money.
    pub loosely: bool,
}

/// What a number counts, by its own unit, its row and its column.
pub(in crate::structure) fn subject(
    label: &LabelUnit,
    header: &LabelUnit,
    kind: FigureKind,
) -> Option<ScaleSubject> {
    use ScaleSubject::{Count, PerShare, Percent, Ratio, Shares};
    let says = |about| label.about == Some(about) || header.about == Some(about);
    let number = kind == FigureKind::Number;
    match kind {
        FigureKind::Percent => Some(Percent),
        FigureKind::Money if says(PerShare) => Some(PerShare),
        FigureKind::Money => None,
        _ if says(Percent) && header.about != Some(Count) => Some(Percent),
        FigureKind::PerShare => Some(PerShare),
        _ if number && label.about == Some(Shares) && label.loosely && header.currency.is_some() => {
            header.about
        }
        _ if number && label.about == Some(Shares) => Some(Shares),
        _ if says(PerShare) => Some(PerShare),
        _ if number && header.about == Some(Shares) && label.about != Some(Ratio) => Some(Shares),
        _ if number => label.about.or(header.about),
        _ => None,
    }
}

/// Reads the label of a row.
pub(in crate::structure) fn label_unit(label: &str) -> LabelUnit {
    let lower = without_stated_amounts(&label.to_lowercase());
    let mut unit = unit_behind(label);
    if unit.about.is_none() {
        unit.about = about_of_label(&lower);
        unit.loosely = unit.about == Some(ScaleSubject::Shares) && !counts_shares(&lower);
    }
    // "Common shares, par value $2.50; 1,400 authorized, 604 outstanding": the shares are in the label, their amount beside it.
    let counted =
        ["authorized", "authorised", "issued"].iter().any(|word| label.to_lowercase().contains(word));
    if unit.about == Some(ScaleSubject::Shares) && counted && label.contains(|c: char| c.is_ascii_digit()) {
        unit.about = None;
    }
    unit
}

/// Reads the header of a column, spanning headers included.
pub(in crate::structure) fn header_unit(header: &str) -> LabelUnit {
    let plain = without_exceptions(header);
    let lower = plain.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let mut unit = unit_behind(&plain);
    if let Some(stated) = scale_from_caption(&plain) {
        unit.currency = unit.currency.or(stated.currency);
        unit.scale = unit.scale.or(stated.scale);
    }
    if unit.about.is_some() {
        return unit;
    }
    if unit.scale.is_none() && ends_with_currency(&plain) {
        unit.plain = true;
    }
    if ends_with_number(&lower) {
        unit.about = Some(ScaleSubject::Count);
        unit.plain = true;
        return unit;
    }
    // A price is one of a piece; its column keeps its own scale.
    if unit.plain && unit.scale.is_none() && says(&["price", "prices", "preis", "prix", "precio"]) {
        unit.scale = Some(0);
    }
    unit.about = if has_percent_sign(&lower) || lower.contains("percent") {
        Some(ScaleSubject::Percent)
    } else if says(&["per share", "per unit"]) || is_average_price(&lower) {
        Some(ScaleSubject::PerShare)
    } else if says(&["basis points", "(bps)", "(times)"]) || has_index(&lower) {
        Some(ScaleSubject::Ratio)
    } else if says(&["shares", "share units", "awards", "warrants", "rsus", "psus", "stock units"])
        && !says(&["repurchase", "issuance", "proceeds", "$", "amount", "value"])
    {
        Some(ScaleSubject::Shares)
    } else if is_counted(&lower) {
        Some(ScaleSubject::Count)
    } else {
        None
    };
    unit
}

/// "2024 $", "Total £": the unit is what stands last, by itself.
fn ends_with_currency(header: &str) -> bool {
    let last = header.split_whitespace().next_back().unwrap_or("");
    header.contains(' ') && last.ends_with(['$', '€', '£', '¥', '₹']) && last.len() <= 4
}

/// "31 March 2024 Number"
fn ends_with_number(header: &str) -> bool {
    matches!(header.split_whitespace().next_back(), Some("number" | "numbers" | "no." | "#"))
}

/// Whether a label says that it counts shares, and not only what happens to them.
fn counts_shares(label: &str) -> bool {
    let words = [
        "number",
        "no. of",
        "average",
        "outstanding",
        "in issue",
        "shares used",
        "basic",
        "diluted",
        "('000)",
    ];
    words.iter().any(|word| label.contains(word))
}

/// The unit in brackets or behind a comma at the end: "Interest cover (times)", "Revenue, £m".
fn unit_behind(text: &str) -> LabelUnit {
    let mut unit = LabelUnit::default();
    let mut rest = text;
    let mut groups: Vec<&str> = Vec::new();
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')') else { break };
        groups.push(&rest[open + 1..open + close]);
        rest = &rest[open + close + 1..];
    }
    if let Some((_, behind)) = text.rsplit_once(", ") {
        groups.push(behind);
    }
    for group in groups {
        let group = group.trim();
        let lower = group.to_lowercase();
        let words: Vec<&str> = lower.split([' ', '/']).filter(|word| !word.is_empty()).collect();
        let is = |names: &[&str]| names.contains(&lower.as_str());
        if is(&["%", "percent", "percentage", "in %", "pct", "in percent"]) {
            unit.about = Some(ScaleSubject::Percent);
        } else if is(&["times", "x", "ratio", "bps", "bp", "basis points", "pp", "%-points", "multiple"]) {
            unit.about = Some(ScaleSubject::Ratio);
        } else if is(&["pence", "p", "in pence"]) {
            (unit.scale, unit.currency) = (Some(-2), Some("GBP"));
        } else if is(&["cents", "c", "¢", "in cents", "cts"]) {
            unit.scale = Some(-2);
        } else if words.first().is_some_and(|word| MEASURES.contains(word) || counted_nouns().contains(word))
            // "(Miles de €)" are thousands of euros.
            && !(is_of_unit_words(group) && scale_from_caption(group).is_some_and(|says| says.currency.is_some()))
        {
            unit.about = Some(ScaleSubject::Count);
            unit.plain = true;
        } else if let Some(stated) = scale_from_caption(group).filter(|_| is_of_unit_words(group)) {
            unit.currency = unit.currency.or(stated.currency);
            match (stated.scale, stated.exceptions.first()) {
                (Some(scale), _) => unit.scale = Some(scale),
                // "(shares in millions)"
                (None, Some((about, scale))) if *scale != 0 => {
                    unit.about = Some(*about);
                    unit.scale = Some(*scale);
                }
                (None, Some(_)) => {}
                (None, None) => unit.plain = true,
            }
        }
    }
    unit
}

fn about_of_label(label: &str) -> Option<ScaleSubject> {
    let says = |words: &[&str]| words.iter().any(|word| label.contains(word));
    if says(&["percentage", "(%)", "% of", "percent of", "margin %", "in %"]) {
        return Some(ScaleSubject::Percent);
    }
    // The phrase that comes first heads the label: "shares used in computing earnings per share", "earnings per share,
    // weighted average shares".
    let first = |words: &[&str]| words.iter().filter_map(|word| label.find(word)).min();
    let per_share = first(&[
        "per share",
        "per common share",
        "per ordinary share",
        "per ads",
        "per diluted",
        "per basic",
        "per unit",
    ]);
    let shares = first(&[
        "shares used",
        "shares outstanding",
        "number of shares",
        "average shares",
        "number of ordinary shares",
    ]);
    match (per_share, shares) {
        (Some(_), None) => return Some(ScaleSubject::PerShare),
        (Some(per_share), Some(shares)) if per_share < shares => return Some(ScaleSubject::PerShare),
        (_, Some(_)) => return Some(ScaleSubject::Shares),
        (None, None) => {}
    }
    if is_average_price(label) {
        return Some(ScaleSubject::PerShare);
    }
    if says(&["weighted-average", "weighted average"]) {
        return if says(&["rate", "yield"]) {
            Some(ScaleSubject::Percent)
        } else if says(&["term", "life", "maturity", "duration", "period", "years"]) {
            Some(ScaleSubject::Count)
        } else {
            Some(ScaleSubject::Shares)
        };
    }
    if says(&["shares"])
        && !says(&["repurchase", "issuance", "proceeds", "purchase", "$", "value", "cost of"])
    {
        return Some(ScaleSubject::Shares);
    }
    // Whole words: "operations" holds "ratio".
    let has_word =
        |names: &[&str]| label.split(|c: char| !c.is_alphabetic()).any(|word| names.contains(&word));
    if has_word(&["ratio", "ratios"]) || has_index(label) {
        return Some(ScaleSubject::Ratio);
    }
    is_counted(label).then_some(ScaleSubject::Count)
}

/// Whether a text in small letters names things that are counted: "Employees at year end", "Number of stores", "FTEs". Not
/// "employee costs", nor "receivables from customers".
fn is_counted(text: &str) -> bool {
    let said = [
        "number of ",
        "no. of ",
        "# of ",
        "units sold",
        "units shipped",
        "units produced",
        "units delivered",
    ];
    if said.iter().any(|words| text.contains(words)) {
        return true;
    }
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.contains(char::is_alphabetic))
        .collect();
    let Some(at) = words.iter().position(|word| counted_nouns().contains(word)) else { return false };
    words[..at].iter().all(|word| BEFORE_COUNTED.contains(word))
        && words.get(at + 1).is_none_or(|word| AFTER_COUNTED.contains(word) || counted_nouns().contains(word))
}

/// A header without what its scale leaves out: "(in millions, except per share data)" heads more than shares.
fn without_exceptions(header: &str) -> String {
    let Some((before, rest)) = header.split_once("except") else { return header.to_owned() };
    format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after))
}

/// A label without the amounts that it states itself: "dividends declared ($0.60 per share)" and "common stock, par value
/// $0.20 per share; 500 shares authorized" head no amounts per share.
fn without_stated_amounts(label: &str) -> String {
    let mut kept = String::with_capacity(label.len());
    let mut rest = label;
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')') else { break };
        let (aside, after) = rest[open..].split_at(close + 1);
        kept.push_str(&rest[..open]);
        if !aside.contains(|c: char| c.is_ascii_digit()) {
            kept.push_str(aside);
        }
        rest = after;
    }
    kept.push_str(rest);
    // Clauses with digits of their own, but for years and days: those say nothing about the row's numbers.
    let has_amount = |clause: &&str| {
        clause.contains(['$', '€', '£']) && clause.contains(|c: char| c.is_ascii_digit())
            || clause.contains("par value")
            || clause.contains(|c: char| c.is_ascii_digit())
                && ["authorized", "issued", "outstanding", "shares"].iter().any(|word| clause.contains(word))
    };
    let clauses: Vec<&str> = kept.split([',', ';', '—', '–']).collect();
    match clauses.split_first() {
        Some((first, others)) if !others.is_empty() => std::iter::once(*first)
            .chain(others.iter().copied().filter(|clause| !has_amount(clause)))
            .collect::<Vec<_>>()
            .join(","),
        _ => kept,
    }
}

/// Whether a line about units speaks of things that are measured or counted and not of money: "thousands of barrels daily".
pub(in crate::structure) fn names_measure(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2);
    words.any(|word| {
        MEASURES.contains(&word)
            || counted_nouns().contains(&word)
            || matches!(
                word,
                "barrels" | "cubic" | "megawatt" | "megawatts" | "gigajoules" | "litre" | "tonne"
            )
    })
}

/// "Index (2020 = 100)"
fn has_index(text: &str) -> bool {
    text.contains("index") && text.contains("100")
}

/// "% change", "Change (%)" and "% of sales", but not "2.5% notes".
fn has_percent_sign(header: &str) -> bool {
    header.match_indices('%').any(|(at, _)| !header[..at].trim_end().ends_with(|c: char| c.is_ascii_digit()))
}

/// "Weighted average exercise price", "weighted-average grant-date fair value": amounts of one share or option.
fn is_average_price(text: &str) -> bool {
    text.contains("average") && (text.contains("price") || text.contains("fair value"))
}

#[cfg(test)]
mod tests {
    use super::ScaleSubject::{Count, PerShare, Percent, Ratio, Shares};
    use super::*;

    #[test]
    fn labels_say_what_is_counted() {
        let about = |label| label_unit(label).about;
        for (label, expected) in [
            ("Employees at year end", Some(Count)),
            ("Number of stores", Some(Count)),
            ("Average number of full-time employees", Some(Count)),
            ("Employee costs", None),
            ("Receivables from customers", None),
            ("Interest cover (times)", Some(Ratio)),
            ("Operating margin (%)", Some(Percent)),
            ("Net income per share", Some(PerShare)),
            ("Dividends declared ($0.60 per share)", None),
            ("Common stock, par value $0.20 per share; 500 shares authorized", None),
            ("Weighted average shares outstanding", Some(Shares)),
            ("Common shares, $2.50 par value, 1,400 authorized; 604 outstanding", None),
            ("Weighted-average interest rate", Some(Percent)),
            ("Production (tonnes)", Some(Count)),
            ("Income from operations", None),
        ] {
            assert_eq!(about(label), expected, "{label}");
        }
        assert_eq!(
            label_unit("Revenue (£m)"),
            LabelUnit { scale: Some(6), currency: Some("GBP"), ..LabelUnit::default() }
        );
        assert_eq!(label_unit("Dividend per share (pence)").scale, Some(-2));
    }

    #[test]
    fn headers_state_units_of_their_own() {
        let price = header_unit("Price ($)");
        assert!(price.plain && price.scale == Some(0) && price.currency == Some("USD"));
        assert_eq!(header_unit("Local (£m)").currency, Some("GBP"));
        assert_eq!(header_unit("Revenue ($m)").scale, Some(6));
        assert_eq!(header_unit("EUR m").scale, Some(6));
        assert_eq!(header_unit("Shares (thousands)").scale, Some(3));
        assert_eq!(header_unit("Fees ($000)").scale, Some(3));
        assert_eq!(header_unit("(in millions, except per share data) 2024").about, None);
        assert_eq!(header_unit("% change").about, Some(Percent));
        // The unit stands last, by itself.
        let whole = header_unit("2022 $");
        assert!(whole.plain && whole.scale.is_none() && whole.currency == Some("USD"));
        assert!(!header_unit("2022 $’000").plain);
        assert_eq!(header_unit("2022 £’m").scale, Some(6));
        assert_eq!(header_unit("31 March 2022 Number").about, Some(Count));
    }

    #[test]
    fn the_word_shares_yields_to_a_column_of_money() {
        let of = |label, header| subject(&label_unit(label), &header_unit(header), FigureKind::Number);
        assert_eq!(of("Employee shares", "2022 £’000"), None);
        assert_eq!(of("Weighted average number of shares", "2022 £’000"), Some(Shares));
        assert_eq!(of("Employee shares", "2022"), Some(Shares));
    }
}
