//! The number spellings of many houses and countries, and numbers printed in a style and read back.

use proptest::prelude::*;

use super::digits::{DecimalMark, Locale};
use super::{find_figures, parse_number};

const COMMA: Locale = Locale { decimal_mark: Some(DecimalMark::Comma), ..NO };
const POINT: Locale = Locale { decimal_mark: Some(DecimalMark::Point), ..NO };
const JAPAN: Locale = Locale { triangle_is_minus: true, ..POINT };
const SPACES: Locale = Locale { spaces_group: true, ..COMMA };
const NO: Locale = Locale {
    decimal_mark: None,
    likely_mark: None,
    spaces_group: false,
    triangle_is_minus: false,
    day_first: None,
    fiscal_year_end: None,
};

#[test]
fn cells_of_many_countries() {
    let rows: &[(&str, Locale, f64)] = &[
        // United States, United Kingdom, Canada, Australia
        ("$ (1,204.5)", POINT, -1_204.5),
        ("£12·5", POINT, 12.5),
        ("12·345", NO, 12.345),
        ("A$1,204", POINT, 1_204.0),
        ("4 1/2%", POINT, 4.5),
        ("6-3/4%", POINT, 6.75),
        ("5⅝%", POINT, 5.625),
        ("4¹⁄₂%", POINT, 4.5),
        ("½", POINT, 0.5),
        ("10 15/16", POINT, 10.9375),
        ("minus 845", POINT, -845.0),
        ("negative $12.7", POINT, -12.7),
        ("▼ 4,512", POINT, 4_512.0),
        ("5.1% ▲", POINT, 5.1),
        ("nil", POINT, 0.0),
        // marks
        ("8,123¹", POINT, 8_123.0),
        ("8,123¹,²", POINT, 8_123.0),
        ("²8,123", POINT, 8_123.0),
        ("$8.5⁽³⁾", POINT, 8.5),
        ("(502)²", POINT, -502.0),
        ("12.5ᵃ%", POINT, 12.5),
        ("–⁴", POINT, 0.0),
        // brackets and signs
        ("(-845)", POINT, -845.0),
        ("[790]", POINT, -790.0),
        ("<790>", POINT, -790.0),
        ("‹790›", POINT, -790.0),
        ("⟨1,790⟩", POINT, -1_790.0),
        ("⁻92", POINT, -92.0),
        ("˗92", POINT, -92.0),
        ("−92", POINT, -92.0),
        ("－92", POINT, -92.0),
        ("‐92", POINT, -92.0),
        // Switzerland, Liechtenstein
        ("1'204'310", NO, 1_204_310.0),
        ("1’204’310.50", NO, 1_204_310.5),
        ("1‘204‘310", NO, 1_204_310.0),
        ("1ʼ100ʼ000", NO, 1_100_000.0),
        ("1′204", NO, 1_204.0),
        ("1`204", NO, 1_204.0),
        ("5'000.–", NO, 5_000.0),
        // Germany, Austria, Italy, Spain, Netherlands, Denmark, Turkey, Brazil
        ("1.234.567,89 €", NO, 1_234_567.89),
        ("12.345", COMMA, 12_345.0),
        ("(3.210)", COMMA, -3_210.0),
        ("3,5 %", COMMA, 3.5),
        ("R$ 1.234,5", NO, 1_234.5),
        ("1.234,56 TL", NO, 1_234.56),
        // France, Sweden, Norway, Finland, Poland, Czechia, South Africa
        ("12 345", NO, 12_345.0),
        ("1 234 567,5", NO, 1_234_567.5),
        ("12\u{a0}345", NO, 12_345.0),
        ("12\u{202f}345,5", NO, 12_345.5),
        ("12\u{2009}345", NO, 12_345.0),
        ("-8 901", NO, -8_901.0),
        ("1 204 zł", NO, 1_204.0),
        // Japan, China, Korea
        ("△1,234", JAPAN, -1_234.0),
        ("▲1,234", JAPAN, -1_234.0),
        ("１２，３４５", NO, 12_345.0),
        ("（１，２３４）", NO, -1_234.0),
        ("１２．５％", NO, 12.5),
        ("￥1,234", POINT, 1_234.0),
        // India, the Arab countries
        ("12,34,567", NO, 1_234_567.0),
        ("₹ 1,23,456.50", NO, 123_456.5),
        ("١٬٢٣٤", NO, 1_234.0),
        ("١٢٫٥", NO, 12.5),
        ("\u{200f}1,234\u{200e}", POINT, 1_234.0),
        // accountants
        ("4,512 CR", POINT, -4_512.0),
        ("4,512 DR", POINT, 4_512.0),
        ("4,512-", POINT, -4_512.0),
    ];
    for (text, locale, value) in rows {
        let number = parse_number(text, *locale).unwrap_or_else(|| panic!("{text} is a number"));
        assert_eq!(number.value, *value, "{text}");
    }
}

