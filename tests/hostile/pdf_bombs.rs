//! PDFs that ask for far more than they are.

use super::pdf::{Pdf, between_ordinary_pages, deflated, deflated_again};
use super::{Named, Scale};

const FONT: &str = "/Resources << /Font << /F1 1 0 R >> >>";

/// All of them.
pub fn all(scale: Scale) -> Vec<Named> {
    let inflated = scale.pick(64 << 20, 4 << 30);
    let nesting = scale.pick(20_000, 1_000_000);
    let pages = scale.pick(10_000, 100_000);
    let files = [
        ("inflate-content", between_ordinary_pages(|pdf| inflate(pdf, inflated, false))),
        ("inflate-twice", between_ordinary_pages(|pdf| inflate(pdf, inflated, true))),
        ("inflate-image", between_ordinary_pages(|pdf| image(pdf, 10_000, 10_000, true))),
        ("image-of-nothing", between_ordinary_pages(|pdf| image(pdf, 2_000_000_000, 2_000_000_000, false))),
        ("nested-arrays", between_ordinary_pages(|pdf| nested(pdf, nesting, "[", "]"))),
        ("nested-dictionaries", between_ordinary_pages(|pdf| nested(pdf, nesting, "<</A ", ">>"))),
        ("nested-states", between_ordinary_pages(|pdf| operators(pdf, "q ", nesting))),
        ("nested-marks", between_ordinary_pages(|pdf| operators(pdf, "/Span BMC ", nesting))),
        ("form-draws-itself", between_ordinary_pages(form_draws_itself)),
        ("forms-multiply", between_ordinary_pages(|pdf| forms_multiply(pdf, 10, 10))),
        ("characters", between_ordinary_pages(|pdf| characters(pdf, scale.pick(2_500_000, 10_000_000)))),
        ("words", between_ordinary_pages(|pdf| words(pdf, scale.pick(20_000, 190_000)))),
        ("meaning-multiplies", between_ordinary_pages(|pdf| meaning(pdf, scale.pick(2_000, 100_000)))),
        (
            "rulings",
            between_ordinary_pages(|pdf| {
                operators(pdf, "10 10 m 500 10 l S ", scale.pick(30_000, 2_000_000))
            }),
        ),
        ("pattern", between_ordinary_pages(pattern)),
        (
            "giant-page",
            between_ordinary_pages(|pdf| {
                let content = pdf.stream("", b"BT /F1 12 Tf 72 700 Td (large) Tj ET");
                (format!("{FONT} /MediaBox [-1e30 -1e30 1e30 1e30] /UserUnit 1e9"), content)
            }),
        ),
        ("annotations", between_ordinary_pages(|pdf| annotations(pdf, scale.pick(2_000, 200_000)))),
        ("many-pages", many_pages(pages)),
        ("one-page-many-times", one_page_many_times(pages)),
        ("pages-claimed", pages_claimed()),
        ("page-tree-deep", page_tree_deep(scale.pick(2_000, 100_000))),
        ("page-tree-circle", page_tree_circle()),
        ("object-stream-circle", object_stream_circle()),
        ("xref-circle", xref_circle()),
        ("length-of-itself", length_of_itself()),
        ("long-metadata", long_metadata(scale.pick(1 << 20, 64 << 20))),
        ("many-objects", many_objects(scale.pick(50_000, 2_000_000))),
        (
            "no-structure",
            [b"%PDF-1.7\n".to_vec(), b"1 0 obj\n".repeat(scale.pick(20_000, 2_000_000))].concat(),
        ),
        ("header-only", b"%PDF-1.7\n".to_vec()),
    ];
    files.into_iter().map(|(name, bytes)| (format!("bomb-{name}.pdf"), bytes)).collect()
}

fn inflate(pdf: &mut Pdf, length: usize, twice: bool) -> (String, usize) {
    let once = deflated(b"0 0 m 0 0 l ", length);
    let content = if twice {
        pdf.stream("/Filter [/FlateDecode /FlateDecode]", &deflated_again(&once))
    } else {
        pdf.stream("/Filter /FlateDecode", &once)
    };
    (FONT.into(), content)
}

fn image(pdf: &mut Pdf, width: usize, height: usize, real: bool) -> (String, usize) {
    let pixels = deflated(&[0], if real { width * height * 3 } else { 1 });
    let image = pdf.stream(
        &format!(
            "/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 \
             /ColorSpace /DeviceRGB /Filter /FlateDecode"
        ),
        &pixels,
    );
    let content = pdf.stream("", b"q 500 0 0 500 50 50 cm /I Do Q");
    (format!("/Resources << /XObject << /I {image} 0 R >> >>"), content)
}

