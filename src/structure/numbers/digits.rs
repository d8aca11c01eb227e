//! What a run of digits and separators can mean.

use super::periods::month_of;

/// The character before the decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

/// Conventions of a document or a table. What is `None` is unknown, and ambiguous numbers keep their other readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Locale {
    /// How decimals are marked.
    pub decimal_mark: Option<DecimalMark>,
    /// How they are probably marked where that is not known: the reading to name first.
    pub likely_mark: Option<DecimalMark>,
    /// Whether plain spaces group digits: `12 345`.
    pub spaces_group: bool,
    /// Whether `▲` is a minus sign, as in Japan, rather than an arrow.
    pub triangle_is_minus: bool,
    /// Whether `05/06/2024` is the 5th of June (true) or May 6th (false).
    pub day_first: Option<bool>,
    /// Month at whose end, or within a week of it, the fiscal year ends, 1 to 12.
    pub fiscal_year_end: Option<u32>,
}

impl Locale {
    /// Conventions of the United States.
    pub const UNITED_STATES: Self = Self {
        decimal_mark: Some(DecimalMark::Point),
        likely_mark: None,
        spaces_group: false,
        triangle_is_minus: false,
        day_first: Some(false),
        fiscal_year_end: None,
    };

    /// The conventions that the numbers, dates and words of a document show. A mark is taken for known when at least 3
    /// numbers show it and 19 in 20 of all that show any.
    ///
    /// Numbers with exactly three digits behind their mark show something only together: a comma behind which there
    /// are always three digits groups them. So does a point, but in English it may mark decimals after all.
    pub fn detect<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut evidence = Evidence::default();
        let (mut day_first, mut month_first) = (0u32, 0u32);
        let mut year_ends = YearEnds::default();
        for word in words {
            year_ends.take(word);
            evidence.take(word);
            let word = word.trim_matches(|character: char| !character.is_ascii_digit());
            let parts: Vec<u32> = word.split('/').filter_map(|part| part.parse().ok()).collect();
            if let [first, second, year] = parts[..]
                && (year < 100 || (1900..2100).contains(&year))
            {
                day_first += u32::from(first > 12 && first <= 31 && second <= 12);
                month_first += u32::from(second > 12 && second <= 31 && first <= 12);
            }
        }
        let (decimal_mark, likely_mark) = evidence.mark();
        let day_first = match (day_first, month_first) {
            (1.., 0) => Some(true),
            (0, 1..) => Some(false),
            _ => None,
        };
        Self {
            decimal_mark,
            likely_mark,
            spaces_group: false,
            // English reports of Japanese companies print it, too, and never its counterpart.
            triangle_is_minus: evidence.japanese > 0
                || evidence.yen > 0 && evidence.triangles > 0 && evidence.directions == 0,
            day_first,
            fiscal_year_end: year_ends.month(),
        }
    }

    /// The conventions of a table in a document with these: its own numbers say more about it than all others do.
    #[must_use]
    pub fn of_table<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut evidence = Evidence::default();
        texts.into_iter().flat_map(str::split_whitespace).for_each(|word| evidence.take(word));
        let stated = if clear(evidence.point, evidence.comma) {
            Some(DecimalMark::Point)
        } else if clear(evidence.comma, evidence.point) {
            Some(DecimalMark::Comma)
        } else {
            None
        };
        // In a document with decimal commas, commas that always have three digits behind them may group: a translation.
        let translated = evidence.three_behind_comma >= 3
            && evidence.comma + evidence.point + evidence.three_behind_point == 0;
        match (stated, self.decimal_mark) {
            (None, Some(DecimalMark::Comma)) if translated => {
                Self { decimal_mark: None, likely_mark: Some(DecimalMark::Point), ..self }
            }
            (Some(_), _) => Self { decimal_mark: stated, likely_mark: None, ..self },
            (None, Some(_)) => self,
            (None, None) => {
                let (known, likely) = evidence.mark();
                // A table has too few words to be in a language.
                Self { likely_mark: self.likely_mark.or(known).or(likely), ..self }
            }
        }
    }
}

