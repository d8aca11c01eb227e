//! Which numbers of a document take part in which totals: from a file beside it, else from its printed lines.
//!
//! Neither looks at docproc's tables or at its audit: those are what is measured.

use std::path::Path;

use serde::Deserialize;

use super::data::read_lines;
use super::inject::{Claim, ClaimedNumber, value_of};
use crate::document::{BBox, Page};
use crate::error::Result;

/// Distance in points up to which right edges are in one column, and centers on one line.
const ALIGNED: f32 = 3.0;
/// Most lines above a total that are added up.
const MOST_LINES: usize = 40;
/// Digits of totals that must come out, over all columns, before they count as no coincidence.
const DIGITS: f64 = 5.0;

/// `{"terms": [...], "result": {...}}`: a total that a document claims.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledClaim {
    /// What is added up.
    pub terms: Vec<LabelledNumber>,
    /// The printed total.
    pub result: LabelledNumber,
}

/// A number of a claim.
#[derive(Clone, Debug, Deserialize)]
pub struct LabelledNumber {
    /// Page, counted from 1.
    pub page: u32,
    /// Box on the page in points, origin top left, that the number's word lies in.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Digits as printed, without signs.
    pub text: String,
    /// Printed value with its sign.
    pub value: f64,
    /// 1 if it is added, -1 if it is taken off.
    #[serde(default = "one")]
    pub factor: i8,
}

fn one() -> i8 {
    1
}

/// Reads the claims of a file and finds their words; also how many claims have a number that is not on its page. An empty
/// file says that the document claims no total: it counts for false alarms only.
///
/// # Errors
/// `data.invalid`.
pub fn claims_of_file(path: &Path, pages: &[Page]) -> Result<(Vec<Claim>, usize)> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Ok((Vec::new(), 0));
    }
    let labelled: Vec<LabelledClaim> = read_lines(path)?;
    let claims: Vec<Claim> = labelled
        .iter()
        .filter_map(|claim| {
            let terms = claim.terms.iter().map(|term| number_on(pages, term)).collect::<Option<Vec<_>>>()?;
            Some(Claim { terms, result: number_on(pages, &claim.result)? })
        })
        .collect();
    let lost = labelled.len() - claims.len();
    Ok((claims, lost))
}

/// The word that a labelled number is printed in: the one that overlaps most of those that contain its digits.
fn number_on(pages: &[Page], labelled: &LabelledNumber) -> Option<ClaimedNumber> {
    let page = pages.iter().position(|page| page.number == labelled.page)?;
    let overlap = |bbox: &BBox| bbox.intersection(&labelled.bbox).map_or(0.0, |both| both.area());
    let (word, _) = pages[page]
        .words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.text.contains(&labelled.text))
        .map(|(index, word)| (index, overlap(&word.bbox)))
        .filter(|(_, overlap)| *overlap > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let decimals = labelled.text.split_once('.').map_or(0, |(_, rest)| rest.len());
    Some(ClaimedNumber {
        page,
        word,
        factor: if labelled.factor < 0 { -1 } else { 1 },
        value: labelled.value,
        unit: 0.1f64.powi(decimals as i32),
    })
}

/// A number of a printed line.
#[derive(Clone, Copy)]
struct Printed {
    word: usize,
    x1: f32,
    value: f64,
    unit: f64,
}

/// A printed line: its words before the first number, and its numbers.
#[derive(Default)]
struct Line {
    label: String,
    numbers: Vec<Printed>,
}

/// Totals that can be read off the printed lines: a line that begins with "Total" whose every number is the plain sum
/// of the numbers above it in its column, over the same lines in all columns.
#[must_use]
pub fn claims_in_print(pages: &[Page]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (page, content) in pages.iter().enumerate() {
        let lines = lines_of(content);
        for (index, line) in lines.iter().enumerate() {
            if line.label.to_lowercase().starts_with("total") && !line.numbers.is_empty() {
                claims.extend(sum_above(page, &lines[..index], line));
            }
        }
    }
    claims
}

fn sum_above(page: usize, above: &[Line], total: &Line) -> Vec<Claim> {
    for count in 2..=above.len().min(MOST_LINES) {
        let terms = &above[above.len() - count..];
        let claims: Vec<Claim> = total
            .numbers
            .iter()
            .map(|number| Claim {
                terms: terms
                    .iter()
                    .filter_map(|line| {
                        line.numbers.iter().find(|other| (other.x1 - number.x1).abs() < ALIGNED)
                    })
                    .map(|other| claimed(page, other))
                    .collect(),
                result: claimed(page, number),
            })
            .collect();
        let exact = |claim: &Claim| {
            let sum: f64 = claim.terms.iter().map(|term| term.value).sum();
            claim.terms.len() > 1 && (sum - claim.result.value).abs() < 0.01 * claim.result.unit
        };
        let digits: f64 = claims.iter().map(|claim| (claim.result.value.abs() + 1.0).log10()).sum();
        if claims.iter().all(exact) && digits >= DIGITS {
            return claims;
        }
    }
    Vec::new()
}

