//! The whole of `docproc analyze` over a folder, as a user runs it: a process of the same executable.

use std::fs;
use std::process::{Command, Stdio};

use super::Context;
use super::workload::{Plan, Size, Workload};
use crate::error::{Error, ErrorCode, Result};

/// What is there before a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing: no optimised graphs, no cached inference, no analyses.
    Nothing,
    /// Optimised graphs and the inference cache on disk of an earlier run.
    Graphs,
    /// Current analyses of the same documents, too.
    Analyses,
}

/// Cold, with the caches of an earlier run, and with nothing left to do.
pub fn plans<'a>(context: &'a Context<'a>) -> Vec<Plan<'a>> {
    [("cold", Before::Nothing), ("warm", Before::Graphs), ("resume", Before::Analyses)]
        .map(|(name, before)| Plan {
            name: format!("pipeline/{name}"),
            group: "pipeline".to_owned(),
            unit: "pages",
            make: Box::new(move |_| Ok(Box::new(Pipeline::new(context, before)?))),
        })
        .into()
}

struct Pipeline<'a> {
    context: &'a Context<'a>,
    before: Before,
    folder: tempfile::TempDir,
    pages: f64,
}

impl<'a> Pipeline<'a> {
    fn new(context: &'a Context<'a>, before: Before) -> Result<Self> {
        context.documents()?;
        let folder = tempfile::tempdir().map_err(|error| cannot("make a temporary folder", error))?;
        let mut pipeline = Self { context, before, folder, pages: 0.0 };
        pipeline.analyze()?;
        pipeline.pages = pipeline.analyzed_pages()?;
        Ok(pipeline)
    }

    fn analyze(&self) -> Result<()> {
        let config = self.context.config;
        let mut command =
            Command::new(std::env::current_exe().map_err(|error| cannot("find itself", error))?);
        command.arg("analyze").arg(self.context.input()?).arg("-o").arg(self.folder.path().join("out"));
        command.args(["--quiet", "--fail-on", "never", "--jobs", &config.analyze.jobs.to_string()]);
        command.args(["--device", &config.analyze.device]);
        command.arg("--models-dir").arg(&config.models_folder);
        if let Some(file) = &config.file {
            command.arg("--config").arg(file);
        }
        command.env("DOCPROC_CACHE_DIR", self.folder.path().join("cache"));
        let status = command.stdin(Stdio::null()).status().map_err(|error| cannot("start docproc", error))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Internal, format!("`docproc analyze` ended with {status}"))
            .help("run it by hand on the same folder to see why"))
    }

    /// Pages that the last run analyzed, by its manifest.
    fn analyzed_pages(&self) -> Result<f64> {
        let path = self.folder.path().join("out/manifest.json");
        let bytes = fs::read(&path).map_err(|error| cannot("read the manifest", error))?;
        let manifest: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| cannot("read the manifest", error.into()))?;
        Ok(manifest["counts"]["pages"].as_f64().unwrap_or(0.0))
    }

    fn remove(&self, name: &str) -> Result<()> {
        match fs::remove_dir_all(self.folder.path().join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(cannot("clear a folder", error))
            }
            _ => Ok(()),
        }
    }
}

fn cannot(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("cannot {what}")).because(error)
}

impl Workload for Pipeline<'_> {
    fn prepare(&mut self) -> Result<()> {
        if self.before == Before::Nothing {
            self.remove("cache")?;
        }
        if self.before != Before::Analyses {
            self.remove("out")?;
        }
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        self.analyze()
    }

    fn size(&self) -> Size {
        Size { items: self.pages, threads: self.context.cores, ..Size::default() }
    }
}
