//! Bounded little-endian reading and writing, shared by the worker protocol and the page segment.

/// The bytes end early or hold a value that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} (at byte {offset})")]
pub(crate) struct WireError {
    /// What is wrong.
    pub(crate) what: &'static str,
    /// Where.
    pub(crate) offset: usize,
}

/// Reads from the front of a byte string; every read checks the length first.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// A cursor at `offset`.
    pub(crate) fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// An error at the current place.
    pub(crate) fn error(&self, what: &'static str) -> WireError {
        WireError { what, offset: self.offset }
    }

    /// The next `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let rest = self.bytes.get(self.offset..).unwrap_or(&[]);
        let (taken, _) = rest.split_at_checked(len).ok_or(self.error("the bytes end early"))?;
        self.offset += len;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    pub(crate) fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A float that must be finite.
    pub(crate) fn f32(&mut self) -> Result<f32, WireError> {
        let at = self.offset;
        let value = f32::from_le_bytes(self.array()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(WireError { what: "a number is not finite", offset: at })
        }
    }

    /// A byte that must be 0 or 1.
    pub(crate) fn bool(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.error("a flag is neither 0 nor 1")),
        }
    }

    /// A byte string with its length in front, at most `max` bytes.
    pub(crate) fn blob(&mut self, max: usize) -> Result<&'a [u8], WireError> {
        let len = self.u32()? as usize;
        if len > max {
            return Err(self.error("a string is longer than allowed"));
        }
        self.bytes(len)
    }

    /// UTF-8 text with its length in front, at most `max` bytes.
    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, WireError> {
        let at = self.offset;
        std::str::from_utf8(self.blob(max)?).map_err(|_| WireError { what: "text is not UTF-8", offset: at })
    }

    /// Fails if bytes are left over.
    pub(crate) fn end(&self) -> Result<(), WireError> {
        if self.offset == self.bytes.len() { Ok(()) } else { Err(self.error("there are bytes left over")) }
    }
}

/// Appends little-endian values to a byte string.
pub(crate) trait Put {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Appends a byte.
    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Appends two bytes.
    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    /// Appends four bytes.
    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    /// Appends eight bytes.
    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// Appends a float; one that is not finite is written as 0.
    fn put_f32(&mut self, value: f32) {
        self.put(&if value.is_finite() { value } else { 0.0 }.to_le_bytes());
    }

    /// Appends a byte string with its length in front.
    fn put_blob(&mut self, bytes: &[u8]) {
        self.put_u32(bytes.len() as u32);
        self.put(bytes);
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
