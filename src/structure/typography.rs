//! What a 224-pixel page image cannot show: size, weight, indentation, gaps and rulings of each line, beside what the
//! layout model says about its words and those of the lines around it. A small network reads these features and
//! labels lines; its answer takes the place of the words' probabilities.

use super::lines::{Line, lines};
use crate::document::{BBox, Page, WordPredictions};

/// Labels that the features are made for, in the order of their probabilities: DocLayNet's eleven.
pub const LABELS: [&str; 11] = [
    "Caption",
    "Footnote",
    "Formula",
    "List-item",
    "Page-footer",
    "Page-header",
    "Picture",
    "Section-header",
    "Table",
    "Text",
    "Title",
];

/// The typographic features after the 33 probabilities (own, above, below; each in the order of [`LABELS`]): name,
/// meaning, smallest and largest value.
pub const TYPOGRAPHY: [(&str, &str, f32, f32); 45] = [
    ("font_size_to_body", "font size over the size of most of the page's characters", 0.0, 4.0),
    ("bold", "most characters are bold", 0.0, 1.0),
    ("italic_share", "share of italic words", 0.0, 1.0),
    ("capitals_share", "share of capitals among the letters", 0.0, 1.0),
    ("digits_share", "share of digits among the characters", 0.0, 1.0),
    ("words_log", "ln(1 + words)", 0.0, 10.0),
    ("width", "width over the page's", 0.0, 2.0),
    ("left", "left edge over the page's width", -1.0, 2.0),
    ("right", "right edge over the page's width", -1.0, 2.0),
    ("off_centre", "distance of its middle from the page's middle over the page's width", 0.0, 2.0),
    ("top", "top over the page's height", -1.0, 2.0),
    ("bottom", "bottom over the page's height", -1.0, 2.0),
    ("rank_from_top", "lines above it, 10 or more are 1", 0.0, 1.0),
    ("rank_from_bottom", "lines below it, 10 or more are 1", 0.0, 1.0),
    ("gap_above", "gap to the line above in font sizes; 4 without one", 0.0, 4.0),
    ("gap_below", "gap to the line below in font sizes; 4 without one", 0.0, 4.0),
    ("size_to_above", "font size over that of the line above", 0.0, 3.0),
    ("size_to_below", "font size over that of the line below", 0.0, 3.0),
    ("above_bold", "the line above is bold", 0.0, 1.0),
    ("below_bold", "the line below is bold", 0.0, 1.0),
    ("indent_to_above", "left edge minus that of the line above, in font sizes", -6.0, 6.0),
    ("indent_to_below", "left edge minus that of the line below, in font sizes", -6.0, 6.0),
    ("shorter_than_above", "right edge of the line above minus its own, in ten font sizes", -3.0, 3.0),
    ("shorter_than_below", "right edge of the line below minus its own, in ten font sizes", -3.0, 3.0),
    ("starts_with_bullet", "starts with a bullet", 0.0, 1.0),
    ("starts_with_number", "starts with a numbering such as 1. or (a)", 0.0, 1.0),
    ("starts_with_item", "starts with Item, Part, Note, Section, ...", 0.0, 1.0),
    ("starts_with_caption", "starts with Table, Figure, Exhibit, Chart, ...", 0.0, 1.0),
    ("starts_with_mark", "starts with a footnote mark or a small first word", 0.0, 1.0),
    ("starts_lower_case", "starts with a small letter", 0.0, 1.0),
    ("ends_with_stop", "ends with a full stop", 0.0, 1.0),
    ("ends_with_colon", "ends with a colon", 0.0, 1.0),
    ("has_money_or_percent", "has a currency or percent sign", 0.0, 1.0),
    ("only_a_number", "is nothing but a number", 0.0, 1.0),
    ("names_a_page_or_contents", "names a page or the table of contents", 0.0, 1.0),
    ("row_neighbours", "other lines on its row, 6 or more are 1", 0.0, 1.0),
    ("number_words_share", "share of numbers among its words", 0.0, 1.0),
    ("row_number_words_share", "share of numbers among the words of its row", 0.0, 1.0),
    ("ruling_above", "a ruling runs above it", 0.0, 1.0),
    ("ruling_below", "a ruling runs below it", 0.0, 1.0),
    ("inside_image", "share of it inside an image", 0.0, 1.0),
    ("other_color", "has another colour than most of the page's words", 0.0, 1.0),
    ("lines_on_page", "lines on the page, in hundreds", 0.0, 2.0),
    ("body_size", "size of most of the page's characters, in 12 points", 0.0, 3.0),
    ("first_page", "stands on page 1", 0.0, 1.0),
];