/// Whether so many numbers show it, and so few the contrary, that it is known.
fn clear(yes: u32, no: u32) -> bool {
    yes >= 3 && no * 19 <= yes
}

/// What the words of a document show about its decimal mark.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    /// Numbers that can only have a decimal point, and a decimal comma.
    point: u32,
    comma: u32,
    /// Numbers with three digits behind a single comma, and a single point.
    three_behind_comma: u32,
    three_behind_point: u32,
    /// Small words of English, those of languages with a decimal comma, and currencies of countries with a point.
    english: u32,
    other: u32,
    point_currency: u32,
    /// Japanese characters, and words about yen.
    japanese: u32,
    yen: u32,
    /// Triangles in front of digits, and those that only show directions.
    triangles: u32,
    directions: u32,
}

impl Evidence {
    fn take(&mut self, word: &str) {
        if let Some(letter) = word.chars().next().filter(|c| !c.is_ascii()) {
            self.japanese += u32::from(matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'));
        }
        self.yen += u32::from(word.contains('¥') || matches!(word, "yen" | "JPY"));
        self.directions += u32::from(word.contains(['▼', '▽']) || word == "▲");
        let triangle = word.trim_start_matches('(').strip_prefix('▲');
        self.triangles += u32::from(
            triangle.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '¥')),
        );
        if !word.contains(|c: char| c.is_ascii_digit()) {
            match word {
                "the" | "of" | "and" | "to" | "for" | "with" | "by" => self.english += 1,
                "der" | "die" | "und" | "das" | "von" | "de" | "la" | "les" | "et" | "des" | "el" | "los"
                | "del" | "di" | "il" | "och" | "av" | "og" | "af" | "het" | "van" | "een" | "da" | "dos"
                | "ja" | "na" => {
                    self.other += 1;
                }
                "$" | "US$" | "USD" | "£" | "GBP" | "¥" | "JPY" => self.point_currency += 1,
                _ => {}
            }
            return;
        }
        self.point_currency += u32::from(word.contains(['$', '£', '¥']));
        let bare = word.trim_matches(|character: char| !character.is_ascii_digit());
        // "31.12." is a day.
        if word.ends_with('.') && bare.len() <= 5 && bare.matches('.').count() == 1 {
            return;
        }
        match unambiguous_mark(bare) {
            Some(DecimalMark::Point) => self.point += 1,
            Some(DecimalMark::Comma) => self.comma += 1,
            None => match three_behind(bare) {
                Some(',') => self.three_behind_comma += 1,
                Some(_) => self.three_behind_point += 1,
                None => {}
            },
        }
    }

    /// The mark that is known, and the one that is likely where none is.
    fn mark(&self) -> (Option<DecimalMark>, Option<DecimalMark>) {
        use DecimalMark::{Comma, Point};
        if clear(self.point, self.comma) {
            return (Some(Point), None);
        }
        if clear(self.comma, self.point) {
            return (Some(Comma), None);
        }
        // A mark that has one or two digits behind it elsewhere does not group.
        let commas_group = if self.comma == 0 { self.three_behind_comma } else { 0 };
        let points_group = if self.point == 0 { self.three_behind_point } else { 0 };
        let english =
            self.english > 3 * self.other || self.english + self.other == 0 && self.point_currency > 0;
        let foreign = self.other > self.english;
        if english && self.comma + points_group == 0 && self.point + commas_group > 0 {
            return (Some(Point), None);
        }
        if clear(self.point + commas_group, self.comma + points_group) {
            if english { (Some(Point), None) } else { (None, Some(Point)) }
        } else if clear(self.comma + points_group, self.point + commas_group) {
            if foreign { (Some(Comma), None) } else { (None, Some(Comma)) }
        } else if english {
            (None, Some(Point))
        } else if foreign {
            (None, Some(Comma))
        } else {
            (None, None)
        }
    }
}

