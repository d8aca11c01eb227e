//! One function per parser of untrusted bytes: it reads any bytes, checks what must hold of what it accepts, and says
//! whether it accepted them.
//! The fuzz targets call them, and so do the property tests of `make test`.

use std::io::Write;

use sha2::{Digest, Sha256};

use crate::config::{Config, OcrPolicy};
use crate::document::PageImage;
use crate::input::image_file::ImageDocument;
use crate::input::media::MediaType;
use crate::input::protocol::{Reply, Request};
use crate::input::segment::PageSegment;
use crate::input::tiff_frames::{self, Frames};
use crate::input::{resolution, tsv};
use crate::output::journal::Journal;
use crate::runtime::cache::{CacheInput, CacheKey};
use crate::runtime::disk_cache;
use docproc_networks::{file, libfann, ruv};
use docproc_onnx::{TensorValues, npy};

/// Messages between the main process and a page worker.
pub fn protocol(bytes: &[u8]) -> bool {
    let (request, reply) = (Request::parse(bytes), Reply::parse(bytes));
    if let Ok(request) = &request {
        assert_eq!(Request::parse(&request.encode()).as_ref(), Ok(request));
    }
    if let Ok(reply) = &reply {
        assert_eq!(Reply::parse(&reply.encode()).as_ref(), Ok(reply));
    }
    request.is_ok() || reply.is_ok()
}

/// A page in shared memory: what is accepted can be read to its end. Taken as it is, and as all but the picture.
pub fn segment(bytes: &[u8]) -> bool {
    let mut accepted = segment_of(bytes.to_vec());
    if bytes.len() >= 16 {
        let mut whole = bytes.to_vec();
        whole.resize(bytes.len() + PageImage::BYTES, 0x80);
        let length = whole.len() as u64;
        whole[8..16].copy_from_slice(&length.to_le_bytes());
        accepted |= segment_of(whole);
    }
    accepted
}

fn segment_of(bytes: Vec<u8>) -> bool {
    let Ok(segment) = PageSegment::from_bytes(bytes) else { return false };
    assert_eq!(segment.words().len(), segment.words().count());
    let page = segment.to_page();
    assert_eq!(page.words.len(), segment.words().len());
    assert!(page.words.iter().all(|word| word.bbox.x0 <= word.bbox.x1 && word.bbox.y0 <= word.bbox.y1));
    true
}

/// What tesseract prints.
pub fn tsv(bytes: &[u8]) -> bool {
    let Ok(words) = tsv::words(bytes, (0.24, 0.24)) else { return false };
    for word in words {
        assert!(word.bbox.x0 <= word.bbox.x1 && word.bbox.y0 <= word.bbox.y1);
        assert!(word.bbox.x1.is_finite() && word.bbox.y1.is_finite() && word.font_size.is_finite());
        assert!(!word.text.is_empty() && word.confidence.is_some_and(|value| (0.0..=1.0).contains(&value)));
    }
    true
}

/// Frames of a TIFF file, of at most a million pixels.
pub fn tiff(bytes: &[u8]) -> bool {
    let count = tiff_frames::count(bytes).unwrap_or(0);
    let mut accepted = false;
    for index in 0..count.min(3) {
        if let Ok(raster) = Frames::open(bytes).and_then(|frames| frames.read(index, 1_000_000)) {
            assert_eq!(raster.rgb.len(), raster.width as usize * raster.height as usize * 3);
            accepted = true;
        }
    }
    accepted
}

/// The resolution that an image file states.
pub fn resolution(bytes: &[u8]) -> bool {
    for kind in [MediaType::Png, MediaType::Jpeg, MediaType::Bmp] {
        let (across, down) = resolution::of(bytes, kind);
        assert!((50.0..=2400.0).contains(&across) && (50.0..=2400.0).contains(&down));
    }
    MediaType::of(bytes).is_some()
}

/// An image file of at most a million pixels, as a page: what is decoded has the size of its pixels.
pub fn image(bytes: &[u8]) -> bool {
    let Ok(document) = ImageDocument::open(bytes, 1_000_000) else { return false };
    let mut accepted = false;
    for number in 0..=document.info().page_count.min(2) {
        if let Ok((content, picture)) = document.read(number, OcrPolicy::Auto) {
            let (page, picture) = (content.page, picture.expect("a picture for OCR"));
            assert!(number > 0 && page.width > 0.0 && page.height > 0.0 && page.width.is_finite());
            let pixels = content.ocr.width as usize * content.ocr.height as usize;
            assert!(pixels <= 1_000_000 && picture.len() > pixels);
            assert_eq!(content.image.rgb().len(), PageImage::BYTES);
            accepted = true;
        }
    }
    accepted
}

