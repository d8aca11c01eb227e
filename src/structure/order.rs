//! Reading order of the blocks of a page, by recursive cuts along white space (XY-cut; Nagy and Seth 1984).
//!
//! Plain XY-cut takes the columns of a page apart wherever a gap runs across all of them. Here the bands between such
//! gaps are put together again as long as they share a gutter, so that a column is read to its end; and blocks that
//! form rows, such as labels with their values, are read row by row.

use crate::document::BBox;

/// What a block is to the reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Page headers: first.
    Header,
    /// Everything that reads in place.
    Body,
    /// Captions: next to their table or picture.
    Caption,
    /// What captions belong to.
    Exhibit,
    /// Footnotes: after the text of their column or page.
    Footnote,
    /// Page footers: last.
    Footer,
}

impl Role {
    /// The role of a layout label.
    pub fn of(label: &str) -> Self {
        match label {
            "Page-header" => Self::Header,
            "Page-footer" => Self::Footer,
            "Footnote" => Self::Footnote,
            "Caption" => Self::Caption,
            "Table" | "Picture" => Self::Exhibit,
            _ => Self::Body,
        }
    }
}

/// A block as the reading order sees it: its box in reading coordinates, its role and its height of line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub bbox: BBox,
    pub role: Role,
    /// Typical height of its lines in points.
    pub line_height: f32,
}

/// The reading order: indices into `items`. It depends on the items alone, not on the order they come in.
pub(super) fn reading_order(items: &[Item]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..items.len()).collect();
    sorted.sort_by(|a, b| by_place(&items[*a], &items[*b]));
    let of = |roles: &[Role]| -> Vec<usize> {
        sorted.iter().copied().filter(|index| roles.contains(&items[*index].role)).collect()
    };
    let mut order = of(&[Role::Header]);
    let mut body = Vec::new();
    cut(items, of(&[Role::Body, Role::Caption, Role::Exhibit, Role::Footnote]), &mut body, 0);
    put_captions_beside(items, &mut body);
    order.append(&mut body);
    order.append(&mut of(&[Role::Footer]));
    order
}

fn by_place(a: &Item, b: &Item) -> std::cmp::Ordering {
    let (p, q) = (&a.bbox, &b.bbox);
    p.y0.total_cmp(&q.y0)
        .then(p.x0.total_cmp(&q.x0))
        .then(p.y1.total_cmp(&q.y1))
        .then(p.x1.total_cmp(&q.x1))
        .then(a.role.cmp(&b.role))
        .then(a.line_height.total_cmp(&b.line_height))
}

/// Deeper nesting than this is no layout but noise.
const DEEPEST: u32 = 40;

fn cut(items: &[Item], members: Vec<usize>, order: &mut Vec<usize>, depth: u32) {
    if members.len() < 2 || depth > DEEPEST {
        order.extend(members);
        return;
    }
    let columns = split(items, &members, Axis::Horizontal);
    if columns.len() > 1 && !are_rows(items, &columns) {
        for column in columns {
            cut(items, column, order, depth + 1);
        }
        return;
    }
    let bands = join_bands(items, split(items, &members, Axis::Vertical));
    if bands.len() > 1 {
        for band in bands {
            cut(items, band, order, depth + 1);
        }
        return;
    }
    // No cut: boxes overlap. The topmost block that nothing to its left precedes comes first.
    order.extend(members);
}

#[derive(Clone, Copy, PartialEq)]
enum Axis {
    Horizontal,
    Vertical,
}

/// Members split at the gaps of their projection on an axis, first part first.
fn split(items: &[Item], members: &[usize], axis: Axis) -> Vec<Vec<usize>> {
    let extent = |index: usize| {
        let bbox = &items[index].bbox;
        match axis {
            Axis::Horizontal => (bbox.x0, bbox.x1),
            Axis::Vertical => (bbox.y0, bbox.y1),
        }
    };
    // Boxes that touch or overlap by a hair are still apart.
    const SLACK: f32 = 0.15;
    let slack = |index: usize| SLACK * items[index].line_height;
    let mut sorted = members.to_vec();
    sorted.sort_by(|a, b| extent(*a).0.total_cmp(&extent(*b).0).then(by_place(&items[*a], &items[*b])));
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut reach = f32::NEG_INFINITY;
    for index in sorted {
        let (start, end) = extent(index);
        let gap = match axis {
            // A gutter has a width; lines of text need none between them.
            Axis::Horizontal => start - reach > 0.3 * items[index].line_height,
            Axis::Vertical => start - reach > -slack(index),
        };
        match parts.last_mut() {
            Some(part) if !gap => part.push(index),
            _ => parts.push(vec![index]),
        }
        reach = reach.max(end);
    }
    for part in &mut parts {
        part.sort_by(|a, b| by_place(&items[*a], &items[*b]));
    }
    parts
}

/// Puts neighbouring bands together that share a gutter.
fn join_bands(items: &[Item], bands: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut joined: Vec<Vec<usize>> = Vec::new();
    for band in bands {
        if let Some(last) = joined.last_mut() {
            let mut both = last.clone();
            both.extend(&band);
            let columns = split(items, &both, Axis::Horizontal);
            let either_has_columns = [&*last, &band]
                .iter()
                .any(|part| split(items, part, Axis::Horizontal).len() == columns.len());
            if columns.len() > 1 && either_has_columns && !are_rows(items, &columns) {
                *last = both;
                continue;
            }
        }
        joined.push(band);
    }
    // All bands in one would be cut into columns at once; that has been refused before, as rows.
    joined
}

