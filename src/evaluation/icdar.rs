//! Reader of the ICDAR 2013 annotation: `*-reg.xml` (regions) and `*-str.xml` (cells).

use thiserror::Error;

use crate::document::{BBox, Page};

/// An annotated cell, or a found one in the same form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthCell {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Rows covered.
    pub row_span: usize,
    /// Columns covered.
    pub column_span: usize,
    /// Content.
    pub text: String,
}

/// An annotated table region with its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthRegion {
    /// Page number, counted from 1.
    pub page: u32,
    /// Left, bottom, right, top in points from the bottom left corner of the page, as annotated.
    pub corners: [f32; 4],
    /// Cells.
    pub cells: Vec<TruthCell>,
    /// Corners of the cells whose box is annotated, with the cells' contents.
    pub boxes: Vec<([f32; 4], String)>,
}

/// Words that must agree on where the annotation lies before it is moved.
const WITNESSES: usize = 3;

impl TruthRegion {
    /// The region in the page's reading coordinates, widened by two points because annotators drew close to the text.
    ///
    /// The annotation does not say whether it counts from the media box or from the crop box, before or after the
    /// page's rotation. Annotated cells that hold one word, which the region's page has once, settle it.
    #[must_use]
    pub fn on_page(&self, page: &Page) -> BBox {
        let place = |corners: &[f32; 4], turned: bool| {
            let [left, bottom, right, top] = *corners;
            match page.rotation {
                90 if turned => BBox::new(bottom, left, top, right),
                180 if turned => BBox::new(page.width - right, bottom, page.width - left, top),
                270 if turned => {
                    BBox::new(page.width - top, page.height - right, page.width - bottom, page.height - left)
                }
                _ => BBox::new(left, page.height - top, right, page.height - bottom),
            }
        };
        let moved = |turned: bool| -> Option<(f32, f32, f32)> {
            let (mut dx, mut dy): (Vec<f32>, Vec<f32>) = self
                .boxes
                .iter()
                .filter_map(|(corners, text)| {
                    let mut same = page.words.iter().filter(|word| word.text == *text);
                    let word = same.next().filter(|_| same.next().is_none())?;
                    let annotated: BBox = place(corners, turned);
                    let (a, b) = (&annotated, &word.bbox);
                    Some((b.center_x() - a.center_x(), b.center_y() - a.center_y()))
                })
                .unzip();
            if dx.len() < WITNESSES {
                return None;
            }
            let middle = |of: &mut [f32]| *of.select_nth_unstable_by(of.len() / 2, f32::total_cmp).1;
            let (x, y) = (middle(&mut dx), middle(&mut dy));
            let spread: f32 = dx.iter().map(|d| (d - x).abs()).chain(dy.iter().map(|d| (d - y).abs())).sum();
            Some((x, y, spread / dx.len() as f32))
        };
        let turned = page.rotation != 0
            && match (moved(false), moved(true)) {
                (Some(plain), Some(turned)) => turned.2 < plain.2,
                _ => false,
            };
        let bbox: BBox = place(&self.corners, turned);
        // Small distances are the annotators' way of drawing boxes; large ones that agree are another origin.
        let (dx, dy) = match moved(turned) {
            Some((x, y, spread)) if x.hypot(y) > 6.0 && spread < 6.0 => (x, y),
            _ => (0.0, 0.0),
        };
        BBox::new(bbox.x0 + dx - 2.0, bbox.y0 + dy - 2.0, bbox.x1 + dx + 2.0, bbox.y1 + dy + 2.0)
    }
}

