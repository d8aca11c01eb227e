//! The audit over small tables written as text.

use super::Audit;
use crate::document::analysis::{Cell, FigureKind, Sentence, Table};
use crate::document::findings::Anomaly;
use crate::document::{BBox, Page};
use crate::limit::Limit;
use crate::structure::numbers::{Locale, parse_number};

/// A table of lines `label | number | number`; the first line heads the columns.
fn table(id: u32, lines: &[&str]) -> Table {
    table_in(Locale::UNITED_STATES, id, lines)
}

/// The same in another locale.
fn table_in(locale: Locale, id: u32, lines: &[&str]) -> Table {
    let mut cells = Vec::new();
    let mut columns = 0;
    for (row, line) in lines.iter().enumerate() {
        for (column, text) in line.split('|').map(str::trim).enumerate() {
            columns = columns.max(column + 1);
            if text.is_empty() {
                continue;
            }
            let header = row == 0 || column == 0;
            let number = if header { None } else { parse_number(text, locale) };
            let (x, y) = (60.0 * column as f32, 12.0 * row as f32);
            cells.push(Cell {
                row: row as u32,
                column: column as u32,
                row_span: 1,
                column_span: 1,
                header,
                indent: 0,
                page: id + 1,
                bbox: BBox::new(x, y, x + 50.0, y + 10.0),
                text: text.to_owned(),
                notes: Vec::new(),
                value: number.map(|number| crate::document::analysis::CellValue {
                    kind: number.kind(),
                    printed: number.value,
                    value: number.value,
                    decimals: number.decimals,
                    scale: 0,
                    currency: None,
                    nil: number.nil,
                    alternatives: number.alternatives,
                    confidence: 1.0,
                    needs_review: false,
                    period: None,
                }),
            });
        }
    }
    Table {
        id,
        blocks: Vec::new(),
        section: None,
        caption: None,
        page: id + 1,
        bbox: BBox::new(0.0, 0.0, 600.0, 800.0),
        continued: Vec::new(),
        rows: lines.len() as u32,
        columns: columns as u32,
        header_rows: 1,
        scale: None,
        scale_from: None,
        currency: None,
        column_periods: vec![None; columns],
        cells,
    }
}

fn audit(pages: &[Page], tables: &[Table], sentences: &[Sentence]) -> Audit {
    super::audit(pages, tables, sentences, Locale::UNITED_STATES, &Limit::default()).unwrap()
}

fn found(tables: &[Table]) -> Vec<Anomaly> {
    audit(&[], tables, &[]).anomalies
}

/// Printed texts of the terms, the result last.
fn texts(anomaly: &Anomaly) -> Vec<&str> {
    anomaly.terms.iter().map(|term| term.text.as_str()).collect()
}

const ASSETS: &[&str] = &[
    " | 2024 | 2023",
    "Cash | 12,248 | 10,707",
    "Receivables | 4,168 | 3,569",
    "Inventories | 5,082 | 4,728",
    "Total current assets | 21,498 | 19,004",
];

#[test]
fn a_total_that_holds_is_counted_and_one_that_does_not_is_shown_with_its_terms() {
    let audit = audit(&[], &[table(0, ASSETS)], &[]);
    assert_eq!((audit.summary.checked, audit.summary.hold), (2, 2));
    let [first, _] = audit.relations.as_slice() else { panic!("two relations: {:?}", audit.relations) };
    assert_eq!((first.kind.as_str(), first.expected, first.printed), ("footing", 21_498.0, 21_498.0));
    assert!(first.terms.iter().all(|term| term.cell.is_some() && term.place.is_none()), "{first:?}");
    assert_eq!(first.terms.last().map(|term| term.value), Some(21_498.0));

    let mut lines = ASSETS.to_vec();
    lines[2] = "Receivables | 4,168 | 3,659";
    let anomalies = found(&[table(0, &lines)]);
    let [anomaly] = anomalies.as_slice() else { panic!("one finding, not {anomalies:?}") };
    assert_eq!(anomaly.kind, "footing");
    assert_eq!(texts(anomaly), ["10,707", "3,659", "4,728", "19,004"]);
    assert_eq!(
        (anomaly.expected, anomaly.printed, anomaly.difference),
        (Some(19094.0), Some(19004.0), Some(-90.0))
    );
    assert_eq!(anomaly.explanation.as_deref(), Some("two digits of 3,659 swapped"));
    assert_eq!(anomaly.terms[1].page, 1);
}

