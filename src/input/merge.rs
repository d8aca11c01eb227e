//! The words of a page's text layer and those that OCR reads beside it, put together.

use super::segment::OcrPurpose;
use crate::document::{BBox, Page, Picture, PictureKind, PictureText, TextSource, Word};

/// Confidence of OCR below which what it reads beside a text layer is left out: on pictures of text, and on others, where it
/// reads letters that are none.
const LEAST_CONFIDENCE: f32 = 0.3;
const LEAST_CONFIDENCE_ON_DRAWINGS: f32 = 0.5;
/// Confidence and number of letters and digits of a word that tells whether a text layer is right.
const SURE: f32 = 0.8;
const TELLING: usize = 4;
/// Words that must tell before a text layer is given up, and share of them that must agree.
const FEWEST: usize = 6;
const AGREE: f64 = 0.5;
/// Pairs of words that are compared: a page has some thousand words, and a hostile one must not take hours.
const MOST_COMPARED: usize = 100_000_000;
/// Similarity from which two readings are the same word.
const SIMILAR: f64 = 0.7;

/// Puts the words that OCR read on a page in their places, and gives the words in whose place they stand.
///
/// A page with too many words to compare stays as it is, and its pictures unread.
pub(super) fn put(page: &mut Page, read: Vec<Word>, purpose: OcrPurpose) -> Vec<Word> {
    if purpose == OcrPurpose::Add && page.words.len().saturating_mul(read.len()) > MOST_COMPARED {
        return Vec::new();
    }
    let replaced = match purpose {
        OcrPurpose::Add => add(page, read),
        OcrPurpose::Replace | OcrPurpose::Check | OcrPurpose::Compare => {
            page.fonts.clear();
            page.controls = 0;
            std::mem::replace(&mut page.words, read)
        }
    };
    for picture in &mut page.pictures {
        if picture.text == PictureText::Unread {
            picture.text = PictureText::Read;
        }
    }
    let by_ocr = page.words.iter().filter(|word| word.confidence.is_some()).count();
    page.text_source = if page.words.is_empty() {
        TextSource::None
    } else if 2 * by_ocr > page.words.len() {
        TextSource::Ocr
    } else {
        TextSource::TextLayer
    };
    replaced
}

fn is_seen(word: &Word) -> bool {
    !(word.style.invisible || word.style.covered || word.style.blank)
}

/// Share of a word's box that lies in another one.
fn inside(word: &Word, bbox: &BBox) -> f32 {
    word.bbox.share_inside(bbox)
}

