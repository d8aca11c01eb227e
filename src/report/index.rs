//! The index: every document of the run, the most urgent first.

use std::cmp::Reverse;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use maud::{Markup, html};
use serde_json::Value;

use super::row::{Named, Row};
use super::{markup, words};
use crate::document::analysis::{AuditVerdict, Severity, Status};

/// The index below the output folder.
pub(super) const NAME: &str = "index.html";

const STYLE: &str = concat!(include_str!("assets/base.css"), include_str!("assets/index.css"));
const SCRIPT: &str = include_str!("assets/index.js");

/// Findings that stand at the top.
const FIRST: usize = 12;
/// Headings of a document that the search knows.
const HEADINGS: usize = 200;

/// What the manifest says of the run; null where there is none.
pub(super) struct Run(Value);

impl Run {
    /// Reads it. A folder whose run was killed has none, or that of an earlier run.
    pub fn read(root: &Path) -> Self {
        let bytes = std::fs::read(root.join("manifest.json")).unwrap_or_default();
        Self(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    fn number(&self, pointer: &str) -> Option<f64> {
        self.0.pointer(pointer).and_then(Value::as_f64)
    }

    fn list(&self, key: &str) -> &[Value] {
        self.0.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Documents that the run did not come to, or was stopped in.
    fn left(&self) -> Vec<&str> {
        let left = |entry: &&Value| {
            matches!(entry.get("outcome").and_then(Value::as_str), Some("not_reached" | "cut"))
        };
        self.list("documents").iter().filter(left).filter_map(|entry| entry.get("path")?.as_str()).collect()
    }
}

/// A relative address of a file of ours: what a name may have and an address may not is written in percent, byte by byte, so
/// that a name need not be UTF-8.
pub(super) fn href(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let mut text = String::with_capacity(bytes.len() + 2);
    // In front of a name with a colon a browser would see a scheme.
    text.push_str("./");
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A link to a finding on its page.
fn finding_link(row: &Row, named: &Named) -> String {
    let page = named.page.map_or(String::new(), |page| format!("p{page}&"));
    format!("{}#{page}f={}", row.page, named.index)
}

fn urgency(row: &Row) -> impl Ord + use<> {
    let priority = row.priority.as_ref().map_or(0, |priority| (priority.score * 1e4) as u32);
    (
        Reverse(row.findings[0]),
        Reverse(row.findings[1]),
        row.status == Status::Ok,
        Reverse(priority),
        row.path.clone(),
    )
}

/// The whole page.
pub(super) fn page(rows: &[Row], run: &Run) -> String {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| urgency(row));
    let searchable: Vec<String> = rows.iter().map(|row| searchable(row)).collect();
    let title = match rows.as_slice() {
        [row] => row.name().to_owned(),
        rows => words::count(rows.len() as u64, "document"),
    };
    let body = html! {
        a.skip href="#documents" { "Skip to the documents" }
        header.masthead {
            p.brand { "docproc report" }
            h1 { (title) }
            p.run { (run_line(run)) }
        }
        main {
            (tiles(&rows, run))
            (first(&rows))
            (documents(&rows))
            (trouble(&rows, run))
            (facts(run))
        }
        footer.foot {
            "Made by docproc from the analyses beside this page; it opens without a network. Every statement leads to its \
             place on the page it was read from."
        }
    };
    markup::page(&format!("{title} – docproc report"), STYLE, SCRIPT, &markup::json(&searchable), &body)
}

fn searchable(row: &Row) -> String {
    let mut text = format!("{}\n{}", row.path, row.identity.line());
    let more = row.identity.title.iter().map(String::as_str);
    let named = row.named.iter().map(|named| named.message.as_str());
    let errors = row.errors.iter().map(|error| error.message.as_str());
    let headings = row.headings.iter().map(String::as_str).take(HEADINGS);
    for part in more.chain(named).chain(errors).chain(headings) {
        text.push('\n');
        text.push_str(part);
    }
    text.to_lowercase()
}

fn run_line(run: &Run) -> Markup {
    html! {
        @match (run.text("/started"), run.number("/seconds")) {
            (Some(started), Some(seconds)) => {
                "Run of " time datetime=(started) { (started.replace('T', " ").replace('Z', " UTC")) }
                ", " (duration(seconds)) ", docproc " (run.text("/version").unwrap_or("?"))
                @if let Some(stopped) = run.text("/stopped") {
                    " " strong.warn { "stopped before its end (" (words::plain(stopped)) ")" }
                }
            }
            _ => { "The run that made these analyses left no manifest: it did not end." }
        }
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).round() as u64;
    if minutes < 60 {
        format!("{minutes} min")
    } else {
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

fn tiles(rows: &[&Row], run: &Run) -> Markup {
    let of = |status| rows.iter().filter(|row| row.status == status).count() as u64;
    let sum = |of: &dyn Fn(&Row) -> u32| rows.iter().map(|row| u64::from(of(row))).sum::<u64>();
    let (errors, warnings, notes) =
        (sum(&|row| row.findings[0]), sum(&|row| row.findings[1]), sum(&|row| row.findings[2]));
    let (checked, hold) = (sum(&|row| row.audit.checked), sum(&|row| row.audit.hold));
    let left = run.left().len() as u64;
    html! {
        dl.tiles {
            div {
                dt { "Documents" }
                dd { b { (words::grouped(rows.len() as u64)) }
                    span {
                        (words::grouped(of(Status::Ok))) " ok"
                        @if of(Status::Partial) > 0 { ", " (of(Status::Partial)) " partial" }
                        @if of(Status::Failed) > 0 { ", " strong.bad { (of(Status::Failed)) " failed" } }
                        @if left > 0 { ", " strong.warn { (left) " not reached" } }
                    }
                }
            }
            div {
                dt { "Pages" }
                dd { b { (words::grouped(sum(&|row| row.pages))) } span { (words::count(sum(&|row| row.tables), "table")) } }
            }
            div.bad[errors > 0] {
                dt { "Findings" }
                dd { b { (words::grouped(errors + warnings)) }
                    span { (words::count(errors, "error")) ", " (words::count(warnings, "warning"))
                        @if notes > 0 { ", " (words::count(notes, "note")) } }
                }
            }
            div.bad[hold < checked] {
                dt { "Sums that hold" }
                @if checked > 0 {
                    dd { b { (words::grouped(hold)) } span { "of " (words::grouped(checked)) " checked" } }
                } @else {
                    dd { b { "–" } span { "none found to check" } }
                }
            }
            div {
                dt { "To review" }
                dd { b { (words::grouped(sum(&|row| row.needs_review))) } span { "items in doubt" } }
            }
        }
    }
}

fn first(rows: &[&Row]) -> Markup {
    let mut all: Vec<(&Row, &Named)> = rows
        .iter()
        .flat_map(|row| row.named.iter().map(move |named| (*row, named)))
        .filter(|(_, named)| named.severity > Severity::Info)
        .collect();
    all.sort_by_key(|(_, named)| Reverse(named.severity));
    html! {
        section aria-labelledby="first" {
            h2 #first { "Look here first" }
            @if all.is_empty() {
                p.calm { "No error and no warning in " (words::count(rows.len() as u64, "document")) "." }
            } @else {
                ol.first {
                    @for (row, named) in all.iter().take(FIRST) {
                        li {
                            a href=(finding_link(row, named)) {
                                (severity(named.severity))
                                span.message { (named.message) }
                                span.where {
                                    (row.name())
                                    @if let Some(page) = named.page { ", page " (page) }
                                }
                            }
                        }
                    }
                }
                @if all.len() > FIRST {
                    p.more { "and " (words::grouped((all.len() - FIRST) as u64)) " more, in the documents below" }
                }
            }
        }
    }
}

fn severity(severity: Severity) -> Markup {
    let name = words::severity(severity);
    html! { span.chip.{ "s-" (name) } { (name) } }
}

fn documents(rows: &[&Row]) -> Markup {
    // One folder for all of them says nothing.
    let mut folders: Vec<_> =
        rows.iter().map(|row| row.path.rsplit_once('/').map(|(folder, _)| folder)).collect();
    folders.dedup();
    let folders = folders.len() > 1;
    html! {
        section #documents aria-labelledby="documents-title" {
            h2 #documents-title { "All documents" }
            form.tools role="search" {
                label { "Search" input #search type="search" autocomplete="off" placeholder="Name, company, heading, finding"; }
                label { "Status"
                    select #status {
                        option value="" { "all" }
                        @for status in ["ok", "partial", "failed"] { option value=(status) { (status) } }
                    }
                }
                label { "Findings"
                    select #findings {
                        option value="" { "all" }
                        option value="errors" { "errors" }
                        option value="warnings" { "errors or warnings" }
                        option value="none" { "none" }
                    }
                }
                label { "Sort by"
                    select #sort {
                        option value="urgency" { "urgency" }
                        option value="name" { "name" }
                        option value="priority" { "review priority" }
                        option value="negative" { "negative tone" }
                        option value="review" { "items to review" }
                        option value="pages" { "pages" }
                    }
                }
                p #shown role="status" {}
            }
            table.documents {
                thead { tr {
                    th scope="col" { "Document" }
                    th scope="col" { "Findings" }
                    th scope="col" { "Sums" }
                    th scope="col" { "Priority" }
                    th scope="col" { "Tone" }
                    th.n scope="col" { "Review" }
                    th.n scope="col" { "Pages" }
                } }
                tbody #rows {
                    @for (at, row) in rows.iter().enumerate() { (document(at, row, folders)) }
                }
            }
            p #none hidden { "No document is like that. Change the search or the filters." }
        }
    }
}

fn document(at: usize, row: &Row, folders: bool) -> Markup {
    let priority = row.priority.as_ref();
    let sentences: u32 = row.tone.iter().sum();
    let share = |count: u32| f64::from(count) / f64::from(sentences.max(1));
    let folder = row.path.rsplit_once('/').map(|(folder, _)| folder).filter(|_| folders);
    html! {
        tr data-at=(at) data-name=(row.path.to_lowercase()) data-status=(words::status(row.status))
            data-errors=(row.findings[0]) data-warnings=(row.findings[1])
            data-priority=(priority.map_or(-1.0, |priority| priority.score))
            data-negative=(share(row.tone[0])) data-review=(row.needs_review) data-pages=(row.pages) {
            th scope="row" {
                a.name href=(row.page) { (row.name()) }
                @if row.status != Status::Ok { " " span.chip.{ "st-" (words::status(row.status)) } { (words::status(row.status)) } }
                @let line = row.identity.line();
                @if !line.is_empty() { span.what { (line) } }
                @else if let Some(title) = &row.identity.title { span.what { (title) } }
                @if let Some(folder) = folder { span.folder { (folder) "/" } }
            }
            td data-label="Findings" {
                @let counts = [(Severity::Error, row.findings[0]), (Severity::Warning, row.findings[1]), (Severity::Info, row.findings[2])];
                @for (kind, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
                    @let name = words::severity(kind);
                    span.chip.{ "s-" (name) } { (words::count(count, name)) } " "
                }
                @if row.findings == [0; 3] { span.none { "none" } }
            }
            td data-label="Sums" {
                @match row.audit.verdict {
                    AuditVerdict::NothingChecked => { span.none { "none checked" } }
                    AuditVerdict::AllHold => { span.good { (row.audit.hold) " of " (row.audit.checked) } " hold" }
                    AuditVerdict::SomeBroken => { strong.bad { (row.audit.broken) " of " (row.audit.checked) } " do not hold" }
                }
            }
            td data-label="Priority" {
                @if let Some(priority) = priority {
                    @let percent = (priority.score * 100.0).round();
                    @if priority.reasons.is_empty() {
                        (meter(priority.score, priority.flagged)) " " (percent) "%"
                    } @else {
                        details {
                            summary { (meter(priority.score, priority.flagged)) " " (percent) "%"
                                span.hidden { " review priority of " (row.name()) ": reasons" } }
                            ul.reasons { @for reason in &priority.reasons { li { (reason) } } }
                        }
                    }
                } @else { span.none { "–" } }
            }
            td data-label="Tone" {
                @if sentences > 0 { (tone(row.tone)) } @else { span.none { "–" } }
            }
            td.n data-label="Review" { (words::grouped(u64::from(row.needs_review))) }
            td.n data-label="Pages" {
                (words::grouped(u64::from(row.pages)))
                @if row.page_count > row.pages { span.none { " of " (row.page_count) } }
            }
        }
    }
}

/// A share as a bar.
fn meter(share: f32, flagged: bool) -> Markup {
    let width = format!("{:.1}", (share * 60.0).clamp(0.0, 60.0));
    html! {
        svg.meter.flagged[flagged] viewBox="0 0 60 8" width="60" height="8" aria-hidden="true" {
            rect.track width="60" height="8" rx="4" {}
            rect.fill width=(width) height="8" rx="4" {}
        }
    }
}

/// Negative, neutral and positive sentences as a bar.
fn tone(counts: [u32; 3]) -> Markup {
    let sum = f64::from(counts.iter().sum::<u32>()).max(1.0);
    let [negative, _, positive] = counts.map(|count| f64::from(count) / sum * 60.0);
    let percent = |width: f64| format!("{:.0}%", width / 0.6);
    let label = format!("{} of the sentences negative, {} positive", percent(negative), percent(positive));
    html! {
        svg.tone viewBox="0 0 60 8" width="60" height="8" role="img" aria-label=(label) {
            title { (label) }
            rect.track width="60" height="8" {}
            rect.negative width=(format!("{negative:.1}")) height="8" {}
            rect.positive x=(format!("{:.1}", 60.0 - positive)) width=(format!("{positive:.1}")) height="8" {}
        }
        @if percent(negative) == "0%" && percent(positive) == "0%" {
            span.tone-n { "neutral" }
        } @else {
            span.tone-n { "−" (percent(negative)) } span.tone-p { "+" (percent(positive)) }
        }
    }
}

/// What could not be read, and what to do.
fn trouble(rows: &[&Row], run: &Run) -> Markup {
    let broken: Vec<&&Row> = rows.iter().filter(|row| !row.errors.is_empty()).collect();
    let (problems, left) = (run.list("problems"), run.left());
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    html! {
        @if !broken.is_empty() || !problems.is_empty() || !left.is_empty() || run.text("/error/message").is_some() {
            section.trouble aria-labelledby="trouble" {
                h2 #trouble { "What could not be read, and what to do" }
                @if let Some(message) = run.text("/error/message") {
                    p.bad { "The run could not go on: " (message) }
                }
                dl.errors {
                    @for row in broken {
                        dt { a href=(row.page) { (row.path) } " " span.chip.{ "st-" (words::status(row.status)) } { (words::status(row.status)) } }
                        @for error in &row.errors {
                            dd { @if let Some(page) = error.page { "Page " (page) ": " } (error.message) " " code { (error.code) } }
                        }
                    }
                    @for problem in problems {
                        dt { (of(problem, "path")) }
                        dd { (of(problem, "message")) " " code { (of(problem, "code")) } }
                    }
                }
                @if !left.is_empty() {
                    p { (words::count(left.len() as u64, "document")) " not reached before the run was stopped. Run "
                        code { "docproc analyze" } " again with the same folder: it goes on where it stopped." }
                    ul { @for path in left.iter().take(50) { li { (path) } } }
                    @if left.len() > 50 { p { "and " (left.len() - 50) " more" } }
                }
            }
        }
    }
}

fn facts(run: &Run) -> Markup {
    let count = |pointer: &str| words::grouped(run.number(pointer).unwrap_or(0.0) as u64);
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    html! {
        @if !run.0.is_null() {
            section aria-labelledby="facts" {
                details.facts {
                    summary { h2 #facts { "The run" } }
                    dl {
                        dt { "Pages analyzed in this run" } dd { (count("/counts/pages")) }
                        dt { "Documents skipped, because current" } dd { (count("/counts/skipped")) }
                        dt { "Results of models found in the cache" }
                        dd { (words::grouped((run.number("/cache/memory_hits").unwrap_or(0.0) + run.number("/cache/disk_hits").unwrap_or(0.0)) as u64))
                            " of " (words::grouped((run.number("/cache/memory_hits").unwrap_or(0.0) + run.number("/cache/disk_hits").unwrap_or(0.0)
                                + run.number("/cache/misses").unwrap_or(0.0)) as u64)) }
                        dt { "Page workers" } dd { (count("/workers/started")) " started, " (count("/workers/lost")) " lost" }
                    }
                    table {
                        caption { "Models" }
                        thead { tr { th scope="col" { "Role" } th scope="col" { "Model" } th scope="col" { "Numbers" } th scope="col" { "SHA-256" } } }
                        tbody {
                            @for model in run.list("models") {
                                tr { td { (words::plain(&of(model, "role"))) } td { (of(model, "name")) } td { (of(model, "precision")) }
                                    td { code { (of(model, "sha256").chars().take(16).collect::<String>()) } } }
                            }
                        }
                    }
                    @if let Some(libraries) = run.0.get("libraries").and_then(Value::as_object) {
                        table {
                            caption { "Libraries" }
                            thead { tr { th scope="col" { "Library" } th scope="col" { "Version or checksum" } } }
                            tbody {
                                @for (name, value) in libraries {
                                    tr { td { (words::plain(name)) } td { code { (value.as_str().unwrap_or("").chars().take(32).collect::<String>()) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_hold_any_name() {
        let named = |bytes: &[u8]| href(Path::new(std::ffi::OsStr::from_bytes(bytes)));
        assert_eq!(named("a b/ü#%.report/doc.html".as_bytes()), "./a%20b/%C3%BC%23%25.report/doc.html");
        assert_eq!(named(b"javascript:alert(1)"), "./javascript%3Aalert%281%29");
        assert_eq!(named(b"a\xff.report"), "./a%FF.report");
        assert_eq!(
            (duration(4.24), duration(125.0), duration(7322.0)),
            ("4.2 s".into(), "2 min".into(), "2 h 02 min".into())
        );
    }
}
