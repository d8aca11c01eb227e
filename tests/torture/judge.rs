//! Runs docproc over drawn documents and compares what it says with what was drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::document::{Document, draw};
use super::paper::{Truth, Want, Wanted};

/// Confidence from which a reader takes a figure without looking.
const SURE: f64 = 0.9;
/// Properties in the order in which a reader looks at them.
pub const PROPERTIES: [&str; 9] =
    ["found", "value", "scale", "sign", "currency", "kind", "unit", "period", "nothing else"];

/// Cells and figures that have something in common.
#[derive(Clone, Debug, Default)]
pub struct Count {
    pub figures: usize,
    /// Right in all properties.
    pub right: usize,
    /// Confidence of at least 0.9, and something stated is wrong.
    pub sure_and_wrong: usize,
    /// Figures with a property that is not right, by property.
    pub wrong: BTreeMap<&'static str, usize>,
    pub example: Option<String>,
}

impl Count {
    pub fn share(&self) -> f64 {
        if self.figures == 0 { 1.0 } else { self.right as f64 / self.figures as f64 }
    }

    /// Share of figures that are read with this property right: what is not read has none.
    pub fn share_of(&self, property: &str) -> f64 {
        let wrong = |property: &str| self.wrong.get(property).copied().unwrap_or(0);
        let lost = if ["found", "nothing else"].contains(&property) { 0 } else { wrong("found") };
        1.0 - (wrong(property) + lost) as f64 / self.figures.max(1) as f64
    }

    pub fn sure_and_wrong_per_1000(&self) -> f64 {
        if self.figures == 0 { 0.0 } else { 1000.0 * self.sure_and_wrong as f64 / self.figures as f64 }
    }

    fn add(&mut self, verdict: &Verdict, example: &str) {
        self.figures += 1;
        self.right += usize::from(verdict.wrong.is_empty());
        self.sure_and_wrong += usize::from(verdict.sure_and_wrong);
        for property in &verdict.wrong {
            *self.wrong.entry(property).or_default() += 1;
        }
        if !verdict.wrong.is_empty() && self.example.is_none() {
            self.example = Some(example.to_owned());
        }
    }
}

/// What came of all documents.
#[derive(Debug, Default)]
pub struct Verdicts {
    pub all: Count,
    pub by_style: BTreeMap<&'static str, Count>,
    pub by_tag: BTreeMap<&'static str, Count>,
    /// Every figure that is not right: properties, tags, place and what is said.
    pub wrong: Vec<String>,
    /// Figures that are sure and wrong.
    pub sure: Vec<String>,
    /// What is right, a line for each document.
    truth: Vec<String>,
    pub tables: usize,
    pub false_findings: Vec<String>,
    /// Changes of documents and those that a finding cites, by kind.
    pub changed: BTreeMap<&'static str, [usize; 2]>,
    pub changed_missed: Vec<String>,
}

struct Verdict {
    /// Properties that are not right.
    wrong: Vec<&'static str>,
    sure_and_wrong: bool,
    said: String,
}

struct Figure<'a> {
    index: usize,
    bbox: [f64; 4],
    value: f64,
    json: &'a Value,
}

/// Draws the documents of the seeds, analyzes them in one run, and compares. The folder keeps documents,
/// analyses, a list of what is not right, `wrong.tsv`, and what is right as data for `docproc eval figures`,
/// `truth.jsonl`.
pub fn judge(seeds: impl Iterator<Item = u64>, folder: &Path) -> Verdicts {
    let documents: Vec<(String, Document)> =
        seeds.map(|seed| (format!("seed-{seed}.pdf"), draw(seed))).collect();
    let (drawn, analyses) = (folder.join("documents"), folder.join("analyses"));
    fs::create_dir_all(&drawn).unwrap();
    for (name, document) in &documents {
        fs::write(drawn.join(name), &document.bytes).unwrap();
    }
    analyze(&drawn, &analyses);
    let mut verdicts = Verdicts::default();
    for (name, document) in &documents {
        let path = analyses.join(format!("{name}.json"));
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let analysis: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(analysis["status"], "ok", "{name}: {}", analysis["errors"]);
        verdicts.add(name, document, &analysis);
    }
    fs::write(folder.join("wrong.tsv"), verdicts.wrong.join("\n")).unwrap();
    fs::write(folder.join("truth.jsonl"), verdicts.truth.join("\n")).unwrap();
    verdicts
}

