//! Names of networks, features and kinds as people say them; numbers and dates as they write them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::document::analysis::{FigureKind, Severity, Status};
use crate::scoring::features::named;
use crate::structure::numbers::MONTHS;

/// What the ratios of `distress` are: their names say nothing.
static RATIOS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let set = named("ratios").map(|set| set.features).unwrap_or_default();
    set.into_iter().map(|feature| (feature.name, feature.meaning)).collect()
});

/// What a scoring network tells.
pub(super) fn network(name: &str) -> String {
    match name {
        "risk_scorer" => "Risk language".to_owned(),
        "anomaly_detector" => "Numbers set unlike the rest".to_owned(),
        "pattern_detector" => "Kind of table".to_owned(),
        "distress" => "Distress by ratios".to_owned(),
        "fusion" => "Review priority".to_owned(),
        other => plain(other),
    }
}

/// What a feature of a network measures.
pub(super) fn feature(name: &str) -> String {
    const KNOWN: [(&str, &str); 14] = [
        ("audit_any_broken", "a sum does not hold"),
        ("audit_broken", "sums that do not hold"),
        ("audit_broken_share", "share of sums that do not hold"),
        ("audit_checked", "sums checked"),
        ("audit_hold", "sums that hold"),
        ("distress", "distress by ratios"),
        ("found_errors", "other findings that are errors"),
        ("found_warnings", "other findings that are warnings"),
        ("negative", "negative sentences"),
        ("negative_most", "the most negative sentence"),
        ("negative_second", "the second most negative sentence"),
        ("negative_share", "share of negative sentences"),
        ("passage_alarm", "a passage with adverse words and a negative tone"),
        ("unsure_blocks", "layout that is in doubt"),
    ];
    if let Some((_, words)) = KNOWN.iter().find(|(known, _)| *known == name) {
        return (*words).to_owned();
    }
    if let Some(meaning) = RATIOS.get(name) {
        // The value shown is the ratio's logarithm; its meaning is the ratio.
        let ratio = meaning.rsplit_once("|) of ").map_or(meaning.as_str(), |(_, ratio)| ratio);
        return ratio.split(';').next().unwrap_or(ratio).to_owned();
    }
    for (start, what) in [("alarm_", "sentences on "), ("found_", "findings of "), ("tables_", "tables of ")]
    {
        if let Some(rest) = name.strip_prefix(start) {
            return format!("{what}{}", plain(rest));
        }
    }
    if let Some(rest) = name.strip_prefix("embedding_") {
        return format!("what the text is about (direction {rest})");
    }
    for network_name in ["risk_scorer", "anomaly_detector"] {
        if let Some(rest) = name.strip_prefix(network_name).and_then(|rest| rest.strip_prefix('_')) {
            return format!("{}: {}", network(network_name).to_lowercase(), plain(rest));
        }
    }
    plain(name)
}

/// What kind of finding it is.
pub(super) fn finding(kind: &str) -> String {
    match kind {
        "footing" => "Sum of a column".to_owned(),
        "cross_footing" => "Sum of a row".to_owned(),
        "balance" => "Balance sheet equation".to_owned(),
        "tie_out" => "The same number elsewhere".to_owned(),
        other => capital(&plain(other)),
    }
}

/// `words_first_person` as `words first person`.
pub(super) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// With a capital letter in front.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Partial => "partial",
        Status::Failed => "failed",
    }
}

/// A section's kind.
pub(super) fn section_kind(label: &str) -> String {
    match label {
        "mdna" | "mda" => "MD&A".to_owned(),
        other => capital(&plain(other)),
    }
}

/// A kind of figure, as in the JSON.
pub(super) fn figure_kind(kind: FigureKind) -> &'static str {
    match kind {
        FigureKind::Money => "MONEY",
        FigureKind::PerShare => "PER_SHARE",
        FigureKind::Percent => "PERCENT",
        FigureKind::Quantity => "QUANTITY",
        FigureKind::Number => "NUMBER",
        FigureKind::Date => "DATE",
        FigureKind::Period => "PERIOD",
    }
}

/// `1 page`, `2 pages`.
pub(super) fn count(number: impl Into<u64>, what: &str) -> String {
    let number = number.into();
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// With a comma between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with grouped digits and a true minus, with the decimals it has, at most four.
pub(super) fn number(value: f64) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:e}");
    }
    let text = format!("{:.4}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A number with its sign, also where it is positive.
pub(super) fn difference(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}

/// Year, month and day of an ISO 8601 date.
fn date(text: &str) -> Option<(i32, u32, u32)> {
    let mut parts = text.splitn(3, '-').map(str::parse::<i32>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && (0..=9999).contains(&year);
    in_range.then_some((year, month as u32, day as u32))
}

/// A date or period of the analysis as people write it: `31 December 2024`, `12 months to 28 September 2024`. What has no
/// days stays as it is.
pub(super) fn period(iso: &str) -> String {
    let written =
        |(year, month, day): (i32, u32, u32)| format!("{day} {} {year}", MONTHS[month as usize - 1]);
    match iso.split_once('/') {
        None => date(iso).map_or_else(|| iso.to_owned(), written),
        Some((from, to)) => match (date(from), date(to)) {
            (Some(start), Some(end)) => {
                let days = f64::from(end.0 - start.0) * 365.25
                    + (f64::from(end.1) - f64::from(start.1)) * 30.44
                    + f64::from(end.2)
                    - f64::from(start.2);
                let months = (days / 30.44).round();
                if months >= 1.0 {
                    let plural = if months == 1.0 { "" } else { "s" };
                    format!("{months} month{plural} to {}", written(end))
                } else {
                    format!("{} to {}", written(start), written(end))
                }
            }
            _ => iso.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_periods_are_written_for_people() {
        for (value, text) in [
            (0.0, "0"),
            (-1_234_567.5, "−1,234,567.5"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (0.12345, "0.1235"),
            (-0.000_01, "0"),
            (3e18, "3e18"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(feature("x45"), "net profit / inventory");
        assert_eq!(feature("alarm_going_concern"), "sentences on going concern");
        assert_eq!(period("2023-10-01/2024-09-28"), "12 months to 28 September 2024");
        assert_eq!(period("2024-07-01/2024-09-30"), "3 months to 30 September 2024");
        assert_eq!(period("2024-09-28"), "28 September 2024");
        assert_eq!(period("2024"), "2024");
        assert_eq!(period("2024-13-01"), "2024-13-01");
    }
}
