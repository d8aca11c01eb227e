//! Rounding for the JSON contract: numbers that come from models have 4 decimals, coordinates 2.

use serde::{Serialize, Serializer};

/// `value` rounded to this many decimals, half away from zero; not-a-number and infinities become 0.
#[must_use]
pub fn round_to(value: f64, decimals: i32) -> f64 {
    if !value.is_finite() {
        return 0.0;
    }
    let factor = 10f64.powi(decimals);
    let rounded = (value * factor).round() / factor;
    if rounded == 0.0 { 0.0 } else { rounded } // no "-0.0" in JSON
}

/// Serialises a model's number with 4 decimals: `#[serde(serialize_with = "round::four")]`.
///
/// # Errors
/// Those of the serializer.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
pub fn four<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    round_to(f64::from(*value), 4).serialize(serializer)
}

/// Serialises a length in points with 2 decimals.
///
/// # Errors
/// Those of the serializer.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
pub fn two<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    round_to(f64::from(*value), 2).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::round_to;

    #[test]
    fn rounds_half_away_and_never_writes_negative_zero() {
        assert_eq!(round_to(0.12345, 4), 0.1235);
        assert_eq!(round_to(-0.000_01, 4).to_bits(), 0.0f64.to_bits());
        assert_eq!(round_to(f64::NAN, 4), 0.0);
    }
}
