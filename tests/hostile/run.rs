//! Runs docproc over a folder of files and checks what must hold whatever they are.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How often the memory of the process tree is looked at.
const TICK: Duration = Duration::from_millis(300);

/// One run to be.
pub struct Run<'a> {
    /// Files that are analyzed, relative to `folder`.
    pub files: Vec<PathBuf>,
    /// Where they lie.
    pub folder: &'a Path,
    /// Further arguments of `docproc analyze`.
    pub arguments: Vec<String>,
    /// Whatever takes longer hangs.
    pub limit: Duration,
    /// Have as many threads and inference sessions as on a machine with so many cores.
    pub cores: Option<usize>,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Documents by status.
    pub statuses: BTreeMap<String, u32>,
    /// Errors by code.
    pub codes: BTreeMap<String, u32>,
    /// First message of each code, with its file.
    pub messages: BTreeMap<String, String>,
    /// Codes of each file.
    pub by_file: BTreeMap<PathBuf, Vec<String>>,
    /// Pages analyzed.
    pub pages: u64,
    /// Page workers that died or had to be killed, and were replaced.
    pub lost: u32,
    /// Largest memory of the process tree (PSS) in bytes.
    pub peak: u64,
    /// Most threads of the main process.
    pub threads: usize,
    /// A hash of the bytes of each file's analysis.
    pub hashes: BTreeMap<PathBuf, u64>,
    /// Memory over the run: seconds, documents finished, bytes.
    pub samples: Vec<(f64, usize, u64)>,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl Run<'_> {
    /// Runs and checks: no crash, no hang, no panic caught, one analysis for each file and nothing else.
    pub fn check(&self) -> Report {
        let out = tempfile::tempdir().unwrap();
        let list = out.path().join("files");
        let errors = out.path().join("errors");
        let analyses = out.path().join("analyses");
        let config = out.path().join("config.yaml");
        let mut text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("neural-config.yaml")).unwrap();
        if let Some(cores) = self.cores {
            text =
                text.replacen("performance:\n", &format!("performance:\n  parallel_inference: {cores}\n"), 1);
            assert!(text.contains("parallel_inference"), "{text}");
        }
        fs::write(&config, text).unwrap();
        let names: Vec<&str> = self.files.iter().map(|file| file.to_str().unwrap()).collect();
        fs::write(&list, names.join("\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_docproc"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DOCPROC_") {
                command.env_remove(name);
            }
        }
        for (variable, library) in
            [("DOCPROC_ONNXRUNTIME", "libonnxruntime.so"), ("DOCPROC_PDFIUM", "libpdfium.so")]
        {
            let given = std::env::var_os(variable).map(PathBuf::from);
            command.env(variable, given.unwrap_or_else(|| root.join("native").join(library)));
        }
        if let Some(cores) = self.cores {
            command.env("RAYON_NUM_THREADS", cores.to_string());
        }
        command
            .current_dir(self.folder)
            .arg("analyze")
            .arg("--files-from")
            .arg(&list)
            .args(["--fail-on", "never", "--no-progress", "--force", "--verbose"])
            .arg("--models-dir")
            .arg(root.join("models"))
            .arg("--config")
            .arg(&config)
            .args(&self.arguments)
            .arg("-o")
            .arg(&analyses)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors).unwrap());
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut report = Report::default();
        let done = || fs::read_to_string(&errors).unwrap_or_default().matches(" pages in ").count();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > self.limit {
                child.kill().unwrap();
                panic!("docproc hangs:\n{}", fs::read_to_string(&errors).unwrap());
            }
            let memory = tree_memory(child.id());
            report.peak = report.peak.max(memory);
            let threads = fs::read_dir(format!("/proc/{}/task", child.id())).map_or(0, Iterator::count);
            report.threads = report.threads.max(threads);
            report.samples.push((started.elapsed().as_secs_f64(), done(), memory));
            std::thread::sleep(TICK);
        };
        report.seconds = started.elapsed().as_secs_f64();
        let said = fs::read_to_string(&errors).unwrap();
        assert_eq!(status.code(), Some(0), "{status}\n{said}");
        assert!(!said.contains("panicked"), "{said}");
        report.lost = lost(&said);
        for file in &self.files {
            report.add(file, &analyses);
        }
        assert_eq!(count_files(&analyses), self.files.len() + 1, "analyses and the manifest, nothing else");
        report
    }
}