fn claimed(page: usize, printed: &Printed) -> ClaimedNumber {
    ClaimedNumber { page, word: printed.word, factor: 1, value: printed.value, unit: printed.unit }
}

fn lines_of(page: &Page) -> Vec<Line> {
    let mut order: Vec<usize> =
        (0..page.words.len()).filter(|&word| page.words[word].direction == 0).collect();
    order.sort_by(|&a, &b| page.words[a].bbox.center_y().total_cmp(&page.words[b].bbox.center_y()));
    let mut lines: Vec<Vec<usize>> = Vec::new();
    let mut center = f32::NEG_INFINITY;
    for word in order {
        let own = page.words[word].bbox.center_y();
        if own - center > ALIGNED {
            lines.push(Vec::new());
            center = own;
        }
        if let Some(line) = lines.last_mut() {
            line.push(word);
        }
    }
    lines.into_iter().map(|words| line_of(page, words)).collect()
}

fn line_of(page: &Page, mut words: Vec<usize>) -> Line {
    words.sort_by(|&a, &b| page.words[a].bbox.x0.total_cmp(&page.words[b].bbox.x0));
    let mut line = Line::default();
    for word in words {
        let text = page.words[word].text.as_str();
        let number = text.chars().any(|c| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '(' | ')' | '$' | '-'));
        if number && let Some(value) = value_of(text) {
            let decimals = text
                .split_once('.')
                .map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
            // A closing bracket may hang over the column's edge.
            let hanging = if text.ends_with(')') { 0.3 * page.words[word].bbox.height() } else { 0.0 };
            let (x1, unit) = (page.words[word].bbox.x1 - hanging, 0.1f64.powi(decimals as i32));
            line.numbers.push(Printed { word, x1, value, unit });
        } else if line.numbers.is_empty() {
            line.label.push_str(text);
            line.label.push(' ');
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{TextSource, Word, WordStyle};

    fn page(rows: &[&[(&str, f32)]]) -> Page {
        let words = rows.iter().enumerate().flat_map(|(row, words)| {
            words.iter().map(move |(text, x1)| Word {
                text: (*text).to_owned(),
                bbox: BBox::new(
                    x1 - 5.0 * text.len() as f32,
                    row as f32 * 12.0,
                    *x1,
                    row as f32 * 12.0 + 9.0,
                ),
                font_size: 9.0,
                font: 0,
                style: WordStyle::default(),
                color: [0, 0, 0, 255],
                direction: 0,
                confidence: None,
            })
        });
        Page {
            number: 1,
            width: 600.0,
            height: 800.0,
            rotation: 0,
            label: None,
            text_source: TextSource::TextLayer,
            text_source_reason: String::new(),
            words: words.collect(),
            rulings: Vec::new(),
            images: Vec::new(),
            pictures: Vec::new(),
            fonts: Vec::new(),
            controls: 0,
        }
    }

    #[test]
    fn totals_of_printed_lines() {
        let rows: &[&[(&str, f32)]] = &[
            &[("2024", 300.0), ("2023", 400.0)],
            &[("Cash", 50.0), ("1,200", 300.0), ("900", 400.0)],
            &[("Inventory", 60.0), ("345", 300.0), ("(12)", 402.0)],
            &[("Total", 50.0), ("1,545", 300.0), ("888", 400.0)],
        ];
        let found = claims_in_print(&[page(rows)]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].terms.iter().map(|term| term.value).collect::<Vec<_>>(), [1200.0, 345.0]);
        assert_eq!(found[1].result.value, 888.0);
        let mut wrong = page(rows);
        wrong.words.last_mut().expect("a word").text = "889".to_owned();
        assert!(claims_in_print(&[wrong]).is_empty(), "every column must come out");
    }

    #[test]
    fn an_empty_file_claims_nothing_and_a_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.claims.jsonl");
        assert!(claims_of_file(&path, &[]).is_err());
        std::fs::write(&path, "").unwrap();
        assert_eq!(claims_of_file(&path, &[]).unwrap(), (Vec::new(), 0));
    }

    #[test]
    fn labelled_numbers_are_found_by_box_and_digits() {
        let page = page(&[&[("Cash", 50.0), ("$1,200", 300.0), ("1,200", 400.0)]]);
        let label = |x0: f32| LabelledNumber {
            page: 1,
            bbox: BBox::new(x0, 1.0, x0 + 25.0, 8.0),
            text: "1,200".to_owned(),
            value: 1200.0,
            factor: 1,
        };
        assert_eq!(number_on(std::slice::from_ref(&page), &label(272.0)).map(|number| number.word), Some(1));
        assert_eq!(number_on(std::slice::from_ref(&page), &label(374.0)).map(|number| number.word), Some(2));
        assert_eq!(number_on(&[page], &label(100.0)), None);
    }
}
