//! Sentences with figures.

use super::chance::Chance;
use super::draw::Ink;
use super::paper::{Paper, Want, Wanted};
use super::periods::{day, fiscal, month_end};
use super::spell::{Amount, full_width};
use super::styles::{Language, Negative, Style, Unit};
use super::words::revenue_word;

/// Part of a sentence. Texts break at spaces, figures do not.
enum Piece {
    Text(String),
    Figure { text: String, want: Want, tags: Vec<&'static str>, raised: Option<&'static str> },
}

pub struct Prose<'a> {
    pub chance: &'a mut Chance,
    pub style: &'static Style,
    pub unit: &'static Unit,
    pub group: &'static str,
    /// A unit that was stated for the whole document and holds for amounts without scale words.
    pub governs: bool,
}

impl Prose<'_> {
    fn figure(&self, text: String, want: Wanted, tags: &[&'static str]) -> Piece {
        let tags = ["prose"].iter().chain(tags).copied().collect();
        Piece::Figure { text, want: Want::Figure(want), tags, raised: None }
    }

    fn digits(&self, amount: Amount) -> String {
        amount.digits(self.style, self.group, self.style.decimal)
    }

    /// An amount with the word of its scale, `€12.3 million`.
    fn money(&mut self, negative: Option<Negative>, periods: &[String], tags: &[&'static str]) -> Vec<Piece> {
        let decimals = u32::from(self.chance.of(70));
        let mantissa = self.chance.range(11, 99_999);
        let amount = Amount::new(if negative.is_some() { -mantissa } else { mantissa }, decimals);
        let digits = self.digits(amount);
        let style = self.style;
        let want = Wanted {
            values: vec![amount.value(self.unit.power)],
            printed: amount.value(0).abs(),
            unit: None,
            kinds: &["MONEY"],
            currency: Some(style.currency),
            periods: periods.to_vec(),
        };
        let (text, after) = if style.sign_after {
            let sign = if negative.is_some() { "-" } else { "" };
            let name = match style.language {
                Language::German if self.unit.word == "T" => "€",
                Language::German => " €",
                _ => "euros",
            };
            (format!("{sign}{digits}"), format!(" {}{name}", self.unit.word))
        } else {
            let text = match negative {
                Some(negative) => match negative {
                    Negative::Parentheses => format!("{}({digits})", style.sign),
                    _ => negative.around(&format!("{}{digits}", style.sign)),
                },
                None => format!("{}{digits}", style.sign),
            };
            let short = match self.unit.power {
                6 if self.chance.of(30) && style.sign.len() == 1 => "m".to_owned(),
                9 if self.chance.of(30) && style.sign.len() == 1 => "bn".to_owned(),
                _ => format!(" {}", self.unit.word),
            };
            (text, short)
        };
        vec![self.figure(text, want, tags), Piece::Text(after)]
    }

    fn percent(&mut self, periods: &[String], tags: &[&'static str]) -> Vec<Piece> {
        let amount = Amount::new(self.chance.range(3, 480), 1);
        self.percent_of(self.digits(amount), amount.value(0), periods, tags)
    }

    fn percent_of(
        &self,
        digits: String,
        value: f64,
        periods: &[String],
        tags: &[&'static str],
    ) -> Vec<Piece> {
        let want = Wanted {
            values: vec![value],
            printed: value,
            unit: None,
            kinds: &["PERCENT"],
            currency: None,
            periods: periods.to_vec(),
        };
        vec![self.figure(digits, want, tags), Piece::Text(self.style.percent.to_owned())]
    }

    fn count(&mut self, low: i64, high: i64, periods: &[String], tags: &[&'static str]) -> Piece {
        let amount = Amount::new(self.chance.range(low, high), 0);
        let want = Wanted {
            values: vec![amount.value(0)],
            printed: amount.value(0),
            unit: (self.style.language == Language::English).then_some("employees"),
            kinds: &["QUANTITY", "NUMBER"],
            currency: None,
            periods: periods.to_vec(),
        };
        self.figure(self.digits(amount), want, tags)
    }

    fn nothing(text: &str, tag: &'static str) -> Piece {
        Piece::Figure { text: text.into(), want: Want::Nothing, tags: vec!["prose", tag], raised: None }
    }

    fn sentence(&mut self) -> Vec<Piece> {
        let text = |text: &str| vec![Piece::Text(text.to_owned())];
        let year = self.chance.range(2019, 2025) as i32;
        let style = self.style;
        let day = day(style, year, style.year_end);
        let on_day = [month_end(year, style.year_end)];
        let in_year = fiscal(style, year);
        let revenue = revenue_word(style);
        let in_prose: Vec<Negative> =
            style.negatives.iter().copied().filter(|sign| sign.in_prose()).collect();
        let negative = if in_prose.is_empty() { Negative::Minus } else { *self.chance.pick(&in_prose) };
        match style.language {
            Language::German => {
                return [
                    text("Der Umsatz stieg um "),
                    self.percent(&[], &[]),
                    text(" auf "),
                    self.money(None, &[], &[]),
                    text(". Zum "),
                    text(&day),
                    text(" waren "),
                    vec![self.count(900, 90_000, &[], &["prose count"])],
                    text(" Mitarbeiter beschäftigt. "),
                ]
                .into_iter()
                .flatten()
                .collect();
            }
            Language::French => {
                return [
                    text("Le chiffre d’affaires s’élève à "),
                    self.money(None, &[], &[]),
                    text(", en hausse de "),
                    self.percent(&[], &[]),
                    text(" sur un an. "),
                ]
                .into_iter()
                .flatten()
                .collect();
            }
            Language::Spanish => {
                return [
                    text("Los ingresos ascendieron a "),
                    self.money(None, &[], &[]),
                    text(", un "),
                    self.percent(&[], &[]),
                    text(" más que el año anterior. "),
                ]
                .into_iter()
                .flatten()
                .collect();
            }
            Language::English => {}
        }
        let parts = match self.chance.range(0, 15) {
            0 | 1 => vec![
                text(&format!("{revenue} rose by ")),
                self.percent(&in_year, &[]),
                text(" to "),
                self.money(None, &in_year, &[]),
                text(&format!(" in {year}. ")),
            ],
            2 => vec![
                text("Operating profit was "),
                self.money(None, &[], &[]),
                text(" compared with "),
                self.money(None, &[], &[]),
                text(" in the previous year. "),
            ],
            3 => vec![
                text(&format!("At {day}, the Group had ")),
                vec![self.count(900, 90_000, &on_day, &["prose count"])],
                text(" employees. "),
            ],
            4 => vec![
                text("The cash flow from financing activities was "),
                self.money(Some(negative), &[], &["prose negative"]),
                text(" after the repayment of bonds. "),
            ],
            5 => {
                let word = *self.chance.pick(&["negative ", "minus "]);
                let mut money = self.money(None, &[], &["prose negative in words"]);
                if let Piece::Figure { want: Want::Figure(want), .. } = &mut money[0] {
                    want.values[0] = -want.values[0];
                }
                vec![text("The free cash flow was "), text(word), money, text(" in the period. ")]
            }
            6 => {
                let amount = Amount::new(self.chance.range(5, 900), 2);
                let want = Wanted {
                    values: vec![amount.value(0)],
                    printed: amount.value(0),
                    unit: None,
                    kinds: &["PER_SHARE"],
                    currency: Some(style.currency),
                    periods: Vec::new(),
                };
                let digits = format!("{}{}", style.sign, self.digits(amount));
                vec![
                    text("The board proposes a dividend of "),
                    vec![self.figure(digits, want, &["prose per share"])],
                    text(" per share. "),
                ]
            }
            7 => {
                let (digits, value) = *self.chance.pick(&[
                    ("4 1/2", 4.5),
                    ("6-3/4", 6.75),
                    ("5⅝", 5.625),
                    ("4½", 4.5),
                    ("3¼", 3.25),
                ]);
                vec![
                    text("The notes bear interest at "),
                    self.percent_of(digits.into(), value, &[], &["prose fraction"]),
                    text(" and mature in "),
                    vec![Self::nothing(&(year + 8).to_string(), "prose year")],
                    text(". "),
                ]
            }
            8 => {
                let low = Amount::new(self.chance.range(10, 49), 1);
                let high = Amount::new(self.chance.range(50, 99), 1);
                let between = *self.chance.pick(&[" – ", " - ", " to "]);
                let percent = |amount: Amount, prose: &Self| {
                    prose.percent_of(prose.digits(amount), amount.value(0), &[], &["prose range"])
                };
                let mut first = percent(low, self);
                first.truncate(1);
                vec![
                    text("For the coming year we expect organic growth of "),
                    first,
                    text(between),
                    percent(high, self),
                    text(". "),
                ]
            }
            9 => vec![
                text("Contributions to the "),
                vec![Self::nothing("401(k)", "prose 401(k)")],
                text(" plan were "),
                self.money(None, &[], &[]),
                text(". A "),
                vec![Self::nothing("35m", "prose 35m pipe")],
                text(" pipe was laid along the river. "),
            ],
            10 | 11 if self.governs => {
                let money = |prose: &mut Self, negative: bool| {
                    let mantissa = prose.chance.range(101, 99_999);
                    let amount = Amount::new(if negative { -mantissa } else { mantissa }, 0);
                    let digits = prose.digits(amount);
                    let text = if negative {
                        format!("{}({digits})", style.sign)
                    } else {
                        format!("{}{digits}", style.sign)
                    };
                    let want = Wanted {
                        values: vec![amount.value(prose.unit.power)],
                        printed: amount.value(0).abs(),
                        unit: None,
                        kinds: &["MONEY"],
                        currency: Some(style.currency),
                        periods: Vec::new(),
                    };
                    vec![prose.figure(text, want, &["prose governed by the title"])]
                };
                let lists = self.chance.of(50);
                vec![
                    text("Translation adjustments were "),
                    money(self, lists),
                    text(", "),
                    money(self, false),
                    text(" and "),
                    money(self, lists),
                    text(" in the last three years, respectively. "),
                ]
            }
            10 | 11 => {
                let amount = Amount::new(self.chance.range(1_000_000, 99_999_999), 0);
                let want = Wanted {
                    values: vec![amount.value(0)],
                    printed: amount.value(0),
                    unit: None,
                    kinds: &["MONEY"],
                    currency: Some(style.currency),
                    periods: Vec::new(),
                };
                let digits = format!("{}{}", style.sign, self.digits(amount));
                let mut figure = self.figure(digits, want, &["prose raised mark"]);
                if let Piece::Figure { raised, .. } = &mut figure {
                    *raised = Some(*self.chance.pick(&["1", "2", "a", "(3)"]));
                }
                vec![text("The purchase price was "), vec![figure], text(" including costs. ")]
            }
            12 => {
                let amount = Amount::new(self.chance.range(15, 199), 1);
                let want = Wanted {
                    values: vec![amount.value(0)],
                    printed: amount.value(0),
                    unit: None,
                    kinds: &["QUANTITY", "NUMBER"],
                    currency: None,
                    periods: Vec::new(),
                };
                let digits = self.digits(amount);
                vec![
                    text("Interest was covered "),
                    vec![self.figure(digits, want, &["prose ratio"])],
                    text(" times by operating profit. "),
                ]
            }
            13 => {
                let mut money = self.money(None, &[], &["prose loss of"]);
                if let Piece::Figure { want: Want::Figure(want), .. } = &mut money[0] {
                    // Readers differ on the sign of "a loss of 5".
                    want.values.push(-want.values[0]);
                }
                vec![text("The segment made a loss of "), money, text(" before tax. ")]
            }
            14 if style.asian() => {
                let amount = Amount::new(self.chance.range(1_001, 99_999), 0);
                let want = Wanted {
                    values: vec![amount.value(0)],
                    printed: amount.value(0),
                    unit: Some("vehicles"),
                    kinds: &["QUANTITY", "NUMBER"],
                    currency: None,
                    periods: Vec::new(),
                };
                let digits = full_width(&self.digits(amount));
                vec![
                    text("The company sold "),
                    vec![self.figure(digits, want, &["prose full-width digits"])],
                    text(" vehicles worldwide. "),
                ]
            }
            _ => vec![
                text("As described in "),
                text("note "),
                vec![Self::nothing(&self.chance.range(3, 34).to_string(), "prose note number")],
                text(" and required by "),
                text("IFRS "),
                vec![Self::nothing("16", "prose standard number")],
                text(", leases are recognised at "),
                self.money(None, &[], &[]),
                text(". "),
            ],
        };
        parts.into_iter().flatten().collect()
    }

    pub fn paragraph(&mut self, paper: &mut Paper, sentences: i64) {
        let pieces: Vec<Piece> = (0..sentences).flat_map(|_| self.sentence()).collect();
        flow(paper, pieces, 9.5);
        paper.y += 8.0;
    }

    /// A large line that says it all.
    pub fn headline(&mut self, paper: &mut Paper) {
        let mut pieces = vec![Piece::Text("Record revenue of ".into())];
        pieces.extend(self.money(None, &[], &["headline"]));
        pieces.push(Piece::Text(", up ".into()));
        pieces.extend(self.percent(&[], &["headline"]));
        paper.y += 6.0;
        flow(paper, pieces, 15.0);
        paper.y += 8.0;
    }

    /// Large figures beside each other, each over what it is.
    pub fn tiles(&mut self, paper: &mut Paper) {
        let names = ["Revenue", "Operating profit", "Dividend payments"];
        let step = (paper.right - paper.left) / 3.0;
        let (left, y) = (paper.left, paper.y);
        for (at, name) in names.iter().enumerate() {
            paper.left = left + step * at as f64;
            paper.y = y;
            let pieces = self.money(None, &[], &["tile"]);
            flow(paper, pieces, 16.0);
            paper.y += 11.0;
            paper.pen.text(paper.left, paper.y, 8.0, false, name);
        }
        paper.left = left;
        paper.y += 12.0;
    }
}

/// Sets pieces in lines between the margins.
fn flow(paper: &mut Paper, pieces: Vec<Piece>, size: f64) {
    struct Atom {
        text: String,
        truth: Option<(Want, Vec<&'static str>)>,
        raised: Option<&'static str>,
    }
    let sentence: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Figure { text, .. } => text.as_str(),
        })
        .collect();
    // Words of atoms that are set without a break between them.
    let mut words: Vec<Vec<Atom>> = vec![Vec::new()];
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                for (at, part) in text.split(' ').enumerate() {
                    if at > 0 {
                        words.push(Vec::new());
                    }
                    if !part.is_empty() {
                        words.last_mut().unwrap().push(Atom { text: part.into(), truth: None, raised: None });
                    }
                }
            }
            Piece::Figure { text, want, tags, raised } => {
                words.last_mut().unwrap().push(Atom { text, truth: Some((want, tags)), raised });
            }
        }
    }
    let line_height = size * 1.35;
    let space = paper.pen.measure(" ", size);
    paper.need(line_height * 2.0);
    paper.y += line_height;
    let mut x = paper.left;
    for word in words.iter().filter(|word| !word.is_empty()) {
        let width: f64 = word.iter().map(|atom| paper.pen.measure(&atom.text, size)).sum();
        if x + width > paper.right && x > paper.left {
            x = paper.left;
            if paper.y + line_height > paper.bottom {
                paper.new_page();
            }
            paper.y += line_height;
        }
        // One text for the word, so that a renderer sees it as people set it.
        let plain = word.iter().all(|atom| atom.raised.is_none());
        let start = x;
        for atom in word {
            let width = paper.pen.measure(&atom.text, size);
            let ink = Ink {
                page: paper.pen.page(),
                bbox: [x, paper.y - 0.72 * size, x + width, paper.y + 0.2 * size],
            };
            if !plain {
                paper.pen.text(x, paper.y, size, false, &atom.text);
            }
            x += width;
            if let Some(raised) = atom.raised {
                paper.pen.text(x, paper.y - size * 0.36, size * 0.62, false, raised);
                x += paper.pen.measure(raised, size * 0.62);
            }
            if let Some((want, tags)) = &atom.truth {
                paper.truth(ink, &atom.text, &sentence, want.clone(), tags.clone());
            }
        }
        if plain {
            let text: String = word.iter().map(|atom| atom.text.as_str()).collect();
            paper.pen.text(start, paper.y, size, false, &text);
        }
        x += space;
    }
}
