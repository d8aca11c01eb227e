//! OCR inside the process: the shipped models, and readers that stand in for them where they must go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use docproc::config::{Config, OcrPolicy};
use docproc::document::{BBox, TextSource, Word, WordStyle};
use docproc::error::{Error, ErrorCode, Result};
use docproc::input::{
    GrayPicture, MayGoOn, OcrOptions, PictureReader, PictureReading, ReadRequest, WorkerPool,
};
use docproc::pipeline::picture_reader;

use super::{Outcome, options, read, report, source};

fn read_with(reader: Arc<dyn PictureReader>, name: &str, timeout: Duration) -> Outcome {
    let mut options = options(1);
    options.reader = Some(reader);
    options.ocr = OcrOptions { timeout, ..OcrOptions::default() };
    let pool = WorkerPool::start(&options).unwrap();
    read(&pool, &report(name), ReadRequest::with_ocr(OcrPolicy::Auto))
}

fn shipped() -> Arc<dyn PictureReader> {
    picture_reader(&Config::load(None, |_| ()).unwrap()).unwrap().unwrap()
}

#[test]
fn scans_are_read_without_any_program() {
    let outcome = read_with(shipped(), "scanned-page.pdf", Duration::from_secs(60));
    assert!(outcome.errors.is_empty(), "{outcome:?}");
    let page = &outcome.pages[0];
    assert_eq!((page.text_source, page.rotation), (TextSource::Ocr, 0));
    let texts: Vec<&str> = page.words.iter().map(|word| word.text.as_str()).collect();
    assert!((470..500).contains(&texts.len()), "{}", texts.len());
    for text in ["National", "Archives", "100,000", "13985.", "364,000"] {
        assert!(texts.contains(&text), "{text} is missing in {texts:?}");
    }
    for word in &page.words {
        let BBox { x0, y0, x1, y1 } = word.bbox;
        assert!(0.0 <= x0 && x0 < x1 && x1 <= page.width && 0.0 <= y0 && y0 < y1 && y1 <= page.height);
        assert!((7.0..20.0).contains(&word.font_size), "{word:?}");
        assert!(word.confidence.is_some_and(|confidence| (0.0..=1.0).contains(&confidence)));
    }
}

#[test]
fn frames_of_an_image_are_read() {
    let outcome = read_with(shipped(), "scanned-two-frames.tif", Duration::from_secs(60));
    assert_eq!((outcome.numbers(), &outcome.errors), (vec![1, 2], &vec![]));
    assert!(outcome.pages.iter().all(|page| page.words.len() > 300 && page.text_source == TextSource::Ocr));
}

#[test]
fn a_page_on_its_head_is_turned_upright() {
    let mut options = options(1);
    options.reader = Some(shipped());
    let pool = WorkerPool::start(&options).unwrap();
    let bytes = std::fs::read("fixtures/cases/k14-scan-upside-down.pdf").unwrap();
    let outcome = read(&pool, &source(&bytes), ReadRequest::with_ocr(OcrPolicy::Auto));
    let page = &outcome.pages[0];
    assert_eq!(page.rotation, 180);
    assert!(page.text_source_reason.contains("turned clockwise by 180 degrees"), "{page:?}");
    let texts: Vec<&str> = page.words.iter().map(|word| word.text.as_str()).collect();
    assert!(texts.windows(4).any(|words| words == ["Operating", "costs", "fell", "to"]), "{texts:?}");
    // The table stands below the text, as on the page held upright.
    let top = |text: &str| page.words.iter().find(|word| word.text == text).map(|word| word.bbox.y0);
    assert!(top("Net") < top("Results") && top("Results") < top("(845)"), "{page:?}");
}

/// Says where the picture's pixels came from, and asks to be stopped or turned.
#[derive(Debug, Default)]
struct StandIn {
    quarters: u8,
    endless: bool,
    asked: AtomicUsize,
}

impl PictureReader for StandIn {
    fn read(&self, picture: GrayPicture<'_>, turn: bool, may_go_on: MayGoOn<'_>) -> Result<PictureReading> {
        assert!(turn && picture.pixels.len() == (picture.width * picture.height) as usize);
        if self.endless {
            loop {
                self.asked.fetch_add(1, Ordering::SeqCst);
                may_go_on()?;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if self.quarters > 3 {
            return Err(Error::new(ErrorCode::ModelRun, "the model failed"));
        }
        let (width, height) = (picture.width as f32, picture.height as f32);
        let (width, height) = if self.quarters % 2 == 1 { (height, width) } else { (width, height) };
        let word = Word {
            text: "word".into(),
            bbox: BBox::new(0.0, 0.0, width / 2.0, height / 4.0),
            font_size: height / 10.0,
            font: u16::MAX,
            style: WordStyle::default(),
            color: [0, 0, 0, 255],
            direction: 0,
            confidence: Some(0.5),
        };
        Ok(PictureReading { words: vec![word], quarters: self.quarters, ..PictureReading::default() })
    }
}

#[test]
fn a_turned_page_is_turned_as_a_whole() {
    let reader = Arc::new(StandIn { quarters: 1, ..StandIn::default() });
    let outcome = read_with(reader, "scanned-page.pdf", Duration::from_secs(60));
    let page = &outcome.pages[0];
    assert_eq!((page.width, page.height, page.rotation), (792.0, 612.0, 90));
    let word = &page.words[0];
    assert!((word.bbox.x1 - 396.0).abs() < 0.5 && (word.bbox.y1 - 153.0).abs() < 0.5, "{word:?}");
    assert!((word.font_size - 61.2).abs() < 0.2);
    assert!((page.images[0].width() - 792.0).abs() < 1.0, "{:?}", page.images);
}

#[test]
fn failures_and_lack_of_time_keep_the_page_and_say_why() {
    let endless = Arc::new(StandIn { endless: true, ..StandIn::default() });
    let outcome = read_with(Arc::clone(&endless) as _, "scanned-page.pdf", Duration::from_millis(300));
    assert_eq!((outcome.numbers(), &outcome.errors), (vec![1], &vec![(Some(1), ErrorCode::OcrTimeout)]));
    assert!(endless.asked.load(Ordering::SeqCst) > 3);
    let failing = Arc::new(StandIn { quarters: 9, ..StandIn::default() });
    let outcome = read_with(failing, "scanned-page.pdf", Duration::from_secs(60));
    assert_eq!((outcome.numbers(), &outcome.errors), (vec![1], &vec![(Some(1), ErrorCode::ModelRun)]));
}

#[test]
fn a_run_that_is_given_up_ends_a_page_in_work() {
    let endless = Arc::new(StandIn { endless: true, ..StandIn::default() });
    let mut options = options(1);
    options.reader = Some(Arc::clone(&endless) as _);
    let pool = WorkerPool::start(&options).unwrap();
    let mut reader = pool.open(report("scanned-page.pdf"), ReadRequest::with_ocr(OcrPolicy::Auto));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while endless.asked.load(Ordering::SeqCst) == 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
            pool.cancel();
        });
        let error = reader.next().unwrap().map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RunInterrupted);
    });
}
