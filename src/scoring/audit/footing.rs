//! Totals of columns: which rows a row claims to add up, and whether it does.
//!
//! Rows are read from top to bottom onto a stack. A row that is the sum of the top of the stack, in all columns or
//! in most of them, takes the place of what it sums, so that subtotals add up to totals. A relation is only believed
//! on evidence: how improbable it is that it holds by chance in the columns in which it holds (in bits), with a
//! threshold that depends on what the label, the rulings and the indentation say.

use super::relation::{Check, sum_check};
use super::sheet::{Class, Entry, Number, Row, Sheet};

/// Most rows that are tried as terms of one total.
const MOST_TERMS: usize = 60;
/// Most terms for which every choice of signs is tried.
const FREE_SIGNS: usize = 4;
/// Most bits that one column can contribute.
const COLUMN_BITS: f64 = 18.0;

/// How clearly a row says that it is a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cue {
    None,
    Result,
    Total,
}

impl Cue {
    fn of(row: &Row) -> Self {
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
            || key.contains("end of period")
            || key.contains("end of year")
            || key.contains("at end of");
        if total {
            return Self::Total;
        }
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
        if RESULTS.iter().any(|result| key.contains(result)) || key.ends_with(", net") || row.ruled() {
            return Self::Result;
        }
        if key.is_empty() { Self::Result } else { Self::None }
    }

    /// Bits of evidence from which a relation counts as claimed.
    fn believed(self) -> f64 {
        match self {
            Self::Total => 5.0,
            Self::Result => 9.0,
            Self::None => 26.0,
        }
    }

    /// Bits of evidence from which a column that does not hold is a finding.
    fn accused(self) -> f64 {
        match self {
            Self::Total => 7.0,
            Self::Result => 12.0,
            Self::None => 34.0,
        }
    }
}

/// Something on the stack.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// A heading without numbers, by row.
    Heading(usize),
    /// A row of numbers.
    Row(usize),
}

/// A relation between rows, and how it fares in each column.
#[derive(Clone, Debug)]
struct Hypothesis {
    /// Position on the stack of the first term.
    from: usize,
    /// Rows and their factors.
    parts: Vec<(usize, i8)>,
    holding: Vec<usize>,
    failing: Vec<usize>,
    bits: f64,
}

/// All checks of column totals of one sheet.
pub(super) fn footing(sheet: &Sheet<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut stack: Vec<Item> = Vec::new();
    for row in 0..sheet.rows.len() {
        if !sheet.rows[row].has_numbers() {
            if !sheet.rows[row].key.is_empty() {
                stack.push(Item::Heading(row));
            }
            continue;
        }
        if let Some(hypothesis) = best_hypothesis(sheet, &stack, row) {
            let cue = Cue::of(&sheet.rows[row]);
            let accuse =
                hypothesis.bits >= cue.accused() && hypothesis.holding.len() >= hypothesis.failing.len();
            for &column in &hypothesis.holding {
                checks.extend(check(sheet, &hypothesis.parts, row, column));
            }
            if accuse {
                for &column in &hypothesis.failing {
                    checks.extend(check(sheet, &hypothesis.parts, row, column));
                }
            }
            stack.truncate(hypothesis.from);
        } else if Cue::of(&sheet.rows[row]) == Cue::Total
            && let Some((from, found)) = misplaced_row(sheet, &stack, row)
        {
            checks.extend(found);
            stack.truncate(from);
        }
        stack.push(Item::Row(row));
    }
    checks
}

