//! Writes PDFs that are well-formed except where a bomb wants them not to be.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Objects by number, from 1.
#[derive(Default)]
pub struct Pdf {
    objects: Vec<Vec<u8>>,
}

impl Pdf {
    /// The number of the next object.
    pub fn next(&self) -> usize {
        self.objects.len() + 1
    }

    /// Adds an object and gives its number.
    pub fn add(&mut self, object: impl Into<Vec<u8>>) -> usize {
        self.objects.push(object.into());
        self.objects.len()
    }

    /// Puts another object in the place of this number.
    pub fn replace(&mut self, number: usize, object: impl Into<Vec<u8>>) {
        self.objects[number - 1] = object.into();
    }

    /// Adds a stream; `entries` go into its dictionary.
    pub fn stream(&mut self, entries: &str, content: &[u8]) -> usize {
        let mut object = format!("<< {entries} /Length {} >>\nstream\n", content.len()).into_bytes();
        object.extend_from_slice(content);
        object.extend_from_slice(b"\nendstream");
        self.add(object)
    }

    /// The file with this catalog.
    pub fn finish(self, root: usize) -> Vec<u8> {
        let mut bytes = b"%PDF-1.7\n".to_vec();
        let mut offsets = Vec::with_capacity(self.objects.len());
        for (index, object) in self.objects.iter().enumerate() {
            offsets.push(bytes.len());
            bytes.extend(format!("{} 0 obj\n", index + 1).bytes());
            bytes.extend_from_slice(object);
            bytes.extend_from_slice(b"\nendobj\n");
        }
        let xref = bytes.len();
        let size = offsets.len() + 1;
        bytes.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").bytes());
        for offset in offsets {
            bytes.extend(format!("{offset:010} 00000 n \n").bytes());
        }
        bytes.extend(
            format!("trailer\n<< /Size {size} /Root {root} 0 R >>\nstartxref\n{xref}\n%%EOF\n").bytes(),
        );
        bytes
    }
}

/// A document: an ordinary page, one with this content, and another ordinary one. `make` adds what the page needs
/// and gives entries of its dictionary and its content's number.
pub fn between_ordinary_pages(make: impl FnOnce(&mut Pdf) -> (String, usize)) -> Vec<u8> {
    let mut pdf = Pdf::default();
    let font = pdf.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    let text = pdf.stream("", b"BT /F1 12 Tf 72 700 Td (Net sales rose 5% to $1,200 million.) Tj ET");
    let (entries, content) = make(&mut pdf);
    let pages = pdf.next() + 3;
    let ordinary = format!(
        "<< /Type /Page /Parent {pages} 0 R /MediaBox [0 0 612 792] /Contents {text} 0 R \
         /Resources << /Font << /F1 {font} 0 R >> >> >>"
    );
    let first = pdf.add(ordinary.clone());
    let bomb = pdf.add(format!(
        "<< /Type /Page /Parent {pages} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R {entries} >>"
    ));
    let last = pdf.add(ordinary);
    pdf.add(format!("<< /Type /Pages /Count 3 /Kids [{first} 0 R {bomb} 0 R {last} 0 R] >>"));
    let root = pdf.add(format!("<< /Type /Catalog /Pages {pages} 0 R >>"));
    pdf.finish(root)
}

/// `piece` repeated to at least `length` bytes, deflated without ever being whole in memory.
pub fn deflated(piece: &[u8], length: usize) -> Vec<u8> {
    let block = piece.repeat((1 << 20) / piece.len() + 1);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut written = 0;
    while written < length {
        encoder.write_all(&block).unwrap();
        written += block.len();
    }
    encoder.finish().unwrap()
}

/// Deflated once more: the inflated form of a bomb is mostly zeros and shrinks again.
pub fn deflated_again(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
