//! The card of a trained network: what it is, where its data come from, how well it does.

use super::experiment::{Outcome, Recipe};
use super::judging::{Evaluation, Judgement, RESAMPLES};
use super::metrics::Interval;
use super::spec::{LayerSpec, Output};

fn interval(i: Interval) -> String {
    format!("{:.3} ({:.3} to {:.3})", i.estimate, i.low, i.high)
}

fn row(name: &str, e: &Evaluation) -> String {
    format!(
        "| {name} | {} | {:.3} | {:.3} | {:.3} | {:.3} |\n",
        interval(e.auc),
        e.accuracy,
        e.calibration_error,
        e.brier,
        e.log_loss
    )
}

/// The table of both models, their differences and the figures by part. `shown` is the model that ships, 0 or 1.
fn figures(judgement: &Judgement, shape: &str, shown: usize) -> String {
    let mut text = format!(
        "| model | AUC | accuracy | calibration error | Brier | log loss |\n|---|---|---|---|---|---|\n{}{}\n\
         AUC difference {}, log loss difference {}.",
        row(&format!("network {shape}"), &judgement.network),
        row("logistic regression", &judgement.baseline),
        interval(judgement.difference),
        interval(judgement.loss_difference),
    );
    if !judgement.parts.is_empty() {
        text.push_str(
            "\n\nBy part of the data:\n\n| part | rows | AUC of what is shipped | logistic regression |\n|---|---|---|---|",
        );
        for (name, rows, both) in &judgement.parts {
            text.push_str(&format!(
                "\n| {name} | {rows} | {} | {} |",
                interval(both[shown]),
                interval(both[1])
            ));
        }
    }
    text
}

/// The card as Markdown. `data_note` says in a paragraph where the training data come from.
#[must_use]
pub fn card(recipe: &Recipe, outcome: &Outcome, data_note: &str, subject: &str) -> String {
    let spec = outcome.network.spec();
    let functions: Vec<&str> = spec.layers.iter().map(LayerSpec::function_name).collect();
    let output = match &spec.output {
        Output::Probability(class) => format!("probability of `{class}`"),
        Output::Classes(labels) => format!("probabilities of `{}`", labels.join("`, `")),
        Output::Values => "values".to_owned(),
    };
    let verdict = if outcome.network_won {
        "The network has the lower log loss, beyond chance, and is shipped."
    } else {
        "The network's log loss is not lower beyond chance; logistic regression is shipped in its place, as a network of \
         one layer. A configuration that asks for the network's layers gets the network, which is also here."
    };
    let mut text =
        format!("# {}\n\nLayers {} ({}), {output}.\n", spec.name, spec.shape_text(), functions.join(", "));
    if let Some(id) = &spec.features {
        text.push_str(&format!(
            "Input: feature set `{}`, version {}, of a {subject}; `docproc features` prints it.\n",
            id.name, id.version
        ));
    }
    text.push_str(&format!("\n## Data\n\n{data_note}\n\n"));
    if let Some(data) = &spec.training_data {
        text.push_str(&format!(
            "{} rows in {} groups, SHA-256 of the data file `{}`. Seed {}.\n",
            data.rows, data.groups, data.sha256, spec.seed
        ));
    }
    let shape = recipe.spec.shape_text();
    let shown = usize::from(!outcome.network_won);
    text.push_str(&format!(
        "\n## Held-out figures\n\n{} folds by group: every row is predicted by models that saw no row of its group. \
         Intervals are 95%, resampling groups {RESAMPLES} times.\n\n{}\n\n{verdict}\n",
        recipe.folds.max(3),
        figures(&outcome.judgement, &shape, shown),
    ));
    if let Some(flagging) = outcome.flagging {
        text.push_str(&format!(
            "\nThreshold {:.3} ({} on the held-out predictions): precision {:.3}, recall {:.3}, F1 {:.3}.\n",
            flagging.threshold,
            recipe.most_false_alarms.map_or("best F1".to_owned(), |share| format!(
                "flags at most {:.0}% of the others",
                100.0 * share
            )),
            flagging.precision,
            flagging.recall,
            flagging.f1
        ));
    }
    if let Some(test) = &outcome.test {
        text.push_str(&format!(
            "\n## Test\n\n{} rows in {} groups that took no part in training, choice, calibration or threshold, \
             SHA-256 of the file `{}`.\n\n{}\n",
            test.judgement.rows,
            test.judgement.groups,
            test.sha256,
            figures(&test.judgement, &shape, shown),
        ));
        if let Some(flagging) = test.flagging {
            text.push_str(&format!(
                "\nAt the threshold: precision {:.3}, recall {:.3}, F1 {:.3}.\n",
                flagging.precision, flagging.recall, flagging.f1
            ));
        }
    }
    text.push_str(&format!(
        "\nCalibrated logit = {:.4} logit + {:.4}. Learning curve of the recipe's network: `curve.svg`.\n",
        spec.calibration.slope, spec.calibration.intercept
    ));
    text
}