impl Report {
    fn add(&mut self, file: &Path, analyses: &Path) {
        let mut name = file.as_os_str().to_owned();
        name.push(".json");
        let bytes = fs::read(analyses.join(&name))
            .unwrap_or_else(|error| panic!("{} has no analysis: {error}", file.display()));
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        self.hashes.insert(file.to_owned(), hasher.finish());
        let analysis: Value =
            serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let status = analysis["status"].as_str().unwrap();
        *self.statuses.entry(status.to_owned()).or_default() += 1;
        let pages = analysis["pages"].as_array().unwrap().len();
        self.pages += pages as u64;
        let errors = analysis["errors"].as_array().unwrap();
        match status {
            "ok" => {}
            "partial" => assert!(pages > 0 && !errors.is_empty(), "{}", file.display()),
            "failed" => assert!(pages == 0 && !errors.is_empty(), "{}", file.display()),
            other => panic!("{}: {other}", file.display()),
        }
        let codes = self.by_file.entry(file.to_owned()).or_default();
        for error in errors {
            let code = error["code"].as_str().unwrap();
            assert_ne!(code, "internal", "{}: {error}", file.display());
            *self.codes.entry(code.to_owned()).or_default() += 1;
            self.messages
                .entry(code.to_owned())
                .or_insert_with(|| format!("{}: {}", file.display(), error["message"].as_str().unwrap()));
            codes.push(code.to_owned());
        }
    }

    /// Adds another run to this one.
    pub fn merge(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (code, count) in other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        for (code, message) in other.messages {
            self.messages.entry(code).or_insert(message);
        }
        self.by_file.extend(other.by_file);
        self.pages += other.pages;
        self.lost += other.lost;
        self.peak = self.peak.max(other.peak);
        self.threads = self.threads.max(other.threads);
        self.hashes.extend(other.hashes);
        self.seconds += other.seconds;
    }

    /// The figures as text.
    pub fn summary(&self, what: &str) -> String {
        let mut text = format!(
            "{what}: {} files, {} pages in {:.0} s; statuses {:?}; {} page workers lost and replaced; peak {} MiB\n",
            self.by_file.len(),
            self.pages,
            self.seconds,
            self.statuses,
            self.lost,
            self.peak >> 20,
        );
        for (code, count) in &self.codes {
            text.push_str(&format!("    {count:>6} {code:<28} {}\n", self.messages[code]));
        }
        text
    }
}

/// Reads the documents as on a machine of 64 cores, one and 64 at a time, and checks that the bytes are the same, that
/// memory stays below `limit`, and that there are no more threads than a document, a page worker and a core have each.
pub fn many_cores(folder: &Path, files: &[PathBuf], limit: u64, arguments: &[&str]) -> Report {
    const CORES: usize = 64;
    /// Main thread, signals, time limits, progress, the cache on disk.
    const FURTHER: usize = 8;
    let limit_text = limit.to_string();
    let run = |jobs: &str, cores| {
        let arguments = [&["--jobs", jobs, "--mem-limit", &limit_text], arguments].concat();
        let run = Run {
            files: files.to_vec(),
            folder,
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            limit: Duration::from_secs(2 * 3600),
            cores,
        };
        run.check()
    };
    let alone = run("1", None);
    let together = run("64", Some(CORES));
    assert_eq!(alone.hashes, together.hashes);
    assert_eq!(together.statuses.keys().collect::<Vec<_>>(), ["ok"]);
    assert!(together.peak <= limit, "{} bytes, more than the limit of {limit}", together.peak);
    let allowed = 2 * CORES.min(files.len()) + CORES + FURTHER;
    assert!(together.threads <= allowed, "{} threads, more than {allowed}", together.threads);
    together
}

/// Page workers that were lost, as the run's summary says.
fn lost(said: &str) -> u32 {
    said.lines()
        .find_map(|line| {
            line.split_once(" page worker").filter(|(_, after)| after.contains(" died or had to be killed"))
        })
        .and_then(|(before, _)| before.split_whitespace().last()?.parse().ok())
        .unwrap_or(0)
}

fn count_files(root: &Path) -> usize {
    fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != ".docproc"))
        .map(|path| if path.is_dir() { count_files(&path) } else { 1 })
        .sum()
}

/// Memory of a process and all below it, shared pages counted once (PSS), in bytes.
fn tree_memory(root: u32) -> u64 {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // The name in parentheses may hold anything; the state and the parent follow the last one.
        let parent = fs::read_to_string(entry.path().join("stat"))
            .ok()
            .and_then(|stat| stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
    }
    let below = |mut id: u32| {
        (0..16).any(|_| {
            let found = id == root;
            id = parents.get(&id).copied().unwrap_or(0);
            found
        })
    };
    let tree: Vec<u32> = parents.keys().copied().filter(|id| below(*id)).collect();
    tree.iter()
        .filter_map(|id| fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok())
        .filter_map(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?.trim();
            line.strip_suffix("kB")?.trim().parse::<u64>().ok()
        })
        .sum::<u64>()
        * 1024
}