/// One line of a page with its features.
#[derive(Clone, Debug, PartialEq)]
pub struct LineFeatures {
    /// Its words.
    pub words: Vec<usize>,
    /// As many numbers as [`line_feature_names`] has names.
    pub values: Vec<f32>,
}

/// Names of a line's features, in order.
#[must_use]
pub fn line_feature_names() -> Vec<String> {
    let probabilities = ["own", "above", "below"].iter().flat_map(|place| {
        LABELS.iter().map(move |label| format!("{place}_{}", label.to_lowercase().replace('-', "_")))
    });
    probabilities.chain(TYPOGRAPHY.iter().map(|feature| feature.0.to_owned())).collect()
}

/// Features of every line of a page. Every word is in exactly one line. `None` if the model has other labels than
/// [`LABELS`].
#[must_use]
pub fn line_features(page: &Page, predictions: &WordPredictions) -> Option<Vec<LineFeatures>> {
    let columns: Vec<usize> = LABELS
        .iter()
        .map(|label| predictions.labels.iter().position(|other| other == label))
        .collect::<Option<_>>()?;
    if predictions.len() != page.words.len() {
        return None;
    }
    let lines = lines(page);
    let means: Vec<Vec<f32>> = lines.iter().map(|line| mean(line, predictions, &columns)).collect();
    let context = Context::new(page, &lines);
    Some(
        lines
            .iter()
            .enumerate()
            .map(|(index, line)| {
                let (above, below) = (context.above(index), context.below(index));
                let mut values = means[index].clone();
                for neighbour in [above, below] {
                    match neighbour {
                        Some(other) => values.extend_from_slice(&means[other]),
                        None => values.extend([0.0; LABELS.len()]),
                    }
                }
                values.extend(context.typography(index, above, below));
                LineFeatures { words: line.words.clone(), values }
            })
            .collect(),
    )
}

/// Predictions in which every word has the probabilities of its line; `probabilities` has one row per line, in the
/// order of [`LABELS`].
#[must_use]
pub fn spread(
    predictions: &WordPredictions,
    lines: &[LineFeatures],
    probabilities: &[Vec<f32>],
) -> WordPredictions {
    let width = predictions.labels.len();
    let columns: Vec<Option<usize>> =
        LABELS.iter().map(|label| predictions.labels.iter().position(|other| other == label)).collect();
    let mut refined = predictions.clone();
    for (line, row) in lines.iter().zip(probabilities) {
        for word in &line.words {
            let target = &mut refined.probabilities[word * width..][..width];
            target.fill(0.0);
            for (column, probability) in columns.iter().zip(row) {
                if let Some(column) = column {
                    target[*column] = *probability;
                }
            }
        }
    }
    refined
}

fn mean(line: &Line, predictions: &WordPredictions, columns: &[usize]) -> Vec<f32> {
    let count = line.words.len().max(1) as f32;
    columns
        .iter()
        .map(|column| line.words.iter().map(|word| predictions.word(*word)[*column]).sum::<f32>() / count)
        .collect()
}

/// A page's lines with what is common to them.
struct Context<'a> {
    page: &'a Page,
    lines: &'a [Line],
    /// Size of most of the characters, in points.
    body: f32,
    /// Colour of most of the words.
    color: [u8; 4],
}