fn nested(pdf: &mut Pdf, depth: usize, open: &str, close: &str) -> (String, usize) {
    let object = pdf.add([open.repeat(depth), "0".into(), close.repeat(depth)].concat());
    let content = pdf.stream("", format!("{} 0 {}", open.repeat(depth), close.repeat(depth)).as_bytes());
    (format!("{FONT} /PieceInfo {object} 0 R"), content)
}

fn operators(pdf: &mut Pdf, operator: &str, count: usize) -> (String, usize) {
    let content = operator.repeat(count) + "BT /F1 12 Tf 72 700 Td (after) Tj ET";
    (FONT.into(), pdf.stream("", content.as_bytes()))
}

fn form_draws_itself(pdf: &mut Pdf) -> (String, usize) {
    let form = pdf.next();
    let entries = format!(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {form} 0 R >> >>"
    );
    pdf.stream(&entries, b"/X Do /X Do");
    let content = pdf.stream("", b"/X Do");
    (format!("/Resources << /XObject << /X {form} 0 R >> >>"), content)
}

/// Each form draws the next `width` times: width to the power of depth drawings.
fn forms_multiply(pdf: &mut Pdf, depth: usize, width: usize) -> (String, usize) {
    let mut inner = pdf.stream(
        &format!("/Type /XObject /Subtype /Form /BBox [0 0 999 999] {FONT}"),
        b"BT /F1 12 Tf 10 10 Td (x) Tj ET 0 0 m 9 9 l S",
    );
    for _ in 0..depth {
        let entries = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 999 999] /Resources << /XObject << /X {inner} 0 R >> >>"
        );
        inner = pdf.stream(&entries, "/X Do ".repeat(width).as_bytes());
    }
    let content = pdf.stream("", b"/X Do");
    (format!("/Resources << /XObject << /X {inner} 0 R >> >>"), content)
}

fn characters(pdf: &mut Pdf, count: usize) -> (String, usize) {
    let line = format!("({}) Tj 0 -1 Td ", "abcdefg ".repeat(1250));
    let content = format!("BT /F1 1 Tf 1 790 Td {} ET", line.repeat(count / 10_000));
    (FONT.into(), pdf.stream("", content.as_bytes()))
}

fn words(pdf: &mut Pdf, count: usize) -> (String, usize) {
    let lines: String = (0..count / 100)
        .map(|line| format!("1 0 0 1 5 {:.2} Tm ({}) Tj ", 790.0 - line as f32 * 0.4, "ab ".repeat(100)))
        .collect();
    (FONT.into(), pdf.stream("", format!("BT /F1 0.3 Tf {lines} ET").as_bytes()))
}

/// Every glyph means a long text.
fn meaning(pdf: &mut Pdf, count: usize) -> (String, usize) {
    let long = "0041".repeat(500);
    let map = format!(
        "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange \
         1 beginbfchar <61> <{long}> endbfchar endcmap end"
    );
    let map = pdf.stream("", map.as_bytes());
    let font =
        pdf.add(format!("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode {map} 0 R >>"));
    let content =
        format!("BT /F1 1 Tf 1 790 Td {} ET", format!("({}) Tj ", "a".repeat(100)).repeat(count / 100));
    let content = pdf.stream("", content.as_bytes());
    (format!("/Resources << /Font << /F1 {font} 0 R >> >>"), content)
}

/// A pattern whose cells are far smaller than a pixel.
fn pattern(pdf: &mut Pdf) -> (String, usize) {
    let cell = pdf.stream(
        "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.00001 /YStep 0.00001 \
         /Resources << >>",
        b"0 0 1 1 re f",
    );
    let content = pdf.stream("", b"/Pattern cs /P scn 0 0 612 792 re f");
    (format!("/Resources << /Pattern << /P {cell} 0 R >> >>"), content)
}

fn annotations(pdf: &mut Pdf, count: usize) -> (String, usize) {
    let widget = pdf.add("<< /Type /Annot /Subtype /Widget /FT /Tx /V (x) /Rect [0 0 9 9] /F 4 >>");
    let content = pdf.stream("", b"");
    (format!("{FONT} /Annots [{}]", format!("{widget} 0 R ").repeat(count)), content)
}

fn with_pages(make: impl FnOnce(&mut Pdf, usize) -> String) -> Vec<u8> {
    let mut pdf = Pdf::default();
    pdf.add("<< /Type /Catalog /Pages 2 0 R >>");
    let pages = pdf.add("");
    let content = pdf.stream("", b"BT /F1 12 Tf 72 700 Td (a page) Tj ET");
    pdf.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    let entries = make(&mut pdf, content);
    pdf.replace(pages, format!("<< /Type /Pages {entries} >>"));
    pdf.finish(1)
}

