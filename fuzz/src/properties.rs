//! The fuzz targets' entry points in every test run: on their seeds, on damaged seeds, and on arbitrary bytes.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::entry;

const TARGETS: &[(&str, fn(&[u8]) -> bool)] = &[
    ("protocol", entry::protocol),
    ("segment", entry::segment),
    ("tsv", entry::tsv),
    ("tiff", entry::tiff),
    ("image", entry::image),
    ("resolution", entry::resolution),
    ("config", entry::config),
    ("network_file", entry::network_file),
    ("libfann", entry::libfann),
    ("ruv_json", entry::ruv_json),
    ("disk_cache", entry::disk_cache),
    ("onnx", entry::onnx),
    ("npy", entry::npy),
    ("journal", entry::journal),
];

/// What can be done to a seed: replace, remove, insert, cut.
#[derive(Clone, Debug)]
enum Damage {
    Set(u8),
    Remove(usize),
    Insert(Vec<u8>),
    Cut,
}

fn damage() -> impl Strategy<Value = (f64, Damage)> {
    let kind = prop_oneof![
        4 => any::<u8>().prop_map(Damage::Set),
        1 => (1usize..40).prop_map(Damage::Remove),
        2 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Damage::Insert),
        1 => Just(Damage::Cut),
    ];
    (0.0..1.0, kind)
}

fn apply(bytes: &mut Vec<u8>, at: f64, damage: &Damage) {
    let at = (at * bytes.len() as f64) as usize;
    match damage {
        Damage::Set(byte) => {
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        Damage::Remove(count) => {
            let end = (at + count).min(bytes.len());
            bytes.drain(at..end);
        }
        Damage::Insert(more) => drop(bytes.splice(at..at, more.iter().copied())),
        Damage::Cut => bytes.truncate(at),
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_target_has_seeds_and_reads_them() {
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        let accepted = seeds.iter().filter(|seed| run(seed)).count();
        assert!(
            2 * accepted >= seeds.len() && accepted > 0,
            "{name}: {accepted} of {} accepted",
            seeds.len()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn damaged_seeds_are_read_or_refused(
        which in any::<prop::sample::Index>(), damages in prop::collection::vec(damage(), 1..6),
    ) {
        for (name, run) in TARGETS {
            let seeds = seeds(name);
            let mut bytes = which.get(&seeds).clone();
            damages.iter().for_each(|(at, damage)| apply(&mut bytes, *at, damage));
            run(&bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        TARGETS.iter().for_each(|(_, run)| _ = run(&bytes));
    }
}