/// The mark with exactly three digits behind it and one to three before it, the first not zero.
fn three_behind(word: &str) -> Option<char> {
    let (at, mark) = word.char_indices().find(|(_, c)| !c.is_ascii_digit())?;
    let rest = &word[at + mark.len_utf8()..];
    let fits = matches!(mark, ',' | '.')
        && (1..=3).contains(&at)
        && !word.starts_with('0')
        && rest.len() == 3
        && rest.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(mark)
}

/// Counts the months in which years end: "fiscal year ended June 30, 2024", "years ending on September 28,".
#[derive(Default)]
struct YearEnds {
    /// How much of the phrase has been read: "year", then "ended", then the month.
    phrase: Phrase,
    counts: [u32; 12],
}

#[derive(Clone, Copy, Default)]
enum Phrase {
    #[default]
    None,
    Year,
    Ended,
    Month(u32),
}

impl YearEnds {
    fn take(&mut self, word: &str) {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        self.phrase = match (self.phrase, word.as_str()) {
            (_, "year" | "years") => Phrase::Year,
            (Phrase::Year, "ended" | "ending" | "ends") => Phrase::Ended,
            (Phrase::Ended, "on") => Phrase::Ended,
            (Phrase::Ended, word) => month_of(word).map_or(Phrase::None, Phrase::Month),
            (Phrase::Month(month), day) => {
                if let Ok(day @ 1..=31) = day.parse::<u32>() {
                    // Books kept in weeks end on a day near the end of a month.
                    let month = if day <= 7 { (month + 10) % 12 + 1 } else { month };
                    self.counts[month as usize - 1] += 1;
                }
                Phrase::None
            }
            _ => Phrase::None,
        };
    }

    /// The month of at least four in five statements.
    fn month(&self) -> Option<u32> {
        let all: u32 = self.counts.iter().sum();
        let index = self.counts.iter().position(|&count| count > 0 && count * 5 >= all * 4)?;
        Some(index as u32 + 1)
    }
}

fn unambiguous_mark(word: &str) -> Option<DecimalMark> {
    if !word.chars().all(|character| character.is_ascii_digit() || matches!(character, '.' | ',')) {
        return None;
    }
    let last = word.rfind(['.', ','])?;
    let mark = if word.as_bytes()[last] == b'.' { DecimalMark::Point } else { DecimalMark::Comma };
    let other = if mark == DecimalMark::Point { ',' } else { '.' };
    let repeated = word.matches(char::from(word.as_bytes()[last])).count() > 1;
    let fraction = word.len() - last - 1;
    match (repeated, word.contains(other), fraction) {
        // "1,234,567": the repeated mark groups digits, so the other one marks decimals.
        (true, false, 3) => {
            Some(if mark == DecimalMark::Point { DecimalMark::Comma } else { DecimalMark::Point })
        }
        (false, true, _) | (false, false, 1..=2) => Some(mark),
        _ => None,
    }
}

/// One reading of a run of digits: its value without sign, and the number of decimals printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub value: f64,
    pub decimals: u32,
    /// Whether digits are grouped ("1,234").
    pub grouped: bool,
}