#[test]
fn what_may_be_read_in_two_ways_keeps_both() {
    let alternatives = |text: &str, locale| parse_number(text, locale).unwrap().alternatives;
    assert_eq!(alternatives("▲ 4,512", POINT), [-4_512.0]);
    assert!(alternatives("▲4,512", JAPAN).is_empty());
    assert_eq!(alternatives("[790]", POINT), [790.0]);
    let likely = Locale { likely_mark: Some(DecimalMark::Comma), ..NO };
    let number = parse_number("12.345", likely).unwrap();
    assert_eq!((number.value, number.alternatives), (12_345.0, vec![12.345]));
    assert_eq!(parse_number("12.345", NO).unwrap().alternatives, [12_345.0]);
}

#[test]
fn what_is_no_number_of_a_cell() {
    for text in [
        "10⁶", "10⁻³", "1/2", "4 1/7", "1/2/24", "3/4/2024", "[12", "<0.1", "12 3456", "m²", "1ˢᵗ", "(12]",
        "5 5/4",
    ] {
        assert_eq!(parse_number(text, POINT), None, "{text}");
    }
}

fn figures(text: &str, locale: Locale) -> Vec<(String, f64)> {
    find_figures(text, locale)
        .into_iter()
        .filter_map(|figure| Some((text[figure.range.clone()].to_owned(), figure.value?)))
        .collect()
}

#[test]
fn prose_of_many_countries() {
    let values = |text, locale| figures(text, locale).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    let cases: &[(&str, Locale, &[f64])] = &[
        ("Free cash flow was negative $12.7 million.", POINT, &[-12.7e6]),
        ("It amounted to minus €4.5 million.", POINT, &[-4.5e6]),
        ("The cash flow was -SEK 80 272 million.", SPACES, &[-80_272e6]),
        ("Rates fell to minus 0.5%.", POINT, &[-0.5]),
        ("A negative 5 year trend.", POINT, &[5.0]),
        ("The 4 1/2% senior notes and the 6-3/4% debentures yield 5⅝%.", POINT, &[4.5, 6.75, 5.625]),
        ("On 4 1/2 we met; see page 3 1/2.", POINT, &[]),
        ("Revenue rose to $1,204¹ million and debt was $500² million.", POINT, &[1_204e6, 500e6]),
        ("Some 3.5 × 10⁶ units", POINT, &[3.5]),
        ("They were ($59), $22 and ($15) in those years.", POINT, &[-59.0, 22.0, -15.0]),
        ("Sales of $5 million ($4 million last year) rose.", POINT, &[5e6, 4e6]),
        ("Margins of 3.5 - 4.4 % are usual.", POINT, &[3.5, 4.4]),
        ("Our 401k plan and a 35m pipe", POINT, &[]),
        ("We serve 35m customers with £20m.", POINT, &[35e6, 20e6]),
        ("Net sales amounted to SEK 12 345 million.", SPACES, &[12_345e6]),
        ("Net sales amounted to SEK 12\u{a0}345 million.", NO, &[12_345e6]),
        ("Der Umsatz betrug 1.234 Mio. EUR.", COMMA, &[1_234e6]),
        ("Umsatz: １２，３４５ million yen", POINT, &[12_345e6]),
    ];
    for (text, locale, expected) in cases {
        assert_eq!(values(text, *locale), *expected, "{text}");
    }
    // Printed without a sign, but lost.
    let loss = &find_figures("a net loss of $45 million", POINT)[0];
    assert_eq!((loss.value, loss.alternatives.as_slice()), (Some(45e6), [-45e6].as_slice()));
}

