//! Whether a page's words come from its text layer or from OCR, or from both, and why.

use super::coverage::Coverage;
use crate::config::OcrPolicy;
use crate::document::{BBox, Picture, PictureText, TextSource, Word};

/// Share of meaningless characters from which a text layer is not usable.
const MAX_GARBAGE: f32 = 0.3;
/// Share of the page that pictures must cover for the page to be a scan.
const SCAN_COVERAGE: f32 = 0.5;

/// What the text layer is like as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextStatistics {
    /// Characters that are not white space.
    pub(crate) characters: usize,
    /// Those without a meaning: no mapping to Unicode, replacement, private use or control characters.
    pub(crate) garbage: usize,
}

/// What OCR shall read on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Nothing.
    Nothing,
    /// The page, in place of its text layer.
    Whole,
    /// Pictures with unread text and garbled words, beside the text layer.
    Parts,
    /// A part of a scan, to see whether its text layer has the words that it shows.
    Check,
}

/// The decision for one page.
pub(crate) struct Decision {
    /// Where the words come from, as long as OCR has not run.
    pub(crate) source: TextSource,
    /// Why, in one sentence.
    pub(crate) reason: String,
    /// What OCR shall read.
    pub(crate) reading: Reading,
}

/// What the decision for a page of a PDF rests on.
pub(crate) struct Evidence<'a> {
    pub(crate) text: TextStatistics,
    pub(crate) words: &'a [Word],
    pub(crate) images: &'a [BBox],
    pub(crate) pictures: &'a [Picture],
    pub(crate) page: BBox,
    /// Whether something is drawn that looks like text, on a page without words and images.
    pub(crate) outlines: bool,
}

/// Decides for a page of a PDF.
///
/// The text layer is kept as far as it goes: what a picture shows and no word stands for is read beside it. So a stamp, a
/// footer or a page number over a scan does not keep the scan from being read. A text layer of invisible words that a scan
/// shows is somebody's OCR and usable as long as it has the words that the scan shows. Invisible words that nothing shows are
/// no text.
pub(crate) fn pdf_page(mode: OcrPolicy, evidence: &Evidence<'_>) -> Decision {
    let source = if evidence.words.is_empty() { TextSource::None } else { TextSource::TextLayer };
    let decide = |reading: Reading, reason: String| Decision { source, reason, reading };
    if mode == OcrPolicy::Always {
        return decide(Reading::Whole, "OCR was asked for on every page".into());
    }
    let (reading, reason) = reading(evidence);
    if mode == OcrPolicy::Never && matches!(reading, Reading::Whole | Reading::Parts) {
        return decide(Reading::Nothing, format!("{reason}; OCR is off"));
    }
    decide(if mode == OcrPolicy::Never { Reading::Nothing } else { reading }, reason)
}

fn reading(evidence: &Evidence<'_>) -> (Reading, String) {
    let Evidence { text, words, images, pictures, page, outlines } = evidence;
    if words.is_empty() {
        return match (images.is_empty(), outlines) {
            (true, false) => (Reading::Nothing, "the page has neither words nor images".into()),
            (true, true) => (Reading::Whole, "the page has drawn letters but no words".into()),
            (false, _) => (Reading::Whole, "the page has images but no words".into()),
        };
    }
    let garbage = text.garbage as f32 / text.characters.max(1) as f32;
    if garbage > MAX_GARBAGE {
        return (Reading::Whole, format!("{:.0}% of the characters have no meaning", garbage * 100.0));
    }
    let is_text = |word: &&Word| !word.style.invisible || word.style.pictured;
    if !words.iter().any(|word| is_text(&word)) {
        return (Reading::Whole, "all words are invisible and no image shows them".into());
    }
    let unread: Vec<BBox> =
        pictures.iter().filter(|p| p.text == PictureText::Unread).map(|picture| picture.bbox).collect();
    let garbled = words.iter().filter(|word| word.style.garbled).count();
    if !unread.is_empty() || garbled > 0 {
        let share = Coverage::new(&unread, *page).share(page);
        let mut reasons = Vec::new();
        if share >= SCAN_COVERAGE {
            let share = share * 100.0;
            reasons.push(format!(
                "images cover {share:.0}% of the page and show text that its text layer lacks"
            ));
        } else {
            reasons.push("the page has a text layer".into());
            let number = unread.len();
            if number > 0 {
                let (pictures, show) = if number == 1 { ("picture", "shows") } else { ("pictures", "show") };
                reasons.push(format!("{number} {pictures} on it {show} text that it lacks"));
            }
        }
        if garbled > 0 {
            let words = if garbled == 1 { "word has" } else { "words have" };
            reasons.push(format!("{garbled} {words} characters without a meaning"));
        }
        return (Reading::Parts, reasons.join("; "));
    }
    if words.iter().filter(is_text).all(|word| word.style.invisible) {
        return (Reading::Check, "the page is a scan with a text layer".into());
    }
    (Reading::Nothing, "the page has a text layer".into())
}

