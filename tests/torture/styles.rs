//! House styles: how companies of eighteen countries print numbers, units, signs and dates.

/// Whose rules a statement follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    UsGaap,
    Ifrs,
    Local,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
    French,
    Spanish,
}

/// How a negative number is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negative {
    Parentheses,
    WideParentheses,
    Hyphen,
    SpacedHyphen,
    EnDash,
    Minus,
    TrailingHyphen,
    Brackets,
    Chevrons,
    WhiteTriangle,
    BlackTriangle,
    SuperscriptMinus,
    ModifierMinus,
    SoftHyphen,
    ParenthesesAndHyphen,
}

impl Negative {
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Parentheses, "negative (1)"),
        (Self::WideParentheses, "negative ( 1 )"),
        (Self::Hyphen, "negative -1"),
        (Self::SpacedHyphen, "negative - 1"),
        (Self::EnDash, "negative en dash"),
        (Self::Minus, "negative U+2212"),
        (Self::TrailingHyphen, "negative 1-"),
        (Self::Brackets, "negative [1]"),
        (Self::Chevrons, "negative <1>"),
        (Self::WhiteTriangle, "negative white triangle"),
        (Self::BlackTriangle, "negative black triangle"),
        (Self::SuperscriptMinus, "negative superscript minus"),
        (Self::ModifierMinus, "negative modifier minus"),
        (Self::SoftHyphen, "negative soft hyphen"),
        (Self::ParenthesesAndHyphen, "negative (-1)"),
    ];

    pub fn tag(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).unwrap().1
    }

    pub fn around(self, digits: &str) -> String {
        match self {
            Self::Parentheses => format!("({digits})"),
            Self::WideParentheses => format!("( {digits} )"),
            Self::Hyphen => format!("-{digits}"),
            Self::SpacedHyphen => format!("- {digits}"),
            Self::EnDash => format!("–{digits}"),
            Self::Minus => format!("−{digits}"),
            Self::TrailingHyphen => format!("{digits}-"),
            Self::Brackets => format!("[{digits}]"),
            Self::Chevrons => format!("<{digits}>"),
            Self::WhiteTriangle => format!("△{digits}"),
            Self::BlackTriangle => format!("▲{digits}"),
            Self::SuperscriptMinus => format!("⁻{digits}"),
            Self::ModifierMinus => format!("\u{2d7}{digits}"),
            Self::SoftHyphen => format!("\u{ad}{digits}"),
            Self::ParenthesesAndHyphen => format!("(-{digits})"),
        }
    }

    /// Whether prose prints it so, too.
    pub fn in_prose(self) -> bool {
        matches!(self, Self::Parentheses | Self::Hyphen | Self::EnDash | Self::Minus)
    }
}

/// A scale as it is stated. `title` stands alone in a line or parentheses, `short` in a column, `word` after a number in
/// prose (with the currency before it, or `sign` after it).
pub struct Unit {
    pub power: i32,
    pub title: &'static str,
    pub short: &'static str,
    pub word: &'static str,
}

const fn unit(power: i32, title: &'static str, short: &'static str, word: &'static str) -> Unit {
    Unit { power, title, short, word }
}

/// How days are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateForm {
    /// December 31, 2024
    MonthFirst,
    /// 31 December 2024
    DayFirst,
    /// 31.12.2024
    Points,
    /// 31/12/2024
    Slashes,
}

/// One house style.
pub struct Style {
    pub name: &'static str,
    pub habit: Habit,
    pub language: Language,
    /// ISO 4217.
    pub currency: &'static str,
    /// As prose has it before an amount; after the scale word where `sign_after`.
    pub sign: &'static str,
    pub sign_after: bool,
    pub groups: &'static [&'static str],
    pub decimal: char,
    /// 12,34,567
    pub lakh: bool,
    pub negatives: &'static [Negative],
    pub nils: &'static [&'static str],
    pub units: &'static [Unit],
    /// Month in which the fiscal year ends; the day is its last.
    pub year_end: u32,
    pub date: DateForm,
    pub letter: bool,
    pub serif: bool,
    pub percent: &'static str,
}