fn analyze(documents: &Path, analyses: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docproc"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DOCPROC_") && !["DOCPROC_ONNXRUNTIME", "DOCPROC_PDFIUM"].contains(&name.as_str())
        {
            command.env_remove(name);
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    command.current_dir(documents).args([
        "analyze",
        ".",
        "--fail-on",
        "never",
        "--no-progress",
        "--quiet",
        "--force",
    ]);
    for (variable, library) in
        [("DOCPROC_ONNXRUNTIME", "libonnxruntime.so"), ("DOCPROC_PDFIUM", "libpdfium.so")]
    {
        if std::env::var_os(variable).is_none() {
            command.env(variable, root.join("native").join(library));
        }
    }
    command.arg("--models-dir").arg(root.join("models")).arg("--config").arg(root.join("neural-config.yaml"));
    let output = command.arg("-o").arg(analyses).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Verdicts {
    fn add(&mut self, name: &str, document: &Document, analysis: &Value) {
        let mut by_page: BTreeMap<u64, Vec<Figure<'_>>> = BTreeMap::new();
        for (index, json) in analysis["figures"].as_array().unwrap().iter().enumerate() {
            if let Some(value) = json["value"].as_f64() {
                let figure = Figure { index, bbox: bbox(&json["box"]), value, json };
                by_page.entry(json["page"].as_u64().unwrap()).or_default().push(figure);
            }
        }
        // A figure that stands for a number stands for nothing else, however far its box reaches.
        let mut taken = BTreeSet::new();
        let (mut judged, mut facts) = (Vec::new(), Vec::new());
        let figures = |wanted: &&Truth| matches!(wanted.want, Want::Figure(_));
        let (first, then): (Vec<&Truth>, Vec<&Truth>) = document.truths.iter().partition(figures);
        for truth in first.into_iter().chain(then) {
            let there = by_page.get(&u64::from(truth.ink.page)).map_or(&[][..], Vec::as_slice);
            let free: Vec<&Figure<'_>> = there
                .iter()
                .filter(|figure| matches!(truth.want, Want::Figure(_)) || !taken.contains(&figure.index))
                .collect();
            let figure = at(truth, &free);
            taken.extend(figure.map(|figure| figure.index));
            facts.extend(fact(truth, figure));
            judged.push((truth, compare(truth, figure)));
        }
        let group = name.trim_end_matches(".pdf");
        self.truth.push(json!({"document": name, "group": group, "facts": facts}).to_string());
        for (truth, verdict) in &judged {
            let example = format!(
                "{name} page {} `{}` ({}): {}",
                truth.ink.page, truth.text, truth.label, verdict.said
            );
            // A place for nothing counts only where something is read: nothing is easily right at it.
            if matches!(truth.want, Want::Nothing | Want::Nil) && verdict.wrong.is_empty() {
                continue;
            }
            if !verdict.wrong.is_empty() {
                let sure = if verdict.sure_and_wrong { "sure" } else { "" };
                self.wrong.push(format!(
                    "{}\t{sure}\t{}\t{}\t{example}",
                    verdict.wrong.join(", "),
                    document.style,
                    truth.tags.join(", ")
                ));
            }
            if verdict.sure_and_wrong {
                self.sure.push(example.clone());
            }
            self.all.add(verdict, &example);
            self.by_style.entry(document.style).or_default().add(verdict, &example);
            for tag in &truth.tags {
                self.by_tag.entry(tag).or_default().add(verdict, &example);
            }
        }
        self.audit(name, document, analysis);
    }

    fn audit(&mut self, name: &str, document: &Document, analysis: &Value) {
        let tables = analysis["tables"].as_array().unwrap().len();
        let findings: Vec<&Value> = analysis["anomalies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|anomaly| anomaly["terms"].as_array().is_some_and(|terms| !terms.is_empty()))
            .collect();
        match document.changed {
            None => {
                self.tables += tables;
                let said = findings.iter().map(|finding| format!("{name}: {}", finding["message"]));
                self.false_findings.extend(said);
            }
            Some((kind, ink)) => {
                let [x0, y0, x1, y1] = ink.bbox;
                let (x, y) = ((x0 + x1) / 2.0, (y0 + y1) / 2.0);
                let found =
                    findings.iter().flat_map(|finding| finding["terms"].as_array().unwrap()).any(|term| {
                        let [left, top, right, bottom] = bbox(&term["box"]);
                        term["page"] == ink.page && left <= x && x <= right && top <= y && y <= bottom
                    });
                let counts = self.changed.entry(kind).or_default();
                counts[0] += 1;
                counts[1] += usize::from(found);
                if !found {
                    let truth = document.truths.iter().find(|truth| truth.ink == ink);
                    let what = truth.map_or("", |truth| truth.label.as_str());
                    self.changed_missed.push(format!("{name} page {} {kind}: {what}", ink.page));
                }
            }
        }
    }

    pub fn false_findings_per_100_tables(&self) -> f64 {
        100.0 * self.false_findings.len() as f64 / self.tables.max(1) as f64
    }

    pub fn share_of_changed_found(&self) -> f64 {
        let [all, found] =
            self.changed.values().fold([0, 0], |sum, counts| [sum[0] + counts[0], sum[1] + counts[1]]);
        found as f64 / all.max(1) as f64
    }

    /// The figures as a table, the worst kinds first.
    pub fn table(&self) -> String {
        let mut out = String::new();
        writeln!(
            out,
            "{} cells and figures, {:.4} right in all properties, {:.1} of 1,000 sure and wrong",
            self.all.figures,
            self.all.share(),
            self.all.sure_and_wrong_per_1000()
        )
        .unwrap();
        let head = format!("{:>7} {:>7} {:>9}  not right by property", "figures", "right", "sure/1000");
        let rows = |out: &mut String, counts: &BTreeMap<&'static str, Count>, examples: bool| {
            let mut sorted: Vec<_> = counts.iter().collect();
            sorted.sort_by(|a, b| a.1.share().total_cmp(&b.1.share()).then(a.0.cmp(b.0)));
            for (name, count) in sorted {
                let wrong: Vec<String> = PROPERTIES
                    .iter()
                    .filter_map(|property| Some(format!("{property} {}", count.wrong.get(property)?)))
                    .collect();
                writeln!(
                    out,
                    "{name:<34} {:>7} {:>7.4} {:>9.1}  {}",
                    count.figures,
                    count.share(),
                    count.sure_and_wrong_per_1000(),
                    wrong.join(", ")
                )
                .unwrap();
                if let (true, Some(example)) = (examples, &count.example) {
                    writeln!(out, "    {}", example.replace('\n', " ")).unwrap();
                }
            }
        };
        writeln!(out, "\n{:<34} {:>15}", "property", "share right").unwrap();
        for property in PROPERTIES {
            writeln!(out, "{property:<34} {:>15.4}", self.all.share_of(property)).unwrap();
        }
        writeln!(out, "\n{:<34} {head}", "house style").unwrap();
        rows(&mut out, &self.by_style, false);
        writeln!(out, "\n{:<34} {head}", "property of the print").unwrap();
        rows(&mut out, &self.by_tag, true);
        let changes: Vec<String> = self
            .changed
            .iter()
            .map(|(kind, [all, found])| format!("; {kind}: {found} of {all} found"))
            .collect();
        writeln!(
            out,
            "\naudit: {} false findings in {} tables ({:.1} per 100){}",
            self.false_findings.len(),
            self.tables,
            self.false_findings_per_100_tables(),
            changes.join("")
        )
        .unwrap();
        for (title, lines) in [
            ("false findings", &self.false_findings),
            ("changes missed", &self.changed_missed),
            ("sure and wrong", &self.sure),
        ] {
            writeln!(out, "\n{title}:").unwrap();
            for line in lines.iter().take(40) {
                writeln!(out, "    {line}").unwrap();
            }
            if lines.len() > 40 {
                writeln!(out, "    and {} more", lines.len() - 40).unwrap();
            }
        }
        out
    }
}

fn bbox(json: &Value) -> [f64; 4] {
    std::array::from_fn(|at| json[at].as_f64().unwrap())
}

/// The figure at the place of a truth: of those that cover half of its width the smallest.
fn at<'a>(truth: &Truth, figures: &[&'a Figure<'a>]) -> Option<&'a Figure<'a>> {
    let [x0, y0, x1, y1] = truth.ink.bbox;
    let middle = (y0 + y1) / 2.0;
    figures
        .iter()
        .copied()
        .filter(|figure| {
            let [left, top, right, bottom] = figure.bbox;
            top <= middle && middle <= bottom && right.min(x1) - left.max(x0) >= 0.5 * (x1 - x0)
        })
        .min_by(|a, b| (a.bbox[2] - a.bbox[0]).total_cmp(&(b.bbox[2] - b.bbox[0])))
}

