//! Words from the TSV that tesseract prints.
//!
//! Twelve columns: level, page_num, block_num, par_num, line_num, word_num, left, top, width, height, conf, text.
//! Level 5 is a word, level 4 the line around it; boxes are in pixels, confidences 0 to 100.

use crate::document::{BBox, Word, WordStyle};

use super::segment::MAX_WORDS;

/// No picture has more pixels across; sums of such numbers stay finite.
const MAX_NUMBER: f32 = 1e9;
const LEVEL_LINE: u32 = 4;
const LEVEL_WORD: u32 = 5;

/// The output is not what the program documents.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TsvError {
    /// A row has a missing or wrong number.
    #[error("row {0} is damaged")]
    Row(usize),
    /// More words than a page may have.
    #[error("more than {MAX_WORDS} words")]
    TooMany,
}

struct Row<'a> {
    level: u32,
    word: u32,
    bbox: [f32; 4],
    confidence: f32,
    text: &'a str,
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut columns = line.splitn(12, '\t');
    let mut numbers = [0.0f32; 11];
    for number in &mut numbers {
        *number = columns.next()?.trim().parse().ok().filter(|value: &f32| value.abs() <= MAX_NUMBER)?;
    }
    let [level, _, _, _, _, word, left, top, width, height, confidence] = numbers;
    Some(Row {
        level: level as u32,
        word: word as u32,
        bbox: [left, top, left + width, top + height],
        confidence,
        text: columns.next().unwrap_or(""),
    })
}

/// Reads the words; `scale` turns pixels into points, across and down.
pub(crate) fn words(output: &[u8], scale: (f32, f32)) -> Result<Vec<Word>, TsvError> {
    let output = String::from_utf8_lossy(output);
    let mut words: Vec<Word> = Vec::new();
    let mut line_height = 0.0;
    for (index, line) in output.lines().enumerate() {
        // The first row names the columns.
        if index == 0 || line.is_empty() {
            continue;
        }
        let row = row(line).ok_or(TsvError::Row(index + 1))?;
        let [x0, y0, x1, y1] = row.bbox;
        let bbox = BBox::new(x0 * scale.0, y0 * scale.1, x1 * scale.0, y1 * scale.1);
        if row.level == LEVEL_LINE {
            line_height = bbox.height();
        }
        let text = row.text.trim();
        if row.level != LEVEL_WORD || text.is_empty() || row.confidence < 0.0 {
            continue;
        }
        if words.len() >= MAX_WORDS {
            return Err(TsvError::TooMany);
        }
        let starts_line = row.word <= 1 || words.is_empty();
        if starts_line && let Some(last) = words.last_mut() {
            last.style.hyphenated = ends_with_hyphen(&last.text);
        }
        words.extend(text.split_whitespace().enumerate().map(|(part, text)| Word {
            text: text.to_owned(),
            bbox,
            // Ascenders to descenders are about as high as the font's size.
            font_size: line_height.max(bbox.height()),
            font: u16::MAX,
            style: WordStyle { starts_line: starts_line && part == 0, ..WordStyle::default() },
            color: [0, 0, 0, 255],
            direction: 0,
            confidence: Some((row.confidence / 100.0).clamp(0.0, 1.0)),
        }));
    }
    Ok(words)
}

/// Whether a word at a line's end looks split: a letter, then a hyphen.
fn ends_with_hyphen(text: &str) -> bool {
    let mut characters = text.chars().rev();
    matches!(characters.next(), Some('-' | '\u{2010}' | '\u{AD}'))
        && characters.next().is_some_and(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str =
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

    #[test]
    fn words_have_boxes_in_points_lines_and_confidences() {
        let output = format!(
            "{HEADER}1\t1\t0\t0\t0\t0\t0\t0\t2550\t3300\t-1\t\n4\t1\t1\t1\t1\t0\t300\t600\t900\t60\t-1\t\n\
             5\t1\t1\t1\t1\t1\t300\t600\t400\t50\t96.5\tNet\n5\t1\t1\t1\t1\t2\t720\t600\t400\t50\t40\tin-\n\
             4\t1\t1\t1\t2\t0\t300\t700\t900\t60\t-1\t\n5\t1\t1\t1\t2\t1\t300\t700\t400\t50\t90\tcome\n\
             5\t1\t1\t1\t2\t2\t300\t700\t400\t50\t90\t \n"
        );
        let words = words(output.as_bytes(), (0.24, 0.24)).unwrap();
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Net", "in-", "come"]);
        assert_eq!(words[0].bbox, BBox::new(72.0, 144.0, 168.0, 156.0));
        assert_eq!(words[0].confidence, Some(0.965));
        assert!((words[0].font_size - 14.4).abs() < 1e-4);
        let flags: Vec<_> = words.iter().map(|w| (w.style.starts_line, w.style.hyphenated)).collect();
        assert_eq!(flags, [(true, false), (false, true), (true, false)]);
    }

    #[test]
    fn damaged_rows_are_named() {
        assert_eq!(words(format!("{HEADER}5\tx\n").as_bytes(), (1.0, 1.0)).unwrap_err(), TsvError::Row(2));
        assert_eq!(words(b"", (1.0, 1.0)).unwrap(), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = words(&bytes, (0.24, 0.24));
        }

        #[test]
        fn boxes_and_confidences_stay_in_range(
            numbers in prop::collection::vec(-1e9f32..1e9, 11), text in "[a-z\t ]{0,12}",
        ) {
            let columns: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            let line = format!("{HEADER}5\t{}\t{text}\n", columns[1..].join("\t"));
            for word in words(line.as_bytes(), (0.24, 0.24)).unwrap() {
                prop_assert!(word.bbox.x0 <= word.bbox.x1 && word.bbox.y0 <= word.bbox.y1);
                prop_assert!((0.0..=1.0).contains(&word.confidence.unwrap()));
            }
        }
    }
}
