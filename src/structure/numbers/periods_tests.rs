use super::super::stated::period_from_header;
use super::*;

#[test]
fn quarters_of_a_stated_fiscal_year() {
    let quarter = |text: &str, fiscal_year_end: Option<u32>| {
        let locale = Locale { fiscal_year_end, ..Locale::default() };
        let found = period_at(&Tokens::new(text), 0, locale).expect("a period");
        let others: Vec<String> = found.alternatives.iter().map(Period::to_string).collect();
        (found.period.to_string(), others)
    };
    let (first, others) = quarter("First Quarter 2024", Some(9));
    assert_eq!(first, "2023-10-01/2023-12-31");
    assert_eq!(others, ["2024-01-01/2024-03-31"]);
    let (first, others) = quarter("first quarter of fiscal 2024", Some(1));
    assert_eq!(first, "2024-02-01/2024-04-30");
    assert_eq!(others, ["2023-02-01/2023-04-30", "2024-01-01/2024-03-31"]);
    assert_eq!(quarter("first quarter of calendar 2024", Some(9)).0, "2024-01-01/2024-03-31");
    let (first, others) = quarter("Q1 2024", None);
    assert_eq!((first.as_str(), others.len()), ("2024-01-01/2024-03-31", 3));
    assert!(quarter("Q1 2024", Some(12)).1.is_empty());
    let locale = Locale { fiscal_year_end: Some(6), ..Locale::default() };
    let header = period_from_header("Q1 2025", locale).map(|period| period.to_string());
    assert_eq!(header.as_deref(), Some("2024-07-01/2024-09-30"));
}