/// Words on unread pictures are added where no word of the text layer can be seen, and garbled words are replaced.
fn add(page: &mut Page, read: Vec<Word>) -> Vec<Word> {
    let pictures: Vec<&Picture> =
        page.pictures.iter().filter(|picture| picture.text == PictureText::Unread).collect();
    let unread: Vec<BBox> = pictures.iter().map(|picture| picture.bbox).collect();
    let old = std::mem::take(&mut page.words);
    let mut of_picture: Vec<Vec<Word>> = vec![Vec::new(); unread.len()];
    let mut of_word: Vec<Vec<Word>> = vec![Vec::new(); old.len()];
    let seen: Vec<usize> = (0..old.len()).filter(|index| is_seen(&old[*index])).collect();
    for word in read {
        if word.confidence.is_some_and(|confidence| confidence < LEAST_CONFIDENCE) {
            continue;
        }
        let garbled = |index: &&usize| {
            let own = &old[**index];
            own.style.garbled && (inside(&word, &own.bbox) > 0.5 || own.bbox.share_inside(&word.bbox) > 0.5)
        };
        let kept = |index: &usize| !old[*index].style.garbled && inside(&word, &old[*index].bbox) > 0.4;
        let place = (word.bbox.center_x(), word.bbox.center_y());
        let picture = unread.iter().position(|picture| picture.contains_point(place.0, place.1));
        if let Some(index) = seen.iter().find(garbled) {
            // A reading that reaches over words with a meaning is not one of the garbled word alone.
            let reaches_over = |other: &&usize| {
                !old[**other].style.garbled && old[**other].bbox.share_inside(&word.bbox) > 0.5
            };
            if !seen.iter().any(|other| reaches_over(&other)) {
                of_word[*index].push(word);
            }
        } else if let Some(picture) = picture
            && !seen.iter().any(kept)
            && (pictures[picture].kind == PictureKind::Text
                || word.confidence.is_none_or(|confidence| confidence >= LEAST_CONFIDENCE_ON_DRAWINGS))
        {
            of_picture[picture].push(word);
        }
    }
    // A picture's words stand before the first line that begins below its middle.
    let before = |picture: &BBox| {
        let below = |index: &&usize| {
            let word = &old[**index];
            word.style.starts_line && word.bbox.center_y() > picture.center_y()
        };
        seen.iter().find(below).copied().unwrap_or(old.len())
    };
    let mut at: Vec<Vec<usize>> = vec![Vec::new(); old.len() + 1];
    for (index, picture) in unread.iter().enumerate() {
        at[before(picture)].push(index);
    }
    let mut replaced = Vec::new();
    let mut words = Vec::with_capacity(old.len());
    let (count, mut starts_line) = (old.len(), false);
    for (index, word) in old.into_iter().map(Some).chain([None]).enumerate() {
        for picture in &at[index] {
            words.append(&mut of_picture[*picture]);
        }
        let Some(mut word) = word else { break };
        debug_assert!(index < count);
        let hidden_there = !is_seen(&word)
            && unread
                .iter()
                .any(|picture| picture.contains_point(word.bbox.center_x(), word.bbox.center_y()));
        if hidden_there {
            starts_line |= word.style.starts_line;
            replaced.push(word);
        } else if of_word[index].is_empty() {
            word.style.starts_line |= std::mem::take(&mut starts_line);
            words.push(word);
        } else {
            let mut own = std::mem::take(&mut of_word[index]);
            for (part, read) in own.iter_mut().enumerate() {
                read.style.starts_line =
                    part == 0 && (word.style.starts_line || std::mem::take(&mut starts_line));
                read.font_size = word.font_size;
                read.style.bold = word.style.bold;
                read.style.italic = word.style.italic;
            }
            words.append(&mut own);
            replaced.push(word);
        }
    }
    page.words = words;
    replaced
}

