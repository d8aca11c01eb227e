//! One test per mechanism, on pages made by hand: text of 10 points, 5 points a character.

use super::find_grid;
use crate::document::analysis::Table;
use crate::document::{BBox, Page, Ruling, Word};
use crate::limit::Limit;
use crate::structure::testing::{page_of, text_line, word};
use crate::structure::units::Scopes;
use crate::structure::{PageBlock, locale_of};

fn find_tables(pages: &[Page], blocks: &[PageBlock]) -> Vec<Table> {
    super::find_tables(pages, blocks, &Scopes::of(pages, blocks), locale_of(pages), &Limit::default())
        .unwrap()
}

/// Where a text stands in its line.
#[derive(Clone, Copy)]
enum At {
    Left(f32),
    Right(f32),
    Middle(f32),
}
use At::{Left, Middle, Right};

/// A page whose lines, 14 points apart, start 100 points from the top.
fn page(lines: &[&[(&str, At)]]) -> Page {
    let mut words: Vec<Word> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        for &(text, at) in *line {
            let width = 5.0 * text.chars().count() as f32;
            let x = match at {
                Left(x) => x,
                Right(x) => x - width,
                Middle(x) => x - width / 2.0,
            };
            words.extend(text_line(text, x, 100.0 + 14.0 * index as f32, 10.0));
        }
    }
    page_of(words)
}

fn rule(x0: f32, x1: f32, y: f32) -> Ruling {
    Ruling { bbox: BBox::new(x0, y, x1, y + 0.5), horizontal: true }
}

/// The cells of each row as text, `-` where there is none; `*n` behind a text that spans n columns.
fn rows_of(page: &Page) -> Vec<String> {
    let area = BBox::new(0.0, 0.0, page.width, page.height);
    let grid = find_grid(page, &area).expect("a grid");
    (0..grid.rows)
        .map(|row| {
            let texts: Vec<String> = (0..grid.columns)
                .map(|column| {
                    let cell = grid.cells.iter().find(|cell| (cell.row, cell.column) == (row, column));
                    cell.map_or("-".to_owned(), |cell| match cell.column_span {
                        1 => cell.text.clone(),
                        span => format!("{}*{span}", cell.text),
                    })
                })
                .collect();
            texts.join(" | ")
        })
        .collect()
}

fn only(tables: Vec<Table>) -> Table {
    assert_eq!(tables.len(), 1, "{tables:#?}");
    tables.into_iter().next().unwrap()
}

fn text_at(table: &Table, row: u32, column: u32) -> &str {
    table
        .cells
        .iter()
        .find(|cell| (cell.row, cell.column) == (row, column))
        .map_or("", |cell| cell.text.as_str())
}

#[test]
fn numbers_of_columns_are_headers_and_rows_of_small_numbers_are_not() {
    let with = |numbers: [&'static str; 3]| {
        page(&[
            &[("2024", Right(300.0)), ("2023", Right(400.0)), ("Change", Right(500.0))],
            &[(numbers[0], Right(300.0)), (numbers[1], Right(400.0)), (numbers[2], Right(500.0))],
            &[("Sales", Left(50.0)), ("120", Right(300.0)), ("110", Right(400.0)), ("10", Right(500.0))],
            &[("Costs", Left(50.0)), ("90", Right(300.0)), ("80", Right(400.0)), ("10", Right(500.0))],
        ])
    };
    let headers = |page: Page| only(find_tables(&[page], &[])).header_rows;
    assert_eq!(headers(with(["(5)", "(6)", "(7)"])), 2);
    assert_eq!(headers(with(["(5)", "(6)", "(9)"])), 1);
    assert_eq!(headers(with(["5", "6", "7"])), 1);
}

