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
/// Most terms for which deductions are tried.
const MOST_DEDUCTIONS: usize = 16;
/// Bits that the most usual relation costs; any other costs the logarithm of how many were tried.
const NATURAL_COST: f64 = 1.5;
/// Bits that a single slip as explanation is worth: few differences have one.
const SLIP_BITS: f64 = 3.0;
/// Bits from which rows in the wrong place explain a total that is off in every column.
const MISPLACED_BITS: f64 = 9.0;
/// Columns in which every sum of at least this many fails are of another kind.
const ALWAYS_FAILING: usize = 3;
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
            key.is_empty() || key.ends_with(", net") || RESULTS.iter().any(|result| key.contains(result));
        match (result, ruled) {
            (true, true) => Self::Total,
            (true, false) | (false, true) => Self::Result,
            (false, false) => Self::None,
        }
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
    let mut checks: Vec<(usize, Check)> = Vec::new();
    let mut stack: Vec<Item> = Vec::new();
    for row in 0..sheet.rows.len() {
        if !sheet.rows[row].has_numbers() {
            if !sheet.rows[row].key.is_empty() {
                stack.push(Item::Heading(row));
            }
            continue;
        }
        if let Some(hypothesis) = best_hypothesis(sheet, &stack, row) {
            let columns = hypothesis.holding.iter().chain(&hypothesis.failing);
            checks.extend(
                columns.filter_map(|&column| Some((column, check(sheet, &hypothesis.parts, row, column)?))),
            );
            stack.truncate(hypothesis.from);
        } else if let Some((from, found)) = misplaced(sheet, &stack, row) {
            checks.extend(found);
            stack.truncate(from);
        } else if Cue::of(&sheet.rows[row]) == Cue::Total
            && let Some(heading) = stack.iter().rposition(|item| matches!(item, Item::Heading(_)))
            && names_block(sheet, stack[heading], row)
        {
            // What it sums is clear even if the sum is not: upper totals take this row and not its parts.
            stack.truncate(heading + 1);
        }
        stack.push(Item::Row(row));
    }
    let fate = |column: usize| {
        let own = checks.iter().filter(|(of, _)| *of == column);
        own.fold(
            [0usize; 2],
            |[holding, failing], (_, check)| {
                if check.holds() { [holding + 1, failing] } else { [holding, failing + 1] }
            },
        )
    };
    let other_kind: Vec<usize> = (0..sheet.columns())
        .filter(|&column| matches!(fate(column), [0, failing] if failing >= ALWAYS_FAILING))
        .collect();
    checks.into_iter().filter(|(column, _)| !other_kind.contains(column)).map(|(_, check)| check).collect()
}

/// The numbers of a relation in one column; `None` where it says nothing.
fn numbers<'s>(
    sheet: &'s Sheet<'_>,
    parts: &[(usize, i8)],
    row: usize,
    column: usize,
) -> Option<(Vec<(usize, &'s Number, i8)>, &'s Number)> {
    let result = sheet.rows[row].entries[column].number().filter(|_| sheet.additive[column])?;
    let mut terms = Vec::with_capacity(parts.len());
    for &(part, factor) in parts {
        match &sheet.rows[part].entries[column] {
            Entry::Blank => {}
            Entry::Unreadable => return None,
            Entry::Number(number) if number.class == result.class => terms.push((part, number, factor)),
            Entry::Number(_) => return None,
        }
    }
    (!terms.is_empty()).then_some((terms, result))
}

fn check(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> Option<Check> {
    let (terms, result) = numbers(sheet, parts, row, column)?;
    let named: Vec<(String, &Number, i8)> =
        terms.into_iter().map(|(part, number, factor)| (sheet.name(part), number, factor)).collect();
    Some(sum_check(sheet, "footing", &named, (sheet.name(row), result)))
}

/// Whether a relation holds in one column and the bits of evidence, without building the finding.
fn judge(sheet: &Sheet<'_>, parts: &[(usize, i8)], row: usize, column: usize) -> Option<(bool, f64)> {
    let (terms, result) = numbers(sheet, parts, row, column)?;
    let sum: f64 = terms.iter().map(|(_, number, factor)| f64::from(*factor) * number.value).sum();
    let half_units: f64 = terms.iter().map(|(_, number, _)| number.half_unit).sum();
    let filled = terms.iter().filter(|(_, number, _)| number.value != 0.0).count();
    Some(verdict(sum, half_units, filled, result))
}

/// Sums of one column over the rows tried so far, from the nearest upwards.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    plus: f64,
    /// With deductions (by their labels) taken off.
    by_label: f64,
    half_units: f64,
    terms: usize,
    filled: usize,
    /// The value added last, and its factor by label.
    last: (f64, f64),
    unreadable: bool,
}

impl Running {
    fn add(&mut self, entry: &Entry, class: Class, deduction: bool) {
        self.last = (0.0, 1.0);
        match entry {
            Entry::Blank => {}
            Entry::Number(number) if number.class == class => {
                let factor = if deduction { -1.0 } else { 1.0 };
                self.plus += number.value;
                self.by_label += factor * number.value;
                self.half_units += number.half_unit;
                self.terms += 1;
                self.filled += usize::from(number.value != 0.0);
                self.last = (number.value, factor);
            }
            _ => self.unreadable = true,
        }
    }
}

/// The long patterns of signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pattern {
    Plus,
    MinusRest,
    ByLabel,
}

