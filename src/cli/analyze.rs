//! `docproc analyze`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::{Context, anyhow, bail};
use serde_json::json;

use super::args::{AnalyzeArgs, SummaryFormat};
use super::log::{self, Level, tell};
use super::progress::Progress;
use super::report::{self, Wanted};
use super::terminal::{JsonLines, shown};
use super::{EXIT_DOCUMENTS, EXIT_INTERRUPTED, EXIT_TIME_UP, Verbosity, summary};
use crate::config::{Config, FailOn};
use crate::error::{Error, ErrorCode, Result};
use crate::export::{Options, export};
use crate::input::{self, DiscoverOptions, Discovered};
use crate::output::{
    LinesWriter, Manifest, OutputFolder, RunCounts, RunProblem, StopReason, TRACE_NAME, WorkerUse,
    output_paths, write_atomic,
};
use crate::pipeline::{
    Job, Observer, Request, RunOptions, RunReport, Setup, Sink, Stop, run as run_pipeline,
};
use crate::quantize::ensure_variants;

/// Where analyses go when neither `-o` nor `--jsonl` says so.
const DEFAULT_OUTPUT: &str = "out";

/// Runs the batch and gives the exit code.
pub fn run(args: &AnalyzeArgs, verbosity: Verbosity) -> anyhow::Result<ExitCode> {
    let summary = summary_format(args, verbosity)?;
    let config = args.settings.load(|config| {
        config.performance.enable_profiling |= args.profile || args.trace.is_some();
    })?;
    let discovered = discover(args)?;
    let paths =
        output_paths(discovered.inputs.iter().map(|input| (input.path.as_path(), input.relative.as_path())))?;
    let jobs: Vec<Job> =
        discovered.inputs.into_iter().zip(paths).map(|(input, output)| Job { input, output }).collect();
    if verbosity > Verbosity::Quiet {
        for problem in &discovered.problems {
            let message = format!("[{}]: {problem}", problem.code());
            let fields = json!({"code": problem.code(), "file": problem.culprit().file});
            log::say(Level::Warning, "input", &message, &fields);
        }
    }
    if args.dry_run {
        let list: String = jobs.iter().map(|job| format!("{}\n", shown(&job.input.display()))).collect();
        return super::print(&list);
    }
    if jobs.is_empty() {
        let filtered = if args.include.is_empty() && args.exclude.is_empty() {
            ""
        } else {
            " that --include and --exclude leave"
        };
        bail!(
            "no PDF or image{filtered} found in {}; name a file or a folder that has some",
            list(&args.paths)
        );
    }
    if args.tables.is_some() && args.output.is_none() && args.jsonl.is_some() {
        bail!("--tables needs a folder to write to; add -o DIR");
    }
    if args.report && args.output.is_none() && args.jsonl.is_some() {
        bail!("--report needs a folder to write to; add -o DIR");
    }
    if !args.also.is_empty() && args.output.is_none() && args.jsonl.is_some() {
        bail!("--also needs a folder to write to; add -o DIR");
    }
    let pages = args.pages.as_deref().map(str::parse).transpose();
    let pages = pages.map_err(|error| anyhow!("--pages: {error}"))?;
    let passwords = passwords(args.password_file.as_deref())?;
    let request = Request::new(&config, pages, passwords.clone());
    let stop = Arc::new(Stop::new(config.analyze.stop_timeout.0));
    listen(&stop)?;
    let trace = args.trace.as_deref().map(|path| create_new(path).map(|file| (path, file))).transpose()?;
    let folder = match (&args.output, &args.jsonl) {
        (Some(folder), _) => Some(OutputFolder::open(folder)?),
        (None, None) => Some(OutputFolder::open(Path::new(DEFAULT_OUTPUT))?),
        (None, Some(_)) => None,
    };
    let started = (Instant::now(), SystemTime::now());
    let progress = Progress::new(jobs.len(), verbosity, args.no_progress);
    let options = RunOptions {
        request,
        jobs: config.analyze.jobs,
        force: args.force,
        tables: args.tables.is_some(),
        max_runtime: config.analyze.max_runtime.map(|limit| limit.0),
    };
    let work = Work { jobs: &jobs, folder: folder.as_ref(), lines: args.jsonl.as_deref() };
    let (setup, mut report) = work.run(&config, &options, &progress, &stop);
    progress.finish();
    let seconds = started.0.elapsed().as_secs_f64();
    let failure = report.error.take();
    let engine = setup.as_ref().and_then(Setup::started);
    let manifest = Manifest {
        tool: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: log::rfc3339(started.1),
        ended: log::rfc3339(SystemTime::now()),
        seconds: (seconds * 1e3).round() / 1e3,
        stopped: stop.reason().or(failure.is_some().then_some(StopReason::Error)),
        error: failure.as_ref().map(RunProblem::from),
        libraries: setup.as_ref().map(|setup| setup.libraries().clone()).unwrap_or_default(),
        models: setup.as_ref().map(|setup| setup.models().to_vec()).unwrap_or_default(),
        counts: report.counts,
        cache: setup.as_ref().map(Setup::cache_use).unwrap_or_default(),
        workers: engine.map_or_else(WorkerUse::default, |engine| {
            let workers = engine.workers();
            WorkerUse { started: workers.started, lost: workers.lost }
        }),
        problems: discovered.problems.iter().map(RunProblem::from).collect(),
        documents: report.entries,
    };
    let recorded = folder.as_ref().map_or(Ok(()), |folder| folder.write_manifest(&manifest));
    let (Some(setup), None) = (setup, &failure) else {
        if let Err(error) = recorded {
            let message = format!("the manifest is still that of an earlier run: {error}");
            log::say(Level::Warning, "manifest", &message, &json!({"code": error.code()}));
        }
        return Err(failure.map_or_else(|| anyhow!("the run did not begin"), Into::into));
    };
    recorded?;
    let exported = folder.as_ref().filter(|_| !args.also.is_empty()).map(|folder| {
        let options = Options {
            formats: &super::export::formats(&args.also),
            front_matter: false,
            force: args.force,
            stopped: &|| stop.is_requested(),
        };
        export(folder, &options)
    });
    match summary {
        Summary::Text => {
            let place = folder.as_ref().map_or(String::new(), |folder| {
                format!("; analyses in {}", shown(&folder.root().to_string_lossy()))
            });
            log::write(&summary::render(&report.digests, &report.counts, seconds, &place));
            let lost = manifest.workers.lost;
            if lost > 0 {
                let workers =
                    if lost == 1 { "1 page worker".to_owned() } else { format!("{lost} page workers") };
                tell!("{workers} died or had to be killed, and had a successor");
            }
        }
        Summary::Event => {
            let fields = summary::object(&manifest, &report.digests, folder.as_ref().map(OutputFolder::root));
            log::say(Level::Info, "summary", "the run is over", &fields);
        }
        Summary::Object => {
            let object = summary::object(&manifest, &report.digests, folder.as_ref().map(OutputFolder::root));
            super::print(&format!("{}\n", shown(&object.to_string())))?;
        }
        Summary::Nothing => {}
    }
    if let Some(folder) = folder.as_ref().filter(|_| args.report) {
        if stop.reason() == Some(StopReason::Signal) {
            log::say(
                Level::Warning,
                "report",
                "no report was made, because the run was interrupted",
                &json!({}),
            );
        } else {
            let wanted =
                Wanted { pictures: args.page_pictures, documents: None, passwords, force: args.force };
            report::make(folder, &config, wanted, verbosity, &|| stop.reason() == Some(StopReason::Signal))?;
        }
    }
    if config.performance.enable_profiling {
        if log::is_json() {
            log::say(
                Level::Info,
                "profile",
                "where the time went",
                &summary::profile_object(&setup.profile(), setup.buffers()),
            );
        } else {
            log::write(&summary::profile(&setup.profile(), setup.buffers()));
        }
        write_trace(&setup, trace, folder.as_ref())?;
    }
    match exported.transpose() {
        Ok(made) => made.iter().for_each(|made| super::export::tell(made, verbosity)),
        // What stopped the run has been said, and gives the exit code.
        Err(error) if error.code() == ErrorCode::RunInterrupted => {}
        Err(error) => return Err(error.into()),
    }
    Ok(exit_code(&report.counts, discovered.problems.len(), config.analyze.fail_on, stop.reason()))
}

