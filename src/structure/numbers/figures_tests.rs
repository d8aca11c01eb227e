use proptest::prelude::*;

use super::*;

/// `kind text = value [unit] [currency] [period]` of every figure found.
fn describe(text: &str) -> Vec<String> {
    find_figures(text, Locale::default())
        .into_iter()
        .map(|figure| {
            let mut line = format!("{:?} {}", figure.kind, &text[figure.range.clone()]);
            if let Some(value) = figure.value {
                line.push_str(&format!(" = {value}"));
            }
            for part in [
                figure.unit,
                figure.currency.map(str::to_owned),
                figure.period.map(|period| period.to_string()),
            ]
            .into_iter()
            .flatten()
            {
                line.push_str(&format!(" [{part}]"));
            }
            line
        })
        .collect()
}

#[test]
fn sentences_of_real_reports() {
    for (text, expected) in [
        (
            "Net sales rose 12.5% to $1.2 billion in fiscal 2024.",
            &["Percent 12.5% = 12.5", "Money $1.2 billion = 1200000000 [USD]", "Date fiscal 2024 [2024]"][..],
        ),
        (
            "Revenue for the three months ended March 31, 2025 was EUR 3,5 Mio., against EUR 3,1 Mio. in 2024.",
            &[
                "Period three months ended March 31, 2025 [2025-01-01/2025-03-31]",
                "Money EUR 3,5 Mio. = 3500000 [EUR]",
                "Money EUR 3,1 Mio. = 3100000 [EUR]",
                "Date 2024 [2024]",
            ],
        ),
        (
            "At December 31, 2024 and 2023, cash was $4,512 and $(1.2) million, respectively.",
            &[
                "Date December 31, 2024 [2024-12-31]",
                "Date 2023 [2023-12-31]",
                "Money $4,512 = 4512 [USD]",
                "Money $(1.2) million = -1200000 [USD]",
            ],
        ),
        (
            "for the years ended December 31, 2024, 2023 and 2022",
            &[
                "Period years ended December 31, 2024 [2024-01-01/2024-12-31]",
                "Period 2023 [2023-01-01/2023-12-31]",
                "Period 2022 [2022-01-01/2022-12-31]",
            ],
        ),
        (
            "We paid a dividend of $0.25 per share and had diluted earnings per share of $1.64.",
            &["PerShare $0.25 per share = 0.25 [USD]", "PerShare $1.64 = 1.64 [USD]"],
        ),
        (
            "Margin rose 45 basis points, or 1.5 percentage points, to between $1.2 and $1.5 billion.",
            &[
                "Quantity 45 basis points = 45 [basis points]",
                "Percent 1.5 percentage points = 1.5 [percentage points]",
                "Money $1.2 = 1200000000 [USD]",
                "Money $1.5 billion = 1500000000 [USD]",
            ],
        ),
        (
            "We had 164,000 full-time equivalent employees and 1,234 stores; sales fell 10 to 15%.",
            &[
                "Quantity 164,000 full-time equivalent employees = 164000 [employees]",
                "Quantity 1,234 stores = 1234 [stores]",
                "Percent 10 = 10",
                "Percent 15% = 15",
            ],
        ),
        (
            "an increase of $5 million (12%) and a loss of (4,512) in Q3 2024",
            &[
                "Money $5 million = 5000000 [USD]",
                "Percent (12%) = 12",
                "Number (4,512) = -4512",
                "Date Q3 2024 [2024-07-01/2024-09-30]",
            ],
        ),
        (
            "repurchased 2.5 million shares for $10-$15 million",
            &[
                "Quantity 2.5 million shares = 2500000 [shares]",
                "Money $10 = 10000000 [USD]",
                "Money $15 million = 15000000 [USD]",
            ],
        ),
        (
            "Rs. 1,23,456 and 5 crore euros",
            &["Money Rs. 1,23,456 = 123456 [INR]", "Money 5 crore euros = 50000000 [EUR]"],
        ),
        (
            "between 2022-2024 on 2024-12-31",
            &["Date 2022 [2022]", "Date 2024 [2024]", "Date 2024-12-31 [2024-12-31]"],
        ),
        ("-5.5% and 3.2x", &["Percent -5.5% = -5.5", "Quantity 3.2x = 3.2 [times]"]),
        ("2,024 employees in 2024", &["Quantity 2,024 employees = 2024 [employees]", "Date 2024 [2024]"]),
    ] {
        assert_eq!(describe(text), expected, "{text}");
    }
}

#[test]
fn what_only_looks_like_a_figure() {
    for text in [
        "see Note 12 and Item 7A of our Annual Report on Form 10-K",
        "Notes 3, 4 and 12 to the financial statements",
        "Section 13 or 15(d) of the Securities Exchange Act of 1934",
        "Rule 12b-2, Rule 10b5-1 and ASU 2016-13 (Topic 326)",
        "telephone (408) 996-1010 or 1-800-555-0199",
        "pages 45-47 and page 9",
        "I.R.S. No. 94-2404110, Commission File Number 001-36743",
        "ISIN US0378331005, CUSIP 037833100",
        "the S&P 500, the Russell 2000 and COVID-19",
        "401(k) plan, Level 3 inputs, Exhibit 10.1",
        "at 9:30 a.m. in one of 3 places",
        "Section 1.2.3 and February 30",
        "Cupertino, California 95014",
        "Part II, Item 5",
        "(1) first, (2) second",
    ] {
        assert_eq!(describe(text), [] as [&str; 0], "{text}");
    }
}

#[test]
fn ambiguity_is_kept() {
    let aside = &find_figures("up $5 million (12%)", Locale::default())[1];
    assert_eq!((aside.value, aside.alternatives.as_slice()), (Some(12.0), &[-12.0][..]));
    let day = &find_figures("due 5/6/2024", Locale::default())[0];
    assert_eq!(day.period.map(|period| period.to_string()).as_deref(), Some("2024-05-06"));
    assert_eq!(day.alternative_periods.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2024-06-05"]);
    let money = &find_figures("EUR 1.234 million", Locale::default())[0];
    assert_eq!((money.value, money.alternatives.as_slice()), (Some(1_234_000.0), &[1_234_000_000.0][..]));
}

proptest! {
    #[test]
    fn ranges_are_in_order_and_inside(text in "([0-9]{1,4}|[$%(),.-]|million|Note|March|and| |to|€|per share|2024){0,24}") {
        let mut end = 0;
        for figure in find_figures(&text, Locale::default()) {
            prop_assert!(figure.range.start >= end && figure.range.start < figure.range.end);
            prop_assert!(text.get(figure.range.clone()).is_some());
            prop_assert!(figure.value.is_none_or(f64::is_finite));
            prop_assert!(figure.value.is_some() != figure.period.is_some());
            end = figure.range.end;
        }
    }

    #[test]
    fn any_text_is_safe(text in "\\PC{0,80}") {
        let _ = find_figures(&text, Locale::default()).len();
    }
}