impl<'a> Context<'a> {
    fn new(page: &'a Page, lines: &'a [Line]) -> Self {
        let mut sizes: Vec<(f32, usize)> =
            page.words.iter().map(|word| (word.font_size, word.text.chars().count())).collect();
        sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = sizes.iter().map(|(_, count)| count).sum::<usize>() / 2;
        let mut seen = 0;
        let body = sizes.iter().find(|(_, count)| {
            seen += count;
            seen > half
        });
        let mut colors: Vec<[u8; 4]> = page.words.iter().map(|word| word.color).collect();
        colors.sort_unstable();
        let color = colors.get(colors.len() / 2).copied().unwrap_or_default();
        Self { page, lines, body: body.map_or(10.0, |(size, _)| *size).max(1.0), color }
    }

    /// The nearest line above that shares horizontal extent.
    fn above(&self, index: usize) -> Option<usize> {
        self.nearest(index, |line, other| line.y0 - other.y1, |line, other| other.center_y() < line.y0)
    }

    /// The nearest line below that shares horizontal extent.
    fn below(&self, index: usize) -> Option<usize> {
        self.nearest(index, |line, other| other.y0 - line.y1, |line, other| other.center_y() > line.y1)
    }

    fn nearest(
        &self,
        index: usize,
        distance: impl Fn(&BBox, &BBox) -> f32,
        is_there: impl Fn(&BBox, &BBox) -> bool,
    ) -> Option<usize> {
        let line = &self.lines[index];
        self.lines
            .iter()
            .enumerate()
            .filter(|(other, candidate)| {
                *other != index
                    && candidate.direction == line.direction
                    && is_there(&line.bbox, &candidate.bbox)
                    && line.bbox.horizontal_overlap(&candidate.bbox) > 0.0
            })
            .min_by(|a, b| distance(&line.bbox, &a.1.bbox).total_cmp(&distance(&line.bbox, &b.1.bbox)))
            .map(|(other, _)| other)
    }

    /// Lines on the same row, without the line itself.
    fn row(&self, index: usize) -> impl Iterator<Item = &Line> {
        let line = &self.lines[index];
        self.lines.iter().enumerate().filter_map(move |(other, candidate)| {
            let overlap = line.bbox.vertical_overlap(&candidate.bbox);
            let same = candidate.direction == line.direction
                && overlap > 0.5 * line.bbox.height().min(candidate.bbox.height());
            (other != index && same).then_some(candidate)
        })
    }