/// The numbers of a relation in one column; `None` where it says nothing.
fn numbers<'s>(
    sheet: &'s Sheet<'_>,
    parts: &[(usize, i8)],
    row: usize,
    column: usize,
) -> Option<(Vec<(usize, &'s Number, i8)>, &'s Number)> {
    let result = sheet.rows[row].entries[column].number()?;
    let mut terms = Vec::with_capacity(parts.len());
    for &(part, factor) in parts {
        match &sheet.rows[part].entries[column] {
            Entry::Blank => {}
            Entry::Unreadable => return None,
            Entry::Number(number) if number.class == result.class => terms.push((part, number, factor)),
            Entry::Number(_) => return None,
        }
    }
    (terms.len() >= 2 || (terms.len() == 1 && parts.len() >= 2)).then_some((terms, result))
}

fn check(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> Option<Check> {
    let (terms, result) = numbers(sheet, parts, row, column)?;
    let named: Vec<(String, &Number, i8)> =
        terms.into_iter().map(|(part, number, factor)| (sheet.name(part), number, factor)).collect();
    Some(sum_check(sheet, "footing", &named, (sheet.name(row), result)))
}

/// Difference, tolerance and bits of a relation in one column, without building the finding.
fn judge(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> Option<(bool, f64)> {
    let (terms, result) = numbers(sheet, parts, row, column)?;
    let sum: f64 = terms.iter().map(|(_, number, factor)| f64::from(*factor) * number.value).sum();
    let tolerance: f64 = terms.iter().map(|(_, number, _)| number.half_unit).sum::<f64>() + result.half_unit;
    let difference = (sum - result.value).abs();
    let holds = difference <= tolerance + 1e-9 * sum.abs().max(1.0);
    let filled = terms.iter().filter(|(_, number, _)| number.value != 0.0).count();
    let unit = 2.0 * result.half_unit;
    let width = 2.0 * difference.max(unit) / unit + 1.0;
    let bits =
        if filled < 2 { 0.0 } else { (result.value.abs() / unit / width).max(1.0).log2().min(COLUMN_BITS) };
    Some((holds, bits))
}

/// The relation that this row claims, if the evidence for one is strong enough.
fn best_hypothesis(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<Hypothesis> {
    let class = sheet.rows[row].entries.iter().find_map(Entry::number)?.class;
    if class == Class::PerShare {
        return None; // amounts per share of different lines add up only in a few layouts
    }
    let cue = Cue::of(&sheet.rows[row]);
    let mut best: Option<Hypothesis> = None;
    let mut rows: Vec<(usize, usize)> = Vec::new(); // stack position, row; the nearest first
    let mut tried = 0usize;
    for (position, item) in stack.iter().enumerate().rev() {
        let Item::Row(part) = *item else { continue };
        rows.push((position, part));
        if rows.len() > MOST_TERMS {
            break;
        }
        if rows.len() < 2 {
            continue;
        }
        for signs in sign_patterns(sheet, &rows) {
            tried += 1;
            let parts: Vec<(usize, i8)> = rows.iter().rev().map(|&(_, part)| part).zip(signs).collect();
            let mut hypothesis =
                Hypothesis { from: position, parts, holding: vec![], failing: vec![], bits: 0.0 };
            for column in 0..sheet.columns() {
                match judge(sheet, &hypothesis.parts, row, column) {
                    Some((true, bits)) => {
                        hypothesis.holding.push(column);
                        hypothesis.bits += bits;
                    }
                    Some((false, _)) => hypothesis.failing.push(column),
                    None => {}
                }
                // Two columns that fail before any holds: nothing to see.
                if hypothesis.failing.len() > hypothesis.holding.len() + 2 {
                    break;
                }
            }
            if hypothesis.holding.is_empty() || hypothesis.holding.len() < hypothesis.failing.len() {
                continue;
            }
            hypothesis.bits -= (1.0 + tried as f64).log2();
            let better = best.as_ref().is_none_or(|best| {
                let score = |hypothesis: &Hypothesis| {
                    hypothesis.holding.len() as i64 - hypothesis.failing.len() as i64
                };
                (
                    score(&hypothesis),
                    hypothesis.bits - best.bits > 3.0 || same_but_zeros(sheet, best, &hypothesis),
                ) > (score(best), false)
            });
            if better {
                best = Some(hypothesis);
            }
        }
    }
    best.filter(|best| {
        let needed = if best.failing.is_empty() { cue.believed() } else { cue.accused() };
        best.bits >= needed
    })
}

/// Whether the longer relation only adds rows of zeros of the same block.
fn same_but_zeros(sheet: &Sheet<'_>, short: &Hypothesis, long: &Hypothesis) -> bool {
    let added = &long.parts[..long.parts.len().saturating_sub(short.parts.len())];
    !added.is_empty()
        && long.parts.ends_with(&short.parts)
        && added.iter().all(|&(row, _)| {
            sheet.rows[row].entries.iter().filter_map(Entry::number).all(|number| number.value == 0.0)
                && sheet.rows[row].indent == sheet.rows[short.parts[0].0].indent
        })
}

/// Factors for the rows (given nearest first), in the order from the farthest to the nearest.
fn sign_patterns(sheet: &Sheet<'_>, rows: &[(usize, usize)]) -> Vec<Vec<i8>> {
    let length = rows.len();
    let mut patterns = vec![vec![1; length]];
    let mut minus_rest = vec![-1; length];
    minus_rest[0] = 1;
    let by_label: Vec<i8> = rows
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &(_, row))| if index > 0 && is_deduction(&sheet.rows[row].key) { -1 } else { 1 })
        .collect();
    if length <= FREE_SIGNS {
        for mask in 1..1u32 << (length - 1) {
            patterns.push(
                (0..length)
                    .map(|index| if index > 0 && mask >> (index - 1) & 1 == 1 { -1 } else { 1 })
                    .collect(),
            );
        }
    } else {
        if length <= 12 {
            patterns.push(minus_rest);
        }
        patterns.push(by_label);
        patterns.dedup();
    }
    patterns
}

/// Whether a positive amount with this label is taken off.
fn is_deduction(key: &str) -> bool {
    const WORDS: &[&str] = &[
        "less",
        "cost",
        "expense",
        "expenses",
        "provision",
        "tax",
        "taxes",
        "depreciation",
        "amortization",
        "allowance",
        "impairment",
        "loss",
        "losses",
        "noncontrolling",
        "charges",
        "administrative",
        "research",
        "marketing",
    ];
    key.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word))
}

