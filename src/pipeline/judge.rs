//! What is said about a document whose parts are known: audit, anomalies, scores.

use super::read::Read;
use crate::document::analysis::{Anomaly, AuditSummary, Relation, Score};
use crate::error::{Error, ErrorCode, Result};
use crate::limit::Limit;
use crate::runtime::Profiler;
use crate::scoring::anomalies::find_anomalies;
use crate::scoring::audit::audit;
use crate::scoring::networks::{Document, ScoringNetworks};
use crate::structure::AnalysisParts;
use crate::structure::numbers::Locale;

/// Audit, anomalies and scores, as far as the time went.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub audit: AuditSummary,
    /// Those of the audit, then the others.
    pub anomalies: Vec<Anomaly>,
    /// What the audit found to hold.
    pub relations: Vec<Relation>,
    pub scores: Vec<Score>,
}

/// Judges a document. Where the time is up before the end, what there is by then counts, and `errors` say what is missing.
///
/// # Errors
/// `internal`, `run.interrupted`.
pub(super) fn judge(
    networks: &ScoringNetworks,
    profiler: &Profiler,
    read: &Read,
    parts: &AnalysisParts,
    locale: Locale,
    limit: &Limit,
    errors: &mut Vec<Error>,
) -> Result<Judgement> {
    let mut judgement = Judgement::default();
    let mut missing = "audit, anomalies and scores";
    let mut stages = || -> Result<()> {
        {
            let _span = profiler.span("audit");
            let audit = audit(&read.pages, &parts.tables, &parts.sentences, locale, limit)?;
            (judgement.audit, judgement.anomalies) = (audit.summary, audit.anomalies);
            judgement.relations = audit.relations;
        }
        missing = "scores and the anomalies that the audit does not find";
        {
            let _span = profiler.span("anomalies");
            judgement.anomalies.extend(find_anomalies(
                &read.pages,
                &read.hidden,
                &parts.tables,
                &read.readings,
                limit,
            )?);
        }
        missing = "scores";
        let _span = profiler.span("scores");
        let document = Document {
            words: &read.pages,
            pages: &parts.pages,
            blocks: &parts.blocks,
            sections: &parts.sections,
            sentences: &parts.sentences,
            embedding: &parts.summary.embedding,
            tables: &parts.tables,
            anomalies: &judgement.anomalies,
            audit: judgement.audit,
            scores: &[],
        };
        judgement.scores = networks.score(&document, limit)?;
        Ok(())
    };
    match stages() {
        Err(error) if error.code() == ErrorCode::DocumentTimeout => {
            let what = format!("{}: without {missing}", error.message());
            errors.push(Error::new(error.code(), what).help("raise --timeout"));
        }
        other => other?,
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    fn judged(limit: &Limit) -> (Result<Judgement>, Vec<Error>) {
        let networks = ScoringNetworks::load(&[], true).unwrap();
        let (parts, mut errors) = (AnalysisParts::default(), Vec::new());
        let judgement = judge(
            &networks,
            &Profiler::default(),
            &Read::default(),
            &parts,
            Locale::default(),
            limit,
            &mut errors,
        );
        (judgement, errors)
    }

    #[test]
    fn what_the_time_left_out_is_an_error_and_a_stopped_run_has_no_judgement() {
        let (judgement, errors) = judged(&Limit::default());
        assert!(judgement.is_ok() && errors.is_empty());
        let (judgement, errors) = judged(&Limit::new(Duration::ZERO, Arc::default()));
        assert_eq!(judgement.unwrap().scores, []);
        let [error] = errors.as_slice() else { panic!("one error, not {errors:?}") };
        assert_eq!(error.code(), ErrorCode::DocumentTimeout);
        assert!(error.to_string().contains("without audit, anomalies and scores"), "{error}");
        let stopped = Limit::new(Duration::MAX, Arc::new(AtomicBool::new(true)));
        let (judgement, errors) = judged(&stopped);
        assert_eq!(judgement.unwrap_err().code(), ErrorCode::RunInterrupted);
        assert!(errors.is_empty());
    }
}