#[test]
fn doubtful_numbers_are_read_as_the_sums_need_them() {
    let points = [
        " | 2024 | 2023",
        "Cash | 12.248 | 10.707",
        "Receivables | 531 | 402",
        "Inventories | 5.082 | 4.728",
        "Total current assets | 17.861 | 15.837",
    ];
    let unknown = table_in(Locale::default(), 0, &points);
    assert_eq!(unknown.cells[4].value.as_ref().map(|value| value.alternatives.len()), Some(1));
    let audited = audit(&[], std::slice::from_ref(&unknown), &[]).summary;
    assert_eq!((audited.checked, audited.hold, audited.left_out), (2, 2, 0));
    // Where no reading makes a sum hold, they are left out, and counted.
    let mut apart = points;
    apart[4] = "Other current assets | 7.861 | 25.837";
    let audited = audit(&[], &[table_in(Locale::default(), 0, &apart)], &[]).summary;
    assert_eq!((audited.checked, audited.left_out), (0, 6));
}

#[test]
fn honest_rounding_is_no_finding() {
    let lines = [
        " | 2024 | 2023",
        "Americas | 10.4 | 9.3",
        "Europe | 20.4 | 18.3",
        "Asia | 30.4 | 28.3",
        "Total revenue | 61.3 | 55.8",
    ];
    assert_eq!(found(&[table(0, &lines)]), []);
}

#[test]
fn deductions_and_roll_forwards_are_sums_with_signs() {
    let lines = [
        " | 2024 | 2023",
        "Net sales | 47,061 | 45,754",
        "Cost of goods sold | 18,324 | 18,520",
        "Gross profit | 28,737 | 27,234",
        "Selling expenses | 14,582 | 13,972",
        "Other income (loss) | 1,992 | (570)",
        "Interest expense | 1,656 | 1,527",
        "Income before taxes | 14,491 | 11,165",
    ];
    let clean = audit(&[], &[table(0, &lines)], &[]);
    assert_eq!((clean.summary.checked, clean.summary.broken), (4, 0), "{:?}", clean.anomalies);
    let mut wrong = lines;
    wrong[6] = "Interest expense | 1,656 | (1,527)";
    let anomalies = found(&[table(0, &wrong)]);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(anomalies[0].explanation.as_deref(), Some("sign of (1,527)"));
}

#[test]
fn a_single_column_is_judged_by_the_same_rows_of_another_table() {
    let june = [" | Amount", "Concentrate | 2,268", "Finished product | 2,667", "Net | 4,935", "Other | 7"];
    let march = [" | Amount", "Concentrate | 2,278", "Finished product | 2,462", "Net | 4,470", "Other | 9"];
    assert_eq!(found(&[table(0, &march)]), [], "nothing says that it is a sum");
    let mut told = ASSETS.to_vec();
    told[0] = " | June 2024 | June 2023";
    let mut single: Vec<&str> = ASSETS.iter().map(|line| line.rsplit_once('|').expect("columns").0).collect();
    single[4] = "Total current assets | 25,000";
    let anomalies = found(&[table(0, &told), table(1, &single)]);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(texts(&anomalies[0]), ["12,248", "4,168", "5,082", "25,000"]);
    assert_eq!(found(&[table(0, &june)]), []);
}

