//! Arguments as typed. They stop here: the rest of the program gets a [`crate::config::Config`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::bench::BenchArgs;
use super::log::LogFormat;
use super::quantize_args::QuantizeArgs;
pub use super::train_args::{FeaturesArgs, TrainArgs};
use crate::config::{ByteSize, FailOn, OcrPolicy, Overrides, SandboxMode, parse_duration};

/// Batch analyzer for financial documents
///
/// Reads PDFs and page images and writes one JSON analysis per document: layout, sections, sentiment, entities,
/// figures, tables and scores, each with page, box, text, model and confidence. Works offline.
#[derive(Debug, Parser)]
#[command(name = "docproc", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Say less: only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Say more
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Analyze documents and folders of documents
    Analyze(Box<AnalyzeArgs>),
    /// Print what the page reader sees: words, rulings and images, one JSON object per page
    Pages(PagesArgs),
    /// Make a model smaller and faster, and check that it still says the same
    Quantize(Box<QuantizeArgs>),
    /// Measure the models on labelled data
    Eval(EvalArgs),
    /// Measure speed and memory: models, tokenizers, page workers, networks, the whole pipeline
    Bench(Box<BenchArgs>),
    /// Train a scoring network
    Train(TrainArgs),
    /// Print the named features of analyses or of labelled data, for `docproc train`
    Features(FeaturesArgs),
    /// Print the JSON Schema of an analysis
    Schema,
    /// Check that everything needed is in place
    Doctor(Box<SettingArgs>),
    /// Show the configuration
    Config {
        /// What to do with it
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// List or verify the model bundles
    Models {
        /// What to do with them
        #[command(subcommand)]
        action: ModelsAction,
    },
    /// Print shell completions
    Completions {
        /// The shell to complete for
        shell: Shell,
    },
}

/// `docproc config`.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print the resolved configuration: flags, environment, file and defaults
    Show(Box<SettingArgs>),
}

/// `docproc models`.
#[derive(Debug, Subcommand)]
pub enum ModelsAction {
    /// List the configured models
    List(ConfigArgs),
    /// Check every file of the models folder against its checksum
    Verify(VerifyArgs),
}

/// `docproc models verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Write the manifest anew from the files that are there
    #[arg(long)]
    pub update: bool,

    /// Configuration and models
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Where configuration and models are.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file [default: neural-config.yaml in the working directory, if there]
    #[arg(long, value_name = "FILE", env = "DOCPROC_CONFIG")]
    pub config: Option<PathBuf>,

    /// Folder of the shipped model bundles
    #[arg(long, value_name = "DIR", env = "DOCPROC_MODELS_DIR")]
    pub models_dir: Option<PathBuf>,

    /// Where models run: auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N [default: auto]
    #[arg(long, value_name = "DEVICE", env = "DOCPROC_DEVICE")]
    pub device: Option<String>,
}

