//! Whether a page's words come from its text layer or from OCR, and why.

use super::coverage::Coverage;
use super::pdf::TextStatistics;
use crate::config::OcrPolicy;
use crate::document::{BBox, Points, TextSource, Word};

/// Share of meaningless characters from which a text layer is not usable.
const MAX_GARBAGE: f32 = 0.3;
/// Share of the page that images must cover for the page to be taken for a scan.
const SCAN_COVERAGE: f32 = 0.5;
/// Visible words that a scan may have beside its image: a stamp, a page number, a watermark.
const SCAN_WORDS: usize = 10;

/// The decision for one page.
pub(crate) struct Decision {
    /// Where the words come from, as long as OCR has not run.
    pub(crate) source: TextSource,
    /// Why, in one sentence.
    pub(crate) reason: String,
    /// Whether OCR shall run.
    pub(crate) recognise: bool,
}

/// Decides for a page of a PDF.
///
/// A text layer of invisible words that a scan shows is somebody's OCR and usable, unless there are only a few of them.
/// Invisible words that nothing shows are no text.
pub(crate) fn pdf_page(
    mode: OcrPolicy,
    text: &TextStatistics,
    words: &[Word],
    images: &[BBox<Points>],
    page: BBox<Points>,
) -> Decision {
    let source = if words.is_empty() { TextSource::None } else { TextSource::TextLayer };
    let decide = |recognise: bool, reason: String| Decision { source, reason, recognise };
    if mode == OcrPolicy::Always {
        return decide(true, "OCR was asked for on every page".into());
    }
    let usable = usability(text, words, images, page);
    match (usable, mode) {
        (Ok(reason), _) => decide(false, reason),
        (Err(Unusable { reason, nothing_drawn: true }), _) => decide(false, reason),
        (Err(Unusable { reason, .. }), OcrPolicy::Never) => decide(false, format!("{reason}; OCR is off")),
        (Err(Unusable { reason, .. }), _) => decide(true, reason),
    }
}

struct Unusable {
    reason: String,
    /// There is nothing that OCR could read either.
    nothing_drawn: bool,
}

fn usability(
    text: &TextStatistics,
    words: &[Word],
    images: &[BBox<Points>],
    page: BBox<Points>,
) -> Result<String, Unusable> {
    let unusable = |reason: String| Err(Unusable { reason, nothing_drawn: false });
    if words.is_empty() {
        if images.is_empty() {
            let reason = "the page has neither words nor images".into();
            return Err(Unusable { reason, nothing_drawn: true });
        }
        return unusable("the page has images but no words".into());
    }
    let garbage = text.garbage as f32 / text.characters.max(1) as f32;
    if garbage > MAX_GARBAGE {
        return unusable(format!("{:.0}% of the characters have no meaning", garbage * 100.0));
    }
    let is_text = |word: &&Word| !word.style.invisible || word.style.pictured;
    let count = words.iter().filter(is_text).count();
    if count == 0 {
        return unusable("all words are invisible and no image shows them".into());
    }
    if count < SCAN_WORDS {
        let coverage = Coverage::new(images, page).share(&page);
        if coverage >= SCAN_COVERAGE {
            let share = coverage * 100.0;
            return unusable(format!("images cover {share:.0}% of the page, which has only {count} words"));
        }
    }
    let scan = words.iter().filter(is_text).all(|word| word.style.invisible);
    Ok(if scan { "the page is a scan with a text layer" } else { "the page has a text layer" }.into())
}

/// Decides for an image file.
pub(crate) fn image_page(mode: OcrPolicy) -> Decision {
    let recognise = mode != OcrPolicy::Never;
    let reason = if recognise { "an image file has no text layer" } else { "an image file; OCR is off" };
    Decision { source: TextSource::None, reason: reason.into(), recognise }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::WordStyle;

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

    fn decide(mode: OcrPolicy, words: &[Word], garbage: usize, images: &[BBox<Points>]) -> (bool, String) {
        let text = TextStatistics { characters: words.len() * 4, garbage };
        let decision = pdf_page(mode, &text, words, images, BBox::new(0.0, 0.0, 600.0, 800.0));
        (decision.recognise, decision.reason)
    }

    #[test]
    fn pages_with_words_keep_them() {
        let scan = [BBox::new(0.0, 0.0, 600.0, 800.0)];
        assert!(!decide(OcrPolicy::Auto, &words(20, false, false), 0, &[]).0);
        assert!(!decide(OcrPolicy::Auto, &words(20, false, false), 0, &scan).0);
        let (recognise, reason) = decide(OcrPolicy::Auto, &words(20, true, true), 0, &scan);
        assert!(!recognise && reason.contains("scan with a text layer"));
        assert!(decide(OcrPolicy::Always, &words(20, false, false), 0, &[]).0);
    }

    #[test]
    fn pages_without_usable_words_are_recognised() {
        let scan = [BBox::new(0.0, 0.0, 600.0, 400.0), BBox::new(0.0, 400.0, 600.0, 800.0)];
        assert!(decide(OcrPolicy::Auto, &[], 0, &scan).0);
        assert!(decide(OcrPolicy::Auto, &words(3, false, false), 0, &scan).1.contains("100% of the page"));
        assert!(decide(OcrPolicy::Auto, &words(20, false, false), 60, &[]).1.contains("75%"));
    }

    #[test]
    fn invisible_words_are_no_text_however_many_there_are() {
        let scan = [BBox::new(0.0, 0.0, 600.0, 800.0)];
        assert!(
            decide(OcrPolicy::Auto, &words(20, true, false), 0, &[]).1.contains("all words are invisible")
        );
        assert!(decide(OcrPolicy::Auto, &words(20, true, false), 0, &scan).0);
        let mixed = [words(50, true, false), words(3, false, false)].concat();
        assert!(decide(OcrPolicy::Auto, &mixed, 0, &scan).1.contains("only 3 words"));
        assert!(!decide(OcrPolicy::Auto, &mixed, 0, &[]).0);
    }

    #[test]
    fn empty_pages_and_ocr_off_are_not_recognised() {
        let scan = [BBox::new(0.0, 0.0, 600.0, 800.0)];
        assert!(!decide(OcrPolicy::Auto, &[], 0, &[]).0);
        let (recognise, reason) = decide(OcrPolicy::Never, &[], 0, &scan);
        assert!(!recognise && reason.ends_with("OCR is off"));
    }
}