fn page(content: usize) -> String {
    format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R \
         /Resources << /Font << /F1 4 0 R >> >> >>"
    )
}

fn many_pages(count: usize) -> Vec<u8> {
    with_pages(|pdf, content| {
        let kids: String = (0..count).map(|_| format!("{} 0 R ", pdf.add(page(content)))).collect();
        format!("/Count {count} /Kids [{kids}]")
    })
}

fn one_page_many_times(count: usize) -> Vec<u8> {
    with_pages(|pdf, content| {
        let page = pdf.add(page(content));
        format!("/Count {count} /Kids [{}]", format!("{page} 0 R ").repeat(count))
    })
}

fn pages_claimed() -> Vec<u8> {
    with_pages(|pdf, content| {
        let page = pdf.add(page(content));
        format!("/Count 2147483647 /Kids [{page} 0 R]")
    })
}

fn page_tree_deep(depth: usize) -> Vec<u8> {
    with_pages(|pdf, content| {
        let mut kid = pdf.add(page(content));
        for _ in 0..depth {
            kid = pdf.add(format!("<< /Type /Pages /Count 1 /Kids [{kid} 0 R] >>"));
        }
        format!("/Count 1 /Kids [{kid} 0 R]")
    })
}

fn page_tree_circle() -> Vec<u8> {
    with_pages(|pdf, content| {
        let page = pdf.add(page(content));
        format!("/Count 1000000 /Parent 2 0 R /Kids [2 0 R {page} 0 R 2 0 R]")
    })
}

/// Object streams that lie in one another, and one that extends itself.
fn object_stream_circle() -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (number, extends) in [(1, 2), (2, 1), (3, 3)] {
        offsets.push(bytes.len());
        bytes.extend(
            format!(
                "{number} 0 obj\n<< /Type /ObjStm /N 2 /First 8 /Extends {extends} 0 R /Length 60 >>\nstream\n\
                 {:<60}\nendstream\nendobj\n",
                "1 0 4 9 << /Type /Catalog /Pages 5 0 R >> 7"
            )
            .bytes(),
        );
    }
    let xref = bytes.len();
    // Objects 1 to 3 lie in the object streams 2, 3 and 1; 4 and 5 in 3.
    let entries: Vec<u8> = [[2, 0, 2, 0], [2, 0, 3, 0], [2, 0, 1, 0], [2, 0, 3, 0], [2, 0, 3, 1]].concat();
    bytes.extend(
        format!(
            "6 0 obj\n<< /Type /XRef /Size 7 /W [1 2 1] /Index [1 5] /Root 4 0 R /Length {} /Prev {xref} >>\nstream\n",
            entries.len()
        )
        .bytes(),
    );
    bytes.extend(entries);
    bytes.extend(format!("\nendstream\nendobj\nstartxref\n{xref}\n%%EOF\n").bytes());
    bytes
}

/// Tables of offsets that follow one another in a circle.
fn xref_circle() -> Vec<u8> {
    let mut bytes = with_pages(|pdf, content| {
        let page = pdf.add(page(content));
        format!("/Count 1 /Kids [{page} 0 R]")
    });
    let first = bytes.windows(5).rposition(|window| window == b"xref\n").unwrap_or(0);
    let second = bytes.len();
    bytes.extend(
        format!(
            "xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 9 /Root 1 0 R /Prev {second} /XRefStm {first} >>\n\
             startxref\n{second}\n%%EOF\n"
        )
        .bytes(),
    );
    bytes
}

fn length_of_itself() -> Vec<u8> {
    with_pages(|pdf, _| {
        let own = pdf.next();
        pdf.add(format!("<< /Length {own} 0 R >>\nstream\n0 0 m\nendstream"));
        let page = pdf.add(page(own));
        format!("/Count 1 /Kids [{page} 0 R]")
    })
}

fn long_metadata(length: usize) -> Vec<u8> {
    let mut bytes = with_pages(|pdf, content| {
        pdf.add(format!("<< /Title ({}) >>", "t".repeat(length)));
        let page = pdf.add(page(content));
        format!("/Count 1 /Kids [{page} 0 R]")
    });
    let at = bytes.windows(9).rposition(|window| window == b"/Root 1 0").unwrap_or(0);
    bytes.splice(at..at, b"/Info 5 0 R ".iter().copied());
    bytes
}

fn many_objects(count: usize) -> Vec<u8> {
    with_pages(|pdf, content| {
        let page = pdf.add(page(content));
        for _ in 0..count {
            pdf.add("0");
        }
        format!("/Count 1 /Kids [{page} 0 R]")
    })
}
