//! Pages with margins, running lines and a place to go on; and the truth about what was drawn on them.

use super::draw::{Ink, Pen};

/// What docproc should read at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// No figure with a value: a note number, a year, a mark.
    Nothing,
    /// Zero, or nothing.
    Nil,
    Figure(Wanted),
}

/// A figure as a reader takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Values after scale; more than one where readers may differ.
    pub values: Vec<f64>,
    /// What is printed, without sign.
    pub printed: f64,
    /// Kinds as docproc names them; the first is the plain one.
    pub kinds: &'static [&'static str],
    /// What is counted, where a word at the number says it.
    pub unit: Option<&'static str>,
    /// ISO 4217; none for what is no money.
    pub currency: Option<&'static str>,
    /// Periods that are right; empty where none is stated.
    pub periods: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Truth {
    pub ink: Ink,
    pub text: String,
    /// Row and column, or the sentence.
    pub label: String,
    pub want: Want,
    /// What is special about it; figures are counted by these.
    pub tags: Vec<&'static str>,
}

pub struct Paper {
    pub pen: Pen,
    pub left: f64,
    pub right: f64,
    pub y: f64,
    pub top: f64,
    pub bottom: f64,
    pub head: Option<String>,
    pub foot: Option<String>,
    pub truths: Vec<Truth>,
}

impl Paper {
    pub fn new(pen: Pen, head: Option<String>, foot: Option<String>) -> Self {
        let (left, right, bottom) = (54.0, pen.width - 54.0, pen.height - 60.0);
        let mut paper = Self { pen, left, right, y: 0.0, top: 72.0, bottom, head, foot, truths: Vec::new() };
        paper.run_lines();
        paper
    }

    fn run_lines(&mut self) {
        self.y = self.top;
        if let Some(head) = self.head.clone() {
            self.pen.text(self.left, 40.0, 8.0, false, &head);
        }
        let foot = self.pen.height - 34.0;
        if let Some(text) = self.foot.clone() {
            self.pen.text(self.left, foot, 8.0, false, &text);
        }
        let number = self.pen.page().to_string();
        let ink = self.pen.text(self.right - 12.0, foot, 8.0, false, &number);
        self.truth(ink, &number, "page number", Want::Nothing, vec!["page number"]);
    }

    pub fn new_page(&mut self) {
        self.pen.new_page();
        self.run_lines();
    }

    /// Goes on to the next page if there is less room than this.
    pub fn need(&mut self, height: f64) {
        if self.y + height > self.bottom {
            self.new_page();
        }
    }

    pub fn truth(&mut self, ink: Ink, text: &str, label: &str, want: Want, tags: Vec<&'static str>) {
        self.truths.push(Truth { ink, text: text.to_owned(), label: label.to_owned(), want, tags });
    }

    /// Text at the left margin, mostly a line.
    pub fn heading(&mut self, size: f64, bold: bool, text: &str) {
        self.y += size * 0.2;
        for line in self.wrap(text, size, self.right - self.left) {
            self.y += size * 1.3;
            self.pen.text(self.left, self.y, size, bold, &line);
        }
        self.y += size * 0.6;
    }

    /// Words of at most this width per line.
    pub fn wrap(&self, text: &str, size: f64, width: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            match lines.last_mut() {
                Some(line) if self.pen.measure(&format!("{line} {word}"), size) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}