    fn typography(
        &self,
        index: usize,
        above: Option<usize>,
        below: Option<usize>,
    ) -> [f32; TYPOGRAPHY.len()] {
        let line = &self.lines[index];
        let (page, bbox) = (self.page, &line.bbox);
        let (width, height) = (page.width.max(1.0), page.height.max(1.0));
        let size = line.font_size.max(1.0);
        let words: Vec<&crate::document::Word> = line.words.iter().map(|word| &page.words[*word]).collect();
        let count = words.len().max(1) as f32;
        let text: String = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let letters = text.chars().filter(|c| c.is_alphabetic()).count().max(1) as f32;
        let characters = text.chars().filter(|c| !c.is_whitespace()).count().max(1) as f32;
        let capitals = text.chars().filter(|c| c.is_uppercase()).count() as f32;
        let digits = text.chars().filter(char::is_ascii_digit).count() as f32;
        let (up, down) = (above.map(|other| &self.lines[other]), below.map(|other| &self.lines[other]));
        let gap_above = up.map_or(4.0, |up| (bbox.y0 - up.bbox.y1) / size);
        let gap_below = down.map_or(4.0, |down| (down.bbox.y0 - bbox.y1) / size);
        let ratio =
            |other: Option<&Line>| other.map_or(1.0, |other| size / other.font_size.max(1.0)).clamp(0.0, 3.0);
        let bold = |other: Option<&Line>| flag(other.is_some_and(|other| other.bold));
        let indent = |other: Option<&Line>| {
            other.map_or(0.0, |other| ((bbox.x0 - other.bbox.x0) / size).clamp(-6.0, 6.0))
        };
        let slack = |other: Option<&Line>| {
            other.map_or(0.0, |other| ((other.bbox.x1 - bbox.x1) / size / 10.0).clamp(-3.0, 3.0))
        };
        let higher = self.lines.iter().filter(|other| other.bbox.y1 <= bbox.y0).count();
        let lower = self.lines.iter().filter(|other| other.bbox.y0 >= bbox.y1).count();
        let numbers = |words: &mut dyn Iterator<Item = usize>| {
            let (mut all, mut numeric) = (0usize, 0usize);
            for word in words {
                all += 1;
                numeric += usize::from(is_number(&page.words[word].text));
            }
            numeric as f32 / all.max(1) as f32
        };
        let row: Vec<&Line> = self.row(index).collect();
        let row_numbers = numbers(
            &mut row.iter().flat_map(|line| line.words.iter().copied()).chain(line.words.iter().copied()),
        );
        let ruling = |y0: f32, y1: f32| {
            flag(page.rulings.iter().any(|ruling| {
                ruling.horizontal
                    && ruling.bbox.center_y() >= y0
                    && ruling.bbox.center_y() <= y1
                    && ruling.bbox.horizontal_overlap(bbox) > 0.5 * bbox.width().min(ruling.bbox.width())
            }))
        };
        let inside_image = page.images.iter().map(|image| bbox.share_inside(image)).fold(0.0, f32::max);
        let first = words.first().map_or("", |word| word.text.as_str());
        let lowered = text.to_lowercase();
        let starts = |names: &[&str]| {
            flag(names.iter().any(|name| {
                lowered
                    .strip_prefix(name)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
            }))
        };
        let small_first = words.len() > 1 && words[0].font_size < 0.8 * words[1].font_size;
        [
            (size / self.body).clamp(0.0, 4.0),
            flag(line.bold),
            words.iter().filter(|word| word.style.italic).count() as f32 / count,
            capitals / letters,
            digits / characters,
            count.ln_1p().min(10.0),
            (bbox.width() / width).clamp(0.0, 2.0),
            (bbox.x0 / width).clamp(-1.0, 2.0),
            (bbox.x1 / width).clamp(-1.0, 2.0),
            (bbox.center_x() / width - 0.5).abs().min(2.0),
            (bbox.y0 / height).clamp(-1.0, 2.0),
            (bbox.y1 / height).clamp(-1.0, 2.0),
            (higher as f32 / 10.0).min(1.0),
            (lower as f32 / 10.0).min(1.0),
            gap_above.clamp(0.0, 4.0),
            gap_below.clamp(0.0, 4.0),
            ratio(up),
            ratio(down),
            bold(up),
            bold(down),
            indent(up),
            indent(down),
            slack(up),
            slack(down),
            flag(first.chars().next().is_some_and(|c| "•●▪■◦‣○–*·►✓\u{f0b7}".contains(c)) && words.len() > 1),
            flag(is_numbering(first)),
            starts(&["item", "part", "note", "section", "article", "chapter", "appendix"]),
            starts(&["table", "figure", "exhibit", "chart", "graph", "source", "map"]),
            flag(small_first || first.starts_with('*') || is_mark(first)),
            flag(text.chars().next().is_some_and(char::is_lowercase)),
            flag(text.ends_with(['.', '!', '?'])),
            flag(text.ends_with(':')),
            flag(text.contains(['$', '%', '€', '£'])),
            flag(words.len() == 1 && is_number(first)),
            flag(lowered.contains("page ") || lowered.contains("table of contents")),
            (row.len() as f32 / 6.0).min(1.0),
            numbers(&mut line.words.iter().copied()),
            row_numbers,
            ruling(bbox.y0 - size, bbox.y0 + 0.2 * size),
            ruling(bbox.y1 - 0.2 * size, bbox.y1 + size),
            inside_image,
            flag(words.first().is_some_and(|word| word.color != self.color)),
            (self.lines.len() as f32 / 100.0).min(2.0),
            (self.body / 12.0).min(3.0),
            flag(page.number == 1),
        ]
    }
}

fn flag(value: bool) -> f32 {
    f32::from(u8::from(value))
}