/// A total that is off in every column by exactly one row of the table: that row stands in the wrong place.
fn misplaced_row(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<(usize, Vec<Check>)> {
    let heading = stack.iter().rposition(|item| matches!(item, Item::Heading(_)))?;
    let block: Vec<(usize, i8)> = stack[heading + 1..]
        .iter()
        .filter_map(|item| if let Item::Row(row) = item { Some((*row, 1)) } else { None })
        .collect();
    if block.len() < 2 || !names_block(sheet, stack[heading], row) {
        return None;
    }
    let checks: Vec<(usize, Check)> = (0..sheet.columns())
        .filter_map(|column| Some((column, check(sheet, &block, row, column)?)))
        .collect();
    if checks.len() < 2 || checks.iter().any(|(_, check)| check.holds()) {
        return None;
    }
    let moved = (0..sheet.rows.len()).filter(|&other| other != row).find(|&other| {
        let inside = block.iter().any(|&(part, _)| part == other);
        let mut nonzero = 0;
        checks.iter().all(|(column, check)| {
            let Some(number) = sheet.rows[other].entries[*column].number() else { return false };
            nonzero += usize::from(number.value.abs() > check.tolerance);
            let missing = check.difference() - number.value;
            let extra = check.difference() + number.value;
            (if inside { extra } else { missing }).abs() <= check.tolerance
        }) && nonzero >= 2
    })?;
    let inside = block.iter().any(|&(part, _)| part == moved);
    let place = if inside { "does not belong in" } else { "is missing from" };
    let remark = format!("the row \"{}\" {place} this sum", sheet.name(moved));
    let found =
        checks.into_iter().map(|(_, check)| Check { remark: Some(remark.clone()), ..check }).collect();
    Some((heading + 1, found))
}

/// Whether a total's label repeats the words of the heading over its block.
fn names_block(sheet: &Sheet<'_>, heading: Item, row: usize) -> bool {
    let Item::Heading(heading) = heading else { return false };
    let total = &sheet.rows[row].key;
    let words: Vec<&str> = sheet.rows[heading].key.split(' ').filter(|word| word.len() > 2).collect();
    !words.is_empty() && words.iter().all(|word| total.contains(word.trim_end_matches('s')))
}
