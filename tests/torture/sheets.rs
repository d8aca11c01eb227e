//! Plausible statements whose sums hold.

use super::chance::Chance;
use super::periods::{Head, heads};
use super::spell::Amount;
use super::styles::{Habit, Language, Style};
use super::variants::{change_column, interleave, maturity_columns, measures};
use super::words::words;

/// What a printed number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// With the scale of its column or table.
    Money,
    PerShare,
    Percent,
    /// A count with the power of ten that its label states.
    Count(i32),
    Ratio,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// Nothing is printed.
    Empty,
    /// A dash.
    Nil,
    /// One of [`ODD`].
    Odd(usize),
    Figure(Amount, What),
}

/// A spelling that only some houses have.
pub struct Odd {
    pub text: &'static str,
    /// What readers take it for, before scale; nothing for nil.
    pub values: &'static [f64],
    pub kind: &'static str,
    pub tag: &'static str,
}

const fn odd(text: &'static str, values: &'static [f64], kind: &'static str, tag: &'static str) -> Odd {
    Odd { text, values, kind, tag }
}

/// Three of a kind in a row.
pub const ODD: [Odd; 24] = [
    odd("4 1/2%", &[4.5], "PERCENT", "cell fraction"),
    odd("6-3/4%", &[6.75], "PERCENT", "cell fraction"),
    odd("5⅝%", &[5.625], "PERCENT", "cell fraction"),
    odd("3.5 - 4.4%", &[3.5, 4.4], "PERCENT", "cell range"),
    odd("1.2% – 2.0%", &[1.2, 2.0], "PERCENT", "cell range"),
    odd("2.1 to 3.6%", &[2.1, 3.6], "PERCENT", "cell range"),
    odd("1,234 CR", &[-1234.0, 1234.0], "MONEY", "cell CR DR"),
    odd("845 DR", &[845.0, -845.0], "MONEY", "cell CR DR"),
    odd("2,310 Cr", &[-2310.0, 2310.0], "MONEY", "cell CR DR"),
    odd("12·5", &[12.5], "MONEY", "cell middle dot"),
    odd("108·4", &[108.4], "MONEY", "cell middle dot"),
    odd("7·1", &[7.1], "MONEY", "cell middle dot"),
    odd("▲ 4.5%", &[4.5], "PERCENT", "cell direction mark"),
    odd("▲ 12.0%", &[12.0], "PERCENT", "cell direction mark"),
    odd("▼ 3.1%", &[-3.1, 3.1], "PERCENT", "cell direction mark"),
    odd("nil", &[], "MONEY", "cell nil"),
    odd("Nil", &[], "MONEY", "cell nil"),
    odd("- 0 -", &[], "MONEY", "cell nil"),
    odd("minus 12", &[-12.0], "MONEY", "cell minus in words"),
    odd("(1,204)*", &[-1204.0], "MONEY", "cell mark behind parentheses"),
    odd("minus 310", &[-310.0], "MONEY", "cell minus in words"),
    odd("+4.5%", &[4.5], "PERCENT", "cell plus"),
    odd("+0.8%", &[0.8], "PERCENT", "cell plus"),
    odd("+11.9%", &[11.9], "PERCENT", "cell plus"),
];

#[derive(Clone, Debug)]
pub struct Row {
    pub label: String,
    pub indent: u32,
    pub total: bool,
    pub note: Option<String>,
    /// One per column; none for a heading.
    pub entries: Vec<Entry>,
    pub tag: Option<&'static str>,
    /// The label is a number that is no figure.
    pub year: bool,
}

/// A column with a unit of its own.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    pub power: i32,
    pub money: bool,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub head: Head,
    pub own: Option<Own>,
}

/// Row `result` is the sum of the terms in these columns.
#[derive(Clone, Debug)]
pub struct Claim {
    pub result: usize,
    pub terms: Vec<usize>,
    pub columns: Vec<usize>,
}

pub struct Sheet {
    pub kind: &'static str,
    pub title: String,
    pub columns: Vec<Column>,
    pub spans: Vec<(String, usize, usize)>,
    pub rows: Vec<Row>,
    pub claims: Vec<Claim>,
    pub tags: Vec<&'static str>,
    pub per_share: bool,
    /// The statement of the unit excepts numbers of shares: they are in thousands.
    pub shares_in_thousands: bool,
}

