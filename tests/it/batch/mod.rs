//! A batch that cannot be lost: kill -9, disk full, locks, signals, time limits, logs, names, caches.

mod cache;
mod cron;
mod fatal;
mod kill;
mod log;
mod names;
mod output;
mod same_bytes;
mod stale;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::cli::{docproc, files, reports};

/// Analyses by their path below the output folder.
pub type Analyses = Vec<(PathBuf, Vec<u8>)>;

/// The documents of the tests that `make test` runs; the reference is made once.
pub static LAB: LazyLock<Lab> = LazyLock::new(|| Lab::new(12, &["--pages", "1"]));

/// A folder of small documents and what an undisturbed run makes of it.
pub struct Lab {
    pub input: TempDir,
    arguments: &'static [&'static str],
    pub expected: Analyses,
    /// How long the undisturbed run took.
    pub took: Duration,
}

impl Lab {
    /// `count` documents in two folders, analyzed with further arguments.
    pub fn new(count: usize, arguments: &'static [&'static str]) -> Self {
        let input = tempfile::tempdir().unwrap();
        fs::create_dir(input.path().join("deep")).unwrap();
        for number in 0..count {
            let source = ["rotated-page.pdf", "study-excerpt-head-start.pdf"][number % 2];
            let folder = ["", "deep/"][number / 2 % 2];
            fs::copy(reports().join(source), input.path().join(format!("{folder}{number:02}.pdf"))).unwrap();
        }
        let mut lab = Self { input, arguments, expected: Vec::new(), took: Duration::ZERO };
        let out = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let output = lab.analyze(out.path()).output().unwrap();
        lab.took = started.elapsed();
        assert!(output.status.success(), "{}", text(&output.stderr));
        lab.expected = files(out.path());
        assert_eq!(lab.expected.len(), count);
        lab
    }

    /// A run over the folder.
    pub fn analyze(&self, out: &Path) -> Command {
        let mut command = docproc();
        command.arg("analyze").arg(self.input.path()).arg("-o").arg(out).args(["--ocr", "never"]);
        command.args(self.arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end and checks that everything is as after the undisturbed run.
    pub fn finish(&self, out: &Path) -> Output {
        let output = self.analyze(out).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        self.check_whole(out);
        output
    }

    /// The same set of files with the same bytes, and nothing half written anywhere.
    pub fn check_whole(&self, out: &Path) {
        let found = files(out);
        let names = |analyses: &Analyses| analyses.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&self.expected));
        for ((path, expected), (_, bytes)) in self.expected.iter().zip(&found) {
            assert!(expected == bytes, "{} differs", path.display());
        }
        assert_eq!(fs::read_dir(out.join(".docproc/tmp")).unwrap().count(), 0, "leftovers");
    }

    /// Whatever is there is as after the undisturbed run; gives how many analyses that are.
    pub fn check_so_far(&self, out: &Path) -> usize {
        if !out.exists() {
            return 0;
        }
        let found = files(out);
        for (path, bytes) in &found {
            let expected = self.expected.iter().find(|(name, _)| name == path);
            assert!(expected.is_some_and(|(_, expected)| expected == bytes), "{} is wrong", path.display());
        }
        found.len()
    }
}

/// A place for caches with nothing in it but the optimised graphs, which all tests share.
pub fn empty_cache() -> TempDir {
    let graphs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("graphs");
    fs::create_dir_all(&graphs).unwrap();
    let cache = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(graphs, cache.path().join("graphs")).unwrap();
    cache
}

/// Lets a run keep inference results in a cache of its own.
pub fn with_cache<'a>(command: &'a mut Command, cache: &Path) -> &'a mut Command {
    command.env("DOCPROC_CACHE_DIR", cache).env_remove("DOCPROC_DISK_CACHE_SIZE")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until the condition holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    // Long, since the machine may be busy with other things.
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(300), "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to a child.
pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Seeded numbers (SplitMix64; Steele, Lea and Flood, 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A part of `whole`, evenly distributed.
    pub fn part(&mut self, whole: Duration) -> Duration {
        whole.mul_f64((self.next() >> 11) as f64 / (1u64 << 53) as f64)
    }
}
