//! Page workers: words, rulings and page images of real documents.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::workload::{Plan, Size, Workload};
use crate::config::{NativeLibrary, OcrPolicy, native_library};
use crate::error::Result;
use crate::input::{ReadRequest, Source, WorkerOptions, WorkerPool};

/// Documents in work at the same time.
const IN_WORK: usize = 8;
/// Pages that one run reads, about.
const PAGES: u32 = 200;
const QUICK_PAGES: u32 = 20;

/// What counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Time that passes from the file to the page in shared memory.
    All,
    /// Time that workers spend on words, rulings and fonts.
    Text,
    /// Time that workers spend on page images.
    Render,
}

/// One worker and one per core; and the two halves of a worker's work by its own clock.
pub fn plans<'a>(context: &'a Context<'a>) -> Vec<Plan<'a>> {
    let workers = context.config.analyze.jobs;
    let mut plans = Vec::new();
    let mut add = |name: &str, group: &str, workers: usize, part: Part| {
        plans.push(Plan {
            name: format!("pages/{name}"),
            group: format!("pages/{group}"),
            unit: "pages",
            make: Box::new(move |_| Ok(Box::new(Pages::new(context, workers, part)?))),
        });
    };
    add("1 worker", "workers", 1, Part::All);
    if workers > 1 {
        add(&format!("{workers} workers"), "workers", workers, Part::All);
    }
    add("text", "text", 1, Part::Text);
    add("render", "render", 1, Part::Render);
    plans
}

struct Pages {
    pool: WorkerPool,
    sources: Vec<Arc<Source>>,
    most: u32,
    part: Part,
    pages: u32,
    spent: Duration,
}

impl Pages {
    fn new(context: &Context<'_>, workers: usize, part: Part) -> Result<Self> {
        let pool = WorkerPool::start(&WorkerOptions {
            workers,
            pdfium: native_library(NativeLibrary::Pdfium)?,
            ..WorkerOptions::default()
        })?;
        let sources = context
            .documents()?
            .iter()
            .filter_map(|input| Source::read(input, context.config.analyze.max_bytes.0).ok())
            .map(Arc::new)
            .collect();
        let most = if context.quick { QUICK_PAGES } else { PAGES };
        let mut pages = Self { pool, sources, most, part, pages: 0, spent: Duration::ZERO };
        // Workers are started when there is work: not in the first measurement.
        pages.run()?;
        Ok(pages)
    }
}

impl Workload for Pages {
    fn run(&mut self) -> Result<()> {
        (self.pages, self.spent) = (0, Duration::ZERO);
        let request = ReadRequest::with_ocr(OcrPolicy::Never);
        for sources in self.sources.chunks(IN_WORK) {
            let readers: Vec<_> =
                sources.iter().map(|source| self.pool.open(Arc::clone(source), request.clone())).collect();
            for mut reader in readers {
                while self.pages < self.most
                    && let Some(page) = reader.next()
                {
                    // Pages that cannot be read take their time, too.
                    self.pages += 1;
                    let Ok(page) = page else { continue };
                    let timings = page.timings();
                    self.spent += match self.part {
                        Part::All => Duration::ZERO,
                        Part::Text => timings.text,
                        Part::Render => timings.render,
                    };
                    std::hint::black_box(page.image()[0]);
                }
            }
        }
        Ok(())
    }

    fn seconds(&self) -> Option<f64> {
        (self.part != Part::All).then_some(self.spent.as_secs_f64())
    }

    fn size(&self) -> Size {
        Size { items: f64::from(self.pages), threads: 1, ..Size::default() }
    }
}
