//! Tables that stand one below the other in one region: a second block of column headers begins a table of its own.

use std::ops::Range;

use super::columns::{first_data_line, is_numeric_region, is_rest_of_date};
use super::lines::{Chunk, Line, Region};
use crate::structure::numbers::{Locale, PeriodParts, unit_line};

/// Headers that must stand again, word by word, for a line to be the same headers.
const FEWEST_REPEATED: usize = 2;
/// Headers without a date that begin a table below a title.
const FEWEST_HEADERS: usize = 3;
/// Size of a title, in em, and its distance, in the usual distances of lines, from what stands above.
const TITLE_SIZE: f32 = 1.15;
const TITLE_GAP: f32 = 1.6;
/// The same for headers without a title.
const TABLE_GAP: f32 = 2.2;
/// Lines of numbers that each of the tables has.
const FEWEST_ROWS: usize = 2;

/// The lines of each table in a region of numbers.
///
/// A table begins with the headers of the one above repeated, or with headers of dates below a title of its own, or with
/// headers below a gap. A row of years with a label and nothing between is part of its table.
pub(super) fn stacked_tables(region: &Region<'_>) -> Vec<Range<usize>> {
    let lines = &region.lines;
    let whole = std::iter::once(0..lines.len()).collect();
    let Some(first) = is_numeric_region(region).then(|| first_data_line(region)).flatten() else {
        return whole;
    };
    let left = lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min);
    let mut view = View { region, left, numbers: f32::INFINITY, pitch: pitch(lines) };
    let numbers = lines[first..].iter().flat_map(|line| view.headers(line)).filter(|chunk| chunk.numeric);
    view.numbers = numbers.map(|chunk| chunk.bbox.x0).fold(f32::INFINITY, f32::min);
    let mut headers: Vec<String> =
        lines[..first].iter().flat_map(|line| view.headers(line)).map(|chunk| region.text(chunk)).collect();
    let amounts: Vec<bool> = (0..lines.len()).map(|line| view.has_amounts(line)).collect();
    let mut starts = vec![0];
    let mut line = first;
    while line < lines.len() {
        if amounts[line] {
            line += 1;
            continue;
        }
        let end = (line..lines.len()).find(|&next| amounts[next]).unwrap_or(lines.len());
        let start = starts.last().copied().unwrap_or(0);
        let rows = |range: Range<usize>| range.filter(|&line| amounts[line]).count();
        if end < lines.len()
            && rows(start..line) >= FEWEST_ROWS
            && rows(end..lines.len()) >= FEWEST_ROWS
            && view.begins_table(line..end, &headers)
        {
            starts.push(line);
            headers = lines[line..end]
                .iter()
                .flat_map(|line| view.headers(line))
                .map(|chunk| region.text(chunk))
                .collect();
        }
        line = end;
    }
    let ends = starts[1..].iter().copied().chain(std::iter::once(lines.len()));
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

struct View<'a, 'p> {
    region: &'a Region<'p>,
    left: f32,
    /// Left edge of the numbers.
    numbers: f32,
    /// Usual distance of lines.
    pitch: f32,
}

