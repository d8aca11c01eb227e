use super::*;

fn header(text: &str) -> Option<String> {
    period_from_header(text, Locale::default()).map(|period| period.to_string())
}

#[test]
fn headers_of_real_statements() {
    for (text, period) in [
        ("Three Months Ended March 31, 2025", "2025-01-01/2025-03-31"),
        ("Three Months Ended March 31, 2025 (Unaudited)", "2025-01-01/2025-03-31"),
        ("2025 Three Months Ended March 31,", "2025-01-01/2025-03-31"),
        ("Three Months Ended September 28, 2024", "2024-06-30/2024-09-28"),
        ("Three Months Ended March 31, 2025 2025", "2025-01-01/2025-03-31"),
        ("Years ended September 28, 2024", "2023-10-01/2024-09-28"),
        ("For the Years Ended December 31, (1) 2023", "2023-01-01/2023-12-31"),
        ("As of December 31, 2024", "2024-12-31"),
        ("December 31, 2024", "2024-12-31"),
        ("Dec. 31, 2024", "2024-12-31"),
        ("31 December 2024", "2024-12-31"),
        ("31. Dezember 2024", "2024-12-31"),
        ("31.12.2024", "2024-12-31"),
        ("12/31/24", "2024-12-31"),
        ("2024-12-31", "2024-12-31"),
        ("52 Weeks Ended February 1, 2025", "2024-02-04/2025-02-01"),
        ("Thirteen weeks ended May 3, 2025", "2025-02-02/2025-05-03"),
        ("Fiscal 2024", "2024"),
        ("FY24", "2024"),
        ("2024", "2024"),
        ("Q3 2024", "2024-07-01/2024-09-30"),
        ("3Q24", "2024-07-01/2024-09-30"),
        ("Third Quarter 2024", "2024-07-01/2024-09-30"),
        ("H1 2024", "2024-01-01/2024-06-30"),
        ("March 2025", "2025-03"),
        ("9M 2024", "2024-01-01/2024-09-30"),
        ("Q1'24", "2024-01-01/2024-03-31"),
        ("Q1 FY24", "2024-01-01/2024-03-31"),
        ("2H24", "2024-07-01/2024-12-31"),
        ("Nine months 2024", "2024-01-01/2024-09-30"),
        ("Dec-24", "2024-12"),
        ("CY24", "2024"),
        ("FY2023/24", "2024"),
        ("2023/24", "2024"),
        ("2023 as restated", "2023"),
        ("Restated 2023", "2023"),
        ("Year to 31 March 2024", "2023-04-01/2024-03-31"),
        ("52 weeks to 28 December 2024", "2023-12-31/2024-12-28"),
        ("Fiscal Second Quarter Ended June 29, 2025", "2025-03-31/2025-06-29"),
        ("Three Months Ended 2023 July 1 to July 21", "2023-07-01/2023-07-21"),
        ("1 January – 30 June 2024", "2024-01-01/2024-06-30"),
        ("November 1, 2023 through January 31, 2024", "2023-11-01/2024-01-31"),
        ("January to June 2024", "2024-01-01/2024-06-30"),
        ("Year ended 2024", "2024"),
    ] {
        assert_eq!(header(text).as_deref(), Some(period), "{text}");
    }
}

#[test]
fn headers_that_state_no_single_date() {
    for text in [
        "",
        "Change",
        "2024 vs. 2023",
        "Three Months Ended 2024",
        "December 31,",
        "May 32, 2024",
        "February 30, 2024",
        "5/6/2024",
        "Note",
        "1,234",
    ] {
        assert_eq!(header(text), None, "{text}");
    }
}

#[test]
fn pieces_in_different_places_make_one_period() {
    let complete = |own: &str, others: &[&str]| {
        let mut parts = PeriodParts::of(own, Locale::default());
        for other in others {
            parts.complete(&PeriodParts::of(other, Locale::default()));
        }
        parts.period(Locale::default()).map(|period| period.to_string()).unwrap_or_default()
    };
    assert_eq!(complete("2024", &["Three Months Ended June 30,"]), "2024-04-01/2024-06-30");
    assert_eq!(complete("June 30, 2024", &["Six Months Ended"]), "2024-01-01/2024-06-30");
    assert_eq!(complete("December 31, 2024", &["Six Months Ended June 30,"]), "2024-12-31");
    assert_eq!(complete("Q1", &["2024"]), "2024-01-01/2024-03-31");
    assert_eq!(complete("FY 2024", &["December 31,"]), "2024");
    assert_eq!(complete("2024", &["for the three and six months ended June 30, 2024 and 2023"]), "");
    assert_eq!(complete("2024", &["years ended December 31, 2024, 2023 and 2022"]), "2024-01-01/2024-12-31");
}
