//! Which single slip would explain a difference: a sign, a scale, two digits swapped, one digit.

/// A number of the relation with the value that it must have for the relation to hold.
pub(super) struct Candidate<'a> {
    pub text: &'a str,
    pub value: f64,
    pub needed: f64,
    pub half_unit: f64,
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

fn equal(a: f64, b: f64, half_unit: f64) -> bool {
    (a - b).abs() < 0.5 * half_unit
}

fn sign(candidate: &Candidate<'_>) -> Option<String> {
    equal(candidate.needed, -candidate.value, candidate.half_unit)
        .then(|| format!("sign of {}", candidate.text))
}

fn scale(candidate: &Candidate<'_>) -> Option<String> {
    [3, -3, 6, -6, 1, -1, 2, -2].into_iter().find_map(|power: i32| {
        let scaled = candidate.value * 10f64.powi(power);
        equal(candidate.needed, scaled, candidate.half_unit.max(candidate.half_unit * 10f64.powi(power)))
            .then(|| {
                format!(
                    "scale of {}: {} 10^{}",
                    candidate.text,
                    if power > 0 { "times" } else { "divided by" },
                    power.abs()
                )
            })
    })
}

/// Digits of both numbers in units of the last printed place, if they have the same sign and length.
fn digits(candidate: &Candidate<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    if candidate.value.signum() != candidate.needed.signum() {
        return None;
    }
    let of = |value: f64| format!("{:.0}", (value.abs() / (2.0 * candidate.half_unit)).round()).into_bytes();
    let exact = (candidate.needed / (2.0 * candidate.half_unit)).fract().abs();
    if exact > 0.01 && exact < 0.99 {
        return None;
    }
    let (printed, needed) = (of(candidate.value), of(candidate.needed));
    (printed.len() == needed.len()).then_some((printed, needed))
}

fn transposition(candidate: &Candidate<'_>) -> Option<String> {
    let (printed, needed) = digits(candidate)?;
    let places: Vec<usize> = (0..printed.len()).filter(|&place| printed[place] != needed[place]).collect();
    let [first, second] = places[..] else { return None };
    (printed[first] == needed[second] && printed[second] == needed[first])
        .then(|| format!("two digits of {} swapped", candidate.text))
}

fn digit(candidate: &Candidate<'_>) -> Option<String> {
    let (printed, needed) = digits(candidate)?;
    let places = (0..printed.len()).filter(|&place| printed[place] != needed[place]).count();
    (places == 1).then(|| format!("one digit of {}", candidate.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, value: f64, needed: f64) -> Option<String> {
        explain(&[Candidate { text, value, needed, half_unit: 0.5 }])
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
            Candidate { text: "10", value: 10.0, needed: 20.0, half_unit: 0.5 },
            Candidate { text: "30", value: 30.0, needed: 40.0, half_unit: 0.5 },
            Candidate { text: "40", value: 40.0, needed: 30.0, half_unit: 0.5 },
        ];
        assert_eq!(explain(&candidates).as_deref(), Some("one digit of 10, or the like in 2 other terms"));
    }
}
