//! Relations that accounting prescribes: the balance sheet balances, earnings per share are earnings by shares.

use super::relation::{Check, sum_check, term};
use super::sheet::{Class, Number, Sheet};

/// Total assets = total liabilities and equity, in every column that has both.
pub(super) fn balance(sheet: &Sheet<'_>) -> Vec<Check> {
    let find = |wanted: fn(&str) -> bool| -> Vec<usize> {
        (0..sheet.rows.len()).filter(|&row| wanted(&sheet.rows[row].key)).collect()
    };
    let assets = find(|key| key == "total assets");
    let others = find(|key| {
        key.starts_with("total liabilities")
            && (key.contains(" and ") || key.contains('&') || key.contains(','))
            && ["equity", "deficit", "capital", "net assets", "investment"]
                .iter()
                .any(|word| key.contains(word))
            || key == "total equity and liabilities"
    });
    let (&[assets], &[others]) = (assets.as_slice(), others.as_slice()) else { return Vec::new() };
    (0..sheet.columns())
        .filter_map(|column| {
            let left = sheet.rows[assets].entries[column].number()?;
            let right = sheet.rows[others].entries[column].number()?;
            (left.class == right.class && left.value != 0.0).then(|| {
                sum_check(sheet, "balance", &[(sheet.name(others), right, 1)], (sheet.name(assets), left))
            })
        })
        .collect()
}

/// Earnings per share = earnings / weighted average shares, for basic and diluted.
pub(super) fn per_share(sheet: &Sheet<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for variant in ["basic", "diluted"] {
        let of_class = |class: Class| -> Vec<usize> {
            (0..sheet.rows.len())
                .filter(|&row| {
                    sheet.rows[row].key.contains(variant)
                        && sheet.rows[row]
                            .entries
                            .iter()
                            .filter_map(|entry| entry.number())
                            .any(|number| number.class == class)
                })
                .collect()
        };
        let (&[amount], &[shares]) =
            (of_class(Class::PerShare).as_slice(), of_class(Class::Quantity).as_slice())
        else {
            continue;
        };
        checks.extend(
            earnings_rows(sheet)
                .into_iter()
                .filter_map(|income| Some((income, believed(sheet, income, shares, amount)?)))
                .max_by_key(|(income, checks)| {
                    let holding = checks.iter().filter(|check| check.holds()).count();
                    (holding, sheet.rows[*income].key.contains(variant), checks.len())
                })
                .map(|(_, checks)| checks)
                .unwrap_or_default(),
        );
    }
    checks
}

fn earnings_rows(sheet: &Sheet<'_>) -> Vec<usize> {
    (0..sheet.rows.len())
        .filter(|&row| {
            let key = &sheet.rows[row].key;
            (key.starts_with("net ")
                || key.contains("net income")
                || key.contains("net earnings")
                || key.starts_with("profit"))
                && ["income", "earnings", "loss", "profit"].iter().any(|word| key.contains(word))
                && !key.contains("per share")
        })
        .collect()
}

/// The checks in all columns, if the relation holds in at least twice as many as it fails in.
fn believed(sheet: &Sheet<'_>, income: usize, shares: usize, amount: usize) -> Option<Vec<Check>> {
    [0, 3, -3, 6, -6].into_iter().find_map(|power| {
        let checks: Vec<Check> = (0..sheet.columns())
            .filter_map(|column| {
                let number = |row: usize| sheet.rows[row].entries[column].number();
                per_share_check(
                    sheet,
                    (income, number(income)?),
                    (shares, number(shares)?),
                    (amount, number(amount)?),
                    power,
                )
            })
            .collect();
        let holding = checks.iter().filter(|check| check.holds()).count();
        (holding >= 1 && checks.len() >= 2 && 2 * (checks.len() - holding) <= holding).then_some(checks)
    })
}

fn per_share_check(
    sheet: &Sheet<'_>,
    income: (usize, &Number),
    shares: (usize, &Number),
    amount: (usize, &Number),
    power: i32,
) -> Option<Check> {
    if amount.1.class != Class::PerShare
        || shares.1.class != Class::Quantity
        || income.1.class != Class::Amount
        || shares.1.value <= 0.0
    {
        return None;
    }
    let expected = income.1.value / shares.1.value * 10f64.powi(power);
    let slope = expected.abs()
        * (income.1.half_unit / income.1.value.abs().max(1e-9) + shares.1.half_unit / shares.1.value);
    let terms = vec![
        term(sheet, sheet.name(income.0), income.1, 1),
        term(sheet, sheet.name(shares.0), shares.1, -1),
        term(sheet, sheet.name(amount.0), amount.1, 1),
    ];
    Some(Check {
        kind: "per_share",
        formula: format!("{} per share = {} / {}", terms[2].name, terms[0].name, terms[1].name),
        terms,
        half_units: vec![income.1.half_unit, shares.1.half_unit, amount.1.half_unit],
        expected,
        printed: amount.1.value,
        // Companies compute with unrounded earnings and with classes of shares: one more unit is let pass.
        tolerance: 2.0 * amount.1.half_unit + amount.1.half_unit + slope,
        remark: None,
        sum: false,
        converted: false,
        relation: None,
    })
}
