//! Ruling lines and image boxes from the page's objects, those inside form XObjects included.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{c_int, c_ulong};

use pdfium_render::prelude::{FPDF_PAGEOBJECT, FS_MATRIX};

use super::geometry::{Frame, Matrix};
use super::{Bindings, LoadedPage};
use crate::document::{BBox, Ruling};
use crate::input::segment::{MAX_IMAGES, MAX_RULINGS};

/// Thickest line that is a ruling, in points.
const MAX_THICKNESS: f32 = 3.0;
/// Shortest line that is a ruling, in points.
const MIN_LENGTH: f32 = 4.0;
/// Largest deviation of a straight line from its axis, in points.
const STRAIGHT: f32 = 0.5;
/// Objects looked at: beyond this a page is a drawing.
const MAX_OBJECTS: usize = 200_000;
/// Segments of one path looked at.
const MAX_SEGMENTS: c_int = 2_000;
/// Opaque areas kept; each is looked at for every word.
const MAX_COVERS: usize = 500;
/// Shapes and areas kept.
const MAX_SHAPES: usize = 20_000;
/// Nesting of form XObjects that is followed.
const MAX_DEPTH: usize = 12;

/// What is drawn besides text.
#[derive(Default)]
pub(super) struct Graphics {
    pub(super) rulings: Vec<Ruling>,
    pub(super) images: Vec<BBox>,
    /// What is drawn with curves and slanting lines: the parts of charts and drawings.
    pub(super) shapes: Vec<BBox>,
    /// Filled rectangles.
    pub(super) areas: Vec<BBox>,
    /// Place of every text object in the order of painting.
    pub(super) text_order: HashMap<FPDF_PAGEOBJECT, usize>,
    /// What may hide the text that was painted before it.
    pub(super) covers: Vec<Cover>,
}

/// An opaque image or area with its place in the order of painting.
pub(super) struct Cover {
    pub(super) order: usize,
    pub(super) bbox: BBox,
}

/// Walks the page's objects.
pub(super) fn collect(library: &Bindings, page: &LoadedPage<'_>) -> Graphics {
    let mut walk =
        Walk { library, frame: page.frame, graphics: Graphics::default(), objects: 0, points: Vec::new() };
    // SAFETY: the page is open.
    let count = unsafe { library.FPDFPage_CountObjects(page.handle) };
    for index in 0..count.max(0) {
        // SAFETY: the index is one of the page's objects.
        let object = unsafe { library.FPDFPage_GetObject(page.handle, index) };
        walk.visit(object, Matrix::IDENTITY, 0);
    }
    walk.graphics
}

struct Walk<'a> {
    library: &'a Bindings,
    frame: Frame,
    graphics: Graphics,
    objects: usize,
    points: Vec<(f32, f32)>,
}

