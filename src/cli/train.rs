//! `docproc train` and `docproc features`.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::args::{FeaturesArgs, TrainArgs};
use super::{Color, paint, print};
use crate::config::Config;
use crate::error::{Error, ErrorCode};
use crate::evaluation;
use crate::output::write_atomic;
use crate::pipeline::Models;
use crate::quantize::ensure_variants;
use crate::scoring::dataset::Dataset;
use crate::scoring::experiment::{self, Outcome};
use crate::scoring::{curve, features, file, recipes};

/// Trains a scoring network on labelled features and writes its bundle.
pub fn train(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let Some(recipe) = recipes::named(&args.network) else {
        bail!("there is no network {:?}; there are {}", args.network, recipes::NAMES.join(", "));
    };
    let bytes = fs::read(&args.data).with_context(|| format!("cannot read {}", args.data.display()))?;
    let set = recipe
        .spec
        .features
        .as_ref()
        .and_then(|id| features::named(&id.name))
        .with_context(|| format!("{} has no feature set", args.network))?;
    let from_text = recipes::text_features(&args.network);
    let from_text = from_text.as_ref().map(|function| function as &dyn Fn(&str) -> Vec<f32>);
    let data =
        Dataset::from_json_lines(&bytes, &set.names(), &recipe.spec.output, recipe.spec.outputs(), from_text)
            .map_err(|error| error.file(&args.data))?;
    let fingerprint = data.fingerprint(&bytes);
    eprintln!("{} rows in {} groups, {} features", data.rows(), fingerprint.groups, data.width);
    let mut fold = 0;
    let outcome = experiment::run(&recipe, &data, &fingerprint, &mut |progress| {
        if progress.fold != fold {
            fold = progress.fold;
            let last = if fold > progress.folds { " (final training)" } else { "" };
            eprintln!("fold {fold} of {}{last}", progress.folds);
        }
    })?;
    let folder = &args.output;
    let put = |name: &str, bytes: &[u8]| write_atomic(&folder.join(name), |out| out.write_all(bytes));
    put("network.dpnn", &file::write(&outcome.network)?)?;
    if let Some(alternative) = &outcome.alternative {
        put(&format!("network-{}.dpnn", alternative.spec().shape_text()), &file::write(alternative)?)?;
    }
    put("curve.csv", curve::csv(&outcome.curve).as_bytes())?;
    put("curve.svg", curve::svg(&args.network, &outcome.curve, outcome.best_epoch).as_bytes())?;
    print(&report(&outcome, folder)?)
}

fn report(outcome: &Outcome, folder: &std::path::Path) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<22} {:>8} {:>10} {:>12} {:>9}",
        "held-out figures of", "AUC", "accuracy", "calibration", "log loss"
    )?;
    for (name, figures) in [("network", &outcome.evaluation), ("logistic regression", &outcome.baseline)] {
        writeln!(
            text,
            "{name:<22} {:>8.4} {:>10.4} {:>12.4} {:>9.4}",
            figures.auc.estimate, figures.accuracy, figures.calibration_error, figures.log_loss
        )?;
    }
    let kept = if outcome.network_won {
        "the network"
    } else {
        "logistic regression (the network's log loss is not lower beyond chance)"
    };
    writeln!(text, "written to {}: {} {kept}", folder.display(), paint("shipped:", Color::Bold))?;
    Ok(text)
}

/// Prints rows of training data, one JSON object per line.
pub fn features(args: &FeaturesArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config.overrides())?;
    ensure_variants(&config, &|text| eprintln!("note: {text}"))?;
    let models = Models::load(&config, &mut |text| eprintln!("note: {text}"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let failed = |error: io::Error| Error::new(ErrorCode::OutputUnwritable, "cannot print").because(error);
    evaluation::line_rows(&models.layout, &args.data, |row| {
        out.write_all(row.as_bytes()).and_then(|()| out.write_all(b"\n")).map_err(failed)
    })?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
