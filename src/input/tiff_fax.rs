//! Fax strips of TIFF files: Group 3 and Group 4 (ITU-T T.4 and T.6; TIFF 6.0, sections 10 and 11).

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode, decode};

use super::raster::malformed;
use crate::error::Result;

/// How the strips of a frame are coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fax {
    pub(super) encoding: EncodingMode,
    /// Every row starts at a byte and none ends with a mark: compression 2.
    pub(super) rows_alone: bool,
    /// The first pixel of a byte is in its lowest bit.
    pub(super) low_bit_first: bool,
    /// What is white on paper is stored as 0.
    pub(super) white_is_zero: bool,
}

/// Puts rows of gray pixels together.
struct Rows<'a> {
    gray: &'a mut Vec<u8>,
    width: usize,
    white: u8,
    end: usize,
}

impl Decoder for Rows<'_> {
    fn push_row(&mut self, changes: &[u32]) {
        let start = self.gray.len();
        if start + self.width > self.end {
            return;
        }
        self.gray.resize(start + self.width, self.white);
        for run in changes.chunks(2) {
            let from = (run[0] as usize).min(self.width);
            let to = run.get(1).map_or(self.width, |end| (*end as usize).clamp(from, self.width));
            self.gray[start + from..start + to].fill(255 - self.white);
        }
    }
}

impl Fax {
    /// Decodes a strip of so many rows behind those that are there. What a damaged strip lacks is paper.
    ///
    /// # Errors
    /// `image.malformed` where not a single row can be read.
    pub(super) fn strip(&self, data: &[u8], (width, rows): (u32, u32), gray: &mut Vec<u8>) -> Result<()> {
        let turned: Vec<u8>;
        let data = if self.low_bit_first {
            turned = data.iter().map(|byte| byte.reverse_bits()).collect();
            &turned
        } else {
            data
        };
        let settings = DecodeSettings {
            columns: width,
            rows,
            end_of_block: true,
            end_of_line: !self.rows_alone && self.encoding != EncodingMode::Group4,
            rows_are_byte_aligned: self.rows_alone,
            encoding: self.encoding,
            strict: false,
        };
        let white = if self.white_is_zero { 255 } else { 0 };
        let start = gray.len();
        let end = start + width as usize * rows as usize;
        let mut sink = Rows { gray: &mut *gray, width: width as usize, white, end };
        let decoded = decode(data, &mut sink, &mut DecoderContext::new(settings));
        if gray.len() == start {
            return match decoded {
                Err(error) => Err(malformed(error)),
                Ok(_) => Err(malformed("a fax strip has no rows")),
            };
        }
        gray.resize(end, white);
        Ok(())
    }
}