/// The configuration file.
pub fn config(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| Config::parse(text).is_ok())
}

/// A network in docproc's own format: what is accepted is written the same. Taken as it is, and with the checksum
/// put right, without which nothing behind it would ever be reached.
pub fn network_file(bytes: &[u8]) -> bool {
    let mut accepted = network_of(bytes);
    if let Some(end) = bytes.len().checked_sub(32) {
        let content = &bytes[..end];
        accepted |= network_of(&[content, Sha256::digest(content).as_slice()].concat());
    }
    accepted
}

fn network_of(bytes: &[u8]) -> bool {
    // A description just below the largest may be above it once it is written out.
    let Ok(written) = file::read(bytes).and_then(|network| file::write(&network)) else { return false };
    let again = file::read(&written).expect("it is read again");
    assert_eq!(file::write(&again).expect("and written"), written);
    true
}

/// A network in libfann's format: what is accepted can be run and written.
pub fn libfann(bytes: &[u8]) -> bool {
    libfann::read("fuzz", bytes).is_ok_and(|network| libfann::write(&network).is_ok())
}

/// A network in ruv-fann's JSON: what is accepted can be written, and says the same when it is read again.
pub fn ruv_json(bytes: &[u8]) -> bool {
    let Ok(network) = ruv::read("fuzz", bytes) else { return false };
    let written = ruv::write(&network).expect("a network from there fits there");
    assert_eq!(ruv::read("fuzz", &written).expect("it is read again"), network);
    true
}

/// A result of the inference cache on disk: what is accepted is written the same. Taken as it is, and with the checksum
/// put right, without which nothing behind it would ever be reached.
pub fn disk_cache(bytes: &[u8]) -> bool {
    let key = CacheKey::new("model", "cpu", [CacheInput { ids: &[1], ..CacheInput::default() }], 8);
    let mut accepted = false;
    for bytes in [bytes.to_vec(), disk_cache::sealed(&key, bytes.get(40..).unwrap_or(bytes))] {
        if let Some(outputs) = disk_cache::decode(&bytes, &key) {
            assert!(
                outputs.iter().all(|tensor| tensor.values.len() == tensor.shape.iter().product::<usize>())
            );
            assert_eq!(disk_cache::encode(&key, &outputs), bytes);
            accepted = true;
        }
    }
    accepted
}

/// An ONNX model.
pub fn onnx(bytes: &[u8]) -> bool {
    let Ok(model) = docproc_onnx::file::parse(bytes.to_vec().into()) else { return false };
    for tensor in model.graph.iter().flat_map(|graph| &graph.initializer) {
        let _ = tensor.inline_bytes();
    }
    true
}

/// An array of NumPy: as many elements as its shape says.
pub fn npy(bytes: &[u8]) -> bool {
    let Ok(tensor) = npy::parse(bytes) else { return false };
    let length = match &tensor.values {
        TensorValues::F32(values) => values.len(),
        TensorValues::I64(values) => values.len(),
        TensorValues::I32(values) => values.len(),
        TensorValues::Bool(values) => values.len(),
    };
    assert_eq!(tensor.shape.iter().product::<usize>(), length);
    true
}

/// The journal: whatever a crash left of it opens, takes a record, and opens again.
pub fn journal(bytes: &[u8]) -> bool {
    // Where syncing costs nothing, if there is such a place.
    let shared = std::path::Path::new("/dev/shm");
    let folder = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
    let mut file = tempfile::NamedTempFile::new_in(&folder).expect("a temporary file");
    file.write_all(bytes).expect("written");
    let path = file.path();
    Journal::open(path, &folder).expect("any bytes are a journal");
    let once = std::fs::read(path).expect("read");
    Journal::open(path, &folder).expect("a cleaned journal is one, too");
    assert_eq!(once, std::fs::read(path).expect("read"), "a cleaned journal is left alone");
    !once.is_empty()
}
