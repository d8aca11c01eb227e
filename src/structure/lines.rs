//! Words to line segments: runs of words on one baseline without a column gap between them.

use super::frame::Frame;
use crate::document::{BBox, Page};

/// A run of words on one line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// Word indices in reading direction.
    pub words: Vec<usize>,
    /// Extent in reading coordinates of its direction.
    pub bbox: BBox,
    /// Direction of writing in degrees.
    pub direction: u16,
    /// Median font size of its words in points.
    pub font_size: f32,
    /// Whether most of its characters are bold.
    pub bold: bool,
}

/// A gap wider than this many font sizes separates two lines whatever stands around it.
const WIDEST_GAP: f32 = 2.0;
/// A gap narrower than this many font sizes never does.
const NARROWEST_GUTTER: f32 = 0.7;
/// Words share a line when their boxes overlap by this share of the lower one's height.
const SAME_LINE: f32 = 0.5;
/// Lines above and below that a gutter has to pass, on either side together.
const GUTTER_LINES: usize = 3;

/// All line segments of a page, top to bottom and left to right within each direction. Every word is in exactly one.
/// The result does not depend on the order of the page's words, except that words at the very same place keep it.
pub(super) fn lines(page: &Page) -> Vec<Line> {
    let mut all = Vec::new();
    for direction in [0, 90, 180, 270] {
        let frame = Frame::new(page, direction);
        let words: Vec<Placed> = page
            .words
            .iter()
            .enumerate()
            .filter(|(_, word)| (word.direction / 90) % 4 * 90 == direction)
            .map(|(index, word)| Placed {
                index,
                bbox: frame.turn(&word.bbox),
                size: if word.font_size > 0.0 { word.font_size } else { word.bbox.height().max(1.0) },
            })
            .collect();
        let mut found = segments(&words, page, direction);
        found.sort_by(|a, b| {
            a.bbox.y0.total_cmp(&b.bbox.y0).then(a.bbox.x0.total_cmp(&b.bbox.x0)).then(a.words.cmp(&b.words))
        });
        all.append(&mut found);
    }
    all
}

#[derive(Clone, Copy)]
struct Placed {
    index: usize,
    bbox: BBox,
    size: f32,
}

/// Words by horizontal strips of the page, for finding neighbours without looking at all of them.
struct Strips<'w> {
    words: &'w [Placed],
    height: f32,
    strips: Vec<Vec<usize>>,
}

impl<'w> Strips<'w> {
    const MOST: usize = 4_096;

    fn new(words: &'w [Placed]) -> Self {
        let mut heights: Vec<f32> = words.iter().map(|word| word.bbox.height()).collect();
        heights.sort_by(f32::total_cmp);
        let height = heights.get(heights.len() / 2).copied().unwrap_or(1.0).max(1.0);
        let mut strips: Vec<Vec<usize>> = Vec::new();
        for (position, word) in words.iter().enumerate() {
            for strip in Self::range(height, &word.bbox) {
                if strips.len() <= strip {
                    strips.resize(strip + 1, Vec::new());
                }
                strips[strip].push(position);
            }
        }
        Self { words, height, strips }
    }

    fn range(height: f32, bbox: &BBox) -> std::ops::RangeInclusive<usize> {
        let strip = |y: f32| ((y / height).max(0.0) as usize).min(Self::MOST);
        strip(bbox.y0)..=strip(bbox.y1)
    }

    /// Words whose strips a box touches; some more than once.
    fn near(&self, bbox: &BBox) -> impl Iterator<Item = &'w Placed> {
        let range = Self::range(self.height, bbox);
        self.strips
            .iter()
            .skip(*range.start())
            .take(range.end() - range.start() + 1)
            .flatten()
            .map(|position| &self.words[*position])
    }

    /// Position of the nearest word to the right on the same line.
    fn right_of(&self, position: usize) -> Option<usize> {
        let word = &self.words[position];
        let range = Self::range(self.height, &word.bbox);
        self.strips[range]
            .iter()
            .flatten()
            .copied()
            .filter(|other| {
                let next = &self.words[*other];
                *other != position
                    && same_line(&word.bbox, &next.bbox)
                    && (next.bbox.center_x(), next.index) > (word.bbox.center_x(), word.index)
            })
            .min_by(|a, b| {
                let key = |at: usize| (self.words[at].bbox.x0, self.words[at].bbox.center_x());
                let (a_key, b_key) = (key(*a), key(*b));
                a_key.0.total_cmp(&b_key.0).then(a_key.1.total_cmp(&b_key.1)).then(a.cmp(b))
            })
    }

    /// Whether the gap between two words of a line is a gutter: no word reaches into its middle on the lines above and
    /// below, and several of them have words on both sides.
    fn is_gutter(&self, left: &Placed, right: &Placed) -> bool {
        let size = left.size.max(right.size);
        let (from, to) = (left.bbox.x1, right.bbox.x0);
        let middle = f32::midpoint(from, to);
        let strip = BBox::new(middle - 0.25 * size, 0.0, middle + 0.25 * size, 1.0);
        let mut passed = 0;
        for step in [-1.0f32, 1.0] {
            // Twice as far as needed: paragraphs that end at different heights leave one side of a line empty.
            for distance in 1..=2 * GUTTER_LINES {
                let shift = step * distance as f32 * 1.2 * size;
                let level = f32::midpoint(left.bbox.y0, left.bbox.y1) + shift;
                let band = BBox::new(from, level - 0.3 * size, to, level + 0.3 * size);
                let (mut on_left, mut on_right, mut inside) = (false, false, false);
                for word in self.near(&band).filter(|word| word.bbox.vertical_overlap(&band) > 0.0) {
                    inside |= word.bbox.horizontal_overlap(&strip) > 0.0;
                    // Near enough to belong to the two columns, not to something far away.
                    on_left |= word.bbox.x1 <= middle && middle - word.bbox.x1 < 20.0 * size;
                    on_right |= word.bbox.x0 >= middle && word.bbox.x0 - middle < 3.0 * size;
                }
                if inside {
                    break;
                }
                passed += usize::from(on_left && on_right);
            }
        }
        passed >= GUTTER_LINES
    }
}