/// Whether columns are made of rows of single lines that stand side by side (labels and values, signatures).
fn are_rows(items: &[Item], columns: &[Vec<usize>]) -> bool {
    let single_line = |index: &usize| items[*index].bbox.height() <= 1.6 * items[*index].line_height;
    let partner = |index: &usize, column: &[usize]| {
        column.iter().any(|other| {
            let (a, b) = (&items[*index].bbox, &items[*other].bbox);
            a.vertical_overlap(b) > 0.6 * a.height().max(b.height())
        })
    };
    columns.windows(2).all(|pair| {
        let (left, right) = (&pair[0], &pair[1]);
        let fewer = if left.len() <= right.len() { (left, right) } else { (right, left) };
        let rows = fewer.0.iter().filter(|index| single_line(index) && partner(index, fewer.1)).count();
        let lines = fewer.1.iter().filter(|index| single_line(index)).count();
        rows * 4 >= fewer.0.len() * 3 && lines * 4 >= fewer.1.len() * 3
    })
}

/// Moves each caption beside the nearest table or picture of the same column, if it is near one.
fn put_captions_beside(items: &[Item], order: &mut Vec<usize>) {
    /// Farthest distance in line heights.
    const FARTHEST: f32 = 4.0;
    let captions: Vec<usize> =
        order.iter().copied().filter(|index| items[*index].role == Role::Caption).collect();
    for caption in captions {
        let own = &items[caption];
        let distance = |index: usize| {
            let other = &items[index].bbox;
            (other.y0 - own.bbox.y1).max(own.bbox.y0 - other.y1).max(0.0)
        };
        let nearest = order
            .iter()
            .copied()
            .filter(|index| {
                let other = &items[*index];
                other.role == Role::Exhibit
                    && other.bbox.horizontal_overlap(&own.bbox) > 0.0
                    && distance(*index) <= FARTHEST * own.line_height
            })
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(by_place(&items[*a], &items[*b])));
        let Some(exhibit) = nearest else { continue };
        order.retain(|index| *index != caption);
        let Some(position) = order.iter().position(|index| *index == exhibit) else { continue };
        let above = own.bbox.center_y() < items[exhibit].bbox.center_y();
        order.insert(if above { position } else { position + 1 }, caption);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(x0: f32, y0: f32, x1: f32, y1: f32) -> Item {
        Item { bbox: BBox::new(x0, y0, x1, y1), role: Role::Body, line_height: 10.0 }
    }

    #[test]
    fn columns_are_read_to_their_end() {
        let items = [
            item(50.0, 40.0, 550.0, 60.0),   // title over both columns
            item(50.0, 80.0, 290.0, 200.0),  // left, first paragraph
            item(310.0, 80.0, 550.0, 200.0), // right, first paragraph, same extent
            item(50.0, 220.0, 290.0, 400.0),
            item(310.0, 220.0, 550.0, 300.0),
            item(50.0, 420.0, 550.0, 500.0), // full width below
        ];
        assert_eq!(reading_order(&items), [0, 1, 3, 2, 4, 5]);
    }

    #[test]
    fn a_column_that_ends_early_does_not_mix() {
        let items = [
            item(50.0, 80.0, 290.0, 200.0),
            item(310.0, 80.0, 550.0, 180.0),
            item(50.0, 215.0, 290.0, 400.0),
            item(50.0, 420.0, 290.0, 500.0),
        ];
        assert_eq!(reading_order(&items), [0, 2, 3, 1]);
    }

    #[test]
    fn labels_and_values_are_read_by_rows() {
        let items = [
            item(50.0, 80.0, 150.0, 90.0),
            item(200.0, 80.0, 300.0, 90.0),
            item(50.0, 100.0, 150.0, 110.0),
            item(200.0, 100.0, 300.0, 110.0),
        ];
        assert_eq!(reading_order(&items), [0, 1, 2, 3]);
    }

    #[test]
    fn headers_captions_and_footers_have_their_place() {
        let mut items = [
            item(50.0, 750.0, 550.0, 760.0),
            item(50.0, 100.0, 550.0, 200.0),  // picture
            item(310.0, 205.0, 550.0, 215.0), // its caption, at the right
            item(50.0, 205.0, 290.0, 400.0),
            item(50.0, 20.0, 550.0, 30.0),
        ];
        items[0].role = Role::Footer;
        items[1].role = Role::Exhibit;
        items[2].role = Role::Caption;
        items[4].role = Role::Header;
        assert_eq!(reading_order(&items), [4, 1, 2, 3, 0]);
    }

    proptest! {
        #[test]
        fn order_is_a_permutation_that_ignores_the_input_order(
            places in proptest::collection::vec((0u8..30, 0u8..40, 1u8..20, 1u8..10, 0u8..6), 0..30),
            seed in 0usize..1000,
        ) {
            let items: Vec<Item> = places.iter().map(|(x, y, width, height, role)| {
                let (x, y) = (f32::from(*x) * 20.0, f32::from(*y) * 20.0);
                let mut made = item(x, y, x + f32::from(*width) * 10.0, y + f32::from(*height) * 10.0);
                made.role = [Role::Header, Role::Body, Role::Caption, Role::Exhibit, Role::Footnote, Role::Footer][usize::from(*role)];
                made
            }).collect();
            let order = reading_order(&items);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..items.len()).collect::<Vec<_>>());

            let mut shuffled = items.clone();
            let count = shuffled.len().max(1);
            shuffled.rotate_left(seed % count);
            if count > 3 { shuffled.swap(1, seed % count); }
            let other = reading_order(&shuffled);
            let describe = |items: &[Item], order: &[usize]| order.iter().map(|index| format!("{:?}", items[*index])).collect::<Vec<_>>();
            prop_assert_eq!(describe(&items, &order), describe(&shuffled, &other));
        }
    }
}