/// Why an annotation cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TruthError {
    /// A tag lacks an attribute that must be a whole number.
    #[error("tag <{tag}> has no whole number in attribute {attribute}")]
    Attribute {
        /// Tag name.
        tag: String,
        /// Attribute name.
        attribute: &'static str,
    },
    /// The two files name different numbers of regions.
    #[error("{regions} regions in the region file, {structures} in the structure file")]
    Regions {
        /// Regions in `*-reg.xml`.
        regions: usize,
        /// Regions in `*-str.xml`.
        structures: usize,
    },
    /// A cell spans more rows or columns than any table has.
    #[error("a cell spans from {from} to {to}")]
    Span {
        /// First row or column.
        from: i64,
        /// Last row or column.
        to: i64,
    },
}

/// Largest row or column number that is believed.
const LARGEST_INDEX: i64 = 10_000;
/// Some tables of the annotation count from -1.
const FIRST_INDEX: i64 = -1;

/// Reads the regions of one document from the texts of its two annotation files.
///
/// # Errors
/// If an attribute is missing or the files do not belong together.
pub fn parse_annotation(regions: &str, structures: &str) -> Result<Vec<TruthRegion>, TruthError> {
    let mut found: Vec<TruthRegion> = Vec::new();
    let mut page = 0;
    for tag in tags(regions) {
        match tag.name {
            "region" => page = tag.number("page")?,
            "bounding-box" => {
                found.push(TruthRegion {
                    page: page as u32,
                    corners: tag.corners()?,
                    cells: Vec::new(),
                    boxes: Vec::new(),
                });
            }
            _ => {}
        }
    }
    let mut region = 0;
    let mut corners = None;
    for tag in tags(structures) {
        match tag.name {
            "region" => region += 1,
            "bounding-box" => corners = tag.corners().ok(),
            "cell" => {
                let (row, column) = (tag.number("start-row")?, tag.number("start-col")?);
                let (last_row, last_column) = (
                    tag.optional_number("end-row").unwrap_or(row),
                    tag.optional_number("end-col").unwrap_or(column),
                );
                let (row, row_span) = range(row, last_row)?;
                let (column, column_span) = range(column, last_column)?;
                if let Some(cells) = current(&mut found, region).map(|region| &mut region.cells) {
                    cells.push(TruthCell { row, column, row_span, column_span, text: String::new() });
                }
            }
            "content" => {
                let Some(region) = current(&mut found, region) else { continue };
                if let Some(cell) = region.cells.last_mut() {
                    cell.text = decoded(tag.text);
                    region.boxes.extend(corners.take().map(|corners| (corners, cell.text.trim().to_owned())));
                }
            }
            _ => {}
        }
    }
    if region != found.len() {
        return Err(TruthError::Regions { regions: found.len(), structures: region });
    }
    Ok(found)
}

/// First index counted from [`FIRST_INDEX`], and the number of indices.
fn range(from: i64, to: i64) -> Result<(usize, usize), TruthError> {
    if from < FIRST_INDEX || to < from || to > LARGEST_INDEX {
        return Err(TruthError::Span { from, to });
    }
    let whole = |number: i64| usize::try_from(number).map_err(|_| TruthError::Span { from, to });
    Ok((whole(from - FIRST_INDEX)?, whole(to - from + 1)?))
}

/// The region with this number, counted from 1.
fn current(found: &mut [TruthRegion], number: usize) -> Option<&mut TruthRegion> {
    found.get_mut(number.checked_sub(1)?)
}

/// An opening tag and the text up to the next tag.
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    text: &'a str,
}

impl Tag<'_> {
    fn optional_number(&self, attribute: &str) -> Option<i64> {
        let mut rest = self.attributes;
        while let Some(at) = rest.find(attribute) {
            let before_is_space = rest[..at].chars().next_back().is_none_or(char::is_whitespace);
            let after = rest[at + attribute.len()..].trim_start();
            if before_is_space && let Some(value) = after.strip_prefix('=').map(str::trim_start) {
                let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
                return value[1..].split(quote).next()?.trim().parse().ok();
            }
            rest = &rest[at + attribute.len()..];
        }
        None
    }

    fn corners(&self) -> Result<[f32; 4], TruthError> {
        let corner = |name| self.number(name).map(|value| value as f32);
        Ok([corner("x1")?, corner("y1")?, corner("x2")?, corner("y2")?])
    }

    fn number(&self, attribute: &'static str) -> Result<i64, TruthError> {
        self.optional_number(attribute)
            .ok_or_else(|| TruthError::Attribute { tag: self.name.to_owned(), attribute })
    }
}

