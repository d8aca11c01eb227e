//! Tables whose columns or rows differ in kind.

use super::periods::Head;
use super::sheets::{Builder, Column, Entry, Own, Row, Sheet, What, mantissa};
use super::spell::Amount;
use super::styles::Style;

/// Columns with units of their own.
pub fn measures(build: &mut Builder, sheet: &mut Sheet, style: &Style) {
    let unit = build.chance.pick(style.units);
    let sign = style.sign.trim();
    let mut heads: Vec<(String, Own, What, [i64; 2], u32)> = vec![
        (format!("Price ({sign})"), Own { power: 0, money: true }, What::Money, [900, 90_000], 0),
        ("Units sold".to_owned(), Own { power: 0, money: false }, What::Count(0), [100, 90_000], 0),
        (
            format!("Revenue ({})", unit.short),
            Own { power: unit.power, money: true },
            What::Money,
            [10, 9_000],
            0,
        ),
    ];
    heads.push(if build.chance.of(60) {
        ("Margin (%)".to_owned(), Own { power: 0, money: false }, What::Percent, [20, 600], 1)
    } else {
        ("Index (2020 = 100)".to_owned(), Own { power: 0, money: false }, What::Ratio, [800, 1400], 1)
    });
    sheet.columns = heads
        .iter()
        .map(|(text, own, ..)| Column {
            head: Head { lines: vec![text.clone()], periods: Vec::new() },
            own: Some(*own),
        })
        .collect();
    sheet.spans.clear();
    sheet.tags = vec!["columns with units of their own"];
    for name in ["Vans", "Trucks", "Buses", "Trailers"] {
        let entries = heads
            .iter()
            .map(|(_, _, what, [low, high], decimals)| {
                Entry::Figure(Amount::new(build.chance.range(*low, *high), *decimals), *what)
            })
            .collect();
        build.row(name, 0, entries);
    }
}

/// Years as columns: no periods, no amounts.
pub fn maturity_columns(build: &mut Builder, sheet: &mut Sheet) {
    let first = build.chance.range(2024, 2027);
    let years = (first..first + 3).map(|year| year.to_string());
    sheet.columns = years
        .chain(["Thereafter".to_owned(), "Total".to_owned()])
        .map(|text| Column { head: Head { lines: vec![text], periods: Vec::new() }, own: None })
        .collect();
    sheet.spans.clear();
    sheet.tags = vec!["years as columns"];
    build.columns = 4;
    let terms: Vec<usize> = ["Long-term debt", "Interest", "Leases", "Purchase commitments"]
        .iter()
        .map(|name| build.leaf(name, 0, 10, 3_000))
        .collect();
    build.sum("Total", 0, &terms);
    for row in &mut build.rows {
        let sum = row.entries.iter().map(|entry| mantissa(*entry)).sum();
        row.entries.push(Entry::Figure(Amount::new(sum, build.decimals), What::Money));
    }
    // The claims hold in the column of totals, too.
    for claim in &mut build.claims {
        claim.columns.push(4);
    }
}

/// After each row its share of the total in percent.
pub fn interleave(build: &mut Builder) {
    let total = build.rows.len() - 1;
    let mut rows = Vec::new();
    let mut new_index = Vec::new();
    for row in &build.rows {
        new_index.push(rows.len());
        let entries = (0..build.columns)
            .map(|column| {
                let (part, whole) =
                    (mantissa(row.entries[column]), mantissa(build.rows[total].entries[column]));
                if part == 0 {
                    return Entry::Nil;
                }
                Entry::Figure(Amount::new((part * 1000 + whole / 2) / whole, 1), What::Percent)
            })
            .collect();
        rows.push(row.clone());
        rows.push(Row {
            label: "% of total".into(),
            indent: 1,
            total: false,
            note: None,
            entries,
            tag: Some("row percent"),
            year: false,
        });
    }
    for claim in &mut build.claims {
        claim.result = new_index[claim.result];
        claim.terms.iter_mut().for_each(|term| *term = new_index[*term]);
    }
    build.rows = rows;
}

/// The change from the second to the first column in percent.
pub fn change_column(sheet: &mut Sheet, head: &str) {
    sheet.tags.push("percent column");
    sheet.columns.push(Column {
        head: Head { lines: vec![head.into()], periods: Vec::new() },
        own: Some(Own { power: 0, money: false }),
    });
    for row in sheet.rows.iter_mut().filter(|row| !row.entries.is_empty()) {
        let change = match (row.entries[0], row.entries[1]) {
            (Entry::Figure(new, What::Money), Entry::Figure(old, _)) => {
                let tenths = (new.mantissa - old.mantissa) * 1000 / old.mantissa.abs();
                if tenths == 0 { Entry::Nil } else { Entry::Figure(Amount::new(tenths, 1), What::Percent) }
            }
            _ => Entry::Empty,
        };
        row.entries.push(change);
    }
}
