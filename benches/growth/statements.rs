//! Documents of statements made by rule, of any length: what benches and tests measure growth on.

use std::sync::Arc;

use docproc::document::{BBox, Page, TextSource, Word, WordStyle};
use docproc::structure::PageBlock;

/// Statements of 13 rows on a page.
const STATEMENTS: usize = 3;
const ROWS: [&str; 13] = [
    "Net sales",
    "Cost of sales",
    "Gross profit",
    "Research and development",
    "Selling and administrative",
    "Total operating expenses",
    "Operating income",
    "Interest income",
    "Other income",
    "Income before taxes",
    "Provision for income taxes",
    "Net income",
    "Share of sales",
];

/// How the pages are joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One table that goes on from page to page.
    Joined,
    /// A table with headers on every page below a heading and a sentence about it: the same lines in all of them.
    Repeated,
}

/// Pages with their blocks. Sums come out in two of three statements.
pub fn document(kind: Kind, pages: usize) -> (Vec<Page>, Vec<PageBlock>) {
    let mut made = Vec::new();
    let mut blocks = Vec::new();
    for index in 0..pages {
        let mut words = Vec::new();
        let mut y = 60.0;
        if kind == Kind::Repeated {
            let first = amounts(index * STATEMENTS)[0];
            let told = format!("Net sales increased to ${} from ${}.", grouped(first[0]), grouped(first[1]));
            for (label, text) in [("Section-header", format!("Segment {index}")), ("Text", told)] {
                let from = words.len();
                line(&mut words, y, &[(60.0, &text)], &[]);
                blocks.push(block(index, label, &words, from));
                y += 40.0;
            }
        }
        let from = words.len();
        if kind == Kind::Repeated || index == 0 {
            line(&mut words, y, &[(346.0, "2024"), (446.0, "2023")], &[]);
            y += 15.0;
        }
        for statement in 0..STATEMENTS {
            for (label, numbers) in ROWS.iter().zip(amounts(index * STATEMENTS + statement)) {
                line(&mut words, y, &[(60.0, label)], &[(370.0, numbers[0]), (470.0, numbers[1])]);
                y += 15.0;
            }
        }
        blocks.push(block(index, "Table", &words, from));
        made.push(Page {
            controls: 0,
            number: index as u32 + 1,
            width: 612.0,
            height: 792.0,
            rotation: 0,
            label: None,
            text_source: TextSource::TextLayer,
            text_source_reason: String::new(),
            words,
            rulings: vec![],
            images: vec![],
            pictures: Vec::new(),
            fonts: vec![Arc::from("Helvetica")],
        });
    }
    (made, blocks)
}

/// The numbers of a statement, row by row.
fn amounts(statement: usize) -> [[i64; 2]; ROWS.len()] {
    let mut state = 7 + statement as u64;
    let mut random = |from: i64, to: i64| {
        // Knuth's linear congruential generator (MMIX): the same numbers everywhere.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + ((state >> 33) as i64) % (to - from)
    };
    let mut rows = [[0; 2]; ROWS.len()];
    // Off by so much that no slip of a digit explains it.
    let slip = if statement % 3 == 2 { 1_234 } else { 0 };
    for column in 0..2 {
        let (sales, cost) = (random(5_000_000, 9_000_000), random(2_000_000, 4_000_000));
        let (research, selling) = (random(20_000, 60_000), random(40_000, 90_000));
        let (interest, other, tax) = (random(100, 900), random(1_000, 9_000), random(10_000, 30_000));
        let operating = sales - cost - research - selling;
        let before = operating + interest + other;
        let values = [
            sales,
            cost,
            sales - cost + slip,
            research,
            selling,
            research + selling + 2 * slip,
            operating + 3 * slip,
            interest,
            other,
            before + 4 * slip,
            tax,
            before - tax + 5 * slip,
            100,
        ];
        rows.iter_mut().zip(values).for_each(|(row, value)| row[column] = value);
    }
    rows
}

fn grouped(value: i64) -> String {
    if value < 1_000 { value.to_string() } else { format!("{},{:03}", grouped(value / 1_000), value % 1_000) }
}

/// Texts from their left edge and numbers to their right edge, five points a character.
fn line(words: &mut Vec<Word>, y: f32, texts: &[(f32, &str)], numbers: &[(f32, i64)]) {
    let mut push = |text: &str, x: f32| {
        let width = 5.0 * text.chars().count() as f32;
        words.push(Word {
            text: text.to_owned(),
            bbox: BBox::new(x, y, x + width, y + 10.0),
            font_size: 10.0,
            font: 0,
            style: WordStyle { starts_line: x < 61.0, ..WordStyle::default() },
            color: [0, 0, 0, 255],
            direction: 0,
            confidence: None,
        });
        x + width + 2.5
    };
    for (x, text) in texts {
        text.split(' ').fold(*x, |x, word| push(word, x));
    }
    for (right, value) in numbers {
        let text = grouped(*value);
        push(&text, right - 5.0 * text.len() as f32);
    }
}

fn block(page_index: usize, label: &str, words: &[Word], from: usize) -> PageBlock {
    let mut lines: Vec<Vec<usize>> = Vec::new();
    for (word, own) in words.iter().enumerate().skip(from) {
        match lines.last_mut() {
            Some(line) if words[line[0]].bbox.y0 == own.bbox.y0 => line.push(word),
            _ => lines.push(vec![word]),
        }
    }
    let boxes = words[from..].iter().map(|word| &word.bbox);
    PageBlock {
        page_index,
        label: label.to_owned(),
        confidence: 1.0,
        bbox: BBox::around(boxes).unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0)),
        lines,
        picture: None,
    }
}
