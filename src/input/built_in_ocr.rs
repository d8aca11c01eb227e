//! What reads pictures inside this process. The models come in from outside this room.

use std::fmt::Debug;

use crate::document::Word;
use crate::error::Result;

/// A gray picture of a page: one byte a pixel, rows from the top, 0 is black.
#[derive(Clone, Copy)]
pub struct GrayPicture<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height` bytes.
    pub pixels: &'a [u8],
}

/// What stands on a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PictureReading {
    /// Words with boxes and font sizes in pixels of the picture as it is turned.
    pub words: Vec<Word>,
    /// Clockwise quarters by which it must be turned to stand upright.
    pub quarters: u8,
    /// Angle of its lines then, in degrees clockwise.
    pub skew_degrees: f32,
    /// Lines that look like text and are none: what shows through from the other side.
    pub left_out: usize,
}

/// Says whether work may go on: an error ends it.
pub type MayGoOn<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// Reads the text on pictures. Their pixels are a stranger's.
pub trait PictureReader: Debug + Send + Sync {
    /// Reads a picture; with `turn`, as it stands upright. Between its steps it asks `may_go_on`.
    ///
    /// # Errors
    /// What the models or `may_go_on` say.
    fn read(&self, picture: GrayPicture<'_>, turn: bool, may_go_on: MayGoOn<'_>) -> Result<PictureReading>;
}
