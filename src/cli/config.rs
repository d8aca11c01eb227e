//! `docproc config`.

use std::process::ExitCode;

use anyhow::Context;

use super::args::SettingArgs;
use crate::config::Config;

/// Prints the resolved configuration as YAML.
pub fn show(args: &SettingArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.overrides())?;
    super::print(&serde_saphyr::to_string(&config).context("cannot print the configuration")?)
}
