//! Headers of columns, and the periods that a reader takes from them.

use super::chance::Chance;
use super::styles::{DateForm, Language, Style};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn last_day(year: i32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(year % 4 == 0 && year % 100 != 0 || year % 400 == 0),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The last day of a month, ISO 8601.
pub fn month_end(year: i32, month: u32) -> String {
    format!("{year:04}-{month:02}-{:02}", last_day(year, month))
}

/// The months up to this one.
pub fn months(year: i32, month: u32, count: u32) -> String {
    let first = year * 12 + month as i32 - count as i32;
    format!("{:04}-{:02}-01/{}", first.div_euclid(12), first.rem_euclid(12) + 1, month_end(year, month))
}

/// A day as the house prints it.
pub fn day(style: &Style, year: i32, month: u32) -> String {
    let (last, name) = (last_day(year, month), MONTHS[month as usize - 1]);
    match style.date {
        DateForm::MonthFirst => format!("{name} {last}, {year}"),
        DateForm::DayFirst => format!("{last} {name} {year}"),
        DateForm::Points => format!("{last:02}.{month:02}.{year}"),
        DateForm::Slashes => format!("{last:02}/{month:02}/{year}"),
    }
}

/// A fiscal year: what a bare year may be taken for.
pub fn fiscal(style: &Style, year: i32) -> Vec<String> {
    vec![months(year, style.year_end, 12), year.to_string()]
}

/// One column of amounts: the lines of its header and the periods that are right for it.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub lines: Vec<String>,
    pub periods: Vec<String>,
}

/// Headers of the columns from left to right, and those that span several: text, first column, last column.
pub struct Heads {
    pub tag: &'static str,
    pub columns: Vec<Head>,
    pub spans: Vec<(String, usize, usize)>,
}

