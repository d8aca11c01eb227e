//! Small PDFs written by hand, so that a test knows what must be found where.

/// One page: entries of its dictionary and its content stream.
pub struct PageSource {
    pub entries: String,
    pub content: String,
}

/// A page of 400 x 300 points with this content.
pub fn page(content: &str) -> PageSource {
    PageSource { entries: "/MediaBox [0 0 400 300]".into(), content: content.into() }
}

/// A page with `text` in 20 point Helvetica, its baseline starting at (100, 200).
pub fn text_page(text: &str) -> PageSource {
    page(&format!("BT /F1 20 Tf 100 200 Td ({text}) Tj ET"))
}

/// A document of these pages. `form` is the content of a form XObject that pages may draw as `/X1`.
pub fn document(pages: &[PageSource], form: &str) -> Vec<u8> {
    document_in("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>", pages, form)
}

/// A document whose text is in `font`, a font dictionary.
pub fn document_in(font: &str, pages: &[PageSource], form: &str) -> Vec<u8> {
    let first_page = 5;
    let kids: String = (0..pages.len()).map(|index| format!("{} 0 R ", first_page + 2 * index)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R /PageLabels << /Nums [0 << /S /r >>] >> >>".to_owned(),
        format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", pages.len()),
        font.to_owned(),
        stream(
            "/Type /XObject /Subtype /Form /BBox [0 0 400 300] /Matrix [1 0 0 1 10 20] \
             /Resources << /Font << /F1 3 0 R >> >>",
            form,
        ),
    ];
    for (index, page) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /Contents {} 0 R {} /Resources << /Font << /F1 3 0 R >> \
             /XObject << /X1 4 0 R >> >> >>",
            first_page + 2 * index + 1,
            page.entries
        ));
        objects.push(stream("", &page.content));
    }
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let xref = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        bytes.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    bytes.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n").bytes());
    bytes
}

fn stream(entries: &str, content: &str) -> String {
    format!("<< {entries} /Length {} >>\nstream\n{content}\nendstream", content.len())
}
