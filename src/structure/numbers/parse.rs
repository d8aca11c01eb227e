//! A number that fills a whole table cell.

use super::currency;
use super::digits::{Locale, Reading, readings, with_fraction};
use super::lexer::{Tokens, is_fraction};
use super::scale;
use crate::document::analysis::FigureKind;

/// How a negative number is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegativeStyle {
    /// `(4,512)`
    Parentheses,
    /// `[4,512]`, `<4,512>`. Such brackets may set apart what is counted otherwise, too: its alternative.
    Brackets,
    /// `-4,512`
    LeadingMinus,
    /// `4,512-`
    TrailingMinus,
    /// `4,512 CR`: a credit, negative where debits are positive. Its alternative is the positive value.
    Credit,
    /// `△4,512` or `▲4,512`, usual in Japan. Elsewhere a filled triangle shows a direction: its alternative.
    Triangle,
    /// `minus 4,512`
    Word,
}

/// What the number counts, as far as the cell itself says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberUnit {
    /// Nothing is said.
    None,
    /// `%`
    Percent,
    /// Hundredths of a percent.
    BasisPoints,
    /// `per share`, `per unit`
    PerShare,
    /// A multiple: `3.5x`
    Times,
}

/// The number in a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedNumber {
    /// Printed number with its sign, before any scale; 0 for a dash.
    pub value: f64,
    /// Decimals printed.
    pub decimals: u32,
    /// How it is marked as negative, if it is.
    pub negative: Option<NegativeStyle>,
    /// What it counts.
    pub unit: NumberUnit,
    /// ISO 4217 code of the currency in the cell.
    pub currency: Option<&'static str>,
    /// Power of ten that the cell itself states: 6 for "1.2 million", -2 for cents.
    pub scale: Option<i32>,
    /// Whether it is a dash or "nil", which stands for nothing.
    pub nil: bool,
    /// Whether its digits are grouped ("1,234").
    pub grouped: bool,
    /// Other readings, signed, before scale.
    pub alternatives: Vec<f64>,
}

impl ParsedNumber {
    /// Kind of figure, as far as the cell itself says.
    #[must_use]
    pub fn kind(&self) -> FigureKind {
        match self.unit {
            NumberUnit::Percent => FigureKind::Percent,
            NumberUnit::PerShare => FigureKind::PerShare,
            NumberUnit::BasisPoints | NumberUnit::Times => FigureKind::Quantity,
            NumberUnit::None if self.currency.is_some() => FigureKind::Money,
            NumberUnit::None => FigureKind::Number,
        }
    }
}

/// Reads text that is one number and nothing else: `$ (4,512)`, `12.5 %`, `1.234,56 €`, `1,23,456`, `4,512-`,
/// `1.2 billion`, `45 bps`, `3.5x`, `—`. An opening parenthesis alone counts, because tables often put the closing
/// one into a cell of its own. A range of percentages or amounts ("3.5 - 4.4 %", "$2 to $3") reads as its first number, with
/// the other as its alternative. `None` for everything else: dates, ranges of years, words, section numbers.
///
/// `(1)` reads as -1; whether it is a footnote mark is for the table to say.
#[must_use]
pub fn parse_number(text: &str, locale: Locale) -> Option<ParsedNumber> {
    const LONGEST: usize = 80;
    if text.len() > LONGEST {
        return None;
    }
    whole_number(text, locale).or_else(|| range(text, locale))
}

/// The lower end of a range whose ends are percentages or amounts of one currency.
fn range(text: &str, locale: Locale) -> Option<ParsedNumber> {
    let (low, high) =
        [" - ", "–", "—", " to ", " bis "].iter().find_map(|between| text.split_once(between))?;
    let (mut low, high) = (whole_number(low.trim(), locale)?, whole_number(high.trim(), locale)?);
    let known = |number: &ParsedNumber| number.unit != NumberUnit::None || number.currency.is_some();
    let fits = low.unit == high.unit && low.currency == high.currency || !known(&low) || !known(&high);
    let ascends = !low.nil && !high.nil && low.value <= high.value && high.negative.is_none();
    if !(known(&low) || known(&high)) || !fits || !ascends {
        return None;
    }
    if !known(&low) {
        (low.unit, low.currency) = (high.unit, high.currency);
    }
    low.scale = low.scale.or(high.scale);
    low.alternatives = vec![high.value];
    Some(low)
}