#[test]
fn currency_signs_and_parentheses_apart_from_their_number_are_joined_to_it() {
    let found = rows_of(&page(&[
        &[("2024", Right(300.0)), ("2023", Right(400.0))],
        &[
            ("Sales", Left(50.0)),
            ("$", Left(250.0)),
            ("1,234", Right(300.0)),
            ("$", Left(350.0)),
            ("987", Right(400.0)),
        ],
        &[
            ("Costs", Left(50.0)),
            ("(800", Right(300.0)),
            (")", Left(301.0)),
            ("(650", Right(400.0)),
            (")", Left(401.0)),
        ],
        &[
            ("Margin", Left(50.0)),
            ("35.2", Right(300.0)),
            ("%", Left(303.0)),
            ("34.1", Right(400.0)),
            ("%", Left(403.0)),
        ],
    ]));
    assert_eq!(
        found,
        ["- | 2024 | 2023", "Sales | $ 1,234 | $ 987", "Costs | (800 ) | (650 )", "Margin | 35.2 % | 34.1 %"]
    );
}

#[test]
fn a_currency_sign_right_behind_the_number_of_the_column_before_parts_the_columns() {
    // The sign of the second column stands 2 points behind the widest number of the first.
    let found = rows_of(&page(&[
        &[("2024", Right(300.0)), ("2023", Right(345.0))],
        &[
            ("Net income", Left(50.0)),
            ("$", Left(262.0)),
            ("10,649", Right(300.0)),
            ("$", Left(302.0)),
            ("9,571", Right(345.0)),
        ],
        &[
            ("Tax", Left(50.0)),
            ("(2,437", Right(300.0)),
            (")", Left(300.0)),
            ("(2,249", Right(345.0)),
            (")", Left(345.0)),
        ],
        &[
            ("Total", Left(50.0)),
            ("$", Left(262.0)),
            ("8,212", Right(300.0)),
            ("$", Left(302.0)),
            ("7,322", Right(345.0)),
        ],
    ]));
    assert_eq!(
        found,
        [
            "- | 2024 | 2023",
            "Net income | $ 10,649 | $ 9,571",
            "Tax | (2,437 ) | (2,249 )",
            "Total | $ 8,212 | $ 7,322"
        ]
    );
}

#[test]
fn a_currency_sign_behind_its_number_stays_with_it() {
    let found = rows_of(&page(&[
        &[
            ("Umsatz", Left(50.0)),
            ("1.234", Right(300.0)),
            ("€", Left(303.0)),
            ("1.100", Right(400.0)),
            ("€", Left(403.0)),
        ],
        &[
            ("Kosten", Left(50.0)),
            ("800", Right(300.0)),
            ("€", Left(303.0)),
            ("750", Right(400.0)),
            ("€", Left(403.0)),
        ],
        &[
            ("Gewinn", Left(50.0)),
            ("434", Right(300.0)),
            ("€", Left(303.0)),
            ("350", Right(400.0)),
            ("€", Left(403.0)),
        ],
    ]));
    assert_eq!(found, ["Umsatz | 1.234 € | 1.100 €", "Kosten | 800 € | 750 €", "Gewinn | 434 € | 350 €"]);
}

#[test]
fn a_header_over_several_columns_spans_them() {
    let found = rows_of(&page(&[
        &[("Three Months Ended", Middle(290.0)), ("Six Months Ended", Middle(490.0))],
        &[("2024", Right(260.0)), ("2023", Right(340.0)), ("2024", Right(460.0)), ("2023", Right(540.0))],
        &[
            ("Sales", Left(50.0)),
            ("1,234", Right(260.0)),
            ("987", Right(340.0)),
            ("2,500", Right(460.0)),
            ("2,000", Right(540.0)),
        ],
        &[
            ("Costs", Left(50.0)),
            ("800", Right(260.0)),
            ("650", Right(340.0)),
            ("1,600", Right(460.0)),
            ("1,300", Right(540.0)),
        ],
    ]));
    assert_eq!(found[0], "- | Three Months Ended*2 | - | Six Months Ended*2 | -");
    assert_eq!(found[1], "- | 2024 | 2023 | 2024 | 2023");
    assert_eq!(found[3], "Costs | 800 | 650 | 1,600 | 1,300");
}

