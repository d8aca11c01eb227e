//! The stages after reading that need no model, one after the other, each with its time.

use std::collections::BTreeMap;

use docproc::document::Page;
use docproc::limit::Limit;
use docproc::scoring::anomalies::find_anomalies;
use docproc::scoring::audit::audit;
use docproc::scoring::features::{self, Document};
use docproc::structure::tables::find_tables;
use docproc::structure::{DocumentStructure, PageBlock, ReviewThresholds, TextResults, assemble};

pub const STAGES: [&str; 7] = ["structure", "tables", "assemble", "audit", "anomalies", "features", "write"];

/// Seconds of this thread's processor time in each stage: other work on the machine does not count.
pub fn run((pages, blocks): &(Vec<Page>, Vec<PageBlock>)) -> [f64; STAGES.len()] {
    let limit = Limit::default();
    let blocks = blocks.clone();
    let mut times = vec![processor_seconds()];
    let structure = DocumentStructure::new(pages, blocks, &limit).unwrap();
    times.push(processor_seconds());
    let tables = find_tables(pages, &structure.blocks, &structure.units, structure.locale, &limit).unwrap();
    times.push(processor_seconds());
    let text = TextResults::default();
    let parts = assemble(pages, &structure, text, tables, ReviewThresholds::default(), &limit).unwrap();
    times.push(processor_seconds());
    let audit = audit(pages, &parts.tables, &parts.sentences, structure.locale, &limit).unwrap();
    assert!(audit.summary.hold > 0, "{:?}", audit.summary);
    times.push(processor_seconds());
    let mut anomalies = audit.anomalies;
    anomalies.extend(find_anomalies(pages, &BTreeMap::new(), &parts.tables, &[], &limit).unwrap());
    times.push(processor_seconds());
    let document = Document {
        words: pages,
        pages: &parts.pages,
        blocks: &parts.blocks,
        sections: &parts.sections,
        sentences: &parts.sentences,
        tables: &parts.tables,
        anomalies: &anomalies,
        audit: audit.summary,
        ..Document::default()
    };
    for set in ["risk", "ratios", "patterns", "page", "review"] {
        std::hint::black_box(features::rows(set, &document, &limit).unwrap());
    }
    times.push(processor_seconds());
    let written = (&parts.pages, &parts.blocks, &parts.sentences, &parts.figures, &parts.tables, &anomalies);
    std::hint::black_box(serde_json::to_vec(&written).unwrap());
    times.push(processor_seconds());
    std::array::from_fn(|stage| times[stage + 1] - times[stage])
}

/// Processor time of this thread, from Linux's scheduler statistics.
pub fn processor_seconds() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
