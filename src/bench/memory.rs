//! Peak memory of a process and all its descendants.
//!
//! Every workload is run once more in a fresh process of the same executable, so that peaks do not mix. Memory is
//! the proportional set size (PSS): pages that several processes share, such as a document in work, count once.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// Time between two looks.
const TICK: Duration = Duration::from_millis(20);

/// Waits for `child` and gives the highest memory in bytes that it and its descendants had at any look, and how it
/// ended.
///
/// # Errors
/// Of waiting for the child.
pub fn watch(child: &mut Child) -> std::io::Result<(u64, ExitStatus)> {
    let mut peak = 0;
    loop {
        peak = peak.max(tree(child.id()));
        if let Some(status) = child.try_wait()? {
            return Ok((peak, status));
        }
        std::thread::sleep(TICK);
    }
}

/// Bytes of a process and its descendants now.
fn tree(root: u32) -> u64 {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
            && let Some(parent) = parent(process)
        {
            children.entry(parent).or_default().push(process);
        }
    }
    let (mut total, mut waiting) = (0, vec![root]);
    while let Some(process) = waiting.pop() {
        total += memory(process);
        waiting.extend(children.remove(&process).into_iter().flatten());
    }
    total
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Bytes of one process: PSS, or the resident set where the kernel does not tell it; 0 when it is gone.
fn memory(process: u32) -> u64 {
    let kilobytes = |file: &str, key: &str| {
        let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:")).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_descendants_memory_counts() {
        // The shell's child holds about 50 MB for a moment.
        let script = "head -c 50000000 /dev/zero | tail -c 50000000 | (sleep 0.3; wc -c >/dev/null); true";
        let mut child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let (peak, status) = watch(&mut child).unwrap();
        assert!(status.success());
        assert!((45_000_000..200_000_000).contains(&peak), "{peak}");
    }
}