#[test]
fn a_single_column_is_accused_only_of_a_slip() {
    let lines =
        [" | Amount", "Within 1 year | 4,406", "Later | 11,365", "After 10 years | 1,177", "Total | 16,498"];
    let anomalies = found(&[table(0, &lines)]);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    let explanation = anomalies[0].explanation.as_deref().expect("a slip");
    assert!(explanation.contains("swapped"), "{explanation}");
    let other =
        [" | Amount", "Within 1 year | 4,406", "Later | 11,365", "After 10 years | 1,177", "Total | 21,387"];
    assert_eq!(found(&[table(0, &other)]), []);
}

#[test]
fn rows_in_the_wrong_place_are_named() {
    let mut lines = ASSETS.to_vec();
    lines.push("Goodwill | 18,663 | 18,139");
    lines[2] = "Receivables | 18,663 | 18,139";
    lines[5] = "Goodwill | 4,168 | 3,569";
    let anomalies = found(&[table(0, &lines)]);
    assert_eq!(anomalies.len(), 2, "{anomalies:?}");
    let explanation = anomalies[0].explanation.as_deref().unwrap_or_default();
    assert_eq!(explanation, "the rows \"Receivables\" and \"Goodwill\" have changed places");
}

#[test]
fn sentences_that_state_a_change_twice() {
    let right = sentence("Revenue increased 12% to $4.2 billion from $3.75 billion.");
    let audited = audit(&[], &[], &[right]);
    assert_eq!((audited.summary.checked, audited.summary.hold), (1, 1));
    let wrong = sentence("Revenue increased 21% to $4.2 billion from $3.75 billion.");
    let anomalies = audit(&[], &[], &[wrong]).anomalies;
    assert_eq!(anomalies[0].kind, "year_over_year");
    assert_eq!(anomalies[0].terms[2].sentence, Some(3));
}

fn sentence(text: &str) -> Sentence {
    Sentence {
        id: 3,
        section: 0,
        block: 0,
        page: 7,
        boxes: vec![BBox::new(0.0, 0.0, 100.0, 10.0)],
        continues: Vec::new(),
        text: text.to_owned(),
        sentiment: None,
    }
}

#[test]
fn sentences_are_tied_to_the_rows_that_they_name() {
    let mut sales = table(0, &[" | 2024 | 2023", "Net sales | 159,514 | 152,669", "Stores | 2,347 | 2,335"]);
    for value in sales.cells.iter_mut().filter_map(|cell| cell.value.as_mut()) {
        (value.scale, value.value) = (6, value.printed * 1e6);
    }
    let told = |text: &str| audit(&[], &[sales.clone()], &[sentence(text)]);
    let right = told(
        "In fiscal 2024, our net sales increased 4.5% to $159.5 billion from $152.7 billion in fiscal 2023.",
    );
    assert_eq!((right.summary.checked, right.summary.hold), (2, 2), "the change and the amounts");
    let wrong = told(
        "Net sales for fiscal 2024 were $195.5 billion compared to $152.7 billion, driven by $3 billion.",
    );
    let [anomaly] = wrong.anomalies.as_slice() else { panic!("one finding, not {:?}", wrong.anomalies) };
    assert_eq!((anomaly.kind.as_str(), anomaly.terms[1].sentence), ("stated", Some(3)));
    assert_eq!(anomaly.explanation.as_deref(), Some("two digits of $195.5 billion swapped"));
    for other in [
        "Net sales of appliances were $195.5 billion compared to $152.7 billion.",
        "Net sales were $182.1 billion compared to $152.7 billion.",
        "Net sales were $195.5 billion.",
    ] {
        assert_eq!(told(other).summary.checked, 0, "{other}");
    }
}

#[test]
fn nested_sums_are_taken_once() {
    let lines = [
        " | Pensions | Currency | Total",
        "Balance at January 1 | (498) | (241) | (739)",
        "Before reclassifications | 1 | 30 | 31",
        "Reclassified | — | — | —",
        "Net other comprehensive income | 1 | 30 | 31",
        "Balance at June 30 | (497) | (211) | (708)",
    ];
    assert_eq!(found(&[table(0, &lines)]), []);
    let mut wrong = lines;
    wrong[5] = "Balance at June 30 | (497) | (211) | (780)";
    let anomalies = found(&[table(0, &wrong)]);
    assert!(anomalies.iter().any(|anomaly| texts(anomaly).contains(&"(780)")), "{anomalies:?}");
}

