//! Activation functions of one sum: value and derivative, in single and double precision.
//!
//! `x` is the neuron's weighted sum and `s` its steepness. Names follow libfann (`fann_activation.h`) where it has
//! the function. Layers that combine several sums (gated, thresholded, experts) are in [`super::gated`].

use serde::{Deserialize, Serialize};

/// The arithmetic that activations need, so that the f32 evaluator and the f64 trainer share one definition.
pub trait Real:
    Copy
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Neg<Output = Self>
{
    /// The nearest value to a constant.
    fn of(value: f64) -> Self;
    /// e to the power of `self`.
    fn exp(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Sine of an angle in radians.
    fn sin(self) -> Self;
    /// Cosine of an angle in radians.
    fn cos(self) -> Self;
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn exp(self) -> Self {
        Self::exp(self)
    }
    fn tanh(self) -> Self {
        Self::tanh(self)
    }
    fn sin(self) -> Self {
        Self::sin(self)
    }
    fn cos(self) -> Self {
        Self::cos(self)
    }
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as Self
    }

    /// Relative error below 3e-7 for -87 <= x <= 88, saturating outside; plain arithmetic, so that loops over it
    /// become SIMD code and the result does not depend on the system's C library.
    #[inline(always)]
    fn exp(self) -> Self {
        const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it leaves the nearest whole number in the low bits
        const LN2_HIGH: f32 = 0.693_359_4; // few bits, so that its multiples up to 127 are exact
        const LN2_LOW: f32 = -2.121_944_4e-4;
        let x = self.clamp(-87.0, 88.0);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let whole = shifted - ROUND;
        let r = x - whole * LN2_HIGH - whole * LN2_LOW;
        let series = 1.0 / 720.0 + r * (1.0 / 5040.0);
        let series = 1.0 / 24.0 + r * (1.0 / 120.0 + r * series);
        let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * series)));
        let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
        series * Self::from_bits(power)
    }

    /// Absolute error below 2e-7.
    #[inline(always)]
    fn tanh(self) -> Self {
        1.0 - 2.0 / (Real::exp(2.0 * self) + 1.0)
    }
    fn sin(self) -> Self {
        Self::sin(self)
    }
    fn cos(self) -> Self {
        Self::cos(self)
    }
}

/// A function from a neuron's weighted sum to its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `s x`
    Linear,
    /// 0 below 0, else 1.
    Threshold,
    /// -1 below 0, else 1.
    ThresholdSymmetric,
    /// `1 / (1 + exp(-s x))`. libfann's has `-2 s x`: its steepness 0.5 is our 1.
    Sigmoid,
    /// libfann's six-point approximation of the sigmoid of `2 s x`.
    SigmoidStepwise,
    /// `tanh(s x)`
    #[serde(alias = "tanh")]
    SigmoidSymmetric,
    /// libfann's six-point approximation of `tanh(s x)`.
    SigmoidSymmetricStepwise,
    /// `exp(-(s x)^2)`
    Gaussian,
    /// `2 exp(-(s x)^2) - 1`
    GaussianSymmetric,
    /// `s x / 2 / (1 + |s x|) + 1/2`
    Elliot,
    /// `s x / (1 + |s x|)`
    ElliotSymmetric,
    /// `s x` limited to 0..1.
    LinearPiece,
    /// `s x` limited to -1..1.
    LinearPieceSymmetric,
    /// `sin(s x)`
    SinSymmetric,
    /// `cos(s x)`
    CosSymmetric,
    /// `sin(s x) / 2 + 1/2`
    Sin,
    /// `cos(s x) / 2 + 1/2`
    Cos,
    /// `max(x, 0)`, whatever the steepness.
    Relu,
    /// `x` above 0, else `0.01 x`, whatever the steepness.
    #[serde(alias = "leaky_relu")]
    ReluLeaky,
    /// Gaussian error linear unit of `s x` in its tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415):
    /// `z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))`.
    Gelu,
}

const GELU_SCALE: f64 = 0.797_884_560_802_865_4; // sqrt(2 / pi)
const GELU_CUBE: f64 = 0.044_715;
const LEAK: f64 = 0.01;

/// Abscissas of libfann's stepwise sigmoids: where `tanh` is -0.99, -0.9, -0.5, 0.5, 0.9 and 0.99.
const STEPS: [f64; 6] = [
    -2.646_652_936_935_425,
    -1.472_219_347_953_796_4,
    -0.549_306_154_251_098_6,
    0.549_306_154_251_098_6,
    1.472_219_347_953_796_4,
    2.646_652_936_935_425,
];
const SYMMETRIC_HEIGHTS: [f64; 6] = [-0.99, -0.9, -0.5, 0.5, 0.9, 0.99];
const HEIGHTS: [f64; 6] = [0.005, 0.05, 0.25, 0.75, 0.95, 0.995];