/// The truth as a fact of `docproc eval figures`. Where more than one reading is right, it is the one that was read. At a
/// place for nothing where something is read stands a value that no figure has.
fn fact(truth: &Truth, figure: Option<&Figure<'_>>) -> Option<Value> {
    const NO_VALUE: f64 = 1e300;
    let (value, kind, unit, period) = match (&truth.want, figure) {
        (Want::Figure(wanted), _) => {
            let read = |name: &str| figure.and_then(|figure| figure.json[name].as_str()).unwrap_or_default();
            let value = figure.map_or(wanted.values[0], |figure| figure.value);
            let close = |a: f64| (a - value).abs() <= 1e-6 * a.abs().max(value.abs()).max(1e-9);
            let value = wanted.values.iter().copied().find(|a| close(*a)).unwrap_or(wanted.values[0]);
            let kind = wanted.kinds.iter().find(|kind| **kind == read("type")).unwrap_or(&wanted.kinds[0]);
            let period = wanted.periods.iter().find(|period| *period == read("period"));
            let period = period.or(wanted.periods.first()).cloned().unwrap_or_default();
            (value, *kind, wanted.currency.unwrap_or_default(), period)
        }
        (Want::Nil, Some(_)) => (0.0, "OTHER", "", String::new()),
        (Want::Nothing, Some(_)) => (NO_VALUE, "OTHER", "", String::new()),
        (_, None) => return None,
    };
    let place = if truth.tags.iter().any(|tag| tag.starts_with("prose")) { "prose" } else { "table" };
    Some(json!({
        "text": truth.text, "value": value, "type": kind, "unit": unit, "period": period, "page": truth.ink.page,
        "box": truth.ink.bbox, "place": place, "concept": truth.label,
    }))
}