#[test]
fn rows_exchanged_across_sums_are_named_without_the_word_total() {
    let lines = [
        " | 2024 | 2023 | 2022",
        "Net sales | 159,514 | 152,669 | 157,403",
        "Cost of sales | 28,748 | 26,598 | 26,284",
        "Gross profit | 53,308 | 50,960 | 52,778",
        "Operating expenses | 106,206 | 101,709 | 104,625",
    ];
    let anomalies = found(&[table(0, &lines)]);
    assert_eq!(anomalies.len(), 3, "{anomalies:?}");
    let explanation = anomalies[0].explanation.as_deref().unwrap_or_default();
    assert_eq!(explanation, "the rows \"Cost of sales\" and \"Operating expenses\" have changed places");
}

#[test]
fn numbers_of_different_kinds_are_not_added_up() {
    let mut lines = ASSETS.to_vec();
    lines[3] = "Margin | 5.1% | 4.7%";
    let tables = [table(0, &lines)];
    assert!(
        tables[0]
            .cells
            .iter()
            .any(|cell| { cell.value.as_ref().is_some_and(|value| value.kind == FigureKind::Percent) })
    );
    assert_eq!(found(&tables), []);
}

/// Findings over one table in which nothing is wrong.
fn assert_no_finding(lines: &[&str]) {
    assert_eq!(found(&[table(0, lines)]), []);
}

#[test]
fn a_column_translated_at_one_rate_is_rounded_where_its_source_is() {
    let lines = [
        " | Millions of yen | Thousands of U.S. dollars",
        "Cash and cash equivalents | 335,239 | 2,741,344",
        "Trade receivables | 168,221 | 1,375,590",
        "Inventories | 308,385 | 2,521,751",
        "Income tax receivables | 5,057 | 41,352",
        "Total current assets | 816,902 | 6,680,036",
    ];
    let audit = audit(&[], &[table(0, &lines)], &[]);
    assert_eq!((audit.summary.checked, audit.summary.broken), (2, 0), "{:?}", audit.anomalies);
    let mut wrong = lines;
    wrong[5] = "Total current assets | 816,902 | 6,860,036";
    assert_eq!(found(&[table(0, &wrong)]).len(), 1);
}

#[test]
fn what_holds_in_one_block_of_columns_is_not_claimed_in_another() {
    assert_no_finding(&[
        " | Pension 2024 | Pension 2023 | Other benefits 2024 | Other benefits 2023",
        "Service cost | 1,210 | 1,342 | 310 | 297",
        "Interest cost | 2,415 | 2,208 | 402 | 388",
        "Expected return | (3,107) | (3,090) | (96) | (101)",
        "Amortization of losses | 512 | 733 | 85 | 64",
        "Net periodic cost | 1,030 | 1,193 | 1,268 | 941",
    ]);
}

#[test]
fn averages_prices_and_column_numbers_are_no_terms() {
    assert_no_finding(&[
        " | Q1 | Q2 | Q3 | Q4 | Total",
        "Sales | 1,204 | 1,310 | 1,288 | 1,402 | 5,204",
        "Costs | 804 | 877 | 851 | 930 | 3,462",
        "Profit | 400 | 433 | 437 | 472 | 1,742",
        "Tax | 101 | 112 | 109 | 120 | 442",
        "Net profit | 299 | 321 | 328 | 352 | 1,300",
        "Shares, basic | 437,965 | 439,022 | 438,740 | 438,379 | 438,515",
        "Shares, diluted | 440,851 | 441,568 | 441,715 | 442,427 | 441,834",
    ]);
    let price = [
        "Expiry | Exercise price | Start | Granted | Expired | Total at the end",
        "2022 | 0.070 | 42,000,000 | - | (8,000,000) | 34,000,000",
        "2023 | - | 12,500,000 | 1,250,000 | (600,000) | 13,150,000",
        "2024 | - | 22,100,000 | 3,300,000 | (100,000) | 25,300,000",
        "2025 | - | 31,700,000 | 2,400,000 | (900,000) | 33,200,000",
        "2026 | - | 11,900,000 | 1,100,000 | (300,000) | 12,700,000",
        "2027 | - | 21,400,000 | 5,300,000 | (200,000) | 26,500,000",
    ];
    assert_no_finding(&price);
    let mut wrong = price;
    wrong[3] = "2024 | - | 22,100,000 | 3,300,000 | (100,000) | 23,500,000";
    assert_eq!(found(&[table(0, &wrong)]).len(), 1);
    assert_no_finding(&[
        " | Amount | Amount | Amount",
        " | (5) | (6) | (7)",
        "Opening | 1,210 | 1,342 | 1,310",
        "Additions | 415 | 208 | 402",
        "Total | 1,625 | 1,550 | 1,712",
    ]);
}