/// All readings of a run of digits, most probable first; empty when it is no number (`1.2.3`, `12,34,5`).
pub(super) fn readings(digits: &str, locale: Locale) -> Vec<Reading> {
    const LONGEST: usize = 40; // longer runs are bar codes and rubbish
    if digits.len() > LONGEST || !digits.contains(|character: char| character.is_ascii_digit()) {
        return Vec::new();
    }
    // A middle dot marks decimals and nothing else.
    if let Some((integer, decimals)) = digits.split_once('·') {
        return read(integer, Some(decimals)).into_iter().collect();
    }
    let points = digits.matches('.').count();
    let commas = digits.matches(',').count();
    let whole = |digits: &str| read(digits, None);
    let with_mark = |mark: char| {
        let at = digits.rfind(mark)?;
        read(&digits[..at], Some(&digits[at + 1..]))
    };
    match (points, commas) {
        (0, 0) => whole(digits).into_iter().collect(),
        (1.., 1..) => {
            let last = if digits.rfind('.') > digits.rfind(',') { '.' } else { ',' };
            let once = if last == '.' { points } else { commas } == 1;
            if once { with_mark(last).into_iter().collect() } else { Vec::new() }
        }
        (2.., 0) | (0, 2..) => whole(digits).into_iter().collect(),
        _ => {
            let (mark, decimal) =
                if points == 1 { ('.', DecimalMark::Point) } else { (',', DecimalMark::Comma) };
            let as_decimal = with_mark(mark);
            let as_group = whole(digits);
            match (locale.decimal_mark, as_group) {
                (_, None) => as_decimal.into_iter().collect(),
                (Some(known), Some(_)) if known == decimal => as_decimal.into_iter().collect(),
                (Some(_), Some(group)) => vec![group],
                // Without a hint a comma groups and a point marks decimals: most reports are in English.
                (None, Some(group)) => {
                    let likely = locale.likely_mark.unwrap_or(DecimalMark::Point);
                    let both =
                        if likely == decimal { [as_decimal, Some(group)] } else { [Some(group), as_decimal] };
                    both.into_iter().flatten().collect()
                }
            }
        }
    }
}

/// The number with a fraction behind its whole part: `4 1/2`. Thirds and the like are read to six decimals.
pub(super) fn with_fraction(whole: &str, (numerator, denominator): (u32, u32)) -> Option<Reading> {
    let whole = if whole.is_empty() { 0.0 } else { read(whole, None)?.value };
    let share = f64::from(numerator) / f64::from(denominator);
    let text = format!("{share:.6}");
    let decimals = text.trim_end_matches('0').split_once('.').map_or("", |(_, decimals)| decimals);
    let value: f64 = format!("{whole}.{decimals}").parse().ok()?;
    Some(Reading { value, decimals: u32::try_from(decimals.len()).ok()?, grouped: false })
}

