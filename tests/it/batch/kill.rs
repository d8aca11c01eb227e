//! `kill -9` at random moments, of the run and of its page workers: run again, and everything is as if undisturbed.

use std::fs;
use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::{LAB, Lab, Random, empty_cache, text, with_cache};

/// What a series of killed runs saw.
#[derive(Debug, Default)]
struct Tally {
    /// Runs killed before their end.
    runs_killed: usize,
    /// Page workers killed.
    workers_killed: usize,
    /// Runs killed when some analyses were written and others not.
    in_the_middle: usize,
    files_compared: usize,
    bytes_compared: usize,
}

#[test]
fn a_killed_run_goes_on_exactly() {
    let tally = disturb(&LAB, 3, 1, None);
    assert!(tally.runs_killed > 0 && tally.bytes_compared > 0, "{tally:?}");
}

#[test]
#[ignore = "minutes; `make soak-kill`"]
fn runs_killed_at_many_moments_go_on_exactly() {
    let lab = Lab::new(16, &[]);
    let without = disturb(&lab, 40, 2, None);
    println!("without the cache on disk: {without:#?}");
    let with = disturb(&lab, 40, 3, Some(empty_cache().path()));
    println!("with it: {with:#?}");
    assert!(
        without.runs_killed + with.runs_killed >= 50,
        "too few runs were alive when they were to be killed"
    );
    assert!(without.workers_killed + with.workers_killed >= 10);
    assert!(without.in_the_middle + with.in_the_middle >= 15);
}

/// Disturbs `rounds` runs: two thirds are killed, some of those again when they go on; of the rest the page workers.
fn disturb(lab: &Lab, rounds: usize, seed: u64, cache: Option<&Path>) -> Tally {
    let mut random = Random(seed);
    let mut tally = Tally::default();
    // With a warm cache a run is much shorter, and moments drawn from the long one would come after its end.
    let took = match cache {
        None => lab.took,
        Some(cache) => {
            let timed = || {
                let out = tempfile::tempdir().unwrap();
                let begun = std::time::Instant::now();
                assert!(with_cache(&mut lab.analyze(out.path()), cache).output().unwrap().status.success());
                begun.elapsed()
            };
            timed();
            timed()
        }
    };
    for round in 0..rounds {
        let out = tempfile::tempdir().unwrap();
        let start = || {
            let mut command = lab.analyze(out.path());
            match cache {
                Some(cache) => with_cache(&mut command, cache).spawn().unwrap(),
                None => command.spawn().unwrap(),
            }
        };
        if round % 3 == 2 {
            let child = start();
            for _ in 0..1 + random.next() % 4 {
                std::thread::sleep(random.part(took / 2));
                tally.workers_killed += usize::from(kill_a_worker(&child, random.next()));
            }
            let output = child.wait_with_output().unwrap();
            // A document that lost its page twice is partial; the next run tries it again.
            assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output.stderr));
        } else {
            for _ in 0..1 + random.next() % 2 {
                let mut child = start();
                std::thread::sleep(random.part(took));
                if child.try_wait().unwrap().is_none() {
                    child.kill().unwrap();
                    tally.runs_killed += 1;
                }
                child.wait().unwrap();
                let there = lab.check_so_far(out.path());
                tally.in_the_middle += usize::from(there > 0 && there < lab.expected.len());
            }
        }
        lab.finish(out.path());
        tally.files_compared += lab.expected.len();
        tally.bytes_compared += lab.expected.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    }
    tally
}

/// Kills one of the page workers, if there are any.
fn kill_a_worker(parent: &Child, choice: u64) -> bool {
    let children = children(parent.id());
    let Some(index) = choice.checked_rem(children.len() as u64) else { return false };
    let Some(pid) = Pid::from_raw(children[index as usize]) else { return false };
    kill_process(pid, Signal::KILL).is_ok()
}

fn children(parent: u32) -> Vec<i32> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
        // The thread may have ended meanwhile.
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    found
}

#[test]
fn workers_killed_all_the_time_cost_pages_with_their_reason_and_never_the_run() {
    let out = tempfile::tempdir().unwrap();
    let mut child = LAB.analyze(out.path()).spawn().unwrap();
    // A first worker that cannot even start ends a run: then no page could be read. From here on workers are replaced.
    super::wait_until("an analysis is written", || LAB.check_so_far(out.path()) > 0);
    let mut killed = 0_u64;
    while killed < 60 && child.try_wait().unwrap().is_none() {
        killed += u64::from(kill_a_worker(&child, killed));
        std::thread::sleep(std::time::Duration::from_millis(8));
    }
    let output = child.wait_with_output().unwrap();
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(out.path().join("manifest.json")).unwrap()).unwrap();
    let lost = manifest["workers"]["lost"].as_u64().unwrap();
    assert!(lost > 0 && lost <= killed, "{killed} killed: {manifest}");
    let mut whole = true;
    assert_eq!(manifest["documents"].as_array().unwrap().len(), LAB.expected.len());
    for document in manifest["documents"].as_array().unwrap() {
        let file = out.path().join(document["output"].as_str().unwrap());
        let analysis: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(analysis["status"], document["status"]);
        let crashed = document["codes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|code| code == "worker.crashed" || code == "worker.start");
        assert_eq!(analysis["status"] != "ok", crashed, "{document}");
        whole &= !crashed;
    }
    assert_eq!(output.status.code(), Some(i32::from(!whole)), "{}", text(&output.stderr));
    LAB.finish(out.path());
}

#[test]
fn killing_the_run_ends_its_workers() {
    let out = tempfile::tempdir().unwrap();
    let mut child = LAB.analyze(out.path()).spawn().unwrap();
    let mut workers = Vec::new();
    super::wait_until("there are workers", || {
        workers = children(child.id());
        !workers.is_empty()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    super::wait_until("the workers are gone", || {
        workers.iter().all(|pid| {
            // A zombie that waits for its reaper has ended.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        })
    });
}