#[test]
fn parts_may_stand_below_their_sum() {
    let lines = [
        " | 2024 | 2023",
        "Current tax | 826 | 549",
        "Deferred tax | 6 | 13",
        "recognised in income | 19 | 13",
        "not recognised in income | (13) | –",
        "Total | 832 | 562",
    ];
    let audit = audit(&[], &[table(0, &lines)], &[]);
    assert_eq!((audit.summary.checked, audit.summary.broken), (2, 0), "{:?}", audit.anomalies);
}

#[test]
fn shares_between_amounts_do_not_hide_a_sum() {
    let lines = [
        " | 2024 | 2023",
        "Operating income | 597 | 803",
        "% of revenue | 4.1% | 4.9%",
        "Investment income | 26 | 3",
        "Interest expense | (12) | (6)",
        "Earnings before income tax | 611 | 800",
    ];
    let audit = audit(&[], &[table(0, &lines)], &[]);
    assert_eq!((audit.summary.checked, audit.summary.broken), (2, 0), "{:?}", audit.anomalies);
}

#[test]
fn exchanged_rows_are_found_beside_empty_columns_changes_in_percent_and_roundings() {
    let lines = [
        " | 2025 | 2024 | Change | Half 2025 | Half 2024 | Eliminations",
        "Grain | 964 | 901 | 7 | 1,914 | 1,844 | —",
        "Fertilizer | 201 | 203 | (1) | 411 | 404 | —",
        "Industrial chemicals | 646 | 593 | 9 | 1,253 | 1,165 | —",
        "Coal | 469 | 339 | 38 | 885 | 727 | —",
        "Bulk | 1,901 | 1,721 | 10 | 3,737 | 3,538 | —",
        "Food | 267 | 278 | (4) | 527 | 563 | —",
        "Metals | 561 | 530 | 6 | 1,082 | 1,045 | —",
        "Forest products | 340 | 342 | (1) | 661 | 680 | —",
        "Industrial | 1,547 | 1,465 | 6 | 2,996 | 2,890 | —",
        "Total | 3,448 | 3,186 | 8 | 6,733 | 6,428 | —",
    ];
    let anomalies = found(&[table(0, &lines)]);
    assert!(!anomalies.is_empty());
    for anomaly in &anomalies {
        let explanation = anomaly.explanation.as_deref().unwrap_or_default();
        assert!(
            explanation.contains("Food") && explanation.contains("Industrial chemicals"),
            "{explanation}"
        );
    }
}

#[test]
fn lines_of_one_name_may_be_defined_otherwise() {
    let first = [" | 2022 | 2021", "Profit before tax | 32,107 | 15,633", "Income tax | (7,649) | (3,548)"];
    let mut second =
        [" | 2022 | 2021", "Profit before tax | 32,540 | 15,633", "Share of associates | (433) | –"];
    let audited = |second: &[&str]| {
        let mut tables = [table(0, &first), table(1, second)];
        for table in &mut tables {
            table.column_periods = vec![None, Some("2022-12-31".to_owned()), Some("2021-12-31".to_owned())];
        }
        found(&tables)
    };
    assert_eq!(audited(&second), []);
    second[1] = "Profit before tax | 31,207 | 15,633";
    assert_eq!(audited(&second).len(), 1, "two digits swapped");
}

