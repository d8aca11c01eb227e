//! What docproc says of each fixture, in a form that people read: one file per fixture in `snapshots`, looked at page by
//! page when it was made. A change of behaviour shows up as a difference there.
//!
//! `make golden` writes the files anew. What depends on the processor (the last digits of confidences and scores) is not
//! in them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::Value;

use super::fixtures::{FIXTURES, RUN};

/// Figures of each type in running text that are written out, and names of each type.
const SAMPLE: usize = 8;

/// The lines of an analysis.
fn lines_of(analysis: &Value) -> String {
    let mut text = String::new();
    let out = &mut text;
    let document = &analysis["document"];
    line(out, 0, &format!("{} ({})", string(&document["path"]), string(&document["media_type"])));
    line(out, 0, &format!("status {}, {} pages", string(&analysis["status"]), document["page_count"]));
    for error in list(&analysis["errors"]) {
        line(
            out,
            1,
            &format!("page {}: [{}] {}", error["page"], string(&error["code"]), string(&error["message"])),
        );
    }
    line(
        out,
        0,
        &format!("models: {}", joined(list(&analysis["models"]), |model| string(&model["name"]).to_owned())),
    );

    heading(out, "pages: size, rotation, words, source");
    for page in list(&analysis["pages"]) {
        let label = page["label"].as_str().map_or(String::new(), |label| format!(" ({label})"));
        line(
            out,
            1,
            &format!(
                "{}{label}: {} x {}, {}°, {} words, {}: {}",
                page["number"],
                plain(&page["width"]).unwrap(),
                plain(&page["height"]).unwrap(),
                page["rotation"],
                page["words"],
                string(&page["text_source"]),
                string(&page["text_source_reason"])
            ),
        );
    }
    heading(out, "blocks by label");
    line(out, 1, &counts(&analysis["summary"]["blocks"]));
    sections(out, analysis);
    sentiment(out, analysis);
    names(out, analysis);
    figures(out, analysis);
    heading(out, "tables");
    for table in list(&analysis["tables"]) {
        self::table(out, table);
    }
    findings(out, analysis);
    text
}

/// Sections as a tree, with what they are and where.
fn sections(out: &mut String, analysis: &Value) {
    heading(out, "sections: title [kind], pages, blocks");
    let mut depths: Vec<usize> = Vec::new();
    for section in list(&analysis["sections"]) {
        let depth = section["parent"].as_u64().map_or(0, |parent| depths[parent as usize] + 1);
        depths.push(depth);
        let kind = section["kind"]["label"].as_str().map_or(String::new(), |kind| format!(" [{kind}]"));
        let pages = &section["pages"];
        let pages =
            if pages[0] == pages[1] { pages[0].to_string() } else { format!("{}-{}", pages[0], pages[1]) };
        let blocks = list(&section["blocks"]).len();
        line(out, 1 + depth, &format!("{:?}{kind}, {pages}, {blocks}", string(&section["title"])));
    }
}

fn sentiment(out: &mut String, analysis: &Value) {
    heading(out, "sentiment");
    let mut labels: BTreeMap<&str, u32> = BTreeMap::new();
    for sentence in list(&analysis["sentences"]) {
        *labels.entry(string(&sentence["sentiment"]["label"])).or_default() += 1;
    }
    let whole = analysis["summary"]["sentiment"]["label"].as_str().unwrap_or("none");
    let counts: Vec<String> = labels.iter().map(|(label, count)| format!("{count} {label}")).collect();
    line(
        out,
        1,
        &format!(
            "{} sentences: {}; the document: {whole}",
            list(&analysis["sentences"]).len(),
            counts.join(", ")
        ),
    );
}

fn names(out: &mut String, analysis: &Value) {
    heading(out, "names: how many of each type, the first different ones");
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entity in list(&analysis["entities"]) {
        by_type.entry(string(&entity["type"])).or_default().push(string(&entity["text"]));
    }
    for (kind, mut texts) in by_type {
        let count = texts.len();
        let mut seen = std::collections::BTreeSet::new();
        texts.retain(|text| seen.insert(*text));
        texts.truncate(SAMPLE);
        line(out, 1, &format!("{count} {kind}: {}", texts.join(" · ")));
    }
}

/// Counts by type, and the first of each type that stand in running text. Those in tables are shown with the tables.
fn figures(out: &mut String, analysis: &Value) {
    heading(out, "figures: how many of each type (in tables), the first ones in running text");
    let mut by_type: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for figure in list(&analysis["figures"]) {
        by_type.entry(string(&figure["type"])).or_default().push(figure);
    }
    for (kind, all) in by_type {
        let (cells, text): (Vec<&Value>, Vec<&Value>) =
            all.iter().partition(|figure| !figure["cell"].is_null());
        line(out, 1, &format!("{} {kind} ({})", all.len(), cells.len()));
        for figure in text.iter().take(SAMPLE) {
            let mut parts = vec![format!("{:?}", string(&figure["text"]))];
            for key in ["value", "currency", "unit", "scale", "period"] {
                parts.extend(plain(&figure[key]).map(|value| format!("{key} {value}")));
            }
            let others = list(&figure["alternatives"]);
            if !others.is_empty() {
                parts.push(format!("or {}", joined(others, Value::to_string)));
            }
            parts.push(format!("page {}", figure["page"]));
            line(out, 2, &parts.join(", "));
        }
    }
}

