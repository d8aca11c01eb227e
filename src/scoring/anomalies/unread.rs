//! What a reader sees on a page and docproc does not read, or reads in another place than the text layer.

use std::collections::BTreeMap;

use super::{count, evidence, finding};
use crate::document::findings::{Anomaly, Severity};
use crate::document::{Page, PictureText, Word};

/// At most one finding of each kind per page. `hidden` are the pages as they were before hidden words were taken out and OCR
/// put others in their place, by the index of the page.
pub(super) fn unread<'p>(
    pages: impl IntoIterator<Item = (usize, &'p Page)>,
    hidden: &BTreeMap<usize, Page>,
) -> Vec<Anomaly> {
    pages
        .into_iter()
        .flat_map(|(index, page)| {
            [pictures(page), corrected(page), garbled(page, hidden.get(&index))].into_iter().flatten()
        })
        .collect()
}

fn pictures(page: &Page) -> Option<Anomaly> {
    let unread: Vec<_> = page.pictures.iter().filter(|picture| picture.text == PictureText::Unread).collect();
    let places: Vec<_> = unread
        .iter()
        .map(|picture| {
            let bbox = picture.bbox;
            let size = format!("{:.0} by {:.0} points", bbox.width(), bbox.height());
            (size.clone(), evidence(page.number, bbox, format!("a picture of {size}")))
        })
        .collect();
    let (size, _) = places.first()?;
    let message = match places.len() {
        1 => format!("a picture of {size} on page {} shows text that was not read", page.number),
        number => format!("{number} pictures on page {} show text that was not read", page.number),
    };
    let evidence = places.into_iter().map(|(_, evidence)| evidence).collect();
    Some(finding("unread_picture", Severity::Warning, message, evidence))
}

fn corrected(page: &Page) -> Option<Anomaly> {
    let places: Vec<_> = page
        .pictures
        .iter()
        .filter(|picture| picture.text == PictureText::Corrected)
        .map(|picture| evidence(page.number, picture.bbox, ""))
        .collect();
    let message = format!(
        "the text layer of the scan on page {} has other words than it shows; OCR read it anew",
        page.number
    );
    (!places.is_empty()).then(|| finding("text_layer", Severity::Warning, message, places))
}

/// Garbled words that are still on the page were not read; those that are only in the page as it was have been.
fn garbled(page: &Page, before: Option<&Page>) -> Option<Anomaly> {
    let of =
        |page: &Page| -> Vec<Word> { page.words.iter().filter(|word| word.style.garbled).cloned().collect() };
    let left = of(page);
    let all = before.map_or_else(|| left.clone(), of);
    let here = |words: &[Word]| {
        words.iter().map(|word| evidence(page.number, word.bbox, word.text.clone())).collect::<Vec<_>>()
    };
    if all.is_empty() {
        return None;
    }
    let (number, page) = (all.len().max(left.len()), page.number);
    let font = format!("the font does not say what {} on page {page} mean", count(number, "word"));
    Some(if left.is_empty() {
        let message = format!("{font}; OCR read {}", if number == 1 { "it" } else { "them" });
        finding("garbled_text", Severity::Info, message, here(&all))
    } else {
        finding(
            "garbled_text",
            Severity::Warning,
            format!("{font}; {} of them not read", left.len()),
            here(&left),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{page, word};
    use super::*;
    use crate::document::{BBox, Picture, PictureKind};

    fn kinds(page: &Page, before: Option<Page>) -> Vec<(String, Severity)> {
        let hidden = before.into_iter().map(|page| (0, page)).collect();
        unread([(0, page)], &hidden).into_iter().map(|finding| (finding.kind, finding.severity)).collect()
    }

    #[test]
    fn unread_pictures_are_named_with_size_and_place() {
        let mut page = page(1, Vec::new());
        let picture =
            |text| Picture { bbox: BBox::new(10.0, 20.0, 210.0, 120.0), kind: PictureKind::Text, text };
        page.pictures = vec![picture(PictureText::Unread), picture(PictureText::Read)];
        let found = unread([(0, &page)], &BTreeMap::new());
        assert_eq!((found.len(), found[0].evidence.len()), (1, 1));
        assert!(found[0].message.contains("200 by 100 points on page 1"), "{}", found[0].message);
        page.pictures = vec![picture(PictureText::Corrected)];
        assert_eq!(kinds(&page, None), [("text_layer".to_owned(), Severity::Warning)]);
        page.pictures = vec![picture(PictureText::Layer), picture(PictureText::None)];
        assert_eq!(kinds(&page, None), []);
    }

    #[test]
    fn garbled_words_are_a_warning_until_they_are_read() {
        let mut before = page(1, vec![word("Revenue", 10.0, 50.0), word("??", 90.0, 50.0)]);
        before.words[1].style.garbled = true;
        let read = page(1, vec![word("Revenue", 10.0, 50.0), word("42", 90.0, 50.0)]);
        assert_eq!(kinds(&before.clone(), None), [("garbled_text".to_owned(), Severity::Warning)]);
        assert_eq!(kinds(&read, Some(before)), [("garbled_text".to_owned(), Severity::Info)]);
        assert_eq!(kinds(&read, None), []);
    }
}
