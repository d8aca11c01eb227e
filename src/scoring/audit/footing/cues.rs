//! What labels, rulings and headings say about totals.

use super::super::sheet::{Row, Sheet};
use super::Item;

/// How clearly a row says that it is a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    None,
    Result,
    Total,
}

impl Cue {
    pub(super) fn of(row: &Row) -> Self {
        let key = row.key.as_str();
        let total = key.starts_with("total")
            || key.contains(" total")
            || key.starts_with("subtotal")
            || key.starts_with("ending balance")
            || key.ends_with("ending balance")
            || key.ends_with("ending balances")
            || key.starts_with("balance at")
            || key.starts_with("balances at")
            || key.starts_with("balance as of")
            || key.starts_with("balance, ")
            || key.starts_with("balances as of")
            || key.starts_with("net cash")
            || key.starts_with("cash provided")
            || key.starts_with("cash generated")
            || key.starts_with("cash used")
            || key.starts_with("net increase in cash")
            || key.starts_with("net decrease in cash")
            || key.contains("end of period")
            || key.contains("end of year")
            || key.contains("at end of");
        if total {
            return Self::Total;
        }
        let ruled = row.ruled();
        const RESULTS: &[&str] = &[
            "gross profit",
            "gross margin",
            "operating income",
            "operating profit",
            "operating loss",
            "operating earnings",
            "income from operations",
            "loss from operations",
            "income before",
            "loss before",
            "earnings before",
            "(loss) before",
            "(loss) from operations",
            "net income",
            "net loss",
            "net earnings",
            "net sales",
            "net revenue",
            "net cash",
            "net increase",
            "net decrease",
            "net change",
            "net (",
            "increase in cash",
            "decrease in cash",
            "(decrease) in cash",
            "comprehensive income",
            "comprehensive loss",
            "cash provided",
            "cash used",
            "cash generated",
            "cash flows from",
            "profit for the",
            "profit before",
            "net interest",
            "net earned",
            "increase/(decrease)",
            "carrying amount",
            "net carrying",
            "property, plant and equipment, net",
            "property and equipment, net",
            "long-term debt",
            "deferred tax",
        ];
        let result =
            key.is_empty() || ends_with_net(key) || RESULTS.iter().any(|result| key.contains(result));
        match (result, ruled) {
            (true, true) => Self::Total,
            (true, false) | (false, true) => Self::Result,
            (false, false) => Self::None,
        }
    }

    /// Bits of evidence from which a relation counts as claimed.
    pub(super) fn believed(self) -> f64 {
        match self {
            Self::Total => 5.0,
            Self::Result => 9.0,
            Self::None => 26.0,
        }
    }

    /// Bits of evidence from which a column that does not hold is a finding.
    pub(super) fn accused(self) -> f64 {
        match self {
            Self::Total => 6.0,
            Self::Result => 12.0,
            Self::None => 34.0,
        }
    }
}

/// "Goodwill, net", "Patents — net"
fn ends_with_net(key: &str) -> bool {
    key.strip_suffix("net").is_some_and(|rest| rest.trim_end().ends_with([',', '-', '–', '—', ':']))
}

/// Whether the label itself announces a total.
pub(super) fn says_total(key: &str) -> bool {
    key.starts_with("total")
        || key.starts_with("net cash")
        || key.starts_with("cash generated")
        || key.starts_with("cash used")
}

/// Whether a total's label repeats the words of the heading over its block.
pub(super) fn names_block(sheet: &Sheet<'_>, heading: Item, row: usize) -> bool {
    let Item::Heading(heading) = heading else { return false };
    let total = &sheet.rows[row].key;
    let words: Vec<&str> = sheet.rows[heading].key.split(' ').filter(|word| word.len() > 2).collect();
    !words.is_empty() && words.iter().all(|word| total.contains(word.trim_end_matches('s')))
}
