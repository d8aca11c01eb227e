//! `docproc train`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::Value;

use super::args::TrainArgs;
use super::log::tell;
use super::terminal::{self, Color};
use super::{paint, print};
use crate::error::{Error, ErrorCode};
use crate::evaluation;
use crate::output::write_atomic;
use crate::scoring::{features, recipes};
use docproc_networks::dataset::{Dataset, Sources, class_names};
use docproc_networks::experiment::{self, Outcome, Recipe, TestRows};

/// Trains a scoring network on labelled features and writes its bundle.
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let bytes = fs::read(&args.data).with_context(|| format!("cannot read {}", args.data.display()))?;
    let recipe = recipe(args, &bytes)?;
    let note = match &args.note {
        Some(note) => fs::read_to_string(note).with_context(|| format!("cannot read {}", note.display()))?,
        None => format!("Rows of `{}`.", args.data.file_name().unwrap_or_default().to_string_lossy()),
    };
    let set = recipe
        .spec
        .features
        .as_ref()
        .and_then(|id| features::named(&id.name))
        .with_context(|| format!("{} has no feature set", args.network))?;
    let from_text = features::from_text(&set.id.name);
    let folder = args.data.parent().unwrap_or(Path::new("."));
    let from_analysis = |path: &Path, target: Option<Value>| {
        let target = target.map(serde_json::from_value).transpose().map_err(|error| {
            Error::new(ErrorCode::DataInvalid, "`target` names no part of an analysis").because(error)
        })?;
        evaluation::features_in(&folder.join(path), &set.id.name, target)
    };
    let sources = Sources {
        text: from_text.as_ref().map(|function| function as &dyn Fn(&str) -> Vec<f32>),
        analysis: Some(&from_analysis),
    };
    let id = format!("{}/{}", set.id.name, set.id.version);
    let read = |bytes: &[u8], file: &Path| {
        let (output, outputs) = (&recipe.spec.output, recipe.spec.outputs());
        Dataset::from_json_lines(bytes, &set.names(), output, outputs, &id, &sources)
            .map_err(|error| error.file(file))
    };
    let data = read(&bytes, &args.data)?;
    let fingerprint = data.fingerprint(&bytes);
    tell!("{} rows in {} groups, {} features", data.rows(), fingerprint.groups, data.width);
    let aside = |file: &Option<PathBuf>| -> anyhow::Result<Option<(Dataset, String)>> {
        let Some(file) = file else { return Ok(None) };
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let rows = read(&bytes, file)?;
        if let Some(both) = rows.groups.iter().find(|group| data.groups.contains(group)) {
            bail!("{both:?} is in the training rows and in {}; a group must be on one side", file.display());
        }
        let sha256 = rows.fingerprint(&bytes).sha256;
        Ok(Some((rows, sha256)))
    };
    let (calibration, test) = (aside(&args.calibration)?, aside(&args.test)?);
    let test = test.as_ref().map(|(data, sha256)| TestRows { data, sha256 });
    let mut fold = 0;
    let outcome = experiment::run(
        &recipe,
        &data,
        &fingerprint,
        calibration.as_ref().map(|(rows, _)| rows),
        test,
        &mut |progress| {
            if progress.fold != fold {
                fold = progress.fold;
                if fold > progress.folds {
                    tell!("final training");
                } else {
                    tell!("fold {fold} of {}", progress.folds);
                }
            }
        },
    )?;
    let replaced = args.output.join("network.dpnn").exists();
    for (name, bytes) in experiment::bundle(&recipe, &outcome, note.trim(), set.subject)? {
        write_atomic(&args.output.join(name), |out| out.write_all(&bytes))?;
    }
    if replaced {
        tell!("note: the network that was in {} is replaced", args.output.display());
    }
    print(&report(&outcome, &args.output)?)
}

/// The recipe of a shipped network, or of one that the configuration defines. Layers, activation and features of the
/// configuration take the place of the recipe's.
fn recipe(args: &TrainArgs, data: &[u8]) -> anyhow::Result<Recipe> {
    let config = args.config.load()?;
    let sections = config.models.custom_networks.unwrap_or_default();
    let shipped = recipes::named(&args.network);
    let Some(section) = sections.into_iter().find(|section| section.name == args.network) else {
        return match shipped {
            Some(recipe) => Ok(recipe),
            None => bail!(
                "there is no network {:?}: shipped are {}; `custom_networks` in the configuration defines others",
                args.network,
                recipes::NAMES.join(", ")
            ),
        };
    };
    let own_set = shipped.as_ref().and_then(|recipe| recipe.spec.features.clone()).map(|id| id.name);
    let Some(set) = section.features.clone().or(own_set) else {
        bail!(
            "`features` of {:?} must name the feature set; `docproc features --list` lists them",
            args.network
        );
    };
    let own_shape = shipped.as_ref().map(|recipe| recipe.spec.shape());
    let Some(layers) = section.layers.clone().or(own_shape) else {
        bail!("`layers` of {:?} must say how many neurons each layer has", args.network);
    };
    let own_function = shipped.as_ref().map_or("relu", |recipe| recipe.spec.layers[0].function_name());
    let activation = section.activation.as_deref().unwrap_or(own_function);
    let defined = recipes::defined(&args.network, &layers, activation, &set, &class_names(data))?;
    Ok(match shipped {
        Some(recipe) => Recipe { spec: defined.spec, ..recipe },
        None => defined,
    })
}

fn report(outcome: &Outcome, folder: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let shown = usize::from(!outcome.network_won);
    let test = outcome.test.as_ref().map(|test| ("test", &test.judgement));
    for (what, judgement) in [("held-out", &outcome.judgement)].into_iter().chain(test) {
        writeln!(
            text,
            "{:<22} {:>8} {:>10} {:>12} {:>9}",
            format!("{what} figures of"),
            "AUC",
            "accuracy",
            "calibration",
            "log loss"
        )?;
        for (name, figures) in [("network", &judgement.network), ("logistic regression", &judgement.baseline)]
        {
            writeln!(
                text,
                "{name:<22} {:>8.4} {:>10.4} {:>12.4} {:>9.4}",
                figures.auc.estimate, figures.accuracy, figures.calibration_error, figures.log_loss
            )?;
        }
        for (part, rows, both) in &judgement.parts {
            writeln!(
                text,
                "  {part:<20} {:>8.4} {:>10.4} (shipped, logistic regression; {rows} rows)",
                both[shown].estimate, both[1].estimate
            )?;
        }
    }
    let kept = if outcome.network_won {
        "the network"
    } else {
        "logistic regression (the network's log loss is not lower beyond chance)"
    };
    let folder = folder.to_string_lossy();
    writeln!(text, "written to {}: {} {kept}", terminal::shown(&folder), paint("shipped:", Color::Bold))?;
    Ok(text)
}