/// Digits with separators, and signs, brackets, currency or percent around them.
fn is_number(text: &str) -> bool {
    let text = text.trim_matches(|c: char| "$€£()%-–—+,.".contains(c));
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.')
}

/// "1.", "12)", "(a)", "iv.", "2.3".
fn is_numbering(text: &str) -> bool {
    let inner = text.trim_matches(|c: char| "().".contains(c));
    let marked = text.ends_with(['.', ')']) || inner.contains('.');
    let short = inner.len() <= 5 && !inner.is_empty();
    let roman = inner.chars().all(|c| "ivxIVX".contains(c));
    let letter = inner.len() == 1 && inner.chars().all(|c| c.is_ascii_alphabetic());
    let digits = inner.chars().all(|c| c.is_ascii_digit() || c == '.') && inner.len() <= 5;
    marked && short && (roman || letter || digits)
}

/// `(1)`, `[2]`, `†`.
fn is_mark(text: &str) -> bool {
    let inner = text.trim_matches(|c: char| "()[]".contains(c));
    let bracketed = inner.len() < text.len() && inner.len() <= 2 && !inner.is_empty();
    bracketed && inner.chars().all(|c| c.is_ascii_alphanumeric()) || text.starts_with(['†', '‡', '§'])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::structure::testing::{page_of, text_line};

    fn page_of_lines(texts: &[&str]) -> Page {
        let line = |(index, text): (usize, &&str)| text_line(text, 72.0, 72.0 + 30.0 * index as f32, 10.0);
        page_of(texts.iter().enumerate().flat_map(line).collect())
    }

    #[test]
    fn names_and_values_have_one_length() {
        let names = line_feature_names();
        assert_eq!(names.len(), 3 * LABELS.len() + TYPOGRAPHY.len());
        let page = page_of_lines(&["ITEM 7. Results", "Revenue rose by 12% to $4 million."]);
        let labels: Arc<[String]> = LABELS.iter().map(|label| (*label).to_owned()).collect();
        let predictions = WordPredictions {
            probabilities: vec![1.0 / labels.len() as f32; page.words.len() * labels.len()],
            labels,
        };
        let features = line_features(&page, &predictions).unwrap();
        assert_eq!(features.iter().map(|line| line.words.len()).sum::<usize>(), page.words.len());
        for line in &features {
            assert_eq!(line.values.len(), line_feature_names().len());
            assert!(line.values.iter().all(|value| value.is_finite()));
        }
        let value = |line: usize, name: &str| {
            features[line].values[names.iter().position(|other| other == name).unwrap()]
        };
        assert_eq!((value(0, "starts_with_item"), value(1, "starts_with_item")), (1.0, 0.0));
        assert_eq!((value(0, "has_money_or_percent"), value(1, "has_money_or_percent")), (0.0, 1.0));

        let sure: Vec<Vec<f32>> = features
            .iter()
            .enumerate()
            .map(|(line, _)| {
                LABELS.iter().map(|label| flag(*label == ["Section-header", "Text"][line])).collect()
            })
            .collect();
        let refined = spread(&predictions, &features, &sure);
        assert_eq!(refined.word(0)[7], 1.0);
        assert_eq!(refined.word(page.words.len() - 1)[9], 1.0);
    }

    #[test]
    fn a_model_with_other_labels_is_left_alone() {
        let page = page_of_lines(&["a line"]);
        let predictions =
            WordPredictions { labels: Arc::from(["X".to_owned()]), probabilities: vec![1.0, 1.0] };
        assert_eq!(line_features(&page, &predictions), None);
    }

    #[test]
    fn numbers_numbering_and_marks() {
        assert!(["1,234", "(512)", "$4.5", "12%"].iter().all(|text| is_number(text)));
        assert!(!["Q4", "-", "a"].iter().any(|text| is_number(text)));
        assert!(["1.", "(a)", "iv.", "2.3", "12)"].iter().all(|text| is_numbering(text)));
        assert!(!["Inc.", "12", "A", "2024"].iter().any(|text| is_numbering(text)));
        assert!(is_mark("(1)") && is_mark("†") && !is_mark("(512)") && !is_mark("a"));
    }
}
