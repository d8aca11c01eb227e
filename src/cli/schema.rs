//! `docproc schema`.

use std::process::ExitCode;

use crate::document::analysis::Analysis;

/// Prints the JSON Schema (2020-12) of an analysis, derived from its types.
pub fn run() -> anyhow::Result<ExitCode> {
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Analysis>();
    super::print(&format!("{}\n", serde_json::to_string_pretty(&schema)?))
}
