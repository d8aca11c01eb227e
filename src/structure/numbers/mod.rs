//! Numbers, amounts, dates and periods in printed text, read by rules.
//!
//! [`parse_number`] reads a whole table cell, [`find_figures`] finds figures in prose, [`scale_from_caption`] and
//! [`period_from_header`] read what a table says about all its numbers. Values are decimal text converted once, so
//! `1.1 million` is exactly 1100000. What can be read in two ways keeps the other readings as alternatives.

mod amounts;
mod calendar;
mod counted;
mod currency;
mod digits;
mod figures;
mod lexer;
mod parse;
mod periods;
mod scale;
#[cfg(test)]
mod spellings_tests;
mod stated;
mod validate;

pub use calendar::{Date, MONTHS, Period, days_in_month};
pub(crate) use currency::code as currency_code;
pub use digits::{Locale, scale_by};
pub use figures::{FoundFigure, find_figures};
pub(super) use parse::group_follows;
pub use parse::{NumberUnit, parse_number};
pub(super) use periods::is_month;
pub use scale::{ScaleStatement, ScaleSubject, scale_from_caption};
pub(crate) use scale::{UnitLine, UnitLineKind, counted_nouns, is_of_unit_words, unit_line};
pub use stated::{PeriodParts, period_from_header};
