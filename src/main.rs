//! The `docproc` executable.
fn main() {}
