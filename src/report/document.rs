//! The page of one document: what can be said without its pages' data. The script adds the pages as they come near.

use std::path::Path;

use maud::{Markup, html};
use serde_json::{Value, json};

use super::evidence::Evidence;
use super::page_data::{self, bbox};
use super::pictures::Pictures;
use super::row::{Row, page_of, worst_first};
use super::{markup, short, words};
use crate::document::analysis::{Analysis, Anomaly, AuditVerdict, Place, Section, Sentence, Status, Table};
use crate::document::findings::{Contribution, Evidence as Shown, Score, ScoreTarget, Term};
use crate::document::{BBox, Tone};

const STYLE: &str = concat!(include_str!("assets/base.css"), include_str!("assets/doc.css"));
const SCRIPT: &str = concat!(
    include_str!("assets/doc_model.js"),
    include_str!("assets/doc_pages.js"),
    include_str!("assets/doc_panel.js"),
    include_str!("assets/doc_detail.js"),
    include_str!("assets/doc_main.js"),
);

/// Sentences with the strongest tone that are named.
const STRONGEST: usize = 8;

/// Style and script: a report that another version of them made is not current.
pub(super) fn assets() -> String {
    [STYLE, SCRIPT].concat()
}

/// The whole page.
pub(super) fn page(
    analysis: &Analysis,
    evidence: &Evidence<'_>,
    row: &Row,
    output: &Path,
    pictures: &Pictures,
) -> String {
    let line = row.identity.line();
    let title = row.name();
    let up = "../".repeat(output.components().count());
    let order = worst_first(&analysis.anomalies);
    let tabs = [
        ("findings", "Findings", Some(analysis.anomalies.len()), findings(analysis, &order)),
        ("sections", "Sections", Some(analysis.sections.len()), sections(analysis)),
        ("tables", "Tables", Some(analysis.tables.len()), tables(analysis)),
        ("figures", "Figures", Some(analysis.figures.len()), figures()),
        ("sentences", "Sentences", Some(analysis.sentences.len()), sentences(analysis)),
        ("review", "Review", Some(analysis.summary.needs_review as usize), review(analysis, evidence)),
        ("about", "About", None, about(analysis)),
    ];
    let body = html! {
        a.skip href="#panel" { "Skip to the findings" }
        header.bar {
            a.back href={ (up) "index.html" } { "All documents" }
            div.title {
                h1 { (title) }
                @if row.status != Status::Ok { span.chip.{ "st-" (words::status(row.status)) } { (words::status(row.status)) } }
                @if !line.is_empty() { p { (line) } }
            }
            form.find role="search" {
                label.hidden for="search" { "Search this document" }
                input #search type="search" autocomplete="off" placeholder="Search this document";
            }
            button #swap type="button" aria-pressed="false" { "Pages" }
            button #help type="button" aria-haspopup="dialog" { "Keys" }
        }
        @if let Some(note) = &pictures.note { p.notice role="note" { (note) } }
        main.split {
            section #pages tabindex="-1" aria-label="Pages" {
                div.tools role="toolbar" aria-label="Pages" {
                    div.turn {
                        button #previous type="button" aria-label="Previous page" { "‹" }
                        label { span.hidden { "Page" } input #number type="number" min="1" inputmode="numeric"; }
                        span #of {}
                        button #next type="button" aria-label="Next page" { "›" }
                    }
                    div.layers role="group" aria-label="Show on the pages" {
                        @for (key, layer, name) in LAYERS {
                            @let pressed = if layer == "findings" { "true" } else { "false" };
                            button type="button" data-layer=(layer) aria-pressed=(pressed) title={ "Key " (key) } {
                                span.swatch.{ "sw-" (layer) } aria-hidden="true" {} (name)
                            }
                        }
                    }
                    div.zoom {
                        button #smaller type="button" aria-label="Smaller" { "−" }
                        button #larger type="button" aria-label="Larger" { "+" }
                    }
                }
                div #sheets role="region" aria-label="Pages of the document" tabindex="0" {}
                noscript { p.notice { "The pages are shown by a script of this file, which this browser does not run. What was found stands beside." } }
            }
            section #panel tabindex="-1" aria-label="What was found" {
                div.tabs role="tablist" aria-label="What was found" {
                    @for (at, (id, name, count, _)) in tabs.iter().enumerate() {
                        button type="button" role="tab" id={ "tab-" (id) } aria-controls={ "pane-" (id) }
                            aria-selected=(at == 0) tabindex=(if at == 0 { "0" } else { "-1" }) {
                            (name) @if let Some(count) = count { " " span.count { (words::grouped(*count as u64)) } }
                        }
                    }
                }
                div.panes {
                    @for (at, (id, _, _, content)) in tabs.iter().enumerate() {
                        section.pane role="tabpanel" id={ "pane-" (id) } aria-labelledby={ "tab-" (id) } tabindex="0" data-open[at == 0] { (content) }
                    }
                    section.pane #pane-search aria-label="Search" tabindex="0" {}
                }
                section #detail aria-label="What docproc says" hidden {}
            }
        }
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl {
                @for (key, what) in KEYS { dt { kbd { (key) } } dd { (what) } }
            }
            form method="dialog" { button { "Close" } }
        }
    };
    let data = core(analysis, &order, pictures);
    markup::page(&format!("{title} – docproc report"), STYLE, SCRIPT, &markup::json(&data), &body)
}

