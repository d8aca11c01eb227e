//! IEEE 754 half precision.

/// Largest finite half.
pub const MAX: f32 = 65504.0;

/// Smallest positive half, a subnormal: 2^-24.
pub const MIN_POSITIVE: f32 = 5.960_464_5e-8;

/// The half nearest to a weight, ties to even, as bits. Finite values never become infinite or, unless they are,
/// zero: beyond the range they become the largest half, below it the smallest, so that masks and epsilons keep
/// their sense.
#[must_use]
pub fn from_weight(value: f32) -> u16 {
    if value.is_finite() && value != 0.0 {
        bits(value.abs().clamp(MIN_POSITIVE, MAX).copysign(value))
    } else {
        bits(value)
    }
}

/// The nearest half, ties to even, as bits.
fn bits(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00; // NaN
    }
    if magnitude >= 0x4780_0000 {
        return sign | 0x7c00; // 65536 and above, infinity
    }
    if magnitude < 0x3880_0000 {
        // Below 2^-14 halves are multiples of 2^-24; the product is exact, the sum with 2^23 rounds it.
        let steps = (f32::from_bits(magnitude) * 16_777_216.0).round_ties_even();
        return sign | steps as u16;
    }
    let rounded = magnitude + 0x0fff + ((magnitude >> 13) & 1);
    sign | ((rounded - 0x3800_0000) >> 13) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a half, from the definition.
    fn value(half: u16) -> f32 {
        let (exponent, mantissa) = (i32::from((half >> 10) & 31), f32::from(half & 1023));
        let magnitude = match exponent {
            0 => mantissa * 2f32.powi(-24),
            31 if mantissa == 0.0 => f32::INFINITY,
            31 => f32::NAN,
            _ => (1.0 + mantissa / 1024.0) * 2f32.powi(exponent - 15),
        };
        if half & 0x8000 == 0 { magnitude } else { -magnitude }
    }

    #[test]
    fn every_half_survives_and_midpoints_go_to_even() {
        for half in 0..0x7c00u16 {
            assert_eq!(bits(value(half)), half);
            assert_eq!(bits(-value(half)), half | 0x8000);
            if half < 0x7bff {
                let middle = (value(half) + value(half + 1)) / 2.0;
                assert_eq!(bits(middle), half + (half & 1));
            }
        }
        assert!(value(bits(f32::NAN)).is_nan());
    }

    #[test]
    fn weights_keep_their_sense() {
        assert_eq!(value(from_weight(-3.4e38)), -65504.0);
        assert_eq!(value(from_weight(1e-12)), MIN_POSITIVE);
        assert_eq!(value(from_weight(-1e-12)), -MIN_POSITIVE);
        assert_eq!(from_weight(0.0), 0);
        assert_eq!(value(from_weight(f32::NEG_INFINITY)), f32::NEG_INFINITY);
    }
}