/// Columns of values that are summed exactly.
pub struct Builder<'a> {
    pub chance: &'a mut Chance,
    pub columns: usize,
    pub decimals: u32,
    pub rows: Vec<Row>,
    pub claims: Vec<Claim>,
    notes: bool,
}

impl Builder<'_> {
    pub fn row(&mut self, label: &str, indent: u32, entries: Vec<Entry>) -> usize {
        let note = (self.notes && !entries.is_empty() && self.chance.of(50)).then(|| {
            let number = self.chance.range(2, 34);
            if self.chance.of(20) {
                format!("{number}({})", self.chance.pick(&['a', 'b']))
            } else {
                number.to_string()
            }
        });
        self.rows.push(Row {
            label: label.into(),
            indent,
            total: false,
            note,
            entries,
            tag: None,
            year: false,
        });
        self.rows.len() - 1
    }

    /// A row of money between these bounds (before decimals), like across the columns.
    pub fn leaf(&mut self, label: &str, indent: u32, low: i64, high: i64) -> usize {
        let base = self.chance.range(low, high) * 10i64.pow(self.decimals);
        let entries = (0..self.columns)
            .map(|_| {
                if self.chance.of(5) {
                    return Entry::Nil;
                }
                let percent = self.chance.range(75, 125);
                let value = base * percent / 100 + self.chance.range(0, 9);
                Entry::Figure(Amount::new(if value == 0 { 1 } else { value }, self.decimals), What::Money)
            })
            .collect();
        self.row(label, indent, entries)
    }

    pub fn sum(&mut self, label: &str, indent: u32, terms: &[usize]) -> usize {
        let entries = (0..self.columns)
            .map(|column| {
                let sum = terms.iter().map(|row| mantissa(self.rows[*row].entries[column])).sum();
                if sum == 0 {
                    Entry::Nil
                } else {
                    Entry::Figure(Amount::new(sum, self.decimals), What::Money)
                }
            })
            .collect();
        let result = self.row(label, indent, entries);
        self.rows[result].total = true;
        self.claims.push(Claim { result, terms: terms.to_vec(), columns: (0..self.columns).collect() });
        result
    }

    /// Puts the last row, which is the sum of all others, first.
    fn total_first(&mut self) {
        self.rows.rotate_right(1);
        self.rows[1..].iter_mut().for_each(|row| row.indent = 1);
        let count = self.rows.len();
        for claim in &mut self.claims {
            claim.result = (claim.result + 1) % count;
            claim.terms.iter_mut().for_each(|term| *term = (*term + 1) % count);
        }
    }

    pub fn extra(
        &mut self,
        label: &str,
        indent: u32,
        what: What,
        [low, high]: [i64; 2],
        decimals: u32,
        tag: &'static str,
    ) {
        let base = self.chance.range(low, high);
        let entries = (0..self.columns)
            .map(|_| {
                let value = base * self.chance.range(85, 115) / 100;
                Entry::Figure(Amount::new(if value == 0 { 1 } else { value }, decimals), what)
            })
            .collect();
        let row = self.row(label, indent, entries);
        self.rows[row].tag = Some(tag);
        self.rows[row].note = None;
    }
}

/// What is missing from a row to these entries.
fn difference(build: &Builder, whole: &[Entry], part: usize) -> Vec<Entry> {
    let parts = &build.rows[part].entries;
    let rest = whole.iter().zip(parts).map(|(whole, part)| mantissa(*whole) - mantissa(*part));
    rest.map(|rest| Entry::Figure(Amount::new(rest, build.decimals), What::Money)).collect()
}

pub fn mantissa(entry: Entry) -> i64 {
    match entry {
        Entry::Figure(amount, _) => amount.mantissa,
        Entry::Empty | Entry::Nil | Entry::Odd(_) => 0,
    }
}