impl Activation {
    /// Every activation function.
    pub const ALL: [Self; 20] = [
        Self::Linear,
        Self::Threshold,
        Self::ThresholdSymmetric,
        Self::Sigmoid,
        Self::SigmoidStepwise,
        Self::SigmoidSymmetric,
        Self::SigmoidSymmetricStepwise,
        Self::Gaussian,
        Self::GaussianSymmetric,
        Self::Elliot,
        Self::ElliotSymmetric,
        Self::LinearPiece,
        Self::LinearPieceSymmetric,
        Self::SinSymmetric,
        Self::CosSymmetric,
        Self::Sin,
        Self::Cos,
        Self::Relu,
        Self::ReluLeaky,
        Self::Gelu,
    ];

    /// Output for weighted sum `x` and steepness `s`.
    #[inline(always)]
    pub fn apply<T: Real>(self, x: T, s: T) -> T {
        let (zero, half, one, two) = (T::of(0.0), T::of(0.5), T::of(1.0), T::of(2.0));
        let z = s * x;
        match self {
            Self::Linear => z,
            Self::Threshold => {
                if z < zero {
                    zero
                } else {
                    one
                }
            }
            Self::ThresholdSymmetric => {
                if z < zero {
                    -one
                } else {
                    one
                }
            }
            Self::Sigmoid => one / (one + (-z).exp()),
            Self::SigmoidStepwise => stepwise(z, &HEIGHTS, zero, one),
            Self::SigmoidSymmetric => z.tanh(),
            Self::SigmoidSymmetricStepwise => stepwise(z, &SYMMETRIC_HEIGHTS, -one, one),
            Self::Gaussian => (-z * z).exp(),
            Self::GaussianSymmetric => (-z * z).exp() * two - one,
            Self::Elliot => z * half / (one + absolute(z)) + half,
            Self::ElliotSymmetric => z / (one + absolute(z)),
            Self::LinearPiece => limited(z, zero, one),
            Self::LinearPieceSymmetric => limited(z, -one, one),
            Self::SinSymmetric => z.sin(),
            Self::CosSymmetric => z.cos(),
            Self::Sin => z.sin() * half + half,
            Self::Cos => z.cos() * half + half,
            Self::Relu => {
                if x > zero {
                    x
                } else {
                    zero
                }
            }
            Self::ReluLeaky => {
                if x > zero {
                    x
                } else {
                    T::of(LEAK) * x
                }
            }
            Self::Gelu => {
                let inner = T::of(GELU_SCALE) * (z + T::of(GELU_CUBE) * z * z * z);
                half * z * (one + inner.tanh())
            }
        }
    }

    /// Derivative of [`Self::apply`] by `x`; at a kink, the value from the left, and 0 at jumps.
    pub fn derivative<T: Real>(self, x: T, s: T) -> T {
        let (zero, half, one, two) = (T::of(0.0), T::of(0.5), T::of(1.0), T::of(2.0));
        let z = s * x;
        let by_z = match self {
            Self::Relu => return if x > zero { one } else { zero },
            Self::ReluLeaky => return if x > zero { one } else { T::of(LEAK) },
            Self::Linear => one,
            Self::Threshold | Self::ThresholdSymmetric => zero,
            Self::Sigmoid => {
                let y = self.apply(x, s);
                y * (one - y)
            }
            Self::SigmoidStepwise => step_slope(z, &HEIGHTS),
            Self::SigmoidSymmetricStepwise => step_slope(z, &SYMMETRIC_HEIGHTS),
            Self::SigmoidSymmetric => {
                let y = z.tanh();
                one - y * y
            }
            Self::Gaussian => -two * z * (-z * z).exp(),
            Self::GaussianSymmetric => -two * two * z * (-z * z).exp(),
            Self::Elliot => half / ((one + absolute(z)) * (one + absolute(z))),
            Self::ElliotSymmetric => one / ((one + absolute(z)) * (one + absolute(z))),
            Self::LinearPiece => {
                if z > zero && z <= one {
                    one
                } else {
                    zero
                }
            }
            Self::LinearPieceSymmetric => {
                if z > -one && z <= one {
                    one
                } else {
                    zero
                }
            }
            Self::SinSymmetric => z.cos(),
            Self::CosSymmetric => -z.sin(),
            Self::Sin => z.cos() * half,
            Self::Cos => -z.sin() * half,
            Self::Gelu => {
                let (scale, cube) = (T::of(GELU_SCALE), T::of(GELU_CUBE));
                let t = (scale * (z + cube * z * z * z)).tanh();
                let slope = scale * (one + T::of(3.0) * cube * z * z);
                half * (one + t) + half * z * (one - t * t) * slope
            }
        };
        s * by_z
    }