impl Style {
    /// Whether full-width digits are met in its reports.
    pub fn asian(&self) -> bool {
        ["JPY", "CNY"].contains(&self.currency)
    }
}

use DateForm::{DayFirst, MonthFirst, Points, Slashes};
use Habit::{Ifrs, Local, UsGaap};
use Language::{English, French, German, Spanish};
use Negative::{BlackTriangle, EnDash, Hyphen, Minus, Parentheses, WhiteTriangle};

const NARROW: &str = "\u{202f}";
const NBSP: &str = "\u{a0}";
const THIN: &str = "\u{2009}";

const BASE: Style = Style {
    name: "",
    habit: Ifrs,
    language: English,
    currency: "EUR",
    sign: "€",
    sign_after: false,
    groups: &[","],
    decimal: '.',
    lakh: false,
    negatives: &[Parentheses],
    nils: &["–", "-", "—"],
    units: &[],
    year_end: 12,
    date: DayFirst,
    letter: false,
    serif: false,
    percent: "%",
};

pub const STYLES: [Style; 21] = [
    Style {
        name: "us-gaap millions",
        habit: UsGaap,
        currency: "USD",
        sign: "$",
        nils: &["—", "-"],
        units: &[
            unit(6, "In millions", "$M", "million"),
            unit(6, "Dollars in millions", "$ millions", "million"),
        ],
        date: MonthFirst,
        letter: true,
        serif: true,
        ..BASE
    },
    Style {
        name: "us-gaap thousands",
        habit: UsGaap,
        currency: "USD",
        sign: "$",
        nils: &["—", "--"],
        units: &[
            unit(3, "In thousands", "$000", "thousand"),
            unit(3, "Amounts in thousands of dollars", "$'000", "thousand"),
        ],
        date: MonthFirst,
        letter: true,
        ..BASE
    },
    Style {
        name: "uk",
        currency: "GBP",
        sign: "£",
        nils: &["–", "-", "nil"],
        units: &[unit(6, "£ million", "£m", "million"), unit(3, "£ thousand", "£'000", "thousand")],
        year_end: 3,
        ..BASE
    },
    Style {
        name: "germany ifrs",
        negatives: &[EnDash, Minus, Hyphen],
        units: &[unit(6, "in € million", "€ million", "million"), unit(6, "€ in millions", "€m", "million")],
        ..BASE
    },
    Style {
        name: "germany hgb",
        habit: Local,
        language: German,
        sign_after: true,
        groups: &["."],
        decimal: ',',
        negatives: &[Hyphen, EnDash],
        units: &[unit(3, "in Tausend €", "T€", "T"), unit(6, "in Mio. €", "Mio. €", "Mio.")],
        date: Points,
        percent: " %",
        ..BASE
    },
    Style {
        name: "france ifrs",
        groups: &[NARROW, NBSP, " "],
        decimal: ',',
        negatives: &[Parentheses, Hyphen],
        units: &[
            unit(6, "in millions of euros", "€m", "million"),
            unit(6, "€ million", "€ million", "million"),
        ],
        percent: "\u{a0}%",
        ..BASE
    },
    Style {
        name: "france pcg",
        habit: Local,
        language: French,
        sign_after: true,
        groups: &[NBSP, " ", THIN],
        decimal: ',',
        negatives: &[Parentheses, Hyphen],
        units: &[
            unit(3, "en milliers d’euros", "K€", "milliers d’"),
            unit(6, "en millions d’euros", "M€", "millions d’"),
        ],
        date: Slashes,
        percent: " %",
        ..BASE
    },
    Style {
        name: "switzerland",
        currency: "CHF",
        sign: "CHF ",
        groups: &["'", "’", "‘", "\u{2bc}"],
        negatives: &[EnDash, Hyphen, Parentheses],
        units: &[
            unit(6, "in CHF million", "CHF m", "million"),
            unit(6, "in millions of CHF", "CHF million", "million"),
        ],
        ..BASE
    },
    Style {
        name: "japan ifrs",
        currency: "JPY",
        sign: "¥",
        units: &[
            unit(6, "Millions of yen", "¥ million", "million"),
            unit(9, "Billions of yen", "¥ billion", "billion"),
        ],
        year_end: 3,
        date: MonthFirst,
        serif: true,
        ..BASE
    },
    Style {
        name: "japan gaap",
        habit: Local,
        currency: "JPY",
        sign: "¥",
        negatives: &[WhiteTriangle, BlackTriangle],
        units: &[unit(6, "Millions of yen", "Millions of yen", "million")],
        year_end: 3,
        date: MonthFirst,
        ..BASE
    },
    Style {
        name: "india",
        currency: "INR",
        sign: "₹",
        lakh: true,
        units: &[
            unit(7, "₹ in crore", "₹ crore", "crore"),
            unit(5, "₹ in lakhs", "₹ lakhs", "lakh"),
            unit(7, "Rs. in crores", "Rs. crores", "crore"),
        ],
        year_end: 3,
        date: MonthFirst,
        serif: true,
        ..BASE
    },
    Style {
        name: "australia",
        currency: "AUD",
        sign: "A$",
        units: &[
            unit(6, "in millions of Australian dollars", "A$m", "million"),
            unit(3, "in thousands of Australian dollars", "A$'000", "thousand"),
        ],
        year_end: 6,
        ..BASE
    },
    Style {
        name: "canada",
        currency: "CAD",
        sign: "C$",
        units: &[
            unit(6, "in millions of Canadian dollars", "C$ millions", "million"),
            unit(3, "in thousands of Canadian dollars", "C$000s", "thousand"),
        ],
        date: MonthFirst,
        letter: true,
        serif: true,
        ..BASE
    },
    Style {
        name: "sweden",
        currency: "SEK",
        sign: "SEK ",
        groups: &[" ", NBSP],
        decimal: ',',
        negatives: &[EnDash, Hyphen],
        units: &[unit(6, "SEK million", "SEK m", "million"), unit(6, "SEK in millions", "SEK M", "million")],
        ..BASE
    },
    Style {
        name: "netherlands",
        groups: &["."],
        decimal: ',',
        negatives: &[Parentheses, Hyphen],
        units: &[
            unit(6, "in millions of euros", "€ million", "million"),
            unit(3, "in thousands of euros", "€'000", "thousand"),
        ],
        serif: true,
        ..BASE
    },
    Style {
        name: "spain pgc",
        habit: Local,
        language: Spanish,
        sign_after: true,
        groups: &["."],
        decimal: ',',
        units: &[
            unit(3, "en miles de euros", "Miles de €", "miles de "),
            unit(6, "en millones de euros", "M€", "millones de "),
        ],
        date: Slashes,
        percent: " %",
        ..BASE
    },
    Style {
        name: "brazil",
        currency: "BRL",
        sign: "R$",
        groups: &["."],
        decimal: ',',
        units: &[
            unit(6, "in millions of Brazilian reais - R$", "R$ million", "million"),
            unit(6, "R$ million", "R$ million", "million"),
        ],
        ..BASE
    },
    Style {
        name: "south africa",
        currency: "ZAR",
        sign: "ZAR ",
        groups: &[" ", NBSP],
        units: &[
            unit(6, "ZAR million", "ZAR m", "million"),
            unit(6, "in millions of ZAR", "ZAR million", "million"),
        ],
        year_end: 6,
        ..BASE
    },
    Style {
        name: "denmark",
        currency: "DKK",
        sign: "DKK ",
        groups: &["."],
        decimal: ',',
        negatives: &[Hyphen, EnDash],
        units: &[unit(6, "DKK million", "DKK m", "million")],
        ..BASE
    },
    Style {
        name: "hong kong",
        currency: "CNY",
        sign: "RMB",
        units: &[
            unit(6, "RMB million", "RMB million", "million"),
            unit(3, "in thousands of RMB", "RMB'000", "thousand"),
        ],
        serif: true,
        ..BASE
    },
    Style {
        name: "singapore",
        currency: "SGD",
        sign: "S$",
        units: &[
            unit(3, "in thousands of Singapore dollars", "S$'000", "thousand"),
            unit(6, "S$ million", "S$ million", "million"),
        ],
        year_end: 9,
        ..BASE
    },
];
