//! First digits of the figures against Benford's law.
//!
//! The law describes figures of many sources that spread over orders of magnitude. M. Nigrini, "Benford's Law" (2012),
//! calls a mean absolute deviation of the first digits above 0.015 nonconformity and warns of small samples. The figures
//! of one report are few and depend on each other (sums, last year's column), so that the chi-square test alone rejects
//! too often. Reported is therefore only a deviation that is large and significant, in a sample large and wide enough.

use std::collections::BTreeSet;

use super::{count, evidence, finding};
use crate::document::analysis::{FigureKind, Rounded, Table};
use crate::document::findings::{Anomaly, Severity};

/// Different figures that the sample needs.
const FEWEST: usize = 500;
/// Orders of magnitude between the 5% and 95% quantiles.
const WIDTH: f64 = 2.0;
/// Mean absolute deviation beyond which first digits do not conform (Nigrini 2012).
const NONCONFORMITY: f64 = 0.015;
/// Significance level.
const LEVEL: f64 = 0.001;

/// Compares the first digits of all different table figures of at least 10; years, percentages and amounts per share
/// are left out.
pub(super) fn first_digits(tables: &[Table]) -> Option<Anomaly> {
    let mut values: BTreeSet<u64> = BTreeSet::new();
    for cell in tables.iter().flat_map(|table| &table.cells) {
        let Some(value) = &cell.value else { continue };
        let printed = value.printed.abs();
        let year = value.decimals == 0 && (1900.0..2100.0).contains(&printed) && !cell.text.contains(',');
        let counts = matches!(value.kind, FigureKind::Money | FigureKind::Number | FigureKind::Quantity);
        if counts && (10.0..1e15).contains(&printed) && !year {
            values.insert((printed * 100.0).round() as u64);
        }
    }
    let values: Vec<f64> = values.into_iter().map(|value| value as f64 / 100.0).collect();
    if values.len() < FEWEST {
        return None;
    }
    let quantile = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    if (quantile(0.95) / quantile(0.05)).log10() < WIDTH {
        return None;
    }
    let test = Test::of(&values);
    if test.deviation <= NONCONFORMITY || test.p >= LEVEL {
        return None;
    }
    let first = tables.first()?;
    let message = format!(
        "the first digits of {} do not follow Benford's law (mean deviation {:.3}, p {:.1e}); invented figures look so, \
         and so do many honest ones with set prices or thresholds",
        count(values.len(), "table figure"),
        test.deviation,
        test.p
    );
    let place = evidence(first.page, first.bbox, first.caption.clone().unwrap_or_default());
    let mut anomaly = finding("first_digits", Severity::Info, message, vec![place]);
    let statistics = [
        ("n", values.len() as f64),
        ("chi_square", test.chi_square),
        ("p_value", test.p),
        ("mean_absolute_deviation", test.deviation),
    ];
    anomaly.statistics =
        statistics.into_iter().map(|(name, value)| (name.to_owned(), Rounded(value as f32))).collect();
    Some(anomaly)
}

struct Test {
    chi_square: f64,
    p: f64,
    deviation: f64,
}

impl Test {
    fn of(values: &[f64]) -> Self {
        let mut digits = [0usize; 9];
        for value in values {
            let leading = value / 10f64.powf(value.log10().floor());
            digits[(leading as usize).clamp(1, 9) - 1] += 1;
        }
        let n = values.len() as f64;
        let (mut chi_square, mut deviation) = (0.0, 0.0);
        for (digit, count) in digits.into_iter().enumerate() {
            let expected = (1.0 + 1.0 / (digit as f64 + 1.0)).log10();
            let share = count as f64 / n;
            chi_square += n * (share - expected).powi(2) / expected;
            deviation += (share - expected).abs() / 9.0;
        }
        // The upper tail of the chi-square distribution with 8 degrees of freedom in closed form.
        let half = chi_square / 2.0;
        let p = (-half).exp() * (1.0 + half + half.powi(2) / 2.0 + half.powi(3) / 6.0);
        Self { chi_square, p, deviation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_follow_the_law_and_equal_digits_do_not() {
        // Four whole decades: a part of one more would favour small digits.
        let powers: Vec<f64> = (0..1000).map(|index| 10f64.powf(1.0 + f64::from(index) / 250.0)).collect();
        assert!(Test::of(&powers).deviation < 0.006 && Test::of(&powers).p > 0.5);
        let flat: Vec<f64> = (0..900).map(|index| f64::from(1000 + index * 10)).collect();
        let test = Test::of(&flat);
        assert!(test.deviation > 0.05 && test.p < 1e-6, "{}", test.deviation);
    }

    #[test]
    fn the_tail_is_that_of_the_distribution() {
        // Table values: 15.507 is the 5% point and 26.124 the 0.1% point for 8 degrees of freedom.
        for (chi_square, p) in [(15.507f64, 0.05), (26.124, 0.001)] {
            let half = chi_square / 2.0;
            let tail = (-half).exp() * (1.0 + half + half.powi(2) / 2.0 + half.powi(3) / 6.0);
            assert!((tail / p - 1.0).abs() < 0.01, "{tail}");
        }
    }
}
