//! Ending the process from any thread.
#![allow(unsafe_code)]

/// Ends the process at once: no destructor runs, so that no other thread sees a library that is half torn down and
/// takes that for the fault of its document. Files are written atomically, and workers die with their parent.
pub fn exit_at_once(code: u8) -> ! {
    // SAFETY: `_exit` takes any number, touches no memory of ours and does not return.
    unsafe { libc::_exit(i32::from(code)) }
}