#[test]
fn conventions_come_from_all_evidence() {
    let detect = |text: &str| {
        let locale = Locale::detect(text.split(' '));
        (locale.decimal_mark, locale.likely_mark)
    };
    use DecimalMark::{Comma, Point};
    assert_eq!(detect("the revenue of the group 12,248 9,310 8,100"), (Some(Point), None));
    assert_eq!(detect("Total $ 12,248 9,310 8,100"), (Some(Point), None));
    assert_eq!(detect("the cost of sales 12.345 4.321 3.210"), (None, Some(Comma)));
    assert_eq!(detect("die Umsatzerlöse und der Aufwand 12.345 4.321 3.210"), (Some(Comma), None));
    assert_eq!(detect("the ratio of 1.234 and 12,248 1,100 2,300 0.5"), (Some(Point), None));
    assert_eq!(detect("zum 31.12. und 30.06. der 1,5 2,5 3,75"), (Some(Comma), None));
    assert!(Locale::detect(["売上高"]).triangle_is_minus);
    assert!(Locale::detect(["Millions", "of", "yen", "▲7,919"]).triangle_is_minus);
    assert!(!Locale::detect(["Millions", "of", "yen", "▲7,919", "▼3"]).triangle_is_minus);
    assert!(!Locale::detect(["▲7,919"]).triangle_is_minus);
    // A table with another habit than its document.
    assert_eq!(POINT.of_table(["1.234,5", "12,5 %", "1,25"]).decimal_mark, Some(Comma));
    assert_eq!(POINT.of_table(["1,234", "12,345"]), POINT);
    let translated = COMMA.of_table(["1,234", "12,345", "9,100"]);
    assert_eq!((translated.decimal_mark, translated.likely_mark), (None, Some(Point)));
}

/// Digits with a separator between groups of three.
fn grouped(units: u64, separator: &str) -> String {
    let digits = units.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}

proptest! {
    /// Every grouping, decimal mark, sign and mark: what is printed is what is read.
    #[test]
    fn a_number_in_any_style_reads_back(
        units in 0u64..10_000_000_000,
        cents in 0u32..100,
        style in 0usize..9,
        sign in 0usize..9,
        mark in 0usize..5,
        full_width: bool,
    ) {
        let (separator, point, locale) = [
            (",", ".", POINT),
            (".", ",", COMMA),
            (" ", ",", COMMA),
            ("\u{a0}", ",", COMMA),
            ("\u{202f}", ",", NO),
            ("'", ".", NO),
            ("\u{2019}", ".", NO),
            ("\u{2018}", ".", NO),
            (",", "·", POINT),
        ][style];
        let mut text = format!("{}{point}{cents:02}", grouped(units, separator));
        if full_width {
            let wide = |c: char| c.to_digit(10).map_or(c, |digit| char::from_u32('０' as u32 + digit).unwrap());
            text = text.chars().map(wide).collect();
        }
        let (mut text, negative) = match sign {
            0 => (format!("({text})"), true),
            1 => (format!("-{text}"), true),
            2 => (format!("−{text}"), true),
            3 => (format!("(-{text})"), true),
            4 => (format!("[{text}]"), true),
            5 => (format!("{text}-"), true),
            6 => (format!("minus {text}"), true),
            7 => (format!("‹{text}›"), true),
            _ => (text, false),
        };
        text.push_str(["", "¹", "⁽²⁾", " ³", "¹,²"][mark]);
        let number = parse_number(&text, locale);
        prop_assert!(number.is_some(), "{}", text);
        let value: f64 = format!("{units}.{cents:02}").parse().unwrap();
        let value = if negative && value != 0.0 { -value } else { value };
        prop_assert_eq!(number.unwrap().value, value, "{}", text);
    }

    /// The same in prose, with a currency and a scale.
    #[test]
    fn an_amount_in_any_style_is_found_in_prose(units in 1_000u64..10_000_000, style in 0usize..6, mark in 0usize..3) {
        let (separator, locale) =
            [(",", POINT), (".", COMMA), (" ", SPACES), ("\u{a0}", NO), ("\u{202f}", NO), ("'", NO)][style];
        let mark = ["", "¹", "²"][mark];
        let text = format!("Sales were EUR {}{mark} million in the year.", grouped(units, separator));
        let found = figures(&text, locale);
        prop_assert_eq!(found.len(), 1, "{}", text);
        prop_assert_eq!(found[0].1, units as f64 * 1e6, "{}", text);
    }
}
