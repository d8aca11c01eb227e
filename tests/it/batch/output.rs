//! An output folder that is full, read-only, gone, locked or somebody else's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use predicates::prelude::*;

use super::super::cli::{docproc, files};
use super::{LAB, text, wait_until};

/// The command as a shell runs it after `before`, in namespaces of its own if `unshared`.
pub fn in_shell(command: &Command, before: &str, unshared: bool) -> Command {
    let mut shell = if unshared {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh"]);
        unshare
    } else {
        Command::new("sh")
    };
    shell.arg("-c").arg(format!("{before}\n\"$@\"")).arg("sh").arg(command.get_program());
    shell.args(command.get_args()).current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

fn can_mount() -> bool {
    Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output()
        .is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_ends_the_run_clearly_and_corrupts_nothing() {
    let total: usize = LAB.expected.iter().map(|(_, bytes)| bytes.len()).sum();
    let out = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let command = LAB.analyze(out.path());
    let output = if can_mount() {
        // A disk of half the size that is needed, copied away before it goes with its namespace.
        let before = format!(
            "mount -t tmpfs -o size={} none '{out}' && trap 'cp -a \"{out}/.\" \"{kept}\"' EXIT",
            total / 2,
            out = out.path().display(),
            kept = kept.path().display()
        );
        in_shell(&command, &before, true).output().unwrap()
    } else {
        // No file may become as large as the largest analysis; the signal that goes with it is ignored.
        let largest = LAB.expected.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        let mut shell = in_shell(&command, &format!("trap '' XFSZ; ulimit -f {}", largest / 512 - 1), false);
        let output = shell.output().unwrap();
        assert!(
            Command::new("cp")
                .arg("-a")
                .arg(out.path().join("."))
                .arg(kept.path())
                .status()
                .unwrap()
                .success()
        );
        output
    };
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("output.unwritable") && message.contains("check space"), "{message}");
    assert!(LAB.check_so_far(kept.path()) < LAB.expected.len());
    LAB.finish(kept.path());
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_any_work() {
    // Not even the superuser can make folders here.
    docproc()
        .args(["analyze", "fixtures/reports", "-o", "/proc/docproc-out"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("output.unwritable").and(predicate::str::contains("-o")));
}

#[test]
fn a_folder_on_a_read_only_disk_is_refused_with_mounts() {
    let out = tempfile::tempdir().unwrap();
    let mut command = docproc();
    command.args(["analyze", "fixtures/reports", "-o"]).arg(out.path());
    let before = format!("mount -t tmpfs -o ro none '{}'", out.path().display());
    in_shell(&command, &before, true)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("output.unwritable").and(predicate::str::contains("Read-only")));
}

#[test]
fn an_output_folder_that_is_taken_away_is_not_filled_again() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let child = LAB.analyze(&out).spawn().unwrap();
    wait_until("there is an analysis", || out.exists() && !files(&out).is_empty());
    fs::rename(&out, place.path().join("away")).unwrap();
    let output = child.wait_with_output().unwrap();
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("removed or replaced"), "{message}");
    assert!(!out.exists());
    LAB.check_so_far(&place.path().join("away"));
    LAB.finish(&place.path().join("away"));
}

#[test]
fn files_that_are_not_docprocs_are_not_written_over() {
    let out = tempfile::tempdir().unwrap();
    let mine = out.path().join("00.pdf.json");
    fs::write(&mine, "{\"notes\": \"mine\"}").unwrap();
    let refuse = |out: &Path, name: &str| {
        LAB.analyze(out)
            .assert()
            .code(2)
            .stderr(predicate::str::contains("output.foreign").and(predicate::str::contains(name)));
    };
    refuse(out.path(), "00.pdf.json");
    assert_eq!(fs::read(&mine).unwrap(), b"{\"notes\": \"mine\"}");
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("manifest.json"), "{}").unwrap();
    refuse(other.path(), "manifest.json");
    // Without its journal an analysis is still known for one, and made anew.
    fs::remove_file(&mine).unwrap();
    LAB.finish(out.path());
    fs::remove_file(out.path().join(".docproc/journal.jsonl")).unwrap();
    LAB.finish(out.path());
}

#[test]
fn what_is_written_has_the_permissions_that_the_umask_leaves() {
    for (umask, expected) in [("077", 0o600), ("027", 0o640), ("022", 0o644)] {
        let place = tempfile::tempdir().unwrap();
        let (out, file) = (place.path().join("out"), |name: &str| place.path().join(name));
        let mut command = docproc();
        command.args([
            "analyze",
            "fixtures/reports/earnings-release-8k-buckle-2024.pdf",
            "--ocr",
            "never",
            "--tables",
            "csv",
        ]);
        command.arg("--jsonl").arg(file("lines")).args(["--profile", "-o"]).arg(&out);
        let output = in_shell(&command, &format!("umask {umask}"), false).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        command.args(["--force", "--trace"]).arg(file("trace"));
        let mut again = in_shell(&command, &format!("umask {umask}"), false);
        assert_eq!(again.status().unwrap().code(), Some(2), "the lines are there already");
        let mut checked = 0;
        let mut places = vec![place.path().to_owned()];
        while let Some(path) = places.pop() {
            let data = fs::symlink_metadata(&path).unwrap();
            if data.is_dir() {
                places.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                assert_eq!(data.permissions().mode() & 0o777, expected, "{} at {umask}", path.display());
                checked += 1;
            }
        }
        // Analysis, tables, manifest, both traces, lines, lock and journal.
        assert!(checked >= 8, "{checked}");
    }
}

#[test]
fn what_is_no_file_in_an_outputs_place_is_refused_at_once() {
    let input = "fixtures/reports/rotated-page.pdf";
    for place in [
        format!("{input}.json"),
        "manifest.json".to_owned(),
        ".docproc/lock".to_owned(),
        ".docproc/journal.jsonl".to_owned(),
        "fixtures/reports/rotated-page.pdf.tables/00-p1.csv".to_owned(),
    ] {
        for kind in ["pipe", "folder", "symbolic link", "socket"] {
            let out = tempfile::tempdir().unwrap();
            let path = out.path().join(&place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _socket;
            match kind {
                "pipe" => make_pipe(&path),
                "folder" => fs::create_dir(&path).unwrap(),
                "socket" => _socket = std::os::unix::net::UnixListener::bind(&path).unwrap(),
                _ => std::os::unix::fs::symlink("nowhere", &path).unwrap(),
            }
            let mut command = Command::new("timeout");
            let run = docproc();
            command.arg("120").arg(run.get_program()).args(["analyze", input, "--ocr", "never", "-o"]);
            let output = command.arg(out.path()).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{kind} at {place}: {said}");
            assert!(said.contains("output.foreign") && said.contains(kind), "{kind} at {place}: {said}");
            assert!(fs::symlink_metadata(&path).is_ok() && !path.is_file(), "{kind} at {place}");
        }
    }
    let place = tempfile::tempdir().unwrap();
    let pipe = place.path().join("pipe");
    make_pipe(&pipe);
    for flag in ["--jsonl", "--trace"] {
        let mut command = docproc();
        command
            .args(["analyze", input, "--profile", "-o"])
            .arg(place.path().join("out"))
            .arg(flag)
            .arg(&pipe);
        command.assert().code(2).stderr(predicate::str::contains("output.foreign"));
    }
}

fn make_pipe(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}
