//! Printed page numbers against the order of the pages.
//!
//! A number belongs to the numbering when it stands alone, or at an end of its line, at the head or the foot of its page
//! and the numbers of other pages run with it. Nothing is said of documents whose pages mostly show no such number.

use std::collections::BTreeMap;

use super::{count, evidence, finding};
use crate::document::findings::{Anomaly, Severity};
use crate::document::{BBox, Page};
use crate::limit::Limit;

/// Share of a page's height at its head and foot where its number may stand.
const MARGIN: f32 = 0.12;
/// Pages with a number that a numbering needs.
const FEWEST: usize = 5;
/// Share of the pages that must show a number of the numbering.
const SHARE: f64 = 0.6;
/// Pages in a row that a stretch of numbering needs on either side of a break.
const STRETCH: usize = 3;
/// Words in the margins beyond which they are no margins.
const MOST_IN_MARGIN: usize = 1_000;
/// Points that numbers of one place may stand apart.
const SAME_PLACE: f32 = 12.0;

/// A number that may be the page's.
#[derive(Clone, Debug)]
struct Candidate {
    value: i64,
    bbox: BBox,
    text: String,
}

pub(super) fn page_numbers(pages: &[Page], limit: &Limit) -> Vec<Anomaly> {
    let candidates: Vec<Vec<Candidate>> = limit.within(pages).map(candidates).collect();
    let pages = &pages[..candidates.len()];
    let numbers: Vec<i64> = pages.iter().map(|page| i64::from(page.number)).collect();
    let chosen = choose(&numbers, &candidates);
    let numbered = chosen.iter().filter(|number| number.is_some()).count();
    if numbered < FEWEST || (numbered as f64) < SHARE * pages.len() as f64 {
        return Vec::new();
    }
    let mut found = breaks(pages, &chosen);
    found.extend(strays(pages, &candidates, &chosen));
    found.sort_by_key(|anomaly| anomaly.evidence.first().map(|evidence| evidence.place.page));
    found
}

/// Numbers at an end of the lines at head and foot.
fn candidates(page: &Page) -> Vec<Candidate> {
    let (head, foot) = (MARGIN * page.height, (1.0 - MARGIN) * page.height);
    let in_margin = |bbox: &BBox| bbox.y1 <= head || bbox.y0 >= foot;
    let words: Vec<_> = page
        .words
        .iter()
        .filter(|word| word.direction == 0 && !word.style.invisible && in_margin(&word.bbox))
        .collect();
    if words.len() > MOST_IN_MARGIN {
        return Vec::new();
    }
    words
        .iter()
        .filter_map(|word| {
            let digits = word.text.trim_matches(['-', '–', '—', '|', '.', '[', ']']);
            if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let beside = |other: &&crate::document::Word| {
                (other.bbox.center_y() - word.bbox.center_y()).abs() < 0.5 * word.bbox.height()
            };
            let line: Vec<_> = words.iter().copied().filter(beside).collect();
            let first = line.iter().all(|other| other.bbox.x0 >= word.bbox.x0);
            let last = line.iter().all(|other| other.bbox.x1 <= word.bbox.x1);
            let after_page = line
                .iter()
                .any(|other| other.text.eq_ignore_ascii_case("page") && other.bbox.x1 <= word.bbox.x0 + 1.0);
            let value = digits.parse().ok().filter(|value| *value > 0)?;
            (first || last || after_page).then(|| Candidate {
                value,
                bbox: word.bbox,
                text: word.text.clone(),
            })
        })
        .collect()
}

/// For every page the candidate whose distance from the page's place in the file is shared by most pages around it.
fn choose(numbers: &[i64], candidates: &[Vec<Candidate>]) -> Vec<Option<Candidate>> {
    let mut stretches: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, page) in candidates.iter().enumerate() {
        let mut offsets: Vec<i64> = page.iter().map(|candidate| candidate.value - numbers[index]).collect();
        offsets.sort_unstable();
        offsets.dedup();
        for offset in offsets {
            stretches.entry(offset).or_default().push(index);
        }
    }
    // Pages in a row, at most two of them unnumbered in between, that share an offset.
    let mut support: BTreeMap<(usize, i64), usize> = BTreeMap::new();
    for (offset, pages) in &stretches {
        for run in pages.chunk_by(|a, b| b - a <= 3) {
            for page in run {
                support.insert((*page, *offset), run.len());
            }
        }
    }
    candidates
        .iter()
        .enumerate()
        .map(|(index, page)| {
            let of = |candidate: &Candidate| {
                support.get(&(index, candidate.value - numbers[index])).copied().unwrap_or(0)
            };
            page.iter()
                .filter(|candidate| of(candidate) >= STRETCH)
                .max_by_key(|candidate| of(candidate))
                .cloned()
        })
        .collect()
}