/// `docproc analyze`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// Files and folders; `-` reads one document from standard input
    #[arg(value_name = "PATH", required_unless_present = "files_from")]
    pub paths: Vec<PathBuf>,

    /// Read further paths from FILE (`-`: standard input), one per line or separated by NUL
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,

    /// Only files that match this glob (may be given several times)
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub include: Vec<String>,

    /// No files or folders that match this glob (may be given several times)
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub exclude: Vec<String>,

    /// Only these pages, for example 1-5,9,20-
    #[arg(long, value_name = "PAGES", help_heading = "Selection")]
    pub pages: Option<String>,

    /// Folder for the analyses; the input tree is mirrored in it [default: out, unless --jsonl is given]
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// Write the analyses to FILE (`-`: standard output), one per line, in input order
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub jsonl: Option<PathBuf>,

    /// Write each table as a file of its own, too, into DIR/DOCUMENT.tables/
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub tables: Option<TableFormat>,

    /// Analyze again what is current, too
    #[arg(long, help_heading = "Output")]
    pub force: bool,

    /// Say what would be analyzed, and stop
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,

    /// Passwords to try on encrypted documents, one per line
    #[arg(long, value_name = "FILE", env = "DOCPROC_PASSWORD_FILE", help_heading = "Work")]
    pub password_file: Option<PathBuf>,

    /// Lines on standard error: text, or one JSON object each
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, env = "DOCPROC_LOG_FORMAT", help_heading = "Output")]
    pub log_format: LogFormat,

    /// Summary at the end: text on standard error, one JSON object on standard output, or none [default: text, or an
    /// event of the JSON log]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    pub summary: Option<SummaryFormat>,

    /// Print where the time went; every span goes to trace.json in the output folder (ui.perfetto.dev opens it)
    #[arg(long, help_heading = "Work")]
    pub profile: bool,

    /// Profile, with the spans in FILE instead
    #[arg(long, value_name = "FILE", help_heading = "Work")]
    pub trace: Option<PathBuf>,

    /// No progress bar, even on a terminal
    #[arg(long, help_heading = "Output")]
    pub no_progress: bool,

    /// What the configuration says, too
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// Settings of the configuration that have a flag and an environment variable.
#[derive(Debug, Args)]
pub struct SettingArgs {
    /// Which outcomes make the exit code 1 [default: partial] [possible values: failed, partial, never]
    #[arg(long, value_name = "WHEN", env = "DOCPROC_FAIL_ON", help_heading = "Output")]
    pub fail_on: Option<FailOn>,

    /// Page workers, and documents in work at the same time [default: one per core]
    #[arg(short, long, value_name = "N", env = "DOCPROC_JOBS", help_heading = "Work")]
    pub jobs: Option<usize>,

    /// When to read pages by OCR [default: auto] [possible values: auto, always, never]
    #[arg(long, value_name = "WHEN", env = "DOCPROC_OCR", help_heading = "Work")]
    pub ocr: Option<OcrPolicy>,

    /// Compare the text layer of N pages per document with what OCR reads on them [default: 0]
    #[arg(long, value_name = "N", env = "DOCPROC_COMPARE_TEXT", help_heading = "Work")]
    pub compare_text: Option<u32>,

    /// Seconds that reading a document may take, and as many for what follows without the models [default: 300]
    #[arg(long, value_name = "SECONDS", env = "DOCPROC_TIMEOUT", help_heading = "Limits")]
    pub timeout: Option<u64>,

    /// Pages of a document that are analyzed; further ones are reported [default: 5000]
    #[arg(long, value_name = "N", env = "DOCPROC_MAX_PAGES", help_heading = "Limits")]
    pub max_pages: Option<u32>,

    /// Largest document, for example 500MB [default: 1GB]
    #[arg(long, value_name = "SIZE", env = "DOCPROC_MAX_BYTES", help_heading = "Limits")]
    pub max_bytes: Option<ByteSize>,

    /// Largest image in pixels [default: 200000000]
    #[arg(long, value_name = "N", env = "DOCPROC_MAX_PIXELS", help_heading = "Limits")]
    pub max_pixels: Option<u64>,

    /// Stop after this time, for example 90s, 15m, 6h or 1h30m; the next run goes on where this one stopped
    #[arg(long, value_name = "DURATION", env = "DOCPROC_MAX_RUNTIME", value_parser = parse_duration, help_heading = "Limits")]
    pub max_runtime: Option<Duration>,

    /// Time that documents in work have to finish when the run is stopped [default: 30s]
    #[arg(long, value_name = "DURATION", env = "DOCPROC_STOP_TIMEOUT", value_parser = parse_duration, help_heading = "Limits")]
    pub stop_timeout: Option<Duration>,

    /// Inference results kept on disk between runs, for example 500MB; 0 for none [default: 1GB]
    #[arg(long, value_name = "SIZE", env = "DOCPROC_DISK_CACHE_SIZE", help_heading = "Limits")]
    pub disk_cache_size: Option<ByteSize>,