#[test]
fn nothing_checked_is_no_pass() {
    use crate::document::findings::AuditVerdict;
    let lines = [" | 2024 | 2023", "Stores | 2,347 | 2,335", "Employees | 47,100 | 46,300"];
    let summary = audit(&[], &[table(0, &lines)], &[]).summary;
    assert_eq!((summary.verdict, summary.checked, summary.numbers), (AuditVerdict::NothingChecked, 0, 4));
    let summary = audit(&[], &[table(0, ASSETS)], &[]).summary;
    assert_eq!((summary.verdict, summary.numbers, summary.covered), (AuditVerdict::AllHold, 8, 8));
}

#[test]
fn a_sum_that_begins_further_up_is_no_sum_with_rows_in_wrong_places() {
    // Net income and other comprehensive income: the parts of the latter stand between them.
    assert_no_finding(&[
        "Year ended December 31 | 2022 | 2023 | 2024",
        "Net income | 3,033 | 10,073 | 11,588",
        "Other comprehensive income (loss):",
        "Translation adjustments, net of tax | 533 | (538) | 78",
        "Reclassification of translation adjustments | — | — | (108)",
        "Net translation adjustments | 533 | (538) | (30)",
        "Net change in unrealized gains:",
        "Unrealized gains (losses), net of tax | (39) | (17) | 83",
        "Reclassification adjustment for losses | 7 | 8 | (4)",
        "Net unrealized gains (losses) | (32) | (9) | 79",
        "Total other comprehensive income (loss) | 501 | (547) | 49",
        "Comprehensive income | 3,534 | 9,526 | 11,637",
    ]);
    // A balance is the balance before and a subtotal of what stands between them.
    assert_no_finding(&[
        " | Translation | Retirement plans | Investments | Hedges | Total",
        "Balance as of December 31, 2021 | (933) | (272) | (3) | 33 | (1,175)",
        "Income before reclassifications | (762) | 151 | | 31 | (580)",
        "Amounts reclassified | | 3 | | (61) | (58)",
        "Equity method affiliates | (17) | | | | (17)",
        "Net current-period other comprehensive (loss) income | (779) | 154 | — | (30) | (655)",
        "Balance as of December 31, 2022 | (1,712) | (118) | (3) | 3 | (1,830)",
    ]);
}

#[test]
fn quarters_per_share_are_not_added() {
    assert_no_finding(&[
        "2019 | First quarter | Second quarter | Third quarter | Fourth quarter | Total year",
        "Net sales | 2,812 | 2,940 | 2,934 | 2,817 | 11,503",
        "Gross margin | 1,099 | 1,065 | 1,017 | 854 | 4,035",
        "Equity in earnings | 25 | 33 | 23 | (64) | 17",
        "(Provision) benefit for income taxes | (76) | (124) | (71) | 15 | (256)",
        "Net income | 499 | 92 | 337 | 32 | 960",
        "Basic earnings per common share | $0.61 per share | $0.09 per share | $0.40 per share | $0.01 per share | $1.11 per share",
        "Diluted earnings per common share | $0.55 per share | $0.09 per share | $0.38 per share | $0.01 per share | $1.07 per share",
    ]);
}

#[test]
fn a_column_in_another_currency_is_rounded_where_its_source_is() {
    let mut table = table(
        0,
        &[
            " | 2021 | 2022 | 2022 in dollars",
            "Cash and deposits | 252,218 | 241,137 | 1,971,845",
            "Short-term investments | 51,788 | 94,101 | 769,490",
            "Total | 304,007 | 335,239 | 2,741,344",
        ],
    );
    for cell in &mut table.cells {
        let code = if cell.column == 3 { "USD" } else { "JPY" };
        cell.value.iter_mut().for_each(|value| value.currency = Some(code.to_owned()));
    }
    assert_eq!(found(&[table]), []);
}
