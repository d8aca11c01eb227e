//! `docproc pages`.

use std::process::ExitCode;

use super::args::PagesArgs;

pub fn run(args: &PagesArgs) -> anyhow::Result<ExitCode> {
    let _ = args;
    todo!()
}
