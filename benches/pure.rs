//! The pure code that every page and every document passes: reading order, sections and sentences, tables, audit,
//! numbers, JSON. On the pages of one report of the fixtures, with the shipped layout model's predictions, which are
//! computed once before measuring.
//!
//!     cargo bench --bench pure [-- FILTER]
#![allow(missing_docs, reason = "a program")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

use docproc::config::{Config, NativeLibrary, OcrPolicy, native_library};
use docproc::document::analysis::{Analysis, DocumentInfo, SCHEMA_VERSION, Status, Tool};
use docproc::document::{Page, WordPredictions};
use docproc::error::Result;
use docproc::inference::{ImageView, PageInput};
use docproc::input::{
    DiscoverOptions, ReadRequest, Source, WORKER_ARGUMENT, WorkerOptions, WorkerPool, discover, worker_main,
};
use docproc::limit::Limit;
use docproc::pipeline::Models;
use docproc::scoring::audit::audit;
use docproc::search::Index;
use docproc::structure::numbers::{find_figures, parse_number};
use docproc::structure::tables::{find_grid, find_tables};
use docproc::structure::{
    DocumentStructure, PageBlock, ReviewThresholds, TextResults, assemble, layout_page,
};

const REPORT: &str = "fixtures/reports/annual-report-10k-excerpt-apple-2024.pdf";

struct Data {
    pages: Vec<Page>,
    predictions: Vec<WordPredictions>,
    blocks: Vec<PageBlock>,
    structure: DocumentStructure,
    analysis: Analysis,
}

static DATA: OnceLock<Data> = OnceLock::new();