impl Walk<'_> {
    fn visit(&mut self, object: FPDF_PAGEOBJECT, outer: Matrix, depth: usize) {
        const TEXT: c_int = 1;
        const PATH: c_int = 2;
        const IMAGE: c_int = 3;
        const FORM: c_int = 5;
        self.objects += 1;
        if object.is_null() || self.objects > MAX_OBJECTS {
            return;
        }
        // SAFETY: the object belongs to the open page.
        let kind = unsafe { self.library.FPDFPageObj_GetType(object) };
        if kind == TEXT {
            self.graphics.text_order.insert(object, self.objects);
        }
        if !matches!(kind, PATH | IMAGE | FORM) {
            return;
        }
        let mut m = FS_MATRIX { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };
        // SAFETY: the object belongs to the open page, `m` is valid for writing.
        unsafe { self.library.FPDFPageObj_GetMatrix(object, &raw mut m) };
        let matrix = Matrix { a: m.a, b: m.b, c: m.c, d: m.d, e: m.e, f: m.f }.then(&outer);
        match kind {
            PATH => self.path(object, &matrix),
            IMAGE => self.image(object, &matrix),
            _ if depth < MAX_DEPTH => {
                // SAFETY: the form belongs to the open page.
                let count = unsafe { self.library.FPDFFormObj_CountObjects(object) };
                for index in 0..count.max(0) {
                    // SAFETY: the index is one of the form's objects.
                    let inner = unsafe { self.library.FPDFFormObj_GetObject(object, index as c_ulong) };
                    self.visit(inner, matrix, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Images fill the unit square of their coordinate system (PDF 32000-1, 8.9.5).
    fn image(&mut self, image: FPDF_PAGEOBJECT, matrix: &Matrix) {
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(x, y)| self.place(matrix, x, y));
        let visible = around(&corners).intersection(&self.frame.page_box());
        let Some(bbox) = visible else { return };
        if self.graphics.images.len() < MAX_IMAGES {
            self.graphics.images.push(bbox);
        }
        // SAFETY: the image belongs to the open page.
        if unsafe { self.library.FPDFPageObj_HasTransparency(image) } == 0 {
            self.cover(bbox);
        }
    }

    fn cover(&mut self, bbox: BBox) {
        if self.graphics.covers.len() < MAX_COVERS {
            self.graphics.covers.push(Cover { order: self.objects, bbox });
        }
    }

    fn place(&self, matrix: &Matrix, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = matrix.apply(x, y);
        self.frame.point(x, y)
    }

    fn path(&mut self, path: FPDF_PAGEOBJECT, matrix: &Matrix) {
        const LINE: c_int = 0;
        const MOVE: c_int = 2;
        let library = self.library;
        let (mut fill_mode, mut stroke, mut width) = (0, 0, 0.0);
        let (mut r, mut g, mut b) = (0, 0, 0);
        let (mut fill_alpha, mut stroke_alpha) = (255, 255);
        // SAFETY: the path belongs to the open page, all pointers are valid for writing.
        let count = unsafe {
            library.FPDFPath_GetDrawMode(path, &raw mut fill_mode, &raw mut stroke);
            library.FPDFPageObj_GetStrokeWidth(path, &raw mut width);
            library.FPDFPageObj_GetFillColor(path, &raw mut r, &raw mut g, &raw mut b, &raw mut fill_alpha);
            library.FPDFPageObj_GetStrokeColor(
                path,
                &raw mut r,
                &raw mut g,
                &raw mut b,
                &raw mut stroke_alpha,
            );
            library.FPDFPath_CountSegments(path)
        };
        let filled = fill_mode != 0 && fill_alpha > 0;
        let stroked = (stroke != 0 && stroke_alpha > 0).then(|| width.max(0.0) * matrix.scale());
        if count > MAX_SEGMENTS || !(filled || stroked.is_some()) {
            return;
        }
        let mut subpath = std::mem::take(&mut self.points);
        subpath.clear();
        let mut curved = false;
        for index in 0..count {
            let (mut x, mut y) = (0.0, 0.0);
            // SAFETY: the index is one of the path's segments, the pointers are valid for writing.
            let (kind, closes) = unsafe {
                let segment = library.FPDFPath_GetPathSegment(path, index);
                library.FPDFPathSegment_GetPoint(segment, &raw mut x, &raw mut y);
                (library.FPDFPathSegment_GetType(segment), library.FPDFPathSegment_GetClose(segment) != 0)
            };
            if kind == MOVE {
                self.subpath(&subpath, curved, (filled, fill_alpha == 255), stroked);
                subpath.clear();
                curved = false;
            }
            curved |= kind != LINE && kind != MOVE;
            subpath.push(self.place(matrix, x, y));
            if closes && let Some(first) = subpath.first().copied() {
                subpath.push(first);
            }
        }
        self.subpath(&subpath, curved, (filled, fill_alpha == 255), stroked);
        self.points = subpath;
    }

    fn subpath(
        &mut self,
        points: &[(f32, f32)],
        curved: bool,
        (filled, opaque): (bool, bool),
        stroked: Option<f32>,
    ) {
        if points.len() < 2 {
            return;
        }
        if curved || !is_straight(points) {
            let visible = around(points).intersection(&self.frame.page_box());
            self.graphics.shapes.extend(visible.filter(|_| self.graphics.shapes.len() < MAX_SHAPES));
        }
        if curved {
            return;
        }
        if filled && is_rectangle(points) {
            let bbox = around(points);
            if bbox.width().min(bbox.height()) <= MAX_THICKNESS {
                self.ruling(bbox);
                return;
            }
            if let Some(bbox) = bbox.intersection(&self.frame.page_box()) {
                if self.graphics.areas.len() < MAX_SHAPES {
                    self.graphics.areas.push(bbox);
                }
                if opaque {
                    self.cover(bbox);
                }
            }
        }
        let Some(thickness) = stroked.filter(|thickness| *thickness <= MAX_THICKNESS) else { return };
        for pair in points.windows(2) {
            let line = around(pair);
            if line.width().min(line.height()) <= STRAIGHT {
                let half = thickness / 2.0;
                let (dx, dy) = if line.width() >= line.height() { (0.0, half) } else { (half, 0.0) };
                self.ruling(BBox::new(line.x0 - dx, line.y0 - dy, line.x1 + dx, line.y1 + dy));
            }
        }
    }

    fn ruling(&mut self, bbox: BBox) {
        let horizontal = bbox.width() >= bbox.height();
        let long_enough = bbox.width().max(bbox.height()) >= MIN_LENGTH;
        let visible = bbox.intersection(&self.frame.page_box());
        if let Some(bbox) = visible.filter(|_| long_enough && self.graphics.rulings.len() < MAX_RULINGS) {
            self.graphics.rulings.push(Ruling { bbox, horizontal });
        }
    }
}

fn around(points: &[(f32, f32)]) -> BBox {
    let mut all = points.iter().map(|(x, y)| BBox::new(*x, *y, *x, *y));
    let first = all.next().unwrap_or(BBox::new(0.0, 0.0, 0.0, 0.0));
    all.fold(first, |all, point| all.union(&point))
}

/// Whether every edge runs along an axis.
fn is_straight(points: &[(f32, f32)]) -> bool {
    points.windows(2).all(|pair| {
        let edge = around(pair);
        edge.width().min(edge.height()) <= STRAIGHT
    })
}

/// Whether every edge runs along an axis and there are no more than a rectangle has.
fn is_rectangle(points: &[(f32, f32)]) -> bool {
    points.len() <= 6 && is_straight(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_told_from_other_shapes() {
        assert!(is_rectangle(&[(0.0, 0.0), (9.0, 0.0), (9.0, 1.0), (0.0, 1.0), (0.0, 0.0)]));
        assert!(!is_rectangle(&[(0.0, 0.0), (9.0, 5.0), (9.0, 9.0), (0.0, 0.0)]));
    }
}
