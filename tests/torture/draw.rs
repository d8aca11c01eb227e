//! Draws pages of text and lines. Three of the standard fonts, so that nothing is embedded: codes from 128 on are given
//! to the characters that a document needs, each with a glyph name and its Unicode value.

use std::fmt::Write as _;

use super::pdf::Pdf;

/// Widths of the characters from space to tilde in thousandths of the size (Adobe's font metrics).
const SANS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const SERIF: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500,
    500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333,
    389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469,
    500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389,
    278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];

/// Glyph names that are not `uni` and four digits. Full-width digits are drawn with the narrow ones.
const GLYPHS: [(char, &str); 24] = [
    ('−', "minus"),
    ('–', "endash"),
    ('—', "emdash"),
    ('€', "Euro"),
    ('£', "sterling"),
    ('¥', "yen"),
    ('·', "periodcentered"),
    ('’', "quoteright"),
    ('‘', "quoteleft"),
    ('†', "dagger"),
    ('\u{a0}', "space"),
    ('\u{2009}', "space"),
    ('\u{202f}', "space"),
    ('\u{2007}', "space"),
    ('\u{ad}', "hyphen"),
    ('\u{2d7}', "hyphen"),
    ('¹', "onesuperior"),
    ('²', "twosuperior"),
    ('³', "threesuperior"),
    ('½', "onehalf"),
    ('¼', "onequarter"),
    ('¾', "threequarters"),
    ('⅝', "fiveeighths"),
    ('⁻', "minus"),
];

/// Where something was drawn: page from 1; x0, y0, x1, y1 in points from the top left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    pub page: u32,
    pub bbox: [f64; 4],
}

/// A document that is being drawn.
pub struct Pen {
    pub width: f64,
    pub height: f64,
    serif: bool,
    pages: Vec<String>,
    /// The characters with codes from 128 on.
    others: Vec<char>,
}

impl Pen {
    pub fn new(width: f64, height: f64, serif: bool) -> Self {
        Self { width, height, serif, pages: vec![String::new()], others: Vec::new() }
    }

    pub fn page(&self) -> u32 {
        self.pages.len() as u32
    }

    pub fn new_page(&mut self) {
        self.pages.push(String::new());
    }

    pub fn measure(&self, text: &str, size: f64) -> f64 {
        text.chars().map(|c| f64::from(self.advance(c))).sum::<f64>() * size / 1000.0
    }

    fn advance(&self, c: char) -> u16 {
        let widths = if self.serif { &SERIF } else { &SANS };
        match c {
            ' '..='~' => widths[c as usize - 32],
            '\u{a0}' => widths[0],
            '\u{2009}' | '\u{202f}' => 200,
            '—' => 1000,
            '€' => 600,
            '½' | '¼' | '¾' | '⅝' | '０'..='９' => 834,
            '⁰'..='ⁿ' | '¹' | '²' | '³' | '’' | '‘' | '\u{ad}' | '·' => 333,
            _ => widths[16],
        }
    }

    /// Draws on the last page with the baseline at `y`.
    pub fn text(&mut self, x: f64, y: f64, size: f64, bold: bool, text: &str) -> Ink {
        let page = self.pages.len();
        self.text_on(page, x, y, size, bold, text)
    }

    pub fn text_on(&mut self, page: usize, x: f64, y: f64, size: f64, bold: bool, text: &str) -> Ink {
        let width = self.measure(text, size);
        self.show(page, [1.0, 0.0, 0.0, 1.0, x, self.height - y], size, bold, text);
        Ink { page: page as u32, bbox: [x, y - 0.72 * size, x + width, y + 0.2 * size] }
    }

    /// Draws upwards, beginning at this point.
    pub fn text_upwards(&mut self, x: f64, y: f64, size: f64, text: &str) {
        let page = self.pages.len();
        self.show(page, [0.0, 1.0, -1.0, 0.0, x, self.height - y], size, false, text);
    }

    fn show(&mut self, page: usize, matrix: [f64; 6], size: f64, bold: bool, text: &str) {
        let [a, b, c, d, e, f] = matrix;
        let name = if bold { "B" } else { "R" };
        let mut content = format!("BT {a} {b} {c} {d} {e:.2} {f:.2} Tm /{name} {size:.2} Tf");
        // Triangles are in another font.
        let is_mark = |c: char| matches!(c, '△' | '▲' | '▼');
        let characters: Vec<char> = text.chars().collect();
        for run in characters.chunk_by(|a, b| is_mark(*a) == is_mark(*b)) {
            if is_mark(run[0]) {
                let codes: String = run
                    .iter()
                    .map(|c| match c {
                        '△' => "75",
                        '▼' => "74",
                        _ => "73",
                    })
                    .collect();
                write!(content, " /Z {size:.2} Tf <{codes}> Tj /{name} {size:.2} Tf").unwrap();
            } else {
                let codes: String = run.iter().map(|c| format!("{:02x}", self.code(*c))).collect();
                write!(content, " <{codes}> Tj").unwrap();
            }
        }
        content += " ET\n";
        self.pages[page - 1] += &content;
    }

