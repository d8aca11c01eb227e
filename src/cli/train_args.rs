//! Arguments of `docproc train` and `docproc features`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::args::ConfigArgs;

/// `docproc train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// A shipped network, or one that `custom_networks` of the configuration defines
    pub network: String,

    /// Labelled rows, JSON Lines: {"features", "text" or "analysis", "label", "group"}; docs/networks.md has the format
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// Labelled rows that take no part in the training, for figures of their own in the card
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,

    /// Labelled rows that the calibration is fitted on instead of on a part of the training rows
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,

    /// Folder for the network, its card and its learning curve
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,

    /// Text that says where the data come from, for the card
    #[arg(long, value_name = "FILE")]
    pub note: Option<PathBuf>,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}

/// `docproc features`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true).multiple(false))]
pub struct FeaturesArgs {
    /// Finished analyses
    #[arg(value_name = "ANALYSIS", group = "source")]
    pub analyses: Vec<PathBuf>,

    /// Labelled pages, JSON Lines, as for `docproc eval layout`: rows of the set `lines`
    #[arg(long, value_name = "FILE", group = "source")]
    pub data: Option<PathBuf>,

    /// Pages as `docproc pages` prints them, of one document: rows of the set `page`
    #[arg(long, value_name = "FILE", group = "source")]
    pub pages: Option<PathBuf>,

    /// List the feature sets with their features, meanings and ranges
    #[arg(long, group = "source")]
    pub list: bool,

    /// Only this feature set (may be given several times)
    #[arg(long = "set", value_name = "SET")]
    pub sets: Vec<String>,

    /// Configuration and models
    #[command(flatten, next_help_heading = "Models")]
    pub config: ConfigArgs,
}
