//! The words that name a concept in the label of a row.

/// A quantity that ratios are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concept {
    /// Total assets.
    TotalAssets,
    /// Current assets.
    CurrentAssets,
    /// Assets that are not current: total less current.
    FixedAssets,
    /// Cash and its equivalents.
    Cash,
    /// Short-term investments.
    ShortTermSecurities,
    /// Receivables from customers.
    Receivables,
    /// Inventories.
    Inventory,
    /// Current liabilities.
    CurrentLiabilities,
    /// Total less current liabilities.
    LongTermLiabilities,
    /// Total liabilities.
    TotalLiabilities,
    /// Total equity.
    Equity,
    /// Common stock or share capital.
    ShareCapital,
    /// Sales of a year.
    Sales,
    /// Sales of the year before.
    SalesBefore,
    /// Sales less operating profit, or the stated total of costs and expenses.
    OperatingExpenses,
    /// Operating profit of a year.
    OperatingProfit,
    /// Profit before income tax of a year.
    PretaxProfit,
    /// Profit before income tax of three years.
    PretaxProfitThreeYears,
    /// Net profit of a year.
    NetProfit,
    /// Interest expense of a year, positive.
    InterestExpense,
    /// Depreciation and amortization of a year, positive.
    Depreciation,
}

/// A statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Balance,
    Income,
    CashFlow,
}

/// Patterns of row labels, best first: `=` the whole label, `^` its beginning, `~` anywhere in it.
pub(super) const LEXICON: &[(Concept, Kind, &[&str])] = &[
    (Concept::TotalAssets, Kind::Balance, &["=total assets", "=assets, total"]),
    (Concept::CurrentAssets, Kind::Balance, &["^total current assets", "=current assets"]),
    (
        Concept::Cash,
        Kind::Balance,
        &["^cash and cash equivalents", "^cash, cash equivalents", "^cash and equivalents", "^cash"],
    ),
    (
        Concept::ShortTermSecurities,
        Kind::Balance,
        &[
            "^short-term investments",
            "^marketable securities",
            "^current marketable",
            "^short-term marketable",
        ],
    ),
    (
        Concept::Receivables,
        Kind::Balance,
        &[
            "^accounts receivable",
            "^trade accounts receivable",
            "^accounts and notes receivable",
            "^trade receivables",
            "^trade and other receivables",
            "^receivables",
            "^net receivables",
            "~receivable, net",
            "~receivables, net",
        ],
    ),
    (
        Concept::Inventory,
        Kind::Balance,
        &[
            "^inventor",
            "^merchandise inventor",
            "^total inventor",
            "^net inventor",
            "^materials and supplies",
        ],
    ),
    (Concept::CurrentLiabilities, Kind::Balance, &["^total current liabilities", "=current liabilities"]),
    (Concept::TotalLiabilities, Kind::Balance, &["=total liabilities"]),
    (
        Concept::Equity,
        Kind::Balance,
        &[
            "=total equity",
            "^total stockholders",
            "^total shareholders",
            "^total shareowners",
            "^total common stockholders",
            "^total common shareholders",
            "=stockholders' equity",
            "=shareholders' equity",
            "^total equity (deficit)",
            "^total deficit",
        ],
    ),
    (
        Concept::ShareCapital,
        Kind::Balance,
        &["^common stock", "^common shares", "^share capital", "^ordinary shares", "^class a common stock"],
    ),
    (
        Concept::Sales,
        Kind::Income,
        &[
            "=total net sales",
            "=total revenues",
            "=total revenue",
            "=total net revenues",
            "=total net revenue",
            "=total operating revenues",
            "=net sales",
            "=net revenues",
            "=net revenue",
            "=net operating revenues",
            "=operating revenues",
            "=revenues",
            "=revenue",
            "=sales",
            "=sales to customers",
            "^total revenues",
            "^total sales",
            "^net sales",
        ],
    ),
    (
        Concept::OperatingExpenses,
        Kind::Income,
        &["^total costs and expenses", "^total costs", "=costs and expenses"],
    ),
    (
        Concept::OperatingProfit,
        Kind::Income,
        &[
            "=operating income",
            "=operating profit",
            "=operating income (loss)",
            "=income from operations",
            "^income (loss) from operations",
            "^income from operations",
            "^earnings from operations",
            "^operating income",
            "^operating profit",
            "^operating earnings",
            "^operating (loss)",
            "^operating loss",
            "^loss from operations",
            "^(loss) income from operations",
        ],
    ),
    (
        Concept::PretaxProfit,
        Kind::Income,
        &[
            "~before provision for income tax",
            "~before income tax",
            "~before provision for",
            "~before provision (benefit)",
            "~before (benefit)",
            "~before taxes",
        ],
    ),
    (
        Concept::NetProfit,
        Kind::Income,
        &[
            "=net income",
            "=net earnings",
            "=net income (loss)",
            "=net earnings (loss)",
            "=net loss",
            "=consolidated net income",
            "=net (loss) income",
            "=profit for the period",
            "=profit for the year",
            "^net income attributable to",
            "^net earnings attributable to",
            "^net income",
            "^net earnings",
            "^net loss",
        ],
    ),
    (
        Concept::InterestExpense,
        Kind::Income,
        &["=interest expense", "^interest expense", "^interest and debt expense"],
    ),
    (
        Concept::Depreciation,
        Kind::CashFlow,
        &[
            "^depreciation and amortization",
            "^depreciation, amortization",
            "^depreciation, depletion",
            "^depreciation",
            "^amortization and depreciation",
        ],
    ),
];

/// Words that make a label another quantity than its beginning says.
const NOT: [&str; 7] = [
    "per share",
    "per common share",
    "noncontrolling",
    "non-controlling",
    "percent",
    "margin",
    "discontinued",
];

/// Whether a lower-case label fits a pattern of the lexicon.
pub(super) fn matches(label: &str, pattern: &str) -> bool {
    let (mode, text) = pattern.split_at(1);
    match mode {
        "=" => label == text,
        "^" => label.starts_with(text) && !NOT.iter().any(|word| label.contains(word)),
        _ => label.contains(text) && !NOT.iter().any(|word| label.contains(word)),
    }
}