#[test]
fn labels_of_several_lines_are_one_cell_and_levels_are_counted() {
    let page = page(&[
        &[("2024", Right(400.0)), ("2023", Right(500.0))],
        &[("Current assets:", Left(50.0))],
        &[("Cash and cash equivalents and", Left(60.0))],
        &[("restricted cash", Left(60.0)), ("120", Right(400.0)), ("110", Right(500.0))],
        &[("Receivables", Left(60.0)), ("80", Right(400.0)), ("70", Right(500.0))],
        &[("Total current assets", Left(70.0)), ("200", Right(400.0)), ("180", Right(500.0))],
    ]);
    let found = rows_of(&page);
    assert_eq!(found[2], "Cash and cash equivalents and restricted cash | 120 | 110");
    let grid = find_grid(&page, &BBox::new(0.0, 0.0, 612.0, 792.0)).unwrap();
    let levels: Vec<usize> =
        grid.cells.iter().filter(|cell| cell.column == 0).map(|cell| cell.indent).collect();
    assert_eq!((grid.header_rows, levels), (1, vec![0, 1, 1, 2]));
}

#[test]
fn footnote_marks_are_split_off() {
    let mut page = page(&[
        &[("2024", Right(400.0)), ("2023", Right(500.0))],
        &[("Cash (a)", Left(60.0)), ("120", Right(400.0)), ("110*", Right(505.0))],
        &[("Debt", Left(60.0)), ("80", Right(400.0)), ("70", Right(500.0))],
        &[("Net", Left(60.0)), ("40", Right(400.0)), ("40", Right(500.0))],
    ]);
    let mut raised = word("1", 80.5, 127.5, 83.0, 5.0);
    raised.font_size = 5.0;
    page.words.push(raised);
    let table = only(find_tables(&[page], &[]));
    let cell =
        |row, column| table.cells.iter().find(|cell| (cell.row, cell.column) == (row, column)).unwrap();
    assert_eq!((cell(1, 0).text.as_str(), cell(1, 0).notes.as_slice()), ("Cash", &["(a)".to_owned()][..]));
    assert_eq!((cell(1, 2).text.as_str(), cell(1, 2).notes.as_slice()), ("110", &["*".to_owned()][..]));
    assert_eq!((cell(2, 0).text.as_str(), cell(2, 0).notes.as_slice()), ("Debt", &["1".to_owned()][..]));
    assert_eq!(cell(1, 2).value.as_ref().unwrap().printed, 110.0);
}

/// The page turned clockwise: its text now runs from top to bottom.
fn turned(page: &Page) -> Page {
    let (width, height) = (page.height, page.width);
    let turn = |bbox: &BBox| BBox::new(width - bbox.y1, bbox.x0, width - bbox.y0, bbox.x1);
    let words = page.words.iter().map(|word| Word { bbox: turn(&word.bbox), direction: 90, ..word.clone() });
    let rulings =
        page.rulings.iter().map(|ruling| Ruling { bbox: turn(&ruling.bbox), horizontal: !ruling.horizontal });
    Page { width, height, words: words.collect(), rulings: rulings.collect(), ..page.clone() }
}

const STATEMENT: &[&[(&str, At)]] = &[
    &[("2024", Right(400.0)), ("2023", Right(500.0))],
    &[("Cash", Left(60.0)), ("120", Right(400.0)), ("110", Right(500.0))],
    &[("Debt", Left(60.0)), ("80", Right(400.0)), ("70", Right(500.0))],
    &[("Net", Left(60.0)), ("40", Right(400.0)), ("40", Right(500.0))],
];

#[test]
fn a_table_at_a_right_angle_reads_like_an_upright_one() {
    let upright = page(STATEMENT);
    let expected = only(find_tables(std::slice::from_ref(&upright), &[]));
    assert_eq!((expected.rows, expected.columns, text_at(&expected, 2, 1)), (4, 3, "80"));
    let mut side = upright;
    for turn in 1..4u16 {
        side = turned(&side);
        side.words.iter_mut().for_each(|word| word.direction = 90 * turn);
        let found = only(find_tables(std::slice::from_ref(&side), &[]));
        let texts = |table: &Table| -> Vec<(u32, u32, String)> {
            table.cells.iter().map(|cell| (cell.row, cell.column, cell.text.clone())).collect()
        };
        assert_eq!(texts(&found), texts(&expected), "turned {turn} times");
        let cash = side.words.iter().find(|word| word.text == "Cash").unwrap();
        assert!(found.cells.iter().any(|cell| cell.text == "Cash" && cell.bbox == cash.bbox));
    }
}

