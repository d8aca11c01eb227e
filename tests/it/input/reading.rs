//! Words, geometry and limits.

use std::sync::Arc;

use docproc::config::Analyze;
use docproc::document::{BBox, Page, TextSource};
use docproc::error::ErrorCode;
use docproc::input::{ReadRequest, probe_worker};

use super::pdf::{PageSource, document, document_in, page, text_page};
use super::{pdfium, pool, read, report, source};

fn first_page(pages: &[PageSource], form: &str) -> Page {
    let outcome = read(&pool(1), &source(&document(pages, form)), ReadRequest::default());
    assert!(outcome.errors.is_empty(), "{outcome:?}");
    outcome.pages.into_iter().next().unwrap()
}

fn near(bbox: &BBox, expected: [f32; 4], tolerance: f32) -> bool {
    [bbox.x0, bbox.y0, bbox.x1, bbox.y1].iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn real_reports_read_the_same_with_one_and_two_workers() {
    let reports = ["annual-report-10k-excerpt-apple-2024.pdf", "two-columns-faa-handbook.pdf"];
    let outcomes = [1, 2].map(|workers| {
        let pool = pool(workers);
        reports.map(|name| read(&pool, &report(name), ReadRequest::default()))
    });
    assert_eq!(outcomes[0], outcomes[1]);
    let pages = &outcomes[0][0].pages;
    let count = u32::try_from(pages.len()).unwrap();
    assert_eq!(outcomes[0][0].numbers(), (1..=count).collect::<Vec<_>>());
    let texts: Vec<_> = pages[1].words.iter().map(|word| word.text.as_str()).collect();
    assert!(texts.windows(3).any(|words| words == ["Segment", "Operating", "Performance"]), "{texts:?}");
    let heading = pages[1].words.iter().find(|word| word.text == "Segment").unwrap();
    assert!(heading.style.bold && heading.style.starts_line, "{heading:?}");
}

/// One font stands in for all that are neither embedded nor standard, stretched to the widths that each claims.
#[test]
fn what_was_read_before_does_not_change_a_page() {
    let stretched = |width: u32| {
        let widths = format!("{width} ").repeat(95);
        let font = format!(
            "<< /Type /Font /Subtype /TrueType /BaseFont /Calibri /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 126 \
             /Widths [{widths}] /FontDescriptor << /Type /FontDescriptor /FontName /Calibri /Flags 32 >> >>"
        );
        source(&document_in(&font, &[text_page("Illusion"), text_page("Minimum")], ""))
    };
    let [narrow, wide] = [300, 900].map(stretched);
    let second = ReadRequest { pages: Some(Arc::new(|page| page == 2)), ..ReadRequest::default() };
    let alone = read(&pool(1), &wide, second);
    let pool = pool(1);
    for before in [&narrow, &wide] {
        read(&pool, before, ReadRequest::default());
        let after = read(&pool, &wide, ReadRequest::default());
        assert_eq!(after.numbers(), [1, 2]);
        assert_eq!(after.pages[1], alone.pages[0]);
    }
}

#[test]
fn pages_are_delivered_in_order_however_many_documents_are_open() {
    let pool = pool(2);
    let pages: Vec<_> = (1..=30).map(|number| text_page(&format!("page{number}"))).collect();
    let long = source(&document(&pages, ""));
    let short = source(&document(&pages[..2], ""));
    let mut readers: Vec<_> = (0..4)
        .flat_map(|_| [&long, &short])
        .map(|source| pool.open(Arc::clone(source), ReadRequest::default()))
        .collect();
    // The last document is read first: nothing waits for documents that nobody reads.
    for reader in readers.iter_mut().rev() {
        let count = reader.info().unwrap().page_count;
        for number in 1..=count {
            let segment = reader.next().unwrap().unwrap();
            let text = segment.words().next().map(|word| word.text.to_owned());
            assert_eq!((segment.number(), text), (number, Some(format!("page{number}"))));
        }
        assert!(reader.next().is_none());
    }
}

#[test]
fn boxes_follow_origin_crop_box_and_rotation() {
    // "Hello" in 20 point Helvetica-Bold: cap height 14.4, from x 100 to about 150 on baseline 200.
    let crop = "/MediaBox [-50 -40 450 400] /CropBox [20 30 320 280]";
    let upright = [80.0, 62.0, 130.0, 84.0];
    let (width, height) = (300.0, 250.0);
    for (rotation, expected) in [
        (0, upright),
        (90, [height - upright[3], upright[0], height - upright[1], upright[2]]),
        (180, [width - upright[2], height - upright[3], width - upright[0], height - upright[1]]),
        (270, [upright[1], width - upright[2], upright[3], width - upright[0]]),
    ] {
        let mut source = text_page("Hello");
        source.entries = format!("{crop} /Rotate {rotation}");
        let page = first_page(&[source], "");
        let size = if rotation % 180 == 0 { (width, height) } else { (height, width) };
        assert_eq!((page.width, page.height, page.rotation), (size.0, size.1, rotation));
        let word = &page.words[0];
        assert_eq!((word.text.as_str(), word.direction), ("Hello", rotation));
        assert!(near(&word.bbox, expected, 4.0), "{rotation}: {:?}, expected {expected:?}", word.bbox);
        assert!((word.font_size - 20.0).abs() < 0.1);
    }
}

#[test]
fn invisible_scaled_and_hyphenated_words_are_marked() {
    let page = first_page(
        &[page(
            "BT /F1 5 Tf 2 0 0 2 50 250 Tm 3 Tr (hidden) Tj 0 Tr ET \
             1 0 0 rg BT /F1 12 Tf 50 200 Td (experi-) Tj 0 -14 Td (mental result) Tj ET \
             BT /F1 12 Tf 1000 100 Td (outside) Tj ET",
        )],
        "",
    );
    let words: Vec<_> = page.words.iter().map(|word| (word.text.as_str(), word)).collect();
    let find =
        |text: &str| words.iter().find(|(found, _)| *found == text).unwrap_or_else(|| panic!("{words:?}")).1;
    assert!(find("hidden").style.invisible && (find("hidden").font_size - 10.0).abs() < 0.1);
    assert!(find("outside").style.invisible);
    assert!(find("experi-").style.hyphenated && find("mental").style.starts_line);
    assert!(!find("result").style.hyphenated && !find("result").style.invisible);
    assert_eq!(find("result").color, [255, 0, 0, 255]);
    assert_eq!(page.label.as_deref(), Some("i"));
    assert_eq!(&*page.fonts[usize::from(find("result").font)], "Helvetica-Bold");
}

#[test]
fn rulings_are_found_also_inside_forms() {
    let page = first_page(
        &[page("1 w 50 100 m 150 100 l S 50 50 100 1.5 re f 20 20 50 40 re f /X1 Do")],
        "0.5 w 10 10 m 10 90 l S",
    );
    let found = |expected, horizontal| {
        page.rulings.iter().any(|ruling| near(&ruling.bbox, expected, 0.6) && ruling.horizontal == horizontal)
    };
    assert!(found([50.0, 199.5, 150.0, 200.5], true), "{:?}", page.rulings);
    assert!(found([50.0, 248.5, 150.0, 250.0], true));
    assert!(found([20.0, 190.0, 20.0, 270.0], false));
    assert_eq!(page.rulings.len(), 3, "a filled box is no ruling: {:?}", page.rulings);
}

#[test]
fn what_is_filled_into_a_form_is_read() {
    let mut page = text_page("Amount:");
    page.entries += " /Annots [<< /Type /Annot /Subtype /Widget /FT /Tx /T (amount) /F 4 /Rect [10 20 410 320] \
                     /AP << /N 4 0 R >> >>]";
    let page = first_page(&[page], "BT /F1 20 Tf 100 100 Td (1,234.50) Tj ET");
    let texts: Vec<_> = page.words.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, ["Amount:", "1,234.50"]);
    // The form is moved by (10, 20): its baseline lies 300 - 120 = 180 below the top.
    let field = &page.words[1].bbox;
    assert!(field.x0 > 105.0 && field.x0 < 118.0 && field.y0 < 180.0 && field.y1 > 178.0, "{field:?}");
}

