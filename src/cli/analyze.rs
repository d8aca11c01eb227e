//! `docproc analyze`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};

use super::args::AnalyzeArgs;
use super::progress::Progress;
use super::{Color, EXIT_DOCUMENTS, EXIT_INTERRUPTED, Verbosity, paint, summary};
use crate::config::{Config, FailOn};
use crate::input::{self, DiscoverOptions, Discovered};
use crate::output::{LinesWriter, Manifest, OutputFolder, RunCounts, output_paths};
use crate::pipeline::{Engine, Job, Observer, RunOptions, Sink, run as run_pipeline};
use crate::quantize::ensure_variants;

/// Where analyses go when neither `-o` nor `--jsonl` says so.
const DEFAULT_OUTPUT: &str = "out";

/// Runs the batch and gives the exit code.
pub fn run(args: &AnalyzeArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.overrides())?;
    let discovered = discover(args)?;
    let paths =
        output_paths(discovered.inputs.iter().map(|input| (input.path.as_path(), input.relative.as_path())))?;
    let jobs: Vec<Job> =
        discovered.inputs.into_iter().zip(paths).map(|(input, output)| Job { input, output }).collect();
    if verbosity > Verbosity::Quiet {
        for problem in &discovered.problems {
            eprintln!("{}: [{}]: {problem}", paint("warning", Color::Yellow), problem.code());
        }
    }
    if args.dry_run {
        let list: String = jobs.iter().map(|job| format!("{}\n", job.input.display())).collect();
        return super::print(&list);
    }
    if jobs.is_empty() {
        bail!("no PDF or image found in {}; name a file or a folder that has some", list(&args.paths));
    }
    if args.tables.is_some() && args.output.is_none() && args.jsonl.is_some() {
        bail!("--tables needs a folder to write to; add -o DIR");
    }
    let interrupts = Interrupts::listen()?;
    let folder = match (&args.output, &args.jsonl) {
        (Some(folder), _) => Some(OutputFolder::open(folder)?),
        (None, None) => Some(OutputFolder::open(Path::new(DEFAULT_OUTPUT))?),
        (None, Some(_)) => None,
    };
    let lines = args.jsonl.as_deref().map(|path| open_lines(path, config.analyze.jobs)).transpose()?;

    let started = (Instant::now(), SystemTime::now());
    let progress = Progress::new(jobs.len(), verbosity, args.no_progress);
    ensure_variants(&config, &|text| progress.notice(text))?;
    let engine = Engine::start(&config, &mut |text| progress.notice(text))?;
    let options = RunOptions {
        request: engine.request(
            &config,
            args.pages
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(anyhow::Error::msg)
                .context("--pages")?,
            passwords(args.password_file.as_deref())?,
        ),
        jobs: config.analyze.jobs,
        force: args.force,
        tables: args.tables.is_some(),
    };
    let sink = Sink { folder: folder.as_ref(), lines: lines.as_ref() };
    let result = run_pipeline(&engine, &jobs, &sink, &options, &progress, &interrupts.stop);
    progress.finish();
    let report = result?;
    let seconds = started.0.elapsed().as_secs_f64();
    let interrupted = interrupts.count.load(Ordering::Relaxed) > 0;

    if let Some(folder) = &folder {
        Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_unix: unix(started.1),
            ended_unix: unix(SystemTime::now()),
            interrupted,
            libraries: BTreeMap::from([("onnxruntime".to_owned(), engine.runtime_version().to_owned())]),
            models: engine.models().to_vec(),
            counts: report.counts,
            documents: report.entries,
        }
        .write(folder.root())?;
    }
    if verbosity > Verbosity::Quiet {
        let place = folder
            .as_ref()
            .map_or(String::new(), |folder| format!("; analyses in {}", folder.root().display()));
        eprint!("{}", summary::render(&report.digests, &report.counts, seconds, &place));
    }
    if config.performance.enable_profiling {
        eprint!("{}", summary::profile(&engine.profile()));
    }
    Ok(exit_code(&report.counts, discovered.problems.len(), config.analyze.fail_on, interrupted))
}

fn exit_code(counts: &RunCounts, problems: usize, fail_on: FailOn, interrupted: bool) -> ExitCode {
    let failed = counts.failed > 0 || problems > 0;
    let bad = match fail_on {
        FailOn::Never => false,
        FailOn::Failed => failed,
        FailOn::Partial => failed || counts.partial > 0,
    };
    if interrupted {
        ExitCode::from(EXIT_INTERRUPTED)
    } else if bad {
        ExitCode::from(EXIT_DOCUMENTS)
    } else {
        ExitCode::SUCCESS
    }
}

fn discover(args: &AnalyzeArgs) -> anyhow::Result<Discovered> {
    let mut paths = args.paths.clone();
    if let Some(file) = &args.files_from {
        let mut bytes = Vec::new();
        if file == Path::new("-") {
            if paths.iter().any(|path| path == Path::new("-")) {
                bail!("standard input cannot be both a document (`-`) and the list of --files-from");
            }
            io::stdin().lock().read_to_end(&mut bytes).context("cannot read the list from standard input")?;
        } else {
            File::open(file)
                .and_then(|mut file| file.read_to_end(&mut bytes))
                .with_context(|| format!("cannot read the list {}", file.display()))?;
        }
        paths.extend(input::parse_file_list(&bytes));
    }
    let options = DiscoverOptions { include: args.include.clone(), exclude: args.exclude.clone() };
    Ok(input::discover(&paths, &options)?)
}

fn open_lines(path: &Path, jobs: usize) -> anyhow::Result<LinesWriter> {
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stdout())
    } else {
        let file = File::create_new(path).with_context(|| {
            format!("cannot make {}; docproc does not overwrite it, choose another name", path.display())
        })?;
        Box::new(BufWriter::new(file))
    };
    Ok(LinesWriter::new(out, 2 * jobs + 8))
}

fn passwords(file: Option<&Path>) -> anyhow::Result<Vec<Vec<u8>>> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let bytes =
        std::fs::read(file).with_context(|| format!("cannot read the password file {}", file.display()))?;
    Ok(bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .filter(|line| !line.is_empty())
        .collect())
}

/// SIGINT and SIGTERM: the first lets documents in work finish, the second ends the process.
struct Interrupts {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU32>,
}

impl Interrupts {
    fn listen() -> anyhow::Result<Self> {
        let interrupts = Self { stop: Arc::default(), count: Arc::default() };
        let (stop, count) = (Arc::clone(&interrupts.stop), Arc::clone(&interrupts.count));
        ctrlc::set_handler(move || {
            stop.store(true, Ordering::Relaxed);
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                eprintln!("stopping after the documents in work; interrupt again to stop at once");
            } else {
                std::process::exit(i32::from(EXIT_INTERRUPTED));
            }
        })
        .context("cannot listen for interrupts")?;
        Ok(interrupts)
    }
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |duration| duration.as_secs())
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if names.is_empty() { "the given list".to_owned() } else { names.join(", ") }
}
