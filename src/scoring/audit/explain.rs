//! Which single slip would explain a difference: a sign, a scale, two digits swapped, one digit.

/// A number of the relation with the value that it must have for the relation to hold.
pub(super) struct Candidate<'a> {
    pub text: &'a str,
    pub value: f64,
    pub needed: f64,
    pub half_unit: f64,
    /// How far from what is needed the corrected number may be: the rounding of the others.
    pub slack: f64,
}

impl Candidate<'_> {
    fn is_needed(&self, corrected: f64, half_unit: f64) -> bool {
        (self.needed - corrected).abs() < (0.5 * half_unit).max(self.slack)
    }
}

/// The most specific slip that explains the difference, with the number it is in; `None` if there is none.
pub(super) fn explain(candidates: &[Candidate<'_>]) -> Option<String> {
    let kinds: [fn(&Candidate<'_>) -> Option<String>; 4] = [sign, scale, transposition, digit];
    kinds.iter().find_map(|kind| {
        let found: Vec<String> = candidates
            .iter()
            .filter(|candidate| candidate.value * candidate.needed != 0.0)
            .filter_map(kind)
            .collect();
        match found.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [one, other] => Some(format!("{one}, or {other}")),
            [one, ..] => Some(format!("{one}, or the like in {} other terms", found.len() - 1)),
        }
    })
}

fn sign(candidate: &Candidate<'_>) -> Option<String> {
    candidate.is_needed(-candidate.value, candidate.half_unit).then(|| format!("sign of {}", candidate.text))
}

fn scale(candidate: &Candidate<'_>) -> Option<String> {
    [3, -3, 6, -6, 1, -1, 2, -2].into_iter().find_map(|power: i32| {
        let scaled = candidate.value * 10f64.powi(power);
        let half_unit = candidate.half_unit.max(candidate.half_unit * 10f64.powi(power));
        candidate.is_needed(scaled, half_unit).then(|| {
            format!(
                "scale of {}: {} 10^{}",
                candidate.text,
                if power > 0 { "times" } else { "divided by" },
                power.abs()
            )
        })
    })
}

/// Most digits that a number can have to be corrected.
const MOST_DIGITS: usize = 15;

/// Whether one of these corrections of the printed digits is what is needed. Corrections are differences in units of the
/// last printed place.
fn corrected(candidate: &Candidate<'_>, corrections: impl Fn(&[i64]) -> Vec<i64>) -> bool {
    let unit = 2.0 * candidate.half_unit;
    let printed = (candidate.value.abs() / unit).round();
    let needed = candidate.needed * candidate.value.signum() / unit;
    // The first digit is no zero, before and after.
    let length = printed.max(1.0).log10().floor() as usize + 1;
    let same_length = 10f64.powi(length as i32 - 1)..10f64.powi(length as i32);
    if length > MOST_DIGITS || !same_length.contains(&needed.round()) {
        return false;
    }
    let digits: Vec<i64> = (0..length).map(|place| printed as i64 / 10i64.pow(place as u32) % 10).collect();
    let off = (0.25f64).max(candidate.slack / unit);
    corrections(&digits).into_iter().any(|change| {
        same_length.contains(&(printed + change as f64)) && (needed - printed - change as f64).abs() < off
    })
}

fn transposition(candidate: &Candidate<'_>) -> Option<String> {
    let swaps = |digits: &[i64]| {
        let places = (0..digits.len()).flat_map(|high| (0..high).map(move |low| (high, low)));
        places
            .filter(|&(high, low)| digits[high] != digits[low])
            .map(|(high, low)| {
                (digits[low] - digits[high]) * (10i64.pow(high as u32) - 10i64.pow(low as u32))
            })
            .collect()
    };
    corrected(candidate, swaps).then(|| format!("two digits of {} swapped", candidate.text))
}

fn digit(candidate: &Candidate<'_>) -> Option<String> {
    let others = |digits: &[i64]| {
        digits
            .iter()
            .enumerate()
            .flat_map(|(place, &digit)| {
                (0..10)
                    .filter(move |new| *new != digit)
                    .map(move |new| (new - digit) * 10i64.pow(place as u32))
            })
            .collect()
    };
    corrected(candidate, others).then(|| format!("one digit of {}", candidate.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, value: f64, needed: f64) -> Option<String> {
        explain(&[Candidate { text, value, needed, half_unit: 0.5, slack: 0.0 }])
    }

    #[test]
    fn slips() {
        assert_eq!(one("(512)", -512.0, 512.0).as_deref(), Some("sign of (512)"));
        assert_eq!(one("1,432", 1432.0, 1342.0).as_deref(), Some("two digits of 1,432 swapped"));
        assert_eq!(one("1,432", 1432.0, 1532.0).as_deref(), Some("one digit of 1,432"));
        assert_eq!(
            one("1,432,000", 1_432_000.0, 1432.0).as_deref(),
            Some("scale of 1,432,000: divided by 10^3")
        );
        assert_eq!(one("1,432", 1432.0, 1600.0), None);
    }

    #[test]
    fn several_terms_can_explain_it() {
        let candidates = [
            Candidate { text: "10", value: 10.0, needed: 20.0, half_unit: 0.5, slack: 0.0 },
            Candidate { text: "30", value: 30.0, needed: 40.0, half_unit: 0.5, slack: 0.0 },
            Candidate { text: "40", value: 40.0, needed: 30.0, half_unit: 0.5, slack: 0.0 },
        ];
        assert_eq!(explain(&candidates).as_deref(), Some("one digit of 10, or the like in 2 other terms"));
    }
}
