//! The first stages: pages come from the workers, the layout model labels their words, and words become blocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::document::Request;
use super::engine::Engine;
use super::memory::Admitted;
use super::run::Observer;
use crate::document::{BBox, PAGE_IMAGE_SIZE, Page, TextSource, Word};
use crate::error::{Error, Result};
use crate::inference::{ImageView, PageInput, PageWords};
use crate::input::{DocumentReader, PAGE_TIMEOUT, PageSegment, PageWork, ReadRequest, WorkObserver};
use crate::scoring::anomalies::without_hidden;
use crate::structure::{PageBlock, layout_page};

/// Pages that go through the layout model together where they share batches: a constant, so that batches depend on the
/// document alone. Where they do not, there are more if there are more sessions to run them.
const GROUP: usize = 8;

/// Pages that were read, with their blocks.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Pages as a reader sees them, in order.
    pub pages: Vec<Page>,
    /// Blocks of all pages, as the layout model labels their words.
    pub blocks: Vec<PageBlock>,
    /// Pages from which hidden words were taken out, as they were read, by their index.
    pub hidden: BTreeMap<usize, Page>,
    /// What OCR reads on pages whose text layer is compared with it, by the page's index.
    pub readings: Vec<(usize, Vec<Word>)>,
}

impl Read {
    /// Runs the layout model over a group of pages, reading words and pixels where the worker wrote them.
    fn add(&mut self, engine: &Engine, mut group: Vec<PageSegment>) -> Result<()> {
        let side = PAGE_IMAGE_SIZE as usize;
        let readings = group.iter_mut().enumerate();
        let readings = readings.filter_map(|(at, page)| Some((self.pages.len() + at, page.take_reading()?)));
        self.readings.extend(readings.collect::<Vec<_>>());
        let replaced: Vec<Vec<Word>> = group.iter_mut().map(PageSegment::take_replaced).collect();
        let views: Vec<SegmentWords<'_>> = group.iter().map(SegmentWords).collect();
        let inputs: Vec<PageInput<'_>> = views
            .iter()
            .map(|view| PageInput {
                words: view,
                image: Some(ImageView { rgb: view.0.image(), width: side, height: side }),
            })
            .collect();
        let predictions = {
            let _span = engine.models.profiler.span_of("layout", || {
                let numbers: Vec<String> = group.iter().map(|page| page.number().to_string()).collect();
                format!("pages {}", numbers.join(", "))
            });
            engine.models.layout.predict(&inputs)?
        };
        let _span = engine.models.profiler.span("structure");
        for ((segment, predictions), replaced) in group.iter().zip(&predictions).zip(replaced) {
            let page = segment.to_page();
            let refined = engine.models.refine(&page, predictions)?;
            let predictions = refined.as_ref().unwrap_or(predictions);
            let index = self.pages.len();
            // What a reader does not see is for the anomalies, not for tables, sentences and sections. Beside what OCR
            // reads, that is the text layer that was there.
            let visible = without_hidden(&page);
            if !replaced.is_empty() || visible.is_some() {
                let words = [replaced, page.words.clone()].concat();
                self.hidden.insert(index, Page { words, text_source: TextSource::TextLayer, ..page.clone() });
            }
            let page = if let Some((seen, visible)) = visible {
                self.blocks.extend(layout_page(&visible, index, &predictions.only(&seen)));
                visible
            } else {
                self.blocks.extend(layout_page(&page, index, predictions));
                page
            };
            self.pages.push(page);
        }
        Ok(())
    }
}

/// Every page with its blocks, and the errors of those that could not be read.
pub(super) fn read_all(
    engine: &Engine,
    reader: &mut DocumentReader,
    admitted: &Admitted<'_>,
    observer: &dyn Observer,
) -> Result<(Read, Vec<Error>)> {
    let mut errors: Vec<Error> = Vec::new();
    let mut read = Read::default();
    loop {
        let reported = read.pages.len();
        let (group, more) = next_group(engine, reader, &mut errors);
        if let Err(error) = admitted.add_words(group.iter().map(PageSegment::word_count).sum()) {
            errors.push(error);
            return Ok((read, errors));
        }
        read.add(engine, group)?;
        observer.pages_done((read.pages.len() - reported) as u64);
        if !more {
            return Ok((read, errors));
        }
    }
}

/// The next pages in order, a group at most, and whether there may be more.
fn next_group(
    engine: &Engine,
    reader: &mut DocumentReader,
    errors: &mut Vec<Error>,
) -> (Vec<PageSegment>, bool) {
    let _span = engine.models.profiler.span("wait for pages");
    let started = Instant::now();
    let layout = &engine.models.layout;
    let most = if layout.pages_stand_alone() { layout.model().pool.capacity().max(GROUP) } else { GROUP };
    let mut group = Vec::with_capacity(most);
    while group.len() < most {
        match reader.next() {
            Some(Ok(mut segment)) => {
                errors.extend(segment.take_problem());
                group.push(segment);
            }
            Some(Err(error)) => errors.push(error),
            None => return (group, false),
        }
        // Where pages share batches, less than a full group would make the result depend on how fast they came.
        if layout.pages_stand_alone() && started.elapsed() > engine.batch_timeout {
            break;
        }
    }
    (group, true)
}

/// A page's words in shared memory.
struct SegmentWords<'a>(&'a PageSegment);

impl PageWords for SegmentWords<'_> {
    fn words(&self) -> Box<dyn Iterator<Item = (&str, [i64; 4])> + '_> {
        let (width, height) = (self.0.width(), self.0.height());
        Box::new(self.0.words().map(move |word| {
            let bbox: BBox = word.bbox;
            (word.text, bbox.normalize(width, height))
        }))
    }
}

impl Request {
    /// What the page workers are asked for.
    pub(super) fn read_request(&self, observer: Option<WorkObserver>) -> ReadRequest {
        let pages = (!self.pages.is_all()).then(|| {
            let selection = self.pages.clone();
            Arc::new(move |number| selection.contains(number)) as _
        });
        ReadRequest {
            pages,
            passwords: self.passwords.clone(),
            page_timeout: self.settings.time_for(1).min(PAGE_TIMEOUT),
            settings: self.settings.clone(),
            observer,
        }
    }
}

/// Takes the page workers' times into the profile, if there is one.
pub(super) fn work_observer(engine: &Engine, document: &str) -> Option<WorkObserver> {
    let profiler = engine.models.profiler.clone();
    profiler.is_enabled().then(|| {
        let document: Arc<str> = document.into();
        Arc::new(move |work: &PageWork| {
            let stage = if work.page.is_some() { "read page" } else { "open document" };
            profiler.record(stage, (work.begun, work.ended), &document, || match (work.page, work.timings) {
                (Some(page), Some(times)) => format!(
                    "page {page}: text {:.1} ms, image {:.1} ms, OCR {:.1} ms",
                    times.text.as_secs_f64() * 1e3,
                    times.render.as_secs_f64() * 1e3,
                    times.ocr.as_secs_f64() * 1e3
                ),
                (Some(page), None) => format!("page {page}"),
                (None, _) => String::new(),
            });
        }) as WorkObserver
    })
}