/// Decides for an image file.
pub(crate) fn image_page(mode: OcrPolicy) -> Decision {
    let (reading, reason) = if mode == OcrPolicy::Never {
        (Reading::Nothing, "an image file; OCR is off")
    } else {
        (Reading::Whole, "an image file has no text layer")
    };
    Decision { source: TextSource::None, reason: reason.into(), reading }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{PictureKind, WordStyle};

    fn words(count: usize, invisible: bool, pictured: bool) -> Vec<Word> {
        let word = Word {
            text: "word".into(),
            bbox: BBox::new(10.0, 10.0, 40.0, 20.0),
            font_size: 10.0,
            font: 0,
            style: WordStyle { invisible, pictured, ..WordStyle::default() },
            color: [0, 0, 0, 255],
            direction: 0,
            confidence: None,
        };
        vec![word; count]
    }

    const PAGE: BBox = BBox { x0: 0.0, y0: 0.0, x1: 600.0, y1: 800.0 };

    fn decide(mode: OcrPolicy, words: &[Word], garbage: usize, pictures: &[Picture]) -> (Reading, String) {
        let images: Vec<BBox> = pictures.iter().map(|picture| picture.bbox).collect();
        let evidence = Evidence {
            text: TextStatistics { characters: words.len() * 4, garbage },
            words,
            images: &images,
            pictures,
            page: PAGE,
            outlines: false,
        };
        let decision = pdf_page(mode, &evidence);
        (decision.reading, decision.reason)
    }

    fn picture(bbox: BBox, text: PictureText) -> Picture {
        Picture { bbox, kind: PictureKind::Text, text }
    }

    #[test]
    fn pages_with_words_keep_them() {
        let scan = [picture(PAGE, PictureText::Layer)];
        assert_eq!(decide(OcrPolicy::Auto, &words(20, false, false), 0, &[]).0, Reading::Nothing);
        assert_eq!(decide(OcrPolicy::Auto, &words(3, false, false), 0, &scan).0, Reading::Nothing);
        let (reading, reason) = decide(OcrPolicy::Auto, &words(20, true, true), 0, &scan);
        assert!(reading == Reading::Check && reason.contains("scan with a text layer"));
        assert_eq!(decide(OcrPolicy::Never, &words(20, true, true), 0, &scan).0, Reading::Nothing);
        assert_eq!(decide(OcrPolicy::Always, &words(20, false, false), 0, &[]).0, Reading::Whole);
    }

    #[test]
    fn what_pictures_show_is_read_however_many_words_stand_over_it() {
        let scan = [picture(PAGE, PictureText::Unread)];
        let (reading, reason) = decide(OcrPolicy::Auto, &words(50, false, false), 0, &scan);
        assert!(reading == Reading::Parts && reason.contains("100% of the page"), "{reason}");
        let table = [picture(BBox::new(50.0, 50.0, 300.0, 200.0), PictureText::Unread)];
        let (reading, reason) = decide(OcrPolicy::Auto, &words(50, false, false), 0, &table);
        assert!(reading == Reading::Parts && reason.contains("1 picture on it shows"), "{reason}");
        let (reading, reason) = decide(OcrPolicy::Never, &words(50, false, false), 0, &table);
        assert!(reading == Reading::Nothing && reason.ends_with("OCR is off"), "{reason}");
    }

    #[test]
    fn garbled_words_are_read() {
        let mut some = words(20, false, false);
        some[3].style.garbled = true;
        let (reading, reason) = decide(OcrPolicy::Auto, &some, 4, &[]);
        assert!(reading == Reading::Parts && reason.contains("1 word has"), "{reason}");
    }

    #[test]
    fn pages_without_usable_words_are_read() {
        let scan = [picture(PAGE, PictureText::None)];
        assert_eq!(decide(OcrPolicy::Auto, &[], 0, &scan).0, Reading::Whole);
        assert!(decide(OcrPolicy::Auto, &words(20, false, false), 60, &[]).1.contains("75%"));
        let (reading, reason) = decide(OcrPolicy::Auto, &words(20, true, false), 0, &[]);
        assert!(reading == Reading::Whole && reason.contains("all words are invisible"));
        let mixed = [words(50, true, false), words(3, false, false)].concat();
        assert_eq!(decide(OcrPolicy::Auto, &mixed, 0, &[]).0, Reading::Nothing);
    }

    #[test]
    fn empty_pages_and_ocr_off_are_not_read() {
        let scan = [picture(PAGE, PictureText::Unread)];
        assert_eq!(decide(OcrPolicy::Auto, &[], 0, &[]).0, Reading::Nothing);
        let (reading, reason) = decide(OcrPolicy::Never, &[], 0, &scan);
        assert!(reading == Reading::Nothing && reason.ends_with("OCR is off"));
    }
}