    /// Memory of all processes together, for example 4GB; documents wait for one another below it [default: none]
    #[arg(long, value_name = "SIZE", env = "DOCPROC_MEM_LIMIT", help_heading = "Limits")]
    pub mem_limit: Option<ByteSize>,

    /// Lock up what reads the documents: as far as the kernel can, fully or not at all [default: auto] [possible
    /// values: auto, require, off]
    #[arg(long, value_name = "WHEN", env = "DOCPROC_SANDBOX", help_heading = "Limits")]
    pub sandbox: Option<SandboxMode>,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}

/// How tables are written besides the analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Comma-separated values (RFC 4180), UTF-8
    Csv,
}

/// How a run's summary is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    /// For people, on standard error
    Text,
    /// One object on standard output
    Json,
    /// No summary
    None,
}

/// What `docproc eval` measures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum EvalTask {
    /// Sentiment of sentences: {"text", "label"}
    Sentiment,
    /// Entities of sentences: {"tokens", "tags"}
    Entities,
    /// Kinds of sections: {"title", "text", "label"}
    Sections,
    /// Layout labels of words: {"width", "height", "words", "labels", "image"}
    Layout,
    /// Tables of documents annotated as in the ICDAR 2013 competition: a folder
    Tables,
    /// The arithmetic audit: errors injected into correct documents
    Audit,
    /// Figures read from printed documents: {"document", "facts"}
    Figures,
}

/// `docproc eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Task
    #[arg(value_enum)]
    pub task: EvalTask,

    /// Labelled data: JSON Lines, for tables a folder, for audit documents and folders; docs/evaluation.md has the formats
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    pub data: Vec<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// figures: list everything that was not read rightly
    #[arg(long)]
    pub errors: bool,

    /// figures: compare finished analyses in this folder, DOCUMENT.json each, in place of analyzing the documents
    #[arg(long, value_name = "DIR")]
    pub analyses: Option<PathBuf>,

    /// figures, entities: write the features of every figure at a fact, or of every name that is marked, and whether it
    /// is right, for `docproc train`
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,

    /// audit: most errors of each kind per document [default: 20]
    #[arg(long, value_name = "N")]
    pub per_kind: Option<usize>,

    /// audit: decides which numbers are changed, and how [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}

/// `docproc pages`.
#[derive(Debug, Args)]
pub struct PagesArgs {
    /// Documents
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Write each page's 224 x 224 image as PNG into this folder
    #[arg(long, value_name = "DIR")]
    pub image_dir: Option<PathBuf>,

    /// When to read pages by OCR
    #[arg(long, value_enum, default_value_t = OcrArg::Auto)]
    pub ocr: OcrArg,
}

/// `--ocr` of `docproc pages`, which reads no configuration.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OcrArg {
    /// Images, and pages without a usable text layer
    Auto,
    /// Every page
    Always,
    /// No page
    Never,
}

impl From<OcrArg> for OcrPolicy {
    fn from(arg: OcrArg) -> Self {
        match arg {
            OcrArg::Auto => Self::Auto,
            OcrArg::Always => Self::Always,
            OcrArg::Never => Self::Never,
        }
    }
}

impl ConfigArgs {
    /// As overrides of the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            models_folder: self.models_dir.clone(),
            device: self.device.clone(),
            ..Overrides::default()
        }
    }
}

impl SettingArgs {
    /// As overrides of the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            jobs: self.jobs,
            ocr: self.ocr,
            compare_text: self.compare_text,
            timeout: self.timeout.map(Duration::from_secs),
            max_pages: self.max_pages,
            max_bytes: self.max_bytes,
            max_pixels: self.max_pixels,
            mem_limit: self.mem_limit,
            sandbox: self.sandbox,
            fail_on: self.fail_on,
            max_runtime: self.max_runtime,
            stop_timeout: self.stop_timeout,
            disk_cache_size: self.disk_cache_size,
            ..self.config.overrides()
        }
    }
}

impl AnalyzeArgs {
    /// As overrides of the configuration.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides { profile: self.profile || self.trace.is_some(), ..self.settings.overrides() }
    }
}
