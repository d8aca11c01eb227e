//! Page selections: `1-5,9,20-`.

use std::str::FromStr;

/// Which pages of a document are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageSelection {
    /// First and last page of each range, counted from 1; empty means all pages.
    ranges: Vec<(u32, u32)>,
}

impl PageSelection {
    /// Whether a page is wanted; `page` counts from 1.
    #[must_use]
    pub fn contains(&self, page: u32) -> bool {
        self.ranges.is_empty() || self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&page))
    }

    /// Whether all pages are wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl FromStr for PageSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |part: &str| format!("`{part}` is not a page or a range of pages; write for example 1-5,9,20-");
        let page = |part: &str| match part.trim().parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(wrong(part)),
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let range = match part.split_once('-') {
                None => (page(part)?, page(part)?),
                Some(("", last)) => (1, page(last)?),
                Some((first, "")) => (page(first)?, u32::MAX),
                Some((first, last)) => (page(first)?, page(last)?),
            };
            if range.0 > range.1 {
                return Err(wrong(part));
            }
            ranges.push(range);
        }
        Ok(Self { ranges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_single_pages() {
        let selection: PageSelection = "2-3, 7,10-".parse().unwrap();
        let wanted: Vec<u32> = (1..=12).filter(|page| selection.contains(*page)).collect();
        assert_eq!(wanted, [2, 3, 7, 10, 11, 12]);
        assert!(PageSelection::default().contains(5));
        for text in ["", "0", "a", "3-2", "1,,2", "-"] {
            assert!(text.parse::<PageSelection>().is_err(), "{text}");
        }
    }
}