/// Jumps between two stretches of numbering.
fn breaks(pages: &[Page], chosen: &[Option<Candidate>]) -> Vec<Anomaly> {
    let numbered: Vec<(&Page, &Candidate)> =
        pages.iter().zip(chosen).filter_map(|(page, chosen)| Some((page, chosen.as_ref()?))).collect();
    let mut found = Vec::new();
    for pair in numbered.windows(2) {
        let [(page, number), (next_page, next)] = pair else { continue };
        let step = i64::from(next_page.number) - i64::from(page.number);
        let surplus = next.value - number.value - step;
        let places = vec![
            evidence(page.number, number.bbox, number.text.as_str()),
            evidence(next_page.number, next.bbox, next.text.as_str()),
        ];
        if surplus > 0 {
            let from = number.value + 1;
            let (what, to) = (count(surplus as usize, "page number"), next.value - 1);
            let message = if step == 1 && surplus == 1 {
                format!("page number {from} is missing between {} and {}", number.value, next.value)
            } else {
                format!("{what} between {from} and {to} are missing")
            };
            found.push(finding("page_number", Severity::Warning, message, places));
        } else if surplus < 0
            && next.value > 2
            && next.value <= number.value
            && number.value - next.value < step + 2
        {
            // A lower number starts an appendix or another part; one just used is there twice.
            let message = format!("page number {} occurs twice", next.value);
            found.push(finding("page_number", Severity::Warning, message, places));
        }
    }
    found
}

/// Pages in the midst of a stretch whose number, at the place of the numbers around it, is another one.
fn strays(pages: &[Page], candidates: &[Vec<Candidate>], chosen: &[Option<Candidate>]) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for index in 1..pages.len().saturating_sub(1) {
        let (None, Some(before), Some(after)) = (&chosen[index], &chosen[index - 1], &chosen[index + 1])
        else {
            continue;
        };
        let expected = before.value + 1;
        let consecutive = pages[index - 1].number + 2 == pages[index + 1].number;
        if !consecutive || after.value != before.value + 2 {
            continue;
        }
        let at_place = |candidate: &&Candidate| {
            (candidate.bbox.center_x() - before.bbox.center_x()).abs() < SAME_PLACE
                && (candidate.bbox.center_y() - before.bbox.center_y()).abs() < SAME_PLACE
        };
        if let Some(stray) = candidates[index].iter().find(at_place) {
            let message = format!(
                "the page between {} and {} has the number {}",
                before.value, after.value, stray.value
            );
            let place = evidence(pages[index].number, stray.bbox, stray.text.as_str());
            let mut anomaly = finding("page_number", Severity::Warning, message, vec![place]);
            anomaly.expected = Some(expected as f64);
            anomaly.printed = Some(stray.value as f64);
            found.push(anomaly);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::{page, word};
    use super::*;

    fn messages(printed: &[Option<&str>]) -> Vec<String> {
        let pages: Vec<Page> = (1..)
            .zip(printed)
            .map(|(number, printed)| {
                let mut words = vec![word("text", 72.0, 400.0)];
                words.extend(printed.iter().map(|text| word(text, 300.0, 760.0)));
                page(number, words)
            })
            .collect();
        page_numbers(&pages, &Limit::default()).into_iter().map(|anomaly| anomaly.message).collect()
    }

    fn numbers(values: &[&'static str]) -> Vec<String> {
        messages(&values.iter().map(|value| (!value.is_empty()).then_some(*value)).collect::<Vec<_>>())
    }

    #[test]
    fn regular_numberings_are_fine() {
        assert!(numbers(&["1", "2", "3", "4", "5", "6"]).is_empty());
        assert!(numbers(&["", "", "1", "2", "", "4", "5", "6", "7"]).is_empty(), "cover and blank pages");
        assert!(numbers(&["5", "6", "7", "8", "1", "2", "3", "4"]).is_empty(), "an appendix starts again");
        assert!(numbers(&["12", "31", "7", "99", "4", "18", "55"]).is_empty(), "no numbering at all");
    }

    #[test]
    fn missing_double_and_wrong_numbers_are_found() {
        assert_eq!(numbers(&["1", "2", "3", "5", "6", "7"]), ["page number 4 is missing between 3 and 5"]);
        assert_eq!(
            numbers(&["1", "2", "3", "30", "31", "32"]),
            ["26 page numbers between 4 and 29 are missing"]
        );
        assert_eq!(numbers(&["1", "2", "3", "3", "4", "5"]), ["page number 3 occurs twice"]);
        assert_eq!(
            numbers(&["1", "2", "3", "4", "4", "6", "7", "8"]),
            ["the page between 4 and 6 has the number 4"]
        );
    }
}