/// Draws headers; `instant` for balances at a day.
pub fn heads(chance: &mut Chance, style: &Style, instant: bool) -> Heads {
    let latest = chance.range(2019, 2025) as i32;
    let count = if chance.of(25) { 3 } else { 2 };
    let years: Vec<i32> = (0..count).map(|back| latest - back).collect();
    let columns = |of: &dyn Fn(i32) -> Head| years.iter().map(|year| of(*year)).collect::<Vec<Head>>();
    let plain = |tag, columns| Heads { tag, columns, spans: Vec::new() };
    let end = style.year_end;
    let month = MONTHS[end as usize - 1];
    let last = last_day(2023, end);
    let day_of_year = match style.date {
        DateForm::MonthFirst => format!("{month} {last},"),
        _ => format!("{last} {month}"),
    };
    let bare = |year: i32| {
        let mut periods = fiscal(style, year);
        periods.push(month_end(year, end));
        Head { lines: vec![year.to_string()], periods }
    };
    let on_day = |year: i32| Head { lines: vec![day(style, year, end)], periods: vec![month_end(year, end)] };
    if style.language != Language::English {
        return if instant && chance.of(60) {
            plain("header date", columns(&on_day))
        } else {
            plain("header year", columns(&bare))
        };
    }
    if instant {
        return match chance.range(0, 5) {
            4 => {
                let head = bare;
                Heads {
                    tag: "header group and company",
                    columns: vec![head(latest), head(latest - 1), head(latest), head(latest - 1)],
                    spans: vec![("Group".into(), 0, 1), ("Company".into(), 2, 3)],
                }
            }
            0 => plain("header year", columns(&bare)),
            1 => plain("header date", columns(&on_day)),
            2 => plain(
                "header date wrapped",
                columns(&|year| Head {
                    lines: vec![day_of_year.clone(), year.to_string()],
                    periods: vec![month_end(year, end)],
                }),
            ),
            3 => plain(
                "header Dec-24",
                columns(&|year| Head {
                    lines: vec![format!("{}-{:02}", &month[..3], year % 100)],
                    periods: vec![month_end(year, end), months(year, end, 1), format!("{year}-{end:02}")],
                }),
            ),
            _ => Heads {
                tag: "header spanning date",
                columns: columns(&|year| Head {
                    lines: vec![year.to_string()],
                    periods: vec![month_end(year, end)],
                }),
                spans: vec![(
                    match style.date {
                        DateForm::MonthFirst => format!("{month} {last},"),
                        _ => format!("As at {last} {month}"),
                    },
                    0,
                    years.len() - 1,
                )],
            },
        };
    }
    let fiscal_year = |year: i32| fiscal(style, year);
    match chance.range(0, 10) {
        0 | 1 => plain("header year", columns(&bare)),
        2 => Heads {
            tag: "header spanning year ended",
            columns: columns(&|year| Head { lines: vec![year.to_string()], periods: fiscal_year(year) }),
            spans: vec![(
                chance.pick(&["Year ended ", "For the year ended ", "Year to "]).to_string() + &day_of_year,
                0,
                years.len() - 1,
            )],
        },
        3 => plain(
            "header year ended wrapped",
            columns(&|year| Head {
                lines: vec!["Year ended".into(), day_of_year.clone(), year.to_string()],
                periods: fiscal_year(year),
            }),
        ),
        4 => {
            let quarter = chance.range(1, 3) as u32;
            let month = quarter * 3;
            let name = MONTHS[month as usize - 1];
            let until = match style.date {
                DateForm::MonthFirst => format!("{name} {},", last_day(2023, month)),
                _ => format!("{} {name}", last_day(2023, month)),
            };
            let word = ["Three", "Six", "Nine"][quarter as usize - 1];
            let head = |year: i32, count: u32| Head {
                lines: vec![year.to_string()],
                periods: vec![months(year, month, count)],
            };
            if quarter == 1 {
                Heads {
                    tag: "header spanning months",
                    columns: columns(&|year| head(year, 3)),
                    spans: vec![(format!("Three months ended {until}"), 0, years.len() - 1)],
                }
            } else {
                Heads {
                    tag: "header two spans of months",
                    columns: vec![
                        head(latest, 3),
                        head(latest - 1, 3),
                        head(latest, month),
                        head(latest - 1, month),
                    ],
                    spans: vec![
                        (format!("Three months ended {until}"), 0, 1),
                        (format!("{word} months ended {until}"), 2, 3),
                    ],
                }
            }
        }
        5 => {
            let quarter = chance.range(1, 4) as u32;
            let long = chance.of(50);
            plain(
                "header Q1'24",
                columns(&|year| Head {
                    lines: vec![if long {
                        format!("Q{quarter} {year}")
                    } else {
                        format!("Q{quarter}'{:02}", year % 100)
                    }],
                    // The quarter of the calendar or of the fiscal year.
                    periods: vec![months(year, quarter * 3, 3), fiscal_quarter(style, year, quarter)],
                }),
            )
        }
        6 => {
            let (name, count) = *chance.pick(&[("H1", 6), ("9M", 9), ("6M", 6)]);
            plain(
                "header H1 9M",
                columns(&|year| Head {
                    lines: vec![format!("{name} {year}")],
                    periods: vec![months(year, count, count), fiscal_part(style, year, count)],
                }),
            )
        }
        7 => {
            let form = chance.range(0, 2);
            plain(
                "header FY24 CY24 2023/24",
                columns(&|year| match form {
                    0 => Head { lines: vec![format!("FY{year}")], periods: fiscal_year(year) },
                    1 if end == 12 => {
                        Head { lines: vec![format!("CY{:02}", year % 100)], periods: fiscal_year(year) }
                    }
                    1 => Head { lines: vec![format!("FY{:02}", year % 100)], periods: fiscal_year(year) },
                    _ if end < 12 => {
                        let lines = vec![format!("FY{}/{:02}", year - 1, year % 100)];
                        Head { lines, periods: fiscal_year(year) }
                    }
                    _ => Head { lines: vec![format!("FY {year}")], periods: fiscal_year(year) },
                }),
            )
        }
        8 => plain(
            "header as restated",
            columns(&|year| {
                let mut head = bare(year);
                if year != latest {
                    head.lines.push("(restated)".into());
                }
                head
            }),
        ),
        9 => plain(
            "header months ended wrapped",
            columns(&|year| Head {
                lines: vec!["Three Months".into(), "Ended March".into(), format!("31, {year}")],
                periods: vec![months(year, 3, 3)],
            }),
        ),
        _ => plain(
            "header weeks ended",
            // The last Saturdays of the years are known for these two only.
            vec![
                Head {
                    lines: vec!["52 weeks ended".into(), "28 December 2024".into()],
                    periods: vec!["2023-12-31/2024-12-28".into()],
                },
                Head {
                    lines: vec!["52 weeks ended".into(), "30 December 2023".into()],
                    periods: vec!["2023-01-01/2023-12-30".into()],
                },
            ],
        ),
    }
}

fn fiscal_quarter(style: &Style, year: i32, quarter: u32) -> String {
    let month = year * 12 + style.year_end as i32 - 1 - (12 - 3 * quarter as i32);
    months(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 3)
}

fn fiscal_part(style: &Style, year: i32, count: u32) -> String {
    let month = year * 12 + style.year_end as i32 - 1 - (12 - count as i32);
    months(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, count)
}

#[cfg(test)]
mod tests {
    use super::super::styles::STYLES;
    use super::*;

    #[test]
    fn spans_of_months() {
        assert_eq!(months(2024, 2, 3), "2023-12-01/2024-02-29");
        assert_eq!(months(2024, 12, 12), "2024-01-01/2024-12-31");
        let uk = STYLES.iter().find(|style| style.name == "uk").unwrap();
        assert_eq!(fiscal_quarter(uk, 2025, 1), "2024-04-01/2024-06-30");
        assert_eq!(fiscal(uk, 2025)[0], "2024-04-01/2025-03-31");
    }
}
