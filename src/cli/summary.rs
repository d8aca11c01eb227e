//! The summary that ends a run: documents with findings first, then failures, then the rest, then totals.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::paint;
use super::terminal::{Color, shown};
use crate::document::analysis::{AuditSummary, Severity, Status};
use crate::document::round::round_to;
use crate::output::{Manifest, RunCounts};
use crate::pipeline::Digest;
use crate::runtime::{BufferStatistics, StageTime};

/// From more documents than this on they are a table.
const MANY: usize = 12;
/// Documents that are told about in front of the table.
const URGENT: usize = 5;
/// Documents in the table at most; the rest is counted.
const LISTED: usize = 40;
/// Widest name in the table, in characters.
const NAME_WIDTH: usize = 60;
/// Sentences from which a share of them says something.
const TONE_SENTENCES: u32 = 10;
/// Other documents from which a share is compared with theirs.
const OTHERS: usize = 4;
/// Longest passage that is shown, in characters.
const PASSAGE: usize = 150;
/// Findings shown per document at most.
const FINDINGS: usize = 3;

/// Numbers that the audit must leave out for the summary to say so.
const MANY_LEFT_OUT: u32 = 10;

/// The summary as text, ready for standard error; `place` has been made harmless.
pub fn render(digests: &[Digest], counts: &RunCounts, seconds: f64, place: &str) -> String {
    let mut text = String::new();
    let ordered = most_urgent_first(digests);
    let run = Shares::of(digests);
    let told = if ordered.len() > MANY { URGENT } else { ordered.len() };
    for digest in &ordered[..told] {
        document(&mut text, digest, &run);
    }
    if ordered.len() > told {
        table(&mut text, &ordered);
    }
    let total: (u32, u32, u32) = digests.iter().fold((0, 0, 0), |total, digest| {
        (total.0 + digest.audit.checked, total.1 + digest.audit.hold, total.2 + digest.audit.broken)
    });
    let left_out: u32 = digests.iter().map(|digest| digest.audit.left_out).sum();
    if total.0 > 0 {
        line(
            &mut text,
            &format!("audit: {} relations checked, {} hold, {} do not", total.0, total.1, total.2),
        );
    } else if digests.iter().any(is_unchecked) {
        line(&mut text, "audit: no relation found to check; nothing is known about the sums");
    }
    if left_out >= MANY_LEFT_OUT {
        line(
            &mut text,
            &format!(
                "audit: {left_out} numbers left out, because they can be read in two ways or are cut off"
            ),
        );
    }
    let mut parts = vec![format!("{} ok", counts.ok)];
    for (count, what) in [
        (counts.partial, "partial"),
        (counts.failed, "failed"),
        (counts.skipped, "current and skipped"),
        (counts.not_reached, "not reached"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let documents = counts.ok + counts.partial + counts.failed + counts.not_reached;
    let rate = if seconds > 0.0 { counts.pages as f64 / seconds } else { 0.0 };
    line(
        &mut text,
        &format!(
            "{}: {}; {} in {seconds:.1} s ({rate:.1} pages/s){place}",
            count(documents, "document"),
            parts.join(", "),
            count(counts.pages, "page")
        ),
    );
    text
}

/// Errors first, then what failed, then further findings, then the tone.
fn most_urgent_first(digests: &[Digest]) -> Vec<&Digest> {
    let mut ordered: Vec<&Digest> = digests.iter().collect();
    let of =
        |digest: &Digest, severity| digest.findings.iter().filter(|finding| finding.0 == severity).count();
    ordered.sort_by(|a, b| {
        let key = |digest: &Digest| {
            let failed = digest.status != Status::Ok;
            (of(digest, Severity::Error), failed, of(digest, Severity::Warning), digest.findings.len())
        };
        let share = |digest: &Digest| digest.tone.negative_share();
        key(b).cmp(&key(a)).then(share(b).total_cmp(&share(a)))
    });
    ordered
}

/// The shares of negative sentences of a run's documents, in order.
struct Shares(Vec<f64>);

impl Shares {
    fn of(digests: &[Digest]) -> Self {
        let told = digests.iter().filter(|digest| digest.tone.sentences >= TONE_SENTENCES);
        let mut shares: Vec<f64> = told.map(|digest| digest.tone.negative_share()).collect();
        shares.sort_by(f64::total_cmp);
        Self(shares)
    }

    /// Where a share stands among the others of the run; nothing where it is an ordinary one or there are few.
    fn place(&self, share: f64) -> Option<String> {
        let others = self.0.len().checked_sub(1).filter(|others| *others >= OTHERS)?;
        let below = self.0.iter().filter(|other| **other < share).count();
        let above = self.0.iter().filter(|other| **other > share).count();
        if below * 4 >= others * 3 {
            return Some(format!("more than in {below} of {others} others"));
        }
        (above * 4 >= others * 3).then(|| format!("less than in {above} of {others} others"))
    }
}

/// One line per document, most urgent first.
fn table(text: &mut String, ordered: &[&Digest]) {
    let names: Vec<Cow<'_, str>> = ordered.iter().map(|digest| shown(&digest.path)).collect();
    let listed = names.len().min(LISTED);
    let width =
        names[..listed].iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(8, NAME_WIDTH);
    line(text, "");
    let head = format!(
        "{:<width$} {:>8} {:>8} {:>9} {:>9} {:>6}",
        "document", "status", "findings", "sums", "negative", "pages"
    );
    line(text, &paint(&head, Color::Bold));
    for (digest, name) in ordered.iter().zip(&names).take(LISTED) {
        let sums = if digest.audit.checked > 0 {
            format!("{}/{}", digest.audit.hold, digest.audit.checked)
        } else {
            "-".to_owned()
        };
        let negative = if digest.tone.sentences >= TONE_SENTENCES {
            format!("{:.0}%", 100.0 * digest.tone.negative_share())
        } else {
            "-".to_owned()
        };
        let status = match digest.status {
            Status::Ok => "ok",
            Status::Partial => "partial",
            Status::Failed => "failed",
        };
        let findings = digest.findings.len();
        let row = format!(
            "{:<width$} {status:>8} {findings:>8} {sums:>9} {negative:>9} {:>6}",
            end_of(name, width),
            digest.pages
        );
        line(text, &row);
    }
    if ordered.len() > LISTED {
        line(text, &format!("... and {} more documents", ordered.len() - LISTED));
    }
    line(text, "");
}

/// The end of a name, which says more than its beginning.
fn end_of(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    "…".chars().chain(name.chars().skip(length + 1 - width)).collect()
}

/// Where the time went: busy time per stage, summed over threads, and its share. Stages nest (`infer layout` is part of
/// `layout`) and run at the same time, so that shares do not add up to the run. Then what the pool of tensor buffers did.
pub fn profile(stages: &[StageTime], buffers: BufferStatistics) -> String {
    let mut text = String::from("stage                 calls    busy s    share\n");
    for stage in stages {
        line(
            &mut text,
            &format!(
                "{:<20} {:>6} {:>9.2} {:>7.1}%",
                stage.name,
                stage.calls,
                stage.busy.as_secs_f64(),
                100.0 * stage.share
            ),
        );
    }
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    line(
        &mut text,
        &format!(
            "tensor buffers: {} taken, {} of them reused; at most {:.1} MB in use, {:.1} MB kept",
            buffers.reused + buffers.allocated,
            buffers.reused,
            megabytes(buffers.peak_bytes),
            megabytes(buffers.kept_bytes)
        ),
    );
    text
}

/// The summary as a JSON object: totals, the audit's, every document with what the text says of it, and where the rest is.
pub fn object(manifest: &Manifest, digests: &[Digest], output: Option<&Path>) -> Value {
    let of_audit =
        |count: fn(&AuditSummary) -> u32| -> u32 { digests.iter().map(|digest| count(&digest.audit)).sum() };
    let documents: Vec<Value> = digests
        .iter()
        .map(|digest| {
            let findings: Vec<Value> = digest
                .findings
                .iter()
                .map(|(severity, message, page)| json!({"severity": severity, "message": message, "page": page}))
                .collect();
            json!({
                "path": digest.path,
                "status": digest.status,
                "codes": digest.codes,
                "error": digest.first_error,
                "what": digest.what,
                "pages": digest.pages,
                "findings": findings,
                "audit": digest.audit,
                "tone": digest.tone,
                "negative_passage": digest.passage,
                "unusual_sections": digest.unusual,
                "priority": digest.priority.map(|priority| round_to(f64::from(priority), 4)),
            })
        })
        .collect();
    json!({
        "started": manifest.started,
        "ended": manifest.ended,
        "seconds": manifest.seconds,
        "stopped": manifest.stopped,
        "counts": manifest.counts,
        "cache": manifest.cache,
        "workers": manifest.workers,
        "audit": {
            "checked": of_audit(|audit| audit.checked),
            "hold": of_audit(|audit| audit.hold),
            "broken": of_audit(|audit| audit.broken),
            "left_out": of_audit(|audit| audit.left_out),
            "numbers": of_audit(|audit| audit.numbers),
            "covered": of_audit(|audit| audit.covered),
            "nothing_checked": digests.iter().filter(|digest| is_unchecked(digest)).count(),
        },
        "output": output.map(Path::to_string_lossy),
        "problems": manifest.problems,
        "documents": documents,
    })
}

/// [`profile`] as a JSON object.
pub fn profile_object(stages: &[StageTime], buffers: BufferStatistics) -> Value {
    let stages: Vec<Value> = stages
        .iter()
        .map(|stage| {
            json!({
                "name": stage.name,
                "calls": stage.calls,
                "busy_seconds": stage.busy.as_secs_f64(),
                "share": stage.share,
            })
        })
        .collect();
    json!({
        "stages": stages,
        "buffers": {
            "taken": buffers.reused + buffers.allocated,
            "reused": buffers.reused,
            "released": buffers.released,
            "peak_bytes": buffers.peak_bytes,
            "kept_bytes": buffers.kept_bytes,
        },
    })
}

/// Whether a document has tables of numbers of which the audit can say nothing.
fn is_unchecked(digest: &Digest) -> bool {
    digest.audit.checked == 0 && digest.audit.numbers > 0
}

fn document(text: &mut String, digest: &Digest, run: &Shares) {
    let status = match digest.status {
        Status::Ok => paint("ok", Color::Green),
        Status::Partial => paint("partial", Color::Yellow),
        Status::Failed => paint("failed", Color::Red),
    };
    line(text, &format!("{}  {status}", paint(&shown(&digest.path), Color::Bold)));
    if digest.status != Status::Failed {
        if !digest.what.is_empty() {
            line(text, &format!("    {}", shown(&digest.what)));
        }
        let mut facts = vec![
            count(digest.pages, "page"),
            count(digest.sections, "section"),
            count(digest.sentences, "sentence"),
            count(digest.figures, "figure"),
            count(digest.tables, "table"),
        ];
        if digest.audit.checked > 0 {
            facts.push(format!("{} of {} sums hold", digest.audit.hold, digest.audit.checked));
        } else if is_unchecked(digest) {
            facts.push("no sum found to check".to_owned());
        }
        if digest.audit.left_out >= MANY_LEFT_OUT {
            facts.push(format!("{} numbers not audited", digest.audit.left_out));
        }
        line(text, &format!("    {}", facts.join(", ")));
        let tone = digest.tone;
        if tone.sentences >= TONE_SENTENCES {
            let percent = |count: u32| (100.0 * f64::from(count) / f64::from(tone.sentences)).round();
            let place = run.place(tone.negative_share()).map_or(String::new(), |place| format!(" ({place})"));
            line(
                text,
                &format!(
                    "    tone: {}% of the sentences negative{place}, {}% positive",
                    percent(tone.negative),
                    percent(tone.positive)
                ),
            );
        }
    }
    for (severity, message, page) in digest.findings.iter().take(FINDINGS) {
        let color = if *severity == Severity::Error { Color::Red } else { Color::Yellow };
        let page = page.map_or(String::new(), |page| format!(" (page {page})"));
        line(text, &format!("    {} {}{page}", paint("!", color), shown(message)));
    }
    if digest.findings.len() > FINDINGS {
        line(text, &format!("    ... and {} more findings", digest.findings.len() - FINDINGS));
    }
    for section in &digest.unusual {
        line(
            text,
            &format!(
                "    {} section {:?}: {} of {} sentences negative (page {})",
                paint("-", Color::Yellow),
                shown(&shortened(&section.title, PASSAGE / 2)),
                section.negative,
                section.sentences,
                section.page
            ),
        );
    }
    if let Some(passage) = &digest.passage {
        let words = shortened(&passage.text, PASSAGE);
        line(text, &format!("    {} {} (page {})", paint("-", Color::Yellow), shown(&words), passage.page));
    }
    if let Some(error) = &digest.first_error {
        let codes: Vec<&str> = digest.codes.iter().map(|code| code.as_str()).collect();
        line(text, &format!("    {}: {}", paint(&codes.join(", "), Color::Dim), shown(error)));
    }
}

/// The text up to the last whole word that fits.
fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters).collect();
    let end = kept.rfind(char::is_whitespace).unwrap_or(kept.len());
    format!("{} ...", kept[..end].trim_end())
}