fn whole_number(text: &str, locale: Locale) -> Option<ParsedNumber> {
    let tokens = Tokens::new(text);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        number: ParsedNumber::empty(),
        open: None,
        open_first: false,
        directed: false,
    };
    reader.front(locale);
    let found = reader.digits(locale)?;
    reader.back()?;
    if reader.at != tokens.list.len() {
        return None;
    }
    let directed = reader.directed;
    let mut number = reader.number;
    if let Some((first, others)) = found.split_first() {
        let sign = if number.negative.is_some() { -1.0 } else { 1.0 };
        number.value = if first.value == 0.0 { 0.0 } else { sign * first.value };
        number.decimals = first.decimals;
        number.grouped = first.grouped;
        number.alternatives = others.iter().map(|reading| sign * reading.value).collect();
        // Both readings of a credit, of an arrow and of square or pointed brackets are usual.
        let unusual = matches!(number.negative, Some(NegativeStyle::Credit | NegativeStyle::Brackets));
        if (unusual || directed) && first.value != 0.0 {
            number.alternatives.push(-number.value);
        }
    }
    Some(number)
}

impl ParsedNumber {
    fn empty() -> Self {
        Self {
            value: 0.0,
            decimals: 0,
            negative: None,
            unit: NumberUnit::None,
            currency: None,
            scale: None,
            nil: false,
            grouped: false,
            alternatives: Vec::new(),
        }
    }
}

/// Brackets that make a number negative.
const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('<', '>')];

/// Marks of a direction. In Japan the first two are minus signs.
pub(super) const DIRECTIONS: [char; 10] = ['△', '▲', '▵', '▴', '▼', '▽', '▾', '↑', '↓', '▿'];

struct Reader<'t, 'a> {
    tokens: &'t Tokens<'a>,
    at: usize,
    number: ParsedNumber,
    /// The bracket that closes the number.
    open: Option<char>,
    /// Whether the bracket stands before the sign.
    open_first: bool,
    /// Whether an arrow stands with it, which may or may not be its sign.
    directed: bool,
}