#[test]
fn a_table_that_goes_on_at_the_next_page_is_one_table_and_says_so() {
    let first = page(STATEMENT);
    let mut second = page(&[
        &[("2024", Right(400.0)), ("2023", Right(500.0))],
        &[("Equity", Left(60.0)), ("35", Right(400.0)), ("34", Right(500.0))],
        &[("Other", Left(60.0)), ("5", Right(400.0)), ("6", Right(500.0))],
        &[("Sum", Left(60.0)), ("40", Right(400.0)), ("40", Right(500.0))],
    ]);
    second.number = 2;
    let pages = [first, second];
    let table = only(find_tables(&pages, &[]));
    assert_eq!((table.page, table.rows, table.header_rows), (1, 7, 1));
    assert_eq!(table.continued.len(), 1);
    let part = table.continued[0];
    assert_eq!((part.page, part.first_row, part.repeated_header_rows), (2, 4, 1));
    assert_eq!(text_at(&table, 4, 0), "Equity");
    assert!(table.cells.iter().all(|cell| cell.page == if cell.row < 4 { 1 } else { 2 }));
    // Other columns: another table.
    let other = page(&[
        &[("Shares", Right(300.0)), ("Price", Right(360.0))],
        &[("Granted", Left(60.0)), ("35", Right(300.0)), ("34", Right(360.0))],
        &[("Vested", Left(60.0)), ("5", Right(300.0)), ("6", Right(360.0))],
    ]);
    let pages = [pages[0].clone(), Page { number: 2, ..other }];
    assert_eq!(find_tables(&pages, &[]).len(), 2);
}

#[test]
fn tables_that_no_block_names_are_found_by_alignment_and_by_rulings() {
    let prose =
        "The company reports its results in two segments which are described in the notes to this report";
    let text = [(prose, Left(50.0))];
    let mut lines: Vec<&[(&str, At)]> = vec![&text, &text];
    lines.extend(STATEMENT);
    lines.push(&text);
    let found = only(find_tables(&[page(&lines)], &[]));
    assert_eq!((found.rows, found.columns), (4, 3));

    let mut ruled = page(&[
        &[(prose, Left(50.0))],
        &[("Name", Left(50.0)), ("Title", Left(250.0))],
        &[("Ann Smith", Left(50.0)), ("Chief Executive", Left(250.0))],
        &[("Bob Jones", Left(50.0)), ("Treasurer", Left(250.0))],
        &[(prose, Left(50.0))],
    ]);
    assert!(find_tables(std::slice::from_ref(&ruled), &[]).is_empty());
    ruled.rulings = (0..4).map(|line| rule(45.0, 450.0, 112.0 + 14.0 * line as f32)).collect();
    let found = only(find_tables(&[ruled], &[]));
    assert_eq!((found.rows, found.columns, text_at(&found, 2, 1)), (3, 2, "Treasurer"));
}

fn wall(x: f32, y0: f32, y1: f32) -> Ruling {
    Ruling { bbox: BBox::new(x, y0, x + 0.5, y1), horizontal: false }
}

/// What a layout model may say: a block around these lines of the page, from one x position to another.
fn block(lines: std::ops::Range<usize>, x0: f32, x1: f32) -> PageBlock {
    let y = |line: usize| 98.0 + 14.0 * line as f32;
    PageBlock {
        page_index: 0,
        label: "Table".to_owned(),
        confidence: 0.9,
        bbox: BBox::new(x0, y(lines.start), x1, y(lines.end)),
        lines: Vec::new(),
        picture: None,
    }
}