fn compare(truth: &Truth, figure: Option<&Figure<'_>>) -> Verdict {
    let said = figure.map_or_else(
        || "nothing is read".to_owned(),
        |figure| {
            let of = |name: &str| {
                let value = &figure.json[name];
                if value.is_null() { "-".to_owned() } else { value.to_string().replace('"', "") }
            };
            format!(
                "read {} as {} {} {} period {} confidence {}",
                figure.json["text"],
                figure.value,
                of("currency"),
                of("type"),
                of("period"),
                of("confidence")
            )
        },
    );
    let sure = figure.is_some_and(|figure| figure.json["confidence"].as_f64().unwrap_or(0.0) >= SURE);
    // What is not right, and whether it is stated wrongly.
    let faults: Vec<(&'static str, bool)> = match (&truth.want, figure) {
        (Want::Nothing, None) | (Want::Nil, None) => Vec::new(),
        (Want::Nothing, Some(_)) => vec![("nothing else", true)],
        (Want::Nil, Some(figure)) if figure.value == 0.0 => Vec::new(),
        (Want::Nil, Some(_)) => vec![("value", true)],
        (Want::Figure(_), None) => vec![("found", false)],
        (Want::Figure(wanted), Some(figure)) => faults(wanted, figure),
    };
    Verdict {
        sure_and_wrong: sure && faults.iter().any(|(_, stated)| *stated),
        wrong: faults.into_iter().map(|(property, _)| property).collect(),
        said: match &truth.want {
            Want::Figure(wanted) => format!(
                "is {} {} {} period {}; {said}",
                wanted.values[0],
                wanted.currency.unwrap_or("-"),
                wanted.kinds[0],
                wanted.periods.first().map_or("-", String::as_str)
            ),
            Want::Nothing => format!("is no figure; {said}"),
            Want::Nil => format!("is zero; {said}"),
        },
    }
}

fn faults(wanted: &Wanted, figure: &Figure<'_>) -> Vec<(&'static str, bool)> {
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-9);
    let mut faults = Vec::new();
    if !wanted.values.iter().any(|value| same(*value, figure.value)) {
        let scale = figure.json["scale"].as_i64().unwrap_or(0);
        let printed = figure.value.abs() / 10f64.powi(scale as i32);
        faults.push(if wanted.values.iter().any(|value| same(value.abs(), figure.value.abs())) {
            ("sign", true)
        } else if same(printed, wanted.printed) {
            ("scale", true)
        } else {
            ("value", true)
        });
    }
    let currency = figure.json["currency"].as_str();
    if currency != wanted.currency {
        faults.push(("currency", currency.is_some()));
    }
    let kind = figure.json["type"].as_str().unwrap_or_default();
    if !wanted.kinds.contains(&kind) {
        // A bare number says nothing about its kind.
        faults.push(("kind", kind != "NUMBER"));
    }
    let unit = figure.json["unit"].as_str();
    // What a label alone counts may be named or not.
    if unit != wanted.unit && (wanted.unit.is_some() || wanted.kinds[0] != "QUANTITY") {
        faults.push(("unit", unit.is_some()));
    }
    let period = figure.json["period"].as_str();
    if !wanted.periods.is_empty()
        && period.is_none_or(|period| wanted.periods.iter().all(|right| right != period))
    {
        faults.push(("period", period.is_some()));
    }
    faults
}