fn main() -> std::process::ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT) {
        return worker_main();
    }
    // Run by `cargo test --all-targets`, too: then nothing is measured, and nothing needs to be read.
    if !std::env::args().any(|argument| argument == "--bench") {
        return std::process::ExitCode::SUCCESS;
    }
    match load() {
        Ok(data) => {
            let _ = DATA.set(data);
            divan::main();
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn load() -> Result<Data> {
    let models = Models::load(&Config::load(None, |_| ())?, &mut |_| ())?;
    let pool = WorkerPool::start(&WorkerOptions {
        pdfium: native_library(NativeLibrary::Pdfium)?,
        ..WorkerOptions::default()
    })?;
    let input = discover(&[REPORT.into()], &DiscoverOptions::default())?.inputs.remove(0);
    let source = Arc::new(Source::read(&input, 1 << 30)?);
    let mut reader = pool.open(source, ReadRequest::with_ocr(OcrPolicy::Never));
    let (mut pages, mut predictions, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(segment) = reader.next() {
        let segment = segment?;
        let page = segment.to_page();
        let image = ImageView { rgb: segment.image(), width: 224, height: 224 };
        let predicted = models.layout.predict(&[PageInput { words: &page, image: Some(image) }])?.remove(0);
        let predicted = models.refine(&page, &predicted)?.unwrap_or(predicted);
        blocks.extend(layout_page(&page, pages.len(), &predicted));
        pages.push(page);
        predictions.push(predicted);
    }
    let structure = DocumentStructure::new(&pages, blocks.clone(), &Limit::default())?;
    let tables =
        find_tables(&pages, &structure.blocks, &structure.units, structure.locale, &Limit::default())?;
    let parts = assemble(
        &pages,
        &structure,
        TextResults::default(),
        tables,
        ReviewThresholds::default(),
        &Limit::default(),
    )?;
    let analysis = Analysis {
        schema_version: SCHEMA_VERSION.to_owned(),
        tool: Tool { name: "docproc".to_owned(), version: String::new() },
        document: DocumentInfo {
            path: Path::new(REPORT).display().to_string(),
            sha256: String::new(),
            bytes: 0,
            media_type: "application/pdf".to_owned(),
            page_count: u32::try_from(pages.len()).unwrap_or(u32::MAX),
            metadata: BTreeMap::new(),
        },
        status: Status::Ok,
        errors: Vec::new(),
        models: Vec::new(),
        pages: parts.pages,
        blocks: parts.blocks,
        sections: parts.sections,
        sentences: parts.sentences,
        entities: parts.entities,
        figures: parts.figures,
        tables: parts.tables,
        scores: Vec::new(),
        anomalies: Vec::new(),
        relations: Vec::new(),
        summary: parts.summary,
    };
    Ok(Data { pages, predictions, blocks, structure, analysis })
}

fn data() -> &'static Data {
    DATA.get().expect("set before divan runs")
}

/// Lines, blocks and their reading order, of all pages.
#[divan::bench]
fn reading_order(bencher: Bencher<'_, '_>) {
    let data = data();
    bencher.counter(ItemsCount::new(data.pages.len())).bench(|| {
        for (index, (page, predictions)) in data.pages.iter().zip(&data.predictions).enumerate() {
            black_box(layout_page(page, index, predictions));
        }
    });
}

/// Sections and sentences of the document.
#[divan::bench]
fn sections_and_sentences(bencher: Bencher<'_, '_>) {
    let data = data();
    bencher
        .counter(ItemsCount::new(data.structure.sentences.len()))
        .with_inputs(|| data.blocks.clone())
        .bench_values(|blocks| DocumentStructure::new(&data.pages, blocks, &Limit::default()));
}

/// Rows and columns of every table block.
#[divan::bench]
fn table_grid(bencher: Bencher<'_, '_>) {
    let data = data();
    let tables: Vec<&PageBlock> = data.blocks.iter().filter(|block| block.label == "Table").collect();
    bencher.counter(ItemsCount::new(tables.len())).bench(|| {
        for block in &tables {
            black_box(find_grid(&data.pages[block.page_index], &block.bbox));
        }
    });
}

/// Tables from finding them to their values.
#[divan::bench]
fn tables(bencher: Bencher<'_, '_>) {
    let data = data();
    bencher.counter(ItemsCount::new(data.analysis.tables.len())).bench(|| {
        find_tables(
            &data.pages,
            &data.structure.blocks,
            &data.structure.units,
            data.structure.locale,
            &Limit::default(),
        )
    });
}

/// The arithmetic of all tables.
#[divan::bench]
fn audit_tables(bencher: Bencher<'_, '_>) {
    let data = data();
    bencher.counter(ItemsCount::new(data.analysis.tables.len())).bench(|| {
        audit(
            &data.pages,
            &data.analysis.tables,
            &data.analysis.sentences,
            data.structure.locale,
            &Limit::default(),
        )
    });
}

/// Every word of the document taken for a number.
#[divan::bench]
fn parse_numbers(bencher: Bencher<'_, '_>) {
    let data = data();
    let words: Vec<&str> =
        data.pages.iter().flat_map(|page| &page.words).map(|word| word.text.as_str()).collect();
    let locale = data.structure.locale;
    bencher
        .counter(ItemsCount::new(words.len()))
        .bench(|| words.iter().filter(|word| parse_number(black_box(word), locale).is_some()).count());
}

/// Figures in every sentence.
#[divan::bench]
fn figures_of_sentences(bencher: Bencher<'_, '_>) {
    let data = data();
    let bytes: usize = data.structure.sentences.iter().map(|sentence| sentence.text.len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        data.structure
            .sentences
            .iter()
            .map(|sentence| find_figures(black_box(&sentence.text), data.structure.locale).len())
            .sum::<usize>()
    });
}

/// The analysis as it is written.
#[divan::bench]
fn write_json(bencher: Bencher<'_, '_>) {
    let data = data();
    let bytes = serde_json::to_vec(&data.analysis).map_or(0, |json| json.len());
    bencher.counter(BytesCount::new(bytes)).bench(|| serde_json::to_vec(black_box(&data.analysis)));
}

/// The look at every sentence that a search is, after everything has been loaded.
#[divan::bench(sample_count = 10)]
fn search_of_100_000_sentences(bencher: Bencher<'_, '_>) {
    const SENTENCES: u32 = 100_000;
    const DIMENSIONS: usize = 384;
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let mut index = Index::new(DIMENSIONS);
    for _ in 0..SENTENCES {
        // Common words are much more common than rare ones.
        let words: Vec<String> =
            (0..25).map(|_| format!("w{}", (random().powi(3) * 20_000.0) as u32)).collect();
        let embedding: Vec<f32> = (0..DIMENSIONS).map(|_| random() - 0.5).collect();
        index.add(&words.join(" "), &embedding);
    }
    let query: Vec<f32> = (0..DIMENSIONS).map(|_| random() - 0.5).collect();
    bencher
        .counter(ItemsCount::new(SENTENCES))
        .bench_local(|| index.search(black_box("w1 w200 w19000"), black_box(&query), 20, |_| true));
}