fn same_line(a: &BBox, b: &BBox) -> bool {
    let lower = a.height().min(b.height());
    if lower <= 0.0 {
        return (a.center_y() - b.center_y()).abs() < 1.0;
    }
    a.vertical_overlap(b) >= SAME_LINE * lower
}

fn segments(words: &[Placed], page: &Page, direction: u16) -> Vec<Line> {
    let strips = Strips::new(words);
    let mut groups = Groups::new(words.len());
    for position in 0..words.len() {
        let Some(next) = strips.right_of(position) else { continue };
        let (left, right) = (&words[position], &words[next]);
        let gap = (right.bbox.x0 - left.bbox.x1) / left.size.max(right.size);
        let joined = gap < NARROWEST_GUTTER || gap < WIDEST_GAP && !strips.is_gutter(left, right);
        if joined {
            groups.join(position, next);
        }
    }
    groups
        .collect()
        .into_iter()
        .map(|mut members| {
            members.sort_by(|a, b| {
                let (a, b) = (&words[*a], &words[*b]);
                a.bbox
                    .x0
                    .total_cmp(&b.bbox.x0)
                    .then(a.bbox.center_x().total_cmp(&b.bbox.center_x()))
                    .then(a.index.cmp(&b.index))
            });
            line(&members, words, page, direction)
        })
        .collect()
}

fn line(members: &[usize], words: &[Placed], page: &Page, direction: u16) -> Line {
    let mut sizes: Vec<f32> = members.iter().map(|member| words[*member].size).collect();
    sizes.sort_by(f32::total_cmp);
    let indices: Vec<usize> = members.iter().map(|member| words[*member].index).collect();
    let letters = |bold: bool| -> usize {
        indices
            .iter()
            .map(|index| &page.words[*index])
            .filter(|word| word.style.bold == bold)
            .map(|word| word.text.len())
            .sum()
    };
    Line {
        bbox: BBox::around(members.iter().map(|member| &words[*member].bbox))
            .unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0)),
        direction,
        font_size: sizes.get(sizes.len() / 2).copied().unwrap_or(0.0),
        bold: letters(true) > letters(false),
        words: indices,
    }
}

/// Disjoint sets with the smallest member as their name.
pub(super) struct Groups(Vec<usize>);

impl Groups {
    pub fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    pub fn root(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (small, large) = (a.min(b), a.max(b));
        self.0[large] = small;
    }

    /// Members of every set, sets by their smallest member, members ascending.
    pub fn collect(mut self) -> Vec<Vec<usize>> {
        let count = self.0.len();
        let mut sets = vec![Vec::new(); count];
        for member in 0..count {
            let root = self.root(member);
            sets[root].push(member);
        }
        sets.retain(|set| !set.is_empty());
        sets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::structure::testing::{page_of, word};

    fn texts(page: &Page) -> Vec<String> {
        let text = |line: &Line| {
            line.words.iter().map(|index| page.words[*index].text.as_str()).collect::<Vec<_>>().join(" ")
        };
        lines(page).iter().map(text).collect()
    }

    #[test]
    fn a_gutter_splits_lines_and_a_wide_space_does_not() {
        let mut words = Vec::new();
        for row in 0..6 {
            let y = 100.0 + 12.0 * row as f32;
            words.push(word("left", 50.0, y, 150.0, 10.0));
            words.push(word("part", 153.0, y, 240.0, 10.0));
            words.push(word("right", 250.0, y, 440.0, 10.0));
        }
        assert_eq!(texts(&page_of(words))[..2], ["left part", "right"]);
        // One line alone with the same wide gap is a justified line.
        let words = vec![word("a", 50.0, 100.0, 240.0, 10.0), word("b", 250.0, 100.0, 440.0, 10.0)];
        assert_eq!(texts(&page_of(words)), ["a b"]);
    }

    #[test]
    fn superscripts_stay_on_their_line() {
        let words = vec![
            word("income", 50.0, 100.0, 90.0, 10.0),
            word("1", 90.5, 98.0, 93.0, 6.0),
            word("rose", 96.0, 100.0, 120.0, 10.0),
            word("below", 50.0, 112.0, 90.0, 10.0),
        ];
        assert_eq!(texts(&page_of(words)), ["income 1 rose", "below"]);
    }

    #[test]
    fn turned_text_is_read_in_its_direction() {
        // Runs upward: the first word is at the bottom.
        let mut words = vec![word("first", 50.0, 300.0, 60.0, 40.0), word("second", 50.0, 250.0, 60.0, 40.0)];
        for word in &mut words {
            word.direction = 270;
            word.font_size = 10.0;
        }
        assert_eq!(texts(&page_of(words)), ["first second"]);
    }

    proptest! {
        #[test]
        fn every_word_is_in_one_line(places in proptest::collection::vec((0.0f32..600.0, 0.0f32..800.0, 1.0f32..90.0, 4.0f32..30.0, 0u16..4), 0..80)) {
            let words: Vec<_> = places.iter().map(|(x, y, width, height, direction)| {
                let mut word = word("w", *x, *y, x + width, *height);
                word.direction = direction * 90;
                word
            }).collect();
            let page = page_of(words);
            let mut seen: Vec<usize> = lines(&page).into_iter().flat_map(|line| line.words).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..page.words.len()).collect::<Vec<_>>());
        }
    }
}
