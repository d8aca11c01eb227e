//! Control characters in the text of a document: made by damaged fonts, or to steer the terminal of who reads it.

use super::{count, evidence, finding};
use crate::document::findings::{Anomaly, Severity};
use crate::document::{BBox, Page};

/// One finding for the document, with the pages from whose text they were left out.
pub(super) fn control_characters(pages: &[Page]) -> Option<Anomaly> {
    let pages: Vec<&Page> = pages.iter().filter(|page| page.controls > 0).collect();
    let total: usize = pages.iter().map(|page| page.controls as usize).sum();
    let message = format!(
        "{} in the text of {} left out",
        count(total, "control character"),
        count(pages.len(), "page")
    );
    let place = |page: &Page| {
        let sheet = BBox::new(0.0, 0.0, page.width, page.height);
        evidence(page.number, sheet, count(page.controls as usize, "control character"))
    };
    (total > 0).then(|| {
        let places = pages.into_iter().map(place).collect();
        finding("control_characters", Severity::Info, message, places)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::page;
    use super::*;

    #[test]
    fn a_document_has_one_finding_at_most() {
        let pages = [2, 0, 1].map(|controls| Page { controls, ..page(1 + controls, Vec::new()) });
        let finding = control_characters(&pages).unwrap();
        assert_eq!(finding.message, "3 control characters in the text of 2 pages left out");
        assert_eq!(finding.evidence[1].text, "1 control character");
        assert_eq!(control_characters(&pages[1..2]), None);
    }
}
