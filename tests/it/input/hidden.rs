//! Text that nobody sees, and text that only looks as if.

use docproc::input::{OcrMode, ReadRequest};

use super::pdf::{document, page};
use super::{pool, read, source};

/// Words of a page with this content that are marked as hidden: text, whether something lies over it.
fn hidden(content: &str) -> Vec<(String, bool)> {
    let outcome = read(&pool(1), &source(&document(&[page(content)], "")), ReadRequest::default());
    assert!(outcome.errors.is_empty(), "{outcome:?}");
    let words = outcome.pages[0].words.iter();
    words
        .filter(|word| word.style.blank || word.style.covered)
        .map(|word| (word.text.clone(), word.style.covered))
        .collect()
}

/// A gray image over the rectangle from (50, 100) to (350, 200).
const IMAGE: &str = "q 300 0 0 100 50 100 cm BI /W 1 /H 1 /CS /G /BPC 8 ID P EI Q";
const TEXT: &str = "BT /F1 12 Tf 80 150 Td (Restated loss 4,512) Tj ET";

#[test]
fn text_in_the_colour_of_its_background_is_blank() {
    let all = |covered: bool| ["Restated", "loss", "4,512"].map(|text| (text.to_owned(), covered)).to_vec();
    assert_eq!(hidden(&format!("1 g {TEXT}")), all(false), "white on paper");
    assert_eq!(hidden(&format!("0.98 g {TEXT}")), all(false), "nearly white on paper");
    assert_eq!(hidden(&format!("0 0 0.5 rg 50 100 300 100 re f {TEXT}")), all(false), "blue on blue");
    assert_eq!(
        hidden(&format!("1 g {TEXT} 0 G 1 w 80 148 m 200 148 l S")),
        all(false),
        "underlined in black"
    );
    assert_eq!(hidden(&format!("q 0 0 10 10 re W n {TEXT} Q")), all(false), "clipped away");
}

#[test]
fn text_under_something_opaque_is_covered() {
    let all = ["Restated", "loss", "4,512"].map(|text| (text.to_owned(), true)).to_vec();
    assert_eq!(hidden(&format!("{TEXT} {IMAGE}")), all, "under an image");
    assert_eq!(hidden(&format!("{TEXT} 0 g 50 100 300 100 re f")), all, "blackened");
    assert_eq!(hidden(&format!("{TEXT} 1 g 50 100 300 100 re f")), all, "painted over in white");
}

#[test]
fn text_that_can_be_seen_is_not_marked() {
    for content in [
        TEXT.to_owned(),
        format!("0.6 g {TEXT}"),
        format!("0 0 0.5 rg 50 100 300 100 re f 1 g {TEXT}"),
        format!("{IMAGE} 0 g {TEXT}"),
        format!("0.9 g 50 100 300 100 re f 0 g {TEXT}"),
        // Something painted later over the same area, but outside of its clip, or as a frame.
        format!("{TEXT} q 0 0 10 10 re W n 0.5 g 50 100 300 100 re f Q"),
        format!("{TEXT} 50 100 300 100 re S"),
        // Drawn twice, as some programs make text bold.
        format!("{TEXT} {TEXT}"),
        // Outlined letters: the fill is not drawn.
        format!("1 g 0 G 0.4 w 1 Tr {TEXT}"),
    ] {
        assert_eq!(hidden(&content), [], "{content}");
    }
}

/// Words of a page with this content that an image shows.
fn pictured(content: &str) -> Vec<String> {
    let request = ReadRequest { ocr: OcrMode::Never, ..ReadRequest::default() };
    let outcome = read(&pool(1), &source(&document(&[page(content)], "")), request);
    let words = outcome.pages[0].words.iter();
    words.filter(|word| word.style.pictured).map(|word| word.text.clone()).collect()
}

/// A striped image over a rectangle.
fn stripes([x, y, width, height]: [u32; 4]) -> String {
    format!("q {width} 0 0 {height} {x} {y} cm BI /W 64 /H 1 /CS /G /BPC 1 ID UUUUUUUU EI Q ")
}

#[test]
fn invisible_words_are_text_where_images_show_something() {
    let all = ["Restated", "loss", "4,512"];
    let layer = "BT 3 Tr /F1 12 Tf 80 150 Td (Restated loss 4,512) Tj ET";
    let whole = stripes([0, 0, 400, 300]);
    let tiles = stripes([0, 0, 400, 153]) + &stripes([0, 153, 400, 147]);
    assert_eq!(pictured(&format!("{whole}{layer}")), all, "over a scan");
    assert_eq!(pictured(&format!("{layer}{whole}")), all, "under a scan");
    assert_eq!(pictured(&format!("{tiles}{layer}")), all, "over a scan in two strips");
    assert_eq!(pictured(&format!("{}{layer}", stripes([50, 100, 300, 100]))), all, "over a picture");
    assert_eq!(pictured(&format!("{TEXT} {whole}")), all, "drawn, under a scan");
    assert_eq!(pictured(layer), [""; 0], "over nothing");
    assert_eq!(
        pictured(&format!("{}{layer}", stripes([80, 148, 20, 10]))),
        [""; 0],
        "over a corner of an image"
    );
    assert_eq!(pictured(&format!("{IMAGE} {layer}")), [""; 0], "over an image that shows nothing there");
    assert_eq!(pictured(&format!("{TEXT} {IMAGE}")), [""; 0], "drawn, under a picture");
}