/// Whether the text layer has other words than OCR reads in their place; how many of how many agree.
pub(super) fn disagreement(layer: &[Word], read: &[Word]) -> Option<(usize, usize)> {
    if layer.len().saturating_mul(read.len()) > MOST_COMPARED {
        return None;
    }
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let mut telling = 0;
    let mut agree = 0;
    for word in read {
        let text = plain(&word.text);
        if word.confidence.is_none_or(|confidence| confidence < SURE) || text.chars().count() < TELLING {
            continue;
        }
        telling += 1;
        let around = BBox::new(
            word.bbox.x0 - word.bbox.height(),
            word.bbox.y0 - 0.5 * word.bbox.height(),
            word.bbox.x1 + word.bbox.height(),
            word.bbox.y1 + 0.5 * word.bbox.height(),
        );
        let same = layer.iter().filter(|own| own.bbox.intersection(&around).is_some()).any(|own| {
            let own = plain(&own.text);
            !own.is_empty()
                && (own.contains(&text)
                    || own.len() >= TELLING && text.contains(&own)
                    || strsim::normalized_levenshtein(&own, &text) >= SIMILAR)
        });
        agree += usize::from(same);
    }
    (telling >= FEWEST && (agree as f64) < AGREE * telling as f64).then_some((agree, telling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::WordStyle;
    use crate::input::segment::tests::sample;

    fn word(text: &str, x: f32, y: f32, confidence: Option<f32>) -> Word {
        Word {
            text: text.into(),
            bbox: BBox::new(x, y, x + 6.0 * text.chars().count() as f32, y + 10.0),
            font_size: 10.0,
            font: if confidence.is_some() { u16::MAX } else { 0 },
            style: WordStyle { starts_line: true, ..WordStyle::default() },
            color: [0, 0, 0, 255],
            direction: 0,
            confidence,
        }
    }

    fn page(words: Vec<Word>, picture: BBox) -> Page {
        let picture = Picture { bbox: picture, kind: PictureKind::Text, text: PictureText::Unread };
        Page { words, pictures: vec![picture], ..sample().page }
    }

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn words_of_a_picture_stand_between_the_lines_around_it() {
        let layer = vec![word("above", 50.0, 50.0, None), word("below", 50.0, 400.0, None)];
        let mut page = page(layer, BBox::new(40.0, 100.0, 300.0, 300.0));
        let read = vec![
            word("cell", 60.0, 200.0, Some(0.9)),
            word("doubtful", 60.0, 220.0, Some(0.1)),
            word("elsewhere", 60.0, 600.0, Some(0.9)),
        ];
        assert!(put(&mut page, read, OcrPurpose::Add).is_empty());
        assert_eq!(texts(&page.words), ["above", "cell", "below"]);
        assert_eq!((page.text_source, page.pictures[0].text), (TextSource::TextLayer, PictureText::Read));
    }

    #[test]
    fn a_stamp_keeps_its_words_and_hidden_words_under_the_reading_go() {
        let mut hidden = word("bad", 60.0, 300.0, None);
        hidden.style.invisible = true;
        let layer = vec![word("STAMP", 60.0, 20.0, None), hidden];
        let mut page = page(layer, BBox::new(0.0, 0.0, 612.0, 792.0));
        let read = vec![
            word("STAMP", 60.0, 20.0, Some(0.9)),
            word("scan", 60.0, 300.0, Some(0.9)),
            word("text", 90.0, 300.0, Some(0.9)),
        ];
        assert_eq!(texts(&put(&mut page, read, OcrPurpose::Add)), ["bad"]);
        assert_eq!(texts(&page.words), ["STAMP", "scan", "text"]);
        assert_eq!(page.text_source, TextSource::Ocr);
    }

    #[test]
    fn garbled_words_are_replaced_in_place_and_others_are_not() {
        let mut garbled = word("\u{fffd}\u{fffd}", 100.0, 50.0, None);
        garbled.style.garbled = true;
        let layer = vec![word("Revenue", 40.0, 50.0, None), garbled, word("end", 40.0, 80.0, None)];
        let mut page = page(layer, BBox::new(300.0, 300.0, 310.0, 310.0));
        let read = vec![
            word("Revenue", 40.0, 50.0, Some(0.9)),
            word("42", 100.0, 50.0, Some(0.9)),
            word("end", 40.0, 80.0, Some(0.9)),
        ];
        assert_eq!(put(&mut page, read, OcrPurpose::Add).len(), 1);
        assert_eq!(texts(&page.words), ["Revenue", "42", "end"]);
    }

    #[test]
    fn a_layer_disagrees_when_most_of_its_words_are_others() {
        let row = |text: &str, confidence| -> Vec<Word> {
            text.split(' ')
                .enumerate()
                .map(|(at, text)| word(text, 60.0 * at as f32, 50.0, confidence))
                .collect()
        };
        let read = row("operating costs fell during second quarter again", Some(0.95));
        assert_eq!(disagreement(&row("operating costs fe11 during second quartcr again", None), &read), None);
        assert_eq!(disagreement(&row("xqzv jjkw pplo mmnb wwer ttyu again", None), &read), Some((1, 7)));
        assert_eq!(disagreement(&[], &read[..3]), None, "too few words to tell");
    }
}
