//! Arguments as typed. They stop here: the rest of the program gets a [`crate::config::Config`].

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::bench::BenchArgs;
use super::export::{ExportArgs, ExportFormat};
use super::log::LogFormat;
use super::quantize_args::QuantizeArgs;
use super::search::SearchArgs;
pub use super::train_args::{FeaturesArgs, TrainArgs};
use crate::config::{Analyze, Config, OcrEngine, OcrModelSize, OcrPolicy, Performance};

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
    /// Write finished analyses as workbooks, Markdown, long tables or DoclingDocument
    Export(ExportArgs),
    /// Print what the page reader sees: words, rulings and images, one JSON object per page
    Pages(PagesArgs),
    /// Make pages for a browser out of finished analyses: an index, and every finding with its place on the page
    Report(ReportArgs),
    /// Make a model smaller and faster, and check that it still says the same
    Quantize(Box<QuantizeArgs>),
    /// Find sentences of finished analyses by meaning and by words
    Search(SearchArgs),
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

    /// Make the report for a browser, too: DIR/index.html
    #[arg(long, help_heading = "Output")]
    pub report: bool,

    /// Pictures of the pages in the report
    #[arg(
        long,
        value_name = "SIZE",
        value_enum,
        default_value_t,
        requires = "report",
        help_heading = "Output"
    )]
    pub page_pictures: PagePictures,

    /// Write the analyses in other formats, too, as `docproc export` does; several with commas between them
    #[arg(long, value_name = "FORMATS", value_enum, value_delimiter = ',', help_heading = "Output")]
    pub also: Vec<ExportFormat>,

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

/// The settings of the configuration that have a flag and an environment variable. The flags are those of the
/// configuration's own types; what was given is kept until the file has been read, and laid over it.
#[derive(Clone, Debug)]
pub struct SettingArgs {
    config: ConfigArgs,
    given: ArgMatches,
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { config: ConfigArgs::from_arg_matches(matches)?, given: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SettingArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        // For an update nothing is required, since the file or the default has a value.
        let command = Performance::augment_args_for_update(Analyze::augment_args_for_update(command));
        ConfigArgs::augment_args(command.next_help_heading("Models")).next_help_heading(None)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl SettingArgs {
    /// The configuration: flags and environment over the file over the defaults.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn load(&self, set: impl FnOnce(&mut Config)) -> crate::error::Result<Config> {
        self.config.load_with(|config| {
            // Values were parsed with the arguments: laying them over the file cannot fail.
            let laid = config.analyze.update_from_arg_matches(&self.given);
            laid.and_then(|()| config.performance.update_from_arg_matches(&self.given))
                .unwrap_or_else(|error| unreachable!("{error}"));
            set(config);
        })
    }
}

/// `docproc report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder that `docproc analyze` has written to
    #[arg(value_name = "OUT", default_value = "out")]
    pub output: PathBuf,

    /// Pictures of the pages
    #[arg(long, value_name = "SIZE", value_enum, default_value_t)]
    pub page_pictures: PagePictures,

    /// Folder of the documents, where they are not at the paths that the analyses name
    #[arg(long, value_name = "DIR")]
    pub documents: Option<PathBuf>,

    /// Passwords to try on encrypted documents, one per line
    #[arg(long, value_name = "FILE", env = "DOCPROC_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,

    /// Make again what is current, too
    #[arg(long)]
    pub force: bool,

    /// Page workers, and documents in work at the same time [default: one per core]
    #[arg(short, long, value_name = "N", env = "DOCPROC_JOBS")]
    pub jobs: Option<usize>,

    /// Configuration file [default: neural-config.yaml in the working directory, if there]
    #[arg(long, value_name = "FILE", env = "DOCPROC_CONFIG")]
    pub config: Option<PathBuf>,
}

/// Pictures of pages in a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PagePictures {
    /// No pictures: the text is shown at its place
    None,
    /// 1280 pixels high, some 10 MB for 100 pages
    #[default]
    Low,
    /// 2200 pixels high, some 40 MB for 100 pages
    High,
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

    /// sentiment, entities: write every item that is not right to this file, with text, true and predicted labels and
    /// probabilities; figures: the same, or without FILE list it
    #[arg(long, value_name = "FILE")]
    pub errors: Option<Option<PathBuf>>,

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
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub ocr: OcrPolicy,

    /// What reads them: docproc itself, or the tesseract program
    #[arg(long, value_name = "ENGINE", env = "DOCPROC_OCR_ENGINE")]
    pub ocr_engine: Option<OcrEngine>,

    /// Models of the built-in OCR
    #[arg(long, value_name = "MODEL", env = "DOCPROC_OCR_MODEL")]
    pub ocr_model: Option<OcrModelSize>,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}

impl PagesArgs {
    /// The configuration: these flags and variables over the file over the defaults.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn load(&self) -> crate::error::Result<Config> {
        self.config.load_with(|config| {
            let analyze = &mut config.analyze;
            analyze.ocr = self.ocr;
            analyze.ocr_engine = self.ocr_engine.unwrap_or(analyze.ocr_engine);
            analyze.ocr_model = self.ocr_model.unwrap_or(analyze.ocr_model);
        })
    }
}

impl ConfigArgs {
    /// The configuration: these flags and variables over the file over the defaults.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn load(&self) -> crate::error::Result<Config> {
        self.load_with(|_| ())
    }

    fn load_with(&self, set: impl FnOnce(&mut Config)) -> crate::error::Result<Config> {
        Config::load(self.config.as_deref(), |config| {
            if let Some(folder) = &self.models_dir {
                config.models_folder = folder.clone();
            }
            if let Some(device) = &self.device {
                config.analyze.device = device.clone();
            }
            set(config);
        })
    }
}