impl Reader<'_, '_> {
    /// Currency, sign and bracket before the digits, in any order.
    fn front(&mut self, locale: Locale) {
        loop {
            let bracket = BRACKETS.iter().find(|(open, _)| self.tokens.is_symbol(self.at, *open));
            if let Some((_, close)) = bracket.filter(|_| self.open.is_none()) {
                self.open = Some(*close);
                self.open_first = self.number.negative.is_none();
                self.at += 1;
            } else if let Some((code, next)) =
                currency::before(self.tokens, self.at).filter(|_| self.number.currency.is_none())
            {
                self.number.currency = Some(code);
                self.at = next;
            } else if self.number.negative.is_none() && self.sign_before_number() {
                self.number.negative = Some(NegativeStyle::LeadingMinus);
                self.at += 1;
            } else if self.number.negative.is_none()
                && matches!(self.tokens.word(self.at).as_str(), "minus" | "negative")
            {
                self.number.negative = Some(NegativeStyle::Word);
                self.at += 1;
            } else if let Some(mark) = self.direction().filter(|_| !self.directed) {
                let negative = matches!(mark, '△' | '▵') || mark == '▲' && locale.triangle_is_minus;
                if negative && self.number.negative.is_none() {
                    self.number.negative = Some(NegativeStyle::Triangle);
                }
                self.directed = !negative;
                self.at += 1;
            } else if self.tokens.is_symbol(self.at, '+') && self.tokens.is_number(self.at + 1) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    /// A triangle or an arrow.
    fn direction(&self) -> Option<char> {
        DIRECTIONS.iter().copied().find(|mark| self.tokens.is_symbol(self.at, *mark))
    }

    fn sign_before_number(&self) -> bool {
        self.tokens.is_symbol(self.at, '-')
            && (self.tokens.is_number(self.at + 1)
                || currency::before(self.tokens, self.at + 1)
                    .is_some_and(|(_, next)| self.tokens.is_number(next)))
    }

    /// The digits, or nothing for a dash; `None` if neither is there.
    fn digits(&mut self, locale: Locale) -> Option<Vec<Reading>> {
        if self.tokens.is_number(self.at) {
            let mut digits = self.tokens.text_at(self.at).to_owned();
            self.at += 1;
            // Spaces as group separators: "1 234 567,5".
            while self.tokens.is_number(self.at) && group_follows(&digits, self.tokens.text_at(self.at)) {
                digits.push(' ');
                digits.push_str(self.tokens.text_at(self.at));
                self.at += 1;
            }
            if let Some((fraction, next)) = fraction_after(self.tokens, self.at) {
                self.at = next;
                return with_fraction(&digits, fraction).map(|reading| vec![reading]);
            }
            let found = readings(&digits, locale);
            return (!found.is_empty()).then_some(found);
        }
        if let Some(fraction) = self.tokens.fraction(self.at) {
            self.at += 1;
            return with_fraction("", fraction).map(|reading| vec![reading]);
        }
        let start = self.at;
        while self.tokens.is_symbol(self.at, '-') {
            self.at += 1;
        }
        let dashes = self.at - start;
        if dashes == 0 && matches!(self.tokens.word(self.at).as_str(), "nil" | "null") {
            self.at += 1;
        } else if !(1..=3).contains(&dashes) {
            return None;
        }
        self.number.nil = true;
        Some(Vec::new())
    }

    /// What follows the digits, in any order; `None` on a contradiction.
    fn back(&mut self) -> Option<()> {
        loop {
            let tokens = self.tokens;
            let at = self.at;
            if let Some(close) = self.open.filter(|close| tokens.is_symbol(at, *close)) {
                self.open = None;
                if !self.number.nil {
                    self.bracketed(close)?;
                }
                self.at += 1;
            } else if let Some(next) = percent_at(tokens, at) {
                self.set_unit(NumberUnit::Percent, next)?;
            } else if let Some((scale, next)) = scale::after(tokens, at, self.number.currency.is_some())
                .filter(|_| self.number.scale.is_none())
            {
                self.number.scale = Some(scale);
                self.at = next;
            } else if tokens.is_symbol(at, '¢') || matches!(tokens.word(at).as_str(), "cents" | "cent") {
                self.number.currency = Some("USD");
                self.number.scale = Some(-2);
                self.at += 1;
            } else if tokens.word(at) == "pence" {
                self.number.currency = Some("GBP");
                self.number.scale = Some(-2);
                self.at += 1;
            } else if let Some((code, next)) =
                currency::after(tokens, at).filter(|_| self.number.currency.is_none())
            {
                self.number.currency = Some(code);
                self.at = next;
            } else if tokens.is_symbol(at, '.')
                && tokens.is_symbol(at + 1, '-')
                && at + 2 == tokens.list.len()
            {
                self.at += 2; // Swiss and German round amounts: "5'000.-"
            } else if tokens.is_symbol(at, '-') && at + 1 == tokens.list.len() && !self.number.nil {
                self.negate(NegativeStyle::TrailingMinus)?;
                self.at += 1;
            } else if let Some(next) = per_share_at(tokens, at) {
                self.set_unit(NumberUnit::PerShare, next)?;
            } else if let Some(next) = basis_points_at(tokens, at) {
                self.set_unit(NumberUnit::BasisPoints, next)?;
            } else if matches!(tokens.text_at(at), "x" | "×" | "X") && !tokens.spaced(at) {
                self.set_unit(NumberUnit::Times, at + 1)?;
            } else if tokens.word(at) == "cr" {
                self.negate(NegativeStyle::Credit)?;
                self.at = tokens.skip_point(at + 1);
            } else if tokens.word(at) == "dr" {
                self.at = tokens.skip_point(at + 1);
            } else if !self.directed && self.direction().is_some() {
                self.directed = true;
                self.at += 1;
            } else {
                break;
            }
        }
        match self.open {
            None => {}
            // Only a parenthesis is closed in a cell of its own.
            Some(')') if !self.number.nil => self.bracketed(')')?,
            Some(')') => {}
            Some(_) => return None,
        }
        Some(())
    }

    /// Brackets around a number that has a minus sign already say nothing more: `(-845)`. A sign before them is a
    /// contradiction.
    fn bracketed(&mut self, close: char) -> Option<()> {
        if self.number.negative == Some(NegativeStyle::LeadingMinus) && self.open_first {
            return Some(());
        }
        self.negate(if close == ')' { NegativeStyle::Parentheses } else { NegativeStyle::Brackets })
    }

    fn negate(&mut self, style: NegativeStyle) -> Option<()> {
        self.number.negative.replace(style).is_none().then_some(())
    }

    fn set_unit(&mut self, unit: NumberUnit, next: usize) -> Option<()> {
        if self.number.unit != NumberUnit::None {
            return None;
        }
        self.number.unit = unit;
        self.at = next;
        Some(())
    }
}

/// Whether `next` can be a further group of three digits after `digits` with a space between.
pub(in crate::structure) fn group_follows(digits: &str, next: &str) -> bool {
    let integer_so_far = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
    let last_group = digits.rsplit(' ').next().unwrap_or("");
    let fits = if digits.contains(' ') { last_group.len() == 3 } else { (1..=3).contains(&last_group.len()) };
    let (group, rest) = next.split_at(next.find(['.', ',']).unwrap_or(next.len()));
    integer_so_far && fits && group.len() == 3 && rest.matches(['.', ',', '\'']).count() <= 1
}

/// The fraction behind the whole number that ends before `at`, and the token after it: `4½`, `4 1/2`, `6-3/4`. Of
/// figures with a slash only those are fractions that nothing further is joined to.
pub(super) fn fraction_after(tokens: &Tokens<'_>, at: usize) -> Option<((u32, u32), usize)> {
    let hyphen = tokens.is_symbol(at, '-') && !tokens.spaced(at) && !tokens.spaced(at + 1);
    let start = at + usize::from(hyphen);
    if let Some(fraction) = tokens.fraction(start) {
        return Some((fraction, start + 1));
    }
    let set_apart = hyphen || tokens.spaced(start);
    let joined = tokens.is_symbol(start + 1, '/') && !tokens.spaced(start + 1) && !tokens.spaced(start + 2);
    if !(tokens.is_number(start) && set_apart && joined && tokens.is_number(start + 2)) {
        return None;
    }
    let goes_on = tokens.is_symbol(start + 3, '/') && !tokens.spaced(start + 3);
    let (numerator, denominator) = (tokens.whole(start)?, tokens.whole(start + 2)?);
    let (numerator, denominator) = (u32::try_from(numerator).ok()?, u32::try_from(denominator).ok()?);
    (is_fraction(numerator, denominator) && !goes_on).then_some(((numerator, denominator), start + 3))
}

/// The token after `%`, "percent", "per cent" or "pct" at `at`.
pub(super) fn percent_at(tokens: &Tokens<'_>, at: usize) -> Option<usize> {
    if tokens.is_symbol(at, '%') || tokens.word(at) == "percent" || tokens.word(at) == "prozent" {
        return Some(at + 1);
    }
    if tokens.words_are(at, &["per", "cent"]) {
        return Some(at + 2);
    }
    (tokens.word(at) == "pct").then(|| tokens.skip_point(at + 1))
}

/// The token after "per (diluted common ...) share" or "a share" at `at`.
pub(super) fn per_share_at(tokens: &Tokens<'_>, at: usize) -> Option<usize> {
    let per = tokens.word(at) == "per" || tokens.is_symbol(at, '/');
    if !per {
        return tokens.words_are(at, &["a", "share"]).then_some(at + 2);
    }
    let mut next = at + 1;
    for _ in 0..4 {
        match tokens.word(next).as_str() {
            "share" | "unit" | "ads" | "adr" | "stock" => return Some(next + 1),
            "diluted" | "basic" | "common" | "ordinary" | "and" | "preferred" | "depositary" | "class"
            | "a" | "b" | "c" => next += 1,
            _ => return None,
        }
    }
    None
}

/// The token after "bps", "bp" or "basis point(s)" at `at`.
pub(super) fn basis_points_at(tokens: &Tokens<'_>, at: usize) -> Option<usize> {
    if matches!(tokens.word(at).as_str(), "bps" | "bp") {
        return Some(at + 1);
    }
    let joined = at + 1 + usize::from(tokens.is_symbol(at + 1, '-'));
    (tokens.word(at) == "basis" && matches!(tokens.word(joined).as_str(), "point" | "points"))
        .then_some(joined + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::digits::DecimalMark;
    use super::*;

    fn parse(text: &str) -> ParsedNumber {
        parse_number(text, Locale::default()).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn cells_of_real_tables() {
        type Row = (&'static str, f64, u32, Option<&'static str>, Option<i32>, NumberUnit);
        let rows: &[Row] = &[
            ("$ 391,035", 391_035.0, 0, Some("USD"), None, NumberUnit::None),
            ("(4,512)", -4_512.0, 0, None, None, NumberUnit::None),
            ("$ (4,512", -4_512.0, 0, Some("USD"), None, NumberUnit::None),
            ("($4,512.5)", -4_512.5, 1, Some("USD"), None, NumberUnit::None),
            ("-$12", -12.0, 0, Some("USD"), None, NumberUnit::None),
            ("12.5%", 12.5, 1, None, None, NumberUnit::Percent),
            ("(12.5)%", -12.5, 1, None, None, NumberUnit::Percent),
            ("(12.5%)", -12.5, 1, None, None, NumberUnit::Percent),
            ("(5) %", -5.0, 0, None, None, NumberUnit::Percent),
            ("− 7.0 %", -7.0, 1, None, None, NumberUnit::Percent),
            ("1.234,56 €", 1_234.56, 2, Some("EUR"), None, NumberUnit::None),
            ("1,23,456", 123_456.0, 0, None, None, NumberUnit::None),
            ("4,512-", -4_512.0, 0, None, None, NumberUnit::None),
            ("1 234 567,5", 1_234_567.5, 1, None, None, NumberUnit::None),
            ("5'000.-", 5_000.0, 0, None, None, NumberUnit::None),
            ("EUR 3,5 Mio.", 3.5, 1, Some("EUR"), Some(6), NumberUnit::None),
            ("$1.2 billion", 1.2, 1, Some("USD"), Some(9), NumberUnit::None),
            ("$(1.2) billion", -1.2, 1, Some("USD"), Some(9), NumberUnit::None),
            ("US$5M", 5.0, 0, Some("USD"), Some(6), NumberUnit::None),
            ("45 bps", 45.0, 0, None, None, NumberUnit::BasisPoints),
            ("25 basis points", 25.0, 0, None, None, NumberUnit::BasisPoints),
            ("$0.25 per diluted share", 0.25, 2, Some("USD"), None, NumberUnit::PerShare),
            ("3.5x", 3.5, 1, None, None, NumberUnit::Times),
            ("△1,200", -1_200.0, 0, None, None, NumberUnit::None),
            ("Rs. 12 crore", 12.0, 0, Some("INR"), Some(7), NumberUnit::None),
            ("45¢", 45.0, 0, Some("USD"), Some(-2), NumberUnit::None),
            ("+5.0", 5.0, 1, None, None, NumberUnit::None),
            (".5", 0.5, 1, None, None, NumberUnit::None),
        ];
        for (text, value, decimals, currency, scale, unit) in rows {
            let number = parse(text);
            assert_eq!(
                (number.value, number.decimals, number.currency, number.scale, number.unit),
                (*value, *decimals, *currency, *scale, *unit),
                "{text}"
            );
            assert!(!number.nil, "{text}");
        }
    }

    #[test]
    fn dashes_are_nil_and_not_negative() {
        for text in ["—", "-", "–", "$ —", "— %", "--", "nil", "(—)"] {
            let number = parse(text);
            assert!(number.nil && number.value == 0.0 && number.negative.is_none(), "{text}");
        }
    }

    #[test]
    fn credits_and_ambiguous_numbers_keep_the_other_reading() {
        let credit = parse("4,512 CR");
        assert_eq!((credit.value, credit.negative), (-4_512.0, Some(NegativeStyle::Credit)));
        assert_eq!(credit.alternatives, [-4.512, 4_512.0]);
        assert_eq!(parse("(1.234)").alternatives, [-1_234.0]);
        let german = Locale { decimal_mark: Some(DecimalMark::Comma), ..Locale::default() };
        let number = parse_number("1.234", german).expect("a number");
        assert_eq!((number.value, number.alternatives), (1_234.0, vec![]));
        assert_eq!(parse("(0)").value.to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn a_range_reads_as_its_first_number_and_keeps_the_other() {
        for (text, low, high) in [
            ("3.5 - 4.4%", 3.5, 4.4),
            ("1.2% – 2.0%", 1.2, 2.0),
            ("2.1 to 3.6%", 2.1, 3.6),
            ("$2.50–$3.75", 2.5, 3.75),
        ] {
            let number = parse_number(text, Locale::UNITED_STATES).expect(text);
            assert_eq!((number.value, &number.alternatives[..]), (low, &[high][..]), "{text}");
            assert!(number.kind() != FigureKind::Number, "{text}");
        }
        for text in ["2025 - 2030", "2025–2030", "1 - 3", "5% - 3%", "$5 - 3%", "10-12%"] {
            assert_eq!(parse_number(text, Locale::UNITED_STATES), None, "{text}");
        }
    }

    #[test]
    fn other_text_is_not_a_number() {
        for text in [
            "",
            " ",
            "Total",
            "12/31/2024",
            "31.12.2024",
            "2024-12-31",
            "1.2.3",
            "10-K",
            "Note 12",
            "5 6",
            "(1) (2)",
            "12.5%%",
            "N/A",
            "-(5)",
            "1,234 5",
            "3.5 x",
            "$",
            "%",
            "(",
            "US0378331005",
            "(408) 996-1010",
            "5 employees",
            "-----",
            "Q3",
            "1,2,3",
        ] {
            assert_eq!(parse_number(text, Locale::default()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_style_of_a_number_has_the_same_value(units in 1u32..2_000_000_000, style in 0usize..5) {
            let grouped = {
                let digits = units.to_string();
                let mut text = String::new();
                for (index, digit) in digits.chars().enumerate() {
                    if index > 0 && (digits.len() - index) % 3 == 0 {
                        text.push(',');
                    }
                    text.push(digit);
                }
                text
            };
            let (text, negative) = match style {
                0 => (format!("({grouped})"), true),
                1 => (format!("-{grouped}"), true),
                2 => (format!("{grouped}-"), true),
                3 => (format!("$ {grouped}"), false),
                _ => (grouped, false),
            };
            let number = parse_number(&text, Locale::UNITED_STATES).expect("a number");
            prop_assert_eq!(number.value, if negative { -f64::from(units) } else { f64::from(units) });
        }

        #[test]
        fn every_grouping_has_the_same_value(units in 1_000u32..2_000_000_000, cents in 0u32..100, style in 0usize..4) {
            let groups = |separator: &str, indian: bool| {
                let digits = units.to_string();
                let mut text = String::new();
                for (index, digit) in digits.chars().enumerate() {
                    let left = digits.len() - index;
                    let boundary = if indian { left == 3 || left > 3 && left % 2 == 1 } else { left % 3 == 0 };
                    if index > 0 && boundary {
                        text.push_str(separator);
                    }
                    text.push(digit);
                }
                text
            };
            let comma = Locale { decimal_mark: Some(DecimalMark::Comma), ..Locale::default() };
            let (text, locale) = match style {
                0 => (format!("{}.{cents:02}", groups(",", true)), Locale::UNITED_STATES),
                1 => (format!("{},{cents:02}", groups(".", false)), comma),
                2 => (format!("{},{cents:02}", groups("\u{202f}", false)), comma),
                _ => (format!("{}.{cents:02}", groups("'", false)), Locale::UNITED_STATES),
            };
            let number = parse_number(&text, locale).expect("a number");
            let value: f64 = format!("{units}.{cents:02}").parse().expect("a number");
            prop_assert_eq!((number.value, number.decimals), (value, 2), "{}", text);
        }

        #[test]
        fn never_panics(text in "[0-9.,()$€%\\-—a-z Mio'/]{0,24}") {
            if let Some(number) = parse_number(&text, Locale::default()) {
                prop_assert!(number.value.is_finite());
            }
        }
    }
}
