//! Numbers as whole numbers of their last printed digit, and their spelling. Nothing here comes from docproc.

use super::styles::{Negative, Style};

/// A printed number: `mantissa` at `decimals` digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    pub mantissa: i64,
    pub decimals: u32,
}

impl Amount {
    pub fn new(mantissa: i64, decimals: u32) -> Self {
        Self { mantissa, decimals }
    }

    /// Value after a scale, from decimal text.
    pub fn value(self, scale: i32) -> f64 {
        format!("{}e{}", self.mantissa, scale - self.decimals as i32).parse().unwrap()
    }

    /// Digits without a sign.
    pub fn digits(self, style: &Style, group: &str, decimal: char) -> String {
        let text = format!("{:0width$}", self.mantissa.abs(), width = self.decimals as usize + 1);
        let (whole, fraction) = text.split_at(text.len() - self.decimals as usize);
        let grouped = grouped(whole, group, style.lakh);
        if fraction.is_empty() { grouped } else { format!("{grouped}{decimal}{fraction}") }
    }

    pub fn spelled(self, style: &Style, group: &str, decimal: char, negative: Negative) -> String {
        let digits = self.digits(style, group, decimal);
        if self.mantissa < 0 { negative.around(&digits) } else { digits }
    }
}

fn grouped(whole: &str, group: &str, lakh: bool) -> String {
    let mut parts = Vec::new();
    let mut rest = whole;
    let mut size = 3;
    while rest.len() > size {
        let (before, last) = rest.split_at(rest.len() - size);
        parts.push(last);
        rest = before;
        if lakh {
            size = 2;
        }
    }
    parts.push(rest);
    parts.reverse();
    parts.join(group)
}

pub fn full_width(text: &str) -> String {
    text.chars()
        .map(|c| c.to_digit(10).map_or(c, |digit| char::from_u32('０' as u32 + digit).unwrap()))
        .collect()
}

pub fn superscript(digit: u32) -> char {
    ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize]
}

#[cfg(test)]
mod tests {
    use super::super::styles::STYLES;
    use super::*;

    #[test]
    fn spelled_as_the_house_does() {
        let style = |name: &str| STYLES.iter().find(|style| style.name == name).unwrap();
        let amount = Amount::new(-123_456_789, 2);
        assert_eq!(amount.spelled(style("uk"), ",", '.', Negative::Parentheses), "(1,234,567.89)");
        assert_eq!(amount.spelled(style("india"), ",", '.', Negative::Minus), "−12,34,567.89");
        assert_eq!(Amount::new(5, 2).digits(style("uk"), ",", '.'), "0.05");
        assert_eq!(amount.value(6), -1_234_567_890_000.0);
    }
}