/// The number with this integer part, whose separators all group digits, and these decimals.
fn read(integer: &str, decimals: Option<&str>) -> Option<Reading> {
    if decimals.is_some_and(|digits| digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let grouped = integer.contains(['.', ',', '\'', ' ']);
    if grouped && !groups_are_valid(integer) {
        return None;
    }
    let plain: String = integer.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() && decimals.is_none() {
        return None;
    }
    let decimals = decimals.unwrap_or("");
    // Through the decimal text, so that 0.1 is the nearest double to one tenth.
    let value: f64 = format!("0{plain}.{decimals}0").parse().ok()?;
    Some(Reading { value, decimals: u32::try_from(decimals.len()).ok()?, grouped })
}

/// Groups of three (`1,234,567`) or of two before a last group of three (`12,34,567`, lakhs and crores), one kind
/// of separator, no leading zero.
fn groups_are_valid(integer: &str) -> bool {
    let separators: Vec<char> = integer.chars().filter(|character| !character.is_ascii_digit()).collect();
    let groups: Vec<&str> = integer.split(['.', ',', '\'', ' ']).collect();
    let Some((first, rest)) = groups.split_first() else { return false };
    let Some((last, middle)) = rest.split_last() else { return false };
    let same = separators.windows(2).all(|pair| pair[0] == pair[1]);
    let begins_well = (1..=3).contains(&first.len()) && !first.starts_with('0');
    let western = middle.iter().all(|group| group.len() == 3);
    let indian = !middle.is_empty()
        && separators[0] == ','
        && first.len() <= 2
        && middle.iter().all(|group| group.len() == 2);
    same && begins_well && last.len() == 3 && (western || indian)
}

/// `value * 10^exponent`, correctly rounded: 1.1 million is exactly 1100000.
#[must_use]
pub fn scale_by(value: f64, exponent: i32) -> f64 {
    if exponent == 0 || !value.is_finite() {
        return value;
    }
    format!("{value}e{exponent}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str, decimal_mark: Option<DecimalMark>) -> Vec<f64> {
        let locale = Locale { decimal_mark, ..Locale::default() };
        readings(text, locale).iter().map(|reading| reading.value).collect()
    }

    #[test]
    fn separators_are_read_by_position_and_hint() {
        use DecimalMark::{Comma, Point};
        assert_eq!(values("1,234,567.89", None), [1_234_567.89]);
        assert_eq!(values("1.234,56", None), [1_234.56]);
        assert_eq!(values("1,23,456", None), [123_456.0]);
        assert_eq!(values("12,34,567.5", None), [1_234_567.5]);
        assert_eq!(values("1'234'567.5", None), [1_234_567.5]);
        assert_eq!(values("1.234", None), [1.234, 1_234.0]);
        assert_eq!(values("1,234", None), [1_234.0, 1.234]);
        assert_eq!(values("1.234", Some(Comma)), [1_234.0]);
        assert_eq!(values("1.234", Some(Point)), [1.234]);
        assert_eq!(values("1,234", Some(Comma)), [1.234]);
        assert_eq!(values("0.234", None), [0.234]);
        assert_eq!(values("1234.567", None), [1_234.567]);
        assert_eq!(values("3,5", Some(Point)), [3.5]);
        assert_eq!(values(".5", None), [0.5]);
    }

    #[test]
    fn what_is_no_number_has_no_reading() {
        for text in
            ["1.2.3", "12.31.2024", "1,2,3", "1,234,56", "1.234,567,890", "01,234,567", "", ".", "1'23"]
        {
            assert_eq!(values(text, None), [] as [f64; 0], "{text}");
        }
    }

    #[test]
    fn locale_is_seen_in_the_numbers() {
        let detect = |text: &str| Locale::detect(text.split(' '));
        assert_eq!(detect("1,234.5 (12.5) 1,234,567 12/31/2024"), Locale::UNITED_STATES);
        let german = detect("1.234,5 12,5% 1.234.567 31/12/2024");
        assert_eq!(
            german,
            Locale { decimal_mark: Some(DecimalMark::Comma), day_first: Some(true), ..Locale::default() }
        );
        assert_eq!(detect("1,234 12 5/6/2024 1.2.3"), Locale::default());
    }

    proptest! {
        #[test]
        fn printed_numbers_read_back(value in 0u64..10_000_000_000, decimals in 0u32..4, comma: bool) {
            let (group, mark) = if comma { ('.', ',') } else { (',', '.') };
            let digits = value.to_string();
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    text.push(group);
                }
                text.push(digit);
            }
            let fraction = 10u64.pow(decimals) / 3;
            if decimals > 0 {
                text.push_str(&format!("{mark}{fraction:0width$}", width = decimals as usize));
            }
            let decimal_mark = Some(if comma { DecimalMark::Comma } else { DecimalMark::Point });
            let all = readings(&text, Locale { decimal_mark, ..Locale::default() });
            prop_assert_eq!(all.len(), 1);
            let expected: f64 = format!("{value}.{fraction:0width$}", width = decimals as usize).parse().unwrap();
            prop_assert_eq!(all[0].value, if decimals > 0 { expected } else { value as f64 });
            prop_assert_eq!(all[0].decimals, decimals);
        }

        #[test]
        fn any_words_show_some_locale(words in "\\PC{0,60}") {
            prop_assert_eq!(Locale::default().of_table([words.as_str()]).decimal_mark, None);
            Locale::detect(words.split(' '));
        }

        #[test]
        fn scaling_is_exact_in_decimal(units in 0u32..1_000_000, exponent in 0i32..12) {
            let value = f64::from(units) / 100.0;
            let exact = f64::from(units) * 10f64.powi(exponent) / 100.0;
            if exact.fract() == 0.0 {
                prop_assert_eq!(scale_by(value, exponent), exact);
            }
        }

        #[test]
        fn never_panics(text in "[0-9.,' ]{0,45}") {
            for reading in readings(&text, Locale::default()) {
                prop_assert!(reading.value.is_finite() && reading.value >= 0.0);
            }
        }
    }
}
