//! A room may import only rooms listed above it.

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
    &["pipeline"],
    &["evaluation"],
    &["quantize"],
    &["bench"],
    &["cli"],
];

/// Crates that only one room may name.
const OWNED: &[(&str, &str)] = &[("ort::", "runtime"), ("pdfium_render", "input"), ("ruv_fann", "scoring")];

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

#[test]
fn imports_go_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut imports = 0;
    for file in files {
        let relative = file.strip_prefix(&source).unwrap();
        let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let code: String = fs::read_to_string(&file)
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for part in code.split("crate::").skip(1) {
            let other: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if other.is_empty() || other == room || !ORDER.iter().any(|rooms| rooms.contains(&other.as_str()))
            {
                continue;
            }
            imports += 1;
            assert!(
                level(&other) < level(room),
                "{} imports `{other}`, which is not below `{room}`",
                relative.display()
            );
        }
        for (name, owner) in OWNED {
            let names_it = code
                .match_indices(name)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            assert!(
                room == *owner || !names_it,
                "{} names {name}, which only `{owner}` may",
                relative.display()
            );
        }
    }
    assert!(imports > 20, "the check found almost no imports: it looks in the wrong place");
}
