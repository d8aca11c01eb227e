//! A room may import only rooms listed above it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up; those of one line may not import each other.
const ORDER: &[&[&str]] = &[
    &["error"],
    &["limit"],
    &["document"],
    &["config"],
    &["input", "tokenize"],
    &["runtime"],
    &["inference"],
    &["structure"],
    &["scoring"],
    &["output"],
    &["report"],
    &["export"],
    &["pipeline"],
    &["search"],
    &["evaluation"],
    &["quantize"],
    &["bench"],
    &["cli"],
];

/// Crates that only one room may name.
const OWNED: &[(&str, &str)] = &[
    ("anyhow", "cli"),
    ("clap", "cli"),
    ("maud", "report"),
    ("ort", "runtime"),
    ("parquet", "export"),
    ("pdfium_render", "input"),
    ("rust_xlsxwriter", "export"),
    ("tokenizers", "tokenize"),
];

/// Rooms below `cli` that share its types with clap: settings that are flags, too.
const SHARED: &[(&str, &str)] = &[("clap", "config")];

/// Rooms that take data and return data.
const PURE: &[&str] = &["document", "inference", "structure", "scoring"];

/// What reaches outside of the process.
const OUTSIDE: &[&str] = &["std::fs", "std::net", "std::process", "std::env", "File::open", "io::stdin"];

fn level(room: &str) -> usize {
    ORDER
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("room `{room}` is not in the order of rooms: add it to tests/it/rooms.rs"))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The code of a file without comments and without its tests, which may read fixtures.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Names of the modules that are compiled for tests only.
fn test_modules(files: &[PathBuf]) -> BTreeSet<String> {
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let names = |text: String| -> Vec<String> {
        let after = text.split("#[cfg(test)]\n").skip(1);
        after.filter_map(|text| Some(text.split_once("mod ")?.1.split_once(';')?.0.to_owned())).collect()
    };
    texts.flat_map(names).collect()
}

/// The rooms that a file imports: `crate::room` and `crate::{room, other::thing}`.
fn imported(code: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    };
    let mut rooms = Vec::new();
    for part in code.split("crate::").skip(1) {
        let Some(group) = part.strip_prefix('{') else {
            rooms.push(name(part));
            continue;
        };
        rooms.push(name(group));
        let mut depth = 0;
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => rooms.push(name(&group[at + 1..])),
                _ => {}
            }
        }
    }
    rooms.retain(|room| ORDER.iter().any(|rooms| rooms.contains(&room.as_str())));
    rooms
}

/// Whether the code names a crate as the beginning of a path.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::"))
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

#[test]
fn groups_of_imports_are_seen() {
    let code = "use crate::{config::{Config, Model}, cli, error::Error};\nlet x = crate::runtime::Y;";
    assert_eq!(imported(code), ["config", "cli", "error", "runtime"]);
    assert!(names_crate("use ort::Session;", "ort") && !names_crate("report::x", "ort"));
}

#[test]
fn imports_go_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let tests = test_modules(&files);
    let mut imports = 0;
    for file in files.iter().filter(|file| !tests.contains(file.file_stem().unwrap().to_str().unwrap())) {
        let relative = file.strip_prefix(&source).unwrap();
        let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let code = code(file);
        let shown = relative.display();
        for other in imported(&code).iter().filter(|other| *other != room) {
            imports += 1;
            assert!(level(other) < level(room), "{shown} imports `{other}`, which is not below `{room}`");
        }
        for (name, owner) in OWNED {
            let may = room == *owner || SHARED.contains(&(*name, room));
            assert!(may || !names_crate(&code, name), "{shown} names {name}, which only `{owner}` may");
        }
        for outside in OUTSIDE {
            assert!(!PURE.contains(&room) || !code.contains(outside), "{shown} uses {outside}");
        }
    }
    assert!(imports > 300, "the check found almost no imports: it looks in the wrong place");
}
