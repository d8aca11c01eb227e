//! Media types by content.

use std::path::Path;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// Portable Document Format.
    Pdf,
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Tagged Image File Format; every frame is a page.
    Tiff,
    /// WebP.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// JPEG 2000.
    Jpeg2000,
}

impl MediaType {
    /// Bytes of a file's beginning that [`MediaType::of`] looks at. Readers of PDF accept the header anywhere in the
    /// first 1,024 bytes (PDF 1.7 implementation note 13).
    pub const HEAD_BYTES: usize = 1024;

    /// The type of a file that begins with `head`; `None` if we do not read it.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let head = &head[..head.len().min(Self::HEAD_BYTES)];
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if head.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| head.starts_with(magic)) {
            Some(Self::Tiff)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else if head.starts_with(b"BM") && is_bmp_header(head) {
            Some(Self::Bmp)
        } else if head.starts_with(b"\0\0\0\x0cjP  ") || head.starts_with(b"\xff\x4f\xff\x51") {
            Some(Self::Jpeg2000)
        } else if head.windows(4).any(|window| window == b"%PDF") {
            // pdfium does not ask for the hyphen and the version after it, and files without them exist.
            Some(Self::Pdf)
        } else {
            None
        }
    }

    /// Whether a file of this name calls itself a document of a type that we read, whatever it holds.
    #[must_use]
    pub fn is_claimed_by(path: &Path) -> bool {
        const EXTENSIONS: [&str; 12] =
            ["pdf", "png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "jp2", "j2k", "jpf", "jpx"];
        path.extension()
            .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Jpeg2000 => "image/jp2",
        }
    }
}

/// `BM` begins many texts, too: the size of the information header that follows must be one that exists.
fn is_bmp_header(head: &[u8]) -> bool {
    let size = head.get(14..18).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    size.is_some_and(|size| [12, 16, 40, 52, 56, 64, 108, 124].contains(&size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_their_first_bytes() {
        let late_header = [vec![b' '; 900], b"%PDF-1.3".to_vec()].concat();
        assert_eq!(MediaType::of(&late_header), Some(MediaType::Pdf));
        let too_late = [vec![b' '; 1021], b"%PDF-1.3".to_vec()].concat();
        assert_eq!(MediaType::of(&too_late), None);
        assert_eq!(MediaType::of(b"%PDF\n1 0 obj"), Some(MediaType::Pdf));
        assert_eq!(MediaType::of(b"RIFF1234WEBPVP8 "), Some(MediaType::WebP));
        assert_eq!(MediaType::of(b"MM\0*rest"), Some(MediaType::Tiff));
        assert_eq!(MediaType::of(b"\0\0\0\x0cjP  \r\n\x87\n"), Some(MediaType::Jpeg2000));
        assert_eq!(MediaType::of(b"BM and other cars are text"), None);
        assert_eq!(MediaType::of(b""), None);
    }

    #[test]
    fn names_that_claim_to_be_documents() {
        assert!(MediaType::is_claimed_by(Path::new("a/Report.PDF")));
        assert!(MediaType::is_claimed_by(Path::new("scan.tiff")));
        assert!(!MediaType::is_claimed_by(Path::new("pdf")));
        assert!(!MediaType::is_claimed_by(Path::new("report.pdf.json")));
    }
}
