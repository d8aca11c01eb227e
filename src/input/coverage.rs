//! Which part of a page its images cover, together: a scan may come in tiles and strips.

use crate::document::BBox;

/// Cells along each side of the page.
const CELLS: usize = 256;
const STRIDE: usize = CELLS + 1;

/// The images of a page on a grid. The time that it takes to ask for a box does not depend on how many images there are.
pub(super) struct Coverage {
    page: BBox,
    /// Covered cells above and to the left of each corner of the grid.
    sums: Vec<u32>,
}

impl Coverage {
    /// A cell is covered where an image has its middle.
    pub(super) fn new(images: &[BBox], page: BBox) -> Self {
        let coverage = Self { page, sums: Vec::new() };
        // Images that begin less images that end, then added up along both sides.
        let mut begins = vec![0i32; STRIDE * STRIDE];
        for image in images {
            let (columns, rows) = coverage.cells(image);
            for (row, sign) in [(rows.0, 1), (rows.1, -1)] {
                begins[row * STRIDE + columns.0] += sign;
                begins[row * STRIDE + columns.1] -= sign;
            }
        }
        let mut sums = vec![0u32; STRIDE * STRIDE];
        for row in 0..CELLS {
            let (mut images_here, mut covered) = (0, 0);
            for column in 0..CELLS {
                let at = row * STRIDE + column;
                let above = if row > 0 { begins[at - STRIDE] } else { 0 };
                begins[at] += above;
                images_here += begins[at];
                covered += u32::from(images_here > 0);
                sums[at + STRIDE + 1] = sums[at + 1] + covered;
            }
        }
        Self { page, sums }
    }

    /// Boxes around the images that touch one another: tiles and strips are one picture. In the order of the first of
    /// each.
    pub(super) fn regions(&self, images: &[BBox]) -> Vec<BBox> {
        let covered = |row: usize, column: usize| {
            let sum = |row: usize, column: usize| self.sums[row * STRIDE + column];
            sum(row + 1, column + 1) + sum(row, column) > sum(row, column + 1) + sum(row + 1, column)
        };
        const NONE: u32 = u32::MAX;
        let mut regions: Vec<BBox> = Vec::new();
        // Cells of each region that was met, by its index.
        let mut of_cell = vec![NONE; CELLS * CELLS];
        let mut open = Vec::new();
        for image in images {
            let (columns, rows) = self.cells(image);
            let (column, row) = (columns.0.min(CELLS - 1), rows.0.min(CELLS - 1));
            if columns.0 >= columns.1 || rows.0 >= rows.1 {
                continue;
            }
            let start = row * CELLS + column;
            if of_cell[start] == NONE {
                let region = regions.len() as u32;
                regions.push(*image);
                of_cell[start] = region;
                open.push((row, column));
                while let Some((row, column)) = open.pop() {
                    let near = |at: usize| at.saturating_sub(1)..=(at + 1).min(CELLS - 1);
                    for next in near(row).flat_map(|row| near(column).map(move |column| (row, column))) {
                        let cell = &mut of_cell[next.0 * CELLS + next.1];
                        if *cell == NONE && covered(next.0, next.1) {
                            *cell = region;
                            open.push(next);
                        }
                    }
                }
            }
            let region = &mut regions[of_cell[start] as usize];
            *region = region.union(image);
        }
        regions
    }

    /// Columns and rows of the cells that have their middle in a box: the first, and the one behind the last.
    fn cells(&self, bbox: &BBox) -> ((usize, usize), (usize, usize)) {
        let range = |low: f32, high: f32, start: f32, length: f32| {
            let scale = CELLS as f32 / length.max(f32::MIN_POSITIVE);
            let cell = |at: f32| ((at - start) * scale - 0.5).clamp(-1.0, CELLS as f32);
            let first = cell(low).ceil().max(0.0) as usize;
            (first, ((cell(high).floor() + 1.0) as usize).clamp(first, CELLS))
        };
        let Self { page, .. } = self;
        (range(bbox.x0, bbox.x1, page.x0, page.width()), range(bbox.y0, bbox.y1, page.y0, page.height()))
    }

    /// Share of a box that images cover, 0 to 1; of a box smaller than a cell, whether they cover that cell.
    pub(super) fn share(&self, bbox: &BBox) -> f32 {
        let at_least_one = |(first, end): (usize, usize)| {
            if first < end { (first, end) } else { (first.min(CELLS - 1), first.min(CELLS - 1) + 1) }
        };
        let (columns, rows) = self.cells(bbox);
        let (columns, rows) = (at_least_one(columns), at_least_one(rows));
        let sum = |row: usize, column: usize| u64::from(self.sums[row * STRIDE + column]);
        let covered =
            sum(rows.1, columns.1) + sum(rows.0, columns.0) - sum(rows.0, columns.1) - sum(rows.1, columns.0);
        covered as f32 / ((columns.1 - columns.0) * (rows.1 - rows.0)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(images: &[[f32; 4]], bbox: [f32; 4]) -> f32 {
        let bbox_of = |[x0, y0, x1, y1]: [f32; 4]| BBox::new(x0, y0, x1, y1);
        let images: Vec<_> = images.iter().copied().map(bbox_of).collect();
        Coverage::new(&images, bbox_of([0.0, 0.0, 512.0, 512.0])).share(&bbox_of(bbox))
    }

    #[test]
    fn tiles_add_up_and_overlaps_count_once() {
        let tiles = [[0.0, 0.0, 512.0, 128.0], [0.0, 128.0, 512.0, 256.0], [0.0, 64.0, 512.0, 192.0]];
        assert!((share(&tiles, [0.0, 0.0, 512.0, 512.0]) - 0.5).abs() < 1e-6);
        assert!((share(&tiles, [100.0, 100.0, 200.0, 140.0]) - 1.0).abs() < 1e-6);
        assert!((share(&tiles, [100.0, 246.0, 200.0, 266.0]) - 0.5).abs() < 1e-6);
        assert!(share(&tiles, [100.0, 300.0, 200.0, 310.0]) == 0.0);
        assert!(share(&[], [0.0, 0.0, 512.0, 512.0]) == 0.0);
    }

    #[test]
    fn images_that_touch_are_one_region() {
        let page = BBox::new(0.0, 0.0, 512.0, 512.0);
        let images = [
            BBox::new(0.0, 0.0, 100.0, 50.0),
            BBox::new(300.0, 300.0, 400.0, 400.0),
            BBox::new(0.0, 50.0, 100.0, 90.0),
            BBox::new(310.0, 310.0, 311.0, 310.5),
        ];
        let regions = Coverage::new(&images, page).regions(&images);
        assert_eq!(regions, [BBox::new(0.0, 0.0, 100.0, 90.0), images[1]]);
    }

    #[test]
    fn boxes_smaller_than_a_cell_and_outside_the_page_have_an_answer() {
        let image = [[0.0, 0.0, 256.0, 512.0]];
        assert!(share(&image, [10.1, 10.1, 10.2, 10.2]) == 1.0);
        assert!(share(&image, [400.1, 10.1, 400.1, 10.1]) == 0.0);
        assert!(share(&image, [900.0, 10.0, 950.0, 20.0]) == 0.0);
    }
}