/// Draws a statement or a table of the notes.
///
/// With `exceptions` the statement of the unit stands beside the table and may say that shares are in thousands.
pub fn draw(chance: &mut Chance, style: &Style, number: usize, decimals: u32, exceptions: bool) -> Sheet {
    let kind = if style.language == Language::English {
        let plain = [
            "income",
            "income",
            "balance",
            "balance",
            "regions",
            "regions",
            "key figures",
            "measures",
            "maturities",
            "maturity columns",
        ];
        if style.groups == [","] && chance.of(8) { "spellings" } else { *chance.pick(&plain) }
    } else {
        *chance.pick(&["income", "balance", "regions"])
    };
    let heads = heads(chance, style, matches!(kind, "balance" | "maturities"));
    let words = words(style);
    let notes = matches!(kind, "income" | "balance") && style.habit != Habit::UsGaap && chance.of(45);
    let mut build = Builder {
        columns: heads.columns.len(),
        decimals,
        rows: Vec::new(),
        claims: Vec::new(),
        notes,
        chance,
    };
    let mut sheet = Sheet {
        kind,
        title: String::new(),
        columns: heads.columns.into_iter().map(|head| Column { head, own: None }).collect(),
        spans: heads.spans,
        rows: Vec::new(),
        claims: Vec::new(),
        tags: vec![heads.tag],
        per_share: false,
        shares_in_thousands: false,
    };
    match kind {
        "income" => {
            let w = &words.income;
            let sales = [build.leaf(w[0], 1, 900, 90_000), build.leaf(w[1], 1, 400, 20_000)];
            let revenue = build.sum(w[2], 0, &sales);
            let cost = build.leaf(w[3], 0, -9_000, -500);
            let gross = build.sum(w[4], 0, &[revenue, cost]);
            let mut terms = vec![gross];
            for (at, low, high) in [(5, -900, -50), (6, -700, -40), (7, -300, -9), (8, -40, 90)] {
                if build.chance.of(75) {
                    terms.push(build.leaf(w[at], 0, low, high));
                }
            }
            let operating = build.sum(w[9], 0, &terms);
            let finance = [build.leaf(w[10], 0, 1, 60), build.leaf(w[11], 0, -90, -2)];
            let before = build.sum(w[12], 0, &[operating, finance[0], finance[1]]);
            let tax = build.leaf(w[13], 0, -400, -20);
            build.sum(w[14], 0, &[before, tax]);
            if style.language == Language::English && build.chance.of(60) {
                sheet.per_share = true;
                let heading = *build.chance.pick(&["Earnings per share:", "Net income per share:"]);
                let indent = build.chance.range(0, 1) as u32;
                build.row(heading, 0, Vec::new());
                build.extra("Basic", indent, What::PerShare, [40, 900], 2, "row per share");
                build.extra("Diluted", indent, What::PerShare, [40, 900], 2, "row per share");
                if exceptions && style.habit == Habit::UsGaap && build.chance.of(50) {
                    sheet.shares_in_thousands = true;
                    let label = "Weighted-average shares outstanding";
                    build.extra(label, 0, What::Count(3), [90_000, 900_000], 0, "row shares by exception");
                } else if build.chance.of(50) {
                    let label = "Weighted average number of shares (millions)";
                    build.extra(label, 0, What::Count(6), [90, 2_000], 0, "row shares in millions");
                }
            }
        }
        "balance" => {
            let w = &words.balance;
            let fixed = [
                build.leaf(w[0], 1, 300, 40_000),
                build.leaf(w[1], 1, 100, 9_000),
                build.leaf(w[2], 1, 50, 4_000),
            ];
            let fixed = build.sum(w[3], 0, &fixed);
            let current = [
                build.leaf(w[4], 1, 200, 5_000),
                build.leaf(w[5], 1, 100, 7_000),
                build.leaf(w[6], 1, 50, 9_000),
            ];
            let current = build.sum(w[7], 0, &current);
            let assets = build.sum(w[8], 0, &[fixed, current]);
            let debts = [build.leaf(w[9], 1, 10, 150), build.leaf(w[10], 1, 10, 150)];
            let debts = build.sum(w[11], 0, &debts);
            let equity: Vec<Entry> = (0..build.columns)
                .map(|column| {
                    let of = |row: usize| mantissa(build.rows[row].entries[column]);
                    Entry::Figure(Amount::new(of(assets) - of(debts), decimals), What::Money)
                })
                .collect();
            let equity = if style.habit == Habit::UsGaap && build.chance.of(50) {
                // An amount in a label is not the row's.
                let stock = build.leaf("Common stock, par value $0.20 per share", 1, 1, 9);
                build.rows[stock].tag = Some("par value in the label");
                let rest = difference(&build, &equity, stock);
                let rest = build.row("Retained earnings", 1, rest);
                build.sum(w[12], 0, &[stock, rest])
            } else {
                build.row(w[12], 0, equity)
            };
            build.sum(w[13], 0, &[debts, equity]);
        }
        "regions" => {
            let names: &[&str] = match style.language {
                Language::English => {
                    &["Europe", "North America", "Asia Pacific", "Latin America", "Middle East and Africa"]
                }
                Language::German => &["Deutschland", "Übriges Europa", "Amerika", "Asien"],
                Language::French => &["France", "Europe", "Amériques", "Asie"],
                Language::Spanish => &["España", "Resto de Europa", "América", "Asia"],
            };
            let count = build.chance.range(3, names.len() as i64) as usize;
            let terms: Vec<usize> =
                names[..count].iter().map(|name| build.leaf(name, 0, 20, 9_000)).collect();
            build.sum("Total", 0, &terms);
            if build.chance.of(15) {
                sheet.tags.push("total above its parts");
                build.total_first();
            } else if build.chance.of(25) {
                // Amounts and shares in turn.
                sheet.tags.push("interleaved rows");
                interleave(&mut build);
            }
        }
        "key figures" => {
            build.leaf(words.income[15], 0, 900, 90_000);
            build.extra("Operating margin (%)", 0, What::Percent, [20, 300], 1, "row percent");
            build.leaf(words.income[9], 0, 90, 9_000);
            build.extra("Number of employees", 0, What::Count(0), [900, 90_000], 0, "row count");
            build.extra("Number of stores", 0, What::Count(0), [20, 900], 0, "row count");
            build.extra("Interest cover (times)", 0, What::Ratio, [20, 190], 1, "row ratio");
            build.extra("Return on equity (%)", 0, What::Percent, [-50, 250], 1, "row percent");
            let label = format!("Dividend per share ({})", style.sign.trim());
            build.extra(&label, 0, What::PerShare, [20, 400], 2, "row per share");
            sheet.per_share = true;
        }
        "measures" => measures(&mut build, &mut sheet, style),
        "maturity columns" => maturity_columns(&mut build, &mut sheet),
        "spellings" => {
            for (at, label) in SPELLED.iter().enumerate() {
                let entries = (0..build.columns).map(|column| Entry::Odd(3 * at + column % 3)).collect();
                build.row(label, 0, entries);
            }
        }
        _ => {
            let first = build.chance.range(2024, 2027);
            let terms: Vec<usize> = (first..first + 4)
                .map(|year| {
                    let row = build.leaf(&year.to_string(), 0, 20, 2_000);
                    build.rows[row].year = true;
                    row
                })
                .collect();
            let mut terms = terms;
            terms.push(build.leaf("Thereafter", 0, 100, 4_000));
            build.sum("Total", 0, &terms);
        }
    }
    sheet.rows = build.rows;
    sheet.claims = build.claims;
    sheet.title = match kind {
        "income" => words.titles[0].to_owned(),
        "balance" => words.titles[1].to_owned(),
        _ if style.language != Language::English => {
            let (note, revenue) = (words.note, words.income[15]);
            format!("{note} {number} {revenue}")
        }
        "regions" => format!("Note {number} – Revenue by region"),
        "key figures" => "Key figures".to_owned(),
        "spellings" => format!("Note {number}. Other information"),
        "measures" => format!("Table {number}. Sales by product line"),
        "maturity columns" => format!("Note {number}. Contractual obligations by year"),
        _ => format!("Note {number}. Maturities of long-term debt"),
    };
    if matches!(kind, "income" | "balance" | "regions") && sheet.spans.is_empty() && chance.of(25) {
        change_column(&mut sheet, chance.pick::<&str>(&["%", "Change %", "Change in %", "Change"]));
    }
    sheet
}

/// Labels of the rows of odd spellings.
const SPELLED: [&str; 8] = [
    "Coupon of the senior notes",
    "Discount rate",
    "Intercompany balance",
    "Market value of the fund",
    "Change in volumes",
    "Contingent liabilities",
    "Fair value adjustments",
    "Change in prices",
];