#[test]
fn the_page_image_shows_the_whole_page() {
    // A red quarter at the top right, black elsewhere, on a page that is much wider than high.
    let mut source = page("0 g 0 0 800 200 re f 1 0 0 rg 400 100 400 100 re f");
    source.entries = "/MediaBox [0 0 800 200]".into();
    let pool = pool(1);
    let mut reader = pool.open(super::source(&document(&[source], "")), ReadRequest::default());
    let segment = reader.next().unwrap().unwrap();
    let pixel = |x: usize, y: usize| segment.image()[(y * 224 + x) * 3..][..3].to_vec();
    assert_eq!(
        [pixel(20, 20), pixel(200, 20), pixel(20, 200), pixel(200, 200)],
        [vec![0, 0, 0], vec![255, 0, 0], vec![0, 0, 0], vec![0, 0, 0],]
    );
}

#[test]
fn limits_and_selections_are_kept() {
    let pool = pool(2);
    let pages: Vec<_> = (1..=9).map(|number| text_page(&number.to_string())).collect();
    let nine = source(&document(&pages, ""));
    let some = ReadRequest { pages: Some(Arc::new(|page| page % 4 == 0)), ..ReadRequest::default() };
    assert_eq!(read(&pool, &nine, some).numbers(), [4, 8]);
    let few = read(
        &pool,
        &nine,
        ReadRequest { settings: Analyze { max_pages: 3, ..Analyze::default() }, ..ReadRequest::default() },
    );
    assert_eq!((few.numbers(), few.errors), (vec![1, 2, 3], vec![(None, ErrorCode::DocumentTooManyPages)]));
}