#[test]
fn captions_notes_and_running_text_in_a_block_are_not_rows() {
    let note = "Source: the annual reports of the company for the years that are shown in this table";
    let mut lines: Vec<&[(&str, At)]> = vec![
        &[("Table 3.", Left(60.0)), ("Cash and debt by year", Left(120.0))],
        &[("(in millions)", Middle(280.0))],
    ];
    lines.extend(STATEMENT);
    let note = [(note, Left(60.0))];
    lines.extend([&note[..], &[("of the reports.", Left(60.0))]]);
    let table = only(find_tables(&[page(&lines)], &[block(0..8, 50.0, 520.0)]));
    assert_eq!((table.rows, table.columns, table.header_rows), (4, 3, 1));
    assert_eq!((text_at(&table, 1, 0), text_at(&table, 3, 0)), ("Cash", "Net"));
    assert_eq!((table.blocks.as_slice(), table.scale), (&[0][..], Some(6)));
}

#[test]
fn the_stub_beside_a_block_belongs_to_its_table() {
    let lines: &[&[(&str, At)]] = &[
        &[("Program", Left(60.0)), ("Budget", Left(400.0))],
        &[("Data", Left(60.0)), ("small", Left(400.0))],
        &[("Search", Left(60.0)), ("large", Left(400.0))],
        &[("Maps", Left(60.0)), ("none", Left(400.0))],
    ];
    let table = only(find_tables(&[page(lines)], &[block(0..4, 395.0, 450.0)]));
    assert_eq!((table.rows, table.columns, text_at(&table, 2, 0)), (4, 2, "Search"));
    // Running text beside a block is another column of the page.
    let prose = "The programs of the agency are described in the text that stands beside";
    let beside: Vec<Vec<(&str, At)>> =
        (0..4).map(|line| vec![(prose, Left(20.0)), lines[line][0], lines[line][1]]).collect();
    let beside: Vec<Vec<(&str, At)>> = beside
        .into_iter()
        .map(|line| vec![line[0], (line[1].0, Left(420.0)), (line[2].0, Left(500.0))])
        .collect();
    let beside: Vec<&[(&str, At)]> = beside.iter().map(Vec::as_slice).collect();
    let table = only(find_tables(&[page(&beside)], &[block(0..4, 415.0, 560.0)]));
    assert_eq!((table.columns, text_at(&table, 0, 0)), (2, "Program"));
}

#[test]
fn rulings_make_headers_with_digits_whole_and_rows_without_walls_span() {
    let mut page = page(&[
        &[("Age 4", Middle(310.0)), ("1", Middle(410.0))],
        &[("Measure", Left(60.0)), ("(first)", Middle(310.0)), ("Grade", Middle(410.0))],
        &[("Reading", Left(60.0))],
        &[("Letters", Left(70.0)), ("0.25", Middle(310.0)), ("NA", Middle(410.0))],
        &[("Words", Left(70.0)), ("NA", Middle(310.0)), ("0.11", Middle(410.0))],
        &[("Math", Left(60.0))],
        &[("Counting", Left(70.0)), ("0.10", Middle(310.0)), ("0.31", Middle(410.0))],
    ]);
    let y = |line: usize| 98.0 + 14.0 * line as f32;
    page.rulings = [0, 2, 3, 4, 5, 6, 7].map(|line| rule(50.0, 450.0, y(line))).to_vec();
    for x in [50.0, 260.0, 360.0, 450.0] {
        page.rulings.extend([(0, 2), (3, 5), (6, 7)].map(|(from, to)| wall(x, y(from), y(to))));
    }
    assert_eq!(
        rows_of(&page),
        [
            "Measure | Age 4 (first) | 1 Grade",
            "Reading*3 | - | -",
            "Letters | 0.25 | NA",
            "Words | NA | 0.11",
            "Math*3 | - | -",
            "Counting | 0.10 | 0.31"
        ]
    );
}

