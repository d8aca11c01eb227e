//! The summary that ends a run: documents with findings first, then failures, then the rest, then totals.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::paint;
use super::terminal::{Color, shown};
use crate::document::analysis::{AuditSummary, Severity, Status};
use crate::output::{Manifest, RunCounts};
use crate::pipeline::Digest;
use crate::runtime::{BufferStatistics, StageTime};

/// Documents listed one by one at most; the rest is counted.
const LISTED: usize = 40;
/// Findings shown per document at most.
const FINDINGS: usize = 3;

/// Numbers that the audit must leave out for the summary to say so.
const MANY_LEFT_OUT: u32 = 10;

/// The summary as text, ready for standard error; `place` has been made harmless.
pub fn render(digests: &[Digest], counts: &RunCounts, seconds: f64, place: &str) -> String {
    let mut text = String::new();
    let mut ordered: Vec<&Digest> = digests.iter().collect();
    ordered.sort_by_key(|digest| {
        let worst = digest.findings.first().map_or(Severity::Info, |finding| finding.0);
        (worst < Severity::Error || digest.findings.is_empty(), digest.status == Status::Ok)
    });
    for digest in ordered.iter().take(LISTED) {
        document(&mut text, digest);
    }
    if ordered.len() > LISTED {
        line(&mut text, &format!("... and {} more documents", ordered.len() - LISTED));
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

/// The summary as a JSON object: totals, the audit's, findings per document that has some, and where the rest is.
pub fn object(manifest: &Manifest, digests: &[Digest], output: Option<&Path>) -> Value {
    let of_audit =
        |count: fn(&AuditSummary) -> u32| -> u32 { digests.iter().map(|digest| count(&digest.audit)).sum() };
    let documents: Vec<Value> = digests
        .iter()
        .filter(|digest| digest.status != Status::Ok || !digest.findings.is_empty())
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
                "findings": findings,
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

fn document(text: &mut String, digest: &Digest) {
    let status = match digest.status {
        Status::Ok => paint("ok", Color::Green),
        Status::Partial => paint("partial", Color::Yellow),
        Status::Failed => paint("failed", Color::Red),
    };
    line(text, &format!("{}  {status}", paint(&shown(&digest.path), Color::Bold)));
    if digest.status != Status::Failed {
        let mut facts = vec![
            count(digest.pages, "page"),
            count(digest.sections, "section"),
            count(digest.sentences, "sentence"),
            count(digest.figures, "figure"),
            count(digest.tables, "table"),
        ];
        if let Some((label, balance)) = &digest.sentiment {
            // A balance that rounds to nothing has no sign.
            let balance = (balance * 100.0).round() / 100.0 + 0.0;
            facts.push(format!("sentiment {} ({balance:+.2})", shown(label)));
        }
        if digest.audit.checked > 0 {
            facts.push(format!("{} of {} sums hold", digest.audit.hold, digest.audit.checked));
        } else if is_unchecked(digest) {
            facts.push("no sum found to check".to_owned());
        }
        if digest.audit.left_out >= MANY_LEFT_OUT {
            facts.push(format!("{} numbers not audited", digest.audit.left_out));
        }
        line(text, &format!("    {}", facts.join(", ")));
    }
    for (severity, message, page) in digest.findings.iter().take(FINDINGS) {
        let color = if *severity == Severity::Error { Color::Red } else { Color::Yellow };
        let page = page.map_or(String::new(), |page| format!(" (page {page})"));
        line(text, &format!("    {} {}{page}", paint("!", color), shown(message)));
    }
    if digest.findings.len() > FINDINGS {
        line(text, &format!("    ... and {} more findings", digest.findings.len() - FINDINGS));
    }
    if let Some(error) = &digest.first_error {
        let codes: Vec<&str> = digest.codes.iter().map(|code| code.as_str()).collect();
        line(text, &format!("    {}: {}", paint(&codes.join(", "), Color::Dim), shown(error)));
    }
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

    fn digest(path: &str) -> Digest {
        Digest {
            path: path.to_owned(),
            status: Status::Ok,
            codes: Vec::new(),
            first_error: None,
            pages: 1,
            sections: 2,
            sentences: 3,
            sentiment: Some(("positive".to_owned(), 0.25)),
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
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_balance_that_rounds_to_nothing_has_no_sign() {
        let balanced = Digest { sentiment: Some(("neutral".to_owned(), -0.001)), ..digest("even.pdf") };
        let mut text = String::new();
        document(&mut text, &balanced);
        assert!(text.contains("sentiment neutral (+0.00)"), "{text}");
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