    fn code(&mut self, c: char) -> u8 {
        if c.is_ascii() {
            return c as u8;
        }
        let at = self.others.iter().position(|other| *other == c).unwrap_or_else(|| {
            self.others.push(c);
            self.others.len() - 1
        });
        u8::try_from(128 + at).expect("at most 128 characters besides ASCII")
    }

    pub fn line(&mut self, x0: f64, y0: f64, x1: f64, y1: f64) {
        let page = self.pages.len() - 1;
        let (from, to) = (self.height - y0, self.height - y1);
        writeln!(self.pages[page], "0.5 w {x0:.2} {from:.2} m {x1:.2} {to:.2} l S").unwrap();
    }

    pub fn finish(self) -> Vec<u8> {
        let mut pdf = Pdf::default();
        let glyph = |c: &char| {
            let known = GLYPHS.iter().find(|(character, _)| character == c);
            match c {
                '０'..='９' => {
                    const DIGITS: [&str; 10] =
                        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
                    DIGITS[*c as usize - '０' as usize].to_owned()
                }
                _ => known.map_or_else(|| format!("uni{:04X}", *c as u32), |(_, name)| (*name).to_owned()),
            }
        };
        let names: Vec<String> = self.others.iter().map(|c| format!("/{}", glyph(c))).collect();
        let mapped: Vec<(u8, char)> = (128u8..).zip(self.others.iter().copied()).collect();
        let unicode = to_unicode(&mut pdf, &mapped);
        let widths: Vec<String> = (32u8..127)
            .map(char::from)
            .chain(std::iter::once(' '))
            .chain(self.others.iter().copied())
            .map(|c| self.advance(c).to_string())
            .collect();
        let fonts = if self.serif { ["Times-Roman", "Times-Bold"] } else { ["Helvetica", "Helvetica-Bold"] };
        let [regular, bold] = fonts.map(|font| {
            pdf.add(format!(
                "<< /Type /Font /Subtype /Type1 /BaseFont /{font} /FirstChar 32 /LastChar {} /Widths [{}] \
                 /ToUnicode {unicode} 0 R \
                 /Encoding << /BaseEncoding /WinAnsiEncoding /Differences [128 {}] >> >>",
                31 + widths.len(),
                widths.join(" "),
                names.join(" ")
            ))
        });
        let triangles = to_unicode(&mut pdf, &[(0x73, '▲'), (0x74, '▼'), (0x75, '△')]);
        let dingbats = pdf.add(format!(
            "<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats /ToUnicode {triangles} 0 R \
             /Encoding << /Differences [115 /a76 /a77 /a76] >> /FirstChar 115 /LastChar 117 /Widths [{0} {0} {0}] >>",
            self.advance('▲')
        ));
        let parent = pdf.next() + 2 * self.pages.len();
        let kids: Vec<String> = self
            .pages
            .iter()
            .map(|content| {
                let stream = pdf.stream("", content.as_bytes());
                let page = pdf.add(format!(
                    "<< /Type /Page /Parent {parent} 0 R /MediaBox [0 0 {} {}] /Contents {stream} 0 R /Resources \
                     << /Font << /R {regular} 0 R /B {bold} 0 R /Z {dingbats} 0 R >> >> >>",
                    self.width, self.height
                ));
                format!("{page} 0 R")
            })
            .collect();
        let pages = pdf.add(format!("<< /Type /Pages /Count {} /Kids [{}] >>", kids.len(), kids.join(" ")));
        assert_eq!(pages, parent);
        let root = pdf.add(format!("<< /Type /Catalog /Pages {parent} 0 R >>"));
        pdf.finish(root)
    }
}

fn to_unicode(pdf: &mut Pdf, codes: &[(u8, char)]) -> usize {
    let mut map =
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def \
                   1 begincodespacerange <00> <FF> endcodespacerange\n"
            .to_owned();
    let ascii = (32u8..127).map(|code| (code, char::from(code)));
    let all: Vec<(u8, char)> = ascii
        .filter(|(code, _)| codes.iter().all(|(other, _)| other != code))
        .chain(codes.iter().copied())
        .collect();
    for part in all.chunks(100) {
        writeln!(map, "{} beginbfchar", part.len()).unwrap();
        for (code, c) in part {
            writeln!(map, "<{code:02X}> <{:04X}>", *c as u32).unwrap();
        }
        map += "endbfchar\n";
    }
    map += "endcmap end end";
    pdf.stream("", map.as_bytes())
}