/// The relation that this row claims, if the evidence for one is strong enough.
fn best_hypothesis(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<Hypothesis> {
    let class = sheet.rows[row].entries.iter().find_map(Entry::number)?.class;
    if class == Class::PerShare {
        return None; // amounts per share of different lines add up only in a few layouts
    }
    let cue = Cue::of(&sheet.rows[row]);
    let mut best: Option<Hypothesis> = None;
    let mut rows: Vec<usize> = Vec::new(); // the nearest first
    let mut running = vec![Running::default(); sheet.columns()];
    let mut tried = 0usize;
    for (position, item) in stack.iter().enumerate().rev() {
        let Item::Row(part) = *item else { continue };
        rows.push(part);
        if rows.len() > MOST_TERMS {
            break;
        }
        let deduction = is_deduction(&sheet.rows[part].key);
        for (running, entry) in running.iter_mut().zip(&sheet.rows[part].entries) {
            running.add(entry, class, deduction);
        }
        if rows.len() < 2 {
            continue;
        }
        // The whole block below a heading, or everything since the last subtotal, is what a total usually means.
        let natural = position == 0 || matches!(stack[position - 1], Item::Heading(_));
        let mut consider = |signs: &dyn Fn() -> Vec<i8>,
                            judged: &mut dyn Iterator<Item = (usize, Option<(bool, f64)>)>,
                            plain: bool| {
            tried += 1;
            let (mut holding, mut failing, mut bits) = (Vec::new(), Vec::new(), 0.0);
            for (column, verdict) in judged {
                match verdict {
                    Some((true, own)) => {
                        holding.push(column);
                        bits += own;
                    }
                    Some((false, _)) => failing.push(column),
                    None => {}
                }
            }
            if holding.is_empty() || holding.len() < failing.len() {
                return;
            }
            bits -= if plain && natural { NATURAL_COST } else { (1.0 + tried as f64).log2() };
            let parts = rows.iter().rev().copied().zip(signs()).collect();
            let hypothesis = Hypothesis { from: position, parts, holding, failing, bits };
            let score =
                |hypothesis: &Hypothesis| hypothesis.holding.len() as i64 - hypothesis.failing.len() as i64;
            let better = best.as_ref().is_none_or(|best| {
                (
                    score(&hypothesis),
                    hypothesis.bits - best.bits > 3.0 || same_but_zeros(sheet, best, &hypothesis),
                ) > (score(best), false)
            });
            if better {
                best = Some(hypothesis);
            }
        };
        let length = rows.len();
        if length <= FREE_SIGNS {
            for mask in 0..1u32 << (length - 1) {
                let signs = || -> Vec<i8> {
                    (0..length)
                        .map(|index| if index > 0 && mask >> (index - 1) & 1 == 1 { -1 } else { 1 })
                        .collect()
                };
                let parts: Vec<(usize, i8)> = rows.iter().rev().copied().zip(signs()).collect();
                let mut judged =
                    (0..sheet.columns()).map(|column| (column, judge(sheet, &parts, row, column)));
                consider(&signs, &mut judged, mask == 0);
            }
            continue;
        }
        for pattern in [Pattern::Plus, Pattern::MinusRest, Pattern::ByLabel] {
            let deductions: Vec<i8> = rows
                .iter()
                .rev()
                .enumerate()
                .map(|(index, &row)| match pattern {
                    Pattern::MinusRest if index > 0 => -1,
                    Pattern::ByLabel if index > 0 && is_deduction(&sheet.rows[row].key) => -1,
                    _ => 1,
                })
                .collect();
            if pattern != Pattern::Plus && (length > MOST_DEDUCTIONS || !deductions.contains(&-1)) {
                continue;
            }
            let mut judged = (0..sheet.columns())
                .map(|column| (column, judge_running(sheet, &running[column], pattern, row, column)));
            consider(&|| deductions.clone(), &mut judged, pattern == Pattern::Plus);
        }
    }
    best.filter(|best| {
        let needed = if best.failing.is_empty() { cue.believed() } else { cue.accused() };
        best.bits + slip_bonus(sheet, best, row) >= needed
    })
}

/// Evidence that a column fails because of a slip: one changed sign, scale or digit would make it hold.
fn slip_bonus(sheet: &Sheet<'_>, hypothesis: &Hypothesis, row: usize) -> f64 {
    let explained = |column: usize| {
        check(sheet, &hypothesis.parts, row, column)
            .is_some_and(|check| check.into_anomaly().explanation.is_some())
    };
    if !hypothesis.failing.is_empty() && hypothesis.failing.iter().all(|&column| explained(column)) {
        SLIP_BITS
    } else {
        0.0
    }
}

/// [`judge`] from running sums.
fn judge_running(
    sheet: &Sheet<'_>,
    running: &Running,
    pattern: Pattern,
    row: usize,
    column: usize,
) -> Option<(bool, f64)> {
    let result = sheet.rows[row].entries[column].number().filter(|_| sheet.additive[column])?;
    if running.unreadable || running.terms == 0 {
        return None;
    }
    let sum = match pattern {
        Pattern::Plus => running.plus,
        Pattern::MinusRest => 2.0 * running.last.0 - running.plus,
        // The first term is never a deduction.
        Pattern::ByLabel => running.by_label + (1.0 - running.last.1) * running.last.0,
    };
    Some(verdict(sum, running.half_units, running.filled, result))
}

/// Whether a sum is the result, and the bits of evidence if so.
fn verdict(sum: f64, half_units: f64, filled: usize, result: &Number) -> (bool, f64) {
    let difference = (sum - result.value).abs();
    let holds = difference <= half_units + result.half_unit + 1e-9 * sum.abs().max(1.0);
    let unit = 2.0 * result.half_unit;
    let width = 2.0 * difference.max(0.5 * unit) / unit + 1.0;
    let bits =
        if filled < 2 { 0.0 } else { (result.value.abs() / unit / width).max(1.0).log2().min(COLUMN_BITS) };
    (holds, bits)
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

/// A total that is off in every column, by exactly what one row, or two rows that changed places, would explain. Only
/// for rows that say what they total, and only for the whole block under a heading or at the top of the table.
fn misplaced(sheet: &Sheet<'_>, stack: &[Item], row: usize) -> Option<(usize, Vec<(usize, Check)>)> {
    let heading = stack.iter().rposition(|item| matches!(item, Item::Heading(_)));
    let from = heading.map_or(0, |heading| heading + 1);
    if heading.is_some_and(|heading| !names_block(sheet, stack[heading], row))
        || !says_total(&sheet.rows[row].key)
    {
        return None;
    }
    let parts: Vec<(usize, i8)> = stack[from..]
        .iter()
        .filter_map(|item| if let Item::Row(part) = item { Some((*part, 1)) } else { None })
        .collect();
    if parts.len() < 3 {
        return None;
    }
    let (checks, bits) = explained_by_rows(sheet, &parts, row)?;
    (bits >= MISPLACED_BITS).then_some((from, checks))
}

fn says_total(key: &str) -> bool {
    key.starts_with("total")
        || key.starts_with("net cash")
        || key.starts_with("cash generated")
        || key.starts_with("cash used")
}

/// The checks of a relation that fails in every column, with the rows that explain it and the bits of evidence.
fn explained_by_rows(
    sheet: &Sheet<'_>,
    parts: &[(usize, i8)],
    row: usize,
) -> Option<(Vec<(usize, Check)>, f64)> {
    let checks: Vec<(usize, Check)> =
        (0..sheet.columns()).filter_map(|column| Some((column, check(sheet, parts, row, column)?))).collect();
    if checks.len() < 2 || checks.iter().any(|(_, check)| check.holds() || check.printed == 0.0) {
        return None;
    }
    let value =
        |row: usize, column: usize| sheet.rows[row].entries[column].number().map(|number| number.value);
    // What a row adds to the sum in each column, if the row has numbers there.
    let vector =
        |row: usize| -> Option<Vec<f64>> { checks.iter().map(|(column, _)| value(row, *column)).collect() };
    let outside: Vec<(usize, Vec<f64>)> = (0..sheet.rows.len())
        .filter(|other| *other != row && !parts.iter().any(|part| part.0 == *other))
        .filter_map(|other| Some((other, vector(other)?)))
        .collect();
    let inside: Vec<(usize, Vec<f64>, f64)> =
        parts.iter().filter_map(|&(part, factor)| Some((part, vector(part)?, f64::from(factor)))).collect();
    let differences: Vec<f64> = checks.iter().map(|(_, check)| check.difference()).collect();
    let fits = |change: &dyn Fn(usize) -> f64| {
        checks
            .iter()
            .enumerate()
            .all(|(index, (_, check))| (differences[index] - change(index)).abs() <= check.unit() / 2.0)
    };
    let mut remark = None;
    let mut tried = 0usize;
    for (other, added) in &outside {
        tried += 1;
        if fits(&|index| added[index]) {
            remark = Some(format!("the row \"{}\" is missing from this sum", sheet.name(*other)));
        }
    }
    for (position, (part, own, factor)) in inside.iter().enumerate() {
        tried += 1;
        // Without its first row it is simply a shorter sum.
        if position > 0 && fits(&|index| -factor * own[index]) {
            remark = Some(format!("the row \"{}\" does not belong in this sum", sheet.name(*part)));
        }
        for (other, added) in &outside {
            tried += 1;
            if remark.is_none() && fits(&|index| factor * (added[index] - own[index])) {
                remark = Some(format!(
                    "the rows \"{}\" and \"{}\" have changed places",
                    sheet.name(*part),
                    sheet.name(*other)
                ));
            }
        }
    }
    // The result itself may have changed places with another row.
    let result = vector(row)?;
    for (other, added) in &outside {
        tried += 1;
        if remark.is_none() && fits(&|index| result[index] - added[index]) {
            remark = Some(format!(
                "the rows \"{}\" and \"{}\" have changed places",
                sheet.name(row),
                sheet.name(*other)
            ));
        }
    }
    let remark = remark?;
    let bits: f64 = checks
        .iter()
        .map(|(_, check)| (check.difference().abs() / check.unit() / 2.0).max(1.0).log2().min(COLUMN_BITS))
        .sum::<f64>()
        - (1.0 + tried as f64).log2();
    let checks = checks
        .into_iter()
        .map(|(column, check)| (column, Check { remark: Some(remark.clone()), ..check }))
        .collect();
    Some((checks, bits))
}

/// Whether a total's label repeats the words of the heading over its block.
fn names_block(sheet: &Sheet<'_>, heading: Item, row: usize) -> bool {
    let Item::Heading(heading) = heading else { return false };
    let total = &sheet.rows[row].key;
    let words: Vec<&str> = sheet.rows[heading].key.split(' ').filter(|word| word.len() > 2).collect();
    !words.is_empty() && words.iter().all(|word| total.contains(word.trim_end_matches('s')))
}