/// What the end of a run prints.
enum Summary {
    Text,
    /// A line of the JSON log.
    Event,
    /// An object on standard output.
    Object,
    Nothing,
}

fn summary_format(args: &AnalyzeArgs, verbosity: Verbosity) -> anyhow::Result<Summary> {
    Ok(match args.summary {
        Some(SummaryFormat::Json) if args.jsonl.as_deref() == Some(Path::new("-")) => {
            bail!(
                "--summary json and --jsonl - both want standard output; write the analyses to a file or a folder"
            )
        }
        Some(SummaryFormat::Text) if log::is_json() => {
            bail!("--summary text does not go into a JSON log; leave it out, or take --summary json")
        }
        Some(SummaryFormat::Json) => Summary::Object,
        Some(SummaryFormat::None) => Summary::Nothing,
        _ if verbosity == Verbosity::Quiet => Summary::Nothing,
        None if log::is_json() => Summary::Event,
        _ => Summary::Text,
    })
}

/// An interrupt comes first, since the user asked for it; then work that is left over, so that a script can go on;
/// then what the documents say.
fn exit_code(counts: &RunCounts, problems: usize, fail_on: FailOn, stopped: Option<StopReason>) -> ExitCode {
    let failed = counts.failed > 0 || problems > 0;
    let bad = match fail_on {
        FailOn::Never => false,
        FailOn::Failed => failed,
        FailOn::Partial => failed || counts.partial > 0,
    };
    match stopped {
        Some(StopReason::Signal) => ExitCode::from(EXIT_INTERRUPTED),
        Some(StopReason::MaxRuntime) if counts.not_reached > 0 => ExitCode::from(EXIT_TIME_UP),
        _ if bad => ExitCode::from(EXIT_DOCUMENTS),
        _ => ExitCode::SUCCESS,
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

/// What is to be done, once the output folder is locked: from here on the manifest says what became of it.
struct Work<'a> {
    jobs: &'a [Job],
    folder: Option<&'a OutputFolder>,
    lines: Option<&'a Path>,
}

impl Work<'_> {
    /// Checks the places of the outputs, finds the models and analyzes. There is no setup where that did not get so far.
    fn run(
        &self,
        config: &Config,
        options: &RunOptions,
        progress: &Progress,
        stop: &Stop,
    ) -> (Option<Setup>, RunReport) {
        let notice = |text: &str| progress.notice(text);
        let prepare = || {
            if let Some(folder) = self.folder {
                folder.refuse_foreign(self.jobs.iter().map(|job| job.output.as_path()))?;
            }
            let lines = self.lines.map(|path| open_lines(path, options.jobs)).transpose()?;
            ensure_variants(config, &|| stop.is_requested(), &notice)?;
            Ok((lines, Setup::find(config, stop.cut_flag(), &mut |text| notice(text))?))
        };
        match prepare() {
            Ok((lines, setup)) => {
                let sink = Sink { folder: self.folder, lines: lines.as_ref() };
                let report = run_pipeline(&setup, self.jobs, &sink, options, progress, stop);
                (Some(setup), report)
            }
            Err(error) => {
                let sink = Sink { folder: self.folder, lines: None };
                (None, RunReport::not_begun(self.jobs, &sink, error))
            }
        }
    }
}