/// Key, name for the script, name for people.
const LAYERS: [(&str, &str, &str); 7] = [
    ("1", "findings", "Findings"),
    ("2", "blocks", "Blocks"),
    ("3", "order", "Order"),
    ("4", "tables", "Tables"),
    ("5", "figures", "Figures"),
    ("6", "names", "Names"),
    ("7", "tone", "Tone"),
];

const KEYS: [(&str, &str); 9] = [
    ("n", "next finding"),
    ("b", "finding before"),
    ("j", "next page"),
    ("k", "page before"),
    ("1 – 7", "show or hide findings, blocks, reading order, tables, figures, names, tone"),
    ("+ −", "larger, smaller"),
    ("/", "search"),
    ("Esc", "close what is open"),
    ("?", "these keys"),
];

/// What the script knows from the beginning.
fn core(analysis: &Analysis, order: &[usize], pictures: &Pictures) -> Value {
    let place = |page: u32, place: &BBox| json!([page, bbox(place)]);
    let findings: Vec<Value> = analysis
        .anomalies
        .iter()
        .map(|finding| {
            let terms = finding.terms.iter().map(|term| place(term.page, &term.bbox));
            let places: Vec<Value> = terms
                .chain(finding.evidence.iter().map(|shown| place(shown.place.page, &shown.place.bbox)))
                .collect();
            json!({
                "s": words::severity(finding.severity),
                "k": words::finding(&finding.kind),
                "x": finding.message,
                "p": page_of(finding),
                "z": places,
                "terms": finding.terms.len(),
            })
        })
        .collect();
    let tables: Vec<Value> = analysis
        .tables
        .iter()
        .map(|table| {
            let parts: Vec<Value> = std::iter::once(place(table.page, &table.bbox))
                .chain(table.continued.iter().map(|part| place(part.page, &part.bbox)))
                .collect();
            json!({
                "i": table.id,
                "z": parts,
                "x": table.caption,
                "rows": table.rows,
                "columns": table.columns,
                "head": table.header_rows,
                "e": table.scale,
                "from": table.scale_from,
                "m": table.currency,
                "d": table.column_periods.iter().map(|period| period.as_deref().map(words::period)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let labels = page_data::labels(analysis);
    let tones: Vec<Option<&str>> = labels
        .iter()
        .map(|label| match Tone::of(label) {
            Some(Tone::Negative) => Some("negative"),
            Some(Tone::Neutral) => Some("neutral"),
            Some(Tone::Positive) => Some("positive"),
            None => None,
        })
        .collect();
    let models = analysis
        .models
        .iter()
        .map(|model| (model.role.clone(), json!(format!("{} ({})", model.name, model.precision))));
    json!({
        "pages": analysis.pages.iter().map(|page| json!([page.number, page.width, page.height, pictures.pages.contains(&page.number), page.label])).collect::<Vec<_>>(),
        "findings": findings,
        "order": order,
        "sections": analysis.sections.iter().map(|section| section.pages[0]).collect::<Vec<_>>(),
        "tables": tables,
        "labels": labels,
        "tones": tones,
        "models": models.collect::<serde_json::Map<_, _>>(),
    })
}

/// The place where a cut-out of the page goes.
fn cut(place: &Place) -> Markup {
    let [x0, y0, x1, y1] =
        [place.bbox.x0, place.bbox.y0, place.bbox.x1, place.bbox.y1].map(|side| format!("{side:.1}"));
    html! { span.cut data-cut={ (place.page) " " (x0) " " (y0) " " (x1) " " (y1) } {} }
}

fn findings(analysis: &Analysis, order: &[usize]) -> Markup {
    let audit = analysis.summary.audit;
    html! {
        h2.hidden { "Findings" }
        @if analysis.status == Status::Failed {
            p.verdict.bad { "Nothing of this document could be read." }
        }
        @match audit.verdict {
            AuditVerdict::NothingChecked => { p.verdict { "No sum was found to check: nothing is known of them." } }
            AuditVerdict::AllHold => { p.verdict.good { "All " (audit.checked) " sums that were checked hold. " span.of { (audit.covered) " of " (audit.numbers) " numbers in tables are in one." } } }
            AuditVerdict::SomeBroken => { p.verdict.bad { strong { (audit.broken) " of " (audit.checked) } " sums that were checked do not hold. " span.of { (audit.covered) " of " (audit.numbers) " numbers in tables are in one." } } }
        }
        @if audit.left_out > 0 {
            p.of { (words::count(audit.left_out, "number")) " left out, because they can be read in two ways or are cut off." }
        }
        @for error in &analysis.errors {
            p.problem { strong { @if let Some(page) = error.page { "Page " (page) " is missing. " } @else { "Something is missing. " } } (error.message) " " code { (error.code) } }
        }
        @for at in order { (finding(*at, &analysis.anomalies[*at])) }
        @if !analysis.relations.is_empty() {
            details.holds #holds {
                summary { "The " (words::count(analysis.relations.len() as u64, "relation")) " that hold" }
                div #holds-list {}
            }
        }
    }
}

fn finding(at: usize, finding: &Anomaly) -> Markup {
    let name = words::severity(finding.severity);
    let page = page_of(finding);
    let link = |part: &str| page.map_or(format!("#f={at}{part}"), |page| format!("#p{page}&f={at}{part}"));
    html! {
        article.finding.{ "f-" (name) } id={ "finding-" (at) } {
            header {
                span.chip.{ "s-" (name) } { (name) }
                span.kind { (words::finding(&finding.kind)) }
                @if let Some(page) = page { span.page { "page " (page) } }
            }
            h3 { a href=(link("")) { (finding.message) } }
            @if let Some((result, parts)) = finding.terms.split_last() {
                (ticks(finding, parts, result, &link))
            }
            @if let Some(explanation) = &finding.explanation {
                p.explanation { strong { "One change would make it fit: " } (explanation) }
            }
            @if !finding.evidence.is_empty() { (shown(&finding.evidence, &link)) }
            @if let Some(formula) = &finding.formula {
                details.formula { summary { "Formula" } p { (formula) } }
            }
            @if !finding.statistics.is_empty() {
                dl.statistics { @for (name, value) in &finding.statistics { dt { (words::plain(name)) } dd { (words::number(f64::from(value.0))) } } }
            }
        }
    }
}

/// The sheet on which an auditor ticks off a sum.
fn ticks(finding: &Anomaly, parts: &[Term], result: &Term, link: &dyn Fn(&str) -> String) -> Markup {
    let place = |term: &Term| Place { page: term.page, bbox: term.bbox };
    let number = |value: Option<f64>| value.map_or(String::new(), words::number);
    html! {
        table.ticks {
            thead.hidden { tr { th scope="col" { "Sign" } th scope="col" { "Term" } th scope="col" { "On the page" } th scope="col" { "Number" } } }
            tbody {
                @for (at, term) in parts.iter().enumerate() {
                    tr {
                        td.sign { (if term.factor < 0 { "−" } else if at == 0 { "" } else { "+" }) }
                        th scope="row" { a href=(link(&format!(".{at}"))) { (term.name) } }
                        td.on { (cut(&place(term))) }
                        td.n { (term.text) }
                    }
                }
                tr.expected {
                    td.sign { "=" } th scope="row" { "should be" } td.on {} td.n { (number(finding.expected)) }
                }
                tr.printed {
                    td.sign {} th scope="row" { a href=(link(&format!(".{}", parts.len()))) { "is printed: " (result.name) } }
                    td.on { (cut(&place(result))) } td.n { (result.text) }
                }
                tr.difference {
                    td.sign { span aria-hidden="true" { "✗" } } th scope="row" { "difference"
                        @if let Some(tolerance) = finding.tolerance { span.of { " (rounding allows " (words::number(tolerance)) ")" } } }
                    td.on {} td.n { (finding.difference.map_or(String::new(), words::difference)) }
                }
            }
        }
    }
}

fn shown(evidence: &[Shown], link: &dyn Fn(&str) -> String) -> Markup {
    const LISTED: usize = 20;
    html! {
        ul.evidence {
            @for (at, place) in evidence.iter().take(LISTED).enumerate() {
                li { a href=(link(&format!(".{at}"))) { "p. " (place.place.page) " " (cut(&place.place)) " " q { (short(&place.text)) } } }
            }
        }
        @if evidence.len() > LISTED { p.of { "and " (evidence.len() - LISTED) " more places" } }
    }
}

/// Negative and positive of a section's tone in thousandths, for the script that draws it.
fn tone_of(section: &Section) -> Option<String> {
    let sentiment = section.sentiment.as_ref()?;
    let of = |tone| {
        let alike = sentiment.probabilities.iter().filter(|(label, _)| Tone::of(label) == Some(tone));
        (alike.map(|(_, value)| value.0).sum::<f32>() * 1000.0).round()
    };
    Some(format!("{} {}", of(Tone::Negative), of(Tone::Positive)))
}

fn sections(analysis: &Analysis) -> Markup {
    let risk = |id: u32| {
        analysis
            .scores
            .iter()
            .find(|score| score.network == "risk_scorer" && score.target == ScoreTarget::Section(id))
    };
    html! {
        h2.hidden { "Sections" }
        p.of { "The tone is the mean over the sentences of a section: negative on the left, positive on the right. Risk is adverse-risk language." }
        ol.tree {
            @for section in &analysis.sections {
                @let level = section.level.min(6);
                li.{ "lv" (level) } {
                    a href={ "#p" (section.pages[0]) "&s=" (section.id) } {
                        span.heading { (if section.title.is_empty() { "Before the first heading" } else { &section.title }) }
                        span.facts {
                            @if let Some(kind) = &section.kind { @if kind.label != "other" && kind.confidence >= 0.5 { span.kind { (words::section_kind(&kind.label)) } } }
                            @if let Some(risk) = risk(section.id) { span.risk.flagged[risk.flagged] { "risk " (format!("{:.0}%", risk.score * 100.0)) } }
                            @if let Some(tone) = tone_of(section) { span.tones data-tone=(tone) {} }
                            span.page { "p. " (section.pages[0]) }
                        }
                    }
                }
            }
        }
        @if analysis.sections.is_empty() { p.none { "No sections were found." } }
    }
}

fn tables(analysis: &Analysis) -> Markup {
    html! {
        h2.hidden { "Tables" }
        @for table in &analysis.tables {
            details.table data-table=(table.id) {
                summary {
                    span.heading { (table.caption.as_deref().unwrap_or("Table without a caption")) }
                    span.of { "page " (table.page) ", " (table.rows) " × " (table.columns) (scale(table)) }
                }
                div.grid {}
            }
        }
        @if analysis.tables.is_empty() { p.none { "No tables were found." } }
    }
}

fn scale(table: &Table) -> String {
    let currency = table.currency.as_ref().map_or(String::new(), |currency| format!(", {currency}"));
    let scale = match table.scale {
        Some(3) => ", in thousands".to_owned(),
        Some(6) => ", in millions".to_owned(),
        Some(9) => ", in billions".to_owned(),
        Some(0) | None => String::new(),
        Some(power) => format!(", times 10^{power}"),
    };
    currency + &scale
}

fn figures() -> Markup {
    html! {
        h2.hidden { "Figures" }
        p.of { "Amounts, percentages, dates and quantities on the page that is shown." }
        div.list #figures-list {}
    }
}

fn sentences(analysis: &Analysis) -> Markup {
    let strongest = |wanted: Tone| {
        let of = |sentence: &Sentence| {
            let sentiment =
                sentence.sentiment.as_ref().filter(|sentiment| Tone::of(&sentiment.label) == Some(wanted))?;
            Some(sentiment.probability_of(wanted))
        };
        let mut found: Vec<(f32, &Sentence)> =
            analysis.sentences.iter().filter_map(|sentence| Some((of(sentence)?, sentence))).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
        found.truncate(STRONGEST);
        found
    };
    let list = |title: &str, class: &str, found: Vec<(f32, &Sentence)>| {
        html! {
            @if !found.is_empty() {
                h3 { (title) }
                ul.said {
                    @for (probability, sentence) in found {
                        li.(class) { a href={ "#p" (sentence.page) "&q=" (sentence.id) } {
                            (sentence.text) " " span.of { "p. " (sentence.page) ", " (format!("{:.0}%", probability * 100.0)) }
                        } }
                    }
                }
            }
        }
    };
    html! {
        h2.hidden { "Sentences" }
        (list("Most negative", "negative", strongest(Tone::Negative)))
        (list("Most positive", "positive", strongest(Tone::Positive)))
        h3 #sentences-title { "On this page" }
        ul.said #sentences-list {}
    }
}

fn review(analysis: &Analysis, evidence: &Evidence<'_>) -> Markup {
    let pages: Vec<(u32, u32)> = analysis
        .pages
        .iter()
        .map(|page| (page.number, evidence.on(page.number).in_review))
        .filter(|(_, count)| *count > 0)
        .collect();
    html! {
        h2.hidden { "Review" }
        p.of { "What docproc is not sure of: below the threshold of its model, or readable in two ways." }
        @for (page, count) in &pages {
            details.review data-page=(page) {
                summary { "Page " (page) " " span.count { (count) } }
                ul.list {}
            }
        }
        @if pages.is_empty() { p.none { "Nothing is in doubt." } }
    }
}

fn about(analysis: &Analysis) -> Markup {
    let document = &analysis.document;
    let scores = analysis.scores.iter().filter(|score| score.target == ScoreTarget::Document);
    html! {
        h2.hidden { "About" }
        @for score in scores { (document_score(score)) }
        h3 { "Document" }
        dl.facts {
            dt { "Path" } dd { (document.path) }
            dt { "Pages" } dd { (analysis.summary.pages) @if document.page_count > analysis.summary.pages { " of " (document.page_count) } }
            dt { "Words" } dd { (words::grouped(analysis.summary.words)) }
            dt { "Type" } dd { (document.media_type) ", " (words::grouped(document.bytes)) " bytes" }
            dt { "SHA-256" } dd { code { (document.sha256) } }
            @for (name, value) in &document.metadata { dt { (words::capital(&words::plain(name))) } dd { (value) } }
        }
        h3 { "Models" }
        dl.facts {
            @for model in &analysis.models {
                dt { (words::capital(&words::plain(&model.role))) } dd { (model.name) " (" (model.precision) ") " code { (model.sha256.chars().take(12).collect::<String>()) } }
            }
        }
    }
}

fn document_score(score: &Score) -> Markup {
    html! {
        section.score.flagged[score.flagged] {
            h3 { (words::network(&score.network)) " " b { (format!("{:.0}%", score.score * 100.0)) } }
            (why(&score.contributions))
        }
    }
}

/// What moved a score, as bars to the left and to the right.
fn why(contributions: &[Contribution]) -> Markup {
    let most = contributions.iter().map(|part| part.contribution.abs()).fold(f32::MIN_POSITIVE, f32::max);
    html! {
        table.why {
            thead.hidden { tr { th scope="col" { "Feature" } th scope="col" { "Effect" } th scope="col" { "Value" } } }
            tbody {
                @for part in contributions {
                    @let width = part.contribution.abs() / most * 50.0;
                    @let x = if part.contribution < 0.0 { 50.0 - width } else { 50.0 };
                    tr {
                        th scope="row" { (words::feature(&part.feature)) }
                        td { svg viewBox="0 0 100 8" width="100" height="8" role="img" aria-label=(if part.contribution < 0.0 { "lowers it" } else { "raises it" }) {
                            rect.up[part.contribution >= 0.0].down[part.contribution < 0.0] x=(format!("{x:.1}")) width=(format!("{width:.1}")) height="8" {}
                            rect.axis x="49.75" width="0.5" height="8" {}
                        } }
                        td.n { (words::number(f64::from(part.value))) }
                    }
                }
            }
        }
    }
}
