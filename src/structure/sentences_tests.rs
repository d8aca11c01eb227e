use super::*;
use crate::document::BBox;
use crate::structure::testing::{page_of, text_line};

/// Blocks of one line each, every line on its own page where `new_page` says so.
fn document(parts: &[(&str, &str, bool)]) -> (Vec<Page>, Vec<PageBlock>) {
    let mut pages = vec![page_of(Vec::new())];
    let mut blocks = Vec::new();
    for (label, text, new_page) in parts {
        if *new_page {
            pages.push(page_of(Vec::new()));
        }
        let page_index = pages.len() - 1;
        let page = &mut pages[page_index];
        let start = page.words.len();
        let mut lines = Vec::new();
        for (row, line) in text.split('|').enumerate() {
            let y = 100.0 + 30.0 * blocks.len() as f32 + 12.0 * row as f32;
            let mut words = text_line(line, 50.0, y, 10.0);
            if let Some(last) = words.last_mut() {
                last.style.hyphenated = last.text.ends_with('-');
            }
            let first = page.words.len();
            page.words.append(&mut words);
            lines.push((first..page.words.len()).collect());
        }
        let bbox = BBox::around(page.words[start..].iter().map(|word| &word.bbox)).expect("words");
        blocks.push(PageBlock {
            page_index,
            label: (*label).to_owned(),
            confidence: 1.0,
            bbox,
            lines,
            picture: None,
        });
    }
    (pages, blocks)
}

fn split(parts: &[(&str, &str, bool)]) -> Vec<String> {
    let (pages, blocks) = document(parts);
    let hyphens = HyphenatedWords::of(&pages);
    let outline = crate::structure::outline(&pages, &blocks, &hyphens, &Limit::default()).unwrap();
    let drafts = sentences(&pages, &blocks, &outline, &hyphens, &Limit::default()).unwrap();
    for draft in &drafts {
        for span in &draft.words {
            assert!(draft.text.get(span.range.clone()).is_some());
        }
    }
    drafts.into_iter().map(|draft| draft.text).collect()
}

fn text(line: &str) -> Vec<String> {
    split(&[("Text", line, false)])
}

#[test]
fn financial_abbreviations_do_not_end_sentences() {
    for line in [
        "Apple Inc. Annual Report.",
        "Sales in the U.S. Virgin Islands rose 3.5 percent.",
        "See Note No. 5 and Item 1. Business for more.",
        "Mr. J. P. Smith joined approx. 12 years ago.",
        "It was due on Dec. 31, 2024, i.e. Tuesday.",
        "Smith v. Jones was settled by XYZ Corp. Ltd. for $1.2 million.",
        "EUR 3,5 Mio. Umsatz.",
    ] {
        assert_eq!(text(line), [line]);
    }
}

#[test]
fn sentences_end_where_they_should() {
    assert_eq!(
        text(
            "Sales grew in the U.S. The margin fell to 12.5%. Why? We paid $3 to ABC Inc. However, it (and others.) left."
        ),
        [
            "Sales grew in the U.S.",
            "The margin fell to 12.5%.",
            "Why?",
            "We paid $3 to ABC Inc.",
            "However, it (and others.) left.",
        ]
    );
    assert_eq!(
        text("It was so in 2010.⁸ About 38.3 million left.⁽²⁾ Some stayed."),
        ["It was so in 2010.⁸", "About 38.3 million left.⁽²⁾", "Some stayed."]
    );
    assert_eq!(
        text("Net income.1 Other income in 2024. 2023 was worse."),
        ["Net income.1", "Other income in 2024.", "2023 was worse."]
    );
    assert_eq!(text("1. First we do this. (a) Then that."), ["1. First we do this.", "(a) Then that."]);
    assert_eq!(text("“We won.” She left."), ["“We won.”", "She left."]);
}

#[test]
fn sentences_run_over_blocks_and_pages() {
    assert_eq!(
        split(&[
            ("Text", "We expect the manage-|ment of the|company to", false),
            ("Page-footer", "Page 3", false),
            ("Footnote", "1 A note.", false),
            ("Page-header", "Annual Report", true),
            ("Text", "grow. New sentence.", false),
        ]),
        ["We expect the management of the company to grow.", "1 A note.", "New sentence."]
    );
    // A heading between them, or a colon, ends a sentence.
    assert_eq!(
        split(&[
            ("Text", "We face these risks:", false),
            ("List-item", "• competition, and", false),
            ("List-item", "• regulation", false),
            ("Section-header", "Overview", false),
            ("Text", "sales rose", false),
        ]),
        ["We face these risks:", "• competition, and", "• regulation", "sales rose"]
    );
    assert_eq!(
        split(&[("Table", "Total 1 2", false), ("Section-header", "A heading.", false)]),
        [] as [&str; 0]
    );
}
