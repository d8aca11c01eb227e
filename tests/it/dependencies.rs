//! The minimum Rust version that Cargo.toml states, against what the dependencies state.
//!
//! Our own use of the standard library is checked by clippy (`incompatible_msrv`), which knows since when a function is
//! there. Neither knows since when the language has a syntax, and a dependency that states nothing, or something untrue,
//! is believed: only a build with the old compiler would prove it.

use std::process::Command;

use serde_json::Value;

fn version(text: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = text
        .split('.')
        .map(|part| part.parse().unwrap_or_else(|_| panic!("{text} is no Rust version")))
        .collect();
    parts.resize(3, 0);
    parts
}

#[test]
fn no_dependency_needs_a_newer_rust_than_we_state() {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &host])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let stated = |package: &Value| package["rust_version"].as_str().map(version);
    let ours = packages.iter().find(|package| package["name"] == "docproc").and_then(stated).unwrap();
    let (mut checked, mut silent, mut newer) = (0, 0, Vec::new());
    for package in packages {
        match stated(package) {
            Some(needed) if needed > ours => {
                newer.push(format!(
                    "{} {} needs Rust {}",
                    package["name"], package["version"], package["rust_version"]
                ));
            }
            Some(_) => checked += 1,
            None => silent += 1,
        }
    }
    assert!(newer.is_empty(), "Cargo.toml states Rust {ours:?}: {newer:#?}");
    assert!(checked > silent, "{checked} of {} packages state a Rust version", packages.len());
}