pub(super) fn count(number: impl Into<u64>, what: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::analysis::AuditVerdict;
    use crate::error::ErrorCode;
    use crate::pipeline::{Passage, ToneCounts, UnusualSection};

    fn digest(path: &str) -> Digest {
        Digest {
            path: path.to_owned(),
            what: "Meridian plc · Annual report".to_owned(),
            pages: 1,
            sections: 2,
            sentences: 30,
            tone: ToneCounts { sentences: 30, positive: 3, negative: 6 },
            figures: 4,
            tables: 1,
            audit: AuditSummary {
                verdict: AuditVerdict::SomeBroken,
                checked: 5,
                hold: 4,
                broken: 1,
                left_out: 6,
                numbers: 90,
                covered: 20,
            },
            ..Digest::default()
        }
    }

    fn counts(ok: u32) -> RunCounts {
        RunCounts { ok, pages: u64::from(ok), ..RunCounts::default() }
    }

    #[test]
    fn a_document_says_what_it_is_its_tone_and_the_worst_of_it() {
        let bad = Digest {
            tone: ToneCounts { sentences: 30, positive: 0, negative: 15 },
            passage: Some(Passage { text: format!("Sales fell {}", "and fell ".repeat(40)), page: 7 }),
            unusual: vec![UnusualSection {
                title: "Going concern".into(),
                page: 3,
                negative: 6,
                sentences: 8,
            }],
            ..digest("bad.pdf")
        };
        let digests: Vec<Digest> =
            [bad].into_iter().chain((0..5).map(|id| digest(&format!("{id}.pdf")))).collect();
        let text = render(&digests, &counts(6), 1.0, "");
        for part in [
            "bad.pdf  ok\n    Meridian plc · Annual report\n    1 page,",
            "tone: 50% of the sentences negative (more than in 5 of 5 others), 0% positive",
            "- section \"Going concern\": 6 of 8 sentences negative (page 3)",
            "- Sales fell and fell and fell",
            " ... (page 7)",
            "tone: 20% of the sentences negative, 10% positive",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
        let alone = render(&digests[..1], &counts(1), 1.0, "");
        assert!(alone.contains("50% of the sentences negative, 0% positive"), "{alone}");
    }

    #[test]
    fn many_documents_are_a_table_with_the_most_urgent_first() {
        let mut digests: Vec<Digest> = (0..50).map(|id| digest(&format!("folder/{id}.pdf"))).collect();
        digests[30].findings = vec![(Severity::Error, "Total is 10 too high".to_owned(), Some(2))];
        digests[20].tone.negative = 30;
        digests[10].path = format!("{}/long.pdf", "x".repeat(100));
        digests[10].findings = vec![(Severity::Info, "Words are hidden".to_owned(), None)];
        let text = render(&digests, &counts(50), 1.0, "");
        let rows: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("document ")).collect();
        assert!(rows[1].starts_with("folder/30.pdf ") && rows[1].contains(" 4/5 "), "{text}");
        assert!(rows[2].starts_with("…xxx") && rows[2].contains("x/long.pdf "), "{text}");
        assert!(rows[3].starts_with("folder/20.pdf ") && rows[3].contains(" 100% "), "{text}");
        assert!(rows.contains(&"... and 10 more documents"), "{text}");
        assert_eq!(text.matches("Meridian plc").count(), URGENT, "{text}");
    }

    #[test]
    fn documents_with_findings_come_first_and_totals_last() {
        let fine = digest("fine.pdf");
        let wrong = Digest {
            findings: vec![(Severity::Error, "Total assets is 10 too high".to_owned(), Some(7))],
            ..digest("wrong.pdf")
        };
        let failed = Digest {
            status: Status::Failed,
            codes: vec![ErrorCode::PdfMalformed],
            first_error: Some("not a PDF inside".to_owned()),
            audit: AuditSummary::default(),
            ..digest("failed.pdf")
        };
        let counts = RunCounts { ok: 2, failed: 1, pages: 2, ..RunCounts::default() };
        let text = render(&[fine, failed, wrong], &counts, 2.0, "; analyses in out");
        let places = ["wrong.pdf", "failed.pdf", "fine.pdf", "audit:", "3 documents"]
            .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} is missing in {text}")));
        assert!(places.is_sorted(), "{text}");
        assert!(text.contains("Total assets is 10 too high (page 7)"), "{text}");
        assert!(text.contains("pdf.malformed: not a PDF inside"), "{text}");
        assert!(text.contains("10 relations checked, 8 hold, 2 do not"), "{text}");
        assert!(text.contains("12 numbers left out") && !text.contains("not audited"), "{text}");
    }
}