/// Opening tags in order; enough XML for files without comments, CDATA and `>` in attributes, as these are.
fn tags(xml: &str) -> impl Iterator<Item = Tag<'_>> {
    xml.split('<').skip(1).filter_map(|part| {
        let (inside, text) = part.split_once('>')?;
        if inside.starts_with(['/', '?', '!']) {
            return None;
        }
        let inside = inside.trim_end_matches('/');
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        Some(Tag { name, attributes, text })
    })
}

fn decoded(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::testing::{page_of, word};

    const REGIONS: &str = "<document><table id='1'><region id='1' page='2'><instruction instr-id='3'/>\
        <bounding-box x1='10' y1='20' x2='110' y2='220'/></region></table></document>";

    #[test]
    fn reads_regions_cells_and_entities() {
        let structure = "<region page='2'><cell id='1' start-row='0' start-col='1' end-col='3'>\
            <bounding-box x1='1' y1='2' x2='3' y2='4'/><content>R&amp;D\n cost</content></cell></region>";
        let regions = parse_annotation(REGIONS, structure).unwrap();
        assert_eq!(regions[0].page, 2);
        assert_eq!(regions[0].corners, [10.0, 20.0, 110.0, 220.0]);
        let cell = &regions[0].cells[0];
        assert_eq!((cell.column_span, cell.text.as_str()), (3, "R&D\n cost"));
    }

    #[test]
    fn a_region_annotated_from_another_origin_is_moved_to_its_words() {
        let texts = ["1.5", "2.5", "3.5", "4.5"];
        let corner = |index: usize| [10.0, 100.0 * index as f32, 30.0, 100.0 * index as f32 + 10.0];
        let region = TruthRegion {
            page: 1,
            corners: [0.0, 0.0, 100.0, 400.0],
            cells: Vec::new(),
            boxes: (0..4).map(|index| (corner(index), texts[index].to_owned())).collect(),
        };
        // A page of 600 points whose crop box has its corner at (20, 50).
        let page = |(x, y): (f32, f32)| {
            let words = (0..4).map(|index| {
                let [left, _, right, top] = corner(index);
                word(texts[index], left - x, 600.0 - top + y, right - x, 10.0)
            });
            Page { height: 600.0, ..page_of(words.collect()) }
        };
        assert_eq!(region.on_page(&page((0.0, 0.0))), BBox::new(-2.0, 198.0, 102.0, 602.0));
        assert_eq!(region.on_page(&page((20.0, 50.0))), BBox::new(-22.0, 248.0, 82.0, 652.0));
        let too_few = TruthRegion { boxes: region.boxes[..2].to_vec(), ..region };
        assert_eq!(too_few.on_page(&page((20.0, 50.0))), BBox::new(-2.0, 198.0, 102.0, 602.0));
    }

    #[test]
    fn refuses_files_that_do_not_fit() {
        assert_eq!(parse_annotation(REGIONS, ""), Err(TruthError::Regions { regions: 1, structures: 0 }));
        let backwards = "<region><cell start-row='3' start-col='0' end-row='1'></cell></region>";
        assert_eq!(parse_annotation(REGIONS, backwards), Err(TruthError::Span { from: 3, to: 1 }));
        let no_column = "<region><cell start-row='3'></cell></region>";
        assert!(matches!(parse_annotation(REGIONS, no_column), Err(TruthError::Attribute { .. })));
        let outside = "<cell start-row='0' start-col='0'>";
        assert_eq!(
            parse_annotation(REGIONS, outside),
            Err(TruthError::Regions { regions: 1, structures: 0 })
        );
    }
}
