//! `docproc config`.

use std::process::ExitCode;

use anyhow::Context;

use super::args::SettingArgs;

/// Prints the resolved configuration as YAML that `--config` reads.
///
/// # Errors
/// What is wrong with the configuration.
pub fn show(args: &SettingArgs) -> anyhow::Result<ExitCode> {
    let config = args.load(|_| ())?.absolute();
    let from = config.file.as_ref().map_or(String::new(), |file| format!("# from {}\n", file.display()));
    let yaml = serde_saphyr::to_string(&config).context("cannot print the configuration")?;
    super::print(&(from + &yaml))
}