/// The median distance of neighbouring lines.
fn pitch(lines: &[Line]) -> f32 {
    let mut distances: Vec<f32> = lines.windows(2).map(|pair| pair[1].center - pair[0].center).collect();
    distances.sort_by(f32::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(f32::INFINITY)
}

impl<'a> View<'a, '_> {
    fn in_stub(&self, chunk: &Chunk) -> bool {
        chunk.bbox.x0 < self.left + 6.0 * self.region.em
    }

    /// The chunks of a line over the columns of numbers.
    fn headers(&self, line: &'a Line) -> impl Iterator<Item = &'a Chunk> {
        line.chunks.iter().filter(|chunk| !self.in_stub(chunk))
    }

    fn has_amounts(&self, line: usize) -> bool {
        let right = self.headers(&self.region.lines[line]);
        right.into_iter().any(|chunk| chunk.numeric && !is_rest_of_date(self.region, line, chunk))
    }

    /// Whether these lines without amounts are the headers of a further table.
    fn begins_table(&self, lines: Range<usize>, headers: &[String]) -> bool {
        let is_date = |text: &str| PeriodParts::of(text, Locale::default()).is_pure();
        let (mut repeated, mut dates, mut titles) = (0, 0, 0);
        // Headers in lines that have nothing over the labels, or the unit.
        let (mut free_dates, mut free_headers) = (0, 0);
        let first = lines.start;
        let gap = self.region.lines[first].center - self.region.lines[first - 1].center;
        let large = |chunk: &Chunk| {
            chunk.pieces.iter().all(|&piece| self.region.pieces[piece].size >= TITLE_SIZE * self.region.em)
        };
        let mut titled = false;
        for (index, line) in self.region.lines[lines].iter().enumerate() {
            let right: Vec<String> = self.headers(line).map(|chunk| self.region.text(chunk)).collect();
            repeated += right
                .iter()
                .filter(|text| text.contains(char::is_alphabetic) && !is_date(text) && headers.contains(text))
                .count();
            dates += right.iter().filter(|text| is_date(text)).count();
            // A title stands alone, over the columns or from the left edge into them.
            let alone = line.chunks.first().filter(|chunk| line.chunks.len() == 1 && !chunk.numeric);
            titles += usize::from(alone.is_some_and(|chunk| {
                let text = self.region.text(chunk);
                let over = right.len() == 1 || chunk.bbox.x1 > self.numbers;
                over && !is_date(&text) && !headers.contains(&text)
            }));
            titled |= alone.is_some_and(|chunk| large(chunk) || index == 0 && gap >= TITLE_GAP * self.pitch);
            let stub: Vec<String> = line
                .chunks
                .iter()
                .filter(|chunk| self.in_stub(chunk))
                .map(|chunk| self.region.text(chunk))
                .collect();
            if stub.iter().all(|text| unit_line(text).is_some()) {
                free_headers += right.len();
                free_dates += right.iter().filter(|text| is_date(text)).count();
            }
        }
        repeated >= FEWEST_REPEATED
            || dates >= 2 && titles > 0
            || titled && (free_dates >= 2 || free_headers >= FEWEST_HEADERS)
            || gap >= TABLE_GAP * self.pitch && free_dates >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{BBox, Word};
    use crate::structure::testing::{page_of, word};

    /// Lines `label | header | header` at fixed places.
    fn tables(lines: &[&str]) -> Vec<Range<usize>> {
        let mut words: Vec<Word> = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            for (column, text) in
                line.split('|').map(str::trim).enumerate().filter(|(_, text)| !text.is_empty())
            {
                let mut x = [50.0, 250.0, 350.0][column];
                for part in text.split(' ') {
                    let end = x + 5.0 * part.chars().count() as f32;
                    words.push(word(part, x, 100.0 + 14.0 * row as f32, end, 10.0));
                    x = end + 2.5;
                }
            }
        }
        let page = page_of(words);
        let region = Region::new(&page, &BBox::new(0.0, 0.0, 600.0, 800.0));
        stacked_tables(&region)
    }

    #[test]
    fn repeated_headers_and_titled_dates_begin_a_table() {
        let repeated = [
            "| Land | Buildings",
            "April 2020 | 1,204 | 310",
            "Other | 12 | 14",
            "| Thousands of dollars",
            "| Land | Buildings",
            "April 2020 | 3,021 | 741",
            "Other | 15 | 16",
        ];
        assert_eq!(tables(&repeated), [0..3, 3..7]);
        let titled = [
            "| 2022 | 2021",
            "Banks | 1,204 | 310",
            "Total | 12 | 14",
            "| Lending commitments",
            "| 2022 | 2021",
            "Banks | 3,021 | 741",
            "Total | 15 | 16",
        ];
        assert_eq!(tables(&titled), [0..3, 3..7]);
        let one = [
            "Years ended | 2022 | 2021",
            "Sales | 1,204 | 310",
            "Costs | 12 | 14",
            "Balances at year end | 2022 | 2021",
            "Cash | 3,021 | 741",
            "Debt | 15 | 16",
        ];
        assert_eq!(tables(&one).len(), 1);
        assert_eq!(tables(&one)[0], 0..6);
    }
}