/// Rows with their cells: text, and in braces the value where it is more than the text says.
fn table(out: &mut String, table: &Value) {
    let mut head = format!("table {}, page {}", table["id"], table["page"]);
    for part in list(&table["continued"]) {
        write!(head, ", {} from row {}", part["page"], part["first_row"]).unwrap();
    }
    write!(head, ": {} x {}, {} header rows", table["rows"], table["columns"], table["header_rows"]).unwrap();
    for key in ["scale", "currency", "caption"] {
        write!(head, "{}", plain(&table[key]).map_or(String::new(), |value| format!(", {key} {value}")))
            .unwrap();
    }
    line(out, 1, &head);
    let periods = list(&table["column_periods"]);
    if periods.iter().any(|period| !period.is_null()) {
        line(
            out,
            2,
            &format!("periods: {}", joined(periods, |period| period.as_str().unwrap_or("-").to_owned())),
        );
    }
    let columns = table["columns"].as_u64().unwrap() as usize;
    let mut rows = vec![vec![String::new(); columns]; table["rows"].as_u64().unwrap() as usize];
    for cell in list(&table["cells"]) {
        let at = |key: &str| cell[key].as_u64().unwrap() as usize;
        let mut text = format!(
            "{}{}",
            "> ".repeat(cell["indent"].as_u64().unwrap_or(0) as usize),
            string(&cell["text"])
        );
        for note in list(&cell["notes"]) {
            write!(text, " ^{}", string(note)).unwrap();
        }
        if !cell["value"].is_null() {
            write!(text, " {{{}}}", value(&cell["value"])).unwrap();
        }
        if (at("row_span"), at("column_span")) != (1, 1) {
            write!(text, " [{} x {}]", at("row_span"), at("column_span")).unwrap();
        }
        rows[at("row")][at("column")] = text;
    }
    for (number, row) in rows.iter().enumerate() {
        line(out, 2, &format!("{number:>2} {}", row.join(" | ")));
    }
}

/// `391035e6 USD`, `46.2 %`, `nil`.
fn value(value: &Value) -> String {
    let mut text = value["printed"].to_string().trim_end_matches(".0").to_owned();
    if value["scale"] != 0 {
        write!(text, "e{}", value["scale"]).unwrap();
    }
    match string(&value["type"]) {
        "MONEY" | "NUMBER" => {}
        "PERCENT" => text.push_str(" %"),
        kind => write!(text, " {}", kind.to_lowercase()).unwrap(),
    }
    if let Some(currency) = value["currency"].as_str() {
        write!(text, " {currency}").unwrap();
    }
    if value["nil"] == true { "nil".to_owned() } else { text }
}

fn findings(out: &mut String, analysis: &Value) {
    let audit = &analysis["summary"]["audit"];
    heading(
        out,
        &format!(
            "findings; {} relations checked, {} hold, {} do not",
            audit["checked"], audit["hold"], audit["broken"]
        ),
    );
    for anomaly in list(&analysis["anomalies"]) {
        line(
            out,
            1,
            &format!(
                "{} {}: {}",
                string(&anomaly["severity"]),
                string(&anomaly["kind"]),
                string(&anomaly["message"])
            ),
        );
        for evidence in list(&anomaly["evidence"]).iter().take(SAMPLE) {
            line(out, 2, &format!("page {}: {:?}", evidence["page"], string(&evidence["text"])));
        }
    }
    heading(out, "flagged by the networks");
    for score in list(&analysis["scores"]).iter().filter(|score| score["flagged"] == true) {
        let class = score["class"].as_str().map_or(String::new(), |class| format!(" as {class}"));
        let target = match &score["target"] {
            Value::Object(target) => target.iter().map(|(kind, id)| format!("{kind} {id}")).collect(),
            target => string(target).to_owned(),
        };
        line(out, 1, &format!("{}: {target}{class}", string(&score["network"])));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// A value without JSON's quotes; `None` where there is none.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string().trim_end_matches(".0").to_owned()),
    }
}

fn joined(items: &[Value], text: impl Fn(&Value) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn counts(counts: &Value) -> String {
    let counts = counts.as_object().unwrap();
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn heading(out: &mut String, text: &str) {
    line(out, 0, "");
    line(out, 0, text);
}

fn line(out: &mut String, depth: usize, text: &str) {
    writeln!(out, "{}", format!("{}{text}", "  ".repeat(depth)).trim_end()).unwrap();
}

fn of(name: &str) -> String {
    lines_of(RUN.analyses.get(name).unwrap_or_else(|| panic!("{name} has no analysis: {}", RUN.stderr)))
}

macro_rules! golden {
    ($($test:ident: $name:literal,)+) => {
        $(#[test]
        fn $test() {
            insta::assert_snapshot!(stringify!($test), of($name));
        })+

        #[test]
        fn every_fixture_has_a_golden_file_and_no_other_is_left_over() {
            let checked = [$($name,)+];
            assert!(FIXTURES.iter().all(|name| checked.contains(name)) && checked.len() == FIXTURES.len());
            let tests = [$(stringify!($test),)+];
            for file in fs::read_dir("tests/it/snapshots").unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                let test = name.strip_prefix("it__golden__").and_then(|name| name.strip_suffix(".snap"));
                assert!(test.is_none_or(|test| tests.contains(&test)), "no test makes {name}");
            }
        }
    };
}

golden! {
    accident_report: "accident-report-ntsb-2007.pdf",
    agency_report: "agency-report-nara-2022.pdf",
    annual_report: "annual-report-10k-excerpt-apple-2024.pdf",
    earnings_release: "earnings-release-8k-buckle-2024.pdf",
    quarterly_report: "quarterly-report-10q-excerpt-exxonmobil-2025.pdf",
    rotated_page: "rotated-page.pdf",
    scanned_page: "scanned-page.pdf",
    scanned_two_frames: "scanned-two-frames.tif",
    study_excerpt: "study-excerpt-head-start.pdf",
    two_columns: "two-columns-faa-handbook.pdf",
}
