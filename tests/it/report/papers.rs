//! Annual reports of companies that do not exist, with sums that hold or do not.

use super::draw::{Ink, Pen};

/// What is drawn.
pub struct Paper<'a> {
    pub company: &'a str,
    /// Sizes of everything.
    pub factor: i64,
    /// Prints a total with two digits exchanged.
    pub wrong: bool,
    /// Goes into the text and the labels of a table.
    pub hostile: &'a str,
    /// Pages of prose and a table each behind the first two.
    pub more_pages: usize,
}

const ROWS: [(&str, i64, i64); 4] = [
    ("Cash and cash equivalents", 10_707, 9_384),
    ("Trade receivables", 4_168, 3_569),
    ("Inventories", 5_082, 4_728),
    ("Prepaid expenses", 1_541, 1_323),
];

fn grouped(value: i64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number with its third and fourth last digits exchanged.
fn exchanged(value: i64) -> i64 {
    let (high, low) = (value / 10_000, value % 1000);
    high * 10_000 + value / 100 % 10 * 1000 + value / 1000 % 10 * 100 + low % 100
}

fn table(
    pen: &mut Pen,
    top: f64,
    title: &str,
    rows: &[(String, i64, i64, bool)],
    wrong: Option<usize>,
) -> Option<Ink> {
    let (left, columns) = (60.0, [400.0, 500.0]);
    let mut y = top;
    pen.text(left, y, 11.0, true, title);
    y += 16.0;
    pen.text(left, y, 8.5, false, "(in thousands of euros)");
    for (column, year) in columns.iter().zip(["2024", "2023"]) {
        let width = pen.measure(year, 9.0);
        pen.text(column - width, y, 9.0, true, year);
    }
    y += 5.0;
    pen.line(left, y, 510.0, y);
    let mut planted = None;
    for (at, (label, this, last, total)) in rows.iter().enumerate() {
        y += 15.0;
        if *total {
            for column in columns {
                pen.line(column - 62.0, y - 10.5, column + 2.0, y - 10.5);
            }
        }
        pen.text(left + if *total { 0.0 } else { 8.0 }, y, 9.0, *total, label);
        for (column, value) in columns.iter().zip([*this, *last]) {
            let is_wrong = wrong == Some(at) && value == *this;
            let text = grouped(if is_wrong { exchanged(value) } else { value });
            let width = pen.measure(&text, 9.0);
            let ink = pen.text(column - width, y, 9.0, *total, &text);
            if is_wrong {
                planted = Some(ink);
            }
        }
    }
    pen.line(left, y + 5.0, 510.0, y + 5.0);
    planted
}

fn paragraph(pen: &mut Pen, mut y: f64, text: &str) -> f64 {
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if pen.measure(&longer, 9.5) > 450.0 {
            pen.text(60.0, y, 9.5, false, &line);
            y += 13.0;
            line = word.to_owned();
        } else {
            line = longer;
        }
    }
    pen.text(60.0, y, 9.5, false, &line);
    y + 20.0
}

/// The PDF, and where the wrong total stands.
pub fn annual_report(paper: &Paper<'_>) -> (Vec<u8>, Option<Ink>) {
    let mut pen = Pen::new(595.0, 842.0, false);
    pen.text(60.0, 90.0, 20.0, true, paper.company);
    pen.text(60.0, 116.0, 13.0, false, "Annual report 2024");
    pen.text(60.0, 170.0, 12.0, true, "Letter to shareholders");
    let y = paragraph(
        &mut pen,
        192.0,
        &format!(
            "{} had a good year. Revenue rose by 12% to record levels, and the margin improved strongly. We thank our \
             customers for their trust.",
            paper.company
        ),
    );
    let y = paragraph(
        &mut pen,
        y,
        "Demand in Europe weakened in the fourth quarter, and we recorded a loss on the sale of a warehouse. The lawsuit \
         over the terminated contract may have a material adverse effect on our results.",
    );
    pen.text(60.0, y + 12.0, 12.0, true, "Outlook");
    paragraph(
        &mut pen,
        y + 34.0,
        &format!("We expect sales of about €{} million in 2025. {}", 40 * paper.factor, paper.hostile),
    );
    pen.text(500.0, 800.0, 8.0, false, "1");
    pen.new_page();
    pen.text(60.0, 80.0, 13.0, true, "Consolidated balance sheet");
    let mut rows: Vec<(String, i64, i64, bool)> = ROWS
        .iter()
        .map(|(label, this, last)| ((*label).to_owned(), this * paper.factor, last * paper.factor, false))
        .collect();
    if !paper.hostile.is_empty() {
        rows[1].0 = format!("Receivables {}", paper.hostile);
    }
    let total = |rows: &[(String, i64, i64, bool)], name: &str| {
        let sum =
            |of: &dyn Fn(&(String, i64, i64, bool)) -> i64| rows.iter().filter(|row| !row.3).map(of).sum();
        (name.to_owned(), sum(&|row| row.1), sum(&|row| row.2), true)
    };
    let current = total(&rows, "Total current assets");
    rows.push(current.clone());
    let planted = table(&mut pen, 112.0, "Current assets", &rows, paper.wrong.then_some(4));
    let fixed: Vec<_> =
        [("Property and equipment", 20_114, 19_870), ("Goodwill", 6_430, 6_430), ("Software", 1_212, 1_090)]
            .into_iter()
            .map(|(label, this, last)| (label.to_owned(), this * paper.factor, last * paper.factor, false))
            .collect::<Vec<_>>();
    let mut rows = fixed.clone();
    rows.push(total(&fixed, "Total non-current assets"));
    table(&mut pen, 260.0, "Non-current assets", &rows, None);
    pen.text(500.0, 800.0, 8.0, false, "2");
    for page in 0..paper.more_pages {
        pen.new_page();
        pen.text(60.0, 80.0, 12.0, true, &format!("Note {}", page + 1));
        let mut y = 104.0;
        for _ in 0..4 {
            y = paragraph(
                &mut pen,
                y,
                "Revenue is recognised when control of the goods passes to the customer, for the amount that the group \
                 expects to be entitled to. Rebates of 2% were granted to 14 customers in 2024.",
            );
        }
        let mut rows = fixed.clone();
        rows.push(total(&fixed, "Total"));
        table(&mut pen, y + 20.0, "Carrying amounts", &rows, None);
        pen.text(500.0, 800.0, 8.0, false, &(page + 3).to_string());
    }
    (pen.finish(), planted)
}