fn open_lines(path: &Path, jobs: usize) -> Result<LinesWriter> {
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(JsonLines::new(io::stdout()))
    } else {
        Box::new(BufWriter::new(create_new(path)?))
    };
    Ok(LinesWriter::new(out, 2 * jobs + 8))
}

/// Makes a file where nothing lies yet, neither a file nor a pipe or a link.
pub(super) fn create_new(path: &Path) -> Result<File> {
    File::create_new(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Error::new(
                ErrorCode::OutputForeign,
                "something lies here, and docproc does not overwrite it",
            )
            .file(path)
            .help("choose another name");
        }
        Error::new(ErrorCode::OutputUnwritable, "cannot make the file").file(path).because(error)
    })
}

/// Writes the spans to the file that `--trace` named, else beside the manifest.
fn write_trace(
    setup: &Setup,
    named: Option<(&Path, File)>,
    folder: Option<&OutputFolder>,
) -> anyhow::Result<()> {
    let path = if let Some((path, file)) = named {
        let mut out = BufWriter::new(file);
        setup
            .write_trace(&mut out)
            .and_then(|()| out.flush())
            .with_context(|| format!("cannot write {}", path.display()))?;
        path.to_owned()
    } else if let Some(folder) = folder {
        let path = folder.root().join(TRACE_NAME);
        write_atomic(&path, |out| setup.write_trace(out))?;
        path
    } else {
        return Ok(());
    };
    let message = format!("spans in {}; open it at ui.perfetto.dev or chrome://tracing", path.display());
    log::say(Level::Info, "trace", &message, &json!({"file": path}));
    Ok(())
}

pub(super) fn passwords(file: Option<&Path>) -> anyhow::Result<Vec<Vec<u8>>> {
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
fn listen(stop: &Arc<Stop>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    let count = AtomicU32::new(0);
    ctrlc::set_handler(move || {
        if count.fetch_add(1, Ordering::Relaxed) > 0 {
            input::exit_at_once(EXIT_INTERRUPTED);
        }
        stop.request(StopReason::Signal);
        let message = format!(
            "stopping after the documents in work, in {} s at the latest; interrupt again to stop at once",
            stop.patience().as_secs()
        );
        log::say(Level::Note, "stopping", &message, &json!({"reason": StopReason::Signal}));
    })
    .context("cannot listen for interrupts")
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if names.is_empty() { "the given list".to_owned() } else { names.join(", ") }
}
