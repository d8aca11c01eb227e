//! How a document writes its numbers: found once, from all its words, and handed to everything that reads numbers.

use super::numbers::{Locale, group_follows};
use crate::document::{Page, Word};

/// Widest space within a number, in em: that of common fonts is 0.25 to 0.28 em, in those of one width 0.6.
const WIDEST_SPACE: f32 = 0.45;
/// Numbers with grouping spaces that a document or page must have for spaces to group.
const FEWEST: usize = 2;

/// The conventions of a document's numbers and dates.
#[must_use]
pub fn locale_of(pages: &[Page]) -> Locale {
    let words = pages.iter().flat_map(|page| &page.words).map(|word| word.text.as_str());
    let spaces = pages.iter().map(Spaces::of).fold(Spaces::default(), Spaces::add);
    Locale { spaces_group: spaces.group(), ..Locale::detect(words) }
}

/// Whether spaces group digits on a page: `12 345`. They do where groups of three follow one another at the distance of a
/// space again and again, and where neither commas group digits nor other numbers stand as near to each other, as those
/// of two narrow columns do.
#[must_use]
pub(super) fn spaces_group_on(page: &Page) -> bool {
    Spaces::of(page).group()
}

/// What the numbers of a page show about spaces.
#[derive(Clone, Copy, Debug, Default)]
struct Spaces {
    /// Numbers that can be read as groups of three digits, the first of one to three.
    groups: usize,
    /// Numbers as near to each other that cannot.
    neighbours: usize,
    /// Numbers whose groups a comma, a point or an apostrophe parts.
    marks: usize,
}

impl Spaces {
    fn of(page: &Page) -> Self {
        let mut found = Self::default();
        let words = &page.words;
        let mut at = 0;
        while at < words.len() {
            let start = at;
            at += 1;
            found.marks += usize::from(has_grouping_mark(&words[start].text));
            let Some(mut digits) = leading_digits(&words[start].text).map(str::to_owned) else { continue };
            let mut fits = (1..=3).contains(&digits.len()) && !digits.starts_with('0');
            while at < words.len() && is_near(&words[at - 1], &words[at]) {
                let text = words[at].text.as_str();
                if !text.starts_with(|c: char| c.is_ascii_digit()) {
                    break;
                }
                let group = text.trim_end_matches(|c: char| !c.is_ascii_digit());
                fits &= group_follows(&digits, group);
                digits.push(' ');
                digits.push_str(group);
                at += 1;
                if group.len() != text.len() {
                    break;
                }
            }
            match at - start {
                1 => {}
                _ if fits => found.groups += 1,
                _ => found.neighbours += 1,
            }
        }
        found
    }

    fn add(self, other: Self) -> Self {
        Self {
            groups: self.groups + other.groups,
            neighbours: self.neighbours + other.neighbours,
            marks: self.marks + other.marks,
        }
    }

    fn group(self) -> bool {
        self.groups >= FEWEST && self.groups > 3 * self.marks && self.groups > 3 * self.neighbours
    }
}

/// The digits of a word that has nothing else but signs before them.
fn leading_digits(text: &str) -> Option<&str> {
    let digits = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// Whether the word has three digits behind each of its marks, as in `1,204` and `1.204.310`.
fn has_grouping_mark(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_ascii_digit());
    let mut groups = bare.split([',', '.', '\'', '\u{2019}']);
    let first = groups
        .next()
        .is_some_and(|first| (1..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_digit()));
    let rest: Vec<&str> = groups.collect();
    first
        && !bare.starts_with('0')
        && !rest.is_empty()
        && rest.iter().all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the second word stands a space behind the first on its line.
fn is_near(first: &Word, second: &Word) -> bool {
    let (a, b) = (&first.bbox, &second.bbox);
    let (gap, overlap, height) = match first.direction {
        0 => (b.x0 - a.x1, a.vertical_overlap(b), a.height().min(b.height())),
        180 => (a.x0 - b.x1, a.vertical_overlap(b), a.height().min(b.height())),
        90 => (b.y0 - a.y1, a.horizontal_overlap(b), a.width().min(b.width())),
        _ => (a.y0 - b.y1, a.horizontal_overlap(b), a.width().min(b.width())),
    };
    let size = first.font_size.max(second.font_size).max(1.0);
    first.direction == second.direction
        && overlap > 0.5 * height
        && gap > 0.0
        && gap < WIDEST_SPACE * size
        && (first.font_size - second.font_size).abs() < 0.1 * size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::testing::{page_of, word};

    /// A page of lines with words 5 points wide a character, parted by these gaps in points at a size of 10.
    fn page(lines: &[&[(&str, f32)]]) -> Page {
        let mut words = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let mut x = 50.0;
            for (text, gap) in *line {
                x += gap;
                let end = x + 5.0 * text.chars().count() as f32;
                words.push(word(text, x, 100.0 + 14.0 * row as f32, end, 10.0));
                x = end;
            }
        }
        page_of(words)
    }

    #[test]
    fn spaces_group_where_nothing_else_does() {
        let swedish =
            page(&[&[("12", 0.0), ("345", 2.5), ("-8", 60.0), ("901", 2.5)], &[("1", 0.0), ("204", 2.5)]]);
        assert!(spaces_group_on(&swedish));
        assert!(locale_of(&[swedish]).spaces_group);
        // Wide gaps part columns, and so do narrow ones where the numbers behind them have any length.
        assert!(!spaces_group_on(&page(&[&[("29", 0.0), ("118", 9.0)], &[("12", 0.0), ("345", 9.0)]])));
        let columns: [&[(&str, f32)]; 3] =
            [&[("29", 0.0), ("118", 2.5)], &[("12", 0.0), ("345", 2.5)], &[("7", 0.0), ("12", 2.5)]];
        assert!(!spaces_group_on(&page(&columns)));
        // Commas group: what stands near is another number.
        let commas: [&[(&str, f32)]; 3] =
            [&[("29", 0.0), ("118", 2.5)], &[("12", 0.0), ("345", 2.5)], &[("1,204", 0.0)]];
        assert!(!spaces_group_on(&page(&commas)));
        assert!(!spaces_group_on(&page(&[&[("0800", 0.0), ("123", 2.5), ("456", 2.5)]])));
    }
}