#[test]
fn documents_that_cannot_be_read_have_their_codes() {
    let pool = pool(1);
    let code = |bytes: &[u8]| {
        let outcome = read(&pool, &source(bytes), ReadRequest::default());
        assert_eq!((outcome.pages.len(), outcome.errors.len()), (0, 1), "{outcome:?}");
        outcome.errors[0].1
    };
    assert_eq!(code(b""), ErrorCode::InputEmpty);
    assert_eq!(code(b"no document"), ErrorCode::InputUnsupported);
    assert_eq!(code(b"%PDF-1.4 nothing else"), ErrorCode::PdfMalformed);
    assert_eq!(code(b"\x89PNG\r\n\x1a\n nothing else"), ErrorCode::ImageMalformed);
    assert_eq!(code(&document(&[], "")), ErrorCode::PdfNoPages);
    // None of these cost a worker.
    assert_eq!((pool.statistics().started, pool.statistics().lost), (1, 0));
}

#[test]
fn pages_without_area_or_text_do_not_stop_the_others() {
    let mut flat = text_page("flat");
    flat.entries = "/MediaBox [0 0 0 0]".into();
    let mut huge = text_page("huge");
    huge.entries = "/MediaBox [0 0 200000 300000]".into();
    let outcome = read(&pool(1), &source(&document(&[flat, page(""), huge], "")), ReadRequest::default());
    let empty = outcome.pages.iter().find(|page| page.number == 2).unwrap();
    assert_eq!((empty.text_source, empty.words.len()), (TextSource::None, 0));
    assert!(outcome.pages.iter().any(|page| page.number == 3 && page.words[0].text == "huge"), "{outcome:?}");
}

#[test]
fn passwords_open_encrypted_documents() {
    let pool = pool(1);
    let encrypted = source(&std::fs::read("fixtures/input/encrypted.pdf").unwrap());
    let locked = read(&pool, &encrypted, ReadRequest::default());
    assert_eq!(locked.errors, [(None, ErrorCode::PdfPasswordRequired)]);
    let passwords = vec![b"wrong".to_vec(), b"\xff\0".to_vec(), b"secret".to_vec()];
    let open = read(&pool, &encrypted, ReadRequest { passwords, ..ReadRequest::default() });
    assert_eq!((open.numbers(), open.errors), (vec![1], vec![]));
    let long = ReadRequest { passwords: vec![vec![b'x'; 60_000]], ..ReadRequest::default() };
    assert_eq!(read(&pool, &encrypted, long).errors, [(None, ErrorCode::ConfigInvalid)]);
}

#[test]
fn doctor_can_probe_a_worker() {
    // The test executable is no page worker, so this must end with an error and not hang.
    let error = probe_worker(&pdfium()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::WorkerStart);
}