    /// Whether small steps can improve a network that uses it (its derivative is not zero everywhere).
    #[must_use]
    pub fn is_trainable(self) -> bool {
        !matches!(self, Self::Threshold | Self::ThresholdSymmetric)
    }

    /// The name used in configuration and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Threshold => "threshold",
            Self::ThresholdSymmetric => "threshold_symmetric",
            Self::Sigmoid => "sigmoid",
            Self::SigmoidStepwise => "sigmoid_stepwise",
            Self::SigmoidSymmetric => "sigmoid_symmetric",
            Self::SigmoidSymmetricStepwise => "sigmoid_symmetric_stepwise",
            Self::Gaussian => "gaussian",
            Self::GaussianSymmetric => "gaussian_symmetric",
            Self::Elliot => "elliot",
            Self::ElliotSymmetric => "elliot_symmetric",
            Self::LinearPiece => "linear_piece",
            Self::LinearPieceSymmetric => "linear_piece_symmetric",
            Self::SinSymmetric => "sin_symmetric",
            Self::CosSymmetric => "cos_symmetric",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Relu => "relu",
            Self::ReluLeaky => "relu_leaky",
            Self::Gelu => "gelu",
        }
    }

    /// The activation with this name; `tanh` and `leaky_relu` are accepted too.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "tanh" => Some(Self::SigmoidSymmetric),
            "leaky_relu" => Some(Self::ReluLeaky),
            _ => Self::ALL.into_iter().find(|activation| activation.name() == name),
        }
    }
}

#[inline(always)]
fn absolute<T: Real>(value: T) -> T {
    if value < T::of(0.0) { -value } else { value }
}

#[inline(always)]
fn limited<T: Real>(value: T, low: T, high: T) -> T {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Straight lines through (`STEPS`, `heights`), `low` before the first and `high` after the last.
fn stepwise<T: Real>(z: T, heights: &[f64; 6], low: T, high: T) -> T {
    if z < T::of(STEPS[0]) {
        return low;
    }
    for i in 0..5 {
        if z < T::of(STEPS[i + 1]) {
            let slope = (heights[i + 1] - heights[i]) / (STEPS[i + 1] - STEPS[i]);
            return T::of(slope) * (z - T::of(STEPS[i])) + T::of(heights[i]);
        }
    }
    high
}

fn step_slope<T: Real>(z: T, heights: &[f64; 6]) -> T {
    if z < T::of(STEPS[0]) {
        return T::of(0.0);
    }
    for i in 0..5 {
        if z < T::of(STEPS[i + 1]) {
            return T::of((heights[i + 1] - heights[i]) / (STEPS[i + 1] - STEPS[i]));
        }
    }
    T::of(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_match_central_differences() {
        for activation in Activation::ALL {
            for s in [0.3, 0.5, 1.0, 1.7] {
                for i in -40..=40 {
                    let x = f64::from(i) * 0.1 + 0.037; // off the kinks and jumps at 0 and +-1/s
                    let h = 1e-6;
                    let numeric = (activation.apply(x + h, s) - activation.apply(x - h, s)) / (2.0 * h);
                    let exact = activation.derivative(x, s);
                    assert!(
                        (numeric - exact).abs() < 1e-6,
                        "{} at {x}, steepness {s}: {exact} but numerically {numeric}",
                        activation.name()
                    );
                }
            }
        }
    }

    #[test]
    fn single_precision_agrees_with_double() {
        for activation in Activation::ALL {
            for i in -3000..=3000 {
                let x = (f64::from(i) * 0.01 + 0.0037) as f32;
                let (single, double) = (activation.apply(x, 0.75f32), activation.apply(f64::from(x), 0.75));
                let allowed = 1e-6 * double.abs().max(1.0);
                assert!(
                    (f64::from(single) - double).abs() <= allowed,
                    "{} at {x}: {single} for {double}",
                    activation.name()
                );
            }
        }
    }

    #[test]
    fn exponential_is_accurate_and_saturates() {
        for i in -8700..=8800 {
            let x = i as f32 * 0.01;
            let exact = f64::from(x).exp();
            assert!((f64::from(Real::exp(x)) / exact - 1.0).abs() < 3e-7, "exp({x})");
        }
        assert!(Real::exp(-1e30f32) < 1e-37 && Real::exp(1e30f32).is_finite());
    }

    #[test]
    fn names_round_trip() {
        for activation in Activation::ALL {
            assert_eq!(Activation::parse(activation.name()), Some(activation));
            let json = serde_json::to_string(&activation).unwrap();
            assert_eq!(json, format!("\"{}\"", activation.name()));
        }
        assert_eq!(Activation::parse("swish"), None);
    }
}
