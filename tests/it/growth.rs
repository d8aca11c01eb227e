//! Time in proportion to pages, and limits that reach every stage after reading.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use docproc::error::{Error, ErrorCode};
use docproc::limit::Limit;
use docproc::scoring::anomalies::find_anomalies;
use docproc::scoring::audit::audit;
use docproc::scoring::features::{self, Document};
use docproc::structure::tables::find_tables;
use docproc::structure::units::Scopes;
use docproc::structure::{DocumentStructure, ReviewThresholds, TextResults, assemble, locale_of};

use super::stages::{STAGES, processor_seconds, run};
use super::statements::{Kind, document};

/// `make bench` measures up to 1,000 pages against 2.3; here documents are short and the machine may be busy. A stage
/// that compares every page with every other takes four times as long.
#[test]
fn twice_the_pages_take_about_twice_the_time() {
    for kind in [Kind::Joined, Kind::Repeated] {
        let least = |pages: usize| {
            let document = document(kind, pages);
            let mut least = [f64::INFINITY; STAGES.len()];
            for _ in 0..2 {
                least.iter_mut().zip(run(&document)).for_each(|(least, time)| *least = least.min(time));
            }
            least
        };
        let (half, whole) = (least(40), least(80));
        let (a, b): (f64, f64) = (half.iter().sum(), whole.iter().sum());
        println!("{kind:?}: {STAGES:?} {half:.3?} {whole:.3?}");
        assert!(b <= 2.7 * a, "{kind:?}: {STAGES:?} {half:?} {whole:?}");
    }
}

#[test]
fn joined_statements_are_one_table() {
    let (pages, blocks) = document(Kind::Joined, 8);
    let tables =
        find_tables(&pages, &blocks, &Scopes::of(&pages, &blocks), locale_of(&pages), &Limit::default())
            .unwrap();
    assert_eq!((tables.len(), tables[0].rows), (1, 1 + 8 * 3 * 13));
    let (pages, blocks) = document(Kind::Repeated, 8);
    assert_eq!(
        find_tables(&pages, &blocks, &Scopes::of(&pages, &blocks), locale_of(&pages), &Limit::default())
            .unwrap()
            .len(),
        8
    );
}

#[test]
fn time_and_stop_reach_every_stage() {
    let (pages, blocks) = document(Kind::Repeated, 4);
    let none = Limit::default();
    let structure = DocumentStructure::new(&pages, blocks.clone(), &none).unwrap();
    let tables = find_tables(&pages, &structure.blocks, &structure.units, structure.locale, &none).unwrap();
    let put_together = |limit: &Limit| {
        let (text, review) = (TextResults::default(), ReviewThresholds::default());
        assemble(&pages, &structure, text, tables.clone(), review, limit)
    };
    let parts = put_together(&none).unwrap();
    let over = Limit::new(Duration::ZERO, Arc::default());
    let stopped = Limit::new(Duration::MAX, Arc::new(AtomicBool::new(true)));
    for (limit, code) in [(over, ErrorCode::DocumentTimeout), (stopped, ErrorCode::RunInterrupted)] {
        let ended: [Option<Error>; 5] = [
            DocumentStructure::new(&pages, blocks.clone(), &limit).err(),
            find_tables(&pages, &structure.blocks, &structure.units, structure.locale, &limit).err(),
            put_together(&limit).err(),
            audit(&pages, &parts.tables, &parts.sentences, structure.locale, &limit).err(),
            find_anomalies(&pages, &Default::default(), &parts.tables, &[], &limit).err(),
        ];
        for (stage, error) in ended.into_iter().enumerate() {
            assert_eq!(error.map(|error| error.code()), Some(code), "stage {stage}");
        }
        let words = Document { words: &pages, ..Document::default() };
        assert_eq!(features::rows("page", &words, &limit).unwrap(), []);
        assert_eq!(features::rows("page", &words, &none).unwrap().len(), pages.len());
    }
}

/// In the middle of the audit, not only before and after it.
#[test]
fn a_long_audit_ends_soon_after_its_time() {
    let (pages, blocks) = document(Kind::Joined, 30);
    let none = Limit::default();
    let tables =
        find_tables(&pages, &blocks, &Scopes::of(&pages, &blocks), locale_of(&pages), &none).unwrap();
    let worked = |limit: &Limit| {
        let before = processor_seconds();
        let ended = audit(&pages, &tables, &[], locale_of(&pages), limit).err();
        (processor_seconds() - before, ended.map(|error| error.code()))
    };
    let (whole, ended) = worked(&none);
    assert_eq!(ended, None);
    let (part, ended) = worked(&Limit::new(Duration::from_secs_f64(whole / 20.0), Arc::default()));
    assert_eq!(ended, Some(ErrorCode::DocumentTimeout));
    assert!(part < whole / 2.0, "{part:.3} s of {whole:.3} s");
}