#[test]
fn close_lines_of_a_text_table_are_rows_where_each_begins_anew() {
    let mut page = page(&[
        &[("Variable", Left(60.0)), ("Assumption", Left(300.0))],
        &[("Population", Left(60.0)), ("Grows by half", Left(300.0))],
        &[("Households", Left(60.0)), ("Follow the census", Left(300.0))],
        &[("Income of the", Left(60.0)), ("Rises slowly", Left(300.0))],
        &[("poorest", Left(70.0))],
        &[("Men", Left(60.0)), ("Remain", Left(300.0))],
        &[("Women", Left(60.0)), ("Increase", Left(300.0))],
        &[("Children", Left(60.0)), ("Decrease", Left(300.0))],
    ]);
    // A wider gap parts two groups.
    page.words.iter_mut().filter(|word| word.bbox.y0 > 165.0).for_each(|word| {
        word.bbox = BBox::new(word.bbox.x0, word.bbox.y0 + 12.0, word.bbox.x1, word.bbox.y1 + 12.0);
    });
    assert_eq!(
        rows_of(&page),
        [
            "Variable | Assumption",
            "Population | Grows by half",
            "Households | Follow the census",
            "Income of the poorest | Rises slowly",
            "Men | Remain",
            "Women | Increase",
            "Children | Decrease"
        ]
    );
}

#[test]
fn columns_of_centred_numbers_are_found() {
    let found = only(find_tables(
        &[page(&[
            &[("Launch", Middle(300.0)), ("2010", Middle(400.0)), ("2011", Middle(500.0))],
            &[
                ("Sets", Left(60.0)),
                ("47", Middle(300.0)),
                ("272,768", Middle(400.0)),
                ("389,933", Middle(500.0)),
            ],
            &[("Apps", Left(60.0)), ("0", Middle(300.0)), ("237", Middle(400.0)), ("1,079", Middle(500.0))],
            &[
                ("Nations", Left(60.0)),
                ("0", Middle(300.0)),
                ("6", Middle(400.0)),
                ("2,348,928", Middle(500.0)),
            ],
        ])],
        &[],
    ));
    assert_eq!((found.rows, found.columns, text_at(&found, 2, 2)), (4, 4, "237"));
}

#[test]
fn headers_that_stand_again_further_down_do_not_merge_columns() {
    let numbers = |label: &'static str| -> Vec<(&'static str, At)> {
        vec![(label, Left(50.0)), ("120", Right(300.0)), ("110", Right(330.0)), ("7", Right(400.0))]
    };
    let headers: Vec<(&str, At)> = vec![("Common stock", Middle(300.0)), ("Total", Right(400.0))];
    let mut lines = vec![headers.clone()];
    lines.extend((0..8).map(|_| numbers("Balance")));
    lines.extend([headers.clone(), headers]);
    lines.extend((0..8).map(|_| numbers("Change")));
    let lines: Vec<&[(&str, At)]> = lines.iter().map(Vec::as_slice).collect();
    let found = rows_of(&page(&lines));
    assert!(found.contains(&"Change | 120 | 110 | 7".to_owned()), "{found:#?}");
}

#[test]
fn walls_in_pieces_hold_a_ruled_table_together_down_to_its_last_row() {
    let mut page = page(&[
        &[("Measure", Left(60.0)), ("Assessed", Left(250.0))],
        &[("Reliable", Left(60.0)), ("Stable scores", Left(250.0))],
        &[("Valid", Left(60.0)), ("Right concept", Left(250.0))],
        &[("Sensitive", Left(60.0)), ("Sees changes", Left(250.0))],
    ]);
    // Rows 200 points high, without a ruling below the last one.
    for word in &mut page.words {
        let line = (word.bbox.y0 - 100.0) / 14.0;
        word.bbox = BBox::new(word.bbox.x0, 60.0 + 200.0 * line, word.bbox.x1, 70.0 + 200.0 * line);
    }
    page.rulings = (0..4).map(|line| rule(45.0, 450.0, 50.0 + 200.0 * line as f32)).collect();
    for piece in 0..8 {
        let (top, bottom) = (50.0 + 100.0 * piece as f32, 149.0 + 100.0 * piece as f32);
        page.rulings.extend([45.0, 240.0, 449.5].map(|x| wall(x, top, bottom.min(790.0))));
    }
    page.height = 900.0;
    page.words.push(word("Introduction", 40.0, 20.0, 460.0, 10.0));
    let found = only(find_tables(&[page], &[]));
    assert_eq!((found.rows, found.columns, text_at(&found, 3, 1)), (4, 2, "Sees changes"));
}

#[path = "house_styles_tests.rs"]
mod house_styles;
